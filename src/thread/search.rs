//! Finds text regardless of case. Pure; there are no patterns.

use memchr::memmem::Finder;
use std::borrow::Cow;

/// A text to search for. Case is ignored as Unicode folds it (`straße` finds `STRASSE`). Accents and everything else
/// are significant, and no character is a wildcard.
#[derive(Debug, Clone)]
pub struct Search {
    /// The finder of the folded text.
    finder: Finder<'static>,
    /// The place in the folded text of the byte that is rarest in texts, if all of it is ASCII.
    rarest: Option<usize>,
}

impl Search {
    /// Prepares a search for `text`.
    #[must_use]
    pub fn new(text: &str) -> Search {
        let folded = fold(text);
        let rarest = (0..folded.len()).max_by_key(|&i| rarity(folded.as_bytes()[i]));
        Search {
            rarest: rarest.filter(|_| folded.is_ascii()),
            finder: Finder::new(folded.as_bytes()).into_owned(),
        }
    }

    /// Returns true if `text` contains the searched text. Every text contains the empty text. Bytes that are not UTF-8
    /// count as replacement characters.
    #[must_use]
    pub fn is_in(&self, text: &[u8]) -> bool {
        if let Some(rarest) = self.rarest {
            if self.is_in_as_ascii(text, rarest) {
                return true;
            }
            if text.is_ascii() {
                return false;
            }
        }
        let text = String::from_utf8_lossy(text);
        // Only a few characters beyond ASCII fold to ASCII, so most texts need not be folded to search for ASCII.
        if self.rarest.is_some() && !text.chars().any(folds_to_ascii) {
            return false;
        }
        self.finder.find(fold(&text).as_bytes()).is_some()
    }

    /// Returns true if `text` contains the searched ASCII text in any case. Looks for one byte of it in both cases, and
    /// compares the rest only there.
    fn is_in_as_ascii(&self, text: &[u8], rarest: usize) -> bool {
        let sought = self.finder.needle();
        let byte = sought[rarest];
        memchr::memchr2_iter(byte, byte.to_ascii_uppercase(), text).any(|i| {
            let start = i.checked_sub(rarest);
            let part = start.and_then(|start| text.get(start..start + sought.len()));
            part.is_some_and(|part| part.eq_ignore_ascii_case(sought))
        })
    }
}

/// Returns how rare a byte is in texts: spaces and frequent letters are least rare.
fn rarity(byte: u8) -> usize {
    const FROM_FREQUENT_TO_RARE: &[u8] = b" etaoinsrhldcumfpgwybvkxjqz";
    memchr::memchr(byte, FROM_FREQUENT_TO_RARE).unwrap_or(FROM_FREQUENT_TO_RARE.len())
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
            ("jsonl", "a json, a JSON, a JSONL"),
        ] {
            assert!(Search::new(sought).is_in(text.as_bytes()), "{sought:?} in {text:?}");
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
            assert!(!Search::new(sought).is_in(text.as_bytes()), "{sought:?} in {text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_part_of_a_text_is_found_in_it(before: String, text: String, after: String) {
            let whole = [&*before, &*text, &*after].concat();
            prop_assert!(Search::new(&text).is_in(whole.as_bytes()));
            let expected = fold(&after).contains(&*fold(&before));
            prop_assert_eq!(Search::new(&before).is_in(after.as_bytes()), expected);
            prop_assert!(Search::new(&text.to_uppercase()).is_in(whole.to_uppercase().as_bytes()));
        }
    }
}
