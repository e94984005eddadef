//! Tests that rebuild turns every kind of broken database into one that Codex opens at once, with all data that could
//! still be read. Also tests its refusals and its undo.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::env::Env;
use crate::golden;
use crate::holder::Holder;
use crate::outcome::Outcome;
use crate::table::{self, Rows};
use crate::wrecks;

/// Facts that exist only in the database, for every second thread of the golden home.
const FACTS: &str = "
    INSERT INTO thread_sections (id, name) VALUES ('s1', 'Work'), ('s2', 'Empty');
    INSERT INTO projects (id, name, position, created_at_ms, updated_at_ms) VALUES ('p1', 'Project', 0, 1, 2);
    INSERT INTO project_roots VALUES ('p1', 0, '/x');
    UPDATE threads SET name = 'N' || rowid, is_pinned = 1, thread_section_id = 's1', section_position = rowid,
        section_entered_at_ms = 5, project_id = 'p1' WHERE rowid % 2 = 0;
    INSERT INTO thread_dynamic_tools SELECT id, 0, 'tool', 'd', '{}', 0, NULL FROM threads;
    INSERT INTO remote_control_enrollments VALUES ('w', 'a', 'c', 's', 'e', 'n', 7, 1);";

/// Columns that only the database knows.
const KNOWN_HERE: &str = "SELECT id, name, is_pinned, thread_section_id, section_position, section_entered_at_ms, \
                          project_id FROM threads ORDER BY id";

/// Returns a golden home whose database has this schema, was filled once, and has its own facts.
fn home(database: &str) -> Env {
    let env = Env::golden(database);
    env.run(["backfill"]).status(1, "three files cannot be read");
    env.sql(FACTS);
    env
}

/// Returns the databases that were replaced.
fn replaced(env: &Env) -> Vec<PathBuf> {
    let folder = fs::read_dir(env.home().join("codex-state-backups"));
    let paths = folder.into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("replaced-")).collect();
    paths.sort();
    paths
}

/// Does a dry run, then rebuilds. Asserts that the dry run changes nothing and predicts the result, and that the result
/// is sound.
#[track_caller]
fn rebuild(env: &Env, code: i32, arguments: &[&str]) -> Value {
    let arguments = [&["rebuild", "--format", "json"], arguments].concat();
    let before = env.tree();
    let dry = env.run([&arguments[..], &["--dry-run"]].concat());
    dry.status(code, "a dry run");
    dry.assert(before.difference(&env.tree()).is_empty(), before.difference(&env.tree()));
    let outcome = env.run(arguments);
    outcome.status(code, "rebuilt");
    let (mut planned, document) = (dry.json(), outcome.json());
    planned["old"] = document["old"].clone();
    planned["dry_run"] = false.into();
    outcome.assert_eq(&planned, &document, "a dry run says the same");
    table::assert_sound(&env.db(), "after the rebuild");
    let left: Vec<String> = env.tree().names().into_iter().map(str::to_owned).collect();
    let is_left =
        |name: &&String| name.contains("partial") || name.ends_with("-wal") || name.ends_with("-shm");
    outcome.assert(!left.iter().any(|name| is_left(&name)), "nothing lies beside it");
    document
}

fn ledger(env: &Env) -> Vec<table::Row> {
    env.query("SELECT version, description, success, checksum FROM _sqlx_migrations ORDER BY version")
}

/// Returns the ledger that Codex wrote into a golden database.
fn ledger_of(database: &str) -> Vec<table::Row> {
    let env = Env::new();
    env.database(database);
    ledger(&env)
}

/// Returns the rows that a backfill writes into Codex's own empty database in this home.
fn fresh_rows(env: &Env) -> Rows {
    let other = Env::golden("empty-2026-08");
    other.run(["backfill"]).status(1, "three files cannot be read");
    let mut rows = other.rows();
    for row in rows.values_mut() {
        let path = row["rollout_path"].as_str().unwrap();
        let path = path.replace(other.home().to_str().unwrap(), env.home().to_str().unwrap());
        row.insert("rollout_path".to_owned(), path.into());
    }
    rows
}

