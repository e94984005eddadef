//! A rollout file that a walk found, in few bytes: a home may hold a million of them. It opens no file.

use crate::rollout::file_name::{self, NameBuffer, NamedFile, RolloutName};
use crate::rollout::fold::{RolloutSource, Stamp};
use crate::thread::ThreadId;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The folder of active rollouts, below the home.
pub const ACTIVE: &str = "sessions";
/// The folder of archived rollouts, below the home.
pub const ARCHIVED: &str = "archived_sessions";

/// A folder of a home, shared by its files.
#[derive(Debug, PartialEq, Eq)]
pub struct RolloutFolder {
    /// The path.
    path: Box<Path>,
    /// True if Codex treats the rollouts in it as archived.
    archived: bool,
}

impl RolloutFolder {
    /// Returns the folder at `path`.
    #[must_use]
    pub fn new(path: &Path, archived: bool) -> Arc<RolloutFolder> {
        Arc::new(RolloutFolder { path: path.into(), archived })
    }

    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A rollout file found by a walk.
///
/// Nearly all names are made of a time and a thread, so these are kept instead of the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutFile {
    folder: Arc<RolloutFolder>,
    /// The thread in the name; the nil id if the name does not parse.
    thread: ThreadId,
    /// The time in the name, in seconds since 1970.
    began: u32,
    /// True if the name ends in `.zst`.
    compressed: bool,
    /// Modification time, in nanoseconds since 1970; [`UNSEEN`] if time and size are not known.
    modified: i64,
    /// Size in bytes.
    size: u64,
    /// Replaces name and time if they do not fit into the fields above.
    unusual: Option<Box<Unusual>>,
}

/// Stands for the modification time of a file that was not looked at.
const UNSEEN: i64 = i64::MIN;

/// A name that is not made of a time and a thread, or a time that is centuries away.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unusual {
    /// The parts of the name, if it parses.
    name: Option<RolloutName>,
    /// The file name, if it differs from the one made of its parts.
    odd_name: Option<Box<OsStr>>,
    modified: SystemTime,
}

impl RolloutFile {
    /// Returns a file that was found; `named` is its parsed name.
    #[must_use]
    pub fn new(folder: Arc<RolloutFolder>, file_name: &OsStr, named: NamedFile, stamp: Stamp) -> RolloutFile {
        let NamedFile { name, compressed } = named;
        let is_made_of_parts =
            name.is_some_and(|name| *name.encode(compressed, &mut NameBuffer::default()) == *file_name);
        let own_name = name.filter(|name| is_made_of_parts && name.rollout == name.thread);
        let began = own_name.and_then(|name| to_seconds(name.time));
        let modified = to_nanos(stamp.modified);
        let unusual = (began.is_none() || modified.is_none()).then(|| {
            let odd_name = (!is_made_of_parts).then(|| file_name.into());
            Box::new(Unusual { name, odd_name, modified: stamp.modified })
        });
        RolloutFile {
            folder,
            thread: name.map_or(ThreadId::from_u128(0), |name| name.thread),
            began: began.unwrap_or_default(),
            compressed,
            modified: modified.unwrap_or_default(),
            size: stamp.size,
            unusual,
        }
    }

    /// Returns a file whose time and size are asked for when they are needed: most files of a large home are read without
    /// them.
    #[must_use]
    pub fn unseen(folder: Arc<RolloutFolder>, file_name: &OsStr, named: NamedFile) -> RolloutFile {
        let stamp = Stamp { modified: UNIX_EPOCH, size: 0 };
        RolloutFile { modified: UNSEEN, ..RolloutFile::new(folder, file_name, named, stamp) }
    }

    /// Asks for time and size if they are not known. A file that is gone has the least of both.
    pub(super) fn look(&mut self) {
        if self.modified == UNSEEN {
            let Stamp { modified, size } = self.stamp();
            self.size = size;
            match (to_nanos(modified), &mut self.unusual) {
                (Some(nanos), None) => self.modified = nanos,
                (_, Some(unusual)) => (self.modified, unusual.modified) = (0, modified),
                // A time that is centuries away waits for a place; it is asked for each time.
                (None, None) => {}
            }
        }
    }

    /// Returns the parts of the name; `None` if it does not parse.
    #[must_use]
    pub fn name(&self) -> Option<RolloutName> {
        match &self.unusual {
            Some(unusual) => unusual.name,
            None => Some(RolloutName {
                time: i64::from(self.began) * 1000,
                thread: self.thread,
                rollout: self.thread,
            }),
        }
    }

    /// Returns the thread in the name.
    #[must_use]
    pub fn thread(&self) -> Option<ThreadId> {
        self.name().map(|name| name.thread)
    }

    /// Returns the rollout in the name. It differs from the thread in a reverted thread.
    #[must_use]
    pub fn rollout(&self) -> Option<ThreadId> {
        self.name().map(|name| name.rollout)
    }

