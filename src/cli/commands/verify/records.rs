//! Writes the report of `verify`: its findings and counts.

use crate::cli::commands::app::App;
use crate::cli::commands::verify::people;
use crate::cli::output::cells;
use crate::cli::output::records::Value;
use crate::cli::output::report::{ItemRows, OutputForm, ReadItem, Report, Whole};
use crate::verify::{FieldDifference, Finding, FindingKind, VerifyReport};
use serde::{Serialize, Serializer};
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
    Report {
        items: report.findings.iter().map(|finding| ReadItem(finding.map(FindingItem))),
        rows: ItemRows::Columns(&["kind", "severity", "thread_id", "path", "message", "fields"]),
        document: Whole::List {
            name: "findings",
            before: &|document| {
                document.member("database", &database.to_string_lossy())?;
                document.member("files", &report.files)?;
                document.member("rows", &report.rows)?;
                document.member("agree", &report.agree)
            },
            after: &|document| {
                document.member("counts", &Counts(report))?;
                document.member("not_compared", &report.not_compared)?;
                document.member("complete", &report.complete)
            },
        },
        text: &|out| people::write(out, form, home, report, has_all, &with_options),
    }
    .write(&mut app.out, form)
}

/// The number of findings of each kind, all kinds by name.
struct Counts<'a>(&'a VerifyReport);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(FindingKind::ALL.iter().map(|kind| (kind.name(), self.0.count(*kind).all())))
    }
}

/// A finding. In JSON it is a [`Shown`].
struct FindingItem(Finding);

impl Serialize for FindingItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        FindingJson::new(&self.0).serialize(serializer)
    }
}

/// A finding in JSON; the names are documented.
#[derive(Serialize)]
struct FindingJson<'a> {
    kind: &'static str,
    severity: &'static str,
    thread_id: Option<&'a str>,
    path: Option<std::borrow::Cow<'a, str>>,
    message: &'a str,
    fields: Vec<ShownField<'a>>,
}

#[derive(Serialize)]
struct ShownField<'a> {
    name: &'static str,
    database: Value<'a>,
    file: Value<'a>,
}

impl<'a> FindingJson<'a> {
    fn new(finding: &'a Finding) -> FindingJson<'a> {
        let field = |field: &'a FieldDifference| ShownField {
            name: field.name(),
            database: cells::value_of(field.col, &field.database),
            file: cells::value_of(field.col, &field.file),
        };
        FindingJson {
            kind: finding.kind.name(),
            severity: finding.severity.name(),
            thread_id: finding.thread_id.as_deref(),
            path: finding.path.as_deref().map(Path::to_string_lossy),
            message: &finding.message,
            fields: finding.fields.iter().map(field).collect(),
        }
    }
}
