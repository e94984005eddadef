//! Decides what a synthetic thread is before it has lines: its id, times, folder and session meta.

use super::rng::Rng;
use chrono::{DateTime, Utc};
use std::path::PathBuf;

/// 2026-01-05T08:00:00Z, when the first thread of every home begins.
const FIRST_MS: i64 = 1_767_600_000_000;
/// The time over which the threads of a home are spread, however many they are.
const SPAN_MS: i64 = 200 * 24 * 3600 * 1000;

/// The identity of a thread. It depends only on the seed of the home and the number of the thread.
#[derive(Debug, Clone)]
pub(crate) struct Thread {
    /// A version 7 UUID with the time `began_ms`.
    pub(crate) id: String,
    /// The time at which it began, in milliseconds since the epoch.
    pub(crate) began_ms: i64,
    /// True if its file is in `archived_sessions`.
    pub(crate) archived: bool,
    /// True if its lines have ordinals.
    pub(crate) paginated: bool,
    /// The name that a user gave it.
    pub(crate) name: Option<String>,
    /// The folder in which it worked. It need not exist on this machine.
    pub(crate) cwd: String,
    /// The version of Codex that wrote it.
    pub(crate) cli_version: &'static str,
    /// The source of the thread, as JSON.
    pub(crate) source: String,
    /// `user` or `subagent`.
    pub(crate) thread_source: &'static str,
    /// The provider of its model.
    pub(crate) provider: &'static str,
    /// Its model.
    pub(crate) model: &'static str,
    /// The approval policy.
    pub(crate) approval: &'static str,
    /// The commit at which it began; most threads have one.
    pub(crate) commit: Option<String>,
    rng: Rng,
}

impl Thread {
    /// Makes thread number `index` of `count` in the home of `seed`.
    pub(crate) fn new(seed: u64, index: usize, count: usize) -> Self {
        let (mut rng, began_ms, id) = begin(seed, index, count);
        let subagent = rng.percent(6);
        let source = if subagent {
            let (_, _, parent) = begin(seed, index.saturating_sub(1), count);
            format!(r#"{{"subagent":{{"thread_spawn":{{"parent_thread_id":"{parent}","depth":1}}}}}}"#)
        } else {
            rng.pick(&[r#""cli""#, r#""cli""#, r#""vscode""#, r#""exec""#]).to_owned()
        };
        Self {
            id,
            began_ms,
            archived: rng.percent(15),
            paginated: rng.percent(25),
            name: rng.percent(3).then(|| format!("Synthetic thread {index}")),
            cwd: format!("/home/dev/projects/p{}", rng.below(40)),
            cli_version: rng.pick(&["0.104.0", "0.121.0", "0.135.1", "0.147.0"]),
            source,
            thread_source: if subagent { "subagent" } else { "user" },
            provider: if rng.percent(5) { "azure" } else { "openai" },
            model: rng.pick(&["gpt-5.2-codex", "gpt-5.3-codex", "gpt-5.6"]),
            approval: rng.pick(&["on-request", "on-request", "never", "untrusted"]),
            commit: rng
                .percent(70)
                .then(|| format!("{:016x}{:016x}{:08x}", rng.next(), rng.next(), rng.next() as u32)),
            rng,
        }
    }

    /// Returns the random numbers for its lines. They continue those for its identity.
    pub(crate) fn rng(&self) -> Rng {
        self.rng.clone()
    }

    /// Returns the path of its rollout below the home, without `.zst`.
    pub(crate) fn rollout_path(&self) -> PathBuf {
        let began = utc(self.began_ms);
        let file = format!("rollout-{}-{}.jsonl", began.format("%Y-%m-%dT%H-%M-%S"), self.id);
        if self.archived {
            PathBuf::from("archived_sessions").join(file)
        } else {
            PathBuf::from("sessions").join(began.format("%Y/%m/%d").to_string()).join(file)
        }
    }
}

/// Returns the random numbers of a thread, the time at which it began, and its id.
fn begin(seed: u64, index: usize, count: usize) -> (Rng, i64, String) {
    let mut rng = Rng::new(seed, index as u64);
    let step = (SPAN_MS / count.max(1) as i64).max(1);
    let began_ms = FIRST_MS + index as i64 * step + rng.below(step as usize) as i64;
    let mut random = [0; 10];
    random[..8].copy_from_slice(&rng.next().to_le_bytes());
    random[8..].copy_from_slice(&rng.next().to_le_bytes()[..2]);
    let id = uuid::Builder::from_unix_timestamp_millis(began_ms as u64, &random).into_uuid();
    (rng, began_ms, id.to_string())
}

/// Formats a time as rollouts have it.
pub(crate) fn stamp(ms: i64) -> String {
    utc(ms).format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn utc(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}
