//! The last lines of a command that changes rows: what Codex's list now shows, and the backup that undoes the run.

use crate::cli::commands::App;
use crate::cli::output::{Member, human, shown};
use crate::db::{Shown, backup};
use crate::error::shell_word;
use std::path::Path;

/// Prints what Codex's default list shows after a run, or would show.
pub(super) fn say_shown(app: &App, counts: &Shown, dry_run: bool) {
    app.messages.say(&shown::change(&counts.before, &counts.after, dry_run));
}

/// Returns the last members of a report: how many threads Codex's default list shows, and whether this was a dry run.
pub(super) fn members(counts: &Shown, dry_run: bool) -> [(&'static str, Member<'static>); 3] {
    [
        ("shown_before", counts.before.shown().into()),
        ("shown_after", counts.after.shown().into()),
        ("dry_run", dry_run.into()),
    ]
}

/// Prints, as the last line, the backup that undoes a run: the one that this run `kept`, otherwise the newest of an
/// earlier run, with its age.
pub(super) fn say_undo(app: &App, database: &Path, kept: Option<&Path>) {
    if let Some(path) = kept {
        app.messages.hint(&format!("codex-state restore {} undoes it", shell_word(path)));
        return;
    }
    let now = app.environment.now_ms();
    if let Some(earlier) = backup::backups_of(database).first() {
        let age = match human::ago(earlier.taken_at.timestamp_millis(), now) {
            now if now == "now" => "a moment ago".to_owned(),
            age => age,
        };
        app.messages.hint(&format!(
            "codex-state restore {} brings back the database as it was {age}, before this and earlier runs",
            shell_word(&earlier.path)
        ));
    }
}
