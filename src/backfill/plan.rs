//! Decides which files a backfill reads: all files of the requested threads, or with `--quick` only those whose row
//! does not show that they are unchanged.

use super::options::{BackfillOptions, BackfillReport, BackfillTarget};
use crate::catalog::inventory::{self, Inventory};
use crate::catalog::paths::{find_at, find_in_row};
use crate::catalog::walk::RolloutFile;
use crate::db::facts::FittingFacts;
use crate::db::threads::{self, Summary};
use crate::db::{ById, Schema};
use crate::rollout::reader::Buffer;
use crate::rollout::tail;
use crate::survey::Database as _;
use crate::survey::plan::Plan;
use crate::survey::scan::Group;
use crate::survey::select::Wanted;
use crate::thread::columns::Col;
use crate::thread::equivalence::{FIRST_MILLISECONDS, read_milliseconds};
use crate::thread::{Millis, ThreadId, times};
use std::path::Path;

/// Plans which files are read, and counts the others in the report.
pub(super) fn plan(
    options: &BackfillOptions<'_>,
    schema: &Schema,
    inventory: &Inventory,
    facts: Option<&FittingFacts<'_>>,
    target: &mut BackfillTarget<'_>,
    report: &mut BackfillReport,
) -> anyhow::Result<Plan> {
    let mut rows = RowSummaries { walk: threads::summaries(), next: None };
    let mut buffer = Buffer::default();
    let mut wanted = Wanted::new(options.threads, target)?;
    // A quick run opens no file unnecessarily.
    if let Some(wanted) = wanted.as_mut().filter(|wanted| !(options.quick && wanted.is_named(inventory))) {
        wanted.find_misnamed(inventory, options.context.interrupted);
    }
    let mut plan = Plan::new(inventory, wanted.as_ref(), |files| {
        let members = &inventory.files()[files.clone()];
        let mut in_row = None;
        if let Some(thread) = members[0].thread()
            && (options.quick || members.len() > 1)
        {
            let row = rows.find(thread, options.quick, schema, target)?;
            let old = facts.map(|facts| facts.of(thread)).transpose()?.flatten();
            // Without a row, trust the old database's choice.
            let path = match (&row, &old) {
                (Some(row), _) => Some(&*row.rollout_path),
                (None, Some(old)) => old.text(Col::RolloutPath),
                (None, None) => None,
            };
            in_row = path.and_then(|path| find_in_row(members, Path::new(path))).map(|i| files.start + i);
            if options.quick
                && old.is_none()
                && row.is_some_and(|row| is_unchanged(members, &row, options, &mut buffer))
            {
                report.unchanged += 1;
                report.superseded += members.len() as u64 - 1;
                return Ok(None);
            }
        }
        Ok(Some(Group::new(files, in_row)))
    })?;
    report.scanned = plan.n_files;
    // Newest first, because their rows are needed most. Most of Codex's indexes are in this order too, so that they
    // grow at their ends, where each page is filled before the next one begins. With 150,000 rows the database is a
    // fifth smaller.
    plan.groups.reverse();
    Ok(plan)
}

/// The summaries of the rows: looked up one by one, or read in order together with the groups if all are needed.
struct RowSummaries {
    walk: ById<Summary>,
    /// The row that the walk has reached.
    next: Option<Summary>,
}

impl RowSummaries {
    fn find(
        &mut self,
        thread: ThreadId,
        walk: bool,
        schema: &Schema,
        target: &mut BackfillTarget<'_>,
    ) -> anyhow::Result<Option<Summary>> {
        let id = thread.to_string();
        if walk {
            loop {
                if self.next.is_none() {
                    self.next = self.walk.next(|after| {
                        target.read(|connection| threads::summaries_after(connection, schema, after))
                    })?;
                }
                match &self.next {
                    Some(row) if *row.id < *id => self.next = None,
                    Some(row) if *row.id == *id => return Ok(self.next.take()),
                    None if self.walk.is_lost() => break,
                    _ => return Ok(None),
                }
            }
        }
        target.read(|connection| threads::summary(connection, schema, thread))
    }
}

/// Returns true if a row shows that its file is unchanged, so that it need not be read (the man page, `--quick`).
fn is_unchanged(
    members: &[RolloutFile],
    row: &Summary,
    options: &BackfillOptions<'_>,
    buffer: &mut Buffer,
) -> bool {
    let named = find_at(members, 0..members.len(), Path::new(&row.rollout_path));
    let Some(choice) = inventory::choose(members, 0..members.len(), named) else { return false };
    let chosen = &members[choice.chosen()];
    // A row that names the compressed form does not name the plain one that is chosen now.
    named == Some(choice.chosen())
        && row.has_text
        && row.archived == Some(i64::from(chosen.is_archived()))
        && is_time_unchanged(chosen, row, options, buffer)
}

/// Returns true if a row has the file's time. That is the modification time. If that may be a copy's or a lost one,
/// it is the time of the last line, which is read from the end of the file.
fn is_time_unchanged(
    file: &RolloutFile,
    row: &Summary,
    options: &BackfillOptions<'_>,
    buffer: &mut Buffer,
) -> bool {
    let modified = file.stamp().modified_millis();
    let accepts_both = options.times.accepts_both();
    let is_lost = accepts_both && times::is_lost(modified);
    let is_older = || row_time(row).is_some_and(|time| time < modified);
    (!is_lost && is_at_time(modified, row))
        || (accepts_both
            && (is_lost || is_older())
            && tail::end(&file.source(), buffer, options.context.interrupted)
                .is_ok_and(|end| end.last_event_at.is_some_and(|time| is_at_time(time, row))))
}

fn row_time(row: &Summary) -> Option<Millis> {
    row.updated_at_ms.map(read_milliseconds).or_else(|| row.updated_at?.checked_mul(1000))
}

/// Returns true if a row's time equals this one at the row's precision, or is less than a second later.
fn is_at_time(time: Millis, row: &Summary) -> bool {
    match (row.updated_at_ms, row.updated_at) {
        (Some(millis), _) if millis >= FIRST_MILLISECONDS => {
            (0..1000).contains(&(i128::from(millis) - i128::from(time)))
        }
        // Seconds, or the milliseconds that Codex itself writes for a time before 2020.
        (Some(seconds), _) => seconds == time.div_euclid(1000) || seconds == time,
        (None, Some(seconds)) => seconds == time.div_euclid(1000),
        (None, None) => false,
    }
}
