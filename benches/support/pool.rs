//! Makes text to fill rollouts with: it is made once and then copied in pieces.
//!
//! Writing word by word would make the generator slower than the disk. A pool holds some MiB of lines, already
//! escaped for JSON, larger than the window of zstd's level 3, so that copies of it compress like fresh text.

use super::rng::Rng;

const POOL_BYTES: u64 = 6 << 20;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const SYLLABLES: [&str; 24] = [
    "al", "ban", "cor", "da", "el", "fin", "gra", "ho", "in", "ja", "ker", "lo", "mi", "net", "or", "pa",
    "qui", "ro", "sta", "ti", "un", "ver", "wa", "ze",
];

/// Lines of text, escaped for a JSON string, and base64 that does not compress.
pub(crate) struct Pool {
    text: Vec<u8>,
    /// The offsets of the lines of `text`, and its end. A piece begins and ends only there, never inside an escape.
    starts: Vec<usize>,
    base64: Vec<u8>,
}

impl Pool {
    /// Makes the pool of a seed for `bytes` of rollouts in all. A small home gets a small pool, which is made faster.
    pub(crate) fn new(seed: u64, bytes: u64) -> Self {
        let bytes = bytes.clamp(128 << 10, POOL_BYTES) as usize;
        let mut rng = Rng::new(seed, u64::MAX);
        let words: Vec<String> = (0..3000)
            .map(|_| (0..1 + rng.below(4)).map(|_| rng.pick(&SYLLABLES)).collect::<String>())
            .collect();
        let mut text = Vec::with_capacity(bytes + 1024);
        let mut starts = vec![0];
        while text.len() < bytes {
            push_line(&mut rng, &words, &mut text);
            starts.push(text.len());
        }
        let base64 = (0..bytes / 4).map(|_| rng.pick(BASE64)).collect();
        Self { text, starts, base64 }
    }

    /// Appends exactly `len` bytes of text: whole lines, then dashes.
    pub(crate) fn text(&self, rng: &mut Rng, out: &mut Vec<u8>, len: usize) {
        let end = out.len() + len;
        while out.len() < end {
            let first = rng.below(self.starts.len() - 1);
            let from = self.starts[first];
            let fits = self.starts.partition_point(|&start| start <= from + (end - out.len()));
            let to = self.starts[fits - 1];
            if to <= from {
                break;
            }
            out.extend_from_slice(&self.text[from..to]);
        }
        out.resize(end, b'-');
    }

    /// Appends `len` bytes that look like encrypted content.
    pub(crate) fn encrypted(&self, rng: &mut Rng, out: &mut Vec<u8>, len: usize) {
        let end = out.len() + len;
        while out.len() < end {
            let from = rng.below(self.base64.len());
            let to = self.base64.len().min(from + (end - out.len()));
            out.extend_from_slice(&self.base64[from..to]);
        }
    }
}

/// Appends one line with its `\n`: code, logs, compiler messages, prose, JSON in JSON, or text that is not ASCII.
fn push_line(rng: &mut Rng, words: &[String], out: &mut Vec<u8>) {
    let n = rng.below(5000);
    // Squaring makes some words frequent and most rare.
    let mut word = || {
        let limit = rng.below(words.len()) + 1;
        words[rng.below(limit)].as_str()
    };
    let line = match n % 20 {
        0..6 => format!(r"    let {} = {}.{}(&{}, {n})?;", word(), word(), word(), word()),
        6..9 => format!(r"2026-03-14 09:{:02}:{:02} INFO {}: {} {n} ms", n % 60, n % 59, word(), word()),
        9..12 => format!(r"src/{}/{}.rs:{n}:{}: {} {}", word(), word(), n % 90, word(), word()),
        12..16 => (0..9 + n % 5).map(|_| word()).collect::<Vec<_>>().join(" ") + ".",
        16 => format!(
            r#"\t\"{}\": {{\"{}\": [{n}, \"{}\"], \"path\": \"C:\\{}\"}},"#,
            word(),
            word(),
            word(),
            word()
        ),
        17 => format!(r"\u001b[32m{}\u001b[0m {} … „{}“ 你好 {n} 🦀", word(), word(), word()),
        18 => format!(r#"{}(\"{}\", \"{}\") // {}"#, word(), word(), word(), word()),
        // Rollouts that quote rollouts: a search for bytes must not take them for real lines.
        _ => format!(
            r#"{{\"type\":\"turn_context\",\"payload\":{{\"model\":\"{}\",\"cwd\":\"/{}\"}}}}"#,
            word(),
            word()
        ),
    };
    out.extend_from_slice(line.as_bytes());
    out.extend_from_slice(br"\n");
}
