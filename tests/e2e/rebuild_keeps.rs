//! Tests what a rebuild keeps: every cell that only the old database knows, the rows of rollouts that cannot be read,
//! and the whole old database if a row would be lost.

use std::fs;

use serde_json::Value;

use crate::env::Env;
use crate::rollouts::plain;
use crate::specimen::{self, DATABASE_OWNED, EQUIVALENT};
use crate::table;
use crate::wrecks;

/// Returns a home with two active threads and an archived one, all named by a user.
fn home() -> Env {
    let env = Env::new();
    env.database("empty-2026-08");
    plain("2026-07-01T10:00:00", "one").write(&env);
    plain("2026-07-02T10:00:00", "two").write(&env);
    plain("2026-07-05T10:00:00", "archived").archived().write(&env);
    env.run(["backfill", "--no-backup"]).status(0, "a sound home");
    env.sql("UPDATE threads SET name = 'N' || rowid");
    env
}

#[test]
fn a_row_is_what_a_backfill_of_the_old_database_would_leave() {
    let mut failures = Vec::new();
    for schema in ["empty-2026-08", "reconstructed-2026-10"] {
        let env = specimen::filled(schema);
        let filled = fs::read(env.db()).unwrap();
        for change in DATABASE_OWNED.iter().chain(EQUIVALENT) {
            if !change.apply(&env) {
                continue;
            }
            let expected = env.rows();
            env.run(["rebuild", "--force"]).status(0, format_args!("{change:?}"));
            for difference in table::difference(&expected, &env.rows()) {
                failures.push(format!("{schema}: {change:?}: {difference}"));
            }
            fs::remove_dir_all(env.home().join("codex-state-backups")).unwrap();
            fs::write(env.db(), &filled).unwrap();
        }
    }
    assert!(failures.is_empty(), "no rebuild makes a row worse:\n{}", failures.join("\n"));
}

#[test]
fn rows_of_an_older_schema_get_the_new_columns_from_the_files() {
    for schema in ["empty-2026-03", "empty-2026-07"] {
        let env = specimen::filled(schema);
        for change in DATABASE_OWNED {
            change.apply(&env);
        }
        env.run(["backfill"]).status(0, "what the changes together leave");
        let (old, fresh) = (env.rows(), specimen::filled("empty-2026-08"));
        env.run(["rebuild", "--force"]).status(0, schema);
        env.run(["verify"]).status(0, "no drift");
        let again = env.run(["backfill", "--format", "json"]).json();
        assert_eq!((&again["inserted"], &again["updated"]), (&0.into(), &0.into()), "{schema}");
        let new = env.rows();
        let fresh = fresh.rows();
        for (id, row) in &new {
            for (column, value) in row {
                let expected = old[id].get(column).unwrap_or(&fresh[id][column]);
                // Codex's triggers make the milliseconds of an older row.
                let is_time = column.ends_with("_ms") || column.starts_with("recency");
                assert!(is_time || value == expected, "{schema}: {id}.{column}: {value}, not {expected}");
            }
        }
    }
}

#[test]
fn the_row_of_a_rollout_that_says_nothing_any_more_is_kept() {
    let env = home();
    let broken = env.rows().into_values().find(|row| row["archived"] == 0).unwrap();
    fs::write(broken["rollout_path"].as_str().unwrap(), "no rollout at all\n").unwrap();
    wrecks::tear_leaves(&env.db(), "idx_threads_source", 1);
    let before = env.query("SELECT * FROM threads NOT INDEXED ORDER BY id");
    let outcome = env.run(["rebuild", "--format", "json"]);
    outcome.status(1, "one rollout cannot be read");
    let document = outcome.json();
    assert_eq!((&document["kept_threads"], &document["complete"]), (&1.into(), &Value::Bool(true)));
    assert_eq!(env.query("SELECT * FROM threads ORDER BY id"), before);
}

