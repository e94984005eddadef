//! `status` for people: one screen.

use crate::cli::commands::status::look::Look;
use crate::cli::output::chart::{self, Ink};
use crate::cli::output::style::{Style, Tone};
use crate::cli::output::table::{Cell, write_fields_within};
use crate::cli::output::{human, shown, text};
use crate::db::backup::BackupInfo;
use crate::status::{Database, Progress};
use crate::verify::{Kind, Report};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// How many sources or providers are named.
const NAMED: usize = 5;
/// How many backups are named.
const BACKUPS: usize = 5;
/// How many months are pictured.
const MONTHS: usize = 12;

/// Writes it, with a picture where there is a terminal.
pub(super) fn write(
    out: &mut dyn Write,
    look: &Look<'_>,
    style: Style,
    picture: Option<(usize, Ink)>,
) -> io::Result<()> {
    let home = match look.home {
        Some(home) => Cell::exact(text::path(home)),
        None => Cell::new("none: the database alone is looked at").tone(Tone::Doubtful),
    };
    let mut fields = vec![("home", home)];
    match &look.candidate {
        None => {
            let folders: Vec<_> = look.looked_in.iter().map(text::path).collect();
            fields.push((
                "database",
                Cell::exact(format!("none in {}", folders.join(" or "))).tone(Tone::Doubtful),
            ));
        }
        Some(candidate) => {
            fields.push(("database", Cell::exact(text::path(&candidate.path))));
            fields.push(("chosen", Cell::new(candidate.why.describe())));
        }
    }
    for other in &look.others {
        fields.push(("left alone", Cell::exact(text::path(other)).tone(Tone::Doubtful)));
    }
    if let Some(error) = &look.error {
        fields.push(("trouble", Cell::exact(error).tone(Tone::Bad)));
    }
    if let Some(database) = &look.database {
        database_fields(database, look, &mut fields);
    }
    if look.home.is_some() {
        rollout_fields(look, &mut fields);
    }
    if let Some(report) = &look.verify {
        fields.push(("verify", verify(report)));
    }
    backup_fields(look, &mut fields);
    write_fields_within(out, &fields, picture.map_or(usize::MAX, |(width, _)| width), style)?;
    let months = look.database.as_ref().map(|database| &database.months);
    if let (Some((width, ink)), Some(months)) = (picture, months.filter(|months| !months.is_empty())) {
        writeln!(out, "\n{}", style.paint(Tone::Dim, "threads begun in a month"))?;
        chart::write_bars(out, &latest_months(months), width, ink, style)?;
    }
    Ok(())
}

/// The latest months, those without a thread among them included.
fn latest_months(months: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let parse = |month: &str| {
        let (year, month) = month.split_once('-')?;
        Some(year.parse::<i64>().ok()? * 12 + month.parse::<i64>().ok()? - 1)
    };
    let numbered: BTreeMap<i64, u64> =
        months.iter().filter_map(|(month, n)| Some((parse(month)?, *n))).collect();
    let (Some((&first, _)), Some((&last, _))) = (numbered.first_key_value(), numbered.last_key_value())
    else {
        return Vec::new();
    };
    let first = first.max(last + 1 - MONTHS as i64);
    (first..=last)
        .map(|month| {
            let name = format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1);
            (name, numbered.get(&month).copied().unwrap_or_default())
        })
        .collect()
}

fn database_fields(database: &Database, look: &Look<'_>, fields: &mut Vec<(&'static str, Cell)>) {
    let mut size = human::bytes(database.bytes);
    if let Some(wal) = database.wal_bytes.filter(|bytes| *bytes > 0) {
        size.push_str(&format!(", {} in its log", human::bytes(wal)));
    }
    let mode = if database.is_wal { "WAL mode" } else { "rollback mode" };
    let (sound, tone) = match database.is_sound {
        Some(true) => ("sound", Tone::Good),
        Some(false) => ("damaged", Tone::Bad),
        None => ("too large for a look at every page: verify --deep takes one", Tone::Normal),
    };
    fields.push(("state", Cell::new(format!("{sound}; {size}, {mode}")).tone(tone)));
    if let Some(problem) = &database.problem {
        fields.push(("problem", Cell::new(problem).tone(Tone::Bad)));
    }
    let [columns, known] = database.columns;
    let mut schema = format!("{columns} of {known} known columns");
    if !database.unknown_columns.is_empty() {
        schema.push_str(&format!(", unknown ones: {}", database.unknown_columns.join(", ")));
    }
    match &database.last_migration {
        Some((version, description)) => schema.push_str(&format!("; migration {version} ({description})")),
        None if database.has_ledger => schema.push_str("; an empty ledger of migrations"),
        None => schema.push_str("; no ledger of migrations"),
    }
    fields.push(("schema", Cell::new(schema)));
    let census = &database.census;
    let mut threads = human::count(census.total());
    if let Some(time) = database.last_update {
        threads.push_str(&format!(", the last changed {}", human::ago(time, look.now)));
    }
    fields.push(("threads", Cell::new(threads)));
    let shown = human::counted(census.shown(), "thread", "threads");
    fields.push(("codex shows", Cell::new(shown).tone(Tone::Bold)));
    let hidden = match &*shown::hidden(census) {
        "" => "nothing".to_owned(),
        hidden => hidden.to_owned(),
    };
    fields.push(("codex hides", Cell::new(hidden)));
    for (name, counts) in [("sources", &census.sources), ("providers", &census.providers)] {
        if !counts.is_empty() {
            fields.push((name, Cell::new(most(counts))));
        }
    }
    if let Some((state, progress)) = &database.backfill {
        let since = state.as_ref().and_then(|state| state.updated_at);
        let since = since
            .map_or_else(String::new, |at| format!(", {}", human::ago(at.saturating_mul(1000), look.now)));
        let status = state.as_ref().map_or("", |state| &state.status);
        let (words, tone) = match progress {
            Progress::Complete => (format!("complete{since}"), Tone::Good),
            Progress::Pending => ("pending: the next Codex to start does it".to_owned(), Tone::Doubtful),
            Progress::Running => (format!("running{since}"), Tone::Doubtful),
            Progress::Stuck => (format!("stuck: it was begun and not ended{since}"), Tone::Bad),
            Progress::Unknown => (format!("{status:?}, with which Codex does not start"), Tone::Bad),
        };
        fields.push(("indexing", Cell::new(words).tone(tone)));
    }
}

