//! What another state database knows of threads, taken out of it once; the rules of what becomes of it are in
//! `thread/facts.rs`.
//!
//! The rows go to a temporary database of our own: read in one pass, as one state of the other database whoever uses
//! it, and found by id afterwards without a further look. A damaged database is read around its damage: this is what
//! people have left after theirs broke.

use super::open::{OpenOptions, Reader, Trouble, reason};
use super::row::to_cell;
use super::salvage::{self, Salvage, quoted};
use super::schema::{self, Schema};
use crate::error::{WithHint as _, shell_word};
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{COLUMNS, ColumnSet, Row, Truth, index, is_updated_at};
use anyhow::anyhow;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// A table of what belongs to a parent, and its column that names the parent.
type Belonging = (&'static str, &'static str);

/// What a row may refer to: the column, the table of its parents, and the table of what belongs to a parent, by the
/// column that names it.
const REFERENCES: [(usize, &str, Option<Belonging>); 2] = [
    (index::THREAD_SECTION_ID, "thread_sections", None),
    (index::PROJECT_ID, "projects", Some(("project_roots", "project_id"))),
];

/// The facts of one other database.
#[derive(Debug)]
pub struct Facts {
    /// A temporary database with the rows.
    copy: Connection,
    columns: ColumnSet,
    select: String,
    parents: [Parents; REFERENCES.len()],
    salvage: Salvage,
    /// Whether they are whole rows, of the database that is being replaced.
    replaces: bool,
}

/// Whole rows of a small table, by one of their columns.
#[derive(Debug, Default)]
struct Parents {
    columns: Vec<String>,
    rows: HashMap<String, Vec<Vec<Cell>>>,
    /// What belongs to them.
    children: Option<Box<Parents>>,
}

/// What is left to do with a database of which nothing can be read.
fn beyond_reading(path: &Path) -> String {
    format!(
        "a backup has such facts, too; `sqlite3 {} .recover` may save some; without them, codex-state backfill still \
         makes all rows from the rollouts",
        shell_word(path)
    )
}

impl Facts {
    /// Takes the facts out of the database `path`, of which nothing changes.
    ///
    /// # Errors
    /// It cannot be opened, is no state database, or nothing at all can be read of its threads.
    pub fn take(path: &Path, options: &OpenOptions) -> anyhow::Result<Facts> {
        let useless =
            |why: &dyn std::fmt::Display| anyhow!("{}: cannot take facts from it: {why}", path.display());
        let taken = Reader::open(path, options).and_then(|mut reader| reader.read(Facts::of));
        let facts = taken.map_err(|error| match Trouble::of(&error) {
            // Not with the hint that belongs to a database in use.
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
    /// If it is no state database, or cannot be read for another reason than damage.
    pub fn of(from: &Connection) -> anyhow::Result<Facts> {
        let schema = Schema::read(from)?;
        Facts::read(from, schema.columns.iter().filter(|&position| may_matter(position)).collect())
    }

    /// Reads all that an open database says of threads, for the one that is to replace it.
    ///
    /// # Errors
    /// As [`Facts::of`].
    pub fn of_replaced(from: &Connection) -> anyhow::Result<Facts> {
        let facts = Facts::read(from, Schema::read(from)?.columns)?;
        Ok(Facts { replaces: true, ..facts })
    }

    fn read(from: &Connection, columns: ColumnSet) -> anyhow::Result<Facts> {
        let names = quoted(columns.iter().map(|position| COLUMNS[position].name));
        let copy = Connection::open("")?;
        copy.execute_batch(&format!("CREATE TABLE facts ({names}, PRIMARY KEY (id)) WITHOUT ROWID; BEGIN"))?;
        let salvage = copy_rows(from, &copy, columns)?;
        copy.execute_batch("COMMIT")?;
        let mut parents = <[Parents; REFERENCES.len()]>::default();
        for ((_, table, children), parents) in REFERENCES.iter().zip(&mut parents) {
            *parents = Parents::read(from, table, "id");
            let children = children.map(|(table, key)| Box::new(Parents::read(from, table, key)));
            parents.children = children.filter(|children| !children.columns.is_empty());
        }
        let select = format!("SELECT {names} FROM facts WHERE id = ?1");
        Ok(Facts { copy, columns, select, parents, salvage, replaces: false })
    }

    /// Whether every row could be read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.salvage.is_whole
    }

    /// What could be read of the table of threads.
    pub(in crate::db) fn salvage(&self) -> Salvage {
        self.salvage
    }

    /// Whether they are whole rows, of the database that is being replaced.
    #[must_use]
    pub fn replaces(&self) -> bool {
        self.replaces
    }

    /// Calls `each` with every thread's id and the path of its rollout, where the rows are whole.
    ///
    /// # Errors
    /// If the temporary database cannot be read.
    pub fn each_path(&self, mut each: impl FnMut(&str, &str)) -> rusqlite::Result<()> {
        if !self.replaces || !self.columns.contains(index::ROLLOUT_PATH) {
            return Ok(());
        }
        let mut statement = self.copy.prepare("SELECT id, rollout_path FROM facts")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if let (Ok(id), Ok(path)) = (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str()) {
                each(id, path);
            }
        }
        Ok(())
    }

    /// How many threads they are about.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn count(&self) -> anyhow::Result<u64> {
        let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        Ok(self.copy.query_row("SELECT count(*) FROM facts", [], count)?.unsigned_abs())
    }

