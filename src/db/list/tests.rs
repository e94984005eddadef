//! Tests of listing: pages are compared with a plain sort, on every schema, and the work of SQLite is measured.

use super::listing::*;
use super::page::*;
use super::query::*;
use crate::catalog::names::{FILE_NAME, Names};
use crate::db::schema::Schema;
use crate::thread::cell::Cell;
use crate::thread::cell::CellRef;
use crate::thread::columns::Col;
use crate::thread::search::Search;
use proptest::prelude::*;
use rusqlite::StatementStatus;
use rusqlite::{Connection, params_from_iter};
use std::path::Path;
use std::sync::Arc;

pub(super) const SCHEMAS: [&str; 4] = [
    "empty-2026-01.state.sqlite",
    "empty-2026-03.state_5.sqlite",
    "empty-2026-07.state_5.sqlite",
    "empty-2026-08.state_5.sqlite",
];
pub(super) const SORTS: [Sort; 3] = [Sort::Created, Sort::Updated, Sort::Recency];

/// Returns an empty database in memory with the schema of a golden one.
pub(in crate::db) fn database(golden: &str) -> Connection {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/databases").join(golden);
    let connection = Connection::open_in_memory().unwrap();
    // The tables that foreign keys refer to are not copied.
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.execute("ATTACH ?1 AS golden", [format!("file:{}?immutable=1", path.display())]).unwrap();
    let sql: Vec<String> = connection
        .prepare(
            "SELECT sql FROM golden.sqlite_schema WHERE tbl_name = 'threads' AND sql IS NOT NULL ORDER BY rowid",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    sql.iter().for_each(|sql| connection.execute_batch(sql).unwrap());
    connection.execute("DETACH golden", []).unwrap();
    connection
}

pub(super) fn query(sort: Sort) -> Query {
    Query { sort, archived: Some(false), columns: vec![Col::Id], ..Query::default() }
}

fn listing(connection: &Connection, query: Query) -> Listing {
    let schema = Schema::read_threads(connection).unwrap();
    Listing::new(connection, &schema, query, None).unwrap()
}

/// Returns all ids, by pages of `limit`; from one page to the next with a cursor if `by_cursor`.
pub(super) fn paged(connection: &Connection, query: &Query, limit: usize, by_cursor: bool) -> Vec<String> {
    let (mut page, mut after, mut ids) = (Page::default(), None::<Position>, Vec::new());
    loop {
        let listing = listing(connection, query.clone());
        listing.page(connection, after.as_ref(), limit, &mut page).unwrap();
        assert!(page.len() <= limit);
        ids.extend((0..page.len()).map(|row| match page.cell(row, 0) {
            CellRef::Text(id) => id.to_owned(),
            CellRef::Blob(id) => format!("{id:?}"),
            other => panic!("an id: {other:?}"),
        }));
        assert!(ids.len() < 5000, "the pages go round and round");
        if page.is_last {
            return ids;
        }
        let last = page.last.clone().unwrap();
        after = Some(if by_cursor { listing.position(&listing.cursor_time(&last), &last.id) } else { last });
    }
}

pub(in crate::db) fn add(connection: &Connection, cells: &[(&str, Cell)]) {
    let fixed =
        ["rollout_path", "source", "model_provider", "cwd", "title", "sandbox_policy", "approval_mode"];
    let filled = fixed.iter().filter(|name| !cells.iter().any(|(named, _)| named == *name));
    let all: Vec<(&str, Cell)> =
        cells.iter().cloned().chain(filled.map(|name| (*name, Cell::from("x")))).collect();
    let schema = Schema::read_threads(connection).unwrap();
    let all: Vec<_> =
        all.iter().filter(|(name, _)| Col::named(name).is_some_and(|at| schema.has(at))).collect();
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let sql =
        format!("INSERT INTO threads ({}) VALUES ({})", names.join(", "), vec!["?"; names.len()].join(", "));
    connection
        .prepare_cached(&sql)
        .unwrap()
        .execute(params_from_iter(all.iter().map(|(_, cell)| cell)))
        .unwrap();
}

/// A row for the property test: its time in seconds, the kind of its milliseconds, and whether it is shown.
#[derive(Debug, Clone)]
struct Made {
    id: u8,
    seconds: i64,
    milliseconds: Millisecond,
    archived: bool,
    hidden: bool,
}

/// The possible contents of a millisecond column.
#[derive(Debug, Clone, Copy)]
enum Millisecond {
    Good(i64),
    Null,
    Seconds,
    Zero,
    Negative,
}

impl Made {
    fn id(&self) -> String {
        format!("019c0000-0000-7000-8000-0000000000{:02x}", self.id)
    }

    fn time(&self, has_milliseconds: bool) -> i64 {
        match self.milliseconds {
            Millisecond::Good(extra) if has_milliseconds => self.seconds * 1000 + extra,
            _ => self.seconds * 1000,
        }
    }
}

fn made() -> impl Strategy<Value = Made> {
    let milliseconds = prop_oneof![
        6 => (0..3i64).prop_map(Millisecond::Good),
        1 => Just(Millisecond::Null),
        1 => Just(Millisecond::Seconds),
        1 => Just(Millisecond::Zero),
        1 => Just(Millisecond::Negative),
    ];
    (any::<u8>(), 0..4i64, milliseconds, any::<bool>(), 0..4u8).prop_map(
        |(id, seconds, milliseconds, archived, hidden)| Made {
            id,
            seconds: 1_773_500_000 + seconds,
            milliseconds,
            archived,
            hidden: hidden == 0,
        },
    )
}

fn fill(connection: &Connection, rows: &[Made]) -> bool {
    let has_milliseconds = Schema::read_threads(connection).unwrap().has(Col::UpdatedAtMs);
    for row in rows {
        let text = if row.hidden { "" } else { "words" };
        let mut cells = vec![
            ("id", Cell::Text(row.id())),
            ("archived", row.archived.into()),
            ("has_user_event", (!row.hidden).into()),
            ("preview", text.into()),
            ("first_user_message", text.into()),
        ];
        cells.extend(["created_at", "updated_at", "recency_at"].map(|name| (name, row.seconds.into())));
        add(connection, &cells);
        if has_milliseconds {
            let milliseconds: Cell = match row.milliseconds {
                Millisecond::Good(extra) => (row.seconds * 1000 + extra).into(),
                Millisecond::Null => Cell::Null,
                Millisecond::Seconds => row.seconds.into(),
                Millisecond::Zero => 0.into(),
                Millisecond::Negative => (-5).into(),
            };
            for column in ["created_at_ms", "updated_at_ms", "recency_at_ms"] {
                let sql = format!("UPDATE OR IGNORE threads SET {column} = ?1 WHERE id = ?2");
                // Recency must not be NULL; 0 stands for a missing value.
                let is_null = milliseconds == Cell::Null && column == "recency_at_ms";
                let cell = if is_null { 0.into() } else { milliseconds.clone() };
                connection.execute(&sql, (cell, row.id())).unwrap();
            }
        }
    }
    has_milliseconds
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn all_pages_together_equal_a_plain_sort_of_the_table(
        rows in prop::collection::btree_map(any::<u8>(), made(), 0..40),
        schema in 0..4usize,
        sort in 0..3usize,
        reverse: bool,
        hidden: bool,
        archived in prop::option::of(any::<bool>()),
        since in prop::option::of(1_773_499_999_000..1_773_500_005_000i64),
        until in prop::option::of(1_773_499_999_000..1_773_500_005_000i64),
        limit in 1..9usize,
        by_cursor: bool,
    ) {
        let connection = database(SCHEMAS[schema]);
        let rows: Vec<Made> = rows.into_iter().map(|(id, row)| Made { id, ..row }).collect();
        let has_milliseconds = fill(&connection, &rows);
        let query = Query { reverse, hidden, archived, since, until, ..query(SORTS[sort]) };
        let mut expected: Vec<(i64, String)> = rows
            .iter()
            .filter(|row| hidden || !row.hidden)
            .filter(|row| archived.is_none_or(|archived| row.archived == archived))
            .map(|row| (row.time(has_milliseconds), row.id()))
            .filter(|(time, _)| since.is_none_or(|since| *time >= since))
            .filter(|(time, _)| until.is_none_or(|until| *time < until))
            .collect();
        expected.sort();
        if !reverse {
            expected.reverse();
        }
        let expected: Vec<String> = expected.into_iter().map(|(_, id)| id).collect();
        prop_assert_eq!(listing(&connection, query.clone()).count(&connection).unwrap(), expected.len() as u64);
        prop_assert_eq!(paged(&connection, &query, limit, by_cursor), expected);
    }
}

#[test]
fn cells_of_the_wrong_type_end_no_listing_early_and_repeat_no_row() {
    for schema in SCHEMAS {
        let connection = database(schema);
        for (i, time) in [
            Cell::Integer(1_773_500_000),
            Cell::Real(1_773_500_000.5),
            Cell::Real(1_773_500_000.25),
            Cell::Real(-0.75),
            Cell::Real(1e300),
            Cell::from("soon"),
            Cell::from("later"),
            Cell::Integer(i64::MAX),
            Cell::Integer(i64::MAX - 1),
            Cell::Integer(i64::MIN),
            Cell::Blob(vec![1]),
            Cell::Blob(vec![2]),
        ]
        .into_iter()
        .enumerate()
        {
            let id = format!("019c0000-0000-7000-8000-00000000000{i:x}");
            add(
                &connection,
                &[
                    ("id", id.as_str().into()),
                    ("created_at", time.clone()),
                    ("updated_at", 1_773_500_000.into()),
                    ("created_at_ms", time),
                    ("updated_at_ms", 1_773_500_000_000.into()),
                ],
            );
        }
        for reverse in [false, true] {
            let query = Query { hidden: true, archived: None, reverse, ..query(Sort::Created) };
            let whole = paged(&connection, &query, 100, false);
            assert_eq!(whole.len(), 12, "{schema}");
            for (limit, by_cursor) in [(1, false), (1, true), (5, true)] {
                assert_eq!(
                    paged(&connection, &query, limit, by_cursor),
                    whole,
                    "{schema} {limit} {by_cursor}"
                );
            }
        }
    }
}

#[test]
fn an_id_that_is_not_text_ends_no_listing_early_and_repeats_no_row() {
    for schema in SCHEMAS {
        let connection = database(schema);
        for i in 0..6 {
            let id = format!("019c0000-0000-7000-8000-00000000000{i}");
            add(
                &connection,
                &[
                    ("id", id.as_str().into()),
                    ("created_at", 1_773_500_000.into()),
                    ("updated_at", 1_773_500_000.into()),
                    ("created_at_ms", 1_773_500_000_000.into()),
                    ("updated_at_ms", 1_773_500_000_000.into()),
                ],
            );
        }
        connection.execute("UPDATE threads SET id = CAST(x'3031ff' AS TEXT) WHERE id LIKE '%3'", []).unwrap();
        for reverse in [false, true] {
            let query = Query { hidden: true, archived: None, reverse, ..query(Sort::Created) };
            let whole = paged(&connection, &query, 100, false);
            assert_eq!(whole.len(), 6, "{schema}");
            for by_cursor in [false, true] {
                assert_eq!(paged(&connection, &query, 1, by_cursor), whole, "{schema} {by_cursor}");
            }
        }
    }
}

/// Returns a table of `n` realistic threads: a tenth archived, a seventh without a message, fifty folders.
fn many(schema: &str, n: i64) -> Connection {
    let connection = database(schema);
    connection.execute_batch("BEGIN").unwrap();
    for i in 0..n {
        let seconds = 1_773_500_000 + i * 60;
        let text = if i % 7 == 0 { "" } else { "words" };
        add(
            &connection,
            &[
                ("id", Cell::Text(format!("019c{:04x}-{:04x}-7000-8000-{i:012x}", i >> 16, i & 0xffff))),
                ("created_at", seconds.into()),
                ("updated_at", (seconds + i % 1000).into()),
                ("recency_at", (seconds + i % 1000).into()),
                ("created_at_ms", (seconds * 1000).into()),
                ("updated_at_ms", ((seconds + i % 1000) * 1000).into()),
                ("recency_at_ms", ((seconds + i % 1000) * 1000).into()),
                ("archived", (i % 10 == 3).into()),
                ("preview", text.into()),
                ("first_user_message", text.into()),
                ("has_user_event", (!text.is_empty()).into()),
                ("cwd", Cell::Text(format!("/srv/{}", i % 50))),
            ],
        );
    }
    connection.execute_batch("COMMIT").unwrap();
    connection
}

/// Returns the number of SQLite's virtual machine steps for the first twenty rows.
fn steps(connection: &Connection, query: &Query, after: Option<&Position>) -> i32 {
    let listing = listing(connection, query.clone());
    let (sql, values) = listing.statement(after, 20);
    let mut statement = connection.prepare(&sql).unwrap();
    let rows = statement.query(params_from_iter(values)).unwrap().mapped(|_| Ok(())).count();
    assert_eq!(rows, 20, "{sql}");
    statement.get_status(StatementStatus::VmStep)
}

#[test]
fn twenty_rows_cost_the_same_in_a_table_of_any_size() {
    for schema in SCHEMAS {
        let (small, large) = (many(schema, 1000), many(schema, 12_000));
        let after = |connection: &Connection, query: &Query| {
            let mut page = Page::default();
            let listing = listing(connection, query.clone());
            listing.page(connection, None, 40, &mut page).unwrap();
            page.last.clone()
        };
        for sort in SORTS {
            let plain = query(sort);
            let queries = [
                plain.clone(),
                Query { reverse: true, ..plain.clone() },
                Query { archived: Some(true), ..plain.clone() },
                Query { archived: None, ..plain.clone() },
                Query { hidden: true, ..plain.clone() },
                Query { archived: None, hidden: true, reverse: true, ..plain.clone() },
                Query { sources: vec!["x".into()], providers: vec!["x".into()], ..plain.clone() },
                Query { since: Some(1_773_500_000_000), until: Some(1_800_000_000_000), ..plain.clone() },
                Query { folders: vec![Folder { path: "/srv".into(), recursive: true }], ..plain.clone() },
            ];
            for query in queries {
                let ratio = f64::from(steps(&large, &query, None)) / f64::from(steps(&small, &query, None));
                assert!(ratio <= 1.5, "{schema}: {ratio}: {query:?}");
                let [few, more] = [&small, &large]
                    .map(|connection| steps(connection, &query, after(connection, &query).as_ref()));
                let ratio = f64::from(more) / f64::from(few);
                assert!(ratio <= 1.5, "{schema}, after a cursor: {ratio}: {query:?}");
            }
        }
    }
}

#[test]
fn filters() {
    for schema in SCHEMAS {
        let connection = database(schema);
        let thread = |i: u8, cells: &[(&str, &str)]| {
            let id = format!("019c0000-0000-7000-8000-00000000000{i}");
            let mut all: Vec<(&str, Cell)> =
                cells.iter().map(|(name, text)| (*name, Cell::from(*text))).collect();
            all.push(("id", id.as_str().into()));
            all.extend(["created_at", "updated_at"].map(|name| (name, i64::from(i).into())));
            add(&connection, &all);
        };
        thread(1, &[("source", "cli"), ("cwd", "/srv/a")]);
        thread(2, &[("source", r#"{"subagent":"review"}"#), ("cwd", "/srv/a/b")]);
        thread(3, &[("source", r#"{ "subagent": {"x":1}}"#), ("cwd", "/srv/ab"), ("model_provider", "me")]);
        thread(4, &[("source", r#"{"custom":"subagent"}"#), ("cwd", "/srv/a-b"), ("title", "100% ÄRGER")]);
        thread(5, &[("source", "{subagent"), ("cwd", r"C:\work\a"), ("title", "under_score")]);
        let check = |query: Query, expected: &str| {
            let ids = paged(&connection, &Query { hidden: true, reverse: true, ..query.clone() }, 3, true);
            let last: String = ids.iter().map(|id| &id[id.len() - 1..]).collect();
            assert_eq!(last, expected, "{schema}: {query:?}");
            let n = listing(&connection, Query { hidden: true, ..query }).count(&connection).unwrap();
            assert_eq!(n, expected.len() as u64, "{schema}");
        };
        let plain = query(Sort::Updated);
        let sources = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        check(Query { sources: sources(&["subagent"]), ..plain.clone() }, "23");
        check(Query { sources: sources(&["cli", "custom"]), ..plain.clone() }, "14");
        check(Query { sources: sources(&["review"]), ..plain.clone() }, "");
        check(Query { providers: sources(&["me"]), ..plain.clone() }, "3");
        let folder = |path: &str, recursive| Folder { path: path.to_owned(), recursive };
        check(Query { folders: vec![folder("/srv/a", false)], ..plain.clone() }, "1");
        check(Query { folders: vec![folder("/srv/a", true)], ..plain.clone() }, "12");
        check(Query { folders: vec![folder("/", true)], ..plain.clone() }, "1234");
        check(Query { folders: vec![folder(r"C:\work", true)], ..plain.clone() }, "5");
        let both = vec![folder("/srv/ab", false), folder("/srv/a", false)];
        check(Query { folders: both, ..plain.clone() }, "13");
        let search = |text: &str| Query { search: vec![Search::new(text)], ..plain.clone() };
        check(search("ärger"), "4");
        check(search("%"), "4");
        check(search("_"), "5");
        check(search("nowhere"), "");
    }
}

#[test]
fn names_that_are_in_no_column_are_searched_too() {
    let connection = database(SCHEMAS[0]);
    let id = "019c0000-0000-7000-8000-000000000001";
    add(&connection, &[("id", id.into()), ("created_at", 1.into()), ("updated_at", 1.into())]);
    let home = tempfile::tempdir().unwrap();
    let line = format!("{{\"id\":\"{id}\",\"thread_name\":\"My Name\"}}\n");
    std::fs::write(home.path().join(FILE_NAME), line).unwrap();
    let names = Some(Arc::new(Names::read(home.path()).unwrap()));
    for columns in [vec![Col::Name], vec![Col::Title, Col::Name, Col::Id]] {
        let at = columns.iter().position(|col| *col == Col::Name).unwrap();
        let search = vec![Search::new("my name")];
        let query = Query { hidden: true, search, columns, ..query(Sort::Updated) };
        let schema = Schema::read_threads(&connection).unwrap();
        let listing = Listing::new(&connection, &schema, query, names.clone()).unwrap();
        assert_eq!(listing.count(&connection).unwrap(), 1);
        let mut page = Page::default();
        listing.page(&connection, None, 10, &mut page).unwrap();
        assert_eq!(page.cell(0, at), CellRef::Text("My Name"));
        assert_eq!(listing.rows(&connection, &[id.into()], &mut page).unwrap(), 1);
        assert_eq!(page.cell(0, at), CellRef::Text("My Name"));
    }
}
