//! Rows of a listing, packed together so that a row needs no allocation. It does not know where they come from.

use super::query::Position;
use crate::db::row::as_cell;
use crate::thread::cell::{CellOf, CellRef};
use rusqlite::types::ValueRef;

/// Approximate bytes of text in one page; one more row may always be added.
const PAGE_BYTES: usize = 1 << 21;

/// Consecutive rows of a listing, packed together.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    bytes: Vec<u8>,
    cells: Vec<CellOf<PagePlace, PagePlace>>,
    width: usize,
    pub(super) rows: usize,
    /// Number of rows that were examined to find these.
    pub scanned: u64,
    /// Position of the last row examined.
    pub last: Option<Position>,
    /// True if no row follows.
    pub is_last: bool,
}

/// A place in the text, or in the bytes, of a page.
type PagePlace = (usize, usize);

impl Page {
    pub(super) fn clear(&mut self, width: usize) {
        self.text.clear();
        self.bytes.clear();
        self.cells.clear();
        *self = Page {
            text: std::mem::take(&mut self.text),
            bytes: std::mem::take(&mut self.bytes),
            cells: std::mem::take(&mut self.cells),
            width,
            ..Page::default()
        };
    }

    pub(super) fn push(&mut self, value: ValueRef<'_>) {
        let Page { text, bytes, cells, .. } = self;
        let push_text = |new: &str| {
            text.push_str(new);
            (text.len() - new.len(), text.len())
        };
        let push_bytes = |new: &[u8]| {
            bytes.extend_from_slice(new);
            (bytes.len() - new.len(), bytes.len())
        };
        cells.push(as_cell(value).map(push_text, push_bytes));
    }

    pub(super) fn is_full(&self, limit: usize) -> bool {
        self.rows >= limit || self.text.len() + self.bytes.len() > PAGE_BYTES
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Returns true if the page has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns the cell of a row at a place in the query's columns.
    #[must_use]
    pub fn cell(&self, row: usize, place: usize) -> CellRef<'_> {
        let cell = self.cells[row * self.width + place];
        cell.map(|(start, end)| &self.text[start..end], |(start, end)| &self.bytes[start..end])
    }
}
