//! Tests of [`super`]: a backup is complete or missing, and a restore never corrupts.

use crate::home::with_suffix;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::db::open::OpenOptions;
use crate::db::open::{Access, Reader, Writer};
use crate::db::testing::{
    BACK_UP_HALF, FILLED, Place, Process, assert_unchanged, is_busy, read_titled, snapshot, titled,
};
use crate::error::hints;

const OLD: &str = "UPDATE threads SET title = 'old'";
const NEW: &str = "UPDATE threads SET title = 'new'; DELETE FROM threads WHERE rowid % 2 = 0";

fn noon() -> DateTime<Utc> {
    "2026-08-22T12:00:00Z".parse().unwrap()
}

fn quiet(_: CopyProgress) {}

/// Returns (old titles, new titles, verdict of the integrity check, journal mode).
fn state(path: &Path) -> (i64, i64, String, String) {
    let connection = Connection::open(path).unwrap();
    let text = |sql| connection.query_row(sql, [], |row| row.get(0)).unwrap();
    let (verdict, mode) = (text("PRAGMA integrity_check"), text("PRAGMA journal_mode"));
    (titled(&connection, "old"), titled(&connection, "new"), verdict, mode)
}

fn expected(old: i64, new: i64, mode: &str) -> (i64, i64, String, String) {
    (old, new, "ok".into(), mode.into())
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Damages the root page of a database's threads, and returns its bytes. SQLite notices the damage only when it reads
/// them.
fn damage_threads(path: &Path) -> Vec<u8> {
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'threads'";
    let root: u32 = Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap();
    let mut bytes = fs::read(path).unwrap();
    let root = root as usize;
    bytes[(root - 1) * 4096..root * 4096].fill(0x5a);
    bytes
}

/// Returns a place whose database is in its new state, and a backup of its old state elsewhere.
fn place_and_backup() -> (Place, tempfile::TempDir, PathBuf) {
    let place = Place::with(FILLED);
    place.connect().execute_batch(OLD).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let backup = elsewhere.path().join("backup.sqlite");
    back_up(&place.database, &backup, &place.options(), &mut quiet).unwrap();
    place.connect().execute_batch(NEW).unwrap();
    (place, elsewhere, backup)
}

#[test]
fn a_backup_is_one_whole_file_and_the_source_is_as_it_was() {
    let place = Place::with(FILLED);
    let elsewhere = tempfile::tempdir().unwrap();
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run(OLD), "done");
    // In use, in the middle of a transaction.
    assert_eq!(codex.run(&format!("BEGIN IMMEDIATE; {NEW}")), "done");
    let target = elsewhere.path().join("backup.sqlite");
    let check = |number: usize| {
        let target = elsewhere.path().join(format!("backup {number}.sqlite"));
        let before = snapshot(place.folder.path());
        let mut seen = Vec::new();
        let size = back_up(&place.database, &target, &place.options(), &mut |at| seen.push(at)).unwrap();
        assert_unchanged(&before, &snapshot(place.folder.path()));
        assert_eq!(size, fs::metadata(&target).unwrap().len());
        assert_eq!(seen.last().unwrap(), &CopyProgress { done: size / 4096, total: size / 4096 });
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let mut reader = Reader::open(&target, &place.options()).unwrap();
        assert_eq!(reader.access(), Access::Immutable);
        assert_eq!(read_titled(&mut reader, "old").unwrap(), 61);
        assert_eq!(state(&target), expected(61, 0, "delete"));
    };
    check(1);
    codex.kill();
    check(2);
    fs::remove_file(place.beside("-shm")).unwrap();
    check(3);
    place.connect().execute_batch("SELECT count(*) FROM threads").unwrap();
    check(4);
    assert_eq!(names(elsewhere.path()).len(), 4);
    assert!(!target.exists());
    place.assert_no_leftovers();
}

