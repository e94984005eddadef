//! Formats times for machines, fast: RFC 3339 in UTC with milliseconds. `human.rs` formats times for people.
//!
//! A listing of 150,000 threads contains half a million times. Chrono's formatter would need more time for them than
//! SQLite for the rest.

use chrono::{DateTime, Datelike as _, Timelike as _};
use std::io::Write as _;

/// 0000-01-01T00:00:00.000Z, the first time that RFC 3339 can express.
const FIRST: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z, the last one.
const LAST: i64 = 253_402_300_799_999;

/// `00` to `99`.
const TWO_DIGITS: [[u8; 2]; 100] = {
    let mut digits = [[b'0'; 2]; 100];
    let mut i = 0;
    while i < 100 {
        digits[i] = [b'0' + i as u8 / 10, b'0' + i as u8 % 10];
        i += 1;
    }
    digits
};

/// Returns true if RFC 3339, with its four-digit years, can express this time.
pub fn is_sayable(millis: i64) -> bool {
    (FIRST..=LAST).contains(&millis)
}

/// Appends epoch milliseconds as `2026-03-14T16:57:30.373Z`, or as a number outside the range of RFC 3339.
///
/// The milliseconds are always written, so that the texts sort like the times.
pub fn push_rfc3339(out: &mut Vec<u8>, millis: i64) {
    let Some(time) = DateTime::from_timestamp_millis(millis).filter(|_| is_sayable(millis)) else {
        write!(out, "{millis}").expect("a vector takes everything");
        return;
    };
    let time = time.naive_utc();
    let (year, millis) = (time.year().unsigned_abs(), time.nanosecond() / 1_000_000);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut two = |at: usize, number: u32| {
        text[at..at + 2].copy_from_slice(&TWO_DIGITS[number as usize % 100]);
    };
    two(0, year / 100);
    two(2, year % 100);
    two(5, time.month());
    two(8, time.day());
    two(11, time.hour());
    two(14, time.minute());
    two(17, time.second());
    two(20, millis / 10);
    text[22] = b'0' + (millis % 10) as u8;
    out.extend_from_slice(&text);
}

/// Returns epoch milliseconds in the format of [`push_rfc3339`].
pub fn rfc3339(millis: i64) -> String {
    let mut out = Vec::with_capacity(24);
    push_rfc3339(&mut out, millis);
    out.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::SecondsFormat;
    use proptest::prelude::*;

    fn by_chrono(millis: i64) -> String {
        DateTime::from_timestamp_millis(millis).unwrap().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    #[test]
    fn known_times() {
        assert_eq!(rfc3339(1_773_507_450_373), "2026-03-14T16:57:30.373Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00.000Z");
    }

    #[test]
    fn a_time_that_rfc_3339_cannot_express_is_a_number() {
        for millis in [i64::MIN, i64::MAX, FIRST - 1, LAST + 1] {
            assert_eq!(rfc3339(millis), millis.to_string());
        }
        assert_eq!(rfc3339(FIRST), by_chrono(FIRST));
        assert_eq!(rfc3339(LAST), by_chrono(LAST));
    }

    proptest! {
        #[test]
        fn chrono_agrees(millis in FIRST..=LAST) {
            prop_assert_eq!(rfc3339(millis), by_chrono(millis));
        }

        #[test]
        fn no_number_panics(millis: i64) {
            prop_assert!(!rfc3339(millis).is_empty());
        }
    }
}
