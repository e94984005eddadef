//! Finds text as people look for it, whatever its case; pure, and no pattern language.

use std::borrow::Cow;

/// A text to be found. Case is ignored as Unicode folds it (`straße` finds `STRASSE`); accents and everything else
/// count, and no character is a wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    folded: String,
}

impl Search {
    /// Prepares for finding `text`.
    #[must_use]
    pub fn new(text: &str) -> Search {
        Search { folded: fold(text).into_owned() }
    }

    /// Whether `text` contains what is sought. The empty text is everywhere.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        memchr::memmem::find(fold(text).as_bytes(), self.folded.as_bytes()).is_some()
    }
}

/// The same for all spellings of a text that differ in case alone: upper case first, for `ß` and the two small sigmas
/// of Greek each have one capital spelling.
fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    Cow::Owned(text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_does_not_matter_in_any_script() {
        for (sought, text) in [
            ("parser", "Fix the PARSER now"),
            ("STRASSE", "die Straße"),
            ("straße", "DIE STRASSE"),
            ("οδος", "ΟΔΟΣ"),
            ("ΟΔΟΣ", "η οδος"),
            ("привет", "ПРИВЕТ, мир"),
            ("解析", "修复解析器"),
            ("k", "\u{212a}"),
            ("", "anything"),
        ] {
            assert!(Search::new(sought).is_in(text), "{sought:?} in {text:?}");
        }
    }

    #[test]
    fn accents_matter_and_nothing_is_a_wildcard() {
        for (sought, text) in [("cafe", "café"), ("%", "100"), ("a.c", "abc"), ("*", "x"), ("_", "x")] {
            assert!(!Search::new(sought).is_in(text), "{sought:?} in {text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_part_of_a_text_is_found_in_it(before: String, text: String, after: String) {
            let whole = [&*before, &*text, &*after].concat();
            prop_assert!(Search::new(&text).is_in(&whole));
            prop_assert!(Search::new(&text.to_uppercase()).is_in(&whole.to_uppercase()));
        }
    }
}
