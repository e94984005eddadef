//! Reads all files under a folder with content and time, to prove that a command changed nothing.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::time::SystemTime;

use walkdir::WalkDir;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    size: u64,
    content: u64,
    modified: SystemTime,
}

/// All files under a folder. Folders have only their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree(BTreeMap<String, Option<Entry>>);

impl Tree {
    /// Reads everything under `root`; links are not followed.
    pub(crate) fn of(root: &Path) -> Tree {
        let mut entries = BTreeMap::new();
        for entry in WalkDir::new(root).min_depth(1) {
            let entry = entry.unwrap();
            let name = entry.path().strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            let file = entry.file_type().is_file().then(|| {
                let metadata = entry.metadata().unwrap();
                let mut hasher = DefaultHasher::new();
                match fs::read(entry.path()) {
                    Ok(bytes) => bytes.hash(&mut hasher),
                    Err(error) => error.kind().hash(&mut hasher),
                }
                Entry {
                    size: metadata.len(),
                    content: hasher.finish(),
                    modified: metadata.modified().unwrap(),
                }
            });
            entries.insert(name, file);
        }
        Tree(entries)
    }

    /// Removes the files whose name ends in one of these.
    pub(crate) fn without(mut self, endings: &[&str]) -> Tree {
        self.0.retain(|name, _| !endings.iter().any(|ending| name.ends_with(ending)));
        self
    }

    /// Removes a folder and everything in it.
    pub(crate) fn without_folder(mut self, folder: &str) -> Tree {
        self.0.retain(|name, _| !name.split('/').any(|part| part == folder));
        self
    }

    /// Returns the names of all files and folders.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Describes how `after` differs, one line for each file. Returns an empty text if it does not.
    pub(crate) fn difference(&self, after: &Tree) -> String {
        let mut lines = String::new();
        for (name, before) in &self.0 {
            match after.0.get(name) {
                None => writeln!(lines, "  gone:    {name}").unwrap(),
                Some(now) if now != before => {
                    let what = match (before, now) {
                        (Some(a), Some(b)) if a.content == b.content && a.size == b.size => "its time alone",
                        _ => "its content",
                    };
                    writeln!(lines, "  changed: {name} ({what})").unwrap();
                }
                Some(_) => {}
            }
        }
        for name in after.0.keys().filter(|name| !self.0.contains_key(*name)) {
            writeln!(lines, "  new:     {name}").unwrap();
        }
        lines
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, entry) in &self.0 {
            if let Some(entry) = entry {
                writeln!(f, "  {name} ({} bytes)", entry.size)?;
            }
        }
        Ok(())
    }
}
