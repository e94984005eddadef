//! Moves a file to another volume, where a rename fails, and handles the folders and times of a move. No policy.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Read, Seek as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{FileIdentity, Links, open_regular, open_regular_with};

/// The prefix of an incomplete copy's name. No rollout has such a name, so an incomplete copy is never read as one.
const PREFIX: &str = ".codex-state-moving-";

/// The number of bytes compared at once.
const CHUNK: usize = 128 * 1024;

/// A complete copy of a file, synced to the disk beside its destination under a temporary name.
///
/// It is deleted when dropped, unless it was renamed. A copy left by a crash is replaced by the next copy of that
/// name.
#[derive(Debug)]
pub struct StagedCopy {
    path: PathBuf,
    /// The copy, held locked so that no process takes it for a leftover.
    lock: Option<File>,
    /// On Unix the copy has its permissions already.
    #[cfg(not(unix))]
    permissions: fs::Permissions,
}

impl StagedCopy {
    /// Copies `from` to a name beside `to`: bytes (compared afterwards), modification time, permissions, and the
    /// owner as far as the system permits.
    ///
    /// # Errors
    /// If reading or writing fails, if `from` changes meanwhile, or if the copy differs from the original.
    pub fn make(from: &Path, to: &Path) -> io::Result<StagedCopy> {
        let mut name = OsString::from(PREFIX);
        name.push(to.file_name().unwrap_or_default());
        let path = to.with_file_name(name);
        let mut source = open_regular(from, Links::Refuse)?;
        let before = source.metadata()?;
        let file = create(&path)?;
        let copy = StagedCopy {
            path,
            lock: Some(file),
            #[cfg(not(unix))]
            permissions: before.permissions(),
        };
        let Some(mut target) = copy.lock.as_ref() else { return Err(io::ErrorKind::Other.into()) };
        io::copy(&mut source, &mut target)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            // Only root may change the owner. For others the copy belongs to the current user, as with mv.
            let _ = std::os::unix::fs::fchown(target, Some(before.uid()), Some(before.gid()));
        }
        target.set_modified(before.modified()?)?;
        target.sync_all()?;
        // Uses the handle that holds the lock, because Windows lets no other handle read a locked file.
        target.rewind()?;
        source.rewind()?;
        if !same_content(&mut source, &mut target)? {
            return Err(io::Error::other("the copy is not what was copied"));
        }
        let after = fs::symlink_metadata(from)?;
        if !after.is_file() || after.len() != before.len() || after.modified()? != before.modified()? {
            return Err(io::Error::other("it changed while it was copied"));
        }
        // Last, because the permissions may forbid the steps above.
        #[cfg(unix)]
        {
            target.set_permissions(before.permissions())?;
            target.sync_all()?;
        }
        Ok(copy)
    }

    /// Renames the copy to `to`, which must not exist.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] if `to` exists; otherwise if the rename fails.
    pub fn rename_to(&mut self, to: &Path) -> io::Result<()> {
        self.lock = None;
        super::rename_no_replace(&self.path, to)?;
        // Set only now, because some Windows file systems cannot rename or remove a read-only file.
        #[cfg(not(unix))]
        let _ = fs::set_permissions(to, self.permissions.clone());
        Ok(())
    }
}

impl Drop for StagedCopy {
    fn drop(&mut self) {
        self.lock = None;
        let _ = fs::remove_file(&self.path);
    }
}

/// Creates a new locked file at `path`, replacing one that a crash left there.
fn create(path: &Path) -> io::Result<File> {
    for _ in 0..3 {
        match File::options().read(true).write(true).create_new(true).open(path) {
            Ok(file) => match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => break,
                Err(TryLockError::Error(error)) => return Err(error),
            },
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !fs::symlink_metadata(path)?.is_file() {
                    return Err(error);
                }
                let left = open_regular(path, Links::Refuse)?;
                match left.try_lock() {
                    Ok(()) => {
                        drop(left);
                        fs::remove_file(path)?;
                    }
                    Err(TryLockError::WouldBlock) => break,
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process is moving it"))
}

/// Returns true if two files contain the same bytes.
///
/// # Errors
/// If a file cannot be opened or read.
fn same_bytes(a: &Path, b: &Path) -> io::Result<bool> {
    same_content(&mut open_regular(a, Links::Refuse)?, &mut open_regular(b, Links::Refuse)?)
}

fn same_content(a: &mut impl Read, b: &mut impl Read) -> io::Result<bool> {
    let (mut of_a, mut of_b) = (Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK));
    loop {
        of_a.clear();
        of_b.clear();
        a.take(CHUNK as u64).read_to_end(&mut of_a)?;
        b.take(CHUNK as u64).read_to_end(&mut of_b)?;
        if of_a != of_b {
            return Ok(false);
        }
        if of_a.is_empty() {
            return Ok(true);
        }
    }
}

/// The remains of an interrupted move at its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftover {
    /// A second name of the file itself (from [`super::rename_no_replace`] without the system's help).
    Link,
    /// A copy on another volume, with the same bytes and time.
    Copy,
}

