//! Tests the findings about what keeps Codex from starting, listing or resuming although rows and rollouts agree.

use std::fs;

use rusqlite::Connection;

use crate::env::{Env, set_mtime};
use crate::golden;
use crate::holder::Holder;
use crate::moving::{hold, writer_lock};
use crate::rollouts::{Rollout, plain};
use crate::shapes::{Finding, Verify};
use crate::specimen;

/// The kinds of findings in this file.
const KINDS: [&str; 6] = [
    "ledger_mismatch",
    "sibling_damaged",
    "history_behind",
    "unknown_provider",
    "unassigned_project",
    "index_missing",
];
const DEPTHS: [&[&str]; 3] = [&["verify"], &["verify", "--quick"], &["verify", "--deep"]];
const MINUTE: i64 = 60_000;

/// Returns the findings of these kinds, at one depth.
#[track_caller]
fn found(env: &Env, depth: &[&str]) -> Vec<Finding> {
    let before = env.tree();
    let outcome = env.run([depth, &["--format", "json"]].concat());
    outcome.assert_eq(before.difference(&env.tree()), String::new(), "nothing in the home changed");
    let mut findings = Verify::of(&outcome).findings;
    findings.retain(|finding| KINDS.contains(&&*finding.kind));
    findings
}

/// Fails unless there is exactly one such finding at each depth and its message contains all of `holds`.
#[track_caller]
fn one(env: &Env, kind: &str, holds: &[&str]) {
    for depth in DEPTHS {
        let findings = found(env, depth);
        let kinds: Vec<&str> = findings.iter().map(|finding| &*finding.kind).collect();
        assert_eq!(kinds, [kind], "{depth:?}: {findings:#?}");
        for part in holds {
            assert!(findings[0].message.contains(part), "{depth:?}: {part:?} in {:?}", findings[0].message);
        }
        let severity = if kind == "ledger_mismatch" { "error" } else { "warning" };
        assert_eq!(findings[0].severity, severity);
    }
    let ignoring = found(env, &["verify", "--ignore", kind]);
    assert_eq!(ignoring, [], "ignored");
    let outcome = env.run(["verify", "--format", "github"]);
    outcome.assert(outcome.stdout.contains(&format!("title={kind}::")), "an annotation");
}

#[track_caller]
fn none(env: &Env, why: &str) {
    for depth in DEPTHS {
        let findings = found(env, depth);
        assert!(findings.is_empty(), "{why}, {depth:?}: {findings:#?}");
    }
}

#[test]
fn homes_in_order_and_the_golden_home_show_none_of_them() {
    for schema in golden::SCHEMAS {
        none(&specimen::filled(schema), schema);
    }
    none(&golden::filled_by_codex(), "filled by Codex");
    let env = Env::golden("empty-2026-08");
    env.run(["backfill"]).status(1, "two files cannot be read");
    none(&env, "filled by us");
}

#[test]
fn a_ledger_that_codex_refuses() {
    let env = specimen::filled("empty-2026-08");
    env.sql("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version IN (3, 17)");
    one(&env, "ledger_mismatch", &["migrations 3 and 17", "does not start"]);
    let outcome = env.run(["verify"]);
    outcome.status(1, "an error");
    outcome.assert(
        outcome.stderr.contains("close Codex and run codex-state rebuild: it repairs ledger_mismatch"),
        "what repairs it",
    );
    env.run(["verify", specimen::LEGACY]).status(0, "one thread was asked for, and it agrees");
    env.sql("DELETE FROM _sqlx_migrations");
    one(&env, "ledger_mismatch", &["no ledger"]);
}

#[test]
fn a_ledger_that_codex_accepts() {
    for schema in golden::SCHEMAS {
        let env = specimen::filled(schema);
        env.sql(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (60, 'of a future Codex', 1, x'00', 0)",
        );
        none(&env, schema);
    }
}

/// Makes a database beside the state database, as Codex does.
fn sibling(env: &Env, name: &str, sql: &str) {
    let connection = Connection::open(env.home().join(name)).unwrap();
    let ledger =
        "CREATE TABLE _sqlx_migrations (version BIGINT, description TEXT, success BOOLEAN, checksum BLOB);
                  INSERT INTO _sqlx_migrations VALUES (1, 'x', 1, x'00');";
    connection.execute_batch(&format!("{ledger}{sql}")).unwrap();
}

#[test]
fn another_database_that_keeps_codex_from_starting() {
    let cases = [
        ("goals_1.sqlite", "goals", "goals are lost"),
        ("logs_2.sqlite", "logs", "no conversation is"),
        ("memories_1.sqlite", "memories", "memories are lost"),
        ("queue_1.sqlite", "messages", "messages are lost"),
        ("thread_history_1.sqlite", "conversations", "nothing is lost"),
    ];
    for (name, holds, loss) in cases {
        let env = specimen::filled("empty-2026-08");
        sibling(&env, name, "");
        none(&env, "a sound one");
        env.write(name, "this is not a database\n".repeat(100));
        one(&env, "sibling_damaged", &[name, holds, loss]);
        fs::remove_file(env.home().join(name)).unwrap();
        sibling(&env, name, "UPDATE _sqlx_migrations SET success = 0");
        one(&env, "sibling_damaged", &[name, "migration 1 did not succeed", holds]);
        fs::remove_file(env.home().join(name)).unwrap();
        fs::create_dir(env.home().join(name)).unwrap();
        one(&env, "sibling_damaged", &[name, "cannot be opened"]);
    }
}

