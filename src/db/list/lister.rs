//! Lists threads page by page, in order, and returns the cursor from which a listing continues. It prints nothing.

use super::by_size::BySize;
use super::cursor::Cursor;
use super::listing::Listing;
use super::page::Page;
use super::query::{Position, Query, Sort};
use crate::catalog::names::Names;
use crate::db::open::Reader;
use crate::db::schema::Schema;
use crate::error::WithHint as _;
use crate::thread::columns::Col;
use anyhow::{Context as _, anyhow};
use std::ops::ControlFlow;
use std::sync::{Arc, mpsc};
use std::{panic, thread};

/// Number of pages read ahead while one is consumed.
const PAGES_AHEAD: usize = 1;

/// Options of a listing.
pub struct ListOptions<'a> {
    /// Selection and order of the threads.
    pub query: Query,
    /// Maximum number of threads.
    pub limit: Option<usize>,
    /// Lists only threads after this cursor.
    pub cursor: Option<&'a str>,
    /// Reads the names from `session_index.jsonl`; called only if the query needs names and the database has none.
    pub names: &'a dyn Fn() -> anyhow::Result<Option<Arc<Names>>>,
}

impl ListOptions<'_> {
    /// Returns the options of a listing of all threads of the query.
    #[must_use]
    pub fn new(query: Query) -> Self {
        ListOptions { query, limit: None, cursor: None, names: &|| Ok(None) }
    }
}

/// A listing in progress.
#[derive(Debug)]
pub struct Lister<'a> {
    reader: &'a mut Reader,
    listing: Listing,
    after: Option<Position>,
    remaining: usize,
    is_at_end: bool,
    page: Page,
    /// True if the page was read ahead and not yet returned.
    is_ahead: bool,
    /// Number of rows examined so far.
    pub scanned: u64,
    /// The order by size; `None` for an order that the database has.
    by_size: Option<BySize>,
    /// True if the order by recency is missing, and the order by update is used instead.
    pub lacks_recency: bool,
}

