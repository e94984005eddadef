//! Kills rebuild between any two steps and at random moments. The old or the new database must be in place, undamaged,
//! and a second run must complete the rebuild.
#![cfg(feature = "fault-points")]

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::env::Env;
use crate::holder::Holder;
use crate::moving::{self, ALL, PLAIN, contents};
use crate::table;

/// Returns a home with a log beside its database, which has a wrong checksum or a damaged index.
fn home(damage: &str) -> Env {
    let env = moving::home("empty-2026-08");
    env.sql(&format!(
        "UPDATE threads SET name = 'kept' WHERE id = '{PLAIN}'; PRAGMA journal_mode = wal; {damage}"
    ));
    env
}

const LEDGER: &str = "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 3";
/// Destroys a page of an index.
const INDEX: &str = "index";

fn damage(env: &Env, kind: &str) {
    if kind == INDEX {
        crate::wrecks::tear_leaves(&env.db(), "idx_threads_source", 1);
    }
}

/// Returns true if the database in place is the new one. Asserts that it has every thread and the kept name.
#[track_caller]
fn is_new(env: &Env, when: &str) -> bool {
    let connection = rusqlite::Connection::open(env.db()).unwrap();
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
    let is_sound = text("PRAGMA integrity_check(1)").is_ok_and(|verdict| verdict == "ok");
    let checksum = text("SELECT hex(checksum) FROM _sqlx_migrations WHERE version = 3").unwrap();
    let n_rows = text("SELECT cast(count(rollout_path) AS TEXT) FROM threads NOT INDEXED").unwrap();
    assert_eq!(n_rows, ALL.len().to_string(), "{when}");
    let name = text(&format!("SELECT name FROM threads NOT INDEXED WHERE id = '{PLAIN}'")).unwrap();
    assert_eq!(name, "kept", "{when}");
    is_sound && checksum != "00"
}

#[test]
fn a_crash_at_any_step_leaves_one_or_the_other() {
    for kind in [LEDGER, INDEX] {
        let mut died = Vec::new();
        for point in moving::points("rebuild") {
            let env = home(if kind == LEDGER { LEDGER } else { "SELECT 1" });
            damage(&env, kind);
            let files = contents(&env);
            let mut command = env.command(["rebuild"]);
            command.env("CODEX_STATE_FAULT", &point);
            let crash = env.finish(command);
            let is_passed = crash.died();
            crash.assert(
                is_passed || crash.code == Some(0),
                format_args!("it died at {point}, or never came there"),
            );
            let is_new = is_new(&env, &point);
            assert_eq!(is_new, !is_passed || point == "rebuild:renamed", "{point}");
            assert_eq!(contents(&env), files);
            let again = env.run(["rebuild"]);
            if is_new {
                again.trouble("is sound");
            } else {
                again.status(0, format_args!("{point}: the same again"));
            }
            table::assert_sound(&env.db(), &point);
            let left =
                env.tree().names().iter().any(|name| name.contains("partial") || name.ends_with("-wal"));
            // The next run that builds a database removes the remains of a crash after the rename.
            assert!(!left || is_new, "{point}: {:?}", env.tree().names());
            let kept = fs::read_dir(env.home().join("codex-state-backups")).unwrap().count();
            assert!((1..=3).contains(&kept), "{point}: the old one is kept");
            died.extend(is_passed.then_some(point));
        }
        assert!(died.len() >= 6, "{died:?}");
    }
}

/// Returns the databases in the home, and true if the log of one is beside another.
#[track_caller]
fn databases(env: &Env, when: &str) -> Vec<String> {
    let names: Vec<String> = env.tree().names().iter().map(|name| (*name).to_owned()).collect();
    for log in names.iter().filter(|name| name.ends_with("-wal") && !name.contains("partial")) {
        let path = env.home().parent().unwrap().join(log);
        let owner = path.to_str().unwrap().strip_suffix("-wal").unwrap().to_owned();
        let is_empty = fs::metadata(&path).unwrap().len() == 0;
        let is_old = owner.ends_with("state.sqlite") || owner.contains("replaced-");
        assert!(is_empty || is_old, "{when}: {log}");
    }
    let is_database = |name: &&String| name.starts_with(".codex/state") && name.ends_with(".sqlite");
    names.iter().filter(is_database).map(|name| name.replace(".codex/", "")).collect()
}

