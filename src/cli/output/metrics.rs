//! `--metrics FILE`: writes the counts of a run as a text file for Prometheus, with the counters that the Codex
//! runtime has.

use crate::backfill::BackfillReport;
use crate::output_file::OutputFile;
use crate::verify::{FindingKind, N_KINDS};
use std::cell::Cell;
use std::fmt::Write as _;
use std::time::Duration;

/// The result of opening the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Init {
    Opened,
    Created,
    OpenError,
}

/// The rollouts of a backfill, by result.
type BackfillCounts = [(&'static str, u64); 3];

/// The counts of the run so far. They are kept outside of the command, because a failed run has counts too.
#[derive(Debug, Default)]
pub struct Metrics {
    file: Option<OutputFile>,
    init: Cell<Option<Init>>,
    /// The current stage, once the database is open.
    stage: Cell<Option<&'static str>>,
    /// The rollouts of a backfill by result, and its duration.
    backfill: Cell<Option<(BackfillCounts, Duration)>>,
    discrepancies: Cell<Option<[u64; N_KINDS]>>,
    threads: Cell<Option<[u64; 2]>>,
}

impl Metrics {
    /// Returns counts that are written to `file`, if there is one.
    pub fn to(file: Option<OutputFile>) -> Metrics {
        Metrics { file, ..Metrics::default() }
    }

    /// Returns true if the counts are written to `file`.
    pub fn are_written_to(&self, file: &OutputFile) -> bool {
        self.file.as_ref().is_some_and(|metrics| metrics.is_same_file(file))
    }

    /// Records that the database is open, and that `stage` begins.
    pub fn opened(&self, stage: &'static str) {
        self.init.set(self.init.get().or(Some(Init::Opened)));
        self.stage.set(Some(stage));
    }

    /// Records that a new database was created.
    pub fn created(&self) {
        self.init.set(Some(Init::Created));
    }

    /// Records the counts of a finished backfill.
    pub fn backfilled(&self, report: &BackfillReport, duration: Duration) {
        let BackfillReport { inserted, updated, unchanged, failed, .. } = *report;
        let counts = [("upserted", inserted + updated), ("unchanged", unchanged), ("failed", failed)];
        self.backfill.set(Some((counts, duration)));
    }

    /// Records the number of findings of each [`FindingKind`] of a finished verify.
    pub fn verified(&self, counts: [u64; N_KINDS]) {
        self.discrepancies.set(Some(counts));
    }

    /// Records the numbers of active and of archived threads.
    pub fn threads(&self, by_archived: [u64; 2]) {
        self.threads.set(Some(by_archived));
    }

    /// Writes the file, if there is one. `has_failed` is true if the run ended with an error; `now` is in milliseconds.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, has_failed: bool, now: i64) -> anyhow::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        file.write(self.render(has_failed, now).as_bytes())
    }

    fn render(&self, has_failed: bool, now: i64) -> String {
        let mut text = MetricsText(String::new());
        let stage = self.stage.get();
        let init = match (self.init.get(), stage) {
            (None | Some(Init::Opened), None) if has_failed => Some(Init::OpenError),
            (init, _) => init,
        };
        let is = |status| u64::from(init == Some(status));
        let statuses = [
            ("opened", is(Init::Opened)),
            ("created", is(Init::Created)),
            ("open_error", is(Init::OpenError)),
        ];
        text.counter("codex_db_init_total", "how opening the state database ended", "status", &statuses);
        let mut stages = vec![("open", u64::from(has_failed && stage.is_none()))];
        stages.extend(stage.map(|stage| (stage, u64::from(has_failed))));
        text.counter("codex_db_error_total", "errors, by what was being done", "stage", &stages);
        if let Some((counts, duration)) = self.backfill.get() {
            let help = "rollouts, by what a backfill did with them";
            text.counter("codex_db_backfill_total", help, "status", &counts);
            let seconds = format!(" {:.3}", duration.as_secs_f64());
            let help = "how long the backfill took";
            text.metric("gauge", "codex_db_backfill_duration_seconds", help, &[seconds]);
        }
        if let Some(counts) = self.discrepancies.get() {
            let reasons: Vec<(&str, u64)> =
                FindingKind::ALL.iter().map(|kind| kind.name()).zip(counts).collect();
            text.counter("codex_db_discrepancy_total", "findings of verify, by kind", "reason", &reasons);
        }
        if let Some([active, archived]) = self.threads.get() {
            let values = [("false", active), ("true", archived)].map(|value| labelled("archived", value));
            text.metric("gauge", "codex_db_threads", "rows of threads", &values);
        }
        let seconds = format!(" {}", now.div_euclid(1000));
        text.metric("gauge", "codex_db_last_run_timestamp_seconds", "when the run began", &[seconds]);
        text.0
    }
}

/// The text format of Prometheus.
struct MetricsText(String);

impl MetricsText {
    fn counter(&mut self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) {
        let values: Vec<String> = values.iter().map(|&value| labelled(label, value)).collect();
        self.metric("counter", name, help, &values);
    }

    fn metric(&mut self, kind: &str, name: &str, help: &str, values: &[String]) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for value in values {
            let _ = writeln!(self.0, "{name}{value}");
        }
    }
}