    /// Returns true if the name ends in `.zst`.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Returns true if Codex treats the rollout as archived.
    #[must_use]
    pub fn is_archived(&self) -> bool {
        self.folder.archived
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// Returns the modification time and the size. Asks the system if they are not known.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        if self.modified == UNSEEN {
            return Stamp::at(&self.path()).unwrap_or(Stamp { modified: UNIX_EPOCH, size: 0 });
        }
        let modified = match &self.unusual {
            Some(unusual) => unusual.modified,
            None => from_nanos(self.modified),
        };
        Stamp { modified, size: self.size }
    }

    /// Returns the size in bytes. Asks the system if it is not known.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.known_size().unwrap_or_else(|| self.stamp().size)
    }

    /// Returns the size in bytes if it is known.
    #[must_use]
    pub fn known_size(&self) -> Option<u64> {
        (self.modified != UNSEEN).then_some(self.size)
    }

    /// Returns the file name.
    #[must_use]
    pub fn file_name(&self) -> Cow<'_, OsStr> {
        // A name that does not parse is kept as it is.
        let of_parts = || self.name().map(|name| name.to_file_name(self.compressed)).unwrap_or_default();
        self.odd_name().map_or_else(|| Cow::Owned(of_parts().into()), Cow::Borrowed)
    }

    fn odd_name(&self) -> Option<&OsStr> {
        self.unusual.as_ref()?.odd_name.as_deref()
    }

    /// Returns true if the file name is `name`; does not allocate.
    #[must_use]
    pub fn is_named(&self, name: &OsStr) -> bool {
        self.has_name(name.as_encoded_bytes())
    }

    /// Returns true if the file's path has exactly this spelling.
    #[must_use]
    pub fn is_spelled(&self, path: &Path) -> bool {
        let folder = self.folder().as_os_str().as_encoded_bytes();
        let path = path.as_os_str().as_encoded_bytes();
        match path.strip_prefix(folder).and_then(<[u8]>::split_first) {
            Some((separator, name)) => std::path::is_separator(char::from(*separator)) && self.has_name(name),
            None => false,
        }
    }

    /// Returns true if these are the bytes of the file name.
    fn has_name(&self, name: &[u8]) -> bool {
        let is_made_of =
            |parts: RolloutName| parts.encode(self.compressed, &mut NameBuffer::default()).as_bytes() == name;
        match self.odd_name() {
            Some(odd) => odd.as_encoded_bytes() == name,
            None => self.name().is_some_and(is_made_of),
        }
    }

    /// Returns the whole path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder().join(&*self.file_name())
    }

    /// Returns true if the file has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.size() == 0
    }

    /// Returns the file as a source to read.
    #[must_use]
    pub fn source(&self) -> RolloutSource {
        RolloutSource {
            path: self.path(),
            name: self.name(),
            compressed: self.compressed,
            archived: self.is_archived(),
        }
    }

    /// Returns the file that is now at `path`, below `home`; `None` if it is not a rollout of this home.
    #[must_use]
    pub fn at(home: &Path, path: &Path) -> Option<RolloutFile> {
        let relative = path.strip_prefix(home).ok()?;
        let first = relative.components().next()?.as_os_str();
        let file_name = path.file_name()?;
        let named = file_name::parse(file_name)?;
        let metadata = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        (first == ACTIVE || first == ARCHIVED).then_some(())?;
        let stamp = Stamp::of(&metadata).ok()?;
        let folder = RolloutFolder::new(path.parent()?, is_archived(relative));
        Some(RolloutFile::new(folder, file_name, named, stamp))
    }
}

/// Returns true for a path that Codex treats as archived: any path with this component.
pub(super) fn is_archived(relative: &Path) -> bool {
    relative.components().any(|component| component.as_os_str() == ARCHIVED)
}

/// Returns a time in whole seconds; `None` if that is not exact or does not fit.
fn to_seconds(millis: i64) -> Option<u32> {
    u32::try_from(millis / 1000).ok().filter(|seconds| i64::from(*seconds) * 1000 == millis)
}

/// Returns a time in nanoseconds since 1970; `None` if it does not fit.
fn to_nanos(time: SystemTime) -> Option<i64> {
    let nanos = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).ok()?,
        Err(before) => -i64::try_from(before.duration().as_nanos()).ok()?,
    };
    Some(nanos).filter(|nanos| *nanos != UNSEEN && from_nanos(*nanos) == time)
}

