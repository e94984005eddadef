//! Tests homes and databases in every kind of trouble: each test starts with a broken home and ends with nothing left
//! to do.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

use crate::env::{Env, set_mtime};
use crate::rollouts::{Rollout, plain};
use crate::shapes::Backfill;
use crate::specimen::{self, ARCHIVED, LEGACY, PAGINATED};
use crate::table;

/// Fails unless another backfill has nothing to do and verify finds nothing wrong.
#[track_caller]
pub(crate) fn settled(env: &Env) {
    settled_with(env, "auto");
}

/// Does the same with a backfill with `--times`.
fn settled_with(env: &Env, times: &str) {
    let before = env.tree();
    let outcome = env.run(["backfill", "--times", times, "--format", "json"]);
    outcome.status(0, "every file is fine");
    let report = Backfill::of(&outcome);
    outcome.assert_eq((report.inserted, report.updated), (0, 0), "nothing is left to do");
    outcome.assert_eq(before.difference(&env.tree()), String::new(), "and nothing is written");
    if env.run(["verify", "--help"]).code == Some(0) {
        env.run(["verify"]).status(0, "database and files agree");
    }
}

/// Overwrites the first page with rows of threads with noise. The schema stays readable.
pub(crate) fn tear(database: &Path) {
    tear_leaves(database, "threads", 1);
}

