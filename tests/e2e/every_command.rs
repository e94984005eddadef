//! Tests what holds for every command: JSON is one document, records have one shape, a closed pipe is not a failure, and
//! hints are about the named home.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::env::Env;
use crate::golden;
use crate::outcome::Outcome;
use crate::rollouts::plain;
use crate::schema;

/// Returns for each command that prints something of a home a command line that changes nothing, and one that finds
/// nothing.
fn commands(id: &str) -> Vec<Vec<String>> {
    [
        "list",
        "list --ids",
        "list --columns title,name",
        "list --search no-such-text",
        "show ID",
        "show ID deadbeef",
        "show --compare ID",
        "path ID",
        "path --archived ID",
        "status",
        "verify",
        "verify --quick",
        "verify ID",
        "backfill --dry-run",
        "backfill --dry-run ID",
        "archive --dry-run ID",
        "unarchive --dry-run ID",
        "prune --dry-run",
        "relink --dry-run --missing-ok /nowhere /else",
        "backup --dry-run",
    ]
    .map(|line| line.split(' ').map(|word| word.replace("ID", id)).collect())
    .into()
}

fn run_with_input(env: &Env, args: &[&str], input: &[u8]) -> Outcome {
    let mut command = env.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).ok();
    let output = child.wait_with_output().unwrap();
    Outcome::new(&env.outside(""), &command, output)
}

/// Collects the keys of a document, except those below `above_names`, which are names of columns, kinds, sources and
/// the like.
fn keys(value: &serde_json::Value, above_names: &[&str], found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                found.push(key.clone());
                if !above_names.contains(&key.as_str()) {
                    keys(value, above_names, found);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, above_names, found)),
        _ => {}
    }
}

#[test]
fn help_names_every_key_and_every_column_that_is_printed() {
    let env = golden::filled_by_codex();
    let plain = golden::case("plain").thread;
    env.sql(&format!("UPDATE threads SET cwd = 'x' WHERE id = '{plain}'"));
    for command in commands(&plain) {
        // The help of `unarchive` refers to that of `archive` with one word changed.
        let described = if command[0] == "unarchive" { "archive" } else { &command[0] };
        let help = env.run([described, "--help"]).stdout;
        let with = |format: &str| env.run(command.iter().map(String::as_str).chain(["--format", format]));
        let document = with("json");
        let are_rows =
            ["list", "show"].contains(&described) && command[1..].iter().all(|word| word != "--compare");
        let mut above_names = vec!["counts", "sources", "providers", "folders", "months"];
        above_names.extend(are_rows.then_some("threads"));
        let mut found = Vec::new();
        keys(&document.json(), &above_names, &mut found);
        for key in found {
            let key = if key == "unarchived" { "archived" } else { &key };
            document.assert(help.contains(&format!("\"{key}\":")), format_args!("{key} is in the help"));
        }
        // The help of `list` describes the columns of the table, and columns that are asked for need no mention.
        if are_rows && command.len() > 1 {
            continue;
        }
        let tsv = with("tsv");
        let words: Vec<&str> = help.split(|c: char| !(c.is_ascii_lowercase() || c == '_')).collect();
        for column in tsv.stdout.lines().next().unwrap().split('\t') {
            tsv.assert(words.contains(&column), format_args!("{column} is in the help"));
        }
    }
}

#[test]
fn a_document_is_one_and_starts_with_its_version_and_a_line_is_a_record() {
    let env = golden::filled_by_codex();
    for command in commands(&golden::case("plain").thread) {
        let with = |format: &str| {
            let outcome = env.run(command.iter().map(String::as_str).chain(["--format", format]));
            outcome.finished();
            outcome
        };
        let plain = env.run(&command);
        let document = with("json");
        document.assert(document.stdout.starts_with("{\"schema_version\":1,"), "its version first");
        document.assert(document.json().is_object(), "one document");
        document.assert_eq(document.code, plain.code, "the format does not change the answer");
        let lines = with("jsonl");
        for line in lines.stdout.lines() {
            let value = serde_json::from_str::<serde_json::Value>(line).unwrap();
            let checked = schema::check_line(&command[0], &value);
            lines.assert_eq(checked, Ok(()), "a record a line, as docs/schema/ describes it");
        }
        let tsv = with("tsv");
        let n_tabs = |line: &str| line.matches('\t').count();
        let header = tsv.stdout.lines().next().map(n_tabs);
        tsv.assert(tsv.stdout.lines().all(|line| Some(n_tabs(line)) == header), "lines of as many cells");
        let bare = env.run(command.iter().map(String::as_str).chain(["--format", "tsv", "--no-header"]));
        let n_headers = if command.contains(&"--ids".to_owned()) { 0 } else { 1 };
        let rest: Vec<&str> = tsv.stdout.lines().skip(n_headers).collect();
        // Only durations may differ, and no command prints any there.
        bare.assert_eq(bare.stdout.lines().collect::<Vec<_>>(), rest, "--no-header drops the header alone");
        let csv = with("csv");
        csv.assert(csv.stdout.is_empty() || csv.stdout.ends_with("\r\n"), "RFC 4180");
    }
}

#[test]
fn a_global_option_is_valid_before_and_after_the_command() {
    let env = golden::filled_by_codex();
    let (home, db) = (env.home(), env.db());
    let (home, db) = (home.to_str().unwrap(), db.to_str().unwrap());
    let options = [
        "--codex-home",
        home,
        "--db",
        db,
        "--sqlite-home",
        home,
        "--default-provider",
        "openai",
        "--format",
        "csv",
        "--color",
        "never",
        "--no-progress",
        "--quiet",
        "--busy-timeout",
        "0.5",
        "--no-header",
    ];
    for command in commands(&golden::case("plain").thread) {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let before = env.run([&options[..], &command].concat());
        let after = env.run([&command, &options[..]].concat());
        before.finished();
        before.assert_eq((&before.stdout, before.code), (&after.stdout, after.code), "the same");
    }
}

