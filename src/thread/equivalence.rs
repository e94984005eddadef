//! When two cells of a column mean the same; pure, and the only place that knows it.
//!
//! Codex re-serialises JSON by its own types, derives permission profiles from old policies, nudges times and once
//! made up milliseconds. None of that is drift, so neither `verify` reports it nor `backfill` rewrites it.

use super::Millis;
use serde_json::Value;

/// Times this far apart still count as equal: Codex nudges equal times by a millisecond each, up to a second.
pub const TIME_TOLERANCE: Millis = 1000;

/// A value below this in a millisecond column is in fact in seconds (it would be a time before 2020).
pub const FIRST_MILLISECONDS: i64 = 1_577_836_800_000;

/// Reads a cell of a millisecond column, which may hold seconds.
#[must_use]
pub fn read_milliseconds(cell: i64) -> Millis {
    if cell < FIRST_MILLISECONDS { cell.saturating_mul(1000) } else { cell }
}

/// A time as the cell of a millisecond column that is read as that time: in seconds where its milliseconds would be
/// taken for seconds, as those of a file whose time a backup set to 1980.
#[must_use]
pub fn to_milliseconds(time: Millis) -> i64 {
    if time < FIRST_MILLISECONDS { time.div_euclid(1000) } else { time }
}

/// Whether two values of a column in seconds are the same time within the tolerance.
#[must_use]
pub fn same_seconds(a: i64, b: i64) -> bool {
    a.abs_diff(b) <= 1
}

/// Whether a row's milliseconds agree with the file's.
///
/// `row_seconds` is the twin column; `synthetic_limit` bounds the running number that a migration in April once added
/// to make milliseconds unique (no more than there are rows).
#[must_use]
pub fn same_milliseconds(file: Millis, row: i64, row_seconds: Option<i64>, synthetic_limit: i64) -> bool {
    let is_near = |row: Millis| {
        file.abs_diff(row) <= TIME_TOLERANCE as u64 || file.div_euclid(1000) == row.div_euclid(1000)
    };
    // Codex itself writes milliseconds also where it takes them for seconds.
    if is_near(row) || is_near(read_milliseconds(row)) {
        return true;
    }
    let row = read_milliseconds(row);
    // Synthetic: the twin agrees with the file, and the excess over it is no more than the running number.
    let file_seconds = file.div_euclid(1000);
    row_seconds == Some(file_seconds)
        && row
            .checked_sub(file_seconds.saturating_mul(1000))
            .is_some_and(|excess| (0..=synthetic_limit).contains(&excess))
}

/// Parses a JSON cell; a plain word is a JSON string.
fn parse(cell: &str) -> Value {
    match serde_json::from_str(cell) {
        Ok(value @ (Value::Object(_) | Value::Array(_) | Value::String(_))) => without_defaults(value),
        _ => Value::String(cell.to_owned()),
    }
}

/// Drops members that are null or a type's default, which Codex writes or leaves out as it likes.
fn without_defaults(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(key, member)| (key, without_defaults(member)))
                .filter(|(_, member)| !is_default(member))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_defaults).collect()),
        other => other,
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// Whether two JSON cells (or plain words) are equal when parsed; order, null, absent and default do not matter.
#[must_use]
pub fn same_json(a: &str, b: &str) -> bool {
    a == b || parse(a) == parse(b)
}

/// Source words that every Codex knows; another one is `unknown` in the rows of a Codex that does not know it.
const KNOWN_SOURCES: [&str; 4] = ["cli", "vscode", "exec", "mcp"];

/// Whether a row's source is the file's, or `unknown` for a word that the Codex of that row did not know.
#[must_use]
pub fn same_source(file: &str, row: &str) -> bool {
    same_json(file, row) || (row == "unknown" && !file.starts_with('{') && !KNOWN_SOURCES.contains(&file))
}

/// Whether two approval modes are the same; `on-failure` is the old spelling of `on-request`.
#[must_use]
pub fn same_approval(a: &str, b: &str) -> bool {
    let modern = |mode: &str| if mode == "on-failure" { "on-request".to_owned() } else { mode.to_owned() };
    same_json(&modern(a), &modern(b))
}

/// What a sandbox lets a thread do, whichever of its spellings says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sandbox {
    /// No sandbox; the network is open with it.
    None,
    /// Something outside Codex is the sandbox.
    External { network: bool },
    /// Nothing may be written.
    ReadOnly { network: bool },
    /// Some folders may be written.
    Write { network: bool },
}

