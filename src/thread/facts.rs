//! Adds what an old row of another database knows to a row. Pure; the rules for a row's values are those of `merge`.
//!
//! A rebuilt database lacks what only the lost database knew. This module restores it, column by column, where the
//! row holds only what a rebuild would have written; later changes stay. The result then goes through
//! [`merge::update`] like any row. So the next backfill finds nothing to do, and a column that the file decides is
//! never taken from another database.

use super::cell::Cell;
use super::columns::{Col, Row, Truth};
use super::equivalence::{TIME_TOLERANCE, read_milliseconds};
use super::merge::{self, CREATED, MergeContext, Merged, RECENCY, Rules, TimePair, UPDATED, set_time};
use super::{HistoryMode, Millis, ThreadMetadata};

/// The columns that place a thread in a section; each is useless without the others.
const SECTION: [Col; 3] = [Col::ThreadSectionId, Col::SectionPosition, Col::SectionEnteredAtMs];

/// All times that have two columns.
const TIMES: [TimePair; 3] = [CREATED, UPDATED, RECENCY];

/// Returns the cells to insert for a thread that has no row yet, but is known to another database.
#[must_use]
pub fn insert(file: &ThreadMetadata, facts: &Row, context: &MergeContext<'_>) -> Row {
    let inserted = merge::insert(file, context);
    let adoption = Adoption { rules: Rules { file, row: &inserted, context }, facts };
    let adopted = adoption.adopt(time(&inserted, UPDATED));
    let merged = merge::update(file, &adopted, context);
    overlaid(adopted, merged.row)
}

/// Returns the cells of a row in a database that replaces the one with the row `old`: the cells of `old` that Codex
/// can read, updated as a backfill would have done there. Cells that `old` does not have come from the file.
#[must_use]
pub fn carry_over(file: &ThreadMetadata, old: &Row, context: &MergeContext<'_>) -> Row {
    let mut row = merge::insert(file, context);
    for (col, column) in Col::definitions() {
        let is_time = || TIMES.iter().flatten().any(|&time| time == col);
        if !context.has(col) || old[col] == row[col] || is_time() {
            continue;
        }
        let cell = match column.truth {
            Truth::Key => continue,
            Truth::Title => sound(old, col).filter(|_| keeps_title(file, &row, old, context)),
            // If both sides are paginated, NULL stays.
            Truth::Git => old.get(col).filter(|cell| merge::is_sound(col, cell)),
            _ => sound(old, col),
        };
        if let Some(cell) = cell {
            row[col] = Some(cell.clone());
        }
    }
    for pair in TIMES {
        carry_time(old, context, &mut row, pair);
    }
    match merge::update_if_different(file, &row, context) {
        None => row,
        Some(merged) => overlaid(row, merged.row),
    }
}

/// Returns true if the title of the old row is better than that of a new `row`, which may be the thread's name in
/// `session_index.jsonl`.
fn keeps_title(file: &ThreadMetadata, row: &Row, old: &Row, context: &MergeContext<'_>) -> bool {
    let Some(title) = text(old, Col::Title).filter(|title| !title.is_empty()) else { return false };
    let new = text(row, Col::Title).unwrap_or_default();
    // Without a first message in the old schema, a given name cannot be told from a derived title.
    let can_tell = old.get(Col::FirstUserMessage).is_some();
    new.is_empty()
        || (can_tell && (new == file.title || (Rules { file, row: old, context }).set_by_a_person(title)))
}

/// Takes a time from the old row. If an older schema has it only in seconds, a more exact time in the row stays.
fn carry_time(old: &Row, context: &MergeContext<'_>, row: &mut Row, pair: TimePair) {
    let is_there = |&col: &Col| sound(old, col).and_then(Cell::as_integer).is_some_and(|time| time > 0);
    if pair.iter().filter(|&&col| context.has(col)).all(is_there) {
        for col in pair.into_iter().filter(|&col| context.has(col)) {
            row[col].clone_from(&old[col]);
        }
    } else if let Some(time_there) = time(old, pair)
        && time(row, pair).is_none_or(|here| !is_same_time(here, time_there))
    {
        set_time(row, time_there, pair);
    }
}

/// Returns `row`, with each cell that `other` has replaced by `other`'s.
fn overlaid(mut row: Row, mut other: Row) -> Row {
    for col in Col::all() {
        if let Some(cell) = other[col].take() {
            row[col] = Some(cell);
        }
    }
    row
}

