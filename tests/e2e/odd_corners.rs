//! Tests cases in which two rules meet: each was once wrong, overlooked, or reported although nothing was wrong.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::env::{Env, set_mtime};
use crate::rollouts::{Meta, Rollout, plain};
use crate::shapes::{Backfill, Verify};
use crate::wrecks::settled;

const SCHEMAS: [&str; 4] = ["empty-2026-01", "empty-2026-03", "empty-2026-07", "empty-2026-08"];

fn kinds(env: &Env, args: &[&str]) -> Vec<String> {
    let outcome = env.run([&["verify", "--format", "json"], args].concat());
    outcome.shaped::<Verify>().findings.into_iter().map(|finding| finding.kind).collect()
}

/// Some kinds of backups and archives set the time of every file to 1980 or 1970.
#[test]
fn a_file_of_a_time_before_2020_is_shown_with_the_time_of_its_last_line() {
    let shown = "2026-03-14T10:00:06.000Z";
    for mtime in [315_532_800_000, 1_000, 0, 1_577_836_799_000] {
        for schema in SCHEMAS {
            let env = Env::new();
            env.database(schema);
            let thread = plain("2026-03-14T10:00:00", "words")
                .meta(|meta| meta.set("timestamp", "2016-05-04T03:02:01Z"))
                .mtime(mtime);
            thread.write(&env);
            env.run(["backfill"]).status(0, "all is fine");
            let outcome = env.run(["show", thread.thread(), "--format", "json"]);
            let row = outcome.json()["threads"][0].clone();
            let times = |name: &str, expected: &str| {
                outcome.assert_eq(row[name].as_str(), Some(expected), name);
                let twin = &row[format!("{name}_ms")];
                let is_in_second = |twin: &str| twin[..19] == expected[..19];
                outcome.assert(
                    twin.is_null() || twin.as_str().is_some_and(is_in_second),
                    format_args!("{name}_ms is {expected}"),
                );
            };
            times("updated_at", shown);
            times("created_at", "2016-05-04T03:02:01.000Z");
            settled(&env);
            let quick = env.run(["backfill", "--quick", "--format", "json"]);
            quick.assert_eq(Backfill::of(&quick).bytes_read, 0, "the row says that the file is unchanged");
            // Codex itself writes milliseconds into this column, and then reads them as seconds.
            if row.get("created_at_ms").is_some_and(|cell| !cell.is_null()) {
                env.sql("UPDATE threads SET created_at_ms = 1462330921000");
                settled(&env);
            }
        }
    }
}

#[test]
fn names_come_back_on_every_schema_and_stay() {
    for schema in SCHEMAS {
        let env = Env::new();
        env.database(schema);
        let thread = plain("2026-03-14T10:00:00", "words");
        let other = plain("2026-03-15T10:00:00", "other words");
        thread.write(&env);
        other.write(&env);
        let line =
            json!({"id": thread.thread(), "thread_name": "A name", "updated_at": "2026-03-15T00:00:00Z"});
        env.write("session_index.jsonl", format!("{line}\n"));
        env.run(["backfill"]).status(0, "all is fine");
        assert_eq!(env.row(thread.thread())["title"], "A name", "{schema}");
        settled(&env);
        let compared = env.run(["show", "--compare", thread.thread(), "--format", "tsv"]);
        compared.assert(compared.stdout.contains("A name"), "the row is set beside the file");
        compared.assert(!compared.stdout.contains("\ttrue\n"), "a name is not drift");
        for command in ["archive", "unarchive"] {
            env.run([command, thread.thread()]).status(0, "it is moved");
            assert_eq!(env.row(thread.thread())["title"], "A name", "{schema}: {command} keeps the name");
        }
        // A title that nothing explains is replaced with the file's where no first message tells it from a name.
        env.sql(&format!("UPDATE threads SET title = 'stale' WHERE id = '{}'", other.thread()));
        env.run(["backfill"]).status(0, "all is fine");
        let expected = if schema == "empty-2026-01" { "other words" } else { "stale" };
        assert_eq!(env.row(other.thread())["title"], expected, "{schema}");
    }
}

#[test]
fn a_row_that_cannot_say_that_it_is_paginated_keeps_a_name_as_its_title() {
    let env = Env::new();
    env.database("empty-2026-03");
    let thread = plain("2026-03-14T10:00:00", "words").meta(Meta::paginated);
    thread.write(&env);
    let line = json!({"id": thread.thread(), "thread_name": "A name", "updated_at": "2026-03-15T00:00:00Z"});
    env.write("session_index.jsonl", format!("\u{feff}{line}\n"));
    env.run(["backfill"]).status(0, "all is fine");
    assert_eq!(env.row(thread.thread())["title"], "A name");
    settled(&env);
}

