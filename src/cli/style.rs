//! Whether there is colour, and what the few colours are; not where the environment is read (`env.rs`).

use std::ffi::OsStr;
use std::fmt;

use clap::ValueEnum;

use crate::cli::env::Environment;

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
    /// The option has the last word; then `NO_COLOR` (no-color.org), `CLICOLOR_FORCE`, `CLICOLOR=0` (bixense.com/clicolors)
    /// and `TERM=dumb`; else it depends on whether the stream is a terminal
    /// that takes escape sequences.
    #[must_use]
    pub fn style(self, environment: &Environment, is_terminal: bool) -> Style {
        let is_set = |name| environment.var(name).is_some_and(|value| value != OsStr::new("0"));
        let colour = match self {
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
        };
        Style { colour }
    }
}

/// How standard error is painted where the command line could not be read, and with it `--color`.
#[must_use]
pub fn of_errors() -> Style {
    Environment::from_process().map_or(Style::PLAIN, |environment| {
        ColorChoice::Auto.style(&environment, environment.stderr_is_terminal)
    })
}

/// Paints text for one stream, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// No colour.
    pub const PLAIN: Self = Self { colour: false };
    /// With colour.
    pub const COLOURED: Self = Self { colour: true };

    /// Whether there is colour.
    #[must_use]
    pub fn is_coloured(self) -> bool {
        self.colour
    }

    /// Text in a tone, or as it is.
    pub fn paint<T: fmt::Display>(self, tone: Tone, text: T) -> impl fmt::Display {
        Painted { code: tone.code().filter(|_| self.colour), text }
    }
}

/// What a text is to the reader; which colour says so is decided here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Normal,
    /// A heading.
    Bold,
    /// Of less weight than what is around it.
    Dim,
    /// Right.
    Good,
    /// To be looked at: a warning.
    Doubtful,
    /// Wrong.
    Bad,
    /// To be found at a glance: an id, a hint, a bar.
    Accent,
}

impl Tone {
    /// The parameters of the escape sequence: the terminal's own palette, which its owner has made readable.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Normal => None,
            Self::Bold => Some("1"),
            Self::Dim => Some("2"),
            Self::Good => Some("32"),
            Self::Doubtful => Some("33"),
            Self::Bad => Some("1;31"),
            Self::Accent => Some("36"),
        }
    }
}

struct Painted<T> {
    code: Option<&'static str>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            None => self.text.fmt(f),
            Some(code) => {
                write!(f, "\x1b[{code}m")?;
                self.text.fmt(f)?;
                f.write_str("\x1b[0m")
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
        choice.style(&environment, is_terminal).is_coloured()
    }

    #[test]
    fn the_option_has_the_last_word() {
        assert!(coloured(ColorChoice::Always, &[("NO_COLOR", "1"), ("TERM", "dumb")], false));
        assert!(!coloured(ColorChoice::Never, &[("CLICOLOR_FORCE", "1")], true));
    }

    #[test]
    fn by_itself_colour_is_for_terminals() {
        assert!(coloured(ColorChoice::Auto, &[], true));
        assert!(coloured(ColorChoice::Auto, &[("TERM", "xterm-256color"), ("CLICOLOR", "1")], true));
        assert!(!coloured(ColorChoice::Auto, &[], false));
        assert!(!coloured(ColorChoice::Auto, &[("TERM", "dumb")], true));
        let mut old_console = Environment::bare();
        old_console.understands_ansi = false;
        assert!(!ColorChoice::Auto.style(&old_console, true).is_coloured());
        assert!(ColorChoice::Always.style(&old_console, true).is_coloured());
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

    #[test]
    fn plain_style_leaves_text_alone() {
        assert_eq!(
            format!("{:>5}|{}", Style::PLAIN.paint(Tone::Bold, "id"), Style::PLAIN.paint(Tone::Bad, 3)),
            "   id|3"
        );
        assert_eq!(Style::COLOURED.paint(Tone::Normal, "x").to_string(), "x");
        assert_eq!(Style::COLOURED.paint(Tone::Dim, "x").to_string(), "\x1b[2mx\x1b[0m");
    }
}
