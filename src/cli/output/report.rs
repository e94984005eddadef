//! Reports: each is described once by its members, and written in any format by [`Report::write`] or
//! [`ListReport::write`].
//!
//! TSV and CSV take their cells from the members by name, so that the formats cannot disagree. Only the text for people
//! is written by the command itself.

use crate::cli::line::args::{FormatChoice, Global};
use crate::cli::line::env::Environment;
use crate::cli::output::members::{Member, Members};
use crate::cli::output::records::json::Document;
use crate::cli::output::records::value::Value;
use crate::cli::output::records::{Format, Layout, Records};
use crate::cli::output::style::Style;
use std::io::{self, Write};

/// The form in which a run writes its results.
#[derive(Debug, Clone, Copy)]
pub struct OutputForm {
    /// The format for machines; `None` if people read the output.
    pub format: Option<Format>,
    /// The maximum width of tables.
    pub width: usize,
    /// The colours.
    pub style: Style,
    /// True if TSV and CSV begin with a header line.
    pub has_header: bool,
    is_terminal: bool,
}

impl OutputForm {
    /// Decides from the options and from the destination of the output. A command whose result is a list of records
    /// (`lists`) writes TSV into a pipe. `github` is text.
    pub fn new(global: &Global, environment: &Environment, lists: bool) -> OutputForm {
        let format = match global.format {
            FormatChoice::Auto if lists && !environment.stdout_is_terminal => Some(Format::Tsv),
            FormatChoice::Auto | FormatChoice::Table | FormatChoice::Github => None,
            FormatChoice::Json => Some(Format::Json),
            FormatChoice::Jsonl => Some(Format::Jsonl),
            FormatChoice::Tsv => Some(Format::Tsv),
            FormatChoice::Csv => Some(Format::Csv),
        };
        OutputForm {
            format,
            width: environment.width(),
            style: Style::chosen(global.color, environment, environment.stdout_is_terminal),
            has_header: !global.no_header,
            is_terminal: environment.stdout_is_terminal,
        }
    }

    /// Returns true if people read the output.
    pub fn is_text(&self) -> bool {
        self.format.is_none()
    }

    /// Begins the output of records that are written one by one. `list` is the member of the JSON document that
    /// contains them.
    pub fn records<'w>(
        &self,
        out: &'w mut dyn Write,
        format: Format,
        list: &'w str,
        columns: &'w [&'w str],
    ) -> io::Result<Records<'w>> {
        let layout = Layout { columns, header: self.has_header, list, for_terminal: self.is_terminal };
        Records::begin(out, format, layout)
    }
}

/// Writes a report for people.
type Text<'a> = &'a dyn Fn(&mut dyn Write) -> io::Result<()>;

/// A report about one thing: a document in JSON and JSONL.
pub struct Report<'a> {
    /// Its members.
    pub members: Members<'a>,
    /// Its rows in TSV and CSV.
    pub rows: ReportRows<'a>,
    /// Writes it for people.
    pub text: Text<'a>,
}

/// The rows of a report about one thing in TSV and CSV.
#[derive(Debug, Clone, Copy)]
pub enum ReportRows<'a> {
    /// One row: the members with these names.
    Columns(&'a [&'a str]),
    /// A row for each value, with the columns `name` (its path, with dots) and `value`.
    Values,
}

impl Report<'_> {
    /// Writes the report in a form.
    pub fn write(self, out: &mut dyn Write, form: &OutputForm) -> io::Result<()> {
        match (form.format, self.rows) {
            (None, _) => (self.text)(out)?,
            (Some(Format::Json | Format::Jsonl), _) => {
                let mut document = Document::begin(out)?;
                self.members.iter().try_for_each(|(name, member)| document.member(name, member))?;
                document.finish()?;
            }
            (Some(format), ReportRows::Columns(columns)) => {
                let mut records = form.records(out, format, "", columns)?;
                records.item(self.members)?;
                records.finish()?;
            }
            (Some(format), ReportRows::Values) => {
                let mut records = form.records(out, format, "", &["name", "value"])?;
                each_value("", &Member::Object(self.members), &mut |name, value| {
                    records.row(&[name.into(), value.clone()])
                })?;
                records.finish()?;
            }
        }
        out.flush()
    }
}

/// A report about a list of items: in JSON a member of the document, in JSONL a line each, in TSV and CSV a row each.
pub struct ListReport<'a, I, T> {
    /// The members of the document before the list.
    pub before: Members<'a>,
    /// The name of the list.
    pub name: &'a str,
    /// The items. An error ends the output.
    pub items: I,
    /// Returns the members of an item.
    pub members: &'a dyn Fn(&T) -> Members<'_>,
    /// The members of an item that are columns in TSV and CSV. Of a list they have the names of its elements, separated
    /// by commas.
    pub columns: &'a [&'a str],
    /// The members of the document after the list.
    pub after: Members<'a>,
    /// Writes the report for people.
    pub text: Text<'a>,
}

