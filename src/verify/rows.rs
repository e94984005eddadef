//! Reads all rows once: finds the file that each row names, and the rows that have no file.

use super::glance;
use super::judge;
use super::options::{Depth, VerifyOptions};
use crate::catalog::inventory::Inventory;
use crate::catalog::paths;
use crate::db::open::Reader;
use crate::db::row_page::{RowPage, WalkPosition};
use crate::db::schema::Schema;
use crate::db::threads::{self, ThreadStatements};
use crate::db::{cells, names};
use crate::rollout::file_name;
use crate::rollout::fold::ReadError;
use crate::survey::BATCH_THREADS;
use crate::survey::scan::Scanned;
use crate::survey::select::Wanted;
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{Col, ColumnSet, Row};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Number of rows per transaction.
const PAGE: usize = 1000;

/// Maximum number of threads whose names are looked up one by one. With more of them, another pass over the rows costs
/// less.
const MAX_NAMED: usize = 8192;

/// Maximum number of threads whose cells a quick look reports. One is enough to break Codex's listing.
const MAX_BROKEN: usize = 1000;

/// The files that the rows name. It contains the unusual rows, and a few bytes for each thread with several files. A
/// thread with one file, which its row names, takes no memory.
#[derive(Debug, Default)]
pub(super) struct NamedFiles {
    /// The number of rows.
    pub(super) n: u64,
    /// The number of active rows, and of archived ones.
    pub(super) by_archived: [u64; 2],
    /// The file that the row names, for groups of several files, by the position of the group's first file.
    pub(super) in_row: HashMap<usize, usize>,
    /// The threads whose rows name a file although its name gives another thread or none, each after the file.
    pub(super) misnamed: BTreeSet<(usize, ThreadId)>,
    /// For a quick look, by file: true if it is its thread's only file and agrees with the row's path and time.
    agreed: Vec<bool>,
    /// The home, for a quick look.
    quick_home: Option<PathBuf>,
    /// Threads that have a row but, as far as is known, no file.
    pub(super) without_file: BTreeSet<ThreadId>,
    /// For a quick look: threads that are compared with the misnamed files that their rows name.
    pub(super) by_row: BTreeSet<ThreadId>,
    /// For a quick look: the first threads with a cell that breaks Codex's listing.
    pub(super) broken: Vec<ThreadId>,
    /// For a quick look, which takes no title for a name: the threads with a text in the column for names; `None` if they
    /// are many or this pass did not look.
    pub(super) named: Option<Vec<ThreadId>>,
    /// The threads whose rows were counted, in order; all if `None`.
    counted: Option<Vec<ThreadId>>,
    /// Ids that are not UUIDs, or not in the spelling used in look-ups.
    pub(super) odd: Vec<Cell>,
    /// The number of rows without an id.
    pub(super) n_without_id: u64,
    /// The number of rows without a valid id: the sum of those two.
    pub(super) n_odd: u64,
}

/// Returns the columns that this pass reads.
fn columns(depth: Depth, schema: &Schema) -> ColumnSet {
    let more = match depth {
        Depth::Quick => glance::columns(schema),
        Depth::Fields | Depth::Deep => ColumnSet::default(),
    };
    more.iter().chain([Col::Id, Col::RolloutPath, Col::Archived]).collect()
}