#[test]
fn a_reader_that_went_away_changes_no_exit_status() {
    let env = golden::filled_by_codex();
    for command in commands(&golden::case("plain").thread) {
        for format in ["json", "tsv", "table"] {
            let args: Vec<&str> = command.iter().map(String::as_str).chain(["--format", format]).collect();
            let read = env.run(&args);
            let mut unread = env.command(&args);
            let mut child = unread.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            drop(child.stdout.take());
            let output = child.wait_with_output().unwrap();
            read.assert_eq(output.status.code(), read.code, "what it would have been");
            let stderr = String::from_utf8_lossy(&output.stderr).to_lowercase();
            read.assert(!stderr.contains("broken pipe"), format_args!("quietly, not {stderr}"));
        }
    }
}

/// Opens a device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_with_its_place() {
    let env = golden::filled_by_codex();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for args in [&["list"][..], &["status"], &["verify", "--format", "json"], &["completions", "bash"]] {
        let mut command = env.command(args);
        let output = command.stdout(full()).output().unwrap();
        let outcome = Outcome::new(&env.outside(""), &command, output);
        outcome.status(2, "it could not be written");
        outcome.assert(outcome.stderr.contains("error: cannot write to standard output: No space"), "where");
        outcome.assert(outcome.stderr.contains("hint: "), "and what to do");
    }
    for args in ["--help", "--version"] {
        let output = env.command([args]).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args}");
    }
}

#[test]
fn where_no_thread_is_left_a_program_still_gets_its_document() {
    let env = golden::filled_by_codex();
    let before = env.tree();
    for command in [
        &["show"][..],
        &["show", "--compare"],
        &["path"],
        &["verify"],
        &["verify", "--quick"],
        &["backfill"],
        &["backfill", "--prune", "--yes"],
        &["archive"],
        &["unarchive"],
        &["prune", "--yes"],
    ] {
        let args = [command, &["-", "--format", "json"]].concat();
        let none = run_with_input(&env, &args, b"\n");
        none.status(0, "nothing was asked for, and it is done");
        none.assert_eq(&none.json()["schema_version"], &1.into(), "a document");
        let unknown = run_with_input(&env, &args, b"deadbeef\n\xff\xfe\n");
        unknown.status(1, "there are no such threads");
        unknown.assert(unknown.stderr.contains("no such thread: deadbeef\n"), "one");
        unknown.assert(unknown.stderr.contains("no such thread: \u{fffd}\u{fffd}\n"), "and another");
        unknown.assert_eq(&unknown.json()["schema_version"], &1.into(), "a document all the same");
    }
    assert_eq!(env.tree().difference(&before), "", "and nothing changed");
    let report = env.outside("junit.xml");
    env.run(["verify", "deadbeef", "--junit", report.to_str().unwrap()]).status(1, "no such thread");
    assert!(fs::read_to_string(report).unwrap().contains("<testsuite"), "a report that was asked for");
    // Without a database none is made either.
    let env = Env::new();
    run_with_input(&env, &["backfill", "-", "--format", "json"], b"").status(0, "nothing to do").json();
    assert!(!env.db().exists(), "no database for no thread");
}

#[test]
fn a_byte_order_mark_on_standard_input_is_none_of_the_thread() {
    let env = golden::filled_by_codex();
    let case = golden::case("plain");
    let input = format!("\u{feff}{}\r\n\r\n  {}  \r\n", case.thread, case.thread.to_uppercase());
    let outcome = run_with_input(&env, &["path", "-"], input.as_bytes());
    outcome.status(0, "it is the thread");
    outcome.assert_eq(&outcome.stdout, &format!("{}\n", env.path(&case.path)), "once, though named twice");
}

#[test]
fn commands_in_hints_are_about_the_home_that_was_named() {
    let hint_with = |outcome: &Outcome, option: &str, path: &std::path::Path, command: &str| {
        let begins = format!("hint: codex-state {option} ");
        let hint = outcome.stderr.lines().find(|line| line.starts_with(&begins));
        let names = |hint: &str| hint.contains(path.to_str().unwrap()) && hint.contains(command);
        outcome.assert(hint.is_some_and(names), format_args!("a command to paste: {begins}… {command}"));
    };
    let env = Env::new();
    let home = env.home();
    plain("2026-07-01T10:00:00", "one").write(&env);
    let named = env.run(["list", "--codex-home", home.to_str().unwrap()]);
    hint_with(&named, "--codex-home", &home, " backfill makes");
    let named = env.run(["status", "--codex-home", home.to_str().unwrap()]);
    let last = named.stdout.lines().last().unwrap_or_default();
    let is_about = last.starts_with("next: codex-state --codex-home ") && last.contains(" backfill makes");
    named.assert(is_about && last.contains(home.to_str().unwrap()), "the next thing is about this home");
    let env = golden::filled_by_codex();
    let named = env.run(["--db", env.db().to_str().unwrap(), "show", "deadbeef"]);
    hint_with(&named, "--db", &env.db(), " list --all");
    let found = env.run(["show", "deadbeef"]);
    found.assert(found.stderr.contains("hint: codex-state list --all"), "none was named");
}
