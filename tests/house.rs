//! The rules of the house that a compiler does not check: which module may use which, where each crate lives, and
//! that the documents name what is there.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules, lowest first. A module may use those in lower rows, never one of its own row or above.
const ORDER: [&[&str]; 13] = [
    &["error", "fault", "progress"],
    &["thread"],
    &["sys"],
    &["rollout"],
    &["sessions"],
    &["inventory", "absent"],
    &["home"],
    &["output_file"],
    &["compare"],
    &["db"],
    &["session_index", "select", "scan", "claims", "custody", "find"],
    &["backfill", "verify", "list", "archive", "prune", "restore", "status"],
    &["cli"],
];

/// Crates that are named in one place of the library only.
const CRATE_HOMES: [(&str, &[&str]); 8] = [
    ("walkdir", &["sessions"]),
    ("zstd", &["rollout"]),
    ("rusqlite", &["db"]),
    ("clap", &["cli"]),
    ("comfy_table", &["cli"]),
    ("indicatif", &["cli"]),
    ("toml", &["home"]),
    ("csv", &["cli"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file with the module at the top that it belongs to.
fn sources() -> Vec<(String, PathBuf, String)> {
    fn visit(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let src = root().join("src");
    let mut files = Vec::new();
    visit(&src, &mut files);
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(&src).unwrap();
            let module = relative.components().next().unwrap().as_os_str().to_str().unwrap();
            let module = module.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).unwrap();
            // A file of tests alone: only its first line is held to the rules.
            let is_test = relative
                .components()
                .any(|part| ["tests.rs", "testing.rs", "tests"].iter().any(|name| part.as_os_str() == *name));
            let text = if is_test { text.lines().take(1).collect() } else { text };
            (module, relative.to_owned(), text)
        })
        .filter(|(module, ..)| module != "lib" && module != "main")
        .collect()
}

/// The names that follow `prefix` in the code of a file, tests and comments left out.
fn names_after<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.match_indices(prefix).map(move |(at, _)| &line[at + prefix.len()..]))
        .map(|rest| rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap())
        .collect()
}

#[test]
fn arrows_point_up_the_list_never_down() {
    let rank: BTreeMap<&str, usize> = ORDER
        .iter()
        .enumerate()
        .flat_map(|(rank, row)| row.iter().map(move |module| (*module, rank)))
        .collect();
    for (module, path, text) in sources() {
        let own = *rank.get(module.as_str()).unwrap_or_else(|| panic!("{module} stands in no row of ORDER"));
        for used in names_after(&text, "crate::") {
            let Some(&theirs) = rank.get(used) else { continue };
            assert!(
                used == module || theirs < own,
                "{} uses crate::{used}, which is not below it",
                path.display()
            );
        }
    }
}

#[test]
fn each_crate_has_one_home() {
    for (module, path, text) in sources() {
        for (name, homes) in CRATE_HOMES {
            let uses = names_after(&text, &format!("{name}::")).len()
                + names_after(&text, &format!("use {name}")).len();
            assert!(uses == 0 || homes.contains(&module.as_str()), "{} uses {name}", path.display());
        }
    }
}

#[test]
fn files_of_a_home_are_opened_in_one_way() {
    // Where files are made that must not exist yet, a folder is synced, or a device is opened for output.
    let makes_files =
        ["sys/open.rs", "sys/mod.rs", "sys/relocate.rs", "db/backup/staging.rs", "output_file.rs"];
    for (_, path, text) in sources() {
        if makes_files.iter().any(|allowed| path == Path::new(allowed)) {
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for opens in [
                "File::open(",
                "File::create(",
                "fs::read(",
                "fs::read_to_string(",
                "fs::write(",
                "fs::copy(",
            ] {
                assert!(
                    !line.contains(opens),
                    "{}: `{}` opens a file without sys::open_regular",
                    path.display(),
                    line.trim()
                );
            }
        }
        let code: String = code.split_whitespace().collect();
        let n = code.matches("File::options()").count() + code.matches("OpenOptions::new()").count();
        let n_regular = code.matches("open_regular_with(File::options()").count();
        assert_eq!(n, n_regular, "{}: opens a file without sys::open_regular_with", path.display());
    }
}

#[test]
fn every_file_says_first_what_it_is() {
    for (_, path, text) in sources() {
        assert!(text.starts_with("//! "), "{} does not begin with a //! line", path.display());
    }
}

#[test]
fn files_stay_small_enough_to_read_in_one_go() {
    for (_, path, text) in sources() {
        let n_lines = text.split("#[cfg(test)]\nmod tests").next().unwrap().lines().count();
        assert!(n_lines <= 600, "{} has {n_lines} lines before its tests: one idea a file", path.display());
    }
}

#[test]
fn the_architecture_names_every_module() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (_, path, _) in sources() {
        let name = path.to_str().unwrap().replace('\\', "/");
        let folder = name.split('/').next().unwrap();
        let folder = if name.contains('/') { format!("`src/{folder}/") } else { format!("`src/{name}`") };
        assert!(text.contains(&folder), "ARCHITECTURE.md does not name {folder}");
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut in_dependencies = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            in_dependencies = section.contains("dependencies");
        } else if let (true, Some((name, _))) = (in_dependencies, line.split_once('=')) {
            let name = name.trim();
            assert!(text.contains(&format!("`{name}`")), "ARCHITECTURE.md gives no reason for {name}");
        }
    }
}

#[test]
fn the_changelog_is_ready_for_the_next_change() {
    let text = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    assert!(text.contains("\n## Unreleased\n"), "CHANGELOG.md has no heading for what comes next");
}

/// The bullets below the heading of the README that promises things.
fn promises() -> Vec<String> {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = text.split_once("\n## Promises\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let bullets = section.split("\n- ").skip(1).map(|bullet| bullet.split("\n\n").next().unwrap());
    bullets.map(|bullet| bullet.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Every test file under tests/ and src/, by its name without ending, with its text.
fn test_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("tests"), root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files
}

#[test]
fn every_promise_names_tests_that_exist() {
    let text = fs::read_to_string(root().join("docs/PROMISES.md")).unwrap();
    // What follows is a record of what was tried, not of promises.
    let text = text.split("\n## ").next().unwrap();
    let rows: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .filter(|(promise, _)| *promise != "promise" && !promise.starts_with("---"))
        .collect();
    let promises = promises();
    assert_eq!(
        promises.len(),
        rows.len(),
        "a row for each promise, in the order of the README: {promises:#?}"
    );
    let files = test_files();
    for (promise, (row, names)) in promises.iter().zip(&rows) {
        assert!(promise.starts_with(row), "the README says {promise:?}, docs/PROMISES.md {row:?}");
        let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row:?} names no test");
        for name in names {
            let (file, test) = name.split_once("::").unwrap_or((name, ""));
            let is_there = files.iter().any(|(stem, text)| {
                let has_it = if test.is_empty() {
                    text.contains("#[test]")
                } else {
                    text.contains(&format!("fn {test}()"))
                };
                stem == file && has_it
            });
            assert!(is_there, "{row:?} names `{name}`, which is no test");
        }
    }
}
