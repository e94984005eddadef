//! Everything that `status` shows, gathered; not how.

use crate::cli::commands::ways::Ways;
use crate::db::backup::BackupInfo;
use crate::home::Candidate;
use crate::status::{Database, OtherDatabase, Rollouts, Unusable, Weights};
use crate::thread::Millis;
use crate::verify;
use std::path::{Path, PathBuf};

/// Everything that is shown.
pub(super) struct Look<'a> {
    /// Where there is one: a database that was named needs none.
    pub(super) home: Option<&'a Path>,
    pub(super) default_provider: &'a str,
    /// The database that is used, and why.
    pub(super) candidate: Option<Candidate>,
    /// Those that are not.
    pub(super) others: Vec<PathBuf>,
    /// Where databases were looked for.
    pub(super) looked_in: Vec<PathBuf>,
    /// What there is of it; nothing where it cannot be read.
    pub(super) database: Option<Database>,
    /// Why it cannot be read.
    pub(super) error: Option<String>,
    pub(super) rollouts: Rollouts,
    pub(super) verify: Option<verify::Report>,
    /// The first findings of that, those about the whole home among them.
    pub(super) findings: Vec<verify::Finding>,
    /// The rollouts without a row that no backfill can give one now; `None` if there are too many to open.
    pub(super) unusable: Option<Unusable>,
    /// The rollouts by what the rows say of their threads.
    pub(super) weights: Option<Weights>,
    /// The databases of the home beside the one that is used, the largest first.
    pub(super) other_databases: Vec<OtherDatabase>,
    /// The databases that Codex itself moved aside, and their folder.
    pub(super) set_aside: Vec<OtherDatabase>,
    /// What to do about threads that Codex hides.
    pub(super) ways: Ways<'a>,
    /// The backups of the database, newest first, whether it can be read or not.
    pub(super) backups: Vec<BackupInfo>,
    /// Whether their folder cannot be read, so that there may be more.
    pub(super) are_backups_hidden: bool,
    pub(super) now: Millis,
}
