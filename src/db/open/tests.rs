//! Tests of [`super`]: reading leaves every byte unchanged, writing changes only what it is told.

use super::reader::*;
use super::*;
use crate::db::testing::{FILLED, Place, Process, assert_unchanged, is_busy, read_titled, snapshot, titled};
use crate::error::hints;
use rusqlite::Connection;
use std::fs;
use std::time::{Duration, Instant};

const TITLE: &str = "written by the test";
const WRITE: &str = "UPDATE threads SET title = 'written by the test'";

fn write(connection: &Connection) {
    connection.execute_batch(WRITE).unwrap();
}

/// Reads `place` twice, and asserts the access, the rows seen, and that nothing changed.
#[track_caller]
fn check_read(place: &Place, access: Access, expected: i64) {
    let before = snapshot(place.folder.path());
    let mut reader = Reader::open(&place.database, &place.options()).unwrap();
    for _ in 0..2 {
        let seen = read_titled(&mut reader, TITLE).unwrap();
        assert_eq!((reader.access(), seen), (access, expected));
    }
    drop(reader);
    assert_unchanged(&before, &snapshot(place.folder.path()));
    place.assert_no_leftovers();
}

#[test]
fn without_a_wal_it_is_read_as_immutable() {
    for golden in [FILLED, "filled-2026-01.state.sqlite"] {
        check_read(&Place::with(golden), Access::Immutable, 0);
    }
}

#[test]
fn an_empty_wal_counts_as_missing() {
    let place = Place::with(FILLED);
    fs::write(place.beside("-wal"), "").unwrap();
    check_read(&place, Access::Immutable, 0);
}

#[test]
fn a_leftover_shm_alone_counts_as_missing() {
    let place = Place::with(FILLED);
    fs::write(place.beside("-shm"), [0; 32768]).unwrap();
    check_read(&place, Access::Immutable, 0);
}

#[test]
fn a_live_codex_is_read_through_its_shm() {
    let place = Place::with(FILLED);
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run("SELECT count(*) FROM threads"), "done");
    // Idle, with an empty -wal: all rows are in the database.
    check_read(&place, Access::Immutable, 0);
    assert_eq!(codex.run(WRITE), "done");
    check_read(&place, Access::Shared, 61);
    // In the middle of a transaction.
    assert_eq!(codex.run("BEGIN IMMEDIATE; UPDATE threads SET title = 'x'"), "done");
    check_read(&place, Access::Shared, 61);
    assert_eq!(codex.run("COMMIT"), "done");
    check_read(&place, Access::Shared, 0);
    // Our reader does not prevent its cleanup.
    codex.end();
    assert!(!place.beside("-wal").exists());
    check_read(&place, Access::Immutable, 0);
}

#[test]
fn files_of_a_killed_codex_are_read_and_stay_unchanged() {
    let place = Place::with(FILLED);
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run(WRITE), "done");
    codex.kill();
    assert!(place.beside("-wal").metadata().unwrap().len() > 0);
    check_read(&place, Access::Shared, 61);
    // The same without the -shm, as after restoring a file backup.
    fs::remove_file(place.beside("-shm")).unwrap();
    check_read(&place, Access::Copy, 61);
}

#[test]
fn a_shm_that_was_never_filled_does_not_prevent_reading() {
    let place = Place::with(FILLED);
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run(WRITE), "done");
    codex.kill();
    for content in [&b""[..], &[0; 3], &[0; 32768], &[0xa5; 32768]] {
        fs::write(place.beside("-shm"), content).unwrap();
        check_read(&place, Access::Shared, 61);
    }
}

#[test]
fn a_hot_journal_is_rolled_back_in_a_private_copy() {
    let place = Place::with(FILLED);
    place.connect().execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run(&format!("PRAGMA cache_size = 2; BEGIN; {WRITE}; {WRITE} || 'x'")), "done");
    // SQLite decides whether the journal is still locked; what matters is that reading changes nothing.
    codex.kill();
    let journal = fs::read(place.beside("-journal")).unwrap();
    assert_ne!(journal[0], 0, "no hot journal, so nothing is tested here");
    check_read(&place, Access::Copy, 0);
    // The writer recovers.
    let writer = Writer::open(&place.database, &place.options()).unwrap();
    assert_eq!(titled(writer.connection(), TITLE), 0);
    assert!(!place.beside("-journal").exists());
}

