//! `codex-state relink`: passes the arguments to the verb and prints its report.

use crate::cli::commands::App;
use crate::cli::commands::edit::Edit;
use crate::cli::commands::titles::{self, MAX_ROWS};
use crate::cli::commands::words::Words;
use crate::cli::line::{Exit, args, jobs_or_processors};
use crate::cli::output::{ListReport, Members, OutputForm, Table, TableCell, TableColumn, Tone, human, text};
use crate::error::WithHint as _;
use crate::relink::{self, RelinkOptions, RelinkReport, Relinked};
use crate::survey::change::ChangeStatus;
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
    let mut edit = Edit::begin(app, form, arguments.writing.dry_run, arguments.writing.no_backup)?;
    let (old, new) = (absolute(edit.app, &arguments.old)?, absolute(edit.app, &arguments.new)?);
    let options = RelinkOptions {
        context: edit.place.context(edit.app, jobs_or_processors(None)),
        old: &old,
        new: &new,
        missing_ok: arguments.missing_ok,
    };
    let mut reader = edit.place.read(edit.app, &edit.database, "relink")?;
    let job = relink::plan(&options, &mut reader, edit.app.messages.progress())?;
    drop(reader);
    let (report, backup) = match edit.dry_run || !job.has_work() {
        true => (job.preview(), None),
        false => edit.write(|writer| job.run(writer, edit.app.messages.progress()))?,
    };
    for thread in &report.threads {
        if let Some(error) = thread.error {
            edit.app.messages.fail(&format!("{}: {error}", text::safe(&thread.id())));
        }
    }
    write_report(&mut edit, &old, &report)?;
    advise(&edit, &old, &report);
    edit.say_shown(&report.shown);
    if report.interrupted {
        edit.app.messages.hint("what was written stays; run the command again to carry on");
    }
    if report.count(ChangeStatus::Done) > 0 && !edit.dry_run {
        edit.say_undo(backup.as_deref());
    }
    Ok(match report.interrupted {
        true => Exit::Interrupted,
        false => Exit::from_answer(report.count(ChangeStatus::Failed) == 0),
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

// Every row that is found is changed, or fails.
const WORDS: Words = Words { verb: "relink", done: "relinked", kept: "" };

/// Returns the members of one row; documented in the help.
fn members(thread: &Relinked) -> Members<'_> {
    vec![
        ("id", thread.id().into()),
        ("status", WORDS.of(thread.status).into()),
        ("from", (&*thread.from).into()),
        ("to", (&*thread.to).into()),
        ("error", thread.error.into()),
    ]
}

fn write_report(edit: &mut Edit<'_>, old: &str, report: &RelinkReport) -> io::Result<()> {
    let counts = WORDS.counts(|status| report.count(status));
    ListReport {
        before: vec![
            ("database", (&*edit.database).into()),
            ("old", old.into()),
            ("new", (&*report.new).into()),
        ],
        name: "threads",
        items: report.threads.iter().map(Ok),
        members: &|thread: &&Relinked| members(thread),
        columns: &["id", "status", "from", "to", "error"],
        after: counts.into_iter().chain(edit.last_members(&report.shown)).collect(),
        text: &|out| {
            titles::write_table(out, table(&edit.form, report, edit.dry_run), report.threads.len() as u64)
        },
    }
    .write(&mut edit.app.out, &edit.form)
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
        let status = WORDS.cell(thread.status, dry_run);
        table.row([
            TableCell::exact(text::safe(&thread.id())),
            if dry_run { status.tone(Tone::Normal) } else { status },
            TableCell::exact(text::safe(&thread.from)),
            TableCell::exact(text::safe(&thread.to)),
        ]);
    }
    table
}

/// Prints on standard error what happened, and what may not last.
fn advise(edit: &Edit<'_>, old: &str, report: &RelinkReport) {
    let messages = &edit.app.messages;
    let threads = |n: u64| human::counted(n, "thread", "threads");
    let (n, old, new) = (report.count(ChangeStatus::Done), text::safe(old), text::safe(&report.new));
    messages.say(&match (n, edit.dry_run) {
        (0, true) => "nothing was written: this was a dry run; nothing would change".to_owned(),
        (0, false) => format!("no row needed a change: no thread is left in {old}"),
        (_, true) => format!("nothing was written: this was a dry run, which would relink {}", threads(n)),
        (1, false) => format!("relinked 1 thread: it belongs to {new} now"),
        (_, false) => format!("relinked {}: they belong to {new} now", threads(n)),
    });
    if report.n_there > 0 {
        messages.say(&format!(
            "{} in {new} already, and left there",
            human::counted(report.n_there, "thread is", "threads are")
        ));
    }
    if report.threads.is_empty() && report.n_there == 0 {
        messages.hint("codex-state list --all --hidden --columns cwd,title shows the folders that rows have");
    }
    if report.n_taken_back > 0 {
        messages.warn(&format!(
            "{} have a folder that exists in the old place and not in the new one: the next codex-state backfill takes them back",
            threads(report.n_taken_back)
        ));
    }
    if report.n_open > 0 {
        messages.warn(&format!(
            "{} open in a running Codex, which may write the old folder again: close it, then run the command once more",
            human::counted(report.n_open, "thread is", "threads are")
        ));
    }
}
