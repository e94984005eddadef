//! Reads the pages of a listing as long as they are wanted.

use crate::cli::commands::App;
use crate::db::list::{Lister, Page};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Returns `Break` if no more rows are wanted: after Ctrl-C, or once the pipe is closed.
pub(super) fn check_wanted(stops: &[Arc<AtomicBool>; 2]) -> ControlFlow<()> {
    if stops.iter().any(|stop| stop.load(Ordering::Relaxed)) {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

/// Returns the flags that end a listing early.
pub(super) fn stops(app: &App) -> [Arc<AtomicBool>; 2] {
    [Arc::clone(&app.interrupted), app.out.get_ref().closed()]
}

/// Reads the next page, unless rows are no longer wanted.
pub(super) fn next_page(app: &App, lister: &mut Lister<'_>) -> anyhow::Result<Option<Page>> {
    if check_wanted(&stops(app)).is_break() { Ok(None) } else { lister.next_page() }
}
