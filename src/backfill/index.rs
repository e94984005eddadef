//! Appends names that only the database has to `session_index.jsonl`, one line per thread as Codex writes it. It
//! changes no existing line.
//!
//! A killed run leaves complete lines and perhaps a torn last one. The next run then begins with a newline, and
//! appends the name of the torn line again.

use crate::catalog::names::{FILE_NAME, Names};
use crate::db::names::{self, NamedThread};
use crate::db::{Reader, Schema};
use crate::fault;
use crate::survey::Context;
use crate::sys::{Links, if_there, open_regular_with};
use crate::thread::columns::Row;
use crate::thread::{ThreadId, ThreadMetadata};
use chrono::SecondsFormat;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::ControlFlow;
use std::path::Path;

/// Number of bytes of complete lines that are appended in one write. A longer line is written alone.
const CHUNK: usize = 64 * 1024;

/// The data about names that a backfill collects while it reads: few bytes for each thread.
#[derive(Debug, Default)]
pub struct NotedNames {
    /// Hashes of the two texts from which Codex may have derived the title, by thread that was read.
    titles: HashMap<ThreadId, [u32; 2]>,
    /// The threads whose rows a preview would write.
    to_come: HashMap<ThreadId, NameToCome>,
}

/// The name in a row that a preview would write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum NameToCome {
    /// The row has none.
    Nothing,
    /// The title, by its hash; it may be derived from the rollout.
    Title(u32),
    /// A name that is not the title.
    Name,
}

impl NotedNames {
    /// Records the texts of a rollout from which a title may be derived.
    pub(super) fn note_titles(&mut self, thread: &ThreadMetadata) {
        let hashes = [&thread.title, &thread.first_user_message].map(|text| hash(text));
        self.titles.insert(thread.id, hashes);
    }

    /// Records the row that a preview would write.
    pub(super) fn note_row(&mut self, id: ThreadId, row: &Row) {
        let name = match names::of_row(row) {
            None => NameToCome::Nothing,
            Some((title, true)) => NameToCome::Title(hash(title)),
            Some((_, false)) => NameToCome::Name,
        };
        self.to_come.insert(id, name);
    }

    /// Returns true if a title is derived from the rollout, so that it is not a name.
    fn explains(&self, id: ThreadId, title: u32) -> bool {
        self.titles.get(&id).is_some_and(|hashes| hashes.contains(&title))
    }
}

/// Returns a short hash of a text, because a home may have a million titles.
fn hash(text: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    text.trim().hash(&mut hasher);
    u32::try_from(hasher.finish() >> 32).unwrap_or_default()
}

/// Options of appending names.
pub struct IndexOptions<'a> {
    /// The home, and the circumstances of the run.
    pub context: Context<'a>,
    /// Append only the names of these threads, and of those whose rollouts were read; all if `None`.
    pub threads: Option<&'a BTreeSet<ThreadId>>,
    /// True if rollouts were skipped. A title counts as a name only if the rollout was read.
    pub quick: bool,
    /// True to append nothing and only count.
    pub dry_run: bool,
    /// The data that the backfill collected.
    pub noted: &'a NotedNames,
    /// Threads whose rows are about to be deleted.
    pub to_be_pruned: &'a BTreeSet<ThreadId>,
}

/// The result of appending names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Number of names that were appended, or would be.
    pub names: u64,
    /// The reason why the index could not be read or written.
    pub failure: Option<String>,
}

/// One line, as Codex writes it.
#[derive(Serialize)]
struct IndexLine<'a> {
    id: String,
    thread_name: &'a str,
    updated_at: String,
}

/// Lines that are appended in one write.
#[derive(Debug, Default)]
struct Chunk {
    text: String,
    ids: Vec<ThreadId>,
}

/// Appends the name of each thread that has one in the database but none in the session index.
///
/// `reader` is the database, or `None` if a preview has none.
///
/// # Errors
/// If the database cannot be read. A failure to read or write the index is part of the result.
pub fn append_names(options: &IndexOptions<'_>, reader: Option<&mut Reader>) -> anyhow::Result<Indexed> {
    let mut indexed = Indexed::default();
    let mut index = match Index::read(options.context.home) {
        Ok(index) => index,
        Err(error) => return Ok(Indexed { failure: Some(error.to_string()), ..indexed }),
    };
    if let Some(reader) = reader {
        let schema = Schema::of(reader)?;
        let mut after = Some(String::new());
        while let Some(begin) = after.take() {
            if options.context.is_interrupted() {
                break;
            }
            let (chunk, last) = reader.read(|connection| -> anyhow::Result<_> {
                let mut chunk = Chunk::default();
                let last = names::for_each(connection, &schema, &begin, |named| {
                    if options.dry_run && options.noted.to_come.contains_key(&named.id) {
                        return ControlFlow::Continue(());
                    }
                    options.take(&index, &mut chunk, named)
                })?;
                Ok((chunk, last))
            })?;
            if let Err(error) = index.append(options, chunk, &mut indexed) {
                indexed.failure = Some(error.to_string());
                return Ok(indexed);
            }
            after = last;
        }
    }
    if options.dry_run {
        let to_come = options.noted.to_come.iter();
        let lacking = to_come.filter(|&(&id, &name)| !index.contains(id) && options.wants(id, name));
        indexed.names += lacking.count() as u64;
    }
    if let Err(error) = index.finish() {
        indexed.failure = Some(error.to_string());
    }
    Ok(indexed)
}

