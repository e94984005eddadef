//! Finds the Codex home, its configuration and its databases. The environment is passed in.

use crate::error::WithHint as _;
use crate::rollout::file_name;
use crate::sys;
use anyhow::{Context as _, anyhow};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};

/// The name of the default home, below the user's home.
const DEFAULT_HOME: &str = ".codex";
/// The folder below the home in which desktop apps keep databases.
const APP_FOLDER: &str = "sqlite";
/// The greatest size of a configuration that is read, in bytes.
const MAX_CONFIG: u64 = 1024 * 1024;
/// The state database of phase 1.
pub const PHASE_1_DATABASE: &str = "state.sqlite";
/// The state databases of Codex 0.96 to 0.99, of which each read one.
pub const OLDER_DATABASES: [&str; 4] =
    ["state_1.sqlite", "state_2.sqlite", "state_3.sqlite", "state_4.sqlite"];
/// The provider of models if none is configured.
pub const DEFAULT_PROVIDER: &str = "openai";
/// The configuration of Codex, below the home.
pub const CONFIG: &str = "config.toml";
/// Providers that Codex knows without a configuration; `oss` is from 2025.
const BUILT_IN_PROVIDERS: [&str; 6] =
    [DEFAULT_PROVIDER, "amazon-bedrock", "amazon-bedrock-runtime", "ollama", "lmstudio", "oss"];

/// Finds the Codex home: `named` (an option or `CODEX_HOME`; made canonical, as in Codex), otherwise `.codex` in the
/// user's home (not made canonical, as in Codex).
///
/// # Errors
/// If it does not exist or is not a folder.
pub fn find_home(named: Option<&OsStr>, user_home: Option<&Path>) -> anyhow::Result<PathBuf> {
    let hint = "name the folder with --codex-home DIR or CODEX_HOME";
    let named = named.filter(|named| !named.is_empty()).map(PathBuf::from);
    let is_named = named.is_some();
    let home = named
        .or_else(|| Some(user_home?.join(DEFAULT_HOME)))
        .ok_or_else(|| anyhow!("no Codex home: the user's home folder is not known").hint(hint))?;
    let no_home = || format!("no Codex home: {}", home.display());
    if !fs::metadata(&home).with_context(no_home).hint(hint)?.is_dir() {
        return Err(anyhow!("{}: not a folder", no_home()).hint(hint));
    }
    match is_named {
        true => fs::canonicalize(&home).with_context(no_home).hint(hint),
        false => Ok(home),
    }
}

/// The parts of `config.toml` that this program uses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CodexConfig {
    /// The default provider.
    pub model_provider: Option<String>,
    /// The folder of the databases, relative to the file.
    pub sqlite_home: Option<PathBuf>,
    /// The keys that are present but not a string.
    pub no_text: Vec<&'static str>,
    /// The providers that Codex can use with this configuration. `None` if it could not be read whole, or without one,
    /// as in a home of which only the conversations were copied.
    pub providers: Option<Providers>,
    /// The error, if the file is not TOML.
    pub invalid: Option<String>,
}

/// The defined model providers: those built into Codex and those of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Providers(BTreeSet<String>);

impl Providers {
    /// Collects the providers that a configuration defines, at its top level and in its profiles.
    fn of(config: &toml::Table) -> Providers {
        fn table<'a>(config: &'a toml::Table, key: &str) -> Option<&'a toml::Table> {
            config.get(key).and_then(toml::Value::as_table)
        }
        let profiles = table(config, "profiles").into_iter().flat_map(toml::Table::values);
        let configs = profiles.filter_map(toml::Value::as_table).chain([config]);
        let defined = configs.filter_map(|config| table(config, "model_providers"));
        Providers(defined.flat_map(toml::Table::keys).cloned().collect())
    }

    /// Returns true if Codex knows the provider.
    #[must_use]
    pub fn defines(&self, id: &str) -> bool {
        BUILT_IN_PROVIDERS.contains(&id) || self.0.contains(id)
    }
}

/// Returns the settings on sound lines before the first table of an invalid configuration, with the numbers of the
/// lines. The default provider and the place of the databases decide what is written where, and one wrong line elsewhere does not change
/// them.
fn sound_settings(text: &str) -> impl Iterator<Item = (usize, toml::Table)> {
    let text = text.trim_start_matches('\u{feff}');
    let before_tables = text.lines().take_while(|line| !line.trim_start().starts_with('['));
    let parsed = |(i, line): (usize, &str)| Some((i + 1, line.parse::<toml::Table>().ok()?));
    before_tables.enumerate().filter_map(parsed)
}

