//! Sets a thread's row beside what its rollout says, column by column; prints nothing, writes nothing.

use crate::compare::{Comparison, is_at};
use crate::db::open::Reader;
use crate::db::schema::Schema;
use crate::db::threads::{Threads, greatest_running_number};
use crate::find;
use crate::inventory::{self, Inventory};
use crate::rollout::extract::Options;
use crate::rollout::file_name;
use crate::rollout::fold::Source;
use crate::scan::{self, Worker};
use crate::select::Selected;
use crate::sessions::{self, RolloutFile};
use crate::thread::cell::Cell;
use crate::thread::columns::{COLUMNS, Row, index};
use crate::thread::{ThreadId, ThreadMetadata};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// What comparing needs to know.
pub struct Config<'a> {
    /// The Codex home.
    pub home: &'a Path,
    /// Provider of a thread whose session meta names none.
    pub default_provider: &'a str,
    /// Set from outside to stop.
    pub interrupted: &'a AtomicBool,
}

/// A row and a file, side by side.
#[derive(Debug)]
pub struct Compared {
    /// The thread, as far as row or file say which.
    pub id: Option<ThreadId>,
    /// Where the rollout is.
    pub path: Option<PathBuf>,
    /// Why the rollout says nothing.
    pub error: Option<String>,
    /// Whether there is a row.
    pub has_row: bool,
    /// The columns of the table, in the order of [`COLUMNS`].
    pub fields: Vec<Field>,
}

/// One column on both sides.
#[derive(Debug)]
pub struct Field {
    /// Its position in [`COLUMNS`].
    pub position: usize,
    /// What the row says.
    pub database: Option<Cell>,
    /// What the file says; `None` for what only the database knows, or without a file.
    pub file: Option<Cell>,
    /// Whether that is drift, by the rules of `verify`.
    pub is_drift: bool,
}

/// Compares threads, each with the file that counts for it.
///
/// # Errors
/// The database cannot be read.
pub fn compare(
    config: &Config<'_>,
    reader: &mut Reader,
    threads: &[Selected],
) -> anyhow::Result<Vec<Compared>> {
    let (schema, synthetic_limit) = reader
        .read(|connection| Ok((Schema::read_threads(connection)?, greatest_running_number(connection)?)))?;
    let inventory = Inventory::new(sessions::walk(config.home, || {}).files);
    let scan = scan::Config {
        inventory: &inventory,
        jobs: 1,
        options: Options::default(),
        read_all: false,
        default_provider: config.default_provider,
        interrupted: config.interrupted,
    };
    let comparison = Comparison { columns: schema.columns, synthetic_limit, ..Comparison::default() };
    let mut worker = Worker::new(&scan);
    let table = Threads::new(&schema);
    let mut row_of = |id| reader.read(|connection| Ok(table.get(connection, id)?));
    let mut all = Vec::new();
    for thread in threads {
        let (id, row, file) = match thread {
            Selected::Id(id) => {
                let row = row_of(*id)?;
                let in_row = row.as_ref().and_then(|row| row.text(index::ROLLOUT_PATH)).map(PathBuf::from);
                let sources = sources(config.home, &inventory, *id, in_row.as_deref());
                (Some(*id), row, read(&mut worker, sources, Some(*id)))
            }
            Selected::Path(path) => {
                let file = read(&mut worker, source(config.home, path).into_iter().collect(), None);
                let id = file.as_ref().and_then(|(_, said)| said.as_ref().ok()).map(|said| said.id);
                (id, id.map(&mut row_of).transpose()?.flatten(), file)
            }
        };
        all.push(side_by_side(id, row.as_ref(), file, &comparison));
    }
    Ok(all)
}

/// What a file says, or why it says nothing.
type Said = Result<ThreadMetadata, String>;

/// Reads the first of some files that says something of the thread that is meant.
fn read(worker: &mut Worker<'_>, sources: Vec<Source>, id: Option<ThreadId>) -> Option<(PathBuf, Said)> {
    let mut failed = None;
    for source in sources {
        let said = match worker.fold(&source) {
            Ok(folded) if id.is_none_or(|id| folded.metadata.id == id) => Ok(folded.metadata),
            Ok(folded) => Err(format!("says that it is of another thread: {}", folded.metadata.id)),
            Err(error) => Err(error.to_string()),
        };
        if said.is_ok() {
            return Some((source.path, said));
        }
        failed.get_or_insert((source.path, said));
    }
    failed
}

/// The files that may count for a thread, best first.
fn sources(home: &Path, inventory: &Inventory, id: ThreadId, in_row: Option<&Path>) -> Vec<Source> {
    let files: Vec<&RolloutFile> = inventory.of_thread(id).iter().collect();
    let is_in_row = |file: &RolloutFile| in_row.is_some_and(|path| is_at(file, path));
    let mut sources: Vec<Source> = match inventory::choose(&files, is_in_row) {
        Some(choice) => choice.copies.iter().map(|file| file.source()).collect(),
        None => Vec::new(),
    };
    // The row's file may have a name that says nothing, or lie outside this home.
    if !files.iter().any(|file| is_in_row(file)) {
        sources.extend(in_row.and_then(|path| source(home, path)));
    }
    sources
}

fn source(home: &Path, path: &Path) -> Option<Source> {
    let path = find::existing_form(path)?;
    let named = file_name::parse(path.file_name()?)?;
    let archived = find::fits(home, &path, find::Which::Archived);
    Some(Source { name: named.name, compressed: named.compressed, archived, path })
}

fn side_by_side(
    id: Option<ThreadId>,
    row: Option<&Row>,
    file: Option<(PathBuf, Said)>,
    comparison: &Comparison,
) -> Compared {
    let (path, said) = file.map_or((None, None), |(path, said)| (Some(path), Some(said)));
    let said_well = said.as_ref().and_then(|said| said.as_ref().ok());
    let drift: Vec<usize> = match (said_well, row) {
        (Some(file), Some(row)) => {
            comparison.diff(file, row).into_iter().map(|difference| difference.position).collect()
        }
        _ => Vec::new(),
    };
    let field = |position: usize| Field {
        position,
        database: row.and_then(|row| row.get(position)).cloned(),
        file: said_well.and_then(|file| COLUMNS[position].from_file.map(|get| get(file))),
        is_drift: drift.contains(&position),
    };
    Compared {
        id,
        path,
        has_row: row.is_some(),
        fields: comparison.columns.iter().map(field).collect(),
        error: said.and_then(Result::err),
    }
}
