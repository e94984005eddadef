//! Determines the threads of a run: the requested ones and, with `--recursive`, those that they spawned.

use super::engine::Engine;
use crate::db::threads::spawned_by;
use crate::db::{Reader, spawn, threads};
use crate::progress::Progress;
use crate::survey::rowless;
use crate::survey::select::Selected;
use crate::thread::ThreadId;
use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;

/// Returns the threads, each once: a requested one, then its descendants, nearest first.
///
/// A descendant that has neither a row nor a file is left out, but not the threads that it spawned.
pub(super) fn expand<'a>(
    engine: &Engine<'a>,
    reader: &mut Reader,
    progress: &dyn Progress,
) -> anyhow::Result<Cow<'a, [Selected]>> {
    let options = engine.options;
    if !options.recursive {
        return Ok(options.threads.into());
    }
    let (mut children, known) = reader.read(|connection| -> anyhow::Result<_> {
        Ok((spawn::children(connection, &engine.schema)?, threads::all_ids(connection)?))
    })?;
    add_unknown(engine, &known, &mut children, progress);
    let mut seen = BTreeSet::new();
    let mut family = Vec::new();
    for selected in options.threads {
        let Selected::Id(asked) = *selected else {
            family.push(selected.clone());
            continue;
        };
        let mut waiting = VecDeque::from([asked]);
        while let Some(id) = waiting.pop_front() {
            if !seen.insert(id) {
                continue;
            }
            if id == asked || known.contains(&id) || !engine.inventory.of_thread(id).is_empty() {
                family.push(Selected::Id(id));
            }
            waiting.extend(children.get(&id).into_iter().flatten().copied());
        }
    }
    Ok(family.into())
}

/// Adds the threads without a row, whose files name the thread that spawned them.
fn add_unknown(
    engine: &Engine<'_>,
    known: &BTreeSet<ThreadId>,
    children: &mut spawn::Children,
    progress: &dyn Progress,
) {
    let files = engine.inventory.files();
    let is_unknown = |first: usize| files[first].thread().is_some_and(|thread| !known.contains(&thread));
    let context = engine.options.context;
    rowless::read(&engine.inventory, context, progress, is_unknown, |scanned| {
        if let Some((_, folded)) = &scanned.folded
            && let Some(parent) = spawned_by(&folded.metadata.source)
        {
            children.entry(parent).or_default().insert(folded.metadata.id);
        }
        ControlFlow::<()>::Continue(())
    });
}
