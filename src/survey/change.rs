//! The kinds of results that commands have which change many threads: archive, unarchive, prune and relink.

/// The result for one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeStatus {
    /// The thread was changed.
    Done,
    /// It stays as it is, because nothing must be changed or because of its own contents or file.
    Kept,
    /// It should be changed, but that is refused, failed, or is not possible now. It is unchanged.
    Failed,
}
