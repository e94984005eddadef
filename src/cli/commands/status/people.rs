//! Prints `status` for people, on one screen.

use crate::cli::commands::status::view::{DIFFERING, StatusView};
use crate::cli::commands::verdict;
use crate::cli::output::chart::{self, Ink};
use crate::cli::output::lines::wrap;
use crate::cli::output::{Style, TableCell, Tone, human, shown, text, write_fields};
use crate::db::Census;
use crate::db::backup::BackupInfo;
use crate::error::shell_word;
use crate::home::DatabaseChoice;
use crate::status::{DatabaseStatus, IndexingProgress, OtherDatabase, Weight, Weights};
use crate::thread::columns::N_COLUMNS;
use crate::verify::{Finding, FindingKind, Severity, VerifyReport};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Maximum number of sources or providers that are named.
const NAMED: usize = 5;
/// Maximum number of backups that are named.
const BACKUPS: usize = 5;
/// Maximum number of findings about the whole home that are named.
const MOST_PROBLEMS: usize = 8;
/// The kinds of findings about the whole home, whose messages are complete.
const OF_THE_HOME: [FindingKind; 7] = [
    FindingKind::MovedHome,
    FindingKind::MissingFolder,
    FindingKind::LedgerMismatch,
    FindingKind::SiblingDamaged,
    FindingKind::UnknownProvider,
    FindingKind::UnassignedProject,
    FindingKind::IndexMissing,
];
/// Maximum number of months in the chart.
const MONTHS: usize = 12;

/// The lines of the screen: each with its name, which is empty in a line that continues.
type Fields = Vec<(&'static str, TableCell)>;

/// The contents of the screen.
pub(super) struct Screen<'a> {
    /// The collected data.
    pub(super) view: &'a StatusView<'a>,
    /// The thing to do next; `None` if the error says it.
    pub(super) next: Option<&'a str>,
    /// Adds the options of this run to commands.
    pub(super) with_options: &'a dyn Fn(&str) -> String,
}

/// Writes the screen, with a chart if the output is a terminal.
pub(super) fn write(
    out: &mut dyn Write,
    screen: &Screen<'_>,
    style: Style,
    picture: Option<(usize, Ink)>,
) -> io::Result<()> {
    let view = screen.view;
    let home = match view.home {
        Some(home) => TableCell::exact(text::path(home)),
        None => TableCell::new("none: the database alone is looked at").tone(Tone::Doubtful),
    };
    let mut fields = vec![("home", home)];
    candidate_fields(view, &mut fields);
    if let Some(error) = &view.error {
        fields.push(("trouble", TableCell::new(error).tone(Tone::Bad)));
    }
    if let Some(database) = &view.database {
        database_fields(database, screen, &mut fields);
    }
    if view.home.is_some() {
        rollout_fields(view, &mut fields);
    }
    other_fields(view, &mut fields);
    if let Some(report) = &view.verify {
        verify_fields(report, view, &mut fields);
    }
    backup_fields(view, &mut fields);
    let width = picture.map_or(usize::MAX, |(width, _)| width);
    write_fields(out, &fields, width, style)?;
    let months = view.database.as_ref().map(|database| &database.months);
    if let (Some((width, ink)), Some(months)) = (picture, months.filter(|months| !months.is_empty())) {
        writeln!(out, "\n{}", style.paint(Tone::Dim, "threads by the month in which they began"))?;
        chart::write_bars(out, &latest_months(months), width, ink, style)?;
    }
    if let Some(next) = screen.next {
        let line = format!("{}{}\n", style.paint(Tone::Bold, "next: "), text::safe(next));
        write!(out, "\n{}", wrap(&line, width))?;
    }
    Ok(())
}

