//! The data that `status` shows. It does not decide how they are shown.

use crate::cli::commands::Place;
use crate::cli::commands::ways::Ways;
use crate::db::backup::BackupInfo;
use crate::home::DatabaseChoice;
use crate::status::{DatabaseStatus, N_DIFFERING, OtherDatabase, Rollouts, Unusable, Weights};
use crate::thread::Millis;
use crate::verify::{self, FindingKind, VerifyReport};
use std::path::Path;

/// The kinds of findings about a rollout and its row that a backfill repairs if it can use the rollout.
pub(super) const DIFFERING: [FindingKind; N_DIFFERING] = [
    FindingKind::FieldMismatch,
    FindingKind::MovedFile,
    FindingKind::ArchiveMismatch,
    FindingKind::MovedHome,
];

/// The data that `status` shows.
pub(super) struct StatusView<'a> {
    /// The home, if there is one; a named database needs none.
    pub(super) home: Option<&'a Path>,
    /// The configuration, and the folders that were searched for databases.
    pub(super) place: &'a Place,
    /// The database that is used, with the reason, and another one that is not.
    pub(super) choice: Option<DatabaseChoice>,
    /// The warning that the Codex of this home does not read it.
    pub(super) outdated: Option<String>,
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

impl StatusView<'_> {
    /// Returns the path of the database that is used.
    pub(super) fn used(&self) -> Option<&Path> {
        self.choice.as_ref().map(|choice| &*choice.chosen.path)
    }

    /// Returns the path of the database that is not used, if there is one.
    pub(super) fn other(&self) -> Option<&Path> {
        self.choice.as_ref()?.other.as_ref().map(|other| &*other.path)
    }
}