#[test]
fn without_a_database_or_with_garbage_the_rows_are_those_of_a_backfill() {
    for garbage in [None, Some(&b"no database at all"[..]), Some(&[0; 9000]), Some(b"")] {
        let env = Env::new();
        env.golden_home();
        if let Some(garbage) = garbage {
            env.write("state_5.sqlite", garbage);
        }
        let document = rebuild(&env, 1, &[]);
        let condition = if garbage.is_none() { "missing" } else { "unusable" };
        assert_eq!(document["condition"], condition);
        let differences = table::difference(&fresh_rows(&env), &env.rows());
        assert!(differences.is_empty(), "every cell: {differences:?}");
        assert_eq!(env.query("SELECT status FROM backfill_state")[0]["status"], "complete");
        assert_eq!(ledger(&env), ledger_of("empty-2026-08"));
        assert_eq!(env.query("PRAGMA journal_mode")[0]["journal_mode"], "wal");
        let kept: Vec<Vec<u8>> = replaced(&env).iter().map(|path| fs::read(path).unwrap()).collect();
        assert_eq!(kept, garbage.map(<[u8]>::to_vec).into_iter().collect::<Vec<_>>(), "the old one is kept");
    }
}

#[test]
fn a_ledger_that_codex_refuses_is_repaired_and_nothing_else_is_touched() {
    for (database, change) in [
        ("empty-2026-08", "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version IN (3, 50)"),
        ("empty-2026-08", "UPDATE _sqlx_migrations SET success = 0 WHERE version = 50"),
        ("empty-2026-08", "DELETE FROM _sqlx_migrations WHERE version = 7"),
        ("empty-2026-08", "DROP TABLE _sqlx_migrations"),
        ("reconstructed-2026-10", "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 59"),
    ] {
        let env = home(database);
        env.sql("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')");
        let right = ledger_of(database);
        env.sql(change);
        let (rows, notes) = (env.rows(), env.query("SELECT * FROM notes"));
        let document = rebuild(&env, 0, &[]);
        assert_eq!(
            (&document["condition"], &document["how"]),
            (&"refused".into(), &"mended".into()),
            "{change}"
        );
        assert_eq!(ledger(&env), right, "{change}");
        assert_eq!(env.rows(), rows, "{change}");
        assert_eq!(env.query("SELECT * FROM notes"), notes, "unknown tables are copied, too");
        let verify = env.run(["verify", "--quick"]);
        verify.assert(!verify.stdout.contains("ledger_mismatch"), "Codex starts with it");
    }
}

#[test]
fn a_database_with_a_destroyed_page_gives_what_can_be_read() {
    let env = home("empty-2026-08");
    let (before, known) = (env.rows(), env.query(KNOWN_HERE));
    let tools = env.query("SELECT * FROM thread_dynamic_tools ORDER BY 1");
    wrecks::tear_leaves(&env.db(), "threads", 1);
    let document = rebuild(&env, 1, &[]);
    assert_eq!((&document["condition"], &document["how"]), (&"damaged".into(), &"built".into()));
    let threads =
        document["tables"].as_array().unwrap().iter().find(|one| one["table"] == "threads").unwrap();
    let lost = threads["unreadable"].as_u64().unwrap();
    assert!(lost > 0 && threads["rows"].as_u64().unwrap() + lost == golden::THREADS as u64, "{threads}");
    assert_eq!(env.rows().len(), before.len());
    let same = env.query(KNOWN_HERE).iter().zip(&known).filter(|(now, then)| now == then).count() as u64;
    assert!(same + lost >= golden::THREADS as u64, "{same} of {}", golden::THREADS);
    for table in ["thread_sections", "projects", "project_roots", "remote_control_enrollments"] {
        let n_rows = env.query(&format!("SELECT * FROM {table}")).len();
        assert_eq!(n_rows, if table == "thread_sections" { 3 } else { 1 }, "{table}");
    }
    assert_eq!(env.query("SELECT * FROM thread_dynamic_tools ORDER BY 1"), tools);
}

