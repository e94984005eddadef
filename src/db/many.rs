//! Keeps results that may be too many for memory: few are in memory, many in a temporary file. They are read one by
//! one, in order.

use crate::db::spill::Spill;
use crate::thread::cell::Cell;
use anyhow::Context as _;
use std::collections::VecDeque;

/// The maximum size in bytes of results in memory.
pub const MAX_BYTES: usize = 2 * 1024 * 1024;
/// The number of results read from the temporary file at once.
const PAGE: usize = 256;
const NO_TEMPORARY_FILE: &str = "the results do not fit into memory, and the temporary file for them cannot be used (its folder is TMPDIR)";

/// A result that can be kept in a temporary file.
pub trait Stored: Clone {
    /// The number of cells of most results.
    const WIDTH: usize;

    /// Returns the result as cells.
    fn to_cells(&self) -> Vec<Cell>;

    /// Returns the result of which these cells were made; `None` if [`Stored::to_cells`] did not make them.
    fn from_cells(cells: Vec<Cell>) -> Option<Self>;

    /// Returns about how many bytes of memory the result takes.
    fn size(&self) -> usize;

    /// Returns the bytes by which results are sorted. If all are empty, results stay in the order in which they were
    /// added.
    fn key(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// The results of a run, few or many.
#[derive(Debug)]
pub struct Many<T> {
    few: Vec<T>,
    n_bytes: usize,
    /// The temporary file, and the number of results in it.
    many: Option<(Spill, u64)>,
    /// The first failure of the temporary file. It is returned when the results are read.
    failure: Option<anyhow::Error>,
}

impl<T> Default for Many<T> {
    fn default() -> Many<T> {
        Many { few: Vec::new(), n_bytes: 0, many: None, failure: None }
    }
}

impl<T> From<Vec<T>> for Many<T> {
    fn from(few: Vec<T>) -> Many<T> {
        Many { few, ..Many::default() }
    }
}

impl<T: Stored> Many<T> {
    /// Moves results into a temporary file.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    pub fn spill(results: impl IntoIterator<Item = T>) -> anyhow::Result<Many<T>> {
        let mut many =
            Many { many: Some((Spill::new(T::WIDTH).context(NO_TEMPORARY_FILE)?, 0)), ..Many::default() };
        results.into_iter().for_each(|result| many.push(result));
        many.failure.take().map_or(Ok(many), Err)
    }

    /// Adds a result.
    pub fn push(&mut self, result: T) {
        if let Some((spill, n)) = &mut self.many {
            *n += 1;
            if let Err(error) = spill.push(&result.key(), &result.to_cells()).context(NO_TEMPORARY_FILE) {
                self.failure.get_or_insert(error);
            }
            return;
        }
        self.n_bytes += result.size();
        self.few.push(result);
        if self.n_bytes > MAX_BYTES {
            match Many::spill(std::mem::take(&mut self.few)) {
                Ok(spilled) => self.many = spilled.many,
                Err(error) => self.failure = Some(error),
            }
            self.n_bytes = 0;
        }
    }

    /// Ends the collection: sorts the results by their keys and keeps the first `limit`; all if `None`.
    ///
    /// # Errors
    /// If the temporary file could not be written.
    pub fn finish(&mut self, limit: Option<usize>) -> anyhow::Result<()> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        match &mut self.many {
            Some((spill, n)) => {
                spill.sort(limit).context(NO_TEMPORARY_FILE)?;
                *n = spill.count().context(NO_TEMPORARY_FILE)?;
            }
            None => {
                self.few.sort_by_cached_key(T::key);
                self.few.truncate(limit.unwrap_or(usize::MAX));
            }
        }
        Ok(())
    }

    /// Returns the number of results.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.many.as_ref().map_or(self.few.len() as u64, |(_, n)| *n)
    }

    /// Returns true if there is no result.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the results one by one. A few hundred of them are in memory at a time.
    ///
    /// # Errors
    /// An item is an error if the temporary file cannot be read.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { results: self, n_read: 0, page: VecDeque::new() }
    }

    /// Returns all results at once.
    ///
    /// # Errors
    /// If the temporary file cannot be read.
    pub fn to_vec(&self) -> anyhow::Result<Vec<T>> {
        self.iter().collect()
    }
}

impl<'a, T: Stored> IntoIterator for &'a Many<T> {
    type Item = anyhow::Result<T>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The results of [`Many::iter`].
#[derive(Debug)]
pub struct Iter<'a, T> {
    results: &'a Many<T>,
    n_read: u64,
    page: VecDeque<Vec<Cell>>,
}

impl<T: Stored> Iterator for Iter<'_, T> {
    type Item = anyhow::Result<T>;

    fn next(&mut self) -> Option<anyhow::Result<T>> {
        let Some((spill, n)) = &self.results.many else {
            let next = usize::try_from(self.n_read).ok().and_then(|i| self.results.few.get(i));
            self.n_read += 1;
            return next.cloned().map(Ok);
        };
        if self.page.is_empty() && self.n_read < *n {
            match spill.page(self.n_read, PAGE) {
                Ok(page) => self.page = page.into(),
                Err(error) => {
                    self.n_read = *n;
                    return Some(Err(error).context(NO_TEMPORARY_FILE));
                }
            }
        }
        let cells = self.page.pop_front()?;
        self.n_read += 1;
        Some(T::from_cells(cells).context(NO_TEMPORARY_FILE))
    }
}
