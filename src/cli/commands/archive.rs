//! `codex-state archive` and `codex-state unarchive`: passes the arguments to the verb and prints its report.

use crate::archive::{self, ArchiveOptions, ArchiveOutcome, ArchiveReport, Direction, MovedFile};
use crate::cli::commands::edit::Edit;
use crate::cli::commands::titles::{self, MAX_ROWS, MovedThread, Titles};
use crate::cli::commands::words::Words;
use crate::cli::commands::{App, output_file, threads};
use crate::cli::line::{Exit, args, jobs_or_processors};
use crate::cli::output::{ListReport, Members, human, text};
use crate::db::Reader;
use crate::error::{WithHint as _, shell_word};
use crate::survey::change::ChangeStatus;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Maximum number of ids in the printed command that undoes the run.
const FEW: u64 = 5;

/// Runs the command for a direction.
///
/// # Errors
/// If the command cannot run.
pub fn run(app: &mut App, direction: Direction, arguments: &args::Moving) -> anyhow::Result<Exit> {
    let form = app.form(true)?;
    let ids_file = arguments.ids_to.as_deref().map(|path| output_file(app, path)).transpose()?;
    let mut edit = Edit::begin(app, form, arguments.dry_run, arguments.no_backup)?;
    let mut reader = edit.place.read(edit.app, &edit.database, direction.verb())?;
    let found = threads::resolve(edit.app, &arguments.threads, &edit.place.home, Some(&mut reader))?;
    if found.selected.is_empty() && form.is_text() {
        if let Some(file) = ids_file.filter(|_| !arguments.dry_run) {
            // With the ids of an earlier run, the user would move threads back that this run did not move.
            file.write(b"")?;
        }
        return Ok(found.exit);
    }
    let options = ArchiveOptions {
        context: edit.place.context(edit.app, jobs_or_processors(None)),
        threads: &found.selected,
        direction,
        recursive: arguments.recursive,
        patience: edit.app.global.busy_timeout,
    };
    let job = archive::plan(&options, &mut reader, edit.app.messages.progress())?;
    drop(reader);
    let report = if edit.dry_run || !job.has_work() {
        job.preview()
    } else if edit.app.interrupted.load(Ordering::Relaxed) {
        ArchiveReport::before_any()
    } else {
        edit.write(|writer| Ok(job.run(writer, edit.app.messages.progress())))?.0
    };
    for outcome in report.threads.iter() {
        let outcome = outcome?;
        if let Some(error) = &outcome.error {
            edit.app.messages.fail(&format!("{}: {error}", name(&outcome)));
        }
    }
    let titles = titles(&edit, &report)?;
    write_report(&mut edit, direction, &report, &titles)?;
    if let Some(file) = ids_file.as_ref().filter(|_| !arguments.dry_run) {
        file.write_with(|out| moved(&report).try_for_each(|id| writeln!(out, "{}", id?)))
            .hint("the threads were moved all the same; the output names them")?;
    }
    advise(&edit, direction, &report, arguments.ids_to.as_deref())?;
    if let Some(error) = report.stopped {
        return Err(error);
    }
    if report.interrupted {
        return Ok(Exit::Interrupted);
    }
    Ok(found.exit.merge(Exit::from_answer(report.count(ChangeStatus::Failed) == 0)))
}

/// Returns the titles of the threads that a table shows, in the order of their outcomes, if there is a table.
fn titles(edit: &Edit<'_>, report: &ArchiveReport) -> anyhow::Result<Titles> {
    if !edit.form.is_text() || report.threads.is_empty() {
        return Ok(Titles::default());
    }
    let id = |outcome: ArchiveOutcome| outcome.id.map(|id| id.to_string()).unwrap_or_default();
    let ids: anyhow::Result<Vec<String>> =
        report.threads.iter().take(MAX_ROWS).map(|outcome| outcome.map(id)).collect();
    titles::read(edit.app, &mut Reader::open(&edit.database, &edit.place.options)?, &ids?)
}