#[test]
fn a_backup_replaces_nothing() {
    let place = Place::with(FILLED);
    let target = place.folder.path().join("mine.sqlite");
    fs::write(&target, "precious").unwrap();
    let before = snapshot(place.folder.path());
    let error = back_up(&place.database, &target, &place.options(), &mut quiet).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: already exists", target.display()));
    assert_eq!(hints(&error).len(), 1);
    assert_unchanged(&before, &snapshot(place.folder.path()));
    // Also a file that appears while the copy is made.
    let late = place.folder.path().join("late.sqlite");
    let error =
        back_up(&place.database, &late, &place.options(), &mut |_| fs::write(&late, "precious").unwrap());
    assert_eq!(error.unwrap_err().to_string(), format!("{}: already exists", late.display()));
    assert_eq!(fs::read_to_string(&late).unwrap(), "precious");
    assert_eq!(names(place.folder.path()).len(), 3);
}

#[test]
fn a_crash_leaves_no_partial_backup() {
    let place = Place::with(FILLED);
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("backup.sqlite");
    let mut process = Process::on(&place.database);
    assert_eq!(process.run(&format!("{BACK_UP_HALF}{}", target.display())), "half");
    let left = names(elsewhere.path());
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left.first().unwrap().starts_with(".codex-state-partial-"), "{left:?}");
    // While it works, no other run treats its files as leftovers.
    let second = elsewhere.path().join("second.sqlite");
    back_up(&place.database, &second, &place.options(), &mut quiet).unwrap();
    assert!(left.is_subset(&names(elsewhere.path())));
    process.kill();
    assert!(!target.exists());
    back_up(&place.database, &target, &place.options(), &mut quiet).unwrap();
    assert_eq!(names(elsewhere.path()), ["backup.sqlite", "second.sqlite"].map(String::from).into());
}

#[test]
fn automatic_backups_are_one_an_hour_and_five() {
    let place = Place::with(FILLED);
    let folder = place.folder.path().join(FOLDER);
    let keep = |now| keep_automatic(&place.database, &place.options(), &Keeping::at(now)).unwrap();
    assert!(backups_of(&place.database).is_empty());

    let first = keep(noon()).unwrap();
    assert_eq!(first, folder.join("auto-state_5.sqlite-20260822T120000Z.sqlite"));
    assert_eq!(keep(noon() + TimeDelta::minutes(59)), None);
    assert_eq!(keep(noon() - TimeDelta::minutes(59)), None, "a clock that was set back");
    assert_eq!(names(&folder).len(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&first)), (0o700, 0o600));
    }

    let by_hand = name_by_hand(&place.database, noon() - TimeDelta::days(9));
    assert_eq!(by_hand, folder.join("backup-state_5.sqlite-20260813T120000Z.sqlite"));
    back_up(&place.database, &by_hand, &place.options(), &mut quiet).unwrap();
    for name in ["before the update.sqlite", "notes.txt", "auto-state.sqlite-20200101T000000Z.sqlite"] {
        fs::write(folder.join(name), name).unwrap();
    }
    for hour in 1..=6 {
        assert!(keep(noon() + TimeDelta::hours(hour)).is_some());
    }
    let backups = backups_of(&place.database);
    let automatic: Vec<_> = backups.iter().filter(|backup| backup.automatic).collect();
    assert_eq!(
        automatic.iter().map(|backup| backup.taken_at).collect::<Vec<_>>(),
        (2..=6).rev().map(|hour| noon() + TimeDelta::hours(hour)).collect::<Vec<_>>()
    );
    assert_eq!(backups.len(), 7);
    assert!(backups.iter().any(|backup| backup.path == by_hand && backup.size > 100_000));
    assert_eq!(names(&folder).len(), 9);
    assert!(!first.exists());
}

#[test]
fn a_backup_by_hand_without_a_name_makes_its_folder() {
    let place = Place::with(FILLED);
    let target = name_by_hand(&place.database, noon());
    back_up(&place.database, &target, &place.options(), &mut quiet).unwrap();
    assert!(!backups_of(&place.database)[0].automatic);
    let elsewhere = place.folder.path().join("missing").join("x.sqlite");
    let error = back_up(&place.database, &elsewhere, &place.options(), &mut quiet).unwrap_err();
    assert!(
        format!("{error:#}").ends_with("cannot write a backup there: no such file or folder"),
        "{error:#}"
    );
}

