//! Tests that verify names exactly the changed cell and ignores what only the database knows, and that backfill
//! corrects the cell.

use std::fs;

use crate::env::Env;
use crate::golden;
use crate::shapes::Verify;
use crate::specimen::{self, Change, DATABASE_OWNED, EQUIVALENT, FILE_OWNED};

#[test]
fn a_backfilled_home_has_no_finding_at_all() {
    for schema in golden::SCHEMAS {
        let env = specimen::filled(schema);
        for depth in [&["verify"][..], &["verify", "--quick"], &["verify", "--deep"]] {
            let outcome = env.run([depth, &["--format", "json"]].concat());
            outcome.status(0, format_args!("on {schema} database and files agree"));
            let report = Verify::of(&outcome);
            outcome.assert(report.findings.is_empty(), format_args!("on {schema}, no finding"));
            outcome.assert_eq([report.files, report.rows, report.agree], [7, 7, 7], "files, rows, agree");
            outcome.assert(report.complete, "all was compared");
            outcome.assert_eq(report.counts.values().sum::<usize>(), 0, "no finding is counted");
            outcome.assert_eq(&report.database, &env.db().to_str().unwrap().to_owned(), "the database");
        }
    }
}

/// Returns the kind of finding for a changed cell of this column.
fn kind(column: &str) -> &'static str {
    match column {
        "archived" => "archive_mismatch",
        "rollout_path" => "moved_file",
        _ => "field_mismatch",
    }
}

#[test]
fn each_changed_cell_of_the_file_is_named_and_no_other() {
    let mut failures = Vec::new();
    for schema in golden::SCHEMAS {
        let env = specimen::filled(schema);
        let filled = fs::read(env.db()).unwrap();
        for change in FILE_OWNED {
            if !change.apply(&env) {
                continue;
            }
            let outcome = env.run(["verify", "--format", "json"]);
            if outcome.code != Some(1) {
                failures.push(format!("{schema}: {change:?}: exit status 1, got {:?}", outcome.code));
            } else {
                let findings = Verify::of(&outcome).findings;
                let found: Vec<_> = findings
                    .iter()
                    .map(|f| (f.kind.as_str(), f.severity.as_str(), f.thread_id.as_deref(), f.columns()))
                    .collect();
                let expected = [(kind(change.column), "error", Some(change.thread), vec![change.column])];
                if found != expected {
                    failures.push(format!(
                        "{schema}: {change:?}:\n  expected {expected:?}\n  got      {found:?}"
                    ));
                }
            }
            fs::write(env.db(), &filled).unwrap();
        }
    }
    assert!(failures.is_empty(), "exactly that column of that thread:\n{}", failures.join("\n"));
}

#[test]
fn a_time_that_was_changed_with_the_triggers_at_work_is_named_with_its_twin() {
    for schema in ["empty-2026-08", "empty-2026-07"] {
        for time in ["created_at", "updated_at"] {
            let env = specimen::filled(schema);
            // Codex's trigger sets the `_ms` twin to the seconds, so both cells are wrong.
            env.sql(&format!("UPDATE threads SET {time} = {time} - 86400 WHERE id = '{}'", specimen::LEGACY));
            let outcome = env.run(["verify", "--format", "json"]);
            outcome.status(1, "a day is more than a nudge");
            let report = Verify::of(&outcome);
            outcome.assert_eq(report.findings.len(), 1, "one finding for the thread");
            let twin = format!("{time}_ms");
            outcome.assert_eq(report.findings[0].columns(), vec![time, twin.as_str()], "both cells differ");
        }
    }
}

