//! `codex-state archive`, and the common part of `unarchive`: passes the arguments to the verb and prints its report.

use crate::archive::{
    self, ArchiveOptions, ArchiveOutcome, ArchiveReport, ArchiveStatus, Direction, MovedFile,
};
use crate::cli::commands::titles::{self, MAX_ROWS, MovedThread, Titles};
use crate::cli::commands::{App, Place, ending, output_file, threads};
use crate::cli::line::{Exit, args, jobs_or_processors};
use crate::cli::output::{ListReport, Members, OutputForm, Tone, human, text};
use crate::db::Writer;
use crate::error::{WithHint as _, shell_word};
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Maximum number of ids in the printed command that undoes the run.
const FEW: usize = 5;

/// Runs the command.
///
/// # Errors
/// If the command cannot run.
pub fn run(app: &mut App, arguments: &args::ArchiveArgs) -> anyhow::Result<Exit> {
    move_threads(app, Direction::Archive, &arguments.moving)
}

/// Moves threads in either direction.
///
/// # Errors
/// If the command cannot run.
pub(super) fn move_threads(
    app: &mut App,
    direction: Direction,
    arguments: &args::Moving,
) -> anyhow::Result<Exit> {
    let form = app.form(true)?;
    let ids_file = arguments.ids_to.as_deref().map(|path| output_file(app, path)).transpose()?;
    let place = Place::find(app)?;
    let database = place.only_database(app)?;
    let mut reader = place.read(app, &database, direction.verb())?;
    let found = threads::resolve(app, &arguments.threads, &place.home, Some(&mut reader))?;
    if found.selected.is_empty() && form.is_text() {
        if let Some(file) = ids_file.filter(|_| !arguments.dry_run) {
            // With the ids of an earlier run, the user would move threads back that this run did not move.
            file.write(b"")?;
        }
        return Ok(found.exit);
    }
    let options = ArchiveOptions {
        context: place.context(app, jobs_or_processors(None)),
        threads: &found.selected,
        direction,
        recursive: arguments.recursive,
        patience: app.global.busy_timeout,
    };
    let job = archive::plan(&options, &mut reader, app.messages.progress())?;
    drop(reader);
    let report = if arguments.dry_run || !job.has_work() {
        job.preview()
    } else if app.interrupted.load(Ordering::Relaxed) {
        ArchiveReport::before_any()
    } else {
        let work = |writer: &mut Writer| Ok(job.run(writer, app.messages.progress()));
        place.write(app, &database, !arguments.no_backup, work)?.0
    };
    for outcome in &report.threads {
        let outcome = outcome?;
        if let Some(error) = &outcome.error {
            app.messages.fail(&format!("{}: {error}", name(&outcome)));
        }
    }
    let titles = titles::of(app, &form, &database, &place, first_ids(&report)?)?;
    write_report(app, &form, &database, direction, &report, &titles, arguments.dry_run)?;
    if let Some(file) = ids_file.as_ref().filter(|_| !arguments.dry_run) {
        file.write_with(|out| moved(&report).try_for_each(|id| writeln!(out, "{}", id?)))
            .hint("the threads were moved all the same; the output names them")?;
    }
    advise(app, direction, &report, arguments)?;
    if let Some(error) = report.stopped {
        return Err(error);
    }
    if report.interrupted {
        return Ok(Exit::Interrupted);
    }
    Ok(found.exit.merge(Exit::from_answer(report.count(ArchiveStatus::Failed) == 0)))
}

/// Returns the ids of the threads that a table shows, in the order of their outcomes.
fn first_ids(report: &ArchiveReport) -> anyhow::Result<Vec<String>> {
    let id = |outcome: ArchiveOutcome| outcome.id.map(|id| id.to_string()).unwrap_or_default();
    report.threads.iter().take(MAX_ROWS).map(|outcome| outcome.map(id)).collect()
}

/// Returns the ids of the threads that were moved.
fn moved(report: &ArchiveReport) -> impl Iterator<Item = io::Result<String>> {
    report.threads.iter().filter_map(|outcome| match outcome {
        Ok(outcome) if outcome.status == ArchiveStatus::Done => Some(Ok(outcome.id?.to_string())),
        Ok(_) => None,
        Err(error) => Some(Err(io::Error::other(error))),
    })
}

/// Returns the name of a thread in messages.
fn name(outcome: &ArchiveOutcome) -> String {
    let path = || outcome.from.as_ref().map(|path| text::path(path).into_owned()).unwrap_or_default();
    outcome.id.map_or_else(path, |id| id.to_string())
}

