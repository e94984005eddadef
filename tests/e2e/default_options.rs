//! Tests `CODEX_STATE_OPTS`: each command takes the options that it has, and the command line has precedence.

use crate::env::Env;
use crate::golden;
use crate::outcome::Outcome;

fn run(env: &Env, defaults: &str, args: &[&str]) -> Outcome {
    let mut command = env.command(args);
    command.env("CODEX_STATE_OPTS", defaults);
    env.finish(command)
}

#[test]
fn options_of_the_variable_hold_unless_the_command_line_says_otherwise() {
    let env = golden::filled_by_codex();
    let plain = env.run(["list", "--ids", "-n", "0"]);
    let few = run(&env, "--limit 2 --jobs 1", &["list", "--ids"]);
    few.assert_eq(
        few.stdout.lines().count(),
        2,
        "the default holds, and what list does not know is left out",
    );
    let all = run(&env, "--limit 2", &["list", "--ids", "-n", "0"]);
    all.assert_eq(&all.stdout, &plain.stdout, "the command line wins");
    let json = run(&env, "--format json", &["status"]);
    json.assert(json.json().is_object(), "a global option");
    let csv = run(&env, "--format json", &["--format", "csv", "list"]);
    csv.assert(csv.stdout.starts_with("id,"), "given before the command");
    let quiet = run(&env, "--quiet", &["verify", "--verbose"]);
    quiet.assert(!quiet.stderr.is_empty(), "what the command line rules out");
    let ids = run(&env, "--ids --limit='1'", &["ls"]);
    ids.assert_eq(ids.stdout.lines().count(), 1, "an alias, and words as in a shell");
    run(&env, "", &["list"]).status(0, "empty is unset");
}

#[test]
fn mistakes_in_the_variable_name_it() {
    let env = golden::filled_by_codex();
    for (defaults, says) in [
        ("--fromat json", "CODEX_STATE_OPTS: no such option: --fromat"),
        ("--limit", "CODEX_STATE_OPTS: --limit: the value is missing"),
        ("--limit x", "CODEX_STATE_OPTS: --limit"),
        ("--format yaml", "CODEX_STATE_OPTS: invalid value \"yaml\" for --format"),
        ("'--ids", "CODEX_STATE_OPTS: a quotation mark has no end"),
        ("prune", "CODEX_STATE_OPTS: prune: is not a long option"),
    ] {
        let outcome = run(&env, defaults, &["list"]);
        outcome.status(2, defaults);
        outcome.assert(outcome.stderr.contains(says), says);
        outcome.assert(outcome.stderr.contains("hint: "), "and what to do");
    }
    run(&env, "--fromat json", &["--help"]).status(0, "help is there all the same");
    run(&env, "--fromat json", &["--version"]).status(0, "and the version");
    let help = env.run(["--help"]);
    help.assert(help.stdout.contains("CODEX_STATE_OPTS"), "the variable is in the help");
}
