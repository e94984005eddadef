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
use crate::home::CodexConfig;
use crate::survey::select::Selected;
use crate::thread::ThreadId;
use crate::thread::cell::{Cell, CellRef};
use crate::thread::columns::{COLUMNS, Col, ColumnKind};
use choice::ColumnChoice;
use std::collections::VecDeque;
use std::io::Write as _;
use std::path::Path;

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
    if arguments.compare {
        interrupt::listen(&app.interrupted);
        let home = place::home(app)?;
        return beside::run(app, &found, &home, &mut reader, &form);
    }
    let config = place::read_config(app, &home);
    let default_provider = place::default_provider(app, &config);
    let mut rows = FoundRows {
        reader: &mut reader,
        found: &found,
        default_provider: &default_provider,
        is_text: form.is_text() && arguments.columns.is_empty(),
        next: 0,
        page: VecDeque::new(),
        without: Vec::new(),
        choice: ColumnChoice::new(&arguments.columns, form.is_text() && !app.global.verbose),
    };
    match form.format {
        Some(format) => write_records(app, &form, format, &mut rows)?,
        None => write_text(app, &form, &home, &config, &mut rows)?,
    }
    let mut without = rows.without;
    without.sort_unstable();
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

/// The rows of the threads that were found, read a few at a time, because all of them may not fit into memory.
struct FoundRows<'a> {
    reader: &'a mut Reader,
    found: &'a threads::FoundThreads,
    /// The provider whose threads Codex lists.
    default_provider: &'a str,
    /// True if people read the output, which then says why Codex hides a thread.
    is_text: bool,
    /// Position of the first thread that was not examined yet.
    next: usize,
    page: VecDeque<FoundRow>,
    /// Positions of the threads without a row.
    without: Vec<usize>,
    choice: ColumnChoice<'a>,
}

impl FoundRows<'_> {
    fn next(&mut self) -> anyhow::Result<Option<FoundRow>> {
        while self.page.is_empty() && self.next < self.found.selected.len() {
            let some = self.next..self.found.selected.len().min(self.next + AT_ONCE);
            let id = |selected: &Selected| match selected {
                Selected::Id(id) => Some(*id),
                Selected::Path(_) => None,
            };
            let places = some.clone().filter_map(|i| Some((i, id(&self.found.selected[i])?)));
            let (places, ids): (Vec<usize>, Vec<ThreadId>) = places.unzip();
            let (is_text, provider) = (self.is_text, self.default_provider);
            let (rows, mut verdicts) = self.reader.read(|connection| -> anyhow::Result<_> {
                let rows = ids.iter().map(|id| whole_row(connection, *id)).collect::<Result<Vec<_>, _>>()?;
                // A table that Codex would not accept is still shown.
                let schema = is_text.then(|| Schema::read_threads(connection).ok()).flatten();
                let verdicts = match &schema {
                    Some(schema) => shown::of_threads(connection, schema, provider, &ids)?,
                    None => Vec::new(),
                };
                Ok((rows, verdicts))
            })?;
            verdicts.resize(ids.len(), None);
            self.without.extend(some.clone().filter(|i| !places.contains(i)));
            self.next = some.end;
            for (((i, id), row), verdict) in places.into_iter().zip(ids).zip(rows).zip(verdicts) {
                match row {
                    Some(row) => self.page.push_back(FoundRow { id, named: in_order(row), verdict }),
                    None => self.without.push(i),
                }
            }
        }
        Ok(self.page.pop_front())
    }
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
    rows: &mut FoundRows<'_>,
) -> anyhow::Result<()> {
    let mut next = rows.next()?;
    // All rows are from one table.
    let columns: Vec<String> = match &next {
        Some(row) => rows.choice.of(&row.named)?.iter().map(|(name, _)| name.clone()).collect(),
        None if !rows.choice.named().is_empty() => rows.choice.named().to_vec(),
        None => COLUMNS.iter().map(|column| column.name.to_owned()).collect(),
    };
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut records = form.records(&mut app.out, format, "threads", &columns)?;
    while let Some(row) = next {
        let named = rows.choice.of(&row.named)?;
        let values: Vec<Value<'_>> =
            named.iter().map(|(name, cell)| cells::value(kind(name), CellRef::from(cell))).collect();
        records.row(&values)?;
        next = rows.next()?;
    }
    Ok(records.finish()?)
}

fn write_text(
    app: &mut App,
    form: &OutputForm,
    home: &Path,
    config: &CodexConfig,
    rows: &mut FoundRows<'_>,
) -> anyhow::Result<()> {
    let ways = Ways::of(app, home.is_dir().then_some(home), rows.default_provider, config);
    let mut is_first = true;
    while let Some(row) = rows.next()? {
        if !std::mem::take(&mut is_first) {
            writeln!(app.out)?;
        }
        let text = |col: Col| row.named[col as usize].1.as_text().unwrap_or_default();
        let in_codex = row
            .verdict
            .as_ref()
            .map(|verdict| resume::lines(&app.messages, &ways, row.id, text(Col::Cwd), verdict));
        let named = rows.choice.of(&row.named)?;
        let fields: Vec<(&str, TableCell)> = named
            .iter()
            .map(|(name, cell)| {
                // The name of a column comes from the database, too.
                (name.as_str(), field(app, kind(name), CellRef::from(cell)))
            })
            .collect();
        let names: Vec<_> = fields.iter().map(|(name, _)| text::safe(name).into_owned()).collect();
        let mut fields: Vec<(&str, TableCell)> =
            names.iter().map(String::as_str).zip(fields.into_iter().map(|(_, cell)| cell)).collect();
        fields.extend(in_codex.into_iter().flatten());
        write_fields(&mut app.out, &fields, form.style)?;
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
