//! One run of the program: the arguments, the environment and the streams that every command needs, and how it finds
//! home and database; no command's own work.

use crate::cli::line::args::{Command, FormatChoice, Global};
use crate::cli::line::env::Environment;
use crate::cli::output::error;
use crate::cli::output::metrics::Metrics;
use crate::cli::output::progress::{self, Bar};
use crate::cli::output::records::Format;
use crate::cli::output::stdout::Output;
use crate::cli::output::style::Style;
use crate::cli::output::text;
use crate::db::backup;
use crate::db::open::{Access, OpenOptions, Reader};
use crate::db::schema::Schema;
use crate::db::threads;
use crate::error::{WithHint as _, shell_word};
use crate::home::{self, Candidate, Candidates, Choice, CodexConfig, DatabaseInputs};
use crate::progress::Progress as _;
use crate::sys::{OutputFile, Protected};
use anyhow::{Context as _, anyhow};
use clap::Subcommand as _;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, Stdout};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// What every command is handed.
pub struct App {
    /// What surrounds the program.
    pub environment: Environment,
    /// The options of every command.
    pub global: Global,
    /// Standard output.
    pub out: Output<Stdout>,
    /// How standard output is painted.
    pub style: Style,
    /// Progress and messages on standard error.
    pub bar: Bar,
    /// How standard error is painted.
    pub error_style: Style,
    /// Set by Ctrl-C.
    pub interrupted: Arc<AtomicBool>,
    /// The command line without the program's name, for hints that repeat it.
    pub arguments: Vec<OsString>,
    /// What this run counts.
    pub metrics: Metrics,
    /// Where that is written in the end.
    pub metrics_file: Option<OutputFile>,
}

/// The same hint with these options in each command of it that has none of its own.
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

fn no_database(candidates: &Candidates) -> anyhow::Error {
    let folders: Vec<String> = candidates.looked_in.iter().map(|path| path.display().to_string()).collect();
    anyhow!("no database in {}", folders.join(" or "))
        .hint("codex-state backfill makes one from the rollouts; or name one with --db FILE")
}

/// What comes, unless an interrupt comes first.
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

/// How a report that is no list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// For people.
    Text,
    /// For machines.
    Records(Format),
    /// Workflow annotations.
    Github,
}

impl App {
    /// Everything a command needs.
    #[must_use]
    pub fn new(environment: Environment, global: Global, interrupted: Arc<AtomicBool>) -> App {
        let style = Style::chosen(global.color, &environment, environment.stdout_is_terminal);
        let error_style = Style::chosen(global.color, &environment, environment.stderr_is_terminal);
        let visible = progress::is_wanted(&environment, global.no_progress, global.quiet);
        let bar = Bar::stderr(visible, environment.shows_unicode(), error_style).verbose(global.verbose);
        let (out, arguments, metrics) = (Output::stdout(), Vec::new(), Metrics::default());
        let metrics_file = None;
        App {
            environment,
            global,
            out,
            style,
            bar,
            error_style,
            interrupted,
            arguments,
            metrics,
            metrics_file,
        }
    }

    /// The shape of a report that lists no records, or (with `lists`) of a list.
    ///
    /// # Errors
    /// The format is for `verify` alone.
    pub fn shape(&self, lists: bool) -> anyhow::Result<Shape> {
        Ok(match self.global.format {
            FormatChoice::Auto if lists && !self.environment.stdout_is_terminal => {
                Shape::Records(Format::Tsv)
            }
            FormatChoice::Auto | FormatChoice::Table => Shape::Text,
            FormatChoice::Json => Shape::Records(Format::Json),
            FormatChoice::Jsonl => Shape::Records(Format::Jsonl),
            FormatChoice::Tsv => Shape::Records(Format::Tsv),
            FormatChoice::Csv => Shape::Records(Format::Csv),
            FormatChoice::Github => {
                return Err(anyhow!("--format github is for verify alone").hint("use --format json here"));
            }
        })
    }

