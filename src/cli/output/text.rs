//! Makes untrusted text safe to show, and fits it to a width. JSON has its own escaping in `records/`.
//!
//! Titles, messages and paths come from files that anyone may have written. Unescaped, they could clear the screen,
//! change the window's title, reorder the text (bidi) or hide a part of themselves. So no such character leaves this
//! module: it is spelled out (`\n`, `\x1b`, `\u{202e}`) where a person can see it.
//!
//! Two invisible characters also occur in normal writing: a joiner holds an emoji family or a Persian word together,
//! and a variation selector makes a heart red. They are kept between visible characters of that kind, and nowhere
//! else.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The mark where text was cut.
const ELLIPSIS: &str = "…";

/// Returns text for a terminal or plain output: characters that act or hide are spelled out, all others are
/// unchanged.
pub fn safe(text: &str) -> Cow<'_, str> {
    escape(text, Backslash::Plain)
}

/// Returns text for one line, such as a table cell: safe, trimmed, with each run of line breaks and tabs as one
/// space.
pub fn one_line(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    if !trimmed.contains(breaks) {
        return safe(trimmed);
    }
    let mut line = String::with_capacity(trimmed.len());
    let mut rest = trimmed;
    while let Some(at) = rest.find(breaks) {
        line.push_str(rest[..at].trim_end());
        line.push(' ');
        rest = rest[at..].trim_start();
    }
    line.push_str(rest);
    Cow::Owned(safe(&line).into_owned())
}

/// Appends text for a TSV cell: like [`safe`], and with backslashes doubled, so that the exact text can be restored.
pub fn push_tsv(out: &mut Vec<u8>, text: &str) {
    pieces(text, Backslash::Doubled, |piece| out.extend_from_slice(piece.as_bytes()));
}

/// Returns a file name or path for people: like [`safe`], with bytes that are not text as `\xff`.
///
/// Unlike replacement characters, this distinguishes two broken names.
pub fn path<P: AsRef<OsStr> + ?Sized>(path: &P) -> Cow<'_, str> {
    let path = path.as_ref();
    if let Some(text) = path.to_str() {
        return safe(text);
    }
    let mut shown = String::with_capacity(path.len() + 8);
    for chunk in path.as_encoded_bytes().utf8_chunks() {
        shown.push_str(&safe(chunk.valid()));
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").expect("a string takes everything");
        }
    }
    Cow::Owned(shown)
}

/// Returns the number of terminal cells that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts a text that is already safe to `max` terminal cells, with an ellipsis where text was cut.
///
/// It never splits a visible character: a wide one, one with accents, a joined emoji, a flag.
pub fn fit(text: &str, max: usize) -> Cow<'_, str> {
    cut(text, max, |room| [&text[..length_within(Clusters(text), room)], ELLIPSIS].concat())
}

/// Cuts like [`fit`], but at the beginning, because the end of a path says more.
pub fn fit_end(text: &str, max: usize) -> Cow<'_, str> {
    cut(text, max, |room| {
        let clusters: Vec<&str> = Clusters(text).collect();
        let start = text.len() - length_within(clusters.into_iter().rev(), room);
        [ELLIPSIS, &text[start..]].concat()
    })
}

/// Cuts a text that is too wide by `shorten`, which is given the room beside the ellipsis.
fn cut(text: &str, max: usize, shorten: impl FnOnce(usize) -> String) -> Cow<'_, str> {
    // A character's width is at most its number of bytes.
    if text.len() <= max || text.width() <= max {
        return Cow::Borrowed(text);
    }
    max.checked_sub(1).map_or(Cow::Borrowed(""), |room| Cow::Owned(shorten(room)))
}

/// Returns the number of bytes of the first visible characters that fit into `room` cells.
fn length_within<'a>(clusters: impl Iterator<Item = &'a str>, room: usize) -> usize {
    let mut used = 0;
    let fits = |cluster: &&str| {
        used += cluster.width();
        used <= room
    };
    clusters.take_while(fits).map(str::len).sum()
}

/// The treatment of a backslash in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Backslash {
    /// Unchanged, because people read Windows paths.
    Plain,
    /// Doubled, so that a program can restore the text.
    Doubled,
}

fn escape(text: &str, backslash: Backslash) -> Cow<'_, str> {
    if plain(text.as_bytes(), backslash) || Scanner::new(text, backslash).next().is_none() {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    pieces(text, backslash, |piece| escaped.push_str(piece));
    Cow::Owned(escaped)
}

/// Returns the text in pieces: stretches that are unchanged, and the spelling of other characters.
fn pieces(text: &str, backslash: Backslash, mut take: impl FnMut(&str)) {
    if plain(text.as_bytes(), backslash) {
        return take(text);
    }
    let mut done = 0;
    let mut spelling = String::new();
    for (at, c) in Scanner::new(text, backslash) {
        take(&text[done..at]);
        spelling.clear();
        spell(&mut spelling, c);
        take(&spelling);
        done = at + c.len_utf8();
    }
    take(&text[done..]);
}

