//! `codex-state show --compare`: rows beside what their rollouts say.

use crate::cli::app::{App, Shape};
use crate::cli::exit::Exit;
use crate::cli::records::{Format, Layout, Records, Value, json, time};
use crate::cli::style::Tone;
use crate::cli::table::{Cell, Column, Table, write_fields};
use crate::cli::{cells, human, text};
use crate::db::open::Reader;
use crate::select::Selected;
use crate::show::{self, Compared, Field};
use crate::thread::cell::{Cell as DatabaseCell, CellRef};
use crate::thread::columns::COLUMNS;
use serde::Serialize;
use std::io::{self, Write as _};
use std::path::Path;

/// Compares the threads that were found.
pub(super) fn run(
    app: &mut App,
    home: &Path,
    reader: &mut Reader,
    threads: &[Selected],
    shape: Shape,
) -> anyhow::Result<Exit> {
    let codex_config = app.config(home);
    let config = show::Config {
        home,
        default_provider: app.default_provider(&codex_config),
        interrupted: &app.interrupted,
    };
    let all = show::compare(&config, reader, threads)?;
    match shape {
        Shape::Records(format @ (Format::Json | Format::Jsonl)) => write_json(app, &all, format)?,
        Shape::Records(format) => write_records(app, &all, format)?,
        Shape::Text | Shape::Github => write_tables(app, &all)?,
    }
    app.out.flush()?;
    Ok(all.iter().zip(threads).map(|(compared, thread)| advise(app, compared, thread)).collect())
}

/// Says on standard error what there is to say of a thread.
fn advise(app: &App, compared: &Compared, thread: &Selected) -> Exit {
    let thread = crate::cli::threads::pasted(thread);
    let n_drift = compared.fields.iter().filter(|field| field.is_drift).count() as u64;
    match (&compared.path, &compared.error) {
        (Some(path), Some(error)) => app.complain(&format!("{}: {error}", text::path(path))),
        (None, _) => app.complain(&format!("{thread}: no rollout in any form or place")),
        (Some(_), None) if !compared.has_row => {
            app.complain(&format!("{thread}: there is a rollout, but no row in the database"));
            app.hint(&format!("codex-state backfill {thread}"));
        }
        (Some(_), None) => {
            if n_drift > 0 {
                app.say(&format!("{} in drift", human::counted(n_drift, "column", "columns")));
                app.hint(&format!("codex-state backfill {thread}"));
            } else {
                app.say("row and rollout agree");
            }
            return Exit::Done;
        }
    }
    Exit::Not
}

fn value(field: &Field, cell: Option<&DatabaseCell>) -> Value<'static> {
    match cell.map(|cell| cells::value(COLUMNS[field.position].kind, CellRef::from(cell))) {
        Some(Value::Text(text)) => Value::Text(text.into_owned().into()),
        Some(Value::Null) | None => Value::Null,
        Some(Value::Int(number)) => Value::Int(number),
        Some(Value::Real(number)) => Value::Real(number),
        Some(Value::Bool(yes)) => Value::Bool(yes),
        Some(Value::Time(millis)) => Value::Time(millis),
    }
}

/// A thread as JSON.
#[derive(Serialize)]
struct Document<'a> {
    id: Option<String>,
    path: Option<String>,
    error: Option<&'a str>,
    has_row: bool,
    drift: Vec<&'static str>,
    columns: Vec<JsonField>,
}

#[derive(Serialize)]
struct JsonField {
    name: &'static str,
    database: Value<'static>,
    file: Value<'static>,
    drift: bool,
}

fn write_json(app: &mut App, all: &[Compared], format: Format) -> io::Result<()> {
    let documents = all.iter().map(|compared| Document {
        id: compared.id.map(|id| id.to_string()),
        path: compared.path.as_ref().map(|path| path.to_string_lossy().into_owned()),
        error: compared.error.as_deref(),
        has_row: compared.has_row,
        drift: compared
            .fields
            .iter()
            .filter(|field| field.is_drift)
            .map(|field| COLUMNS[field.position].name)
            .collect(),
        columns: compared
            .fields
            .iter()
            .map(|field| JsonField {
                name: COLUMNS[field.position].name,
                database: value(field, field.database.as_ref()),
                file: value(field, field.file.as_ref()),
                drift: field.is_drift,
            })
            .collect(),
    });
    if format == Format::Jsonl {
        for document in documents {
            json::write_line(&mut app.out, &document)?;
        }
        return Ok(());
    }
    let mut out = json::Document::begin(&mut app.out)?;
    out.list("threads")?;
    for document in documents {
        out.item(&document)?;
    }
    out.finish()
}

fn write_records(app: &mut App, all: &[Compared], format: Format) -> io::Result<()> {
    let layout = Layout {
        columns: &["id", "column", "database", "file", "drift"],
        header: !app.global.no_header,
        list: "threads",
        for_terminal: app.environment.stdout_is_terminal,
    };
    let mut records = Records::begin(&mut app.out, format, layout)?;
    for compared in all {
        let id = compared.id.map(|id| id.to_string()).unwrap_or_default();
        for field in &compared.fields {
            records.row(&[
                id.as_str().into(),
                COLUMNS[field.position].name.into(),
                value(field, field.database.as_ref()),
                value(field, field.file.as_ref()),
                field.is_drift.into(),
            ])?;
        }
    }
    records.finish()
}

fn write_tables(app: &mut App, all: &[Compared]) -> io::Result<()> {
    let mark = if app.environment.shows_unicode() { "≠" } else { "!=" };
    for (i, compared) in all.iter().enumerate() {
        if i > 0 {
            writeln!(app.out)?;
        }
        let id = compared.id.map(|id| id.to_string()).unwrap_or_default();
        let path = compared.path.as_deref().map(text::path).unwrap_or_default();
        write_fields(&mut app.out, &[("thread", Cell::new(id)), ("rollout", Cell::exact(path))], app.style)?;
        let columns = vec![
            Column::text("column"),
            Column::text(""),
            Column::title("database"),
            Column::title("rollout"),
        ];
        let mut table = Table::new(columns, app.environment.width(), app.style);
        for field in &compared.fields {
            let tone = if field.is_drift { Tone::Doubtful } else { Tone::Normal };
            table.row([
                Cell::new(COLUMNS[field.position].name).tone(tone),
                Cell::new(if field.is_drift { mark } else { "" }).tone(tone),
                shown(value(field, field.database.as_ref()), tone),
                shown(value(field, field.file.as_ref()), tone),
            ]);
        }
        table.write(&mut app.out)?;
    }
    Ok(())
}

/// A cell to be compared by eye: times as exact as they are kept.
fn shown(value: Value<'_>, tone: Tone) -> Cell {
    match value {
        Value::Null => Cell::new("-").tone(Tone::Dim),
        Value::Int(number) => Cell::new(number.to_string()).tone(tone),
        Value::Real(number) => Cell::new(number.to_string()).tone(tone),
        Value::Bool(yes) => Cell::new(if yes { "yes" } else { "no" }).tone(tone),
        Value::Text(text) => Cell::exact(text).tone(tone),
        Value::Time(millis) => Cell::new(time::rfc3339(millis)).tone(tone),
    }
}