/// Returns what an interrupted move of `from` left at `to`; then only `from` remains to be removed. Returns `None`
/// for anything else, which must not be touched.
///
/// # Errors
/// If either file cannot be read.
pub fn leftover(from: &Path, to: &Path) -> io::Result<Option<Leftover>> {
    let (source, target) = (fs::symlink_metadata(from)?, fs::symlink_metadata(to)?);
    if !source.is_file() || !target.is_file() {
        return Ok(None);
    }
    let (a, b) = (FileIdentity::of(from)?, FileIdentity::of(to)?);
    if a == b {
        // Two paths to one name (through a link or mount) are not two names: removing one would remove the file.
        let is_linked = n_links(from, &source)? >= 2 && fs::canonicalize(from)? != fs::canonicalize(to)?;
        return Ok(is_linked.then_some(Leftover::Link));
    }
    let is_copy = a.volume != b.volume
        && source.len() == target.len()
        && is_close(source.modified()?, target.modified()?)
        && same_bytes(from, to)?;
    Ok(is_copy.then_some(Leftover::Copy))
}

/// Compares times with the precision of file systems; FAT stores times in steps of two seconds.
fn is_close(a: SystemTime, b: SystemTime) -> bool {
    a.duration_since(b).or_else(|_| b.duration_since(a)).is_ok_and(|apart| apart <= Duration::from_secs(2))
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "on Windows it may fail")]
fn n_links(_path: &Path, metadata: &Metadata) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(metadata.nlink())
}

#[cfg(windows)]
fn n_links(path: &Path, _metadata: &Metadata) -> io::Result<u64> {
    let handle = winapi_util::Handle::from_path_any(path)?;
    Ok(winapi_util::file::information(&handle)?.number_of_links())
}

/// Sets only the modification time of a file. Returns the time as stored, because file systems round it.
///
/// # Errors
/// If the file cannot be opened or its time cannot be set.
pub fn set_modified(path: &Path, time: SystemTime) -> io::Result<SystemTime> {
    let mut options = File::options();
    #[cfg(not(windows))]
    options.read(true);
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt as _;
        const FILE_READ_ATTRIBUTES: u32 = 0x80;
        const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
        // A read-only file grants only these rights.
        options.access_mode(FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
    }
    let file = open_regular_with(&mut options, path, Links::Refuse)?;
    file.set_modified(time)?;
    file.metadata()?.modified()
}

