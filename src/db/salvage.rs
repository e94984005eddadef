//! Reads the rows of a table around damaged pages, and counts them. It does not know what the rows mean.

use super::row::to_cell;
use crate::thread::cell::Cell;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Statement};

/// The result of reading a damaged table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Salvage {
    /// Number of rows that were read.
    pub(super) read: u64,
    /// True if no page was damaged.
    pub(super) is_whole: bool,
}

/// Quotes names as identifiers, with commas between.
pub(super) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> =
        names.into_iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    names.join(", ")
}

/// Returns the statement that inserts a row with these columns; `how` begins it.
pub(super) fn insert_into(how: &str, table: &str, columns: &[impl AsRef<str>]) -> String {
    let places = vec!["?"; columns.len()].join(", ");
    let columns = quoted(columns.iter().map(AsRef::as_ref));
    format!("{how} INTO {} ({columns}) VALUES ({places})", quoted([table]))
}

/// Returns true if an error means that the database is damaged.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    super::open::class(error).is_unusable()
}

/// The selected columns of a row that was read.
pub(super) struct SalvagedRow<'a> {
    /// The row; before the columns it has its number.
    row: &'a Row<'a>,
    n_columns: usize,
}

impl SalvagedRow<'_> {
    /// Returns the value of a column.
    pub(super) fn get(&self, column: usize) -> rusqlite::Result<ValueRef<'_>> {
        self.row.get_ref(column + 1)
    }

    /// Returns a copy of all values.
    pub(super) fn cells(&self) -> rusqlite::Result<Vec<Cell>> {
        (0..self.n_columns).map(|column| self.get(column).map(to_cell)).collect()
    }
}

/// Calls `take` with the row number and these columns of each readable row of `table`. Damaged pages are skipped.
///
/// # Errors
/// If `take` fails, or the database fails for another reason than damage.
pub(super) fn each_row(
    from: &Connection,
    table: &str,
    columns: &[&str],
    mut take: impl FnMut(i64, SalvagedRow<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<Salvage> {
    let (table, names) = (quoted([table]), quoted(columns.iter().copied()));
    // Some tables have no row numbers; then the next readable row cannot be found.
    let has_numbers = from.prepare(&format!("SELECT rowid FROM {table}")).is_ok();
    let sql = match has_numbers {
        true => format!("SELECT rowid, {names} FROM {table} WHERE rowid > ?1 ORDER BY rowid"),
        false => format!("SELECT 0, {names} FROM {table} WHERE ?1 < 0"),
    };
    let prepared = || Ok((from.prepare(&sql)?, from.prepare(&format!("{sql} LIMIT 1"))?));
    let (mut select, mut probe) = match prepared() {
        Err(error) if is_damage(&error) => return Ok(Salvage::default()),
        prepared => prepared?,
    };
    let (mut after, mut salvage) = (i64::MIN, Salvage { read: 0, is_whole: true });
    loop {
        match read_after(&mut select, &mut after, columns.len(), &mut salvage.read, &mut take) {
            Ok(taken) => return taken.map(|()| salvage),
            Err(error) if is_damage(&error) => salvage.is_whole = false,
            Err(error) => return Err(error),
        }
        let next = if has_numbers { next_readable(&mut probe, after)? } else { None };
        match next {
            Some(next) => after = next,
            None => return Ok(salvage),
        }
    }
}

/// Reads the rows after a number, as far as they can be read. Returns the error of `take` as a result, because it is not
/// one of this table.
fn read_after(
    select: &mut Statement<'_>,
    after: &mut i64,
    n_columns: usize,
    n_read: &mut u64,
    take: &mut impl FnMut(i64, SalvagedRow<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<rusqlite::Result<()>> {
    let mut rows = select.query([*after])?;
    while let Some(row) = rows.next()? {
        *after = row.get(0)?;
        *n_read += 1;
        let taken = take(*after, SalvagedRow { row, n_columns });
        if taken.is_err() {
            return Ok(taken);
        }
    }
    Ok(Ok(()))
}

/// Returns the least number found after which a row can be read again, if none can be read directly after `after`;
/// the table's end counts as a row. Returns `None` if nothing more can be read.
///
/// The steps double, so a bad page costs a few dozen attempts wherever the next good one is.
fn next_readable(probe: &mut Statement<'_>, after: i64) -> rusqlite::Result<Option<i64>> {
    let mut is_readable = |after: i64| match probe.query([after]).and_then(|mut rows| rows.next().map(|_| ()))
    {
        Ok(()) => Ok(true),
        Err(error) if is_damage(&error) => Ok(false),
        Err(error) => Err(error),
    };
    // No row is before the first; row numbers begin at 1.
    let after = after.max(0);
    let (mut low, mut step) = (after, 1_i64);
    let mut high = loop {
        let Some(high) = after.checked_add(step) else { return Ok(None) };
        if is_readable(high)? {
            break high;
        }
        low = high;
        let Some(next) = step.checked_mul(2) else { return Ok(None) };
        step = next;
    };
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_readable(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(Some(high))
}

/// Counts the rows of a table with damaged pages by an index that is intact; `None` if there is no such index.
pub(super) fn count_by_index(from: &Connection, table: &str) -> Option<u64> {
    let sql = "SELECT name FROM pragma_index_list(?1) WHERE NOT partial";
    let mut statement = from.prepare(sql).ok()?;
    let names = statement.query_map([table], |row| row.get::<_, String>(0)).ok()?;
    let count = |index: &str| {
        let sql = format!("SELECT count(*) FROM {} INDEXED BY {}", quoted([table]), quoted([index]));
        from.query_row(&sql, [], |row| row.get::<_, i64>(0)).ok()
    };
    names.flatten().filter_map(|index| count(&index)).max().map(i64::unsigned_abs)
}
