//! Decides what a row must contain, from the file and the existing row. Pure, and the only place of these rules.
//!
//! `backfill` writes the result and `verify` reports where the row differs from it. Both use this function, so that a
//! backfill leaves nothing to report.

use super::cell::{Cell, CellRef};
use super::columns::{Col, ColumnSet, N_COLUMNS, Row, Same, Truth};
use super::times::{self, Times};
use super::{HistoryMode, Millis, ThreadMetadata, equivalence, folder, lost};

/// The input of the rules beside file and row.
pub struct MergeContext<'a> {
    /// The columns that the database has.
    pub columns: ColumnSet,
    /// The choice between the file's two times for `updated_at`.
    pub times: Times,
    /// Returns true if a row's path (first) is the file's path (second) in another spelling or form.
    pub same_path: &'a dyn Fn(&str, &str) -> bool,
    /// Returns true if a row's folder (first) is the file's folder (second) in another spelling.
    pub same_folder: &'a dyn Fn(&str, &str) -> bool,
    /// Returns true if a folder exists.
    pub is_folder: &'a dyn Fn(&str) -> bool,
    /// The greatest running number in synthetic milliseconds: at most the number of rows that were ever numbered.
    pub synthetic_limit: i64,
    /// The provider of threads that name none; Codex lists only threads of this provider.
    pub default_provider: &'a str,
    /// True if the ledger has the migration since which Codex itself names guardian threads.
    pub names_guardians: bool,
    /// The thread's name in `session_index.jsonl`. It is used for inserted rows and for rows without a first message.
    pub indexed_name: Option<&'a str>,
}

impl MergeContext<'_> {
    pub(super) fn has(&self, col: Col) -> bool {
        self.columns.contains(col)
    }
}

/// A row with its expected values, and the differences from them.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The expected cells; `None` for columns that we never write or that the database lacks.
    pub row: Row,
    /// The columns in which the existing row differs.
    pub changed: ColumnSet,
    /// The columns to write: those that differ, and for a time that differs, its other column too.
    pub to_write: ColumnSet,
}

/// Prefixes of user items that Codex wrote itself. Such an item is not a title.
const WRAPPERS: [&str; 3] = ["<environment_context>", "<user_instructions>", "# AGENTS.md instructions"];

/// The values that Codex itself writes into a guardian's row, since ledger level 57.
///
/// Source: docs/codex-home.md 4.
const GUARDIAN: [(Col, &str); 3] =
    [(Col::Title, "Guardian review"), (Col::Preview, "Approval review"), (Col::FirstUserMessage, "")];

/// Returns true if a text is a block that Codex wrote in the user's role, not a message of the user.
#[must_use]
pub fn is_wrapper(text: &str) -> bool {
    let text = text.trim_start();
    WRAPPERS.iter().any(|wrapper| text.starts_with(wrapper))
}

/// Returns the cells to insert for a thread that has no row yet.
#[must_use]
pub fn insert(file: &ThreadMetadata, context: &MergeContext<'_>) -> Row {
    let mut row = Row::empty();
    for (col, column) in Col::definitions() {
        if context.has(col) {
            row[col] = column.from_file.map(|from_file| from_file(file).into());
        }
    }
    if context.has(Col::Id) {
        row[Col::Id] = Some(Cell::Text(file.id.to_string()));
    }
    if context.has(Col::FirstUserMessage) && context.has(Col::HasUserEvent) {
        row[Col::HasUserEvent] = Some(Cell::Integer(0));
    }
    if context.names_guardians && equivalence::is_guardian(&file.source) {
        for (col, text) in GUARDIAN.into_iter().filter(|(col, _)| context.has(*col)) {
            row[col] = Some(text.into());
        }
    }
    if let Some(name) = context.indexed_name.or(file.name.as_deref()) {
        // Without a history mode column, a row cannot be paginated.
        let paginated = file.history_mode == HistoryMode::Paginated && context.has(Col::HistoryMode);
        let col = if paginated { Col::Name } else { Col::Title };
        // Write the name as a title only if the next run takes it for a person's; otherwise that run would replace
        // it.
        if context.has(col) && (col == Col::Name || (Rules { file, row: &row, context }).stays(name)) {
            row[col] = Some(name.into());
        }
    }
    row
}

