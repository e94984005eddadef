//! Tests a missing folder of rollouts: an unmounted drive, a broken link, a file in its place.

use std::fs;
use std::path::Path;

use crate::env::Env;
use crate::outcome::Outcome;
use crate::rollouts::plain;
use crate::shapes::{Backfill, Verify};
use expect_test::expect;

/// Returns a home with three active threads and an archived one. All have rows.
fn home() -> Env {
    let env = Env::new();
    env.database("empty-2026-08");
    for (i, words) in ["one", "two", "three"].into_iter().enumerate() {
        plain(&format!("2026-07-0{}T10:00:00", i + 1), words).write(&env);
    }
    plain("2026-07-05T10:00:00", "archived").archived().write(&env);
    env.run(["backfill", "--no-backup"]).status(0, "a sound home");
    env
}

/// Fails unless this is said exactly once and no hint leads to deleting rows.
#[track_caller]
fn said_once(env: &Env, words: &str) {
    let before = env.rows();
    for depth in [&["verify", "--format", "json"][..], &["verify", "--quick", "--format", "json"]] {
        let outcome = env.run(depth);
        outcome.status(1, "the folder is missing");
        let report = Verify::of(&outcome);
        let errors = report.errors();
        outcome.assert_eq(errors.len(), 1, "said once");
        outcome.assert_eq(&*errors[0].kind, "missing_folder", "by its kind");
        outcome.assert(errors[0].message.contains(words), "the reason is named");
        outcome.assert(errors[0].message.contains("3 rows"), "and how many rows");
        outcome.assert_eq((report.agree, report.not_compared, report.complete), (1, 3, false), "the counts");
        outcome.assert(!outcome.stderr.contains("prune"), "nothing leads to deleting");
        outcome.assert(outcome.stderr.contains("mount or restore"), "but to mounting");
    }
    let outcome = env.run(["backfill", "--format", "json"]);
    outcome.status(1, "not everything could be done");
    outcome.assert(!Backfill::of(&outcome).complete, "not complete");
    outcome.assert(outcome.stderr.contains(words) && !outcome.stderr.contains("prune"), "and it is said");
    assert_eq!(env.rows(), before, "no row is touched");
    let outcome = env.run(["prune", "--yes"]);
    outcome.trouble("sessions");
    assert_eq!(env.rows(), before, "prune refuses");
}

fn take_away(env: &Env) -> std::path::PathBuf {
    let away = env.outside("away");
    fs::rename(env.home().join("sessions"), &away).unwrap();
    away
}

#[test]
fn a_folder_that_is_gone_is_said_once_and_the_rest_is_done() {
    let env = home();
    let away = take_away(&env);
    said_once(&env, "is missing");
    plain("2026-07-06T10:00:00", "came meanwhile").archived().write(&env);
    let outcome = env.run(["backfill", "--format", "json"]);
    let report = Backfill::of(&outcome);
    outcome.status(1, "the folder is missing").assert_eq(report.inserted, 1, "the rest is done");
    fs::rename(away, env.home().join("sessions")).unwrap();
    env.run(["backfill"]).status(0, "mounted again");
    env.run(["verify"]).status(0, "all is well");
}

#[test]
fn a_file_in_its_place_is_named() {
    let env = home();
    take_away(&env);
    fs::write(env.home().join("sessions"), "x").unwrap();
    said_once(&env, "is a file, not a folder");
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing_is_named() {
    let env = home();
    take_away(&env);
    std::os::unix::fs::symlink("/media/usb/sessions", env.home().join("sessions")).unwrap();
    said_once(&env, "is a link to /media/usb/sessions, which is missing");
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = home();
    env.obey_permissions();
    let folder = env.home().join("sessions");
    let allow = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    allow(0o000);
    said_once(&env, "cannot be read");
    allow(0o755);
}

#[test]
fn a_missing_archive_is_said_as_well_and_one_without_rows_is_not_missed() {
    let env = home();
    fs::remove_dir_all(env.home().join("archived_sessions")).unwrap();
    let report = Verify::of(&env.run(["verify", "--format", "json"]));
    assert_eq!(report.counts["missing_folder"], 1);
    assert_eq!((report.counts["missing_file"], report.agree, report.not_compared), (0, 3, 1));
    env.sql("DELETE FROM threads WHERE archived = 1");
    env.run(["verify"]).status(0, "no row names anything there");
    env.run(["backfill"]).status(0, "nor here");
}

/// Runs at a terminal width. The output has no path of the home.
fn at_width(env: &Env, width: &str, args: &[&str]) -> Outcome {
    let mut command = env.command(args);
    command.env("COLUMNS", width);
    env.finish(command)
}

#[test]
fn as_people_see_it() {
    let env = home();
    take_away(&env);
    assert!(!Path::new(&env.path("sessions")).exists());
    expect![[r#"
        $ codex-state verify
        kind	severity	thread_id	path	message	fields
        missing_folder	error		$HOME_DIR/sessions	sessions is missing, and 3 rows name their rollouts in it	
        --- stderr
        1 error; 1 thread agrees, 3 not compared
        Codex shows 3 of your 4 threads; hidden: 1 archived; codex-state status says what to do about these
        hint: mount or restore the folder of missing_folder, then run codex-state verify again: its threads are not lost
        --- status 1
    "#]].assert_eq(&at_width(&env, "80", &["verify"]).snapshot());
    expect![[r#"
        $ codex-state backfill
        database:    $HOME_DIR/state_5.sqlite
        scanned:     1
        inserted:    0
        updated:     0
        unchanged:   1
        superseded:  0
        failed:      0
        read:        981 B
        indexing:    not complete: the messages say why
        --- stderr
        codex-state: $HOME_DIR/sessions: is missing, and 3 rows name their rollouts in it
        no row needed a change; 1 row agrees already
        hint: mount or restore the folder, then run codex-state backfill again; until then its threads stay as they are
        Codex shows 3 of your 4 threads; hidden: 1 archived
        --- status 1
    "#]].assert_eq(&at_width(&env, "80", &["backfill"]).snapshot());
}
