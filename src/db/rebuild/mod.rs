//! Builds a new state database beside an old one and puts it in its place; `src/rebuild.rs`
//! decides when that happens and which rollouts fill it.

mod carry;
mod condition;
mod ledger;
mod shape;
mod stand_in;
mod swap;

pub use carry::{Carried, CarriedTables};
pub use condition::Condition;
pub use swap::Replaced;

use super::backup::Staging;
use super::census::Census;
use super::create::{self, AUGUST, NEWEST, NewSchema};
use super::facts::DatabaseFacts;
use super::integrity;
use super::open::{Exclusive, OpenOptions, Reader, Trouble, Writer, explain, explain_io};
use super::salvage;
use super::schema::Schema;
use super::threads::ThreadStatements;
use crate::error::WithHint as _;
use crate::sys::remove_if_there;
use crate::thread::ThreadId;
use carry::TableGroup;
use chrono::{DateTime, Utc};
use condition::examine;
use rusqlite::backup::Backup;
use rusqlite::{Connection, OptionalExtension as _};
use shape::SchemaShape;
use stand_in::StandIn;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Size of the page cache while the new database is checked; a negative number is in KiB.
const CHECK_CACHE_KIB: i64 = -8 * 1024;

/// SQLite's table of tables, indexes and triggers.
const SCHEMA: &str = "sqlite_schema";

/// An old database, locked if SQLite can open it.
pub struct OldDatabase {
    path: PathBuf,
    lock: Option<Exclusive>,
    /// A copy that is read instead, if SQLite cannot read the files together.
    stand_in: Option<StandIn>,
    condition: Condition,
}

impl OldDatabase {
    /// Locks the database `path` and finds its condition.
    ///
    /// # Errors
    /// If another process has it open, or it cannot be read or written for a temporary reason.
    pub fn lock(path: &Path, options: &OpenOptions) -> anyhow::Result<OldDatabase> {
        let old = |lock, condition| {
            OldDatabase { path: path.to_owned(), lock, stand_in: None, condition }.or_copy()
        };
        // A reader looks first: another connection would play the log into a file that is not a database, and empty it.
        let first = Reader::open(path, options).err();
        let why = |error: &anyhow::Error| super::open::reason(error).unwrap_or_else(|| error.to_string());
        match first.as_ref().and_then(Trouble::of) {
            Some(Trouble::Missing) => return old(None, Condition::Missing),
            Some(Trouble::Empty | Trouble::NotADatabase) => {
                let text = first.as_ref().map(why).unwrap_or_default();
                return old(None, Condition::Unusable(text));
            }
            _ => {}
        }
        let lock = match Exclusive::open(path, options) {
            Ok(lock) => lock,
            Err(error) if Trouble::of(&error).is_some_and(Trouble::is_unusable) => {
                return old(None, Condition::Unusable(why(&error)));
            }
            Err(error) => return Err(error),
        };
        let condition = match examine(lock.connection()) {
            Ok(condition) => condition,
            Err(error) if super::open::class(&error).is_unusable() => Condition::Damaged(error.to_string()),
            Err(error) => return Err(explain(error, path, "check the database")),
        };
        old(Some(lock), condition)
    }

    /// Takes a copy to read from, if one can be read better.
    fn or_copy(mut self) -> anyhow::Result<OldDatabase> {
        let found = match self.condition {
            Condition::Damaged(_) => StandIn::without_log(&self.path)?,
            Condition::Unusable(_) => match StandIn::without_log(&self.path)? {
                None => StandIn::lengthened(&self.path)?,
                found => found,
            },
            Condition::Missing | Condition::Refused(_) | Condition::Sound => None,
        };
        if let Some((copy, problem)) = found {
            (self.stand_in, self.condition) = (Some(copy), Condition::Damaged(problem));
        }
        Ok(self)
    }

    /// Does the same to a private copy in `folder`, for a dry run. Does not change `path`.
    ///
    /// # Errors
    /// If [`OldDatabase::lock`] fails on the copy, or the copy cannot be made.
    pub fn lock_copy(path: &Path, folder: &Path, options: &OpenOptions) -> anyhow::Result<OldDatabase> {
        if !path.exists() {
            return OldDatabase::lock(path, options);
        }
        if Reader::open(path, options).is_ok() {
            Exclusive::probe(path, options)?;
        }
        let copy = super::open::private_copy(path, folder)?;
        OldDatabase::lock(&copy, options)
    }

