//! Homes that are broken in known ways: verify reports exactly those, and a backfill repairs what it can.

use super::*;
use proptest::prelude::*;

/// A way to break a thread.
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

impl Break {
    /// Breaks a thread, and returns the expected findings.
    fn apply(self, thread: &Thread, home: &Home) -> Vec<Stated> {
        let (path, archived) = (thread.path(home), thread.archived_path(home));
        let (text, mtime) = (thread.text(), thread.mtime());
        let id = thread.id().to_string();
        let columns = columns_of(home);
        let known = |names: &[&'static str]| -> Vec<&'static str> {
            names.iter().copied().filter(|name| columns.contains(&(*name).to_owned())).collect()
        };
        let stated = |kind: FindingKind, names: &[&'static str]| {
            (kind, kind.severity(), Some(id.clone()), known(names))
        };
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
                vec![stated(FindingKind::MissingRow, &[])]
            }
            NoFile => {
                fs::remove_file(&path).unwrap();
                vec![stated(FindingKind::MissingFile, &[])]
            }
            Moved => {
                move_to(&home.path.join("sessions/elsewhere").join(path.file_name().unwrap()));
                vec![stated(FindingKind::MovedFile, &["rollout_path"])]
            }
            ArchivedByHand => {
                move_to(&archived);
                vec![stated(FindingKind::ArchiveMismatch, &["rollout_path", "archived", "archived_at"])]
            }
            ArchivedInRow => {
                thread.row(home, "archived = 1");
                vec![stated(FindingKind::ArchiveMismatch, &["archived"])]
            }
            Garbage => {
                home.write(&path, b"nothing here is JSON\n", mtime);
                vec![stated(FindingKind::UnreadableFile, &[])]
            }
            Emptied => {
                home.write(&path, b" \n", mtime);
                vec![stated(FindingKind::EmptyFile, &[])]
            }
            Torn => {
                home.write(&path, format!("{text}{{\"timestamp\":\"2026").as_bytes(), mtime);
                vec![stated(FindingKind::DamagedLines, &[])]
            }
            OlderCopy => {
                home.write(&archived, text.as_bytes(), mtime - 5000);
                vec![stated(FindingKind::DuplicateRollout, &[])]
            }
            NewerCopy => {
                home.write(&archived, text.as_bytes(), mtime + 5000);
                vec![error(stated(FindingKind::DuplicateRollout, &[]))]
            }
            LongerCopy => {
                let longer = zstd::encode_all((text + &tokens(1)).as_bytes(), 3).unwrap();
                home.write(&archived.with_extension("jsonl.zst"), &longer, mtime - 5000);
                vec![error(stated(FindingKind::DuplicateRollout, &[]))]
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
                vec![stated(FindingKind::FieldMismatch, &["updated_at", "updated_at_ms"])]
            }
            GoneOn => {
                home.write(&path, (text + &tokens(99)).as_bytes(), mtime + 60_000);
                vec![stated(FindingKind::FieldMismatch, &["updated_at", "tokens_used", "updated_at_ms"])]
            }
            OtherModel => {
                thread.row(home, "cwd = 'elsewhere', approval_mode = 'on-request'");
                vec![stated(FindingKind::FieldMismatch, &["cwd", "approval_mode"])]
            }
            UnreadableCell => {
                thread.row(home, "tokens_used = 'many', title = x'ff00'");
                vec![stated(FindingKind::FieldMismatch, &["title", "tokens_used"])]
            }
            BadId => {
                let bad = format!("no id {}", thread.number);
                thread.row(home, &format!("id = '{bad}'"));
                let odd = (FindingKind::FieldMismatch, Severity::Error, Some(bad), vec!["id"]);
                vec![stated(FindingKind::MissingRow, &[]), odd]
            }
            UpperCaseId => {
                let upper = id.to_uppercase();
                thread.row(home, &format!("id = '{upper}'"));
                let odd = (FindingKind::FieldMismatch, Severity::Error, Some(upper), vec!["id"]);
                vec![stated(FindingKind::MissingRow, &[]), odd]
            }
            RowTwice => {
                let twin = format!("{}ff", &id[..34]);
                home.sql(&format!(
                    "CREATE TEMP TABLE twin AS SELECT * FROM threads WHERE id = '{id}';
                     UPDATE twin SET id = '{twin}'; INSERT INTO threads SELECT * FROM twin"
                ));
                vec![(FindingKind::DuplicatePath, Severity::Error, Some(twin), vec!["rollout_path"])]
            }
            Outside => {
                let outside = home.folder.path().join(path.file_name().unwrap());
                fs::rename(&path, &outside).unwrap();
                thread.row(home, &format!("rollout_path = '{}'", outside.display()));
                vec![stated(FindingKind::OutsideHome, &[])]
            }
            OddName => {
                move_to(&odd);
                vec![
                    stated(FindingKind::MalformedName, &[]),
                    stated(FindingKind::MovedFile, &["rollout_path"]),
                ]
            }
            OddNameAndNoRow => {
                move_to(&odd);
                home.sql(&format!("DELETE FROM threads WHERE id = '{id}'"));
                vec![stated(FindingKind::MalformedName, &[]), stated(FindingKind::MissingRow, &[])]
            }
            OddCopy => {
                home.write(&odd, text.as_bytes(), mtime);
                vec![stated(FindingKind::MalformedName, &[]), stated(FindingKind::DuplicateRollout, &[])]
            }
            OtherFolder => {
                thread.row(home, "rollout_path = rollout_path || '.gone', model_provider = 'x'");
                vec![
                    stated(FindingKind::MovedFile, &["rollout_path"]),
                    stated(FindingKind::FieldMismatch, &["model_provider"]),
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

fn sorted(mut stated: Vec<Stated>) -> Vec<Stated> {
    stated.sort();
    stated
}

/// Breaks a home with one thread for each of `breaks`, and checks the findings at each stage.
fn check(schema: &str, breaks: &[Break], jobs: usize) {
    let home = Home::new(schema);
    let threads: Vec<Thread> = (0..).take(breaks.len()).map(|number| Thread { number }).collect();
    threads.iter().for_each(|thread| thread.write(&home));
    home.backfill();
    let healthy = home.verify();
    assert_eq!(all(&healthy), [], "{schema}: a home in order");
    assert_eq!(
        (healthy.files, healthy.rows, healthy.agree),
        (threads.len() as u64, healthy.files, healthy.files)
    );

    let expected: Vec<Stated> =
        threads.iter().zip(breaks).flat_map(|(thread, one)| one.apply(thread, &home)).collect();
    let has_names = columns_of(&home).contains(&"name".to_owned()) && breaks.contains(&Named);
    let missing_names = has_names.then(|| (FindingKind::IndexMissing, Severity::Warning, None, Vec::new()));
    let expected: Vec<Stated> = expected.into_iter().chain(missing_names).collect();
    let report = home.verify_with(|options| options.context.jobs = jobs);
    let found: Vec<Stated> = all(&report).iter().map(state).collect();
    assert_eq!(sorted(found.clone()), sorted(expected.clone()), "{schema} {breaks:?}");
    let with_row = breaks.iter().filter(|one| !matches!(one, NoRow | OddNameAndNoRow)).count() as u64;
    let twins = breaks.iter().filter(|one| **one == RowTwice).count() as u64;
    assert_eq!(report.rows, with_row + twins);
    let sound =
        breaks.iter().filter(|one| matches!(one, Nothing | Compressed | CompressedBeside | Named | RowTwice));
    assert_eq!(report.agree, sound.count() as u64, "{schema} {breaks:?}");
    for kind in FindingKind::ALL {
        assert_eq!(
            report.count(kind).all(),
            expected.iter().filter(|stated| stated.0 == kind).count() as u64
        );
    }
    assert!(report.complete);

    // The first few findings are the same, whatever else is found.
    let few = home.verify_with(|options| options.max_findings = Some(2));
    assert_eq!(all(&few), all(&report).into_iter().take(2).collect::<Vec<_>>());
    assert_eq!((few.counts, few.agree), (report.counts, report.agree));

    // One thread alone has the same findings as among the others.
    for thread in &threads {
        let alone = home.verify_with(|options| {
            options.threads = Some(Box::leak(Box::new([Selected::Id(thread.id())])));
        });
        let id = Some(thread.id().to_string());
        let of_it =
            |finding: &Finding| finding.thread_id == id && finding.kind != FindingKind::DuplicateRollout;
        let alone: Vec<Finding> = all(&alone).into_iter().filter(of_it).collect();
        let one = breaks[usize::from(thread.number)];
        // A file that is identified only by its contents is searched for only if nothing else is known of the thread.
        if !matches!(one, OddNameAndNoRow | OddCopy) {
            let expected: Vec<Finding> = all(&report).into_iter().filter(of_it).collect();
            assert_eq!(alone, expected, "{schema} {one:?} alone");
        }
    }

    // A quick look reports nothing that a full one does not, except about files that it does not open.
    let quick = home.verify_with(|options| options.depth = Depth::Quick);
    for stated in all(&quick).iter().map(state) {
        let is_known = expected.iter().any(|known| (known.0, &known.2) == (stated.0, &stated.2));
        let unopened = [OddName, OddNameAndNoRow, OddCopy, RowTwice];
        assert!(
            is_known || breaks.iter().any(|one| unopened.contains(one)),
            "{schema} {breaks:?}: {stated:?}"
        );
    }

    // A backfill repairs what it can. No other finding disappears or appears, except those that were hidden before.
    home.backfill();
    let repaired = home.verify();
    let left: Vec<Stated> = all(&repaired).iter().map(state).collect();
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
