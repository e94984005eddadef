//! Counts the threads that belong to a project by their folder but are not assigned to it; never writes.

use super::row::{collect, texts};
use super::schema::{Schema, has_column};
use super::shown;
use crate::sys;
use crate::thread::columns::Col;
use rusqlite::Connection;
use std::collections::BTreeMap;

/// A project, and the number of threads in its folders that are not assigned to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unassigned {
    /// The project's id.
    pub project: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Number of threads without a project whose folder is in this project and in no other.
    pub threads: u64,
}

/// A folder of a project.
struct ProjectRoot {
    path: String,
    project: String,
}

/// Counts, for each project, the threads without a project whose folder is in this project only. Threads that Codex's
/// list does not show are not counted: archived ones, those of sub-agents, and those without a message.
///
/// # Errors
/// If the database cannot be read.
pub fn unassigned(connection: &Connection, schema: &Schema) -> rusqlite::Result<Vec<Unassigned>> {
    let has = |table: &str, column: &str| has_column(connection, table, column);
    if !schema.has(Col::ProjectId) || !has("project_roots", "project_id")? || !has("project_roots", "path")? {
        return Ok(Vec::new());
    }
    let roots = read_roots(connection)?;
    if roots.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT cwd, count(*) FROM threads WHERE project_id IS NULL AND {} GROUP BY cwd",
        shown::with_any_provider(schema)
    );
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Ok(folder) = row.get_ref(0)?.as_str() else { continue };
        let folder = comparable(folder);
        let mut projects: Vec<&str> =
            roots.iter().filter(|root| contains(&root.path, &folder)).map(|root| &*root.project).collect();
        projects.sort_unstable();
        projects.dedup();
        if let [project] = projects[..] {
            *counts.entry(project).or_default() += row.get::<_, i64>(1)?.unsigned_abs();
        }
    }
    let names = if has("projects", "id")? && has("projects", "name")? {
        read_names(connection)?
    } else {
        BTreeMap::new()
    };
    let unassigned = |(project, threads): (&str, u64)| Unassigned {
        project: project.to_owned(),
        name: names.get(project).cloned(),
        threads,
    };
    Ok(counts.into_iter().map(unassigned).collect())
}

fn read_roots(connection: &Connection) -> rusqlite::Result<Vec<ProjectRoot>> {
    collect(connection, "SELECT path, project_id FROM project_roots WHERE path <> ''", [], |row| {
        Ok(texts(row)?.map(|[path, project]| ProjectRoot { path: comparable(&path), project }))
    })
}

fn read_names(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let sql =
        "SELECT id, name FROM projects WHERE typeof(id) = 'text' AND typeof(name) = 'text' AND name <> ''";
    collect(connection, sql, [], |row| Ok(Some((row.get(0)?, row.get(1)?))))
}

/// Returns a folder in the spelling used for comparison: with `/`, without a `/` at the end, without the `\\?\`
/// prefix of Windows, and with a drive letter in lower case.
fn comparable(folder: &str) -> String {
    let short = sys::without_verbatim_prefix(folder);
    let mut text = if sys::has_drive(&short) || short.starts_with(r"\\") {
        let mut text = short.replace('\\', "/");
        if sys::has_drive(&text) {
            text[..1].make_ascii_lowercase();
        }
        text
    } else {
        short.into_owned()
    };
    while text.len() > 1 && text.ends_with('/') {
        text.pop();
    }
    text
}

/// Returns true if `folder` is `root` or is below it; both are in the spelling of [`comparable`].
fn contains(root: &str, folder: &str) -> bool {
    folder
        .strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || root.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_contains_itself_and_the_folders_below() {
        let check = |root: &str, folder: &str| contains(&comparable(root), &comparable(folder));
        assert!(check("/srv/canal", "/srv/canal") && check("/srv/canal/", "/srv/canal/src"));
        assert!(check("/", "/srv"));
        assert!(
            !check("/srv/canal", "/srv/canal-old")
                && !check("/srv/canal", "/srv")
                && !check("/srv/canal", "")
        );
        assert!(check(r"C:\Work", r"\\?\c:\Work\app") && check("c:/Work", r"C:\Work"));
        assert!(!check(r"C:\Work", r"D:\Work"));
        assert!(!check(r"/a\b", "/a/b"), "a backslash is a letter there");
    }

    #[test]
    fn threads_in_one_project_alone_are_counted_once_a_project() {
        let connection = Connection::open_in_memory().unwrap();
        let schema = |connection: &Connection| Schema::read(connection).unwrap();
        connection.execute_batch(include_str!("../../migrations/0001_threads.sql")).unwrap();
        assert_eq!(unassigned(&connection, &schema(&connection)).unwrap(), []);
        let sql = "ALTER TABLE threads ADD COLUMN project_id TEXT;
            CREATE TABLE projects (id TEXT, name TEXT); CREATE TABLE project_roots (project_id TEXT, path TEXT);
            INSERT INTO projects VALUES ('a', 'First'), ('b', '');
            INSERT INTO project_roots VALUES ('a', '/srv/a'), ('a', '/srv/a/sub'), ('b', '/srv/a/both'), ('b', '/b'), ('b', NULL);";
        connection.execute_batch(sql).unwrap();
        let mut n = 0;
        let mut add = |cwd: &str, source: &str, archived: u32, has_user_event: u32, project: Option<&str>| {
            n += 1;
            let sql = "INSERT INTO threads (id, rollout_path, created_at, updated_at, source, model_provider, cwd, title, \
                       sandbox_policy, approval_mode, archived, has_user_event, project_id) \
                       VALUES (?1, '', 0, 0, ?2, '', ?3, '', '', '', ?4, ?5, ?6)";
            connection.execute(sql, (n.to_string(), source, cwd, archived, has_user_event, project)).unwrap();
        };
        for cwd in ["/srv/a", "/srv/a/sub/deep", "/srv/a/both/x", "/srv", "/b/c"] {
            add(cwd, "cli", 0, 1, None);
        }
        add("/srv/a", "cli", 0, 1, Some("a"));
        add("/srv/a", "cli", 1, 1, None);
        add("/srv/a", "cli", 0, 0, None);
        add("/srv/a", "{\"subagent\":\"review\"}", 0, 1, None);
        let expected = [
            Unassigned { project: "a".into(), name: Some("First".into()), threads: 2 },
            Unassigned { project: "b".into(), name: None, threads: 1 },
        ];
        assert_eq!(unassigned(&connection, &schema(&connection)).unwrap(), expected);
    }
}
