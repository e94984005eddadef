//! Lists threads page by page, in order; writes and prints nothing.
//!
//! [`Lister`] returns the pages. `listing.rs` builds the statement for one of them, `cursor.rs` says from where a listing
//! continues, `by_size.rs` orders by the size of the rollouts, which no database has.

mod by_size;
mod conditions;
mod cursor;
#[cfg(test)]
mod filter_tests;
mod lister;
mod listing;
mod page;
mod query;
#[cfg(test)]
pub(in crate::db) mod tests;

pub use lister::{ListOptions, Lister};
pub use page::Page;
pub use query::{Folder, Query, Sort};
