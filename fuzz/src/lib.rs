//! The functions of the fuzz targets: each takes bytes, and panics if the program is wrong about them.
//!
//! `tests/fuzz.rs` calls the same functions on the kept corpus and on random inputs, in every `cargo test`.

use codex_state::backfill::{self, BackfillTarget};
use codex_state::cli::line::when as when_typed;
use codex_state::db::create::{self, NewSchema};
use codex_state::db::facts::DatabaseFacts;

use codex_state::db::list::{ListOptions, Lister, Query, Sort};
use codex_state::db::open::{OpenOptions, Reader, Writer};
use codex_state::db::schema::Schema;
use codex_state::progress::Silent;
use codex_state::rollout::extract::Options;
use codex_state::rollout::fold::{self, Reading, RolloutSource};
use codex_state::rollout::reader::Buffer;
use codex_state::rollout::{file_name as names, line as lines, look, peek};
use codex_state::survey::Context;
use codex_state::thread::ThreadId;
use codex_state::thread::columns::{COLUMNS, Col};
use codex_state::verify::{self, Depth, FindingKind, Ignore};
use codex_state::{catalog::names as index_of_names, home as homes};
use rusqlite::Connection;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

/// The thread that is in the database of [`database`] and whose rollout [`home`] writes.
const ID: &str = "019ced47-cebb-79dd-b0aa-a552437621a9";
/// The time of a run: 2026-09-01.
const NOW: i64 = 1_788_264_000;

/// A function that takes any bytes.
pub type Function = fn(&[u8]);

/// Every target, by its name, and what one input costs: how many a test can afford of it, relative to the others.
pub const TARGETS: [(&str, Function, usize); 12] = [
    ("line", line, 400),
    ("file", file, 40),
    ("repeated", repeated, 2),
    ("file_name", file_name, 400),
    ("session_index", session_index, 100),
    ("config", config, 100),
    ("cursor", cursor, 100),
    ("when", when, 400),
    ("cells", cells, 4),
    ("schema", schema, 4),
    ("image", image, 4),
    ("home", home, 2),
];

/// Checks a line: the fast look agrees with the parser or decides nothing.
pub fn line(data: &[u8]) {
    let glance = look::glance(data);
    if let Some(fast) = glance {
        assert_eq!(lines::classify(data, false).ok(), Some(fast), "{}", String::from_utf8_lossy(data));
    }
    for bare in [false, true] {
        let read = lines::read(data, bare);
        assert_eq!(read, lines::read_as(glance, data, bare));
    }
    let _ = (
        lines::is_json(data),
        look::look_at_start(data).map(|look| (look.counts_tokens(), look.turn_folder())),
    );
}

/// Checks a whole file: reading it lazily, eagerly and deeply, plain and compressed, gives the same.
pub fn file(data: &[u8]) {
    let folder = folder();
    let name = format!("rollout-2026-03-14T16-57-12-{ID}.jsonl");
    let named = names::parse(OsStr::new(&name)).and_then(|named| named.name);
    let plain = folder.path().join(&name);
    let compressed = folder.path().join(format!("{name}.zst"));
    fs::write(&plain, data).expect("the temporary folder can be written");
    let mut buffer = Buffer::default();
    let never = AtomicBool::new(false);
    let mut read = |path: &Path, limit: Option<u64>, options: Options| {
        let is_compressed = path == compressed;
        let source =
            RolloutSource { path: path.to_owned(), name: named, compressed: is_compressed, archived: false };
        let _ = peek::thread(&source, &mut buffer, &never);
        fold::read_file(&source, limit, &mut Reading { buffer: &mut buffer, options, interrupted: &never })
    };
    let lazy = read(&plain, None, Options::default()).expect("a plain file can be read whatever it holds");
    let mut damage = None;
    for options in [
        Options { eager: true, ..Options::default() },
        Options { deep: true, ..Options::default() },
        Options { every_damage: true, ..Options::default() },
    ] {
        let other = read(&plain, None, options).expect("a plain file can be read");
        if options.eager {
            damage = Some(other.extracted.damage.clone());
        } else if options.every_damage {
            assert_eq!(Some(&other.extracted.damage), damage.as_ref());
        }
        assert_eq!(other.extracted.facts, lazy.extracted.facts, "{options:?}");
        assert_eq!(other.extracted.is_blank, lazy.extracted.is_blank);
        assert_eq!(other.extracted.has_items, lazy.extracted.has_items);
        assert_eq!(other.extracted.last_event_at, lazy.extracted.last_event_at);
        assert_eq!(other.n_bytes, data.len() as u64);
    }
    let half = data.len() as u64 / 2;
    read(&plain, Some(half), Options::default()).expect("a part of a file can be read");

    let frame = zstd::encode_all(data, 1).expect("memory is written");
    fs::write(&compressed, frame).expect("the temporary folder can be written");
    let unpacked = read(&compressed, None, Options::default()).expect("a sound frame is unpacked");
    assert_eq!(unpacked.extracted, lazy.extracted, "compressed it says the same");
    // The bytes as they are, which are hardly ever a frame.
    fs::write(&compressed, data).expect("the temporary folder can be written");
    let _ = read(&compressed, None, Options::default());
}