#[test]
fn whatever_page_is_destroyed_there_is_a_whole_database_afterwards() {
    let env = home("empty-2026-08");
    // A page that no table uses may be destroyed without damage.
    env.sql("VACUUM");
    let whole = fs::read(env.db()).unwrap();
    let n_pages = whole.len() / 4096;
    for page in (0..n_pages).step_by(3) {
        let mut torn = whole.clone();
        torn[page * 4096..(page + 1) * 4096].fill(if page % 2 == 0 { 0 } else { 0xa5 });
        fs::write(env.db(), torn).unwrap();
        let outcome = env.run(["rebuild"]);
        outcome.status(1, format_args!("page {page}"));
        table::assert_sound(&env.db(), &format!("page {page}"));
        assert_eq!(env.rows().len(), golden::THREADS, "page {page}");
        fs::remove_dir_all(env.home().join("codex-state-backups")).unwrap();
    }
}

#[test]
fn nothing_of_a_newer_level_is_lost() {
    let env = home("reconstructed-2026-10");
    env.sql(
        "UPDATE threads SET daybreak_enabled = rowid % 2;
         INSERT INTO thread_attachments SELECT 'a' || rowid, id, 'file', 'k', '{}', 9 FROM threads;
         UPDATE thread_spawn_edges SET status = 'closed';",
    );
    let tables =
        ["thread_attachments", "thread_spawn_edges", "thread_dynamic_tools", "projects", "thread_sections"];
    let all = |env: &Env| {
        let mut all =
            vec![env.query("SELECT id, daybreak_enabled FROM threads ORDER BY id"), env.query(KNOWN_HERE)];
        all.extend(tables.iter().map(|table| env.query(&format!("SELECT * FROM {table} ORDER BY 1, 2"))));
        all
    };
    let before = all(&env);
    wrecks::tear_leaves(&env.db(), "idx_threads_source", 1);
    let document = rebuild(&env, 1, &[]);
    assert_eq!((&document["condition"], &document["level"]), (&"damaged".into(), &59.into()));
    assert_eq!(all(&env), before);
    assert_eq!(ledger(&env), ledger_of("reconstructed-2026-10"), "the level is kept");
}

#[test]
fn a_thread_without_a_rollout_here_keeps_its_row() {
    let env = home("empty-2026-08");
    let id = "eeeeeeee-1000-7000-8000-000000000001";
    env.sql(&format!(
        "CREATE TEMP TABLE one AS SELECT * FROM threads LIMIT 1;
         UPDATE one SET id = '{id}', rollout_path = '/elsewhere/rollout.jsonl', name = 'far';
         INSERT INTO threads SELECT * FROM one;"
    ));
    let row = env.row(id);
    wrecks::tear_leaves(&env.db(), "idx_threads_source", 1);
    let document = rebuild(&env, 1, &[]);
    assert_eq!(document["kept_threads"], 1);
    assert_eq!(env.row(id), row);
}

#[test]
fn it_refuses_a_sound_database_and_force_overrules_that() {
    let env = home("empty-2026-08");
    let before = env.tree();
    let outcome = env.run(["rebuild"]);
    outcome.trouble("is sound");
    outcome.assert(before.difference(&env.tree()).is_empty(), "nothing changed");
    let (rows, known) = (env.rows(), env.query(KNOWN_HERE));
    assert_eq!(rebuild(&env, 1, &["--force"])["how"], "built");
    assert_eq!(env.query(KNOWN_HERE), known);
    assert!(table::difference(&rows, &env.rows()).is_empty());
}

#[test]
fn it_refuses_beside_an_open_codex_even_if_forced() {
    let env = home("empty-2026-08");
    env.sql("PRAGMA journal_mode = wal; UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 3");
    let codex = Holder::new(&env.db(), "SELECT count(*) FROM threads");
    let before = env.tree().without(&["-shm"]);
    for arguments in [&["rebuild"][..], &["rebuild", "--force"], &["rebuild", "--dry-run"]] {
        let outcome = env.run([arguments, &["--busy-timeout", "0"]].concat());
        outcome.trouble("another process has it open");
        outcome.assert(outcome.stderr.contains("close Codex"), "what to do");
    }
    let after = env.tree().without(&["-shm"]);
    assert!(before.difference(&after).is_empty(), "{}", before.difference(&after));
    codex.release();
    rebuild(&env, 0, &[]);
}

