//! Tests the options of verify: depth, threads, which findings count, how many are printed, and in which format.

use std::fs;
use std::process::Stdio;

use crate::env::Env;
use crate::golden;
use crate::rollouts::plain;
use crate::shapes::{Finding, Verify};
use crate::specimen;

/// Returns a home with one finding of each of five kinds, each about another thread, in the order of the threads'
/// ids.
fn broken() -> (Env, Vec<(&'static str, String)>) {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = |day: u32| plain(&format!("2026-03-{day}T10:00:00"), "words");
    for day in 10..=16 {
        thread(day).write(&env);
    }
    env.run(["backfill"]).status(0, "a home to break");
    let id = |day: u32| thread(day).thread().to_owned();
    let path = |day: u32| env.path(&thread(day).relative());
    fs::remove_file(path(11)).unwrap();
    env.sql(&format!("DELETE FROM threads WHERE id = '{}'", id(12)));
    env.sql(&format!("UPDATE threads SET cwd = 'x', model = 'y' WHERE id = '{}'", id(13)));
    let moved = env.path(&format!("sessions/moved/{}", path(14).rsplit(['/', '\\']).next().unwrap()));
    fs::create_dir_all(env.path("sessions/moved")).unwrap();
    fs::rename(path(14), moved).unwrap();
    thread(15).archived().mtime(thread(15).mtime_ms() - 60_000).write(&env);
    let findings = vec![
        ("missing_file", id(11)),
        ("missing_row", id(12)),
        ("field_mismatch", id(13)),
        ("moved_file", id(14)),
        ("duplicate_rollout", id(15)),
    ];
    (env, findings)
}

fn found(report: &Verify) -> Vec<(&str, String)> {
    let pair = |finding: &Finding| finding.thread_id.clone().unwrap_or_default();
    report.findings.iter().map(|finding| (finding.kind.as_str(), pair(finding))).collect()
}

#[test]
fn the_findings_come_sorted_and_counted() {
    let (env, expected) = broken();
    let outcome = env.run(["verify", "--format", "json"]);
    outcome.status(1, "four errors");
    let report = Verify::of(&outcome);
    outcome.assert_eq(found(&report), expected.clone(), "in the order of thread ids");
    for (kind, _) in &expected {
        outcome.assert_eq(report.count(kind), 1, format_args!("one {kind}"));
    }
    outcome.assert_eq(
        [report.files, report.rows, report.agree],
        [7, 6, 2],
        "files, rows, threads without a finding",
    );
}

#[test]
fn what_is_ignored_neither_shows_nor_counts() {
    let (env, expected) = broken();
    let without = |gone: &[&str]| -> Vec<_> {
        expected.iter().filter(|(kind, _)| !gone.contains(kind)).cloned().collect()
    };
    let outcome =
        env.run(["verify", "--format", "json", "--ignore", "missing_row", "--ignore", "moved_file"]);
    outcome.status(1, "two errors are left");
    outcome.assert_eq(
        found(&Verify::of(&outcome)),
        without(&["missing_row", "moved_file"]),
        "by kind, repeatable",
    );

    let outcome = env.run(["verify", "--format", "json", "--ignore", "cwd"]);
    let report = Verify::of(&outcome);
    outcome.assert_eq(
        report.of_kind("field_mismatch")[0].columns(),
        vec!["model"],
        "by column: the other stays",
    );
    let outcome = env.run(["verify", "--format", "json", "--ignore", "cwd", "--ignore", "model"]);
    outcome.assert_eq(
        found(&Verify::of(&outcome)),
        without(&["field_mismatch"]),
        "no column left, no finding",
    );

    let ignore =
        ["missing_row", "moved_file", "missing_file", "field_mismatch"].map(|kind| ["--ignore", kind]);
    let mut args = vec!["verify"];
    args.extend(ignore.iter().flatten());
    env.run(&args).status(0, "only a warning is left");
    args.push("--strict");
    env.run(&args).status(1, "and warnings count with --strict");
    args.extend(["--ignore", "duplicate_rollout"]);
    env.run(&args).status(0, "unless they are ignored");
}

#[test]
fn a_name_that_cannot_be_ignored_is_trouble_that_names_those_that_can() {
    let env = specimen::filled("empty-2026-08");
    let outcome = env.run(["verify", "--ignore", "nonsense"]);
    outcome.status(2, "neither a kind nor a column");
    for name in ["nonsense", "missing_row", "database_damaged", "cwd", "project_id"] {
        outcome.assert(outcome.stderr.contains(name), format_args!("{name} is named"));
    }
}

#[test]
fn max_findings_limits_what_is_printed_and_not_what_is_found() {
    let (env, expected) = broken();
    let outcome = env.run(["verify", "--format", "json", "--max-findings", "2"]);
    outcome.status(1, "what is not printed was found");
    let report = Verify::of(&outcome);
    outcome.assert_eq(found(&report), expected[..2].to_vec(), "the first two");
    outcome.assert_eq(report.counts.values().sum::<usize>(), 5, "all are counted");
    outcome.assert_eq(report.agree, 2, "and none of them agrees");
}

#[test]
fn named_threads_are_verified_alone() {
    let (env, expected) = broken();
    let (_, mismatch) = &expected[2];
    let outcome = env.run(["verify", "--format", "json", mismatch]);
    outcome.status(1, "it differs");
    outcome.assert_eq(
        found(&Verify::of(&outcome)),
        vec![expected[2].clone()],
        "and no other thread is looked at",
    );
    let (_, missing) = &expected[1];
    let outcome = env.run(["verify", "--format", "json", missing, &mismatch[..12]]);
    outcome.assert_eq(
        found(&Verify::of(&outcome)),
        expected[1..3].to_vec(),
        "an id that only a file has; a prefix",
    );
    env.run(["verify", "20260316-1000-7000-8000-000000000000"]).status(0, "this one agrees");
    env.run(["verify", "ffffffff-ffff-7fff-8fff-ffffffffffff"]).status(1, "no such thread");
    env.run(["verify", "202603"]).status(2, "an ambiguous prefix is a wrong command line");
}

#[test]
fn quick_opens_no_rollout() {
    let (env, expected) = broken();
    let outcome = env.run(["verify", "--quick", "--format", "json"]);
    outcome.status(1, "presence and paths");
    let quick: Vec<_> = expected
        .iter()
        .filter(|(kind, _)| !["field_mismatch", "duplicate_rollout"].contains(kind))
        .cloned()
        .collect();
    outcome.assert_eq(found(&Verify::of(&outcome)), quick, "nothing about contents and duplicates");

    let env = specimen::filled("empty-2026-08");
    let path = env.path(&specimen::legacy().relative());
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, "x".repeat(text.len())).unwrap();
    crate::env::set_mtime(path.as_ref(), specimen::legacy().mtime_ms());
    env.run(["verify", "--quick", "--strict"]).status(0, "the content was not looked at");
    crate::env::set_mtime(path.as_ref(), specimen::legacy().mtime_ms() + 60_000);
    let outcome = env.run(["verify", "--quick", "--format", "json"]);
    outcome.status(1, "but the time was");
    let report = Verify::of(&outcome);
    outcome.assert_eq(found(&report), vec![("field_mismatch", specimen::LEGACY.to_owned())], "one thread");
    outcome.assert_eq(report.findings[0].columns(), vec!["updated_at", "updated_at_ms"], "its times");
}

