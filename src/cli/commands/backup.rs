//! `codex-state backup`: passes the arguments to the verb and prints the result.

use crate::cli::commands::place::protected;
use crate::cli::commands::{App, Place};
use crate::cli::line::{Exit, args};
use crate::cli::output::{Report, ReportRows, TableCell, human, text, write_fields};
use crate::db::{Reader, Schema, backup, threads};
use crate::error::{WithHint as _, shell_word};
use crate::output_file::OutputFile;
use crate::progress::during;
use anyhow::anyhow;

/// Runs the command.
///
/// # Errors
/// If the command cannot run, or the file exists.
pub fn run(app: &mut App, arguments: &args::BackupArgs) -> anyhow::Result<Exit> {
    let form = app.form(false)?;
    if let Some(file) = &arguments.file {
        OutputFile::check_new_database(&app.environment.absolute(file), &protected(app))?;
    }
    let place = Place::find_or_nowhere(app)?;
    let database = place.database(&app.messages)?;
    let mut reader = Reader::open(&database, &place.options)?;
    // A database without threads is not a state database; better reported now than at a restore.
    Schema::of(&mut reader)?;
    let rows = reader.read(threads::count)?;
    let (_, size) = backup::page_and_copy_size(&mut reader)?;
    app.metrics.opened("backup");
    drop(reader);
    let by_name = backup::name_by_hand(&database, app.environment.now);
    let target = arguments.file.as_ref().map_or(by_name, |file| app.environment.absolute(file));
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
        during(app.messages.progress(), "copying the database", || {
            backup::back_up(&database, &target, &place.options, &mut |_| {})
        })?
    };
    Report {
        members: vec![
            ("database", (&*database).into()),
            ("backup", (&*target).into()),
            ("rows", rows.into()),
            ("bytes", bytes.into()),
            ("dry_run", arguments.dry_run.into()),
        ],
        rows: ReportRows::Columns(&["database", "backup", "rows", "bytes"]),
        text: &|out| {
            let fields = [
                ("backup", TableCell::exact(text::path(&target))),
                ("threads", TableCell::new(human::count(rows))),
                ("size", TableCell::new(human::bytes(bytes))),
            ];
            write_fields(out, &fields, usize::MAX, form.style)
        },
    }
    .write(&mut app.out, &form)?;
    if arguments.dry_run {
        app.messages.say("nothing was written: this was a dry run");
    } else {
        app.messages.hint(&format!("codex-state restore {} brings it back", shell_word(&target)));
    }
    Ok(Exit::Done)
}
