//! Walks rows by id, page by page, so that memory stays bounded and no transaction is long. It runs no SQL.

use std::vec::IntoIter;

/// Number of rows per read.
pub(super) const PAGE: i64 = 1000;

/// A walk over the rows of a table, by id.
#[derive(Debug)]
pub struct ById<T> {
    id: fn(&T) -> &str,
    page: IntoIter<T>,
    /// The id after which the next page begins; `None` after the last page.
    after: Option<String>,
    is_lost: bool,
}

impl<T> ById<T> {
    /// Begins a walk over rows with this id.
    pub(super) fn new(id: fn(&T) -> &str) -> ById<T> {
        ById { id, page: Vec::new().into_iter(), after: Some(String::new()), is_lost: false }
    }

    /// Returns the next row; `None` after the last. `read` reads a page after an id; it is called if all rows of the
    /// last page were returned.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn next(&mut self, read: impl FnOnce(&str) -> anyhow::Result<Vec<T>>) -> anyhow::Result<Option<T>> {
        if let Some(row) = self.page.next() {
            return Ok(Some(row));
        }
        let Some(after) = self.after.take() else { return Ok(None) };
        let page = read(&after)?;
        let last = page.last().filter(|_| page.len() as i64 == PAGE).map(self.id);
        // An id that is not text comes last and cannot be continued from.
        self.is_lost = last == Some("");
        self.after = last.filter(|id| !id.is_empty()).map(str::to_owned);
        self.page = page.into_iter();
        Ok(self.page.next())
    }

    /// Returns true if rows may follow the last page that cannot be reached, because an id in it is not text.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }
}
