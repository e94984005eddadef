//! Files that a run leaves where it was told to: whole, or as they were before; not standard output.

use crate::error::WithHint as _;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// What to do about a file that cannot be written, where nobody knows better.
#[must_use]
pub fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space, then run it again",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "name a place that you may write to",
        ErrorKind::IsADirectory => "name a file, not a folder",
        _ => "name a file in a folder that exists and that you may write to",
    }
}

/// Writes a file under another name beside it and renames it, so that nobody ever reads half of it.
///
/// # Errors
/// The folder is missing or cannot be written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::metadata(folder)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".codex-state-");
        #[cfg(unix)]
        {
            // Whoever collects it is another user; the umask has the last word.
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    // The name of a file that is not there yet says nothing to anybody: only what the system says is told.
    let plain = |error: std::io::Error| match error.raw_os_error() {
        Some(code) => std::io::Error::from_raw_os_error(code),
        None => std::io::Error::from(error.kind()),
    };
    write().map_err(plain).map_err(|error| {
        let advice = advice(error.kind());
        anyhow::Error::new(error).context(format!("cannot write {}", path.display())).hint(advice)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.prom");
        for text in ["first, and long", "second"] {
            write_atomically(&path, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o600, 0o600);
            assert_ne!(mode & 0o077, 0, "others read it, as far as the umask of a test run lets them");
        }
        let error = write_atomically(&folder.path().join("none/x"), b"").unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
    }
}
