//! The only definition of "shown in Codex's default list", as SQL over the columns of `threads`.
//!
//! Codex lists threads that are not archived, have a message, have the provider of config.toml, and have the source
//! `cli` or `vscode` or the custom source `atlas` or `chatgpt` (docs/codex-home.md, "Visible in a listing"). `list`,
//! `status` and every count before and after a change use this rule.

use super::ledger;
use super::schema::Schema;
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{Col, Row};
use crate::thread::equivalence::{LISTED_CUSTOM_SOURCES, LISTED_SOURCES};
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

/// The migration since which the archived list shows threads without a preview.
const SHOWS_EMPTY_ARCHIVED: i64 = 58;

/// A reason why Codex's default list hides a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum HiddenReason {
    /// The thread is archived.
    Archived,
    /// The thread has no message.
    NoMessage,
    /// The thread's provider is not the default one.
    Provider,
    /// The thread's source is one that Codex does not list.
    Source,
}

impl HiddenReason {
    /// All reasons; a thread with several is counted under the first.
    pub const ALL: [HiddenReason; 4] =
        [HiddenReason::Archived, HiddenReason::NoMessage, HiddenReason::Provider, HiddenReason::Source];

    /// Returns the word that scripts see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HiddenReason::Archived => "archived",
            HiddenReason::NoMessage => "no_message",
            HiddenReason::Provider => "provider",
            HiddenReason::Source => "source",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The reasons why Codex's default list hides a thread; empty if it shows the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reasons(u8);

impl Reasons {
    /// Converts the number from [`Rule::reasons`].
    #[must_use]
    pub fn of(bits: i64) -> Reasons {
        Reasons(u8::try_from(bits).unwrap_or(u8::MAX))
    }

    /// Returns the reasons in order.
    pub fn iter(self) -> impl Iterator<Item = HiddenReason> {
        HiddenReason::ALL.into_iter().filter(move |reason| self.0 & reason.bit() != 0)
    }

    /// Returns true if Codex's default list shows the thread.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the words that scripts see, joined by commas.
    #[must_use]
    pub fn names(self) -> String {
        self.iter().map(HiddenReason::name).collect::<Vec<_>>().join(",")
    }
}

/// The rule for one schema and one default provider.
#[derive(Debug, Clone)]
pub struct Rule {
    conditions: [String; 4],
}

impl Rule {
    /// Builds the rule. A column that the schema lacks hides no thread.
    #[must_use]
    pub fn new(schema: &Schema, default_provider: &str) -> Rule {
        let provider = Col::ModelProvider.name();
        let provider = format!("{provider} IS NOT {}", quoted(default_provider));
        let source = Col::Source.name();
        let (words, customs) = (quoted_list(&LISTED_SOURCES), quoted_list(&LISTED_CUSTOM_SOURCES));
        let source = format!(
            "CASE WHEN {source} IN ({words}) THEN 0 \
             WHEN json_valid({source}) \
             THEN ifnull(json_extract({source}, '$.custom'), '') NOT IN ({customs}) ELSE 1 END"
        );
        let [provider, source] = [(Col::ModelProvider, provider), (Col::Source, source)]
            .map(|(col, hides)| if schema.has(col) { hides } else { "0".to_owned() });
        let no_message = format!("({}) IS NOT TRUE", schema.visible());
        Rule { conditions: ["archived IS NOT 0".to_owned(), no_message, provider, source] }
    }

    /// Returns the SQL condition that is true for this reason.
    #[must_use]
    pub fn condition(&self, reason: HiddenReason) -> &str {
        &self.conditions[reason as usize]
    }

    /// Returns an SQL expression for the reasons of a row, as a number for [`Reasons::of`].
    #[must_use]
    pub fn reasons(&self) -> String {
        self.some_reasons(&HiddenReason::ALL)
    }

