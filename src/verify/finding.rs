//! The kinds of findings, with their severity and the command that fixes each. It does not find them.

use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{self, COLUMNS, ColumnSet, Truth};
pub use crate::thread::diff::FieldDifference;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// The kinds of findings, in the order of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FindingKind {
    /// A readable rollout has no row.
    MissingRow,
    /// A row's rollout is gone, in both forms and all folders.
    MissingFile,
    /// The archived flag and the folder disagree.
    ArchiveMismatch,
    /// A row's path is gone, but the thread's rollout is elsewhere in the home.
    MovedFile,
    /// The paths of rows differ from those of the files only in the home's path.
    MovedHome,
    /// A field differs.
    FieldMismatch,
    /// Two rows name one file.
    DuplicatePath,
    /// Two files contain one thread and are not a revert chain.
    DuplicateRollout,
    /// A row's rollout exists, but not in this home.
    OutsideHome,
    /// A file cannot be opened or decompressed, or contains nothing usable.
    UnreadableFile,
    /// A file is empty.
    EmptyFile,
    /// A rollout's name does not parse.
    MalformedName,
    /// Some lines of a file are damaged.
    DamagedLines,
    /// The session index names a thread that has neither a file nor a row.
    IndexOrphan,
    /// Codex has not indexed all files.
    BackfillIncomplete,
    /// The integrity check failed.
    DatabaseDamaged,
    /// A rollout folder in which rows name rollouts cannot be read.
    MissingFolder,
    /// Codex refuses the database because of its ledger of migrations.
    LedgerMismatch,
    /// Another database of Codex in the same folder is damaged or refused.
    SiblingDamaged,
    /// Codex cannot open or resume a thread whose rollout we can read.
    CodexCannotOpen,
    /// Codex has read only the beginning of a paginated rollout, and no program is writing it.
    HistoryBehind,
    /// Threads have a provider that Codex does not know.
    UnknownProvider,
    /// Threads have no project although their folders are in one project.
    UnassignedProject,
    /// The session index lacks names that the database has.
    IndexMissing,
}

/// The number of kinds.
pub const N_KINDS: usize = FindingKind::ALL.len();

