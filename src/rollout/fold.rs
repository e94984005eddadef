//! Reads one file, or a chain of files, into the metadata of a thread. It decides nothing about rows.

use super::extract::{DamageReport, Extract, Extracted, Options};
use super::facts::{History, RolloutFacts, set_if_empty};
use super::frames::{self, Frames, LARGEST_WINDOW_LOG};
use super::item::HistoryBase;
use super::openable::{Obstacle, Openable, Unopenable, Watch, Watched};
use super::peek;
use super::reader::{Buffer, Interruptible, LineReader};
use super::source::open;
pub use super::source::{ReadError, RolloutSource, Stamp, to_millis};
use crate::sys::Permits;
use crate::thread::equivalence::readable_sandbox;
use crate::thread::times::Times;
use crate::thread::{Millis, ThreadId, ThreadMetadata};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use zstd::zstd_safe::DCtx;

/// Window of the decompressor, as a power of two, that all reading threads may use at once: 8 MiB.
const PARALLEL_WINDOW_LOG: u32 = 23;
/// Held by the thread that uses a large window, so that memory stays bounded whatever the number of threads.
static LARGE_WINDOW: Mutex<()> = Mutex::new(());

/// Bounds how many files are decompressed at once, each of which takes megabytes: as many as processors, and no fewer
/// than this, for a disk behind a network.
static DECOMPRESSING: LazyLock<Permits> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Permits::new(processors.max(LEAST_DECOMPRESSING))
});
const LEAST_DECOMPRESSING: usize = 8;
/// The decompressors that are not in use now, no more than there are permits. Allocators keep what each thread once took,
/// so that 64 threads with a new one for each file would hold 64 of them.
static DECOMPRESSORS: Mutex<Vec<DCtx<'static>>> = Mutex::new(Vec::new());

/// Number of bytes that are read of a file to see whether it contains a thread.
const BEGINNING: u64 = 1 << 20;

/// Maximum length of a chain of reverts; a longer one is a loop of files with different ids.
const MAX_CHAIN: usize = 4096;

/// The contents of one file, and its state when they were read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadFile {
    /// The extracted contents.
    pub extracted: Extracted,
    /// The file's stamp before it was read.
    pub stamp: Stamp,
    /// Number of uncompressed bytes read.
    pub n_bytes: u64,
}

/// The parameters of reading, beside the file.
pub struct Reading<'a> {
    /// Reused between files.
    pub buffer: &'a mut Buffer,
    /// The checks to make.
    pub options: Options,
    /// Set by the caller to stop.
    pub interrupted: &'a AtomicBool,
}

/// Reads one file completely, or its first `limit` bytes (uncompressed).
///
/// # Errors
/// See [`ReadError`]. A blank file and a file without items are not errors here; [`Extracted`] shows them.
pub fn read_file(
    source: &RolloutSource,
    limit: Option<u64>,
    reading: &mut Reading<'_>,
) -> Result<ReadFile, ReadError> {
    read_after(None, source, limit, reading)
}

/// Reads the beginning of a file, to see whether it contains a thread.
///
/// # Errors
/// See [`ReadError`]; also if the beginning contains nothing usable.
pub fn read_beginning(source: &RolloutSource, reading: &mut Reading<'_>) -> Result<ReadFile, ReadError> {
    let read = read_file(source, Some(BEGINNING), reading)?;
    check_usable(&read.extracted)?;
    Ok(read)
}

/// Reads one file like [`read_file`], as the continuation of a history if there is one.
fn read_after(
    history: Option<History<'_>>,
    source: &RolloutSource,
    limit: Option<u64>,
    reading: &mut Reading<'_>,
) -> Result<ReadFile, ReadError> {
    // The beginning of a file does not show whether Codex can open it.
    let openable = reading.options.openable && limit.is_none();
    let options = Options { openable, ..reading.options };
    let read = read_once(history, source, limit, options, reading)?;
    if !read.extracted.must_be_eager {
        return Ok(read);
    }
    // The last line of its kind does not parse, and the earlier ones were skipped because of it.
    read_once(history, source, limit, Options { eager: true, ..options }, reading)
}

