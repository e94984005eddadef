//! Reads the title of threads and the time of their last change, for tables that people read.

use super::schema::Schema;
use crate::thread::Millis;
use crate::thread::columns::Col;
use crate::thread::equivalence::read_milliseconds;
use rusqlite::{Connection, OptionalExtension as _};

/// The number of characters of a title that are read: more than any table shows.
const LENGTH: usize = 200;

/// A thread's title and the time of its last change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Titled {
    /// The beginning of the name, otherwise of the title, otherwise of the preview; empty if the row has none of
    /// them.
    pub title: String,
    /// The time of the last change.
    pub updated_at: Option<Millis>,
}

/// Returns the titles of the rows with these ids, in their order. A missing row gives an empty title.
///
/// # Errors
/// If the database cannot be read.
pub fn of<'a>(
    connection: &Connection,
    schema: &Schema,
    ids: impl Iterator<Item = &'a str>,
) -> rusqlite::Result<Vec<Titled>> {
    let texts = [Col::Name, Col::Title, Col::Preview];
    let texts = texts.into_iter().filter(|col| schema.has(*col));
    let texts: Vec<String> =
        texts.map(|col| format!("nullif(trim(substr({}, 1, {LENGTH})), '')", col.name())).collect();
    let milliseconds = if schema.has(Col::UpdatedAtMs) { "updated_at_ms" } else { "NULL" };
    let sql = format!(
        "SELECT coalesce({}, ''), {milliseconds}, updated_at FROM threads WHERE id = ?1",
        texts.join(", ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut titled = |id: &str| {
        let row = statement.query_row([id], |row| {
            let title = row.get_ref(0)?.as_str().unwrap_or_default().to_owned();
            let millis = row.get_ref(1)?.as_i64().ok().map(read_milliseconds);
            let seconds = row.get_ref(2)?.as_i64().ok().and_then(|seconds| seconds.checked_mul(1000));
            Ok(Titled { title, updated_at: millis.or(seconds) })
        });
        Ok(row.optional()?.unwrap_or_default())
    };
    ids.map(&mut titled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{FILLED, Place};

    #[test]
    fn the_name_goes_before_the_title() {
        let place = Place::with(FILLED);
        let connection = place.connect();
        let id = "019ced49-a37b-7910-b752-4ac57f041864";
        let read = |change: &str| {
            connection.execute_batch(change).unwrap();
            let schema = Schema::read(&connection).unwrap();
            let ids = [id, "deadbeef"];
            let titles = of(&connection, &schema, ids.into_iter()).unwrap();
            assert_eq!(titles[1], Titled::default(), "no such row");
            (titles[0].title.clone(), titles[0].updated_at)
        };
        let (_, time) = read("UPDATE threads SET name = NULL, title = 'Mine', updated_at_ms = 1773509512123");
        assert_eq!(time, Some(1_773_509_512_123));
        assert_eq!(read("").0, "Mine");
        assert_eq!(read("UPDATE threads SET name = ' Named '").0, "Named");
        assert_eq!(read("UPDATE threads SET name = '', title = ' ', preview = 'words'").0, "words");
        assert_eq!(read("UPDATE threads SET updated_at_ms = NULL, updated_at = 7").1, Some(7000));
    }
}
