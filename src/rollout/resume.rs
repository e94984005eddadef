//! Reads the fields of a session meta by which Codex decides whether it can resume a thread. Unlike the reader of
//! facts, it keeps values of the wrong type.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The fields of a session meta that decide whether Codex can resume its thread, of any type.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct ResumeFields {
    /// The history mode, also one that is unknown.
    pub history_mode: Option<Value>,
    /// The start of the history.
    pub history_base: Option<Value>,
}

impl ResumeFields {
    /// Reads the JSON of the two fields.
    pub(super) fn of(history_mode: Option<&str>, history_base: Option<&str>) -> ResumeFields {
        let read = |json: Option<&str>| json.map_or(Ok(None), serde_json::from_str);
        match (read(history_mode), read(history_base)) {
            (Ok(history_mode), Ok(history_base)) => ResumeFields { history_mode, history_base },
            _ => ResumeFields::default(),
        }
    }

    /// Reads a line with the JSON parser; `None` if it is not a session meta.
    pub(super) fn parse(line: &[u8]) -> Option<ResumeFields> {
        #[derive(Deserialize)]
        struct Record<'a> {
            #[serde(borrow, rename = "type")]
            kind: Cow<'a, str>,
            #[serde(borrow)]
            payload: &'a RawValue,
        }
        let record: Record<'_> = serde_json::from_slice(line).ok()?;
        (record.kind == "session_meta")
            .then(|| serde_json::from_str(record.payload.get()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::plain;
    use proptest::prelude::*;

    const BEGINNING: &str =
        r#"{"timestamp":"2026-03-14T17:00:00.000Z","ordinal":0,"type":"session_meta","payload":{"#;

    proptest! {
        #[test]
        fn a_meta_is_read_as_the_parser_does(
            mode in prop::sample::select(&["null", "\"legacy\"", "\"paginated\"", "\"o\\u0064d\"", "7", "\"\\ud83d\""][..]),
            base in prop::sample::select(&["null", "{}", "{\"end_ordinal_exclusive\":6}", "{\"end_ordinal_exclusive\":-6}", "[7]", "\"x\""][..]),
            rest in prop::sample::select(&["", ",\"cwd\":\"/é\"", ",\"history_mode\":null", "},\"type\":\"x\",\"p\":{", "},\"payload\":{"][..]),
            edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&b"{}[]\":,0e\\n \xc3\xa9\x1f"[..])), 0..2),
        ) {
            let payload = format!("\"id\":\"x\",\"history_mode\":{mode},\"history_base\":{base}{rest}");
            let mut line = [BEGINNING, &payload, "}}"].concat().into_bytes();
            for (at, byte) in edits {
                // The fast look vouches for the beginning.
                let at = 80 + at.index(line.len() - 80);
                line[at] = byte;
            }
            if let Some([mode, base]) = plain::payload(&line, ["history_mode", "history_base"]) {
                prop_assert_eq!(Some(ResumeFields::of(mode, base)), ResumeFields::parse(&line));
            }
        }
    }
}