impl<'a> Lister<'a> {
    /// Begins a listing.
    ///
    /// # Errors
    /// If the cursor has another order, or the database cannot be read.
    pub fn new(reader: &'a mut Reader, config: ListOptions<'_>) -> anyhow::Result<Lister<'a>> {
        let ListOptions { query, limit, cursor, names: read_names } = config;
        let (sort, reverse) = (query.sort, query.reverse);
        let cursor = cursor.map(|cursor| Cursor::parse(cursor, sort, reverse)).transpose()?;
        let remaining = limit.unwrap_or(usize::MAX);
        let needs_names = !query.search.is_empty() || query.columns.contains(&Col::Name);
        let path = reader.path().display().to_string();
        let (mut names, mut page) = (None, Page::default());
        // Everything in one read, which takes most of the time of a short listing. A second read follows only if
        // names are needed.
        let mut begin = |reader: &mut Reader, names: Option<&Option<Arc<Names>>>| {
            reader.read(|connection| -> anyhow::Result<_> {
                let schema = Schema::read_threads(connection).with_context(|| path.clone())?;
                check_columns(&query, &schema)?;
                if needs_names && !schema.has(Col::Name) && names.is_none() {
                    return Ok(None);
                }
                let names = names.cloned().flatten();
                let listing = Listing::new(connection, &schema, query.clone(), names)?;
                let after = cursor.as_ref().map(|cursor| listing.position(&cursor.time, &cursor.id));
                if sort != Sort::Size {
                    listing.page(connection, after.as_ref(), remaining, &mut page)?;
                }
                let lacks_recency = !schema.has(Col::RecencyAt) && !schema.has(Col::RecencyAtMs);
                Ok(Some((listing, after, lacks_recency && sort == Sort::Recency)))
            })
        };
        let mut begun = begin(reader, None)?;
        if begun.is_none() {
            names = read_names()?;
            begun = begin(reader, Some(&names))?;
        }
        let (listing, after, lacks_recency) =
            begun.ok_or_else(|| anyhow!("{path}: the database changes while it is read"))?;
        let by_size = match sort {
            Sort::Size => Some(BySize::collect(reader, &query, &names, after.as_ref(), remaining)?),
            _ => None,
        };
        let mut lister = Lister {
            reader,
            listing,
            after,
            remaining,
            is_at_end: false,
            page,
            is_ahead: true,
            scanned: by_size.as_ref().map_or(0, |order| order.scanned),
            by_size,
            lacks_recency,
        };
        match &lister.by_size {
            Some(_) => lister.read(remaining)?,
            None => lister.note_page(),
        }
        Ok(lister)
    }

    /// Returns true if the listing may fit into the first page.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.is_at_end || self.remaining <= self.page.len()
    }

    /// Returns the next rows; `None` after the last. Pass the page to [`Lister::give_back`], so that its memory is
    /// reused.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn next_page(&mut self) -> anyhow::Result<Option<Page>> {
        while self.is_ahead || (self.remaining > 0 && !self.is_at_end) {
            if !std::mem::take(&mut self.is_ahead) {
                self.read(self.remaining)?;
            }
            self.remaining -= self.page.len();
            if !self.page.is_empty() {
                return Ok(Some(std::mem::take(&mut self.page)));
            }
        }
        Ok(None)
    }

    /// Takes a page back for reuse.
    pub fn give_back(&mut self, page: Page) {
        self.page = page;
    }

    /// Passes page after page to `consume`, until it breaks or no row follows. For a long listing, another thread
    /// reads the next page meanwhile.
    ///
    /// # Errors
    /// If the database cannot be read, or `consume` fails.
    pub fn each_page(
        &mut self,
        mut consume: impl FnMut(&Page) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        if self.is_short() {
            return self.each_page_in_turn(&mut consume);
        }
        let mut after = self.after.clone();
        let mut outcome = Ok(ControlFlow::Continue(()));
        let read = thread::scope(|scope| {
            let (sender, pages) = mpsc::sync_channel(PAGES_AHEAD);
            let (giver, given_back) = mpsc::channel();
            let reading = || self.read_ahead(sender, given_back);
            let reading = thread::Builder::new().spawn_scoped(scope, reading).ok()?;
            for page in pages {
                outcome = consume(&page);
                after.clone_from(&page.last);
                if !matches!(outcome, Ok(ControlFlow::Continue(()))) {
                    break;
                }
                // The reading thread may have ended.
                let _ = giver.send(page);
            }
            Some(reading.join().unwrap_or_else(|panic| panic::resume_unwind(panic)))
        });
        match read {
            // No thread could be started.
            None => return self.each_page_in_turn(&mut consume),
            Some(read) => read?,
        }
        if outcome?.is_break() {
            // Pages that were read ahead were not shown.
            self.is_at_end = after.is_none();
            self.after = after.or(self.after.take());
        }
        Ok(())
    }

    fn each_page_in_turn(
        &mut self,
        consume: &mut dyn FnMut(&Page) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        while let Some(page) = self.next_page()? {
            let next = consume(&page)?;
            self.give_back(page);
            if next.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn read_ahead(
        &mut self,
        sender: mpsc::SyncSender<Page>,
        given_back: mpsc::Receiver<Page>,
    ) -> anyhow::Result<()> {
        while let Some(page) = self.next_page()? {
            if sender.send(page).is_err() {
                break;
            }
            given_back.try_iter().for_each(|page| self.give_back(page));
        }
        Ok(())
    }

    fn read(&mut self, limit: usize) -> anyhow::Result<()> {
        let (listing, page, after) = (&self.listing, &mut self.page, self.after.as_ref());
        match &self.by_size {
            Some(order) => order.page(self.reader, listing, after, limit, page)?,
            None => self.reader.read(|connection| listing.page(connection, after, limit, page))?,
        }
        self.note_page();
        Ok(())
    }

    fn note_page(&mut self) {
        self.scanned += self.page.scanned;
        self.is_at_end = self.page.is_last;
        if self.page.last.is_some() {
            self.after.clone_from(&self.page.last);
        }
    }

    /// Returns the cursor from which the listing continues; `None` if no thread follows.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn next_cursor(&mut self) -> anyhow::Result<Option<String>> {
        let Some(after) = self.after.clone() else { return Ok(None) };
        let (sort, reverse) = self.listing.order();
        let here = Cursor { sort, reverse, time: self.listing.cursor_time(&after), id: after.id.clone() };
        if let Some(order) = &self.by_size {
            return Ok(order.goes_on(&after).then(|| here.to_string()));
        }
        while !self.is_at_end {
            self.read(1)?;
            if !self.page.is_empty() {
                return Ok(Some(here.to_string()));
            }
        }
        Ok(None)
    }

    /// Returns the number of threads without limit and cursor.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn count(&mut self) -> anyhow::Result<u64> {
        let listing = &self.listing;
        self.reader.read(|connection| listing.count(connection))
    }

    /// Returns the reader, to read data that belongs to a page's rows.
    pub fn reader(&mut self) -> &mut Reader {
        self.reader
    }
}

