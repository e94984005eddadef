//! Compares a row with its expected values, column by column. Pure; it does not judge how severe a difference is.

use super::ThreadMetadata;
use super::cell::Cell;
use super::columns::{Col, Row};
use super::merge::{self, MergeContext};

/// A field in which row and file differ.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDifference {
    /// The column.
    pub col: Col,
    /// The row's value.
    pub database: Cell,
    /// The expected value; NULL if no file knows it.
    pub file: Cell,
}

impl FieldDifference {
    /// Returns the column's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.col.name()
    }
}

/// Compares a row with its expected values by the rules of [`merge::update`]. The result is in the order of
/// the columns.
///
/// A cell that Codex cannot read is a difference in any column, even where no file knows the right value.
#[must_use]
pub fn diff(file: &ThreadMetadata, row: &Row, context: &MergeContext<'_>) -> Vec<FieldDifference> {
    let Some(merged) = merge::update_if_different(file, row, context) else {
        return unreadable_cells(row).collect();
    };
    let changed = merged.changed.iter().filter_map(|col| {
        Some(FieldDifference { col, database: row.get(col)?.clone(), file: merged.row.get(col)?.clone() })
    });
    let others = unreadable_cells(row).filter(|found| !merged.changed.contains(found.col));
    let mut differences: Vec<FieldDifference> = changed.chain(others).collect();
    differences.sort_by_key(|difference| difference.col);
    differences
}

