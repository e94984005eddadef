//! Writes a file whose path a person named (`--metrics`, `--junit`, `man DIR` …). The path is checked before any
//! work, and the file is written whole or not at all. This module knows no formats.
//!
//! The rules: a regular file is replaced in one step and keeps its mode. A link stays and its target is replaced. A
//! device, a pipe, `/dev/stdout` and `/dev/fd/N` are opened and written, not replaced. Rollouts, databases with the
//! files beside them, `config.toml` and `session_index.jsonl` are refused under every name by which they can be
//! reached.

use crate::error::WithHint as _;
use crate::home::{BESIDE_DATABASE, OTHER_FILES, with_suffix};
use crate::rollout::file_name;
use crate::sys::{FileIdentity, Links, is_reader_gone, open_regular};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, ErrorKind, Read as _, Write};
use std::path::{Path, PathBuf};

/// The first bytes of a database, of a `-wal` (two byte orders) and of a rollback journal.
const MAGIC: [&[u8]; 4] =
    [b"SQLite format 3\0", b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"];

/// The number of links that are followed before a chain counts as a loop; the same as in Linux.
const MAX_LINKS: usize = 40;

/// Returns advice for a file that cannot be written.
fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space, then run it again",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "name a place that you may write to",
        ErrorKind::IsADirectory => "name a file, not a folder",
        _ => "name a file in a folder that exists and that you may write to",
    }
}

/// Creates a folder for output, with those above it.
///
/// # Errors
/// If it cannot be created.
pub fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let made = fs::create_dir_all(folder);
    made.map_err(|error| explain(error, &format!("cannot make the folder {}", folder.display())))
}

/// Returns an error of the system with what failed, and with advice.
pub fn explain(error: io::Error, what: &str) -> anyhow::Error {
    let advice = advice(error.kind());
    anyhow::Error::new(error).context(what.to_owned()).hint(advice)
}

/// The files that must never be overwritten, even if a person names them for output.
#[derive(Debug, Clone, Default)]
pub struct Protected {
    files: Vec<PathBuf>,
    /// Folders in which Codex would use a new `state_<N>.sqlite` as its own.
    database_folders: Vec<PathBuf>,
}

impl Protected {
    /// Adds a database and the files that SQLite keeps beside it, whether they exist or not.
    pub fn add_database(&mut self, path: &Path) {
        // SQLite resolves links before it names the files beside the database.
        let real = fs::canonicalize(path).ok();
        for path in [Some(path.to_owned()), real].into_iter().flatten() {
            for suffix in BESIDE_DATABASE {
                self.files.push(with_suffix(&path, suffix));
            }
            self.files.push(path);
        }
    }

    /// Adds a folder in which Codex looks for databases.
    pub fn add_database_folder(&mut self, folder: &Path) {
        self.database_folders.push(folder.to_owned());
    }

    /// Adds a Codex home: its configuration and its index of names.
    pub fn add_home(&mut self, home: &Path) {
        self.files.extend(OTHER_FILES.map(|name| home.join(name)));
        self.add_database_folder(home);
    }

    /// Returns true if `path`, which need not exist, is one of the files.
    fn contains(&self, path: &Path) -> bool {
        let identity = FileIdentity::of(path).ok();
        let place = place_of(path);
        self.files.iter().any(|file| {
            (identity.is_some() && FileIdentity::of(file).ok() == identity)
                || (place.is_some() && place_of(file) == place)
        })
    }

    /// Returns true if Codex would use a new database at `path` as its own, because of its folder and name.
    fn would_be_of_codex(&self, path: &Path) -> bool {
        let Some((folder, name)) = place_of(path) else { return false };
        let name = name.to_string_lossy().to_ascii_lowercase();
        let Some(stem) = name.strip_suffix(".sqlite") else { return false };
        let is_numbered = stem.rsplit_once('_').is_some_and(|(_, number)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        let is_here = |other: &PathBuf| FileIdentity::of(other).is_ok_and(|other| folder == other);
        (stem == "state" || is_numbered) && self.database_folders.iter().any(is_here)
    }
}

/// Returns the identity of the path's folder, which does not depend on its spelling, and the file name. Returns
/// `None` if the folder does not exist.
fn place_of(path: &Path) -> Option<(FileIdentity, &OsStr)> {
    Some((FileIdentity::of(folder_of(path)).ok()?, path.file_name()?))
}

/// Returns the folder of a file, also for a file in the current folder.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A path that a person named for output, checked before any work.
#[derive(Debug, Clone)]
pub struct OutputFile {
    /// The path as the person named it, for messages.
    path: PathBuf,
    protected: Protected,
    target: Destination,
}

/// The destination of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Destination {
    Stdout,
    Stderr,
    /// A device, a pipe, or an open file of this process: opened and written, never replaced.
    Through(PathBuf),
    /// A regular file, or one that does not exist yet: replaced in one step.
    File(PathBuf),
}

