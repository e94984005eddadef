//! Tests restore: a backup over newer rows, into a home without a database, over a damaged database, beside a Codex;
//! and what restore refuses.

use std::fs;

use serde::Deserialize;
use serde_json::Value;

use crate::backup::{backup_path, backups};
use crate::env::Env;
use crate::holder::Holder;
use crate::rollouts::plain;
use crate::specimen;
use crate::table;
use crate::wrecks::settled;

/// The document of `restore --format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Restore {
    #[serde(rename = "schema_version")]
    _schema_version: u64,
    database: String,
    restored_from: String,
    rows: usize,
    replaced_rows: Option<usize>,
    newer_rows: usize,
    bytes: Option<u64>,
    backup: Option<String>,
    moved_aside: Vec<Moved>,
    dry_run: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Moved {
    from: String,
    to: String,
}

/// Returns a filled home with a backup made by hand, and with names that only the database knows.
fn with_backup() -> (Env, String) {
    let env = specimen::filled("empty-2026-08");
    env.sql("UPDATE threads SET name = 'N-' || id, is_pinned = 1");
    let file = env.outside("elsewhere/backup.sqlite").to_str().unwrap().to_owned();
    env.run(["backup", &file]).status(0, "a backup");
    (env, file)
}

#[test]
fn a_backup_restored_over_newer_rows() {
    let (env, file) = with_backup();
    let old = env.rows();
    let newer = plain("2026-03-20T10:00:00", "newer than the backup");
    newer.write(&env);
    specimen::legacy().user("grown").tokens(77_000).write(&env);
    env.run(["backfill"]).status(0, "one row inserted, one updated");
    env.sql("UPDATE threads SET name = 'ruined', is_pinned = 0");
    let ruined = env.rows();

    let dry: Restore = env.run(["restore", &file, "--dry-run", "--format", "json"]).shaped();
    assert_eq!((dry.rows, dry.replaced_rows, dry.newer_rows, dry.dry_run), (7, Some(8), 2, true));
    assert!(dry.bytes.is_some() && dry.backup.is_none());
    assert_eq!(env.rows(), ruined, "a dry run restores nothing");

    let outcome = env.run(["restore", &file, "--format", "json"]);
    let report: Restore = outcome.status(0, "restored").shaped();
    outcome.assert(outcome.stderr.contains("2 rows were newer"), "says how many rows are newer");
    outcome.assert(outcome.stderr.contains("codex-state backfill"), "suggests what to do next");
    assert_eq!((report.rows, report.replaced_rows, report.newer_rows), (7, Some(8), 2));
    assert_eq!(report.database, env.db().to_str().unwrap());
    assert_eq!(report.restored_from, file);
    assert!(report.moved_aside.is_empty() && !report.dry_run);
    assert_eq!(dry.bytes, report.bytes, "the dry run knew it");
    assert_eq!(table::difference(&old, &env.rows()), [""; 0], "the rows of the backup");
    let kept = report.backup.unwrap();
    assert_eq!(
        table::difference(&ruined, &table::threads(kept.as_ref())),
        [""; 0],
        "what was replaced is kept"
    );

    env.run(["backfill"]).status(0, "brings the rows up to date");
    let row = env.row(specimen::LEGACY);
    assert_eq!((&row["tokens_used"], &row["is_pinned"]), (&77_000.into(), &1.into()));
    assert_eq!(row["name"], format!("N-{}", specimen::LEGACY).as_str());
    assert_eq!(env.row(newer.thread())["title"], "newer than the backup");
    settled(&env);
}

#[test]
fn what_is_replaced_is_kept_whenever_the_last_backup_was_and_the_source_is_never_rotated_away() {
    let (env, _) = with_backup();
    env.sql("UPDATE threads SET cwd = 'elsewhere'");
    let _ = fs::remove_dir_all(env.home().join("codex-state-backups"));
    env.run_at("2026-09-01T10:00:00Z", ["backfill"]).status(0, "keeps a backup");
    let source = backup_path(&env, &backups(&env)[0]);
    let args = ["restore", source.to_str().unwrap()];
    for minute in 1..=7 {
        env.run_at(&format!("2026-09-01T10:0{minute}:00Z"), args).status(0, "restored");
    }
    assert!(source.exists(), "the source stays, though it is the oldest");
    assert_eq!(backups(&env).len(), 8, "what each one replaced, and the source");
    env.run(["restore", "--no-backup", args[1]]).status(0, "restored");
    assert_eq!(backups(&env).len(), 8, "--no-backup");
    let listed = env.run(["restore", "--format", "json"]).json();
    let replaced = |backup: &serde_json::Value| backup["replaced"] == true && backup["rows"] == 7;
    let backups = listed["backups"].as_array().unwrap();
    assert_eq!(backups.iter().filter(|backup| replaced(backup)).count(), 7, "each listed, with its rows");
    let latest: Restore = env.run(["restore", "latest", "--format", "json"]).status(0, "latest").shaped();
    assert_eq!(latest.restored_from, args[1], "none that a restore replaced");
}