/// Returns the cells of a row that break Codex's listing, whatever the file says.
pub fn unreadable_cells(row: &Row) -> impl Iterator<Item = FieldDifference> {
    Col::all().filter_map(|col| {
        let cell = row.get(col)?;
        (!merge::is_sound(col, cell)).then(|| FieldDifference {
            col,
            database: cell.clone(),
            file: Cell::Null,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::HistoryMode;
    use crate::thread::columns::{Col, Truth};
    use crate::thread::sample::{check_diff as check, columns, context, metadata, names, row_of};
    use crate::thread::times::Times;

    #[test]
    fn a_row_just_inserted_agrees_on_every_schema() {
        for without in [&[][..], &["first_user_message", "preview"], &["history_mode"], &["created_at_ms"]] {
            let context = context(columns(without));
            assert_eq!(diff(&metadata(), &row_of(&metadata(), &context), &context), []);
        }
    }

    #[test]
    fn a_change_of_any_file_owned_column_names_exactly_that_one() {
        let keeps_row = ["title", "git_sha", "archived_at", "recency_at", "recency_at_ms", "has_user_event"];
        for (_, column) in Col::definitions() {
            let changed = match column.kind {
                _ if column.name == "history_mode" => Cell::from("paginated"),
                _ if column.name == "id" => continue,
                crate::thread::columns::ColumnKind::Boolean => Cell::Integer(0),
                _ if column.kind.accepts(&Cell::Integer(1)) => Cell::Integer(4_102_444_800_000),
                _ => Cell::from("changed by hand"),
            };
            let owned_by_database = column.truth == Truth::Database
                || keeps_row.contains(&column.name)
                || matches!(column.truth, Truth::Git | Truth::FilledLater)
                || column.name == "history_mode";
            let expected: &[&str] = if owned_by_database { &[] } else { &[column.name] };
            check(&full(), &[(column.name, changed)], expected);
        }
    }

    /// Returns a thread with a value in every column.
    fn full() -> ThreadMetadata {
        let something = || Some("something".to_owned());
        ThreadMetadata { agent_role: something(), agent_path: something(), ..metadata() }
    }

    #[test]
    fn git_facts_fill_null_but_never_replace() {
        check(&metadata(), &[("git_sha", Cell::Null)], &["git_sha"]);
        check(&metadata(), &[("git_branch", Cell::from("edited"))], &[]);
        let paginated = ThreadMetadata { history_mode: HistoryMode::Paginated, ..metadata() };
        check(&paginated, &[("git_sha", Cell::Null)], &[]);
    }

    #[test]
    fn a_title_set_by_a_person_stays_and_a_derived_one_does_not() {
        check(&metadata(), &[("title", Cell::from("my name for it"))], &[]);
        check(&metadata(), &[("title", Cell::from(""))], &["title"]);
        check(&metadata(), &[("title", Cell::from("<environment_context>…"))], &["title"]);
        check(
            &metadata(),
            &[("title", Cell::from("old")), ("first_user_message", Cell::from("old"))],
            &["title", "first_user_message"],
        );
        let phase_1 = context(columns(&["first_user_message"]));
        let mut row = row_of(&metadata(), &phase_1);
        row[Col::Title] = Some(Cell::from("my name for it"));
        assert_eq!(names(&diff(&metadata(), &row, &phase_1)), ["title"]);
    }

    #[test]
    fn no_count_becomes_0_in_a_paginated_thread() {
        let emptied = ThreadMetadata {
            history_mode: HistoryMode::Paginated,
            title: String::new(),
            preview: String::new(),
            first_user_message: String::new(),
            model: None,
            reasoning_effort: None,
            tokens_used: 0,
            ..metadata()
        };
        let full = [
            ("title", "t"),
            ("preview", "p"),
            ("first_user_message", "f"),
            ("model", "m"),
            ("reasoning_effort", "e"),
        ];
        let full: Vec<(&str, Cell)> = full
            .iter()
            .map(|(n, v)| (*n, Cell::from(*v)))
            .chain([("tokens_used", Cell::Integer(5))])
            .collect();
        check(&emptied, &full, &[]);
        let legacy = ThreadMetadata { history_mode: HistoryMode::Legacy, ..emptied };
        check(&legacy, &full, &["tokens_used"]);
    }

    #[test]
    fn created_at_stays_in_a_paginated_thread_and_not_in_a_legacy_one() {
        let paginated = ThreadMetadata { history_mode: HistoryMode::Paginated, ..metadata() };
        check(&paginated, &[("created_at", Cell::Integer(5)), ("created_at_ms", Cell::Integer(5000))], &[]);
        check(&metadata(), &[("created_at", Cell::Integer(5))], &["created_at"]);
    }

    #[test]
    fn history_mode_never_goes_back_and_an_unknown_one_is_repaired() {
        check(&metadata(), &[("history_mode", Cell::from("paginated"))], &[]);
        check(&metadata(), &[("history_mode", Cell::from("sideways"))], &["history_mode"]);
    }

    #[test]
    fn memory_mode_polluted_stays_and_a_paginated_file_does_not_speak() {
        check(&metadata(), &[("memory_mode", Cell::from("polluted"))], &[]);
        check(&metadata(), &[("memory_mode", Cell::from("disabled"))], &["memory_mode"]);
        let paginated = ThreadMetadata { history_mode: HistoryMode::Paginated, ..metadata() };
        check(&paginated, &[("memory_mode", Cell::from("disabled"))], &[]);
    }

    #[test]
    fn archived_at_stays_while_archived_and_is_cleared_with_the_flag() {
        check(&metadata(), &[("archived_at", Cell::Integer(5))], &[]);
        check(&metadata(), &[("archived_at", Cell::Null)], &["archived_at"]);
        let active = ThreadMetadata { archived: false, ..metadata() };
        check(&active, &[("archived_at", Cell::Integer(5))], &["archived_at"]);
    }

    #[test]
    fn a_cell_that_breaks_the_listing_is_named_in_any_column() {
        check(&metadata(), &[("is_pinned", Cell::from("yes"))], &["is_pinned"]);
        check(&metadata(), &[("tokens_used", Cell::from("many"))], &["tokens_used"]);
        check(&metadata(), &[("recency_at", Cell::from("now"))], &["recency_at"]);
        check(&metadata(), &[("name", Cell::Blob(vec![0xff]))], &["name"]);
    }

    #[test]
    fn a_time_alone_is_kept_on_request_but_not_beside_another_change() {
        let keep = MergeContext { times: Times::Keep, ..context(columns(&[])) };
        let mut row = row_of(&metadata(), &keep);
        row[Col::UpdatedAt] = Some(Cell::Integer(5));
        row[Col::UpdatedAtMs] = Some(Cell::Integer(1_600_000_000_000));
        assert_eq!(diff(&metadata(), &row, &keep), []);
        row[Col::named("cwd").unwrap()] = Some(Cell::from("elsewhere"));
        assert_eq!(names(&diff(&metadata(), &row, &keep)), ["updated_at", "cwd", "updated_at_ms"]);
    }

    #[test]
    fn both_columns_of_a_time_are_written_together() {
        let context = context(columns(&[]));
        let mut row = row_of(&metadata(), &context);
        row[Col::UpdatedAt] = Some(Cell::Integer(1_773_507_451));
        row[Col::UpdatedAtMs] = Some(Cell::Integer(1_773_507_400_000));
        let merged = merge::update(&metadata(), &row, &context);
        assert_eq!(merged.changed.iter().collect::<Vec<_>>(), [Col::UpdatedAtMs]);
        assert_eq!(merged.row.integer(Col::UpdatedAt), Some(1_773_507_450));
        assert_eq!(merged.row.integer(Col::UpdatedAtMs), Some(1_773_507_450_373));
        assert_eq!(merged.to_write.iter().collect::<Vec<_>>(), [Col::UpdatedAt, Col::UpdatedAtMs]);
    }

    #[test]
    fn a_legacy_row_takes_its_indexed_name_as_title_and_a_paginated_one_as_name() {
        let named = MergeContext { indexed_name: Some("Renamed"), ..context(columns(&[])) };
        let legacy = merge::insert(&metadata(), &named);
        assert_eq!((legacy.text(Col::Title), legacy.text(Col::Name)), (Some("Renamed"), None));
        let paginated = ThreadMetadata { history_mode: HistoryMode::Paginated, ..metadata() };
        let row = merge::insert(&paginated, &named);
        assert_eq!((row.text(Col::Title), row.text(Col::Name)), (Some("hello"), Some("Renamed")));
    }

    #[test]
    fn a_name_that_would_not_stay_as_a_title_is_not_taken_for_one() {
        let mut file = ThreadMetadata { title: "later".to_owned(), ..metadata() };
        file.first_user_message = "[Image]".to_owned();
        for name in ["<environment_context>x", "# AGENTS.md instructions for /x", "[Image]"] {
            for without in [&[][..], &["first_user_message"]] {
                let named = MergeContext { indexed_name: Some(name), ..context(columns(without)) };
                let row = row_of(&file, &named);
                assert_eq!(names(&diff(&file, &row, &named)), [""; 0], "{name} without {without:?}");
            }
            let paginated = ThreadMetadata { history_mode: HistoryMode::Paginated, ..file.clone() };
            let named = MergeContext { indexed_name: Some(name), ..context(columns(&[])) };
            assert_eq!(
                merge::insert(&paginated, &named).text(Col::Name),
                Some(name),
                "names are never judged"
            );
        }
    }
}
