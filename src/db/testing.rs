//! Helpers of the tests of `db/`: databases, folders compared byte by byte, and another process.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use tempfile::TempDir;

use super::backup::back_up;
use super::open::{OpenOptions, Reader, Trouble};
use super::threads::{self, ThreadStatements};
use crate::thread::ThreadId;
use crate::thread::columns::Row;

/// Returns true if the failure is a database locked beyond the timeout.
pub(crate) fn is_busy(error: &anyhow::Error) -> bool {
    Trouble::of(error) == Some(Trouble::Busy)
}

/// A database that Codex itself filled in August; in WAL mode by default.
pub(crate) const FILLED: &str = "filled-2026-08.state_5.sqlite";

/// A folder with a copy of a golden database, and another for temporary files.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    temporary: TempDir,
    pub(crate) database: PathBuf,
}

impl Place {
    pub(crate) fn with(golden: &str) -> Self {
        let (folder, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let database = folder.path().join("state_5.sqlite");
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/databases");
        fs::write(&database, fs::read(fixtures.join(golden)).unwrap()).unwrap();
        Self { folder, temporary, database }
    }

    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions {
            busy_timeout: Duration::from_millis(200),
            temporary_folder: Some(self.temporary.path().to_owned()),
            ..OpenOptions::default()
        }
    }

    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        crate::home::with_suffix(&self.database, suffix)
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(&self.database).unwrap()
    }

    /// Asserts that no private copy remains.
    pub(crate) fn assert_no_leftovers(&self) {
        assert_eq!(fs::read_dir(self.temporary.path()).unwrap().count(), 0);
    }

    pub(crate) fn temporary(&self) -> &Path {
        self.temporary.path()
    }
}

/// The result of [`snapshot`].
pub(crate) type Snapshot = BTreeMap<PathBuf, (SystemTime, Option<Vec<u8>>)>;

/// Returns every file and folder below `folder` (itself included) with its mtime, and the bytes of each file.
pub(crate) fn snapshot(folder: &Path) -> Snapshot {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        all.insert(folder.clone(), (fs::metadata(&folder).unwrap().modified().unwrap(), None));
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::metadata(&path).unwrap();
            if metadata.is_dir() {
                folders.push(path);
            } else {
                // Windows lets no other process read locked bytes.
                let is_locked = cfg!(windows) && path.to_string_lossy().ends_with("-shm");
                let bytes = (!is_locked).then(|| fs::read(&path).unwrap());
                all.insert(path.clone(), (metadata.modified().unwrap(), bytes));
            }
        }
    }
    all
}

/// Asserts that two snapshots are equal. A failure names the differing files instead of printing bytes.
pub(crate) fn assert_unchanged(before: &Snapshot, after: &Snapshot) {
    let changed: Vec<_> = before
        .keys()
        .chain(after.keys())
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| {
            let part =
                |side: &Snapshot| side.get(path).map(|(time, bytes)| (*time, bytes.as_ref().map(Vec::len)));
            (path, part(before), part(after))
        })
        .collect();
    assert!(changed.is_empty(), "changed: {changed:?}");
}

/// Returns the number of threads with the title `title`.
pub(crate) fn titled(connection: &Connection, title: &str) -> i64 {
    connection.query_row("SELECT count(*) FROM threads WHERE title = ?1", [title], |row| row.get(0)).unwrap()
}

/// Reads the number of threads whose title is `title`.
pub(in crate::db) fn read_titled(reader: &mut Reader, title: &str) -> anyhow::Result<i64> {
    reader.read(|connection| -> rusqlite::Result<_> { Ok(titled(connection, title)) })
}

/// Another process (this test binary again) with its own connection to a database. SQLite's locks work between
/// processes, and only a process can be killed.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

/// The command that makes a [`Process`] start a backup to the path after it, and sleep in the middle.
pub(crate) const BACK_UP_HALF: &str = "back up ";

const HELPER: &str = "CODEX_STATE_TEST_DATABASE";

impl Process {
    pub(crate) fn on(database: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "db::testing::helper", "--nocapture", "--quiet"])
            .env(HELPER, database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut process = Self { child, stdin, stdout };
        assert_eq!(process.answer(), "ready");
        process
    }

    /// Runs SQL in that process. Returns "done" or the error.
    pub(crate) fn run(&mut self, sql: &str) -> String {
        writeln!(self.stdin.as_mut().unwrap(), "{}", sql.replace('\n', " ")).unwrap();
        self.answer()
    }

    fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.stdout.read_line(&mut line).unwrap(), 0, "the helper ended");
            // The test harness writes to the same pipe.
            if let Some((_, answer)) = line.split_once("answer: ") {
                return answer.trim().to_owned();
            }
        }
    }

    /// Kills the process, as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets the process close its connection and end.
    pub(crate) fn end(mut self) {
        drop(self.stdin.take());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other side of [`Process`]; does nothing unless a parent process started it.
#[test]
#[expect(clippy::disallowed_methods, reason = "a separate process has no other way to learn it")]
fn helper() {
    let Some(database) = std::env::var_os(HELPER) else { return };
    let connection = Connection::open(database).unwrap();
    connection.busy_timeout(Duration::from_millis(50)).unwrap();
    println!("answer: ready");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        if let Some(target) = line.strip_prefix(BACK_UP_HALF) {
            back_up(
                connection.path().unwrap().as_ref(),
                target.as_ref(),
                &OpenOptions::default(),
                &mut |_| {
                    println!("answer: half");
                    std::thread::sleep(Duration::from_secs(60));
                },
            )
            .unwrap();
        }
        match connection.execute_batch(&line) {
            Ok(()) => println!("answer: done"),
            Err(error) => println!("answer: {error}"),
        }
    }
}

/// Returns the rows of all threads, by id.
pub(crate) fn all_rows(connection: &Connection, table: &ThreadStatements) -> Vec<Row> {
    let ids: Vec<ThreadId> = threads::all_ids(connection).unwrap().into_iter().collect();
    table.get_many(connection, &ids).unwrap().into_iter().flatten().collect()
}
