//! `codex-state show`: prints all columns of some rows.

mod beside;
mod choice;
mod resume;

use crate::cli::commands::ways::Ways;
use crate::cli::commands::{App, place, threads};
use crate::cli::line::{Exit, args, interrupt};
use crate::cli::output::{Format, OutputForm, TableCell, Tone, Value, cells, human, text, write_fields};
use crate::db::shown::{self, Visibility};
use crate::db::threads::whole_row;
use crate::db::{Reader, Schema};
use crate::survey::select::Selected;
use crate::thread::ThreadId;
use crate::thread::cell::{Cell, CellRef};
use crate::thread::columns::{COLUMNS, Col, ColumnKind};
use choice::ColumnChoice;
use std::borrow::Cow;
use std::io::Write as _;

/// Number of rows read at once.
const AT_ONCE: usize = 64;

/// A row with the names of its columns: the known ones in their order, then the others.
type NamedCells = Vec<(String, Cell)>;

/// Runs the command.
///
/// # Errors
/// If an argument is ambiguous, or the database cannot be read.
pub fn run(app: &mut App, arguments: &args::ShowArgs) -> anyhow::Result<Exit> {
    let form = app.form(false)?;
    let mut reader = place::open_reader(app)?;
    let home = place::home_or_nowhere(app)?;
    let found = threads::resolve(app, &arguments.threads, &home, Some(&mut reader))?;
    let config = place::read_config(app, &home);
    let default_provider = place::default_provider(app, &config);
    if arguments.compare {
        interrupt::listen(&app.interrupted);
        let home = place::home(app)?;
        return beside::run(app, &found, &home, &default_provider, &mut reader, &form);
    }
    let is_text = form.is_text();
    let choice = ColumnChoice::new(&arguments.columns, is_text && !app.global.verbose);
    let shown_by = (is_text && arguments.columns.is_empty()).then_some(&*default_provider);
    let mut without = Vec::new();
    let rows = found_rows(&mut reader, &found, shown_by, &mut without);
    match form.format {
        Some(format) => write_records(app, &form, format, rows, &choice)?,
        None => {
            let ways = Ways::of(app, home.is_dir().then_some(&home), &default_provider, &config);
            write_text(app, &form, &ways, rows, &choice)?;
        }
    }
    reader.end();
    without.iter().for_each(|&place| found.say_no_row(app, place));
    Ok(found.exit.merge(Exit::from_answer(without.is_empty())))
}

/// A row that was found.
struct FoundRow {
    id: ThreadId,
    named: NamedCells,
    /// The reasons why Codex hides the thread, if they are printed.
    verdict: Option<Visibility>,
}

/// Returns the rows of the threads that were found, and adds the places of those without a row to `without`. With
/// `shown_by`, the provider whose threads Codex lists, it says why Codex hides them. Rows are read a few at a time,
/// because all of them may not fit into memory.
fn found_rows(
    reader: &mut Reader,
    found: &threads::FoundThreads,
    shown_by: Option<&str>,
    without: &mut Vec<usize>,
) -> impl Iterator<Item = anyhow::Result<FoundRow>> {
    found.selected.chunks(AT_ONCE).enumerate().flat_map(move |(n, some)| {
        let rows = match read_rows(reader, some, shown_by) {
            Ok(rows) => rows,
            Err(error) => return vec![Err(error)],
        };
        let missing = rows.iter().enumerate().filter(|(_, row)| row.is_none());
        without.extend(missing.map(|(place, _)| n * AT_ONCE + place));
        rows.into_iter().flatten().map(Ok).collect()
    })
}

