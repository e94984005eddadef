//! Decides from `--color` and environment variables whether a stream is coloured. The colours are defined elsewhere.

use crate::cli::line::env::Environment;
use clap::ValueEnum;
use std::ffi::OsStr;

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal that can show it
    #[default]
    Auto,
    /// Even into a pipe or a file
    Always,
    /// Not at all
    Never,
}

impl ColorChoice {
    /// Decides for one stream.
    ///
    /// The option has precedence; then `NO_COLOR` (no-color.org), `CLICOLOR_FORCE`, `CLICOLOR=0`
    /// (bixense.com/clicolors) and `TERM=dumb`; otherwise the stream is coloured if it is a terminal that understands
    /// escape sequences.
    pub fn is_coloured(self, environment: &Environment, is_terminal: bool) -> bool {
        let is_set = |name| environment.var(name).is_some_and(|value| value != OsStr::new("0"));
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if environment.var("NO_COLOR").is_some() => false,
            Self::Auto if is_set("CLICOLOR_FORCE") => true,
            Self::Auto if environment.var("CLICOLOR").is_some_and(|value| value == OsStr::new("0")) => false,
            Self::Auto => {
                is_terminal
                    && environment.understands_ansi
                    && environment.var("TERM").is_none_or(|term| term != OsStr::new("dumb"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coloured(choice: ColorChoice, vars: &[(&'static str, &str)], is_terminal: bool) -> bool {
        let environment =
            vars.iter().fold(Environment::bare(), |environment, (name, value)| environment.with(name, value));
        choice.is_coloured(&environment, is_terminal)
    }

    #[test]
    fn the_option_has_the_last_word() {
        assert!(coloured(ColorChoice::Always, &[("NO_COLOR", "1"), ("TERM", "dumb")], false));
        assert!(!coloured(ColorChoice::Never, &[("CLICOLOR_FORCE", "1")], true));
    }

    #[test]
    fn by_default_only_terminals_are_coloured() {
        assert!(coloured(ColorChoice::Auto, &[], true));
        assert!(coloured(ColorChoice::Auto, &[("TERM", "xterm-256color"), ("CLICOLOR", "1")], true));
        assert!(!coloured(ColorChoice::Auto, &[], false));
        assert!(!coloured(ColorChoice::Auto, &[("TERM", "dumb")], true));
        let mut old_console = Environment::bare();
        old_console.understands_ansi = false;
        assert!(!ColorChoice::Auto.is_coloured(&old_console, true));
        assert!(ColorChoice::Always.is_coloured(&old_console, true));
    }

    #[test]
    fn the_environment_can_forbid_and_force_it() {
        assert!(!coloured(ColorChoice::Auto, &[("NO_COLOR", "1")], true));
        assert!(
            !coloured(ColorChoice::Auto, &[("NO_COLOR", "0"), ("CLICOLOR_FORCE", "1")], true),
            "any value counts"
        );
        assert!(coloured(ColorChoice::Auto, &[("NO_COLOR", "")], true), "an empty one does not");
        assert!(coloured(ColorChoice::Auto, &[("CLICOLOR_FORCE", "1")], false));
        assert!(!coloured(ColorChoice::Auto, &[("CLICOLOR_FORCE", "0")], false));
        assert!(!coloured(ColorChoice::Auto, &[("CLICOLOR", "0")], true));
    }
}
