//! Reads a message of the user from the beginning of a line that is too long to be held. Its text comes before the
//! pictures that make it so long.

use super::item::{Item, LineKind, UserMessage};
use super::look::Class;
use super::reader::Line;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Returns the message in a line of a class that was cut; `None` if its text does not end in the beginning that was
/// kept.
pub(super) fn read(line: &Line<'_>, class: Option<Class>) -> Option<Item> {
    match class {
        Some(Class::Relevant(kind)) if line.last_byte == Some(b'}') => {
            message(kind, line.bytes).map(Item::UserMessage)
        }
        _ => None,
    }
}

fn message(kind: LineKind, beginning: &[u8]) -> Option<UserMessage> {
    let mut message = UserMessage::default();
    let path: &[&str] = match kind {
        LineKind::UserMessage => &["payload"],
        LineKind::UserItem => &["payload", "item"],
        _ => return None,
    };
    let mut json = serde_json::Deserializer::from_slice(beginning);
    // The error at the end of the beginning is expected; what was read before it counts.
    let _ = BeginningOfMessage { message: &mut message, path }.deserialize(&mut json);
    (!message.text.trim().is_empty()).then_some(message)
}

/// The position of the parser: outside of the object at the end of `path`, or in it.
struct BeginningOfMessage<'a> {
    message: &'a mut UserMessage,
    path: &'a [&'a str],
}

impl<'de> DeserializeSeed<'de> for BeginningOfMessage<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for BeginningOfMessage<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message of the user")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let BeginningOfMessage { message, path } = self;
        let mut is_text = true;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match (path.split_first(), &*key) {
                (Some((next, rest)), key) if *next == key => {
                    map.next_value_seed(BeginningOfMessage { message: &mut *message, path: rest })?;
                }
                (None, "message") => message.text = map.next_value()?,
                (None, "content") => {
                    map.next_value_seed(BeginningOfMessage { message: &mut *message, path: &[] })?;
                }
                (None, "images" | "local_images") => {
                    let images = map.next_value::<Option<Vec<IgnoredAny>>>();
                    message.has_image |= !matches!(&images, Ok(images) if images.iter().all(Vec::is_empty));
                    images?;
                }
                (None, "type") => {
                    let kind = map.next_value::<Cow<'de, str>>()?;
                    is_text = matches!(&*kind, "text" | "user_message" | "UserMessage");
                    message.has_image |= matches!(&*kind, "image" | "local_image");
                }
                (None, "text") if is_text => message.text += &map.next_value::<Cow<'de, str>>()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        while parts
            .next_element_seed(BeginningOfMessage { message: &mut *self.message, path: self.path })?
            .is_some()
        {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: LineKind, payload: &str, expected: Option<(&str, bool)>) {
        let line = format!(
            "{{\"timestamp\":\"2026-03-14T10:00:00.000Z\",\"type\":\"event_msg\",\"payload\":{payload}"
        );
        let found = message(kind, line.as_bytes());
        assert_eq!(found.as_ref().map(|found| (&*found.text, found.has_image)), expected, "{payload}");
    }

    #[test]
    fn the_text_counts_if_it_ends_in_the_beginning() {
        let event = LineKind::UserMessage;
        check(
            event,
            r#"{"type":"user_message","message":"hello","images":["data:AAAA"#,
            Some(("hello", true)),
        );
        check(
            event,
            r#"{"type":"user_message","message":"hello","images":[],"local_images":["x"#,
            Some(("hello", true)),
        );
        check(
            event,
            r#"{"type":"user_message","message":"hello","images":[],"more":"xxx"#,
            Some(("hello", false)),
        );
        check(event, r#"{"type":"user_message","message":"hel"#, None);
        check(event, r#"{"type":"user_message","images":["data:AAAA"#, None);
        let item = LineKind::UserItem;
        let parts = r#"{"type":"item_completed","item":{"type":"UserMessage","content":[{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"image","image_url":"data:A"#;
        check(item, parts, Some(("ab", true)));
        check(
            item,
            r#"{"type":"item_completed","item":{"type":"UserMessage","content":[{"type":"image","image_url":"A"#,
            None,
        );
    }
}
