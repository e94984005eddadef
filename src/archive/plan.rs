//! Decides what to do with one thread, from its row and the files on the disk now. It changes nothing.

use super::engine::{ArchiveOptions, Engine};
use super::place;
use super::refusal::Refusal;
use super::report::{ArchiveOutcome, MovedFile};
use crate::catalog::forms::other_form;
use crate::catalog::inventory;
use crate::catalog::paths::{find_in_row, is_at, name_in_row};
use crate::catalog::walk::{ARCHIVED, RolloutFile, active_folder};
use crate::rollout::extract::Options;
use crate::rollout::file_name;
use crate::rollout::fold::{self, FoldedThread, Reading, RolloutSource, World};
use crate::survey::change::ChangeStatus;
use crate::sys::relocate::{self, Leftover};
use crate::sys::thread_locks::{self, Unclaimed};
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{Col, Row};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The plan for one thread.
pub(super) struct Planned {
    /// The outcome if everything succeeds.
    pub(super) outcome: ArchiveOutcome,
    /// The work, if something must and can be done.
    pub(super) task: Option<Box<Task>>,
}

/// The work on one thread.
pub(super) struct Task {
    /// The row when this was decided.
    pub(super) row: Option<Row>,
    /// The chosen file.
    pub(super) selected: RolloutFile,
    /// Its path afterwards.
    pub(super) to: PathBuf,
    /// The path's spelling in the row.
    pub(super) row_path: String,
    /// The files to move, in this order.
    pub(super) moves: Vec<Move>,
    /// The thread in the chosen file.
    pub(super) folded: FoldedThread,
}

impl Task {
    /// Returns true if the chosen file is at its destination and the row has its flag already. Then only other files
    /// of the thread are moved, and the thread's archive state does not change.
    pub(super) fn was_there(&self, archived: bool) -> bool {
        let flag = self.row.as_ref().and_then(|row| row.integer(Col::Archived));
        self.to == self.selected.path() && flag == Some(i64::from(archived))
    }
}

/// A file to move.
pub(super) struct Move {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
    /// The destination root, and the folders below it.
    pub(super) folder: (PathBuf, Vec<String>),
    /// Set if the file is at its destination already, so that only the original must be removed.
    pub(super) leftover: Option<Leftover>,
}

impl Planned {
    /// Returns the plan for a thread, or for a file whose name does not give one. `from` is the path of its selected
    /// rollout, as far as it is known.
    pub(super) fn new(
        id: Option<ThreadId>,
        from: Option<PathBuf>,
        task: Result<Option<Box<Task>>, Refusal>,
    ) -> Planned {
        let task = match task {
            Ok(task) => task,
            Err(refusal) => {
                let outcome = ArchiveOutcome::failed(id, from, refusal.to_string());
                return Planned { outcome, task: None };
            }
        };
        let (status, to) = match &task {
            Some(task) => (ChangeStatus::Done, Some(task.to.clone())),
            None => (ChangeStatus::Kept, from.clone()),
        };
        let file = |one: &Move| MovedFile { from: one.from.clone(), to: one.to.clone() };
        let files = task.iter().flat_map(|task| &task.moves).map(file).collect();
        Planned { outcome: ArchiveOutcome { id, status, from, to, files, error: None }, task }
    }

    /// Refuses the work if a running Codex holds a lock that is needed. `maintenance` is the result of taking the lock
    /// of the whole home.
    pub(super) fn refuse_if_locked(
        self,
        options: &ArchiveOptions<'_>,
        maintenance: Result<&(), &Unclaimed>,
    ) -> Planned {
        let Some(id) = self.outcome.id.filter(|_| self.task.is_some()) else { return self };
        let probed = thread_locks::probe(options.context.home, id, options.patience);
        match maintenance.and(probed.as_ref()) {
            Ok(()) => self,
            Err(held) => Planned::new(Some(id), self.outcome.from, Err(Refusal::Locked(held.to_string()))),
        }
    }
}

