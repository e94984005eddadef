//! Provides what the tests of archive, unarchive and prune share: a home with one thread of each kind, and checks of
//! it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use serde_json::json;

use crate::env::Env;
use crate::outcome::Outcome;
use crate::rollouts::{Rollout, plain};
use crate::shapes::Verify;

/// The id of a plain thread.
pub(crate) const PLAIN: &str = "20260310-1000-7000-8000-000000000000";
/// The id of a compressed thread.
pub(crate) const COMPRESSED: &str = "20260311-1000-7000-8000-000000000000";
/// The id of a thread with a plain file and a compressed one beside it.
pub(crate) const TWINS: &str = "20260312-1000-7000-8000-000000000000";
/// The id of a reverted thread: it has a base, and a head that the row names.
pub(crate) const REVERTED: &str = "20260313-1000-7000-8000-000000000000";
/// The id of a thread that the plain one spawned.
pub(crate) const CHILD: &str = "20260314-1000-7000-8000-000000000000";
/// The ids of all threads.
pub(crate) const ALL: [&str; 5] = [PLAIN, COMPRESSED, TWINS, REVERTED, CHILD];

/// The number of files of [`ALL`].
pub(crate) const N_FILES: usize = 7;

/// The id of the rollout that the reverted thread's row names.
pub(crate) const HEAD: &str = "ffffffff-1000-7000-8000-000000000000";

/// Returns the threads in their canonical folders.
pub(crate) fn rollouts() -> Vec<Rollout> {
    let twin = plain("2026-03-12T10:00:00", "twins");
    let base = plain("2026-03-13T10:00:00", "reverted").meta(|meta| meta.paginated());
    let text = base.text();
    let end = text[..text.find("\"turn_context\"").unwrap()].rfind('\n').unwrap() + 1;
    let history = json!({"thread_id": REVERTED, "end_ordinal_exclusive": 2, "end_byte_offset": end});
    let head = Rollout::new("2026-03-13T11:00:00")
        .id(REVERTED)
        .rollout_id(HEAD)
        .meta(|meta| meta.paginated().set("history_base", history))
        .user("another way")
        .tokens(7);
    let source = json!({"subagent": {"thread_spawn": {"parent_thread_id": PLAIN, "depth": 1}}});
    vec![
        plain("2026-03-10T10:00:00", "plain"),
        plain("2026-03-11T10:00:00", "compressed").compressed(),
        twin.clone(),
        twin.compressed(),
        base,
        head,
        plain("2026-03-14T10:00:00", "child").meta(|meta| meta.source(source)),
    ]
}

/// Returns an indexed home with all of them. Its database has this schema.
#[track_caller]
pub(crate) fn home(schema: &str) -> Env {
    let env = Env::new();
    env.database(schema);
    for rollout in rollouts() {
        rollout.write(&env);
    }
    env.run(["backfill"]).status(0, "the home is fine");
    agrees(&env, "after backfill");
    env
}

/// Fails unless database and files agree.
#[track_caller]
pub(crate) fn agrees(env: &Env, when: &str) {
    let outcome = env.run(["verify", "--format", "json"]);
    let findings = Verify::of(&outcome).findings;
    let findings: Vec<_> = findings.iter().filter(|finding| finding.kind != "backfill_incomplete").collect();
    outcome.assert(findings.is_empty(), format_args!("database and files agree {when}: {findings:?}"));
}

/// Returns the place and the bytes of every rollout by its name, which moving does not change.
pub(crate) fn files(env: &Env) -> BTreeMap<String, (String, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for (name, relative, bytes) in all_files(env) {
        let there = files.insert(name, (relative, bytes));
        assert!(there.is_none(), "twice: {:?}", there.map(|(path, _)| path));
    }
    files
}

/// Returns the bytes of all copies by name. No command may lose any of them.
pub(crate) fn contents(env: &Env) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut contents: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (name, _, bytes) in all_files(env) {
        contents.entry(name).or_default().push(bytes);
    }
    contents.values_mut().for_each(|copies| copies.sort());
    contents
}

fn all_files(env: &Env) -> Vec<(String, String, Vec<u8>)> {
    let mut files = Vec::new();
    for root in ["sessions", "archived_sessions"] {
        for entry in walkdir::WalkDir::new(env.home().join(root)).follow_root_links(true) {
            let Ok(entry) = entry else { continue };
            if entry.file_type().is_file() {
                let name = entry.file_name().to_str().unwrap().to_owned();
                let relative = entry.path().strip_prefix(env.home()).unwrap();
                let relative = relative.to_str().unwrap().replace('\\', "/");
                files.push((name, relative, fs::read(entry.path()).unwrap()));
            }
        }
    }
    files
}