    /// The folder that relative paths start from.
    ///
    /// # Errors
    /// It is gone.
    pub fn current_dir(&self) -> anyhow::Result<&Path> {
        self.environment.current_dir.as_deref().ok_or_else(|| {
            anyhow!("the current folder does not exist any more").hint("change to another folder")
        })
    }

    /// The path that a file named on the command line has.
    #[must_use]
    pub fn absolute(&self, path: &Path) -> PathBuf {
        // Where the current folder is gone, SQLite and the system say so for the path itself.
        self.environment.current_dir.as_ref().map_or_else(|| path.to_owned(), |folder| folder.join(path))
    }

    /// The Codex home.
    ///
    /// # Errors
    /// There is none.
    pub fn home(&self) -> anyhow::Result<PathBuf> {
        let option = self.global.codex_home.as_deref().map(Path::as_os_str);
        let named = option.or_else(|| self.environment.var("CODEX_HOME"));
        home::find_home(named, self.environment.home_dir.as_deref())
    }

    /// Checks a path that the person named for output, before any work.
    ///
    /// # Errors
    /// If it must not or cannot be written, or `--metrics` names the same file.
    pub fn output_file(&self, path: &Path) -> anyhow::Result<OutputFile> {
        let file = OutputFile::check(path, &self.protected())?;
        if self.metrics_file.as_ref().is_some_and(|metrics| metrics.is_same_file(&file)) {
            return Err(anyhow!("cannot write {}: --metrics writes there too", path.display())
                .hint("name two different files"));
        }
        Ok(file)
    }

    /// Returns the files that no output may replace. What cannot be found now is reported by the command that needs
    /// it.
    #[must_use]
    pub fn protected(&self) -> Protected {
        let mut protected = Protected::default();
        if let Some(db) = &self.global.db {
            protected.add_database(&self.absolute(db));
        }
        let Ok(home) = self.home() else { return protected };
        protected.add_home(&home);
        let config = home::read_config(&home, self.environment.home_dir.as_deref()).unwrap_or_default();
        if let Ok(candidates) = self.databases(&home, &config) {
            candidates.found.iter().for_each(|database| protected.add_database(&database.path));
            candidates.looked_in.iter().for_each(|folder| protected.add_database_folder(folder));
        }
        protected
    }

    /// The Codex home, for commands that are about a database: where that was named, no home need be there, and its
    /// own path stands for one, below which nothing lies.
    ///
    /// # Errors
    /// There is none, and it is needed.
    pub fn home_or_nowhere(&self) -> anyhow::Result<PathBuf> {
        let named = self.global.codex_home.is_some() || self.environment.var("CODEX_HOME").is_some();
        match (self.home(), &self.global.db) {
            (Err(_), Some(db)) if !named => Ok(self.absolute(db)),
            (home, _) => home,
        }
    }

    /// The configuration of a home; a broken one is warned of and then empty, as if it were not there.
    #[must_use]
    pub fn config(&self, home: &Path) -> CodexConfig {
        // See `home_or_nowhere`.
        if !home.is_dir() {
            return CodexConfig::default();
        }
        let config = home::read_config(home, self.environment.home_dir.as_deref()).unwrap_or_else(|error| {
            self.warn(&format!("the configuration is left out: {}", error::message(&error)));
            CodexConfig::default()
        });
        for key in &config.no_text {
            let path = home.join("config.toml");
            self.warn(&format!("{}: {key} is left out: it is no text", path.display()));
        }
        config
    }

    /// The provider of threads that name none.
    #[must_use]
    pub fn default_provider<'a>(&'a self, config: &'a CodexConfig) -> &'a str {
        let named = self.global.default_provider.as_deref().or(config.model_provider.as_deref());
        named.unwrap_or(home::DEFAULT_PROVIDER)
    }

    /// How databases are opened.
    #[must_use]
    pub fn open_options(&self) -> OpenOptions {
        OpenOptions {
            busy_timeout: self.global.busy_timeout,
            temporary_folder: Some(self.environment.temp_dir.clone()),
        }
    }

