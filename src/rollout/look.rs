//! A fast look at one line: its class and time from its first few dozen bytes, if it has the layout that Codex
//! writes. It gives no answer for lines in another layout.
//!
//! Nineteen of twenty bytes of a rollout are in lines without information for its row, and this look is all that is
//! done with them. For every line for which it gives an answer, the parser (`line.rs`) gives the same.

use super::item::LineKind;

/// The beginning of every object that Codex writes. Inside a JSON string its quotes would be escaped.
pub(super) const BEGINNING: &[u8] = b"{\"timestamp\":\"";

/// The class of a line before it is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It contains nothing for the row.
    Irrelevant,
    /// It is of a kind that may contain something for the row.
    Relevant(LineKind),
    /// It is JSON but not an item: an object without a type.
    NoItem,
}

/// The beginning of a line in the usual layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineStart<'a> {
    /// The line's class.
    pub class: Class,
    /// The text of its timestamp.
    pub timestamp: &'a [u8],
    /// The bytes after those that determined the class.
    rest: &'a [u8],
}

impl<'a> LineStart<'a> {
    /// Returns true if a `token_count` has an `info`; without it the line is ignored.
    #[must_use]
    pub fn counts_tokens(&self) -> bool {
        self.class == Class::Relevant(LineKind::TokenCount) && self.rest.starts_with(b",\"info\":{")
    }

    /// Returns the bytes after those that determined the class. What is before them is the beginning of a JSON object,
    /// nested as usual, without a character beyond ASCII.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns the bytes of a `turn_context` after its turn id. If they equal those of another one, the two differ only
    /// in their times, ordinals and turn ids.
    #[must_use]
    pub fn turn(&self) -> Option<&'a [u8]> {
        let rest = self.rest.strip_prefix(b",\"payload\":{\"turn_id\":\"")?;
        simple_string(rest)?.1.strip_prefix(b",")
    }

    /// Returns the working directory of a `turn_context` in the line's spelling, if it has no escapes.
    #[must_use]
    pub fn turn_folder(&self) -> Option<&'a [u8]> {
        let rest = self.turn().or_else(|| self.rest.strip_prefix(b",\"payload\":{"))?;
        let folder = rest.strip_prefix(b"\"cwd\":\"")?;
        let end = memchr::memchr2(b'"', b'\\', folder)?;
        (folder[end] == b'"').then(|| &folder[..end])
    }
}

/// Examines the beginning of a line. Returns `None` if anything is unusual.
#[must_use]
pub fn look_at_start(line: &[u8]) -> Option<LineStart<'_>> {
    let (timestamp, mut rest) = timestamp(line)?;
    if let Some(ordinal) = rest.strip_prefix(b",\"ordinal\":") {
        rest = simple_number(ordinal)?;
    }
    let rest = rest.strip_prefix(b",\"type\":\"")?;
    // Most bytes of a rollout are in these lines.
    let (class, rest) = if let Some(rest) = rest.strip_prefix(b"response_item\"") {
        (Class::Irrelevant, rest)
    } else if let Some(payload) = rest.strip_prefix(b"event_msg\",") {
        let (event, rest) = simple_string(payload.strip_prefix(b"\"payload\":{\"type\":\"")?)?;
        match event_class(event) {
            Class::Relevant(LineKind::UserItem) => (item(rest)?, rest),
            class => (class, rest),
        }
    } else {
        let (kind, rest) = simple_string(rest)?;
        match kind {
            b"session_meta" => (Class::Relevant(LineKind::SessionMeta), rest),
            b"turn_context" => (Class::Relevant(LineKind::TurnContext), rest),
            // A bare message is relevant or not depending on its file. An event without a payload is unusual.
            b"message" | b"event_msg" => return None,
            _ => (Class::Irrelevant, rest),
        }
    };
    Some(LineStart { class, timestamp, rest })
}

/// Returns the class of a line with the layout that Codex writes; `None` if anything is unusual.
#[must_use]
pub fn glance(line: &[u8]) -> Option<Class> {
    look_at_start(line).map(|look| look.class)
}