/// Returns true if the text is only printable ASCII, as in nearly every cell. It looks at every byte, because the
/// compiler then compares many at once.
fn plain(bytes: &[u8], backslash: Backslash) -> bool {
    bytes.iter().fold(true, |plain, byte| plain & is_plain(*byte, backslash))
}

/// Number of bytes that are looked at together.
const CHUNK: usize = 32;

/// Returns the number of leading bytes of printable ASCII; with [`Backslash::Doubled`] a backslash ends them.
fn plain_length(bytes: &[u8], backslash: Backslash) -> usize {
    let chunks = bytes.chunks(CHUNK).take_while(|chunk| plain(chunk, backslash));
    let start = chunks.map(<[u8]>::len).sum();
    let rest = &bytes[start..];
    start + rest.iter().position(|byte| !is_plain(*byte, backslash)).unwrap_or(rest.len())
}

fn is_plain(byte: u8, backslash: Backslash) -> bool {
    matches!(byte, b' '..=b'~') && (byte != b'\\' || backslash == Backslash::Plain)
}

fn spell(out: &mut String, c: char) {
    let code = u32::from(c);
    match c {
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        '\\' => out.push_str("\\\\"),
        _ if code < 0x100 => write!(out, "\\x{code:02x}").expect("a string takes everything"),
        _ => write!(out, "\\u{{{code:x}}}").expect("a string takes everything"),
    }
}

/// Returns the characters that [`safe`] would spell out, with their positions, for writers with another spelling.
pub(crate) fn unsafe_chars(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let text = if plain(text.as_bytes(), Backslash::Plain) { "" } else { text };
    Scanner::new(text, Backslash::Plain)
}

/// Finds the characters that must be spelled out.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    before: Before,
    backslash: Backslash,
}

/// The character to which a joiner or selector would attach.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// None to which it could attach.
    Nothing,
    /// A digit, `#` or `*`, which a selector turns into a keycap.
    Keycap,
    /// A visible character outside ASCII.
    Visible,
    /// A variation selector that was kept.
    Selector,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, backslash: Backslash) -> Self {
        Self { text, at: 0, before: Before::Nothing, backslash }
    }
}

impl Iterator for Scanner<'_> {
    type Item = (usize, char);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            if let Some(last) = plain_length(rest, self.backslash).checked_sub(1) {
                self.at += last + 1;
                let keycap = rest[last].is_ascii_digit() || matches!(rest[last], b'#' | b'*');
                self.before = if keycap { Before::Keycap } else { Before::Nothing };
            }
            let at = self.at;
            let mut following = self.text[at..].chars();
            let c = following.next()?;
            self.at += c.len_utf8();
            let before = std::mem::replace(&mut self.before, Before::Nothing);
            if c.is_ascii() {
                return Some((at, c));
            } else if selects(c) {
                if !matches!(before, Before::Keycap | Before::Visible) {
                    return Some((at, c));
                }
                self.before = Before::Selector;
            } else if joins(c) {
                let after = following.next().is_some_and(visible);
                if !after || !matches!(before, Before::Visible | Before::Selector) {
                    return Some((at, c));
                }
            } else if hides(c) {
                return Some((at, c));
            } else if visible(c) {
                self.before = Before::Visible;
            }
        }
    }
}

/// Returns true for line breaks and tabs, which become a space in one line.
fn breaks(c: char) -> bool {
    matches!(c, '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Returns true for a visible character outside ASCII.
fn visible(c: char) -> bool {
    !c.is_ascii() && !c.is_whitespace() && !hides(c) && !joins(c) && !selects(c)
}

/// Returns true for the zero-width joiner and non-joiner.
fn joins(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Returns true for variation selectors. Those beyond the first plane do not occur in writing, but can smuggle data;
/// they are in [`hides`].
fn selects(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{180b}'..='\u{180d}' | '\u{180f}')
}

/// Returns true for characters that act on a terminal or on the order of text, or that are invisible.
fn hides(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'       // C0, DEL, C1
        | '\u{ad}'                              // soft hyphen
        | '\u{34f}'                             // combining grapheme joiner
        | '\u{61c}'                             // Arabic letter mark
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
        | '\u{17b4}' | '\u{17b5}'               // Khmer inherent vowels
        | '\u{180e}'                            // Mongolian vowel separator
        | '\u{200b}' | '\u{200e}' | '\u{200f}'  // zero-width space, direction marks
        | '\u{2028}'..='\u{202e}'               // separators, bidi embeddings and overrides
        | '\u{2060}'..='\u{206f}'               // invisible operators, bidi isolates, deprecated controls
        | '\u{feff}'                            // byte-order mark
        | '\u{fff0}'..='\u{fffb}'               // unassigned format characters, annotations
        | '\u{1bca0}'..='\u{1bca3}'             // shorthand format
        | '\u{1d173}'..='\u{1d17a}'             // musical format
        | '\u{e0000}'..='\u{e0fff}'             // tags, supplementary selectors
    )
}

/// Splits a text into visible characters: each a base with all that attaches to it.
struct Clusters<'a>(&'a str);

impl<'a> Iterator for Clusters<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let mut chars = self.0.char_indices();
        let (_, mut last) = chars.next()?;
        let mut flag = regional(last);
        let end = chars
            .find_map(|(at, c)| {
                let attached = c.width() == Some(0)
                    || last == '\u{200d}'
                    || matches!(c, '\u{1f3fb}'..='\u{1f3ff}') // skin tones
                    || (flag && regional(c));
                flag = false;
                last = c;
                (!attached).then_some(at)
            })
            .unwrap_or(self.0.len());
        let (cluster, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(cluster)
    }
}

