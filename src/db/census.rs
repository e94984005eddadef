//! Counts the threads of a database, for `status`: what Codex's own list shows, what it hides and why; changes nothing.

use super::row::to_cell;
use super::schema::Schema;
use crate::thread::cell::Cell;
use crate::thread::columns::{COLUMNS, index};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// What Codex's default list does with a thread; of several reasons to hide it, the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It shows it.
    Shown,
    /// It hides it: the thread is archived.
    Archived,
    /// It hides it: nobody said anything in it.
    NoMessage,
    /// It hides it: the thread is of another provider than the default one.
    OtherProvider,
    /// It hides it: another thread spawned it.
    SubAgent,
}

/// How many threads there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// By what Codex's default list does with them; see [`Census::count`].
    by_shown: [u64; 5],
    /// By source; of sources that are objects, by their key.
    pub sources: BTreeMap<String, u64>,
    /// By model provider.
    pub providers: BTreeMap<String, u64>,
}

impl Census {
    /// Counts.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn take(connection: &Connection, schema: &Schema, provider: &str) -> rusqlite::Result<Census> {
        let column = |position: usize| if schema.has(position) { COLUMNS[position].name } else { "NULL" };
        let (source, own_provider) = (column(index::SOURCE), column(index::MODEL_PROVIDER));
        let source = format!(
            "CASE WHEN substr({source}, 1, 1) = '{{' AND json_valid({source}) \
             THEN coalesce((SELECT key FROM json_each({source}) LIMIT 1), {source}) ELSE {source} END"
        );
        let sql = format!(
            "SELECT CASE WHEN archived IS NOT 0 THEN 1 WHEN ({visible}) IS NOT TRUE THEN 2 \
                    WHEN {own_provider} IS NOT ?1 THEN 3 WHEN {source} = 'subagent' THEN 4 ELSE 0 END, \
                    {source}, {own_provider}, count(*) \
             FROM threads GROUP BY 1, 2, 3",
            visible = schema.visible()
        );
        let mut census = Census::default();
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([provider])?;
        while let Some(row) = rows.next()? {
            let n = row.get::<_, i64>(3)?.unsigned_abs();
            let shown = usize::try_from(row.get::<_, i64>(0)?).unwrap_or_default();
            census.by_shown[shown.min(4)] += n;
            for (place, counts) in [(1, &mut census.sources), (2, &mut census.providers)] {
                let name = match to_cell(row.get_ref(place)?) {
                    Cell::Text(text) => text,
                    _ => String::new(),
                };
                *counts.entry(name).or_default() += n;
            }
        }
        Ok(census)
    }

    /// How many threads Codex's default list treats so.
    #[must_use]
    pub fn count(&self, shown: Shown) -> u64 {
        self.by_shown[shown as usize]
    }

    /// How many threads there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_shown.iter().sum()
    }
}

/// Calls `each` with the second in which each thread began.
///
/// # Errors
/// What SQLite says.
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

/// What a look at every page finds, without comparing indexes with tables: at most one problem; `None` if it is sound.
///
/// # Errors
/// What SQLite says.
pub fn first_problem(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(Some(found).filter(|found| found != "ok"))
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
        let counts = |census: &Census| {
            [Shown::Shown, Shown::Archived, Shown::NoMessage, Shown::OtherProvider, Shown::SubAgent]
                .map(|shown| census.count(shown))
        };
        let n = crate::db::threads::count(&connection).unwrap();
        assert_eq!((counts(&census), census.total()), ([53, 3, 2, 1, 2], n));
        assert_eq!(counts(&take("nobody")), [0, 3, 2, 56, 0]);
        assert_eq!(census.sources.values().sum::<u64>(), n);
        assert_eq!(census.sources["subagent"], 2);
        assert_eq!(census.providers.values().sum::<u64>(), n);
        let mut began = 0;
        beginnings(&connection, |_| began += 1).unwrap();
        assert_eq!(began, n);
        assert_eq!(first_problem(&connection).unwrap(), None);
    }
}
