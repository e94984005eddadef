//! Reads which thread spawned which.

use super::row::to_cell;
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
    let mut children = Children::new();
    let mut add = |parent: Option<ThreadId>, child: Option<ThreadId>| {
        if let (Some(parent), Some(child)) = (parent, child) {
            children.entry(parent).or_default().insert(child);
        }
    };
    let id = |cell: crate::thread::cell::Cell| cell.as_text().and_then(ThreadId::parse);
    if schema.has_spawn_edges {
        let mut statement =
            connection.prepare("SELECT parent_thread_id, child_thread_id FROM thread_spawn_edges")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            add(id(to_cell(row.get_ref(0)?)), id(to_cell(row.get_ref(1)?)));
        }
    }
    if schema.has(Col::Source) {
        let mut statement = connection.prepare("SELECT id, source FROM threads WHERE source LIKE '{%'")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let source = to_cell(row.get_ref(1)?);
            add(source.as_text().and_then(spawned_by), id(to_cell(row.get_ref(0)?)));
        }
    }
    Ok(children)
}
