//! Runs one command and measures its time or its memory; `measure` decides which commands run and how often.

use anyhow::{Context as _, Result, bail};
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// An empty database as Codex makes it.
const EMPTY_DATABASE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/golden/databases/empty-2026-08.state_5.sqlite");

/// A command to measure.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    /// The program.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) args: Vec<OsString>,
    /// The database that is replaced before each run, outside the measured time.
    pub(crate) fresh: Option<Fresh>,
    /// The result that a run must have. This finds commands that are fast because they do nothing.
    pub(crate) expect: Expect,
    /// The file that it reads from standard input.
    pub(crate) stdin: Option<PathBuf>,
    /// The file that it makes, which must not exist before.
    pub(crate) absent: Option<PathBuf>,
}

/// A database that is in the same state before each run.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    /// The database. Its folder contains nothing else.
    pub(crate) database: PathBuf,
    /// The database of which it is a copy; `None` for an empty one.
    pub(crate) template: Option<PathBuf>,
}

/// The time that a run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    /// The time from spawn to exit.
    pub(crate) wall: Duration,
    /// The time of all processors, if the system reports it.
    pub(crate) cpu: Option<Duration>,
}

/// The evidence that a command did its work. It is checked once, after the warm-up run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expect {
    /// The exit status is enough.
    Success,
    /// Stdout has at least this many lines.
    Lines(usize),
    /// The fresh database has this many rows.
    Rows(usize),
    /// The exit status 1 is as good as 0: a verify that finds drift.
    Drift,
}

impl Invocation {
    /// Returns a command whose exit status is evidence enough.
    pub(crate) fn new(
        program: impl Into<PathBuf>,
        args: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self {
            program: program.into(),
            args,
            fresh: None,
            expect: Expect::Success,
            stdin: None,
            absent: None,
        }
    }

    /// Sets the result that a run must have.
    pub(crate) fn expect(self, expect: Expect) -> Self {
        Self { expect, ..self }
    }

    /// Returns the names of the program and its arguments, without folders.
    fn shown(&self) -> String {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let args = self.args.iter().map(|arg| name(Path::new(arg)));
        [name(&self.program)].into_iter().chain(args).collect::<Vec<_>>().join(" ")
    }

    /// Runs once unmeasured, so that the next runs find everything in the page cache, and checks what the run did.
    pub(crate) fn warm_up(&self, scratch: &Path) -> Result<()> {
        let stdout = scratch.join("stdout");
        self.prepare()?;
        let status = self.command(scratch)?.stdout(File::create(&stdout)?).status();
        self.check(status, scratch)?;
        match self.expect {
            Expect::Success | Expect::Drift => {}
            Expect::Lines(wanted) => {
                let found = fs::read(&stdout)?.iter().filter(|&&byte| byte == b'\n').count();
                if found < wanted {
                    bail!("{} printed {found} lines instead of {wanted}", self.shown());
                }
            }
            Expect::Rows(wanted) => {
                if let Some(fresh) = &self.fresh {
                    expect_rows(&fresh.database, wanted)?;
                }
            }
        }
        Ok(())
    }

    /// Runs once and measures the time.
    pub(crate) fn run(&self, scratch: &Path) -> Result<Took> {
        self.prepare()?;
        let mut command = self.command(scratch)?;
        let cpu_before = cpu_of_children();
        let started = Instant::now();
        let status = command.status();
        let wall = started.elapsed();
        self.check(status, scratch)?;
        let cpu = cpu_of_children().zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
        Ok(Took { wall, cpu })
    }

    /// Measures the peak of memory in KiB, or returns `None` if the system does not report it.
    pub(crate) fn peak_kib(&self, scratch: &Path) -> Result<Option<u64>> {
        self.prepare()?;
        if !gnu_time() {
            return self.polled_peak(scratch);
        }
        let report = scratch.join("peak");
        // GNU time asks the kernel: it misses nothing and does not slow the child down.
        let mut timed = Self::new("time", ["-f", "%M", "-o"]);
        timed.args.push(report.clone().into());
        timed.args.push(self.program.clone().into());
        timed.args.extend(self.args.iter().cloned());
        timed.stdin.clone_from(&self.stdin);
        let status = timed.command(scratch)?.status();
        self.check(status, scratch)?;
        Ok(fs::read_to_string(report)?.lines().last().and_then(|line| line.trim().parse().ok()))
    }