    fn get(&self, id: ThreadId) -> rusqlite::Result<Option<Row>> {
        let mut statement = self.copy.prepare_cached(&self.select)?;
        let read = |row: &rusqlite::Row<'_>| {
            let mut cells = Row::empty();
            for (i, position) in self.columns.iter().enumerate() {
                cells.cells[position] = Some(to_cell(row.get_ref(i)?));
            }
            Ok(cells)
        };
        statement.query_row([id.to_string()], read).optional()
    }
}

/// Whether a rule in `thread/facts.rs` asks for the column: whatever the file is not always right about, and the times
/// that tell how old a row is.
fn may_matter(position: usize) -> bool {
    COLUMNS[position].truth != Truth::File || is_updated_at(position)
}

/// Copies the rows whose id is text into `to`.
fn copy_rows(from: &Connection, to: &Connection, columns: ColumnSet) -> rusqlite::Result<Salvage> {
    let names: Vec<&str> = columns.iter().map(|position| COLUMNS[position].name).collect();
    let id = columns.iter().position(|position| position == index::ID).unwrap_or(0);
    let places = vec!["?"; names.len()].join(", ");
    let into = quoted(names.iter().copied());
    let mut insert = to.prepare(&format!("INSERT OR IGNORE INTO facts ({into}) VALUES ({places})"))?;
    salvage::each_row(from, "threads", &names, |_, cells| {
        // Ids of other types or spellings are no threads.
        if cells[id].as_text().and_then(ThreadId::parse).is_some() {
            insert.execute(params_from_iter(cells))?;
        }
        Ok(())
    })
}

impl Parents {
    /// Reads a table whole; one that is not there, or cannot be read, has no rows.
    fn read(connection: &Connection, table: &str, key: &str) -> Parents {
        Parents::try_read(connection, table, key).unwrap_or_default()
    }

