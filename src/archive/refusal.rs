//! The reasons why a thread is not archived or unarchived, and their texts.

use crate::rollout::fold::ReadError;
use crate::thread::ThreadId;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// The reason why a thread must not or cannot be moved.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is neither a row nor a file.
    NoRollout,
    /// The row's file is gone, and no other file has the thread in its name.
    Gone,
    /// The file that the row names has another thread in its name.
    NamedForAnother(PathBuf),
    /// The file says that it is of this other thread.
    OfAnother(PathBuf, ThreadId),
    /// The file's name is not that of a rollout of a thread.
    MalformedName(PathBuf),
    /// The rollout is a symbolic link.
    Link(PathBuf),
    /// The rollout lies behind a symbolic link below the home.
    BehindLink(PathBuf),
    /// The rollout is a folder or a device.
    NotAFile(PathBuf),
    /// The rollout lies outside of the home.
    OutsideHome(PathBuf),
    /// A path cannot be examined.
    Unseen(PathBuf, io::Error),
    /// A folder cannot be resolved.
    Folder(PathBuf, io::Error),
    /// The folder to move to is not usable.
    Target(io::Error),
    /// Another file has the new name. The error says why it cannot be compared with this one.
    Taken(PathBuf, Option<io::Error>),
    /// The plain form lies where the compressed file would go, which then would not count.
    PlainTaken(PathBuf),
    /// Two files would get the same name.
    SameName(PathBuf, PathBuf),
    /// The file cannot be read.
    Unread(PathBuf, ReadError),
    /// The new path cannot be stored in the database.
    NotUtf8(PathBuf),
    /// A running Codex holds a lock.
    Locked(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoRollout => f.write_str("it has no rollout"),
            Refusal::Gone => {
                f.write_str("its rollout is gone: no file has its id in the name, in any form or folder")
            }
            Refusal::NamedForAnother(path) => {
                write!(f, "its rollout is named after another thread: {}", path.display())
            }
            Refusal::OfAnother(path, id) => {
                write!(f, "{}: its session meta names thread {id}", path.display())
            }
            Refusal::MalformedName(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                write!(f, "the name of its rollout is malformed, and Codex would not move it either: {name}")
            }
            Refusal::Link(path) => write!(f, "its rollout is a symbolic link: {}", path.display()),
            Refusal::BehindLink(path) => {
                write!(f, "its rollout is behind a symbolic link: {}", path.display())
            }
            Refusal::NotAFile(path) => write!(f, "its rollout is not a regular file: {}", path.display()),
            Refusal::OutsideHome(path) => {
                write!(
                    f,
                    "its row names a file outside of the Codex home: {}; if the home has its rollout too, run codex-state \
                     backfill first",
                    path.display()
                )
            }
            Refusal::Unseen(path, error) => write!(f, "{}: cannot be looked at: {error}", path.display()),
            Refusal::Folder(path, error) => write!(f, "{}: {error}", path.display()),
            Refusal::Target(error) => write!(f, "{error}"),
            Refusal::Taken(path, None) => write!(f, "exists already: {}", path.display()),
            Refusal::Taken(path, Some(error)) => write!(f, "exists already: {}: {error}", path.display()),
            Refusal::PlainTaken(path) => write!(f, "exists already, in plain form: {}", path.display()),
            Refusal::SameName(a, b) => {
                write!(f, "two files of it would get one name: {} and {}", a.display(), b.display())
            }
            Refusal::Unread(_, ReadError::Interrupted) => f.write_str("interrupted"),
            Refusal::Unread(path, error) => write!(f, "{}: {error}", path.display()),
            Refusal::NotUtf8(path) => write!(f, "{}: the path is not UTF-8", path.display()),
            Refusal::Locked(reason) => f.write_str(reason),
        }
    }
}
