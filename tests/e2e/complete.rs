//! Tests that `main.rs` lists every file of this folder, because a file that it does not list would not be compiled.

use std::fs;
use std::path::Path;

#[test]
fn every_file_here_is_listed_in_main_rs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e");
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    let listed: Vec<&str> =
        main.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(
            stem == "main" || listed.contains(&stem.as_str()),
            "{} is not compiled: add `mod {stem};` to tests/e2e/main.rs",
            path.display()
        );
    }
}

#[test]
fn every_file_here_opens_with_one_sentence_about_itself() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e");
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not open with a `//!` sentence", path.display());
    }
}
