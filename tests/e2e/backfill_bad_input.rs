//! Tests broken and hostile files: each is named with its reason, everything else is done, and the exit status is 1.

use serde_json::json;

use crate::env::Env;
use crate::rollouts::{Rollout, plain};
use crate::shapes::Backfill;

const BAD: &str =
    "sessions/2026/03/20/rollout-2026-03-20T10-00-00-20260320-1000-7000-8000-000000000000.jsonl";

/// Returns a home with one good rollout and one file of these bytes.
fn home_with(relative: &str, bytes: &[u8]) -> Env {
    let env = Env::new();
    env.database("empty-2026-08");
    plain("2026-03-14T10:00:00", "good").write(&env);
    env.write(relative, bytes);
    env
}

#[test]
fn a_file_without_anything_usable_fails_by_name_and_the_rest_is_done() {
    let good_zst = zstd::encode_all(plain("2026-03-20T10:00:00", "x").text().as_bytes(), 3).unwrap();
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("no bytes", Vec::new(), ""),
        ("blanks only", b" \n\t\r\n\n".to_vec(), ""),
        ("not JSON", b"\x00\x01garbage\n\xff\xfe\n".to_vec(), ""),
        ("JSON, but no line of a rollout", b"[1,2]\n\"x\"\n7\n".to_vec(), ""),
        ("a megabyte without a line end", vec![b'x'; 1 << 20], ""),
        ("compressed, half of it gone", good_zst[..good_zst.len() / 2].to_vec(), ".zst"),
        ("called compressed, but it is not", plain("2026-03-20T10:00:00", "x").text().into_bytes(), ".zst"),
        ("compressed nothing", zstd::encode_all(&b""[..], 3).unwrap(), ".zst"),
        ("no bytes that are called compressed", Vec::new(), ".zst"),
    ];
    for (what, bytes, ending) in cases {
        let relative = format!("{BAD}{ending}");
        let env = home_with(&relative, &bytes);
        let outcome = env.run(["backfill", "--format", "json"]);
        outcome.status(1, format_args!("one file is {what}"));
        let report = Backfill::of(&outcome);
        outcome.assert_eq(report.counts(), [1, 0, 0, 0, 1], format_args!("{what}: the good one is done"));
        let name = relative.rsplit('/').next().unwrap();
        outcome
            .assert(report.failures[0].path.ends_with(name), format_args!("{what}: the JSON names the file"));
        outcome.assert(outcome.stderr.contains(name), format_args!("{what}: stderr names the file"));
        outcome.assert_eq(env.rows().len(), 1, format_args!("{what}: no row for it"));
    }
}

#[test]
fn a_broken_last_line_leaves_the_one_of_its_kind_before_it_and_verify_names_it() {
    let count = |total: &str| {
        format!(
            r#"{{"timestamp":"2026-03-14T10:00:09.000Z","type":"event_msg","payload":{{"type":"token_count","info":{{"total_token_usage":{{"total_tokens":{total}}}}}}}}}"#
        )
    };
    for broken in ["1e30", "9223372036854775808", "\"7\"", "null"] {
        let env = Env::new();
        env.database("empty-2026-08");
        let thread =
            Rollout::new("2026-03-14T10:00:00").line(&count("5")).line(&count("17")).line(&count(broken));
        thread.write(&env);
        env.run(["backfill"]).status(0, "damage is not a failure");
        let outcome = env.run(["verify", "--format", "json"]);
        outcome.status(0, "damage alone is a warning");
        outcome.assert(outcome.stdout.contains("damaged_lines"), format_args!("{broken} is named"));
        env.run(["verify", "--deep"]).status(0, "every depth reads the same");
        let rows = env.rows();
        outcome.assert_eq(
            rows.values().next().unwrap()["tokens_used"].clone(),
            json!(17),
            format_args!("before {broken}"),
        );
    }
}