fn read_once(
    history: Option<History<'_>>,
    source: &RolloutSource,
    limit: Option<u64>,
    options: Options,
    reading: &mut Reading<'_>,
) -> Result<ReadFile, ReadError> {
    let (file, metadata) = open(&source.path)?;
    let stamp = Stamp::of(&metadata)?;
    let extract = match history {
        Some(history) => Extract::after(history, source.name.as_ref(), options),
        None => Extract::new(source.name.as_ref(), options),
    };
    let limit = limit.unwrap_or(u64::MAX);
    // A file without bytes has no frame either; it is empty in both forms.
    if !source.compressed || stamp.size == 0 {
        // The length is known, so that the end of the file need not be read. What is appended meanwhile changes the stamp.
        let length = if stamp.size == 0 { u64::MAX } else { stamp.size };
        let (extracted, n_bytes) = read_lines(file.take(limit.min(length)), source, extract, reading)?;
        return Ok(ReadFile { extracted, stamp, n_bytes });
    }
    let (extracted, n_bytes) =
        match decompress(&file, PARALLEL_WINDOW_LOG, limit, source, extract.clone(), reading) {
            Err(ReadError::WindowTooLarge { .. }) => {
                let _alone = LARGE_WINDOW.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                (&file).rewind()?;
                decompress(&file, LARGEST_WINDOW_LOG, limit, source, extract, reading)?
            }
            other => other?,
        };
    Ok(ReadFile { extracted, stamp, n_bytes })
}

fn decompress(
    file: &File,
    window_log: u32,
    limit: u64,
    source: &RolloutSource,
    extract: Extract,
    reading: &mut Reading<'_>,
) -> Result<(Extracted, u64), ReadError> {
    let _permit = DECOMPRESSING.take();
    // Interruptible here too, because frames without content keep the decompressor from returning.
    let file = BufReader::with_capacity(128 * 1024, Interruptible::new(file, reading.interrupted));
    let unused = || DECOMPRESSORS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = unused().pop();
    let mut context = match known.or_else(DCtx::try_create) {
        Some(context) => context,
        None => return Err(ReadError::Passing(io::ErrorKind::OutOfMemory.into())),
    };
    let mut decoder = zstd::stream::read::Decoder::with_context(file, &mut context);
    decoder.window_log_max(window_log).map_err(ReadError::Passing)?;
    let interrupted = reading.interrupted;
    let read = read_lines(Frames::new(decoder).take(limit), source, extract, reading)
        .map_err(|error| frames::explain(error, &source.path, interrupted));
    if window_log == PARALLEL_WINDOW_LOG {
        // One with a large window is not kept.
        unused().push(context);
    }
    read
}

fn read_lines(
    stream: impl Read,
    source: &RolloutSource,
    mut extract: Extract,
    reading: &mut Reading<'_>,
) -> Result<(Extracted, u64), ReadError> {
    let interrupted = reading.interrupted;
    let stopped = |error| match interrupted.load(Ordering::Relaxed) {
        true => ReadError::Interrupted,
        false => ReadError::Passing(error),
    };
    let watched = extract.options().openable.then(Watched::default);
    let invalid = || watched.as_ref().and_then(|watched| watched.invalid.get());
    let mut openable = watched.as_ref().map(|_| Openable::new(source.name.as_ref()));
    let stream = Watch { source: Interruptible::new(stream, interrupted), watched: watched.as_ref() };
    let mut lines = LineReader::new(stream, reading.buffer);
    loop {
        lines.skip_blank_lines().map_err(stopped)?;
        match lines.next_line(|beginning| extract.is_wanted(beginning)).map_err(stopped)? {
            Some(line) => {
                extract.push(&line);
                if let Some(openable) = &mut openable {
                    openable.push(&line, extract.take_resume(), invalid());
                }
            }
            None => break,
        }
    }
    let n_bytes = lines.offset();
    let unopenable = openable.and_then(|openable| openable.finish(invalid()));
    Ok((Extracted { unopenable, ..extract.finish() }, n_bytes))
}

