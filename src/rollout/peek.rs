//! Reads the beginning of a rollout: the thread in it and where its history begins, without the rest of the file.

use super::frames::{self, Frames, LARGEST_WINDOW_LOG};
use super::item::{HistoryBase, Item, SessionMeta};
use super::line;
use super::reader::{Buffer, Interruptible, LineReader};
use super::source::{self, ReadError, RolloutSource};
use crate::thread::ThreadId;
use std::io::{BufReader, Read};
use std::sync::atomic::AtomicBool;

/// Returns the `history_base` of the first session meta of a file in which another one's history begins.
///
/// # Errors
/// If the file cannot be read, or begins with the session meta of another thread than the one in its name: then it does not
/// belong to the rollout.
pub fn history_base(
    source: &RolloutSource,
    buffer: &mut Buffer,
    interrupted: &AtomicBool,
) -> Result<Option<HistoryBase>, ReadError> {
    let Some(meta) = first_meta(source, buffer, interrupted)? else { return Ok(None) };
    let named = source.name.map(|name| name.thread);
    match meta.id.filter(|id| named.is_some_and(|named| named != *id)) {
        Some(other) => Err(ReadError::Unusable(format!("is of thread {other}"))),
        None => Ok(meta.history_base),
    }
}

/// Returns the thread in a file's first session meta; `None` if it gives none, so that the file's name decides.
///
/// # Errors
/// If the file cannot be read.
pub fn thread(
    source: &RolloutSource,
    buffer: &mut Buffer,
    interrupted: &AtomicBool,
) -> Result<Option<ThreadId>, ReadError> {
    // A meta without a time is ignored, as in a fold.
    Ok(first_meta(source, buffer, interrupted)?.and_then(|meta| meta.identity()).map(|(id, _)| id))
}

/// Returns the first session meta of a file, if it has one.
///
/// # Errors
/// If the file cannot be read.
pub fn first_meta(
    source: &RolloutSource,
    buffer: &mut Buffer,
    interrupted: &AtomicBool,
) -> Result<Option<SessionMeta>, ReadError> {
    let file = Interruptible::new(source::open(&source.path)?.0, interrupted);
    let named = source.name.map(|name| name.thread);
    if !source.compressed {
        return find(file, named, buffer);
    }
    find(decompressed(file, interrupted)?, named, buffer)
        .map_err(|error| frames::explain(error, &source.path, interrupted))
}

/// Returns the decompressed bytes of a rollout of which only a little is needed. Reading fails once the program must
/// stop.
pub(super) fn decompressed<'a>(
    file: impl Read + 'a,
    interrupted: &'a AtomicBool,
) -> Result<impl Read + 'a, ReadError> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(BufReader::new(file))?;
    decoder.window_log_max(LARGEST_WINDOW_LOG)?;
    Ok(Interruptible::new(Frames::new(decoder), interrupted))
}

/// Finds the first session meta. One of another thread than in the file's name counts only at the beginning of the
/// file: later it is the copy of a parent's in a fork that lost its own.
fn find(
    stream: impl Read,
    named: Option<ThreadId>,
    buffer: &mut Buffer,
) -> Result<Option<SessionMeta>, ReadError> {
    let mut lines = LineReader::new(stream, buffer);
    let mut is_first = true;
    loop {
        lines.skip_blank_lines()?;
        let Some(line) = lines.next_line(|_| true)? else { return Ok(None) };
        let bytes = line.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line.bytes);
        if let Some(Item::SessionMeta(meta) | Item::BareMeta(meta)) = line::read(bytes, false).item
            && (is_first || named.is_none() || meta.id.is_none() || meta.id == named)
        {
            return Ok(Some(*meta));
        }
        is_first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::ThreadId;

    fn check(lines: &[&str], expected: Option<u128>) {
        let text = lines.join("\n");
        let folder = tempfile::tempdir().unwrap();
        let compressed = zstd::encode_all(text.as_bytes(), 3).unwrap();
        for (name, bytes) in [("a.jsonl", text.as_bytes()), ("a.jsonl.zst", &compressed)] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let compressed = name.ends_with("zst");
            let source = RolloutSource { path, name: None, compressed, archived: false };
            let base = history_base(&source, &mut Buffer::default(), &AtomicBool::new(false)).unwrap();
            assert_eq!(base.map(|base| base.rollout), expected.map(ThreadId::from_u128), "{name}: {lines:?}");
            let is_of = thread(&source, &mut Buffer::default(), &AtomicBool::new(false)).unwrap();
            let says = lines.iter().any(|line| line.contains("session_meta"));
            assert_eq!(is_of, says.then_some(ThreadId::from_u128(1)), "{name}: {lines:?}");
        }
    }

    #[test]
    fn the_first_session_meta_gives_the_start_of_the_history() {
        let meta = |base: &str| {
            format!(
                "{{\"timestamp\":\"2026-08-22T05:31:01.123Z\",\"type\":\"session_meta\",\"payload\":{{\"id\":\
                 \"00000000-0000-0000-0000-000000000001\",\"timestamp\":\"2026-08-22T05:31:01.123Z\"{base}}}}}"
            )
        };
        let base = meta(
            ",\"history_base\":{\"thread_id\":\"00000000-0000-0000-0000-000000000007\",\
             \"end_ordinal_exclusive\":3,\"end_byte_offset\":9}",
        );
        check(&[&base], Some(7));
        check(&["garbage", "", &base], Some(7));
        check(&[&meta(""), &base], None);
        check(&["garbage"], None);
        check(&[], None);
    }

    #[test]
    fn a_parents_meta_counts_only_at_the_beginning() {
        let meta = |id: u32| {
            format!(
                "{{\"timestamp\":\"2026-08-22T05:31:01.123Z\",\"type\":\"session_meta\",\"payload\":{{\"id\":\
                 \"00000000-0000-0000-0000-00000000000{id}\",\"timestamp\":\"2026-08-22T05:31:01.123Z\"}}}}\n"
            )
        };
        let check = |text: String, expected: Option<u128>| {
            let found = find(text.as_bytes(), Some(ThreadId::from_u128(1)), &mut Buffer::default()).unwrap();
            assert_eq!(found.and_then(|meta| meta.id), expected.map(ThreadId::from_u128), "{text}");
        };
        check(meta(1) + &meta(2), Some(1));
        check(meta(2) + &meta(1), Some(2));
        check(format!("{{torn\n{}", meta(2)), None);
        check(format!("{{torn\n{}{}", meta(2), meta(1)), Some(1));
    }
}
