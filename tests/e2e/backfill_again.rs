//! Tests backfill on rows that exist: rows that agree are not written, wrong cells of the file are corrected, and the
//! database's cells stay.

use std::fs;

use crate::env::Env;
use crate::golden;
use crate::rollouts::{Rollout, plain};
use crate::shapes::Backfill;
use crate::specimen::{self, Change, DATABASE_OWNED, FILE_OWNED};
use crate::table;

#[test]
fn a_second_backfill_writes_nothing() {
    for schema in golden::SCHEMAS {
        let env = Env::golden(schema);
        env.run(["backfill"]).status(1, "three files cannot be read");
        let before = env.tree();
        // The time of day differs, so that a `now` in a row or in backfill_state would show.
        let outcome = env.run_at("2026-09-09T09:09:09Z", ["backfill", "--format", "json"]);
        outcome.status(1, "three files still cannot be read");
        let report = Backfill::of(&outcome);
        let expected = [0, 0, golden::THREADS, golden::SUPERSEDED, golden::FAILING.len()];
        outcome.assert_eq(report.counts(), expected, "[inserted, updated, unchanged, superseded, failed]");
        let difference = before.difference(&env.tree());
        outcome.assert(difference.is_empty(), format_args!("on {schema} no byte changes:\n{difference}"));
    }
}

/// Applies each change to a filled home of each schema, runs a backfill, and compares all rows.
fn check(changes: &[Change], stays: bool) {
    let mut failures = Vec::new();
    for schema in golden::SCHEMAS {
        let env = specimen::filled(schema);
        let filled = fs::read(env.db()).unwrap();
        let rows = env.rows();
        for change in changes {
            if !change.apply(&env) {
                continue;
            }
            let expected = if stays { env.rows() } else { rows.clone() };
            let outcome = env.run(["backfill", "--format", "json"]);
            outcome.status(0, format_args!("after {change:?}"));
            let counts = Backfill::of(&outcome).counts();
            let updated = usize::from(!stays);
            if counts != [0, updated, rows.len() - updated, 0, 0] {
                failures.push(format!("{schema}: {change:?}: {updated} row(s) to update, got {counts:?}"));
            }
            for difference in table::difference(&expected, &env.rows()) {
                failures.push(format!("{schema}: {change:?}: {difference}"));
            }
            fs::write(env.db(), &filled).unwrap();
        }
    }
    let rule = if stays { "what only the database knows stays" } else { "what the file knows comes back" };
    assert!(failures.is_empty(), "{rule}, and nothing else moves:\n{}", failures.join("\n"));
}

#[test]
fn every_cell_that_the_file_knows_comes_back() {
    check(FILE_OWNED, false);
}

#[test]
fn every_cell_that_only_the_database_knows_stays() {
    check(DATABASE_OWNED, true);
}

#[test]
fn a_title_that_only_repeats_the_first_message_was_not_set_by_a_person() {
    // The first message is an image, so the title comes from the second message, and first_user_message is `[Image]`.
    let env = Env::new();
    env.database("empty-2026-08");
    let image =
        serde_json::json!({"type": "user_message", "message": "", "images": ["data:image/png;base64,AA"]});
    let thread = Rollout::new("2026-03-14T10:00:00").event(image).user("look at this").turn("gpt-5", "low");
    thread.write(&env);
    env.run(["backfill"]).status(0, "a first fill");
    let row = env.row(thread.thread());
    assert_eq!((&row["title"], &row["first_user_message"]), (&"look at this".into(), &"[Image]".into()));
    env.sql("UPDATE threads SET title = first_user_message");
    env.run(["backfill"]).status(0, "the row is repaired");
    assert_eq!(
        env.row(thread.thread())["title"],
        "look at this",
        "the row's own first message is not a person's title"
    );
}

