//! `codex-state prune`, and that part of `backfill --prune`: passes the arguments to the verb and prints its report.

use crate::cli::commands::edit::Edit;
use crate::cli::commands::titles::{self, MAX_ROWS, MovedThread, Titles};
use crate::cli::commands::words::Words;
use crate::cli::commands::{App, threads};
use crate::cli::line::{Exit, args, jobs_or_processors};
use crate::cli::output::{ListReport, Members, human, text};
use crate::db::Reader;
use crate::error::{WithHint as _, shell_word};
use crate::prune::{self, PruneCandidates, PruneOptions, PruneOutcome, PruneReport};
use crate::survey::change::ChangeStatus;
use anyhow::anyhow;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::sync::atomic::Ordering;

/// Runs the command.
///
/// # Errors
/// If the command cannot run.
pub fn run(app: &mut App, arguments: &args::PruneArgs) -> anyhow::Result<Exit> {
    let form = app.form(true)?;
    check_yes(app, arguments.yes || arguments.dry_run, "codex-state prune")?;
    let mut edit = Edit::begin(app, form, arguments.dry_run, arguments.no_backup)?;
    let mut reader = edit.place.read(edit.app, &edit.database, "prune")?;
    let found = threads::resolve(edit.app, &arguments.threads, &edit.place.home, Some(&mut reader))?;
    let is_named = !arguments.threads.is_empty();
    if is_named && found.selected.is_empty() && form.is_text() {
        return Ok(found.exit);
    }
    drop(reader);
    let options = PruneOptions {
        context: edit.place.context(edit.app, jobs_or_processors(arguments.jobs)),
        threads: is_named.then_some(&found.selected),
        all_missing: arguments.all_missing,
        patience: edit.app.global.busy_timeout,
        rows_to_come: 0,
    };
    let Some((report, titles)) = prune_rows(&edit, &options, arguments.yes, form.is_text())? else {
        return Ok(Exit::Not);
    };
    say_kept(edit.app, &report, is_named);
    write_report(&mut edit, &report, &titles)?;
    advise(&edit, &report);
    edit.say_shown(&report.shown);
    if report.threads.count(ChangeStatus::Done) > 0 && !edit.dry_run {
        edit.say_undo(report.backup.as_deref());
    }
    Ok(found.exit.merge(exit(edit.app, report, is_named)?))
}

/// Prints why rows stay: all of them if the user named them, otherwise those that should go.
pub(super) fn say_kept(app: &App, report: &PruneReport, is_named: bool) {
    for outcome in report.threads.iter() {
        let is_said = is_named || outcome.status == ChangeStatus::Failed;
        if let Some(reason) = outcome.reason.filter(|_| is_said) {
            app.messages.fail(&format!("{}: {reason}", outcome.id));
        }
    }
}

/// Checks, before any work, that a person can be asked or the answer is given already.
///
/// # Errors
/// If standard input or standard error is not a terminal and `yes` is false.
pub(super) fn check_yes(app: &App, yes: bool, command: &str) -> anyhow::Result<()> {
    if yes || (app.environment.stderr_is_terminal && io::stdin().is_terminal()) {
        return Ok(());
    }
    Err(anyhow!("rows are deleted only after a question, and this is not a terminal: add --yes")
        .hint(format!("{command} --yes; or --dry-run, to see what would be done")))
}

/// Plans, asks and deletes. Returns the report, and the titles of the rows if `titled`; `None` if the user said no.
///
/// # Errors
/// If it cannot run; then nothing was deleted.
pub(super) fn prune_rows(
    edit: &Edit<'_>,
    options: &PruneOptions<'_>,
    yes: bool,
    titled: bool,
) -> anyhow::Result<Option<(PruneReport, Titles)>> {
    let app = &*edit.app;
    let mut reader = Reader::open(&edit.database, &edit.place.options)?;
    let job = prune::plan(options, &mut reader, app.messages.progress())?;
    let titles = match titled || !(edit.dry_run || yes) {
        true => {
            let ids: Vec<String> = job.threads().iter().take(MAX_ROWS).map(|outcome| outcome.id).collect();
            titles::read(app, &mut reader, &ids)?
        }
        false => Titles::default(),
    };
    let n = job.n_to_go();
    if app.interrupted.load(Ordering::Relaxed) {
        return Err(anyhow!("interrupted before all rows were looked at")
            .hint("nothing was deleted; run the command again to carry on"));
    }
    if edit.dry_run || n == 0 {
        return Ok(Some((job.preview(&mut reader)?, titles)));
    }
    drop(reader);
    if !yes {
        show_rows_to_go(app, job.threads(), &titles);
        let rows = human::counted(n as u64, "row", "rows");
        let saved = if n == 1 { "it is saved first" } else { "they are saved first" };
        let question = format!("delete {rows} whose rollout is gone ({saved})?");
        let answer = app.messages.ask(&question, &app.interrupted);
        if !answer.hint("nothing was deleted; run the command again to carry on")? {
            app.messages.say("nothing was deleted");
            return Ok(None);
        }
    }
    let (report, backup) = edit.write(|writer| job.run(writer, app.messages.progress()))?;
    Ok(Some((PruneReport { backup, ..report }, titles)))
}

