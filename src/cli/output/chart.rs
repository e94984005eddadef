//! A small horizontal bar chart for `status`. It shows magnitudes, not exact values.

use std::io::{self, Write};

use crate::cli::output::human;
use crate::cli::output::style::{Style, Tone};
use crate::cli::output::text;

/// Maximum width of a bar; wider ones show nothing more.
const WIDEST: usize = 60;
/// Minimum width of a bar; narrower ones show nothing.
const NARROWEST: usize = 4;

/// The characters of which bars consist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Block elements, which have a precision of an eighth of a cell.
    Blocks,
    /// Number signs.
    Ascii,
}

/// Prints a line for each bar: label, number, and a bar in proportion to the greatest number.
///
/// A number above zero always has a visible bar. If there is no room, the bars are omitted.
pub fn write_bars(
    out: &mut dyn Write,
    bars: &[(String, u64)],
    width: usize,
    ink: Ink,
    style: Style,
) -> io::Result<()> {
    let counts: Vec<String> = bars.iter().map(|(_, number)| human::count(*number)).collect();
    let labels: Vec<_> = bars.iter().map(|(label, _)| text::one_line(label)).collect();
    let widest_label = labels.iter().map(|label| text::width(label)).max().unwrap_or(0);
    let widest_count = counts.iter().map(String::len).max().unwrap_or(0);
    let greatest = bars.iter().map(|(_, number)| *number).max().unwrap_or(0);
    let room = width.saturating_sub(widest_label + widest_count + 4).min(WIDEST);
    for ((label, count), (_, number)) in labels.iter().zip(&counts).zip(bars) {
        let fill = widest_label - text::width(label);
        write!(out, "{label}{:fill$}  {count:>widest_count$}", "")?;
        if room >= NARROWEST && *number > 0 {
            write!(out, "  {}", style.paint(Tone::Accent, bar(*number, greatest, room, ink)))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn bar(number: u64, greatest: u64, room: usize, ink: Ink) -> String {
    let steps = if ink == Ink::Blocks { 8 } else { 1 };
    let length = u128::from(number) * (room * steps) as u128;
    let length = usize::try_from(length.div_ceil(u128::from(greatest.max(1)))).unwrap_or(room * steps);
    match ink {
        Ink::Ascii => "#".repeat(length),
        Ink::Blocks => {
            const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
            "█".repeat(length / 8) + EIGHTHS[length % 8]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn bars() -> Vec<(String, u64)> {
        [("2025-11", 1), ("2025-12", 0), ("2026-01", 1234), ("2026-02", 700)]
            .map(|(label, number)| (label.into(), number))
            .into()
    }

    fn printed(bars: &[(String, u64)], width: usize, ink: Ink) -> String {
        let mut out = Vec::new();
        write_bars(&mut out, bars, width, ink, Style::PLAIN).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn check(width: usize, ink: Ink, expected: &Expect) {
        expected.assert_eq(&printed(&bars(), width, ink));
    }

    #[test]
    fn in_blocks() {
        check(
            40,
            Ink::Blocks,
            &expect![[r#"
            2025-11      1  ▏
            2025-12      0
            2026-01  1,234  ████████████████████████
            2026-02    700  █████████████▋
        "#]],
        );
    }

    #[test]
    fn in_ascii() {
        check(
            40,
            Ink::Ascii,
            &expect![[r#"
            2025-11      1  #
            2025-12      0
            2026-01  1,234  ########################
            2026-02    700  ##############
        "#]],
        );
    }

    #[test]
    fn without_room_the_numbers_stay() {
        check(
            17,
            Ink::Blocks,
            &expect![[r#"
            2025-11      1
            2025-12      0
            2026-01  1,234
            2026-02    700
        "#]],
        );
    }

    #[test]
    fn the_bar_alone_is_coloured() {
        let mut out = Vec::new();
        write_bars(&mut out, &[("a".into(), 1)], 12, Ink::Ascii, Style::COLOURED).unwrap();
        assert_eq!(out, b"a  1  \x1b[36m######\x1b[0m\n");
    }

    proptest! {
        #[test]
        fn no_bar_is_too_long(numbers in prop::collection::vec(any::<u64>(), 0..5), width in 35usize..100) {
            let bars: Vec<_> = numbers.iter().map(|number| ("x".to_owned(), *number)).collect();
            for ink in [Ink::Blocks, Ink::Ascii] {
                for (line, number) in printed(&bars, width, ink).lines().zip(&numbers) {
                    prop_assert!(text::width(line) <= width);
                    prop_assert_eq!(line.ends_with(['#', '█', '▏', '▎', '▍', '▌', '▋', '▊', '▉']), *number > 0);
                }
            }
        }
    }
}