#[test]
fn a_rollback_writer_at_work_is_read_under_its_locks() {
    let place = Place::with(FILLED);
    place.connect().execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    let mut codex = Process::on(&place.database);
    assert_eq!(
        codex.run("PRAGMA synchronous = OFF; BEGIN IMMEDIATE; UPDATE threads SET title = title || 'x'"),
        "done"
    );
    assert!(place.beside("-journal").exists());
    check_read(&place, Access::Locked, 0);
    // Once the writer has spilled into the file, the reader must wait.
    assert_eq!(codex.run(&format!("PRAGMA cache_size = 1; {WRITE}; {WRITE} || 'x'")), "done");
    let before = snapshot(place.folder.path());
    let error = Reader::open(&place.database, &place.options()).unwrap_err();
    assert!(is_busy(&error), "{error:#}");
    assert_unchanged(&before, &snapshot(place.folder.path()));
    assert_eq!(codex.run("ROLLBACK"), "done");
    check_read(&place, Access::Immutable, 0);
}

#[test]
fn a_change_under_an_immutable_read_is_noticed() {
    for journal in ["DELETE", "WAL"] {
        let place = Place::with(FILLED);
        place.connect().execute_batch(&format!("PRAGMA journal_mode = {journal}")).unwrap();
        let mut reader = Reader::open(&place.database, &place.options()).unwrap();
        assert_eq!(reader.access(), Access::Immutable);
        let mut runs = 0;
        let seen = reader.read(|connection| -> anyhow::Result<_> {
            runs += 1;
            let seen = titled(connection, TITLE);
            if runs == 1 {
                write(&place.connect());
            }
            Ok(seen)
        });
        assert_eq!((seen.unwrap(), runs), (61, 2), "{journal}");
        // Also between two reads.
        place.connect().execute_batch("UPDATE threads SET title = 'again'").unwrap();
        assert_eq!(read_titled(&mut reader, "again").unwrap(), 61, "{journal}");
    }
}

#[test]
fn a_database_that_keeps_changing_is_busy() {
    let place = Place::with(FILLED);
    let mut reader = Reader::open(&place.database, &place.options()).unwrap();
    let error = reader
        .read(|_| place.connect().execute_batch("UPDATE threads SET title = title || 'x'"))
        .unwrap_err();
    assert!(is_busy(&error), "{error:#}");
    assert!(
        format!("{error:#}")
            .ends_with("cannot read the database: it changes again and again while it is read")
    );
}

#[test]
fn one_read_sees_one_state() {
    let place = Place::with(FILLED);
    let codex = place.connect();
    write(&codex);
    let mut reader = Reader::open(&place.database, &place.options()).unwrap();
    let seen = reader.read(|connection| -> anyhow::Result<_> {
        let before = titled(connection, TITLE);
        codex.execute_batch("UPDATE threads SET title = 'x'").unwrap();
        Ok((before, titled(connection, TITLE)))
    });
    assert_eq!(seen.unwrap(), (61, 61));
    assert_eq!(reader.access(), Access::Shared);
    // Only until the next read.
    assert_eq!(read_titled(&mut reader, TITLE).unwrap(), 0);
}

#[test]
fn a_reader_cannot_write() {
    let place = Place::with(FILLED);
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run(WRITE), "done");
    codex.kill();
    for access in [Access::Shared, Access::Copy, Access::Immutable] {
        let mut reader = Reader::open(&place.database, &place.options()).unwrap();
        assert_eq!(reader.access(), access);
        let error = reader.read(|connection| connection.execute_batch(WRITE)).unwrap_err();
        assert_eq!(Trouble::of(&error), Some(Trouble::ReadOnly), "{access:?}: {error:#}");
        match access {
            Access::Shared => fs::remove_file(place.beside("-shm")).unwrap(),
            _ => fs::remove_file(place.beside("-wal")).unwrap_or_default(),
        }
    }
}

#[test]
fn a_private_copy_is_private_and_reused() {
    let place = Place::with(FILLED);
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run(WRITE), "done");
    codex.kill();
    fs::remove_file(place.beside("-shm")).unwrap();
    let mut reader = Reader::open(&place.database, &place.options()).unwrap();
    let copies = || -> Vec<_> {
        fs::read_dir(place.temporary()).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let copy = copies();
    assert_eq!(copy.len(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&copy[0]).unwrap().permissions().mode() & 0o777, 0o700);
    }
    read_titled(&mut reader, TITLE).unwrap();
    assert_eq!(copies(), copy);
    // A Codex recovers the original: the copy is out of date and is deleted.
    place.connect().execute_batch("UPDATE threads SET title = 'x'").unwrap();
    assert_eq!(read_titled(&mut reader, "x").unwrap(), 61);
    place.assert_no_leftovers();
}

