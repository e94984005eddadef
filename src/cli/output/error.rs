//! Prints failures on standard error. Their messages and hints are created where they occur (`crate::error`).

use std::io::{self, Write};

use crate::cli::output::style::{Style, Tone};
use crate::cli::output::text;
use crate::error::hints;

/// Prints a failure: message and causes in one line, then a line for each hint, completed by `complete`.
///
/// ```text
/// codex-state: error: cannot write /home/me/.codex/state.sqlite: disk full
/// hint: free some space and run the command again
/// ```
pub fn print(
    error: &anyhow::Error,
    out: &mut dyn Write,
    style: Style,
    complete: &dyn Fn(&str) -> String,
) -> io::Result<()> {
    writeln!(out, "codex-state: {} {}", style.paint(Tone::Bad, "error:"), message(error))?;
    for hint in hints(error) {
        print_hint(&complete(&hint.0), out, style)?;
    }
    out.flush()
}

/// Prints a warning, after which, unlike after a failure, the command continues.
pub fn print_warning(warning: &str, out: &mut dyn Write, style: Style) -> io::Result<()> {
    writeln!(out, "codex-state: {} {}", style.paint(Tone::Doubtful, "warning:"), text::one_line(warning))
}

/// Prints a hint: what to do next.
pub fn print_hint(hint: &str, out: &mut dyn Write, style: Style) -> io::Result<()> {
    writeln!(out, "{} {}", style.paint(Tone::Accent, "hint:"), text::one_line(hint))
}

/// Returns message and causes of a failure in one safe line, joined by `: `.
///
/// A cause that the previous part already contains is not repeated.
pub fn message(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        let cause = text::one_line(&cause);
        if line.is_empty() {
            line.push_str(&cause);
        } else if !cause.is_empty() && !line.ends_with(&*cause) {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::WithHint as _;
    use anyhow::{Context as _, anyhow};

    fn printed(error: &anyhow::Error, style: Style) -> String {
        let mut out = Vec::new();
        print(error, &mut out, style, &str::to_owned).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_error_is_one_line_and_its_hints() {
        let error: anyhow::Result<()> = Err(anyhow!("disk full"))
            .context("cannot write /x/state.sqlite")
            .hint("free some space")
            .context("backfill stopped")
            .hint("codex-state backfill");
        assert_eq!(
            printed(&error.unwrap_err(), Style::PLAIN),
            "codex-state: error: backfill stopped: cannot write /x/state.sqlite: disk full\n\
             hint: codex-state backfill\n\
             hint: free some space\n"
        );
    }

    #[test]
    fn nothing_in_an_error_acts_on_the_terminal() {
        let error =
            anyhow!("line 1\n  | bad\x1b[2J").context("cannot read /tmp/\u{202e}gpj.exe").hint("rm\r-rf");
        assert_eq!(
            printed(&error, Style::PLAIN),
            "codex-state: error: cannot read /tmp/\\u{202e}gpj.exe: line 1 | bad\\x1b[2J\nhint: rm -rf\n"
        );
    }

    #[test]
    fn a_cause_is_not_repeated() {
        let error =
            anyhow!("database is locked").context("step failed: database is locked").context("cannot write");
        assert_eq!(message(&error), "cannot write: step failed: database is locked");
    }

    #[test]
    fn colour_marks_the_first_word_alone() {
        assert_eq!(
            printed(&anyhow!("no home").hint("start codex once"), Style::COLOURED),
            "codex-state: \x1b[1;31merror:\x1b[0m no home\n\x1b[36mhint:\x1b[0m start codex once\n"
        );
        let mut out = Vec::new();
        print_warning("old\nfile", &mut out, Style::PLAIN).unwrap();
        assert_eq!(out, b"codex-state: warning: old file\n");
    }
}
