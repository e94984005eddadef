//! Findings about the whole home: a moved home, the progress of Codex's indexing, the database file itself.

use super::finding::{FieldDifference, Finding};
use super::kinds::FindingKind;
use super::run::VerifyRun;
use crate::catalog::absent::naming_rows;
use crate::db::open::{Reader, Trouble};
use crate::db::{backfill_state, integrity};
use crate::thread::columns::Col;

impl VerifyRun<'_> {
    /// Reports once for each old home how many rows name rollouts there.
    pub(super) fn report_moved_homes(&mut self) {
        for (old, n) in std::mem::take(&mut self.noted.moved_homes) {
            let rows = naming_rows(n);
            let message = format!("{rows} below {old}, which is {} now", self.options.context.home.display());
            let field = FieldDifference {
                col: Col::RolloutPath,
                database: old.as_str().into(),
                file: self.options.context.home.to_string_lossy().as_ref().into(),
            };
            self.report(Finding::new(FindingKind::MovedHome, message).at(old).with(vec![field]), None);
        }
    }

    /// Checks whether Codex has indexed all files, according to the database.
    pub(super) fn judge_backfill_state(&mut self, has_state: bool) -> anyhow::Result<()> {
        if !has_state {
            return Ok(());
        }
        let state = self.survey.database.read(backfill_state::read)?;
        let message = match state {
            Some(state) if state.status == backfill_state::COMPLETE => return Ok(()),
            Some(state) if !backfill_state::is_known(&state.status) => {
                format!("backfill_state says \"{}\", with which Codex does not start", state.status)
            }
            Some(state) => {
                format!("backfill_state says \"{}\": Codex indexes the rollouts when it starts", state.status)
            }
            None => "backfill_state is empty: Codex indexes the rollouts when it starts".to_owned(),
        };
        let finding = Finding::new(FindingKind::BackfillIncomplete, message).at(self.survey.database.path());
        self.report(finding, None);
        Ok(())
    }

    /// Runs SQLite's check of the whole database file.
    pub(super) fn check_integrity(&mut self) -> anyhow::Result<()> {
        if let Some(finding) = damage(self.survey.database)? {
            self.report(finding, None);
        }
        Ok(())
    }
}

/// Returns a finding if SQLite's check finds a problem in the database file.
///
/// # Errors
/// If it cannot be read for another reason than damage.
pub(super) fn damage(reader: &mut Reader) -> anyhow::Result<Option<Finding>> {
    let found = reader.read(|connection| integrity::problems(connection, 100));
    let message = match found {
        Ok(problems) => match &problems[..] {
            [] => return Ok(None),
            [only] => format!("the integrity check failed: {only}"),
            [first, ..] => {
                format!("the integrity check found {} problems, first: {first}", problems.len())
            }
        },
        Err(error) if Trouble::of(&error) == Some(Trouble::Damaged) => {
            format!("the integrity check could not be finished: {}", error.root_cause())
        }
        Err(error) => return Err(error),
    };
    Ok(Some(Finding::new(FindingKind::DatabaseDamaged, message).at(reader.path())))
}
