//! Builds the SQL conditions of a listing. They leave the choice of the index to the listing's order.

use super::query::{Folder, Query, TimeColumns};
use crate::db::schema::Schema;
use crate::db::shown::{self, HiddenReason, Rule};
use crate::thread::cell::Cell;
use crate::thread::columns::Col;
use rusqlite::Connection;

/// Conditions joined by AND, with the values of their parameters.
#[derive(Debug, Clone, Default)]
pub(super) struct Conditions {
    pub(super) sql: Vec<String>,
    pub(super) values: Vec<Cell>,
}

impl Conditions {
    pub(super) fn add(&mut self, sql: impl Into<String>, values: impl IntoIterator<Item = Cell>) {
        self.sql.push(sql.into());
        self.values.extend(values);
    }

    fn any_of(&mut self, alternatives: Vec<(String, Vec<Cell>)>) {
        if alternatives.is_empty() {
            return;
        }
        let (sql, values): (Vec<String>, Vec<Vec<Cell>>) = alternatives.into_iter().unzip();
        self.add(format!("({})", sql.join(" OR ")), values.into_iter().flatten());
    }
}

/// Returns the conditions that are the same for every page.
///
/// A `+` before a column prevents SQLite from using an index on it. Without statistics it prefers the index on
/// `archived`, reads half the table and sorts it. Only an index for the listing's order is worth using.
pub(super) fn fixed(
    connection: &Connection,
    schema: &Schema,
    query: &Query,
    time: TimeColumns,
) -> rusqlite::Result<Conditions> {
    let mut conditions = Conditions::default();
    let folder = match &query.folders[..] {
        [only] if !only.recursive && schema.has(Col::Cwd) => Some(only),
        _ => None,
    };
    let visible = match query.archived {
        _ if query.hidden => None,
        Some(false) => Some(schema.visible()),
        Some(true) | None => shown::visible_archived(connection, schema)?,
    };
    if let Some(archived) = query.archived {
        let is_indexed = match time.milliseconds {
            Some(time) => has_index(connection, time, folder.is_some(), visible)?,
            None => false,
        };
        conditions.add(if is_indexed { "archived = ?" } else { "+archived = ?" }, [archived.into()]);
    }
    match visible {
        Some(visible) => conditions.sql.push(visible.to_owned()),
        None if !query.hidden && query.archived.is_none() => {
            conditions.sql.push(format!("(+archived = 1 OR {})", schema.visible()));
        }
        None => {}
    }
    let rule = || Rule::new(schema, &query.default_provider);
    match query.shown {
        // Without the rest of the rule here, SQLite would not use an index for the order.
        Some(true) => conditions.sql.extend(
            [HiddenReason::Provider, HiddenReason::Source]
                .map(|reason| format!("NOT ({})", rule().condition(reason))),
        ),
        Some(false) => conditions.sql.push(format!("({}) <> 0", rule().reasons())),
        None => {}
    }
    add_filters(&mut conditions, schema, query);
    let cwd = column(schema, Col::Cwd);
    match folder {
        Some(folder) => conditions.add(format!("{cwd} = ?"), [folder.path.as_str().into()]),
        None => {
            conditions.any_of(query.folders.iter().map(|folder| in_folder(cwd, folder)).collect());
        }
    }
    Ok(conditions)
}

fn column(schema: &Schema, col: Col) -> &'static str {
    if schema.has(col) { col.name() } else { "NULL" }
}

/// Adds the conditions on source, provider, model, branch and pin.
fn add_filters(conditions: &mut Conditions, schema: &Schema, query: &Query) {
    let source = column(schema, Col::Source);
    let of_source = format!(
        "+{source} = ? OR CASE WHEN substr({source}, 1, 1) = '{{' AND json_valid({source}) \
         THEN EXISTS (SELECT 1 FROM json_each({source}) WHERE key = ?) ELSE 0 END"
    );
    let sources = query.sources.iter();
    conditions.any_of(
        sources.map(|word| (of_source.clone(), vec![word.as_str().into(), word.as_str().into()])).collect(),
    );
    for (col, wanted) in [
        (Col::ModelProvider, &query.providers),
        (Col::Model, &query.models),
        (Col::GitBranch, &query.branches),
    ] {
        let is_it = format!("+{} = ?", column(schema, col));
        conditions.any_of(wanted.iter().map(|one| (is_it.clone(), vec![one.as_str().into()])).collect());
    }
    if query.pinned {
        conditions.sql.push(format!("+{} = 1", column(schema, Col::IsPinned)));
    }
}

fn in_folder(cwd: &str, folder: &Folder) -> (String, Vec<Cell>) {
    if !folder.recursive {
        return (format!("+{cwd} = ?"), vec![folder.path.as_str().into()]);
    }
    // A path below this folder begins with the folder and a separator, so it sorts between that prefix and the prefix
    // with the separator's successor. Only Windows paths have backslashes as separators.
    let is_windows = folder.path.starts_with("\\\\") || folder.path.as_bytes().get(1) == Some(&b':');
    let (separators, ends) = (&['/', '\\'][..], [("/", "0"), ("\\", "]")]);
    let n = if is_windows { 2 } else { 1 };
    let root = folder.path.trim_end_matches(&separators[..n]);
    let mut sql = vec![format!("+{cwd} = ?")];
    let mut values = vec![folder.path.as_str().into()];
    for (separator, successor) in &ends[..n] {
        sql.push(format!("(+{cwd} >= ? AND +{cwd} < ?)"));
        values.extend([*separator, *successor].map(|end| Cell::Text(format!("{root}{end}"))));
    }
    (sql.join(" OR "), values)
}

/// Returns true if one of Codex's indexes on (archived, time), or for one folder (archived, cwd, time), suits the
/// listing.
fn has_index(
    connection: &Connection,
    time: &str,
    of_folder: bool,
    visible: Option<&str>,
) -> rusqlite::Result<bool> {
    let sql =
        "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'threads' AND sql IS NOT NULL";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // Most indexes are not on these columns.
        let Ok(text) = row.get_ref(0)?.as_str() else { continue };
        if !text.contains("(archived") || !text.contains(time) {
            continue;
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (columns, condition) = text.split_once(" WHERE ").unwrap_or((&text, ""));
        let fits = condition.is_empty() || Some(condition) == visible;
        let starts_with = |columns_wanted: String| columns.contains(&columns_wanted);
        if fits
            && (starts_with(format!("(archived, {time} ")) && !condition.is_empty()
                || of_folder && starts_with(format!("(archived, cwd, {time} ")))
        {
            return Ok(true);
        }
    }
    Ok(false)
}
