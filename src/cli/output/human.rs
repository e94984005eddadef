//! Formats numbers, times and ids for people; `records` formats them for machines.

use chrono::{DateTime, FixedOffset, Offset as _, TimeZone};
use indicatif::HumanCount;

use crate::cli::output::records::time;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
const YEAR: i64 = 365 * DAY;

/// Returns the age of a time: `now`, `12s ago`, `5m ago`, `3h ago`, `2d ago`, `5w ago`, `2y ago`; `in 5m` for a
/// future time.
///
/// Days are used from the second one and weeks from the third, because `1d ago` and `1w ago` are imprecise.
pub fn ago(millis: i64, now: i64) -> String {
    let distance = i128::from(now) - i128::from(millis);
    let Ok(age) = i64::try_from(distance.abs()) else { return time::rfc3339(millis) };
    let units = [
        (MINUTE, SECOND, "s"),
        (HOUR, MINUTE, "m"),
        (2 * DAY, HOUR, "h"),
        (3 * WEEK, DAY, "d"),
        (YEAR, WEEK, "w"),
    ];
    let (_, unit, letter) = units.into_iter().find(|(end, ..)| age < *end).unwrap_or((0, YEAR, "y"));
    if age < SECOND {
        return "now".to_owned();
    }
    let amount = format!("{}{letter}", age / unit);
    if distance > 0 { format!("{amount} ago") } else { format!("in {amount}") }
}

/// Formats a time to the second, in the given zone and with its offset: `2026-03-14 17:57:30 +01:00`.
pub fn local_second<Z: TimeZone>(millis: i64, zone: &Z) -> String {
    local(millis, zone)
        .map_or_else(|| millis.to_string(), |time| time.format("%Y-%m-%d %H:%M:%S %:z").to_string())
}

/// Returns the month of a time in the given zone, such as `2026-03`, by which `status` counts threads.
pub fn local_month<Z: TimeZone>(millis: i64, zone: &Z) -> Option<String> {
    Some(local(millis, zone)?.format("%Y-%m").to_string())
}

fn local<Z: TimeZone>(millis: i64, zone: &Z) -> Option<DateTime<FixedOffset>> {
    // Chrono panics outside its range. A day's distance from its ends keeps every offset within.
    if !time::is_sayable(millis.checked_add(DAY)?) || !time::is_sayable(millis.checked_sub(DAY)?) {
        return None;
    }
    let time = DateTime::from_timestamp_millis(millis)?;
    let offset = zone.offset_from_utc_datetime(&time.naive_utc()).fix();
    Some(time.with_timezone(&offset))
}

/// Formats a count with thousands separators: `1,234`.
pub fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// Formats a count with its noun: `1 thread`, `1,234 threads`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Formats a size: `512 B`, `1.2 GiB`. Rounded half up; never `1024.0 KiB`.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if size < 1024 {
        return format!("{size} B");
    }
    let mut unit = 1024u128;
    for name in UNITS {
        let tenths = (u128::from(size) * 20 + unit) / (unit * 2);
        if tenths < 10_240 || name == "EiB" {
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
        unit *= 1024;
    }
    unreachable!("the last unit takes what is left")
}

/// Formats a duration: `0.4s`, `12.3s`, `2m05s`, `1h02m`.
pub fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    if seconds < 60 {
        format!("{seconds}.{}s", millis % 1000 / 100)
    } else if seconds < 3600 {
        format!("{}m{:02}s", seconds / 60, seconds % 60)
    } else {
        format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60)
    }
}

/// The minimum length of an abbreviated id.
const SHORTEST_ID: usize = 8;

