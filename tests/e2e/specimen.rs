//! Provides one thread of each kind, and changes of rows by hand: those that a backfill undoes and those that it
//! respects.

use serde_json::{Value, json};

use crate::env::Env;
use crate::rollouts::Rollout;
use crate::table::Row;

pub(crate) const LEGACY: &str = "20260301-1000-7000-8000-000000000000";
pub(crate) const PAGINATED: &str = "20260302-1000-7000-8000-000000000000";
pub(crate) const ARCHIVED: &str = "20260303-1000-7000-8000-000000000000";
pub(crate) const SILENT: &str = "20260304-1000-7000-8000-000000000000";
pub(crate) const SILENT_PAGINATED: &str = "20260305-1000-7000-8000-000000000000";
pub(crate) const SPAWNED: &str = "20260306-1000-7000-8000-000000000000";
pub(crate) const RELAXED: &str = "20260307-1000-7000-8000-000000000000";

/// Returns a thread that has a value for every column.
pub(crate) fn legacy() -> Rollout {
    Rollout::new("2026-03-01T10:00:00").meta(rich).user("legacy words").turn("gpt-5", "high").tokens(1200)
}

/// Returns the same as a paginated thread.
pub(crate) fn paginated() -> Rollout {
    let thread = Rollout::new("2026-03-02T10:00:00").meta(|meta| rich(meta).paginated());
    thread.user("paginated words").turn("gpt-5", "high").tokens(31)
}

/// Returns the same, archived.
pub(crate) fn archived() -> Rollout {
    let thread = Rollout::new("2026-03-03T10:00:00").meta(rich).archived();
    thread.user("archived words").turn("gpt-5", "high").tokens(7)
}

/// Returns a thread without a user's message and without a turn.
pub(crate) fn silent() -> Rollout {
    Rollout::new("2026-03-04T10:00:00").answer("…")
}

/// Returns the same as a paginated thread.
pub(crate) fn silent_paginated() -> Rollout {
    Rollout::new("2026-03-05T10:00:00").meta(crate::rollouts::Meta::paginated).answer("…")
}

/// Returns a sub-agent of the first thread.
pub(crate) fn spawned() -> Rollout {
    let source = json!({"subagent": {"thread_spawn": {"parent_thread_id": LEGACY, "depth": 1}}});
    let thread = Rollout::new("2026-03-06T10:00:00").meta(|meta| meta.source(source));
    thread.user("spawned words").turn("gpt-5", "low")
}

/// Returns a thread whose approval policy has its old spelling.
pub(crate) fn relaxed() -> Rollout {
    Rollout::new("2026-03-07T10:00:00").user("relaxed words").item(
        "turn_context",
        json!({
            "approval_policy": "on-failure", "sandbox_policy": {"type": "read-only"},
            "model": "gpt-5", "effort": "low",
        }),
    )
}

fn rich(meta: crate::rollouts::Meta) -> crate::rollouts::Meta {
    meta.git("0123456789abcdef0123456789abcdef01234567", "main", "https://example.com/r.git")
        .set("thread_source", "user")
        .set("agent_nickname", "Ada")
        .set("agent_role", "worker")
        .set("agent_path", "/root/worker")
        .set("memory_mode", "enabled")
}

/// Returns all of them.
pub(crate) fn all() -> [Rollout; 7] {
    [legacy(), paginated(), archived(), silent(), silent_paginated(), spawned(), relaxed()]
}

/// Returns a home with all of them and an empty database of this schema.
pub(crate) fn home(schema: &str) -> Env {
    let env = Env::new();
    for rollout in all() {
        rollout.write(&env);
    }
    env.database(schema);
    for (table, row) in [
        ("thread_sections", "(id, name) VALUES ('S1', 'Section')"),
        ("projects", "VALUES ('P1', 'Project', '{}', 1, 1, 1)"),
    ] {
        if has_table(&env, table) {
            env.sql(&format!("INSERT INTO {table} {row}"));
        }
    }
    env
}

