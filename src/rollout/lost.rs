//! Tells which kinds of line are missing where a line is lost.

use super::item::LineKind;
use super::look::Class;

/// Returns true if a line of a class may be a message of the user; `None` is an unknown class.
#[must_use]
pub(super) fn may_be_message(class: Option<Class>) -> bool {
    match class {
        None | Some(Class::NoItem) => true,
        Some(Class::Irrelevant) => false,
        Some(Class::Relevant(kind)) => match kind {
            LineKind::UserMessage
            | LineKind::UserItem
            | LineKind::Goal
            | LineKind::Delegation
            | LineKind::BareMessage => true,
            LineKind::SessionMeta
            | LineKind::TurnContext
            | LineKind::TokenCount
            | LineKind::Settings
            | LineKind::TaskStarted
            | LineKind::Name
            | LineKind::BareMeta => false,
        },
    }
}
