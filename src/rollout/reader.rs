//! Splits bytes into lines, with one reused buffer that is bounded whatever the length of a line. It knows no
//! contents.

use super::glue;
use super::marks::Marks;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

/// Number of bytes read at once, and the longest line that is always held whole. The passes over a block find it in the
/// second-level cache.
pub const CHUNK: usize = 128 * 1024;

/// The longest line that is ever held whole. A longer one is cut: it is damage if relevant, otherwise skipped.
pub const MAX_LINE: usize = 16 * 1024 * 1024;

/// Maximum size of the buffer: the longest line and its newline.
const MAX_BUFFER: usize = MAX_LINE + 1;

/// The number of bytes of a run of white space that are compared at once.
const RUN: usize = 512;

/// Number of bytes that are kept of a skipped line, to look at it.
const HEAD: usize = 4 * 1024;

/// A buffer that is reused for several files, so that a file needs no allocation.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u8>);

/// One line of a file, or one of several objects in one line.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line without its newline; only its beginning if `cut` is set.
    pub bytes: &'a [u8],
    /// Line number, from 1.
    pub number: u64,
    /// Offset of the line in bytes of the (uncompressed) file.
    pub offset: u64,
    /// True if it ends with a newline; only the last line of a file may lack one.
    pub terminated: bool,
    /// True if the line was too long to hold, so that `bytes` is only its beginning.
    pub cut: bool,
    /// True if another object follows in the same line: its writer died before the newline.
    pub glued: bool,
    /// The last byte before the newline that is not white space, also of a cut line.
    pub last_byte: Option<u8>,
}

/// A stream that fails once the program must stop, even within an endless line.
#[derive(Debug)]
pub struct Interruptible<'a, R> {
    source: R,
    interrupted: &'a AtomicBool,
}

impl<'a, R: Read> Interruptible<'a, R> {
    /// Reads `source` until `interrupted` is set.
    pub fn new(source: R, interrupted: &'a AtomicBool) -> Interruptible<'a, R> {
        Interruptible { source, interrupted }
    }
}

impl<R: Read> Read for Interruptible<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.interrupted.load(Ordering::Relaxed) {
            // The kind must not be `Interrupted`, after which readers try again.
            return Err(io::Error::other("asked to stop"));
        }
        self.source.read(buffer)
    }
}

/// Splits a stream into lines.
#[derive(Debug)]
pub struct LineReader<'b, R> {
    source: R,
    buffer: &'b mut Vec<u8>,
    /// The bytes that were read but not yet returned are `buffer[start..end]`.
    start: usize,
    end: usize,
    at_end: bool,
    /// Offset in the file of `buffer[start]`.
    offset: u64,
    /// Offset in the file of the line to which `buffer[start]` belongs.
    line_offset: u64,
    /// Number of complete lines returned.
    n_lines: u64,
    /// Finds the newlines in the buffer, and the positions where objects begin.
    marks: Marks,
    /// True if the line was split where a value begins ([`glue::find`]).
    is_torn_in_value: bool,
}

