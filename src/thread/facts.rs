//! What an old row of another database adds to a row: pure, and no rule of its own about what a row must say.
//!
//! A rebuilt database has lost what only the lost one knew. Here that comes back, column by column, where the row says
//! no more than a rebuild would have put there; whatever was changed since, stays. The result then goes through
//! [`merge::update`] as any row does, so that the next backfill finds nothing to do, and a column whose truth is the
//! file can never be taken from another database.

use super::cell::Cell;
use super::columns::{COLUMNS, Row, Truth, index};
use super::equivalence::{TIME_TOLERANCE, read_milliseconds};
use super::merge::{self, Context, Merged};
use super::{HistoryMode, Millis, ThreadMetadata};

/// The columns of the section that a thread was put in; they mean nothing without each other.
const SECTION: [usize; 3] = [index::THREAD_SECTION_ID, index::SECTION_POSITION, index::SECTION_ENTERED_AT_MS];

/// The cells of a row for a thread that has none yet, where another database knows the thread.
#[must_use]
pub fn insert(file: &ThreadMetadata, facts: &Row, context: &Context<'_>) -> Row {
    let inserted = merge::insert(file, context);
    let mut adopted = adopt(file, &inserted, facts, context);
    let merged = merge::update(file, &adopted, context);
    for (cell, merged) in adopted.cells.iter_mut().zip(merged.row.cells) {
        if merged.is_some() {
            *cell = merged;
        }
    }
    adopted
}

/// The cells that an existing `row` must have, and which of them differ, where another database knows the thread.
#[must_use]
pub fn update(file: &ThreadMetadata, row: &Row, facts: &Row, context: &Context<'_>) -> Merged {
    let adopted = adopt(file, row, facts, context);
    let mut merged = merge::update(file, &adopted, context);
    for (merged, adopted) in merged.row.cells.iter_mut().zip(adopted.cells) {
        // Of what no file knows, the rules say nothing.
        if merged.is_none() {
            *merged = adopted;
        }
    }
    let differs = |&position: &usize| merged.row.cells[position] != row.cells[position];
    merged.changed = (0..COLUMNS.len()).filter(differs).collect();
    merged.to_write = merged.changed.iter().copied().collect();
    merged
}

/// The row with what `facts` adds to it; nothing that the rules would take back.
fn adopt(file: &ThreadMetadata, row: &Row, facts: &Row, context: &Context<'_>) -> Row {
    let fresh = merge::insert(file, context);
    let mut adopted = row.clone();
    // Later columns depend on it.
    if text(facts, index::HISTORY_MODE) == Some("paginated") && context.has(index::HISTORY_MODE) {
        adopted.cells[index::HISTORY_MODE] = Some("paginated".into());
    }
    let paginated = merge::history_mode(file, &adopted) == HistoryMode::Paginated;
    let file_paginated = file.history_mode == HistoryMode::Paginated;
    for (position, column) in COLUMNS.iter().enumerate() {
        let (true, Some(fact)) = (context.has(position), sound(facts, position)) else { continue };
        let existing = sound(row, position);
        // Says no more than a rebuild puts there.
        let is_empty = existing.is_none_or(Cell::is_empty);
        let is_fresh = is_empty || existing == fresh.get(position);
        let takes = match column.truth {
            Truth::Database if SECTION.contains(&position) => continue,
            Truth::Database => is_empty,
            Truth::Git => is_fresh,
            Truth::ArchivedAt => is_fresh && file.archived,
            Truth::FileUnlessEmptied => is_empty && paginated && says_nothing(file, position),
            Truth::Preview => is_empty && says_nothing(file, position),
            Truth::MemoryMode => fact.as_text() == Some("polluted") || (is_fresh && file_paginated),
            Truth::Title if is_empty && says_nothing(file, position) => paginated,
            Truth::Title => takes_title(file, row, facts, context),
            // The key and the file's own; times and the history mode have rules of their own.
            Truth::Key | Truth::File | Truth::RolloutPath | Truth::HasUserEvent => continue,
            Truth::CreatedAt | Truth::Seeded | Truth::HistoryMode => continue,
        };
        if takes && !fact.is_empty() {
            adopted.cells[position] = Some(fact.clone());
        }
    }
    adopt_section(row, facts, context, &mut adopted);
    adopt_created_at(file, row, facts, context, &mut adopted);
    adopt_recency(file, row, facts, context, &mut adopted);
    adopted
}

