//! Tests facts outside of the thread's cells: names from the session index, edges of spawned threads, and all facts
//! in one home.

use serde_json::{Value, json};

use crate::env::Env;
use crate::rollouts::{Meta, Rollout, plain};
use crate::shapes::Backfill;
use crate::specimen;

fn index(env: &Env, lines: &[(&str, &str)]) {
    let mut text = String::new();
    for (id, name) in lines {
        text += &json!({"id": id, "thread_name": name, "updated_at": "2026-03-05T00:00:00Z"}).to_string();
        text.push('\n');
    }
    env.write("session_index.jsonl", text);
}

#[test]
fn a_new_row_gets_its_name_back_from_the_session_index() {
    let env = Env::new();
    env.database("empty-2026-08");
    let legacy = plain("2026-03-14T10:00:00", "legacy words");
    let paginated = plain("2026-03-15T10:00:00", "paginated words").meta(Meta::paginated);
    let nameless = plain("2026-03-16T10:00:00", "nameless words");
    for thread in [&legacy, &paginated, &nameless] {
        thread.write(&env);
    }
    index(
        &env,
        &[
            (legacy.thread(), "Old name"),
            (paginated.thread(), "Paginated name"),
            (legacy.thread(), "New name"),
            (legacy.thread(), ""),
            (nameless.thread(), ""),
        ],
    );
    env.run(["backfill"]).status(0, "all is fine");
    let cells = |id: &str| ["title", "name", "first_user_message"].map(|column| env.row(id)[column].clone());
    assert_eq!(
        cells(legacy.thread()),
        ["New name".into(), Value::Null, "legacy words".into()],
        "a legacy row takes the last name that is not empty as its title"
    );
    assert_eq!(
        cells(paginated.thread()),
        ["paginated words", "Paginated name", "paginated words"],
        "a paginated row takes it as its name"
    );
    assert_eq!(cells(nameless.thread()), ["nameless words".into(), Value::Null, "nameless words".into()]);
}

#[test]
fn a_row_that_is_there_is_not_renamed() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "words");
    thread.write(&env);
    env.run(["backfill"]).status(0, "all is fine");
    index(&env, &[(thread.thread(), "A name")]);
    let before = env.tree();
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).unchanged, 1, "names come on insert only");
    outcome.assert_eq(before.difference(&env.tree()), String::new(), "nothing is written");
}

#[test]
fn a_damaged_session_index_costs_its_bad_lines_alone() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "words");
    thread.write(&env);
    let good = json!({"id": thread.thread(), "thread_name": "A name", "updated_at": "2026-03-05T00:00:00Z"});
    let mut bytes = format!("not JSON\n\n[1]\n{{\"id\":7}}\n{good}\n").into_bytes();
    bytes.extend(b"\xff\xfe\n{\"id\":\"torn");
    env.write("session_index.jsonl", bytes);
    env.run(["backfill"]).status(0, "the index is a convenience: its damage fails nothing");
    assert_eq!(env.row(thread.thread())["title"], "A name");
}

#[test]
fn a_spawned_thread_brings_its_edge() {
    for schema in ["empty-2026-08", "empty-2026-07", "empty-2026-03"] {
        let env = specimen::filled(schema);
        let edges =
            "SELECT parent_thread_id AS parent, child_thread_id AS child, status FROM thread_spawn_edges";
        let rows = env.query(edges);
        assert_eq!(rows.len(), 1, "{schema}: one spawned thread, one edge: {rows:?}");
        assert_eq!(rows[0]["parent"], specimen::LEGACY);
        assert_eq!(rows[0]["child"], specimen::SPAWNED);
        assert_eq!(rows[0]["status"], "open");
    }
}

#[test]
fn an_edge_that_the_child_has_already_stays() {
    let env = specimen::home("empty-2026-08");
    env.sql(&format!(
        "INSERT INTO thread_spawn_edges VALUES ('{}', '{}', 'closed')",
        specimen::PAGINATED,
        specimen::SPAWNED
    ));
    env.run(["backfill"]).status(0, "all is fine");
    let rows = env.query("SELECT parent_thread_id AS parent, status FROM thread_spawn_edges");
    assert_eq!(rows.len(), 1, "none is added: {rows:?}");
    assert_eq!((&rows[0]["parent"], &rows[0]["status"]), (&specimen::PAGINATED.into(), &"closed".into()));
}

