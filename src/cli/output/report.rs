//! Reports: each is described once by its items' JSON, and written in any format by [`Report::write`].
//!
//! The items are any serialisable values. TSV and CSV take their cells from the JSON members by name, so that the
//! formats cannot disagree. Only the text for people is written by the command itself.

use crate::cli::line::args::{FormatChoice, Global};
use crate::cli::line::env::Environment;
use crate::cli::output::records::json::{self, Document};
use crate::cli::output::records::{Format, Layout, Records, Value};
use crate::cli::output::style::Style;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
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
    has_header: bool,
    is_terminal: bool,
}

impl OutputForm {
    /// Decides from the options and from the destination of the output. A command whose result is a list of records
    /// (`lists`) writes TSV into a pipe. `github` is text.
    #[must_use]
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
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.format.is_none()
    }

    /// Returns the same form without a header line in TSV and CSV.
    #[must_use]
    pub fn without_header(self) -> OutputForm {
        OutputForm { has_header: false, ..self }
    }

    /// Returns true if TSV and CSV begin with a header line.
    #[must_use]
    pub fn has_header(&self) -> bool {
        self.has_header
    }

    /// Begins the output of records that are written one by one. `list` is the member of the JSON document that
    /// contains them.
    pub fn records<'w>(
        &self,
        out: &'w mut dyn Write,
        format: Format,
        list: &str,
        columns: &[&str],
    ) -> io::Result<Records<'w>> {
        let layout = Layout { columns, header: self.has_header, list, for_terminal: self.is_terminal };
        Records::begin(out, format, layout)
    }
}

/// A report in every format.
pub struct Report<'a, I> {
    /// The items, each an object in JSON and a row in TSV and CSV.
    pub items: I,
    /// The rows of TSV and CSV.
    pub rows: ItemRows<'a>,
    /// The JSON document.
    pub document: Whole<'a>,
    /// Writes the report for people.
    pub text: &'a dyn Fn(&mut dyn Write) -> io::Result<()>,
}

/// An item read from a long list, or the reason why it cannot be read. An error ends the output.
pub struct ReadItem<T>(pub anyhow::Result<T>);

impl<T: Serialize> Serialize for ReadItem<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(item) => item.serialize(serializer),
            Err(error) => Err(serde::ser::Error::custom(format!("{error:#}"))),
        }
    }
}

/// The rows of an item in TSV and CSV.
#[derive(Debug, Clone, Copy)]
pub enum ItemRows<'a> {
    /// One row: the members with these names. A member that is a list is written as the names of its elements,
    /// separated by commas.
    Columns(&'a [&'a str]),
    /// A row for each value in the item, with the columns `name` (its path, with dots) and `value`.
    Values,
}

/// The JSON document of a report.
pub enum Whole<'a> {
    /// The document is the only item. JSONL has the same document.
    Item,
    /// The document contains a list of the items, between other members. JSONL has one item per line.
    List {
        /// The name of the list.
        name: &'a str,
        /// Writes the members before it.
        before: Members<'a>,
        /// Writes the members after it.
        after: Members<'a>,
    },
}

/// Writes members of a document.
pub type Members<'a> = &'a dyn Fn(&mut Document<'_>) -> io::Result<()>;

impl<I: Iterator<Item: Serialize>> Report<'_, I> {
    /// Writes the report in a form.
    pub fn write(mut self, out: &mut dyn Write, form: &OutputForm) -> io::Result<()> {
        match (form.format, &self.document) {
            (None, _) => (self.text)(out)?,
            (Some(Format::Json | Format::Jsonl), Whole::Item) => {
                self.items.try_for_each(|item| json::write_document(out, &item))?;
            }
            (Some(Format::Jsonl), Whole::List { .. }) => {
                self.items.try_for_each(|item| json::write_line(out, &item))?;
            }
            (Some(Format::Json), Whole::List { name, before, after }) => {
                let mut document = Document::begin(out)?;
                before(&mut document)?;
                document.list(name)?;
                self.items.try_for_each(|item| document.item(&item))?;
                document.end_list()?;
                after(&mut document)?;
                document.finish()?;
            }
            (Some(format @ (Format::Tsv | Format::Csv)), _) => self.write_rows(out, form, format)?,
        }
        out.flush()
    }

    fn write_rows(mut self, out: &mut dyn Write, form: &OutputForm, format: Format) -> io::Result<()> {
        let columns = match self.rows {
            ItemRows::Columns(columns) => columns,
            ItemRows::Values => &["name", "value"],
        };
        let mut records = form.records(out, format, "items", columns)?;
        self.items.try_for_each(|item| {
            let item = serde_json::to_value(item)?;
            match self.rows {
                ItemRows::Columns(columns) => {
                    let cells: Vec<Value<'_>> = columns.iter().map(|name| cell(&item[*name])).collect();
                    records.row(&cells)
                }
                ItemRows::Values => {
                    each_value("", &item, &mut |name, value| records.row(&[name.into(), value]))
                }
            }
        })?;
        records.finish()
    }
}