    /// Returns its condition.
    #[must_use]
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Returns true if SQLite can open it; then it is locked, and no other process has it open.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// Counts the threads that Codex shows from it; `None` if they cannot be read.
    #[must_use]
    pub fn census(&self, default_provider: &str) -> Option<Census> {
        census(self.connection()?, default_provider).ok()
    }

    fn connection(&self) -> Option<&Connection> {
        let copy = self.stand_in.as_ref().map(StandIn::connection);
        copy.or_else(|| self.lock.as_ref().map(Exclusive::connection))
    }
}

/// Counts the threads that Codex shows from a database.
fn census(connection: &Connection, default_provider: &str) -> anyhow::Result<Census> {
    let schema = Schema::read(connection)?;
    Ok(Census::take(connection, &schema, default_provider)?)
}

/// A new database that is being built under another name, on the file system of its target.
pub struct NewDatabase {
    staging: Staging,
    path: PathBuf,
    target: PathBuf,
    level: i64,
}

/// Counts of the rows that a new database took from an old one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inherited {
    /// Counts by table. That of `threads` counts the threads that rollouts restored.
    pub tables: CarriedTables,
    /// Threads whose rows were kept, because no rollout in the home restored them.
    pub kept_threads: u64,
}

impl Inherited {
    /// True if the new database has every thread that the old one had.
    #[must_use]
    pub fn has_all_threads(&self) -> bool {
        carry::threads(&self.tables)
            .is_some_and(|threads| threads.unfit == 0 && threads.unreadable == Some(0))
    }
}

impl NewDatabase {
    /// Returns the level of a database that replaces `old`, and the tables and columns of `old` that do not fit into it.
    ///
    /// # Errors
    /// If the old database cannot be read for a reason other than damage.
    pub fn plan(old: &OldDatabase, schema: NewSchema) -> anyhow::Result<(i64, Vec<String>)> {
        let Some(connection) = old.connection() else { return Ok((schema.level(), Vec::new())) };
        let planned = || -> rusqlite::Result<(i64, Vec<String>)> {
            let shape = SchemaShape::of(connection)?;
            let mut level = ledger::level(connection, &shape, schema)?;
            let beyond = |level| shape.beyond(&SchemaShape::of_level(level)?, schema == NewSchema::Phase1);
            if !shape.is_whole && schema != NewSchema::Phase1 {
                // The ledger, or the tables that tell the level, may be in the part that cannot be read.
                while level < NEWEST && !beyond(level)?.is_empty() {
                    level = AUGUST.max(level + 1);
                }
            }
            let mut beyond = beyond(level)?;
            if (51..55).contains(&level) {
                beyond.retain(|name| name != shape::ARTIFACTS);
            }
            Ok((level, beyond))
        };
        planned().map_err(|error| explain(error, &old.path, "read the schema of the database"))
    }

