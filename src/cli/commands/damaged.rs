//! Finds the newest sound backup, which `restore` can use if `rebuild` does not help a damaged database.

use crate::cli::commands::{App, Place, backups};
use crate::cli::output::human;
use crate::db::Trouble;
use crate::error::shell_word;
use std::path::Path;

/// Returns the hint that names the newest sound backup of a database; `None` if there is none.
pub(super) fn newest_backup(app: &App, place: &Place, database: &Path) -> Option<String> {
    let newest = backups::latest(place, Some(database)).ok()?;
    let age = human::ago(newest.taken_at.timestamp_millis(), app.environment.now_ms());
    Some(format!(
        "codex-state restore {} brings back the newest sound backup, taken {age}",
        shell_word(&newest.path)
    ))
}

/// Returns that hint for a failure, if the failure says that a database of this run is damaged.
pub fn second_way(app: &App, error: &anyhow::Error) -> Option<String> {
    if !Trouble::of(error).is_some_and(Trouble::is_unusable) {
        return None;
    }
    let message = format!("{error:#}");
    let place = Place::find_or_nowhere(app).ok()?;
    let is_named = |path: &Path| message.contains(&*path.to_string_lossy());
    let database = place.databases.found.iter().find(|database| is_named(&database.path))?;
    newest_backup(app, &place, &database.path)
}
