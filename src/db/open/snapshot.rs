//! Examines a database's files before SQLite touches them, and decides how to read it without changing anything. Runs
//! no SQL.

use crate::home::with_suffix;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::sys::{FileIdentity, Links, if_there, open_regular};
#[cfg(any(not(unix), test))]
use crate::sys::{has_drive, with_verbatim_prefix, without_verbatim_prefix};

/// Length of a database's header, which contains the change counter.
const HEADER: usize = 100;
/// Length of the header of a `-wal`, which contains the salts that change when it restarts.
const WAL_HEADER: usize = 32;

/// The ways of opening a database that change nothing in its folder (cli.md, "Which database").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read-only, with the existing `-shm`, which is not written either.
    Shared,
    /// Read-only, with the existing `-shm`; lock marks inside it change.
    SharedMarks,
    /// Read-only, under the locks of a rollback journal.
    Locked,
    /// As an immutable file, without any lock; afterwards we check that nothing changed.
    Immutable,
    /// A private copy in the temporary folder.
    Copy,
}

/// One file, as `stat` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileStat {
    identity: FileIdentity,
    pub(super) len: u64,
    modified: Option<SystemTime>,
    /// Inode change time on Unix; it changes even if a program resets the mtime.
    changed: (i64, i64),
}

impl FileStat {
    #[cfg(unix)]
    fn new(_path: &Path, metadata: &Metadata) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        Ok(Self {
            identity: FileIdentity::of_metadata(metadata),
            len: metadata.len(),
            modified: metadata.modified().ok(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    #[cfg(not(unix))]
    fn new(path: &Path, metadata: &Metadata) -> io::Result<Self> {
        Ok(Self {
            identity: FileIdentity::of(path)?,
            len: metadata.len(),
            modified: metadata.modified().ok(),
            changed: (0, 0),
        })
    }

    fn of(path: &Path) -> io::Result<Option<Self>> {
        let Some(metadata) = if_there(fs::metadata(path))? else { return Ok(None) };
        if_there(Self::new(path, &metadata))
    }
}

/// Everything that shows whether a database changed. If the looks before and after a read are equal, the read saw one
/// state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) main: FileStat,
    /// The first bytes: magic, versions, change counter.
    header: Vec<u8>,
    wal: Option<FileStat>,
    wal_header: Vec<u8>,
    journal: Option<FileStat>,
    journal_header: Vec<u8>,
    /// Only whether it exists, because readers change its bytes.
    has_shm: bool,
}

impl Snapshot {
    /// Examines the database `path` (with links resolved) and the files beside it.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let main = FileStat::of(path)?.ok_or(io::ErrorKind::NotFound)?;
        let mut header = vec![0; HEADER];
        let read = read_at(&*kept_open(path, main.identity)?, &mut header, 0)?;
        header.truncate(read);
        let (wal, wal_header) = beside(path, "-wal", WAL_HEADER)?;
        let (journal, journal_header) = beside(path, "-journal", 1)?;
        let has_shm = FileStat::of(&with_suffix(path, "-shm"))?.is_some();
        Ok(Self { main, header, wal, wal_header, journal, journal_header, has_shm })
    }

    /// Returns the least intrusive way to read what was seen.
    pub(super) fn access(&self) -> Access {
        let has_journal = self.journal_header.first().is_some_and(|&byte| byte != 0);
        let has_frames = self.wal.as_ref().is_some_and(|wal| wal.len > WAL_HEADER as u64);
        if has_frames && self.has_shm {
            // Only if the -wal has frames; without frames all rows are in the database. SQLite would wait ten seconds
            // for another process to repair the -shm of a killed writer, and without a -wal it would create one.
            Access::Shared
        } else if has_frames {
            Access::Copy
        } else if has_journal {
            // The journal is hot or belongs to an active writer; SQLite distinguishes them under the lock.
            Access::Locked
        } else {
            Access::Immutable
        }
    }

    /// Returns true if the header requires a rollback journal; then reading under locks creates no file.
    pub(super) fn is_rollback_mode(&self) -> bool {
        self.header.get(18..20) == Some(&[1, 1])
    }
}

fn beside(path: &Path, suffix: &str, header: usize) -> io::Result<(Option<FileStat>, Vec<u8>)> {
    let path = with_suffix(path, suffix);
    let Some(stamp) = FileStat::of(&path)? else { return Ok((None, Vec::new())) };
    let mut bytes = Vec::new();
    if stamp.len > 0 {
        // SQLite holds no locks on this file, so we may open and close it.
        let Some(file) = if_there(open_regular(&path, Links::Follow))? else { return Ok((None, bytes)) };
        file.take(header as u64).read_to_end(&mut bytes)?;
    }
    Ok((Some(stamp), bytes))
}

/// Copies the database and the files that belong to it (not the `-shm`, which SQLite creates anew) into the folder
/// `to`. Returns the copy's path. The caller looks before and after, so that a torn copy is seen as a change.
pub(super) fn copy_all(path: &Path, seen: &Snapshot, to: &Path) -> io::Result<PathBuf> {
    let copy = to.join("copy.sqlite");
    let main = kept_open(path, seen.main.identity)?;
    copy_from(&main, &copy)?;
    for (suffix, there) in [("-wal", &seen.wal), ("-journal", &seen.journal)] {
        if there.is_some() {
            copy_from(
                &open_regular(&with_suffix(path, suffix), Links::Follow)?,
                &with_suffix(&copy, suffix),
            )?;
        }
    }
    Ok(copy)
}

/// Copies only the content: the copy must be writable, whatever the permissions of the original are.
fn copy_from(from: &File, to: &Path) -> io::Result<()> {
    let mut to = File::create_new(to)?;
    let mut buffer = vec![0; 1 << 18];
    let mut offset = 0;
    loop {
        let read = read_at(from, &mut buffer, offset)?;
        if read == 0 {
            return Ok(());
        }
        io::Write::write_all(&mut to, &buffer[..read])?;
        offset += read as u64;
    }
}

/// Opens a database file to read its bytes without SQLite, and keeps it open until the process ends.
///
/// On Unix, closing *any* descriptor of a file releases *all* locks that the process holds on it. That includes those
/// of SQLite's connections, which protect the database from corruption. So we keep one descriptor per database and
/// never close it, as SQLite itself does. Callers that use another path of the same file share it.
#[cfg(unix)]
fn kept_open(path: &Path, identity: FileIdentity) -> io::Result<Arc<File>> {
    use std::collections::HashMap;
    use std::sync::{Mutex, OnceLock, PoisonError};

    static KEPT: OnceLock<Mutex<HashMap<FileIdentity, Arc<File>>>> = OnceLock::new();
    let mut kept = KEPT.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = kept.get(&identity) {
        return Ok(Arc::clone(file));
    }
    let file = Arc::new(open_regular(path, Links::Follow)?);
    // Another file may have this name by now. It is stored under its own identity, and the caller's next look shows
    // the change.
    kept.entry(FileIdentity::of_file(&file)?).or_insert_with(|| Arc::clone(&file));
    Ok(file)
}

#[cfg(not(unix))]
fn kept_open(path: &Path, _identity: FileIdentity) -> io::Result<Arc<File>> {
    open_regular(path, Links::Follow).map(Arc::new)
}

/// Reads until the buffer is full or the file ends, starting at `offset`.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(file, &mut buffer[filled..], offset + filled as u64);
        #[cfg(windows)]
        let read =
            std::os::windows::fs::FileExt::seek_read(file, &mut buffer[filled..], offset + filled as u64);
        match read {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Returns the URI with which SQLite opens exactly `path`, whatever characters it has, with `parameters`
/// (`mode=ro&…`).
///
/// # Errors
/// The path itself, if it cannot be expressed: outside Unix SQLite accepts only Unicode.
pub(super) fn uri<'a>(path: &'a Path, parameters: &str) -> Result<String, &'a Path> {
    #[cfg(unix)]
    let bytes = Ok::<_, &Path>(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()));
    #[cfg(not(unix))]
    let text = windows_uri_path(path.to_str().ok_or(path)?);
    #[cfg(not(unix))]
    let bytes = Ok::<_, &Path>(text.as_bytes());
    let bytes = bytes?;
    // An empty authority; without it SQLite would read the start of a path with two slashes as a host.
    let mut uri = String::from(if bytes.first() == Some(&b'/') { "file://" } else { "file:" });
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push('?');
    uri.push_str(parameters);
    Ok(uri)
}