    /// The databases of a home.
    ///
    /// # Errors
    /// `--db` names nothing, or a folder may not be looked into.
    pub fn databases(&self, home: &Path, config: &CodexConfig) -> anyhow::Result<Candidates> {
        let variable =
            self.environment.var("CODEX_SQLITE_HOME").and_then(|folder| folder.to_str()).map(str::trim);
        let variable =
            variable.filter(|folder| !folder.is_empty()).map(|folder| self.absolute(Path::new(folder)));
        let option = self.global.sqlite_home.as_deref().map(|folder| self.absolute(folder));
        let db = self.global.db.as_deref().map(|file| self.absolute(file));
        home::find_databases(
            home,
            &DatabaseInputs {
                db: db.as_deref(),
                sqlite_home: option.as_deref(),
                config_sqlite_home: config.sqlite_home.as_deref(),
                variable_sqlite_home: variable.as_deref(),
            },
        )
    }

    /// The database among those found, with a warning where there are two; `None` if there is none.
    #[must_use]
    pub fn choose(&self, candidates: &Candidates) -> Option<Choice> {
        let choice = home::choose(&candidates.found, |path| {
            let mut reader = Reader::open(path, &self.open_options()).ok()?;
            reader.read(|connection| Ok(threads::last_update(connection)?)).ok()?
        })?;
        self.say_why(&choice.chosen);
        if let Some(other) = &choice.other {
            let reason = if choice.is_newer { "which was changed last" } else { "as new as the other" };
            self.warn(&format!(
                "two databases: using {}, {reason}; {} is left alone (choose with --db)",
                choice.chosen.path.display(),
                other.path.display()
            ));
        }
        Some(choice)
    }

    /// The database among those found, for a command that must not guess; `None` if there is none.
    ///
    /// # Errors
    /// There are two; the hint is the two command lines to choose from.
    pub fn choose_certain(&self, candidates: &Candidates) -> anyhow::Result<Option<PathBuf>> {
        let [first, second] = &candidates.found[..] else {
            return Ok(candidates.found.first().map(|only| {
                self.say_why(only);
                only.path.clone()
            }));
        };
        let typed: Vec<String> = self.arguments.iter().map(shell_word).collect();
        let line =
            |path: &Path| format!("codex-state --db {} {}", shell_word(path.as_os_str()), typed.join(" "));
        Err(anyhow!("two databases: {} and {}", first.path.display(), second.path.display())
            .hint(line(&second.path))
            .hint(line(&first.path)))
    }

    /// Says which database is used and why, to somebody who wants to know more.
    fn say_why(&self, chosen: &Candidate) {
        self.bar.detail(&|| format!("{}: the database: {}", chosen.path.display(), chosen.why.describe()));
    }

    /// Says where the database as it was is kept.
    pub fn say_backup(&self, backup: Option<&Path>) {
        if let Some(path) = backup {
            self.say(&format!("the database as it was is kept in {}", path.display()));
        }
    }

    /// Says how the database is brought back as it was, where that is all that was changed.
    pub fn say_undo(&self, backup: Option<&Path>) {
        if let Some(path) = backup {
            self.hint(&format!("codex-state restore {} undoes it", shell_word(path)));
        }
    }

    /// The database of a home for a command that cannot do without.
    ///
    /// # Errors
    /// There is none.
    pub fn database(&self, home: &Path, config: &CodexConfig) -> anyhow::Result<PathBuf> {
        let candidates = self.databases(home, config)?;
        match self.choose(&candidates) {
            Some(choice) => Ok(choice.chosen.path),
            None => Err(no_database(&candidates)),
        }
    }

    /// The database of a home for a command that must not guess: where there are two, the user has to say which.
    ///
    /// # Errors
    /// There is none, or there are two.
    pub fn only_database(&self, home: &Path, config: &CodexConfig) -> anyhow::Result<PathBuf> {
        let candidates = self.databases(home, config)?;
        self.choose_certain(&candidates)?.ok_or_else(|| no_database(&candidates))
    }

