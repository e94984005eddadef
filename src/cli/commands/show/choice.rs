//! Chooses the columns of a row that `show` prints.

use crate::error::WithHint as _;
use crate::thread::cell::Cell;
use anyhow::anyhow;

/// The choice of columns.
pub(super) struct ColumnChoice<'a> {
    /// The columns named on the command line; all columns if it is empty.
    pub(super) named: &'a [String],
    /// True if a time that has columns in seconds and in milliseconds is printed only once.
    hides_twins: bool,
}

impl<'a> ColumnChoice<'a> {
    pub(super) fn new(named: &'a [String], hides_twins: bool) -> ColumnChoice<'a> {
        ColumnChoice { named, hides_twins: hides_twins && named.is_empty() }
    }

    /// Returns the columns of a row to print.
    ///
    /// # Errors
    /// If the database has no such column.
    pub(super) fn of<'r>(&self, row: &'r [(String, Cell)]) -> anyhow::Result<Vec<&'r (String, Cell)>> {
        if self.named.is_empty() {
            let is_shown = |column: &&(String, Cell)| !(self.hides_twins && is_twin(column, row));
            return Ok(row.iter().filter(is_shown).collect());
        }
        let named = |name: &String| {
            row.iter().find(|(column, _)| column == name).ok_or_else(|| {
                let names: Vec<&str> = row.iter().map(|(column, _)| column.as_str()).collect();
                anyhow!("--columns: no column is called {name:?}")
                    .hint(format!("one of {}", names.join(", ")))
            })
        };
        self.named.iter().map(named).collect()
    }
}

/// Returns true if a column has in milliseconds the same time that another column has in seconds.
fn is_twin((name, cell): &(String, Cell), row: &[(String, Cell)]) -> bool {
    let seconds = name.strip_suffix("_ms").and_then(|name| row.iter().find(|(column, _)| column == name));
    seconds.is_some_and(|(_, seconds)| match (cell.as_integer(), seconds.as_integer()) {
        (Some(milliseconds), Some(seconds)) => milliseconds.div_euclid(1000) == seconds,
        _ => *cell == Cell::Null,
    })
}