/// Overwrites some leaves of a table with noise.
pub(crate) fn tear_leaves(database: &Path, table: &str, n: usize) {
    let connection = Connection::open(database).unwrap();
    let sql = "SELECT pageno, pgsize FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' ORDER BY pageno";
    let mut statement = connection.prepare(sql).unwrap();
    let pages: Vec<(usize, usize)> = statement
        .query_map([table], |row| Ok((row.get::<_, i64>(0)? as usize, row.get::<_, i64>(1)? as usize)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    drop(statement);
    connection.close().unwrap();
    assert!(pages.len() >= n, "{} leaves", pages.len());
    let mut bytes = fs::read(database).unwrap();
    for i in 0..n {
        let (number, size) = pages[(2 * i + 1) * pages.len() / (2 * n)];
        bytes[(number - 1) * size..number * size].iter_mut().for_each(|byte| *byte = !*byte);
    }
    fs::write(database, bytes).unwrap();
}

/// Returns twelve threads. The one that began first was used last.
fn twelve() -> Vec<Rollout> {
    let start = |n: usize| format!("2026-03-{:02}T10:00:00", n + 1);
    (0..12)
        .map(|n| {
            // Lines are 1.5 s apart, so another line with a given time sets the last use.
            let last = format!("2026-04-01T{:02}:00:00.000Z", 20 - n);
            let line = format!(r#"{{"timestamp":"{last}","type":"response_item","payload":{{}}}}"#);
            plain(&start(n), "words").line(&line).mtime(1_775_000_000_000)
        })
        .collect()
}

fn last_use(n: usize) -> i64 {
    1_775_073_600_000 - i64::try_from(n).unwrap() * 3_600_000
}

/// Returns the threads in the order of the list: latest first.
fn order(env: &Env) -> Vec<String> {
    env.query("SELECT id FROM threads ORDER BY updated_at_ms DESC, id DESC")
        .into_iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn restored_without_modification_times_and_without_a_database() {
    let env = Env::new();
    let threads = twelve();
    for thread in &threads {
        set_mtime(&thread.write(&env), 1_788_000_000_000);
    }
    let database = env.database("empty-2026-08");
    let ids: Vec<String> = threads.iter().map(|thread| thread.thread().to_owned()).collect();
    env.run(["backfill"]).status(0, "all is fine");
    assert_eq!(order(&env), ids, "the order is back without any option");
    for (n, thread) in threads.iter().enumerate() {
        let row = env.row(thread.thread());
        assert_eq!(
            (&row["updated_at_ms"], &row["updated_at"]),
            (&last_use(n).into(), &(last_use(n) / 1000).into())
        );
    }
    settled_with(&env, "auto");
    settled_with(&env, "events");
    settled_with(&env, "keep");
    let quick = env.run(["backfill", "--quick", "--format", "json"]);
    quick.assert_eq(Backfill::of(&quick).counts(), [0, 0, 12, 0, 0], "cron does not spoil it");
    assert_eq!(order(&env), ids, "and it stays");

    // `--times mtime` writes the files' times, and `--times events` undoes that.
    let mtimes = env.tree().without(&["state_5.sqlite"]).without_folder("codex-state-backups");
    env.run(["backfill", "--times", "mtime"]).status(0, "all is fine");
    assert_eq!(env.query("SELECT DISTINCT updated_at_ms FROM threads").len(), 1, "the order is lost");
    settled_with(&env, "auto");
    let dry = env.run(["backfill", "--times", "events", "--dry-run", "--format", "json"]);
    dry.assert_eq(Backfill::of(&dry).counts(), [0, 12, 0, 0, 0], "a dry run says so");
    env.run(["backfill", "--times", "events"]).status(0, "the way back");
    assert_eq!(order(&env), ids, "the order is back");
    let after = env.tree().without(&["state_5.sqlite"]).without_folder("codex-state-backups");
    assert_eq!(mtimes.difference(&after), "", "no rollout is touched, its time neither");

    // A thread that continues is recognised by its file.
    let grown = threads[5]
        .clone()
        .line(r#"{"timestamp":"2026-08-29T10:00:00.000Z","type":"response_item","payload":{}}"#);
    let grown = grown.mtime(1_788_004_800_000);
    grown.write(&env);
    env.run(["backfill", grown.thread()]).status(0, "all is fine");
    assert_eq!(env.row(grown.thread())["updated_at_ms"], 1_788_004_800_000_i64);
    assert_eq!(order(&env)[0], grown.thread());
    // A new row gets its time from the contents at once.
    fs::remove_file(&database).unwrap();
    env.database("empty-2026-08");
    env.run(["backfill"]).status(0, "all is fine");
    assert_eq!(env.row(threads[0].thread())["recency_at_ms"], last_use(0));
    settled(&env);
}

#[test]
fn restored_without_modification_times_but_with_its_database() {
    let env = Env::new();
    let threads = twelve();
    for (n, thread) in threads.iter().enumerate() {
        set_mtime(&thread.write(&env), last_use(n) + 250);
    }
    env.database("empty-2026-08");
    env.run(["backfill"]).status(0, "all is fine");
    let rows = env.rows();
    for thread in &threads {
        set_mtime(env.path(&thread.relative()).as_ref(), 1_788_000_000_000);
    }
    env.run(["verify"]).status(0, "a row that says the time of the last line is right");
    env.run(["verify", "--quick"]).status(0, "at a glance too");
    let status = env.run(["status"]);
    status.assert(!status.stdout.contains("field_mismatch"), "and for status");
    settled(&env);
    let quick = env.run(["backfill", "--quick", "--format", "json"]);
    quick.assert_eq(Backfill::of(&quick).counts(), [0, 0, 12, 0, 0], "cron leaves them");
    assert_eq!(env.rows(), rows, "the order stays");
}

#[test]
fn a_time_alone_is_left_on_request() {
    let env = Env::new();
    for thread in twelve() {
        thread.write(&env);
    }
    env.database("empty-2026-08");
    env.run(["backfill", "--no-backup"]).status(0, "all is fine");
    env.sql("UPDATE threads SET updated_at = updated_at - 86400, updated_at_ms = updated_at_ms - 86400000");
    env.sql("UPDATE threads SET cwd = 'elsewhere' WHERE id LIKE '20260301%'");
    let before = env.rows();
    let kept = env.run(["backfill", "--times", "keep", "--format", "json", "--no-backup"]);
    kept.assert_eq(Backfill::of(&kept).counts(), [0, 1, 11, 0, 0], "a time alone is left");
    let changed: Vec<String> =
        table::difference(&before, &env.rows()).iter().map(|line| line[..8].to_owned()).collect();
    assert_eq!(changed, ["20260301"; 3], "beside another difference the times are set too: {changed:?}");

    let outcome = env.run(["backfill"]);
    outcome.assert(outcome.stderr.contains("codex-state restore"), "how the rows' times come back");
    settled(&env);
}

#[test]
fn a_home_that_was_moved_is_repaired_in_one_go() {
    for schema in ["empty-2026-08", "empty-2026-01"] {
        let env = specimen::filled(schema);
        let head = "20260314-9999-7000-8000-000000000000";
        let thread = plain("2026-03-14T10:00:00", "before");
        thread.write(&env);
        let reverted = plain("2026-03-14T11:00:00", "after").id(thread.thread()).rollout_id(head);
        reverted.write(&env);
        env.run(["backfill"]).status(0, "all is fine");
        // The user went back: the row names the earlier rollout, and nothing else records that choice.
        let chosen = env.path(&thread.relative());
        env.sql(&format!("UPDATE threads SET rollout_path = '{chosen}' WHERE id = '{}'", thread.thread()));
        env.run(["backfill"]).status(0, "the row's choice stays");
        let rows = env.rows();
        let (here, there) = (env.path("").trim_end_matches('/').to_owned(), "/Users/old/.codex");
        env.sql(&format!("UPDATE threads SET rollout_path = replace(rollout_path, '{here}', '{there}')"));

        let dry = env.run(["backfill", "--dry-run", "--format", "json"]);
        dry.assert_eq(Backfill::of(&dry).counts(), [0, 8, 0, 1, 0], "all rows move");
        let quick = env.run(["backfill", "--quick", "--format", "json"]);
        quick.assert_eq(Backfill::of(&quick).counts(), [0, 8, 0, 1, 0], "in one go, quick or not");
        assert_eq!(table::difference(&rows, &env.rows()), [""; 0], "{schema}: every row is as it was");
        settled(&env);
    }
}

#[test]
fn a_file_archived_by_hand_takes_its_rows_choice_along() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "before");
    let path = thread.write(&env);
    plain("2026-03-14T11:00:00", "after")
        .id(thread.thread())
        .rollout_id("20260314-9999-7000-8000-000000000000")
        .write(&env);
    env.run(["backfill"]).status(0, "all is fine");
    env.sql(&format!("UPDATE threads SET rollout_path = '{}'", path.to_str().unwrap()));
    env.run(["backfill"]).status(0, "the row's choice");
    let archived = thread.clone().archived();
    archived.write(&env);
    fs::remove_file(path).unwrap();
    env.run(["backfill"]).status(0, "the choice is the rollout, wherever it lies");
    let row = env.row(thread.thread());
    assert_eq!((&row["title"], &row["archived"]), (&"before".into(), &1.into()));
    assert_eq!(row["rollout_path"], env.path(&archived.relative()).as_str());
}

#[test]
fn half_indexed_by_a_codex_that_was_killed() {
    let env = Env::new();
    env.database("empty-2026-08");
    let threads = twelve();
    threads[..5].iter().for_each(|thread| drop(thread.write(&env)));
    env.run(["backfill"]).status(0, "five are indexed");
    threads[5..].iter().for_each(|thread| drop(thread.write(&env)));
    plain("2026-02-01T10:00:00", "below the watermark").write(&env);
    let watermark = threads[4].relative();
    env.sql(&format!(
        "UPDATE backfill_state SET status = 'running', last_watermark = '{watermark}', last_success_at = NULL"
    ));
    env.sql("UPDATE threads SET name = 'kept'");
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).counts(), [8, 0, 5, 0, 0], "the rest, also below the watermark");
    let state = env.query("SELECT status, last_watermark FROM backfill_state");
    assert_eq!(state[0]["status"], "complete", "so that Codex starts at once");
    assert_eq!(state[0]["last_watermark"], threads[11].relative().as_str());
    assert_eq!(env.query("SELECT count(*) AS n FROM threads WHERE name = 'kept'")[0]["n"], 5);
    settled(&env);
}

#[test]
fn a_state_that_is_no_word_is_completed_as_well() {
    for status in ["'paused'", "7", "x'ff'"] {
        let env = specimen::filled("empty-2026-08");
        env.sql(&format!("UPDATE backfill_state SET status = {status}"));
        env.run(["backfill"]).status(0, format_args!("{status} keeps Codex from starting"));
        assert_eq!(env.query("SELECT status FROM backfill_state")[0]["status"], "complete", "{status}");
    }
}

#[test]
fn folders_that_are_not_there_are_no_proof_that_all_was_visited() {
    let env = specimen::filled("empty-2026-08");
    env.sql("UPDATE backfill_state SET status = 'running'");
    let away = env.outside("away");
    fs::create_dir(&away).unwrap();
    for folder in ["sessions", "archived_sessions"] {
        fs::rename(env.home().join(folder), away.join(folder)).unwrap();
    }
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.assert(!Backfill::of(&outcome).complete, "a drive that is not mounted holds no rollouts");
    outcome.assert(outcome.stderr.contains("sessions"), "and it is said");
    outcome.status(1, "not everything could be looked at");
    assert_eq!(env.query("SELECT status FROM backfill_state")[0]["status"], "running");
    assert_eq!(env.rows().len(), 7, "no row is touched");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/nowhere/sessions", env.home().join("sessions")).unwrap();
        fs::rename(away.join("archived_sessions"), env.home().join("archived_sessions")).unwrap();
        let outcome = env.run(["backfill"]);
        outcome.status(1, "a folder could not be looked at");
        assert_eq!(
            env.query("SELECT status FROM backfill_state")[0]["status"],
            "running",
            "a link to nothing"
        );
        fs::remove_file(env.home().join("sessions")).unwrap();
    }
    #[cfg(not(unix))]
    fs::rename(away.join("archived_sessions"), env.home().join("archived_sessions")).unwrap();
    fs::rename(away.join("sessions"), env.home().join("sessions")).unwrap();
    env.run(["backfill"]).status(0, "mounted again");
    assert_eq!(env.query("SELECT status FROM backfill_state")[0]["status"], "complete");
    settled(&env);
}

