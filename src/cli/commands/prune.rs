//! `codex-state prune`, and that part of `backfill --prune`: passes the arguments to the verb and prints its report.

use crate::cli::commands::titles::{self, MAX_ROWS, MovedThread, Titles};
use crate::cli::commands::{App, Place, ending, threads};
use crate::cli::line::{Exit, args, jobs_or_processors};
use crate::cli::output::{ListReport, Members, OutputForm, Tone, human, text};
use crate::db::Reader;
use crate::error::{WithHint as _, shell_word};
use crate::prune::{self, PruneCandidates, PruneOptions, PruneOutcome, PruneReport, PruneStatus};
use anyhow::anyhow;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Runs the command.
///
/// # Errors
/// If the command cannot run.
pub fn run(app: &mut App, arguments: &args::PruneArgs) -> anyhow::Result<Exit> {
    let form = app.form(true)?;
    check_yes(app, arguments.yes || arguments.dry_run, "codex-state prune")?;
    let place = Place::find(app)?;
    let database = place.only_database(app)?;
    let mut reader = place.read(app, &database, "prune")?;
    let found = threads::resolve(app, &arguments.threads, &place.home, Some(&mut reader))?;
    let is_named = !arguments.threads.is_empty();
    if is_named && found.selected.is_empty() && form.is_text() {
        return Ok(found.exit);
    }
    drop(reader);
    let options = PruneOptions {
        context: place.context(app, jobs_or_processors(arguments.jobs)),
        threads: is_named.then_some(&found.selected),
        all_missing: arguments.all_missing,
        patience: app.global.busy_timeout,
        rows_to_come: 0,
    };
    let consent =
        Consent { dry_run: arguments.dry_run, yes: arguments.yes, keep_backup: !arguments.no_backup };
    let titled = form.is_text();
    let Some((report, titles)) = prune_rows(app, &options, &place, &database, consent, titled)? else {
        return Ok(Exit::Not);
    };
    for outcome in report.threads.iter() {
        if let Some(reason) = outcome.reason.as_ref().filter(|_| is_named || is_worth_a_line(&outcome)) {
            app.messages.fail(&format!("{}: {reason}", outcome.id));
        }
    }
    write_report(app, &form, &database, &report, &titles, arguments.dry_run)?;
    advise(app, &report, arguments.dry_run);
    ending::say_shown(app, &report.shown, arguments.dry_run);
    if report.count(PruneStatus::Pruned) > 0 && !arguments.dry_run {
        ending::say_undo(app, &database, report.backup.as_deref());
    }
    let exit = exit(app, report, is_named)?;
    Ok(found.exit.merge(exit))
}

/// The user's choices before rows are deleted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Consent {
    /// True to delete nothing.
    pub(super) dry_run: bool,
    /// True to skip the question.
    pub(super) yes: bool,
    /// True to keep a backup.
    pub(super) keep_backup: bool,
}

