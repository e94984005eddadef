//! The words of `--format` and `--times`; their doc comments are the help text.

use crate::thread::times::Times;
use clap::ValueEnum;

/// The format of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum FormatChoice {
    /// A table on a terminal, TSV for lists in a pipe, plain text otherwise
    #[default]
    Auto,
    /// For people
    Table,
    /// One JSON document
    Json,
    /// One JSON record per line
    Jsonl,
    /// Tab-separated values
    Tsv,
    /// Comma-separated values
    Csv,
    /// Annotations of a GitHub workflow (verify only)
    Github,
}

/// Where `updated_at` comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TimesChoice {
    /// The file's modification time, or the time of its last line if the file was copied or lost its time; a row that has
    /// one of the two keeps it
    Auto,
    /// The file's modification time, unless it was lost (before 2020)
    Mtime,
    /// The time of the file's last line, unless its clock was wrong (before 2020)
    Events,
    /// Like auto, but never write a row only because its time differs
    Keep,
}

impl From<TimesChoice> for Times {
    fn from(times: TimesChoice) -> Times {
        match times {
            TimesChoice::Auto => Times::Auto,
            TimesChoice::Mtime => Times::Mtime,
            TimesChoice::Events => Times::Events,
            TimesChoice::Keep => Times::Keep,
        }
    }
}
