//! `codex-state backfill`: passes the arguments to the verb and prints its report.

mod report;

use crate::backfill::fresh::PlannedDatabase;
use crate::backfill::index::Indexed;
use crate::backfill::{self, BackfillOptions, BackfillReport, BackfillTarget};
use crate::cli::commands::{App, Place, ending, fresh, index, prune, threads};
use crate::cli::line::{Exit, args, jobs_or_processors};
use crate::cli::output::{OutputForm, human, text};
use crate::db::create;
use crate::db::facts::DatabaseFacts;
use crate::db::threads::count_by_archived;
use crate::db::{NewSchema, OpenOptions, Reader, Writer, backup};
use crate::error::WithHint as _;
use crate::prune::PruneStatus::{self, Pruned};
use crate::prune::{PruneOptions, PruneReport};
use crate::sys::is_same_file;
use anyhow::anyhow;
use report::{Counts, outcome, write_report};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The stage under which an error of this command is counted, once the database is open.
const STAGE: &str = "backfill";

/// The database of a run.
struct ChosenDatabase {
    path: PathBuf,
    /// The database to create, if there is none.
    new: Option<PlannedDatabase>,
}

impl ChosenDatabase {
    fn choose(app: &App, place: &Place, arguments: &args::BackfillArgs) -> ChosenDatabase {
        match place.choose(&app.messages) {
            Some(choice) => ChosenDatabase { path: choice.chosen.path, new: None },
            None => {
                let (new, path) = fresh::choose(place, arguments.schema, &app.interrupted);
                ChosenDatabase { path, new: Some(new) }
            }
        }
    }

    fn is_new(&self) -> bool {
        self.new.is_some()
    }
}

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
    let database = ChosenDatabase::choose(app, &place, arguments);
    if database.is_new() {
        create::check_free(&database.path)?;
    }
    let facts = match &arguments.facts_from {
        Some(file) => Some(take_facts(app, &app.environment.absolute(file), &database.path, &place.options)?),
        None => None,
    };
    let mut reader = match database.is_new() {
        true => None,
        false => Some(Reader::open(&database.path, &place.options)?),
    };
    let found = threads::resolve(app, &arguments.threads, &place.home, reader.as_mut())?;
    let is_part = !arguments.threads.is_empty();
    let is_nothing = is_part && found.selected.is_empty();
    if is_nothing && form.is_text() {
        return Ok(found.exit);
    }
    // Even with nothing to do, a program gets its document.
    let is_preview = arguments.writing.dry_run || is_nothing;
    match &database.new {
        Some(new) => fresh::announce(app, &place, new, &database.path, is_preview),
        None if arguments.schema.is_some() => {
            app.messages.warn(&format!("{}: exists, so --schema changes nothing", database.path.display()));
        }
        None => {}
    }
    let options = BackfillOptions {
        context: place.context(app, jobs_or_processors(arguments.jobs)),
        threads: is_part.then_some(&found.selected),
        quick: arguments.quick,
        times: arguments.times.into(),
        facts: facts.as_ref(),
        backup: (!database.is_new() && !arguments.writing.no_backup).then_some(&place.options),
        notes_names: arguments.index,
    };
    let begun = Instant::now();
    let report = fill(app, &options, &place, &database, if is_preview { reader } else { None }, is_preview)?;
    let done = Done::after(app, arguments, &options, &place, &database, report)?;
    app.metrics.backfilled(&done.report, begun.elapsed());
    done.write(app, &form, &database, is_part, arguments.writing.dry_run)?;
    done.say(app, &place, &database, arguments);
    done.exit(app, found.exit)
}

/// Runs the verb. `reader` is for a preview of an existing database.
fn fill(
    app: &App,
    options: &BackfillOptions<'_>,
    place: &Place,
    database: &ChosenDatabase,
    reader: Option<Reader>,
    is_preview: bool,
) -> anyhow::Result<BackfillReport> {
    let progress = app.messages.progress();
    let schema = database.new.as_ref().map_or(NewSchema::State5, |new| new.schema);
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
    if database.is_new() {
        fresh::say_logs(app, &backup::move_logs(&database.path, app.environment.now)?);
        create::create(&database.path, schema)?;
        app.metrics.created();
    }
    let mut writer = Writer::open(&database.path, &place.options)?;
    app.metrics.opened(STAGE);
    let report = backfill::run(options, BackfillTarget::Write(&mut writer), progress)?;
    if app.global.metrics.is_some() {
        app.metrics.threads(count_by_archived(writer.connection())?);
    }
    writer.close()?;
    Ok(report)
}

/// The results of a backfill, and of what follows it.
struct Done {
    report: BackfillReport,
    pruned: Option<PruneReport>,
    /// The error that stopped the pruning. It is reported after everything else.
    pruning: anyhow::Result<()>,
    indexed: Option<Indexed>,
}

