//! Keeps the rows whose rollout is not at their path, in few bytes each: there may be a million of them.

use crate::catalog::paths;
use crate::rollout::file_name::{self, NameBuffer, NamedFile, RolloutName};
use crate::survey::change::ChangeStatus;
use crate::thread::{Millis, ThreadId};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;

/// The result for a row whose rollout is not at its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PruneOutcome {
    /// Its id, unchanged.
    pub id: String,
    /// The path that leads to no file.
    pub path: String,
    /// The kind of result.
    pub status: ChangeStatus,
    /// The reason why it stays.
    pub reason: Option<String>,
    /// True if `backfill` repairs the row.
    pub is_misplaced: bool,
}

/// A row whose path leads to no file.
#[derive(Debug)]
pub(super) struct PruneCandidate {
    /// The thread.
    pub(super) thread: ThreadId,
    path: Spelling,
    /// Its id, if the row spells it in another way than we do.
    odd_id: Option<Box<str>>,
    /// `None` if the row will be deleted.
    pub(super) verdict: Option<ChangeStatus>,
    /// The reason why the row stays.
    reason: Cow<'static, str>,
    /// True if `backfill` repairs it.
    is_misplaced: bool,
}

/// The path in a row.
#[derive(Debug)]
enum Spelling {
    /// A folder by its number, and the usual name of a rollout of the thread.
    Usual {
        folder: u32,
        time: Millis,
        compressed: bool,
    },
    Other(Box<str>),
}

impl PruneCandidate {
    /// Returns the id as the row has it.
    pub(super) fn id(&self) -> Cow<'_, str> {
        self.odd_id.as_ref().map_or_else(|| self.thread.to_string().into(), |id| (&**id).into())
    }

    /// Returns true if the row will be deleted.
    pub(super) fn goes(&self) -> bool {
        self.verdict.is_none()
    }

    /// Keeps the row although it should be deleted.
    pub(super) fn fail(&mut self, reason: impl Into<Cow<'static, str>>) {
        (self.verdict, self.reason) = (Some(ChangeStatus::Failed), reason.into());
    }

    /// Keeps the row because it should stay.
    pub(super) fn skip(&mut self, reason: &'static str) {
        (self.verdict, self.reason) = (Some(ChangeStatus::Kept), reason.into());
    }

    /// Keeps the row because its rollout lies elsewhere. `backfill` repairs it, unless its id cannot be looked up.
    pub(super) fn misplaced(&mut self) {
        self.is_misplaced = self.odd_id.is_none();
        self.skip(match self.is_misplaced {
            true => "its rollout lies elsewhere in the home: backfill repairs the row",
            false => "its rollout lies elsewhere in the home, and its id is spelled as Codex never spells it",
        });
    }

    /// Forgets an earlier attempt to delete the row.
    pub(super) fn try_again(&mut self) {
        (self.verdict, self.reason) = (None, Cow::Borrowed(""));
    }
}

/// The rows whose rollout is not at their path, by id or in the order in which they were requested.
#[derive(Debug, Default)]
pub struct PruneCandidates {
    all: Vec<PruneCandidate>,
    /// The folders of usual paths, each with the separator at its end.
    folders: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
}

impl PruneCandidates {
    /// Adds a row that will be deleted unless there is a reason against it.
    pub(super) fn add(&mut self, id: &str, thread: ThreadId, path: &str) -> &mut PruneCandidate {
        let is_ours = thread.encode(&mut [0; 36]) == id;
        let candidate = PruneCandidate {
            thread,
            path: self.spell(thread, path),
            odd_id: (!is_ours).then(|| id.into()),
            verdict: None,
            reason: Cow::Borrowed(""),
            is_misplaced: false,
        };
        self.all.push(candidate);
        let last = self.all.len() - 1;
        &mut self.all[last]
    }

    /// Splits a path into parts from which it can be put together again.
    fn spell(&mut self, thread: ThreadId, path: &str) -> Spelling {
        let end_of_folder = path.rfind(['/', '\\']).map_or(0, |i| i + 1);
        let (folder, name) = path.split_at(end_of_folder);
        match file_name::parse(OsStr::new(name)) {
            Some(NamedFile { name: Some(parts), compressed })
                if parts.thread == thread
                    && parts.rollout == thread
                    && parts.encode(compressed, &mut NameBuffer::default()) == name =>
            {
                Spelling::Usual { folder: self.number(folder), time: parts.time, compressed }
            }
            _ => Spelling::Other(path.into()),
        }
    }

    /// Returns the number of a folder.
    fn number(&mut self, folder: &str) -> u32 {
        if let Some(number) = self.numbers.get(folder) {
            return *number;
        }
        let number = u32::try_from(self.folders.len()).unwrap_or(u32::MAX);
        self.folders.push(folder.into());
        self.numbers.insert(folder.into(), number);
        number
    }

    /// Returns the path in the row.
    pub(super) fn path(&self, candidate: &PruneCandidate) -> String {
        match &candidate.path {
            Spelling::Other(path) => path.to_string(),
            Spelling::Usual { folder, time, compressed } => {
                let name = RolloutName { time: *time, thread: candidate.thread, rollout: candidate.thread };
                let folder = self.folders.get(*folder as usize).map_or("", |folder| folder);
                [folder, name.encode(*compressed, &mut NameBuffer::default())].concat()
            }
        }
    }

