//! `codex-state show --compare`: the row beside what the file says, column by column, drift marked.

use crate::cli::app::{App, Shape};
use crate::cli::cells;
use crate::cli::exit::Exit;
use crate::cli::records::json::{self, Document};
use crate::cli::records::{Format, Layout, Records, Value};
use crate::cli::style::Tone;
use crate::cli::table::{Cell as TableCell, Column, Table};
use crate::cli::{text, threads};
use crate::db::open::Reader;
use crate::thread::cell::Cell;
use crate::thread::columns::COLUMNS;
use crate::verify::{self, Beside, Config, Depth, Ignore};
use serde::Serialize;
use std::io::{self, Write as _};
use std::path::Path;

/// What stands before the name of a column that differs.
const MARK: &str = "! ";

/// Runs the command.
///
/// # Errors
/// The database or standard output fails.
pub fn run(
    app: &mut App,
    found: &threads::Threads,
    home: &Path,
    reader: &mut Reader,
    shape: Shape,
) -> anyhow::Result<Exit> {
    let codex_config = app.config(home);
    let config = Config {
        home,
        threads: None,
        jobs: 1,
        default_provider: app.default_provider(&codex_config),
        depth: Depth::Fields,
        ignore: &Ignore::default(),
        max_findings: None,
        now: app.environment.now,
        interrupted: &app.interrupted,
    };
    let all = verify::beside(&config, &found.selected, reader)?;
    let mut exit = found.exit;
    for ((one, typed), selected) in all.iter().zip(&found.typed).zip(&found.selected) {
        if let Some(error) = &one.error {
            app.complain(&format!("{typed}: there is nothing to compare with: {error}"));
            exit = exit.merge(Exit::Not);
        } else if one.row.is_none() {
            app.complain(&format!("{typed}: there is a rollout, but no row in the database"));
            app.hint(&format!("codex-state backfill {}", threads::pasted(selected)));
            exit = exit.merge(Exit::Not);
        }
    }
    let all: Vec<Beside> = all.into_iter().filter(|one| one.row.is_some() || one.file.is_some()).collect();
    match shape {
        Shape::Records(format) => write_records(app, &all, format)?,
        Shape::Text | Shape::Github => write_text(app, &all)?,
    }
    Ok(exit)
}

/// One column of one thread: both sides, and whether they differ.
#[derive(Serialize)]
struct Line<'a> {
    name: &'static str,
    database: Value<'a>,
    file: Value<'a>,
    differs: bool,
}

fn of_file(one: &Beside, position: usize) -> Option<&Cell> {
    one.file.as_ref().and_then(|file| file[position].as_ref())
}

/// The columns that the row has, or those that the file knows where there is no row.
fn lines(one: &Beside) -> impl Iterator<Item = Line<'_>> {
    fn value(position: usize, cell: Option<&Cell>) -> Value<'_> {
        cell.map_or(Value::Null, |cell| cells::value_of(position, cell))
    }
    (0..COLUMNS.len())
        .filter(|&position| match &one.row {
            Some(row) => row.get(position).is_some(),
            None => of_file(one, position).is_some(),
        })
        .map(move |position| Line {
            name: COLUMNS[position].name,
            database: value(position, one.row.as_ref().and_then(|row| row.get(position))),
            file: value(position, of_file(one, position)),
            differs: one.differing.contains(&position),
        })
}

fn id(one: &Beside) -> Option<String> {
    one.id.map(|id| id.to_string())
}

fn write_records(app: &mut App, all: &[Beside], format: Format) -> io::Result<()> {
    #[derive(Serialize)]
    struct Thread<'a> {
        id: Option<String>,
        path: Option<std::borrow::Cow<'a, str>>,
        columns: Vec<Line<'a>>,
    }
    let thread = |one| Thread {
        id: id(one),
        path: one.path.as_deref().map(Path::to_string_lossy),
        columns: lines(one).collect(),
    };
    match format {
        Format::Json => {
            let mut document = Document::begin(&mut app.out)?;
            document.list("threads")?;
            all.iter().try_for_each(|one| document.item(&thread(one)))?;
            document.finish()
        }
        Format::Jsonl => all.iter().try_for_each(|one| json::write_line(&mut app.out, &thread(one))),
        Format::Tsv | Format::Csv => {
            let layout = Layout {
                columns: &["id", "column", "database", "file", "differs"],
                header: !app.global.no_header,
                list: "threads",
                for_terminal: app.environment.stdout_is_terminal,
            };
            let mut records = Records::begin(&mut app.out, format, layout)?;
            for one in all {
                for line in lines(one) {
                    let id = Value::from(id(one));
                    records.row(&[id, line.name.into(), line.database, line.file, line.differs.into()])?;
                }
            }
            records.finish()
        }
    }
}

fn write_text(app: &mut App, all: &[Beside]) -> io::Result<()> {
    for (i, one) in all.iter().enumerate() {
        if i > 0 {
            writeln!(app.out)?;
        }
        if let Some(id) = id(one) {
            writeln!(app.out, "{}", app.style.paint(Tone::Accent, id))?;
        }
        if let Some(path) = &one.path {
            writeln!(app.out, "{}", app.style.paint(Tone::Dim, text::path(path)))?;
        }
        let columns = vec![Column::text("column"), Column::title("database"), Column::title("file")];
        let mut table = Table::new(columns, app.environment.width(), app.style);
        for line in lines(one) {
            let (mark, tone) = if line.differs { (MARK, Tone::Bad) } else { ("  ", Tone::Normal) };
            let position = crate::thread::columns::position(line.name).unwrap_or_default();
            // What only the database knows has no other side.
            let no_file = of_file(one, position).is_none();
            table.row([
                TableCell::exact(format!("{mark}{}", line.name)).tone(tone),
                side(&line.database, one.row.is_none()).tone(tone),
                side(&line.file, no_file).tone(tone),
            ]);
        }
        table.write(&mut app.out)?;
    }
    Ok(())
}

/// A value in a table; `-` where that side knows nothing of the column.
fn side(value: &Value<'_>, is_unknown: bool) -> TableCell {
    if is_unknown { TableCell::new("-") } else { TableCell::new(cells::in_words(value)) }
}
