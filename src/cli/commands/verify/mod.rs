//! `codex-state verify`: passes the arguments to the verb and prints its report to the requested streams and files.

mod github;
mod junit;
mod people;
mod records;

use crate::cli::commands::{App, Place, damaged, fresh, output_file, threads, verdict};
use crate::cli::line::args::{self, FormatChoice};
use crate::cli::line::{Exit, jobs_or_processors};
use crate::cli::output::{OutputForm, human, shown};
use crate::verify::{self, Depth, Ignore, VerifyOptions, VerifyReport};
use anyhow::anyhow;
use std::io::Write as _;

/// Runs the command.
///
/// # Errors
/// If the command cannot run, or cannot finish.
pub fn run(app: &mut App, arguments: &args::VerifyArgs) -> anyhow::Result<Exit> {
    let form = OutputForm::new(&app.global, &app.environment, true);
    let is_github = app.global.format == FormatChoice::Github;
    let junit_file = arguments.junit.as_deref().map(|path| output_file(app, path)).transpose()?;
    let ignore = arguments.ignore.iter().try_fold(Ignore::default(), |ignore, name| ignore.and(name));
    let ignore = ignore.ok_or_else(|| anyhow!("--ignore takes a kind of finding or a column"))?;
    let place = Place::find(app)?;
    let database = place.database(&app.messages)?;
    let mut reader = place.read(app, &database, "verify")?;
    let found = threads::resolve(app, &arguments.threads, &place.home, Some(&mut reader))?;
    let is_named = !arguments.threads.is_empty();
    // People have already read the message; a program still gets its document.
    if is_named && found.selected.is_empty() && form.is_text() && !is_github && arguments.junit.is_none() {
        return Ok(found.exit);
    }
    let config = VerifyOptions {
        context: place.context(app, jobs_or_processors(arguments.jobs)),
        threads: is_named.then_some(&found.selected),
        providers: place.config.providers.as_ref(),
        depth: match (arguments.quick, arguments.deep) {
            (true, _) => Depth::Quick,
            (false, false) => Depth::Fields,
            (false, true) => Depth::Deep,
        },
        ignore: &ignore,
        max_findings: arguments.max_findings,
        counts_shown: !app.global.quiet,
    };
    let (depth, is_whole) = (config.depth, config.threads.is_none());
    let report = verify::run(&config, &mut reader, app.messages.progress())?;
    app.metrics.verified(report.counts.map(verify::Count::all));
    if is_whole {
        app.metrics.threads(report.rows_by_archived);
    }
    let has_all = arguments.max_findings.is_some() || app.global.verbose;
    let is_text = form.is_text() && !is_github;
    let n_printed = if is_text { people::n_printed(&report, has_all) } else { report.findings.len() };
    match is_github {
        true => github::write(&mut app.out, &report)?,
        false => records::write(app, &form, &place.home, &database, &report, has_all)?,
    }
    app.out.flush()?;
    if let Some(file) = &junit_file {
        let now = app.environment.now_ms();
        file.write_with(|out| junit::write(out, &report, &ignore, arguments.strict, now))?;
    }
    summarise(app, &report, depth, n_printed, is_text);
    fresh::warn_of_outdated(app, &place.home, &database, None);
    if report.count(verify::FindingKind::DatabaseDamaged).all() > 0
        && let Some(hint) = damaged::newest_backup(app, &place, &database)
    {
        app.messages.hint(&hint);
    }
    Ok(match report.interrupted {
        true => Exit::Interrupted,
        false => found.exit.merge(Exit::from_answer(!report.total().fails(arguments.strict))),
    })
}

/// Prints on standard error the result and what to do next.
fn summarise(app: &App, report: &VerifyReport, depth: Depth, n_printed: u64, is_text: bool) {
    let note = match n_printed < report.total().all() {
        true => format!(
            ", {} of them printed (--verbose prints all, --max-findings N the first N)",
            human::count(n_printed)
        ),
        false => String::new(),
    };
    app.messages.say(&verdict::sentence(report, &note));
    if let Some(catalogue) = report.catalogue.as_ref().filter(|catalogue| catalogue.lacks_some()) {
        app.messages.say(&catalogue.describe());
    }
    if let Some(census) = report.census.as_ref().filter(|census| census.shown() < census.total()) {
        let shown = shown::change(census, census, false);
        app.messages.say(&format!("{shown}; codex-state status says what to do about these"));
    }
    for step in verdict::steps(report, depth, is_text) {
        app.messages.hint(&step);
    }
}