/// Fails if the query is about a column that the database does not have: an empty list would be a wrong answer.
fn check_columns(query: &Query, schema: &Schema) -> anyhow::Result<()> {
    let wanted = [
        ("--pinned", query.pinned, Col::IsPinned),
        ("--model", !query.models.is_empty(), Col::Model),
        ("--branch", !query.branches.is_empty(), Col::GitBranch),
    ];
    for (option, is_wanted, col) in wanted {
        if is_wanted && !schema.has(col) {
            let column = col.name();
            return Err(anyhow!(
                "{option}: this database has no column {column}, so no thread can be chosen by it"
            )
            .hint("update Codex, which adds the column when it starts; or leave the option out"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a reader of a database with `n` threads, one a second.
    fn reader_of(n: usize, folder: &std::path::Path) -> Reader {
        let path = folder.join("state.sqlite");
        crate::db::create::create(&path, crate::db::create::NewSchema::Phase1).unwrap();
        let options = crate::db::open::OpenOptions::default();
        let writer = crate::db::open::Writer::open(&path, &options).unwrap();
        let sql = format!(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {n})
             INSERT INTO threads (id, rollout_path, created_at, updated_at, source, model_provider, cwd, title,
                 sandbox_policy, approval_mode, has_user_event)
             SELECT printf('%08x-0000-7000-8000-000000000000', n), '', n, n, '', '', '', '', '', '', 1 FROM n"
        );
        writer.connection().execute_batch(&sql).unwrap();
        writer.close().unwrap();
        Reader::open(&path, &options).unwrap()
    }

    fn query() -> Query {
        Query {
            sort: Sort::Created,
            reverse: true,
            hidden: true,
            columns: vec![Col::CreatedAt],
            ..Query::default()
        }
    }

    /// Returns the times of the rows of each page, until `is_enough`, and the cursor at that point.
    fn list(
        reader: &mut Reader,
        limit: Option<usize>,
        cursor: Option<&str>,
        is_enough: impl Fn(usize) -> bool,
    ) -> (Vec<i64>, Option<String>) {
        let config = ListOptions { query: query(), limit, cursor, names: &|| Ok(None) };
        let mut lister = Lister::new(reader, config).unwrap();
        let mut times = Vec::new();
        let done = lister.each_page(|page| {
            times.extend((0..page.len()).filter_map(|row| page.cell(row, 0).as_integer()));
            Ok(if is_enough(times.len()) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        done.unwrap();
        (times, lister.next_cursor().unwrap())
    }

    #[test]
    fn reading_ahead_returns_all_rows_and_the_cursor_precedes_those_not_shown() {
        const N: usize = 20_000;
        let folder = tempfile::tempdir().unwrap();
        let mut reader = reader_of(N, folder.path());
        let all: Vec<i64> = (1..=N as i64).collect();
        assert_eq!(list(&mut reader, None, None, |_| false), (all.clone(), None));
        for limit in [1, N / 2, N - 1] {
            let (times, cursor) = list(&mut reader, Some(limit), None, |_| false);
            assert_eq!(times, all[..limit]);
            assert_eq!(list(&mut reader, None, cursor.as_deref(), |_| false).0, all[limit..]);
        }
        for enough in [1, N / 2, N] {
            let (times, cursor) = list(&mut reader, None, None, |n| n >= enough);
            assert!(times.len() >= enough && times == all[..times.len()], "{}", times.len());
            assert_eq!(cursor.is_some(), times.len() < N);
            if cursor.is_some() {
                assert_eq!(list(&mut reader, None, cursor.as_deref(), |_| false).0, all[times.len()..]);
            }
        }
    }

    #[test]
    fn an_error_while_pages_are_read_ahead_ends_the_listing() {
        let folder = tempfile::tempdir().unwrap();
        let mut reader = reader_of(20_000, folder.path());
        let config = ListOptions { query: query(), limit: None, cursor: None, names: &|| Ok(None) };
        let mut lister = Lister::new(&mut reader, config).unwrap();
        let error = lister.each_page(|_| Err(anyhow!("no room"))).unwrap_err();
        assert_eq!(error.to_string(), "no room");
    }
}
