//! Tests each kind of finding on a home that has it: each fault of a thread is reported once, for that thread.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::env::{Env, mtime, set_mtime};
use crate::outcome::Outcome;
use crate::rollouts::{Rollout, plain};
use crate::shapes::{Finding, Verify};

/// A backfilled home of three threads. Each test damages the one in the middle.
struct Home {
    env: Env,
    thread: Rollout,
    path: PathBuf,
}

fn healthy() -> Home {
    let env = Env::new();
    env.database("empty-2026-08");
    plain("2026-03-13T10:00:00", "before").write(&env);
    plain("2026-03-15T10:00:00", "after").write(&env);
    let thread = plain("2026-03-14T10:00:00", "words");
    let path = thread.write(&env);
    env.run(["backfill"]).status(0, "a home to break");
    env.run(["verify", "--strict"]).status(0, "a home in order");
    Home { env, thread, path }
}

/// Runs verify and returns the only finding. Fails unless it has this kind and severity.
#[track_caller]
fn only(env: &Env, kind: &str, severity: &str) -> (Finding, Outcome) {
    let outcome = env.run(["verify", "--format", "json"]);
    let report = Verify::of(&outcome);
    outcome.assert_eq(report.findings.len(), 1, format_args!("one finding, a {kind}"));
    let finding = report.findings[0].clone();
    outcome.assert_eq(
        (finding.kind.as_str(), finding.severity.as_str()),
        (kind, severity),
        "kind and severity",
    );
    outcome.status(i32::from(severity == "error"), format_args!("one {severity}"));
    outcome.assert_eq(report.count(kind), 1, "it is counted under its kind");
    env.run(["verify", "--strict"]).status(1, "with --strict warnings count as well");
    (finding, outcome)
}

/// Does the same, and fails unless the finding is about the thread in the middle.
#[track_caller]
fn only_about_it(home: &Home, kind: &str, severity: &str) -> Finding {
    let (finding, outcome) = only(&home.env, kind, severity);
    outcome.assert_eq(finding.thread_id.as_deref(), Some(home.thread.thread()), "the thread is named");
    finding
}

/// Moves a file as a user would, and keeps its time.
fn move_file(from: &Path, to: &Path) {
    let time = mtime(from);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::rename(from, to).unwrap();
    set_mtime(to, time);
}

/// Rewrites a file and keeps its time.
fn rewrite(path: &Path, bytes: &[u8]) {
    let time = mtime(path);
    fs::write(path, bytes).unwrap();
    set_mtime(path, time);
}

#[test]
fn missing_row() {
    let home = healthy();
    home.env.sql(&format!("DELETE FROM threads WHERE id = '{}'", home.thread.thread()));
    let finding = only_about_it(&home, "missing_row", "error");
    assert!(
        finding.path.unwrap().ends_with(home.path.file_name().unwrap().to_str().unwrap()),
        "the file is named"
    );
    home.env.run(["backfill"]).status(0, "it is repaired");
    home.env.run(["verify", "--strict"]).status(0, "and agrees");
}

#[test]
fn missing_file() {
    let home = healthy();
    fs::remove_file(&home.path).unwrap();
    let finding = only_about_it(&home, "missing_file", "error");
    assert!(
        finding.path.unwrap().ends_with(home.path.file_name().unwrap().to_str().unwrap()),
        "the path is named"
    );
}

#[test]
fn moved_file() {
    let home = healthy();
    move_file(&home.path, &home.path.with_file_name("x").join(home.path.file_name().unwrap()));
    let finding = only_about_it(&home, "moved_file", "error");
    assert_eq!(finding.columns(), ["rollout_path"], "the column that it explains");
    home.env.run(["backfill"]).status(0, "it is repaired");
    home.env.run(["verify", "--strict"]).status(0, "and agrees");
}

#[test]
fn archived_by_hand_is_one_archive_mismatch_and_no_moved_file() {
    let home = healthy();
    move_file(&home.path, &home.env.home().join("archived_sessions").join(home.path.file_name().unwrap()));
    let finding = only_about_it(&home, "archive_mismatch", "error");
    let columns = finding.columns();
    assert!(
        columns.contains(&"archived") && columns.contains(&"rollout_path"),
        "both are part of it: {columns:?}"
    );
    home.env.run(["backfill"]).status(0, "it is repaired");
    home.env.run(["verify", "--strict"]).status(0, "and agrees");
}

