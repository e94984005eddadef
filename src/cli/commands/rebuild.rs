//! `codex-state rebuild`: passes the arguments to the verb and prints its report.

use crate::backfill::{self, BackfillOptions, BackfillReport, BackfillTarget};
use crate::cli::commands::backfill::say_failures;
use crate::cli::commands::edit::Edit;
use crate::cli::commands::{App, Place, backups, fresh};
use crate::cli::line::fresh::Rebuild;
use crate::cli::line::{Exit, jobs_or_processors};
use crate::cli::output::{Member, Members, Report, ReportRows, TableCell, human, shown, text, write_fields};
use crate::db::rebuild::{Carried, Condition};
use crate::db::shown::HiddenReason;
use crate::db::{Census, NewSchema, backup};
use crate::error::shell_word;
use crate::home;
use crate::rebuild::{self, Filled, RebuildOptions, RebuildReport, Way};
use anyhow::Context as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

type Rebuilt = RebuildReport<BackfillReport>;

/// Runs the command.
///
/// # Errors
/// If the rebuild is refused or fails; then the old database is as it was.
pub fn run(app: &mut App, arguments: &Rebuild) -> anyhow::Result<Exit> {
    let form = app.form(false)?;
    let place = Place::find(app)?;
    let found = place.only(app)?;
    let undone = arguments.undo.as_ref().map(|file| app.environment.absolute(file));
    let Targets { database, target, schema } = match &undone {
        Some(file) => targets_of_undo(app, &place, found, file),
        None => targets(app, &place, found, arguments.dry_run),
    };
    let preview = arguments.dry_run.then(|| private_folder(app)).transpose()?;
    // The replaced database is kept in any case.
    let keeps_backup = false;
    let mut edit = Edit { app, form, place, database: target, dry_run: arguments.dry_run, keeps_backup };
    let progress = edit.app.messages.progress();
    let options = RebuildOptions {
        context: edit.place.context(edit.app, jobs_or_processors(arguments.jobs)),
        database: &database,
        target: &edit.database,
        schema,
        open: &edit.place.options,
        force: arguments.force,
        preview_in: preview.as_ref().map(tempfile::TempDir::path),
        patience: edit.app.global.busy_timeout,
    };
    if let Some(file) = &undone {
        return undo(edit.app, &options, file);
    }
    let begun = Instant::now();
    let report = rebuild::run(&options, progress, |writer, facts| {
        let config = BackfillOptions { facts, ..BackfillOptions::new(options.context) };
        let report = backfill::run(&config, BackfillTarget::Write(writer), progress)?;
        let failures = report.failures.iter();
        let passing = failures.filter(|failure| failure.as_ref().map_or(true, |failure| failure.is_passing));
        let passing = passing.map(|failure| failure.map(|failure| failure.path));
        let missing = report.missing_folders.iter().map(|folder| Ok(folder.path.clone()));
        let unread = passing.chain(missing).collect::<anyhow::Result<_>>()?;
        Ok(Filled { report, unread })
    })?;
    count(&edit, &report, begun);
    write(&mut edit, &report)?;
    advise(&edit, &report)?;
    let is_all = |filled: &BackfillReport| filled.failures.is_empty() && filled.missing_folders.is_empty();
    Ok(Exit::from_answer(report.filled.as_ref().is_none_or(is_all)))
}

/// Puts a database that a rebuild replaced back in its place.
fn undo(app: &App, options: &RebuildOptions<'_>, file: &Path) -> anyhow::Result<Exit> {
    let replaced = rebuild::undo(options, file)?;
    if options.preview_in.is_some() {
        app.messages.say("nothing was written: this was a dry run");
        return Ok(Exit::Done);
    }
    fresh::say_logs(app, &replaced.logs);
    app.messages.say(&format!("{}: is {} again", options.target.display(), file.display()));
    if let Some(kept) = replaced.kept {
        say_undo(app, &kept);
    }
    Ok(Exit::Done)
}

/// Prints the command that undoes a rebuild, as the last line.
fn say_undo(app: &App, kept: &Path) {
    app.messages.hint(&format!("codex-state rebuild --undo {} undoes it", shell_word(kept)));
}

/// The old database, the new one, and the lowest schema of the new one.
struct Targets {
    database: PathBuf,
    target: PathBuf,
    schema: NewSchema,
}

