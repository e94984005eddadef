//! Tests `relink`: it changes the folders of threads whose project moved, and nothing else. Later backfills keep the
//! new folders.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::env::Env;
use crate::moving::dry_then_real;
use crate::rollouts::{Rollout, plain};
use crate::shapes::Backfill;
use crate::table::Rows;

/// The old folder of the threads' project.
const OLD: &str = "/nowhere/project";

/// Returns an indexed home with threads in these folders, and an existing folder `new`.
fn home(folders: &[&str]) -> (Env, PathBuf) {
    let env = Env::new();
    env.database("empty-2026-08");
    for (n, folder) in folders.iter().enumerate() {
        let thread = plain(&format!("2026-03-{:02}T10:00:00", n + 1), "words");
        thread.meta(|meta| meta.cwd(folder).git("0123", "main", "https://example.com/r.git")).write(&env);
    }
    env.run(["backfill"]).status(0, "the home is fine");
    let new = env.outside("work/new");
    fs::create_dir_all(&new).unwrap();
    (env, new)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Returns a folder in one spelling: on Windows, Codex stores those that exist canonically.
fn spelled(folder: impl AsRef<Path>) -> String {
    let folder = text(folder.as_ref());
    if cfg!(windows) { folder.trim_start_matches(r"\\?\").replace('\\', "/") } else { folder.to_owned() }
}

/// Returns the folders of all rows as the database has them, by id.
fn stored(env: &Env) -> Vec<String> {
    env.rows().into_values().map(|row| row["cwd"].as_str().unwrap().to_owned()).collect()
}

/// Returns the folders of all rows in one spelling, by id.
fn folders(env: &Env) -> Vec<String> {
    stored(env).iter().map(spelled).collect()
}

/// Returns the rows without their folders.
fn without_folders(mut rows: Rows) -> Rows {
    for row in rows.values_mut() {
        row.remove("cwd");
    }
    rows
}

/// Fails unless a backfill leaves the rows unchanged and verify finds nothing.
#[track_caller]
fn lasts(env: &Env) {
    let rows = env.rows();
    for args in [&["backfill"][..], &["backfill", "--times", "keep"], &["backfill", "--quick"]] {
        let outcome = env.run(args.iter().chain(&["--format", "json"]));
        outcome.status(0, "a later backfill");
        outcome.assert_eq(Backfill::of(&outcome).updated, 0, "leaves the rows");
    }
    env.run(["verify", "--strict"]).status(0, "and verify agrees");
    assert_eq!(env.rows(), rows);
}

#[test]
fn threads_go_along_with_their_project_and_stay_there() {
    let (env, new) = home(&[OLD, "/nowhere/project/src/deep", "/nowhere/projects", "/elsewhere", "/nowhere"]);
    let before = env.rows();
    let outcome = dry_then_real(&env, &["relink", OLD, text(&new)]);
    outcome.status(0, "done");
    let new = spelled(&new);
    let deep = new.clone() + "/src/deep";
    assert_eq!(folders(&env), [&new, &deep, "/nowhere/projects", "/elsewhere", "/nowhere"]);
    assert_eq!(without_folders(env.rows()), without_folders(before), "no other column changes");
    let document = outcome.json();
    assert_eq!(document["relinked"], 2);
    assert_eq!(document["failed"], 0);
    assert_eq!(spelled(document["new"].as_str().unwrap()), new);
    let first = &document["threads"][0];
    assert_eq!(spelled(first["to"].as_str().unwrap()), new);
    let id = env.rows().keys().next().unwrap().clone();
    assert_eq!(
        *first,
        json!({"id": id, "status": "relinked", "from": OLD, "to": document["new"], "error": null})
    );
    lasts(&env);

    let tree = env.tree();
    let again = env.run(["relink", OLD, &new]);
    again.status(0, "a second run has nothing to do");
    again.assert(again.stderr.contains("no thread is left in /nowhere/project"), "which is said");
    again.assert_eq(tree.difference(&env.tree()), String::new(), "and writes nothing");
    fs::create_dir_all(env.outside("back/x")).unwrap();
    env.run(["relink", &new, OLD, "--missing-ok"]).status(0, "and back");
    assert_eq!(folders(&env)[0], OLD);
    lasts(&env);
}

#[test]
fn people_read_what_was_done_and_how_it_is_undone() {
    let (env, new) = home(&[OLD, "/nowhere/project/src"]);
    let before = env.rows();
    let dry = env.run(["--format", "table", "relink", "--dry-run", OLD, text(&new)]);
    dry.assert(dry.stdout.contains("would relink"), "the table of a dry run");
    dry.assert(dry.stderr.contains("which would relink 2 threads"), "its summary");
    let outcome = env.run_at("2026-09-01T14:00:00Z", ["relink", OLD, text(&new)]);
    outcome.assert(outcome.stdout.starts_with("id\tstatus\tfrom\tto\terror\n"), "TSV in a pipe");
    outcome.assert(outcome.stderr.contains("relinked 2 threads: they belong to"), "a summary");
    outcome.assert(outcome.stderr.contains("Codex shows 2 of your 2 threads"), "what Codex shows");
    let last = outcome.stderr.lines().last().unwrap().to_owned();
    let command = last.strip_prefix("hint: codex-state ").and_then(|line| line.strip_suffix(" undoes it"));
    env.run(command.unwrap().split(' ').map(|word| word.replace("~", text(env.home().parent().unwrap()))))
        .status(0, "the last line undoes it");
    assert_eq!(env.rows(), before);
    let csv = env.run(["relink", OLD, text(&new), "--format", "csv", "--no-backup"]);
    csv.assert(csv.stdout.starts_with("id,status,from,to,error\r\n"), "CSV");
    let (env, new) = home(&[OLD]);
    let lines = env.run(["relink", OLD, text(&new), "--format", "jsonl"]);
    let line: Value = serde_json::from_str(lines.stdout.trim()).unwrap();
    assert_eq!(line["status"], "relinked");
    let outcome = env.run(["relink", "/no/such", text(&new)]);
    outcome.status(0, "no row needed a change");
    outcome.assert(outcome.stderr.contains("--columns cwd,title"), "how to see which folders there are");
}

#[test]
fn every_spelling_of_a_folder_is_that_folder() {
    for (old, new) in [
        ("/nowhere/project/", "../work/new/"),
        ("/nowhere//project/.", "../work/./new"),
        ("/nowhere/other/../project", "../cwd/../work/new"),
    ] {
        let (env, place) = home(&[OLD, "/nowhere/project/src"]);
        env.run(["relink", old, new]).status(0, format_args!("{old} {new}"));
        assert_eq!(folders(&env), [spelled(&place), spelled(&place) + "/src"]);
        lasts(&env);
    }
    let (env, place) = home(&[OLD]);
    let old = env.outside("cwd/was/here");
    env.sql(&format!("UPDATE threads SET cwd = '{}'", text(&old)));
    env.run(["relink", "was/here", text(&place)]).status(0, "a relative folder begins at the current one");
    assert_eq!(folders(&env), [spelled(&place)]);
}

#[cfg(unix)]
#[test]
fn links_lead_to_the_folders_that_rows_have() {
    let (env, new) = home(&[OLD]);
    let real = env.outside("real/project");
    std::os::unix::fs::symlink(env.outside("real"), env.outside("link")).unwrap();
    env.sql(&format!("UPDATE threads SET cwd = '{}'", text(&real)));
    env.run(["relink", text(&env.outside("link/project")), text(&new)]).status(0, "the parent is a link");
    assert_eq!(folders(&env), [spelled(&new)]);
    // A user who moves a folder may leave a link at its old place.
    std::os::unix::fs::symlink(&new, &real).unwrap();
    env.sql(&format!("UPDATE threads SET cwd = '{}'", text(&real)));
    env.run(["relink", text(&real), text(&new)]).status(0, "the old folder is a link to the new one");
    assert_eq!(folders(&env), [spelled(&new)]);
    std::os::unix::fs::symlink(&new, env.outside("new-link")).unwrap();
    env.sql(&format!("UPDATE threads SET cwd = '{OLD}'"));
    env.run(["relink", OLD, text(&env.outside("new-link"))]).status(0, "the new folder is reached by a link");
    assert_eq!(folders(&env), [spelled(&new)], "it is written as Codex writes it");
    lasts(&env);
}

#[test]
fn spellings_of_windows_are_known_on_every_system() {
    let (env, _) = home(&[OLD, OLD, OLD, OLD]);
    let rows =
        [r"\\?\C:\Users\Ann\canal\src", r"c:\users\ann\canal", r"C:\Users\Ann\canals", r"D:\Users\Ann\canal"];
    for (id, cwd) in env.rows().keys().zip(rows) {
        env.sql(&format!("UPDATE threads SET cwd = '{cwd}' WHERE id = '{id}'"));
    }
    env.run(["relink", "--missing-ok", r"C:\Users\Ann\canal\", r"E:\work\canal"]).status(0, "another drive");
    assert_eq!(stored(&env), [r"\\?\E:\work\canal\src", r"E:\work\canal", rows[2], rows[3]]);
    env.run(["relink", "--missing-ok", r"e:/WORK/canal", "/home/ann/canal"]).status(0, "another system");
    assert_eq!(stored(&env), ["/home/ann/canal/src", "/home/ann/canal", rows[2], rows[3]]);
    env.run(["verify", "--strict"]).status(0, "from here no folder of them can be seen");
}

#[test]
fn a_folder_that_is_not_there_is_refused_before_anything_is_written() {
    let (env, new) = home(&[OLD]);
    let before = env.tree();
    let file = env.outside("work/file");
    fs::write(&file, "").unwrap();
    let gone = env.outside("work/gone");
    for (args, says) in [
        (vec!["relink", OLD, text(&gone)], "--missing-ok takes one that is not there yet"),
        (vec!["relink", OLD, text(&file)], "is not a folder"),
        (vec!["relink", "--missing-ok", OLD, text(&file)], "is not a folder"),
        (vec!["relink", OLD, OLD, "--missing-ok"], "is the new folder, too"),
        (vec!["relink", text(&new), text(&new)], "is the new folder, too"),
        (vec!["relink", "", text(&new)], "the value is missing"),
        (vec!["relink", OLD], "NEW"),
    ] {
        let outcome = env.run(&args);
        outcome.status(2, says);
        outcome.assert(outcome.stderr.contains(says), says);
        outcome.assert(outcome.stderr.contains("hint: "), "a hint");
    }
    assert_eq!(before.difference(&env.tree()), "");
    env.run(["relink", "--missing-ok", OLD, text(&gone)]).status(0, "a person knows better");
    assert_eq!(folders(&env), [spelled(&gone)]);
    lasts(&env);
    env.write("sqlite/state_5.sqlite", fs::read(env.db()).unwrap());
    env.run(["relink", text(&gone), text(&new)]).status(2, "of two databases none is guessed");
}

#[test]
fn rows_that_a_backfill_would_take_back_are_named() {
    let (env, _) = home(&[OLD]);
    let old = env.outside("work/old");
    fs::create_dir(&old).unwrap();
    plain("2026-04-01T10:00:00", "words").meta(|meta| meta.cwd(text(&old))).write(&env);
    env.run(["backfill"]).status(0, "filled");
    let outcome = env.run(["relink", "--missing-ok", text(&old), text(&env.outside("work/gone"))]);
    outcome.assert(outcome.stderr.contains("the next codex-state backfill takes them back"), "a warning");
}

#[test]
fn a_thread_that_was_resumed_in_the_new_folder_stays_there() {
    let (env, new) = home(&[]);
    let turn = json!({"cwd": text(&new), "approval_policy": "on-request", "sandbox_policy": {"type": "read-only"},
        "model": "gpt-5", "effort": "low"});
    plain("2026-03-01T10:00:00", "words").item("turn_context", turn).write(&env);
    env.run(["backfill"]).status(0, "filled");
    assert_eq!(folders(&env), [OLD], "the session's own folder counts");
    env.run(["relink", OLD, text(&new)]).status(0, "relinked");
    assert_eq!(folders(&env), [spelled(&new)]);
    lasts(&env);
}

#[test]
fn a_new_folder_below_the_old_one_takes_each_thread_once() {
    let (env, place) = home(&[]);
    let inner = place.join("inner");
    fs::create_dir(&inner).unwrap();
    for (n, folder) in [&place, &place.join("src"), &inner.join("src")].iter().enumerate() {
        let thread = plain(&format!("2026-03-{:02}T10:00:00", n + 1), "words");
        thread.meta(|meta| meta.cwd(text(folder))).write(&env);
    }
    env.run(["backfill"]).status(0, "filled");
    let moved = [inner.clone(), inner.join("src"), inner.join("src")].map(spelled);
    for _ in 0..2 {
        let outcome = env.run(["relink", text(&place), text(&inner)]);
        outcome.status(0, "the same twice");
        outcome.assert(outcome.stderr.contains("already, and left there"), "which is said");
        assert_eq!(folders(&env), moved);
    }
}

#[test]
fn odd_rows_and_old_schemas_are_no_trouble() {
    for schema in ["empty-2026-01", "empty-2026-03", "empty-2026-08"] {
        let env = Env::new();
        env.database(schema);
        plain("2026-03-01T10:00:00", "words").write(&env);
        plain("2026-03-02T10:00:00", "words").write(&env);
        env.run(["backfill"]).status(0, "filled");
        env.sql("UPDATE threads SET cwd = x'ff00' WHERE id LIKE '20260302%'");
        env.run(["relink", "--missing-ok", OLD, "/x"]).status(0, format_args!("{schema}"));
        let cells = env.query("SELECT hex(cwd) AS cwd FROM threads ORDER BY id");
        assert_eq!(cells[1]["cwd"], "FF00", "a cell that is not text stays");
        assert_eq!(cells[0]["cwd"], "2F78");
    }
}

#[test]
fn what_was_counted_is_written_for_prometheus() {
    let (env, new) = home(&[OLD]);
    let file = env.outside("metrics.prom");
    env.run(["relink", OLD, text(&new), "--metrics", text(&file)]).status(0, "done");
    let metrics = fs::read_to_string(file).unwrap();
    assert!(metrics.contains("codex_db_init_total{status=\"opened\"} 1\n"), "{metrics}");
}

#[cfg(feature = "fault-points")]
#[test]
fn a_crash_at_any_step_is_completed() {
    for point in crate::moving::points("relink") {
        let (env, new) = home(&[OLD; 9]);
        // There are more rows than one transaction changes.
        let mut sql = String::new();
        for n in 0..700 {
            sql += &format!(
                "INSERT INTO threads SELECT * FROM (SELECT * FROM threads LIMIT 1) WHERE 0;
                 CREATE TEMP TABLE one AS SELECT * FROM threads LIMIT 1;
                 UPDATE one SET id = 'ffffffff-1000-7000-8000-{n:012}';
                 INSERT INTO threads SELECT * FROM one; DROP TABLE one;"
            );
        }
        env.sql(&sql);
        let before = without_folders(env.rows());
        for times in ["", ":2"] {
            let mut command = env.command(["relink", OLD, text(&new)]);
            command.env("CODEX_STATE_FAULT", format!("{point}{times}"));
            let crash = env.finish(command);
            crash.assert(crash.died(), format_args!("it died at {point}{times}"));
            crate::table::assert_sound(&env.db(), &point);
            let known: std::collections::BTreeSet<String> = folders(&env).into_iter().collect();
            assert!(known.iter().all(|cwd| cwd == OLD || cwd == &spelled(&new)), "{point}: {known:?}");
            if times.is_empty() && point.ends_with("committed") {
                break;
            }
        }
        env.run(["relink", OLD, text(&new)]).status(0, format_args!("{point}: the same again"));
        assert!(folders(&env).iter().all(|cwd| cwd == &spelled(&new)), "{point}");
        assert_eq!(without_folders(env.rows()), before, "{point}: nothing else changed");
    }
}

#[test]
fn a_row_that_changed_meanwhile_is_left_to_codex() {
    let rollout = Rollout::new("2026-03-01T10:00:00");
    let (env, new) = home(&[]);
    rollout.user("words").write(&env);
    env.run(["backfill"]).status(0, "filled");
    // The trigger stands for a Codex that changes the thread's folder at the same moment.
    env.sql("CREATE TRIGGER meanwhile BEFORE UPDATE OF cwd ON threads BEGIN SELECT RAISE(IGNORE); END");
    let outcome = env.run(["relink", OLD, text(&new), "--format", "json"]);
    outcome.status(1, "not everything was done");
    outcome.assert_eq(outcome.json()["threads"][0]["status"].as_str(), Some("failed"), "which is said");
    assert_eq!(folders(&env), [OLD]);
}
