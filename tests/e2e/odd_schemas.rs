//! Tests databases whose schema Codex never made: each command says what is wrong or works, and never crashes.

use crate::env::Env;
use crate::golden;

/// Every command that reads a database.
const COMMANDS: [&[&str]; 12] = [
    &["status"],
    &["list"],
    &["show", "0"],
    &["path", "0"],
    &["verify"],
    &["verify", "--quick"],
    &["verify", "--deep"],
    &["backfill"],
    &["archive", "00000000-0000-4000-8000-000000000000"],
    &["unarchive", "00000000-0000-4000-8000-000000000000"],
    &["prune", "--yes"],
    &["backup"],
];

const COLUMNS: &str = "id, rollout_path, created_at, updated_at, archived, title, preview, source, cwd, \
                       model_provider, sandbox_policy, approval_mode";

#[test]
fn a_table_that_is_computed_is_no_table_of_codex() {
    for schema in [
        format!("CREATE VIRTUAL TABLE threads USING fts5({COLUMNS})"),
        format!("CREATE VIRTUAL TABLE Threads USING fts5({COLUMNS})"),
        "CREATE VIRTUAL TABLE threads USING rtree(id, created_at, updated_at)".to_owned(),
        format!("CREATE VIRTUAL TABLE threads USING fts5vocab({COLUMNS})"),
        "CREATE TABLE t (a); CREATE VIEW threads AS SELECT 'x' AS id, 'y' AS rollout_path, 1 AS created_at, \
         1 AS updated_at, 0 AS archived, * FROM t"
            .to_owned(),
        "CREATE VIEW threads AS SELECT * FROM nothing".to_owned(),
    ] {
        let env = Env::new();
        // Not every such table can be made with the module that it names.
        let connection = rusqlite::Connection::open(env.home().join("state_5.sqlite")).unwrap();
        if connection.execute_batch(&schema).is_err() {
            continue;
        }
        connection.close().unwrap();
        let before = env.tree();
        for command in COMMANDS {
            let outcome = env.run(command);
            outcome.status(2, format!("{schema}\nnot a table of Codex"));
            outcome.assert(outcome.stderr.contains("view or a virtual table"), "it says why");
            outcome.assert_eq(before.difference(&env.tree()), String::new(), "nothing changed");
        }
    }
}

/// The ledger of migrations decides what Codex lists and how it names guardians. Here it has other shapes.
#[test]
fn a_ledger_of_another_shape_says_nothing_and_stops_nothing() {
    for ledger in [
        "CREATE VIRTUAL TABLE _sqlx_migrations USING fts5(version, description)",
        "CREATE TABLE _sqlx_migrations (other TEXT)",
        "CREATE VIEW _sqlx_migrations AS SELECT 58 AS release",
    ] {
        let env = golden::filled_by_codex();
        env.sql(&format!("DROP TABLE _sqlx_migrations; {ledger}"));
        for command in [&["list", "--archived"][..], &["status"], &["verify"], &["backfill"]] {
            let outcome = env.run(command);
            outcome.assert(matches!(outcome.code, Some(0 | 1)), format_args!("it works: {ledger}"));
        }
    }
}

#[test]
fn a_virtual_table_whose_module_is_gone_does_not_matter() {
    let env = golden::filled_by_codex();
    env.sql(
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES \
         ('table', 'thread_spawn_edges_fts', 'thread_spawn_edges_fts', 0, \
          'CREATE VIRTUAL TABLE thread_spawn_edges_fts USING nosuchmodule(a)')",
    );
    for command in [&["list"][..], &["verify"], &["backfill"], &["status"]] {
        env.run(command).finished();
    }
}

#[test]
fn a_table_without_rowids_works_like_any_other() {
    let env = golden::filled_by_codex();
    let sql = &env.query("SELECT sql FROM sqlite_schema WHERE name = 'threads'")[0]["sql"];
    let sql = sql.as_str().unwrap().trim_end();
    let others = env
        .query("SELECT sql FROM sqlite_schema WHERE tbl_name = 'threads' AND type <> 'table' AND sql <> ''");
    let others: Vec<&str> = others.iter().map(|row| row["sql"].as_str().unwrap()).collect();
    let before = env.run(["list", "--all", "--hidden", "--format", "json"]).stdout;
    let verified = env.run(["verify", "--format", "json"]).stdout;
    env.sql(&format!(
        "PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; ALTER TABLE threads RENAME TO old; {sql} WITHOUT \
         ROWID; INSERT INTO threads SELECT * FROM old; DROP TABLE old; {}",
        others.join("; ")
    ));
    let outcome = env.run(["list", "--all", "--hidden", "--format", "json"]);
    outcome.assert_eq(&outcome.stdout, &before, "the same list");
    let outcome = env.run(["verify", "--format", "json"]);
    outcome.assert_eq(&outcome.stdout, &verified, "the same findings");
    let id = golden::case("plain").thread;
    let backup = env.outside("backup.sqlite").to_str().unwrap().to_owned();
    for command in [
        &["backfill"][..],
        &["status"],
        &["show", &id],
        &["path", &id],
        &["archive", &id],
        &["unarchive", &id],
        &["prune", "--yes"],
        &["backup", &backup],
        &["verify", "--deep"],
        &["backfill", "--facts-from", &backup],
        &["restore", &backup],
    ] {
        env.run(command).finished();
    }
}

#[test]
fn other_tables_of_codex_may_be_computed() {
    for table in ["thread_spawn_edges", "backfill_state", "thread_dynamic_tools", "_sqlx_migrations"] {
        let env = golden::filled_by_codex();
        let id = golden::case("plain").thread;
        env.sql(&format!(
            "PRAGMA foreign_keys = OFF; DROP TABLE {table}; CREATE VIRTUAL TABLE {table} USING fts5(id, \
             parent_thread_id, child_thread_id, status, thread_id, version, description)"
        ));
        for command in [&["list"][..], &["show", &id], &["verify"], &["backfill"], &["status"]] {
            env.run(command).finished();
        }
    }
}