    /// Does the same as [`Self::peak_kib`] without GNU time. Linux reports the peak only while the process lives, so
    /// memory that is taken in the last millisecond is missed.
    fn polled_peak(&self, scratch: &Path) -> Result<Option<u64>> {
        let mut child = self.command(scratch)?.spawn().with_context(|| self.shown())?;
        let status_file = PathBuf::from(format!("/proc/{}/status", child.id()));
        let mut peak = None;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            let text = fs::read_to_string(&status_file).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
            peak = peak.max(kib);
            std::thread::sleep(Duration::from_millis(1));
        };
        self.check(Ok(status), scratch)?;
        Ok(peak)
    }

    fn command(&self, scratch: &Path) -> Result<Command> {
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::null()).stdout(Stdio::null());
        if let Some(file) = &self.stdin {
            command.stdin(File::open(file)?);
        }
        command.stderr(File::create(scratch.join("stderr"))?);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CODEX_") {
                command.env_remove(name);
            }
        }
        Ok(command)
    }

    fn prepare(&self) -> Result<()> {
        if let Some(absent) = self.absent.as_ref().filter(|absent| absent.exists()) {
            fs::remove_file(absent)?;
        }
        self.fresh.as_ref().map_or(Ok(()), Fresh::lay)
    }

    fn check(&self, status: std::io::Result<ExitStatus>, scratch: &Path) -> Result<()> {
        let status = status.with_context(|| format!("cannot run {}", self.shown()))?;
        if status.success() || (matches!(self.expect, Expect::Drift) && status.code() == Some(1)) {
            return Ok(());
        }
        let stderr = fs::read(scratch.join("stderr"))?;
        let stderr = String::from_utf8_lossy(&stderr[..stderr.len().min(2000)]).trim().to_owned();
        bail!("{} ended with {status}: {stderr}", self.shown())
    }
}

impl Fresh {
    /// Returns an empty database.
    pub(crate) fn empty(database: PathBuf) -> Self {
        Self { database, template: None }
    }

    /// Writes the database anew into an empty folder. Backups and SQLite's own files go there too.
    pub(crate) fn lay(&self) -> Result<()> {
        let folder = self.database.parent().context("a database lies in a folder")?;
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let template = self.template.as_deref().unwrap_or(Path::new(EMPTY_DATABASE));
        // `fs::copy` would copy the permissions of a read-only checkout too.
        let bytes = fs::read(template).with_context(|| format!("cannot read {}", template.display()))?;
        Ok(fs::write(&self.database, bytes)?)
    }
}

/// Returns the processor time of all processes that have ended. The kernel counts in nanoseconds and reports
/// hundredths of a second, so a sum over several runs is exact enough.
fn cpu_of_children() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = fields.get(13)?.parse::<u64>().ok()? + fields.get(14)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// Fails unless the database has exactly `wanted` threads.
pub(crate) fn expect_rows(database: &Path, wanted: usize) -> Result<()> {
    let db = rusqlite::Connection::open(database)?;
    let found: i64 = db.query_row("SELECT count(*) FROM threads", [], |row| row.get(0))?;
    if found != wanted as i64 {
        bail!("the database holds {found} threads instead of {wanted}");
    }
    Ok(())
}

/// Returns the first line of `program --version`, or `None` if the program cannot be run.
pub(crate) fn version(program: impl Into<PathBuf>) -> Option<String> {
    let output = Command::new(program.into()).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Some(String::from_utf8_lossy(&text).lines().next().unwrap_or_default().trim().to_owned())
}

fn gnu_time() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| version("time").is_some_and(|version| version.contains("GNU")))
}
