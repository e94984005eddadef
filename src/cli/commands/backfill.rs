//! `codex-state backfill`: passes the arguments to the verb and prints its report.

use crate::backfill::{self, BackfillOptions, BackfillReport, BackfillTarget, Failure};
use crate::cli::commands::app::App;
use crate::cli::commands::ending;
use crate::cli::commands::place::Place;
use crate::cli::commands::{fresh, index, prune, threads};
use crate::cli::line::args;
use crate::cli::line::exit::Exit;
use crate::cli::line::numbers::jobs_or_processors;
use crate::cli::output::report::{ItemRows, OutputForm, Report, Whole};
use crate::cli::output::table::{TableCell, write_fields};
use crate::cli::output::{human, metrics, text};
use crate::db::backup;
use crate::db::create::{self, NewSchema};
use crate::db::facts::DatabaseFacts;
use crate::db::open::{OpenOptions, Reader, Writer};
use crate::db::threads::count_by_archived;
use crate::error::WithHint as _;
use crate::home;
use crate::prune::PruneStatus::{self, Pruned};
use crate::sys::is_same_file;
use anyhow::anyhow;
use serde::Serialize;
use std::io;
use std::path::Path;
use std::time::Instant;

/// The stage under which an error of this command is counted, once the database is open.
const STAGE: &str = "backfill";

/// Runs the command.
///
/// # Errors
/// If the command cannot run, or cannot finish.
pub fn run(app: &mut App, arguments: &args::BackfillArgs) -> anyhow::Result<Exit> {
    let form = app.form(false)?;
    if arguments.prune {
        prune::check_yes(app, arguments.yes || arguments.writing.dry_run, "codex-state backfill --prune")?;
    }
    let place = Place::find(app)?;
    if arguments.prune {
        // The program must not guess from which of two databases rows are deleted.
        place.only(app)?;
    }
    let choice = place.choose(&app.messages);
    let is_new = choice.is_none();
    let (new, database) = match choice {
        Some(choice) => (None, choice.chosen.path),
        None => {
            let (new, path) = fresh::choose(&place, arguments.schema, &app.interrupted);
            (Some(new), path)
        }
    };
    let options = &place.options;

    let facts = match &arguments.facts_from {
        Some(file) => Some(take_facts(app, &app.environment.absolute(file), &database, options)?),
        None => None,
    };
    let mut reader = if is_new { None } else { Some(Reader::open(&database, options)?) };
    let found = threads::resolve(app, &arguments.threads, &place.home, reader.as_mut())?;
    let is_named = !arguments.threads.is_empty();
    let is_nothing = is_named && found.selected.is_empty();
    if is_nothing && form.is_text() {
        return Ok(found.exit);
    }
    match &new {
        Some(new) => fresh::announce(app, &place, new, &database, arguments.writing.dry_run || is_nothing),
        None if arguments.schema.is_some() => {
            app.messages.warn(&format!("{}: exists, so --schema changes nothing", database.display()));
        }
        None => {}
    }
    let schema = new.map_or(NewSchema::State5, |new| new.schema);
    let config = BackfillOptions {
        context: place.context(app, jobs_or_processors(arguments.jobs)),
        threads: is_named.then_some(&found.selected),
        quick: arguments.quick,
        times: match arguments.times {
            args::TimesArg::Auto => backfill::Times::Auto,
            args::TimesArg::Mtime => backfill::Times::Mtime,
            args::TimesArg::Events => backfill::Times::Events,
            args::TimesArg::Keep => backfill::Times::Keep,
        },
        facts: facts.as_ref(),
        backup: (!is_new && !arguments.writing.no_backup).then_some(options),
        notes_names: arguments.index,
    };
    let begun = Instant::now();
    // Even with nothing to do, a program gets its document.
    let mut report = match (arguments.writing.dry_run || is_nothing, &mut reader) {
        (true, Some(reader)) => {
            app.metrics.opened(STAGE);
            let report = backfill::run(&config, BackfillTarget::Preview(reader), app.messages.progress())?;
            if app.global.metrics.is_some() {
                app.metrics.threads(reader.read(count_by_archived)?);
            }
            report
        }
        (true, None) => {
            backfill::run(&config, BackfillTarget::New(&create::in_memory(schema)?), app.messages.progress())?
        }
        (false, _) => {
            drop(reader);
            if is_new {
                fresh::say_logs(app, &backup::move_logs(&database, app.environment.now)?);
                create::create(&database, schema)?;
                app.metrics.created();
            }
            let mut writer = Writer::open(&database, options)?;
            app.metrics.opened(STAGE);
            let report = backfill::run(&config, BackfillTarget::Write(&mut writer), app.messages.progress())?;
            if app.global.metrics.is_some() {
                app.metrics.threads(count_by_archived(writer.connection())?);
            }
            writer.close()?;
            report
        }
    };
    let pruning = prune_after(app, arguments, &config, &place, &database, &report, is_new);
    let (pruned, pruning) = match pruning {
        Ok(Some(pruned)) => (Some(pruned), Ok(())),
        Ok(None) => (None, Ok(())),
        Err(error) => (None, Err(error)),
    };
    if let Some(pruned) = &pruned {
        report.shown.after.add_change(&pruned.shown.before, &pruned.shown.after);
    }
    let indexed = match arguments.index && !report.interrupted {
        true => Some({
            let dry_run = arguments.writing.dry_run;
            index::append(app, &place, &config, &database, &report, pruned.as_ref(), dry_run)?
        }),
        false => None,
    };
    let n_pruned = pruned.as_ref().map_or(0, |pruned| pruned.count(Pruned));
    app.metrics.backfilled(metrics::BackfillCounts {
        upserted: report.inserted + report.updated,
        unchanged: report.unchanged,
        failed: report.failed,
        duration: begun.elapsed(),
    });
    for folder in &report.missing_folders {
        app.messages.fail(&format!("{}: {}", text::path(&folder.path), folder.describe()));
    }
    for failure in &report.failures {
        app.messages.fail(&format!("{}: {}", text::path(&failure.path), failure.error));
    }
    let is_part = !arguments.threads.is_empty();
    write_report(
        app,
        &form,
        &BackfillJson {
            indexed: indexed.as_ref().map(|indexed| indexed.names),
            ..document(&database, &report, n_pruned as u64, arguments.writing.dry_run)
        },
        is_part,
    )?;
    advise(app, &place.home, &database, &report, arguments, is_new);
    if let Some(pruned) = &pruned {
        prune::advise(app, pruned, arguments.writing.dry_run);
    }
    if let Some(indexed) = &indexed {
        index::say(app, &place.home, indexed, arguments.writing.dry_run);
    }
    ending::say_shown(app, &report.shown, arguments.writing.dry_run);
    let has_changed = report.inserted + report.updated + n_pruned as u64 > 0;
    if has_changed && !is_new && !arguments.writing.dry_run {
        ending::say_undo(app, &database, report.backup.as_deref());
    }
    if report.interrupted {
        return Ok(Exit::Interrupted);
    }
    pruning?;
    let mut exit =
        found.exit.merge(Exit::from_answer(report.failures.is_empty() && report.missing_folders.is_empty()));
    exit = exit.merge(Exit::from_answer(indexed.is_none_or(|indexed| indexed.failure.is_none())));
    if let Some(pruned) = pruned {
        exit = exit.merge(prune::exit(app, pruned, false)?);
    }
    Ok(exit)
}

