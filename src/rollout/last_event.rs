//! The time of a rollout's last line, taken down in passing: a few bytes are kept of each line that begins with its time,
//! and only those of the last one are read.
//!
//! It is taken down on every reading, not for `--times events` alone: for reports a row that says this time is as true
//! as one that says the file's modification time, which a copy, a backup or a touch may have changed. So `verify` accepts
//! what `--times events` leaves, though no file's own time was touched.

use super::fields::parse_time;
use super::look::Look;
use crate::thread::Millis;
use std::borrow::Cow;

/// No timestamp is longer.
const MAX_TIMESTAMP: usize = 64;
/// A line of another layout is looked at up to this length; none that long was ever seen.
const MAX_UNUSUAL: usize = 64 * 1024;

/// What is kept of the lines so far.
#[derive(Debug, Clone, Default)]
pub struct LastEvent {
    /// The timestamp of the last line that begins with one.
    usual: Vec<u8>,
    /// The time of the last line of any other layout that says one.
    unusual: Option<Millis>,
    unusual_is_later: bool,
}

impl LastEvent {
    /// Takes the next line, or its beginning, and what a look at it said.
    pub fn push(&mut self, line: &[u8], look: Option<&Look<'_>>) {
        let looked = look.map(|look| look.timestamp).filter(|timestamp| timestamp.len() < MAX_TIMESTAMP);
        if let Some(timestamp) = looked.or_else(|| first_timestamp(line)) {
            self.usual.clear();
            self.usual.extend_from_slice(timestamp);
            self.unusual_is_later = false;
        } else if line.len() <= MAX_UNUSUAL
            && may_say_a_time(line)
            && let Some(time) = timestamp(line).and_then(|text| parse_time(&text))
        {
            self.unusual = Some(time);
            self.unusual_is_later = true;
        }
    }

    /// The time of the last line that says one, as far as it was kept.
    #[must_use]
    pub fn time(&self) -> Option<Millis> {
        let usual = || parse_time(std::str::from_utf8(&self.usual).ok()?);
        if self.unusual_is_later { self.unusual } else { usual().or(self.unusual) }
    }
}

/// The timestamp with which a line begins, as Codex writes it or with white space between; one with escapes is left to
/// the parser. A line that is torn within its timestamp says nothing.
fn first_timestamp(line: &[u8]) -> Option<&[u8]> {
    let rest = line.trim_ascii_start().strip_prefix(b"{")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"\"timestamp\"")?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"\"")?;
    let rest = &rest[..rest.len().min(MAX_TIMESTAMP)];
    let timestamp = &rest[..memchr::memchr(b'"', rest)?];
    (!timestamp.contains(&b'\\')).then_some(timestamp)
}

/// Whether the key may stand somewhere in a line, also with escapes; most lines without one are not parsed for it.
fn may_say_a_time(line: &[u8]) -> bool {
    let has = |text: &[u8]| memchr::memmem::find(line, text).is_some();
    has(b"timestamp") || has(b"\\u")
}

/// The timestamp of a line of any layout.
fn timestamp(line: &[u8]) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Stamp<'a> {
        #[serde(borrow)]
        timestamp: Cow<'a, str>,
    }
    serde_json::from_slice::<Stamp<'_>>(line).ok().map(|line| line.timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::look;

    /// The seconds of the last event of a file of these lines.
    fn check(lines: &[&str], expected: Option<i64>) {
        let mut last = LastEvent::default();
        let mut last_of_looks = LastEvent::default();
        for line in lines.iter().map(|line| line.as_bytes()) {
            last.push(line, None);
            last_of_looks.push(line, look::look(line).as_ref());
        }
        assert_eq!(last.time(), expected.map(|seconds| 1_773_482_400_000 + seconds * 1000), "{lines:?}");
        assert_eq!(last.time(), last_of_looks.time(), "{lines:?}");
    }

    fn usual(second: u32) -> String {
        format!(r#"{{"timestamp":"2026-03-14T10:00:{second:02}.000Z","type":"x","payload":{{}}}}"#)
    }

    #[test]
    fn the_last_line_that_says_a_time_counts_whatever_its_layout() {
        let unusual =
            r#"{ "type":"x", "payload":{"timestamp":"1999"}, "timestamp" : "2026-03-14T10:00:07Z" }"#;
        check(&[], None);
        check(&[&usual(1), &usual(2)], Some(2));
        check(&[&usual(1), unusual], Some(7));
        check(&[unusual, &usual(2)], Some(2));
        check(&[unusual, r#"{"type":"message"}"#, "{torn"], Some(7));
        let spaced = |second: u32| usual(second).replace("\":", "\" : ").replacen('{', " { ", 1);
        check(&[&spaced(1), &spaced(2), &spaced(3)[..50]], Some(3));
        check(&[&spaced(4), &spaced(5)[..25], "garbage"], Some(4));
        let escaped = usual(6).replace("2026", r"\u0032026");
        check(&[&usual(1), &escaped], Some(6));
        check(&[&escaped.replace("timestamp", r"t\u0069mestamp"), r#"{"type":"timestamp"}"#], Some(6));
        check(&[&usual(3), r#"{"type":"message"}"#], Some(3));
    }

    #[test]
    fn a_torn_last_line_does_not_hide_the_one_before() {
        check(&[&usual(1), r#"{"timestamp":"2026-03-1"#], Some(1));
        check(&[&usual(1), r#"{"timestamp":"2026-03-14T10:00:02.000Z","type":"respon"#], Some(2));
    }

    #[test]
    fn little_is_kept_of_a_long_line() {
        let mut last = LastEvent::default();
        last.push(format!("{{\"timestamp\":\"{}", "x".repeat(1 << 20)).as_bytes(), None);
        last.push("y".repeat(1 << 20).as_bytes(), None);
        assert!(last.usual.capacity() <= 2 * MAX_TIMESTAMP);
    }
}
