//! The options of every command; their doc comments are the help text.

use crate::cli::line::choices::FormatChoice;
use crate::cli::line::color::ColorChoice;
use crate::cli::line::numbers;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueHint};
use std::path::PathBuf;
use std::time::Duration;

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

    /// The folder of the database
    ///
    /// Without it: sqlite_home of config.toml, else $CODEX_SQLITE_HOME, else the Codex home and its folder sqlite.
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub sqlite_home: Option<PathBuf>,

    /// The provider of threads whose rollout names none
    ///
    /// Without it: model_provider of config.toml, else openai.
    #[arg(long, global = true, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub default_provider: Option<String>,

    /// How to write the output
    #[arg(long, global = true, value_name = "FORMAT", default_value = "auto", hide_possible_values = false)]
    pub format: FormatChoice,

    /// Leave out the header line of TSV and CSV
    #[arg(long, global = true)]
    pub no_header: bool,

    /// When to use colour
    ///
    /// NO_COLOR, CLICOLOR and CLICOLOR_FORCE are respected.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,

    /// Show no progress bar
    #[arg(long, global = true)]
    pub no_progress: bool,

    /// Print nothing but errors on standard error
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Print more on standard error: which files, and why
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,

    /// How long to wait for another program's lock on the database
    #[arg(long, global = true, value_name = "SECONDS", default_value = "5", value_parser = numbers::seconds, allow_negative_numbers = true)]
    pub busy_timeout: Duration,

    /// Write the counts of this run to FILE, for Prometheus' textfile collector
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub metrics: Option<PathBuf>,
}
