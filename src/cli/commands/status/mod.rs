//! `codex-state status`: looks at home, database and rollouts, takes a quick verify besides, and shows all of it.

mod look;
mod people;
mod records;

use crate::catalog::walk::{self, Walk};
use crate::cli::commands::app::App;
use crate::cli::commands::place::Place;
use crate::cli::commands::status::look::Look;
use crate::cli::line::args::{self, FormatChoice};
use crate::cli::line::exit::Exit;
use crate::cli::line::numbers::jobs_or_processors;
use crate::cli::output::chart::Ink;
use crate::cli::output::report::{Report, Rows, Whole};
use crate::cli::output::{error, human};
use crate::db::backup::{self, BackupInfo};
use crate::db::open::{OpenOptions, Reader};
use crate::error::{WithHint as _, shell_word};
use crate::home::Providers;
use crate::progress::Progress as _;
use crate::status::{Config, Database, Progress, Rollouts};
use crate::verify::{self, Depth, Ignore};
use std::path::Path;
use std::sync::atomic::Ordering;

/// Runs the command.
///
/// # Errors
/// There is no home, or the database is there and cannot be read, which is said after all else was shown.
pub fn run(app: &mut App, arguments: &args::Status) -> anyhow::Result<Exit> {
    let args::Status {} = arguments;
    let page = app.page(false)?;
    let place = Place::find_or_nowhere(app)?;
    let (home, looked_in) = (&place.home, &place.databases.looked_in);
    let has_home = home.is_dir();
    let choice = place.choose(&app.messages);
    let zone = app.environment.zone;
    let config = Config {
        default_provider: &place.default_provider,
        month: &|time| human::local_month(time, &zone),
        now: app.environment.now_ms(),
    };
    let mut backups: Vec<BackupInfo> = match &choice {
        Some(choice) => backup::backups_of(&choice.chosen.path),
        None => looked_in.iter().flat_map(|folder| backup::backups_in(folder)).collect(),
    };
    backups.sort_by_key(|backup| std::cmp::Reverse(backup.taken_at));
    let hidden = choice.as_ref().and_then(|choice| backup::unreadable_folder(&choice.chosen.path));
    if let Some((folder, error)) = &hidden {
        app.messages.warn(&format!("{}: backups cannot be listed: {error}", folder.display()));
    }
    app.messages.progress().start("finding rollouts", None, None);
    let walk = has_home.then(|| walk::walk(home, || app.messages.progress().advance(1, 0)));
    app.messages.progress().finish();
    let mut look = Look {
        home: has_home.then_some(&**home),
        default_provider: config.default_provider,
        others: choice
            .iter()
            .filter_map(|choice| choice.other.as_ref())
            .map(|one| one.path.clone())
            .collect(),
        candidate: choice.map(|choice| choice.chosen),
        looked_in: looked_in.clone(),
        database: None,
        error: None,
        rollouts: walk.as_ref().map(Rollouts::of).unwrap_or_default(),
        verify: None,
        backups,
        are_backups_hidden: hidden.is_some(),
        now: config.now,
    };
    let mut trouble = None;
    if let Some(candidate) = &look.candidate {
        let providers = place.providers.as_ref();
        match examine(app, &place.options, look.home, walk, &config, providers, &candidate.path) {
            Ok((database, verify)) => {
                look.database = Some(database);
                look.verify = verify;
            }
            Err(error) => {
                look.error = Some(error::message(&error));
                trouble = Some(error);
            }
        }
    }
    let wants_picture = app.environment.stdout_is_terminal || app.global.format == FormatChoice::Table;
    let ink = if app.environment.shows_unicode() { Ink::Blocks } else { Ink::Ascii };
    let picture = wants_picture.then_some((page.width, ink));
    Report {
        items: std::iter::once(records::Document::of(&look)),
        rows: Rows::Values,
        document: Whole::Item,
        text: &|out| people::write(out, &look, page.style, picture),
    }
    .write(&mut app.out, &page)?;
    if let Some(trouble) = trouble {
        return Err(match restoring(&look) {
            Some(hint) => trouble.hint(hint),
            None => trouble,
        });
    }
    advise(app, &look);
    Ok(if app.interrupted.load(Ordering::Relaxed) { Exit::Interrupted } else { Exit::Done })
}

/// Looks at a database, and whether it and the rollouts agree at a glance.
fn examine(
    app: &App,
    options: &OpenOptions,
    home: Option<&Path>,
    walk: Option<Walk>,
    config: &Config<'_>,
    providers: Option<&Providers>,
    path: &Path,
) -> anyhow::Result<(Database, Option<verify::Report>)> {
    let mut reader = Reader::open(path, options)?;
    app.metrics.opened("status");
    let database = Database::of(config, &mut reader)?;
    let Some(home) = home else { return Ok((database, None)) };
    let verify = verify::Config {
        context: app.context(home, config.default_provider, jobs_or_processors(None)),
        threads: None,
        providers,
        depth: Depth::Quick,
        ignore: &Ignore::default(),
        max_findings: Some(0),
    };
    let report = verify::run_on(&verify, walk, &mut reader, app.messages.progress())?;
    app.metrics.threads(report.rows_by_archived);
    app.metrics.verified(report.counts.map(verify::Count::all));
    Ok((database, Some(report)))
}

/// The command that brings the newest backup back.
fn restoring(look: &Look<'_>) -> Option<String> {
    let newest = shell_word(&look.backups.first()?.path);
    Some(format!("codex-state restore {newest} brings the newest backup back"))
}

/// Says what to do next, where something is to be done.
fn advise(app: &App, look: &Look<'_>) {
    let Some(database) = &look.database else {
        if let Some(hint) = restoring(look) {
            app.messages.hint(&hint);
        }
        app.messages.hint("codex-state backfill makes a database from the rollouts");
        return;
    };
    if database.problem.is_some() {
        app.messages.hint(
            "codex-state verify --deep says how bad it is; codex-state restore BACKUP brings a backup back",
        );
    }
    if look.verify.as_ref().is_some_and(|report| report.total().errors > 0) {
        app.messages
            .hint("codex-state verify names each difference; codex-state backfill mends most of them");
    } else if let Some((_, Progress::Stuck | Progress::Pending | Progress::Unknown)) = database.backfill {
        app.messages.hint(
            "codex-state backfill does the indexing that Codex would do at its next start, and says so",
        );
    }
}
