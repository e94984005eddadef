//! Every argument of every command; the doc comments are the help. What the arguments mean is decided elsewhere.

use crate::cli::style::ColorChoice;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;
use std::time::Duration;

/// Mend, check and list the thread database of the Codex coding agent
///
/// Codex keeps every conversation (thread) in a rollout file and mirrors what it knows of it in a database. When the
/// two drift apart, threads seem gone although every file is there. codex-state makes the database say what the files
/// say. It never writes to a rollout and never loses what only the database knows.
#[derive(Debug, Parser)]
#[command(name = "codex-state", version, max_term_width = 100, propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The Codex home [default: $CODEX_HOME, else ~/.codex]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub codex_home: Option<PathBuf>,

    /// Use exactly this database, which must exist
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub db: Option<PathBuf>,

    /// The folder of the database [default: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub sqlite_home: Option<PathBuf>,

    /// Provider of threads that name none [default: model_provider of config.toml, else openai]
    #[arg(long, global = true, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub default_provider: Option<String>,

    /// How to write the output: auto is a table on a terminal, TSV for lists in a pipe, plain text otherwise
    #[arg(long, global = true, value_name = "FORMAT", default_value = "auto", hide_possible_values = false)]
    pub format: FormatChoice,

    /// Leave the header line of TSV and CSV out
    #[arg(long, global = true)]
    pub no_header: bool,

    /// When to use colour; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,

    /// Show no progress bar
    #[arg(long, global = true)]
    pub no_progress: bool,

    /// Say nothing on standard error but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Say more on standard error: which files, and why
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,

    /// How long to wait for another program's lock on the database
    #[arg(long, global = true, value_name = "SECONDS", default_value = "5", value_parser = parse_seconds)]
    pub busy_timeout: Duration,

    /// Write what this run counted to FILE, for Prometheus' textfile collector
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub metrics: Option<PathBuf>,
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds, as in 5 or 0.5".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a number of seconds, as in 5 or 0.5".to_owned())
}

/// How the output is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum FormatChoice {
    /// A table on a terminal, TSV for lists in a pipe, plain text otherwise
    #[default]
    Auto,
    /// For people
    Table,
    /// One JSON document
    Json,
    /// A JSON record a line
    Jsonl,
    /// Tab-separated values
    Tsv,
    /// Comma-separated values
    Csv,
    /// Workflow annotations (verify only)
    Github,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "a comment here would hide the help of the command itself")]
pub enum Command {
    Backfill(Backfill),
    Backup(Backup),
    Restore(Restore),
}

/// Make the rows say what the rollouts say
///
/// Reads the rollouts, all or those of the threads named, and writes the rows that are missing or differ. Rows that
/// agree are not written; what only the database knows (names, pins, sections, git edits) stays. Safe beside a running
/// Codex, and safe to interrupt: running it again carries on.
#[derive(Debug, Args)]
pub struct Backfill {
    /// Threads to do: ids, unique beginnings of ids, paths of rollouts, or - to read them from standard input
    #[arg(value_name = "THREAD")]
    pub threads: Vec<String>,

    /// What every command that writes has.
    #[command(flatten)]
    pub writing: Writing,

    /// How many rollouts to read at once [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,

    /// Skip files whose row says that they are unchanged
    #[arg(long)]
    pub quick: bool,

    /// Where updated_at comes from
    #[arg(long, value_name = "SOURCE", default_value = "mtime")]
    pub times: Times,

    /// Fill what only a database knows (names, pins, sections, git edits) from another state database, even a damaged one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub facts_from: Option<PathBuf>,
}

/// Options of every command that writes to the database.
#[derive(Debug, Clone, Args)]
pub struct Writing {
    /// Write nothing, and say what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Keep no backup of the database before the first change
    #[arg(long)]
    pub no_backup: bool,
}

/// Where `updated_at` comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Times {
    /// The file's modification time
    Mtime,
    /// The file's last line, for homes that were copied without modification times
    Events,
    /// The row, where nothing else differs
    Keep,
}

/// Copy the database to a file
///
/// The copy is one file with one state of the database, whoever is using it meanwhile. Commands that write keep backups
/// of their own beside the database, in codex-state-backups; those made with this command are never removed.
#[derive(Debug, Args)]
pub struct Backup {
    /// The new file, which must not exist [default: a name with the time, in codex-state-backups beside the database]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// Write nothing, and say what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Bring a backup back into the database
///
/// FILE is checked first, and what it replaces is kept as a backup. A Codex that has the database open finds the content
/// replaced in one step. A database that is missing is made; one that cannot be used is moved aside.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup, or any other whole state database
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// What every command that writes has.
    #[command(flatten)]
    pub writing: Writing,
}
