//! Reports the progress of long work to any listener. `cli/output/progress.rs` displays it.

/// Listens to the progress of a verb. All methods may be called from any thread.
pub trait Progress: Sync {
    /// Begins a stretch of work: its name (`reading rollouts`), and its size in items and bytes, if known.
    fn start(&self, what: &str, items: Option<u64>, bytes: Option<u64>);
    /// Adds finished items and bytes to the current stretch.
    fn advance(&self, items: u64, bytes: u64);
    /// Ends the stretch, successful or not.
    fn finish(&self);
    /// Reports a problem that does not stop the work: one line, lower case, without a full stop.
    ///
    /// The line may quote untrusted text; the listener escapes it.
    fn warn(&self, line: &str);
    /// Reports the result of one item among many, in a line like that of `warn`. The line is built only if the
    /// listener asks for it.
    fn detail(&self, _line: &dyn Fn() -> String) {}
}

/// Does a stretch of work whose size is not known, and tells `progress` when it begins and when it ends.
pub fn during<T>(progress: &dyn Progress, what: &str, work: impl FnOnce() -> T) -> T {
    progress.start(what, None, None);
    let done = work();
    progress.finish();
    done
}

/// A listener that ignores everything, for callers of the library and for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _what: &str, _items: Option<u64>, _bytes: Option<u64>) {}
    fn advance(&self, _items: u64, _bytes: u64) {}
    fn finish(&self) {}
    fn warn(&self, _line: &str) {}
}