/// Deletes the rows whose rollout is gone, if that was requested.
fn prune_after(
    app: &App,
    arguments: &args::BackfillArgs,
    config: &BackfillOptions<'_>,
    place: &Place,
    database: &Path,
    report: &BackfillReport,
    is_new: bool,
) -> anyhow::Result<Option<crate::prune::PruneReport>> {
    let is_nothing = config.threads.is_some_and(<[_]>::is_empty);
    if !arguments.prune || is_nothing || report.interrupted || (is_new && arguments.writing.dry_run) {
        return Ok(None);
    }
    let config = crate::prune::PruneOptions {
        context: config.context,
        threads: config.threads,
        all_missing: arguments.all_missing,
        patience: app.global.busy_timeout,
        rows_to_come: if arguments.writing.dry_run { report.inserted } else { 0 },
    };
    let consent = prune::Consent {
        dry_run: arguments.writing.dry_run,
        yes: arguments.yes,
        keep_backup: !is_new && !arguments.writing.no_backup,
    };
    let pruned = prune::prune_rows(app, &config, place, database, consent, false)?.map(|(pruned, _)| pruned);
    for outcome in pruned.iter().flat_map(|pruned| &pruned.threads) {
        if let (PruneStatus::Failed, Some(reason)) = (outcome.status, &outcome.reason) {
            app.messages.fail(&format!("{}: {reason}", outcome.id));
        }
    }
    Ok(pruned)
}

