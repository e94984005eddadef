//! Finds paginated threads of which Codex shows only the beginning, because it stopped reading their rollouts.

use super::PATIENCE;
use crate::db::history::{self, Projections};
use crate::db::open::Reader;
use crate::db::schema::Schema;
use crate::db::siblings::THREAD_HISTORY;
use crate::sys::{self, WriterLock};
use crate::thread::ThreadId;
use crate::verify::finding::Finding;
use crate::verify::kinds::FindingKind;
use crate::verify::run::VerifyRun;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Codex is far behind if it lacks this many bytes, or a tenth of the rollout.
const FAR_BYTES: u64 = 1 << 20;
const FAR_PART: u64 = 10;
/// A rollout that was changed within this time may be in use.
const AT_WORK: Duration = Duration::from_secs(600);

/// A rollout that Codex has read in part.
struct Behind {
    thread: ThreadId,
    key: ThreadId,
    path: PathBuf,
    /// Number of bytes that Codex has read.
    offset: u64,
    length: u64,
}

impl VerifyRun<'_> {
    /// Reports the threads of which Codex shows only the beginning, and that no Codex is writing.
    pub(super) fn judge_history(&mut self, _schema: &Schema) -> anyhow::Result<()> {
        let path = self.survey.database.path().with_file_name(THREAD_HISTORY);
        let Some(projections) = self.projections(&path).filter(|found| !found.offsets.is_empty()) else {
            return Ok(());
        };
        let mut found = Vec::new();
        for files in self.survey.inventory.groups() {
            let in_row = self.rows.in_row.get(&files.start).copied();
            let chosen = if files.len() == 1 { Some(files.start) } else { in_row };
            if let Some(behind) = chosen.and_then(|file| self.behind(file, &projections)) {
                found.push(behind);
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        // Codex may have read further since.
        let Some(projections) = self.projections(&path) else { return Ok(()) };
        for one in found {
            let is_same = projections.offsets.get(&one.key) == Some(&one.offset);
            let thread = one.thread;
            if is_same && self.survey.database.read(|connection| history::is_paginated(connection, thread))? {
                let message = format!(
                    "{THREAD_HISTORY} stands at byte {} of {} of the rollout: Codex shows only the beginning of the \
                     conversation",
                    one.offset, one.length
                );
                let finding = Finding::new(FindingKind::HistoryBehind, message).of(Some(thread)).at(one.path);
                self.report(finding, Some(thread));
            }
        }
        Ok(())
    }

    /// Reads how far Codex has read. `None` if the database is missing or unreadable, which is another finding.
    fn projections(&self, path: &Path) -> Option<Projections> {
        let mut reader = Reader::open(path, self.survey.database.options()).ok()?;
        reader.read(history::read).ok()
    }

    /// Returns how far Codex is behind a rollout, if that is far and no program is writing the rollout.
    fn behind(&self, file: usize, projections: &Projections) -> Option<Behind> {
        let name = self.file(file).name()?;
        let key = if projections.by_rollout { name.rollout } else { name.thread };
        let offset = *projections.offsets.get(&key)?;
        let path = self.file(file).path();
        let metadata = fs::symlink_metadata(&path).ok()?;
        let length = match self.file(file).is_compressed() {
            false => metadata.len(),
            true => *self.noted.lengths.get(&file)?,
        };
        let gap = length.checked_sub(offset).filter(|gap| *gap > 0)?;
        let now = SystemTime::from(self.options.context.now);
        let is_old = metadata.modified().ok()? <= now.checked_sub(AT_WORK)?;
        if !is_old || !(gap > FAR_BYTES || gap > length / FAR_PART) {
            return None;
        }
        // Codex never reads a line that a crash cut off.
        if gap <= FAR_BYTES && !self.file(file).is_compressed() && !has_whole_line(&path, offset).ok()? {
            return None;
        }
        // A lock that cannot be checked counts as held.
        if WriterLock::is_held(self.options.context.home, &name.thread.to_string(), PATIENCE).unwrap_or(true)
        {
            return None;
        }
        Some(Behind { thread: name.thread, key, path, offset, length })
    }
}

/// Returns true if a line ends after `offset`.
fn has_whole_line(path: &Path, offset: u64) -> io::Result<bool> {
    let mut file: File = sys::open_regular(path, sys::Links::Refuse)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut rest = Vec::new();
    file.take(FAR_BYTES).read_to_end(&mut rest)?;
    Ok(rest.contains(&b'\n'))
}
