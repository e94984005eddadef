//! Measures codex-state against its goals for speed and memory, or makes synthetic homes; see `README.md` here.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its result")]

mod support;

use anyhow::{Context as _, Result, bail};
use clap::Parser as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use support::args::{Args, Command};
use support::homes;
use support::lab::{Lab, bytes, grouped};
use support::machine::Machine;
use support::measure::measure;
use support::pages;
use support::report::{document, table};
use support::rows::{ROWS, Row};

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs the chosen rows, or makes a home. Returns false if a row failed. A missed goal is a result, not a failure.
fn run(args: &Args) -> Result<bool> {
    if let Some(Command::MakeHome(make)) = &args.command {
        let spec = make.spec();
        let size = homes::make(&make.dir, &spec)?;
        println!("{} rollouts, {}, in {}", grouped(size.files), bytes(size.bytes), make.dir.display());
        return Ok(true);
    }
    if args.list {
        for row in &ROWS {
            println!("{}{}", row.name, if row.large { " (needs --large)" } else { "" });
        }
        return Ok(true);
    }
    if !args.bench {
        // `cargo test --all-targets` gets here. It only checks that this builds, and must not measure for minutes.
        println!("nothing measured: run `cargo bench --bench speed`");
        return Ok(true);
    }
    let rows = chosen(args)?;
    let program = args.program.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_codex-state")));
    let mut lab = Lab::new(args, program.clone())?;
    let mut lines = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        eprintln!("{}/{} {}", at + 1, rows.len(), row.name);
        let outcome = measure(&mut lab, row, args.runs).map_err(|error| format!("{error:#}"));
        if let Err(error) = &outcome {
            eprintln!("{}: {error}", row.name);
        }
        lines.push((*row, outcome));
    }
    let table = table(&lines);
    println!("{table}");
    if let Some(file) = &args.save {
        save(args, file.as_deref(), &program, &table)?;
    }
    Ok(lines.iter().all(|(_, outcome)| outcome.is_ok()))
}

/// Returns the named rows, or all rows that the homes allow.
fn chosen(args: &Args) -> Result<Vec<&'static Row>> {
    let names = |row: &Row, name: &str| row.name == name || row.name.starts_with(&format!("{name}-"));
    if let Some(name) = args.rows.iter().find(|name| !ROWS.iter().any(|row| names(row, name))) {
        bail!("no row is called {name} (see --list)");
    }
    let wanted = |row: &&Row| args.rows.is_empty() || args.rows.iter().any(|name| names(row, name));
    let rows: Vec<_> = ROWS.iter().filter(wanted).filter(|row| args.large || !row.large).collect();
    if rows.is_empty() {
        bail!("these rows need homes of gigabytes: add --large");
    }
    Ok(rows)
}

fn save(args: &Args, file: Option<&Path>, program: &Path, table: &str) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "nothing hands a clock to a benchmark")]
    let date = chrono::Utc::now().format("%Y-%m-%d").to_string();
    let machine = Machine::this();
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/results");
    let file = file.map_or_else(|| results.join(format!("{date}-{}.md", machine.slug())), Path::to_path_buf);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let settings =
        format!("{} of each command, interleaved, medians; seed {}; {}", args.runs, args.seed, pages::STATE);
    fs::write(&file, document(&date, &machine, program, &settings, table))
        .with_context(|| format!("cannot write {}", file.display()))?;
    eprintln!("saved {}", file.display());
    Ok(())
}