    /// Begins a database that will be `target`; it is built in `folder`, on the same file system unless it is only
    /// a preview.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn begin(target: &Path, folder: &Path) -> anyhow::Result<NewDatabase> {
        let doing = "build a new database there";
        let explained = |error| explain_io(error, folder, doing);
        std::fs::create_dir_all(folder).map_err(explained)?;
        let staging = Staging::within(folder).map_err(explained)?;
        let path = staging.new_copy().map_err(explained)?;
        Ok(NewDatabase { staging, path, target: target.to_owned(), level: 0 })
    }

    /// Copies `old` into it, repairs the ledger, and returns the repaired versions. Returns `None`, and leaves it empty, if
    /// more than the ledger is wrong.
    ///
    /// # Errors
    /// If it cannot be written, or `old` cannot be read.
    pub fn mend(&mut self, old: &OldDatabase) -> anyhow::Result<Option<Vec<i64>>> {
        let Some(connection) = old.connection() else { return Ok(None) };
        let mend = || -> rusqlite::Result<Option<Vec<i64>>> {
            let mut copy = Connection::open(&self.path)?;
            copy.pragma_update(None, "synchronous", "OFF")?;
            Backup::new(connection, &mut copy)?.run_to_completion(512, Duration::ZERO, None)?;
            let transaction = copy.unchecked_transaction()?;
            let mended = ledger::mend(&transaction)?;
            transaction.commit()?;
            copy.close().map_err(|(_, error)| error)?;
            Ok(mended)
        };
        let mended = mend().map_err(|error| explain(error, &self.target, "copy the database"))?;
        if mended.is_none() {
            let again = self.staging.new_copy();
            self.path = again.map_err(|error| explain_io(error, &self.target, "build a new database"))?;
        }
        Ok(mended)
    }

    /// Copies `file` into it, byte by byte, and then applies its log.
    ///
    /// # Errors
    /// If `file` cannot be read, or the copy cannot be written.
    pub fn take(&mut self, file: &Path) -> anyhow::Result<()> {
        let explained = |error| explain_io(error, &self.target, "put the old database back");
        std::fs::remove_file(&self.path).map_err(explained)?;
        self.path = super::open::private_copy(file, self.staging.folder())?;
        let log = crate::home::with_suffix(&self.path, "-wal");
        if StandIn::without_log(&self.path)?.is_some() {
            // It stays beside `file`.
            remove_if_there(&log).map_err(explained)?;
        } else if log.exists() {
            // One file is what can be put in place in one step.
            let lock = Exclusive::open(&self.path, &OpenOptions::default());
            lock.and_then(|mut lock| lock.settle())?;
        }
        Ok(())
    }

    /// Creates its tables, and carries the rows that threads may refer to. Returns the facts that `old` has about threads,
    /// if it has any.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn build(
        &mut self,
        old: &OldDatabase,
        level: i64,
        options: &OpenOptions,
        inherited: &mut Inherited,
    ) -> anyhow::Result<(Writer, Option<DatabaseFacts>)> {
        self.level = level;
        let explained = |error| explain(error, &self.target, "build a new database");
        create::build_at(&self.path, level).map_err(explained)?;
        let writer = Writer::open(&self.path, options)?;
        let facts = self.inherit(old, &writer, inherited)?;
        // The rows of all threads are written next. No journal could save them from a crash: the next run begins anew.
        writer.without_journal().map_err(explained)?;
        Ok((writer, facts))
    }

    /// Carries the rows that threads may refer to. Returns the facts that `old` has about threads, if it has any.
    fn inherit(
        &self,
        old: &OldDatabase,
        writer: &Writer,
        inherited: &mut Inherited,
    ) -> anyhow::Result<Option<DatabaseFacts>> {
        let Some(connection) = old.connection() else { return Ok(None) };
        let mut carry = || -> rusqlite::Result<()> {
            let entries = salvage::each_row(connection, SCHEMA, &["type"], |_, _| Ok(()))?;
            if !entries.is_whole {
                // Tables may be lost of which not even the name is known.
                let found = Carried { rows: entries.read, unfit: 0, unreadable: None };
                inherited.tables.insert(SCHEMA.to_owned(), found);
            }
            let new = writer.connection().unchecked_transaction()?;
            if (51..55).contains(&self.level) {
                make_artifacts(connection, &new)?;
            }
            carry::carry_tables(connection, &new, TableGroup::Before, &mut inherited.tables)?;
            ledger::repeat(connection, &new)?;
            new.commit()
        };
        carry().map_err(|error| explain(error, &self.target, "build a new database"))?;
        let facts = match DatabaseFacts::of_replaced(connection) {
            Ok(facts) => facts,
            // It has no table of threads, or nothing of that can be read.
            Err(error) if Trouble::of(&error).is_none_or(Trouble::is_unusable) => return Ok(None),
            Err(error) => return Err(error),
        };
        let threads = carry::count_threads(connection, facts.salvage(), facts.count()?);
        inherited.tables.insert("threads".to_owned(), threads);
        Ok(Some(facts))
    }

    /// Carries the rows that refer to threads. Call it after the threads are written.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn carry(&self, old: &OldDatabase, writer: &Writer, inherited: &mut Inherited) -> anyhow::Result<()> {
        let explained = |error| explain(error, &self.target, "carry over what the old database knows");
        writer.with_journal().map_err(explained)?;
        let Some(connection) = old.connection() else { return Ok(()) };
        let mut carry = || -> rusqlite::Result<u64> {
            let has_threads = SchemaShape::of(connection)?.tables.contains_key("threads");
            // A backfill without facts does without.
            writer.connection().pragma_update(None, "foreign_keys", true)?;
            let new = writer.connection().unchecked_transaction()?;
            let mut kept = 0;
            if has_threads {
                let left = carry::carry_columns(connection, &new)?;
                kept = carry::carry_left(connection, &new, &left, &mut inherited.tables)?;
            }
            carry::carry_tables(connection, &new, TableGroup::After, &mut inherited.tables)?;
            new.commit()?;
            Ok(kept)
        };
        inherited.kept_threads = carry().map_err(explained)?;
        Ok(())
    }

    /// Checks that it is sound and a single file, and counts its threads.
    ///
    /// # Errors
    /// If it is damaged, its log could not be emptied, or it cannot be read.
    pub fn check(&self, default_provider: &str) -> anyhow::Result<Census> {
        let doing = "check the new database";
        let check = |connection: &Connection| -> rusqlite::Result<Option<String>> {
            let problem = integrity::problems(connection, 1)?.into_iter().next();
            if problem.is_some() || self.level == 0 {
                return Ok(problem);
            }
            let sql = "SELECT \"table\" || ' refers to rows that are not there' FROM pragma_foreign_key_check LIMIT 1";
            connection.query_row(sql, [], |row| row.get(0)).optional()
        };
        let explained = |error| explain(error, &self.path, doing);
        let connection = Connection::open(&self.path).map_err(explained)?;
        // Each row is looked up in every index.
        connection.pragma_update(None, "cache_size", CHECK_CACHE_KIB).map_err(explained)?;
        let problem = check(&connection).map_err(explained)?;
        let census = census(&connection, default_provider)?;
        connection.close().map_err(|(_, error)| explained(error))?;
        let has_log = crate::home::with_suffix(&self.path, "-wal").exists();
        let problem = problem.or_else(|| has_log.then(|| "its log could not be emptied".to_owned()));
        match problem {
            None => Ok(census),
            Some(problem) => Err(anyhow::anyhow!("{}: cannot {doing}: {problem}", self.target.display())
                .hint("the old database is as it was; run the command again")),
        }
    }

    /// Returns the ids that have no row in it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn without_row(&self, ids: &[ThreadId]) -> anyhow::Result<Vec<ThreadId>> {
        let find = || -> rusqlite::Result<Vec<ThreadId>> {
            ThreadStatements::without_row(&Connection::open(&self.path)?, ids)
        };
        find().map_err(|error| explain(error, &self.path, "read the new database"))
    }

    /// Replaces `old` with it. Returns the present paths of the replaced files.
    ///
    /// # Errors
    /// If a file cannot be renamed; then the old database is in its place.
    pub fn replace(&self, old: OldDatabase, now: DateTime<Utc>) -> anyhow::Result<Replaced> {
        let is_there = old.condition != Condition::Missing;
        let OldDatabase { path, lock, stand_in, .. } = old;
        let keeps_log = stand_in.is_some_and(|copy| copy.is_without_log);
        let old = is_there.then_some(swap::Old { path: &path, lock, keeps_log, reading: None });
        swap::replace(&self.path, &self.target, old, now)
    }
}

/// Creates the table of level 51 as the old database has it.
fn make_artifacts(old: &Connection, new: &Connection) -> rusqlite::Result<()> {
    let sql =
        "SELECT sql FROM sqlite_schema WHERE tbl_name = ?1 AND sql IS NOT NULL ORDER BY type = 'table' DESC";
    let mut statement = old.prepare(sql)?;
    let mut rows = statement.query([shape::ARTIFACTS])?;
    while let Some(row) = rows.next()? {
        new.execute_batch(&row.get::<_, String>(0)?)?;
    }
    Ok(())
}