impl Done {
    /// Prunes and appends names, if that was requested.
    fn after(
        app: &App,
        arguments: &args::BackfillArgs,
        options: &BackfillOptions<'_>,
        place: &Place,
        database: &ChosenDatabase,
        mut report: BackfillReport,
    ) -> anyhow::Result<Done> {
        let (pruned, pruning) = match prune_after(app, arguments, options, place, database, &report) {
            Ok(pruned) => (pruned, Ok(())),
            Err(error) => (None, Err(error)),
        };
        if let Some(pruned) = &pruned {
            report.shown.after.add_change(&pruned.shown.before, &pruned.shown.after);
        }
        let indexed = match arguments.index && !report.interrupted {
            true => {
                let dry_run = arguments.writing.dry_run;
                Some(index::append(app, place, options, &database.path, &report, pruned.as_ref(), dry_run)?)
            }
            false => None,
        };
        Ok(Done { report, pruned, pruning, indexed })
    }

    fn n_pruned(&self) -> u64 {
        self.pruned.as_ref().map_or(0, |pruned| pruned.count(Pruned) as u64)
    }

    /// Prints the failures and the report.
    fn write(
        &self,
        app: &mut App,
        form: &OutputForm,
        database: &ChosenDatabase,
        is_part: bool,
        dry_run: bool,
    ) -> io::Result<()> {
        say_failures(app, &self.report)?;
        let counts = Counts {
            pruned: self.n_pruned(),
            indexed: self.indexed.as_ref().map(|indexed| indexed.names),
            dry_run,
            is_part,
        };
        write_report(app, form, &database.path, &self.report, &counts)
    }

    /// Prints on standard error what happened, what to do next, and how to undo it.
    fn say(&self, app: &App, place: &Place, database: &ChosenDatabase, arguments: &args::BackfillArgs) {
        let (report, dry_run) = (&self.report, arguments.writing.dry_run);
        advise(app, &place.home, database, report, arguments);
        if let Some(pruned) = &self.pruned {
            prune::advise(app, pruned, dry_run);
        }
        if let Some(indexed) = &self.indexed {
            index::say(app, &place.home, indexed, dry_run);
        }
        ending::say_shown(app, &report.shown, dry_run);
        let has_changed = report.inserted + report.updated + self.n_pruned() > 0;
        if has_changed && !database.is_new() && !dry_run {
            ending::say_undo(app, &database.path, report.backup.as_deref());
        }
    }

    /// Returns the exit status, given that of finding the threads.
    fn exit(self, app: &App, found: Exit) -> anyhow::Result<Exit> {
        let report = &self.report;
        if report.interrupted {
            return Ok(Exit::Interrupted);
        }
        self.pruning?;
        let has_all = report.failures.is_empty() && report.missing_folders.is_empty();
        let has_names = self.indexed.is_none_or(|indexed| indexed.failure.is_none());
        let exit = found.merge(Exit::from_answer(has_all && has_names));
        match self.pruned {
            Some(pruned) => Ok(exit.merge(prune::exit(app, pruned, false)?)),
            None => Ok(exit),
        }
    }
}

/// Prints the folders and files that could not be read.
///
/// # Errors
/// If the failures cannot be read.
pub(super) fn say_failures(app: &App, report: &BackfillReport) -> io::Result<()> {
    for folder in &report.missing_folders {
        app.messages.fail(&format!("{}: {}", text::path(&folder.path), folder.describe()));
    }
    for failure in &report.failures {
        let failure = failure.map_err(io::Error::other)?;
        app.messages.fail(&format!("{}: {}", text::path(&failure.path), failure.error));
    }
    Ok(())
}

/// Deletes the rows whose rollout is gone, if that was requested.
fn prune_after(
    app: &App,
    arguments: &args::BackfillArgs,
    options: &BackfillOptions<'_>,
    place: &Place,
    database: &ChosenDatabase,
    report: &BackfillReport,
) -> anyhow::Result<Option<PruneReport>> {
    let is_new = database.is_new();
    let is_nothing = options.threads.is_some_and(<[_]>::is_empty);
    if !arguments.prune || is_nothing || report.interrupted || (is_new && arguments.writing.dry_run) {
        return Ok(None);
    }
    let options = PruneOptions {
        context: options.context,
        threads: options.threads,
        all_missing: arguments.all_missing,
        patience: app.global.busy_timeout,
        rows_to_come: if arguments.writing.dry_run { report.inserted } else { 0 },
    };
    let consent = prune::Consent {
        dry_run: arguments.writing.dry_run,
        yes: arguments.yes,
        keep_backup: !is_new && !arguments.writing.no_backup,
    };
    let pruned =
        prune::prune_rows(app, &options, place, &database.path, consent, false)?.map(|(pruned, _)| pruned);
    for outcome in pruned.iter().flat_map(|pruned| pruned.threads.iter()) {
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

/// Prints on standard error what happened and what to do next.
fn advise(
    app: &App,
    home: &Path,
    database: &ChosenDatabase,
    report: &BackfillReport,
    arguments: &args::BackfillArgs,
) {
    let (dry_run, is_new) = (arguments.writing.dry_run, database.is_new());
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
    // Repeated in every run while no other database is there: a user who missed it wonders where the threads are.
    fresh::warn_of_outdated(app, home, &database.path, report.newest_version);
    hint_next(app, report, dry_run, is_new);
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
