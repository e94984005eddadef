//! Runs the recipes of README.md and GUIDE.md as they are printed: each repairs a home that is broken in its way.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::env::{Env, NOW_SECONDS, set_mtime};
use crate::outcome::Outcome;
use crate::rollouts::plain;
use crate::{specimen, wrecks};

/// The commands below one heading.
struct Recipe {
    heading: String,
    /// The console blocks. Each has command lines without their prompt.
    blocks: Vec<Vec<String>>,
    n_run: usize,
}

/// Returns all headings of the two documents that have console blocks, in order.
fn recipes() -> Vec<Recipe> {
    let mut recipes: Vec<Recipe> = Vec::new();
    for document in ["README.md", "GUIDE.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let mut heading = String::new();
        let mut is_console = false;
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("## ") {
                heading = title.to_owned();
            } else if line == "```console" {
                is_console = true;
                if recipes.last().is_none_or(|last| last.heading != heading) {
                    recipes.push(Recipe { heading: heading.clone(), blocks: Vec::new(), n_run: 0 });
                }
                recipes.last_mut().unwrap().blocks.push(Vec::new());
            } else if line.starts_with("```") {
                is_console = false;
            } else if is_console {
                let command = line
                    .strip_prefix("$ ")
                    .unwrap_or_else(|| panic!("{document}: {line:?} is not a command"));
                recipes.last_mut().unwrap().blocks.last_mut().unwrap().push(command.to_owned());
            }
        }
    }
    recipes
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Recipe {
    fn of(heading: &str) -> Recipe {
        recipes().into_iter().find(|recipe| recipe.heading == heading).unwrap()
    }

    /// Runs the next block and returns the outcome of each line.
    #[track_caller]
    fn next(&mut self, env: &Env) -> Vec<Outcome> {
        let block = &self.blocks[self.n_run];
        self.n_run += 1;
        block.iter().map(|line| run(env, line)).collect()
    }

    /// Does the same, and fails unless the lines at `drift` exit 1 and all others 0.
    #[track_caller]
    fn goes(&mut self, env: &Env, drift: &[usize]) -> Vec<Outcome> {
        let outcomes = self.next(env);
        for (index, outcome) in outcomes.iter().enumerate() {
            outcome.status(
                i32::from(drift.contains(&index)),
                format_args!("line {index} of {:?}", self.heading),
            );
        }
        outcomes
    }

    /// Fails unless all blocks were run and the home is in order.
    #[track_caller]
    fn end(self, env: &Env) {
        assert_eq!(self.n_run, self.blocks.len(), "every block of {:?} was run", self.heading);
        env.run(["verify", "--strict", "--ignore", "index_missing"]).status(0, "the home is in order");
    }
}

/// Splits a command into words. Only commands that need no shell are understood.
fn words(env: &Env, command: &str) -> Vec<String> {
    let special = ['>', '<', '&', ';', '"', '\'', '$', '`', '\\', '*', '('];
    assert!(!command.contains(special), "{command:?} needs a shell");
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("codex-state"), "{command:?} is ours");
    words
        .map(|word| match word.strip_prefix("~/") {
            Some(rest) => user_path(env, rest).to_str().unwrap().to_owned(),
            None => word.to_owned(),
        })
        .collect()
}

/// Returns a path below the user's folder, for which `~` stands.
fn user_path(env: &Env, relative: &str) -> PathBuf {
    let mut path = env.home().parent().unwrap().to_owned();
    path.extend(relative.split('/'));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    path
}

/// Runs a line: one command, two commands with a pipe between them, or a command that reads a file.
#[track_caller]
fn run(env: &Env, line: &str) -> Outcome {
    if let Some((command, file)) = line.split_once(" < ") {
        let mut command = env.command(words(env, command));
        command.stdin(Stdio::from(fs::File::open(env.outside("cwd").join(file)).unwrap()));
        return env.finish(command);
    }
    let mut commands = line.split(" | ");
    let mut outcome = env.run(words(env, commands.next().unwrap()));
    for (n, command) in commands.enumerate() {
        outcome.status(0, "what feeds the pipe");
        let pipe = env.outside(&format!("pipe-{n}"));
        fs::write(&pipe, &outcome.stdout).unwrap();
        let mut command = env.command(words(env, command));
        command.stdin(Stdio::from(fs::File::open(&pipe).unwrap()));
        outcome = env.finish(command);
    }
    outcome
}

