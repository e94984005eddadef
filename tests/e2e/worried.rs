//! Tests what a worried user reads: `status`, `verify` and `backfill --dry-run` on homes in trouble, in terminals of
//! 80 and of 120 columns. The snapshots are in `tests/worried/`.

use crate::env::{Env, NOW_SECONDS, set_mtime};
use crate::outcome::Outcome;
use crate::rollouts::{Rollout, plain};
use expect_test::expect_file;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns a home with twelve threads in two projects, all listed, and a sound database.
fn sound() -> Env {
    let env = Env::new();
    env.database("empty-2026-08");
    (1..=12).for_each(|day| {
        thread(day).write(&env);
    });
    env.write("config.toml", "# mine\nmodel = \"gpt-5\"\n");
    env.run(["backfill", "--no-backup"]).status(0, "a sound home");
    env
}

fn thread(day: u8) -> Rollout {
    let folder = if day.is_multiple_of(3) { "/nowhere/garden" } else { "/nowhere/harbour" };
    plain(&format!("2026-07-{day:02}T10:00:00"), &format!("What I asked on day {day}"))
        .meta(|meta| meta.cwd(folder))
}

fn files(env: &Env) -> Vec<PathBuf> {
    (1..=12).map(|day| PathBuf::from(env.path(&thread(day).relative()))).collect()
}

/// Runs the three commands at both widths, and compares the output with the snapshot of this name.
#[track_caller]
fn check(name: &str, env: &Env) -> String {
    let before = env.tree();
    let mut text = String::new();
    for width in ["80", "120"] {
        for args in [
            &["status", "--format", "table"][..],
            &["verify", "--format", "table"],
            &["backfill", "--dry-run", "--format", "table"],
        ] {
            let mut command = env.command(args);
            command.env("COLUMNS", width);
            text.push_str(&format!("=== {width} columns\n{}\n", settled(&env.finish(command))));
        }
    }
    assert_eq!(env.tree().difference(&before), "", "nothing was changed");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/worried/{name}.txt"));
    expect_file![path].assert_eq(&text);
    text
}

/// Returns the snapshot of a run. The size of databases is left out, because it depends on the length of paths.
fn settled(outcome: &Outcome) -> String {
    let is_size = |line: &str| {
        line.starts_with("state:") || line.starts_with("databases:") || line.starts_with("backups:")
    };
    let size = regex::Regex::new(r"\d+(\.\d)? [KM]iB").unwrap();
    let cut = regex::Regex::new(r"^( +rollout_path +row: ).*").unwrap();
    let item = r"(?m)^(next|error|warning|trouble):.*(\n +.*)*|^ +\d+ rows name their rollouts(?s:.*?) now$";
    let item = regex::Regex::new(item).unwrap();
    let lines = outcome.snapshot();
    // Where these are broken into lines depends on the length of the temporary folder, if they name it.
    let lines =
        item.replace_all(&lines, |found: &regex::Captures<'_>| match found[0].contains("$HOME_DIR") {
            true => found[0].lines().map(str::trim).collect::<Vec<_>>().join(" "),
            false => found[0].to_owned(),
        });
    let lines = lines.lines().map(|line| match is_size(line) {
        true => size.replace_all(line, "N KiB").into_owned(),
        // The terminal's width cuts a path at a place that depends on the temporary folder.
        false => cut.replace(line, "${1}…").into_owned(),
    });
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn nothing_is_wrong() {
    check("sound", &sound());
}

#[test]
fn the_database_was_deleted() {
    let env = sound();
    fs::remove_file(env.db()).unwrap();
    check("deleted", &env);
}

#[test]
fn the_database_was_deleted_and_there_are_backups() {
    let env = sound();
    let backup = env.write(
        "codex-state-backups/auto-state_5.sqlite-20260830T120000Z.sqlite",
        fs::read(env.db()).unwrap(),
    );
    set_mtime(&backup, (NOW_SECONDS - 2 * 86_400) * 1000);
    fs::remove_file(env.db()).unwrap();
    check("deleted-with-backups", &env);
}

#[test]
fn half_the_rows_are_gone() {
    let env = sound();
    env.sql("DELETE FROM threads WHERE id < '20260707'");
    check("half-the-rows", &env);
}

