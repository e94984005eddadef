//! Mends, checks and lists the thread database of the Codex coding agent from its rollout files.

pub mod error;
pub mod fault;
pub mod thread;

pub mod rollout;
pub mod sessions;

pub mod inventory;

pub mod home;
pub mod sys;

pub mod claims;
pub mod compare;
pub mod custody;
pub mod db;
pub mod find;
pub mod progress;
pub mod scan;
pub mod select;
pub mod session_index;

pub mod archive;
pub mod backfill;
pub mod list;
pub mod prune;
pub mod restore;
pub mod status;
pub mod verify;

pub mod cli;