/// Returns the same home after a backfill.
#[track_caller]
pub(crate) fn filled(schema: &str) -> Env {
    let env = home(schema);
    env.run(["backfill"]).status(0, format_args!("every file of the specimen home is fine, on {schema}"));
    env
}

/// Returns true if the database has this table.
pub(crate) fn has_table(env: &Env, table: &str) -> bool {
    !env.query(&format!("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '{table}'")).is_empty()
}

/// The schemas on which a change has an effect. They must also have the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// All schemas.
    Any,
    /// The first schema, which has no `first_user_message`.
    Phase1,
    /// Schemas with `first_user_message`.
    Later,
    /// Schemas with `history_mode`.
    Paginated,
}

/// A cell that is changed: the thread, the column, and SQL of the new value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) on: On,
    pub(crate) thread: &'static str,
    pub(crate) column: &'static str,
    pub(crate) to: &'static str,
}

const fn change(on: On, thread: &'static str, column: &'static str, to: &'static str) -> Change {
    Change { on, thread, column, to }
}

/// Cells that the file decides: verify names exactly that column, and a backfill writes the old value back.
pub(crate) const FILE_OWNED: &[Change] = &[
    change(On::Any, LEGACY, "created_at", "created_at - 86400"),
    change(On::Any, LEGACY, "created_at_ms", "created_at_ms - 7200000"),
    change(On::Any, LEGACY, "updated_at", "updated_at - 86400"),
    change(On::Any, LEGACY, "updated_at", "updated_at + 86400"),
    change(On::Any, LEGACY, "updated_at_ms", "updated_at_ms - 7200000"),
    // Codex reads seconds there, and its list never ends with them.
    change(On::Any, LEGACY, "updated_at_ms", "updated_at"),
    change(On::Any, LEGACY, "created_at_ms", "created_at"),
    change(On::Any, LEGACY, "source", "'exec'"),
    change(On::Any, LEGACY, "source", r#"'{"custom":"x"}'"#),
    change(On::Any, SPAWNED, "source", r#"'{"subagent":"review"}'"#),
    change(On::Any, LEGACY, "model_provider", "'other'"),
    change(On::Any, LEGACY, "cwd", "'elsewhere'"),
    change(On::Any, LEGACY, "title", "''"),
    change(On::Any, LEGACY, "title", "'<environment_context>x</environment_context>'"),
    change(On::Phase1, LEGACY, "title", "'In the first schema the title is the file''s'"),
    change(On::Any, LEGACY, "sandbox_policy", r#"'{"type":"danger-full-access"}'"#),
    change(On::Any, LEGACY, "sandbox_policy", r#"'{"type":"read-only"}'"#),
    change(On::Any, LEGACY, "sandbox_policy", r#"'{"type":"workspace-write","network_access":true}'"#),
    change(On::Any, LEGACY, "sandbox_policy", "'not JSON'"),
    change(On::Any, LEGACY, "approval_mode", "'never'"),
    change(On::Any, LEGACY, "tokens_used", "tokens_used + 1"),
    change(On::Any, LEGACY, "tokens_used", "0"),
    change(On::Any, LEGACY, "tokens_used", "'many'"),
    change(On::Phase1, LEGACY, "has_user_event", "0"),
    change(On::Any, LEGACY, "archived", "1"),
    change(On::Any, ARCHIVED, "archived", "0"),
    change(On::Any, LEGACY, "archived_at", "1772400000"),
    change(On::Any, ARCHIVED, "archived_at", "NULL"),
    change(On::Any, LEGACY, "rollout_path", "rollout_path || '.gone'"),
    change(On::Any, LEGACY, "git_sha", "NULL"),
    change(On::Any, LEGACY, "git_branch", "NULL"),
    change(On::Any, LEGACY, "git_origin_url", "NULL"),
    change(On::Any, LEGACY, "cli_version", "'0.1.0'"),
    change(On::Any, LEGACY, "first_user_message", "'other words'"),
    change(On::Any, SILENT, "tokens_used", "5"),
    change(On::Any, LEGACY, "preview", "'other words'"),
    change(On::Any, LEGACY, "preview", "''"),
    change(On::Any, LEGACY, "agent_nickname", "NULL"),
    change(On::Any, LEGACY, "agent_nickname", "'Bob'"),
    change(On::Any, LEGACY, "agent_role", "'explorer'"),
    change(On::Any, LEGACY, "agent_path", "'/root/other'"),
    change(On::Any, LEGACY, "memory_mode", "'disabled'"),
    change(On::Any, LEGACY, "model", "'other'"),
    change(On::Any, LEGACY, "model", "NULL"),
    change(On::Any, LEGACY, "reasoning_effort", "NULL"),
    change(On::Any, LEGACY, "thread_source", "NULL"),
    change(On::Any, LEGACY, "thread_source", "'subagent'"),
    change(On::Any, LEGACY, "history_mode", "'nonsense'"),
    change(On::Any, PAGINATED, "history_mode", "'legacy'"),
    change(On::Any, PAGINATED, "first_user_message", "'other words'"),
    change(On::Any, PAGINATED, "preview", "'other words'"),
    change(On::Any, PAGINATED, "title", "''"),
    change(On::Any, PAGINATED, "tokens_used", "5"),
    change(On::Any, PAGINATED, "model", "'other'"),
    change(On::Any, PAGINATED, "cli_version", "''"),
];

/// Cells that only the database knows: verify reports no drift, and a backfill keeps them.
pub(crate) const DATABASE_OWNED: &[Change] = &[
    // git_*: an existing value stays; NULLs stay where row and file are paginated.
    change(On::Any, LEGACY, "git_sha", "'feedface'"),
    change(On::Any, LEGACY, "git_branch", "'edited'"),
    change(On::Any, LEGACY, "git_origin_url", "'https://example.com/edited.git'"),
    change(On::Any, SILENT, "git_branch", "'edited'"),
    change(On::Paginated, PAGINATED, "git_sha", "NULL"),
    change(On::Paginated, PAGINATED, "git_branch", "NULL"),
    change(On::Paginated, PAGINATED, "git_origin_url", "NULL"),
    // title: a user set this one.
    change(On::Later, LEGACY, "title", "'My own title'"),
    change(On::Later, PAGINATED, "title", "'My own title'"),
    change(On::Later, SILENT, "title", "'My own title'"),
    // No text becomes empty, in any history mode and on any schema; no count becomes 0 in a paginated thread.
    change(On::Any, SILENT, "first_user_message", "'words that no person said'"),
    change(On::Any, SILENT, "agent_nickname", "'Bob'"),
    change(On::Any, SILENT, "model", "'kept'"),
    change(On::Any, SILENT, "title", "'kept'"),
    // In phase 1 a 0 would remove the thread from the list.
    change(On::Phase1, SILENT, "has_user_event", "1"),
    // A folder that no line of the file named: the project moved.
    change(On::Any, LEGACY, "cwd", "'/moved/elsewhere'"),
    change(On::Paginated, SILENT_PAGINATED, "preview", "'kept'"),
    change(On::Paginated, SILENT_PAGINATED, "title", "'kept'"),
    change(On::Paginated, SILENT_PAGINATED, "first_user_message", "'kept'"),
    change(On::Paginated, SILENT_PAGINATED, "tokens_used", "5"),
    change(On::Paginated, SILENT_PAGINATED, "model", "'kept'"),
    change(On::Paginated, SILENT_PAGINATED, "reasoning_effort", "'kept'"),
    change(On::Later, SILENT, "preview", "'kept'"),
    // created_at stays in a paginated thread.
    change(On::Paginated, PAGINATED, "created_at", "created_at - 86400"),
    change(On::Paginated, PAGINATED, "created_at_ms", "created_at_ms - 7200000"),
    // archived_at stays while the file is archived.
    change(On::Any, ARCHIVED, "archived_at", "archived_at + 86400"),
    change(On::Any, ARCHIVED, "archived_at", "archived_at - 86400"),
    // recency stays.
    change(On::Any, LEGACY, "recency_at", "recency_at + 5000"),
    change(On::Any, LEGACY, "recency_at_ms", "recency_at_ms + 5000000"),
    change(On::Any, LEGACY, "recency_at_ms", "recency_at_ms - 5000000"),
    // history_mode: paginated never goes back.
    change(On::Any, LEGACY, "history_mode", "'paginated'"),
    // memory_mode: polluted stays; a paginated file's value is used only on insert.
    change(On::Any, LEGACY, "memory_mode", "'polluted'"),
    change(On::Any, PAGINATED, "memory_mode", "'polluted'"),
    change(On::Any, PAGINATED, "memory_mode", "'disabled'"),
    // Never touched.
    change(On::Later, LEGACY, "has_user_event", "1"),
    change(On::Any, LEGACY, "name", "'A name'"),
    change(On::Any, PAGINATED, "name", "'A name'"),
    change(On::Any, LEGACY, "is_pinned", "1"),
    change(On::Any, LEGACY, "thread_section_id", "'S1'"),
    change(On::Any, LEGACY, "section_position", "3"),
    change(On::Any, LEGACY, "section_entered_at_ms", "1773509512123"),
    change(On::Any, LEGACY, "project_id", "'P1'"),
];

/// Other spellings of what the file says, which are no drift.
pub(crate) const EQUIVALENT: &[Change] = &[
    change(On::Any, LEGACY, "updated_at_ms", "updated_at_ms + 900"),
    change(On::Any, LEGACY, "updated_at", "updated_at + 1"),
    change(On::Any, LEGACY, "created_at_ms", "created_at * 1000"),
    change(On::Any, LEGACY, "created_at_ms", "created_at * 1000 + 1500"),
    change(On::Any, RELAXED, "approval_mode", "'on-request'"),
    change(
        On::Any,
        SPAWNED,
        "source",
        r#"'{"subagent":{"thread_spawn":{"depth":1,"agent_role":null,"parent_thread_id":"20260301-1000-7000-8000-000000000000"}}}'"#,
    ),
    change(On::Any, LEGACY, "sandbox_policy", r#"'{"network_access":false, "type":"workspace-write"}'"#),
    change(On::Any, SILENT, "sandbox_policy", r#"'{"type": "read-only"}'"#),
];

impl Change {
    /// Makes the change, and undoes what triggers add to it. Returns false if the schema has no such cell.
    #[track_caller]
    pub(crate) fn apply(&self, env: &Env) -> bool {
        let before = env.row(self.thread);
        let applies = match self.on {
            On::Any => true,
            On::Phase1 => !before.contains_key("first_user_message"),
            On::Later => before.contains_key("first_user_message"),
            On::Paginated => before.contains_key("history_mode"),
        };
        if !applies || !before.contains_key(self.column) {
            return false;
        }
        env.sql(&format!("UPDATE threads SET {} = {} WHERE id = '{}'", self.column, self.to, self.thread));
        for (column, value) in differing(&before, &env.row(self.thread)) {
            if column != self.column {
                env.sql(&format!("UPDATE threads SET {column} = {value} WHERE id = '{}'", self.thread));
            }
        }
        let after = env.row(self.thread);
        let differing: Vec<String> = differing(&before, &after).into_iter().map(|(name, _)| name).collect();
        assert_eq!(differing, [self.column], "{self:?} changes this cell alone");
        true
    }
}

/// Returns the columns that differ, with their values from before.
fn differing(before: &Row, after: &Row) -> Vec<(String, Value)> {
    let changed = before.iter().filter(|(column, value)| after.get(*column) != Some(value));
    changed.map(|(column, value)| (column.clone(), value.clone())).collect()
}
