//! Holds what the rows share: the program, the homes and their databases. Each is made once, when a row first needs
//! it.

use super::args::Args;
use super::child::{Expect, Fresh, Invocation, expect_rows};
use super::homes::{self, Spec};
use super::pages;
use anyhow::{Context as _, Result, ensure};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The number of threads in a home of 11 GB that users reported.
const HUGE_THREADS: usize = 150_000;
const HUGE_MEAN: u64 = 11_000_000_000 / HUGE_THREADS as u64;
const GIANT_LINE: u64 = 1 << 30;
const SMALL_THREADS: usize = 20;

/// The program, the homes and the databases that rows measure.
pub(crate) struct Lab<'a> {
    program: PathBuf,
    args: &'a Args,
    scratch: TempDir,
    filled: HashMap<String, PathBuf>,
    /// The homes whose pages are in a defined state. How pages came into the cache changes the cost of reading them.
    settled: RefCell<HashSet<PathBuf>>,
}

/// A home and a database for it.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The parameters of the home.
    pub(crate) spec: Spec,
    /// The folder of the home.
    pub(crate) home: PathBuf,
    /// The database, filled or empty.
    pub(crate) db: PathBuf,
    /// The size of the home, for people.
    pub(crate) about: String,
}

impl<'a> Lab<'a> {
    /// Makes a lab for `program`. Its databases are on the disk of the homes, because a temporary folder may be in
    /// memory.
    pub(crate) fn new(args: &'a Args, program: PathBuf) -> Result<Self> {
        fs::create_dir_all(&args.homes).with_context(|| format!("cannot create {}", args.homes.display()))?;
        let scratch = tempfile::Builder::new().prefix("scratch-").tempdir_in(&args.homes)?;
        Ok(Self { program, args, scratch, filled: HashMap::new(), settled: RefCell::default() })
    }

    /// Returns a folder for the output of runs.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Returns the parameters of usual rollouts, `times` as many as the arguments ask for.
    pub(crate) fn usual(&self, times: usize) -> Spec {
        Spec { seed: self.args.seed, ..Spec::new(self.args.threads * times, self.args.mean_kib << 10) }
    }

    /// Returns the parameters of tiny rollouts: the number that the arguments ask for, divided by `part`.
    pub(crate) fn tiny(&self, part: usize) -> Spec {
        Spec { seed: self.args.seed, ..Spec::tiny(self.args.tiny_threads / part) }
    }

    /// Returns the parameters of a home so small that only the start of the process takes time.
    pub(crate) fn small(&self) -> Spec {
        Spec { seed: self.args.seed, ..Spec::tiny(SMALL_THREADS) }
    }

    /// Returns the parameters of the home with 150,000 threads in 11 GB.
    pub(crate) fn huge(&self) -> Spec {
        Spec { seed: self.args.seed, ..Spec::new(HUGE_THREADS, HUGE_MEAN) }
    }

    /// Returns the parameters of a home with a single rollout of 5 GB.
    pub(crate) fn one_file(&self) -> Spec {
        Spec { seed: self.args.seed, ..Spec::new(1, 5_000_000_000) }
    }

    /// Returns the parameters of a home with few rollouts, one of which has a line of 1 GiB.
    pub(crate) fn giant(&self) -> Spec {
        Spec { seed: self.args.seed, giant_line: GIANT_LINE, ..Spec::new(SMALL_THREADS, 20 << 10) }
    }

    /// Returns a home with a database that an empty one replaces before each run.
    pub(crate) fn fresh(&self, spec: Spec) -> Result<Site> {
        let home = self.args.homes.join(spec.name());
        if !home.exists() {
            eprintln!("making the home {}", spec.name());
        }
        let size = homes::make(&home, &spec)?;
        if self.settled.borrow_mut().insert(home.clone()) {
            pages::drop_and_read(&home)?;
        }
        let about = format!("{} threads, {}", grouped(size.files), bytes(size.bytes));
        let db = self.scratch().join(format!("fresh-{}", spec.name())).join("state_5.sqlite");
        Ok(Site { spec, home, db, about })
    }