/// Begins to read the rows: those of the `wanted` threads at once, and for a quick look all of them. Otherwise the pass
/// that is returned reads them, and only what decides which file is read is read here.
///
/// # Errors
/// If the database cannot be read.
pub(super) fn begin(
    options: &VerifyOptions<'_>,
    schema: &Schema,
    inventory: &Inventory,
    wanted: Option<&Wanted>,
    reader: &mut Reader,
) -> anyhow::Result<(NamedFiles, RowPass)> {
    let mut rows = NamedFiles::default();
    let columns = columns(options.depth, schema);
    let mut pass = RowPass {
        table: ThreadStatements::new(&Schema { columns, ..schema.clone() }),
        columns,
        conditions: match options.depth {
            Depth::Quick => vec![cells::condition(schema), names::condition(schema)],
            Depth::Fields | Depth::Deep => Vec::new(),
        },
        // The pass over wanted threads is at its end at once.
        next: match wanted {
            Some(_) => None,
            None => Some(reader.read(|connection| Ok::<_, anyhow::Error>(WalkPosition::first(connection)))?),
        },
    };
    if options.depth == Depth::Quick {
        rows.agreed = vec![false; inventory.files().len()];
        rows.quick_home = Some(options.context.home.to_owned());
    }
    match (wanted, options.depth) {
        (Some(wanted), _) => {
            let ids: Vec<ThreadId> = wanted.ids.iter().copied().collect();
            pass.read_some(&ids, reader, |_, row| rows.take(row, inventory))?;
            rows.counted = Some(ids);
        }
        (None, Depth::Quick) => {
            rows.named = Some(Vec::new());
            while !options.context.is_interrupted() && pass.read_page(&mut rows, inventory, reader)? {}
        }
        (None, Depth::Fields | Depth::Deep) => {
            let several = inventory.groups().filter(|files| files.len() > 1);
            let ids: Vec<ThreadId> =
                several.filter_map(|files| inventory.files()[files.start].thread()).collect();
            pass.read_some(&ids, reader, |id, row| rows.choose(inventory.range_of(id), row, inventory))?;
        }
    }
    Ok((rows, pass))
}

/// The pass over the rows. It goes on page by page, because verify makes it while rollouts are read.
pub(super) struct RowPass {
    table: ThreadStatements,
    columns: ColumnSet,
    /// Conditions that each page evaluates ([`NamedFiles::note`]).
    conditions: Vec<String>,
    /// The place of the next page of rows; `None` if there are no more.
    next: Option<WalkPosition>,
}

impl RowPass {
    /// Reads the rows of some threads, and calls `each` with each of them.
    fn read_some(
        &self,
        ids: &[ThreadId],
        reader: &mut Reader,
        mut each: impl FnMut(ThreadId, &Row),
    ) -> anyhow::Result<()> {
        for ids in ids.chunks(BATCH_THREADS) {
            let rows = reader.read(|connection| self.table.get_many(connection, ids))?;
            ids.iter().zip(&rows).for_each(|(id, row)| row.iter().for_each(|row| each(*id, row)));
        }
        Ok(())
    }

    /// Reads the next page into `rows`. Returns false if there was none.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(super) fn read_page(
        &mut self,
        rows: &mut NamedFiles,
        inventory: &Inventory,
        reader: &mut Reader,
    ) -> anyhow::Result<bool> {
        let Some(place) = self.next.take() else { return Ok(false) };
        let RowPass { columns, conditions, next, .. } = self;
        let page = reader.read(|connection| RowPage::read(connection, *columns, conditions, &place, PAGE))?;
        *next = page.for_each(|row, marks| {
            if marks != 0 {
                rows.note(row, marks);
            }
            rows.take(row, inventory);
        });
        if next.is_none() {
            rows.n_without_id = reader.read(threads::count_without_id)?;
            rows.n += rows.n_without_id;
            rows.n_odd += rows.n_without_id;
        }
        Ok(true)
    }
}

impl NamedFiles {
    /// Counts a row.
    fn count(&mut self, row: &Row) {
        self.n += 1;
        self.by_archived[usize::from(row.integer(Col::Archived) == Some(1))] += 1;
    }

    /// Records that a thread's misnamed files are known: the thread has a file, and its row is counted unless it was
    /// already.
    pub(super) fn take_misnamed(&mut self, id: ThreadId, row: Option<&Row>) {
        self.without_file.remove(&id);
        let is_counted = self.counted.as_ref().is_none_or(|counted| counted.binary_search(&id).is_ok());
        if let Some(row) = row.filter(|_| !is_counted) {
            self.count(row);
        }
    }

