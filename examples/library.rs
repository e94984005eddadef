//! Backfills a Codex home and lists its threads through the library: the sample home, in a temporary copy.
//!
//! `cargo run --example library`
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use chrono::DateTime;
use codex_state::backfill::{self, Target};
use codex_state::db::create::{self, NewSchema};
use codex_state::db::list::Query;
use codex_state::db::open::{OpenOptions, Reader, Writer};
use codex_state::list::{self, Lister};
use codex_state::progress::Silent;
use codex_state::survey::Context;
use codex_state::thread::columns::index;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let home = folder.path().join("home");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sample-home"), &home)?;

    // A home without a database gets one, as Codex would make it.
    let database = folder.path().join(NewSchema::State5.file_name());
    create::create(&database, NewSchema::State5)?;
    let options = OpenOptions::default();
    let mut writer = Writer::open(&database, &options)?;

    // The library asks nobody for the time, the environment or a folder: all of it is handed in.
    #[expect(clippy::disallowed_methods, reason = "this is the edge of the program")]
    let now = DateTime::from(SystemTime::now());
    let config = backfill::Config {
        context: Context {
            home: &home,
            jobs: 2,
            default_provider: "openai",
            now,
            interrupted: &AtomicBool::new(false),
        },
        threads: None,
        quick: false,
        times: backfill::Times::Events,
        facts: None,
        backup: None,
        notes_names: false,
    };
    let report = backfill::run(&config, Target::Write(&mut writer), &Silent)?;
    writer.close()?;
    println!("{} rollouts, {} rows inserted, {} failed", report.scanned, report.inserted, report.failed);

    // A reader cannot write, and leaves no trace.
    let mut reader = Reader::open(&database, &options)?;
    let query = Query { archived: Some(false), columns: vec![index::ID, index::TITLE], ..Query::default() };
    let config = list::Config { query, limit: Some(20), cursor: None, names: &|| Ok(None) };
    let mut lister = Lister::new(&mut reader, config)?;
    while let Some(page) = lister.next_page()? {
        for row in 0..page.len() {
            let text = |place| page.cell(row, place).as_text().unwrap_or_default();
            // Debug output escapes what a title might do to a terminal.
            println!("{}  {:?}", text(0), text(1));
        }
        lister.give_back(page);
    }
    reader.end();
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry?;
        let target = to.join(entry.path().strip_prefix(from)?);
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(&target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
