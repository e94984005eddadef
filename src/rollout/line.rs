//! Parses one line with the JSON parser. It knows no files and never panics.
//!
//! Most lines are recognised by their beginning (`look.rs`). For any other line [`classify`] finds the class with the
//! parser. Where both give an answer, it is the same.

use super::item::{self, Item, LineKind};
use super::look::{Class, event_class, glance, item_class};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The damage of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// It does not begin like a JSON object.
    NoObject,
    /// It is of a relevant kind but does not parse.
    Unparsable(String),
    /// It contains bytes that are not UTF-8; the readable rest was read.
    NoUtf8,
    /// It is incomplete, and the file ends there.
    Torn,
    /// It is or may be relevant, and is longer than [`super::reader::MAX_LINE`].
    TooLong,
    /// Another object follows a complete one in the same line.
    Glued,
    /// It is incomplete, and another object follows in the same line.
    TornBeforeNext,
    /// It contains a run of NUL bytes.
    Nul,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::NoObject => f.write_str("no JSON object"),
            Damage::Unparsable(reason) => write!(f, "does not parse: {reason}"),
            Damage::NoUtf8 => f.write_str("invalid UTF-8"),
            Damage::Torn => f.write_str("torn: the file ends in the middle of the line"),
            Damage::TooLong => f.write_str("longer than 16 MiB"),
            Damage::Glued => f.write_str("two objects in one line, without the newline between them"),
            Damage::TornBeforeNext => f.write_str("torn, and followed by another object in the same line"),
            Damage::Nul => {
                f.write_str("NUL bytes, which a file system leaves where it lost what was written")
            }
        }
    }
}

/// The result of parsing one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The line's class.
    pub class: Class,
    /// The item in the line, if there is one.
    pub item: Option<Item>,
    /// The damage; a damaged line may still have an item.
    pub damage: Option<Damage>,
}

impl Parsed {
    fn damaged(damage: Damage) -> Parsed {
        Parsed { class: Class::NoItem, item: None, damage: Some(damage) }
    }
}

/// Parses one line without its newline; the caller handles blank lines. `bare` is set in a file of 2025.
#[must_use]
pub fn read(line: &[u8], bare: bool) -> Parsed {
    read_as(glance(line), line, bare)
}

/// Parses one line that [`glance`] has already examined.
#[must_use]
pub fn read_as(glance: Option<Class>, line: &[u8], bare: bool) -> Parsed {
    let class = match glance {
        Some(class) => class,
        None => match classify_or_damage(line, bare) {
            Ok(class) => class,
            Err(damage) => return Parsed::damaged(damage),
        },
    };
    let Class::Relevant(kind) = class else { return Parsed { class, item: None, damage: None } };
    match item::parse(kind, line) {
        Ok(item) => Parsed { class, item, damage: None },
        Err(error) => match String::from_utf8_lossy(line) {
            // Parses the line again with its invalid bytes replaced, so that the rest of it is used.
            Cow::Owned(mended) => Parsed {
                class,
                item: item::parse(kind, mended.as_bytes()).ok().flatten(),
                damage: Some(Damage::NoUtf8),
            },
            Cow::Borrowed(_) => Parsed { class, item: None, damage: Some(unparsable(&error)) },
        },
    }
}

pub(super) fn unparsable(error: &serde_json::Error) -> Damage {
    let text = error.to_string();
    // There is only one line, so the parser's line number would confuse.
    let reason = text.split(" at line 1 column ").collect::<Vec<_>>();
    Damage::Unparsable(match reason[..] {
        [what, column] => format!("{what} at column {column}"),
        _ => text,
    })
}

fn classify_or_damage(line: &[u8], bare: bool) -> Result<Class, Damage> {
    let begins_as_object = line.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    if !begins_as_object {
        return Err(Damage::NoObject);
    }
    match classify(line, bare) {
        Ok(class) => Ok(class),
        Err(error) => match String::from_utf8_lossy(line) {
            Cow::Owned(mended) => classify(mended.as_bytes(), bare).map_err(|_| Damage::NoUtf8),
            Cow::Borrowed(_) => Err(unparsable(&error)),
        },
    }
}

/// Returns true if a whole line is JSON; for `--deep` and for the last line of a file.
#[must_use]
pub fn is_json(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Tells why a whole line is not JSON.
pub(super) fn damage_of_whole(line: &[u8]) -> Damage {
    match std::str::from_utf8(line).map(serde_json::from_str::<IgnoredAny>) {
        Ok(Err(error)) => unparsable(&error),
        _ => Damage::NoUtf8,
    }
}

/// Returns true for a message of 2025 that stands alone in its line. In a file that lost its first line, it is the only
/// sign of that year.
#[must_use]
pub fn is_bare_message(line: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Message<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
        role: Option<IgnoredAny>,
        content: Option<IgnoredAny>,
        payload: Option<IgnoredAny>,
    }
    memchr::memmem::find(line, b"message").is_some()
        && serde_json::from_slice::<Message<'_>>(line).is_ok_and(|message| {
            message.kind == "message"
                && message.role.is_some()
                && message.content.is_some()
                && message.payload.is_none()
        })
}

