//! Finds the names that people gave to threads in `session_index.jsonl`; never writes.

use crate::progress::Progress;
use crate::rollout::reader::{Buffer, CHUNK, LineReader};
use crate::sys;
use crate::thread::ThreadId;
use serde::de::IgnoredAny;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The name of the file, below the home.
pub const FILE_NAME: &str = "session_index.jsonl";

/// Maximum number of bytes read, from the end: the names of a million threads.
const MAX_SIZE: u64 = 128 * 1024 * 1024;

/// Number of bytes that are read around a name. Names are mostly asked for in the order of the file.
const WINDOW: usize = 16 * 1024;

/// Maximum number of times that a file that another program changes in place is read again.
const MAX_READINGS: u32 = 8;

/// The names in the session index.
///
/// It holds only the place of each name, because a home may have a million names, and names may be long. A name is read
/// from the file when it is asked for.
#[derive(Debug)]
pub struct Names {
    home: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    places: Places,
    /// The file in which the places were found, even if another one has its name now.
    file: Option<File>,
    /// The bytes of the file that were read last, and their place.
    window: (u64, Vec<u8>),
    n_readings: u32,
}

/// The places of the last names of threads, ordered by thread.
#[derive(Debug, Default)]
struct Places {
    /// Number of bytes of the file that were left out at its beginning. Places are counted from there.
    left_out: u64,
    /// The threads, each with the place of the object with its name.
    sorted: Vec<(ThreadId, u32)>,
}

/// An object of the file.
#[derive(serde::Deserialize)]
struct IndexEntry {
    id: String,
    thread_name: String,
}

impl IndexEntry {
    /// Returns the thread and its name if the entry has both.
    fn named(self) -> Option<(ThreadId, String)> {
        let id = ThreadId::parse(&self.id).filter(|_| !self.thread_name.trim().is_empty())?;
        Some((id, self.thread_name))
    }
}

impl Names {
    /// Finds the names; for each id the last line with a non-empty name wins. A missing file contains none. A line that
    /// does not parse is skipped, because Codex appends to the file and a crash may tear its end.
    ///
    /// # Errors
    /// If the file exists and cannot be read.
    pub fn read(home: &Path) -> io::Result<Names> {
        let state = State::read(home)?;
        Ok(Names { home: home.to_owned(), state: Mutex::new(state) })
    }

    /// Finds the names; warns and returns none if the file cannot be read.
    pub fn read_or_warn(home: &Path, progress: &dyn Progress) -> Names {
        let path = home.join(FILE_NAME);
        let path = path.display();
        let names = Names::read(home).unwrap_or_else(|error| {
            progress.warn(&format!("{path}: names cannot be read: {error}"));
            Names { home: home.to_owned(), state: Mutex::default() }
        });
        let left_out = names.left_out();
        if left_out > 0 {
            progress.warn(&format!("{path}: too long: the first {left_out} bytes of it are not read"));
        }
        names
    }

