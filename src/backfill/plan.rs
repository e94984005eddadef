//! Which files a backfill reads: all, or those of some threads, or those whose row does not say that they are unchanged.

use super::{Config, Target};
use crate::catalog::inventory::{self, Inventory};
use crate::catalog::paths::{find_in_row, is_at};
use crate::catalog::walk::RolloutFile;
use crate::db::facts::FittingFacts;
use crate::db::schema::Schema;
use crate::db::threads::{self, Summary};
use crate::rollout::reader::Buffer;
use crate::rollout::tail;
use crate::survey::scan::Group;
use crate::survey::select::Wanted;
use crate::thread::columns::index;
use crate::thread::equivalence::{FIRST_MILLISECONDS, read_milliseconds};
use crate::thread::{Millis, ThreadId};
use std::collections::BTreeMap;
use std::path::Path;

/// How many rows are looked at in one read.
const PAGE: usize = 1000;

/// What is to be read, and what need not be.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The groups to read.
    pub(super) groups: Vec<Group>,
    /// Files in all groups, read or not.
    pub(super) n_files: u64,
    /// Bytes of the groups to read.
    pub(super) n_bytes: u64,
    /// Files that need not be read, for their rows say that they are unchanged.
    pub(super) n_unchanged: u64,
    /// Files of those threads that do not count.
    pub(super) n_superseded: u64,
    /// Files of threads that were asked for, among those of others: by the threads that they say they are of.
    pub(super) strays: BTreeMap<ThreadId, Vec<usize>>,
}

pub(super) fn plan(
    config: &Config<'_>,
    schema: &Schema,
    inventory: &Inventory,
    facts: Option<&FittingFacts<'_>>,
    target: &mut Target<'_>,
) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    let mut rows = Rows::default();
    let mut buffer = Buffer::default();
    let mut wanted = match config.threads {
        Some(threads) => Some(Wanted::new(threads, |id| {
            target.read(|connection| Ok(threads::rollout_path(connection, id)?))
        })?),
        None => None,
    };
    let hidden = match &mut wanted {
        // Who asks for a quick run wants no file opened that need not be.
        Some(wanted) if !(config.quick && wanted.is_named(inventory)) => {
            wanted.find_hidden(inventory, config.interrupted)
        }
        _ => BTreeMap::new(),
    };
    for files in inventory.groups() {
        let members = &inventory.files()[files.clone()];
        let thread = members[0].named.name.map(|name| name.thread);
        if wanted.as_ref().is_some_and(|wanted| !wanted.contains(thread, members)) {
            for (&file, &thread) in hidden.range(files) {
                plan.n_files += 1;
                plan.n_bytes += inventory.files()[file].stamp.size;
                plan.strays.entry(thread).or_default().push(file);
            }
            continue;
        }
        plan.n_files += members.len() as u64;
        let mut in_row = None;
        if let Some(thread) = thread
            && (config.quick || members.len() > 1)
        {
            let row = rows.find(thread, config.quick, schema, target)?;
            let old = facts.map(|facts| facts.of(thread)).transpose()?.flatten();
            // The choice of a row that was lost is as good as that of a row: it was somebody's.
            let path = match (&row, &old) {
                (Some(row), _) => Some(&*row.rollout_path),
                (None, Some(old)) => old.text(index::ROLLOUT_PATH),
                (None, None) => None,
            };
            in_row = path.and_then(|path| find_in_row(members, Path::new(path))).map(|i| files.start + i);
            if config.quick
                && old.is_none()
                && row.is_some_and(|row| is_unchanged(members, &row, config, &mut buffer))
            {
                plan.n_unchanged += 1;
                plan.n_superseded += members.len() as u64 - 1;
                continue;
            }
        }
        plan.n_bytes += members.iter().map(|file| file.stamp.size).sum::<u64>();
        plan.groups.push(Group { files, in_row });
    }
    // Newest first: their rows are missed most, and most of Codex's indexes run that way, so that they grow at their
    // ends, where a page is filled before the next one begins. Of 150,000 rows the database is a fifth smaller for it.
    plan.groups.reverse();
    Ok(plan)
}