#[test]
fn of_two_databases_the_one_in_use_is_repaired_and_the_stale_one_named() {
    let env = specimen::filled("empty-2026-08");
    let (stale, used) = (env.path("state_5.sqlite"), env.path("sqlite/state_5.sqlite"));
    fs::create_dir(env.home().join("sqlite")).unwrap();
    fs::copy(&stale, &used).unwrap();
    let bytes = fs::read(&stale).unwrap();
    let newer = plain("2026-03-20T10:00:00", "in the database in use alone");
    newer.write(&env);
    env.run(["--db", &used, "backfill"]).status(0, "the app's own");
    plain("2026-03-21T10:00:00", "in neither").write(&env);
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(0, "all is fine").assert_eq(
        Backfill::of(&outcome).database,
        used.clone(),
        "the one in use",
    );
    let warning = outcome.stderr.lines().find(|line| line.contains("two databases")).unwrap_or_default();
    outcome.assert(warning.contains(&stale) && warning.contains(&used), "a warning names both");
    assert_eq!(fs::read(&stale).unwrap(), bytes, "the other is left alone");
    assert_eq!(table::threads(used.as_ref()).len(), 9);
    let again = env.run(["backfill", "--format", "json"]);
    again.assert_eq(Backfill::of(&again).counts(), [0, 0, 9, 0, 0], "nothing is left to do");
    env.run(["backfill", "--db", &stale]).status(0, "told which").assert(true, "no guess");
    assert_eq!(table::threads(stale.as_ref()).len(), 9);
}

