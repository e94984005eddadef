//! Tests files that the program is told to write: important files are not overwritten, links and devices are kept.

use std::fs;
use std::path::{Path, PathBuf};

use crate::env::Env;
use crate::golden;

/// Returns the command lines that write `file`.
fn writers(file: &Path) -> Vec<Vec<String>> {
    let file = file.to_str().unwrap();
    [&["list", "--metrics", file][..], &["verify", "--quick", "--junit", file]]
        .map(|words| words.iter().map(|word| (*word).to_owned()).collect())
        .to_vec()
}

/// Runs a command line that must be refused before any work and change nothing.
#[track_caller]
fn is_refused(env: &Env, words: &[String], says: &str) {
    let before = env.tree();
    let outcome = env.run(words);
    outcome.status(2, "it is refused");
    outcome.assert(outcome.stdout.is_empty(), "nothing was done before");
    outcome.assert(outcome.stderr.contains(says), says);
    outcome.assert_eq(before.difference(&env.tree()), String::new(), "nothing changed");
}

/// Returns the path of a rollout of the golden home.
fn a_rollout(env: &Env) -> PathBuf {
    PathBuf::from(env.row(&golden::case("plain").thread)["rollout_path"].as_str().unwrap())
}

#[test]
fn files_of_codex_are_refused() {
    let env = golden::filled_by_codex();
    env.write("session_index.jsonl", "");
    env.write("config.toml", "");
    let database = env.db();
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", database.display()));
    for file in [
        a_rollout(&env),
        env.home().join("sessions/rollout-new.jsonl.zst"),
        env.home().join("config.toml"),
        env.home().join("session_index.jsonl"),
        env.home().join("logs_2.sqlite"),
        env.outside("cwd/any.sqlite"),
        beside("-wal"),
        beside("-shm"),
        beside("-journal"),
        database.clone(),
    ] {
        for words in writers(&file) {
            is_refused(&env, &words, file.file_name().unwrap().to_str().unwrap());
        }
    }
    is_refused(&env, &["backup".to_owned(), beside("-journal").to_str().unwrap().to_owned()], "-journal");
    let newer = env.path("state_6.sqlite");
    is_refused(&env, &["backup".to_owned(), newer], "Codex would take it for its own database");
}

#[test]
fn a_database_is_refused_under_any_name() {
    let env = golden::filled_by_codex();
    let named = env.outside("elsewhere/x.db");
    fs::copy(env.db(), &named).unwrap();
    let hard = env.outside("hard.prom");
    fs::hard_link(&named, &hard).unwrap();
    let beside = env.outside("elsewhere/x.db-wal");
    for file in [&named, &hard, &beside] {
        for mut words in writers(file) {
            words.extend(["--db".to_owned(), named.to_str().unwrap().to_owned()]);
            is_refused(&env, &words, file.to_str().unwrap());
        }
    }
    assert!(!beside.exists());
    let other = env.outside("other.prom");
    fs::copy(env.db(), &other).unwrap();
    is_refused(&env, &writers(&other)[0], "it is a database");
}

