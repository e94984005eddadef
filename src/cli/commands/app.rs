//! The parts of one run that every command receives; each is documented where it is defined.

use crate::cli::line::args::{FormatChoice, Global};
use crate::cli::line::env::Environment;
use crate::cli::output::OutputForm;
use crate::cli::output::messages::Messages;
use crate::cli::output::metrics::Metrics;
use crate::cli::output::stdout::{self, Output};
use crate::error::{WithHint as _, shell_word};
use crate::home::CodexConfig;
use anyhow::anyhow;
use std::cell::OnceCell;
use std::ffi::OsString;
use std::io::Stdout;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// One run of the program. `Place` finds its home and database.
pub struct App {
    /// Variables, folders, terminals and the clock.
    pub environment: Environment,
    /// The options of every command.
    pub global: Global,
    /// Standard output, for results.
    pub out: Output<Stdout>,
    /// Standard error, for everything else.
    pub messages: Messages,
    /// Set by Ctrl-C.
    pub interrupted: Arc<AtomicBool>,
    /// The counts for `--metrics`, and their file.
    pub metrics: Metrics,
    /// The command line without the program's name, for hints that repeat it.
    pub typed: Vec<OsString>,
    /// The configuration of the home, once it was read, so that no warning about it is repeated.
    pub config: OnceCell<CodexConfig>,
}

impl App {
    /// Sets up a run.
    pub fn new(environment: Environment, global: Global, interrupted: Arc<AtomicBool>) -> App {
        let messages = Messages::new(&environment, &global);
        let (out, metrics, typed) = (stdout::open(), Metrics::default(), Vec::new());
        App { environment, global, out, messages, interrupted, metrics, typed, config: OnceCell::new() }
    }

    /// Returns the command line of this run with all its options.
    pub fn again(&self) -> String {
        command_line(self.typed.iter())
    }

    /// Returns the command line of this dry run without `--dry-run`. Returns `None` if that is not a word by itself.
    pub fn again_for_real(&self) -> Option<String> {
        let is_dry_run = |word: &OsString| word == "--dry-run" || word == "-n";
        let words = self.typed.iter().filter(|word| !is_dry_run(word));
        self.typed.iter().any(is_dry_run).then(|| command_line(words))
    }

    /// Returns how results are written; `lists` is for commands whose result is a list of records.
    ///
    /// # Errors
    /// If the format is only for `verify`.
    pub fn form(&self, lists: bool) -> anyhow::Result<OutputForm> {
        if self.global.format == FormatChoice::Github {
            return Err(anyhow!("--format github is for verify alone").hint("use --format json here"));
        }
        Ok(OutputForm::new(&self.global, &self.environment, lists))
    }
}

/// Returns a command line that can be pasted.
fn command_line<'a>(words: impl Iterator<Item = &'a OsString>) -> String {
    let words: Vec<String> = words.map(shell_word).collect();
    format!("codex-state {}", words.join(" "))
}
