//! Arguments of commands that make a database: which one.

use clap::ValueEnum;

/// The database that is made where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaChoice {
    /// state.sqlite, for Codex 0.93 to 0.95
    #[value(name = "phase-1")]
    Phase1,
    /// state_5.sqlite, for Codex 0.119 and later
    #[value(name = "state-5")]
    State5,
}
