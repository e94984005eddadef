//! Runs the fuzz targets on the kept corpus and on random inputs with a fixed seed; `fuzz/README.md` says how to run
//! them for hours.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and says on which input"
)]

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "the fuzz targets call them from another package")]
mod targets;

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use targets::{Function, TARGETS};

/// The number of random inputs for the cheapest target. A target that costs more gets fewer. `CODEX_STATE_FUZZ` sets
/// another number.
const INPUTS: usize = 4000;

/// Words that some parser treats specially.
const WORDS: &[&str] = &[
    "{",
    "}",
    "\"",
    "\\",
    ":",
    ",",
    "[",
    "]",
    "\n",
    "\r\n",
    "\0",
    "null",
    "true",
    "-1",
    "9223372036854775808",
    "1e999",
    "\"type\"",
    "\"payload\"",
    "\"timestamp\"",
    "session_meta",
    "turn_context",
    "event_msg",
    "user_message",
    "token_count",
    "\"info\"",
    "total_tokens",
    "history_base",
    "paginated",
    "019ced47-cebb-79dd-b0aa-a552437621a9",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "2026-03-14T16:57:12.123Z",
    "rollout-",
    ".jsonl",
    ".zst",
    "model_provider",
    "sqlite_home",
    " = ",
    "~",
    "30s",
];

/// A small random number generator (SplitMix64) that gives the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap()
    }

    /// Returns random bytes, or an input of the corpus with a few changes.
    fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = match self.below(8) {
            0 => (0..self.below(200)).map(|_| self.next().to_le_bytes()[0]).collect(),
            _ => corpus.get(self.below(corpus.len())).cloned().unwrap_or_default(),
        };
        for _ in 0..self.below(6) {
            let at = self.below(bytes.len() + 1);
            match self.below(6) {
                0 => bytes.truncate(at),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 if at < bytes.len() => bytes[at] = self.next().to_le_bytes()[0],
                3 => {
                    let other = corpus.get(self.below(corpus.len())).cloned().unwrap_or_default();
                    bytes.splice(at..at, other[self.below(other.len())..].to_vec());
                }
                4 => {
                    let end = at + self.below(bytes.len() - at + 1).min(64);
                    let copied = bytes[at..end].to_vec();
                    bytes.splice(at..at, copied);
                }
                _ => drop(bytes.splice(at..at, WORDS[self.below(WORDS.len())].bytes())),
            }
        }
        bytes.truncate(64 * 1024);
        bytes
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has a corpus");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Runs a target on an input, and prints the input if the target fails.
fn run(name: &str, function: Function, input: &[u8]) {
    panic::catch_unwind(AssertUnwindSafe(|| function(input))).unwrap_or_else(|panic| {
        eprintln!("the target {name} failed on these bytes: {}", input.escape_ascii());
        panic::resume_unwind(panic);
    });
}

fn check(name: &str) {
    let (_, function, share) = TARGETS.into_iter().find(|(target, ..)| *target == name).unwrap();
    let corpus = corpus(name);
    corpus.iter().for_each(|input| run(name, function, input));
    let wanted = std::env::var("CODEX_STATE_FUZZ").ok().and_then(|number| number.parse().ok());
    let inputs = wanted.unwrap_or(INPUTS) * share / 400;
    let mut random = Random(std::env::var("CODEX_STATE_FUZZ_SEED").map_or(1, |seed| seed.parse().unwrap()));
    for _ in 0..inputs {
        run(name, function, &random.input(&corpus));
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_listed_everywhere() {
            let names = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|(name, ..)| name), names);
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
            let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
            for name in names {
                let text = fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap();
                assert!(text.contains(&format!("codex_state_fuzz::{name}(data)")), "{name}");
                assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            }
        }
    };
}

targets! { line file repeated file_name session_index config cursor when cells schema image home }