#[test]
fn a_damaged_one_replaced_with_what_can_be_read_of_it() {
    let env = specimen::filled("empty-2026-08");
    env.sql(
        "UPDATE threads SET name = 'N', is_pinned = 1, thread_section_id = 'S1', section_position = 4,
         git_branch = 'edited'",
    );
    let rows = env.rows();
    tear_leaves(&env.db(), "idx_threads_updated_at", 1);
    // SQLite reads a table despite a broken index, but not despite a broken table.
    let whole = fs::read(env.db()).unwrap();
    tear(&env.db());
    let outcome = env.run(["backfill"]);
    outcome.trouble(env.db().to_str().unwrap());
    outcome.assert(outcome.stderr.contains("codex-state rebuild"), "the command that repairs it");
    fs::write(env.db(), whole).unwrap();

    // This is the way by hand: move the database aside, start Codex once, then run backfill.
    let moved = env.outside("elsewhere/moved.sqlite");
    fs::rename(env.db(), &moved).unwrap();
    env.database("empty-2026-08");
    env.run(["backfill"]).status(0, "as Codex would");
    assert_eq!(env.row(LEGACY)["name"], Value::Null, "the names are lost");
    env.run(["backfill", "--facts-from", moved.to_str().unwrap()]).status(0, "and back");
    assert_eq!(table::difference(&rows, &env.rows()), [""; 0], "names, pins, sections, git edits");
    settled(&env);
}