#[test]
fn where_sqlite_cannot_tell_a_held_writer_lock_is_a_refusal() {
    let env = Env::new();
    env.golden_home();
    env.write("state_5.sqlite", "garbage");
    let lock = env.write("thread-writer-locks/eeeeeeee-1000-7000-8000-000000000001.lock", "");
    let held = fs::File::open(&lock).unwrap();
    held.lock().unwrap();
    env.run(["rebuild", "--force"])
        .trouble("a Codex is writing to thread eeeeeeee-1000-7000-8000-000000000001");
    assert_eq!(fs::read(env.db()).unwrap(), b"garbage");
    drop(held);
    let outcome = env.run(["rebuild"]);
    outcome.status(1, "three files cannot be read");
    outcome.assert(outcome.stderr.contains("Codex must be closed"), "it says so");
}

#[test]
fn what_a_new_database_could_not_hold_is_named_and_refused() {
    let env = home("empty-2026-08");
    env.sql("CREATE TABLE notes (text); ALTER TABLE threads ADD COLUMN mood TEXT");
    wrecks::tear_leaves(&env.db(), "idx_threads_source", 1);
    let outcome = env.run(["rebuild"]);
    outcome.trouble("notes, threads.mood");
    assert!(replaced(&env).is_empty());
    let document = rebuild(&env, 1, &["--force"]);
    assert_eq!(document["left_behind"].as_array().unwrap().len(), 2);
}

/// Runs the command in the last line of the output.
fn follow(env: &Env, outcome: &Outcome) -> Outcome {
    let last = outcome.stderr.lines().last().unwrap();
    let command = last.split("codex-state ").nth(1).unwrap().strip_suffix(" undoes it").unwrap();
    env.run(command.split(' '))
}

#[test]
fn the_last_line_undoes_it() {
    let env = home("empty-2026-08");
    let damaged = {
        wrecks::tear_leaves(&env.db(), "threads", 1);
        fs::read(env.db()).unwrap()
    };
    let outcome = env.run(["rebuild"]);
    outcome.status(1, "three files cannot be read");
    follow(&env, &outcome).status(0, "undone");
    assert_eq!(fs::read(env.db()).unwrap(), damaged, "to the byte");

    let env = home("empty-2026-08");
    env.sql("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 3");
    let wrong = ledger(&env);
    let outcome = env.run(["rebuild"]);
    outcome.status(0, "repaired");
    follow(&env, &outcome).status(0, "undone");
    assert_eq!(ledger(&env), wrong);
}

#[test]
fn a_log_that_a_crash_left_is_read_and_never_meets_the_new_database() {
    let env = home("empty-2026-08");
    env.sql("PRAGMA journal_mode = wal");
    let codex = Holder::new(
        &env.db(),
        "PRAGMA wal_autocheckpoint = 0; UPDATE threads SET name = 'in the log';
         UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 3;",
    );
    // Killed: the log stays.
    drop(codex);
    assert!(env.home().join("state_5.sqlite-wal").exists());
    rebuild(&env, 0, &[]);
    assert!(env.rows().values().all(|row| row["name"] == "in the log"));
    assert_eq!(ledger(&env), ledger_of("empty-2026-08"));
}

#[test]
fn the_database_of_phase_1_becomes_one_that_todays_codex_reads() {
    let env = Env::golden("empty-2026-01");
    env.run(["backfill"]).status(1, "three files cannot be read");
    let outcome = env.run(["rebuild"]);
    outcome.trouble("is sound");
    let before = env.rows().len();
    let document = rebuild(&env, 1, &["--force"]);
    assert!(document["database"].as_str().unwrap().ends_with("state_5.sqlite"));
    assert!(!env.home().join("state.sqlite").exists() && replaced(&env).len() == 1);
    assert_eq!(env.rows().len(), before);
}