/// Reads a file in which a part is repeated many times, such as objects glued into one line. As with [`file`],
/// neither the stack nor the time may grow faster than the file. The first byte says how often the part is repeated,
/// as a power of two; the byte 255 ends the text before the part, and the part.
pub fn repeated(data: &[u8]) {
    const MAX_BYTES: usize = 256 * 1024;
    let Some((&power, rest)) = data.split_first() else { return };
    let mut parts = rest.splitn(3, |byte| *byte == 255);
    let [before, part, behind] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let n = (1usize << (power % 18)).min(MAX_BYTES / part.len().max(1));
    file(&[before, &part.repeat(n), behind].concat());
}

/// Checks a file name: its parts give the name back.
pub fn file_name(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for text in [text.to_string(), format!("rollout-{text}.jsonl"), format!("rollout-{text}.jsonl.zst")] {
        let Some(named) = names::parse(OsStr::new(&text)) else { continue };
        if let Some(name) = named.name {
            let again = names::parse(OsStr::new(&name.to_file_name(named.compressed)));
            assert_eq!(again, Some(named), "{text}");
        }
    }
    let _ = names::parse_time(&text);
}

/// Checks an index of names: every name that is read is in the file, with its id.
pub fn session_index(data: &[u8]) {
    let folder = folder();
    fs::write(folder.path().join(index_of_names::FILE_NAME), data).expect("the folder can be written");
    let read = index_of_names::Names::read(folder.path()).expect("a regular file can be read");
    if std::str::from_utf8(data).is_err() {
        return; // The parser that the names are compared with takes no such line.
    }
    let mut expected: HashMap<ThreadId, Vec<String>> = HashMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if line.len() > 60_000 {
            return; // Too long to be held.
        }
        // An entry may stand behind another one, or behind a part of one.
        for (at, _) in line.iter().enumerate().filter(|(_, byte)| **byte == b'{') {
            // What is not asked for need not be well-formed text.
            let objects = serde_json::Deserializer::from_slice(&line[at..]);
            let Some(Ok(entry)) = objects.into_iter::<HashMap<String, Box<RawValue>>>().next() else {
                continue;
            };
            let text = |name: &str| serde_json::from_str::<String>(entry.get(name)?.get()).ok();
            let (Some(id), Some(name)) = (text("id"), text("thread_name")) else { continue };
            if let Some(id) = ThreadId::parse(&id).filter(|_| !name.trim().is_empty()) {
                expected.entry(id).or_default().push(name);
            }
        }
    }
    for id in read.threads(|_| true) {
        let name = read.get(id).expect("a name that was found can be read");
        assert!(expected.get(&id).is_some_and(|names| names.contains(&name)), "{id}: {name}");
    }
}

/// Checks a configuration: it is accepted or refused.
pub fn config(data: &[u8]) {
    let folder = folder();
    fs::write(folder.path().join("config.toml"), data).expect("the folder can be written");
    if let Ok(config) = homes::read_config(folder.path(), Some(Path::new("/home/me"))) {
        assert!(config.model_provider.is_none_or(|provider| !provider.trim().is_empty()));
    }
}

