//! `codex-state backfill --index`: appends names to `session_index.jsonl` and prints how many.

use crate::backfill::index::{IndexOptions, Indexed, append_names};
use crate::backfill::{BackfillOptions, BackfillReport};
use crate::catalog::names::FILE_NAME;
use crate::cli::commands::edit::Edit;
use crate::cli::output::{human, text};
use crate::db::Reader;
use crate::prune::PruneReport;
use crate::survey::change::ChangeStatus;
use crate::survey::select::Selected;
use crate::thread::ThreadId;
use std::collections::BTreeSet;

/// Appends the names that the session index lacks.
///
/// # Errors
/// If the database cannot be read.
pub(super) fn append(
    edit: &Edit<'_>,
    options: &BackfillOptions<'_>,
    report: &BackfillReport,
    pruned: Option<&PruneReport>,
) -> anyhow::Result<Indexed> {
    let mut reader = match edit.database.exists() {
        true => Some(Reader::open(&edit.database, &edit.place.options)?),
        false => None,
    };
    let threads: Option<BTreeSet<ThreadId>> =
        options.threads.map(|threads| threads.iter().filter_map(Selected::id).collect());
    let gone = pruned.iter().flat_map(|pruned| pruned.threads.iter());
    let gone = gone.filter(|outcome| outcome.status == ChangeStatus::Done);
    let options = IndexOptions {
        context: options.context,
        threads: threads.as_ref(),
        quick: options.quick,
        dry_run: edit.dry_run,
        noted: &report.names,
        to_be_pruned: &gone.filter_map(|outcome| ThreadId::parse(&outcome.id)).collect(),
    };
    let indexed = append_names(&options, reader.as_mut())?;
    if let Some(failure) = &indexed.failure {
        let path = options.context.home.join(FILE_NAME);
        edit.app.messages.fail(&format!("{}: {failure}", text::path(&path)));
    }
    Ok(indexed)
}

/// Prints how many names were appended.
pub(super) fn say(edit: &Edit<'_>, indexed: &Indexed) {
    let path = edit.place.home.join(FILE_NAME);
    let names = human::counted(indexed.names, "name", "names");
    let path = text::path(&path);
    edit.app.messages.say(&match (indexed.names, edit.dry_run) {
        (0, _) if indexed.failure.is_some() => return,
        (0, _) => format!("no name is missing in {path}"),
        (_, true) => format!("{names} would be appended to {path}"),
        (_, false) => format!("{names} appended to {path}"),
    });
}
