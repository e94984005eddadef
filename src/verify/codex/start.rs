//! Finds databases with which Codex does not start: its own because of their ledgers, and damaged ones beside them.

use crate::db::ledger;
use crate::db::schema::Schema;
use crate::db::siblings::{self, Check, Fault, SIBLINGS};
use crate::verify::finding::Finding;
use crate::verify::kinds::FindingKind;
use crate::verify::options::Depth;
use crate::verify::run::VerifyRun;
use std::path::Path;

/// The greatest size in bytes of a database that a quick look checks page by page, and that a normal one does.
const QUICK_BYTES: u64 = 16 << 20;
const USUAL_BYTES: u64 = 128 << 20;

impl VerifyRun<'_> {
    /// Reports the migrations because of which Codex refuses the state database.
    pub(super) fn judge_ledger(&mut self, _schema: &Schema) -> anyhow::Result<()> {
        let faults = self.survey.database.read(ledger::faults)?;
        if !faults.is_empty() {
            let fails = if faults.keeps_from_starting() { "does not start" } else { "cannot work" };
            let message = format!("{}: Codex {fails} with this database", faults.describe());
            let finding = Finding::new(FindingKind::LedgerMismatch, message);
            self.report(finding.at(self.survey.database.path()), None);
        }
        Ok(())
    }

    /// Reports the databases beside the state database with which Codex does not start.
    pub(super) fn judge_siblings(&mut self, _schema: &Schema) -> anyhow::Result<()> {
        let folder = self.survey.database.path().parent().unwrap_or(Path::new("")).to_owned();
        let check = match self.options.depth {
            Depth::Quick => Check::UpTo(QUICK_BYTES),
            Depth::Fields => Check::UpTo(USUAL_BYTES),
            Depth::Deep => Check::Full,
        };
        for sibling in &SIBLINGS {
            if self.options.context.is_interrupted() {
                break;
            }
            let Some((path, fault)) =
                siblings::find_problem(&folder, sibling, self.survey.database.options(), check)
            else {
                continue;
            };
            let why = match fault {
                Fault::Damaged(reason) => format!("it is damaged ({})", one_line(&reason)),
                Fault::Unreadable(reason) => format!("it cannot be opened ({})", one_line(&reason)),
                Fault::Refused(versions) => {
                    let faults = ledger::LedgerFaults { failed: versions, ..Default::default() };
                    faults.describe()
                }
            };
            let message = format!(
                "Codex does not start with {}: {why}; it holds {}: if you move it aside, {}",
                sibling.file_name, sibling.holds, sibling.loss
            );
            self.report(Finding::new(FindingKind::SiblingDamaged, message).at(path), None);
        }
        Ok(())
    }
}

/// Returns a reason from SQLite in one line.
fn one_line(reason: &str) -> String {
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}
