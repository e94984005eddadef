//! Reads which thread spawned which.

use super::row::{collect, thread_id};
use super::schema::Schema;
use super::threads::spawned_by;
use crate::thread::ThreadId;
use crate::thread::columns::Col;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Spawned threads, by the thread that spawned them.
pub type Children = BTreeMap<ThreadId, BTreeSet<ThreadId>>;

/// Reads all edges, and the parents in the rows' sources (for databases without the table, and rows whose edge was
/// lost).
///
/// # Errors
/// If the database cannot be read.
pub fn children(connection: &Connection, schema: &Schema) -> rusqlite::Result<Children> {
    let mut edges: Vec<(ThreadId, ThreadId)> = Vec::new();
    if schema.has_spawn_edges {
        let sql = "SELECT parent_thread_id, child_thread_id FROM thread_spawn_edges";
        edges = collect(connection, sql, [], |row| Ok(thread_id(row, 0)?.zip(thread_id(row, 1)?)))?;
    }
    if schema.has(Col::Source) {
        let sql = "SELECT id, source FROM threads WHERE source LIKE '{%'";
        edges.extend(collect::<_, Vec<_>>(connection, sql, [], |row| {
            Ok(row.get_ref(1)?.as_str().ok().and_then(spawned_by).zip(thread_id(row, 0)?))
        })?);
    }
    let mut children = Children::new();
    for (parent, child) in edges {
        children.entry(parent).or_default().insert(child);
    }
    Ok(children)
}
