//! What a listing asks for: which threads, in which order; no SQL.

use crate::db::schema::Schema;
use crate::thread::Millis;
use crate::thread::cell::Cell;
use crate::thread::columns::{COLUMNS, index};
use crate::thread::search::Search;

/// By which time threads are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// When they began.
    Created,
    /// When they were last written.
    #[default]
    Updated,
    /// When they were last used; by `Updated` where the column is missing.
    Recency,
    /// By the bytes of their rollouts, which no database knows: whoever lists orders them.
    Size,
}

impl Sort {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Sort::Created => "created",
            Sort::Updated => "updated",
            Sort::Recency => "recency",
            Sort::Size => "size",
        }
    }
}

/// A folder whose threads are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// As rows may spell it.
    pub path: String,
    /// Whether the folders below it count too.
    pub recursive: bool,
}

/// Which threads, in which order. By default all that have a message, and of each no column.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// The order.
    pub sort: Sort,
    /// Oldest first.
    pub reverse: bool,
    /// The archived ones or the others; `None` for both.
    pub archived: Option<bool>,
    /// Also threads that Codex's list hides for want of a message.
    pub hidden: bool,
    /// Any of these sources, if there are any; a word also matches objects with that key.
    pub sources: Vec<String>,
    /// Any of these providers, if there are any.
    pub providers: Vec<String>,
    /// Any of these folders, if there are any.
    pub folders: Vec<Folder>,
    /// At this time or later.
    pub since: Option<Millis>,
    /// Before this time.
    pub until: Option<Millis>,
    /// With each of these in title, name, preview or first message.
    pub search: Vec<Search>,
    /// Any of these models, if there are any.
    pub models: Vec<String>,
    /// Any of these branches of git, if there are any.
    pub branches: Vec<String>,
    /// Only threads that are pinned.
    pub pinned: bool,
    /// Only threads that Codex's default list shows, or only those that it hides.
    pub shown: Option<bool>,
    /// The provider whose threads Codex's default list shows.
    pub default_provider: String,
    /// The columns wanted, by position in [`COLUMNS`]; one that the database lacks is NULL.
    pub columns: Vec<usize>,
    /// Reads one cell more behind the columns: why Codex's default list hides the thread, a number for
    /// [`Reasons::of`](crate::db::shown::Reasons::of).
    pub with_reasons: bool,
}

/// Where a row stands in the order.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Its time, as the listing orders by it.
    pub time: Cell,
    /// Its id.
    pub id: Cell,
}

/// The time of a row as a cursor carries it from one run to the next.
#[derive(Debug, Clone, PartialEq)]
pub enum CursorTime {
    /// In milliseconds, whatever the database counts in.
    Millis(Millis),
    /// A cell that is no whole number of them. Rounding it would repeat rows or leave some out.
    AsItIs(Cell),
}

/// The column in milliseconds, if there is one, and that in seconds; names in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeColumns {
    pub(super) milliseconds: Option<&'static str>,
    pub(super) seconds: &'static str,
}

impl TimeColumns {
    pub(super) fn of(sort: Sort, schema: &Schema) -> TimeColumns {
        let (milliseconds, seconds) = match sort {
            Sort::Created => (index::CREATED_AT_MS, index::CREATED_AT),
            Sort::Recency if schema.has(index::RECENCY_AT) || schema.has(index::RECENCY_AT_MS) => {
                (index::RECENCY_AT_MS, index::RECENCY_AT)
            }
            Sort::Updated | Sort::Recency | Sort::Size => (index::UPDATED_AT_MS, index::UPDATED_AT),
        };
        let milliseconds = schema.has(milliseconds).then(|| COLUMNS[milliseconds].name);
        let seconds = if schema.has(seconds) { COLUMNS[seconds].name } else { "updated_at" };
        TimeColumns { milliseconds, seconds }
    }
}