#[test]
fn a_crash_where_the_name_changes_leaves_one_that_is_found() {
    let mut died = Vec::new();
    for point in moving::points("rebuild") {
        let env = moving::home("empty-2026-01");
        env.sql("PRAGMA journal_mode = wal");
        let holder = Holder::new(
            &env.db(),
            &format!(
                "PRAGMA wal_autocheckpoint = 0; UPDATE threads SET git_branch = 'kept' WHERE id = '{PLAIN}';"
            ),
        );
        // Killed: its log stays.
        drop(holder);
        let old = env.db();
        let mut command = env.command(["rebuild", "--force"]);
        command.env("CODEX_STATE_FAULT", &point);
        let crash = env.finish(command);
        let is_passed = crash.died();
        let found = databases(&env, &point);
        let expected: &[&str] = match (is_passed, &*point) {
            (true, "rebuild:renamed") => &["state.sqlite", "state_5.sqlite"],
            (true, "rebuild:removed") | (false, _) => &["state_5.sqlite"],
            _ => &["state.sqlite"],
        };
        assert_eq!(found, expected, "{point}");
        let shown = env.run(["show", PLAIN, "--format", "json"]);
        shown.status(0, &point);
        shown.assert_eq(
            &shown.json()["threads"][0]["git_branch"],
            &"kept".into(),
            "with what was in the log",
        );
        let ids = env.run(["list", "--all", "--hidden", "--ids"]);
        ids.assert_eq(ids.stdout.lines().count(), ALL.len(), "all threads are found");
        let again = env.run(["rebuild", "--force"]);
        again.status(0, format_args!("{point}: the same again"));
        table::assert_sound(&env.home().join("state_5.sqlite"), &point);
        assert!(!old.exists() || point == "rebuild:renamed", "{point}");
        died.extend(is_passed.then_some(point));
    }
    assert!(died.len() >= 9, "{died:?}");
}

#[test]
fn a_crash_of_its_undoing_leaves_one_or_the_other() {
    for point in moving::points("rebuild") {
        let env = home("SELECT 1");
        damage(&env, INDEX);
        let old = fs::read(env.db()).unwrap();
        env.run(["rebuild"]).status(0, "rebuilt");
        let new = env.rows();
        let folder = env.home().join("codex-state-backups");
        let kept = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let kept = kept.max_by_key(|path| path.file_name().unwrap().to_owned()).unwrap();
        let mut command = env.command(["rebuild", "--undo", kept.to_str().unwrap()]);
        command.env("CODEX_STATE_FAULT", &point);
        let crash = env.finish(command);
        databases(&env, &point);
        let is_undone = !crash.died() || point == "rebuild:renamed";
        if is_undone {
            assert!(fs::read(env.db()).unwrap() == old, "{point}: to the byte");
        } else {
            table::assert_sound(&env.db(), &point);
            assert_eq!(env.rows(), new, "{point}");
            env.run(["rebuild", "--undo", kept.to_str().unwrap()]).status(0, "the same again");
            assert!(fs::read(env.db()).unwrap() == old, "{point}: to the byte");
        }
    }
}

#[test]
fn a_kill_at_any_moment_leaves_one_or_the_other() {
    #[expect(clippy::disallowed_methods, reason = "how often to kill is the caller's to say")]
    let kills: u32 = std::env::var("CODEX_STATE_KILLS").ok().map_or(20, |text| text.parse().unwrap());
    let mut whole = Duration::from_millis(40);
    let (mut n_new, mut n_old) = (0, 0);
    for kill in 0..kills {
        let kind = if kill % 2 == 0 { LEDGER } else { INDEX };
        let env = home(if kind == LEDGER { LEDGER } else { "SELECT 1" });
        damage(&env, kind);
        let mut command = env.command(["rebuild"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole.mul_f64(f64::from((kill * 7919) % 1000) / 1000.0));
        let _ = child.kill();
        child.wait().unwrap();
        let when = format!("kill {kill}");
        if is_new(&env, &when) {
            n_new += 1;
            continue;
        }
        n_old += 1;
        let begin = Instant::now();
        env.run(["rebuild"]).status(0, format_args!("{when}: the same again"));
        whole = begin.elapsed();
        assert!(is_new(&env, &when), "{when}");
    }
    println!("{n_old} of {kills} left the old one, {n_new} the new one");
}