    /// Keeps a backup of a database that is about to be changed, if one is due.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn keep_backup(&self, database: &Path) -> anyhow::Result<()> {
        let keeping = backup::Keeping::at(self.environment.now);
        let kept = backup::keep_automatic(database, &self.open_options(), &keeping)?;
        self.say_backup(kept.as_deref());
        Ok(())
    }

    /// Asks a person, who has to type yes.
    ///
    /// # Errors
    /// The answer cannot be read, or the person wants the program to end.
    pub fn ask(&self, question: &str) -> anyhow::Result<bool> {
        self.bar.print(|out| {
            write!(out, "{} [y/N] ", text::safe(question))?;
            out.flush()
        });
        let (sender, answers) = mpsc::channel();
        // Reading goes on after a Ctrl-C, so that somebody else has to do it.
        std::thread::spawn(move || {
            let mut answer = String::new();
            let read = std::io::stdin().lock().read_line(&mut answer);
            sender.send(read.map(|_| answer))
        });
        match wait_for(&answers, &self.interrupted) {
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

    /// The database of a home, open for reading.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open_reader(&self) -> anyhow::Result<Reader> {
        // A database that is named needs no home.
        let path = match &self.global.db {
            Some(db) => {
                let db = self.absolute(db);
                std::fs::metadata(&db).with_context(|| format!("no database: {}", db.display())).hint(
                    "name an existing file with --db, or leave it out to use the one of the Codex home",
                )?;
                db
            }
            None => {
                let home = self.home()?;
                self.database(&home, &self.config(&home))?
            }
        };
        let reader = Reader::open(&path, &self.open_options())?;
        if reader.access() == Access::Copy {
            // A private copy must not outlive the program.
            crate::cli::line::interrupt::listen(&self.interrupted);
        }
        self.metrics.opened("read");
        Ok(reader)
    }

    /// What the database looks like.
    ///
    /// # Errors
    /// It cannot be read, or is none of Codex.
    pub fn schema(&self, reader: &mut Reader) -> anyhow::Result<Schema> {
        Schema::of(reader)
    }

    /// How many rollouts are read at once.
    #[must_use]
    pub fn jobs(&self, wanted: Option<u16>) -> usize {
        wanted.map_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get), usize::from)
    }

    /// Prints a warning, unless nobody wants it.
    pub fn warn(&self, text: &str) {
        if !self.global.quiet {
            self.bar.print(|out| error::print_warning(text, out, self.error_style));
        }
    }

    /// Prints what to do next, unless nobody wants it.
    pub fn hint(&self, text: &str) {
        if !self.global.quiet {
            let text = self.for_this_home(text);
            self.bar.print(|out| error::print_hint(&text, out, self.error_style));
        }
    }

    /// Prints why the command failed.
    pub fn print_error(&self, error: &anyhow::Error) {
        let hint = |hint: &str| self.for_this_home(hint);
        self.bar.print(|out| error::print(error, out, self.error_style, &hint));
    }

    /// A hint whose commands name the same home and database as this command line does: pasted as they stand, they
    /// would be about others.
    fn for_this_home(&self, hint: &str) -> String {
        let mut options = String::new();
        for (name, value) in [
            ("--codex-home", self.global.codex_home.as_ref().map(|path| path.as_os_str())),
            ("--db", self.global.db.as_ref().map(|path| path.as_os_str())),
            ("--sqlite-home", self.global.sqlite_home.as_ref().map(|path| path.as_os_str())),
            ("--default-provider", self.global.default_provider.as_ref().map(OsStr::new)),
        ] {
            if let Some(value) = value {
                options.push_str(&format!("{name} {} ", shell_word(value)));
            }
        }
        with_options(hint, &options)
    }

    /// Prints a line about the work as a whole, unless nobody wants it.
    pub fn say(&self, message: &str) {
        if !self.global.quiet {
            self.bar.print(|out| writeln!(out, "{}", text::safe(message)));
        }
    }

    /// Prints what failed, which `--quiet` does not hide.
    pub fn complain(&self, message: &str) {
        self.bar.print(|out| writeln!(out, "codex-state: {}", text::safe(message)));
    }
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
            assert_eq!(wait_for(&answers, &interrupted), None, "though nobody answers");
        });
    }
}
