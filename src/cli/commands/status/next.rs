//! The last line of `status`: the most urgent thing that the person can do now.

use crate::cli::commands::fresh;
use crate::cli::commands::status::view::{DIFFERING, StatusView};
use crate::cli::output::human;
use crate::db::Census;
use crate::db::shown::HiddenReason;
use crate::error::shell_word;
use crate::home;
use crate::status::{DatabaseStatus, IndexingProgress, Unusable};
use crate::verify::{Finding, FindingKind, MAX_MOVED, Remedy, VerifyReport};
use std::path::Path;

/// Returns the thing to do next. A database that cannot be read has its own hints.
pub(super) fn next(view: &StatusView<'_>) -> String {
    let Some(database) = &view.database else { return without_database(view) };
    let report = view.verify.as_ref();
    let steps: [Option<String>; 7] = [
        damaged(database),
        view.outdated.as_ref().map(|_| format!("close Codex, then {}", fresh::MAKE_CURRENT)),
        invalid_config(view),
        report.and_then(|report| cannot_start(report, view)).or_else(|| mount(view)),
        report.and_then(|report| mend(report, view.unusable)),
        indexing(database),
        report.and_then(|report| by_hand(report, view)),
    ];
    if let Some(step) = steps.into_iter().flatten().next() {
        return step;
    }
    let counts = &database.census;
    let n_warnings = report.map_or(0, |report| report.total().warnings);
    let rest = if n_warnings > 0 { "; codex-state verify names what it warns of" } else { "" };
    if let Some(other) = view.other() {
        let other = shell_word(other);
        return format!(
            "this database is in order; look at the other one too: codex-state --db {other} status"
        );
    }
    match (counts.total(), counts.total() - counts.shown()) {
        (0, _) if view.rollouts.total() == 0 => NO_CONVERSATION.to_owned(),
        (_, 0) => format!("nothing: all is well; codex resume --all lists every conversation{rest}"),
        (_, hidden) => hidden_ones(view, counts, hidden, rest),
    }
}

/// The text for a home without conversations.
const NO_CONVERSATION: &str =
    "nothing: there is no conversation in this home; name another with --codex-home DIR";

/// Returns what to do without a database.
fn without_database(view: &StatusView<'_>) -> String {
    let n = view.rollouts.total();
    match view.backups.first() {
        Some(newest) => format!(
            "codex-state restore {}, then codex-state backfill, which adds what the rollouts have beyond it",
            shell_word(&newest.path)
        ),
        None if n > 0 => {
            let rollouts = human::counted(n, "rollout", "rollouts");
            format!("codex-state backfill makes a database from the {rollouts}, and Codex lists them again")
        }
        None if !view.rollouts.errors.is_empty() => {
            "mount or restore the folder that cannot be read, then run codex-state status again".to_owned()
        }
        None => NO_CONVERSATION.to_owned(),
    }
}

fn damaged(database: &DatabaseStatus) -> Option<String> {
    database.problem.as_ref()?;
    Some(
        "close Codex, then codex-state rebuild makes a sound database from the rollouts and all that can still be read \
         of this one"
            .to_owned(),
    )
}

fn invalid_config(view: &StatusView<'_>) -> Option<String> {
    let reason = view.place.config.invalid.as_ref()?;
    let path = view.home?.join(home::CONFIG);
    Some(format!("correct {}, which Codex cannot read: {reason}", shell_word(&path)))
}

/// Returns what to do about problems that prevent Codex from starting.
fn cannot_start(report: &VerifyReport, view: &StatusView<'_>) -> Option<String> {
    if report.count(FindingKind::LedgerMismatch).all() > 0 {
        return Some(
            "close Codex, then codex-state rebuild repairs the ledger, so that Codex starts".to_owned(),
        );
    }
    let sibling = first(view, FindingKind::SiblingDamaged)?;
    let path = sibling.path.as_deref().unwrap_or(Path::new(""));
    Some(format!(
        "close Codex, move {} aside with its -wal and -shm, and start Codex, which makes a new one",
        shell_word(path)
    ))
}

fn mount(view: &StatusView<'_>) -> Option<String> {
    let folder = first(view, FindingKind::MissingFolder)?.path.as_deref()?;
    Some(format!(
        "mount or restore {}, then run codex-state status again: the threads in it are not lost",
        shell_word(folder)
    ))
}

/// Returns the step that runs `backfill`. `unusable`: the rollouts with which it can do nothing; `None` if they are not
/// known.
fn mend(report: &VerifyReport, unusable: Option<Unusable>) -> Option<String> {
    let mut parts = Vec::new();
    for kind in FindingKind::ALL {
        let n = report.count(kind).all();
        let n = n.saturating_sub(unusable.map_or(0, |unusable| in_vain(kind, n, report, unusable)));
        let is_mended = report.remedies(kind).contains(&Remedy::Backfill);
        if n > 0 && is_mended {
            parts.extend(mended(kind, n));
        }
    }
    let (last, first) = parts.split_last()?;
    let all = if first.is_empty() { last.clone() } else { format!("{} and {last}", first.join(", ")) };
    let may_fail = report.count(FindingKind::MissingRow).all() > 0 && unusable.is_none();
    let as_far = if may_fail { ", as far as the rollouts can be read" } else { "" };
    let first = match report.count(FindingKind::MissingFile).all() {
        0 => String::new(),
        n => {
            let files = human::counted(n, "missing file", "missing files");
            format!("bring the {files} back from a backup or another disk, if you can; then ")
        }
    };
    Some(format!("{first}codex-state backfill {all}{as_far} (codex-state verify names them)"))
}