/// Shows the first rows that would be deleted, before the question.
fn show_rows_to_go(app: &App, threads: &PruneCandidates, titles: &Titles) {
    const SHOWN: usize = 10;
    let go = || {
        let threads = threads.iter().enumerate();
        threads.filter(|(_, outcome)| outcome.status == ChangeStatus::Done)
    };
    for (place, outcome) in go().take(SHOWN) {
        let known_by = titles.cells(place).map(|cell| cell.as_str().to_owned()).join("  ");
        app.messages.progress().print(|out| writeln!(out, "{}  {known_by}", text::safe(&outcome.id)));
    }
    let rest = go().skip(SHOWN).count();
    if rest > 0 {
        let rest = human::count(rest as u64);
        app.messages
            .progress()
            .print(|out| writeln!(out, "and {rest} more, which codex-state prune --dry-run lists"));
    }
}

/// Returns the exit status of a report. A named row that stays makes it 1; a row that was not named and should stay
/// does not.
///
/// # Errors
/// If the run stopped early.
pub(super) fn exit(app: &App, report: PruneReport, is_named: bool) -> anyhow::Result<Exit> {
    let n_left = report.threads.count(ChangeStatus::Failed)
        + if is_named { report.threads.count(ChangeStatus::Kept) } else { 0 };
    if let Some(error) = report.stopped {
        return Err(error);
    }
    if report.interrupted {
        app.messages.hint("what was deleted is saved; run the command again to carry on");
        return Ok(Exit::Interrupted);
    }
    Ok(Exit::from_answer(n_left == 0))
}

const WORDS: Words = Words { verb: "prune", done: "pruned", kept: "skipped" };

/// Returns the members of one row; documented in the help.
fn thread(outcome: &PruneOutcome) -> Members<'_> {
    vec![
        ("id", (&*outcome.id).into()),
        ("path", (&*outcome.path).into()),
        ("status", WORDS.of(outcome.status).into()),
        ("error", outcome.reason.as_deref().into()),
    ]
}

fn write_report(edit: &mut Edit<'_>, report: &PruneReport, titles: &Titles) -> io::Result<()> {
    let counts = WORDS.counts(|status| report.threads.count(status));
    let saved_to = ("saved_to", report.saved_to.as_deref().into());
    let rows = || report.threads.iter().map(|outcome| Ok(row(outcome, edit.dry_run)));
    ListReport {
        before: vec![("database", (&*edit.database).into()), ("checked", report.checked.into())],
        name: "threads",
        items: report.threads.iter().map(Ok),
        members: &thread,
        columns: &["id", "status", "path", "error"],
        after: counts.into_iter().chain([saved_to]).chain(edit.last_members(&report.shown)).collect(),
        text: &|out| titles.write_table(out, &edit.form, report.threads.len() as u64, rows()),
    }
    .write(&mut edit.app.out, &edit.form)
}

/// Returns the row of a thread in the table.
fn row(outcome: PruneOutcome, dry_run: bool) -> MovedThread {
    let PruneOutcome { id, path, reason, status, .. } = outcome;
    MovedThread { id, status: WORDS.cell(status, dry_run), reason, path }
}

/// Prints on standard error what happened, and how to undo it.
pub(super) fn advise(edit: &Edit<'_>, report: &PruneReport) {
    let messages = &edit.app.messages;
    let rows = |n: u64| human::counted(n, "row", "rows");
    let (n, checked) = (report.threads.count(ChangeStatus::Done), rows(report.checked));
    messages.say(&match edit.dry_run {
        _ if report.threads.is_empty() => {
            format!("nothing to do: {checked} looked at, and no rollout is gone")
        }
        true => format!(
            "nothing was deleted: this was a dry run, which would delete {} of {}",
            rows(n),
            human::count(report.checked)
        ),
        false => format!("{checked} looked at, {} deleted", human::count(n)),
    });
    let mut skipped: BTreeMap<String, u64> = BTreeMap::new();
    for outcome in report.threads.iter().filter(|outcome| outcome.status == ChangeStatus::Kept) {
        *skipped.entry(outcome.reason.unwrap_or_default()).or_default() += 1;
    }
    for (reason, n) in skipped {
        messages.say(&format!("{} skipped: {reason}", rows(n)));
    }
    let misplaced: Vec<String> =
        report.threads.iter().filter(|outcome| outcome.is_misplaced).map(|outcome| outcome.id).collect();
    if !misplaced.is_empty() {
        let ids = if misplaced.len() > 3 { String::new() } else { format!(" {}", misplaced.join(" ")) };
        messages.hint(&format!(
            "codex-state backfill{ids} repairs {} whose rollout lies elsewhere in the home",
            rows(misplaced.len() as u64)
        ));
    }
    if let Some(path) = &report.saved_to {
        messages.say(&format!("the rows are saved in {}", text::path(path)));
        messages.hint(&format!(
            "codex-state backfill --facts-from {} brings them back with their restored rollouts",
            shell_word(path)
        ));
    }
}
