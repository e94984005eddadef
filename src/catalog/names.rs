//! Reads the names that people gave to threads from `session_index.jsonl`; never writes.

use crate::progress::Progress;
use crate::rollout::reader::{Buffer, LineReader};
use crate::sys;
use crate::thread::ThreadId;
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::io::{self, Read as _, Seek as _};
use std::path::Path;

/// The name of the file, below the home.
pub const FILE_NAME: &str = "session_index.jsonl";

/// Maximum number of bytes read, from the end: the names of a million threads.
const MAX_SIZE: u64 = 128 * 1024 * 1024;

/// Reads the names; for each id the last line with a non-empty name wins. A missing file contains none. A line that
/// does not parse is skipped, because Codex appends to the file and a crash may tear its end.
///
/// # Errors
/// If the file exists and cannot be read.
pub fn read(home: &Path) -> io::Result<HashMap<ThreadId, String>> {
    Ok(read_last(home)?.0)
}

/// Reads the names, and returns how many bytes of the file were left out.
fn read_last(home: &Path) -> io::Result<(HashMap<ThreadId, String>, u64)> {
    let mut names = HashMap::new();
    let left_out = for_each(home, |id, name| drop(names.insert(id, name)))?;
    Ok((names, left_out))
}

/// Reads the names; warns and returns none if the file cannot be read.
pub fn read_or_warn(home: &Path, progress: &dyn Progress) -> HashMap<ThreadId, String> {
    match read_last(home) {
        Ok((names, left_out)) => {
            left_out_warning(home, left_out).iter().for_each(|warning| progress.warn(warning));
            names
        }
        Err(error) => {
            progress.warn(&format!("{}: names cannot be read: {error}", home.join(FILE_NAME).display()));
            HashMap::new()
        }
    }
}

/// Calls `take` with the id and the name of each line that has both, in the order of the file. If the file is longer
/// than any that Codex writes, only its last part is read, because the latest names are there. Returns the number of
/// bytes left out before it.
///
/// # Errors
/// As [`read`].
pub fn for_each(home: &Path, mut take: impl FnMut(ThreadId, String)) -> io::Result<u64> {
    #[derive(serde::Deserialize)]
    struct IndexEntry {
        id: String,
        thread_name: String,
    }
    let mut file = match sys::open_regular(&home.join(FILE_NAME), sys::Links::Follow) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let left_out = file.metadata()?.len().saturating_sub(MAX_SIZE);
    file.seek(io::SeekFrom::Start(left_out))?;
    let mut buffer = Buffer::default();
    // The file may grow meanwhile; the limit ends the loop.
    let mut lines = LineReader::new(file.take(MAX_SIZE), &mut buffer);
    loop {
        lines.skip_blank_lines()?;
        let Some(line) = lines.next_line(|_| false)? else { return Ok(left_out) };
        let bytes = line.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line.bytes);
        let mut take = |entry: IndexEntry| {
            if let Some(id) = ThreadId::parse(&entry.id).filter(|_| !entry.thread_name.trim().is_empty()) {
                take(id, entry.thread_name);
            }
        };
        match serde_json::from_slice::<IndexEntry>(bytes) {
            Ok(entry) => take(entry),
            // A writer that died before its newline leaves its line, or a part of it, before the next one.
            Err(_) if serde_json::from_slice::<IgnoredAny>(bytes).is_err() => {
                const BEGINNING: &[u8] = b"{\"id\"";
                let places = bytes.windows(BEGINNING.len()).enumerate();
                for (at, _) in places.filter(|(_, window)| *window == BEGINNING) {
                    let mut objects = serde_json::Deserializer::from_slice(&bytes[at..]).into_iter();
                    objects.next().and_then(Result::ok).into_iter().for_each(&mut take);
                }
            }
            Err(_) => {}
        }
    }
}

/// Returns the warning if the beginning of the file was left out.
#[must_use]
pub fn left_out_warning(home: &Path, left_out: u64) -> Option<String> {
    let path = home.join(FILE_NAME);
    (left_out > 0)
        .then(|| format!("{}: too long: the first {left_out} bytes of it are not read", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_with_a_name_wins_and_broken_lines_are_skipped() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(read(home.path()).unwrap(), HashMap::new());
        let id = "019ced47-cebb-79dd-b0aa-a552437621a9";
        let line = |name: &str| format!("{{\"id\":\"{}\",\"thread_name\":\"{name}\"}}\n", id.to_uppercase());
        let broken = "{torn\n{\"id\":\"no uuid\",\"thread_name\":\"x\"}";
        let text = ["\u{feff}", &line("first"), &line("second"), &line(""), broken].concat();
        std::fs::write(home.path().join(FILE_NAME), text).unwrap();
        let names = read(home.path()).unwrap();
        assert_eq!(names, HashMap::from([(ThreadId::parse(id).unwrap(), "second".to_owned())]));
        let nested = format!("{{\"x\":{}}}", line("nested").trim_end());
        std::fs::write(home.path().join(FILE_NAME), nested).unwrap();
        assert_eq!(read(home.path()).unwrap(), HashMap::new());
        for glued in [line("first").trim_end(), "{\"id\":\"", "{\"id\":\"x\",\"thread_na"] {
            std::fs::write(home.path().join(FILE_NAME), glued.to_owned() + &line("glued") + "{\"id\"")
                .unwrap();
            assert_eq!(read(home.path()).unwrap().into_values().collect::<Vec<_>>(), ["glued"], "{glued}");
        }
    }
}
