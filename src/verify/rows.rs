//! One pass over the rows before any rollout is read: which file each names, and which have none by their id.

use super::{Config, Depth, quick};
use crate::catalog::inventory::Inventory;
use crate::catalog::paths;
use crate::db::open::Reader;
use crate::db::schema::Schema;
use crate::db::threads::{self, Threads};
use crate::rollout::file_name;
use crate::survey::select::Wanted;
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{ColumnSet, Row, index};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::Ordering;

/// How many rows are read in one transaction.
const PAGE: usize = 1000;
/// How many ids are looked up in one transaction.
pub(super) const BATCH: usize = 256;

/// What the rows say about where their files are. Holds the odd ones, and a few bytes for each thread with several
/// files; nothing for a thread whose row and only file go by one id.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// How many there are.
    pub(super) n: u64,
    /// How many are active, and how many archived.
    pub(super) by_archived: [u64; 2],
    /// For groups of several files, by where they begin: the file that the row names.
    pub(super) in_row: HashMap<usize, usize>,
    /// By file: the threads whose rows name it though its name gives another thread, or none.
    pub(super) foreign: BTreeMap<usize, Vec<ThreadId>>,
    /// By file, for a quick look: whether it is its thread's only one, and place and time are what the row says.
    agreed: Vec<bool>,
    /// Threads that no file's name gives.
    pub(super) without_file: BTreeSet<ThreadId>,
    /// Ids that are none, or not in the spelling in which rows are found.
    pub(super) odd: Vec<Cell>,
    /// How many rows have no id.
    pub(super) n_without_id: u64,
    /// How many rows have no proper id: those two together.
    pub(super) n_odd: u64,
}

/// The columns that this pass reads.
fn columns(depth: Depth, schema: &Schema) -> ColumnSet {
    let mut columns = match depth {
        Depth::Quick => quick::columns(schema),
        Depth::Fields | Depth::Deep => ColumnSet::default(),
    };
    [index::ID, index::ROLLOUT_PATH, index::ARCHIVED]
        .into_iter()
        .for_each(|position| columns.insert(position));
    columns
}

pub(super) fn read(
    config: &Config<'_>,
    schema: &Schema,
    inventory: &Inventory,
    wanted: Option<&Wanted>,
    reader: &mut Reader,
) -> anyhow::Result<Rows> {
    let table = Threads::new(&Schema { columns: columns(config.depth, schema), ..schema.clone() });
    let agreed = if config.depth == Depth::Quick { vec![false; inventory.files().len()] } else { Vec::new() };
    let mut rows = Rows { agreed, ..Rows::default() };
    if let Some(wanted) = wanted {
        let ids: Vec<ThreadId> = wanted.ids.iter().copied().collect();
        for ids in ids.chunks(BATCH) {
            for row in get(&table, ids, reader)?.into_iter().flatten() {
                rows.take(&row, inventory);
            }
        }
        return Ok(rows);
    }
    let mut place = None;
    loop {
        let (page, next) =
            reader.read(|connection| Ok(table.rows_behind(connection, place.as_ref(), PAGE)?))?;
        for row in &page {
            rows.take(row, inventory);
        }
        if next.is_none() || config.interrupted.load(Ordering::Relaxed) {
            break;
        }
        place = next;
    }
    rows.n_without_id = reader.read(|connection| Ok(threads::count_without_id(connection)?))?;
    rows.n += rows.n_without_id;
    rows.n_odd += rows.n_without_id;
    Ok(rows)
}

/// The rows of some threads, in one transaction.
pub(super) fn get(
    table: &Threads,
    ids: &[ThreadId],
    reader: &mut Reader,
) -> anyhow::Result<Vec<Option<Row>>> {
    reader.read(|connection| ids.iter().map(|id| Ok(table.get(connection, *id)?)).collect())
}

impl Rows {
    /// Counts a row.
    pub(super) fn count(&mut self, row: &Row) {
        self.n += 1;
        self.by_archived[usize::from(row.integer(index::ARCHIVED) == Some(1))] += 1;
    }

    /// Whether a quick look found nothing wrong with the group that begins with this file.
    pub(super) fn agree(&self, file: usize) -> bool {
        self.agreed.get(file).copied().unwrap_or(false)
    }

    fn take(&mut self, row: &Row, inventory: &Inventory) {
        self.count(row);
        let text = row.text(index::ID);
        let is_in_our_spelling = |id: &ThreadId| text == Some(id.encode(&mut [0; 36]));
        let Some(id) = text.and_then(ThreadId::parse).filter(is_in_our_spelling) else {
            self.n_odd += 1;
            self.odd.extend(row.get(index::ID).cloned());
            return;
        };
        let files = inventory.range_of(id);
        let path = row.text(index::ROLLOUT_PATH).map(Path::new);
        if let ([file], Some(path)) = (&inventory.files()[files.clone()], path)
            && file.is_spelled(path)
        {
            // Nearly all end here.
            if let Some(agreed) = self.agreed.get_mut(files.start) {
                *agreed = quick::agrees(file, row);
            }
            return;
        }
        let named = path.and_then(|path| file_name::parse(path.file_name()?));
        if let (Some(path), Some(named)) = (path, named)
            && named.name.map(|name| name.thread) != Some(id)
            && let Some(file) = paths::locate(inventory, path)
        {
            self.foreign.entry(file).or_default().push(id);
        }
        if files.is_empty() {
            self.without_file.insert(id);
        } else if files.len() > 1
            && let Some(path) = path
            && let Some(i) = paths::find_in_row(&inventory.files()[files.clone()], path)
        {
            self.in_row.insert(files.start, files.start + i);
        }
    }
}