impl FindingKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [FindingKind; 24] = [
        FindingKind::MissingRow,
        FindingKind::MissingFile,
        FindingKind::ArchiveMismatch,
        FindingKind::MovedFile,
        FindingKind::MovedHome,
        FindingKind::FieldMismatch,
        FindingKind::DuplicatePath,
        FindingKind::DuplicateRollout,
        FindingKind::OutsideHome,
        FindingKind::UnreadableFile,
        FindingKind::EmptyFile,
        FindingKind::MalformedName,
        FindingKind::DamagedLines,
        FindingKind::IndexOrphan,
        FindingKind::BackfillIncomplete,
        FindingKind::DatabaseDamaged,
        FindingKind::MissingFolder,
        FindingKind::LedgerMismatch,
        FindingKind::SiblingDamaged,
        FindingKind::CodexCannotOpen,
        FindingKind::HistoryBehind,
        FindingKind::UnknownProvider,
        FindingKind::UnassignedProject,
        FindingKind::IndexMissing,
    ];

    /// Returns the name that scripts use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FindingKind::MissingRow => "missing_row",
            FindingKind::MissingFile => "missing_file",
            FindingKind::ArchiveMismatch => "archive_mismatch",
            FindingKind::MovedFile => "moved_file",
            FindingKind::MovedHome => "moved_home",
            FindingKind::FieldMismatch => "field_mismatch",
            FindingKind::DuplicatePath => "duplicate_path",
            FindingKind::DuplicateRollout => "duplicate_rollout",
            FindingKind::OutsideHome => "outside_home",
            FindingKind::UnreadableFile => "unreadable_file",
            FindingKind::EmptyFile => "empty_file",
            FindingKind::MalformedName => "malformed_name",
            FindingKind::DamagedLines => "damaged_lines",
            FindingKind::IndexOrphan => "index_orphan",
            FindingKind::BackfillIncomplete => "backfill_incomplete",
            FindingKind::DatabaseDamaged => "database_damaged",
            FindingKind::MissingFolder => "missing_folder",
            FindingKind::LedgerMismatch => "ledger_mismatch",
            FindingKind::SiblingDamaged => "sibling_damaged",
            FindingKind::CodexCannotOpen => "codex_cannot_open",
            FindingKind::HistoryBehind => "history_behind",
            FindingKind::UnknownProvider => "unknown_provider",
            FindingKind::UnassignedProject => "unassigned_project",
            FindingKind::IndexMissing => "index_missing",
        }
    }

    /// Returns the severity, unless a finding has a higher one.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            FindingKind::MissingRow
            | FindingKind::MissingFile
            | FindingKind::ArchiveMismatch
            | FindingKind::MovedFile
            | FindingKind::MovedHome
            | FindingKind::FieldMismatch
            | FindingKind::DuplicatePath
            | FindingKind::UnreadableFile
            | FindingKind::DatabaseDamaged
            | FindingKind::MissingFolder
            | FindingKind::LedgerMismatch => Severity::Error,
            FindingKind::DuplicateRollout
            | FindingKind::OutsideHome
            | FindingKind::EmptyFile
            | FindingKind::MalformedName
            | FindingKind::DamagedLines
            | FindingKind::IndexOrphan
            | FindingKind::BackfillIncomplete
            | FindingKind::SiblingDamaged
            | FindingKind::CodexCannotOpen
            | FindingKind::HistoryBehind
            | FindingKind::UnknownProvider
            | FindingKind::UnassignedProject
            | FindingKind::IndexMissing => Severity::Warning,
        }
    }

    /// Returns the remedy.
    #[must_use]
    pub fn remedy(self) -> Remedy {
        match self {
            FindingKind::MissingRow
            | FindingKind::ArchiveMismatch
            | FindingKind::MovedFile
            | FindingKind::MovedHome
            | FindingKind::FieldMismatch
            | FindingKind::BackfillIncomplete => Remedy::Backfill,
            FindingKind::MissingFile => Remedy::BringBack,
            FindingKind::MissingFolder => Remedy::Mount,
            FindingKind::DatabaseDamaged | FindingKind::LedgerMismatch => Remedy::Rebuild,
            FindingKind::DuplicatePath
            | FindingKind::DuplicateRollout
            | FindingKind::OutsideHome
            | FindingKind::UnreadableFile
            | FindingKind::EmptyFile
            | FindingKind::MalformedName
            | FindingKind::DamagedLines
            | FindingKind::IndexOrphan
            | FindingKind::SiblingDamaged
            | FindingKind::CodexCannotOpen
            | FindingKind::HistoryBehind
            | FindingKind::UnknownProvider
            | FindingKind::UnassignedProject => Remedy::ByHand,
            FindingKind::IndexMissing => Remedy::Index,
        }
    }

    /// Returns its meaning and what to do about it, as whole sentences for the help.
    #[must_use]
    pub fn meaning(self) -> (&'static str, &'static str) {
        match self {
            FindingKind::MissingRow => (
                "a rollout has no row, so that Codex does not list the thread",
                "codex-state backfill makes the row",
            ),
            FindingKind::MissingFile => (
                "the rollout of a row is gone from the home, in every form",
                "bring the file back from a backup or another disk; only if it is gone for good, codex-state prune \
                 deletes the row",
            ),
            FindingKind::ArchiveMismatch => (
                "row and folder disagree whether the thread is archived",
                "codex-state backfill makes the row say what the folder says",
            ),
            FindingKind::MovedFile => (
                "the rollout lies elsewhere in the home than the row says",
                "codex-state backfill corrects the path",
            ),
            FindingKind::MovedHome => (
                "rows name their rollouts below another home; this is one finding, not one for each thread",
                "codex-state backfill corrects the paths",
            ),
            FindingKind::FieldMismatch => (
                "columns of the row differ from what the rollout says",
                "codex-state backfill writes what the rollout says; what only the database knows stays",
            ),
            FindingKind::DuplicatePath => (
                "two rows name the same rollout",
                "codex-state backfill gives the rollout's own thread its row; the other row leads to a wrong thread",
            ),
            FindingKind::DuplicateRollout => (
                "two files hold the same thread, and one of them does not count",
                "look at both, and move the one that you do not want out of the home",
            ),
            FindingKind::OutsideHome => (
                "the rollout of a row exists, but not in this home",
                "nothing, if that is intended; else name the right home with --codex-home",
            ),
            FindingKind::UnreadableFile => (
                "a rollout cannot be read, or holds nothing usable; the message says why",
                "if permission is denied, allow yourself to read it, then run codex-state backfill; else bring it back from \
                 a backup, if there is one; other threads are not affected",
            ),
            FindingKind::EmptyFile => (
                "a rollout is empty: nothing was written to it, or its content was lost",
                "nothing, unless a backup has its content",
            ),
            FindingKind::MalformedName => (
                "the name of a file is not rollout-<time>-<thread id>.jsonl",
                "nothing; to archive the thread, first give the file such a name and run codex-state backfill",
            ),
            FindingKind::DamagedLines => (
                "some lines of a rollout are damaged, for example by a crash; the others are used",
                "nothing, unless a backup has the whole file",
            ),
            FindingKind::IndexOrphan => (
                "session_index.jsonl still names a thread that has neither rollout nor row",
                "nothing, if the thread was deleted; else bring its rollout back from a backup",
            ),
            FindingKind::BackfillIncomplete => (
                "Codex has not finished indexing the rollouts, and continues when it starts",
                "codex-state backfill finishes it",
            ),
            FindingKind::MissingFolder => (
                "a folder of rollouts is gone, empty, unreadable or not a folder, and rows name rollouts in it; this is one finding",
                "mount or restore the folder; the rows stay as they are",
            ),
            FindingKind::DatabaseDamaged => (
                "the database file is damaged",
                "close Codex and run codex-state rebuild: it makes a new one with everything that can still be read",
            ),
            FindingKind::LedgerMismatch => (
                "the ledger of the database has a checksum of a migration that Codex does not know, or says that a migration \
                 failed; Codex does not start with it",
                "close Codex and run codex-state rebuild: it mends the ledger",
            ),
            FindingKind::SiblingDamaged => (
                "another database of Codex in the same folder is damaged, so that Codex does not start; the message says \
                 what it holds",
                "close Codex, move the file aside with its -wal and -shm, and start Codex, which makes a new one",
            ),
            FindingKind::CodexCannotOpen => (
                "Codex lists the thread and cannot open or resume it: invalid UTF-8, a byte-order mark, no session meta, an \
                 unknown history mode, or ordinals that are missing or come twice; the message names line and byte",
                "bring the rollout back from a backup, if there is one; the file itself is text and can still be read",
            ),
            FindingKind::HistoryBehind => (
                "Codex stopped reading the rollout of a long conversation, and shows only its beginning",
                "update Codex to 0.154 or later, and open the conversation; the rollout has all of it",
            ),
            FindingKind::UnknownProvider => (
                "threads have a model provider that Codex does not know, so that it cannot resume them",
                "add the table [model_providers.ID] that the message names to config.toml",
            ),
            FindingKind::UnassignedProject => (
                "threads are not assigned to a project although their folders are in one; the sidebar of the app lacks them",
                "assign them to the project in the app; codex-state list has them",
            ),
            FindingKind::IndexMissing => (
                "session_index.jsonl lacks names of threads; older versions of Codex find threads by it",
                "codex-state backfill --index appends them",
            ),
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The remedy of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// `codex-state backfill`.
    Backfill,
    /// `codex-state backfill --index`.
    Index,
    /// `codex-state backfill --facts-from BACKUP`: no rollout contains the value.
    Facts,
    /// Bring the files back from a backup or another disk; `codex-state prune` only if they are gone for good.
    BringBack,
    /// Mount or restore the folder.
    Mount,
    /// `codex-state rebuild`.
    Rebuild,
    /// No command: a person must look at it.
    ByHand,
}

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Data is lost or shown wrongly.
    Error,
    /// Something to check.
    Warning,
}

