//! Prints the messages of a run on standard error, above the progress bar: notes, warnings, hints and failures.
//! Results never appear here.

use crate::cli::line::args::{Command, Global};
use crate::cli::line::env::Environment;
use crate::cli::output::progress::{self, Bar};
use crate::cli::output::style::Style;
use crate::cli::output::{error, text};
use crate::error::shell_word;
use anyhow::{Context as _, anyhow};
use clap::Subcommand as _;
use std::ffi::OsStr;
use std::io::BufRead as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// The messages of one run, and the progress bar that they must not break.
pub struct Messages {
    bar: Bar,
    style: Style,
    is_quiet: bool,
    /// The options that every command in a hint repeats; otherwise it would use another home or database.
    same_place: String,
}

impl Messages {
    /// Prepares standard error for the messages of a run.
    pub fn new(environment: &Environment, global: &Global) -> Self {
        let style = Style::chosen(global.color, environment, environment.stderr_is_terminal);
        let visible = progress::is_wanted(environment, global.no_progress, global.quiet);
        let mut bar = Bar::stderr(visible, environment.shows_unicode(), style);
        (bar.is_verbose, bar.wraps) = (global.verbose, environment.stderr_is_terminal);
        Self { bar, style, is_quiet: global.quiet, same_place: same_place(global) }
    }

    /// Returns the bar that shows the progress.
    pub fn progress(&self) -> &Bar {
        &self.bar
    }

    /// Prints a line about the whole work, unless `--quiet` was given.
    pub fn say(&self, message: &str) {
        if !self.is_quiet {
            self.bar.print(|out| writeln!(out, "{}", text::safe(message)));
        }
    }

    /// Prints a warning, unless `--quiet` was given.
    pub fn warn(&self, message: &str) {
        if !self.is_quiet {
            self.bar.print(|out| error::print_warning(message, out, self.style));
        }
    }

    /// Prints a hint: what to do next, unless `--quiet` was given.
    pub fn hint(&self, hint: &str) {
        self.hint_whole(&self.with_options(hint));
    }

    /// Prints a hint whose commands have all their options already, unless `--quiet` was given.
    pub fn hint_whole(&self, hint: &str) {
        if !self.is_quiet {
            self.bar.print(|out| error::print_hint(hint, out, self.style));
        }
    }

    /// Returns a hint whose commands have the options of this run that choose the home and the database.
    pub fn with_options(&self, hint: &str) -> String {
        with_options(hint, &self.same_place)
    }

    /// Prints which item failed and why, even with `--quiet`.
    pub fn fail(&self, message: &str) {
        self.bar.print(|out| writeln!(out, "codex-state: {}", text::safe(message)));
    }

    /// Prints why the command failed, with its hints, even with `--quiet`.
    pub fn error(&self, error: &anyhow::Error) {
        let hint = |hint: &str| self.with_options(hint);
        self.bar.print(|out| error::print(error, out, self.style, &hint));
    }

    /// Asks a question that only "y" or "yes" confirms.
    ///
    /// # Errors
    /// If the answer cannot be read, or the user interrupts the program instead of answering.
    pub fn ask(&self, question: &str, interrupted: &AtomicBool) -> anyhow::Result<bool> {
        self.bar.print(|out| {
            write!(out, "{} [y/N] ", text::safe(question))?;
            out.flush()
        });
        let (sender, answers) = mpsc::channel();
        let read = || {
            let mut answer = String::new();
            std::io::stdin().lock().read_line(&mut answer).map(|_| answer)
        };
        // Ctrl-C does not interrupt the reading of a line, so another thread reads it. If none can be started, Ctrl-C
        // is noticed only after the answer.
        let on_its_own = sender.clone();
        if std::thread::Builder::new().spawn(move || on_its_own.send(read())).is_err() {
            let _ = sender.send(read());
        }
        match wait_for(&answers, interrupted) {
            Some(answer) => {
                let answer = answer.context("cannot read the answer")?;
                Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
            }
            None => {
                self.bar.print(|out| writeln!(out));
                Err(anyhow!("interrupted before the answer"))
            }
        }
    }
}

/// Returns the options of this run that choose the home and the database, as they are typed before a command.
fn same_place(global: &Global) -> String {
    let mut options = String::new();
    for (name, value) in [
        ("--codex-home", global.codex_home.as_ref().map(|path| path.as_os_str())),
        ("--db", global.db.as_ref().map(|path| path.as_os_str())),
        ("--sqlite-home", global.sqlite_home.as_ref().map(|path| path.as_os_str())),
        ("--default-provider", global.default_provider.as_ref().map(OsStr::new)),
    ] {
        if let Some(value) = value {
            options.push_str(&format!("{name} {} ", shell_word(value)));
        }
    }
    options
}

/// Returns a hint with these options in each of its commands that has no options before it yet.
fn with_options(hint: &str, options: &str) -> String {
    const PROGRAM: &str = "codex-state ";
    if options.is_empty() {
        return hint.to_owned();
    }
    let mut parts = hint.split(PROGRAM);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(PROGRAM);
        let word = part.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
        if Command::has_subcommand(word) {
            text.push_str(options);
        }
        text.push_str(part);
    }
    text
}

/// Waits for a value; returns `None` if an interrupt comes first.
fn wait_for<T>(coming: &mpsc::Receiver<T>, interrupted: &AtomicBool) -> Option<T> {
    while !interrupted.load(Ordering::Relaxed) {
        match coming.recv_timeout(Duration::from_millis(50)) {
            Ok(come) => return Some(come),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_paste_are_about_the_same_home() {
        let check = |hint: &str, expected: &str| assert_eq!(with_options(hint, "--db 'a b' "), expected);
        check("codex-state backfill", "codex-state --db 'a b' backfill");
        check(
            "`codex-state restore BACKUP`; or run `codex-state backfill --facts-from MOVED`",
            "`codex-state --db 'a b' restore BACKUP`; or run `codex-state --db 'a b' backfill --facts-from MOVED`",
        );
        check("codex-state --db x prune", "codex-state --db x prune");
        check("codex-state-backups holds them", "codex-state-backups holds them");
        check("start Codex once", "start Codex once");
        assert_eq!(with_options("codex-state list", ""), "codex-state list");
    }

    #[test]
    fn an_interrupt_ends_the_wait_for_an_answer() {
        let (sender, answers) = mpsc::channel();
        let interrupted = AtomicBool::new(true);
        assert_eq!(wait_for::<u8>(&answers, &interrupted), None);
        interrupted.store(false, Ordering::Relaxed);
        sender.send(7).unwrap();
        assert_eq!(wait_for(&answers, &interrupted), Some(7));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(120));
                interrupted.store(true, Ordering::Relaxed);
            });
            assert_eq!(wait_for(&answers, &interrupted), None, "although there is no answer");
        });
    }
}
