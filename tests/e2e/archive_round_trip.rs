//! Tests that archive does what Codex's archive does and that unarchive undoes it: afterwards only times differ.

use crate::env::{Env, NOW_SECONDS, mtime};
use crate::golden;
use crate::moving::{self, ALL, HEAD, Moved, N_FILES, PLAIN, REVERTED, agrees, contents, files};
use crate::table::{self, Row, Rows};

/// Removes the columns that archiving and unarchiving may change for good.
fn timeless(rows: Rows) -> Rows {
    let without = |mut row: Row| {
        row.retain(|column, _| !["updated_at", "updated_at_ms"].contains(&column.as_str()));
        row
    };
    rows.into_iter().map(|(id, row)| (id, without(row))).collect()
}

fn row_times(row: &Row) -> [Option<i64>; 2] {
    ["updated_at", "updated_at_ms"].map(|column| row.get(column).and_then(serde_json::Value::as_i64))
}

#[test]
fn there_and_back_is_the_identity_but_for_times_on_every_schema() {
    for schema in golden::SCHEMAS {
        let env = moving::home(schema);
        let (rows, before) = (env.rows(), files(&env));
        let outcome = env.run(["archive", "--format", "json"].iter().chain(&ALL));
        outcome.status(0, format_args!("on {schema}"));
        let moved = Moved::of(&outcome);
        outcome.assert_eq(moved.counts(), [ALL.len(), 0, 0], "all of them");
        outcome.assert_eq(
            moved.threads.iter().map(|thread| thread.files.len()).sum(),
            N_FILES,
            "all files of each",
        );
        outcome.assert_eq(moved.database, env.db().to_str().unwrap().to_owned(), "where");
        agrees(&env, &format!("after archive, on {schema}"));
        let archived = files(&env);
        outcome.assert(
            archived.iter().all(|(name, (path, _))| *path == format!("archived_sessions/{name}")),
            format_args!("flat, under the same names: {:?}", archived.keys()),
        );
        for (id, row) in env.rows() {
            let path = row["rollout_path"].as_str().unwrap();
            assert!(path.starts_with(&env.path("archived_sessions")), "{path}");
            assert_eq!((&row["archived"], &row["archived_at"]), (&1.into(), &NOW_SECONDS.into()), "{id}");
            let time = mtime(path.as_ref());
            assert_eq!(row["updated_at"], time.div_euclid(1000), "the file's time");
            if let Some(millis) = row.get("updated_at_ms") {
                assert_eq!(*millis, time, "and its twin");
            }
        }
        assert!(env.row(REVERTED)["rollout_path"].as_str().unwrap().contains(HEAD), "the row's choice stays");

        let outcome = env.run(["unarchive", "--format", "json"].iter().chain(&ALL));
        outcome.status(0, format_args!("back, on {schema}"));
        outcome.assert_eq(Moved::of(&outcome).counts(), [ALL.len(), 0, 0], "all of them");
        agrees(&env, &format!("after unarchive, on {schema}"));
        assert_eq!(files(&env), before, "every byte where it was");
        let back = env.rows();
        for row in back.values() {
            assert_eq!(row_times(row)[0], Some(NOW_SECONDS), "the rollout counts as changed now");
            assert!([None, Some(NOW_SECONDS * 1000)].contains(&row_times(row)[1]), "to the millisecond");
            assert_eq!(mtime(row["rollout_path"].as_str().unwrap().as_ref()), NOW_SECONDS * 1000);
        }
        let difference = table::difference(&timeless(rows), &timeless(back));
        assert!(difference.is_empty(), "on {schema}: {difference:#?}");
    }
}

#[test]
fn only_the_selected_file_is_touched_by_unarchive_and_none_by_archive() {
    let env = moving::home("empty-2026-08");
    let time = |name: &str| {
        let files = files(&env);
        let (path, _) = files.iter().find(|(known, _)| known.contains(name)).unwrap().1;
        mtime(&env.home().join(path))
    };
    let base = format!("{REVERTED}.jsonl");
    let before = [time(HEAD), time(&base)];
    env.run(["archive", REVERTED]).status(0, "there");
    assert_eq!([time(HEAD), time(&base)], before, "no time changes");
    env.run(["unarchive", REVERTED]).status(0, "and back");
    assert_eq!([time(HEAD), time(&base)], [NOW_SECONDS * 1000, before[1]], "the selected file's alone");
}

