//! Finds where one line holds two objects: the writer of the first died before its newline, and the next one appended
//! to the same line. Not for what the objects say.

use super::line;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// How every object begins that Codex writes. Inside a JSON string its quotes would be escaped.
const BEGINNING: &[u8] = b"{\"timestamp\":\"";

/// How many bytes before a position must be known to find an object that begins there or a little later: its beginning,
/// and the byte in front of it.
pub const REACH: usize = BEGINNING.len() + 1;

static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEGINNING));

/// Where an object begins that is glued to what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glued {
    /// The object's first byte.
    pub at: usize,
    /// True if the text before it was torn just where a value begins.
    pub in_value: bool,
}

/// Finds where in a line the next object begins that is glued to what stands before it. `may_be_in_value`: also one that
/// stands where a value could. Whoever splits a line there asks for no second one, so that the work stays linear.
#[must_use]
pub fn find(line: &[u8], may_be_in_value: bool) -> Option<Glued> {
    let mut value = None;
    let mut behind = None;
    for at in candidates(line) {
        match is_nested(&line[..at]) {
            Some(false) => {
                behind = Some(at);
                break;
            }
            Some(true) if may_be_in_value && value.is_none() && line::glance(&line[at..]).is_some() => {
                value = Some(at);
            }
            _ => {}
        }
    }
    // A value that looks like a line, or an object torn where a value begins: only the whole object tells, once.
    let whole = &line[..behind.unwrap_or(line.len())];
    match value.filter(|_| !line::is_json(whole)) {
        Some(at) => Some(Glued { at, in_value: true }),
        None => behind.map(|at| Glued { at, in_value: false }),
    }
}

/// Returns where an object begins that is glued to what stands before it, in a part of a line that is not held whole.
#[must_use]
pub fn find_in_part(part: &[u8]) -> Option<usize> {
    candidates(part).find(|&at| is_nested(&part[..at]) == Some(false))
}

fn candidates(bytes: &[u8]) -> impl Iterator<Item = usize> {
    // An object at the very beginning is the line itself.
    let rest = bytes.get(1..).unwrap_or_default();
    FINDER.find_iter(rest).map(|at| at + 1)
}

/// Returns true if an object behind these bytes may be a value inside of another one, false if it cannot be, and `None` if
/// nothing stands before it.
fn is_nested(before: &[u8]) -> Option<bool> {
    if before == b"\xef\xbb\xbf" {
        return None;
    }
    let last = before.iter().rev().find(|byte| !byte.is_ascii_whitespace())?;
    Some(matches!(last, b':' | b',' | b'['))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        r#"{"timestamp":"2026-03-14T16:57:13.623Z","type":"response_item","payload":{"type":"message"}}"#;

    fn check(before: &str, after: &str, expected: bool) {
        let line = [before, LINE, after].concat();
        let found = find(line.as_bytes(), true).map(|glued| glued.at);
        assert_eq!(found, expected.then_some(before.len()), "{line}");
    }

    #[test]
    fn an_object_behind_a_whole_or_a_torn_one_is_found() {
        check(LINE, "", true);
        check(&LINE[..60], "", true);
        check(&LINE[..73], "", true);
        check("garbage", "", true);
        check("\0\0\0", "", true);
        let torn_before_a_value = &LINE[..LINE.rfind("{").unwrap()];
        assert!(torn_before_a_value.ends_with(':'));
        check(torn_before_a_value, "", true);
        check(r#"{"a":1} "#, "", true);
    }

    #[test]
    fn a_line_alone_and_a_value_inside_of_a_line_are_not() {
        check("", "", false);
        check("  ", "", false);
        check("\u{feff}", "", false);
        check(r#"{"type":"x","payload":"#, "}", false);
        check(r#"{"type":"x","payload":[1, "#, "]}", false);
        let escaped = LINE.replace('"', "\\\"");
        assert_eq!(find(format!(r#"{{"type":"x","payload":"{escaped}"}}"#).as_bytes(), true), None);
    }

    #[test]
    fn a_whole_object_with_such_a_value_is_not_split_for_the_one_behind_it() {
        let whole = format!(r#"{{"type":"x","payload":{LINE}}}"#);
        check(&whole, "", true);
        let torn = &whole[..whole.len() - 1];
        let found = find([torn, LINE].concat().as_bytes(), true).unwrap();
        assert_eq!((found.at, found.in_value), (torn.len() - LINE.len(), true));
        let found = find([torn, LINE].concat().as_bytes(), false).unwrap();
        assert_eq!((found.at, found.in_value), (torn.len(), false));
    }
}
