//! `codex-state archive` (and the common part of `unarchive`): from arguments to the verb, and its report to the streams.

use crate::archive::{self, Config, Direction, Outcome, Report, Status};
use crate::cli::commands::app::{App, Shape};
use crate::cli::commands::threads;
use crate::cli::line::args;
use crate::cli::line::exit::Exit;
use crate::cli::output::records::{Format, Layout, Records, Value, json};
use crate::cli::output::style::Tone;
use crate::cli::output::table::{Cell, Column, Table};
use crate::cli::output::{human, text};
use crate::db::open::{Reader, Writer};
use serde::Serialize;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Runs the command.
///
/// # Errors
/// It could not run.
pub fn run(app: &mut App, arguments: &args::Archive) -> anyhow::Result<Exit> {
    move_threads(app, Direction::Archive, &arguments.moving)
}

/// Moves threads either way.
///
/// # Errors
/// It could not run.
pub(super) fn move_threads(
    app: &mut App,
    direction: Direction,
    arguments: &args::Moving,
) -> anyhow::Result<Exit> {
    let shape = app.shape(true)?;
    let home = app.home()?;
    let codex_config = app.config(&home);
    let database = app.only_database(&home, &codex_config)?;
    let options = app.open_options();
    let mut reader = Reader::open(&database, &options)?;
    app.metrics.opened(direction.verb());
    let found = threads::resolve(app, &arguments.threads, &home, Some(&mut reader))?;
    if found.selected.is_empty() && shape == Shape::Text {
        return Ok(found.exit);
    }
    let config = Config {
        home: &home,
        threads: &found.selected,
        direction,
        recursive: arguments.recursive,
        jobs: app.jobs(None),
        default_provider: app.default_provider(&codex_config),
        now: app.environment.now,
        patience: app.global.busy_timeout,
        interrupted: &app.interrupted,
    };
    let job = archive::plan(&config, &mut reader, &app.bar)?;
    drop(reader);
    let report = if arguments.dry_run || !job.has_work() {
        job.preview()
    } else if app.interrupted.load(Ordering::Relaxed) {
        archive::Report { interrupted: true, ..archive::Report::default() }
    } else {
        // Before the database is opened for writing: while it is, nothing else may open the file in this process.
        if !arguments.no_backup {
            app.keep_backup(&database)?;
        }
        let mut writer = Writer::open(&database, &options)?;
        let report = job.run(&mut writer, &app.bar);
        writer.close()?;
        report
    };
    for outcome in &report.threads {
        if let Some(error) = &outcome.error {
            app.complain(&format!("{}: {error}", name(outcome)));
        }
    }
    write_report(app, &database, direction, &report, arguments.dry_run, shape)?;
    advise(app, direction, &report, arguments.dry_run);
    if let Some(error) = report.stopped {
        return Err(error);
    }
    if report.interrupted {
        return Ok(Exit::Interrupted);
    }
    Ok(found.exit.merge(Exit::from_answer(report.count(Status::Failed) == 0)))
}

/// What a thread is called in messages.
fn name(outcome: &Outcome) -> String {
    let path = || outcome.from.as_ref().map(|path| text::path(path).into_owned()).unwrap_or_default();
    outcome.id.map_or_else(path, |id| id.to_string())
}

fn status(direction: Direction, status: Status) -> &'static str {
    match status {
        Status::Done => direction.done(),
        Status::Unchanged => "unchanged",
        Status::Failed => "failed",
    }
}

/// One thread in JSON; documented in the help.
#[derive(Serialize)]
struct Thread<'a> {
    id: Option<String>,
    from: Option<String>,
    to: Option<String>,
    status: &'static str,
    files: Vec<File>,
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct File {
    from: String,
    to: String,
}

fn lossy(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn thread(direction: Direction, outcome: &Outcome) -> Thread<'_> {
    let path = |path: &Option<PathBuf>| path.as_deref().map(lossy);
    let files = outcome.files.iter().map(|file| File { from: lossy(&file.from), to: lossy(&file.to) });
    Thread {
        id: outcome.id.map(|id| id.to_string()),
        from: path(&outcome.from),
        to: path(&outcome.to),
        status: status(direction, outcome.status),
        files: files.collect(),
        error: outcome.error.as_deref(),
    }
}

