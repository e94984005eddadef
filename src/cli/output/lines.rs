//! Writes lines for people to standard error: wrapped at words on a terminal, and in one write. It does not choose
//! the text.

use crate::cli::line::args::Command;
use crate::cli::line::env;
use crate::cli::output::text;
use clap::Subcommand as _;
use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};

/// The indentation of a message's lines after the first.
const INDENT: &str = "  ";
/// On a narrower terminal nothing is wrapped, because each line would have only one word.
const MIN_WIDTH: usize = 20;

/// Writes the output of `print` to standard error in one write, wrapped if that is a terminal.
///
/// # Errors
/// If standard error cannot be written.
pub fn print_to_stderr(print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    write_whole(&mut io::stderr(), io::stderr().is_terminal(), print)
}

/// Writes the output of `print` to `out` in one write, wrapped to the width of the terminal if `is_terminal`.
///
/// # Errors
/// If `out` cannot be written.
pub fn write_whole(
    out: &mut dyn Write,
    is_terminal: bool,
    print: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    print(&mut bytes)?;
    let width = if is_terminal { env::terminal_width() } else { None };
    match (width, std::str::from_utf8(&bytes)) {
        (Some(width), Ok(text)) => out.write_all(wrap(text, width).as_bytes())?,
        _ => out.write_all(&bytes)?,
    }
    out.flush()
}

/// Breaks each line that is wider than `width` between words. A command to paste is not broken, because copying
/// undoes the terminal's own line breaks.
pub fn wrap(text: &str, width: usize) -> Cow<'_, str> {
    if width < MIN_WIDTH || text.lines().all(|line| visible_width(line) <= width) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split_inclusive('\n').map(|line| wrap_line(line, width, INDENT)).collect())
}

/// Breaks one line of text into lines of some width, between words. A word or a command to paste that is longer gets a
/// separate line.
pub fn in_lines(text: &str, width: usize) -> Vec<String> {
    wrap_line(text, width, "").split('\n').map(str::to_owned).collect()
}

fn wrap_line(line: &str, width: usize, indent: &str) -> String {
    let mut wrapped = String::with_capacity(line.len() + 16);
    let mut column = 0;
    for piece in pieces(line) {
        let needed = visible_width(piece.trim_end());
        if column > indent.len() && column + needed > width {
            wrapped.truncate(wrapped.trim_end().len());
            wrapped.push('\n');
            wrapped.push_str(indent);
            column = indent.len();
        }
        wrapped.push_str(piece);
        column += visible_width(piece);
    }
    wrapped
}

/// Returns the parts of a line that stay together, each with the following blank: words, and commands to paste.
fn pieces(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut end) = (0, 0);
    let mut before = Word::Prose;
    for word in line.split_inclusive(' ') {
        if !before.takes(word) && end > 0 {
            pieces.push(&line[start..end]);
            start = end;
            before = Word::Prose;
        }
        before = before.followed_by(word.trim_end());
        end += word.len();
    }
    pieces.push(&line[start..]);
    pieces
}

/// The kind of a word, which decides whether the next words may belong to the same command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Not part of a command, or its last word.
    Prose,
    Program,
    Option,
    Argument,
    /// Within quotes that are still open.
    Quoted(char),
}

impl Word {
    /// Returns true if `word` belongs to the same command.
    fn takes(self, word: &str) -> bool {
        match self {
            Word::Prose => false,
            Word::Program | Word::Option | Word::Quoted(_) => true,
            Word::Argument => {
                let word = word.trim_end();
                word.starts_with(['-', '~', '\'', '"', '.', '$', '<', '>', '|'])
                    || word.contains(|c: char| "/\\=".contains(c) || c.is_ascii_digit())
                    || Command::has_subcommand(word)
                    || (word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase()))
            }
        }
    }

    fn followed_by(self, word: &str) -> Word {
        match self {
            Word::Prose if ["codex-state", "codex"].contains(&word.trim_start_matches(['`', '('])) => {
                return Word::Program;
            }
            Word::Quoted(quote) if !word.contains(quote) => return self,
            Word::Quoted(_) => {}
            // A path with blanks is quoted, so that it can be pasted.
            _ => {
                if let Some(quote) = opened_quote(word) {
                    return Word::Quoted(quote);
                }
            }
        }
        match word {
            _ if self == Word::Prose || word.ends_with([',', ';', ':', '.', ')', '`']) => Word::Prose,
            _ if word.starts_with('-') && !word.contains('=') => Word::Option,
            _ => Word::Argument,
        }
    }
}

