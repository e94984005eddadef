//! Mends, checks and lists the thread database of the Codex coding agent from its rollout files.
//!
//! Codex keeps each conversation (a thread) in a rollout file and mirrors what it needs for its lists in an SQLite
//! database. Where the two drift apart, the files are right, but for what only the database knows.
//!
//! # The map
//!
//! - [`thread`] is a thread as plain data, and all rules about it: [`thread::columns`] defines each column once,
//!   [`thread::merge`] says what a row must be, [`thread::diff`] where it is not so.
//! - [`rollout`] makes bytes into what they say of a thread; [`catalog`] finds the files and decides which of
//!   several counts.
//! - [`survey`] goes through a home: it reads rollouts in parallel and compares each with its row.
//! - [`home`] says where everything is, [`db`] is SQLite and all of it, [`sys`] what differs between systems.
//! - The verbs: [`backfill`], [`verify`], [`list`](mod@list), [`archive`], [`prune`], [`rebuild`], [`restore`], [`status`]. Each goes
//!   from a configuration, a database, a [`progress`] and the time to a report. None prints, reads the environment or
//!   uses another.
//! - [`cli`] is the program around them.
//!
//! # The flow
//!
//! ```text
//! backfill:  catalog > survey (rollout, thread, db) > db
//! verify:    catalog > survey (rollout, thread, db) > a report
//! list/show: db > cli
//! archive, prune, restore, rebuild: catalog, sys (locks, renames) and db, all or nothing
//! ```
//!
//! # Where to begin
//!
//! `examples/library.rs` backfills a home and lists it: a [`db::open::Writer`], a [`backfill::Config`],
//! [`backfill::run`]; then a [`db::open::Reader`] and a [`list::Lister`].
//!
//! # Invariants, and what guards them
//!
//! - No rollout byte is ever written: `backfill_again` and the tree fingerprints of all end-to-end tests.
//! - A reading command leaves every byte and time as it was, since a [`db::open::Reader`] cannot write: `read_only`.
//! - No column outside [`thread::columns::COLUMNS`] and no unknown table is written: `backfill_schema`.
//! - What only the database knows survives: `backfill_facts`, `backfill_again`.
//! - After a backfill, verify finds nothing, and a second backfill writes nothing: `verify_columns`, `backfill_again`.
//! - A crash between any two steps loses nothing: `backfill_killed`, `archive_killed`, `prune_killed`.
//! - Modules use those below them alone, and each crate has one home: `house`.
//!
//! `ARCHITECTURE.md` has the whole table, and the decisions behind it.

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
pub mod list;
pub mod prune;
pub mod rebuild;
pub mod relink;
pub mod restore;
pub mod status;
pub mod verify;

pub mod cli;
