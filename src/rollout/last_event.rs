//! The time of a rollout's last line, found during a normal reading. Of each line that begins with its time only a
//! few bytes are kept, and only those of the last line are parsed.
//!
//! It is recorded in every reading, not only for `--times events`. For reports, a row with this time is as right as
//! one with the file's modification time, which a copy, a backup or a touch may have changed. So `verify` accepts the
//! rows that `--times events` writes.

use super::fields::parse_time;
use super::look::LineStart;
use crate::thread::Millis;
use std::borrow::Cow;

/// Length of a timestamp as Codex writes it.
const USUAL_LENGTH: usize = "2026-03-14T10:00:00.000Z".len();
/// Maximum length of a timestamp.
const MAX_TIMESTAMP: usize = 64;
/// Maximum length of a line in another layout that is searched for a time; none longer was ever seen.
const MAX_UNUSUAL: usize = 64 * 1024;

/// The times of the lines so far.
#[derive(Debug, Clone, Default)]
pub struct LastEvent {
    /// The timestamps of the last line that begins with one in the usual layout, and of the one before it, which counts
    /// if the last one does not parse.
    usual: [Option<[u8; USUAL_LENGTH]>; 2],
    /// The time of the last line in another layout that has one.
    unusual: Option<Millis>,
    unusual_is_later: bool,
}

impl LastEvent {
    /// Takes the next line, or its beginning, and the result of looking at it.
    pub fn push(&mut self, line: &[u8], look: Option<&LineStart<'_>>) {
        let looked = look.map(|look| look.timestamp).filter(|timestamp| timestamp.len() < MAX_TIMESTAMP);
        let first = looked.or_else(|| first_timestamp(line)).filter(|time| begins_with_year(time));
        if let Some(usual) = first.and_then(as_usual) {
            self.usual = [Some(usual), self.usual[0]];
            self.unusual_is_later = false;
            return;
        }
        let time = match first {
            Some(first) => std::str::from_utf8(first).ok().and_then(parse_time),
            None if line.len() > MAX_UNUSUAL || !may_have_a_time(line) => None,
            None => timestamp(line).and_then(|text| parse_time(&text)),
        };
        self.unusual = time.or(self.unusual);
        self.unusual_is_later |= time.is_some();
    }

    /// Returns the time of the last line that has one, as far as it was kept.
    #[must_use]
    pub fn time(&self) -> Option<Millis> {
        let parse = |timestamp: &[u8; USUAL_LENGTH]| parse_time(std::str::from_utf8(timestamp).ok()?);
        let usual = || self.usual.iter().flatten().find_map(parse);
        if self.unusual_is_later { self.unusual } else { usual().or(self.unusual) }
    }
}

/// Returns the timestamp at the beginning of a line, as Codex writes it or with white space in between. One with
/// escapes is left to the parser. A line that is torn within its timestamp has none.
fn first_timestamp(line: &[u8]) -> Option<&[u8]> {
    let rest = line.trim_ascii_start().strip_prefix(b"{")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"\"timestamp\"")?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"\"")?;
    let rest = &rest[..rest.len().min(MAX_TIMESTAMP)];
    let timestamp = &rest[..memchr::memchr(b'"', rest)?];
    (!timestamp.contains(&b'\\')).then_some(timestamp)
}

/// Returns true if a text can be a time. A line with another text for its time does not hide the line before it.
fn begins_with_year(text: &[u8]) -> bool {
    matches!(text, [a, b, c, d, b'-', ..] if [a, b, c, d].into_iter().all(u8::is_ascii_digit))
}

/// Returns a timestamp if it has the layout of Codex's own, so that it nearly always is a time.
fn as_usual(timestamp: &[u8]) -> Option<[u8; USUAL_LENGTH]> {
    let timestamp: [u8; USUAL_LENGTH] = timestamp.try_into().ok()?;
    (timestamp[10] == b'T' && timestamp[USUAL_LENGTH - 1] == b'Z').then_some(timestamp)
}

/// Returns true if a line may contain the key, possibly with escapes; most lines without a time are then not parsed.
fn may_have_a_time(line: &[u8]) -> bool {
    let has = |text: &[u8]| memchr::memmem::find(line, text).is_some();
    has(b"timestamp") || has(b"\\u")
}

/// Returns the timestamp of a line in any layout.
fn timestamp(line: &[u8]) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Timestamped<'a> {
        #[serde(borrow)]
        timestamp: Cow<'a, str>,
    }
    serde_json::from_slice::<Timestamped<'_>>(line).ok().map(|line| line.timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::look;

    /// Checks the last event's time in seconds in a file of these lines.
    fn check(lines: &[&str], expected: Option<i64>) {
        let mut last = LastEvent::default();
        let mut last_of_looks = LastEvent::default();
        for line in lines.iter().map(|line| line.as_bytes()) {
            last.push(line, None);
            last_of_looks.push(line, look::look_at_start(line).as_ref());
        }
        assert_eq!(last.time(), expected.map(|seconds| 1_773_482_400_000 + seconds * 1000), "{lines:?}");
        assert_eq!(last.time(), last_of_looks.time(), "{lines:?}");
    }

    fn usual(second: u32) -> String {
        format!(r#"{{"timestamp":"2026-03-14T10:00:{second:02}.000Z","type":"x","payload":{{}}}}"#)
    }

    #[test]
    fn the_last_line_with_a_time_is_used_in_any_layout() {
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
        for odd in
            ["", "x", "yesterday", "17833", "2026-03-1", "2026-03-14T10:00:09", "2026-13-14T10:00:09.000Z"]
        {
            let odd = format!(r#"{{"timestamp":"{odd}","type":"x","payload":{{}}}}"#);
            check(&[&usual(3), &odd], Some(3));
            check(&[&odd], None);
        }
    }

    #[test]
    fn a_time_with_another_offset_or_precision_counts() {
        for (text, second) in [
            ("2026-03-14T12:00:08+02:00", 8),
            ("2026-03-14T10:00:09.123456Z", 9),
            ("2026-03-14T10-00-11", 11),
        ] {
            let line = format!(r#"{{"timestamp":"{text}","type":"x","payload":{{}}}}"#);
            let mut last = LastEvent::default();
            [&usual(1), &line].iter().for_each(|line| last.push(line.as_bytes(), None));
            let seconds = last.time().map(|time| time.div_euclid(1000));
            assert_eq!(seconds, Some(1_773_482_400 + second), "{text}");
        }
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
        assert!(last.time().is_none() && size_of_val(&last) <= 2 * MAX_TIMESTAMP);
    }
}
