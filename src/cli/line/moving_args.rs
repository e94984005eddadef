//! The arguments of the commands that move threads or delete their rows: `archive`, `unarchive`, `relink` and `prune`.

use crate::cli::line::numbers;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// Options of every command that writes to the database.
#[derive(Debug, Clone, Args)]
pub struct Writing {
    /// Write nothing, and print the planned changes
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Keep no backup of the database before the first change
    #[arg(long)]
    pub no_backup: bool,
}

/// Move threads to the archive
///
/// Moves the rollout files of each thread (all of them, plain and compressed, of all its reverts) into archived_sessions/
/// and brings its row up to date: either both or neither. Nothing is ever replaced, and nothing outside of the Codex home
/// is touched. A thread that is open in a running Codex is refused; the others are moved. If a run is cut short, the same
/// command completes it. codex-state unarchive undoes it.
///
/// With --format json: {"schema_version":1, "database":PATH, "threads":[{"id":ID|null, "from":PATH|null,
/// "to":PATH|null, "status":"archived"|"unchanged"|"failed", "files":[{"from":PATH, "to":PATH}…],
/// "error":TEXT|null}…], "archived":N, "unchanged":N, "failed":N, "shown_before":N, "shown_after":N, "dry_run":BOOL}.
///
/// "from" and "to" are the paths of the rollout that counts; "files" has all files that are moved. With --format
/// jsonl each thread is a line. TSV and CSV have the columns id, status, from, to, error.
#[derive(Debug, Args)]
pub struct ArchiveArgs {
    /// The threads to move, and the options for moving.
    #[command(flatten)]
    pub moving: Moving,
}

/// Move threads back from the archive
///
/// Moves the rollout files of each thread back into sessions/YYYY/MM/DD/, by the date in their names, and brings its row
/// up to date: either both or neither. As in Codex, the rollout then counts as changed now. codex-state archive undoes it.
///
/// With --format json: as for codex-state archive, with "unarchived" instead of "archived".
#[derive(Debug, Args)]
pub struct UnarchiveArgs {
    /// The threads to move, and the options for moving.
    #[command(flatten)]
    pub moving: Moving,
}

/// The arguments that archive and unarchive share.
#[derive(Debug, Args)]
pub struct Moving {
    /// Threads to move: ids, unique beginnings of ids, paths of rollouts, or - to read them from standard input
    #[arg(value_name = "THREAD", required = true)]
    pub threads: Vec<String>,

    /// Move and write nothing, and print the planned changes
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Also move the threads that these spawned, and those that they spawned in turn
    #[arg(short, long)]
    pub recursive: bool,

    /// Keep no backup of the database
    #[arg(long)]
    pub no_backup: bool,

    /// Write the ids of the threads that were moved to FILE, one a line; to undo the run, give them to the other command
    /// with - < FILE
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ids_to: Option<PathBuf>,
}

/// Tell the database that a project moved
///
/// Sets the working directory (cwd) of the threads at or below the folder OLD to the same place below NEW, so that Codex
/// lists and resumes them there. OLD need not exist any more; NEW must, unless --missing-ok is given. Only rows change:
/// rollouts keep what they say, and a later codex-state backfill leaves the new folder as it is. Everything else in the
/// rows stays, git columns included. If NEW lies below OLD, threads that are already below NEW stay.
///
/// Both folders may be spelled as on Unix or as on Windows; in a Windows path the prefix \\?\ and the case of letters do
/// not matter. A relative folder begins at the current one. Whole names are compared: /a/bc is not below /a/b.
///
/// With --format json: {"schema_version":1, "database":PATH, "old":PATH, "new":PATH, "threads":[{"id":ID,
/// "status":"relinked"|"failed", "from":PATH, "to":PATH, "error":TEXT|null}…], "relinked":N, "failed":N,
/// "shown_before":N, "shown_after":N, "dry_run":BOOL}.
///
/// With --format jsonl each thread is a line; TSV and CSV have the columns id, status, from, to, error.
#[derive(Debug, Args)]
pub struct RelinkArgs {
    /// Where the project was
    #[arg(value_name = "OLD", value_hint = ValueHint::DirPath)]
    pub old: PathBuf,

    /// Where it is now
    #[arg(value_name = "NEW", value_hint = ValueHint::DirPath)]
    pub new: PathBuf,

    /// Accept a NEW that does not exist, as on another machine or a drive that is not mounted
    #[arg(long)]
    pub missing_ok: bool,

    /// The options of every command that writes.
    #[command(flatten)]
    pub writing: Writing,
}

/// Delete the rows of threads whose rollout is gone
///
/// Deletes the rows, all or those named, whose rollout is gone in every form and place. It first saves them to a file in
/// codex-state-backups/ beside the database; after you restored the rollouts, codex-state backfill --facts-from that file
/// brings the rows back. It asks before it deletes; without a terminal it needs --yes.
///
/// These rows stay: rows whose file lies outside of the Codex home, or elsewhere in it (codex-state backfill corrects
/// them); rows younger than ten minutes; rows of threads that are open in a running Codex; and rows whose rollout holds
/// the beginning of another thread's history. Nothing is deleted if a folder of rollouts is missing or cannot be read, nor,
/// without --all-missing, if more than ten rows and more than half of all would go.
///
/// With --format json: {"schema_version":1, "database":PATH, "checked":N, "threads":[{"id":ID, "path":PATH,
/// "status":"pruned"|"skipped"|"failed", "error":TEXT|null}…], "pruned":N, "skipped":N, "failed":N,
/// "saved_to":PATH|null, "shown_before":N, "shown_after":N, "dry_run":BOOL}.
///
/// "threads" has the named threads and those whose path leads nowhere. With --format jsonl each thread is a line. TSV
/// and CSV have the columns id, status, path, error.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Threads to look at [default: all]: ids, unique beginnings of ids, paths, or - to read them from standard input
    #[arg(value_name = "THREAD")]
    pub threads: Vec<String>,

    /// Delete nothing, and print the planned changes
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Do not ask before deleting
    #[arg(short, long)]
    pub yes: bool,

    /// Delete rows even if most of all rows would go
    #[arg(long)]
    pub all_missing: bool,

    /// How many rollouts to read at once [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = numbers::jobs, long_help = numbers::JOBS)]
    pub jobs: Option<u16>,

    /// Keep no backup of the database (the deleted rows are saved in any case)
    #[arg(long)]
    pub no_backup: bool,
}
