//! Reads everything that the program learns from outside its arguments and files, once.
//!
//! All other modules receive these values, so that tests can set the clock, the time zone, the width and the home.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use chrono::{DateTime, FixedOffset, Local, MappedLocalTime, NaiveDate, NaiveDateTime, TimeZone, Utc};

use crate::error::WithHint as _;

/// The environment variables that the program reads, with their meaning for users.
pub const VARIABLES: [(&str, &str); 15] = [
    ("CODEX_HOME", "the Codex home; must be an existing folder"),
    ("CODEX_SQLITE_HOME", "the folder of the database, unless config.toml names one"),
    ("NO_COLOR", "no colour"),
    ("CLICOLOR", "no colour if 0"),
    ("CLICOLOR_FORCE", "colour even in a pipe"),
    ("TERM", "no colour and no progress bar if dumb"),
    ("COLUMNS", "the width of tables"),
    ("LC_ALL", LOCALE),
    ("LC_CTYPE", LOCALE),
    ("LANG", LOCALE),
    ("SHELL", "the shell for completions --install, unless one is named"),
    ("XDG_DATA_HOME", "where bash looks for completion scripts, instead of ~/.local/share"),
    ("XDG_CONFIG_HOME", "where fish looks for completion scripts, instead of ~/.config"),
    ("ZDOTDIR", "where zsh has its settings, instead of the home folder"),
    (NOW, ""),
];
const LOCALE: &str = "the locale; if it is not UTF-8, charts and progress bars use only ASCII";

/// Fixes the clock, and the local time zone to its offset: an RFC 3339 time. For tests only; users must not rely on
/// it.
pub const NOW: &str = "CODEX_STATE_NOW";

/// The variable with options that are added to every command line that does not set them.
pub const OPTIONS: &str = "CODEX_STATE_OPTS";

/// Set to the name of a shell: the program then prints the shell's completion hook and, when the hook calls it, the
/// candidates.
pub const COMPLETE: &str = "CODEX_STATE_COMPLETE";

/// Returns the text of `CODEX_STATE_OPTS`; `None` where it is unset or empty.
///
/// # Errors
/// If it is not UTF-8.
#[expect(clippy::disallowed_methods, reason = "environment is read here, and this before the command line")]
pub fn default_options() -> anyhow::Result<Option<String>> {
    let Some(text) = std::env::var_os(OPTIONS).filter(|text| !text.is_empty()) else { return Ok(None) };
    let text = text.into_string();
    text.map(Some).map_err(|text| anyhow!("{OPTIONS}: {}: is not UTF-8", text.display()))
}

/// The width of a table if no terminal reports one.
pub const DEFAULT_WIDTH: usize = 80;

