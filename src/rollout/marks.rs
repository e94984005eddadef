//! Finds where the lines of a buffer end and where objects begin in them, in one pass over the bytes with the widest
//! vectors of the processor. It does not decide whether an object is glued to the text before it.

use super::look::BEGINNING;
use fearless_simd::{Level, dispatch, mask8x64, prelude::*, u8x64};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// Number of bytes that are compared at once.
const WIDTH: usize = 64;
/// Number of bytes that are compared before the first branch.
const STRIDE: usize = 4 * WIDTH;
/// Position of the colon in [`BEGINNING`]. A brace with a colon at this distance is rare elsewhere.
const COLON: usize = 12;

const _: () = assert!(BEGINNING[0] == b'{' && BEGINNING[COLON] == b':');

/// Finds [`BEGINNING`].
pub(super) static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEGINNING));

/// The progress of the search through a buffer. Each byte is searched once for newlines and once for objects, nearly
/// always for both together, although the buffer is queried line by line and grows.
#[derive(Debug)]
pub struct Marks {
    level: Level,
    /// No newline of the current line is before this position.
    line_searched: usize,
    /// The last object found.
    object: Option<usize>,
    /// No other object begins before this position.
    objects_searched: usize,
}

impl Marks {
    /// Begins at this position of a buffer.
    #[must_use]
    pub fn new(at: usize) -> Marks {
        Marks { level: Level::new(), line_searched: at, object: None, objects_searched: at }
    }

    /// Returns the position of the newline of the line that begins at `start`. Each call must have the same or a later
    /// `start`, and the same `bytes`, possibly extended at the end.
    pub fn newline(&mut self, bytes: &[u8], start: usize) -> Option<usize> {
        let mut from = self.line_searched.max(start);
        if self.object.is_none_or(|object| object <= start) && self.objects_searched.max(start) >= from {
            let is_usual = from == start && bytes[start..].starts_with(BEGINNING);
            from += if is_usual { BEGINNING.len() } else { 0 };
            let found = dispatch!(self.level, simd => find(simd, bytes, from));
            // An object may begin in the last bytes.
            let searched = found.unwrap_or(from.max(bytes.len().saturating_sub(BEGINNING.len() - 1)));
            (self.line_searched, self.objects_searched) = (searched, searched);
            let at = found?;
            if bytes[at] == b'\n' {
                return Some(at);
            }
            self.object = Some(at);
            (from, self.objects_searched) = (at, at + 1);
        }
        let newline = memchr::memchr(b'\n', &bytes[from..]).map(|at| from + at);
        self.line_searched = newline.unwrap_or(bytes.len());
        newline
    }

    /// Returns the position at or after `from` where the first object begins in `bytes`. The same holds for each call
    /// as for [`Marks::newline`].
    pub fn object(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        if self.object.is_some_and(|object| object >= from) {
            return self.object.filter(|object| *object < bytes.len());
        }
        let begin = self.objects_searched.max(from);
        let rest = bytes.get(begin..).filter(|rest| rest.len() >= BEGINNING.len())?;
        self.object = FINDER.find(rest).map(|at| begin + at);
        self.objects_searched =
            self.object.map_or(begin.max(bytes.len() - (BEGINNING.len() - 1)), |object| object + 1);
        self.object
    }

    /// Adjusts the positions after the bytes moved to the front by `by` bytes.
    pub fn shift(&mut self, by: usize) {
        self.line_searched = self.line_searched.saturating_sub(by);
        self.object = self.object.and_then(|object| object.checked_sub(by));
        self.objects_searched = self.objects_searched.saturating_sub(by);
    }
}

/// Returns the position at or after `from` of the first newline or of the first object, whichever is first.
#[inline(always)]
fn find<S: Simd>(simd: S, bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(stride) = bytes.get(at..at + STRIDE + COLON) {
        let marks = [0, WIDTH, 2 * WIDTH, 3 * WIDTH].map(
            #[inline(always)]
            |i| candidates(simd, &stride[i..]),
        );
        let [a, b, c, d] = marks;
        if (a | b | c | d).any_true() {
            for (i, mark) in marks.into_iter().enumerate() {
                let found = first(bytes, at + i * WIDTH, mark.to_bitmask());
                if found.is_some() {
                    return found;
                }
            }
        }
        at += STRIDE;
    }
    while let Some(block) = bytes.get(at..at + WIDTH + COLON) {
        let found = first(bytes, at, candidates(simd, block).to_bitmask());
        if found.is_some() {
            return found;
        }
        at += WIDTH;
    }
    (at..bytes.len()).find(|at| is_mark(&bytes[*at..]))
}

/// Marks the newlines and the places where an object may begin.
#[inline(always)]
fn candidates<S: Simd>(simd: S, bytes: &[u8]) -> mask8x64<S> {
    let here = u8x64::from_slice(simd, &bytes[..WIDTH]);
    let ahead = u8x64::from_slice(simd, &bytes[COLON..COLON + WIDTH]);
    let (newline, brace, colon) =
        (u8x64::splat(simd, b'\n'), u8x64::splat(simd, b'{'), u8x64::splat(simd, b':'));
    here.simd_eq(newline) | (here.simd_eq(brace) & ahead.simd_eq(colon))
}

/// Returns the first of the candidates in the block at `at` that is a newline or an object.
#[inline(always)]
fn first(bytes: &[u8], at: usize, mut candidates: u64) -> Option<usize> {
    while candidates != 0 {
        let place = at + candidates.trailing_zeros() as usize;
        if is_mark(&bytes[place..]) {
            return Some(place);
        }
        candidates &= candidates - 1;
    }
    None
}

#[inline(always)]
fn is_mark(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'\n') || bytes.starts_with(BEGINNING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Texts of marks and of what resembles them, between others of any length.
    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\n".to_vec()),
            Just(BEGINNING.to_vec()),
            (1..BEGINNING.len()).prop_map(|n| BEGINNING[..n].to_vec()),
            Just(b"{\"resembling\":".to_vec()),
            (0usize..400).prop_map(|n| vec![b'x'; n]),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_first_mark_is_found_by_any_vectors(text in texts(), from: prop::sample::Index) {
            let from = from.index(text.len() + 1);
            let expected = (from..text.len()).find(|at| is_mark(&text[*at..]));
            for level in [Level::new(), Level::baseline()] {
                let found = dispatch!(level, simd => find(simd, &text, from));
                prop_assert_eq!(found, expected, "{:?}", level);
            }
        }

        #[test]
        fn lines_and_objects_are_found_however_the_buffer_grows(text in texts(), parts in prop::collection::vec(any::<prop::sample::Index>(), 0..4)) {
            let mut ends: Vec<usize> = parts.iter().map(|end| end.index(text.len() + 1)).collect();
            ends.sort_unstable();
            ends.push(text.len());
            let (mut marks, mut start, mut seen) = (Marks::new(0), 0, Vec::new());
            for end in ends {
                let bytes = &text[..end];
                while let Some(newline) = marks.newline(bytes, start) {
                    // As a caller does that splits the line at each object.
                    while let Some(object) = marks.object(&bytes[..newline], start + 1) {
                        seen.push(object);
                        start = object;
                        prop_assert_eq!(marks.newline(bytes, start), Some(newline));
                    }
                    seen.push(newline);
                    start = newline + 1;
                }
            }
            let is_seen = |at: &usize| match text[*at] {
                b'\n' => true,
                _ => *at > 0 && text[*at - 1] != b'\n' && text[*at..].starts_with(BEGINNING),
            };
            let last = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            let expected: Vec<usize> = (0..last).filter(is_seen).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