impl Severity {
    /// Returns the word that scripts use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A problem that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The kind of problem.
    pub kind: FindingKind,
    /// The severity.
    pub severity: Severity,
    /// The thread concerned: an id, or the content of a row's id cell.
    pub thread_id: Option<String>,
    /// The file concerned.
    pub path: Option<PathBuf>,
    /// The line of the file concerned, from 1.
    pub line: Option<u64>,
    /// The message, one line; it may contain untrusted text.
    pub message: String,
    /// The columns concerned.
    pub fields: Vec<FieldDifference>,
    /// True if it concerns cells of a row without a readable rollout, which no backfill can repair.
    pub without_rollout: bool,
}

impl Finding {
    /// Returns a finding of a kind, with only a message.
    #[must_use]
    pub fn new(kind: FindingKind, message: impl Into<String>) -> Finding {
        Finding {
            kind,
            severity: kind.severity(),
            thread_id: None,
            path: None,
            line: None,
            message: message.into(),
            fields: Vec::new(),
            without_rollout: false,
        }
    }

    /// Returns the remedies of its columns.
    pub(super) fn field_remedies(&self) -> BTreeSet<Remedy> {
        let remedy = |field: &FieldDifference| match COLUMNS[field.position].truth {
            _ if self.without_rollout => Remedy::ByHand,
            Truth::Key => Remedy::ByHand,
            Truth::Database => Remedy::Facts,
            _ => Remedy::Backfill,
        };
        self.fields.iter().map(remedy).collect()
    }