/// Returns a value with its label. The labels are constants that need no escapes.
fn labelled(label: &str, (word, number): (&str, u64)) -> String {
    format!("{{{label}=\"{word}\"}} {number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(metrics: &Metrics, has_failed: bool, expected: &Expect) {
        let text = metrics.render(has_failed, 1_773_507_450_373);
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        expected.assert_eq(&(samples.join("\n") + "\n"));
        for sample in samples {
            let name = sample.split(['{', ' ']).next().unwrap();
            assert_eq!(text.matches(&format!("# TYPE {name} ")).count(), 1, "{name} is declared once");
        }
    }

    #[test]
    fn a_backfill_that_went_well() {
        let metrics = Metrics::default();
        metrics.created();
        metrics.opened("backfill");
        let duration = Duration::from_millis(1234);
        let report =
            BackfillReport { inserted: 1, updated: 2, unchanged: 2, failed: 1, ..BackfillReport::default() };
        metrics.backfilled(&report, duration);
        metrics.threads([4, 1]);
        check(
            &metrics,
            false,
            &expect![[r#"
                codex_db_init_total{status="opened"} 0
                codex_db_init_total{status="created"} 1
                codex_db_init_total{status="open_error"} 0
                codex_db_error_total{stage="open"} 0
                codex_db_error_total{stage="backfill"} 0
                codex_db_backfill_total{status="upserted"} 3
                codex_db_backfill_total{status="unchanged"} 2
                codex_db_backfill_total{status="failed"} 1
                codex_db_backfill_duration_seconds 1.234
                codex_db_threads{archived="false"} 4
                codex_db_threads{archived="true"} 1
                codex_db_last_run_timestamp_seconds 1773507450
            "#]],
        );
    }

    #[test]
    fn a_database_that_cannot_be_opened() {
        check(
            &Metrics::default(),
            true,
            &expect![[r#"
                codex_db_init_total{status="opened"} 0
                codex_db_init_total{status="created"} 0
                codex_db_init_total{status="open_error"} 1
                codex_db_error_total{stage="open"} 1
                codex_db_last_run_timestamp_seconds 1773507450
            "#]],
        );
    }

    #[test]
    fn an_error_after_opening_and_every_kind_of_a_verify() {
        let metrics = Metrics::default();
        metrics.opened("verify");
        let text = metrics.render(true, 0);
        assert!(text.contains("codex_db_init_total{status=\"opened\"} 1\n"), "{text}");
        assert!(text.contains("codex_db_error_total{stage=\"verify\"} 1\n"), "{text}");
        let mut counts = [0; N_KINDS];
        counts[FindingKind::DatabaseDamaged as usize] = 7;
        metrics.verified(counts);
        let text = metrics.render(false, 0);
        assert_eq!(text.matches("codex_db_discrepancy_total{").count(), N_KINDS);
        assert!(text.contains("codex_db_discrepancy_total{reason=\"database_damaged\"} 7\n"), "{text}");
    }
}
