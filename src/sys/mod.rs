//! System-dependent operations: renaming, syncing, file identity, spelling of folders, locks. Callers decide on their
//! use.

pub mod folder;
pub mod locks;
pub mod open;
pub mod permits;
pub mod relocate;
pub mod thread_locks;
pub mod threads;

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use crate::thread::folder::{has_drive, without_verbatim_prefix};
pub use folder::OpenFolder;
pub use locks::{LockAttempt, MaintenanceLock, WriterLock};
pub use open::{
    Links, if_there, note_failure, open_regular, open_regular_and_look, open_regular_with, ran_out_of_files,
    remove_if_there,
};
pub use permits::Permits;
pub use threads::{can_start_thread, on_threads};

/// Renames the file `from` to `to` in one step and never replaces an existing `to`.
///
/// If the file system does not support such a rename (network and FUSE file systems, Windows), it creates a hard link
/// and removes `from`. A crash between the two steps leaves the file under both names, so it is never lost.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if `to` exists, with `from` unchanged; otherwise if the rename fails.
pub fn rename_no_replace(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        // The kernel or this file system does not support the flag. Sandboxes return EPERM for an unknown system
        // call.
        let unknown = [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::PERM];
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            Err(errno) if unknown.contains(&errno) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    rename_by_link(from, to, |from, to| fs::hard_link(from, to))
}

/// Performs [`rename_no_replace`] without the system's help. `link` is a parameter so that tests can simulate a file
/// system without hard links.
fn rename_by_link(from: &Path, to: &Path, link: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    match link(from, to) {
        Ok(()) => fs::remove_file(from).inspect_err(|_| {
            // Another process prevents the removal of `from` (on Windows, it has the file open). Undo, so that the
            // file does not stay under two names.
            let _ = fs::remove_file(to);
        }),
        // Across volumes a rename would fail too.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::CrossesDevices) =>
        {
            Err(error)
        }
        Err(_) => {
            fs::symlink_metadata(from)?;
            // No hard links either (FAT, some network drives): reserve the name with `create_new`, which never
            // replaces, then rename onto our own file.
            drop(File::options().write(true).create_new(true).open(to)?);
            fs::rename(from, to).inspect_err(|_| {
                let _ = fs::remove_file(to);
            })
        }
    }
}

/// Returns true if a write failed because the process that read the pipe has ended or closed it, as `head` does.
#[must_use]
pub fn is_reader_gone(error: &io::Error) -> bool {
    /// No process is on the other end of a named pipe, which some shells of Windows use for `|`. The standard library
    /// has no kind for it.
    const ERROR_PIPE_NOT_CONNECTED: i32 = 233;
    error.kind() == io::ErrorKind::BrokenPipe
        || (cfg!(windows) && error.raw_os_error() == Some(ERROR_PIPE_NOT_CONNECTED))
}

/// Returns a path as bytes, from which [`path_from_bytes`] restores it even if it is not UTF-8.
#[must_use]
pub fn path_to_bytes(path: &Path) -> Vec<u8> {
    #[cfg(unix)]
    {
        std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec()
    }
    #[cfg(windows)]
    {
        std::os::windows::ffi::OsStrExt::encode_wide(path.as_os_str()).flat_map(u16::to_le_bytes).collect()
    }
}

/// Returns the path whose [`path_to_bytes`] are these.
#[must_use]
pub fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    #[cfg(unix)]
    {
        <std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes).into()
    }
    #[cfg(windows)]
    {
        let wide: Vec<u16> =
            bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        <std::ffi::OsString as std::os::windows::ffi::OsStringExt>::from_wide(&wide).into()
    }
}

/// Makes renames and creations in `folder` survive a power failure. Does nothing where folders cannot be synced.
///
/// # Errors
/// If the folder can be synced, but opening or syncing it fails.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match File::open(folder)?.sync_all() {
            // Some file systems cannot sync a folder and return one of these errors.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                Ok(())
            }
            other => other,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(())
    }
}

/// The identity of a file: equal for all its names and paths, links included. Valid while the file exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// The device, or on Windows the volume's serial number.
    volume: u64,
    /// The inode, or on Windows the file index.
    file: u64,
}

