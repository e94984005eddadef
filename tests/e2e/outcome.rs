//! Holds the result of one run of the program, with assertions that print all of it when they fail.

use std::fmt::{Debug, Display, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::schema;
use crate::tree::Tree;

/// One finished run.
pub(crate) struct Outcome {
    /// The arguments, joined for people.
    pub(crate) command: String,
    /// All of standard output, which is always UTF-8.
    pub(crate) stdout: String,
    /// All of standard error.
    pub(crate) stderr: String,
    /// The exit status: `None` if a signal ended the run; on Windows a crash gives a number above 255.
    pub(crate) code: Option<i32>,
    root: PathBuf,
    /// True if cells contain what Codex never writes. No schema describes such documents.
    has_odd_cells: bool,
}

impl Outcome {
    /// Takes the output of a run.
    pub(crate) fn new(root: &Path, command: &Command, output: Output) -> Outcome {
        let mut line = "codex-state".to_owned();
        for arg in command.get_args() {
            write!(line, " {}", arg.to_string_lossy()).unwrap();
        }
        let text = |bytes: Vec<u8>, stream| {
            String::from_utf8(bytes)
                .unwrap_or_else(|error| panic!("`{line}` wrote no UTF-8 to {stream}: {error}"))
        };
        Outcome {
            stdout: text(output.stdout, "stdout"),
            stderr: text(output.stderr, "stderr"),
            code: output.status.code(),
            command: line.clone(),
            root: root.to_owned(),
            has_odd_cells: false,
        }
    }

    /// Does not check documents of this run against the schemas, because cells contain what Codex never writes.
    pub(crate) fn with_odd_cells(mut self) -> Outcome {
        self.has_odd_cells = true;
        self
    }

    /// Returns everything about this run, for failed assertions.
    pub(crate) fn report(&self) -> String {
        let clip = |text: &str| match text.char_indices().nth(6000) {
            Some((end, _)) => format!("{}… ({} bytes in all)", &text[..end], text.len()),
            None => text.to_owned(),
        };
        format!(
            "\n$ {}\nexit status: {:?}\n--- stdout\n{}\n--- stderr\n{}\n--- files\n{}",
            self.command,
            self.code,
            clip(&self.stdout),
            clip(&self.stderr),
            Tree::of(&self.root.join("user")),
        )
    }

    /// Fails with `expected` and everything about this run unless `holds`.
    #[track_caller]
    pub(crate) fn assert(&self, holds: bool, expected: impl Display) -> &Self {
        assert!(holds, "expected: {expected}{}", self.report());
        self
    }

    /// Fails unless both are equal, and shows both, the reason, and everything about this run.
    #[track_caller]
    pub(crate) fn assert_eq<T: PartialEq + Debug>(&self, actual: T, expected: T, why: impl Display) -> &Self {
        assert!(
            actual == expected,
            "expected: {why}\n  expected {expected:?}\n  got      {actual:?}{}",
            self.report()
        );
        self
    }

    /// Fails unless the exit status is `code`.
    #[track_caller]
    pub(crate) fn status(&self, code: i32, why: impl Display) -> &Self {
        self.assert_eq(self.code, Some(code), format_args!("exit status {code}: {why}"));
        self.assert(!self.stderr.contains("panicked at"), "no panic, whatever the input")
    }

    /// Returns true if the run crashed, so that it has no exit status.
    #[cfg(feature = "fault-points")]
    pub(crate) fn died(&self) -> bool {
        self.code.is_none_or(|code| !(0..=255).contains(&code))
    }

    /// Fails unless the exit status is 0 or 1: the run completed.
    #[track_caller]
    pub(crate) fn finished(&self) -> &Self {
        self.assert(matches!(self.code, Some(0 | 1)), "exit status 0 or 1: it ran to its end");
        self.assert(!self.stderr.contains("panicked at"), "no panic, whatever the input")
    }

    /// Fails unless the exit status is 2, stderr names `what` and has a hint, and stdout is empty.
    #[track_caller]
    pub(crate) fn trouble(&self, what: impl AsRef<str>) -> &Self {
        let what = what.as_ref();
        self.status(2, "it could not run");
        self.assert(self.stderr.contains(what), format_args!("stderr names {what:?}"));
        self.assert(self.stderr.contains("hint"), "stderr has a hint what to do next");
        self.assert(self.stdout.is_empty(), "no data on stdout when there is none")
    }

    /// Parses standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let document = serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("expected: stdout is one JSON document: {error}{}", self.report())
        });
        if let Some(command) = self.described().filter(|_| !self.has_odd_cells) {
            let checked = schema::check_document(command, &document);
            self.assert_eq(checked, Ok(()), "a document as docs/schema/ describes it");
        }
        document
    }

    /// Returns the command that was run, if docs/schema/ describes its documents.
    fn described(&self) -> Option<&str> {
        let mut words = self.command.split(' ').map(|word| if word == "ls" { "list" } else { word });
        words.find(|word| schema::describes(word))
    }

    /// Parses standard output as one JSON document of exactly this shape.
    #[track_caller]
    pub(crate) fn shaped<T: DeserializeOwned>(&self) -> T {
        let value = self.json();
        self.assert_eq(&value["schema_version"], &Value::from(1), "every document names its schema version");
        self.assert(
            self.stdout.trim_start().trim_start_matches('{').trim_start().starts_with("\"schema_version\""),
            "every document *starts* with its schema version",
        );
        serde_json::from_value(value).unwrap_or_else(|error| {
            panic!("expected: JSON of the documented shape: {error}{}", self.report())
        })
    }

    /// Returns the command, both streams and the status as one text for snapshots. Paths of the test are replaced.
    pub(crate) fn snapshot(&self) -> String {
        let text = format!(
            "$ {}\n{}--- stderr\n{}--- status {}\n",
            self.command,
            self.stdout,
            self.stderr,
            self.code.map_or("by signal".to_owned(), |code| code.to_string()),
        );
        let home = self.root.join("user").join(".codex");
        let (home, root) = (home.to_str().unwrap(), self.root.to_str().unwrap());
        let text = text.replace(home, "$HOME_DIR").replace(root, "$ROOT");
        if !cfg!(windows) {
            return text;
        }
        // TSV doubles backslashes.
        let doubled = |path: &str| path.replace('\\', r"\\");
        let text = text.replace(&doubled(home), "$HOME_DIR").replace(&doubled(root), "$ROOT");
        let slashed = |word: &str| match word.find("$HOME_DIR").or_else(|| word.find("$ROOT")) {
            Some(at) => format!("{}{}", &word[..at], word[at..].replace(r"\\", "/").replace('\\', "/")),
            None => word.to_owned(),
        };
        text.split_inclusive(char::is_whitespace).map(slashed).collect()
    }
}
