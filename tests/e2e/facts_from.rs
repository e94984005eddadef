//! Tests `backfill --facts-from`: what only a database knows is taken from another one, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::env::Env;
use crate::shapes::Backfill;
use crate::specimen::{self, ARCHIVED, LEGACY, PAGINATED, SILENT, SILENT_PAGINATED};
use crate::table::{self, Row, Rows};
use crate::wrecks::settled;

/// The changes that a user and Codex make to rows over time, as SQL.
const ADDED: &str = "
    UPDATE threads SET name = 'N', is_pinned = 1, thread_section_id = 'S1', section_position = 0,
        section_entered_at_ms = 1773509512123, project_id = 'P1', title = 'My own title', git_branch = 'edited',
        memory_mode = 'polluted', recency_at = recency_at + 60, recency_at_ms = recency_at_ms + 60000
        WHERE id = '20260301-1000-7000-8000-000000000000';
    UPDATE threads SET name = 'Paginated', created_at = created_at - 86400, created_at_ms = created_at_ms - 86400000,
        memory_mode = 'disabled' WHERE id = '20260302-1000-7000-8000-000000000000';
    UPDATE threads SET archived_at = archived_at + 86400 WHERE id = '20260303-1000-7000-8000-000000000000';
    UPDATE threads SET title = 'Named in silence', history_mode = 'paginated', git_sha = 'feedface'
        WHERE id = '20260304-1000-7000-8000-000000000000';
    UPDATE threads SET preview = 'kept', first_user_message = 'kept', title = 'kept', tokens_used = 5, model = 'kept'
        WHERE id = '20260305-1000-7000-8000-000000000000';";

/// Fills a home, adds facts to its rows and moves the database away. Returns the home, the new place of the database,
/// and its rows.
fn lost(schema: &str) -> (Env, PathBuf, Rows) {
    let env = specimen::filled(schema);
    env.sql(ADDED);
    let rows = env.rows();
    let old = env.outside("elsewhere/old.sqlite");
    fs::rename(env.db(), &old).unwrap();
    (env, old, rows)
}

fn backfill(env: &Env, old: &Path, more: &[&str]) -> crate::outcome::Outcome {
    let args = [&["backfill", "--format", "json", "--facts-from", old.to_str().unwrap()], more].concat();
    env.run(args)
}

/// Makes an indexed database, as Codex does at its next start.
fn rebuilt(env: &Env, schema: &str) {
    env.database(schema);
    env.run(["backfill", "--no-backup"]).status(0, "as Codex would");
}

/// Fails unless the rows equal `expected`, the section and the project are there, and no foreign key dangles.
fn check_all_back(env: &Env, expected: &Rows) {
    assert_eq!(
        table::difference(expected, &env.rows()),
        [""; 0],
        "every fact is back, and nothing else moved"
    );
    let parents = env.query("SELECT s.name, p.name AS project FROM thread_sections s, projects p WHERE s.id = 'S1' AND p.id = 'P1'");
    assert_eq!(parents.len(), 1, "with the section and the project");
    assert_eq!((&parents[0]["name"], &parents[0]["project"]), (&"Section".into(), &"Project".into()));
    assert!(env.query("PRAGMA foreign_key_check").is_empty(), "no reference dangles");
}

#[test]
fn into_an_empty_database_all_facts_come_back_at_once() {
    let (env, old, rows) = lost("empty-2026-08");
    env.database("empty-2026-08");
    let before = fs::read(&old).unwrap();
    let dry = backfill(&env, &old, &["--dry-run"]);
    let real = backfill(&env, &old, &[]);
    real.status(0, "all files are fine");
    real.assert_eq(Backfill::of(&dry).counts(), Backfill::of(&real).counts(), "the dry run counts the same");
    real.assert_eq(Backfill::of(&real).counts(), [7, 0, 0, 0, 0], "all are inserted");
    check_all_back(&env, &rows);
    assert_eq!(fs::read(&old).unwrap(), before, "the old one is only read");
    let again = backfill(&env, &old, &[]);
    again.assert_eq(Backfill::of(&again).counts(), [0, 0, 7, 0, 0], "nothing is left to do");
    settled(&env);
}

#[test]
fn into_rows_that_codex_made_anew_they_come_back_as_well() {
    let (env, old, rows) = lost("empty-2026-08");
    rebuilt(&env, "empty-2026-08");
    let dry = backfill(&env, &old, &["--dry-run"]);
    dry.assert_eq(Backfill::of(&dry).counts(), [0, 5, 2, 0, 0], "rows that gain something are updated");
    let real = backfill(&env, &old, &[]);
    real.assert_eq(Backfill::of(&real).counts(), [0, 5, 2, 0, 0], "as the dry run said");
    check_all_back(&env, &rows);
    let before = env.tree();
    let again = backfill(&env, &old, &[]);
    again.assert_eq(Backfill::of(&again).counts(), [0, 0, 7, 0, 0], "a second run changes nothing");
    again.assert_eq(before.difference(&env.tree()), String::new(), "and writes nothing");
    settled(&env);
}

