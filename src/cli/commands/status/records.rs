//! The report of `status` as a document. Its members are documented in the help.

use crate::cli::commands::status::view::StatusView;
use crate::cli::output::{Member, Members, Value};
use crate::db::backup::BackupInfo;
use crate::db::shown::HiddenReason::{self, Archived};
use crate::home::DatabaseCandidate;
use crate::status::{DatabaseStatus, IndexingProgress, OtherDatabase, Rollouts, Weight, Weights};
use crate::verify::{FindingKind, VerifyReport};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Returns the members of the document.
pub(super) fn members<'a>(view: &'a StatusView<'a>, next: Option<&'a str>) -> Members<'a> {
    let database = view.database.as_ref();
    vec![
        ("home", view.home.into()),
        ("database", view.choice.as_ref().map(|choice| database_used(view, &choice.chosen)).into()),
        ("looked_in", paths(&view.place.databases.looked_in)),
        ("threads", database.map(|database| threads(view, database)).into()),
        ("rollouts", rollouts(&view.rollouts).into()),
        ("backfill", database.and_then(backfill).into()),
        ("verify", view.verify.as_ref().map(verify).into()),
        ("other_databases", view.other_databases.iter().map(other_database).collect()),
        ("set_aside", view.set_aside.iter().map(other_database).collect()),
        ("backups", view.backups.iter().map(backup).collect()),
        ("next", next.into()),
    ]
}

fn database_used<'a>(view: &'a StatusView<'a>, candidate: &'a DatabaseCandidate) -> Members<'a> {
    let database = view.database.as_ref();
    let unknown_columns = database.map(|database| database.unknown_columns.iter().map(String::as_str));
    let migration = database.and_then(|database| database.last_migration.as_ref());
    vec![
        ("path", (&*candidate.path).into()),
        ("why", candidate.why.into()),
        ("others", view.other().into_iter().collect()),
        ("error", view.error.as_deref().into()),
        ("bytes", database.map(|database| database.bytes).into()),
        ("wal_bytes", database.and_then(|database| database.wal_bytes).into()),
        ("journal_mode", database.map(|database| if database.is_wal { "wal" } else { "rollback" }).into()),
        ("sound", database.and_then(|database| database.is_sound).into()),
        ("problem", database.and_then(|database| database.problem.as_deref()).into()),
        ("known_columns", database.map(|database| database.n_columns).into()),
        ("unknown_columns", unknown_columns.map_or(Value::Null.into(), Member::from_iter)),
        ("last_migration", migration.map(last_migration).into()),
        ("updated_at", database.and_then(|database| database.last_update).map(Value::Time).into()),
    ]
}

fn last_migration((version, description): &(i64, String)) -> Members<'_> {
    vec![("version", (*version).into()), ("description", description.as_str().into())]
}

fn threads<'a>(view: &'a StatusView<'a>, database: &'a DatabaseStatus) -> Members<'a> {
    let census = &database.census;
    vec![
        ("total", census.total().into()),
        ("shown", census.shown().into()),
        (
            "hidden",
            vec![
                ("archived", census.hidden(Archived).into()),
                ("no_message", census.hidden(HiddenReason::NoMessage).into()),
                ("provider", census.hidden(HiddenReason::Provider).into()),
                ("source", census.hidden(HiddenReason::Source).into()),
                ("providers", counts(&census.hidden_providers)),
                ("sources", counts(&census.hidden_sources)),
            ]
            .into(),
        ),
        ("default_provider", (&*view.place.default_provider).into()),
        ("sources", counts(&census.sources)),
        ("providers", counts(&census.providers)),
        ("months", counts(&database.months)),
        ("bytes", view.weights.as_ref().map(bytes).into()),
    ]
}

/// Returns the sizes of the rollouts in bytes, by values in the rows of their threads.
fn bytes(weights: &Weights) -> Members<'_> {
    fn bytes(weights: &BTreeMap<String, Weight>) -> Member<'_> {
        Member::Object(weights.iter().map(|(name, weight)| (&**name, weight.bytes.into())).collect())
    }
    vec![
        ("sources", bytes(&weights.sources)),
        ("providers", bytes(&weights.providers)),
        ("folders", bytes(&weights.folders)),
        ("other_folders", weights.other_folders.bytes.into()),
        ("without_row", weights.without_row.into()),
    ]
}

fn rollouts(rollouts: &Rollouts) -> Members<'_> {
    fn error((path, error): &(PathBuf, String)) -> Members<'_> {
        vec![("path", (&**path).into()), ("error", error.as_str().into())]
    }
    vec![
        ("files", rollouts.total().into()),
        ("active", rollouts.active.into()),
        ("archived", rollouts.archived.into()),
        ("compressed", rollouts.compressed.into()),
        ("malformed_names", rollouts.malformed_names.into()),
        ("bytes", rollouts.bytes.into()),
        ("missing_folders", paths(&rollouts.missing_folders)),
        ("errors", rollouts.errors.iter().map(error).collect()),
    ]
}

fn backfill(database: &DatabaseStatus) -> Option<Members<'_>> {
    let (state, progress) = database.backfill.as_ref()?;
    let state = state.as_ref();
    let time = |seconds: Option<i64>| seconds.map(|seconds| Value::Time(seconds.saturating_mul(1000))).into();
    Some(vec![
        ("status", state.map(|state| &*state.status).into()),
        ("stuck", (*progress == IndexingProgress::Stuck).into()),
        ("last_watermark", state.and_then(|state| state.last_watermark.as_deref()).into()),
        ("last_success_at", time(state.and_then(|state| state.last_success_at))),
        ("updated_at", time(state.and_then(|state| state.updated_at))),
    ])
}

fn verify(report: &VerifyReport) -> Members<'_> {
    let total = report.total();
    let counts = FindingKind::ALL.into_iter().map(|kind| (kind.name(), report.count(kind).all()));
    let counts: BTreeMap<&str, u64> = counts.filter(|(_, n)| *n > 0).collect();
    vec![
        ("files", report.files.into()),
        ("rows", report.rows.into()),
        ("agree", report.agree.into()),
        ("not_compared", report.not_compared.into()),
        ("errors", total.errors.into()),
        ("warnings", total.warnings.into()),
        ("counts", Member::Object(counts.into_iter().map(|(kind, n)| (kind, n.into())).collect())),
        ("complete", report.complete.into()),
    ]
}

fn other_database(database: &OtherDatabase) -> Members<'_> {
    vec![("path", (&*database.path).into()), ("bytes", database.bytes.into())]
}

fn backup(backup: &BackupInfo) -> Members<'_> {
    vec![
        ("path", (&*backup.path).into()),
        ("taken_at", Value::Time(backup.taken_at.timestamp_millis()).into()),
        ("bytes", backup.size.into()),
        ("automatic", backup.automatic.into()),
    ]
}

fn paths(paths: &[PathBuf]) -> Member<'_> {
    paths.iter().map(PathBuf::as_path).collect()
}

fn counts(counts: &BTreeMap<String, u64>) -> Member<'_> {
    Member::Object(counts.iter().map(|(name, n)| (&**name, (*n).into())).collect())
}
