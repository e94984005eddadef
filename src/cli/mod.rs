//! The command line: the only part that knows of arguments, streams, terminals, the environment and the clock.

pub mod chart;
pub mod env;
pub mod error;
pub mod exit;
pub mod human;
pub mod output;
pub mod progress;
pub mod records;
pub mod style;
pub mod table;
pub mod text;
pub mod when;
