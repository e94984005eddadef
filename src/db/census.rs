//! Counts the threads of a database: those that Codex's default list shows, and those that it hides by reason. Reads
//! only.

use super::schema::Schema;
use super::shown::{self, HiddenReason, Reasons, Rule, Visibility};
use super::verdicts::Verdicts;
use crate::thread::columns::Col;
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Maximum number of sources and of providers that are counted separately. A home has a handful of each.
const MAX_NAMES: usize = 1024;
/// The name under which threads of further sources or providers are counted together.
pub const OTHERS: &str = "(others)";

/// The numbers of threads. A hidden thread is counted under the first reason for which Codex's default list hides it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    shown: u64,
    hidden: [u64; HiddenReason::ALL.len()],
    /// The threads that are hidden because of their source, by source.
    pub hidden_sources: BTreeMap<String, u64>,
    /// The threads that are hidden because of their provider, by provider.
    pub hidden_providers: BTreeMap<String, u64>,
    /// All threads by source; a source that is an object counts under its key.
    pub sources: BTreeMap<String, u64>,
    /// All threads by model provider.
    pub providers: BTreeMap<String, u64>,
}

/// A thread that is counted.
#[derive(Debug, Clone, Copy)]
pub struct CensusThread<'a> {
    /// Its id, as the row has it.
    pub id: &'a str,
    /// Its source; for a source that is an object, the object's key.
    pub source: &'a str,
    /// Its model provider.
    pub provider: &'a str,
    /// Its working directory.
    pub folder: &'a str,
    /// The time when it began, in seconds.
    pub began_at: Option<i64>,
}

impl Census {
    /// Counts the threads of a database.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn take(connection: &Connection, schema: &Schema, provider: &str) -> rusqlite::Result<Census> {
        Census::count(connection, schema, provider, "", |_, _, _| Ok(()))
    }

    /// Counts the threads of a database, and calls `each` with each of them.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn take_each(
        connection: &Connection,
        schema: &Schema,
        provider: &str,
        mut each: impl FnMut(&CensusThread<'_>),
    ) -> rusqlite::Result<Census> {
        let folder = if schema.has(Col::Cwd) { Col::Cwd.name() } else { "NULL" };
        let more = format!(", id, {folder}, created_at");
        Census::count(connection, schema, provider, &more, |row, source, provider| {
            let text = |place| Ok::<_, rusqlite::Error>(row.get_ref(place)?.as_str().unwrap_or_default());
            let began_at = row.get_ref(5)?.as_i64().ok();
            each(&CensusThread { source, provider, id: text(3)?, folder: text(4)?, began_at });
            Ok(())
        })
    }

    /// Counts the threads, and calls `each` with each row, its source and its provider.
    fn count(
        connection: &Connection,
        schema: &Schema,
        provider: &str,
        more: &str,
        mut each: impl FnMut(&rusqlite::Row<'_>, &str, &str) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Census> {
        let rule = Rule::new(schema, provider);
        let column = |col: Col| if schema.has(col) { col.name() } else { "NULL" };
        let [source, provider] = [Col::Source, Col::ModelProvider];
        let verdicts = |col: Col, reason, text: &str| {
            Verdicts::new(connection, col.name(), &rule.some_reasons(&[reason]), text)
        };
        let mut sources = verdicts(source, HiddenReason::Source, &shown::source_key(schema))?;
        let mut providers = verdicts(provider, HiddenReason::Provider, provider.name())?;
        // Not grouped by SQL, which would sort all rows in as much memory as the page cache has.
        let sql = format!(
            "SELECT {}, {}, {}{more} FROM threads",
            rule.some_reasons(&[HiddenReason::Archived, HiddenReason::NoMessage]),
            column(source),
            column(provider)
        );
        let mut census = Census::default();
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (source, provider) = (sources.of(row.get_ref(1)?)?, providers.of(row.get_ref(2)?)?);
            let reasons = row.get::<_, i64>(0)? + source.number + provider.number;
            census.change(Reasons::of(reasons), &source.text, &provider.text, 1);
            each(row, &source.text, &provider.text)?;
        }
        Ok(census)
    }

    /// Counts an added thread.
    pub fn add(&mut self, verdict: &Visibility) {
        self.change(verdict.reasons, &verdict.source, &verdict.provider, 1);
    }

    /// Subtracts a removed thread.
    pub fn remove(&mut self, verdict: &Visibility) {
        self.change(verdict.reasons, &verdict.source, &verdict.provider, -1);
    }

    /// Adds the difference between two other counts of the same table.
    pub fn add_change(&mut self, before: &Census, after: &Census) {
        shift(&mut self.shown, before.shown, after.shown);
        for (i, count) in self.hidden.iter_mut().enumerate() {
            shift(count, before.hidden[i], after.hidden[i]);
        }
        shift_all(&mut self.hidden_sources, &before.hidden_sources, &after.hidden_sources);
        shift_all(&mut self.hidden_providers, &before.hidden_providers, &after.hidden_providers);
        shift_all(&mut self.sources, &before.sources, &after.sources);
        shift_all(&mut self.providers, &before.providers, &after.providers);
    }

    fn change(&mut self, reasons: Reasons, source: &str, provider: &str, n: i64) {
        let change = |count: &mut u64| *count = count.saturating_add_signed(n);
        let reason = reasons.iter().next();
        match reason {
            None => change(&mut self.shown),
            Some(reason) => change(&mut self.hidden[reason as usize]),
        }
        let by_name = |counts: &mut BTreeMap<String, u64>, name: &str| {
            let name = name_to_count(counts, name);
            if let Some(count) = counts.get_mut(name) {
                change(count);
            } else {
                counts.insert(name.to_owned(), n.max(0).unsigned_abs());
            }
        };
        by_name(&mut self.sources, source);
        by_name(&mut self.providers, provider);
        match reason {
            Some(HiddenReason::Source) => by_name(&mut self.hidden_sources, source),
            Some(HiddenReason::Provider) => by_name(&mut self.hidden_providers, provider),
            _ => {}
        }
    }

    /// Returns the number of threads that Codex's default list shows.
    #[must_use]
    pub fn shown(&self) -> u64 {
        self.shown
    }

    /// Returns the number of threads for which this is the first reason to hide them.
    #[must_use]
    pub fn hidden(&self, reason: HiddenReason) -> u64 {
        self.hidden[reason as usize]
    }

    /// Returns the number of all threads.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.shown + self.hidden.iter().sum::<u64>()
    }
}

