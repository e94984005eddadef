//! The report of a backfill, as a document, as a row, and in words.

use crate::backfill::{BackfillReport, Failure};
use crate::cli::commands::app::App;
use crate::cli::output::records::Format;
use crate::cli::output::report::{ItemRows, OutputForm, ReadItem, Report, Whole};
use crate::cli::output::table::{TableCell, write_fields};
use crate::cli::output::{human, text};
use crate::db::many::Many;
use serde::{Serialize, Serializer};
use std::io;
use std::path::Path;

/// The report as JSON; its names are documented.
#[derive(Serialize)]
pub(super) struct BackfillJson<'a> {
    database: String,
    scanned: u64,
    inserted: u64,
    updated: u64,
    unchanged: u64,
    superseded: u64,
    failed: u64,
    pruned: u64,
    bytes_read: u64,
    failures: FailuresJson<'a>,
    shown_before: u64,
    shown_after: u64,
    dry_run: bool,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) indexed: Option<u64>,
}

/// The failures in JSON, in the reports of backfill and rebuild. There may be a million of them.
#[derive(Default)]
pub(in crate::cli::commands) struct FailuresJson<'a>(Option<&'a Many<Failure>>);

/// A failure in JSON.
#[derive(Serialize)]
struct FailureJson {
    path: String,
    error: String,
}

impl<'a> FailuresJson<'a> {
    pub(in crate::cli::commands) fn of(report: &'a BackfillReport) -> FailuresJson<'a> {
        FailuresJson(Some(&report.failures))
    }
}

impl Serialize for FailuresJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json =
            |one: Failure| FailureJson { path: one.path.to_string_lossy().into_owned(), error: one.error };
        let failures = self.0.iter().flat_map(|failures| failures.iter());
        serializer.collect_seq(failures.map(|one| ReadItem(one.map(json))))
    }
}

pub(super) fn document<'a>(
    database: &Path,
    report: &'a BackfillReport,
    pruned: u64,
    dry_run: bool,
) -> BackfillJson<'a> {
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
        failures: FailuresJson::of(report),
        shown_before: report.shown.before.shown(),
        shown_after: report.shown.after.shown(),
        dry_run,
        complete: report.complete,
        indexed: None,
    }
}

pub(super) fn write_report(
    app: &mut App,
    form: &OutputForm,
    mut document: BackfillJson<'_>,
    is_part: bool,
) -> io::Result<()> {
    if !matches!(form.format, Some(Format::Json | Format::Jsonl)) {
        // No column names them.
        document.failures = FailuresJson::default();
    }
    let document = &document;
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
pub(super) fn outcome(report: &BackfillReport, dry_run: bool, is_new: bool) -> String {
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
            (_, true) => "no row needed a change so far".to_owned(),
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
        (false, true) => format!("no row needed a change{rest}"),
        (false, false) => format!("{}{rest}", changes.join(" and ")),
    }
}