impl<'b, R: Read> LineReader<'b, R> {
    /// Reads lines from `source` through `buffer`.
    pub fn new(source: R, buffer: &'b mut Buffer) -> LineReader<'b, R> {
        let buffer = &mut buffer.0;
        // After one line of megabytes, later files must not use a buffer of megabytes.
        if buffer.len() != CHUNK {
            buffer.truncate(CHUNK);
            buffer.shrink_to(CHUNK);
            buffer.resize(CHUNK, 0);
        }
        LineReader {
            source,
            buffer,
            start: 0,
            end: 0,
            at_end: false,
            offset: 0,
            line_offset: 0,
            n_lines: 0,
            marks: Marks::new(0),
            is_torn_in_value: false,
        }
    }

    /// Returns the number of bytes returned as lines so far, newlines included.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Skips blank lines as fast as other bytes. They count as lines, but are not returned.
    ///
    /// # Errors
    /// As [`LineReader::next_line`].
    pub fn skip_blank_lines(&mut self) -> io::Result<()> {
        loop {
            let rest = &self.buffer[self.start..self.end];
            let blank = n_blank(rest);
            // White space before other text belongs to that text's line.
            let Some(last) = memchr::memrchr(b'\n', &rest[..blank]) else {
                if blank < rest.len() || self.at_end || self.end == self.buffer.len() && self.start == 0 {
                    return Ok(());
                }
                self.make_room();
                self.fill()?;
                continue;
            };
            self.n_lines += memchr::memchr_iter(b'\n', &rest[..=last]).count() as u64;
            self.start += last + 1;
            self.offset += last as u64 + 1;
            self.line_offset = self.offset;
        }
    }

    /// Returns the next line. For a line that does not fit the buffer, `is_wanted` decides from its beginning whether
    /// to hold it whole; then lines up to [`MAX_LINE`] are held.
    ///
    /// # Errors
    /// If reading `source` fails. The lines before the failure have been returned.
    pub fn next_line(&mut self, mut is_wanted: impl FnMut(&[u8]) -> bool) -> io::Result<Option<Line<'_>>> {
        let (mut end, mut terminated, mut glued) = loop {
            if let Some(newline) = self.marks.newline(&self.buffer[..self.end], self.start) {
                break (newline, true, false);
            }
            if self.at_end {
                break (self.end, false, false);
            }
            if self.end == self.buffer.len() {
                // Pieces are returned before anything is moved or read.
                if let Some(first) = self.first_behind(self.end)
                    && let Some(at) = glue::find_in_part(&self.buffer[self.start..self.end], first)
                {
                    break (self.start + at, false, true);
                }
                if self.start > 0 {
                    self.make_room();
                } else if self.end < MAX_BUFFER && is_wanted(&self.buffer[..self.end]) {
                    self.buffer.resize((2 * self.end).min(MAX_BUFFER), 0);
                } else {
                    return self.skip_line().map(Some);
                }
            }
            self.fill()?;
        };
        let start = self.start;
        if end == start && !terminated {
            return Ok(None);
        }
        if let Some(first) = self.first_behind(end)
            && let Some(found) = glue::find(&self.buffer[start..end], first, !self.is_torn_in_value)
        {
            (end, terminated, glued) = (start + found.at, false, true);
            self.is_torn_in_value |= found.in_value;
        }
        let next = end + usize::from(terminated);
        let (number, offset) = self.hand_out((next - start) as u64, glued);
        self.start = next;
        let bytes = &self.buffer[start..end];
        Ok(Some(Line { bytes, number, offset, terminated, cut: false, glued, last_byte: last_byte(bytes) }))
    }

    /// Returns the position of the next object after the line's first byte, relative to the line, if it is before
    /// `end`.
    fn first_behind(&mut self, end: usize) -> Option<usize> {
        let next = self.marks.object(&self.buffer[..end], self.start + 1)?;
        Some(next - self.start)
    }

    /// Counts `length` bytes as returned. Returns the number and the offset of their line.
    fn hand_out(&mut self, length: u64, glued: bool) -> (u64, u64) {
        let (number, offset) = (self.n_lines + 1, self.line_offset);
        self.offset += length;
        if !glued {
            self.n_lines = number;
            self.line_offset = self.offset;
            self.is_torn_in_value = false;
        }
        (number, offset)
    }

    /// Reads to the end of a line that fills the whole buffer, keeping only its beginning.
    fn skip_line(&mut self) -> io::Result<Line<'_>> {
        let mut last = last_byte(&self.buffer[..self.end]);
        let mut length = self.end as u64;
        // The last bytes stay before the next ones, because an object may begin across them.
        let mut kept = self.end.min(glue::REACH);
        let (terminated, glued) = loop {
            self.buffer.copy_within(self.end - kept..self.end, HEAD);
            let fresh = HEAD + kept;
            (self.start, self.end) = (fresh, fresh);
            self.fill()?;
            let newline = memchr::memchr(b'\n', &self.buffer[fresh..self.end]).map(|found| fresh + found);
            let end = newline.unwrap_or(self.end);
            // Only a glued object within `REACH` was seen before.
            if let Some(at) = glue::find_in_part(&self.buffer[HEAD..end], 1) {
                let next = HEAD + at;
                self.start = next;
                length = length + next as u64 - fresh as u64;
                last = last_byte(&self.buffer[HEAD..next]).or(last);
                break (false, true);
            }
            last = last_byte(&self.buffer[fresh..end]).or(last);
            length += (end - fresh) as u64;
            if let Some(newline) = newline {
                self.start = newline + 1;
                length += 1;
                break (true, false);
            }
            if self.at_end {
                self.start = self.end;
                break (false, false);
            }
            kept = (self.end - HEAD).min(glue::REACH);
        };
        self.marks = Marks::new(self.start);
        let (number, offset) = self.hand_out(length, glued);
        Ok(Line {
            bytes: &self.buffer[..HEAD],
            number,
            offset,
            terminated,
            cut: true,
            glued,
            last_byte: last,
        })
    }

    /// Moves the bytes that were not returned yet to the beginning of the buffer.
    fn make_room(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.marks.shift(self.start);
        self.start = 0;
    }

    /// Reads once into the free end of the buffer.
    fn fill(&mut self) -> io::Result<()> {
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(n) => self.end += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }
}

