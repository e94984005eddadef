//! Tests of verify in small homes, one situation each; homes broken in every known way are in `breaks.rs`.

mod breaks;

use super::*;
use crate::backfill::{self, BackfillOptions, BackfillReport, BackfillTarget};
use crate::db::Connection;
use crate::db::open::{OpenOptions, Writer};
use crate::progress::Silent;
use crate::rollout::file_name::RolloutName;
use crate::survey::Context;
use crate::survey::select::Selected;
use chrono::{DateTime, Utc};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;

const SCHEMAS: [&str; 4] = [
    "empty-2026-08.state_5.sqlite",
    "empty-2026-07.state_5.sqlite",
    "empty-2026-03.state_5.sqlite",
    "empty-2026-01.state.sqlite",
];
/// Time when threads begin, in milliseconds.
const BEGIN: i64 = 1_773_507_432_000;

/// A separate home with a database.
struct Home {
    folder: TempDir,
    path: PathBuf,
    database: PathBuf,
}

impl Home {
    fn new(schema: &str) -> Home {
        let folder = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(folder.path()).unwrap().join("home");
        fs::create_dir_all(path.join("sessions")).unwrap();
        fs::create_dir_all(path.join("archived_sessions")).unwrap();
        let databases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/databases");
        let database = path.join("state_5.sqlite");
        fs::write(&database, fs::read(databases.join(schema)).unwrap()).unwrap();
        Home { folder, path, database }
    }

    fn sql(&self, sql: &str) {
        Connection::open(&self.database).unwrap().execute_batch(sql).unwrap();
    }

    fn write(&self, path: &Path, text: &[u8], mtime: i64) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        let time = UNIX_EPOCH + Duration::from_millis(mtime.try_into().unwrap());
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    fn backfill(&self) -> BackfillReport {
        let mut writer = Writer::open(&self.database, &OpenOptions::default()).unwrap();
        let options = BackfillOptions {
            context: Context {
                home: &self.path,
                jobs: 2,
                default_provider: "openai",
                now: now(),
                interrupted: &AtomicBool::new(false),
            },
            threads: None,
            quick: false,
            times: backfill::Times::Mtime,
            facts: None,
            backup: None,
            notes_names: false,
        };
        backfill::run(&options, BackfillTarget::Write(&mut writer), &Silent).unwrap()
    }

    fn verify_with(&self, change: impl FnOnce(&mut VerifyOptions<'_>)) -> VerifyReport {
        let mut reader = Reader::open(&self.database, &OpenOptions::default()).unwrap();
        let (ignore, interrupted) = (Ignore::default(), AtomicBool::new(false));
        let mut options = self.options(&ignore, &interrupted);
        change(&mut options);
        run(&options, &mut reader, &Silent).unwrap()
    }

    fn options<'a>(&'a self, ignore: &'a Ignore, interrupted: &'a AtomicBool) -> VerifyOptions<'a> {
        VerifyOptions {
            context: Context {
                home: &self.path,
                jobs: 2,
                default_provider: "openai",
                now: now(),
                interrupted,
            },
            threads: None,
            providers: None,
            depth: Depth::Fields,
            ignore,
            max_findings: None,
            counts_shown: false,
        }
    }

    fn verify(&self) -> VerifyReport {
        self.verify_with(|_| ())
    }
}

/// Returns a time later than all files.
fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(BEGIN + 1_000_000_000_000).unwrap()
}

/// One healthy thread.
#[derive(Debug, Clone)]
struct Thread {
    number: u8,
}

impl Thread {
    fn name(&self) -> RolloutName {
        let id = self.id();
        RolloutName { time: BEGIN + i64::from(self.number) * 60_000, thread: id, rollout: id }
    }

    fn id(&self) -> ThreadId {
        ThreadId::from_u128(0x019c_0000_0000_7000_8000_0000_0000_0000 + (u128::from(self.number) << 8))
    }

    fn mtime(&self) -> i64 {
        self.name().time + 30_250
    }

    fn path(&self, home: &Home) -> PathBuf {
        let mut path = home.path.join("sessions");
        path.extend(self.name().date_folders());
        path.join(self.name().to_file_name(false))
    }

    fn archived_path(&self, home: &Home) -> PathBuf {
        home.path.join("archived_sessions").join(self.name().to_file_name(false))
    }

