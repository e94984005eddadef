//! Finds what prevents Codex from starting, or from listing or resuming threads, although rows and rollouts agree
//! (docs: codex-home.md 8). These findings concern the whole home.

mod history;
mod lists;
mod start;

use super::finding::Finding;
use super::judge;
use super::kinds::FindingKind;
use super::options::Depth;
use super::run::VerifyRun;
use crate::db::schema::Schema;
use crate::rollout::fold::FoldedThread;
use crate::sys::WriterLock;
use crate::thread::HistoryMode;
use crate::thread::columns::{Col, Row};
use crate::thread::diff::FieldDifference;
use std::time::Duration;

/// Maximum time to wait for the lock under which Codex takes its own locks.
const PATIENCE: Duration = Duration::from_millis(200);

impl VerifyRun<'_> {
    /// Collects data of a thread for the findings about the whole home. Values in which the row differs are left out:
    /// a provider that the row has by mistake is a difference already.
    pub(super) fn note(
        &mut self,
        file: usize,
        folded: &FoldedThread,
        row: &Row,
        differences: &[FieldDifference],
    ) {
        let thread = &folded.metadata;
        if self.options.depth == Depth::Quick {
            return;
        }
        if let Some(defined) = self.options.providers {
            let differs = differences.iter().any(|difference| difference.col == Col::ModelProvider);
            let in_row = row.text(Col::ModelProvider).filter(|_| !differs);
            for provider in in_row.into_iter().chain([&*thread.model_provider]) {
                if !provider.is_empty() && !defined.defines(provider) {
                    self.noted.providers.entry(provider.to_owned()).or_default().insert(thread.id);
                }
            }
        }
        let title = row.text(Col::Title);
        if title != row.text(Col::FirstUserMessage)
            && (title == Some(&thread.title) || title == Some(&thread.first_user_message))
        {
            self.noted.untitled.push(thread.id);
        }
        if thread.history_mode == HistoryMode::Paginated && self.file(file).is_compressed() {
            self.noted.lengths.insert(file, folded.n_own_bytes);
        }
    }

    /// Reports what prevents Codex from opening a thread, unless the rollout is being written right now.
    pub(super) fn cannot_open(&self, file: usize, folded: &FoldedThread) -> Option<Finding> {
        let unopenable = folded.unopenable.as_ref()?;
        let id = folded.metadata.id.to_string();
        // A lock that cannot be checked counts as held.
        let is_at_work = self.is_fresh(folded.stamp)
            || WriterLock::is_held(self.options.context.home, &id, PATIENCE).unwrap_or(true);
        (!is_at_work).then(|| judge::cannot_open(self.file(file), unopenable))
    }

    /// Judges what prevents Codex from starting, listing or resuming.
    pub(super) fn judge_codex(&mut self, schema: &Schema) -> anyhow::Result<()> {
        type Judge<'a> = fn(&mut VerifyRun<'a>, &Schema) -> anyhow::Result<()>;
        let judges: [(FindingKind, Judge<'_>); 6] = [
            (FindingKind::LedgerMismatch, VerifyRun::judge_ledger),
            (FindingKind::SiblingDamaged, VerifyRun::judge_siblings),
            (FindingKind::HistoryBehind, VerifyRun::judge_history),
            (FindingKind::UnknownProvider, VerifyRun::judge_providers),
            (FindingKind::UnassignedProject, VerifyRun::judge_projects),
            (FindingKind::IndexMissing, VerifyRun::judge_names),
        ];
        for (kind, judge) in judges {
            if !self.options.ignore.kind(kind) && !self.options.context.is_interrupted() {
                judge(self, schema)?;
            }
        }
        Ok(())
    }
}

/// Returns the number of threads in words.
fn threads(n: u64) -> String {
    if n == 1 { "1 thread".to_owned() } else { format!("{n} threads") }
}