/// Reads `config.toml` of a home; a missing file counts as empty. As in Codex, a path that begins with `~` is below
/// the user's home.
///
/// # Errors
/// If it cannot be read. Callers warn and continue without it.
pub fn read_config(home: &Path, user_home: Option<&Path>) -> anyhow::Result<CodexConfig> {
    let path = home.join(CONFIG);
    let text = sys::if_there(read_bounded(&path)).with_context(|| path.display().to_string())?;
    let Some(text) = text else { return Ok(CodexConfig::default()) };
    let (table, invalid) = match text.parse::<toml::Table>() {
        Ok(table) => (table, None),
        Err(error) => {
            let mut settings = toml::Table::new();
            for (key, value) in sound_settings(&text).flat_map(|(_, line)| line) {
                settings.entry(key).or_insert(value);
            }
            (settings, Some(explain_toml(&text, &error)))
        }
    };
    let mut no_text = Vec::new();
    let mut text = |key| {
        let value = table.get(key)?;
        if value.as_str().is_none() {
            no_text.push(key);
        }
        value.as_str().filter(|text| !text.trim().is_empty())
    };
    Ok(CodexConfig {
        model_provider: text("model_provider").map(str::to_owned),
        sqlite_home: text("sqlite_home")
            .map(|folder| below_user_home(folder, user_home).unwrap_or_else(|| home.join(folder))),
        no_text,
        providers: invalid.is_none().then(|| Providers::of(&table)),
        invalid,
    })
}

/// Describes an error in a configuration, with its line.
fn explain_toml(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.as_bytes().get(..span.start));
    let line = before.map(|before| before.iter().filter(|byte| **byte == b'\n').count() + 1);
    let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
    format!("{place}{}", error.message().lines().collect::<Vec<_>>().join(" "))
}

/// Finds the line of `config.toml` that sets the default provider, counted from 1; `None` if there is none.
#[must_use]
pub fn provider_line(home: &Path) -> Option<usize> {
    let text = read_bounded(&home.join(CONFIG)).ok()?;
    let sets = |(_, line): &(usize, toml::Table)| line.get("model_provider").is_some_and(toml::Value::is_str);
    sound_settings(&text).find(sets).map(|(number, _)| number)
}

/// Returns a text as a key of TOML.
#[must_use]
pub fn toml_key(text: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !text.is_empty() && text.chars().all(is_bare) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Reads a configuration of at most [`MAX_CONFIG`] bytes; a longer one is an error.
fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    sys::open_regular(path, sys::Links::Follow)?.take(MAX_CONFIG + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_CONFIG {
        let reason = format!("is longer than {} KiB", MAX_CONFIG / 1024);
        return Err(io::Error::new(ErrorKind::FileTooLarge, reason));
    }
    Ok(text)
}

/// Returns the folder that `~` or `~/…` names.
fn below_user_home(folder: &str, user_home: Option<&Path>) -> Option<PathBuf> {
    let rest = folder.strip_prefix('~')?;
    if !rest.is_empty() && !rest.starts_with(std::path::is_separator) {
        return None;
    }
    Some(user_home?.join(rest.trim_start_matches(std::path::is_separator)))
}

/// Returns the path in a row resolved: an absolute path unchanged, a relative one below the home, whatever the
/// current folder is. Returns `None` for a relative path that leads out of the home.
#[must_use]
pub fn row_path<'a>(home: &Path, in_row: &'a Path) -> Option<Cow<'a, Path>> {
    if in_row.is_absolute() {
        return Some(Cow::Borrowed(in_row));
    }
    let stays_below =
        in_row.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    stays_below.then(|| Cow::Owned(home.join(in_row)))
}

/// The reason for considering a database in the home.
const IN_HOME: &str = "in the Codex home";

/// The reason for considering a database in [`APP_FOLDER`].
const IN_APP_FOLDER: &str = "in the folder sqlite of the Codex home, which desktop apps use";

