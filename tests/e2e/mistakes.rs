//! The mistakes that people make most, and word by word what the program answers: what, where, why, and what to do.

use std::fs;
use std::process::Stdio;

use expect_test::{Expect, expect};

use crate::env::Env;
use crate::holder::Holder;
use crate::outcome::Outcome;
use crate::rollouts::plain;
use crate::specimen;
use crate::wrecks;

/// Compares one run, word by word. The paths of the test and what the system calls things are made the same everywhere.
#[track_caller]
fn says(outcome: &Outcome, expected: &Expect) {
    outcome.assert(!outcome.stderr.contains("SQL logic error"), "no noise of SQLite's");
    let text = outcome.snapshot().replace('\\', "/").replace(".exe", "");
    expected.assert_eq(&text);
}

#[track_caller]
fn check(env: &Env, command: &[&str], expected: &Expect) {
    says(&env.run(command), expected);
}

/// A filled home; what follows is wrong with the command, not with the home.
fn filled() -> Env {
    specimen::filled("empty-2026-08")
}

/// A home with one rollout and without a database.
fn bare() -> Env {
    let env = Env::new();
    plain("2026-03-14T10:00:00", "words").write(&env);
    env
}

#[cfg(unix)]
#[test]
fn no_home() {
    let env = Env::new();
    fs::remove_dir(env.home()).unwrap();
    check(&env, &["list"], &expect![[""]]);
}

#[test]
fn codex_home_is_a_file() {
    let env = Env::new();
    let file = env.outside("file");
    fs::write(&file, "x").unwrap();
    let mut command = env.command(["backfill"]);
    command.env("CODEX_HOME", &file);
    says(&env.finish(command), &expect![[""]]);
}

#[test]
fn two_databases() {
    let env = filled();
    env.write("sqlite/state_5.sqlite", fs::read(env.db()).unwrap());
    check(&env, &["archive", specimen::LEGACY], &expect![[""]]);
    check(&env, &["prune", "--yes"], &expect![[""]]);
    let backup = env.outside("backup.sqlite");
    fs::copy(env.db(), &backup).unwrap();
    check(&env, &["restore", backup.to_str().unwrap()], &expect![[""]]);
}

#[test]
fn no_database() {
    check(&bare(), &["list"], &expect![[""]]);
}

#[cfg(unix)]
#[test]
fn a_database_that_was_named_and_is_not_there() {
    check(&bare(), &["--db", "state_6.sqlite", "list"], &expect![[""]]);
}

#[test]
fn a_foreign_sqlite_file() {
    let env = bare();
    let connection = rusqlite::Connection::open(env.home().join("state_5.sqlite")).unwrap();
    connection.execute_batch("CREATE TABLE notes (text)").unwrap();
    connection.close().unwrap();
    check(&env, &["list"], &expect![[""]]);
    check(&env, &["show", "20260314"], &expect![[""]]);
    check(&env, &["verify"], &expect![[""]]);
    check(&env, &["backfill"], &expect![[""]]);
}

#[test]
fn no_sqlite_file() {
    let env = bare();
    env.write("state_5.sqlite", "this is no SQLite database, whatever its name says".repeat(99));
    check(&env, &["list"], &expect![[""]]);
}

#[test]
fn locked() {
    let env = filled();
    env.sql("DELETE FROM threads");
    let holder = Holder::new(&env.db(), "BEGIN IMMEDIATE");
    check(&env, &["--busy-timeout", "0.1", "backfill", "--no-backup"], &expect![[""]]);
    holder.release();
}

#[cfg(unix)]
#[test]
fn read_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = filled();
    if crate::env::is_root(&env) {
        return;
    }
    env.sql("DELETE FROM threads");
    let mode = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&env.db(), 0o400);
    mode(&env.home(), 0o500);
    let outcome = env.run(["backfill"]);
    mode(&env.home(), 0o700);
    outcome.trouble(env.db().to_str().unwrap());
    mode(&env.db(), 0o000);
    let outcome = env.run(["list"]);
    outcome.trouble(env.db().to_str().unwrap());
}

#[test]
fn an_unknown_id() {
    check(&filled(), &["show", "deadbeef"], &expect![[""]]);
    check(&filled(), &["path", "deadbeef"], &expect![[""]]);
}

#[test]
fn an_ambiguous_prefix() {
    check(&filled(), &["show", "2026030"], &expect![[""]]);
}

#[test]
fn a_bad_cursor() {
    check(&filled(), &["list", "--after", "page2"], &expect![[""]]);
}

#[test]
fn a_bad_date() {
    check(&filled(), &["list", "--since", "yesterday"], &expect![[""]]);
    check(&filled(), &["list", "--until", "14.3.2026"], &expect![[""]]);
}

#[test]
fn a_bad_number() {
    check(&filled(), &["list", "-n", "all"], &expect![[""]]);
    check(&filled(), &["--busy-timeout", "long", "list"], &expect![[""]]);
}

#[test]
fn an_unknown_column() {
    let outcome = filled().run(["list", "--columns", "id,titel"]);
    outcome.status(2, "the command line is wrong");
    outcome.assert(outcome.stderr.contains("a similar value exists: 'title'"), "what was meant");
}

#[test]
fn a_mistyped_command() {
    check(&filled(), &["verfy"], &expect![[""]]);
}

#[cfg(unix)]
#[test]
fn standard_input_closed() {
    let env = filled();
    let mut command = std::process::Command::new("sh");
    let program = env.command(["show", "-"]);
    command.args(["-c", "exec \"$0\" show - <&-"]).arg(program.get_program()).current_dir(env.outside("cwd"));
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    let outcome = Outcome::new(&env.outside(""), &program, output);
    says(&outcome, &expect![[""]]);
}

#[test]
fn a_pipe_that_is_closed() {
    let env = filled();
    let mut command = env.command(["list", "--all", "--hidden"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "as if somebody had read it");
    assert!(output.stderr.is_empty(), "and not a word: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn nobody_to_ask() {
    let env = filled();
    check(&env, &["prune"], &expect![[""]]);
    check(&env, &["backfill", "--prune"], &expect![[""]]);
}

#[test]
fn a_schema_that_nobody_knows_yet() {
    let env = bare();
    env.database("empty-2026-08");
    env.sql(
        "ALTER TABLE threads RENAME TO old; CREATE TABLE threads (id TEXT PRIMARY KEY, rollout_path TEXT NOT NULL, \
         created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, archived INTEGER NOT NULL, orbit TEXT NOT NULL)",
    );
    check(&env, &["backfill"], &expect![[""]]);
}

#[test]
fn a_damaged_database() {
    let env = filled();
    wrecks::tear(&env.db());
    check(&env, &["backfill"], &expect![[""]]);
    check(&env, &["list"], &expect![[""]]);
}

#[cfg(unix)]
#[test]
fn metrics_in_a_folder_that_is_not_there() {
    check(&filled(), &["--metrics", "nowhere/x.prom", "verify", "--quick", "--quiet"], &expect![[""]]);
}

#[test]
fn a_format_of_another_command() {
    check(&filled(), &["list", "--format", "github"], &expect![[""]]);
}
