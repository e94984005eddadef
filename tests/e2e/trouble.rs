//! Tests what stops a command: exit status 2, one clear line with the path, a hint, no data, and nothing changed.

use crate::env::Env;
use crate::outcome::Outcome;
use crate::rollouts::plain;

/// Commands that need a database, with an argument where they need one.
const READERS: [&[&str]; 4] = [
    &["list"],
    &["show", "20260314-1000-7000-8000-000000000000"],
    &["verify"],
    &["path", "20260314-1000-7000-8000-000000000000"],
];

#[track_caller]
fn nothing_changed(env: &Env, run: impl FnOnce() -> Outcome) -> Outcome {
    let before = env.tree();
    let outcome = run();
    let difference = before.difference(&env.tree());
    outcome.assert(difference.is_empty(), format_args!("nothing changed:\n{difference}"));
    outcome
}

#[test]
fn a_home_that_does_not_exist() {
    let env = Env::new();
    let missing = env.outside("nowhere").to_str().unwrap().to_owned();
    for reader in [&["backfill"][..]].into_iter().chain(READERS) {
        let mut args = vec!["--codex-home", &missing];
        args.extend(reader);
        nothing_changed(&env, || env.run(&args)).trouble(&missing);
        let mut command = env.command(reader);
        command.env("CODEX_HOME", &missing);
        nothing_changed(&env, || env.finish(command)).trouble(&missing);
    }
    std::fs::remove_dir_all(env.home()).unwrap();
    nothing_changed(&env, || env.run(["backfill"])).trouble(".codex");
}

#[test]
fn a_home_that_is_a_file() {
    let env = Env::new();
    let file = env.outside("file");
    std::fs::write(&file, "x").unwrap();
    let file = file.to_str().unwrap();
    nothing_changed(&env, || env.run(["backfill", "--codex-home", file])).trouble(file);
}

#[test]
fn an_empty_codex_home_variable_counts_as_unset() {
    let env = Env::new();
    env.database("empty-2026-08");
    plain("2026-03-14T10:00:00", "words").write(&env);
    let mut command = env.command(["backfill"]);
    command.env("CODEX_HOME", "");
    env.finish(command).status(0, "the default home is used");
    assert_eq!(env.rows().len(), 1);
}

#[test]
fn a_home_without_a_database_is_trouble_for_readers() {
    let env = Env::new();
    plain("2026-03-14T10:00:00", "words").write(&env);
    for reader in READERS {
        nothing_changed(&env, || env.run(reader)).trouble(".codex");
    }
}

#[test]
fn a_database_that_was_named_must_exist() {
    let env = Env::new();
    let missing = env.outside("other/state_5.sqlite").to_str().unwrap().to_owned();
    for reader in [&["backfill"][..]].into_iter().chain(READERS) {
        let mut args = vec!["--db", &missing];
        args.extend(reader);
        nothing_changed(&env, || env.run(&args)).trouble(&missing);
    }
    assert!(!std::path::Path::new(&missing).exists(), "a database that was named is not created");
}

#[test]
fn a_file_that_is_no_database() {
    let env = Env::new();
    plain("2026-03-14T10:00:00", "words").write(&env);
    let database =
        env.write("state_5.sqlite", "this is not an SQLite database, whatever its name says".repeat(99));
    for reader in [&["backfill"][..]].into_iter().chain(READERS) {
        nothing_changed(&env, || env.run(reader)).trouble(database.to_str().unwrap());
    }
}

#[test]
fn a_database_torn_in_the_middle() {
    let env = Env::new();
    plain("2026-03-14T10:00:00", "words").write(&env);
    let database = env.database("filled-2026-08");
    let bytes = std::fs::read(&database).unwrap();
    // The header and the schema stay; the pages of the threads become noise.
    let mut torn = bytes;
    for byte in torn.iter_mut().skip(60 * 4096) {
        *byte = !*byte;
    }
    std::fs::write(&database, torn).unwrap();
    let outcome = nothing_changed(&env, || env.run(["list", "--all", "--hidden"]));
    outcome.trouble(database.to_str().unwrap());
}

#[test]
fn a_threads_table_that_is_missing_is_trouble_for_readers() {
    let env = Env::new();
    let database = env.database("empty-2026-01");
    env.sql("DROP TABLE threads");
    for reader in READERS {
        nothing_changed(&env, || env.run(reader)).trouble(database.to_str().unwrap());
    }
}

#[test]
fn a_wrong_command_line() {
    let env = Env::golden("empty-2026-08");
    for args in [
        &["backfil"][..],
        &["backfill", "--no-such-option"],
        &["backfill", "--jobs", "many"],
        &["list", "--sort", "name"],
        &["list", "--format", "xml"],
        &["list", "--limit", "-1"],
        &["list", "--columns", "id,no_such_column"],
        &["verify", "--max-findings", "x"],
        &["show"],
        &["path"],
    ] {
        let outcome = nothing_changed(&env, || env.run(args));
        outcome.status(2, "the command line is wrong");
        outcome.assert(!outcome.stderr.is_empty() && outcome.stdout.is_empty(), "it says what, on stderr");
    }
}

