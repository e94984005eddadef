//! Describes the machine and the programs of a measurement, without the name of the host and without paths.

use super::child::version;
use super::yardstick::PROGRAMS;
use std::fs;
use std::path::Path;

/// The machine that a result belongs to.
#[derive(Debug)]
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    memory: String,
    system: String,
}

impl Machine {
    /// Reads the properties of this machine, as far as the system reports them.
    pub(crate) fn this() -> Self {
        let memory =
            field("/proc/meminfo", "MemTotal").and_then(|line| line.split(' ').next()?.parse::<f64>().ok());
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            memory: memory
                .map_or_else(String::new, |kib| format!(", {:.0} GiB of memory", kib / 1024.0 / 1024.0)),
            system: format!("{} {}", std::env::consts::OS, kernel.trim()).trim().to_owned(),
        }
    }

    /// Returns one line for people.
    pub(crate) fn line(&self) -> String {
        format!("{}, {} cores{}, {}", self.cpu, self.cores, self.memory, self.system)
    }

    /// Returns a part of a file name.
    pub(crate) fn slug(&self) -> String {
        let text = format!("{} {} cores", self.cpu, self.cores).to_lowercase();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("-")
    }
}

/// Returns the measured programs and their versions, one line each.
pub(crate) fn programs(ours: &Path) -> Vec<String> {
    let mut lines = vec![version(ours).unwrap_or_else(|| "codex-state, version unknown".to_owned())];
    for program in PROGRAMS {
        lines.push(match version(program) {
            Some(text) => format!("{program} {}", number(&text)),
            None => format!("{program}: not installed"),
        });
    }
    lines
}

/// Finds the version number in the output of `--version`.
fn number(text: &str) -> &str {
    let mut words = text.split([' ', ',']).map(|word| word.trim_start_matches('v'));
    let is_number = |word: &&str| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit());
    words.find(is_number).unwrap_or("of unknown version")
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}
