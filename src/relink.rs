//! `relink`: sets the working directory of threads whose project moved, and returns a report. It prints nothing and
//! reads no environment.
//!
//! It changes only the column `cwd` of rows. No file contains the project's new place, so a later backfill keeps such
//! a row unchanged (docs/codex-home.md 4, row `cwd`). Rows are written in short transactions, each only if it still
//! has the folder that was read. A killed run has written some of the rows completely, and the same command writes
//! the rest: rows with the new place stay unchanged.

use crate::db::folders::{self, RowFolder};
use crate::db::open::MAX_TRANSACTION;
use crate::db::{Reader, Schema, Shown, Tally, Writer};
use crate::error::WithHint as _;
use crate::fault;
use crate::progress::Progress;
use crate::survey::Context;
use crate::survey::change::ChangeStatus;
use crate::sys::{self, WriterLock};
use crate::thread::ThreadId;
use crate::thread::moved_folder::FolderPath;
use anyhow::{anyhow, bail};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Number of rows after which a transaction is committed.
const BATCH: usize = 500;
/// Maximum time to wait for the lock under which Codex takes its own locks.
const PATIENCE: Duration = Duration::from_millis(200);

/// Options of relink.
pub struct RelinkOptions<'a> {
    /// The home, whose locks show which threads are open, and the circumstances of the run.
    pub context: Context<'a>,
    /// The old folder of the project, absolute; it need not exist.
    pub old: &'a str,
    /// The new folder of the project, absolute.
    pub new: &'a str,
    /// True to accept a new folder that does not exist.
    pub missing_ok: bool,
}

/// A row at or below the old folder. It takes few bytes, because there may be a million of them: rows share their
/// folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relinked {
    id: RowId,
    /// Its folder before.
    pub from: Rc<str>,
    /// Its folder afterwards.
    pub to: Rc<str>,
    /// The kind of result.
    pub status: ChangeStatus,
    /// The reason of the failure.
    pub error: Option<&'static str>,
}

/// The result of a run, or of its preview.
#[derive(Debug, Default)]
pub struct RelinkReport {
    /// The new folder, in the spelling of rows.
    pub new: String,
    /// Rows at or below the old folder, by id.
    pub threads: Vec<Relinked>,
    /// Number of rows that are at or below the new folder already, if that is below the old one: they stay unchanged.
    pub n_there: u64,
    /// Number of rows of threads that are open in a running Codex, which may write its folder again.
    pub n_open: u64,
    /// Number of rows whose old folder exists but not the new one: the next backfill restores the old one.
    pub n_taken_back: u64,
    /// The counts of Codex's default list before and after.
    pub shown: Shown,
    /// True if the run was stopped before the end.
    pub interrupted: bool,
}

/// The id in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RowId {
    /// A thread, spelled as we do.
    Ours(ThreadId),
    /// Any other text.
    Odd(Box<str>),
}

impl Relinked {
    fn new(id: &str, from: Rc<str>, to: Rc<str>) -> Relinked {
        let thread = ThreadId::parse(id).filter(|thread| thread.encode(&mut [0; 36]) == id);
        let id = thread.map_or_else(|| RowId::Odd(id.into()), RowId::Ours);
        Relinked { id, from, to, status: ChangeStatus::Done, error: None }
    }

    /// Returns the id in the row.
    #[must_use]
    pub fn id(&self) -> Cow<'_, str> {
        match &self.id {
            RowId::Ours(thread) => thread.to_string().into(),
            RowId::Odd(id) => (&**id).into(),
        }
    }
}

impl RelinkReport {
    /// Returns the number of rows with this result.
    #[must_use]
    pub fn count(&self, status: ChangeStatus) -> u64 {
        self.threads.iter().filter(|thread| thread.status == status).count() as u64
    }
}

/// A planned run: its effects are known, and nothing has been written.
pub struct RelinkJob<'a> {
    options: &'a RelinkOptions<'a>,
    tally: Tally,
    report: RelinkReport,
}

/// Finds the rows at or below the old folder. It writes nothing.
///
/// # Errors
/// If a folder cannot be used, or the database cannot be read.
pub fn plan<'a>(
    options: &'a RelinkOptions<'a>,
    reader: &mut Reader,
    progress: &dyn Progress,
) -> anyhow::Result<RelinkJob<'a>> {
    let schema = Schema::of(reader)?;
    schema.check_writable()?;
    let new = new_folder(options)?;
    let old = old_spellings(options.old, &new)?;
    let old: Vec<FolderPath> = old.iter().filter_map(|old| FolderPath::parse(old)).collect();
    let Some(new_path) = FolderPath::parse(&new) else { bail!("{new}: is not an absolute folder") };
    let tally =
        reader.read(|connection| Tally::begin(connection, &schema, options.context.default_provider))?;
    let is_inside = old.iter().any(|old| new_path.is_below(old));
    let mut report = RelinkReport { new, ..RelinkReport::default() };
    progress.start("looking at rows", None, None);
    let mut rows = folders::walk();
    let mut folders_seen = HashSet::<Rc<str>>::new();
    let mut share = |folder: String| match folders_seen.get(&*folder) {
        Some(known) => Rc::clone(known),
        None => {
            let folder = Rc::from(folder);
            folders_seen.insert(Rc::clone(&folder));
            folder
        }
    };
    while let Some(RowFolder { id, cwd }) =
        rows.next(|after| reader.read(|connection| folders::behind(connection, after)))?
    {
        progress.advance(1, 0);
        let Some(folder) = FolderPath::parse(&cwd).filter(|_| !id.is_empty()) else { continue };
        if is_inside && folder.is_below(&new_path) {
            report.n_there += 1;
            continue;
        }
        let to = old.iter().find_map(|old| folder.moved(old, &new_path));
        if let Some(to) = to.filter(|to| *to != cwd) {
            report.threads.push(Relinked::new(&id, share(cwd), share(to)));
        }
    }
    progress.finish();
    let mut job = RelinkJob { options, tally, report };
    job.foresee();
    Ok(job)
}