fn from_nanos(nanos: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanos.unsigned_abs());
    let time = if nanos < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    // Unreachable: the clock of every system reaches as far.
    time.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019ced6b-835b-7475-b762-429694b3a51e";

    fn file(name: &str, modified: SystemTime) -> RolloutFile {
        let folder = RolloutFolder::new(&Path::new("home").join(ARCHIVED), true);
        let named = file_name::parse(name.as_ref()).unwrap();
        RolloutFile::new(folder, name.as_ref(), named, Stamp { modified, size: 1 })
    }

    /// A home may hold a million files. Each byte here is a megabyte of memory then.
    #[test]
    fn a_file_takes_few_bytes() {
        assert!(size_of::<RolloutFile>() <= 56, "{}", size_of::<RolloutFile>());
        let usual =
            file(&format!("rollout-2026-03-14T17-00-00-{ID}.jsonl"), from_nanos(1_773_000_000_123_456_789));
        assert!(usual.unusual.is_none(), "{usual:?}");
    }

    #[test]
    fn a_file_knows_its_name_and_its_time() {
        let other = "019ced6b-835b-7475-b762-429694b3a51f";
        let seconds = |n: u64| Duration::from_secs(n);
        let times = [
            UNIX_EPOCH,
            UNIX_EPOCH + Duration::new(1_773_000_000, 123_456_700),
            UNIX_EPOCH - Duration::new(1, 500),
            UNIX_EPOCH + seconds(20_000_000_000),
            UNIX_EPOCH - seconds(11_000_000_000),
        ];
        for name in [
            format!("rollout-2026-03-14T17-00-00-{ID}.jsonl"),
            format!("rollout-2026-03-14T17-00-00-{ID}.jsonl.zst"),
            format!("rollout-2026-03-14T17-00-60-{ID}.jsonl"),
            format!("rollout-0001-01-01T00-00-00-{ID}.jsonl"),
            format!("rollout-9999-12-31T23-59-59-{ID}.jsonl.zst"),
            format!("rollout-2026-03-14T17-00-00-{}.jsonl", ID.to_uppercase()),
            format!("rollout-2026-03-14T17-00-00-{ID}_{other}.jsonl"),
            "rollout-odd.jsonl".to_owned(),
        ] {
            let named = file_name::parse(name.as_ref()).unwrap();
            for modified in times {
                let file = file(&name, modified);
                assert_eq!(file.file_name(), OsStr::new(&name));
                assert_eq!((file.name(), file.is_compressed()), (named.name, named.compressed), "{name}");
                assert_eq!(file.thread(), named.name.map(|name| name.thread), "{name}");
                assert_eq!(file.rollout(), named.name.map(|name| name.rollout), "{name}");
                assert_eq!(file.stamp(), Stamp { modified, size: 1 }, "{name}");
                assert!(file.is_archived());
            }
        }
    }

    #[test]
    fn a_file_that_was_not_looked_at_is_asked_when_it_must_be() {
        let folder = tempfile::tempdir().unwrap();
        let times = [UNIX_EPOCH, from_nanos(1_773_000_000_123_456_700), UNIX_EPOCH - Duration::from_secs(9)];
        for (i, modified) in times.into_iter().enumerate() {
            for name in
                [format!("rollout-2026-03-14T17-00-0{i}-{ID}.jsonl"), format!("rollout-odd-{i}.jsonl")]
            {
                let path = folder.path().join(&name);
                std::fs::write(&path, "four").unwrap();
                std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
                let named = file_name::parse(name.as_ref()).unwrap();
                let new = || {
                    let folder = RolloutFolder::new(folder.path(), false);
                    RolloutFile::unseen(folder, name.as_ref(), named)
                };
                let (unseen, mut seen) = (new(), new());
                let stamp = Stamp { modified, size: 4 };
                assert_eq!((unseen.known_size(), unseen.size(), unseen.stamp()), (None, 4, stamp), "{name}");
                seen.look();
                std::fs::remove_file(&path).unwrap();
                assert_eq!(
                    (seen.known_size(), seen.stamp(), seen.is_empty()),
                    (Some(4), stamp, false),
                    "{name}"
                );
                assert_eq!((unseen.size(), unseen.is_empty()), (0, true), "{name} is gone");
                assert_eq!(seen.path(), path);
            }
        }
    }

    #[test]
    fn a_file_knows_the_exact_spelling_of_its_path() {
        let folder = Path::new("home").join(ARCHIVED);
        let usual = format!("rollout-2026-03-14T17-00-00-{ID}.jsonl");
        let capital = format!("rollout-2026-03-14T17-00-00-{}.jsonl", ID.to_uppercase());
        for name in [usual.as_str(), &capital, "rollout-odd.jsonl"] {
            let file = file(name, UNIX_EPOCH);
            assert!(file.is_spelled(&file.path()) && file.is_spelled(&folder.join(name)), "{name}");
            let others =
                [folder.join(format!("x{name}")), Path::new("home").join(name), folder.join("..").join(name)];
            for other in
                others.iter().chain([&folder.join(format!("{name}.zst")), &folder.join(usual.to_uppercase())])
            {
                assert!(!file.is_spelled(other), "{name}: {}", other.display());
            }
        }
    }
}
