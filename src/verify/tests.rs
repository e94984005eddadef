//! Homes that are broken in known ways: verify names exactly those, and a backfill mends what a backfill can.

use super::*;
use crate::backfill;
use crate::db::Connection;
use crate::db::open::{OpenOptions, Writer};
use crate::progress::Silent;
use crate::rollout::file_name::RolloutName;
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;

const SCHEMAS: [&str; 4] = [
    "empty-2026-08.state_5.sqlite",
    "empty-2026-07.state_5.sqlite",
    "empty-2026-03.state_5.sqlite",
    "empty-2026-01.state.sqlite",
];
/// When threads begin, in milliseconds.
const BEGIN: i64 = 1_773_507_432_000;

/// A home of its own, with a database.
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

    fn backfill(&self) -> backfill::Report {
        let mut writer = Writer::open(&self.database, &OpenOptions::default()).unwrap();
        let config = backfill::Config {
            home: &self.path,
            threads: None,
            jobs: 2,
            default_provider: "openai",
            quick: false,
            times: backfill::Times::Mtime,
            now: now(),
            interrupted: &AtomicBool::new(false),
            facts: None,
            backup: None,
        };
        backfill::run(&config, backfill::Target::Write(&mut writer), &Silent).unwrap()
    }

    fn verify_with(&self, change: impl FnOnce(&mut Config<'_>)) -> Report {
        let mut reader = Reader::open(&self.database, &OpenOptions::default()).unwrap();
        let (ignore, interrupted) = (Ignore::default(), AtomicBool::new(false));
        let mut config = Config {
            home: &self.path,
            threads: None,
            jobs: 2,
            default_provider: "openai",
            depth: Depth::Fields,
            ignore: &ignore,
            max_findings: None,
            now: now(),
            interrupted: &interrupted,
        };
        change(&mut config);
        run(&config, &mut reader, &Silent).unwrap()
    }

    fn verify(&self) -> Report {
        self.verify_with(|_| ())
    }
}

/// Later than all files.
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

/// What happens to a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Break {
    Nothing,
    NoRow,
    NoFile,
    Moved,
    ArchivedByHand,
    ArchivedInRow,
    Garbage,
    Emptied,
    Torn,
    OlderCopy,
    NewerCopy,
    LongerCopy,
    Compressed,
    CompressedBeside,
    Named,
    Touched,
    GoneOn,
    OtherModel,
    UnreadableCell,
    BadId,
    UpperCaseId,
    RowTwice,
    Outside,
    OddName,
    OddNameAndNoRow,
    OddCopy,
    OtherFolder,
}

use Break::*;

const BREAKS: [Break; 27] = [
    Nothing,
    NoRow,
    NoFile,
    Moved,
    ArchivedByHand,
    ArchivedInRow,
    Garbage,
    Emptied,
    Torn,
    OlderCopy,
    NewerCopy,
    LongerCopy,
    Compressed,
    CompressedBeside,
    Named,
    Touched,
    GoneOn,
    OtherModel,
    UnreadableCell,
    BadId,
    UpperCaseId,
    RowTwice,
    Outside,
    OddName,
    OddNameAndNoRow,
    OddCopy,
    OtherFolder,
];

