//! Decompresses rollouts: their frames, and the NUL bytes that a lost block leaves behind the last one.

use super::source::{self, ReadError};
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use zstd::stream::read::Decoder;
use zstd::zstd_safe;

/// Greatest window of the decompressor, as a power of two: 128 MiB.
pub(super) const LARGEST_WINDOW_LOG: u32 = 27;

/// Codes of zstd's errors, which it returns as negative sizes.
const PREFIX_UNKNOWN: usize = 0_usize.wrapping_sub(10);
const WINDOW_TOO_LARGE: usize = 0_usize.wrapping_sub(16);

/// The content of a compressed rollout. A file system that lost the last blocks leaves NUL bytes behind the last frame;
/// they count as content, so that they are found as damage and the frames before them are read.
pub(super) struct Frames<'a, R: BufRead> {
    decoder: Decoder<'a, R>,
    is_behind: bool,
}

impl<'a, R: BufRead> Frames<'a, R> {
    /// Reads what `decoder` decompresses.
    pub(super) fn new(decoder: Decoder<'a, R>) -> Frames<'a, R> {
        Frames { decoder, is_behind: false }
    }
}

impl<R: BufRead> Read for Frames<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_behind {
            match self.decoder.read(buffer) {
                Err(error) if is_zstd(&error, PREFIX_UNKNOWN) => {}
                done => return done,
            }
        }
        let rest = self.decoder.get_mut().fill_buf()?;
        let rest = &rest[..rest.len().min(buffer.len())];
        if rest.iter().any(|byte| *byte != 0) {
            return Err(io::Error::other(zstd_safe::get_error_name(PREFIX_UNKNOWN)));
        }
        self.is_behind = true;
        let n = rest.len();
        buffer[..n].fill(0);
        self.decoder.get_mut().consume(n);
        Ok(n)
    }
}

/// zstd reports everything as an I/O error of kind `Other` with the name of its error.
fn is_zstd(error: &io::Error, code: usize) -> bool {
    error.to_string() == zstd_safe::get_error_name(code)
}

/// Tells what is wrong with a compressed file that could not be read.
pub(super) fn explain(error: ReadError, path: &Path, interrupted: &AtomicBool) -> ReadError {
    use io::ErrorKind::{InvalidData, Other, UnexpectedEof};
    match error {
        _ if interrupted.load(Ordering::Relaxed) => ReadError::Interrupted,
        ReadError::Passing(error) if is_zstd(&error, WINDOW_TOO_LARGE) => {
            ReadError::WindowTooLarge { size: first_window_size(path), limit: 1 << LARGEST_WINDOW_LOG }
        }
        ReadError::Passing(error) if matches!(error.kind(), Other | UnexpectedEof | InvalidData) => {
            ReadError::Unusable(format!("cannot be decompressed: it is cut short or damaged (zstd: {error})"))
        }
        other => other,
    }
}

/// Returns the window size that a file's first frame requires (RFC 8878, 3.1.1.1).
fn first_window_size(path: &Path) -> Option<u64> {
    let mut header = [0; 6];
    source::open(path).ok()?.0.read_exact(&mut header).ok()?;
    let [magic @ .., descriptor, window] = header;
    let single_segment = descriptor & 0b10_0000 != 0;
    if magic != [0x28, 0xb5, 0x2f, 0xfd] || single_segment {
        return None;
    }
    let base = 1_u64 << (10 + (window >> 3));
    Some(base + base / 8 * u64::from(window & 0b111))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        Frames::new(Decoder::new(bytes)?).read_to_end(&mut content).map(|_| content)
    }

    #[test]
    fn nul_bytes_behind_the_last_frame_are_content_and_other_bytes_are_an_error() {
        let frame = zstd::encode_all(&b"words\n"[..], 3).unwrap();
        let two = [&frame[..], &frame].concat();
        assert_eq!(read(&two).unwrap(), b"words\nwords\n");
        for n in [1, 3, 4, 5, 8, 4096, 300_000] {
            let nul = vec![0; n];
            assert_eq!(
                read(&[&two[..], &nul].concat()).unwrap(),
                [b"words\nwords\n", &nul[..]].concat(),
                "{n}"
            );
            for end in [&b"x"[..], &frame] {
                assert!(read(&[&two[..], &nul, end].concat()).is_err(), "{n}");
            }
        }
        assert!(read(b"garbage, no frame").is_err() && read(&two[..two.len() - 3]).is_err());
    }
}