fn write_report(
    app: &mut App,
    database: &Path,
    direction: Direction,
    report: &Report,
    dry_run: bool,
    shape: Shape,
) -> io::Result<()> {
    match shape {
        Shape::Records(Format::Json) => {
            let mut document = json::Document::begin(&mut app.out)?;
            document.member("database", &lossy(database))?;
            document.list("threads")?;
            for outcome in &report.threads {
                document.item(&thread(direction, outcome))?;
            }
            for which in [Status::Done, Status::Unchanged, Status::Failed] {
                document.member(status(direction, which), &report.count(which))?;
            }
            document.member("dry_run", &dry_run)?;
            document.finish()?;
        }
        Shape::Records(Format::Jsonl) => {
            for outcome in &report.threads {
                json::write_line(&mut app.out, &thread(direction, outcome))?;
            }
        }
        Shape::Records(format) => {
            let layout = Layout {
                columns: &["id", "status", "from", "to", "error"],
                header: !app.global.no_header,
                list: "threads",
                for_terminal: app.environment.stdout_is_terminal,
            };
            let mut records = Records::begin(&mut app.out, format, layout)?;
            for outcome in &report.threads {
                let path = |path: &Option<PathBuf>| Value::from(path.as_deref().map(lossy));
                records.row(&[
                    Value::from(outcome.id.map(|id| id.to_string())),
                    status(direction, outcome.status).into(),
                    path(&outcome.from),
                    path(&outcome.to),
                    Value::from(outcome.error.as_deref()),
                ])?;
            }
            records.finish()?;
        }
        Shape::Text | Shape::Github => {
            let columns = vec![Column::text("id"), Column::text("status"), Column::path("path")];
            let mut table = Table::new(columns, app.environment.width(), app.style);
            for outcome in &report.threads {
                let tone = match outcome.status {
                    Status::Done => Tone::Good,
                    Status::Unchanged => Tone::Normal,
                    Status::Failed => Tone::Bad,
                };
                let path = outcome.to.as_ref().or(outcome.from.as_ref());
                table.row([
                    Cell::exact(outcome.id.map_or_else(|| "-".to_owned(), |id| id.to_string())),
                    Cell::new(status(direction, outcome.status)).tone(tone),
                    Cell::exact(path.map(|path| text::path(path)).unwrap_or_default()),
                ]);
            }
            table.write(&mut app.out)?;
        }
    }
    app.out.flush()
}

/// Says on standard error what happened, and how it is undone.
fn advise(app: &App, direction: Direction, report: &Report, dry_run: bool) {
    let n = report.count(Status::Done);
    let n_files: usize = report.threads.iter().map(|outcome| outcome.files.len()).sum();
    let threads = human::counted(n as u64, "thread", "threads");
    let files = human::counted(n_files as u64, "file", "files");
    let unchanged = report.count(Status::Unchanged);
    if unchanged > 0 {
        let unchanged = human::counted(unchanged as u64, "thread was", "threads were");
        app.say(&match direction {
            Direction::Archive => format!("{unchanged} archived already"),
            Direction::Unarchive => format!("{unchanged} not archived"),
        });
    }
    if dry_run && n > 0 {
        let would = direction.verb();
        app.say(&format!("nothing was changed: this was a dry run, which would {would} {threads}, {files}"));
    } else if dry_run {
        app.say("nothing was changed: this was a dry run");
    } else if n > 0 {
        app.say(&format!("{} {threads}, {files}", direction.done()));
        let ids = report.threads.iter().filter(|outcome| outcome.status == Status::Done);
        let ids: Vec<String> = ids.filter_map(|outcome| Some(outcome.id?.to_string())).collect();
        let undo = direction.reverse().verb();
        match &ids[..] {
            few @ ([_] | [_, _] | [_, _, _]) => {
                app.hint(&format!("codex-state {undo} {} undoes it", few.join(" ")));
            }
            _ => app.hint(&format!("the same ids with codex-state {undo} undo it")),
        }
    }
    if report.interrupted && !dry_run {
        app.hint("what was moved stays; run the command again to carry on");
    }
}