#[test]
fn all_cells_of_all_rows_come_back_at_once_with_the_time_triggers_at_work() {
    for schema in golden::SCHEMAS {
        let env = specimen::filled(schema);
        let rows = env.rows();
        // Codex's triggers set the `_ms` twins here, as they do for every writer that leaves them out.
        env.sql(
            "UPDATE threads SET updated_at = updated_at - 9999, source = 'exec', tokens_used = tokens_used + 1;
             UPDATE threads SET cwd = 'elsewhere', approval_mode = 'never', model_provider = 'x'",
        );
        let outcome = env.run(["backfill", "--format", "json"]);
        outcome.status(0, "all rows are repaired");
        let mut expected = rows.clone();
        if let Some(row) = expected.get_mut(specimen::SILENT_PAGINATED) {
            // In a paginated thread no empty value replaces another, if the schema has paginated threads.
            if row.contains_key("history_mode") {
                row.insert("tokens_used".to_owned(), 1.into());
            } else {
                row.remove("tokens_used");
            }
        }
        let mut found = env.rows();
        if !found[specimen::SILENT_PAGINATED].contains_key("history_mode") {
            found.get_mut(specimen::SILENT_PAGINATED).unwrap().remove("tokens_used");
        }
        let differences = table::difference(&expected, &found);
        outcome.assert(differences.is_empty(), format_args!("{schema}:\n{}", differences.join("\n")));
    }
}

#[test]
fn a_rollout_that_grew_updates_its_row_and_no_other() {
    let env = Env::new();
    env.database("empty-2026-08");
    let (grows, rests) = (plain("2026-03-14T10:00:00", "first"), plain("2026-03-15T10:00:00", "other"));
    grows.write(&env);
    rests.write(&env);
    env.run(["backfill"]).status(0, "a first fill");
    let before = env.rows();
    let grown = grows.user("second").turn("gpt-6", "low").tokens(9000);
    grown.write(&env);
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).counts(), [0, 1, 1, 0, 0], "one row is updated");
    let row = env.row(grown.thread());
    assert_eq!(row["tokens_used"], 9000);
    assert_eq!(row["model"], "gpt-6");
    assert_eq!(row["updated_at_ms"], grown.mtime_ms());
    assert_eq!(row["updated_at"], grown.mtime_ms() / 1000);
    assert_eq!(row["title"], "first");
    assert_eq!(
        row["recency_at_ms"],
        before[grown.thread()]["recency_at_ms"],
        "recency is seeded on insert alone"
    );
    assert_eq!(env.row(rests.thread()), before[rests.thread()]);
}

#[test]
fn only_the_named_threads_are_done() {
    let env = Env::new();
    env.database("empty-2026-08");
    let threads = [
        plain("2026-03-14T10:00:00", "one"),
        plain("2026-03-15T10:00:00", "two"),
        plain("2026-03-16T10:00:00", "three"),
    ];
    for thread in &threads {
        thread.write(&env);
    }
    let path = env.path(&threads[1].relative());
    let outcome = env.run(["backfill", "--format", "json", threads[0].thread(), &path]);
    outcome.status(0, "an id and a path name threads, in the database or not");
    outcome.assert_eq(Backfill::of(&outcome).inserted, 2, "two threads are named");
    let ids: Vec<String> = env.rows().into_keys().collect();
    outcome.assert_eq(
        ids,
        vec![threads[0].thread().to_owned(), threads[1].thread().to_owned()],
        "no other row",
    );
    let state = env.query("SELECT status FROM backfill_state");
    outcome.assert_eq(&state[0]["status"], &"pending".into(), "not every file of the home was visited");

    let outcome = env.run(["backfill", &threads[2].thread()[..6]]);
    outcome.assert_eq(outcome.code, Some(2), "an ambiguous prefix is a wrong command line");
    let outcome = env.run(["backfill", &threads[2].thread()[..10]]);
    outcome.status(0, "a unique prefix names a thread that only has a file");
    assert_eq!(env.rows().len(), 3);
    env.run(["backfill", "ffffffff-ffff-7fff-8fff-ffffffffffff"]).status(1, "no such thread");
}
