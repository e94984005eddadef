//! Reports mistakes on the command line, which clap finds, in the style of all other errors.

use crate::cli::line::args::{Cli, NAME};
use crate::cli::line::meant;
use crate::error::WithHint as _;
use anyhow::anyhow;
use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;
use std::ffi::OsString;

/// Returns the mistake as an error in this program's style; `None` for help and the version, which clap prints itself.
pub fn mistake(error: &clap::Error, arguments: &[OsString]) -> Option<anyhow::Error> {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return None;
    }
    let help = help_command(arguments);
    let found = MistakeDetails(error);
    let argument = plain(&found.first(ContextKind::InvalidArg));
    Some(match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let typed = found.first(ContextKind::InvalidSubcommand);
            // The last suggestion is the most similar.
            let similar = found.all(ContextKind::SuggestedSubcommand);
            let hint = meant::command(&typed, similar.last().map(String::as_str));
            anyhow!("no such command: {typed}").hint(hint)
        }
        ErrorKind::MissingSubcommand => {
            anyhow!("the command is missing").hint(format!("{NAME} --help lists the commands"))
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let similar = found.all(ContextKind::SuggestedArg);
            let hint = meant::option(&argument, similar.first().map(String::as_str), &help);
            anyhow!("no such option: {argument}").hint(hint)
        }
        ErrorKind::InvalidValue if !found.all(ContextKind::ValidValue).is_empty() => {
            let similar = found.all(ContextKind::SuggestedValue);
            let similar = similar.first().map(|similar| format!("{similar}; or ")).unwrap_or_default();
            let choices = found.all(ContextKind::ValidValue).join(", ");
            anyhow!("{}", found.message(&argument)).hint(format!("{similar}one of {choices}"))
        }
        _ => anyhow!("{}", found.message(&argument)).hint(format!("{help} says how it is used")),
    })
}

/// Returns the command line that shows the help of the intended command.
fn help_command(arguments: &[OsString]) -> String {
    let program = Cli::command();
    let is_name = |word: &str| program.get_subcommands().any(|command| command.get_name() == word);
    match command_place(arguments, &program, is_name) {
        Some(place) => format!("{NAME} {} --help", arguments[place].display()),
        None => format!("{NAME} --help"),
    }
}

/// Returns the index of the first word that is a command.
pub(super) fn command_place(
    arguments: &[OsString],
    program: &clap::Command,
    is_command: impl Fn(&str) -> bool,
) -> Option<usize> {
    let takes_value = |word: &str| {
        let Some(long) = word.strip_prefix("--") else { return false };
        let mut named = program.get_arguments().filter(|argument| argument.get_long() == Some(long));
        named.any(|argument| argument.get_action().takes_values())
    };
    let mut places = 1..arguments.len();
    while let Some(place) = places.next() {
        let Some(word) = arguments[place].to_str() else { continue };
        if is_command(word) {
            return Some(place);
        }
        if takes_value(word) {
            // A file may have the name of a command.
            places.next();
        }
    }
    None
}

/// Returns an argument as it is written in messages: `--sort TIME` for `--sort <TIME>`.
fn plain(argument: &str) -> String {
    argument.replace(['<', '>', '[', ']'], "")
}

/// The details that clap gives about a mistake.
struct MistakeDetails<'a>(&'a clap::Error);

