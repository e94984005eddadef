//! Finds what prevents Codex from opening or resuming a rollout that we can read; only verify asks for it.
//!
//! Codex rejects a whole file because of one invalid byte, a byte-order mark, a missing session meta or an unknown
//! history mode. It resumes a paginated thread only if the ordinals of its records have no gap (docs: codex-home.md
//! 8). The bytes are checked as they are read, so that irrelevant lines are checked too.

use super::file_name::RolloutName;
use super::item::LineKind;
use super::line;
use super::look::{self, Class};
use super::reader::Line;
use super::resume::ResumeFields;
use crate::thread::{HistoryMode, ThreadId};
use serde::Deserialize;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Read};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The reason why Codex cannot open a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// This byte of the (uncompressed) file is not UTF-8.
    InvalidByte(u64),
    /// The file begins with a byte-order mark.
    ByteOrderMark,
    /// No line is a session meta, as in rollouts of 2025.
    NoSessionMeta,
    /// The first session meta has a history mode that Codex does not know.
    HistoryMode(String),
    /// A record has no ordinal: the last one of the file, or another.
    NoOrdinal {
        /// True for the last record.
        is_last: bool,
    },
    /// The ordinal of a record is greater than the expected one.
    OrdinalMissing {
        /// The expected ordinal.
        expected: u64,
        /// The record's ordinal.
        found: u64,
    },
    /// An earlier record has the same ordinal.
    OrdinalTwice(u64),
    /// The rollout in which the history begins is missing or unusable.
    HistoryMissing(ThreadId),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::InvalidByte(byte) => write!(f, "byte {byte} is invalid UTF-8"),
            Obstacle::ByteOrderMark => f.write_str("the file begins with a byte-order mark"),
            Obstacle::NoSessionMeta => f.write_str("no line is a session_meta"),
            Obstacle::HistoryMode(mode) => write!(f, "the history_mode \"{mode}\" is unknown to Codex"),
            Obstacle::NoOrdinal { is_last: true } => f.write_str("the last record has no ordinal"),
            Obstacle::NoOrdinal { is_last: false } => f.write_str("the record has no ordinal"),
            Obstacle::OrdinalMissing { expected, found } if found - expected == 1 => {
                write!(f, "the ordinal {expected} is missing before {found}")
            }
            Obstacle::OrdinalMissing { expected, found } => {
                write!(f, "the ordinals {expected} to {} are missing before {found}", found - 1)
            }
            Obstacle::OrdinalTwice(ordinal) => write!(f, "the ordinal {ordinal} comes twice"),
            Obstacle::HistoryMissing(rollout) => {
                write!(f, "the rollout {rollout} is missing or unusable, and its history begins there")
            }
        }
    }
}

/// The reason why Codex cannot open a rollout, with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unopenable {
    /// The reason.
    pub obstacle: Obstacle,
    /// The line, counted from 1; `None` for the whole file.
    pub line: Option<u64>,
    /// Offset of the line in bytes of the uncompressed file.
    pub offset: u64,
}

/// Number and offset of a line.
type LinePlace = (u64, u64);

impl Unopenable {
    /// Returns a reason with the line concerned; `None` for the whole file.
    pub(super) fn at(obstacle: Obstacle, place: Option<LinePlace>) -> Unopenable {
        let (line, offset) = place.unzip();
        Unopenable { obstacle, line, offset: offset.unwrap_or_default() }
    }
}

impl fmt::Display for Unopenable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} at byte {}: {}", self.offset, self.obstacle),
            None => self.obstacle.fmt(f),
        }
    }
}

/// The state of the UTF-8 check of a stream.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// Number of bytes checked, without those in `rest`.
    checked: Cell<u64>,
    /// The first bytes of a character that is not yet complete.
    rest: RefCell<Vec<u8>>,
    /// The position of the first invalid byte.
    pub(super) invalid: Cell<Option<u64>>,
}

