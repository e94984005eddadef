//! Writes records for machines, as TSV, CSV, JSON or JSONL; `table.rs` writes tables for people.
//!
//! Rows are written one by one, each with one call of the writer and without an allocation per cell.

pub mod json;
pub mod time;
pub mod value;

use crate::cli::output::members::{Member, Members};
use crate::cli::output::text;
use serde::Serialize;
use std::io::{self, Write};
use value::Value;

/// The format of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Tab-separated; tab, newline, carriage return and backslash escaped, so that a line is a record.
    Tsv,
    /// RFC 4180, whose lines end with CR LF; the text is unchanged.
    Csv,
    /// One document.
    Json,
    /// One object a line.
    Jsonl,
}

/// The properties that all records of one output share.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// The names of the columns, which are the keys in JSON.
    pub columns: &'a [&'a str],
    /// True if TSV and CSV begin with a line of the names.
    pub header: bool,
    /// The member of the JSON document that contains the records.
    pub list: &'a str,
    /// True if a person reads the output, so that CSV must not contain control characters either.
    pub for_terminal: bool,
}

/// Writes records in one format.
pub struct Records<'w> {
    columns: &'w [&'w str],
    keys: Vec<Vec<u8>>,
    line: Vec<u8>,
    sink: Sink<'w>,
}

enum Sink<'w> {
    Tsv(&'w mut dyn Write),
    Csv {
        out: Box<csv::Writer<&'w mut dyn Write>>,
        for_terminal: bool,
    },
    /// `list` is the name of the list, until it begins.
    Json {
        document: json::Document<'w>,
        list: Option<&'w str>,
    },
    Jsonl(&'w mut dyn Write),
}

impl<'w> Records<'w> {
    /// Begins the output; TSV and CSV write their header.
    pub fn begin(out: &'w mut dyn Write, format: Format, layout: Layout<'w>) -> io::Result<Self> {
        let mut line = Vec::with_capacity(1024);
        let sink = match format {
            Format::Tsv => {
                if layout.header {
                    push_joined(&mut line, layout.columns, |line, name| text::push_tsv(line, name));
                    out.write_all(&line)?;
                }
                Sink::Tsv(out)
            }
            Format::Csv => {
                let mut out =
                    Box::new(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out));
                if layout.header {
                    out.write_record(layout.columns)?;
                }
                Sink::Csv { out, for_terminal: layout.for_terminal }
            }
            Format::Json => Sink::Json { document: json::Document::begin(out)?, list: Some(layout.list) },
            Format::Jsonl => Sink::Jsonl(out),
        };
        Ok(Self { columns: layout.columns, keys: keys(layout.columns)?, line, sink })
    }

    /// Writes an item: in JSON and JSONL all its members, in TSV and CSV those that are columns.
    pub fn item(&mut self, members: Members<'_>) -> io::Result<()> {
        match &mut self.sink {
            Sink::Tsv(_) | Sink::Csv { .. } => {
                let cells: Vec<Value<'_>> = self.columns.iter().map(|name| cell(&members, name)).collect();
                self.row(&cells)
            }
            Sink::Json { document, list } => {
                begin_list(document, list)?;
                document.item(|buffer| json::push(buffer, &Member::Object(members)))
            }
            Sink::Jsonl(out) => {
                self.line.clear();
                json::push(&mut self.line, &Member::Object(members))?;
                self.line.push(b'\n');
                out.write_all(&self.line)
            }
        }
    }

    /// Writes a record: a cell for each column, in their order.
    pub fn row(&mut self, cells: &[Value<'_>]) -> io::Result<()> {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        let line = &mut self.line;
        line.clear();
        match &mut self.sink {
            Sink::Tsv(out) => {
                push_joined(line, cells, push_cell);
                out.write_all(line)
            }
            Sink::Csv { out, for_terminal } => {
                for cell in cells {
                    line.clear();
                    match cell {
                        Value::Text(text) if *for_terminal => out.write_field(text::safe(text).as_bytes())?,
                        Value::Text(text) => out.write_field(text.as_bytes())?,
                        cell => {
                            push_cell(line, cell);
                            out.write_field(&line)?;
                        }
                    }
                }
                Ok(out.write_record(None::<&[u8]>)?)
            }
            Sink::Jsonl(out) => {
                push_object(line, &self.keys, cells)?;
                line.push(b'\n');
                out.write_all(line)
            }
            Sink::Json { document, list } => {
                begin_list(document, list)?;
                document.item(|buffer| push_object(buffer, &self.keys, cells))
            }
        }
    }

    /// Ends the records; members of the document may follow.
    pub fn end_rows(&mut self) -> io::Result<()> {
        if let Sink::Json { document, list } = &mut self.sink {
            begin_list(document, list)?;
            document.end_list()?;
        }
        Ok(())
    }

    /// Adds a member to the JSON document, before the first record or after [`Records::end_rows`]. In other formats
    /// it does nothing.
    pub fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> io::Result<()> {
        match &mut self.sink {
            Sink::Json { document, .. } => document.member(name, value),
            _ => Ok(()),
        }
    }

    /// Ends the output.
    pub fn finish(mut self) -> io::Result<()> {
        self.end_rows()?;
        match self.sink {
            Sink::Json { document, .. } => document.finish(),
            Sink::Csv { mut out, .. } => out.flush(),
            Sink::Tsv(_) | Sink::Jsonl(_) => Ok(()),
        }
    }
}

/// Begins the list of a document, unless it was begun before.
fn begin_list(document: &mut json::Document<'_>, list: &mut Option<&str>) -> io::Result<()> {
    list.take().map_or(Ok(()), |list| document.list(list))
}

/// Returns a member as a cell; `Null` if there is none.
fn cell<'a>(members: &Members<'a>, name: &str) -> Value<'a> {
    match members.iter().find(|(member, _)| *member == name) {
        Some((_, Member::Value(value))) => value.clone(),
        Some((_, Member::List(elements))) => {
            let names: Vec<String> = elements
                .iter()
                .filter_map(|element| {
                    let Member::Object(members) = element else { return None };
                    let Value::Text(name) = cell(members, "name") else { return None };
                    Some(name.into_owned())
                })
                .collect();
            (!names.is_empty()).then(|| names.join(",")).into()
        }
        _ => Value::Null,
    }
}

