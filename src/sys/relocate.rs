//! Moving a file where a rename does not reach, and the folders and times that go with moving; no policy.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Read, Seek as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{FileIdentity, Links, open_regular, open_regular_with};

/// How the name of a copy begins that is not whole yet; no rollout is called so, so that nobody takes it for one.
const PREFIX: &str = ".codex-state-moving-";

/// How much is compared at once.
const CHUNK: usize = 128 * 1024;

/// A whole copy of a file, on the disk beside the place where it is to go, under a name of its own.
///
/// Gone when dropped, unless it was renamed. What a crash leaves of one is taken over by the next copy of that name.
#[derive(Debug)]
pub struct StagedCopy {
    path: PathBuf,
    /// Held locked, so that nobody takes it for a leftover.
    lock: Option<File>,
    /// What Unix knows of them the copy has from the beginning.
    #[cfg(not(unix))]
    permissions: fs::Permissions,
}

impl StagedCopy {
    /// Copies `from` to a name beside `to`: bytes (compared afterwards), modification time, permissions, and the owner
    /// as far as that is allowed.
    ///
    /// # Errors
    /// What the system says; and when `from` changes meanwhile, or the copy is not what was copied.
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
            // Only root may give files away; for anybody else the copy belongs to whoever made it, as with mv.
            let _ = std::os::unix::fs::fchown(target, Some(before.uid()), Some(before.gid()));
        }
        target.set_modified(before.modified()?)?;
        target.sync_all()?;
        // Through the handle that holds the lock: Windows lets no other read what is locked.
        target.rewind()?;
        source.rewind()?;
        if !same_content(&mut source, &mut target)? {
            return Err(io::Error::other("the copy is not what was copied"));
        }
        let after = fs::symlink_metadata(from)?;
        if !after.is_file() || after.len() != before.len() || after.modified()? != before.modified()? {
            return Err(io::Error::other("it changed while it was copied"));
        }
        // Last, for the permissions may forbid what was done above.
        #[cfg(unix)]
        {
            target.set_permissions(before.permissions())?;
            target.sync_all()?;
        }
        Ok(copy)
    }

    /// Gives the copy its name, which nothing may have yet.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when something has; else what the system says.
    pub fn rename_to(&mut self, to: &Path) -> io::Result<()> {
        self.lock = None;
        super::rename_no_replace(&self.path, to)?;
        // Not all file systems of Windows rename or remove what is marked as read-only.
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

/// A new and locked file at `path`, where a crash may have left one.
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

/// Whether two files hold the same bytes.
///
/// # Errors
/// What reading fails with.
pub fn same_bytes(a: &Path, b: &Path) -> io::Result<bool> {
    same_content(&mut open_regular(a, Links::Refuse)?, &mut open_regular(b, Links::Refuse)?)
}

fn same_content(a: &mut impl Read, b: &mut impl Read) -> io::Result<bool> {
    let (mut of_a, mut of_b) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        let (n_a, n_b) = (fill(a, &mut of_a)?, fill(b, &mut of_b)?);
        if of_a[..n_a] != of_b[..n_b] {
            return Ok(false);
        }
        if n_a == 0 {
            return Ok(true);
        }
    }
}

fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match from.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(read) => n += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n)
}

/// What a move that was cut short left where the file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftover {
    /// The file itself, by a second name ([`super::rename_no_replace`] without the system's help).
    Link,
    /// A copy of it on another volume, equal in every byte and in time.
    Copy,
}

/// Whether what is at `to` was left there by a move of `from` that was cut short: then `from` need only be removed.
/// `None` is anything else, which is not to be touched.
///
/// # Errors
/// What the system says of either.
pub fn leftover(from: &Path, to: &Path) -> io::Result<Option<Leftover>> {
    let (source, target) = (fs::symlink_metadata(from)?, fs::symlink_metadata(to)?);
    if !source.is_file() || !target.is_file() {
        return Ok(None);
    }
    let (a, b) = (FileIdentity::of(from)?, FileIdentity::of(to)?);
    if a == b {
        // Two paths to one name (a link or mount in between) are no two names: removing one would remove the file.
        let is_linked = n_links(from, &source)? >= 2 && fs::canonicalize(from)? != fs::canonicalize(to)?;
        return Ok(is_linked.then_some(Leftover::Link));
    }
    let is_copy = a.volume != b.volume
        && source.len() == target.len()
        && is_close(source.modified()?, target.modified()?)
        && same_bytes(from, to)?;
    Ok(is_copy.then_some(Leftover::Copy))
}

/// File systems keep times more or less exactly; FAT to two seconds.
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

/// Sets the modification time of a file and nothing else; returns what it is then, for file systems round.
///
/// # Errors
/// What the system says.
pub fn set_modified(path: &Path, time: SystemTime) -> io::Result<SystemTime> {
    let mut options = File::options();
    #[cfg(not(windows))]
    options.read(true);
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt as _;
        const FILE_READ_ATTRIBUTES: u32 = 0x80;
        const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
        // No more than that, for it is all that a file which is marked as read-only grants.
        options.access_mode(FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
    }
    let file = open_regular_with(&mut options, path, Links::Refuse)?;
    file.set_modified(time)?;
    file.metadata()?.modified()
}

/// Makes sure that `root` and the folders `below` it exist or could be created, and that the way leads through no
/// symbolic link: `root` itself may be one, nothing below.
///
/// # Errors
/// A link or something that is no folder is in the way.
pub fn check_folder(root: &Path, below: &[String]) -> io::Result<()> {
    match fs::metadata(root) {
        Ok(metadata) if !metadata.is_dir() => return Err(in_the_way(root, "is no folder")),
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
            Ok(metadata) if !metadata.is_dir() => return Err(in_the_way(&folder, "is no folder")),
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

/// Creates what is missing of `root` and the folders `below` it, and puts the creation on the disk.
///
/// # Errors
/// As [`check_folder`]; and what the system says.
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
    fn a_copy_is_the_file_with_its_time_and_mode_and_no_trace_is_left() {
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
    fn what_a_crash_left_of_a_copy_is_replaced_and_what_is_in_use_is_not() {
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
    fn a_second_way_to_one_name_is_no_leftover() {
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
