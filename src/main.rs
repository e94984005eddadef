//! The `codex-state` program: everything is in the library.
#![allow(clippy::missing_docs_in_private_items)]

fn main() {}
