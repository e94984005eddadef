//! Compares threads with their rows, and checks each difference a second time before it is reported.
//!
//! A running Codex appends to a file and writes the row a moment later. So a thread with a difference waits a little,
//! together with others. Then file and row are read again, and the thread is judged again if either changed.

use super::finding::Finding;
use super::glance;
use super::judge::{self, Judged, OUTSIDE, PathFacts};
use super::kinds::FindingKind;
use super::options::{Depth, MAX_MOVED};
use super::run::{DoubtfulThread, VerifyRun};
use crate::catalog::paths;
use crate::rollout::fold::{FoldedThread, ReadError, Stamp};
use crate::survey::scan::{Group, ReadAside, Scanned};
use crate::survey::{self, BATCH_BYTES, BATCH_THREADS, Origin, Subject, Survey};
use crate::thread::cell::Cell;
use crate::thread::columns::{Col, Row};
use crate::thread::diff::FieldDifference;
use crate::thread::times;
use crate::thread::{ThreadId, ThreadMetadata};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Maximum number of times that a thread that keeps changing is checked again.
const MAX_LOOKS: u32 = 3;
/// A Codex may be writing a file that was changed within this time.
const FRESH: Duration = Duration::from_secs(10);
/// Seconds by which a running Codex lets a row's time fall behind: it writes the row every five seconds.
const BEHIND: std::ops::RangeInclusive<i64> = 0..=6;
/// Time to wait before recent files are checked again, and the maximum number of such waits in one run. A Codex
/// writes the row right after the line, but on a busy machine it may have to wait in between.
const PAUSE: Duration = Duration::from_millis(400);
const MAX_PAUSES: u32 = 8;
/// Number of further waits for the row of a file that a Codex has just changed: its transaction may wait for others.
const MORE_WAITS: u32 = 3;
/// Seconds after the begin of the run within which a file's time still shows a Codex at work, and no wrong clock.
const AHEAD: Duration = Duration::from_secs(3600);

