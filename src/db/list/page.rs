//! Rows of a listing, packed together so that a row needs no allocation. It does not know where they come from.

use super::query::Position;
use crate::thread::cell::CellRef;
use rusqlite::types::ValueRef;

/// Approximate bytes of text in one page; one more row may always be added.
const PAGE_BYTES: usize = 1 << 21;

/// Consecutive rows of a listing, packed together.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    bytes: Vec<u8>,
    cells: Vec<Packed>,
    width: usize,
    pub(super) rows: usize,
    /// Number of rows that were examined to find these.
    pub scanned: u64,
    /// Position of the last row examined.
    pub last: Option<Position>,
    /// True if no row follows.
    pub is_last: bool,
}

#[derive(Debug, Clone, Copy)]
enum Packed {
    Null,
    Integer(i64),
    Real(f64),
    Text(usize, usize),
    Blob(usize, usize),
}

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
        let packed = match as_cell(value) {
            CellRef::Null => Packed::Null,
            CellRef::Integer(number) => Packed::Integer(number),
            CellRef::Real(number) => Packed::Real(number),
            CellRef::Text(text) => {
                let start = self.text.len();
                self.text.push_str(text);
                Packed::Text(start, self.text.len())
            }
            CellRef::Blob(bytes) => {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(bytes);
                Packed::Blob(start, self.bytes.len())
            }
        };
        self.cells.push(packed);
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
        match self.cells[row * self.width + place] {
            Packed::Null => CellRef::Null,
            Packed::Integer(number) => CellRef::Integer(number),
            Packed::Real(number) => CellRef::Real(number),
            Packed::Text(start, end) => CellRef::Text(&self.text[start..end]),
            Packed::Blob(start, end) => CellRef::Blob(&self.bytes[start..end]),
        }
    }
}

fn as_cell(value: ValueRef<'_>) -> CellRef<'_> {
    match value {
        ValueRef::Null => CellRef::Null,
        ValueRef::Integer(number) => CellRef::Integer(number),
        ValueRef::Real(number) => CellRef::Real(number),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => CellRef::Text(text),
            Err(_) => CellRef::Blob(bytes),
        },
        ValueRef::Blob(bytes) => CellRef::Blob(bytes),
    }
}