#[test]
fn the_source_of_a_restore_is_not_rotated_away() {
    let place = Place::with(FILLED);
    let keep = |hour| {
        keep_automatic(&place.database, &place.options(), &Keeping::at(noon() + TimeDelta::hours(hour)))
            .unwrap()
    };
    let all: Vec<_> = (0..5).map(|hour| keep(hour).unwrap()).collect();
    let other_spelling = place.folder.path().join(".").join(FOLDER).join(all[0].file_name().unwrap());
    // A restore makes a backup, however recent the previous one is.
    let now = noon() + TimeDelta::hours(4);
    let keeping = Keeping { interval: TimeDelta::zero(), protect: Some(&other_spelling), ..Keeping::at(now) };
    let one = keep_automatic(&place.database, &place.options(), &keeping).unwrap().unwrap();
    let two = keep_automatic(&place.database, &place.options(), &keeping).unwrap().unwrap();
    assert_ne!(one, two, "two in one second");
    assert!(all[0].exists() && !all[1].exists());
    assert!(all[2..].iter().all(|path| path.exists()));
}

#[cfg(unix)]
#[test]
fn backups_lie_beside_the_database_not_beside_a_link() {
    let place = Place::with(FILLED);
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link.sqlite");
    std::os::unix::fs::symlink(&place.database, &link).unwrap();
    keep_automatic(&link, &place.options(), &Keeping::at(noon())).unwrap().unwrap();
    assert_eq!(names(elsewhere.path()).len(), 1);
    assert_eq!(backups_of(&place.database).len(), 1);
    assert_eq!(backups_of(&link).len(), 1);
}

#[test]
fn a_restore_under_an_open_reader_and_an_idle_codex() {
    let (place, _elsewhere, backup) = place_and_backup();
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run("SELECT * FROM threads"), "done");
    // A reader in its transaction, on its own connection.
    let reader = place.connect();
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(titled(&reader, "new"), 31);
    let before = crate::sys::FileIdentity::of(&place.database).unwrap();

    let report = restore_into(&place.database, &backup, &place.options(), noon()).unwrap();
    assert!(!report.replaced_file && report.moved_aside.is_empty(), "{report:?}");
    assert_eq!(report.size, fs::metadata(&backup).unwrap().len());
    assert_eq!(crate::sys::FileIdentity::of(&place.database).unwrap(), before, "the file was swapped");

    assert_eq!((titled(&reader, "old"), titled(&reader, "new")), (0, 31), "it keeps its state");
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!((titled(&reader, "old"), titled(&reader, "new")), (61, 0));
    // The other process continues: it sees the old rows and writes to them.
    assert_eq!(codex.run("UPDATE threads SET title = 'new' WHERE rowid = 1"), "done");
    drop(reader);
    codex.end();
    assert_eq!(state(&place.database), expected(60, 1, "wal"));
    assert_eq!(names(place.folder.path()), ["state_5.sqlite".to_owned()].into());
}

#[test]
fn a_restore_under_a_writer_refuses_and_changes_nothing() {
    let (place, _elsewhere, backup) = place_and_backup();
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run("BEGIN IMMEDIATE; UPDATE threads SET title = 'mine'"), "done");
    let error = restore_into(&place.database, &backup, &place.options(), noon()).unwrap_err();
    assert!(is_busy(&error), "{error:#}");
    assert_eq!(codex.run("ROLLBACK"), "done");
    assert_eq!(state(&place.database), expected(0, 31, "wal"));
    restore_into(&place.database, &backup, &place.options(), noon()).unwrap();
    codex.end();
    assert_eq!(state(&place.database), expected(61, 0, "wal"));
}

