//! `codex-state completions`: prints the completion script of a shell, or installs it where the shell looks for it.

use crate::cli::commands::{App, output_file};
use crate::cli::line::completions::{is_ours, script};
use crate::cli::line::env::Environment;
use crate::cli::line::{Exit, args};
use crate::cli::output::text;
use crate::error::{WithHint as _, shell_word};
use crate::output_file::{explain, make_folder};
use crate::sys::{Links, open_regular};
use anyhow::{Context as _, anyhow};
use clap_complete::Shell;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Maximum number of bytes read from a file in the way, or from the settings of a shell.
const MAX_READ: u64 = 1 << 20;

/// Runs the command.
///
/// # Errors
/// If the output cannot be written, the shell is unknown, or a file of another program is in the way.
pub fn run(app: &mut App, arguments: &args::CompletionsArgs) -> anyhow::Result<Exit> {
    if arguments.install {
        let shell = arguments.shell.map_or_else(|| shell_of_user(&app.environment), Ok)?;
        return install(app, shell, arguments.dry_run);
    }
    let shell = arguments.shell.context("no shell was named")?;
    app.out.write_all(script(shell).as_bytes())?;
    Ok(Exit::Done)
}

/// Returns the shell in `SHELL`; without it, on Windows, PowerShell.
fn shell_of_user(environment: &Environment) -> anyhow::Result<Shell> {
    const HINT: &str = "name the shell: codex-state completions bash --install";
    let Some(path) = environment.var("SHELL") else {
        return if cfg!(windows) {
            Ok(Shell::PowerShell)
        } else {
            Err(anyhow!("SHELL is not set").hint(HINT))
        };
    };
    Shell::from_shell_path(path)
        .ok_or_else(|| anyhow!("no completion script for the shell {}", path.display()).hint(HINT))
}

fn install(app: &mut App, shell: Shell, is_dry_run: bool) -> anyhow::Result<Exit> {
    let Some(path) = place(&app.environment, shell)? else {
        app.messages
            .fail(&format!("{shell} looks in no folder for completion scripts: nothing was installed"));
        app.messages.hint(to_add(shell));
        return Ok(Exit::Not);
    };
    let script = script(shell);
    let is_current = match read(&path) {
        Ok(found) if found == script.as_bytes() => true,
        Ok(found) if found.is_empty() || is_ours(shell, &String::from_utf8_lossy(&found)) => false,
        Ok(_) => return Err(in_the_way(shell, &path)),
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(explain(error, &format!("cannot read {}", path.display()))),
    };
    if !is_current && !is_dry_run {
        write(app, &path, &script)?;
    }
    let done = match (is_current, is_dry_run) {
        (true, _) => "is current",
        (false, true) => "would be written",
        (false, false) => "written",
    };
    writeln!(app.out, "{}: {done}", text::path(&path))?;
    if let Some(next) = next_step(&app.environment, shell, &path) {
        app.messages.say(&next);
    }
    Ok(Exit::Done)
}

/// Reads a file, up to a size far beyond that of a script.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open_regular(path, Links::Follow)?.take(MAX_READ).read_to_end(&mut content)?;
    Ok(content)
}

fn write(app: &App, path: &Path, script: &str) -> anyhow::Result<()> {
    path.parent().map_or(Ok(()), make_folder)?;
    output_file(app, path)?.write(script.as_bytes())
}

fn in_the_way(shell: Shell, path: &Path) -> anyhow::Error {
    anyhow!("{}: codex-state did not write this file, so it stays", path.display())
        .hint(format!("codex-state completions {shell} prints the script, for a file of your choice"))
}

/// Returns the file in which the shell looks for completions of `codex-state`; `None` if it looks in no folder.
fn place(environment: &Environment, shell: Shell) -> anyhow::Result<Option<PathBuf>> {
    let home = || {
        let home = environment.home_dir.as_deref();
        home.ok_or_else(|| {
            anyhow!("your home folder is not known").hint("set HOME, or redirect the output to a file")
        })
    };
    // A relative path in these variables counts as unset, according to the XDG specification.
    let set = |name| environment.var(name).map(Path::new).filter(|path| path.is_absolute());
    let or_below = |variable, default| match set(variable) {
        Some(folder) => Ok(folder.to_owned()),
        None => home().map(|home| home.join(default)),
    };
    Ok(Some(match shell {
        Shell::Bash => {
            or_below("XDG_DATA_HOME", ".local/share")?.join("bash-completion/completions/codex-state")
        }
        Shell::Fish => or_below("XDG_CONFIG_HOME", ".config")?.join("fish/completions/codex-state.fish"),
        Shell::Zsh => or_below("ZDOTDIR", "")?.join(".zfunc/_codex-state"),
        _ => return Ok(None),
    }))
}

/// Returns what the user must do so that the shell reads the script, if anything.
fn next_step(environment: &Environment, shell: Shell, path: &Path) -> Option<String> {
    match shell {
        Shell::Bash => Some(format!(
            "new shells read it if the package bash-completion is installed; if not, add to ~/.bashrc: source {}",
            shell_word(path)
        )),
        Shell::Fish => Some("new shells read it".to_owned()),
        Shell::Zsh => {
            let folder = path.parent()?;
            let settings = folder.parent()?.join(".zshrc");
            if read(&settings).is_ok_and(|text| String::from_utf8_lossy(&text).contains(".zfunc")) {
                return Some(format!("new shells read it, because {} names the folder", settings.display()));
            }
            let in_home = environment.home_dir.as_deref().is_some_and(|home| home.join(".zfunc") == folder);
            let word = if in_home { "~/.zfunc".to_owned() } else { shell_word(folder) };
            Some(format!(
                "add to {}: fpath=({word} $fpath); autoload -Uz compinit; compinit",
                settings.display()
            ))
        }
        _ => None,
    }
}

/// Returns what to add to the settings of a shell that looks in no folder.
fn to_add(shell: Shell) -> &'static str {
    match shell {
        Shell::Elvish => "add to ~/.config/elvish/rc.elv: eval (codex-state completions elvish | slurp)",
        _ => {
            "add to the file that $PROFILE names: codex-state completions powershell | Out-String | Invoke-Expression"
        }
    }
}