    fn text(&self) -> String {
        let time = DateTime::from_timestamp_millis(self.name().time).unwrap().to_rfc3339();
        let line = |kind: &str, payload: serde_json::Value| {
            format!("{{\"timestamp\":\"{time}\",\"type\":\"{kind}\",\"payload\":{payload}}}\n")
        };
        [
            line(
                "session_meta",
                serde_json::json!({
                    "id": self.id().to_string(), "timestamp": time, "cwd": "/nowhere", "source": "cli",
                    "cli_version": "0.147.0", "model_provider": "openai",
                }),
            ),
            line("event_msg", serde_json::json!({"type": "user_message", "message": "words"})),
            line(
                "turn_context",
                serde_json::json!({
                    "model": "m", "effort": "high", "approval_policy": "never",
                    "sandbox_policy": {"type": "read-only"},
                }),
            ),
            tokens(12),
        ]
        .concat()
    }

    fn write(&self, home: &Home) {
        home.write(&self.path(home), self.text().as_bytes(), self.mtime());
    }

    fn row(&self, home: &Home, set: &str) {
        home.sql(&format!("UPDATE threads SET {set} WHERE id = '{}'", self.id()));
    }
}

fn tokens(n: i64) -> String {
    let payload =
        serde_json::json!({"type": "token_count", "info": {"total_token_usage": {"total_tokens": n}}});
    format!("{{\"timestamp\":\"2026-03-14T17:00:00Z\",\"type\":\"event_msg\",\"payload\":{payload}}}\n")
}

