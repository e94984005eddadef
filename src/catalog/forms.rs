//! The two forms of a rollout, plain and compressed: the one place that adds or strips `.zst`.
//!
//! Codex compresses cold rollouts. Where both forms exist, the plain one counts (docs/codex-home.md 1).

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The extension of a compressed rollout.
const EXTENSION: &str = "zst";

/// The paths of both forms of one rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forms {
    /// The path without `.zst`.
    pub plain: PathBuf,
    /// The path with `.zst`.
    pub compressed: PathBuf,
}

impl Forms {
    /// Returns both forms of the rollout at `path`, which may be either of them.
    #[must_use]
    pub fn of(path: &Path) -> Forms {
        let plain = if is_compressed(path) { path.with_extension("") } else { path.to_owned() };
        let mut compressed = plain.clone().into_os_string();
        compressed.push(".");
        compressed.push(EXTENSION);
        Forms { plain, compressed: compressed.into() }
    }

    /// Returns both paths, the plain one first.
    #[must_use]
    pub fn each(&self) -> [&Path; 2] {
        [&self.plain, &self.compressed]
    }

    /// Returns the form that exists as a file: the plain one if both do.
    #[must_use]
    pub fn existing(&self) -> Option<&Path> {
        self.each().into_iter().find(|path| path.is_file())
    }
}

/// Returns the form of the rollout at `path` that exists, a file or anything else; first looks at `path` itself. Returns
/// `None` if neither exists.
///
/// # Errors
/// If a path cannot be looked at.
pub fn look(path: &Path) -> io::Result<Option<(PathBuf, fs::Metadata)>> {
    for form in [path.to_owned(), other_form(path)] {
        match fs::symlink_metadata(&form) {
            Ok(metadata) => return Ok(Some((form, metadata))),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput
                ) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Looks whether the rollout at `path` exists as named, and whether it exists in the other form.
pub fn try_exist(path: &Path) -> [io::Result<bool>; 2] {
    [path.try_exists(), other_form(path).try_exists()]
}

/// Returns the size in bytes on disk of the rollout at `path`, in the form that exists; `None` if neither exists.
#[must_use]
pub fn size(path: &Path) -> Option<u64> {
    let size = |path: &Path| fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|data| data.len());
    size(path).or_else(|| size(&other_form(path)))
}

/// Returns the path of the other form: with `.zst` stripped or added.
#[must_use]
pub fn other_form(path: &Path) -> PathBuf {
    let forms = Forms::of(path);
    if is_compressed(path) { forms.plain } else { forms.compressed }
}

/// Returns true if the path is that of a compressed file.
#[must_use]
pub fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == EXTENSION)
}

/// Returns a file name without `.zst`.
#[must_use]
pub fn plain_name(name: &OsStr) -> &OsStr {
    let path = Path::new(name);
    if is_compressed(path) { path.file_stem().unwrap_or(name) } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_leads_to_both() {
        let (plain, compressed) = (Path::new("/h/a.jsonl"), Path::new("/h/a.jsonl.zst"));
        for path in [plain, compressed] {
            assert_eq!(Forms::of(path).each(), [plain, compressed]);
            assert_eq!(other_form(&other_form(path)), path);
            assert_eq!(plain_name(path.file_name().unwrap()), "a.jsonl");
        }
        assert_eq!(other_form(plain), compressed);
        assert!(is_compressed(compressed) && !is_compressed(plain));
    }

    #[test]
    fn the_plain_form_is_chosen_if_both_exist() {
        let folder = tempfile::tempdir().unwrap();
        let forms = Forms::of(&folder.path().join("a.jsonl"));
        assert_eq!(forms.existing(), None);
        std::fs::write(&forms.compressed, "x").unwrap();
        assert_eq!(forms.existing(), Some(&*forms.compressed));
        std::fs::write(&forms.plain, "x").unwrap();
        assert_eq!(forms.existing(), Some(&*forms.plain));
    }
}
