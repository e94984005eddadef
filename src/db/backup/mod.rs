//! Copies of a database, out and in, by SQLite's own backup, so that a running Codex is never in the way nor harmed;
//! the verbs decide when a copy is made.

mod automatic;
mod copy;
mod folder;
mod orphans;
mod pruned;
mod restore;
mod staging;
#[cfg(test)]
mod tests;

pub use automatic::{
    BackupInfo, Keeping, backups_in, backups_of, keep_automatic, keep_replaced, name_by_hand, prepare_folder,
    replaced_database, replaced_name, unreadable_folder,
};
pub(in crate::db) use copy::sync_file;
pub use copy::{CopyProgress, back_up, page_and_copy_size};
pub use folder::FOLDER;
pub use orphans::move_logs;
pub use pruned::{SavedRows, delete_thread};
pub use restore::{MovedAside, RestoredDatabase, check_backup, restore_into};
pub(in crate::db) use staging::Staging;
