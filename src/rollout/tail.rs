//! Reads the end of a rollout: the time of its last line, and whether the end is lost, without the rest of the file.

use super::frames;
use super::last_event::LastEvent;
use super::line;
use super::look;
use super::peek;
use super::reader::{Buffer, Interruptible, LineReader};
use super::source::{self, ReadError, RolloutSource};
use crate::thread::Millis;
use std::io::{Read, Seek as _, SeekFrom};
use std::sync::atomic::AtomicBool;

/// Number of bytes read first; sixteen times as many each time that no line in them has a time.
const FIRST_WINDOW: u64 = 64 * 1024;

/// The end of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileEnd {
    /// The time of the last line that has one.
    pub last_event_at: Option<Millis>,
    /// True if the last line that is not blank is torn or overwritten.
    pub is_lost: bool,
}

/// Reads the end of a rollout. A compressed file is read whole.
///
/// # Errors
/// If the file cannot be read, or the program must stop.
pub fn end(
    source: &RolloutSource,
    buffer: &mut Buffer,
    interrupted: &AtomicBool,
) -> Result<FileEnd, ReadError> {
    let (mut file, metadata) = source::open(&source.path)?;
    if source.compressed {
        let file = Interruptible::new(file, interrupted);
        return end_of(peek::decompressed(file, interrupted)?, true, buffer)
            .map_err(|error| frames::explain(error, &source.path, interrupted));
    }
    let length = metadata.len();
    let mut window = FIRST_WINDOW;
    loop {
        let start = length.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let end = end_of(Interruptible::new(&file, interrupted), start == 0, buffer)?;
        if end.last_event_at.is_some() || start == 0 {
            return Ok(end);
        }
        window = window.saturating_mul(16);
    }
}

fn end_of(stream: impl Read, from_start: bool, buffer: &mut Buffer) -> Result<FileEnd, ReadError> {
    let mut lines = LineReader::new(stream, buffer);
    let mut last = LastEvent::default();
    let mut is_lost = false;
    loop {
        lines.skip_blank_lines()?;
        let Some(line) = lines.next_line(|_| false)? else {
            return Ok(FileEnd { last_event_at: last.time(), is_lost });
        };
        // Without a newline, an object inside of a torn line may end it.
        let is_open = !line.terminated && !line.glued;
        is_lost = line.last_byte != Some(b'}')
            || (is_open && (line.cut || !line::is_json(line.bytes.trim_ascii())));
        // The first line of a window begins somewhere in its middle.
        if from_start || line.number > 1 {
            last.push(line.bytes, look::look_at_start(line.bytes).as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        let compressed = zstd::encode_all(text.as_bytes(), 3).unwrap();
        for (name, bytes) in [("a.jsonl", text.as_bytes()), ("a.jsonl.zst", &compressed)] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let source =
                RolloutSource { path, name: None, compressed: name.ends_with("zst"), archived: false };
            let end = end(&source, &mut Buffer::default(), &AtomicBool::new(false)).unwrap();
            let expected = expected.map(|time| super::super::fields::parse_time(time).unwrap());
            assert_eq!(end.last_event_at, expected, "{name} of {} bytes", text.len());
            assert_eq!(end.is_lost, !text.is_empty() && !text.ends_with("}\n"), "{name}");
        }
    }

    fn line(second: u32, length: usize) -> String {
        let filler = "x".repeat(length);
        format!(
            "{{\"timestamp\":\"2026-03-14T10:00:{second:02}Z\",\"type\":\"x\",\"payload\":\"{filler}\"}}\n"
        )
    }

    #[test]
    fn the_last_line_with_a_time_is_found_however_far_from_the_end_it_begins() {
        let time = |second: u32| format!("2026-03-14T10:00:{second:02}Z");
        check("", None);
        check("no time\n", None);
        for length in [0, 1000, 70_000, 2_000_000] {
            let text = line(1, 500_000) + &line(2, 10) + &line(3, length);
            check(&text, Some(&time(3)));
            check(&(text.clone() + "{\"timestamp\":\"2026-03-1"), Some(&time(3)));
            check(&(text.clone() + "{\"timestamp\":\"2026-03-1\",\"payload\":{}"), Some(&time(3)));
            check(&(text + &"\0".repeat(length)), Some(&time(3)));
        }
    }
}