/// Tests cells that make Codex's whole listing fail.
#[test]
fn bad_cells_are_repaired_where_the_file_knows_better() {
    let bad = [
        ("created_at", "'yesterday'"),
        ("created_at_ms", "'yesterday'"),
        ("updated_at", "x'00'"),
        ("updated_at_ms", "1.5"),
        ("recency_at", "'soon'"),
        ("recency_at_ms", "'soon'"),
        ("history_mode", "'sideways'"),
        ("tokens_used", "'many'"),
        ("archived", "'no'"),
        ("archived_at", "'then'"),
        ("has_user_event", "'yes'"),
        ("title", "x'ff'"),
        ("preview", "x'ff'"),
        ("git_sha", "x'00ff'"),
        ("model", "x'ff'"),
        ("memory_mode", "x'ff'"),
        ("rollout_path", "x'ff'"),
        ("cwd", "x'ff'"),
        ("source", "x'ff'"),
        ("title", "CAST(x'c328' AS TEXT)"),
    ];
    for schema in ["empty-2026-08", "empty-2026-01"] {
        let env = specimen::filled(schema);
        let (rows, filled) = (env.rows(), fs::read(env.db()).unwrap());
        for (column, cell) in bad {
            for id in [LEGACY, PAGINATED, ARCHIVED] {
                if !rows[id].contains_key(column) || (id != ARCHIVED && column == "archived_at") {
                    continue;
                }
                env.sql(&format!(
                    "UPDATE threads SET {column} = {cell} WHERE id = '{id}';
                     UPDATE threads SET {column} = {cell} WHERE id = '{id}'"
                ));
                let outcome = env.run(["backfill", "--no-backup", "--format", "json"]);
                outcome.assert_eq(Backfill::of(&outcome).updated, 1, format_args!("{schema}: {id}.{column}"));
                let mut expected = rows.clone();
                let found = env.rows();
                for (id, row) in &found {
                    // The seeded value is as good as the lost time.
                    if column.starts_with("recency") || column == "archived_at" {
                        expected.get_mut(id).unwrap().insert(column.to_owned(), row[column].clone());
                        assert!(row[column].is_i64() || row[column].is_null(), "{id}.{column}");
                    }
                }
                assert_eq!(table::difference(&expected, &found), [""; 0], "{schema}: {id}.{column} = {cell}");
            }
            fs::write(env.db(), &filled).unwrap();
        }
        settled(&env);
    }
}

#[test]
fn milliseconds_that_a_migration_made_up_are_no_drift() {
    let env = Env::new();
    let threads = twelve();
    threads.iter().for_each(|thread| drop(thread.write(&env)));
    env.database("empty-2026-08");
    env.run(["backfill"]).status(0, "all is fine");
    // Once there were thousands of rows, and the rowid was as high.
    env.sql(
        "UPDATE threads SET rowid = rowid + 4000;
         UPDATE threads SET updated_at_ms = updated_at * 1000 + rowid, created_at_ms = created_at * 1000 + rowid",
    );
    let rows = env.rows();
    settled(&env);
    assert_eq!(env.rows(), rows, "left as they are");
    env.sql("UPDATE threads SET updated_at_ms = updated_at * 1000 + 9000 WHERE id LIKE '20260301%'");
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).updated, 1, "more than any running number is drift");
}

#[test]
fn the_trigger_that_takes_milliseconds_away_does_not_bite() {
    for schema in ["empty-2026-08", "empty-2026-07", "empty-2026-03"] {
        let env = specimen::filled(schema);
        let rows = env.rows();
        if !rows[LEGACY].contains_key("updated_at_ms") {
            continue;
        }
        // Only the seconds are wrong. If seconds and milliseconds are written together, the trigger takes them for
        // untouched.
        for column in ["updated_at", "created_at"] {
            env.sql(&format!("UPDATE threads SET {column} = {column} - 5000"));
            env.sql(&format!("UPDATE threads SET {column}_ms = {column}_ms + 5000000"));
            for (id, row) in &rows {
                let time = &row[&format!("{column}_ms")];
                env.sql(&format!("UPDATE threads SET {column}_ms = {time} WHERE id = '{id}'"));
            }
        }
        let outcome = env.run(["backfill", "--format", "json"]);
        outcome.status(0, "all is fine");
        let mut found = env.rows();
        let mut expected = rows.clone();
        for paginated in [PAGINATED, specimen::SILENT_PAGINATED] {
            // A paginated thread keeps its created_at, in seconds and in milliseconds.
            for rows in [&mut found, &mut expected] {
                rows.get_mut(paginated).unwrap().retain(|column, _| !column.starts_with("created_at"));
            }
        }
        outcome.assert_eq(table::difference(&expected, &found), Vec::<String>::new(), schema);
        settled(&env);
    }
}