    /// Returns true if the row's file should be below this root of the home.
    pub(super) fn lies_in(&self, candidate: &PruneCandidate, root: &Path) -> bool {
        let path = self.path(candidate);
        let path = Path::new(&path);
        path.starts_with(root) || {
            // The row may have another spelling of the home.
            let name = root.file_name();
            path.parent().is_some_and(|folder| folder.components().any(|part| Some(part.as_os_str()) == name))
        }
    }

    /// Returns the ids of the rollouts that the row's file may have contained.
    pub(super) fn rollouts(&self, candidate: &PruneCandidate) -> impl Iterator<Item = ThreadId> + use<> {
        let named = match &candidate.path {
            Spelling::Usual { .. } => None,
            Spelling::Other(path) => paths::name_in_row(Path::new(&**path)).and_then(file_name::parse),
        };
        [Some(candidate.thread), named.and_then(|named| named.name).map(|name| name.rollout)]
            .into_iter()
            .flatten()
    }

    /// Returns all rows.
    pub(super) fn all(&self) -> &[PruneCandidate] {
        &self.all
    }

    /// Returns the rows that will be deleted, for reasons against it.
    pub(super) fn to_go_mut(&mut self) -> impl Iterator<Item = &mut PruneCandidate> {
        self.all.iter_mut().filter(|candidate| candidate.goes())
    }

    /// Returns the row at a place.
    pub(super) fn at_mut(&mut self, place: usize) -> &mut PruneCandidate {
        &mut self.all[place]
    }

    /// Returns the results for the rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = PruneOutcome> + '_ {
        self.all.iter().map(|candidate| PruneOutcome {
            id: candidate.id().into_owned(),
            path: self.path(candidate),
            status: candidate.verdict.unwrap_or(ChangeStatus::Done),
            reason: candidate.verdict.is_some().then(|| candidate.reason.clone().into_owned()),
            is_misplaced: candidate.is_misplaced,
        })
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns true if there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Returns the number of rows with this result.
    #[must_use]
    pub fn count(&self, status: ChangeStatus) -> u64 {
        let status_of = |candidate: &&PruneCandidate| candidate.verdict.unwrap_or(ChangeStatus::Done);
        self.all.iter().filter(|candidate| status_of(candidate) == status).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019ced6b-835b-7475-b762-429694b3a51e";
    const OTHER: &str = "019ced6b-835b-799d-83c9-31b6374bba33";

    #[test]
    fn ids_and_paths_come_back_as_they_are_in_the_row() {
        let name = format!("rollout-2026-03-14T17-00-00-{ID}.jsonl");
        let paths = [
            format!("/home/a/sessions/2026/03/14/{name}"),
            format!("/home/a/sessions/2026/03/14/{name}.zst"),
            format!(r"C:\home\sessions\{name}"),
            format!("/home/a/sessions/{}", name.to_uppercase()),
            format!("/x/rollout-2026-03-14T17-00-00-{OTHER}.jsonl"),
            format!("/x/rollout-2026-03-14T17-00-00-{ID}_{OTHER}.jsonl"),
            format!("/x/rollout-2026-03-14T17-00-60-{ID}.jsonl"),
            format!("/x/{name}/"),
            name,
            "/x/rollout-odd.jsonl".to_owned(),
            "é".to_owned(),
            String::new(),
        ];
        let thread = ThreadId::parse(ID).unwrap();
        let mut candidates = PruneCandidates::default();
        for path in &paths {
            candidates.add(&ID.to_uppercase(), thread, path);
        }
        candidates.add(ID, thread, "").fail("held");
        let outcomes: Vec<PruneOutcome> = candidates.iter().collect();
        assert!(outcomes.iter().map(|outcome| &outcome.path).eq(paths.iter().chain([&String::new()])));
        assert!(outcomes[..paths.len()].iter().all(|outcome| outcome.id == ID.to_uppercase()));
        let last = outcomes.last().unwrap();
        assert_eq!(
            (&*last.id, last.status, last.reason.as_deref()),
            (ID, ChangeStatus::Failed, Some("held"))
        );
        assert_eq!(
            (candidates.count(ChangeStatus::Done), candidates.count(ChangeStatus::Failed)),
            (paths.len() as u64, 1)
        );
        let usual = |candidate: &&PruneCandidate| matches!(candidate.path, Spelling::Usual { .. });
        assert_eq!(candidates.all.iter().filter(usual).count(), 4);
        let rollouts = |place: usize| candidates.rollouts(&candidates.all[place]).collect::<Vec<_>>();
        assert_eq!(rollouts(0), [thread]);
        assert_eq!(rollouts(5), [thread, ThreadId::parse(OTHER).unwrap()]);
    }

    #[test]
    fn a_million_rows_take_less_than_a_hundred_megabytes() {
        assert!(size_of::<PruneCandidate>() <= 96, "{}", size_of::<PruneCandidate>());
    }
}
