//! Tests the commands beside a running Codex: neither side fails, nothing is lost, and no command reports drift that
//! is not there.
//!
//! By default a test takes a few seconds; with `CODEX_STATE_LIVE_SECONDS=60` it takes a minute.
//!
//! The writers run in this process, so only SQLite may open the database's files here: closing any other handle of
//! them would drop SQLite's locks.

#![allow(clippy::disallowed_methods, reason = "a live Codex writes by the real clock")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use crate::env::Env;
use crate::rollouts::{Rollout, plain};
use crate::shapes::Backfill;

/// The tokens in a file before its Codex starts.
const BEGINNING: i64 = 1200;

const WRITERS: usize = 4;
const THREADS: usize = 3;

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// A thread as its Codex knows it.
pub(crate) struct Live {
    pub(crate) id: String,
    home: PathBuf,
    active: PathBuf,
    is_archived: bool,
    /// The tokens of the last line in the file, and those in the row as this Codex wrote it.
    pub(crate) in_file: i64,
    in_row: i64,
    pub(crate) name: Option<String>,
    /// The time at which this Codex last wrote `updated_at` into the row.
    touched: Option<Instant>,
}

impl Live {
    pub(crate) fn new(env: &Env, rollout: &Rollout) -> Live {
        Live {
            id: rollout.thread().to_owned(),
            home: env.home(),
            active: rollout.write(env),
            is_archived: false,
            in_file: BEGINNING,
            in_row: BEGINNING,
            name: None,
            touched: None,
        }
    }

    fn path(&self) -> PathBuf {
        if self.is_archived {
            self.home.join("archived_sessions").join(self.active.file_name().unwrap())
        } else {
            self.active.clone()
        }
    }

    /// Makes a turn: appends lines to the file, then writes the row.
    pub(crate) fn turn(&mut self, connection: &mut Connection) {
        let tokens = self.in_file + 1;
        let time =
            chrono::DateTime::from_timestamp_millis(now_ms()).unwrap().format("%Y-%m-%dT%H:%M:%S%.3fZ");
        let filler = "x".repeat(usize::try_from(tokens % 7).unwrap() * 3000);
        let lines = format!(
            concat!(
                r#"{{"timestamp":"{time}","type":"response_item","payload":{{"type":"message","text":"{filler}"}}}}"#,
                "\n",
                r#"{{"timestamp":"{time}","type":"event_msg","payload":{{"type":"token_count","info":{{"total_token_usage":{{"total_tokens":{tokens}}}}}}}}}"#,
                "\n"
            ),
            time = time,
            filler = filler,
            tokens = tokens
        );
        let mut file = File::options().append(true).open(self.path()).unwrap();
        // The lines are written in two pieces, so that a reader may find a torn line.
        let (one, two) = lines.split_at(lines.len() - 20);
        file.write_all(one.as_bytes()).unwrap();
        file.write_all(two.as_bytes()).unwrap();
        self.in_file = tokens;
        pause(tokens.unsigned_abs() % 4);
        self.upsert(connection);
    }

    /// Writes the row as Codex does, and first checks that no other process set anything back.
    fn upsert(&mut self, connection: &mut Connection) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let row: Option<(i64, Option<String>)> = transaction
            .query_row("SELECT tokens_used, name FROM threads WHERE id = ?1", [&self.id], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .unwrap();
        if let Some((tokens, name)) = row {
            assert!(
                (self.in_row..=self.in_file).contains(&tokens),
                "lost update: the row of {} has {tokens}, this Codex wrote {} of {}",
                self.id,
                self.in_row,
                self.in_file
            );
            assert_eq!(name, self.name, "the name of {}", self.id);
        }
        if self.in_file % 5 == 0 {
            self.name = Some(format!("name {}", self.in_file));
        }
        let is_due = self.touched.is_none_or(|touched| touched.elapsed() > Duration::from_secs(5));
        let now = now_ms();
        if is_due {
            self.touched = Some(Instant::now());
        }
        transaction
            .execute(
                "INSERT INTO threads (id, rollout_path, created_at, created_at_ms, updated_at, updated_at_ms, source,
                     model_provider, cwd, title, sandbox_policy, approval_mode, tokens_used, cli_version,
                     first_user_message, preview, model, reasoning_effort, archived, name)
                 VALUES (?1, ?2, ?3 / 1000, ?3, ?3 / 1000, ?3, 'cli', 'openai', '/nowhere/project', 'words',
                     '{\"type\":\"workspace-write\",\"network_access\":false}', 'on-request', ?4, '0.147.0', 'words',
                     'words', 'gpt-5', 'high', ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET rollout_path = ?2, tokens_used = ?4, archived = ?5, name = ?6,
                     updated_at = CASE WHEN ?7 THEN ?3 / 1000 ELSE updated_at END,
                     updated_at_ms = CASE WHEN ?7 THEN ?3 ELSE updated_at_ms END",
                params![
                    self.id,
                    self.path().to_str(),
                    now,
                    self.in_file,
                    self.is_archived,
                    self.name,
                    is_due
                ],
            )
            .unwrap();
        transaction.commit().unwrap();
        self.in_row = self.in_file;
    }

    /// Archives the thread, or brings it back: the file first, then the row.
    fn archive_or_back(&mut self, connection: &mut Connection) {
        let from = self.path();
        self.is_archived = !self.is_archived;
        let to = self.path();
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(from, &to).unwrap();
        pause(2);
        if !self.is_archived {
            File::options().append(true).open(&to).unwrap().set_modified(SystemTime::now()).unwrap();
        }
        self.write_place(connection);
    }

