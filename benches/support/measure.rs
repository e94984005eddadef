//! Turns a row's plan into numbers: warmed up, interleaved and in pairs; `report` shows them.

use super::child::Invocation;
use super::lab::Lab;
use super::rows::{Goal, Plan, Row};
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// How often a peak of memory is measured. It varies little, and the highest counts.
const PEAK_RUNS: usize = 3;

/// The least processor time of all runs from which a ratio is computed. Less is reported too roughly.
const LEAST_CPU: Duration = Duration::from_millis(200);

/// The result of a row.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The home, for people.
    pub(crate) home: String,
    /// Our figure in the unit of the row.
    pub(crate) ours: String,
    /// The yardstick's figure.
    pub(crate) yardstick: String,
    /// Our time divided by the yardstick's.
    pub(crate) ratio: Option<Quartiles>,
    /// The same ratio for the processor time of all runs.
    pub(crate) cpu_ratio: Option<f64>,
    /// The peak of memory of our command in KiB.
    pub(crate) peak_kib: Option<u64>,
    /// True if the goal is met; `None` without a yardstick.
    pub(crate) met: Option<bool>,
    /// A remark that readers need.
    pub(crate) note: String,
}

/// Median and quartiles of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quartiles {
    /// A quarter of the numbers is below this.
    pub(crate) low: f64,
    /// Half of the numbers is below this.
    pub(crate) median: f64,
    /// Three quarters of the numbers are below this.
    pub(crate) high: f64,
}

impl Quartiles {
    /// Returns the quartiles of `numbers`, which must not be empty.
    pub(crate) fn of(numbers: &[f64]) -> Self {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = part * (sorted.len() - 1) as f64;
            let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        Self { low: at(0.25), median: at(0.5), high: at(0.75) }
    }
}

/// Measures a row.
pub(crate) fn measure(lab: &mut Lab<'_>, row: &Row, runs: u32) -> Result<Outcome> {
    let plan = (row.plan)(lab)?;
    let scratch = lab.scratch();
    match plan {
        Plan::Pair(home, ours, yardstick) => {
            ours.warm_up(scratch)?;
            // If a yardstick does not run here, only the ratio is missing, not our figure.
            let yardstick = yardstick.and_then(|invocation| match invocation.warm_up(scratch) {
                Ok(()) => Ok(invocation),
                Err(error) => Err(format!("{error:#}")),
            });
            let outcome = pair(&ours, yardstick.as_ref(), row.goal, runs, scratch)?;
            Ok(Outcome { home, peak_kib: ours.peak_kib(scratch)?, ..outcome })
        }
        Plan::Peak(home, commands) => {
            // Commands on gigabytes take minutes, and their peaks vary as little.
            let runs = if row.large { 1 } else { PEAK_RUNS };
            Ok(Outcome { home, ..peak(&commands, runs, row.goal, scratch)? })
        }
        Plan::Growth { about, pairs, n } => {
            Ok(Outcome { home: about, ..growth(&pairs, n, row.goal, scratch)? })
        }
        Plan::Steps(home, Some(large), Some(small)) => {
            let ratio = large as f64 / small.max(1) as f64;
            Ok(Outcome {
                home,
                ours: format!("{large} steps"),
                yardstick: format!("{small} steps"),
                ratio: Some(Quartiles::of(&[ratio])),
                met: met(row.goal, ratio, 0.0),
                ..Outcome::default()
            })
        }
        Plan::Steps(home, ..) => {
            Ok(Outcome { home, note: "this sqlite3 does not count steps".into(), ..Outcome::default() })
        }
    }
}

