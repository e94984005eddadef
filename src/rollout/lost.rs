//! Lines that are lost: torn, or overwritten with NUL bytes.

use super::item::LineKind;
use super::look::Class;

/// Returns true if a line of a class may be a message of the user; `None` is an unknown class.
#[must_use]
pub(super) fn may_be_message(class: Option<Class>) -> bool {
    use LineKind::{BareMessage, Delegation, Goal, UserItem, UserMessage};
    matches!(
        class,
        None | Some(
            Class::NoItem | Class::Relevant(UserMessage | UserItem | Goal | Delegation | BareMessage)
        )
    )
}

/// Returns true if a line of a class may be a count of tokens.
#[must_use]
pub(super) fn may_be_count(class: Option<Class>) -> bool {
    matches!(class, None | Some(Class::NoItem | Class::Relevant(LineKind::TokenCount)))
}

/// Returns a line without the NUL bytes at its ends.
pub(super) fn trim_nul(bytes: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| *byte != 0 && !byte.is_ascii_whitespace();
    match (bytes.iter().position(is_text), bytes.iter().rposition(is_text)) {
        (Some(first), Some(last)) => &bytes[first..=last],
        _ => &[],
    }
}