/// Returns the expected cells of an existing `row`, and which of them differ.
#[must_use]
pub fn update(file: &ThreadMetadata, row: &Row, context: &MergeContext<'_>) -> Merged {
    let rules = Rules { file, row, context };
    rules.merge(rules.expect())
}

/// Returns the same as [`update`] if anything differs. Most rows agree, and cost no allocation.
#[must_use]
pub fn update_if_different(file: &ThreadMetadata, row: &Row, context: &MergeContext<'_>) -> Option<Merged> {
    let rules = Rules { file, row, context };
    let expected = rules.expect();
    (!expected.changed.is_empty()).then(|| rules.merge(expected))
}

/// The expected cells of an existing row, borrowed from the file and the row.
struct Expected<'a> {
    /// In the order of [`COLUMNS`](super::columns::COLUMNS); `None` for columns that we never write or that the
    /// database lacks. A cell that agrees is the row's own.
    cells: [Option<CellRef<'a>>; N_COLUMNS],
    /// The columns in which the existing row differs.
    changed: ColumnSet,
}

/// Returns true if a cell that equals the file's value needs no further comparison: the expected value is one of
/// these two.
pub(super) fn agrees_if_equal(truth: Truth) -> bool {
    !matches!(truth, Truth::HistoryMode | Truth::HasUserEvent)
}

/// The columns in milliseconds by which Codex sorts its lists.
pub const PAGED: [Col; 3] = [Col::CreatedAtMs, Col::UpdatedAtMs, Col::RecencyAtMs];

/// Returns true if Codex can read this cell. An unreadable cell counts as absent, so that the file's value replaces
/// it.
#[must_use]
pub fn is_sound(col: Col, cell: &Cell) -> bool {
    if col == Col::HistoryMode {
        return cell.as_text().and_then(HistoryMode::parse).is_some();
    }
    if col == Col::Id {
        return cell.as_text().is_some_and(|id| super::ThreadId::parse(id).is_some());
    }
    // Codex reads seconds in these columns, and pages through a list by them for ever.
    let is_in_seconds =
        || PAGED.contains(&col) && matches!(cell, Cell::Integer(n) if equivalence::SECONDS.contains(n));
    col.column().kind.accepts(cell) && !is_in_seconds()
}

/// A file and the row of its thread, to which the rules are applied.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) file: &'a ThreadMetadata,
    pub(super) row: &'a Row,
    pub(super) context: &'a MergeContext<'a>,
}

