//! Compares one thread's row with its file, column by column, for a person who wants to know why. It makes no
//! findings.

use crate::catalog::inventory::Inventory;
use crate::catalog::misnamed::ByContent;
use crate::catalog::paths;
use crate::catalog::walk;
use crate::db::open::Reader;
use crate::db::schema::Schema;
use crate::progress::Silent;
use crate::rollout::extract::Options;
use crate::rollout::fold::FoldedThread;
use crate::survey::scan::{Group, Scan};
use crate::survey::select::Selected;
use crate::survey::{Context, Survey};
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{Col, Row};
use crate::thread::times::Times;
use std::path::{Path, PathBuf};

/// A thread's row beside its file.
#[derive(Debug, Default)]
pub struct Beside {
    /// The thread, as far as it is known.
    pub id: Option<ThreadId>,
    /// Path of the file, if one could be read.
    pub path: Option<PathBuf>,
    /// The row, with the columns that the database has.
    pub row: Option<Row>,
    /// The file's values; `None` for a value that only the database has, or that is unknown.
    pub file: Option<Row>,
    /// The columns that differ by the rules of verify, in their order.
    pub differing: Vec<Col>,
    /// The reason why there is no file.
    pub error: Option<String>,
}

/// Compares the row of each of these threads with its file, and passes the results to `take` one by one, because all
/// of them may not fit into memory. An interrupt ends this after the last complete one.
///
/// # Errors
/// If the database cannot be read; those of `take`.
pub fn beside(
    context: Context<'_>,
    threads: &[Selected],
    reader: &mut Reader,
    mut take: impl FnMut(Beside) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let schema = Schema::of(reader)?;
    let inventory = &Inventory::new(walk::walk(context.home).files);
    let scan = Scan { inventory, context, options: Options::default(), read_all: false };
    let mut survey = Survey::new(scan, reader, &schema, Times::Auto, &Silent)?;
    if survey.comparison.compares_names() {
        survey.load_names();
    }
    let mut by_content = ByContent::default();
    for thread in threads {
        let (id, row, file) = match thread {
            Selected::Id(id) => {
                let row = survey.row(*id)?;
                let file = read(&mut survey, &mut by_content, *id, row.as_ref());
                (Some(*id), row, file)
            }
            Selected::Path(path) => {
                let file = paths::locate(inventory, path).ok_or("not a rollout of this home".to_owned());
                let file = file.and_then(|file| fold(&mut survey, file));
                let row = match &file {
                    Ok((_, folded)) => survey.row(folded.metadata.id)?,
                    Err(_) => None,
                };
                (None, row, file)
            }
        };
        if context.is_interrupted() {
            // The thread may have been read only in part.
            break;
        }
        take(match file {
            Err(error) => Beside { id, row, error: Some(error), ..Beside::default() },
            Ok((file, folded)) => compare(&mut survey, &schema, row, file, &folded),
        })?;
    }
    Ok(())
}

/// Compares a thread's row with its file.
fn compare(
    survey: &mut Survey<'_, &mut Reader>,
    schema: &Schema,
    row: Option<Row>,
    file: usize,
    folded: &FoldedThread,
) -> Beside {
    let thread = &folded.metadata;
    let differences = row.as_ref().map(|row| {
        let Survey { comparison, worker, .. } = survey;
        let differences = comparison.diff(thread, row);
        comparison.diff_or_older(thread, row, differences, || worker.older(file, thread.id))
    });
    Beside {
        id: Some(thread.id),
        path: Some(thread.rollout_path.clone().into()),
        row,
        file: Some(Row::from_fn(|col| match col {
            // Later schemas still have the column, but Codex stores nothing in it.
            Col::HasUserEvent if schema.has(Col::FirstUserMessage) => None,
            Col::Id => Some(Cell::Text(thread.id.to_string())),
            _ => Some(col.column().from_file?(thread).into()),
        })),
        differing: differences.unwrap_or_default().iter().map(|one| one.col).collect(),
        error: None,
    }
}

fn fold(survey: &mut Survey<'_, &mut Reader>, file: usize) -> Result<(usize, FoldedThread), String> {
    let folded = survey.worker.fold(&survey.inventory.files()[file].source());
    folded.map(|folded| (file, folded)).map_err(|error| error.to_string())
}

/// Reads the chosen file of a thread: the one that its row names, otherwise one named after it, otherwise a misnamed
/// one.
fn read(
    survey: &mut Survey<'_, &mut Reader>,
    by_content: &mut ByContent,
    id: ThreadId,
    row: Option<&Row>,
) -> Result<(usize, FoldedThread), String> {
    let inventory = survey.inventory;
    let path = row.and_then(|row| row.text(Col::RolloutPath)).map(Path::new);
    let in_row = path.and_then(|path| paths::locate(inventory, path));
    let files = inventory.range_of(id);
    if let Some(file) = in_row.filter(|i| !files.contains(i))
        && let Ok((file, folded)) = fold(survey, file)
        && folded.metadata.id == id
    {
        return Ok((file, folded));
    }
    if files.is_empty() {
        let file = by_content.find(id, inventory, |_| true, survey.context.interrupted);
        return fold(survey, file.ok_or("there is no rollout of it")?);
    }
    let scanned = survey.worker.scan(&Group::new(files.clone(), in_row.filter(|i| files.contains(i))));
    match (scanned.folded, scanned.failed.first(), scanned.misnamed.first()) {
        (Some((file, folded)), ..) => Ok((file, *folded)),
        (None, Some((file, error)), _) => Err(format!("{}: {error}", survey.file(*file).path().display())),
        (None, None, Some((_, other))) => Err(format!("its file says that it is of thread {other}")),
        (None, None, None) => Err("there is no rollout".to_owned()),
    }
}
