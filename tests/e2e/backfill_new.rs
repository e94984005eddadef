//! Tests backfill of a home without a database: which database it makes and where, what it prints, and what a crash
//! leaves.

use std::fs;

use crate::env::Env;
use crate::rollouts::plain;

/// Returns a home with one rollout, written by this version of Codex.
fn home(version: &str) -> Env {
    let env = Env::new();
    plain("2026-03-14T10:00:00", "hello").meta(|meta| meta.cli_version(version)).write(&env);
    env
}

/// Returns the names of the state databases in a folder of the home.
fn databases(env: &Env, folder: &str) -> Vec<String> {
    let names = fs::read_dir(env.home().join(folder)).unwrap().flatten();
    let mut names: Vec<String> = names.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.retain(|name| name.contains("state") && !name.starts_with("codex-state"));
    names.sort();
    names
}

#[track_caller]
fn check(version: &str, arguments: &[&str], database: &str, says: &str) -> String {
    let env = home(version);
    let before = env.tree();
    let arguments = [&["backfill"], arguments].concat();
    let dry = env.run([&arguments[..], &["--dry-run"]].concat());
    dry.status(0, "a dry run");
    dry.assert(before.difference(&env.tree()).is_empty(), "which makes nothing");
    dry.assert(
        dry.stderr.contains(database) && dry.stderr.contains(says),
        format_args!("which and why: {says}"),
    );
    let outcome = env.run(arguments);
    outcome.status(0, "all is done");
    outcome.assert(outcome.stderr.contains(says), format_args!("why: {says}"));
    outcome.assert_eq(databases(&env, ""), vec![database.to_owned()], "one database and nothing beside it");
    assert_eq!(env.rows().len(), 1);
    outcome.stderr
}

#[test]
fn the_codex_of_the_home_decides_which_is_made() {
    for version in ["0.157.0", "0.119.0", "0.92.0"] {
        let stderr =
            check(version, &[], "state_5.sqlite", &format!("the newest rollout is of Codex {version}"));
        assert!(!stderr.contains("warning"), "{stderr}");
    }
    let reason = "the newest rollout is of Codex 0.94.0, which reads no other";
    let stderr = check("0.94.0", &[], "state.sqlite", reason);
    assert!(!stderr.contains("warning"), "{stderr}");
    for version in ["0.96.0", "0.118.0"] {
        let stderr = check(version, &[], "state_5.sqlite", version);
        assert!(stderr.contains("update Codex"), "an older Codex refuses it: {stderr}");
    }
    check("0.94.0", &["--schema", "state-5"], "state_5.sqlite", "--schema says so");
    check("0.157.0", &["--schema", "phase-1"], "state.sqlite", "--schema says so");
}

#[test]
fn it_is_made_where_codex_looks() {
    let env = home("0.157.0");
    env.write("config.toml", "sqlite_home = \"databases\"\n");
    env.run(["backfill"]).status(0, "the folder is made, too");
    assert_eq!(databases(&env, "databases"), ["state_5.sqlite"]);
    assert_eq!(databases(&env, ""), Vec::<String>::new());
}

#[test]
fn codex_need_not_scan_again_unless_something_is_left_to_do() {
    let state = "SELECT status, last_watermark, last_success_at IS NOT NULL AS done FROM backfill_state";
    let env = home("0.157.0");
    env.run(["backfill"]).status(0, "all is done");
    let row = &env.query(state)[0];
    assert_eq!((row["status"].as_str().unwrap(), row["done"].as_i64().unwrap()), ("complete", 1));
    assert_eq!(row["last_watermark"], plain("2026-03-14T10:00:00", "hello").relative().as_str());
    assert_eq!(env.query("PRAGMA journal_mode")[0]["journal_mode"], "wal");

    let env = home("0.157.0");
    let id = plain("2026-03-14T10:00:00", "hello").thread().to_owned();
    plain("2026-03-15T10:00:00", "other").write(&env);
    env.run(["backfill", &id]).status(0, "a part");
    assert_eq!(env.query(state)[0]["status"], "pending", "Codex does the rest");
}

#[test]
#[cfg(unix)]
fn what_cannot_be_read_now_leaves_the_rest_to_codex_and_what_is_unusable_does_not() {
    use crate::shapes::Backfill;
    use std::os::unix::fs::PermissionsExt as _;
    let env = home("0.157.0");
    env.write(
        "sessions/2026/03/15/rollout-2026-03-15T10-00-00-019ced47-cebb-79dd-b0aa-a552437621a9.jsonl",
        "x\n",
    );
    let locked = plain("2026-03-16T10:00:00", "locked");
    locked.write(&env);
    env.obey_permissions();
    fs::set_permissions(env.home().join(locked.relative()), fs::Permissions::from_mode(0o000)).unwrap();
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(1, "two fail");
    assert!(!Backfill::of(&outcome).complete);
    assert_eq!(env.query("SELECT status FROM backfill_state")[0]["status"], "pending");
    fs::set_permissions(env.home().join(locked.relative()), fs::Permissions::from_mode(0o600)).unwrap();
    env.run(["backfill"]).status(1, "one is unusable");
    assert_eq!(env.query("SELECT status FROM backfill_state")[0]["status"], "complete");
}

#[test]
fn a_backup_of_the_lost_database_is_named_first() {
    let env = home("0.157.0");
    env.run(["backfill"]).status(0, "a database");
    env.run(["backup"]).status(0, "a backup");
    fs::remove_file(env.db()).unwrap();
    let outcome = env.run(["backfill"]);
    outcome.status(0, "done all the same");
    let first: Vec<&str> = outcome.stderr.lines().take(2).collect();
    let names_it = first[0].contains("backup") && first[1].contains("codex-state restore ");
    outcome.assert(names_it && first[1].contains("codex-state-backups"), "its path comes first");
}

#[test]
fn an_option_for_new_databases_changes_no_other() {
    let env = home("0.94.0");
    env.database("empty-2026-08");
    let outcome = env.run(["backfill", "--schema", "phase-1"]);
    outcome.status(0, "done");
    outcome.assert(outcome.stderr.contains("--schema changes nothing"), "and it says so");
    assert_eq!(databases(&env, ""), ["state_5.sqlite"]);
}

#[test]
fn a_folder_with_the_name_of_the_new_database_is_refused_by_the_dry_run_too() {
    let env = Env::new();
    std::fs::create_dir_all(env.path("sessions")).unwrap();
    std::fs::create_dir_all(env.path("state_5.sqlite")).unwrap();
    for arguments in [&["backfill", "--dry-run"][..], &["backfill"]] {
        let outcome = env.run(arguments);
        outcome.status(2, "nothing can be made there");
        outcome.assert(outcome.stderr.contains("a folder has its name"), "it says why");
    }
}
