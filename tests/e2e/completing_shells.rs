//! Tests the shipped completion scripts in their shells: options, values, and ids of threads with titles.

#![cfg(unix)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::env::Env;
use crate::outcome::Outcome;
use crate::specimen::{self, ARCHIVED, LEGACY};

/// Calls the function that the script registered, as bash does after a Tab, and prints its candidates.
const BASH: &str = r#"
source "$SCRIPT"
[[ $(complete -p codex-state) =~ -F\ ([^ ]+) ]] || exit 9
COMP_WORDS=( "$@" )
COMP_CWORD=$(( $# - 1 ))
COMP_TYPE=63
COLUMNS=200
"${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

/// Starts an interactive shell in a pseudo-terminal. Its line editor completes the line and records the candidates.
const ZSH: &str = r#"
cat > $PWD/inner.zsh <<'INNER'
fpath=($SCRIPT:h $fpath)
autoload -Uz compinit
compinit -u -D
compadd() {
    if (( ! ${@[(I)-[OAD]]} )); then
        local -a hits lines
        builtin compadd -O hits "$@"
        local place=${@[(I)-(ld|d)]}
        (( place )) && lines=("${(@P)@[place + 1]}")
        print -rl -- $hits $lines >> $PWD/offered
    fi
    builtin compadd "$@"
}
note() { _main_complete }
zle -C note complete-word note
zle-line-init() {
    BUFFER=$LINE
    CURSOR=$#BUFFER
    zle note
    touch $PWD/done
}
zle -N zle-line-init
INNER
touch $PWD/offered
export LINE="$*"
zmodload zsh/zpty
zpty -b shell "zsh -f -i"
zpty -w shell "source $PWD/inner.zsh"
for _ in {1..200}; do
    [[ -e $PWD/done ]] && break
    sleep 0.1
done
zpty -d shell
cat $PWD/offered
"#;

/// Lets fish complete the command line.
const FISH: &str = r#"source $SCRIPT; complete --do-complete (string join ' ' -- $argv)"#;

/// Elvish has its editor only in a terminal: this stand-in prints what the script offers.
const ELVISH: &str = r#"
var completion: = (ns [&arg-completer=[&]])
fn candidate {|text &display=''| echo $display }
var edit: = (ns [&completion:=$completion: &complex-candidate~=$candidate~])
eval &ns=(ns [&edit:=$edit:]) (slurp < $E:SCRIPT) &on-end={|scope|
    $edit:completion:arg-completer[codex-state] $@args
}
"#;

/// Returns the path of the script that the project ships for a shell.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(name)
}

/// Returns a shell with arguments that keep the user's settings out, or `None`, with a message, if it is not
/// installed.
fn shell(program: &str, arguments: &[&str]) -> Option<Command> {
    let mut command = Command::new(program);
    command.args(arguments);
    if Command::new(program).arg("--version").output().is_ok() {
        return Some(command);
    }
    // The test harness captures `eprintln`.
    let _ = writeln!(std::io::stderr(), "skipped: {program} is not installed");
    None
}

/// Returns what a shell offers for the last word of a command line.
fn offered(env: &Env, shell: Option<Command>, script: &Path, words: &[&str]) -> Option<Outcome> {
    let mut command = shell?;
    let run = env.command::<_, &str>([]);
    command.args(words).env_clear().current_dir(env.outside("shell/x").parent().unwrap());
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let built = Path::new(run.get_program()).parent().unwrap().to_str().unwrap();
    #[expect(clippy::disallowed_methods, reason = "where the shell finds its own tools")]
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{built}:{path}")).env("SCRIPT", script).env("TERM", "xterm");
    command.env("LANG", "C.UTF-8");
    // fish creates folders there.
    command
        .env("XDG_CONFIG_HOME", env.outside("shell/config"))
        .env("XDG_DATA_HOME", env.outside("shell/data"));
    let _ = fs::remove_file(env.outside("shell/offered"));
    let _ = fs::remove_file(env.outside("shell/done"));
    let outcome = env.finish(command);
    outcome.assert_eq(outcome.stderr.as_str(), "", "no word between two keys");
    Some(outcome)
}

/// Returns the first word of each line, which the shell would insert into the command line.
fn candidates(outcome: &Outcome) -> Vec<&str> {
    outcome.stdout.lines().filter_map(|line| line.split([' ', '\t']).next()).collect()
}

/// Checks what every shell must offer.
fn check(offer: &dyn Fn(&Env, &[&str]) -> Option<Outcome>) {
    let env = specimen::filled("empty-2026-08");
    let before = env.tree();
    for (words, expected) in [
        (&["ver"][..], &["verify"][..]),
        (&["list", "--so"], &["--sort", "--source"]),
        (&["list", "--sort", "c"], &["created"]),
        (&["--format", "js"], &["json", "jsonl"]),
        (&["--no-progress", "backfill", "--times", "m"], &["mtime"]),
        (&["completions", "f"], &["fish"]),
        (&["help", "unarch"], &["unarchive"]),
        (&["show", "--comp"], &["--compare"]),
    ] {
        let words: Vec<&str> = ["codex-state"].iter().chain(words).copied().collect();
        let Some(outcome) = offer(&env, &words) else { return };
        for word in expected {
            outcome.assert(candidates(&outcome).contains(word), format_args!("{word} is offered"));
        }
        let wrong = candidates(&outcome).into_iter().find(|word| !word.starts_with(words.last().unwrap()));
        outcome.assert_eq(wrong, None, "only what begins so");
    }
    let ids = env.rows().len();
    let is_id = |word: &&str| word.len() == 36;
    for command in ["show", "path", "archive", "unarchive", "prune", "backfill", "verify"] {
        let Some(outcome) = offer(&env, &["codex-state", command, "20260303"]) else { return };
        outcome.assert(candidates(&outcome).contains(&ARCHIVED), format_args!("{command}: the one thread"));
    }
    let database = env.db();
    for words in [&["show", ""][..], &["--db", database.to_str().unwrap(), "show", ""]] {
        let words: Vec<&str> = ["codex-state"].iter().chain(words).copied().collect();
        let Some(outcome) = offer(&env, &words) else { return };
        let mut found: Vec<&str> = candidates(&outcome).into_iter().filter(is_id).collect();
        found.sort_unstable();
        found.dedup();
        outcome.assert_eq(found.len(), ids, "every thread of the database");
        let titled = outcome.stdout.lines().find(|line| line.contains("legacy words"));
        outcome.assert(titled.is_some_and(|line| line.contains(LEGACY)), "an id with its title");
    }
    assert_eq!(before.difference(&env.tree()), "", "completing is reading");
}

#[test]
fn bash_completes_options_values_and_threads() {
    check(&|env, words| {
        let shell = shell("bash", &["--noprofile", "--norc", "-c", BASH, "bash"]);
        offered(env, shell, &script("codex-state.bash"), words)
    });
}

#[test]
fn bash_completes_what_only_bash_splits() {
    let env = specimen::filled("empty-2026-08");
    let offer = |words: &[&str]| {
        let shell = shell("bash", &["--noprofile", "--norc", "-c", BASH, "bash"]);
        let outcome = offered(&env, shell, &script("codex-state.bash"), words);
        outcome.map(|outcome| outcome.stdout.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let Some(values) = offer(&["codex-state", "list", "--sort", "=", "cr"]) else { return };
    assert_eq!(values, ["created"], "bash takes --sort=cr for three words");
    assert_eq!(offer(&["codex-state", "list", "--columns", "id,titl"]).unwrap(), ["id,title"]);
    let database = env.db();
    let named = ["codex-state", "--db", "=", database.to_str().unwrap(), "show", "20260303"];
    assert_eq!(offer(&named).unwrap(), [ARCHIVED], "a single thread comes without its title");
    let commands = offer(&["codex-state", ""]).unwrap();
    assert!(commands.contains(&"status".to_owned()), "{commands:?}");
    assert!(!commands.iter().any(|word| word.starts_with('-')), "options come after a hyphen: {commands:?}");
}

#[test]
fn zsh_completes_options_values_and_threads() {
    check(&|env, words| {
        offered(env, shell("zsh", &["-f", "-c", ZSH, "zsh"]), &script("_codex-state"), words)
    });
}

#[test]
fn fish_completes_options_values_and_threads() {
    check(&|env, words| {
        let shell = shell("fish", &["--no-config", "-c", FISH]);
        offered(env, shell, &script("codex-state.fish"), words)
    });
}

#[test]
fn elvish_completes_options_values_and_threads() {
    check(&|env, words| {
        let shell = shell("elvish", &["-norc", "-c", ELVISH]);
        offered(env, shell, &script("codex-state.elv"), words)
    });
}

#[test]
fn powershell_parses_its_script() {
    let text = fs::read_to_string(script("_codex-state.ps1")).unwrap();
    assert_eq!(open_brackets(&text), Ok(Vec::new()), "every bracket and quote is closed");
    let env = Env::new();
    let parse = "$errors = $null; [void][System.Management.Automation.Language.Parser]::ParseFile(\
                 $args[0], [ref]$null, [ref]$errors); $errors; exit $errors.Count";
    let Some(mut command) = shell("pwsh", &["-NoProfile", "-CommandWithArgs", parse]) else { return };
    command.arg(script("_codex-state.ps1"));
    env.finish(command).status(0, "it parses");
}

/// Returns the brackets that a PowerShell script leaves open, or the offset of one that closes nothing. A quote
/// inside single quotes is doubled, which closes and reopens them.
fn open_brackets(script: &str) -> Result<Vec<char>, usize> {
    let mut open = Vec::new();
    for (at, c) in script.char_indices() {
        match (open.last(), c) {
            (Some('\''), '\'') | (Some('('), ')') | (Some('['), ']') | (Some('{'), '}') => {
                open.pop();
            }
            (Some('\''), _) => {}
            (_, '\'' | '(' | '[' | '{') => open.push(c),
            (_, ')' | ']' | '}') => return Err(at),
            _ => {}
        }
    }
    Ok(open)
}

/// Installs the script of the shell that `SHELL` names.
fn install(env: &Env, shell: &str, more: &[&str]) -> Outcome {
    let mut command = env.command(["completions", "--install"].iter().chain(more));
    command.env("SHELL", format!("/usr/bin/{shell}"));
    env.finish(command)
}

#[test]
fn a_script_is_installed_where_the_shell_looks_for_it() {
    for (shell, file, shipped, next) in [
        ("bash", ".local/share/bash-completion/completions/codex-state", "codex-state.bash", "~/.bashrc"),
        ("fish", ".config/fish/completions/codex-state.fish", "codex-state.fish", "new shells"),
        ("zsh", ".zfunc/_codex-state", "_codex-state", "fpath=(~/.zfunc $fpath)"),
    ] {
        let env = Env::new();
        let path = env.home().parent().unwrap().join(file);
        let dry = install(&env, shell, &["--dry-run"]);
        dry.status(0, "a dry run").assert(!path.exists(), "nothing is written");
        dry.assert_eq(dry.stdout.clone(), format!("{}: would be written\n", path.display()), "where");
        let done = install(&env, shell, &[]);
        done.status(0, "installed").assert(done.stderr.contains(next), "what is left to do");
        done.assert_eq(done.stdout.clone(), format!("{}: written\n", path.display()), "where");
        let installed = fs::read(&path).unwrap();
        done.assert(installed == fs::read(script(shipped)).unwrap(), "the script that is shipped");
        let again = install(&env, shell, &[]);
        again.assert_eq(again.stdout.clone(), format!("{}: is current\n", path.display()), "nothing to do");

        // A script of an earlier version.
        let text = String::from_utf8(installed).unwrap();
        fs::write(&path, text.replace("--no-progress", "--some-old-option")).unwrap();
        install(&env, shell, &[]).status(0, "its own file is replaced");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);

        fs::write(&path, "# my own completions of codex-state\n").unwrap();
        install(&env, shell, &[]).trouble("codex-state did not write this file");
        assert_eq!(fs::read_to_string(&path).unwrap(), "# my own completions of codex-state\n");
    }
}

#[test]
fn the_folders_of_the_user_are_respected() {
    let env = Env::new();
    for (shell, variable, file) in [
        ("bash", "XDG_DATA_HOME", "bash-completion/completions/codex-state"),
        ("fish", "XDG_CONFIG_HOME", "fish/completions/codex-state.fish"),
        ("zsh", "ZDOTDIR", ".zfunc/_codex-state"),
    ] {
        let folder = env.outside(&format!("folders/{shell}"));
        let mut command = env.command(["completions", shell, "--install"]);
        command.env(variable, &folder);
        env.finish(command).status(0, "named by its argument");
        assert!(folder.join(file).is_file(), "{variable}");
        let mut command = env.command(["completions", shell, "--install", "--dry-run"]);
        command.env(variable, "relative");
        let outcome = env.finish(command);
        let is_below_home = outcome.stdout.contains(env.home().parent().unwrap().to_str().unwrap());
        outcome.assert(is_below_home || shell == "zsh", "a relative path counts as unset");
    }
    let folder = env.outside("folders/zsh");
    fs::write(folder.join(".zshrc"), "fpath=(~/.zfunc $fpath)\n").unwrap();
    let mut command = env.command(["completions", "zsh", "--install"]);
    command.env("ZDOTDIR", &folder);
    let outcome = env.finish(command);
    outcome.assert(!outcome.stderr.contains("add to"), "the settings name the folder already");
}

#[test]
fn where_no_folder_is_looked_in_the_line_to_add_is_said() {
    let env = Env::new();
    for (shell, line) in [("elvish", "slurp"), ("pwsh", "Invoke-Expression")] {
        let outcome = install(&env, shell, &[]);
        outcome.status(1, "nothing was installed");
        outcome.assert(outcome.stderr.contains(line), "what to add");
    }
    install(&env, "tcsh", &[]).trouble("/usr/bin/tcsh");
    env.run(["completions", "--install"]).trouble("SHELL is not set");
    env.run(["completions"]).trouble("SHELL");
    env.run(["completions", "bash", "--dry-run"]).trouble("--install");
}
