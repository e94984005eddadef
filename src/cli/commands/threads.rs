//! Resolves THREAD arguments, from the command line or standard input, to threads.

use crate::cli::commands::App;
use crate::cli::line::Exit;
use crate::db::{Reader, Schema};
use crate::error::{WithHint as _, shell_word};
use crate::survey::select::{Resolver, Selected, Unresolved};
use anyhow::{Context as _, anyhow};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead as _;
use std::path::Path;

/// Number of threads looked up in one read; while a Codex is active, each read opens the database.
const AT_ONCE: usize = 4096;

/// Maximum bytes of the typed words that are kept for messages. There may be a million paths on standard input.
const TYPED_BYTES: usize = 1024 * 1024;

/// The number of threads from which on repeated ones are dropped while more are read.
const MANY: usize = 65_536;

/// The threads that were found, and whether those are all.
#[derive(Debug, Default)]
pub struct FoundThreads {
    /// The threads that were found, each once, in the order in which they were typed.
    pub selected: Vec<Selected>,
    /// The typed words of the first threads that were not typed as their whole id.
    typed: HashMap<Selected, String>,
    /// The length of `typed`, in bytes.
    n_typed: usize,
    /// The number of `selected` that are known to be different.
    n_different: usize,
    /// [`Exit::Not`] if some thread does not exist.
    pub exit: Exit,
}

impl FoundThreads {
    /// Returns the typed word for the thread at this position in `selected`.
    pub fn typed(&self, place: usize) -> Cow<'_, str> {
        let thread = &self.selected[place];
        self.typed.get(thread).map_or_else(|| pasted(thread).into(), Cow::from)
    }

    /// Says that the database has no row of the thread at this position, and how it gets one.
    pub fn say_no_row(&self, app: &App, place: usize) {
        app.messages.fail(&format!("{}: there is a rollout, but no row in the database", self.typed(place)));
        app.messages.hint(&format!("codex-state backfill {}", pasted(&self.selected[place])));
    }

    /// Adds a thread, which may be there already.
    fn add(&mut self, thread: Selected, typed: String) {
        let is_whole_id = matches!(thread, Selected::Id(id) if *typed == id.to_string());
        let has_room = self.n_typed + typed.len() <= TYPED_BYTES;
        if !is_whole_id && has_room && !self.typed.contains_key(&thread) {
            self.n_typed += typed.len();
            self.typed.insert(thread.clone(), typed);
        }
        self.selected.push(thread);
        // Standard input may repeat one thread without end.
        if self.selected.len() > MANY.max(2 * self.n_different) {
            self.drop_repeated();
        }
    }

    /// Drops the threads that are there already. This takes four bytes for each thread, where a set of them would take
    /// forty.
    fn drop_repeated(&mut self) {
        let n = u32::try_from(self.selected.len()).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..n).collect();
        let thread = |place: &u32| &self.selected[*place as usize];
        order.sort_unstable_by(|a, b| thread(a).cmp(thread(b)).then_with(|| a.cmp(b)));
        let mut first = None;
        order.retain(|place| first.replace(thread(place)) == Some(thread(place)));
        // The places of repeated threads are left.
        order.sort_unstable();
        let is_repeated = |place: usize| u32::try_from(place).is_ok_and(|p| order.binary_search(&p).is_ok());
        let mut places = 0..;
        self.selected.retain(|_| !places.next().is_some_and(is_repeated));
        self.n_different = self.selected.len();
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
fn pasted(thread: &Selected) -> String {
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
                Ok(selected) => threads.add(selected, typed),
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
    threads.drop_repeated();
    threads.selected.shrink_to_fit();
    if threads.exit != Exit::Done {
        app.messages
            .hint("codex-state list --all --hidden --search TEXT finds the id of a thread by its words");
    }
    Ok(threads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::ThreadId;

    #[test]
    fn repeated_threads_are_dropped_and_the_words_of_the_others_stay() {
        let id = |i: u128| Selected::Id(ThreadId::from_u128(i));
        let mut threads = FoundThreads::default();
        for (i, word) in [(3, "c"), (1, "a"), (3, "c again"), (2, "b"), (1, "a again"), (4, "d")] {
            threads.add(id(i), word.to_owned());
        }
        threads.drop_repeated();
        assert_eq!(threads.selected, [id(3), id(1), id(2), id(4)]);
        let typed: Vec<_> = (0..4).map(|place| threads.typed(place).into_owned()).collect();
        assert_eq!(typed, ["c", "a", "b", "d"]);
    }

    #[test]
    fn threads_that_come_again_and_again_take_no_memory() {
        let mut threads = FoundThreads::default();
        for i in 0..3 * MANY as u128 {
            threads.add(Selected::Id(ThreadId::from_u128(i % 10)), "a word".to_owned());
            assert!(threads.selected.len() <= MANY && threads.typed.len() <= MANY);
        }
        threads.drop_repeated();
        assert_eq!((threads.selected.len(), threads.typed.len()), (10, 10));
        for i in 0..2 * MANY as u128 {
            threads.add(Selected::Id(ThreadId::from_u128(1000 + i)), "x".repeat(100));
        }
        assert!(threads.n_typed <= TYPED_BYTES);
        let last = 2 * MANY + 9;
        assert_eq!(threads.typed(last), pasted(&threads.selected[last]));
    }
}
