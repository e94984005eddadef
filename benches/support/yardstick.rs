//! Runs the programs that our times are compared with, each on the same work.

use super::child::{Expect, Fresh, Invocation, version};
use super::lab::{Lab, Site};
use anyhow::Result;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// A yardstick, or the reason why it cannot run here.
pub(crate) type Yardstick = Result<Invocation, String>;

/// The programs that serve as yardsticks.
pub(crate) const PROGRAMS: [&str; 5] = ["rg", "find", "sqlite3", "zstd", "xargs"];

/// Counts the lines of every rollout, which is the least that reading them costs.
pub(crate) fn rg(site: &Site) -> Yardstick {
    needs(&["rg"])?;
    // With `--no-ignore`, a home below a git-ignored folder is read too.
    Ok(with_roots("rg", &["--no-config", "--no-ignore", "-j2", "-c", ""], site, &[]))
}

/// Asks for the size and the time of every rollout, which is the least that knowing them costs.
pub(crate) fn find(site: &Site) -> Yardstick {
    needs(&["find"])?;
    Ok(with_roots("find", &[], site, &["-type", "f", "-printf", "%s %T@\n"]))
}

/// Makes the SQLite shell print the result of `sql`.
pub(crate) fn sqlite3(site: &Site, sql: &str) -> Yardstick {
    needs(&["sqlite3"])?;
    let db = site.db.to_string_lossy().into_owned();
    Ok(Invocation::new("sqlite3", ["-header", "-tabs", &db, sql]))
}

/// Inserts the rows of a filled database into an empty one, in transactions of 500, and does nothing else.
pub(crate) fn insert(lab: &Lab<'_>, filled: &Site) -> Yardstick {
    needs(&["sqlite3"])?;
    let script = || -> Result<String> {
        let db = rusqlite::Connection::open(&filled.db)?;
        let count: i64 = db.query_row("SELECT max(rowid) FROM threads", [], |row| row.get(0))?;
        let mut script =
            format!("ATTACH '{}' AS filled;\nPRAGMA synchronous = NORMAL;\n", filled.db.display());
        for first in (1..=count).step_by(500) {
            let last = first + 499;
            script += &format!(
                "BEGIN IMMEDIATE; INSERT INTO main.threads SELECT * FROM filled.threads \
                 WHERE rowid BETWEEN {first} AND {last}; COMMIT;\n"
            );
        }
        Ok(script)
    };
    let file = lab.scratch().join("insert.sql");
    let written = script().and_then(|script| Ok(fs::write(&file, script)?));
    written.map_err(|error| format!("{error:#}"))?;
    let db = lab.scratch().join("insert").join("state_5.sqlite");
    let read = format!(".read {}", file.to_string_lossy());
    let shell = Invocation::new("sqlite3", [db.to_string_lossy().into_owned(), read]);
    let rows = Expect::Rows(filled.spec.files());
    Ok(Invocation { fresh: Some(Fresh::empty(db)), ..shell }.expect(rows))
}

/// Deletes the rows whose file is gone, in one statement.
pub(crate) fn delete(lab: &Lab<'_>, site: &Site, template: String, n_left: Expect) -> Yardstick {
    needs(&["sqlite3"])?;
    let mut paths = String::new();
    for root in roots(site) {
        for entry in walkdir::WalkDir::new(root) {
            let entry = entry.map_err(|error| error.to_string())?;
            if entry.file_type().is_file() {
                paths += &format!("INSERT INTO here VALUES ('{}');\n", entry.path().display());
            }
        }
    }
    let file = lab.scratch().join("delete.sql");
    let script = format!(
        "PRAGMA synchronous = NORMAL; CREATE TEMP TABLE here (path TEXT PRIMARY KEY) WITHOUT ROWID; BEGIN;\n{paths}\
         COMMIT; DELETE FROM threads WHERE rollout_path NOT IN (SELECT path FROM here);\n"
    );
    fs::write(&file, script).map_err(|error| error.to_string())?;
    let db = lab.scratch().join("delete").join("state_5.sqlite");
    let read = format!(".read {}", file.to_string_lossy());
    let shell = Invocation::new("sqlite3", [db.to_string_lossy().into_owned(), read]);
    let fresh = Fresh { database: db, template: Some(template.into()) };
    Ok(Invocation { fresh: Some(fresh), ..shell }.expect(n_left))
}

/// Decompresses every rollout, two at a time.
pub(crate) fn zstd(lab: &Lab<'_>, site: &Site) -> Yardstick {
    needs(&["xargs", "zstd"])?;
    let list = lab.scratch().join("rollouts");
    write_paths(&list, site).map_err(|error| format!("{error:#}"))?;
    // So many files at once that starting zstd costs nothing, and so few that both processes are busy to the end.
    let list = list.to_string_lossy().into_owned();
    Ok(Invocation::new("xargs", ["-0", "-P2", "-n", "25", "-a", &list, "zstd", "-dcq"]))
}

fn write_paths(list: &Path, site: &Site) -> Result<()> {
    let mut out = BufWriter::new(File::create(list)?);
    for root in roots(site) {
        for entry in walkdir::WalkDir::new(root) {
            let entry = entry?;
            if entry.file_type().is_file() {
                out.write_all(entry.path().as_os_str().as_encoded_bytes())?;
                out.write_all(b"\0")?;
            }
        }
    }
    Ok(out.flush()?)
}

/// Returns how many steps SQLite's virtual machine takes for `sql`, or `None` if the SQLite shell does not count
/// them.
///
/// They are the steps of the reference query, not of our program: what `list -n 20` costs if it asks in the same way.
/// If the count grows with the table, the schema's indexes no longer serve the listing.
pub(crate) fn vm_steps(lab: &Lab<'_>, site: &Site, sql: &str) -> Option<u64> {
    needs(&["sqlite3"]).ok()?;
    let out = lab.scratch().join("steps");
    let redirect = format!(".output {}", out.to_string_lossy());
    let db = site.db.to_string_lossy().into_owned();
    let shell = Invocation::new("sqlite3", ["-cmd", ".stats vmstep", "-cmd", &redirect, &db, sql]);
    shell.run(lab.scratch()).ok()?;
    let text = fs::read_to_string(out).ok()?;
    text.lines().rev().find_map(|line| line.strip_prefix("VM-steps:")?.trim().parse().ok())
}

fn with_roots(program: &str, before: &[&str], site: &Site, after: &[&str]) -> Invocation {
    let mut invocation = Invocation::new(program, before.iter().copied());
    invocation.args.extend(roots(site).map(Into::into));
    invocation.args.extend(after.iter().map(Into::into));
    invocation
}

fn roots(site: &Site) -> impl Iterator<Item = std::path::PathBuf> {
    ["sessions", "archived_sessions"].into_iter().map(|folder| site.home.join(folder))
}

fn needs(programs: &[&str]) -> Result<(), String> {
    match programs.iter().find(|program| version(**program).is_none()) {
        Some(missing) => Err(format!("{missing} is not installed")),
        None => Ok(()),
    }
}
