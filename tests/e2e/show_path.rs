//! Tests `show` and `path`, and how an argument THREAD finds its thread: by id, prefix, path or from stdin.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;

use expect_test::expect;

use crate::env::Env;
use crate::golden;
use crate::outcome::Outcome;
use crate::rollouts::plain;
use crate::shapes::Show;

/// Runs with this text on stdin.
fn run_with_input(env: &Env, args: &[&str], input: &str) -> Outcome {
    let mut command = env.command(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    Outcome::new(&env.outside(""), &command, output)
}

#[test]
fn show_has_every_column_and_the_unknown_ones_last() {
    let env = golden::filled_by_codex();
    let id = golden::case("no-provider").thread;
    env.sql(&format!(
        "ALTER TABLE threads ADD COLUMN a_mood TEXT; UPDATE threads SET a_mood = 'fine', name = 'N', is_pinned = 1
         WHERE id = '{id}'"
    ));
    let outcome = env.run(["show", &id, "--format", "json"]);
    outcome.status(0, "a thread");
    let show = Show::of(&outcome);
    outcome.assert_eq(show.threads.len(), 1, "one thread");
    let thread = &show.threads[0];
    let (row, keys) = (env.row(&id), thread.keys().cloned().collect::<BTreeSet<_>>());
    outcome.assert(row.keys().all(|column| keys.contains(column)), "every column of the row");
    outcome.assert(
        thread.iter().all(|(column, value)| row.contains_key(column) || value.is_null()),
        "a column of a newer schema is null",
    );
    outcome.assert_eq(&thread["a_mood"], &"fine".into(), "also one that we do not know");
    outcome.assert_eq(&thread["is_pinned"], &true.into(), "a boolean");
    outcome.assert_eq(&thread["name"], &"N".into(), "a text");
    outcome.assert_eq(&thread["project_id"], &().into(), "NULL is null");
    outcome.assert_eq(&thread["sandbox_policy"], &row["sandbox_policy"], "JSON text stays a string");
    let last = outcome.stdout.find("\"a_mood\"").unwrap();
    outcome.assert(
        row.keys().all(|key| key == "a_mood" || outcome.stdout.find(&format!("\"{key}\":")).unwrap() < last),
        "it follows the others",
    );
}

#[test]
fn show_takes_several_and_does_the_good_ones() {
    let env = golden::filled_by_codex();
    let (one, two) = (golden::case("no-provider").thread, golden::case("archived").thread);
    let missing = "ffffffff-ffff-7fff-8fff-ffffffffffff";
    let outcome = env.run(["show", "--format", "json", &two, missing, &one]);
    outcome.status(1, "one of them is not a thread");
    outcome.assert(outcome.stderr.contains(missing), "it is named");
    let ids: BTreeSet<String> =
        Show::of(&outcome).threads.iter().map(|thread| thread["id"].as_str().unwrap().to_owned()).collect();
    outcome.assert_eq(ids, [two, one].into(), "the others are shown");
}

#[test]
fn show_for_people_has_no_raw_controls() {
    let env = golden::filled_by_codex();
    let id = golden::case("unicode-title").thread;
    for format in [&["show"][..], &["show", "--format", "table"], &["show", "--format", "tsv"]] {
        let outcome = env.run([format, &[id.as_str()]].concat());
        outcome.status(0, "a thread");
        let raw = outcome.stdout.chars().find(|c| ['\u{1b}', '\u{7}', '\u{202e}'].contains(c));
        outcome.assert(raw.is_none(), format_args!("no control or bidi character raw: {raw:?}"));
    }
}

#[test]
fn path_prints_the_path_alone() {
    let env = golden::filled_by_codex();
    let id = golden::case("plain").thread;
    let outcome = env.run(["path", &id]);
    let snapshot = expect![[r#"
        $ codex-state path 019ced47-cebb-79dd-b0aa-a552437621a9
        $HOME_DIR/sessions/2026/03/14/rollout-2026-03-14T16-57-12-019ced47-cebb-79dd-b0aa-a552437621a9.jsonl
        --- stderr
        --- status 0
    "#]];
    snapshot.assert_eq(&outcome.snapshot());
}

#[test]
fn path_gives_the_form_that_exists() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "words");
    let path = thread.write(&env);
    env.run(["backfill"]).status(0, "the row names the plain file");
    std::fs::remove_file(&path).unwrap();
    env.run(["path", thread.thread()]).status(1, "the file does not exist in any form");
    let compressed = thread.clone().compressed();
    compressed.write(&env);
    let outcome = env.run(["path", thread.thread()]);
    outcome.status(0, "the compressed one does");
    outcome.assert_eq(
        &outcome.stdout,
        &format!("{}\n", env.path(&compressed.relative())),
        "and is what exists",
    );
    thread.write(&env);
    let outcome = env.run(["path", thread.thread()]);
    outcome.assert_eq(
        &outcome.stdout,
        &format!("{}\n", env.path(&thread.relative())),
        "where both exist, the plain one",
    );
}

#[test]
fn path_knows_threads_that_only_have_a_file() {
    let env = golden::filled_by_codex();
    let case = golden::case("legacy-2025");
    let outcome = env.run(["path", &case.thread]);
    outcome.status(0, "resolved among file names");
    outcome.assert_eq(&outcome.stdout, &format!("{}\n", env.path(&case.path)), "its path");
}

#[test]
fn path_may_be_restricted() {
    let env = golden::filled_by_codex();
    let (active, archived) = (golden::case("plain").thread, golden::case("archived").thread);
    env.run(["path", "--active", &active]).status(0, "it is active");
    env.run(["path", "--archived", &archived]).status(0, "it is archived");
    for (flag, id) in [("--archived", &active), ("--active", &archived)] {
        let outcome = env.run(["path", flag, id]);
        outcome.status(1, "the answer is no");
        outcome.assert(outcome.stdout.is_empty(), "and no path");
    }
}

#[test]
fn a_thread_is_found_by_id_prefix_and_path() {
    let env = golden::filled_by_codex();
    let case = golden::case("no-provider");
    let path = env.path(&case.path);
    for argument in [case.thread.as_str(), &case.thread[..8], &case.thread[..20], &path] {
        let outcome = env.run(["show", "--format", "json", argument]);
        outcome.status(0, format_args!("{argument} names one thread"));
        let thread = &Show::of(&outcome).threads[0];
        outcome.assert_eq(&thread["id"], &case.thread.as_str().into(), format_args!("{argument}"));
    }
}

#[test]
fn an_ambiguous_prefix_lists_ten_candidates_and_their_number() {
    let env = golden::filled_by_codex();
    for command in [&["show"][..], &["path"], &["verify"], &["backfill", "--dry-run"]] {
        let outcome = env.run([command, &["019ced"]].concat());
        outcome.status(2, "a wrong command line");
        let candidates = env.rows().keys().filter(|id| outcome.stderr.contains(id.as_str())).count();
        outcome
            .assert((1..=10).contains(&candidates), format_args!("at most ten candidates, not {candidates}"));
        outcome.assert(outcome.stderr.contains("61"), "and how many there are in the database");
        outcome.assert(outcome.stdout.is_empty(), "no data");
    }
}

#[test]
fn threads_come_from_stdin_one_a_line() {
    let env = golden::filled_by_codex();
    let (one, two) = (golden::case("plain"), golden::case("archived"));
    let outcome = run_with_input(&env, &["path", "-"], &format!("{}\n{}\n", one.thread, &two.thread));
    outcome.status(0, "both have a rollout");
    let expected = format!("{}\n{}\n", env.path(&one.path), env.path(&two.path));
    outcome.assert_eq(&outcome.stdout, &expected, "a path for each line");
    let input = format!("\u{feff}{}\r\n\n{}", one.thread, two.thread);
    let outcome = run_with_input(&env, &["show", "--format", "json", "-"], &input);
    outcome.status(0, "a byte-order mark, blank lines, a carriage return, no line end at the end");
    outcome.assert_eq(Show::of(&outcome).threads.len(), 2, "two threads");
}

#[test]
fn many_threads_are_shown_in_the_order_asked_for_and_those_without_a_row_are_named() {
    let env = Env::new();
    env.database("empty-2026-08");
    let start = |i: usize| format!("2026-03-14T{:02}:{:02}:00", i / 60, i % 60);
    let rollouts: Vec<_> = (0..200).map(|i| plain(&start(i), "one of many")).collect();
    rollouts.iter().for_each(|rollout| drop(rollout.write(&env)));
    env.run(["backfill"]).status(0, "all are fine");
    let without = [rollouts[3].thread(), rollouts[150].thread()];
    env.sql(&format!("DELETE FROM threads WHERE id IN ('{}', '{}')", without[0], without[1]));
    let asked: Vec<&str> = rollouts.iter().rev().map(|rollout| rollout.thread()).collect();
    let input = [&asked[..], &asked[..20]].concat().join("\n");
    let expected: Vec<&str> = asked.iter().copied().filter(|id| !without.contains(id)).collect();
    for format in ["json", "jsonl", "tsv", "table"] {
        let outcome = run_with_input(&env, &["show", "-", "--format", format], &input);
        outcome.status(1, "two have no row");
        let complaints = outcome.stderr.lines().filter(|line| line.contains("no row in the database"));
        outcome.assert_eq(complaints.count(), 2, "each is named once");
        outcome.assert(without.iter().all(|id| outcome.stderr.contains(id)), "by its id");
        let shown: Vec<&str> = expected.iter().copied().filter(|id| outcome.stdout.contains(id)).collect();
        outcome.assert_eq(shown.len(), expected.len(), "the others are shown");
        let places: Vec<usize> = expected.iter().filter_map(|id| outcome.stdout.find(id)).collect();
        outcome.assert(places.is_sorted(), "in the order asked for, each once");
    }
    let outcome = run_with_input(&env, &["show", "-", "--format", "json"], &input);
    outcome.assert_eq(Show::of(&outcome).threads.len(), expected.len(), "each once");
}

#[test]
fn path_finds_each_of_many_wherever_it_is() {
    let env = Env::new();
    env.database("empty-2026-08");
    let rollouts: Vec<_> = (10..20).map(|hour| plain(&format!("2026-03-14T{hour}:00:00"), "words")).collect();
    let paths: Vec<_> = rollouts.iter().map(|rollout| rollout.write(&env)).collect();
    env.run(["backfill"]).status(0, "all are fine");
    let ids: Vec<&str> = rollouts.iter().map(|rollout| rollout.thread()).collect();
    // One file is gone, one has moved, one has moved to a name that says nothing, and one thread has no row.
    std::fs::remove_file(&paths[1]).unwrap();
    let archived = env.write("archived_sessions/x", "").with_file_name(paths[2].file_name().unwrap());
    std::fs::rename(&paths[2], &archived).unwrap();
    let unnamed = paths[3].with_file_name("rollout-2026-03-14-unnamed.jsonl");
    std::fs::rename(&paths[3], &unnamed).unwrap();
    env.sql(&format!("DELETE FROM threads WHERE id = '{}'", ids[4]));
    let mut expected = paths.clone();
    (expected[2], expected[3]) = (archived, unnamed);
    expected.remove(1);
    let expected: String = expected.iter().map(|path| format!("{}\n", path.display())).collect();
    let outcome = run_with_input(&env, &["path", "-"], &ids.join("\n"));
    outcome.status(1, "one is gone");
    outcome.assert_eq(&outcome.stdout, &expected, "the others are found");
    outcome.assert_eq(outcome.stderr.lines().count(), 1, "one complaint");
    outcome.assert(outcome.stderr.contains(ids[1]), "about the one that is gone");
    // Each thread is found by the path in its row, in either form, with or without a file.
    let typed: String = paths.iter().map(|path| format!("{}.zst\n", path.display())).collect();
    let outcome = run_with_input(&env, &["path", "-"], &typed);
    outcome.assert_eq(&outcome.stdout, &expected, "the same");
}

#[test]
fn no_such_thread_is_1() {
    let env = golden::filled_by_codex();
    for command in ["show", "path", "verify", "backfill"] {
        let outcome = env.run([command, "ffffffff-ffff-7fff-8fff-ffffffffffff"]);
        outcome.status(1, "the answer is no");
        outcome
            .assert(outcome.stderr.contains("ffffffff-ffff-7fff-8fff-ffffffffffff"), "it is named on stderr");
    }
}
