//! Decides when two cells of a column are equal. Pure; no other module decides this.
//!
//! Codex serialises JSON again with its own types, derives permission profiles from old policies, shifts times by
//! milliseconds, and once invented milliseconds. None of these is an inconsistency, so `verify` does not report them
//! and `backfill` does not rewrite them.

use super::Millis;
use serde_json::Value;
use std::ops::RangeInclusive;

/// Times at most this far apart count as equal: Codex moves equal times apart by a millisecond each, up to a second.
pub const TIME_TOLERANCE: Millis = 1000;

/// A smaller value in a millisecond column is in fact in seconds (as milliseconds it would be a time before 2020).
pub const FIRST_MILLISECONDS: i64 = 1_577_836_800_000;

/// The seconds of 2020 to 2099, which a tool may have written into a millisecond column. As milliseconds they are times
/// of the first weeks of 1970.
pub const SECONDS: RangeInclusive<i64> = 1_577_836_800..=4_102_444_799;

/// Reads a cell of a millisecond column, which may hold seconds.
#[must_use]
pub fn read_milliseconds(cell: i64) -> Millis {
    if cell < FIRST_MILLISECONDS { cell.saturating_mul(1000) } else { cell }
}

/// Returns the value to write into a millisecond column, so that [`read_milliseconds`] reads `time` back. A time
/// before 2020, such as that of a file that a backup dated to 1980, is written in seconds, because its milliseconds
/// would be read as seconds.
#[must_use]
pub fn to_milliseconds(time: Millis) -> i64 {
    if time < FIRST_MILLISECONDS { time.div_euclid(1000) } else { time }
}

/// Returns true if two values of a column in seconds are equal within the tolerance.
#[must_use]
pub fn same_seconds(a: i64, b: i64) -> bool {
    a.abs_diff(b) <= 1
}

