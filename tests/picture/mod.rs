//! Draws `docs/picture.svg`: runs the program on the sample home and turns what a terminal would show into an SVG.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use unicode_width::UnicodeWidthChar as _;

/// The commands in the picture.
const SCENES: [Scene; 3] = [
    Scene {
        typed: "codex-state status | grep -E '^(quick|next)'",
        arguments: &["status"],
        shown: &["quick verify:", "next:"],
        drift: false,
    },
    Scene { typed: "codex-state verify", arguments: &["verify"], shown: &[], drift: true },
    Scene { typed: "codex-state backfill", arguments: &["backfill"], shown: &[], drift: false },
];
/// The width of the terminal in characters.
const COLUMNS: usize = 96;
/// The time at which the picture was taken, as the program is told.
const NOW: &str = "2026-03-01T09:30:00Z";
const CHARACTER: f64 = 8.4;
const LINE: f64 = 19.0;
const MARGIN: f64 = 18.0;

/// A command, and the part of its output that the picture shows.
struct Scene {
    typed: &'static str,
    arguments: &'static [&'static str],
    /// The beginnings of the lines that are shown; all lines if it is empty.
    shown: &'static [&'static str],
    /// True if files and database disagree at that point.
    drift: bool,
}

/// Returns the picture as SVG, drawn from the program as it is now.
pub(crate) fn draw() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stage = tempfile::tempdir().unwrap();
    let user = stage.path().join("user");
    copy(&root.join("examples/sample-home"), &user.join(".codex"));
    let run = |arguments: &[&str], is_piped: bool| -> (String, bool) {
        let output = Command::new(env!("CARGO_BIN_EXE_codex-state"))
            .args(arguments)
            .args(["--color", "always", "--no-progress", "--format", if is_piped { "auto" } else { "table" }])
            .env_clear()
            .env("HOME", &user)
            .env("TMPDIR", stage.path())
            .env("TZ", "UTC")
            .env("COLUMNS", COLUMNS.to_string())
            .env("CODEX_STATE_NOW", NOW)
            .output()
            .unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (text.replace(user.to_str().unwrap(), "~"), output.status.success())
    };
    // The picture begins with a database from which two threads have vanished.
    let (text, is_well) = run(&["backfill"], false);
    assert!(is_well, "backfill: {text}");
    let database = rusqlite::Connection::open(user.join(".codex/state_5.sqlite")).unwrap();
    database.execute("DELETE FROM threads WHERE id GLOB '019c8b3f*' OR id GLOB '019ca593*'", []).unwrap();
    database.close().unwrap();
    let mut screen = String::new();
    for Scene { typed, arguments, shown, drift } in SCENES {
        let (text, is_well) = run(arguments, !shown.is_empty());
        assert!(is_well != drift, "{arguments:?}: {text}");
        writeln!(screen, "\x1b[1m$ {typed}\x1b[0m").unwrap();
        for line in text.trim_end().lines() {
            let plain: String = pieces(line).into_iter().map(|(text, _)| text).collect();
            if shown.is_empty() || shown.iter().any(|start| plain.starts_with(start)) {
                screen.push_str(line);
                screen.push('\n');
            }
        }
        screen.push('\n');
    }
    svg(&wrap(screen.trim_end()))
}

/// Breaks long lines between words, as the program does on a terminal. It fits coloured lines itself, except hints and
/// what goes through a pipe.
fn wrap(screen: &str) -> String {
    let mut wrapped = String::new();
    for line in screen.lines() {
        let is_plain = !line.contains('\x1b') || ["hint:", "next: "].iter().any(|start| line.contains(start));
        let mut column = 0;
        for word in line.split_inclusive(' ') {
            let shown = pieces(word).into_iter().map(|(text, _)| text);
            let width: usize = shown.flat_map(str::chars).filter_map(|c| c.width()).sum();
            if is_plain && column > 0 && column + width > COLUMNS {
                wrapped.push_str("\n  ");
                column = 2;
            }
            wrapped.push_str(word);
            column += width;
        }
        wrapped.push('\n');
    }
    wrapped
}

fn svg(screen: &str) -> String {
    let width = MARGIN * 2.0 + CHARACTER * COLUMNS as f64;
    let height = MARGIN * 2.0 + LINE * (screen.lines().count() as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} \
         {height:.0}\" role=\"img\">\n<title>codex-state in a terminal</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1b1f27\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"14\" fill=\"#d7dce4\" xml:space=\"preserve\">\n"
    );
    let mut style = String::new();
    for (number, line) in screen.lines().enumerate() {
        let y = MARGIN + LINE * (number as f64 + 0.75);
        let mut column = 0;
        for (text, codes) in pieces(line) {
            if let Some(codes) = codes {
                style = codes;
            }
            if !text.trim().is_empty() {
                let cells: usize = text.chars().filter_map(|c| c.width()).sum();
                let x = MARGIN + CHARACTER * column as f64;
                let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                svg += &format!(
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\"{}>{escaped}</text>\n",
                    CHARACTER * cells as f64,
                    attributes(&style),
                );
            }
            column += text.chars().filter_map(|c| c.width()).sum::<usize>();
        }
        assert!(column <= COLUMNS, "a line is wider than the picture: {line}");
    }
    svg + "</g>\n</svg>\n"
}

/// Splits a line where the colour changes. Each piece comes with the colour codes before it, if there are any.
fn pieces(line: &str) -> Vec<(&str, Option<String>)> {
    let mut pieces = Vec::new();
    for (number, part) in line.split("\x1b[").enumerate() {
        match part.split_once('m') {
            Some((codes, text)) if number > 0 => pieces.push((text, Some(codes.to_owned()))),
            _ => pieces.push((part, None)),
        }
    }
    pieces
}

/// Returns the SVG attributes for colour codes.
fn attributes(codes: &str) -> String {
    let mut attributes = String::new();
    for code in codes.split(';') {
        attributes += match code {
            "1" => " font-weight=\"bold\"",
            "2" => " fill-opacity=\"0.65\"",
            "31" | "91" => " fill=\"#ff7b72\"",
            "32" | "92" => " fill=\"#7ee787\"",
            "33" | "93" => " fill=\"#e3b341\"",
            "34" | "94" => " fill=\"#79c0ff\"",
            "35" | "95" => " fill=\"#d2a8ff\"",
            "36" | "96" => " fill=\"#76e3ea\"",
            _ => "",
        };
    }
    attributes
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target).unwrap();
        } else {
            fs::copy(entry.path(), &target).unwrap();
            give_time(&target);
        }
    }
}

/// Sets the modification time of a rollout to the time of its last line, because a checkout does not keep file times.
fn give_time(rollout: &Path) {
    let text = fs::read_to_string(rollout).unwrap();
    let last = text.lines().last().and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    // The index of names and the configuration have no such lines.
    let Some(time) = last.as_ref().and_then(|last| last["timestamp"].as_str()) else { return };
    let time = chrono::DateTime::parse_from_rfc3339(time).unwrap();
    fs::OpenOptions::new().write(true).open(rollout).unwrap().set_modified(time.into()).unwrap();
}
