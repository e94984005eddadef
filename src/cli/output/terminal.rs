//! Draws a bar on standard error again and again. It does not decide whether standard error is a terminal.

use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;

use crate::cli::line::env;

/// Room at the end of the line for the `^C` that a terminal shows on an interrupt. If that wrapped to the next line,
/// the bar could no longer be removed.
const SPARE: usize = 3;

/// The most columns of a bar: a window of the usual width that is made as narrow as most are need not wrap it.
const WIDEST: usize = 77;

/// Draws with the escape sequences that every terminal on which a bar is drawn understands. Each drawing is written in
/// one piece, so that it does not flicker.
///
/// Between two drawings the cursor is at the start of the bar. If the terminal is made narrower and the bar becomes
/// two lines, the cursor stays on the first, and the next drawing removes both.
#[derive(Debug, Default)]
pub(super) struct Terminal {
    drawn: Mutex<Vec<u8>>,
}

impl Terminal {
    fn drawn(&self) -> MutexGuard<'_, Vec<u8>> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn move_cursor(&self, n: usize, direction: char) -> io::Result<()> {
        if n == 0 { Ok(()) } else { write!(self.drawn(), "\x1b[{n}{direction}") }
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        u16::try_from(bar_width()).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'D')
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        writeln!(self.drawn(), "{line}")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        write!(self.drawn(), "{text}")
    }

    /// Clears nothing yet: see [`frame`].
    fn clear_line(&self) -> io::Result<()> {
        write!(self.drawn(), "\r")
    }

    fn flush(&self) -> io::Result<()> {
        let drawn = std::mem::take(&mut *self.drawn());
        let mut out = io::stderr().lock();
        out.write_all(&frame(&drawn))?;
        out.flush()
    }
}

/// Returns the bytes that replace the bar on the screen by what was drawn, which may be nothing.
///
/// The rest of the screen is cleared behind the new bar. If it were cleared from the start of a line, and that is the
/// first line of the window, a terminal may take the bar for a screen to keep: tmux moves it to its history, again with
/// each drawing.
fn frame(drawn: &[u8]) -> Vec<u8> {
    let bar = drawn.trim_ascii();
    match (bar.is_empty(), drawn.is_empty()) {
        (true, true) => Vec::new(),
        // Clears the line, and the lines below it from their second column on: those that a narrower window made.
        (true, false) => b"\r\x1b[K\x1b[C\x1b[J\r".to_vec(),
        (false, _) => [b"\r", bar, b"\x1b[J\r"].concat(),
    }
}

/// Returns the current maximum width of a bar.
pub(super) fn bar_width() -> usize {
    beside_spare(env::terminal_width().unwrap_or(env::DEFAULT_WIDTH))
}

fn beside_spare(columns: usize) -> usize {
    columns.saturating_sub(SPARE).clamp(1, WIDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_leaves_room_for_the_mark_of_an_interrupt() {
        assert_eq!(beside_spare(80), 77);
        assert_eq!(beside_spare(2), 1);
    }

    #[test]
    fn a_bar_is_no_wider_than_a_usual_window() {
        assert_eq!(beside_spare(400), 77);
    }

    #[test]
    fn the_screen_is_never_cleared_from_the_start_of_a_line() {
        assert_eq!(frame(b"\rreading 3   "), b"\rreading 3\x1b[J\r");
        assert_eq!(frame(b"\r"), b"\r\x1b[K\x1b[C\x1b[J\r");
        assert_eq!(frame(b""), b"");
    }
}
