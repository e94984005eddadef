//! The command line: the only part that uses arguments, streams, terminals, the environment and the clock.

pub mod line;

pub mod output;

pub mod commands;

use crate::archive::Direction;
use crate::error::WithHint as _;
use commands::app::App;
use commands::place::output_file;
use commands::{
    archive, backfill, backup, complete, completions, damaged, list, man, path, prune, rebuild, relink,
    restore, show, status, verify,
};
use line::args::{Cli, Command};
use line::env::{Environment, OPTIONS, default_options};
use line::exit::Exit;
use line::{defaults, interrupt, read, usage};
use output::metrics::Metrics;
use output::{error, lines, stdout, style};
use std::ffi::OsString;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs the program with these arguments (the first is its name). Returns its exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(exit) = complete::answer(&arguments) {
        return exit;
    }
    let (mut app, command) = match begin(arguments) {
        Ok(begun) => begun,
        Err(exit) => return exit,
    };
    let result = run_command(&mut app, &command);
    let result = result.and_then(|exit| Ok(app.out.flush().map(|()| exit)?));
    let result =
        if crate::sys::ran_out_of_files() { result.and_then(|_| Err(out_of_files())) } else { result };
    let result = if app.out.get_ref().failed() { result.hint(stdout::ADVICE) } else { result };
    write_metrics(&app, result).unwrap_or_else(|error| end_with(&app, &error))
}

/// Parses the arguments and sets up the run. If that fails, or help was requested, prints that and returns the exit
/// status.
fn begin(arguments: Vec<OsString>) -> Result<(App, Command), Exit> {
    let cli = read::read(&arguments).map_err(|error| match usage::mistake(&error, &arguments) {
        Some(mistake) => fail(&mistake),
        None => print_help(&error),
    })?;
    let cli = with_defaults(cli, &arguments).map_err(|error| fail(&error))?;
    interrupt::outlive_file_limits();
    let interrupted = Arc::new(AtomicBool::new(false));
    // Fast commands install the Ctrl-C handler only when they turn out slow.
    if !matches!(cli.command, Command::List(_) | Command::Show(_) | Command::Path(_)) {
        interrupt::listen(&interrupted);
    }
    let environment = Environment::from_process().map_err(|error| fail(&error))?;
    let mut app = App::new(environment, cli.global, interrupted);
    app.typed = arguments.into_iter().skip(1).collect();
    // Checked before any work: an output that cannot be written would make the work useless, and a wrong path might
    // be a file that the work needs.
    let metrics = app.global.metrics.as_deref().map(|path| output_file(&app, path)).transpose();
    app.metrics = Metrics::to(metrics.map_err(|error| {
        app.messages.error(&error);
        Exit::Trouble
    })?);
    Ok((app, cli.command))
}

fn run_command(app: &mut App, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Backfill(arguments) => backfill::run(app, arguments),
        Command::Archive(arguments) => archive::run(app, Direction::Archive, &arguments.moving),
        Command::Unarchive(arguments) => archive::run(app, Direction::Unarchive, &arguments.moving),
        Command::Relink(arguments) => relink::run(app, arguments),
        Command::Rebuild(arguments) => rebuild::run(app, arguments),
        Command::Prune(arguments) => prune::run(app, arguments),
        Command::Verify(arguments) => verify::run(app, arguments),
        Command::List(arguments) => list::run(app, arguments),
        Command::Show(arguments) => show::run(app, arguments),
        Command::Path(arguments) => path::run(app, arguments),
        Command::Status(arguments) => status::run(app, arguments),
        Command::Backup(arguments) => backup::run(app, arguments),
        Command::Restore(arguments) => restore::run(app, arguments),
        Command::Completions(arguments) => completions::run(app, arguments),
        Command::Man(arguments) => man::run(app, arguments).map(|()| Exit::Done),
    }
}

/// Prints the error that ended a command.
fn end_with(app: &App, error: &anyhow::Error) -> Exit {
    app.messages.error(error);
    if let Some(hint) = damaged::second_way(app, error) {
        app.messages.hint(&hint);
    }
    if app.interrupted.load(Ordering::Relaxed) && !crate::sys::ran_out_of_files() {
        Exit::Interrupted
    } else {
        Exit::Trouble
    }
}

/// Parses the command line again with the options of `CODEX_STATE_OPTS`, if it has any.
fn with_defaults(cli: Cli, arguments: &[OsString]) -> anyhow::Result<Cli> {
    let Some(text) = default_options()? else { return Ok(cli) };
    let longer = defaults::add(arguments, &text)?;
    read::read(&longer).map_err(|error| {
        usage::mistake(&error, &longer).unwrap_or_else(|| anyhow::anyhow!("{error}")).context(OPTIONS)
    })
}

/// Returns the error for a run that could not open its files; its results are meaningless.
fn out_of_files() -> anyhow::Error {
    anyhow::anyhow!("too many open files: not all could be opened, so the work was stopped")
        .hint("raise the limit, as with ulimit -n 1024, and run it again")
}

/// Prints an error when no command line was parsed yet that says how.
fn fail(error: &anyhow::Error) -> Exit {
    // If standard error is closed, no one wants the message.
    let _ = lines::print_to_stderr(|out| error::print(error, out, style::of_errors(), &str::to_owned));
    Exit::Trouble
}

/// Prints clap's help or version.
fn print_help(help: &clap::Error) -> Exit {
    match help.print().and_then(|()| std::io::stdout().flush()) {
        Err(error) if !crate::sys::is_reader_gone(&error) => {
            fail(&anyhow::Error::new(stdout::failure(&error)).hint(stdout::ADVICE))
        }
        _ if help.use_stderr() => Exit::Trouble,
        _ => Exit::Done,
    }
}

/// Writes the metrics if they were requested, also for a failed run.
fn write_metrics(app: &App, result: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    let written = app.metrics.write(result.is_err(), app.environment.now_ms());
    match (result, written) {
        (Err(error), Err(also)) => {
            app.messages.warn(&error::message(&also));
            Err(error)
        }
        (result, written) => written.and(result),
    }
}
