//! Standard output for the commands: buffered, and silent once the reader is gone. It does not handle standard error.
//!
//! After `codex-state list | head -1` the reader is gone. That is not a failure of the command and must not change
//! its exit status: the rest of the output is discarded, and the work is finished. A full disk is a failure.

use crate::cli::line::interrupt;
use crate::sys::is_reader_gone;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Number of bytes that are buffered before they are written.
const CAPACITY: usize = 64 * 1024;

/// The hint for such a failure.
pub const ADVICE: &str = "make room where the output goes, or send it elsewhere";

/// Returns the system's error with a message that names standard output.
pub fn failure(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write to standard output: {error}"))
}

/// A buffered writer for which a closed pipe is not an error: the output is then discarded.
///
/// Call [`Write::flush`] at the end to detect errors; dropping writes the rest but cannot report a failure.
pub type Output<W> = BufWriter<Forgiving<W>>;

/// Returns a buffered writer for the standard output of this process.
pub fn open() -> Output<io::Stdout> {
    buffered(io::stdout())
}

fn buffered<W: Write>(inner: W) -> Output<W> {
    BufWriter::with_capacity(CAPACITY, Forgiving { inner, closed: Arc::default(), failed: false })
}

/// Writes until the reader is gone or a write fails, which is reported once. It discards the rest, so that nothing is
/// written twice.
#[derive(Debug)]
pub struct Forgiving<W> {
    inner: W,
    closed: Arc<AtomicBool>,
    failed: bool,
}

impl<W> Forgiving<W> {
    /// Returns a flag that becomes true when the reader is gone; no later output is seen.
    ///
    /// A command may use it to skip the printing, never the work.
    pub fn closed(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.closed)
    }

    /// Returns true if output could not be written although a reader waits for it.
    pub fn failed(&self) -> bool {
        self.failed
    }

    fn forgive(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) -> io::Result<()> {
        if self.failed || self.closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        match interrupt::during_write(|| write(&mut self.inner)) {
            Err(error) if is_reader_gone(&error) => self.closed.store(true, Ordering::Relaxed),
            Err(error) => {
                self.failed = true;
                return Err(failure(&error));
            }
            Ok(()) => {}
        }
        Ok(())
    }
}

impl<W: Write> Write for Forgiving<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.forgive(|inner| inner.write_all(bytes)).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.forgive(W::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// Takes `room` bytes, then fails with `kind`.
    #[derive(Debug)]
    struct Narrow {
        taken: Rc<RefCell<Vec<u8>>>,
        room: usize,
        kind: io::ErrorKind,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let take = bytes.len().min(self.room - self.taken.borrow().len());
            if take == 0 {
                return Err(self.kind.into());
            }
            self.taken.borrow_mut().extend_from_slice(&bytes[..take]);
            Ok(take)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn narrow(room: usize, kind: io::ErrorKind) -> (Output<Narrow>, Rc<RefCell<Vec<u8>>>) {
        let taken = Rc::default();
        (buffered(Narrow { taken: Rc::clone(&taken), room, kind }), taken)
    }

    #[test]
    fn output_arrives_whole_and_in_order() {
        let (mut output, taken) = narrow(usize::MAX, io::ErrorKind::Other);
        let mut expected = Vec::new();
        for size in [1, 10, CAPACITY - 1, CAPACITY, 3, CAPACITY * 2, 5] {
            let part = vec![u8::try_from(size % 251).unwrap(); size];
            output.write_all(&part).unwrap();
            expected.extend(part);
        }
        output.flush().unwrap();
        assert_eq!(*taken.borrow(), expected);
    }

    #[test]
    fn a_closed_pipe_is_remembered_and_is_not_an_error() {
        let (mut output, taken) = narrow(10, io::ErrorKind::BrokenPipe);
        for _ in 0..3 {
            output.write_all(&[b'x'; CAPACITY / 2 + 1]).unwrap();
        }
        assert!(output.get_ref().closed().load(Ordering::Relaxed));
        output.write_all(&[b'y'; CAPACITY * 3]).unwrap();
        output.flush().unwrap();
        assert_eq!(*taken.borrow(), [b'x'; 10]);
    }

    #[test]
    fn a_pipe_closed_before_the_last_flush_is_not_an_error_either() {
        let (mut output, _) = narrow(0, io::ErrorKind::BrokenPipe);
        output.write_all(b"short").unwrap();
        assert!(!output.get_ref().closed().load(Ordering::Relaxed), "nothing was written yet");
        output.flush().unwrap();
        assert!(output.get_ref().closed().load(Ordering::Relaxed));
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let (mut output, taken) = narrow(3, io::ErrorKind::StorageFull);
        output.write_all(b"abcdef").unwrap();
        assert_eq!(output.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(!output.get_ref().closed().load(Ordering::Relaxed));
        drop(output);
        assert_eq!(*taken.borrow(), b"abc", "nothing is written twice");
    }

    #[test]
    fn the_rest_is_written_when_dropped() {
        let (mut output, taken) = narrow(100, io::ErrorKind::Other);
        output.write_all(b"last words").unwrap();
        drop(output);
        assert_eq!(*taken.borrow(), b"last words");
    }
}
