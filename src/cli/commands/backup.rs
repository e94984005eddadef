//! `codex-state backup`: from arguments to the copy, and what was made to the streams.

use crate::cli::commands::app::{App, Shape};
use crate::cli::line::args;
use crate::cli::line::exit::Exit;
use crate::cli::output::human;
use crate::cli::output::records::{Format, Layout, Records, Value, json};
use crate::cli::output::table::{Cell, write_fields};
use crate::cli::output::text;
use crate::db::backup;
use crate::db::open::Reader;
use crate::db::threads;
use crate::error::{WithHint as _, shell_word};
use crate::progress::Progress as _;
use crate::sys::OutputFile;
use anyhow::anyhow;
use serde::Serialize;
use std::io::{self, Write as _};
use std::path::Path;

/// The report as JSON; its names are the contract's.
#[derive(Serialize)]
struct Document {
    database: String,
    backup: String,
    rows: u64,
    bytes: u64,
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// It could not run, or the file exists.
pub fn run(app: &mut App, arguments: &args::Backup) -> anyhow::Result<Exit> {
    let shape = app.shape(false)?;
    if let Some(file) = &arguments.file {
        OutputFile::check_new_database(&app.absolute(file), &app.protected())?;
    }
    let home = app.home_or_nowhere()?;
    let database = app.database(&home, &app.config(&home))?;
    let options = app.open_options();
    let mut reader = Reader::open(&database, &options)?;
    // What has no threads is no state database: better said now than when it is restored.
    app.schema(&mut reader)?;
    let rows = reader.read(|connection| Ok(threads::count(connection)?))?;
    let (_, size) = backup::page_and_copy_size(&mut reader)?;
    app.metrics.opened("backup");
    drop(reader);
    let by_name = backup::name_by_hand(&database, app.environment.now);
    let target = arguments.file.as_ref().map_or(by_name, |file| app.absolute(file));
    let bytes = if arguments.dry_run {
        if std::fs::symlink_metadata(&target).is_ok() {
            return Err(anyhow!("{}: already exists", target.display())
                .hint("name a new file: a backup never replaces another"));
        }
        size
    } else {
        if arguments.file.is_none() {
            backup::prepare_folder(&database)?;
        }
        app.bar.start("copying the database", None, None);
        let copied = backup::back_up(&database, &target, &options, &mut |_| {});
        app.bar.finish();
        copied?
    };
    let document = Document {
        database: database.to_string_lossy().into_owned(),
        backup: target.to_string_lossy().into_owned(),
        rows,
        bytes,
        dry_run: arguments.dry_run,
    };
    write(app, &document, &target, shape)?;
    if arguments.dry_run {
        app.say("nothing was written: this was a dry run");
    } else {
        app.hint(&format!("codex-state restore {} brings it back", shell_word(&target)));
    }
    Ok(Exit::Done)
}

fn write(app: &mut App, document: &Document, target: &Path, shape: Shape) -> io::Result<()> {
    match shape {
        Shape::Records(Format::Json | Format::Jsonl) => json::write_document(&mut app.out, document)?,
        Shape::Records(format) => {
            let layout = Layout {
                columns: &["database", "backup", "rows", "bytes"],
                header: !app.global.no_header,
                list: "backup",
                for_terminal: app.environment.stdout_is_terminal,
            };
            let mut records = Records::begin(&mut app.out, format, layout)?;
            let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
            records.row(&[
                Value::from(&*document.database),
                Value::from(&*document.backup),
                number(document.rows).into(),
                number(document.bytes).into(),
            ])?;
            records.finish()?;
        }
        Shape::Text | Shape::Github => {
            let fields = [
                ("backup", Cell::exact(text::path(target))),
                ("threads", Cell::new(human::count(document.rows))),
                ("size", Cell::new(human::bytes(document.bytes))),
            ];
            write_fields(&mut app.out, &fields, app.style)?;
        }
    }
    app.out.flush()
}
