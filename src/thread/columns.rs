//! `COLUMNS`: the single definition of every column of `threads` that this program knows. SQL is built elsewhere.
//!
//! SQL, JSON, `--columns`, `--ignore`, the differences of `verify` and the man page's table all come from here. A
//! column that is missing here is never written, whatever the database holds.

use super::ThreadMetadata;
use super::cell::{Cell, CellRef};
use super::equivalence;
use std::ops::{Index, IndexMut};

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
            Cell::Integer(_) => !self.is_text(),
            Cell::Text(_) => self.is_text(),
            Cell::Real(_) | Cell::Blob(_) => false,
        }
    }

    /// Returns true if a column of this kind holds text, false if it holds whole numbers.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, ColumnKind::Text | ColumnKind::JsonText | ColumnKind::Path)
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
    /// Returns the file's value; `None` for the key, and for a column that only the database knows.
    pub from_file: Option<FromFile>,
}

/// A function that returns a column's value in a file, borrowed because most values are only compared.
pub type FromFile = for<'a> fn(&'a ThreadMetadata) -> CellRef<'a>;

fn seconds<'a>(millis: i64) -> CellRef<'a> {
    CellRef::Integer(millis.div_euclid(1000))
}

fn milliseconds<'a>(millis: i64) -> CellRef<'a> {
    CellRef::Integer(equivalence::to_milliseconds(millis))
}

fn text(text: &str) -> CellRef<'_> {
    CellRef::Text(text)
}

fn optional(text: &Option<String>) -> CellRef<'_> {
    text.as_deref().map_or(CellRef::Null, CellRef::Text)
}

macro_rules! columns {
    (@value $t:ident -) => { None };
    (@value $t:ident ($value:expr)) => { Some(|$t| $value) };
    ($t:ident => $($col:ident $name:literal $kind:ident $truth:ident $same:ident $value:tt $doc:literal;)*) => {
        /// A column of `threads`, in the order of [`COLUMNS`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Col {
            $(#[doc = concat!("`", $name, "`: ", $doc, ".")] $col,)*
        }

        /// All known columns, in the order in which Codex added them.
        pub static COLUMNS: [Column; [$(Col::$col),*].len()] = [$(Column {
            name: $name,
            doc: $doc,
            kind: ColumnKind::$kind,
            truth: Truth::$truth,
            same: Same::$same,
            from_file: columns!(@value $t $value),
        }),*];

        const ALL: [Col; COLUMNS.len()] = [$(Col::$col),*];
    };
}

