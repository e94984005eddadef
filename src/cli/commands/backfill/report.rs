//! The report of a backfill, as a document, as a row, and in words.

use crate::backfill::index::Indexed;
use crate::backfill::{BackfillReport, Failure};
use crate::cli::commands::edit::Edit;
use crate::cli::output::{
    LongList, Member, Members, Report, ReportRows, TableCell, human, text, write_fields,
};
use crate::db::Many;
use crate::prune::PruneReport;
use crate::survey::change::ChangeStatus;
use std::io;
use std::path::Path;

impl LongList for Many<Failure> {
    fn each(&self, take: &mut dyn FnMut(Member<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.iter().try_for_each(|failure| {
            let Failure { path, error, .. } = failure?;
            take(vec![("path", (&*path).into()), ("error", error.into())].into())
        })
    }
}

/// Writes the report; the names of its members are documented.
pub(super) fn write_report(edit: &mut Edit<'_>, done: &Done) -> io::Result<()> {
    let (report, numbers) = (&done.report, done.numbers());
    let indexed = done.indexed.as_ref().map(|indexed| indexed.names);
    let mut columns: Vec<&str> = numbers.iter().map(|(name, _)| *name).collect();
    columns.push("bytes_read");
    columns.extend(indexed.map(|_| "indexed"));
    let mut members: Members<'_> = vec![("database", (&*edit.database).into())];
    members.extend(numbers.map(|(name, number)| (name, number.into())));
    members.push(("bytes_read", report.bytes_read.into()));
    members.push(("failures", Member::Long(&report.failures)));
    members.extend(edit.last_members(&report.shown));
    members.push(("complete", report.complete.into()));
    members.extend(indexed.map(|indexed| ("indexed", indexed.into())));
    Report {
        members,
        rows: ReportRows::Columns(&columns),
        text: &|out| {
            let fields = fields(&edit.database, done, edit.dry_run);
            write_fields(out, &fields, edit.form.width, edit.form.style)
        },
    }
    .write(&mut edit.app.out, &edit.form)
}

/// The results of a backfill, and of what follows it.
pub(super) struct Done {
    pub(super) report: BackfillReport,
    /// The result of the pruning, if that was requested. Its error is reported after everything else.
    pub(super) pruned: anyhow::Result<Option<PruneReport>>,
    /// The names that were appended to the session index, if that was requested.
    pub(super) indexed: Option<Indexed>,
    /// True if the database is created by this run.
    pub(super) is_new: bool,
    /// True if only some threads were requested.
    pub(super) is_part: bool,
}

impl Done {
    /// Returns the number of rows that were deleted afterwards.
    pub(super) fn n_pruned(&self) -> u64 {
        let pruned = self.pruned.iter().flatten();
        pruned.map(|pruned| pruned.threads.count(ChangeStatus::Done)).sum()
    }

    /// Returns the numbers of files and rows by the names of their members.
    fn numbers(&self) -> [(&'static str, u64); 7] {
        let report = &self.report;
        [
            ("scanned", report.scanned),
            ("inserted", report.inserted),
            ("updated", report.updated),
            ("unchanged", report.unchanged),
            ("superseded", report.superseded),
            ("failed", report.failed),
            ("pruned", self.n_pruned()),
        ]
    }
}

/// Returns the report for people.
fn fields(database: &Path, done: &Done, dry_run: bool) -> Vec<(&'static str, TableCell)> {
    let mut fields = vec![("database", TableCell::exact(text::path(database)))];
    let shown = done.numbers().into_iter().filter(|(name, n)| *name != "pruned" || *n > 0);
    fields.extend(shown.map(|(name, number)| {
        let remark = if number > 0 { remark(name) } else { "" };
        (heading(name, dry_run), TableCell::new(format!("{}{remark}", human::count(number))))
    }));
    if let Some(indexed) = &done.indexed {
        let heading = if dry_run { "would append" } else { "appended" };
        fields.push((heading, TableCell::new(human::counted(indexed.names, "name", "names"))));
    }
    fields.push(("read", TableCell::new(human::bytes(done.report.bytes_read))));
    if !done.is_part {
        let indexing = match done.report.complete {
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
    let changes = [("insert", "inserted", report.inserted), ("update", "updated", report.updated)];
    let words = |(would, did, n): (&str, &str, u64)| match dry_run {
        true => format!("{would} {}", rows(n)),
        false => format!("{} {did}", rows(n)),
    };
    let changes = changes.into_iter().filter(|(.., n)| *n > 0).map(words);
    let changes = changes.collect::<Vec<_>>().join(" and ");
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
            (true, false) => format!("nothing was written; so far it would {changes}"),
            (false, false) => format!("so far {changes}"),
        };
        return format!("interrupted after {} of {found}: {what}{rest}", human::count(done));
    }
    match (dry_run, changes.is_empty()) {
        (true, true) => format!("nothing was written: this was a dry run; nothing would change{rest}"),
        (true, false) => format!("nothing was written: this was a dry run, which would {changes}{rest}"),
        (false, true) => format!("no row needed a change{rest}"),
        (false, false) => format!("{changes}{rest}"),
    }
}
