//! Tests rebuild where the files of the old database do not belong together or are not whole: the names in it are kept.

use std::fs;

use serde_json::Value;

use crate::env::Env;
use crate::golden;
use crate::holder::Holder;
use crate::table;

/// Returns a golden home with a filled database in which every thread has a name.
fn home() -> Env {
    let env = Env::golden("empty-2026-08");
    env.run(["backfill", "--no-backup"]).status(1, "three files cannot be read");
    env.sql("UPDATE threads SET name = 'N' || rowid; PRAGMA wal_checkpoint(TRUNCATE);");
    env
}

/// Counts the threads that have their name.
fn named(env: &Env) -> usize {
    env.rows()
        .values()
        .filter(|row| matches!(&row["name"], Value::String(name) if name.starts_with('N')))
        .count()
}

#[test]
fn a_log_of_another_database_is_left_out() {
    let env = home();
    // A backup is copied over a database that Codex left with a log.
    env.sql("PRAGMA journal_mode = wal");
    let log = env.home().join("state_5.sqlite-wal");
    let codex = Holder::new(
        &env.db(),
        "PRAGMA wal_autocheckpoint = 0; UPDATE threads SET title = title || ' and more', name = 'wrong';
         CREATE TABLE more AS SELECT randomblob(3000) AS x FROM threads; DROP TABLE more;",
    );
    let foreign = fs::read(&log).unwrap();
    drop(codex);
    fs::remove_file(&log).unwrap();
    fs::remove_file(env.home().join("state_5.sqlite-shm")).ok();
    env.sql("DELETE FROM threads WHERE rowid % 5 = 0; VACUUM; PRAGMA journal_mode = delete; PRAGMA journal_mode = wal;");
    let backup = fs::read(env.db()).unwrap();
    let n_named = named(&env);
    fs::write(&log, foreign).unwrap();
    let before = env.tree();

    let dry = env.run(["rebuild", "--dry-run", "--format", "json"]).json();
    assert!(dry["problem"].as_str().unwrap().contains("belongs to another database"), "{dry}");
    assert_eq!(before.difference(&env.tree()), "");
    let outcome = env.run(["rebuild", "--format", "json"]);
    outcome.status(1, "three files cannot be read");
    let document = outcome.json();
    assert_eq!(document["problem"], dry["problem"]);
    table::assert_sound(&env.db(), "the new one");
    assert_eq!((env.rows().len(), named(&env)), (golden::THREADS, n_named));
    // The log was not played into the file that is kept, and undoing the run leaves it out too.
    let kept = document["old"].as_str().unwrap();
    assert!(fs::read(kept).unwrap() == backup, "the old file is as it was");
    assert!(fs::metadata(format!("{kept}-wal")).unwrap().len() > 32, "the log is kept beside it");
    env.run(["rebuild", "--undo", kept]).status(0, "undone");
    table::assert_sound(&env.db(), "the backup alone");
    assert_eq!(named(&env), n_named);
}

#[test]
fn a_file_that_is_cut_short_gives_what_is_in_it() {
    let env = home();
    let whole = fs::read(env.db()).unwrap();
    // Where the rows lie depends on which rollout was read first, but never behind the first two thirds.
    for part in [7, 9] {
        fs::write(env.db(), &whole[..whole.len() / 10 * part]).unwrap();
        env.run(["verify"]).status(2, "SQLite refuses the file");
        let outcome = env.run(["rebuild", "--format", "json"]);
        outcome.status(1, "three files cannot be read");
        let document = outcome.json();
        assert_eq!(document["condition"], "damaged");
        assert!(document["problem"].as_str().unwrap().contains("cut short"), "{document}");
        table::assert_sound(&env.db(), "the new one");
        assert_eq!(env.rows().len(), golden::THREADS);
        let rows = document["tables"].as_array().unwrap().iter().find(|one| one["table"] == "threads");
        assert_eq!(rows.unwrap()["rows"].as_u64().unwrap(), named(&env) as u64, "{part} of 10");
        assert!(named(&env) > 10, "{} of {part} of 10", named(&env));
        outcome.assert(outcome.stderr.contains("SQLite cannot tell whether a Codex"), "it is not locked");
    }
}

#[test]
fn where_nothing_can_be_read_it_says_so_and_names_the_backup() {
    let env = home();
    env.run(["backup"]).status(0, "copied");
    fs::write(env.db(), [0xa5; 20_000]).unwrap();
    let outcome = env.run(["restore", "--format", "table"]);
    outcome.assert(outcome.stderr.contains("restore"), "the backup");
    let outcome = env.run(["rebuild"]);
    outcome.status(1, "three files cannot be read");
    outcome.assert(outcome.stderr.contains("nothing of the old database could be read"), "the loss");
    let line = outcome.stderr.lines().find(|line| line.contains("--facts-from")).unwrap();
    let command = line.strip_prefix("hint: codex-state ").unwrap().split(" then ").next().unwrap();
    assert_eq!(named(&env), 0);
    env.run(command.split(' ')).status(1, "three files cannot be read");
    assert_eq!(named(&env), golden::THREADS);

    let env = home();
    fs::write(env.db(), [0xa5; 20_000]).unwrap();
    let outcome = env.run(["restore"]);
    outcome.assert(outcome.stderr.contains("codex-state rebuild"), "backfill would not help");
}
