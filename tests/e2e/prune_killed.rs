//! Tests prune that is killed at any moment: each row is in the database or in the saved file, and a rerun completes
//! it.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::env::Env;
use crate::moving::agrees;
use crate::rollouts::plain;
use crate::table::{self, Row};

/// Returns a home that has lost most of its files.
fn home(threads: u32) -> Env {
    let env = Env::new();
    env.database("empty-2026-08");
    let mut paths = Vec::new();
    for number in 0..threads {
        let start = format!("2026-03-{:02}T{:02}:{:02}:00", 1 + number / 60, number % 24, number % 60);
        paths.push(plain(&start, "a thread of many").write(&env));
    }
    env.run(["backfill"]).status(0, "all are fine");
    paths.iter().skip(5).for_each(|path| fs::remove_file(path).unwrap_or_default());
    env
}

/// Returns the saved rows.
fn saved(env: &Env) -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    for entry in fs::read_dir(env.home().join("codex-state-backups")).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("pruned-") && name.ends_with(".sqlite") {
            // Opens a copy with its journal, so that SQLite rolls an unfinished transaction back only in the copy.
            let copy = tempfile::tempdir().unwrap();
            for ending in ["", "-journal"] {
                let from = entry.path().with_file_name(format!("{name}{ending}"));
                if from.exists() {
                    fs::copy(&from, copy.path().join(format!("{name}{ending}"))).unwrap();
                }
            }
            let connection = rusqlite::Connection::open(copy.path().join(&name)).unwrap();
            connection.query_row("SELECT count(*) FROM threads", [], |_| Ok(())).unwrap();
            connection.close().unwrap();
            rows.extend(table::threads(&copy.path().join(&name)));
        }
    }
    rows
}

#[track_caller]
fn nothing_is_lost(env: &Env, before: &BTreeMap<String, Row>, when: &str) {
    table::assert_sound(&env.db(), when);
    let (rows, saved) = (env.rows(), saved(env));
    for (id, row) in before {
        assert!(rows.get(id).or(saved.get(id)) == Some(row), "{when}: {id} is neither here nor there");
    }
}

#[cfg(feature = "fault-points")]
#[test]
fn a_crash_at_any_step_is_completed() {
    for point in crate::moving::points("prune") {
        let env = home(40);
        let before = env.rows();
        let mut command = env.command(["prune", "--yes", "--all-missing"]);
        command.env("CODEX_STATE_FAULT", &point);
        let crash = env.finish(command);
        crash.assert(crash.died(), format_args!("it died at {point}"));
        nothing_is_lost(&env, &before, &point);
        let outcome = env.run(["verify", "--format", "json"]);
        let report = crate::shapes::Verify::of(&outcome);
        let left = env.rows().len() - 5;
        outcome.assert_eq(report.count("missing_file"), left, format_args!("{point}: each has a name"));
        env.run(["prune", "--yes", "--all-missing"]).status(0, format_args!("{point}: the same again"));
        agrees(&env, &format!("after {point} and a rerun"));
        assert_eq!(env.rows().len(), 5);
        nothing_is_lost(&env, &before, &point);
    }
}

#[test]
fn killed_at_random_the_next_run_completes_it() {
    let env = home(800);
    let before = env.rows();
    let twin = home(800);
    let args = ["prune", "--yes", "--all-missing", "--no-backup"];
    let begin = Instant::now();
    twin.run(args).status(0, "undisturbed");
    let whole = begin.elapsed().max(Duration::from_millis(10));
    for part in 1..=8 {
        let mut child = env.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * part / 12);
        child.kill().unwrap();
        child.wait().unwrap();
        nothing_is_lost(&env, &before, &format!("killed at {part}/12"));
    }
    env.run(args).status(0, "the next run completes it");
    nothing_is_lost(&env, &before, "at the end");
    assert_eq!(env.rows().len(), twin.rows().len());
    agrees(&env, "at the end");
}
