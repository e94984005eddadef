//! Completion while the user types: the ids of threads with their titles. It is never slow and prints no error
//! between keys.

use crate::cli::commands::{App, Place};
use crate::cli::line::Exit;
use crate::cli::line::args::{Cli, Global, NAME};
use crate::cli::line::completions::THREADS;
use crate::cli::line::env::{COMPLETE, Environment};
use crate::cli::output::{Style, error, lines, text};
use crate::db::list::{ListOptions, Lister, Query};
use crate::db::{OpenOptions, Reader, Schema, threads, titles};
use crate::home::size_with_suffix;
use crate::thread::columns::Col;
use clap::{Args as _, CommandFactory as _, FromArgMatches as _};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// Maximum number of threads offered at once.
const MAX_CANDIDATES: usize = 50;
/// Maximum width of a title.
const TITLE_WIDTH: usize = 60;
/// Maximum time that the user waits after a key.
const PATIENCE: Duration = Duration::from_millis(300);

/// Answers a shell; `None` if this is an ordinary run.
#[expect(clippy::disallowed_methods, reason = "the shell's request, and the folder of its relative paths")]
pub fn answer(arguments: &[OsString]) -> Option<Exit> {
    std::env::var_os(COMPLETE)?;
    let folder = std::env::current_dir().ok();
    let complete = CompleteEnv::with_factory(command).var(COMPLETE).bin(NAME);
    match complete.try_complete(arguments.iter().cloned(), folder.as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(Exit::Done),
        // Between two keys the user cannot act on an error; while setting up the shell, the user can.
        Err(_) if arguments.iter().any(|argument| argument == "--") => Some(Exit::Done),
        Err(error) => {
            let error =
                anyhow::anyhow!("{COMPLETE}: {}", error.to_string().trim_start_matches("error: ").trim());
            let _ = lines::print_to_stderr(|out| error::print(&error, out, Style::PLAIN, &str::to_owned));
            Some(Exit::Trouble)
        }
    }
}

/// Returns the command line with the completers of its THREAD arguments.
fn command() -> clap::Command {
    Cli::command().mut_subcommands(|command| {
        command.mut_args(|argument| match argument.get_id() == THREADS {
            true => argument.add(ArgValueCompleter::new(threads)),
            false => argument,
        })
    })
}

/// Returns the threads whose ids begin with the typed text; the latest first if it is empty. Returns files if it is a
/// path.
pub fn threads(typed: &OsStr) -> Vec<CompletionCandidate> {
    if typed.to_string_lossy().contains(std::path::is_separator) {
        return PathCompleter::file().complete(typed);
    }
    let Some(typed) = typed.to_str().map(str::to_ascii_lowercase) else { return Vec::new() };
    if typed.starts_with('-') || !typed.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return Vec::new();
    }
    let (sender, receiver) = mpsc::channel();
    // A database on a slow disk must not block the terminal: threads that are not read in time are not offered. If no
    // thread can be started for it, nothing is offered.
    let _ = std::thread::Builder::new().spawn(move || sender.send(look_up(&typed).unwrap_or_default()));
    let found = receiver.recv_timeout(PATIENCE).unwrap_or_default();
    found
        .into_iter()
        .enumerate()
        .map(|(order, (id, title))| {
            let help = (!title.is_empty()).then(|| title.into());
            CompletionCandidate::new(id).help(help).display_order(Some(order))
        })
        .collect()
}

fn look_up(typed: &str) -> anyhow::Result<Vec<(String, String)>> {
    let app = App::new(Environment::from_process()?, global(std::env::args_os())?, Default::default());
    let place = Place::find_or_nowhere(&app)?;
    let Some(choice) = place.choose(&app.messages) else { return Ok(Vec::new()) };
    let path = choice.chosen.path;
    if needs_a_copy(&path) {
        return Ok(Vec::new());
    }
    let options = OpenOptions { busy_timeout: PATIENCE / 6, ..place.options };
    let mut reader = Reader::open(&path, &options)?;
    let ids = match typed.is_empty() {
        true => latest(&mut reader)?,
        false => reader.read(|connection| threads::ids_beginning(connection, typed, MAX_CANDIDATES))?.0,
    };
    let titled = reader.read(|connection| -> anyhow::Result<_> {
        let schema = Schema::read_threads(connection)?;
        Ok(titles::of(connection, &schema, ids.iter().map(String::as_str))?)
    })?;
    reader.end();
    let titles = titled.iter().map(|one| text::fit(&text::one_line(&one.title), TITLE_WIDTH).into_owned());
    Ok(ids.into_iter().zip(titles).collect())
}

/// Returns true if reading requires a private copy, which takes long and would be left behind when the time is over.
fn needs_a_copy(database: &Path) -> bool {
    let is_filled = |suffix: &str| size_with_suffix(database, suffix).is_some_and(|n| n > 0);
    is_filled("-journal") || (is_filled("-wal") && size_with_suffix(database, "-shm").is_none())
}

/// Parses the typed options that choose the database.
fn global(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<Global> {
    let mut words = arguments.skip_while(|word| word != "--").skip(2);
    let mut known = vec![OsString::from(NAME), "--quiet".into()];
    while let Some(word) = words.next() {
        let Some(text) = word.to_str() else { continue };
        let is_one =
            |name: &str| text.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='));
        if ["--codex-home", "--db", "--sqlite-home"].into_iter().any(is_one) {
            let has_value = text.contains('=');
            known.push(word);
            if !has_value {
                known.extend(words.next());
            }
        }
    }
    let command = Global::augment_args(clap::Command::new(NAME));
    Ok(Global::from_arg_matches(&command.try_get_matches_from(known)?)?)
}

/// Returns the threads that were changed last, even those that Codex hides.
fn latest(reader: &mut Reader) -> anyhow::Result<Vec<String>> {
    let query = Query { hidden: true, columns: vec![Col::Id], ..Query::default() };
    let config = ListOptions { query, limit: Some(MAX_CANDIDATES), cursor: None, names: &|| Ok(None) };
    let mut ids = Vec::new();
    let mut lister = Lister::new(reader, config)?;
    while let Some(page) = lister.next_page()? {
        ids.extend((0..page.len()).filter_map(|row| Some(page.cell(row, 0).as_text()?.to_owned())));
        lister.give_back(page);
    }
    Ok(ids)
}