/// Returns the expected cells of an existing `row` and those that differ, for a thread that another database knows.
#[must_use]
pub fn update(file: &ThreadMetadata, row: &Row, facts: &Row, context: &MergeContext<'_>) -> Merged {
    // Repairs the row without the facts first, so that no decision is based on an invalid cell.
    let settled = overlaid(row.clone(), merge::update(file, row, context).row);
    let adoption = Adoption { rules: Rules { file, row: &settled, context }, facts };
    let adopted = adoption.adopt(time(row, UPDATED));
    let mut merged = merge::update(file, &adopted, context);
    // The rules leave out the columns that no file knows.
    merged.row = overlaid(adopted, merged.row);
    let differs = |&col: &Col| merged.row[col] != row[col];
    merged.changed = Col::all().filter(differs).collect();
    merged.to_write = merged.changed;
    merged
}

/// A row, with what another database knows about its thread.
struct Adoption<'a> {
    /// The row, its file and the rules.
    rules: Rules<'a>,
    facts: &'a Row,
}

impl Adoption<'_> {
    /// Returns the row with what the facts add to it, but nothing that the rules would undo. `updated_at` is the row's
    /// time now.
    fn adopt(&self, updated_at: Option<Millis>) -> Row {
        let Adoption { rules: Rules { file, row, context }, facts } = *self;
        let fresh = merge::insert(file, context);
        let mut adopted = row.clone();
        // Set first, because later columns depend on it.
        if text(facts, Col::HistoryMode) == Some("paginated") && context.has(Col::HistoryMode) {
            adopted[Col::HistoryMode] = Some("paginated".into());
        }
        let paginated = merge::history_mode(file, &adopted) == HistoryMode::Paginated;
        let file_paginated = file.history_mode == HistoryMode::Paginated;
        for (col, column) in Col::definitions() {
            let (true, Some(fact)) = (context.has(col), sound(facts, col)) else { continue };
            let existing = sound(row, col);
            // Fresh: the row holds only what a rebuild writes.
            let is_empty = existing.is_none_or(Cell::is_empty);
            let is_fresh = is_empty || existing == fresh.get(col);
            let takes = match column.truth {
                Truth::Database if SECTION.contains(&col) => continue,
                Truth::Database => is_empty,
                Truth::Git => is_fresh,
                Truth::ArchivedAt => is_fresh && file.archived,
                Truth::FileUnlessEmptied => is_empty && paginated && says_nothing(file, col),
                Truth::Preview => is_empty && says_nothing(file, col),
                Truth::FilledLater => is_empty,
                Truth::MemoryMode => fact.as_text() == Some("polluted") || (is_fresh && file_paginated),
                Truth::Title if is_empty && says_nothing(file, col) => paginated,
                // The key and columns that the file decides; the others have their own rules below.
                Truth::Title | Truth::Key | Truth::File | Truth::RolloutPath | Truth::HasUserEvent => {
                    continue;
                }
                Truth::CreatedAt | Truth::Seeded | Truth::HistoryMode => continue,
                Truth::Source | Truth::Provider | Truth::Cwd => continue,
            };
            if takes && !fact.is_empty() {
                adopted[col] = Some(fact.clone());
            }
        }
        // Decided after the first message, which may have just been restored.
        if self.takes_title(&adopted) {
            adopted[Col::Title].clone_from(&facts[Col::Title]);
        }
        self.adopt_section(&mut adopted);
        self.adopt_created_at(&mut adopted);
        self.adopt_recency(updated_at, &mut adopted);
        adopted
    }

    /// Returns true if the old title must replace the row's: the old one was given by a person, the row's was not.
    fn takes_title(&self, adopted: &Row) -> bool {
        let Adoption { rules, facts } = *self;
        let is_name = |row: &Row| {
            let rules = Rules { row, ..rules };
            text(row, Col::Title).is_some_and(|title| !title.is_empty() && rules.set_by_a_person(title))
        };
        // Without a first message in the old schema, a given name cannot be told from a derived title.
        let old_is_name = facts.get(Col::FirstUserMessage).is_some() && is_name(facts);
        old_is_name && rules.context.has(Col::Title) && !is_name(adopted)
    }

    /// Adopts a section together with the position in it, or neither.
    fn adopt_section(&self, adopted: &mut Row) {
        let Adoption { rules: Rules { row, context, .. }, facts } = *self;
        let Some(old) = text(facts, Col::ThreadSectionId).filter(|id| !id.is_empty()) else { return };
        let current = text(row, Col::ThreadSectionId).filter(|id| !id.is_empty());
        for col in SECTION.into_iter().filter(|&col| context.has(col)) {
            let takes = current.is_none_or(|current| current == old && sound(row, col).is_none());
            if takes && let Some(fact) = sound(facts, col) {
                adopted[col] = Some(fact.clone());
            }
        }
    }

    /// Restores the creation time that the row of a paginated thread had.
    fn adopt_created_at(&self, adopted: &mut Row) {
        let Adoption { rules: Rules { file, row, .. }, facts } = *self;
        let Some(old) = time(facts, CREATED) else { return };
        let is_fresh = time(row, CREATED).is_none_or(|time| is_same_time(time, file.created_at));
        // Asks about the adopted row, which may have just become paginated.
        let paginated = merge::history_mode(file, adopted) == HistoryMode::Paginated;
        if paginated && is_fresh && !is_same_time(old, file.created_at) {
            set_time(adopted, old, CREATED);
        }
    }

    /// Restores when a thread was last used, where the row has the file's time for it, or the row's own (`updated_at`).
    /// If the file shows that the thread was used after the old row was written, the later time wins.
    fn adopt_recency(&self, updated_at: Option<Millis>, adopted: &mut Row) {
        let Adoption { rules: Rules { file, row, .. }, facts } = *self;
        let Some(old) = time(facts, RECENCY) else { return };
        let takes = time(row, RECENCY).is_none_or(|current| {
            let mut seeds = [file.updated_at, file.last_event_at].into_iter().chain(updated_at);
            let is_seeded = seeds.any(|seed| is_same_time(current, seed));
            let least = file.updated_at.min(file.last_event_at).saturating_sub(TIME_TOLERANCE);
            let knew_the_file = time(facts, UPDATED).is_some_and(|time| time >= least);
            is_seeded && !is_same_time(current, old) && (knew_the_file || old > current)
        });
        if takes {
            set_time(adopted, old, RECENCY);
        }
    }
}

