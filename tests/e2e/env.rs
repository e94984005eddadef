//! Provides a hermetic environment for the program: a user folder, variables, a clock and a width that do not depend
//! on the machine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::golden;
use crate::outcome::Outcome;
use crate::table::{self, Row, Rows};
use crate::tree::Tree;

/// The time that the program takes as now, unless a test sets another: later than every rollout in the tests.
pub(crate) const NOW: &str = "2026-09-01T12:00:00Z";
/// The same in epoch seconds.
pub(crate) const NOW_SECONDS: i64 = 1_788_264_000;

/// The id of a user that owns nothing.
#[cfg(unix)]
const UNPRIVILEGED: u32 = 65534;

/// A user folder with a Codex home in it, and a program that sees nothing else.
pub(crate) struct Env {
    /// Removes everything when dropped.
    _keep: TempDir,
    /// The canonical path of the folder, so that paths in rows are spelled as the test spells them.
    root: PathBuf,
    /// True if the program must run as a user for whom permissions hold.
    #[cfg(unix)]
    obeys: std::sync::atomic::AtomicBool,
}

impl Env {
    /// Makes an empty Codex home at the default place.
    pub(crate) fn new() -> Env {
        let keep = tempfile::Builder::new().prefix("codex-state-e2e-").tempdir().unwrap();
        let root =
            if cfg!(windows) { keep.path().to_owned() } else { fs::canonicalize(keep.path()).unwrap() };
        #[cfg(unix)]
        let env = Env { _keep: keep, root, obeys: std::sync::atomic::AtomicBool::new(false) };
        #[cfg(not(unix))]
        let env = Env { _keep: keep, root };
        for folder in [env.home(), env.root.join("tmp"), env.root.join("cwd")] {
            fs::create_dir_all(folder).unwrap();
        }
        env
    }

    /// Makes a copy of the golden home with its times, and of the named golden database in it.
    pub(crate) fn golden(database: &str) -> Env {
        let env = Env::new();
        env.golden_home();
        env.database(database);
        env
    }