/// The settings, beside the home, that say where the databases are.
#[derive(Debug, Clone, Default)]
pub struct DatabaseInputs<'a> {
    /// `--db`.
    pub db: Option<&'a Path>,
    /// `--sqlite-home`.
    pub sqlite_home: Option<&'a Path>,
    /// `sqlite_home` of `config.toml`.
    pub config_sqlite_home: Option<&'a Path>,
    /// `CODEX_SQLITE_HOME`, absolute, trimmed, not blank.
    pub variable_sqlite_home: Option<&'a Path>,
}

/// A database that Codex may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseCandidate {
    /// Path of the database.
    pub path: PathBuf,
    /// Reason for considering it, in words.
    pub why: &'static str,
}

/// The result of the search for databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates {
    /// The databases found: none, one, or one in the home and one in the app's folder.
    pub found: Vec<DatabaseCandidate>,
    /// The folders that were searched, in their order; none if a database was named.
    pub looked_in: Vec<PathBuf>,
}

impl Candidates {
    /// Returns the folder for a new database: the one in which Codex would look.
    #[must_use]
    pub fn create_in(&self) -> &Path {
        self.looked_in.first().map_or(Path::new("."), PathBuf::as_path)
    }
}

/// Searches for databases, in the order that the man page documents.
///
/// # Errors
/// If `--db` names no file, or if the permissions forbid to search a folder.
pub fn find_databases(home: &Path, inputs: &DatabaseInputs<'_>) -> anyhow::Result<Candidates> {
    if let Some(db) = inputs.db {
        check_named_database(db)?;
        let found = vec![DatabaseCandidate { path: db.to_owned(), why: "named with --db" }];
        return Ok(Candidates { found, looked_in: Vec::new() });
    }
    let named = [
        (inputs.sqlite_home, "in the folder named with --sqlite-home"),
        (inputs.config_sqlite_home, "in the folder that sqlite_home of config.toml names"),
        (inputs.variable_sqlite_home, "in the folder that CODEX_SQLITE_HOME names"),
    ];
    let named = named.into_iter().find_map(|(folder, why)| Some((folder?.to_owned(), why)));
    let folders = match named {
        Some(named) => vec![named],
        None => vec![(home.to_owned(), IN_HOME), (home.join(APP_FOLDER), IN_APP_FOLDER)],
    };
    let mut found = Vec::new();
    for (folder, why) in &folders {
        let newest = newest_in(folder)
            .with_context(|| format!("{}: cannot be looked into for a database", folder.display()))
            .hint(format!(
                "check the permissions of {}, or name the database with --db FILE",
                folder.display()
            ))?;
        found.extend(newest.map(|path| DatabaseCandidate { path, why }));
    }
    Ok(Candidates { found, looked_in: folders.into_iter().map(|(folder, _)| folder).collect() })
}

/// Files of Codex that output must never replace, beside rollouts and databases.
pub const OTHER_FILES: [&str; 2] = ["config.toml", "session_index.jsonl"];

/// The suffixes of the files that SQLite keeps beside a database.
pub const BESIDE_DATABASE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Returns the path of a file that SQLite keeps beside the database.
#[must_use]
pub fn with_suffix(database: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(suffix);
    path.into()
}

/// Returns the size in bytes of a database, or of a file that SQLite keeps beside it, if there is one.
#[must_use]
pub fn size_with_suffix(database: &Path, suffix: &str) -> Option<u64> {
    fs::metadata(with_suffix(database, suffix)).ok().map(|metadata| metadata.len())
}

/// Checks a database that was named with `--db`.
///
/// # Errors
/// If it does not exist, or if its name or the name of a link's target is that of another file of Codex.
pub fn check_named_database(path: &Path) -> anyhow::Result<()> {
    fs::metadata(path)
        .with_context(|| format!("no database: {}", path.display()))
        .hint("name an existing file with --db, or leave it out to use the one of the Codex home")?;
    let real = fs::canonicalize(path).ok();
    let mut names = [Some(path), real.as_deref()].into_iter().flatten().filter_map(Path::file_name);
    if names.any(|name| file_name::parse(name).is_some() || OTHER_FILES.iter().any(|other| name == *other)) {
        return Err(anyhow!("{}: is a file of Codex, but not a database", path.display())
            .hint("name the state database with --db (usually state_5.sqlite in the Codex home)"));
    }
    Ok(())
}

