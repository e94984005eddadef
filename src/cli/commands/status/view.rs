//! The data that `status` shows. It does not decide how they are shown.

use crate::cli::commands::ways::Ways;
use crate::db::backup::BackupInfo;
use crate::home::DatabaseCandidate;
use crate::status::{DatabaseStatus, OtherDatabase, Rollouts, Unusable, Weights};
use crate::thread::Millis;
use crate::verify::{self, VerifyReport};
use std::path::{Path, PathBuf};

/// The data that `status` shows.
pub(super) struct StatusView<'a> {
    /// The home, if there is one; a named database needs none.
    pub(super) home: Option<&'a Path>,
    pub(super) default_provider: &'a str,
    /// The error in the configuration, if it is not TOML.
    pub(super) invalid_config: Option<&'a str>,
    /// The database that is used, with the reason.
    pub(super) candidate: Option<DatabaseCandidate>,
    /// The warning that the Codex of this home does not read it.
    pub(super) outdated: Option<String>,
    /// The databases that are not used.
    pub(super) others: Vec<PathBuf>,
    /// The folders that were searched for databases.
    pub(super) looked_in: Vec<PathBuf>,
    /// The examined database; `None` if it cannot be read.
    pub(super) database: Option<DatabaseStatus>,
    /// The reason why it cannot be read.
    pub(super) error: Option<String>,
    pub(super) rollouts: Rollouts,
    pub(super) verify: Option<VerifyReport>,
    /// The first findings of that verify, including those about the whole home.
    pub(super) findings: Vec<verify::Finding>,
    /// The rollouts without a row that no backfill can give a row now; `None` if there are too many to open.
    pub(super) unusable: Option<Unusable>,
    /// The sizes of rollouts, by values in the rows of their threads.
    pub(super) weights: Option<Weights>,
    /// The databases of the home beside the one that is used, the largest first.
    pub(super) other_databases: Vec<OtherDatabase>,
    /// The databases that Codex itself moved aside, and their folder.
    pub(super) set_aside: Vec<OtherDatabase>,
    /// The advice about threads that Codex hides.
    pub(super) ways: Ways<'a>,
    /// The backups of the database, newest first, even if the database cannot be read.
    pub(super) backups: Vec<BackupInfo>,
    /// True if their folder cannot be read, so that there may be more.
    pub(super) are_backups_hidden: bool,
    pub(super) now: Millis,
}
