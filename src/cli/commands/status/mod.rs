//! `codex-state status`: examines home, database and rollouts, runs a quick verify, and prints the results.

mod next;
mod people;
mod records;
mod view;

use crate::catalog::walk::{Looks, Walk};
use crate::cli::commands::status::view::StatusView;
use crate::cli::commands::ways::Ways;
use crate::cli::commands::{App, Place, fresh};
use crate::cli::line::args::{self, FormatChoice};
use crate::cli::line::{Exit, jobs_or_processors};
use crate::cli::output::chart::Ink;
use crate::cli::output::{OutputForm, Report, ReportRows, error, human};
use crate::db::Reader;
use crate::db::backup::{self, BackupInfo};
use crate::error::{WithHint as _, shell_word};
use crate::home::DatabaseChoice;
use crate::status::{self, DatabaseStatus, Rollouts, StatusOptions, Unusable};
use crate::survey;
use crate::verify::{self, Depth, Finding, FindingKind, Ignore, VerifyOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Maximum number of findings to keep; those about the whole home come first.
const MOST_FINDINGS: usize = 256;
/// The folder in which Codex keeps databases that it found damaged, beside its database.
const SET_ASIDE: &str = "db-backups";

/// Runs the command.
///
/// # Errors
/// If there is no home. If a database exists but cannot be read, which is reported after everything else was printed.
pub fn run(app: &mut App, arguments: &args::StatusArgs) -> anyhow::Result<Exit> {
    let args::StatusArgs {} = arguments;
    let form = app.form(false)?;
    let place = Place::find_or_nowhere(app)?;
    let choice = place.choose(&app.messages);
    let zone = app.environment.zone;
    let options = StatusOptions {
        context: place.context(app, jobs_or_processors(None)),
        month: &|time| human::local_month(time, &zone),
    };
    let walk =
        place.home.is_dir().then(|| survey::walk(&options.context, Looks::All, app.messages.progress()));
    let mut view = begin(app, &place, choice, walk.as_ref());
    find_other_databases(&mut view);
    let trouble = examine(app, &place, walk, &options, &mut view).err();
    view.error = trouble.as_ref().map(error::message);
    print(app, &form, &view, trouble.is_none())?;
    if let Some(trouble) = trouble {
        return Err(match restoring(&view) {
            Some(hint) => trouble.hint(hint),
            None => trouble,
        });
    }
    Ok(if app.interrupted.load(Ordering::Relaxed) { Exit::Interrupted } else { Exit::Done })
}

/// Returns what is known before the database is opened.
fn begin<'a>(
    app: &App,
    place: &'a Place,
    choice: Option<DatabaseChoice>,
    walk: Option<&Walk>,
) -> StatusView<'a> {
    let home = walk.map(|_| &*place.home);
    let (backups, are_backups_hidden) = backups(app, choice.as_ref(), &place.databases.looked_in);
    let chosen = choice.as_ref().map(|choice| &*choice.chosen.path);
    let outdated = home.zip(chosen).and_then(|(home, database)| fresh::outdated(app, home, database, None));
    let (candidate, other) = choice.map(|choice| (choice.chosen, choice.other)).unzip();
    StatusView {
        home,
        default_provider: &place.default_provider,
        invalid_config: place.config.invalid.as_deref(),
        others: other.flatten().map(|one| one.path).into_iter().collect(),
        candidate,
        outdated,
        looked_in: place.databases.looked_in.clone(),
        database: None,
        error: None,
        rollouts: walk.map(Rollouts::of).unwrap_or_default(),
        verify: None,
        findings: Vec::new(),
        unusable: None,
        weights: None,
        other_databases: Vec::new(),
        set_aside: Vec::new(),
        ways: Ways {
            home,
            default_provider: &place.default_provider,
            is_by_option: app.global.default_provider.is_some(),
            providers: place.config.providers.as_ref(),
        },
        backups,
        are_backups_hidden,
        now: app.environment.now_ms(),
    }
}

/// Returns the backups of the database, or of any database if there is none, the newest first. Also returns true if a
/// folder of backups cannot be read, of which it warns.
fn backups(app: &App, choice: Option<&DatabaseChoice>, looked_in: &[PathBuf]) -> (Vec<BackupInfo>, bool) {
    let mut backups: Vec<BackupInfo> = match choice {
        Some(choice) => backup::backups_of(&choice.chosen.path),
        None => looked_in.iter().flat_map(|folder| backup::backups_in(folder)).collect(),
    };
    backups.sort_by_key(|backup| std::cmp::Reverse(backup.taken_at));
    let hidden = choice.and_then(|choice| backup::unreadable_folder(&choice.chosen.path));
    if let Some((folder, error)) = &hidden {
        app.messages.warn(&format!("{}: backups cannot be listed: {error}", folder.display()));
    }
    (backups, hidden.is_some())
}