// A line a column: its name, kind, truth and rule of sameness, the value of the file's thread `t`, and its meaning.
columns! { t =>
    Id "id" Text Key Exactly - "thread id";
    RolloutPath "rollout_path" Path RolloutPath Exactly (text(&t.rollout_path)) "absolute path of the rollout that counts";
    CreatedAt "created_at" Seconds CreatedAt Seconds (seconds(t.created_at)) "when the thread began";
    UpdatedAt "updated_at" Seconds File Seconds (seconds(t.updated_at)) "when the rollout was last written";
    Source "source" JsonText Source Source (text(&t.source)) "where the thread came from: a word or JSON";
    ModelProvider "model_provider" Text Provider Exactly (text(&t.model_provider)) "provider of the model";
    Cwd "cwd" Path Cwd Folder (text(&t.cwd)) "working directory";
    Title "title" Text Title Exactly (text(&t.title)) "first text of the user, or the name a person gave";
    SandboxPolicy "sandbox_policy" JsonText File Sandbox (text(&t.sandbox_policy)) "the last turn's permission profile or sandbox policy, as JSON";
    ApprovalMode "approval_mode" JsonText File Approval (text(&t.approval_mode)) "the last turn's approval policy: a word or JSON";
    TokensUsed "tokens_used" Integer FileUnlessEmptied Exactly (CellRef::Integer(t.tokens_used)) "tokens of the last count";
    HasUserEvent "has_user_event" Boolean HasUserEvent Exactly (CellRef::Integer(t.has_user_event.into())) "whether the user said anything (0 in later schemas)";
    Archived "archived" Boolean File Exactly (CellRef::Integer(t.archived.into())) "whether the rollout lies under archived_sessions/";
    ArchivedAt "archived_at" Seconds ArchivedAt Exactly (if t.archived { seconds(t.updated_at) } else { CellRef::Null }) "when the thread was archived";
    GitSha "git_sha" Text Git Exactly (optional(&t.git.sha)) "commit of the working tree";
    GitBranch "git_branch" Text Git Exactly (optional(&t.git.branch)) "branch of the working tree";
    GitOriginUrl "git_origin_url" Text Git Exactly (optional(&t.git.origin_url)) "where the working tree was cloned from";
    CliVersion "cli_version" Text File Exactly (text(&t.cli_version)) "version of Codex that wrote the rollout";
    FirstUserMessage "first_user_message" Text FileUnlessEmptied Exactly (text(&t.first_user_message)) "the user's first message";
    AgentNickname "agent_nickname" Text File Exactly (optional(&t.agent_nickname)) "nickname of a spawned agent";
    AgentRole "agent_role" Text File Exactly (optional(&t.agent_role)) "role of a spawned agent";
    MemoryMode "memory_mode" Text MemoryMode Exactly (text(&t.memory_mode)) "whether memories may be taken from the thread";
    Model "model" Text FileUnlessEmptied Exactly (optional(&t.model)) "the last turn's model";
    ReasoningEffort "reasoning_effort" Text FileUnlessEmptied Exactly (optional(&t.reasoning_effort)) "the last turn's reasoning effort";
    AgentPath "agent_path" Text File Exactly (optional(&t.agent_path)) "path of a spawned agent among the agents";
    CreatedAtMs "created_at_ms" Milliseconds CreatedAt Milliseconds (milliseconds(t.created_at)) "when the thread began, to the millisecond";
    UpdatedAtMs "updated_at_ms" Milliseconds File Milliseconds (milliseconds(t.updated_at)) "when the rollout was last written, to the millisecond";
    ThreadSource "thread_source" Text File Exactly (optional(&t.thread_source)) "who asked for the thread";
    Preview "preview" Text Preview Exactly (text(&t.preview)) "what a listing shows; empty hides the thread";
    RecencyAt "recency_at" Seconds Seeded Exactly (seconds(t.recency_at())) "when the thread was last used";
    RecencyAtMs "recency_at_ms" Milliseconds Seeded Exactly (milliseconds(t.recency_at())) "when the thread was last used, to the millisecond";
    HistoryMode "history_mode" Text HistoryMode Exactly (text(t.history_mode.as_str())) "how the history is kept: legacy or paginated";
    Name "name" Text Database Exactly - "name given by a person";
    IsPinned "is_pinned" Boolean Database Exactly - "whether the thread is pinned";
    ThreadSectionId "thread_section_id" Text Database Exactly - "section of the sidebar";
    SectionPosition "section_position" Integer Database Exactly - "position within the section";
    SectionEnteredAtMs "section_entered_at_ms" Milliseconds Database Exactly - "when the thread entered the section";
    ProjectId "project_id" Text Database Exactly - "project of the thread";
    Originator "originator" Text FilledLater Exactly (optional(&t.originator)) "program that began the thread";
    DaybreakEnabled "daybreak_enabled" Boolean Database Exactly - "a choice of the user that Codex keeps with the thread";
    CreatorUserId "creator_user_id" Text FilledLater Exactly (optional(&t.creator_user_id)) "user who began the thread";
    CreatorAccountId "creator_account_id" Text FilledLater Exactly (optional(&t.creator_account_id)) "account of that user";
}

/// The number of known columns.
pub const N_COLUMNS: usize = COLUMNS.len();

impl Col {
    /// Returns all columns, in the order of [`COLUMNS`].
    pub fn all() -> impl Iterator<Item = Col> {
        ALL.into_iter()
    }

    /// Returns all columns with their definitions.
    pub fn definitions() -> impl Iterator<Item = (Col, &'static Column)> {
        Col::all().zip(&COLUMNS)
    }

    /// Returns the column called `name`, if it is known.
    #[must_use]
    pub fn named(name: &str) -> Option<Col> {
        Col::all().find(|col| col.name() == name)
    }

    /// Returns the definition of the column.
    #[must_use]
    pub fn column(self) -> &'static Column {
        &COLUMNS[self as usize]
    }

    /// Returns the column's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.column().name
    }

    /// Returns true for the two columns that say when the rollout was last written.
    #[must_use]
    pub fn is_updated_at(self) -> bool {
        matches!(self, Col::UpdatedAt | Col::UpdatedAtMs)
    }
}