/// Checks a cursor: it is accepted or refused, and an accepted one leads to a page.
pub fn cursor(data: &[u8]) {
    use std::sync::OnceLock;
    // One for all inputs: of each database that is read a descriptor stays open as long as the process lives.
    static HOME: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = HOME.get_or_init(|| {
        let folder = folder();
        let path = database(folder.path());
        (folder, path)
    });
    let mut reader = Reader::open(path, &options()).expect("a sound database can be read");
    let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
    for text in [&*String::from_utf8_lossy(data), &hex] {
        let config = ListOptions { query: query(), limit: Some(3), cursor: Some(text), names: &|| Ok(None) };
        if let Ok(mut lister) = Lister::new(&mut reader, config) {
            let _ = lister.next_page().expect("a cursor that was taken leads to a page");
        }
    }
}

/// Checks a text that a user types for a time.
pub fn when(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = when_typed::parse(&text, NOW * 1000, &chrono::Utc);
    let zone = chrono::FixedOffset::east_opt(i32::from(data.first().copied().unwrap_or(0)) * 300);
    let _ = zone.map(|zone| when_typed::parse(&text, NOW * 1000, &zone));
}

/// Cells of any type and content in a row: every command answers, and nothing is lost by a backfill.
pub fn cells(data: &[u8]) {
    let folder = folder();
    let path = database(folder.path());
    let connection = Connection::open(&path).expect("it was just made");
    connection.execute_batch("PRAGMA ignore_check_constraints = ON").expect("a pragma");
    let mut rest = data;
    while let [column, kind, length, behind @ ..] = rest {
        let (content, behind) = behind.split_at(behind.len().min(usize::from(*length)));
        rest = behind;
        let column = COLUMNS[usize::from(*column) % COLUMNS.len()].name;
        let set = format!("UPDATE OR IGNORE threads SET \"{column}\" = ?1");
        let number = content.iter().fold(0_i64, |number, byte| number.wrapping_mul(256) + i64::from(*byte));
        // Columns that this database lacks, and values that it refuses, leave it was.
        let _ = match kind % 5 {
            0 => connection.execute(&set, [rusqlite::types::Null]),
            1 => connection.execute(&set, [number]),
            2 => connection.execute(&set, [f64::from_bits(number.cast_unsigned())]),
            3 => connection.execute(&set, [String::from_utf8_lossy(content)]),
            _ => connection.execute(&set, [content]),
        };
    }
    drop(connection);
    every_command(folder.path(), &path);
}

/// Checks a schema made of the bytes: it is read and written, or refused.
pub fn schema(data: &[u8]) {
    const TYPES: [&str; 6] = ["TEXT", "INTEGER", "BLOB", "", "REAL NOT NULL DEFAULT 0", "TEXT NOT NULL"];
    const EXTRAS: [&str; 10] = [
        "CREATE TRIGGER t AFTER UPDATE ON threads BEGIN UPDATE threads SET title = 'x' WHERE id = new.id; END",
        "CREATE TRIGGER i BEFORE INSERT ON threads BEGIN SELECT RAISE(IGNORE); END",
        "CREATE TRIGGER a BEFORE UPDATE ON threads BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE VIEW backfill_state AS SELECT 1 AS id",
        "CREATE TABLE thread_spawn_edges (parent_thread_id, child_thread_id, status)",
        "CREATE VIRTUAL TABLE thread_dynamic_tools USING fts5(thread_id)",
        "CREATE INDEX i1 ON threads(updated_at DESC)",
        "CREATE UNIQUE INDEX i2 ON threads(rollout_path)",
        "CREATE TABLE _sqlx_migrations (version, description, success, checksum)",
        "CREATE VIRTUAL TABLE threads USING fts5(id, rollout_path, created_at, updated_at, archived)",
    ];
    let folder = folder();
    let path = folder.path().join("state_5.sqlite");
    let connection = Connection::open(&path).expect("a new file");
    let (extras, columns) = data.split_at(data.len().min(4));
    let mut definition = vec!["id TEXT PRIMARY KEY".to_owned()];
    for pair in columns.chunks(2) {
        let name = COLUMNS.get(usize::from(pair[0])).map_or("future_column", |column| column.name);
        let of_type = TYPES[usize::from(pair.get(1).copied().unwrap_or(0)) % TYPES.len()];
        if !definition.iter().any(|other| other.starts_with(&format!("{name} "))) {
            definition.push(format!("{name} {of_type}"));
        }
    }
    for needed in ["rollout_path", "created_at", "updated_at", "archived"] {
        let is_there = definition.iter().any(|other| other.starts_with(&format!("{needed} ")));
        if !is_there && !data.len().is_multiple_of(5) {
            definition.push(format!("{needed} TEXT"));
        }
    }
    let ending = if data.len().is_multiple_of(3) { "WITHOUT ROWID" } else { "" };
    let extra = |byte: &u8| EXTRAS.get(usize::from(*byte)).copied();
    let _ = extras.first().and_then(extra).map(|sql| connection.execute_batch(sql));
    let _ = connection.execute_batch(&format!("CREATE TABLE threads ({}) {ending}", definition.join(", ")));
    let _ = connection.execute("INSERT INTO threads (id) VALUES (?1)", [ID]);
    extras.iter().filter_map(extra).for_each(|sql| drop(connection.execute_batch(sql)));
    drop(connection);
    every_command(folder.path(), &path);
}

