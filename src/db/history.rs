//! Reads how far Codex has read the rollouts of paginated threads into `thread_history_1.sqlite`, from which it shows
//! them. It does not know how long the rollouts are.

use super::row::{collect, thread_id};
use super::schema::has_column;
use crate::thread::ThreadId;
use rusqlite::Connection;
use std::collections::HashMap;

/// The table with a row for each rollout.
const TABLE: &str = "thread_history_projection_state";
/// The columns that may identify the rollout: a thread's first rollout has the thread's id.
const KEYS: [&str; 2] = ["rollout_id", "thread_id"];

/// The offsets up to which Codex has read rollouts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Projections {
    /// By id: the offset of the first byte of the uncompressed rollout that was not read.
    pub offsets: HashMap<ThreadId, u64>,
    /// True if the ids are those of rollouts; otherwise they are those of threads, and mean the rollout in the
    /// thread's row.
    pub by_rollout: bool,
}

/// Reads all offsets; none if the table is missing or has other columns.
///
/// # Errors
/// If the database cannot be read.
pub fn read(connection: &Connection) -> rusqlite::Result<Projections> {
    let mut projections = Projections::default();
    let has = |column: &str| has_column(connection, TABLE, column);
    if !has("next_rollout_byte_offset")? {
        return Ok(projections);
    }
    let Some(key) = (if has(KEYS[0])? { Some(0) } else { has(KEYS[1])?.then_some(1) }) else {
        return Ok(projections);
    };
    projections.by_rollout = key == 0;
    let sql = format!("SELECT {}, next_rollout_byte_offset FROM {TABLE}", KEYS[key]);
    projections.offsets = collect(connection, &sql, [], |row| {
        let offset = row.get_ref(1)?.as_i64().ok().and_then(|offset| u64::try_from(offset).ok());
        Ok(thread_id(row, 0)?.zip(offset))
    })?;
    Ok(projections)
}

/// Returns true if the thread's row in the state database has the history mode `paginated`.
///
/// # Errors
/// If the database cannot be read.
pub fn is_paginated(connection: &Connection, thread: ThreadId) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM threads WHERE id = ?1 AND history_mode = 'paginated')";
    if !has_column(connection, "threads", "history_mode")? {
        return Ok(false);
    }
    connection.query_row(sql, [thread.to_string()], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str) -> Projections {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        read(&connection).unwrap()
    }

    #[test]
    fn places_are_read_by_either_key_and_odd_rows_are_skipped() {
        let id = "019ced6b-835b-7475-b762-429694b3a51e";
        for (key, by_rollout) in [("rollout_id", true), ("thread_id", false)] {
            let read = check(&format!(
                "CREATE TABLE {TABLE} ({key} TEXT, next_rollout_byte_offset INTEGER, next_rollout_ordinal INTEGER);
                 INSERT INTO {TABLE} VALUES ('{id}', 7, 1), ('no id', 1, 1), (NULL, 1, 1), ('{id}', 'x', 1),
                 ('{id}', -1, 1);"
            ));
            assert_eq!(read.offsets, HashMap::from([(ThreadId::parse(id).unwrap(), 7)]));
            assert_eq!(read.by_rollout, by_rollout);
        }
    }

    #[test]
    fn another_schema_has_no_offsets() {
        assert_eq!(check(""), Projections::default());
        assert_eq!(check(&format!("CREATE TABLE {TABLE} (thread_id TEXT)")), Projections::default());
        let other = format!("CREATE TABLE {TABLE} (id TEXT, next_rollout_byte_offset INTEGER)");
        assert_eq!(check(&other), Projections::default());
    }
}