impl<'a> Rules<'a> {
    fn expect(self) -> Expected<'a> {
        let mut expected = Expected { cells: [None; N_COLUMNS], changed: ColumnSet::default() };
        expected.cells[Col::Id as usize] = self.row.get(Col::Id).map(CellRef::from);
        for (col, column) in Col::definitions() {
            let (true, Some(from_file), Some(existing)) =
                (self.context.has(col), column.from_file, self.row.get(col))
            else {
                continue;
            };
            let sound = is_sound(col, existing).then_some(CellRef::from(existing));
            let from_file = from_file(self.file);
            if sound == Some(from_file) && agrees_if_equal(column.truth) {
                expected.cells[col as usize] = sound;
                continue;
            }
            let Some((cell, is_changed)) = self.decide(col, from_file, sound) else { continue };
            expected.cells[col as usize] = Some(cell);
            if is_changed {
                expected.changed.insert(col);
            }
        }
        expected
    }

    /// Returns the expected value of a cell, and true if the existing one differs from it; `None` if we never write it.
    pub(super) fn decide(
        self,
        col: Col,
        from_file: CellRef<'a>,
        sound: Option<CellRef<'a>>,
    ) -> Option<(CellRef<'a>, bool)> {
        let target = self.target(col, from_file, sound)?;
        let agreeing = sound.filter(|existing| self.agrees(col, target, *existing));
        // An equal cell in another spelling is not rewritten.
        Some((agreeing.unwrap_or(target), agreeing.is_none()))
    }

    fn merge(self, expected: Expected<'_>) -> Merged {
        let Rules { file, row, context } = self;
        let cell = |col: Col| expected.cells[col as usize].map(Cell::from);
        let mut merged =
            Merged { row: Row::from_fn(cell), changed: expected.changed, to_write: ColumnSet::default() };
        if context.times == Times::Keep && merged.changed.iter().all(Col::is_updated_at) {
            for col in std::mem::take(&mut merged.changed).iter() {
                merged.row[col] = row[col].clone();
            }
        }
        if !merged.changed.is_empty() {
            fill_later(&mut merged, file, row, context);
        }
        align_twin(&mut merged, row, file.updated_at, false, UPDATED);
        let row_counts = history_mode(file, row) == HistoryMode::Paginated;
        align_twin(&mut merged, row, file.created_at, row_counts, CREATED);
        align_twin(&mut merged, row, file.recency_at(), true, RECENCY);
        let differs = |&col: &Col| merged.row[col].is_some() && merged.row[col] != row[col];
        merged.to_write = Col::all().filter(differs).collect();
        merged
    }

    /// Returns the expected value of a cell; `None` if we never write it.
    fn target(self, col: Col, from_file: CellRef<'a>, existing: Option<CellRef<'a>>) -> Option<CellRef<'a>> {
        let Rules { file, row, context } = self;
        let column = col.column();
        let kept = |keep: bool| existing.filter(|_| keep).unwrap_or(from_file);
        let has_value = existing.is_some_and(|cell| !cell.is_empty());
        let is_null = existing == Some(CellRef::Null);
        let paginated = history_mode(file, row) == HistoryMode::Paginated;
        let file_paginated = file.history_mode == HistoryMode::Paginated;
        let existing_text = existing.and_then(CellRef::as_text).filter(|text| !text.is_empty());
        let is_text = |rule: &dyn Fn(&str) -> bool| existing_text.is_some_and(rule);
        // A text never becomes empty, in any column, any schema and any history mode.
        let is_emptied = from_file.is_empty() && existing_text.is_some();
        let is_known = has_value && lost::is_known_to_row(col, file, row, context.times);
        if is_emptied || (is_known && !existing_text.is_some_and(is_wrapper)) {
            return existing;
        }
        Some(match column.truth {
            Truth::Key | Truth::Database => return None,
            Truth::File | Truth::Preview => from_file,
            Truth::FileUnlessEmptied => kept(paginated && from_file.is_empty() && has_value),
            Truth::Title => kept(is_text(&|title| self.stays(title))),
            Truth::Source => {
                kept(is_text(&equivalence::is_listed_source) && !equivalence::is_listed_source(&file.source))
            }
            Truth::Provider => kept(is_text(&|provider| provider == context.default_provider)),
            Truth::Cwd => kept(is_text(&|folder| self.cwd_stays(folder))),
            Truth::FilledLater => kept(existing.is_some()),
            Truth::Git => {
                let row_paginated = row.text(Col::HistoryMode) == Some("paginated");
                kept(!is_null || (row_paginated && file_paginated))
            }
            Truth::CreatedAt => kept(paginated && has_value),
            Truth::ArchivedAt => kept(file.archived && !is_null),
            Truth::HistoryMode => CellRef::Text(history_mode(file, row).as_str()),
            Truth::MemoryMode => {
                kept(existing.and_then(CellRef::as_text) == Some("polluted") || file_paginated)
            }
            Truth::RolloutPath => kept(is_text(&|path| (context.same_path)(path, &file.rollout_path))),
            // A 0 would remove the thread from the list of phase 1.
            Truth::HasUserEvent if !context.has(Col::FirstUserMessage) => {
                kept(existing == Some(CellRef::Integer(1)))
            }
            Truth::HasUserEvent if existing.is_some() => return None,
            Truth::HasUserEvent => CellRef::Integer(0),
            Truth::Seeded => kept(true),
        })
    }

    /// Returns true if a row's working directory stays although it differs from the file's. If no line of the file names
    /// it, then the project moved, or the folder was reached through a link or on another machine. A folder that does not
    /// exist is replaced if the file's folder exists. A folder that exists also stays if a later turn ran in it and the
    /// file's folder is gone: the thread was resumed after the project moved.
    ///
    /// Source: docs/codex-home.md 4, row `cwd`.
    fn cwd_stays(self, row: &str) -> bool {
        let Rules { file, context, .. } = self;
        let is_among = |folders: &[String]| folders.iter().any(|named| (context.same_folder)(row, named));
        let is_gone = || !(context.is_folder)(&file.cwd);
        folder::is_absolute(row)
            && if is_among(&file.other_folders) {
                is_among(&file.later_folders) && is_gone() && (context.is_folder)(row)
            } else {
                is_gone() || (context.is_folder)(row)
            }
    }

    /// Returns true if the next backfill of the thread keeps the title: a person gave it, or it is the thread's name in
    /// `session_index.jsonl`, in a schema without a first message. There a given name cannot be told from an old derived
    /// title, and only the index knows that a person gave it.
    fn stays(self, title: &str) -> bool {
        let is_indexed_name =
            !self.context.has(Col::FirstUserMessage) && self.context.indexed_name == Some(title);
        is_indexed_name || self.set_by_a_person(title)
    }

    /// Returns true if a person gave the title. It then differs from the titles derived from messages, now and earlier,
    /// and is not a wrapper.
    ///
    /// This can only be decided in a schema that keeps the first message beside the title.
    pub(super) fn set_by_a_person(self, title: &str) -> bool {
        self.context.has(Col::FirstUserMessage)
            && self.row.text(Col::FirstUserMessage) != Some(title)
            && title != self.file.title
            && title != self.file.first_user_message
            && !is_wrapper(title)
    }

    /// Returns true if a cell equals its target or another value that the file also allows: that of an older rollout, or
    /// for a guardian the one that Codex itself writes.
    fn agrees(self, col: Col, target: CellRef<'_>, existing: CellRef<'_>) -> bool {
        let is_guardians = || {
            GUARDIAN.iter().any(|(guardian, text)| *guardian == col && existing.as_text() == Some(text))
                && equivalence::is_guardian(&self.file.source)
        };
        self.same(col, target, existing)
            || is_guardians()
            || self.file.older.iter().any(|file| Rules { file, ..self }.says(col, existing))
    }

    /// Returns true if the file, an older rollout of the thread, says what is in a cell. The columns about the file's
    /// place are excluded.
    fn says(self, col: Col, existing: CellRef<'_>) -> bool {
        let is_of_the_file = matches!(
            col.column().truth,
            Truth::Key | Truth::RolloutPath | Truth::ArchivedAt | Truth::HistoryMode
        ) || col == Col::Archived;
        let said = col.column().from_file.map(|from_file| from_file(self.file));
        !is_of_the_file && said.is_some_and(|said| self.same(col, said, existing))
    }

    fn same(self, col: Col, target: CellRef<'_>, existing: CellRef<'_>) -> bool {
        if target == existing {
            return true;
        }
        let Rules { file, row, context } = self;
        let texts = || Some((target.as_text()?, existing.as_text()?));
        let numbers = || Some((target.as_integer()?, existing.as_integer()?));
        let by_text =
            |rule: &dyn Fn(&str, &str) -> bool| texts().is_some_and(|(target, row)| rule(target, row));
        let others = other_times(col, file, context);
        match col.column().same {
            Same::Exactly => false,
            Same::Seconds => numbers().is_some_and(|(target, number)| {
                let is = |time: Millis| equivalence::same_seconds(time.div_euclid(1000), number);
                equivalence::same_seconds(target, number) || others.into_iter().flatten().any(is)
            }),
            Same::Milliseconds => numbers().is_some_and(|(target, number)| {
                let twin = [CREATED, UPDATED].into_iter().find(|pair| pair[1] == col);
                let seconds = twin.and_then(|[seconds, _]| row.integer(seconds));
                let is =
                    |time| equivalence::same_milliseconds(time, number, seconds, context.synthetic_limit);
                is(equivalence::read_milliseconds(target)) || others.into_iter().flatten().any(is)
            }),
            Same::Source => by_text(&equivalence::same_source),
            Same::Approval => by_text(&equivalence::same_approval),
            Same::Sandbox => by_text(&|target, row| same_sandbox(file, target, row)),
            Same::Folder => by_text(&|target, row| (context.same_folder)(row, target)),
        }
    }
}

