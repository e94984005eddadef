//! Describes the documented JSON documents: parsing fails if a key is missing or unknown.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::outcome::Outcome;

/// The document of `backfill --format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backfill {
    schema_version: u64,
    pub(crate) database: String,
    pub(crate) scanned: usize,
    pub(crate) inserted: usize,
    pub(crate) updated: usize,
    pub(crate) unchanged: usize,
    pub(crate) superseded: usize,
    pub(crate) failed: usize,
    pub(crate) pruned: usize,
    pub(crate) bytes_read: u64,
    pub(crate) failures: Vec<Failure>,
    pub(crate) shown_before: usize,
    pub(crate) shown_after: usize,
    pub(crate) dry_run: bool,
    pub(crate) complete: bool,
}

/// One rollout that failed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    pub(crate) path: String,
    pub(crate) error: String,
}

impl Backfill {
    /// Parses the document of a run. Fails unless its numbers add up.
    #[track_caller]
    pub(crate) fn of(outcome: &Outcome) -> Backfill {
        let report: Backfill = outcome.shaped();
        assert_eq!(report.schema_version, 1);
        let parts = report.inserted + report.updated + report.unchanged + report.superseded + report.failed;
        outcome.assert_eq(parts, report.scanned, "every file found is counted exactly once");
        let bound = report.shown_before + report.inserted + report.updated;
        outcome.assert(report.shown_after <= bound, "only rows that were written can come into the list");
        outcome.assert_eq(report.failures.len(), report.failed, "every failed file is named");
        for failure in report.failures.iter() {
            outcome.assert(!failure.error.is_empty(), format_args!("a reason why {} failed", failure.path));
        }
        report
    }

    /// Returns (inserted, updated, unchanged, superseded, failed) for short assertions.
    pub(crate) fn counts(&self) -> [usize; 5] {
        [self.inserted, self.updated, self.unchanged, self.superseded, self.failed]
    }
}

/// The document of `verify --format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verify {
    schema_version: u64,
    pub(crate) database: String,
    pub(crate) files: usize,
    pub(crate) rows: usize,
    pub(crate) agree: usize,
    pub(crate) findings: Vec<Finding>,
    pub(crate) counts: BTreeMap<String, usize>,
    pub(crate) not_compared: usize,
    pub(crate) complete: bool,
}

/// One finding of verify.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Finding {
    pub(crate) kind: String,
    pub(crate) severity: String,
    #[serde(deserialize_with = "present")]
    pub(crate) thread_id: Option<String>,
    #[serde(deserialize_with = "present")]
    pub(crate) path: Option<String>,
    pub(crate) message: String,
    pub(crate) fields: Vec<Field>,
}

/// One column of a finding, with both values in full.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) database: Value,
    pub(crate) file: Value,
}

impl Finding {
    /// Returns the names of its columns, sorted.
    pub(crate) fn columns(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

impl Verify {
    /// Parses the document of a run. Fails unless its numbers and its order fit the contract.
    #[track_caller]
    pub(crate) fn of(outcome: &Outcome) -> Verify {
        let report: Verify = outcome.shaped();
        assert_eq!(report.schema_version, 1);
        // The contract does not fix the place of findings without a thread.
        let of_threads = report.findings.iter().filter(|finding| finding.thread_id.is_some());
        let keys: Vec<_> = of_threads.map(|f| (&f.thread_id, &f.path, &f.kind)).collect();
        outcome.assert(keys.is_sorted(), format_args!("findings sorted by thread id, path, kind: {keys:?}"));
        for finding in report.findings.iter() {
            outcome.assert(
                ["error", "warning"].contains(&finding.severity.as_str()),
                format_args!("a known severity: {finding:?}"),
            );
            outcome.assert(!finding.message.is_empty(), format_args!("a message: {finding:?}"));
        }
        report
    }

    /// Returns the findings of a kind.
    pub(crate) fn of_kind(&self, kind: &str) -> Vec<&Finding> {
        self.findings.iter().filter(|finding| finding.kind == kind).collect()
    }

    /// Returns the findings that are errors.
    pub(crate) fn errors(&self) -> Vec<&Finding> {
        self.findings.iter().filter(|finding| finding.severity == "error").collect()
    }

    /// Returns how many findings of a kind were counted: 0 if the kind is not listed.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.counts.get(kind).copied().unwrap_or(0)
    }
}

/// The document of `list --format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    schema_version: u64,
    pub(crate) threads: Vec<Map<String, Value>>,
    #[serde(deserialize_with = "present")]
    pub(crate) next_cursor: Option<String>,
    pub(crate) scanned: u64,
}

impl List {
    /// Parses the document of a run.
    #[track_caller]
    pub(crate) fn of(outcome: &Outcome) -> List {
        let list: List = outcome.shaped();
        assert_eq!(list.schema_version, 1);
        list
    }

    /// Returns the ids in the order of the list.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.threads.iter().map(|thread| thread["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// The document of `show --format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Show {
    schema_version: u64,
    pub(crate) threads: Vec<Map<String, Value>>,
}

impl Show {
    /// Parses the document of a run.
    #[track_caller]
    pub(crate) fn of(outcome: &Outcome) -> Show {
        let show: Show = outcome.shaped();
        assert_eq!(show.schema_version, 1);
        show
    }
}

/// Requires a nullable key to be present: serde alone would take a missing key for null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}
