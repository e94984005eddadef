//! All arguments of all commands; their doc comments are the help text. Other modules decide what the arguments mean.

use crate::cli::line::fresh::SchemaChoice;
use crate::cli::line::{fresh, help, numbers, version};
use crate::verify::Ignore;
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueHint};
use std::path::PathBuf;

pub use super::choices::{FormatChoice, TimesChoice};
pub use super::global::Global;
use super::list_args::ColumnNames;
pub use super::list_args::{HIDDEN_BY, ListArgs, SIZE, SortBy};
pub use super::moving_args::{ArchiveArgs, Moving, PruneArgs, RelinkArgs, UnarchiveArgs, Writing};

/// The program's name, also used for completions and man pages.
pub const NAME: &str = "codex-state";

/// Find and repair lost conversations of the Codex coding agent
///
/// Codex keeps each conversation (thread) in a file, its rollout, and an index of them in a database. When the two drift
/// apart, threads seem gone although every file is there. codex-state says what is wrong, and repairs the index from the
/// files. It never modifies a rollout, keeps what only the database knows, and backs up the database before it changes it.
/// Codex may stay open.
#[derive(Debug, Parser)]
#[command(name = NAME, version, long_version = version::long(), max_term_width = 100, propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = true, after_long_help = help::of_program())]
#[command(mut_subcommands = |command| help::with_examples(command))]
pub struct Cli {
    /// The options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "a comment here would hide the help of the command itself")]
pub enum Command {
    Status(StatusArgs),
    Verify(VerifyArgs),
    Backfill(BackfillArgs),
    List(ListArgs),
    Show(ShowArgs),
    Path(PathArgs),
    Archive(ArchiveArgs),
    Unarchive(UnarchiveArgs),
    Relink(RelinkArgs),
    Prune(PruneArgs),
    Backup(BackupArgs),
    Restore(RestoreArgs),
    Rebuild(fresh::Rebuild),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Repair the index from the rollouts (conversation files)
///
/// Reads the rollouts, all or those of the named threads, and writes the rows that are missing or differ. Rows that
/// agree are not written. What only the database knows (names, pins, sections, git edits) stays. Codex may be running.
/// If the run is interrupted, run it again to carry on. Before the first change the database is copied to
/// codex-state-backups/ beside it (at most once an hour; the newest five copies are kept), and codex-state restore
/// brings it back.
///
/// A home without a database gets one that its Codex adopts without another scan: state_5.sqlite, which Codex 0.119 and
/// later reads, or state.sqlite if the newest rollout is of Codex 0.93 to 0.95. --schema decides otherwise.
///
/// The report counts the rollouts that were found (scanned). Each of them is counted once more: as inserted (it got a new
/// row), updated (its row was changed), unchanged (its row was right already), superseded (another file of its thread
/// counts) or failed (it could not be read; exit status 1).
///
/// With --format json: {"schema_version":1, "database":PATH, "scanned":N, "inserted":N, "updated":N, "unchanged":N,
/// "superseded":N, "failed":N, "pruned":N, "bytes_read":N, "failures":[{"path":PATH, "error":TEXT}…],
/// "shown_before":N, "shown_after":N, "dry_run":BOOL, "complete":BOOL}.
///
/// "shown_before" and "shown_after" are the numbers of threads in Codex's default list. "complete" is true if every
/// rollout of the home was visited and none failed for a reason that may pass. With --index there is also
/// "indexed":N, the number of names that were appended to session_index.jsonl. TSV and CSV have the columns scanned,
/// inserted, updated, unchanged, superseded, failed, pruned, bytes_read, and with --index indexed.
#[derive(Debug, Args)]
pub struct BackfillArgs {
    /// Threads to repair: ids, unique beginnings of ids, paths of rollouts, or - to read them from standard input
    #[arg(value_name = "THREAD")]
    pub threads: Vec<String>,

    /// The options of every command that writes.
    #[command(flatten)]
    pub writing: Writing,

    /// How many rollouts to read at once [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = numbers::jobs, long_help = numbers::JOBS)]
    pub jobs: Option<u16>,

