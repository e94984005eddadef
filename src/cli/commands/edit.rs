//! A run of a command that changes a database: what it works on, how it opens that, and the last lines of its output.

use crate::cli::commands::{App, Place};
use crate::cli::output::{Member, OutputForm, human, shown};
use crate::db::{Shown, Writer, backup};
use crate::error::shell_word;
use std::path::{Path, PathBuf};

/// A run of a command that changes a database.
pub(super) struct Edit<'a> {
    pub(super) app: &'a mut App,
    /// The form of its result.
    pub(super) form: OutputForm,
    pub(super) place: Place,
    /// The database, which may have yet to be created.
    pub(super) database: PathBuf,
    /// True if the run only shows what it would do.
    pub(super) dry_run: bool,
    /// True to keep a backup of the database before the first change, if one is due.
    pub(super) keeps_backup: bool,
}

impl<'a> Edit<'a> {
    /// Begins a run on the only database of a home.
    ///
    /// # Errors
    /// If there is no home or no database, or if there are two databases.
    pub(super) fn begin(
        app: &'a mut App,
        form: OutputForm,
        dry_run: bool,
        no_backup: bool,
    ) -> anyhow::Result<Edit<'a>> {
        let place = Place::find(app)?;
        let database = place.only(app)?.ok_or_else(|| place.no_database())?;
        Ok(Edit { app, form, place, database, dry_run, keeps_backup: !no_backup })
    }

    /// Opens the database for writing and does the work, after a backup if one is due. Returns the result of the work, and
    /// the backup.
    ///
    /// # Errors
    /// If the backup cannot be made, the database cannot be written, or the work fails.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&mut Writer) -> anyhow::Result<T>,
    ) -> anyhow::Result<(T, Option<PathBuf>)> {
        let options = &self.place.options;
        // Made before the database is opened for writing, because then nothing else in this process may open the file.
        let backup = match self.keeps_backup {
            true => {
                let keeping = backup::Keeping::at(self.app.environment.now);
                backup::keep_automatic(&self.database, options, &keeping)?
            }
            false => None,
        };
        if let Some(path) = &backup {
            self.app.messages.say(&format!("the database as it was is kept in {}", path.display()));
        }
        let mut writer = Writer::open(&self.database, options)?;
        let done = work(&mut writer)?;
        writer.close()?;
        Ok((done, backup))
    }

    /// Returns the last members of a report: how many threads Codex's default list shows, and whether this was a dry run.
    pub(super) fn last_members(&self, counts: &Shown) -> [(&'static str, Member<'static>); 3] {
        [
            ("shown_before", counts.before.shown().into()),
            ("shown_after", counts.after.shown().into()),
            ("dry_run", self.dry_run.into()),
        ]
    }

    /// Prints what Codex's default list shows after the run, or would show.
    pub(super) fn say_shown(&self, counts: &Shown) {
        self.app.messages.say(&shown::change(&counts.before, &counts.after, self.dry_run));
    }

    /// Prints, as the last line, the backup that undoes the run: the one that this run `kept`, otherwise the newest of an
    /// earlier run, with its age.
    pub(super) fn say_undo(&self, kept: Option<&Path>) {
        if let Some(path) = kept {
            self.app.messages.hint(&format!("codex-state restore {} undoes it", shell_word(path)));
        } else if let Some(earlier) = backup::backups_of(&self.database).first() {
            let age = match human::ago(earlier.taken_at.timestamp_millis(), self.app.environment.now_ms()) {
                now if now == "now" => "a moment ago".to_owned(),
                age => age,
            };
            self.app.messages.hint(&format!(
                "codex-state restore {} brings back the database as it was {age}, before this and earlier runs",
                shell_word(&earlier.path)
            ));
        }
    }
}
