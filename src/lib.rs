//! Mends, checks and lists the thread database of the Codex coding agent from its rollout files.

pub mod error;
pub mod thread;

pub mod rollout;
pub mod sessions;

pub mod inventory;

pub mod home;
pub mod sys;

pub mod claims;
pub mod compare;
pub mod db;
pub mod find;
pub mod progress;
pub mod scan;
pub mod select;
pub mod session_index;

pub mod backfill;
pub mod list;
pub mod restore;
pub mod verify;

pub mod cli;