impl OutputFile {
    /// Checks a path that will be written later. Nothing is created or changed.
    ///
    /// # Errors
    /// If the path must not or cannot be written: a protected file, a folder, a disk, a folder that does not exist.
    pub fn check(path: &Path, protected: &Protected) -> anyhow::Result<OutputFile> {
        let target = resolve(path).and_then(|target| check_writable(&target).map(|()| target));
        let target = target.map_err(|error| cannot_write(path, error))?;
        refuse(path, &target, protected, false)?;
        if let Destination::File(file) | Destination::Through(file) = &target
            && has_magic(file)
        {
            return Err(refused(path, "it is a database or a file that SQLite keeps beside one"));
        }
        Ok(OutputFile { path: path.to_owned(), protected: protected.clone(), target })
    }

    /// Checks a path at which a new database will be created.
    ///
    /// # Errors
    /// If the name is that of a file that Codex uses, or if Codex would use the new file as its own.
    pub fn check_new_database(path: &Path, protected: &Protected) -> anyhow::Result<()> {
        let target = Destination::File(path.to_owned());
        // The code that creates the new database refuses an existing file.
        if fs::symlink_metadata(path).is_err() {
            refuse(path, &target, protected, true)?;
        }
        Ok(())
    }

    /// Returns true if both outputs would replace the same file.
    #[must_use]
    pub fn is_same_file(&self, other: &OutputFile) -> bool {
        let (Destination::File(mine), Destination::File(theirs)) = (&self.target, &other.target) else {
            return false;
        };
        place_of(mine).is_some_and(|place| Some(place) == place_of(theirs))
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If the file cannot be written, or if it became a protected file after the check.
    pub fn write(&self, bytes: &[u8]) -> anyhow::Result<()> {
        self.write_with(|out| out.write_all(bytes))
    }

    /// Writes the output of `render` into the file; a regular file appears only when `render` has finished.
    ///
    /// # Errors
    /// As [`OutputFile::write`], and the errors of `render`.
    pub fn write_with(&self, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
        // Checked again, because hours may have passed since the first check.
        let target = resolve(&self.path).map_err(|error| cannot_write(&self.path, error))?;
        refuse(&self.path, &target, &self.protected, false)?;
        let written = match &target {
            Destination::Stdout => quietly(write_to(io::stdout().lock(), render)),
            Destination::Stderr => quietly(write_to(io::stderr().lock(), render)),
            Destination::Through(path) => open_through(path).and_then(|file| write_to(file, render)),
            Destination::File(path) => replace(path, render),
        };
        written.map_err(|error| cannot_write(&self.path, error))
    }
}

/// Writes through a buffer and flushes it.
fn write_to(out: impl Write, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    render(&mut out)?;
    out.flush()
}

/// Ignores that the reader of a standard stream closed it.
fn quietly(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if is_reader_gone(&error) => Ok(()),
        other => other,
    }
}

