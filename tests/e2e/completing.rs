//! Tests dynamic completion: it offers ids of threads with escaped titles, and prints nothing when it has nothing to
//! offer.

use crate::env::Env;
use crate::golden;
use crate::outcome::Outcome;
use crate::specimen::{self, ARCHIVED, LEGACY, SPAWNED};

/// Returns what fish gets for the last of these words: one candidate for each line, with its help after a tab.
fn complete(env: &Env, words: &[&str]) -> Outcome {
    let mut command = env.command(["--", "codex-state"].iter().chain(words));
    command.env("CODEX_STATE_COMPLETE", "fish");
    let outcome = env.finish(command);
    outcome.status(0, "never an error between two keys");
    outcome.assert(outcome.stderr.is_empty(), "nor a word on the terminal");
    outcome
}

/// Returns the candidates that are threads.
fn ids(outcome: &Outcome) -> Vec<&str> {
    let candidates = outcome.stdout.lines().map(|line| line.split('\t').next().unwrap());
    candidates.filter(|candidate| !candidate.starts_with('-')).collect()
}

#[test]
fn threads_are_offered_with_their_titles_the_latest_first() {
    let env = specimen::filled("empty-2026-08");
    let before = env.tree();
    let outcome = complete(&env, &["show", ""]);
    outcome.assert_eq(ids(&outcome).len(), env.rows().len(), "all, hidden and archived ones too");
    let line = |id: &str| outcome.stdout.lines().find(|line| line.starts_with(id)).unwrap().to_owned();
    outcome.assert_eq(line(LEGACY), format!("{LEGACY}\tlegacy words"), "id and title");
    let place = |id: &str| ids(&outcome).iter().position(|other| *other == id).unwrap();
    outcome.assert(place(SPAWNED) < place(LEGACY), "the latest first");
    for command in ["path", "archive", "unarchive", "prune", "backfill", "verify"] {
        let outcome = complete(&env, &[command, "20260303"]);
        outcome.assert_eq(ids(&outcome), vec![ARCHIVED], format_args!("{command}: what begins so"));
    }
    assert_eq!(before.difference(&env.tree()), "", "completing is reading");
}

#[test]
fn the_database_that_is_named_is_asked() {
    let env = specimen::filled("empty-2026-08");
    let elsewhere = env.outside("elsewhere/state_5.sqlite");
    std::fs::copy(golden::database("filled-2026-08"), &elsewhere).unwrap();
    let (file, folder) = (elsewhere.to_str().unwrap(), elsewhere.parent().unwrap().to_str().unwrap());
    for option in [&["--db", file][..], &["--sqlite-home", folder], &[&format!("--db={file}")]] {
        let outcome = complete(&env, &[option, &["show", "019ced48"]].concat());
        outcome.assert_eq(ids(&outcome).len(), 1, "a thread of that database");
    }
}

#[test]
fn a_path_is_completed_where_one_is_typed() {
    let env = specimen::filled("empty-2026-08");
    let path = env.row(LEGACY)["rollout_path"].as_str().unwrap().to_owned();
    let outcome = complete(&env, &["show", &path[..path.len() - 9]]);
    outcome.assert_eq(ids(&outcome), vec![&*path], "a rollout is a name of its thread");
}

#[test]
fn a_title_cannot_act_on_the_terminal() {
    let env = specimen::filled("empty-2026-08");
    env.sql("UPDATE threads SET title = 'a' || char(27) || '[2Jb' || char(10) || 'c' || char(9) || 'd', name = NULL");
    let outcome = complete(&env, &["show", LEGACY]);
    outcome.assert(!outcome.stdout.contains('\x1b'), "no escape sequence");
    outcome.assert_eq(outcome.stdout.lines().filter(|line| line.starts_with(LEGACY)).count(), 1, "one line");
}

#[test]
fn where_nothing_can_be_said_nothing_is_said() {
    let env = Env::new();
    let silent = |env: &Env, words: &[&str]| {
        let outcome = complete(env, words);
        outcome.assert_eq(ids(&outcome), Vec::<&str>::new(), "no thread");
    };
    silent(&env, &["show", ""]);
    silent(&env, &["--db", "/nowhere/x.sqlite", "show", ""]);
    silent(&env, &["--db"]);
    env.write("state_5.sqlite", "this is not an SQLite database".repeat(99));
    silent(&env, &["show", "2"]);
    let env = specimen::filled("empty-2026-08");
    silent(&env, &["show", "no id"]);
    env.write("state_5.sqlite-wal", "a log whose index is gone".repeat(99));
    silent(&env, &["show", "2"]);
}

#[test]
fn an_unknown_shell_is_named_when_it_is_set_up() {
    let env = Env::new();
    let mut command = env.command::<_, &str>([]);
    command.env("CODEX_STATE_COMPLETE", "tcsh");
    let outcome = env.finish(command);
    outcome.status(2, "it cannot be set up");
    outcome.assert(outcome.stderr.contains("unknown shell `tcsh`"), "and why");
}