/// The thread that results from a file and the history before it.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldedThread {
    /// The thread's metadata.
    pub metadata: ThreadMetadata,
    /// The damage in the file itself, not in its history.
    pub damage: DamageReport,
    /// The reason why Codex cannot open the file, if it was requested.
    pub unopenable: Option<Unopenable>,
    /// The file's stamp before it was read.
    pub stamp: Stamp,
    /// Number of uncompressed bytes read from all files.
    pub n_bytes: u64,
    /// Number of uncompressed bytes read from the file itself.
    pub n_own_bytes: u64,
}

/// The information that folding needs from outside the file.
pub struct World<'a> {
    /// Finds the files of a rollout in which a history begins, the best copy first.
    pub find_rollout: &'a dyn Fn(ThreadId) -> Vec<RolloutSource>,
    /// Makes a working directory canonical; `None` if it does not exist.
    pub canonical_folder: &'a dyn Fn(&str) -> Option<String>,
    /// Provider of a thread whose session meta names none.
    pub default_provider: &'a str,
}

/// Reads a file and the history before it.
///
/// # Errors
/// If the file yields no thread, or if its history cannot be read now. A missing or broken history is not an error:
/// then only the file itself is used.
pub fn fold(
    source: &RolloutSource,
    world: &World<'_>,
    reading: &mut Reading<'_>,
) -> Result<FoldedThread, ReadError> {
    let head = read_file(source, None, reading)?;
    complete(source, head, world, reading)
}

/// Completes a file that was already read to a thread, as [`fold`] does.
///
/// # Errors
/// As [`fold`].
pub fn complete(
    source: &RolloutSource,
    head: ReadFile,
    world: &World<'_>,
    reading: &mut Reading<'_>,
) -> Result<FoldedThread, ReadError> {
    check_usable(&head.extracted)?;
    let n_own_bytes = head.n_bytes;
    let mut n_bytes = n_own_bytes;
    let mut read = head;
    let mut lost = None;
    if let Some(base) = read.extracted.facts.history_base {
        let thread = read.extracted.facts.identity.map(|(id, _)| id).or(source.name.map(|name| name.thread));
        let past = read_history(base, thread, source, world, reading)?;
        n_bytes += past.n_bytes;
        lost = past.lost;
        if let Some(history) = past.history {
            // The file's metas and settings change the facts from the history, so it is read again, after the
            // history.
            read = read_after(Some((&history, thread)), source, None, reading)?;
            check_usable(&read.extracted)?;
        }
    }
    let ReadFile { extracted, stamp, .. } = read;
    let Extracted { facts, damage, unopenable, last_event_at, .. } = extracted;
    let mut metadata = to_metadata(facts, last_event_at, source, &stamp, world)?;
    metadata.lacks_history = lost.is_some();
    let is_lost = lost.filter(|_| reading.options.openable).map(Obstacle::HistoryMissing);
    let unopenable = unopenable.or(is_lost.map(|obstacle| Unopenable::at(obstacle, None)));
    Ok(FoldedThread { metadata, damage, unopenable, stamp, n_bytes, n_own_bytes })
}

/// Checks that a file contains anything usable.
///
/// # Errors
/// If it is blank, or no line of it is an item.
pub fn check_usable(extracted: &Extracted) -> Result<(), ReadError> {
    if extracted.is_blank {
        return Err(ReadError::Empty);
    }
    if !extracted.has_items {
        return Err(ReadError::Unusable("holds nothing usable: no line is a rollout item".to_owned()));
    }
    Ok(())
}

/// The copies of a rollout before a head, the best one first, and the part of it that belongs to the history.
type Part = (Vec<RolloutSource>, HistoryBase);

/// The rollouts before a head.
#[derive(Default)]
struct Past {
    /// Their facts, as far as they can be read.
    history: Option<RolloutFacts>,
    /// The number of bytes read.
    n_bytes: u64,
    /// The nearest rollout that is missing or unusable.
    lost: Option<ThreadId>,
}

