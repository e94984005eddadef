//! Parses a command line into [`args`](crate::cli::line::args). It does not interpret the options.

use crate::cli::line::args::{Cli, Command, Global, NAME};
use clap::{Args, FromArgMatches, Parser as _};
use std::ffi::OsString;

/// The options with a value that scripts put before the command.
const BEFORE_THE_COMMAND: [&str; 4] = ["--codex-home", "--db", "--sqlite-home", "--format"];

/// Parses a command line.
///
/// Clap needs more time to describe all options of all commands, and to pass the global ones to each, than SQLite
/// needs for a short listing. So for the commands that scripts call in loops, only one command with its own and the
/// global options is described. If that does not parse the line, all are. A short listing needs 28 % fewer
/// instructions for it (benches/results/2026-11-29-instructions.md).
///
/// # Errors
/// If the line is invalid or asks for help.
pub fn read(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    read_short(arguments).map_or_else(|| Cli::try_parse_from(arguments), Ok)
}

fn read_short(arguments: &[OsString]) -> Option<Cli> {
    let place = arguments.iter().position(|word| ["list", "show", "path"].iter().any(|name| word == name))?;
    // The word is the command, and not an option's value, if only options with one value each precede it.
    let mut pairs = arguments[..place].get(1..)?.chunks(2);
    let is_pair =
        |pair: &[OsString]| pair.len() == 2 && BEFORE_THE_COMMAND.iter().any(|name| pair[0] == *name);
    if !pairs.all(is_pair) {
        return None;
    }
    let program = Global::augment_args(clap::Command::new(NAME));
    // Without subcommands, no value must be passed on to them.
    let program = program.mut_args(|argument| argument.global(false));
    let words = arguments[..place].iter().chain(&arguments[place + 1..]);
    match arguments[place].to_str()? {
        "list" => read_command(program, words, Command::List),
        "show" => read_command(program, words, Command::Show),
        _ => read_command(program, words, Command::Path),
    }
}

fn read_command<'a, T: Args + FromArgMatches>(
    program: clap::Command,
    words: impl Iterator<Item = &'a OsString>,
    command: impl Fn(T) -> Command,
) -> Option<Cli> {
    let mut matches = T::augment_args(program).try_get_matches_from(words).ok()?;
    // Moves the values out instead of cloning them, which would take as long as the rest.
    let global = Global::from_arg_matches_mut(&mut matches).ok()?;
    Some(Cli { global, command: command(T::from_arg_matches_mut(&mut matches).ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_parser_reads_the_same_as_the_long_one_or_nothing() {
        for line in [
            "list",
            "list -n 20 --format tsv",
            "--db x list --all --columns id,title --no-header",
            "list --db x --source a --source b --cwd y --recursive --since 2d --busy-timeout 0.5",
            "--format json show a b - --compare",
            "show list",
            "path a --active -q",
            "path show",
            "--db list show a",
            "--db show backfill -n",
            "--db show",
            "--codex-home x --db list show a",
            "--db --format list show a",
            "--db=x list -n 2",
            "--db x --format json list --db y",
            "-q list",
            "-n 3 list",
            "--all list",
            "list -- list",
            "show -- -x",
            "list --columns idd",
            "list --after",
            "list --archived --all",
            "list --help",
            "show",
            "path",
            "path a b",
            "backfill list",
            "--version list",
            "help list",
            "lis",
            "",
        ] {
            let arguments: Vec<OsString> =
                ["codex-state"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect();
            let long = Cli::try_parse_from(&arguments);
            let shown =
                |result: Result<Cli, clap::Error>| format!("{:?}", result.map_err(|error| error.to_string()));
            if let Some(short) = read_short(&arguments) {
                assert_eq!(shown(Ok(short)), shown(long), "{line}");
            } else {
                assert_eq!(shown(read(&arguments)), shown(long), "{line}");
            }
        }
        let short = |line: &str| read_short(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in ["--db x list -n 20", "--codex-home x --db y show a", "path a"] {
            assert!(short(&format!("codex-state {line}")).is_some(), "{line} is worth it");
        }
    }
}
