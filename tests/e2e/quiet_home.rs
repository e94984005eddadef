//! Tests that verify reports no obstacle to Codex in a large sound home and beside a Codex that writes.

#![allow(clippy::disallowed_methods, reason = "a live Codex writes by the real clock")]

use std::fs::{self, File};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::env::Env;
use crate::rollouts::plain;
use crate::shapes::Verify;

/// The kinds of findings that are not drift.
const KINDS: [&str; 7] = [
    "ledger_mismatch",
    "sibling_damaged",
    "codex_cannot_open",
    "history_behind",
    "unknown_provider",
    "unassigned_project",
    "index_missing",
];

#[test]
fn a_thousand_threads_in_order_have_no_finding() {
    let env = Env::new();
    env.database("empty-2026-08");
    env.write("config.toml", "model_provider = \"azure\"\n[model_providers.azure]\nname = \"Azure\"\n");
    for n in 0..1000u32 {
        let start =
            format!("2026-{:02}-{:02}T{:02}:{:02}:00", 6 + n % 2, 1 + n / 2 % 28, n / 56 % 24, n % 60);
        let source = match n % 5 {
            0 => json!("vscode"),
            1 => json!("exec"),
            2 => json!({"subagent": "review"}),
            _ => json!("cli"),
        };
        let provider = ["azure", "openai", "ollama"][n as usize % 3];
        let mut rollout = plain(&start, &format!("Question {n}: ärger, 漢字, \u{1f600}"))
            .id(&format!("019f{n:04x}-0000-7000-8000-{n:012x}"))
            .meta(|meta| meta.source(source).set("model_provider", provider));
        for turn in 0..n % 4 {
            rollout = rollout.turn("gpt-5", "high").answer(&"x".repeat(turn as usize * 100));
        }
        if n % 3 == 1 {
            rollout = rollout.meta(crate::rollouts::Meta::paginated);
        }
        if n % 7 == 3 {
            rollout = rollout.archived();
        }
        if n % 6 == 5 {
            rollout = rollout.compressed();
        }
        rollout.write(&env);
    }
    env.run(["backfill", "--no-backup"]).status(0, "a sound home");
    for depth in [&["verify"][..], &["verify", "--quick"], &["verify", "--deep"]] {
        let outcome = env.run([depth, &["--format", "json"]].concat());
        outcome.status(0, "all agrees");
        let report = Verify::of(&outcome);
        outcome.assert_eq((report.files, report.rows, report.agree), (1000, 1000, 1000), "every thread");
        outcome.assert_eq(report.findings, Vec::new(), "no finding");
    }
}

#[test]
fn a_rollout_that_is_being_written_has_no_gap() {
    let env = Env::new();
    env.database("empty-2026-08");
    let path = plain("2026-07-01T10:00:00", "one").meta(crate::rollouts::Meta::paginated).write(&env);
    env.run(["backfill", "--no-backup"]).status(0, "a sound home");
    let first = fs::read_to_string(&path).unwrap().lines().count();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = File::options().append(true).open(&path).unwrap();
            for ordinal in first.. {
                let line = format!(
                    r#"{{"timestamp":"2026-07-01T10:00:09.000Z","ordinal":{ordinal},"type":"response_item","payload":{{"n":"{}"}}}}"#,
                    "x".repeat(ordinal % 3000)
                );
                let (one, two) = line.split_at(line.len() / 2);
                for piece in [one, two, "\n"] {
                    file.write_all(piece.as_bytes()).unwrap();
                    thread::sleep(Duration::from_micros(300));
                }
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for n in 0..20 {
            let depth = ["--jobs", "2", if n % 2 == 0 { "--strict" } else { "--deep" }];
            let mut command = env.command([&["verify", "--format", "json"][..], &depth].concat());
            command.env_remove("CODEX_STATE_NOW");
            let outcome = env.finish(command);
            let found = Verify::of(&outcome);
            let of_these = |kind: &&str| found.count(kind) > 0;
            if let Some(kind) = KINDS.iter().find(|kind| of_these(kind)) {
                is_over.store(true, Ordering::Relaxed);
                outcome.assert(false, format_args!("no {kind} beside a live writer"));
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
}