impl Watched {
    fn take(&self, bytes: &[u8]) {
        if self.invalid.get().is_some() {
            return;
        }
        let mut bytes = bytes;
        let mut rest = self.rest.borrow_mut();
        while !rest.is_empty() {
            let Some((first, others)) = bytes.split_first() else { return };
            rest.push(*first);
            bytes = others;
            match std::str::from_utf8(&rest) {
                Ok(_) => {
                    self.checked.set(self.checked.get() + rest.len() as u64);
                    rest.clear();
                }
                Err(error) if error.error_len().is_some() => {
                    return self.invalid.set(Some(self.checked.get()));
                }
                Err(_) => {}
            }
        }
        let checked = simdutf8::compat::from_utf8(bytes);
        let n_valid = checked.map_or_else(|error| error.valid_up_to(), str::len);
        self.checked.set(self.checked.get() + n_valid as u64);
        if checked.is_err_and(|error| error.error_len().is_some()) {
            return self.invalid.set(Some(self.checked.get()));
        }
        rest.extend_from_slice(&bytes[n_valid..]);
    }

    /// Ends the stream: an incomplete character is not UTF-8.
    fn end(&self) {
        if !self.rest.borrow().is_empty() && self.invalid.get().is_none() {
            self.invalid.set(Some(self.checked.get()));
        }
    }
}

/// A stream whose bytes are checked, or only passed on.
#[derive(Debug)]
pub(super) struct Watch<'a, R> {
    pub(super) source: R,
    pub(super) watched: Option<&'a Watched>,
}

impl<R: Read> Read for Watch<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        if let Some(watched) = self.watched {
            match n {
                0 if !buffer.is_empty() => watched.end(),
                _ => watched.take(&buffer[..n]),
            }
        }
        Ok(n)
    }
}

/// The relevant fields of the first session meta.
#[derive(Debug, Default)]
struct Meta {
    is_paginated: bool,
    unknown_mode: Option<Unopenable>,
}

/// Checks the lines of one file as they come.
#[derive(Debug, Default)]
pub(super) struct Openable {
    /// True if the name is that of a reverted thread's head, whose ordinals continue those of its base.
    is_revert_head: bool,
    meta: Option<Meta>,
    has_mark: bool,
    /// The last line that begins at or before the invalid byte.
    with_invalid: Option<LinePlace>,
    /// The next ordinal, if it is known.
    expected: Option<u64>,
    /// A record without an ordinal, which may be the last one.
    without: Option<LinePlace>,
    out_of_order: Option<Unopenable>,
}

impl Openable {
    pub(super) fn new(name: Option<&RolloutName>) -> Openable {
        Openable {
            is_revert_head: name.is_some_and(|name| name.rollout != name.thread),
            ..Openable::default()
        }
    }

    /// Takes the next line.
    ///
    /// `resume` are the line's fields if [`super::extract`] has read it as a session meta, `invalid` is the first byte of
    /// the file so far that is not UTF-8.
    pub(super) fn push(&mut self, line: &Line<'_>, resume: Option<Box<ResumeFields>>, invalid: Option<u64>) {
        if let Some(byte) = invalid {
            if line.offset <= byte {
                self.with_invalid = Some((line.number, line.offset));
            }
            return;
        }
        if matches!(&self.meta, Some(meta) if !meta.is_paginated) {
            return;
        }
        let mut bytes = line.bytes;
        if line.offset == 0
            && let Some(rest) = bytes.strip_prefix(BYTE_ORDER_MARK)
        {
            self.has_mark = true;
            bytes = rest;
        }
        let bytes = bytes.trim_ascii();
        // A line that is not an object is damage, not a record.
        if bytes.first() != Some(&b'{') {
            return;
        }
        // Neither is a line that a crash cut off.
        if !line.terminated && (line.cut || line.last_byte != Some(b'}') || !line::is_json(bytes)) {
            return;
        }
        if self.meta.is_none() {
            self.find_meta(line, bytes, resume);
        }
        if self.meta.as_ref().is_some_and(|meta| meta.is_paginated) && self.out_of_order.is_none() {
            self.count(line, bytes);
        }
    }

