//! A thread for the tests of this folder with a value in nearly every field, and the context of its comparison.

use super::cell::Cell;
use super::columns::{Col, ColumnSet, Row};
use super::diff::{FieldDifference, diff};
use super::merge::{self, MergeContext};
use super::times::Times;
use super::{Git, HistoryMode, ThreadId, ThreadMetadata};

/// Returns an archived thread with a title, a message and a model.
pub(in crate::thread) fn metadata() -> ThreadMetadata {
    ThreadMetadata {
        id: ThreadId::from_u128(7),
        rollout_path: "/home/sessions/rollout.jsonl".into(),
        created_at: 1_773_507_432_123,
        updated_at: 1_773_507_450_373,
        modified_at: 1_773_507_450_373,
        last_event_at: 1_773_507_450_100,
        task_started_at: None,
        source: "cli".into(),
        thread_source: Some("user".into()),
        agent_nickname: Some("Ada".into()),
        agent_role: None,
        agent_path: None,
        model_provider: "openai".into(),
        model: Some("gpt".into()),
        reasoning_effort: Some("high".into()),
        cwd: "/srv".into(),
        other_folders: Vec::new(),
        later_folders: Vec::new(),
        cli_version: "0.1".into(),
        title: "hello".into(),
        preview: "hello".into(),
        first_user_message: "hello".into(),
        sandbox_policy: r#"{"type":"read-only"}"#.into(),
        other_sandbox_policy: None,
        any_sandbox_profile: false,
        approval_mode: "never".into(),
        tokens_used: 12,
        has_user_event: true,
        archived: true,
        git: Git { sha: Some("abc".into()), branch: None, origin_url: None },
        memory_mode: "enabled".into(),
        history_mode: HistoryMode::Legacy,
        originator: Some("codex_cli_rs".into()),
        creator_user_id: None,
        creator_account_id: None,
        name: None,
        lacks_history: false,
        lacks_meta: false,
        lacks_first_lines: false,
        lacks_last_count: false,
        lacks_last_lines: false,
        older: Vec::new(),
    }
}

/// Returns all columns except those with these names.
pub(in crate::thread) fn columns(without: &[&str]) -> ColumnSet {
    Col::all().filter(|&i| !without.contains(&i.name())).collect()
}

/// Returns a context in which no folder exists and every path has one spelling.
pub(in crate::thread) fn context(columns: ColumnSet) -> MergeContext<'static> {
    MergeContext {
        columns,
        times: Times::Auto,
        same_path: &|row, file| row == file,
        same_folder: &|row, file| row == file,
        is_folder: &|_| false,
        synthetic_limit: 0,
        default_provider: "openai",
        names_guardians: false,
        indexed_name: None,
    }
}

/// Returns a file's row as SQLite returns it after the insert: cells that were not written are NULL.
pub(in crate::thread) fn row_of(file: &ThreadMetadata, context: &MergeContext<'_>) -> Row {
    let mut row = merge::insert(file, context);
    for i in context.columns.iter() {
        row[i].get_or_insert(Cell::Null);
    }
    row
}

pub(in crate::thread) fn names(differences: &[FieldDifference]) -> Vec<&str> {
    differences.iter().map(FieldDifference::name).collect()
}

/// Changes cells of the row of `file`, then checks which columns differ.
#[track_caller]
pub(in crate::thread) fn check_diff(file: &ThreadMetadata, change: &[(&str, Cell)], expected: &[&str]) {
    let context = context(columns(&[]));
    let mut row = row_of(file, &context);
    for (name, cell) in change {
        row[Col::named(name).unwrap()] = Some(cell.clone());
    }
    assert_eq!(names(&diff(file, &row, &context)), expected, "{change:?}");
}