    /// Returns an SQL expression for those of some reasons that a row has.
    pub(super) fn some_reasons(&self, reasons: &[HiddenReason]) -> String {
        let bit = |&reason: &HiddenReason| format!("(({}) << {})", self.condition(reason), reason as u8);
        reasons.iter().map(bit).collect::<Vec<_>>().join(" + ")
    }
}

/// Returns the SQL condition for the threads that Codex's list shows, of any provider.
pub(super) fn with_any_provider(schema: &Schema) -> String {
    let rule = Rule::new(schema, "");
    let reasons = [HiddenReason::Archived, HiddenReason::NoMessage, HiddenReason::Source];
    reasons.map(|reason| format!("NOT ({})", rule.condition(reason))).join(" AND ")
}

/// Returns words as an SQL list.
fn quoted_list(words: &[&str]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ")
}

/// Returns a text as an SQL literal; any character may occur in it.
fn quoted(text: &str) -> String {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("CAST(x'{hex}' AS TEXT)")
}

/// The columns that the rule uses.
const LOOKED_AT: [Col; 6] =
    [Col::Archived, Col::Preview, Col::FirstUserMessage, Col::HasUserEvent, Col::ModelProvider, Col::Source];

/// Applies the same SQL to rows that are in no table.
#[derive(Debug)]
pub struct VisibilityRule {
    connection: Connection,
    sql: String,
}

/// The result of the rule for one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visibility {
    /// The reasons why the row is hidden.
    pub reasons: Reasons,
    /// Its source; for a source that is an object, the object's key.
    pub source: String,
    /// Its provider.
    pub provider: String,
}

impl VisibilityRule {
    /// Prepares the rule for a schema.
    ///
    /// # Errors
    /// If SQLite cannot open a database in memory.
    pub fn new(schema: &Schema, default_provider: &str) -> rusqlite::Result<VisibilityRule> {
        let columns = LOOKED_AT.iter().enumerate();
        let columns: Vec<String> =
            columns.map(|(i, col)| format!("?{} AS \"{}\"", i + 1, col.name())).collect();
        let sql = select(schema, default_provider, &format!("(SELECT {})", columns.join(", ")));
        Ok(VisibilityRule { connection: Connection::open_in_memory()?, sql })
    }

    /// Applies the rule to a row.
    ///
    /// # Errors
    /// If SQLite runs out of memory.
    pub fn judge(&self, row: &Row) -> rusqlite::Result<Visibility> {
        let cells = LOOKED_AT.iter().map(|col| row.get(*col).unwrap_or(&Cell::Null));
        let mut statement = self.connection.prepare_cached(&self.sql)?;
        statement.query_row(params_from_iter(cells), verdict_of)
    }
}

/// Applies the rule to the threads with these ids; `None` for a thread without a row.
///
/// # Errors
/// If the database cannot be read.
pub fn of_threads(
    connection: &Connection,
    schema: &Schema,
    default_provider: &str,
    ids: &[ThreadId],
) -> rusqlite::Result<Vec<Option<Visibility>>> {
    let mut statement = connection.prepare(&select(schema, default_provider, "threads WHERE id = ?1"))?;
    ids.iter().map(|id| statement.query_row([id.to_string()], verdict_of).optional()).collect()
}

/// Returns the statement that selects reasons, source and provider of some rows.
fn select(schema: &Schema, default_provider: &str, rows: &str) -> String {
    let provider = if schema.has(Col::ModelProvider) { Col::ModelProvider.name() } else { "NULL" };
    let reasons = Rule::new(schema, default_provider).reasons();
    format!("SELECT {reasons}, {}, {provider} FROM {rows}", source_key(schema))
}

/// Reads reasons, source and provider.
fn verdict_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Visibility> {
    // A cell that is not text counts under no name.
    let text = |place| row.get_ref(place).map(|value| value.as_str().unwrap_or_default().to_owned());
    Ok(Visibility { reasons: Reasons::of(row.get(0)?), source: text(1)?, provider: text(2)? })
}

/// Returns an SQL expression for a row's source; for a source that is an object, the object's key.
pub(super) fn source_key(schema: &Schema) -> String {
    if !schema.has(Col::Source) {
        return "NULL".to_owned();
    }
    let source = Col::Source.name();
    let words = quoted_list(&LISTED_SOURCES);
    format!(
        "CASE WHEN {source} NOT IN ({words}) AND json_valid({source}) \
         THEN coalesce((SELECT key FROM json_each({source}) WHERE typeof(key) = 'text' LIMIT 1), {source}) \
         ELSE {source} END"
    )
}