#[test]
fn a_paginated_thread_keeps_its_beginning_when_a_column_of_it_is_missing() {
    let env = specimen::filled("empty-2026-08");
    env.sql(&format!(
        "UPDATE threads SET created_at = 1700000000, created_at_ms = NULL WHERE id = '{PAGINATED}'"
    ));
    env.run(["backfill"]).status(0, "all is fine");
    let row = env.row(PAGINATED);
    assert_eq!(row["created_at"], 1_700_000_000, "the row's beginning stays");
    assert_eq!(row["created_at_ms"], 1_700_000_000_000_i64, "and its twin follows it, not the file");
    env.sql(&format!("UPDATE threads SET created_at = 'then' WHERE id = '{PAGINATED}'"));
    env.sql(&format!("UPDATE threads SET created_at_ms = 1700000000123 WHERE id = '{PAGINATED}'"));
    env.run(["backfill"]).status(0, "all is fine");
    assert_eq!(env.row(PAGINATED)["created_at"], 1_700_000_000);
    settled(&env);
}

#[test]
fn a_database_that_a_newer_codex_will_not_read_is_said_every_time() {
    let env = Env::new();
    plain("2026-03-14T10:00:00", "hello").meta(|meta| meta.cli_version("0.147.0")).write(&env);
    for run in ["first", "second"] {
        let outcome = env.run(["backfill", "--schema", "phase-1"]);
        outcome.status(0, "the work is done all the same");
        outcome.assert(
            outcome.stderr.contains("the Codex here reads state_5.sqlite"),
            format_args!("the {run} time"),
        );
    }
    // Codex is started once. Then its new database is filled, and the other one is ignored.
    env.database("empty-2026-08");
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).inserted, 1, "into the one that Codex reads");
    outcome.assert(!outcome.stderr.contains("warning"), "nothing to warn of");
}

#[test]
fn a_row_that_names_the_compressed_form_follows_the_plain_one_that_is_back() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "words");
    let compressed = thread.clone().compressed();
    compressed.write(&env);
    env.run(["backfill"]).status(0, "compressed alone");
    thread.write(&env);
    let outcome = env.run(["backfill", "--quick", "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).counts(), [0, 1, 0, 1, 0], "quick compares paths exactly");
    assert_eq!(env.row(thread.thread())["rollout_path"], env.path(&thread.relative()).as_str());
    settled(&env);
}

#[test]
fn a_thread_whose_file_has_a_malformed_name_is_found_by_its_id() {
    let env = Env::new();
    env.database("empty-2026-08");
    let odd = plain("2026-03-14T10:00:00", "words").file_name("rollout-odd.jsonl");
    odd.write(&env);
    env.run(["backfill"]).status(0, "indexed by its session meta");
    odd.clone().tokens(5).write(&env);
    let outcome = env.run(["backfill", odd.thread(), "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).counts(), [0, 1, 0, 0, 0], "the row knows the file");
    assert_eq!(env.row(odd.thread())["tokens_used"], 5);
}

#[test]
fn a_lock_at_any_statement_is_trouble_with_a_clear_line_and_nothing_half_done() {
    for (journal, lock) in [
        ("wal", "BEGIN IMMEDIATE"),
        ("delete", "BEGIN IMMEDIATE"),
        // No other process may even read.
        ("delete", "BEGIN EXCLUSIVE"),
        // Other processes may begin to write, and fail at the commit.
        ("delete", "BEGIN; SELECT count(*) FROM threads"),
    ] {
        let env = specimen::filled("empty-2026-08");
        env.sql(&format!("PRAGMA journal_mode = {journal}; UPDATE threads SET cwd = 'elsewhere'"));
        env.sql("UPDATE backfill_state SET status = 'running'");
        let (rows, state) = (env.rows(), env.query("SELECT * FROM backfill_state"));
        let holder = crate::holder::Holder::new(&env.db(), lock);
        let outcome = env.run(["backfill", "--busy-timeout", "0.2", "--no-backup"]);
        holder.release();
        outcome.trouble(env.db().to_str().unwrap());
        outcome
            .assert(outcome.stderr.contains("locked by another process"), format_args!("{journal}: {lock}"));
        outcome.assert(outcome.stderr.contains("--busy-timeout"), "the hint");
        outcome.assert_eq(env.rows(), rows, format_args!("{journal}: {lock}: no row is written"));
        outcome.assert_eq(env.query("SELECT * FROM backfill_state"), state, "nor the state");
        env.run(["backfill"]).status(0, "the lock is gone");
        settled(&env);
    }
}