/// Fills the cells that no live Codex has filled yet, in a row that is written for another reason.
fn fill_later(merged: &mut Merged, file: &ThreadMetadata, row: &Row, context: &MergeContext<'_>) {
    for (col, column) in Col::definitions().filter(|(_, column)| column.truth == Truth::FilledLater) {
        if let (true, Some(Cell::Null), Some(from_file)) = (context.has(col), row.get(col), column.from_file)
        {
            merged.row[col] = Some(from_file(file).into());
        }
    }
}

/// Writes both columns of a time if one of them changes, so that they always agree. The time is the file's, or, if
/// the row counts (`row_counts`), that of the column that did not change.
fn align_twin(merged: &mut Merged, row: &Row, time: Millis, row_counts: bool, pair: TimePair) {
    let [seconds, milliseconds] = pair;
    let is_changed = |col| merged.changed.contains(col);
    let kept = |col| row.integer(col).filter(|_| row_counts && !is_changed(col));
    let time = match (is_changed(seconds), is_changed(milliseconds)) {
        (false, false) => return,
        (false, true) => kept(seconds)
            .filter(|&kept| kept != time.div_euclid(1000))
            .map_or(time, |kept| kept.saturating_mul(1000)),
        (true, false) => kept(milliseconds).map_or(time, equivalence::read_milliseconds),
        (true, true) => time,
    };
    set_time(&mut merged.row, time, pair);
}

