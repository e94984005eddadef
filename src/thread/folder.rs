//! Compares spellings of working directories, including those of Windows, on every system. It never asks the file
//! system.

use std::borrow::Cow;

/// Returns a Windows path without the prefix `\\?\` that std adds to canonical paths. People and most other programs
/// omit it. Returns any other text unchanged.
#[must_use]
pub fn without_verbatim_prefix(path: &str) -> Cow<'_, str> {
    let Some(rest) = path.strip_prefix(r"\\?\") else { return Cow::Borrowed(path) };
    match rest.strip_prefix(r"UNC\") {
        Some(share) => Cow::Owned(format!(r"\\{share}")),
        None if has_drive(rest) => Cow::Borrowed(rest),
        // A volume without a drive letter has no other spelling.
        None => Cow::Borrowed(path),
    }
}

/// Returns true if a text is an absolute Windows path that begins with a drive letter.
#[must_use]
pub fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic())
}

/// Returns true if a path is absolute on Unix or on Windows, because homes are shared between systems.
#[must_use]
pub fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.starts_with(r"\\") || has_drive(path)
}

/// Returns true if two paths differ at most in the prefix `\\?\` and in the case of the drive's letter.
///
/// Source: docs/codex-home.md 4, row `cwd`.
#[must_use]
pub fn same_spelling(a: &str, b: &str) -> bool {
    a == b || {
        let (a, b) = (without_verbatim_prefix(a), without_verbatim_prefix(b));
        a == b || (has_drive(&a) && has_drive(&b) && a[..1].eq_ignore_ascii_case(&b[..1]) && a[1..] == b[1..])
    }
}

/// Returns every spelling of a folder that [`same_spelling`] treats as equal, the given one first.
#[must_use]
pub fn spellings(path: &str) -> Vec<String> {
    let short = without_verbatim_prefix(path);
    let mut spellings = vec![path.to_owned()];
    if has_drive(&short) {
        let letters = [short[..1].to_ascii_uppercase(), short[..1].to_ascii_lowercase()];
        for letter in letters {
            let short = format!("{letter}{}", &short[1..]);
            spellings.extend([format!(r"\\?\{short}"), short]);
        }
    } else if let Some(share) = short.strip_prefix(r"\\").filter(|share| !share.starts_with(['?', '.'])) {
        spellings.extend([format!(r"\\?\UNC\{share}"), short.to_string()]);
    }
    let mut seen = std::collections::BTreeSet::new();
    spellings.retain(|spelling| seen.insert(spelling.clone()));
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verbatim_prefix_and_the_case_of_the_drive_are_spelling() {
        assert!(same_spelling(r"\\?\C:\proj\a", r"c:\proj\a"));
        assert!(same_spelling(r"\\?\UNC\host\share\a", r"\\host\share\a"));
        assert!(same_spelling("/srv/a", "/srv/a"));
        assert!(!same_spelling(r"C:\proj\a", r"D:\proj\a"));
        assert!(!same_spelling(r"C:\proj\a", r"C:\Proj\a"));
        assert!(!same_spelling("/srv/a", "/srv/A"));
    }

    #[test]
    fn all_spellings_of_a_folder_are_the_same_and_the_given_one_is_first() {
        for (path, n) in
            [(r"c:\a", 4), (r"\\?\C:\a", 4), (r"\\host\share", 2), ("/srv/a", 1), ("a", 1), ("", 1)]
        {
            let all = spellings(path);
            assert_eq!((all[0].as_str(), all.len()), (path, n), "{all:?}");
            assert!(all.iter().all(|other| same_spelling(path, other)), "{all:?}");
        }
    }

    #[test]
    fn absolute_paths_of_both_systems_are_known() {
        for path in ["/srv", r"C:\proj", "c:/proj", r"\\host\share", r"\\?\C:\x"] {
            assert!(is_absolute(path), "{path}");
        }
        for path in ["", "srv", "./srv", "C:", r"proj\a", "~"] {
            assert!(!is_absolute(path), "{path}");
        }
    }
}
