//! Mends, checks and lists the thread database of the Codex coding agent from its rollout files.

pub mod db;
pub mod error;
pub mod sys;