/// Runs with this text on stdin.
pub(crate) fn run_with_input(env: &Env, args: &[&str], input: &str) -> Outcome {
    let mut command = env.command(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    Outcome::new(&env.outside(""), &command, child.wait_with_output().unwrap())
}

/// Runs dry and then for real. Fails unless both print the same document and the dry run changes nothing. Returns the
/// real run.
#[track_caller]
pub(crate) fn dry_then_real(env: &Env, args: &[&str]) -> Outcome {
    let before = env.tree();
    let dry = env.run(args.iter().chain(&["--dry-run", "--format", "json"]));
    let difference = before.difference(&env.tree());
    dry.assert(difference.is_empty(), format_args!("a dry run changes nothing:\n{difference}"));
    let real = env.run(args.iter().chain(&["--format", "json"]));
    real.assert_eq(real.code, dry.code, "the status of the dry run");
    let (mut promised, mut done) = (dry.json(), real.json());
    dry.assert_eq(promised["dry_run"].take(), true.into(), "it says that it is one");
    real.assert_eq(done["dry_run"].take(), false.into(), "it does not say that it is one");
    if let Some(saved) = done.get_mut("saved_to") {
        *saved = serde_json::Value::Null;
    }
    real.assert_eq(done, promised, "what the dry run printed");
    real
}

/// Takes a lock as a running Codex does. The lock is held until the file is dropped.
pub(crate) fn hold(path: &Path) -> fs::File {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = fs::File::create(path).unwrap();
    file.lock().unwrap();
    file
}

/// Returns the path of the lock of a thread's writer.
pub(crate) fn writer_lock(env: &Env, id: &str) -> PathBuf {
    env.home().join("thread-writer-locks").join(format!("{id}.lock"))
}

/// Returns the points of a verb at which `src/fault.rs` may end the process.
#[cfg(feature = "fault-points")]
pub(crate) fn points(verb: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fault.rs")).unwrap();
    let list = text.split("POINTS: &[&str] = &[").nth(1).unwrap().split("];").next().unwrap();
    let names = list.split('"').skip(1).step_by(2).map(str::to_owned);
    let points: Vec<String> = names.filter(|name| name.split(':').next() == Some(verb)).collect();
    assert!(!points.is_empty(), "no points of {verb}");
    points
}

/// The document of archive and unarchive with `--format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moved {
    pub(crate) schema_version: u64,
    pub(crate) database: String,
    pub(crate) threads: Vec<Thread>,
    #[serde(alias = "unarchived")]
    pub(crate) archived: usize,
    pub(crate) unchanged: usize,
    pub(crate) failed: usize,
    pub(crate) shown_before: usize,
    pub(crate) shown_after: usize,
    pub(crate) dry_run: bool,
}

/// One thread of the document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Thread {
    pub(crate) id: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) status: String,
    pub(crate) files: Vec<File>,
    pub(crate) error: Option<String>,
}

/// One moved file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Moved {
    /// Parses the document of a run. Fails unless its numbers add up.
    #[track_caller]
    pub(crate) fn of(outcome: &Outcome) -> Moved {
        let moved: Moved = outcome.shaped();
        outcome.assert_eq(moved.schema_version, 1, "the version");
        outcome.assert_eq(moved.dry_run, outcome.command.contains("--dry-run"), "whether it was one");
        let change = moved.shown_before.abs_diff(moved.shown_after);
        outcome.assert(change <= moved.archived, "the list changes by what moved at most");
        let parts = moved.archived + moved.unchanged + moved.failed;
        outcome.assert_eq(parts, moved.threads.len(), "every thread is counted once");
        for thread in &moved.threads {
            outcome.assert_eq(
                thread.error.is_some(),
                thread.status == "failed",
                format_args!("an error where it failed alone: {thread:?}"),
            );
            outcome.assert_eq(thread.to.is_some(), thread.status != "failed", "a place where it is");
            for file in &thread.files {
                outcome.assert(thread.from.is_some(), "where the selected one was");
                outcome.assert(Path::new(&file.from) != Path::new(&file.to), "it moved");
            }
        }
        moved
    }

    /// Returns (archived, unchanged, failed) for short assertions.
    pub(crate) fn counts(&self) -> [usize; 3] {
        [self.archived, self.unchanged, self.failed]
    }

    /// Returns the statuses by thread.
    pub(crate) fn statuses(&self) -> BTreeMap<&str, &str> {
        self.threads
            .iter()
            .map(|thread| (thread.id.as_deref().unwrap_or("-"), thread.status.as_str()))
            .collect()
    }
}