#[test]
fn every_damaged_database_is_named() {
    let env = specimen::filled("empty-2026-08");
    for name in ["logs_2.sqlite", "queue_1.sqlite"] {
        env.write(name, "garbage");
    }
    env.write("other.sqlite", "garbage");
    env.write("state.sqlite", "");
    let paths: Vec<_> = found(&env, &["verify"]).into_iter().filter_map(|finding| finding.path).collect();
    assert_eq!(paths, [env.path("logs_2.sqlite"), env.path("queue_1.sqlite")]);
}

#[test]
fn another_database_that_a_codex_has_open_is_left_alone() {
    let env = specimen::filled("empty-2026-08");
    sibling(&env, "logs_2.sqlite", "PRAGMA journal_mode = WAL; CREATE TABLE logs (line TEXT);");
    let holder =
        Holder::new(&env.home().join("logs_2.sqlite"), "BEGIN IMMEDIATE; INSERT INTO logs VALUES ('x')");
    let outcome = env.run(["verify", "--strict"]);
    outcome.status(0, "open and being written");
    holder.release();
    env.run(["verify", "--strict"]).status(0, "closed again");
}

#[test]
fn threads_of_a_provider_that_is_defined_nowhere() {
    let env = specimen::home("empty-2026-08");
    plain("2026-03-20T10:00:00", "one").meta(|meta| meta.set("model_provider", "my proxy")).write(&env);
    plain("2026-03-21T10:00:00", "two").meta(|meta| meta.set("model_provider", "my proxy")).write(&env);
    plain("2026-03-22T10:00:00", "local").meta(|meta| meta.set("model_provider", "ollama")).write(&env);
    env.run(["backfill"]).status(0, "filled");
    none(&env, "without a config.toml it is not known");
    env.write("config.toml", "model = \"x\"\n");
    one(&env, "unknown_provider", &["2 threads", "\"my proxy\"", "[model_providers.\"my proxy\"]"]);
    env.write("config.toml", "[profiles.p.model_providers.\"my proxy\"]\nname = \"x\"\n");
    none(&env, "defined in a profile");
    env.write("config.toml", "not TOML");
    none(&env, "a configuration that cannot be read says nothing");
}

#[test]
fn a_provider_in_the_rollout_counts_beside_a_relabelled_row() {
    let env = Env::new();
    env.database("empty-2026-08");
    plain("2026-03-20T10:00:00", "one").meta(|meta| meta.set("model_provider", "old")).write(&env);
    env.write("config.toml", "[model_providers.mine]\nname = \"x\"\n");
    env.run(["backfill"]).status(0, "filled");
    one(&env, "unknown_provider", &["1 thread is", "\"old\""]);
    env.sql("UPDATE threads SET model_provider = 'typo'");
    let findings = found(&env, &["verify"]);
    assert_eq!(findings.len(), 1, "what is drift is said as drift: {findings:#?}");
    assert!(findings[0].message.contains("\"old\""));
}

#[test]
fn threads_in_the_folder_of_a_project_that_lacks_them() {
    let env = specimen::filled("empty-2026-08");
    env.sql(
        "INSERT INTO projects (id, name, metadata, position, created_at_ms, updated_at_ms)
         VALUES ('p1', 'Canal', '{}', 0, 1, 1), ('p2', 'Lock', '{}', 1, 1, 1);
         INSERT INTO project_roots (project_id, position, path)
         VALUES ('p1', 0, '/nowhere/project'), ('p2', 0, '/elsewhere')",
    );
    let n = env.query(
        "SELECT count(*) AS n FROM threads WHERE cwd = '/nowhere/project' AND archived = 0 AND preview <> ''
         AND source NOT LIKE '{\"subagent\"%'",
    )[0]["n"]
        .as_i64()
        .unwrap();
    assert!(n > 1);
    one(&env, "unassigned_project", &[&format!("{n} threads"), "\"Canal\""]);
    env.sql("UPDATE threads SET project_id = 'p1'");
    none(&env, "assigned");
    env.sql("UPDATE threads SET project_id = NULL; UPDATE project_roots SET path = '/nowhere'");
    none(&env, "in two projects");
}

