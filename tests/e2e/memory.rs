//! Tests that memory hardly grows with the number of threads that a command finds or is asked for. The figures for
//! 150,000 threads and for a million are in `benches/`.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::process::Stdio;
use std::time::Duration;

use crate::env::Env;

/// The numbers of rows on which a command runs. Both are so many that results go to temporary files.
const FEW: u32 = 9_000;
const MANY: u32 = 18_000;

/// Returns the most memory that a command held, in KiB. The ids in `ids` are its standard input.
fn peak(env: &Env, args: &[&str], ids: &str) -> u64 {
    let input = env.outside("ids");
    fs::write(&input, ids).unwrap();
    let mut command = env.command(args);
    command.stdin(File::open(&input).unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let (status_file, mut peak) = (format!("/proc/{}/status", child.id()), 0);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let text = fs::read_to_string(&status_file).unwrap_or_default();
        // Until it has its name, the memory is still that of the tests.
        let text = text.strip_prefix("Name:\tcodex-state\n").unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(1));
    };
    // Threads without a rollout are not moved, and are findings.
    assert!(matches!(status.code(), Some(0 | 1)), "{args:?}: {status}");
    peak
}

/// Adds rows up to `n`, whose rollouts are gone.
fn fill(env: &Env, n: u32) {
    env.sql(&format!(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {n}),
           named (n, id) AS (SELECT n, printf('019c0000-0000-7000-8000-%012x', n) FROM number)
         INSERT OR IGNORE INTO threads (id, rollout_path, created_at, updated_at, source, model_provider, cwd, title,
           sandbox_policy, approval_mode)
         SELECT id, '{}/rollout-2026-03-14T10-00-00-' || id || '.jsonl', 1773482400, 1773482400, 'cli', 'openai',
           '/project/' || n % 50, 'a thread of many', '{{\"type\":\"read-only\"}}', 'on-request' FROM named",
        env.path("sessions/2026/03/14")
    ));
}

fn ids(n: u32) -> String {
    (1..=n).map(|n| format!("019c0000-0000-7000-8000-{n:012x}\n")).collect()
}

#[test]
fn a_thread_that_is_found_or_asked_for_takes_few_bytes() {
    let env = Env::new();
    env.database("empty-2026-08");
    fs::create_dir_all(env.path("sessions/2026")).unwrap();
    fs::create_dir_all(env.path("archived_sessions")).unwrap();
    let commands: [(&[&str], u64); 6] = [
        (&["archive", "--dry-run", "-"], 150),
        (&["path", "-"], 150),
        (&["verify", "--quick"], 250),
        (&["verify", "--quick", "--format", "json"], 250),
        (&["prune", "--dry-run", "--all-missing"], 250),
        (&["relink", "--dry-run", "--missing-ok", "/project", "/elsewhere"], 150),
    ];
    compare(&env, &commands, |n| {
        fill(&env, n);
        ids(n)
    });
}

#[test]
fn a_file_that_cannot_be_read_takes_few_bytes() {
    let env = Env::new();
    env.database("empty-2026-08");
    let commands: [(&[&str], u64); 3] =
        [(&["backfill", "--format", "json"], 320), (&["verify"], 250), (&["status"], 150)];
    let mut made = 0;
    compare(&env, &commands, |n| {
        for number in made..n {
            let name = format!("rollout-2026-03-14T10-00-00-019c0000-0000-7000-8000-{number:012x}.jsonl");
            env.write(&format!("sessions/2026/03/14/{name}"), "garbage");
        }
        made = n;
        String::new()
    });
}

/// Fails if one of the commands takes more bytes than its limit for each thread. `make` makes so many threads, and
/// returns the standard input.
fn compare(env: &Env, commands: &[(&[&str], u64)], mut make: impl FnMut(u32) -> String) {
    let mut peaks = |n: u32| -> Vec<u64> {
        let input = make(n);
        commands.iter().map(|(args, _)| peak(env, args, &input)).collect()
    };
    let (few, many) = (peaks(FEW), peaks(MANY));
    for (((args, limit), few), many) in commands.iter().zip(few).zip(many) {
        let bytes = many.saturating_sub(few) * 1024 / u64::from(MANY - FEW);
        println!("{args:?}: {few} KiB, then {many} KiB: {bytes} bytes a thread");
        assert!(bytes <= *limit, "{args:?}: {few} KiB, then {many} KiB: {bytes} bytes a thread");
    }
}