fn sandbox(cell: &str) -> Option<Sandbox> {
    let value: Value = serde_json::from_str(cell).ok()?;
    let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    // Policies say `network_access` (a flag or a word), profiles `network`.
    let network = ["network_access", "network"].iter().any(|key| match value.get(key) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(word)) => word == "enabled",
        _ => false,
    });
    match (word(&value, "type").or_else(|| word(&value, "mode")))?.as_str() {
        "danger-full-access" | "disabled" => Some(Sandbox::None),
        "external-sandbox" | "external" => Some(Sandbox::External { network }),
        "read-only" => Some(Sandbox::ReadOnly { network }),
        "workspace-write" => Some(Sandbox::Write { network }),
        "managed" => {
            let files = value.get("file_system")?;
            let restricted = word(files, "type").as_deref() == Some("restricted");
            let writes = |entry: &Value| word(entry, "access").as_deref() == Some("write");
            let writable = !restricted || files.get("entries")?.as_array()?.iter().any(writes);
            Some(if writable { Sandbox::Write { network } } else { Sandbox::ReadOnly { network } })
        }
        _ => None,
    }
}

/// Whether two sandbox policies or permission profiles allow the same: same class, same network flag.
#[must_use]
pub fn same_sandbox(a: &str, b: &str) -> bool {
    same_json(a, b) || matches!((sandbox(a), sandbox(b)), (Some(a), Some(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_within_a_second_are_the_same_and_beyond_are_not() {
        assert!(same_milliseconds(1_773_507_450_373, 1_773_507_451_373, None, 0));
        assert!(same_milliseconds(1_773_507_450_373, 1_773_507_449_373, None, 0));
        assert!(!same_milliseconds(1_773_507_450_373, 1_773_507_451_374, None, 0));
        assert!(same_seconds(10, 11) && !same_seconds(10, 12));
        assert!(!same_seconds(i64::MIN, i64::MAX));
    }

    #[test]
    fn seconds_in_a_millisecond_column_are_read_as_seconds() {
        assert!(same_milliseconds(1_773_507_450_373, 1_773_507_450, None, 0));
        assert!(!same_milliseconds(1_773_507_450_373, 1_773_507_440, None, 0));
    }

    #[test]
    fn a_time_before_2020_is_written_so_that_it_is_read_as_itself() {
        for time in [1_577_836_799_000, 315_532_800_000, 1000, 0, -2000] {
            let cell = to_milliseconds(time);
            assert_eq!(read_milliseconds(cell), time);
            assert!(
                same_milliseconds(time, cell, None, 0) && same_milliseconds(time, time, None, 0),
                "{time}"
            );
        }
        assert_eq!(to_milliseconds(FIRST_MILLISECONDS), FIRST_MILLISECONDS);
        assert!(!same_milliseconds(315_532_800_000, 315_532_900, None, 0));
    }

    #[test]
    fn a_running_number_beyond_the_second_is_explained_by_the_twin_and_the_number_of_rows() {
        let file = 1_773_507_450_373;
        assert!(same_milliseconds(file, 1_773_507_453_210, Some(1_773_507_450), 5000));
        assert!(
            !same_milliseconds(file, 1_773_507_453_210, Some(1_773_507_450), 61),
            "more than there are rows"
        );
        assert!(!same_milliseconds(file, 1_773_507_453_210, Some(1_773_507_400), 5000), "the twin disagrees");
    }

    #[test]
    fn json_is_compared_parsed() {
        assert!(same_json(r#"{"a":1,"b":{"c":null}}"#, r#"{ "b": {}, "a": 1 }"#));
        assert!(same_json("cli", "\"cli\""));
        assert!(!same_json(r#"{"subagent":"review"}"#, r#"{"subagent":"compact"}"#));
        assert!(!same_json("cli", "exec"));
        assert!(same_json("{torn", "{torn") && !same_json("{torn", "{other"));
    }

    #[test]
    fn an_unknown_source_stands_for_a_word_its_codex_did_not_know() {
        assert!(same_source("satellite", "unknown"));
        assert!(!same_source("cli", "unknown"));
        assert!(!same_source(r#"{"custom":"x"}"#, "unknown"));
        assert!(!same_source("unknown", "satellite"));
    }

    #[test]
    fn sandboxes_are_compared_by_class_and_network() {
        let profile = r#"{"type":"managed","file_system":{"type":"restricted","entries":[{"access":"read"},{"access":"write"}]},"network":"restricted"}"#;
        let read = r#"{"type":"managed","file_system":{"type":"restricted","entries":[{"access":"read"}]},"network":"restricted"}"#;
        let write = r#"{"type":"workspace-write","network_access":false}"#;
        assert!(same_sandbox(write, profile) && !same_sandbox(write, read));
        assert!(same_sandbox(r#"{"type":"read-only"}"#, read));
        assert!(!same_sandbox(r#"{"type":"workspace-write","network_access":true}"#, profile));
        assert!(same_sandbox(r#"{"type":"danger-full-access"}"#, r#"{"type":"disabled"}"#));
        let external = r#"{"type":"external-sandbox","network_access":"enabled"}"#;
        assert!(same_sandbox(external, r#"{"type":"external","network":"enabled"}"#));
        assert!(!same_sandbox(external, r#"{"type":"external","network":"restricted"}"#));
        assert!(!same_sandbox("{torn", write));
    }

    #[test]
    fn the_old_spelling_of_on_request_is_the_same() {
        assert!(same_approval("on-failure", "on-request") && !same_approval("never", "on-request"));
    }
}
