//! Tests `status` on a golden home, in terminals of two widths, in a pipe and as JSON, and on homes in trouble.

use std::fs;

use expect_test::{Expect, expect};

use crate::env::{Env, NOW_SECONDS};
use crate::golden;
use crate::outcome::Outcome;

/// Compares with a snapshot. The size of the database is left out, because it depends on the length of paths.
#[track_caller]
fn check(outcome: &Outcome, expected: &Expect) {
    let lines = outcome.snapshot();
    let lines = lines.split_inclusive('\n').map(|line| match line.split_once(" KiB, WAL") {
        Some((before, after)) => {
            let before = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
            format!("{before}N KiB, WAL{after}")
        }
        None => line.to_owned(),
    });
    expected.assert_eq(&lines.collect::<String>());
}

fn at_width(env: &Env, width: &str) -> Outcome {
    let mut command = env.command(["status", "--format", "table"]);
    command.env("COLUMNS", width);
    env.finish(command)
}

fn home() -> Env {
    let env = golden::filled_by_codex();
    env.sql(&format!(
        "UPDATE backfill_state SET updated_at = {0}, last_success_at = {0}",
        NOW_SECONDS - 7200
    ));
    env
}

#[test]
fn at_80_columns() {
    check(
        &at_width(&home(), "80"),
        &expect![[r#"
            $ codex-state status --format table
            home:          $HOME_DIR
            database:      $HOME_DIR/state_5.sqlite
            chosen:        in the Codex home
            state:         sound; N KiB, WAL mode
            schema:        38 of 42 known columns; migration 50 (threads section empty
                           preview indexes)
            threads:       61, the last changed 24w ago
            codex shows:   50 of your 61 threads; codex resume lists those of the current
                           folder, codex resume --all of every folder
            codex hides:   3 archived: codex-state unarchive THREAD brings one back into the
                           list
                           2 without a message: no message was sent in them yet
                           1 of provider custom: config.toml sets no model_provider, so
                           Codex lists threads of openai only
                           2 sub-agents: Codex lists threads that a person began
                           1 of source custom: Codex does not list this source
                           2 of other sources: Codex does not list this source
                           codex resume ID opens one of them;
                           codex-state list --hidden-only lists their ids
            sources:       cli 52 (212.1 KiB), vscode 4 (4.3 KiB), subagent 2 (2.2 KiB),
                           custom 1 (1021 B), exec 1 (938 B), others 1 (1009 B)
            providers:     openai 60 (220.0 KiB), custom 1 (1.5 KiB)
            folders:       /srv/golden: 56 threads, 215.7 KiB
                           /srv/settings: 1 thread, 1.5 KiB
                           /srv/child: 1 thread, 1.5 KiB
                           /srv/from-meta: 1 thread, 1012 B
                           /srv/from-turn: 1 thread, 998 B
                           other folders: 1 thread, 938 B
            indexing:      complete, 2h ago
            rollouts:      70 files, 225.6 KiB: 66 active, 4 archived, 4 compressed, 1 with
                           odd names
            quick verify:  4 errors and 3 warnings; 61 threads agree
                           4 missing_row, 1 empty_file, 1 malformed_name, 1 index_orphan
                           2 of these missing_row: the file holds nothing of a conversation,
                           so that no backfill gives it a row
            backups:       none

            threads by the month in which they began
            2026-03  61  ████████████████████████████████████████████████████████████

            next: codex-state backfill brings 2 conversations back into the database
              (codex-state verify names them)
            --- stderr
            --- status 0
        "#]],
    );
}

#[test]
fn at_120_columns() {
    check(
        &at_width(&home(), "120"),
        &expect![[r#"
            $ codex-state status --format table
            home:          $HOME_DIR
            database:      $HOME_DIR/state_5.sqlite
            chosen:        in the Codex home
            state:         sound; N KiB, WAL mode
            schema:        38 of 42 known columns; migration 50 (threads section empty preview indexes)
            threads:       61, the last changed 24w ago
            codex shows:   50 of your 61 threads; codex resume lists those of the current folder, codex resume --all of every folder
            codex hides:   3 archived: codex-state unarchive THREAD brings one back into the list
                           2 without a message: no message was sent in them yet
                           1 of provider custom: config.toml sets no model_provider, so Codex lists threads of openai only
                           2 sub-agents: Codex lists threads that a person began
                           1 of source custom: Codex does not list this source
                           2 of other sources: Codex does not list this source
                           codex resume ID opens one of them; codex-state list --hidden-only lists their ids
            sources:       cli 52 (212.1 KiB), vscode 4 (4.3 KiB), subagent 2 (2.2 KiB), custom 1 (1021 B), exec 1 (938 B), others 1
                           (1009 B)
            providers:     openai 60 (220.0 KiB), custom 1 (1.5 KiB)
            folders:       /srv/golden: 56 threads, 215.7 KiB
                           /srv/settings: 1 thread, 1.5 KiB
                           /srv/child: 1 thread, 1.5 KiB
                           /srv/from-meta: 1 thread, 1012 B
                           /srv/from-turn: 1 thread, 998 B
                           other folders: 1 thread, 938 B
            indexing:      complete, 2h ago
            rollouts:      70 files, 225.6 KiB: 66 active, 4 archived, 4 compressed, 1 with odd names
            quick verify:  4 errors and 3 warnings; 61 threads agree
                           4 missing_row, 1 empty_file, 1 malformed_name, 1 index_orphan
                           2 of these missing_row: the file holds nothing of a conversation, so that no backfill gives it a row
            backups:       none

            threads by the month in which they began
            2026-03  61  ████████████████████████████████████████████████████████████

            next: codex-state backfill brings 2 conversations back into the database (codex-state verify names them)
            --- stderr
            --- status 0
        "#]],
    );
}

#[test]
fn in_a_pipe() {
    check(
        &home().run(["status"]),
        &expect![[r#"
            $ codex-state status
            home:          $HOME_DIR
            database:      $HOME_DIR/state_5.sqlite
            chosen:        in the Codex home
            state:         sound; N KiB, WAL mode
            schema:        38 of 42 known columns; migration 50 (threads section empty preview indexes)
            threads:       61, the last changed 24w ago
            codex shows:   50 of your 61 threads; codex resume lists those of the current folder, codex resume --all of every folder
            codex hides:   3 archived: codex-state unarchive THREAD brings one back into the list
                           2 without a message: no message was sent in them yet
                           1 of provider custom: config.toml sets no model_provider, so Codex lists threads of openai only
                           2 sub-agents: Codex lists threads that a person began
                           1 of source custom: Codex does not list this source
                           2 of other sources: Codex does not list this source
                           codex resume ID opens one of them; codex-state list --hidden-only lists their ids
            sources:       cli 52 (212.1 KiB), vscode 4 (4.3 KiB), subagent 2 (2.2 KiB), custom 1 (1021 B), exec 1 (938 B), others 1 (1009 B)
            providers:     openai 60 (220.0 KiB), custom 1 (1.5 KiB)
            folders:       /srv/golden: 56 threads, 215.7 KiB
                           /srv/settings: 1 thread, 1.5 KiB
                           /srv/child: 1 thread, 1.5 KiB
                           /srv/from-meta: 1 thread, 1012 B
                           /srv/from-turn: 1 thread, 998 B
                           other folders: 1 thread, 938 B
            indexing:      complete, 2h ago
            rollouts:      70 files, 225.6 KiB: 66 active, 4 archived, 4 compressed, 1 with odd names
            quick verify:  4 errors and 3 warnings; 61 threads agree
                           4 missing_row, 1 empty_file, 1 malformed_name, 1 index_orphan
                           2 of these missing_row: the file holds nothing of a conversation, so that no backfill gives it a row
            backups:       none

            next: codex-state backfill brings 2 conversations back into the database (codex-state verify names them)
            --- stderr
            --- status 0
        "#]],
    );
}

#[test]
fn at_120_columns_with_threads_of_several_months_and_a_backup() {
    let env = home();
    env.run(["backup", "--quiet"]).finished();
    env.sql("UPDATE threads SET created_at = created_at - 86400 * 40 * (rowid % 5)");
    let outcome = at_width(&env, "120");
    outcome.assert(outcome.stdout.contains("backups:       1, the newest"), "the backup");
    let (_, picture) = outcome.stdout.split_once("\n\n").unwrap();
    expect![[r#"
        threads by the month in which they began
        2025-10  12  ████████████████████████████████████████████████████████████
        2025-11  12  ████████████████████████████████████████████████████████████
        2025-12  12  ████████████████████████████████████████████████████████████
        2026-01   1  █████
        2026-02  12  ████████████████████████████████████████████████████████████
        2026-03  12  ████████████████████████████████████████████████████████████

        next: codex-state backfill brings 2 conversations back into the database (codex-state verify names them)
    "#]]
    .assert_eq(picture);
}

#[test]
fn in_a_pipe_it_is_text_without_a_picture() {
    let outcome = home().run(["status"]);
    outcome.status(0, "it says, it does not judge");
    outcome.assert(outcome.stdout.contains("codex shows:   50 of your 61 threads;"), "what Codex shows");
    outcome.assert(!outcome.stdout.contains('█'), "no picture");
    let tsv = home().run(["status", "--format", "tsv"]);
    tsv.assert(tsv.stdout.starts_with("name\tvalue\n"), "a line for each value");
    tsv.assert(tsv.stdout.contains("\nthreads.hidden.archived\t3\n"), "by its place in the document");
}

#[test]
fn as_json() {
    let env = home();
    let document = env.run(["status", "--format", "json"]).json();
    assert_eq!(document["schema_version"], 1);
    assert_eq!(document["database"]["path"], env.db().to_str().unwrap());
    assert_eq!(document["database"]["journal_mode"], "wal");
    assert_eq!(document["database"]["sound"], true);
    assert_eq!(document["database"]["last_migration"]["version"], 50);
    let threads = &document["threads"];
    let hidden = &threads["hidden"];
    let parts = [
        &threads["shown"],
        &hidden["archived"],
        &hidden["no_message"],
        &hidden["provider"],
        &hidden["source"],
    ];
    let sum: i64 = parts.iter().map(|part| part.as_i64().unwrap()).sum();
    assert_eq!(sum, threads["total"].as_i64().unwrap(), "each thread is shown or hidden for one reason");
    assert_eq!(threads["months"]["2026-03"], 61);
    assert_eq!(document["rollouts"]["files"], golden::ROLLOUTS);
    assert_eq!(document["backfill"]["stuck"], false);
    assert_eq!(document["backfill"]["updated_at"], "2026-09-01T10:00:00.000Z");
    assert_eq!(document["verify"]["rows"], 61);
    assert_eq!(document["backups"], serde_json::json!([]));
}

#[test]
fn indexing_that_was_begun_and_not_ended_is_stuck() {
    let env = home();
    let at = |seconds: i64| {
        env.sql(&format!(
            "UPDATE backfill_state SET status = 'running', updated_at = {}",
            NOW_SECONDS - seconds
        ));
        env.run(["status"])
    };
    let outcome = at(60);
    outcome.assert(outcome.stdout.contains("indexing:      running, 1m ago\n"), "a live one");
    let outcome = at(3600);
    outcome.assert(
        outcome.stdout.contains("indexing:      stuck: it was begun and not ended, 60m ago\n")
            || outcome.stdout.contains("indexing:      stuck: it was begun and not ended, 1h ago\n"),
        "a dead one",
    );
}

#[test]
fn without_a_database() {
    check(
        &Env::new().run(["status"]),
        &expect![[r#"
            $ codex-state status
            home:      $HOME_DIR
            database:  none in $HOME_DIR or $HOME_DIR/sqlite
            rollouts:  0 files, 0 B: 0 active, 0 archived
            backups:   none

            next: nothing: there is no conversation in this home; name another with --codex-home DIR
            --- stderr
            --- status 0
        "#]],
    );
}

#[test]
fn a_database_that_is_none_is_shown_with_all_else_and_then_trouble() {
    let env = Env::new();
    env.golden_home();
    env.write("state_5.sqlite", "no database, whatever its name says".repeat(99));
    check(
        &env.run(["status"]),
        &expect![[r#"
            $ codex-state status
            home:      $HOME_DIR
            database:  $HOME_DIR/state_5.sqlite
            chosen:    in the Codex home
            trouble:   $HOME_DIR/state_5.sqlite: cannot open the database: not a SQLite database, or encrypted
            rollouts:  70 files, 225.6 KiB: 66 active, 4 archived, 4 compressed, 1 with odd names
            backups:   none
            --- stderr
            codex-state: error: $HOME_DIR/state_5.sqlite: cannot open the database: not a SQLite database, or encrypted
            hint: close Codex and run `codex-state rebuild`: it makes a new one with everything that can still be read
            --- status 2
        "#]],
    );
    let outcome = env.run(["status", "--format", "json"]);
    outcome.status(2, "trouble");
    let document = outcome.json();
    outcome.assert(document["database"]["error"].as_str().unwrap().contains("not a SQLite"), "and why");
    outcome
        .assert(document["threads"].is_null() && document["verify"].is_null(), "what is not known is null");
}

#[test]
fn of_two_databases_the_other_is_named() {
    let env = home();
    let other = env.write("sqlite/state_5.sqlite", std::fs::read(golden::database("empty-2026-08")).unwrap());
    let outcome = env.run(["status"]);
    outcome.status(0, "two are no trouble for reading");
    outcome.assert(outcome.stderr.contains("two databases"), "a warning");
    outcome.assert(
        outcome.stdout.contains(&format!("left alone:    {}: codex-state --db ", other.display())),
        "and which one is not used",
    );
}

#[test]
fn backups_are_named_whether_the_database_can_be_read_or_not() {
    let env = home();
    for i in 1..=6 {
        let name = format!("codex-state-backups/auto-state_5.sqlite-2026080{i}T120000Z.sqlite");
        env.write(&name, std::fs::read(env.db()).unwrap());
    }
    let lines = |outcome: &Outcome| {
        let text = outcome.stdout.replace(env.home().to_str().unwrap(), "$HOME_DIR").replace('\\', "/");
        let (_, backups) = text.split_once("backups:").unwrap();
        let backups = backups.split("\n\n").next().unwrap();
        backups.lines().map(|line| format!("{}\n", line.trim())).collect::<String>()
    };
    let expected = expect![[r#"
        6, the newest 3w ago: $HOME_DIR/codex-state-backups/auto-state_5.sqlite-20260806T120000Z.sqlite
        3w ago: $HOME_DIR/codex-state-backups/auto-state_5.sqlite-20260805T120000Z.sqlite
        4w ago: $HOME_DIR/codex-state-backups/auto-state_5.sqlite-20260804T120000Z.sqlite
        4w ago: $HOME_DIR/codex-state-backups/auto-state_5.sqlite-20260803T120000Z.sqlite
        4w ago: $HOME_DIR/codex-state-backups/auto-state_5.sqlite-20260802T120000Z.sqlite
        and 1 more: status --format json has them all
    "#]];
    expected.assert_eq(&lines(&env.run(["status"])));
    let newest = "$HOME_DIR/codex-state-backups/auto-state_5.sqlite-20260806T120000Z.sqlite"
        .replace("$HOME_DIR", env.home().to_str().unwrap());
    let slashed = |text: &str| text.replace(r"\\", "/").replace('\\', "/");
    let listed = |outcome: &Outcome| {
        let backups = outcome.json()["backups"].as_array().unwrap().len();
        outcome.assert_eq(backups, 6, "JSON has them all");
        outcome.assert(slashed(&outcome.stdout).contains(&slashed(&newest)), "the newest too");
    };
    listed(&env.run(["status", "--format", "json"]));
    env.write("state_5.sqlite", "torn to pieces");
    let damaged = env.run(["status"]);
    damaged.status(2, "it cannot be read");
    expected.assert_eq(&lines(&damaged));
    let says_how = |outcome: &Outcome| {
        let said = slashed(&format!("{}{}", outcome.stdout, outcome.stderr));
        let is_it = said.contains(&format!("codex-state restore {}", slashed(&newest)))
            || said.contains(&format!("codex-state restore '{}'", slashed(&newest)));
        outcome.assert(is_it, "what to do with the newest");
    };
    says_how(&damaged);
    listed(&env.run(["status", "--format", "json"]));
    std::fs::remove_file(env.db()).unwrap();
    let lost = env.run(["status"]);
    lost.status(0, "no database can be read");
    expected.assert_eq(&lines(&lost));
    says_how(&lost);
    listed(&env.run(["status", "--format", "json"]));
    env.run(["restore", &newest]).status(0, "as the hint says");
    assert_eq!(env.rows().len(), 61);
}

#[test]
fn a_database_that_was_named_needs_no_home() {
    let env = home();
    let alone = env.outside("alone/state_5.sqlite");
    std::fs::rename(env.db(), &alone).unwrap();
    std::fs::remove_dir_all(env.home()).unwrap();
    let db = alone.to_str().unwrap();
    let outcome = env.run(["status", "--db", db]);
    outcome.status(0, "there is what was named");
    outcome
        .assert(outcome.stdout.starts_with("home:         none: the database alone is looked at\n"), "none");
    outcome.assert(outcome.stdout.contains("50 of your 61 threads;"), "but what was asked for");
    outcome
        .assert(!outcome.stdout.contains("rollouts:") && outcome.stderr.is_empty(), "nothing of what is not");
    let json = env.run(["status", "--db", db, "--format", "json"]).json();
    assert_eq!((&json["home"], &json["verify"]), (&().into(), &().into()), "null, not a guess");
    let backup = env.outside("backup.sqlite");
    env.run(["backup", "--db", db, backup.to_str().unwrap()]).status(0, "out");
    env.run(["restore", "--db", db, backup.to_str().unwrap(), "--no-backup"]).status(0, "and in");
    env.run(["verify", "--db", db]).trouble("no Codex home");
}

#[test]
fn a_database_that_the_codex_here_does_not_read_is_named_with_the_command_that_makes_one() {
    for (name, readers) in [("state.sqlite", "0.93 to 0.95"), ("state_4.sqlite", "0.96 to 0.99")] {
        let env = Env::golden("empty-2026-08");
        env.run(["backfill", "--no-backup"]).status(1, "three files cannot be read");
        fs::rename(env.db(), env.home().join(name)).unwrap();
        let status = env.run(["status"]);
        status.status(0, name);
        status.assert(status.stdout.contains(readers), "the versions that read it");
        let next = status.stdout.lines().last().unwrap();
        status.assert(next.contains("codex-state rebuild --force"), next);
        for command in ["verify", "backfill"] {
            let outcome = env.run([command]);
            outcome.assert(outcome.stderr.contains("the Codex here reads state_5.sqlite"), name);
        }
        env.run(["rebuild", "--force"]).status(1, "three files cannot be read");
        let status = env.run(["status"]);
        status.assert(status.stdout.contains("/state_5.sqlite\n") && !status.stdout.contains(readers), name);
    }
}

#[test]
fn missing_files_come_before_a_backfill() {
    let env = Env::golden("empty-2026-08");
    env.run(["backfill", "--no-backup"]).status(1, "three files cannot be read");
    let rows = env.rows();
    let row = rows.values().find(|row| row["archived"] == 0).unwrap();
    fs::remove_file(row["rollout_path"].as_str().unwrap()).unwrap();
    env.sql("UPDATE threads SET archived = 1 WHERE rowid % 9 = 0 AND archived = 0");
    let status = env.run(["status"]);
    let next = status.stdout.lines().last().unwrap();
    status.assert(
        next.contains("bring the 1 missing file back") && next.contains("codex-state backfill corrects"),
        next,
    );
}