#[test]
fn quick_does_not_skip_what_the_old_one_knows() {
    let (env, old, rows) = lost("empty-2026-08");
    rebuilt(&env, "empty-2026-08");
    backfill(&env, &old, &["--quick"]).status(0, "all is fine");
    check_all_back(&env, &rows);
}

#[test]
fn what_was_changed_since_stays() {
    let (env, old, _) = lost("empty-2026-08");
    rebuilt(&env, "empty-2026-08");
    env.sql(
        "INSERT INTO thread_sections (id, name) VALUES ('S2', 'New');
         UPDATE threads SET name = 'New', title = 'New title', git_branch = 'newer', thread_section_id = 'S2',
             archived_at = 1788000000, memory_mode = 'disabled'
             WHERE id IN ('20260301-1000-7000-8000-000000000000', '20260303-1000-7000-8000-000000000000',
                          '20260302-1000-7000-8000-000000000000');",
    );
    let since = env.rows();
    backfill(&env, &old, &[]).status(0, "all is fine");
    for id in [LEGACY, PAGINATED] {
        let row = env.row(id);
        for column in ["name", "title", "git_branch", "thread_section_id", "section_position"] {
            assert_eq!(row[column], since[id][column], "{id}.{column} was changed since");
        }
    }
    assert_eq!(env.row(ARCHIVED)["archived_at"], since[ARCHIVED]["archived_at"]);
    assert_eq!(env.row(PAGINATED)["memory_mode"], "disabled", "what a paginated row says");
    assert_eq!(env.row(LEGACY)["memory_mode"], "polluted", "polluted always counts");
    assert_eq!(env.row(LEGACY)["is_pinned"], 1, "what says nothing is filled beside it");
    settled(&env);
}

#[test]
fn threads_whose_rollout_is_gone_do_not_rise_again_and_rows_without_one_stay() {
    let (env, old, _) = lost("empty-2026-08");
    fs::remove_file(env.path(&specimen::legacy().relative())).unwrap();
    rebuilt(&env, "empty-2026-08");
    backfill(&env, &old, &[]).status(0, "all is fine");
    assert!(!env.rows().contains_key(LEGACY), "no rollout, no row");
    // The file comes back, as from a backup, and with it what the database knew of the thread.
    specimen::legacy().write(&env);
    let outcome = backfill(&env, &old, &[LEGACY]);
    outcome.assert_eq(Backfill::of(&outcome).counts(), [1, 0, 0, 0, 0], "one thread alone");
    assert_eq!((&env.row(LEGACY)["name"], &env.row(LEGACY)["is_pinned"]), (&"N".into(), &1.into()));
}

#[test]
fn a_small_file_with_some_rows_is_enough() {
    let (env, old, rows) = lost("empty-2026-08");
    // This is what prune saves: the columns of the database and the deleted rows.
    let saved = env.outside("elsewhere/pruned.sqlite");
    let connection = rusqlite::Connection::open(&saved).unwrap();
    connection
        .execute_batch(&format!(
            "ATTACH '{}' AS old; CREATE TABLE threads AS SELECT * FROM old.threads WHERE id = '{PAGINATED}'",
            old.to_str().unwrap()
        ))
        .unwrap();
    connection.close().unwrap();
    rebuilt(&env, "empty-2026-08");
    let outcome = backfill(&env, &saved, &[]);
    outcome.assert_eq(Backfill::of(&outcome).updated, 1, "the one that it knows");
    assert_eq!(env.row(PAGINATED), rows[PAGINATED]);
}

#[test]
fn references_to_what_cannot_come_back_are_left_out_and_said() {
    let (env, old, _) = lost("empty-2026-08");
    let connection = rusqlite::Connection::open(&old).unwrap();
    // A project without a row, and a table of sections with an unknown column.
    connection
        .execute_batch(
            "PRAGMA foreign_keys = OFF; DELETE FROM projects;
             ALTER TABLE thread_sections ADD COLUMN mood TEXT",
        )
        .unwrap();
    connection.close().unwrap();
    rebuilt(&env, "empty-2026-08");
    let outcome = backfill(&env, &old, &[]);
    outcome.status(0, "the rest is done");
    let row = env.row(LEGACY);
    for column in ["thread_section_id", "section_position", "section_entered_at_ms", "project_id"] {
        assert_eq!(row[column], Value::Null, "{column}");
    }
    assert_eq!(row["name"], "N", "the rest of the row is filled");
    outcome.assert(outcome.stderr.contains("S1") && outcome.stderr.contains("P1"), "both are named");
    assert!(env.query("PRAGMA foreign_key_check").is_empty());
    settled(&env);
}