#[test]
fn a_thread_that_only_its_file_knows_is_found_by_its_id() {
    let odd = plain("2026-03-14T10:00:00", "in an odd name").file_name("rollout-odd.jsonl");
    let stranger = plain("2026-03-15T10:00:00", "in another's name");
    let name = "rollout-2026-03-16T10-00-00-20260316-1000-7000-8000-000000000000.jsonl";
    let stranger = stranger.file_name(name);
    let bystander = plain("2026-03-17T10:00:00", "not asked for");
    for thread in [&odd, &stranger] {
        let env = Env::new();
        env.database("empty-2026-08");
        for rollout in [&odd, &stranger, &bystander] {
            rollout.write(&env);
        }
        env.run(["backfill"]).status(0, "all is fine");
        let good = env.rows();
        let id = thread.thread();
        env.sql("UPDATE threads SET rollout_path = '/gone/rollout-x.jsonl', cwd = 'wrong'");
        let findings = env.run(["verify", id, "--format", "json"]).shaped::<Verify>().findings;
        let of_it: Vec<&str> = findings.iter().map(|finding| finding.kind.as_str()).collect();
        assert!(of_it.contains(&"field_mismatch") && of_it.contains(&"moved_file"), "{of_it:?}");
        assert!(findings.iter().all(|finding| finding.thread_id.as_deref() == Some(id)), "{findings:?}");
        let path = env.run(["path", id]);
        path.assert_eq(path.stdout.trim_end(), &env.path(&thread.relative()), "where it is");
        let compared = env.run(["show", "--compare", id, "--format", "tsv"]);
        compared.assert(compared.stdout.contains("cwd\twrong\t/nowhere/project\ttrue"), "beside its file");
        let preview = env.run(["backfill", id, "--dry-run", "--format", "json"]);
        preview.assert_eq(Backfill::of(&preview).counts(), [0, 1, 0, 0, 0], "one row would be repaired");
        let outcome = env.run(["backfill", id, "--format", "json"]);
        outcome.assert_eq(Backfill::of(&outcome).counts(), [0, 1, 0, 0, 0], "one row is repaired");
        for (other, row) in env.rows() {
            outcome.assert_eq(
                row == good[&other],
                other == id,
                format_args!("only {id} is repaired: {other}"),
            );
        }
        env.run(["backfill"]).status(0, "all is fine");
        assert_eq!(env.rows(), good);
    }
}

/// Tests copies that were renamed by hand: the contents count where no file with that content has the right name.
#[test]
fn threads_whose_names_were_mixed_up_all_have_rows_in_whatever_parts_they_come() {
    let threads: Vec<Rollout> =
        (1..=4).map(|day| plain(&format!("2026-03-0{day}T10:00:00"), &format!("words of {day}"))).collect();
    let ids: Vec<String> = threads.iter().map(|thread| thread.thread().to_owned()).collect();
    let named = |content: usize, name: usize| {
        let path = threads[name].relative();
        threads[content].clone().file_name(path.rsplit('/').next().unwrap())
    };
    // Three threads are in a circle. The fourth thread's file is broken, and two files with odd names hold it.
    let odd = threads[3].clone().file_name("rollout-odd.jsonl").mtime(1_785_000_000_000);
    let older = threads[3].clone().file_name("rollout-older.jsonl").folder("archived_sessions");
    let files = [named(0, 1), named(1, 2), named(2, 0), odd, older];
    let build = || {
        let env = Env::new();
        env.database("empty-2026-08");
        files.iter().for_each(|file| drop(file.write(&env)));
        env.write(&threads[3].relative(), "garbage\n");
        env
    };
    let titles = |env: &Env| -> Vec<Value> {
        let rows = env.rows();
        ids.iter().map(|id| rows.get(id).map_or(Value::Null, |row| row["title"].clone())).collect()
    };
    let expected = ["words of 1", "words of 2", "words of 3", "words of 4"].map(Value::from);
    let whole = build();
    whole.run(["backfill"]).status(1, "one file holds nothing");
    assert_eq!(titles(&whole), expected);
    assert_eq!(
        whole.row(&ids[3])["rollout_path"],
        whole.path(&files[3].relative()),
        "the newest of the copies"
    );
    let findings = kinds(&whole, &[]);
    assert!(!findings.iter().any(|kind| kind == "missing_row" || kind == "field_mismatch"), "{findings:?}");
    let before = whole.rows();
    whole.run(["backfill"]).status(1, "one file holds nothing");
    assert_eq!(whole.rows(), before);
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]] {
        let parts = build();
        for i in order {
            let path = parts.path(&files[i].relative());
            let outcome = parts.run(["backfill", &path]);
            outcome.assert(outcome.code.is_some_and(|code| code < 2), "what can be done is done");
        }
        assert_eq!(titles(&parts), expected, "{order:?}");
        assert_eq!(
            parts.row(&ids[3])["rollout_path"],
            parts.path(&files[3].relative()),
            "the copy that counts, whichever was asked for first: {order:?}"
        );
    }
}

