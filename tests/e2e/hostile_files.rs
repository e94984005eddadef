//! Tests files in a home that are not what they should be: pipes, links, endless files, rows that name other places.

use std::fs;
use std::time::{Duration, Instant};

use crate::env::Env;
use crate::golden;
use crate::rollouts::plain;

/// A time longer than any of these commands takes, and shorter than one that blocks.
const SOON: Duration = Duration::from_secs(20);

/// Returns a home with one thread, and the thread's id.
fn one_thread() -> (Env, String) {
    let env = Env::new();
    env.database("empty-2026-08");
    plain("2026-03-14T10:00:00", "words").write(&env);
    env.run(["backfill"]).status(0, "one thread");
    (env, "20260314-1000-7000-8000-000000000000".to_owned())
}

#[test]
fn a_relative_path_in_a_row_is_one_below_the_home_wherever_the_program_is_run() {
    let (env, id) = one_thread();
    let real = env.row(&id)["rollout_path"].as_str().unwrap().to_owned();
    let relative = real.strip_prefix(env.home().to_str().unwrap()).unwrap()[1..].to_owned();
    env.sql(&format!("UPDATE threads SET rollout_path = '{relative}'"));
    let path = env.run(["path", &id]);
    path.assert_eq(path.stdout.trim_end(), &*real, "below the home");
    env.run(["verify"]).status(1, "Codex would look below its current folder");
    env.run(["prune", "--yes", "--all-missing"]).finished();
    env.run(["backfill"]).status(0, "the row is repaired");
    assert_eq!(env.row(&id)["rollout_path"], real);

    let outside = env.outside("cwd/outside.jsonl");
    fs::write(&outside, "x").unwrap();
    for escape in ["outside.jsonl", "../outside.jsonl", "../../cwd/outside.jsonl", "../../../etc/passwd"] {
        env.sql(&format!("UPDATE threads SET rollout_path = '{escape}'"));
        let path = env.run(["path", &id]);
        path.assert_eq(path.stdout.trim_end(), &*real, escape);
        let verify = env.run(["verify"]);
        verify.status(1, escape);
        verify.assert(!verify.stdout.contains("outside_home"), "no file outside is looked at");
    }
    fs::remove_file(&real).unwrap();
    for escape in ["outside.jsonl", "../../../etc/passwd"] {
        env.sql(&format!("UPDATE threads SET rollout_path = '{escape}'"));
        env.run(["path", &id]).status(1, escape);
        let verify = env.run(["verify"]);
        verify.assert(verify.stdout.contains("missing_file"), escape);
    }
}

#[test]
fn a_rollout_is_never_a_databases_place() {
    let env = golden::filled_by_codex();
    let backup = env.outside("backup.sqlite");
    env.run(["backup", backup.to_str().unwrap()]).status(0, "a backup");
    let rollout = env.row(&golden::case("plain").thread)["rollout_path"].as_str().unwrap().to_owned();
    let renamed = env.write("sessions/conversation.txt", fs::read(&rollout).unwrap());
    let config = env.write("config.toml", "");
    let before = env.tree();
    for place in [&*rollout, renamed.to_str().unwrap(), config.to_str().unwrap()] {
        for command in [&["restore", backup.to_str().unwrap(), "--no-backup"][..], &["list"], &["backfill"]] {
            if place == renamed.to_str().unwrap() && command[0] != "restore" {
                continue;
            }
            let outcome = env.run([&["--db", place], command].concat());
            outcome.status(2, "it is not a database");
            outcome.assert_eq(before.difference(&env.tree()), String::new(), "nothing changed");
            outcome.assert(!outcome.stderr.contains("restore BACKUP"), "nothing proposes it");
        }
    }
}

#[test]
fn a_configuration_without_end_is_left_out() {
    let (env, id) = one_thread();
    let file = fs::File::create(env.home().join("config.toml")).unwrap();
    file.set_len(700 << 20).unwrap();
    let outcome = env.run(["verify"]);
    outcome.status(0, "without it");
    outcome.assert(outcome.stderr.contains("is longer than 1024 KiB"), "it is named");
    env.run(["show", &id]).status(0, "without it");
}

