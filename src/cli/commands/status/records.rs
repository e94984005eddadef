//! The report of `status` as a document.

use crate::cli::commands::status::view::StatusView;
use crate::cli::output::records::Value;
use crate::db::backup::BackupInfo;
use crate::db::shown::HiddenReason::{self, Archived};
use crate::home::DatabaseCandidate;
use crate::status::{self, DatabaseStatus, IndexingProgress, Rollouts, Weight, Weights};
use crate::verify::{FindingKind, VerifyReport};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Serialize)]
pub(super) struct StatusJson<'a> {
    home: Option<String>,
    database: Option<DatabaseJson<'a>>,
    looked_in: Vec<String>,
    threads: Option<ThreadsJson<'a>>,
    rollouts: RolloutsJson<'a>,
    backfill: Option<BackfillStateJson<'a>>,
    verify: Option<VerifyJson>,
    other_databases: Vec<OtherDatabaseJson>,
    set_aside: Vec<OtherDatabaseJson>,
    backups: Vec<BackupFileJson>,
    next: Option<&'a str>,
}

#[derive(Serialize)]
struct OtherDatabaseJson {
    path: String,
    bytes: u64,
}

/// The sizes of the rollouts in bytes, by values in the rows of their threads.
#[derive(Serialize)]
struct Bytes<'a> {
    sources: BTreeMap<&'a str, u64>,
    providers: BTreeMap<&'a str, u64>,
    folders: BTreeMap<&'a str, u64>,
    other_folders: u64,
    without_row: u64,
}

impl<'a> Bytes<'a> {
    fn of(weights: &'a Weights) -> Bytes<'a> {
        fn bytes(weights: &BTreeMap<String, Weight>) -> BTreeMap<&str, u64> {
            weights.iter().map(|(name, weight)| (&**name, weight.bytes)).collect()
        }
        Bytes {
            sources: bytes(&weights.sources),
            providers: bytes(&weights.providers),
            folders: bytes(&weights.folders),
            other_folders: weights.other_folders.bytes,
            without_row: weights.without_row,
        }
    }
}

#[derive(Serialize)]
struct DatabaseJson<'a> {
    path: String,
    why: &'static str,
    others: Vec<String>,
    error: Option<&'a str>,
    bytes: Option<u64>,
    wal_bytes: Option<u64>,
    journal_mode: Option<&'static str>,
    sound: Option<bool>,
    problem: Option<&'a str>,
    known_columns: Option<usize>,
    unknown_columns: Option<&'a [String]>,
    last_migration: Option<MigrationJson<'a>>,
    updated_at: Value<'static>,
}

#[derive(Serialize)]
struct MigrationJson<'a> {
    version: i64,
    description: &'a str,
}

#[derive(Serialize)]
struct ThreadsJson<'a> {
    total: u64,
    shown: u64,
    hidden: Hidden<'a>,
    default_provider: &'a str,
    sources: &'a BTreeMap<String, u64>,
    providers: &'a BTreeMap<String, u64>,
    months: &'a BTreeMap<String, u64>,
    bytes: Option<Bytes<'a>>,
}

#[derive(Serialize)]
struct Hidden<'a> {
    archived: u64,
    no_message: u64,
    provider: u64,
    source: u64,
    providers: &'a BTreeMap<String, u64>,
    sources: &'a BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct RolloutsJson<'a> {
    files: u64,
    active: u64,
    archived: u64,
    compressed: u64,
    malformed_names: u64,
    bytes: u64,
    missing_folders: Vec<String>,
    errors: Vec<WalkErrorJson<'a>>,
}

#[derive(Serialize)]
struct WalkErrorJson<'a> {
    path: String,
    error: &'a str,
}

#[derive(Serialize)]
struct BackfillStateJson<'a> {
    status: Option<&'a str>,
    stuck: bool,
    last_watermark: Option<&'a str>,
    last_success_at: Value<'static>,
    updated_at: Value<'static>,
}

#[derive(Serialize)]
struct VerifyJson {
    files: u64,
    rows: u64,
    agree: u64,
    not_compared: u64,
    errors: u64,
    warnings: u64,
    counts: BTreeMap<&'static str, u64>,
    complete: bool,
}

#[derive(Serialize)]
struct BackupFileJson {
    path: String,
    taken_at: Value<'static>,
    bytes: u64,
    automatic: bool,
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn other(database: &status::OtherDatabase) -> OtherDatabaseJson {
    OtherDatabaseJson { path: shown(&database.path), bytes: database.bytes }
}

fn time(seconds: Option<i64>) -> Value<'static> {
    seconds.map_or(Value::Null, |seconds| Value::Time(seconds.saturating_mul(1000)))
}