/// The two columns of a time: in seconds and in milliseconds.
pub(super) type TimePair = [Col; 2];

/// The columns that say when a thread began, when it was last written, and when it was last used.
pub(super) const CREATED: TimePair = [Col::CreatedAt, Col::CreatedAtMs];
pub(super) const UPDATED: TimePair = [Col::UpdatedAt, Col::UpdatedAtMs];
pub(super) const RECENCY: TimePair = [Col::RecencyAt, Col::RecencyAtMs];

/// Sets those of the two columns that a row has.
pub(super) fn set_time(row: &mut Row, time: Millis, pair: TimePair) {
    for (col, value) in pair.into_iter().zip([time.div_euclid(1000), equivalence::to_milliseconds(time)]) {
        if let Some(cell) = &mut row[col] {
            *cell = Cell::Integer(value);
        }
    }
}

/// Returns the history mode that the row must have: paginated if file or row is.
pub(super) fn history_mode(file: &ThreadMetadata, row: &Row) -> HistoryMode {
    match row.text(Col::HistoryMode) {
        Some("paginated") => HistoryMode::Paginated,
        _ => file.history_mode,
    }
}

/// Returns true if a row's policy allows what one of the file's policies allows, in a spelling that Codex reads.
fn same_sandbox(file: &ThreadMetadata, target: &str, row: &str) -> bool {
    let others = file.other_sandbox_policy.as_deref();
    let is_said = std::iter::once(target).chain(others).any(|policy| equivalence::same_sandbox(policy, row));
    (is_said || (file.any_sandbox_profile && is_profile(row))) && equivalence::is_readable_sandbox(row)
}

/// Returns the times that are as valid in a time column as the file's own: for `updated_at` the modification time and
/// the last line's time unless they were lost, for `created_at` the time in the id, which a live Codex uses.
fn other_times(col: Col, file: &ThreadMetadata, context: &MergeContext<'_>) -> [Option<Millis>; 2] {
    match col {
        _ if col.is_updated_at() && context.times.accepts_both() => {
            [file.modified_at, file.last_event_at].map(|time| (!times::is_lost(time)).then_some(time))
        }
        Col::CreatedAt | Col::CreatedAtMs => [file.id.time(), None],
        _ => [None, None],
    }
}

fn is_profile(cell: &str) -> bool {
    ["disabled", "external", "managed"].iter().any(|class| cell.contains(&format!("\"{class}\"")))
        && serde_json::from_str::<serde::de::IgnoredAny>(cell).is_ok()
}