#[test]
fn a_missing_database_is_made_under_the_name_that_its_codex_reads() {
    let (env, file) = with_backup();
    let rows = env.rows();
    fs::remove_file(env.db()).unwrap();
    let report: Restore = env.run(["restore", &file, "--format", "json"]).status(0, "made").shaped();
    assert_eq!(report.database, env.home().join("state_5.sqlite").to_str().unwrap());
    assert_eq!((report.replaced_rows, report.newer_rows, report.backup), (None, 0, None));
    assert_eq!(table::difference(&rows, &env.rows()), [""; 0]);

    let first = specimen::filled("empty-2026-01");
    let file = first.outside("elsewhere/backup.sqlite");
    first.run(["backup", file.to_str().unwrap()]).status(0, "a backup");
    fs::remove_file(first.db()).unwrap();
    first.run(["restore", file.to_str().unwrap()]).status(0, "made");
    assert!(first.home().join("state.sqlite").exists(), "the first release reads another name");

    let named = env.outside("elsewhere/auto-state_6.sqlite-20260901T120000Z.sqlite");
    fs::rename(env.outside("elsewhere/backup.sqlite"), &named).unwrap();
    fs::remove_file(env.db()).unwrap();
    env.run(["restore", named.to_str().unwrap()]).status(0, "made");
    assert!(env.home().join("state_6.sqlite").exists(), "the backup's name says what it is of");
}

#[test]
fn a_database_that_cannot_be_used_is_moved_aside_with_all_that_belongs_to_it() {
    for ruin in [&b"no database at all, whatever its name says"[..], b""] {
        let (env, file) = with_backup();
        let rows = env.rows();
        fs::write(env.db(), ruin).unwrap();
        env.write("state_5.sqlite-wal", "its log");
        env.write("state_5.sqlite-shm", "its index");
        let outcome = env.run(["restore", &file, "--format", "json"]);
        let report: Restore = outcome.status(0, "restored").shaped();
        let aside = |suffix| env.path(&format!("state_5.sqlite.damaged-20260901T120000Z{suffix}"));
        let moved: Vec<(String, String)> =
            report.moved_aside.into_iter().map(|moved| (moved.from, moved.to)).collect();
        let expected = ["", "-wal", "-shm"]
            .map(|suffix| (env.path(&format!("state_5.sqlite{suffix}")), aside(suffix)))
            .to_vec();
        outcome.assert_eq(moved, expected, "three files");
        outcome.assert_eq(fs::read(aside("")).unwrap(), ruin.to_vec(), "nothing is thrown away");
        outcome.assert(outcome.stderr.contains(&aside("")), "and said");
        assert_eq!(table::difference(&rows, &env.rows()), [""; 0]);
        settled(&env);
    }
}

#[test]
fn a_database_with_torn_pages_is_kept_before_it_is_replaced() {
    let (env, file) = with_backup();
    let rows = env.rows();
    crate::wrecks::tear(&env.db());
    env.run(["restore", &file]).status(0, "restored");
    assert_eq!(table::difference(&rows, &env.rows()), [""; 0]);
    table::assert_sound(&env.db(), "after it was restored");
    assert!(
        !backups(&env).is_empty() || env.path("").contains("damaged"),
        "what can be read of it is not lost"
    );
}

#[test]
fn a_dry_run_knows_how_large_the_database_becomes_unless_its_pages_are_of_another_size() {
    let (env, file) = with_backup();
    let restore = |dry: &[&str]| {
        let args = [&["restore", &file, "--format", "json"], dry].concat();
        env.run(args).status(0, "a good backup").shaped::<Restore>().bytes
    };
    let size = fs::metadata(&file).unwrap().len();
    env.sql("PRAGMA journal_mode = DELETE; PRAGMA page_size = 16384; VACUUM");
    assert_eq!(restore(&["--dry-run"]), None, "the rows will lie otherwise in its pages");
    assert!(restore(&[]).is_some_and(|bytes| bytes != size));
    fs::write(env.db(), "no database").unwrap();
    assert_eq!(restore(&["--dry-run"]), Some(size), "a new file");
    assert_eq!(restore(&[]), Some(size));
    fs::remove_file(env.db()).unwrap();
    assert_eq!(restore(&["--dry-run"]), Some(size), "a new file");
}

