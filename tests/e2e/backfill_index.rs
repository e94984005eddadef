//! Tests `backfill --index`: it appends the names that session_index.jsonl lacks, one line for each thread, and
//! changes nothing else.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::env::Env;
use crate::outcome::Outcome;
use crate::rollouts::{Meta, Rollout, plain};
use crate::specimen::{self, LEGACY, PAGINATED};

const INDEX: &str = "session_index.jsonl";

/// Returns a home in which two threads have names that the index lacks.
fn named() -> Env {
    let env = specimen::filled("empty-2026-08");
    env.sql(&format!(
        "UPDATE threads SET name = ' Basin \"log\" ' WHERE id = '{PAGINATED}';
         UPDATE threads SET title = 'Lock survey' WHERE id = '{LEGACY}'"
    ));
    env
}

fn text(env: &Env) -> String {
    fs::read_to_string(env.home().join(INDEX)).unwrap_or_default()
}

/// Returns the names of the index by thread. Fails if a thread is there twice.
#[track_caller]
fn names(env: &Env) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for line in text(env).lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let [id, name] = ["id", "thread_name"].map(|key| line[key].as_str().unwrap().to_owned());
        assert_eq!(names.insert(id.clone(), name), None, "{id} stands twice");
    }
    names
}

#[track_caller]
fn indexed(env: &Env, args: &[&str], n: u64, why: &str) -> Outcome {
    let outcome = env.run(["backfill", "--index", "--format", "json"].iter().chain(args));
    outcome.status(0, why);
    outcome.assert_eq(outcome.json()["indexed"].as_u64(), Some(n), why);
    outcome
}

#[test]
fn names_are_appended_once_as_codex_writes_them() {
    let env = named();
    let before = env.tree();
    indexed(&env, &["--dry-run"], 2, "a dry run counts them");
    assert_eq!(before.difference(&env.tree()), "", "and changes nothing");
    let rows = env.rows();
    indexed(&env, &[], 2, "both are appended");
    let line = |id: &str, name: &str| {
        format!("{{\"id\":\"{id}\",\"thread_name\":\"{name}\",\"updated_at\":\"2026-09-01T12:00:00Z\"}}\n")
    };
    assert_eq!(text(&env), line(LEGACY, "Lock survey") + &line(PAGINATED, "Basin \\\"log\\\""));
    assert_eq!(env.rows(), rows, "no row changes");
    let after = env.tree();
    indexed(&env, &[], 0, "nothing is left to append");
    indexed(&env, &["--dry-run"], 0, "nor counted");
    assert_eq!(after.difference(&env.tree()), "");
    env.run(["verify", "--strict"]).status(0, "and verify agrees");
    let plain = env.run(["backfill", "--format", "json"]);
    plain.assert(plain.json().get("indexed").is_none(), "the key is there with --index alone");
}

#[test]
fn verify_names_the_command_and_people_read_what_was_done() {
    let env = named();
    let outcome = env.run(["verify"]);
    outcome.assert(outcome.stderr.contains("codex-state backfill --index repairs index_missing"), "a hint");
    let outcome = env.run(["backfill", "--index", "--dry-run"]);
    outcome.assert(outcome.stderr.contains("2 names would be appended to "), "a dry run");
    let outcome = env.run(["backfill", "--index", "--format", "tsv"]);
    outcome.assert(outcome.stderr.contains("2 names appended to "), "the run");
    outcome.assert(outcome.stdout.lines().next().unwrap().ends_with("\tindexed"), "a column");
    outcome.assert(outcome.stdout.lines().nth(1).unwrap().ends_with("\t2"), "and its cell");
    let outcome = env.run(["backfill", "--index"]);
    outcome.assert(outcome.stderr.contains("no name is missing in "), "good news is said too");
}

#[test]
fn what_is_there_stays_and_a_torn_line_is_ended_first() {
    let env = named();
    let whole = format!(
        "{{\"id\":\"{LEGACY}\",\"thread_name\":\"Older\",\"updated_at\":\"2026-03-05T00:00:00Z\"}}\n"
    );
    let torn = format!("{whole}{{\"id\":\"{PAGINATED}\",\"thread_na");
    env.write(INDEX, &torn);
    indexed(&env, &[], 1, "the thread of the torn line alone has no name there");
    let after = text(&env);
    assert!(after.starts_with(&format!("{torn}\n")), "{after}");
    assert_eq!(names(&env)[PAGINATED], "Basin \"log\"");
    assert_eq!(names(&env)[LEGACY], "Older", "a name that is there is not replaced");
    indexed(&env, &[], 0, "a second run has nothing to do");
}

#[test]
fn titles_that_the_rollout_explains_are_no_names() {
    let env = Env::new();
    env.database("empty-2026-08");
    let request = plain("2026-03-14T10:00:00", "context\n## My request for Codex:\ndig a canal");
    request.write(&env);
    env.run(["backfill"]).status(0, "filled");
    indexed(&env, &["--dry-run"], 0, "the title is the request");
    env.sql("UPDATE threads SET title = 'Canal'");
    indexed(&env, &["--quick"], 0, "without the rollout a title may be an older one");
    indexed(&env, &["--dry-run"], 1, "a person wrote this one");
    env.sql("DELETE FROM threads");
    indexed(&env, &["--dry-run"], 0, "nor is the title of a row that is to come a name");
    indexed(&env, &[], 0, "nor when it came");
}

