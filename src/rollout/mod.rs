//! Reads rollouts: from the bytes of a file to the facts about its thread. It writes nothing and knows no SQL.

mod beginning;
pub mod digits;
pub mod environment;
pub mod extract;
pub mod facts;
pub mod fields;
pub mod file_name;
pub mod fold;
mod frames;
pub mod glue;
mod held;
pub mod item;
pub mod last_event;
pub mod line;
pub mod look;
mod lost;
pub mod marks;
pub mod openable;
pub mod peek;
pub mod plain;
pub mod reader;
pub mod resume;
pub mod source;
pub mod tail;
