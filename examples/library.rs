//! Backfills and lists a Codex home through the library: the sample home, in a temporary copy.
//!
//! `cargo run --example library`
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use chrono::{DateTime, Utc};
use codex_state::backfill::{self, Target};
use codex_state::db::list::{Query, Sort};
use codex_state::db::open::{OpenOptions, Reader, Writer};
use codex_state::list::Lister;
use codex_state::progress::Silent;
use codex_state::thread::columns::index;
use std::path::Path;
use std::sync::atomic::AtomicBool;
