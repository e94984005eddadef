//! Finds the Codex home of a run and its databases. It opens a database only to read it.

use crate::cli::commands::app::App;
use crate::cli::line::interrupt;
use crate::cli::output::error;
use crate::cli::output::messages::Messages;
use crate::db::backup::BackupInfo;
use crate::db::open::Access;
use crate::db::{OpenOptions, Reader, backup, threads};
use crate::error::{WithHint as _, shell_word};
use crate::home::{self, Candidates, CodexConfig, DatabaseCandidate, DatabaseChoice, DatabaseInputs};
use crate::output_file::{OutputFile, Protected};
use crate::progress::Progress as _;
use crate::survey::Context;
use anyhow::anyhow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The Codex home of a run and its databases.
#[derive(Debug)]
pub struct Place {
    /// The Codex home. If `--db` names a database and there is no home: the path of that database, below which no
    /// file exists.
    pub home: PathBuf,
    /// The provider of threads that name none.
    pub default_provider: String,
    /// The configuration of the home.
    pub config: CodexConfig,
    /// The databases that were found, with the reason for each, and the folder for a new one.
    pub databases: Candidates,
    /// Options for opening databases.
    pub options: OpenOptions,
}

impl Place {
    /// Finds the home and its databases.
    ///
    /// # Errors
    /// If there is no home, if `--db` names no file, or if a folder cannot be read.
    pub fn find(app: &App) -> anyhow::Result<Place> {
        Place::at(app, home(app)?)
    }

    /// Finds the home and its databases for a command that needs no home if `--db` names a database.
    ///
    /// # Errors
    /// As [`Place::find`].
    pub fn find_or_nowhere(app: &App) -> anyhow::Result<Place> {
        Place::at(app, home_or_nowhere(app)?)
    }

    /// Returns the context that every verb needs; `jobs` is the number of files read at once.
    pub fn context<'a>(&'a self, app: &'a App, jobs: usize) -> Context<'a> {
        let Place { home, default_provider, .. } = self;
        Context { home, jobs, default_provider, now: app.environment.now, interrupted: &app.interrupted }
    }

    fn at(app: &App, home: PathBuf) -> anyhow::Result<Place> {
        let config = read_config(app, &home);
        let databases = databases(app, &home, &config)?;
        Ok(Place {
            default_provider: default_provider(app, &config),
            config,
            databases,
            options: open_options(app),
            home,
        })
    }

    /// Chooses the database to use. If there are two, warns which one is not used. Returns `None` if there is none.
    pub fn choose(&self, messages: &Messages) -> Option<DatabaseChoice> {
        let choice = home::choose_database(&self.databases.found, |path| {
            let mut reader = Reader::open(path, &self.options).ok()?;
            reader.read(threads::last_update).ok()?
        })?;
        say_why(messages, &choice.chosen);
        if let Some(other) = &choice.other {
            let reason = if choice.is_newer { "which was changed last" } else { "as new as the other" };
            messages.warn(&format!(
                "two databases: using {}, {reason}; {} is left alone (choose with --db)",
                choice.chosen.path.display(),
                other.path.display()
            ));
        }
        Some(choice)
    }

    /// Returns the only database, for a command that must not guess. Returns `None` if there is none.
    ///
    /// # Errors
    /// If there are two; the hints are the two command lines to choose from.
    pub fn only(&self, app: &App) -> anyhow::Result<Option<PathBuf>> {
        let [first, second] = &self.databases.found[..] else {
            return Ok(self.databases.found.first().map(|only| {
                say_why(&app.messages, only);
                only.path.clone()
            }));
        };
        let typed: Vec<String> = app.typed.iter().map(shell_word).collect();
        let line =
            |path: &Path| format!("codex-state --db {} {}", shell_word(path.as_os_str()), typed.join(" "));
        Err(anyhow!("two databases: {} and {}", first.path.display(), second.path.display())
            .hint(line(&second.path))
            .hint(line(&first.path)))
    }

    /// Returns the database to use, for a command that needs one.
    ///
    /// # Errors
    /// If there is none.
    pub fn database(&self, messages: &Messages) -> anyhow::Result<PathBuf> {
        match self.choose(messages) {
            Some(choice) => Ok(choice.chosen.path),
            None => Err(self.no_database()),
        }
    }

    /// Returns the backups of a database, newest first. Without a database, returns all backups in its folders.
    pub fn backups(&self, database: Option<&Path>) -> Vec<BackupInfo> {
        let mut backups: Vec<BackupInfo> = match database {
            Some(database) => backup::backups_of(database),
            None => self.databases.looked_in.iter().flat_map(|folder| backup::backups_in(folder)).collect(),
        };
        backups.sort_by_key(|backup| std::cmp::Reverse(backup.taken_at));
        backups
    }

    /// Returns the error for a command that needs a database, with what brings one back.
    pub fn no_database(&self) -> anyhow::Error {
        let folders = self.databases.looked_in.iter().map(|path| path.display().to_string());
        let error = anyhow!("no database in {}", folders.collect::<Vec<_>>().join(" or "));
        match self.backups(None).first() {
            Some(newest) => error.hint(format!(
                "codex-state restore {} brings back the newest backup, and codex-state backfill adds what the rollouts \
                 have beyond it",
                shell_word(&newest.path)
            )),
            None => error.hint("codex-state backfill makes one from the rollouts; or name one with --db FILE"),
        }
    }