#[test]
fn a_thread_is_not_taken_from_the_one_file_that_was_asked_for() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-01T10:00:00", "newer words").mtime(1_785_000_000_000);
    let older = plain("2026-03-02T10:00:00", "words");
    let asked_for = older.thread().to_owned();
    let name = older.relative().rsplit('/').next().unwrap().to_owned();
    Rollout::new("2026-03-01T10:00:00").user("older words").file_name(&name).write(&env);
    let counts = thread.clone().file_name("rollout-odd.jsonl").write(&env);
    let outcome = env.run(["backfill", &asked_for, "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).counts(), [1, 0, 0, 1, 0], "the copy that counts has a row");
    assert_eq!(env.row(thread.thread())["rollout_path"], counts.to_str().unwrap());
}

#[test]
fn a_file_of_another_thread_among_those_of_one_is_seen_beside_them() {
    let env = Env::new();
    env.database("empty-2026-08");
    let host = plain("2026-03-01T10:00:00", "the host's words").archived();
    let guest = plain("2026-03-02T10:00:00", "the guest's words");
    let guest_id = guest.thread().to_owned();
    let host_name = host.relative().rsplit('/').next().unwrap().to_owned();
    host.write(&env);
    // First as if it were a copy of the host's rollout, then as if the host had been reverted to it.
    let reverted = host_name.replace(".jsonl", "_ffffffff-1000-7000-8000-000000000000.jsonl");
    for name in [host_name, reverted] {
        let path = guest.clone().file_name(&name).write(&env);
        for row_of_host in [env.path(&host.relative()), path.to_str().unwrap().to_owned()] {
            env.run(["backfill"]).status(0, "all is fine");
            env.sql(&format!(
                "UPDATE threads SET cwd = 'wrong';
                 UPDATE threads SET rollout_path = '{row_of_host}' WHERE id = '{}'",
                host.thread()
            ));
            let findings = env.run(["verify", "--format", "json"]).shaped::<Verify>().findings;
            for id in [host.thread(), &guest_id] {
                let is_found = |kind: &str| {
                    findings.iter().any(|one| one.kind == kind && one.thread_id.as_deref() == Some(id))
                };
                assert!(
                    is_found("field_mismatch") && !is_found("missing_file"),
                    "{name}, {id}: {findings:?}"
                );
            }
            env.run(["backfill"]).status(0, "all is fine");
            assert_eq!(env.row(&guest_id)["rollout_path"], path.to_str().unwrap(), "{name}");
            assert_eq!(env.row(host.thread())["rollout_path"], env.path(&host.relative()), "{name}");
            for id in [host.thread(), &guest_id] {
                assert_eq!(env.row(id)["cwd"], "/nowhere/project", "{name}");
            }
            settled(&env);
        }
        std::fs::remove_file(path).unwrap();
    }
}

/// Makes the rows name a missing file, so that only the contents of a thread's file lead to it.
const LOST: &str = "UPDATE threads SET rollout_path = '/gone/rollout-x.jsonl', cwd = 'wrong'";

#[test]
fn a_thread_that_hides_in_files_of_another_is_verified_and_repaired_alone() {
    let env = Env::new();
    env.database("empty-2026-08");
    let host = plain("2026-03-01T10:00:00", "the host's words").archived();
    let guest = plain("2026-03-02T10:00:00", "the guest's words");
    let id = guest.thread().to_owned();
    let host_name = host.relative().rsplit('/').next().unwrap().to_owned();
    host.write(&env);
    guest.file_name(&host_name).write(&env);
    env.run(["backfill"]).status(0, "all is fine");
    env.sql(LOST);
    let lost = env.row(host.thread());
    let verify = env.run(["verify", &id, "--format", "json"]).shaped::<Verify>();
    let of: Vec<_> = verify.findings.iter().filter_map(|one| one.thread_id.as_deref()).collect();
    assert_eq!(of, [&*id, &*id], "nothing about the host, whose row is wrong as well: {:?}", verify.findings);
    let outcome = env.run(["backfill", &id, "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).counts(), [0, 1, 0, 0, 0], "the guest's row alone");
    assert_eq!(env.row(host.thread()), lost);
    env.sql(&format!("UPDATE threads SET rollout_path = '/gone/rollout-x.jsonl' WHERE id = '{id}'"));
    let verify = env.run(["verify", &id, "--format", "json"]).shaped::<Verify>();
    assert_eq!((verify.files, verify.rows, verify.agree), (1, 1, 0));
}

#[test]
fn a_file_that_was_asked_for_by_its_thread_and_breaks_off_is_named() {
    let host = plain("2026-03-15T10:00:00", "the host's words");
    let host_name = host.relative().rsplit('/').next().unwrap().to_owned();
    for name in ["rollout-odd.jsonl", &host_name] {
        let env = Env::new();
        env.database("empty-2026-08");
        let noise = (0..20_000u64).map(|i| format!("{:x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let broken = plain("2026-03-14T10:00:00", &noise.collect::<String>()).file_name(name).compressed();
        let path = broken.write(&env);
        env.run(["backfill"]).status(0, "all is fine");
        env.sql(LOST);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 100]).unwrap();
        let outcome = env.run(["backfill", broken.thread()]);
        outcome.status(1, "it could not be read");
        outcome.assert(outcome.stderr.contains(path.to_str().unwrap()), "which one");
        let outcome = env.run(["verify", broken.thread(), "--format", "json"]);
        let findings = outcome.shaped::<Verify>().findings;
        let found = findings.iter().find(|one| one.kind == "unreadable_file");
        assert_eq!(found.and_then(|one| one.path.as_deref()), path.to_str(), "{name}: {findings:?}");
    }
}

/// Finds a file by its name whatever it says: a path does not ask for the thread that the file says it is of.
#[test]
fn a_path_is_never_that_of_another_thread() {
    let env = Env::new();
    env.database("empty-2026-08");
    let other = plain("2026-03-02T10:00:00", "words");
    let thread = plain("2026-03-01T10:00:00", "words");
    let name = thread.relative().rsplit('/').next().unwrap().to_owned();
    let active = other.clone().file_name(&name).write(&env);
    other.archived().file_name("rollout-odd.jsonl").write(&env);
    let outcome = env.run(["path", thread.thread()]);
    outcome.status(0, "it is there");
    outcome.assert_eq(outcome.stdout.trim_end(), active.to_str().unwrap(), "by its name");
    let outcome = env.run(["path", thread.thread(), "--archived"]);
    outcome.status(1, "no archived one");
    outcome.assert_eq(&*outcome.stdout, "", "no path");
}

#[test]
fn a_compressed_file_without_a_byte_is_empty() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "words").compressed();
    std::fs::write(thread.write(&env), "").unwrap();
    assert_eq!(kinds(&env, &["--ignore", "backfill_incomplete"]), ["empty_file"]);
    assert_eq!(kinds(&env, &["--ignore", "backfill_incomplete", "--quick"]), ["empty_file"]);
}

#[test]
fn a_cell_that_no_rollout_tells_is_repaired_from_a_backup() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "words");
    thread.write(&env);
    env.run(["backfill"]).status(0, "all is fine");
    env.sql("UPDATE threads SET name = 'A name', is_pinned = 1");
    let backup = env.outside("backup.sqlite");
    env.run([std::ffi::OsStr::new("backup"), backup.as_os_str()]).status(0, "a backup is kept");
    env.sql("UPDATE threads SET is_pinned = 'yes', name = x'ff'");
    let outcome = env.run(["verify"]);
    outcome.status(1, "Codex cannot read the row");
    outcome.assert(outcome.stderr.contains("backfill --facts-from"), "the hint names what repairs it");
    outcome
        .assert(!outcome.stderr.contains("codex-state backfill repairs field_mismatch"), "and nothing else");
    env.run([std::ffi::OsStr::new("backfill"), std::ffi::OsStr::new("--facts-from"), backup.as_os_str()])
        .status(0, "what the backup knows comes back");
    let row = env.row(thread.thread());
    assert_eq!((&row["name"], &row["is_pinned"]), (&Value::from("A name"), &Value::from(1)));
    settled(&env);
    env.sql("UPDATE threads SET is_pinned = 'yes', cwd = 'wrong'");
    let outcome = env.run(["verify"]);
    outcome.assert(outcome.stderr.contains("codex-state backfill repairs field_mismatch"), "the folder");
    outcome.assert(outcome.stderr.contains("backfill --facts-from"), "and the pin");
}

