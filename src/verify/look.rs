//! Compares threads with their rows, and looks at each difference a second time before it is reported.
//!
//! A running Codex appends to a file and writes the row a moment later. So what differs at first sight waits a little
//! with other doubtful threads; then file and row are looked at again, and whatever moved is decided anew.

use super::finding::{Finding, Kind};
use super::judge::{self, Judged, PathFacts};
use super::{Depth, Run, quick, rows};
use crate::catalog::misnamed;
use crate::catalog::paths;
use crate::rollout::fold::{FoldedThread, ReadError, Stamp};
use crate::survey::scan::{Group, ReadAside, Scanned};
use crate::thread::cell::Cell;
use crate::thread::columns::{Row, index};
use crate::thread::diff::FieldDifference;
use crate::thread::times::Times;
use crate::thread::{ThreadId, ThreadMetadata};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How many bytes of threads wait to be compared, or to be looked at again.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How often a thread that does not hold still is looked at again.
const MAX_LOOKS: u32 = 3;
/// A file that was written so recently may be at work.
const FRESH: Duration = Duration::from_secs(10);
/// How far a working Codex lets a row's time fall behind: it writes the row every five seconds.
const BEHIND: std::ops::RangeInclusive<i64> = 0..=6;
/// How long to wait before fresh files are looked at again, and how often in one run: a Codex writes the row right after
/// the line, but on a busy machine it may have to wait for its turn in between.
const PAUSE: Duration = Duration::from_millis(400);
const MAX_PAUSES: u32 = 8;

/// What is read again when something moved.
#[derive(Debug, Clone)]
pub(super) enum Again {
    /// A group of files.
    Group(Range<usize>),
    /// The files that claim a thread: the one that counts, and the others.
    Claim(Option<usize>, Vec<usize>),
}

impl Again {
    fn files(&self) -> Vec<usize> {
        match self {
            Again::Group(files) => files.clone().collect(),
            Again::Claim(chosen, others) => chosen.iter().chain(others).copied().collect(),
        }
    }
}

/// Something to be compared with a row.
pub(super) struct Subject {
    pub(super) scanned: Scanned,
    /// The thread whose row is meant.
    pub(super) id: Option<ThreadId>,
    /// The file that counts, where that is known though it is not compared here.
    pub(super) counts: Option<usize>,
    again: Again,
    n_looks: u32,
}

impl Subject {
    pub(super) fn new(scanned: Scanned, again: Again) -> Subject {
        let id = scanned.thread.or(scanned.strays.first().map(|(_, thread)| *thread));
        Subject { scanned, id, counts: None, again, n_looks: 0 }
    }
}

/// Something that was found at first sight.
pub(super) struct Doubtful {
    id: Option<ThreadId>,
    counts: Option<usize>,
    again: Again,
    /// What the files were when they were read.
    stamps: Vec<Option<Stamp>>,
    /// What the row was.
    row: Option<u64>,
    judged: Judged,
    n_looks: u32,
}

impl Doubtful {
    fn size(&self) -> usize {
        self.judged.findings.iter().map(Finding::size).sum::<usize>() + 256
    }
}