    /// Records a thread whose files are gone or contain another thread, so that its row may have no file.
    pub(super) fn note_vanished(&mut self, scanned: &Scanned) {
        let is_vanished = |(_, error): &(usize, ReadError)| matches!(error, ReadError::Vanished);
        if scanned.folded.is_none() && scanned.failed.iter().all(is_vanished) {
            self.without_file.extend(scanned.thread);
        }
    }

    /// Returns true if a quick look found no problem in the group that begins with this file.
    pub(super) fn agree(&self, file: usize) -> bool {
        self.agreed.get(file).copied().unwrap_or(false)
    }

    /// Returns the threads whose rows name a file although its name gives another thread or none, in order.
    pub(super) fn threads_naming(&self, file: usize) -> impl Iterator<Item = ThreadId> {
        let [first, last] = [0, u128::MAX].map(|bits| (file, ThreadId::from_u128(bits)));
        self.misnamed.range(first..=last).map(|(_, thread)| *thread)
    }

    /// For a quick look, finds the misnamed file that a row names below an old home.
    fn locate_moved(&self, inventory: &Inventory, path: &Path) -> Option<usize> {
        let home = self.quick_home.as_deref()?;
        let text = path.to_str()?;
        inventory
            .named_like(paths::name_in_row(path)?)
            .find(|&i| judge::old_home(text, &inventory.files()[i], home).is_some())
    }

    /// Records a row for which the first or second condition of a quick look is true.
    fn note(&mut self, row: &Row, marks: u8) {
        let id = row.text(Col::Id).and_then(ThreadId::parse);
        if marks & 1 != 0 && self.broken.len() < MAX_BROKEN {
            self.broken.extend(id);
        }
        if marks & 2 != 0 {
            let text = row.text(Col::Id);
            let id = id.filter(|id| text == Some(id.encode(&mut [0; 36])));
            self.named = self.named.take().filter(|some| some.len() < MAX_NAMED);
            match (&mut self.named, id) {
                (Some(some), Some(id)) => some.push(id),
                // An id in another spelling cannot be looked up.
                (some, _) => *some = None,
            }
        }
    }

    fn take(&mut self, row: &Row, inventory: &Inventory) {
        self.count(row);
        let text = row.text(Col::Id);
        let is_in_our_spelling = |id: &ThreadId| text == Some(id.encode(&mut [0; 36]));
        let Some(id) = text.and_then(ThreadId::parse).filter(is_in_our_spelling) else {
            self.n_odd += 1;
            self.odd.extend(row.get(Col::Id).cloned());
            return;
        };
        let files = inventory.range_of(id);
        let path = row.text(Col::RolloutPath).map(Path::new);
        if let ([file], Some(path)) = (&inventory.files()[files.clone()], path)
            && file.is_spelled(path)
        {
            // Nearly all rows end here.
            if let Some(agreed) = self.agreed.get_mut(files.start) {
                *agreed = glance::agrees(file, row);
            }
            return;
        }
        let named = path.and_then(|path| file_name::parse(paths::name_in_row(path)?));
        if let (Some(path), Some(named)) = (path, named)
            && named.name.map(|name| name.thread) != Some(id)
            && let Some(file) = paths::locate(inventory, path).or_else(|| self.locate_moved(inventory, path))
        {
            self.misnamed.insert((file, id));
        }
        if files.is_empty() {
            self.without_file.insert(id);
        } else if files.len() > 1 {
            self.choose(files, row, inventory);
        }
    }

    /// Records which of a group's files the row of its thread names.
    fn choose(&mut self, files: Range<usize>, row: &Row, inventory: &Inventory) {
        let path = row.text(Col::RolloutPath).map(Path::new);
        if let Some(i) = path.and_then(|path| paths::find_in_row(&inventory.files()[files.clone()], path)) {
            self.in_row.insert(files.start, files.start + i);
        }
    }
}
