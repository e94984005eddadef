//! Opens a database for reading, so that nothing of it changes, or for writing. It knows no tables.
//!
//! [`Reader`] and [`Writer`] are types, so that a command that reads cannot write. A reader decides for each read how
//! to open the database, because a Codex may start or end in between.

mod checkpoint;
mod connect;
mod exclusive;
mod reader;
mod snapshot;
#[cfg(test)]
mod tests;
mod trouble;
mod writer;

pub use connect::OpenOptions;
pub(in crate::db) use connect::private_copy;
pub use exclusive::Exclusive;
pub use reader::Reader;
pub use snapshot::Access;
pub(crate) use trouble::refuse;
pub use trouble::{Trouble, explain, explain_io, explain_own, sqlite_error};
pub(in crate::db) use trouble::{class, reason};
pub use writer::{MAX_TRANSACTION, Writer};
