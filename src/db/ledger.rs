//! Reads the ledger of migrations that Codex checks when it opens a database; never writes it.
//!
//! Codex refuses a database if its ledger says that a migration failed, or has another checksum for a migration than
//! the program has. It tolerates versions that it does not know. A checksum is the SHA-384 of a migration's text. In
//! builds for Windows the texts have CRLF line ends, so their checksums differ from those of all other builds.

use super::row::collect;
use super::schema::has_column;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The checksums of Codex's migrations 1 to 59: version, description, checksum, tab-separated.
const KNOWN: &str = include_str!("../../migrations/ledger.tsv");

/// Versions whose checksums in [`KNOWN`] are not confirmed by a database that Codex made.
pub(super) const UNCONFIRMED: [i64; 2] = [56, 57];

/// The checksum of migration 1 in builds whose texts have CRLF line ends. Their other checksums are unknown, so the
/// checksums of a ledger that begins with this one are not checked.
pub(super) const FIRST_WITH_CRLF: &str =
    "54bbd6f47905a4e4c674034575963d82da7b534e66e9a37a81ec2afb6a4b56ce6de9b3ecf3032796a800f650239847d4";

/// The name of the ledger's table.
const TABLE: &str = "_sqlx_migrations";

/// The entries of a ledger that Codex does not accept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerFaults {
    /// Versions whose checksum differs from that of every Codex, ascending.
    pub changed: Vec<i64>,
    /// Versions that did not succeed, ascending.
    pub failed: Vec<i64>,
    /// Known versions that have no entry although a later one has, ascending. Codex applies them again.
    pub missing: Vec<i64>,
    /// Known versions later than all entries whose columns exist, ascending. Codex applies them again.
    pub unrecorded: Vec<i64>,
    /// Tables and columns that are missing although the ledger has the migration that made them. Codex needs them.
    pub absent: Vec<String>,
    /// True if the ledger is missing or empty. Codex then tries to create tables that exist already.
    pub is_missing: bool,
}

/// Tables that Codex needs since the migration that makes them. No known migration removes them.
const NEEDED_TABLES: [(i64, &str); 6] = [
    (4, "thread_dynamic_tools"),
    (8, "backfill_state"),
    (21, "thread_spawn_edges"),
    (45, "thread_sections"),
    (49, "projects"),
    (55, "thread_attachments"),
];

/// Columns of `threads` that Codex needs since the migration that adds them.
const NEEDED_COLUMNS: [(i64, &str); 18] = [
    (5, "cli_version"),
    (7, "first_user_message"),
    (13, "agent_nickname"),
    (13, "agent_role"),
    (20, "model"),
    (20, "reasoning_effort"),
    (22, "agent_path"),
    (25, "created_at_ms"),
    (25, "updated_at_ms"),
    (30, "thread_source"),
    (32, "preview"),
    (39, "recency_at"),
    (39, "recency_at_ms"),
    (40, "history_mode"),
    (41, "name"),
    (43, "is_pinned"),
    (53, "originator"),
    (54, "daybreak_enabled"),
];

impl LedgerFaults {
    /// Returns true if Codex accepts the ledger.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.keeps_from_starting() && self.absent.is_empty()
    }

    /// Returns true if Codex does not even start.
    #[must_use]
    pub fn keeps_from_starting(&self) -> bool {
        let versions = [&self.changed, &self.failed, &self.missing, &self.unrecorded];
        self.is_missing || versions.into_iter().any(|versions| !versions.is_empty())
    }

    /// Describes the faults in one sentence, with every version.
    #[must_use]
    pub fn describe(&self) -> String {
        let migrations = |versions: &[i64]| match versions {
            [] => None,
            [one] => Some((format!("migration {one}"), true)),
            many => Some((format!("migrations {}", listed(many)), false)),
        };
        let changed = migrations(&self.changed).map(|(them, is_one)| match is_one {
            true => format!("the checksum of {them} is not the one that Codex has"),
            false => format!("the checksums of {them} are not those that Codex has"),
        });
        let failed = migrations(&self.failed).map(|(them, _)| format!("{them} did not succeed"));
        let gap = migrations(&self.missing).map(|(them, is_one)| {
            let are = if is_one { "is" } else { "are" };
            format!("{them} {are} missing from the ledger, and later ones are in it")
        });
        let end = migrations(&self.unrecorded).map(|(them, is_one)| {
            let (are, their) = if is_one { ("is", "its") } else { ("are", "their") };
            format!("{them} {are} missing from the ledger, and {their} columns are there")
        });
        let absent = (!self.absent.is_empty())
            .then(|| format!("the database lacks {}, which its ledger says it has", listed(&self.absent)));
        let missing = self.is_missing.then(|| "the database has no ledger of migrations".to_owned());
        let all = [missing, changed, failed, gap, end, absent];
        all.into_iter().flatten().collect::<Vec<_>>().join(", and ")
    }
}