/// A finding as the tests state it: kind, severity, the thread as far as it has one, columns.
type Stated = (Kind, Severity, Option<String>, Vec<&'static str>);

impl Break {
    /// Breaks a thread, and states what is to be found then.
    fn apply(self, thread: &Thread, home: &Home) -> Vec<Stated> {
        let (path, archived) = (thread.path(home), thread.archived_path(home));
        let (text, mtime) = (thread.text(), thread.mtime());
        let id = thread.id().to_string();
        let columns = columns_of(home);
        let known = |names: &[&'static str]| -> Vec<&'static str> {
            names.iter().copied().filter(|name| columns.contains(&(*name).to_owned())).collect()
        };
        let stated =
            |kind: Kind, names: &[&'static str]| (kind, kind.severity(), Some(id.clone()), known(names));
        let error = |stated: Stated| (stated.0, Severity::Error, stated.2, stated.3);
        let move_to = |to: &Path| {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::rename(&path, to).unwrap();
        };
        let odd = path.with_file_name(format!("rollout-odd-{}.jsonl", thread.number));
        match self {
            Nothing => vec![],
            NoRow => {
                home.sql(&format!("DELETE FROM threads WHERE id = '{id}'"));
                vec![stated(Kind::MissingRow, &[])]
            }
            NoFile => {
                fs::remove_file(&path).unwrap();
                vec![stated(Kind::MissingFile, &[])]
            }
            Moved => {
                move_to(&home.path.join("sessions/elsewhere").join(path.file_name().unwrap()));
                vec![stated(Kind::MovedFile, &["rollout_path"])]
            }
            ArchivedByHand => {
                move_to(&archived);
                vec![stated(Kind::ArchiveMismatch, &["rollout_path", "archived", "archived_at"])]
            }
            ArchivedInRow => {
                thread.row(home, "archived = 1");
                vec![stated(Kind::ArchiveMismatch, &["archived"])]
            }
            Garbage => {
                home.write(&path, b"nothing here is JSON\n", mtime);
                vec![stated(Kind::UnreadableFile, &[])]
            }
            Emptied => {
                home.write(&path, b" \n", mtime);
                vec![stated(Kind::EmptyFile, &[])]
            }
            Torn => {
                home.write(&path, format!("{text}{{\"timestamp\":\"2026").as_bytes(), mtime);
                vec![stated(Kind::DamagedLines, &[])]
            }
            OlderCopy => {
                home.write(&archived, text.as_bytes(), mtime - 5000);
                vec![stated(Kind::DuplicateRollout, &[])]
            }
            NewerCopy => {
                home.write(&archived, text.as_bytes(), mtime + 5000);
                vec![error(stated(Kind::DuplicateRollout, &[]))]
            }
            LongerCopy => {
                let longer = zstd::encode_all((text + &tokens(1)).as_bytes(), 3).unwrap();
                home.write(&archived.with_extension("jsonl.zst"), &longer, mtime - 5000);
                vec![error(stated(Kind::DuplicateRollout, &[]))]
            }
            Compressed | CompressedBeside => {
                let bytes = zstd::encode_all(text.as_bytes(), 3).unwrap();
                home.write(&path.with_extension("jsonl.zst"), &bytes, mtime);
                if self == Compressed {
                    fs::remove_file(&path).unwrap();
                }
                vec![]
            }
            Named => {
                if columns.contains(&"name".to_owned()) {
                    thread.row(home, "name = 'a name', is_pinned = 1");
                }
                thread.row(home, "git_branch = 'edited'");
                vec![]
            }
            Touched => {
                home.write(&path, text.as_bytes(), mtime + 60_000);
                vec![stated(Kind::FieldMismatch, &["updated_at", "updated_at_ms"])]
            }
            GoneOn => {
                home.write(&path, (text + &tokens(99)).as_bytes(), mtime + 60_000);
                vec![stated(Kind::FieldMismatch, &["updated_at", "tokens_used", "updated_at_ms"])]
            }
            OtherModel => {
                thread.row(home, "cwd = '/elsewhere', approval_mode = 'on-request'");
                vec![stated(Kind::FieldMismatch, &["cwd", "approval_mode"])]
            }
            UnreadableCell => {
                thread.row(home, "tokens_used = 'many', title = x'ff00'");
                vec![stated(Kind::FieldMismatch, &["title", "tokens_used"])]
            }
            BadId => {
                let bad = format!("no id {}", thread.number);
                thread.row(home, &format!("id = '{bad}'"));
                let odd = (Kind::FieldMismatch, Severity::Error, Some(bad), vec!["id"]);
                vec![stated(Kind::MissingRow, &[]), odd]
            }
            UpperCaseId => {
                let upper = id.to_uppercase();
                thread.row(home, &format!("id = '{upper}'"));
                let odd = (Kind::FieldMismatch, Severity::Error, Some(upper), vec!["id"]);
                vec![stated(Kind::MissingRow, &[]), odd]
            }
            RowTwice => {
                let twin = format!("{}ff", &id[..34]);
                home.sql(&format!(
                    "CREATE TEMP TABLE twin AS SELECT * FROM threads WHERE id = '{id}';
                     UPDATE twin SET id = '{twin}'; INSERT INTO threads SELECT * FROM twin"
                ));
                vec![(Kind::DuplicatePath, Severity::Error, Some(twin), vec!["rollout_path"])]
            }
            Outside => {
                let outside = home.folder.path().join(path.file_name().unwrap());
                fs::rename(&path, &outside).unwrap();
                thread.row(home, &format!("rollout_path = '{}'", outside.display()));
                vec![stated(Kind::OutsideHome, &[])]
            }
            OddName => {
                move_to(&odd);
                vec![stated(Kind::MalformedName, &[]), stated(Kind::MovedFile, &["rollout_path"])]
            }
            OddNameAndNoRow => {
                move_to(&odd);
                home.sql(&format!("DELETE FROM threads WHERE id = '{id}'"));
                vec![stated(Kind::MalformedName, &[]), stated(Kind::MissingRow, &[])]
            }
            OddCopy => {
                home.write(&odd, text.as_bytes(), mtime);
                vec![stated(Kind::MalformedName, &[]), stated(Kind::DuplicateRollout, &[])]
            }
            OtherFolder => {
                thread.row(home, "rollout_path = rollout_path || '.gone', model_provider = 'x'");
                vec![
                    stated(Kind::MovedFile, &["rollout_path"]),
                    stated(Kind::FieldMismatch, &["model_provider"]),
                ]
            }
        }
    }
}

fn columns_of(home: &Home) -> Vec<String> {
    let connection = Connection::open(&home.database).unwrap();
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info('threads')").unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

fn state(finding: &Finding) -> Stated {
    let columns = finding.fields.iter().map(Field::name).collect();
    (finding.kind, finding.severity, finding.thread_id.clone(), columns)
}

fn sorted(mut stated: Vec<Stated>) -> Vec<Stated> {
    stated.sort();
    stated
}

#[test]
fn what_an_interrupted_run_has_not_looked_at_does_not_agree() {
    let home = Home::new(SCHEMAS[0]);
    (0..5).for_each(|number| Thread { number }.write(&home));
    home.backfill();
    let report = home.verify_with(|config| config.interrupted = Box::leak(Box::new(AtomicBool::new(true))));
    assert!(report.interrupted && !report.complete);
    assert_eq!((report.files, report.agree), (0, 0));
    assert_eq!(home.verify().agree, 5);
}

/// Breaks a home of one thread for each of `breaks`, and looks whether that is what is found, at each stage.
fn check(schema: &str, breaks: &[Break], jobs: usize) {
    let home = Home::new(schema);
    let threads: Vec<Thread> = (0..).take(breaks.len()).map(|number| Thread { number }).collect();
    threads.iter().for_each(|thread| thread.write(&home));
    home.backfill();
    let healthy = home.verify();
    assert_eq!(healthy.findings, [], "{schema}: a home in order");
    assert_eq!(
        (healthy.files, healthy.rows, healthy.agree),
        (threads.len() as u64, healthy.files, healthy.files)
    );

    let expected: Vec<Stated> =
        threads.iter().zip(breaks).flat_map(|(thread, one)| one.apply(thread, &home)).collect();
    let report = home.verify_with(|config| config.jobs = jobs);
    let found: Vec<Stated> = report.findings.iter().map(state).collect();
    assert_eq!(sorted(found.clone()), sorted(expected.clone()), "{schema} {breaks:?}");
    let with_row = breaks.iter().filter(|one| !matches!(one, NoRow | OddNameAndNoRow)).count() as u64;
    let twins = breaks.iter().filter(|one| **one == RowTwice).count() as u64;
    assert_eq!(report.rows, with_row + twins);
    let sound =
        breaks.iter().filter(|one| matches!(one, Nothing | Compressed | CompressedBeside | Named | RowTwice));
    assert_eq!(report.agree, sound.count() as u64, "{schema} {breaks:?}");
    for kind in Kind::ALL {
        assert_eq!(
            report.count(kind).all(),
            expected.iter().filter(|stated| stated.0 == kind).count() as u64
        );
    }
    assert!(report.complete);

    // The first few are the same few, whatever else is found.
    let few = home.verify_with(|config| config.max_findings = Some(2));
    assert_eq!(few.findings, report.findings[..report.findings.len().min(2)]);
    assert_eq!((few.counts, few.agree), (report.counts, report.agree));

    // One thread alone shows what it showed among the others.
    for thread in &threads {
        let alone = home.verify_with(|config| {
            config.threads = Some(Box::leak(Box::new([Selected::Id(thread.id())])));
        });
        let id = Some(thread.id().to_string());
        let of_it = |finding: &&Finding| finding.thread_id == id && finding.kind != Kind::DuplicateRollout;
        let alone: Vec<&Finding> = alone.findings.iter().filter(of_it).collect();
        let one = breaks[usize::from(thread.number)];
        // A file that only says whose it is is looked for where nothing else is known of the thread.
        if !matches!(one, OddNameAndNoRow | OddCopy) {
            let expected: Vec<&Finding> = report.findings.iter().filter(of_it).collect();
            assert_eq!(alone, expected, "{schema} {one:?} alone");
        }
    }

    // A quick look says nothing that a long one does not, but of files that it does not open.
    let quick = home.verify_with(|config| config.depth = Depth::Quick);
    for stated in quick.findings.iter().map(state) {
        let is_known = expected.iter().any(|known| (known.0, &known.2) == (stated.0, &stated.2));
        let unopened = [OddName, OddNameAndNoRow, OddCopy, RowTwice];
        assert!(
            is_known || breaks.iter().any(|one| unopened.contains(one)),
            "{schema} {breaks:?}: {stated:?}"
        );
    }

    // A backfill mends what a backfill can mend, and nothing else goes away or comes up, but what it had hidden.
    home.backfill();
    let mended = home.verify();
    let left: Vec<Stated> = mended.findings.iter().map(state).collect();
    let by_hand = |stated: &Stated| stated.0.remedy() != Remedy::Backfill || stated.3 == ["id"];
    assert_eq!(left.iter().filter(|stated| !by_hand(stated)).collect::<Vec<_>>(), Vec::<&Stated>::new());
    let lasting = expected.into_iter().filter(by_hand).collect();
    assert_eq!(sorted(left), sorted(lasting), "{schema} {breaks:?} after a backfill");
    let again = home.backfill();
    assert_eq!((again.inserted, again.updated), (0, 0));
}

#[test]
fn each_way_to_break_a_thread_is_found_on_every_schema() {
    for schema in SCHEMAS {
        for one in BREAKS {
            check(schema, &[Nothing, one], 1);
        }
        check(schema, &BREAKS, 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_home_that_is_broken_in_known_ways_shows_exactly_those(
        schema in prop::sample::select(&SCHEMAS[..]),
        breaks in prop::collection::vec(prop::sample::select(&BREAKS[..]), 1..12),
        jobs in 1usize..4,
    ) {
        check(schema, &breaks, jobs);
    }
}

#[test]
fn a_codex_at_work_is_no_drift() {
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
            found.extend(home.verify_with(|config| config.now = now).findings);
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(found, []);
    });
    assert_eq!(home.verify().findings, [], "nor when it has ended");
}

#[test]
fn a_time_that_a_working_codex_has_not_written_yet_is_no_drift_but_an_old_one_is() {
    let home = Home::new(SCHEMAS[0]);
    let thread = Thread { number: 1 };
    thread.write(&home);
    home.backfill();
    home.write(&thread.path(&home), thread.text().as_bytes(), thread.mtime() + 4000);
    let at = |millis: i64| {
        home.verify_with(|config| config.now = DateTime::from_timestamp_millis(millis).unwrap())
    };
    assert_eq!(at(thread.mtime() + 5000).findings, [], "Codex writes the time every five seconds");
    assert_eq!(
        at(thread.mtime() + 60_000).count(Kind::FieldMismatch).errors,
        1,
        "a minute later it should have"
    );
    thread.row(&home, "model_provider = 'x'");
    let columns: Vec<Vec<&str>> = at(thread.mtime() + 5000).findings.iter().map(|one| state(one).3).collect();
    assert_eq!(columns, [["updated_at", "model_provider", "updated_at_ms"]], "and nothing else excuses it");
}

#[test]
fn a_moved_home_is_said_once_for_each_place_where_it_was() {
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
    let found: Vec<(Stated, &Path)> =
        report.findings.iter().map(|one| (state(one), one.path.as_deref().unwrap())).collect();
    let moved = (Kind::MovedHome, Severity::Error, None, vec!["rollout_path"]);
    let expected = ["/a", "/b", "C:/Users/me"].map(|place| (moved.clone(), Path::new(place)));
    assert_eq!(found, expected);
    assert!(report.findings[1].message.starts_with("2 rows name"), "{}", report.findings[1].message);
    assert_eq!(report.agree, 1, "the one that was left alone");
    let ignore = Ignore::default().and("moved_home").unwrap();
    assert_eq!(home.verify_with(|config| config.ignore = Box::leak(Box::new(ignore))).agree, 5);
    home.backfill();
    assert_eq!(home.verify().findings, []);
}

#[test]
fn ids_of_every_sort_are_walked_past_and_named() {
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
    // More than a page of them.
    home.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
         INSERT INTO threads SELECT CAST(x'c0' || printf('%05d', i) AS BLOB), '/gone', created_at, updated_at, source,
         model_provider, cwd, title, sandbox_policy, approval_mode, tokens_used, has_user_event, archived, archived_at,
         git_sha, git_branch, git_origin_url FROM n, threads WHERE threads.id = 'zz'",
    );
    let report = home.verify();
    assert_eq!(report.rows, 1500 + 1 + ids.len() as u64);
    assert_eq!(report.count(Kind::FieldMismatch).errors, 1500 + ids.len() as u64);
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
        (Kind::DuplicatePath, Severity::Error, id.clone(), vec!["rollout_path"]),
        (Kind::FieldMismatch, Severity::Error, id.clone(), vec!["model_provider"]),
    ];
    assert_eq!(home.verify().findings.iter().map(state).collect::<Vec<_>>(), expected);
    // Without the other row it is no second one, but still not its own.
    home.sql(&format!("DELETE FROM threads WHERE id = '{}'", threads[1].id()));
    let expected = [
        (Kind::FieldMismatch, Severity::Error, id, vec!["rollout_path", "model_provider"]),
        (Kind::MissingRow, Severity::Error, Some(threads[1].id().to_string()), vec![]),
    ];
    assert_eq!(home.verify().findings.iter().map(state).collect::<Vec<_>>(), expected);
    home.backfill();
    assert_eq!(home.verify().findings, []);
}

#[test]
fn a_file_that_says_that_it_is_of_another_thread_than_its_name_does() {
    let home = Home::new(SCHEMAS[0]);
    let (own, named) = (Thread { number: 1 }, Thread { number: 2 });
    home.write(&named.path(&home), own.text().as_bytes(), named.mtime());
    let stated = |kind: Kind, thread: &Thread| (kind, kind.severity(), Some(thread.id().to_string()), vec![]);
    let found = || home.verify().findings.iter().map(state).collect::<Vec<_>>();
    assert_eq!(found()[1..], [stated(Kind::MissingRow, &own)], "what the file says counts");
    home.backfill();
    assert_eq!(found(), []);
    // A row under the name's id names the same file.
    home.sql(&format!(
        "CREATE TEMP TABLE twin AS SELECT * FROM threads; UPDATE twin SET id = '{}';
         INSERT INTO threads SELECT * FROM twin",
        named.id()
    ));
    let path = vec!["rollout_path"];
    assert_eq!(
        found(),
        [(Kind::DuplicatePath, Severity::Error, Some(named.id().to_string()), path)],
        "the thread that the file is of has the better claim"
    );
    home.sql(&format!("DELETE FROM threads WHERE id = '{}'", own.id()));
    assert_eq!(found(), [stated(Kind::MissingRow, &own), stated(Kind::MissingFile, &named)]);
    home.sql(&format!("DELETE FROM threads WHERE id = '{}'", named.id()));
    // A file with the thread in its name goes before; the other one is its copy.
    own.write(&home);
    home.backfill();
    let copy = (Kind::DuplicateRollout, Severity::Error, Some(own.id().to_string()), vec![]);
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
        let found: Vec<Stated> = report.findings.iter().map(state).collect();
        assert_eq!(found, [(Kind::UnreadableFile, Severity::Error, None, vec![])]);
        assert!(!report.complete);
    }
}
