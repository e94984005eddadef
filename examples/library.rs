//! Backfills a Codex home into a new database, verifies it and lists its threads through the library. The home is the
//! sample home.
//!
//! `cargo run --example library`
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use codex_state::{
    BackfillOptions, BackfillTarget, Context, Ignore, ListOptions, Lister, NewSchema, OpenOptions,
};
use codex_state::{Col, Query, Reader, Silent, VerifyOptions, Writer, backfill, create_database, verify};
use std::path::Path;
use std::time::SystemTime;

fn main() -> anyhow::Result<()> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sample-home");
    let folder = tempfile::tempdir()?;
    let database = folder.path().join(NewSchema::State5.file_name());
    // The library never asks the system for the time, the environment or a folder: the caller passes all of them.
    #[expect(clippy::disallowed_methods, reason = "this is the edge of the program")]
    let context = Context::new(&home, SystemTime::now().into());

    create_database(&database, NewSchema::State5)?;
    let mut writer = Writer::open(&database, &OpenOptions::default())?;
    let report = backfill::run(&BackfillOptions::new(context), BackfillTarget::Write(&mut writer), &Silent)?;
    writer.close()?;
    println!("{} rollouts, {} rows inserted, {} failed", report.scanned, report.inserted, report.failed);

    // A reader cannot write and leaves no trace.
    let mut reader = Reader::open(&database, &OpenOptions::default())?;
    let report = verify::run(&VerifyOptions::new(context, &Ignore::default()), &mut reader, &Silent)?;
    println!("{} threads agree, {} errors", report.agree, report.total().errors);

    let query = Query { archived: Some(false), columns: vec![Col::Id, Col::Title], ..Query::default() };
    let mut lister = Lister::new(&mut reader, ListOptions { limit: Some(20), ..ListOptions::new(query) })?;
    while let Some(page) = lister.next_page()? {
        for row in 0..page.len() {
            let text = |place| page.cell(row, place).as_text().unwrap_or_default();
            // Debug output escapes control characters that a title might contain.
            println!("{}  {:?}", text(0), text(1));
        }
        lister.give_back(page);
    }
    Ok(())
}
