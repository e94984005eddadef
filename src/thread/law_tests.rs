//! Tests of the law above all rules: no backfill makes a row worse. Each test takes a row that a live Codex, a newer
//! Codex or a person wrote, and compares it with the file.

use super::cell::Cell;
use super::columns::Col;
use super::diff::diff;
use super::merge::{self, MergeContext};
use super::sample::{check_diff as check, columns, context, metadata, names, row_of};
use super::{HistoryMode, ThreadId, ThreadMetadata};

#[test]
fn no_text_becomes_empty_on_any_schema_and_in_any_history_mode() {
    for history_mode in [HistoryMode::Legacy, HistoryMode::Paginated] {
        let silent = ThreadMetadata {
            history_mode,
            has_user_event: true,
            id: metadata().id,
            rollout_path: metadata().rollout_path,
            ..ThreadMetadata::default()
        };
        for without in [&[][..], &["first_user_message", "preview"], &["history_mode"]] {
            let context = context(columns(without));
            let mut row = row_of(&metadata(), &context);
            for (col, column) in Col::definitions() {
                let is_text = matches!(row.get(col), Some(Cell::Text(_) | Cell::Null));
                if is_text && column.kind.accepts(&"x".into()) && column.name != "id" {
                    row[col] = Some("/x".into());
                }
            }
            let merged = merge::update(&silent, &row, &context);
            for col in merged.to_write.iter() {
                let (before, after) = (row.text(col), merged.row.text(col));
                assert!(
                    before.is_none_or(str::is_empty) || after.is_some_and(|text| !text.is_empty()),
                    "{}: {before:?} became {after:?}",
                    col.name()
                );
            }
        }
    }
}

#[test]
fn a_row_that_codex_lists_stays_listed() {
    let exec = ThreadMetadata { source: "exec".into(), model_provider: "azure".into(), ..metadata() };
    for listed in ["cli", "vscode", r#"{"custom":"atlas"}"#] {
        check(&exec, &[("source", listed.into()), ("model_provider", "openai".into())], &[]);
    }
    let hidden = [("source", "mcp".into()), ("model_provider", "ollama".into())];
    check(&exec, &hidden, &["source", "model_provider"]);
    check(&metadata(), &[("source", "vscode".into())], &["source"]);
    let phase_1 = context(columns(&["first_user_message"]));
    let silent = ThreadMetadata { has_user_event: false, ..metadata() };
    let row = row_of(&metadata(), &phase_1);
    assert_eq!(names(&diff(&silent, &row, &phase_1)), [""; 0], "a user event of phase 1 stays");
    let row = row_of(&silent, &phase_1);
    assert_eq!(names(&diff(&metadata(), &row, &phase_1)), ["has_user_event"]);
}

#[test]
fn a_folder_that_no_line_names_stays_unless_only_the_files_folder_exists() {
    let moved = ThreadMetadata {
        cwd: "/work/a".into(),
        other_folders: vec!["/work/old".into(), "/work/new".into()],
        later_folders: vec!["/work/new".into()],
        ..metadata()
    };
    let differs = |row: &str, there: &'static [&'static str]| {
        let is_folder = move |folder: &str| there.contains(&folder);
        let context = MergeContext { is_folder: &is_folder, ..context(columns(&[])) };
        let mut cells = row_of(&moved, &context);
        cells[Col::Cwd] = Some(row.into());
        !diff(&moved, &cells, &context).is_empty()
    };
    assert!(!differs("/moved/a", &["/moved/a"]), "the project moved");
    assert!(!differs("/moved/a", &["/moved/a", "/work/a"]), "both are there: the person's choice stays");
    assert!(!differs("/moved/a", &[]), "from here neither can be seen");
    assert!(differs("/moved/a", &["/work/a"]), "the file's folder is there, the row's is not");
    assert!(differs("/work/old", &[]), "an earlier line named it: stale");
    assert!(differs("/work/old", &["/work/old"]), "stale, though it is there");
    assert!(!differs("/work/new", &["/work/new"]), "a later turn ran there, and the file's folder is gone");
    assert!(differs("/work/new", &["/work/new", "/work/a"]), "both are there: the turn ran elsewhere");
    assert!(differs("/work/new", &[]), "from here neither can be seen");
    assert!(differs("work/a", &[]) && differs(".", &[]), "not an absolute path: broken");
}

#[test]
fn a_creation_time_from_the_id_agrees_and_stays() {
    let id = ThreadId::parse("019f36bf-14fa-7cfd-bf6e-2838871814d4").unwrap();
    let time = id.time().unwrap();
    let file = ThreadMetadata { id, created_at: time + 6000, ..metadata() };
    let times =
        |millis: i64| [("created_at", Cell::from(millis / 1000)), ("created_at_ms", Cell::from(millis))];
    check(&file, &times(time), &[]);
    check(&file, &times(time - 5000), &["created_at", "created_at_ms"]);
}

