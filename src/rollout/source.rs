//! A rollout to read: its path and form, its time and size, and the reasons why reading may fail.

use super::file_name::RolloutName;
use crate::sys;
use crate::thread::Millis;
use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The time and size of a file, to notice that it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Modification time.
    pub modified: SystemTime,
    /// Length in bytes, as stored.
    pub size: u64,
}

impl Stamp {
    /// Reads the stamp from a file's metadata.
    ///
    /// # Errors
    /// If the file system has no modification times.
    pub fn of(metadata: &Metadata) -> io::Result<Stamp> {
        Ok(Stamp { modified: metadata.modified()?, size: metadata.len() })
    }

    /// Reads the stamp of the file at a path, without following a link.
    ///
    /// # Errors
    /// If the file cannot be looked at.
    pub fn at(path: &Path) -> io::Result<Stamp> {
        Stamp::of(&std::fs::symlink_metadata(path)?)
    }

    /// Returns the modification time in milliseconds.
    #[must_use]
    pub fn modified_millis(&self) -> Millis {
        to_millis(self.modified)
    }
}

/// Returns a time of the file system in milliseconds since 1970, rounded down.
#[must_use]
pub fn to_millis(time: SystemTime) -> Millis {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Millis::try_from(after.as_millis()).unwrap_or(Millis::MAX),
        Err(before) => {
            let nanos = before.duration().as_nanos();
            Millis::try_from(nanos.div_ceil(1_000_000)).map_or(Millis::MIN, |millis| -millis)
        }
    }
}

/// The reason why a file gives no thread.
#[derive(Debug)]
pub enum ReadError {
    /// It existed during the walk, but another program has moved or deleted it.
    Vanished,
    /// It cannot be read now, but perhaps later.
    Passing(io::Error),
    /// It is empty or blank.
    Empty,
    /// It is compressed with a larger window than is allowed.
    WindowTooLarge {
        /// The window's size in bytes, if the file says it.
        size: Option<u64>,
        /// The largest size that is allowed, in bytes.
        limit: u64,
    },
    /// It is unusable, for this reason, and will be at the next run too.
    Unusable(String),
    /// The program was asked to stop.
    Interrupted,
}

impl ReadError {
    /// Returns true if the file's content is at fault, so that reading it another time will fail too.
    #[must_use]
    pub fn is_unusable(&self) -> bool {
        matches!(self, ReadError::Empty | ReadError::WindowTooLarge { .. } | ReadError::Unusable(_))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Vanished => f.write_str("it vanished while it was looked at"),
            ReadError::Passing(error) => write!(f, "cannot be read: {error}"),
            ReadError::Empty => f.write_str("is empty"),
            ReadError::WindowTooLarge { size: Some(size), limit } => {
                write!(f, "needs a window of {size} bytes to be decompressed, over the limit of {limit}")
            }
            ReadError::WindowTooLarge { size: None, limit } => {
                write!(f, "needs a window to be decompressed, over the limit of {limit}")
            }
            ReadError::Unusable(reason) => f.write_str(reason),
            ReadError::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        if error.kind() == io::ErrorKind::NotFound { ReadError::Vanished } else { ReadError::Passing(error) }
    }
}

/// A file to read.
#[derive(Debug, Clone)]
pub struct RolloutSource {
    /// Path of the file.
    pub path: PathBuf,
    /// The parts of its name, if it has them.
    pub name: Option<RolloutName>,
    /// True if it is compressed.
    pub compressed: bool,
    /// True if it is in `archived_sessions`.
    pub archived: bool,
}

/// Opens a rollout. A path that became a folder, a link or a pipe since the walk is unusable.
pub(super) fn open(path: &Path) -> Result<(File, Metadata), ReadError> {
    sys::open_regular_and_look(path, sys::Links::Refuse).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => ReadError::Unusable(error.to_string()),
        _ => error.into(),
    })
}