/// Chooses the database to replace, and the path of the new one.
fn targets(app: &App, place: &Place, found: Option<PathBuf>, dry_run: bool) -> Targets {
    let Some(database) = found else {
        let (new, path) = fresh::choose(place, None, &app.interrupted);
        fresh::announce(app, place, &new, &path, dry_run);
        return Targets { database: path.clone(), target: path, schema: new.schema };
    };
    let name = database.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_phase_1 = name == home::PHASE_1_DATABASE;
    if app.global.db.is_some() {
        let schema = if is_phase_1 { NewSchema::Phase1 } else { NewSchema::State5 };
        return Targets { target: database.clone(), database, schema };
    }
    let is_older = home::OLDER_DATABASES.contains(&name);
    let schema = match is_phase_1 {
        true => fresh::choose(place, None, &app.interrupted).0.schema,
        false => NewSchema::State5,
    };
    // The Codex of this home reads a database with another name.
    let target = match is_older || (is_phase_1 && schema == NewSchema::State5) {
        true => database.with_file_name(schema.file_name()),
        false => database.clone(),
    };
    Targets { database, target, schema }
}

/// Chooses where a replaced database is put back: under its old name.
fn targets_of_undo(app: &App, place: &Place, found: Option<PathBuf>, file: &Path) -> Targets {
    let had = backup::replaced_database(file);
    let target = match (&found, had) {
        (Some(database), Some(name)) if app.global.db.is_none() => database.with_file_name(name),
        (Some(database), _) => database.clone(),
        (None, name) => {
            let name = name.unwrap_or_else(|| NewSchema::State5.file_name().to_owned());
            place.databases.create_in().join(name)
        }
    };
    Targets { database: found.unwrap_or_else(|| target.clone()), target, schema: NewSchema::State5 }
}

fn private_folder(app: &App) -> anyhow::Result<tempfile::TempDir> {
    let folder = &app.environment.temp_dir;
    let preview = tempfile::TempDir::with_prefix_in("codex-state-", folder);
    preview.with_context(|| format!("{}: cannot build a preview there", folder.display()))
}

fn count(edit: &Edit<'_>, report: &Rebuilt, begun: Instant) {
    let metrics = &edit.app.metrics;
    if !edit.dry_run {
        metrics.created();
        let archived = report.shown.hidden(HiddenReason::Archived);
        metrics.threads([report.shown.total() - archived, archived]);
    }
    if let Some(filled) = &report.filled {
        metrics.backfilled(filled, begun.elapsed());
    }
}

/// Returns the word for a condition, and the problem.
fn condition(condition: &Condition) -> (&'static str, Option<&str>) {
    match condition {
        Condition::Missing => ("missing", None),
        Condition::Unusable(problem) => ("unusable", Some(problem)),
        Condition::Damaged(problem) => ("damaged", Some(problem)),
        Condition::Refused(problem) => ("refused", Some(problem)),
        Condition::Sound => ("sound", None),
    }
}

/// Returns the members of the report; documented in the help.
fn members<'a>(database: &'a Path, report: &'a Rebuilt, dry_run: bool) -> Members<'a> {
    let (word, problem) = condition(&report.condition);
    let (how, mended): (_, &[i64]) = match &report.way {
        Way::Mended(versions) => ("mended", versions),
        Way::Built => ("built", &[]),
    };
    let table = |(table, carried): (&'a String, &'a Carried)| -> Members<'a> {
        vec![
            ("table", table.as_str().into()),
            ("rows", carried.rows.into()),
            ("unfit", carried.unfit.into()),
            ("unreadable", carried.unreadable.into()),
        ]
    };
    let filled = report.filled.as_ref();
    vec![
        ("database", database.into()),
        ("old", report.replaced.kept.as_deref().into()),
        ("condition", word.into()),
        ("problem", problem.into()),
        ("how", how.into()),
        ("migrations_mended", mended.iter().copied().collect()),
        ("level", (report.way == Way::Built).then_some(report.level).into()),
        ("threads", report.shown.total().into()),
        // Unknown if the old database cannot be read.
        ("shown_before", report.shown_before.as_ref().map(Census::shown).into()),
        ("shown_after", report.shown.shown().into()),
        ("kept_threads", report.inherited.kept_threads.into()),
        ("tables", report.inherited.tables.iter().map(table).collect()),
        ("left_behind", report.left_behind.iter().map(String::as_str).collect()),
        ("scanned", filled.map_or(0, |filled| filled.scanned).into()),
        ("failed", filled.map_or(0, |filled| filled.failed).into()),
        ("failures", filled.map_or(Member::List(Vec::new()), |filled| Member::Long(&filled.failures))),
        ("dry_run", dry_run.into()),
        ("complete", filled.is_none_or(|filled| filled.complete).into()),
    ]
}