#[test]
fn any_path_can_be_opened() {
    let mut names: Vec<std::ffi::OsString> = vec!["a b".into(), "ü&x=1 #%41+;".into(), "file%3Ax".into()];
    if cfg!(unix) {
        names.push("what? file:x?mode=memory".into());
        names.push("back\\slash\"'".into());
    }
    #[cfg(target_os = "linux")]
    names.push(std::os::unix::ffi::OsStringExt::from_vec(b"not \xff UTF-8".to_vec()));
    for name in names {
        let place = Place::with(FILLED);
        let folder = place.folder.path().join(&name);
        fs::create_dir(&folder).unwrap();
        let database = folder.join(&name);
        fs::rename(&place.database, &database).unwrap();
        let mut reader = Reader::open(&database, &place.options()).unwrap();
        assert_eq!(read_titled(&mut reader, TITLE).unwrap(), 0);
        let writer = Writer::open(&database, &place.options()).unwrap();
        write(writer.connection());
        assert_eq!(read_titled(&mut reader, TITLE).unwrap(), 61);
        assert_eq!(reader.access(), Access::Shared, "the -wal is looked for elsewhere: {name:?}");
        writer.close().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_files_beside_the_database() {
    let place = Place::with(FILLED);
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run(WRITE), "done");
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link.sqlite");
    std::os::unix::fs::symlink(&place.database, &link).unwrap();
    let mut reader = Reader::open(&link, &place.options()).unwrap();
    assert_eq!(read_titled(&mut reader, TITLE).unwrap(), 61);
    assert_eq!(reader.path(), link);
    drop(reader);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
    codex.end();
}

/// Root may write anywhere; then the permissions are set but have no effect.
#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let lock = |place: &Place, locked: bool| {
        for entry in fs::read_dir(place.folder.path()).unwrap() {
            let mode = if locked { 0o400 } else { 0o600 };
            fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(mode)).unwrap();
        }
        let mode = if locked { 0o500 } else { 0o700 };
        fs::set_permissions(place.folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    };
    let check = |place: &Place, access, expected| {
        lock(place, true);
        check_read(place, access, expected);
        lock(place, false);
    };
    let place = Place::with(FILLED);
    check(&place, Access::Immutable, 0);
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run(WRITE), "done");
    check(&place, Access::Shared, 61);
    codex.kill();
    check(&place, Access::Shared, 61);
    fs::remove_file(place.beside("-shm")).unwrap();
    check(&place, Access::Copy, 61);
}

#[test]
fn files_that_are_not_databases_are_refused_with_reason_and_hint() {
    let place = Place::with(FILLED);
    let folder = place.folder.path();
    fs::create_dir(folder.join("folder")).unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    fs::write(folder.join("short"), "no").unwrap();
    fs::write(folder.join("garbage"), (0..9000_u32).map(|n| (n * 7) as u8).collect::<Vec<_>>()).unwrap();
    let mut damaged = fs::read(&place.database).unwrap();
    damaged[100..4096].fill(0xff);
    fs::write(folder.join("damaged"), &damaged).unwrap();
    fs::write(folder.join("truncated"), &damaged[..200]).unwrap();
    for (name, trouble, why) in [
        ("missing", Trouble::Missing, "no such file or folder"),
        ("folder", Trouble::NoFile, "it is a folder"),
        ("empty", Trouble::Empty, "the file is empty"),
        ("short", Trouble::NotADatabase, "not a SQLite database, or encrypted"),
        ("garbage", Trouble::NotADatabase, "not a SQLite database, or encrypted"),
        ("damaged", Trouble::Damaged, "the database is damaged"),
        ("truncated", Trouble::Damaged, "the database is damaged"),
    ] {
        let path = folder.join(name);
        let before = snapshot(folder);
        let reading = Reader::open(&path, &place.options()).unwrap_err();
        assert_unchanged(&before, &snapshot(folder));
        let errors = [reading, Writer::open(&path, &place.options()).unwrap_err()];
        for error in errors {
            let text = format!("{error:#}");
            assert!(
                text.starts_with(&format!("{}: cannot open the database: {why}", path.display())),
                "{text}"
            );
            assert_eq!(Trouble::of(&error), Some(trouble), "{text}");
            assert_eq!(hints(&error).len(), 1, "{text}");
        }
    }
}

