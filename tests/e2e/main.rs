//! Tests the program from outside: every test runs the binary on a home made for it, and nothing here links to the
//! library.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and says so where people look"
)]

// Helpers for tests.
mod complete;
mod env;
mod golden;
mod holder;
mod missing_folder;
mod moving;
mod outcome;
mod rollouts;
mod schema;
mod shapes;
mod shown;
mod specimen;
mod table;
mod tree;

// Tests.
mod archive_killed;
mod archive_live;
mod archive_many;
mod archive_refusals;
mod archive_round_trip;
mod archive_volumes;
mod backfill_again;
mod backfill_bad_input;
mod backfill_dry_run;
mod backfill_facts;
mod backfill_files;
mod backfill_golden;
mod backfill_index;
mod backfill_killed;
mod backfill_new;
mod backfill_options;
mod backfill_schema;
mod backfill_state;
mod backup;
mod cases;
mod company;
mod completing;
mod completing_shells;
mod default_options;
mod every_command;
mod facts_from;
mod full_disk;
mod hostile_files;
mod hostile_machine;
mod ids_to;
mod in_a_terminal;
mod killed;
mod list;
mod list_more;
mod list_people;
mod live;
mod memory;
mod metrics;
mod mistakes;
mod odd_corners;
mod odd_schemas;
mod other_programs;
mod output_files;
mod packaging;
mod prune;
mod prune_killed;
mod quiet_home;
mod read_only;
mod readme;
mod rebuild;
mod rebuild_files;
mod rebuild_keeps;
mod rebuild_killed;
mod rebuild_undo;
mod recipes;
mod relink;
mod restore;
mod restore_killed;
mod show_compare;
mod show_path;
mod status;
mod trouble;
mod verify_codex;
mod verify_columns;
mod verify_golden;
mod verify_kinds;
mod verify_options;
mod windows;
// The snapshots break lines at places that depend on the length of paths.
#[cfg(target_os = "linux")]
mod worried;
mod wrecks;