/// Returns the ids of the threads that were moved.
fn moved(report: &ArchiveReport) -> impl Iterator<Item = io::Result<String>> {
    report.threads.iter().filter_map(|outcome| match outcome {
        Ok(outcome) if outcome.status == ChangeStatus::Done => Some(Ok(outcome.id?.to_string())),
        Ok(_) => None,
        Err(error) => Some(Err(io::Error::other(error))),
    })
}

/// Returns the name of a thread in messages.
fn name(outcome: &ArchiveOutcome) -> String {
    let path = || outcome.from.as_ref().map(|path| text::path(path).into_owned()).unwrap_or_default();
    outcome.id.map_or_else(path, |id| id.to_string())
}

fn words(direction: Direction) -> Words {
    Words { verb: direction.verb(), done: direction.done(), kept: "unchanged" }
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
        ("status", words(direction).of(outcome.status).into()),
        ("files", outcome.files.iter().map(file).collect()),
        ("error", outcome.error.as_deref().into()),
    ]
}

fn write_report(
    edit: &mut Edit<'_>,
    direction: Direction,
    report: &ArchiveReport,
    titles: &Titles,
) -> io::Result<()> {
    let words = words(direction);
    let counts = words.counts(|status| report.count(status));
    let rows = || report.threads.iter().map(|outcome| Ok(row(words, outcome?, edit.dry_run)));
    ListReport {
        before: vec![("database", (&*edit.database).into())],
        name: "threads",
        items: report.threads.iter(),
        members: &|outcome| thread(direction, outcome),
        columns: &["id", "status", "from", "to", "error"],
        after: counts.into_iter().chain(edit.last_members(&report.shown)).collect(),
        text: &|out| titles.write_table(out, &edit.form, report.threads.len(), rows()),
    }
    .write(&mut edit.app.out, &edit.form)
}

/// Returns the row of a thread in the table.
fn row(words: Words, outcome: ArchiveOutcome, dry_run: bool) -> MovedThread {
    let id = outcome.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let path = outcome.to.or(outcome.from).map(|path| text::path(&path).into_owned()).unwrap_or_default();
    MovedThread { id, status: words.cell(outcome.status, dry_run), reason: None, path }
}

/// Prints on standard error what happened, and how to undo it.
fn advise(
    edit: &Edit<'_>,
    direction: Direction,
    report: &ArchiveReport,
    ids_to: Option<&Path>,
) -> io::Result<()> {
    let (messages, dry_run) = (&edit.app.messages, edit.dry_run);
    let n = report.count(ChangeStatus::Done);
    let threads = human::counted(n, "thread", "threads");
    let files = human::counted(report.n_files, "file", "files");
    let unchanged = report.count(ChangeStatus::Kept);
    if unchanged > 0 {
        let unchanged = human::counted(unchanged, "thread was", "threads were");
        messages.say(&match direction {
            Direction::Archive => format!("{unchanged} archived already"),
            Direction::Unarchive => format!("{unchanged} not archived"),
        });
    }
    if dry_run && n > 0 {
        let would = direction.verb();
        messages
            .say(&format!("nothing was changed: this was a dry run, which would {would} {threads}, {files}"));
    } else if dry_run {
        messages.say("nothing was changed: this was a dry run");
    } else if n > 0 {
        messages.say(&format!("{} {threads}, {files}", direction.done()));
    }
    edit.say_shown(&report.shown);
    if report.interrupted && !dry_run {
        messages.hint("what was moved stays; run the command again to carry on");
    }
    if n > 0 && !dry_run {
        let undo = direction.undo();
        match ids_to {
            Some(file) if file.is_file() => {
                messages.hint(&format!("codex-state {undo} - < {} undoes it", shell_word(file)));
            }
            _ if n <= FEW => {
                let few: Vec<String> = moved(report).collect::<io::Result<_>>()?;
                messages.hint(&format!("codex-state {undo} {} undoes it", few.join(" ")));
            }
            _ => messages.hint(&format!(
                "codex-state {undo} - takes back the ids that the output names; next time --ids-to FILE keeps them in a file"
            )),
        }
    }
    Ok(())
}
