//! The commands, one file each. They pass the arguments to the library and print the results.

pub mod app;
pub mod complete;
pub mod place;
pub mod threads;

pub mod archive;
pub mod backfill;
pub mod backup;
mod backups;
pub mod completions;
pub mod damaged;
mod edit;
pub mod fresh;
mod index;
pub mod list;
pub mod man;
pub mod path;
pub mod prune;
pub mod rebuild;
pub mod relink;
pub mod restore;
pub mod show;
pub mod status;
mod titles;
mod verdict;
pub mod verify;
mod ways;
mod words;

use app::App;
use place::{Place, output_file};