/// Reads the rows of some threads; `None` for a thread without a row.
fn read_rows(
    reader: &mut Reader,
    some: &[Selected],
    shown_by: Option<&str>,
) -> anyhow::Result<Vec<Option<FoundRow>>> {
    reader.read(|connection| -> anyhow::Result<_> {
        let row = |selected: &Selected| -> anyhow::Result<_> {
            let Some(id) = selected.id() else { return Ok(None) };
            let row = whole_row(connection, id)?;
            Ok(row.map(|row| FoundRow { id, named: in_order(row), verdict: None }))
        };
        let mut rows = some.iter().map(row).collect::<anyhow::Result<Vec<_>>>()?;
        // A table that Codex would not accept is still shown.
        let schema = shown_by.and_then(|provider| Some((provider, Schema::read_threads(connection).ok()?)));
        if let Some((provider, schema)) = schema {
            let ids: Vec<ThreadId> = rows.iter().flatten().map(|row| row.id).collect();
            let verdicts = shown::of_threads(connection, &schema, provider, &ids)?;
            rows.iter_mut().flatten().zip(verdicts).for_each(|(row, verdict)| row.verdict = verdict);
        }
        Ok(rows)
    })
}

/// Returns all known columns in the order of [`COLUMNS`], then the unknown ones.
fn in_order(row: NamedCells) -> NamedCells {
    let mut known: Vec<Cell> = vec![Cell::Null; COLUMNS.len()];
    let mut unknown = Vec::new();
    for (name, cell) in row {
        match Col::named(&name) {
            Some(col) => known[col as usize] = cell,
            None => unknown.push((name, cell)),
        }
    }
    COLUMNS.iter().map(|column| column.name.to_owned()).zip(known).chain(unknown).collect()
}

fn kind(name: &str) -> ColumnKind {
    Col::named(name).map_or(ColumnKind::Text, |col| col.column().kind)
}

fn write_records(
    app: &mut App,
    form: &OutputForm,
    format: Format,
    rows: impl Iterator<Item = anyhow::Result<FoundRow>>,
    choice: &ColumnChoice<'_>,
) -> anyhow::Result<()> {
    let mut rows = rows.peekable();
    // All rows are from one table.
    let columns: Vec<String> = match rows.peek() {
        Some(Ok(row)) => choice.of(&row.named)?.iter().map(|(name, _)| name.clone()).collect(),
        _ if !choice.named.is_empty() => choice.named.to_vec(),
        _ => COLUMNS.iter().map(|column| column.name.to_owned()).collect(),
    };
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut records = form.records(&mut app.out, format, "threads", &columns)?;
    for row in rows {
        let row = row?;
        let cells = choice.of(&row.named)?.into_iter();
        let values: Vec<Value<'_>> =
            cells.map(|(name, cell)| cells::value(kind(name), CellRef::from(cell))).collect();
        records.row(&values)?;
    }
    Ok(records.finish()?)
}

fn write_text(
    app: &mut App,
    form: &OutputForm,
    ways: &Ways<'_>,
    rows: impl Iterator<Item = anyhow::Result<FoundRow>>,
    choice: &ColumnChoice<'_>,
) -> anyhow::Result<()> {
    for (n, row) in rows.enumerate() {
        let FoundRow { id, named, verdict } = row?;
        if n > 0 {
            writeln!(app.out)?;
        }
        let folder = named[Col::Cwd as usize].1.as_text().unwrap_or_default();
        let in_codex = verdict.map(|verdict| resume::lines(&app.messages, ways, id, folder, &verdict));
        // The name of a column comes from the database, too.
        let mut fields: Vec<(Cow<'_, str>, TableCell)> = choice
            .of(&named)?
            .into_iter()
            .map(|(name, cell)| (text::safe(name), field(app, kind(name), CellRef::from(cell))))
            .collect();
        fields.extend(in_codex.into_iter().flatten().map(|(name, cell)| (name.into(), cell)));
        write_fields(&mut app.out, &fields, usize::MAX, form.style)?;
    }
    Ok(())
}

/// Returns a whole cell for people: times in the local time zone, with their age.
fn field(app: &App, kind: ColumnKind, cell: CellRef<'_>) -> TableCell {
    if let Some(millis) = cells::millis(kind, cell) {
        let time = human::local_second(millis, &app.environment.zone);
        return TableCell::new(format!("{time} ({})", human::ago(millis, app.environment.now_ms())));
    }
    match (kind, cell) {
        (_, CellRef::Null) => TableCell::new("-").tone(Tone::Dim),
        (_, CellRef::Text(text)) => TableCell::exact(text),
        _ => cells::table_cell(kind, cell, app.environment.now_ms()),
    }
}
