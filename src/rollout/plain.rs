//! A fast walk over JSON of a plain kind, without white space and exponents. It gives up on anything else, so every
//! result equals the JSON parser's. It is for kinds of lines that are so frequent in rollouts that parsing them takes
//! noticeable time: without it, a verify needs 15 % more instructions (benches/results/2026-11-29-instructions.md).

/// Maximum nesting of objects and arrays.
const MAX_DEPTH: usize = 16;
/// Number of words of a string that are examined one by one before longer stretches are searched.
const MAX_WORDS: usize = 3;
/// Number of digits that fit into every `i64`.
const MAX_DIGITS: usize = 18;

/// Returns the total of a `token_count` line, if the whole line is plain JSON and the total is a whole number.
///
/// A relevant key that occurs twice is left to the parser, for which it is an error.
#[must_use]
pub fn total_tokens(line: &[u8]) -> Option<i64> {
    let mut json = Plain::new(line)?;
    let mut total = None;
    json.members(|json, key| match key {
        b"payload" => json.once(1)?.members(|json, key| match key {
            b"info" => json.once(2)?.members(|json, key| match key {
                b"total_token_usage" => json.once(4)?.members(|json, key| match key {
                    b"total_tokens" => {
                        total = Some(json.once(8)?.whole_number()?);
                        Some(())
                    }
                    _ => json.value(MAX_DEPTH),
                }),
                _ => json.value(MAX_DEPTH),
            }),
            _ => json.value(MAX_DEPTH),
        }),
        _ => json.value(MAX_DEPTH),
    })?;
    total.filter(|_| json.whole().is_some())
}

/// Returns the JSON of the fields of a line's payload with these keys, if the whole line is plain JSON.
///
/// A key that occurs twice is left to the parser, for which it is an error.
#[must_use]
pub fn payload<'a, const N: usize>(line: &'a [u8], keys: [&str; N]) -> Option<[Option<&'a str>; N]> {
    let mut json = Plain::new(line)?;
    let mut fields = [const { None }; N];
    json.members(|json, key| match key {
        b"payload" => json.once(1)?.members(|json, key| {
            let start = json.at;
            json.value(MAX_DEPTH)?;
            let Some(i) = keys.iter().position(|known| known.as_bytes() == key) else { return Some(()) };
            let is_first = fields[i].replace(start..json.at).is_none();
            is_first.then_some(())
        }),
        b"type" => json.once(2)?.value(MAX_DEPTH),
        _ => json.value(MAX_DEPTH),
    })?;
    let has_payload = json.seen & 1 != 0;
    let text = json.whole().filter(|_| has_payload)?;
    Some(fields.map(|field| text.get(field?)))
}

/// The state of a walk.
struct Plain<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The relevant keys seen so far, one bit for each.
    seen: u8,
    /// True if all bytes are ASCII.
    is_ascii: bool,
    /// True if no string has an escape.
    is_literal: bool,
}

impl<'a> Plain<'a> {
    /// Begins a walk. Returns `None` if there is a control character, which neither a string may contain nor the plain
    /// kind of JSON between its strings.
    fn new(bytes: &'a [u8]) -> Option<Plain<'a>> {
        let (least, all) =
            bytes.iter().fold((u8::MAX, 0), |(least, all), byte| (least.min(*byte), all | byte));
        let is_literal = memchr::memchr(b'\\', bytes).is_none();
        (least >= 0x20).then_some(Plain { bytes, at: 0, seen: 0, is_ascii: all < 0x80, is_literal })
    }

    /// Returns the text if the end is reached and it is UTF-8.
    fn whole(&self) -> Option<&'a str> {
        simdutf8::basic::from_utf8(self.bytes).ok().filter(|_| self.at == self.bytes.len())
    }

    /// Continues if the key of this bit was not seen yet.
    fn once(&mut self, key: u8) -> Option<&mut Self> {
        let is_first = self.seen & key == 0;
        self.seen |= key;
        is_first.then_some(self)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, text: &[u8]) -> Option<()> {
        self.bytes[self.at..].starts_with(text).then(|| self.at += text.len())
    }

