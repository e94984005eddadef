//! Provides the golden home: its files, its databases, and the rows that a backfill of it must write on each schema.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::env::{Env, set_mtime};
use crate::table::{Row, Rows};

/// A file of the golden home.
pub(crate) struct Case {
    /// The path relative to the home.
    pub(crate) path: String,
    /// The id of its thread, as far as its name tells.
    pub(crate) thread: String,
    /// The rule that it shows.
    pub(crate) name: String,
    /// The modification time in milliseconds.
    pub(crate) mtime_ms: i64,
}

/// Every schema that has an empty database, newest first.
pub(crate) const SCHEMAS: [&str; 4] = ["empty-2026-08", "empty-2026-07", "empty-2026-03", "empty-2026-01"];

/// The rollouts on which a backfill fails.
pub(crate) const FAILING: [&str; 3] = ["empty", "only-garbage", "zst-corrupt"];

/// Those of [`FAILING`] that are not empty: they are errors for verify.
pub(crate) const UNREADABLE: [&str; 2] = ["only-garbage", "zst-corrupt"];

/// The number of files that are not chosen because their thread has another file.
pub(crate) const SUPERSEDED: usize = 4;

/// The number of files whose name is a rollout's.
pub(crate) const ROLLOUTS: usize = 70;

/// The number of threads that have a row.
pub(crate) const THREADS: usize = 63;

/// The name that session_index.jsonl has for `plain`.
pub(crate) const NAME_OF_PLAIN: &str = "Renamed thread";

const WORKSPACE_WRITE: &str = r#"{"type":"workspace-write","writable_roots":["/srv/golden"],"network_access":false,"exclude_tmpdir_env_var":false,"exclude_slash_tmp":false}"#;