/// Returns the name under which a thread of a source or provider is counted: its own as long as there are few.
#[must_use]
pub fn name_to_count<'a, T>(counts: &BTreeMap<String, T>, name: &'a str) -> &'a str {
    if counts.len() < MAX_NAMES || counts.contains_key(name) { name } else { OTHERS }
}

fn shift(count: &mut u64, before: u64, after: u64) {
    *count = count.saturating_add(after).saturating_sub(before);
}

fn shift_all(
    counts: &mut BTreeMap<String, u64>,
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) {
    for name in before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))) {
        let of = |counts: &BTreeMap<String, u64>| counts.get(name).copied().unwrap_or_default();
        let counted = name_to_count(counts, name).to_owned();
        shift(counts.entry(counted).or_default(), of(before), of(after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{FILLED, Place};

    #[test]
    fn any_number_of_providers_takes_little_memory_and_no_thread_is_lost() {
        let mut census = Census::default();
        let none = Reasons::of(0);
        let n = 3 * MAX_NAMES as u64;
        (0..n).for_each(|i| census.change(none, "cli", &format!("provider {i}"), 1));
        assert_eq!((census.providers.len(), census.providers[OTHERS]), (MAX_NAMES + 1, n - MAX_NAMES as u64));
        assert_eq!((census.sources["cli"], census.shown()), (n, n));
        (0..n).for_each(|i| census.change(none, "cli", &format!("provider {i}"), -1));
        assert_eq!(census, Census { shown: 0, ..census.clone() });
        assert!(census.providers.values().all(|n| *n == 0));
    }

    #[test]
    fn each_thread_is_counted_once_under_the_first_reason() {
        let place = Place::with(FILLED);
        let connection = place.connect();
        let schema = Schema::read(&connection).unwrap();
        let take = |provider| Census::take(&connection, &schema, provider).unwrap();
        let census = take("openai");
        let counts =
            |census: &Census| (census.shown(), HiddenReason::ALL.map(|reason| census.hidden(reason)));
        let n = crate::db::threads::count(&connection).unwrap();
        assert_eq!((counts(&census), census.total()), ((50, [3, 2, 1, 5]), n));
        assert_eq!(counts(&take("unknown")), (0, [3, 2, 56, 0]));
        assert_eq!(census.sources.values().sum::<u64>(), n);
        assert_eq!(census.sources["subagent"], 2);
        assert_eq!(census.hidden_sources["subagent"], 2);
        assert_eq!(census.providers.values().sum::<u64>(), n);
        assert_eq!(census.hidden_providers.values().sum::<u64>(), 1);
        let mut began = 0;
        let same = Census::take_each(&connection, &schema, "openai", |thread| {
            began += u64::from(thread.began_at.is_some());
        });
        assert_eq!((began, same.unwrap()), (n, census));
        assert_eq!(crate::db::integrity::first_problem(&connection).unwrap(), None);
    }

    #[test]
    fn removing_and_adding_a_thread_restores_the_counts() {
        let verdict = |bits| Visibility {
            reasons: Reasons::of(bits),
            source: "exec".into(),
            provider: "openai".into(),
        };
        let mut census = Census::default();
        census.add(&verdict(8));
        assert_eq!((census.hidden(HiddenReason::Source), census.hidden_sources["exec"]), (1, 1));
        census.remove(&verdict(8));
        census.add(&verdict(0));
        assert_eq!((census.shown(), census.total(), census.hidden_sources["exec"]), (1, 1, 0));
    }
}
