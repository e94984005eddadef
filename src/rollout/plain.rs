//! A walk over JSON of the plainest kind: ASCII, no escapes, no white space. It gives up on anything else, so whatever
//! it does say the JSON parser says too; for the one kind of line of which rollouts have so many that parsing tells.

/// Objects and arrays within each other, at most.
const MAX_DEPTH: usize = 16;
/// Digits that every `i64` has room for.
const MAX_DIGITS: usize = 18;

/// The total of a `token_count` line, if the whole line is plain JSON and the total is a whole number.
///
/// A key that counts and stands twice is an error to the parser, and so left to it.
#[must_use]
pub fn total_tokens(line: &[u8]) -> Option<i64> {
    let mut json = Plain { rest: line, seen: 0 };
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
    total.filter(|_| json.rest.is_empty())
}

/// What is left of the text.
struct Plain<'a> {
    rest: &'a [u8],
    /// Which of the keys that count were there, a bit for each.
    seen: u8,
}

impl<'a> Plain<'a> {
    /// Goes on if the key of this bit was not there yet.
    fn once(&mut self, key: u8) -> Option<&mut Self> {
        let is_first = self.seen & key == 0;
        self.seen |= key;
        is_first.then_some(self)
    }

    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn expect(&mut self, text: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// An object; `each` takes the value of each key.
    fn members(&mut self, mut each: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.expect(b"{")?;
        if self.expect(b"}").is_some() {
            return Some(());
        }
        loop {
            let key = self.string()?;
            self.expect(b":")?;
            each(self, key)?;
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Any value, of which nothing is wanted.
    fn value(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match self.rest.first()? {
            b'{' => self.members(|json, _| json.value(depth)),
            b'[' => self.elements(depth),
            b'"' => self.string().map(drop),
            b't' => self.expect(b"true"),
            b'f' => self.expect(b"false"),
            b'n' => self.expect(b"null"),
            _ => self.number(),
        }
    }

    fn elements(&mut self, depth: usize) -> Option<()> {
        self.expect(b"[")?;
        if self.expect(b"]").is_some() {
            return Some(());
        }
        loop {
            self.value(depth)?;
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b"\"")?;
        let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        let end = self.rest.iter().position(|byte| !is_plain(byte))?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.expect(b"\"")?;
        Some(text)
    }

    /// A number without an exponent.
    fn number(&mut self) -> Option<()> {
        let _ = self.expect(b"-");
        self.integer()?;
        if self.expect(b".").is_some() && self.digits().is_empty() {
            return None;
        }
        // What follows a number says whether it was one.
        Some(())
    }

    fn whole_number(&mut self) -> Option<i64> {
        let is_negative = self.expect(b"-").is_some();
        let digits = self.integer()?;
        let is_whole = !matches!(self.rest.first(), Some(b'.' | b'e' | b'E'));
        let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        is_whole.then_some(if is_negative { -value } else { value })
    }

    /// Digits without a zero in front, and not too many.
    fn integer(&mut self) -> Option<&'a [u8]> {
        let digits = self.digits();
        let is_fine = (1..=MAX_DIGITS).contains(&digits.len()) && (digits[0] != b'0' || digits.len() == 1);
        is_fine.then_some(digits)
    }

    fn digits(&mut self) -> &'a [u8] {
        let n_digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(n_digits);
        self.rest = rest;
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::item::{Item, Kind, parse_json};
    use proptest::prelude::*;

    const USUAL: &str = r#"{"timestamp":"2026-08-22T05:31:01.123Z","ordinal":7,"type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":120,"cached_input_tokens":0,"total_tokens":1234},"last_token_usage":{"total_tokens":34},"model_context_window":272000},"rate_limits":{"primary":{"used_percent":1.5,"resets_at":-1},"secondary":null,"plans":["a",true,[]],"credits":{}}}}"#;

    #[test]
    fn the_usual_line_is_plain_and_anything_odd_is_not() {
        assert_eq!(total_tokens(USUAL.as_bytes()), Some(1234));
        let with = |from: &str, to: &str| total_tokens(USUAL.replace(from, to).as_bytes());
        assert_eq!(with("1234", "-5"), Some(-5));
        assert_eq!(with("1234", "0"), Some(0));
        for odd in ["1234.0", "1e3", "\"1234\"", "null", "01", "-", "9223372036854775808", "[1]", ""] {
            assert_eq!(with("1234", odd), None, "{odd}");
        }
        for key in ["total_tokens\":1234", "total_token_usage\":{", "info\":{", "payload\":{"] {
            let value = if key.ends_with('{') { "{}" } else { "1" };
            let (name, _) = key.split_once('"').unwrap();
            let twice = with(&format!("\"{key}"), &format!("\"{name}\":{value},\"{key}"));
            assert_eq!(twice, None, "{name} twice");
            let twice = USUAL.replacen("}}}}", &format!("}}}}}},\"{name}\":{value}}}"), 1);
            let parsed = parse_json(Kind::TokenCount, twice.as_bytes()).ok().flatten();
            assert_eq!(total_tokens(twice.as_bytes()).map(Item::TokenCount), parsed, "{name} behind");
        }
        assert_eq!(with("\"credits\"", "\"cr\\u0065dits\""), None, "an escape");
        assert_eq!(with("\"credits\"", "\"crédits\""), None, "more than ASCII");
        assert_eq!(with(",\"ordinal\"", ", \"ordinal\""), None, "white space");
        assert_eq!(with("}}}}", "}}}"), None, "torn");
        assert_eq!(with("}}}}", "}}}}}"), None, "and too much");
        assert_eq!(with("[]", &format!("{}{}", "[".repeat(20), "]".repeat(20))), None, "deep");
        assert_eq!(total_tokens(br#"{"payload":{"type":"token_count","info":null}}"#), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn what_it_says_the_parser_says_too(
            edits in prop::collection::vec((0..USUAL.len(), prop::sample::select(&b"{}[]\":,.-0129eE\\ntx \xc3"[..]), any::<bool>()), 0..3),
            cut in prop::option::weighted(0.1, 0..USUAL.len()),
        ) {
            let mut line = USUAL.as_bytes().to_vec();
            for (at, byte, is_inserted) in edits {
                if is_inserted { line.insert(at, byte) } else { line[at] = byte }
            }
            line.truncate(cut.unwrap_or(usize::MAX));
            if let Some(total) = total_tokens(&line) {
                let parsed = parse_json(Kind::TokenCount, &line);
                prop_assert_eq!(parsed.ok().flatten(), Some(Item::TokenCount(total.max(0))));
            }
        }
    }
}
