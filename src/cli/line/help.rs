//! The text below the options in `--help` and in the man pages: examples, exit statuses, files, environment.

use crate::cli::line::env::{COMPLETE, NOW, OPTIONS, VARIABLES};
use crate::cli::line::exit::Exit;
use crate::verify::FindingKind;

/// An example: the command line and its effect.
pub type Example = (&'static str, &'static str);

/// The examples of each command; those of the program itself have an empty name.
pub const EXAMPLES: [(&str, &[Example]); 16] = [
    (
        "",
        &[
            ("codex-state status", "begin here: which database is used, what is in it, and what to do next"),
            (
                "codex-state verify",
                "say whether database and rollouts agree, and name each difference; changes nothing",
            ),
            ("codex-state backfill --dry-run", "say what backfill would change"),
            ("codex-state backfill", "repair the index from the rollouts, after a backup of the database"),
            ("codex-state list -n 20", "list the threads that were changed last"),
        ],
    ),
    (
        "backfill",
        &[
            ("codex-state backfill --dry-run --verbose", "say which rows would change, and why"),
            ("codex-state backfill", "repair every row that differs from its rollout"),
            (
                "codex-state backfill --times events",
                "take all times from the rollouts, not from their modification times",
            ),
            (
                "codex-state backfill --facts-from old/state_5.sqlite",
                "also take names and pins from another database",
            ),
        ],
    ),
    (
        "verify",
        &[
            ("codex-state verify", "compare every field"),
            ("codex-state verify --quick", "take a quick look, without opening a rollout"),
            ("codex-state verify --strict --format github --junit report.xml", "in a GitHub workflow"),
        ],
    ),
    (
        "list",
        &[
            ("codex-state list -n 20", "the 20 threads that were changed last"),
            (
                "codex-state list --search invoice --since 7d",
                "the threads about invoices of the last seven days",
            ),
            (
                "codex-state list --cwd . --recursive --format json",
                "the threads of this folder and those below, for a program",
            ),
            (
                "codex-state list --until 90d --ids | codex-state archive -",
                "archive the threads that were last changed more than 90 days ago",
            ),
        ],
    ),
    (
        "show",
        &[
            ("codex-state show 019c7f25", "every column; the beginning of the id is enough"),
            ("codex-state show --compare 019c7f25", "every column beside what the rollout says"),
        ],
    ),
    ("path", &[("codex-state path 019c7f25", "print where the rollout is")]),
    (
        "archive",
        &[
            ("codex-state archive --dry-run 019c7f25", "say which files would move"),
            (
                "codex-state list --until 90d --ids | codex-state archive -",
                "archive the threads that were last changed more than 90 days ago",
            ),
        ],
    ),
    (
        "unarchive",
        &[
            ("codex-state unarchive 019c7f25", "move its rollout back into sessions/"),
            ("codex-state unarchive - < archived.txt", "move back the threads of a file of archive --ids-to"),
        ],
    ),
    (
        "prune",
        &[
            ("codex-state prune --dry-run", "say which rows would be deleted"),
            ("codex-state prune --yes", "delete them without asking"),
        ],
    ),
    (
        "relink",
        &[
            ("codex-state relink --dry-run ~/old/canal ~/work/canal", "say which threads would be changed"),
            ("codex-state relink ~/old/canal ~/work/canal", "after a project moved"),
            (
                "codex-state relink --missing-ok /home/ann /Users/ann",
                "on a new machine, before the projects are there",
            ),
        ],
    ),
    (
        "status",
        &[
            (
                "codex-state status",
                "say which database is used, what is in it, and why Codex does not list a thread",
            ),
            ("codex-state status --format json", "the same for a program"),
        ],
    ),
    (
        "backup",
        &[
            ("codex-state backup", "copy it into codex-state-backups/ beside the database"),
            ("codex-state backup before.sqlite", "copy it to a new file"),
        ],
    ),
    (
        "rebuild",
        &[
            ("codex-state rebuild --dry-run", "say what is wrong with the database, and what would be saved"),
            ("codex-state rebuild", "replace a database that is damaged or that Codex refuses"),
        ],
    ),
    (
        "restore",
        &[
            ("codex-state restore", "list the backups"),
            ("codex-state restore --dry-run before.sqlite", "say what would be replaced"),
            (
                "codex-state restore before.sqlite",
                "restore this backup, and keep the present database as another one",
            ),
        ],
    ),
    (
        "completions",
        &[
            ("codex-state completions --install", "install the script of your shell"),
            ("codex-state completions fish > codex-state.fish", "write the script of one shell to a file"),
        ],
    ),
    (
        "man",
        &[
            ("codex-state man ~/.local/share/man/man1", "install all pages for man"),
            ("codex-state man > codex-state.1", "write the page of the program to a file"),
        ],
    ),
];