#[test]
fn the_roots_of_a_project_come_with_it() {
    let env = specimen::filled("empty-2026-08");
    env.sql(ADDED);
    env.sql("INSERT INTO project_roots VALUES ('P1', 0, '/srv/project'), ('P1', 1, '/srv/other')");
    let old = env.outside("elsewhere/old.sqlite");
    fs::rename(env.db(), &old).unwrap();
    rebuilt(&env, "empty-2026-08");
    backfill(&env, &old, &[]).status(0, "all is fine");
    let roots = env.query("SELECT path FROM project_roots ORDER BY position");
    let roots: Vec<&Value> = roots.iter().map(|row| &row["path"]).collect();
    assert_eq!(roots, ["/srv/project", "/srv/other"]);
}

#[test]
fn between_schemas_what_both_know_comes_over() {
    for (from, to) in [
        ("empty-2026-08", "empty-2026-01"),
        ("empty-2026-08", "empty-2026-03"),
        ("empty-2026-03", "empty-2026-08"),
        ("empty-2026-01", "empty-2026-08"),
    ] {
        let env = specimen::filled(from);
        env.sql("UPDATE threads SET git_branch = 'edited', title = 'My own title'");
        let old = env.outside("elsewhere/old.sqlite");
        fs::rename(env.db(), &old).unwrap();
        rebuilt(&env, to);
        backfill(&env, &old, &[]).status(0, format_args!("from {from} to {to}"));
        let row = env.row(LEGACY);
        assert_eq!(row["git_branch"], "edited", "from {from} to {to}");
        // In the first schema a user's title cannot be told from a derived one, on either side.
        let title = if [from, to].contains(&"empty-2026-01") { "legacy words" } else { "My own title" };
        assert_eq!(row["title"], title, "from {from} to {to}");
        settled(&env);
    }
}

#[test]
fn an_unknown_column_is_not_taken_even_if_both_have_it() {
    let (env, old, _) = lost("empty-2026-08");
    rebuilt(&env, "empty-2026-08");
    let alter = "ALTER TABLE threads ADD COLUMN mood TEXT DEFAULT 'fine'";
    env.sql(alter);
    let connection = rusqlite::Connection::open(&old).unwrap();
    connection.execute_batch(&format!("{alter}; UPDATE threads SET mood = 'grim'")).unwrap();
    connection.close().unwrap();
    backfill(&env, &old, &[]).status(0, "all is fine");
    assert!(env.rows().values().all(|row: &Row| row["mood"] == "fine"));
}

#[test]
fn cells_that_would_break_codex_are_not_taken() {
    let (env, old, _) = lost("empty-2026-08");
    let connection = rusqlite::Connection::open(&old).unwrap();
    connection
        .execute_batch(
            "PRAGMA foreign_keys = OFF;
             UPDATE threads SET is_pinned = 'yes', name = x'ff', git_sha = 7, recency_at_ms = 'soon',
                 recency_at = 'soon', history_mode = 'sideways', archived_at = 'then', project_id = 9",
        )
        .unwrap();
    connection.close().unwrap();
    rebuilt(&env, "empty-2026-08");
    backfill(&env, &old, &[]).status(0, "all is fine");
    for (id, row) in env.rows() {
        assert_eq!(row["is_pinned"], 0, "{id}");
        for column in ["name", "project_id"] {
            assert_eq!(row[column], Value::Null, "{id}.{column}");
        }
        assert!(row["recency_at_ms"].is_i64() && row["recency_at"].is_i64(), "{id}");
        assert_ne!(row["history_mode"], "sideways", "{id}");
    }
    settled(&env);
}

#[test]
fn the_choice_of_a_lost_row_among_the_rollouts_of_a_reverted_thread_counts() {
    let head = "20260314-9999-7000-8000-000000000000";
    let env = Env::new();
    let thread = crate::rollouts::plain("2026-03-14T10:00:00", "before");
    thread.write(&env);
    let reverted =
        crate::rollouts::plain("2026-03-14T11:00:00", "after").id(thread.thread()).rollout_id(head);
    reverted.write(&env);
    env.database("empty-2026-08");
    env.run(["backfill"]).status(0, "the greatest is chosen");
    assert_eq!(env.row(thread.thread())["rollout_path"], env.path(&reverted.relative()).as_str());
    // The user went back to the first rollout.
    env.sql(&format!("UPDATE threads SET rollout_path = '{}'", env.path(&thread.relative())));
    env.run(["backfill"]).status(0, "the row's choice stays");
    let old = env.outside("elsewhere/old.sqlite");
    fs::rename(env.db(), &old).unwrap();
    env.database("empty-2026-08");
    backfill(&env, &old, &[]).status(0, "all is fine");
    assert_eq!(env.row(thread.thread())["rollout_path"], env.path(&thread.relative()).as_str());
    assert_eq!(env.row(thread.thread())["title"], "before");
}

