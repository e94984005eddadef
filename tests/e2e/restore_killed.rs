//! Tests restore that is killed between any two steps: the old database or the new one is in place, and a rerun
//! completes it.
#![cfg(feature = "fault-points")]

use std::fs;
use std::path::PathBuf;

use crate::env::Env;
use crate::moving::{self, PLAIN, contents};
use crate::table::{self, Rows};

/// Returns a home, a backup of its database, and the rows of the backup. The database has changed since.
fn home() -> (Env, PathBuf, Rows) {
    let env = moving::home("empty-2026-08");
    env.sql(&format!("UPDATE threads SET name = 'kept' WHERE id = '{PLAIN}'"));
    let backup = env.outside("backup.sqlite");
    env.run(["backup", backup.to_str().unwrap()]).status(0, "a backup");
    let rows = env.rows();
    env.sql("UPDATE threads SET name = 'newer'; CREATE TABLE filler (x)");
    // The database is so large that the copy takes more than one step.
    env.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
         INSERT INTO filler SELECT randomblob(1000) FROM n",
    );
    (env, backup, rows)
}

#[test]
fn a_crash_at_any_step_leaves_one_or_the_other() {
    let mut died = Vec::new();
    for point in moving::points("restore") {
        let (env, backup, rows) = home();
        let (newer, files) = (env.rows(), contents(&env));
        let mut command = env.command(["restore", backup.to_str().unwrap()]);
        command.env("CODEX_STATE_FAULT", &point);
        let crash = env.finish(command);
        // A sound database is never moved aside, so no run reaches the points of that.
        let is_passed = crash.died();
        crash.assert(
            is_passed || crash.code == Some(0),
            format_args!("it died at {point}, or never came there"),
        );
        table::assert_sound(&env.db(), &format!("after {point}"));
        let now = env.rows();
        assert!(now == rows || (is_passed && now == newer), "{point}: one or the other");
        assert_eq!(contents(&env), files);
        env.run(["restore", backup.to_str().unwrap()]).status(0, format_args!("{point}: the same again"));
        assert_eq!(env.rows(), rows, "{point}");
        died.extend(is_passed.then_some(point));
    }
    assert!(died.len() >= 4, "{died:?}");
}

#[test]
fn nor_does_one_lose_a_database_that_is_damaged() {
    let mut died = Vec::new();
    for point in moving::points("restore") {
        let (env, backup, rows) = home();
        let damaged = vec![b'x'; 40_000];
        fs::write(env.db(), &damaged).unwrap();
        let mut command = env.command(["restore", backup.to_str().unwrap()]);
        command.env("CODEX_STATE_FAULT", &point);
        let crash = env.finish(command);
        died.extend(crash.died().then_some(point.clone()));
        env.run(["restore", backup.to_str().unwrap()]).status(0, format_args!("{point}: the same again"));
        assert_eq!(env.rows(), rows, "{point}: restored");
        let kept = fs::read_dir(env.home()).unwrap().flatten().any(|entry| {
            let name = entry.file_name().into_string().unwrap();
            name.contains(".damaged-") && fs::read(entry.path()).unwrap() == damaged
        });
        assert!(kept, "{point}: what was there is kept");
    }
    assert!(died.iter().any(|point| point.ends_with("moved-aside")), "{died:?}");
}
