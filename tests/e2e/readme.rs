//! Tests that README.md says what a newcomer looks for, where they look for it, and nothing that is out of date.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Returns the text below a heading, up to the next one of its level.
fn section(heading: &str) -> String {
    let readme = read("README.md");
    let (_, after) =
        readme.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading:?}"));
    after.split("\n## ").next().unwrap().to_owned()
}

/// Returns the cells of the lines of a table, without its head.
fn table(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter(|line| line.starts_with('|'));
    lines
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_first_screen_says_what_it_is_and_that_it_is_safe() {
    let readme = read("README.md");
    let (first, _) = readme.split_once("<img").unwrap();
    assert!(first.lines().count() <= 20, "a person reads this in half a minute:\n{first}");
    for words in ["Codex can stay open", "Conversation files are never modified", "Nothing is lost"] {
        assert!(first.contains(words), "{words}");
    }
}

#[test]
fn the_picture_shows_a_repair_in_half_a_screen() {
    let readme = read("README.md");
    let (_, image) = readme.split_once("<img ").unwrap();
    let (image, _) = image.split_once('>').unwrap();
    let value = |name: &str| image.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap();
    assert!(value("height").parse::<u32>().unwrap() <= 450, "half of a usual window");
    assert!(!value("alt").is_empty());
    let picture = read(value("src"));
    let mut rest = picture.as_str();
    for shown in [
        "codex-state status",
        "2 errors",
        "codex-state verify",
        "codex-state backfill",
        "state_5.sqlite",
        "Codex now shows",
    ] {
        rest = rest.split_once(shown).unwrap_or_else(|| panic!("{shown} is not in its place")).1;
    }
    let line_begins = |line: &str| line.contains("x=\"18.0\"") && line.contains(">019");
    assert!(!picture.lines().any(line_begins), "a line that begins with an id says nothing to a newcomer");
}

#[test]
fn the_sections_come_in_the_order_of_a_newcomers_questions() {
    let readme = read("README.md");
    let headings: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let expected = [
        "Three commands",
        "Install",
        "What it works with",
        "What it is not",
        "Promises",
        "Other ways, compared",
        "Performance",
        "For developers",
        "License",
    ];
    assert_eq!(headings, expected);
    assert!(section("What it works with").contains("Linux, macOS and Windows"));
    let is_not = section("What it is not");
    for words in ["not made by OpenAI", "does not search or export", "rg -", "report it"] {
        assert!(is_not.contains(words), "{words}");
    }
}

#[test]
fn the_oldest_rust_is_that_of_the_manifest() {
    let manifest = read("Cargo.toml");
    let oldest = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    let words = format!("Rust {} or later", oldest.trim_matches('"'));
    assert!(section("Install").contains(&words), "{words}");
}

#[test]
fn every_figure_was_measured_and_every_goal_that_is_missed_has_its_reason() {
    let performance = section("Performance");
    let rows = table(&performance);
    assert_eq!(rows.len(), 6, "the rows that matter to a user");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/results");
    let mut measured = Vec::new();
    for result in fs::read_dir(folder).unwrap() {
        measured.extend(table(&fs::read_to_string(result.unwrap().path()).unwrap()));
    }
    let (_, words) = performance.rsplit_once("|\n").unwrap();
    for row in rows {
        let [name, _, ours, yardstick, ratio, goal] = &row[..] else { panic!("{row:?}") };
        let name = name.trim_matches('`');
        let yardstick = yardstick.rsplit("` ").next().unwrap();
        let is_this = |cells: &Vec<String>| {
            cells.len() > 5 && cells[0] == name && cells[3] == *ours && cells[4] == yardstick
        };
        assert!(measured.iter().any(is_this), "{name}: {ours} and {yardstick} are in no result");
        let missed = ratio.parse::<f64>().is_ok_and(|ratio| ratio > goal.parse().unwrap());
        assert!(!missed || words.contains(&format!("`{name}`")), "{name} misses its goal without a word why");
    }
}