    fn try_read(connection: &Connection, table: &str, key: &str) -> rusqlite::Result<Parents> {
        let columns = schema::writable_columns(connection, table)?;
        let Some(key) = columns.iter().position(|column| column == key) else {
            return Ok(Parents::default());
        };
        let sql = format!("SELECT {} FROM {table}", quoted(columns.iter().map(String::as_str)));
        let mut statement = connection.prepare(&sql)?;
        let mut parents = Parents { columns, ..Parents::default() };
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let cells: Result<Vec<Cell>, _> = (0..parents.columns.len())
                .map(|i| Ok::<_, rusqlite::Error>(to_cell(row.get_ref(i)?)))
                .collect();
            let cells = cells?;
            if let Some(id) = cells[key].as_text() {
                parents.rows.entry(id.to_owned()).or_default().push(cells);
            }
        }
        Ok(parents)
    }

    /// Whether rows of this table may be inserted into that of the same name.
    fn fit(&self, connection: &Connection, table: &str) -> rusqlite::Result<bool> {
        let names: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        Ok(!names.is_empty() && schema::has_shape(connection, table, &names)?)
    }

    fn insert(&self, connection: &Connection, table: &str, id: &str) -> rusqlite::Result<usize> {
        let places = vec!["?"; self.columns.len()].join(", ");
        let names = quoted(self.columns.iter().map(String::as_str));
        let sql = format!("INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING");
        let mut inserted = 0;
        for row in self.rows.get(id).into_iter().flatten() {
            inserted += connection.prepare_cached(&sql)?.execute(params_from_iter(row))?;
        }
        Ok(inserted)
    }
}

/// Which rows of one reference can be inserted where they are missing.
#[derive(Debug, Clone, Copy, Default)]
struct Fits {
    parents: bool,
    /// The rows that belong to the parents.
    children: bool,
}

/// The facts as far as they fit into one database, whose rows may refer to nothing that is missing.
#[derive(Debug)]
pub struct FittingFacts<'a> {
    facts: &'a Facts,
    /// The parents that are there.
    known: [BTreeSet<String>; REFERENCES.len()],
    fits: [Fits; REFERENCES.len()],
    lost: RefCell<BTreeSet<(&'static str, String)>>,
}

impl<'a> FittingFacts<'a> {
    /// Looks at the database that the facts are for.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn new(facts: &'a Facts, connection: &Connection) -> rusqlite::Result<FittingFacts<'a>> {
        let mut fitting = FittingFacts {
            facts,
            known: Default::default(),
            fits: Default::default(),
            lost: RefCell::default(),
        };
        for (i, (_, table, children)) in REFERENCES.iter().enumerate() {
            let parents = &facts.parents[i];
            fitting.known[i] = Parents::try_read(connection, table, "id")?.rows.into_keys().collect();
            fitting.fits[i].parents = parents.fit(connection, table)?;
            if let (Some((table, _)), Some(parents)) = (children, &parents.children) {
                fitting.fits[i].children = parents.fit(connection, table)?;
            }
        }
        Ok(fitting)
    }

    /// What is known of a thread, without references to what neither is in the database nor can be inserted.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn of(&self, id: ThreadId) -> rusqlite::Result<Option<Row>> {
        let Some(mut row) = self.facts.get(id)? else { return Ok(None) };
        for (i, (position, table, _)) in REFERENCES.iter().enumerate() {
            let Some(parent) = row.text(*position).filter(|id| !id.is_empty()) else { continue };
            let can_be_inserted = self.fits[i].parents && self.facts.parents[i].rows.contains_key(parent);
            if !self.known[i].contains(parent) && !can_be_inserted {
                self.lost.borrow_mut().insert((*table, parent.to_owned()));
                row.cells[*position] = None;
            }
        }
        Ok(Some(row))
    }

    /// Inserts what a row that is about to be written refers to, where it is missing.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn insert_parents(&self, connection: &Connection, row: &Row) -> rusqlite::Result<()> {
        for (i, (position, table, children)) in REFERENCES.iter().enumerate() {
            let Some(parent) = row.text(*position).filter(|parent| !self.known[i].contains(*parent)) else {
                continue;
            };
            let parents = &self.facts.parents[i];
            if !self.fits[i].parents || parents.insert(connection, table, parent)? == 0 {
                continue;
            }
            if let (Some((table, _)), Some(children), true) =
                (children, &parents.children, self.fits[i].children)
            {
                children.insert(connection, table, parent)?;
            }
        }
        Ok(())
    }

    /// Tables and ids of what threads referred to and what could not be brought back.
    #[must_use]
    pub fn lost(&self) -> Vec<(&'static str, String)> {
        self.lost.borrow().iter().cloned().collect()
    }
}
