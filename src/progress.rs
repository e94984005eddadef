//! How long work tells how far it is; not how that looks (that is `cli/progress.rs`).

/// Something that is told of progress.
pub trait Progress: Sync {
    /// Work begins: what it is, and how many items and bytes it will be, as far as that is known.
    fn start(&self, what: &str, items: Option<u64>, bytes: Option<u64>);
    /// So much more is done.
    fn advance(&self, items: u64, bytes: u64);
    /// The work is over.
    fn finish(&self);
    /// A warning that must not tear what is on the screen.
    fn warn(&self, line: &str);
}

/// Progress that nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _: &str, _: Option<u64>, _: Option<u64>) {}
    fn advance(&self, _: u64, _: u64) {}
    fn finish(&self) {}
    fn warn(&self, _: &str) {}
}
