//! Makes synthetic Codex homes. The same seed gives the same bytes. Homes that show single rules are in the golden
//! home.

use super::pool::Pool;
use super::rng::Rng;
use super::rollout::write_rollout;
use super::thread::{Thread, stamp};
use anyhow::{Context as _, Result, bail};
use std::collections::HashSet;
use std::fs::{self, File, FileTimes};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// The version of the generator. Raise it whenever the same parameters give other bytes, so that cached homes are
/// made again.
const GENERATOR: u32 = 1;
/// The name of the file in each home that says what the home was made from, or that it is unfinished.
const STAMP: &str = ".bench-home";
const WRITERS: usize = 2;
/// No thread is longer than the mean times this.
const CAP: f64 = 64.0;
const FLOOR: f64 = 1024.0;

/// The parameters of a home.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spec {
    /// The number of threads, each with one rollout.
    pub(crate) threads: usize,
    /// The mean size of a rollout in bytes, uncompressed.
    pub(crate) mean_bytes: u64,
    /// The spread of the sizes: the deviation of their logarithms.
    pub(crate) sigma: f64,
    /// True if the rollouts are compressed.
    pub(crate) zstd: bool,
    /// The length of the line of one more thread, in bytes; 0 for no such thread.
    pub(crate) giant_line: u64,
    /// The seed of the random numbers.
    pub(crate) seed: u64,
}

/// The size of a finished home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// The number of rollout files.
    pub(crate) files: u64,
    /// Their size on disk in bytes.
    pub(crate) bytes: u64,
}

impl Spec {
    /// Returns the parameters of plain rollouts with the usual spread of sizes.
    pub(crate) fn new(threads: usize, mean_bytes: u64) -> Self {
        Self { threads, mean_bytes, sigma: 1.2, zstd: false, giant_line: 0, seed: 1 }
    }

    /// Returns the parameters of threads with one message and one answer, for measurements of their number alone.
    pub(crate) fn tiny(threads: usize) -> Self {
        Self { sigma: 0.2, ..Self::new(threads, 1536) }
    }

    /// Returns a folder name that is different for each kind of home.
    pub(crate) fn name(&self) -> String {
        let zstd = if self.zstd { "-zst" } else { "" };
        let giant = if self.giant_line > 0 { format!("-line{}", self.giant_line) } else { String::new() };
        let Self { threads, mean_bytes, seed, .. } = self;
        format!("t{threads}-b{mean_bytes}{zstd}{giant}-s{seed}")
    }

    /// Returns the number of rollouts, including the giant one.
    pub(crate) fn files(&self) -> usize {
        self.threads + usize::from(self.giant_line > 0)
    }

    /// Returns the thread with the number `index`.
    pub(crate) fn thread(&self, index: usize) -> Thread {
        Thread::new(self.seed, index, self.files())
    }

    /// Returns the wanted size of each thread. Their sum is as asked, however large the few largest are.
    fn sizes(&self) -> Vec<u64> {
        let mean = self.mean_bytes as f64;
        let mut rng = Rng::new(self.seed, u64::MAX - 1);
        let mut sizes: Vec<f64> = (0..self.threads).map(|_| rng.log_normal(mean, self.sigma)).collect();
        // The cap and the floor change the sum that scaling set: a few rounds settle it.
        for _ in 0..6 {
            let scale = mean * self.threads as f64 / sizes.iter().sum::<f64>();
            sizes.iter_mut().for_each(|size| *size = (*size * scale).clamp(FLOOR, mean.max(FLOOR) * CAP));
        }
        let giant = (self.giant_line > 0).then_some(self.mean_bytes);
        sizes.into_iter().map(|size| size as u64).chain(giant).collect()
    }

    fn stamp(&self, size: Size) -> String {
        format!("generator {GENERATOR}\n{self:?}\nfiles {}\nbytes {}\n", size.files, size.bytes)
    }
}