#[test]
fn either_time_of_the_file_agrees_and_the_time_of_a_copy_does_not_spread() {
    let last_line = 1_783_329_723_050;
    let copied = ThreadMetadata {
        updated_at: last_line,
        modified_at: last_line + 90 * 24 * 60 * 60 * 1000,
        last_event_at: last_line,
        ..metadata()
    };
    let times =
        |millis: i64| [("updated_at", Cell::from(millis / 1000)), ("updated_at_ms", Cell::from(millis))];
    check(&copied, &times(copied.last_event_at), &[]);
    check(&copied, &times(copied.modified_at), &[]);
    check(&copied, &times(last_line - 5000), &["updated_at", "updated_at_ms"]);
}

#[test]
fn a_value_of_an_older_rollout_agrees_except_for_the_path() {
    let older = ThreadMetadata {
        title: "older".into(),
        first_user_message: "older".into(),
        tokens_used: 900,
        model: Some("older".into()),
        rollout_path: "/home/sessions/older.jsonl".into(),
        archived: false,
        ..metadata()
    };
    let head = ThreadMetadata { older: vec![older.clone()], ..metadata() };
    let cells = [
        ("title", "older".into()),
        ("first_user_message", "older".into()),
        ("tokens_used", 900.into()),
        ("model", "older".into()),
    ];
    check(&head, &cells, &[]);
    check(&metadata(), &cells, &["title", "tokens_used", "first_user_message", "model"]);
    check(&head, &[("tokens_used", 899.into())], &["tokens_used"]);
    let place = [("rollout_path", older.rollout_path.as_str().into()), ("archived", 0.into())];
    check(&head, &place, &["rollout_path", "archived"]);
}