    /// Writes into the row where the file is.
    fn write_place(&self, connection: &Connection) {
        let to = self.path();
        connection
            .execute(
                "UPDATE threads SET archived = ?2, archived_at = ?3, rollout_path = ?4 WHERE id = ?1",
                params![self.id, self.is_archived, self.is_archived.then(|| now_ms() / 1000), to.to_str()],
            )
            .unwrap();
    }
}

pub(crate) fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}

/// Returns how many seconds a test runs.
pub(crate) fn seconds() -> u64 {
    std::env::var("CODEX_STATE_LIVE_SECONDS").ok().map_or(3, |text| text.parse().unwrap())
}

#[test]
fn beside_a_codex_at_work() {
    let seconds = seconds();
    let env = Env::new();
    let database = env.database("empty-2026-08");
    // These threads are not in use, so that rows and files agree for some threads.
    for n in 0..40 {
        plain(&format!("2026-02-{:02}T{:02}:00:00", 1 + n % 20, n / 20), "words").write(&env);
    }
    let live: Vec<Vec<Live>> = (0..WRITERS)
        .map(|w| {
            let start = |t| format!("2026-03-{:02}T{t:02}:00:00", w + 1);
            (0..THREADS).map(|t| Live::new(&env, &plain(&start(t), "words"))).collect()
        })
        .collect();
    let stop = AtomicBool::new(false);
    let turns = AtomicU64::new(0);
    let has_verify = env.run(["verify", "--help"]).code == Some(0);
    let mut runs = [0; 3];
    let finished: Vec<Live> = thread::scope(|scope| {
        let writers: Vec<_> = live
            .into_iter()
            .enumerate()
            .map(|(w, mut mine)| {
                let (stop, turns, database) = (&stop, &turns, &database);
                scope.spawn(move || {
                    let mut connection = Connection::open(database).unwrap();
                    connection.busy_timeout(Duration::from_secs(5)).unwrap();
                    connection.pragma_update(None, "synchronous", "NORMAL").unwrap();
                    for step in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let live = &mut mine[step % THREADS];
                        if w == 0 && step % 11 == 10 {
                            live.archive_or_back(&mut connection);
                        } else {
                            live.turn(&mut connection);
                        }
                        turns.fetch_add(1, Ordering::Relaxed);
                        pause(((step * 7 + w * 3) % 23) as u64);
                    }
                    mine
                })
            })
            .collect();
        let begin = Instant::now();
        let run = || {
            while begin.elapsed() < Duration::from_secs(seconds) {
                for (n, args) in
                    [&["backfill"][..], &["backfill", "--quick"], &["verify"]].into_iter().enumerate()
                {
                    if args == ["verify"] && !has_verify {
                        continue;
                    }
                    let mut command = env.command([args, &["--format", "json"]].concat());
                    // Codex's files get their times from the real clock, and verify waits for files that just
                    // changed.
                    command.env_remove("CODEX_STATE_NOW");
                    let outcome = env.finish(command);
                    // `Outcome::status` is not used: its report would read the database's file in this process.
                    assert_eq!(outcome.code, Some(0), "{args:?}: {}{}", outcome.stdout, outcome.stderr);
                    if n < 2 {
                        let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
                        assert_eq!(report["failed"], 0, "{report}");
                        assert_eq!(report["complete"], true, "{report}");
                    }
                    runs[n] += 1;
                }
            }
        };
        let watched = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        stop.store(true, Ordering::Relaxed);
        let finished = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        if let Err(panic) = watched {
            std::panic::resume_unwind(panic);
        }
        finished
    });
    println!("{} turns beside {runs:?} runs of backfill, backfill --quick, verify", turns.into_inner());
    assert!(runs[0] > 0);

    // Codex has ended. A backfill brings its last turn up to date, and then nothing is left to do.
    env.run(["backfill"]).status(0, "all files are fine");
    for live in finished {
        let row = env.row(&live.id);
        assert_eq!(row["tokens_used"], live.in_file, "{}", live.id);
        assert_eq!(row["name"].as_str(), live.name.as_deref(), "{}", live.id);
        assert_eq!(row["archived"], i64::from(live.is_archived), "{}", live.id);
        assert_eq!(row["rollout_path"].as_str(), live.path().to_str(), "{}", live.id);
    }
    crate::table::assert_sound(&database, "after all that");
    let again = env.run(["backfill", "--format", "json"]);
    let n = 40 + WRITERS * THREADS;
    again.assert_eq(Backfill::of(&again).counts(), [0, 0, n, 0, 0], "every row agrees");
    if has_verify {
        env.run(["verify"]).status(0, "and verify says so too");
    }
}

/// A busy machine can keep Codex from writing the row for longer than one pause.
#[test]
fn a_row_that_codex_writes_a_second_after_its_file_is_no_drift() {
    let env = Env::new();
    let database = env.database("empty-2026-08");
    let mut connection = Connection::open(&database).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    let mut live = Live::new(&env, &plain("2026-03-01T10:00:00", "words"));
    live.turn(&mut connection);
    env.run(["backfill"]).status(0, "the row of the stand-in for Codex is completed");
    fs::create_dir_all(env.home().join("archived_sessions")).unwrap();
    live.is_archived = true;
    let path = live.path();
    fs::rename(&live.active, &path).unwrap();
    let verify = |args: &[&str]| {
        let mut command = env.command(["verify"].iter().chain(args));
        command.env_remove("CODEX_STATE_NOW");
        env.finish(command)
    };
    let outcome = thread::scope(|scope| {
        let run = scope.spawn(|| verify(&[]));
        pause(1000);
        live.write_place(&connection);
        run.join().unwrap()
    });
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    // Drift that stays is reported all the same.
    connection.execute("UPDATE threads SET archived = 0", []).unwrap();
    assert_eq!(verify(&["--quick"]).code, Some(1));
}