#[test]
fn a_quick_look_reads_the_end_of_a_file_whose_time_is_not_the_rows() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "words").mtime(1_785_000_000_000);
    thread.write(&env);
    env.run(["backfill", "--times", "events"]).status(0, "all is fine");
    env.run(["verify", "--strict"]).status(0, "the times are those of the last lines");
    env.run(["verify", "--quick", "--strict"]).status(0, "a quick look finds them at the end of the file");
    let quick = env.run(["backfill", "--quick", "--format", "json"]);
    quick.assert_eq(Backfill::of(&quick).bytes_read, 0, "and does not read the file for it");
    env.sql("UPDATE threads SET updated_at = updated_at - 5, updated_at_ms = updated_at_ms - 5000");
    env.run(["verify", "--quick"]).status(1, "another time is drift");
    let quick = env.run(["backfill", "--quick", "--format", "json"]);
    quick.assert_eq(Backfill::of(&quick).counts(), [0, 1, 0, 0, 0], "and repaired");
    env.run(["verify", "--quick"]).status(0, "to the time of the last line");
}

/// Tests that a file that may be readable later is still the one that counts.
#[cfg(unix)]
#[test]
fn what_cannot_be_read_now_costs_a_row_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = Env::new();
    env.obey_permissions();
    env.database("empty-2026-08");
    let lock = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let copied = plain("2026-03-14T10:00:00", "newer words").mtime(1_785_000_000_000);
    let newer = copied.write(&env);
    Rollout::new("2026-03-14T10:00:00").user("older words").archived().write(&env);
    let base = plain("2026-03-15T10:00:00", "base words");
    let head = Rollout::new("2026-03-15T10:00:00").rollout_id("20260316-1000-7000-8000-000000000000");
    let end = json!({"thread_id": base.thread(), "end_ordinal_exclusive": 9, "end_byte_offset": 9_999_999});
    let base = base.write(&env);
    head.meta(|meta| meta.set("history_base", end)).user("head words").write(&env);
    env.run(["backfill"]).status(0, "all is fine");
    let good = env.rows();
    for path in [&newer, &base] {
        lock(path, 0o000);
    }
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(1, "two threads cannot be read now");
    let report = Backfill::of(&outcome);
    outcome.assert_eq((report.failed, report.complete), (2, false), "and both are named");
    assert_eq!(env.rows(), good);
    for path in [&newer, &base] {
        lock(path, 0o600);
    }
    settled(&env);
}

