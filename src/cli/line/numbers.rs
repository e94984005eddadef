//! Parses numbers on the command line, with messages for invalid ones.

use std::num::NonZero;
use std::time::Duration;

/// Parses a time to wait, in seconds.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let timeout = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let timeout = timeout.ok_or_else(|| "expected a number of seconds, such as 5 or 0.5".to_owned())?;
    // SQLite counts milliseconds in 32 bits: some weeks.
    Ok(timeout.min(Duration::from_millis(i32::MAX.unsigned_abs().into())))
}

/// The long help of `--jobs`.
pub(super) const JOBS: &str = "How many rollouts to read at once [default: one for each processor]\n\n\
    More than that help only where files are far away, as on a network disk. Memory hardly grows: each reader has a \
    buffer, and together they have as much room for results as two.";

/// Parses the number of rollouts to read at once.
pub(super) fn jobs(text: &str) -> Result<u16, String> {
    let jobs = text.parse().ok().filter(|jobs| (1..=256).contains(jobs));
    jobs.ok_or_else(|| "expected a whole number from 1 to 256".to_owned())
}

/// Parses a number of items.
pub(super) fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected a whole number, such as 20".to_owned())
}

/// Returns the number of rollouts to read at once: from `--jobs`, otherwise one for each processor.
pub(in crate::cli) fn jobs_or_processors(wanted: Option<u16>) -> usize {
    wanted.map_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get), usize::from)
}