#[test]
fn quick_takes_a_row_at_its_word_that_a_file_of_another_name_is_its_threads() {
    let env = Env::new();
    env.database("empty-2026-08");
    let own = plain("2026-03-10T10:00:00", "own");
    let other = plain("2026-03-11T10:00:00", "other");
    // A file of the first thread has a name of the second thread, which has no file.
    let file_name = other.relative().rsplit('/').next().unwrap().to_owned();
    let stray = plain("2026-03-11T12:00:00", "stray").id(own.thread()).file_name(&file_name);
    own.write(&env);
    let stray_path = stray.write(&env);
    env.run(["backfill"]).status(0, "the file with the thread in its name counts");
    let set = |column: &str, value: &str| {
        env.sql(&format!("UPDATE threads SET {column} = '{value}' WHERE id = '{}'", own.thread()));
    };
    set("rollout_path", stray_path.to_str().unwrap());
    env.run(["backfill"]).status(0, "the row's choice stays");
    assert_eq!(env.row(own.thread())["title"], "stray");
    env.run(["verify", "--strict", "--ignore", "duplicate_rollout"]).status(0, "and is right");
    env.run(["verify", "--quick", "--strict"]).status(0, "at a glance too");
    let quick = || {
        let outcome = env.run(["verify", "--quick", "--format", "json"]);
        outcome.status(1, "a difference");
        let report = Verify::of(&outcome);
        outcome.assert_eq(found(&report), vec![("field_mismatch", own.thread().to_owned())], "one");
        report.findings[0].columns().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let shift = |by: i64| {
        env.sql(&format!(
            "UPDATE threads SET updated_at = updated_at + {by}, updated_at_ms = updated_at_ms + {by} * 1000
             WHERE id = '{}'",
            own.thread()
        ));
    };
    shift(-60);
    assert_eq!(quick(), ["updated_at", "updated_at_ms"], "of the file that the row names");
    shift(60);

    // When the thread of that name has a row that names the file, no other thread uses the file.
    other.write(&env);
    env.run(["backfill"]).status(0, "the second thread has its file");
    env.run(["verify", "--quick"]).status(0, "as has the first");
    set("rollout_path", stray_path.to_str().unwrap());
    assert_eq!(quick(), ["rollout_path"], "of the file that is the thread's by name");
}

#[test]
fn every_format_has_the_same_findings_and_those_of_programs_the_same_order() {
    let (env, expected) = broken();
    let formats: [&[&str]; 8] = [
        &[],
        &["--format", "json"],
        &["--format", "jsonl"],
        &["--format", "tsv"],
        &["--format", "csv"],
        &["--format", "table"],
        &["--format", "github"],
        &["--format", "tsv", "--no-header"],
    ];
    for format in formats {
        let outcome = env.run([&["verify"], format].concat());
        outcome.status(1, format_args!("{format:?}: four errors"));
        // Output for people may shorten ids to a unique prefix; other formats may not.
        let for_people = format.is_empty() || format.contains(&"table");
        let shown = |id: &str| if for_people { id[..8].to_owned() } else { id.to_owned() };
        let places: Vec<Option<usize>> =
            expected.iter().map(|(_, id)| outcome.stdout.find(&shown(id))).collect();
        // For people, the findings are grouped by kind.
        outcome.assert(
            places.iter().all(Option::is_some) && (for_people || places.is_sorted()),
            format_args!("{format:?}: each thread is named, in the order of ids: {places:?}"),
        );
        for (kind, _) in &expected {
            outcome.assert(outcome.stdout.contains(kind), format_args!("{format:?}: {kind} is named"));
        }
    }
}

#[test]
fn records_are_one_a_line() {
    let (env, expected) = broken();
    let outcome = env.run(["verify", "--format", "jsonl"]);
    let findings: Vec<Finding> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let whole = Verify::of(&env.run(["verify", "--format", "json"]));
    outcome.assert_eq(findings, whole.findings, "the findings of the document, one a line");

    for format in ["tsv", "csv"] {
        let outcome = env.run(["verify", "--format", format]);
        outcome.assert_eq(outcome.stdout.lines().count(), expected.len() + 1, "a header and a line each");
        let bare = env.run(["verify", "--format", format, "--no-header"]);
        let records: Vec<&str> = outcome.stdout.lines().skip(1).collect();
        bare.assert_eq(bare.stdout.lines().collect::<Vec<_>>(), records, "--no-header drops it");
    }

    let outcome = env.run(["verify", "--format", "github"]);
    let annotations = |level: &str| outcome.stdout.lines().filter(|line| line.starts_with(level)).count();
    outcome.assert_eq(
        [annotations("::error"), annotations("::warning")],
        [4, 1],
        "workflow annotations by severity",
    );
}

#[test]
fn a_junit_file_has_one_test_case_a_kind() {
    let (env, expected) = broken();
    let file = env.outside("junit.xml");
    let outcome = env.run(["verify", "--junit", file.to_str().unwrap()]);
    outcome.status(1, "four errors");
    let text = fs::read_to_string(&file).unwrap();
    outcome.assert(text.trim_start().starts_with("<?xml"), "an XML document");
    outcome.assert_eq(text.matches("<testcase").count(), 24, "one test case for each kind of finding");
    for (kind, id) in expected {
        outcome.assert(text.contains(kind), format_args!("{kind} is a test case"));
        outcome.assert(kind == "duplicate_rollout" || text.contains(&id), format_args!("{kind} names {id}"));
    }
    let failures = text.matches("<failure").count();
    outcome.assert_eq(failures, 4, "each kind with errors failed; a warning fails none");
    let strict = env.run(["verify", "--strict", "--junit", file.to_str().unwrap()]);
    let text = fs::read_to_string(&file).unwrap();
    strict.assert_eq(text.matches("<failure").count(), 5, "with --strict a warning does");
}

#[test]
fn metrics_count_each_kind() {
    let (env, expected) = broken();
    let file = env.outside("metrics/codex.prom");
    let outcome = env.run(["verify", "--metrics", file.to_str().unwrap()]);
    outcome.status(1, "four errors");
    let text = fs::read_to_string(&file).unwrap();
    for (kind, _) in expected {
        let line = format!("codex_db_discrepancy_total{{reason=\"{kind}\"}} 1");
        outcome.assert(text.lines().any(|have| have == line), format_args!("{line:?} in:\n{text}"));
    }
    outcome.assert(text.contains("codex_db_last_run_timestamp_seconds"), "the time of the run");
    let others = fs::read_dir(file.parent().unwrap()).unwrap().count();
    outcome.assert_eq(others, 1, "written atomically, nothing beside it");
}

#[test]
fn a_closed_pipe_does_not_change_the_status() {
    let broken = golden::filled_by_codex();
    // The output is larger than the buffer of a pipe: one value of this field has 100 kB.
    broken.sql("UPDATE threads SET first_user_message = 'x' WHERE length(first_user_message) > 99999");
    let (sound, clean) = (specimen::filled("empty-2026-08"), 0);
    for (env, status) in [(&broken, 1), (&sound, clean)] {
        for format in ["json", "jsonl", "tsv", "table", "github"] {
            let mut command = env.command(["verify", "--format", format]);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            drop(child.stdout.take());
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(status), "{format}, no program reads; stderr:\n{stderr}");
            assert!(!stderr.to_lowercase().contains("broken pipe"), "{format}: it ends quietly:\n{stderr}");
        }
    }
}

#[test]
fn what_untrusted_text_says_never_reaches_a_terminal_raw() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "words");
    thread.write(&env);
    env.run(["backfill"]).status(0, "a home to break");
    env.sql("UPDATE threads SET cwd = 'a' || char(27) || '[31m' || char(8238) || char(7) || char(10) || '::error::x'");
    for format in ["table", "tsv", "github"] {
        let outcome = env.run(["verify", "--format", format]);
        outcome.status(1, "the folder differs");
        let raw = ['\u{1b}', '\u{202e}', '\u{7}'].into_iter().find(|c| outcome.stdout.contains(*c));
        outcome.assert(raw.is_none(), format_args!("{format}: no raw {raw:?}"));
        outcome
            .assert(!outcome.stdout.contains("\n::error::x"), format_args!("{format}: not a separate line"));
    }
}