impl<'a> StatusJson<'a> {
    pub(super) fn of(view: &'a StatusView<'a>, next: Option<&'a str>) -> StatusJson<'a> {
        let database = view.database.as_ref();
        let backfill = database.and_then(|database| database.backfill.as_ref());
        StatusJson {
            home: view.home.map(shown),
            database: view.candidate.as_ref().map(|candidate| DatabaseJson::of(view, candidate)),
            looked_in: view.looked_in.iter().map(|path| shown(path)).collect(),
            threads: database.map(|database| ThreadsJson::of(view, database)),
            rollouts: RolloutsJson::of(&view.rollouts),
            backfill: backfill.map(|(state, progress)| BackfillStateJson {
                status: state.as_ref().map(|state| &*state.status),
                stuck: *progress == IndexingProgress::Stuck,
                last_watermark: state.as_ref().and_then(|state| state.last_watermark.as_deref()),
                last_success_at: time(state.as_ref().and_then(|state| state.last_success_at)),
                updated_at: time(state.as_ref().and_then(|state| state.updated_at)),
            }),
            verify: view.verify.as_ref().map(VerifyJson::of),
            next,
            other_databases: view.other_databases.iter().map(other).collect(),
            set_aside: view.set_aside.iter().map(other).collect(),
            backups: view.backups.iter().map(BackupFileJson::of).collect(),
        }
    }
}

impl<'a> DatabaseJson<'a> {
    fn of(view: &'a StatusView<'a>, candidate: &DatabaseCandidate) -> DatabaseJson<'a> {
        let database = view.database.as_ref();
        DatabaseJson {
            path: shown(&candidate.path),
            why: candidate.why.describe(),
            others: view.others.iter().map(|path| shown(path)).collect(),
            error: view.error.as_deref(),
            bytes: database.map(|database| database.bytes),
            wal_bytes: database.and_then(|database| database.wal_bytes),
            journal_mode: database.map(|database| if database.is_wal { "wal" } else { "rollback" }),
            sound: database.and_then(|database| database.is_sound),
            problem: database.and_then(|database| database.problem.as_deref()),
            known_columns: database.map(|database| database.columns[0]),
            unknown_columns: database.map(|database| &*database.unknown_columns),
            last_migration: database
                .and_then(|database| database.last_migration.as_ref())
                .map(|(version, description)| MigrationJson { version: *version, description }),
            updated_at: database.and_then(|database| database.last_update).map_or(Value::Null, Value::Time),
        }
    }
}

impl<'a> ThreadsJson<'a> {
    fn of(view: &'a StatusView<'a>, database: &'a DatabaseStatus) -> ThreadsJson<'a> {
        let census = &database.census;
        ThreadsJson {
            total: census.total(),
            shown: census.shown(),
            hidden: Hidden {
                archived: census.hidden(Archived),
                no_message: census.hidden(HiddenReason::NoMessage),
                provider: census.hidden(HiddenReason::Provider),
                source: census.hidden(HiddenReason::Source),
                providers: &census.hidden_providers,
                sources: &census.hidden_sources,
            },
            default_provider: view.default_provider,
            sources: &census.sources,
            providers: &census.providers,
            months: &database.months,
            bytes: view.weights.as_ref().map(Bytes::of),
        }
    }
}

impl<'a> RolloutsJson<'a> {
    fn of(rollouts: &'a Rollouts) -> RolloutsJson<'a> {
        let errors = rollouts.errors.iter();
        RolloutsJson {
            files: rollouts.total(),
            active: rollouts.active,
            archived: rollouts.archived,
            compressed: rollouts.compressed,
            malformed_names: rollouts.malformed_names,
            bytes: rollouts.bytes,
            missing_folders: rollouts.missing_folders.iter().map(|path| shown(path)).collect(),
            errors: errors.map(|(path, error)| WalkErrorJson { path: shown(path), error }).collect(),
        }
    }
}

impl VerifyJson {
    fn of(report: &VerifyReport) -> VerifyJson {
        let total = report.total();
        let counts = FindingKind::ALL.into_iter().map(|kind| (kind.name(), report.count(kind).all()));
        VerifyJson {
            files: report.files,
            rows: report.rows,
            agree: report.agree,
            not_compared: report.not_compared,
            errors: total.errors,
            warnings: total.warnings,
            counts: counts.filter(|(_, n)| *n > 0).collect(),
            complete: report.complete,
        }
    }
}

impl BackupFileJson {
    fn of(backup: &BackupInfo) -> BackupFileJson {
        BackupFileJson {
            path: shown(&backup.path),
            taken_at: Value::Time(backup.taken_at.timestamp_millis()),
            bytes: backup.size,
            automatic: backup.automatic,
        }
    }
}
