//! Tests archive and unarchive of many threads at once: through standard input, with their descendants, as a dry run,
//! in every format.

use std::collections::BTreeMap;

use crate::env::Env;
use crate::golden;
use crate::moving::{
    self, ALL, CHILD, COMPRESSED, Moved, PLAIN, REVERTED, TWINS, agrees, contents, dry_then_real,
    run_with_input,
};
use crate::rollouts::{Rollout, plain};
use serde_json::json;

#[test]
fn hundreds_through_standard_input() {
    const THREADS: usize = 300;
    let env = Env::new();
    env.database("empty-2026-08");
    let mut ids = String::new();
    for number in 0..THREADS {
        let start = format!("2026-03-{:02}T{:02}:{:02}:00", 1 + number / 60, number % 24, number % 60);
        let rollout = plain(&start, "a thread of many");
        rollout.write(&env);
        ids += &format!("{}\n", rollout.thread());
    }
    env.run(["backfill"]).status(0, "all are fine");
    let before = contents(&env);
    let n_threads = env.rows().len();
    let outcome = run_with_input(&env, &["archive", "-", "--format", "json"], &ids);
    outcome.status(0, "all go");
    outcome.assert_eq(Moved::of(&outcome).counts(), [n_threads, 0, 0], "each once");
    agrees(&env, "after archive");
    let outcome = env.run(["list", "--archived", "--ids"]);
    outcome.assert_eq(outcome.stdout.lines().count(), n_threads, "all are archived");
    let archived = outcome.stdout;
    run_with_input(&env, &["unarchive", "-"], &archived).status(0, "and back");
    agrees(&env, "after unarchive");
    assert_eq!(contents(&env), before);
    let backups = std::fs::read_dir(env.home().join("codex-state-backups")).unwrap().count();
    assert_eq!(backups, 1, "one backup an hour");
}

#[test]
fn descendants_come_along_and_missing_parents_are_no_problem() {
    for schema in golden::SCHEMAS {
        let env = moving::home(schema);
        let spawned = |start: &str, parent: &str| {
            let source = json!({"subagent": {"thread_spawn": {"parent_thread_id": parent, "depth": 1}}});
            plain(start, "spawned").meta(|meta| meta.source(source))
        };
        let grandchild = spawned("2026-03-15T10:00:00", CHILD);
        grandchild.write(&env);
        env.run(["backfill"]).status(0, "one with a row");
        // The orphan's parent has neither row nor file, and the orphan has no row.
        let missing = "dddddddd-1000-7000-8000-000000000000";
        let orphan = spawned("2026-03-16T10:00:00", missing);
        orphan.write(&env);
        let lost = spawned("2026-03-17T10:00:00", grandchild.thread());
        lost.write(&env);

        let outcome = dry_then_real(&env, &["archive", PLAIN, "--recursive"]);
        outcome.status(0, format_args!("on {schema}"));
        let moved = Moved::of(&outcome);
        let expected: BTreeMap<&str, &str> = [PLAIN, CHILD, grandchild.thread(), lost.thread()]
            .into_iter()
            .map(|id| (id, "archived"))
            .collect();
        outcome.assert_eq(moved.statuses(), expected, format_args!("the whole family, on {schema}"));
        outcome.assert_eq(moved.threads[0].id.as_deref(), Some(PLAIN), "the parent first");
        assert_eq!(env.row(TWINS)["archived"], 0, "no other thread");

        let outcome = env.run(["archive", "--recursive", orphan.thread(), "--format", "json"]);
        outcome.status(0, "its parent does not matter");
        outcome.assert_eq(Moved::of(&outcome).counts(), [1, 0, 0], "itself");
        env.run(["unarchive", "-r", PLAIN]).status(0, "and back");
        env.run(["unarchive", orphan.thread()]).status(0, "and back");
        agrees(&env, &format!("with everything back, on {schema}"));
    }
}

#[test]
fn without_recursive_descendants_stay() {
    let env = moving::home("empty-2026-08");
    env.run(["archive", PLAIN]).status(0, "one");
    assert_eq!(env.row(CHILD)["archived"], 0);
}