    /// Skip rollouts that have not changed since their row was written
    #[arg(long)]
    pub quick: bool,

    /// Where updated_at comes from
    #[arg(long, value_name = "SOURCE", default_value = "auto")]
    pub times: TimesChoice,

    /// Fill what only a database knows (names, pins, sections, git edits) from another state database, even a damaged one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub facts_from: Option<PathBuf>,

    /// Which database to create if none exists [default: the one that the Codex of this home reads]
    #[arg(long, value_name = "SCHEMA")]
    pub schema: Option<SchemaChoice>,

    /// Then append to session_index.jsonl the names of threads that it lacks; older versions of Codex find threads by it
    #[arg(long)]
    pub index: bool,

    /// Then delete the rows whose rollout is gone, as prune does; without a terminal it needs --yes
    #[arg(long)]
    pub prune: bool,

    /// Do not ask before deleting rows
    #[arg(short, long, requires = "prune")]
    pub yes: bool,

    /// Delete rows even if most of all rows would go
    #[arg(long, requires = "prune")]
    pub all_missing: bool,
}

/// Name every difference between the database and the rollouts
///
/// Compares each row with its rollout, column by column, and looks for rows without rollouts, rollouts without rows,
/// duplicates and damage. Facts that only the database knows, other spellings of the same value, and the changes of a
/// running Codex do not count as differences. Changes nothing. The exit status is 0 if all agree and 1 if not; warnings
/// count only with --strict.
///
/// The text for people has the findings by kind, with some examples of many; --verbose and --max-findings give more.
///
/// With --format json: {"schema_version":1, "database":PATH, "files":N, "rows":N, "agree":N,
/// "findings":[{"kind":KIND, "severity":"error"|"warning", "thread_id":ID|null, "path":PATH|null, "message":TEXT,
/// "fields":[{"name":COLUMN, "database":VALUE, "file":VALUE}…]}…], "counts":{KIND:N…}, "not_compared":N,
/// "complete":BOOL}.
///
/// "agree" is the number of threads that were compared and have no finding (those of a moved home included);
/// "not_compared" is the number of threads whose file cannot be read now; "complete" is true if the whole home was
/// looked at. With --format jsonl each finding is a line. TSV and CSV have the columns kind, severity, thread_id,
/// path, message, fields (names of columns, separated by commas).
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Threads to verify: ids, unique beginnings of ids, paths of rollouts, or - to read them from standard input
    #[arg(value_name = "THREAD")]
    pub threads: Vec<String>,

    /// Compare only presence, paths, archive flags and times, without opening a rollout
    #[arg(long, conflicts_with = "deep")]
    pub quick: bool,

    /// Also check that every line of every rollout is JSON, and that the database file is sound
    #[arg(long)]
    pub deep: bool,

    /// Leave out a kind of finding (missing_row, damaged_lines, …) or a column (updated_at, …) (repeatable)
    #[arg(
        long,
        value_name = "KIND|COLUMN",
        value_parser = PossibleValuesParser::new(Ignore::names()),
        hide_possible_values = true
    )]
    pub ignore: Vec<String>,

    /// Exit with 1 for warnings too
    #[arg(long)]
    pub strict: bool,

    /// Print the first N findings only; all are counted
    #[arg(long, value_name = "N", value_parser = numbers::count, allow_negative_numbers = true)]
    pub max_findings: Option<usize>,

    /// Write a JUnit report to FILE, with a test case for each kind of finding
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,

    /// How many rollouts to read at once [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = numbers::jobs, long_help = numbers::JOBS)]
    pub jobs: Option<u16>,
}