    /// Opens a database for reading, as the work of a command.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&self, app: &App, database: &Path, stage: &'static str) -> anyhow::Result<Reader> {
        let reader = Reader::open(database, &self.options)?;
        app.metrics.opened(stage);
        Ok(reader)
    }
}

/// With `--verbose`, prints which database is used and why.
fn say_why(messages: &Messages, chosen: &DatabaseCandidate) {
    let line = || format!("{}: the database: {}", chosen.path.display(), chosen.why);
    messages.progress().detail(&line);
}

/// Finds the Codex home.
///
/// # Errors
/// If it does not exist or is not a folder.
pub fn home(app: &App) -> anyhow::Result<PathBuf> {
    let option = app.global.codex_home.as_deref().map(Path::as_os_str);
    let named = option.or_else(|| app.environment.var("CODEX_HOME"));
    home::find_home(named, app.environment.home_dir.as_deref())
}

/// Finds the Codex home for commands that work on a database. If `--db` names one, the home need not exist; then the
/// database's own path is used, below which no file exists.
///
/// # Errors
/// If there is no home, and it was named or is needed.
pub fn home_or_nowhere(app: &App) -> anyhow::Result<PathBuf> {
    let named = app.global.codex_home.is_some() || app.environment.var("CODEX_HOME").is_some();
    match (home(app), &app.global.db) {
        (Err(_), Some(db)) if !named => Ok(app.environment.absolute(db)),
        (home, _) => home,
    }
}

/// Reads the configuration of a home. Warns about an invalid one, and then continues without it.
pub fn read_config(app: &App, home: &Path) -> CodexConfig {
    // A run has one home.
    app.config.get_or_init(|| first_config(app, home)).clone()
}

fn first_config(app: &App, home: &Path) -> CodexConfig {
    // See `home_or_nowhere`.
    if !home.is_dir() {
        return CodexConfig::default();
    }
    let config = home::read_config(home, app.environment.home_dir.as_deref()).unwrap_or_else(|error| {
        app.messages.warn(&format!("the configuration is ignored: {}", error::message(&error)));
        CodexConfig::default()
    });
    let path = home.join(home::CONFIG);
    if let Some(reason) = &config.invalid {
        app.messages.warn(&format!(
            "{}: invalid TOML: {reason}; only the settings before its first table are used",
            path.display()
        ));
    }
    for key in &config.no_text {
        app.messages.warn(&format!("{}: {key} is ignored: it is not a string", path.display()));
    }
    config
}

/// Returns the provider of threads that name none.
pub fn default_provider(app: &App, config: &CodexConfig) -> String {
    let named = app.global.default_provider.as_deref().or(config.model_provider.as_deref());
    named.unwrap_or(home::DEFAULT_PROVIDER).to_owned()
}

fn open_options(app: &App) -> OpenOptions {
    OpenOptions {
        busy_timeout: app.global.busy_timeout,
        temporary_folder: Some(app.environment.temp_dir.clone()),
        interrupted: Arc::clone(&app.interrupted),
    }
}

/// Finds the databases of a home, according to the options, the environment and the configuration.
fn databases(app: &App, home: &Path, config: &CodexConfig) -> anyhow::Result<Candidates> {
    let absolute = |path: &Path| app.environment.absolute(path);
    let variable = app.environment.var("CODEX_SQLITE_HOME").and_then(|folder| folder.to_str());
    let variable = variable.map(str::trim).filter(|folder| !folder.is_empty());
    let variable = variable.map(|folder| absolute(Path::new(folder)));
    let option = app.global.sqlite_home.as_deref().map(absolute);
    let db = app.global.db.as_deref().map(absolute);
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

/// Checks a path that the user named for output, before any work.
///
/// # Errors
/// If it must not or cannot be written, or if `--metrics` names the same file.
pub fn output_file(app: &App, path: &Path) -> anyhow::Result<OutputFile> {
    let file = OutputFile::check(path, &protected(app))?;
    if app.metrics.are_written_to(&file) {
        return Err(anyhow!("cannot write {}: --metrics writes there too", path.display())
            .hint("name two different files"));
    }
    Ok(file)
}

/// Returns the files that no output may replace. A home or database that cannot be found is reported by the command
/// that needs it.
pub fn protected(app: &App) -> Protected {
    let mut protected = Protected::default();
    if let Some(db) = &app.global.db {
        protected.add_database(&app.environment.absolute(db));
    }
    let Ok(home) = home(app) else { return protected };
    protected.add_home(&home);
    let config = home::read_config(&home, app.environment.home_dir.as_deref()).unwrap_or_default();
    if let Ok(databases) = databases(app, &home, &config) {
        databases.found.iter().for_each(|database| protected.add_database(&database.path));
        databases.looked_in.iter().for_each(|folder| protected.add_database_folder(folder));
    }
    protected
}

/// Opens the database of this run for reading. With `--db`, no home is needed.
///
/// # Errors
/// If there is none, or it cannot be read.
pub fn open_reader(app: &App) -> anyhow::Result<Reader> {
    let path = match &app.global.db {
        Some(db) => {
            let db = app.environment.absolute(db);
            home::check_named_database(&db)?;
            db
        }
        None => Place::find(app)?.database(&app.messages)?,
    };
    let reader = Reader::open(&path, &open_options(app))?;
    if reader.access() == Access::Copy {
        // A private copy must not outlive the program.
        interrupt::listen(&app.interrupted);
    }
    app.metrics.opened("read");
    Ok(reader)
}
