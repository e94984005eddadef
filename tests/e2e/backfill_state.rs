//! Tests the row of backfill_state, without which Codex does not start: a run that visited everything completes it,
//! any other leaves it.

use crate::env::{Env, NOW_SECONDS};
use crate::rollouts::plain;
use crate::shapes::Backfill;
use crate::table::Row;

fn state(env: &Env) -> Row {
    let rows = env.query("SELECT * FROM backfill_state");
    assert_eq!(rows.len(), 1, "one row: {rows:?}");
    rows[0].clone()
}

/// Returns a home of three threads whose Codex was killed during its own backfill.
fn stuck(schema: &str) -> Env {
    let env = Env::new();
    env.database(schema);
    plain("2026-03-14T10:00:00", "one").write(&env);
    plain("2026-03-15T10:00:00", "two").write(&env);
    plain("2026-03-13T10:00:00", "three").archived().write(&env);
    env.sql(
        "UPDATE backfill_state SET status = 'running', updated_at = 1788000000,
         last_watermark = 'sessions/2026/03/14/rollout-2026-03-14T10-00-00-20260314-1000-7000-8000-000000000000.jsonl'",
    );
    env
}

#[test]
fn a_backfill_that_a_killed_codex_left_running_is_completed() {
    for schema in ["empty-2026-08", "empty-2026-07", "empty-2026-03"] {
        let env = stuck(schema);
        let outcome = env.run(["backfill", "--format", "json"]);
        outcome.status(0, "all files are fine");
        let report = Backfill::of(&outcome);
        outcome.assert(report.complete, "\"complete\" says so");
        outcome.assert_eq(report.inserted, 3, "also the files below the watermark");
        let state = state(&env);
        assert_eq!(state["status"], "complete");
        assert_eq!(
            state["last_watermark"],
            "sessions/2026/03/15/rollout-2026-03-15T10-00-00-20260315-1000-7000-8000-000000000000.jsonl",
            "the greatest path, relative to the home"
        );
        assert_eq!(state["last_success_at"], NOW_SECONDS);
        assert_eq!(state["updated_at"], NOW_SECONDS);
    }
}

#[test]
fn content_that_is_no_use_does_not_hold_it_back() {
    let env = stuck("empty-2026-08");
    env.write(
        "sessions/2026/03/16/rollout-2026-03-16T10-00-00-20260316-1000-7000-8000-000000000000.jsonl",
        "",
    );
    env.write(
        "sessions/2026/03/16/rollout-2026-03-16T11-00-00-20260316-1100-7000-8000-000000000000.jsonl.zst",
        b"\x28\xb5\x2f\xfdtorn",
    );
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(1, "two files failed");
    let report = Backfill::of(&outcome);
    outcome.assert_eq(report.counts(), [3, 0, 0, 0, 2], "the others are done");
    outcome.assert(report.complete, "what fails now fails for Codex too, and for ever");
    let state = state(&env);
    assert_eq!(state["status"], "complete");
    assert_eq!(
        state["last_watermark"],
        "sessions/2026/03/16/rollout-2026-03-16T11-00-00-20260316-1100-7000-8000-000000000000.jsonl.zst",
        "every file of the home was visited"
    );
}

#[test]
fn a_complete_one_is_never_taken_back() {
    let env = stuck("empty-2026-08");
    env.sql("UPDATE backfill_state SET status = 'complete', last_success_at = 1787000000");
    plain("2026-03-16T10:00:00", "four").write(&env);
    env.write(
        "sessions/2026/03/17/rollout-2026-03-17T10-00-00-20260317-1000-7000-8000-000000000000.jsonl",
        "",
    );
    env.run(["backfill"]).status(1, "one file is empty");
    assert_eq!(state(&env)["status"], "complete");
    let named = plain("2026-03-18T10:00:00", "five");
    named.write(&env);
    env.run(["backfill", named.thread()]).status(0, "one thread alone");
    assert_eq!(state(&env)["status"], "complete");
}

#[test]
fn a_pending_one_is_completed_even_when_the_home_has_no_rollout() {
    let env = Env::new();
    env.database("empty-2026-08");
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(0, "nothing to do is not a failure");
    let report = Backfill::of(&outcome);
    outcome.assert_eq(report.scanned, 0, "no rollout");
    outcome.assert(report.complete, "every file of the home, none, was visited");
    assert_eq!(state(&env)["status"], "complete");
}

#[test]
fn a_schema_without_the_table_is_complete_as_well() {
    let env = Env::new();
    env.database("empty-2026-01");
    plain("2026-03-14T10:00:00", "one").write(&env);
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.assert(Backfill::of(&outcome).complete, "every file was visited");
    let tables = env.query("SELECT name FROM sqlite_schema WHERE name = 'backfill_state'");
    outcome.assert(tables.is_empty(), "the table is Codex's to create");
}

#[test]
fn a_dry_run_leaves_it() {
    let env = stuck("empty-2026-08");
    let before = state(&env);
    let outcome = env.run(["backfill", "--dry-run", "--format", "json"]);
    outcome.assert(Backfill::of(&outcome).complete, "it says what the real run would say");
    assert_eq!(state(&env), before);
}

#[cfg(unix)]
#[test]
fn a_failure_that_may_pass_leaves_it() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    let env = stuck("empty-2026-08");
    env.obey_permissions();
    let before = state(&env);
    let path = plain("2026-03-16T10:00:00", "locked").write(&env);
    set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(1, "one file cannot be opened now");
    let report = Backfill::of(&outcome);
    outcome.assert_eq(report.counts(), [3, 0, 0, 0, 1], "the others are done");
    outcome.assert(!report.complete, "the file may be readable tomorrow");
    assert_eq!(state(&env), before, "so Codex has to look again");

    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let folder = path.parent().unwrap();
    set_permissions(folder, Permissions::from_mode(0o000)).unwrap();
    let outcome = env.run(["backfill", "--format", "json"]);
    set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
    outcome.status(1, "one folder cannot be listed now");
    let complete = outcome.json()["complete"].clone();
    outcome.assert_eq(complete, serde_json::Value::Bool(false), "not every file was visited");
    assert_eq!(state(&env), before);
}

/// This cannot race: the run waits for a lock that the test holds when the signal comes.
#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_it() {
    use std::process::{Command, Stdio};
    use std::thread::sleep;
    use std::time::Duration;

    let env = stuck("empty-2026-08");
    let before = state(&env);
    let holder = crate::holder::Holder::new(&env.db(), "BEGIN IMMEDIATE");
    let mut command = env.command(["backfill", "--busy-timeout", "60"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    sleep(Duration::from_millis(700));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    sleep(Duration::from_millis(300));
    holder.release();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "interrupted is 130; stderr:\n{stderr}");
    assert!(
        stderr.contains("what was written stays; run the command again to carry on"),
        "whatever its options were; stderr:\n{stderr}"
    );
    assert_eq!(state(&env), before, "an interrupt may pass: not every file was done");
    env.run(["backfill"]).status(0, "running again carries on");
    assert_eq!(env.rows().len(), 3);
    assert_eq!(state(&env)["status"], "complete");
}
