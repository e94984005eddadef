//! The result of a verify in words, the same for `verify` and `status`: the sentence, the kinds, and the remedies.

use crate::cli::output::human;
use crate::verify::{Count, Depth, FindingKind, Remedy, VerifyReport};

/// Returns the result in one sentence. `note` follows the number of findings.
pub(super) fn sentence(report: &VerifyReport, note: &str) -> String {
    let agree = human::counted(report.agree, "thread agrees", "threads agree");
    let total = report.total();
    let no_error = if total.errors == 0 && total.warnings > 0 { "no error, " } else { "" };
    let found = format!("{no_error}{}", count(total));
    let end = match report.interrupted {
        true => format!(
            "interrupted after {} of {}: the check is incomplete",
            human::count(report.files),
            human::counted(report.n_to_look_at.max(report.files), "rollout", "rollouts")
        ),
        false if report.not_compared > 0 => {
            format!("{agree}, {} not compared", human::count(report.not_compared))
        }
        false => agree,
    };
    format!("{found}{note}; {end}")
}

/// Returns a number of findings in words.
pub(super) fn count(count: Count) -> String {
    let errors = || human::counted(count.errors, "error", "errors");
    let warnings = || human::counted(count.warnings, "warning", "warnings");
    match (count.errors, count.warnings) {
        (0, 0) => "no finding".to_owned(),
        (0, _) => warnings(),
        (_, 0) => errors(),
        _ => format!("{} and {}", errors(), warnings()),
    }
}

/// Returns how many findings there are of each kind, as in `4 missing_row, 1 empty_file`; empty if there are none.
pub(super) fn kinds(report: &VerifyReport) -> String {
    let found = FindingKind::ALL.into_iter().filter(|kind| report.count(*kind).all() > 0);
    let words = |kind: FindingKind| format!("{} {kind}", human::count(report.count(kind).all()));
    found.map(words).collect::<Vec<_>>().join(", ")
}

/// Returns what to do about the findings, one line for each action, the most urgent first. `is_said`: the output
/// already says what to do about each kind, so kinds that no command repairs need no line.
pub(super) fn steps(report: &VerifyReport, depth: Depth, is_said: bool) -> Vec<String> {
    let kinds = |remedy: Remedy| -> Vec<&str> {
        let found = FindingKind::ALL.into_iter().filter(|kind| report.count(*kind).all() > 0);
        found.filter(|kind| report.remedies(*kind).contains(&remedy)).map(FindingKind::name).collect()
    };
    let mut steps = Vec::new();
    if report.count(FindingKind::MissingFolder).all() > 0 {
        steps.push(
            "mount or restore the folder of missing_folder, then run codex-state verify again: its threads are not lost"
                .to_owned(),
        );
    }
    // A quick look opens no rollout, so it does not know which of them contain a thread.
    let backfill = match depth {
        Depth::Quick if report.count(FindingKind::MissingRow).all() > 0 => {
            "codex-state backfill repairs, as far as the rollouts can be read,"
        }
        _ => "codex-state backfill repairs",
    };
    for (remedy, does) in [
        (Remedy::Rebuild, "close Codex and run codex-state rebuild: it repairs"),
        (Remedy::Backfill, backfill),
        (
            Remedy::Facts,
            "codex-state backfill --facts-from BACKUP takes from a backup what no rollout contains:",
        ),
        (Remedy::Index, "codex-state backfill --index repairs"),
        (Remedy::ByHand, "codex-state verify --help says what to do about"),
    ] {
        let kinds = kinds(remedy);
        if !(kinds.is_empty() || is_said && remedy == Remedy::ByHand) {
            steps.push(format!("{does} {}", kinds.join(", ")));
        }
    }
    if report.count(FindingKind::MissingFile).all() > 0 {
        steps.push(
            "bring the files of missing_file back from a backup or another disk, then run codex-state backfill; only if \
             they are gone for good, codex-state prune deletes their rows"
                .to_owned(),
        );
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_step_is_named_for_each_kind() {
        let mut report = VerifyReport::default();
        assert!(steps(&report, Depth::Fields, false).is_empty());
        for kind in [
            FindingKind::MissingRow,
            FindingKind::MissingFile,
            FindingKind::EmptyFile,
            FindingKind::FieldMismatch,
        ] {
            report.counts[kind as usize] = Count { errors: 2, warnings: 0 };
        }
        let missing_file = "bring the files of missing_file back from a backup or another disk, then run codex-state \
                            backfill; only if they are gone for good, codex-state prune deletes their rows";
        let expected = [
            "codex-state backfill repairs missing_row, field_mismatch",
            "codex-state verify --help says what to do about empty_file",
            missing_file,
        ];
        assert_eq!(steps(&report, Depth::Fields, false), expected);
        report.field_remedies = [Remedy::Facts, Remedy::ByHand].into();
        let expected = [
            "codex-state backfill repairs, as far as the rollouts can be read, missing_row",
            "codex-state backfill --facts-from BACKUP takes from a backup what no rollout contains: field_mismatch",
            "codex-state verify --help says what to do about field_mismatch, empty_file",
            missing_file,
        ];
        assert_eq!(steps(&report, Depth::Quick, false), expected);
        assert_eq!(steps(&report, Depth::Quick, true).len(), 3);
    }

    #[test]
    fn an_interrupted_run_reports_its_progress() {
        let report = VerifyReport {
            files: 120,
            n_to_look_at: 3000,
            interrupted: true,
            agree: 118,
            ..VerifyReport::default()
        };
        assert_eq!(
            sentence(&report, ""),
            "no finding; interrupted after 120 of 3,000 rollouts: the check is incomplete"
        );
    }
}
