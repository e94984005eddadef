//! Formats the results as a Markdown table that is readable on a terminal too.

use super::machine::{Machine, programs};
use super::measure::{Outcome, Quartiles};
use super::rows::{Goal, Row};
use std::fmt::Write as _;
use std::path::Path;

/// A row with its result, or with the reason why it failed.
pub(crate) type Line<'a> = (&'a Row, Result<Outcome, String>);

/// Returns the table.
pub(crate) fn table(lines: &[Line<'_>]) -> String {
    let head =
        ["row", "measure", "home", "ours", "yardstick", "ratio (quartiles)", "CPU", "goal", "peak", "result"];
    let mut cells = vec![head.map(str::to_owned), head.map(|_| "---".to_owned())];
    cells.extend(lines.iter().map(|(row, outcome)| line(row, outcome)));
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 10] = std::array::from_fn(width);
    let mut out = String::new();
    for row in &cells {
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(out, "| {cell:<width$} ");
        }
        out.push_str("|\n");
    }
    for (row, outcome) in lines {
        match outcome {
            Ok(outcome) if outcome.note.is_empty() => {}
            Ok(outcome) => _ = writeln!(out, "\n{}: {}", row.name, outcome.note),
            Err(error) => _ = writeln!(out, "\n{}: failed: {error}", row.name),
        }
    }
    out
}

/// Returns the whole document: the machine, the programs, the settings and the table.
pub(crate) fn document(date: &str, machine: &Machine, program: &Path, settings: &str, table: &str) -> String {
    let programs = programs(program).join("; ");
    format!(
        "# Speed, {date}\n\nMachine: {}  \nPrograms: {programs}  \nRuns: {settings}\n\n{table}",
        machine.line()
    )
}

fn line(row: &Row, outcome: &Result<Outcome, String>) -> [String; 10] {
    let text = str::to_owned;
    let Ok(o) = outcome else {
        let empty = String::new;
        let (name, measure) = (text(row.name), text(row.measure));
        let failed = text("FAILED");
        return [name, measure, empty(), empty(), empty(), empty(), empty(), goal(row.goal), empty(), failed];
    };
    let result = match o.met {
        Some(true) => "met",
        Some(false) => "not met",
        None => "unknown",
    };
    [
        text(row.name),
        text(row.measure),
        o.home.clone(),
        o.ours.clone(),
        o.yardstick.clone(),
        o.ratio.map_or_else(String::new, ratio),
        o.cpu_ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        goal(row.goal),
        o.peak_kib.map_or_else(String::new, |kib| format!("{:.1} MiB", kib as f64 / 1024.0)),
        text(result),
    ]
}

fn ratio(ratio: Quartiles) -> String {
    let Quartiles { low, median, high } = ratio;
    format!("{median:.2} ({low:.2} to {high:.2})")
}

fn goal(goal: Goal) -> String {
    match goal {
        Goal::Times(limit, yardstick) => format!("<= {limit} x {yardstick}"),
        Goal::Millis(limit) => format!("<= {limit} ms"),
        Goal::Mib(limit) => format!("<= {limit} MiB"),
    }
}
