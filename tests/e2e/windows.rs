//! Tests what only Windows has: two spellings of a path, files that another process opened exclusively, read-only
//! marks, long paths.
#![cfg(windows)]

use std::fs::{self, File};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::env::Env;
use crate::moving::{self, PLAIN, agrees, contents};
use crate::rollouts::plain;
use crate::shapes::{Backfill, Verify};

fn filled() -> Env {
    let env = Env::new();
    env.database("empty-2026-08");
    plain("2026-03-14T10:00:00", "words").write(&env);
    plain("2026-03-15T10:00:00", "more words").write(&env);
    env.run(["backfill"]).status(0, "all is fine");
    env
}

#[test]
fn a_home_that_is_named_is_the_same_home() {
    let env = filled();
    let rows = env.rows();
    let home = env.home();
    for spelling in [
        home.to_str().unwrap().to_owned(),
        home.to_str().unwrap().replace('\\', "/"),
        home.to_str().unwrap().to_uppercase(),
        fs::canonicalize(&home).unwrap().to_str().unwrap().to_owned(),
    ] {
        let run = |args: &[&str]| {
            let mut command = env.command(args);
            command.env("CODEX_HOME", &spelling);
            env.finish(command)
        };
        let outcome = run(&["verify", "--strict", "--format", "json"]);
        outcome.status(0, "the prefix of canonical paths is not drift");
        outcome.assert_eq(Verify::of(&outcome).findings.len(), 0, &spelling);
        let outcome = run(&["backfill", "--format", "json"]);
        outcome.assert_eq(Backfill::of(&outcome).counts(), [0, 0, 2, 0, 0], &spelling);
        assert_eq!(env.rows(), rows, "{spelling}: no row is rewritten for its spelling alone");
        run(&["verify", "--quick", "--strict"]).status(0, &spelling);
        run(&["prune", "--yes"]).status(0, &spelling);
        assert_eq!(env.rows(), rows, "{spelling}: no row has lost its file");
    }
}

#[test]
fn rows_of_a_home_that_was_named_are_canonical_and_path_prints_what_others_take() {
    let env = Env::new();
    env.database("empty-2026-08");
    let rollout = plain("2026-03-14T10:00:00", "words");
    let file = rollout.write(&env);
    env.run(["--codex-home", env.home().to_str().unwrap(), "backfill"]).status(0, "all is fine");
    let stored = env.row(rollout.thread())["rollout_path"].as_str().unwrap().to_owned();
    assert_eq!(stored, fs::canonicalize(&file).unwrap().to_str().unwrap());
    for typed in [rollout.thread(), file.to_str().unwrap(), &stored] {
        let outcome = env.run(["path", typed]);
        outcome.status(0, "it is there");
        outcome.assert(!outcome.stdout.contains('?'), "no prefix");
        outcome.assert(Path::new(outcome.stdout.trim()).is_file(), "a path to use");
    }
    env.run(["verify", "--strict"]).status(0, "and without a name it is the same home");
    env.run(["archive", rollout.thread()]).status(0, "it goes");
    agrees(&env, "after archive");
    env.run(["unarchive", file.file_name().unwrap().to_str().unwrap()]).status(0, "and comes back");
    agrees(&env, "after unarchive");
}

#[test]
fn a_folder_that_exists_is_stored_canonically_and_found_however_it_is_typed() {
    let env = Env::new();
    env.database("empty-2026-08");
    let real = env.outside("Projects/Real");
    fs::create_dir_all(&real).unwrap();
    let (typed, gone) = (real.to_str().unwrap().to_lowercase(), r"\\?\C:\was\here");
    let cases = [
        ("2026-03-14T10:00:00", &*typed, fs::canonicalize(&real).unwrap().to_str().unwrap().to_owned()),
        ("2026-03-15T10:00:00", gone, gone.to_owned()),
        ("2026-03-16T10:00:00", "/home/ann/of-wsl", "/home/ann/of-wsl".to_owned()),
    ];
    for (start, cwd, _) in &cases {
        plain(start, "words").meta(|meta| meta.cwd(cwd)).write(&env);
    }
    env.run(["backfill"]).status(0, "all is fine");
    for (start, cwd, expected) in &cases {
        assert_eq!(env.row(plain(start, "").thread())["cwd"], **expected, "{cwd}");
    }
    env.run(["verify", "--strict"]).status(0, "and verify looks at it in the same way");
    for (folder, start) in [
        (&*typed, cases[0].0),
        (&*typed.replace('\\', "/"), cases[0].0),
        (r"C:\was\here", cases[1].0),
        ("c:/was/here/", cases[1].0),
        ("/home/ann/of-wsl", cases[2].0),
    ] {
        let outcome = env.run(["list", "--ids", "--cwd", folder]);
        outcome.assert_eq(outcome.stdout.trim(), plain(start, "").thread(), folder);
    }
}