/// Returns a Windows path as the path of a URI: with forward slashes, and a slash before a drive letter. A short path
/// loses std's `\\?\` prefix. A long one keeps it, because Windows refuses it to SQLite otherwise.
#[cfg(any(not(unix), test))]
fn windows_uri_path(path: &str) -> String {
    /// Windows accepts 259 characters without the prefix; SQLite appends up to eight to the name.
    const LONGEST: usize = 250;
    let short = without_verbatim_prefix(path);
    if short.encode_utf16().count() <= LONGEST || !(has_drive(&short) || short.starts_with(r"\\")) {
        let path = short.replace('\\', "/");
        return if has_drive(&path) { format!("/{path}") } else { path };
    }
    // With the prefix, Windows does not read slashes as separators. SQLite removes the first slash.
    format!("/{}", with_verbatim_prefix(&short.replace('/', r"\")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_escape_every_special_character() {
        let uri = |path: &str| uri(Path::new(path), "mode=ro").unwrap();
        assert_eq!(uri("/home/dev/.codex/state_5.sqlite"), "file:///home/dev/.codex/state_5.sqlite?mode=ro");
        assert_eq!(uri("/a b/c?d#e%f&g=h:i"), "file:///a%20b/c%3Fd%23e%25f%26g%3Dh%3Ai?mode=ro");
        assert_eq!(uri("//server/x"), "file:////server/x?mode=ro");
        assert_eq!(uri("file:x"), "file:file%3Ax?mode=ro");
        assert_eq!(uri("/ä"), "file:///%C3%A4?mode=ro");
    }

    #[test]
    fn windows_paths_are_uri_paths() {
        for (path, expected) in [
            (r"C:\Users\Ann\.codex\state.sqlite", "/C:/Users/Ann/.codex/state.sqlite"),
            (r"\\?\C:\Users\x", "/C:/Users/x"),
            (r"\\server\share\x", "//server/share/x"),
            (r"\\?\UNC\server\share\x", "//server/share/x"),
            ("D:/x", "/D:/x"),
        ] {
            assert_eq!(windows_uri_path(path), expected);
        }
        let long = "x".repeat(250);
        for path in [format!(r"C:\{long}"), format!(r"\\?\C:\{long}"), format!("C:/{long}")] {
            assert_eq!(windows_uri_path(&path), format!(r"/\\?\C:\{long}"));
        }
        for path in [format!(r"\\server\share\{long}"), format!(r"\\?\UNC\server\share\{long}")] {
            assert_eq!(windows_uri_path(&path), format!(r"/\\?\UNC\server\share\{long}"));
        }
    }

    #[test]
    fn the_files_beside_a_database_decide_the_least_intrusive_access() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sqlite");
        let access = |files: &[(&str, &[u8])]| {
            for suffix in ["-wal", "-shm", "-journal"] {
                let _ = fs::remove_file(with_suffix(&path, suffix));
            }
            fs::write(&path, "SQLite format 3\0").unwrap();
            for (suffix, content) in files {
                fs::write(with_suffix(&path, suffix), content).unwrap();
            }
            Snapshot::at(&path).unwrap().access()
        };
        const FRAMES: &[u8] = &[b'x'; WAL_HEADER + 1];
        assert_eq!(access(&[]), Access::Immutable);
        assert_eq!(access(&[("-wal", b"")]), Access::Immutable);
        assert_eq!(access(&[("-shm", b"x")]), Access::Immutable);
        assert_eq!(access(&[("-journal", b"")]), Access::Immutable);
        assert_eq!(access(&[("-journal", b"\0\0")]), Access::Immutable);
        assert_eq!(access(&[("-journal", b"\xd9\xd5")]), Access::Locked);
        assert_eq!(access(&[("-wal", FRAMES)]), Access::Copy);
        assert_eq!(access(&[("-wal", FRAMES), ("-journal", b"\xd9")]), Access::Copy);
        assert_eq!(access(&[("-wal", b""), ("-shm", b"x")]), Access::Immutable);
        assert_eq!(access(&[("-wal", FRAMES), ("-shm", b"x")]), Access::Shared);
    }
}