/// Returns the quotation mark with which a word begins, unless the word also has its end.
fn opened_quote(word: &str) -> Option<char> {
    let quote = word.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    (!word[1..].contains(quote)).then_some(quote)
}

/// Returns the number of columns that a text takes, without its colour sequences.
fn visible_width(text: &str) -> usize {
    let mut parts = text.trim_end_matches('\n').split('\x1b');
    let plain = parts.next().map_or(0, text::width);
    plain + parts.map(|part| text::width(part.split_once('m').map_or(part, |(_, rest)| rest))).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_words_and_go_on_indented() {
        assert_eq!(wrap("short\n", 20), "short\n");
        assert_eq!(
            wrap("codex-state: warning: the folder has two databases\nend\n", 30),
            "codex-state: warning: the\n  folder has two databases\nend\n"
        );
        assert_eq!(wrap("ends without a line end here", 20), "ends without a line\n  end here");
        assert_eq!(wrap("äääääääää ööööööööö üüüüüüüü\n", 20), "äääääääää ööööööööö\n  üüüüüüüü\n");
        assert_eq!(wrap("a b c d e f g h i j k l m n\n", 10), "a b c d e f g h i j k l m n\n", "too narrow");
    }

    #[test]
    fn colour_sequences_have_no_width() {
        let text = "\x1b[36mhint:\x1b[0m start Codex once\n";
        assert_eq!(wrap(text, 22), text);
        assert_eq!(wrap(text, 21), "\x1b[36mhint:\x1b[0m start Codex\n  once\n");
    }

    #[test]
    fn a_long_word_is_left_to_the_terminal() {
        let path = "/a/very/long/path/of/a/rollout.jsonl";
        assert_eq!(
            wrap(&format!("cannot read {path}: gone\n"), 20),
            format!("cannot read\n  {path}:\n  gone\n")
        );
    }

    #[test]
    fn a_command_to_paste_stays_in_one_piece() {
        let wrapped =
            wrap("hint: codex-state --db '/a b/state_5.sqlite' backfill --times events brings it back\n", 40);
        assert_eq!(
            wrapped,
            "hint:\n  codex-state --db '/a b/state_5.sqlite' backfill --times events\n  brings it back\n"
        );
        assert_eq!(
            wrap("those of the folder, codex resume --all of all folders\n", 36),
            "those of the folder,\n  codex resume --all of all folders\n"
        );
        assert_eq!(
            wrap("run codex-state verify --deep, then codex-state restore FILE and look\n", 36),
            "run codex-state verify --deep, then\n  codex-state restore FILE and look\n"
        );
    }

    #[test]
    fn a_quoted_path_stays_in_one_piece() {
        assert_eq!(
            wrap("close Codex, move '/a b/logs_2.sqlite' aside and start it\n", 24),
            "close Codex, move\n  '/a b/logs_2.sqlite'\n  aside and start it\n"
        );
        assert_eq!(wrap("it says \"running\" and more\n", 20), "it says \"running\"\n  and more\n");
    }

    #[test]
    fn output_is_written_at_once() {
        struct Counted(Vec<usize>);
        impl Write for Counted {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.push(bytes.len());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut out = Counted(Vec::new());
        write_whole(&mut out, false, |out| writeln!(out, "{}: {} {}", 1, 2, 3)).unwrap();
        assert_eq!(out.0, [7]);
    }
}
