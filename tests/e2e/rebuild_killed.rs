//! Killed between any two steps and at random moments, rebuild leaves the old database or the new one, whole, and a
//! rerun completes it.
#![cfg(feature = "fault-points")]

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::env::Env;
use crate::moving::{self, ALL, PLAIN, contents};
use crate::table;

/// A home whose database Codex refuses for a checksum, or is damaged in an index; a log lies beside it.
fn home(damage: &str) -> Env {
    let env = moving::home("empty-2026-08");
    env.sql(&format!(
        "UPDATE threads SET name = 'kept' WHERE id = '{PLAIN}'; PRAGMA journal_mode = wal; {damage}"
    ));
    env
}

const LEDGER: &str = "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 3";
/// A page of an index is destroyed.
const INDEX: &str = "index";

fn damage(env: &Env, kind: &str) {
    if kind == INDEX {
        crate::wrecks::tear_leaves(&env.db(), "idx_threads_source", 1);
    }
}

/// Whether the database in place is a new one; it is whole either way, but for what was damaged before.
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
            // What a crash after the rename left goes with the next run that builds something.
            assert!(!left || is_new, "{point}: {:?}", env.tree().names());
            let kept = fs::read_dir(env.home().join("codex-state-backups")).unwrap().count();
            assert!((1..=2).contains(&kept), "{point}: the old one is kept");
            died.extend(is_passed.then_some(point));
        }
        assert!(died.len() >= 6, "{died:?}");
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