/// Adds the database that is used, with the reason, and the one that is not used.
fn candidate_fields(view: &StatusView<'_>, fields: &mut Fields) {
    match &view.choice {
        None => {
            let folders: Vec<_> = view.place.databases.looked_in.iter().map(text::path).collect();
            fields.push((
                "database",
                TableCell::exact(format!("none in {}", folders.join(" or "))).tone(Tone::Doubtful),
            ));
        }
        Some(DatabaseChoice { chosen, .. }) => {
            fields.push(("database", TableCell::exact(text::path(&chosen.path))));
            fields.push(("chosen", TableCell::new(chosen.why)));
        }
    }
    if let Some(warning) = &view.outdated {
        fields.push(("warning", TableCell::new(warning).tone(Tone::Doubtful)));
    }
    if let Some(other) = view.other() {
        let status = format!("codex-state --db {} status", shell_word(other));
        fields.push((
            "left alone",
            TableCell::exact(format!("{}: {status}", text::path(other))).tone(Tone::Doubtful),
        ));
    }
}

/// Returns the latest months, including those without a thread.
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

fn database_fields(database: &DatabaseStatus, screen: &Screen<'_>, fields: &mut Fields) {
    let view = screen.view;
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
    fields.push(("state", TableCell::new(format!("{sound}; {size}, {mode}")).tone(tone)));
    if let Some(problem) = &database.problem {
        fields.push(("problem", TableCell::new(problem).tone(Tone::Bad)));
    }
    let mut schema = format!("{} of {N_COLUMNS} known columns", database.n_columns);
    if !database.unknown_columns.is_empty() {
        schema.push_str(&format!(", unknown ones: {}", database.unknown_columns.join(", ")));
    }
    match &database.last_migration {
        Some((version, description)) => schema.push_str(&format!("; migration {version} ({description})")),
        None if database.has_ledger => schema.push_str("; an empty ledger of migrations"),
        None => schema.push_str("; no ledger of migrations"),
    }
    fields.push(("schema", TableCell::new(schema)));
    let census = &database.census;
    let mut threads = human::count(census.total());
    if let Some(time) = database.last_update {
        threads.push_str(&format!(", the last changed {}", human::ago(time, view.now)));
    }
    fields.push(("threads", TableCell::new(threads)));
    shown_fields(census, screen, fields);
    count_fields(census, view.weights.as_ref(), fields);
    if let Some((state, progress)) = &database.backfill {
        let since = state.as_ref().and_then(|state| state.updated_at);
        let since = since
            .map_or_else(String::new, |at| format!(", {}", human::ago(at.saturating_mul(1000), view.now)));
        let status = state.as_ref().map_or("", |state| &state.status);
        let (words, tone) = match progress {
            IndexingProgress::Complete => (format!("complete{since}"), Tone::Good),
            IndexingProgress::Pending => {
                ("pending: the next Codex to start does it".to_owned(), Tone::Doubtful)
            }
            IndexingProgress::Running => (format!("running{since}"), Tone::Doubtful),
            IndexingProgress::Stuck => (format!("stuck: it was begun and not ended{since}"), Tone::Bad),
            IndexingProgress::Unknown => (format!("{status:?}, with which Codex does not start"), Tone::Bad),
        };
        fields.push(("indexing", TableCell::new(words).tone(tone)));
    }
}

/// Adds what Codex's list shows, and what it hides, each with what to do about it.
fn shown_fields(census: &Census, screen: &Screen<'_>, fields: &mut Fields) {
    let total = human::counted(census.total(), "thread", "threads");
    let shown = format!(
        "{} of your {total}; codex resume lists those of the current folder, codex resume --all of every folder",
        human::count(census.shown())
    );
    fields.push(("codex shows", TableCell::new(shown).tone(Tone::Bold)));
    let parts = shown::hidden_parts(census);
    if parts.is_empty() {
        fields.push(("codex hides", TableCell::new("nothing")));
    }
    for (n, part) in parts.iter().enumerate() {
        let way = (screen.with_options)(&screen.view.ways.way(part.reason, part.name.as_deref()));
        fields.push((
            if n == 0 { "codex hides" } else { "" },
            TableCell::new(format!("{}: {way}", part.words)),
        ));
    }
    if !parts.is_empty() {
        let ids = "codex resume ID opens one of them; codex-state list --hidden-only lists their ids";
        fields.push(("", TableCell::new((screen.with_options)(ids))));
    }
}