/// Returns the items as a list in words.
fn listed(items: &[impl ToString]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => items.concat(),
    }
}

/// Finds the entries that Codex does not accept in the ledger of a state database.
///
/// # Errors
/// If the database cannot be read.
pub fn faults(connection: &Connection) -> rusqlite::Result<LedgerFaults> {
    let known: BTreeMap<i64, &str> = migrations().map(|(version, _, checksum)| (version, checksum)).collect();
    let mut faults = LedgerFaults::default();
    let entries = read(connection)?;
    faults.is_missing = entries.is_empty();
    faults.missing = missing(entries.iter().map(|entry| entry.version));
    compare_with_tables(connection, &entries, &mut faults)?;
    let versions = |is_fault: &dyn Fn(&&LedgerRow) -> bool| {
        entries.iter().filter(is_fault).map(|entry| entry.version).collect()
    };
    faults.failed = versions(&|entry| !entry.success);
    if !entries.iter().any(|entry| entry.version == 1 && entry.checksum == FIRST_WITH_CRLF) {
        faults.changed = versions(&|entry| {
            !UNCONFIRMED.contains(&entry.version)
                && known.get(&entry.version).is_some_and(|known| *known != entry.checksum)
        });
    }
    Ok(faults)
}

/// Compares a ledger with the tables that Codex needs.
fn compare_with_tables(
    connection: &Connection,
    entries: &[LedgerRow],
    faults: &mut LedgerFaults,
) -> rusqlite::Result<()> {
    let Some(last) = entries.last().map(|entry| entry.version) else { return Ok(()) };
    let names = |sql: &str| -> rusqlite::Result<HashSet<String>> {
        // No table or column that Codex needs has a name that is not UTF-8.
        connection.prepare(sql)?.query_map([], |row| Ok(row.get(0).unwrap_or_default()))?.collect()
    };
    let tables = names("SELECT name FROM sqlite_schema")?;
    let columns = names("SELECT name FROM pragma_table_xinfo('threads')")?;
    // A later Codex may have removed what an earlier one needed.
    let is_newer = migrations().all(|(known, ..)| known < last);
    let is_needed =
        |version: i64| !is_newer && entries.iter().any(|entry| entry.version == version && entry.success);
    for (version, table) in NEEDED_TABLES {
        if is_needed(version) && !tables.contains(table) {
            faults.absent.push(table.to_owned());
        }
    }
    for (version, column) in NEEDED_COLUMNS {
        let is_there = columns.contains(column);
        if is_needed(version) && !is_there {
            faults.absent.push(format!("threads.{column}"));
        }
        if version > last && is_there {
            faults.unrecorded.push(version);
        }
    }
    faults.unrecorded.dedup();
    Ok(())
}

/// Returns the known versions without an entry below the last known one of these `versions`. Codex applies such a
/// migration again, which fails because the database has its tables and columns. A newer version says nothing about
/// those before it.
pub(super) fn missing(versions: impl Iterator<Item = i64>) -> Vec<i64> {
    let versions: BTreeSet<i64> = versions.collect();
    let known: Vec<i64> =
        migrations().map(|(version, ..)| version).filter(|version| !UNCONFIRMED.contains(version)).collect();
    let last = known.iter().rposition(|version| versions.contains(version)).unwrap_or(0);
    known[..last].iter().copied().filter(|version| !versions.contains(version)).collect()
}