/// The set of [`COLUMNS`] that a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ColumnSet(u64);

impl ColumnSet {
    /// Adds a column.
    pub fn insert(&mut self, col: Col) {
        self.0 |= 1 << col as u8;
    }

    /// Returns true if there is no column in the set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns true if a column is in the set.
    #[must_use]
    pub fn contains(self, col: Col) -> bool {
        self.0 & (1 << col as u8) != 0
    }

    /// Returns the columns in the set, in the order of [`COLUMNS`].
    pub fn iter(self) -> impl Iterator<Item = Col> {
        Col::all().filter(move |&col| self.contains(col))
    }
}

impl FromIterator<Col> for ColumnSet {
    fn from_iter<I: IntoIterator<Item = Col>>(cols: I) -> ColumnSet {
        let mut set = ColumnSet::default();
        cols.into_iter().for_each(|col| set.insert(col));
        set
    }
}

/// The known cells of one row, by column; `None` where the database has no such column.
///
/// The cells are on the heap, because rows are passed on often and are large.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(Box<[Option<Cell>; N_COLUMNS]>);

impl Index<Col> for Row {
    type Output = Option<Cell>;

    fn index(&self, col: Col) -> &Option<Cell> {
        &self.0[col as usize]
    }
}

impl IndexMut<Col> for Row {
    fn index_mut(&mut self, col: Col) -> &mut Option<Cell> {
        &mut self.0[col as usize]
    }
}

impl Row {
    /// Returns a row without cells.
    #[must_use]
    pub fn empty() -> Row {
        Row(Box::new([const { None }; N_COLUMNS]))
    }

    /// Returns a row with these cells.
    #[must_use]
    pub fn from_fn(cell: impl Fn(Col) -> Option<Cell>) -> Row {
        Row(Box::new(ALL.map(cell)))
    }

    /// Returns the cell of a column, if the database has it.
    #[must_use]
    pub fn get(&self, col: Col) -> Option<&Cell> {
        self[col].as_ref()
    }

    /// Returns the text of a column's cell, if it is text.
    #[must_use]
    pub fn text(&self, col: Col) -> Option<&str> {
        self.get(col).and_then(Cell::as_text)
    }

    /// Returns the number in a column's cell, if it is an integer.
    #[must_use]
    pub fn integer(&self, col: Col) -> Option<i64> {
        self.get(col).and_then(Cell::as_integer)
    }

    /// Returns true if its texts take so little memory that it is worth keeping for another row.
    #[must_use]
    pub fn is_small(&self) -> bool {
        const MAX_TEXT: usize = 4096;
        let size = |cell: &Cell| if let Cell::Text(text) = cell { text.capacity() } else { 0 };
        self.cells().map(size).sum::<usize>() <= MAX_TEXT
    }

    /// Returns the cells of the columns that the database has.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.0.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_documented() {
        for (col, column) in Col::definitions() {
            assert_eq!(Col::named(column.name), Some(col), "{} stands twice", column.name);
            assert!(!column.doc.is_empty() && !column.doc.ends_with('.'), "{}", column.name);
        }
        const { assert!(N_COLUMNS <= 64, "ColumnSet holds 64") };
    }

    #[test]
    fn only_the_key_and_columns_that_the_database_alone_knows_have_no_getter() {
        for column in &COLUMNS {
            let is_without = matches!(column.truth, Truth::Key | Truth::Database);
            assert_eq!(column.from_file.is_none(), is_without, "{}", column.name);
        }
    }

    #[test]
    fn each_column_is_called_like_its_name() {
        for col in Col::all() {
            assert_eq!(format!("{col:?}").to_lowercase(), col.name().replace('_', ""));
        }
    }

    #[test]
    fn a_cell_that_codex_cannot_read_is_refused_by_its_kind() {
        assert!(!ColumnKind::Seconds.accepts(&Cell::from("soon")));
        assert!(!ColumnKind::Text.accepts(&Cell::Blob(vec![0xff])));
        assert!(!ColumnKind::Integer.accepts(&Cell::Real(1.5)));
        assert!(ColumnKind::Text.accepts(&Cell::Null) && ColumnKind::Boolean.accepts(&Cell::Integer(1)));
    }
}
