//! Chooses which of a file's two times `updated_at` gets: the modification time or the time of the last line.

use super::Millis;
use super::equivalence::FIRST_MILLISECONDS;

/// If the modification time is later than the last line by more than this, it is the time of a copy, not of the
/// thread.
const COPIED_AFTER: Millis = 24 * 60 * 60 * 1000;

/// The source of `updated_at` (`backfill --times`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// The modification time, unless it is lost or that of a copy. A row that has either of the file's two times
    /// keeps it.
    #[default]
    Auto,
    /// The modification time, unless it is lost.
    Mtime,
    /// The time of the last line, unless it is lost.
    Events,
    /// Like `Auto`, but a time is never the only reason to write a row.
    Keep,
}

impl Times {
    /// Returns the time for a row, from the file's modification time and the time of its last line. A time that was lost
    /// gives way to the other one: Codex would page through a list with it for ever.
    #[must_use]
    pub fn choose(self, modified_at: Millis, last_event_at: Millis) -> Millis {
        match self {
            _ if is_lost(last_event_at) && !is_lost(modified_at) => modified_at,
            Times::Mtime if is_lost(modified_at) => last_event_at,
            Times::Mtime => modified_at,
            Times::Events => last_event_at,
            Times::Auto | Times::Keep if says_nothing(modified_at, last_event_at) => last_event_at,
            Times::Auto | Times::Keep => modified_at,
        }
    }

    /// Returns true if a row may have either of the file's two times.
    #[must_use]
    pub fn accepts_both(self) -> bool {
        matches!(self, Times::Auto | Times::Keep)
    }
}

/// Returns true for a time before 2020. The file system or a backup lost the true one, and its milliseconds would be
/// read as seconds.
#[must_use]
pub fn is_lost(time: Millis) -> bool {
    time < FIRST_MILLISECONDS
}

/// Returns true if a modification time is useless: it was lost, or it is more than a day after the last line (that of
/// a copy).
fn says_nothing(modified_at: Millis, last_event_at: Millis) -> bool {
    is_lost(modified_at) || modified_at.saturating_sub(last_event_at) > COPIED_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modification_time_is_used_unless_it_is_lost_or_a_copys() {
        let last_line = 1_783_329_723_050;
        let hour = 60 * 60 * 1000;
        for (modified_at, expected) in [
            (last_line, last_line),
            (last_line + hour, last_line + hour),
            (last_line + 24 * hour, last_line + 24 * hour),
            (last_line + 24 * hour + 1, last_line),
            (last_line - 300 * hour, last_line - 300 * hour),
            (315_532_800_000, last_line),
            (0, last_line),
            (i64::MIN, last_line),
        ] {
            assert_eq!(Times::Auto.choose(modified_at, last_line), expected, "{modified_at}");
            assert_eq!(Times::Keep.choose(modified_at, last_line), expected, "{modified_at}");
            let of_file = if modified_at < last_line / 2 { last_line } else { modified_at };
            assert_eq!(Times::Mtime.choose(modified_at, last_line), of_file);
            assert_eq!(Times::Events.choose(modified_at, last_line), last_line);
        }
        // The clock was wrong when the line was written.
        for times in [Times::Auto, Times::Mtime, Times::Events, Times::Keep] {
            assert_eq!(times.choose(last_line, 86_400_000), last_line);
            assert_eq!(times.choose(86_400_000, last_line), last_line);
            assert_eq!(times.choose(7, 7), 7);
        }
    }
}
