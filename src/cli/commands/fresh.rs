//! Chooses and announces the database that `backfill` creates in a home without one.

use crate::backfill::fresh::{self, PlannedDatabase};
use crate::cli::commands::{App, Place};
use crate::cli::line::fresh::SchemaChoice;
use crate::cli::output::human;
use crate::db::NewSchema;
use crate::error::shell_word;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Chooses the database to create: by the schema on the command line, otherwise by the Codex of the home.
pub fn choose(
    place: &Place,
    schema: Option<SchemaChoice>,
    interrupted: &AtomicBool,
) -> (PlannedDatabase, PathBuf) {
    let folder = place.databases.create_in();
    let new = match schema {
        None => fresh::plan_database(&place.home, folder, interrupted),
        Some(named) => PlannedDatabase {
            schema: match named {
                SchemaChoice::Phase1 => NewSchema::Phase1,
                SchemaChoice::State5 => NewSchema::State5,
            },
            reason: "--schema says so".to_owned(),
            too_old: None,
        },
    };
    let path = folder.join(new.schema.file_name());
    (new, path)
}

/// Prints which database is created and why. Warns about backups of a lost database, and about a Codex that may
/// refuse the new one.
pub fn announce(app: &App, place: &Place, new: &PlannedDatabase, path: &Path, dry_run: bool) {
    if let Some(newest) = place.backups(None).first() {
        let age = human::ago(newest.taken_at.timestamp_millis(), app.environment.now_ms());
        app.messages.warn(&format!(
            "the database is gone, but a backup of one is here, taken {age}; it knows names, pins and sections that \
             the rollouts do not"
        ));
        app.messages
            .hint(&format!("codex-state restore {}, then codex-state backfill", shell_word(&newest.path)));
    }
    let is_made = if dry_run { "would be made" } else { "is made" };
    app.messages.say(&format!(
        "{}: no database was here, so this one {is_made}, because {}",
        path.display(),
        new.reason
    ));
    if let Some(version) = &new.too_old {
        app.messages.warn(&format!(
            "the database is for Codex 0.119 or later; Codex {version}, which wrote the newest rollout, refuses it: \
             update Codex"
        ));
    }
}

/// Warns that the Codex of this home does not read the database, if it is that of an old Codex.
pub(super) fn warn_of_outdated(app: &App, home: &Path, database: &Path, newest: Option<[u32; 2]>) {
    if let Some(warning) = outdated(app, home, database, newest) {
        app.messages.warn(&warning);
        app.messages.hint(&format!("close Codex and run {MAKE_CURRENT}"));
    }
}

/// The command that replaces the database of an old Codex.
pub(super) const MAKE_CURRENT: &str =
    "codex-state rebuild --force: it makes state_5.sqlite, with everything in this one";

/// Returns the warning that the Codex of this home does not read the database, if it is that of an old Codex. A
/// database that was named with `--db` is what the user wants.
pub(super) fn outdated(app: &App, home: &Path, database: &Path, newest: Option<[u32; 2]>) -> Option<String> {
    if app.global.db.is_some() {
        return None;
    }
    let readers = fresh::readers_of_outdated(home, database, newest, &app.interrupted)?;
    let database = database.display();
    Some(format!("{database} is the database of {readers}; the Codex here reads state_5.sqlite"))
}

/// Prints where the logs are that lay beside the name of a new database.
pub fn say_logs(app: &App, logs: &[PathBuf]) {
    for log in logs {
        app.messages.warn(&format!("the log of a lost database was there; it is kept in {}", log.display()));
    }
}