/// Applies each change to a filled home of each schema. Fails if verify reports something.
fn silent(changes: &[Change], why: &str) {
    let mut failures = Vec::new();
    for schema in golden::SCHEMAS {
        let env = specimen::filled(schema);
        let filled = fs::read(env.db()).unwrap();
        for change in changes {
            if !change.apply(&env) {
                continue;
            }
            for depth in [&["verify"][..], &["verify", "--quick"]] {
                // A name that the session index lacks is not a difference between row and rollout.
                let options = ["--strict", "--ignore", "index_missing", "--format", "json"];
                let outcome = env.run([depth, &options].concat());
                if outcome.code != Some(0) || !Verify::of(&outcome).findings.is_empty() {
                    failures.push(format!("{schema}: {change:?}: {}{}", outcome.stdout, outcome.stderr));
                }
            }
            fs::write(env.db(), &filled).unwrap();
        }
    }
    assert!(failures.is_empty(), "{why}:\n{}", failures.join("\n"));
}

#[test]
fn what_only_the_database_knows_is_no_drift() {
    silent(DATABASE_OWNED, "what only the database knows is not drift");
}

#[test]
fn another_spelling_of_the_same_is_no_drift() {
    silent(EQUIVALENT, "another spelling of the same is not drift");
}

#[test]
fn the_profile_that_codex_derives_from_a_policy_is_the_same_policy() {
    let env = specimen::filled("empty-2026-08");
    let derived = env_of_codex()
        .query("SELECT sandbox_policy AS p FROM threads WHERE id = '019ced47-cebb-79dd-b0aa-a552437621a9'");
    let derived = derived[0]["p"].as_str().unwrap().replace('\'', "''");
    env.sql(&format!("UPDATE threads SET sandbox_policy = '{derived}' WHERE id = '{}'", specimen::LEGACY));
    let outcome = env.run(["verify", "--strict"]);
    outcome.status(0, "workspace-write without network, in the words of August's Codex");
    env.sql(&format!("UPDATE threads SET sandbox_policy = '{derived}' WHERE id = '{}'", specimen::RELAXED));
    let outcome = env.run(["verify", "--format", "json"]);
    outcome.status(1, "but that is not read-only");
    let report = Verify::of(&outcome);
    outcome.assert_eq(report.findings.len(), 1, "one thread");
    outcome.assert_eq(report.findings[0].columns(), vec!["sandbox_policy"], "one column");
}

fn env_of_codex() -> Env {
    let env = Env::new();
    env.database("filled-2026-08");
    env
}

#[test]
fn both_sides_of_a_field_are_given_whole() {
    let env = specimen::filled("empty-2026-08");
    let long = "y".repeat(5000);
    env.sql(&format!("UPDATE threads SET first_user_message = '{long}' WHERE id = '{}'", specimen::LEGACY));
    let outcome = env.run(["verify", "--format", "json"]);
    let report = Verify::of(&outcome);
    let field = &report.findings[0].fields[0];
    outcome.assert_eq(field.name.as_str(), "first_user_message", "the column");
    outcome.assert_eq(&field.database, &long.as_str().into(), "the database's side, whole in JSON");
    outcome.assert_eq(&field.file, &"legacy words".into(), "the file's side");
}

#[test]
fn several_cells_of_one_thread_are_one_finding() {
    let env = specimen::filled("empty-2026-08");
    env.sql(&format!(
        "UPDATE threads SET model = 'x', cwd = 'x', tokens_used = 1, name = 'n' WHERE id = '{}';
         UPDATE threads SET source = 'exec' WHERE id = '{}'",
        specimen::LEGACY,
        specimen::ARCHIVED
    ));
    let outcome = env.run(["verify", "--ignore", "index_missing", "--format", "json"]);
    outcome.status(1, "two threads differ");
    let report = Verify::of(&outcome);
    let found: Vec<_> =
        report.findings.iter().map(|f| (f.thread_id.as_deref().unwrap(), f.columns())).collect();
    let expected =
        vec![(specimen::LEGACY, vec!["cwd", "model", "tokens_used"]), (specimen::ARCHIVED, vec!["source"])];
    outcome.assert_eq(found, expected, "each thread once, sorted by id");
    outcome.assert_eq([report.count("field_mismatch"), report.agree], [2, 5], "counted, and five agree");
    env.run(["backfill"]).status(0, "the hint's command");
    env.run(["verify"]).status(0, "it repairs the row");
}
