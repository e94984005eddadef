//! The few colours, and the painting of text with them. `line/color.rs` decides for which stream.

use std::fmt;

use crate::cli::line::color::ColorChoice;
use crate::cli::line::env::Environment;

/// Returns the style of standard error if the command line, and with it `--color`, could not be parsed.
pub fn of_errors() -> Style {
    Environment::from_process().map_or(Style::PLAIN, |environment| {
        Style::chosen(ColorChoice::Auto, &environment, environment.stderr_is_terminal)
    })
}

/// Paints text for one stream, or leaves it unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// No colour.
    pub const PLAIN: Self = Self { colour: false };
    /// With colour.
    #[cfg(test)]
    pub(crate) const COLOURED: Self = Self { colour: true };

    /// Decides for one stream.
    pub fn chosen(choice: ColorChoice, environment: &Environment, is_terminal: bool) -> Self {
        Self { colour: choice.is_coloured(environment, is_terminal) }
    }

    /// Returns true if colours are used.
    pub fn is_coloured(self) -> bool {
        self.colour
    }

    /// Returns text in a tone, or unchanged without colours.
    pub fn paint(self, tone: Tone, text: impl fmt::Display) -> String {
        match tone.code().filter(|_| self.colour) {
            Some(code) => format!("\x1b[{code}m{text}\x1b[0m"),
            None => text.to_string(),
        }
    }
}

/// The meaning of a text for the reader, from which its colour follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Normal,
    /// A heading.
    Bold,
    /// Less important than the text around it.
    Dim,
    /// Right.
    Good,
    /// Doubtful: a warning.
    Doubtful,
    /// Wrong.
    Bad,
    /// Easy to find: an id, a hint, a bar.
    Accent,
}

impl Tone {
    /// Returns the parameters of the escape sequence. They use the terminal's own palette, which its owner has made
    /// readable.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_style_leaves_text_unchanged() {
        assert_eq!(
            format!("{:>5}|{}", Style::PLAIN.paint(Tone::Bold, "id"), Style::PLAIN.paint(Tone::Bad, 3)),
            "   id|3"
        );
        assert_eq!(Style::COLOURED.paint(Tone::Normal, "x"), "x");
        assert_eq!(Style::COLOURED.paint(Tone::Dim, "x"), "\x1b[2mx\x1b[0m");
    }
}