/// Checks a database file with some changed bytes: it is refused, or read as far as possible.
pub fn image(data: &[u8]) {
    let folder = folder();
    let path = database(folder.path());
    let mut bytes = fs::read(&path).expect("it was just made");
    if data.starts_with(b"SQLite format 3\0") {
        bytes = data.to_vec();
    } else {
        for change in data.chunks_exact(4) {
            let at = u32::from_le_bytes([change[0], change[1], change[2], 0]) as usize % bytes.len();
            bytes[at] = change[3];
        }
    }
    fs::write(&path, bytes).expect("the folder can be written");
    every_command(folder.path(), &path);
}

/// Rollouts in a home: after a backfill verify finds no drift, and a second backfill writes nothing.
pub fn home(data: &[u8]) {
    let folder = folder();
    let path = folder.path().join("state_5.sqlite");
    fs::copy(template(), &path).expect("the folder can be written");
    for (number, text) in data.split(|byte| *byte == 0xff).take(3).enumerate() {
        write_rollout(folder.path(), number, text);
    }
    let first = run_backfill(folder.path(), &path).expect("a backfill of a new database");
    let report = run_verify(folder.path(), &path, Depth::Fields).expect("a verify of a sound database");
    for kind in [
        FindingKind::MissingRow,
        FindingKind::MissingFile,
        FindingKind::FieldMismatch,
        FindingKind::MovedFile,
    ] {
        assert_eq!(report.count(kind).all(), 0, "{kind} after a backfill: {:?}", report.findings);
    }
    let second = run_backfill(folder.path(), &path).expect("a second backfill");
    assert_eq!((second.inserted, second.updated), (0, 0), "the first one: {first:?}");
}

/// Runs every part of the program that reads a database, and a backfill. Each may refuse; none may panic.
fn every_command(home: &Path, database: &Path) {
    let options = options();
    if let Ok(mut reader) = Reader::open(database, &options) {
        let schema = Schema::of(&mut reader);
        for sort in [Sort::Updated, Sort::Created, Sort::Recency] {
            let query = Query { sort, ..query() };
            let config = ListOptions { query, limit: None, cursor: None, names: &|| Ok(None) };
            let Ok(mut lister) = Lister::new(&mut reader, config) else { continue };
            while let Ok(Some(page)) = lister.next_page() {
                lister.give_back(page);
            }
        }
        let _ = schema.map(|schema| schema.visible());
    }
    for depth in [Depth::Quick, Depth::Fields, Depth::Deep] {
        let _ = run_verify(home, database, depth);
    }
    let _ = DatabaseFacts::take(database, &options);
    let before = fs::read(database).expect("it is still there");
    if run_backfill(home, database).is_err() {
        return;
    }
    // A sound database stays sound.
    let is_sound = |path: &Path| {
        let check = |connection: Connection| {
            connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
        };
        Connection::open(path).and_then(check).is_ok_and(|answer| answer == "ok")
    };
    let copy = home.join("before.sqlite");
    fs::write(&copy, before).expect("the folder can be written");
    if is_sound(&copy) {
        assert!(is_sound(database), "a backfill broke it");
    }
}

fn folder() -> TempDir {
    let mut builder = tempfile::Builder::new();
    builder.prefix("codex-state-fuzz-");
    // In memory where there is such a place: on a disk each of the databases would wait for it.
    let in_memory = builder.tempdir_in("/dev/shm");
    in_memory.or_else(|_| builder.tempdir()).expect("a temporary folder can be made")
}

fn options() -> OpenOptions {
    OpenOptions::default()
}

