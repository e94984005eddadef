//! Writes the report of `verify`: its findings and counts.

use crate::cli::commands::app::App;
use crate::cli::commands::verify::people;
use crate::cli::output::cells;
use crate::cli::output::records::Value;
use crate::cli::output::report::{Page, Read, Report, Rows, Whole};
use crate::verify::{self, FieldDifference, Finding, Kind};
use serde::{Serialize, Serializer};
use std::io;
use std::path::Path;

/// Writes the report. With `has_all`, people get every finding too, otherwise some examples of each kind.
pub(super) fn write(
    app: &mut App,
    page: &Page,
    home: &Path,
    database: &Path,
    report: &verify::Report,
    has_all: bool,
) -> io::Result<()> {
    let messages = &app.messages;
    let with_options = |hint: &str| messages.with_options(hint);
    Report {
        items: report.findings.iter().map(|finding| Read(finding.map(Item))),
        rows: Rows::Columns(&["kind", "severity", "thread_id", "path", "message", "fields"]),
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
        text: &|out| people::write(out, page, home, report, has_all, &with_options),
    }
    .write(&mut app.out, page)
}

/// The number of findings of each kind, all kinds by name.
struct Counts<'a>(&'a verify::Report);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Kind::ALL.iter().map(|kind| (kind.name(), self.0.count(*kind).all())))
    }
}

/// A finding. In JSON it is a [`Shown`].
struct Item(Finding);

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Shown::new(&self.0).serialize(serializer)
    }
}

/// A finding in JSON; the names are documented.
#[derive(Serialize)]
struct Shown<'a> {
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

impl<'a> Shown<'a> {
    fn new(finding: &'a Finding) -> Shown<'a> {
        let field = |field: &'a FieldDifference| ShownField {
            name: field.name(),
            database: cells::value_of(field.position, &field.database),
            file: cells::value_of(field.position, &field.file),
        };
        Shown {
            kind: finding.kind.name(),
            severity: finding.severity.name(),
            thread_id: finding.thread_id.as_deref(),
            path: finding.path.as_deref().map(Path::to_string_lossy),
            message: &finding.message,
            fields: finding.fields.iter().map(field).collect(),
        }
    }
}
