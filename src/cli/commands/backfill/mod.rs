//! `codex-state backfill`: passes the arguments to the verb and prints its report.

mod report;

use crate::backfill::fresh::PlannedDatabase;
use crate::backfill::{self, BackfillOptions, BackfillReport, BackfillTarget};
use crate::cli::commands::edit::Edit;
use crate::cli::commands::{App, Place, fresh, index, prune, threads};
use crate::cli::line::{Exit, args, jobs_or_processors};
use crate::cli::output::{human, text};
use crate::db::create;
use crate::db::facts::DatabaseFacts;
use crate::db::threads::count_by_archived;
use crate::db::{NewSchema, Reader, Writer, backup};
use crate::error::WithHint as _;
use crate::prune::{PruneOptions, PruneReport};
use crate::sys::is_same_file;
use anyhow::anyhow;
use report::{Done, outcome, write_report};
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
    let (database, new) = match place.choose(&app.messages) {
        Some(choice) => (choice.chosen.path, None),
        None => {
            let (new, path) = fresh::choose(&place, arguments.schema, &app.interrupted);
            create::check_free(&path)?;
            (path, Some(new))
        }
    };
    let args::Writing { dry_run, no_backup } = arguments.writing;
    let mut edit = Edit { app, form, place, database, dry_run, keeps_backup: new.is_none() && !no_backup };
    let facts = arguments.facts_from.as_deref().map(|file| take_facts(&edit, file)).transpose()?;
    let is_part = !arguments.threads.is_empty();
    // A run that writes all rows opens the database once.
    let reads = (is_part || dry_run) && new.is_none();
    let mut reader = reads.then(|| Reader::open(&edit.database, &edit.place.options)).transpose()?;
    let found = threads::resolve(edit.app, &arguments.threads, &edit.place.home, reader.as_mut())?;
    let is_nothing = is_part && found.selected.is_empty();
    if is_nothing && form.is_text() {
        return Ok(found.exit);
    }
    // Even with nothing to do, a program gets its document.
    let is_preview = dry_run || is_nothing;
    let path = &edit.database;
    match &new {
        Some(new) => fresh::announce(edit.app, &edit.place, new, path, is_preview),
        None if arguments.schema.is_some() => {
            edit.app.messages.warn(&format!("{}: exists, so --schema changes nothing", path.display()));
        }
        None => {}
    }
    let options = BackfillOptions {
        context: edit.place.context(edit.app, jobs_or_processors(arguments.jobs)),
        threads: is_part.then_some(&found.selected),
        quick: arguments.quick,
        times: arguments.times.into(),
        facts: facts.as_ref(),
        backup: edit.keeps_backup.then_some(&edit.place.options),
        notes_names: arguments.index,
    };
    let begun = Instant::now();
    let report = fill(&edit, &options, new.as_ref(), if is_preview { reader } else { None }, is_preview)?;
    let done = follow_up(&edit, arguments, &options, new.is_some(), report)?;
    edit.app.metrics.backfilled(&done.report, begun.elapsed());
    say_failures(edit.app, &done.report)?;
    write_report(&mut edit, &done)?;
    say(&edit, &done);
    exit(edit.app, done, found.exit)
}

/// Runs the verb. `reader` is for a preview of an existing database.
fn fill(
    edit: &Edit<'_>,
    options: &BackfillOptions<'_>,
    new: Option<&PlannedDatabase>,
    reader: Option<Reader>,
    is_preview: bool,
) -> anyhow::Result<BackfillReport> {
    let (app, progress) = (&*edit.app, edit.app.messages.progress());
    let schema = new.map_or(NewSchema::State5, |new| new.schema);
    if is_preview {
        let Some(mut reader) = reader else {
            return backfill::run(options, BackfillTarget::New(&create::in_memory(schema)?), progress);
        };
        app.metrics.opened(STAGE);
        let report = backfill::run(options, BackfillTarget::Preview(&mut reader), progress)?;
        if app.global.metrics.is_some() {
            app.metrics.threads(reader.read(count_by_archived)?);
        }
        return Ok(report);
    }
    if new.is_some() {
        fresh::say_logs(app, &backup::move_logs(&edit.database, app.environment.now)?);
        create::create(&edit.database, schema)?;
        app.metrics.created();
    }
    let mut writer = Writer::open(&edit.database, &edit.place.options)?;
    app.metrics.opened(STAGE);
    let report = backfill::run(options, BackfillTarget::Write(&mut writer), progress)?;
    if app.global.metrics.is_some() {
        app.metrics.threads(count_by_archived(writer.connection())?);
    }
    writer.close()?;
    Ok(report)
}