    /// Sets the thread.
    #[must_use]
    pub fn of(self, thread: Option<ThreadId>) -> Finding {
        Finding { thread_id: thread.map(|id| id.to_string()), ..self }
    }

    /// Sets the file.
    #[must_use]
    pub fn at(self, path: impl Into<PathBuf>) -> Finding {
        Finding { path: Some(path.into()), ..self }
    }

    /// Sets the columns.
    #[must_use]
    pub fn with(self, fields: Vec<FieldDifference>) -> Finding {
        Finding { fields, ..self }
    }

    /// Returns the key by which findings are sorted: thread, path, kind, message, each by its bytes.
    pub(super) fn key(&self) -> (Option<&str>, Option<&[u8]>, &'static str, &str) {
        let path = self.path.as_deref().map(Path::as_os_str).map(std::ffi::OsStr::as_encoded_bytes);
        (self.thread_id.as_deref(), path, self.kind.name(), &self.message)
    }

    /// Returns the approximate memory use, in bytes.
    pub(super) fn size(&self) -> usize {
        let cell = |cell: &Cell| match cell {
            Cell::Text(text) => text.len(),
            Cell::Blob(bytes) => bytes.len(),
            _ => 0,
        };
        let fields: usize = self.fields.iter().map(|field| cell(&field.database) + cell(&field.file)).sum();
        fields + self.message.len() + 256
    }
}

/// The findings that must not be reported.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    kinds: Vec<FindingKind>,
    columns: ColumnSet,
}

impl Ignore {
    /// Returns all names that can be ignored: kinds, then columns.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FindingKind::ALL.into_iter().map(FindingKind::name).chain(COLUMNS.iter().map(|column| column.name))
    }

    /// Adds a kind or a column; `None` if the name is neither.
    #[must_use]
    pub fn and(mut self, name: &str) -> Option<Ignore> {
        match FindingKind::ALL.into_iter().find(|kind| kind.name() == name) {
            Some(kind) => self.kinds.push(kind),
            None => self.columns.insert(columns::position(name)?),
        }
        Some(self)
    }

    /// Returns true if a kind is not reported at all.
    #[must_use]
    pub fn kind(&self, kind: FindingKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Returns true if a column is not reported.
    pub(super) fn column(&self, position: usize) -> bool {
        self.columns.contains(position)
    }
}

/// The number of findings of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Number of errors.
    pub errors: u64,
    /// Number of warnings.
    pub warnings: u64,
}

impl Count {
    /// Returns the sum of both.
    #[must_use]
    pub fn all(self) -> u64 {
        self.errors + self.warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn kinds_are_numbered_as_they_are_listed_and_named_once() {
        for (i, kind) in FindingKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, i);
        }
        let names: HashSet<&str> = Ignore::names().collect();
        assert_eq!(names.len(), N_KINDS + COLUMNS.len(), "no column is called like a kind");
    }

    #[test]
    fn a_name_to_ignore_is_a_kind_or_a_column_or_nothing() {
        let ignore = Ignore::default().and("missing_row").unwrap().and("cwd").unwrap();
        assert!(ignore.kind(FindingKind::MissingRow) && !ignore.kind(FindingKind::MissingFile));
        assert!(ignore.column(columns::position("cwd").unwrap()) && !ignore.column(0));
        assert!(ignore.and("nonsense").is_none());
    }
}
