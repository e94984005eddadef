//! Tests verify on the golden home: after our backfill on every schema, and on the database that Codex filled.

use std::fs;

use crate::env::Env;
use crate::golden;
use crate::shapes::{Finding, Verify};

/// Returns the sorted (kind, case) of findings. A finding without a path has its thread as the case.
fn cases(findings: &[&Finding]) -> Vec<(String, String)> {
    let mut cases: Vec<(String, String)> = findings
        .iter()
        .map(|finding| {
            let case = match (&finding.path, &finding.thread_id) {
                (Some(path), _) if finding.kind != "index_orphan" => golden::case_of(path),
                (_, Some(thread)) => thread.clone(),
                _ => String::new(),
            };
            (finding.kind.clone(), case)
        })
        .collect();
    cases.sort();
    cases
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(kind, case)| ((*kind).to_owned(), (*case).to_owned())).collect()
}

const ERRORS: [(&str, &str); 2] = [("unreadable_file", "only-garbage"), ("unreadable_file", "zst-corrupt")];

/// Findings that the contract neither requires nor forbids: a compressed twin, a byte-order mark, and lines of a file
/// that is an error anyway.
const OPEN: [(&str, &str); 3] =
    [("duplicate_rollout", "zst-and-plain"), ("damaged_lines", "bom"), ("damaged_lines", "only-garbage")];

#[test]
fn after_a_backfill_the_errors_are_the_two_unreadable_files() {
    for schema in golden::SCHEMAS {
        let env = Env::golden(schema);
        env.run(["backfill"]);
        let outcome = env.run(["verify", "--format", "json"]);
        outcome.status(1, format_args!("on {schema}, two files cannot be read"));
        let report = Verify::of(&outcome);
        outcome.assert_eq(cases(&report.errors()), pairs(&ERRORS), format_args!("the errors on {schema}"));
        outcome.assert_eq([report.files, report.rows], [golden::ROLLOUTS, golden::THREADS], "files, rows");
        outcome.assert(report.complete, "all was compared");

        let warnings: Vec<&Finding> = report.findings.iter().filter(|f| f.severity == "warning").collect();
        let mut warned = cases(&warnings);
        warned.retain(|pair| !pairs(&OPEN).contains(pair));
        let expected = pairs(&[
            ("codex_cannot_open", "bom"),
            ("codex_cannot_open", "legacy-2025"),
            ("codex_cannot_open", "no-meta"),
            ("codex_cannot_open", "utf8-broken"),
            ("damaged_lines", "garbage-lines"),
            ("damaged_lines", "torn-tail"),
            ("duplicate_rollout", "duplicate-restored"),
            ("empty_file", "empty"),
            ("index_orphan", "019ced86-fa9b-73da-88d7-3237151f4eef"),
            ("malformed_name", "bad-name"),
        ]);
        outcome.assert_eq(warned, expected, format_args!("the warnings on {schema}"));
    }
}

#[test]
fn without_these_two_files_it_exits_0_on_every_schema() {
    for schema in golden::SCHEMAS {
        let env = Env::golden(schema);
        for name in golden::UNREADABLE {
            fs::remove_file(env.home().join(golden::case(name).path)).unwrap();
        }
        env.run(["backfill"]).status(1, "the empty file is still there");
        env.run(["verify"]).status(0, format_args!("on {schema} only warnings are left"));
        env.run(["verify", "--quick"]).status(0, format_args!("on {schema}, quickly"));
        env.run(["verify", "--strict"]).status(1, format_args!("on {schema}, warnings count with --strict"));
    }
}

#[test]
fn deep_reads_every_line() {
    let env = Env::golden("empty-2026-08");
    env.run(["backfill"]);
    let outcome = env.run(["verify", "--deep", "--format", "json"]);
    outcome.status(1, "the same two errors");
    let report = Verify::of(&outcome);
    outcome.assert_eq(cases(&report.errors()), pairs(&ERRORS), "the errors are the same");
    let mut damaged = cases(&report.of_kind("damaged_lines"));
    damaged.retain(|pair| !pairs(&OPEN).contains(pair));
    let expected = pairs(&[
        ("damaged_lines", "garbage-lines"),
        ("damaged_lines", "torn-tail"),
        ("damaged_lines", "utf8-broken"),
    ]);
    outcome.assert_eq(damaged, expected, "a line that is not UTF-8 is not JSON, though it does not matter");
}

#[test]
fn on_the_database_that_codex_filled_it_finds_what_codex_got_wrong() {
    let env = golden::filled_by_codex();
    let outcome = env.run(["verify", "--format", "json"]);
    outcome.status(1, "Codex lost some");
    let report = Verify::of(&outcome);
    let expected = pairs(&[
        ("field_mismatch", "bom"),
        ("field_mismatch", "reverted-head"),
        ("missing_row", "legacy-2025"),
        ("missing_row", "utf8-broken"),
        ("unreadable_file", "only-garbage"),
        ("unreadable_file", "zst-corrupt"),
    ]);
    outcome.assert_eq(cases(&report.errors()), expected, "no error but what the fixture's README lists");

    let columns = |case: &str| {
        let finding = report
            .of_kind("field_mismatch")
            .into_iter()
            .find(|finding| golden::case_of(finding.path.as_ref().unwrap()) == case);
        finding.unwrap().columns().join(" ")
    };
    outcome.assert_eq(
        columns("bom"),
        "cli_version source thread_source".to_owned(),
        "what the first line says; provider and cwd came out the same, the time within its second",
    );
    outcome.assert_eq(
        columns("reverted-head"),
        "first_user_message preview title".to_owned(),
        "what the base's prefix says; created_at stays in a paginated thread",
    );
    let duplicates = cases(&report.of_kind("duplicate_rollout"));
    let chains = ["reverted-base", "reverted-head", "revert-first", "revert-first-head"];
    outcome.assert(
        duplicates.iter().all(|(_, case)| !chains.contains(&case.as_str())),
        format_args!("a revert chain is not a duplicate: {duplicates:?}"),
    );
    outcome.assert(
        duplicates.iter().any(|(_, case)| case == "duplicate-restored"),
        format_args!("a restored copy is one: {duplicates:?}"),
    );
}

#[test]
fn backfill_mends_what_codex_got_wrong_and_nothing_else() {
    let env = golden::filled_by_codex();
    let before = env.rows();
    let outcome = env.run(["backfill"]);
    outcome.status(1, "three files cannot be read");
    let after = env.rows();
    outcome.assert_eq(after.len(), golden::THREADS, "two threads more");
    for (case, untouched) in
        [("bom", false), ("reverted-head", false), ("plain", true), ("source-spawn", true)]
    {
        let thread = golden::manifest().into_iter().find(|known| known.name == case).unwrap().thread;
        outcome.assert_eq(
            before[&thread] == after[&thread],
            untouched,
            format_args!("{case} was right: {untouched}"),
        );
    }
    let report = Verify::of(&env.run(["verify", "--format", "json"]));
    outcome.assert_eq(cases(&report.errors()), pairs(&ERRORS), "only the unreadable files are left");
}

#[test]
fn the_same_findings_whatever_the_jobs() {
    let env = golden::filled_by_codex();
    let alone = env.run(["verify", "--format", "json", "--jobs", "1"]);
    alone.assert(!Verify::of(&alone).findings.is_empty(), "there is something to find");
    for jobs in ["2", "8"] {
        let other = env.run(["verify", "--format", "json", "--jobs", jobs]);
        other.assert_eq(&other.stdout, &alone.stdout, format_args!("the same document with {jobs} jobs"));
    }
}