#[test]
fn unarchived_by_hand_is_one_as_well() {
    let home = healthy();
    let archive = home.env.home().join("archived_sessions").join(home.path.file_name().unwrap());
    move_file(&home.path, &archive);
    home.env.run(["backfill"]).status(0, "archived now");
    move_file(&archive, &home.path);
    only_about_it(&home, "archive_mismatch", "error");
}

#[test]
fn moved_home_is_said_once_instead_of_for_every_thread() {
    let home = healthy();
    let prefix = home.env.home().to_str().unwrap().to_owned();
    home.env.sql(&format!(
        "UPDATE threads SET rollout_path = '/old/machine/.codex' || substr(rollout_path, {})",
        prefix.len() + 1
    ));
    only(&home.env, "moved_home", "error");
    home.env.run(["backfill"]).status(0, "it is repaired");
    home.env.run(["verify", "--strict"]).status(0, "and agrees");
}

#[test]
fn a_truncated_file_differs_in_what_it_lost_but_for_texts() {
    let home = healthy();
    let text = fs::read_to_string(&home.path).unwrap();
    rewrite(&home.path, text.split_inclusive('\n').next().unwrap().as_bytes());
    let finding = only_about_it(&home, "field_mismatch", "error");
    let lost = ["sandbox_policy", "tokens_used"];
    assert_eq!(finding.columns(), lost, "a text never becomes empty, so it is not drift");
}

#[test]
fn a_file_torn_in_its_last_line_has_damaged_lines() {
    let home = healthy();
    let text = fs::read_to_string(&home.path).unwrap();
    rewrite(
        &home.path,
        format!("{text}{{\"timestamp\":\"2026-03-14T10:00:30.000Z\",\"type\":\"event_m").as_bytes(),
    );
    let finding = only_about_it(&home, "damaged_lines", "warning");
    let line = text.lines().count() + 1;
    assert!(
        finding.message.contains(&line.to_string()),
        "the first damaged line is {line}: {}",
        finding.message
    );
    assert!(finding.message.contains(&text.len().to_string()), "at byte {}: {}", text.len(), finding.message);
}

#[test]
fn damage_in_a_line_that_does_not_matter_is_seen_by_deep_alone() {
    let home = healthy();
    let text = fs::read_to_string(&home.path).unwrap();
    let bad =
        r#"{"timestamp":"2026-03-14T10:00:30.000Z","type":"response_item","payload":{"type":"message",,}}"#;
    rewrite(&home.path, format!("{text}{bad}\n{bad}\n").as_bytes());
    home.env.run(["verify", "--strict"]).status(0, "the line is never parsed");
    let outcome = home.env.run(["verify", "--deep", "--format", "json"]);
    outcome.status(0, "damaged lines are a warning");
    let report = Verify::of(&outcome);
    outcome.assert_eq(report.findings.len(), 1, "one finding");
    let finding = &report.findings[0];
    outcome.assert_eq(finding.kind.as_str(), "damaged_lines", "its kind");
    for (what, number) in
        [("count", 2), ("first line", text.lines().count() + 1), ("byte offset", text.len())]
    {
        outcome.assert(finding.message.contains(&number.to_string()), format_args!("the {what}, {number}"));
    }
}

#[test]
fn a_corrupted_file_is_unreadable() {
    let home = healthy();
    rewrite(&home.path, b"\x00\x01\x02 garbage \xff\n");
    let outcome = home.env.run(["verify", "--format", "json"]);
    outcome.status(1, "an error");
    let report = Verify::of(&outcome);
    let errors: Vec<&str> = report.errors().into_iter().map(|finding| finding.kind.as_str()).collect();
    outcome.assert_eq(
        errors,
        vec!["unreadable_file"],
        "no cell is compared with garbage, and no row is missing",
    );
}

#[test]
fn a_broken_compressed_file_is_unreadable() {
    let home = healthy();
    fs::remove_file(&home.path).unwrap();
    let compressed = home.thread.clone().compressed().write(&home.env);
    let bytes = fs::read(&compressed).unwrap();
    rewrite(&compressed, &bytes[..bytes.len() / 2]);
    let outcome = home.env.run(["verify", "--format", "json"]);
    outcome.status(1, "an error");
    let report = Verify::of(&outcome);
    let errors: Vec<&str> = report.errors().into_iter().map(|finding| finding.kind.as_str()).collect();
    outcome.assert_eq(errors, vec!["unreadable_file"], "it cannot be decompressed");
}

#[test]
fn an_empty_file_is_a_warning() {
    let home = healthy();
    let file = Rollout::new("2026-03-16T10:00:00");
    home.env.write(&file.relative(), " \n\n");
    let (finding, outcome) = only(&home.env, "empty_file", "warning");
    outcome.assert(finding.path.is_some_and(|path| path.ends_with(".jsonl")), "the file is named");
}