/// Reads the facts that only databases know from another database.
fn take_facts(
    app: &App,
    file: &Path,
    database: &Path,
    options: &OpenOptions,
) -> anyhow::Result<DatabaseFacts> {
    if is_same_file(file, database).unwrap_or(false) {
        return Err(anyhow!("{}: is the database itself", file.display())
            .hint("name the database that knows what this one has lost"));
    }
    let facts = DatabaseFacts::take(file, options)?;
    if !facts.is_whole() {
        app.messages.warn(&format!(
            "{}: is damaged: what could be read of it, {}, is used",
            file.display(),
            human::counted(facts.count()?, "thread", "threads")
        ));
    }
    Ok(facts)
}

/// The report as JSON; its names are documented.
#[derive(Serialize)]
struct BackfillJson<'a> {
    database: String,
    scanned: u64,
    inserted: u64,
    updated: u64,
    unchanged: u64,
    superseded: u64,
    failed: u64,
    pruned: u64,
    bytes_read: u64,
    failures: Vec<FailureJson<'a>>,
    shown_before: u64,
    shown_after: u64,
    dry_run: bool,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    indexed: Option<u64>,
}

/// A failure in JSON, in the reports of backfill and rebuild.
#[derive(Serialize)]
pub(super) struct FailureJson<'a> {
    path: String,
    error: &'a str,
}

impl FailureJson<'_> {
    pub(super) fn all(report: &BackfillReport) -> Vec<FailureJson<'_>> {
        let path = |failure: &Failure| failure.path.to_string_lossy().into_owned();
        let json = report.failures.iter().map(|one| FailureJson { path: path(one), error: &one.error });
        json.collect()
    }
}

fn document<'a>(database: &Path, report: &'a BackfillReport, pruned: u64, dry_run: bool) -> BackfillJson<'a> {
    BackfillJson {
        database: database.to_string_lossy().into_owned(),
        scanned: report.scanned,
        inserted: report.inserted,
        updated: report.updated,
        unchanged: report.unchanged,
        superseded: report.superseded,
        failed: report.failed,
        pruned,
        bytes_read: report.bytes_read,
        failures: FailureJson::all(report),
        shown_before: report.shown.before.shown(),
        shown_after: report.shown.after.shown(),
        dry_run,
        complete: report.complete,
        indexed: None,
    }
}

fn write_report(
    app: &mut App,
    form: &OutputForm,
    document: &BackfillJson<'_>,
    is_part: bool,
) -> io::Result<()> {
    let mut columns =
        vec!["scanned", "inserted", "updated", "unchanged", "superseded", "failed", "pruned", "bytes_read"];
    columns.extend(document.indexed.map(|_| "indexed"));
    Report {
        items: std::iter::once(document),
        rows: ItemRows::Columns(&columns),
        document: Whole::Item,
        text: &|out| write_fields(out, &fields(document, is_part), form.style),
    }
    .write(&mut app.out, form)
}

/// Returns the report for people.
fn fields(document: &BackfillJson<'_>, is_part: bool) -> Vec<(&'static str, TableCell)> {
    let mut fields = vec![("database", TableCell::exact(text::safe(&document.database)))];
    let numbers = [
        ("scanned", document.scanned),
        ("inserted", document.inserted),
        ("updated", document.updated),
        ("unchanged", document.unchanged),
        ("superseded", document.superseded),
        ("failed", document.failed),
        ("pruned", document.pruned),
    ];
    let shown = numbers.into_iter().filter(|(name, n)| *name != "pruned" || *n > 0);
    fields.extend(shown.map(|(name, number)| {
        let remark = if number > 0 { remark(name) } else { "" };
        (heading(name, document.dry_run), TableCell::new(format!("{}{remark}", human::count(number))))
    }));
    if let Some(indexed) = document.indexed {
        let heading = if document.dry_run { "would append" } else { "appended" };
        fields.push((heading, TableCell::new(human::counted(indexed, "name", "names"))));
    }
    fields.push(("read", TableCell::new(human::bytes(document.bytes_read))));
    if !is_part {
        let indexing = match document.complete {
            true => "complete: every rollout of the home was visited",
            false => "not complete: the messages say why",
        };
        fields.push(("indexing", TableCell::new(indexing)));
    }
    fields
}

/// Returns the heading of a number. A dry run has another one, because it has not done what it counts.
fn heading(name: &'static str, dry_run: bool) -> &'static str {
    match (name, dry_run) {
        ("inserted", true) => "would insert",
        ("updated", true) => "would update",
        ("pruned", true) => "would prune",
        (name, _) => name,
    }
}

/// Returns the explanation of a number that people ask about.
fn remark(name: &str) -> &'static str {
    match name {
        "superseded" => " (another file of their thread counts)",
        "failed" => " (the messages say why)",
        _ => "",
    }
}

