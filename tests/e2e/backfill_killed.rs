//! Tests that a killed backfill leaves a sound database and the next run finishes the work, and that closed pipes and
//! locks do no harm.

use std::process::Stdio;

use crate::env::Env;
use crate::golden;
use crate::holder::Holder;
use crate::rollouts::plain;
use crate::shapes::Backfill;

#[test]
fn killed_at_any_moment_the_next_run_finishes_the_work() {
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    const THREADS: usize = 2500;
    let env = Env::new();
    env.database("empty-2026-08");
    for number in 0..THREADS {
        let start = format!("2026-03-{:02}T{:02}:{:02}:00", 1 + number / 1440, number / 60 % 24, number % 60);
        plain(&start, "a thread of many").answer(&"y".repeat(2000)).write(&env);
    }
    let twin = Env::new();
    let begin = Instant::now();
    copy(&env, &twin);
    let outcome = twin.run(["backfill", "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).inserted, THREADS, "undisturbed, all is done");
    let whole = begin.elapsed();

    for part in [1, 2, 4, 7, 10, 15] {
        let mut child =
            env.command(["backfill"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(whole * part / 20);
        child.kill().unwrap();
        child.wait().unwrap();
        crate::table::assert_sound(&env.db(), &format!("after a kill at {part}/20 of a run"));
        let state = env.query("SELECT status, (SELECT count(*) FROM threads) AS n FROM backfill_state");
        assert!(
            state[0]["status"] == "pending" || state[0]["n"] == THREADS,
            "complete only when all is there, and never running: {state:?}"
        );
    }
    sleep(Duration::from_millis(10));
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(0, "the next run finishes the work");
    let report = Backfill::of(&outcome);
    outcome.assert_eq(report.inserted + report.updated + report.unchanged, THREADS, "all are there");
    outcome.assert(report.complete, "and it says so");
    outcome.assert_eq(env.rows().len(), THREADS, "one row each");
    outcome.assert_eq(
        &env.query("SELECT status FROM backfill_state")[0]["status"],
        &"complete".into(),
        "done",
    );
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.assert_eq(
        Backfill::of(&outcome).unchanged,
        THREADS,
        "every row is as an undisturbed run makes it",
    );
}

fn copy(from: &Env, to: &Env) {
    let home = from.home();
    for entry in walkdir::WalkDir::new(&home) {
        let entry = entry.unwrap();
        let target = to.home().join(entry.path().strip_prefix(&home).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(target).unwrap();
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
            crate::env::set_mtime(&target, crate::env::mtime(entry.path()));
        }
    }
}

#[test]
fn a_closed_pipe_changes_neither_the_work_nor_the_status() {
    for format in ["json", "table", "tsv"] {
        let env = Env::golden("empty-2026-08");
        let mut command = env.command(["backfill", "--format", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(1),
            "what it would have been: three files fail; stderr:\n{stderr}"
        );
        assert!(!stderr.to_lowercase().contains("broken pipe"), "a closed pipe ends quietly:\n{stderr}");
        assert_eq!(env.rows().len(), golden::THREADS, "the work was done");
    }
}

#[test]
fn a_lock_beyond_the_timeout_is_trouble_and_changes_nothing() {
    let env = Env::new();
    let database = env.database("empty-2026-08");
    plain("2026-03-14T10:00:00", "words").write(&env);
    let holder = Holder::new(&database, "BEGIN IMMEDIATE");
    let before = env.tree().without(&["-shm", "-wal"]).without_folder("codex-state-backups");
    let begin = std::time::Instant::now();
    let outcome = env.run(["backfill", "--busy-timeout", "1"]);
    let waited = begin.elapsed();
    outcome.trouble(database.to_str().unwrap());
    outcome.assert(
        waited.as_secs() < 20,
        format_args!("it waits about the second that it was told, not {waited:?}"),
    );
    let after = env.tree().without(&["-shm", "-wal"]).without_folder("codex-state-backups");
    outcome.assert_eq(before.difference(&after), String::new(), "nothing changed");
    holder.release();
    assert!(env.rows().is_empty(), "no row was written");
    env.run(["backfill", "--busy-timeout", "1"]).status(0, "the lock is gone, the work is done");
    assert_eq!(env.rows().len(), 1);
}

#[test]
fn a_lock_that_goes_in_time_is_waited_for() {
    let env = Env::new();
    let database = env.database("empty-2026-08");
    plain("2026-03-14T10:00:00", "words").write(&env);
    let holder = Holder::new(&database, "BEGIN IMMEDIATE");
    let mut command = env.command(["backfill", "--busy-timeout", "30"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(600));
    holder.release();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "stderr:\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(env.rows().len(), 1);
}