#[test]
fn each_recipe_has_a_test_and_each_test_a_recipe() {
    let source = include_str!("recipes.rs");
    let recipes = recipes();
    for Recipe { heading, .. } in &recipes {
        let words: Vec<String> = heading
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let test =
            format!("#[test]\nfn {}() {{\n    let mut recipe = Recipe::of({heading:?});", words.join("_"));
        assert!(source.contains(&test), "the recipe {heading:?} has no test that begins\n{test}");
    }
    let tests = source.matches("let mut recipe = Recipe::of(\"").count();
    assert_eq!(
        tests,
        recipes.len(),
        "each test has a recipe: {:?}",
        recipes.iter().map(|recipe| &recipe.heading).collect::<Vec<_>>()
    );
}

/// Returns a filled home with a name that only the database knows.
fn filled() -> Env {
    let env = specimen::filled("empty-2026-08");
    env.sql("UPDATE threads SET name = 'N-' || id");
    env.run(["verify", "--strict", "--ignore", "index_missing"]).status(0, "a home in order");
    env
}

#[test]
fn three_commands() {
    let mut recipe = Recipe::of("Three commands");
    let env = filled();
    env.sql("UPDATE threads SET tokens_used = 7");
    recipe.goes(&env, &[1]);
    recipe.end(&env);
}

#[test]
fn a_deleted_database_comes_back_with_the_commands_of_the_readme() {
    let env = filled();
    let n_threads = env.rows().len();
    fs::remove_file(env.db()).unwrap();
    let outcomes = Recipe::of("Three commands").next(&env);
    let told = |outcome: &Outcome| format!("{}{}", outcome.stdout, outcome.stderr);
    for outcome in &outcomes[..2] {
        outcome.assert(told(outcome).contains("codex-state backfill"), "each names the next command");
    }
    let done = &outcomes[2];
    done.status(0, "it is back").assert(told(done).contains("Codex now shows "), "and says so");
    done.assert(told(done).contains(&format!(" of your {n_threads} threads")), "all threads");
    env.run(["verify"]).status(0, "nothing is left to do");
}

#[test]
fn my_threads_vanished() {
    let mut recipe = Recipe::of("My threads vanished");
    let env = filled();
    let before: BTreeSet<String> = env.rows().into_keys().collect();
    env.sql("DELETE FROM threads WHERE rowid % 2 = 0");
    let outcomes = recipe.goes(&env, &[0]);
    outcomes[0].assert(outcomes[0].stdout.contains("missing_row"), "what is wrong is named");
    outcomes[0].assert(outcomes[0].stderr.contains("codex-state backfill"), "and what repairs it");
    let listed = recipe.goes(&env, &[]);
    let ids = listed[0].stdout.lines().skip(1).map(|line| line.split('\t').next().unwrap().to_owned());
    listed[0].assert_eq(ids.collect(), before, "all are back, those too that Codex hides");
    recipe.end(&env);
}

#[test]
fn codex_hangs_at_rebuilding() {
    let mut recipe = Recipe::of("Codex hangs at \"rebuilding\"");
    let env = filled();
    env.sql(&format!(
        "DELETE FROM threads WHERE rowid > 1;
         UPDATE backfill_state SET status = 'running', updated_at = {}",
        NOW_SECONDS - 60
    ));
    recipe.goes(&env, &[]);
    let state = env.query("SELECT status FROM backfill_state");
    assert_eq!(state[0]["status"], "complete", "the next start does not scan");
    recipe.end(&env);
}

/// Sets the time of every rollout of the home to now.
fn lose_times(env: &Env) {
    for row in env.rows().values() {
        set_mtime(Path::new(row["rollout_path"].as_str().unwrap()), NOW_SECONDS * 1000);
    }
}

