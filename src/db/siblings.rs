//! Checks the other databases that Codex opens when it starts: whether they exist and can be opened.
//!
//! They are opened as a reader opens the state database, so that none of their bytes or times changes.

use super::open::{OpenOptions, Reader, Trouble, reason};
use super::{integrity, ledger};
use crate::home::with_suffix;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A database of Codex beside the state database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sibling {
    /// The file's name.
    pub file_name: &'static str,
    /// Its contents, as the object of "it holds".
    pub holds: &'static str,
    /// The loss if a person moves it aside, as a sentence.
    pub loss: &'static str,
}

/// The database with the projection of paginated threads.
pub const THREAD_HISTORY: &str = "thread_history_1.sqlite";

/// The databases that Codex opens at every start, beside the state database.
pub const SIBLINGS: [Sibling; 5] = [
    Sibling {
        file_name: "goals_1.sqlite",
        holds: "the goals of threads",
        loss: "the goals are lost, no conversation is",
    },
    Sibling {
        file_name: "logs_2.sqlite",
        holds: "logs of the program",
        loss: "the logs are lost, no conversation is",
    },
    Sibling {
        file_name: "memories_1.sqlite",
        holds: "what Codex collected as memories",
        loss: "these memories are lost, no conversation is",
    },
    Sibling {
        file_name: "queue_1.sqlite",
        holds: "messages that wait to be sent",
        loss: "the waiting messages are lost, no conversation is",
    },
    Sibling {
        file_name: THREAD_HISTORY,
        holds: "an index of long conversations",
        loss: "nothing is lost, Codex makes it again from the rollouts",
    },
];

/// The thoroughness of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The header, the schema and the ledger; and every page of databases of at most this many bytes.
    UpTo(u64),
    /// Everything, whatever the size is.
    Full,
}

/// The reason why Codex does not start with a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is not a database, or is damaged; with the reason.
    Damaged(String),
    /// It cannot be opened: a folder, a dangling link, a file without permission; with the reason.
    Unreadable(String),
    /// These migrations in its ledger did not succeed.
    Refused(Vec<i64>),
}

/// Checks one of the databases in `folder`. Returns `None` if Codex can open it, if it is missing, or if a lock of a
/// running Codex prevents reading it.
#[must_use]
pub fn find_problem(
    folder: &Path,
    sibling: &Sibling,
    options: &OpenOptions,
    check: Check,
) -> Option<(PathBuf, Fault)> {
    let path = folder.join(sibling.file_name);
    let fault = match fs::metadata(&path) {
        Ok(metadata) => fault_of(&path, metadata.len(), options, check)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Codex creates a missing file, also behind a link, but not its folder.
            let target = fs::read_link(&path).ok()?;
            let parent = folder.join(target).parent().map(Path::to_owned)?;
            if parent.is_dir() {
                return None;
            }
            Fault::Unreadable("it is a link that leads nowhere".to_owned())
        }
        Err(error) => Fault::Unreadable(error.to_string()),
    };
    Some((path, fault))
}

fn fault_of(path: &Path, size: u64, options: &OpenOptions, check: Check) -> Option<Fault> {
    let is_small = match check {
        Check::UpTo(limit) => size <= limit,
        Check::Full => true,
    };
    if !is_small && must_be_copied(path) {
        return None;
    }
    let found = Reader::open(path, options).and_then(|mut reader| {
        reader.read(|connection| -> anyhow::Result<_> {
            let problem = match check {
                Check::Full => integrity::problems(connection, 1)?.into_iter().next(),
                Check::UpTo(_) if is_small => integrity::first_problem(connection)?,
                // SQLite has already compared the file's length with its header.
                Check::UpTo(_) => None,
            };
            let failed = if problem.is_none() { ledger::failed(connection)? } else { Vec::new() };
            Ok(problem.map(Fault::Damaged).or((!failed.is_empty()).then_some(Fault::Refused(failed))))
        })
    });
    match found {
        Ok(fault) => fault,
        Err(error) => {
            let reason = reason(&error).unwrap_or_else(|| error.root_cause().to_string());
            match Trouble::of(&error) {
                Some(Trouble::NotADatabase | Trouble::Damaged) => Some(Fault::Damaged(reason)),
                Some(Trouble::NoFile | Trouble::Permission) => Some(Fault::Unreadable(reason)),
                // SQLite treats an empty file as a new database. All other failures may be temporary.
                _ => None,
            }
        }
    }
}

