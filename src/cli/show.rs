//! `codex-state show`: every column of some rows.

use crate::cli::app::{App, Shape};
use crate::cli::exit::Exit;
use crate::cli::records::{Format, Layout, Records, Value};
use crate::cli::style::Tone;
use crate::cli::table::{Cell as TableCell, write_fields};
use crate::cli::{args, beside, cells, human, text, threads};
use crate::db::threads::whole_row;
use crate::select::Selected;
use crate::thread::cell::{Cell, CellRef};
use crate::thread::columns::{COLUMNS, Kind, position};
use std::io::Write as _;

/// A row with the names of its columns: those that we know in their order, then the others.
type Named = Vec<(String, Cell)>;

/// Runs the command.
///
/// # Errors
/// Something is ambiguous, or the database cannot be read.
pub fn run(app: &mut App, arguments: &args::Show) -> anyhow::Result<Exit> {
    let shape = app.shape(false)?;
    let mut reader = app.open_reader()?;
    let home = app.home_or_nowhere()?;
    let found = threads::resolve(app, &arguments.threads, &home, Some(&mut reader))?;
    if arguments.compare {
        crate::cli::listen_for_interrupts(&app.interrupted);
        let home = app.home()?;
        return beside::run(app, &found, &home, &mut reader, shape);
    }
    let mut exit = found.exit;
    let mut rows: Vec<Named> = Vec::new();
    for (selected, typed) in found.selected.iter().zip(&found.typed) {
        let row = match selected {
            Selected::Id(id) => reader.read(|connection| Ok(whole_row(connection, *id)?))?,
            Selected::Path(_) => None,
        };
        match row {
            Some(row) => rows.push(in_order(row)),
            None => {
                app.complain(&format!("{typed}: there is a rollout, but no row in the database"));
                app.hint(&format!("codex-state backfill {}", threads::pasted(selected)));
                exit = exit.merge(Exit::Not);
            }
        }
    }
    reader.end();
    match shape {
        Shape::Records(format) => write_records(app, &rows, format)?,
        Shape::Text | Shape::Github => write_text(app, &rows)?,
    }
    Ok(exit)
}

/// The known columns, all of them, in the order of [`COLUMNS`], then those that we do not know.
fn in_order(row: Named) -> Named {
    let mut known: Vec<Cell> = vec![Cell::Null; COLUMNS.len()];
    let mut unknown = Vec::new();
    for (name, cell) in row {
        match position(&name) {
            Some(position) => known[position] = cell,
            None => unknown.push((name, cell)),
        }
    }
    COLUMNS.iter().map(|column| column.name.to_owned()).zip(known).chain(unknown).collect()
}

fn kind(name: &str) -> Kind {
    position(name).map_or(Kind::Text, |position| COLUMNS[position].kind)
}

fn write_records(app: &mut App, rows: &[Named], format: Format) -> anyhow::Result<()> {
    // All rows are of one table.
    let columns: Vec<&str> = match rows.first() {
        Some(row) => row.iter().map(|(name, _)| name.as_str()).collect(),
        None => COLUMNS.iter().map(|column| column.name).collect(),
    };
    let layout = Layout {
        columns: &columns,
        header: !app.global.no_header,
        list: "threads",
        for_terminal: app.environment.stdout_is_terminal,
    };
    let mut records = Records::begin(&mut app.out, format, layout)?;
    for row in rows {
        let values: Vec<Value<'_>> =
            row.iter().map(|(name, cell)| cells::value(kind(name), CellRef::from(cell))).collect();
        records.row(&values)?;
    }
    Ok(records.finish()?)
}

fn write_text(app: &mut App, rows: &[Named]) -> anyhow::Result<()> {
    for (i, row) in rows.iter().enumerate() {
        if i > 0 {
            writeln!(app.out)?;
        }
        let fields: Vec<(&str, TableCell)> = row
            .iter()
            .map(|(name, cell)| {
                // A name of a column comes from the database as well.
                (name.as_str(), field(app, kind(name), CellRef::from(cell)))
            })
            .collect();
        let names: Vec<_> = fields.iter().map(|(name, _)| text::safe(name).into_owned()).collect();
        let fields: Vec<(&str, TableCell)> =
            names.iter().map(String::as_str).zip(fields.into_iter().map(|(_, cell)| cell)).collect();
        write_fields(&mut app.out, &fields, app.style)?;
    }
    Ok(())
}

/// A cell whole, as people read it: times where they live, with how long ago that is.
fn field(app: &App, kind: Kind, cell: CellRef<'_>) -> TableCell {
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
