//! Tests `show --compare`: it shows every column of the row beside the value of the file, and marks drift.

use serde_json::Value;

use expect_test::expect;

use crate::env::Env;
use crate::golden;
use crate::specimen::{self, LEGACY};

/// Returns a filled home in which one row has another folder than its file, and one thread has no row.
fn broken() -> Env {
    let env = specimen::filled("empty-2026-08");
    env.sql(&format!(
        "UPDATE threads SET cwd = 'x' || char(27), name = 'mine' WHERE id = '{LEGACY}';
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
    outcome.assert(path.replace('\\', "/").ends_with(&specimen::legacy().relative()), "its file");
    let columns = thread["columns"].as_array().unwrap();
    let of = |name: &str| columns.iter().find(|column| column["name"] == name).unwrap().clone();
    let differing: Vec<&Value> =
        columns.iter().filter(|column| column["differs"] == true).map(|column| &column["name"]).collect();
    outcome.assert_eq(differing, vec![&Value::from("cwd")], "the folder alone is drift");
    outcome.assert_eq(&of("cwd")["file"], &"/nowhere/project".into(), "the file's side");
    outcome.assert_eq(&of("cwd")["database"], &"x\u{1b}".into(), "the row's side, unchanged");
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

/// Runs at a terminal width. The output has no lines with paths of this run.
fn at_width(width: &str) -> String {
    let env = broken();
    let mut command = env.command(["show", "--compare", LEGACY]);
    command.env("COLUMNS", width);
    let outcome = env.finish(command);
    outcome.status(0, "it shows");
    let lines = outcome.stdout.split_inclusive('\n');
    let is_path = |line: &str| std::path::Path::new(line.trim_end()).is_absolute();
    lines.filter(|line| !is_path(line) && !line.contains("rollout_path")).collect()
}

#[test]
fn at_80_columns() {
    expect![[r#"
        20260301-1000-7000-8000-000000000000
        COLUMN                   DATABASE                     FILE
          id                     20260301-1000-7000-8000-00…  20260301-1000-7000-8000-0…
          created_at             2026-03-01T10:00:00.000Z     2026-03-01T10:00:00.000Z
          updated_at             2026-03-01T10:00:04.000Z     2026-03-01T10:00:04.000Z
          source                 cli                          cli
          model_provider         openai                       openai
        ! cwd                    x\x1b                        /nowhere/project
          title                  legacy words                 legacy words
          sandbox_policy         {"network_access":false,"t…  {"network_access":false,"…
          approval_mode          on-request                   on-request
          tokens_used            1200                         1200
          has_user_event         false                        -
          archived               false                        false
          archived_at            NULL                         NULL
          git_sha                0123456789abcdef0123456789…  0123456789abcdef012345678…
          git_branch             main                         main
          git_origin_url         https://example.com/r.git    https://example.com/r.git
          cli_version            0.147.0                      0.147.0
          first_user_message     legacy words                 legacy words
          agent_nickname         Ada                          Ada
          agent_role             worker                       worker
          memory_mode            enabled                      enabled
          model                  gpt-5                        gpt-5
          reasoning_effort       high                         high
          agent_path             /root/worker                 /root/worker
          created_at_ms          2026-03-01T10:00:00.123Z     2026-03-01T10:00:00.123Z
          updated_at_ms          2026-03-01T10:00:04.873Z     2026-03-01T10:00:04.873Z
          thread_source          user                         user
          preview                legacy words                 legacy words
          recency_at             2026-03-01T10:00:04.000Z     2026-03-01T10:00:04.000Z
          recency_at_ms          2026-03-01T10:00:04.873Z     2026-03-01T10:00:04.873Z
          history_mode           legacy                       legacy
          name                   mine                         -
          is_pinned              false                        -
          thread_section_id      NULL                         -
          section_position       NULL                         -
          section_entered_at_ms  NULL                         -
          project_id             NULL                         -
    "#]]
    .assert_eq(&at_width("80"));
}

#[test]
fn at_120_columns() {
    expect![[r#"
        20260301-1000-7000-8000-000000000000
        COLUMN                   DATABASE                                         FILE
          id                     20260301-1000-7000-8000-000000000000             20260301-1000-7000-8000-000000000000
          created_at             2026-03-01T10:00:00.000Z                         2026-03-01T10:00:00.000Z
          updated_at             2026-03-01T10:00:04.000Z                         2026-03-01T10:00:04.000Z
          source                 cli                                              cli
          model_provider         openai                                           openai
        ! cwd                    x\x1b                                            /nowhere/project
          title                  legacy words                                     legacy words
          sandbox_policy         {"network_access":false,"type":"workspace-writ…  {"network_access":false,"type":"workspace-wri…
          approval_mode          on-request                                       on-request
          tokens_used            1200                                             1200
          has_user_event         false                                            -
          archived               false                                            false
          archived_at            NULL                                             NULL
          git_sha                0123456789abcdef0123456789abcdef01234567         0123456789abcdef0123456789abcdef01234567
          git_branch             main                                             main
          git_origin_url         https://example.com/r.git                        https://example.com/r.git
          cli_version            0.147.0                                          0.147.0
          first_user_message     legacy words                                     legacy words
          agent_nickname         Ada                                              Ada
          agent_role             worker                                           worker
          memory_mode            enabled                                          enabled
          model                  gpt-5                                            gpt-5
          reasoning_effort       high                                             high
          agent_path             /root/worker                                     /root/worker
          created_at_ms          2026-03-01T10:00:00.123Z                         2026-03-01T10:00:00.123Z
          updated_at_ms          2026-03-01T10:00:04.873Z                         2026-03-01T10:00:04.873Z
          thread_source          user                                             user
          preview                legacy words                                     legacy words
          recency_at             2026-03-01T10:00:04.000Z                         2026-03-01T10:00:04.000Z
          recency_at_ms          2026-03-01T10:00:04.873Z                         2026-03-01T10:00:04.873Z
          history_mode           legacy                                           legacy
          name                   mine                                             -
          is_pinned              false                                            -
          thread_section_id      NULL                                             -
          section_position       NULL                                             -
          section_entered_at_ms  NULL                                             -
          project_id             NULL                                             -
    "#]].assert_eq(&at_width("120"));
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
    outcome.assert(outcome.stdout.contains("x\\x1b"), "the row is shown all the same");
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