/// The files that the program uses, with their purpose.
pub const FILES: [(&str, &str); 5] = [
    ("~/.codex", "the Codex home, if no other is named"),
    (
        "sessions/, archived_sessions/",
        "in the Codex home: the rollouts; they are never written, and only archive and unarchive move them",
    ),
    (
        "state_5.sqlite, state.sqlite",
        "the database: in the Codex home, in its folder sqlite, or in the SQLite home",
    ),
    (
        "config.toml",
        "in the Codex home: model_provider, sqlite_home and the names of model_providers are read",
    ),
    (
        "codex-state-backups/",
        "beside the database: backups, databases that were replaced, and rows that prune deleted",
    ),
];

/// Returns the examples of a command.
#[must_use]
pub fn examples(command: &str) -> &'static [Example] {
    EXAMPLES.iter().find(|(name, _)| *name == command).map_or(&[], |(_, examples)| examples)
}

/// Returns the environment variables for users, with their meaning.
pub fn environment() -> impl Iterator<Item = (&'static str, &'static str)> {
    let completion = (COMPLETE, "set by the completion scripts when they ask for threads");
    let defaults = (OPTIONS, OPTIONS_MEANING);
    let others = VARIABLES.into_iter().filter(|(name, _)| *name != NOW);
    others.chain([defaults, completion])
}

/// The help about defaults for options.
const OPTIONS_MEANING: &str = "long options that are added to every command line, as in \"--color never --jobs 2\"; they are split as a shell splits \
     words. A command takes the options that it knows, unless its own command line gives the same option, or one that \
     conflicts with it";

/// Returns the kinds of findings of `verify`: name, meaning and advice.
pub fn findings() -> impl Iterator<Item = (&'static str, String)> {
    FindingKind::ALL.into_iter().map(|kind| {
        let (meaning, advice) = kind.meaning();
        (kind.name(), format!("{}: {meaning}; to do: {advice}", kind.severity().name()))
    })
}

/// Returns the end of the program's help.
#[must_use]
pub fn of_program() -> String {
    let exits: Vec<(String, &str)> =
        Exit::ALL.iter().map(|exit| (exit.code().to_string(), exit.meaning())).collect();
    let files: Vec<(String, &str)> = FILES.iter().map(|(name, what)| ((*name).to_owned(), *what)).collect();
    let variables: Vec<(String, &str)> = environment().map(|(name, what)| (name.to_owned(), what)).collect();
    [
        of_command(""),
        section("Exit status:", &exits),
        section("Files:", &files),
        section("Environment (a variable that is set but empty counts as unset):", &variables),
    ]
    .join("\n\n")
}

/// Returns the end of a command's help.
#[must_use]
pub fn of_command(command: &str) -> String {
    let examples: Vec<(String, &str)> =
        examples(command).iter().map(|(line, what)| ((*line).to_owned(), *what)).collect();
    let mut text = section("Examples:", &examples);
    if command == "verify" {
        let findings: Vec<(String, String)> =
            findings().map(|(name, what)| (name.to_owned(), what)).collect();
        text += "\n\n";
        text += &section("Findings:", &findings);
    }
    if !command.is_empty() {
        text += "\n\nExit status: 0 done; 1 the answer is no, or not everything could be done; 2 trouble; 130 interrupted. \
                 codex-state --help says more about it, and has the files and the environment variables.";
    }
    text
}

/// Returns a heading, and below it each name with its meaning on a separate line, which clap wraps.
fn section<T: std::fmt::Display>(heading: &str, entries: &[(String, T)]) -> String {
    let mut text = heading.to_owned();
    for (name, what) in entries {
        text += &format!("\n  {name}\n          {what}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::line::args::Cli;
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn every_command_has_examples_and_each_is_a_command_line() {
        let commands = Cli::command();
        let names: Vec<&str> = commands.get_subcommands().map(clap::Command::get_name).collect();
        for name in &names {
            assert!(!examples(name).is_empty(), "{name} has an example");
        }
        assert_eq!(EXAMPLES.len(), names.len() + 1, "and no other has: {names:?}");
        for (name, examples) in EXAMPLES {
            for (line, _) in examples {
                let command = line.split(['>', '<']).next().unwrap().trim_end();
                for command in command.split(" | ") {
                    Cli::try_parse_from(command.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
                }
                assert!(line.contains(&format!("codex-state {name}")), "{line} is about {name}");
            }
        }
    }
}
