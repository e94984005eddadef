//! Decides which groups of files are read. It reads none of them.

use super::scan::Group;
use super::select::Wanted;
use crate::catalog::inventory::Inventory;
use crate::catalog::walk::RolloutFile;
use crate::thread::ThreadId;
use std::ops::Range;

/// A group is large if it has more than this part of all bytes.
const LARGE_PART: u64 = 128;

/// The groups to read, with the number of files and bytes.
#[derive(Debug, Default)]
pub struct Plan {
    /// The groups to read.
    pub groups: Vec<Group>,
    /// The number of files in those groups.
    pub n_to_read: u64,
    /// The number of bytes in those groups; `None` if the size of a file is not known.
    pub n_bytes: Option<u64>,
    /// The number of all files of the requested threads, read or not.
    pub n_files: u64,
    /// Misnamed files of requested threads in groups that were not requested, with the threads in their contents.
    pub misnamed: Vec<(usize, ThreadId)>,
}

impl Plan {
    /// Plans which groups are read: the requested ones, or all if `wanted` is `None`, for which `decide` returns a
    /// group.
    ///
    /// # Errors
    /// Those of `decide`.
    pub fn new(
        inventory: &Inventory,
        wanted: Option<&Wanted>,
        mut decide: impl FnMut(Range<usize>) -> anyhow::Result<Option<Group>>,
    ) -> anyhow::Result<Plan> {
        let mut plan = Plan { n_bytes: Some(0), ..Plan::default() };
        for files in inventory.groups() {
            let members = &inventory.files()[files.clone()];
            let thread = members[0].thread();
            let misnamed = wanted.iter().flat_map(|wanted| wanted.misnamed.range(files.clone()));
            let mut misnamed = misnamed.map(|(&file, &thread)| (file, thread)).peekable();
            if wanted.is_some_and(|wanted| !wanted.contains(thread, members))
                // A file whose name gives no thread is read as a group.
                && (thread.is_some() || misnamed.peek().is_none())
            {
                plan.misnamed.extend(misnamed);
                continue;
            }
            plan.n_files += members.len() as u64;
            if let Some(group) = decide(files)? {
                plan.n_to_read += members.len() as u64;
                plan.n_bytes = plan.n_bytes.zip(n_bytes(members)).map(|(sum, size)| sum + size);
                plan.groups.push(group);
            }
        }
        plan.n_files += plan.misnamed.len() as u64;
        // Begun last, a large group would keep one worker at work after the others have read all that remains. Among
        // so many files that not all sizes are known, that is little of the whole.
        let limit = plan.n_bytes.map(|all| all / LARGE_PART);
        let is_large =
            |group: &mut Group| limit.is_some() && n_bytes(&inventory.files()[group.files()]) > limit;
        let large: Vec<Group> = plan.groups.extract_if(.., is_large).collect();
        plan.groups.splice(..0, large);
        Ok(plan)
    }
}

/// Returns the sum of the files' sizes; `None` if one is not known.
fn n_bytes(files: &[RolloutFile]) -> Option<u64> {
    files.iter().map(RolloutFile::known_size).sum()
}
