//! `codex-state status`: examines home, database and rollouts, runs a quick verify, and prints the results.

mod next;
mod people;
mod records;
mod view;

use crate::catalog::walk::{Looks, Walk};
use crate::cli::commands::status::view::{DIFFERING, StatusView};
use crate::cli::commands::ways::Ways;
use crate::cli::commands::{App, Place, fresh};
use crate::cli::line::args::{self, FormatChoice};
use crate::cli::line::{Exit, jobs_or_processors};
use crate::cli::output::chart::Ink;
use crate::cli::output::{OutputForm, Report, ReportRows, error, human};
use crate::db::Reader;
use crate::db::backup;
use crate::error::{WithHint as _, shell_word};
use crate::status::{self, DatabaseStatus, Rollouts, Unusable};
use crate::survey::{self, Context};
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
    let context = place.context(app, jobs_or_processors(None));
    let walk = place.home.is_dir().then(|| survey::walk(&context, Looks::All, app.messages.progress()));
    let mut view = begin(app, &place, walk.as_ref());
    let trouble = examine(app, &place, walk, context, &mut view).err();
    view.error = trouble.as_ref().map(error::message);
    print(app, &form, &view, trouble.is_none())?;
    if let Some(trouble) = trouble {
        return Err(match view.backups.first() {
            Some(newest) => trouble.hint(format!(
                "codex-state restore {} brings the newest backup back",
                shell_word(&newest.path)
            )),
            None => trouble,
        });
    }
    Ok(if app.interrupted.load(Ordering::Relaxed) { Exit::Interrupted } else { Exit::Done })
}

/// Returns what is known before the database is opened. Warns if a folder of backups cannot be read.
fn begin<'a>(app: &App, place: &'a Place, walk: Option<&Walk>) -> StatusView<'a> {
    let choice = place.choose(&app.messages);
    let home = walk.map(|_| &*place.home);
    let used = choice.as_ref().map(|choice| &*choice.chosen.path);
    let beside = used.and_then(Path::parent);
    let hidden = used.and_then(backup::unreadable_folder);
    if let Some((folder, error)) = &hidden {
        app.messages.warn(&format!("{}: backups cannot be listed: {error}", folder.display()));
    }
    let folders = |home| {
        let looked_in = place.databases.looked_in.iter().map(PathBuf::as_path);
        looked_in.chain([home]).chain(beside).collect::<Vec<_>>()
    };
    let set_aside = |folder: &Path| status::other_databases(&[&folder.join(SET_ASIDE)], None);
    StatusView {
        home,
        place,
        outdated: home.zip(used).and_then(|(home, database)| fresh::outdated(app, home, database, None)),
        database: None,
        error: None,
        rollouts: walk.map(Rollouts::of).unwrap_or_default(),
        verify: None,
        findings: Vec::new(),
        unusable: None,
        weights: None,
        other_databases: home.map_or_else(Vec::new, |home| status::other_databases(&folders(home), used)),
        set_aside: home.or(beside).map_or_else(Vec::new, set_aside),
        ways: Ways::of(app, home, &place.default_provider, &place.config),
        backups: place.backups(used),
        are_backups_hidden: hidden.is_some(),
        now: app.environment.now_ms(),
        choice,
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
    context: Context<'_>,
    view: &mut StatusView<'_>,
) -> anyhow::Result<()> {
    let Some(used) = view.used() else { return Ok(()) };
    let mut reader = place.read(app, used, "status")?;
    let month = |time| human::local_month(time, &app.environment.zone);
    let (database, weights) = DatabaseStatus::of(&context, &month, &mut reader, walk.as_ref())?;
    if view.home.is_some() {
        compare(app, place, walk, context, &mut reader, view)?;
    }
    (view.database, view.weights) = (Some(database), weights);
    Ok(())
}

/// Compares the database with the rollouts in a quick look.
fn compare(
    app: &App,
    place: &Place,
    walk: Option<Walk>,
    context: Context<'_>,
    reader: &mut Reader,
    view: &mut StatusView<'_>,
) -> anyhow::Result<()> {
    let providers = place.config.providers.as_ref();
    let verify = VerifyOptions {
        context,
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
    let differing = DIFFERING.map(|kind| match kind {
        FindingKind::MovedHome => report.moved.iter().map(PathBuf::as_path).collect(),
        kind => paths_of(kind),
    });
    view.unusable = match has_all {
        true => Unusable::among(&place.home, &paths, &differing, reader, &app.interrupted)?,
        false => None,
    };
    (view.verify, view.findings) = (Some(report), findings);
    Ok(())
}