#[test]
fn only_the_threads_asked_for() {
    let env = named();
    indexed(&env, &[PAGINATED], 1, "one thread");
    assert_eq!(names(&env).into_keys().collect::<Vec<_>>(), [PAGINATED]);
}

#[test]
fn names_that_come_from_another_database_are_counted_beforehand() {
    let env = named();
    let backup = env.outside("names.sqlite");
    env.run(["backup", backup.to_str().unwrap()]).status(0, "with the names");
    env.sql(&format!(
        "DELETE FROM threads WHERE id = '{PAGINATED}'; UPDATE threads SET title = first_user_message"
    ));
    let facts = ["--facts-from", backup.to_str().unwrap()];
    indexed(&env, &[facts[0], facts[1], "--dry-run"], 2, "a preview");
    indexed(&env, &facts, 2, "the run");
    assert_eq!(names(&env).len(), 2);
}

#[test]
fn rows_that_are_pruned_are_not_indexed() {
    let env = named();
    fs::remove_file(env.row(PAGINATED)["rollout_path"].as_str().unwrap()).unwrap();
    env.sql("UPDATE threads SET updated_at = 1773136800, updated_at_ms = 1773136800000");
    indexed(&env, &["--prune", "--dry-run"], 1, "a preview");
    indexed(&env, &["--prune", "--yes"], 1, "the run");
    assert_eq!(names(&env).into_keys().collect::<Vec<_>>(), [LEGACY]);
}

#[test]
fn an_index_without_end_is_left_alone() {
    let env = named();
    let path = env.write(INDEX, "");
    fs::File::options().write(true).open(&path).unwrap().set_len(100 << 30).unwrap();
    let outcome = env.run(["backfill", "--index"]);
    outcome.status(1, "not everything was done");
    outcome.assert(outcome.stderr.contains("session_index.jsonl: too long"), "it is named");
    assert_eq!(fs::metadata(&path).unwrap().len(), 100 << 30);
}

#[cfg(unix)]
#[test]
fn an_index_that_cannot_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = named();
    let path = env.write(INDEX, "");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    env.obey_permissions();
    let outcome = env.run(["backfill", "--index", "--format", "json"]);
    outcome.status(1, "not everything was done");
    outcome.assert(outcome.stderr.contains("session_index.jsonl: Permission denied"), "it is named");
    outcome.assert_eq(outcome.json()["indexed"].as_u64(), Some(0), "nothing was appended");

    let env = named();
    let real = env.outside("elsewhere/index.jsonl");
    fs::write(&real, "").unwrap();
    std::os::unix::fs::symlink(&real, env.home().join(INDEX)).unwrap();
    indexed(&env, &[], 2, "a link is followed, as Codex does");
    assert_eq!(fs::read_to_string(&real).unwrap().lines().count(), 2);

    fs::remove_file(env.home().join(INDEX)).unwrap();
    std::os::unix::fs::symlink("/dev/null", env.home().join(INDEX)).unwrap();
    let outcome = env.run(["backfill", "--index"]);
    outcome.status(1, "but not to a device");
    outcome.assert(outcome.stderr.contains("regular file"), "which is said");
}

/// Returns a home with so many named threads that their lines take several writes.
fn many() -> Env {
    let env = Env::new();
    env.database("empty-2026-08");
    for n in 0..300 {
        let start = format!("2026-03-{:02}T10:{:02}:00", 1 + n / 60, n % 60);
        Rollout::new(&start).user("words").meta(Meta::paginated).write(&env);
    }
    env.run(["backfill"]).status(0, "filled");
    env.sql("UPDATE threads SET name = id || hex(zeroblob(200))");
    env
}

#[test]
fn many_names_take_several_writes() {
    let env = many();
    indexed(&env, &["--dry-run"], 300, "a preview");
    indexed(&env, &[], 300, "all");
    assert_eq!(names(&env).len(), 300);
    assert!(text(&env).len() > 2 * 64 * 1024, "several writes");
}

#[cfg(feature = "fault-points")]
#[test]
fn killed_between_two_writes_it_is_completed_by_the_same_command() {
    let env = many();
    let mut command = env.command(["backfill", "--index"]);
    command.env("CODEX_STATE_FAULT", "index:appended");
    let crash = env.finish(command);
    crash.assert(crash.died(), "it died");
    let n = names(&env).len() as u64;
    assert!(n > 0 && n < 300, "{n} lines were written, all whole");
    // A power failure may leave only a part of the last line.
    let half = text(&env);
    fs::write(env.home().join(INDEX), &half[..half.len() - 30]).unwrap();
    indexed(&env, &[], 300 - n + 1, "the rest, and the torn line again");
    assert_eq!(names(&env).len(), 300);
    indexed(&env, &[], 0, "nothing is left");
}