    /// Returns the Codex home. It is the default one, so the program needs no option or variable to find it.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("user").join(".codex")
    }

    /// Returns a path in the test's folder, outside the Codex home.
    pub(crate) fn outside(&self, relative: &str) -> PathBuf {
        let path = self.root.join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// Returns the absolute path of something in the home, as a row has it.
    pub(crate) fn path(&self, relative: &str) -> String {
        let mut path = self.home();
        path.extend(relative.split('/'));
        path.to_str().unwrap().to_owned()
    }

    /// Copies the golden home into the Codex home and sets the times that its manifest names.
    pub(crate) fn golden_home(&self) {
        golden::copy_home(&self.home());
    }

    /// Copies a golden database, such as `empty-2026-08`, into the home under the name that Codex uses.
    pub(crate) fn database(&self, name: &str) -> PathBuf {
        let source = golden::database(name);
        let file = source.file_name().unwrap().to_str().unwrap();
        let right_name = file.strip_prefix(name).unwrap().strip_prefix('.').unwrap();
        let target = self.home().join(right_name);
        fs::write(&target, fs::read(&source).unwrap()).unwrap();
        target
    }

    /// Returns the database in the home that the program would choose.
    pub(crate) fn db(&self) -> PathBuf {
        let numbered = self.home().join("state_5.sqlite");
        if numbered.exists() { numbered } else { self.home().join("state.sqlite") }
    }

    /// Changes the database as a user with the `sqlite3` shell would. No `-wal` remains.
    #[track_caller]
    pub(crate) fn sql(&self, statements: &str) {
        let connection = Connection::open(self.db()).unwrap();
        connection.execute_batch(statements).unwrap_or_else(|error| panic!("{error}: {statements}"));
        connection.close().unwrap();
    }

    /// Returns the `threads` table by id, read from a private copy, so that reading changes nothing.
    #[track_caller]
    pub(crate) fn rows(&self) -> Rows {
        table::threads(&self.db())
    }

    /// Returns one row of the `threads` table.
    #[track_caller]
    pub(crate) fn row(&self, id: &str) -> Row {
        let rows = self.rows();
        rows.get(id).cloned().unwrap_or_else(|| panic!("no row for {id} among {:?}", rows.keys()))
    }

    /// Returns the rows of a query in its order, read from a private copy.
    #[track_caller]
    pub(crate) fn query(&self, sql: &str) -> Vec<Row> {
        table::query(&self.db(), sql)
    }

    /// Reads every file in the user's folder, so that a test can prove that a command changed nothing.
    pub(crate) fn tree(&self) -> Tree {
        Tree::of(&self.root.join("user"))
    }

    /// Writes a file of the home.
    pub(crate) fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = PathBuf::from(self.path(relative));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs the program until it ends.
    pub(crate) fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Outcome {
        self.finish(self.command(args))
    }

    /// Runs the program at another time of day.
    pub(crate) fn run_at<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, now: &str, args: I) -> Outcome {
        let mut command = self.command(args);
        command.env("CODEX_STATE_NOW", now);
        self.finish(command)
    }

    /// Runs a prepared command until it ends.
    pub(crate) fn finish(&self, mut command: Command) -> Outcome {
        let output = command.output().unwrap();
        Outcome::new(&self.root, &command, output)
    }

    /// Prepares a run of the program in this environment alone.
    pub(crate) fn command<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codex-state"));
        command.args(args).env_clear().current_dir(self.root.join("cwd")).stdin(Stdio::null());
        for name in if cfg!(windows) { &["SystemRoot"][..] } else { &["PATH"] } {
            #[expect(clippy::disallowed_methods, reason = "what the system itself needs to start a program")]
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let temporary = self.root.join("tmp");
        command
            .env("HOME", self.root.join("user"))
            .env("USERPROFILE", self.root.join("user"))
            .env("TMPDIR", &temporary)
            .env("TMP", &temporary)
            .env("TEMP", &temporary)
            .env("TZ", "UTC")
            .env("COLUMNS", "120")
            .env("CODEX_STATE_NOW", NOW);
        #[cfg(unix)]
        if self.obeys.load(std::sync::atomic::Ordering::Relaxed) {
            self.run_without_rights(&mut command);
        }
        command
    }

    /// Runs the program through a line of shell, in which `"$@"` is its command line.
    #[cfg(unix)]
    pub(crate) fn shell<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, line: &str, args: I) -> Outcome {
        let run = self.command(args);
        let mut command = Command::new("sh");
        command.arg("-c").arg(line).arg("sh").arg(run.get_program()).args(run.get_args()).env_clear();
        command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.root.join("cwd"));
        if self.obeys.load(std::sync::atomic::Ordering::Relaxed) {
            std::os::unix::process::CommandExt::uid(&mut command, UNPRIVILEGED);
        }
        self.finish(command)
    }

    /// Makes permissions hold for the program from here on: if root runs the tests, the program runs as another user.
    #[cfg(unix)]
    pub(crate) fn obey_permissions(&self) {
        let probe = self.outside("probe");
        fs::write(&probe, "x").unwrap();
        fs::set_permissions(&probe, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
        self.obeys.store(fs::read(&probe).is_ok(), std::sync::atomic::Ordering::Relaxed);
    }

    /// Gives all files of this test to a user without rights, and runs the program as that user.
    #[cfg(unix)]
    fn run_without_rights(&self, command: &mut Command) {
        use std::os::unix::fs::lchown;
        use std::os::unix::process::CommandExt as _;
        // That user may be unable to read the folder of the build, so the program is copied.
        let program = self.root.join("codex-state");
        if !program.exists() {
            // Another process copies it: otherwise a test beside this one that starts a program meanwhile would
            // inherit the copy open for writing, and a program that is open for writing cannot be started.
            let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_codex-state")).arg(&program).status();
            assert!(copied.unwrap().success());
        }
        for entry in walkdir::WalkDir::new(&self.root) {
            lchown(entry.unwrap().path(), Some(UNPRIVILEGED), Some(UNPRIVILEGED)).unwrap();
        }
        let mut other = Command::new(program);
        other.args(command.get_args()).env_clear().current_dir(self.root.join("cwd")).stdin(Stdio::null());
        other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        other.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        *command = other;
    }
}

/// Sets the modification time of a file.
pub(crate) fn set_mtime(path: &Path, milliseconds: i64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds.try_into().unwrap());
    fs::OpenOptions::new().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// Returns the modification time of a file in milliseconds.
pub(crate) fn mtime(path: &Path) -> i64 {
    let time = fs::metadata(path).unwrap().modified().unwrap();
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}
