//! Describes what a listing asks for: which threads, in which order. It contains no SQL.

use crate::db::schema::Schema;
use crate::thread::Millis;
use crate::thread::cell::Cell;
use crate::thread::columns::Col;
use crate::thread::search::Search;

/// The time by which threads are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Time when the thread began.
    Created,
    /// Time when the thread was last written.
    #[default]
    Updated,
    /// Time when the thread was last used; `Updated` if the column is missing.
    Recency,
    /// The size of the rollout. The database does not have it, so the caller orders the threads.
    Size,
}

impl Sort {
    /// Returns its name on the command line.
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

/// A folder to filter by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The path, in a spelling that rows may have.
    pub path: String,
    /// True if the folders below it match too.
    pub recursive: bool,
}

/// A selection of threads and their order. The default is all threads that have a message, with no columns.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// The order.
    pub sort: Sort,
    /// True to list the oldest first.
    pub reverse: bool,
    /// Only archived threads or only others; `None` for both.
    pub archived: Option<bool>,
    /// True to include threads that Codex's list hides because they have no message.
    pub hidden: bool,
    /// Any of these sources, unless empty; a word also matches objects with that key.
    pub sources: Vec<String>,
    /// Any of these providers, unless empty.
    pub providers: Vec<String>,
    /// Any of these folders, unless empty.
    pub folders: Vec<Folder>,
    /// Only threads at this time or later.
    pub since: Option<Millis>,
    /// Only threads before this time.
    pub until: Option<Millis>,
    /// Only threads that have each of these in the title, name, preview or first message.
    pub search: Vec<Search>,
    /// Any of these models, unless empty.
    pub models: Vec<String>,
    /// Any of these git branches, unless empty.
    pub branches: Vec<String>,
    /// True to list only pinned threads.
    pub pinned: bool,
    /// Only threads that Codex's default list shows, or only those that it hides; `None` for both.
    pub shown: Option<bool>,
    /// The provider whose threads Codex's default list shows.
    pub default_provider: String,
    /// Columns to read; one that the database lacks is read as NULL.
    pub columns: Vec<Col>,
    /// Reads one more cell after the columns: why Codex's default list hides the thread, as a number for
    /// [`Reasons::of`](crate::db::shown::Reasons::of).
    pub with_reasons: bool,
}

/// The position of a row in the order.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// The time by which the listing orders the row.
    pub time: Cell,
    /// The thread's id.
    pub id: Cell,
}

/// The time of a row, as a cursor carries it from one run to the next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CursorTime {
    /// Milliseconds, whatever the unit of the database is.
    Millis(Millis),
    /// A cell that is not a whole number of milliseconds. Rounding it would repeat or skip rows.
    AsItIs(Cell),
}

/// The column in milliseconds, if there is one, and the column in seconds; SQL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeColumns {
    pub(super) milliseconds: Option<&'static str>,
    pub(super) seconds: &'static str,
}

impl TimeColumns {
    pub(super) fn of(sort: Sort, schema: &Schema) -> TimeColumns {
        let (milliseconds, seconds) = match sort {
            Sort::Created => (Col::CreatedAtMs, Col::CreatedAt),
            Sort::Recency if schema.has(Col::RecencyAt) || schema.has(Col::RecencyAtMs) => {
                (Col::RecencyAtMs, Col::RecencyAt)
            }
            Sort::Updated | Sort::Recency | Sort::Size => (Col::UpdatedAtMs, Col::UpdatedAt),
        };
        let milliseconds = schema.has(milliseconds).then(|| milliseconds.name());
        let seconds = if schema.has(seconds) { seconds.name() } else { "updated_at" };
        TimeColumns { milliseconds, seconds }
    }
}