/// Returns cells in which our value differs from Codex's of August, or for which Codex has no row: (case, column, our
/// value). The fixture's README has the reasons. `rollout_path` is relative to the home here.
fn exceptions() -> Vec<(&'static str, &'static str, Value)> {
    let mut cells = vec![
        ("source-new", "source", json!("satellite")),
        ("approval-on-failure", "approval_mode", json!("on-failure")),
        ("plain", "title", json!(NAME_OF_PLAIN)),
        ("revert-first-head", "recency_at", json!(1_773_509_958)),
        ("revert-first-head", "recency_at_ms", json!(1_773_509_958_373_i64)),
        ("policy-read-only", "sandbox_policy", json!(r#"{"type":"read-only"}"#)),
        ("policy-full-access", "sandbox_policy", json!(r#"{"type":"danger-full-access"}"#)),
        (
            "policy-write-network",
            "sandbox_policy",
            json!(
                r#"{"type":"workspace-write","writable_roots":[],"network_access":true,"exclude_tmpdir_env_var":true,"exclude_slash_tmp":true}"#
            ),
        ),
        (
            "policy-external",
            "sandbox_policy",
            json!(r#"{"type":"external-sandbox","network_access":"enabled"}"#),
        ),
    ];
    let mut all = |case: &'static str, ours: Value| {
        let Value::Object(ours) = ours else { unreachable!() };
        for (column, value) in ours {
            cells.push((case, Box::leak(column.into_boxed_str()), value));
        }
    };
    all(
        "bom",
        json!({
            "source": "cli", "thread_source": "user", "cwd": "/srv/golden", "cli_version": "0.147.0",
            "model_provider": "openai", "created_at": 1_773_511_332, "created_at_ms": 1_773_511_332_123_i64,
        }),
    );
    all(
        "duplicate-restored",
        json!({
            "rollout_path":
                "sessions/2026/03/14/rollout-2026-03-14T17-45-12-019ced73-c0bb-7af2-ad90-8fa157eaaed6.jsonl",
            "archived": 0, "archived_at": null,
            "updated_at": 1_773_510_318, "updated_at_ms": 1_773_510_318_373_i64,
            "recency_at": 1_773_510_318, "recency_at_ms": 1_773_510_318_373_i64,
        }),
    );
    all(
        "torn-tail",
        json!({
            "updated_at": 1_772_600_767, "updated_at_ms": 1_772_600_767_123_i64,
            "recency_at": 1_772_600_767, "recency_at_ms": 1_772_600_767_123_i64,
        }),
    );
    let base_message = "reverted-base: please look at golden";
    all(
        "reverted-head",
        json!({
            "title": base_message, "first_user_message": base_message, "preview": base_message,
            "created_at": 1_773_509_772, "created_at_ms": 1_773_509_772_123_i64,
            "recency_at": 1_773_509_838, "recency_at_ms": 1_773_509_838_373_i64,
        }),
    );
    all(
        "utf8-broken",
        json!({
            "id": "019ced82-66bb-71c7-843b-544a57a9086f",
            "rollout_path":
                "sessions/2026/03/14/rollout-2026-03-14T18-01-12-019ced82-66bb-71c7-843b-544a57a9086f.jsonl",
            "created_at": 1_773_511_272, "created_at_ms": 1_773_511_272_123_i64,
            "updated_at": 1_773_511_278, "updated_at_ms": 1_773_511_278_373_i64,
            "recency_at": 1_773_511_278, "recency_at_ms": 1_773_511_278_373_i64,
            "title": "utf8-broken: please look at golden",
            "first_user_message": "utf8-broken: please look at golden",
            "preview": "utf8-broken: please look at golden",
            "tokens_used": 21,
        }),
    );
    all(
        "legacy-2025",
        json!({
            "id": "019ced7c-e87b-77fc-a380-70da1778b81e",
            "rollout_path":
                "sessions/2026/03/14/rollout-2026-03-14T17-55-12-019ced7c-e87b-77fc-a380-70da1778b81e.jsonl",
            "created_at": 1_773_510_912, "created_at_ms": 1_773_510_912_123_i64,
            "updated_at": 1_773_510_912, "updated_at_ms": 1_773_510_912_373_i64,
            "recency_at": 1_773_510_912, "recency_at_ms": 1_773_510_912_373_i64,
            "title": "legacy-2025: please look at golden",
            "first_user_message": "legacy-2025: please look at golden",
            "preview": "legacy-2025: please look at golden",
            "git_sha": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "git_branch": "old",
            "source": "vscode", "thread_source": null, "cwd": "", "cli_version": "",
            "model": null, "reasoning_effort": null, "sandbox_policy": r#"{"type":"read-only"}"#,
        }),
    );
    cells
}

/// Returns the rows that a backfill of the golden home in `env` must write, in these columns.
pub(crate) fn expected_rows(env: &Env, columns: &BTreeSet<String>) -> Rows {
    let manifest = manifest();
    let text = fs::read_to_string(folder().join("rows-2026-08.jsonl")).unwrap();
    let mut rows: Vec<(String, Row)> = Vec::new();
    for line in text.lines() {
        let row: Row = serde_json::from_str(line).unwrap();
        let case = manifest.iter().find(|case| row["rollout_path"] == case.path).unwrap();
        rows.push((case.name.clone(), row));
    }
    let (_, ordinary) = rows.iter().find(|(case, _)| case == "no-provider").unwrap().clone();
    rows.extend(["utf8-broken", "legacy-2025"].map(|case| (case.to_owned(), ordinary.clone())));

    let exceptions = exceptions();
    for (case, row) in &mut rows {
        if !["profile-disabled", "profile-external", "settings"].contains(&case.as_str()) {
            row.insert("sandbox_policy".to_owned(), WORKSPACE_WRITE.into());
        }
        for (_, column, ours) in exceptions.iter().filter(|(exception, ..)| exception == case) {
            row.insert((*column).to_owned(), ours.clone());
        }
        let path = env.path(row["rollout_path"].as_str().unwrap());
        row.insert("rollout_path".to_owned(), path.into());
        if !columns.contains("first_user_message") {
            row.insert("has_user_event".to_owned(), i64::from(case != "no-user").into());
        }
        row.retain(|column, _| columns.contains(column));
    }
    rows.into_iter().map(|(_, row)| (row["id"].as_str().unwrap().to_owned(), row)).collect()
}

/// Returns the file of a case that has only one.
pub(crate) fn case(name: &str) -> Case {
    let mut found: Vec<Case> = manifest().into_iter().filter(|case| case.name == name).collect();
    assert_eq!(found.len(), 1, "one file of the case {name}");
    found.pop().unwrap()
}

/// Returns the case of a path in a finding or in a failure.
pub(crate) fn case_of(path: &str) -> String {
    let path = path.replace('\\', "/");
    let found = manifest().into_iter().find(|case| path.ends_with(&case.path));
    found.unwrap_or_else(|| panic!("{path} is not in the golden home")).name
}

/// Lists all files of the golden home except its session index.
pub(crate) fn manifest() -> Vec<Case> {
    let text = fs::read_to_string(folder().join("home/MANIFEST.tsv")).unwrap();
    let cases = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [path, thread, name, mtime] = fields[..] else { panic!("MANIFEST.tsv: {line}") };
        let [path, thread, name] = [path, thread, name].map(str::to_owned);
        Case { path, thread, name, mtime_ms: mtime.parse().unwrap() }
    });
    cases.collect()
}

/// Copies the home and sets its times.
pub(crate) fn copy_home(to: &Path) {
    let from = folder().join("home");
    let index = "session_index.jsonl";
    fs::write(to.join(index), fs::read(from.join(index)).unwrap()).unwrap();
    for case in manifest() {
        let target = to.join(&case.path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(&target, fs::read(from.join(&case.path)).unwrap()).unwrap();
        set_mtime(&target, case.mtime_ms);
    }
}

/// Returns the path of the fixture `<name>.<file name>` among the databases.
pub(crate) fn database(name: &str) -> PathBuf {
    let files = fs::read_dir(folder().join("databases")).unwrap().map(|entry| entry.unwrap().path());
    let prefix = format!("{name}.");
    files
        .into_iter()
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&prefix))
        .unwrap_or_else(|| panic!("no golden database {name}"))
}

/// Returns a home whose database Codex of August filled. Its paths are changed to this copy.
pub(crate) fn filled_by_codex() -> Env {
    let env = Env::golden("filled-2026-08");
    let home = env.home().to_str().unwrap().replace('\'', "''");
    let separator = std::path::MAIN_SEPARATOR;
    env.sql(&format!(
        "UPDATE threads SET rollout_path = '{home}' ||
             replace(substr(rollout_path, length('/home/dev/.codex') + 1), '/', '{separator}')"
    ));
    env
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden")
}

#[test]
fn the_manifest_the_numbers_and_the_table_of_exceptions_fit_each_other() {
    let manifest = manifest();
    let is_rollout =
        |path: &str| path.rsplit('/').next().unwrap().starts_with("rollout-") && !path.ends_with(".bak");
    assert_eq!(manifest.iter().filter(|case| is_rollout(&case.path)).count(), ROLLOUTS);
    assert_eq!(ROLLOUTS, THREADS + SUPERSEDED + FAILING.len());

    let columns: BTreeSet<String> =
        ["id", "rollout_path", "title", "sandbox_policy"].map(str::to_owned).into_iter().collect();
    let env = Env::new();
    let rows = expected_rows(&env, &columns);
    assert_eq!(rows.len(), THREADS, "Codex's rows and the two that it has not");
    for (case, ..) in exceptions() {
        assert!(manifest.iter().any(|known| known.name == case), "{case} is in the manifest");
    }
}

#[test]
fn a_copy_of_the_golden_home_has_the_times_of_its_manifest() {
    let env = Env::new();
    env.golden_home();
    for case in manifest() {
        assert_eq!(crate::env::mtime(&env.home().join(&case.path)), case.mtime_ms, "{}", case.path);
    }
    let plain = case("plain");
    assert!(plain.path.contains(&plain.thread));
}