#[test]
fn a_guardians_row_may_have_codexs_values_or_the_prompts() {
    let guardian = ThreadMetadata { source: r#"{"subagent":{"other":"guardian"}}"#.into(), ..metadata() };
    let own = [
        ("title", "Guardian review".into()),
        ("preview", "Approval review".into()),
        ("first_user_message", "".into()),
    ];
    check(&guardian, &own, &[]);
    check(&guardian, &[], &[]);
    check(&metadata(), &own[1..], &["first_user_message", "preview"]);
    let since = MergeContext { names_guardians: true, ..context(columns(&[])) };
    let row = row_of(&guardian, &since);
    let texts = [Col::Title, Col::Preview, Col::FirstUserMessage].map(|col| row.text(col));
    assert_eq!(texts, [Some("Guardian review"), Some("Approval review"), Some("")]);
    assert_eq!(diff(&guardian, &row, &since), []);
    let named = MergeContext { indexed_name: Some("my reviewer"), ..since };
    assert_eq!(row_of(&guardian, &named).text(Col::Title), Some("my reviewer"), "unless a person named it");
}

#[test]
fn the_originator_is_filled_only_together_with_another_change() {
    check(&metadata(), &[("originator", Cell::Null)], &[]);
    let context = context(columns(&[]));
    let mut row = row_of(&metadata(), &context);
    row[Col::named("originator").unwrap()] = Some(Cell::Null);
    row[Col::named("tokens_used").unwrap()] = Some(1.into());
    let merged = merge::update(&metadata(), &row, &context);
    let names: Vec<&str> = merged.to_write.iter().map(|col| col.name()).collect();
    assert_eq!(names, ["tokens_used", "originator"]);
    row[Col::named("originator").unwrap()] = Some("another".into());
    assert_eq!(
        merge::update(&metadata(), &row, &context).row.text(Col::named("originator").unwrap()),
        Some("another")
    );
}

#[test]
fn a_row_keeps_what_only_its_lost_history_said() {
    let cells = [
        ("title", "of the base".into()),
        ("first_user_message", "of the base".into()),
        ("preview", "of the base".into()),
        ("model_provider", "mine".into()),
        ("cwd", "/srv/base".into()),
        ("sandbox_policy", r#"{"type":"disabled"}"#.into()),
        ("approval_mode", "never".into()),
        ("tokens_used", 900.into()),
        ("model", "base".into()),
    ];
    let head = ThreadMetadata {
        lacks_history: true,
        model: None,
        reasoning_effort: None,
        tokens_used: 0,
        sandbox_policy: r#"{"type":"read-only"}"#.into(),
        approval_mode: "on-request".into(),
        ..metadata()
    };
    check(&head, &cells, &[]);
    check(&head, &[("cwd", "base".into()), ("cli_version", "0".into())], &["cwd", "cli_version"]);
    check(&head, &[("sandbox_policy", r#"{"mode":"disabled"}"#.into())], &["sandbox_policy"]);
    let turn = ThreadMetadata { model: Some("head".into()), tokens_used: 5, ..head };
    check(&turn, &cells, &["sandbox_policy", "approval_mode", "tokens_used", "model"]);
}

#[test]
fn a_row_keeps_what_only_a_lost_session_meta_said() {
    let file = ThreadMetadata {
        lacks_meta: true,
        source: "vscode".into(),
        memory_mode: "enabled".into(),
        cli_version: String::new(),
        thread_source: None,
        ..metadata()
    };
    let cells = [
        ("source", r#"{"subagent":"review"}"#.into()),
        ("model_provider", "mine".into()),
        ("memory_mode", "disabled".into()),
        ("cli_version", "0.147.0".into()),
        ("thread_source", "subagent".into()),
        ("created_at", 1_700_000_000.into()),
        ("created_at_ms", 1_700_000_000_123_i64.into()),
    ];
    check(&file, &cells, &[]);
    check(&file, &[("title", "".into()), ("tokens_used", 1.into())], &["title", "tokens_used"]);
    check(&file, &["title", "first_user_message", "preview"].map(|col| (col, Cell::from("before"))), &[]);
    check(&file, &[("title", "<environment_context>x".into())], &["title"]);
}

#[test]
fn a_row_keeps_the_first_message_where_lines_before_that_of_the_file_are_lost() {
    let said: Vec<_> =
        ["title", "first_user_message", "preview"].map(|col| (col, Cell::from("of a lost line"))).into();
    let file = ThreadMetadata { lacks_first_lines: true, ..metadata() };
    check(&file, &said, &[]);
    check(&metadata(), &said, &["title", "first_user_message", "preview"]);
    check(&file, &[("title", "".into()), ("tokens_used", 1.into())], &["title", "tokens_used"]);
}

#[test]
fn a_row_keeps_a_greater_count_where_a_line_after_the_last_one_of_the_file_is_lost() {
    let file = ThreadMetadata { lacks_last_count: true, ..metadata() };
    check(&file, &[("tokens_used", (file.tokens_used + 1).into())], &[]);
    check(&file, &[("tokens_used", (file.tokens_used - 1).into())], &["tokens_used"]);
    check(&metadata(), &[("tokens_used", (file.tokens_used + 1).into())], &["tokens_used"]);
}

#[test]
fn a_row_keeps_what_the_lost_end_of_a_file_said_if_it_is_later_than_the_rest() {
    let torn = ThreadMetadata { lacks_last_lines: true, ..metadata() };
    let with_time = |millis: i64| {
        vec![
            ("updated_at", Cell::from(millis / 1000)),
            ("updated_at_ms", millis.into()),
            ("tokens_used", 900.into()),
            ("model", "later".into()),
            ("reasoning_effort", "low".into()),
            ("sandbox_policy", r#"{"type":"disabled"}"#.into()),
            ("approval_mode", "on-request".into()),
            ("memory_mode", "disabled".into()),
        ]
    };
    let later = with_time(torn.modified_at + 60_000);
    check(&torn, &later, &[]);
    let turns = ["sandbox_policy", "approval_mode", "memory_mode", "model", "reasoning_effort"];
    // Counts only grow, and Codex writes one within milliseconds of the line before it.
    check(&torn, &with_time(torn.last_event_at), &turns);
    check(&torn, &[("tokens_used", (torn.tokens_used - 1).into())], &["tokens_used"]);
    let names: Vec<&str> = later.iter().map(|(name, _)| *name).collect();
    let whole = ThreadMetadata { lacks_last_lines: false, ..torn.clone() };
    let mut expected = names.clone();
    expected.sort_by_key(|name| Col::named(name));
    check(&whole, &later, &expected);
    // A time of a copy is not the file's own, so the row's is not replaced by that of the last line.
    let copied = ThreadMetadata {
        modified_at: torn.modified_at + 90_000_000,
        updated_at: torn.last_event_at,
        ..torn.clone()
    };
    check(&copied, &later, &[]);
    let mut cli_version = later;
    cli_version.push(("cli_version", "0".into()));
    check(&torn, &cli_version, &["cli_version"]);
}

#[test]
fn a_policy_that_codex_cannot_read_is_repaired() {
    let policy = r#"{"mode":"read-only"}"#;
    check(&metadata(), &[("sandbox_policy", policy.into())], &["sandbox_policy"]);
    let either = ThreadMetadata {
        other_sandbox_policy: Some(r#"{"type":"danger-full-access"}"#.into()),
        ..metadata()
    };
    check(&either, &[("sandbox_policy", r#"{"type":"disabled"}"#.into())], &[]);
    check(&metadata(), &[("sandbox_policy", r#"{"type":"disabled"}"#.into())], &["sandbox_policy"]);
}
