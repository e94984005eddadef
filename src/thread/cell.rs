//! One value of a row as SQLite stores it. The library has its own type, so that only `db/` depends on SQLite.

/// A value in a cell of the database. SQLite does not enforce column types, so any variant may occur in any column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// SQL NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text. Text that is not UTF-8 in the database is read as [`Cell::Blob`].
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Cell {
    /// Returns the text of a text cell.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number of an integer cell.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Cell::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns true if the cell holds no information: NULL, the empty text or 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        CellRef::from(self).is_empty()
    }

    /// Returns a text cell, or NULL for `None`.
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

/// A borrowed cell, as in a page of a listing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CellRef<'a> {
    /// SQL NULL, or a column that the database lacks.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes, or text that is not UTF-8.
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

impl From<CellRef<'_>> for Cell {
    fn from(cell: CellRef<'_>) -> Cell {
        match cell {
            CellRef::Null => Cell::Null,
            CellRef::Integer(number) => Cell::Integer(number),
            CellRef::Real(number) => Cell::Real(number),
            CellRef::Text(text) => Cell::Text(text.to_owned()),
            CellRef::Blob(bytes) => Cell::Blob(bytes.to_owned()),
        }
    }
}

impl<'a> CellRef<'a> {
    /// Returns true if the cell holds no information: NULL, the empty text or 0.
    #[must_use]
    pub fn is_empty(self) -> bool {
        match self {
            CellRef::Null | CellRef::Integer(0) => true,
            CellRef::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    /// Returns the text of a text cell.
    #[must_use]
    pub fn as_text(self) -> Option<&'a str> {
        match self {
            CellRef::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number of an integer cell.
    #[must_use]
    pub fn as_integer(self) -> Option<i64> {
        match self {
            CellRef::Integer(number) => Some(number),
            _ => None,
        }
    }
}