/// Returns the versions that did not succeed, from the ledger of any database of Codex.
///
/// # Errors
/// If the database cannot be read.
pub fn failed(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let entries = read(connection)?.into_iter();
    Ok(entries.filter(|entry| !entry.success).map(|entry| entry.version).collect())
}

/// Returns true if the ledger of a state database contains a migration; false without a ledger of the known shape.
///
/// # Errors
/// If the database cannot be read.
pub fn holds(connection: &Connection, version: i64) -> rusqlite::Result<bool> {
    if !has_column(connection, TABLE, "version")? {
        return Ok(false);
    }
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {TABLE} WHERE version = ?1)");
    connection.query_row(&sql, [version], |row| row.get(0))
}

/// A row of a ledger.
struct LedgerRow {
    version: i64,
    success: bool,
    /// Lower-case hexadecimal digits.
    checksum: String,
}

/// Reads the ledger, ordered by version. Returns no entries if the table is missing or has other columns.
fn read(connection: &Connection) -> rusqlite::Result<Vec<LedgerRow>> {
    for column in ["version", "success", "checksum"] {
        if !has_column(connection, TABLE, column)? {
            return Ok(Vec::new());
        }
    }
    let sql = format!("SELECT version, success, checksum FROM {TABLE} ORDER BY version");
    collect(connection, &sql, [], |row| {
        let checksum = match row.get_ref(2)? {
            ValueRef::Blob(bytes) | ValueRef::Text(bytes) => bytes,
            _ => &[],
        };
        let checksum = checksum.iter().map(|byte| format!("{byte:02x}")).collect();
        let success = row.get_ref(1)? == ValueRef::Integer(1);
        let version = row.get_ref(0)?.as_i64().ok();
        Ok(version.map(|version| LedgerRow { version, success, checksum }))
    })
}

/// Returns version, description and checksum (in hexadecimal digits) of every known migration.
pub(super) fn migrations() -> impl Iterator<Item = (i64, &'static str, &'static str)> {
    KNOWN.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        Some((fields.next()?.parse().ok()?, fields.next()?, fields.next()?))
    })
}

