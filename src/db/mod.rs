//! All access to SQLite: the only folder that uses `rusqlite`. The meaning of rows is defined in `thread/`.

pub mod backfill_state;
pub mod backup;
mod by_id;
pub mod catalogue;
pub mod cells;
pub mod census;
pub mod create;
pub mod facts;
pub mod folders;
mod get_many;
pub mod history;
pub mod integrity;
pub mod ledger;
pub mod list;
pub mod many;
pub mod names;
pub mod open;
mod packed;
pub mod projects;
pub mod providers;
pub mod rebuild;
pub mod row;
pub mod row_page;
mod salvage;
pub mod schema;
pub mod shown;
pub mod siblings;
pub mod spawn;
pub mod spill;
pub mod tally;
#[cfg(test)]
pub(crate) mod testing;
pub mod threads;
pub mod titles;
mod verdicts;

pub use by_id::ById;
pub use census::Census;
pub use create::NewSchema;
pub use many::{Many, Stored};
pub use open::{OpenOptions, Reader, Trouble, Writer};
pub use rusqlite::Connection;
pub use schema::Schema;
pub use tally::{Shown, Tally};
pub use threads::ThreadStatements;

/// Returns the version of SQLite that is built in.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