/// The environment of one run of the program.
#[derive(Debug, Clone)]
pub struct Environment {
    vars: Vec<(&'static str, OsString)>,
    /// The user's home folder, if the system knows one.
    pub home_dir: Option<PathBuf>,
    /// The folder from which relative paths start, if it (still) exists.
    pub current_dir: Option<PathBuf>,
    /// The folder for temporary files.
    pub temp_dir: PathBuf,
    /// The time when the program started.
    pub now: DateTime<Utc>,
    /// The user's time zone.
    pub zone: Zone,
    /// True if a person reads the output.
    pub stdout_is_terminal: bool,
    /// True if a person reads progress and warnings.
    pub stderr_is_terminal: bool,
    /// The width of that terminal, if there is one and it reports a width.
    pub terminal_width: Option<usize>,
    /// True if terminals here understand escape sequences; only an old Windows console does not.
    pub understands_ansi: bool,
}

impl Environment {
    /// Reads the environment. Fails only if `CODEX_STATE_NOW` is not a time.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where environment, folder and clock are read"
    )]
    pub fn from_process() -> anyhow::Result<Self> {
        let stdout_is_terminal = io::stdout().is_terminal();
        let mut environment = Self {
            vars: VARIABLES.iter().filter_map(|&(name, _)| Some((name, std::env::var_os(name)?))).collect(),
            home_dir: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            current_dir: std::env::current_dir().ok(),
            temp_dir: std::env::temp_dir(),
            now: Utc::now(),
            zone: Zone::Local,
            stdout_is_terminal,
            stderr_is_terminal: io::stderr().is_terminal(),
            // Asked only if it is used, because it can cost a system call or, on unusual systems, a process.
            terminal_width: stdout_is_terminal.then(terminal_width).flatten(),
            understands_ansi: understands_ansi(),
        };
        environment.fix_clock()?;
        Ok(environment)
    }

    /// Returns the value of one of [`VARIABLES`]; one that is set but empty counts as unset.
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        debug_assert!(VARIABLES.iter().any(|(known, _)| *known == name), "{name} is not in VARIABLES");
        let var = self.vars.iter().find(|(known, _)| *known == name);
        var.map(|(_, value)| value.as_os_str()).filter(|value| !value.is_empty())
    }

    /// Returns the folder from which relative paths start.
    ///
    /// # Errors
    /// If it was deleted.
    pub fn current_dir(&self) -> anyhow::Result<&Path> {
        self.current_dir.as_deref().ok_or_else(|| {
            anyhow!("the current folder does not exist any more").hint("change to another folder")
        })
    }

    /// Returns the absolute path of a file named on the command line.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        // If the current folder was deleted, SQLite and the system report that for the path itself.
        self.current_dir.as_ref().map_or_else(|| path.to_owned(), |folder| folder.join(path))
    }

    /// Returns the width for tables: `COLUMNS`, otherwise the terminal's width, otherwise 80.
    pub fn width(&self) -> usize {
        self.var("COLUMNS")
            .and_then(|columns| columns.to_str()?.trim().parse().ok())
            .filter(|&columns| columns > 0)
            .or(self.terminal_width)
            .unwrap_or(DEFAULT_WIDTH)
    }

    /// Returns true if the terminal probably shows more than ASCII: always, unless the locale says otherwise.
    pub fn shows_unicode(&self) -> bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| self.var(name));
        locale.is_none_or(|locale| {
            let locale = locale.to_string_lossy().to_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        })
    }

    /// Returns the time when the program started, in epoch milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.now.timestamp_millis()
    }

    fn fix_clock(&mut self) -> anyhow::Result<()> {
        let Some(now) = self.var(NOW) else { return Ok(()) };
        let now = now.to_str().ok_or_else(|| anyhow!("not UTF-8"));
        let now = now
            .and_then(|now| Ok(DateTime::parse_from_rfc3339(now)?))
            .with_context(|| format!("cannot read the time in {NOW}"))
            .hint(format!("unset {NOW}; it is for tests, and holds an RFC 3339 time"))?;
        self.now = now.to_utc();
        self.zone = Zone::Fixed(*now.offset());
        Ok(())
    }
}

/// Returns the current width of the terminal.
pub(in crate::cli) fn terminal_width() -> Option<usize> {
    crossterm::terminal::size().ok().map(|(columns, _)| columns.into()).filter(|&columns| columns > 0)
}

/// Asks a Windows console to interpret escape sequences, which it does not do by default.
#[cfg(windows)]
fn understands_ansi() -> bool {
    crossterm::ansi_support::supports_ansi()
}

#[cfg(not(windows))]
fn understands_ansi() -> bool {
    true
}

/// The local time zone: the system's, or a fixed one if the clock is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// The system's time zone.
    Local,
    /// One offset for the whole year.
    Fixed(FixedOffset),
}

impl TimeZone for Zone {
    type Offset = FixedOffset;

    fn from_offset(offset: &FixedOffset) -> Self {
        Self::Fixed(*offset)
    }

