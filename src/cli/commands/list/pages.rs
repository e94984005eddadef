//! Says how long the pages of a listing are wanted.

use crate::cli::commands::App;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Returns a function that returns true if no more rows are wanted: after Ctrl-C, or once the pipe is closed.
pub(super) fn stops(app: &App) -> impl Fn() -> bool + use<> {
    let flags = [Arc::clone(&app.interrupted), app.out.get_ref().closed()];
    move || flags.iter().any(|flag| flag.load(Ordering::Relaxed))
}
