//! Derives from the walk alone what reading a rollout would tell about a thread, and compares it with the row. Opens
//! no file.

use crate::catalog::walk::RolloutFile;
use crate::db::schema::Schema;
use crate::rollout::extract::DamageReport;
use crate::rollout::fold::{FoldedThread, ReadError, Stamp};
use crate::rollout::tail::FileEnd;
use crate::thread::cell::Cell;
use crate::thread::columns::{Col, ColumnSet, Row};
use crate::thread::equivalence::{FIRST_MILLISECONDS, TIME_TOLERANCE};
use crate::thread::times::{self, Times};
use crate::thread::{Millis, ThreadId, ThreadMetadata};

/// Returns the columns that a quick look compares: those that follow from a file's path and time.
pub(super) fn columns(schema: &Schema) -> ColumnSet {
    let columns =
        [Col::Id, Col::RolloutPath, Col::UpdatedAt, Col::UpdatedAtMs, Col::Archived, Col::ArchivedAt];
    columns.into_iter().filter(|&col| schema.has(col)).collect()
}

/// Returns true if a row certainly agrees with the path and time of its only file. This is cheaper than the rules of
/// [`crate::thread::diff`], which must decide if it returns false.
pub(super) fn agrees(file: &RolloutFile, row: &Row) -> bool {
    let modified = file.stamp().modified_millis();
    let near = |time: Option<i64>, scale: i64, tolerance: Millis| {
        time.and_then(|time| time.checked_mul(scale))
            .is_some_and(|time| time.abs_diff(modified) <= tolerance.unsigned_abs())
    };
    let milliseconds = row.integer(Col::UpdatedAtMs);
    let is_archived_since = |cell: &Cell| matches!(cell, Cell::Integer(1..));
    !file.is_empty()
        && !times::is_lost(modified)
        && near(row.integer(Col::UpdatedAt), 1000, TIME_TOLERANCE)
        && (row.get(Col::UpdatedAtMs).is_none()
            || (milliseconds >= Some(FIRST_MILLISECONDS) && near(milliseconds, 1, TIME_TOLERANCE)))
        && row.integer(Col::Archived) == Some(file.is_archived().into())
        && row.get(Col::ArchivedAt).is_none_or(|cell| match file.is_archived() {
            true => is_archived_since(cell),
            false => *cell == Cell::Null,
        })
}

/// Examines a misnamed file again.
pub(super) fn glance_again(id: ThreadId, file: &RolloutFile) -> Result<FoldedThread, ReadError> {
    Ok(at_a_glance(id, file, Stamp::at(&file.path())?))
}

/// Returns a thread of which only the file's path and time are known.
pub(super) fn at_a_glance(id: ThreadId, file: &RolloutFile, stamp: Stamp) -> FoldedThread {
    let metadata = ThreadMetadata {
        id,
        rollout_path: file.path().to_string_lossy().into_owned(),
        updated_at: stamp.modified_millis(),
        modified_at: stamp.modified_millis(),
        last_event_at: stamp.modified_millis(),
        archived: file.is_archived(),
        ..ThreadMetadata::default()
    };
    let damage = DamageReport::default();
    FoldedThread { metadata, damage, unopenable: None, stamp, n_bytes: 0, n_own_bytes: 0 }
}

/// Returns a thread with what the end of its file says; `None` if no line has a time.
pub(super) fn with_end(thread: ThreadMetadata, end: FileEnd) -> Option<ThreadMetadata> {
    let last_event_at = end.last_event_at?;
    let updated_at = Times::Auto.choose(thread.modified_at, last_event_at);
    Some(ThreadMetadata { last_event_at, updated_at, lacks_last_lines: end.is_lost, ..thread })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::rollout_file::RolloutFolder;
    use crate::rollout::file_name;
    use crate::survey::comparison::Comparison;
    use proptest::prelude::*;
    use std::path::Path;
    use std::time::{Duration, UNIX_EPOCH};

    const NAME: &str = "rollout-2026-03-14T17-00-00-019ced6b-835b-7475-b762-429694b3a51e.jsonl";

    fn file(millis: u64, archived: bool) -> (ThreadId, RolloutFile) {
        let named = file_name::parse(NAME.as_ref()).unwrap();
        let stamp = Stamp { modified: UNIX_EPOCH + Duration::from_millis(millis), size: 1 };
        let folder = RolloutFolder::new(Path::new("sessions"), archived);
        (named.name.unwrap().thread, RolloutFile::new(folder, NAME.as_ref(), named, stamp))
    }

    fn comparison(has_milliseconds: bool) -> Comparison {
        let mut columns = ColumnSet::default();
        [Col::Id, Col::RolloutPath, Col::UpdatedAt, Col::Archived, Col::ArchivedAt]
            .into_iter()
            .chain(has_milliseconds.then_some(Col::UpdatedAtMs))
            .for_each(|col| columns.insert(col));
        Comparison { columns, ..Comparison::default() }
    }

    /// Returns a cell near `number`, or a cell that is not a number.
    fn cell(number: i64, tolerance: i64) -> impl Strategy<Value = Cell> {
        prop_oneof![
            6 => (-2 * tolerance..=2 * tolerance).prop_map(move |by| Cell::Integer(number + by)),
            1 => Just(Cell::Null),
            1 => any::<i64>().prop_map(Cell::Integer),
            1 => Just(Cell::Text(number.to_string())),
        ]
    }

    proptest! {
        #[test]
        fn what_agrees_beyond_doubt_has_no_difference(
            millis in 1_577_836_800_000u64..4_102_444_800_000,
            is_archived: bool,
            has_milliseconds: bool,
            changed in (cell(0, 1000), cell(0, 1), cell(0, 1), cell(1, 1)),
            which: [bool; 4],
        ) {
            let (id, file) = file(millis, is_archived);
            let comparison = comparison(has_milliseconds);
            let glance = at_a_glance(id, &file, file.stamp()).metadata;
            let mut row = comparison.insert(&glance);
            for col in comparison.columns.iter() {
                row[col].get_or_insert(Cell::Null);
            }
            prop_assert!(agrees(&file, &row), "as it was inserted");
            let shifted = |cell: Cell, by: i64| match cell {
                Cell::Integer(number) => Cell::Integer(number.saturating_add(by)),
                other => other,
            };
            let millis = millis as i64;
            let cells = [
                (Col::UpdatedAtMs, shifted(changed.0, millis)),
                (Col::UpdatedAt, shifted(changed.1, millis / 1000)),
                (Col::Archived, changed.2),
                (Col::ArchivedAt, shifted(changed.3, millis / 1000)),
            ];
            for ((col, cell), _) in cells.into_iter().zip(which).filter(|(_, which)| *which) {
                if comparison.columns.contains(col) {
                    row[col] = Some(cell);
                }
            }
            if agrees(&file, &row) {
                prop_assert_eq!(comparison.diff(&glance, &row), []);
            }
        }
    }
}
