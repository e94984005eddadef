//! The columns of a listing: those of the table `threads`, and computed ones. Rows are chosen elsewhere.

use crate::catalog::forms;
use crate::cli::line::args;
use crate::cli::output::{TableCell, TableColumn, Value, cells, human, shown};
use crate::db::list::Page;
use crate::db::shown::Reasons;
use crate::thread::Millis;
use crate::thread::cell::CellRef;
use crate::thread::columns::Col;
use std::path::Path;

use args::{HIDDEN_BY, SIZE};

/// A column of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListColumn {
    /// A column of the table.
    Table(Col),
    /// The reasons why Codex's default list hides the thread.
    HiddenBy,
    /// The size of the rollout on disk, in bytes.
    Size,
}

impl ListColumn {
    /// Finds the column with this name.
    pub(super) fn named(name: &str) -> Option<ListColumn> {
        match name {
            HIDDEN_BY => Some(ListColumn::HiddenBy),
            SIZE => Some(ListColumn::Size),
            name => Col::named(name).map(ListColumn::Table),
        }
    }

    /// Returns its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            ListColumn::Table(col) => col.name(),
            ListColumn::HiddenBy => HIDDEN_BY,
            ListColumn::Size => SIZE,
        }
    }

    /// Returns its column in a table for people.
    pub(super) fn table_column(self) -> TableColumn {
        match self {
            ListColumn::Table(col) => cells::table_column(col),
            ListColumn::HiddenBy => TableColumn::text(HIDDEN_BY),
            ListColumn::Size => TableColumn::number(SIZE),
        }
    }
}

/// The cells read of each row, from which the printed columns are built.
#[derive(Debug, Clone)]
pub(super) struct ReadCells {
    /// The columns, in the order of a page's cells.
    pub(super) columns: Vec<Col>,
    /// True if a page has one more cell, for [`ListColumn::HiddenBy`].
    pub(super) with_reasons: bool,
}

impl ReadCells {
    /// Returns the cells to read for `shown`: its columns of the table come first, in their order.
    pub(super) fn of(shown: &[ListColumn]) -> ReadCells {
        let mut columns: Vec<Col> = shown
            .iter()
            .filter_map(|column| match column {
                ListColumn::Table(col) => Some(*col),
                _ => None,
            })
            .collect();
        let needs_path = shown.contains(&ListColumn::Size) && !columns.contains(&Col::RolloutPath);
        columns.extend(needs_path.then_some(Col::RolloutPath));
        ReadCells { columns, with_reasons: shown.contains(&ListColumn::HiddenBy) }
    }
}

/// A row of a page.
#[derive(Clone, Copy)]
pub(super) struct PageRow<'a> {
    pub(super) read: &'a ReadCells,
    pub(super) page: &'a Page,
    pub(super) row: usize,
}

impl<'a> PageRow<'a> {
    /// Returns the cell of a column of the table.
    pub(super) fn cell(&self, column: Col) -> CellRef<'a> {
        let place = self.read.columns.iter().position(|read| *read == column);
        place.map_or(CellRef::Null, |place| self.page.cell(self.row, place))
    }

    /// Returns the reasons why Codex's default list hides the thread.
    pub(super) fn reasons(&self) -> Reasons {
        let bits = self.read.with_reasons.then(|| self.page.cell(self.row, self.read.columns.len()));
        Reasons::of(bits.and_then(|bits| bits.as_integer()).unwrap_or_default())
    }

    /// Returns the size of the rollout on disk in bytes; `None` if it cannot be found.
    pub(super) fn size(&self) -> Option<u64> {
        forms::size(Path::new(self.cell(Col::RolloutPath).as_text()?))
    }

    /// Returns the value of a column, for machines.
    pub(super) fn value(&self, column: ListColumn) -> Value<'a> {
        match column {
            ListColumn::Table(col) => cells::value(col.column().kind, self.cell(col)),
            ListColumn::HiddenBy => Value::Text(self.reasons().names().into()),
            ListColumn::Size => {
                self.size().and_then(|size| i64::try_from(size).ok()).map_or(Value::Null, Value::Int)
            }
        }
    }

    /// Returns the cell of a column, for people.
    pub(super) fn table_cell(&self, column: ListColumn, now: Millis) -> TableCell {
        match column {
            ListColumn::Table(col) => cells::table_cell(col.column().kind, self.cell(col), now),
            ListColumn::HiddenBy => TableCell::new(shown::reasons(self.reasons())),
            ListColumn::Size => TableCell::new(self.size().map_or_else(String::new, human::bytes)),
        }
    }
}