/// Reads the rollouts before a head of `thread`, the farthest first. If one is missing or broken, only the rollouts
/// after it are used.
fn read_history(
    base: HistoryBase,
    thread: Option<ThreadId>,
    head: &RolloutSource,
    world: &World<'_>,
    reading: &mut Reading<'_>,
) -> Result<Past, ReadError> {
    let (mut parts, mut lost) = find_history(base, head, world, reading)?;
    let mut n_bytes = 0;
    'from_the_farthest: loop {
        let mut history: Option<RolloutFacts> = None;
        for (i, (copies, base)) in parts.iter().enumerate().rev() {
            let Some(source) = copies.first() else { continue };
            let so_far = history.clone().unwrap_or_default();
            let part = read_after(Some((&so_far, thread)), source, Some(base.end_byte_offset), reading);
            let is_lost = match &part {
                // Without an item it is as good as missing, unless nothing of it belongs to the history.
                Ok(part) => !part.extracted.has_items && base.end_byte_offset > 0,
                Err(error) => error.is_unusable(),
            };
            if is_lost {
                // A broken file gives way to a copy.
                if copies.len() > 1 {
                    parts[i].0.remove(0);
                } else {
                    lost = Some(base.rollout);
                    parts.truncate(i);
                }
                continue 'from_the_farthest;
            }
            let part = match part {
                Ok(part) => part,
                Err(ReadError::Interrupted) => return Err(ReadError::Interrupted),
                // It may be readable later. Until then the head alone would contain less than the row.
                Err(error) => return Err(history_unread(error, &source.path)),
            };
            n_bytes += part.n_bytes;
            let Extracted { mut facts, has_items, .. } = part.extracted;
            let by_name = || source.name.filter(|_| has_items).map(|name| (name.thread, name.time));
            let began = facts.identity.take().or_else(by_name).filter(|(id, _)| Some(*id) == thread);
            facts.history_began_at = facts.history_began_at.or(began.map(|(_, time)| time));
            history = Some(facts);
        }
        return Ok(Past { history, n_bytes, lost });
    }
}

/// Finds the rollouts before a head, nearest first. Also returns the rollout before them if it is missing or unusable.
fn find_history(
    mut base: HistoryBase,
    head: &RolloutSource,
    world: &World<'_>,
    reading: &mut Reading<'_>,
) -> Result<(Vec<Part>, Option<ThreadId>), ReadError> {
    let mut seen: Vec<ThreadId> = head.name.iter().map(|name| name.rollout).collect();
    let mut parts = Vec::new();
    while !seen.contains(&base.rollout) && seen.len() < MAX_CHAIN {
        seen.push(base.rollout);
        let mut copies = (world.find_rollout)(base.rollout);
        let next = loop {
            let Some(source) = copies.first() else { return Ok((parts, Some(base.rollout))) };
            match peek::history_base(source, reading.buffer, reading.interrupted) {
                Ok(next) => break next,
                Err(ReadError::Interrupted) => return Err(ReadError::Interrupted),
                Err(error) if error.is_unusable() => drop(copies.remove(0)),
                Err(error) => return Err(history_unread(error, &source.path)),
            }
        };
        parts.push((copies, base));
        match next {
            Some(next) => base = next,
            None => break,
        }
    }
    Ok((parts, None))
}

/// Returns the error for a thread whose history, in another file, cannot be read now.
fn history_unread(error: ReadError, path: &Path) -> ReadError {
    let reason = format!("its history in {}: {error}", path.display());
    let kind = match error {
        ReadError::Passing(error) => error.kind(),
        _ => io::ErrorKind::Other,
    };
    ReadError::Passing(io::Error::new(kind, reason))
}