#[test]
fn the_recency_of_a_thread_used_since_is_not_taken_back() {
    let (env, old, _) = lost("empty-2026-08");
    let grown = specimen::legacy().user("used since");
    let used_at = grown.mtime_ms() + 3_600_000;
    let grown = grown.mtime(used_at);
    grown.write(&env);
    rebuilt(&env, "empty-2026-08");
    backfill(&env, &old, &[]).status(0, "all is fine");
    assert_eq!(env.row(LEGACY)["recency_at_ms"], used_at, "later than the old row knew");
    assert_eq!(env.row(LEGACY)["name"], "N");
}

#[test]
fn what_a_silent_thread_kept_is_kept() {
    let (env, old, rows) = lost("empty-2026-08");
    rebuilt(&env, "empty-2026-08");
    assert_eq!(env.row(SILENT_PAGINATED)["preview"], "", "hidden from every list");
    backfill(&env, &old, &[]).status(0, "all is fine");
    assert_eq!(env.row(SILENT_PAGINATED), rows[SILENT_PAGINATED]);
    assert_eq!(env.row(SILENT)["title"], "Named in silence");
}

#[test]
fn what_is_no_other_state_database_is_refused() {
    let (env, old, _) = lost("empty-2026-08");
    rebuilt(&env, "empty-2026-08");
    let text = env.outside("elsewhere/text.sqlite");
    fs::write(&text, "no database, whatever its name says").unwrap();
    let other = env.outside("elsewhere/other.sqlite");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE threads (id TEXT)").unwrap();
    connection.close().unwrap();
    let missing = env.outside("elsewhere/missing.sqlite");
    let before = env.tree();
    for file in [&text, &other, &missing, &env.db()] {
        let outcome = backfill(&env, file, &[]);
        outcome.trouble(file.to_str().unwrap());
        outcome.assert_eq(before.difference(&env.tree()), String::new(), "nothing is touched");
    }
    let _ = old;
}

#[test]
fn a_damaged_one_is_read_around_its_damage() {
    let env = Env::new();
    env.database("empty-2026-08");
    let threads: Vec<_> = (0..400)
        .map(|n| {
            let start = format!("2026-03-{:02}T{:02}:00:00", 1 + n / 20, n % 20);
            crate::rollouts::plain(&start, &"words ".repeat(40))
        })
        .collect();
    threads.iter().for_each(|thread| drop(thread.write(&env)));
    env.run(["backfill"]).status(0, "all is fine");
    env.sql("UPDATE threads SET name = 'N-' || id; VACUUM");
    let old = env.outside("elsewhere/old.sqlite");
    fs::rename(env.db(), &old).unwrap();
    // Some leaves of the table become noise, as on the damaged disk of the issue.
    crate::wrecks::tear_leaves(&old, "threads", 4);
    env.database("empty-2026-08");
    let outcome = backfill(&env, &old, &[]);
    outcome.status(0, "what could be read is used");
    outcome.assert(outcome.stderr.contains("damaged"), "and it is said");
    let named = env.rows().values().filter(|row| row["name"] != Value::Null).count();
    outcome.assert((250..400).contains(&named), format_args!("most names are back: {named}"));
    for (id, row) in env.rows() {
        assert!(row["name"].is_null() || row["name"] == format!("N-{id}").as_str(), "the right ones: {id}");
    }
    settled(&env);
}

#[test]
fn what_prune_deleted_comes_back_with_the_restored_files() {
    let env = specimen::filled("empty-2026-08");
    env.sql(ADDED);
    let rows = env.rows();
    let files = [specimen::legacy(), specimen::paginated()];
    for file in &files {
        fs::remove_file(env.path(&file.relative())).unwrap();
    }
    let outcome = env.run(["prune", "--yes", "--format", "json"]);
    outcome.status(0, "two rows go").assert_eq(env.rows().len(), 5, "two rows are gone");
    let saved = crate::backup::backups(&env).into_iter().find(|name| name.starts_with("pruned-")).unwrap();
    let saved = crate::backup::backup_path(&env, &saved);
    let outcome = backfill(&env, &saved, &[]);
    outcome.assert_eq(Backfill::of(&outcome).counts(), [0, 0, 5, 0, 0], "without files no row rises");
    for file in &files {
        file.write(&env);
    }
    let outcome = backfill(&env, &saved, &[]);
    outcome.assert_eq(Backfill::of(&outcome).counts(), [2, 0, 5, 0, 0], "both are back");
    check_all_back(&env, &rows);
    settled(&env);
}