impl FileIdentity {
    /// Returns the identity of the file that `path` leads to.
    ///
    /// On Unix this does not open the file: closing it again would release the locks that SQLite holds on it in this
    /// process.
    ///
    /// # Errors
    /// If the file does not exist or cannot be reached.
    #[cfg(unix)]
    pub fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::of_metadata(&fs::metadata(path)?))
    }

    /// Returns the identity of the file that `path` leads to.
    ///
    /// # Errors
    /// If the file does not exist or cannot be reached.
    #[cfg(windows)]
    pub fn of(path: &Path) -> io::Result<Self> {
        let handle = winapi_util::Handle::from_path_any(path)?;
        let information = winapi_util::file::information(&handle)?;
        Ok(Self { volume: information.volume_serial_number(), file: information.file_index() })
    }

    /// Returns the identity of an open file.
    ///
    /// # Errors
    /// If the system cannot read the file's metadata.
    #[cfg(unix)]
    pub fn of_file(file: &File) -> io::Result<Self> {
        Ok(Self::of_metadata(&file.metadata()?))
    }

    /// Returns the identity of an open file.
    ///
    /// # Errors
    /// If the system cannot read the file's metadata.
    #[cfg(windows)]
    pub fn of_file(file: &File) -> io::Result<Self> {
        let information = winapi_util::file::information(file)?;
        Ok(Self { volume: information.volume_serial_number(), file: information.file_index() })
    }

    /// Returns the identity from metadata that were read already (with links followed).
    #[cfg(unix)]
    #[must_use]
    pub fn of_metadata(metadata: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { volume: metadata.dev(), file: metadata.ino() }
    }
}

/// Returns true if two paths lead to one file. A path that leads nowhere is not an error; it equals no other path.
///
/// # Errors
/// If a path cannot be followed for another reason than that nothing is there.
pub fn is_same_file(a: &Path, b: &Path) -> io::Result<bool> {
    let identity = |path: &Path| match FileIdentity::of(path) {
        Ok(identity) => Ok(Some(identity)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    };
    Ok(match (identity(a)?, identity(b)?) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    })
}

/// Returns a working directory as Codex stores it: canonical if it is absolute and exists; on WSL in lower case below
/// `/mnt/<drive>`. Returns `None` if it must stay unchanged (relative, missing, or not UTF-8 when canonical).
///
/// Source: codex-home.md 4, row `cwd`.
#[must_use]
pub fn canonical_folder(folder: &str) -> Option<String> {
    static IS_WSL: OnceLock<bool> = OnceLock::new();
    let is_wsl = *IS_WSL.get_or_init(|| {
        cfg!(target_os = "linux")
            && ["/proc/version", "/proc/sys/kernel/osrelease"]
                .iter()
                .any(|file| fs::read_to_string(file).is_ok_and(|text| is_wsl_kernel(&text)))
    });
    canonical_folder_on(folder, is_wsl)
}

/// Does the work of [`canonical_folder`] for a system that is known to be WSL or not.
#[must_use]
fn canonical_folder_on(folder: &str, is_wsl: bool) -> Option<String> {
    let path = Path::new(folder);
    if !path.is_absolute() {
        return None;
    }
    let canonical: PathBuf = fs::canonicalize(path).ok()?;
    if !canonical.is_dir() {
        return None;
    }
    let text = canonical.into_os_string().into_string().ok()?;
    Some(if is_wsl { lower_case_under_mnt(text) } else { text })
}

/// Returns an absolute Windows path with backslashes in the spelling of std's canonical paths; any other text
/// unchanged.
#[must_use]
pub fn with_verbatim_prefix(path: &str) -> Cow<'_, str> {
    match path.strip_prefix(r"\\") {
        Some(share) if !share.starts_with(['?', '.']) => Cow::Owned(format!(r"\\?\UNC\{share}")),
        None if has_drive(path) => {
            Cow::Owned(format!(r"\\?\{}{}", path[..1].to_ascii_uppercase(), &path[1..]))
        }
        _ => Cow::Borrowed(path),
    }
}

/// Returns true if a kernel's description (`/proc/version`, `/proc/sys/kernel/osrelease`) is that of WSL.
#[must_use]
fn is_wsl_kernel(text: &str) -> bool {
    text.to_ascii_lowercase().contains("microsoft")
}

