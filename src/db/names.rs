//! Reads the names that people gave to threads, as far as the database can tell them from titles; never writes.

use super::schema::Schema;
use crate::thread::ThreadId;
use crate::thread::columns::{Col, Row};
use crate::thread::merge::is_wrapper;
use rusqlite::{Connection, Params};
use std::ops::ControlFlow;

/// A thread with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedThread<'a> {
    /// The thread.
    pub id: ThreadId,
    /// Its name, trimmed.
    pub name: &'a str,
    /// True if the name is the title, which may also be derived from the rollout.
    pub is_title: bool,
}

/// Returns the name of a thread, and whether it is the title. `text` returns the text in a column, empty for one that
/// the database lacks.
///
/// Paginated threads keep the name in `name`. Legacy threads keep it in `title`; there it differs from the first
/// message, from which Codex makes titles. If the first message has no text, the title cannot be compared with it, so
/// such a thread is left out. So are guardian threads, which all get one title from Codex.
fn named<'a>(text: impl Fn(Col) -> &'a str) -> Option<(&'a str, bool)> {
    let name = text(Col::Name).trim();
    if !name.is_empty() {
        return Some((name, false));
    }
    let (title, first) = (text(Col::Title), text(Col::FirstUserMessage));
    let is_title = !title.trim().is_empty()
        && !matches!(first, "" | "[Image]" | "[Audio]")
        && title != first
        && text(Col::HistoryMode) != "paginated"
        && !text(Col::Source).contains("\"guardian\"")
        && !is_wrapper(title.trim());
    is_title.then_some((title.trim(), true))
}

/// Returns the thread's name in a row, and whether it is the title.
#[must_use]
pub fn of_row(row: &Row) -> Option<(&str, bool)> {
    named(|col| row.text(col).unwrap_or_default())
}

/// Calls `take` with each thread that has a name, by id, until it returns `Break`.
///
/// Begins after the row with the id `after`. If `take` broke, returns the id of the last row that was passed to it:
/// the `after` of the next call.
///
/// # Errors
/// If the database cannot be read.
pub fn for_each(
    connection: &Connection,
    schema: &Schema,
    after: &str,
    mut take: impl FnMut(NamedThread<'_>) -> ControlFlow<()>,
) -> rusqlite::Result<Option<String>> {
    let mut last = after.to_owned();
    let end = read(connection, &sql(schema, " AND id > ?1 ORDER BY id"), [after], |id, named| {
        take(named)?;
        id.clone_into(&mut last);
        ControlFlow::Continue(())
    })?;
    Ok(end.is_break().then_some(last))
}

/// Calls `take` with each of these threads that has a name. If `ids` is `None`, these are all threads, in the order in
/// which they lie in the file. This costs less than reading them by id.
///
/// # Errors
/// If the database cannot be read.
pub fn for_each_of(
    connection: &Connection,
    schema: &Schema,
    ids: Option<&[ThreadId]>,
    mut take: impl FnMut(NamedThread<'_>),
) -> rusqlite::Result<()> {
    let mut take = |_: &str, named: NamedThread<'_>| {
        take(named);
        ControlFlow::Continue(())
    };
    let Some(ids) = ids else { return read(connection, &sql(schema, ""), [], take).map(drop) };
    let sql = sql(schema, " AND id = ?1");
    ids.iter().try_for_each(|id| read(connection, &sql, [id.encode(&mut [0; 36])], &mut take).map(drop))
}

/// Returns the SQL condition for a thread with a text in the column for names.
#[must_use]
pub fn condition(schema: &Schema) -> String {
    format!("{} <> ''", column(schema, Col::Name))
}

fn column(schema: &Schema, col: Col) -> &'static str {
    if schema.has(col) { col.name() } else { "''" }
}

/// The columns that decide the name.
const COLUMNS: [Col; 5] = [Col::Name, Col::Title, Col::FirstUserMessage, Col::HistoryMode, Col::Source];

/// Returns the SQL that selects the threads that may have a name and fulfil a further condition.
fn sql(schema: &Schema, rest: &str) -> String {
    let columns = COLUMNS.map(|col| column(schema, col));
    let [name, title, first, ..] = columns;
    format!(
        "SELECT {}, id FROM threads WHERE ({name} <> '' OR ({title} <> '' AND {title} <> {first})){rest}",
        columns.join(", ")
    )
}

/// Runs such a statement, and calls `take` with the id of each row that has a name, as the row has it, until `take` breaks.
fn read(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    mut take: impl FnMut(&str, NamedThread<'_>) -> ControlFlow<()>,
) -> rusqlite::Result<ControlFlow<()>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        let text = |i: usize| row.get_ref(i).ok().and_then(|value| value.as_str().ok()).unwrap_or_default();
        let row_id = text(COLUMNS.len());
        let place = |col| COLUMNS.iter().position(|column| *column == col);
        if let Some(id) = ThreadId::parse(row_id.trim())
            && let Some((name, is_title)) = named(|col| place(col).map_or("", text))
            && take(row_id, NamedThread { id, name, is_title }).is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{FILLED, Place};

    fn names(change: &str) -> Vec<String> {
        let place = Place::with(FILLED);
        let connection = place.connect();
        connection.execute_batch(change).unwrap();
        let mut names = Vec::new();
        let schema = Schema::read(&connection).unwrap();
        let all = for_each(&connection, &schema, "", |named| {
            names.push(named.name.to_owned());
            ControlFlow::Continue(())
        });
        assert_eq!(all.unwrap(), None);
        names
    }

    fn set(what: &str) -> String {
        let id = "019ced49-a37b-7910-b752-4ac57f041864";
        format!(
            "UPDATE threads SET name = NULL, title = first_user_message; UPDATE threads SET {what} WHERE id = '{id}';"
        )
    }

    #[test]
    fn a_name_is_the_column_or_a_title_that_no_message_explains() {
        assert_eq!(names(&set("name = NULL")), Vec::<String>::new());
        assert_eq!(names(&set("title = 'Mine'")), ["Mine"]);
        assert_eq!(names(&set("name = ' Named ', title = 'Mine'")), ["Named"]);
        assert_eq!(names(&set("title = 'Mine', history_mode = 'paginated'")), Vec::<String>::new());
        assert_eq!(names(&set("title = 'Mine', first_user_message = '[Image]'")), Vec::<String>::new());
        assert_eq!(names(&set("title = '<environment_context>x'")), Vec::<String>::new());
        let guardian = r#"title = 'Guardian review', source = '{"subagent":{"other":"guardian"}}'"#;
        assert_eq!(names(&set(guardian)), Vec::<String>::new());
    }

    #[test]
    fn a_database_of_phase_1_has_no_names() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../../migrations/0001_threads.sql")).unwrap();
        let schema = Schema::read(&connection).unwrap();
        for_each(&connection, &schema, "", |named| panic!("{named:?}")).unwrap();
    }
}