impl IndexOptions<'_> {
    /// Adds one name to a chunk if the index lacks it. Breaks if the chunk has no room for it.
    fn take(&self, index: &Index, chunk: &mut Chunk, named: NamedThread<'_>) -> ControlFlow<()> {
        let name = if named.is_title { NameToCome::Title(hash(named.name)) } else { NameToCome::Name };
        if index.contains(named.id) || !self.wants(named.id, name) {
            return ControlFlow::Continue(());
        }
        let updated_at = self.context.now.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let line = IndexLine { id: named.id.to_string(), thread_name: named.name, updated_at };
        let Ok(line) = serde_json::to_string(&line) else { return ControlFlow::Continue(()) };
        if !chunk.text.is_empty() && chunk.text.len() + line.len() + 1 > CHUNK {
            return ControlFlow::Break(());
        }
        chunk.text.push_str(&line);
        chunk.text.push('\n');
        chunk.ids.push(named.id);
        ControlFlow::Continue(())
    }

    fn wants(&self, id: ThreadId, name: NameToCome) -> bool {
        let is_name = match name {
            NameToCome::Nothing => false,
            NameToCome::Title(title) => !(self.quick || self.noted.explains(id, title)),
            NameToCome::Name => true,
        };
        let is_asked_for =
            self.threads.is_none_or(|threads| threads.contains(&id) || self.noted.titles.contains_key(&id));
        is_name && is_asked_for && !self.to_be_pruned.contains(&id)
    }
}

/// The session index.
struct Index<'a> {
    home: &'a Path,
    /// The names in it when it was last read.
    names: Names,
    /// The threads whose names were appended since.
    appended: HashSet<ThreadId>,
    /// Its length when it was last read or written.
    length: u64,
    /// The file opened for appending, after the first write.
    file: Option<File>,
}

impl Index<'_> {
    fn read(home: &Path) -> io::Result<Index<'_>> {
        let metadata = if_there(std::fs::metadata(home.join(FILE_NAME)))?;
        let length = metadata.map_or(0, |metadata| metadata.len());
        let names = Names::read(home)?;
        let left_out = names.left_out();
        if left_out > 0 {
            let text = format!("too long: the first {left_out} bytes are not read, so nothing is appended");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(Index { home, names, appended: HashSet::new(), length, file: None })
    }

    fn contains(&self, id: ThreadId) -> bool {
        self.names.contains(id) || self.appended.contains(&id)
    }

    /// Appends the lines of a chunk for threads that the index still lacks, because Codex may append at the same
    /// time.
    fn append(&mut self, options: &IndexOptions<'_>, chunk: Chunk, indexed: &mut Indexed) -> io::Result<()> {
        if chunk.ids.is_empty() {
            return Ok(());
        }
        if options.dry_run {
            indexed.names += chunk.ids.len() as u64;
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(open_regular_with(
                File::options().read(true).append(true).create(true),
                &self.home.join(FILE_NAME),
                Links::Follow,
            )?),
        };
        if file.metadata()?.len() != self.length {
            self.names = Names::read(self.home)?;
        }
        let mut text = if ends_torn(file)? { "\n".to_owned() } else { String::new() };
        let mut n = 0;
        for (line, &id) in chunk.text.split_inclusive('\n').zip(&chunk.ids) {
            if !self.names.contains(id) && self.appended.insert(id) {
                text.push_str(line);
                n += 1;
            }
        }
        if n > 0 {
            file.write_all(text.as_bytes())?;
        }
        indexed.names += n;
        self.length = file.metadata()?.len();
        fault::point("index:appended");
        Ok(())
    }

    /// Syncs the lines to the disk.
    fn finish(self) -> io::Result<()> {
        self.file.map_or(Ok(()), |file| file.sync_all())
    }
}

/// Returns true if a file does not end with a newline.
fn ends_torn(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