/// Converts a path on a Windows drive mounted in WSL to lower case (ASCII only, as Codex does); case is ignored
/// there.
fn lower_case_under_mnt(path: String) -> String {
    let mut parts = path.split('/');
    let on_drive = parts.next() == Some("")
        && parts.next().is_some_and(|part| part.eq_ignore_ascii_case("mnt"))
        && parts.next().is_some_and(|part| part.len() == 1 && part.as_bytes()[0].is_ascii_alphabetic());
    if on_drive { path.to_ascii_lowercase() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::HashSet;

    fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn a_rename_never_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let from = file(folder.path(), "from", "new");
        let taken = file(folder.path(), "taken", "old");
        let no_links = |_: &Path, _: &Path| Err(io::Error::from(io::ErrorKind::Unsupported));
        let with_links = |from: &Path, to: &Path| fs::hard_link(from, to);
        type Rename<'a> = &'a dyn Fn(&Path, &Path) -> io::Result<()>;
        let ways: [Rename<'_>; 3] = [
            &|from, to| rename_no_replace(from, to),
            &|from, to| rename_by_link(from, to, with_links),
            &|from, to| rename_by_link(from, to, no_links),
        ];
        for (number, rename) in ways.iter().enumerate() {
            assert_eq!(
                rename(&from, &taken).unwrap_err().kind(),
                io::ErrorKind::AlreadyExists,
                "way {number}"
            );
            assert_eq!(fs::read_to_string(&taken).unwrap(), "old", "way {number}");
            assert_eq!(fs::read_to_string(&from).unwrap(), "new", "way {number}");

            let free = folder.path().join(format!("free {number}"));
            rename(&from, &free).unwrap();
            assert_eq!(fs::read_to_string(&free).unwrap(), "new", "way {number}");
            assert!(!from.exists(), "way {number}");
            fs::rename(&free, &from).unwrap();

            let missing = folder.path().join("missing");
            assert_eq!(rename(&missing, &free).unwrap_err().kind(), io::ErrorKind::NotFound, "way {number}");
            assert!(!free.exists(), "way {number}");
        }
        sync_folder(folder.path()).unwrap();
    }

    #[test]
    fn spellings_of_one_file_are_one_identity() {
        let folder = tempfile::tempdir().unwrap();
        let one = file(folder.path(), "one", "1");
        let other = file(folder.path(), "other", "1");
        let dotted = folder.path().join(".").join("one");
        let linked = folder.path().join("linked");
        fs::hard_link(&one, &linked).unwrap();
        assert!(is_same_file(&one, &dotted).unwrap());
        assert!(is_same_file(&one, &linked).unwrap());
        assert!(!is_same_file(&one, &other).unwrap());
        assert!(!is_same_file(&folder.path().join("none"), &folder.path().join("none")).unwrap());
        assert!(!is_same_file(&one.join("below a file"), &one).unwrap());
        let identities: HashSet<_> = [&one, &dotted, &linked, &other]
            .map(|path| FileIdentity::of(path).unwrap())
            .into_iter()
            .collect();
        assert_eq!(identities.len(), 2);
        assert_eq!(
            FileIdentity::of_file(&File::open(&one).unwrap()).unwrap(),
            FileIdentity::of(&one).unwrap()
        );
    }

    #[test]
    fn folders_are_canonical_only_where_they_exist() {
        let folder = tempfile::tempdir().unwrap();
        let canonical = fs::canonicalize(folder.path()).unwrap();
        let sub = canonical.join("Sub");
        fs::create_dir(&sub).unwrap();
        let dotted = format!("{}/Sub/../Sub/.", folder.path().display());
        assert_eq!(canonical_folder_on(&dotted, false).as_deref(), sub.to_str());
        assert_eq!(canonical_folder(&dotted).as_deref(), sub.to_str());
        assert_eq!(canonical_folder("."), None);
        assert_eq!(canonical_folder(""), None);
        assert_eq!(canonical_folder(&format!("{dotted}/gone")), None);
        let file = file(folder.path(), "file", "");
        assert_eq!(canonical_folder(file.to_str().unwrap()), None);
    }

    #[test]
    fn the_prefix_of_canonical_paths_is_removed_where_it_is_redundant() {
        for (path, expected) in [
            (r"\\?\C:\Users\Ann", r"C:\Users\Ann"),
            (r"\\?\UNC\server\share\x", r"\\server\share\x"),
            (
                r"\\?\Volume{b75e2c83-0000-0000-0000-602f00000000}\x",
                r"\\?\Volume{b75e2c83-0000-0000-0000-602f00000000}\x",
            ),
            (r"C:\Users", r"C:\Users"),
            ("/home/ann", "/home/ann"),
            ("", ""),
        ] {
            assert_eq!(without_verbatim_prefix(path), expected);
            assert_eq!(with_verbatim_prefix(&with_verbatim_prefix(expected)), with_verbatim_prefix(path));
        }
        assert_eq!(with_verbatim_prefix(r"c:\x"), r"\\?\C:\x");
        assert!(has_drive(r"C:\x") && has_drive("d:/"));
        assert!(!has_drive("C:") && !has_drive("a:b") && !has_drive("/c:/"));
    }

    #[test]
    fn drives_in_wsl_are_lower_case() {
        for (path, expected) in [
            ("/mnt/C/Users/Ann/Ärger", "/mnt/c/users/ann/Ärger"),
            ("/mnt/c", "/mnt/c"),
            ("/mnt/wsl/Data", "/mnt/wsl/Data"),
            ("/home/Ann", "/home/Ann"),
            ("/mnt", "/mnt"),
            ("/mnt/1/A", "/mnt/1/A"),
        ] {
            assert_eq!(lower_case_under_mnt(path.into()), expected);
        }
        assert!(is_wsl_kernel("Linux version 5.15.167.4-microsoft-standard-WSL2 (root@…)"));
        assert!(is_wsl_kernel("4.4.0-19041-Microsoft"));
        assert!(!is_wsl_kernel("Linux version 6.8.0-48-generic (buildd@lcy02)"));
    }
}
