//! `show --compare` sets the row beside the file: every column, both values, drift marked.

use serde_json::Value;

use crate::env::Env;
use crate::golden;
use crate::specimen::{self, LEGACY};

/// A filled home in which one thread has another folder, and another has no row.
fn broken() -> Env {
    let env = specimen::filled("empty-2026-08");
    env.sql(&format!(
        "UPDATE threads SET cwd = '/x' || char(27), name = 'mine' WHERE id = '{LEGACY}';
         DELETE FROM threads WHERE id = '{}'",
        specimen::RELAXED
    ));
    env
}

#[test]
fn both_sides_of_each_column_stand_side_by_side() {
    let env = broken();
    let outcome = env.run(["show", "--compare", LEGACY, "--format", "json"]);
    outcome.status(0, "it shows, it does not judge");
    let document = outcome.json();
    let thread = &document["threads"][0];
    outcome.assert_eq(&thread["id"], &LEGACY.into(), "the thread");
    let path = thread["path"].as_str().unwrap();
    outcome.assert(path.ends_with(&specimen::legacy().relative()), "its file");
    let columns = thread["columns"].as_array().unwrap();
    let of = |name: &str| columns.iter().find(|column| column["name"] == name).unwrap().clone();
    let differing: Vec<&Value> =
        columns.iter().filter(|column| column["differs"] == true).map(|column| &column["name"]).collect();
    outcome.assert_eq(differing, vec![&Value::from("cwd")], "the folder alone is drift");
    outcome.assert_eq(&of("cwd")["file"], &"/nowhere/project".into(), "the file's side");
    outcome.assert_eq(&of("cwd")["database"], &"/x\u{1b}".into(), "the row's side, unchanged");
    outcome.assert_eq(
        (&of("name")["database"], &of("name")["file"]),
        (&"mine".into(), &Value::Null),
        "no file knows the name",
    );
    outcome.assert_eq(&of("archived")["file"], &false.into(), "a flag");
    outcome.assert(of("updated_at")["file"].as_str().unwrap().ends_with('Z'), "a time");
}

#[test]
fn people_see_which_columns_differ() {
    let env = broken();
    let outcome = env.run(["show", "--compare", LEGACY]);
    outcome.status(0, "it shows");
    let marked: Vec<&str> = outcome.stdout.lines().filter(|line| line.starts_with('!')).collect();
    outcome.assert_eq(marked.len(), 1, "one column is marked");
    outcome.assert(
        marked[0].starts_with("! cwd") && marked[0].contains("\\x1b") && marked[0].contains("/nowhere"),
        "with both values, made safe",
    );
    let tsv = env.run(["show", "--compare", LEGACY, "--format", "tsv"]);
    tsv.assert(tsv.stdout.starts_with("id\tcolumn\tdatabase\tfile\tdiffers\n"), "its columns");
    tsv.assert_eq(tsv.stdout.matches("\ttrue\n").count(), 1, "one differs");
}

#[test]
fn a_thread_without_a_row_or_a_file_is_said_to_have_none() {
    let env = broken();
    let outcome = env.run(["show", "--compare", specimen::RELAXED, LEGACY, "--format", "json"]);
    outcome.status(1, "one has no row");
    outcome.assert(outcome.stderr.contains("no row") && outcome.stderr.contains("backfill"), "and is named");
    outcome.assert_eq(
        outcome.json()["threads"].as_array().unwrap().len(),
        2,
        "its file is shown all the same",
    );
    std::fs::remove_file(env.path(&specimen::legacy().relative())).unwrap();
    let outcome = env.run(["show", "--compare", LEGACY]);
    outcome.status(1, "nothing to compare with");
    outcome.assert(outcome.stdout.contains("/x\\x1b"), "the row is shown all the same");
}

#[test]
fn a_reverted_thread_is_compared_with_its_whole_history() {
    let env = golden::filled_by_codex();
    let head = golden::manifest().into_iter().find(|case| case.name == "reverted-head").unwrap();
    let outcome = env.run(["show", "--compare", &head.thread, "--format", "tsv"]);
    outcome.status(0, "it shows");
    let differing: Vec<&str> = outcome
        .stdout
        .lines()
        .filter(|line| line.ends_with("\ttrue"))
        .map(|line| line.split('\t').nth(1).unwrap())
        .collect();
    outcome.assert_eq(differing, vec!["title", "first_user_message", "preview"], "as verify says");
}