#[test]
fn what_is_no_good_backup_is_refused_before_anything_is_touched() {
    let (env, file) = with_backup();
    let torn = env.outside("elsewhere/torn.sqlite");
    fs::copy(&file, &torn).unwrap();
    crate::wrecks::tear(&torn);
    let other = env.outside("elsewhere/other.sqlite");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE x (y)").unwrap();
    connection.close().unwrap();
    let foreign = env.outside("elsewhere/foreign.sqlite");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE threads (subject)").unwrap();
    connection.close().unwrap();
    let text = env.outside("elsewhere/text.sqlite");
    fs::write(&text, "text").unwrap();
    let missing = env.outside("elsewhere/missing.sqlite");
    let folder = env.outside("elsewhere/folder.sqlite");
    fs::create_dir(&folder).unwrap();
    let before = env.tree();
    for bad in [&torn, &other, &foreign, &text, &missing, &folder, &env.db()] {
        let outcome = env.run(["restore", bad.to_str().unwrap()]);
        outcome.trouble(bad.to_str().unwrap());
        outcome.assert_eq(before.difference(&env.tree()), String::new(), "nothing is touched");
    }
    let link = env.outside("elsewhere/link.sqlite");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(env.db(), &link).unwrap();
        env.run(["restore", link.to_str().unwrap()]).trouble("the database itself");
    }
    let _ = link;
}

#[test]
fn with_two_databases_it_refuses_and_prints_the_command_lines_to_choose_from() {
    let (env, file) = with_backup();
    fs::create_dir(env.home().join("sqlite")).unwrap();
    fs::copy(&file, env.home().join("sqlite/state_5.sqlite")).unwrap();
    let quoted = env.outside("elsewhere/a name with blanks.sqlite");
    fs::rename(&file, &quoted).unwrap();
    let quoted = quoted.to_str().unwrap();
    let before = env.tree();
    let outcome = env.run(["restore", quoted]);
    outcome.trouble("two databases");
    for database in ["state_5.sqlite", "sqlite/state_5.sqlite"] {
        let database = env.path(database);
        let lines: Vec<&str> =
            outcome.stderr.lines().filter(|line| line.contains(&format!("--db {database} "))).collect();
        outcome.assert_eq(lines.len(), 1, format_args!("one command line for {database}"));
        #[cfg(unix)]
        outcome.assert(lines[0].ends_with(&format!("restore '{quoted}'")), "ready to paste");
    }
    outcome.assert_eq(before.difference(&env.tree()), String::new(), "nothing is touched");
    env.run(["restore", quoted, "--db", &env.path("state_5.sqlite")]).status(0, "told which");
}

#[test]
fn beside_an_open_codex_it_works_or_refuses() {
    let (env, file) = with_backup();
    let old = env.rows();
    env.sql("UPDATE threads SET title = 'later'");
    let reader = Holder::new(&env.db(), "BEGIN; SELECT count(*) FROM threads");
    env.run(["restore", &file, "--busy-timeout", "1"])
        .status(0, "a reader is not in the way of a WAL database");
    reader.release();
    assert_eq!(table::difference(&old, &env.rows()), [""; 0]);
    table::assert_sound(&env.db(), "beside a reader");

    env.sql("UPDATE threads SET title = 'later'");
    let later = env.rows();
    let writer = Holder::new(&env.db(), "BEGIN IMMEDIATE; UPDATE threads SET title = 'half done'");
    let outcome = env.run(["restore", &file, "--busy-timeout", "0.3"]);
    writer.release();
    outcome.trouble(env.db().to_str().unwrap());
    outcome.assert(outcome.stderr.contains("locked"), "the reason");
    assert_eq!(table::difference(&later, &env.rows()), [""; 0], "as it was");
    table::assert_sound(&env.db(), "beside a writer");
    env.run(["restore", &file]).status(0, "the writer has gone");
    assert_eq!(table::difference(&old, &env.rows()), [""; 0]);
    assert!(env.rows().values().all(|row| row["name"] != Value::Null));
}
