//! Guesses what people mean by words that are no command or option. A guess never leads to a command that writes.

use crate::cli::line::args::NAME;

/// The commands that change files of Codex or the database.
const WRITING: [&str; 8] =
    ["archive", "backfill", "backup", "prune", "rebuild", "relink", "restore", "unarchive"];
/// The options with which a command deletes or overwrites more, or cannot be undone.
const DANGEROUS: [&str; 5] = ["--all-missing", "--force", "--no-backup", "--prune", "--yes"];

/// Suggests what to type instead of an unknown command. `similar` is the command with the most similar name.
pub(super) fn command(typed: &str, similar: Option<&str>) -> String {
    let meant = match typed.to_ascii_lowercase().as_str() {
        "check" | "diagnose" | "diagnostics" | "fix" | "health" | "heal" | "index" | "info" | "mend"
        | "recover" | "recovery" | "reindex" | "repair" | "rescue" | "scan" | "sync" => {
            "status says what is wrong, and what to do next"
        }
        "find" | "grep" | "query" | "search" => "list --search TEXT finds threads by title and first message",
        "continue" | "open" | "resume" => "show THREAD prints the codex resume line that opens a thread",
        "version" => "--version",
        "undo" => "restore lists the backups, and changes nothing by that",
        "cat" | "export" | "print" | "read" | "view" => {
            "path THREAD names the rollout of a thread, and show THREAD prints its row"
        }
        "clean" | "delete" | "gc" | "purge" | "remove" | "rm" => {
            return format!("no command deletes a conversation; {NAME} --help lists the commands");
        }
        _ => match similar {
            None => return format!("{NAME} --help lists the commands"),
            Some(similar) if WRITING.contains(&similar) => {
                return format!(
                    "{NAME} help {similar} explains {similar}, which writes; {NAME} status says what to do next"
                );
            }
            Some(similar) => return format!("{NAME} {similar}; or {NAME} --help, for all commands"),
        },
    };
    format!("{NAME} {meant}; {NAME} --help lists the commands")
}

/// Suggests what to type instead of an unknown option. `similar` is the option with the most similar name, and
/// `help` the command that lists the options.
pub(super) fn option(typed: &str, similar: Option<&str>, help: &str) -> String {
    let name = typed.split('=').next().unwrap_or_default();
    let format = name.strip_prefix("--").filter(|name| {
        ["csv", "github", "json", "jsonl", "table", "tsv"].contains(&name.to_ascii_lowercase().as_str())
    });
    if let Some(format) = format {
        return format!("--format {}; or {help}, for all options", format.to_ascii_lowercase());
    }
    if matches!(name, "--fix" | "--mend" | "--repair") {
        return format!("{NAME} status says what is wrong, and what to do next");
    }
    match similar.filter(|similar| !DANGEROUS.contains(similar)) {
        Some(similar) => format!("{similar}; or {help}, for all options"),
        None => format!("{help} lists the options"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_command_leads_to_what_was_meant() {
        let check = |typed: &str, similar: Option<&str>, expected: &str| {
            let hint = command(typed, similar);
            assert!(hint.starts_with(expected), "{typed}: {hint}");
        };
        for typed in ["fix", "repair", "Recover", "check"] {
            check(typed, Some("prune"), "codex-state status says");
        }
        check("search", None, "codex-state list --search TEXT");
        check("resume", Some("rebuild"), "codex-state show THREAD");
        check("version", None, "codex-state --version");
        check("rm", Some("prune"), "no command deletes");
        check("verfy", Some("verify"), "codex-state verify; or");
        check("backfil", Some("backfill"), "codex-state help backfill explains");
        check("frobnicate", None, "codex-state --help lists");
    }

    #[test]
    fn no_guess_proposes_to_write() {
        for writing in WRITING {
            let hint = command("x", Some(writing));
            assert!(!hint.contains(&format!("codex-state {writing}")), "{hint}");
        }
        for dangerous in DANGEROUS {
            assert_eq!(option("--x", Some(dangerous), "H"), "H lists the options");
        }
    }

    #[test]
    fn a_format_is_named_as_an_option() {
        assert_eq!(option("--json", None, "H"), "--format json; or H, for all options");
        assert_eq!(option("--JSON=1", Some("--no-header"), "H"), "--format json; or H, for all options");
        assert_eq!(option("--colums", Some("--columns"), "H"), "--columns; or H, for all options");
        assert_eq!(
            option("--fix", Some("--format"), "H"),
            "codex-state status says what is wrong, and what to do next"
        );
    }
}
