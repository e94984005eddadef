//! Parses points in time that people type (`--since`, `--until`) into epoch milliseconds. Times in data are parsed
//! elsewhere.

use anyhow::{Context as _, anyhow};
use chrono::{
    DateTime, Days, MappedLocalTime, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeDelta,
    TimeZone,
};

use crate::error::WithHint as _;

/// The forms, for help and hints.
const FORMS: &str = "an RFC 3339 time (2026-03-14T09:00:00Z), a date (2026-03-14), today, yesterday, or an age (30s, \
                         10m, 2h, 7d, 4w, 3mo, 1y, \"2 weeks ago\")";

/// The greatest accepted age in months; beyond the range of times.
const MAX_MONTHS: u64 = 12 * 1_000_000;

/// Parses a time: RFC 3339; a date, which means its first moment in the given zone; or an age before `now`.
///
/// Months and years are calendar units in the zone: `1mo` before 31 March is the last day of February.
///
/// # Errors
/// If the text has none of these forms, or the time is out of range.
pub fn parse<Z: TimeZone>(text: &str, now: i64, zone: &Z) -> anyhow::Result<i64> {
    let text = text.trim();
    let result = if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        Ok(time.timestamp_millis())
    } else if let Some(date) = date(text) {
        date.and_then(|date| moment(date.and_time(NaiveTime::MIN), zone))
    } else if let Some(days) = day_word(text) {
        day(days, now, zone)
    } else if let Some(age) = age(text) {
        age.and_then(|age| age.before(now, zone))
    } else {
        return Err(anyhow!("cannot read {text:?} as a time").hint(hint(text)));
    };
    result.with_context(|| format!("cannot read {text:?} as a time")).hint(format!("give {FORMS}"))
}

/// Returns how many days ago the day with this name was.
fn day_word(text: &str) -> Option<u64> {
    match text.to_ascii_lowercase().as_str() {
        "today" => Some(0),
        "yesterday" => Some(1),
        _ => None,
    }
}

/// Returns the first moment of the day that was `days` days ago.
fn day<Z: TimeZone>(days: u64, now: i64, zone: &Z) -> anyhow::Result<i64> {
    let day = local(now, zone)?.date().checked_sub_days(Days::new(days)).ok_or_else(too_far)?;
    moment(day.and_time(NaiveTime::MIN), zone)
}

/// Returns the local time in a zone.
fn local<Z: TimeZone>(millis: i64, zone: &Z) -> anyhow::Result<NaiveDateTime> {
    let utc = DateTime::from_timestamp_millis(millis).ok_or_else(too_far)?.naive_utc();
    utc.checked_add_offset(zone.offset_from_utc_datetime(&utc).fix()).ok_or_else(too_far)
}

fn too_far() -> anyhow::Error {
    anyhow!("further back than times reach")
}

/// Returns a hint for the most common near misses, otherwise the list of forms.
fn hint(text: &str) -> String {
    let lower = text.to_lowercase();
    let is_age = |text: &str| age(text).is_some_and(|age| age.is_ok());
    if let Some(number) = text.strip_suffix('M').filter(|number| is_age(&format!("{number}m"))) {
        return format!("give {number}mo for months, {number}m for minutes");
    }
    if let Some(age) = lower.strip_prefix('-').map(str::trim_start).filter(|age| is_age(age)) {
        return format!("give {age}");
    }
    if lower == "now" {
        return "give 0s".to_owned();
    }
    if let Some(unit) =
        lower.strip_prefix("last ").map(str::trim).filter(|unit| is_age(&format!("1 {unit} ago")))
    {
        return format!("give \"1 {unit} ago\"");
    }
    let local = text.replacen(' ', "T", 1);
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(&local, form) {
            let time = time.format("%Y-%m-%dT%H:%M:%S");
            return format!("a time needs its offset from UTC: {time}Z or {time}+02:00");
        }
    }
    format!("give {FORMS}")
}

/// Parses `YYYY-MM-DD`. Returns `None` for another form, and an error if there is no such day.
fn date(text: &str) -> Option<anyhow::Result<NaiveDate>> {
    let form = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    let has_form = form.eq(*b"0000-00-00");
    has_form.then(|| {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| anyhow!("no such day in the calendar"))
    })
}

