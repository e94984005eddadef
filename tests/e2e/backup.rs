//! Tests copies of the database: those that commands keep by themselves, when and how many, and those of `backup`.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use crate::env::Env;
use crate::holder::Holder;
use crate::outcome::Outcome;
use crate::rollouts::plain;
use crate::shapes::Backfill;
use crate::specimen;
use crate::table;

/// The document of `backup --format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Backup {
    #[serde(rename = "schema_version")]
    _schema_version: u64,
    database: String,
    backup: String,
    rows: usize,
    bytes: u64,
    dry_run: bool,
}

/// Returns the names of the files in the folder for backups, oldest first.
pub(crate) fn backups(env: &Env) -> Vec<String> {
    let Ok(entries) = fs::read_dir(env.home().join("codex-state-backups")) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Returns the path of a backup.
pub(crate) fn backup_path(env: &Env, name: &str) -> PathBuf {
    env.home().join("codex-state-backups").join(name)
}

/// Changes a row, so that it differs from its file, and runs a backfill at the time `now`.
#[track_caller]
fn change_and_backfill(env: &Env, now: &str) -> Outcome {
    env.sql("UPDATE threads SET cwd = 'elsewhere'");
    let outcome = env.run_at(now, ["backfill", "--format", "json"]);
    outcome.status(0, "every file is fine");
    outcome.assert(Backfill::of(&outcome).updated > 0, "rows are changed");
    outcome
}

#[test]
fn a_backfill_that_changes_something_keeps_the_database_as_it_was() {
    let env = specimen::filled("empty-2026-08");
    fs::remove_dir_all(env.home().join("codex-state-backups")).unwrap();
    env.sql("UPDATE threads SET cwd = 'elsewhere'");
    let before = env.rows();
    let outcome = env.run(["backfill"]);
    outcome.status(0, "every file is fine");
    outcome.assert_eq(backups(&env), vec!["auto-state_5.sqlite-20260901T120000Z.sqlite".to_owned()], "one");
    let path = backup_path(&env, &backups(&env)[0]);
    outcome.assert(outcome.stderr.contains(path.to_str().unwrap()), "a message says where it lies");
    table::assert_sound(&path, "as a backup");
    outcome.assert(table::difference(&before, &table::threads(&path)).is_empty(), "the rows as they were");
    outcome.assert(!table::difference(&before, &env.rows()).is_empty(), "and not as they are");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700), "no other user may read it");
    }
}

#[test]
fn none_is_kept_when_nothing_changes() {
    let env = specimen::filled("empty-2026-08");
    fs::remove_dir_all(env.home().join("codex-state-backups")).unwrap();
    for args in [&["backfill"][..], &["backfill", "--quick"], &["backfill", "--times", "keep"]] {
        env.run(args).status(0, "all rows agree");
        assert_eq!(backups(&env), [""; 0], "{args:?}: nothing changes, nothing is kept");
    }
    env.sql("UPDATE threads SET cwd = 'elsewhere'");
    env.run(["backfill", "--dry-run"]).status(0, "a dry run");
    assert_eq!(backups(&env), [""; 0], "a dry run changes nothing");
    env.run(["backfill", "--no-backup"]).status(0, "not wanted");
    assert_eq!(backups(&env), [""; 0], "--no-backup");

    let env = Env::new();
    plain("2026-03-14T10:00:00", "words").write(&env);
    env.run(["backfill"]).status(0, "a new database");
    assert_eq!(backups(&env), [""; 0], "of a database that was made just now there is nothing to keep");
}

#[test]
fn saying_that_the_backfill_is_complete_is_a_change() {
    let env = specimen::filled("empty-2026-08");
    fs::remove_dir_all(env.home().join("codex-state-backups")).unwrap();
    env.sql("UPDATE backfill_state SET status = 'running'");
    env.run(["backfill"]).status(0, "all rows agree");
    assert_eq!(backups(&env).len(), 1);
    let state = table::query(&backup_path(&env, &backups(&env)[0]), "SELECT status FROM backfill_state");
    assert_eq!(state[0]["status"], "running", "kept before the change");
}

#[test]
fn at_most_one_an_hour_and_the_newest_five_and_all_that_were_made_by_hand() {
    let env = specimen::filled("empty-2026-08");
    fs::remove_dir_all(env.home().join("codex-state-backups")).unwrap();
    change_and_backfill(&env, "2026-09-02T10:00:00Z");
    change_and_backfill(&env, "2026-09-02T10:59:59Z");
    assert_eq!(backups(&env).len(), 1, "one within the hour");
    env.run_at("2026-09-02T10:30:00Z", ["backup"]).status(0, "by hand");
    let by_hand = "backup-state_5.sqlite-20260902T103000Z.sqlite".to_owned();
    for hour in 11..=17 {
        change_and_backfill(&env, &format!("2026-09-02T{hour}:00:00Z"));
    }
    let automatic: Vec<String> =
        (13..=17).map(|hour| format!("auto-state_5.sqlite-20260902T{hour}0000Z.sqlite")).collect();
    assert_eq!(backups(&env), [automatic, vec![by_hand]].concat());
}

