//! Tests the generator of synthetic homes; the rest of the benchmark is tested by running it.

mod homes;
mod pool;
mod rng;
mod rollout;
mod thread;

use homes::{Size, Spec, make, write_index};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use tempfile::TempDir;
use walkdir::WalkDir;

fn rollouts(home: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = ["sessions", "archived_sessions"]
        .iter()
        .flat_map(|folder| WalkDir::new(home.join(folder)))
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.into_path())
        .collect();
    paths.sort();
    paths
}

fn home(spec: &Spec) -> (TempDir, Size) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let size = make(&dir.path().join("home"), spec).expect("a home");
    (dir, size)
}

#[test]
fn every_line_is_json_and_most_bytes_are_response_items() {
    let (dir, _) = home(&Spec::new(40, 200 << 10));
    let (mut all, mut irrelevant) = (0, 0);
    for path in rollouts(dir.path().join("home").as_path()) {
        let text = fs::read_to_string(&path).unwrap();
        let mut ordinals = 0;
        let mut last = String::new();
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            all += line.len();
            if value["type"] == "response_item" || value["type"] == "compacted" {
                irrelevant += line.len();
            }
            if let Some(ordinal) = value.get("ordinal") {
                assert_eq!(ordinal, ordinals);
                ordinals += 1;
            }
            last = value["timestamp"].as_str().unwrap().to_owned();
        }
        assert!(text.ends_with('\n'));
        let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first["type"], "session_meta");
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.contains(first["payload"]["id"].as_str().unwrap()), "{name}");
        let mtime = fs::metadata(&path).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
        let ended = chrono::DateTime::parse_from_rfc3339(&last).unwrap();
        assert_eq!(mtime.as_millis(), ended.timestamp_millis() as u128, "{name}");
    }
    let share = irrelevant as f64 / all as f64;
    assert!((0.93..0.97).contains(&share), "{share}");
}

#[test]
fn every_kind_of_line_that_matters_occurs() {
    let (dir, _) = home(&Spec::new(40, 150 << 10));
    let mut text = String::new();
    for path in rollouts(dir.path().join("home").as_path()) {
        text.push_str(&fs::read_to_string(path).unwrap());
    }
    for part in [
        r#""type":"turn_context","payload":{"turn_id""#,
        r#""payload":{"type":"user_message""#,
        r#""payload":{"type":"token_count","info":{"#,
        r#""payload":{"type":"reasoning""#,
        r#""type":"compacted""#,
        r#""history_mode":"paginated""#,
        r#""sandbox_policy":{"type":"workspace-write""#,
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn sizes_come_out_as_asked() {
    for spec in [Spec::new(60, 100 << 10), Spec { seed: 7, ..Spec::new(200, 30 << 10) }, Spec::tiny(500)] {
        let (dir, size) = home(&spec);
        let paths = rollouts(dir.path().join("home").as_path());
        let bytes: u64 = paths.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        assert_eq!(size, Size { files: spec.threads as u64, bytes });
        assert_eq!(paths.len(), spec.threads);
        let ratio = bytes as f64 / (spec.threads as u64 * spec.mean_bytes) as f64;
        assert!((0.95..1.10).contains(&ratio), "{}: {ratio}", spec.name());
    }
}

#[test]
fn some_are_archived_and_all_lie_where_codex_puts_them() {
    let spec = Spec::tiny(300);
    let (dir, _) = home(&spec);
    let paths = rollouts(dir.path().join("home").as_path());
    let archived = paths.iter().filter(|path| path.iter().any(|part| part == "archived_sessions")).count();
    assert!((20..80).contains(&archived), "{archived}");
    for index in 0..spec.files() {
        let path = dir.path().join("home").join(spec.thread(index).rollout_path());
        assert!(paths.binary_search(&path).is_ok(), "{}", path.display());
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let read = |seed| {
        let (dir, _) = home(&Spec { seed, ..Spec::new(6, 20 << 10) });
        let home = dir.path().join("home");
        rollouts(&home)
            .iter()
            .map(|path| (path.strip_prefix(&home).unwrap().to_owned(), fs::read(path).unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(read(3), read(3));
    assert_ne!(read(3), read(4));
}

#[test]
fn compressed_homes_hold_the_same_text() {
    let plain = Spec::new(8, 50 << 10);
    let (plain_dir, _) = home(&plain);
    let (zstd_dir, size) = home(&Spec { zstd: true, ..plain });
    for index in 0..plain.files() {
        let path = plain.thread(index).rollout_path();
        let text = fs::read(plain_dir.path().join("home").join(&path)).unwrap();
        let packed = zstd_dir.path().join("home").join(path).with_extension("jsonl.zst");
        assert_eq!(zstd::decode_all(fs::File::open(packed).unwrap()).unwrap(), text);
    }
    assert!(size.bytes < plain.threads as u64 * plain.mean_bytes * 7 / 10, "{size:?}");
}

#[test]
fn a_giant_line_has_the_length_asked() {
    let spec = Spec { giant_line: 3 << 20, ..Spec::new(2, 5 << 10) };
    let (dir, size) = home(&spec);
    assert_eq!(size.files, 3);
    let text = fs::read_to_string(dir.path().join("home").join(spec.thread(2).rollout_path())).unwrap();
    let longest = text.lines().max_by_key(|line| line.len()).unwrap();
    assert_eq!(longest.len() as u64 + 1, 3 << 20);
    let value: Value = serde_json::from_str(longest).unwrap();
    assert_eq!(value["type"], "response_item");
}

#[test]
fn an_index_names_the_threads_of_the_home_and_others() {
    let spec = Spec::tiny(3);
    let folder = TempDir::new().unwrap();
    write_index(folder.path(), &spec, 5).unwrap();
    let index = fs::read_to_string(folder.path().join("session_index.jsonl")).unwrap();
    let lines: Vec<Value> = index.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    assert!(lines[..3].iter().enumerate().all(|(i, line)| line["id"] == spec.thread(i).id.as_str()));
    assert_ne!(lines[3]["id"], lines[4]["id"]);
}

#[test]
fn a_home_is_reused_remade_when_asked_otherwise_and_never_put_over_others_files() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let spec = Spec::tiny(5);
    make(&home, &spec).unwrap();
    let mark = home.join("mark");
    fs::write(&mark, "").unwrap();
    make(&home, &spec).unwrap();
    assert!(mark.exists(), "made again");
    make(&home, &Spec::tiny(6)).unwrap();
    assert!(!mark.exists(), "not made again");

    let other = dir.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("precious"), "").unwrap();
    assert!(make(&other, &spec).is_err());
    assert!(other.join("precious").exists());
}
