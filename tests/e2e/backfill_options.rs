//! Tests what settings and the machine add to a row: the default provider and the canonical folder. Also tests what
//! `--quiet` omits.

use crate::env::Env;
use crate::rollouts::{Rollout, plain};
use crate::specimen;

/// Returns a home with a thread whose meta names no provider, and a thread whose meta names one.
fn home() -> (Env, Rollout) {
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-14T10:00:00", "words").meta(|meta| meta.set("model_provider", ""));
    thread.write(&env);
    plain("2026-03-15T10:00:00", "words").meta(|meta| meta.set("model_provider", "named")).write(&env);
    (env, thread)
}

#[test]
fn the_default_provider_comes_from_the_option_or_config_toml_or_is_openai() {
    let config = "# model_provider = \"comment\"\nmodel_provider = \"ours\" # theirs\n[profiles.x]\nmodel_provider = \"x\"\n";
    for (expected, config, option) in [
        ("openai", None, None),
        ("ours", Some(config), None),
        ("mine", None, Some("mine")),
        ("mine", Some(config), Some("mine")),
    ] {
        let (env, thread) = home();
        if let Some(text) = config {
            env.write("config.toml", text);
        }
        let mut args = vec!["backfill"];
        args.extend(option.iter().flat_map(|id| ["--default-provider", id]));
        env.run(&args).status(0, "all is fine");
        assert_eq!(
            env.row(thread.thread())["model_provider"],
            expected,
            "config {config:?}, option {option:?}"
        );
        let rows = env.rows();
        assert!(rows.values().any(|row| row["model_provider"] == "named"), "a provider that is named stays");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_exists_is_stored_as_it_really_is_and_others_as_they_are_named() {
    let env = Env::new();
    env.database("empty-2026-08");
    let real = env.outside("projects/real");
    std::fs::create_dir_all(&real).unwrap();
    let link = env.outside("projects/link");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let gone = env.outside("projects/gone").join("..").join("gone");
    let cases = [
        ("2026-03-14T10:00:00", link.to_str().unwrap(), real.to_str().unwrap()),
        ("2026-03-15T10:00:00", gone.to_str().unwrap(), gone.to_str().unwrap()),
        ("2026-03-16T10:00:00", "relative/folder", "relative/folder"),
    ];
    for (start, cwd, _) in cases {
        plain(start, "words").meta(|meta| meta.cwd(cwd)).write(&env);
    }
    env.run(["backfill"]).status(0, "all is fine");
    for (start, cwd, expected) in cases {
        assert_eq!(env.row(plain(start, "").thread())["cwd"], expected, "{cwd}");
    }
    env.run(["verify", "--strict"]).status(0, "and verify looks at it in the same way");
}

#[test]
fn a_pipe_gets_no_progress_and_quiet_says_nothing_of_what_went_well() {
    let (env, _) = home();
    let outcome = env.run(["backfill"]);
    outcome.status(0, "all is fine");
    outcome.assert(
        !outcome.stderr.contains('\u{1b}') && !outcome.stderr.contains('\r'),
        "no progress bar and no escape sequence where no terminal is",
    );
    let outcome = env.run(["--quiet", "backfill"]);
    outcome.status(0, "a global option may stand before the command");
    outcome.assert(outcome.stderr.is_empty(), "nothing to say");
    env.run(["backfill", "--quiet"]).status(0, "or after it");
}

#[test]
fn a_home_with_its_folders_missing_is_an_empty_one() {
    let env = Env::new();
    env.database("empty-2026-08");
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(0, "no rollouts yet");
    outcome.assert_eq(crate::shapes::Backfill::of(&outcome).scanned, 0, "no file");
}

#[test]
fn verbose_says_which_rows_change_and_why() {
    let env = specimen::filled("empty-2026-08");
    env.sql(&format!(
        "DELETE FROM threads WHERE id = '{}';
         UPDATE threads SET tokens_used = 1, cwd = 'elsewhere' WHERE id = '{}'",
        specimen::ARCHIVED,
        specimen::LEGACY
    ));
    let expected = [
        format!("codex-state: {}: the database: in the Codex home", env.db().display()),
        format!("codex-state: {}: had no row", env.path(&specimen::archived().relative())),
        format!(
            "codex-state: {}: its row differed in cwd, tokens_used",
            env.path(&specimen::legacy().relative())
        ),
    ];
    for args in [&["backfill", "--verbose", "--dry-run"][..], &["backfill", "-v", "--no-backup"]] {
        let outcome = env.run(args);
        outcome.status(0, "two rows");
        let mut said: Vec<&str> =
            outcome.stderr.lines().filter(|line| line.starts_with("codex-state: ")).collect();
        said.sort_unstable();
        let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        expected.sort_unstable();
        outcome.assert_eq(said, expected, "which, and why");
    }
    let again = env.run(["backfill", "-v"]);
    again.assert_eq(
        again.stderr.lines().collect(),
        vec![
            &*expected[0],
            "no row needed a change; 7 rows agree already",
            "Codex shows 3 of your 7 threads; hidden: 1 archived, 2 without a message, 1 sub-agent",
        ],
        "nothing is left but which database it is",
    );
    for command in [&["list", "-v", "--ids"][..], &["status", "-v"], &["show", "-v", specimen::LEGACY]] {
        let outcome = env.run(command);
        outcome.assert(outcome.stderr.contains(&expected[0]), "which database");
    }
}
