//! The progress bar on standard error, and the warnings above it. Results are never printed here.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::line::env::Environment;
use crate::cli::output::style::Style;
use crate::cli::output::terminal::{self, Terminal};
use crate::cli::output::{error, human, lines, text};
use crate::progress::Progress;
use crate::sys;

/// The interval at which the bar moves without progress, because a file of gigabytes is one item.
const TICK: Duration = Duration::from_millis(125);
/// Maximum number of redraws per second.
const REDRAWS: u8 = 15;
/// The width of the spaces between the parts of a bar, and of the spinner.
const SPACES: usize = 4;
/// The time before which a rate or remaining time would be a guess.
const SETTLED: Duration = Duration::from_secs(1);

/// Returns true if a bar should be shown: on a terminal that can redraw a line, unless an option forbids it.
pub fn is_wanted(environment: &Environment, no_progress: bool, quiet: bool) -> bool {
    let dumb = environment.var("TERM").is_some_and(|term| term == "dumb");
    environment.stderr_is_terminal && environment.understands_ansi && !dumb && !no_progress && !quiet
}

/// Shows progress as a bar, or not, and prints warnings in both cases, in whole lines that the bar does not break.
pub struct Bar {
    /// The bar, if one is shown.
    bar: Option<ProgressBar>,
    work: Arc<Work>,
    unicode: bool,
    style: Style,
    warnings: Mutex<Box<dyn Write + Send>>,
    /// True if a terminal shows them, where long lines are wrapped.
    pub(super) wraps: bool,
    /// True if each item is reported.
    pub(super) is_verbose: bool,
    /// True if the bar is visible. Without this, suspending a bar would draw it afterwards even if no work has begun.
    is_shown: AtomicBool,
}

/// The progress and the amount of the work.
#[derive(Debug, Default)]
struct Work {
    items: AtomicU64,
    bytes: AtomicU64,
    /// Zero if unknown, like the next one.
    all_items: AtomicU64,
    all_bytes: AtomicU64,
}

impl Bar {
    /// Creates a bar for standard error of this process; without `visible`, only warnings are printed.
    pub fn stderr(visible: bool, unicode: bool, style: Style) -> Self {
        let target = || ProgressDrawTarget::term_like_with_hz(Box::new(Terminal::default()), REDRAWS);
        Self::new(visible.then(target), unicode, style, Box::new(io::stderr()))
    }

    fn new(
        target: Option<ProgressDrawTarget>,
        unicode: bool,
        style: Style,
        warnings: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            bar: target.map(|target| ProgressBar::with_draw_target(None, target)),
            work: Arc::default(),
            unicode,
            style,
            warnings: Mutex::new(warnings),
            wraps: false,
            is_verbose: false,
            is_shown: AtomicBool::new(false),
        }
    }

    /// Prints something to standard error while the bar is hidden.
    pub fn print(&self, print: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let print = || {
            let mut out = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
            // If standard error is closed, no one wants the message.
            let _ = lines::write_whole(&mut *out, self.wraps, print);
        };
        match &self.bar {
            Some(bar) if self.is_shown.load(Ordering::Relaxed) => bar.suspend(print),
            _ => print(),
        }
    }

    fn style(&self, bounded: bool, what: &str) -> ProgressStyle {
        let colour = if self.style.is_coloured() { ":.cyan" } else { "" };
        let template = match bounded {
            true => format!("{{msg}} {{wide_bar{colour}}} {{numbers}}"),
            false => format!("{{spinner{colour}}} {{msg}} {{numbers}}"),
        };
        let work = Arc::clone(&self.work);
        // A bar that wraps to a second line stays on the screen when the terminal is made narrower.
        let taken = text::width(what) + SPACES;
        let numbers = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let settled = state.elapsed() >= SETTLED;
            let eta = state.len().filter(|_| settled).map(|_| state.eta());
            // An error here could only come from the library; the bar is not worth a panic.
            let room = terminal::bar_width().saturating_sub(taken);
            let _ = out.write_str(&work.numbers(settled.then(|| state.elapsed()), eta, room));
        };
        let (bar, spinner) = if self.unicode {
            ("█▉▊▋▌▍▎▏ ", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
        } else {
            ("=> ", "|/-\\ ")
        };
        ProgressStyle::with_template(&template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("numbers", numbers)
            .progress_chars(bar)
            .tick_chars(spinner)
    }
}

