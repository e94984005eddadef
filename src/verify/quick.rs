//! Verifies with `--quick`: compares names, places and times, and opens no file.

use super::glance::at_a_glance;
use super::run::VerifyRun;
use crate::catalog::inventory;
use crate::catalog::paths;
use crate::rollout::fold::ReadError;
use crate::survey::scan::{Group, Scanned};
use crate::survey::{self, BATCH_THREADS};
use crate::thread::ThreadId;
use crate::thread::columns::Col;
use std::path::Path;

impl VerifyRun<'_> {
    /// Examines the names of all groups, and compares each thread with its row.
    pub(super) fn glance_at_all(&mut self, groups: &[Group]) -> anyhow::Result<()> {
        self.find_by_row()?;
        for group in groups {
            let scanned = self.glance(group);
            survey::take(self, scanned)?;
        }
        self.expect_misnamed();
        survey::compare_misnamed(self)
    }

    /// Returns what the walk shows about a group.
    pub(super) fn glance(&self, group: &Group) -> Scanned {
        let files = &self.survey.inventory.files()[group.files()];
        let thread = files[0].thread();
        let mut scanned = Scanned { files: group.files(), thread, ..Scanned::default() };
        let chosen = inventory::choose(self.survey.inventory.files(), group.files(), group.in_row());
        let chosen = chosen.map(|choice| choice.chosen());
        for (i, file) in group.files().zip(files) {
            if file.is_empty() {
                scanned.failed.push((i, ReadError::Empty));
            } else if let Some(thread) = thread.filter(|thread| !self.rows.by_row.contains(thread))
                && chosen == Some(i)
            {
                scanned.folded = Some((i, Box::new(at_a_glance(thread, file, file.stamp()))));
            }
        }
        scanned
    }

    /// Finds the threads whose rows may rightly name misnamed files although files are named after them. Those are
    /// files that are not named in the row of the thread in the file's name.
    fn find_by_row(&mut self) -> anyhow::Result<()> {
        let misnamed: Vec<(usize, ThreadId)> = self.rows.misnamed.iter().copied().collect();
        let files: Vec<&[(usize, ThreadId)]> = misnamed.chunk_by(|a, b| a.0 == b.0).collect();
        for some in files.chunks(BATCH_THREADS) {
            let by_name = |file: usize| self.survey.inventory.files()[file].thread();
            let ids: Vec<ThreadId> = some.iter().filter_map(|threads| by_name(threads[0].0)).collect();
            let mut rows = self.survey.rows(&ids)?.into_iter();
            for threads in some {
                let file = threads[0].0;
                let row = by_name(file).and_then(|_| rows.next().flatten());
                let path = row.as_ref().and_then(|row| row.text(Col::RolloutPath)).map(Path::new);
                if !path.is_some_and(|path| paths::is_at(&self.survey.inventory.files()[file], path)) {
                    self.rows.by_row.extend(threads.iter().map(|(_, thread)| *thread));
                }
            }
        }
        Ok(())
    }

    /// Trusts rows that name misnamed files.
    fn expect_misnamed(&mut self) {
        for &(file, thread) in &self.rows.misnamed {
            if self.survey.inventory.range_of(thread).is_empty() || self.rows.by_row.contains(&thread) {
                self.survey.misnamed.add(file, thread);
            }
        }
    }
}
