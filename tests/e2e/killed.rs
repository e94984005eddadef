//! Tests commands that are killed at random moments: nothing is lost, the database is sound, and the same command
//! completes the work.
//!
//! By default there are a few kills; with `CODEX_STATE_KILLS=300` there are 300.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::env::Env;
use crate::moving::{self, ALL, PLAIN, agrees, contents};
use crate::table;

/// Returns ids of rows that never had files.
fn ghosts() -> impl Iterator<Item = String> {
    (0..40).map(|number| format!("eeeeeeee-1000-7000-8000-0000000000{number:02x}"))
}

/// Adds the rows of [`ghosts`].
fn haunt(env: &Env) {
    // The rows are not young, although the thread from which they are made may be.
    let mut sql = format!(
        "CREATE TEMP TABLE ghost AS SELECT * FROM threads WHERE id = '{PLAIN}';
         UPDATE ghost SET updated_at = 1773136800, updated_at_ms = 1773136800000;"
    );
    for id in ghosts() {
        sql += &format!(
            "UPDATE ghost SET id = '{id}', rollout_path = '{}';
             INSERT OR IGNORE INTO threads SELECT * FROM ghost;",
            env.path(&format!("sessions/2026/03/01/rollout-2026-03-01T10-00-00-{id}.jsonl"))
        );
    }
    env.sql(&sql);
}

/// A simple random number generator that gives the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn at_any_moment() {
    #[expect(clippy::disallowed_methods, reason = "how often to kill is the caller's to say")]
    let kills: u64 = std::env::var("CODEX_STATE_KILLS").ok().map_or(30, |text| text.parse().unwrap());
    let env = moving::home("empty-2026-08");
    let backup = env.outside("backup.sqlite");
    env.run(["backup", backup.to_str().unwrap()]).status(0, "a backup");
    let before = contents(&env);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut took: BTreeMap<&str, Duration> = BTreeMap::new();
    let mut died = 0;
    for kill in 0..kills {
        const VERBS: [&str; 7] =
            ["archive", "unarchive", "prune", "restore", "backfill", "relink", "rebuild"];
        let verb = VERBS[random.below(7) as usize];
        let mut args: Vec<&str> = vec![verb];
        match verb {
            "archive" | "unarchive" => args.extend(ALL),
            "prune" => {
                haunt(&env);
                args.extend(["--yes", "--all-missing"]);
            }
            "relink" => {
                env.sql("UPDATE threads SET cwd = '/nowhere/project'");
                args.extend(["--missing-ok", "/nowhere/project", "/nowhere/else"]);
            }
            "restore" => args.push(backup.to_str().unwrap()),
            "rebuild" => args.push("--force"),
            _ => env.sql("DELETE FROM threads WHERE id > '20260312'"),
        }
        let start = || env.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let whole = took.get(verb).copied().unwrap_or(Duration::from_millis(30));
        let mut child = start();
        std::thread::sleep(whole.mul_f64(random.below(1000) as f64 / 1000.0));
        let _ = child.kill();
        died += u32::from(!child.wait().unwrap().success());
        let when = format!("kill {kill}, of {verb}");
        table::assert_sound(&env.db(), &when);
        assert_eq!(contents(&env), before, "{when}: no byte is lost");
        let rows = env.rows();
        if verb == "prune" {
            let saved: usize = fs::read_dir(env.home().join("codex-state-backups"))
                .into_iter()
                .flatten()
                .flatten()
                .filter(|entry| entry.file_name().to_str().unwrap().starts_with("pruned-"))
                .count();
            let gone = ghosts().filter(|id| !rows.contains_key(id)).count();
            assert!(gone == 0 || saved > 0, "{when}: {gone} rows are gone and not saved");
        }
        let begin = Instant::now();
        let outcome = env.finish(env.command(&args));
        outcome.status(0, format_args!("{when}: the same again"));
        took.insert(verb, begin.elapsed());
        if verb == "restore" {
            env.run(["backfill"]).status(0, "the backup knows the threads where they were then");
        }
        if kill % 5 == 4 {
            env.run(["backfill", "--prune", "--yes", "--all-missing"]).status(0, "everything else");
            agrees(&env, &when);
            assert_eq!(env.rows().len(), ALL.len(), "{when}");
        }
        // Saved rows and backups accumulate, because all runs have the same time of day.
        if kill % 20 == 19 {
            fs::remove_dir_all(env.home().join("codex-state-backups")).unwrap();
        }
    }
    println!("{died} of {kills} died, the others were done before");
    assert_eq!(contents(&env), before);
}