/// Returns the state database with the highest number in a folder, otherwise that of phase 1. A folder or file
/// without permission is an error, because a database may be there.
fn newest_in(folder: &Path) -> io::Result<Option<PathBuf>> {
    fn unless_denied<T>(result: io::Result<T>) -> io::Result<Option<T>> {
        match result {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(error),
            result => Ok(result.ok()),
        }
    }
    let is_file = |path: &Path| -> io::Result<bool> {
        Ok(unless_denied(fs::metadata(path))?.is_some_and(|metadata| metadata.is_file()))
    };
    let mut newest = None;
    for entry in unless_denied(fs::read_dir(folder))?.into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name();
        let numbered = name.to_str().and_then(numbered_database);
        let number = numbered.filter(|(prefix, _)| *prefix == "state").map(|(_, number)| number);
        if number > newest.as_ref().map(|(number, _)| *number) && is_file(&entry.path())? {
            newest = number.map(|number| (number, entry.path()));
        }
    }
    let phase_1 = folder.join(PHASE_1_DATABASE);
    match newest {
        Some((_, path)) => Ok(Some(path)),
        None => Ok(is_file(&phase_1)?.then_some(phase_1)),
    }
}

/// Splits the name `<prefix>_<N>.sqlite`.
fn numbered_database(file_name: &str) -> Option<(&str, u32)> {
    let (prefix, digits) = file_name.strip_suffix(".sqlite")?.rsplit_once('_')?;
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()?;
    Some((prefix, number))
}

/// The database to use, and the alternative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseChoice {
    /// The database to use.
    pub chosen: DatabaseCandidate,
    /// Another database, which another program may use.
    pub other: Option<DatabaseCandidate>,
    /// True if the chosen database records a later change than the other; if false, its place decided.
    pub is_newer: bool,
}

/// Chooses among the databases found: the one that records the last change (`last_update`, in seconds; `None` if it
/// cannot be read), or the home's if both are equal. Returns `None` if none was found.
#[must_use]
pub fn choose_database(
    found: &[DatabaseCandidate],
    last_update: impl Fn(&Path) -> Option<i64>,
) -> Option<DatabaseChoice> {
    match found {
        [] => None,
        [only] => Some(DatabaseChoice { chosen: only.clone(), other: None, is_newer: false }),
        [first, second, ..] => {
            let order = last_update(&second.path).cmp(&last_update(&first.path));
            let (chosen, other) = if order.is_gt() { (second, first) } else { (first, second) };
            Some(DatabaseChoice {
                chosen: chosen.clone(),
                other: Some(other.clone()),
                is_newer: order.is_ne(),
            })
        }
    }
}

/// Returns true if a Codex since July 2026 has used the home.
#[must_use]
pub fn has_writer_locks(home: &Path) -> bool {
    home.join("thread-writer-locks").is_dir()
}

