//! Defines the command line of the benchmark; `speed.rs` acts on it.

use super::homes::Spec;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Measures codex-state against the goals for its speed and memory
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench speed --", args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// The work to do instead of measuring
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Rows to run, by name or its beginning; all those that need no `--large` by default
    pub(crate) rows: Vec<String>,

    /// List the rows and run none
    #[arg(long)]
    pub(crate) list: bool,

    /// Measured runs of each command in a row
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,

    /// Threads of the home of usual rollouts
    #[arg(long, default_value_t = 1000)]
    pub(crate) threads: usize,

    /// Mean size of its rollouts, in KiB
    #[arg(long, default_value_t = 318)]
    pub(crate) mean_kib: u64,

    /// Threads of the home of tiny rollouts
    #[arg(long, default_value_t = 150_000)]
    pub(crate) tiny_threads: usize,

    /// Seed of the homes
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Also run the rows that need homes of gigabytes
    #[arg(long)]
    pub(crate) large: bool,

    /// Keep the result in FILE, by default in benches/results/
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub(crate) save: Option<Option<PathBuf>>,

    /// Folder in which homes are made and found again
    #[arg(
        long,
        value_name = "DIR",
        env = "CODEX_STATE_BENCH_HOMES",
        default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/homes"),
        hide_default_value = true
    )]
    pub(crate) homes: PathBuf,

    /// Measure this program instead of the one just built, to compare two builds
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,

    /// Given by `cargo bench`, not by `cargo test`
    #[arg(long, hide = true, global = true)]
    pub(crate) bench: bool,
}

/// The other work that the benchmark can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a home, and measure nothing
    MakeHome(MakeHome),
}

/// A home to make.
#[derive(Debug, clap::Args)]
pub(crate) struct MakeHome {
    /// Folder to make; it must be missing, empty, or made by this command before
    pub(crate) dir: PathBuf,

    /// How many threads
    #[arg(long, default_value_t = 1000)]
    threads: usize,

    /// Mean size of a rollout, in KiB
    #[arg(long, default_value_t = 318)]
    mean_kib: u64,

    /// Threads of about 1.5 KiB each, all alike; overrides `--mean-kib`
    #[arg(long)]
    tiny: bool,

    /// Spread of the sizes: the deviation of their logarithms
    #[arg(long)]
    sigma: Option<f64>,

    /// Compress the rollouts
    #[arg(long)]
    zstd: bool,

    /// One more thread, with a line of this many bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    giant_line: u64,

    /// Another seed, another home
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl MakeHome {
    /// Returns the parameters of the home.
    pub(crate) fn spec(&self) -> Spec {
        let Self { zstd, giant_line, seed, .. } = *self;
        let spec =
            if self.tiny { Spec::tiny(self.threads) } else { Spec::new(self.threads, self.mean_kib << 10) };
        Spec { zstd, giant_line, seed, sigma: self.sigma.unwrap_or(spec.sigma), ..spec }
    }
}
