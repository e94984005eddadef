//! Computes where a folder is after a folder above it moved, in the spellings of Unix and Windows on every system. It
//! never asks the file system.

use super::folder::{has_drive, without_verbatim_prefix};

/// An absolute folder, split into its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderPath {
    root: PathRoot,
    parts: Vec<String>,
    /// True if the path begins with `\\?\`.
    is_verbatim: bool,
}

/// The root of an absolute path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PathRoot {
    /// `/`.
    Unix,
    /// `C:\`, with its letter in upper case.
    Drive(char),
    /// `\\`, before a server and a share, or before `?\Volume{…}`.
    Share,
}

impl FolderPath {
    /// Parses an absolute path of either system. Returns `None` if it is not absolute.
    ///
    /// Trailing and repeated separators and `.` are dropped, and `..` is resolved in the text alone.
    #[must_use]
    pub fn parse(path: &str) -> Option<FolderPath> {
        let short = without_verbatim_prefix(path);
        let is_verbatim = path.starts_with(r"\\?\");
        let (root, n) = if has_drive(&short) {
            (PathRoot::Drive(short.chars().next()?.to_ascii_uppercase()), 2)
        } else if short.starts_with(r"\\") {
            (PathRoot::Share, 2)
        } else if short.starts_with('/') {
            (PathRoot::Unix, 1)
        } else {
            return None;
        };
        let is_separator = |c: char| c == '/' || (c == '\\' && root != PathRoot::Unix);
        let mut parts = Vec::new();
        for part in short[n..].split(is_separator) {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                _ => parts.push(part.to_owned()),
            }
        }
        Some(FolderPath { root, parts, is_verbatim })
    }

    /// Returns true if case is ignored: on Windows, and below `/mnt/c` and the like in WSL.
    fn ignores_case(&self) -> bool {
        let is_drive = |part: &str| part.len() == 1 && part.as_bytes()[0].is_ascii_alphabetic();
        match (self.root, &self.parts[..]) {
            (PathRoot::Unix, [mnt, drive, ..]) => mnt.eq_ignore_ascii_case("mnt") && is_drive(drive),
            (PathRoot::Unix, _) => false,
            (PathRoot::Drive(_) | PathRoot::Share, _) => true,
        }
    }

    /// Returns the parts after those of `above`, if this is that folder or is below it.
    fn below(&self, above: &FolderPath) -> Option<&[String]> {
        let ignores_case = self.ignores_case();
        let is_same = |a: &str, b: &str| a == b || (ignores_case && a.to_lowercase() == b.to_lowercase());
        let fits = self.root == above.root
            && self.parts.len() >= above.parts.len()
            && self.parts.iter().zip(&above.parts).all(|(a, b)| is_same(a, b));
        fits.then(|| &self.parts[above.parts.len()..])
    }

    /// Returns true if this is the folder `above` or is below it.
    #[must_use]
    pub fn is_below(&self, above: &FolderPath) -> bool {
        self.below(above).is_some()
    }

    /// Returns the path of this folder after `old` became `new`; `None` if it is not at or below `old`.
    ///
    /// The separators are those of the new path. The prefix `\\?\` is kept.
    #[must_use]
    pub fn moved(&self, old: &FolderPath, new: &FolderPath) -> Option<String> {
        let rest = self.below(old)?;
        let moved = FolderPath {
            root: new.root,
            parts: new.parts.iter().chain(rest).cloned().collect(),
            is_verbatim: new.is_verbatim || self.is_verbatim,
        };
        Some(moved.to_string())
    }
}

