//! Tables and `key: value` blocks for people, fitted to a terminal; `records/` is for machines.
//!
//! Only this module decides how they look: no borders, two spaces between columns, a header in capitals. Text that is
//! too long is cut, so that each row is one line. In a narrow terminal the last columns, which matter least, are
//! dropped first.

use std::borrow::Cow;
use std::io::{self, Write};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width, presets};

use crate::cli::output::lines::in_lines;
use crate::cli::output::style::{Style, Tone};
use crate::cli::output::text;

/// Number of spaces between two columns.
const GAP: usize = 2;
/// Minimum width of a column that can be cut, before a whole column is dropped.
const LEAST_FLEXIBLE: usize = 12;
/// Minimum width of the other columns, which are of little use when cut.
const LEAST_RIGID: usize = 20;
/// A column of a table.
#[derive(Debug, Clone)]
pub struct TableColumn {
    name: String,
    alignment: CellAlignment,
    give: Give,
}

/// The order in which columns give up width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Give {
    /// Last.
    Rigid,
    /// Second: a path, whose end says more than its beginning.
    Beginning,
    /// First: a title, whose beginning is enough.
    End,
}

impl TableColumn {
    /// Returns a column of text, as wide as its widest cell.
    pub fn text(name: &str) -> Self {
        Self { name: name.to_uppercase(), alignment: CellAlignment::Left, give: Give::Rigid }
    }

    /// Returns a column of numbers, aligned right.
    pub fn number(name: &str) -> Self {
        Self { alignment: CellAlignment::Right, ..Self::text(name) }
    }

    /// Returns a column of titles: takes the width that the others leave, and is cut at the end.
    pub fn title(name: &str) -> Self {
        Self { give: Give::End, ..Self::text(name) }
    }

    /// Returns a column of paths: gives up width after titles, and is cut at the beginning.
    pub fn path(name: &str) -> Self {
        Self { give: Give::Beginning, ..Self::text(name) }
    }

    fn least(&self, natural: usize) -> usize {
        natural.min(if self.give == Give::Rigid { LEAST_RIGID } else { LEAST_FLEXIBLE })
    }

    fn cut(&self, cell: &mut TableCell, width: usize) {
        let cut = if self.give == Give::Beginning { text::fit_end } else { text::fit };
        if let Cow::Owned(shorter) = cut(&cell.text, width) {
            cell.text = shorter;
        }
    }
}

/// The contents of a cell: one line of safe text in a tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCell {
    text: String,
    tone: Tone,
    /// True if it must stay in one piece, such as a path to copy.
    is_exact: bool,
}

impl TableCell {
    /// Returns a cell for a title or the like: line breaks become spaces.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self { text: text::one_line(text.as_ref()).into_owned(), tone: Tone::Normal, is_exact: false }
    }

    /// Returns a cell for text in which every character counts: line breaks become `\n`.
    pub fn exact(text: impl AsRef<str>) -> Self {
        Self { text: text::safe(text.as_ref()).into_owned(), tone: Tone::Normal, is_exact: true }
    }

    /// Returns the text, escaped for a terminal.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns it in another tone.
    #[must_use]
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

/// A table with a maximum width.
#[derive(Debug)]
pub struct Table {
    columns: Vec<TableColumn>,
    rows: Vec<Vec<TableCell>>,
    natural: Vec<usize>,
    width: usize,
    style: Style,
}

impl Table {
    /// Returns an empty table of at most this width.
    pub fn new(columns: Vec<TableColumn>, width: usize, style: Style) -> Self {
        // comfy-table counts in u16; no terminal is wider.
        let width = width.clamp(1, 10_000);
        let natural = columns.iter().map(|column| text::width(&column.name).clamp(1, width)).collect();
        Self { columns, rows: Vec::new(), natural, width, style }
    }

    /// Adds a row: a cell for each column, in their order.
    pub fn row(&mut self, cells: impl IntoIterator<Item = TableCell>) {
        let mut cells: Vec<TableCell> = cells.into_iter().collect();
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        for ((cell, column), natural) in cells.iter_mut().zip(&self.columns).zip(&mut self.natural) {
            column.cut(cell, self.width);
            *natural = (*natural).max(text::width(&cell.text));
        }
        self.rows.push(cells);
    }

