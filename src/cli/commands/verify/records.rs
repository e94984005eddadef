//! Writes the report of `verify`: its findings and counts.

use crate::cli::commands::App;
use crate::cli::commands::verify::people;
use crate::cli::output::{ListReport, Member, Members, OutputForm, cells};
use crate::verify::{FieldDifference, Finding, FindingKind, VerifyReport};
use std::io;
use std::path::Path;

/// Writes the report. With `has_all`, people get every finding too, otherwise some examples of each kind.
pub(super) fn write(
    app: &mut App,
    form: &OutputForm,
    home: &Path,
    database: &Path,
    report: &VerifyReport,
    has_all: bool,
) -> io::Result<()> {
    let messages = &app.messages;
    let with_options = |hint: &str| messages.with_options(hint);
    let counts = FindingKind::ALL.into_iter().map(|kind| (kind.name(), report.count(kind).all().into()));
    ListReport {
        before: vec![
            ("database", database.into()),
            ("files", report.files.into()),
            ("rows", report.rows.into()),
            ("agree", report.agree.into()),
        ],
        name: "findings",
        items: report.findings.iter(),
        members: &members,
        columns: &["kind", "severity", "thread_id", "path", "message", "fields"],
        after: vec![
            ("counts", Member::Object(counts.collect())),
            ("not_compared", report.not_compared.into()),
            ("complete", report.complete.into()),
        ],
        text: &|out| people::write(out, form, home, report, has_all, &with_options),
    }
    .write(&mut app.out, form)
}

/// Returns the members of a finding; documented in the help.
fn members(finding: &Finding) -> Members<'_> {
    fn field(field: &FieldDifference) -> Members<'_> {
        vec![
            ("name", field.name().into()),
            ("database", cells::value_of(field.col, &field.database).into()),
            ("file", cells::value_of(field.col, &field.file).into()),
        ]
    }
    vec![
        ("kind", finding.kind.name().into()),
        ("severity", finding.severity.name().into()),
        ("thread_id", finding.thread_id.as_deref().into()),
        ("path", finding.path.as_deref().into()),
        ("message", (&*finding.message).into()),
        ("fields", finding.fields.iter().map(field).collect()),
    ]
}