/// Finds the class of a line with the JSON parser, reading no further than necessary.
///
/// If a key occurs twice, the first one counts, because the fast look cannot see the second.
///
/// # Errors
/// If the line is not JSON, as far as it had to be read.
pub fn classify(line: &[u8], bare: bool) -> serde_json::Result<Class> {
    let mut found = FoundFields::default();
    let mut json = serde_json::Deserializer::from_slice(line);
    match (Level { found: &mut found, depth: 0 }).deserialize(&mut json) {
        Err(error) if found.class.is_none() => return Err(error),
        _ => {}
    }
    if let Some(class) = found.class {
        return Ok(class);
    }
    // The whole line was read without finding the class.
    json.end()?;
    Ok(match found.types[0].as_deref() {
        // Without a type of its payload or of its item.
        Some("event_msg") => Class::NoItem,
        // A message of 2025.
        Some(_) if bare => Class::Relevant(LineKind::BareMessage),
        Some(_) => Class::Irrelevant,
        None if found.has_id && found.has_timestamp => Class::Relevant(LineKind::BareMeta),
        // Other bare lines of 2025, such as `{"record_type":"state"}`.
        None if bare => Class::Irrelevant,
        None => Class::NoItem,
    })
}

#[derive(Default)]
struct FoundFields {
    /// Set as soon as the rest of the line cannot change it; reading stops there.
    class: Option<Class>,
    /// The types of the line, of its payload and of the payload's item.
    types: [Option<String>; 3],
    has_id: bool,
    has_timestamp: bool,
}

impl FoundFields {
    fn settle(&mut self) {
        let [kind, event, item] = self.types.each_ref().map(|name| name.as_deref().map(str::as_bytes));
        self.class = match (kind, event) {
            (Some(b"session_meta"), _) => Some(Class::Relevant(LineKind::SessionMeta)),
            (Some(b"turn_context"), _) => Some(Class::Relevant(LineKind::TurnContext)),
            (Some(b"event_msg"), Some(b"item_completed")) => item.map(item_class),
            (Some(b"event_msg"), event) => event.map(event_class),
            // A bare message is recognised by its type, but only in a file of 2025; the whole line decides.
            (Some(b"message") | None, _) => None,
            (Some(_), _) => Some(Class::Irrelevant),
        };
    }
}

