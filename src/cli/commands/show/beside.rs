//! `codex-state show --compare`: prints the row beside the file's values, column by column, with differences marked.

use crate::cli::commands::{App, threads};
use crate::cli::line::Exit;
use crate::cli::output::{
    Format, Members, OutputForm, Style, Table, TableCell, TableColumn, Tone, Value, cells, text,
};
use crate::db::Reader;
use crate::survey::Context;
use crate::thread::cell::Cell;
use crate::thread::columns::Col;
use crate::verify::{self, Beside};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

/// The mark before the name of a column that differs.
const MARK: &str = "! ";

/// The columns of TSV and CSV, which have a row for each column of a thread.
const COLUMN_NAMES: [&str; 5] = ["id", "column", "database", "file", "differs"];

/// Runs the command.
///
/// # Errors
/// If the database cannot be read, or standard output cannot be written.
pub(super) fn run(
    app: &mut App,
    found: &threads::FoundThreads,
    home: &Path,
    default_provider: &str,
    reader: &mut Reader,
    form: &OutputForm,
) -> anyhow::Result<Exit> {
    let interrupted = &app.interrupted;
    let context = Context { home, jobs: 1, default_provider, now: app.environment.now, interrupted };
    // The problems of threads are reported after the output: their places, each with the reason why there is no file.
    let (mut wrong, mut places) = (Vec::new(), 0..);
    let mut compare = |write: &mut dyn FnMut(&Beside) -> io::Result<()>| {
        verify::beside(context, &found.selected, reader, |one| {
            if one.row.is_some() || one.file.is_some() {
                write(&one)?;
            }
            let is_wrong = one.error.is_some() || one.row.is_none();
            wrong.extend(places.next().filter(|_| is_wrong).map(|place| (place, one.error)));
            Ok(())
        })
    };
    let out = &mut app.out;
    match form.format {
        None => {
            let mut separator = "";
            compare(&mut |one| {
                write!(out, "{}", std::mem::replace(&mut separator, "\n"))?;
                write_text(out, one, form.width, form.style)
            })?;
        }
        Some(format) => {
            let mut records = form.records(out, format, "threads", &COLUMN_NAMES)?;
            compare(&mut |one| match format {
                Format::Json | Format::Jsonl => records.item(thread(one)),
                Format::Tsv | Format::Csv => lines(one).try_for_each(|line| {
                    let id = Value::from(id(one));
                    records.row(&[id, line.col.name().into(), line.database, line.file, line.differs.into()])
                }),
            })?;
            records.finish()?;
        }
    }
    let exit = found.exit.merge(say_wrong(app, found, wrong));
    Ok(if app.interrupted.load(Ordering::Relaxed) { Exit::Interrupted } else { exit })
}

/// Reports the threads of which one of the sides is empty.
fn say_wrong(app: &App, found: &threads::FoundThreads, wrong: Vec<(usize, Option<String>)>) -> Exit {
    let exit = Exit::from_answer(wrong.is_empty());
    for (place, error) in wrong {
        match error {
            Some(error) => {
                let typed = found.typed(place);
                app.messages.fail(&format!("{typed}: there is nothing to compare with: {error}"));
            }
            None => found.say_no_row(app, place),
        }
    }
    exit
}

/// One column of one thread: both sides, and whether they differ.
struct ComparedColumn<'a> {
    col: Col,
    database: Value<'a>,
    file: Value<'a>,
    differs: bool,
}

fn of_file(one: &Beside, col: Col) -> Option<&Cell> {
    one.file.as_ref()?.get(col)
}

/// Returns the columns that the row has; without a row, those that the file has.
fn lines(one: &Beside) -> impl Iterator<Item = ComparedColumn<'_>> {
    fn value(col: Col, cell: Option<&Cell>) -> Value<'_> {
        cell.map_or(Value::Null, |cell| cells::value_of(col, cell))
    }
    Col::all()
        .filter(|&col| match &one.row {
            Some(row) => row.get(col).is_some(),
            None => of_file(one, col).is_some(),
        })
        .map(move |col| ComparedColumn {
            col,
            database: value(col, one.row.as_ref().and_then(|row| row.get(col))),
            file: value(col, of_file(one, col)),
            differs: one.differing.contains(&col),
        })
}

fn id(one: &Beside) -> Option<String> {
    one.id.map(|id| id.to_string())
}

/// Returns the members of a thread; documented in the help.
fn thread(one: &Beside) -> Members<'_> {
    fn column(column: ComparedColumn<'_>) -> Members<'_> {
        vec![
            ("name", column.col.name().into()),
            ("database", column.database.into()),
            ("file", column.file.into()),
            ("differs", column.differs.into()),
        ]
    }
    vec![
        ("id", id(one).into()),
        ("path", one.path.as_deref().into()),
        ("columns", lines(one).map(column).collect()),
    ]
}

fn write_text(out: &mut dyn Write, one: &Beside, width: usize, style: Style) -> io::Result<()> {
    if let Some(id) = id(one) {
        writeln!(out, "{}", style.paint(Tone::Accent, id))?;
    }
    if let Some(path) = &one.path {
        writeln!(out, "{}", style.paint(Tone::Dim, text::path(path)))?;
    }
    let columns =
        vec![TableColumn::text("column"), TableColumn::title("database"), TableColumn::title("file")];
    let mut table = Table::new(columns, width, style);
    for line in lines(one) {
        let (mark, tone) = if line.differs { (MARK, Tone::Bad) } else { ("  ", Tone::Normal) };
        // Values that only the database has are on one side only.
        let no_file = of_file(one, line.col).is_none();
        table.row([
            TableCell::exact(format!("{mark}{}", line.col.name())).tone(tone),
            side(&line.database, one.row.is_none()).tone(tone),
            side(&line.file, no_file).tone(tone),
        ]);
    }
    table.write(out)
}

/// Returns a value for a table; `-` if that side has no value for the column.
fn side(value: &Value<'_>, is_unknown: bool) -> TableCell {
    if is_unknown { TableCell::new("-") } else { TableCell::new(cells::in_words(value)) }
}
