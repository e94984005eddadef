//! Input: the arguments and their parsing, help, completion scripts, man pages and the environment. It prints nothing
//! and opens no database.

pub mod args;
mod choices;
pub mod color;
pub mod completions;
pub mod defaults;
pub mod env;
pub mod exit;
pub mod fresh;
mod global;
pub mod help;
pub mod interrupt;
mod list_args;
pub mod man;
mod meant;
mod moving_args;
pub mod numbers;
pub mod read;
pub mod schema;
pub mod usage;
pub mod version;
pub mod when;

pub use exit::Exit;
pub(in crate::cli) use numbers::jobs_or_processors;
