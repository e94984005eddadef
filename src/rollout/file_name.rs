//! Parses and builds the names of rollout files. Pure; it knows nothing about the files' contents.

use crate::thread::{Millis, ThreadId};
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Timelike as _};
use std::ffi::OsStr;

const PREFIX: &str = "rollout-";
const PLAIN: &str = ".jsonl";
const COMPRESSED: &str = ".jsonl.zst";
/// Length of a time in a name, as in `2026-03-14T16-57-12`.
const TIME_LENGTH: usize = 19;
/// Length of a hyphenated UUID.
const ID_LENGTH: usize = 36;

/// The parts of a well-formed rollout name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RolloutName {
    /// Time when the thread began, in the local time of that place, read as UTC.
    pub time: Millis,
    /// The thread.
    pub thread: ThreadId,
    /// The rollout: its id differs from the thread's in a reverted thread.
    pub rollout: ThreadId,
}

/// The kind of rollout file according to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedFile {
    /// The parts of the name; `None` for `rollout-…` if the rest does not parse.
    pub name: Option<RolloutName>,
    /// True if the name ends in `.zst`.
    pub compressed: bool,
}

/// Parses a file name; `None` if it is not that of a rollout.
#[must_use]
pub fn parse(file_name: &OsStr) -> Option<NamedFile> {
    let bytes = file_name.as_encoded_bytes();
    let rest = bytes.strip_prefix(PREFIX.as_bytes())?;
    let (stem, compressed) = match rest.strip_suffix(COMPRESSED.as_bytes()) {
        Some(stem) => (stem, true),
        None => (rest.strip_suffix(PLAIN.as_bytes())?, false),
    };
    Some(NamedFile { name: std::str::from_utf8(stem).ok().and_then(parse_stem), compressed })
}

/// Returns the first thread id in a file name, even if the name does not parse, such as `rollout-<time>-<id>
/// (1).jsonl`.
#[must_use]
pub fn find_thread(file_name: &OsStr) -> Option<ThreadId> {
    let bytes = file_name.as_encoded_bytes();
    bytes.windows(ID_LENGTH).find_map(|id| ThreadId::parse(std::str::from_utf8(id).ok()?))
}

fn parse_stem(stem: &str) -> Option<RolloutName> {
    let time = parse_time(stem.get(..TIME_LENGTH)?)?;
    let ids = stem.get(TIME_LENGTH..)?.strip_prefix('-')?;
    let thread = ThreadId::parse(ids.get(..ID_LENGTH)?)?;
    let rollout = match ids.get(ID_LENGTH..)? {
        "" => thread,
        rest => ThreadId::parse(rest.strip_prefix('_')?)?,
    };
    Some(RolloutName { time, thread, rollout })
}