/// The time since an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Millis(i64),
    Months(u32),
}

impl Age {
    fn before<Z: TimeZone>(self, now: i64, zone: &Z) -> anyhow::Result<i64> {
        match self {
            Age::Millis(age) => now.checked_sub(age).ok_or_else(too_far),
            Age::Months(months) => {
                let then = local(now, zone)?.checked_sub_months(Months::new(months)).ok_or_else(too_far)?;
                moment(then, zone)
            }
        }
    }
}

/// Parses a number with its unit, such as `2w`, `2 weeks` or `2 weeks ago`; `None` for another form.
fn age(text: &str) -> Option<anyhow::Result<Age>> {
    // `M` means months to some people, minutes to others.
    if text.ends_with('M') {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(n_digits);
    let mut words = rest.split_ascii_whitespace();
    let unit = words.next()?;
    if number.is_empty() || !matches!(words.next(), None | Some("ago")) || words.next().is_some() {
        return None;
    }
    let (seconds, months) = match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => (1, 0),
        "m" | "min" | "mins" | "minute" | "minutes" => (60, 0),
        "h" | "hour" | "hours" => (3600, 0),
        "d" | "day" | "days" => (86_400, 0),
        "w" | "week" | "weeks" => (604_800, 0),
        "mo" | "month" | "months" => (0, 1),
        "y" | "year" | "years" => (0, 12),
        _ => return None,
    };
    let age = number.parse::<u64>().ok().and_then(|number| match months {
        0 => i64::try_from(number).ok()?.checked_mul(seconds * 1000).map(Age::Millis),
        _ => {
            let months = number.checked_mul(months).filter(|months| *months <= MAX_MONTHS)?;
            u32::try_from(months).ok().map(Age::Months)
        }
    });
    Some(age.ok_or_else(too_far))
}

