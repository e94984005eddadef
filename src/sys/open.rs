//! Opens files that other programs may replace at any time. It never waits for a pipe and never follows a link that
//! has just appeared. All files under a Codex home are opened through this module.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The time to wait for a free file descriptor; other threads of this process close theirs when they finish.
const PATIENCE: Duration = Duration::from_millis(500);

/// Set if a file could not be opened because this process or the system has too many files open.
static RAN_OUT: AtomicBool = AtomicBool::new(false);

/// The treatment of a symbolic link at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Opens the link's target, because people link their configuration.
    Follow,
    /// Refuses the link: below the roots of a home no link is followed.
    Refuse,
}

/// Opens a regular file for reading.
///
/// # Errors
/// If it cannot be opened; [`ErrorKind::InvalidInput`] if it is not a regular file.
pub fn open_regular(path: &Path, links: Links) -> io::Result<File> {
    open_regular_with(OpenOptions::new().read(true), path, links)
}

/// Opens a regular file with `options`. They must not truncate, because the file is checked only after it is opened.
///
/// # Errors
/// As [`open_regular`].
pub fn open_regular_with(options: &mut OpenOptions, path: &Path, links: Links) -> io::Result<File> {
    open_and_look(options, path, links).map(|(file, _)| file)
}

/// Opens a regular file for reading, and looks at it.
///
/// # Errors
/// As [`open_regular`].
pub fn open_regular_and_look(path: &Path, links: Links) -> io::Result<(File, Metadata)> {
    open_and_look(OpenOptions::new().read(true), path, links)
}

fn open_and_look(options: &mut OpenOptions, path: &Path, links: Links) -> io::Result<(File, Metadata)> {
    let deadline = Instant::now() + PATIENCE;
    let file = loop {
        match open_at_once(options, path, links) {
            // WouldBlock: another program is about to give up its lease on the file.
            Err(error)
                if Instant::now() < deadline
                    && (is_out_of_files(&error) || error.kind() == ErrorKind::WouldBlock) =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) if is_out_of_files(&error) => {
                RAN_OUT.store(true, Ordering::Relaxed);
                return Err(error);
            }
            other => break other?,
        }
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(not_regular());
    }
    Ok((file, metadata))
}

/// Records a failure to open a file elsewhere, for [`ran_out_of_files`].
pub fn note_failure(error: &io::Error) {
    if is_out_of_files(error) {
        RAN_OUT.store(true, Ordering::Relaxed);
    }
}

/// Returns true if a file or folder could not be opened because too many were open already. The view of the home is
/// then incomplete.
#[must_use]
pub fn ran_out_of_files() -> bool {
    RAN_OUT.load(Ordering::Relaxed)
}

fn not_regular() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "not a regular file")
}

/// Opens without waiting. A pipe without a writer opens at once and is refused afterwards.
#[cfg(unix)]
fn open_at_once(options: &mut OpenOptions, path: &Path, links: Links) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    options.open(path).map_err(|error| {
        let is = |errno: rustix::io::Errno| error.raw_os_error() == Some(errno.raw_os_error());
        // The errors of a link that must not be followed, of a socket or pipe opened for writing, and of a folder
        // opened for writing.
        let is_link = is(rustix::io::Errno::LOOP) && links == Links::Refuse;
        if is_link || is(rustix::io::Errno::NXIO) || is(rustix::io::Errno::ISDIR) {
            not_regular()
        } else {
            error
        }
    })
}

/// Opens a file; on these systems pipes are not in folders. Links are detected before opening. A flag that opens a
/// link itself would also open placeholders of cloud services and compressing file systems instead of their contents.
#[cfg(not(unix))]
fn open_at_once(options: &mut OpenOptions, path: &Path, links: Links) -> io::Result<File> {
    if links == Links::Refuse && std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(not_regular());
    }
    options.open(path)
}

#[cfg(unix)]
fn is_out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error();
    code == Some(Errno::MFILE.raw_os_error()) || code == Some(Errno::NFILE.raw_os_error())
}

#[cfg(not(unix))]
fn is_out_of_files(error: &io::Error) -> bool {
    const ERROR_TOO_MANY_OPEN_FILES: i32 = 4;
    error.raw_os_error() == Some(ERROR_TOO_MANY_OPEN_FILES)
}

/// Turns the error about a missing file or folder into `None`.
///
/// # Errors
/// Any other error of `result`.
pub fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Removes a file; a missing file is not an error.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_if_there(path: &Path) -> io::Result<()> {
    if_there(std::fs::remove_file(path)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_not_regular_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let kind = |path: &Path, links| open_regular(path, links).err().map(|error| error.kind());
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert_eq!(kind(&file, Links::Refuse), None);
        assert_eq!(kind(&folder.path().join("none"), Links::Refuse), Some(ErrorKind::NotFound));
        #[cfg(unix)]
        assert_eq!(kind(folder.path(), Links::Follow), Some(ErrorKind::InvalidInput));
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{CWD, FileType, Mode, mknodat};
            let pipe = folder.path().join("pipe");
            mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
            assert_eq!(kind(&pipe, Links::Refuse), Some(ErrorKind::InvalidInput));
            let to_write = open_regular_with(OpenOptions::new().write(true), &pipe, Links::Refuse);
            assert_eq!(to_write.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink("file", &link).unwrap();
            assert_eq!(kind(&link, Links::Refuse), Some(ErrorKind::InvalidInput));
            assert_eq!(kind(&link, Links::Follow), None);
        }
    }
}
