//! `COLUMNS`: the single definition of every column of `threads` that this program knows. SQL is built elsewhere.
//!
//! SQL, JSON, `--columns`, `--ignore`, the differences of `verify` and the man page's table all come from here. A
//! column that is missing here is never written, whatever the database holds.

use super::ThreadMetadata;
use super::cell::Cell;
use super::equivalence;

/// The kind of value in a column. It decides which cells are valid and how a cell is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Plain text.
    Text,
    /// Text that is JSON or a plain word; shown unchanged.
    JsonText,
    /// A file system path.
    Path,
    /// A whole number.
    Integer,
    /// 0 or 1; `true` and `false` in JSON.
    Boolean,
    /// Seconds since 1970; RFC 3339 in JSON.
    Seconds,
    /// Milliseconds since 1970; RFC 3339 in JSON.
    Milliseconds,
}

impl ColumnKind {
    /// Returns true if Codex can read `cell` in a column of this kind. One unreadable cell breaks Codex's whole
    /// listing.
    #[must_use]
    pub fn accepts(self, cell: &Cell) -> bool {
        match cell {
            Cell::Null => true,
            Cell::Integer(_) => {
                matches!(
                    self,
                    ColumnKind::Integer
                        | ColumnKind::Boolean
                        | ColumnKind::Seconds
                        | ColumnKind::Milliseconds
                )
            }
            Cell::Text(_) => matches!(self, ColumnKind::Text | ColumnKind::JsonText | ColumnKind::Path),
            Cell::Real(_) | Cell::Blob(_) => false,
        }
    }
}

/// The side (file or row) that decides a column's value when a row exists already (docs/codex-home.md 5, "What the
/// database knows better than the file").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// The key: it identifies the row and never changes.
    Key,
    /// The file, but a text never becomes empty (as in every column).
    File,
    /// The file, but an empty value never replaces a non-empty one in a paginated thread.
    FileUnlessEmptied,
    /// The file, unless a person set the title (where the schema can tell).
    Title,
    /// The file; another database may restore what the file lacks.
    Preview,
    /// An existing value; NULL is filled from the file, except where row and file are both paginated.
    Git,
    /// The file for a legacy thread, the row for a paginated one.
    CreatedAt,
    /// An existing time while the file is archived; NULL otherwise.
    ArchivedAt,
    /// `paginated` from either side.
    HistoryMode,
    /// `polluted` from the row; else the file of a legacy thread, the row of a paginated one.
    MemoryMode,
    /// The row's path, as long as it names the same file.
    RolloutPath,
    /// The file, but a row that Codex lists by its source stays listed.
    Source,
    /// The file, unless the row has the default provider: then a person changed it so that Codex lists the thread.
    Provider,
    /// The file, unless the row names a folder that no line of the file names (a moved project or a link).
    Cwd,
    /// An existing value. NULL counts as equal, and is filled when the row is written for another reason.
    FilledLater,
    /// The file in a schema without `first_user_message`. In later schemas 0 on insert, and never written again.
    HasUserEvent,
    /// The file on insert; afterwards only the database.
    Seeded,
    /// Only the database: never written.
    Database,
}

/// The rule by which two cells of a column are equal. `verify` does not report and `backfill` does not rewrite a
/// difference between equal cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    /// The same value.
    Exactly,
    /// Times no more than a second apart.
    Seconds,
    /// Times no more than a second apart, seconds in a millisecond column, and synthetic milliseconds.
    Milliseconds,
    /// The same source, JSON compared parsed.
    Source,
    /// The same class of sandbox and the same network flag.
    Sandbox,
    /// The same approval policy, old spelling or new.
    Approval,
    /// The same folder.
    Folder,
}

/// One column of `threads`.
#[derive(Debug)]
pub struct Column {
    /// Name in SQL, JSON, `--columns` and `--ignore`.
    pub name: &'static str,
    /// One line of documentation.
    pub doc: &'static str,
    /// Kind of value.
    pub kind: ColumnKind,
    /// The side that decides its value.
    pub truth: Truth,
    /// The rule that compares two of its cells.
    pub same: Same,
    /// Returns the file's value; `None` for a column that only the database knows.
    pub from_file: Option<fn(&ThreadMetadata) -> Cell>,
}

/// The number of known columns.
pub const N_COLUMNS: usize = COLUMNS.len();

const fn column(
    name: &'static str,
    kind: ColumnKind,
    truth: Truth,
    same: Same,
    from_file: Option<fn(&ThreadMetadata) -> Cell>,
    doc: &'static str,
) -> Column {
    Column { name, doc, kind, truth, same, from_file }
}

fn seconds(millis: i64) -> Cell {
    Cell::Integer(millis.div_euclid(1000))
}