#[test]
fn a_rollout_that_another_program_opened_exclusively_is_left_for_later() {
    let env = moving::home("empty-2026-08");
    let (before, rows) = (contents(&env), env.rows());
    let path = rows[PLAIN]["rollout_path"].as_str().unwrap().to_owned();
    let open = File::options().read(true).share_mode(0).open(&path).unwrap();
    let outcome = env.run(["archive", PLAIN]);
    outcome.status(1, "not now");
    outcome.assert(outcome.stderr.contains(PLAIN), "the thread is named");
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(1, "nor can it be read");
    let report = Backfill::of(&outcome);
    outcome.assert_eq(report.counts()[4], 1, "one failed");
    outcome.assert(!report.complete, "it may be readable tomorrow");
    env.run(["prune", "--yes", "--all-missing"]).finished();
    drop(open);
    assert_eq!(env.rows(), rows, "nothing is done by halves");
    assert_eq!(contents(&env), before);
    env.run(["archive", PLAIN]).status(0, "closed again");
    agrees(&env, "afterwards");
}

#[test]
fn a_database_that_is_marked_as_read_only() {
    let env = filled();
    env.sql("DELETE FROM threads");
    let mut permissions = fs::metadata(env.db()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(env.db(), permissions.clone()).unwrap();
    if File::options().write(true).open(env.db()).is_ok() {
        // This is not Windows itself, but an emulation that runs programs as an administrator.
        return;
    }
    env.run(["backfill", "--no-backup"]).trouble(env.db().to_str().unwrap());
    env.run(["list"]).status(0, "reading is possible");
    #[expect(clippy::permissions_set_readonly_false, reason = "a mark of Windows, and of a test's file")]
    permissions.set_readonly(false);
    fs::set_permissions(env.db(), permissions).unwrap();
    env.run(["backfill"]).status(0, "and writing when the mark is gone");
}

#[test]
fn a_database_that_another_program_opened_exclusively() {
    let env = filled();
    let open = File::options().read(true).share_mode(0).open(env.db()).unwrap();
    for command in ["list", "verify", "backfill"] {
        let outcome = env.run([command]);
        outcome.trouble("another program has it open");
        outcome.assert(outcome.stderr.contains("after Codex has ended"), "what to do");
    }
    drop(open);
    env.run(["verify"]).status(0, "closed again");
}

#[test]
fn a_row_whose_drive_is_not_there_is_not_pruned() {
    let env = filled();
    let rollout = plain("2026-03-14T10:00:00", "words");
    fs::remove_file(env.home().join(rollout.relative())).unwrap();
    let name = Path::new(&rollout.relative()).file_name().unwrap().to_str().unwrap().to_owned();
    let id = rollout.thread();
    for path in [format!(r"Q:\home\sessions\{name}"), format!(r"\\?\Q:\{name}"), format!("/mnt/c/{name}")] {
        env.sql(&format!("UPDATE threads SET rollout_path = '{path}' WHERE id = '{id}'"));
        env.run(["prune", "--yes", "--all-missing"]).finished();
        assert_eq!(env.rows().len(), 2, "{path}");
    }
    env.sql(&format!(r"UPDATE threads SET rollout_path = 'C:\gone\{name}' WHERE id = '{id}'"));
    env.run(["prune", "--yes", "--all-missing"]).status(0, "this drive is there, and the file is not on it");
    assert_eq!(env.rows().len(), 1);
}

#[test]
fn a_home_whose_paths_are_long() {
    let env = Env::new();
    let user = env.outside("deep").join("d".repeat(120)).join("e".repeat(120));
    let file = plain("2026-03-14T10:00:00", "words").write(&env);
    let home = user.join(".codex");
    let day = home.join(r"sessions\2026\03\14");
    fs::create_dir_all(&day).unwrap();
    fs::copy(&file, day.join(file.file_name().unwrap())).unwrap();
    let run = |args: &[&str]| {
        let mut command = env.command(args);
        command.env("USERPROFILE", &user);
        env.finish(command)
    };
    run(&["backfill"]).status(0, "a new database");
    run(&["verify"]).status(0, "which agrees");
    let outcome = run(&["list", "--ids", "--all"]);
    outcome.status(0, "it can be read");
    outcome.assert_eq(outcome.stdout.lines().count(), 1, "one thread");
    run(&["backup"]).status(0, "and copied");
    env.run(["--db", home.join("state_5.sqlite").to_str().unwrap(), "list"]).status(0, "and named");
}

#[test]
fn trouble_names_the_path() {
    let env = filled();
    env.run(["--db", "state_6.sqlite", "list"]).trouble(r"cwd\state_6.sqlite");
    env.run(["--metrics", "nowhere/x.prom", "verify", "--quick", "--quiet"]).status(2, "no such folder");
    let none = Env::new();
    fs::remove_dir(none.home()).unwrap();
    none.run(["list"]).trouble(none.home().to_str().unwrap());
}
