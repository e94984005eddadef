//! Finds text regardless of case. Pure; there are no patterns.

use memchr::memmem::Finder;
use std::borrow::Cow;

/// A text to search for. Case is ignored as Unicode folds it (`straße` finds `STRASSE`). Accents and everything else
/// are significant, and no character is a wildcard.
#[derive(Debug, Clone)]
pub struct Search {
    /// The finder of the folded text.
    finder: Finder<'static>,
}

impl Search {
    /// Prepares a search for `text`.
    #[must_use]
    pub fn new(text: &str) -> Search {
        Search { finder: Finder::new(fold(text).as_bytes()).into_owned() }
    }

    /// Returns true if `text` contains the searched text. Every text contains the empty text.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        // Only a few characters beyond ASCII fold to ASCII, so most texts need not be folded to search for ASCII.
        if self.finder.needle().is_ascii() {
            let mut text_in_lower_case = Cow::Borrowed(text.as_bytes());
            if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                text_in_lower_case.to_mut().make_ascii_lowercase();
            }
            if self.finder.find(&text_in_lower_case).is_some() {
                return true;
            }
            if text.is_ascii() || !text.chars().any(folds_to_ascii) {
                return false;
            }
        }
        self.finder.find(fold(text).as_bytes()).is_some()
    }
}

/// Returns true if a character beyond ASCII folds to text with ASCII in it, such as `ß`, the kelvin sign and
/// ligatures.
fn folds_to_ascii(c: char) -> bool {
    matches!(c, 'ß' | 'İ' | 'ı' | 'ŉ' | 'ſ' | 'ǰ' | '\u{1e96}'..='\u{1e9a}' | 'ẞ' | '\u{212a}' | 'ﬀ'..='ﬆ')
}

/// Returns the same text for all spellings that differ only in case. It converts to upper case first, because `ß` and
/// the two small Greek sigmas each have only one upper-case spelling.
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
    fn the_characters_that_fold_to_ascii_are_known() {
        for c in ('\u{80}'..=char::MAX).filter(|c| fold(&c.to_string()).bytes().any(|byte| byte.is_ascii())) {
            assert!(folds_to_ascii(c), "{c:?} {:x}", u32::from(c));
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
            let expected = fold(&after).contains(&*fold(&before));
            prop_assert_eq!(Search::new(&before).is_in(&after), expected);
            prop_assert!(Search::new(&text.to_uppercase()).is_in(&whole.to_uppercase()));
        }
    }
}
