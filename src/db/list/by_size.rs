//! Orders a listing by the size of the rollouts, which no database has. It reads the size of each rollout once, and
//! keeps the size and the id of each thread.

use super::listing::Listing;
use super::page::Page;
use super::query::{Position, Query};
use crate::catalog::forms;
use crate::catalog::names::Names;
use crate::db::open::Reader;
use crate::db::schema::Schema;
use crate::thread::cell::{Cell, CellRef};
use crate::thread::columns::Col;
use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

/// The number of ids on one page of a listing.
const PAGE: usize = 1024;

/// A thread in the listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SizedThread {
    /// The size of the rollout on disk in bytes. `None` if the rollout cannot be found; such threads count as the
    /// smallest.
    size: Option<u64>,
    id: Id,
}

/// An id, in the order of SQLite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Id {
    Text(String),
    /// Text that is not UTF-8, or bytes.
    Bytes(Vec<u8>),
}

impl SizedThread {
    fn of(size: Option<u64>, id: CellRef<'_>) -> Option<SizedThread> {
        let id = match id {
            CellRef::Text(text) => Id::Text(text.to_owned()),
            CellRef::Blob(bytes) => Id::Bytes(bytes.to_owned()),
            // The column has the type TEXT. A row without an id cannot be read again by its id.
            CellRef::Null | CellRef::Integer(_) | CellRef::Real(_) => return None,
        };
        Some(SizedThread { size, id })
    }

    fn at(position: &Position) -> Option<SizedThread> {
        let size = position.time.as_integer().and_then(|size| u64::try_from(size).ok());
        SizedThread::of(size, CellRef::from(&position.id))
    }

    fn id(&self) -> Cell {
        match &self.id {
            Id::Text(text) => Cell::from(&**text),
            Id::Bytes(bytes) => Cell::Blob(bytes.clone()),
        }
    }

    fn position(&self) -> Position {
        let size = self.size.map(|size| Cell::Integer(i64::try_from(size).unwrap_or(i64::MAX)));
        Position { time: size.unwrap_or(Cell::Null), id: self.id() }
    }
}

/// Orders the largest first, or the smallest.
fn compare(a: &SizedThread, b: &SizedThread, reverse: bool) -> Ordering {
    if reverse { a.cmp(b) } else { b.cmp(a) }
}

/// The threads of a listing, ordered by size.
#[derive(Debug)]
pub(super) struct BySize {
    entries: Vec<SizedThread>,
    reverse: bool,
    /// True if more threads follow the first `limit`.
    has_more: bool,
    /// The number of rows examined.
    pub(super) scanned: u64,
}

impl BySize {
    /// Reads the size of the rollouts of all threads of a listing, and keeps the first `limit` threads after a
    /// position.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(super) fn collect(
        reader: &mut Reader,
        query: &Query,
        names: &Option<Arc<Names>>,
        after: Option<&Position>,
        limit: usize,
    ) -> anyhow::Result<BySize> {
        let columns = vec![Col::Id, Col::RolloutPath];
        let query = Query { columns, with_reasons: false, ..query.clone() };
        let listing = reader.read(|connection| -> anyhow::Result<_> {
            let schema = Schema::read_threads(connection)?;
            Ok(Listing::new(connection, &schema, query.clone(), names.clone())?)
        })?;
        let reverse = query.reverse;
        let mut order = BySize { entries: Vec::new(), reverse, has_more: false, scanned: 0 };
        let after = after.and_then(SizedThread::at);
        let (mut place, mut page) = (None, Page::default());
        loop {
            let from = place.take();
            reader.read(|connection| listing.page(connection, from.as_ref(), usize::MAX, &mut page))?;
            order.scanned += page.scanned;
            for row in 0..page.len() {
                let path = page.cell(row, 1).as_text();
                let size = path.and_then(|path| forms::size(Path::new(path)));
                let Some(entry) = SizedThread::of(size, page.cell(row, 0)) else { continue };
                if after.as_ref().is_none_or(|after| compare(&entry, after, reverse).is_gt()) {
                    order.entries.push(entry);
                }
            }
            order.cut(limit, limit.saturating_mul(2).saturating_add(PAGE));
            match page.last.take() {
                Some(last) if !page.is_last => place = Some(last),
                _ => break,
            }
        }
        order.cut(limit, limit);
        order.entries.sort_unstable_by(|a, b| compare(a, b, reverse));
        Ok(order)
    }

    /// Removes what cannot be among the first `limit`, if there are more than `most` entries.
    fn cut(&mut self, limit: usize, most: usize) {
        if self.entries.len() > most {
            self.has_more = true;
            self.entries.select_nth_unstable_by(limit, |a, b| compare(a, b, self.reverse));
            self.entries.truncate(limit);
        }
    }

    /// Returns the index of the first thread after a position.
    fn behind(&self, after: Option<&Position>) -> usize {
        let after = after.and_then(SizedThread::at);
        after.map_or(0, |after| {
            self.entries.partition_point(|entry| compare(entry, &after, self.reverse).is_le())
        })
    }

    /// Returns true if a thread follows a position.
    pub(super) fn goes_on(&self, after: &Position) -> bool {
        self.has_more || self.behind(Some(after)) < self.entries.len()
    }

    /// Reads the next page after a position: at most `limit` rows.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(super) fn page(
        &self,
        reader: &mut Reader,
        listing: &Listing,
        after: Option<&Position>,
        limit: usize,
        page: &mut Page,
    ) -> anyhow::Result<()> {
        let begin = self.behind(after);
        let end = self.entries.len().min(begin.saturating_add(limit.min(PAGE)));
        let ids: Vec<Cell> = self.entries[begin..end].iter().map(SizedThread::id).collect();
        let n = reader.read(|connection| listing.rows(connection, &ids, page))?;
        page.last = (n > 0).then(|| self.entries[begin + n - 1].position());
        page.is_last = begin + n == self.entries.len();
        Ok(())
    }
}