#[test]
fn a_row_is_brought_up_to_date_and_a_missing_one_is_made_with_its_name() {
    for (verb, back) in [("archive", "unarchive"), ("unarchive", "archive")] {
        let env = moving::home("empty-2026-08");
        if verb == "unarchive" {
            env.run([back, PLAIN, REVERTED]).status(0, "where they start from");
        }
        env.write(
            "session_index.jsonl",
            [(REVERTED, "My name"), (PLAIN, "kept")].map(|(id, name)| {
                format!("{{\"id\":\"{id}\",\"thread_name\":\"{name}\",\"updated_at\":\"2026-03-13T12:00:00Z\"}}\n")
            }).concat(),
        );
        env.sql(&format!(
            "UPDATE threads SET cwd = 'stale', name = 'kept', is_pinned = 1 WHERE id = '{PLAIN}';
             DELETE FROM threads WHERE id = '{REVERTED}'"
        ));
        let outcome = env.run([verb, PLAIN, REVERTED, "--format", "json"]);
        outcome.status(0, "both");
        outcome.assert_eq(Moved::of(&outcome).counts(), [2, 0, 0], "both");
        let row = env.row(PLAIN);
        assert_eq!(row["cwd"], "/nowhere/project", "as the file says");
        assert_eq!(
            (&row["name"], &row["is_pinned"]),
            (&"kept".into(), &1.into()),
            "what it does not know stays"
        );
        let row = env.row(REVERTED);
        assert_eq!((&row["name"], &row["title"]), (&"My name".into(), &"reverted".into()), "named again");
        let archived_at = if verb == "archive" { NOW_SECONDS.into() } else { serde_json::Value::Null };
        assert_eq!(row["archived_at"], archived_at);
        agrees(&env, verb);
    }
}

#[test]
fn what_is_in_place_stays_as_it_is() {
    let env = moving::home("empty-2026-08");
    let before = env.tree();
    let outcome = env.run(["unarchive", PLAIN, "--format", "json"]);
    outcome.status(0, "it is not a mistake");
    outcome.assert_eq(Moved::of(&outcome).counts(), [0, 1, 0], "nothing to do");
    outcome.assert_eq(before.difference(&env.tree()), String::new(), "no byte, no time, no backup");
    env.run(["archive", PLAIN]).status(0, "there");
    let before = env.tree();
    env.run_at("2026-10-01T00:00:00Z", ["archive", PLAIN]).status(0, "again");
    assert_eq!(before.difference(&env.tree()), "", "not even archived_at");
}

#[test]
fn a_file_that_was_moved_by_hand_is_completed() {
    let env = moving::home("empty-2026-08");
    let before = contents(&env);
    let name = files(&env).into_keys().find(|name| name.contains(PLAIN)).unwrap();
    let (path, _) = files(&env)[&name].clone();
    std::fs::create_dir_all(env.home().join("archived_sessions")).unwrap();
    std::fs::rename(env.home().join(path), env.home().join("archived_sessions").join(&name)).unwrap();
    let outcome = env.run(["archive", PLAIN, "--format", "json"]);
    outcome.status(0, "the row follows");
    let moved = Moved::of(&outcome);
    outcome.assert_eq(moved.counts(), [1, 0, 0], "done");
    outcome.assert(moved.threads[0].files.is_empty(), "no file had to go");
    agrees(&env, "after the row followed");
    assert_eq!(contents(&env), before);
}

#[test]
fn the_spelling_of_a_plain_path_for_a_compressed_file_stays() {
    let env = moving::home("empty-2026-08");
    let id = moving::COMPRESSED;
    env.sql(&format!(
        "UPDATE threads SET rollout_path = replace(rollout_path, '.zst', '') WHERE id = '{id}'"
    ));
    let before = env.row(id)["rollout_path"].clone();
    env.run(["archive", id]).status(0, "there");
    agrees(&env, "after archive");
    assert!(env.row(id)["rollout_path"].as_str().unwrap().ends_with(".jsonl"));
    env.run(["unarchive", id]).status(0, "and back");
    agrees(&env, "after unarchive");
    assert_eq!(env.row(id)["rollout_path"], before);
}

#[test]
fn the_golden_home_goes_there_and_back() {
    let env = Env::golden("empty-2026-08");
    env.run(["backfill"]).finished();
    let (before, rows) = (contents(&env), env.rows());
    let errors = |env: &Env| {
        let outcome = env.run(["verify", "--format", "json"]);
        let report = crate::shapes::Verify::of(&outcome);
        let errors: Vec<_> = report.errors().iter().map(|finding| finding.kind.clone()).collect();
        errors
    };
    let wrong = errors(&env);
    let ids: String = rows.keys().map(|id| format!("{id}\n")).collect();
    let outcome = moving::run_with_input(&env, &["archive", "-", "--format", "json"], &ids);
    outcome.finished();
    let there = Moved::of(&outcome);
    let failed: Vec<_> =
        there.threads.iter().filter(|thread| thread.status == "failed").map(|thread| &thread.error).collect();
    // These are a malformed name, a file named after another thread, and a copy under the same name.
    outcome.assert(there.failed <= 4, format_args!("nearly all go: {failed:?}"));
    outcome.assert_eq(errors(&env), wrong.clone(), "nothing is wrong that was not before");
    moving::run_with_input(&env, &["unarchive", "-", "--format", "json"], &ids).finished();
    assert_eq!(contents(&env), before, "no byte is lost");
    assert_eq!(errors(&env), wrong);
    assert_eq!(env.rows().len(), rows.len());
}