/// A finding as the tests state it: kind, severity, the thread as far as it has one, columns.
type Stated = (FindingKind, Severity, Option<String>, Vec<&'static str>);

/// Returns the findings of a report, all in memory.
fn all(report: &VerifyReport) -> Vec<Finding> {
    report.findings.to_vec().unwrap()
}

fn state(finding: &Finding) -> Stated {
    let columns = finding.fields.iter().map(FieldDifference::name).collect();
    (finding.kind, finding.severity, finding.thread_id.clone(), columns)
}

#[test]
fn threads_that_an_interrupted_run_did_not_examine_do_not_agree() {
    let home = Home::new(SCHEMAS[0]);
    (0..5).for_each(|number| Thread { number }.write(&home));
    home.backfill();
    let report =
        home.verify_with(|options| options.context.interrupted = Box::leak(Box::new(AtomicBool::new(true))));
    assert!(report.interrupted && !report.complete);
    assert_eq!((report.files, report.agree), (0, 0));
    assert_eq!(home.verify().agree, 5);
}

#[test]
fn an_active_codex_causes_no_finding() {
    let home = Home::new(SCHEMAS[0]);
    let thread = Thread { number: 1 };
    thread.write(&home);
    home.backfill();
    let stop = AtomicBool::new(false);
    let millis =
        |path: &Path| crate::rollout::fold::to_millis(fs::metadata(path).unwrap().modified().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let connection = Connection::open(&home.database).unwrap();
            connection.execute_batch("PRAGMA journal_mode = WAL").unwrap();
            connection.busy_timeout(Duration::from_secs(5)).unwrap();
            let path = thread.path(&home);
            let mut file = fs::File::options().append(true).open(&path).unwrap();
            for n in 1.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                // First half a line, then the rest, then the row: at most moments something is behind.
                let line = tokens(n);
                let (begin, end) = line.split_at(line.len() / 2);
                for part in [begin, end] {
                    std::io::Write::write_all(&mut file, part.as_bytes()).unwrap();
                    std::thread::sleep(Duration::from_millis(2));
                }
                let time = millis(&path);
                connection
                    .execute_batch(&format!(
                        "UPDATE threads SET tokens_used = {n}, updated_at = {}, updated_at_ms = {time}",
                        time / 1000
                    ))
                    .unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let mut found = Vec::new();
        for _ in 0..6 {
            let now = DateTime::from_timestamp_millis(millis(&thread.path(&home))).unwrap();
            found.extend(all(&home.verify_with(|options| options.context.now = now)));
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(found, []);
    });
    assert_eq!(all(&home.verify()), [], "nor when it has ended");
}

#[test]
fn only_an_old_time_that_codex_has_not_written_is_a_finding() {
    let home = Home::new(SCHEMAS[0]);
    let thread = Thread { number: 1 };
    thread.write(&home);
    home.backfill();
    home.write(&thread.path(&home), thread.text().as_bytes(), thread.mtime() + 4000);
    let at = |millis: i64| {
        home.verify_with(|options| options.context.now = DateTime::from_timestamp_millis(millis).unwrap())
    };
    assert_eq!(all(&at(thread.mtime() + 5000)), [], "Codex writes the time every five seconds");
    assert_eq!(
        at(thread.mtime() + 60_000).count(FindingKind::FieldMismatch).errors,
        1,
        "a minute later it should have"
    );
    thread.row(&home, "model_provider = 'x'");
    let columns: Vec<Vec<&str>> = all(&at(thread.mtime() + 5000)).iter().map(|one| state(one).3).collect();
    assert_eq!(columns, [["updated_at", "model_provider", "updated_at_ms"]], "and nothing else excuses it");
}

#[test]
fn a_moved_home_is_reported_once_for_each_old_place() {
    let home = Home::new(SCHEMAS[0]);
    let threads: Vec<Thread> = (0..5).map(|number| Thread { number }).collect();
    threads.iter().for_each(|thread| thread.write(&home));
    home.backfill();
    let old = home.path.to_str().unwrap();
    for (thread, new) in threads.iter().zip(["/a", "/b", "/b", r"C:\Users\me"]) {
        thread.row(&home, &format!("rollout_path = replace(rollout_path, '{old}', '{new}')"));
    }
    threads[3].row(&home, r"rollout_path = replace(rollout_path, '/', '\')");
    let report = home.verify();
    let findings = all(&report);
    let found: Vec<(Stated, &Path)> =
        findings.iter().map(|one| (state(one), one.path.as_deref().unwrap())).collect();
    let moved = (FindingKind::MovedHome, Severity::Error, None, vec!["rollout_path"]);
    let expected = ["/a", "/b", "C:/Users/me"].map(|place| (moved.clone(), Path::new(place)));
    assert_eq!(found, expected);
    assert!(findings[1].message.starts_with("2 rows name"), "{}", findings[1].message);
    assert_eq!(report.agree, 5, "all but for the path");
    let ignore = Ignore::default().and("moved_home").unwrap();
    assert_eq!(home.verify_with(|options| options.ignore = Box::leak(Box::new(ignore))).agree, 5);
    home.backfill();
    assert_eq!(all(&home.verify()), []);
}

#[test]
fn odd_ids_of_every_kind_are_passed_and_reported() {
    let home = Home::new("empty-2026-01.state.sqlite");
    let thread = Thread { number: 1 };
    thread.write(&home);
    home.backfill();
    let ids = ["''", "'a'", "x'00ff'", "CAST(x'80ff' AS TEXT)", "CAST(x'ff' AS TEXT)", "'zz'", "NULL"];
    for id in ids {
        home.sql(&format!(
            "CREATE TEMP TABLE twin AS SELECT * FROM threads WHERE id = '{}';
             UPDATE twin SET id = {id}, rollout_path = '/gone'; INSERT INTO threads SELECT * FROM twin",
            thread.id()
        ));
    }
    // More than one page of them.
    home.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
         INSERT INTO threads SELECT CAST(x'c0' || printf('%05d', i) AS BLOB), '/gone', created_at, updated_at, source,
         model_provider, cwd, title, sandbox_policy, approval_mode, tokens_used, has_user_event, archived, archived_at,
         git_sha, git_branch, git_origin_url FROM n, threads WHERE threads.id = 'zz'",
    );
    let report = home.verify();
    assert_eq!(report.rows, 1500 + 1 + ids.len() as u64);
    assert_eq!(report.count(FindingKind::FieldMismatch).errors, 1500 + ids.len() as u64);
    assert_eq!(report.agree, 1);
}