/// Returns the cell if it is there, is not NULL, and Codex can read it.
fn sound(row: &Row, col: Col) -> Option<&Cell> {
    row.get(col).filter(|cell| **cell != Cell::Null && merge::is_sound(col, cell))
}

fn says_nothing(file: &ThreadMetadata, col: Col) -> bool {
    col.column().from_file.is_none_or(|from_file| from_file(file).is_empty())
}

fn text(row: &Row, col: Col) -> Option<&str> {
    sound(row, col).and_then(Cell::as_text)
}

/// Returns the time held in two columns, from the more precise one that is there.
fn time(row: &Row, [seconds, milliseconds]: TimePair) -> Option<Millis> {
    let cell = |col| row.integer(col).filter(|&time| time > 0);
    cell(milliseconds).map(read_milliseconds).or_else(|| Some(cell(seconds)?.saturating_mul(1000)))
}

fn is_same_time(a: Millis, b: Millis) -> bool {
    a.abs_diff(b) <= TIME_TOLERANCE.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::ThreadId;
    use crate::thread::columns::{Col, ColumnKind, ColumnSet};
    use crate::thread::sample::{self, metadata};
    use crate::thread::times::Times;
    use proptest::prelude::*;

    fn context(columns: ColumnSet) -> MergeContext<'static> {
        MergeContext { times: Times::Mtime, ..sample::context(columns) }
    }

    fn all_columns() -> ColumnSet {
        Col::all().collect()
    }

    /// Returns the row that a rebuild writes, with these cells changed.
    fn row(file: &ThreadMetadata, cells: &[(&str, Cell)]) -> Row {
        let mut row = merge::insert(file, &context(all_columns()));
        for i in Col::all() {
            row[i].get_or_insert(Cell::Null);
        }
        row[Col::named("is_pinned").unwrap()] = Some(Cell::Integer(0));
        for (name, cell) in cells {
            row[Col::named(name).unwrap()] = Some(cell.clone());
        }
        row
    }

    /// Checks which cells the facts `old` change in the row `now`.
    #[track_caller]
    fn check(file: &ThreadMetadata, now: &[(&str, Cell)], old: &[(&str, Cell)], expected: &[(&str, Cell)]) {
        let context = context(all_columns());
        let (now, old) = (row(file, now), row(file, old));
        let merged = update(file, &now, &old, &context);
        let mut changed: Vec<(&str, Cell)> = Vec::new();
        let mut after = now;
        for col in merged.to_write.iter() {
            let cell = merged.row.get(col).unwrap().clone();
            changed.push((col.name(), cell.clone()));
            after[col] = Some(cell);
        }
        assert_eq!(changed, expected);
        assert_eq!(
            update(file, &after, &old, &context).changed,
            ColumnSet::default(),
            "nothing is left for a second time"
        );
        assert_eq!(
            merge::update(file, &after, &context).changed,
            ColumnSet::default(),
            "a plain backfill leaves it"
        );
    }

    fn paginated() -> ThreadMetadata {
        ThreadMetadata { history_mode: HistoryMode::Paginated, ..metadata() }
    }

    #[test]
    fn facts_that_only_a_database_knows_fill_empty_cells() {
        let old = [("name", "N".into()), ("is_pinned", Cell::Integer(1)), ("project_id", "P".into())];
        check(&metadata(), &[], &old, &old);
        check(&metadata(), &old, &[], &[]);
        check(&metadata(), &[("name", "M".into()), ("is_pinned", Cell::Integer(1))], &old, &old[2..]);
        check(&metadata(), &[], &[("is_pinned", "yes".into()), ("name", Cell::Blob(vec![1]))], &[]);
    }

    #[test]
    fn a_section_comes_back_with_its_position_or_not_at_all() {
        let place = |id: &str, place: i64| {
            [
                ("thread_section_id", Cell::from(id)),
                ("section_position", Cell::Integer(place)),
                ("section_entered_at_ms", Cell::Integer(1_773_509_512_123)),
            ]
        };
        check(&metadata(), &[], &place("S", 0), &place("S", 0));
        check(&metadata(), &place("T", 4), &place("S", 0), &[]);
        check(&metadata(), &place("S", 4)[..1], &place("S", 2), &place("S", 2)[1..]);
        check(&metadata(), &[], &place("S", 0)[1..], &[]);
    }

    #[test]
    fn a_name_that_a_person_gave_comes_back_and_a_derived_title_does_not() {
        let name = [("title", Cell::from("my name"))];
        check(&metadata(), &[], &name, &name);
        check(&metadata(), &[("title", "another".into())], &name, &[]);
        check(&metadata(), &[], &[("title", "<environment_context>".into())], &[]);
        check(&metadata(), &[], &[("title", "old".into()), ("first_user_message", "old".into())], &[]);
    }

    #[test]
    fn git_edits_come_back_where_the_row_equals_the_file() {
        let edited = [("git_sha", Cell::from("fee")), ("git_branch", "main".into())];
        check(&metadata(), &[], &edited, &edited);
        check(&paginated(), &[], &edited, &edited);
        check(&metadata(), &[("git_sha", "since".into())], &edited, &edited[1..]);
        check(&metadata(), &[], &[("git_sha", Cell::Null)], &[]);
    }

    #[test]
    fn the_files_own_facts_come_back_only_in_paginated_threads_whose_file_lost_them() {
        let silent = |history_mode| ThreadMetadata {
            title: String::new(),
            preview: String::new(),
            first_user_message: String::new(),
            model: None,
            tokens_used: 0,
            history_mode,
            ..metadata()
        };
        let full = [
            ("title", Cell::from("t")),
            ("tokens_used", Cell::Integer(5)),
            ("first_user_message", "t".into()),
            ("model", "m".into()),
            ("preview", "p".into()),
        ];
        check(&silent(HistoryMode::Paginated), &[], &full, &full);
        check(&silent(HistoryMode::Legacy), &[], &full, &full[4..]);
        check(&metadata(), &[], &[("tokens_used", Cell::Integer(5)), ("cwd", "/x".into())], &[]);
    }

    #[test]
    fn times_come_back_as_their_rules_keep_them() {
        let archived = [("archived_at", Cell::Integer(1_773_600_000))];
        check(&metadata(), &[], &archived, &archived);
        check(&metadata(), &[("archived_at", Cell::Integer(5))], &archived, &[]);
        check(
            &ThreadMetadata { archived: false, ..metadata() },
            &[("archived_at", Cell::Null)],
            &[("archived_at", Cell::Integer(1_773_600_000))],
            &[],
        );
        let created = [
            ("created_at", Cell::Integer(1_770_000_000)),
            ("created_at_ms", Cell::Integer(1_770_000_000_123)),
        ];
        check(&paginated(), &[], &created, &created);
        check(&metadata(), &[], &created, &[]);
        let recency = [
            ("recency_at", Cell::Integer(1_773_000_000)),
            ("recency_at_ms", Cell::Integer(1_773_000_000_123)),
        ];
        check(&metadata(), &[], &recency, &recency);
        check(&metadata(), &[("recency_at_ms", Cell::Integer(1_774_000_000_000))], &recency, &[]);
    }

    #[test]
    fn recency_is_never_earlier_than_a_later_use_in_the_file() {
        let old = |recency: i64| {
            [
                ("updated_at", Cell::Integer(1_773_000_000)),
                ("updated_at_ms", Cell::Integer(1_773_000_000_000)),
                ("recency_at", Cell::Integer(recency / 1000)),
                ("recency_at_ms", Cell::Integer(recency)),
            ]
        };
        check(&metadata(), &[], &old(1_773_000_100_000), &[]);
        let later = old(1_774_000_000_000);
        check(&metadata(), &[], &later, &later[2..]);
    }

    #[test]
    fn modes_come_back_as_their_rules_keep_them() {
        check(&metadata(), &[], &[("memory_mode", "polluted".into())], &[("memory_mode", "polluted".into())]);
        check(&metadata(), &[], &[("memory_mode", "disabled".into())], &[]);
        check(
            &paginated(),
            &[],
            &[("memory_mode", "disabled".into())],
            &[("memory_mode", "disabled".into())],
        );
        check(
            &metadata(),
            &[],
            &[("history_mode", "paginated".into())],
            &[("history_mode", "paginated".into())],
        );
        check(&paginated(), &[], &[("history_mode", "legacy".into())], &[]);
    }

    fn cell(col: Col) -> BoxedStrategy<Cell> {
        let fitting = match col.column().kind {
            _ if col == Col::HistoryMode => {
                prop_oneof![Just(Cell::from("legacy")), Just("paginated".into()), Just("x".into())].boxed()
            }
            _ if col == Col::MemoryMode => {
                prop_oneof![Just(Cell::from("enabled")), Just("polluted".into()), Just("x".into())].boxed()
            }
            ColumnKind::Boolean => (0..2_i64).prop_map(Cell::Integer).boxed(),
            ColumnKind::Seconds => (1_773_507_430..1_773_507_455_i64).prop_map(Cell::Integer).boxed(),
            ColumnKind::Milliseconds => {
                (1_773_507_430_000..1_773_507_455_000_i64).prop_map(Cell::Integer).boxed()
            }
            ColumnKind::Integer => (0..3_i64).prop_map(Cell::Integer).boxed(),
            _ => prop_oneof![Just("hello"), Just("abc"), Just("x"), Just(""), Just("y")]
                .prop_map(Cell::from)
                .boxed(),
        };
        prop_oneof![4 => fitting, 1 => Just(Cell::Null), 1 => Just(Cell::Real(0.5))].boxed()
    }

    fn rows() -> impl Strategy<Value = Row> {
        let cells: Vec<BoxedStrategy<Cell>> = Col::all().map(cell).collect();
        cells.prop_map(|cells| {
            let mut row = Row::empty();
            for (col, cell) in Col::all().zip(cells) {
                row[col] = Some(cell);
            }
            row[Col::Id] = Some(Cell::from(&*ThreadId::from_u128(7).to_string()));
            row
        })
    }

    proptest! {
        /// For any two databases: a second run changes nothing, a plain backfill undoes nothing, and columns that the
        /// file decides keep the file's values.
        #[test]
        fn a_second_run_changes_nothing_and_the_file_is_never_overruled(
            now in rows(),
            old in rows(),
            is_paginated in any::<bool>(),
            is_silent in any::<bool>(),
            is_missing in any::<bool>(),
        ) {
            let mut file = if is_paginated { paginated() } else { metadata() };
            if is_silent {
                (file.title, file.preview, file.first_user_message) = Default::default();
                file.tokens_used = 0;
            }
            let context = context(all_columns());
            let after = if is_missing {
                let mut row = insert(&file, &old, &context);
                for i in Col::all() {
                    row[i].get_or_insert(Cell::Null);
                }
                row
            } else {
                let mut now = now;
                let merged = update(&file, &now, &old, &context);
                merged.to_write.iter().for_each(|i| now[i].clone_from(&merged.row[i]));
                now
            };
            prop_assert_eq!(update(&file, &after, &old, &context).changed, ColumnSet::default());
            prop_assert_eq!(merge::update(&file, &after, &context).changed, ColumnSet::default());
            let carried = carry_over(&file, &old, &context);
            prop_assert_eq!(merge::update(&file, &carried, &context).changed, ColumnSet::default());
            for (col, column) in Col::definitions() {
                let said = column.from_file.map(|from_file| Cell::from(from_file(&file))).filter(|cell| !cell.is_empty());
                if let Some(said) = said
                    && column.truth == Truth::File
                    && !column.name.starts_with("updated_at")
                {
                    prop_assert_eq!(after.get(col), Some(&said), "{}", column.name);
                }
            }
        }
    }
}