#[test]
fn of_an_index_without_end_the_last_names_are_read() {
    let (env, id) = one_thread();
    let line = format!("{{\"id\":\"{id}\",\"thread_name\":\"the last name\"}}\n");
    let path = env.write("session_index.jsonl", "");
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(100 << 30).unwrap();
    let mut file = file;
    std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
    std::io::Write::write_all(&mut file, format!("\n{line}").as_bytes()).unwrap();
    env.sql("DELETE FROM threads");
    let begin = Instant::now();
    let outcome = env.run(["backfill"]);
    outcome.status(0, "the index is only a help");
    outcome.assert(outcome.stderr.contains("session_index.jsonl: too long"), "it is named");
    outcome.assert_eq(env.row(&id)["title"].as_str(), Some("the last name"), "the end of it counts");
    assert!(begin.elapsed() < SOON);
}

#[test]
fn blank_lines_without_end_cost_no_more_than_other_bytes() {
    let env = Env::new();
    env.database("empty-2026-08");
    let path = plain("2026-03-14T10:00:00", "words").write(&env);
    let mut text = vec![b'\n'; 64 << 20];
    text.extend_from_slice(&fs::read(&path).unwrap());
    fs::write(path.with_extension("jsonl.zst"), zstd::encode_all(&*text, 3).unwrap()).unwrap();
    fs::remove_file(path).unwrap();
    let begin = Instant::now();
    env.run(["backfill"]).status(0, "it holds a thread");
    assert!(begin.elapsed() < SOON);
    let verify = env.run(["verify", "--deep", "--format", "json"]);
    verify.status(0, "blank lines are no damage");
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::path::Path;
    use std::process::{Child, Command, ExitStatus, Stdio};

    fn pipe(path: &Path) {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn a_pipe_beside_the_database_is_not_waited_at() {
        for suffix in ["-journal", "-wal", "-shm"] {
            let (env, id) = one_thread();
            pipe(Path::new(&format!("{}{suffix}", env.db().display())));
            let begin = Instant::now();
            for command in
                [&["list"][..], &["show", &id], &["verify"], &["backfill"], &["archive", &id], &["backup"]]
            {
                let outcome = env.run(command);
                outcome.status(2, "SQLite would wait there");
                outcome.assert(outcome.stderr.contains(&format!("{suffix}: ")), "it is named");
            }
            assert!(begin.elapsed() < SOON);
        }
    }

    #[test]
    fn pipes_in_the_place_of_other_files_are_passed_over() {
        let (env, id) = one_thread();
        pipe(&env.home().join("config.toml"));
        pipe(&env.home().join("session_index.jsonl"));
        pipe(
            &env.home()
                .join("sessions/rollout-2026-03-14T10-00-00-20260314-1001-7000-8000-000000000000.jsonl"),
        );
        fs::create_dir(env.home().join("thread-writer-locks")).unwrap();
        pipe(&env.home().join("thread-writer-locks/.coordination.lock"));
        let begin = Instant::now();
        for command in [&["verify"][..], &["backfill"], &["list"], &["status"], &["archive", &id]] {
            env.run(command).finished();
        }
        assert!(begin.elapsed() < SOON);
    }

    #[test]
    fn backups_are_kept_behind_a_link_and_not_said_to_be_missing_where_they_cannot_be_seen() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let (env, _) = one_thread();
        let folder = env.home().join("codex-state-backups");
        let _ = fs::remove_dir_all(&folder);
        let elsewhere = env.outside("disk/backups/x").parent().unwrap().to_owned();
        symlink(&elsewhere, &folder).unwrap();
        env.run(["backup"]).status(0, "behind the link");
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 1);
        assert!(env.run(["status"]).stdout.contains("backups:       1, "));

        fs::rename(&elsewhere, env.outside("disk/unplugged")).unwrap();
        let outcome = env.run(["backup"]);
        outcome.status(2, "the link leads nowhere");
        outcome.assert(outcome.stderr.contains("a link to a folder that does not exist"), "it says so");
        let status = env.run(["status"]);
        status.assert(status.stdout.contains("backups:       unknown"), "there may be some");
        status.assert(status.stderr.contains("backups cannot be listed"), "it says why");

        fs::rename(env.outside("disk/unplugged"), &elsewhere).unwrap();
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o000)).unwrap();
        env.obey_permissions();
        let status = env.run(["status"]);
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o700)).unwrap();
        status.assert(status.stdout.contains("backups:       unknown"), "there may be some");

        let outcome = env.run(["backup", env.outside("none").join("x.sqlite").to_str().unwrap()]);
        outcome.status(2, "the folder is gone");
        outcome.assert(outcome.stderr.contains("hint: name a file in a folder that exists"), "what to do");
    }

    #[test]
    fn a_linked_configuration_is_read() {
        let (env, _) = one_thread();
        fs::write(env.outside("dotfiles/config.toml"), "sqlite_home = 'db'\n").unwrap();
        std::os::unix::fs::symlink(env.outside("dotfiles/config.toml"), env.home().join("config.toml"))
            .unwrap();
        env.run(["list"]).status(2, "there is no database in the folder that it names");
    }

    #[test]
    fn the_first_interrupt_is_seen_within_a_line_without_end() {
        let (env, _) = one_thread();
        let endless =
            "sessions/2026/03/14/rollout-2026-03-14T10-00-01-20260314-1000-7001-8000-000000000000.jsonl";
        let file = fs::File::create(env.home().join(endless)).unwrap();
        file.set_len(4 << 40).unwrap();
        for command in
            [&["verify"][..], &["backfill"], &["verify", "--deep"], &["backfill", "20260314-1000-7001"]]
        {
            let mut child = env.command(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(700));
            assert!(child.try_wait().unwrap().is_none(), "{command:?} still reads");
            let (status, took) = interrupt(child);
            assert_eq!(status.code(), Some(130), "{command:?}");
            assert!(took < Duration::from_secs(3), "{command:?}");
        }
    }

    /// Returns true if programs that a test starts end at SIGINT. A program in the background of a script ignores it.
    fn obeys_interrupts() -> bool {
        let mut sleep = Command::new("sleep").arg("2").spawn().unwrap();
        assert!(Command::new("kill").args(["-INT", &sleep.id().to_string()]).status().unwrap().success());
        let obeys = !sleep.wait().unwrap().success();
        if !obeys {
            println!("skipped: SIGINT is ignored here");
        }
        obeys
    }

    /// Interrupts a program once. Returns how it ended, and how long it ran after that.
    fn interrupt(mut child: Child) -> (ExitStatus, Duration) {
        let begin = Instant::now();
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        (child.wait().unwrap(), begin.elapsed())
    }

    #[test]
    fn the_first_interrupt_is_seen_although_no_program_reads_the_output() {
        if !obeys_interrupts() {
            return;
        }
        let (env, _) = one_thread();
        env.sql("UPDATE threads SET title = printf('%.*c', 300000, 'x'), model_provider = printf('%.*c', 300000, 'y')");
        for command in [&["list"][..], &["list", "--format", "json"], &["verify", "--format", "json"]] {
            // The pipe stays open and nothing reads it.
            let stuck = env.command(command).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(500));
            let (status, took) = interrupt(stuck);
            // A listing that is short does not catch the signal; for a shell that is 130 as well.
            let signal = std::os::unix::process::ExitStatusExt::signal(&status);
            assert!(status.code() == Some(130) || signal == Some(2), "{command:?}: {status:?}");
            assert!(took < SOON, "{command:?}: {took:?}");
        }
    }

    #[test]
    fn the_first_interrupt_is_seen_within_a_statement_that_takes_long() {
        let (env, _) = one_thread();
        env.sql(
            "CREATE TABLE filler (x TEXT);
             INSERT INTO filler WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
             SELECT printf('%08d%0100d', i, i) FROM n; CREATE INDEX filler_x ON filler (x)",
        );
        let backups = || fs::read_dir(env.home().join("codex-state-backups")).map_or(0, Iterator::count);
        for command in [&["verify", "--deep"][..], &["backup"]] {
            let before = backups();
            let slow = env.command(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(150));
            let (status, took) = interrupt(slow);
            // On a very fast machine it was done before.
            assert!(status.code() == Some(130) || status.success(), "{command:?}: {status:?}");
            assert!(took < SOON, "{command:?}: {took:?}");
            assert!(status.success() || backups() == before, "no half a backup stays");
        }
    }
}