#[test]
fn i_restored_a_backup() {
    let mut recipe = Recipe::of("I restored a backup");
    let env = filled();
    let times = |env: &Env| -> Vec<i64> {
        env.rows().values().map(|row| row["updated_at"].as_i64().unwrap()).collect()
    };
    let before = times(&env);
    let backup = user_path(&env, "backup/state_5.sqlite");
    env.run(["backup", backup.to_str().unwrap()]).status(0, "a backup from better days");
    lose_times(&env);
    env.sql("DELETE FROM threads");
    recipe.goes(&env, &[]);
    let near = |after: &[i64]| before.iter().zip(after).all(|(a, b)| (a - b).abs() <= 1);
    assert!(near(&times(&env)), "the times are those of the conversations: {before:?}, {:?}", times(&env));

    env.sql("DELETE FROM threads");
    plain("2026-03-20T10:00:00", "newer than the backup").write(&env);
    lose_times(&env);
    recipe.goes(&env, &[]);
    let rows = env.rows();
    assert_eq!(rows.len(), before.len() + 1, "the rows of the backup and what came after it");
    assert_eq!(rows.values().filter(|row| !row["name"].is_null()).count(), before.len(), "with their names");
    recipe.end(&env);
}

#[test]
fn i_moved_my_home() {
    let mut recipe = Recipe::of("I moved my home");
    let env = filled();
    let home = env.home().to_str().unwrap().replace('\'', "''");
    env.sql(&format!(
        "UPDATE threads SET rollout_path = '/home/before/.codex' || substr(rollout_path, length('{home}') + 1)"
    ));
    let names = |env: &Env| env.rows().into_values().map(|row| row["name"].clone()).collect::<Vec<_>>();
    let before = names(&env);
    let outcomes = recipe.goes(&env, &[0]);
    outcomes[0].assert(outcomes[0].stdout.contains("moved_home"), "it is one finding");
    assert_eq!(names(&env), before, "what only the database knows is still there");
    recipe.end(&env);
}

#[test]
fn my_project_moved() {
    let mut recipe = Recipe::of("My project moved");
    let env = Env::new();
    env.database("empty-2026-08");
    let (old, new) = (user_path(&env, "old/canal"), user_path(&env, "work/canal"));
    for (n, folder) in [old.clone(), old.join("locks"), old.with_file_name("canals")].iter().enumerate() {
        let thread = plain(&format!("2026-03-0{}T10:00:00", n + 1), "words");
        thread.meta(|meta| meta.cwd(folder.to_str().unwrap())).write(&env);
    }
    env.run(["backfill"]).status(0, "in the old place");
    fs::create_dir_all(new.join("locks")).unwrap();
    let outcomes = recipe.goes(&env, &[]);
    outcomes[0].assert_eq(outcomes[0].stdout.lines().count(), 3, "the preview lists two threads");
    env.run(["backfill"]).status(0, "a later backfill");
    let folders: Vec<String> =
        env.rows().into_values().map(|row| row["cwd"].as_str().unwrap().to_owned()).collect();
    let expected = [new.clone(), new.join("locks"), old.with_file_name("canals")];
    assert_eq!(folders, expected.map(|path| path.to_str().unwrap().to_owned()));
    recipe.end(&env);
}

#[test]
fn a_new_machine() {
    let mut recipe = Recipe::of("A new machine");
    let env = Env::new();
    env.database("empty-2026-08");
    let thread = plain("2026-03-01T10:00:00", "words").meta(|meta| meta.cwd("/home/before/projects/canal"));
    thread.write(&env);
    env.run(["backfill"]).status(0, "the old machine");
    env.sql("UPDATE threads SET name = 'Canal', is_pinned = 1");
    let before = env.row(thread.thread());
    user_path(&env, "move/x");
    recipe.goes(&env, &[]);
    fs::remove_file(env.db()).unwrap();
    recipe.goes(&env, &[]);
    let new = user_path(&env, "projects/canal");
    fs::create_dir_all(&new).unwrap();
    recipe.goes(&env, &[]);
    let row = env.row(thread.thread());
    assert_eq!(row["cwd"].as_str(), new.to_str());
    for column in ["name", "is_pinned", "title", "created_at"] {
        assert_eq!(row[column], before[column], "{column}");
    }
    let state = env.query("SELECT status FROM backfill_state");
    assert_eq!(state[0]["status"], "complete", "Codex starts at once");
    recipe.end(&env);
}