/// Returns why the file that a row names cannot be moved with the row's thread.
fn named_for_another(path: PathBuf) -> Refusal {
    match name_in_row(&path).and_then(file_name::parse) {
        Some(named) if named.name.is_some() => Refusal::NamedForAnother(path),
        _ => Refusal::MalformedName(path),
    }
}

impl Engine<'_> {
    /// Plans the work on a thread with this row.
    pub(super) fn plan_one(&self, id: ThreadId, row: Option<Row>) -> Planned {
        let mut from = None;
        let task = self.decide(id, row, &mut from);
        Planned::new(Some(id), from, task)
    }

    /// Decides what must be done; `None` if nothing must.
    fn decide(
        &self,
        id: ThreadId,
        row: Option<Row>,
        from: &mut Option<PathBuf>,
    ) -> Result<Option<Box<Task>>, Refusal> {
        let home = self.options.context.home;
        let archives = self.options.direction.archives();
        let row_path = row.as_ref().and_then(|row| row.text(Col::RolloutPath)).map(PathBuf::from);
        let in_row = row_path.as_deref().map_or(Ok(None), |path| place::find_movable(home, path))?;
        let files = self.files_of(id, row_path.as_deref());
        if let Some(path) = in_row.filter(|path| !files.iter().any(|file| is_at(file, path))) {
            *from = Some(path.clone());
            return Err(named_for_another(path));
        }
        let in_row = row_path.as_deref().and_then(|path| find_in_row(&files, path));
        let Some(choice) = inventory::choose(&files, 0..files.len(), in_row) else {
            return Err(match row_path {
                Some(path) => {
                    *from = Some(path);
                    Refusal::Gone
                }
                None => Refusal::NoRollout,
            });
        };
        let selected = files[choice.chosen()].clone();
        *from = Some(selected.path());
        let twins: Vec<PathBuf> = choice.twins.iter().map(|&i| files[i].path()).collect();
        let mut moves = self.moves(&files)?;
        // Compressed twins first, then the file that counts.
        moves.sort_by_key(|one| {
            let rank = if twins.contains(&one.from) { 0 } else { 1 + u8::from(one.from != selected.path()) };
            (rank, one.from.clone())
        });
        let to = moves
            .iter()
            .find(|one| one.from == selected.path())
            .map_or_else(|| selected.path(), |one| one.to.clone());
        let plain = selected.is_compressed().then(|| other_form(&to));
        if let Some(plain) = plain.filter(|plain| to != selected.path() && plain.exists()) {
            // A compressed file beside a plain one is never chosen: after the move, the thread would lose it.
            return Err(Refusal::PlainTaken(plain));
        }
        if moves.is_empty() && row.as_ref().is_some_and(|row| agrees(row, &selected, archives)) {
            return Ok(None);
        }
        let row_path = spell(&to, row_path.as_deref(), &selected)?;
        let folded = self.read(id, &selected)?;
        Ok(Some(Box::new(Task { row, selected, to, row_path, moves, folded })))
    }

    /// Returns the files of a thread that exist now: those that were found, and those that they may have become since
    /// (Codex compresses and moves them, and so may we). They are searched for by name, so that no folder must be
    /// listed.
    fn files_of(&self, id: ThreadId, row_path: Option<&Path>) -> Vec<RolloutFile> {
        let home = self.options.context.home;
        let (mut names, mut folders) = (BTreeSet::<OsString>::new(), BTreeSet::<PathBuf>::new());
        folders.insert(home.join(ARCHIVED));
        let found = self.inventory.of_thread(id).iter().map(RolloutFile::path);
        for path in found.chain(row_path.map(Path::to_owned)) {
            let (Some(file), Some(folder)) = (name_in_row(&path), path.parent()) else { continue };
            let Some(name) = file_name::parse(file).and_then(|named| named.name) else { continue };
            if name.thread != id {
                continue;
            }
            for form in [PathBuf::from(file), other_form(Path::new(file))] {
                names.insert(form.into_os_string());
            }
            folders.insert(folder.to_owned());
            folders.insert(active_folder(home, name));
        }
        let at = |folder: &PathBuf| {
            let files = names.iter().map(|name| folder.join(name)).collect::<Vec<_>>();
            files.into_iter().filter_map(|path| RolloutFile::at(home, &path)).collect::<Vec<_>>()
        };
        folders.iter().flat_map(at).collect()
    }

    /// Returns the files to move, with their destinations.
    fn moves(&self, files: &[RolloutFile]) -> Result<Vec<Move>, Refusal> {
        let (home, direction) = (self.options.context.home, self.options.direction);
        let mut moves: Vec<Move> = Vec::new();
        for file in files.iter().filter(|file| file.is_archived() != direction.archives()) {
            let from = file.path();
            let Some(name) = file.name() else { return Err(Refusal::MalformedName(from)) };
            // No file of the thread may be behind a link, even one that the row does not name.
            place::find_movable(home, &from)?;
            let folder = place::folder(home, direction, name);
            relocate::check_folder(&folder.0, &folder.1).map_err(Refusal::Target)?;
            let to = place::path(home, direction, name).join(file.file_name());
            if let Some(other) = moves.iter().find(|other| other.to == to) {
                return Err(Refusal::SameName(other.from.clone(), from));
            }
            let leftover = match std::fs::symlink_metadata(&to) {
                Ok(_) => match relocate::leftover(&from, &to) {
                    Ok(Some(leftover)) => Some(leftover),
                    Ok(None) => return Err(Refusal::Taken(to, None)),
                    Err(error) => return Err(Refusal::Taken(to, Some(error))),
                },
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(Refusal::Unseen(to, error)),
            };
            moves.push(Move { from, to, folder, leftover });
        }
        Ok(moves)
    }

    /// Returns the path to which this run moves a rollout.
    fn place_to_be(&self, source: &RolloutSource) -> Option<PathBuf> {
        let folder = place::path(self.options.context.home, self.options.direction, source.name?);
        Some(folder.join(source.path.file_name()?))
    }

    fn read(&self, id: ThreadId, selected: &RolloutFile) -> Result<FoldedThread, Refusal> {
        let find_rollout = |rollout| {
            let mut copies = self.inventory.find_rollout(rollout);
            for source in copies.iter_mut().filter(|source| !source.path.exists()) {
                // This run may have moved the file since the walk.
                if let Some(path) = self.place_to_be(source).filter(|path| path.exists()) {
                    source.path = path;
                }
            }
            copies
        };
        let world = World {
            find_rollout: &find_rollout,
            canonical_folder: &|folder| self.folders.canonical(folder),
            default_provider: self.options.context.default_provider,
        };
        let mut buffer = self.buffer.borrow_mut();
        let mut reading = Reading {
            buffer: &mut buffer,
            options: Options::default(),
            interrupted: self.options.context.interrupted,
        };
        let path = selected.path();
        let folded = fold::fold(&selected.source(), &world, &mut reading)
            .map_err(|error| Refusal::Unread(path.clone(), error))?;
        if folded.metadata.id != id {
            return Err(Refusal::OfAnother(path, folded.metadata.id));
        }
        Ok(folded)
    }
}

/// Returns true if a row has this file's path, archived flag and a matching `archived_at`.
fn agrees(row: &Row, selected: &RolloutFile, archives: bool) -> bool {
    let path = row.text(Col::RolloutPath).map(Path::new);
    row.integer(Col::Archived) == Some(i64::from(archives))
        && path.is_some_and(|path| is_at(selected, path))
        && row.get(Col::ArchivedAt).is_none_or(|at| (*at == Cell::Null) != archives)
}

/// Returns the spelling of the selected file's new path for the row. If the row named the plain form of a file that
/// is compressed now, as Codex may, it continues to do so.
fn spell(to: &Path, row: Option<&Path>, selected: &RolloutFile) -> Result<String, Refusal> {
    let is_plain = |row: &Path| row.extension().is_some_and(|extension| extension == "jsonl");
    let to =
        if selected.is_compressed() && row.is_some_and(is_plain) { other_form(to) } else { to.to_owned() };
    to.to_str().map(str::to_owned).ok_or_else(|| Refusal::NotUtf8(to.clone()))
}
