//! `codex-state verify`: from arguments to the verb, and its report to the streams and files that were asked for.

mod github;
mod junit;
mod people;
mod records;

use crate::cli::commands::app::App;
use crate::cli::commands::place::{Place, output_file};
use crate::cli::commands::threads;
use crate::cli::line::args::{self, FormatChoice};
use crate::cli::line::exit::Exit;
use crate::cli::line::numbers::jobs_or_processors;
use crate::cli::output::human;
use crate::cli::output::report::Page;
use crate::db::open::Reader;
use crate::verify::{self, Config, Depth, Ignore, Kind, Remedy, Report};
use anyhow::anyhow;
use std::io::Write as _;

/// Runs the command.
///
/// # Errors
/// It could not run, or not to its end.
pub fn run(app: &mut App, arguments: &args::Verify) -> anyhow::Result<Exit> {
    let page = Page::new(&app.global, &app.environment, true);
    let is_github = app.global.format == FormatChoice::Github;
    let junit_file = arguments.junit.as_deref().map(|path| output_file(app, path)).transpose()?;
    let ignore = arguments.ignore.iter().try_fold(Ignore::default(), |ignore, name| ignore.and(name));
    let ignore = ignore.ok_or_else(|| anyhow!("--ignore takes a kind of finding or a column"))?;
    let place = Place::find(app)?;
    let database = place.database(&app.messages)?;
    let mut reader = Reader::open(&database, &place.options)?;
    app.metrics.opened("verify");
    let found = threads::resolve(app, &arguments.threads, &place.home, Some(&mut reader))?;
    let is_named = !arguments.threads.is_empty();
    // People have been told all there is; a program gets its document.
    if is_named && found.selected.is_empty() && page.is_text() && !is_github && arguments.junit.is_none() {
        return Ok(found.exit);
    }
    let config = Config {
        context: place.context(app, jobs_or_processors(arguments.jobs)),
        threads: is_named.then_some(&found.selected),
        providers: place.providers.as_ref(),
        depth: match (arguments.quick, arguments.deep) {
            (true, _) => Depth::Quick,
            (false, false) => Depth::Fields,
            (false, true) => Depth::Deep,
        },
        ignore: &ignore,
        max_findings: arguments.max_findings,
    };
    let report = verify::run(&config, &mut reader, app.messages.progress())?;
    app.metrics.verified(report.counts.map(verify::Count::all));
    if config.threads.is_none() {
        app.metrics.threads(report.rows_by_archived);
    }
    match is_github {
        true => github::write(&mut app.out, &report)?,
        false => records::write(app, &page, &place.home, &database, &report)?,
    }
    app.out.flush()?;
    if let Some(file) = &junit_file {
        let now = app.environment.now_ms();
        file.write_with(|out| junit::write(out, &report, &ignore, arguments.strict, now))?;
    }
    summarise(app, &report);
    if report.interrupted {
        return Ok(Exit::Interrupted);
    }
    let total = report.total();
    let agrees = total.errors == 0 && (!arguments.strict || total.warnings == 0);
    Ok(found.exit.merge(Exit::from_answer(agrees)))
}

/// Says on standard error how it ended and what to do next.
fn summarise(app: &App, report: &Report) {
    let total = report.total();
    let agree = human::counted(report.agree, "thread agrees", "threads agree");
    let printed = report.findings.len();
    let rest = total.all() - printed;
    let kept =
        if rest > 0 { format!(", the first {} printed", human::count(printed)) } else { String::new() };
    let found = match (total.errors, total.warnings) {
        (0, 0) => "no finding".to_owned(),
        (0, warnings) => format!("no error, {}", human::counted(warnings, "warning", "warnings")),
        (errors, 0) => human::counted(errors, "error", "errors"),
        (errors, warnings) => format!(
            "{} and {}",
            human::counted(errors, "error", "errors"),
            human::counted(warnings, "warning", "warnings")
        ),
    };
    let end = match report.interrupted {
        true => format!(
            "interrupted after {}, which is no answer yet",
            human::counted(report.files, "rollout", "rollouts")
        ),
        false if report.not_compared > 0 => {
            format!("{agree}, {} not compared", human::count(report.not_compared))
        }
        false => agree,
    };
    app.messages.say(&format!("{found}{kept}; {end}"));
    if let Some(catalogue) = report.catalogue.as_ref().filter(|catalogue| catalogue.lacks_some()) {
        app.messages.say(&catalogue.describe());
    }
    for step in next_steps(report) {
        app.messages.hint(&step);
    }
}

/// What to do about the findings, a line for each thing.
fn next_steps(report: &Report) -> Vec<String> {
    let kinds = |remedy: Remedy| -> Vec<&str> {
        let found = Kind::ALL.into_iter().filter(|kind| report.count(*kind).all() > 0);
        found.filter(|kind| report.remedies(*kind).contains(&remedy)).map(Kind::name).collect()
    };
    let mut steps = Vec::new();
    if report.count(Kind::MissingFolder).all() > 0 {
        steps.push(
            "mount or restore the folder of missing_folder, then run codex-state verify again: its threads are not lost"
                .to_owned(),
        );
    }
    for (remedy, does) in [
        (Remedy::Restore, "codex-state restore BACKUP brings a sound one back for"),
        (Remedy::Backfill, "codex-state backfill mends"),
        (
            Remedy::Facts,
            "codex-state backfill --facts-from BACKUP mends, from a backup, what no rollout tells in",
        ),
        (Remedy::Index, "codex-state backfill --index mends"),
        (Remedy::ByHand, "codex-state verify --help says what to do about"),
    ] {
        let kinds = kinds(remedy);
        if !kinds.is_empty() {
            steps.push(format!("{does} {}", kinds.join(", ")));
        }
    }
    if report.count(Kind::MissingFile).all() > 0 {
        steps.push(
            "bring the files of missing_file back from a backup or another disk, then run codex-state backfill; only if \
             they are gone for good, codex-state prune deletes their rows"
                .to_owned(),
        );
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Count;

    #[test]
    fn the_next_step_is_named_for_each_kind() {
        let mut report = Report::default();
        assert!(next_steps(&report).is_empty());
        for kind in [Kind::MissingRow, Kind::MissingFile, Kind::EmptyFile, Kind::FieldMismatch] {
            report.counts[kind as usize] = Count { errors: 2, warnings: 0 };
        }
        let steps = [
            "codex-state backfill mends missing_row, field_mismatch",
            "codex-state verify --help says what to do about empty_file",
            "bring the files of missing_file back from a backup or another disk, then run codex-state backfill; only if they are gone for good, codex-state prune deletes their rows",
        ];
        assert_eq!(next_steps(&report), steps);
        report.field_remedies = [Remedy::Facts, Remedy::ByHand].into();
        let steps = [
            "codex-state backfill mends missing_row",
            "codex-state backfill --facts-from BACKUP mends, from a backup, what no rollout tells in field_mismatch",
            "codex-state verify --help says what to do about field_mismatch, empty_file",
            "bring the files of missing_file back from a backup or another disk, then run codex-state backfill; only if they are gone for good, codex-state prune deletes their rows",
        ];
        assert_eq!(next_steps(&report), steps);
    }
}