/// Makes the home `dir`, unless one made from the same parameters is there. Replaces another home made here, but no
/// other folder.
pub(crate) fn make(dir: &Path, spec: &Spec) -> Result<Size> {
    if let Some(size) = made(dir, spec) {
        return Ok(size);
    }
    if dir.exists() {
        let empty =
            fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?.next().is_none();
        if !empty && !dir.join(STAMP).is_file() {
            bail!("{} is not empty and was not made by this benchmark", dir.display());
        }
        fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    // Written first, so that what an interrupted run leaves is recognised as made here.
    fs::write(dir.join(STAMP), "unfinished\n")?;
    let bytes = write_all(dir, spec)?;
    write_names(dir, spec)?;
    let size = Size { files: spec.files() as u64, bytes };
    fs::write(dir.join(STAMP), spec.stamp(size))?;
    Ok(size)
}

/// Returns the size of the home in `dir` if it was made from `spec`.
fn made(dir: &Path, spec: &Spec) -> Option<Size> {
    let stamp = fs::read_to_string(dir.join(STAMP)).ok()?;
    let number = |key: &str| stamp.lines().find_map(|line| line.strip_prefix(key)?.parse().ok());
    let size = Size { files: number("files ")?, bytes: number("bytes ")? };
    (stamp == spec.stamp(size)).then_some(size)
}

/// Writes the rollouts on two threads. Returns their size on disk in bytes.
fn write_all(dir: &Path, spec: &Spec) -> Result<u64> {
    let sizes = spec.sizes();
    let pool = Pool::new(spec.seed, sizes.iter().sum::<u64>() + spec.giant_line);
    for folder in ["sessions", "archived_sessions"] {
        fs::create_dir_all(dir.join(folder))?;
    }
    let next = AtomicUsize::new(0);
    let bytes = AtomicU64::new(0);
    let work = || -> Result<()> {
        let mut folders = HashSet::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(&target) = sizes.get(index) else { return Ok(()) };
            let giant = if index == spec.threads { spec.giant_line } else { 0 };
            let thread = spec.thread(index);
            let path = dir.join(thread.rollout_path());
            if let Some(parent) = path.parent()
                && folders.insert(parent.to_owned())
            {
                fs::create_dir_all(parent)?;
            }
            let written = write_file(&path, spec.zstd, &thread, &pool, target, giant)
                .with_context(|| format!("cannot write {}", path.display()))?;
            bytes.fetch_add(written, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(work)).collect();
        for writer in writers {
            writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??;
        }
        Ok(bytes.load(Ordering::Relaxed))
    })
}

/// Writes one rollout and sets its mtime to the time of its last line, as if that had just been appended.
fn write_file(path: &Path, zstd: bool, thread: &Thread, pool: &Pool, target: u64, giant: u64) -> Result<u64> {
    let mut full = PathBuf::from(path);
    if zstd {
        full.as_mut_os_string().push(".zst");
    }
    let mut out = BufWriter::with_capacity(64 << 10, File::create(&full)?);
    let ended_ms = if zstd {
        let mut encoder = zstd::Encoder::new(&mut out, 3)?;
        let ended = write_rollout(&mut encoder, thread, pool, target, giant)?;
        encoder.finish()?;
        ended
    } else {
        write_rollout(&mut out, thread, pool, target, giant)?
    };
    out.flush()?;
    let file = out.into_inner().map_err(|error| error.into_error())?;
    let mtime = UNIX_EPOCH + Duration::from_millis(ended_ms as u64) + Duration::from_micros(314);
    file.set_times(FileTimes::new().set_modified(mtime).set_accessed(mtime))?;
    Ok(file.metadata()?.len())
}

/// Writes an index in which `n` threads have a name: those of the home, and others.
pub(crate) fn write_index(dir: &Path, spec: &Spec, n: usize) -> Result<()> {
    let mut out = BufWriter::new(File::create(dir.join("session_index.jsonl"))?);
    for index in 0..n {
        let id = match index < spec.files() {
            true => spec.thread(index).id,
            false => uuid::Uuid::from_u128(index as u128).to_string(),
        };
        let at = stamp(index as i64);
        writeln!(out, r#"{{"id":"{id}","thread_name":"Name of the thread {index}","updated_at":"{at}"}}"#)?;
    }
    Ok(out.flush()?)
}

/// Writes the index of the names that users gave to some threads.
fn write_names(dir: &Path, spec: &Spec) -> Result<()> {
    let mut out = BufWriter::new(File::create(dir.join("session_index.jsonl"))?);
    for thread in (0..spec.files()).map(|index| spec.thread(index)) {
        if let Some(name) = &thread.name {
            let (id, at) = (&thread.id, stamp(thread.began_ms + 60_000));
            writeln!(out, r#"{{"id":"{id}","thread_name":"{name}","updated_at":"{at}"}}"#)?;
        }
    }
    Ok(out.flush()?)
}