/// Returns the new folder as Codex would write it.
fn new_folder(options: &RelinkOptions<'_>) -> anyhow::Result<String> {
    let new = options.new;
    match fs::metadata(new) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => {
            return Err(anyhow!("{new}: is not a folder").hint("name the folder where the project is now"));
        }
        Err(_) if options.missing_ok => {}
        Err(error) => {
            return Err(anyhow!("{new}: {error}").hint(
                "name the folder where the project is now; --missing-ok takes one that is not there yet",
            ));
        }
    }
    let real = sys::canonical_folder(new).or_else(|| with_real_parents(new));
    Ok(real.unwrap_or_else(|| new.to_owned()))
}

/// Returns the spellings that rows may have of the old folder, which may be gone or may now be a link to the new one.
fn old_spellings(old: &str, new: &str) -> anyhow::Result<Vec<String>> {
    let is_same = |folder: &str| {
        let (a, b) = (FolderPath::parse(folder), FolderPath::parse(new));
        a.zip(b).is_some_and(|(a, b)| a.is_below(&b) && b.is_below(&a))
    };
    let mut spellings = vec![old.to_owned()];
    spellings.extend(with_real_parents(old));
    spellings.extend(sys::canonical_folder(old).filter(|real| !is_same(real)));
    if spellings.iter().any(|spelling| is_same(spelling)) {
        return Err(anyhow!("{old}: is the new folder, too")
            .hint("name first where the project was, then where it is"));
    }
    Ok(spellings)
}

/// Returns a path with links resolved above its last part, as far up as folders exist.
fn with_real_parents(path: &str) -> Option<String> {
    let path = Path::new(path);
    let parents = path.ancestors().skip(1).filter(|_| path.is_absolute());
    let (parent, real) =
        parents.into_iter().find_map(|parent| Some((parent, fs::canonicalize(parent).ok()?)))?;
    let real: PathBuf = real.join(path.strip_prefix(parent).ok()?);
    real.into_os_string().into_string().ok()
}

impl RelinkJob<'_> {
    /// Returns true if there is a row to write.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.report.threads.is_empty()
    }

    /// Counts the rows whose new folder may not last.
    fn foresee(&mut self) {
        let mut taken_back: HashMap<(&str, &str), bool> = HashMap::new();
        for thread in &self.report.threads {
            let (id, from, to) = (thread.id(), &*thread.from, &*thread.to);
            let is_taken_back = *taken_back
                .entry((from, to))
                .or_insert_with(|| Path::new(from).is_dir() && !Path::new(to).is_dir());
            self.report.n_taken_back += u64::from(is_taken_back);
            if ThreadId::parse(&id).is_some() {
                let is_open = WriterLock::is_held(self.options.context.home, &id, PATIENCE).unwrap_or(false);
                self.report.n_open += u64::from(is_open);
            }
        }
    }

    /// Returns the report that [`RelinkJob::run`] would give.
    #[must_use]
    pub fn preview(mut self) -> RelinkReport {
        self.report.shown = self.tally.end();
        self.report
    }

    /// Writes the rows.
    ///
    /// # Errors
    /// If the database cannot be written. Changes committed before stay.
    pub fn run(mut self, writer: &mut Writer, progress: &dyn Progress) -> anyhow::Result<RelinkReport> {
        progress.start("relinking", Some(self.report.threads.len() as u64), None);
        let mut rest = &mut self.report.threads[..];
        while !rest.is_empty() {
            if self.options.context.is_interrupted() {
                self.report.interrupted = true;
                for thread in rest.iter_mut() {
                    (thread.status, thread.error) = (ChangeStatus::Failed, Some("not tried"));
                }
                break;
            }
            let outcomes = write_batch(writer, &rest[..rest.len().min(BATCH)])?;
            fault::point("relink:committed");
            let (done, later) = rest.split_at_mut(outcomes.len());
            progress.advance(done.len() as u64, 0);
            for (thread, is_written) in done.iter_mut().zip(outcomes) {
                if !is_written {
                    let reason = "a running Codex changed it meanwhile";
                    (thread.status, thread.error) = (ChangeStatus::Failed, Some(reason));
                }
            }
            rest = later;
        }
        progress.finish();
        self.tally.count_again(writer.connection())?;
        self.report.shown = self.tally.end();
        Ok(self.report)
    }
}

/// Writes the rows of one transaction. Returns for each whether it was written.
fn write_batch(writer: &mut Writer, batch: &[Relinked]) -> anyhow::Result<Vec<bool>> {
    writer.transaction_immediate(|transaction| {
        let begun = Instant::now();
        let mut outcomes = Vec::new();
        for thread in batch {
            let row = RowFolder { id: thread.id().into_owned(), cwd: thread.from.to_string() };
            outcomes.push(folders::replace(transaction, &row, &thread.to)?);
            if begun.elapsed() > MAX_TRANSACTION {
                break;
            }
        }
        fault::point("relink:written");
        Ok(outcomes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_takes_few_bytes_and_keeps_its_id() {
        assert!(size_of::<Relinked>() <= 80, "{}", size_of::<Relinked>());
        for id in ["019ced6b-835b-7475-b762-429694b3a51e", "019CED6B-835B-7475-B762-429694B3A51E", "x"] {
            assert_eq!(Relinked::new(id, "/a".into(), "/b".into()).id(), id);
        }
    }
}
