//! Repairs, checks and lists the index of conversations that the Codex coding agent keeps.
//!
//! Codex keeps each conversation (thread) in a file, its rollout, and an index of them in an SQLite database. When the
//! two drift apart, the files are right, except for what only the database knows. This library does what the program
//! `codex-state` does, for programs that keep Codex homes for others, test what writes to them, or show their threads.
//!
//! # Three verbs
//!
//! - [`backfill::run`] makes the rows agree with the rollouts,
//! - [`verify::run`] names each difference and changes nothing,
//! - [`Lister`] reads threads page by page, in bounded memory and in any order, as fast as SQLite does.
//!
//! Each takes options, a database and a listener for its [`Progress`], and returns a report. None of them prints,
//! reads the environment or asks for the time: a [`Context`] contains the home and the time of a run.
//!
//! ```
//! use codex_state::{BackfillOptions, BackfillTarget, Context, Ignore, ListOptions, Lister, NewSchema, OpenOptions};
//! use codex_state::{Query, Reader, Silent, VerifyOptions, Writer, Col, backfill, create_database, verify};
//! use std::{path::Path, time::SystemTime};
//!
//! # fn main() -> anyhow::Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let database = folder.path().join("state_5.sqlite");
//! let home = Path::new("examples/sample-home"); // elsewhere ~/.codex
//! let context = Context::new(home, SystemTime::now().into());
//!
//! // An empty database, of the schema that Codex adopts. Open the one of the home instead, if there is one.
//! create_database(&database, NewSchema::State5)?;
//! let mut writer = Writer::open(&database, &OpenOptions::default())?;
//! let report = backfill::run(&BackfillOptions::new(context), BackfillTarget::Write(&mut writer), &Silent)?;
//! writer.close()?;
//! assert_eq!((report.scanned, report.inserted, report.failed), (9, 9, 0));
//!
//! // A reader cannot write, and leaves no trace in the home.
//! let mut reader = Reader::open(&database, &OpenOptions::default())?;
//! let report = verify::run(&VerifyOptions::new(context, &Ignore::default()), &mut reader, &Silent)?;
//! assert_eq!((report.agree, report.total().errors), (9, 0));
//! for finding in report.findings.iter() {
//!     let finding = finding?;
//!     println!("{}: {}", finding.kind, finding.message); // missing_row: …
//! }
//!
//! let query = Query { columns: vec![Col::Id, Col::Title], ..Query::default() };
//! let mut lister = Lister::new(&mut reader, ListOptions::new(query))?;
//! while let Some(page) = lister.next_page()? {
//!     for row in 0..page.len() {
//!         // Titles are untrusted text: escape them before they reach a terminal.
//!         println!("{:?} {:?}", page.cell(row, 0).as_text(), page.cell(row, 1).as_text());
//!     }
//!     lister.give_back(page);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `examples/library.rs` is the same as a program.
//!
//! # What you can rely on
//!
//! - No rollout is ever modified.
//! - A [`Reader`] cannot write; it leaves every byte and time under the home as it was.
//! - What only the database knows survives a backfill: names, pins, sections, git edits, unknown columns.
//! - After a backfill, verify finds no drift, and a second backfill writes nothing.
//! - A run may be killed at any moment: the database is consistent, and running it again finishes the work.
//! - Memory is bounded, whatever is in the files.
//!
//! # The map
//!
//! The modules are in the order in which they may use each other, the lowest first. `ARCHITECTURE.md` has the whole
//! table and the decisions behind it.
//!
//! - [`thread`] is a thread as plain data, and all rules about it: [`thread::columns`] defines each column once,
//!   [`thread::merge`] decides what a row must say, [`thread::diff`] finds where it does not.
//! - [`rollout`] reads files; [`catalog`] finds them and decides which of several counts.
//! - [`home`] finds the home, its configuration and its databases; [`db`] is SQLite; [`sys`] hides what differs between
//!   systems.
//! - [`survey`] goes through a home: it reads rollouts in parallel and compares each with its row.
//! - The verbs: [`backfill`], [`verify`], [`archive`], [`prune`], [`rebuild`], [`restore`], [`relink`], [`status`]. To
//!   list needs no verb: [`Lister`] is of [`db`].

pub mod error;
pub mod fault;
pub mod progress;

pub mod thread;

pub mod sys;

pub mod rollout;

pub mod home;

pub mod output_file;

pub mod catalog;

pub mod db;

pub mod survey;

pub mod archive;
pub mod backfill;
pub mod prune;
pub mod rebuild;
pub mod relink;
pub mod restore;
pub mod status;
pub mod verify;

#[doc(hidden)]
pub mod cli;

#[doc(inline)]
pub use backfill::{BackfillOptions, BackfillReport, BackfillTarget, Times};
#[doc(inline)]
pub use cli::run;
#[doc(inline)]
pub use db::create::{NewSchema, create as create_database};
#[doc(inline)]
pub use db::list::{ListOptions, Lister, Page, Query, Sort};
#[doc(inline)]
pub use db::open::{OpenOptions, Reader, Writer};
#[doc(inline)]
pub use progress::{Progress, Silent};
#[doc(inline)]
pub use survey::Context;
#[doc(inline)]
pub use thread::columns::Col;
#[doc(inline)]
pub use verify::{Depth, Finding, FindingKind, Ignore, VerifyOptions, VerifyReport};