/// Adds the threads by source, provider and folder, with the sizes of their rollouts if these are known.
fn count_fields(census: &Census, weights: Option<&Weights>, fields: &mut Fields) {
    for (name, counts, weights) in [
        ("sources", &census.sources, weights.map(|weights| &weights.sources)),
        ("providers", &census.providers, weights.map(|weights| &weights.providers)),
    ] {
        if !counts.is_empty() {
            fields.push((name, TableCell::new(most(counts, weights))));
        }
    }
    let Some(weights) = weights else { return };
    let mut folders: Vec<(&str, Weight)> =
        weights.folders.iter().map(|(name, one)| (&**name, *one)).collect();
    folders.sort_by_key(|(name, one)| (std::cmp::Reverse((one.bytes, one.threads)), *name));
    let rest = folders.split_off(folders.len().min(NAMED));
    let sum = |sum: Weight, one: Weight| Weight {
        threads: sum.threads + one.threads,
        bytes: sum.bytes + one.bytes,
    };
    let rest = rest.into_iter().map(|(_, one)| one).fold(weights.other_folders, sum);
    let others = Some(("other folders", rest)).filter(|_| rest.threads > 0);
    for (n, (name, one)) in folders.into_iter().chain(others).enumerate() {
        let threads = human::counted(one.threads, "thread", "threads");
        let name = if name.is_empty() { "(none)".into() } else { text::path(name) };
        let line = format!("{name}: {threads}, {}", human::bytes(one.bytes));
        fields.push((if n == 0 { "folders" } else { "" }, TableCell::exact(line)));
    }
}

/// Describes the greatest counts of threads by name, with the sizes of their rollouts if these are known.
fn most(counts: &BTreeMap<String, u64>, weights: Option<&BTreeMap<String, Weight>>) -> String {
    let words = |name: &str, some: &[(&str, u64)]| {
        let name = if name.is_empty() { "(none)" } else { name };
        let threads = human::count(some.iter().map(|(_, n)| n).sum());
        let bytes = weights.map(|weights| some.iter().filter_map(|(name, _)| weights.get(*name)));
        match bytes.map(|weights| weights.map(|one| one.bytes).sum()) {
            Some(bytes) => format!("{name} {threads} ({})", human::bytes(bytes)),
            None => format!("{name} {threads}"),
        }
    };
    let sorted = shown::greatest_first(counts);
    let (named, rest) = sorted.split_at(sorted.len().min(NAMED));
    let named = named.iter().map(|one| words(one.0, &[*one]));
    let rest = (!rest.is_empty()).then(|| words("others", rest));
    named.chain(rest).collect::<Vec<_>>().join(", ")
}

fn rollout_fields(view: &StatusView<'_>, fields: &mut Fields) {
    let rollouts = &view.rollouts;
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
    fields.push(("rollouts", TableCell::new(words)));
    for (path, reason) in &rollouts.errors {
        fields
            .push(("unreadable", TableCell::new(format!("{}: {reason}", text::path(path))).tone(Tone::Bad)));
    }
}

/// Adds the databases beside the one that is used, and those that Codex moved aside.
fn other_fields(view: &StatusView<'_>, fields: &mut Fields) {
    let bytes = |databases: &[OtherDatabase]| human::bytes(databases.iter().map(|one| one.bytes).sum());
    let named = |one: &OtherDatabase| {
        let name = one.path.file_name().map_or_else(Default::default, |name| text::path(name).into_owned());
        format!("{name} {}", human::bytes(one.bytes))
    };
    let others = &view.other_databases;
    if !others.is_empty() {
        let mut words: Vec<String> = others.iter().take(NAMED).map(named).collect();
        if others.len() > NAMED {
            words.push(format!("others {}", bytes(&others[NAMED..])));
        }
        fields.push(("databases", TableCell::new(format!("others of Codex: {}", words.join(", ")))));
    }
    if let Some(folder) = view.set_aside.first().and_then(|one| one.path.parent()) {
        let n = human::counted(view.set_aside.len() as u64, "database", "databases");
        let words = format!("{n} that Codex moved to {}, {}", text::path(folder), bytes(&view.set_aside));
        fields.push(("set aside", TableCell::exact(words)));
    }
}

