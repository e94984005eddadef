//! Reads the rollouts without a row, for verbs that look for other threads in them. It compares nothing.

use super::context::Context;
use super::scan::{Group, Scan, ScanEvent, Scanned, read_groups};
use crate::catalog::inventory::Inventory;
use crate::progress::Progress;
use crate::rollout::extract::Options;
use std::ops::ControlFlow;

/// Reads the rollouts of the groups that `is_wanted`, by the position of their first file, until `take` ends it with a
/// value. Those are the rollouts without a row.
pub fn read<B>(
    inventory: &Inventory,
    context: Context<'_>,
    progress: &dyn Progress,
    is_wanted: impl Fn(usize) -> bool,
    mut take: impl FnMut(Scanned) -> ControlFlow<B>,
) -> Option<B> {
    let groups = inventory.groups().filter(|group| is_wanted(group.start));
    let groups: Vec<Group> = groups.map(|files| Group::new(files, None)).collect();
    let scan = Scan { inventory, context, options: Options::default(), read_all: false };
    progress.start("reading rollouts without a row", Some(groups.len() as u64), None);
    let value = read_groups(scan, &groups, |event| {
        let ScanEvent::Scanned(scanned) = event else { return ControlFlow::Continue(false) };
        progress.advance(1, 0);
        take(scanned).map_continue(|()| false)
    });
    progress.finish();
    value
}
