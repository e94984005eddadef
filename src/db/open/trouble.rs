//! Explains failures of a database so that a person can act on them. It does not print them.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::error::WithHint as _;

/// The classes of failure that callers distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The file does not exist.
    Missing,
    /// The path is that of a folder, a socket or the like.
    NoFile,
    /// The file has no bytes.
    Empty,
    /// The file is not a SQLite database, or is encrypted.
    NotADatabase,
    /// The database's contents are damaged.
    Damaged,
    /// Another process holds the lock beyond the timeout.
    Busy,
    /// The file, its folder or the file system cannot be written.
    ReadOnly,
    /// The system denies access.
    Permission,
    /// SQLite cannot open it, or a file beside it.
    CannotOpen,
    /// The disk is full.
    DiskFull,
    /// The system failed to read or write.
    Io,
    /// The run was interrupted, by Ctrl-C for example.
    Interrupted,
    /// Anything else, such as a statement that does not fit this schema.
    Other,
}

impl Trouble {
    /// Returns the class of a failure, from anywhere in the chain of causes; `None` if no database was the cause.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Option<Self> {
        error.chain().find_map(|cause| {
            if let Some(reason) = cause.downcast_ref::<FailureReason>() {
                Some(reason.trouble)
            } else {
                cause.downcast_ref::<rusqlite::Error>().map(class)
            }
        })
    }

    /// Returns true if the database can be neither read nor restored into, and must be moved aside.
    #[must_use]
    pub fn is_unusable(self) -> bool {
        matches!(self, Self::Empty | Self::NotADatabase | Self::Damaged)
    }
}

/// Returns SQLite's own error within a failure.
#[must_use]
pub fn sqlite_error(error: &anyhow::Error) -> Option<&rusqlite::Error> {
    error.chain().find_map(|cause| match cause.downcast_ref::<FailureReason>() {
        Some(reason) => match &reason.source {
            Some(TroubleSource::Sqlite(error)) => Some(error),
            _ => None,
        },
        None => cause.downcast_ref(),
    })
}

/// Returns the reason of a failure, without path and hint.
pub(in crate::db) fn reason(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| cause.downcast_ref::<FailureReason>()).map(ToString::to_string)
}

/// The reason of a failure with its class, as one link in the chain of causes.
#[derive(Debug)]
struct FailureReason {
    trouble: Trouble,
    text: String,
    source: Option<TroubleSource>,
}

#[derive(Debug)]
enum TroubleSource {
    /// Kept for its code; its text is not shown, because it repeats the reason.
    Sqlite(rusqlite::Error),
    System(io::Error),
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for FailureReason {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.source {
            Some(TroubleSource::System(error)) => Some(error),
            Some(TroubleSource::Sqlite(_)) | None => None,
        }
    }
}

/// Turns SQLite's error about the database `path` into one for people: `path: cannot {doing}: why`, with a hint. It
/// contains SQLite's error: [`Trouble::of`] finds its class, [`sqlite_error`] the error.
///
/// `doing` follows "cannot": `open the database`, `read the threads`.
#[must_use]
pub fn explain(error: rusqlite::Error, path: &Path, doing: &str) -> anyhow::Error {
    let trouble = class(&error);
    let text = match trouble {
        Trouble::Busy => "locked by another process".to_owned(),
        Trouble::NotADatabase => "not a SQLite database, or encrypted".to_owned(),
        Trouble::Damaged => format!("the database is damaged ({error})"),
        Trouble::ReadOnly if extended_code(&error) == Some(ffi::SQLITE_READONLY_DBMOVED) => {
            "the database was moved or replaced meanwhile".to_owned()
        }
        Trouble::ReadOnly => "the file or its folder cannot be written".to_owned(),
        Trouble::Permission => "permission denied".to_owned(),
        Trouble::CannotOpen => format!("SQLite cannot open it, or a file beside it ({error})"),
        Trouble::Interrupted => "interrupted".to_owned(),
        Trouble::DiskFull => "no space left, in its folder or in the temporary one".to_owned(),
        Trouble::Io => format!("the system failed at reading or writing ({error})"),
        Trouble::Other if matches!(error, rusqlite::Error::StatementChangedRows(_)) => {
            "a trigger of the database keeps the row from being written".to_owned()
        }
        // SQLite's own message is the only reason known: use it as the reason, without repeating it as the cause.
        Trouble::Missing | Trouble::NoFile | Trouble::Empty | Trouble::Other => {
            return anyhow::Error::new(error).context(format!("{}: cannot {doing}", path.display()));
        }
    };
    because(trouble, text, Some(TroubleSource::Sqlite(error)), path, doing)
}

