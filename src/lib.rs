//! Mends, checks and lists the thread database of the Codex coding agent from its rollout files.

pub mod cli;
pub mod error;
pub mod progress;
