//! Tests `--metrics FILE`: the counts of a run for Prometheus, also of a run that failed.

use std::fs;
use std::path::Path;

use crate::env::Env;
use crate::golden;

/// Returns the value of a sample.
#[track_caller]
fn sample(file: &Path, name: &str) -> Option<f64> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn a_backfill_counts_what_it_did() {
    let env = Env::golden("empty-2026-08");
    let file = env.outside("metrics/codex.prom");
    let path = file.to_str().unwrap();
    env.run(["backfill", "--metrics", path]).status(1, "three files cannot be read");
    let threads = golden::THREADS as f64;
    let expected = [
        ("codex_db_init_total{status=\"opened\"}", 1.0),
        ("codex_db_init_total{status=\"created\"}", 0.0),
        ("codex_db_init_total{status=\"open_error\"}", 0.0),
        ("codex_db_backfill_total{status=\"upserted\"}", threads),
        ("codex_db_backfill_total{status=\"unchanged\"}", 0.0),
        ("codex_db_backfill_total{status=\"failed\"}", 3.0),
        ("codex_db_threads{archived=\"false\"}", threads - 3.0),
        ("codex_db_threads{archived=\"true\"}", 3.0),
        ("codex_db_last_run_timestamp_seconds", crate::env::NOW_SECONDS as f64),
    ];
    for (name, value) in expected {
        assert_eq!(sample(&file, name), Some(value), "{name}\n{}", fs::read_to_string(&file).unwrap());
    }
    assert!(sample(&file, "codex_db_backfill_duration_seconds").is_some_and(|seconds| seconds >= 0.0));

    env.run(["backfill", "--metrics", path]).status(1, "the same three");
    assert_eq!(
        sample(&file, "codex_db_backfill_total{status=\"upserted\"}"),
        Some(0.0),
        "replaced as a whole"
    );
    assert_eq!(sample(&file, "codex_db_backfill_total{status=\"unchanged\"}"), Some(threads));
}

#[test]
fn a_database_that_is_made_is_counted_as_made() {
    let env = Env::new();
    let file = env.outside("codex.prom");
    env.run(["backfill", "--metrics", file.to_str().unwrap()]).status(0, "an empty home");
    assert_eq!(sample(&file, "codex_db_init_total{status=\"created\"}"), Some(1.0));
    assert_eq!(sample(&file, "codex_db_init_total{status=\"opened\"}"), Some(0.0));
}

#[test]
fn each_command_counts_that_it_opened_the_database() {
    let env = golden::filled_by_codex();
    let file = env.outside("codex.prom");
    let backup = env.outside("backup.sqlite");
    let (id, backup) = (golden::case("plain").thread, backup.to_str().unwrap().to_owned());
    for command in [
        &["list"][..],
        &["show", &id],
        &["path", &id],
        &["status"],
        &["verify", "--quick"],
        &["backfill", "--dry-run"],
        &["archive", &id],
        &["unarchive", &id],
        &["prune", "--dry-run"],
        &["backup", &backup],
        &["restore", &backup],
    ] {
        let outcome = env.run([command, &["--metrics", file.to_str().unwrap()]].concat());
        outcome.finished();
        let opened = sample(&file, "codex_db_init_total{status=\"opened\"}");
        outcome.assert_eq(opened, Some(1.0), "it opened the database");
        let failed = sample(&file, "codex_db_init_total{status=\"open_error\"}");
        outcome.assert_eq(failed, Some(0.0), "and did not fail to");
    }
    fs::remove_file(env.db()).unwrap();
    env.run(["restore", &backup, "--metrics", file.to_str().unwrap()]).status(0, "there was none");
    assert_eq!(sample(&file, "codex_db_init_total{status=\"created\"}"), Some(1.0));
}

#[test]
fn a_database_that_cannot_be_opened_is_counted_too() {
    for command in ["verify", "backfill"] {
        let env = Env::new();
        env.write("state_5.sqlite", "this is not a database, however long it may be".repeat(100));
        let file = env.outside("codex.prom");
        env.run([command, "--metrics", file.to_str().unwrap()]).status(2, "it cannot be opened");
        assert_eq!(sample(&file, "codex_db_init_total{status=\"open_error\"}"), Some(1.0), "{command}");
        assert_eq!(sample(&file, "codex_db_error_total{stage=\"open\"}"), Some(1.0), "{command}");
        assert_eq!(sample(&file, "codex_db_discrepancy_total{reason=\"missing_row\"}"), None, "{command}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_trouble() {
    let env = golden::filled_by_codex();
    let file = env.outside("none").join("codex.prom");
    let outcome = env.run(["verify", "--metrics", file.to_str().unwrap()]);
    outcome.status(2, "what was asked for cannot be done");
    outcome.assert(outcome.stderr.contains("codex.prom"), "the file is named");
}