/// Returns the number of white-space bytes at the beginning.
fn n_blank(bytes: &[u8]) -> usize {
    let mut n = 0;
    while let Some(first) = bytes.get(n).filter(|byte| byte.is_ascii_whitespace()) {
        n += 1;
        // A run of one byte is compared, block by block, with itself shifted by one: there may be gigabytes of it.
        while let Some(block) = bytes.get(n - 1..n + RUN)
            && block[0] == *first
            && block[..RUN] == block[1..]
        {
            n += RUN;
        }
    }
    n
}

fn last_byte(bytes: &[u8]) -> Option<u8> {
    bytes.iter().rev().copied().find(|byte| !byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns at most a few bytes in each read, like a slow disk or a decompressor.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(buffer.len()).min(self.0.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn lines(bytes: &[u8], step: usize) -> Vec<(Vec<u8>, u64, u64, bool)> {
        let mut buffer = Buffer::default();
        let mut reader = LineReader::new(Trickle(bytes, step), &mut buffer);
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line(|_| true).unwrap() {
            lines.push((line.bytes.to_vec(), line.number, line.offset, line.terminated));
        }
        lines
    }

    #[test]
    fn blank_bytes_are_counted_however_long_their_runs() {
        for runs in
            [&[(b'\n', 0)][..], &[(b'\n', 1)], &[(b'\n', 513)], &[(b'\n', 1025), (b' ', 700), (b'\n', 3)]]
        {
            let blank: Vec<u8> = runs.iter().flat_map(|(byte, n)| vec![*byte; *n]).collect();
            assert_eq!(n_blank(&blank), blank.len());
            let text = [&blank[..], b"x\n\n"].concat();
            assert_eq!(n_blank(&text), blank.len(), "{runs:?}");
        }
        assert_eq!(n_blank(&[b'x'; 2000]), 0);
    }

    #[test]
    fn lines_have_numbers_and_offsets() {
        let expected = [
            (b"ab".to_vec(), 1, 0, true),
            (b"".to_vec(), 2, 3, true),
            (b"c\r".to_vec(), 3, 4, true),
            (b"d".to_vec(), 4, 7, false),
        ];
        assert_eq!(lines(b"ab\n\nc\r\nd", 1), expected);
        assert_eq!(lines(b"", 1), []);
    }

    #[test]
    fn a_long_line_that_is_wanted_is_held_whole() {
        let mut bytes = vec![b'x'; 3 * CHUNK + 5];
        bytes.extend_from_slice(b"\nshort\n");
        let read = lines(&bytes, CHUNK / 3);
        assert_eq!(read[0].0.len(), 3 * CHUNK + 5);
        assert_eq!((read[1].0.as_slice(), read[1].2), (&b"short"[..], 3 * CHUNK as u64 + 6));
    }

    #[test]
    fn a_long_line_that_is_not_wanted_is_skipped_in_a_small_buffer() {
        let mut bytes = vec![b'x'; 5 * CHUNK];
        bytes.extend_from_slice(b"} \nshort");
        let mut buffer = Buffer::default();
        let mut reader = LineReader::new(&bytes[..], &mut buffer);
        let line = reader.next_line(|_| false).unwrap().unwrap();
        assert!(line.cut && line.terminated && line.last_byte == Some(b'}'));
        let next = reader.next_line(|_| false).unwrap().unwrap();
        assert_eq!((next.bytes, next.number, next.offset), (&b"short"[..], 2, 5 * CHUNK as u64 + 3));
        assert!(reader.next_line(|_| false).unwrap().is_none());
        assert_eq!(buffer.0.len(), CHUNK);
    }

    #[test]
    fn an_object_glued_to_another_one_is_a_piece_of_the_same_line() {
        let object = r#"{"timestamp":"2026-03-14T16:57:13.623Z","type":"event_msg","payload":{"type":"x"}}"#;
        for fill in [0, 100, CHUNK - 200, CHUNK - 5, CHUNK, 3 * CHUNK - 7, 3 * CHUNK + 9] {
            let torn = format!(
                "{{\"timestamp\":\"x\",\"type\":\"response_item\",\"payload\":\"{}",
                "y".repeat(fill)
            );
            let text = format!("first\n{torn}{object}\nlast\n");
            for (wanted, step) in [(true, CHUNK), (false, CHUNK), (false, 61)] {
                let mut buffer = Buffer::default();
                let mut reader = LineReader::new(Trickle(text.as_bytes(), step), &mut buffer);
                let mut seen = Vec::new();
                while let Some(line) = reader.next_line(|_| wanted).unwrap() {
                    let is_whole = line.bytes == object.as_bytes();
                    seen.push((line.number, line.offset, line.glued, line.terminated, is_whole));
                }
                let last = (6 + torn.len() + object.len() + 1) as u64;
                assert_eq!(
                    seen,
                    [
                        (1, 0, false, true, false),
                        (2, 6, true, false, false),
                        (2, 6, false, true, true),
                        (3, last, false, true, false),
                    ],
                    "{fill} {wanted} {step}"
                );
                assert_eq!(reader.offset(), text.len() as u64);
            }
        }
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_held_whole() {
        for end in ["", "\n", "\nshort"] {
            let bytes = [vec![b'x'; MAX_LINE], end.into()].concat();
            let mut buffer = Buffer::default();
            let mut reader = LineReader::new(&bytes[..], &mut buffer);
            let line = reader.next_line(|_| true).unwrap().unwrap();
            assert_eq!((line.bytes.len(), line.cut, line.terminated), (MAX_LINE, false, !end.is_empty()));
            let next = reader.next_line(|_| true).unwrap().map(|line| line.bytes.to_vec());
            assert_eq!(next, end.strip_prefix('\n').filter(|rest| !rest.is_empty()).map(Vec::from));
        }
        let bytes = vec![b'x'; MAX_LINE + 1];
        let mut buffer = Buffer::default();
        let mut reader = LineReader::new(&bytes[..], &mut buffer);
        assert!(reader.next_line(|_| true).unwrap().unwrap().cut);
    }

    #[test]
    fn a_line_over_the_limit_is_cut_even_if_wanted_and_the_buffer_shrinks_afterwards() {
        let bytes = vec![b'x'; MAX_LINE + 7];
        let mut buffer = Buffer::default();
        let mut reader = LineReader::new(&bytes[..], &mut buffer);
        let line = reader.next_line(|_| true).unwrap().unwrap();
        assert!(line.cut && !line.terminated && line.last_byte == Some(b'x'));
        assert!(reader.next_line(|_| true).unwrap().is_none());
        assert_eq!(reader.offset(), MAX_LINE as u64 + 7);
        let _ = LineReader::new(&b""[..], &mut buffer);
        assert!(buffer.0.capacity() <= 2 * CHUNK);
    }

    #[test]
    fn a_stream_ends_when_it_is_asked_to_also_within_a_line() {
        let interrupted = AtomicBool::new(false);
        struct Endless<'a>(&'a AtomicBool, usize);
        impl Read for Endless<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.1 += 1;
                self.0.store(self.1 == 100, Ordering::Relaxed);
                buffer.fill(b'x');
                Ok(buffer.len())
            }
        }
        let mut buffer = Buffer::default();
        let endless = Interruptible::new(Endless(&interrupted, 0), &interrupted);
        assert!(LineReader::new(endless, &mut buffer).next_line(|_| true).is_err());
    }

    proptest! {
        #[test]
        fn blank_lines_are_passed_over_and_counted(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b' '), Just(b'\r'), Just(b'x')], 0..300), step in 1usize..50) {
            let mut buffer = Buffer::default();
            let mut reader = LineReader::new(Trickle(&bytes, step), &mut buffer);
            let mut read = Vec::new();
            loop {
                reader.skip_blank_lines().unwrap();
                let Some(line) = reader.next_line(|_| true).unwrap() else { break };
                read.push((line.bytes.to_vec(), line.number, line.offset, line.terminated));
            }
            prop_assert_eq!(reader.offset(), bytes.len() as u64);
            let is_blank = |line: &[u8]| line.iter().all(u8::is_ascii_whitespace);
            prop_assert!(read.iter().all(|line| !is_blank(&line.0) || !line.3));
            let mut expected = lines(&bytes, step);
            expected.retain(|line| !is_blank(&line.0));
            read.retain(|line| !is_blank(&line.0));
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn lines_are_those_of_a_plain_split(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200), step in 1usize..50) {
            let read: Vec<Vec<u8>> = lines(&bytes, step).into_iter().map(|line| line.0).collect();
            let mut expected: Vec<Vec<u8>> = bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
            if expected.last().is_some_and(Vec::is_empty) {
                expected.pop();
            }
            prop_assert_eq!(read, expected);
        }
    }
}