/// The rows' summaries: looked up one by one, or walked along with the groups when all are needed.
#[derive(Default)]
struct Rows {
    page: std::vec::IntoIter<Summary>,
    next: Option<Summary>,
    after: String,
    is_at_end: bool,
    /// Set when a row's id is no text to go on from.
    is_lost: bool,
}

impl Rows {
    fn find(
        &mut self,
        thread: ThreadId,
        walk: bool,
        schema: &Schema,
        target: &mut Target<'_>,
    ) -> anyhow::Result<Option<Summary>> {
        if !walk || self.is_lost {
            return target.read(|connection| Ok(threads::summary(connection, schema, thread)?));
        }
        let id = thread.to_string();
        loop {
            if self.next.is_none() {
                self.next = self.page.next();
            }
            match &self.next {
                Some(row) if *row.id < *id => self.next = None,
                Some(row) if *row.id == *id => return Ok(self.next.take()),
                Some(_) => return Ok(None),
                None if self.is_at_end => return Ok(None),
                None => {
                    let after = std::mem::take(&mut self.after);
                    let page = target
                        .read(|connection| Ok(threads::summaries_after(connection, schema, &after, PAGE)?))?;
                    self.is_at_end = page.len() < PAGE;
                    self.after = page.last().map(|row| row.id.clone()).unwrap_or_default();
                    if !self.is_at_end && self.after.is_empty() {
                        self.is_lost = true;
                        return self.find(thread, walk, schema, target);
                    }
                    self.page = page.into_iter();
                }
            }
        }
    }
}

/// Returns true if a row says that its file is unchanged, so that it need not be read (the man page, `--quick`).
fn is_unchanged(members: &[RolloutFile], row: &Summary, config: &Config<'_>, buffer: &mut Buffer) -> bool {
    let Some(named) = members.iter().find(|file| is_at(file, Path::new(&row.rollout_path))) else {
        return false;
    };
    let files: Vec<&RolloutFile> = members.iter().collect();
    let Some(choice) = inventory::choose(&files, |file| std::ptr::eq(file, named)) else { return false };
    let chosen = choice.chosen();
    // A row that names the compressed form does not name the plain one that counts now.
    std::ptr::eq(chosen, named)
        && row.has_text
        && row.archived == Some(i64::from(chosen.archived))
        && is_time_unchanged(chosen, row, config, buffer)
}

/// Returns true if a row has the file's time: its modification time, or where that may be a copy's or lost one, the time
/// of its last line, for which the end of the file is read.
fn is_time_unchanged(file: &RolloutFile, row: &Summary, config: &Config<'_>, buffer: &mut Buffer) -> bool {
    let modified = file.stamp.modified_millis();
    let is_older = || row_time(row).is_some_and(|time| time < modified);
    is_at_time(modified, row)
        || (config.times.accepts_both()
            && (is_older() || modified < FIRST_MILLISECONDS)
            && tail::last_event(&file.source(), buffer, config.interrupted)
                .is_ok_and(|time| time.is_some_and(|time| is_at_time(time, row))))
}

fn row_time(row: &Summary) -> Option<Millis> {
    row.updated_at_ms.map(read_milliseconds).or_else(|| row.updated_at?.checked_mul(1000))
}

/// Returns true if a row's time is this one at its precision, or less than a second later.
fn is_at_time(time: Millis, row: &Summary) -> bool {
    match (row.updated_at_ms, row.updated_at) {
        (Some(millis), _) if millis >= FIRST_MILLISECONDS => {
            (0..1000).contains(&(i128::from(millis) - i128::from(time)))
        }
        // Seconds, or what Codex itself writes for a time before 2020.
        (Some(seconds), _) => seconds == time.div_euclid(1000) || seconds == time,
        (None, Some(seconds)) => seconds == time.div_euclid(1000),
        (None, None) => false,
    }
}