/// Fills in the values that no line sets, by the rules for each field.
fn to_metadata(
    facts: RolloutFacts,
    last_event_at: Option<Millis>,
    source: &RolloutSource,
    stamp: &Stamp,
    world: &World<'_>,
) -> Result<ThreadMetadata, ReadError> {
    let Some((id, created_at)) = facts.identity.or(source.name.map(|name| (name.thread, name.time))) else {
        let reason = "has a malformed name and no session meta with id and time to say which thread it is";
        return Err(ReadError::Unusable(reason.to_owned()));
    };
    let Some(rollout_path) = source.path.to_str() else {
        let reason = "has a path that is not UTF-8, which the database cannot hold";
        return Err(ReadError::Unusable(reason.to_owned()));
    };
    let mut thread = facts.thread;
    for (text, default) in [
        (&mut thread.source, "vscode"),
        (&mut thread.model_provider, world.default_provider),
        (&mut thread.sandbox_policy, r#"{"type":"read-only"}"#),
        (&mut thread.approval_mode, "on-request"),
        (&mut thread.memory_mode, "enabled"),
    ] {
        set_if_empty(text, default);
    }
    let cwd = thread.cwd;
    let place = facts.folders.iter().position(|folder| *folder == cwd);
    let later_folders = place.map(|place| facts.folders[place + 1..].to_vec()).unwrap_or_default();
    let other_folders = facts.folders.into_iter().filter(|folder| *folder != cwd).collect();
    let (modified_at, last_event_at) = (stamp.modified_millis(), last_event_at.unwrap_or(created_at));
    Ok(ThreadMetadata {
        id,
        rollout_path: rollout_path.to_owned(),
        created_at: facts.history_began_at.unwrap_or(created_at),
        updated_at: Times::Auto.choose(modified_at, last_event_at),
        modified_at,
        last_event_at,
        cwd: (world.canonical_folder)(&cwd).unwrap_or(cwd),
        other_folders,
        later_folders,
        sandbox_policy: readable_sandbox(thread.sandbox_policy),
        archived: source.archived,
        ..thread
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREAD: &str = "019ced6b-835b-7475-b762-429694b3a51e";

    /// Folds a thread whose history is at this path in a folder with a file `base`.
    fn folded(history: Option<&str>) -> Result<FoldedThread, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let line = |kind: &str, payload: &str| {
            format!("{{\"timestamp\":\"2026-03-14T10:00:00Z\",\"type\":\"{kind}\",\"payload\":{payload}}}\n")
        };
        let said =
            |text: &str| line("event_msg", &format!("{{\"type\":\"user_message\",\"message\":\"{text}\"}}"));
        let meta = line(
            "session_meta",
            &format!(
                "{{\"id\":\"{THREAD}\",\"timestamp\":\"2026-03-14T10:00:00Z\",\"history_base\":{{\"thread_id\":\
                 \"019ced6b-835b-799d-83c9-31b6374bba33\",\"end_byte_offset\":9999}}}}"
            ),
        );
        std::fs::write(folder.path().join("base"), said("base")).unwrap();
        std::fs::write(folder.path().join("head"), meta + &said("head")).unwrap();
        let source = |path: &str| RolloutSource {
            path: folder.path().join(path),
            name: None,
            compressed: path.ends_with(".zst"),
            archived: false,
        };
        let world = World {
            find_rollout: &|_| history.map(source).into_iter().collect(),
            canonical_folder: &|_| None,
            default_provider: "openai",
        };
        let (buffer, interrupted) = (&mut Buffer::default(), &AtomicBool::new(false));
        let options = Options { openable: true, ..Options::default() };
        let mut reading = Reading { buffer, options, interrupted };
        fold(&source("head"), &world, &mut reading)
    }

    #[test]
    fn a_missing_or_broken_history_leaves_the_head_but_a_temporarily_unreadable_one_is_an_error() {
        let title = |folded: &FoldedThread| folded.metadata.title.clone();
        let whole = folded(Some("base")).unwrap();
        assert_eq!((&*title(&whole), whole.metadata.lacks_history, whole.unopenable), ("base", false, None));
        let head = folded(None).unwrap();
        assert_eq!((&*title(&head), head.metadata.lacks_history), ("head", true));
        let why = head.unopenable.unwrap().to_string();
        assert!(why.starts_with("the rollout 019ced6b-835b-799d-83c9-31b6374bba33 is missing"), "{why}");
        assert_eq!(
            folded(Some(".")).map_or("head".into(), |folded| title(&folded)),
            "head",
            "no file at all"
        );
        // A component of the path is a file: an error on one system, a missing file on another.
        let error = folded(Some("base/below")).unwrap_err();
        assert!(matches!(error, ReadError::Passing(_)), "{error}");
        assert!(error.to_string().contains("its history in "), "{error}");
    }
}
