//! `--quick`: what the walk alone tells of a thread, in the shape of what reading would tell; opens nothing.

use super::Run;
use crate::db::schema::Schema;
use crate::inventory;
use crate::rollout::extract::DamageReport;
use crate::rollout::fold::{EMPTY, FoldedThread, ReadError, Stamp};
use crate::scan::{Group, Scanned};
use crate::sessions::RolloutFile;
use crate::thread::columns::{ColumnSet, index};
use crate::thread::{Git, HistoryMode, ThreadId, ThreadMetadata};

/// The columns that a quick look compares: what a file's place and time say.
pub(super) fn columns(schema: &Schema) -> ColumnSet {
    let mut columns = ColumnSet::default();
    [
        index::ID,
        index::ROLLOUT_PATH,
        index::UPDATED_AT,
        index::UPDATED_AT_MS,
        index::ARCHIVED,
        index::ARCHIVED_AT,
    ]
    .into_iter()
    .filter(|&position| schema.has(position))
    .for_each(|position| columns.insert(position));
    columns
}

impl Run<'_> {
    /// What a group comes to at a glance.
    pub(super) fn glance(&self, group: &Group) -> Scanned {
        let files = &self.inventory.files()[group.files.clone()];
        let thread = files[0].named.name.map(|name| name.thread);
        let mut scanned = Scanned { files: group.files.clone(), thread, ..Scanned::default() };
        let members: Vec<&RolloutFile> = files.iter().collect();
        let in_row = |file: &RolloutFile| group.in_row.is_some_and(|i| std::ptr::eq(self.file(i), file));
        let chosen = inventory::choose(&members, in_row).map(|choice| choice.chosen());
        for (i, file) in group.files.clone().zip(files) {
            if file.stamp.size == 0 {
                scanned.failed.push((i, ReadError::Unusable(EMPTY.to_owned())));
            } else if let Some(thread) = thread
                && chosen.is_some_and(|chosen| std::ptr::eq(chosen, file))
            {
                scanned.folded = Some((i, at_a_glance(thread, file, file.stamp)));
            }
        }
        scanned
    }

    /// Takes the word of rows that name files whose names do not give their threads.
    pub(super) fn expect_foreign(&mut self) {
        for (&file, threads) in &self.rows.foreign {
            for &thread in threads {
                if self.inventory.range_of(thread).is_empty() {
                    self.strays.entry(thread).or_default().push(file);
                    self.says.insert(file, thread);
                }
            }
        }
    }
}

/// A thread of which nothing is known but where its file lies and when it was written.
pub(super) fn at_a_glance(id: ThreadId, file: &RolloutFile, stamp: Stamp) -> FoldedThread {
    let metadata = ThreadMetadata {
        id,
        rollout_path: file.path().to_string_lossy().into_owned(),
        created_at: 0,
        updated_at: stamp.modified_millis(),
        last_event_at: stamp.modified_millis(),
        source: String::new(),
        thread_source: None,
        agent_nickname: None,
        agent_role: None,
        agent_path: None,
        model_provider: String::new(),
        model: None,
        reasoning_effort: None,
        cwd: String::new(),
        cli_version: String::new(),
        title: String::new(),
        preview: String::new(),
        first_user_message: String::new(),
        sandbox_policy: String::new(),
        any_sandbox_profile: false,
        approval_mode: String::new(),
        tokens_used: 0,
        has_user_event: false,
        archived: file.archived,
        git: Git::default(),
        memory_mode: String::new(),
        history_mode: HistoryMode::Legacy,
    };
    let damage = DamageReport::default();
    FoldedThread { metadata, damage, stamp, n_bytes: 0, n_own_bytes: 0 }
}
