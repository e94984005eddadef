//! The last lines of `show`: whether Codex lists the thread, why not, and the command that opens it.

use crate::cli::commands::ways::Ways;
use crate::cli::output::messages::Messages;
use crate::cli::output::{TableCell, Tone, shown, text};
use crate::db::shown::{HiddenReason, Visibility};
use crate::error::shell_word;
use crate::sys;
use crate::thread::ThreadId;
use std::path::Path;

/// Returns the lines about a thread: whether Codex lists it, what to do about that, and how to open it.
pub(super) fn lines(
    messages: &Messages,
    ways: &Ways<'_>,
    id: ThreadId,
    folder: &str,
    verdict: &Visibility,
) -> Vec<(&'static str, TableCell)> {
    let mut lines = Vec::new();
    if verdict.reasons.is_empty() {
        lines.push(("in codex", TableCell::new("listed; codex resume lists it in its folder alone")));
    } else {
        let reasons = format!("hidden: {}", shown::reasons(verdict.reasons));
        lines.push(("in codex", TableCell::new(reasons).tone(Tone::Doubtful)));
    }
    if verdict.reasons.iter().any(|reason| reason == HiddenReason::Archived) {
        let back = format!("codex-state unarchive {id} brings it back into the list");
        lines.push(("", TableCell::new(messages.with_options(&back))));
    }
    if ways.is_undefined(&verdict.provider) {
        lines.push(("", TableCell::new(ways.undefined(&verdict.provider))));
    } else if verdict.reasons.iter().any(|reason| reason == HiddenReason::Provider) {
        lines.push(("", TableCell::new(ways.lists_only())));
    }
    lines.push(("resume", TableCell::exact(resume(id, folder)).tone(Tone::Bold)));
    lines
}

/// Returns the command that opens a thread, in its folder if that exists.
fn resume(id: ThreadId, folder: &str) -> String {
    let command = format!("codex resume {id}");
    let folder = sys::without_verbatim_prefix(folder);
    let path = Path::new(&*folder);
    // A word whose spelling is escaped for display cannot be copied.
    let is_plain = *text::safe(&folder) == *folder;
    match path.is_absolute() && is_plain && path.is_dir() {
        true => format!("cd {} && {command}", shell_word(path)),
        false => command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_that_is_there_and_can_be_copied_is_entered() {
        let id = ThreadId::from_u128(1);
        let alone = format!("codex resume {id}");
        let folder = tempfile::tempdir().unwrap();
        let check = |name: &str, is_entered: bool| {
            let path = folder.path().join(name);
            if std::fs::create_dir_all(&path).is_err() {
                return;
            }
            let line = resume(id, path.to_str().unwrap());
            let expected =
                if is_entered { format!("cd {} && {alone}", shell_word(&path)) } else { alone.clone() };
            assert_eq!(line, expected);
        };
        check("plain", true);
        check("it's; rm -rf ~ $(x) `y`", true);
        check("line\nbreak", false);
        check("\u{1b}[31mred", false);
        check("right \u{202e}left", false);
        for folder in ["", "relative", "-", "/nowhere/at/all"] {
            assert_eq!(resume(id, folder), alone);
        }
    }
}