impl VerifyRun<'_> {
    /// Compares a thread with its row, after `n_looks` earlier comparisons.
    pub(super) fn compare_once(
        &mut self,
        subject: Subject,
        row: Option<&Row>,
        n_looks: u32,
    ) -> anyhow::Result<()> {
        let path = row.and_then(|row| row.text(Col::RolloutPath));
        if let (Some(id), Some(path)) = (subject.id, path)
            && self.reach.hidden.hide(Path::new(path))
        {
            // This is only a copy of the row's own rollout, which cannot be seen now.
            self.reach.not_compared.insert(id, true);
            return Ok(());
        }
        if let (Some(id), Some(path), Some((file, _))) = (subject.id, path, &subject.scanned.folded)
            && paths::is_active_outside(self.options.context.home, Path::new(path), self.file(*file))
        {
            let finding = Finding::new(FindingKind::OutsideHome, OUTSIDE).of(Some(id)).at(path);
            self.report(finding, Some(id));
            return Ok(());
        }
        let judged = self.decide(&subject, row)?;
        if judged.findings.is_empty() && judged.moved_from.is_none() {
            return Ok(());
        }
        let stamp = |i: usize| match &subject.scanned.folded {
            Some((file, folded)) if *file == i => Some(folded.stamp),
            _ if n_looks == 0 => Some(self.file(i).stamp()),
            _ => self.stamp_now(i),
        };
        let doubtful = DoubtfulThread {
            id: subject.id,
            counts: subject.counts,
            stamps: subject.origin.files().into_iter().map(stamp).collect(),
            origin: subject.origin,
            row: row.map(hash),
            judged,
            n_looks: n_looks + 1,
            n_waits: 0,
        };
        self.doubtful.bytes += doubtful.size();
        self.doubtful.threads.push(doubtful);
        if self.doubtful.threads.len() >= BATCH_THREADS || self.doubtful.bytes >= BATCH_BYTES {
            self.look_again()?;
        }
        Ok(())
    }

    fn stamp_now(&self, file: usize) -> Option<Stamp> {
        Stamp::at(&self.file(file).path()).ok()
    }

    pub(super) fn is_fresh(&self, stamp: Stamp) -> bool {
        SystemTime::from(self.options.context.now)
            .checked_sub(FRESH)
            .is_none_or(|since| stamp.modified >= since)
    }

    /// Returns true if a Codex may be about to write the row of a thread, and there is time left to wait for it.
    fn may_wait_for(&self, one: &DoubtfulThread) -> bool {
        let end = SystemTime::from(self.options.context.now).checked_add(AHEAD);
        let is_live = |stamp: &Stamp| self.is_fresh(*stamp) && end.is_some_and(|end| stamp.modified <= end);
        one.n_waits < MORE_WAITS
            && self.doubtful.n_pauses < MAX_PAUSES
            && one.may_lack_its_row()
            && one.stamps.iter().flatten().any(is_live)
    }

    /// Checks the doubtful threads again. Unchanged ones are reported, changed ones are judged again.
    pub(super) fn look_again(&mut self) -> anyhow::Result<()> {
        while !self.doubtful.threads.is_empty() && !self.options.context.is_interrupted() {
            self.doubtful.bytes = 0;
            let doubtful = std::mem::take(&mut self.doubtful.threads);
            let mut stamps = doubtful.iter().flat_map(|one| &one.stamps).flatten();
            if self.doubtful.n_pauses < MAX_PAUSES && stamps.any(|stamp| self.is_fresh(*stamp)) {
                self.doubtful.n_pauses += 1;
                std::thread::sleep(PAUSE);
            }
            let ids: Vec<ThreadId> = doubtful.iter().filter_map(|one| one.id).collect();
            let mut rows = self.survey.rows(&ids)?.into_iter();
            for one in doubtful {
                let row = one.id.and_then(|_| rows.next().flatten());
                let files = one.origin.files();
                let held_still = one.row == row.as_ref().map(hash)
                    && files.iter().zip(&one.stamps).all(|(&i, stamp)| self.stamp_now(i) == *stamp);
                if held_still && self.may_wait_for(&one) {
                    self.doubtful.threads.push(DoubtfulThread { n_waits: one.n_waits + 1, ..one });
                } else if held_still || one.n_looks >= MAX_LOOKS {
                    self.confirm(one, row.is_some(), held_still);
                } else {
                    let n_looks = one.n_looks;
                    let mut subject = self.read_again(one, row.as_ref());
                    if self.options.depth != Depth::Quick {
                        self.survey.defer(&mut subject, row.as_ref());
                    }
                    self.compare_once(subject, row.as_ref(), n_looks)?;
                }
            }
        }
        Ok(())
    }

    fn confirm(&mut self, one: DoubtfulThread, has_row: bool, held_still: bool) {
        let row = one.id.filter(|_| has_row);
        for finding in one.judged.findings {
            // A row that is behind its file, also after a move from one folder to the other, and a line that is
            // incomplete are signs of an active Codex.
            let may_be_work = || match finding.kind {
                FindingKind::FieldMismatch
                | FindingKind::DamagedLines
                | FindingKind::ArchiveMismatch
                | FindingKind::MovedFile => true,
                FindingKind::DuplicateRollout => {
                    let files = one.origin.files().into_iter().map(|i| self.file(i).path());
                    finding.path.as_deref().is_some_and(|copy| !is_beside_another(copy, files))
                }
                _ => false,
            };
            if held_still || !may_be_work() {
                self.report(finding, row);
            }
        }
        if let Some(old) = one.judged.moved_from
            && !self.options.ignore.kind(FindingKind::MovedHome)
            && !self.options.ignore.column(Col::RolloutPath)
        {
            *self.noted.moved_homes.entry(old).or_default() += 1;
            if self.noted.moved.len() < MAX_MOVED {
                self.noted.moved.extend(one.judged.moved);
            }
        }
    }

    fn read_again(&mut self, one: DoubtfulThread, row: Option<&Row>) -> Subject {
        let subject = match (one.origin, one.id) {
            (Origin::Group(files), _) => {
                let path = row.and_then(|row| row.text(Col::RolloutPath)).map(Path::new);
                let members = &self.survey.inventory.files()[files.clone()];
                let in_row = path.and_then(|path| paths::find_in_row(members, path));
                let group = Group::new(files.clone(), in_row.map(|i| files.start + i));
                let scanned = match self.options.depth {
                    Depth::Quick => self.glance(&group),
                    Depth::Fields | Depth::Deep => self.survey.worker.scan(&group),
                };
                self.rows.note_vanished(&scanned);
                Subject::new(scanned, Origin::Group(files))
            }
            (Origin::Misnamed(choice), Some(id)) => survey::read_misnamed(self, id, choice),
            (origin, None) => Subject::new(Scanned::default(), origin),
        };
        Subject { counts: one.counts, ..subject }
    }

    /// Judges a thread: its files, and the differences between file and row.
    fn decide(&mut self, subject: &Subject, row: Option<&Row>) -> anyhow::Result<Judged> {
        let Subject { scanned, id, .. } = subject;
        if let Some(id) = id {
            self.reach.not_compared.remove(id);
        }
        let mut judged = match (&scanned.folded, row) {
            (Some((file, folded)), Some(row)) => self.decide_row(*file, folded, row)?,
            (Some((file, folded)), None) if self.is_missing(scanned, &subject.origin) => {
                let path = self.file(*file).path();
                let finding = Finding::new(FindingKind::MissingRow, "the rollout has no row");
                let findings = vec![finding.of(Some(folded.metadata.id)).at(path)];
                Judged { findings, ..Judged::default() }
            }
            _ => Judged::default(),
        };
        let mut found: Vec<Finding> = Vec::new();
        for (file, error) in &scanned.failed {
            if let ReadError::Passing(_) = error {
                self.report.complete = false;
                if let Some(id) = id.filter(|_| scanned.folded.is_none()) {
                    self.reach.not_compared.insert(id, row.is_some());
                }
            }
            found.extend(judge::failure(self.file(*file), error));
        }
        if let Some(row) = row.filter(|_| !found.is_empty() && scanned.folded.is_none()) {
            found.extend(judge::unreadable_cells(row));
        }
        for ReadAside { file, damage } in &scanned.read_aside {
            found.extend(match damage {
                Ok((report, _)) => judge::damage(self.file(*file), report),
                Err(error) => judge::failure(self.file(*file), error),
            });
        }
        if let Some((file, folded)) = &scanned.folded {
            found.extend(judge::damage(self.file(*file), &folded.damage));
            found.extend(self.cannot_open(*file, folded));
        }
        if self.options.depth != Depth::Quick {
            self.decide_copies(subject, &mut found);
        }
        if let Origin::Group(files) = &subject.origin {
            let malformed = files.clone().filter(|&i| self.file(i).thread().is_none());
            found.extend(malformed.map(|i| judge::malformed(self.file(i))));
        }
        judged.findings.extend(found.into_iter().map(|finding| finding.of(*id)));
        Ok(judged)
    }

    /// Returns true if a thread without a row should have one. In a quick look, another thread's row may name the
    /// file.
    fn is_missing(&self, scanned: &Scanned, origin: &Origin) -> bool {
        let is_in_row = |file: &usize| self.rows.threads_naming(*file).next().is_some();
        self.options.depth != Depth::Quick
            || (matches!(origin, Origin::Group(_)) && !scanned.files.clone().any(|file| is_in_row(&file)))
    }

    fn decide_row(&mut self, file: usize, folded: &FoldedThread, row: &Row) -> anyhow::Result<Judged> {
        let id = folded.metadata.id;
        let differences = self.differences(file, &folded.metadata, row);
        self.note(file, folded, row, &differences);
        if differences.is_empty() || self.is_being_written(folded, row, &differences) {
            return Ok(Judged::default());
        }
        let path = differences.iter().find(|difference| difference.col == Col::RolloutPath);
        let path = path.and_then(|path| path.database.as_text());
        let also_of = path.map(|path| self.also_of(id, Path::new(path))).transpose()?.flatten();
        let exists = |path: &Path| judge::is_there(self.options.context.home, path);
        let facts = PathFacts { home: self.options.context.home, exists: &exists, also_of };
        let judged = judge::differences(id, self.file(file), differences, &facts);
        Ok(Judged { moved: judged.moved_from.is_some().then_some(file), ..judged })
    }

    /// Finds the differences between a row and its file. Only if there are any, reads what is more expensive: the
    /// older rollouts of a reverted thread, and in a quick look the time at the end of the file.
    fn differences(&mut self, file: usize, thread: &ThreadMetadata, row: &Row) -> Vec<FieldDifference> {
        let differences = self.survey.comparison.diff(thread, row);
        // The last line decides about a modification time that was lost.
        let is_lost = self.options.depth == Depth::Quick && times::is_lost(thread.modified_at);
        if differences.is_empty() && !is_lost {
            return differences;
        }
        if self.options.depth != Depth::Quick {
            let Survey { comparison, worker, .. } = &mut self.survey;
            return comparison.diff_or_older(thread, row, differences, || worker.older(file, thread.id));
        }
        let is_time = |difference: &FieldDifference| difference.col.is_updated_at();
        if !is_lost && !differences.iter().any(is_time) {
            return differences;
        }
        let Survey { comparison, worker, inventory, .. } = &mut self.survey;
        let mut with_end = |file: usize, thread: ThreadMetadata| glance::with_end(thread, worker.end(file)?);
        let Some(thread) = with_end(file, thread.clone()) else { return differences };
        let differences = comparison.diff(&thread, row);
        comparison.diff_or_older(&thread, row, differences, || {
            let rollouts = inventory.older_rollouts(file).into_iter();
            let glance = |i: usize| {
                let file = &inventory.files()[i];
                with_end(i, glance::at_a_glance(thread.id, file, file.stamp()).metadata)
            };
            rollouts.filter_map(glance).collect()
        })
    }

    /// Returns true if only the row's time is behind, and by no more than with a Codex that is writing the file right
    /// now.
    fn is_being_written(&self, folded: &FoldedThread, row: &Row, differences: &[FieldDifference]) -> bool {
        let is_time = |difference: &FieldDifference| difference.col.is_updated_at();
        let file = folded.metadata.updated_at.div_euclid(1000);
        self.is_fresh(folded.stamp)
            && differences.iter().all(is_time)
            && row
                .integer(Col::UpdatedAt)
                .and_then(|row| file.checked_sub(row))
                .is_some_and(|behind| BEHIND.contains(&behind))
    }

    /// Returns another thread whose row names the file at `path`, and to which the file belongs.
    pub(super) fn also_of(&mut self, id: ThreadId, path: &Path) -> anyhow::Result<Option<ThreadId>> {
        let Some(file) =
            paths::locate(self.survey.inventory, path).filter(|_| self.options.depth != Depth::Quick)
        else {
            return Ok(None);
        };
        let owner = self.owner(file);
        if owner == Some(id) {
            return Ok(None);
        }
        if let Some(owner) = owner {
            let row = self.survey.row(owner)?;
            let path = row.as_ref().and_then(|row| row.text(Col::RolloutPath)).map(Path::new);
            if path.is_some_and(|path| paths::is_at(self.file(file), path)) {
                return Ok(Some(owner));
            }
        }
        self.read_all_rows()?;
        Ok(self.rows.threads_naming(file).next().filter(|first| *first < id))
    }

    /// Returns the thread of a file: the one in its contents if it is known to be misnamed, otherwise the one in its
    /// name.
    pub(super) fn owner(&self, file: usize) -> Option<ThreadId> {
        self.survey.misnamed.thread_of(file).or(self.file(file).thread())
    }

    /// Reports the files that were not chosen for their rollout.
    fn decide_copies(&self, subject: &Subject, found: &mut Vec<Finding>) {
        let scanned = &subject.scanned;
        let counts = self.counting(subject);
        let n_bytes = |i: usize| match &scanned.folded {
            Some((file, folded)) if *file == i => Some(folded.n_own_bytes),
            _ => {
                scanned.read_aside.iter().find(|aside| aside.file == i)?.damage.as_ref().ok().map(|(_, n)| *n)
            }
        };
        let is_longer = |copy: usize, counts: usize| {
            if self.file(copy).is_compressed() == self.file(counts).is_compressed() {
                return self.file(copy).size() > self.file(counts).size();
            }
            matches!((n_bytes(copy), n_bytes(counts)), (Some(copy), Some(counts)) if copy > counts)
        };
        let pairs = scanned.copies.iter().filter_map(|&copy| Some((copy, counts?)));
        let of_chain = scanned.chain_copies.iter().filter_map(|&copy| {
            let rollout = |i: usize| self.file(i).rollout();
            let is_member = |i: &usize| !scanned.chain_copies.contains(i) && rollout(*i) == rollout(copy);
            Some((copy, scanned.files.clone().find(is_member)?))
        });
        for (copy, counts) in pairs.chain(of_chain) {
            found.push(judge::duplicate(self.file(copy), self.file(counts), is_longer(copy, counts)));
        }
    }
}

