//! The table of `list` for people. The module beside it selects the rows and writes for machines.

use crate::cli::commands::App;
use crate::cli::commands::list::columns::{ListColumn, PageRow, ReadCells};
use crate::cli::commands::list::pages;
use crate::cli::output::{Table, TableCell, TableColumn, Tone, cells, human, report};
use crate::db::list::{Lister, Page, Sort};
use crate::db::shown::HiddenReason;
use crate::db::threads;
use crate::sys;
use crate::thread::Millis;
use crate::thread::columns::Col;
use std::path::{self, Path};

/// Number of rows laid out together; a longer table continues with new widths, so that memory does not grow with it.
const TABLE_ROWS: u64 = 2000;

/// The table for people who name no columns.
pub(super) struct Own {
    /// The order; its time is shown.
    pub(super) sort: Sort,
    /// True if all threads are archived, so that the table need not mark them.
    pub(super) archived: bool,
}

impl Own {
    fn times(sort: Sort) -> [Col; 4] {
        let updated = [Col::UpdatedAtMs, Col::UpdatedAt];
        let [milliseconds, seconds] = match sort {
            Sort::Created => [Col::CreatedAtMs, Col::CreatedAt],
            Sort::Updated | Sort::Size => updated,
            Sort::Recency => [Col::RecencyAtMs, Col::RecencyAt],
        };
        [milliseconds, seconds, updated[0], updated[1]]
    }

    /// Returns the cells to read of each row.
    pub(super) fn read(sort: Sort) -> ReadCells {
        let mut columns = vec![Col::Id, Col::Cwd, Col::Title, Col::Name, Col::Preview];
        columns.extend([Col::Archived, Col::IsPinned]);
        columns.extend(Own::times(sort));
        columns.extend((sort == Sort::Size).then_some(Col::RolloutPath));
        ReadCells { columns, with_reasons: true }
    }

    fn header(&self) -> Vec<TableColumn> {
        let order = match self.sort {
            Sort::Size => TableColumn::number(self.sort.name()),
            _ => TableColumn::text(self.sort.name()),
        };
        vec![TableColumn::text("id"), order, TableColumn::path("cwd"), TableColumn::title("title")]
    }

    fn row(&self, line: &PageRow<'_>, id: TableCell, around: &Around<'_>) -> Vec<TableCell> {
        let cell = |column| line.cell(column);
        let is_set = |column| cell(column).as_integer().is_some_and(|flag| flag != 0);
        let mut times = Own::times(self.sort).into_iter();
        let time = times.find_map(|column| cells::millis(column.column().kind, cell(column)));
        let order = match self.sort {
            Sort::Size => line.size().map(human::bytes),
            _ => time.map(|time| human::ago(time, around.now)),
        };
        let text = |column| cell(column).as_text().filter(|text| !text.trim().is_empty());
        let title = [Col::Name, Col::Title, Col::Preview].into_iter().find_map(text);
        let is_archived = is_set(Col::Archived) && !self.archived;
        let pinned = if is_set(Col::IsPinned) { "[pinned] " } else { "" };
        let archived = if is_archived { "[archived] " } else { "" };
        let is_hidden = is_hidden(line);
        let hidden = if is_hidden { "[hidden] " } else { "" };
        vec![
            id,
            TableCell::new(order.unwrap_or_default()),
            TableCell::exact(around.short_folder(text(Col::Cwd).unwrap_or_default())).tone(Tone::Dim),
            TableCell::new(format!("{pinned}{archived}{hidden}{}", title.unwrap_or_default()))
                .tone(if is_archived || is_hidden { Tone::Dim } else { Tone::Normal }),
        ]
    }
}

/// Returns true if Codex's default list hides a thread for another reason than that it is archived.
fn is_hidden(line: &PageRow<'_>) -> bool {
    line.reasons().iter().any(|reason| reason != HiddenReason::Archived)
}

/// The values that the text of a table depends on.
struct Around<'a> {
    now: Millis,
    user_home: &'a str,
}

