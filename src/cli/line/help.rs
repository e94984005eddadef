//! The text below the options in `--help` and in the man pages: examples, exit statuses, files, environment.

use crate::cli::line::env::{COMPLETE, NOW, OPTIONS, VARIABLES};
use crate::cli::line::exit::Exit;
use crate::verify::FindingKind;
use std::fmt::Display;

/// The examples of all commands.
const EXAMPLES: &str = include_str!("examples.txt");

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

/// Returns the examples of a command, or of the program if it is empty: command lines with their effects.
pub fn examples(command: &str) -> Vec<(&'static str, &'static str)> {
    let heading = format!("# codex-state {command}");
    let below = EXAMPLES.lines().skip_while(|line| *line != heading.trim_end()).skip(1);
    let lines: Vec<&str> = below.take_while(|line| !line.is_empty()).collect();
    lines.chunks_exact(2).map(|example| (example[0], example[1].trim_start())).collect()
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
pub fn of_program() -> String {
    let set_but_empty = "Environment (a variable that is set but empty counts as unset):";
    [
        of_command(""),
        section("Exit status:", Exit::ALL.map(|exit| (exit.code(), exit.meaning()))),
        section("Files:", FILES),
        section(set_but_empty, environment()),
    ]
    .join("\n\n")
}

/// Adds the end of its help to a command.
pub fn with_examples(command: clap::Command) -> clap::Command {
    let end = of_command(command.get_name());
    command.after_long_help(end)
}

/// Returns the end of a command's help.
fn of_command(command: &str) -> String {
    let mut text = section("Examples:", examples(command));
    if command == "verify" {
        text += "\n\n";
        text += &section("Findings:", findings());
    }
    if !command.is_empty() {
        text += "\n\nExit status: 0 done; 1 the answer is no, or not everything could be done; 2 trouble; 130 interrupted. \
                 codex-state --help says more about it, and has the files and the environment variables.";
    }
    text
}

/// Returns a heading, and below it each name with its meaning on a separate line, which clap wraps.
fn section<N: Display, M: Display>(heading: &str, entries: impl IntoIterator<Item = (N, M)>) -> String {
    let entries = entries.into_iter().map(|(name, meaning)| format!("\n  {name}\n          {meaning}"));
    std::iter::once(heading.to_owned()).chain(entries).collect()
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
        let headings = EXAMPLES.lines().filter_map(|line| line.strip_prefix("# codex-state"));
        let headings: Vec<&str> = headings.map(str::trim_start).collect();
        assert_eq!(headings.len(), names.len() + 1, "and no other has: {names:?}");
        for name in headings {
            assert!(!examples(name).is_empty(), "{name}");
            for (line, _) in examples(name) {
                let command = line.split(['>', '<']).next().unwrap().trim_end();
                for command in command.split(" | ") {
                    Cli::try_parse_from(command.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
                }
                assert!(line.contains(&format!("codex-state {name}")), "{line} is about {name}");
            }
        }
    }
}