/// Returns true if a row's milliseconds agree with the file's.
///
/// `row_seconds` is the same time in the row's column in seconds. A migration in April once added a running number to
/// make milliseconds unique; `synthetic_limit` is the greatest such number (at most the number of rows).
#[must_use]
pub fn same_milliseconds(file: Millis, row: i64, row_seconds: Option<i64>, synthetic_limit: i64) -> bool {
    let is_near = |row: Millis| {
        file.abs_diff(row) <= TIME_TOLERANCE as u64 || file.div_euclid(1000) == row.div_euclid(1000)
    };
    // Codex itself also writes milliseconds that it then reads as seconds.
    if is_near(row) || is_near(read_milliseconds(row)) {
        return true;
    }
    let row = read_milliseconds(row);
    // Synthetic: the column in seconds agrees with the file, and the excess is at most the running number.
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

/// Drops members that are null or a type's default, because Codex may write or omit them.
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

/// Returns true if two JSON cells (or plain words) are equal when parsed. The order of members does not count; null,
/// an absent member and a type's default are equal.
#[must_use]
fn same_json(a: &str, b: &str) -> bool {
    a == b || parse(a) == parse(b)
}

/// Source words that every version of Codex knows. An older Codex writes `unknown` into the row for any other word.
const KNOWN_SOURCES: [&str; 4] = ["cli", "vscode", "exec", "mcp"];

/// The keys of a spawned thread's source that Codex keeps when it writes the source into a row.
const SPAWN_KEYS: [&str; 5] = ["parent_thread_id", "depth", "agent_path", "agent_nickname", "agent_role"];

/// Returns true if a row's source equals the file's. That is so if they are equal when parsed, if the row has what
/// Codex's own types make of the file's (`agent_type` becomes `agent_role`, unknown keys of a spawned thread are
/// dropped), or if the row has `unknown` for a word that the Codex of that row did not know.
#[must_use]
pub fn same_source(file: &str, row: &str) -> bool {
    same_json(file, row)
        || (row == "unknown" && !file.starts_with('{') && !KNOWN_SOURCES.contains(&file))
        || (row.starts_with('{') && file.starts_with('{') && typed_source(file) == typed_source(row))
}

/// Returns a source with the keys of a spawned thread named as in Codex's own types.
fn typed_source(cell: &str) -> Value {
    let mut source = parse(cell);
    if let Some(Value::Object(spawn)) =
        source.get_mut("subagent").and_then(|agent| agent.get_mut("thread_spawn"))
    {
        if let Some(role) = spawn.remove("agent_type") {
            spawn.entry("agent_role").or_insert(role);
        }
        spawn.retain(|key, _| SPAWN_KEYS.contains(&key.as_str()));
    }
    source
}

/// The sources that Codex's default list shows. No other place names them.
///
/// Source: docs/codex-home.md 5, "Visible in a listing".
pub const LISTED_SOURCES: [&str; 2] = ["cli", "vscode"];
/// The values of a `custom` source that Codex's default list shows.
pub const LISTED_CUSTOM_SOURCES: [&str; 2] = ["atlas", "chatgpt"];

/// Returns true if Codex's default list shows threads of this source.
#[must_use]
pub fn is_listed_source(cell: &str) -> bool {
    if LISTED_SOURCES.contains(&cell) {
        return true;
    }
    match parse(cell) {
        Value::String(word) => LISTED_SOURCES.contains(&word.as_str()),
        source => {
            source.as_object().is_some_and(|members| members.len() == 1)
                && source
                    .get("custom")
                    .and_then(Value::as_str)
                    .is_some_and(|custom| LISTED_CUSTOM_SOURCES.contains(&custom))
        }
    }
}

/// Returns true if a source is a guardian's: a sub-agent that reviews what another thread asks to do.
#[must_use]
pub fn is_guardian(source: &str) -> bool {
    source.contains("guardian") && same_json(source, r#"{"subagent":{"other":"guardian"}}"#)
}

/// Returns true if two approval modes are equal; `on-failure` is the old spelling of `on-request`.
#[must_use]
pub fn same_approval(a: &str, b: &str) -> bool {
    let modern = |mode: &str| if mode == "on-failure" { "on-request".to_owned() } else { mode.to_owned() };
    same_json(&modern(a), &modern(b))
}

/// The class of a sandbox policy or permission profile, independent of its spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sandbox {
    /// No sandbox; the network is open too.
    None,
    /// A sandbox outside Codex.
    External,
    /// No writing.
    ReadOnly,
    /// Writing in some folders.
    Write,
}

/// Returns the class of a sandbox, and true if it opens the network.
fn sandbox(cell: &str) -> Option<(Sandbox, bool)> {
    let value: Value = serde_json::from_str(cell).ok()?;
    let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let network = allows_network(&value);
    let class = word(&value, "type").or_else(|| word(&value, "mode"));
    let class = class.or_else(|| is_untagged_profile(&value).then(|| "managed".to_owned()))?;
    let class = match class.as_str() {
        "danger-full-access" | "disabled" => return Some((Sandbox::None, true)),
        "external-sandbox" | "external" => Sandbox::External,
        "read-only" => Sandbox::ReadOnly,
        "workspace-write" => Sandbox::Write,
        "managed" => {
            let files = value.get("file_system")?;
            // An untagged file system is restricted to its entries.
            let restricted = word(files, "type").is_none_or(|kind| kind == "restricted");
            let writes = |entry: &Value| word(entry, "access").as_deref() == Some("write");
            let writable = !restricted || files.get("entries")?.as_array()?.iter().any(writes);
            if writable { Sandbox::Write } else { Sandbox::ReadOnly }
        }
        _ => return None,
    };
    Some((class, network))
}

/// Returns true if a policy or profile opens the network: policies have `network_access` (a flag or a word), profiles
/// `network` (a word, or an object in 0.124).
fn allows_network(value: &Value) -> bool {
    ["network_access", "network"].iter().any(|key| match value.get(key) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(word)) => word == "enabled",
        Some(Value::Object(members)) => members.get("enabled") == Some(&Value::Bool(true)),
        _ => false,
    })
}

/// Returns true for a permission profile of Codex 0.124, which wrote profiles without a `type`.
fn is_untagged_profile(value: &Value) -> bool {
    value.get("type").is_none()
        && value.get("mode").is_none()
        && value.get("file_system").is_some_and(Value::is_object)
}

/// Returns true if Codex can read this policy or profile from a row: it is JSON with a `type`.
#[must_use]
pub fn is_readable_sandbox(cell: &str) -> bool {
    serde_json::from_str::<Value>(cell).is_ok_and(|value| value.get("type").is_some())
}

/// Returns a rollout's policy or profile in a spelling that Codex reads from a row: `mode` of 0.35 to 0.58 becomes
/// `type`, and a profile of 0.124 without a `type` becomes a `managed` one. Any other text is returned unchanged.
#[must_use]
pub fn readable_sandbox(policy: String) -> String {
    // Nearly all policies have a type already; this avoids the parser.
    if policy.starts_with(r#"{"type":"#) {
        return policy;
    }
    if !policy.is_empty() && policy.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
        return serde_json::json!({ "type": policy }).to_string();
    }
    let Ok(Value::Object(mut members)) = serde_json::from_str::<Value>(&policy) else { return policy };
    if members.get("type").is_some_and(|kind| !kind.is_null()) {
        return policy;
    }
    members.remove("type");
    let value = Value::Object(members.clone());
    if let Some(mode @ Value::String(_)) = members.remove("mode") {
        let members = std::iter::once(("type".to_owned(), mode)).chain(members);
        return Value::Object(members.collect()).to_string();
    }
    if !is_untagged_profile(&value) {
        return policy;
    }
    let entries =
        value.get("file_system").and_then(|files| files.get("entries")).cloned().unwrap_or_default();
    let network = if allows_network(&value) { "enabled" } else { "restricted" };
    serde_json::json!({
        "type": "managed",
        "file_system": {"type": "restricted", "entries": entries},
        "network": network,
    })
    .to_string()
}