    /// Returns true if the table has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the columns for which there is no room.
    pub fn left_out(&self) -> Vec<String> {
        let places = self.places();
        let has_room = |column: usize| places.iter().any(|(place, _)| *place == column);
        let names = self.columns.iter().enumerate().filter(|(column, _)| !has_room(*column));
        names.map(|(_, column)| column.name.to_lowercase()).collect()
    }

    /// Prints the header and the rows. All are laid out at once, so a table must be short enough for that.
    pub fn write(self, out: &mut dyn Write) -> io::Result<()> {
        let places = self.places();
        let header: Vec<TableCell> =
            self.columns.iter().map(|column| TableCell::new(&column.name).tone(Tone::Bold)).collect();
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        let mut shown: Vec<Vec<TableCell>> = Vec::with_capacity(self.rows.len() + 1);
        for mut row in std::iter::once(header).chain(self.rows) {
            let cut = places.iter().map(|&(column, width)| {
                let mut cell = std::mem::replace(&mut row[column], TableCell::new(""));
                self.columns[column].cut(&mut cell, width);
                cell
            });
            let cells: Vec<TableCell> = cut.collect();
            table.add_row(cells.iter().map(|cell| &cell.text));
            shown.push(cells);
        }
        for (place, &(column, width)) in places.iter().enumerate() {
            let gap = if place + 1 < places.len() { GAP } else { 0 };
            if let Some(slot) = table.column_mut(place) {
                slot.set_padding((0, narrow(gap)));
                slot.set_cell_alignment(self.columns[column].alignment);
                slot.set_constraint(ColumnConstraint::Absolute(Width::Fixed(narrow(width + gap))));
            }
        }
        for (line, cells) in table.lines().zip(&shown) {
            writeln!(out, "{}", painted(&line, cells, self.style).trim_end())?;
        }
        Ok(())
    }

    /// Returns the columns for which there is room, each with its width.
    fn places(&self) -> Vec<(usize, usize)> {
        let mut places: Vec<(usize, usize)> = self.natural.iter().copied().enumerate().collect();
        let room = |columns: usize| self.width.saturating_sub(GAP * columns.saturating_sub(1));
        let least = |&(column, width): &(usize, usize)| self.columns[column].least(width);
        while places.iter().map(least).sum::<usize>() > room(places.len()) {
            // People look for the title, and the first column names the row.
            let can_go = |&(column, _): &(usize, usize)| column > 0 && self.columns[column].give != Give::End;
            let Some(last) = places.iter().rposition(can_go) else { break };
            places.remove(last);
        }
        places.truncate(room(places.len()).max(1));
        let room = room(places.len());
        let give = |column: usize| self.columns[column].give;
        shrink(&mut places, room, 40, |column| give(column) == Give::End);
        shrink(&mut places, room, 16, |column| give(column) == Give::Beginning);
        shrink(&mut places, room, LEAST_FLEXIBLE, |column| give(column) != Give::Rigid);
        shrink(&mut places, room, LEAST_RIGID, |_| true);
        shrink(&mut places, room, 1, |column| column > 0);
        shrink(&mut places, room, 1, |_| true);
        places
    }
}

/// Takes width from the widest of some columns, down to a minimum width each, until all fit.
fn shrink(places: &mut [(usize, usize)], room: usize, least: usize, of: impl Fn(usize) -> bool) {
    let mut excess = places.iter().map(|(_, width)| width).sum::<usize>().saturating_sub(room);
    while excess > 0 {
        let givers = places.iter_mut().filter(|(column, width)| *width > least && of(*column));
        let Some((_, widest)) = givers.max_by_key(|(_, width)| *width) else { return };
        *widest -= 1;
        excess -= 1;
    }
}

/// Returns a laid-out line with its cells in their tones. Colour is added last because escape sequences have no
/// width.
fn painted<'a>(line: &'a str, cells: &[TableCell], style: Style) -> Cow<'a, str> {
    if !style.is_coloured() {
        return Cow::Borrowed(line);
    }
    let (mut painted, mut rest) = (String::with_capacity(2 * line.len()), line);
    for cell in cells.iter().filter(|cell| !cell.text.is_empty()) {
        let Some((before, after)) = rest.split_once(&*cell.text) else { continue };
        painted.push_str(before);
        painted.push_str(&style.paint(cell.tone, &cell.text));
        rest = after;
    }
    painted.push_str(rest);
    Cow::Owned(painted)
}

