//! Tests an archive on another file system: files are copied, compared and removed, and an incomplete copy is
//! completed.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use tempfile::TempDir;

use crate::env::{Env, mtime};
use crate::moving::{self, ALL, Moved, PLAIN, agrees, contents, files};

/// Returns a home whose archive is a link to a folder in memory, or `None` if there is no second file system.
fn home() -> Option<(Env, TempDir)> {
    let env = moving::home("empty-2026-08");
    let memory = TempDir::new_in("/dev/shm").ok()?;
    if fs::metadata(memory.path()).unwrap().dev() == fs::metadata(env.home()).unwrap().dev() {
        return None;
    }
    symlink(memory.path(), env.home().join("archived_sessions")).unwrap();
    Some((env, memory))
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn there_and_back_with_time_and_mode() {
    let Some((env, memory)) = home() else { return };
    let before = files(&env);
    let path = env.row(PLAIN)["rollout_path"].as_str().unwrap().to_owned();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let time = mtime(path.as_ref());
    let outcome = env.run(["archive", "--format", "json"].iter().chain(&ALL));
    outcome.status(0, "all go");
    outcome.assert_eq(Moved::of(&outcome).counts(), [ALL.len(), 0, 0], "all go");
    agrees(&env, "after archive");
    assert_eq!(names(memory.path()).len(), before.len(), "all files, and no leftovers");
    let copy = memory.path().join(Path::new(&path).file_name().unwrap());
    assert_eq!(mtime(&copy), time);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o640);
    env.run(["unarchive"].iter().chain(&ALL)).status(0, "and back");
    agrees(&env, "after unarchive");
    assert_eq!(files(&env), before);
    assert!(names(memory.path()).is_empty());
}

#[test]
fn a_copy_whose_source_was_left_is_completed_and_another_file_is_not() {
    let Some((env, memory)) = home() else { return };
    let before = contents(&env);
    let path = env.row(PLAIN)["rollout_path"].as_str().unwrap().to_owned();
    let copy = memory.path().join(Path::new(&path).file_name().unwrap());
    fs::write(&copy, "another\n").unwrap();
    env.run(["archive", PLAIN]).status(1, "another file");
    fs::copy(&path, &copy).unwrap();
    env.run(["archive", PLAIN]).status(1, "the same bytes, but of another time: a person's copy");
    crate::env::set_mtime(&copy, mtime(path.as_ref()));
    let outcome = env.run(["archive", PLAIN]);
    outcome.status(0, "equal in every respect: left by a run that was cut short");
    assert!(!Path::new(&path).exists());
    assert_eq!(contents(&env), before);
    agrees(&env, "afterwards");
}

#[cfg(feature = "fault-points")]
#[test]
fn a_crash_at_any_step_loses_nothing_and_a_rerun_completes_it() {
    for verb in ["archive", "unarchive"] {
        for point in moving::points(verb) {
            let Some((env, memory)) = home() else { return };
            let before = contents(&env);
            if verb == "unarchive" {
                env.run(["archive", moving::REVERTED]).status(0, "where it starts from");
            }
            let mut command = env.command([verb, moving::REVERTED]);
            command.env("CODEX_STATE_FAULT", &point);
            let crash = env.finish(command);
            crash.assert(crash.died(), format_args!("it died at {point}"));
            env.run([verb, moving::REVERTED]).status(0, format_args!("again after {point}"));
            agrees(&env, &format!("after {point} and a rerun"));
            assert_eq!(contents(&env), before, "{point}");
            let left: Vec<_> =
                names(memory.path()).into_iter().filter(|name| name.starts_with('.')).collect();
            assert!(left.is_empty(), "{point}: {left:?}");
        }
    }
}