impl<T, I: Iterator<Item = anyhow::Result<T>>> ListReport<'_, I, T> {
    /// Writes the report in a form.
    pub fn write(self, out: &mut dyn Write, form: &OutputForm) -> io::Result<()> {
        let Some(format) = form.format else {
            (self.text)(out)?;
            return out.flush();
        };
        let mut records = form.records(out, format, self.name, self.columns)?;
        self.before.iter().try_for_each(|(name, member)| records.member(name, member))?;
        for item in self.items {
            records.item((self.members)(&item.map_err(io::Error::other)?))?;
        }
        records.end_rows()?;
        self.after.iter().try_for_each(|(name, member)| records.member(name, member))?;
        records.finish()?;
        out.flush()
    }
}

/// Calls `each` with the path of every value in a document, and with the value. Members are in the order of their
/// names.
fn each_value(
    name: &str,
    member: &Member<'_>,
    each: &mut dyn FnMut(&str, &Value<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match member {
        Member::Value(value) => each(name, value),
        Member::Object(members) => {
            let mut sorted: Vec<&(&str, Member<'_>)> = members.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            sorted.into_iter().try_for_each(|(key, member)| each_value(&below(key), member, each))
        }
        Member::List(elements) => elements
            .iter()
            .enumerate()
            .try_for_each(|(i, element)| each_value(&below(&i.to_string()), element, each)),
        Member::Long(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::records::json::SCHEMA_VERSION;

    fn items() -> [Members<'static>; 2] {
        let names = ["x", "y"].map(|name| vec![("name", Member::from(name))]);
        [
            vec![
                ("id", "a\tb".into()),
                ("size", Some(7_u64).into()),
                ("is_new", true.into()),
                ("fields", names.into_iter().collect()),
            ],
            vec![
                ("id", "c".into()),
                ("size", None::<u64>.into()),
                ("is_new", false.into()),
                ("fields", Member::List(Vec::new())),
            ],
        ]
    }

    fn form(format: Option<Format>) -> OutputForm {
        OutputForm { format, width: 80, style: Style::PLAIN, has_header: true, is_terminal: false }
    }

    fn for_people(out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "for people")
    }

    #[test]
    fn one_description_gives_every_format() {
        let check = |format, expected: &str| {
            let report = ListReport {
                before: vec![("database", "/x".into())],
                name: "threads",
                items: items().into_iter().map(Ok),
                members: &|item: &Members<'static>| item.clone(),
                columns: &["is_new", "id", "size", "fields"],
                after: vec![("dry_run", false.into())],
                text: &for_people,
            };
            let mut out = Vec::new();
            report.write(&mut out, &form(format)).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        let [first, second] = [
            r#"{"id":"a\tb","size":7,"is_new":true,"fields":[{"name":"x"},{"name":"y"}]}"#,
            r#"{"id":"c","size":null,"is_new":false,"fields":[]}"#,
        ];
        check(None, "for people\n");
        check(Some(Format::Tsv), "is_new\tid\tsize\tfields\ntrue\ta\\tb\t7\tx,y\nfalse\tc\t\t\n");
        check(Some(Format::Csv), "is_new,id,size,fields\r\ntrue,a\tb,7,\"x,y\"\r\nfalse,c,,\r\n");
        check(Some(Format::Jsonl), &format!("{first}\n{second}\n"));
        check(
            Some(Format::Json),
            &format!(
                "{{\"schema_version\":{SCHEMA_VERSION},\"database\":\"/x\",\"threads\":[\n{first},\n{second}\n],\
                 \"dry_run\":false}}\n"
            ),
        );
    }

    #[test]
    fn a_report_of_one_thing_is_one_document() {
        let written = |format, rows| {
            let [members, _] = items();
            let mut out = Vec::new();
            Report { members, rows, text: &for_people }.write(&mut out, &form(Some(format))).unwrap();
            String::from_utf8(out).unwrap()
        };
        let rows = ReportRows::Columns(&["size"]);
        assert_eq!(written(Format::Tsv, rows), "size\n7\n");
        let json = written(Format::Json, rows);
        let item = r#""id":"a\tb","size":7,"is_new":true,"fields":[{"name":"x"},{"name":"y"}]"#;
        assert_eq!(json, format!("{{\"schema_version\":1,{item}}}\n"));
        assert_eq!(json, written(Format::Jsonl, rows));
        assert_eq!(
            written(Format::Tsv, ReportRows::Values),
            "name\tvalue\nfields.0.name\tx\nfields.1.name\ty\nid\ta\\tb\nis_new\ttrue\nsize\t7\n"
        );
    }
}