fn narrow(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}

/// Prints a block of `key: value` lines, the values below each other.
///
/// Values are never cut: a path must be copyable, and the terminal wraps it without a line break. A value without a
/// key belongs to the one above.
///
/// In a terminal of some width, words for which there is no room go to the next line.
pub fn write_fields<K: AsRef<str>>(
    out: &mut dyn Write,
    fields: &[(K, TableCell)],
    width: usize,
    style: Style,
) -> io::Result<()> {
    let widest = fields.iter().map(|(key, _)| text::width(key.as_ref())).max().unwrap_or(0);
    for (key, value) in fields {
        let key = key.as_ref();
        let fill = widest - text::width(key) + GAP;
        let colon = if key.is_empty() { " " } else { ":" };
        write!(out, "{}", style.paint(Tone::Dim, format_args!("{key}{colon}")))?;
        if value.text.is_empty() {
            writeln!(out)?;
        } else {
            let room = width.saturating_sub(widest + 1 + GAP);
            let is_whole = value.is_exact || room < LEAST_RIGID;
            let lines = if is_whole { vec![value.text.clone()] } else { in_lines(&value.text, room) };
            for (i, line) in lines.iter().enumerate() {
                let indent = " ".repeat(if i == 0 { fill } else { widest + 1 + GAP });
                writeln!(out, "{indent}{}", style.paint(value.tone, line))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn columns() -> Vec<TableColumn> {
        vec![
            TableColumn::text("id"),
            TableColumn::text("updated"),
            TableColumn::number("tokens"),
            TableColumn::path("cwd"),
            TableColumn::title("title"),
        ]
    }

    fn listing(width: usize, style: Style) -> Table {
        let mut table = Table::new(columns(), width, style);
        let rows = [
            (
                "0198a1b2",
                "3h ago",
                "1,234",
                "~/work/parser",
                "Fix the parser, which loses the last line of a file that ends without a newline, and add a test",
            ),
            (
                "0198a1b2-7",
                "2d ago",
                "98,765,432",
                "~/work/very/deep/down/in/a/folder",
                "修复解析器：文件末尾没有换行符时会丢失最后一行，并且添加一个测试",
            ),
            ("0199ffff", "5w ago", "0", "/", "short\n\x1b[31mand\tred"),
        ];
        for (id, updated, tokens, cwd, title) in rows {
            table.row([
                TableCell::new(id).tone(Tone::Accent),
                TableCell::new(updated),
                TableCell::new(tokens),
                TableCell::new(cwd).tone(Tone::Dim),
                TableCell::new(title),
            ]);
        }
        table
    }

    fn printed(table: Table) -> String {
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn check(width: usize, expected: &Expect) {
        let text = printed(listing(width, Style::PLAIN));
        assert!(text.lines().all(|line| text::width(line) <= width), "{text}");
        expected.assert_eq(&text);
    }

    #[test]
    fn at_80_columns() {
        check(
            80,
            &expect![[r#"
                ID          UPDATED      TOKENS  CWD               TITLE
                0198a1b2    3h ago        1,234  ~/work/parser     Fix the parser, which loses …
                0198a1b2-7  2d ago   98,765,432  …own/in/a/folder  修复解析器：文件末尾没有换行…
                0199ffff    5w ago            0  /                 short \x1b[31mand red
            "#]],
        );
    }

    #[test]
    fn at_120_columns() {
        check(
            120,
            &expect![[r#"
            ID          UPDATED      TOKENS  CWD                                TITLE
            0198a1b2    3h ago        1,234  ~/work/parser                      Fix the parser, which loses the last line of a file…
            0198a1b2-7  2d ago   98,765,432  ~/work/very/deep/down/in/a/folder  修复解析器：文件末尾没有换行符时会丢失最后一行，并…
            0199ffff    5w ago            0  /                                  short \x1b[31mand red
        "#]],
        );
    }

    #[test]
    fn nothing_is_cut_if_everything_has_room() {
        assert!(!printed(listing(200, Style::PLAIN)).contains('…'));
    }

    #[test]
    fn in_a_narrow_terminal_columns_go_but_not_the_title() {
        check(
            50,
            &expect![[r#"
            ID          UPDATED      TOKENS  TITLE
            0198a1b2    3h ago        1,234  Fix the parser, …
            0198a1b2-7  2d ago   98,765,432  修复解析器：文件…
            0199ffff    5w ago            0  short \x1b[31man…
        "#]],
        );
        check(
            30,
            &expect![[r#"
                ID          TITLE
                0198a1b2    Fix the parser, w…
                0198a1b2-7  修复解析器：文件…
                0199ffff    short \x1b[31mand…
            "#]],
        );
        check(
            5,
            &expect![[r#"
            ID  …
            0…  …
            0…  …
            0…  …
        "#]],
        );
        check(
            1,
            &expect![[r#"
            …
            …
            …
            …
        "#]],
        );
    }

    #[test]
    fn colour_changes_no_width() {
        let coloured = printed(listing(80, Style::COLOURED));
        let lines: Vec<&str> = coloured.lines().collect();
        assert!(lines[0].starts_with("\x1b[1mID\x1b[0m"), "{:?}", lines[0]);
        assert!(lines[1].starts_with("\x1b[36m0198a1b2\x1b[0m"), "{:?}", lines[1]);
        let mut bare = coloured.clone();
        while let Some(start) = bare.find('\x1b') {
            let end = start + bare[start..].find('m').unwrap();
            bare.replace_range(start..=end, "");
        }
        let bare: Vec<&str> = bare.lines().map(str::trim_end).collect();
        assert_eq!(bare, printed(listing(80, Style::PLAIN)).lines().collect::<Vec<_>>());
    }

    #[test]
    fn long_tables_keep_their_columns_below_each_other() {
        let mut table =
            Table::new(vec![TableColumn::number("n"), TableColumn::text("title")], 80, Style::PLAIN);
        for number in 0..2000 {
            table.row([TableCell::new(number.to_string()), TableCell::new("x")]);
        }
        let text = printed(table);
        assert_eq!(text.lines().count(), 2001);
        assert!(text.lines().skip(1).all(|line| line.len() == 7 && line.ends_with("  x")));
    }

    #[test]
    fn fields_are_below_each_other() {
        let mut out = Vec::new();
        let fields = [
            ("database", TableCell::exact("/x/state\n.sqlite")),
            ("size", TableCell::new("1.2 GiB").tone(Tone::Bold)),
            ("name", TableCell::new("")),
        ];
        write_fields(&mut out, &fields, usize::MAX, Style::PLAIN).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "database:  /x/state\\n.sqlite\nsize:      1.2 GiB\nname:\n"
        );
        let mut out = Vec::new();
        write_fields(&mut out, &fields[1..2], usize::MAX, Style::COLOURED).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\x1b[2msize:\x1b[0m  \x1b[1m1.2 GiB\x1b[0m\n");
    }

    #[test]
    fn values_break_at_words_and_never_within_a_command() {
        let text = "2 archived: codex-state --db '/a b/c' unarchive THREAD brings one back into the list";
        assert_eq!(
            in_lines(text, 30),
            ["2 archived:", "codex-state --db '/a b/c' unarchive THREAD", "brings one back into the list"]
        );
        assert_eq!(in_lines("a  b", 30), ["a  b"], "blanks stay");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_every_row_is_one_line(cells in prop::collection::vec("\\PC{0,40}", 0..40), width in 1usize..130) {
            let mut table = Table::new(columns(), width, Style::PLAIN);
            let rows: Vec<_> = cells.chunks_exact(5).collect();
            for row in &rows {
                table.row(row.iter().map(TableCell::new));
            }
            let text = printed(table);
            prop_assert_eq!(text.lines().count(), rows.len() + 1);
            for line in text.lines() {
                prop_assert!(text::width(line) <= width, "{} in {width}: {line:?}", text::width(line));
            }
        }
    }
}
