//! Tests machines with tight limits: few open files, no threads, small stacks, limited size of files.
#![cfg(unix)]

use std::fs;
use std::process::Command;

use crate::env::Env;
use crate::golden;
use crate::rollouts::plain;
use crate::table;

/// Every command that reads or writes much. On a sound home each succeeds.
const COMMANDS: [&[&str]; 8] = [
    &["list", "--all", "--hidden"],
    &["verify"],
    &["verify", "--deep"],
    &["backfill"],
    &["prune", "--yes"],
    &["list", "--format", "json"],
    &["status"],
    &["backup"],
];

fn home(threads: u32) -> Env {
    let env = Env::new();
    env.database("empty-2026-08");
    for number in 0..threads {
        let start = format!("2026-03-{:02}T{:02}:{:02}:00", 1 + number / 60, number % 24, number % 60);
        plain(&start, "a thread of many").write(&env);
    }
    env
}

#[test]
fn without_threads_the_calling_one_does_the_work() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        println!("skipped: there is no prlimit");
        return;
    }
    let env = home(300);
    env.run(["backfill"]).status(0, "all are fine");
    env.obey_permissions();
    env.run(["list"]).status(0, "as the user that has no rights");
    for command in COMMANDS {
        let expected = if command == ["backup"] { String::new() } else { env.run(command).stdout };
        let outcome = env.shell("exec prlimit --nproc=0:0 \"$@\"", command);
        outcome.status(0, "fewer threads are enough");
        if !["backup", "status"].contains(&command[0]) {
            outcome.assert_eq(&outcome.stdout, &expected, "and change nothing");
        }
    }
    env.sql("DELETE FROM threads");
    env.shell("exec prlimit --nproc=0:0 \"$@\"", ["backfill", "--no-backup"]).status(0, "all again");
    assert_eq!(env.rows().len(), 300);
}

#[test]
fn too_few_open_files_are_said_once_and_change_nothing() {
    let env = home(60);
    env.run(["backfill"]).status(0, "all are fine");
    let rows = env.rows();
    let mut refused = 0;
    for limit in 3..24 {
        for command in COMMANDS {
            let outcome = env.shell(&format!("ulimit -n {limit}; exec \"$@\""), command.iter());
            if outcome.code == Some(127) || outcome.stderr.contains("error while loading shared libraries") {
                continue; // Not even started.
            }
            outcome.assert(
                matches!(outcome.code, Some(0 | 2)),
                format_args!("with {limit} files: done or refused"),
            );
            outcome.assert(!outcome.stderr.contains("panicked"), "no panic");
            outcome.assert(outcome.stderr.lines().count() < 12, "not a line a file");
            refused += usize::from(outcome.code == Some(2));
            assert!(env.rows() == rows, "{command:?} with {limit} files");
        }
    }
    assert!(refused > 0, "some limits were too low");
}

#[test]
fn small_stacks_are_enough() {
    let env = home(60);
    for command in [&["backfill"][..]].into_iter().chain(COMMANDS) {
        env.shell("ulimit -s 768; exec \"$@\"", command.iter())
            .status(0, "with a stack of 768 KiB, of which a debug build takes most");
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_not_a_death() {
    let env = golden::filled_by_codex();
    let target = env.outside("out/backup.sqlite");
    let before = env.tree();
    let outcome = env.shell("ulimit -f 8; exec \"$@\"", ["backup", target.to_str().unwrap()]);
    outcome.status(2, "the backup is larger");
    outcome.assert(
        outcome.stderr.contains("backup.sqlite") || outcome.stderr.contains("cannot"),
        "it says what",
    );
    assert!(!target.exists());
    assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 0, "nothing is left");
    assert_eq!(before.difference(&env.tree()), "");
    env.sql("UPDATE threads SET title = ''");
    env.shell("ulimit -f 8; exec \"$@\"", ["backfill", "--no-backup"]).status(2, "nothing can be written");
    table::assert_sound(&env.db(), "after a write that failed");
    let outcome = env.shell("ulimit -f 0; exec \"$@\" > out", ["list"]);
    outcome.status(2, "the list cannot be written");
    outcome.assert(outcome.stderr.contains("cannot write to standard output"), "it says why");
    env.run(["backfill"]).status(1, "what cannot be read is named").finished();
}
