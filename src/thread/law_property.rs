//! The same law as a property test: whatever a live Codex, a crash, a person or another tool left in a row, a
//! backfill makes it no worse, and verify has nothing to report afterwards. `PROPTEST_CASES` sets how many rows are
//! tried.

use super::cell::{Cell, CellRef};
use super::columns::{Col, ColumnSet, Row, Truth};
use super::diff::diff;
use super::equivalence::is_listed_source;
use super::merge::{self, MergeContext};
use super::sample::{columns, context, metadata, row_of};
use super::times::Times;
use super::{Git, HistoryMode, Millis, ThreadMetadata};
use proptest::prelude::*;

const DAY: Millis = 24 * 60 * 60 * 1000;
/// Columns that older schemas lack.
const SCHEMAS: [&[&str]; 4] = [&[], &["preview"], &["preview", "first_user_message"], &["history_mode"]];
const LAST_LINE: Millis = 1_783_329_723_050;

/// A change of a thread's row or file since the row was right.
#[derive(Debug, Clone)]
enum Change {
    /// Codex reverted the thread: the row still holds the older rollout's values.
    Revert,
    /// Settings were applied and the row has them; a crash lost the line, so the file ends before them.
    Settings(&'static str),
    /// The branch was edited in the row.
    GitEdit(&'static str),
    /// A person renamed the thread.
    Rename(&'static str),
    /// Either the file was archived but not the row, or the row but not the file.
    Archive(bool),
    /// The row is this many seconds and tokens behind the file.
    Behind(i64),
    /// A person changed the row so that Codex lists it.
    Relabel(&'static str, &'static str),
    /// A tool set the folder of a project that moved.
    Relink(&'static str),
    /// The home was copied: the file's time is this many days later.
    Copied(i64),
    /// The file lost its time.
    TimeLost,
    /// The file contains no text.
    Silent,
    /// A tool wrote something into a column.
    Edit(Col, Cell),
}

fn event() -> impl Strategy<Value = Change> {
    let word = prop::sample::select(
        &["", "x", "/moved/a", "relative", "gpt-5", "openai", "azure", "exec", "cli"][..],
    );
    let cell = prop_oneof![
        word.clone().prop_map(Cell::from),
        Just(Cell::Null),
        (-5i64..5_000_000_000).prop_map(Cell::from),
        any::<i64>().prop_map(Cell::from),
        Just(Cell::Blob(vec![0xff])),
    ];
    let col = prop::sample::select(Col::all().skip(1).collect::<Vec<Col>>());
    prop_oneof![
        Just(Change::Revert),
        word.clone().prop_map(Change::Settings),
        word.clone().prop_map(Change::GitEdit),
        word.clone().prop_map(Change::Rename),
        any::<bool>().prop_map(Change::Archive),
        (0i64..100_000).prop_map(Change::Behind),
        (prop::sample::select(&["cli", "vscode", r#"{"custom":"atlas"}"#][..]), Just("openai"))
            .prop_map(|(source, provider)| Change::Relabel(source, provider)),
        word.prop_map(Change::Relink),
        (0i64..400).prop_map(Change::Copied),
        Just(Change::TimeLost),
        Just(Change::Silent),
        (col, cell).prop_map(|(col, cell)| Change::Edit(col, cell)),
    ]
}

fn thread(paginated: bool, source: &str, provider: &str) -> ThreadMetadata {
    ThreadMetadata {
        history_mode: if paginated { HistoryMode::Paginated } else { HistoryMode::Legacy },
        source: source.into(),
        model_provider: provider.into(),
        archived: false,
        updated_at: LAST_LINE,
        modified_at: LAST_LINE,
        last_event_at: LAST_LINE,
        git: Git { sha: Some("abc".into()), branch: Some("main".into()), origin_url: None },
        ..metadata()
    }
}

/// Applies an event to a file and a row.
fn happen(event: &Change, file: &mut ThreadMetadata, row: &mut Row) {
    let mut set = |name: &str, cell: Cell| {
        let col = Col::named(name).unwrap();
        if row[col].is_some() {
            row[col] = Some(cell);
        }
    };
    match event {
        Change::Revert => {
            let older = ThreadMetadata { older: Vec::new(), ..file.clone() };
            file.older.push(older);
            file.tokens_used = 3;
            file.title = "the head".into();
            file.model = Some("the head's".into());
        }
        Change::Settings(word) => {
            set("model", (*word).into());
            set("reasoning_effort", (*word).into());
        }
        Change::GitEdit(branch) => set("git_branch", (*branch).into()),
        Change::Rename(title) => set("title", (*title).into()),
        Change::Archive(is_file) if *is_file => file.archived = !file.archived,
        Change::Archive(_) => {
            set("archived", 1.into());
            set("archived_at", (LAST_LINE / 1000).into());
        }
        Change::Behind(by) => {
            set("updated_at", (LAST_LINE / 1000 - by).into());
            set("updated_at_ms", (LAST_LINE - by * 1000).into());
            set("tokens_used", (12 - by % 12).into());
        }
        Change::Relabel(source, provider) => {
            set("source", (*source).into());
            set("model_provider", (*provider).into());
        }
        Change::Relink(folder) => set("cwd", (*folder).into()),
        Change::Copied(days) => file.modified_at = file.last_event_at + days * DAY,
        Change::TimeLost => file.modified_at = 315_532_800_000,
        Change::Silent => {
            (file.title, file.preview, file.first_user_message) = Default::default();
            (file.model, file.reasoning_effort, file.tokens_used) = (None, None, 0);
            file.has_user_event = false;
        }
        Change::Edit(col, cell) => set(col.name(), cell.clone()),
    }
    file.updated_at = Times::Auto.choose(file.modified_at, file.last_event_at);
}

/// Returns true if Codex's default list shows a row, as far as its cells decide that.
fn is_listed(row: &Row) -> bool {
    let is_filled = |col: Col| row.text(col).is_some_and(|text| !text.is_empty());
    let has_message = match (row.get(Col::Preview), row.get(Col::FirstUserMessage)) {
        (Some(_), _) => is_filled(Col::Preview),
        (None, Some(_)) => is_filled(Col::FirstUserMessage),
        (None, None) => row.integer(Col::HasUserEvent) == Some(1),
    };
    has_message
        && row.text(Col::Source).is_some_and(is_listed_source)
        && row.text(Col::ModelProvider) == Some("openai")
}

fn no_worse(file: &ThreadMetadata, before: &Row, after: &Row) -> Result<(), TestCaseError> {
    for (col, column) in Col::definitions() {
        let (old, new) = (before.text(col), after.text(col));
        if old.is_some_and(|text| !text.is_empty()) && merge::is_sound(col, before.get(col).unwrap()) {
            prop_assert!(new.is_some_and(|text| !text.is_empty()), "{} became empty", column.name);
        }
        let is_set_knowingly = match column.truth {
            Truth::Database | Truth::Seeded | Truth::FilledLater => true,
            Truth::Git => before.get(col) != Some(&Cell::Null),
            Truth::MemoryMode => old == Some("polluted"),
            Truth::HistoryMode => old == Some("paginated"),
            Truth::Provider => old == Some("openai"),
            _ => false,
        };
        let is_readable = before.get(col).is_some_and(|cell| {
            merge::is_sound(col, cell) && (*cell != Cell::Null || column.truth == Truth::Database)
        });
        if is_set_knowingly && is_readable {
            prop_assert_eq!(before.get(col), after.get(col), "{} was set back", column.name);
        }
    }
    prop_assert!(!is_listed(before) || is_listed(after), "left the list of Codex");
    let is_copied = file.modified_at > file.last_event_at + DAY;
    let copied = Some(file.modified_at.div_euclid(1000));
    if is_copied && before.integer(Col::UpdatedAt) != copied {
        prop_assert!(after.integer(Col::UpdatedAt) != copied, "dated to the moment of the copy");
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_backfill_makes_a_row_worse(
        events in prop::collection::vec(event(), 0..6),
        paginated: bool,
        source in prop::sample::select(&["cli", "exec", r#"{"subagent":"review"}"#][..]),
        provider in prop::sample::select(&["openai", "azure"][..]),
        without in prop::sample::select(&SCHEMAS[..]),
        there in prop::sample::select(&["/srv", "/moved/a", "/none"][..]),
    ) {
        let columns = columns(without);
        let is_folder = move |folder: &str| folder == there;
        let context = MergeContext { is_folder: &is_folder, ..context(columns) };
        let mut file = thread(paginated, source, provider);
        let mut row = row_of(&file, &context);
        for event in &events {
            happen(event, &mut file, &mut row);
        }
        let merged = merge::update(&file, &row, &context);
        let if_different = merge::update_if_different(&file, &row, &context);
        prop_assert!(if_different.is_some() || merged.to_write == ColumnSet::default());
        prop_assert!(if_different.is_none_or(|update| update == merged));
        for (col, column) in Col::definitions().filter(|(col, _)| context.columns.contains(*col)) {
            let cell = row.get(col).filter(|cell| merge::is_sound(col, cell)).map(CellRef::from);
            let from_file = column.from_file.map(|from_file| from_file(&file));
            if let Some(cell) = cell.filter(|cell| from_file == Some(*cell))
                && merge::agrees_if_equal(column.truth)
            {
                let decided = (merge::Rules { file: &file, row: &row, context: &context }).decide(col, cell, Some(cell));
                prop_assert_eq!(decided, Some((cell, false)), "{}", column.name);
            }
        }
        let mut after = row.clone();
        merged.to_write.iter().for_each(|i| after[i].clone_from(&merged.row[i]));
        no_worse(&file, &row, &after)?;
        let is_mendable = |col: Col| col.column().truth != Truth::Database;
        let left: Vec<&str> = diff(&file, &after, &context)
            .iter()
            .filter(|difference| is_mendable(difference.col))
            .map(super::diff::FieldDifference::name)
            .collect();
        prop_assert_eq!(left, [""; 0], "what verify reports, backfill mends");
        prop_assert_eq!(merge::update(&file, &after, &context).to_write, ColumnSet::default(), "once is enough");
    }
}