#[test]
fn two_homes_into_one() {
    let mut recipe = Recipe::of("Two homes into one");
    let env = filled();
    let before = env.rows().len();
    let other = Env::new();
    other.database("empty-2026-08");
    let thread = plain("2026-04-01T10:00:00", "from the other home");
    let file = thread.write(&other);
    other.run(["backfill"]).status(0, "the other home");
    other.sql("UPDATE threads SET name = 'Other'");
    fs::write(user_path(&env, "second/state_5.sqlite"), fs::read(other.db()).unwrap()).unwrap();
    env.write(&thread.relative(), fs::read(file).unwrap());
    recipe.goes(&env, &[]);
    assert_eq!(env.rows().len(), before + 1);
    assert_eq!(env.row(thread.thread())["name"], "Other");
    let index = fs::read_to_string(env.home().join("session_index.jsonl")).unwrap();
    assert!(index.contains("\"thread_name\":\"Other\""), "{index}");
    recipe.end(&env);
}

#[test]
fn two_databases() {
    let mut recipe = Recipe::of("Two databases");
    let env = filled();
    let app = env.write("sqlite/state_5.sqlite", fs::read(env.db()).unwrap());
    env.sql("UPDATE threads SET name = NULL WHERE rowid % 2 = 0; DELETE FROM threads WHERE rowid = 1");
    let connection = rusqlite::Connection::open(&app).unwrap();
    connection.execute("UPDATE threads SET name = NULL WHERE rowid % 2 = 1 AND rowid <> 1", []).unwrap();
    connection.close().unwrap();
    recipe.goes(&env, &[]);
    for database in [&env.db(), &app] {
        let rows = crate::table::threads(database);
        let unnamed: Vec<_> = rows.values().filter(|row| row["name"].is_null()).collect();
        assert!(unnamed.is_empty(), "{} has all names: {unnamed:?}", database.display());
        env.run(["--db", database.to_str().unwrap(), "verify"]).status(0, "both are in order");
    }
    recipe.end(&env);
}

#[test]
fn a_damaged_database() {
    let mut recipe = Recipe::of("A damaged database");
    for kind in ["page", "ledger", "level 59", "garbage", "none"] {
        recipe.n_run = 0;
        let env = filled();
        let before = env.rows().len();
        match kind {
            "page" => wrecks::tear_leaves(&env.db(), "thread_spawn_edges", 1),
            "ledger" => env.sql("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 3"),
            "level 59" => {
                env.database("reconstructed-2026-10");
                env.run(["backfill"]).status(0, "filled");
                env.sql(
                    "UPDATE threads SET name = 'n', daybreak_enabled = 1;
                     INSERT INTO thread_attachments SELECT id, id, 'file', 'k', '{}', 9 FROM threads;",
                );
                wrecks::tear_leaves(&env.db(), "idx_threads_source", 1);
            }
            "garbage" => fs::write(env.db(), "no database at all").unwrap(),
            _ => fs::remove_file(env.db()).unwrap(),
        }
        let outcomes = recipe.next(&env);
        outcomes[0].assert(outcomes[0].code != Some(0), format_args!("{kind} is found out"));
        recipe.goes(&env, &[]);
        let rows = env.rows();
        assert_eq!(rows.len(), before, "{kind}");
        if ["page", "ledger", "level 59"].contains(&kind) {
            assert!(rows.values().all(|row| !row["name"].is_null()), "{kind}: with the names of the old one");
        }
        if kind == "level 59" {
            assert!(rows.values().all(|row| row["daybreak_enabled"] == 1));
            assert_eq!(env.query("SELECT * FROM thread_attachments").len(), before);
        }
        if kind == "none" {
            return recipe.end(&env);
        }
    }
}

