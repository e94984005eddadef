//! Moves the `-wal` into the database while the writer has other work. Otherwise all of it is moved when the database
//! is closed, and nothing else can be done meanwhile: that waits for the disk twice.

use super::connect::connect;
use rusqlite::OpenFlags;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// A thread with a second connection, which moves on request what was committed. It waits for no lock and makes no
/// other connection wait. What it cannot move now is moved later.
#[derive(Debug)]
pub(super) struct Checkpointer {
    /// `None` if the system has no thread left, or when it ends.
    running: Option<(SyncSender<()>, JoinHandle<()>)>,
}

impl Checkpointer {
    /// Starts the thread for a database in WAL mode.
    pub(super) fn start(database: PathBuf) -> Checkpointer {
        // Requests during a checkpoint are one request.
        let (sender, requests) = sync_channel(1);
        let thread = std::thread::Builder::new().spawn(move || {
            // An error loses nothing: the writer moves what is left.
            let _ = answer(database, &requests);
        });
        Checkpointer { running: thread.ok().map(|thread| (sender, thread)) }
    }

    /// Requests that what was committed is moved.
    pub(super) fn request(&self) {
        if let Some((sender, _)) = &self.running {
            // If a request waits already, or the thread has ended, the writer goes on.
            let _ = sender.try_send(());
        }
    }
}

impl Drop for Checkpointer {
    /// Waits for the checkpoint at work, so that the writer is the last to close the database.
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.running.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

/// Moves the `-wal` at each request, until no more can come.
fn answer(database: PathBuf, requests: &Receiver<()>) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection = connect(&database, flags, "mode=rw", Duration::ZERO)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    while requests.recv().is_ok() {
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    }
    Ok(())
}