    /// Returns the number of bytes at the beginning of the file that were not read, because the file is longer than any
    /// that Codex writes. The latest names are at its end.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.with(|state| state.places.left_out)
    }

    /// Returns true if the thread has a name.
    #[must_use]
    pub fn contains(&self, id: ThreadId) -> bool {
        self.with(|state| state.places.of(id).is_some())
    }

    /// Returns the threads with a name for which `is_wanted` is true, in order.
    pub fn threads(&self, mut is_wanted: impl FnMut(ThreadId) -> bool) -> Vec<ThreadId> {
        self.with(|state| state.places.sorted.iter().map(|(id, _)| *id).filter(|id| is_wanted(*id)).collect())
    }

    /// Reads the name of a thread. If another program has changed the file in place, the places are searched for again.
    #[must_use]
    pub fn get(&self, id: ThreadId) -> Option<String> {
        self.with(|state| {
            loop {
                let place = state.places.of(id)?;
                if let Some((_, name)) = state.at(place).ok().flatten().filter(|(found, _)| *found == id) {
                    return Some(name);
                }
                if state.n_readings >= MAX_READINGS {
                    return None;
                }
                *state = State { n_readings: state.n_readings + 1, ..State::read(&self.home).ok()? };
            }
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn read(home: &Path) -> io::Result<State> {
        let file = sys::if_there(sys::open_regular(&home.join(FILE_NAME), sys::Links::Follow))?;
        let Some(mut file) = file else { return Ok(State::default()) };
        let places = Places::find(&mut file)?;
        Ok(State { places, file: Some(file), ..State::default() })
    }

    /// Reads the name at a place.
    fn at(&mut self, place: u64) -> io::Result<Option<(ThreadId, String)>> {
        let Some(file) = &mut self.file else { return Ok(None) };
        // First what was read before, then the surroundings, then as much as the longest line.
        for length in [0, WINDOW, CHUNK] {
            let (begin, bytes) = &mut self.window;
            if length > 0 {
                file.seek(SeekFrom::Start(place))?;
                bytes.clear();
                file.take(length as u64).read_to_end(bytes)?;
                *begin = place;
            }
            let from = place.checked_sub(*begin).and_then(|from| usize::try_from(from).ok());
            if let Some(entry) = from.and_then(|from| first_entry(bytes.get(from..)?)) {
                return Ok(entry.named());
            }
        }
        Ok(None)
    }
}

impl Places {
    fn find(file: &mut File) -> io::Result<Places> {
        let left_out = file.metadata()?.len().saturating_sub(MAX_SIZE);
        file.seek(SeekFrom::Start(left_out))?;
        let mut places = Places { left_out, sorted: Vec::new() };
        let mut buffer = Buffer::default();
        // The file may grow meanwhile; the limit ends the loop.
        let mut lines = LineReader::new(file.take(MAX_SIZE), &mut buffer);
        loop {
            lines.skip_blank_lines()?;
            let begin = lines.offset();
            let Some(line) = lines.next_line(|_| false)? else { break };
            let bytes = line.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line.bytes);
            let begin = begin + (line.bytes.len() - bytes.len()) as u64;
            each_entry(bytes, |at, id| places.add(id, begin + at as u64));
        }
        places.sort();
        places.sorted.shrink_to_fit();
        Ok(places)
    }

    fn add(&mut self, id: ThreadId, place: u64) {
        let n = self.sorted.capacity();
        if self.sorted.len() == n {
            // A file may name one thread again and again.
            self.sort();
            if self.sorted.len() > n / 2 {
                self.sorted.reserve(n);
            }
        }
        self.sorted.push((id, u32::try_from(place).unwrap_or(u32::MAX)));
    }

    /// Sorts the places, and keeps the last of each thread.
    fn sort(&mut self) {
        self.sorted.sort_unstable_by_key(|(id, place)| (*id, std::cmp::Reverse(*place)));
        self.sorted.dedup_by_key(|(id, _)| *id);
    }

    /// Returns the place of the name of a thread in the file.
    fn of(&self, id: ThreadId) -> Option<u64> {
        let i = self.sorted.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(self.left_out + u64::from(self.sorted[i].1))
    }
}

/// Calls `take` with the thread of each entry in a line that has a name, and the place of the entry in the line.
fn each_entry(line: &[u8], mut take: impl FnMut(usize, ThreadId)) {
    let mut take = |at, entry: IndexEntry| entry.named().into_iter().for_each(|(id, _)| take(at, id));
    match serde_json::from_slice::<IndexEntry>(line) {
        Ok(entry) => take(0, entry),
        // A writer that died before its newline leaves its line, or a part of it, before the next one.
        Err(_) if serde_json::from_slice::<IgnoredAny>(line).is_err() => {
            const BEGINNING: &[u8] = b"{\"id\"";
            let places = line.windows(BEGINNING.len()).enumerate();
            for (at, _) in places.filter(|(_, window)| *window == BEGINNING) {
                first_entry(&line[at..]).into_iter().for_each(|entry| take(at, entry));
            }
        }
        Err(_) => {}
    }
}

/// Reads the entry at the beginning of some bytes.
fn first_entry(bytes: &[u8]) -> Option<IndexEntry> {
    serde_json::Deserializer::from_slice(bytes).into_iter().next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const ID: &str = "019ced47-cebb-79dd-b0aa-a552437621a9";

    fn line(name: &str) -> String {
        line_of(&ID.to_uppercase(), name)
    }

    fn line_of(id: &str, name: &str) -> String {
        format!("{{\"id\":\"{id}\",\"thread_name\":\"{name}\"}}\n")
    }

    fn id(n: u128) -> ThreadId {
        ThreadId::from_u128(n)
    }

    /// Returns the names in a session index with this text.
    fn names(text: &str) -> Vec<String> {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(FILE_NAME), text).unwrap();
        all(&Names::read(home.path()).unwrap())
    }

    fn all(names: &Names) -> Vec<String> {
        names.threads(|_| true).into_iter().map(|id| names.get(id).unwrap()).collect()
    }

    #[test]
    fn the_last_line_with_a_name_wins_and_broken_lines_are_skipped() {
        let home = tempfile::tempdir().unwrap();
        let none = Names::read(home.path()).unwrap();
        assert_eq!(
            (none.threads(|_| true), none.get(id(1)), none.contains(id(1))),
            (Vec::new(), None, false)
        );
        let broken = "{torn\n{\"id\":\"no uuid\",\"thread_name\":\"x\"}";
        assert_eq!(
            names(&["\u{feff}", &line("first"), &line("second"), &line(""), broken].concat()),
            ["second"]
        );
        assert_eq!(names(&["\u{feff}", &line("first"), "\n \r\n\n"].concat()), ["first"]);
        let nested = format!("{{\"x\":{}}}", line("nested").trim_end());
        assert_eq!(names(&nested), [""; 0]);
        for glued in [line("first").trim_end(), "{\"id\":\"", "{\"id\":\"x\",\"thread_na", "{\"timestamp\":{"]
        {
            assert_eq!(names(&(glued.to_owned() + &line("glued") + "{\"id\"")), ["glued"], "{glued}");
        }
    }

    #[test]
    fn names_are_found_anywhere_in_a_file_however_long_the_lines_are() {
        let text: String = (0..2000u128)
            .map(|n| line_of(&id(n % 900).to_string(), &format!("{n} {}", "x".repeat(n as usize % 331 * 9))))
            .collect();
        // The last lines of the threads, of which some are longer than what is read at once.
        let long = "y".repeat(CHUNK - 200);
        let text =
            text + &line_of(&id(7).to_string(), &long) + &line_of(&id(8).to_string(), &"z".repeat(CHUNK));
        let names = names(&text);
        assert_eq!(names.len(), 900);
        assert_eq!(names[7], long);
        assert!(names[8].starts_with("1808 xxx"), "a line that is too long counts as torn");
        assert!((0..900).all(|n| n == 7 || names[n].split(' ').next() == Some(&last(n).to_string())));
        fn last(n: usize) -> usize {
            if n < 200 { 1800 + n } else { 900 + n }
        }
    }

    #[test]
    fn many_names_of_one_thread_take_no_memory() {
        let mut places = Places::default();
        for n in 0..300_000u64 {
            places.add(id(u128::from(n % 10)), n);
        }
        assert!(places.sorted.capacity() < 100, "{}", places.sorted.capacity());
        places.sort();
        assert_eq!(
            (places.sorted.len(), places.of(id(9)), places.of(id(0))),
            (10, Some(299_999), Some(299_990))
        );
        let mut places = Places::default();
        (0..100_000u64).for_each(|n| places.add(id(u128::from(n)), n));
        places.sort();
        assert!((0..100_000u64).all(|n| places.of(id(u128::from(n))) == Some(n)));
    }

    #[test]
    fn a_file_that_is_replaced_is_read_on_and_one_that_is_changed_is_read_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE_NAME);
        let text = line_of(&id(1).to_string(), "one") + &line_of(&id(2).to_string(), "two");
        std::fs::write(&path, &text).unwrap();
        let [appended_to, replaced] = [(); 2].map(|()| Names::read(home.path()).unwrap());
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(line_of(&id(1).to_string(), "later").as_bytes()).unwrap();
        assert_eq!(all(&appended_to), ["one", "two"]);
        let other = home.path().join("other");
        std::fs::write(&other, line_of(&id(2).to_string(), "other")).unwrap();
        std::fs::rename(&other, &path).unwrap();
        if cfg!(unix) {
            assert_eq!(all(&replaced), ["one", "two"]);
        }
        std::fs::write(&path, line_of(&id(3).to_string(), "three") + &text.replace("two", "three")).unwrap();
        let again = Names::read(home.path()).unwrap();
        std::fs::write(&path, text.replace("two", "2")).unwrap();
        assert_eq!(again.get(id(2)).as_deref(), Some("2"));
        assert_eq!((again.get(id(3)), again.contains(id(3))), (None, false));
        drop(file);
    }
}