/// Returns true if reading the database requires copying it, because a writer left a `-wal` without a `-shm`.
fn must_be_copied(path: &Path) -> bool {
    let size = |suffix| fs::metadata(with_suffix(path, suffix)).map(|metadata| metadata.len()).ok();
    size("-wal").is_some_and(|size| size > 0) && size("-shm").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    const LOGS: &Sibling = &SIBLINGS[1];

    /// Returns a folder with a database of many pages under the name of the logs.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join(LOGS.file_name)).unwrap();
        let sql = "PRAGMA page_size = 1024; CREATE TABLE logs (id INTEGER PRIMARY KEY, body BLOB); \
                   WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) \
                   INSERT INTO logs SELECT i, randomblob(500) FROM n; \
                   CREATE TABLE _sqlx_migrations (version BIGINT, success BOOLEAN, checksum BLOB); \
                   INSERT INTO _sqlx_migrations VALUES (1, 1, X'00'), (2, 1, X'00');";
        connection.execute_batch(sql).unwrap();
        folder
    }

    fn fault(folder: &tempfile::TempDir, check: Check) -> Option<Fault> {
        find_problem(folder.path(), LOGS, &OpenOptions::default(), check).map(|(_, fault)| fault)
    }

    /// Checks the fault after the file's bytes have been changed.
    fn check(change: impl Fn(&mut Vec<u8>), is_fault: impl Fn(Option<&Fault>) -> bool) {
        let folder = folder();
        let path = folder.path().join(LOGS.file_name);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        for check in [Check::UpTo(1 << 20), Check::Full] {
            let fault = fault(&folder, check);
            assert!(is_fault(fault.as_ref()), "{check:?}: {fault:?}");
        }
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no file beside it");
    }

    fn is_damaged(fault: Option<&Fault>) -> bool {
        matches!(fault, Some(Fault::Damaged(reason)) if !reason.is_empty())
    }

    #[test]
    fn a_sound_an_empty_and_a_missing_database_have_no_fault() {
        check(|_| (), |fault| fault.is_none());
        check(|bytes| bytes.clear(), |fault| fault.is_none());
        assert_eq!(fault(&tempfile::tempdir().unwrap(), Check::Full), None);
    }

    #[test]
    fn garbage_a_cut_file_and_a_page_of_something_else_are_damage() {
        check(|bytes| *bytes = b"This is not a database.\n".repeat(100), is_damaged);
        check(|bytes| *bytes = b"short".to_vec(), is_damaged);
        check(|bytes| bytes.truncate(bytes.len() / 2), is_damaged);
        check(|bytes| bytes.truncate(200), is_damaged);
        check(|bytes| bytes[4096..5120].fill(0xa5), is_damaged);
        check(|bytes| bytes[..1024].fill(0), is_damaged);
    }

    #[test]
    fn a_large_database_is_not_read_whole_unless_asked() {
        let folder = folder();
        let path = folder.path().join(LOGS.file_name);
        let mut bytes = fs::read(&path).unwrap();
        bytes[4096..5120].fill(0xa5);
        fs::write(&path, bytes).unwrap();
        assert_eq!(fault(&folder, Check::UpTo(1024)), None);
        assert!(is_damaged(fault(&folder, Check::Full).as_ref()));
    }

    #[test]
    fn a_migration_that_failed_is_refused_and_a_checksum_is_not_judged() {
        let folder = folder();
        let connection = Connection::open(folder.path().join(LOGS.file_name)).unwrap();
        connection.execute_batch("UPDATE _sqlx_migrations SET success = 0 WHERE version = 2").unwrap();
        drop(connection);
        assert_eq!(fault(&folder, Check::UpTo(1 << 20)), Some(Fault::Refused(vec![2])));
    }

    #[test]
    fn a_folder_and_a_link_that_leads_nowhere_cannot_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOGS.file_name);
        fs::create_dir(&path).unwrap();
        assert!(matches!(fault(&folder, Check::Full), Some(Fault::Unreadable(_))));
        #[cfg(unix)]
        {
            fs::remove_dir(&path).unwrap();
            std::os::unix::fs::symlink("gone/logs.sqlite", &path).unwrap();
            assert!(matches!(fault(&folder, Check::Full), Some(Fault::Unreadable(_))));
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink("logs.sqlite", &path).unwrap();
            assert_eq!(fault(&folder, Check::Full), None, "Codex creates it there");
        }
    }
}
