//! Keeps results that may be too many for memory: few are in memory, many in a temporary file. They are read one by
//! one, in order.

use crate::db::spill::Spill;
use crate::sys;
use crate::thread::cell::Cell;
use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// The maximum size in bytes of results in memory.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// The number of results read from the temporary file at once.
const PAGE: usize = 256;
const NO_TEMPORARY_FILE: &str = "the results do not fit into memory, and the temporary file for them cannot be used (its folder is TMPDIR)";

/// Returns a path as a cell, from which [`path_of`] restores it even if it is not UTF-8.
#[must_use]
pub fn path_cell(path: Option<&Path>) -> Cell {
    path.map_or(Cell::Null, |path| Cell::Blob(sys::path_to_bytes(path)))
}

/// Returns the path of which [`path_cell`] made this cell.
#[must_use]
pub fn path_of(cell: Cell) -> Option<PathBuf> {
    match cell {
        Cell::Blob(bytes) => Some(sys::path_from_bytes(bytes)),
        _ => None,
    }
}

/// A result that can be kept in a temporary file.
pub trait Stored: Clone {
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

impl Stored for PathBuf {
    fn to_cells(&self) -> Vec<Cell> {
        vec![path_cell(Some(self))]
    }

    fn from_cells(cells: Vec<Cell>) -> Option<PathBuf> {
        cells.into_iter().next().and_then(path_of)
    }

    fn size(&self) -> usize {
        self.as_os_str().len() + 64
    }
}

/// Results of a run, few or many, of which the first by their keys are kept.
#[derive(Debug)]
pub struct Many<T> {
    /// The number of results to keep; all if `None`.
    limit: Option<usize>,
    max_bytes: usize,
    few: Vec<T>,
    /// The size of `few`, in bytes.
    n_bytes: usize,
    /// The temporary file, and the number of results in it.
    many: Option<(Spill, u64)>,
    /// The first failure of the temporary file. [`Many::finish`] returns it.
    failure: Option<anyhow::Error>,
}

impl<T> Default for Many<T> {
    fn default() -> Many<T> {
        Many::new(None)
    }
}

impl<T> Many<T> {
    /// Creates a collection that keeps the first `limit` results, or all if `None`.
    #[must_use]
    pub fn new(limit: Option<usize>) -> Many<T> {
        Many::with_memory(limit, MAX_BYTES)
    }

    /// The same, with another number of bytes in memory.
    #[must_use]
    pub fn with_memory(limit: Option<usize>, max_bytes: usize) -> Many<T> {
        Many { limit, max_bytes, few: Vec::new(), n_bytes: 0, many: None, failure: None }
    }
}

impl<T: Stored> Many<T> {
    /// Adds a result.
    pub fn push(&mut self, result: T) {
        match &mut self.many {
            Some((spill, n)) => {
                *n += 1;
                if let Err(error) = store(spill, &result) {
                    self.failure.get_or_insert(error);
                }
            }
            None => {
                self.n_bytes += result.size();
                self.few.push(result);
                if self.n_bytes > self.max_bytes {
                    self.make_room();
                }
            }
        }
    }

    /// Drops results that are beyond the limit already. If too many are left, moves all to a temporary file.
    fn make_room(&mut self) {
        self.sort_few();
        self.n_bytes = self.few.iter().map(T::size).sum();
        if self.n_bytes <= self.max_bytes / 2 {
            return;
        }
        let few = std::mem::take(&mut self.few);
        let spilled = Spill::new().context(NO_TEMPORARY_FILE).and_then(|mut spill| {
            few.iter().try_for_each(|result| store(&mut spill, result))?;
            Ok((spill, few.len() as u64))
        });
        match spilled {
            Ok(spilled) => self.many = Some(spilled),
            Err(error) => self.failure = self.failure.take().or(Some(error)),
        }
        self.n_bytes = 0;
    }

    fn sort_few(&mut self) {
        self.few.sort_by_cached_key(T::key);
        self.few.truncate(self.limit.unwrap_or(usize::MAX));
    }

    /// Ends the collecting: puts the results in the order of their keys. Before, they cannot be read.
    ///
    /// # Errors
    /// If the temporary file could not be written.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        match &mut self.many {
            Some((spill, n)) => *n = spill.sort(self.limit).context(NO_TEMPORARY_FILE)? as u64,
            None => self.sort_few(),
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
    pub fn iter(&self) -> impl Iterator<Item = anyhow::Result<T>> {
        let pages = self.many.iter().flat_map(|(spill, n)| {
            (0..*n).step_by(PAGE).map(move |n_read| spill.page(n_read, PAGE).context(NO_TEMPORARY_FILE))
        });
        let in_file = pages.flat_map(|page| match page {
            Ok(page) => {
                page.into_iter().map(|cells| T::from_cells(cells).context(NO_TEMPORARY_FILE)).collect()
            }
            Err(error) => vec![Err(error)],
        });
        self.few.iter().cloned().map(Ok).chain(in_file)
    }

    /// Returns all results at once.
    ///
    /// # Errors
    /// If the temporary file cannot be read.
    pub fn to_vec(&self) -> anyhow::Result<Vec<T>> {
        self.iter().collect()
    }
}

/// Writes a result to the temporary file.
fn store<T: Stored>(spill: &mut Spill, result: &T) -> anyhow::Result<()> {
    spill.push(&result.key(), &result.to_cells()).context(NO_TEMPORARY_FILE)
}
