//! Says how long the pages of a listing are wanted.

use crate::cli::commands::App;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Returns true if no more rows are wanted: after Ctrl-C, or once the pipe is closed.
pub(super) fn is_stopped(stops: &[Arc<AtomicBool>; 2]) -> bool {
    stops.iter().any(|stop| stop.load(Ordering::Relaxed))
}

/// Returns the flags that end a listing early.
pub(super) fn stops(app: &App) -> [Arc<AtomicBool>; 2] {
    [Arc::clone(&app.interrupted), app.out.get_ref().closed()]
}
