//! Reads what another state database knows about threads. The rules for using it are in `thread/facts.rs`.
//!
//! The rows are copied once into a temporary database of our own. So they are one state of the other database even
//! while another program uses it, and each is then found by id. Damaged parts of a database are skipped, because a
//! damaged database is often all that is left.

use super::open::{OpenOptions, Reader, Trouble, reason};
use super::packed;
use super::row::{self, set_cell, to_cell};
use super::salvage::{self, Salvage, insert_into, quoted};
use super::schema::{self, Schema};
use super::spill::temporary_database;
use crate::error::{WithHint as _, shell_word};
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{Col, ColumnSet, Row, Truth};
use anyhow::anyhow;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// A child table of a parent table, and its column that identifies the parent.
type Belonging = (&'static str, &'static str);

/// The references of a row: the column, the table of the parents, and the table of the parents' children with the
/// column that identifies the parent.
const REFERENCES: [(Col, &str, Option<Belonging>); 2] = [
    (Col::ThreadSectionId, "thread_sections", None),
    (Col::ProjectId, "projects", Some(("project_roots", "project_id"))),
];

/// The facts from one other database.
#[derive(Debug)]
pub struct DatabaseFacts {
    /// A temporary database with the rows.
    copy: Connection,
    columns: ColumnSet,
    parents: [Parents; REFERENCES.len()],
    salvage: Salvage,
    /// True if they are whole rows of the database that is being replaced.
    replaces: bool,
    /// A row whose memory is free.
    spare: RefCell<Option<Row>>,
}

/// Complete rows of a small table, by one of their columns.
#[derive(Debug, Default)]
struct Parents {
    columns: Vec<String>,
    rows: HashMap<String, Vec<Vec<Cell>>>,
    /// The rows of the child table.
    children: Option<Box<Parents>>,
}

/// Returns advice for a database of which nothing can be read.
fn beyond_reading(path: &Path) -> String {
    format!(
        "a backup has such facts, too; `sqlite3 {} .recover` may save some; without them, codex-state backfill still \
         makes all rows from the rollouts",
        shell_word(path)
    )
}

impl DatabaseFacts {
    /// Copies the facts from the database `path`, which is not changed.
    ///
    /// # Errors
    /// If it cannot be opened, is not a state database, or none of its threads can be read.
    pub fn take(path: &Path, options: &OpenOptions) -> anyhow::Result<DatabaseFacts> {
        let useless =
            |why: &dyn std::fmt::Display| anyhow!("{}: cannot take facts from it: {why}", path.display());
        let taken = Reader::open(path, options).and_then(|mut reader| reader.read(DatabaseFacts::of));
        let facts = taken.map_err(|error| match Trouble::of(&error) {
            // Replaces the hint, which is for a database in use.
            Some(trouble) if trouble.is_unusable() => {
                useless(&reason(&error).unwrap_or_default()).hint(beyond_reading(path))
            }
            Some(_) => error,
            None => useless(&format_args!("{error:#}"))
                .hint("name another state database, a backup of one, or what prune saved"),
        })?;
        if !facts.is_whole() && facts.count()? == 0 {
            return Err(useless(&"none of its threads can be read: the database is damaged")
                .hint(beyond_reading(path)));
        }
        Ok(facts)
    }

    /// Reads the facts of an open database, as far as its pages can be read.
    ///
    /// # Errors
    /// If it is not a state database, or cannot be read for another reason than damage.
    pub fn of(from: &Connection) -> anyhow::Result<DatabaseFacts> {
        let schema = Schema::read_threads(from)?;
        DatabaseFacts::read(from, schema.columns.iter().filter(|&col| may_matter(col)).collect())
    }

    /// Reads everything that an open database has about threads, for the database that will replace it.
    ///
    /// # Errors
    /// The same as [`DatabaseFacts::of`].
    pub fn of_replaced(from: &Connection) -> anyhow::Result<DatabaseFacts> {
        let facts = DatabaseFacts::read(from, Schema::read_threads(from)?.columns)?;
        Ok(DatabaseFacts { replaces: true, ..facts })
    }

    fn read(from: &Connection, columns: ColumnSet) -> anyhow::Result<DatabaseFacts> {
        let copy = temporary_database()?;
        copy.execute_batch("CREATE TABLE facts (id TEXT, cells BLOB); BEGIN")?;
        let salvage = copy_rows(from, &copy, columns)?;
        index_ids(&copy)?;
        copy.execute_batch("COMMIT")?;
        // Most of the other database's pages are not needed again.
        from.execute_batch("PRAGMA shrink_memory")?;
        let mut parents = <[Parents; REFERENCES.len()]>::default();
        for ((_, table, children), parents) in REFERENCES.iter().zip(&mut parents) {
            // An unreadable table has no rows.
            let read = |table, key| Parents::read(from, table, key).unwrap_or_default();
            *parents = read(table, "id");
            let children = children.map(|(table, key)| Box::new(read(table, key)));
            parents.children = children.filter(|children| !children.columns.is_empty());
        }
        Ok(DatabaseFacts { copy, columns, parents, salvage, replaces: false, spare: RefCell::default() })
    }

