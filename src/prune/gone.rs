//! Finds the rows that have lost their rollout, from the files on the disk. It deletes nothing.

use super::job::PruneJob;
use super::references;
use crate::catalog::forms;
use crate::catalog::inventory::Inventory;
use crate::catalog::paths;
use crate::catalog::walk::{ARCHIVED, active_folder};
use crate::db::Reader;
use crate::db::threads::{self, Summary};
use crate::progress::Progress;
use crate::rollout::file_name;
use crate::survey::select::Selected;
use crate::sys::thread_locks;
use crate::thread::ThreadId;
use crate::{home, sys};
use chrono::TimeDelta;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A younger row may belong to a thread whose file Codex has not created yet.
const LEAST_AGE: TimeDelta = TimeDelta::minutes(10);

/// Returns the reason why a row must stay after all: something now exists at its path, or where Codex would put its
/// file.
pub(super) fn look_again(
    home: &Path,
    inventory: &Inventory,
    thread: ThreadId,
    path: &Path,
) -> Option<String> {
    let mut places: Vec<PathBuf> = home::row_path(home, path).map(Cow::into_owned).into_iter().collect();
    if let Some(file) = paths::name_in_row(path)
        && let Some(name) = file_name::parse(file).and_then(|named| named.name)
    {
        let active = active_folder(home, name).join(file);
        places.extend([home.join(ARCHIVED).join(file), active]);
    }
    if !inventory.of_thread(thread).is_empty() {
        return Some("its rollout is there".to_owned());
    }
    for place in &places {
        match forms::look(place) {
            Ok(None) => {}
            Ok(Some((found, _))) => return Some(format!("its rollout is there again: {}", found.display())),
            Err(error) => return Some(format!("{}: cannot be looked at: {error}", place.display())),
        }
    }
    None
}

/// Returns true if a path is one of another kind of system, where it may lead to a file.
fn is_foreign(path: &str) -> bool {
    if cfg!(windows) { path.starts_with('/') } else { path.starts_with('\\') || sys::has_drive(path) }
}

/// Returns true if a path is on a missing drive or share. On Windows that looks like a missing file.
fn is_on_a_missing_drive(path: &Path) -> bool {
    cfg!(windows) && path.ancestors().last().is_some_and(|root| !root.try_exists().unwrap_or(false))
}

impl PruneJob<'_> {
    /// Examines all rows, or the requested ones. Returns the number of all rows.
    pub(super) fn find(&mut self, reader: &mut Reader, progress: &dyn Progress) -> anyhow::Result<u64> {
        let n_rows = reader.read(threads::count)?;
        if let Some(wanted) = self.options.threads {
            // The file of a thread that was requested by a path exists.
            for id in wanted.iter().filter_map(Selected::id) {
                let schema = &self.schema;
                let row = reader.read(|connection| threads::summary(connection, schema, id))?;
                match row {
                    Some(row) => self.look_at(&row, true),
                    None => self.candidates.add(&id.to_string(), id, "").skip("it has no row"),
                }
                progress.advance(1, 0);
            }
            return Ok(n_rows);
        }
        let mut rows = threads::summaries();
        while let Some(row) = rows.next(|after| {
            reader.read(|connection| threads::summaries_after(connection, &self.schema, after))
        })? {
            self.look_at(&row, false);
            progress.advance(1, 0);
        }
        Ok(n_rows)
    }

    /// Examines one row. A row that is fine becomes a candidate only if it was requested.
    fn look_at(&mut self, row: &Summary, is_named: bool) {
        self.checked += 1;
        let path = Path::new(&row.rollout_path);
        let Some(thread) = ThreadId::parse(&row.id) else { return };
        let found =
            home::row_path(self.options.context.home, path).map_or(Ok(None), |path| forms::look(&path));
        let has_file = !self.inventory.of_thread(thread).is_empty();
        let is_there = match &found {
            Ok(Some(_)) if path.is_relative() && has_file => false,
            Ok(Some((found, _))) => found.starts_with(self.options.context.home) || self.roots.contain(found),
            Ok(None) | Err(_) => false,
        };
        if is_there && !is_named {
            return;
        }
        let candidate = self.candidates.add(&row.id, thread, &row.rollout_path);
        match found {
            Ok(Some(_)) if is_there => candidate.skip("its rollout is there"),
            Ok(Some(_)) if path.is_relative() && has_file => candidate.misplaced(),
            Ok(Some(_)) if has_file => {
                candidate.skip(
                    "its path leads out of the Codex home, which has its rollout too: codex-state backfill corrects it",
                );
            }
            Ok(Some(_)) => candidate.skip("its rollout is there, outside of the Codex home"),
            Err(error) => candidate.fail(format!("{}: cannot be looked at: {error}", path.display())),
            Ok(None) if has_file => candidate.misplaced(),
            Ok(None) if is_foreign(&row.rollout_path) => {
                candidate.skip("its path is one of another system, where the file may be");
            }
            Ok(None) if path.is_absolute() && is_on_a_missing_drive(path) => {
                candidate.skip("the drive of its path is not there, where the file may be");
            }
            Ok(None) => {
                let youngest = (self.options.context.now - LEAST_AGE).timestamp();
                let millis = row.updated_at_ms.map(|millis| millis.div_euclid(1000));
                if row.updated_at.into_iter().chain(millis).any(|at| at > youngest) {
                    candidate.skip("younger than ten minutes: Codex may be about to make its file");
                }
            }
        }
    }

    /// Checks whether an existing file contains or needs a candidate, and whether the candidates' locks are held.
    ///
    /// # Errors
    /// If a file that may contain any thread cannot be read.
    pub(super) fn check_files(&mut self, progress: &dyn Progress) -> anyhow::Result<()> {
        if self.n_to_go() == 0 {
            return Ok(());
        }
        let claimed = references::claimed(self, progress)?;
        for candidate in self.candidates.to_go_mut().filter(|candidate| claimed.contains(&candidate.thread)) {
            candidate.misplaced();
        }
        if self.n_to_go() == 0 {
            return Ok(());
        }
        let needed = references::needed(self, progress)?;
        for place in 0..self.candidates.len() {
            let candidate = &self.candidates.all()[place];
            let user = self.candidates.rollouts(candidate).find_map(|rollout| needed.get(&rollout));
            if let Some(user) = user.filter(|_| candidate.goes()) {
                let reason = format!("the history of another thread begins in it: {user}");
                self.candidates.at_mut(place).fail(reason);
            }
        }
        if self.n_to_go() == 0 {
            return Ok(());
        }
        let (home, patience) = (self.options.context.home, self.options.patience);
        let maintenance = thread_locks::maintenance(home, patience).map(drop);
        let has_locks = thread_locks::exist(home);
        for candidate in self.candidates.to_go_mut() {
            let claimed = match has_locks {
                true => thread_locks::probe(home, candidate.thread, patience),
                false => Ok(()),
            };
            if let Err(held) = maintenance.as_ref().and(claimed.as_ref()) {
                candidate.fail(held.to_string());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_other_systems_are_recognised() {
        let of_windows = [r"C:\Users\a\.codex\sessions\x.jsonl", r"\\?\C:\x", "c:/x"];
        let of_unix = ["/home/a"];
        for path in of_windows {
            assert_eq!(is_foreign(path), cfg!(unix), "{path}");
        }
        for path in of_unix {
            assert_eq!(is_foreign(path), cfg!(windows), "{path}");
        }
        for own in ["", "x", "a:b", "sessions/x"] {
            assert!(!is_foreign(own), "{own}");
        }
    }
}