/// Returns the version of the newest migration of Codex that this program knows.
#[must_use]
pub fn newest() -> i64 {
    migrations().map(|(version, ..)| version).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{FILLED, Place};

    fn check(change: &str, changed: &[i64], failed: &[i64]) -> String {
        let place = Place::with(FILLED);
        let connection = place.connect();
        connection.execute_batch(change).unwrap();
        let faults = faults(&connection).unwrap();
        assert_eq!((&faults.changed[..], &faults.failed[..]), (changed, failed), "{change}");
        faults.describe()
    }

    #[test]
    fn the_table_holds_a_checksum_of_48_bytes_for_each_of_59_versions() {
        let versions: Vec<i64> = migrations().map(|(version, ..)| version).collect();
        assert_eq!(versions, (1..=59).collect::<Vec<_>>());
        let is_checksum = |text: &str| {
            text.len() == 96 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        assert!(migrations().all(|(.., checksum)| is_checksum(checksum)));
    }

    #[test]
    fn a_ledger_that_codex_wrote_has_no_faults() {
        assert_eq!(check("", &[], &[]), "");
    }

    #[test]
    fn another_checksum_and_a_failed_migration_are_faults_with_their_versions() {
        let set = |value: &str, versions: &str| {
            format!("UPDATE _sqlx_migrations SET {value} WHERE version IN ({versions});")
        };
        let text = check(&set("checksum = X'00'", "1, 5, 50"), &[1, 5, 50], &[]);
        assert_eq!(text, "the checksums of migrations 1, 5 and 50 are not those that Codex has");
        check(&set("checksum = ''", "7"), &[7], &[]);
        let text = check(&set("success = 0", "5"), &[], &[5]);
        assert_eq!(text, "migration 5 did not succeed");
        let both = set("success = 0", "2, 3") + &set("checksum = X'00'", "9");
        let text = check(&both, &[9], &[2, 3]);
        assert_eq!(
            text,
            "the checksum of migration 9 is not the one that Codex has, and migrations 2 and 3 did not succeed"
        );
    }

    #[test]
    fn a_gap_in_the_ledger_is_a_fault_unless_its_migration_is_not_confirmed() {
        let describe = |change: &str| {
            let place = Place::with("reconstructed-2026-10.state_5.sqlite");
            let connection = place.connect();
            connection.execute_batch(change).unwrap();
            faults(&connection).unwrap().describe()
        };
        let delete = |versions: &str| format!("DELETE FROM _sqlx_migrations WHERE version {versions}");
        assert_eq!(describe(""), "");
        assert_eq!(
            describe(&delete("= 20")),
            "migration 20 is missing from the ledger, and later ones are in it"
        );
        assert_eq!(
            describe(&delete("IN (1, 58)")),
            "migrations 1 and 58 are missing from the ledger, and later ones are in it"
        );
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                     VALUES (60, 'x', 1, X'00', 0)";
        assert_eq!(describe(&format!("{}; {newer}", delete("> 50"))), "", "a newer version alone");
        for harmless in ["> 55", "IN (56, 57)", "= 59"] {
            assert_eq!(describe(&delete(harmless)), "", "{harmless}");
        }
        assert_eq!(
            describe(&delete("> 40")),
            "migrations 41, 43, 53 and 54 are missing from the ledger, and their columns are there"
        );
    }

    #[test]
    fn what_the_ledger_says_and_the_database_lacks_is_a_fault() {
        assert_eq!(
            check("DROP TABLE thread_dynamic_tools", &[], &[]).split(", which").next(),
            Some("the database lacks thread_dynamic_tools")
        );
        let place = Place::with("empty-2026-03.state_5.sqlite");
        let connection = place.connect();
        connection
            .execute_batch("ALTER TABLE threads DROP COLUMN agent_path; DROP TABLE thread_spawn_edges")
            .unwrap();
        let faults = faults(&connection).unwrap();
        assert_eq!(faults.absent, ["thread_spawn_edges", "threads.agent_path"]);
        assert!(!faults.keeps_from_starting() && !faults.is_empty());
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                     VALUES (60, 'x', 1, X'00', 0)";
        assert_eq!(check(&format!("DROP TABLE thread_sections; {newer}"), &[], &[]), "", "of a later Codex");
    }

    #[test]
    fn newer_versions_are_accepted_unless_they_failed() {
        let insert = |version: u32, success: u32| {
            format!(
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES ({version}, 'x', {success}, X'00', 0);"
            )
        };
        check(&(insert(56, 1) + &insert(57, 1) + &insert(60, 1)), &[], &[]);
        check(&insert(60, 0), &[], &[60]);
        check(&insert(55, 1), &[55], &[]);
    }

    #[test]
    fn the_checksums_of_a_build_with_crlf_line_ends_are_not_checked() {
        let all = "UPDATE _sqlx_migrations SET checksum = X'00' WHERE version > 1;";
        let first = format!("UPDATE _sqlx_migrations SET checksum = X'{FIRST_WITH_CRLF}' WHERE version = 1;");
        check(&(all.to_owned() + &first), &[], &[]);
        check(&(first + "UPDATE _sqlx_migrations SET success = 0 WHERE version = 2"), &[], &[2]);
    }

    #[test]
    fn a_state_database_without_a_ledger_is_refused_and_any_other_is_not() {
        let connection = Connection::open_in_memory().unwrap();
        assert_eq!(faults(&connection).unwrap().describe(), "the database has no ledger of migrations");
        assert_eq!(failed(&connection).unwrap(), Vec::<i64>::new());
        assert_eq!(
            check("DELETE FROM _sqlx_migrations", &[], &[]),
            "the database has no ledger of migrations"
        );
    }
}