/// Checks, before any work, that a person can be asked or the answer is given already.
///
/// # Errors
/// If standard input or standard error is not a terminal and `yes` is false.
pub(super) fn check_yes(app: &App, yes: bool, command: &str) -> anyhow::Result<()> {
    if yes || (app.environment.stdin_is_terminal && app.environment.stderr_is_terminal) {
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
    app: &App,
    options: &PruneOptions<'_>,
    place: &Place,
    database: &Path,
    consent: Consent,
    titled: bool,
) -> anyhow::Result<Option<(PruneReport, Titles)>> {
    let mut reader = Reader::open(database, &place.options)?;
    let mut job = prune::plan(options, &mut reader, app.messages.progress())?;
    if consent.dry_run || job.n_to_go() == 0 {
        job.foresee(&mut reader)?;
    }
    let asks = !consent.dry_run && !consent.yes;
    let titles = match titled || asks {
        true => {
            let ids: Vec<String> = job.threads().iter().take(MAX_ROWS).map(|outcome| outcome.id).collect();
            titles::read(app, &mut reader, &ids)?
        }
        false => Titles::default(),
    };
    drop(reader);
    let n = job.n_to_go();
    if app.interrupted.load(Ordering::Relaxed) {
        return Err(anyhow!("interrupted before all rows were looked at")
            .hint("nothing was deleted; run the command again to carry on"));
    }
    if consent.dry_run || n == 0 {
        return Ok(Some((job.preview(), titles)));
    }
    if !consent.yes {
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
    let (report, backup) =
        place.write(app, database, consent.keep_backup, |writer| job.run(writer, app.messages.progress()))?;
    Ok(Some((PruneReport { backup, ..report }, titles)))
}

/// Shows the first rows that would be deleted, before the question.
fn show_rows_to_go(app: &App, threads: &PruneCandidates, titles: &Titles) {
    const SHOWN: usize = 10;
    let go = || {
        let threads = threads.iter().enumerate();
        threads.filter(|(_, outcome)| outcome.status == PruneStatus::Pruned)
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

/// Returns true if a row that stays is worth a line although the user did not name it.
fn is_worth_a_line(outcome: &PruneOutcome) -> bool {
    outcome.status == PruneStatus::Failed
}

/// Returns the exit status of a report. A named row that stays makes it 1; a row that was not named and should stay
/// does not.
///
/// # Errors
/// If the run stopped early.
pub(super) fn exit(app: &App, report: PruneReport, is_named: bool) -> anyhow::Result<Exit> {
    let n_left =
        report.count(PruneStatus::Failed) + if is_named { report.count(PruneStatus::Skipped) } else { 0 };
    if let Some(error) = report.stopped {
        return Err(error);
    }
    if report.interrupted {
        app.messages.hint("what was deleted is saved; run the command again to carry on");
        return Ok(Exit::Interrupted);
    }
    Ok(Exit::from_answer(n_left == 0))
}

fn status(status: PruneStatus) -> &'static str {
    match status {
        PruneStatus::Pruned => "pruned",
        PruneStatus::Skipped => "skipped",
        PruneStatus::Failed => "failed",
    }
}

/// Returns the members of one row; documented in the help.
fn thread(outcome: &PruneOutcome) -> Members<'_> {
    vec![
        ("id", (&*outcome.id).into()),
        ("path", (&*outcome.path).into()),
        ("status", status(outcome.status).into()),
        ("error", outcome.reason.as_deref().into()),
    ]
}

fn write_report(
    app: &mut App,
    form: &OutputForm,
    database: &Path,
    report: &PruneReport,
    titles: &Titles,
    dry_run: bool,
) -> io::Result<()> {
    let counts = [PruneStatus::Pruned, PruneStatus::Skipped, PruneStatus::Failed]
        .map(|which| (status(which), report.count(which).into()));
    let saved_to = ("saved_to", report.saved_to.as_deref().into());
    let ending = ending::members(&report.shown, dry_run);
    let rows = || report.threads.iter().map(|outcome| Ok(row(outcome, dry_run)));
    ListReport {
        before: vec![("database", database.into()), ("checked", report.checked.into())],
        name: "threads",
        items: report.threads.iter().map(Ok),
        members: &thread,
        columns: &["id", "status", "path", "error"],
        after: counts.into_iter().chain([saved_to]).chain(ending).collect(),
        text: &|out| titles.write_table(out, form, report.threads.len() as u64, rows()),
    }
    .write(&mut app.out, form)
}

/// Returns the row of a thread in the table.
fn row(outcome: PruneOutcome, dry_run: bool) -> MovedThread {
    let word = match (outcome.status, dry_run) {
        (PruneStatus::Pruned, true) => "would prune",
        (which, _) => status(which),
    };
    let tone = match outcome.status {
        PruneStatus::Pruned => Tone::Good,
        PruneStatus::Skipped => Tone::Normal,
        PruneStatus::Failed => Tone::Bad,
    };
    let PruneOutcome { id, path, reason, .. } = outcome;
    MovedThread { id, status: word.to_owned(), tone, reason, path }
}

/// Prints on standard error what happened, and how to undo it.
pub(super) fn advise(app: &App, report: &PruneReport, dry_run: bool) {
    let n_misplaced = report.threads.iter().filter(|outcome| outcome.is_misplaced).count();
    let rows = |n: usize| human::counted(n as u64, "row", "rows");
    let checked = human::counted(report.checked, "row", "rows");
    let n = report.count(PruneStatus::Pruned);
    match (dry_run, n, report.threads.len()) {
        (_, 0, 0) => app.messages.say(&format!("nothing to do: {checked} looked at, and no rollout is gone")),
        (true, _, _) => app.messages.say(&format!(
            "nothing was deleted: this was a dry run, which would delete {} of {}",
            rows(n),
            human::count(report.checked)
        )),
        (false, _, _) => {
            app.messages.say(&format!("{checked} looked at, {} deleted", human::count(n as u64)));
        }
    }
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    for outcome in report.threads.iter().filter(|outcome| outcome.status == PruneStatus::Skipped) {
        *skipped.entry(outcome.reason.unwrap_or_default()).or_default() += 1;
    }
    for (reason, n) in skipped {
        app.messages.say(&format!("{} skipped: {reason}", rows(n)));
    }
    if n_misplaced > 0 {
        let ids = report.threads.iter().filter(|outcome| outcome.is_misplaced).map(|outcome| outcome.id);
        let command = match n_misplaced {
            1..=3 => format!("codex-state backfill {}", ids.collect::<Vec<_>>().join(" ")),
            _ => "codex-state backfill".to_owned(),
        };
        app.messages.hint(&format!(
            "{command} repairs {} whose rollout lies elsewhere in the home",
            rows(n_misplaced)
        ));
    }
    if let Some(path) = &report.saved_to {
        app.messages.say(&format!("the rows are saved in {}", text::path(path)));
        app.messages.hint(&format!(
            "codex-state backfill --facts-from {} brings them back with their restored rollouts",
            shell_word(path)
        ));
    }
}
