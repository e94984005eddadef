//! `codex-state restore`: passes the arguments to the verb and prints its report.

use crate::cli::commands::edit::Edit;
use crate::cli::commands::{App, Place, backups};
use crate::cli::line::{Exit, args};
use crate::cli::output::{Members, Report, ReportRows, TableCell, human, text, write_fields};
use crate::db::backup::MovedAside;
use crate::restore::{self, RestoreOptions, RestoreReport};
use std::io;
use std::path::Path;

/// The argument for the newest backup.
const LATEST: &str = "latest";

/// Runs the command.
///
/// # Errors
/// If the command cannot run; the database is then unchanged.
pub fn run(app: &mut App, arguments: &args::RestoreArgs) -> anyhow::Result<Exit> {
    let form = app.form(arguments.file.is_none())?;
    let place = Place::find_or_nowhere(app)?;
    let Some(file) = &arguments.file else {
        let choice = place.choose(&app.messages);
        return backups::list(app, &form, &place, choice.as_ref().map(|choice| &*choice.chosen.path));
    };
    let chosen = place.only(app)?;
    let source = match file == Path::new(LATEST) {
        true => backups::latest(&place, chosen.as_deref())?.path,
        false => app.environment.absolute(file),
    };
    let database = match chosen {
        Some(database) => database,
        None => place.databases.create_in().join(restore::name_for(&source, &place.options)?),
    };
    let args::Writing { dry_run, no_backup } = arguments.writing;
    let mut edit = Edit { app, form, place, database, dry_run, keeps_backup: !no_backup };
    let options = RestoreOptions {
        context: edit.place.context(edit.app, 1),
        database: &edit.database,
        source: &source,
        open: &edit.place.options,
        keep_backup: edit.keeps_backup,
        dry_run,
    };
    let is_there = edit.database.exists();
    if is_there {
        edit.app.metrics.opened("restore");
    }
    let report = restore::run(&options, edit.app.messages.progress())?;
    if !is_there && !dry_run {
        edit.app.metrics.created();
    }
    write(&mut edit, &source, &report)?;
    advise(&edit, &report);
    Ok(Exit::Done)
}

/// Prints on standard error what happened, what to do next, and how to undo it.
fn advise(edit: &Edit<'_>, report: &RestoreReport) {
    let messages = &edit.app.messages;
    for moved in &report.moved_aside {
        messages.say(&format!(
            "{} could not be used and is now {}",
            moved.from.display(),
            moved.to.display()
        ));
    }
    if report.newer_rows > 0 {
        let n = report.newer_rows;
        messages.warn(&match (edit.dry_run, n) {
            (true, 1) => "1 row is newer than the backup and would be removed".to_owned(),
            (true, n) => format!("{} rows are newer than the backup and would be removed", human::count(n)),
            (false, 1) => "1 row was newer than the backup and was removed".to_owned(),
            (false, n) => format!("{} rows were newer than the backup and were removed", human::count(n)),
        });
    }
    if edit.dry_run {
        messages.say("nothing was written: this was a dry run");
    } else {
        messages.hint("codex-state backfill brings back what the rollouts know beyond the backup");
        if let Some(backup) = &report.backup {
            edit.say_undo(Some(backup));
        }
    }
}

fn write(edit: &mut Edit<'_>, source: &Path, report: &RestoreReport) -> io::Result<()> {
    fn moved(moved: &MovedAside) -> Members<'_> {
        vec![("from", (&*moved.from).into()), ("to", (&*moved.to).into())]
    }
    let members = vec![
        ("database", (&*edit.database).into()),
        ("restored_from", source.into()),
        ("rows", report.rows.into()),
        // Unknown if the database was missing or unusable.
        ("replaced_rows", report.replaced_rows.into()),
        ("newer_rows", report.newer_rows.into()),
        // Unknown in a dry run that cannot determine it.
        ("bytes", report.bytes.into()),
        ("backup", report.backup.as_deref().into()),
        ("moved_aside", report.moved_aside.iter().map(moved).collect()),
        ("dry_run", edit.dry_run.into()),
    ];
    let columns = ["database", "restored_from", "rows", "replaced_rows", "newer_rows", "bytes", "backup"];
    Report {
        members,
        rows: ReportRows::Columns(&columns),
        text: &|out| {
            let mut fields = vec![
                ("database", TableCell::exact(text::path(&edit.database))),
                ("restored from", TableCell::exact(text::path(source))),
                ("threads", TableCell::new(human::count(report.rows))),
            ];
            if let Some(replaced) = report.replaced_rows {
                fields.push(("threads before", TableCell::new(human::count(replaced))));
                fields.push(("newer rows gone", TableCell::new(human::count(report.newer_rows))));
            }
            write_fields(out, &fields, usize::MAX, edit.form.style)
        },
    }
    .write(&mut edit.app.out, &edit.form)
}
