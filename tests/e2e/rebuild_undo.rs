//! A rebuild that is undone, interrupted, or finds the log of another database in its way; and the hints that lead to it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::env::Env;
use crate::golden;
use crate::outcome::Outcome;
use crate::specimen;
use crate::table;
use crate::wrecks;

/// Runs the command that the last line names, in a shell, as it is pasted.
#[track_caller]
fn paste(env: &Env, outcome: &Outcome) -> Outcome {
    let last = outcome.stderr.lines().last().unwrap();
    let command = last.split("codex-state ").nth(1).unwrap().strip_suffix(" undoes it").unwrap();
    let words = split(command);
    env.run(words)
}

/// The words of a command as the system's shell reads them; quotes are the only thing that is special.
fn split(command: &str) -> Vec<String> {
    let quote = if cfg!(windows) { '"' } else { '\'' };
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for c in command.chars() {
        match c {
            _ if c == quote => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    words.push(word);
    words
}

#[test]
fn the_last_line_undoes_it_in_whatever_place_the_database_is() {
    for damage in ["page", "ledger", "garbage"] {
        let env = specimen::filled("empty-2026-08");
        env.sql("UPDATE threads SET name = 'N' || rowid");
        let folder = env.outside("with a space");
        fs::create_dir(&folder).unwrap();
        let database = folder.join("state_5.sqlite");
        fs::rename(env.db(), &database).unwrap();
        match damage {
            "page" => wrecks::tear(&database),
            "garbage" => fs::write(&database, "garbage").unwrap(),
            _ => {
                let connection = rusqlite::Connection::open(&database).unwrap();
                connection
                    .execute("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 3", [])
                    .unwrap();
            }
        }
        let before = fs::read(&database).unwrap();
        let outcome = env.run(["--db", database.to_str().unwrap(), "rebuild"]);
        outcome.status(0, damage);
        table::assert_sound(&database, damage);
        let rebuilt = table::threads(&database);
        let undone = paste(&env, &outcome);
        undone.status(0, format_args!("{damage}: undone"));
        assert_eq!(fs::read(&database).unwrap(), before, "{damage}: to the byte");
        paste(&env, &undone).status(0, format_args!("{damage}: and that undone, too"));
        assert_eq!(table::threads(&database), rebuilt, "{damage}");
    }
}

#[test]
fn a_database_of_phase_1_gets_its_name_back() {
    let env = Env::golden("empty-2026-01");
    env.run(["backfill"]).status(1, "three files cannot be read");
    let (old, before) = (env.db(), fs::read(env.db()).unwrap());
    let outcome = env.run(["rebuild", "--force"]);
    outcome.status(1, "three files cannot be read");
    assert!(!old.exists() && env.home().join("state_5.sqlite").exists());
    paste(&env, &outcome).status(0, "undone");
    assert_eq!(fs::read(&old).unwrap(), before);
    assert!(!env.home().join("state_5.sqlite").exists());
}

#[test]
fn the_log_of_a_lost_database_never_meets_a_new_one() {
    for command in ["rebuild", "backfill"] {
        let env = specimen::filled("empty-2026-08");
        let rows = env.rows();
        // A database with everything in its log is lost, and the log stays.
        env.sql("PRAGMA journal_mode = wal");
        let holder = crate::holder::Holder::new(
            &env.db(),
            "PRAGMA wal_autocheckpoint = 0; UPDATE threads SET title = 'from the log', name = 'from the log'",
        );
        let log = env.home().join("state_5.sqlite-wal");
        let bytes = fs::read(&log).unwrap();
        drop(holder);
        fs::write(&log, &bytes).unwrap();
        fs::remove_file(env.db()).unwrap();
        let outcome = env.run([command]);
        outcome.status(0, command);
        table::assert_sound(&env.db(), command);
        assert!(table::difference(&rows, &env.rows()).is_empty(), "{command}: nothing came from the log");
        let folder = env.home().join("codex-state-backups");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let kept: Vec<PathBuf> = files.filter(|path| path.to_str().unwrap().contains("replaced-")).collect();
        assert_eq!(kept.len(), 1, "{command}: {kept:?}");
        assert_eq!(fs::read(&kept[0]).unwrap(), bytes, "{command}: the log is kept");
        outcome.assert(outcome.stderr.contains(kept[0].to_str().unwrap()), "and it is said where");
    }
}

/// The run waits for a lock that the test holds until the run has ended.
#[cfg(unix)]
#[test]
fn interrupted_it_exits_130_and_nothing_has_changed() {
    use std::process::Stdio;
    use std::thread::sleep;
    use std::time::{Duration, Instant};
    let env = specimen::filled("empty-2026-08");
    env.sql("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 3");
    let before = env.tree();
    let holder = crate::holder::Holder::new(&env.db(), "BEGIN IMMEDIATE");
    let mut command = env.command(["--busy-timeout", "60", "rebuild"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    sleep(Duration::from_millis(700));
    let signal = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(signal.unwrap().success());
    let begun = Instant::now();
    let output = child.wait_with_output().unwrap();
    let waited = begun.elapsed();
    holder.release();
    let outcome = Outcome::new(&env.outside(""), &command, output);
    outcome.status(130, "interrupted");
    outcome.assert(waited < Duration::from_secs(20), "it does not wait for the lock any longer");
    outcome.assert(outcome.stderr.contains("interrupted before anything was replaced"), "it says so");
    // Two connections were open at once, and the first to go left these to the other.
    let difference = before.difference(&env.tree().without(&["-wal", "-shm"]));
    outcome.assert(difference.is_empty(), difference);
}

/// Makes a backup that is the only one.
fn backup(env: &Env) -> PathBuf {
    let _ = fs::remove_dir_all(env.home().join("codex-state-backups"));
    env.run(["backup"]).status(0, "a sound backup");
    let folder = fs::read_dir(env.home().join("codex-state-backups")).unwrap();
    folder.map(|entry| entry.unwrap().path()).find(|path| is_by_hand(path)).unwrap()
}

fn is_by_hand(path: &Path) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with("backup-")
}

#[test]
fn every_hint_about_a_broken_database_leads_here_and_names_the_newest_backup() {
    for damage in ["page", "garbage", "empty"] {
        let env = specimen::filled("empty-2026-08");
        let kept = backup(&env);
        match damage {
            "page" => wrecks::tear(&env.db()),
            "garbage" => fs::write(env.db(), "garbage, no database").unwrap(),
            _ => fs::write(env.db(), "").unwrap(),
        }
        for command in
            [&["backfill"][..], &["list"], &["verify"], &["show", specimen::LEGACY], &["prune", "--yes"]]
        {
            let outcome = env.run(command);
            outcome.status(2, damage);
            outcome.assert(outcome.stderr.contains("codex-state rebuild"), "leads to rebuild");
            let restore =
                format!("codex-state restore {} brings back the newest sound backup", kept.display());
            outcome.assert(outcome.stderr.contains(&restore), "and names the newest backup");
        }
        let second = env.outside("second.sqlite");
        fs::copy(&kept, &second).unwrap();
        fs::write(&kept, "garbage").unwrap();
        let outcome = env.run(["list"]);
        outcome
            .assert(!outcome.stderr.contains("codex-state restore"), "a backup that is broken is not named");
    }
}

#[test]
fn verify_leads_from_a_damaged_page_and_a_foreign_ledger_to_rebuild() {
    let env = specimen::filled("empty-2026-08");
    let kept = backup(&env);
    wrecks::tear_leaves(&env.db(), "idx_threads_source", 1);
    let outcome = env.run(["verify", "--deep"]);
    outcome.status(1, "database_damaged");
    outcome.assert(
        outcome.stderr.contains("codex-state rebuild: it repairs database_damaged"),
        "what repairs it",
    );
    outcome.assert(outcome.stderr.contains(kept.to_str().unwrap()), "and the backup");
    env.run(["rebuild"]).status(0, "repaired");
    env.run(["verify", "--deep"]).status(0, "in order");
    for (sql, schemas) in [
        ("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 3", &golden::SCHEMAS[..3]),
        ("UPDATE _sqlx_migrations SET success = 0 WHERE version = 3", &golden::SCHEMAS[..3]),
    ] {
        for schema in schemas {
            let env = specimen::filled(schema);
            env.sql(sql);
            let outcome = env.run(["verify"]);
            outcome.status(1, "ledger_mismatch");
            let repairs = "codex-state rebuild: it repairs ledger_mismatch";
            outcome.assert(outcome.stderr.contains(repairs), "what repairs it");
            let rebuilt = env.run(["rebuild"]);
            rebuilt.assert(rebuilt.code.is_some_and(|code| code < 2), format_args!("{schema}: {sql}"));
            env.run(["verify"]).status(0, format_args!("{schema}: in order"));
        }
    }
}
