//! `codex-state restore`: from arguments to the verb, and its report to the streams.

use crate::cli::commands::app::{App, Shape};
use crate::cli::line::args;
use crate::cli::line::exit::Exit;
use crate::cli::output::human;
use crate::cli::output::records::{Format, Layout, Records, Value, json};
use crate::cli::output::table::{Cell, write_fields};
use crate::cli::output::text;
use crate::restore::{self, Config, Report};
use serde::Serialize;
use std::io::{self, Write as _};
use std::path::Path;

/// The report as JSON; its names are the contract's.
#[derive(Serialize)]
struct Document {
    database: String,
    restored_from: String,
    rows: u64,
    /// `null` where the database was missing or unusable.
    replaced_rows: Option<u64>,
    newer_rows: u64,
    /// `null` in a dry run that cannot know it.
    bytes: Option<u64>,
    backup: Option<String>,
    moved_aside: Vec<Moved>,
    dry_run: bool,
}

#[derive(Serialize)]
struct Moved {
    from: String,
    to: String,
}

fn lossy(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Runs the command.
///
/// # Errors
/// It could not run; the database is as it was then.
pub fn run(app: &mut App, arguments: &args::Restore) -> anyhow::Result<Exit> {
    let shape = app.shape(false)?;
    let home = app.home_or_nowhere()?;
    let codex_config = app.config(&home);
    let candidates = app.databases(&home, &codex_config)?;
    let chosen = app.choose_certain(&candidates)?;
    let options = app.open_options();
    let source = app.absolute(&arguments.file);
    let database = match chosen {
        Some(database) => database,
        None => candidates.create_in.join(restore::name_for(&source, &options)?),
    };
    let interrupted = app.interrupted.clone();
    let config = Config {
        database: &database,
        source: &source,
        options: &options,
        keep_backup: !arguments.writing.no_backup,
        dry_run: arguments.writing.dry_run,
        now: app.environment.now,
        interrupted: &interrupted,
    };
    let is_there = database.exists();
    if is_there {
        app.metrics.opened("restore");
    }
    let report = restore::run(&config, &app.bar)?;
    if !is_there && !config.dry_run {
        app.metrics.created();
    }
    write(app, &config, &report, shape)?;
    for moved in &report.moved_aside {
        app.say(&format!("{} could not be used and is now {}", moved.from.display(), moved.to.display()));
    }
    if report.newer_rows > 0 {
        let rows = human::counted(report.newer_rows, "row", "rows");
        app.warn(&match config.dry_run {
            true => format!("{rows} are newer than the backup and would go from the database"),
            false => format!("{rows} were newer than the backup and went from the database"),
        });
    }
    if config.dry_run {
        app.say("nothing was written: this was a dry run");
    } else {
        app.say_undo(report.backup.as_deref());
        app.hint("codex-state backfill brings back what the rollouts know beyond the backup");
    }
    Ok(Exit::Done)
}

fn write(app: &mut App, config: &Config<'_>, report: &Report, shape: Shape) -> io::Result<()> {
    let document = Document {
        database: lossy(config.database),
        restored_from: lossy(config.source),
        rows: report.rows,
        replaced_rows: report.replaced_rows,
        newer_rows: report.newer_rows,
        bytes: report.bytes,
        backup: report.backup.as_deref().map(lossy),
        moved_aside: report
            .moved_aside
            .iter()
            .map(|moved| Moved { from: lossy(&moved.from), to: lossy(&moved.to) })
            .collect(),
        dry_run: config.dry_run,
    };
    match shape {
        Shape::Records(Format::Json | Format::Jsonl) => json::write_document(&mut app.out, &document)?,
        Shape::Records(format) => {
            let layout = Layout {
                columns: &[
                    "database",
                    "restored_from",
                    "rows",
                    "replaced_rows",
                    "newer_rows",
                    "bytes",
                    "backup",
                ],
                header: !app.global.no_header,
                list: "restore",
                for_terminal: app.environment.stdout_is_terminal,
            };
            let mut records = Records::begin(&mut app.out, format, layout)?;
            let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
            records.row(&[
                Value::from(&*document.database),
                Value::from(&*document.restored_from),
                number(document.rows).into(),
                document.replaced_rows.map(number).into(),
                number(document.newer_rows).into(),
                document.bytes.map(number).into(),
                document.backup.as_deref().into(),
            ])?;
            records.finish()?;
        }
        Shape::Text | Shape::Github => {
            let mut fields = vec![
                ("database", Cell::exact(text::path(config.database))),
                ("restored from", Cell::exact(text::path(config.source))),
                ("threads", Cell::new(human::count(report.rows))),
            ];
            if let Some(replaced) = report.replaced_rows {
                fields.push(("threads before", Cell::new(human::count(replaced))));
                fields.push(("newer rows gone", Cell::new(human::count(report.newer_rows))));
            }
            write_fields(&mut app.out, &fields, app.style)?;
        }
    }
    app.out.flush()
}