impl MistakeDetails<'_> {
    fn all(&self, kind: ContextKind) -> Vec<String> {
        match self.0.get(kind) {
            Some(ContextValue::String(text)) => vec![text.clone()],
            Some(ContextValue::Strings(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }

    fn first(&self, kind: ContextKind) -> String {
        self.all(kind).into_iter().next().unwrap_or_default()
    }

    /// Returns the message about a mistake in an argument.
    fn message(&self, argument: &str) -> String {
        let MistakeDetails(error) = self;
        let typed = self.first(ContextKind::InvalidValue);
        match error.kind() {
            ErrorKind::UnknownArgument => format!("unexpected argument: {argument}"),
            ErrorKind::InvalidValue if typed.is_empty() => format!("{argument}: the value is missing"),
            ErrorKind::InvalidValue => format!("invalid value \"{typed}\" for {argument}"),
            ErrorKind::ValueValidation => {
                let why = error.source().map(|why| format!(": {why}")).unwrap_or_default();
                format!("{argument}: cannot read \"{typed}\"{why}")
            }
            ErrorKind::ArgumentConflict => match plain(&self.first(ContextKind::PriorArg)) {
                other if other == argument => format!("{argument} is given twice"),
                other => format!("{argument} cannot be used together with {other}"),
            },
            ErrorKind::MissingRequiredArgument => {
                let missing = self.all(ContextKind::InvalidArg);
                let missing: Vec<String> = missing.iter().map(|name| plain(name)).collect();
                format!("{} is missing", missing.join(" and "))
            }
            _ => {
                let text = error.render().to_string();
                let first = text.lines().next().unwrap_or_default();
                first.strip_prefix("error: ").unwrap_or(first).to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::error::{message, print};
    use crate::cli::output::style::Style;
    use expect_test::{Expect, expect};

    #[track_caller]
    fn check(line: &str, expected: &Expect) {
        let arguments: Vec<OsString> =
            [NAME].into_iter().chain(line.split_whitespace()).map(OsString::from).collect();
        let error = crate::cli::line::read::read(&arguments).unwrap_err();
        let mut out = Vec::new();
        print(&mistake(&error, &arguments).unwrap(), &mut out, Style::PLAIN, &str::to_owned).unwrap();
        expected.assert_eq(&String::from_utf8(out).unwrap());
    }

    #[test]
    fn each_mistake_gives_one_line_and_a_correction() {
        check(
            "verfy",
            &expect![[r#"
            codex-state: error: no such command: verfy
            hint: codex-state verify; or codex-state --help, for all commands
        "#]],
        );
        check(
            "frobnicate",
            &expect![[r#"
            codex-state: error: no such command: frobnicate
            hint: codex-state --help lists the commands
        "#]],
        );
        check(
            "help frobnicate",
            &expect![[r#"
            codex-state: error: no such command: frobnicate
            hint: codex-state --help lists the commands
        "#]],
        );
        check(
            "list --colums id",
            &expect![[r#"
            codex-state: error: no such option: --colums
            hint: --columns; or codex-state list --help, for all options
        "#]],
        );
        check(
            "list -x",
            &expect![[r#"
            codex-state: error: no such option: -x
            hint: codex-state list --help lists the options
        "#]],
        );
        check(
            "--db list verify -x",
            &expect![[r#"
            codex-state: error: no such option: -x
            hint: codex-state verify --help lists the options
        "#]],
        );
        check(
            "--quiet",
            &expect![[r#"
            codex-state: error: the command is missing
            hint: codex-state --help lists the commands
        "#]],
        );
        check(
            "--frobnicate",
            &expect![[r#"
            codex-state: error: no such option: --frobnicate
            hint: --format; or codex-state --help, for all options
        "#]],
        );
        check(
            "restore a b",
            &expect![[r#"
            codex-state: error: unexpected argument: b
            hint: codex-state restore --help says how it is used
        "#]],
        );
        check(
            "list --sort name",
            &expect![[r#"
                codex-state: error: invalid value "name" for --sort ORDER
                hint: one of created, updated, recency, size
            "#]],
        );
        check(
            "completions tcsh",
            &expect![[r#"
            codex-state: error: invalid value "tcsh" for SHELL
            hint: zsh; or one of bash, elvish, fish, powershell, zsh
        "#]],
        );
        check(
            "backfill --times",
            &expect![[r#"
                codex-state: error: --times SOURCE: the value is missing
                hint: one of auto, mtime, events, keep
            "#]],
        );
        check(
            "list --since",
            &expect![[r#"
            codex-state: error: --since WHEN: the value is missing
            hint: codex-state list --help says how it is used
        "#]],
        );
        check(
            "list -n all",
            &expect![[r#"
            codex-state: error: --limit N: cannot read "all": expected a whole number, such as 20
            hint: codex-state list --help says how it is used
        "#]],
        );
        check(
            "backfill --jobs 0",
            &expect![[r#"
            codex-state: error: --jobs N: cannot read "0": expected a whole number from 1 to 256
            hint: codex-state backfill --help says how it is used
        "#]],
        );
        check(
            "verify --quick --deep",
            &expect![[r#"
            codex-state: error: --quick cannot be used together with --deep
            hint: codex-state verify --help says how it is used
        "#]],
        );
        check(
            "show",
            &expect![[r#"
            codex-state: error: THREAD... is missing
            hint: codex-state show --help says how it is used
        "#]],
        );
        check(
            "show",
            &expect![[r#"
                codex-state: error: THREAD... is missing
                hint: codex-state show --help says how it is used
            "#]],
        );
        check(
            "backfill --yes",
            &expect![[r#"
            codex-state: error: --prune is missing
            hint: codex-state backfill --help says how it is used
        "#]],
        );
        check(
            "list --recursive",
            &expect![[r#"
            codex-state: error: --cwd DIR is missing
            hint: codex-state list --help says how it is used
        "#]],
        );
        check(
            "list --quiet=yes",
            &expect![[r#"
            codex-state: error: unexpected value 'yes' for '--quiet' found; no more were expected
            hint: codex-state list --help says how it is used
        "#]],
        );
        check(
            "list -n 1 -n 2",
            &expect![[r#"
            codex-state: error: --limit N is given twice
            hint: codex-state list --help says how it is used
        "#]],
        );
        check(
            "--default-provider= list",
            &expect![[r#"
            codex-state: error: --default-provider ID: the value is missing
            hint: codex-state list --help says how it is used
        "#]],
        );
    }

    #[test]
    fn help_is_not_a_mistake() {
        for line in ["--help", "-h", "list --help", "help list", "--version", ""] {
            let arguments: Vec<OsString> =
                [NAME].into_iter().chain(line.split_whitespace()).map(OsString::from).collect();
            let error = crate::cli::line::read::read(&arguments).unwrap_err();
            let mistake = mistake(&error, &arguments);
            assert!(mistake.is_none(), "{line}: {}", message(&mistake.unwrap()));
        }
    }
}
