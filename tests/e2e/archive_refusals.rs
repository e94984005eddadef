//! Tests what archive and unarchive refuse: each refusal has a reason, changes neither file nor row, and does not
//! stop the others.

use std::fs;
use std::path::PathBuf;

use crate::env::{Env, mtime};
use crate::golden;
use crate::moving::{self, COMPRESSED, Moved, PLAIN, REVERTED, TWINS, agrees, contents, hold, writer_lock};
use crate::rollouts::plain;

/// Archives this thread and a sound one. The first must be refused with `reason` and stay unchanged; the second must
/// be archived.
#[track_caller]
fn check(env: &Env, id: &str, reason: &str) {
    check_verb(env, "archive", id, reason);
}

#[track_caller]
fn check_verb(env: &Env, verb: &str, id: &str, reason: &str) {
    let (files, row) = (moving::files(env), env.rows().remove(id));
    let mine = |files: std::collections::BTreeMap<String, (String, Vec<u8>)>| {
        files.into_iter().filter(|(name, _)| !name.contains(COMPRESSED)).collect::<Vec<_>>()
    };
    let dry = env.run([verb, id, "--dry-run", "--format", "json"]);
    let outcome = env.run([verb, id, COMPRESSED, "--format", "json"]);
    outcome.status(1, "one of two");
    let moved = Moved::of(&outcome);
    let refused = moved.threads.iter().find(|thread| thread.id.as_deref() == Some(id)).unwrap();
    let error = refused.error.as_deref().unwrap_or_default();
    outcome.assert(error.contains(reason), format_args!("the reason {reason:?}"));
    outcome.assert(outcome.stderr.contains(id) && outcome.stderr.contains(reason), "stderr names both");
    outcome.assert_eq(moved.statuses()[COMPRESSED] != "failed", true, "the other one is done");
    outcome.assert_eq(mine(moving::files(env)), mine(files), "no file of it moved");
    outcome.assert_eq(env.rows().remove(id), row, "its row is as it was");
    let promised = Moved::of(&dry);
    dry.assert_eq(promised.threads[0].error.as_deref(), Some(error), "the dry run said so");
}

fn path_of(env: &Env, id: &str) -> PathBuf {
    PathBuf::from(env.row(id)["rollout_path"].as_str().unwrap())
}

#[test]
fn a_name_that_is_taken() {
    let env = moving::home("empty-2026-08");
    let path = path_of(&env, PLAIN);
    let taken = env.home().join("archived_sessions").join(path.file_name().unwrap());
    fs::create_dir_all(taken.parent().unwrap()).unwrap();
    // The restored copy is equal in every byte, but this command cannot know which of the two is the right one.
    fs::copy(&path, &taken).unwrap();
    let (outcome, before) = (env.run(["archive", PLAIN]), env.row(PLAIN));
    outcome.status(1, "refused");
    outcome.assert(outcome.stderr.contains("exists already"), "the reason");
    outcome.assert(path.exists() && taken.exists() && env.row(PLAIN) == before, "all is as it was");
    fs::remove_file(&taken).unwrap();
    fs::create_dir(&taken).unwrap();
    check(&env, PLAIN, "exists already");
}

#[test]
fn a_compressed_file_that_would_disappear_behind_a_plain_one() {
    let env = moving::home("empty-2026-08");
    let path = path_of(&env, COMPRESSED);
    let plain = env.home().join("archived_sessions").join(path.with_extension("").file_name().unwrap());
    fs::create_dir_all(plain.parent().unwrap()).unwrap();
    fs::write(&plain, "something else\n").unwrap();
    let outcome = env.run(["archive", COMPRESSED]);
    outcome.status(1, "refused");
    outcome.assert(outcome.stderr.contains("in plain form"), "the reason");
    outcome.assert(path.exists(), "it stays");
}

#[test]
fn malformed_names() {
    let env = moving::home("empty-2026-08");
    let odd = plain("2026-03-20T10:00:00", "odd").file_name("rollout-2026-03-20-odd.jsonl");
    let path = odd.write(&env);
    env.run(["backfill"]).status(0, "it is indexed by its session meta");
    check(&env, odd.thread(), "malformed");
    let outcome = env.run(["archive", path.to_str().unwrap()]);
    outcome.status(1, "by its path as well");
    outcome.assert(outcome.stderr.contains("malformed"), "the reason");
    assert!(path.exists());
}