/// Finds the databases beside the one that is used.
fn find_other_databases(view: &mut StatusView<'_>) {
    let used = view.candidate.as_ref().map(|candidate| &*candidate.path);
    let beside = used.and_then(Path::parent);
    if let Some(home) = view.home {
        let folders = view.looked_in.iter().map(|folder| &**folder).chain([home]).chain(beside);
        view.other_databases = status::other_databases(&folders.collect::<Vec<&Path>>(), used);
    }
    if let Some(folder) = view.home.or(beside) {
        view.set_aside = status::other_databases(&[&folder.join(SET_ASIDE)], None);
    }
}

/// Prints the screen. The last line is the next thing to do, if the database could be read.
fn print(app: &mut App, form: &OutputForm, view: &StatusView<'_>, has_next: bool) -> io::Result<()> {
    let wants_picture = app.environment.stdout_is_terminal || app.global.format == FormatChoice::Table;
    let ink = if app.environment.shows_unicode() { Ink::Blocks } else { Ink::Ascii };
    let picture = wants_picture.then_some((form.width, ink));
    let next = has_next.then(|| app.messages.with_options(&next::next(view)));
    let messages = &app.messages;
    let with_options = |hint: &str| messages.with_options(hint);
    let screen = people::Screen { view, next: next.as_deref(), with_options: &with_options };
    Report {
        members: records::members(view, next.as_deref()),
        rows: ReportRows::Values,
        text: &|out| people::write(out, &screen, form.style, picture),
    }
    .write(&mut app.out, form)
}

/// Examines the database, if there is one, and compares it with the rollouts in a quick look.
fn examine(
    app: &App,
    place: &Place,
    walk: Option<Walk>,
    options: &StatusOptions<'_>,
    view: &mut StatusView<'_>,
) -> anyhow::Result<()> {
    let Some(candidate) = &view.candidate else { return Ok(()) };
    let mut reader = place.read(app, &candidate.path, "status")?;
    let (database, weights) = DatabaseStatus::of(options, &mut reader, walk.as_ref())?;
    if view.home.is_some() {
        compare(app, place, walk, options, &mut reader, view)?;
    }
    (view.database, view.weights) = (Some(database), weights);
    Ok(())
}

/// Compares the database with the rollouts in a quick look.
fn compare(
    app: &App,
    place: &Place,
    walk: Option<Walk>,
    options: &StatusOptions<'_>,
    reader: &mut Reader,
    view: &mut StatusView<'_>,
) -> anyhow::Result<()> {
    let providers = place.config.providers.as_ref();
    let verify = VerifyOptions {
        context: options.context,
        threads: None,
        providers,
        depth: Depth::Quick,
        ignore: &Ignore::default(),
        max_findings: Some(MOST_FINDINGS),
        counts_shown: false,
    };
    let report = verify::run_on(&verify, walk, reader, app.messages.progress())?;
    app.metrics.threads(report.rows_by_archived);
    app.metrics.verified(report.counts.map(verify::Count::all));
    let findings = report.findings.iter().collect::<anyhow::Result<Vec<Finding>>>()?;
    let paths_of = |kind: FindingKind| -> Vec<&Path> {
        let of_kind = findings.iter().filter(|finding| finding.kind == kind);
        of_kind.filter_map(|finding| finding.path.as_deref()).collect()
    };
    let paths = paths_of(FindingKind::MissingRow);
    let has_all = paths.len() as u64 == report.count(FindingKind::MissingRow).all();
    let differing = paths_of(FindingKind::FieldMismatch);
    view.unusable = match has_all {
        true => Unusable::among(&place.home, &paths, &differing, reader, &app.interrupted)?,
        false => None,
    };
    (view.verify, view.findings) = (Some(report), findings);
    Ok(())
}

/// Returns the command that restores the newest backup.
fn restoring(view: &StatusView<'_>) -> Option<String> {
    let newest = shell_word(&view.backups.first()?.path);
    Some(format!("codex-state restore {newest} brings the newest backup back"))
}
