//! Tests the most frequent mistakes: the exact answer says what is wrong, where, why, and what to do.

use std::fs;
use std::process::Stdio;

use expect_test::{Expect, expect};

use crate::env::Env;
use crate::holder::Holder;
use crate::outcome::Outcome;
use crate::rollouts::plain;
use crate::specimen;
use crate::wrecks;

/// Compares the exact output of a run. Paths of the test and error texts of the system are replaced, so that it is
/// the same everywhere.
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

/// Returns a filled home, for mistakes in the command line and not in the home.
fn filled() -> Env {
    specimen::filled("empty-2026-08")
}

/// Returns a home with one rollout and without a database.
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
    check(
        &env,
        &["list"],
        &expect![[r#"
        $ codex-state list
        --- stderr
        codex-state: error: no Codex home: $HOME_DIR: No such file or directory (os error 2)
        hint: name the folder with --codex-home DIR or CODEX_HOME
        --- status 2
    "#]],
    );
}

#[test]
fn codex_home_is_a_file() {
    let env = Env::new();
    let file = env.outside("file");
    fs::write(&file, "x").unwrap();
    let mut command = env.command(["backfill"]);
    command.env("CODEX_HOME", &file);
    says(
        &env.finish(command),
        &expect![[r#"
        $ codex-state backfill
        --- stderr
        codex-state: error: no Codex home: $ROOT/file: not a folder
        hint: name the folder with --codex-home DIR or CODEX_HOME
        --- status 2
    "#]],
    );
}

#[test]
fn two_databases() {
    let env = filled();
    env.write("sqlite/state_5.sqlite", fs::read(env.db()).unwrap());
    check(
        &env,
        &["archive", specimen::LEGACY],
        &expect![[r#"
        $ codex-state archive 20260301-1000-7000-8000-000000000000
        --- stderr
        codex-state: error: two databases: $HOME_DIR/state_5.sqlite and $HOME_DIR/sqlite/state_5.sqlite
        hint: codex-state --db $HOME_DIR/state_5.sqlite archive 20260301-1000-7000-8000-000000000000
        hint: codex-state --db $HOME_DIR/sqlite/state_5.sqlite archive 20260301-1000-7000-8000-000000000000
        --- status 2
    "#]],
    );
    check(
        &env,
        &["prune", "--yes"],
        &expect![[r#"
        $ codex-state prune --yes
        --- stderr
        codex-state: error: two databases: $HOME_DIR/state_5.sqlite and $HOME_DIR/sqlite/state_5.sqlite
        hint: codex-state --db $HOME_DIR/state_5.sqlite prune --yes
        hint: codex-state --db $HOME_DIR/sqlite/state_5.sqlite prune --yes
        --- status 2
    "#]],
    );
    let backup = env.outside("backup.sqlite");
    fs::copy(env.db(), &backup).unwrap();
    check(
        &env,
        &["restore", backup.to_str().unwrap()],
        &expect![[r#"
        $ codex-state restore $ROOT/backup.sqlite
        --- stderr
        codex-state: error: two databases: $HOME_DIR/state_5.sqlite and $HOME_DIR/sqlite/state_5.sqlite
        hint: codex-state --db $HOME_DIR/state_5.sqlite restore $ROOT/backup.sqlite
        hint: codex-state --db $HOME_DIR/sqlite/state_5.sqlite restore $ROOT/backup.sqlite
        --- status 2
    "#]],
    );
}

#[test]
fn no_database() {
    check(
        &bare(),
        &["list"],
        &expect![[r#"
        $ codex-state list
        --- stderr
        codex-state: error: no database in $HOME_DIR or $HOME_DIR/sqlite
        hint: codex-state backfill makes one from the rollouts; or name one with --db FILE
        --- status 2
    "#]],
    );
}

#[cfg(unix)]
#[test]
fn a_database_that_was_named_and_is_not_there() {
    check(
        &bare(),
        &["--db", "state_6.sqlite", "list"],
        &expect![[r#"
        $ codex-state --db state_6.sqlite list
        --- stderr
        codex-state: error: no database: $ROOT/cwd/state_6.sqlite: No such file or directory (os error 2)
        hint: name an existing file with --db, or leave it out to use the one of the Codex home
        --- status 2
    "#]],
    );
}

#[test]
fn a_foreign_sqlite_file() {
    let env = bare();
    let connection = rusqlite::Connection::open(env.home().join("state_5.sqlite")).unwrap();
    connection.execute_batch("CREATE TABLE notes (text)").unwrap();
    connection.close().unwrap();
    check(
        &env,
        &["list"],
        &expect![[r#"
        $ codex-state list
        --- stderr
        codex-state: error: $HOME_DIR/state_5.sqlite: the database has no table `threads`
        hint: this is not a state database of Codex; name the right one with --db (usually state_5.sqlite in the Codex home); if it should be the one of Codex, codex-state rebuild makes a new one in its place
        --- status 2
    "#]],
    );
    check(
        &env,
        &["show", "20260314"],
        &expect![[r#"
        $ codex-state show 20260314
        --- stderr
        codex-state: error: $HOME_DIR/state_5.sqlite: the database has no table `threads`
        hint: this is not a state database of Codex; name the right one with --db (usually state_5.sqlite in the Codex home); if it should be the one of Codex, codex-state rebuild makes a new one in its place
        --- status 2
    "#]],
    );
    check(
        &env,
        &["verify"],
        &expect![[r#"
        $ codex-state verify
        --- stderr
        codex-state: error: $HOME_DIR/state_5.sqlite: the database has no table `threads`
        hint: this is not a state database of Codex; name the right one with --db (usually state_5.sqlite in the Codex home); if it should be the one of Codex, codex-state rebuild makes a new one in its place
        --- status 2
    "#]],
    );
    check(
        &env,
        &["backfill"],
        &expect![[r#"
        $ codex-state backfill
        --- stderr
        codex-state: error: $HOME_DIR/state_5.sqlite: the database has no table `threads`
        hint: this is not a state database of Codex; name the right one with --db (usually state_5.sqlite in the Codex home); if it should be the one of Codex, codex-state rebuild makes a new one in its place
        --- status 2
    "#]],
    );
    for command in
        [&["backup"][..], &["path", "2026"], &["archive", "2026"], &["prune", "--yes"], &["status"]]
    {
        let outcome = env.run(command);
        outcome.status(2, "trouble for every command");
        outcome.assert(outcome.stderr.contains("the database has no table `threads`\nhint: "), "the same");
    }
}

#[test]
fn no_sqlite_file() {
    let env = bare();
    env.write("state_5.sqlite", "this is not an SQLite database, whatever its name says".repeat(99));
    check(
        &env,
        &["list"],
        &expect![[r#"
        $ codex-state list
        --- stderr
        codex-state: error: $HOME_DIR/state_5.sqlite: cannot open the database: not a SQLite database, or encrypted
        hint: close Codex and run `codex-state rebuild`: it makes a new one with everything that can still be read
        --- status 2
    "#]],
    );
}

#[test]
fn locked() {
    let env = filled();
    env.sql("DELETE FROM threads");
    let holder = Holder::new(&env.db(), "BEGIN IMMEDIATE");
    check(
        &env,
        &["--busy-timeout", "0.1", "backfill", "--no-backup"],
        &expect![[r#"
        $ codex-state --busy-timeout 0.1 backfill --no-backup
        --- stderr
        codex-state: error: $HOME_DIR/state_5.sqlite: cannot write to the database: locked by another process
        hint: run it again, with a longer `--busy-timeout SECONDS`, or after Codex has ended
        --- status 2
    "#]],
    );
    holder.release();
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn read_only() {
    let env = filled();
    env.obey_permissions();
    env.sql("DELETE FROM threads");
    set_mode(&env.db(), 0o400);
    check(
        &env,
        &["backfill"],
        &expect![[r#"
        $ codex-state backfill
        --- stderr
        codex-state: error: $HOME_DIR/state_5.sqlite: cannot open the database for writing: the file cannot be written
        hint: check the permissions of $HOME_DIR/state_5.sqlite, of its -wal and -shm, and of their folder
        --- status 2
    "#]],
    );
    set_mode(&env.home(), 0o500);
    check(
        &env,
        &["backfill", "--no-backup"],
        &expect![[r#"
        $ codex-state backfill --no-backup
        --- stderr
        codex-state: error: $HOME_DIR/state_5.sqlite: cannot open the database for writing: the file cannot be written
        hint: check the permissions of $HOME_DIR/state_5.sqlite, of its -wal and -shm, and of their folder
        --- status 2
    "#]],
    );
    check(
        &env,
        &["prune", "--yes", "--all-missing"],
        &expect![[r#"
            $ codex-state prune --yes --all-missing
            id	status	path	error
            --- stderr
            nothing to do: 0 rows looked at, and no rollout is gone
            Codex shows 0 of your 0 threads
            --- status 0
        "#]],
    );
    set_mode(&env.home(), 0o700);
}

#[cfg(unix)]
#[test]
fn no_permission() {
    let env = filled();
    env.obey_permissions();
    set_mode(&env.db(), 0o000);
    check(
        &env,
        &["list"],
        &expect![[r#"
        $ codex-state list
        --- stderr
        codex-state: error: $HOME_DIR/state_5.sqlite: cannot open the database: permission denied
        hint: check the permissions of $HOME_DIR/state_5.sqlite, of its -wal and -shm, and of their folder
        --- status 2
    "#]],
    );
    check(
        &env,
        &["backfill"],
        &expect![[r#"
            $ codex-state backfill
            --- stderr
            codex-state: error: $HOME_DIR/state_5.sqlite: cannot open the database for writing: permission denied
            hint: check the permissions of $HOME_DIR/state_5.sqlite, of its -wal and -shm, and of their folder
            --- status 2
        "#]],
    );
    set_mode(&env.db(), 0o600);
    set_mode(&env.home(), 0o000);
    check(
        &env,
        &["verify"],
        &expect![[r#"
        $ codex-state verify
        --- stderr
        codex-state: warning: the configuration is ignored: $HOME_DIR/config.toml: Permission denied (os error 13)
        codex-state: error: $HOME_DIR: cannot be looked into for a database: Permission denied (os error 13)
        hint: check the permissions of $HOME_DIR, or name the database with --db FILE
        --- status 2
    "#]],
    );
    set_mode(&env.home(), 0o700);
    let report = env.outside("closed/report.xml");
    set_mode(report.parent().unwrap(), 0o500);
    check(
        &env,
        &["verify", "--quick", "--junit", report.to_str().unwrap()],
        &expect![[r#"
            $ codex-state verify --quick --junit $ROOT/closed/report.xml
            --- stderr
            codex-state: error: cannot write $ROOT/closed/report.xml: Permission denied (os error 13)
            hint: name a place that you may write to
            --- status 2
        "#]],
    );
    let pages = report.with_file_name("man1");
    check(
        &env,
        &["man", pages.to_str().unwrap()],
        &expect![[r#"
        $ codex-state man $ROOT/closed/man1
        --- stderr
        codex-state: error: cannot make the folder $ROOT/closed/man1: Permission denied (os error 13)
        hint: name a place that you may write to
        --- status 2
    "#]],
    );
    check(
        &env,
        &["backup", report.to_str().unwrap()],
        &expect![[r#"
        $ codex-state backup $ROOT/closed/report.xml
        --- stderr
        codex-state: error: $ROOT/closed: cannot write a backup there: permission denied
        hint: check the permissions of $ROOT/closed
        --- status 2
    "#]],
    );
}

#[test]
fn an_unknown_id() {
    check(
        &filled(),
        &["show", "deadbeef"],
        &expect![[r#"
            $ codex-state show deadbeef
            --- stderr
            codex-state: no such thread: deadbeef
            hint: codex-state list --all --hidden --search TEXT finds the id of a thread by its words
            --- status 1
        "#]],
    );
    check(
        &filled(),
        &["path", "deadbeef"],
        &expect![[r#"
            $ codex-state path deadbeef
            --- stderr
            codex-state: no such thread: deadbeef
            hint: codex-state list --all --hidden --search TEXT finds the id of a thread by its words
            --- status 1
        "#]],
    );
}

#[test]
fn an_ambiguous_prefix() {
    check(
        &filled(),
        &["show", "2026030"],
        &expect![[r#"
        $ codex-state show 2026030
        --- stderr
        codex-state: error: 2026030: ambiguous, 7 threads begin so: 20260301-1000-7000-8000-000000000000, 20260302-1000-7000-8000-000000000000, 20260303-1000-7000-8000-000000000000, 20260304-1000-7000-8000-000000000000, 20260305-1000-7000-8000-000000000000, 20260306-1000-7000-8000-000000000000, 20260307-1000-7000-8000-000000000000
        hint: type more of the id
        --- status 2
    "#]],
    );
}

#[test]
fn a_bad_cursor() {
    check(
        &filled(),
        &["list", "--after", "page2"],
        &expect![[r#"
        $ codex-state list --after page2
        --- stderr
        codex-state: error: invalid cursor "page2" for --after
        hint: take next_cursor from the JSON of the page before, or leave --after out to begin at the top
        --- status 2
    "#]],
    );
}

#[test]
fn a_bad_date() {
    check(
        &filled(),
        &["list", "--since", "last-week"],
        &expect![[r#"
            $ codex-state list --since last-week
            --- stderr
            codex-state: error: cannot read "last-week" as a time
            hint: give an RFC 3339 time (2026-03-14T09:00:00Z), a date (2026-03-14), today, yesterday, or an age (30s, 10m, 2h, 7d, 4w, 3mo, 1y, "2 weeks ago")
            --- status 2
        "#]],
    );
    check(
        &filled(),
        &["list", "--until", "14.3.2026"],
        &expect![[r#"
            $ codex-state list --until 14.3.2026
            --- stderr
            codex-state: error: cannot read "14.3.2026" as a time
            hint: give an RFC 3339 time (2026-03-14T09:00:00Z), a date (2026-03-14), today, yesterday, or an age (30s, 10m, 2h, 7d, 4w, 3mo, 1y, "2 weeks ago")
            --- status 2
        "#]],
    );
}

#[test]
fn a_bad_number() {
    check(
        &filled(),
        &["list", "-n", "all"],
        &expect![[r#"
            $ codex-state list -n all
            --- stderr
            codex-state: error: --limit N: cannot read "all": expected a whole number, such as 20
            hint: codex-state list --help says how it is used
            --- status 2
        "#]],
    );
    check(
        &filled(),
        &["--busy-timeout", "long", "list"],
        &expect![[r#"
            $ codex-state --busy-timeout long list
            --- stderr
            codex-state: error: --busy-timeout SECONDS: cannot read "long": expected a number of seconds, such as 5 or 0.5
            hint: codex-state list --help says how it is used
            --- status 2
        "#]],
    );
}

#[test]
fn a_number_below_nothing() {
    let env = filled();
    for (args, reason) in [
        (&["list", "-n", "-1"][..], "--limit N: cannot read \"-1\": expected a whole number"),
        (
            &["list", "--busy-timeout", "-1"],
            "--busy-timeout SECONDS: cannot read \"-1\": expected a number of seconds",
        ),
        (
            &["verify", "--max-findings", "-1"],
            "--max-findings N: cannot read \"-1\": expected a whole number",
        ),
        (&["list", "--since", "-7d"], "cannot read \"-7d\" as a time\nhint: give 7d\n"),
        (&["list", "--until=-2h"], "cannot read \"-2h\" as a time\nhint: give 2h\n"),
    ] {
        let outcome = env.run(args);
        outcome.status(2, "the command line is wrong");
        outcome.assert(outcome.stderr.contains(reason), reason);
    }
}

#[test]
fn a_patience_without_end() {
    for seconds in ["1e9", "99999999999", "2147483.648", "0", "0.0001"] {
        let outcome = filled().run(["list", "--busy-timeout", seconds, "--ids", "-n", "1"]);
        outcome.status(0, seconds);
        outcome.assert_eq(outcome.stdout.lines().count(), 1, "the list");
    }
    for seconds in ["inf", "nan", "1e300", ""] {
        filled()
            .run(["list", "--busy-timeout", seconds])
            .status(2, format_args!("{seconds:?} is not a number"));
    }
}

#[test]
fn an_unknown_column() {
    check(
        &filled(),
        &["list", "--columns", "id,titel"],
        &expect![[r#"
            $ codex-state list --columns id,titel
            --- stderr
            codex-state: error: invalid value "titel" for --columns A,B,…
            hint: title; or one of id, rollout_path, created_at, updated_at, source, model_provider, cwd, title, sandbox_policy, approval_mode, tokens_used, has_user_event, archived, archived_at, git_sha, git_branch, git_origin_url, cli_version, first_user_message, agent_nickname, agent_role, memory_mode, model, reasoning_effort, agent_path, created_at_ms, updated_at_ms, thread_source, preview, recency_at, recency_at_ms, history_mode, name, is_pinned, thread_section_id, section_position, section_entered_at_ms, project_id, originator, daybreak_enabled, creator_user_id, creator_account_id, hidden_by, size
            --- status 2
        "#]],
    );
}

#[test]
fn a_mistyped_command() {
    check(
        &filled(),
        &["verfy"],
        &expect![[r#"
            $ codex-state verfy
            --- stderr
            codex-state: error: no such command: verfy
            hint: codex-state verify; or codex-state --help, for all commands
            --- status 2
        "#]],
    );
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
    says(
        &outcome,
        &expect![[r#"
            $ codex-state show -
            --- stderr
            no thread on standard input: nothing to do
            --- status 0
        "#]],
    );
}

#[test]
fn a_pipe_that_is_closed() {
    let env = filled();
    let mut command = env.command(["list", "--all", "--hidden"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "as if it had been read");
    assert!(output.stderr.is_empty(), "and not a word: {}", String::from_utf8_lossy(&output.stderr));
}

/// Interrupts a run that waits for a lock: the test holds the lock when the signal comes.
#[cfg(unix)]
#[test]
fn interrupted() {
    use std::thread::sleep;
    use std::time::Duration;
    let env = filled();
    env.sql("DELETE FROM threads");
    let holder = Holder::new(&env.db(), "BEGIN IMMEDIATE");
    let mut command = env.command(["--busy-timeout", "60", "backfill", "--no-backup", "--quiet"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    sleep(Duration::from_millis(700));
    let signal = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(signal.unwrap().success());
    sleep(Duration::from_millis(300));
    holder.release();
    let outcome = Outcome::new(&env.outside(""), &command, child.wait_with_output().unwrap());
    outcome.status(130, "interrupted");
    outcome.assert(outcome.stderr.len() < 300, "in a few words");
    env.run(["backfill"]).status(0, "running again carries on");
}

#[test]
fn no_terminal_to_ask_on() {
    let env = filled();
    check(
        &env,
        &["prune"],
        &expect![[r#"
        $ codex-state prune
        --- stderr
        codex-state: error: rows are deleted only after a question, and this is not a terminal: add --yes
        hint: codex-state prune --yes; or --dry-run, to see what would be done
        --- status 2
    "#]],
    );
    check(
        &env,
        &["backfill", "--prune"],
        &expect![[r#"
        $ codex-state backfill --prune
        --- stderr
        codex-state: error: rows are deleted only after a question, and this is not a terminal: add --yes
        hint: codex-state backfill --prune --yes; or --dry-run, to see what would be done
        --- status 2
    "#]],
    );
}

#[test]
fn a_schema_of_the_future() {
    let env = bare();
    env.database("empty-2026-08");
    env.sql(
        "ALTER TABLE threads RENAME TO old; CREATE TABLE threads (id TEXT PRIMARY KEY, rollout_path TEXT NOT NULL, \
         created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, archived INTEGER NOT NULL, orbit TEXT NOT NULL)",
    );
    check(
        &env,
        &["backfill"],
        &expect![[r#"
        $ codex-state backfill
        --- stderr
        codex-state: error: $HOME_DIR/state_5.sqlite: the table `threads` demands a value for orbit, which this version of codex-state does not know
        hint: this database is of a newer Codex: update codex-state; nothing was changed (orbit is NOT NULL and has no default)
        --- status 2
    "#]],
    );
}

#[test]
fn a_damaged_database() {
    let env = filled();
    wrecks::tear(&env.db());
    check(
        &env,
        &["backfill"],
        &expect![[r#"
            $ codex-state backfill
            --- stderr
            codex-state: error: $HOME_DIR/state_5.sqlite: cannot read the database: the database is damaged (database disk image is malformed)
            hint: close Codex and run `codex-state rebuild`: it makes a new one with everything that can still be read
            hint: codex-state restore $HOME_DIR/codex-state-backups/auto-state_5.sqlite-20260901T120000Z.sqlite brings back the newest sound backup, taken now
            --- status 2
        "#]],
    );
    check(
        &env,
        &["list"],
        &expect![[r#"
            $ codex-state list
            --- stderr
            codex-state: error: $HOME_DIR/state_5.sqlite: cannot read the database: the database is damaged (database disk image is malformed)
            hint: close Codex and run `codex-state rebuild`: it makes a new one with everything that can still be read
            hint: codex-state restore $HOME_DIR/codex-state-backups/auto-state_5.sqlite-20260901T120000Z.sqlite brings back the newest sound backup, taken now
            --- status 2
        "#]],
    );
}

#[test]
fn a_damaged_database_is_what_a_deep_verify_finds() {
    let env = filled();
    wrecks::tear(&env.db());
    check(
        &env,
        &["verify", "--deep", "--format", "table"],
        &expect![[r#"
            $ codex-state verify --deep --format table
            database_damaged (1 error): the database file is damaged
              to do: close Codex and run codex-state rebuild: it makes a new one with everything that can still be read
              state_5.sqlite
                the integrity check could not be finished: the database is damaged (database disk image is malformed)
            --- stderr
            codex-state: warning: the rows cannot all be read: no thread was compared
            1 error; 0 threads agree
            hint: close Codex and run codex-state rebuild: it repairs database_damaged
            hint: codex-state restore $HOME_DIR/codex-state-backups/auto-state_5.sqlite-20260901T120000Z.sqlite brings back the newest sound backup, taken now
            --- status 1
        "#]],
    );
    check(
        &env,
        &["verify", "--deep", "--ignore", "database_damaged"],
        &expect![[r#"
            $ codex-state verify --deep --ignore database_damaged
            --- stderr
            codex-state: error: $HOME_DIR/state_5.sqlite: cannot read the database: the database is damaged (database disk image is malformed)
            hint: close Codex and run `codex-state rebuild`: it makes a new one with everything that can still be read
            hint: codex-state restore $HOME_DIR/codex-state-backups/auto-state_5.sqlite-20260901T120000Z.sqlite brings back the newest sound backup, taken now
            --- status 2
        "#]],
    );
    let json = env.run(["verify", "--deep", "--format", "json"]).status(1, "drift").json();
    assert_eq!((&json["counts"]["database_damaged"], &json["complete"]), (&1.into(), &false.into()));
}

#[cfg(unix)]
#[test]
fn metrics_in_a_folder_that_is_not_there() {
    check(
        &filled(),
        &["--metrics", "nowhere/x.prom", "verify", "--quick", "--quiet"],
        &expect![[r#"
            $ codex-state --metrics nowhere/x.prom verify --quick --quiet
            --- stderr
            codex-state: error: cannot write nowhere/x.prom: No such file or directory (os error 2)
            hint: name a file in a folder that exists and that you may write to
            --- status 2
        "#]],
    );
}

#[test]
fn a_format_of_another_command() {
    check(
        &filled(),
        &["list", "--format", "github"],
        &expect![[r#"
        $ codex-state list --format github
        --- stderr
        codex-state: error: --format github is for verify alone
        hint: use --format json here
        --- status 2
    "#]],
    );
}