    fn expect_byte(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    /// Reads an object; `each` reads the value of each key.
    fn members(&mut self, mut each: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.expect_byte(b'{')?;
        if self.expect_byte(b'}').is_some() {
            return Some(());
        }
        loop {
            let key = self.key()?;
            self.expect_byte(b':')?;
            each(self, key)?;
            let next = self.peek()?;
            self.at += 1;
            match next {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Skips any value.
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'{' => {
                let depth = depth.checked_sub(1)?;
                self.members(|json, _| json.value(depth))
            }
            b'[' => self.elements(depth.checked_sub(1)?),
            b't' => self.expect(b"true"),
            b'f' => self.expect(b"false"),
            b'n' => self.expect(b"null"),
            _ => self.number(),
        }
    }

    fn elements(&mut self, depth: usize) -> Option<()> {
        self.expect_byte(b'[')?;
        if self.expect_byte(b']').is_some() {
            return Some(());
        }
        loop {
            self.value(depth)?;
            let next = self.peek()?;
            self.at += 1;
            match next {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Reads a key without escapes, which could hide another spelling of it.
    fn key(&mut self) -> Option<&'a [u8]> {
        self.expect_byte(b'"')?;
        let rest = &self.bytes[self.at..];
        let key = &rest[..find(rest, b'"')?];
        self.at += key.len() + 1;
        let is_literal = self.is_literal || memchr::memchr(b'\\', key).is_none();
        (is_literal && (self.is_ascii || key.is_ascii())).then_some(key)
    }

    /// Skips a string value.
    fn string(&mut self) -> Option<()> {
        self.expect_byte(b'"')?;
        if self.is_literal {
            self.at += find(&self.bytes[self.at..], b'"')? + 1;
            return Some(());
        }
        loop {
            self.skip_to_special();
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let length = match self.bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => {
                let digits = self.bytes.get(self.at + 2..self.at + 6)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(6)?
            }
            _ => return None,
        };
        self.at += length;
        Some(())
    }

    /// Moves to the next quote or backslash, or to the end.
    fn skip_to_special(&mut self) {
        // Most strings are short.
        for _ in 0..MAX_WORDS {
            let Some(word) = self.bytes[self.at..].first_chunk::<8>() else { break };
            let word = u64::from_le_bytes(*word);
            let special = is_byte(word, b'"') | is_byte(word, b'\\');
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
        let rest = &self.bytes[self.at..];
        self.at += memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
    }

    /// Skips a number without an exponent.
    fn number(&mut self) -> Option<()> {
        let _ = self.expect_byte(b'-');
        self.integer()?;
        if self.expect_byte(b'.').is_some() && self.digits().is_empty() {
            return None;
        }
        // The next byte shows whether the number is complete.
        Some(())
    }

    fn whole_number(&mut self) -> Option<i64> {
        let is_negative = self.expect_byte(b'-').is_some();
        let digits = self.integer()?;
        let is_whole = !matches!(self.peek(), Some(b'.' | b'e' | b'E'));
        let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        // The parser takes -0 for a fraction.
        let is_whole = is_whole && !(is_negative && value == 0);
        is_whole.then_some(if is_negative { -value } else { value })
    }

    /// Reads digits without a leading zero, up to a limited number.
    fn integer(&mut self) -> Option<&'a [u8]> {
        let digits = self.digits();
        let is_fine = (1..=MAX_DIGITS).contains(&digits.len()) && (digits[0] != b'0' || digits.len() == 1);
        is_fine.then_some(digits)
    }

    fn digits(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let digits = &rest[..n_digits(rest)];
        self.at += digits.len();
        digits
    }
}

/// Returns the number of digits at the beginning of a text.
pub(super) fn n_digits(bytes: &[u8]) -> usize {
    let n_in_word = bytes.first_chunk::<8>().map_or(8, |word| {
        let others = non_digits(u64::from_le_bytes(*word));
        others.trailing_zeros() as usize / 8
    });
    match n_in_word {
        8 => bytes.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        n => n,
    }
}

/// Marks the bytes of a word that are not digits.
pub(super) const fn non_digits(word: u64) -> u64 {
    let digits = word ^ (ONES * 0x30);
    // Without carries between bytes.
    (((digits & !HIGH) + ONES * 0x76) | digits) & HIGH
}

/// Marks the bytes of a word that are not zero.
pub(super) const fn non_zero(word: u64) -> u64 {
    // Without carries between bytes.
    (((word & !HIGH) + !HIGH) | word) & HIGH
}

/// A word of eight bytes, each with the value one.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The high bit of each byte of a word.
pub(super) const HIGH: u64 = 0x8080_8080_8080_8080;

/// Returns the position of an ASCII character.
fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    // Most texts are short.
    for (i, word) in bytes.as_chunks::<8>().0.iter().take(MAX_WORDS).enumerate() {
        let found = is_byte(u64::from_le_bytes(*word), byte);
        if found != 0 {
            return Some(8 * i + found.trailing_zeros() as usize / 8);
        }
    }
    let start = (bytes.len() & !7).min(8 * MAX_WORDS);
    memchr::memchr(byte, &bytes[start..]).map(|at| start + at)
}

/// Marks the bytes of a word that equal an ASCII character. Bytes after the first marked one may be marked wrongly.
pub(super) const fn is_byte(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * byte as u64);
    difference.wrapping_sub(ONES) & !difference & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::item::{Item, LineKind, is_sound, parse, parse_json};
    use proptest::prelude::*;

    const USUAL: &str = r#"{"timestamp":"2026-08-22T05:31:01.123Z","ordinal":7,"type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":120,"cached_input_tokens":0,"total_tokens":1234},"last_token_usage":{"total_tokens":34},"model_context_window":272000},"rate_limits":{"primary":{"used_percent":1.5,"resets_at":-1},"secondary":null,"plans":["a",true,[]],"credits":{}}}}"#;

    #[test]
    fn the_usual_line_is_plain_and_anything_odd_is_not() {
        assert_eq!(total_tokens(USUAL.as_bytes()), Some(1234));
        let with = |from: &str, to: &str| total_tokens(USUAL.replace(from, to).as_bytes());
        assert_eq!(with("1234", "-5"), Some(-5));
        assert_eq!(with("1234", "0"), Some(0));
        for odd in ["1234.0", "1e3", "\"1234\"", "null", "01", "-", "9223372036854775808", "[1]", "-0", ""] {
            assert_eq!(with("1234", odd), None, "{odd}");
        }
        for key in ["total_tokens\":1234", "total_token_usage\":{", "info\":{", "payload\":{"] {
            let value = if key.ends_with('{') { "{}" } else { "1" };
            let (name, _) = key.split_once('"').unwrap();
            let twice = with(&format!("\"{key}"), &format!("\"{name}\":{value},\"{key}"));
            assert_eq!(twice, None, "{name} twice");
            let twice = USUAL.replacen("}}}}", &format!("}}}}}},\"{name}\":{value}}}"), 1);
            let parsed = parse_json(LineKind::TokenCount, twice.as_bytes()).ok().flatten();
            assert_eq!(total_tokens(twice.as_bytes()).map(Item::TokenCount), parsed, "{name} behind");
        }
        assert_eq!(with("\"credits\"", "\"cr\\u0065dits\""), None, "an escape");
        assert_eq!(with("\"credits\"", "\"crédits\""), None, "a key of more than ASCII");
        assert_eq!(with("[\"a\"", "[\"é\""), Some(1234), "a text of more than ASCII");
        assert_eq!(with(",\"ordinal\"", ", \"ordinal\""), None, "white space");
        assert_eq!(with("}}}}", "}}}"), None, "torn");
        assert_eq!(with("}}}}", "}}}}}"), None, "and too much");
        assert_eq!(with("[]", &format!("{}{}", "[".repeat(20), "]".repeat(20))), None, "deep");
        assert_eq!(total_tokens(br#"{"payload":{"type":"token_count","info":null}}"#), None);
    }

    const KINDS: [(LineKind, &str); 4] = [
        (LineKind::TokenCount, USUAL),
        (
            LineKind::SessionMeta,
            r#"{"timestamp":"2026-08-22T05:31:01.123Z","type":"session_meta","payload":{"id":"019ced6b-835b-7475-b762-429694b3a51e","timestamp":"2026-08-22T05:31:01.123Z","cwd":"/ä","originator":"codex_cli_rs","cli_version":"0.147.0","source":{"custom":"a\"b"},"model_provider":"openai","base_instructions":{"text":"You are\n\n\"x\" \u2014 and so on, and on, and on, and on\n"},"history_mode":"legacy","git":{"commit_hash":"c","branch":null,"repository_url":"https://a:b@c/d"},"history_base":{"thread_id":"019ced6b-835b-7475-b762-429694b3a51e","end_byte_offset":7}}}"#,
        ),
        (
            LineKind::TurnContext,
            r#"{"timestamp":"2026-08-22T05:31:01.123Z","type":"turn_context","payload":{"turn_id":"a","cwd":"/ä","model":"m","effort":null,"approval_policy":"never","sandbox_policy":{"type":"read-only"},"permission_profile":[0],"file_system_sandbox_policy":7,"user_instructions":"a \"b\" \\ \/ \n\u00e4\ud83d é"}}"#,
        ),
        (
            LineKind::UserMessage,
            r#"{"timestamp":"2026-08-22T05:31:01.123Z","type":"event_msg","payload":{"type":"user_message","message":"a\n\"b\" é","images":[],"local_images":[""],"audio":null,"local_audio":-1.5,"kind":"plain"}}"#,
        ),
    ];

    #[test]
    fn usual_lines_are_sound() {
        for (kind, line) in KINDS {
            let is_plain = |line: &str| match kind {
                LineKind::TokenCount => total_tokens(line.as_bytes()).is_some(),
                _ => payload(line.as_bytes(), ["type"]).is_some(),
            };
            assert!(is_plain(line), "{line}");
            let parsed = parse(kind, line.as_bytes());
            assert_eq!(parsed.unwrap(), parse_json(kind, line.as_bytes()).unwrap());
            let nothing = line.replacen("\"payload\"", "\"pay\"", 1);
            assert!(!is_plain(&nothing) && parse_json(kind, nothing.as_bytes()).is_err());
        }
        let twice = KINDS[2].1.replace("\"user_instructions\"", "\"cwd\"");
        assert!(!is_sound(LineKind::TurnContext, twice.as_bytes()));
        assert!(parse_json(LineKind::TurnContext, twice.as_bytes()).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn every_result_equals_the_parsers(
            kind in 0..KINDS.len(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&b"{}[]\":,.-0129eE\\ntux \xc3\xa9\x1f\x7f"[..]), any::<bool>()), 0..3),
            cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
        ) {
            let (kind, usual) = KINDS[kind];
            let mut line = usual.as_bytes().to_vec();
            for (at, byte, is_inserted) in edits {
                let at = at.index(line.len());
                if is_inserted { line.insert(at, byte) } else { line[at] = byte }
            }
            line.truncate(cut.map_or(usize::MAX, |cut| cut.index(usual.len())));
            let parsed = parse_json(kind, &line);
            let is_same = match (parse(kind, &line), &parsed) {
                (Ok(one), Ok(other)) => one == *other,
                (one, other) => one.is_err() && other.is_err(),
            };
            prop_assert!(is_same, "{}: {parsed:?}", String::from_utf8_lossy(&line));
            prop_assert!(parsed.is_ok() || !is_sound(kind, &line), "{}", String::from_utf8_lossy(&line));
            if let Some(total) = total_tokens(&line) {
                prop_assert_eq!(parsed.ok().flatten(), Some(Item::TokenCount(total.max(0))));
            }
        }
    }
}
