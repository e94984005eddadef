//! What people type for a point in time (`--since`, `--until`), to epoch milliseconds; not times found in data.

use anyhow::{Context as _, anyhow, bail};
use chrono::{DateTime, Days, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};

use crate::error::WithHint as _;

/// The forms, for help and hints.
pub const FORMS: &str =
    "an RFC 3339 time (2026-03-14T09:00:00Z), a date (2026-03-14) or an age (30s, 10m, 2h, 7d, 4w)";

/// Reads a time: RFC 3339, a date, which is its first moment in the given zone, or an age before `now`.
pub fn parse<Z: TimeZone>(text: &str, now: i64, zone: &Z) -> anyhow::Result<i64> {
    let text = text.trim();
    let result = if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        Ok(time.timestamp_millis())
    } else if let Some(date) = date(text) {
        date.and_then(|date| midnight(date, zone))
    } else if let Some(age) = age(text) {
        age.and_then(|age| now.checked_sub(age).ok_or_else(|| anyhow!("further back than times reach")))
    } else {
        return Err(anyhow!("cannot read {text:?} as a time").hint(hint(text)));
    };
    result.with_context(|| format!("cannot read {text:?} as a time")).hint(format!("give {FORMS}"))
}

/// A hint that fits the commonest near misses, else the list of forms.
fn hint(text: &str) -> String {
    let lower = text.to_lowercase();
    if lower != text && age(&lower).is_some_and(|age| age.is_ok()) {
        return format!("give {lower}");
    }
    if let Some(age) = lower.strip_prefix('-').filter(|age| self::age(age).is_some_and(|age| age.is_ok())) {
        return format!("give {age}");
    }
    match lower.as_str() {
        "now" => return "give 0s".to_owned(),
        "today" => return "give 0d for now, or today's date for its midnight".to_owned(),
        "yesterday" => return "give 1d, or the date".to_owned(),
        _ => {}
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

/// `YYYY-MM-DD`; none if it is not of that form, an error if there is no such day.
fn date(text: &str) -> Option<anyhow::Result<NaiveDate>> {
    let bytes = text.as_bytes();
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let form = bytes.len() == 10
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && digits(&bytes[..4])
        && digits(&bytes[5..7])
        && digits(&bytes[8..]);
    form.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| anyhow!("there is no such day")))
}

/// A number and its unit, in milliseconds; none if it is not of that form.
fn age(text: &str) -> Option<anyhow::Result<i64>> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        b'd' => 86_400,
        b'w' => 604_800,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let age = number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit * 1000));
    Some(age.ok_or_else(|| anyhow!("further back than times reach")))
}

/// The first moment of a day: not always midnight, for some zones put their clocks forward then, and one day a zone
/// may leave out altogether.
fn midnight<Z: TimeZone>(date: NaiveDate, zone: &Z) -> anyhow::Result<i64> {
    let midnight = date.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&midnight) {
        MappedLocalTime::Single(time) => return Ok(time.timestamp_millis()),
        MappedLocalTime::Ambiguous(a, b) => return Ok(a.timestamp_millis().min(b.timestamp_millis())),
        MappedLocalTime::None => {}
    }
    // A gap: the clocks go forward at the moment sought, which lies between a day before and a day after in UTC.
    let (Some(before), Some(after)) =
        (date.checked_sub_days(Days::new(1)), date.checked_add_days(Days::new(2)))
    else {
        bail!("that day is too far away");
    };
    let (mut before, mut after) = (before.and_time(NaiveTime::MIN), after.and_time(NaiveTime::MIN));
    let shows = |utc: &NaiveDateTime| zone.from_utc_datetime(utc).naive_local();
    while after - before > TimeDelta::milliseconds(1) {
        let middle = before + (after - before) / 2;
        if shows(&middle) < midnight {
            before = middle;
        } else {
            after = middle;
        }
    }
    let millis = after.and_utc().timestamp_millis();
    // The search ends within a millisecond behind the moment, and clocks change on whole seconds.
    Ok(millis - millis.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::hints;
    use chrono::{FixedOffset, Utc};
    use proptest::prelude::*;

    const NOW: i64 = 1_773_507_450_373; // 2026-03-14T16:57:30.373Z

    /// UTC-3 until the given moment, then by so many seconds later: as São Paulo and Havana did, whose clocks went forward at midnight.
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
    }

    #[test]
    fn a_day_whose_midnight_is_left_out_begins_when_the_clocks_have_moved() {
        let at = DateTime::parse_from_rfc3339("2018-11-04T03:00:00Z").unwrap().timestamp();
        let zone = Forward { at, by: 3600 };
        assert_eq!(rfc3339(parse("2018-11-04", NOW, &zone).unwrap()), "2018-11-04T03:00:00.000Z");
        assert_eq!(rfc3339(parse("2018-11-03", NOW, &zone).unwrap()), "2018-11-03T03:00:00.000Z");
        assert_eq!(rfc3339(parse("2018-11-05", NOW, &zone).unwrap()), "2018-11-05T02:00:00.000Z");
    }

    #[test]
    fn a_day_that_a_zone_left_out_begins_with_the_next() {
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
    fn errors_say_what_to_type_instead() {
        let forms = format!("give {FORMS}");
        assert_eq!(refused("last week"), ("cannot read \"last week\" as a time".into(), forms.clone()));
        assert_eq!(refused("2026-02-30").0, "cannot read \"2026-02-30\" as a time: there is no such day");
        assert_eq!(
            refused("99999999999999999999w").0.split(": ").nth(1),
            Some("further back than times reach")
        );
        assert_eq!(refused("7D").1, "give 7d");
        assert_eq!(refused("-7d").1, "give 7d");
        assert_eq!(refused("yesterday").1, "give 1d, or the date");
        let offset = "a time needs its offset from UTC: 2026-03-14T09:00:00Z or 2026-03-14T09:00:00+02:00";
        assert_eq!(refused("2026-03-14 09:00").1, offset);
        assert_eq!(refused("2026-03-14T09:00:00").1, offset);
        for text in ["", "d", "-d", "+3d", "3 d", "3", "2026-3-14", "３d", "1y", "12:00"] {
            assert_eq!(refused(text).1, forms, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text: String, number: u64, unit in "[smhdw]", now: i64) {
            let _ = parse(&text, now, &Utc);
            let _ = parse(&format!("{number}{unit}"), now, &Utc);
        }

        #[test]
        fn what_records_write_is_read(millis in -62_000_000_000_000i64..253_000_000_000_000) {
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
