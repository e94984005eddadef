//! One value of a row as SQLite stores it. The library has its own type, so that only `db/` depends on SQLite.

/// A value in a cell of the database, with its text as `T` and its bytes as `B`. SQLite does not enforce column types,
/// so any variant may occur in any column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CellOf<T, B> {
    /// SQL NULL, or a column that the database lacks.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text. Text that is not UTF-8 in the database is read as [`CellOf::Blob`].
    Text(T),
    /// Bytes.
    Blob(B),
}

/// A cell with its content.
pub type Cell = CellOf<String, Vec<u8>>;

/// A borrowed cell, as in a page of a listing.
pub type CellRef<'a> = CellOf<&'a str, &'a [u8]>;

impl<T, B> CellOf<T, B> {
    /// Returns the number of an integer cell.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            CellOf::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the same cell with its text or bytes converted.
    #[inline]
    #[must_use]
    pub fn map<U, C>(self, text: impl FnOnce(T) -> U, blob: impl FnOnce(B) -> C) -> CellOf<U, C> {
        match self {
            CellOf::Null => CellOf::Null,
            CellOf::Integer(number) => CellOf::Integer(number),
            CellOf::Real(number) => CellOf::Real(number),
            CellOf::Text(content) => CellOf::Text(text(content)),
            CellOf::Blob(content) => CellOf::Blob(blob(content)),
        }
    }
}

impl<T: AsRef<str>, B> CellOf<T, B> {
    /// Returns true if the cell holds no information: NULL, the empty text or 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            CellOf::Null | CellOf::Integer(0) => true,
            CellOf::Text(text) => text.as_ref().is_empty(),
            _ => false,
        }
    }
}

impl Cell {
    /// Returns the text of a text cell.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        CellRef::from(self).as_text()
    }

    /// Returns a text cell, or NULL for `None`.
    #[must_use]
    pub fn optional_text(text: Option<&str>) -> Cell {
        text.map_or(Cell::Null, Cell::from)
    }
}

impl<'a> CellRef<'a> {
    /// Returns the text of a text cell.
    #[must_use]
    pub fn as_text(self) -> Option<&'a str> {
        match self {
            CellRef::Text(text) => Some(text),
            _ => None,
        }
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
    #[inline]
    fn from(cell: CellRef<'_>) -> Cell {
        cell.map(str::to_owned, <[u8]>::to_vec)
    }
}