    /// Returns true if every row could be read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.salvage.is_whole
    }

    /// Returns what could be read of the table of threads.
    pub(in crate::db) fn salvage(&self) -> Salvage {
        self.salvage
    }

    /// Returns true if they are whole rows of the database that is being replaced.
    #[must_use]
    pub fn replaces(&self) -> bool {
        self.replaces
    }

    /// Calls `each` with every thread's id and the path of its rollout, if the rows are whole.
    ///
    /// # Errors
    /// If the temporary database cannot be read.
    pub fn each_path(&self, mut each: impl FnMut(&str, &str)) -> rusqlite::Result<()> {
        if !self.replaces || !self.columns.contains(Col::RolloutPath) {
            return Ok(());
        }
        let mut statement = self.copy.prepare("SELECT cells FROM facts")?;
        let mut rows = statement.query([])?;
        let mut facts = Row::empty();
        while let Some(row) = rows.next()? {
            self.unpack(row, &mut facts)?;
            if let (Some(id), Some(path)) = (facts.text(Col::Id), facts.text(Col::RolloutPath)) {
                each(id, path);
            }
        }
        Ok(())
    }

    /// Returns the number of threads with facts.
    ///
    /// # Errors
    /// If the temporary database cannot be read.
    pub fn count(&self) -> anyhow::Result<u64> {
        Ok(row::count(&self.copy, "SELECT count(*) FROM facts")?)
    }

    fn get(&self, id: ThreadId) -> rusqlite::Result<Option<Row>> {
        let mut statement = self.copy.prepare_cached("SELECT cells FROM facts WHERE id = ?1")?;
        let read = |row: &rusqlite::Row<'_>| {
            let mut facts = self.spare.take().unwrap_or_else(Row::empty);
            self.unpack(row, &mut facts).map(|()| facts)
        };
        statement.query_row([id.encode(&mut [0; 36])], read).optional()
    }

    /// Sets the cells of the facts to those in the first column of a row of the copy.
    fn unpack(&self, row: &rusqlite::Row<'_>, facts: &mut Row) -> rusqlite::Result<()> {
        let mut cells = row.get_ref(0)?.as_blob().unwrap_or_default();
        for col in self.columns.iter() {
            set_cell(&mut facts[col], packed::next(&mut cells).unwrap_or(ValueRef::Null));
        }
        Ok(())
    }
}

/// Makes each copied row findable by its id, and keeps only the first of the rows with one id.
///
/// The rows are appended in the order in which they were read. A table sorted by id would be written page by page in
/// random order.
fn index_ids(copy: &Connection) -> rusqlite::Result<()> {
    copy.execute_batch("CREATE INDEX by_id ON facts(id)")?;
    if row::count(copy, "SELECT count(*) - count(DISTINCT id) FROM facts")? > 0 {
        copy.execute_batch(
            "DELETE FROM facts WHERE rowid NOT IN (SELECT min(rowid) FROM facts GROUP BY id)",
        )?;
    }
    Ok(())
}

/// Returns true if a rule in `thread/facts.rs` uses the column. These are the columns for which the file is not
/// always right, and the times that show how old a row is.
fn may_matter(col: Col) -> bool {
    col.column().truth != Truth::File || col.is_updated_at()
}

/// Copies the rows whose id is text into `to`.
fn copy_rows(from: &Connection, to: &Connection, columns: ColumnSet) -> rusqlite::Result<Salvage> {
    let names: Vec<&str> = columns.iter().map(|col| col.name()).collect();
    let id = columns.iter().position(|col| col == Col::Id).unwrap_or(0);
    let mut insert = to.prepare("INSERT INTO facts (id, cells) VALUES (?1, ?2)")?;
    let mut cells = Vec::new();
    salvage::each_row(from, "threads", &names, |_, row| {
        // Rows with ids of other types or spellings are not threads.
        let Some(id) = row.get(id)?.as_str().ok().filter(|id| ThreadId::parse(id).is_some()) else {
            return Ok(());
        };
        cells.clear();
        for column in 0..names.len() {
            packed::push(&mut cells, row.get(column)?);
        }
        insert.execute((id, &cells)).map(drop)
    })
}