/// Checks that `root` and the folders `below` it exist or can be created, and that no folder below `root` is a
/// symbolic link. `root` itself may be a link.
///
/// # Errors
/// If a link or a file that is not a folder is in the way.
pub fn check_folder(root: &Path, below: &[String]) -> io::Result<()> {
    match fs::metadata(root) {
        Ok(metadata) if !metadata.is_dir() => return Err(in_the_way(root, "is not a folder")),
        Ok(_) => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) if fs::symlink_metadata(root).is_ok() => {
            return Err(in_the_way(root, "is a symbolic link that leads nowhere"));
        }
        Err(_) => return Ok(()),
    }
    let mut folder = root.to_owned();
    for part in below {
        folder.push(part);
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_symlink() => return Err(in_the_way(&folder, "is a symbolic link")),
            Ok(metadata) if !metadata.is_dir() => return Err(in_the_way(&folder, "is not a folder")),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn in_the_way(path: &Path, why: &str) -> io::Error {
    io::Error::other(format!("{} {why}", path.display()))
}

/// Creates the missing folders of `root` and `below`, and syncs them to the disk.
///
/// # Errors
/// As [`check_folder`], and if a folder cannot be created or synced.
pub fn ensure_folder(root: &Path, below: &[String]) -> io::Result<()> {
    check_folder(root, below)?;
    let mut folder = root.to_owned();
    for part in std::iter::once(None).chain(below.iter().map(Some)) {
        if let Some(part) = part {
            folder.push(part);
        }
        match fs::create_dir(&folder) {
            Ok(()) => super::sync_folder(folder.parent().unwrap_or(Path::new(".")))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    check_folder(root, below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn a_copy_has_the_files_time_and_mode_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let from = file(folder.path(), "from", &"x".repeat(300_000));
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_773_507_450_373);
        assert_eq!(set_modified(&from, time).unwrap(), time);
        let mut permissions = fs::metadata(&from).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&from, permissions).unwrap();
        assert_eq!(set_modified(&from, time).unwrap(), time, "nor does a mark as read-only keep times");
        let target = folder.path().join("target");
        fs::create_dir(&target).unwrap();
        let to = target.join("to");
        drop(StagedCopy::make(&from, &to).unwrap());
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0, "dropped without a rename");
        let mut copy = StagedCopy::make(&from, &to).unwrap();
        copy.rename_to(&to).unwrap();
        drop(copy);
        assert!(same_bytes(&from, &to).unwrap());
        let metadata = fs::metadata(&to).unwrap();
        assert_eq!(metadata.modified().unwrap(), time);
        assert!(metadata.permissions().readonly());
        assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
        let mut again = StagedCopy::make(&from, &to).unwrap();
        assert_eq!(again.rename_to(&to).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_copy_left_by_a_crash_is_replaced_unless_it_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let from = file(folder.path(), "from", "whole");
        let to = folder.path().join("to");
        let left = file(folder.path(), ".codex-state-moving-to", "ha");
        let used = File::open(&left).unwrap();
        used.lock().unwrap();
        assert_eq!(StagedCopy::make(&from, &to).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        drop(used);
        StagedCopy::make(&from, &to).unwrap().rename_to(&to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "whole");
        assert!(!left.exists());
    }

    #[test]
    fn only_a_second_name_is_a_leftover_on_one_volume() {
        let folder = tempfile::tempdir().unwrap();
        let from = file(folder.path(), "from", "x");
        let copy = folder.path().join("copy");
        fs::copy(&from, &copy).unwrap();
        assert_eq!(leftover(&from, &copy).unwrap(), None, "a copy that a person made");
        let link = folder.path().join("link");
        fs::hard_link(&from, &link).unwrap();
        assert_eq!(leftover(&from, &link).unwrap(), Some(Leftover::Link));
        assert_eq!(leftover(&from, &from).unwrap(), None, "one name is not two");
        assert!(!same_bytes(&from, &file(folder.path(), "other", "xy")).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_second_path_to_one_name_is_not_a_leftover() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        fs::create_dir(&real).unwrap();
        let from = file(&real, "x", "x");
        fs::hard_link(&from, real.join("y")).unwrap();
        std::os::unix::fs::symlink(&real, folder.path().join("way")).unwrap();
        assert_eq!(leftover(&from, &folder.path().join("way").join("x")).unwrap(), None);
    }

    #[test]
    fn folders_are_made_where_they_are_missing() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("sessions");
        let below = ["2026".to_owned(), "03".to_owned()];
        check_folder(&root, &below).unwrap();
        assert!(!root.exists(), "a check creates nothing");
        ensure_folder(&root, &below).unwrap();
        ensure_folder(&root, &below).unwrap();
        assert!(root.join("2026").join("03").is_dir());
        file(&root, "2027", "a file");
        assert!(ensure_folder(&root, &["2027".to_owned()]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_root_may_be_a_link_and_nothing_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let (real, root) = (folder.path().join("real"), folder.path().join("sessions"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &root).unwrap();
        ensure_folder(&root, &["2026".to_owned()]).unwrap();
        assert!(real.join("2026").is_dir());
        std::os::unix::fs::symlink(folder.path(), root.join("out")).unwrap();
        let error = ensure_folder(&root, &["out".to_owned(), "x".to_owned()]).unwrap_err();
        assert!(error.to_string().ends_with("is a symbolic link"), "{error}");
        std::os::unix::fs::symlink("nowhere", folder.path().join("dangling")).unwrap();
        assert!(ensure_folder(&folder.path().join("dangling"), &[]).is_err());
    }
}