/// Returns the SQL condition for a thread that the archived list shows, apart from the archived flag; `None` if it
/// shows all.
///
/// # Errors
/// If the ledger cannot be read.
pub fn visible_archived(connection: &Connection, schema: &Schema) -> rusqlite::Result<Option<&'static str>> {
    let shows_all = ledger::holds(connection, SHOWS_EMPTY_ARCHIVED)?;
    Ok((!shows_all).then(|| schema.visible()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMAS: [&str; 4] = [
        "empty-2026-01.state.sqlite",
        "empty-2026-03.state_5.sqlite",
        "empty-2026-07.state_5.sqlite",
        "empty-2026-08.state_5.sqlite",
    ];

    /// Checks the reasons for a thread on each schema, from the table and from the row alone.
    fn check(archived: impl Into<Cell>, message: &str, provider: &str, source: &str, expected: &str) {
        let archived = archived.into();
        for golden in SCHEMAS {
            let connection = super::super::list::tests::database(golden);
            let cells = [
                ("id", "019f36e0-a6ba-7c97-bb37-8d28d353f3fb".into()),
                ("archived", archived.clone()),
                ("has_user_event", (!message.is_empty()).into()),
                ("first_user_message", message.into()),
                ("preview", message.into()),
                ("model_provider", provider.into()),
                ("source", source.into()),
                ("created_at", 1_783_332_120.into()),
                ("updated_at", 1_783_332_120.into()),
            ];
            super::super::list::tests::add(&connection, &cells);
            let schema = Schema::read_threads(&connection).unwrap();
            let sql = format!("SELECT {} FROM threads", Rule::new(&schema, "o'p\0enai").reasons());
            let reasons = connection.query_row(&sql, [], |row| row.get(0)).map(Reasons::of).unwrap();
            assert_eq!(reasons.names(), expected, "{golden}: {archived:?} {message} {provider} {source}");

            let mut row = Row::empty();
            for (name, cell) in cells {
                let col = crate::thread::columns::Col::named(name).unwrap();
                row[col] = Some(cell);
            }
            let judge = VisibilityRule::new(&schema, "o'p\0enai").unwrap();
            let verdict = judge.judge(&row).unwrap();
            assert_eq!(verdict.reasons, reasons, "{golden}: a row alone");
            let ids = ["019f36e0-a6ba-7c97-bb37-8d28d353f3fb", "019f36e0-a6ba-7c97-bb37-8d28d353f3fc"];
            let ids = ids.map(|id| ThreadId::parse(id).unwrap());
            let found = of_threads(&connection, &schema, "o'p\0enai", &ids).unwrap();
            assert_eq!(found, [Some(verdict), None], "{golden}: by its id");
        }
    }

    #[test]
    fn codex_shows_its_own_sources_of_its_provider_with_a_message() {
        let provider = "o'p\0enai";
        for source in [
            "cli",
            "vscode",
            r#"{"custom":"atlas"}"#,
            r#" { "custom" : "chatgpt" }"#,
            r#"{"custom":"\u0061tlas"}"#,
        ] {
            check(0, "words", provider, source, "");
        }
        for source in [
            "exec",
            "mcp",
            "unknown",
            "",
            "CLI",
            "atlas",
            r#"{"subagent":"review"}"#,
            r#"{"custom":"other"}"#,
            r#"{"custom":["atlas"]}"#,
            r#"{"custom":"atlas""#,
            r#"["cli"]"#,
        ] {
            check(0, "words", provider, source, "source");
        }
    }

    #[test]
    fn a_thread_may_be_hidden_for_several_reasons() {
        let provider = "o'p\0enai";
        check(1, "words", provider, "cli", "archived");
        check("odd", "words", provider, "cli", "archived");
        check(0, "", provider, "cli", "no_message");
        check(0, "words", "openai", "cli", "provider");
        check(0, "words", "", "cli", "provider");
        check(1, "", "azure", "exec", "archived,no_message,provider,source");
    }

    #[test]
    fn the_archived_list_shows_threads_without_a_message_since_migration_58() {
        let connection = super::super::list::tests::database(SCHEMAS[3]);
        let schema = Schema::read_threads(&connection).unwrap();
        let visible = || visible_archived(&connection, &schema).unwrap();
        assert_eq!(visible(), Some("preview <> ''"), "no ledger");
        connection.execute_batch("CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY)").unwrap();
        connection.execute_batch("INSERT INTO _sqlx_migrations VALUES (57)").unwrap();
        assert_eq!(visible(), Some("preview <> ''"));
        connection.execute_batch("INSERT INTO _sqlx_migrations VALUES (58), (59)").unwrap();
        assert_eq!(visible(), None);
    }
}