#[test]
fn a_rollout_outside_of_the_home() {
    let env = moving::home("empty-2026-08");
    let inside = path_of(&env, PLAIN);
    let outside = env.outside("elsewhere/sessions/2026/03/10").join(inside.file_name().unwrap());
    fs::create_dir_all(outside.parent().unwrap()).unwrap();
    fs::copy(&inside, &outside).unwrap();
    env.sql(&format!("UPDATE threads SET rollout_path = '{}' WHERE id = '{PLAIN}'", outside.display()));
    check(&env, PLAIN, "outside of the Codex home");
    fs::remove_file(&inside).unwrap();
    check(&env, PLAIN, "outside of the Codex home");
    assert!(outside.exists());
}

#[cfg(unix)]
#[test]
fn a_rollout_behind_a_link() {
    use std::os::unix::fs::symlink;
    let env = moving::home("empty-2026-08");
    let day = path_of(&env, PLAIN).parent().unwrap().to_owned();
    let outside = env.outside("elsewhere/day");
    fs::rename(&day, &outside).unwrap();
    symlink(&outside, &day).unwrap();
    check(&env, PLAIN, "outside of the Codex home");
    fs::remove_file(&day).unwrap();
    let other = day.with_file_name("other");
    fs::rename(&outside, &other).unwrap();
    symlink(&other, &day).unwrap();
    check(&env, PLAIN, "behind a symbolic link");
    fs::remove_file(&day).unwrap();
    fs::rename(&other, &day).unwrap();
    let path = path_of(&env, PLAIN);
    fs::rename(&path, path.with_file_name("real")).unwrap();
    symlink(path.with_file_name("real"), &path).unwrap();
    check(&env, PLAIN, "is a symbolic link");
}

#[cfg(unix)]
#[test]
fn a_way_back_through_a_link() {
    use std::os::unix::fs::symlink;
    let env = moving::home("empty-2026-08");
    env.run(["archive", PLAIN, COMPRESSED]).status(0, "there");
    let month = env.home().join("sessions/2026/03");
    let outside = env.outside("elsewhere/march");
    fs::rename(&month, &outside).unwrap();
    symlink(&outside, &month).unwrap();
    let before = contents(&env);
    let outcome = env.run(["unarchive", PLAIN]);
    outcome.status(1, "refused");
    outcome.assert(outcome.stderr.contains("is a symbolic link"), "the reason");
    assert_eq!(contents(&env), before);
    assert!(fs::read_dir(outside.join("10")).unwrap().next().is_none(), "nothing went out of the home");
}

#[test]
fn a_thread_that_is_open_in_a_codex() {
    for verb in ["archive", "unarchive"] {
        let env = moving::home("empty-2026-08");
        if verb == "unarchive" {
            env.run(["archive", REVERTED, COMPRESSED]).status(0, "where they start from");
        }
        let lock = hold(&writer_lock(&env, REVERTED));
        let tree = env.tree();
        check_verb(&env, verb, REVERTED, "open in a running Codex");
        drop(lock);
        assert!(tree.names().iter().any(|name| name.ends_with(".lock")), "it was there");
        env.run([verb, REVERTED]).status(0, "it is closed now");
        agrees(&env, "afterwards");
        let left = fs::read_dir(env.home().join("thread-writer-locks")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [".coordination.lock"], "no lock is left");
    }
}

#[test]
fn everything_while_codex_compresses() {
    let env = moving::home("empty-2026-08");
    let lock = hold(&env.home().join(".tmp/rollout-maintenance.lock"));
    let begin = std::time::Instant::now();
    let outcome = env.run(["archive", PLAIN, REVERTED, "--busy-timeout", "0.3"]);
    outcome.status(1, "refused");
    outcome.assert(outcome.stderr.contains("rollout-maintenance.lock"), "the reason");
    outcome.assert(begin.elapsed().as_secs() < 20, "it waits once, not for each thread");
    drop(lock);
    env.run(["archive", PLAIN]).status(0, "it is done now");
    assert!(env.home().join(".tmp/rollout-maintenance.lock").exists(), "that lock is Codex's");
    agrees(&env, "afterwards");
}

