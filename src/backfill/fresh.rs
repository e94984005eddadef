//! Chooses the kind of database to create in a home that has none, by the Codex that wrote there last. It creates
//! none.

use crate::catalog::walk;
use crate::db::NewSchema;
use crate::home;
use crate::rollout::peek;
use crate::rollout::reader::Buffer;
use std::cmp::Reverse;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// The versions of Codex that read only the database of phase 1.
const PHASE_1: [[u32; 2]; 2] = [[0, 93], [0, 95]];
/// The first version of Codex that tolerates a ledger newer than its own.
const TOLERANT: [u32; 2] = [0, 119];
/// Maximum number of rollouts opened, newest first, to find a version.
const LOOKS: usize = 1000;

/// The database to create, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedDatabase {
    /// Its schema, which determines its name.
    pub schema: NewSchema,
    /// The reason, in words that follow "because".
    pub reason: String,
    /// The version of the newest rollout, if that Codex may refuse the database.
    pub too_old: Option<String>,
}

/// Chooses the database to create for `home`, in `folder`.
///
/// The newest rollout, by the time in its name, shows which Codex was used last. Files that only a newer Codex
/// creates have precedence, because a thread that began in an old version keeps that version in its rollout.
#[must_use]
pub fn plan_database(home: &Path, folder: &Path, interrupted: &AtomicBool) -> PlannedDatabase {
    let of = |text: &str| format!("the newest rollout is of Codex {text}");
    let (schema, reason, too_old) = match newest_version(home, interrupted) {
        None => (NewSchema::State5, "no rollout says of which Codex it is".to_owned(), None),
        Some((text, version)) if !(PHASE_1[0]..=PHASE_1[1]).contains(&version) => {
            let is_too_old = (PHASE_1[1]..TOLERANT).contains(&version);
            (NewSchema::State5, of(&text), is_too_old.then_some(text))
        }
        Some((text, _)) if home::shows_newer_codex(home, folder) => {
            let reason = format!("{}, but other files in the home are of a newer Codex", of(&text));
            (NewSchema::State5, reason, None)
        }
        Some((text, _)) => (NewSchema::Phase1, format!("{}, which reads no other", of(&text)), None),
    };
    PlannedDatabase { schema, reason, too_old }
}

/// Returns the versions of Codex that read the database, if it is that of an old Codex and the Codex of the home is
/// newer. `newest` is the version in its rollouts; without it, the newest rollout is read.
#[must_use]
pub fn readers_of_outdated(
    home: &Path,
    database: &Path,
    newest: Option<[u32; 2]>,
    interrupted: &AtomicBool,
) -> Option<&'static str> {
    let name = database.file_name()?;
    let is_phase_1 = name == home::PHASE_1_DATABASE;
    let readers = match is_phase_1 {
        true => "Codex 0.93 to 0.95",
        false if home::OLDER_DATABASES.iter().any(|older| name == *older) => "Codex 0.96 to 0.99",
        false => return None,
    };
    let newest = newest.or_else(|| Some(newest_version(home, interrupted)?.1));
    let first_newer = if is_phase_1 { [0, 96] } else { [0, 100] };
    let shows_newer = match is_phase_1 {
        true => home::shows_newer_codex(home, database.parent().unwrap_or(home)),
        false => home::has_writer_locks(home),
    };
    (shows_newer || newest.is_some_and(|version| version >= first_newer)).then_some(readers)
}

/// Returns the version of Codex in the newest rollout: as text, and its first two numbers. The version of developers'
/// builds (0.0.0) is skipped.
fn newest_version(home: &Path, interrupted: &AtomicBool) -> Option<(String, [u32; 2])> {
    let mut files: Vec<_> = walk::walk(home).files;
    files.retain(|file| file.thread().is_some());
    files.sort_by_cached_key(|file| Reverse(file.name().map(|name| (name.time, name.rollout))));
    let mut buffer = Buffer::default();
    files.iter().take(LOOKS).find_map(|file| {
        let meta = peek::first_meta(&file.source(), &mut buffer, interrupted).ok().flatten();
        let text = meta?.cli_version?;
        let version = super::version(&text).filter(|version| *version != [0, 0])?;
        Some((text, version))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the choice for a home with rollouts of these versions, oldest first, and these other files.
    #[track_caller]
    fn check(versions: &[&str], others: &[&str], schema: NewSchema, reason: &str, too_old: Option<&str>) {
        let home = tempfile::tempdir().unwrap();
        for (i, version) in versions.iter().enumerate() {
            let folder = home.path().join(["archived_sessions", "sessions/2026/03/14"][i % 2]);
            std::fs::create_dir_all(&folder).unwrap();
            let id = format!("00000000-0000-0000-0000-{i:012}");
            let text = format!(
                "{{\"timestamp\":\"2026-03-14T10:00:00Z\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{id}\",\
                 \"timestamp\":\"2026-03-14T10:00:00Z\",\"cli_version\":\"{version}\"}}}}\n"
            );
            std::fs::write(folder.join(format!("rollout-2026-03-14T10-00-{i:02}-{id}.jsonl")), text).unwrap();
        }
        for other in others {
            std::fs::write(home.path().join(other), "").unwrap();
        }
        let expected =
            PlannedDatabase { schema, reason: reason.to_owned(), too_old: too_old.map(str::to_owned) };
        assert_eq!(plan_database(home.path(), home.path(), &AtomicBool::new(false)), expected);
    }

    #[test]
    fn the_newest_rollout_decides() {
        use NewSchema::{Phase1, State5};
        let of = |version: &str| format!("the newest rollout is of Codex {version}");
        check(&["0.94.0", "0.150.1"], &[], State5, &of("0.150.1"), None);
        for old in ["0.93.0", "0.94.0-alpha.3", "0.95.7"] {
            check(&["0.92.0", old], &[], Phase1, &format!("{}, which reads no other", of(old)), None);
        }
        check(&["0.92.0"], &[], State5, &of("0.92.0"), None);
        for old in ["0.96.0", "0.118.9"] {
            check(&["0.94.0", old], &[], State5, &of(old), Some(old));
        }
        check(&["0.119.0"], &[], State5, &of("0.119.0"), None);
        check(&[], &[], State5, "no rollout says of which Codex it is", None);
    }

    #[test]
    fn builds_without_a_version_and_signs_of_a_newer_codex_are_respected() {
        let of = |version: &str| format!("the newest rollout is of Codex {version}");
        check(&["0.112.0", "0.0.0", "x", ""], &[], NewSchema::State5, &of("0.112.0"), Some("0.112.0"));
        let reason = format!("{}, but other files in the home are of a newer Codex", of("0.94.0"));
        check(&["0.94.0"], &["logs_2.sqlite"], NewSchema::State5, &reason, None);
    }
}
