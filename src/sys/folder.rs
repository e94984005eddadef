//! Looks at the files of one folder after the other, without looking up each folder of a path again for each file.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::time::SystemTime;
use walkdir::DirEntry;

/// The folder that was looked into last.
#[derive(Debug, Default)]
pub struct OpenFolder {
    /// The folder, if it could be opened.
    #[cfg(unix)]
    open: Option<rustix::fd::OwnedFd>,
}

impl OpenFolder {
    /// Opens a folder. If that fails, its files are looked at by their whole paths.
    #[cfg(unix)]
    #[must_use]
    pub fn open(path: &Path) -> OpenFolder {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        OpenFolder { open: rustix::fs::open(path, flags, Mode::empty()).ok() }
    }

    /// Elsewhere nothing is opened: a listing of a folder has sizes and times already.
    #[cfg(not(unix))]
    #[must_use]
    pub fn open(_: &Path) -> OpenFolder {
        OpenFolder {}
    }

    /// Looks at an entry, as [`OpenFolder::look`] does, in the folder at `path`, which is opened if it is not yet.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub fn look_in(
        open: &mut Option<OpenFolder>,
        path: &Path,
        name: &OsStr,
        entry: &DirEntry,
    ) -> io::Result<(SystemTime, u64)> {
        open.get_or_insert_with(|| OpenFolder::open(path)).look(name, entry)
    }

    /// Returns the modification time and the size of an entry of this folder with this name. Links are not followed.
    ///
    /// # Errors
    /// If the system cannot tell.
    #[cfg_attr(not(unix), allow(unused_variables, reason = "the entry knows all"))]
    pub fn look(&self, name: &OsStr, entry: &DirEntry) -> io::Result<(SystemTime, u64)> {
        #[cfg(unix)]
        if let Some(folder) = &self.open {
            let stat = rustix::fs::statat(folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
            return Ok((unix_time(&stat), u64::try_from(stat.st_size).unwrap_or_default()));
        }
        let metadata = entry.metadata()?;
        Ok((metadata.modified()?, metadata.len()))
    }
}

/// Returns the modification time of a file.
#[cfg(unix)]
fn unix_time(stat: &rustix::fs::Stat) -> SystemTime {
    use std::time::Duration;
    #[allow(
        clippy::useless_conversion,
        clippy::unnecessary_fallible_conversions,
        reason = "systems differ in the types"
    )]
    let (seconds, nanoseconds) = (
        i64::try_from(stat.st_mtime).unwrap_or_default(),
        u32::try_from(stat.st_mtime_nsec).unwrap_or_default(),
    );
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let time = match seconds < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(whole),
        false => SystemTime::UNIX_EPOCH.checked_add(whole),
    };
    time.and_then(|time| time.checked_add(Duration::from_nanos(nanoseconds.into())))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::time::Duration;
    use walkdir::WalkDir;

    #[test]
    fn times_and_sizes_are_those_of_the_standard_library() {
        let home = tempfile::tempdir().unwrap();
        let nanos = Duration::from_nanos(1_234_567_800);
        let times = [SystemTime::UNIX_EPOCH + nanos, SystemTime::UNIX_EPOCH - nanos, SystemTime::UNIX_EPOCH];
        for (i, time) in times.into_iter().enumerate() {
            let path = home.path().join(i.to_string());
            fs::write(&path, vec![b'x'; i]).unwrap();
            // A file system may not keep times before 1970.
            let _ = File::options().write(true).open(&path).unwrap().set_modified(time);
        }
        for folder in [OpenFolder::open(home.path()), OpenFolder::default()] {
            for entry in WalkDir::new(home.path()).min_depth(1) {
                let entry = entry.unwrap();
                let metadata = fs::symlink_metadata(entry.path()).unwrap();
                let expected = (metadata.modified().unwrap(), metadata.len());
                assert_eq!(
                    folder.look(entry.file_name(), &entry).unwrap(),
                    expected,
                    "{}",
                    entry.path().display()
                );
            }
        }
    }
}