/// Returns `"name":` for each column, quoted once for all rows: a listing in JSON has 35 of them in each.
fn keys(columns: &[&str]) -> io::Result<Vec<Vec<u8>>> {
    let key = |name: &&str| {
        let mut key = Vec::new();
        json::push(&mut key, *name)?;
        key.push(b':');
        Ok(key)
    };
    columns.iter().map(key).collect()
}

/// Appends a record as an object in JSON.
fn push_object(line: &mut Vec<u8>, keys: &[Vec<u8>], cells: &[Value<'_>]) -> io::Result<()> {
    line.push(b'{');
    for (place, (key, cell)) in keys.iter().zip(cells).enumerate() {
        line.extend_from_slice(if place > 0 { b"," } else { b"" });
        line.extend_from_slice(key);
        match cell {
            Value::Time(millis) if time::is_sayable(*millis) => {
                line.push(b'"');
                time::push_rfc3339(line, *millis);
                line.push(b'"');
            }
            cell => json::push(line, cell)?,
        }
    }
    line.push(b'}');
    Ok(())
}

/// Appends a cell of TSV.
fn push_cell(line: &mut Vec<u8>, cell: &Value<'_>) {
    let written = match cell {
        Value::Null => Ok(()),
        Value::Int(number) => write!(line, "{number}"),
        Value::Real(number) => write!(line, "{number}"),
        Value::Bool(yes) => write!(line, "{yes}"),
        Value::Text(text) => return text::push_tsv(line, text),
        Value::Time(millis) => return time::push_rfc3339(line, *millis),
    };
    written.expect("a vector takes everything");
}

/// Appends a line of cells with tabs between them.
fn push_joined<T>(line: &mut Vec<u8>, cells: &[T], push: impl Fn(&mut Vec<u8>, &T)) {
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            line.push(b'\t');
        }
        push(line, cell);
    }
    line.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const LAYOUT: Layout<'static> = Layout {
        columns: &["id", "title", "archived", "at"],
        header: true,
        list: "threads",
        for_terminal: false,
    };

    fn rows() -> Vec<[Value<'static>; 4]> {
        vec![
            [7_i64.into(), "say \"hi\",\n\tC:\\ \x1b[1m".into(), true.into(), Value::Time(1_773_507_450_373)],
            [Value::Null, "".into(), false.into(), Value::Time(i64::MAX)],
        ]
    }

    fn written(format: Format, layout: Layout<'_>, rows: &[[Value<'_>; 4]]) -> String {
        let mut out = Vec::new();
        let mut records = Records::begin(&mut out, format, layout).unwrap();
        records.member("database", "/x").unwrap();
        for row in rows {
            records.row(row).unwrap();
        }
        records.end_rows().unwrap();
        records.member("next_cursor", &Value::Null).unwrap();
        records.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn tsv_escapes_and_leaves_unknown_empty() {
        assert_eq!(
            written(Format::Tsv, LAYOUT, &rows()),
            "id\ttitle\tarchived\tat\n\
             7\tsay \"hi\",\\n\\tC:\\\\ \\x1b[1m\ttrue\t2026-03-14T16:57:30.373Z\n\
             \t\tfalse\t9223372036854775807\n"
        );
        let layout = Layout { header: false, ..LAYOUT };
        assert_eq!(written(Format::Tsv, layout, &[]), "");
    }

    #[test]
    fn csv_is_rfc_4180_and_carries_text_unchanged() {
        assert_eq!(
            written(Format::Csv, LAYOUT, &rows()),
            "id,title,archived,at\r\n\
             7,\"say \"\"hi\"\",\n\tC:\\ \x1b[1m\",true,2026-03-14T16:57:30.373Z\r\n\
             ,,false,9223372036854775807\r\n"
        );
        let layout = Layout { header: false, for_terminal: true, ..LAYOUT };
        assert_eq!(
            written(Format::Csv, layout, &rows()[..1]),
            "7,\"say \"\"hi\"\",\\n\\tC:\\ \\x1b[1m\",true,2026-03-14T16:57:30.373Z\r\n",
            "on a terminal nothing may act on it"
        );
    }

    #[test]
    fn jsonl_is_an_object_a_line() {
        assert_eq!(
            written(Format::Jsonl, LAYOUT, &rows()),
            concat!(
                r#"{"id":7,"title":"say \"hi\",\n\tC:\\ \u001b[1m","archived":true,"at":"2026-03-14T16:57:30.373Z"}"#,
                "\n",
                r#"{"id":null,"title":"","archived":false,"at":9223372036854775807}"#,
                "\n"
            )
        );
    }

    #[test]
    fn json_is_one_document_with_members_around_the_records() {
        let text = written(Format::Json, LAYOUT, &rows());
        assert!(
            text.starts_with("{\"schema_version\":1,\"database\":\"/x\",\"threads\":[\n{\"id\":7,"),
            "{text}"
        );
        assert!(text.ends_with("\n],\"next_cursor\":null}\n"), "{text}");
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            document["threads"][1],
            json!({"id": null, "title": "", "archived": false, "at": i64::MAX})
        );
        assert_eq!(
            written(Format::Json, LAYOUT, &[]),
            "{\"schema_version\":1,\"database\":\"/x\",\"threads\":[],\"next_cursor\":null}\n"
        );
    }

    #[test]
    fn a_value_serialises_as_in_a_record() {
        let values = [
            Value::Null,
            1_i64.into(),
            Value::Real(0.5),
            true.into(),
            "x".into(),
            Value::Time(0),
            Value::Time(i64::MIN),
        ];
        let text = serde_json::to_string(&values).unwrap();
        assert_eq!(text, r#"[null,1,0.5,true,"x","1970-01-01T00:00:00.000Z",-9223372036854775808]"#);
        let row: Vec<u8> = {
            let mut line = Vec::new();
            push_object(&mut line, &keys(&["a", "b", "c", "d", "e", "f", "g"]).unwrap(), &values).unwrap();
            line
        };
        let object: serde_json::Value = serde_json::from_slice(&row).unwrap();
        assert_eq!(object["g"], json!(i64::MIN));
        assert_eq!(object["f"], json!("1970-01-01T00:00:00.000Z"));
    }

    #[test]
    fn a_number_that_json_cannot_hold_is_null() {
        let mut line = Vec::new();
        push_object(&mut line, &keys(&["a"]).unwrap(), &[Value::Real(f64::INFINITY)]).unwrap();
        assert_eq!(line, br#"{"a":null}"#);
        line.clear();
        push_object(&mut line, &[], &[]).unwrap();
        assert_eq!(line, b"{}");
    }

    proptest! {
        #[test]
        fn csv_and_json_readers_get_the_same_text_back(text: String, number: i64) {
            let row = [number.into(), text.as_str().into(), Value::Null, Value::Time(number)];
            let csv = written(Format::Csv, LAYOUT, std::slice::from_ref(&row));
            let record = csv::Reader::from_reader(csv.as_bytes()).records().next().unwrap().unwrap();
            prop_assert_eq!(&record[0], number.to_string());
            prop_assert_eq!(&record[1], &*text);
            let jsonl = written(Format::Jsonl, LAYOUT, std::slice::from_ref(&row));
            prop_assert_eq!(jsonl.matches('\n').count(), 1);
            let object: serde_json::Value = serde_json::from_str(&jsonl).unwrap();
            prop_assert_eq!(&object["title"], &json!(text));
        }

        #[test]
        fn a_tsv_record_is_one_line_with_its_tabs(text: String) {
            let row = [1_i64.into(), text.as_str().into(), Value::Null, Value::Null];
            let tsv = written(Format::Tsv, Layout { header: false, ..LAYOUT }, &[row]);
            prop_assert_eq!(tsv.matches('\n').count(), 1);
            prop_assert_eq!(tsv.matches('\t').count(), 3);
        }
    }

    #[test]
    fn numbers_beyond_a_cell_are_cut_and_others_kept() {
        let check = |member, expected| assert_eq!(cell(&vec![("n", member)], "n"), expected);
        check(u64::MAX.into(), Value::Int(i64::MAX));
        check((-3_i64).into(), Value::Int(-3));
        check(Value::Real(0.5).into(), Value::Real(0.5));
    }
}