fn query() -> Query {
    let columns = vec![Col::Id, Col::Title, Col::Source, Col::UpdatedAt];
    Query { hidden: true, columns, default_provider: "openai".to_owned(), ..Query::default() }
}

/// Makes an empty database with today's schema, once for each process.
fn template() -> PathBuf {
    use std::sync::OnceLock;
    static TEMPLATE: OnceLock<TempDir> = OnceLock::new();
    let folder = TEMPLATE.get_or_init(|| {
        let folder = folder();
        create::create(&folder.path().join("template.sqlite"), NewSchema::State5).expect("it can be made");
        folder
    });
    folder.path().join("template.sqlite")
}

/// Makes a database with one thread, and its rollout beside it.
fn database(home: &Path) -> PathBuf {
    use std::sync::OnceLock;
    static FILLED: OnceLock<TempDir> = OnceLock::new();
    let filled = FILLED.get_or_init(|| {
        let folder = folder();
        fs::copy(template(), folder.path().join("filled.sqlite")).expect("the folder can be written");
        write_rollout(folder.path(), 0, TURN);
        run_backfill(folder.path(), &folder.path().join("filled.sqlite")).expect("a backfill");
        folder
    });
    let path = home.join("state_5.sqlite");
    fs::copy(filled.path().join("filled.sqlite"), &path).expect("the folder can be written");
    write_rollout(home, 0, TURN);
    path
}

/// A turn of a conversation.
const TURN: &[u8] = br#"{"timestamp":"2026-03-14T16:57:13.623Z","type":"turn_context","payload":{"cwd":"/srv","model":"m","approval_policy":"never","sandbox_policy":{"type":"read-only"}}}
{"timestamp":"2026-03-14T16:57:14.623Z","type":"event_msg","payload":{"type":"user_message","message":"hello"}}
"#;

/// Writes a rollout that begins with a session meta, followed by any bytes.
fn write_rollout(home: &Path, number: usize, rest: &[u8]) {
    let id = format!("019ced47-cebb-79dd-b0aa-a552437621{:02x}", 0xa9 - number);
    let place = home.join("sessions/2026/03/14");
    fs::create_dir_all(&place).expect("the folder can be written");
    let meta = format!(
        "{{\"timestamp\":\"2026-03-14T16:57:12.123Z\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{id}\",\
         \"timestamp\":\"2026-03-14T16:57:12.123Z\",\"cwd\":\"/srv\",\"source\":\"cli\"}}}}\n"
    );
    let path = place.join(format!("rollout-2026-03-14T16-57-12-{id}.jsonl"));
    fs::write(&path, [meta.as_bytes(), rest].concat()).expect("the folder can be written");
    // Long ago: what was just written may be at work, and verify would wait a moment before it looks again.
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_773_507_450);
    let file = fs::OpenOptions::new().write(true).open(path).expect("it was just made");
    file.set_modified(long_ago).expect("it is ours");
}

fn run_backfill(home: &Path, database: &Path) -> Result<backfill::BackfillReport, String> {
    let mut writer = Writer::open(database, &options()).map_err(|error| format!("{error:#}"))?;
    let config = backfill::BackfillOptions {
        context: Context {
            home,
            jobs: 1,
            default_provider: "openai",
            now: chrono::DateTime::from_timestamp(NOW, 0).unwrap_or_default(),
            interrupted: &AtomicBool::new(false),
        },
        threads: None,
        quick: false,
        times: backfill::Times::default(),
        facts: None,
        backup: None,
        notes_names: false,
    };
    let report = backfill::run(&config, BackfillTarget::Write(&mut writer), &Silent);
    report.map_err(|error| format!("{error:#}"))
}

fn run_verify(home: &Path, database: &Path, depth: Depth) -> Result<verify::VerifyReport, String> {
    let mut reader = Reader::open(database, &options()).map_err(|error| format!("{error:#}"))?;
    let config = verify::VerifyOptions {
        context: Context {
            home,
            jobs: 1,
            default_provider: "openai",
            now: chrono::DateTime::from_timestamp(NOW, 0).unwrap_or_default(),
            interrupted: &AtomicBool::new(false),
        },
        threads: None,
        providers: None,
        depth,
        ignore: &Ignore::default(),
        max_findings: None,
        counts_shown: false,
    };
    verify::run(&config, &mut reader, &Silent).map_err(|error| format!("{error:#}"))
}