#[test]
fn a_duplicate_is_a_warning_unless_the_copy_is_newer_or_longer() {
    let home = healthy();
    let time = home.thread.mtime_ms();
    let copy = home.thread.clone().archived().mtime(time - 60_000);
    copy.write(&home.env);
    only_about_it(&home, "duplicate_rollout", "warning");
    copy.clone().mtime(time + 60_000).write(&home.env);
    only_about_it(&home, "duplicate_rollout", "error");
    copy.answer("more").mtime(time - 60_000).write(&home.env);
    only_about_it(&home, "duplicate_rollout", "error");
}

#[test]
fn a_file_replaced_by_its_compressed_form_is_no_finding() {
    let home = healthy();
    fs::remove_file(&home.path).unwrap();
    home.thread.clone().compressed().write(&home.env);
    for depth in
        [&["verify", "--strict"][..], &["verify", "--strict", "--quick"], &["verify", "--strict", "--deep"]]
    {
        home.env.run(depth).status(0, "Codex compresses cold rollouts");
    }
}

#[test]
fn two_rows_of_one_file() {
    let home = healthy();
    home.env.sql(&format!(
        "CREATE TEMP TABLE twin AS SELECT * FROM threads WHERE id = '{}';
         UPDATE twin SET id = '20260314-1000-7000-8000-0000000000ff';
         INSERT INTO threads SELECT * FROM twin",
        home.thread.thread()
    ));
    let outcome = home.env.run(["verify", "--format", "json"]);
    outcome.status(1, "an error");
    let report = Verify::of(&outcome);
    let found = report.of_kind("duplicate_path");
    outcome.assert(!found.is_empty(), "a duplicate_path");
    let name = home.path.file_name().unwrap().to_str().unwrap();
    outcome.assert(found[0].path.as_ref().is_some_and(|path| path.ends_with(name)), "the file is named");
}

#[test]
fn a_file_outside_the_home() {
    let home = healthy();
    let outside = home.env.outside("elsewhere").join(home.path.file_name().unwrap());
    move_file(&home.path, &outside);
    home.env.sql(&format!(
        "UPDATE threads SET rollout_path = '{}' WHERE id = '{}'",
        outside.display(),
        home.thread.thread()
    ));
    let finding = only_about_it(&home, "outside_home", "warning");
    assert_eq!(finding.path.as_deref(), outside.to_str());
}

#[test]
fn a_malformed_name_is_a_warning() {
    let home = healthy();
    let odd = plain("2026-03-16T10:00:00", "odd").file_name("rollout-odd.jsonl");
    odd.write(&home.env);
    home.env.run(["backfill"]).status(0, "it is indexed all the same");
    let (finding, _) = only(&home.env, "malformed_name", "warning");
    assert!(finding.path.unwrap().ends_with("rollout-odd.jsonl"));
}

#[test]
fn an_orphan_of_the_session_index() {
    let home = healthy();
    let gone = "20250101-1000-7000-8000-000000000000";
    let line =
        |id: &str| json!({"id": id, "thread_name": "N", "updated_at": "2026-03-05T00:00:00Z"}).to_string();
    home.env.write("session_index.jsonl", format!("{}\n{}\n", line(gone), line(home.thread.thread())));
    let (finding, outcome) = only(&home.env, "index_orphan", "warning");
    outcome.assert_eq(finding.thread_id.as_deref(), Some(gone), "the thread that has neither file nor row");
}

#[test]
fn a_backfill_that_is_not_complete() {
    for status in ["pending", "running", "nonsense"] {
        let home = healthy();
        home.env.sql(&format!("UPDATE backfill_state SET status = '{status}'"));
        let (finding, outcome) = only(&home.env, "backfill_incomplete", "warning");
        outcome.assert_eq(finding.thread_id, None, "it is about no thread");
    }
}

#[test]
fn a_damaged_database_is_found_by_deep() {
    let home = healthy();
    // The index now covers another column: the lookup by id still works, but the index is wrong.
    home.env.sql(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX idx_threads_provider ON threads(title)'
         WHERE name = 'idx_threads_provider'",
    );
    let outcome = home.env.run(["verify", "--deep", "--format", "json"]);
    outcome.status(1, "an error");
    let report = Verify::of(&outcome);
    outcome.assert_eq(report.of_kind("database_damaged").len(), 1, "the integrity check failed");
    outcome.assert_eq(report.errors().len(), 1, "and nothing else");
    home.env.run(["verify"]).status(0, "which only --deep runs");
}