impl Parents {
    /// Reads a whole table. A table that is missing has no rows.
    fn read(connection: &Connection, table: &str, key: &str) -> rusqlite::Result<Parents> {
        let columns = schema::writable_columns(connection, table)?;
        let Some(key) = columns.iter().position(|column| column == key) else {
            return Ok(Parents::default());
        };
        let sql = format!("SELECT {} FROM {table}", quoted(columns.iter().map(String::as_str)));
        let mut statement = connection.prepare(&sql)?;
        let mut parents = Parents { columns, ..Parents::default() };
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let cells = (0..parents.columns.len()).map(|i| row.get_ref(i).map(to_cell));
            let cells = cells.collect::<rusqlite::Result<Vec<Cell>>>()?;
            if let Some(id) = cells[key].as_text() {
                parents.rows.entry(id.to_owned()).or_default().push(cells);
            }
        }
        Ok(parents)
    }

    /// Returns the rows if they can be inserted into the table of the same name.
    fn fitting(&self, connection: &Connection, table: &str) -> rusqlite::Result<Option<&Parents>> {
        let names: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        Ok((!names.is_empty() && schema::has_shape(connection, table, &names)?).then_some(self))
    }

    fn insert(&self, connection: &Connection, table: &str, id: &str) -> rusqlite::Result<usize> {
        let sql = insert_into("INSERT", table, &self.columns) + " ON CONFLICT DO NOTHING";
        let mut inserted = 0;
        for row in self.rows.get(id).into_iter().flatten() {
            inserted += connection.prepare_cached(&sql)?.execute(params_from_iter(row))?;
        }
        Ok(inserted)
    }
}

/// The facts that fit into one database, whose rows must not refer to missing rows.
#[derive(Debug)]
pub struct FittingFacts<'a> {
    facts: &'a DatabaseFacts,
    /// The ids of existing parents.
    known: [BTreeSet<String>; REFERENCES.len()],
    /// The rows that can be inserted, and those of the child table.
    parents: [Option<&'a Parents>; REFERENCES.len()],
    children: [Option<&'a Parents>; REFERENCES.len()],
    lost: RefCell<BTreeSet<(&'static str, String)>>,
}

impl<'a> FittingFacts<'a> {
    /// Checks the database that will receive the facts.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn new(facts: &'a DatabaseFacts, connection: &Connection) -> rusqlite::Result<FittingFacts<'a>> {
        let mut fitting = FittingFacts {
            facts,
            known: Default::default(),
            parents: Default::default(),
            children: Default::default(),
            lost: RefCell::default(),
        };
        for (i, (_, table, children)) in REFERENCES.iter().enumerate() {
            let parents = &facts.parents[i];
            fitting.known[i] = Parents::read(connection, table, "id")?.rows.into_keys().collect();
            fitting.parents[i] = parents.fitting(connection, table)?;
            if let (Some((table, _)), Some(children)) = (children, &parents.children) {
                fitting.children[i] = children.fitting(connection, table)?;
            }
        }
        Ok(fitting)
    }

    /// Returns the facts about a thread, without references to parents that neither exist nor can be inserted.
    ///
    /// # Errors
    /// If a database cannot be read.
    pub fn of(&self, id: ThreadId) -> rusqlite::Result<Option<Row>> {
        let Some(mut row) = self.facts.get(id)? else { return Ok(None) };
        for (i, (col, table, _)) in REFERENCES.iter().enumerate() {
            let Some(parent) = row.text(*col).filter(|id| !id.is_empty()) else { continue };
            let can_be_inserted = self.parents[i].is_some_and(|parents| parents.rows.contains_key(parent));
            if !self.known[i].contains(parent) && !can_be_inserted {
                self.lost.borrow_mut().insert((*table, parent.to_owned()));
                row[*col] = None;
            }
        }
        Ok(Some(row))
    }

    /// Takes a row of [`FittingFacts::of`] that is no longer needed. Its memory is used for the next one.
    pub fn reuse(&self, row: Option<Row>) {
        if let Some(row) = row.filter(Row::is_small) {
            self.facts.spare.replace(Some(row));
        }
    }

    /// Inserts the missing parents of a row that is about to be written.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn insert_parents(&self, connection: &Connection, row: &Row) -> rusqlite::Result<()> {
        for (i, (col, table, children)) in REFERENCES.iter().enumerate() {
            let Some(parent) = row.text(*col).filter(|parent| !self.known[i].contains(*parent)) else {
                continue;
            };
            if let Some(parents) = self.parents[i]
                && parents.insert(connection, table, parent)? > 0
                && let (Some((table, _)), Some(children)) = (children, self.children[i])
            {
                children.insert(connection, table, parent)?;
            }
        }
        Ok(())
    }

    /// Returns tables and ids of the parents that could not be restored.
    #[must_use]
    pub fn lost(&self) -> Vec<(&'static str, String)> {
        self.lost.borrow().iter().cloned().collect()
    }
}
