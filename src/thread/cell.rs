//! One value of a row, as SQLite keeps it; the library's own type so that only `db/` knows SQLite.

/// A value in a cell of the database. SQLite does not hold a column to its type, so any may occur anywhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// SQL NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text. What is not UTF-8 in the database arrives as [`Cell::Blob`].
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Cell {
    /// The text of a text cell.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an integer cell.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Cell::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether the cell says nothing: NULL, the empty text or 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Cell::Null | Cell::Integer(0) => true,
            Cell::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    /// A text cell, or NULL for none.
    #[must_use]
    pub fn optional_text(text: Option<&str>) -> Cell {
        text.map_or(Cell::Null, |text| Cell::Text(text.to_owned()))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Cell {
        Cell::Integer(number)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Cell {
        Cell::Integer(i64::from(flag))
    }
}

/// A cell that lies elsewhere, as in a page of a listing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CellRef<'a> {
    /// SQL NULL, and what the database has no column for.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes, and text that is no UTF-8.
    Blob(&'a [u8]),
}

impl<'a> From<&'a Cell> for CellRef<'a> {
    fn from(cell: &'a Cell) -> CellRef<'a> {
        match cell {
            Cell::Null => CellRef::Null,
            Cell::Integer(number) => CellRef::Integer(*number),
            Cell::Real(number) => CellRef::Real(*number),
            Cell::Text(text) => CellRef::Text(text),
            Cell::Blob(bytes) => CellRef::Blob(bytes),
        }
    }
}

impl<'a> CellRef<'a> {
    /// The text of a text cell.
    #[must_use]
    pub fn as_text(self) -> Option<&'a str> {
        match self {
            CellRef::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an integer cell.
    #[must_use]
    pub fn as_integer(self) -> Option<i64> {
        match self {
            CellRef::Integer(number) => Some(number),
            _ => None,
        }
    }
}
