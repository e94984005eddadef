//! Builds and runs the statement behind `list`: one page of threads in order, through the table's own indexes. Reads
//! only.
//!
//! A listing is read page by page, each strictly after the (time, id) of the last row of the previous page. So a page
//! can be read again if the database changed, memory stays bounded, and no transaction is long.
//!
//! The time of a row is its `…_ms` column if that contains milliseconds, otherwise its seconds. Rows of the second
//! kind (from old bugs or edits by hand) are searched for first, which costs two index look-ups. Only if there are
//! any, a second, slower select is merged with the first.

use super::conditions::{self, Conditions};
use super::page::Page;
use super::query::{CursorTime, Position, Query, Sort, TimeColumns};
use crate::catalog::names::Names;
use crate::db::row::to_cell;
use crate::db::schema::Schema;
use crate::db::shown::Rule;
use crate::thread::cell::Cell;
use crate::thread::columns::Col;
use crate::thread::equivalence::FIRST_MILLISECONDS;
use crate::thread::search::Search;
use crate::thread::{Millis, ThreadId};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params_from_iter};
use std::sync::Arc;

/// Maximum rows of a page: enough that passing a page to another thread costs little in comparison.
const PAGE_ROWS: usize = 8192;

/// A query prepared for one database.
#[derive(Debug)]
pub(super) struct Listing {
    query: Query,
    time: TimeColumns,
    /// True if there are rows whose millisecond column contains no milliseconds.
    has_odd_rows: bool,
    /// The selected columns, before time and id.
    select: String,
    /// Conditions that are the same on every page, with their values.
    fixed: Conditions,
    /// The number of texts to search, after the columns.
    searched: usize,
    /// The position of the id among the selected columns.
    id_place: usize,
    /// The names of the session index, if the database has no column for names.
    names: Option<Arc<Names>>,
}