/// Explains, like [`explain`], an error that is SQLite's own; any other error says already what failed.
#[must_use]
pub fn explain_own(error: anyhow::Error, path: &Path, doing: &str) -> anyhow::Error {
    match error.downcast::<rusqlite::Error>() {
        Ok(error) => explain(error, path, doing),
        Err(error) => error,
    }
}

/// Explains, like [`explain`], a system error about the database `path` or a file beside it.
#[must_use]
pub fn explain_io(error: io::Error, path: &Path, doing: &str) -> anyhow::Error {
    let (trouble, text) = match error.kind() {
        _ if is_in_use(&error) => (Trouble::Busy, "another program has it open"),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            (Trouble::Missing, "no such file or folder")
        }
        io::ErrorKind::PermissionDenied => (Trouble::Permission, "permission denied"),
        io::ErrorKind::ReadOnlyFilesystem => (Trouble::ReadOnly, "the file system is read-only"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (Trouble::DiskFull, "no space left"),
        _ => (Trouble::Io, "the system failed at reading or writing"),
    };
    // These two messages are complete; the others keep the system's message as the cause.
    let source = match trouble {
        Trouble::Missing | Trouble::Permission => None,
        _ => Some(TroubleSource::System(error)),
    };
    because(trouble, text.to_owned(), source, path, doing)
}

/// Returns true if Windows refuses because another program has opened the file, or locked a part of it, exclusively.
fn is_in_use(error: &io::Error) -> bool {
    const ERROR_SHARING_VIOLATION: i32 = 32;
    const ERROR_LOCK_VIOLATION: i32 = 33;
    cfg!(windows) && matches!(error.raw_os_error(), Some(ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION))
}

/// Returns a failure that neither SQLite nor the system reported.
#[must_use]
pub(crate) fn refuse(trouble: Trouble, text: impl Into<String>, path: &Path, doing: &str) -> anyhow::Error {
    because(trouble, text.into(), None, path, doing)
}

fn because(
    trouble: Trouble,
    text: String,
    source: Option<TroubleSource>,
    path: &Path,
    doing: &str,
) -> anyhow::Error {
    let is_mounted_so = matches!(&source, Some(TroubleSource::System(error)) if error.kind() == io::ErrorKind::ReadOnlyFilesystem);
    let hint = if is_mounted_so { Some(MOUNT.to_owned()) } else { hint(trouble, path) };
    let error = anyhow::Error::new(FailureReason { trouble, text, source });
    let error = error.context(format!("{}: cannot {doing}", path.display()));
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The hint if permissions are not the problem.
const MOUNT: &str = "mount its file system for writing, or name a copy elsewhere with --codex-home or --db";

/// Returns the hint for a class.
fn hint(trouble: Trouble, path: &Path) -> Option<String> {
    let is_folder = path.is_dir();
    // A missing file cannot be created because of the nearest folder that exists.
    let denied_by = path.ancestors().skip(1).find(|folder| folder.is_dir()).filter(|_| !path.exists());
    let path = path.display();
    Some(match trouble {
        Trouble::Missing => {
            "name the database with `--db FILE`, or its folder with `--sqlite-home DIR`".into()
        }
        Trouble::NoFile => "name a file with `--db FILE`".into(),
        Trouble::Busy => {
            "run it again, with a longer `--busy-timeout SECONDS`, or after Codex has ended".into()
        }
        Trouble::Empty | Trouble::NotADatabase | Trouble::Damaged => {
            "close Codex and run `codex-state rebuild`: it makes a new one with everything that can still be read".into()
        }
        Trouble::ReadOnly | Trouble::Permission if is_folder => format!("check the permissions of {path}"),
        Trouble::ReadOnly | Trouble::Permission => match denied_by {
            Some(folder) => format!("check the permissions of {}", folder.display()),
            None => format!("check the permissions of {path}, of its -wal and -shm, and of their folder"),
        },
        Trouble::CannotOpen => format!("check {path}, its -wal and -shm, and their folder"),
        Trouble::DiskFull => "free some space, then run it again: what was committed stays".into(),
        Trouble::Io => "check the disk or the network drive, then run it again".into(),
        Trouble::Interrupted => "what was written stays; run the command again to carry on".into(),
        Trouble::Other => return None,
    })
}

pub(in crate::db) fn class(error: &rusqlite::Error) -> Trouble {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            Trouble::Busy
        }
        Some(ErrorCode::NotADatabase) => Trouble::NotADatabase,
        Some(ErrorCode::DatabaseCorrupt) => Trouble::Damaged,
        Some(ErrorCode::ReadOnly) => Trouble::ReadOnly,
        Some(ErrorCode::PermissionDenied) => Trouble::Permission,
        Some(ErrorCode::CannotOpen) => Trouble::CannotOpen,
        Some(ErrorCode::DiskFull) => Trouble::DiskFull,
        Some(ErrorCode::OperationInterrupted) => Trouble::Interrupted,
        // SQLite could not extend the -shm file beside the database.
        Some(ErrorCode::SystemIoFailure) if extended_code(error) == Some(ffi::SQLITE_IOERR_SHMSIZE) => {
            Trouble::DiskFull
        }
        Some(ErrorCode::SystemIoFailure) => Trouble::Io,
        _ => Trouble::Other,
    }
}

