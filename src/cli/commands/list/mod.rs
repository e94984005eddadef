//! `codex-state list`: turns the arguments into a query and prints its pages as records or a table.

mod columns;
mod pages;
mod table;

use crate::catalog::names::{FILE_NAME, Names};
use crate::cli::commands::{App, place};
use crate::cli::line::{Exit, args, interrupt, when};
use crate::cli::output::{Format, OutputForm, Value, human};
use crate::db::list::{Folder, ListOptions, Lister, Query, Sort};
use crate::sys;
use crate::thread::columns::COLUMNS;
use crate::thread::folder;
use crate::thread::search::Search;
use columns::{ListColumn, PageRow, ReadCells};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The default columns of TSV and CSV. Scripts rely on them.
const DEFAULT_COLUMNS: [&str; 10] = [
    "id",
    "updated_at",
    "created_at",
    "archived",
    "source",
    "model_provider",
    "cwd",
    "git_branch",
    "title",
    "name",
];
/// The default number of threads in a table on a terminal.
const DEFAULT_ROWS: usize = 50;

/// Runs the command.
///
/// # Errors
/// If the arguments are invalid, or the database cannot be read.
pub fn run(app: &mut App, arguments: &args::ListArgs) -> anyhow::Result<Exit> {
    let mut page = app.form(true)?;
    page.has_header &= !arguments.ids;
    let is_table = page.is_text() && !arguments.ids;
    let limit = match arguments.limit {
        Some(0) => None,
        None if is_table && app.environment.stdout_is_terminal => Some(DEFAULT_ROWS),
        limit => limit,
    };
    let mut query = query(app, arguments)?;
    let shown = shown_columns(arguments, page.format);
    let is_own_table = is_table && arguments.columns.is_empty();
    let read = if is_own_table { table::Own::read(query.sort) } else { ReadCells::of(&shown) };
    query.columns.clone_from(&read.columns);
    query.with_reasons = read.with_reasons;
    if query.shown.is_some() || query.with_reasons {
        let config = place::read_config(app, &place::home_or_nowhere(app)?);
        query.default_provider = place::default_provider(app, &config);
    }
    let sort = query.sort;

    let mut reader = place::open_reader(app)?;
    let config = ListOptions { query, limit, cursor: arguments.after.as_deref(), names: &|| names(app) };
    let mut lister = Lister::new(&mut reader, config)?;
    if !lister.is_short() {
        interrupt::listen(&app.interrupted);
    }
    if lister.lacks_recency {
        app.messages.warn("this database does not know recency: sorted by updated");
    }
    match page.format {
        format if format.is_some() || arguments.ids => {
            write_records(app, &page, format.unwrap_or(Format::Tsv), &mut lister, &read, &shown)?;
        }
        _ => {
            let own = is_own_table.then_some(table::Own { sort, archived: arguments.archived });
            let written = table::write(app, &page, &mut lister, &read, &shown, own.as_ref())?;
            write_footer(app, &mut lister, &written, arguments)?;
            if own.is_none() && !written.left_out.is_empty() {
                app.messages.say(&format!(
                    "no room for {}: make the terminal wider, or take --format tsv",
                    written.left_out.join(", ")
                ));
            }
        }
    }
    reader.end();
    let interrupted = app.interrupted.load(Ordering::Relaxed);
    Ok(if interrupted { Exit::Interrupted } else { Exit::Done })
}

fn query(app: &App, arguments: &args::ListArgs) -> anyhow::Result<Query> {
    let environment = &app.environment;
    let time = |when: &Option<String>| {
        let when = when.as_deref();
        when.map(|when| when::parse(when, environment.now_ms(), &environment.zone)).transpose()
    };
    let folders = arguments.cwd.iter().map(|cwd| folders(app, cwd, arguments.recursive));
    Ok(Query {
        sort: match arguments.sort {
            args::SortBy::Created => Sort::Created,
            args::SortBy::Updated => Sort::Updated,
            args::SortBy::Recency => Sort::Recency,
            args::SortBy::Size => Sort::Size,
        },
        reverse: arguments.reverse,
        archived: match arguments.hidden_only && !arguments.archived {
            true => None,
            false => (!arguments.all).then_some(arguments.archived),
        },
        hidden: arguments.hidden || arguments.hidden_only,
        shown: match (arguments.shown, arguments.hidden_only) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
        default_provider: String::new(),
        sources: arguments.source.clone(),
        providers: arguments.provider.clone(),
        folders: folders.collect::<anyhow::Result<Vec<_>>>()?.concat(),
        since: time(&arguments.since)?,
        until: time(&arguments.until)?,
        search: arguments.words.iter().chain(&arguments.search).map(|text| Search::new(text)).collect(),
        models: arguments.model.clone(),
        branches: arguments.branch.clone(),
        pinned: arguments.pinned,
        columns: Vec::new(),
        with_reasons: false,
    })
}