fn milliseconds(millis: i64) -> Cell {
    Cell::Integer(equivalence::to_milliseconds(millis))
}

fn text(text: &str) -> Cell {
    Cell::from(text)
}

fn optional(text: &Option<String>) -> Cell {
    Cell::optional_text(text.as_deref())
}

/// All known columns, in the order in which Codex added them.
pub static COLUMNS: [Column; 42] = [
    column(
        "id",
        ColumnKind::Text,
        Truth::Key,
        Same::Exactly,
        Some(|t| Cell::Text(t.id.to_string())),
        "thread id",
    ),
    column(
        "rollout_path",
        ColumnKind::Path,
        Truth::RolloutPath,
        Same::Exactly,
        Some(|t| text(&t.rollout_path)),
        "absolute path of the rollout that counts",
    ),
    column(
        "created_at",
        ColumnKind::Seconds,
        Truth::CreatedAt,
        Same::Seconds,
        Some(|t| seconds(t.created_at)),
        "when the thread began",
    ),
    column(
        "updated_at",
        ColumnKind::Seconds,
        Truth::File,
        Same::Seconds,
        Some(|t| seconds(t.updated_at)),
        "when the rollout was last written",
    ),
    column(
        "source",
        ColumnKind::JsonText,
        Truth::Source,
        Same::Source,
        Some(|t| text(&t.source)),
        "where the thread came from: a word or JSON",
    ),
    column(
        "model_provider",
        ColumnKind::Text,
        Truth::Provider,
        Same::Exactly,
        Some(|t| text(&t.model_provider)),
        "provider of the model",
    ),
    column("cwd", ColumnKind::Path, Truth::Cwd, Same::Folder, Some(|t| text(&t.cwd)), "working directory"),
    column(
        "title",
        ColumnKind::Text,
        Truth::Title,
        Same::Exactly,
        Some(|t| text(&t.title)),
        "first text of the user, or the name a person gave",
    ),
    column(
        "sandbox_policy",
        ColumnKind::JsonText,
        Truth::File,
        Same::Sandbox,
        Some(|t| text(&t.sandbox_policy)),
        "the last turn's permission profile or sandbox policy, as JSON",
    ),
    column(
        "approval_mode",
        ColumnKind::JsonText,
        Truth::File,
        Same::Approval,
        Some(|t| text(&t.approval_mode)),
        "the last turn's approval policy: a word or JSON",
    ),
    column(
        "tokens_used",
        ColumnKind::Integer,
        Truth::FileUnlessEmptied,
        Same::Exactly,
        Some(|t| t.tokens_used.into()),
        "tokens of the last count",
    ),
    column(
        "has_user_event",
        ColumnKind::Boolean,
        Truth::HasUserEvent,
        Same::Exactly,
        Some(|t| t.has_user_event.into()),
        "whether the user said anything (0 in later schemas)",
    ),
    column(
        "archived",
        ColumnKind::Boolean,
        Truth::File,
        Same::Exactly,
        Some(|t| t.archived.into()),
        "whether the rollout lies under archived_sessions/",
    ),
    column(
        "archived_at",
        ColumnKind::Seconds,
        Truth::ArchivedAt,
        Same::Exactly,
        Some(|t| if t.archived { seconds(t.updated_at) } else { Cell::Null }),
        "when the thread was archived",
    ),
    column(
        "git_sha",
        ColumnKind::Text,
        Truth::Git,
        Same::Exactly,
        Some(|t| optional(&t.git.sha)),
        "commit of the working tree",
    ),
    column(
        "git_branch",
        ColumnKind::Text,
        Truth::Git,
        Same::Exactly,
        Some(|t| optional(&t.git.branch)),
        "branch of the working tree",
    ),
    column(
        "git_origin_url",
        ColumnKind::Text,
        Truth::Git,
        Same::Exactly,
        Some(|t| optional(&t.git.origin_url)),
        "where the working tree was cloned from",
    ),
    column(
        "cli_version",
        ColumnKind::Text,
        Truth::File,
        Same::Exactly,
        Some(|t| text(&t.cli_version)),
        "version of Codex that wrote the rollout",
    ),
    column(
        "first_user_message",
        ColumnKind::Text,
        Truth::FileUnlessEmptied,
        Same::Exactly,
        Some(|t| text(&t.first_user_message)),
        "the user's first message",
    ),
    column(
        "agent_nickname",
        ColumnKind::Text,
        Truth::File,
        Same::Exactly,
        Some(|t| optional(&t.agent_nickname)),
        "nickname of a spawned agent",
    ),
    column(
        "agent_role",
        ColumnKind::Text,
        Truth::File,
        Same::Exactly,
        Some(|t| optional(&t.agent_role)),
        "role of a spawned agent",
    ),
    column(
        "memory_mode",
        ColumnKind::Text,
        Truth::MemoryMode,
        Same::Exactly,
        Some(|t| text(&t.memory_mode)),
        "whether memories may be taken from the thread",
    ),
    column(
        "model",
        ColumnKind::Text,
        Truth::FileUnlessEmptied,
        Same::Exactly,
        Some(|t| optional(&t.model)),
        "the last turn's model",
    ),
    column(
        "reasoning_effort",
        ColumnKind::Text,
        Truth::FileUnlessEmptied,
        Same::Exactly,
        Some(|t| optional(&t.reasoning_effort)),
        "the last turn's reasoning effort",
    ),
    column(
        "agent_path",
        ColumnKind::Text,
        Truth::File,
        Same::Exactly,
        Some(|t| optional(&t.agent_path)),
        "path of a spawned agent among the agents",
    ),
    column(
        "created_at_ms",
        ColumnKind::Milliseconds,
        Truth::CreatedAt,
        Same::Milliseconds,
        Some(|t| milliseconds(t.created_at)),
        "when the thread began, to the millisecond",
    ),
    column(
        "updated_at_ms",
        ColumnKind::Milliseconds,
        Truth::File,
        Same::Milliseconds,
        Some(|t| milliseconds(t.updated_at)),
        "when the rollout was last written, to the millisecond",
    ),
    column(
        "thread_source",
        ColumnKind::Text,
        Truth::File,
        Same::Exactly,
        Some(|t| optional(&t.thread_source)),
        "who asked for the thread",
    ),
    column(
        "preview",
        ColumnKind::Text,
        Truth::Preview,
        Same::Exactly,
        Some(|t| text(&t.preview)),
        "what a listing shows; empty hides the thread",
    ),
    column(
        "recency_at",
        ColumnKind::Seconds,
        Truth::Seeded,
        Same::Exactly,
        Some(|t| seconds(t.recency_at())),
        "when the thread was last used",
    ),
    column(
        "recency_at_ms",
        ColumnKind::Milliseconds,
        Truth::Seeded,
        Same::Exactly,
        Some(|t| milliseconds(t.recency_at())),
        "when the thread was last used, to the millisecond",
    ),
    column(
        "history_mode",
        ColumnKind::Text,
        Truth::HistoryMode,
        Same::Exactly,
        Some(|t| text(t.history_mode.as_str())),
        "how the history is kept: legacy or paginated",
    ),
    column("name", ColumnKind::Text, Truth::Database, Same::Exactly, None, "name given by a person"),
    column(
        "is_pinned",
        ColumnKind::Boolean,
        Truth::Database,
        Same::Exactly,
        None,
        "whether the thread is pinned",
    ),
    column(
        "thread_section_id",
        ColumnKind::Text,
        Truth::Database,
        Same::Exactly,
        None,
        "section of the sidebar",
    ),
    column(
        "section_position",
        ColumnKind::Integer,
        Truth::Database,
        Same::Exactly,
        None,
        "position within the section",
    ),
    column(
        "section_entered_at_ms",
        ColumnKind::Milliseconds,
        Truth::Database,
        Same::Exactly,
        None,
        "when the thread entered the section",
    ),
    column("project_id", ColumnKind::Text, Truth::Database, Same::Exactly, None, "project of the thread"),
    column(
        "originator",
        ColumnKind::Text,
        Truth::FilledLater,
        Same::Exactly,
        Some(|t| optional(&t.originator)),
        "program that began the thread",
    ),
    column(
        "daybreak_enabled",
        ColumnKind::Boolean,
        Truth::Database,
        Same::Exactly,
        None,
        "a choice of the user that Codex keeps with the thread",
    ),
    column(
        "creator_user_id",
        ColumnKind::Text,
        Truth::FilledLater,
        Same::Exactly,
        Some(|t| optional(&t.creator_user_id)),
        "user who began the thread",
    ),
    column(
        "creator_account_id",
        ColumnKind::Text,
        Truth::FilledLater,
        Same::Exactly,
        Some(|t| optional(&t.creator_account_id)),
        "account of that user",
    ),
];

