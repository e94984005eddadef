//! Resolves THREAD arguments, from the command line or standard input, to threads.

use crate::cli::commands::app::App;
use crate::cli::line::exit::Exit;
use crate::db::open::Reader;
use crate::db::schema::Schema;
use crate::error::{WithHint as _, shell_word};
use crate::survey::select::{Resolver, Selected, Unresolved};
use anyhow::{Context as _, anyhow};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::BufRead as _;
use std::path::Path;

/// Number of threads looked up in one read; while a Codex is active, each read opens the database.
const AT_ONCE: usize = 4096;

/// The threads that were found, and whether those are all.
#[derive(Debug, Default)]
pub struct FoundThreads {
    /// The threads that were found, each once, in the order in which they were typed.
    pub selected: Vec<Selected>,
    /// The typed words, by position, of threads that were not typed as their whole id.
    typed: HashMap<usize, String>,
    /// [`Exit::Not`] if some thread does not exist.
    pub exit: Exit,
}

impl FoundThreads {
    /// Returns the typed word for the thread at this position in `selected`.
    #[must_use]
    pub fn typed(&self, place: usize) -> Cow<'_, str> {
        match (self.typed.get(&place), self.selected.get(place)) {
            (Some(typed), _) => Cow::Borrowed(typed),
            (None, thread) => Cow::Owned(thread.map(pasted).unwrap_or_default()),
        }
    }
}

/// Reads the arguments one by one. The lines of standard input replace `-`.
///
/// # Errors
/// An item is an error if standard input cannot be read.
fn words(arguments: &[String]) -> impl Iterator<Item = anyhow::Result<String>> {
    arguments.iter().flat_map(|argument| -> Box<dyn Iterator<Item = anyhow::Result<String>>> {
        if argument != "-" {
            return Box::new(std::iter::once(Ok(argument.clone())));
        }
        Box::new(std::io::stdin().lock().split(b'\n').filter_map(|line| {
            // A line that is not UTF-8 names no thread. Some programs write a byte-order mark first.
            let text = |line: Vec<u8>| {
                let line = String::from_utf8_lossy(&line);
                line.trim_start_matches('\u{feff}').trim().to_owned()
            };
            let line = line.context("cannot read threads from standard input").map(text);
            Some(line).filter(|line| !line.as_ref().is_ok_and(String::is_empty))
        }))
    })
}

/// Returns the name of a thread in a command to paste.
#[must_use]
pub fn pasted(thread: &Selected) -> String {
    match thread {
        Selected::Id(id) => id.to_string(),
        Selected::Path(path) => shell_word(path),
    }
}

/// Finds all threads before any of them is used. Prints an error for each that does not exist.
///
/// # Errors
/// If an argument is ambiguous, or the database cannot be read.
pub fn resolve(
    app: &App,
    arguments: &[String],
    home: &Path,
    mut reader: Option<&mut Reader>,
) -> anyhow::Result<FoundThreads> {
    let empty = Path::new("");
    let mut resolver = Resolver::new(home, app.environment.current_dir.as_deref().unwrap_or(empty));
    let mut threads = FoundThreads::default();
    let mut words = words(arguments).peekable();
    if words.peek().is_none() && !arguments.is_empty() {
        app.messages.say("no thread on standard input: nothing to do");
    }
    let mut seen = HashSet::new();
    loop {
        let some: Vec<String> = words.by_ref().take(AT_ONCE).collect::<anyhow::Result<_>>()?;
        if some.is_empty() {
            break;
        }
        let found = match &mut reader {
            Some(reader) => {
                let found = reader.read(|connection| resolver.resolve(&some, Some(connection)));
                let is_complete = found.as_ref().is_ok_and(|found| found.iter().all(Result::is_ok));
                // Reports a missing table of threads, rather than a thread missing from it.
                if !is_complete {
                    Schema::of(reader)?;
                }
                found?
            }
            None => resolver.resolve(&some, None)?,
        };
        for (typed, found) in some.into_iter().zip(found) {
            match found {
                Ok(selected) => {
                    if seen.insert(selected.clone()) {
                        if !matches!(selected, Selected::Id(id) if *typed == id.to_string()) {
                            threads.typed.insert(threads.selected.len(), typed);
                        }
                        threads.selected.push(selected);
                    }
                }
                Err(Unresolved::NoSuchThread) => {
                    app.messages.fail(&format!("no such thread: {typed}"));
                    threads.exit = Exit::Not;
                }
                Err(ambiguous) => {
                    return Err(anyhow!("{typed}: {ambiguous}").hint("type more of the id"));
                }
            }
        }
    }
    if threads.exit != Exit::Done {
        app.messages
            .hint("codex-state list --all --hidden --search TEXT finds the id of a thread by its words");
    }
    Ok(threads)
}
