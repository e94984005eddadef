//! A fast look at one line: its class and its time by its first few dozen bytes, if it is laid out as Codex writes it; not
//! for lines that are laid out otherwise, of which it says nothing.
//!
//! Nineteen of twenty bytes of a rollout are in lines that say nothing about its row, so this is all that is done with
//! them. The parser (`line.rs`) says the same of every line of which this says anything.

use super::item::Kind;

/// How every object begins that Codex writes. Inside a JSON string its quotes would be escaped.
pub(super) const BEGINNING: &[u8] = b"{\"timestamp\":\"";

/// What a line is, before it is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It says nothing about the row.
    Irrelevant,
    /// It is of a kind that may.
    Relevant(Kind),
    /// It is JSON, but no item: an object without a type.
    NoItem,
}

/// What the beginning of a line in the usual layout says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look<'a> {
    /// The line's class.
    pub class: Class,
    /// The text of its timestamp.
    pub timestamp: &'a [u8],
    /// What follows that by which the class was recognised.
    rest: &'a [u8],
}

impl<'a> Look<'a> {
    /// Returns true if a `token_count` has an `info`, without which it does not count.
    #[must_use]
    pub fn counts_tokens(&self) -> bool {
        self.class == Class::Relevant(Kind::TokenCount) && self.rest.starts_with(b",\"info\":{")
    }

    /// Returns the working directory of a `turn_context`, as the line spells it, if it has no escapes.
    #[must_use]
    pub fn turn_folder(&self) -> Option<&'a [u8]> {
        let mut rest = self.rest.strip_prefix(b",\"payload\":{")?;
        if let Some(turn) = rest.strip_prefix(b"\"turn_id\":\"") {
            rest = simple_string(turn)?.1.strip_prefix(b",")?;
        }
        let folder = rest.strip_prefix(b"\"cwd\":\"")?;
        let end = memchr::memchr2(b'"', b'\\', folder)?;
        (folder[end] == b'"').then(|| &folder[..end])
    }
}

/// Looks at the beginning of a line. Returns `None` if anything is unusual.
#[must_use]
pub fn look(line: &[u8]) -> Option<Look<'_>> {
    let (timestamp, mut rest) = timestamp(line)?;
    if let Some(ordinal) = rest.strip_prefix(b",\"ordinal\":") {
        rest = simple_number(ordinal)?;
    }
    let rest = rest.strip_prefix(b",\"type\":\"")?;
    // By far the most bytes are in these.
    let (class, rest) = if let Some(rest) = rest.strip_prefix(b"response_item\"") {
        (Class::Irrelevant, rest)
    } else if let Some(payload) = rest.strip_prefix(b"event_msg\",") {
        let (event, rest) = simple_string(payload.strip_prefix(b"\"payload\":{\"type\":\"")?)?;
        match event_class(event) {
            Class::Relevant(Kind::UserItem) => (item(rest)?, rest),
            class => (class, rest),
        }
    } else {
        let (kind, rest) = simple_string(rest)?;
        match kind {
            b"session_meta" => (Class::Relevant(Kind::SessionMeta), rest),
            b"turn_context" => (Class::Relevant(Kind::TurnContext), rest),
            // A bare message matters or not depending on its file. An event without a payload is unusual.
            b"message" | b"event_msg" => return None,
            _ => (Class::Irrelevant, rest),
        }
    };
    Some(Look { class, timestamp, rest })
}

/// Recognises a line by its beginning if it is laid out as Codex writes it; `None` if anything is unusual.
#[must_use]
pub fn glance(line: &[u8]) -> Option<Class> {
    look(line).map(|look| look.class)
}

/// Returns the timestamp with which a line begins, and what follows its closing quote.
fn timestamp(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_prefix(BEGINNING)?;
    match rest.split_first_chunk::<25>() {
        Some((time, rest)) if is_usual_time(time) => Some((&time[..24], rest)),
        _ => simple_string(rest),
    }
}

/// The layout of a timestamp, its fraction and its closing quote; a zero stands for any digit.
const USUAL_TIME: [u8; 25] = *b"0000-00-00T00:00:00.000Z\"";

/// Compares a text with [`USUAL_TIME`] in words of eight bytes. The characters from `:` to `?` pass for digits: they end no
/// string either.
fn is_usual_time(time: &[u8; 25]) -> bool {
    let (words, last) = time.as_chunks::<8>();
    let (usual, usual_last) = const { USUAL_TIME.as_chunks::<8>() };
    let has_layout = |(word, usual): (&[u8; 8], &[u8; 8])| {
        let mask = usual.map(|byte| if byte == b'0' { 0xf0 } else { 0xff });
        u64::from_ne_bytes(*word) & u64::from_ne_bytes(mask) == u64::from_ne_bytes(*usual)
    };
    last == usual_last && words.iter().zip(usual).all(has_layout)
}

/// Finds the type of an `item_completed`'s item behind members with simple values.
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

/// The characters of which names, ids and times consist.
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

/// The rest of a string of harmless characters, and what follows its closing quote.
fn simple_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| !SIMPLE[usize::from(*byte)])?;
    (bytes[end] == b'"').then(|| (&bytes[..end], &bytes[end + 1..]))
}

/// What follows a number as JSON allows it, without sign, fraction and exponent.
fn simple_number(bytes: &[u8]) -> Option<&[u8]> {
    let n_digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    (n_digits == 1 || (n_digits > 1 && bytes[0] != b'0')).then(|| &bytes[n_digits..])
}

/// The class of an event by its type, as far as the type tells it: which item was completed does not show there.
pub(super) fn event_class(event: &[u8]) -> Class {
    match event {
        b"user_message" => Class::Relevant(Kind::UserMessage),
        b"token_count" => Class::Relevant(Kind::TokenCount),
        b"thread_goal_updated" => Class::Relevant(Kind::Goal),
        b"thread_settings_applied" => Class::Relevant(Kind::Settings),
        b"item_completed" => Class::Relevant(Kind::UserItem),
        b"task_started" => Class::Relevant(Kind::TaskStarted),
        b"thread_name_updated" => Class::Relevant(Kind::Name),
        _ => Class::Irrelevant,
    }
}

/// The class of an `item_completed` by the type of its item.
pub(super) fn item_class(item: &[u8]) -> Class {
    match item {
        b"UserMessage" => Class::Relevant(Kind::UserItem),
        b"FunctionCallOutput" => Class::Relevant(Kind::Delegation),
        _ => Class::Irrelevant,
    }
}

/// Returns true if a line may hold a delegation, from which a thread that another one started takes its preview.
#[must_use]
pub fn may_delegate(line: &[u8]) -> bool {
    memchr::memmem::find(line, b"codex_delegation").is_some()
}