#[test]
fn a_rollout_that_is_gone_or_says_nothing() {
    let env = moving::home("empty-2026-08");
    fs::remove_file(path_of(&env, PLAIN)).unwrap();
    check(&env, PLAIN, "gone");
    env.run(["unarchive", COMPRESSED]).status(0, "for the next check");
    for path in moving::files(&env).into_iter().filter(|(name, _)| name.contains(TWINS)) {
        fs::write(env.home().join(path.1.0), "").unwrap();
    }
    check(&env, TWINS, "is empty");
}

#[test]
fn a_file_that_is_of_another_thread_than_its_name_says() {
    let env = moving::home("empty-2026-08");
    let stray = plain("2026-03-21T10:00:00", "stray")
        .meta(|meta| meta.set("id", "eeeeeeee-1000-7000-8000-000000000000"));
    stray.write(&env);
    env.run(["backfill"]).status(0, "it counts for the thread that it says");
    check(&env, "eeeeeeee-1000-7000-8000-000000000000", "named after another thread");
    let outcome = env.run(["archive", stray.thread()]);
    outcome.status(1, "and the one in its name has none");
    outcome.assert(outcome.stderr.contains("its session meta names thread"), "the reason");
}

#[test]
fn two_copies_of_one_name() {
    let env = moving::home("empty-2026-08");
    let path = path_of(&env, PLAIN);
    let copy = env.home().join("sessions/backup").join(path.file_name().unwrap());
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::copy(&path, &copy).unwrap();
    assert_eq!(env.run(["archive", PLAIN]).code, Some(1), "which one would it be");
    assert!(path.exists() && copy.exists());
}

#[test]
fn ids_that_are_none_or_too_many() {
    let env = moving::home("empty-2026-08");
    let outcome = env.run(["archive", "ffffffff", PLAIN]);
    outcome.status(1, "one is not a thread");
    outcome.assert(outcome.stderr.contains("no such thread: ffffffff"), "it is named");
    assert_eq!(env.row(PLAIN)["archived"], 1, "the other is done");
    let before = env.tree();
    env.run(["archive", "2026031", COMPRESSED]).trouble("ambiguous");
    env.run(["archive"]).status(2, "none at all");
    env.run(["archive", "ffffffff"]).status(1, "only an id of no thread");
    assert_eq!(before.difference(&env.tree()), "", "nothing is done");
}

#[test]
fn to_guess_between_two_databases() {
    let env = moving::home("empty-2026-08");
    fs::create_dir(env.home().join("sqlite")).unwrap();
    fs::copy(golden::database("empty-2026-08"), env.home().join("sqlite/state_5.sqlite")).unwrap();
    let before = env.tree();
    for args in [
        &["archive", PLAIN][..],
        &["unarchive", PLAIN],
        &["prune", "--yes"],
        &["backfill", "--prune", "--yes"],
    ] {
        let outcome = env.run(args);
        outcome.trouble("two databases");
        for db in ["state_5.sqlite", "sqlite/state_5.sqlite"] {
            let line = format!("codex-state --db {} {}", env.path(db), args.join(" "));
            outcome.assert(outcome.stderr.contains(&line), format_args!("the line to paste: {line}"));
        }
    }
    assert_eq!(before.difference(&env.tree()), "", "nothing is done");
    env.run(["--db", &env.path("state_5.sqlite"), "archive", PLAIN]).status(0, "now it is said");
}

#[test]
fn a_database_that_stays_locked_changes_no_file() {
    let env = moving::home("empty-2026-08");
    let before = (contents(&env), moving::files(&env), mtime(&path_of(&env, PLAIN)));
    let holder = crate::holder::Holder::new(&env.db(), "BEGIN IMMEDIATE");
    let outcome = env.run(["archive", PLAIN, REVERTED, "--busy-timeout", "0.3"]);
    outcome.status(2, "trouble");
    outcome.assert(outcome.stderr.contains("locked"), "the reason");
    holder.release();
    assert_eq!((contents(&env), moving::files(&env), mtime(&path_of(&env, PLAIN))), before);
    agrees(&env, "afterwards");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_changes_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = moving::home("empty-2026-08");
    env.obey_permissions();
    let archive = env.home().join("archived_sessions");
    fs::create_dir_all(&archive).unwrap();
    let set =
        |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&archive, 0o500);
    let before = moving::files(&env);
    let outcome = env.run(["archive", REVERTED]);
    set(&archive, 0o700);
    outcome.status(1, "refused");
    assert_eq!(moving::files(&env), before);
    agrees(&env, "afterwards");
}