/// Returns true for a letter of which two form a flag.
fn regional(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tsv(text: &str) -> Cow<'_, str> {
        escape(text, Backslash::Doubled)
    }

    #[test]
    fn clean_text_is_borrowed() {
        for text in [
            "",
            "fix the parser",
            "naïve café",
            "修复解析器",
            "C:\\Users\\me",
            "🦀",
            "👩‍💻",
            "❤️‍🔥",
            "1️⃣",
            "می‌خواهم",
        ] {
            assert!(
                matches!(safe(text), Cow::Borrowed(same) if same == text),
                "{text:?} became {:?}",
                safe(text)
            );
            assert!(matches!(one_line(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
        assert!(matches!(tsv("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn characters_that_act_or_hide_are_spelled_out() {
        let cases = [
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
            ("\u{9b}2J\x7f\0\x07", "\\x9b2J\\x7f\\x00\\x07"),
            ("file\u{202e}txt.exe", "file\\u{202e}txt.exe"),
            ("\u{2066}a\u{2069}\u{200e}\u{61c}", "\\u{2066}a\\u{2069}\\u{200e}\\u{61c}"),
            ("\u{feff}bom", "\\u{feff}bom"),
            ("a\u{200b}b\u{200d}c", "a\\u{200b}b\\u{200d}c"),
            ("tag\u{e0041}\u{e0100}", "tag\\u{e0041}\\u{e0100}"),
            ("line\u{2028}para\u{2029}", "line\\u{2028}para\\u{2029}"),
        ];
        for (raw, shown) in cases {
            assert_eq!(safe(raw), shown);
        }
    }

    #[test]
    fn joiners_and_selectors_stay_only_where_they_shape_something() {
        assert_eq!(safe("é\u{200d}a"), "é\\u{200d}a", "nothing to join with");
        assert_eq!(safe("\u{200d}é"), "\\u{200d}é");
        assert_eq!(safe("é\u{200d}\u{200d}é"), "é\\u{200d}\\u{200d}é", "a run of them hides something");
        assert_eq!(safe("❤\u{fe0f}\u{fe0f}"), "❤\u{fe0f}\\u{fe0f}");
        assert_eq!(safe("a\u{fe0f}"), "a\\u{fe0f}");
    }

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(one_line("  fix\n\n  the\tparser \r\n"), "fix the parser");
        assert_eq!(one_line("two  spaces stay"), "two  spaces stay");
        assert_eq!(one_line("a\n\x1b[2Jb"), "a \\x1b[2Jb");
        assert_eq!(one_line("a\u{2028}b\u{85}c"), "a b c");
        assert_eq!(one_line("\n\t "), "");
    }

    #[test]
    fn the_first_byte_that_is_not_plain_is_found_at_every_position() {
        for odd in (0..=255u8).filter(|byte| !(0x20..0x7f).contains(byte)) {
            for before in 0..20 {
                for after in 0..10 {
                    let text = [&vec![b'~'; before][..], &[odd], &vec![b' '; after]].concat();
                    assert_eq!(plain_length(&text, Backslash::Plain), before, "{odd} in {text:?}");
                }
            }
        }
        let text = br"all that is plain: ~ 09 AZ az \ ";
        assert_eq!(plain_length(text, Backslash::Plain), text.len());
        let backslash = text.iter().position(|&byte| byte == b'\\').unwrap();
        assert_eq!(plain_length(text, Backslash::Doubled), backslash);
    }

    #[test]
    fn tsv_doubles_the_backslash() {
        assert_eq!(tsv("C:\\new\ttab\nline\r"), "C:\\\\new\\ttab\\nline\\r");
        let mut out = b">".to_vec();
        push_tsv(&mut out, "a\\\u{202e}b");
        assert_eq!(out, b">a\\\\\\u{202e}b");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_text_shows_its_bytes() {
        use std::os::unix::ffi::OsStrExt as _;
        assert_eq!(path(OsStr::from_bytes(b"/home/\xff\xfe/a\n\xc3\xa9")), "/home/\\xff\\xfe/a\\n\u{e9}");
        assert_eq!(path(std::path::Path::new("/tmp/ok")), "/tmp/ok");
    }

    #[test]
    fn fitting_cuts_between_whole_characters() {
        assert_eq!(fit("parser", 6), "parser");
        assert_eq!(fit("parsers", 6), "parse…");
        assert_eq!(fit("parser", 1), "…");
        assert_eq!(fit("parser", 0), "");
        assert_eq!(fit("修复解析", 6), "修复…", "a wide character is two cells, half of one none");
        assert_eq!(fit("修复解析", 5), "修复…");
        assert_eq!(fit("cafe\u{301}s au lait", 5), "cafe\u{301}…", "the accent stays with its letter");
        assert_eq!(fit("👩‍💻👩‍💻👩‍💻", 5), "👩‍💻👩‍💻…");
        assert_eq!(fit("🇩🇪🇫🇷🇮🇹", 5), "🇩🇪🇫🇷…");
        assert_eq!(fit("👍🏽👍🏽👍🏽", 4), "👍🏽…");
    }

    #[test]
    fn fitting_at_the_end_keeps_the_end() {
        assert_eq!(fit_end("/home/me/work/project", 10), "…k/project");
        assert_eq!(fit_end("/srv", 10), "/srv");
        assert_eq!(fit_end("修复解析", 5), "…解析");
        assert_eq!(fit_end("abc", 0), "");
    }

    /// Restores the text that `tsv` wrote.
    fn untsv(text: &str) -> String {
        let mut out = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            let hex = |digits: String| char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap();
            out.push(match chars.next().unwrap() {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '\\' => '\\',
                'x' => hex(chars.by_ref().take(2).collect()),
                'u' => hex(chars.by_ref().skip(1).take_while(|&c| c != '}').collect()),
                other => panic!("unknown escape {other}"),
            });
        }
        out
    }

    /// Generates text with far more special characters than chance would give.
    fn troubled() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(
            "\n\r\t\\\0\x1b\x7f\u{85}\u{9b}\u{ad}\u{301}\u{61c}\u{200b}\u{200c}\u{200d}\u{200e}\u{2028}\u{202e}\u{2066}\
             \u{2069}\u{3000}\u{fe0f}\u{feff}\u{e0041}\u{e0100}\u{1f3fd}\u{1f1e9}é修🦀👩 1"
                .chars()
                .collect::<Vec<_>>(),
        );
        prop::collection::vec(prop_oneof![odd, any::<char>(), proptest::char::range(' ', '~')], 0..40)
            .prop_map(String::from_iter)
    }

    /// Returns true for forbidden characters, by a simpler rule than `hides`.
    fn forbidden(c: char) -> bool {
        c.is_control()
            || matches!(u32::from(c), 0x61c | 0x200b | 0x200e | 0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff)
            || (0xe0000..=0xe0fff).contains(&u32::from(c))
    }

    proptest! {
        #[test]
        fn nothing_forbidden_gets_through(text in troubled()) {
            for shown in [safe(&text), one_line(&text), tsv(&text), path(&text)] {
                prop_assert!(!shown.contains(forbidden), "{text:?} became {shown:?}");
                prop_assert_eq!(safe(&shown), &*shown, "safe text stays as it is");
            }
            let line = one_line(&text);
            prop_assert_eq!(line.trim(), &*line);
        }

        #[test]
        fn tsv_can_be_read_back(text in troubled()) {
            prop_assert_eq!(untsv(&tsv(&text)), &*text);
            let mut pushed = Vec::new();
            push_tsv(&mut pushed, &text);
            prop_assert_eq!(String::from_utf8(pushed).unwrap(), tsv(&text));
        }

        #[test]
        fn fitted_text_is_never_too_wide(text in troubled(), max in 0usize..50) {
            let text = one_line(&text);
            for fitted in [fit(&text, max), fit_end(&text, max)] {
                prop_assert!(width(&fitted) <= max, "{fitted:?} is {} wide", width(&fitted));
                prop_assert!(!fitted.contains(forbidden));
                prop_assert_eq!(width(&text) <= max, fitted == text, "cut only where it must");
                let kept = fitted.trim_matches('…');
                prop_assert!(text.contains(kept) || text.contains('…'));
            }
        }
    }
}