impl Work {
    /// Returns `1,234/159,000  3.2 GiB/11.0 GiB  850.0 MiB/s  12s left`, as far as it is known and there is room.
    fn numbers(&self, elapsed: Option<Duration>, eta: Option<Duration>, room: usize) -> String {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let (items, bytes) = (load(&self.items), load(&self.bytes));
        let of = |all: u64, text: fn(u64) -> String| match all {
            0 => String::new(),
            all => format!("/{}", text(all)),
        };
        let mut parts = vec![human::count(items) + &of(load(&self.all_items), human::count)];
        let all_bytes = load(&self.all_bytes);
        if bytes > 0 || all_bytes > 0 {
            parts.push(human::bytes(bytes) + &of(all_bytes, human::bytes));
        }
        if let Some(millis) = elapsed.map(|elapsed| elapsed.as_millis().max(1)) {
            let rate = |done: u64| u64::try_from(u128::from(done) * 1000 / millis).unwrap_or(u64::MAX);
            let rate = if bytes > 0 { human::bytes(rate(bytes)) } else { human::count(rate(items)) };
            parts.push(format!("{rate}/s"));
        }
        if let Some(eta) = eta.filter(|eta| !eta.is_zero()) {
            let seconds = eta.as_secs().max(1);
            let left = if seconds < 60 { format!("{seconds}s") } else { human::duration(seconds * 1000) };
            parts.push(format!("{left} left"));
        }
        while !parts.is_empty() && parts.iter().map(|part| part.len() + 2).sum::<usize>() > room + 2 {
            parts.pop();
        }
        parts.join("  ")
    }
}

impl Progress for Bar {
    fn start(&self, what: &str, items: Option<u64>, bytes: Option<u64>) {
        self.work.items.store(0, Ordering::Relaxed);
        self.work.bytes.store(0, Ordering::Relaxed);
        self.work.all_items.store(items.unwrap_or(0), Ordering::Relaxed);
        self.work.all_bytes.store(bytes.unwrap_or(0), Ordering::Relaxed);
        let Some(bar) = &self.bar else { return };
        // Bytes predict the remaining time better than files, one of which can be a thousand times larger than
        // another.
        let length = bytes.filter(|&bytes| bytes > 0).or(items).filter(|&length| length > 0);
        let what = text::one_line(what).into_owned();
        // First, because each of the others draws.
        bar.set_style(self.style(length.is_some(), &what));
        bar.set_message(what);
        bar.reset();
        match length {
            Some(length) => bar.set_length(length),
            None => bar.unset_length(),
        }
        self.is_shown.store(true, Ordering::Relaxed);
        if sys::can_start_thread() {
            bar.enable_steady_tick(TICK);
        }
    }