impl Around<'_> {
    fn short_folder(&self, folder: &str) -> String {
        let folder = &*sys::without_verbatim_prefix(folder);
        match folder.strip_prefix(self.user_home) {
            Some(rest)
                if !self.user_home.is_empty()
                    && (rest.is_empty() || rest.starts_with(path::is_separator)) =>
            {
                format!("~{rest}")
            }
            _ => folder.to_owned(),
        }
    }
}

/// The result of writing a table.
pub(super) struct WrittenTable {
    /// Number of rows.
    pub(super) rows: u64,
    /// Number of rows marked as hidden.
    pub(super) hidden: u64,
    /// The columns for which there was no room.
    pub(super) left_out: Vec<String>,
}

/// Writes a table. `read` are the cells of a page, `shown` are the requested columns.
pub(super) fn write(
    app: &mut App,
    form: &report::OutputForm,
    lister: &mut Lister<'_>,
    read: &ReadCells,
    shown: &[ListColumn],
    own: Option<&Own>,
) -> anyhow::Result<WrittenTable> {
    let user_home = app.environment.home_dir.as_deref().and_then(Path::to_str).unwrap_or_default().to_owned();
    let around = Around { now: app.environment.now_ms(), user_home: &user_home };
    let new = || {
        let named = || shown.iter().map(|column| column.table_column()).collect();
        Table::new(own.map_or_else(named, Own::header), form.width, form.style)
    };
    let (mut table, mut n, mut hidden, mut left_out) = (new(), 0, 0, Vec::new());
    let is_stopped = pages::stops(app);
    while !is_stopped()
        && let Some(page) = lister.next_page()?
    {
        let lengths = short_lengths(lister, &read.columns, &page)?;
        for (row, length) in lengths.into_iter().enumerate() {
            let line = PageRow { read, page: &page, row };
            let id = line.cell(Col::Id).as_text().unwrap_or_default();
            let id = TableCell::exact(id.get(..length).unwrap_or(id)).tone(Tone::Accent);
            match own {
                Some(own) => {
                    hidden += u64::from(is_hidden(&line));
                    table.row(own.row(&line, id, &around));
                }
                None => table.row(shown.iter().map(|&column| match column {
                    ListColumn::Table(Col::Id) => id.clone(),
                    column => line.table_cell(column, around.now),
                })),
            }
            n += 1;
            if n % TABLE_ROWS == 0 {
                left_out = table.left_out();
                std::mem::replace(&mut table, new()).write(&mut app.out)?;
            }
        }
        lister.give_back(page);
    }
    if !table.is_empty() {
        left_out = table.left_out();
        table.write(&mut app.out)?;
    }
    Ok(WrittenTable { rows: n, hidden, left_out })
}

/// Returns for each id of a page the length of its shortest unique prefix, which `show` and others accept.
fn short_lengths(lister: &mut Lister<'_>, columns: &[Col], page: &Page) -> anyhow::Result<Vec<usize>> {
    let Some(place) = columns.iter().position(|column| *column == Col::Id) else {
        return Ok(vec![0; page.len()]);
    };
    lister.reader().read(|connection| -> anyhow::Result<_> {
        (0..page.len())
            .map(|row| {
                let Some(id) = page.cell(row, place).as_text() else { return Ok(0) };
                let (previous, next) = threads::neighbours(connection, id)?;
                Ok(human::unique_length(id, previous.as_deref(), next.as_deref()))
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_below_the_users_home_are_short_in_each_spelling() {
        for (home, folder, expected) in [
            ("/home/ann", "/home/ann/work", "~/work"),
            ("/home/ann", "/home/anna", "/home/anna"),
            ("", "/srv", "/srv"),
            (r"C:\Users\Ann", r"\\?\D:\work", r"D:\work"),
            (r"C:\Users\Ann", r"\\?\C:\Users\Ann", "~"),
        ] {
            assert_eq!(Around { now: 0, user_home: home }.short_folder(folder), expected);
        }
    }
}
