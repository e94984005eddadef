//! Holds a line of which only the last of its kind matters, and compares the next ones with it.

use super::digits;
use super::look::LineStart;

/// A line that is used unless a later line of its kind replaces it.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    /// True if there is a line.
    pub(super) is_held: bool,
    /// The line, or the one before.
    pub(super) bytes: Vec<u8>,
    /// True if an earlier line was skipped because of this one.
    pub(super) replaces: bool,
    /// Position in `bytes` of the part after the beginning, if the line may serve as a model for the next one: it has
    /// been parsed or would parse.
    model: Option<usize>,
}

impl Held {
    /// Drops the line, because a parsed line replaces all of it; the buffer stays.
    pub(super) fn pass_over(&mut self) {
        self.is_held = false;
        self.replaces = false;
    }

    /// Holds a line in place of the one before.
    pub(super) fn hold(&mut self, bytes: &[u8], model: Option<usize>) {
        self.replaces |= self.is_held;
        self.is_held = true;
        self.keep(bytes, model);
    }

    /// Holds the line of before again, in place of one that differs from it in nothing that matters.
    pub(super) fn hold_again(&mut self) {
        self.replaces |= self.is_held;
        self.is_held = true;
    }

    fn keep(&mut self, bytes: &[u8], model: Option<usize>) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.model = model;
    }

    /// Keeps a `token_count` that parses as the model for the next ones.
    pub(super) fn learn(&mut self, bytes: &[u8], look: &LineStart<'_>) {
        if memchr::memchr(b'\\', look.rest()).is_none() {
            self.keep(bytes, Some(bytes.len() - look.rest().len()));
        }
    }

    /// Returns true if a `token_count` certainly parses, because only digits differ from one that did.
    pub(super) fn is_like_model(&self, look: &LineStart<'_>) -> bool {
        self.model.is_some_and(|model| digits::differ_alone(look.rest(), &self.bytes[model..]))
    }

    /// Returns true if a `turn_context` with these bytes after its turn id says the same as the model.
    pub(super) fn is_turn(&self, turn: &[u8]) -> bool {
        self.model.is_some_and(|model| self.bytes[model..] == *turn)
    }
}