#[test]
fn an_error_of_the_caller_is_returned_unchanged() {
    let place = Place::with(FILLED);
    let mut reader = Reader::open(&place.database, &place.options()).unwrap();
    let error = reader.read(|_| -> anyhow::Result<()> { anyhow::bail!("no such thread") }).unwrap_err();
    assert_eq!(format!("{error:#}"), "no such thread");
    let error =
        reader.read(|connection| connection.execute_batch("SELECT nothing FROM threads")).unwrap_err();
    assert!(
        format!("{error:#}")
            .starts_with(&format!("{}: cannot read the database: ", place.database.display()))
    );
}

#[test]
fn a_writer_leaves_the_journal_mode() {
    for (mode, synchronous) in [("wal", 1), ("delete", 2), ("truncate", 2)] {
        let place = Place::with(FILLED);
        place.connect().execute_batch(&format!("PRAGMA journal_mode = {mode}")).unwrap();
        let mut writer = Writer::open(&place.database, &place.options()).unwrap();
        let pragma = |writer: &Writer, name| -> i64 {
            writer.connection().pragma_query_value(None, name, |row| row.get(0)).unwrap()
        };
        assert_eq!(pragma(&writer, "synchronous"), synchronous, "{mode}");
        assert_eq!(pragma(&writer, "foreign_keys"), 1);
        writer.transaction_immediate(|transaction| Ok(transaction.execute_batch(WRITE)?)).unwrap();
        writer.close().unwrap();
        let header = fs::read(&place.database).unwrap();
        let version = if mode == "wal" { 2 } else { 1 };
        assert_eq!(header[18..20], [version, version], "{mode}");
        assert!(!place.beside("-wal").exists());
        assert_eq!(titled(&place.connect(), TITLE), 61);
    }
}

#[test]
fn a_transaction_that_fails_leaves_nothing() {
    let place = Place::with(FILLED);
    let mut writer = Writer::open(&place.database, &place.options()).unwrap();
    let error = writer
        .transaction_immediate(|transaction| -> anyhow::Result<()> {
            write(transaction);
            anyhow::bail!("changed my mind")
        })
        .unwrap_err();
    assert_eq!(error.to_string(), "changed my mind");
    assert_eq!(titled(writer.connection(), TITLE), 0);
    writer.transaction_immediate(|transaction| Ok(transaction.execute_batch(WRITE)?)).unwrap();
    assert_eq!(titled(writer.connection(), TITLE), 61);
}

#[test]
fn a_writer_waits_for_another_but_not_forever() {
    let place = Place::with(FILLED);
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run("BEGIN IMMEDIATE"), "done");
    let mut writer = Writer::open(&place.database, &place.options()).unwrap();
    let start = Instant::now();
    let error = writer.transaction_immediate(|_| Ok(())).unwrap_err();
    assert!(is_busy(&error), "{error:#}");
    assert!(start.elapsed() >= place.options().busy_timeout, "{:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(codex.run("COMMIT"), "done");
    writer.transaction_immediate(|transaction| Ok(transaction.execute_batch(WRITE)?)).unwrap();
}

#[test]
fn a_locked_database_is_busy_at_opening() {
    let place = Place::with(FILLED);
    let mut codex = Process::on(&place.database);
    assert_eq!(codex.run(&format!("PRAGMA locking_mode = EXCLUSIVE; {WRITE}")), "done");
    assert_eq!(codex.run("BEGIN EXCLUSIVE; UPDATE threads SET title = 'x'"), "done");
    let error = Writer::open(&place.database, &place.options()).unwrap_err();
    assert!(is_busy(&error), "{error:#}");
    assert!(hints(&error)[0].0.contains("--busy-timeout"));
}

/// Closing a descriptor of a file releases the locks that the process holds on it; see `snapshot::kept_open`.
#[test]
fn a_reader_does_not_drop_the_locks_of_a_writer_in_this_process() {
    let place = Place::with(FILLED);
    place.connect().execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    let mut other = Process::on(&place.database);
    let mut writer = Writer::open(&place.database, &place.options()).unwrap();
    writer
        .transaction_immediate(|transaction| {
            write(transaction);
            let mut reader = Reader::open(&place.database, &place.options())?;
            assert_eq!(read_titled(&mut reader, TITLE)?, 0);
            drop(reader);
            crate::sys::FileIdentity::of(&place.database)?;
            assert_eq!(other.run("BEGIN IMMEDIATE"), "database is locked");
            Ok(())
        })
        .unwrap();
    assert_eq!(titled(&place.connect(), TITLE), 61);
}