/// Returns true for the two columns that say when the rollout was last written.
#[must_use]
pub fn is_updated_at(position: usize) -> bool {
    matches!(position, index::UPDATED_AT | index::UPDATED_AT_MS)
}

/// Positions in [`COLUMNS`] of the columns that rules mention by name.
pub mod index {
    macro_rules! positions {
        ($($constant:ident = $name:literal),* $(,)?) => {
            $(
                #[doc = concat!("Position of `", $name, "`.")]
                pub const $constant: usize = super::position_at_compile_time($name);
            )*
        };
    }
    positions! {
        ID = "id",
        ROLLOUT_PATH = "rollout_path",
        CREATED_AT = "created_at",
        UPDATED_AT = "updated_at",
        SOURCE = "source",
        MODEL_PROVIDER = "model_provider",
        CWD = "cwd",
        TITLE = "title",
        ARCHIVED = "archived",
        ARCHIVED_AT = "archived_at",
        CREATED_AT_MS = "created_at_ms",
        UPDATED_AT_MS = "updated_at_ms",
        RECENCY_AT = "recency_at",
        RECENCY_AT_MS = "recency_at_ms",
        FIRST_USER_MESSAGE = "first_user_message",
        PREVIEW = "preview",
        MEMORY_MODE = "memory_mode",
        THREAD_SECTION_ID = "thread_section_id",
        SECTION_POSITION = "section_position",
        SECTION_ENTERED_AT_MS = "section_entered_at_ms",
        PROJECT_ID = "project_id",
        HAS_USER_EVENT = "has_user_event",
        HISTORY_MODE = "history_mode",
        NAME = "name",
        IS_PINNED = "is_pinned",
        MODEL = "model",
        GIT_BRANCH = "git_branch",
    }
}

