//! One thread's row beside what its file says, column by column: for a person who wants to know why; no findings.

use super::Config;
use super::rows;
use crate::catalog::inventory::Inventory;
use crate::catalog::misnamed::ByContent;
use crate::catalog::names;
use crate::catalog::paths;
use crate::catalog::walk;
use crate::db::open::Reader;
use crate::db::schema::Schema;
use crate::db::threads::Threads;
use crate::rollout::extract::Options;
use crate::rollout::fold::FoldedThread;
use crate::survey::comparison::Comparison;
use crate::survey::scan::{self, Group, Worker};
use crate::survey::select::Selected;
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{COLUMNS, N_COLUMNS, Row, index};
use crate::thread::times::Times;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// A thread's row beside its file.
#[derive(Debug)]
pub struct Beside {
    /// The thread, as far as anything says which it is.
    pub id: Option<ThreadId>,
    /// The file, if one could be read.
    pub path: Option<PathBuf>,
    /// The row, with the columns that the database has.
    pub row: Option<Row>,
    /// What the file says, by position in [`COLUMNS`]; `None` for what only the database knows, or nobody.
    pub file: Option<[Option<Cell>; N_COLUMNS]>,
    /// Positions of the columns that differ by the rules of verify, ascending.
    pub differing: Vec<usize>,
    /// Why there is no file.
    pub error: Option<String>,
}

/// Sets the row of each of these threads beside its file, and hands them over one by one: there may be more of them than
/// memory. An interrupt ends it, with those that came before it.
///
/// # Errors
/// The database cannot be read; those of `take`.
pub fn beside(
    config: &Config<'_>,
    threads: &[Selected],
    reader: &mut Reader,
    mut take: impl FnMut(Beside) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let schema = Schema::of(reader)?;
    let mut comparison = reader
        .read(|connection| Comparison::read(connection, &schema, config.default_provider, Times::Auto))?;
    if comparison.compares_names() {
        comparison.names = names::read(config.home).ok();
    }
    let table = Threads::new(&schema);
    let inventory = Inventory::new(walk::walk(config.home, || {}).files);
    let scan_config = scan::Config {
        inventory: &inventory,
        jobs: 1,
        options: Options::default(),
        read_all: false,
        default_provider: config.default_provider,
        interrupted: config.interrupted,
    };
    let (mut worker, mut by_content) = (Worker::new(&scan_config), ByContent::default());
    for thread in threads {
        let mut row_of = |id| Ok::<_, anyhow::Error>(rows::get(&table, &[id], reader)?.pop().flatten());
        let (row, file) = match thread {
            Selected::Id(id) => {
                let row = row_of(*id)?;
                let mut unnamed = || by_content.find(*id, &inventory, |_| true, config.interrupted);
                let file = read(*id, row.as_ref(), &inventory, &mut worker, &mut unnamed);
                (row, file)
            }
            Selected::Path(path) => {
                let file = match paths::locate(&inventory, path) {
                    Some(i) => fold(i, &inventory, &mut worker),
                    None => Err("it is no rollout of this home".to_owned()),
                };
                let row = match &file {
                    Ok((_, folded)) => row_of(folded.metadata.id)?,
                    Err(_) => None,
                };
                (row, file)
            }
        };
        if config.interrupted.load(Ordering::Relaxed) {
            // What was read meanwhile may be half of it.
            break;
        }
        let named = match thread {
            Selected::Id(id) => Some(*id),
            Selected::Path(_) => None,
        };
        take(match file {
            Err(error) => {
                Beside { id: named, path: None, row, file: None, differing: Vec::new(), error: Some(error) }
            }
            Ok((file, folded)) => {
                let differences = row.as_ref().map(|row| {
                    let thread = &folded.metadata;
                    let differences = comparison.diff(thread, row);
                    comparison.diff_or_older(thread, row, differences, || worker.older(file, thread.id))
                });
                Beside {
                    id: Some(folded.metadata.id),
                    path: Some(folded.metadata.rollout_path.clone().into()),
                    row,
                    file: Some(std::array::from_fn(|i| match i {
                        // Later schemas keep the column, and Codex nothing in it.
                        index::HAS_USER_EVENT if schema.has(index::FIRST_USER_MESSAGE) => None,
                        _ => Some(COLUMNS[i].from_file?(&folded.metadata)),
                    })),
                    differing: differences.unwrap_or_default().iter().map(|one| one.position).collect(),
                    error: None,
                }
            }
        })?;
    }
    Ok(())
}

fn fold(
    file: usize,
    inventory: &Inventory,
    worker: &mut Worker<'_>,
) -> Result<(usize, FoldedThread), String> {
    let folded = worker.fold(&inventory.files()[file].source());
    folded.map(|folded| (file, folded)).map_err(|error| error.to_string())
}

/// What the file that counts for a thread says: the one that its row names, else one with the thread in its name, else
/// the one that `unnamed` finds.
fn read(
    id: ThreadId,
    row: Option<&Row>,
    inventory: &Inventory,
    worker: &mut Worker<'_>,
    unnamed: &mut dyn FnMut() -> Option<usize>,
) -> Result<(usize, FoldedThread), String> {
    let path = row.and_then(|row| row.text(index::ROLLOUT_PATH)).map(Path::new);
    let in_row = path.and_then(|path| paths::locate(inventory, path));
    let files = inventory.range_of(id);
    if let Some(stray) = in_row.filter(|i| !files.contains(i))
        && let Ok(folded) = worker.fold(&inventory.files()[stray].source())
        && folded.metadata.id == id
    {
        return Ok((stray, folded));
    }
    if files.is_empty() {
        let hidden = unnamed().ok_or_else(|| "there is no rollout of it".to_owned())?;
        return fold(hidden, inventory, worker);
    }
    let scanned = worker.scan(&Group { in_row: in_row.filter(|i| files.contains(i)), files });
    match (scanned.folded, scanned.failed.into_iter().next(), scanned.strays.first()) {
        (Some(read), ..) => Ok(read),
        (None, Some((file, error)), _) => {
            Err(format!("{}: {error}", inventory.files()[file].path().display()))
        }
        (None, None, Some((_, other))) => Err(format!("its file says that it is of thread {other}")),
        (None, None, None) => Err("there is no rollout".to_owned()),
    }
}
