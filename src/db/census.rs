//! Counts the threads of a database: those that Codex's default list shows, and those that it hides by reason. Reads
//! only.

use super::row::to_cell;
use super::schema::Schema;
use super::shown::{self, HiddenReason, Reasons, Rule, Visibility};
use crate::thread::cell::Cell;
use crate::thread::columns::Col;
use rusqlite::Connection;
use std::collections::BTreeMap;

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

impl Census {
    /// Counts the threads of a database.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn take(connection: &Connection, schema: &Schema, provider: &str) -> rusqlite::Result<Census> {
        let rule = Rule::new(schema, provider);
        let own_provider = if schema.has(Col::ModelProvider) { Col::ModelProvider.name() } else { "NULL" };
        // Not grouped by SQL, which would sort all rows in as much memory as the page cache has.
        let sql =
            format!("SELECT {}, {}, {own_provider} FROM threads", rule.reasons(), shown::source_key(schema),);
        let mut census = Census::default();
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text = |place| row.get_ref(place).map(|value| shown::name(&to_cell(value)));
            let verdict =
                Visibility { reasons: Reasons::of(row.get(0)?), source: text(1)?, provider: text(2)? };
            census.add(&verdict);
        }
        Ok(census)
    }

    /// Counts an added thread.
    pub fn add(&mut self, verdict: &Visibility) {
        self.change(verdict, 1);
    }

    /// Subtracts a removed thread.
    pub fn remove(&mut self, verdict: &Visibility) {
        self.change(verdict, -1);
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

    fn change(&mut self, verdict: &Visibility, n: i64) {
        let change = |count: &mut u64| *count = count.saturating_add_signed(n);
        let reason = verdict.reasons.iter().next();
        match reason {
            None => change(&mut self.shown),
            Some(reason) => change(&mut self.hidden[reason as usize]),
        }
        let by_name = |counts: &mut BTreeMap<String, u64>, name: &str| {
            if let Some(count) = counts.get_mut(name) {
                change(count);
            } else {
                counts.insert(name.to_owned(), n.max(0).unsigned_abs());
            }
        };
        by_name(&mut self.sources, &verdict.source);
        by_name(&mut self.providers, &verdict.provider);
        match reason {
            Some(HiddenReason::Source) => by_name(&mut self.hidden_sources, &verdict.source),
            Some(HiddenReason::Provider) => by_name(&mut self.hidden_providers, &verdict.provider),
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
        shift(counts.entry(name.clone()).or_default(), of(before), of(after));
    }
}

/// Calls `each` with the creation time of each thread, in seconds.
///
/// # Errors
/// If the database cannot be read.
pub fn beginnings(connection: &Connection, mut each: impl FnMut(i64)) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT created_at FROM threads")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Cell::Integer(seconds) = to_cell(row.get_ref(0)?) {
            each(seconds);
        }
    }
    Ok(())
}

/// Calls `each` with the id, source, provider and folder of each thread; a source that is an object is given as its
/// key.
///
/// # Errors
/// If the database cannot be read.
pub fn each_thread(
    connection: &Connection,
    schema: &Schema,
    mut each: impl FnMut(&str, &str, &str, &str),
) -> rusqlite::Result<()> {
    let own = |col: Col| if schema.has(col) { col.name() } else { "NULL" };
    let (provider, folder) = (own(Col::ModelProvider), own(Col::Cwd));
    let sql = format!("SELECT id, {}, {provider}, {folder} FROM threads", shown::source_key(schema));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = |place| Ok::<_, rusqlite::Error>(row.get_ref(place)?.as_str().unwrap_or_default());
        each(text(0)?, text(1)?, text(2)?, text(3)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{FILLED, Place};

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
        assert_eq!(counts(&take("nobody")), (0, [3, 2, 56, 0]));
        assert_eq!(census.sources.values().sum::<u64>(), n);
        assert_eq!(census.sources["subagent"], 2);
        assert_eq!(census.hidden_sources["subagent"], 2);
        assert_eq!(census.providers.values().sum::<u64>(), n);
        assert_eq!(census.hidden_providers.values().sum::<u64>(), 1);
        let mut began = 0;
        beginnings(&connection, |_| began += 1).unwrap();
        assert_eq!(began, n);
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