const fn position_at_compile_time(name: &str) -> usize {
    let name = name.as_bytes();
    let mut position = 0;
    loop {
        let candidate = COLUMNS[position].name.as_bytes();
        let mut i = 0;
        while candidate.len() == name.len() && i < name.len() && candidate[i] == name[i] {
            i += 1;
        }
        if candidate.len() == name.len() && i == name.len() {
            return position;
        }
        position += 1;
    }
}

/// Returns the position of the column called `name`, if it is known.
#[must_use]
pub fn position(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|column| column.name == name)
}

/// The set of [`COLUMNS`] that a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ColumnSet(u64);

impl ColumnSet {
    /// Adds the column at `position`.
    pub fn insert(&mut self, position: usize) {
        self.0 |= 1 << position;
    }

    /// Returns true if the column at `position` is in the set.
    #[must_use]
    pub fn contains(self, position: usize) -> bool {
        self.0 & (1 << position) != 0
    }

    /// Returns the positions in the set, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..N_COLUMNS).filter(move |&position| self.contains(position))
    }
}

impl FromIterator<usize> for ColumnSet {
    fn from_iter<I: IntoIterator<Item = usize>>(positions: I) -> ColumnSet {
        let mut set = ColumnSet::default();
        positions.into_iter().for_each(|position| set.insert(position));
        set
    }
}

/// The known cells of one row, by position in [`COLUMNS`]; `None` where the database has no such column.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// One entry for each of [`COLUMNS`].
    pub cells: [Option<Cell>; N_COLUMNS],
}

impl Row {
    /// Returns a row without cells.
    #[must_use]
    pub fn empty() -> Row {
        Row { cells: [const { None }; N_COLUMNS] }
    }

    /// Returns the cell at `position`, if the database has that column.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&Cell> {
        self.cells[position].as_ref()
    }

    /// Returns the text of the cell at `position`, if it is text.
    #[must_use]
    pub fn text(&self, position: usize) -> Option<&str> {
        self.get(position).and_then(Cell::as_text)
    }

    /// Returns the number in the cell at `position`, if it is an integer.
    #[must_use]
    pub fn integer(&self, position: usize) -> Option<i64> {
        self.get(position).and_then(Cell::as_integer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_documented() {
        for (i, column) in COLUMNS.iter().enumerate() {
            assert_eq!(position(column.name), Some(i), "{} stands twice", column.name);
            assert!(!column.doc.is_empty() && !column.doc.ends_with('.'), "{}", column.name);
        }
        const { assert!(N_COLUMNS <= 64, "ColumnSet holds 64") };
    }

    #[test]
    fn only_columns_that_the_database_alone_knows_have_no_getter() {
        for column in &COLUMNS {
            assert_eq!(column.from_file.is_none(), column.truth == Truth::Database, "{}", column.name);
        }
    }

    #[test]
    fn compile_time_positions_are_those_of_the_table() {
        assert_eq!(COLUMNS[index::ID].name, "id");
        assert_eq!(COLUMNS[index::HISTORY_MODE].name, "history_mode");
        assert_eq!(COLUMNS[index::RECENCY_AT_MS].name, "recency_at_ms");
    }

    #[test]
    fn a_cell_that_codex_cannot_read_is_refused_by_its_kind() {
        assert!(!ColumnKind::Seconds.accepts(&Cell::from("soon")));
        assert!(!ColumnKind::Text.accepts(&Cell::Blob(vec![0xff])));
        assert!(!ColumnKind::Integer.accepts(&Cell::Real(1.5)));
        assert!(ColumnKind::Text.accepts(&Cell::Null) && ColumnKind::Boolean.accepts(&Cell::Integer(1)));
    }
}
