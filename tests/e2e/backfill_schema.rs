//! Tests schemas: backfill creates the first one exactly, leaves every other unchanged, and refuses what it cannot
//! fill.

use crate::env::Env;
use crate::rollouts::plain;
use crate::table::{self, Row};

/// Returns SQLite's own description of a table's columns.
fn table_info(env: &Env, table: &str) -> Vec<Row> {
    env.query(&format!("SELECT * FROM pragma_table_info('{table}')"))
}

/// Returns the names and columns of the explicitly created indexes of `threads`.
fn indexes(env: &Env) -> Vec<Row> {
    env.query(
        "SELECT i.name, c.seqno, c.name AS column, c.desc, i.\"unique\", i.partial
         FROM pragma_index_list('threads') AS i, pragma_index_xinfo(i.name) AS c
         WHERE c.key AND i.origin = 'c' ORDER BY i.name, c.seqno",
    )
}

#[test]
fn a_created_database_is_what_the_first_runtime_expects() {
    let january = Env::new();
    january.database("empty-2026-01");
    let env = Env::new();
    plain("2026-03-14T10:00:00", "hello").write(&env);
    env.run(["backfill", "--schema", "phase-1"]).status(0, "state.sqlite is created");

    for table in ["threads", "_sqlx_migrations"] {
        let (ours, codex) = (table_info(&env, table), table_info(&january, table));
        assert_eq!(ours, codex, "the columns of {table}, with types, NOT NULL and defaults");
    }
    assert_eq!(indexes(&env), indexes(&january), "the indexes of threads, with direction");
    let ledger = "SELECT version, description, success, checksum FROM _sqlx_migrations";
    assert_eq!(env.query(ledger), january.query(ledger), "the ledger row that Codex checks at start");
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    assert_eq!(env.query(tables), january.query(tables), "and no table that Codex did not have");
    let journal = env.query("PRAGMA journal_mode");
    assert_eq!(journal[0]["journal_mode"], "wal", "the runtime opens it in WAL");
    table::assert_sound(&env.db(), "when it is created");
}

#[test]
fn a_created_database_is_named_when_a_newer_codex_will_not_read_it() {
    let env = Env::new();
    plain("2026-03-14T10:00:00", "hello").meta(|meta| meta.cli_version("0.147.0")).write(&env);
    let outcome = env.run(["backfill", "--schema", "phase-1"]);
    outcome.status(0, "the work is done all the same");
    outcome
        .assert(outcome.stderr.contains("state_5.sqlite"), "a warning that this Codex reads state_5.sqlite");

    let env = Env::new();
    plain("2026-01-20T10:00:00", "hello").meta(|meta| meta.cli_version("0.94.0")).write(&env);
    let outcome = env.run(["backfill"]);
    outcome.status(0, "the work is done");
    outcome.assert(
        !outcome.stderr.contains("state_5.sqlite"),
        "no warning where only the versions that read state.sqlite were at work",
    );
}

#[test]
fn unknown_columns_and_tables_stay_unchanged() {
    let env = Env::new();
    env.database("empty-2026-08");
    let (old, new) = (plain("2026-03-14T10:00:00", "old"), plain("2026-03-15T10:00:00", "new"));
    old.write(&env);
    env.run(["backfill"]).status(0, "a first fill");
    env.sql(&format!(
        "ALTER TABLE threads ADD COLUMN mood TEXT;
         ALTER TABLE threads ADD COLUMN weight INTEGER NOT NULL DEFAULT 7;
         UPDATE threads SET mood = 'fine', weight = 8, title = '' WHERE id = '{}';
         CREATE TABLE tomorrow (id TEXT PRIMARY KEY, thing BLOB);
         INSERT INTO tomorrow VALUES ('x', x'00ff');
         CREATE TRIGGER watch AFTER UPDATE OF mood, weight ON threads
         BEGIN INSERT INTO tomorrow VALUES ('touched', NULL); END;",
        old.thread(),
    ));
    let schema = env.query("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name");
    new.write(&env);
    env.run(["backfill"]).status(0, "an unknown schema that can be filled is filled");

    let row = env.row(old.thread());
    assert_eq!((&row["mood"], &row["weight"]), (&"fine".into(), &8.into()), "what only the database knows");
    assert_eq!(row["title"], "old", "and what the file knows was repaired in the same row");
    let row = env.row(new.thread());
    assert_eq!((&row["mood"], &row["weight"]), (&().into(), &7.into()), "a new row has the defaults");
    let tomorrow = env.query("SELECT id, hex(thing) AS thing FROM tomorrow");
    assert_eq!(
        tomorrow.len(),
        1,
        "unknown tables are left alone, unknown columns never written: {tomorrow:?}"
    );
    assert_eq!(tomorrow[0]["thing"], "00FF");
    assert_eq!(
        env.query("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"),
        schema,
        "a schema of another program is never migrated"
    );
}

#[test]
fn an_unknown_column_that_must_be_filled_is_refused() {
    let env = Env::new();
    env.database("empty-2026-08");
    plain("2026-03-14T10:00:00", "hello").write(&env);
    // SQLite cannot add such a column to a table, so the test makes the table anew with it.
    let sql = env.query("SELECT sql FROM sqlite_schema WHERE name = 'threads'")[0]["sql"].clone();
    let sql =
        sql.as_str().unwrap().replacen("id TEXT PRIMARY KEY,", "id TEXT PRIMARY KEY, mood TEXT NOT NULL,", 1);
    env.sql(&format!("DROP TABLE threads; {sql}"));
    let before = env.tree();
    let outcome = env.run(["backfill"]);
    outcome.trouble(env.db().to_str().unwrap());
    outcome.assert(outcome.stderr.contains("mood"), "the reason names the column");
    let difference = before.difference(&env.tree());
    outcome.assert(difference.is_empty(), format_args!("nothing changed:\n{difference}"));
}

#[test]
fn a_database_without_a_usable_threads_table_is_refused() {
    for (what, sql) in [
        ("none at all", "DROP TABLE threads"),
        ("one without an id", "ALTER TABLE threads RENAME COLUMN id TO thread"),
        ("one without a path", "ALTER TABLE threads RENAME COLUMN rollout_path TO somewhere"),
    ] {
        let env = Env::new();
        env.database("empty-2026-01");
        plain("2026-03-14T10:00:00", "hello").write(&env);
        env.sql(sql);
        let before = env.tree();
        let outcome = env.run(["backfill"]);
        outcome.trouble(env.db().to_str().unwrap());
        let difference = before.difference(&env.tree());
        outcome.assert(
            difference.is_empty(),
            format_args!("threads table: {what}; nothing changed:\n{difference}"),
        );
    }
}
