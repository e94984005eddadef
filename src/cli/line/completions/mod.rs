//! Generates the completion scripts of the shells from the definition of the arguments. It does not write them to
//! files.

use crate::cli::line::args::{Cli, NAME};
use clap::CommandFactory as _;
use clap_complete::Shell;

/// All shells that have a script, with the file name for its installation.
pub const SHELLS: [(Shell, &str); 5] = [
    (Shell::Bash, "codex-state.bash"),
    (Shell::Elvish, "codex-state.elv"),
    (Shell::Fish, "codex-state.fish"),
    (Shell::PowerShell, "_codex-state.ps1"),
    (Shell::Zsh, "_codex-state"),
];

/// The id of the arguments that are threads.
pub(in crate::cli) const THREADS: &str = "threads";

/// Returns the script of `shell`: the output of `clap_complete`, with completion of thread ids if the shell can show
/// them.
pub fn script(shell: Shell) -> String {
    let mut generated = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut generated);
    let generated = String::from_utf8_lossy(&generated);
    match shell {
        Shell::Bash => first_line(shell) + &bash(&generated),
        // zsh reads the first line to see what the script completes.
        Shell::Zsh => zsh(&generated.replacen('\n', &format!("\n{}", first_line(shell)), 1)),
        Shell::Fish => first_line(shell) + &fish(&generated),
        // The generated script completes neither values nor the words after an option.
        Shell::Elvish => first_line(shell) + include_str!("script.elv"),
        // Windows PowerShell reads text that is not ASCII in the encoding of the console.
        _ => first_line(shell) + &generated.replace('…', "..."),
    }
}

/// Returns true if a file contains a script of `shell` that this program wrote, in this version or an earlier one.
pub fn is_ours(shell: Shell, content: &str) -> bool {
    let start = match shell {
        Shell::Bash => "_codex__state() {",
        Shell::Fish => "# Print an optspec for argparse to handle cmd's options",
        Shell::Zsh => "#compdef codex-state\n\nautoload -U is-at-least\n\n_codex-state() {",
        _ => return false,
    };
    let marked = first_line(shell);
    content.split_inclusive('\n').take(2).any(|line| line == marked) || content.starts_with(start)
}

/// Returns the line by which a script is recognised later.
fn first_line(shell: Shell) -> String {
    format!("# Completion for {shell}, written by: codex-state completions {shell}\n")
}

/// Corrects the output of `clap_complete` for a program with a hyphen in its name: the names that it sets
/// (`codex__state__subcmd__list`) differ from those that it looks up (`codex__subcmd__state__subcmd__list`). Adds
/// completion of thread ids.
fn bash(generated: &str) -> String {
    let mended = generated.replace("codex__subcmd__state", "codex__state");
    let (functions, registration) = mended.rsplit_once("\nif [[").unwrap_or((&mended, ""));
    let registration = registration.replace("-F _codex__state ", "-F _codex_state ");
    format!("{functions}{}\nif [[{registration}", with_commands(include_str!("threads.bash"), "|"))
}

/// Lets the value of an option be completed before the command; the generated script gives up there because the value
/// is missing. Adds completion of argument values and thread ids.
fn fish(generated: &str) -> String {
    const PARSE: &str = "argparse -s (__fish_codex_state_global_optspecs) -- $cmd 2>/dev/null\n    or ";
    let with_value = PARSE.replace("$cmd", "$cmd value");
    let mut script = generated.replacen(PARSE, &format!("{PARSE}{with_value}"), 1);
    // After "help", the word "help" was already seen, which suppressed the names of commands.
    script = script.replace(" help\" -f -a ", "\" -f -a ");
    // The generated script also lacks the values of arguments without an option.
    for command in Cli::command().get_subcommands() {
        let values = command.get_positionals().flat_map(|argument| argument.get_possible_values());
        let values: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
        if !values.is_empty() {
            let (name, values) = (command.get_name(), values.join(" "));
            script += &format!(
                "complete -c {NAME} -n \"__fish_codex_state_using_subcommand {name}\" -f -a \"{values}\"\n"
            );
        }
    }
    script + &with_commands(include_str!("threads.fish"), " ")
}

/// Lets a function complete thread arguments; it needs the words as they were typed.
fn zsh(generated: &str) -> String {
    const BODY: &str = "\n_codex-state() {\n";
    let keeps_words = format!(
        "{BODY}    local -a codex_state_words=(\"${{(@Q)words[1,CURRENT-1]}}\")\n    \
         codex_state_words=(\"${{(@)codex_state_words/#\\~\\//$HOME/}}\")\n"
    );
    let mut script = String::new();
    for line in generated.replacen(BODY, &keeps_words, 1).split_inclusive('\n') {
        let is_thread = line.starts_with("'*::threads -- ");
        script +=
            &if is_thread { line.replace(":_default'", ":_codex-state_threads'") } else { line.to_owned() };
    }
    let (functions, call) = script.rsplit_once("\nif [ ").unwrap_or((&script, ""));
    format!("{functions}{}\nif [ {call}", include_str!("threads.zsh"))
}

/// Inserts the commands that take threads into a part of a script.
fn with_commands(part: &str, separator: &str) -> String {
    let program = Cli::command();
    let takes_threads =
        |command: &&clap::Command| command.get_positionals().any(|argument| argument.get_id() == THREADS);
    let names: Vec<&str> =
        program.get_subcommands().filter(takes_threads).map(clap::Command::get_name).collect();
    part.replace("THREAD_COMMANDS", &names.join(separator))
}
