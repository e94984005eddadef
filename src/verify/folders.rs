//! What a verify could not look at: rollout folders, files, and the threads in them.

use super::finding::{Finding, Kind};
use super::{Config, Run};
use crate::catalog::absent::{AbsentFolder, AbsentFolders};
use crate::catalog::walk::{Roots, WalkError};
use crate::survey::HomeFiles;
use crate::survey::plan::Plan;
use crate::thread::ThreadId;
use std::collections::HashMap;

/// How far a verify has looked, and what it could not look at.
#[derive(Debug)]
pub(super) struct Reach {
    /// The number of files that were looked at.
    pub(super) n_files: u64,
    /// The number of files that are to be looked at.
    pub(super) n_to_look_at: u64,
    /// True as long as everything could be looked at.
    pub(super) is_whole: bool,
    /// The rollout folders that cannot be walked.
    pub(super) absent: AbsentFolders,
    /// Threads whose file could not be read now, and whether they have a row.
    pub(super) not_compared: HashMap<ThreadId, bool>,
    /// The rollout folders, wherever links lead.
    pub(super) roots: Roots,
}

impl Reach {
    pub(super) fn new(config: &Config<'_>, files: &HomeFiles, plan: &Plan) -> Reach {
        Reach {
            // Files that agree with their rows, and misnamed files, which were opened to be found.
            n_files: plan.n_files - plan.n_to_read,
            n_to_look_at: plan.n_files,
            is_whole: files.errors.is_empty() && files.has_roots && config.threads.is_none(),
            absent: files.absent.clone(),
            not_compared: HashMap::new(),
            roots: Roots::of(config.context.home),
        }
    }
}

impl Run<'_> {
    /// Reports the folders that cannot be read although rows name rollouts in them, once each instead of a `missing_file`
    /// for each row, and the `errors` of the walk about other files and folders.
    pub(super) fn report_folders(&mut self, errors: Vec<WalkError>) {
        let is_absent = |folder: &&AbsentFolder| std::fs::read_dir(&folder.path).is_err();
        let named: Vec<AbsentFolder> = self.reach.absent.named().filter(is_absent).cloned().collect();
        self.reach.is_whole &= self.reach.absent.named().next().is_none();
        for error in errors {
            if !named.iter().any(|folder| folder.path == error.path) {
                let message = format!("cannot be read: {}", error.reason);
                self.report(Finding::new(Kind::UnreadableFile, message).at(error.path), None);
            }
        }
        for folder in named {
            let name = folder.path.file_name().unwrap_or_default().display();
            let message = format!("{name} {}", folder.describe());
            self.report(Finding::new(Kind::MissingFolder, message).at(&folder.path), None);
        }
    }

    /// Returns the number of rows that were compared and have no finding.
    pub(super) fn count_agreeing(&self) -> u64 {
        let flagged = &self.findings.flagged;
        let unread =
            self.reach.not_compared.iter().filter(|(id, has_row)| **has_row && !flagged.contains(id));
        self.rows.n.saturating_sub(self.rows.n_odd + (flagged.len() + unread.count()) as u64)
    }
}