/// Prunes and appends names after a backfill, if that was requested.
fn follow_up(
    edit: &Edit<'_>,
    arguments: &args::BackfillArgs,
    options: &BackfillOptions<'_>,
    is_new: bool,
    mut report: BackfillReport,
) -> anyhow::Result<Done> {
    let pruned = prune_after(edit, arguments, options, is_new, &report);
    for pruned in pruned.iter().flatten() {
        report.shown.after.add_change(&pruned.shown.before, &pruned.shown.after);
    }
    let indexed = match arguments.index && !report.interrupted {
        true => {
            let pruned = pruned.as_ref().ok().and_then(Option::as_ref);
            Some(index::append(edit, options, &report, pruned)?)
        }
        false => None,
    };
    Ok(Done { report, pruned, indexed, is_new, is_part: options.threads.is_some() })
}

/// Prints on standard error what happened, what to do next, and how to undo it.
fn say(edit: &Edit<'_>, done: &Done) {
    advise(edit, done);
    for pruned in done.pruned.iter().flatten() {
        prune::advise(edit, pruned);
    }
    if let Some(indexed) = &done.indexed {
        index::say(edit, indexed);
    }
    let report = &done.report;
    edit.say_shown(&report.shown);
    let has_changed = report.inserted + report.updated + done.n_pruned() > 0;
    if has_changed && !done.is_new && !edit.dry_run {
        edit.say_undo(report.backup.as_deref());
    }
}

/// Returns the exit status, given that of finding the threads.
fn exit(app: &App, done: Done, found: Exit) -> anyhow::Result<Exit> {
    let Done { report, pruned, indexed, .. } = done;
    if report.interrupted {
        return Ok(Exit::Interrupted);
    }
    let pruned = pruned?.map_or(Ok(Exit::Done), |pruned| prune::exit(app, pruned, false));
    let has_all = report.failures.is_empty() && report.missing_folders.is_empty();
    let has_names = indexed.is_none_or(|indexed| indexed.failure.is_none());
    Ok(found.merge(Exit::from_answer(has_all && has_names)).merge(pruned?))
}

/// Prints the folders and files that could not be read.
///
/// # Errors
/// If the failures cannot be read.
pub(super) fn say_failures(app: &App, report: &BackfillReport) -> io::Result<()> {
    for folder in &report.missing_folders {
        app.messages.fail(&format!("{}: {}", text::path(&folder.path), folder.describe()));
    }
    for failure in report.failures.iter() {
        let failure = failure.map_err(io::Error::other)?;
        app.messages.fail(&format!("{}: {}", text::path(&failure.path), failure.error));
    }
    Ok(())
}

/// Deletes the rows whose rollout is gone, if that was requested.
fn prune_after(
    edit: &Edit<'_>,
    arguments: &args::BackfillArgs,
    options: &BackfillOptions<'_>,
    is_new: bool,
    report: &BackfillReport,
) -> anyhow::Result<Option<PruneReport>> {
    let is_nothing = options.threads.is_some_and(<[_]>::is_empty);
    if !arguments.prune || is_nothing || report.interrupted || (is_new && edit.dry_run) {
        return Ok(None);
    }
    let options = PruneOptions {
        context: options.context,
        threads: options.threads,
        all_missing: arguments.all_missing,
        patience: edit.app.global.busy_timeout,
        rows_to_come: if edit.dry_run { report.inserted } else { 0 },
    };
    let Some((pruned, _)) = prune::prune_rows(edit, &options, arguments.yes, false)? else { return Ok(None) };
    prune::say_kept(edit.app, &pruned, false);
    Ok(Some(pruned))
}

/// Reads the facts that only databases know from another database.
fn take_facts(edit: &Edit<'_>, file: &Path) -> anyhow::Result<DatabaseFacts> {
    let file = edit.app.environment.absolute(file);
    if is_same_file(&file, &edit.database).unwrap_or(false) {
        return Err(anyhow!("{}: is the database itself", file.display())
            .hint("name the database that knows what this one has lost"));
    }
    let facts = DatabaseFacts::take(&file, &edit.place.options)?;
    if !facts.is_whole() {
        edit.app.messages.warn(&format!(
            "{}: is damaged: what could be read of it, {}, is used",
            file.display(),
            human::counted(facts.count()?, "thread", "threads")
        ));
    }
    Ok(facts)
}

/// Prints on standard error what happened and what to do next.
fn advise(edit: &Edit<'_>, done: &Done) {
    let (app, dry_run, Done { report, is_new, .. }) = (&*edit.app, edit.dry_run, done);
    app.messages.say(&outcome(report, dry_run, *is_new));
    if report.completes_indexing && !*is_new {
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
    // Repeated in every run while no other database is there: a user who missed it wonders where the threads are.
    fresh::warn_of_outdated(app, &edit.place.home, &edit.database, report.newest_version);
    hint_next(app, report, dry_run, *is_new);
}

/// Prints the next thing to do.
fn hint_next(app: &App, report: &BackfillReport, dry_run: bool, is_new: bool) {
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