/// Returns SQLite's error for a file that cannot be written.
pub(super) fn read_only() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_READONLY), None)
}

/// Returns SQLite's extended result code, if the error has one.
pub(super) fn extended_code(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::is_busy;
    use crate::error::hints;

    fn sqlite(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn each_class_names_path_reason_and_hint() {
        let path = Path::new("/home/dev/.codex/state_5.sqlite");
        for (code, trouble, why) in [
            (ffi::SQLITE_BUSY, Trouble::Busy, "locked by another process"),
            (ffi::SQLITE_BUSY_SNAPSHOT, Trouble::Busy, "locked by another process"),
            (ffi::SQLITE_LOCKED, Trouble::Busy, "locked by another process"),
            (ffi::SQLITE_NOTADB, Trouble::NotADatabase, "not a SQLite database, or encrypted"),
            (ffi::SQLITE_CORRUPT, Trouble::Damaged, "the database is damaged"),
            (ffi::SQLITE_CORRUPT_INDEX, Trouble::Damaged, "the database is damaged"),
            (ffi::SQLITE_READONLY, Trouble::ReadOnly, "the file or its folder cannot be written"),
            (ffi::SQLITE_READONLY_DBMOVED, Trouble::ReadOnly, "the database was moved or replaced meanwhile"),
            (ffi::SQLITE_PERM, Trouble::Permission, "permission denied"),
            (ffi::SQLITE_CANTOPEN, Trouble::CannotOpen, "SQLite cannot open it, or a file beside it"),
            (ffi::SQLITE_FULL, Trouble::DiskFull, "no space left, in its folder or in the temporary one"),
            (
                ffi::SQLITE_IOERR_SHMSIZE,
                Trouble::DiskFull,
                "no space left, in its folder or in the temporary one",
            ),
            (ffi::SQLITE_IOERR_READ, Trouble::Io, "the system failed at reading or writing"),
        ] {
            let error = explain(sqlite(code), path, "read the threads").context("verify stopped");
            let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
            assert_eq!(chain[0], "verify stopped");
            assert_eq!(chain[1], "/home/dev/.codex/state_5.sqlite: cannot read the threads");
            assert!(chain[2].starts_with(why), "{chain:?}");
            assert_eq!(chain.len(), 3, "{chain:?}");
            assert_eq!(Trouble::of(&error), Some(trouble), "{code}");
            assert_eq!(is_busy(&error), trouble == Trouble::Busy);
            assert!(sqlite_error(&error).is_some(), "{code}");
            assert_eq!(hints(&error).len(), 1, "{code}");
        }
    }

    #[test]
    fn other_errors_are_shown_unchanged() {
        let error = explain(
            rusqlite::Error::InvalidColumnName("preview".into()),
            Path::new("db"),
            "read the threads",
        );
        assert_eq!(format!("{error:#}"), "db: cannot read the threads: Invalid column name: preview");
        assert_eq!(Trouble::of(&error), Some(Trouble::Other));
        assert_eq!(Trouble::of(&anyhow::anyhow!("x")), None);
    }

    #[test]
    fn a_damaged_database_comes_with_the_command() {
        let error = explain(sqlite(ffi::SQLITE_CORRUPT), Path::new("/x/state_5.sqlite"), "open the database");
        assert_eq!(
            hints(&error)[0].0,
            "close Codex and run `codex-state rebuild`: it makes a new one with everything that can still be read"
        );
    }

    #[test]
    fn on_a_read_only_file_system_the_hint_does_not_blame_permissions() {
        let error = io::Error::from(io::ErrorKind::ReadOnlyFilesystem);
        let error = explain_io(error, Path::new("/x/state_5.sqlite"), "open the database");
        assert_eq!(Trouble::of(&error), Some(Trouble::ReadOnly));
        assert_eq!(hints(&error)[0].0, MOUNT);
    }

    #[test]
    fn an_error_of_sqlite_without_explanation_has_its_class_too() {
        let error = anyhow::Error::new(sqlite(ffi::SQLITE_BUSY)).context("cannot begin");
        assert!(is_busy(&error));
    }
}
