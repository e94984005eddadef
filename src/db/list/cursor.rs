//! Cursors: the text from which a listing continues.

use super::query::{CursorTime, Sort};
use crate::db::packed;
use crate::db::row::{to_cell, value_of};
use crate::error::WithHint as _;
use crate::thread::cell::Cell;
use anyhow::anyhow;

/// The place from which a listing continues: after this time and id, in this order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cursor {
    pub(super) sort: Sort,
    pub(super) reverse: bool,
    pub(super) time: CursorTime,
    pub(super) id: Cell,
}

/// The first byte of a cursor: the version of its format.
const VERSION: u8 = 1;
/// The first byte of a time in milliseconds, where other times have that of a packed value.
const MILLIS: u8 = 0;

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let order = self.sort as u8 * 2 + u8::from(self.reverse);
        let mut bytes = vec![VERSION, order];
        match &self.time {
            CursorTime::Millis(millis) => {
                bytes.push(MILLIS);
                bytes.extend_from_slice(&millis.to_be_bytes());
            }
            CursorTime::AsItIs(cell) => packed::push(&mut bytes, value_of(cell)),
        }
        packed::push(&mut bytes, value_of(&self.id));
        let check = checksum(&bytes);
        bytes.iter().chain(&[check]).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Computes a checksum, which detects a cursor that was cut or mistyped.
fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0x5a, |sum: u8, byte| sum.rotate_left(3).wrapping_add(*byte))
}

impl Cursor {
    /// Parses the text of a cursor, and checks that it has the same order.
    pub(super) fn parse(text: &str, sort: Sort, reverse: bool) -> anyhow::Result<Cursor> {
        let hint =
            "take next_cursor from the JSON of the page before, or leave --after out to begin at the top";
        let cursor =
            Cursor::read(text).ok_or_else(|| anyhow!("invalid cursor {text:?} for --after").hint(hint))?;
        if (cursor.sort, cursor.reverse) != (sort, reverse) {
            let order = |sort: Sort, reverse: bool| {
                format!("--sort {}{}", sort.name(), if reverse { " --reverse" } else { "" })
            };
            let (own, asked) = (order(cursor.sort, cursor.reverse), order(sort, reverse));
            return Err(anyhow!("the cursor is of a list with {own}, not {asked}")
                .hint(format!("repeat the options of the page before: {own}")));
        }
        Ok(cursor)
    }

    fn read(text: &str) -> Option<Cursor> {
        let digits: Option<Vec<u8>> =
            text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        let (&check, bytes) = bytes.split_last()?;
        let (&[version, order], mut rest) = bytes.split_first_chunk()?;
        let time = match rest.split_first()? {
            (&MILLIS, behind) => {
                rest = behind;
                CursorTime::Millis(i64::from_be_bytes(packed::take(&mut rest)?))
            }
            _ => CursorTime::AsItIs(to_cell(packed::next(&mut rest)?)),
        };
        let id = packed::next(&mut rest).map(to_cell).filter(|_| rest.is_empty())?;
        let sort = [Sort::Created, Sort::Updated, Sort::Recency, Sort::Size]
            .into_iter()
            .find(|sort| *sort as u8 == order / 2)?;
        (version == VERSION && check == checksum(bytes)).then_some(())?;
        Some(Cursor { sort, reverse: order % 2 == 1, time, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_is_refused_in_another_order_and_when_it_is_invalid() {
        let cursor =
            Cursor { sort: Sort::Updated, reverse: false, time: CursorTime::Millis(7), id: "x".into() };
        let text = cursor.to_string();
        assert_eq!(Cursor::parse(&text, Sort::Updated, false).unwrap(), cursor);
        let error = Cursor::parse(&text, Sort::Created, false).unwrap_err();
        assert_eq!(error.to_string(), "the cursor is of a list with --sort updated, not --sort created");
        let error = Cursor::parse(&text, Sort::Updated, true).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the cursor is of a list with --sort updated, not --sort updated --reverse"
        );
        for bad in ["", "rubbish", &text[1..], &text[..text.len() - 2], &format!("{text}00")] {
            assert!(Cursor::parse(bad, Sort::Updated, false).is_err(), "{bad:?}");
        }
    }

    fn any_cell() -> impl Strategy<Value = Cell> {
        prop_oneof![
            Just(Cell::Null),
            any::<i64>().prop_map(Cell::Integer),
            any::<f64>().prop_map(Cell::Real),
            any::<String>().prop_map(Cell::Text),
            any::<Vec<u8>>().prop_map(Cell::Blob),
        ]
    }

    proptest! {
        #[test]
        fn every_cursor_is_read_back(
            sort in 0..3u8,
            reverse: bool,
            time in prop_oneof![
                any::<i64>().prop_map(CursorTime::Millis),
                any_cell().prop_map(CursorTime::AsItIs),
            ],
            id in any_cell(),
        ) {
            let sort = [Sort::Created, Sort::Updated, Sort::Recency][usize::from(sort)];
            let cursor = Cursor { sort, reverse, time, id };
            prop_assert_eq!(Cursor::read(&cursor.to_string()), Some(cursor));
        }

        #[test]
        fn no_text_panics(text: String, hex in "[0-9a-f]{0,40}") {
            let _ = Cursor::read(&text);
            let _ = Cursor::read(&hex);
        }
    }
}