#[test]
fn a_bad_cell_beside_a_copy_that_holds_nothing_is_reported_once() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "words");
    thread.write(&env);
    env.run(["backfill"]).status(0, "all is fine");
    let copy = thread.archived().write(&env);
    std::fs::write(&copy, "garbage\n").unwrap();
    set_mtime(&copy, 1_785_000_000_000);
    let database = Connection::open(env.db()).unwrap();
    database
        .execute("UPDATE threads SET tokens_used = 'many', rollout_path = ?1", [copy.to_str().unwrap()])
        .unwrap();
    database.close().unwrap();
    let found = kinds(&env, &[]);
    assert_eq!(found.iter().filter(|kind| *kind == "field_mismatch").count(), 1, "{found:?}");
}

/// Programs that find equal files replace copies by hard links, and a person may make one folder a link to the other.
#[cfg(unix)]
#[test]
fn a_rollout_that_is_in_both_folders_stays_where_its_row_says() {
    for is_link in [false, true] {
        let env = Env::new();
        env.database("empty-2026-08");
        let path = plain("2026-03-14T10:00:00", "words").write(&env);
        env.run(["backfill"]).status(0, "all is fine");
        let before = env.rows();
        let archived = env.home().join("archived_sessions");
        if is_link {
            std::os::unix::fs::symlink("sessions", &archived).unwrap();
        } else {
            std::fs::create_dir_all(&archived).unwrap();
            std::fs::hard_link(&path, archived.join(path.file_name().unwrap())).unwrap();
        }
        let outcome = env.run(["backfill", "--format", "json"]);
        outcome.status(0, "the file is there");
        outcome.assert_eq(env.rows(), before, "active, as it was");
        env.run(["verify", "--strict", "--ignore", "duplicate_rollout"]).status(0, "no drift");
        env.run(["verify", "--quick", "--strict"]).status(0, "none at a glance");
    }
}
