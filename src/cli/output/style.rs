//! The few colours, and the painting of text with them; `line/color.rs` decides for which stream.

use std::fmt;

use crate::cli::line::color::ColorChoice;
use crate::cli::line::env::Environment;

/// How standard error is painted where the command line could not be read, and with it `--color`.
#[must_use]
pub fn of_errors() -> Style {
    Environment::from_process().map_or(Style::PLAIN, |environment| {
        Style::chosen(ColorChoice::Auto, &environment, environment.stderr_is_terminal)
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

    /// Decides for one stream.
    #[must_use]
    pub fn chosen(choice: ColorChoice, environment: &Environment, is_terminal: bool) -> Self {
        Self { colour: choice.is_coloured(environment, is_terminal) }
    }

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