/// Parses a time in the format of file names (`2026-03-14T16-57-12`), as UTC.
#[must_use]
pub fn parse_time(text: &str) -> Option<Millis> {
    // Parsed for every file of a home, often more than once: chrono's parser would take most of the time of a walk.
    let bytes: &[u8; TIME_LENGTH] = text.as_bytes().try_into().ok()?;
    let has_marks =
        [(4, b'-'), (7, b'-'), (10, b'T'), (13, b'-'), (16, b'-')].iter().all(|&(i, mark)| bytes[i] == mark);
    let number = |from: usize, to: usize| {
        bytes[from..to]
            .iter()
            .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // A leap second is stored as second 59 plus 1000 milliseconds.
    let (second, milliseconds) = if second == 60 { (59, 1000) } else { (second, 0) };
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let time = NaiveTime::from_hms_milli_opt(hour, minute, second, milliseconds)?;
    has_marks.then(|| date.and_time(time).and_utc().timestamp_millis())
}

impl RolloutName {
    /// Returns the file name with these parts.
    #[must_use]
    pub fn to_file_name(self, compressed: bool) -> String {
        self.encode(compressed, &mut NameBuffer::default()).to_owned()
    }

    /// Writes the file name into `buffer`, without an allocation: this is done for every file of a home, often more
    /// than once.
    pub fn encode(self, compressed: bool, buffer: &mut NameBuffer) -> &str {
        let time = DateTime::from_timestamp_millis(self.time).unwrap_or_default();
        buffer.length = 0;
        buffer.push(PREFIX);
        buffer.push_digits(time.year().unsigned_abs(), 4);
        for (mark, number) in [
            ("-", time.month()),
            ("-", time.day()),
            ("T", time.hour()),
            ("-", time.minute()),
            ("-", time.second()),
        ] {
            buffer.push(mark);
            buffer.push_digits(number, 2);
        }
        let mut id = [0; ID_LENGTH];
        buffer.push("-");
        buffer.push(self.thread.encode(&mut id));
        if self.rollout != self.thread {
            buffer.push("_");
            buffer.push(self.rollout.encode(&mut id));
        }
        buffer.push(if compressed { COMPRESSED } else { PLAIN });
        buffer.as_str()
    }

    /// Returns the folders below `sessions/` for the file: year, month, day.
    #[must_use]
    pub fn date_folders(self) -> [String; 3] {
        let time = DateTime::from_timestamp_millis(self.time).unwrap_or_default();
        ["%Y", "%m", "%d"].map(|format| time.format(format).to_string())
    }
}

/// A buffer for the longest name that can be built from parts.
#[derive(Debug, Clone, Copy)]
pub struct NameBuffer {
    bytes: [u8; PREFIX.len() + TIME_LENGTH + 2 * (1 + ID_LENGTH) + COMPRESSED.len()],
    length: usize,
}

impl Default for NameBuffer {
    fn default() -> NameBuffer {
        NameBuffer { bytes: [0; _], length: 0 }
    }
}

impl NameBuffer {
    fn push(&mut self, text: &str) {
        self.bytes[self.length..self.length + text.len()].copy_from_slice(text.as_bytes());
        self.length += text.len();
    }

    fn push_digits(&mut self, mut number: u32, n_digits: usize) {
        for place in self.bytes[self.length..self.length + n_digits].iter_mut().rev() {
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.length += n_digits;
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Option<NamedFile> {
        parse(OsStr::new(text))
    }

    const ID: &str = "019ced47-cebb-79dd-b0aa-a552437621a9";
    const OTHER: &str = "019ced6b-835b-799d-83c9-31b6374bba33";

    #[test]
    fn a_plain_name_has_time_and_thread() {
        let file = name(&format!("rollout-2026-03-14T16-57-12-{ID}.jsonl")).unwrap();
        assert!(!file.compressed);
        let parts = file.name.unwrap();
        assert_eq!((parts.time, parts.thread.to_string().as_str()), (1_773_507_432_000, ID));
        assert_eq!(parts.rollout, parts.thread);
        assert_eq!(parts.date_folders(), ["2026", "03", "14"]);
    }

    #[test]
    fn a_reverted_thread_names_its_rollout_and_zst_is_compressed() {
        let file = name(&format!("rollout-2026-03-14T16-57-12-{ID}_{OTHER}.jsonl.zst")).unwrap();
        assert!(file.compressed);
        assert_eq!(file.name.unwrap().rollout.to_string(), OTHER);
    }

    #[test]
    fn a_rollout_name_that_does_not_parse_is_malformed_and_other_names_give_none() {
        for malformed in [
            "rollout-.jsonl",
            "rollout-2026-03-04T05-06-07-not-a-uuid.jsonl",
            "rollout-2026-13-04T05-06-07-019ced47-cebb-79dd-b0aa-a552437621a9.jsonl",
            "rollout-2026-3-04T05-06-07--019ced47-cebb-79dd-b0aa-a552437621a9.jsonl",
            "rollout-2026-03-04T05-06-07-019ced47-cebb-79dd-b0aa-a552437621a9_.jsonl",
            "rollout-2026-03-04T05-06-07-019ced47-cebb-79dd-b0aa-a552437621a9 copy.jsonl",
            "rollout-é26-03-04T05-06-07-019ced47-cebb-79dd-b0aa-a552437621a9.jsonl",
        ] {
            assert_eq!(name(malformed).map(|file| file.name), Some(None), "{malformed}");
        }
        for other in
            ["notes.txt", "rollout-x.jsonl.bak", "rollout-x.zst", "x-rollout-.jsonl", "rollout-x.json"]
        {
            assert_eq!(name(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_read_back_as_it_was_written(
            seconds in 0i64..4_102_444_800, thread: u128, rollout: Option<u128>, compressed: bool,
        ) {
            let thread = ThreadId::from_u128(thread);
            let rollout = rollout.map_or(thread, ThreadId::from_u128);
            let parts = RolloutName { time: seconds * 1000, thread, rollout };
            let read = parse(OsStr::new(&parts.to_file_name(compressed)));
            prop_assert_eq!(read, Some(NamedFile { name: Some(parts), compressed }));
        }

        #[test]
        fn a_time_is_read_as_chrono_reads_it(numbers: [u32; 6]) {
            let [year, month, day, hour, minute, second] = numbers;
            let (month, day, hour) = (month % 14, day % 33, hour % 26);
            let text = format!(
                "{:04}-{month:02}-{day:02}T{hour:02}-{:02}-{:02}", year % 10_000, minute % 62, second % 63
            );
            let expected = chrono::NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H-%M-%S").ok();
            prop_assert_eq!(parse_time(&text), expected.map(|time| time.and_utc().timestamp_millis()));
        }

        #[test]
        fn any_name_at_all_is_read_without_a_panic(text in ".{0,80}") {
            let _ = parse(OsStr::new(&format!("rollout-{text}.jsonl")));
        }
    }
}