#[test]
fn names_that_the_session_index_lacks() {
    let env = specimen::filled("empty-2026-08");
    env.sql(&format!("UPDATE threads SET name = 'Basin log' WHERE id = '{}'", specimen::PAGINATED));
    one(&env, "index_missing", &["1 thread"]);
    env.sql(&format!("UPDATE threads SET title = 'Lock survey' WHERE id = '{}'", specimen::LEGACY));
    let findings = found(&env, &["verify"]);
    assert!(findings[0].message.contains("2 threads"), "a title that no message explains: {findings:#?}");
    let line = |id: &str| {
        format!("{{\"id\":\"{id}\",\"thread_name\":\"N\",\"updated_at\":\"2026-03-05T00:00:00Z\"}}\n")
    };
    env.write("session_index.jsonl", line(specimen::PAGINATED) + &line(specimen::LEGACY));
    none(&env, "both are there");
}

/// Returns a home with one long paginated thread, of which Codex has read `part` percent.
fn behind(rollout: &Rollout, part: u64) -> (Env, std::path::PathBuf) {
    let env = Env::new();
    env.database("empty-2026-08");
    let path = rollout.write(&env);
    env.run(["backfill"]).status(0, "filled");
    let length = rollout.text().len() as u64;
    sibling(
        &env,
        "thread_history_1.sqlite",
        &format!(
            "CREATE TABLE thread_history_projection_state
               (thread_id TEXT PRIMARY KEY, next_rollout_byte_offset INTEGER NOT NULL, next_rollout_ordinal INTEGER NOT NULL);
             INSERT INTO thread_history_projection_state VALUES ('{}', {}, 3);",
            rollout.thread(),
            length * part / 100
        ),
    );
    (env, path)
}

fn long() -> Rollout {
    let rollout =
        Rollout::new("2026-03-14T10:00:00").meta(|meta| meta.paginated()).user("words").turn("gpt-5", "high");
    (0..40).fold(rollout, |rollout, _| rollout.answer("Done."))
}

#[test]
fn a_long_conversation_of_which_codex_shows_only_the_beginning() {
    let (env, _) = behind(&long(), 50);
    one(&env, "history_behind", &["at byte", "only the beginning"]);
    let finding = &found(&env, &["verify"])[0];
    assert_eq!(finding.thread_id.as_deref(), Some(long().thread()));
    assert!(finding.path.as_ref().unwrap().ends_with(".jsonl"));
    let (env, _) = behind(&long().compressed(), 50);
    assert_eq!(found(&env, &["verify"]).len(), 1, "the uncompressed length counts");
    assert_eq!(found(&env, &["verify", "--quick"]).len(), 0, "which a quick look does not know");
}

#[test]
fn what_codex_reads_or_writes_right_now_is_not_behind() {
    let (env, _) = behind(&long(), 95);
    none(&env, "nearly all was read");
    let (env, _) = behind(&long(), 200);
    none(&env, "more than all was read");
    let (env, path) = behind(&long(), 50);
    let now = 1_788_264_000_000;
    set_mtime(&path, now - 9 * MINUTE);
    none(&env, "written less than ten minutes ago");
    set_mtime(&path, now - 11 * MINUTE);
    assert_eq!(found(&env, &["verify"]).len(), 1, "and more than ten minutes ago");
    fs::create_dir(env.home().join("thread-writer-locks")).unwrap();
    let lock = hold(&writer_lock(&env, long().thread()));
    assert_eq!(found(&env, &["verify"]).len(), 0, "a program holds its lock");
    drop(lock);
    let (env, _) = behind(&long(), 50);
    env.sql("UPDATE threads SET history_mode = 'legacy'");
    assert_eq!(found(&env, &["verify", "--quick"]).len(), 0, "a legacy thread is shown from its rollout");
    let torn = Rollout::new("2026-03-14T10:00:00").meta(|meta| meta.paginated()).user("words");
    let (env, path) = behind(&torn, 100);
    let time = torn.mtime_ms();
    fs::write(&path, torn.text() + "{\"timestamp\":\"2026-03-14T10:00:09Z\",\"ordinal\":2,\"type\":\"response_item\",\"payload\":{\"type\":\"mess").unwrap();
    set_mtime(&path, time);
    none(&env, "a line that a crash cut off");
}

#[test]
fn what_the_catalogue_of_the_app_lacks_is_said_as_that() {
    let env = specimen::filled("empty-2026-08");
    fs::create_dir_all(env.home().join("sqlite")).unwrap();
    let connection = Connection::open(env.home().join("sqlite/codex-dev.db")).unwrap();
    let sql = format!(
        "CREATE TABLE local_thread_catalog (host_id TEXT, thread_id TEXT, missing_candidate INTEGER DEFAULT 0);
         INSERT INTO local_thread_catalog (host_id, thread_id) VALUES ('local', '{}')",
        specimen::LEGACY
    );
    connection.execute_batch(&sql).unwrap();
    drop(connection);
    let before = env.tree();
    let outcome = env.run(["verify", "--strict"]);
    outcome.status(0, "it is not a finding");
    outcome.assert(outcome.stderr.contains("the app's catalogue holds 1"), "but said");
    assert_eq!(before.difference(&env.tree()), "");
}