/// Returns the spellings of a folder that rows may have: canonical, as Codex writes it, and as typed.
fn folders(app: &App, typed: &Path, recursive: bool) -> anyhow::Result<Vec<Folder>> {
    let absolute =
        if typed.is_absolute() { typed.to_owned() } else { app.environment.current_dir()?.join(typed) };
    let mut clean = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => drop(clean.pop()),
            component => clean.push(component),
        }
    }
    let clean = clean.to_string_lossy().into_owned();
    let canonical = absolute.to_str().and_then(sys::canonical_folder);
    // A missing folder may be of another system, or relative: then rows have it was written.
    let as_typed = typed.to_str().filter(|_| canonical.is_none()).map(str::to_owned);
    // On Windows a missing folder was canonical when its rows were written.
    let was_canonical = Some(sys::with_verbatim_prefix(&clean).into_owned());
    let named = [Some(canonical.unwrap_or_else(|| clean.clone())), was_canonical, Some(clean), as_typed];
    let spellings: BTreeSet<String> =
        named.into_iter().flatten().flat_map(|spelling| folder::spellings(&spelling)).collect();
    Ok(spellings.into_iter().map(|path| Folder { path, recursive }).collect())
}

/// Returns the columns that are printed.
fn shown_columns(arguments: &args::ListArgs, format: Option<Format>) -> Vec<ListColumn> {
    let named: Vec<&str> = match format {
        _ if arguments.ids => vec!["id"],
        _ if !arguments.columns.is_empty() => arguments.columns.iter().map(String::as_str).collect(),
        Some(Format::Json | Format::Jsonl) => COLUMNS.iter().map(|column| column.name).collect(),
        _ => DEFAULT_COLUMNS.to_vec(),
    };
    let mut columns = Vec::new();
    for column in named.into_iter().filter_map(ListColumn::named) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

/// Returns the names that people gave to threads, for a database without a column for them.
fn names(app: &App) -> anyhow::Result<Option<Arc<Names>>> {
    let home = match place::home(app) {
        Ok(home) => home,
        // A named database may be all that exists.
        Err(_) if app.global.db.is_some() => return Ok(None),
        Err(error) => return Err(error),
    };
    match Names::read(&home) {
        Ok(names) => Ok(Some(Arc::new(names))),
        Err(error) => {
            let path = home.join(FILE_NAME);
            app.messages.warn(&format!("the names of threads are ignored: {}: {error}", path.display()));
            Ok(None)
        }
    }
}

fn write_records(
    app: &mut App,
    page: &OutputForm,
    format: Format,
    lister: &mut Lister<'_>,
    read: &ReadCells,
    shown: &[ListColumn],
) -> anyhow::Result<()> {
    let names: Vec<&str> = shown.iter().map(|column| column.name()).collect();
    let is_stopped = pages::stops(app);
    let mut records = page.records(&mut app.out, format, "threads", &names)?;
    lister.each_page(|page| {
        let mut values: Vec<Value<'_>> = Vec::with_capacity(shown.len());
        for row in 0..page.len() {
            let line = PageRow { read, page, row };
            values.clear();
            values.extend(shown.iter().map(|&column| line.value(column)));
            records.row(&values)?;
        }
        Ok(if is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    records.end_rows()?;
    if format == Format::Json {
        records.member("next_cursor", &lister.next_cursor()?)?;
        records.member("scanned", &lister.scanned)?;
    }
    Ok(records.finish()?)
}

/// Returns true if a word looks like the beginning of a thread's id.
fn is_like_an_id(word: &str) -> bool {
    word.len() >= 6 && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Prints on standard error how much of the whole list was shown.
fn write_footer(
    app: &mut App,
    lister: &mut Lister<'_>,
    written: &table::WrittenTable,
    arguments: &args::ListArgs,
) -> anyhow::Result<()> {
    let n = written.rows;
    if app.global.quiet || app.interrupted.load(Ordering::Relaxed) {
        return Ok(());
    }
    app.out.flush()?;
    let all = lister.count()?;
    if n < all {
        app.messages.say(&format!("{} of {} threads; -n 0 lists all", human::count(n), human::count(all)));
    }
    if written.hidden > 0 && !arguments.hidden_only {
        app.messages.say(&format!(
            "Codex's own list leaves out the {} marked [hidden]; codex-state status says why",
            human::counted(written.hidden, "thread", "threads")
        ));
    }
    if n == 0 {
        app.messages.say("no threads");
        if let Some(id) = arguments.words.iter().find(|word| is_like_an_id(word)) {
            app.messages
                .hint(&format!("codex-state show {id} shows the thread with this id; list looks for words"));
        }
        if !arguments.hidden && !arguments.all {
            app.messages.hint(
                "codex-state list --all --hidden also lists those that are archived or without a message",
            );
        }
    }
    Ok(())
}