#[test]
fn a_row_that_names_the_file_of_another_thread() {
    let home = Home::new(SCHEMAS[0]);
    let threads: Vec<Thread> = (0..3).map(|number| Thread { number }).collect();
    threads.iter().for_each(|thread| thread.write(&home));
    home.backfill();
    let other = threads[1].path(&home);
    threads[0].row(&home, &format!("rollout_path = '{}', model_provider = 'x'", other.display()));
    let id = Some(threads[0].id().to_string());
    let expected = [
        (FindingKind::DuplicatePath, Severity::Error, id.clone(), vec!["rollout_path"]),
        (FindingKind::FieldMismatch, Severity::Error, id.clone(), vec!["model_provider"]),
    ];
    assert_eq!(all(&home.verify()).iter().map(state).collect::<Vec<_>>(), expected);
    // Without the other row it is not a duplicate, but still names another thread's file.
    home.sql(&format!("DELETE FROM threads WHERE id = '{}'", threads[1].id()));
    let expected = [
        (FindingKind::FieldMismatch, Severity::Error, id, vec!["rollout_path", "model_provider"]),
        (FindingKind::MissingRow, Severity::Error, Some(threads[1].id().to_string()), vec![]),
    ];
    assert_eq!(all(&home.verify()).iter().map(state).collect::<Vec<_>>(), expected);
    home.backfill();
    assert_eq!(all(&home.verify()), []);
}

#[test]
fn a_file_that_contains_another_thread_than_its_name_gives() {
    let home = Home::new(SCHEMAS[0]);
    let (own, named) = (Thread { number: 1 }, Thread { number: 2 });
    home.write(&named.path(&home), own.text().as_bytes(), named.mtime());
    let stated =
        |kind: FindingKind, thread: &Thread| (kind, kind.severity(), Some(thread.id().to_string()), vec![]);
    let found = || all(&home.verify()).iter().map(state).collect::<Vec<_>>();
    assert_eq!(found()[1..], [stated(FindingKind::MissingRow, &own)], "what the file says counts");
    home.backfill();
    assert_eq!(found(), []);
    // A row with the id in the file's name names the same file.
    home.sql(&format!(
        "CREATE TEMP TABLE twin AS SELECT * FROM threads; UPDATE twin SET id = '{}';
         INSERT INTO threads SELECT * FROM twin",
        named.id()
    ));
    let path = vec!["rollout_path"];
    assert_eq!(
        found(),
        [(FindingKind::DuplicatePath, Severity::Error, Some(named.id().to_string()), path)],
        "the thread that the file is of has the better claim"
    );
    home.sql(&format!("DELETE FROM threads WHERE id = '{}'", own.id()));
    assert_eq!(found(), [stated(FindingKind::MissingRow, &own), stated(FindingKind::MissingFile, &named)]);
    home.sql(&format!("DELETE FROM threads WHERE id = '{}'", named.id()));
    // A file named after the thread has precedence; the other one is its copy.
    own.write(&home);
    home.backfill();
    let copy = (FindingKind::DuplicateRollout, Severity::Error, Some(own.id().to_string()), vec![]);
    assert_eq!(found(), [copy], "newer than the one that counts");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_is_named_and_its_rows_are_not_missing() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new(SCHEMAS[0]);
    let thread = Thread { number: 1 };
    thread.write(&home);
    home.backfill();
    let folder = thread.path(&home).parent().unwrap().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    let is_root = fs::read_dir(&folder).is_ok();
    let report = home.verify();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    if !is_root {
        let found: Vec<Stated> = all(&report).iter().map(state).collect();
        assert_eq!(found, [(FindingKind::UnreadableFile, Severity::Error, None, vec![])]);
        assert!(!report.complete);
    }
}

#[test]
fn threads_beside_their_files_come_one_by_one_until_an_interrupt() {
    let home = Home::new(SCHEMAS[0]);
    let threads: Vec<Thread> = (1..=5).map(|number| Thread { number }).collect();
    for thread in &threads {
        home.write(&thread.path(&home), thread.text().as_bytes(), thread.mtime());
    }
    home.backfill();
    let asked: Vec<Selected> = threads.iter().map(|thread| Selected::Id(thread.id())).collect();
    let (ignore, interrupted) = (Ignore::default(), AtomicBool::new(false));
    let context = Context { jobs: 1, ..home.options(&ignore, &interrupted).context };
    let mut reader = Reader::open(&home.database, &OpenOptions::default()).unwrap();
    let mut seen = Vec::new();
    beside(context, &asked, &mut reader, |one| {
        assert!(one.error.is_none() && one.differing.is_empty(), "{one:?}");
        seen.extend(one.id);
        interrupted.store(seen.len() == 3, Ordering::Relaxed);
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, [1, 2, 3].map(|number| Thread { number }.id()), "and none that was read by half");
}