impl std::fmt::Display for FolderPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.root, self.is_verbatim) {
            (PathRoot::Unix, _) => return write!(f, "/{}", self.parts.join("/")),
            (PathRoot::Drive(letter), true) => write!(f, r"\\?\{letter}:\")?,
            (PathRoot::Drive(letter), false) => write!(f, r"{letter}:\")?,
            // A volume without a drive letter has no other spelling.
            (PathRoot::Share, _) if self.parts.first().is_some_and(|part| part == "?") => {
                f.write_str(r"\\")?;
            }
            (PathRoot::Share, true) => f.write_str(r"\\?\UNC\")?,
            (PathRoot::Share, false) => f.write_str(r"\\")?,
        }
        f.write_str(&self.parts.join(r"\"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the path of a folder after a move; empty if it is not part of the move.
    fn moved(folder: &str, old: &str, new: &str) -> String {
        let [folder, old, new] = [folder, old, new].map(|path| FolderPath::parse(path).unwrap());
        folder.moved(&old, &new).unwrap_or_default()
    }

    #[test]
    fn a_folder_moves_with_the_one_above_it() {
        assert_eq!(moved("/a/b", "/a/b", "/x"), "/x");
        assert_eq!(moved("/a/b/c/d", "/a/b", "/x"), "/x/c/d");
        assert_eq!(moved("/a/b/c", "/a/b/", "/x//y/"), "/x/y/c", "separators at the end say nothing");
        assert_eq!(moved("/a/bc", "/a/b", "/x"), "", "the name of a folder is whole");
        assert_eq!(moved("/a", "/a/b", "/x"), "", "the folder above stays");
        assert_eq!(moved("/A/b", "/a/b", "/x"), "", "case matters on Unix");
        assert_eq!(moved("/a/./b/x/../c", "/a/b", "/y"), "/y/c");
        assert_eq!(moved("/a/b", "/", "/x"), "/x/a/b", "everything");
        assert_eq!(moved("/a/b", "/a", "/"), "/b");
        assert_eq!(moved("/a", "/a", "/"), "/");
        assert_eq!(moved("/a/ä b/ü", "/a/ä b", "/ö"), "/ö/ü");
    }

    #[test]
    fn spellings_of_windows_are_one_folder() {
        let old = r"C:\Work\proj";
        for folder in [r"c:\work\proj\src", r"C:/Work/proj/src/", r"C:\WORK\Proj\src"] {
            assert_eq!(moved(folder, old, r"d:\new"), r"D:\new\src", "{folder}");
        }
        assert_eq!(moved(r"\\?\C:\Work\proj\src", old, r"D:\new"), r"\\?\D:\new\src");
        assert_eq!(moved(r"C:\Work\proj", r"\\?\c:\work\proj\", r"\\?\D:\new"), r"\\?\D:\new");
        assert_eq!(moved(r"C:\Work\project", old, r"D:\new"), "");
        assert_eq!(moved(r"D:\Work\proj", old, r"D:\new"), "");
        assert_eq!(moved(r"C:\x", r"C:\", r"D:\"), r"D:\x");
        assert_eq!(moved(r"\\host\share\a\b", r"\\host\share\a", r"\\other\s"), r"\\other\s\b");
        assert_eq!(moved(r"\\?\UNC\host\share\a", r"\\host\share", r"C:\a"), r"\\?\C:\a\a");
        let volume = r"\\?\Volume{b75e2c83}\x";
        assert_eq!(moved(volume, volume, r"C:\y"), r"\\?\C:\y");
        assert_eq!(moved(r"C:\y\z", r"C:\y", volume), r"\\?\Volume{b75e2c83}\x\z");
    }

    #[test]
    fn from_one_system_to_another() {
        assert_eq!(
            moved(r"C:\Users\ann\proj\src\a", r"C:\Users\ann\proj", "/home/ann/proj"),
            "/home/ann/proj/src/a"
        );
        assert_eq!(moved("/home/ann/proj/src", "/home/ann", r"C:\Users\ann"), r"C:\Users\ann\proj\src");
        assert_eq!(moved("/mnt/c/users/ann/x", "/mnt/C/Users/Ann", "/home/ann"), "/home/ann/x", "WSL");
    }

    #[test]
    fn a_relative_path_is_not_accepted() {
        for path in ["", "a", "./a", "C:", r"a\b", "~/x"] {
            assert_eq!(FolderPath::parse(path), None, "{path}");
        }
        let below = |a, b| FolderPath::parse(a).unwrap().is_below(&FolderPath::parse(b).unwrap());
        assert!(below("/a/b", "/a") && below("/a", "/a") && !below("/a", "/a/b") && !below("/ab", "/a"));
    }

    proptest::proptest! {
        #[test]
        fn a_move_there_and_back_changes_nothing(parts in proptest::collection::vec("[a-z .]{1,4}x", 0..4), n in 0usize..4) {
            let path = format!("/{}", parts.join("/"));
            let old = format!("/{}", parts[..n.min(parts.len())].join("/"));
            let there = moved(&path, &old, "/other/place");
            proptest::prop_assert_eq!(moved(&there, "/other/place", &old), path);
        }

        #[test]
        fn any_text_is_read(a: String, b: String, c: String) {
            if let (Some(a), Some(b), Some(c)) = (FolderPath::parse(&a), FolderPath::parse(&b), FolderPath::parse(&c)) {
                let _ = a.moved(&b, &c);
            }
        }
    }
}