    /// Returns a home with a database that holds its threads.
    pub(crate) fn filled(&mut self, spec: Spec) -> Result<Site> {
        let site = self.fresh(spec)?;
        let key = spec.name();
        if let Some(db) = self.filled.get(&key) {
            return Ok(Site { db: db.clone(), ..site });
        }
        let db = self.scratch().join(format!("filled-{key}")).join("state_5.sqlite");
        let site = Site { db, ..site };
        Fresh::empty(site.db.clone()).lay()?;
        let filled = self
            .ours(&site, ["backfill"])
            .run(self.scratch())
            .and_then(|_| expect_rows(&site.db, spec.files()));
        filled.context("cannot fill the database")?;
        self.filled.insert(key, site.db.clone());
        Ok(site)
    }

    /// Returns a run of our program on a home and its database.
    pub(crate) fn ours<I: Into<OsString>>(
        &self,
        site: &Site,
        args: impl IntoIterator<Item = I>,
    ) -> Invocation {
        let mut all =
            vec!["--codex-home".into(), site.home.clone().into(), "--db".into(), site.db.clone().into()];
        all.extend(args.into_iter().map(Into::into));
        Invocation::new(&self.program, all)
    }

    /// Returns our program's backfill of an empty database.
    pub(crate) fn backfill_fresh(&self, spec: Spec) -> Result<(Site, Invocation)> {
        let site = self.fresh(spec)?;
        let ours = self.ours(&site, ["backfill"]).expect(Expect::Rows(spec.files()));
        Ok((site.clone(), Invocation { fresh: Some(Fresh::empty(site.db)), ..ours }))
    }

    /// Returns the home of `spec` with only every seventh file, its database that still has all rows, our prune of
    /// it, and the same deletion in SQL.
    pub(crate) fn prune(&mut self, spec: Spec) -> Result<(Site, Invocation, String)> {
        let full = self.filled(spec)?;
        let home = self.scratch().join("pruned-home");
        let n_kept = spec.files() as u64 / 7;
        let template = self.scratch().join("to-prune.sqlite");
        // Several rows prune the same database.
        if !template.exists() {
            link_each(&full.home, &home, 7)?;
            rusqlite::Connection::open(&full.db)?.execute("VACUUM INTO ?1", [template.to_string_lossy()])?;
            let db = rusqlite::Connection::open(&template)?;
            let [from, to] = [&full.home, &home].map(|home| home.to_string_lossy().into_owned());
            db.execute("UPDATE threads SET rollout_path = replace(rollout_path, ?1, ?2)", [from, to])?;
            db.execute_batch("PRAGMA journal_mode = DELETE")?;
        }
        let site = Site {
            home,
            db: self.scratch().join("prune").join("state_5.sqlite"),
            about: format!("{} rows, {} files", grouped(spec.files() as u64), grouped(n_kept)),
            ..full
        };
        let fresh = Fresh { database: site.db.clone(), template: Some(template.clone()) };
        let ours = self.ours(&site, ["prune", "--yes", "--all-missing", "--no-backup"]);
        let ours = Invocation { fresh: Some(fresh), ..ours }.expect(Expect::Rows(n_kept as usize));
        Ok((site, ours, template.to_string_lossy().into_owned()))
    }

    /// Returns the home of `spec` in which the session index names `n_names` threads: first those of the home.
    pub(crate) fn named(&self, spec: Spec, n_names: usize) -> Result<Site> {
        let full = self.fresh(spec)?;
        let folder = self.scratch().join(format!("named-{}-{n_names}", spec.name()));
        let site = Site {
            home: folder.join("home"),
            db: folder.join("database").join("state_5.sqlite"),
            about: format!("{} names, {}", grouped(n_names as u64), full.about),
            ..full
        };
        if !site.home.exists() {
            link_each(&full.home, &site.home, 1)?;
            homes::write_index(&site.home, &spec, n_names)?;
        }
        Ok(site)
    }

    /// Returns a file with the ids of all threads of a database.
    pub(crate) fn ids(&self, site: &Site) -> Result<PathBuf> {
        let file = self.scratch().join("ids");
        let db = rusqlite::Connection::open(&site.db)?;
        let mut statement = db.prepare("SELECT id FROM threads")?;
        let ids: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        fs::write(&file, ids.join("\n"))?;
        Ok(file)
    }