    fn offset_from_local_date(&self, date: &NaiveDate) -> MappedLocalTime<FixedOffset> {
        self.offset_from_local_datetime(&date.and_time(chrono::NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, time: &NaiveDateTime) -> MappedLocalTime<FixedOffset> {
        match self {
            Self::Local => Local.offset_from_local_datetime(time),
            Self::Fixed(offset) => MappedLocalTime::Single(*offset),
        }
    }

    fn offset_from_utc_date(&self, date: &NaiveDate) -> FixedOffset {
        self.offset_from_utc_datetime(&date.and_time(chrono::NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, time: &NaiveDateTime) -> FixedOffset {
        match self {
            Self::Local => Local.offset_from_utc_datetime(time),
            Self::Fixed(offset) => *offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Offset as _;

    impl Environment {
        /// Returns an empty environment, at the epoch in UTC, to which tests add what they need.
        pub(crate) fn bare() -> Self {
            Self {
                vars: Vec::new(),
                home_dir: None,
                current_dir: None,
                temp_dir: PathBuf::new(),
                now: DateTime::UNIX_EPOCH,
                zone: Zone::Fixed(Utc.fix()),
                stdout_is_terminal: false,
                stderr_is_terminal: false,
                terminal_width: None,
                understands_ansi: true,
            }
        }

        /// Returns it with one more variable.
        pub(crate) fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
            debug_assert!(VARIABLES.iter().any(|(known, _)| *known == name), "{name} is not in VARIABLES");
            self.vars.retain(|(other, _)| *other != name);
            self.vars.push((name, value.into()));
            self
        }
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let environment = Environment::bare().with("CODEX_HOME", "").with("CODEX_SQLITE_HOME", "/x");
        assert_eq!(environment.var("CODEX_HOME"), None);
        assert_eq!(environment.var("CODEX_SQLITE_HOME"), Some(OsStr::new("/x")));
        assert_eq!(environment.var("NO_COLOR"), None);
    }

    #[test]
    fn columns_beats_the_terminal_and_nonsense_does_not() {
        let mut environment = Environment::bare();
        assert_eq!(environment.width(), DEFAULT_WIDTH);
        environment.terminal_width = Some(120);
        assert_eq!(environment.width(), 120);
        assert_eq!(environment.clone().with("COLUMNS", "100").width(), 100);
        assert_eq!(environment.clone().with("COLUMNS", "wide").width(), 120);
        assert_eq!(environment.with("COLUMNS", "0").width(), 120);
    }

    #[test]
    fn the_locale_can_rule_out_unicode() {
        assert!(Environment::bare().shows_unicode());
        assert!(Environment::bare().with("LANG", "de_DE.UTF-8").shows_unicode());
        assert!(Environment::bare().with("LC_ALL", "C.utf8").with("LANG", "C").shows_unicode());
        assert!(!Environment::bare().with("LC_ALL", "C").with("LANG", "en_US.UTF-8").shows_unicode());
        assert!(!Environment::bare().with("LC_ALL", "").with("LANG", "POSIX").shows_unicode());
    }

    #[test]
    fn the_clock_and_zone_can_be_fixed() {
        let mut environment = Environment::bare().with(NOW, "2026-03-14T18:57:30+02:00");
        environment.fix_clock().unwrap();
        assert_eq!(environment.now.to_rfc3339(), "2026-03-14T16:57:30+00:00");
        let local = environment.now.with_timezone(&environment.zone);
        assert_eq!(local.to_rfc3339(), "2026-03-14T18:57:30+02:00");
        let error = Environment::bare().with(NOW, "soon").fix_clock().unwrap_err();
        assert!(error.to_string().contains(NOW));
        assert_eq!(crate::error::hints(&error).len(), 1);
    }

    #[test]
    fn the_process_has_a_clock_and_a_folder() {
        let environment = Environment::from_process().unwrap();
        assert!(environment.current_dir.is_some());
        assert!(environment.now_ms() > 1_767_225_600_000, "not before 2026");
        let there = environment.now.with_timezone(&Zone::Local).with_timezone(&Utc);
        assert_eq!(there, environment.now);
    }
}