#[test]
fn a_dry_run_promises_what_is_done() {
    for schema in golden::SCHEMAS {
        let env = moving::home(schema);
        env.run(["archive", TWINS]).status(0, "one is there already");
        let odd = plain("2026-03-20T10:00:00", "odd").file_name("rollout-2026-03-20-odd.jsonl");
        odd.write(&env);
        let unknown = Rollout::new("2026-03-22T10:00:00").user("without a row");
        unknown.write(&env);
        env.sql(&format!("DELETE FROM threads WHERE id = '{COMPRESSED}'"));
        let all: Vec<&str> = ALL.into_iter().chain([odd.thread(), unknown.thread()]).collect();
        let args = |verb| std::iter::once(verb).chain(all.iter().copied()).collect::<Vec<_>>();
        let outcome = dry_then_real(&env, &args("archive"));
        outcome.assert_eq(Moved::of(&outcome).counts(), [5, 1, 0], "the odd one is not found by its id");
        let outcome = dry_then_real(&env, &args("unarchive"));
        outcome.assert_eq(Moved::of(&outcome).counts(), [6, 0, 0], "and back");
    }
}

#[test]
fn what_is_planned_of_many_long_threads_is_decided_again_when_its_turn_comes() {
    let env = Env::new();
    env.database("empty-2026-08");
    let long = "word ".repeat(100_000);
    let rollouts: Vec<Rollout> =
        (0..8).map(|hour| plain(&format!("2026-03-14T{hour:02}:00:00"), &long)).collect();
    rollouts.iter().for_each(|rollout| drop(rollout.write(&env)));
    env.run(["backfill"]).status(0, "all are fine");
    let ids: Vec<&str> = rollouts.iter().map(Rollout::thread).collect();
    for (verb, n_unchanged) in [("archive", 0), ("archive", 8), ("unarchive", 0)] {
        let args = [&[verb][..], &ids].concat();
        let outcome = if n_unchanged == 0 {
            dry_then_real(&env, &args)
        } else {
            env.run([&args[..], &["--format", "json"]].concat())
        };
        outcome.status(0, "all go");
        outcome.assert_eq(Moved::of(&outcome).counts(), [8 - n_unchanged, n_unchanged, 0], "each once");
        agrees(&env, verb);
    }
}

#[test]
fn the_base_of_a_fork_may_go_first() {
    let env = moving::home("empty-2026-08");
    let fork = |start: &str| {
        let history = json!({"thread_id": REVERTED, "end_ordinal_exclusive": 2, "end_byte_offset": 600});
        Rollout::new(start).meta(|meta| meta.paginated().set("history_base", history)).tokens(3)
    };
    let forks = ["2026-03-23T10:00:00", "2026-03-24T10:00:00"].map(fork);
    forks.iter().for_each(|fork| drop(fork.write(&env)));
    let ids = forks.each_ref().map(|fork| fork.thread());
    let outcome = env.run(["archive", REVERTED, ids[0], ids[1]]);
    outcome.status(0, "in any order");
    agrees(&env, "with what they have of their base");
}

#[test]
fn machines_get_a_record_a_thread() {
    let env = moving::home("empty-2026-08");
    let outcome = env.run(["archive", PLAIN, TWINS]);
    outcome.status(0, "in a pipe");
    let lines: Vec<Vec<&str>> = outcome.stdout.lines().map(|line| line.split('\t').collect()).collect();
    outcome.assert_eq(&lines[0], &vec!["id", "status", "from", "to", "error"], "a header");
    outcome.assert_eq(lines[1][..2].to_vec(), vec![PLAIN, "archived"], "a line");
    outcome.assert(outcome.stderr.contains("codex-state unarchive"), "how it is undone");
    let outcome = env.run(["archive", PLAIN, COMPRESSED, "--format", "jsonl"]);
    let lines: Vec<serde_json::Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    outcome.assert_eq(&lines[0]["status"], &"unchanged".into(), "as JSON");
    outcome.assert_eq(&lines[1]["status"], &"archived".into(), "as JSON");
    let outcome = env.run(["unarchive", PLAIN, "--format", "table", "--quiet"]);
    outcome.assert(outcome.stdout.contains("unarchived") && outcome.stderr.is_empty(), "for people");
}

#[test]
fn a_backup_is_kept_before_the_first_change_unless_it_is_declined() {
    let env = moving::home("empty-2026-08");
    let _ = std::fs::remove_dir_all(env.home().join("codex-state-backups"));
    env.run(["archive", "--no-backup", PLAIN]).status(0, "without");
    assert!(!env.home().join("codex-state-backups").exists());
    env.run(["archive", PLAIN]).status(0, "nothing to do");
    assert!(!env.home().join("codex-state-backups").exists());
    env.run(["unarchive", PLAIN]).status(0, "with");
    assert_eq!(std::fs::read_dir(env.home().join("codex-state-backups")).unwrap().count(), 1);
}