#[test]
fn a_database_that_cannot_be_written_is_not_backed_up_for_nothing() {
    let env = specimen::filled("empty-2026-08");
    fs::remove_dir_all(env.home().join("codex-state-backups")).unwrap();
    env.sql("UPDATE threads SET cwd = 'elsewhere'");
    let holder = Holder::new(&env.db(), "BEGIN IMMEDIATE");
    let outcome = env.run(["backfill", "--busy-timeout", "0.2"]);
    outcome.trouble(env.db().to_str().unwrap());
    outcome.assert(outcome.stderr.contains("locked"), "the reason");
    holder.release();
    assert_eq!(backups(&env), [""; 0]);
}

#[test]
fn a_backup_that_cannot_be_kept_stops_the_command_before_the_change() {
    let env = specimen::filled("empty-2026-08");
    let folder = env.home().join("codex-state-backups");
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "a file is in the way").unwrap();
    env.sql("UPDATE threads SET cwd = 'elsewhere'");
    let before = env.tree();
    let outcome = env.run(["backfill"]);
    outcome.trouble(folder.to_str().unwrap());
    outcome.assert(outcome.stderr.contains("--no-backup"), "the hint");
    outcome.assert_eq(before.difference(&env.tree()), String::new(), "nothing changed");
    env.run(["backfill", "--no-backup"]).status(0, "as the hint says");
}

#[test]
fn a_backup_by_hand_is_a_new_file_with_one_state_of_the_database() {
    let env = specimen::filled("empty-2026-08");
    let file = env.outside("elsewhere/copy.sqlite");
    let args = ["backup", file.to_str().unwrap(), "--format", "json"];
    let dry = env.run([&args[..], &["--dry-run"]].concat());
    let report: Backup = dry.status(0, "a dry run").shaped();
    assert_eq!((report.rows, report.dry_run), (7, true));
    let promised = report.bytes;
    assert!(!file.exists());

    // A running Codex: the copy must not contain what is not committed.
    let holder = Holder::new(&env.db(), "BEGIN IMMEDIATE; UPDATE threads SET title = 'half done'");
    let outcome = env.run(args);
    holder.release();
    let report: Backup = outcome.status(0, "copied").shaped();
    assert_eq!(report.database, env.db().to_str().unwrap());
    assert_eq!(report.backup, file.to_str().unwrap());
    assert_eq!(report.rows, 7);
    assert_eq!(report.bytes, fs::metadata(&file).unwrap().len());
    assert_eq!(promised, report.bytes, "the dry run knew it");
    assert_eq!(table::difference(&env.rows(), &table::threads(&file)), [""; 0]);
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "and nothing beside it");

    let bytes = fs::read(&file).unwrap();
    env.run(args).trouble(file.to_str().unwrap());
    assert_eq!(fs::read(&file).unwrap(), bytes, "what exists is never replaced");
    env.run([&args[..], &["-n"]].concat()).trouble("already exists");
}

#[test]
fn a_backup_into_a_folder_that_is_gone_asks_for_a_folder_that_exists() {
    let env = specimen::filled("empty-2026-08");
    let gone = env.outside("tmp").join("gone");
    let outcome = env.run(["backup", gone.join("copy.sqlite").to_str().unwrap()]);
    outcome.trouble("gone: cannot write a backup there: ");
    outcome
        .assert(outcome.stderr.contains("\nhint: name a file in a folder that exists"), "what to try next");
    outcome.assert(!gone.exists(), "no folder is made");
}

#[test]
fn a_backup_without_a_name_lies_beside_the_database() {
    let env = specimen::filled("empty-2026-08");
    let outcome = env.run(["backup"]);
    let name = "backup-state_5.sqlite-20260901T120000Z.sqlite";
    outcome.status(0, "copied").assert(outcome.stdout.contains(name), "it says where");
    outcome.assert(backup_path(&env, name).exists(), "and there it is");
    env.run(["backup"]).trouble(name);
    env.run(["backup", "--format", "tsv"]).status(2, "the same second again");
    let empty = Env::new();
    empty.run(["backup"]).trouble(".codex");
}