/// Returns true if two sandbox policies or permission profiles allow the same: same class, same network flag.
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
    fn a_time_before_2020_is_written_so_that_it_is_read_back_unchanged() {
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
    fn synthetic_milliseconds_agree_up_to_the_number_of_rows() {
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
    fn an_unknown_source_equals_a_word_that_an_older_codex_did_not_know() {
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
    fn profiles_without_a_type_are_managed_ones() {
        let untagged = |access: &str, network: bool| {
            format!(
                r#"{{"network":{{"enabled":{network}}},"file_system":{{"entries":[{{"path":"/","access":"{access}"}}]}}}}"#
            )
        };
        let managed = |access: &str, network: &str| {
            format!(
                r#"{{"type":"managed","file_system":{{"type":"restricted","entries":[{{"path":"/","access":"{access}"}}]}},"network":"{network}"}}"#
            )
        };
        for (access, policy) in [("read", "read-only"), ("write", "workspace-write")] {
            let file = untagged(access, false);
            assert!(same_sandbox(&file, &managed(access, "restricted")));
            assert!(!same_sandbox(&file, &managed(access, "enabled")));
            assert!(same_sandbox(&file, &format!(r#"{{"type":"{policy}"}}"#)));
            let readable = readable_sandbox(file);
            assert!(same_json(&readable, &managed(access, "restricted")), "{readable}");
        }
        assert!(same_json(&readable_sandbox(untagged("write", true)), &managed("write", "enabled")));
    }

    #[test]
    fn a_policy_is_written_in_a_spelling_that_codex_reads() {
        let check = |policy: &str, expected: &str| {
            assert_eq!(readable_sandbox(policy.to_owned()), expected, "{policy}");
            assert!(same_sandbox(policy, expected), "{policy}");
        };
        check(r#"{"mode":"danger-full-access"}"#, r#"{"type":"danger-full-access"}"#);
        check(r#"{"mode":"read-only","type":null}"#, r#"{"type":"read-only"}"#);
        assert_eq!(readable_sandbox("workspace-write".to_owned()), r#"{"type":"workspace-write"}"#, "a word");
        check(
            r#"{"mode":"workspace-write","network_access":true}"#,
            r#"{"network_access":true,"type":"workspace-write"}"#,
        );
        for unchanged in
            [r#"{"type":"read-only"}"#, r#"{"network":1,"type":"disabled"}"#, r#"{"x":1}"#, "{torn"]
        {
            check(unchanged, unchanged);
        }
    }

    #[test]
    fn a_spawned_threads_source_is_the_same_as_codex_writes_it_again() {
        let spawn = |members: &str| {
            format!(r#"{{"subagent":{{"thread_spawn":{{"parent_thread_id":"p",{members}}}}}}}"#)
        };
        let file = spawn(r#""depth":1,"agent_type":"explorer","wave":3"#);
        assert!(same_source(&file, &spawn(r#""depth":1,"agent_path":null,"agent_role":"explorer""#)));
        assert!(!same_source(&file, &spawn(r#""depth":1,"agent_role":"worker""#)));
        assert!(!same_source(&file, &spawn(r#""depth":2,"agent_role":"explorer""#)));
        assert!(!same_source(&file, &spawn(r#""depth":1"#)));
        assert!(!same_source(&file, "cli"));
    }

    #[test]
    fn the_default_list_of_codex_shows_some_sources_only() {
        for listed in ["cli", "vscode", "\"cli\"", r#"{"custom":"atlas"}"#, r#"{ "custom" : "chatgpt" }"#] {
            assert!(is_listed_source(listed), "{listed}");
        }
        for hidden in ["exec", "mcp", "unknown", "", r#"{"custom":"x"}"#, r#"{"subagent":"review"}"#, "atlas"]
        {
            assert!(!is_listed_source(hidden), "{hidden}");
        }
        assert!(is_guardian(r#"{"subagent": {"other": "guardian"}}"#));
        assert!(!is_guardian(r#"{"subagent":{"other":"review"}}"#) && !is_guardian("guardian"));
    }

    #[test]
    fn the_old_spelling_of_on_request_is_the_same() {
        assert!(same_approval("on-failure", "on-request") && !same_approval("never", "on-request"));
    }
}