#[test]
fn the_home_was_moved() {
    let env = sound();
    let home = env.home().to_str().unwrap().replace('\'', "''");
    env.sql(&format!(
        "UPDATE threads SET rollout_path = replace(rollout_path, '{home}', '/Users/ada/.codex')"
    ));
    check("moved-home", &env);
}

#[test]
fn files_were_archived_by_hand() {
    let env = sound();
    for file in files(&env).iter().take(4) {
        let to = env.home().join("archived_sessions").join(file.file_name().unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(file, to).unwrap();
    }
    check("archived-by-hand", &env);
}

#[test]
fn there_are_two_databases() {
    let env = sound();
    env.write("sqlite/state_5.sqlite", fs::read(env.db()).unwrap());
    env.sql("UPDATE threads SET updated_at = updated_at + 1, updated_at_ms = updated_at_ms + 1000 WHERE id > '20260712'");
    check("two-databases", &env);
}

#[test]
fn the_indexing_is_stuck() {
    let env = sound();
    env.sql(&format!("UPDATE backfill_state SET status = 'running', updated_at = {}", NOW_SECONDS - 3600));
    check("stuck", &env);
}

#[test]
fn a_page_is_damaged() {
    let env = sound();
    let mut bytes = fs::read(env.db()).unwrap();
    let root = env.query("SELECT rootpage FROM sqlite_master WHERE name = 'threads'");
    let root = usize::try_from(root[0]["rootpage"].as_i64().unwrap()).unwrap();
    bytes[(root - 1) * 4096..root * 4096].fill(0xa5);
    fs::write(env.db(), bytes).unwrap();
    check("damaged-page", &env);
}

#[test]
fn the_home_was_copied_without_its_times() {
    let env = sound();
    files(&env).iter().for_each(|file| set_mtime(file, (NOW_SECONDS - 60) * 1000));
    check("copied", &env);
}

#[test]
fn the_provider_was_switched() {
    let env = sound();
    env.write(
        "config.toml",
        "# mine\nmodel = \"gpt-5\"\nmodel_provider = \"azure\"\n\n[model_providers.azure]\nname = \"Azure\"\n",
    );
    check("provider-switched", &env);
}

#[test]
fn a_provider_is_not_defined() {
    let env = sound();
    thread(13).meta(|meta| meta.set("model_provider", "cliproxy")).write(&env);
    thread(14).meta(|meta| meta.set("model_provider", "cliproxy")).write(&env);
    env.run(["backfill", "--no-backup"]).status(0, "with the new ones");
    check("provider-undefined", &env);
}

#[test]
fn there_are_only_sub_agents_and_exec() {
    let env = Env::new();
    env.database("empty-2026-08");
    for day in 1..=6u8 {
        let source = if day.is_multiple_of(2) {
            serde_json::json!("exec")
        } else {
            serde_json::json!({"subagent": "review"})
        };
        thread(day).meta(|meta| meta.source(source)).write(&env);
    }
    env.run(["backfill", "--no-backup"]).status(0, "a sound home");
    check("only-sub-agents", &env);
}

#[cfg(unix)]
#[test]
fn files_cannot_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = sound();
    env.obey_permissions();
    let all = files(&env);
    let forbid = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    all.iter().take(3).for_each(|file| forbid(file));
    env.sql("DELETE FROM threads WHERE id < '20260702'");
    check("permissions", &env);
}

#[test]
fn the_folder_of_sessions_is_gone() {
    let env = sound();
    fs::rename(env.home().join("sessions"), env.outside("away")).unwrap();
    check("folder-gone", &env);
}

#[test]
fn the_folder_of_sessions_is_an_empty_mount_point() {
    let env = sound();
    fs::rename(env.home().join("sessions"), env.outside("away")).unwrap();
    fs::create_dir(env.home().join("sessions")).unwrap();
    let text = check("folder-empty", &env);
    assert!(!text.contains("prune"), "nothing leads to deleting: {text}");
    env.run(["prune", "--yes"]).trouble("sessions");
}

#[test]
fn some_files_are_gone() {
    let env = sound();
    files(&env).iter().take(8).for_each(|file| fs::remove_file(file).unwrap());
    check("files-gone", &env);
}

#[test]
fn another_database_keeps_codex_from_starting() {
    let env = sound();
    env.write("logs_2.sqlite", "garbage, not a database at all".repeat(200));
    check("sibling-damaged", &env);
}