/// Returns true if `copy` and another of the files exist at one moment. A file that a Codex moves from one folder to the
/// other while both are read is seen in both.
fn is_beside_another(copy: &Path, files: impl Iterator<Item = PathBuf>) -> bool {
    let is_there = |path: &Path| std::fs::symlink_metadata(path).is_ok();
    is_there(copy) && files.into_iter().any(|file| file != copy && is_there(&file)) && is_there(copy)
}

/// Returns a hash of the row.
fn hash(row: &Row) -> u64 {
    let mut hasher = DefaultHasher::new();
    for cell in row.cells() {
        std::mem::discriminant(cell).hash(&mut hasher);
        match cell {
            Cell::Null => {}
            Cell::Integer(number) => number.hash(&mut hasher),
            Cell::Real(number) => number.to_bits().hash(&mut hasher),
            Cell::Text(text) => text.hash(&mut hasher),
            Cell::Blob(bytes) => bytes.hash(&mut hasher),
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_moved_is_no_duplicate_of_itself() {
        let folder = tempfile::tempdir().unwrap();
        let [here, there] = ["here.jsonl", "there.jsonl"].map(|name| folder.path().join(name));
        let is_duplicate = |copy: &PathBuf| is_beside_another(copy, [&here, &there].into_iter().cloned());
        std::fs::write(&here, "x").unwrap();
        assert!(!is_duplicate(&here) && !is_duplicate(&there));
        std::fs::rename(&here, &there).unwrap();
        assert!(!is_duplicate(&here) && !is_duplicate(&there));
        std::fs::write(&here, "x").unwrap();
        assert!(is_duplicate(&here) && is_duplicate(&there));
    }
}