/// Show everything that the database knows of threads
///
/// Prints every column of their rows, including columns that this program does not know. The text for people also says
/// whether Codex lists the thread, why not, and which codex resume line opens it. The exit status is 1 if one of the
/// threads has no row.
///
/// With --format json: {"schema_version":1, "threads":[{COLUMN:VALUE…}…]}; with --compare {"schema_version":1,
/// "threads":[{"id":ID|null, "path":PATH|null, "columns":[{"name":COLUMN, "database":VALUE, "file":VALUE,
/// "differs":BOOL}…]}…]}.
///
/// With --format jsonl each thread is a line. TSV and CSV have the columns of the table; with --compare a line for
/// each of them, with the columns id, column, database, file, differs.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Threads to show: ids, unique beginnings of ids, paths of rollouts, or - to read them from standard input
    #[arg(value_name = "THREAD", required = true)]
    pub threads: Vec<String>,

    /// Compare each row with its rollout, column by column, and mark the differences
    #[arg(long)]
    pub compare: bool,

    /// Which columns to print, in this order
    #[arg(
        long,
        value_name = "A,B,…",
        value_delimiter = ',',
        value_parser = ColumnNames::OfRow,
        hide_possible_values = true,
        conflicts_with = "compare",
        long_help = ColumnNames::OfRow.help("Which columns to print, in this order; any column of the database, also one that is not listed here")
    )]
    pub columns: Vec<String>,
}

/// Print the paths of threads' rollouts
///
/// Prints one path a line: the plain file if it exists, else the compressed one. If the row's path is gone, the file is
/// looked for in the whole home. The exit status is 1 if a thread has no rollout; the paths of the others are printed.
///
/// With --format json: {"schema_version":1, "paths":[{"path":PATH}…]}.
///
/// With --format jsonl each path is a line. TSV and CSV have the column path.
#[derive(Debug, Args)]
pub struct PathArgs {
    /// Threads to find: ids, unique beginnings of ids, paths of rollouts, or - to read them from standard input
    #[arg(value_name = "THREAD", required = true)]
    pub threads: Vec<String>,

    /// Only those that are archived
    #[arg(long, conflicts_with = "active")]
    pub archived: bool,

    /// Only those that are not archived
    #[arg(long)]
    pub active: bool,
}

/// Show where the conversations are, and the one thing to do next
///
/// Shows on one screen: which database is used and why, and which others there are; its size, its schema, and whether it
/// is sound; how many threads Codex's own list shows, how many it hides, why, and what to do about that; how many bytes
/// belong to which sources, providers and folders; the rollouts and the other databases on disk; whether Codex's
/// indexing is stuck; what codex-state verify --quick says; and the backups. The last line is the one thing to do next.
/// It works without a database, and changes nothing. The exit status is 2 if the database is there and cannot be read.
///
/// With --format json: {"schema_version":1, "home":PATH|null, "database":{"path":PATH, "why":TEXT, "others":[PATH…],
/// "error":TEXT|null, "bytes":N, "wal_bytes":N|null, "journal_mode":"wal"|"rollback", "sound":BOOL|null,
/// "problem":TEXT|null, "known_columns":N, "unknown_columns":[NAME…], "last_migration":{"version":N,
/// "description":TEXT}|null, "updated_at":TIME|null}|null, "looked_in":[PATH…], "threads":{"total":N, "shown":N,
/// "hidden":{"archived":N, "no_message":N, "provider":N, "source":N, "providers":{NAME:N…}, "sources":{NAME:N…}},
/// "default_provider":ID, "sources":{NAME:N…}, "providers":{NAME:N…}, "months":{"YYYY-MM":N…},
/// "bytes":{"sources":{NAME:N…}, "providers":{NAME:N…}, "folders":{PATH:N…}, "other_folders":N,
/// "without_row":N}|null}|null, "rollouts":{"files":N, "active":N, "archived":N, "compressed":N, "malformed_names":N,
/// "bytes":N, "missing_folders":[PATH…], "errors":[{"path":PATH, "error":TEXT}…]}, "backfill":{"status":TEXT|null,
/// "stuck":BOOL, "last_watermark":TEXT|null, "last_success_at":TIME|null, "updated_at":TIME|null}|null,
/// "verify":{"files":N, "rows":N, "agree":N, "not_compared":N, "errors":N, "warnings":N, "counts":{KIND:N…},
/// "complete":BOOL}|null, "other_databases":[{"path":PATH, "bytes":N}…], "set_aside":[{"path":PATH, "bytes":N}…],
/// "backups":[{"path":PATH, "taken_at":TIME, "bytes":N, "automatic":BOOL}…], "next":TEXT|null}.
///
/// Of more than 1,024 sources or providers, the threads of the further ones are counted together as "(others)".
/// "set_aside" has the databases that Codex itself moved to db-backups/. TSV and CSV have a line for each value, with
/// the columns name and value.
#[derive(Debug, Args)]
#[command(visible_alias = "doctor")]
pub struct StatusArgs {}