#[test]
fn which_database_options_and_variables_choose() {
    let env = Env::golden("empty-2026-08");
    let elsewhere = env.outside("elsewhere/state_5.sqlite");
    std::fs::copy(crate::golden::database("filled-2026-08"), &elsewhere).unwrap();
    let folder = elsewhere.parent().unwrap().to_str().unwrap();
    let ids = |outcome: &Outcome| outcome.stdout.lines().count();
    let args = ["list", "--all", "--hidden", "--ids"];
    let named = env.run([&["--db", elsewhere.to_str().unwrap()], &args[..]].concat());
    named.assert_eq(ids(&named), 61, "--db names exactly this database");
    let named = env.run([&["--sqlite-home", folder], &args[..]].concat());
    named.assert_eq(ids(&named), 61, "--sqlite-home names its folder");
    let mut command = env.command(args);
    let named = env.finish({
        command.env("CODEX_SQLITE_HOME", format!("  {folder} "));
        command
    });
    named.assert_eq(ids(&named), 61, "the variable is trimmed");
    let mut command = env.command(args);
    let named = env.finish({
        command.env("CODEX_SQLITE_HOME", "  ");
        command
    });
    named.assert_eq(ids(&named), 0, "a blank one is unset: the empty database of the home");
    env.write("config.toml", format!("sqlite_home = {folder:?}\n"));
    let mut command = env.command(args);
    let named = env.finish({
        command.env("CODEX_SQLITE_HOME", env.home());
        command
    });
    named.assert_eq(ids(&named), 61, "config.toml comes before the variable");
    let user = env.home().parent().unwrap().to_owned();
    std::fs::create_dir(user.join("databases")).unwrap();
    std::fs::copy(&elsewhere, user.join("databases/state_5.sqlite")).unwrap();
    env.write("config.toml", "sqlite_home = '~/databases'\n");
    let named = env.run(args);
    named.assert_eq(ids(&named), 61, "as in Codex it may begin in the user's home");
    env.write("config.toml", "sqlite_home = '~/databases'\nmodel_provider = 5\n");
    let named = env.run(args);
    named.assert_eq(ids(&named), 61, "one key that is wrong takes no other along");
    named.assert(
        named.stderr.contains("config.toml: model_provider is ignored: it is not a string"),
        "it is named",
    );
}

#[test]
fn of_two_databases_the_greatest_number_decides_and_the_home_where_both_are_equal() {
    let env = Env::golden("filled-2026-08");
    let app = env.write("sqlite/state_5.sqlite", std::fs::read(env.db()).unwrap());
    let used = |expected: &std::path::Path, reason: &str| {
        let outcome = env.run(["list", "--ids", "-n", "1"]);
        outcome.status(0, "a list");
        let warning = format!("warning: two databases: using {}, {reason};", expected.display());
        outcome.assert(outcome.stderr.contains(&warning), warning);
    };
    used(&env.db(), "as new as the other");
    env.sql("UPDATE threads SET updated_at = 'soon' WHERE rowid = 1");
    used(&env.db(), "as new as the other");
    let connection = rusqlite::Connection::open(&app).unwrap();
    connection.execute("UPDATE threads SET updated_at = updated_at + 9 WHERE rowid > 1", []).unwrap();
    connection.close().unwrap();
    used(&app, "which was changed last");
    env.sql("UPDATE threads SET updated_at = updated_at + 99 WHERE rowid > 1");
    used(&env.db(), "which was changed last");
}

#[test]
fn of_several_numbered_databases_the_highest_counts() {
    let env = Env::new();
    let filled = crate::golden::database("filled-2026-08");
    let empty = crate::golden::database("empty-2026-08");
    for (file, source) in [
        ("state.sqlite", &filled),
        ("state_5.sqlite", &filled),
        ("state_10.sqlite", &empty),
        ("state_x.sqlite", &filled),
    ] {
        std::fs::write(env.home().join(file), std::fs::read(source).unwrap()).unwrap();
    }
    let outcome = env.run(["list", "--all", "--hidden", "--ids"]);
    outcome.status(0, "an empty list is fine");
    outcome.assert_eq(outcome.stdout.lines().count(), 0, "10 is more than 5, as a number");
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    let env = Env::golden("empty-2026-08");
    env.obey_permissions();
    set_permissions(env.home(), Permissions::from_mode(0o500)).unwrap();
    set_permissions(env.db(), Permissions::from_mode(0o400)).unwrap();
    let outcome = nothing_changed(&env, || env.run(["backfill"]));
    let listed = nothing_changed(&env, || env.run(["list"]));
    set_permissions(env.home(), Permissions::from_mode(0o700)).unwrap();
    outcome.trouble(env.db().to_str().unwrap());
    listed.status(0, "reading is possible");
}
