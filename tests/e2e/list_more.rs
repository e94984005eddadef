//! Tests `list` by size, model, branch, pin and several words, `show --columns`, and `path` of several threads.

use std::fs;

use crate::env::Env;
use crate::golden;
use crate::outcome::Outcome;
use crate::rollouts::{Meta, Rollout, plain};

fn ids(outcome: &Outcome) -> Vec<String> {
    outcome.status(0, "a list");
    outcome.stdout.lines().map(str::to_owned).collect()
}

/// Returns a home with threads whose rollouts differ in size, except for two. The rollout of the last one is gone.
fn sized() -> (Env, Vec<String>) {
    let env = Env::new();
    env.database("empty-2026-08");
    let words = ["a", "bb", "bb", "ccc", "dddd", "e"];
    let threads: Vec<Rollout> = words
        .iter()
        .enumerate()
        .map(|(n, words)| plain(&format!("2026-03-{:02}T10:00:00", n + 1), &words.repeat(50)))
        .collect();
    let files: Vec<_> = threads.iter().map(|thread| thread.write(&env)).collect();
    env.run(["backfill"]).status(0, "filled");
    fs::remove_file(files.last().unwrap()).unwrap();
    // The largest first, of two equal ones that with the greater id, and last the one without a file.
    (env, [4, 3, 2, 1, 0, 5].map(|n: usize| threads[n].thread().to_owned()).into())
}

#[test]
fn the_largest_rollouts_first() {
    let (env, order) = sized();
    let by_size = |more: &[&str]| ids(&env.run(["list", "--sort", "size", "--ids"].iter().chain(more)));
    assert_eq!(by_size(&[]), order);
    let reversed: Vec<String> = order.iter().rev().cloned().collect();
    assert_eq!(by_size(&["--reverse"]), reversed);
    assert_eq!(by_size(&["-n", "3"]), order[..3]);
    assert_eq!(by_size(&["dddd"]), order[..1], "with a search");
    let sizes = env.run(["list", "--sort", "size", "--columns", "size", "--no-header"]);
    let sizes: Vec<u64> = sizes.stdout.lines().filter_map(|line| line.parse().ok()).collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b) && sizes.len() == 5, "{sizes:?}");
    let table = env.run(["list", "--sort", "size", "--format", "table"]);
    table.assert(table.stdout.lines().next().unwrap().contains("SIZE"), "a table shows the sizes");
}

#[test]
fn pages_by_size_lose_and_repeat_nothing() {
    let (env, order) = sized();
    for reverse in [false, true] {
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut args = vec!["list", "--sort", "size", "-n", "2", "--format", "json"];
            args.extend(reverse.then_some("--reverse"));
            args.extend(cursor.iter().flat_map(|cursor| ["--after", cursor]));
            let page = env.run(&args).json();
            let rows = page["threads"].as_array().unwrap();
            found.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            assert_eq!(page["scanned"], 6);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        if reverse {
            found.reverse();
        }
        assert_eq!(found, order);
        let other = env.run(["list", "--after", &cursor.unwrap()]);
        other.status(2, "a cursor of another order");
        other.assert(other.stderr.contains("--sort size"), "which is said");
    }
}

#[test]
fn models_branches_and_pins_choose() {
    let env = Env::new();
    env.database("empty-2026-08");
    let git = |branch: &'static str| move |meta: Meta| meta.git("0123", branch, "https://example.com/r.git");
    let one = Rollout::new("2026-03-01T10:00:00").meta(git("main")).user("dig a canal").turn("gpt-5", "high");
    let two = Rollout::new("2026-03-02T10:00:00").meta(git("lock")).user("Dig a lock").turn("gpt-5", "high");
    let three = Rollout::new("2026-03-03T10:00:00").user("a lock and a canal").turn("o9", "high");
    let [one, two, three] = [one, two, three].map(|thread| {
        thread.write(&env);
        thread.thread().to_owned()
    });
    env.run(["backfill"]).status(0, "filled");
    env.sql(&format!("UPDATE threads SET is_pinned = 1 WHERE id = '{two}'"));
    let found = |args: &[&str]| ids(&env.run(["list", "--ids"].iter().chain(args))).join(" ");
    let both = format!("{two} {one}");
    assert_eq!(found(&["--model", "gpt-5"]), both);
    assert_eq!(found(&["--model", "gpt-5", "--model", "o9"]), format!("{three} {both}"));
    assert_eq!(found(&["--branch", "lock"]), two);
    assert_eq!(found(&["--branch", "lock", "--branch", "main"]), both);
    assert_eq!(found(&["--pinned"]), two);
    assert_eq!(found(&["lock"]), format!("{three} {two}"));
    assert_eq!(found(&["LOCK", "canal"]), three, "each word must be there");
    assert_eq!(found(&["--search", "dig", "--search", "lock"]), two);
    assert_eq!(found(&["dig", "--search", "canal"]), one);
    assert_eq!(found(&["dig a canal"]), one, "quoted words are one text");
    assert_eq!(found(&["--sort", "size", "--model", "o9"]), three);
}