    /// Reads the line if it is the first session meta.
    fn find_meta(&mut self, line: &Line<'_>, bytes: &[u8], resume: Option<Box<ResumeFields>>) {
        if line.cut {
            return;
        }
        let read = || match look::glance(bytes) {
            None | Some(Class::Relevant(LineKind::SessionMeta)) => ResumeFields::parse(bytes),
            Some(_) => None,
        };
        let Some(fields) = resume.map(|fields| *fields).or_else(read) else { return };
        let ResumeFields { history_mode: mode, history_base: base } = fields;
        let mode = mode.map(|mode| match mode {
            Value::String(mode) => mode,
            other => other.to_string(),
        });
        let known = mode.as_deref().map_or(Some(HistoryMode::Legacy), HistoryMode::parse);
        self.expected = match base.filter(|base| !base.is_null()) {
            Some(base) if self.is_revert_head => {
                base.get("end_ordinal_exclusive").and_then(serde_json::Value::as_u64)
            }
            // A thread without a base begins with 0. If its first line is lost, that is reported already.
            None if line.number == 1 => Some(0),
            _ => None,
        };
        self.meta = Some(Meta {
            is_paginated: known == Some(HistoryMode::Paginated),
            unknown_mode: mode
                .filter(|_| known.is_none())
                .map(|mode| Unopenable::at(Obstacle::HistoryMode(mode), Some((line.number, line.offset)))),
        });
    }

    /// Compares the ordinal of a record with that of the record before it.
    fn count(&mut self, line: &Line<'_>, bytes: &[u8]) {
        if self.without.is_some() {
            self.out_of_order = Some(Unopenable::at(Obstacle::NoOrdinal { is_last: false }, self.without));
            return;
        }
        let place = Some((line.number, line.offset));
        let Some(ordinal) = ordinal(bytes, line.cut) else {
            // The ordinal is unknown, and so is the next one.
            self.expected = None;
            return;
        };
        let Some(found) = ordinal else {
            self.without = place;
            return;
        };
        match self.expected {
            Some(expected) if found > expected => {
                let obstacle = Obstacle::OrdinalMissing { expected, found };
                self.out_of_order = Some(Unopenable::at(obstacle, place));
            }
            Some(expected) if found < expected => {
                self.out_of_order = Some(Unopenable::at(Obstacle::OrdinalTwice(found), place));
            }
            _ => self.expected = found.checked_add(1),
        }
    }

    /// Ends the check. Returns the first reason found.
    pub(super) fn finish(self, invalid: Option<u64>) -> Option<Unopenable> {
        if let Some(byte) = invalid {
            return Some(Unopenable::at(Obstacle::InvalidByte(byte), self.with_invalid));
        }
        if self.has_mark {
            return Some(Unopenable::at(Obstacle::ByteOrderMark, None));
        }
        let Some(meta) = self.meta else { return Some(Unopenable::at(Obstacle::NoSessionMeta, None)) };
        let last = || Some(Unopenable::at(Obstacle::NoOrdinal { is_last: true }, Some(self.without?)));
        meta.unknown_mode.or(self.out_of_order).or_else(last)
    }
}

/// Reads the ordinal of a record: `None` if it is unknown, `Some(None)` if the record has none.
fn ordinal(bytes: &[u8], is_cut: bool) -> Option<Option<u64>> {
    #[derive(Deserialize)]
    struct Record {
        ordinal: Option<serde_json::Value>,
    }
    if let Some(ordinal) = usual_ordinal(bytes) {
        return Some(Some(ordinal));
    }
    if is_cut {
        return None;
    }
    let record: Record = serde_json::from_slice(bytes).ok()?;
    Some(record.ordinal.and_then(|ordinal| ordinal.as_u64()))
}

