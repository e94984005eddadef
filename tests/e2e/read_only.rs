//! Tests that a reading command changes no byte and no time in the home, in every state of the database.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::env::Env;
use crate::golden;
use crate::holder::Holder;
use crate::outcome::Outcome;

const NEW: &str =
    "UPDATE threads SET title = 'only in the log' WHERE id = '019ced48-b91b-7cd1-8fde-679dbc86ee82'";
const ID: &str = "019ced48-b91b-7cd1-8fde-679dbc86ee82";

/// Runs every reading command. Each may change only lock marks in an existing `-shm`.
#[track_caller]
fn check(env: &Env, case: &str, title: &str) {
    let commands: [&[&str]; 8] = [
        &["list", "--all", "--hidden"],
        &["list", "-n", "3", "--format", "json"],
        &["show", ID, "--format", "json"],
        &["path", ID],
        &["verify", "--format", "json"],
        &["verify", "--quick"],
        &["verify", "--deep"],
        &["backfill", "--dry-run"],
    ];
    for command in commands {
        let before = env.tree().without(&["-shm"]);
        let names = env.tree();
        let outcome: Outcome = env.run(command);
        outcome.finished();
        let difference = before.difference(&env.tree().without(&["-shm"]));
        outcome.assert(difference.is_empty(), format_args!("{case}: nothing changes:\n{difference}"));
        outcome.assert_eq(env.tree().names(), names.names(), format_args!("{case}: no file comes or goes"));
        let temporary = fs::read_dir(env.outside("tmp")).unwrap().count();
        outcome.assert_eq(temporary, 0, format_args!("{case}: a private copy is removed"));
        if command[0] == "show" {
            let shown = outcome.json()["threads"][0]["title"].clone();
            outcome.assert_eq(shown, title.into(), format_args!("{case}: what the last commit says"));
        }
    }
}

/// Returns a filled database outside of the home, which tests change and then copy into the home.
fn workshop(env: &Env) -> std::path::PathBuf {
    let path = env.outside("workshop/state_5.sqlite");
    fs::copy(env.db(), &path).unwrap();
    path
}

fn bring(env: &Env, from: &Path, endings: &[&str]) {
    for ending in endings {
        let name = format!("state_5.sqlite{ending}");
        fs::copy(from.with_file_name(&name), env.home().join(&name)).unwrap();
    }
}

const TITLE: &str = "no-provider: please look at golden";

#[test]
fn a_database_alone() {
    check(&golden::filled_by_codex(), "a database alone", TITLE);
}

#[test]
fn a_database_with_an_empty_log() {
    let env = golden::filled_by_codex();
    env.write("state_5.sqlite-wal", "");
    check(&env, "an empty -wal, no -shm", TITLE);
}

#[test]
fn a_database_with_a_log_copied_without_its_index() {
    let env = golden::filled_by_codex();
    let workshop = workshop(&env);
    let connection = Connection::open(&workshop).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").unwrap();
    connection.execute_batch(NEW).unwrap();
    bring(&env, &workshop, &["", "-wal"]);
    check(&env, "a -wal with content, no -shm", "only in the log");
    drop(connection);
}

#[test]
fn a_database_that_another_process_has_open() {
    let env = golden::filled_by_codex();
    let log = format!("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; {NEW}");
    let holder = Holder::new(&env.db(), &log);
    assert!(env.home().join("state_5.sqlite-shm").exists(), "it is open");
    check(&env, "open elsewhere", "only in the log");
    holder.release();
    let holder = Holder::new(&env.db(), "BEGIN IMMEDIATE; UPDATE threads SET title = 'never committed'");
    check(&env, "being written elsewhere", "only in the log");
    holder.release();
}

#[test]
fn a_database_with_a_hot_journal() {
    let env = golden::filled_by_codex();
    let workshop = workshop(&env);
    let connection = Connection::open(&workshop).unwrap();
    connection.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 2; BEGIN IMMEDIATE").unwrap();
    connection.execute_batch("UPDATE threads SET title = 'never committed', cwd = '/never'").unwrap();
    bring(&env, &workshop, &["", "-journal"]);
    connection.execute_batch("ROLLBACK").unwrap();
    let torn = fs::read(env.db()).unwrap();
    assert!(
        torn.windows(15).any(|bytes| bytes == b"never committed"),
        "the half-done transaction has reached the file, so the journal is hot"
    );
    check(&env, "a hot journal", TITLE);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    let env = golden::filled_by_codex();
    env.obey_permissions();
    set_permissions(env.home(), Permissions::from_mode(0o500)).unwrap();
    set_permissions(env.db(), Permissions::from_mode(0o400)).unwrap();
    check(&env, "a folder that may not be written", TITLE);
    set_permissions(env.home(), Permissions::from_mode(0o700)).unwrap();
    set_permissions(env.db(), Permissions::from_mode(0o600)).unwrap();

    let workshop = workshop(&env);
    let connection = Connection::open(&workshop).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").unwrap();
    connection.execute_batch(NEW).unwrap();
    bring(&env, &workshop, &["", "-wal"]);
    set_permissions(env.home(), Permissions::from_mode(0o500)).unwrap();
    check(&env, "the same with a log", "only in the log");
    set_permissions(env.home(), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn status_is_a_reading_command() {
    let with_database = golden::filled_by_codex();
    let without = Env::new();
    for env in [with_database, without] {
        for format in ["table", "json"] {
            let before = env.tree();
            let outcome = env.run(["status", "--format", format]);
            outcome.status(0, "it works with and without a database");
            outcome.assert_eq(before.difference(&env.tree()), String::new(), "and changes nothing");
        }
    }
}

#[test]
fn what_needs_no_database_needs_none() {
    let env = Env::new();
    for command in [&["--help"][..], &["--version"], &["completions", "bash"], &["man"]] {
        let before = env.tree();
        let outcome = env.run(command);
        outcome.status(0, "it works on a home without a database");
        outcome.assert_eq(before.difference(&env.tree()), String::new(), "and leaves it so");
    }
}