impl Listing {
    /// Prepares a query. `names` are those of `session_index.jsonl`; they replace the column for names if the database
    /// lacks it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(super) fn new(
        connection: &Connection,
        schema: &Schema,
        mut query: Query,
        names: Option<Arc<Names>>,
    ) -> rusqlite::Result<Listing> {
        if query.shown == Some(true) {
            (query.archived, query.hidden) = (Some(false), false);
        }
        let time = TimeColumns::of(query.sort, schema);
        let has_odd_rows = match time.milliseconds {
            Some(column) => has_odd_rows(connection, column)?,
            None => false,
        };
        let name = |&col: &Col| {
            if schema.has(col) { format!("\"{}\"", col.name()) } else { "NULL".to_owned() }
        };
        let searched: Vec<String> = [Col::Title, Col::Name, Col::Preview, Col::FirstUserMessage]
            .iter()
            .filter(|col| !query.search.is_empty() && schema.has(**col))
            .map(name)
            .collect();
        let reasons = query.with_reasons.then(|| Rule::new(schema, &query.default_provider).reasons());
        let select: Vec<String> =
            query.columns.iter().map(name).chain(reasons).chain(searched.iter().cloned()).collect();
        let fixed = conditions::fixed(connection, schema, &query, time)?;
        let id_place = query.columns.iter().position(|&column| column == Col::Id);
        Ok(Listing {
            id_place: id_place.unwrap_or(select.len() + 1),
            select: select.iter().map(|column| format!("{column}, ")).collect(),
            searched: searched.len(),
            time,
            has_odd_rows,
            fixed,
            names: names.filter(|_| !schema.has(Col::Name)),
            query,
        })
    }

    /// Returns the order, and true if it is reversed.
    pub(super) fn order(&self) -> (Sort, bool) {
        (self.query.sort, self.query.reverse)
    }

    /// Returns the number of cells that are returned for a row.
    fn width(&self) -> usize {
        self.query.columns.len() + usize::from(self.query.with_reasons)
    }

    /// Reads the next page after a position: at most `limit` rows, and at most a full page.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(super) fn page(
        &self,
        connection: &Connection,
        after: Option<&Position>,
        limit: usize,
        page: &mut Page,
    ) -> rusqlite::Result<()> {
        let width = self.width();
        page.clear(width);
        let limit = limit.min(PAGE_ROWS);
        // If rows are filtered here, the page's limit must not be the statement's.
        let rows = if !self.query.search.is_empty() { PAGE_ROWS } else { limit };
        let (sql, values) = self.statement(after, rows);
        let mut statement = connection.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter(values))?;
        while let Some(row) = found.next()? {
            page.scanned += 1;
            if self.is_match(row)? {
                self.push(row, self.id_place, page)?;
            }
            if page.is_full(limit) || page.scanned >= rows as u64 {
                let time = to_cell(row.get_ref(width + self.searched)?);
                page.last = Some(Position { time, id: to_cell(row.get_ref(self.id_place)?) });
                return Ok(());
            }
        }
        page.is_last = true;
        Ok(())
    }

    /// Reads the rows with these ids, in their order, until the page is full. Leaves out rows that no longer exist.
    /// Returns the number of ids whose rows were read.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(super) fn rows(
        &self,
        connection: &Connection,
        ids: &[Cell],
        page: &mut Page,
    ) -> rusqlite::Result<usize> {
        let width = self.width();
        page.clear(width);
        // A blob may stand for text that is not UTF-8.
        let sql = format!("SELECT {}id FROM threads WHERE id = ?1 OR id = CAST(?1 AS TEXT)", self.select);
        let mut statement = connection.prepare_cached(&sql)?;
        for (n, id) in ids.iter().enumerate() {
            if page.is_full(usize::MAX) {
                return Ok(n);
            }
            let mut found = statement.query([id])?;
            if let Some(row) = found.next()? {
                self.push(row, width + self.searched, page)?;
            }
        }
        Ok(ids.len())
    }

    /// Adds a row to a page, with the name that only the session index has.
    fn push(&self, row: &Row<'_>, id_place: usize, page: &mut Page) -> rusqlite::Result<()> {
        for place in 0..self.width() {
            let name = match (&self.names, self.query.columns.get(place)) {
                (Some(names), Some(Col::Name)) => name_of(names, row, id_place)?,
                _ => None,
            };
            match name {
                Some(name) => page.push(ValueRef::Text(name.as_bytes())),
                None => page.push(row.get_ref(place)?),
            }
        }
        page.rows += 1;
        Ok(())
    }

    /// Returns the number of all matching threads.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(super) fn count(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let (sql, values) = self.selects(None);
        if self.query.search.is_empty() {
            let sql = format!("SELECT count(*) FROM ({sql})");
            let count: i64 = connection.query_row(&sql, params_from_iter(values), |row| row.get(0))?;
            return Ok(count.unsigned_abs());
        }
        let mut statement = connection.prepare(&sql)?;
        let mut found = statement.query(params_from_iter(values))?;
        let mut count = 0;
        while let Some(row) = found.next()? {
            count += u64::from(self.is_match(row)?);
        }
        Ok(count)
    }

    /// Returns the time of a position as a cursor carries it.
    #[must_use]
    pub(super) fn cursor_time(&self, position: &Position) -> CursorTime {
        if self.query.sort == Sort::Size {
            return CursorTime::AsItIs(position.time.clone());
        }
        let millis = position.time.as_integer().and_then(|time| time.checked_mul(self.unit()));
        millis.map_or_else(|| CursorTime::AsItIs(position.time.clone()), CursorTime::Millis)
    }

    /// Returns the position of a row with this time and id.
    #[must_use]
    pub(super) fn position(&self, time: &CursorTime, id: &Cell) -> Position {
        let time = match time {
            CursorTime::Millis(millis) => Cell::Integer(millis.div_euclid(self.unit())),
            CursorTime::AsItIs(cell) => cell.clone(),
        };
        Position { time, id: id.clone() }
    }

    /// Returns the unit of the listing's time, in milliseconds.
    fn unit(&self) -> i64 {
        if self.time.milliseconds.is_some() { 1 } else { 1000 }
    }

    /// Returns true if the row matches everything that is searched for, each text in any of its cells.
    fn is_match(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        for search in &self.query.search {
            if !self.has(row, search)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn has(&self, row: &Row<'_>, search: &Search) -> rusqlite::Result<bool> {
        let width = self.width();
        // Title, preview and first message are often the same.
        let mut last: &[u8] = &[];
        for place in width..width + self.searched {
            if let ValueRef::Text(text) = row.get_ref(place)?
                && (place == width || text != last)
            {
                if search.is_in(text) {
                    return Ok(true);
                }
                last = text;
            }
        }
        let Some(names) = &self.names else { return Ok(false) };
        let name = name_of(names, row, self.id_place)?;
        Ok(name.is_some_and(|name| search.is_in(name.as_bytes())))
    }

    pub(super) fn statement(&self, after: Option<&Position>, rows: usize) -> (String, Vec<Cell>) {
        let (selects, mut values) = self.selects(after);
        let direction = if self.query.reverse { "" } else { " DESC" };
        values.push(Cell::Integer(i64::try_from(rows).unwrap_or(i64::MAX)));
        (format!("{selects} ORDER BY sort_time{direction}, id{direction} LIMIT ?"), values)
    }

    /// Returns the select of the rows after a position, without an order.
    fn selects(&self, after: Option<&Position>) -> (String, Vec<Cell>) {
        let mut values = Vec::new();
        let mut one = |time: &str, conditions: Conditions| {
            let Conditions { sql, values: own } = conditions;
            let sql: Vec<&str> = self.fixed.sql.iter().chain(&sql).map(String::as_str).collect();
            let condition = if sql.is_empty() { "1".to_owned() } else { sql.join(" AND ") };
            values.extend(self.fixed.values.iter().cloned().chain(own));
            // Selects the id only once, because each column of each row costs time.
            let id = if self.id_place > self.width() { ", id" } else { "" };
            format!("SELECT {}{time} AS sort_time{id} FROM threads WHERE {condition}", self.select)
        };
        let seconds = self.time.seconds;
        let sql = match self.time.milliseconds {
            None => one(seconds, self.bounds(seconds, 1000, None, after)),
            Some(column) => {
                let least = self.has_odd_rows.then_some(FIRST_MILLISECONDS);
                let good = one(column, self.bounds(column, 1, least, after));
                if self.has_odd_rows {
                    let time = format!("ifnull({seconds}, 0) * 1000");
                    let mut conditions = self.bounds(&time, 1, None, after);
                    conditions.add(
                        format!("({column} IS NULL OR {column} < ? OR {column} > ?)"),
                        [FIRST_MILLISECONDS.into(), i64::MAX.into()],
                    );
                    format!("{good} UNION ALL {}", one(&time, conditions))
                } else {
                    good
                }
            }
        };
        (sql, values)
    }

    /// Returns the bounds of `time`, which is in units of `scale` milliseconds. There are never two bounds on one
    /// side, because SQLite might seek by the wrong one. With `least`, the time must also be a number of at least
    /// that.
    fn bounds(&self, time: &str, scale: i64, least: Option<i64>, after: Option<&Position>) -> Conditions {
        // For a bound between two units, a time is at or after the bound if it is at or after the later unit.
        let units = |millis: Millis| millis.div_euclid(scale) + i64::from(millis.rem_euclid(scale) > 0);
        let since = self.query.since.map(units).max(least);
        let until = self.query.until.map(units);
        let is_past = |bound: Option<i64>, is_beyond: fn(f64, f64) -> bool| {
            after.is_some_and(|after| match (bound, &after.time) {
                (None, _) => true,
                (Some(bound), Cell::Integer(time)) => {
                    if self.query.reverse {
                        *time >= bound
                    } else {
                        *time < bound
                    }
                }
                #[expect(clippy::cast_precision_loss, reason = "the same loss on either side")]
                (Some(bound), Cell::Real(time)) => is_beyond(*time, bound as f64),
                // NULL sorts before all numbers, text after them.
                (Some(_), time) => (*time == Cell::Null) != self.query.reverse,
            })
        };
        let mut conditions = Conditions::default();
        let start = |conditions: &mut Conditions, comparison| {
            if let Some(Position { time: at, id }) = after {
                // An id read as bytes is text that is not UTF-8. It must not sort as bytes do, which come after all
                // text.
                let id_value = if matches!(id, Cell::Blob(_)) { "CAST(? AS TEXT)" } else { "?" };
                conditions
                    .add(format!("({time}, id) {comparison} (?, {id_value})"), [at.clone(), id.clone()]);
            }
        };
        if self.query.reverse && is_past(since, |time, bound| time >= bound) {
            start(&mut conditions, ">");
        } else if let Some(since) = since {
            conditions.add(format!("{time} >= ?"), [since.into()]);
        }
        // After a time that is greater than every number of milliseconds, all of those follow.
        #[expect(clippy::cast_precision_loss, reason = "what is lost is far from any time")]
        let is_beyond_all = least.is_some()
            && after.is_some_and(|after| matches!(after.time, Cell::Real(time) if time > i64::MAX as f64));
        if !self.query.reverse && !is_beyond_all && is_past(until, |time, bound| time < bound) {
            start(&mut conditions, "<");
        } else if let Some(until) = until {
            conditions.add(format!("{time} < ?"), [until.into()]);
        } else if least.is_some() {
            conditions.add(format!("{time} <= ?"), [i64::MAX.into()]);
        }
        conditions
    }
}

/// Returns the name of a row's thread in the session index.
fn name_of(names: &Names, row: &Row<'_>, id_place: usize) -> rusqlite::Result<Option<String>> {
    let id = row.get_ref(id_place)?.as_str().ok().and_then(ThreadId::parse);
    Ok(id.and_then(|id| names.get(id)))
}

/// Returns true if rows have something other than milliseconds; NULL sorts before numbers and text after them.
fn has_odd_rows(connection: &Connection, column: &str) -> rusqlite::Result<bool> {
    let end =
        |direction: &str| format!("(SELECT {column} FROM threads ORDER BY {column}{direction} LIMIT 1)");
    // In an empty table both are NULL. That counts as odd, which costs nothing there.
    let sql = format!("SELECT {}, {}", end(""), end(" DESC"));
    let ends =
        connection.query_row(&sql, [], |row| Ok([to_cell(row.get_ref(0)?), to_cell(row.get_ref(1)?)]))?;
    let is_odd = |cell: &Cell| match cell {
        Cell::Integer(time) => *time < FIRST_MILLISECONDS,
        #[expect(clippy::cast_precision_loss, reason = "the bound is far below what a float can say exactly")]
        Cell::Real(time) => *time < FIRST_MILLISECONDS as f64,
        _ => true,
    };
    Ok(ends.iter().any(is_odd))
}
