//! Tests `archive --ids-to FILE` and `unarchive --ids-to FILE`: the file gets the ids of the moved threads, so that
//! exactly these can go back.

use std::fs;

use crate::env::Env;
use crate::moving::{self, ALL, PLAIN, agrees, run_with_input};

/// Returns the ids of the archived threads.
fn archived(env: &Env) -> Vec<String> {
    let outcome = env.run(["list", "--archived", "--hidden", "--ids"]);
    let mut ids: Vec<String> = outcome.stdout.lines().map(str::to_owned).collect();
    ids.sort();
    ids
}

#[test]
fn the_ids_of_what_was_moved_take_it_back() {
    let env = moving::home("empty-2026-08");
    env.run(["archive", PLAIN]).status(0, "one is archived already");
    let file = env.outside("ids.txt");
    let name = file.to_str().unwrap();
    let dry = env.run(["archive", "--dry-run", "--ids-to", name].iter().chain(&ALL));
    dry.status(0, "a preview");
    assert!(!file.exists(), "a dry run writes nothing");
    let outcome = env.run(["archive", "--ids-to", name].iter().chain(&ALL));
    outcome.status(0, "the rest goes");
    let mut ids: Vec<String> = fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
    ids.sort();
    assert_eq!(ids, &ALL[1..], "those that moved alone");
    outcome.assert(outcome.stderr.contains(&format!("codex-state unarchive - < {name} undoes it")), "how");
    let back =
        run_with_input(&env, &["unarchive", "-", "--ids-to", name], &fs::read_to_string(&file).unwrap());
    back.status(0, "the same go back");
    back.assert(
        back.stderr.contains(&format!("codex-state archive - < {name} undoes it")),
        "and the other way",
    );
    assert_eq!(archived(&env), [PLAIN], "and no other");
    agrees(&env, "after the way there and back");
    env.run(["archive", PLAIN, "--ids-to", name]).status(0, "nothing moves");
    assert_eq!(fs::read_to_string(&file).unwrap(), "", "an older list would take back what did not move");
    fs::write(&file, PLAIN).unwrap();
    env.run(["archive", "deadbeef", "--format", "table", "--ids-to", name]).status(1, "no such thread");
    assert_eq!(fs::read_to_string(&file).unwrap(), "", "nothing moved");
}

#[test]
fn few_ids_are_in_the_hint_and_many_are_asked_to_be_kept() {
    let env = moving::home("empty-2026-08");
    let outcome = env.run(["archive"].iter().chain(&ALL));
    let hint = format!("hint: codex-state unarchive {} undoes it", ALL.join(" "));
    outcome.assert(outcome.stderr.contains(&hint), "five ids");
    let ids: Vec<String> = (0..6)
        .map(|n| {
            let thread = crate::rollouts::plain(&format!("2026-04-0{}T10:00:00", n + 1), "words");
            thread.write(&env);
            thread.thread().to_owned()
        })
        .collect();
    let outcome = env.run(["archive"].into_iter().chain(ids.iter().map(String::as_str)));
    outcome.assert(outcome.stderr.contains("--ids-to FILE"), "six ids");
}

#[test]
fn a_file_of_codex_is_refused_before_anything_moves() {
    let env = moving::home("empty-2026-08");
    let before = env.tree();
    for name in ["state_5.sqlite", "session_index.jsonl", "config.toml", "state_5.sqlite-wal"] {
        let outcome = env.run(["archive", PLAIN, "--ids-to", &env.path(name)]);
        outcome.status(2, name);
        outcome.assert(outcome.stderr.contains("cannot write"), "which is said");
    }
    env.run(["archive", PLAIN, "--ids-to", "/no/such/folder/x"]).status(2, "no folder");
    let same = env.outside("same");
    let same = same.to_str().unwrap();
    env.run(["archive", PLAIN, "--ids-to", same, "--metrics", same]).status(2, "one file for two things");
    assert_eq!(before.difference(&env.tree()), "");
    let outcome = env.run(["archive", PLAIN, "--ids-to", "/dev/stderr"]);
    outcome.assert(outcome.stderr.contains(&format!("{PLAIN}\n")), "a device is written through");
}
