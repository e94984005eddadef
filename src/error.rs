//! Attaches to a failure the command that fixes it. `cli/output/error.rs` prints both.
//!
//! Errors inside the library are [`anyhow::Error`]s: what failed, on which path, why. A [`Hint`] is carried in the
//! same chain and says what to try next, so that only the command line decides how both are printed.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt;

/// The next thing to try after a failure: one line, lower case, preferably a command to paste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint(pub String);

/// An error together with its hint; displays the error alone.
#[derive(Debug)]
struct Hinted {
    error: anyhow::Error,
    hint: Hint,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Hinted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Adds a hint to a failure.
pub trait WithHint {
    /// Attaches `hint`; the message and its causes stay unchanged.
    #[must_use]
    fn hint(self, hint: impl Into<String>) -> Self;
}

impl WithHint for anyhow::Error {
    fn hint(self, hint: impl Into<String>) -> Self {
        Hinted { error: self, hint: Hint(hint.into()) }.into()
    }
}

impl<T> WithHint for anyhow::Result<T> {
    fn hint(self, hint: impl Into<String>) -> Self {
        self.map_err(|error| error.hint(hint))
    }
}

/// Returns the hints of an error, outermost first.
#[must_use]
pub fn hints(error: &anyhow::Error) -> Vec<&Hint> {
    let mut hints = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next.take() {
        for cause in error.chain() {
            if let Some(hinted) = cause.downcast_ref::<Hinted>() {
                hints.push(&hinted.hint);
                next = Some(&hinted.error);
                break;
            }
        }
    }
    hints
}

/// Returns a word of a command line for a hint, quoted if a shell would read it as something else.
#[must_use]
pub fn shell_word<W: AsRef<OsStr> + ?Sized>(word: &W) -> String {
    let word = word.as_ref();
    if cfg!(windows) {
        return word_of_windows(&word.to_string_lossy());
    }
    match word.to_str() {
        Some(text) if !text.chars().any(is_unprintable) => word_of_unix(text),
        _ => word_of_bytes(word.as_encoded_bytes()),
    }
}

/// Returns true if a character would act on a terminal or be invisible, so that a message spells it out.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Quotes a word with unprintable characters or broken text as bash, zsh and ksh read it.
fn word_of_bytes(word: &[u8]) -> String {
    let mut quoted = String::from("$'");
    for chunk in word.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => quoted.push_str(r"\n"),
                '\'' | '\\' => quoted.extend(['\\', c]),
                _ if is_unprintable(c) => push_bytes(&mut quoted, c.encode_utf8(&mut [0; 4]).as_bytes()),
                _ => quoted.push(c),
            }
        }
        push_bytes(&mut quoted, chunk.invalid());
    }
    quoted + "'"
}

fn push_bytes(quoted: &mut String, bytes: &[u8]) {
    // Three octal digits: a digit that follows is not read as one of them.
    bytes.iter().for_each(|byte| quoted.push_str(&format!("\\{byte:03o}")));
}

fn word_of_unix(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,@+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Quotes a word so that PowerShell and cmd read it alike. A word that PowerShell would expand even in double quotes
/// is quoted for PowerShell alone, because cmd knows no other quotes.
fn word_of_windows(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || r"-_./:=+\".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    // The program would read a backslash before the closing quote as an escaped quote, so it is doubled.
    let n_last = word.len() - word.trim_end_matches('\\').len();
    let word = format!("{word}{}", &r"\".repeat(n_last));
    // PowerShell treats typographic quotes.
    if word.contains(['$', '`', '"', '“', '”', '„']) {
        let doubled = |c: char| if "'‘’‚‛".contains(c) { vec![c, c] } else { vec![c] };
        return format!("'{}'", word.chars().flat_map(doubled).collect::<String>());
    }
    format!("\"{word}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context as _, anyhow};

    #[test]
    fn words_are_quoted_for_a_shell_where_they_must_be() {
        for (word, unix, windows) in [
            ("", "''", r#""""#),
            ("--db=/home/me/x.sqlite", "--db=/home/me/x.sqlite", "--db=/home/me/x.sqlite"),
            (r"C:\x\äé.sqlite", r"'C:\x\äé.sqlite'", r"C:\x\äé.sqlite"),
            (r"\\?\C:\x", r"'\\?\C:\x'", r#""\\?\C:\x""#),
            ("a b", "'a b'", r#""a b""#),
            ("a,b", "a,b", r#""a,b""#),
            (r"C:\my files\", r"'C:\my files\'", r#""C:\my files\\""#),
            ("it's $HOME", r"'it'\''s $HOME'", "'it''s $HOME'"),
            ("’$x", "'’$x'", "'’’$x'"),
        ] {
            assert_eq!((word_of_unix(word), word_of_windows(word)), (unix.to_owned(), windows.to_owned()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn words_that_cannot_be_printed_are_spelled_so_that_a_shell_reads_them() {
        use std::os::unix::ffi::OsStrExt as _;
        for (word, quoted) in [
            (&b"a\nb"[..], r"$'a\nb'"),
            (b"it's\\\x1b[1m", r"$'it\'s\\\033[1m'"),
            (b"\xff1", r"$'\3771'"),
            ("ü\u{202e}x".as_bytes(), r"$'ü\342\200\256x'"),
        ] {
            assert_eq!(shell_word(OsStr::from_bytes(word)), quoted);
            let shell =
                std::process::Command::new("bash").args(["-c", &format!("printf %s {quoted}")]).output();
            if let Ok(shell) = shell {
                assert_eq!(shell.stdout, word, "{quoted}");
            }
        }
    }

    #[test]
    fn a_hint_does_not_change_message_or_causes() {
        let error = anyhow!("disk full")
            .context("cannot write /x")
            .hint("free some space")
            .context("backfill stopped");
        let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
        assert_eq!(chain, ["backfill stopped", "cannot write /x", "disk full"]);
        assert_eq!(hints(&error), [&Hint("free some space".into())]);
    }

    #[test]
    fn hints_of_several_layers_are_all_found() {
        let inner: anyhow::Result<()> = Err(anyhow!("a")).hint("first").context("b").hint("second");
        let error = inner.unwrap_err();
        assert_eq!(hints(&error), [&Hint("second".into()), &Hint("first".into())]);
        assert!(hints(&anyhow!("plain")).is_empty());
    }
}
