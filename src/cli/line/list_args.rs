//! The arguments of `list`, whose doc comments are its help text, and the columns that it can print.

use crate::cli::line::numbers;
use crate::thread::columns::COLUMNS;
use clap::builder::{NonEmptyStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};
use std::ffi::OsStr;
use std::path::PathBuf;

/// List threads, the latest first
///
/// Lists the threads (conversations) that are not archived and have a message, of every source and provider. Codex's own
/// list is shorter: it shows only threads of the sources cli, vscode, custom atlas and custom chatgpt, and only those of
/// the provider in config.toml. A table marks the threads that Codex hides. --shown lists exactly those that Codex shows,
/// --hidden-only those that it hides, and the column hidden_by says why. In a terminal, codex resume also leaves out the
/// threads of other folders; codex resume --all lists those too.
///
/// On a terminal the output is a table. In a pipe it is TSV, always with the columns id, updated_at, created_at, archived,
/// source, model_provider, cwd, git_branch, title and name. JSON has all columns. In TSV, CSV and JSON times are RFC 3339
/// in UTC.
///
/// Codex stores times in seconds and in milliseconds; the order is that of the milliseconds if the database has them.
/// Threads with the same time are ordered by id.
///
/// With --format json: {"schema_version":1, "threads":[{COLUMN:VALUE…}…], "next_cursor":TEXT|null, "scanned":N}.
///
/// "next_cursor" is for --after, and null after the last page; "scanned" is the number of rows that were looked at.
/// Numbers and flags are JSON numbers and booleans, times are RFC 3339 texts, and unknown values are null. With
/// --format jsonl each thread is a line.
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
pub struct ListArgs {
    /// Words to search for, as with --search: each must be found
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,

    /// The order; recency means updated if the database does not have it
    #[arg(long, value_name = "ORDER", default_value = "updated")]
    pub sort: SortBy,

    /// The oldest or smallest first
    #[arg(long)]
    pub reverse: bool,

    /// List at most N threads; 0 is all [default: 50 for a table on a terminal, else all]
    #[arg(short = 'n', long, value_name = "N", value_parser = numbers::count, allow_negative_numbers = true)]
    pub limit: Option<usize>,

    /// Continue after a page: CURSOR is its next_cursor in --format json; --sort and --reverse must be the same
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,

    /// Only archived threads
    #[arg(long, conflicts_with = "all")]
    pub archived: bool,

    /// Also archived threads
    #[arg(long)]
    pub all: bool,

    /// Also threads without a user message, which Codex hides
    #[arg(long)]
    pub hidden: bool,

    /// Only threads that Codex's default list shows
    #[arg(long, conflicts_with_all = ["archived", "all", "hidden"])]
    pub shown: bool,

    /// Only threads that Codex's default list hides, archived or not; the column hidden_by says why
    #[arg(long, conflicts_with_all = ["shown", "all", "hidden"])]
    pub hidden_only: bool,

    /// Only threads of this source, such as cli, vscode or exec; subagent means all sub-agents (repeatable)
    #[arg(long, value_name = "SOURCE")]
    pub source: Vec<String>,

    /// Only threads of this model provider (repeatable)
    #[arg(long, value_name = "ID")]
    pub provider: Vec<String>,

    /// Only threads that began in this folder (repeatable)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub cwd: Vec<PathBuf>,

    /// With --cwd: also threads that began in a folder below it
    #[arg(long, requires = "cwd")]
    pub recursive: bool,

    /// Only threads with this text in title, name, preview or first message; upper and lower case are the same, but
    /// letters with and without accents are not (repeatable: each must be found)
    #[arg(long, value_name = "TEXT")]
    pub search: Vec<String>,

    /// Only threads of this model (repeatable)
    #[arg(long, value_name = "MODEL")]
    pub model: Vec<String>,

    /// Only threads that began on this git branch (repeatable)
    #[arg(long, value_name = "BRANCH")]
    pub branch: Vec<String>,

    /// Only threads that are pinned
    #[arg(long)]
    pub pinned: bool,

    /// Only threads of this time or later, by the time of --sort: RFC 3339, a date (local midnight), today,
    /// yesterday, or an age: 30s 10m 2h 7d 4w 3mo 1y "2 weeks ago"
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub since: Option<String>,

    /// Only threads before this time, in the same forms
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub until: Option<String>,

    /// Which columns to print, in this order: those of the table, hidden_by and size
    #[arg(
        long,
        value_name = "A,B,…",
        value_delimiter = ',',
        value_parser = ColumnNames::OfList
    )]
    #[arg(
        hide_possible_values = true,
        long_help = ColumnNames::OfList.help("Which columns to print, in this order")
    )]
    pub columns: Vec<String>,

    /// Print only the ids, one a line
    #[arg(long, conflicts_with = "columns")]
    pub ids: bool,
}

/// The column of a listing with the reason why Codex's default list hides a thread.
pub const HIDDEN_BY: &str = "hidden_by";
/// The column of a listing with the size of the rollout in bytes.
pub const SIZE: &str = "size";

/// The columns of a listing that no table has, with their meaning.
const COMPUTED: [(&str, &str); 2] = [
    (HIDDEN_BY, "why Codex's list hides it: archived, no_message, provider, source; empty if it shows it"),
    (SIZE, "bytes of the rollout on disk"),
];

/// A parser of column names, which describes the columns only when it is asked for them: to describe them all takes long.
#[derive(Debug, Clone, Copy)]
pub(super) enum ColumnNames {
    /// The columns of a listing.
    OfList,
    /// Every non-empty name, because a database may have unknown columns. Completion offers the known ones.
    OfRow,
}

impl ColumnNames {
    /// Returns the known columns, each with its meaning.
    fn known(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let computed = if let ColumnNames::OfList = self { &COMPUTED[..] } else { &[] };
        COLUMNS.iter().map(|column| (column.name, column.doc)).chain(computed.iter().copied())
    }

    /// Returns the help of an option that takes columns: a sentence and the names of the columns.
    pub(super) fn help(self, sentence: &str) -> String {
        format!("{sentence}: {}", self.known().map(|(name, _)| name).collect::<Vec<_>>().join(", "))
    }
}

impl TypedValueParser for ColumnNames {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        match self {
            ColumnNames::OfList => {
                let names = self.known().map(|(name, _)| name);
                PossibleValuesParser::new(names).parse_ref(command, argument, value)
            }
            ColumnNames::OfRow => NonEmptyStringValueParser::new().parse_ref(command, argument, value),
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.known().map(|(name, help)| PossibleValue::new(name).help(help))))
    }
}

/// The order of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SortBy {
    /// When the thread began
    Created,
    /// When it was last written
    Updated,
    /// When it was last used
    Recency,
    /// Bytes of the rollout on disk, the largest first; --since and --until then go by updated
    Size,
}