#[test]
fn check_in_ci() {
    let mut recipe = Recipe::of("Check in CI");
    let env = filled();
    env.sql("UPDATE threads SET name = NULL; DELETE FROM threads WHERE rowid = 1");
    let outcomes = recipe.goes(&env, &[0]);
    outcomes[0].assert(outcomes[0].stdout.contains("::error"), "an annotation");
    let report = fs::read_to_string(env.outside("cwd/codex-state.xml")).unwrap();
    assert!(report.contains("<failure"), "a test case fails: {report}");
    env.run(["backfill"]).status(0, "it is repaired");
    recipe.n_run = 0;
    recipe.goes(&env, &[]);
    recipe.end(&env);
}

#[test]
fn cron_with_metrics() {
    let mut recipe = Recipe::of("Cron with metrics");
    let env = filled();
    env.sql("DELETE FROM threads WHERE rowid = 1");
    user_path(&env, "metrics/x");
    let outcomes = recipe.goes(&env, &[]);
    outcomes[0].assert(outcomes[0].stderr.is_empty(), "no mail");
    let metrics = |name: &str| fs::read_to_string(user_path(&env, &format!("metrics/{name}"))).unwrap();
    let backfill = metrics("codex_state_backfill.prom");
    assert!(backfill.contains("codex_db_backfill_total{status=\"upserted\"} 1\n"), "{backfill}");
    let verify = metrics("codex_state_verify.prom");
    assert!(verify.contains("codex_db_discrepancy_total{reason=\"missing_row\"} 0\n"), "{verify}");
    recipe.end(&env);
}

#[test]
fn archive_everything_older_than_90_days() {
    let mut recipe = Recipe::of("Archive everything older than 90 days");
    let env = Env::new();
    env.database("empty-2026-08");
    for start in ["2026-03-14T10:00:00", "2026-05-14T10:00:00", "2026-08-14T10:00:00"] {
        plain(start, "words").write(&env);
    }
    env.run(["backfill"]).status(0, "three threads, two of them old");
    let outcomes = recipe.goes(&env, &[]);
    outcomes[0].assert(outcomes[0].stdout.contains("archived_sessions"), "the preview says where to");
    let archived = env.run(["list", "--archived", "--ids"]);
    archived.assert_eq(archived.stdout.lines().count(), 2, "the old ones are archived");
    plain("2026-03-20T10:00:00", "archived by hand before").archived().write(&env);
    env.run(["backfill"]).status(0, "another thread of the archive");
    recipe.goes(&env, &[]);
    let archived = env.run(["list", "--archived", "--ids"]);
    archived.assert_eq(archived.stdout.lines().count(), 1, "the same two are back, and no other");
    recipe.end(&env);
}

#[test]
fn the_sample_home_works_as_the_readme_says() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let lines: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("    cargo run -q -- ")).collect();
    assert!(lines.len() >= 2, "backfill and list: {lines:?}");
    let env = Env::new();
    let clone = env.outside("clone/target").parent().unwrap().to_owned();
    fs::create_dir(clone.join("target")).unwrap();
    let sample = root().join("examples/sample-home");
    for entry in walkdir::WalkDir::new(&sample) {
        let entry = entry.unwrap();
        let target = clone.join("examples/sample-home").join(entry.path().strip_prefix(&sample).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
    for line in lines {
        let mut command = env.command(line.split(' '));
        command.current_dir(&clone);
        let outcome = env.finish(command);
        outcome.status(0, "a first try");
        outcome.assert(
            !outcome.stdout.is_empty() && !outcome.stderr.contains("warning"),
            "nothing to wonder about",
        );
    }
    let mut command = env.command([
        "--codex-home",
        "examples/sample-home",
        "--sqlite-home",
        "target",
        "verify",
        "--deep",
        "--strict",
    ]);
    command.current_dir(&clone);
    env.finish(command).status(0, "the sample home is clean");
    assert!(
        walkdir::WalkDir::new(clone.join("examples"))
            .into_iter()
            .all(|entry| { !entry.unwrap().path().to_str().unwrap().contains("sqlite") }),
        "the database lies outside of the sample home"
    );
}