/// Returns how many bytes of `id` distinguish it from its neighbours in the sorted sequence of all ids; at least
/// eight.
///
/// Thread ids begin with the time, so those of one minute share at least their first eight digits. An abbreviation
/// never ends with the hyphen, which a double click would not select.
pub fn unique_length(id: &str, previous: Option<&str>, next: Option<&str>) -> usize {
    let shared = |other: &str| id.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let longest = previous.into_iter().chain(next).map(shared).max();
    let mut length = longest.map_or(0, |shared| shared + 1).max(SHORTEST_ID).min(id.len());
    if id.as_bytes()[..length].ends_with(b"-") && length < id.len() {
        length += 1;
    }
    while !id.is_char_boundary(length) {
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;
    use proptest::prelude::*;

    #[test]
    fn ages_have_one_unit() {
        let now = 1_773_507_450_373;
        let cases = [
            (0, "now"),
            (999, "now"),
            (12 * SECOND, "12s ago"),
            (59 * MINUTE, "59m ago"),
            (3 * HOUR, "3h ago"),
            (47 * HOUR, "47h ago"),
            (2 * DAY, "2d ago"),
            (20 * DAY, "20d ago"),
            (5 * WEEK + DAY, "5w ago"),
            (364 * DAY, "52w ago"),
            (800 * DAY, "2y ago"),
            (-5 * MINUTE, "in 5m"),
        ];
        for (age, shown) in cases {
            assert_eq!(ago(now - age, now), shown);
        }
    }

    #[test]
    fn times_are_shown_in_the_given_zone() {
        let berlin = FixedOffset::east_opt(3600).unwrap();
        assert_eq!(local_second(1_773_507_450_373, &berlin), "2026-03-14 17:57:30 +01:00");
        assert_eq!(local_month(1_772_322_000_000, &Utc).as_deref(), Some("2026-02"));
        assert_eq!(
            local_month(1_772_322_000_000, &berlin).as_deref(),
            Some("2026-03"),
            "an hour before in UTC"
        );
    }

    #[test]
    fn counts_and_sizes() {
        let counts = [0, 7, 999, 1000, 1234, 159_000, 1_000_000].map(count);
        assert_eq!(counts, ["0", "7", "999", "1,000", "1,234", "159,000", "1,000,000"]);
        assert_eq!(counted(1, "thread", "threads"), "1 thread");
        assert_eq!(counted(0, "thread", "threads"), "0 threads");
        let sizes = [0, 1023, 1024, 1536, 1_048_524, 1_048_575, 1_288_490_189, u64::MAX].map(bytes);
        assert_eq!(
            sizes,
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1023.9 KiB", "1.0 MiB", "1.2 GiB", "16.0 EiB"]
        );
        let durations = [49, 400, 12_345, 125_000, 3_720_000].map(duration);
        assert_eq!(durations, ["0.0s", "0.4s", "12.3s", "2m05s", "1h02m"]);
    }

    /// Returns the shortest unique prefix of each of `ids`, which must be sorted and without duplicates.
    fn shortest_unique_prefixes<S: AsRef<str>>(ids: &[S]) -> Vec<&str> {
        let at = |place: Option<usize>| place.and_then(|place| ids.get(place)).map(AsRef::as_ref);
        let short = |(place, id): (usize, &'_ S)| {
            unique_length(id.as_ref(), at(place.checked_sub(1)), at(Some(place + 1)))
        };
        ids.iter().enumerate().map(|(place, id)| &id.as_ref()[..short((place, id))]).collect()
    }

    #[test]
    fn ids_are_as_short_as_is_unique() {
        let ids = [
            "01980000-0000-7000-8000-000000000001",
            "019a1111-2222-7333-8444-555555555555",
            "019a1111-2222-7333-8444-555555555559",
            "019a1111-3333-7333-8444-555555555555",
            "019b0000-0000-7000-8000-000000000000",
            "019b0001-0000-7000-8000-000000000000",
        ];
        assert_eq!(
            shortest_unique_prefixes(&ids),
            [
                "01980000",
                "019a1111-2222-7333-8444-555555555555",
                "019a1111-2222-7333-8444-555555555559",
                "019a1111-3",
                "019b0000",
                "019b0001",
            ]
        );
        assert_eq!(shortest_unique_prefixes(&["short"]), ["short"]);
        assert_eq!(shortest_unique_prefixes::<&str>(&[]), [""; 0]);
    }

    #[test]
    fn a_short_id_never_ends_with_a_hyphen() {
        assert_eq!(unique_length("019a1111-2222", Some("019a1111_2222"), None), 10);
        assert_eq!(unique_length("019a1111-2222", None, None), 8);
    }

    proptest! {
        #[test]
        fn a_short_id_names_one_thread_and_a_shorter_one_more(ids in prop::collection::btree_set("[0-2]{1,3}-[0-2]{7}", 1..30)) {
            let ids: Vec<String> = ids.into_iter().collect();
            for (short, id) in shortest_unique_prefixes(&ids).into_iter().zip(&ids) {
                prop_assert!(id.starts_with(short) && short.len() >= SHORTEST_ID.min(id.len()));
                prop_assert_eq!(ids.iter().filter(|other| other.starts_with(short)).count(), 1);
                if short.len() > SHORTEST_ID + 1 {
                    let shorter = &short[..short.len() - 2];
                    prop_assert!(ids.iter().filter(|other| other.starts_with(shorter)).count() > 1);
                }
            }
        }

        #[test]
        fn no_number_panics(millis: i64, now: i64, size: u64) {
            let east = FixedOffset::east_opt(14 * 3600).unwrap();
            let west = FixedOffset::west_opt(12 * 3600).unwrap();
            for text in [ago(millis, now), local_second(millis, &east), local_second(millis, &west), bytes(size)] {
                prop_assert!(!text.is_empty());
            }
            prop_assert_eq!(count(size).replace(',', ""), size.to_string());
            prop_assert!(!duration(size).is_empty());
        }
    }
}