#[test]
fn without_wal_a_reader_is_in_the_way_too() {
    let (place, _elsewhere, backup) = place_and_backup();
    place.connect().execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run("BEGIN; CREATE TEMP TABLE t AS SELECT * FROM threads"), "done");
    let error = restore_into(&place.database, &backup, &place.options(), noon()).unwrap_err();
    assert!(is_busy(&error), "{error:#}");
    assert_eq!(codex.run("COMMIT"), "done");
    assert_eq!(state(&place.database), expected(0, 31, "delete"));
    restore_into(&place.database, &backup, &place.options(), noon()).unwrap();
    assert_eq!(codex.run("UPDATE threads SET title = 'new' WHERE rowid = 1"), "done");
    codex.end();
    assert_eq!(state(&place.database), expected(60, 1, "delete"));
}

#[test]
fn the_source_may_be_any_database() {
    // Other page sizes, larger and smaller, with or without WAL, with a -wal that belongs to it.
    for (page_size, mode) in [(1024, "wal"), (16384, "delete"), (4096, "wal")] {
        for target_mode in ["wal", "delete"] {
            let (place, elsewhere, backup) = place_and_backup();
            place.connect().execute_batch(&format!("PRAGMA journal_mode = {target_mode}")).unwrap();
            let mut source = Process::on(&backup);
            for sql in [
                &format!("PRAGMA page_size = {page_size}; VACUUM; PRAGMA journal_mode = {mode}"),
                "UPDATE threads SET title = 'new' WHERE rowid <= 7",
            ] {
                assert_eq!(source.run(sql), "done");
            }
            let before = snapshot(elsewhere.path());
            restore_into(&place.database, &backup, &place.options(), noon()).unwrap();
            assert_unchanged(&before, &snapshot(elsewhere.path()));
            assert_eq!(state(&place.database), expected(54, 7, target_mode), "{page_size} {mode}");
        }
    }
}

#[test]
fn an_unsuitable_source_is_refused() {
    let (place, elsewhere, backup) = place_and_backup();
    let file = |name: &str, bytes: &[u8]| {
        let path = elsewhere.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let damaged = damage_threads(&backup);
    let no_threads = elsewhere.path().join("no threads");
    Connection::open(&no_threads).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let foreign = elsewhere.path().join("another program's");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE threads (x)").unwrap();
    let before = snapshot(place.folder.path());
    for (source, why) in [
        (elsewhere.path().join("missing"), "cannot restore from it: no such file"),
        (elsewhere.path().to_owned(), "cannot restore from it: it is a folder"),
        (file("empty", b""), "cannot restore from it: the file is empty"),
        (file("garbage", &[7; 5000]), "cannot restore from it: not a SQLite database, or encrypted"),
        (file("damaged", &damaged), "cannot restore from it: it is damaged: "),
        (no_threads, "cannot restore from it: it has no table of threads"),
        (foreign, "cannot restore from it: the table `threads` has no column `id`"),
        (place.folder.path().join(".").join("state_5.sqlite"), "is the database itself"),
    ] {
        let error = restore_into(&place.database, &source, &place.options(), noon()).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.starts_with(&format!("{}: {why}", source.display())), "{text}");
        assert_eq!(hints(&error).len(), 1, "{text}");
        if !text.ends_with("itself") {
            assert!(check_backup(&source, &place.options()).is_err(), "{text}");
        }
    }
    check_backup(&backup, &place.options()).unwrap();
    // Apart from the staging folder, which was created and removed.
    let after = snapshot(place.folder.path());
    assert_eq!(before.get(&place.database), after.get(&place.database));
    assert_eq!(before.len(), after.len());
}

