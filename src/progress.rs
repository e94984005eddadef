//! How long work says how far it is, without knowing who listens; not how that looks (`cli/output/progress.rs`).

/// Listens to a verb at work. All methods may be called from any thread.
pub trait Progress: Sync {
    /// A stretch of work begins: what it does (`reading rollouts`), and how much there is, as far as known.
    fn start(&self, what: &str, items: Option<u64>, bytes: Option<u64>);
    /// So much more of it is done.
    fn advance(&self, items: u64, bytes: u64);
    /// The stretch has ended, well or not.
    fn finish(&self);
    /// Something that a person should know, though the work goes on: one line, lower case, without a full stop.
    ///
    /// It may quote untrusted text: the listener makes it safe.
    fn warn(&self, line: &str);
    /// What became of one item among many, for somebody who wants to know each: a line like those of `warn`, which is
    /// made only where it is wanted.
    fn detail(&self, _line: &dyn Fn() -> String) {}
}

/// Listens to nothing: for callers of the library, and tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _what: &str, _items: Option<u64>, _bytes: Option<u64>) {}
    fn advance(&self, _items: u64, _bytes: u64) {}
    fn finish(&self) {}
    fn warn(&self, _line: &str) {}
}