/// A cell that is there and that Codex can read; NULL is none.
fn sound(row: &Row, position: usize) -> Option<&Cell> {
    row.get(position).filter(|cell| **cell != Cell::Null && merge::is_sound(position, cell))
}

fn says_nothing(file: &ThreadMetadata, position: usize) -> bool {
    COLUMNS[position].from_file.is_none_or(|from_file| from_file(file).is_empty())
}

fn text(row: &Row, position: usize) -> Option<&str> {
    sound(row, position).and_then(Cell::as_text)
}

/// Whether the old title is worth more than the row's: a name that a person gave, where the row has none.
fn takes_title(file: &ThreadMetadata, row: &Row, facts: &Row, context: &Context<'_>) -> bool {
    let is_name = |row: &Row| {
        text(row, index::TITLE)
            .is_some_and(|title| !title.is_empty() && merge::set_by_a_person(file, row, title, context))
    };
    // Where the old schema kept no first message, its titles cannot be told from names.
    let old_is_name = facts.get(index::FIRST_USER_MESSAGE).is_some() && is_name(facts);
    old_is_name && !is_name(row)
}

/// A section comes with the place in it, or not at all.
fn adopt_section(row: &Row, facts: &Row, context: &Context<'_>, adopted: &mut Row) {
    let Some(old) = text(facts, index::THREAD_SECTION_ID).filter(|id| !id.is_empty()) else { return };
    let current = text(row, index::THREAD_SECTION_ID).filter(|id| !id.is_empty());
    for position in SECTION.into_iter().filter(|&position| context.has(position)) {
        let takes = match current {
            None => true,
            Some(current) => current == old && sound(row, position).is_none(),
        };
        if takes && let Some(fact) = sound(facts, position) {
            adopted.cells[position] = Some(fact.clone());
        }
    }
}

/// A time of two columns, at the better precision that is there.
fn time(row: &Row, seconds: usize, milliseconds: usize) -> Option<Millis> {
    let cell = |position| sound(row, position).and_then(Cell::as_integer).filter(|&time| time > 0);
    cell(milliseconds).map(read_milliseconds).or_else(|| Some(cell(seconds)?.saturating_mul(1000)))
}

fn is_same_time(a: Millis, b: Millis) -> bool {
    a.abs_diff(b) <= TIME_TOLERANCE.unsigned_abs()
}

fn set_time(adopted: &mut Row, context: &Context<'_>, time: Millis, seconds: usize, milliseconds: usize) {
    for (position, value) in [(seconds, time.div_euclid(1000)), (milliseconds, time)] {
        if context.has(position) {
            adopted.cells[position] = Some(Cell::Integer(value));
        }
    }
}

/// A paginated thread keeps the beginning that its row had.
fn adopt_created_at(file: &ThreadMetadata, row: &Row, facts: &Row, context: &Context<'_>, adopted: &mut Row) {
    let (seconds, milliseconds) = (index::CREATED_AT, index::CREATED_AT_MS);
    let Some(old) = time(facts, seconds, milliseconds) else { return };
    let is_fresh = time(row, seconds, milliseconds).is_none_or(|time| is_same_time(time, file.created_at));
    // Said of the adopted row, which may have become paginated.
    let paginated = merge::history_mode(file, adopted) == HistoryMode::Paginated;
    if paginated && is_fresh && !is_same_time(old, file.created_at) {
        set_time(adopted, context, old, seconds, milliseconds);
    }
}

/// When a thread was last used comes back where the row has the file's time for it. If the thread was used since the old
/// row was written, which the file tells, the later time counts.
fn adopt_recency(file: &ThreadMetadata, row: &Row, facts: &Row, context: &Context<'_>, adopted: &mut Row) {
    let (seconds, milliseconds) = (index::RECENCY_AT, index::RECENCY_AT_MS);
    let Some(old) = time(facts, seconds, milliseconds) else { return };
    let current = time(row, seconds, milliseconds);
    let updated = |row| time(row, index::UPDATED_AT, index::UPDATED_AT_MS);
    let takes = current.is_none_or(|current| {
        let seeds = [Some(file.updated_at), Some(file.last_event_at), updated(row)];
        let is_seeded = seeds.into_iter().flatten().any(|seed| is_same_time(current, seed));
        let knew_the_file = updated(facts).is_some_and(|time| {
            time >= file.updated_at.min(file.last_event_at).saturating_sub(TIME_TOLERANCE)
        });
        is_seeded && !is_same_time(current, old) && (knew_the_file || old > current)
    });
    if takes {
        set_time(adopted, context, old, seconds, milliseconds);
    }
}