/// A damaged page of the schema hides tables, and of those that are hidden nothing is known. What the rest says of the
/// threads stays, and it is said that something is missing.
#[test]
fn whatever_page_of_the_schema_is_destroyed_the_threads_keep_what_can_still_be_found() {
    let env = specimen::filled("reconstructed-2026-10");
    env.sql(
        "UPDATE threads SET name = 'N' || rowid, daybreak_enabled = 1;
         INSERT INTO thread_attachments SELECT 'a' || rowid, id, 'kind', 'key', '{}', 1 FROM threads",
    );
    env.sql("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
    let whole = fs::read(env.db()).unwrap();
    let kept = "SELECT id, name, daybreak_enabled FROM threads ORDER BY id";
    let before = env.query(kept);
    let pages =
        env.query("SELECT pageno, pgsize, pagetype FROM dbstat WHERE name = 'sqlite_schema' ORDER BY path");
    assert!(pages.len() > 3, "a root and leaves: {pages:?}");
    for (place, page) in pages.iter().enumerate() {
        let [number, size] = ["pageno", "pgsize"].map(|name| page[name].as_u64().unwrap() as usize);
        let mut bytes = whole.clone();
        // The first page begins with the header of the file.
        let begin = (number - 1) * size + if number == 1 { 100 } else { 0 };
        bytes[begin..number * size].iter_mut().for_each(|byte| *byte = !*byte);
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(env.home().join(format!("state_5.sqlite{suffix}")));
        }
        fs::write(env.db(), bytes).unwrap();
        let outcome = env.run(["rebuild", "--format", "json"]);
        outcome.status(0, format_args!("page {page:?}"));
        let document = outcome.json();
        let tables = document["tables"].as_array().unwrap();
        let schema = tables.iter().find(|table| table["table"] == "sqlite_schema");
        assert!(schema.is_some_and(|schema| schema["unreadable"].is_null()), "it is said: {tables:?}");
        table::assert_sound(&env.db(), "rebuilt");
        // The first leaf names the table of threads.
        if place > 1 {
            assert_eq!(env.query(kept), before, "page {page:?}");
        }
        fs::remove_dir_all(env.home().join("codex-state-backups")).unwrap();
    }
}

#[test]
fn without_its_rollouts_a_database_is_rebuilt_from_its_rows_and_codex_is_told_to_look_again() {
    let env = home();
    wrecks::tear_leaves(&env.db(), "idx_threads_source", 1);
    let before = env.query("SELECT * FROM threads NOT INDEXED ORDER BY id");
    let away = env.outside("away");
    fs::rename(env.home().join("sessions"), &away).unwrap();
    let outcome = env.run(["rebuild", "--format", "json"]);
    outcome.status(1, "a folder is missing");
    outcome.assert(outcome.stderr.contains("2 rows name their rollouts in it"), "it is said");
    let document = outcome.json();
    assert_eq!((&document["kept_threads"], &document["complete"]), (&2.into(), &Value::Bool(false)));
    assert_eq!(env.query("SELECT * FROM threads ORDER BY id"), before);
    assert_eq!(env.query("SELECT status FROM backfill_state")[0]["status"], "pending");
    fs::rename(away, env.home().join("sessions")).unwrap();
    env.run(["backfill"]).status(0, "the drive is mounted again");
    assert_eq!(env.query("SELECT status FROM backfill_state")[0]["status"], "complete");
}

#[test]
fn where_threads_would_be_lost_it_refuses_unless_forced() {
    for garbage in [true, false] {
        let env = home();
        if garbage {
            fs::write(env.db(), "garbage").unwrap();
        } else {
            wrecks::tear(&env.db());
        }
        fs::rename(env.home().join("sessions"), env.outside("away")).unwrap();
        let before = env.tree();
        for arguments in [&["rebuild"][..], &["rebuild", "--dry-run"]] {
            let outcome = env.run(arguments);
            outcome.trouble("sessions: cannot be read now");
            outcome.assert(outcome.stderr.contains("codex-state rebuild --force"), "the way on");
            outcome.assert(before.difference(&env.tree()).is_empty(), before.difference(&env.tree()));
        }
        env.run(["rebuild", "--force"]).finished();
        table::assert_sound(&env.db(), "by force");
    }
}

