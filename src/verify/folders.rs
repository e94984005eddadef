//! Records what a verify could not read: rollout folders, files, and the threads in them.

use super::finding::Finding;
use super::kinds::FindingKind;
use super::run::VerifyRun;
use crate::catalog::absent::AbsentFolder;
use crate::catalog::walk::WalkError;

impl VerifyRun<'_> {
    /// Reports the folders that cannot be read although rows name rollouts in them, once each instead of a `missing_file`
    /// for each row, and the `errors` of the walk about other files and folders.
    pub(super) fn report_folders(&mut self, errors: Vec<WalkError>) {
        let named = self.reach.absent.named().filter(|folder| folder.is_still_absent());
        let named: Vec<AbsentFolder> = named.cloned().collect();
        self.report.complete &= self.reach.absent.named().next().is_none();
        for error in errors {
            if !named.iter().any(|folder| folder.path == error.path) {
                let message = format!("cannot be read: {}", error.reason);
                self.report(Finding::new(FindingKind::UnreadableFile, message).at(error.path), None);
            }
        }
        for folder in named {
            let name = folder.path.file_name().unwrap_or_default().display();
            let message = format!("{name} {}", folder.describe());
            self.report(Finding::new(FindingKind::MissingFolder, message).at(&folder.path), None);
        }
    }

    /// Returns the number of rows that were compared and have no finding.
    pub(super) fn count_agreeing(&self) -> u64 {
        let flagged = &self.flagged;
        let unread =
            self.reach.not_compared.iter().filter(|(id, has_row)| **has_row && !flagged.contains(id));
        self.rows.n.saturating_sub(self.rows.n_odd + (flagged.len() + unread.count()) as u64)
    }
}