fn pair(
    ours: &Invocation,
    yardstick: Result<&Invocation, &String>,
    goal: Goal,
    runs: u32,
    scratch: &Path,
) -> Result<Outcome> {
    let (mut our_ms, mut their_ms, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut our_cpu, mut their_cpu) = (Some(Duration::ZERO), Some(Duration::ZERO));
    for _ in 0..runs {
        // The two take turns, so that a machine that slows down slows both. This hardly changes a pair's ratio.
        let took = ours.run(scratch)?;
        our_ms.push(took.wall.as_secs_f64() * 1e3);
        our_cpu = our_cpu.zip(took.cpu).map(|(sum, cpu)| sum + cpu);
        if let Ok(yardstick) = yardstick {
            let took = yardstick.run(scratch)?;
            their_ms.push(took.wall.as_secs_f64() * 1e3);
            their_cpu = their_cpu.zip(took.cpu).map(|(sum, cpu)| sum + cpu);
            ratios.push(our_ms[our_ms.len() - 1] / their_ms[their_ms.len() - 1]);
        }
    }
    let cpu = our_cpu.zip(their_cpu).filter(|(_, theirs)| *theirs >= LEAST_CPU);
    let our = Quartiles::of(&our_ms);
    let ratio = (!ratios.is_empty()).then(|| Quartiles::of(&ratios));
    Ok(Outcome {
        ours: millis(our.median),
        yardstick: if their_ms.is_empty() { String::new() } else { millis(Quartiles::of(&their_ms).median) },
        ratio,
        cpu_ratio: cpu.map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64()),
        met: met(goal, ratio.map_or(f64::NAN, |ratio| ratio.median), our.median),
        note: yardstick.err().cloned().unwrap_or_default(),
        ..Outcome::default()
    })
}

fn peak(commands: &[Invocation], runs: usize, goal: Goal, scratch: &Path) -> Result<Outcome> {
    let peaks = commands.iter().map(|command| Ok((command, most_of(command, runs, scratch)?)));
    highest(peaks.collect::<Result<_>>()?, goal)
}

/// Returns the highest of some peaks in KiB, and all of them in the note.
fn highest(peaks: Vec<(&Invocation, Option<u64>)>, goal: Goal) -> Result<Outcome> {
    let most = peaks.iter().filter_map(|(_, kib)| *kib).max();
    let of_each = peaks.into_iter().filter_map(|(command, kib)| {
        // The first four arguments name the home and the database.
        let args: Vec<_> = command.args.iter().skip(4).map(|arg| arg.to_string_lossy()).collect();
        Some(format!("{} {:.1} MiB", args.join(" "), kib? as f64 / 1024.0))
    });
    let which = of_each.collect::<Vec<_>>().join("; ");
    let Some(kib) = most else {
        return Ok(Outcome { note: "this system does not tell".into(), ..Outcome::default() });
    };
    let limit = match goal {
        Goal::Mib(limit) => limit,
        Goal::Times(..) | Goal::Millis(_) => f64::INFINITY,
    };
    Ok(Outcome {
        ours: format!("{:.1} MiB", kib as f64 / 1024.0),
        peak_kib: most,
        met: Some(kib as f64 / 1024.0 <= limit),
        note: which,
        ..Outcome::default()
    })
}

/// Returns the highest peak of some runs.
fn most_of(command: &Invocation, runs: usize, scratch: &Path) -> Result<Option<u64>> {
    (0..runs).try_fold(None, |most: Option<u64>, _| Ok(most.max(command.peak_kib(scratch)?)))
}

/// Computes the peaks on a home that is too large to make, from those on two smaller ones.
fn growth(pairs: &[(Invocation, Invocation)], n: [usize; 3], goal: Goal, scratch: &Path) -> Result<Outcome> {
    let mut peaks = Vec::new();
    for (few, many) in pairs {
        let [small, large] = [most_of(few, PEAK_RUNS, scratch)?, most_of(many, PEAK_RUNS, scratch)?];
        let kib = small.zip(large).map(|(small, large)| {
            let each = large.saturating_sub(small) as f64 / n[1].saturating_sub(n[0]).max(1) as f64;
            large + (each * n[2].saturating_sub(n[1]) as f64) as u64
        });
        peaks.push((many, kib));
    }
    highest(peaks, goal)
}

/// Returns true if a time meets its goal, and `None` if the ratio is not a number.
fn met(goal: Goal, ratio: f64, ours_ms: f64) -> Option<bool> {
    match goal {
        Goal::Times(limit, _) => (!ratio.is_nan()).then_some(ratio <= limit),
        Goal::Millis(limit) => Some(ours_ms <= limit),
        Goal::Mib(_) => None,
    }
}

fn millis(ms: f64) -> String {
    if ms < 100.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}