/// Returns the timestamp at the beginning of a line, and the bytes after its closing quote.
pub(super) fn timestamp(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_prefix(BEGINNING)?;
    match rest.split_first_chunk::<25>() {
        Some((time, rest)) if is_usual_time(time) => Some((&time[..24], rest)),
        _ => simple_string(rest),
    }
}

/// The layout of a timestamp, its fraction and its closing quote; a zero stands for any digit.
const USUAL_TIME: [u8; 25] = *b"0000-00-00T00:00:00.000Z\"";

/// Compares a text with [`USUAL_TIME`] in words of eight bytes. It accepts the characters from `:` to `?` as digits,
/// which is harmless because they do not end a string either.
fn is_usual_time(time: &[u8; 25]) -> bool {
    let (words, last) = time.as_chunks::<8>();
    let (usual, usual_last) = const { USUAL_TIME.as_chunks::<8>() };
    let has_layout = |(word, usual): (&[u8; 8], &[u8; 8])| {
        let mask = usual.map(|byte| if byte == b'0' { 0xf0 } else { 0xff });
        u64::from_ne_bytes(*word) & u64::from_ne_bytes(mask) == u64::from_ne_bytes(*usual)
    };
    last == usual_last && words.iter().zip(usual).all(has_layout)
}

/// Finds the type of an `item_completed`'s item after members with simple values.
fn item(mut rest: &[u8]) -> Option<Class> {
    loop {
        let (key, value) = simple_string(rest.strip_prefix(b",\"")?)?;
        let value = value.strip_prefix(b":")?;
        if key == b"item" {
            let (kind, _) = simple_string(value.strip_prefix(b"{\"type\":\"")?)?;
            return Some(item_class(kind));
        }
        rest = match value.strip_prefix(b"\"") {
            Some(string) => simple_string(string)?.1,
            None => simple_number(value)?,
        };
    }
}

/// The characters in names, ids and times.
const SIMPLE: [bool; 256] = {
    let mut simple = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let is_mark = matches!(byte as u8, b'_' | b'-' | b'.' | b':' | b'+');
        simple[byte] = is_mark || (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    simple
};

/// Returns the rest of a string of simple characters, and the bytes after its closing quote.
fn simple_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| !SIMPLE[usize::from(*byte)])?;
    (bytes[end] == b'"').then(|| (&bytes[..end], &bytes[end + 1..]))
}

/// Returns the bytes after a JSON number without sign, fraction and exponent.
fn simple_number(bytes: &[u8]) -> Option<&[u8]> {
    let n_digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    (n_digits == 1 || (n_digits > 1 && bytes[0] != b'0')).then(|| &bytes[n_digits..])
}

/// Returns the class of an event by its type. The type does not show which item was completed.
pub(super) fn event_class(event: &[u8]) -> Class {
    match event {
        b"user_message" => Class::Relevant(LineKind::UserMessage),
        b"token_count" => Class::Relevant(LineKind::TokenCount),
        b"thread_goal_updated" => Class::Relevant(LineKind::Goal),
        b"thread_settings_applied" => Class::Relevant(LineKind::Settings),
        b"item_completed" => Class::Relevant(LineKind::UserItem),
        b"task_started" => Class::Relevant(LineKind::TaskStarted),
        b"thread_name_updated" => Class::Relevant(LineKind::Name),
        _ => Class::Irrelevant,
    }
}

/// Returns the class of an `item_completed` by the type of its item.
pub(super) fn item_class(item: &[u8]) -> Class {
    match item {
        b"UserMessage" => Class::Relevant(LineKind::UserItem),
        b"FunctionCallOutput" => Class::Relevant(LineKind::Delegation),
        _ => Class::Irrelevant,
    }
}

/// Returns true if a line may contain a delegation, which is the preview of a thread started by another one.
#[must_use]
pub fn may_delegate(line: &[u8]) -> bool {
    memchr::memmem::find(line, b"codex_delegation").is_some()
}
