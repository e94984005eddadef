//! Runs the lines of the guide and the README with jq, fzf, xargs, rg and sqlite3 as they are printed, if these programs
//! are installed.

#![cfg(unix)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::env::{Env, NOW_SECONDS, set_mtime};
use crate::specimen;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Returns the lines of the table below the heading, and the line of the README that uses rg.
fn lines() -> Vec<String> {
    let readme = read("README.md");
    let search = readme.split('`').find(|code| code.contains("rg -")).unwrap().replace("invoice", "words");
    let text = read("GUIDE.md");
    let (_, section) = text.split_once("\n## With other programs\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_suffix("` |")?.split_once(" | `"));
    cells.map(|(_, line)| line.replace(r"\|", "|")).chain([search]).collect()
}

/// Returns the programs of a line that are not installed.
fn missing(line: &str) -> Vec<&'static str> {
    let is_missing = |program: &&str| {
        let uses = line.split([' ', '(']).any(|word| word == *program);
        uses && Command::new(program).arg("--version").output().is_err()
    };
    ["jq", "fzf", "rg", "sqlite3"].into_iter().filter(is_missing).collect()
}

/// Returns true if the program is installed; if not, says that a test is skipped.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        // The test harness captures `eprintln`.
        let _ = writeln!(std::io::stderr(), "skipped: {program} is not installed");
    }
    found
}

#[test]
fn the_script_of_the_guide_tells_the_exit_statuses_apart() {
    let guide = read("GUIDE.md");
    let (_, script) = guide.split_once("```sh\n").unwrap();
    let (script, _) = script.split_once("```").unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_codex-state"));
    let run = |env: &Env| {
        let folder = program.parent().unwrap().to_str().unwrap();
        env.shell(&format!("cd ~; PATH={folder}:$PATH\n{script}"), [""])
    };
    let env = home();
    if has("jq") {
        let drift = run(&env);
        drift.status(0, "they differ, and the script says how");
        drift.assert_eq(&*drift.stdout, "field_mismatch: 1\n", "each kind with its number");
    }
    env.run(["backfill"]).status(0, "repaired");
    let agree = run(&env);
    agree.status(0, "they agree").assert_eq(
        &*agree.stdout,
        "files and index agree\n",
        "and the script says so",
    );
    fs::remove_file(env.db()).unwrap();
    let trouble = run(&env);
    trouble.status(2, "no database").assert(trouble.stderr.contains("the check could not run"), "and why");
}

/// Fails if the guide uses something of a Unix shell that its section about Windows does not translate.
#[test]
fn what_belongs_to_a_unix_shell_is_translated_for_powershell() {
    let guide = read("GUIDE.md");
    let (before, rest) = guide.split_once("\n## On Windows\n").unwrap();
    let (windows, _) = rest.split_once("\n## ").unwrap();
    for shell in ["`~/", "export ", " - < ", " > ", "$?", "cp -Rn", "crontab"] {
        let used = before.contains(shell.trim_start_matches('`'));
        assert!(used && windows.contains(shell), "{shell}: in the guide, and in its section about Windows");
    }
}

#[test]
fn each_line_does_something_on_a_home() {
    let lines = lines();
    assert!(lines.len() >= 7, "the table of the guide: {lines:?}");
    for line in lines {
        let missing = missing(&line);
        if !missing.is_empty() {
            let _ = writeln!(std::io::stderr(), "skipped: {} is not installed: {line}", missing.join(", "));
            continue;
        }
        let env = home();
        let copies = env.home().parent().unwrap().join("copies");
        fs::create_dir(&copies).unwrap();
        let program = env!("CARGO_BIN_EXE_codex-state");
        let folder = Path::new(program).parent().unwrap().to_str().unwrap();
        // fzf needs a terminal; with a filter it takes the best match instead.
        let setting = "export FZF_DEFAULT_OPTS='--filter=legacy' PWD=/project";
        let outcome = env.shell(&format!("PATH={folder}:$PATH; {setting}\n{line}"), [""]);
        outcome.status(0, &line);
        let is_copy = line.contains("~/copies/");
        outcome
            .assert(is_copy || !outcome.stdout.trim().is_empty(), format_args!("{line}: prints something"));
        outcome
            .assert(!is_copy || fs::read_dir(&copies).unwrap().count() > 0, format_args!("{line}: copies"));
        outcome.assert(!outcome.stderr.contains("codex-state: error"), &line);
    }
}

/// Returns a home whose threads began this week, and in which one row is wrong.
fn home() -> Env {
    let env = specimen::filled("empty-2026-08");
    for row in env.rows().values() {
        set_mtime(Path::new(row["rollout_path"].as_str().unwrap()), (NOW_SECONDS - 60) * 1000);
    }
    env.run(["backfill", "--times", "mtime"]).status(0, "of this week");
    env.sql("UPDATE threads SET tokens_used = 7 WHERE rowid = 1; UPDATE threads SET cwd = '/project'");
    env
}
