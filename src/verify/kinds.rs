//! The kinds of findings, a table: the name, severity, remedy and meaning of each.

use std::fmt;

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

macro_rules! kinds {
    ($($kind:ident $name:literal $severity:ident $remedy:ident $meaning:literal $advice:literal;)*) => {
        /// The kinds of findings, in the order of the documentation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum FindingKind {
            $(#[doc = concat!("`", $name, "`; [`FindingKind::meaning`] says what it means.")] $kind,)*
        }

        impl FindingKind {
            /// All kinds, in the order of the documentation.
            pub const ALL: [FindingKind; N_KINDS] = [$(FindingKind::$kind),*];
        }

        /// The number of kinds.
        pub const N_KINDS: usize = [$($name),*].len();

        static DEFINITIONS: [Definition; N_KINDS] = [$(Definition {
            name: $name,
            severity: Severity::$severity,
            remedy: Remedy::$remedy,
            meaning: ($meaning, $advice),
        }),*];
    };
}

struct Definition {
    name: &'static str,
    severity: Severity,
    remedy: Remedy,
    meaning: (&'static str, &'static str),
}

// Each kind with its name, severity and remedy, its meaning, and what to do about it.
kinds! {
    MissingRow "missing_row" Error Backfill
        "a rollout has no row, so that Codex does not list the thread"
        "codex-state backfill makes the row";
    MissingFile "missing_file" Error BringBack
        "the rollout of a row is gone from the home, in every form"
        "bring the file back from a backup or another disk; only if it is gone for good, codex-state \
         prune deletes the row";
    ArchiveMismatch "archive_mismatch" Error Backfill
        "row and folder disagree whether the thread is archived"
        "codex-state backfill makes the row say what the folder says";
    MovedFile "moved_file" Error Backfill
        "the rollout lies elsewhere in the home than the row says"
        "codex-state backfill corrects the path";
    MovedHome "moved_home" Error Backfill
        "rows name their rollouts below another home; this is one finding, not one for each thread"
        "codex-state backfill corrects the paths";
    FieldMismatch "field_mismatch" Error Backfill
        "columns of the row differ from what the rollout says"
        "codex-state backfill writes what the rollout says; what only the database knows stays";
    DuplicatePath "duplicate_path" Error ByHand
        "two rows name the same rollout"
        "codex-state backfill gives the rollout's own thread its row; the other row leads to a wrong \
         thread";
    DuplicateRollout "duplicate_rollout" Warning ByHand
        "two files hold the same thread, and one of them does not count"
        "look at both, and move the one that you do not want out of the home";
    OutsideHome "outside_home" Warning ByHand
        "the rollout of a row exists, but not in this home"
        "nothing, if that is intended; else name the right home with --codex-home";
    UnreadableFile "unreadable_file" Error ByHand
        "a rollout cannot be read, or holds nothing usable; the message says why"
        "if permission is denied, allow yourself to read it, then run codex-state backfill; else bring it \
         back from a backup, if there is one; other threads are not affected";
    EmptyFile "empty_file" Warning ByHand
        "a rollout is empty: nothing was written to it, or its content was lost"
        "nothing, unless a backup has its content";
    MalformedName "malformed_name" Warning ByHand
        "the name of a file is not rollout-<time>-<thread id>.jsonl"
        "nothing; to archive the thread, first give the file such a name and run codex-state backfill";
    DamagedLines "damaged_lines" Warning ByHand
        "some lines of a rollout are damaged, for example by a crash; the others are used"
        "nothing, unless a backup has the whole file";
    IndexOrphan "index_orphan" Warning ByHand
        "session_index.jsonl still names a thread that has neither rollout nor row"
        "nothing, if the thread was deleted; else bring its rollout back from a backup";
    BackfillIncomplete "backfill_incomplete" Warning Backfill
        "Codex has not finished indexing the rollouts, and continues when it starts"
        "codex-state backfill finishes it";
    DatabaseDamaged "database_damaged" Error Rebuild
        "the database file is damaged"
        "close Codex and run codex-state rebuild: it makes a new one with everything that can still be \
         read";
    MissingFolder "missing_folder" Error Mount
        "a folder of rollouts is gone, empty, unreadable or not a folder, and rows name rollouts in it; \
         this is one finding"
        "mount or restore the folder; the rows stay as they are";
    LedgerMismatch "ledger_mismatch" Error Rebuild
        "the ledger of the database has a checksum of a migration that Codex does not know, says that a \
         migration failed, or lacks one before its last; Codex does not start with it"
        "close Codex and run codex-state rebuild: it repairs the ledger";
    SiblingDamaged "sibling_damaged" Warning ByHand
        "another database of Codex in the same folder is damaged, so that Codex does not start; the \
         message says what it holds"
        "close Codex, move the file aside with its -wal and -shm, and start Codex, which makes a new one";
    CodexCannotOpen "codex_cannot_open" Warning ByHand
        "Codex lists the thread and cannot open or resume it: invalid UTF-8, a byte-order mark, no \
         session meta, an unknown history mode, ordinals that are missing or come twice, or a lost rollout \
         in which its history begins; the message names line and byte"
        "bring the rollout back from a backup, if there is one; the file itself is text and can still be \
         read";
    HistoryBehind "history_behind" Warning ByHand
        "Codex stopped reading the rollout of a long conversation, and shows only its beginning"
        "update Codex to 0.154 or later, and open the conversation; the rollout has all of it";
    UnknownProvider "unknown_provider" Warning ByHand
        "threads have a model provider that Codex does not know, so that it cannot resume them"
        "add the table [model_providers.ID] that the message names to config.toml";
    UnassignedProject "unassigned_project" Warning ByHand
        "threads are not assigned to a project although their folders are in one; the sidebar of the app \
         lacks them"
        "assign them to the project in the app; codex-state list has them";
    IndexMissing "index_missing" Warning Index
        "session_index.jsonl lacks names of threads; older versions of Codex find threads by it"
        "codex-state backfill --index appends them";
}

impl FindingKind {
    fn definition(self) -> &'static Definition {
        &DEFINITIONS[self as usize]
    }

    /// Returns the name that scripts use.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.definition().name
    }

    /// Returns the severity, unless a finding has a higher one.
    #[must_use]
    pub fn severity(self) -> Severity {
        self.definition().severity
    }

    /// Returns the remedy.
    #[must_use]
    pub fn remedy(self) -> Remedy {
        self.definition().remedy
    }

    /// Returns its meaning and what to do about it, as whole sentences for the help.
    #[must_use]
    pub fn meaning(self) -> (&'static str, &'static str) {
        self.definition().meaning
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