fn write(edit: &mut Edit<'_>, report: &Rebuilt) -> io::Result<()> {
    let columns =
        ["database", "old", "condition", "how", "level", "threads", "kept_threads", "scanned", "failed"];
    Report {
        members: members(&edit.database, report, edit.dry_run),
        rows: ReportRows::Columns(&columns),
        text: &|out| write_fields(out, &fields(&edit.database, report), edit.form.width, edit.form.style),
    }
    .write(&mut edit.app.out, &edit.form)
}

/// Returns the report for people.
fn fields(database: &Path, report: &Rebuilt) -> Vec<(&'static str, TableCell)> {
    let (word, problem) = condition(&report.condition);
    let was = match problem {
        Some(problem) => format!("{word}: {problem}"),
        None => word.to_owned(),
    };
    let mut fields = vec![("database", TableCell::exact(text::path(database))), ("was", TableCell::new(was))];
    if let Way::Mended(versions) = &report.way {
        let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
        fields.push(("ledger mended", TableCell::new(format!("migrations {}", versions.join(", ")))));
    }
    fields.push(("threads", TableCell::new(human::count(report.shown.total()))));
    for (table, carried) in &report.inherited.tables {
        fields.push(("from the old one", TableCell::new(in_words(table, carried))));
    }
    if let Some(old) = &report.replaced.kept {
        fields.push(("old database", TableCell::exact(text::path(old))));
    }
    if let Some(filled) = &report.filled {
        let indexing = match filled.complete {
            true => "complete: Codex opens it at once and scans nothing",
            false => "not complete: Codex scans the rollouts when it starts",
        };
        fields.push(("indexing", TableCell::new(indexing)));
    }
    fields
}

/// Describes the rows from a table of the old database.
fn in_words(table: &str, carried: &Carried) -> String {
    let mut words = format!("{}: {}", text::safe(table), human::counted(carried.rows, "row", "rows"));
    if carried.unfit > 0 {
        words.push_str(&format!(", {} do not fit", human::count(carried.unfit)));
    }
    match carried.unreadable {
        Some(0) => {}
        Some(n) => words.push_str(&format!(", {} on damaged pages", human::count(n))),
        None => words.push_str(", others on damaged pages"),
    }
    words
}

/// Warns if threads of the old database could not be read, and names the backup that knows their names.
fn say_lost(edit: &Edit<'_>, report: &Rebuilt) {
    let lost = match &report.condition {
        Condition::Unusable(_) => "nothing",
        Condition::Damaged(_) if !report.inherited.has_all_threads() => "not all",
        _ => return,
    };
    edit.app.messages.warn(&format!(
        "{lost} of the old database could be read: names, pins and sections that only it knew may be missing"
    ));
    if let Ok(newest) = backups::latest(&edit.place, Some(&edit.database)) {
        edit.app.messages.hint(&format!(
            "codex-state backfill --facts-from {} then takes them from the newest backup",
            shell_word(&newest.path)
        ));
    }
}

/// Prints on standard error what was done, and how to undo it.
fn advise(edit: &Edit<'_>, report: &Rebuilt) -> io::Result<()> {
    let (app, dry_run) = (&*edit.app, edit.dry_run);
    fresh::say_logs(app, &report.replaced.logs);
    if let Some(filled) = &report.filled {
        say_failures(app, filled)?;
    }
    if !report.was_locked {
        app.messages.say("SQLite cannot tell whether a Codex has the database open: Codex must be closed until this is done");
    }
    say_lost(edit, report);
    if report.inherited.kept_threads > 0 {
        app.messages.say(&format!(
            "{} whose rollout is missing or cannot be read: their rows are kept, and codex-state verify names them",
            human::counted(report.inherited.kept_threads, "thread", "threads")
        ));
    }
    for name in &report.left_behind {
        app.messages
            .warn(&format!("{}: left behind, because a new database cannot hold it", text::safe(name)));
    }
    match &report.way {
        _ if dry_run => app.messages.say("nothing was written: this was a dry run"),
        Way::Mended(versions) => app.messages.say(&format!(
            "the database was copied as it is, and its ledger mended: {}",
            human::counted(versions.len() as u64, "migration", "migrations")
        )),
        Way::Built => app.messages.say(&format!(
            "a new database with {} is in place",
            human::counted(report.shown.total(), "thread", "threads")
        )),
    }
    app.messages.say(&match &report.shown_before {
        Some(before) => shown::change(before, &report.shown, dry_run),
        None => shown::now(&report.shown, dry_run),
    });
    if let Some(kept) = &report.replaced.kept {
        app.messages.say(&format!(
            "{}: the old database is kept in {} until you delete it",
            edit.database.display(),
            kept.display()
        ));
        say_undo(app, kept);
    }
    Ok(())
}