#[test]
fn facts_of_other_tables_and_threads_without_a_file_stay() {
    let env = specimen::filled("empty-2026-08");
    env.sql(&format!(
        "INSERT INTO threads (id, rollout_path, created_at, updated_at, source, model_provider, cwd, title,
             sandbox_policy, approval_mode, name, is_pinned)
         VALUES ('20250101-0000-7000-8000-000000000000', '/gone/rollout.jsonl', 1735689600, 1735689600, 'cli',
             'openai', '/x', 'only the database knows me', '{{}}', 'never', 'Named', 1);
         INSERT INTO thread_dynamic_tools (thread_id, position, name, description, input_schema)
         VALUES ('{}', 0, 'tool', 'a tool', '{{}}');",
        specimen::LEGACY
    ));
    let all = "SELECT * FROM threads WHERE id LIKE '2025%'";
    let others = ["thread_dynamic_tools", "thread_spawn_edges", "thread_sections", "projects"];
    let facts = || others.map(|table| env.query(&format!("SELECT * FROM {table}")));
    let (row, before) = (env.query(all), facts());
    env.sql("UPDATE threads SET cwd = 'elsewhere' WHERE id LIKE '2026%'");
    env.run(["backfill"]).status(0, "every file is fine; a row without a file is prune's business");
    assert_eq!(env.query(all), row, "a row whose file is gone is not touched");
    assert_eq!(facts(), before, "nor are tools, edges, sections and projects: {others:?}");
}

#[test]
fn all_facts_of_one_thread_survive_together_while_its_file_moves_on() {
    let env = specimen::filled("empty-2026-08");
    env.sql(&format!(
        "UPDATE threads SET name = 'N', is_pinned = 1, thread_section_id = 'S1', section_position = 2,
             section_entered_at_ms = 1773509512123, project_id = 'P1', title = 'My title', git_branch = 'edited',
             memory_mode = 'polluted', recency_at = recency_at + 60, recency_at_ms = recency_at_ms + 60000
         WHERE id = '{}'",
        specimen::LEGACY
    ));
    let before = env.row(specimen::LEGACY);
    specimen::legacy().user("more").turn("gpt-6", "low").tokens(5000).write(&env);
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.assert_eq(Backfill::of(&outcome).updated, 1, "the file has grown");
    let mut expected = before;
    let changed: [(&str, Value); 4] = [
        ("model", "gpt-6".into()),
        ("reasoning_effort", "low".into()),
        ("tokens_used", 5000.into()),
        ("updated_at", (grown_mtime() / 1000).into()),
    ];
    expected.extend(changed.map(|(column, value)| (column.to_owned(), value)));
    expected.insert("updated_at_ms".to_owned(), grown_mtime().into());
    outcome.assert_eq(env.row(specimen::LEGACY), expected, "the file's cells follow it, the database's stay");
}

fn grown_mtime() -> i64 {
    specimen::legacy().user("more").turn("gpt-6", "low").tokens(5000).mtime_ms()
}

#[test]
fn an_archived_file_sets_and_a_returned_one_clears_the_time_of_archiving() {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread: Rollout = plain("2026-03-14T10:00:00", "words");
    let path = thread.write(&env);
    env.run(["backfill"]).status(0, "active");
    std::fs::remove_file(&path).unwrap();
    let archived = thread.clone().archived();
    archived.write(&env);
    env.run(["backfill"]).status(0, "archived by hand");
    let row = env.row(thread.thread());
    assert_eq!(row["archived"], 1);
    assert_eq!(row["archived_at"], thread.mtime_ms() / 1000, "the mtime in whole seconds");
    assert_eq!(row["rollout_path"], env.path(&archived.relative()).as_str());
    std::fs::remove_file(env.path(&archived.relative())).unwrap();
    thread.write(&env);
    env.run(["backfill"]).status(0, "back again");
    let row = env.row(thread.thread());
    assert_eq!((&row["archived"], &row["archived_at"]), (&0.into(), &Value::Null));
    assert_eq!(row["rollout_path"], env.path(&thread.relative()).as_str());
}