#[test]
fn a_broken_line_is_named_also_where_a_later_one_replaces_it() {
    let event = |payload: &str| {
        format!(r#"{{"timestamp":"2026-03-14T10:00:09.000Z","type":"event_msg","payload":{payload}}}"#)
    };
    for (what, broken, whole) in [
        (
            "count",
            r#"{"type":"token_count","info":{"total_token_usage":5}}"#,
            r#"{"type":"token_count","info":{"total_token_usage":{"total_tokens":5}}}"#,
        ),
        (
            "message",
            r#"{"type":"user_message","message":"x"oops}"#,
            r#"{"type":"user_message","message":"x"}"#,
        ),
    ] {
        let env = Env::new();
        env.database("empty-2026-08");
        plain("2026-03-14T10:00:00", "first").line(&event(broken)).line(&event(whole)).write(&env);
        env.run(["backfill"]).status(0, what);
        let outcome = env.run(["verify", "--format", "json"]);
        outcome.assert(outcome.stdout.contains("damaged_lines"), format_args!("the broken {what} is named"));
    }
}

#[test]
fn damage_costs_its_lines_alone() {
    let deep = format!(
        r#"{{"type":"event_msg","payload":{{"type":"user_message","message":{}"#,
        "[".repeat(200_000)
    );
    let thread = Rollout::new("2026-03-14T10:00:00")
        .line("not JSON")
        .line(&deep)
        .line(r#"{"type":"turn_context","payload":{"model":17,"effort":{}}}"#)
        .line(r#"{"type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"total_tokens":"many"}}}}"#)
        .line(r#"{"type":"event_msg","payload":null}"#)
        .line(r#"{"type":null}"#)
        .line("")
        .user("the words")
        .turn("gpt-5", "high")
        .tokens(9)
        .line(r#"{"timestamp":"2026-03-14T10:00:30.000Z","type":"event_msg","payload":{"type":"user_mess"#);
    let env = Env::new();
    env.database("empty-2026-08");
    thread.write(&env);
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.finished();
    outcome.assert_eq(Backfill::of(&outcome).counts(), [1, 0, 0, 0, 0], "the file is read");
    let row = env.row(thread.thread());
    assert_eq!(row["title"], "the words");
    assert_eq!(row["model"], "gpt-5");
    assert_eq!(row["tokens_used"], 9);
}

#[test]
fn a_relevant_line_beyond_all_measure_is_damage_and_an_irrelevant_one_is_not() {
    let long = "x".repeat(17 << 20);
    let thread =
        Rollout::new("2026-03-14T10:00:00").answer(&long).user(&long).user("short").turn("gpt-5", "low");
    let env = Env::new();
    env.database("empty-2026-08");
    thread.write(&env);
    env.run(["backfill"]).finished();
    assert_eq!(
        env.row(thread.thread())["title"],
        "short",
        "a relevant line over 16 MiB is skipped as damage"
    );
}

#[test]
fn numbers_out_of_range_make_no_bad_cell() {
    for total in ["99999999999999999999", "1e300", "-1", "1.5", "9223372036854775807"] {
        let line = format!(
            r#"{{"type":"event_msg","payload":{{"type":"token_count","info":{{"total_token_usage":{{"total_tokens":{total}}}}}}}}}"#
        );
        let thread = Rollout::new("2026-03-14T10:00:00").user("words").line(&line);
        let env = Env::new();
        env.database("empty-2026-08");
        thread.write(&env);
        env.run(["backfill"]).finished();
        let cell = env.row(thread.thread())["tokens_used"].clone();
        assert!(
            cell.as_i64().is_some_and(|number| number >= 0),
            "total_tokens {total}: an integer, not {cell}"
        );
    }
}

#[test]
fn an_id_that_is_no_uuid_never_becomes_a_row() {
    let env = home_with(
        "sessions/2026/03/20/rollout-x.jsonl",
        b"{\"type\":\"session_meta\",\"payload\":{\"id\":\"'; DROP TABLE threads; --\",\"timestamp\":\"2026-03-20T10:00:00Z\"}}\n",
    );
    env.run(["backfill"]).status(1, "a file without a thread fails");
    assert_eq!(env.rows().len(), 1, "one bad id makes Codex's whole listing fail");
}

#[test]
fn odd_texts_arrive_in_the_cells_as_they_are() {
    let text = "'; DROP TABLE threads; -- \u{1b}[31m \u{202e} \t \u{7f} 日本 \u{1f600} \\ \"q\"";
    let thread = Rollout::new("2026-03-14T10:00:00").meta(|meta| meta.cwd("/nowhere/it's")).user(text);
    let env = Env::new();
    env.database("empty-2026-08");
    thread.write(&env);
    let outcome = env.run(["--verbose", "backfill"]);
    outcome.status(0, "text is text");
    outcome.assert(!outcome.stderr.contains('\u{1b}'), "no raw escape sequence reaches a terminal");
    let row = env.row(thread.thread());
    assert_eq!((&row["title"], &row["cwd"]), (&text.into(), &"/nowhere/it's".into()));
}

#[test]
fn an_unknown_history_mode_is_written_as_legacy() {
    let thread = plain("2026-03-14T10:00:00", "x").meta(|meta| meta.set("history_mode", "quantum"));
    let env = Env::new();
    env.database("empty-2026-08");
    thread.write(&env);
    env.run(["backfill"]).status(0, "Codex refuses rows with other values");
    assert_eq!(env.row(thread.thread())["history_mode"], "legacy");
}

#[test]
fn folders_and_other_things_that_only_look_like_rollouts_are_none() {
    let env = home_with("sessions/2026/03/20/rollout.jsonl", b"x");
    env.write("sessions/2026/03/20/rollout-2026-03-20T10-00-00-x.json", "x");
    env.write("sessions/2026/03/20/.rollout-x.jsonl.tmp", "x");
    env.write("other/rollout-2026-03-20T10-00-00-20260320-1000-7000-8000-000000000000.jsonl", "x");
    std::fs::create_dir_all(env.path(BAD)).unwrap();
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(0, "nothing of this is a rollout");
    outcome.assert_eq(Backfill::of(&outcome).scanned, 1, "only the good one");
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_not_utf_8_cannot_be_stored_and_says_so() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let env = home_with("sessions/2026/03/20/notes.txt", b"x");
    let folder = env.home().join("sessions").join(OsStr::from_bytes(b"od\xffd"));
    std::fs::create_dir_all(&folder).unwrap();
    let thread = plain("2026-03-20T10:00:00", "x");
    let name = BAD.rsplit('/').next().unwrap();
    std::fs::write(folder.join(name), thread.text()).unwrap();
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(1, "one path cannot be stored");
    let report = Backfill::of(&outcome);
    outcome.assert_eq(report.counts(), [1, 0, 0, 0, 1], "the other is");
    outcome.assert(report.failures[0].path.ends_with(name), "the file is named as well as its path can be");
    outcome.assert(report.failures[0].error.to_lowercase().contains("utf-8"), "with that reason");
}

#[cfg(unix)]
#[test]
fn a_pipe_with_the_name_of_a_rollout_does_not_stop_the_run() {
    let env = home_with("sessions/2026/03/20/notes.txt", b"x");
    let made = std::process::Command::new("mkfifo").arg(env.path(BAD)).status();
    if !made.is_ok_and(|status| status.success()) {
        return;
    }
    let outcome = env.run(["backfill", "--format", "json"]);
    let report = Backfill::of(&outcome);
    outcome.assert_eq(report.inserted, 1, "the good one is done, and the run came to its end");
}

#[test]
fn a_single_bad_thread_by_name_fails_alone() {
    let env = home_with(BAD, b"garbage\n");
    let outcome = env.run(["backfill", "--format", "json", &env.path(BAD)]);
    outcome.status(1, "the named file is garbage");
    outcome.assert_eq(Backfill::of(&outcome).counts(), [0, 0, 0, 0, 1], "and no other was asked for");
    let shape = outcome.json();
    outcome.assert_eq(&shape["complete"], &json!(false), "not every file of the home was visited");
}
