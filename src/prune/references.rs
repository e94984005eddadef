//! Checks the contents of existing files: whether they contain threads whose files are gone, or need their histories.

use super::job::PruneJob;
use crate::catalog::walk::RolloutFile;
use crate::error::WithHint as _;
use crate::progress::Progress;
use crate::rollout::fold::ReadError;
use crate::rollout::peek;
use crate::rollout::reader::Buffer;
use crate::survey::rowless;
use crate::sys;
use crate::thread::ThreadId;
use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Returns the threads in the contents of files with malformed names, and of files named after threads without a row.
///
/// # Errors
/// If a file with a malformed name cannot be read now, because it may contain any thread.
pub(super) fn claimed(job: &PruneJob<'_>, progress: &dyn Progress) -> anyhow::Result<BTreeSet<ThreadId>> {
    let files = job.inventory.files();
    let mut claimed = BTreeSet::new();
    let is_wanted = |first: usize| !job.has_row[first];
    let failed = rowless::read(&job.inventory, job.options.context, progress, is_wanted, |scanned| {
        claimed.extend(scanned.folded.iter().map(|(_, folded)| folded.metadata.id));
        claimed.extend(scanned.misnamed.iter().map(|(_, id)| *id));
        let unread = scanned.failed.into_iter().find(|(file, error)| {
            let is_passing = matches!(error, ReadError::Passing(_) | ReadError::Interrupted);
            files[*file].thread().is_none() && is_passing
        });
        unread.map_or(ControlFlow::Continue(()), ControlFlow::Break)
    });
    match failed {
        Some((file, error)) => Err(unreadable(&files[file], &error)),
        None => Ok(claimed),
    }
}

/// Returns the rollouts in which the histories of other threads begin, each with one such thread. Codex refuses to
/// delete them.
///
/// # Errors
/// If a file cannot be read now.
pub(super) fn needed(
    job: &PruneJob<'_>,
    progress: &dyn Progress,
) -> anyhow::Result<HashMap<ThreadId, String>> {
    let mut of_interest: Vec<ThreadId> =
        job.to_go().flat_map(|candidate| job.candidates.rollouts(candidate)).collect();
    of_interest.sort_unstable();
    of_interest.dedup();
    let files = job.inventory.files();
    let next = AtomicUsize::new(0);
    let needed = Mutex::new(anyhow::Ok(HashMap::new()));
    let lock = || needed.lock().unwrap_or_else(PoisonError::into_inner);
    progress.start("looking for histories", Some(files.len() as u64), None);
    sys::on_threads(job.options.context.jobs.clamp(1, files.len().max(1)), || {
        let mut buffer = Buffer::default();
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            if job.options.context.is_interrupted() {
                break;
            }
            progress.advance(1, 0);
            match peek::history_base(&file.source(), &mut buffer, job.options.context.interrupted) {
                Ok(Some(base)) if of_interest.binary_search(&base.rollout).is_ok() => {
                    let user = file
                        .thread()
                        .map_or_else(|| file.path().display().to_string(), |thread| thread.to_string());
                    lock().as_mut().ok().and_then(|needed| needed.insert(base.rollout, user));
                }
                Err(error @ ReadError::Passing(_)) if is_of_the_system(&error) => {
                    *lock() = Err(unreadable(file, &error));
                }
                _ => {}
            }
        }
    });
    progress.finish();
    needed.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Returns true if the system failed, rather than the decompression of an invalid file.
fn is_of_the_system(error: &ReadError) -> bool {
    matches!(error, ReadError::Passing(error) if error.raw_os_error().is_some())
}

fn unreadable(file: &RolloutFile, error: &ReadError) -> anyhow::Error {
    anyhow::anyhow!("{}: {error}", file.path().display())
        .context("what the files say of each other is not known")
        .hint("make the file readable; nothing was deleted")
}
