//! Tests which threads Codex's default list shows: `list`, `status` and the counts use one rule, on every schema.

use crate::env::Env;
use crate::rollouts::{Rollout, plain};
use crate::shapes::List;
use serde_json::json;

const SCHEMAS: [&str; 3] = ["empty-2026-01", "empty-2026-03", "empty-2026-08"];

/// Returns a thread with this source and provider.
fn thread(day: u8, source: impl Into<serde_json::Value>, provider: &str) -> Rollout {
    let source = source.into();
    plain(&format!("2026-07-{day:02}T10:00:00"), &format!("on day {day}"))
        .meta(|meta| meta.source(source).set("model_provider", provider))
}

/// Returns a home with a thread for each case: shown, archived, no message, provider, source, and both provider and
/// source.
fn home(schema: &str) -> (Env, Vec<String>) {
    let env = Env::new();
    env.database(schema);
    let threads = [
        thread(1, "cli", "azure"),
        thread(2, "vscode", "azure"),
        thread(3, json!({"custom": "atlas"}), "azure"),
        thread(4, json!({"custom": "other"}), "azure"),
        thread(5, "exec", "azure"),
        thread(6, json!({"subagent": "review"}), "openai"),
        thread(7, "cli", "openai"),
        thread(8, "cli", "azure").archived(),
        Rollout::new("2026-07-09T10:00:00").meta(|meta| meta.set("model_provider", "azure")),
    ];
    for thread in &threads {
        thread.write(&env);
    }
    env.write("config.toml", "model_provider = \"azure\"\n");
    env.run(["backfill", "--no-backup"]).status(0, "a sound home");
    (env, threads.iter().map(|thread| thread.thread().to_owned()).collect())
}

fn ids(env: &Env, args: &[&str]) -> Vec<String> {
    let args = [&["list", "--format", "json", "--reverse", "--sort", "created"], args].concat();
    List::of(&env.run(args)).ids()
}

#[test]
fn list_shown_is_what_codex_shows_and_hidden_only_the_rest() {
    for schema in SCHEMAS {
        let (env, threads) = home(schema);
        assert_eq!(ids(&env, &["--shown"]), threads[..3], "{schema}");
        assert_eq!(ids(&env, &["--hidden-only"]), threads[3..], "{schema}");
        assert_eq!(ids(&env, &["--hidden-only", "--archived"]), threads[7..8], "{schema}");
        assert_eq!(ids(&env, &["--shown", "--default-provider", "openai"]), threads[6..7], "{schema}");
        let status = env.run(["status", "--format", "json"]).json();
        let (counts, hidden) = (&status["threads"], &status["threads"]["hidden"]);
        assert_eq!((&counts["total"], &counts["shown"]), (&9.into(), &3.into()), "{schema}");
        let of = |reason: &str| hidden[reason].as_u64().unwrap();
        assert_eq!(
            [of("archived"), of("no_message"), of("provider"), of("source")],
            [1, 1, 2, 2],
            "{schema}"
        );
        assert_eq!(hidden["providers"]["openai"], 2);
        assert_eq!((&hidden["sources"]["exec"], &hidden["sources"]["custom"]), (&1.into(), &1.into()));
    }
}

#[test]
fn hidden_by_says_why() {
    let (env, threads) = home("empty-2026-08");
    let outcome =
        env.run(["list", "--all", "--hidden", "--reverse", "--sort", "created", "--columns", "id,hidden_by"]);
    let reasons = ["", "", "", "source", "source", "provider,source", "provider", "archived", "no_message"];
    let expected: String =
        threads.iter().zip(reasons).map(|(id, reason)| format!("{id}\t{reason}\n")).collect();
    outcome.assert_eq(outcome.stdout.clone(), format!("id\thidden_by\n{expected}"), "a word for each reason");
}

#[test]
fn size_is_the_rollouts_bytes() {
    let env = Env::new();
    env.database("empty-2026-08");
    let path = plain("2026-07-01T10:00:00", "plain").write(&env);
    let gone = plain("2026-07-02T10:00:00", "gone").write(&env);
    env.run(["backfill", "--no-backup"]).status(0, "a sound home");
    std::fs::remove_file(gone).unwrap();
    let outcome = env.run(["list", "--reverse", "--no-header", "--columns", "title,size"]);
    let bytes = std::fs::metadata(path).unwrap().len();
    outcome.assert_eq(outcome.stdout.clone(), format!("plain\t{bytes}\ngone\t\n"), "bytes, or nothing");
}

#[test]
fn a_table_marks_what_codex_hides() {
    let (env, _) = home("empty-2026-08");
    let outcome = env.run(["list", "--format", "table"]);
    outcome.assert_eq(outcome.stdout.matches("[hidden] ").count(), 4, "marked");
    outcome.assert(outcome.stderr.contains("leaves out the 4 threads marked [hidden]"), "and said");
    let outcome = env.run(["list", "--format", "table", "--shown"]);
    outcome.assert(!outcome.stdout.contains("[hidden]") && outcome.stderr.is_empty(), "nothing to mark");
}

#[test]
fn contradictions_are_refused() {
    let env = Env::new();
    for other in ["--archived", "--all", "--hidden", "--hidden-only"] {
        env.run(["list", "--shown", other]).status(2, other);
    }
}