fn status(direction: Direction, status: ArchiveStatus) -> &'static str {
    match status {
        ArchiveStatus::Done => direction.done(),
        ArchiveStatus::Unchanged => "unchanged",
        ArchiveStatus::Failed => "failed",
    }
}

/// Returns the members of one thread; documented in the help.
fn thread(direction: Direction, outcome: &ArchiveOutcome) -> Members<'_> {
    fn file(file: &MovedFile) -> Members<'_> {
        vec![("from", (&*file.from).into()), ("to", (&*file.to).into())]
    }
    vec![
        ("id", outcome.id.map(|id| id.to_string()).into()),
        ("from", outcome.from.as_deref().into()),
        ("to", outcome.to.as_deref().into()),
        ("status", status(direction, outcome.status).into()),
        ("files", outcome.files.iter().map(file).collect()),
        ("error", outcome.error.as_deref().into()),
    ]
}

fn write_report(
    app: &mut App,
    form: &OutputForm,
    database: &Path,
    direction: Direction,
    report: &ArchiveReport,
    titles: &Titles,
    dry_run: bool,
) -> io::Result<()> {
    let counts = [ArchiveStatus::Done, ArchiveStatus::Unchanged, ArchiveStatus::Failed]
        .map(|which| (status(direction, which), report.count(which).into()));
    let rows = || report.threads.iter().map(|outcome| Ok(row(direction, outcome?, dry_run)));
    ListReport {
        before: vec![("database", database.into())],
        name: "threads",
        items: report.threads.iter(),
        members: &|outcome| thread(direction, outcome),
        columns: &["id", "status", "from", "to", "error"],
        after: counts.into_iter().chain(ending::members(&report.shown, dry_run)).collect(),
        text: &|out| titles.write_table(out, form, report.threads.len(), rows()),
    }
    .write(&mut app.out, form)
}

/// Returns the row of a thread in the table.
fn row(direction: Direction, outcome: ArchiveOutcome, dry_run: bool) -> MovedThread {
    let word = match (outcome.status, dry_run) {
        (ArchiveStatus::Done, true) => format!("would {}", direction.verb()),
        (which, _) => status(direction, which).to_owned(),
    };
    let tone = match outcome.status {
        ArchiveStatus::Done => Tone::Good,
        ArchiveStatus::Unchanged => Tone::Normal,
        ArchiveStatus::Failed => Tone::Bad,
    };
    let id = outcome.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let path = outcome.to.or(outcome.from).map(|path| text::path(&path).into_owned()).unwrap_or_default();
    MovedThread { id, status: word, tone, reason: None, path }
}

/// Prints on standard error what happened, and how to undo it.
fn advise(
    app: &App,
    direction: Direction,
    report: &ArchiveReport,
    arguments: &args::Moving,
) -> io::Result<()> {
    let dry_run = arguments.dry_run;
    let n = report.count(ArchiveStatus::Done);
    let threads = human::counted(n as u64, "thread", "threads");
    let files = human::counted(report.n_files as u64, "file", "files");
    let unchanged = report.count(ArchiveStatus::Unchanged);
    if unchanged > 0 {
        let unchanged = human::counted(unchanged as u64, "thread was", "threads were");
        app.messages.say(&match direction {
            Direction::Archive => format!("{unchanged} archived already"),
            Direction::Unarchive => format!("{unchanged} not archived"),
        });
    }
    if dry_run && n > 0 {
        let would = direction.verb();
        app.messages
            .say(&format!("nothing was changed: this was a dry run, which would {would} {threads}, {files}"));
    } else if dry_run {
        app.messages.say("nothing was changed: this was a dry run");
    } else if n > 0 {
        app.messages.say(&format!("{} {threads}, {files}", direction.done()));
    }
    ending::say_shown(app, &report.shown, dry_run);
    if report.interrupted && !dry_run {
        app.messages.hint("what was moved stays; run the command again to carry on");
    }
    if n > 0 && !dry_run {
        let undo = direction.reverse().verb();
        match &arguments.ids_to {
            Some(file) if file.is_file() => {
                app.messages.hint(&format!("codex-state {undo} - < {} undoes it", shell_word(file)));
            }
            _ if n <= FEW => {
                let few: Vec<String> = moved(report).collect::<io::Result<_>>()?;
                app.messages.hint(&format!("codex-state {undo} {} undoes it", few.join(" ")));
            }
            _ => app.messages.hint(&format!(
                "codex-state {undo} - takes back the ids that the output names; next time --ids-to FILE keeps them in a file"
            )),
        }
    }
    Ok(())
}