    fn advance(&self, items: u64, bytes: u64) {
        self.work.items.fetch_add(items, Ordering::Relaxed);
        self.work.bytes.fetch_add(bytes, Ordering::Relaxed);
        let by_bytes = self.work.all_bytes.load(Ordering::Relaxed) > 0;
        if let Some(bar) = &self.bar {
            bar.inc(if by_bytes { bytes } else { items });
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar
            && self.is_shown.swap(false, Ordering::Relaxed)
        {
            bar.disable_steady_tick();
            bar.finish_and_clear();
        }
    }

    fn warn(&self, line: &str) {
        self.print(|out| error::print_warning(line, out, self.style));
    }

    fn detail(&self, line: &dyn Fn() -> String) {
        if self.is_verbose {
            self.print(|out| writeln!(out, "codex-state: {}", text::one_line(&line())));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        // A failure may have occurred between start and finish; its message needs an empty line.
        self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::TermLike;

    /// A terminal that records what happens to it, one event per line.
    #[derive(Debug, Clone, Default)]
    struct Tape(Arc<Mutex<String>>);

    impl Tape {
        fn note(&self, event: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(event);
            Ok(())
        }
        fn take(&self) -> String {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl TermLike for Tape {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, line: &str) -> io::Result<()> {
            self.note(line)?;
            self.note("\n")
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.note(text)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.note("<clear>")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Write for Tape {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.note(std::str::from_utf8(bytes).unwrap())?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn bar(visible: bool) -> (Bar, Tape) {
        let tape = Tape::default();
        let target = || ProgressDrawTarget::term_like(Box::new(tape.clone()));
        (Bar::new(visible.then(target), false, Style::PLAIN, Box::new(tape.clone())), tape)
    }

    #[test]
    fn a_bar_is_for_terminals_and_can_be_refused() {
        let mut environment = Environment::bare();
        assert!(!is_wanted(&environment, false, false), "a pipe");
        environment.stderr_is_terminal = true;
        assert!(is_wanted(&environment, false, false));
        assert!(!is_wanted(&environment, true, false), "--no-progress");
        assert!(!is_wanted(&environment, false, true), "--quiet");
        assert!(!is_wanted(&environment.with("TERM", "dumb"), false, false));
    }

    #[test]
    fn a_hidden_bar_prints_warnings_alone() {
        let (bar, tape) = bar(false);
        bar.start("reading rollouts", Some(3), Some(1000));
        bar.advance(1, 500);
        bar.warn("a\nb\x1b[2J is damaged");
        bar.finish();
        assert_eq!(tape.take(), "codex-state: warning: a b\\x1b[2J is damaged\n");
        assert_eq!(tape.take(), "", "one warning is one line");
    }

    #[test]
    fn a_bar_shows_progress_and_is_removed_at_the_end() {
        let (bar, tape) = bar(true);
        bar.start("reading rollouts", Some(1234), Some(3 << 30));
        bar.advance(500, 1 << 30);
        bar.bar.as_ref().unwrap().force_draw();
        let drawn = tape.take();
        assert!(!drawn.contains("0/0"), "no bar of something else flashes up: {drawn}");
        assert!(drawn.contains("reading rollouts ==="), "{drawn}");
        assert!(drawn.contains(" 500/1,234  1.0 GiB/3.0 GiB"), "{drawn}");
        bar.finish();
        let cleared = tape.take();
        assert!(cleared.ends_with("<clear>"), "{cleared}");
    }

    #[test]
    fn a_second_stretch_of_work_starts_anew() {
        let (bar, tape) = bar(true);
        bar.start("reading rollouts", Some(5), None);
        bar.advance(5, 0);
        bar.finish();
        tape.take();
        bar.start("writing rows", Some(7), None);
        bar.advance(1, 0);
        bar.bar.as_ref().unwrap().force_draw();
        let drawn = tape.take();
        assert!(drawn.contains("writing rows =") && drawn.contains(" 1/7"), "{drawn}");
    }

    #[test]
    fn a_warning_is_on_a_separate_line() {
        let (bar, tape) = bar(true);
        bar.start("reading rollouts", None, None);
        bar.advance(2, 0);
        tape.take();
        bar.warn("/x is empty");
        let drawn = tape.take();
        let (before, after) = drawn.split_once("codex-state: warning: /x is empty\n").unwrap();
        assert!(before.ends_with("<clear>"), "the bar is out of the way: {drawn}");
        assert!(after.contains("reading rollouts 2"), "and comes back: {drawn}");
    }

    #[test]
    fn a_bar_whose_work_never_began_is_never_seen() {
        let (bar, tape) = bar(true);
        bar.warn("two databases");
        bar.print(|out| writeln!(out, "no threads"));
        drop(bar);
        assert_eq!(tape.take(), "codex-state: warning: two databases\nno threads\n");
    }

    #[test]
    fn an_unfinished_bar_is_removed_when_dropped() {
        let (bar, tape) = bar(true);
        bar.start("reading rollouts", Some(5), None);
        drop(bar);
        let drawn = tape.take();
        assert!(drawn.ends_with("<clear>"), "{drawn}");
    }

    #[test]
    fn numbers_show_what_is_known() {
        let work = |items, all_items, bytes, all_bytes| Work {
            items: AtomicU64::new(items),
            bytes: AtomicU64::new(bytes),
            all_items: AtomicU64::new(all_items),
            all_bytes: AtomicU64::new(all_bytes),
        };
        let seconds = Duration::from_secs;
        assert_eq!(work(12, 0, 0, 0).numbers(None, None, 80), "12");
        assert_eq!(work(12, 0, 2048, 0).numbers(None, None, 80), "12  2.0 KiB");
        assert_eq!(
            work(1200, 3000, 0, 0).numbers(Some(seconds(2)), Some(seconds(3)), 80),
            "1,200/3,000  600/s  3s left"
        );
        assert_eq!(
            work(10, 20, 1 << 20, 1 << 21).numbers(Some(seconds(2)), Some(seconds(125)), 80),
            "10/20  1.0 MiB/2.0 MiB  512.0 KiB/s  2m05s left"
        );
        let narrow =
            |room| work(10, 20, 1 << 20, 1 << 21).numbers(Some(seconds(2)), Some(seconds(125)), room);
        assert_eq!(narrow(47), "10/20  1.0 MiB/2.0 MiB  512.0 KiB/s  2m05s left");
        assert_eq!(narrow(46), "10/20  1.0 MiB/2.0 MiB  512.0 KiB/s");
        assert_eq!(narrow(5), "10/20");
        assert_eq!(narrow(4), "");
    }
}