/// The greatest counts, by name.
fn most(counts: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<(&String, &u64)> = counts.iter().collect();
    sorted.sort_by_key(|(name, n)| (std::cmp::Reverse(**n), *name));
    let name = |name: &str| if name.is_empty() { "(none)".to_owned() } else { name.to_owned() };
    let mut named: Vec<String> = sorted
        .iter()
        .take(NAMED)
        .map(|(source, n)| format!("{} {}", name(source), human::count(**n)))
        .collect();
    if sorted.len() > NAMED {
        let rest: u64 = sorted[NAMED..].iter().map(|(_, n)| **n).sum();
        named.push(format!("others {}", human::count(rest)));
    }
    named.join(", ")
}

fn rollout_fields(look: &Look<'_>, fields: &mut Vec<(&'static str, Cell)>) {
    let rollouts = &look.rollouts;
    let mut words = format!(
        "{}, {}: {} active, {} archived",
        human::counted(rollouts.total(), "file", "files"),
        human::bytes(rollouts.bytes),
        human::count(rollouts.active),
        human::count(rollouts.archived)
    );
    for (n, what) in [(rollouts.compressed, "compressed"), (rollouts.malformed_names, "with odd names")] {
        if n > 0 {
            words.push_str(&format!(", {} {what}", human::count(n)));
        }
    }
    fields.push(("rollouts", Cell::new(words)));
    for (path, reason) in &rollouts.errors {
        fields.push(("unreadable", Cell::exact(format!("{}: {reason}", text::path(path))).tone(Tone::Bad)));
    }
}

fn verify(report: &Report) -> Cell {
    let total = report.total();
    if total.errors + total.warnings == 0 {
        return Cell::new("rows and rollouts agree, at a quick look").tone(Tone::Good);
    }
    let kinds: Vec<String> = Kind::ALL
        .into_iter()
        .filter(|kind| report.count(*kind).all() > 0)
        .map(|kind| format!("{} {}", human::count(report.count(kind).all()), kind.name()))
        .collect();
    let tone = if total.errors > 0 { Tone::Bad } else { Tone::Doubtful };
    let agree = human::counted(report.agree, "thread agrees", "threads agree");
    Cell::new(format!("{}; {agree}, at a quick look", kinds.join(", "))).tone(tone)
}

/// The newest backups, each with its path, for that is what `restore` wants.
fn backup_fields(look: &Look<'_>, fields: &mut Vec<(&'static str, Cell)>) {
    let Some((newest, older)) = look.backups.split_first() else {
        let none = match look.are_backups_hidden {
            true => Cell::new("unknown: their folder cannot be read").tone(Tone::Doubtful),
            false => Cell::new("none"),
        };
        fields.push(("backups", none));
        return;
    };
    let described = |backup: &BackupInfo| {
        let age = human::ago(backup.taken_at.timestamp_millis(), look.now);
        format!("{age}: {}", text::path(&backup.path))
    };
    let n = human::count(look.backups.len() as u64);
    fields.push(("backups", Cell::exact(format!("{n}, the newest {}", described(newest)))));
    let shown = older.len().min(BACKUPS - 1);
    fields.extend(older[..shown].iter().map(|backup| ("", Cell::exact(described(backup)))));
    if older.len() > shown {
        let rest = human::count((older.len() - shown) as u64);
        fields.push(("", Cell::new(format!("and {rest} more: status --format json has them all"))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_without_a_thread_are_pictured_too() {
        let months: BTreeMap<String, u64> =
            [("2025-11", 2), ("2026-02", 5)].map(|(month, n)| (month.to_owned(), n)).into();
        let latest = latest_months(&months);
        let names: Vec<&str> = latest.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["2025-11", "2025-12", "2026-01", "2026-02"]);
        assert_eq!(latest.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [2, 0, 0, 5]);
        let far = [("1970-01", 2), ("2026-02", 5)].map(|(month, n)| (month.to_owned(), n)).into();
        assert_eq!(latest_months(&far).len(), MONTHS);
        assert_eq!(latest_months(&BTreeMap::new()), []);
    }

    #[test]
    fn what_is_rare_is_counted_together() {
        let counts = (0..8u64).map(|n| (format!("s{n}"), n)).collect();
        assert_eq!(most(&counts), "s7 7, s6 6, s5 5, s4 4, s3 3, others 3");
        assert_eq!(most(&BTreeMap::from([(String::new(), 1)])), "(none) 1");
    }
}
