//! A property test of listing filters: on every schema, the rows of all pages equal those found by checking each row.

use super::query::*;
use super::tests::{SCHEMAS, SORTS, add, database, paged, query};
use crate::db::schema::Schema;
use crate::thread::cell::Cell;
use crate::thread::columns::Col;
use crate::thread::search::Search;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const SOURCES: [&str; 6] = [
    "cli",
    "exec",
    r#"{"subagent":"review"}"#,
    r#"{"subagent":{"thread_spawn":{"depth":1}}}"#,
    r#"{"custom":"cli"}"#,
    "{cli",
];
const PROVIDERS: [&str; 3] = ["openai", "custom", ""];
const FOLDERS: [&str; 7] = ["/", "/srv", "/srv/a", "/srv/a/b", "/srvx", r"C:\a", r"C:\a\b"];
const TEXTS: [&str; 5] = ["", "the Parser", "PARSER_x", "100% sure", "ärger"];

/// A row, as positions in the lists above.
#[derive(Debug, Clone)]
struct Made {
    second: i64,
    source: &'static str,
    provider: &'static str,
    folder: &'static str,
    title: &'static str,
    first_message: &'static str,
    name: Option<&'static str>,
}

fn made() -> impl Strategy<Value = Made> {
    let texts = || select(&TEXTS[..]);
    (
        0..3i64,
        select(&SOURCES[..]),
        select(&PROVIDERS[..]),
        select(&FOLDERS[..]),
        texts(),
        texts(),
        prop::option::weighted(0.2, texts()),
    )
        .prop_map(|(second, source, provider, folder, title, first_message, name)| Made {
            second: 1_773_500_000 + second,
            source,
            provider,
            folder,
            title,
            first_message,
            name,
        })
}

fn is_of_source(row: &Made, wanted: &str) -> bool {
    // The key of an object matches as well as the whole source; text that only looks like an object is text.
    row.source == wanted
        || serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(row.source)
            .is_ok_and(|object| object.contains_key(wanted))
}

fn is_in(row: &Made, folder: &str, recursive: bool) -> bool {
    let below = |separator: char| {
        let rest = row.folder.strip_prefix(folder.trim_end_matches(separator));
        rest.is_some_and(|rest| rest.starts_with(separator))
    };
    row.folder == folder || recursive && (below('/') || folder.starts_with("C:") && below('\\'))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn filters_pass_the_same_rows_as_a_check_of_each_row(
        rows in prop::collection::vec(made(), 0..30),
        schema in 0..SCHEMAS.len(),
        sort in 0..SORTS.len(),
        reverse: bool,
        sources in subsequence(vec!["cli", "exec", "subagent", "custom", "none"], 0..3),
        providers in subsequence(vec!["openai", "custom", "none"], 0..3),
        folders in subsequence(FOLDERS.to_vec(), 0..3),
        recursive: bool,
        search in prop::option::of(select(vec!["parser", "PARSER", "%", "_", "ÄRGER", "nothing"])),
        limit in 1..9usize,
    ) {
        let connection = database(SCHEMAS[schema]);
        let schema = Schema::read_threads(&connection).unwrap();
        let id = |i: usize| format!("019c0000-0000-7000-8000-0000000000{i:02x}");
        for (i, row) in rows.iter().enumerate() {
            let mut cells: Vec<(&str, Cell)> = vec![
                ("id", Cell::Text(id(i))),
                ("source", row.source.into()),
                ("model_provider", row.provider.into()),
                ("cwd", row.folder.into()),
                ("title", row.title.into()),
                ("first_user_message", row.first_message.into()),
                ("name", Cell::optional_text(row.name)),
            ];
            cells.extend(["created_at", "updated_at", "recency_at"].map(|name| (name, row.second.into())));
            cells.extend(
                ["created_at_ms", "updated_at_ms", "recency_at_ms"]
                    .map(|name| (name, (row.second * 1000).into())),
            );
            add(&connection, &cells);
        }
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let query = Query {
            reverse,
            hidden: true,
            sources: owned(&sources),
            providers: owned(&providers),
            folders: folders.iter().map(|path| Folder { path: (*path).to_owned(), recursive }).collect(),
            search: search.map(Search::new).into_iter().collect(),
            ..query(SORTS[sort])
        };
        let has = |row: &Made, wanted: &str| {
            let wanted = wanted.to_lowercase();
            let name = row.name.filter(|_| schema.has(Col::Name));
            let message = Some(row.first_message).filter(|_| schema.has(Col::FirstUserMessage));
            [Some(row.title), name, message].iter().flatten().any(|text| text.to_lowercase().contains(&wanted))
        };
        let mut expected: Vec<(i64, String)> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| sources.is_empty() || sources.iter().any(|source| is_of_source(row, source)))
            .filter(|(_, row)| providers.is_empty() || providers.contains(&row.provider))
            .filter(|(_, row)| folders.is_empty() || folders.iter().any(|path| is_in(row, path, recursive)))
            .filter(|(_, row)| search.is_none_or(|search| has(row, search)))
            .map(|(i, row)| (row.second, id(i)))
            .collect();
        expected.sort();
        if !reverse {
            expected.reverse();
        }
        let expected: Vec<String> = expected.into_iter().map(|(_, id)| id).collect();
        prop_assert_eq!(paged(&connection, &query, limit, true), expected);
    }
}