/// Describes the result in one line.
fn outcome(report: &BackfillReport, dry_run: bool, is_new: bool) -> String {
    let rows = |n: u64| human::counted(n, "row", "rows");
    let are = |n: u64| if n == 1 { "agrees" } else { "agree" };
    let changes: Vec<String> = [("insert", report.inserted), ("update", report.updated)]
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .map(|(what, n)| match dry_run {
            true => format!("{what} {}", rows(n)),
            false => format!("{} {what}{}", rows(n), if what.ends_with('e') { "d" } else { "ed" }),
        })
        .collect();
    let rest = match report.unchanged {
        0 if is_new && !dry_run && !changes.is_empty() => " into a new database".to_owned(),
        0 if !changes.is_empty() => String::new(),
        n => format!("; {} {} already", rows(n), are(n)),
    };
    if report.interrupted {
        let done = report.inserted + report.updated + report.unchanged + report.superseded + report.failed;
        let found = human::counted(report.scanned.max(done), "rollout", "rollouts");
        let what = match (dry_run, changes.is_empty()) {
            (_, true) => "no row had to change so far".to_owned(),
            (true, false) => format!("nothing was written; so far it would {}", changes.join(" and ")),
            (false, false) => format!("so far {}", changes.join(" and ")),
        };
        return format!("interrupted after {} of {found}: {what}{rest}", human::count(done));
    }
    match (dry_run, changes.is_empty()) {
        (true, true) => format!("nothing was written: this was a dry run; nothing would change{rest}"),
        (true, false) => {
            format!("nothing was written: this was a dry run, which would {}{rest}", changes.join(" and "))
        }
        (false, true) => format!("no row had to change{rest}"),
        (false, false) => format!("{}{rest}", changes.join(" and ")),
    }
}

/// Prints on standard error what happened and what to do next.
fn advise(
    app: &App,
    home: &Path,
    database: &Path,
    report: &BackfillReport,
    arguments: &args::BackfillArgs,
    is_new: bool,
) {
    let dry_run = arguments.writing.dry_run;
    app.messages.say(&outcome(report, dry_run, is_new));
    if report.completes_indexing && !is_new {
        let is = if dry_run { "would be" } else { "is" };
        app.messages
            .say(&format!("the indexing that Codex had not finished {is} complete: Codex starts at once"));
    }
    if report.left_to_codex > 0 {
        app.messages.say(&format!(
            "{} left to the Codex that is writing to it: run {} again later",
            human::counted(report.left_to_codex, "thread was", "threads were"),
            app.again()
        ));
    }
    if report.n_damaged_files > 0 && app.global.verbose {
        app.messages.say(&format!(
            "{} with damaged lines, of which the rest was read: codex-state verify names them",
            human::counted(report.n_damaged_files, "file", "files")
        ));
    }
    for (table, id) in &report.lost_references {
        app.messages.warn(&format!("{table} {id}: cannot be brought back, so threads are left without it"));
    }
    let newer = report.newest_version.is_some_and(|version| version >= [0, 96])
        || home::shows_newer_codex(home, database.parent().unwrap_or(home));
    // Repeated in every run while no other database is there: a user who missed it wonders where the threads are.
    let is_first = database.file_name().is_some_and(|name| name == home::PHASE_1_DATABASE);
    if is_first && app.global.db.is_none() && newer {
        app.messages.warn(&format!(
            "{} is the database of Codex 0.93 to 0.95; the Codex here reads state_5.sqlite",
            database.display()
        ));
        app.messages
            .hint("close Codex and run codex-state rebuild --force: it makes state_5.sqlite, with everything in this one");
    }
    if report.interrupted {
        if !dry_run {
            app.messages.hint_whole(&format!(
                "what was written stays; run the command again to carry on: {}",
                app.again()
            ));
        }
    } else if !report.missing_folders.is_empty() {
        app.messages.hint_whole(&format!(
            "mount or restore the folder, then run {} again; until then its threads stay as they are",
            app.again()
        ));
    } else if report.failed > 0 {
        app.messages.hint("codex-state verify --help says what to do with files that cannot be read");
    } else if dry_run
        && !is_new
        && (report.inserted + report.updated > 0 || report.completes_indexing)
        && let Some(again) = app.again_for_real()
    {
        app.messages.hint_whole(&format!("{again} does it"));
    }
}