/// Reads an ordinal from the place where Codex writes it: after the timestamp, which comes first.
fn usual_ordinal(bytes: &[u8]) -> Option<u64> {
    let (_, rest) = look::timestamp(bytes)?;
    let rest = rest.strip_prefix(b",\"ordinal\":")?;
    let (digits, behind) = rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|_| behind.first() == Some(&b','))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::file_name;
    use crate::rollout::reader::{Buffer, LineReader};
    use proptest::prelude::*;

    const ID: &str = "019ced6b-835b-7475-b762-429694b3a51e";

    /// Returns at most a few bytes in each read.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(buffer.len()).min(self.0.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn look(bytes: &[u8], suffix: &str, step: usize) -> Option<Unopenable> {
        let name = format!("rollout-2026-03-14T17-00-00-{ID}{suffix}.jsonl");
        let name = file_name::parse(name.as_ref()).unwrap().name;
        let watched = Watched::default();
        let mut openable = Openable::new(name.as_ref());
        let mut buffer = Buffer::default();
        let stream = Watch { source: Trickle(bytes, step), watched: Some(&watched) };
        let mut lines = LineReader::new(stream, &mut buffer);
        while let Some(line) = lines.next_line(|_| false).unwrap() {
            openable.push(&line, None, watched.invalid.get());
        }
        openable.finish(watched.invalid.get())
    }

    fn meta(ordinal: &str, payload: &str) -> String {
        format!(
            "{{\"timestamp\":\"2026-03-14T17:00:00.000Z\",{ordinal}\"type\":\"session_meta\",\"payload\":{{{payload}}}}}\n"
        )
    }

    fn record(ordinal: &str) -> String {
        format!(
            "{{\"timestamp\":\"2026-03-14T17:00:01.000Z\",{ordinal}\"type\":\"response_item\",\"payload\":{{}}}}\n"
        )
    }

    /// Returns a paginated rollout with records of these ordinals.
    fn paginated(ordinals: &[Option<u64>]) -> String {
        let text = |ordinal: &Option<u64>| ordinal.map_or(String::new(), |n| format!("\"ordinal\":{n},"));
        let first = meta(&text(&ordinals[0]), "\"history_mode\":\"paginated\"");
        first + &ordinals[1..].iter().map(|ordinal| record(&text(ordinal))).collect::<String>()
    }

    fn check(text: impl AsRef<[u8]>, expected: &str) {
        let found = look(text.as_ref(), "", 64 * 1024).map(|found| found.to_string());
        assert_eq!(found.as_deref().unwrap_or(""), expected);
    }

    #[test]
    fn a_rollout_in_order_can_be_opened() {
        check(meta("", "\"history_mode\":\"legacy\"") + &record(""), "");
        check(meta("", "") + &record("") + "{torn", "");
        check(paginated(&[Some(0), Some(1), Some(2)]), "");
        check(meta("\"ordinal\":7,", "\"history_mode\":\"paginated\",\"history_base\":{}"), "");
    }

    #[test]
    fn bytes_meta_and_mode_are_checked() {
        let (meta, length) = (meta("", ""), meta("", "").len());
        let bytes = [meta.as_bytes(), b"{\"a\":\"\xff\"}\n", meta.as_bytes()].concat();
        check(bytes, &format!("line 2 at byte {length}: byte {} is invalid UTF-8", length + 6));
        check(
            [meta.as_bytes(), b"{\"a\":\"\xe2\x82"].concat(),
            &format!("line 2 at byte {length}: byte {} is invalid UTF-8", length + 6),
        );
        check([BYTE_ORDER_MARK, meta.as_bytes()].concat(), "the file begins with a byte-order mark");
        check(record(""), "no line is a session_meta");
        check("{\"id\":\"x\",\"timestamp\":\"2025-07-15T10:00:00Z\"}\n", "no line is a session_meta");
        let odd = super::tests::meta("", "\"history_mode\":\"segmented\"");
        check(odd, "line 1 at byte 0: the history_mode \"segmented\" is unknown to Codex");
        let spaced = " { \"payload\" : {\"history_mode\":\"odd\"}, \"type\" : \"session_meta\" }\n";
        check(spaced, "line 1 at byte 0: the history_mode \"odd\" is unknown to Codex");
        for (mode, shown) in [("5", "5"), ("{\"a\":1}", "{\"a\":1}"), ("true", "true"), ("\"\"", "")] {
            let odd = super::tests::meta("", &format!("\"history_base\":7,\"history_mode\":{mode}"));
            check(odd, &format!("line 1 at byte 0: the history_mode \"{shown}\" is unknown to Codex"));
        }
        check(super::tests::meta("", "\"history_base\":[],\"history_mode\":null"), "");
    }

    #[test]
    fn an_invalid_byte_in_a_long_irrelevant_line_is_found() {
        let mut bytes = meta("", "").into_bytes();
        let begin = bytes.len();
        bytes.extend_from_slice(
            b"{\"timestamp\":\"2026-03-14T17:00:01.000Z\",\"type\":\"response_item\",\"payload\":\"",
        );
        bytes.extend("\u{4e00}".repeat(100_000).into_bytes());
        let at = bytes.len();
        bytes.extend_from_slice(b"\xc3(\"}\n");
        check(&bytes, &format!("line 2 at byte {begin}: byte {at} is invalid UTF-8"));
    }

    #[test]
    fn ordinals_must_continue_without_a_gap() {
        let line = |ordinals: &[Option<u64>], n: usize| -> usize {
            paginated(ordinals).split_inclusive('\n').take(n - 1).map(str::len).sum()
        };
        let some = |ordinals: &[u64]| ordinals.iter().copied().map(Some).collect::<Vec<_>>();
        for (ordinals, n, why) in [
            (some(&[0, 1, 3, 4]), 3, "the ordinal 2 is missing before 3"),
            (some(&[0, 1, 5]), 3, "the ordinals 2 to 4 are missing before 5"),
            (some(&[0, 1, 1, 3]), 3, "the ordinal 1 comes twice"),
            (some(&[0, 1, 2, 0]), 4, "the ordinal 0 comes twice"),
            (vec![Some(0), Some(1), None], 3, "the last record has no ordinal"),
            (vec![Some(0), None, Some(1)], 2, "the record has no ordinal"),
        ] {
            check(paginated(&ordinals), &format!("line {n} at byte {}: {why}", line(&ordinals, n)));
        }
        check(
            paginated(&some(&[0, 1])) + "\n{\"timestamp\":\"2026-03-14T17:00:01.000Z\",\"ordinal\":9,\"ty",
            "",
        );
        check(
            paginated(&some(&[0, 1]))
                + "{\"type\":\"x\",\"ordinal\":2,\"payload\":{}}\n"
                + &record("\"ordinal\":3,"),
            "",
        );
        check(meta("\"ordinal\":5,", "\"history_mode\":\"legacy\"") + &record(""), "");
    }

    #[test]
    fn the_head_of_a_reverted_thread_continues_where_its_base_ends() {
        let head = |first: u64| {
            let payload = "\"history_mode\":\"paginated\",\"history_base\":{\"thread_id\":\"x\",\"end_ordinal_exclusive\":6}";
            meta(&format!("\"ordinal\":{first},"), payload) + &record(&format!("\"ordinal\":{},", first + 1))
        };
        let suffix = format!("_{}", ID.replace("019", "01a"));
        let look = |text: &str| look(text.as_bytes(), &suffix, 7).map(|found| found.obstacle);
        assert_eq!(look(&head(6)), None);
        assert_eq!(look(&head(7)), Some(Obstacle::OrdinalMissing { expected: 6, found: 7 }));
        assert_eq!(look(&head(0)), Some(Obstacle::OrdinalTwice(0)));
        check(head(0), "");
    }

    proptest! {
        #[test]
        fn bytes_are_judged_as_the_standard_library_does_however_they_come(
            parts in proptest::collection::vec(prop_oneof![
                Just("plain\n".as_bytes().to_vec()), Just("äß\u{4e00}\u{1f600}".as_bytes().to_vec()),
                proptest::collection::vec(any::<u8>(), 0..3),
            ], 0..12),
            step in 1usize..9,
        ) {
            let bytes = parts.concat();
            let watched = Watched::default();
            let mut stream = Watch { source: Trickle(&bytes, step), watched: Some(&watched) };
            io::copy(&mut stream, &mut io::sink()).unwrap();
            let expected = std::str::from_utf8(&bytes).err().map(|error| error.valid_up_to() as u64);
            prop_assert_eq!(watched.invalid.get(), expected);
        }

        #[test]
        fn any_bytes_at_all_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300), step in 1usize..50) {
            let _ = look(&bytes, "", step);
        }
    }
}