/// Adds the result of a quick verify, and the findings about the whole home, each with its message.
fn verify_fields(report: &VerifyReport, view: &StatusView<'_>, fields: &mut Fields) {
    let total = report.total();
    let tone = match (total.errors, total.warnings) {
        (0, 0) => Tone::Good,
        (0, _) => Tone::Doubtful,
        _ => Tone::Bad,
    };
    fields.push(("quick verify", TableCell::new(verdict::sentence(report, "")).tone(tone)));
    if total.all() > 0 {
        fields.push(("", TableCell::new(verdict::kinds(report)).tone(tone)));
    }
    let unusable = view.unusable.unwrap_or_default();
    let missing_row = FindingKind::MissingRow.name();
    let with_row = DIFFERING.iter().zip(unusable.with_row).map(|(kind, n)| {
        (n, kind.name(), "cannot be used, so that its row stays; codex-state verify says why")
    });
    let without_row = [
        (unusable.empty, missing_row, "holds nothing of a conversation, so that no backfill gives it a row"),
        (unusable.unreadable, missing_row, "cannot be read now; codex-state verify says why"),
        (unusable.misnamed, missing_row, "has the wrong name, and its thread has a row or a better rollout"),
    ];
    for (n, kind, why) in without_row.into_iter().chain(with_row) {
        if n > 0 {
            fields.push(("", TableCell::new(format!("{} of these {kind}: the file {why}", human::count(n)))));
        }
    }
    let of_home = |finding: &&Finding| OF_THE_HOME.contains(&finding.kind);
    for finding in view.findings.iter().filter(of_home).take(MOST_PROBLEMS) {
        let tone = if finding.severity == Severity::Error { Tone::Bad } else { Tone::Doubtful };
        fields.push((finding.severity.name(), TableCell::new(&finding.message).tone(tone)));
    }
    if let Some(catalogue) = report.catalogue.as_ref().filter(|catalogue| catalogue.lacks_some()) {
        fields.push(("app", TableCell::new(catalogue.describe())));
    }
}

/// Adds the newest backups, each with its path, because `restore` needs it.
fn backup_fields(view: &StatusView<'_>, fields: &mut Fields) {
    let Some((newest, older)) = view.backups.split_first() else {
        let none = match view.are_backups_hidden {
            true => TableCell::new("unknown: their folder cannot be read").tone(Tone::Doubtful),
            false => TableCell::new("none"),
        };
        fields.push(("backups", none));
        return;
    };
    let described = |backup: &BackupInfo| {
        let age = human::ago(backup.taken_at.timestamp_millis(), view.now);
        format!("{age}: {}", text::path(&backup.path))
    };
    let n = human::count(view.backups.len() as u64);
    fields.push(("backups", TableCell::exact(format!("{n}, the newest {}", described(newest)))));
    let shown = older.len().min(BACKUPS - 1);
    fields.extend(older[..shown].iter().map(|backup| ("", TableCell::exact(described(backup)))));
    if older.len() > shown {
        let rest = human::count((older.len() - shown) as u64);
        fields.push(("", TableCell::new(format!("and {rest} more: status --format json has them all"))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_includes_months_without_a_thread() {
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
    fn rare_names_are_counted_together() {
        let counts = (0..8u64).map(|n| (format!("s{n}"), n)).collect();
        assert_eq!(most(&counts, None), "s7 7, s6 6, s5 5, s4 4, s3 3, others 3");
        let counts = (0..7u64).map(|n| (format!("s{n}"), 9 - n)).collect();
        let weight = |n| (format!("s{n}"), Weight { threads: 9 - n, bytes: 1024 });
        assert_eq!(
            most(&counts, Some(&(0..7u64).map(weight).collect())),
            "s0 9 (1.0 KiB), s1 8 (1.0 KiB), s2 7 (1.0 KiB), s3 6 (1.0 KiB), s4 5 (1.0 KiB), others 7 (2.0 KiB)"
        );
        assert_eq!(most(&[(String::new(), 1)].into(), None), "(none) 1");
    }
}
