//! The names that people gave to threads, as far as the database alone tells them from titles; only reads.

use super::schema::Schema;
use crate::thread::ThreadId;
use crate::thread::columns::index;
use crate::thread::merge::is_wrapper;
use rusqlite::Connection;

/// A thread with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// The thread.
    pub id: ThreadId,
    /// Its name, trimmed.
    pub name: &'a str,
    /// Whether it is the title, which the rollout may explain all the same.
    pub is_title: bool,
}

/// Calls `take` with each thread that has a name, by id.
///
/// Paginated threads keep it in `name`. Legacy ones keep it in `title`, where it differs from the first message, from
/// which Codex makes titles. A first message without a text tells nothing about the title, so such a thread is left out,
/// as are the guardian's, to which Codex gives one title.
///
/// # Errors
/// If the database cannot be read.
pub fn for_each(
    connection: &Connection,
    schema: &Schema,
    mut take: impl FnMut(Named<'_>),
) -> rusqlite::Result<()> {
    let column = |position: usize, name: &'static str| if schema.has(position) { name } else { "''" };
    let name = column(index::NAME, "coalesce(name, '')");
    let first = column(index::FIRST_USER_MESSAGE, "coalesce(first_user_message, '')");
    let history_mode = column(index::HISTORY_MODE, "coalesce(history_mode, '')");
    let sql = format!(
        "SELECT id, {name}, title FROM threads WHERE {name} <> '' \
         OR (title <> '' AND {first} NOT IN ('', '[Image]', '[Audio]') AND title <> {first} \
             AND {history_mode} <> 'paginated' AND source NOT LIKE '%\"guardian\"%') ORDER BY id"
    );
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = |i: usize| row.get_ref(i).ok().and_then(|value| value.as_str().ok()).map(str::trim);
        let Some(id) = text(0).and_then(ThreadId::parse) else { continue };
        let filled = |i: usize| text(i).filter(|text| !text.is_empty());
        match (filled(1), filled(2).filter(|title| !is_wrapper(title))) {
            (Some(name), _) => take(Named { id, name, is_title: false }),
            (None, Some(name)) => take(Named { id, name, is_title: true }),
            (None, None) => {}
        }
    }
    Ok(())
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
        for_each(&connection, &schema, |named| names.push(named.name.to_owned())).unwrap();
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
    fn phase_1_knows_no_names() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../../migrations/0001_threads.sql")).unwrap();
        let schema = Schema::read(&connection).unwrap();
        for_each(&connection, &schema, |named| panic!("{named:?}")).unwrap();
    }
}
