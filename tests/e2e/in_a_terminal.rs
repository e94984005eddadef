//! Types commands into a real terminal, and looks at its screen. Needs tmux.

#![cfg(unix)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::env::Env;
use crate::holder::Holder;
use crate::specimen;

/// The time after which a screen that does not show what it should is a failure.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the shell prints before each line.
const PROMPT: &str = "READY>";

/// A terminal in which a shell waits for a line.
struct Terminal<'e> {
    env: &'e Env,
    program: Command,
}

impl<'e> Terminal<'e> {
    /// Opens a terminal so many columns wide. Returns `None`, and says so, if tmux is not installed.
    fn open(env: &'e Env, width: u16) -> Option<Terminal<'e>> {
        if Command::new("tmux").arg("-V").output().is_err() {
            // The test harness captures `eprintln`.
            let _ = writeln!(std::io::stderr(), "skipped: tmux is not installed");
            return None;
        }
        let terminal = Terminal { env, program: env.command(["--version"]) };
        fs::write(terminal.start_up(), format!("PS1='{PROMPT} '\n")).unwrap();
        let width = width.to_string();
        terminal.tmux(&["new-session", "-d", "-x", &width, "-y", "24", "sh"]);
        terminal.see(|screen| screen.contains(PROMPT));
        Some(terminal)
    }

    /// Returns the path of the file that the shell reads first.
    fn start_up(&self) -> PathBuf {
        self.env.outside("tmp").join("start-up")
    }

    /// Gives a command to the server of this terminal, and returns what it prints.
    fn tmux(&self, arguments: &[&str]) -> String {
        let folder = Path::new(self.program.get_program()).parent().unwrap();
        let mut command = Command::new("tmux");
        command.args(["-f", "/dev/null", "-u", "-S"]).arg(self.env.outside("tmp").join("terminal"));
        command.args(arguments).env_clear().current_dir(self.program.get_current_dir().unwrap());
        command.envs(self.program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        #[expect(clippy::disallowed_methods, reason = "what the system itself needs to start a program")]
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = vec![folder.to_owned()];
        folders.extend(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(folders).unwrap());
        command.env("ENV", self.start_up()).env("LC_ALL", "C.UTF-8").env("TERM", "screen-256color");
        command.env_remove("COLUMNS");
        let output = command.output().unwrap();
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns all lines since the start, as the screen shows them.
    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-S", "-"])
    }

    /// Waits until the screen is as wanted, and returns it.
    #[track_caller]
    fn see(&self, wanted: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(begun.elapsed() < PATIENCE, "the screen after {PATIENCE:?}:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types a line and the Enter key.
    fn type_line(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Types a line, and returns the screen once the shell waits for the next one.
    #[track_caller]
    fn run(&self, line: &str) -> String {
        let prompts = self.screen().matches(PROMPT).count();
        self.type_line(line);
        self.see(|screen| screen.matches(PROMPT).count() > prompts)
    }

    fn resize(&self, width: u16) {
        self.tmux(&["resize-window", "-x", &width.to_string()]);
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// Fails if a progress bar or a part of one is on the screen.
#[track_caller]
fn assert_no_bar(screen: &str) {
    let is_bar = |line: &str| line.contains('█') || line.contains("ing rollouts");
    assert!(!screen.lines().any(is_bar), "a bar is left:\n{screen}");
}

/// Returns a home in which a row is missing, and a program that keeps the database for itself: `backfill` waits for it, and
/// shows its bar.
fn waiting() -> (Env, Holder) {
    let env = specimen::filled("empty-2026-08");
    env.sql("DELETE FROM threads WHERE id = (SELECT min(id) FROM threads)");
    let holder = Holder::new(&env.db(), "BEGIN IMMEDIATE");
    (env, holder)
}

const WAITING: &str = "codex-state --busy-timeout 60 backfill --no-backup";

#[test]
fn a_bar_leaves_nothing_behind_when_the_window_narrows() {
    let (env, holder) = waiting();
    let Some(terminal) = Terminal::open(&env, 120) else { return };
    for n in 0..12 {
        terminal.run(&format!(": a line above, {n}"));
    }
    terminal.type_line(WAITING);
    let is_drawn = |width: usize| {
        move |screen: &str| screen.lines().any(|line| line.contains('█') && line.chars().count() <= width)
    };
    for width in [120, 60, 40, 30, 100] {
        terminal.resize(width);
        terminal.see(is_drawn(width.into()));
    }
    assert_eq!(terminal.screen().matches("reading rollouts").count(), 1, "{}", terminal.screen());
    holder.release();
    let screen =
        terminal.see(|screen| screen.contains("1 row inserted") && screen.trim_end().ends_with(PROMPT));
    assert_no_bar(&screen);
    assert!(screen.contains("a line above, 11"), "no line of before is gone:\n{screen}");
}

#[test]
fn a_bar_in_the_first_line_of_a_window_fills_no_history() {
    let (env, holder) = waiting();
    let Some(terminal) = Terminal::open(&env, 80) else { return };
    terminal.type_line(&format!("printf '\\033[H\\033[2J'; {WAITING}"));
    terminal.see(|screen| screen.contains("KiB/s"));
    holder.release();
    let screen = terminal.see(|screen| screen.contains("1 row inserted"));
    assert_no_bar(&screen);
}

#[test]
fn a_deleted_database_is_back_after_three_lines_at_80_columns() {
    let env = specimen::filled("empty-2026-08");
    let n_threads = env.rows().len();
    fs::remove_file(env.db()).unwrap();
    fs::remove_dir_all(env.home().join("codex-state-backups")).ok();
    let Some(terminal) = Terminal::open(&env, 80) else { return };
    let status = terminal.run("codex-state status");
    assert!(status.contains("next: codex-state backfill"), "{status}");
    let verify = terminal.run("codex-state verify");
    assert!(verify.contains("codex-state backfill"), "{verify}");
    let screen = terminal.run("codex-state backfill");
    assert!(screen.contains("Codex now shows "), "{screen}");
    assert!(screen.contains(&format!(" of your {n_threads} threads")), "{screen}");
    assert_no_bar(&screen);
}
