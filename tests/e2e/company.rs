//! Tests several runs at once beside a running Codex: each succeeds or says why it does not, and nothing is lost.
//!
//! By default a test takes a few seconds; with `CODEX_STATE_LIVE_SECONDS=600` it takes ten minutes.

#![allow(clippy::disallowed_methods, reason = "a live Codex writes by the real clock")]

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::env::Env;
use crate::live::{Live, pause, seconds};
use crate::rollouts::{Rollout, plain};
use crate::table;

/// The number of threads that no Codex uses, and how many of them have lost their rollouts.
const RESTING: usize = 40;
const LOST: usize = 6;

/// Returns a home with unused threads. A user has named all of them, and some have lost their files.
fn home() -> (Env, Vec<Rollout>) {
    let env = Env::new();
    env.database("empty-2026-08");
    let start = |n: usize| format!("2026-02-{:02}T{:02}:00:00", 1 + n % 20, n / 20);
    let resting: Vec<Rollout> = (0..RESTING).map(|n| plain(&start(n), "words")).collect();
    let files: Vec<_> = resting.iter().map(|rollout| rollout.write(&env)).collect();
    env.run(["backfill"]).status(0, "all are fine");
    env.sql("UPDATE threads SET name = 'kept ' || id, is_pinned = 1");
    files.iter().take(LOST).for_each(|file| fs::remove_file(file).unwrap());
    (env, resting)
}

/// Runs these command lines repeatedly and all at once until the time is over. Returns the number of runs.
fn at_once(env: &Env, commands: &[Vec<String>], time: Duration, allowed: &[i32]) -> usize {
    let runs = AtomicUsize::new(0);
    let begin = Instant::now();
    thread::scope(|scope| {
        for command in commands {
            let runs = &runs;
            scope.spawn(move || {
                while begin.elapsed() < time {
                    let mut run = env.command(command);
                    run.env_remove("CODEX_STATE_NOW");
                    let outcome = env.finish(run);
                    // `Outcome::status` is not used: its report would read the database's file in this process.
                    let is_allowed = outcome.code.is_some_and(|code| allowed.contains(&code));
                    let said =
                        format!("{command:?}: {:?} {}{}", outcome.code, outcome.stdout, outcome.stderr);
                    assert!(is_allowed && !outcome.stderr.contains("panicked"), "{said}");
                    runs.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    runs.into_inner()
}

fn words(lines: &[&str]) -> Vec<Vec<String>> {
    lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

/// Checks the home after all runs have ended: a backfill leaves nothing to do, and what a user set is there.
#[track_caller]
fn all_is_well(env: &Env, resting: &[Rollout]) {
    table::assert_sound(&env.db(), "after all that");
    // If a restore ran last, the rows without files are there again.
    env.run(["prune", "--yes"]).finished();
    env.run(["backfill"]).status(0, "all files are fine");
    env.run(["verify"]).status(0, "nothing is left to do");
    let rows = env.rows();
    for rollout in &resting[LOST..] {
        let row = &rows[rollout.thread()];
        assert_eq!(row["name"], format!("kept {}", rollout.thread()));
        assert_eq!(row["is_pinned"], 1);
    }
    let left: Vec<String> = walkdir::WalkDir::new(env.home())
        .into_iter()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".codex-state"))
        .collect();
    assert!(left.is_empty(), "nothing temporary is left: {left:?}");
}

#[test]
fn every_command_at_once_beside_a_codex_at_work() {
    let (env, resting) = home();
    let mut live: Vec<Live> =
        (1..4).map(|day| Live::new(&env, &plain(&format!("2026-03-0{day}T10:00:00"), "words"))).collect();
    let stop = AtomicBool::new(false);
    let (one, two) = (resting[LOST].thread(), resting[LOST + 1].thread());
    let commands = words(&[
        "backfill --no-backup",
        "backfill",
        "verify",
        "verify --deep",
        "list --all --hidden --format json",
        "prune --yes",
        "backfill --quick --no-backup",
        &format!("archive {one} {two}"),
        &format!("unarchive {one} {two}"),
        &format!("archive {two}"),
        "relink --missing-ok /nowhere/project /nowhere/else",
        "relink --missing-ok --no-backup /nowhere/else /nowhere/project",
    ]);
    let (runs, turns) = thread::scope(|scope| {
        let (live, stop, database) = (&mut live, &stop, env.db());
        let writer = scope.spawn(move || {
            let mut connection = Connection::open(database).unwrap();
            connection.busy_timeout(Duration::from_secs(5)).unwrap();
            let mut turns = 0;
            while !stop.load(Ordering::Relaxed) {
                let n = live.len();
                live[turns % n].turn(&mut connection);
                turns += 1;
                pause((turns as u64 * 7) % 23);
            }
            turns
        });
        let run = || at_once(&env, &commands, Duration::from_secs(seconds()), &[0, 1]);
        let runs = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        stop.store(true, Ordering::Relaxed);
        let turns = writer.join().unwrap();
        (runs.unwrap_or_else(|panic| std::panic::resume_unwind(panic)), turns)
    });
    println!("{runs} runs beside {turns} turns");
    assert!(runs >= commands.len() && turns > 0);
    all_is_well(&env, &resting);
    let rows = env.rows();
    for live in live {
        assert_eq!(rows[&live.id]["tokens_used"], live.in_file, "{}", live.id);
        assert_eq!(rows[&live.id]["name"].as_str(), live.name.as_deref(), "{}", live.id);
    }
}

#[test]
fn restores_among_backfills_lose_nothing_that_a_person_set() {
    let (env, resting) = home();
    let backup = env.outside("backup.sqlite").to_str().unwrap().to_owned();
    env.run(["backup", &backup]).status(0, "as it is");
    let commands = words(&[
        "backfill --no-backup",
        "backfill --no-backup",
        &format!("restore {backup} --no-backup"),
        "prune --yes --no-backup",
        "verify",
        "status",
    ]);
    // A restore says that the database is busy if a transaction is open.
    let runs = at_once(&env, &commands, Duration::from_secs(seconds()), &[0, 1, 2]);
    println!("{runs} runs");
    all_is_well(&env, &resting);
}

#[test]
fn rebuilds_among_backfills_lose_nothing_that_a_person_set() {
    let (env, resting) = home();
    let commands = words(&[
        "backfill --no-backup --busy-timeout 1",
        "rebuild --force --busy-timeout 1",
        "rebuild --force",
        "list --all --hidden --format json",
        "verify",
        "status",
    ]);
    // A run says so if another run has the database open, or if its file was replaced meanwhile.
    let runs = at_once(&env, &commands, Duration::from_secs(seconds()), &[0, 1, 2]);
    println!("{runs} runs");
    all_is_well(&env, &resting);
}
