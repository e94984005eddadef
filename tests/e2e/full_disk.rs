//! Tests a full disk: the database may not grow, and SQLite says that itself; or standard output is full.

#[cfg(feature = "fault-points")]
use crate::env::Env;

/// Returns a home with a row that needs an update, a rollout without a row, and more than a page of text to write.
#[cfg(feature = "fault-points")]
fn home() -> Env {
    let env = Env::new();
    env.database("empty-2026-08");
    for day in 10..30 {
        let words = format!("words of day {day}, {}", "many of them ".repeat(200));
        crate::rollouts::plain(&format!("2026-03-{day}T10:00:00"), &words).write(&env);
    }
    env
}

#[cfg(feature = "fault-points")]
fn fingerprint(env: &Env) -> Vec<(String, Vec<u8>)> {
    let files = walkdir::WalkDir::new(env.home().join("sessions")).sort_by_file_name();
    let files = files.into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    files.map(|e| (e.path().display().to_string(), std::fs::read(e.path()).unwrap())).collect()
}

#[cfg(feature = "fault-points")]
#[test]
fn the_database_cannot_grow() {
    for room in [0, 1, 7, 40] {
        let env = home();
        let rollouts = fingerprint(&env);
        let mut command = env.command(["backfill", "--no-backup"]);
        command.env("CODEX_STATE_FAULT", format!("full:{room}"));
        let outcome = env.finish(command);
        outcome.trouble(env.db().to_str().unwrap());
        outcome.assert(outcome.stderr.contains("no space left"), "why");
        outcome.assert(
            outcome.stderr.contains("hint: free some space, then run it again: what was committed stays"),
            "and what to do",
        );
        let sound = env.query("PRAGMA integrity_check");
        assert_eq!(sound[0]["integrity_check"], "ok", "with room for {room} pages");
        assert_eq!(fingerprint(&env), rollouts, "no rollout is touched");
        env.run(["backfill"]).status(0, "with space again the work is finished");
        env.run(["verify", "--strict"]).status(0, "and all is well");
        assert_eq!(env.rows().len(), 20);
    }
}

#[cfg(feature = "fault-points")]
#[test]
fn a_row_that_cannot_be_written_leaves_its_thread_where_it_was() {
    let env = home();
    env.run(["backfill"]).status(0, "twenty threads");
    env.sql("DELETE FROM threads; VACUUM");
    let rollouts = fingerprint(&env);
    let mut command = env.command(["archive", "--no-backup", "20260310"]);
    command.env("CODEX_STATE_FAULT", "full:0");
    let outcome = env.finish(command);
    outcome.status(2, "the disk is full for all threads");
    outcome.assert(outcome.stderr.contains("no space left"), "why");
    assert_eq!(fingerprint(&env), rollouts, "the rename was taken back");
    env.run(["archive", "20260310"]).status(0, "with space again it goes");
    env.run(["backfill"]).status(0, "and the others come back");
    env.run(["verify", "--strict"]).status(0, "and all is well");
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_is_full() {
    let env = crate::specimen::filled("empty-2026-08");
    for words in
        [&["list"][..], &["list", "--format", "json"], &["completions", "bash"], &["man"], &["--help"]]
    {
        let mut command = env.command(words);
        command.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        let outcome = crate::outcome::Outcome::new(&env.outside(""), &command, output);
        outcome.status(2, "an output that cannot be read is not done");
        expect_test::expect![[r#"
            codex-state: error: cannot write to standard output: No space left on device (os error 28)
            hint: make room where the output goes, or send it elsewhere
        "#]]
        .assert_eq(&outcome.stderr);
    }
}
