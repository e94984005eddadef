//! Tests archive, unarchive and prune beside a running Codex that locks what it writes: no run fails and no line is
//! lost.
//!
//! The writers run in this process, so only SQLite may open the database's files here: closing any other handle of
//! them would drop SQLite's locks.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, TransactionBehavior};

use crate::env::Env;
use crate::moving::agrees;
use crate::rollouts::plain;

const WRITERS: usize = 3;
const THREADS: usize = 4;
const SECONDS: u64 = 3;

/// Takes the lock of a thread as Codex does. Returns `None` if another process has it.
fn lock(home: &Path, id: &str) -> Option<File> {
    let folder = home.join("thread-writer-locks");
    let coordination = File::create(folder.join(".coordination.lock")).unwrap();
    coordination.lock().unwrap();
    let file = File::create(folder.join(format!("{id}.lock"))).unwrap();
    file.try_lock().ok().map(|()| file)
}

fn unlock(home: &Path, id: &str, lock: File) {
    let folder = home.join("thread-writer-locks");
    let coordination = File::create(folder.join(".coordination.lock")).unwrap();
    coordination.lock().unwrap();
    drop(lock);
    fs::remove_file(folder.join(format!("{id}.lock"))).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a Codex at work knows the time")]
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// Makes one turn of a thread: finds its file by its row, appends to it and writes the row.
fn turn(connection: &mut Connection, id: &str, tokens: i64) {
    let path: PathBuf = connection
        .query_row("SELECT rollout_path FROM threads WHERE id = ?1", [id], |row| row.get::<_, String>(0))
        .unwrap()
        .into();
    let time = chrono::DateTime::from_timestamp_millis(now_ms()).unwrap().format("%Y-%m-%dT%H:%M:%S%.3fZ");
    let line = format!(
        r#"{{"timestamp":"{time}","type":"event_msg","payload":{{"type":"token_count","info":{{"total_token_usage":{{"total_tokens":{tokens}}}}}}}}}"#
    );
    let mut file = File::options().append(true).open(&path).unwrap();
    writeln!(file, "{line}").unwrap();
    thread::sleep(Duration::from_millis(2));
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    transaction
        .execute(
            "UPDATE threads SET tokens_used = ?2, updated_at = ?3 / 1000, updated_at_ms = ?3 WHERE id = ?1",
            (id, tokens, now_ms()),
        )
        .unwrap();
    transaction.commit().unwrap();
}

#[test]
fn neither_fails_and_no_line_is_lost() {
    let env = Env::new();
    let database = env.database("empty-2026-08");
    fs::create_dir(env.home().join("thread-writer-locks")).unwrap();
    let ids: Vec<Vec<String>> = (0..WRITERS)
        .map(|writer| {
            let write = |thread| {
                let rollout = plain(&format!("2026-03-{:02}T{thread:02}:00:00", writer + 1), "words");
                rollout.write(&env);
                rollout.thread().to_owned()
            };
            (0..THREADS).map(write).collect()
        })
        .collect();
    env.run(["backfill"]).status(0, "all are fine");
    let all: Vec<String> = ids.iter().flatten().cloned().collect();
    let stop = AtomicBool::new(false);
    let mut refused = 0;
    let mut runs = 0;
    let written: BTreeMap<String, i64> = thread::scope(|scope| {
        let writers: Vec<_> = ids
            .iter()
            .map(|mine| {
                let (stop, env, database) = (&stop, &env, &database);
                scope.spawn(move || {
                    let home = env.home();
                    let mut connection = Connection::open(database).unwrap();
                    connection.busy_timeout(Duration::from_secs(5)).unwrap();
                    let mut written: BTreeMap<String, i64> = BTreeMap::new();
                    for step in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let id = &mine[step % THREADS];
                        let Some(lock) = lock(&home, id) else { continue };
                        for _ in 0..3 {
                            let tokens = written.entry(id.clone()).or_default();
                            *tokens += 1;
                            turn(&mut connection, id, *tokens);
                        }
                        unlock(&home, id, lock);
                        thread::sleep(Duration::from_millis((step % 7) as u64));
                    }
                    written
                })
            })
            .collect();
        let begin = Instant::now();
        let watch = || {
            while begin.elapsed() < Duration::from_secs(SECONDS) {
                for verb in ["archive", "unarchive", "prune"] {
                    let all = all.iter().map(String::as_str);
                    let mut command = match verb {
                        "prune" => env.command(["prune", "--yes", "--format", "json"]),
                        _ => env.command([verb, "--format", "json"].into_iter().chain(all)),
                    };
                    // Codex's files get their times from the real clock.
                    command.env_remove("CODEX_STATE_NOW");
                    let outcome = env.finish(command);
                    // `Outcome::status` is not used: its report would read the database's file in this process.
                    assert!(matches!(outcome.code, Some(0 | 1)), "{verb}: {}", outcome.stderr);
                    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
                    for thread in report["threads"].as_array().unwrap() {
                        let error = thread["error"].as_str().unwrap_or_default();
                        assert!(
                            error.is_empty() || error.contains("a running Codex"),
                            "{verb} fails for its sake alone: {thread}"
                        );
                        refused += usize::from(!error.is_empty());
                    }
                    runs += 1;
                }
            }
        };
        let watched = std::panic::catch_unwind(std::panic::AssertUnwindSafe(watch));
        stop.store(true, Ordering::Relaxed);
        let written = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        if let Err(panic) = watched {
            std::panic::resume_unwind(panic);
        }
        written
    });
    println!("{} turns beside {runs} runs, {refused} threads refused", written.values().sum::<i64>());
    assert!(runs > 0 && !written.is_empty());

    env.run(["backfill"]).status(0, "Codex has ended");
    agrees(&env, "after all that");
    let rows = env.rows();
    assert_eq!(rows.len(), all.len(), "no row was pruned");
    for (id, tokens) in written {
        let path = rows[&id]["rollout_path"].as_str().unwrap();
        let lines = fs::read_to_string(path).unwrap().matches("token_count").count();
        assert_eq!(i64::try_from(lines).unwrap(), tokens + 1, "every line of {id} is there, and the first");
        assert_eq!(rows[&id]["tokens_used"], tokens, "{id}");
    }
}