/// Copy the database to a file
///
/// The copy is one consistent file, even if Codex is using the database. Commands that write keep automatic backups beside
/// the database, in codex-state-backups; they never remove a backup made with this command.
///
/// With --format json: {"schema_version":1, "database":PATH, "backup":PATH, "rows":N, "bytes":N, "dry_run":BOOL}.
///
/// TSV and CSV have the columns database, backup, rows, bytes.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The new file, which must not exist [default: a name with the time, in codex-state-backups beside the database]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// Write nothing, and print the planned changes
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Bring the database back from a backup
///
/// Without FILE it lists the backups of the database, the newest first, with their numbers of threads, and changes nothing.
/// With latest it takes the newest sound backup, but never a database that restore or rebuild replaced: those are kept
/// until you delete them.
///
/// FILE is checked first, and the database that it replaces is kept as a backup. A Codex that has the database open sees
/// its content replaced in one step. If there is no database, one is made; one that cannot be used is moved aside.
///
/// With --format json: {"schema_version":1, "database":PATH, "restored_from":PATH, "rows":N, "replaced_rows":N|null,
/// "newer_rows":N, "bytes":N|null, "backup":PATH|null, "moved_aside":[{"from":PATH, "to":PATH}…], "dry_run":BOOL};
/// without FILE: {"schema_version":1, "database":PATH|null, "backups":[{"path":PATH, "taken_at":TIME, "rows":N|null,
/// "bytes":N, "automatic":BOOL, "replaced":BOOL}…]}.
///
/// TSV and CSV have the columns database, restored_from, rows, replaced_rows, newer_rows, bytes, backup. Without FILE
/// they have the columns path, taken_at, rows, bytes, automatic, replaced, and --format jsonl writes one backup per
/// line. A dry run names neither the backup nor the files that would be moved aside, because their names contain the
/// time.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup, or any other sound state database; latest for the newest backup [default: list the backups]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// The options of every command that writes.
    #[command(flatten)]
    pub writing: Writing,
}

/// Print or install the completion script for a shell
///
/// The scripts complete commands and options. All but that of PowerShell also complete values, and the ids of threads with
/// their titles. The folder completions/ of a release has the same scripts.
///
/// With --install the script is written where the shell looks for scripts of the user: for bash in
/// $XDG_DATA_HOME/bash-completion/completions (by default below ~/.local/share), for fish in
/// $XDG_CONFIG_HOME/fish/completions (by default below ~/.config), for zsh in ~/.zfunc, or in .zfunc in $ZDOTDIR. The
/// command prints where the file is, and the line to add to the settings of the shell if one is needed. A file that
/// codex-state did not write is never replaced. PowerShell and elvish have no such folder: the command prints the line
/// to add to their settings, installs nothing and exits with 1.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell [default with --install: that of $SHELL; on Windows, without it, powershell]
    #[arg(value_name = "SHELL", required_unless_present = "install")]
    pub shell: Option<clap_complete::Shell>,

    /// Install the script for this user
    #[arg(long)]
    pub install: bool,

    /// Install nothing, and print the planned changes
    #[arg(short = 'n', long, requires = "install")]
    pub dry_run: bool,
}

/// Print the man page, or write all man pages to a folder
///
/// Without DIR it prints the page of the program itself, in the format that man reads. With DIR it writes that page and the
/// page of each command. man finds pages in ~/.local/share/man/man1 if ~/.local/bin is in your PATH.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder; it is made if it does not exist
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
}