#[test]
fn an_id_for_a_word_leads_to_show() {
    let (env, order) = sized();
    let outcome = env.run(["list", &order[0][..8], "--format", "table"]);
    outcome.status(0, "an empty list");
    outcome.assert(outcome.stderr.contains(&format!("codex-state show {}", &order[0][..8])), "a hint");
}

#[test]
fn a_column_that_the_database_lacks_is_no_empty_answer() {
    let env = Env::new();
    env.database("empty-2026-01");
    plain("2026-03-01T10:00:00", "words").write(&env);
    env.run(["backfill"]).status(0, "filled");
    for args in [&["list", "--pinned"][..], &["list", "--model", "gpt-5"]] {
        let outcome = env.run(args);
        outcome.status(2, "it cannot be told");
        outcome.assert(outcome.stderr.contains("this database has no column"), "why");
    }
    env.run(["list", "--branch", "main"]).status(0, "branches were there from the beginning");
}

#[test]
fn show_prints_the_columns_that_were_asked_for() {
    let env = golden::filled_by_codex();
    let id = golden::case("plain").thread;
    let outcome = env.run(["show", &id, "--columns", "title,id", "--format", "tsv"]);
    let row = env.row(&id);
    let expected = format!("title\tid\n{}\t{id}\n", row["title"].as_str().unwrap());
    outcome.assert_eq(&*outcome.stdout, &*expected, "in this order");
    let json = env.run(["show", &id, "--columns", "id", "--format", "json"]).json();
    assert_eq!(json["threads"][0].as_object().unwrap().len(), 1);
    env.sql("ALTER TABLE threads ADD COLUMN of_the_future TEXT DEFAULT 'x'");
    let future = env.run(["show", &id, "--columns", "of_the_future", "--format", "tsv", "--no-header"]);
    future.assert_eq(&*future.stdout, "x\n", "a column that this program does not know");
    let wrong = env.run(["show", &id, "--columns", "titel"]);
    wrong.status(2, "no such column");
    wrong.assert(wrong.stderr.contains("no column is called \"titel\""), "which is said");
    wrong.assert(wrong.stderr.contains("one of id, rollout_path"), "with those there are");
    for command in ["show", "list"] {
        let help = env.run([command, "--help"]);
        help.assert(help.stdout.contains("rollout_path, created_at"), "the help lists them");
    }
}

#[test]
fn a_time_is_shown_once() {
    let env = golden::filled_by_codex();
    let id = golden::case("plain").thread;
    let count = |args: &[&str]| {
        let outcome = env.run(["show", &id, "--format", "table"].iter().chain(args));
        outcome.stdout.lines().filter(|line| line.contains("_at_ms:") && !line.starts_with("section")).count()
    };
    assert_eq!(count(&[]), 0, "seconds and milliseconds are one time");
    assert!(count(&["--verbose"]) > 1, "to those who want to know");
    assert_eq!(count(&["--columns", "updated_at_ms"]), 1, "or ask for it");
    env.sql(&format!("UPDATE threads SET updated_at_ms = updated_at_ms + 5000 WHERE id = '{id}'"));
    assert_eq!(count(&[]), 1, "two times that differ");
}

#[test]
fn paths_of_several_threads() {
    let env = golden::filled_by_codex();
    let [one, other] = ["plain", "archived"].map(|case| golden::case(case).thread);
    let single = |id: &str| env.run(["path", id]).stdout;
    let both = env.run(["path", &one, &other]);
    both.status(0, "both are there");
    both.assert_eq(&both.stdout, &(single(&one) + &single(&other)), "a line for each, in their order");
    let some = env.run(["path", &one, "deadbeef", &other]);
    some.status(1, "one is not there");
    some.assert_eq(&some.stdout, &both.stdout, "the rest is printed");
    fs::remove_file(single(&one).trim()).unwrap();
    let some = env.run(["path", &one, &other]);
    some.status(1, "one file is gone");
    some.assert_eq(&some.stdout, &single(&other), "the rest is printed");
}
