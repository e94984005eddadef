//! `codex-state relink`: passes the arguments to the verb and prints its report.

use crate::cli::commands::titles::{self, MAX_ROWS};
use crate::cli::commands::{App, Place, ending};
use crate::cli::line::{Exit, args, jobs_or_processors};
use crate::cli::output::{ListReport, Members, OutputForm, Table, TableCell, TableColumn, Tone, human, text};
use crate::error::WithHint as _;
use crate::relink::{self, RelinkOptions, RelinkReport, RelinkStatus, Relinked};
use crate::thread::folder;
use anyhow::anyhow;
use std::io;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// If the command cannot run.
pub fn run(app: &mut App, arguments: &args::RelinkArgs) -> anyhow::Result<Exit> {
    let form = app.form(true)?;
    let place = Place::find(app)?;
    let database = place.only_database(app)?;
    let (old, new) = (absolute(app, &arguments.old)?, absolute(app, &arguments.new)?);
    let dry_run = arguments.writing.dry_run;
    let options = RelinkOptions {
        context: place.context(app, jobs_or_processors(None)),
        old: &old,
        new: &new,
        missing_ok: arguments.missing_ok,
    };
    let mut reader = place.read(app, &database, "relink")?;
    let job = relink::plan(&options, &mut reader, app.messages.progress())?;
    drop(reader);
    let (report, backup) = match dry_run || !job.has_work() {
        true => (job.preview(), None),
        false => place.write(app, &database, !arguments.writing.no_backup, |writer| {
            job.run(writer, app.messages.progress())
        })?,
    };
    for thread in &report.threads {
        if let Some(error) = thread.error {
            app.messages.fail(&format!("{}: {error}", text::safe(&thread.id())));
        }
    }
    write_report(app, &form, &database, &old, &report, dry_run)?;
    advise(app, &old, &report, dry_run);
    ending::say_shown(app, &report.shown, dry_run);
    if report.interrupted {
        app.messages.hint("what was written stays; run the command again to carry on");
    }
    let n = report.count(RelinkStatus::Relinked);
    if n > 0 && !dry_run {
        ending::say_undo(app, &database, backup.as_deref());
    }
    Ok(match report.interrupted {
        true => Exit::Interrupted,
        false => Exit::from_answer(report.count(RelinkStatus::Failed) == 0),
    })
}

/// Returns a folder as an absolute path. A folder of another system is absolute as typed.
fn absolute(app: &App, typed: &Path) -> anyhow::Result<String> {
    let not_text = || {
        anyhow!("{}: is not UTF-8, which no row can hold", typed.display()).hint("name a folder that is text")
    };
    let text = typed.to_str().ok_or_else(not_text)?;
    if folder::is_absolute(text) {
        return Ok(text.to_owned());
    }
    let path = app.environment.current_dir()?.join(typed);
    path.into_os_string().into_string().map_err(|_| not_text())
}

fn status(status: RelinkStatus) -> &'static str {
    match status {
        RelinkStatus::Relinked => "relinked",
        RelinkStatus::Failed => "failed",
    }
}

/// Returns the members of one row; documented in the help.
fn members(thread: &Relinked) -> Members<'_> {
    vec![
        ("id", thread.id().into()),
        ("status", status(thread.status).into()),
        ("from", (&*thread.from).into()),
        ("to", (&*thread.to).into()),
        ("error", thread.error.into()),
    ]
}

fn write_report(
    app: &mut App,
    form: &OutputForm,
    database: &Path,
    old: &str,
    report: &RelinkReport,
    dry_run: bool,
) -> io::Result<()> {
    let counts = [RelinkStatus::Relinked, RelinkStatus::Failed]
        .map(|which| (status(which), report.count(which).into()));
    ListReport {
        before: vec![("database", database.into()), ("old", old.into()), ("new", (&*report.new).into())],
        name: "threads",
        items: report.threads.iter().map(Ok),
        members: &|thread: &&Relinked| members(thread),
        columns: &["id", "status", "from", "to", "error"],
        after: counts.into_iter().chain(ending::members(&report.shown, dry_run)).collect(),
        text: &|out| titles::write_table(out, table(form, report, dry_run), report.threads.len() as u64),
    }
    .write(&mut app.out, form)
}

fn table(form: &OutputForm, report: &RelinkReport, dry_run: bool) -> Table {
    let columns = vec![
        TableColumn::text("id"),
        TableColumn::text("status"),
        TableColumn::path("from"),
        TableColumn::path("to"),
    ];
    let mut table = Table::new(columns, form.width, form.style);
    for thread in report.threads.iter().take(MAX_ROWS) {
        let (word, tone) = match (thread.status, dry_run) {
            (RelinkStatus::Relinked, false) => ("relinked", Tone::Good),
            (RelinkStatus::Relinked, true) => ("would relink", Tone::Normal),
            (RelinkStatus::Failed, _) => ("failed", Tone::Bad),
        };
        table.row([
            TableCell::exact(text::safe(&thread.id())),
            TableCell::new(word).tone(tone),
            TableCell::exact(text::safe(&thread.from)),
            TableCell::exact(text::safe(&thread.to)),
        ]);
    }
    table
}

/// Prints on standard error what happened, and what may not last.
fn advise(app: &App, old: &str, report: &RelinkReport, dry_run: bool) {
    let threads = |n: u64| human::counted(n, "thread", "threads");
    let (n, old, new) = (report.count(RelinkStatus::Relinked), text::safe(old), text::safe(&report.new));
    app.messages.say(&match (n, dry_run) {
        (0, true) => "nothing was written: this was a dry run; nothing would change".to_owned(),
        (0, false) => format!("no row needed a change: no thread is left in {old}"),
        (_, true) => format!("nothing was written: this was a dry run, which would relink {}", threads(n)),
        (_, false) => format!("relinked {}: they belong to {new} now", threads(n)),
    });
    if report.n_there > 0 {
        app.messages.say(&format!(
            "{} in {new} already, and left there",
            human::counted(report.n_there, "thread is", "threads are")
        ));
    }
    if report.threads.is_empty() && report.n_there == 0 {
        app.messages
            .hint("codex-state list --all --hidden --columns cwd,title shows the folders that rows have");
    }
    if report.n_taken_back > 0 {
        app.messages.warn(&format!(
            "{} have a folder that exists in the old place and not in the new one: the next codex-state backfill takes them back",
            threads(report.n_taken_back)
        ));
    }
    if report.n_open > 0 {
        app.messages.warn(&format!(
            "{} open in a running Codex, which may write the old folder again: close it, then run the command once more",
            human::counted(report.n_open, "thread is", "threads are")
        ));
    }
}