/// Returns a member of an item as a cell.
fn cell(member: &Json) -> Value<'_> {
    match member {
        Json::Null | Json::Object(_) => Value::Null,
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::Int(number),
            (None, _) if number.is_u64() => Value::Int(i64::MAX),
            (None, number) => number.map_or(Value::Null, Value::Real),
        },
        Json::String(text) => Value::Text(text.as_str().into()),
        Json::Array(elements) => {
            let names: Vec<&str> = elements.iter().filter_map(|element| element["name"].as_str()).collect();
            Value::from((!names.is_empty()).then(|| names.join(",")))
        }
    }
}

/// Calls `each` with the path of every value in a document that is neither an object nor a list, and with the value.
fn each_value(
    name: &str,
    value: &Json,
    each: &mut dyn FnMut(&str, Value<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Json::Object(members) => {
            members.iter().try_for_each(|(key, value)| each_value(&below(key), value, each))
        }
        Json::Array(elements) => elements
            .iter()
            .enumerate()
            .try_for_each(|(i, value)| each_value(&below(&i.to_string()), value, each)),
        value => each(name, cell(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::records::json::SCHEMA_VERSION;

    #[derive(Serialize)]
    struct Item {
        id: &'static str,
        size: Option<u64>,
        is_new: bool,
        fields: Vec<Field>,
    }

    #[derive(Serialize)]
    struct Field {
        name: &'static str,
    }

    fn items() -> [Item; 2] {
        [
            Item {
                id: "a\tb",
                size: Some(7),
                is_new: true,
                fields: vec![Field { name: "x" }, Field { name: "y" }],
            },
            Item { id: "c", size: None, is_new: false, fields: Vec::new() },
        ]
    }

    fn written(format: Option<Format>, rows: ItemRows<'_>, document: Whole<'_>, items: &[Item]) -> String {
        let form =
            OutputForm { format, width: 80, style: Style::PLAIN, has_header: true, is_terminal: false };
        let text = |out: &mut dyn Write| writeln!(out, "for people");
        let mut out = Vec::new();
        Report { items: items.iter(), rows, document, text: &text }.write(&mut out, &form).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_description_gives_every_format() {
        let check = |format, expected: &str| {
            let document = Whole::List {
                name: "threads",
                before: &|document| document.member("database", "/x"),
                after: &|document| document.member("dry_run", &false),
            };
            let rows = ItemRows::Columns(&["is_new", "id", "size", "fields"]);
            assert_eq!(written(format, rows, document, &items()), expected);
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
        let one = &items()[..1];
        let rows = ItemRows::Columns(&["size"]);
        assert_eq!(written(Some(Format::Tsv), rows, Whole::Item, one), "size\n7\n");
        let json = written(Some(Format::Json), rows, Whole::Item, one);
        assert!(json.starts_with("{\"schema_version\":1,\"id\":"), "{json}");
        assert_eq!(json, written(Some(Format::Jsonl), rows, Whole::Item, one));
        assert_eq!(
            written(Some(Format::Tsv), ItemRows::Values, Whole::Item, one),
            "name\tvalue\nfields.0.name\tx\nfields.1.name\ty\nid\ta\\tb\nis_new\ttrue\nsize\t7\n"
        );
    }

    #[test]
    fn numbers_beyond_a_cell_are_cut_and_others_kept() {
        assert_eq!(cell(&serde_json::json!(u64::MAX)), Value::Int(i64::MAX));
        assert_eq!(cell(&serde_json::json!(-3)), Value::Int(-3));
        assert_eq!(cell(&serde_json::json!(0.5)), Value::Real(0.5));
    }
}