impl Run<'_> {
    /// The files that claim a thread, as something to be compared.
    pub(super) fn claimed(&mut self, id: ThreadId, chosen: Option<usize>, others: Vec<usize>) -> Subject {
        let mut scanned = Scanned { thread: Some(id), copies: others.clone(), ..Scanned::default() };
        if let Some(i) = chosen {
            let file = &self.inventory.files()[i];
            let folded = match self.config.depth {
                Depth::Quick => {
                    match std::fs::symlink_metadata(file.path()).and_then(|data| Stamp::of(&data)) {
                        Ok(stamp) => Ok(quick::at_a_glance(id, file, stamp)),
                        Err(error) => Err(error.into()),
                    }
                }
                Depth::Fields | Depth::Deep => self.worker.fold(&file.source()),
            };
            match folded {
                Ok(folded) if folded.metadata.id == id => scanned.folded = Some((i, folded)),
                // It says something else now: the next run will know what.
                Ok(_) => {}
                Err(error) => scanned.failed.push((i, error)),
            }
        }
        for &file in others.iter().filter(|_| self.config.depth != Depth::Quick) {
            let damage = self.worker.read(&self.inventory.files()[file].source());
            scanned.read_aside.push(ReadAside { file, damage });
        }
        Subject::new(scanned, Again::Claim(chosen, others))
    }

    /// Compares what waits.
    pub(super) fn compare_batch(&mut self) -> anyhow::Result<()> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        let ids: Vec<ThreadId> = batch.iter().filter_map(|subject| subject.id).collect();
        let mut rows = rows::get(&self.table, &ids, self.reader)?.into_iter();
        for subject in batch {
            let row = subject.id.and_then(|_| rows.next().flatten());
            self.compare(subject, row.as_ref())?;
        }
        Ok(())
    }

    /// Compares what waits, and reports what is found.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        self.compare_batch()?;
        self.look_again()
    }

    fn compare(&mut self, mut subject: Subject, row: Option<&Row>) -> anyhow::Result<()> {
        if let (Some(row), Again::Group(_), Some((file, folded))) =
            (row, &subject.again, &subject.scanned.folded)
            && self.config.depth != Depth::Quick
            && misnamed::names_a_stray(self.config.home, row, folded.metadata.id, self.file(*file))
        {
            // It must be known first what all files say that have other threads in their names.
            let (id, file) = (folded.metadata.id, *file);
            self.strays.entry(id).or_default().push(file);
            subject.counts = Some(file);
            subject.scanned.folded = None;
        }
        let judged = self.decide(&subject, row)?;
        if judged.findings.is_empty() && judged.moved_from.is_none() {
            return Ok(());
        }
        let files = self.inventory.files();
        let stamp = |i: usize| match &subject.scanned.folded {
            Some((file, folded)) if *file == i => Some(folded.stamp),
            _ if subject.n_looks == 0 => Some(files[i].stamp),
            _ => self.stamp_now(i),
        };
        let doubtful = Doubtful {
            id: subject.id,
            counts: subject.counts,
            stamps: subject.again.files().into_iter().map(stamp).collect(),
            again: subject.again,
            row: row.map(hash),
            judged,
            n_looks: subject.n_looks + 1,
        };
        self.doubtful_bytes += doubtful.size();
        self.doubtful.push(doubtful);
        if self.doubtful.len() >= rows::BATCH || self.doubtful_bytes >= MAX_BYTES {
            self.look_again()?;
        }
        Ok(())
    }

    fn stamp_now(&self, file: usize) -> Option<Stamp> {
        let metadata = std::fs::symlink_metadata(self.file(file).path()).ok()?;
        Stamp::of(&metadata).ok()
    }

    pub(super) fn is_fresh(&self, stamp: Stamp) -> bool {
        SystemTime::from(self.config.now).checked_sub(FRESH).is_none_or(|since| stamp.modified >= since)
    }

    /// Looks again at what is doubtful: what held still is reported, what moved is decided anew.
    fn look_again(&mut self) -> anyhow::Result<()> {
        while !self.doubtful.is_empty() && !self.config.interrupted.load(std::sync::atomic::Ordering::Relaxed)
        {
            self.doubtful_bytes = 0;
            let doubtful = std::mem::take(&mut self.doubtful);
            let mut stamps = doubtful.iter().flat_map(|one| &one.stamps).flatten();
            if self.n_pauses < MAX_PAUSES && stamps.any(|stamp| self.is_fresh(*stamp)) {
                self.n_pauses += 1;
                std::thread::sleep(PAUSE);
            }
            let ids: Vec<ThreadId> = doubtful.iter().filter_map(|one| one.id).collect();
            let mut rows = rows::get(&self.table, &ids, self.reader)?.into_iter();
            for one in doubtful {
                let row = one.id.and_then(|_| rows.next().flatten());
                let files = one.again.files();
                let held_still = one.row == row.as_ref().map(hash)
                    && files.iter().zip(&one.stamps).all(|(&i, stamp)| self.stamp_now(i) == *stamp);
                if held_still || one.n_looks >= MAX_LOOKS {
                    self.confirm(one, row.is_some(), held_still);
                } else {
                    let subject = self.read_again(one, row.as_ref());
                    self.compare(subject, row.as_ref())?;
                }
            }
        }
        Ok(())
    }

    fn confirm(&mut self, one: Doubtful, has_row: bool, held_still: bool) {
        let row = one.id.filter(|_| has_row);
        for finding in one.judged.findings {
            // A row that runs after its file, also from one folder to the other, and a line that is being written, are
            // Codex at work.
            let may_be_work = matches!(
                finding.kind,
                Kind::FieldMismatch | Kind::DamagedLines | Kind::ArchiveMismatch | Kind::MovedFile
            );
            if held_still || !may_be_work {
                self.report(finding, row);
            }
        }
        if let Some(old) = one.judged.moved_from
            && !self.config.ignore.kind(Kind::MovedHome)
            && !self.config.ignore.column(index::ROLLOUT_PATH)
        {
            *self.moved_homes.entry(old).or_default() += 1;
        }
    }

    fn read_again(&mut self, one: Doubtful, row: Option<&Row>) -> Subject {
        let subject = match one.again {
            Again::Group(files) => {
                let path = row.and_then(|row| row.text(index::ROLLOUT_PATH)).map(Path::new);
                let members = &self.inventory.files()[files.clone()];
                let in_row = path.and_then(|path| paths::find_in_row(members, path));
                let group = Group { in_row: in_row.map(|i| files.start + i), files: files.clone() };
                let scanned = match self.config.depth {
                    Depth::Quick => self.glance(&group),
                    Depth::Fields | Depth::Deep => self.worker.scan(&group),
                };
                if let Some(thread) = scanned.thread.filter(|_| has_vanished(&scanned)) {
                    self.left.insert(thread);
                }
                Subject::new(scanned, Again::Group(files))
            }
            Again::Claim(chosen, others) => match one.id {
                Some(id) => self.claimed(id, chosen, others),
                None => Subject::new(Scanned::default(), Again::Claim(chosen, others)),
            },
        };
        Subject { n_looks: one.n_looks, counts: one.counts, ..subject }
    }

    /// Says what is wrong with a thread: with its files, and between file and row.
    fn decide(&mut self, subject: &Subject, row: Option<&Row>) -> anyhow::Result<Judged> {
        let Subject { scanned, id, .. } = subject;
        if let Some(id) = id {
            self.not_compared.remove(id);
        }
        let mut judged = match (&scanned.folded, row) {
            (Some((file, folded)), Some(row)) => self.decide_row(*file, folded, row)?,
            (Some((file, folded)), None) if self.is_missing(scanned, &subject.again) => {
                let path = self.file(*file).path();
                let finding = Finding::new(Kind::MissingRow, "the rollout has no row");
                let findings = vec![finding.of(Some(folded.metadata.id)).at(path)];
                Judged { findings, ..Judged::default() }
            }
            _ => Judged::default(),
        };
        let mut found: Vec<Finding> = Vec::new();
        for (file, error) in &scanned.failed {
            if let ReadError::Passing(_) = error {
                self.is_whole = false;
                if let Some(id) = id.filter(|_| scanned.folded.is_none()) {
                    self.not_compared.insert(id, row.is_some());
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
        if self.config.depth != Depth::Quick {
            self.decide_copies(subject, &mut found);
        }
        if let Again::Group(files) = &subject.again {
            let malformed = files.clone().filter(|&i| self.file(i).named.name.is_none());
            found.extend(malformed.map(|i| judge::malformed(self.file(i))));
        }
        judged.findings.extend(found.into_iter().map(|finding| finding.of(*id)));
        Ok(judged)
    }

    /// Whether a thread without a row should have one. At a glance, a row may name the file under another id.
    fn is_missing(&self, scanned: &Scanned, again: &Again) -> bool {
        let is_foreign = |file: &usize| self.rows.foreign.contains_key(file);
        self.config.depth != Depth::Quick
            || (matches!(again, Again::Group(_)) && !scanned.files.clone().any(|file| is_foreign(&file)))
    }

    fn decide_row(&mut self, file: usize, folded: &FoldedThread, row: &Row) -> anyhow::Result<Judged> {
        let id = folded.metadata.id;
        let differences = self.differences(file, &folded.metadata, row);
        self.note(file, folded, row, &differences);
        if differences.is_empty() || self.is_being_written(folded, row, &differences) {
            return Ok(Judged::default());
        }
        let path = differences.iter().find(|difference| difference.position == index::ROLLOUT_PATH);
        let also_of = match path.and_then(|path| path.database.as_text()) {
            Some(path) => self.also_of(id, Path::new(path))?,
            None => None,
        };
        let exists = |path: &Path| judge::is_there(self.config.home, path);
        let facts = PathFacts { home: self.config.home, exists: &exists, also_of };
        Ok(judge::differences(id, self.file(file), differences, &facts))
    }

    /// Finds where a row differs from its file. Asks what costs more only if it does: what the older rollouts of a reverted
    /// thread say, and in a quick look what time the end of the file says.
    fn differences(&mut self, file: usize, thread: &ThreadMetadata, row: &Row) -> Vec<FieldDifference> {
        let differences = self.comparison.diff(thread, row);
        if differences.is_empty() {
            return differences;
        }
        if self.config.depth != Depth::Quick {
            return self
                .comparison
                .diff_or_older(thread, row, differences, || self.worker.older(file, thread.id));
        }
        let is_time = |difference: &FieldDifference| {
            matches!(difference.position, index::UPDATED_AT | index::UPDATED_AT_MS)
        };
        match self.worker.last_event(file).filter(|_| differences.iter().any(is_time)) {
            Some(time) => {
                let mut thread = thread.clone();
                thread.last_event_at = time;
                thread.updated_at = Times::Auto.choose(thread.modified_at, time);
                self.comparison.diff(&thread, row)
            }
            None => differences,
        }
    }

    /// Whether the row's time is behind no further than a Codex that writes the file right now lets it fall.
    fn is_being_written(&self, folded: &FoldedThread, row: &Row, differences: &[FieldDifference]) -> bool {
        let is_time = |difference: &FieldDifference| {
            matches!(difference.position, index::UPDATED_AT | index::UPDATED_AT_MS)
        };
        let file = folded.metadata.updated_at.div_euclid(1000);
        self.is_fresh(folded.stamp)
            && differences.iter().all(is_time)
            && row
                .integer(index::UPDATED_AT)
                .and_then(|row| file.checked_sub(row))
                .is_some_and(|behind| BEHIND.contains(&behind))
    }

    /// Another thread whose row names the file at `path`, and which has the better claim to it.
    pub(super) fn also_of(&mut self, id: ThreadId, path: &Path) -> anyhow::Result<Option<ThreadId>> {
        let Some(file) = paths::locate(self.inventory, path).filter(|_| self.config.depth != Depth::Quick)
        else {
            return Ok(None);
        };
        let owner = self.owner(file);
        if owner == Some(id) {
            return Ok(None);
        }
        if let Some(owner) = owner {
            let row = rows::get(&self.table, &[owner], self.reader)?.pop().flatten();
            let path = row.as_ref().and_then(|row| row.text(index::ROLLOUT_PATH)).map(Path::new);
            if path.is_some_and(|path| paths::is_at(self.file(file), path)) {
                return Ok(Some(owner));
            }
        }
        let others = self.rows.foreign.get(&file).into_iter().flatten();
        Ok(others.copied().min().filter(|first| *first < id))
    }

    /// The thread that a file is of: by what it says, as far as that is known to differ, else by its name.
    pub(super) fn owner(&self, file: usize) -> Option<ThreadId> {
        self.says.get(&file).copied().or(self.file(file).named.name.map(|name| name.thread))
    }

    /// Names the files that lost to another of their rollout.
    fn decide_copies(&self, subject: &Subject, found: &mut Vec<Finding>) {
        let scanned = &subject.scanned;
        let counts = scanned.folded.as_ref().map(|(file, _)| *file).or(subject.counts);
        let n_bytes = |i: usize| match &scanned.folded {
            Some((file, folded)) if *file == i => Some(folded.n_own_bytes),
            _ => {
                scanned.read_aside.iter().find(|aside| aside.file == i)?.damage.as_ref().ok().map(|(_, n)| *n)
            }
        };
        let is_longer = |copy: usize, counts: usize| {
            if self.file(copy).named.compressed == self.file(counts).named.compressed {
                return self.file(copy).stamp.size > self.file(counts).stamp.size;
            }
            matches!((n_bytes(copy), n_bytes(counts)), (Some(copy), Some(counts)) if copy > counts)
        };
        let pairs = scanned.copies.iter().filter_map(|&copy| Some((copy, counts?)));
        let of_chain = scanned.chain_copies.iter().filter_map(|&copy| {
            let rollout = |i: usize| self.file(i).named.name.map(|name| name.rollout);
            let is_member = |i: &usize| !scanned.chain_copies.contains(i) && rollout(*i) == rollout(copy);
            Some((copy, scanned.files.clone().find(is_member)?))
        });
        for (copy, counts) in pairs.chain(of_chain) {
            found.push(judge::duplicate(self.file(copy), self.file(counts), is_longer(copy, counts)));
        }
    }
}

/// Whether the files of a thread are gone, or turned out to be another's, so that its row may have none.
pub(super) fn has_vanished(scanned: &Scanned) -> bool {
    let vanished = |(_, error): &(usize, ReadError)| matches!(error, ReadError::Vanished);
    scanned.folded.is_none() && scanned.failed.iter().all(vanished)
}

/// A row as a number that changes with it.
fn hash(row: &Row) -> u64 {
    let mut hasher = DefaultHasher::new();
    for cell in row.cells.iter().flatten() {
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