#[test]
fn an_unusable_target_is_moved_aside_with_its_neighbours() {
    let aside = "state_5.sqlite.damaged-20260822T120000Z";
    let mut torn = fs::read(Place::with(FILLED).database).unwrap();
    torn[100..4096].fill(0xff);
    for content in [&[7; 5000][..], b"", &torn] {
        let (place, _elsewhere, backup) = place_and_backup();
        fs::write(&place.database, content).unwrap();
        for suffix in ["-wal", "-shm", "-journal"] {
            fs::write(place.beside(suffix), suffix).unwrap();
        }
        // A name that is in use is not used again.
        fs::write(place.folder.path().join(format!("{aside}-wal")), "precious").unwrap();
        let report = restore_into(&place.database, &backup, &place.options(), noon()).unwrap();
        assert!(report.replaced_file);
        let moved: Vec<_> =
            report.moved_aside.iter().map(|moved| moved.to.file_name().unwrap().to_str().unwrap()).collect();
        assert!(moved.contains(&&*format!("{aside}-2")), "{moved:?}");
        assert_eq!(fs::read(with_suffix(&place.database, ".damaged-20260822T120000Z-2")).unwrap(), content);
        assert_eq!(fs::read_to_string(place.folder.path().join(format!("{aside}-wal"))).unwrap(), "precious");
        assert_eq!(state(&place.database), expected(61, 0, "delete"));
        for suffix in ["-wal", "-shm", "-journal"] {
            assert!(!place.beside(suffix).exists(), "{suffix}");
        }
    }
}

#[test]
fn a_missing_target_is_created_and_leftovers_do_not_get_into_it() {
    let (place, _elsewhere, backup) = place_and_backup();
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run("UPDATE threads SET title = 'lost'"), "done");
    codex.kill();
    fs::remove_file(&place.database).unwrap();
    let report = restore_into(&place.database, &backup, &place.options(), noon()).unwrap();
    assert!(report.replaced_file);
    assert_eq!(report.moved_aside.len(), 2, "{report:?}");
    assert_eq!(state(&place.database), expected(61, 0, "delete"));
}

#[test]
fn a_damaged_page_deep_in_the_target_is_overwritten() {
    let (place, _elsewhere, backup) = place_and_backup();
    fs::write(&place.database, damage_threads(&place.database)).unwrap();
    assert!(check_backup(&place.database, &place.options()).is_err());
    let report = restore_into(&place.database, &backup, &place.options(), noon()).unwrap();
    assert!(!report.replaced_file);
    assert_eq!(state(&place.database), expected(61, 0, "wal"));
}

#[test]
fn restores_beside_a_busy_codex_never_corrupt() {
    let (place, _elsewhere, backup) = place_and_backup();
    let stop = AtomicBool::new(false);
    let options = OpenOptions { busy_timeout: Duration::from_secs(20), ..place.options() };
    std::thread::scope(|scope| {
        let codex = scope.spawn(|| {
            let connection = place.connect();
            connection.busy_timeout(Duration::from_secs(20)).unwrap();
            let mut writes = 0;
            while !stop.load(Ordering::Relaxed) {
                let sql = format!("BEGIN IMMEDIATE; UPDATE threads SET title = 'codex {writes}'; COMMIT");
                connection.execute_batch(&sql).unwrap();
                assert_eq!(titled(&connection, "nothing"), 0);
                std::thread::sleep(Duration::from_millis(2));
                writes += 1;
            }
            writes
        });
        let reader = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let mut reader = Reader::open(&place.database, &options).unwrap();
                let (rows, distinct) = reader
                    .read(|connection| -> anyhow::Result<_> {
                        Ok(connection.query_row(
                            "SELECT count(*), count(DISTINCT title) FROM threads",
                            [],
                            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
                        )?)
                    })
                    .unwrap();
                // All rows are from before the restore, or all are from after it.
                assert!(rows == 61 || rows == 31, "{rows}");
                assert_eq!(distinct, 1);
            }
        });
        for _ in 0..8 {
            restore_into(&place.database, &backup, &options, noon()).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        assert!(codex.join().unwrap() > 0);
        reader.join().unwrap();
    });
    let (_, _, verdict, mode) = state(&place.database);
    assert_eq!((verdict.as_str(), mode.as_str()), ("ok", "wal"));
    Writer::open(&place.database, &place.options()).unwrap();
}