/// Writes a temporary file in the same folder and renames it, so that no reader ever sees half a file.
fn replace(path: &Path, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let old = fs::metadata(path).ok();
    let mut builder = tempfile::Builder::new();
    builder.prefix(".codex-state-");
    #[cfg(unix)]
    {
        // A new file gets the mode of the umask, because another user may need to read it.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    // The full error would name the temporary file, which tells the reader nothing.
    let file = builder.tempfile_in(folder_of(path)).map_err(|error| io::Error::from(error.kind()))?;
    write_to(file.as_file(), render)?;
    if let Some(old) = &old {
        keep_mode(file.as_file(), old)?;
    }
    file.persist(path)?;
    Ok(())
}

/// Gives a file the mode of the file that it replaces, and its owner if permitted.
#[cfg(unix)]
fn keep_mode(file: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // Only root may change the owner. For others the file becomes their own, as with any editor.
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(fs::Permissions::from_mode(old.permissions().mode() & 0o777))
}

#[cfg(not(unix))]
fn keep_mode(_file: &File, _old: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Opens a file that is not regular. It waits for a reader of a pipe, but only for a limited time.
#[cfg(unix)]
fn open_through(path: &Path) -> io::Result<File> {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::time::{Duration, Instant};
    /// The time to wait for a reader of a pipe.
    const PATIENCE: Duration = Duration::from_secs(5);
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = File::options();
    options.append(true).custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    let deadline = Instant::now() + PATIENCE;
    let file = loop {
        match options.open(path) {
            Ok(file) => break file,
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
                if Instant::now() >= deadline {
                    return Err(io::Error::new(ErrorKind::TimedOut, "no process reads from this pipe"));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error),
        }
    };
    // From here on, writes wait for a slow reader.
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

#[cfg(not(unix))]
fn open_through(path: &Path) -> io::Result<File> {
    File::options().write(true).open(path)
}

/// Follows links one by one, because the last one may lead to a file that does not exist yet.
fn resolve(path: &Path) -> io::Result<Destination> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if let Some(target) = open_file_of_process(&path) {
            return Ok(target);
        }
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => path = folder_of(&path).join(fs::read_link(&path)?),
            Ok(metadata) if metadata.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(metadata) if metadata.is_file() => return Ok(Destination::File(path)),
            Ok(_) => return Ok(Destination::Through(path)),
            Err(error) if error.kind() == ErrorKind::NotFound && path.file_name().is_some() => {
                return match fs::metadata(folder_of(&path)) {
                    Ok(folder) if !folder.is_dir() => Err(ErrorKind::NotADirectory.into()),
                    Ok(_) => Ok(Destination::File(path)),
                    Err(error) => Err(error),
                };
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many links"))
}

/// Returns the target for a path that names an open file of this process, such as `/dev/stdout` or `/dev/fd/9`. Links
/// there lead to texts such as `pipe:[4711]`, and reopening the file would start at its beginning.
#[cfg(unix)]
fn open_file_of_process(path: &Path) -> Option<Destination> {
    let path_text = path.to_str()?;
    let rest = path_text.strip_prefix("/dev/").or_else(|| path_text.strip_prefix("/proc/self/"));
    Some(match rest {
        Some("stdout" | "fd/1") => Destination::Stdout,
        Some("stderr" | "fd/2") => Destination::Stderr,
        Some(rest) if rest.starts_with("fd/") => Destination::Through(path.to_owned()),
        _ if path_text.starts_with("/proc/") && path_text.contains("/fd/") => {
            Destination::Through(path.to_owned())
        }
        _ => return None,
    })
}

/// Returns the target for a path that names a stream of this process or a device. Scripts that were written for other
/// systems name `/dev/stdout`, which is not a path here.
#[cfg(not(unix))]
fn open_file_of_process(path: &Path) -> Option<Destination> {
    match path.to_str() {
        Some("/dev/stdout") => return Some(Destination::Stdout),
        Some("/dev/stderr") => return Some(Destination::Stderr),
        _ => {}
    }
    let is_device = |device| path.as_os_str().eq_ignore_ascii_case(device);
    (is_device("NUL") || is_device("CON")).then(|| Destination::Through(path.to_owned()))
}

/// Finds problems before the work that would prevent the writing after it.
#[cfg(unix)]
fn check_writable(target: &Destination) -> io::Result<()> {
    use rustix::fs::{Access, access};
    use std::os::unix::fs::FileTypeExt as _;
    match target {
        Destination::Stdout | Destination::Stderr => Ok(()),
        Destination::Through(path) => {
            let kind = fs::metadata(path)?.file_type();
            if kind.is_dir() {
                return Err(ErrorKind::IsADirectory.into());
            }
            if kind.is_block_device() || kind.is_socket() {
                let text = if kind.is_socket() { "it is a socket" } else { "it is a disk" };
                return Err(io::Error::new(ErrorKind::InvalidInput, text));
            }
            Ok(())
        }
        Destination::File(path) => {
            // A read-only file is not replaced either, although a rename could replace it.
            if path.exists() {
                access(path, Access::WRITE_OK)?;
            }
            Ok(access(folder_of(path), Access::WRITE_OK | Access::EXEC_OK)?)
        }
    }
}

#[cfg(not(unix))]
fn check_writable(target: &Destination) -> io::Result<()> {
    match target {
        Destination::File(path) if fs::metadata(path).is_ok_and(|file| file.permissions().readonly()) => {
            Err(ErrorKind::PermissionDenied.into())
        }
        _ => Ok(()),
    }
}

/// Refuses a target by its names and by its contents. Only a new database may be called `x.sqlite`.
fn refuse(
    path: &Path,
    target: &Destination,
    protected: &Protected,
    is_new_database: bool,
) -> anyhow::Result<()> {
    let (Destination::File(file) | Destination::Through(file)) = target else { return Ok(()) };
    for name in [path, file].iter().filter_map(|path| path.file_name()) {
        let name = name.to_string_lossy().to_ascii_lowercase();
        if file_name::parse(OsStr::new(&name)).is_some() {
            return Err(refused(path, "its name is that of a rollout (conversation file)"));
        }
        if OTHER_FILES.contains(&&*name) {
            return Err(refused(path, "its name is that of a file of Codex"));
        }
        let is_neighbour = BESIDE_DATABASE
            .iter()
            .any(|suffix| name.strip_suffix(suffix).is_some_and(|name| name.ends_with(".sqlite")));
        if is_neighbour || (name.ends_with(".sqlite") && !is_new_database) {
            return Err(refused(
                path,
                "its name is that of a database or of a file that SQLite keeps beside one",
            ));
        }
    }
    if protected.contains(file) {
        return Err(refused(path, "it is a file of Codex"));
    }
    if protected.would_be_of_codex(file) {
        return Err(refused(path, "Codex would take it for its own database"));
    }
    Ok(())
}

fn refused(path: &Path, why: &str) -> anyhow::Error {
    anyhow::anyhow!("cannot write {}: {why}", path.display()).hint("name a file outside the Codex home")
}

/// Returns true if a regular file begins like a database, a `-wal` or a journal.
fn has_magic(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = open_regular(path, Links::Follow).and_then(|file| file.take(16).read_to_end(&mut bytes));
    read.is_ok() && MAGIC.iter().any(|magic| bytes.starts_with(magic))
}

fn cannot_write(path: &Path, error: io::Error) -> anyhow::Error {
    explain(error, &format!("cannot write {}", path.display()))
}