    /// Returns a home with a database of a million rows or more, most of which have no rollout.
    pub(crate) fn million(&mut self, spec: Spec) -> Result<Site> {
        const ROWS: usize = 1_000_000;
        let filled = self.filled(spec)?;
        let folder = self.scratch().join("million");
        fs::create_dir_all(&folder)?;
        let site = Site { db: folder.join("state_5.sqlite"), ..filled.clone() };
        fs::copy(&filled.db, &site.db)?;
        let db = rusqlite::Connection::open(&site.db)?;
        db.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TEMP TABLE more AS SELECT * FROM threads")?;
        let copies = ROWS.div_ceil(spec.files().max(1));
        for copy in 1..copies.min(0xff) {
            // The last two digits of the id are replaced in the id and in the path.
            let sql = format!(
                "UPDATE temp.more SET rollout_path = replace(rollout_path, id, substr(id, 1, 34) || '{copy:02x}'), \
                 id = substr(id, 1, 34) || '{copy:02x}'; INSERT OR IGNORE INTO main.threads SELECT * FROM temp.more"
            );
            db.execute_batch(&sql)?;
        }
        let n: i64 = db.query_row("SELECT count(*) FROM threads", [], |row| row.get(0))?;
        Ok(Site { about: format!("{} rows, {}", grouped(n.unsigned_abs()), filled.about), ..site })
    }

    /// Returns our program's rebuild of a file that is not a database.
    pub(crate) fn rebuild_garbage(&self, spec: Spec) -> Result<(Site, Invocation)> {
        let (site, ours) = self.backfill_fresh(spec)?;
        let old = self.scratch().join("garbage");
        fs::write(&old, "no database")?;
        let args = self.ours(&site, ["rebuild"]).args;
        let fresh = Fresh { database: site.db.clone(), template: Some(old) };
        Ok((site, Invocation { args, fresh: Some(fresh), ..ours }))
    }

    /// Returns our program's rebuild of a database of all threads in which a page of an index is destroyed.
    pub(crate) fn rebuild_damaged(&mut self, spec: Spec) -> Result<(Site, Invocation)> {
        let filled = self.filled(spec)?;
        let old = self.scratch().join(format!("damaged-{}", spec.name()));
        fs::copy(&filled.db, &old)?;
        destroy_page(&old)?;
        let (site, ours) = self.rebuild_garbage(spec)?;
        let fresh = Fresh { database: site.db.clone(), template: Some(old) };
        Ok((site, Invocation { fresh: Some(fresh), ..ours }))
    }

    /// Returns the columns that our listing prints by default. The yardstick's query asks for the same.
    pub(crate) fn listed_columns(&self, site: &Site) -> Result<String> {
        let ours = self.ours(site, ["list", "-n", "1", "--format", "tsv"]);
        let output = Command::new(&ours.program).args(&ours.args).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let db = rusqlite::Connection::open(&site.db)?;
        let mut names = Vec::new();
        for name in text.lines().next().unwrap_or_default().split('\t') {
            let known = "SELECT count(*) FROM pragma_table_info('threads') WHERE name = ?1";
            if db.query_row(known, [name], |row| row.get::<_, bool>(0))? {
                names.push(name);
            }
        }
        ensure!(
            !names.is_empty(),
            "list printed no header: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(names.join(", "))
    }

    /// Returns the id of a thread in the middle of a home.
    pub(crate) fn some_id(&self, spec: &Spec) -> String {
        spec.thread(spec.threads / 2).id
    }
}

/// Makes a home of every `n`-th rollout of another home, with links to its files.
fn link_each(from: &Path, to: &Path, n: u64) -> Result<()> {
    let mut n_files = 0_u64;
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry?;
        let to = to.join(entry.path().strip_prefix(from)?);
        let name = entry.file_name().to_string_lossy();
        if entry.file_type().is_dir() {
            fs::create_dir_all(&to)?;
        } else if name.starts_with("rollout-") {
            n_files += 1;
            if n_files.is_multiple_of(n) && fs::hard_link(entry.path(), &to).is_err() {
                fs::copy(entry.path(), &to)?;
            }
        }
    }
    Ok(())
}

/// Overwrites a page of an index of a database.
fn destroy_page(database: &Path) -> Result<()> {
    let connection = rusqlite::Connection::open(database)?;
    let sql =
        "SELECT pageno, pgsize FROM dbstat WHERE name = 'idx_threads_source' AND pagetype = 'leaf' LIMIT 1";
    let (page, size) =
        connection.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    connection.close().map_err(|(_, error)| error)?;
    let mut file = fs::File::options().write(true).open(database)?;
    file.seek(SeekFrom::Start((page - 1).unsigned_abs() * size.unsigned_abs()))?;
    Ok(file.write_all(&[0xa5; 512])?)
}

/// Formats a number as `12,345`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Formats a size in kB, MB or GB.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