/// The position of the parser in the line: in the line's object, in its payload, or in the payload's item.
struct Level<'a> {
    found: &'a mut FoundFields,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Level { found, depth } = self;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match (depth, key.as_ref()) {
                (_, "type") if found.types[depth].is_none() => {
                    found.types[depth] = Some(map.next_value::<TypeName>()?.0);
                    found.settle();
                }
                (0, "payload") => map.next_value_seed(Level { found: &mut *found, depth: 1 })?,
                (1, "item") if found.types[2].is_none() => {
                    map.next_value_seed(Level { found: &mut *found, depth: 2 })?;
                }
                (_, key) => {
                    found.has_id |= depth == 0 && key == "id";
                    found.has_timestamp |= depth == 0 && key == "timestamp";
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if found.class.is_some() {
                return Err(A::Error::custom("read far enough"));
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// The name of a type; a value that is not a string names no type.
struct TypeName(String);

impl<'de> serde::Deserialize<'de> for TypeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TypeName, D::Error> {
        let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?;
        Ok(TypeName(serde_json::from_str(raw.get()).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::item::UserMessage;
    use proptest::prelude::*;

    const USUAL: [&str; 10] = [
        r#"{"timestamp":"2026-03-14T16:57:13.623Z","type":"session_meta","payload":{"id":"019ced47-cebb-79dd-b0aa-a552437621a9","timestamp":"2026-03-14T16:57:12.123Z"}}"#,
        r#"{"timestamp":"2026-03-14T16:57:13.623Z","ordinal":3,"type":"turn_context","payload":{"cwd":"/srv","model":"m"}}"#,
        r#"{"timestamp":"2026-03-14T16:57:13.623Z","type":"event_msg","payload":{"type":"user_message","message":"hello","images":[]}}"#,
        r#"{"timestamp":"2026-03-14T16:57:13.623Z","type":"event_msg","payload":{"type":"agent_message","message":"\"type\":\"x\""}}"#,
        r#"{"timestamp":"2026-03-14T16:57:13.623Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"total_tokens":-3}}}}"#,
        r#"{"timestamp":"2026-03-14T16:57:13.623Z","ordinal":12,"type":"event_msg","payload":{"type":"item_completed","thread_id":"t","completed_at_ms":1,"item":{"type":"UserMessage","content":[{"type":"text","text":"hi"}]}}}"#,
        r#"{"timestamp":"2026-03-14T16:57:13.623Z","ordinal":12,"type":"event_msg","payload":{"type":"item_completed","thread_id":"t","item":{"type":"AgentMessage","content":[]}}}"#,
        r#"{"timestamp":"2026-03-14T16:57:13.623Z","type":"response_item","payload":{"type":"message","role":"user","content":[]}}"#,
        r#"{"timestamp":"2026-03-14T16:57:13.623Z","type":"event_msg","payload":{"type":"thread_goal_updated","goal":{"objective":" x "}}}"#,
        r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"bare"}]}"#,
    ];

    #[test]
    fn the_usual_layout_is_recognised_without_the_parser() {
        let classes: Vec<Option<Class>> = USUAL.iter().map(|line| glance(line.as_bytes())).collect();
        assert_eq!(
            classes,
            [
                Some(Class::Relevant(LineKind::SessionMeta)),
                Some(Class::Relevant(LineKind::TurnContext)),
                Some(Class::Relevant(LineKind::UserMessage)),
                Some(Class::Irrelevant),
                Some(Class::Relevant(LineKind::TokenCount)),
                Some(Class::Relevant(LineKind::UserItem)),
                Some(Class::Irrelevant),
                Some(Class::Irrelevant),
                Some(Class::Relevant(LineKind::Goal)),
                None,
            ]
        );
    }

    #[test]
    fn other_layouts_give_the_same() {
        let hello = Some(Item::UserMessage(UserMessage { text: "hello".into(), ..UserMessage::default() }));
        for line in [
            r#"{ "payload" : {"images":[], "mess\u0061ge": "hello", "type":"user_message"}, "type" : "event_msg" }"#,
            r#"{"type":"event_msg","timestamp":"x","payload":{"message":"hello","type":"user_mess\u0061ge"}}"#,
            r#"{"ordinal":1,"type":"event_msg","payload":{"item":{"content":[{"text":"hello","type":"text"}],"type":"UserMessage"},"type":"item_completed"}}"#,
        ] {
            assert_eq!(
                read(line.as_bytes(), false),
                Parsed { class: read(line.as_bytes(), false).class, item: hello.clone(), damage: None },
                "{line}"
            );
        }
    }

    #[test]
    fn look_alikes_inside_other_items_are_irrelevant() {
        for line in [
            r#"{"timestamp":"x","type":"response_item","payload":{"output":"{\"type\":\"turn_context\"}"}}"#,
            r#"{"payload":{"type":"session_meta","payload":{"type":"user_message"}},"type":"brand_new"}"#,
            r#"{"type":"brand_new","type":"session_meta","payload":{}}"#,
        ] {
            assert_eq!(
                read(line.as_bytes(), false),
                Parsed { class: Class::Irrelevant, item: None, damage: None },
                "{line}"
            );
        }
    }

    #[test]
    fn damage_is_named() {
        let damage = |line: &[u8]| read(line, false).damage;
        assert_eq!(damage(b"not json"), Some(Damage::NoObject));
        assert_eq!(damage(b"[1,2]"), Some(Damage::NoObject));
        assert_eq!(damage(br#"{"timestamp":1}"#), None);
        assert!(matches!(
            damage(br#"{"timestamp":"2026","type":"event_msg","payl"#),
            Some(Damage::Unparsable(_))
        ));
        assert!(matches!(
            damage(br#"{"timestamp":"2026","type":"turn_context","payload":5}"#),
            Some(Damage::Unparsable(_))
        ));
        assert_eq!(
            damage(br#"{"timestamp":"2026","type":"response_item","payl"#),
            None,
            "irrelevant, whatever it holds"
        );
    }

    #[test]
    fn broken_utf8_affects_only_the_broken_characters() {
        let read = read(
            b"{\"type\":\"event_msg\",\"payload\":{\"type\":\"user_message\",\"message\":\"a\xffb\"}}",
            false,
        );
        assert_eq!(read.damage, Some(Damage::NoUtf8));
        assert_eq!(
            read.item,
            Some(Item::UserMessage(UserMessage { text: "a\u{fffd}b".into(), ..UserMessage::default() }))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_fast_look_and_the_parser_agree_on_mutated_lines(
            line in 0..USUAL.len(),
            edits in proptest::collection::vec((any::<prop::sample::Index>(), prop_oneof![
                Just(None), any::<u8>().prop_map(Some), prop::sample::select(&b"\"\\{}[]:,01 "[..]).prop_map(Some)
            ], any::<bool>()), 0..4),
            cut in proptest::option::of(any::<prop::sample::Index>()),
        ) {
            let mut bytes = USUAL[line].as_bytes().to_vec();
            for (at, byte, insert) in edits {
                let at = at.index(bytes.len());
                match byte {
                    None => { bytes.remove(at); }
                    Some(byte) if insert => bytes.insert(at, byte),
                    Some(byte) => bytes[at] = byte,
                }
                if bytes.is_empty() { bytes.push(b'{'); }
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()) + 1);
            }
            if let Some(fast) = glance(&bytes) {
                prop_assert_eq!(classify(&bytes, false).ok(), Some(fast), "{}", String::from_utf8_lossy(&bytes));
            }
        }

        #[test]
        fn any_bytes_at_all_are_read_without_a_panic(bytes: Vec<u8>, bare: bool) {
            let _ = read(&bytes, bare);
            let _ = read(&[b"{\"type\":", &bytes[..]].concat(), bare);
        }
    }
}