/// `rebuild` tests the other refusals.
#[cfg(unix)]
#[test]
fn a_rollout_without_permission_keeps_its_row_or_stops_the_rebuild() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = home();
    let locked = plain("2026-07-09T10:00:00", "locked").write(&env);
    env.run(["backfill"]).status(0, "still open");
    let whole = fs::read(env.db()).unwrap();
    env.obey_permissions();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();

    wrecks::tear_leaves(&env.db(), "idx_threads_source", 1);
    let before = env.query("SELECT * FROM threads NOT INDEXED ORDER BY id");
    let outcome = env.run(["rebuild", "--format", "json"]);
    outcome.status(1, "the row says what the file cannot say now");
    assert_eq!(outcome.json()["complete"], false);
    assert_eq!(env.query("SELECT * FROM threads ORDER BY id"), before);

    fs::write(env.db(), whole).unwrap();
    wrecks::tear(&env.db());
    let outcome = env.run(["rebuild"]);
    outcome.trouble("cannot be read now");
    outcome.assert(outcome.stderr.contains(locked.to_str().unwrap()), "which one");
    let outcome = env.run(["rebuild", "--force"]);
    outcome.status(1, "one rollout has no row");
    assert_eq!(env.rows().len(), before.len() - 1);

    fs::remove_file(env.db()).unwrap();
    let outcome = env.run(["rebuild", "--format", "json"]);
    outcome.status(1, "without an old database there is nothing to lose");
    assert_eq!(outcome.json()["complete"], false);
}

#[test]
fn cells_that_codex_cannot_read_are_left_behind_and_the_thread_stays() {
    let env = home();
    let id = "eeeeeeee-1000-7000-8000-000000000001";
    env.sql(&format!(
        "CREATE TEMP TABLE one AS SELECT * FROM threads LIMIT 1;
         UPDATE one SET id = '{id}', rollout_path = '/elsewhere/rollout.jsonl', tokens_used = 'many',
             history_mode = 'odd', archived_at = 'then';
         INSERT INTO threads SELECT * FROM one;
         UPDATE one SET id = 'no uuid', rollout_path = '/elsewhere/other.jsonl';
         INSERT INTO threads SELECT * FROM one;"
    ));
    let outcome = env.run(["rebuild", "--force", "--format", "json"]);
    outcome.status(0, "all rollouts are fine");
    let document = outcome.json();
    let threads =
        document["tables"].as_array().unwrap().iter().find(|one| one["table"] == "threads").unwrap();
    assert_eq!(
        (&threads["rows"], &threads["unfit"], &threads["unreadable"]),
        (&4.into(), &1.into(), &0.into())
    );
    let row = env.row(id);
    assert_eq!((&row["tokens_used"], &row["history_mode"]), (&0.into(), &"legacy".into()));
    assert_eq!(row["archived_at"], Value::Null);
    assert!(row["name"].is_string());
    assert_eq!(env.rows().len(), 4);
}

#[test]
fn what_codex_shows_is_said_before_and_after() {
    let env = home();
    env.sql("DELETE FROM threads WHERE archived = 0 AND rowid = (SELECT min(rowid) FROM threads WHERE archived = 0)");
    wrecks::tear_leaves(&env.db(), "idx_threads_source", 1);
    let outcome = env.run(["rebuild", "--format", "json"]);
    outcome.status(0, "all are back");
    let document = outcome.json();
    assert_eq!((&document["shown_before"], &document["shown_after"]), (&1.into(), &2.into()));
    let said = "Codex now shows 2 of your 3 threads (was 1); hidden: 1 archived";
    outcome.assert(outcome.stderr.contains(said), "in a sentence");
    fs::write(env.db(), "garbage").unwrap();
    let outcome = env.run(["rebuild", "--format", "json"]);
    outcome
        .assert(outcome.stderr.contains("Codex now shows 2 of your 3 threads; hidden"), "nothing of before");
    assert_eq!(outcome.json()["shown_before"], Value::Null);
}

#[test]
fn metrics_count_what_was_made() {
    let env = home();
    fs::write(env.db(), "garbage").unwrap();
    let file = env.outside("rebuild.prom");
    env.run(["rebuild", "--metrics", file.to_str().unwrap()]).status(0, "rebuilt");
    let text = fs::read_to_string(file).unwrap();
    for line in [
        "codex_db_init_total{status=\"created\"} 1",
        "codex_db_backfill_total{status=\"upserted\"} 3",
        "codex_db_threads{archived=\"false\"} 2",
        "codex_db_threads{archived=\"true\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
    }
}