/// Returns the first moment at which the clocks of a zone show a local time or a later one. When clocks go forward,
/// local times are skipped, once even a whole day.
fn moment<Z: TimeZone>(local: NaiveDateTime, zone: &Z) -> anyhow::Result<i64> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(time) => return Ok(time.timestamp_millis()),
        MappedLocalTime::Ambiguous(a, b) => return Ok(a.timestamp_millis().min(b.timestamp_millis())),
        MappedLocalTime::None => {}
    }
    // A gap: the clocks go forward to the first later second that they show, within two days.
    let later = |seconds| local.checked_add_signed(TimeDelta::seconds(seconds));
    let shown = (1..=2 * 86_400).find_map(|seconds| zone.from_local_datetime(&later(seconds)?).earliest());
    let millis = shown.context("that day is too far away")?.timestamp_millis();
    // Clocks change on whole seconds.
    Ok(millis - millis.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::hints;
    use chrono::{FixedOffset, Utc};
    use proptest::prelude::*;

    const NOW: i64 = 1_773_507_450_373; // 2026-03-14T16:57:30.373Z

    /// UTC-3 until the given moment, then `by` seconds later, as in São Paulo and Havana, where clocks went forward
    /// at midnight.
    #[derive(Clone, Copy, Debug)]
    struct Forward {
        at: i64,
        by: i32,
    }

    impl Forward {
        fn offset(self, summer: bool) -> FixedOffset {
            FixedOffset::east_opt(-3 * 3600 + if summer { self.by } else { 0 }).unwrap()
        }
    }

    impl TimeZone for Forward {
        type Offset = FixedOffset;
        fn from_offset(_: &FixedOffset) -> Self {
            unreachable!("not needed")
        }
        fn offset_from_local_date(&self, date: &NaiveDate) -> MappedLocalTime<FixedOffset> {
            self.offset_from_local_datetime(&date.and_time(NaiveTime::MIN))
        }
        fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<FixedOffset> {
            let as_utc =
                |offset: FixedOffset| local.and_utc().timestamp() - i64::from(offset.local_minus_utc());
            let winter = as_utc(self.offset(false)) < self.at;
            let summer = as_utc(self.offset(true)) >= self.at;
            match (winter, summer) {
                (true, true) => MappedLocalTime::Ambiguous(self.offset(false), self.offset(true)),
                (true, false) => MappedLocalTime::Single(self.offset(false)),
                (false, true) => MappedLocalTime::Single(self.offset(true)),
                (false, false) => MappedLocalTime::None,
            }
        }
        fn offset_from_utc_date(&self, date: &NaiveDate) -> FixedOffset {
            self.offset_from_utc_datetime(&date.and_time(NaiveTime::MIN))
        }
        fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> FixedOffset {
            self.offset(utc.and_utc().timestamp() >= self.at)
        }
    }

    fn rfc3339(millis: i64) -> String {
        crate::cli::output::records::time::rfc3339(millis)
    }

    fn parsed(text: &str) -> String {
        rfc3339(parse(text, NOW, &FixedOffset::east_opt(3600).unwrap()).unwrap())
    }

    fn refused(text: &str) -> (String, String) {
        let error = parse(text, NOW, &Utc).unwrap_err();
        let [hint] = hints(&error)[..] else { panic!("one hint: {error:#}") };
        (format!("{error:#}"), hint.0.clone())
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(parsed("2026-03-14T09:00:00Z"), "2026-03-14T09:00:00.000Z");
        assert_eq!(parsed("2026-03-14T09:00:00.1239+02:00"), "2026-03-14T07:00:00.123Z");
        assert_eq!(parsed(" 2026-03-14 "), "2026-03-13T23:00:00.000Z", "midnight in the local zone");
        assert_eq!(parsed("0s"), "2026-03-14T16:57:30.373Z");
        assert_eq!(parsed("30s"), "2026-03-14T16:57:00.373Z");
        assert_eq!(parsed("10m"), "2026-03-14T16:47:30.373Z");
        assert_eq!(parsed("2h"), "2026-03-14T14:57:30.373Z");
        assert_eq!(parsed("7d"), "2026-03-07T16:57:30.373Z");
        assert_eq!(parsed("4w"), "2026-02-14T16:57:30.373Z");
        assert_eq!(parsed("2 weeks ago"), "2026-02-28T16:57:30.373Z");
        assert_eq!(parsed("2 Weeks  ago"), parsed("2w"));
        assert_eq!(parsed("1 day ago"), parsed("1d"));
        assert_eq!(parsed("90 min"), parsed("90m"));
        assert_eq!(parsed("7D"), parsed("7d"));
    }

    #[test]
    fn days_months_and_years_are_those_of_the_local_calendar() {
        assert_eq!(parsed("today"), "2026-03-13T23:00:00.000Z", "midnight an hour east of UTC");
        assert_eq!(parsed("Yesterday"), "2026-03-12T23:00:00.000Z");
        assert_eq!(parsed("3mo"), "2025-12-14T16:57:30.373Z");
        assert_eq!(parsed("3 months ago"), parsed("3mo"));
        assert_eq!(parsed("1y"), "2025-03-14T16:57:30.373Z");
        assert_eq!(parsed("2 years ago"), "2024-03-14T16:57:30.373Z");
        let at = |text: &str, now: &str, east| {
            let now = DateTime::parse_from_rfc3339(now).unwrap().timestamp_millis();
            rfc3339(parse(text, now, &FixedOffset::east_opt(east).unwrap()).unwrap())
        };
        assert_eq!(at("1mo", "2026-03-31T10:00:00Z", 0), "2026-02-28T10:00:00.000Z", "the last day there is");
        assert_eq!(at("1y", "2024-02-29T10:00:00Z", 0), "2023-02-28T10:00:00.000Z");
        assert_eq!(
            at("today", "2026-03-14T23:30:00Z", 3600),
            "2026-03-14T23:00:00.000Z",
            "it is tomorrow here"
        );
        let zone = Forward { at: 1_541_300_400, by: 3600 }; // 2018-11-04T03:00:00Z: midnight is left out.
        let now = DateTime::parse_from_rfc3339("2018-12-04T02:30:00Z").unwrap().timestamp_millis();
        assert_eq!(rfc3339(parse("1mo", now, &zone).unwrap()), "2018-11-04T03:00:00.000Z");
    }

    #[test]
    fn a_day_whose_midnight_is_skipped_begins_after_the_clock_change() {
        let at = DateTime::parse_from_rfc3339("2018-11-04T03:00:00Z").unwrap().timestamp();
        let zone = Forward { at, by: 3600 };
        assert_eq!(rfc3339(parse("2018-11-04", NOW, &zone).unwrap()), "2018-11-04T03:00:00.000Z");
        assert_eq!(rfc3339(parse("2018-11-03", NOW, &zone).unwrap()), "2018-11-03T03:00:00.000Z");
        assert_eq!(rfc3339(parse("2018-11-05", NOW, &zone).unwrap()), "2018-11-05T02:00:00.000Z");
    }

    #[test]
    fn a_day_that_a_zone_skipped_begins_with_the_next() {
        let at = DateTime::parse_from_rfc3339("2011-12-30T03:00:00Z").unwrap().timestamp();
        let zone = Forward { at, by: 86_400 };
        assert_eq!(rfc3339(parse("2011-12-30", NOW, &zone).unwrap()), "2011-12-30T03:00:00.000Z");
    }

    #[test]
    fn a_midnight_that_comes_twice_is_the_first() {
        let at = DateTime::parse_from_rfc3339("2018-02-18T03:30:00Z").unwrap().timestamp();
        let zone = Forward { at, by: -3600 };
        assert_eq!(rfc3339(parse("2018-02-18", NOW, &zone).unwrap()), "2018-02-18T03:00:00.000Z");
    }

    #[test]
    fn errors_suggest_what_to_type_instead() {
        let forms = format!("give {FORMS}");
        let last_week = ("cannot read \"last week\" as a time".into(), "give \"1 week ago\"".into());
        assert_eq!(refused("last week"), last_week);
        assert_eq!(refused("3M").1, "give 3mo for months, 3m for minutes");
        assert_eq!(refused("now").1, "give 0s");
        assert_eq!(refused("9999999y").0.split(": ").nth(1), Some("further back than times reach"));
        assert_eq!(
            refused("2026-02-30").0,
            "cannot read \"2026-02-30\" as a time: no such day in the calendar"
        );
        assert_eq!(
            refused("99999999999999999999w").0.split(": ").nth(1),
            Some("further back than times reach")
        );
        assert_eq!(refused("-7d").1, "give 7d");
        let offset = "a time needs its offset from UTC: 2026-03-14T09:00:00Z or 2026-03-14T09:00:00+02:00";
        assert_eq!(refused("2026-03-14 09:00").1, offset);
        assert_eq!(refused("2026-03-14T09:00:00").1, offset);
        for text in [
            "",
            "d",
            "-d",
            "+3d",
            "3",
            "3 d x",
            "ago",
            "3 ago",
            "2026-3-14",
            "３d",
            "1q",
            "12:00",
            "last canal",
        ] {
            assert_eq!(refused(text).1, forms, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text: String, number: u64, unit in "(s|m|h|d|w|mo|y| weeks ago)", now: i64) {
            let _ = parse(&text, now, &Utc);
            let _ = parse(&format!("{number}{unit}"), now, &Utc);
        }

        #[test]
        fn times_in_records_can_be_parsed(millis in -62_000_000_000_000i64..253_000_000_000_000) {
            prop_assert_eq!(parse(&rfc3339(millis), NOW, &Utc).unwrap(), millis);
        }

        #[test]
        fn the_first_moment_of_a_day_shows_that_day_and_the_one_before_does_not(day in 0i64..20_000, at in 0i64..1_728_000_000, by in 0i32..7200) {
            let zone = Forward { at, by };
            let date = NaiveDate::default() + Days::new(day.unsigned_abs());
            let first = parse(&date.to_string(), NOW, &zone).unwrap();
            let shown = |millis| zone.from_utc_datetime(&DateTime::from_timestamp_millis(millis).unwrap().naive_utc()).date_naive();
            prop_assert_eq!(shown(first), date);
            prop_assert!(shown(first - 1) < date);
        }
    }
}