#[test]
fn what_cannot_be_written_is_said_before_the_work() {
    let env = golden::filled_by_codex();
    for file in [env.outside("none").join("x.prom"), env.outside("cwd/x").parent().unwrap().to_owned()] {
        for words in writers(&file) {
            is_refused(&env, &words, file.to_str().unwrap());
        }
    }
    let file = env.outside("both");
    let mut words = writers(&file)[1].clone();
    words.extend(["--metrics".to_owned(), file.to_str().unwrap().to_owned()]);
    is_refused(&env, &words, "--metrics writes there too");
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
    use std::process::{Command, Stdio};

    /// Returns true if the text is output of one of [`writers`].
    fn is_output(text: &str) -> bool {
        text.contains("codex_db_init_total") || text.contains("</testsuites>")
    }

    #[test]
    fn links_to_files_of_codex_are_refused() {
        let env = golden::filled_by_codex();
        env.write("config.toml", "");
        let database = env.db();
        let wal = PathBuf::from(format!("{}-wal", database.display()));
        for (number, target) in
            [a_rollout(&env), database, wal, env.home().join("config.toml")].iter().enumerate()
        {
            let link = env.outside(&format!("links/{number}"));
            symlink(target, &link).unwrap();
            for words in writers(&link) {
                is_refused(&env, &words, link.to_str().unwrap());
            }
        }
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let env = golden::filled_by_codex();
        let (link, second) = (env.outside("links/first"), env.outside("links/second"));
        let target = env.outside("targets/x");
        symlink("second", &link).unwrap();
        symlink("../targets/x", &second).unwrap();
        for words in writers(&link) {
            for before in [None, Some("old")] {
                let _ = fs::remove_file(&target);
                before.iter().for_each(|text| fs::write(&target, text).unwrap());
                env.run(&words).finished();
                assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
                assert!(fs::symlink_metadata(&target).unwrap().is_file());
                assert!(is_output(&fs::read_to_string(&target).unwrap()));
            }
        }
        let loops = env.outside("links/loop");
        symlink("loop", &loops).unwrap();
        is_refused(&env, &writers(&loops)[0], "links/loop");
    }

    #[test]
    fn the_mode_is_kept_and_a_new_file_has_that_of_the_umask() {
        let env = golden::filled_by_codex();
        let file = env.outside("x.prom");
        for words in writers(&file) {
            let _ = fs::remove_file(&file);
            env.shell("umask 027; exec \"$@\"", &words).finished();
            let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode(), 0o640);
            for kept in [0o600, 0o664] {
                fs::set_permissions(&file, fs::Permissions::from_mode(kept)).unwrap();
                env.run(&words).finished();
                assert_eq!(mode(), kept);
            }
        }
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 4, "nothing else was left");
    }

    #[test]
    fn a_file_that_may_not_be_written_stays() {
        let env = golden::filled_by_codex();
        let file = env.outside("out/x.prom");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        env.obey_permissions();
        is_refused(&env, &writers(&file)[0], "x.prom");
        fs::remove_file(&file).unwrap();
        fs::set_permissions(file.parent().unwrap(), fs::Permissions::from_mode(0o555)).unwrap();
        is_refused(&env, &writers(&file)[0], "x.prom");
        fs::set_permissions(file.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes a device with this minor number. Returns false if this user may not.
    #[cfg(target_os = "linux")]
    fn device(path: &Path, minor: u32) -> bool {
        let made = Command::new("mknod").arg(path).args(["c", "1", &minor.to_string()]).output();
        made.is_ok_and(|output| output.status.success())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn devices_are_written_through() {
        let env = golden::filled_by_codex();
        let (null, full) = (env.outside("null"), env.outside("full"));
        if !device(&null, 3) || !device(&full, 7) {
            println!("skipped: this user cannot make devices");
            return;
        }
        for words in writers(&null) {
            env.run(&words).finished();
            assert!(fs::metadata(&null).unwrap().file_type().is_char_device());
        }
        for words in writers(&full) {
            let outcome = env.run(&words);
            outcome.status(2, "no space is left there");
            outcome.assert(outcome.stderr.contains("full"), "it is named");
            assert!(fs::metadata(&full).unwrap().file_type().is_char_device());
        }
    }

    fn pipe(path: &Path) {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn pipes_are_written_through_and_not_waited_for_without_end() {
        let env = golden::filled_by_codex();
        let path = env.outside("pipe");
        pipe(&path);
        for words in writers(&path) {
            let reader = Command::new("cat").arg(&path).stdout(Stdio::piped()).spawn().unwrap();
            env.run(&words).finished();
            let read = reader.wait_with_output().unwrap();
            assert!(is_output(std::str::from_utf8(&read.stdout).unwrap()));
            assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
        }
        let outcome = env.run(&writers(&path)[0]);
        outcome.status(2, "no program reads");
        outcome.assert(outcome.stderr.contains("no process reads from this pipe"), "it says so");
    }

    #[test]
    fn standard_streams_get_it_after_what_was_printed() {
        let env = golden::filled_by_codex();
        for name in ["/dev/stdout", "/dev/fd/1"] {
            for words in writers(Path::new(name)) {
                let piped = env.run(&words);
                piped.finished();
                let file = env.outside("cwd/out");
                env.shell("\"$@\" >out", &words).finished();
                let text = fs::read_to_string(&file).unwrap();
                assert_eq!(text, piped.stdout, "a redirection gets the same as a pipe");
                assert!(is_output(&text));
                env.shell("echo first >out; \"$@\" >>out", &words).finished();
                assert_eq!(fs::read_to_string(&file).unwrap(), format!("first\n{text}"));
            }
        }
        for words in writers(Path::new("/dev/stderr")) {
            assert!(is_output(&env.run(&words).stderr));
        }
        for words in writers(Path::new("/dev/fd/9")) {
            env.shell("echo first >nine; \"$@\" 9>>nine", &words).finished();
            let text = fs::read_to_string(env.outside("cwd/nine")).unwrap();
            assert!(text.starts_with("first\n") && is_output(&text), "{text}");
            env.shell("\"$@\" 9>&-", &words).status(2, "there is no such file");
        }
        let closed = env.shell("{ \"$@\"; echo $? >&2; } | true", &writers(Path::new("/dev/stdout"))[0]);
        assert!(closed.stderr.ends_with("0\n"), "{}", closed.stderr);
    }

    #[test]
    fn man_pages_follow_the_same_rules() {
        let env = Env::new();
        let config = env.write("config.toml", "model_provider = \"x\"\n");
        let folder = env.outside("man/x").parent().unwrap().to_owned();
        let page = folder.join("codex-state.1");
        let words = ["man".to_owned(), folder.to_str().unwrap().to_owned()];
        symlink(&config, &page).unwrap();
        is_refused(&env, &words, "codex-state.1");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no page is written where one is refused");
        fs::remove_file(&page).unwrap();
        symlink("../cwd/page", &page).unwrap();
        let written = env.run(&words);
        written.status(0, "the link leads to a file that may be written");
        written.assert(written.stderr.contains(" man pages were written to "), "and says where");
        assert!(fs::read_to_string(env.outside("cwd/page")).unwrap().contains("CODEX"));
        assert!(fs::symlink_metadata(&page).unwrap().is_symlink());
    }
}
