//! Writes JSON documents step by step, never held in memory as a whole. The commands choose the contents.
//!
//! The text is unchanged, but characters that could act on a terminal or hide are written as `\u….`, which every
//! parser reads as the same text.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::cli::output::text;

/// The version of the documents' structure, their first member.
pub(in crate::cli) const SCHEMA_VERSION: u32 = 1;

/// Writes any value as compact, terminal-safe JSON. Writing to a vector takes no virtual call for each fragment, and is
/// frequent.
pub fn push<T: Serialize + ?Sized, W: Write + ?Sized>(out: &mut W, value: &T) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(out, Safe))?)
}

/// One document, written member by member: begins with the schema version, ends with a newline, contains lists of any
/// length.
pub struct Document<'w> {
    out: &'w mut dyn Write,
    buffer: Vec<u8>,
    list: ListPosition,
}

/// The position of the document relative to a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ListPosition {
    Outside,
    Empty,
    Filled,
}

impl<'w> Document<'w> {
    /// Begins the document.
    pub fn begin(out: &'w mut dyn Write) -> io::Result<Self> {
        write!(out, "{{\"schema_version\":{SCHEMA_VERSION}")?;
        Ok(Self { out, buffer: Vec::new(), list: ListPosition::Outside })
    }

    /// Adds a member; ends a list that is open.
    pub fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> io::Result<()> {
        self.end_list()?;
        self.name(name)?;
        self.out.write_all(&self.buffer)?;
        // Not in the buffer: a report may name a million files.
        push(self.out, value)
    }

    /// Begins a list as the next member; items follow, each on a separate line.
    pub fn list(&mut self, name: &str) -> io::Result<()> {
        self.end_list()?;
        self.name(name)?;
        self.buffer.push(b'[');
        self.list = ListPosition::Empty;
        self.out.write_all(&self.buffer)
    }

    /// Adds an item to the open list.
    pub fn item(&mut self, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        debug_assert!(self.list != ListPosition::Outside, "an item outside a list");
        self.buffer.clear();
        self.buffer.extend_from_slice(if self.list == ListPosition::Filled { b",\n" } else { b"\n" });
        self.list = ListPosition::Filled;
        write(&mut self.buffer)?;
        self.out.write_all(&self.buffer)
    }

    /// Ends the open list, if there is one.
    pub fn end_list(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.list, ListPosition::Outside) {
            ListPosition::Outside => Ok(()),
            ListPosition::Empty => self.out.write_all(b"]"),
            ListPosition::Filled => self.out.write_all(b"\n]"),
        }
    }

    /// Ends the document.
    pub fn finish(mut self) -> io::Result<()> {
        self.end_list()?;
        self.out.write_all(b"}\n")
    }

    fn name(&mut self, name: &str) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.push(b',');
        push(&mut self.buffer, name)?;
        self.buffer.push(b':');
        Ok(())
    }
}

/// A compact format in which the characters that [`text::safe`] would spell out are `\u` escapes.
struct Safe;

impl Formatter for Safe {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut done = 0;
        for (at, c) in text::unsafe_chars(fragment) {
            out.write_all(&fragment.as_bytes()[done..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            done = at + c.len_utf8();
        }
        out.write_all(&fragment.as_bytes()[done..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn document(build: impl FnOnce(&mut Document) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        let mut document = Document::begin(&mut out).unwrap();
        build(&mut document).unwrap();
        document.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_document_starts_with_its_version_and_streams_its_lists() {
        let text = document(|document| {
            document.member("database", "/x/state.sqlite")?;
            document.list("findings")?;
            document.item(|out| push(out, &json!({"kind": "missing_row"})))?;
            document.item(|out| push(out, &json!({"kind": "missing_file"})))?;
            document.member("next_cursor", &None::<&str>)
        });
        assert_eq!(
            text,
            "{\"schema_version\":1,\"database\":\"/x/state.sqlite\",\"findings\":[\n\
             {\"kind\":\"missing_row\"},\n{\"kind\":\"missing_file\"}\n],\"next_cursor\":null}\n"
        );
    }

    #[test]
    fn empty_lists_and_documents_are_documents() {
        assert_eq!(document(|_| Ok(())), "{\"schema_version\":1}\n");
        assert_eq!(
            document(|document| {
                document.list("a")?;
                document.list("b")
            }),
            "{\"schema_version\":1,\"a\":[],\"b\":[]}\n"
        );
    }

    #[test]
    fn text_is_unchanged_yet_safe_to_print() {
        let mut out = Vec::new();
        push(&mut out, "a\x1b\u{9b}\u{202e}\u{e0041}\"\\é🦀").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), r#""a\u001b\u009b\u202e\udb40\udc41\"\\é🦀""#);
    }

    proptest! {
        #[test]
        fn every_text_is_read_back(text: String) {
            let mut out = Vec::new();
            push(&mut out, &text).unwrap();
            prop_assert!(out.ends_with(b"\""));
            let line = std::str::from_utf8(&out).unwrap();
            prop_assert_eq!(text::safe(line), line);
            prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), Value::String(text));
        }
    }
}
