//! Fault points: places where a test can kill the process as a crash would, and a simulated full disk. Without the
//! feature `fault-points` they do nothing.
//!
//! A verb calls [`point`] between any two of its steps. A test names one of the points in `CODEX_STATE_FAULT`, runs
//! the program, and examines the result of the crash. `NAME` dies when the point is first passed, `NAME:3` when it is
//! passed for the third time. [`POINTS`] lists all points, so that the tests miss no step. `full:N` lets the database
//! being written grow by N pages; then SQLite finds no space, as on a full disk.

/// The environment variable that names the point.
pub const VARIABLE: &str = "CODEX_STATE_FAULT";

/// All points, in the order in which their command passes them.
pub const POINTS: &[&str] = &[
    "archive:locked",
    "archive:copied",
    "archive:renamed",
    "archive:synced",
    "archive:source-removed",
    "archive:written",
    "archive:committed",
    "unarchive:locked",
    "unarchive:copied",
    "unarchive:renamed",
    "unarchive:synced",
    "unarchive:source-removed",
    "unarchive:touched",
    "unarchive:written",
    "unarchive:committed",
    "index:appended",
    "prune:saving",
    "prune:locked",
    "prune:saved",
    "prune:deleted",
    "prune:committed",
    "relink:written",
    "relink:committed",
    "restore:checked",
    "restore:kept",
    "restore:staged",
    "restore:copying",
    "restore:copied",
    "restore:moving-aside",
    "restore:moved-aside",
    "restore:renamed",
    "rebuild:locked",
    "rebuild:built",
    "rebuild:filled",
    "rebuild:carried",
    "rebuild:checked",
    "rebuild:settled",
    "rebuild:kept",
    "rebuild:retired",
    "rebuild:cleared",
    "rebuild:renamed",
    "rebuild:removed",
];

/// Kills the process here, as a crash would, if a test requested it.
#[cfg(feature = "fault-points")]
#[expect(clippy::disallowed_methods, reason = "only tests are built so, and a verb has no way to hand it in")]
pub fn point(name: &str) {
    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex, PoisonError};

    static PASSED: LazyLock<Mutex<HashMap<String, u32>>> = LazyLock::new(Mutex::default);
    debug_assert!(POINTS.contains(&name), "{name} is not in POINTS");
    let Some(wanted) = std::env::var(VARIABLE).ok() else { return };
    let (wanted, time) = match wanted.rsplit_once(':') {
        Some((wanted, time)) if time.parse::<u32>().is_ok() => (wanted, time.parse().unwrap_or(1)),
        _ => (&*wanted, 1),
    };
    if wanted != name {
        return;
    }
    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    let times = passed.entry(name.to_owned()).or_insert(0);
    *times += 1;
    if *times == time {
        std::process::abort();
    }
}

/// Returns the number of pages by which the database may grow, if a test set one.
#[cfg(feature = "fault-points")]
#[must_use]
#[expect(clippy::disallowed_methods, reason = "only tests are built so, and a verb has no way to hand it in")]
pub fn room() -> Option<u32> {
    std::env::var(VARIABLE).ok()?.strip_prefix("full:")?.parse().ok()
}

/// Returns `None`: no limit outside test builds.
#[cfg(not(feature = "fault-points"))]
#[must_use]
#[inline]
pub fn room() -> Option<u32> {
    None
}

/// Passes the point `verb:step`, for steps that several verbs share.
#[cfg(feature = "fault-points")]
pub fn point_of(verb: &str, step: &str) {
    point(&format!("{verb}:{step}"));
}

/// Does nothing outside test builds.
#[cfg(not(feature = "fault-points"))]
#[inline]
pub fn point(_name: &str) {}

/// Does nothing outside test builds.
#[cfg(not(feature = "fault-points"))]
#[inline]
pub fn point_of(_verb: &str, _step: &str) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_named_by_command_and_step_and_once() {
        for (i, name) in POINTS.iter().enumerate() {
            assert!(name.split(':').count() == 2, "{name}");
            assert!(!POINTS[..i].contains(name), "{name} stands twice");
        }
    }
}
