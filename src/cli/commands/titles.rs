//! The table that shows people which threads a command moves or deletes.

use crate::cli::commands::App;
use crate::cli::output::{OutputForm, Table, TableCell, TableColumn, human};
use crate::db::titles::{self, Titled};
use crate::db::{Reader, Schema};
use crate::thread::Millis;
use std::io;

/// The minimum width at which a table also has room for paths. A narrower table would cut the title and the id too
/// short.
const WIDTH_WITH_PATH: usize = 140;

/// The maximum number of threads in a table. People cannot read more than that on a terminal.
pub(super) const MAX_ROWS: usize = 1000;

/// Writes a table of `n` threads, if there are any.
///
/// # Errors
/// If `out` cannot be written.
pub(super) fn write_table(out: &mut dyn io::Write, table: Table, n: u64) -> io::Result<()> {
    if table.is_empty() {
        return Ok(());
    }
    table.write(out)?;
    match n.saturating_sub(MAX_ROWS as u64) {
        0 => Ok(()),
        rest => writeln!(out, "and {} more, which --format tsv lists", human::count(rest)),
    }
}

/// The titles of threads and their times, in the order in which they were requested.
#[derive(Debug, Default)]
pub(super) struct Titles {
    titled: Vec<Titled>,
    now: Millis,
}

impl Titles {
    /// Returns the cells of a thread: the time of its last change, and its title.
    pub(super) fn cells(&self, place: usize) -> [TableCell; 2] {
        let Some(Titled { title, updated_at }) = self.titled.get(place) else {
            return [TableCell::new(""), TableCell::new("")];
        };
        let updated = updated_at.map(|time| human::ago(time, self.now)).unwrap_or_default();
        [TableCell::new(updated), TableCell::new(title)]
    }

    /// Writes a table of the first of `n` threads, which are in the order of the titles.
    ///
    /// # Errors
    /// If a thread cannot be read, or `out` cannot be written.
    pub(super) fn write_table(
        &self,
        out: &mut dyn io::Write,
        form: &OutputForm,
        n: u64,
        threads: impl Iterator<Item = anyhow::Result<MovedThread>>,
    ) -> io::Result<()> {
        let threads: anyhow::Result<Vec<MovedThread>> = threads.take(MAX_ROWS).collect();
        let threads = threads.map_err(io::Error::other)?;
        let mut columns = vec![
            TableColumn::text("id"),
            TableColumn::text("status"),
            TableColumn::text("updated"),
            TableColumn::title("title"),
        ];
        let has_reason = threads.iter().any(|thread| thread.reason.is_some());
        let has_path = form.width >= WIDTH_WITH_PATH;
        columns.extend(has_reason.then(|| TableColumn::title("why it stays")));
        columns.extend(has_path.then(|| TableColumn::path("path")));
        let mut table = Table::new(columns, form.width, form.style);
        for (place, thread) in threads.into_iter().enumerate() {
            let [updated, title] = self.cells(place);
            let mut cells = vec![TableCell::exact(thread.id), thread.status, updated, title];
            cells.extend(has_reason.then(|| TableCell::new(thread.reason.unwrap_or_default())));
            cells.extend(has_path.then(|| TableCell::exact(thread.path)));
            table.row(cells);
        }
        write_table(out, table, n)
    }
}

/// A thread in the table.
pub(super) struct MovedThread {
    pub(super) id: String,
    /// Its result.
    pub(super) status: TableCell,
    /// The reason why it stays.
    pub(super) reason: Option<String>,
    pub(super) path: String,
}

/// Reads the titles of these threads.
///
/// # Errors
/// If the database cannot be read.
pub(super) fn read(app: &App, reader: &mut Reader, ids: &[String]) -> anyhow::Result<Titles> {
    let schema = Schema::of(reader)?;
    let titled = reader.read(|connection| titles::of(connection, &schema, ids.iter().map(String::as_str)))?;
    Ok(Titles { titled, now: app.environment.now_ms() })
}
