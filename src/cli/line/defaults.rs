//! Adds defaults for options from the variable `CODEX_STATE_OPTS` to a command line; clap gives them their meaning.

use crate::cli::line::args::Cli;
use crate::cli::line::env::OPTIONS;
use crate::cli::line::usage;
use crate::error::WithHint as _;
use anyhow::{Context as _, anyhow};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _};
use std::ffi::OsString;

/// An option in the variable, with its value.
struct DefaultOption {
    id: String,
    /// True if the option may be given several times.
    is_repeatable: bool,
    words: Vec<String>,
}

/// Returns a command line with the defaults after its command. Leaves out options that the command does not have, and
/// those that the command line gives itself or that conflict with it.
///
/// `arguments` must be a valid command line.
///
/// # Errors
/// If the text contains a word that is not an option, an option that no command has, or an invalid value.
pub fn add(arguments: &[OsString], defaults: &str) -> anyhow::Result<Vec<OsString>> {
    let mut program = Cli::command();
    program.build();
    let Ok(given) = program.clone().try_get_matches_from(arguments) else { return Ok(arguments.to_vec()) };
    let Some((name, given_to_command)) = given.subcommand() else { return Ok(arguments.to_vec()) };
    let Some(command) = program.find_subcommand(name) else { return Ok(arguments.to_vec()) };
    let wanted = read(defaults, &program, command).context(OPTIONS)?;
    let is_command = |word: &str| program.find_subcommand(word).is_some();
    let Some(place) = usage::command_place(arguments, &program, is_command) else {
        return Ok(arguments.to_vec());
    };
    let behind = place + 1;
    let mut line = arguments.to_vec();
    let mut end = behind;
    for (n, default) in wanted.iter().enumerate() {
        let comes_again = wanted[n + 1..].iter().any(|later| later.id == default.id);
        let is_known = command.get_arguments().any(|argument| argument.get_id() == &*default.id);
        let is_given = is_given(&default.id, &given) || is_given(&default.id, given_to_command);
        if !is_known || is_given || (comes_again && !default.is_repeatable) {
            continue;
        }
        let mut longer = line.clone();
        longer.splice(end..end, default.words.iter().map(OsString::from));
        match program.clone().try_get_matches_from(&longer) {
            Ok(_) => {
                end += default.words.len();
                line = longer;
            }
            // The option conflicts with another one, or requires one that is not given.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ArgumentConflict | ErrorKind::MissingRequiredArgument
                ) => {}
            Err(error) => {
                let mistake = usage::mistake(&error, &longer);
                return Err(mistake.unwrap_or_else(|| anyhow!("{}", default.words.join(" "))))
                    .context(OPTIONS);
            }
        }
    }
    Ok(line)
}

fn is_given(id: &str, matches: &ArgMatches) -> bool {
    let is_known = matches.try_contains_id(id).is_ok();
    is_known && matches.value_source(id) == Some(ValueSource::CommandLine)
}

fn find<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|argument| argument.get_long() == Some(long))
}

/// Reads the options of the variable. The command defines each option; if it does not have it, any other command that
/// does.
fn read(defaults: &str, program: &Command, command: &Command) -> anyhow::Result<Vec<DefaultOption>> {
    let hint = "the variable holds long options alone, as in --color never --jobs 2";
    let words =
        shell_words::split(defaults).map_err(|_| anyhow!("a quotation mark has no end").hint(hint))?;
    let mut words = words.into_iter();
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let Some(option) = word.strip_prefix("--").filter(|option| !option.is_empty()) else {
            return Err(anyhow!("{word}: is not a long option").hint(hint));
        };
        let long = option.split('=').next().unwrap_or(option);
        let mut others = program.get_subcommands();
        let argument = find(command, long)
            .or_else(|| find(program, long))
            .or_else(|| others.find_map(|other| find(other, long)))
            .filter(|argument| {
                !matches!(
                    argument.get_action(),
                    ArgAction::Help | ArgAction::HelpLong | ArgAction::HelpShort | ArgAction::Version
                )
            });
        let Some(argument) = argument else {
            return Err(
                anyhow!("no such option: --{long}").hint("codex-state COMMAND --help lists the options")
            );
        };
        let mut own = vec![word.clone()];
        if argument.get_action().takes_values() && !option.contains('=') {
            let Some(value) = words.next() else {
                return Err(anyhow!("--{long}: the value is missing").hint(hint));
            };
            own = vec![format!("--{long}={value}")];
        }
        options.push(DefaultOption {
            id: argument.get_id().to_string(),
            is_repeatable: matches!(argument.get_action(), ArgAction::Append),
            words: own,
        });
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the command line with the defaults as one text.
    fn with(defaults: &str, line: &str) -> String {
        let arguments: Vec<OsString> =
            ["codex-state"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect();
        let line = match add(&arguments, defaults) {
            Ok(line) => line,
            Err(error) => return format!("{error:#}"),
        };
        line[1..].iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_command_takes_the_options_that_it_knows() {
        let defaults = "--color never --jobs 2 --sort=created";
        assert_eq!(with(defaults, "list -n 3"), "list --color=never --sort=created -n 3");
        assert_eq!(with(defaults, "verify"), "verify --color=never --jobs=2");
        assert_eq!(with(defaults, "--db x -q ls a"), "--db x -q ls --color=never --sort=created a");
        assert_eq!(with("", "list"), "list");
        assert_eq!(with("  --cwd '/my work'  ", "list"), "list --cwd=/my work");
        assert_eq!(with("--source a --source b", "list"), "list --source=a --source=b");
    }

    #[test]
    fn the_command_line_wins() {
        assert_eq!(with("--format json --jobs 2", "verify --format tsv"), "verify --jobs=2 --format tsv");
        assert_eq!(with("--format json", "--format tsv verify"), "--format tsv verify");
        assert_eq!(with("--source a", "list --source b"), "list --source b");
        assert_eq!(with("--quiet", "list --verbose"), "list --verbose", "they rule each other out");
        assert_eq!(with("--all", "list --archived"), "list --archived");
        assert_eq!(with("--yes", "backfill"), "backfill", "it needs --prune");
        assert_eq!(with("--yes", "backfill --prune"), "backfill --yes --prune");
        assert_eq!(with("--format json --format tsv", "list"), "list --format=tsv", "the last one counts");
    }

    #[test]
    fn errors_name_the_variable() {
        assert_eq!(with("--fromat json", "list"), "CODEX_STATE_OPTS: no such option: --fromat");
        assert_eq!(with("--help", "list"), "CODEX_STATE_OPTS: no such option: --help");
        assert_eq!(with("--format", "list"), "CODEX_STATE_OPTS: --format: the value is missing");
        assert_eq!(with("-q", "list"), "CODEX_STATE_OPTS: -q: is not a long option");
        assert_eq!(with("x", "list"), "CODEX_STATE_OPTS: x: is not a long option");
        assert_eq!(with("--", "list"), "CODEX_STATE_OPTS: --: is not a long option");
        assert_eq!(with("'--quiet", "list"), "CODEX_STATE_OPTS: a quotation mark has no end");
        assert!(with("--jobs no", "verify").starts_with("CODEX_STATE_OPTS: --jobs"));
        assert_eq!(with("--jobs no", "list"), "list", "a command that does not know it does not read it");
    }

    #[test]
    fn a_line_that_cannot_be_read_stays_as_it_is() {
        for line in ["", "--help", "lisst", "list --nonsense"] {
            assert_eq!(with("--quiet", line), line);
        }
    }
}