/// Returns how many of the `n` findings of a kind no backfill repairs, because the rollout cannot be used.
fn in_vain(kind: FindingKind, n: u64, report: &VerifyReport, unusable: Unusable) -> u64 {
    let with_row = DIFFERING.iter().position(|differing| *differing == kind).map(|i| unusable.with_row[i]);
    match (kind, with_row) {
        (FindingKind::MissingRow, _) => unusable.without_row(),
        // One finding is about all rows of a home.
        (FindingKind::MovedHome, Some(rows)) => {
            let is_all = report.moved.len() < MAX_MOVED && rows == report.moved.len() as u64;
            if is_all { n } else { 0 }
        }
        (_, with_row) => with_row.unwrap_or(0),
    }
}

/// Describes what `backfill` does about findings of a kind. Returns `None` if the kind has its own step.
fn mended(kind: FindingKind, n: u64) -> Option<String> {
    let rows = human::counted(n, "row", "rows");
    Some(match kind {
        FindingKind::MissingRow => {
            format!("brings {} back into the database", human::counted(n, "conversation", "conversations"))
        }
        FindingKind::ArchiveMismatch => {
            format!("corrects whether {} archived", human::counted(n, "thread is", "threads are"))
        }
        FindingKind::MovedFile => format!("corrects the paths in {rows}"),
        FindingKind::MovedHome => "corrects the paths of the moved home".to_owned(),
        FindingKind::FieldMismatch => format!("brings {rows} up to date"),
        _ => return None,
    })
}

fn indexing(database: &DatabaseStatus) -> Option<String> {
    let (_, progress) = database.backfill.as_ref()?;
    match progress {
        IndexingProgress::Complete => None,
        IndexingProgress::Running => {
            Some("wait: Codex is indexing its rollouts, and starts when it is done".to_owned())
        }
        IndexingProgress::Pending | IndexingProgress::Unknown => {
            Some("codex-state backfill completes the indexing, so that Codex starts at once".to_owned())
        }
        IndexingProgress::Stuck => Some(
            "close Codex, then codex-state backfill completes the indexing, so that Codex starts at once"
                .to_owned(),
        ),
    }
}

/// Returns what to do about problems that no command can repair.
fn by_hand(report: &VerifyReport, view: &StatusView<'_>) -> Option<String> {
    if let Some(n) = Some(report.count(FindingKind::MissingFile).all()).filter(|n| *n > 0) {
        let files = human::counted(n, "missing file", "missing files");
        return Some(format!(
            "bring the {files} back from a backup or another disk, then run codex-state backfill; codex-state verify \
             names them"
        ));
    }
    if view.unusable.is_some_and(|unusable| unusable.unreadable > 0) {
        return Some(
            "allow yourself to read the rollouts that codex-state verify names as unreadable_file, then run codex-state \
             backfill"
                .to_owned(),
        );
    }
    let undefined = view.database.iter().flat_map(|database| &database.census.providers);
    if report.count(FindingKind::UnknownProvider).all() > 0
        && let Some((provider, n)) =
            undefined.filter(|(name, _)| view.ways.is_undefined(name)).max_by_key(|(_, n)| **n)
    {
        return Some(format!(
            "add the table [model_providers.{}] to config.toml: without it Codex cannot resume {} of that provider",
            home::toml_key(provider),
            human::counted(*n, "thread", "threads")
        ));
    }
    if report.total().errors > 0 {
        return Some("codex-state verify says what to do about each finding".to_owned());
    }
    (report.count(FindingKind::HistoryBehind).all() > 0)
        .then(|| "update Codex to 0.154 or later, which shows long conversations to their end".to_owned())
}

/// Returns what to do about hidden threads, if there is no other problem.
fn hidden_ones(view: &StatusView<'_>, counts: &Census, hidden: u64, rest: &str) -> String {
    let seems_lost =
        if counts.shown() == 0 { "no thread is lost: " } else { "nothing, unless you miss a thread: " };
    let because = match counts.hidden(HiddenReason::Provider) {
        n if counts.shown() == 0 && 2 * n > hidden => format!("{}; ", view.ways.lists_only()),
        _ => String::new(),
    };
    let them = human::counted(hidden, "thread", "threads");
    format!(
        "{seems_lost}{because}codex-state list --hidden-only lists the {them} that Codex hides, and codex resume ID opens \
         one{rest}"
    )
}

fn first<'a>(view: &'a StatusView<'_>, kind: FindingKind) -> Option<&'a Finding> {
    view.findings.iter().find(|finding| finding.kind == kind)
}
