//! The arguments of `rebuild`, and the kinds of database that a command creates.

use crate::cli::line::numbers;
use clap::{Args, ValueEnum, ValueHint};
use std::path::PathBuf;

/// Make a new database in place of one that is damaged, refused by Codex or lost
///
/// Builds the new database completely beside the old one: from all rollouts, then from everything that can still be read
/// in the old database (names, pins, sections, projects, attachments, and the rows of threads whose rollout is not in
/// this home). Then it checks the new database, moves the old one to codex-state-backups/, where it stays until you
/// delete it, and puts the new one in its place in one step. Codex opens the new one at once and scans nothing. If
/// rebuild is interrupted or killed, either the old or the new database is in place, whole.
///
/// If the database is sound and only its ledger of migrations is refused by Codex, the database is copied as it is, and
/// the ledger is mended.
///
/// Close Codex first: rebuild refuses to run while another process has the database open. Unless --force is given, it also
/// refuses if the database is sound, if it has tables or columns that a new one could not hold, or if neither the rollout
/// of a thread (for lack of permission, or on a drive that is not mounted) nor its old row can be read now. A permanently
/// damaged rollout does not stop rebuild.
///
/// The last line is the command that undoes it: --undo puts the old file back as it was, under the name that it had, and
/// keeps the new one in codex-state-backups/.
///
/// With --format json: {"schema_version":1, "database":PATH, "old":PATH|null,
/// "condition":"missing"|"unusable"|"damaged"|"refused"|"sound", "problem":TEXT|null, "how":"mended"|"built",
/// "migrations_mended":[N…], "level":N|null, "threads":N, "shown_before":N|null, "shown_after":N, "kept_threads":N,
/// "tables":[{"table":NAME, "rows":N, "unfit":N, "unreadable":N|null}…], "left_behind":[NAME…], "scanned":N,
/// "failed":N, "failures":[{"path":PATH, "error":TEXT}…], "dry_run":BOOL, "complete":BOOL}.
///
/// "tables" counts what came from the old database: the rows that were read, the rows that did not fit, and the rows on
/// damaged pages (null if their number is not known). One damaged page can hide up to some thousand rows, and a damaged
/// page of the schema whole tables: "sqlite_schema" then stands for those. "shown_before" and "shown_after" are the
/// numbers of threads in Codex's default list. "kept_threads" is the number of rows of threads whose rollout is missing
/// or cannot be read. "old" is null in a dry run. TSV and CSV have the columns database, old, condition, how, level,
/// threads, kept_threads, scanned, failed.
#[derive(Debug, Args)]
pub struct Rebuild {
    /// Write nothing, and print the planned changes
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Replace even a sound database, drop tables and columns that do not fit, and skip threads that cannot be read
    #[arg(long)]
    pub force: bool,

    /// Put a database that rebuild replaced back in its place, even if it is damaged
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["force", "jobs"])]
    pub undo: Option<PathBuf>,

    /// How many rollouts to read at once [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = numbers::jobs, long_help = numbers::JOBS)]
    pub jobs: Option<u16>,
}

/// The kind of database that is created if none exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaChoice {
    /// state.sqlite, for Codex 0.93 to 0.95
    #[value(name = "phase-1")]
    Phase1,
    /// state_5.sqlite, for Codex 0.119 and later
    #[value(name = "state-5")]
    State5,
}
