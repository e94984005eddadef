//! Findings for machines: JSON, JSONL, TSV and CSV.

use crate::cli::output::cells;
use crate::cli::output::records::json::{self, Document};
use crate::cli::output::records::{Format, Layout, Records, Value};
use crate::verify::{Field, Finding, Kind, Report};
use serde::{Serialize, Serializer};
use std::io::{self, Write};
use std::path::Path;

/// The columns of TSV and CSV.
const TABLE: [&str; 6] = ["kind", "severity", "thread_id", "path", "message", "fields"];

/// Writes the report.
pub(super) fn write(
    out: &mut dyn Write,
    format: Format,
    database: &Path,
    report: &Report,
    header: bool,
    for_terminal: bool,
) -> io::Result<()> {
    match format {
        Format::Json => write_document(out, database, report),
        Format::Jsonl => {
            report.findings.iter().try_for_each(|finding| json::write_line(out, &Shown::new(finding)))
        }
        Format::Tsv | Format::Csv => {
            let layout = Layout { columns: &TABLE, header, list: "findings", for_terminal };
            let mut records = Records::begin(out, format, layout)?;
            for finding in &report.findings {
                let fields: Vec<&str> = finding.fields.iter().map(Field::name).collect();
                let path = finding.path.as_deref().map(Path::to_string_lossy).map(Value::Text);
                records.row(&[
                    finding.kind.name().into(),
                    finding.severity.name().into(),
                    finding.thread_id.as_deref().into(),
                    path.unwrap_or(Value::Null),
                    finding.message.as_str().into(),
                    Value::from((!fields.is_empty()).then(|| fields.join(","))),
                ])?;
            }
            records.finish()
        }
    }
}

fn write_document(out: &mut dyn Write, database: &Path, report: &Report) -> io::Result<()> {
    let mut document = Document::begin(out)?;
    document.member("database", &database.to_string_lossy())?;
    document.member("files", &report.files)?;
    document.member("rows", &report.rows)?;
    document.member("agree", &report.agree)?;
    document.list("findings")?;
    for finding in &report.findings {
        document.item(&Shown::new(finding))?;
    }
    document.member("counts", &Counts(report))?;
    document.member("complete", &report.complete)?;
    document.finish()
}

/// How many findings of each kind, all kinds by name.
struct Counts<'a>(&'a Report);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Kind::ALL.iter().map(|kind| (kind.name(), self.0.count(*kind).all())))
    }
}

/// A finding in JSON; the names are the contract's.
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
        let field = |field: &'a Field| ShownField {
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
