//! Recognises a line that differs from a sound one only in its digits, as successive token counts do. Such a line is
//! sound too. Comparing costs a fraction of reading it.

use super::plain::{self, n_digits};

/// Number of digits that fit into every `i64`.
const MAX_DIGITS: usize = 18;

/// Returns true if the end of a line is that of `model` but for its digits. The line parses if the model does, has no
/// backslash before its digits, and if the beginnings of both are as usual.
#[must_use]
pub fn differ_alone(line: &[u8], model: &[u8]) -> bool {
    let (mut at, mut in_model) = (0, 0);
    loop {
        let n_alike = n_alike(&line[at..], &model[in_model..]);
        at += n_alike;
        in_model += n_alike;
        if at == line.len() || in_model == model.len() {
            return at == line.len() && in_model == model.len();
        }
        let n_before = n_digits_at_end(&line[..at]);
        let (n_behind, n_in_model) = (n_digits(&line[at..]), n_digits(&model[in_model..]));
        let (start, n_digits) = (at - n_before, n_before + n_behind);
        if n_behind + n_in_model == 0
            || n_before + n_in_model == 0
            || !is_valid(&line[..start], line[start], n_digits)
        {
            return false;
        }
        at += n_behind;
        in_model += n_in_model;
    }
}

/// Returns true if a number of `n` digits may follow, as a JSON number, a part of one or within a string. A zero that
/// begins a number is refused if it is not alone, and so is a negative zero, which is not a whole number.
fn is_valid(before: &[u8], first: u8, n: usize) -> bool {
    let is_zero_allowed = match before.last() {
        Some(b':' | b',' | b'[' | b' ' | b'\t' | b'\r') => n == 1,
        Some(b'-') | None => false,
        Some(_) => true,
    };
    (1..=MAX_DIGITS).contains(&n) && (first != b'0' || is_zero_allowed)
}

/// Returns the number of bytes at the beginning of two texts that are equal or digits in both. It stops before a zero in
/// place of another digit if the zero may begin a number, and possibly before other digits that differ.
fn n_alike(line: &[u8], model: &[u8]) -> usize {
    let (words, _) = line.as_chunks::<8>();
    let (words_of_model, _) = model.as_chunks::<8>();
    for (i, (word, in_model)) in words.iter().zip(words_of_model).enumerate() {
        let (word, in_model) = (u64::from_le_bytes(*word), u64::from_le_bytes(*in_model));
        if word == in_model {
            continue;
        }
        let digits = !plain::non_digits(word) & plain::HIGH;
        let may_begin = plain::is_byte(word, b'0') & !(digits << 8);
        let odd = !digits | plain::non_digits(in_model) | may_begin;
        let stop = plain::non_zero(word ^ in_model) & odd;
        if stop != 0 {
            return 8 * i + stop.trailing_zeros() as usize / 8;
        }
    }
    let start = 8 * words.len().min(words_of_model.len());
    let alike = |(a, b): &(&u8, &u8)| a == b || matches!((a, b), (b'1'..=b'9', b'0'..=b'9'));
    start + line[start..].iter().zip(&model[start..]).take_while(alike).count()
}

fn n_digits_at_end(bytes: &[u8]) -> usize {
    let n_in_word = bytes.last_chunk::<8>().map_or(8, |word| {
        let others = plain::non_digits(u64::from_le_bytes(*word));
        others.leading_zeros() as usize / 8
    });
    match n_in_word {
        8 => bytes.iter().rev().take_while(|byte| byte.is_ascii_digit()).count(),
        n => n,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::item::{LineKind, parse_json};
    use proptest::prelude::*;

    const BEGINNING: &str =
        r#"{"timestamp":"2026-08-22T05:31:01.123Z","type":"event_msg","payload":{"type":"token_count""#;
    const MODEL: &str = r#","info":{"total_token_usage":{"input_tokens":120,"cached_input_tokens":0,"total_tokens":1234},"last":{"total_tokens":-34},"window":272000},"rate_limits":{"primary":{"used_percent":1.5,"at":"05:31, 7"},"plans":["a1",true,[20,3]]}}}"#;

    /// Like [`MODEL`], but not plain.
    const SPACED: &str =
        r#", "info" : {"total_token_usage":{"total_tokens": 1234}, "more":[1e5, -2E+7 ,3]}}}"#;

    #[test]
    fn only_digits_may_differ() {
        assert!(differ_alone(MODEL.as_bytes(), MODEL.as_bytes()));
        for (from, to, expected) in [
            ("1234", "7", true),
            ("1234", "0", true),
            ("1234", "0123", false),
            ("1234", "", false),
            ("1234", "123456789012345678", true),
            ("1234", "1234567890123456789", false),
            ("1234", "12.5", false),
            ("1234", "-1234", false),
            ("-34", "-3", true),
            ("-34", "-0", false),
            ("1.5", "1.055", true),
            ("1.5", "1.", false),
            ("a1", "a007", true),
            ("a1", "a", false),
            ("[20,3]", "[0,30]", true),
            ("[20,3]", "[00,30]", false),
            ("]]}}}", "]]}}", false),
            ("\"last\"", "\"lost\"", false),
            ("34},", "34],", false),
        ] {
            let line = MODEL.replacen(from, to, 1);
            assert_eq!(differ_alone(line.as_bytes(), MODEL.as_bytes()), expected, "{from} {to}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn a_line_that_differs_in_digits_alone_parses(
            model in prop::sample::select(&[MODEL, SPACED][..]),
            numbers in prop::collection::vec((any::<prop::sample::Index>(), "[0-9]{0,4}"), 1..6),
            edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&b"019-.:,[]{}\"a"[..]), any::<bool>()), 0..3),
        ) {
            let mut line = model.to_owned();
            for (at, digits) in numbers {
                let runs: Vec<(usize, usize)> = line
                    .match_indices(|c: char| c.is_ascii_digit())
                    .map(|(start, _)| (start, n_digits(&line.as_bytes()[start..])))
                    .collect();
                if let Some((start, n)) = (!runs.is_empty()).then(|| runs[at.index(runs.len())]) {
                    line.replace_range(start..start + n, &digits);
                }
            }
            for (at, byte, is_inserted) in edits {
                let at = at.index(line.len());
                line.replace_range(at..at + usize::from(!is_inserted), std::str::from_utf8(&[byte]).unwrap());
            }
            if differ_alone(line.as_bytes(), model.as_bytes()) {
                let whole = [BEGINNING, &line].concat();
                prop_assert!(parse_json(LineKind::TokenCount, whole.as_bytes()).unwrap().is_some(), "{}", line);
                prop_assert!(model == SPACED || plain::total_tokens(whole.as_bytes()).is_some(), "{}", line);
            }
        }
    }
}