/// Returns true if the home shows, beside the versions in its rollouts, that a Codex newer than phase 1 has used it.
#[must_use]
pub fn shows_newer_codex(home: &Path, database_folder: &Path) -> bool {
    let is_numbered = |name: &str| numbered_database(name).is_some();
    has_writer_locks(home)
        || [home, database_folder].iter().any(|folder| {
            fs::read_dir(folder)
                .into_iter()
                .flatten()
                .filter_map(Result::ok)
                .any(|entry| entry.file_name().to_str().is_some_and(is_numbered))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_quoted_where_toml_wants_it() {
        assert_eq!(toml_key("cli-proxy_2"), "cli-proxy_2");
        assert_eq!(toml_key("my \"own\".api"), r#""my \"own\".api""#);
        assert_eq!(toml_key(""), "\"\"");
    }

    #[test]
    fn the_line_of_the_default_provider_is_that_of_the_top_level() {
        let check = |text: &str, expected: Option<usize>| {
            let home = tempfile::tempdir().unwrap();
            fs::write(home.path().join(CONFIG), text).unwrap();
            assert_eq!(provider_line(home.path()), expected, "{text:?}");
        };
        check("model_provider = \"azure\"\n", Some(1));
        check("# model_provider\n\nmodel = \"m\"\r\n model_provider = 'azure'\n[a]\n", Some(4));
        check("[profiles.a]\nmodel_provider = \"azure\"\n", None);
        check("model_provider = 5\n", None);
        check("no toml", None);
        check("\u{feff}no toml\n\nmodel_provider = 'azure'\n[a\n", Some(3));
        check("[a\nmodel_provider = 'azure'\n", None);
        assert_eq!(provider_line(Path::new("/nowhere")), None);
    }

    fn home_with(files: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for file in files {
            let path = home.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        home
    }

    /// Checks which databases are found in a home with these files.
    fn check(files: &[&str], inputs: &DatabaseInputs<'_>, expected: &[(&str, &str)]) {
        let home = home_with(files);
        let found = find_databases(home.path(), inputs).unwrap().found;
        let found: Vec<(String, &str)> = found
            .iter()
            .map(|one| {
                (one.path.strip_prefix(home.path()).unwrap().to_str().unwrap().replace('\\', "/"), one.why)
            })
            .collect();
        let expected: Vec<(String, &str)> =
            expected.iter().map(|(path, why)| ((*path).to_owned(), *why)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_highest_number_is_used_and_phase_1_only_without_any() {
        let none = DatabaseInputs::default();
        check(&["state_5.sqlite", "state_10.sqlite", "state.sqlite"], &none, &[("state_10.sqlite", IN_HOME)]);
        check(&["state.sqlite", "state_x.sqlite", "logs_2.sqlite"], &none, &[("state.sqlite", IN_HOME)]);
        check(&["state_+5.sqlite", "state_5.sqlite-wal"], &none, &[]);
    }

    #[test]
    fn two_databases_are_both_found() {
        check(
            &["state_5.sqlite", "sqlite/state_5.sqlite"],
            &DatabaseInputs::default(),
            &[("state_5.sqlite", IN_HOME), ("sqlite/state_5.sqlite", IN_APP_FOLDER)],
        );
    }

    #[test]
    fn of_two_databases_the_one_changed_last_is_chosen_and_the_home_on_a_tie() {
        let candidate = |path: &str, why| DatabaseCandidate { path: path.into(), why };
        let both = [candidate("a", IN_HOME), candidate("b", IN_APP_FOLDER)];
        let chosen = |times: [Option<i64>; 2]| {
            choose_database(&both, |path| times[usize::from(path != Path::new("a"))]).unwrap().chosen.path
        };
        assert_eq!(chosen([Some(1), Some(2)]), Path::new("b"));
        assert_eq!(chosen([Some(2), Some(2)]), Path::new("a"));
        assert_eq!(chosen([None, Some(2)]), Path::new("b"));
        assert_eq!(chosen([None, None]), Path::new("a"));
    }

    #[test]
    fn a_named_folder_has_precedence_over_the_home_and_a_named_file_over_all() {
        let home = home_with(&["state_5.sqlite", "named/state.sqlite", "config/state_6.sqlite"]);
        let (named, config) = (home.path().join("named"), home.path().join("config"));
        let mut inputs = DatabaseInputs { config_sqlite_home: Some(&config), ..DatabaseInputs::default() };
        let first =
            |inputs: &DatabaseInputs<'_>| find_databases(home.path(), inputs).unwrap().found[0].clone();
        assert_eq!(first(&inputs).path, config.join("state_6.sqlite"));
        inputs.sqlite_home = Some(&named);
        assert_eq!(first(&inputs).path, named.join("state.sqlite"));
        let db = home.path().join("state_5.sqlite");
        inputs.db = Some(&db);
        assert_eq!(first(&inputs), DatabaseCandidate { path: db.clone(), why: "named with --db" });
        let missing = home.path().join("missing.sqlite");
        inputs.db = Some(&missing);
        assert!(find_databases(home.path(), &inputs).is_err());
    }

    #[test]
    fn the_configuration_is_read_and_its_folder_is_relative_to_it() {
        let home = tempfile::tempdir().unwrap();
        let read = || read_config(home.path(), Some(Path::new("/home/me")));
        assert_eq!(read().unwrap(), CodexConfig::default());
        let text =
            "model_provider = \"azure\"\nsqlite_home = \"db\"\n[profiles.x]\nmodel_provider = \"no\"\n";
        fs::write(home.path().join("config.toml"), text).unwrap();
        let config = read().unwrap();
        assert_eq!(config.model_provider.as_deref(), Some("azure"));
        assert_eq!(config.sqlite_home, Some(home.path().join("db")));
        fs::remove_file(home.path().join(CONFIG)).unwrap();
        fs::create_dir(home.path().join(CONFIG)).unwrap();
        assert!(read().is_err());
    }

    #[test]
    fn the_sound_settings_of_an_invalid_configuration_are_used() {
        let sound = "model_provider = 'azure' # mine\r\nsqlite_home = \"db\"\n";
        let tables = "[profiles.x]\nmodel_provider = 'no'\n";
        for broken in ["a b", "x = \"", "= 1", "y = [1,", "q = '''", "model_provider = 'other'"] {
            let ends = ["[broken", "[a]\n[a]", "[t]\nx = ["].map(|end| format!("{sound}{end}\n{tables}"));
            let before = format!("\u{feff}{broken}\n{sound}{tables}");
            let after = format!("{sound}{broken}\n{tables}");
            let before = (!broken.starts_with("model")).then_some(before);
            for text in ends.into_iter().chain(before).chain([after]) {
                let home = tempfile::tempdir().unwrap();
                fs::write(home.path().join(CONFIG), &text).unwrap();
                let config = read_config(home.path(), None).unwrap();
                assert_eq!(config.model_provider.as_deref(), Some("azure"), "{text}");
                assert_eq!(config.sqlite_home, Some(home.path().join("db")), "{text}");
                assert!(config.invalid.is_some_and(|reason| reason.starts_with("line ")), "{text}");
                assert_eq!(config.providers, None, "{text}");
            }
        }
    }

    #[test]
    fn the_folder_of_the_configuration_may_begin_in_the_users_home() {
        let home = tempfile::tempdir().unwrap();
        let check = |typed: &str, user_home: Option<&str>, expected: &Path| {
            fs::write(home.path().join("config.toml"), format!("sqlite_home = '{typed}'")).unwrap();
            let config = read_config(home.path(), user_home.map(Path::new)).unwrap();
            assert_eq!(config.sqlite_home.as_deref(), Some(expected), "{typed}");
        };
        check("~", Some("/home/me"), Path::new("/home/me"));
        check("~/db", Some("/home/me"), Path::new("/home/me/db"));
        check("~//db", Some("/home/me"), Path::new("/home/me/db"));
        check("~db", Some("/home/me"), &home.path().join("~db"));
        check("~/db", None, &home.path().join("~/db"));
        let absolute = if cfg!(windows) { r"C:\db" } else { "/db" };
        check(absolute, Some("/home/me"), Path::new(absolute));
    }

    #[test]
    fn providers_are_built_in_or_defined_also_in_a_profile() {
        let home = tempfile::tempdir().unwrap();
        let text = "[model_providers.mine]\nname = \"x\"\n[profiles.a.model_providers.\"two words\"]\n[profiles]\nb = 1\n";
        fs::write(home.path().join(CONFIG), text).unwrap();
        let providers = read_config(home.path(), None).unwrap().providers.unwrap();
        for id in ["openai", "ollama", "lmstudio", "oss", "amazon-bedrock", "mine", "two words"] {
            assert!(providers.defines(id), "{id}");
        }
        for id in ["", "OpenAI", "name", "a", "azure"] {
            assert!(!providers.defines(id), "{id}");
        }
        fs::write(home.path().join(CONFIG), "model_providers = 1").unwrap();
        assert!(!read_config(home.path(), None).unwrap().providers.unwrap().defines("mine"));
    }

    #[test]
    fn a_setting_that_is_not_text_is_ignored_alone() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("config.toml"), "model_provider = 7\nsqlite_home = 'db'").unwrap();
        let config = read_config(home.path(), None).unwrap();
        assert_eq!((config.model_provider, config.no_text), (None, vec!["model_provider"]));
        assert_eq!(config.sqlite_home, Some(home.path().join("db")));
    }

    #[test]
    fn relative_paths_of_rows_lead_below_the_home_or_nowhere() {
        let home = Path::new(if cfg!(windows) { r"C:\home" } else { "/home" });
        let absolute = home.join("elsewhere");
        assert_eq!(row_path(home, &absolute).as_deref(), Some(&*absolute));
        assert_eq!(row_path(home, Path::new("sessions/x")).as_deref(), Some(&*home.join("sessions/x")));
        for outside in ["../x", "sessions/../../x"] {
            assert_eq!(row_path(home, Path::new(outside)), None, "{outside}");
        }
    }

    #[test]
    fn signs_of_a_newer_codex_are_seen() {
        for (file, expected) in [
            ("logs_2.sqlite", true),
            ("thread-writer-locks/x", true),
            ("state.sqlite", false),
            ("a_b.sqlite", false),
        ] {
            let home = home_with(&[file]);
            assert_eq!(shows_newer_codex(home.path(), home.path()), expected, "{file}");
        }
    }
}
