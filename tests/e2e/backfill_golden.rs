//! Tests backfill of the golden home: on every schema each cell equals Codex's, except for the documented exceptions.

use std::collections::BTreeSet;

use crate::env::Env;
use crate::golden;
use crate::shapes::Backfill;
use crate::table;

/// Returns the columns that the `threads` table has.
fn columns(env: &Env) -> BTreeSet<String> {
    let columns = env.query("SELECT name FROM pragma_table_info('threads')");
    columns.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

/// Runs the backfill and compares all rows and counts.
#[track_caller]
fn check(env: &Env) {
    check_with(env, &[]);
}

/// Does the same with further arguments.
#[track_caller]
fn check_with(env: &Env, arguments: &[&str]) {
    let outcome = env.run([&["backfill", "--format", "json"], arguments].concat());
    outcome.status(1, "three files cannot be read, everything else is done");
    let report = Backfill::of(&outcome);
    outcome.assert_eq(report.scanned, golden::ROLLOUTS, "notes.txt and the .bak file are no rollouts");
    let expected = [golden::THREADS, 0, 0, golden::SUPERSEDED, golden::FAILING.len()];
    outcome.assert_eq(report.counts(), expected, "[inserted, updated, unchanged, superseded, failed]");
    let mut failed: Vec<String> =
        report.failures.iter().map(|failure| golden::case_of(&failure.path)).collect();
    failed.sort();
    outcome.assert_eq(failed, golden::FAILING.map(str::to_owned).to_vec(), "just these fail");

    let columns = columns(env);
    let mut expected = golden::expected_rows(env, &columns);
    let mut rows = env.rows();
    if !columns.contains("first_user_message") {
        // In the first schema the file decides the title, and a new row gets the name: the contract allows both.
        let plain = golden::case("plain").thread;
        let title = rows.get_mut(&plain).and_then(|row| row.remove("title")).unwrap();
        outcome.assert(
            title == "plain: please look at golden" || title == golden::NAME_OF_PLAIN,
            format_args!("the title of `plain` is its first message or its name, not {title}"),
        );
        expected.get_mut(&plain).unwrap().remove("title");
    }
    let differences = table::difference(&expected, &rows);
    outcome.assert(
        differences.is_empty(),
        format_args!("the rows that Codex writes:\n{}", differences.join("\n")),
    );
}

#[test]
fn august_gets_codex_own_rows() {
    let env = Env::golden("empty-2026-08");
    check(&env);
    let edges = env.query("SELECT parent_thread_id, child_thread_id, status FROM thread_spawn_edges");
    assert_eq!(edges.len(), 1, "source-spawn is the only spawned thread: {edges:?}");
    assert_eq!(edges[0]["parent_thread_id"], "019ced4a-8ddb-74a4-9d33-f144a8a7bb32");
    assert_eq!(edges[0]["child_thread_id"], golden::case("source-spawn").thread.as_str());
    assert_eq!(edges[0]["status"], "open");
}

#[test]
fn july_gets_the_same_in_its_columns() {
    check(&Env::golden("empty-2026-07"));
}

#[test]
fn march_gets_the_same_in_its_columns() {
    check(&Env::golden("empty-2026-03"));
}

#[test]
fn january_gets_the_same_in_its_columns() {
    check(&Env::golden("empty-2026-01"));
}

#[test]
fn a_home_without_a_database_gets_one_that_todays_codex_adopts() {
    let env = Env::new();
    env.golden_home();
    check(&env);
    assert!(env.home().join("state_5.sqlite").exists(), "it is created where Codex would look");
    let other = Env::golden("empty-2026-08");
    check(&other);
    let mut rows = other.rows();
    for row in rows.values_mut() {
        let path = row["rollout_path"].as_str().unwrap();
        let path = path.replace(other.home().to_str().unwrap(), env.home().to_str().unwrap());
        row.insert("rollout_path".to_owned(), path.into());
    }
    let differences = table::difference(&rows, &env.rows());
    assert!(differences.is_empty(), "as in a database that Codex made: {differences:?}");
    let state = env.query("SELECT status, last_watermark, last_success_at, updated_at FROM backfill_state");
    assert_eq!(
        state,
        other.query("SELECT status, last_watermark, last_success_at, updated_at FROM backfill_state")
    );
    assert_eq!(state[0]["status"], "complete", "unusable files hold nothing back");
}

#[test]
fn a_home_without_a_database_gets_one_of_the_first_schema_on_request() {
    let env = Env::new();
    env.golden_home();
    check_with(&env, &["--schema", "phase-1"]);
    assert!(env.home().join("state.sqlite").exists(), "under the name of that schema");
}

#[test]
fn the_number_of_jobs_does_not_matter() {
    let env = Env::golden("empty-2026-08");
    env.run(["backfill", "--jobs", "1"]).status(1, "three files cannot be read");
    let rows = env.rows();
    for jobs in ["2", "7"] {
        let other = Env::golden("empty-2026-08");
        let outcome = other.run(["backfill", "--jobs", jobs]);
        let mut found = other.rows();
        for row in found.values_mut() {
            let path = row["rollout_path"].as_str().unwrap();
            let path = path.replace(other.home().to_str().unwrap(), env.home().to_str().unwrap());
            row.insert("rollout_path".to_owned(), path.into());
        }
        let differences = table::difference(&rows, &found);
        outcome
            .assert(differences.is_empty(), format_args!("the same rows with {jobs} jobs: {differences:?}"));
    }
}
