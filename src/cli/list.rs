//! `codex-state list`: from arguments to a query, and its pages to records or a table.

use crate::cli::app::{App, Shape};
use crate::cli::exit::Exit;
use crate::cli::records::{Format, Layout, Records, Value};
use crate::cli::style::Tone;
use crate::cli::table::{Cell, Column, Table};
use crate::cli::{args, cells, human, when};
use crate::db::list::{Folder, Page, Query, Sort};
use crate::db::schema::Schema;
use crate::db::threads;
use crate::list::{Lister, Names};
use crate::session_index;
use crate::sys;
use crate::thread::cell::CellRef;
use crate::thread::columns::{COLUMNS, Kind, index, position};
use crate::thread::search::Search;
use crate::thread::{Millis, ThreadId};
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

/// The columns of TSV and CSV where none are named. Scripts rely on them.
pub const DEFAULT_COLUMNS: [&str; 9] =
    ["id", "updated_at", "created_at", "archived", "source", "model_provider", "cwd", "git_branch", "title"];
/// How many threads a table on a terminal has where it is not said.
const DEFAULT_ROWS: usize = 50;
/// Rows whose widths are made alike; a longer table begins anew, so that memory does not grow with it.
const TABLE_ROWS: usize = 2000;

/// Runs the command.
///
/// # Errors
/// The arguments are no good, or the database cannot be read.
pub fn run(app: &mut App, arguments: &args::List) -> anyhow::Result<Exit> {
    let shape = app.shape(true)?;
    let is_table = shape == Shape::Text && !arguments.ids;
    let limit = match arguments.limit {
        Some(0) => None,
        None if is_table && app.environment.stdout_is_terminal => Some(DEFAULT_ROWS),
        limit => limit,
    };
    let mut query = query(app, arguments)?;
    let shown = shown_columns(arguments, shape);
    let is_own_table = is_table && arguments.columns.is_empty();
    query.columns = if is_own_table { OwnTable::columns(query.sort) } else { shown.clone() };

    let mut reader = app.open_reader()?;
    let schema = app.schema(&mut reader)?;
    if query.sort == Sort::Recency && !schema.has(index::RECENCY_AT) && !schema.has(index::RECENCY_AT_MS) {
        app.warn("this database does not know recency: sorted by updated");
    }
    let names = names(app, &schema, &query)?;
    if names.is_some() && !query.columns.contains(&index::ID) {
        query.columns.push(index::ID);
    }
    let columns = query.columns.clone();
    let mut lister =
        Lister::new(&mut reader, &schema, query.clone(), &names, limit, arguments.after.as_deref())?;
    let rows = Rows { names, columns };

    match shape {
        _ if arguments.ids && matches!(shape, Shape::Text | Shape::Records(Format::Tsv)) => {
            while let Some(page) = lister.next_page()? {
                let mut line = Vec::new();
                for row in 0..page.len() {
                    line.clear();
                    if let CellRef::Text(id) = page.cell(row, 0) {
                        crate::cli::text::push_tsv(&mut line, id);
                    }
                    line.push(b'\n');
                    app.out.write_all(&line)?;
                }
            }
        }
        Shape::Records(format) => write_records(app, &mut lister, &rows, &shown, format)?,
        Shape::Text | Shape::Github => {
            let table = if is_own_table {
                Some(OwnTable { sort: query.sort, archived: arguments.archived })
            } else {
                None
            };
            let n = write_table(app, &mut lister, &rows, &shown, table)?;
            write_footer(app, &mut lister, n, arguments)?;
        }
    }
    Ok(Exit::Done)
}

fn query(app: &App, arguments: &args::List) -> anyhow::Result<Query> {
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
        },
        reverse: arguments.reverse,
        archived: (!arguments.all).then_some(arguments.archived),
        hidden: arguments.hidden,
        sources: arguments.source.clone(),
        providers: arguments.provider.clone(),
        folders: folders.collect::<anyhow::Result<Vec<_>>>()?.concat(),
        since: time(&arguments.since)?,
        until: time(&arguments.until)?,
        search: arguments.search.as_deref().map(Search::new),
        columns: Vec::new(),
    })
}

/// The spellings of a folder that rows may have: canonical, as Codex writes it, and as it was typed.
fn folders(app: &App, typed: &Path, recursive: bool) -> anyhow::Result<Vec<Folder>> {
    let absolute = if typed.is_absolute() { typed.to_owned() } else { app.current_dir()?.join(typed) };
    let mut clean = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => drop(clean.pop()),
            component => clean.push(component),
        }
    }
    let clean = clean.to_string_lossy().into_owned();
    let canonical = absolute.to_str().and_then(sys::canonical_folder).unwrap_or_else(|| clean.clone());
    let mut spellings = vec![canonical];
    if !spellings.contains(&clean) {
        spellings.push(clean);
    }
    Ok(spellings.into_iter().map(|path| Folder { path, recursive }).collect())
}

/// The columns that are printed, by position.
fn shown_columns(arguments: &args::List, shape: Shape) -> Vec<usize> {
    let named: Vec<&str> = match shape {
        _ if arguments.ids => vec!["id"],
        _ if !arguments.columns.is_empty() => arguments.columns.iter().map(String::as_str).collect(),
        Shape::Records(Format::Json | Format::Jsonl) => COLUMNS.iter().map(|column| column.name).collect(),
        _ => DEFAULT_COLUMNS.to_vec(),
    };
    let mut positions = Vec::new();
    for position in named.into_iter().filter_map(position) {
        if !positions.contains(&position) {
            positions.push(position);
        }
    }
    positions
}

/// The names of threads, where they are needed and the database has no column for them.
fn names(app: &App, schema: &Schema, query: &Query) -> anyhow::Result<Names> {
    if schema.has(index::NAME) || (query.search.is_none() && !query.columns.contains(&index::NAME)) {
        return Ok(None);
    }
    let home = match app.home() {
        Ok(home) => home,
        // A database that was named may be all there is.
        Err(_) if app.global.db.is_some() => return Ok(None),
        Err(error) => return Err(error),
    };
    match session_index::read(&home) {
        Ok(names) => Ok(Some(Rc::new(names))),
        Err(error) => {
            let path = home.join(session_index::FILE_NAME);
            app.warn(&format!("the names of threads are left out: {}: {error}", path.display()));
            Ok(None)
        }
    }
}

/// How the cells of a page are found.
struct Rows {
    names: Names,
    /// What was read, in this order.
    columns: Vec<usize>,
}

impl Rows {
    fn cell<'a>(&'a self, page: &'a Page, row: usize, column: usize) -> CellRef<'a> {
        let place = |column| self.columns.iter().position(|read| *read == column);
        let named = || {
            let id = page.cell(row, place(index::ID)?).as_text()?;
            self.names.as_ref()?.get(&ThreadId::parse(id)?)
        };
        match named().filter(|_| column == index::NAME) {
            Some(name) => CellRef::Text(name),
            None => place(column).map_or(CellRef::Null, |place| page.cell(row, place)),
        }
    }
}

fn write_records(
    app: &mut App,
    lister: &mut Lister<'_>,
    rows: &Rows,
    shown: &[usize],
    format: Format,
) -> anyhow::Result<()> {
    let names: Vec<&str> = shown.iter().map(|position| COLUMNS[*position].name).collect();
    let layout = Layout {
        columns: &names,
        header: !app.global.no_header,
        list: "threads",
        for_terminal: app.environment.stdout_is_terminal,
    };
    // Nothing is printed, not even a header, where nothing can be read.
    let mut next = lister.next_page()?;
    let mut records = Records::begin(&mut app.out, format, layout)?;
    while let Some(page) = next {
        let mut values: Vec<Value<'_>> = Vec::with_capacity(shown.len());
        for row in 0..page.len() {
            values.clear();
            for (place, position) in shown.iter().enumerate() {
                let cell = match rows.names {
                    Some(_) if *position == index::NAME => rows.cell(page, row, *position),
                    _ => page.cell(row, place),
                };
                values.push(cells::value(COLUMNS[*position].kind, cell));
            }
            records.row(&values)?;
        }
        next = lister.next_page()?;
    }
    records.end_rows()?;
    if format == Format::Json {
        records.member("next_cursor", &lister.next_cursor()?)?;
        records.member("scanned", &lister.scanned)?;
    }
    Ok(records.finish()?)
}

/// The table that people get where they do not name columns.
struct OwnTable {
    sort: Sort,
    /// Whether all are archived, which then need not be said.
    archived: bool,
}

impl OwnTable {
    fn time_columns(sort: Sort) -> [usize; 2] {
        match sort {
            Sort::Created => [index::CREATED_AT_MS, index::CREATED_AT],
            Sort::Updated => [index::UPDATED_AT_MS, index::UPDATED_AT],
            Sort::Recency => [index::RECENCY_AT_MS, index::RECENCY_AT],
        }
    }

    fn columns(sort: Sort) -> Vec<usize> {
        let mut columns = vec![
            index::ID,
            index::CWD,
            index::TITLE,
            index::NAME,
            index::PREVIEW,
            index::ARCHIVED,
            index::IS_PINNED,
            index::UPDATED_AT_MS,
            index::UPDATED_AT,
        ];
        columns.extend(Self::time_columns(sort).iter().filter(|_| sort != Sort::Updated));
        columns
    }

    fn header(&self) -> Vec<Column> {
        vec![Column::text("id"), Column::text(self.sort.name()), Column::path("cwd"), Column::title("title")]
    }

    fn row(
        &self,
        rows: &Rows,
        page: &Page,
        row: usize,
        id: Cell,
        surroundings: &Surroundings<'_>,
    ) -> Vec<Cell> {
        let cell = |column| rows.cell(page, row, column);
        let is_set = |column| cell(column).as_integer().is_some_and(|flag| flag != 0);
        let mut times =
            Self::time_columns(self.sort).into_iter().chain([index::UPDATED_AT_MS, index::UPDATED_AT]);
        let time = times.find_map(|column| cells::millis(COLUMNS[column].kind, cell(column)));
        let text = |column| cell(column).as_text().filter(|text| !text.trim().is_empty());
        let title =
            [index::NAME, index::TITLE, index::PREVIEW].into_iter().find_map(text).unwrap_or_default();
        let mut marks = String::new();
        if is_set(index::IS_PINNED) {
            marks.push_str("[pinned] ");
        }
        if is_set(index::ARCHIVED) && !self.archived {
            marks.push_str("[archived] ");
        }
        let tone = if is_set(index::ARCHIVED) && !self.archived { Tone::Dim } else { Tone::Normal };
        let cwd = text(index::CWD).unwrap_or_default();
        vec![
            id,
            Cell::new(time.map_or_else(String::new, |time| human::ago(time, surroundings.now))),
            Cell::exact(surroundings.short_folder(cwd)).tone(Tone::Dim),
            Cell::new(format!("{marks}{title}")).tone(tone),
        ]
    }
}

/// What the words of a table depend on.
struct Surroundings<'a> {
    now: Millis,
    user_home: Option<&'a Path>,
}

impl Surroundings<'_> {
    fn short_folder(&self, folder: &str) -> String {
        let home = self.user_home.and_then(Path::to_str).unwrap_or_default();
        match folder.strip_prefix(home) {
            Some(rest)
                if !home.is_empty() && (rest.is_empty() || rest.starts_with(std::path::is_separator)) =>
            {
                format!("~{rest}")
            }
            _ => folder.to_owned(),
        }
    }
}

/// Writes a table and says how many rows it had.
fn write_table(
    app: &mut App,
    lister: &mut Lister<'_>,
    rows: &Rows,
    shown: &[usize],
    own: Option<OwnTable>,
) -> anyhow::Result<u64> {
    let width = app.environment.width();
    let surroundings =
        Surroundings { now: app.environment.now_ms(), user_home: app.environment.home_dir.as_deref() };
    let new = || {
        let header = own.as_ref().map_or_else(
            || shown.iter().map(|position| cells::table_column(*position)).collect(),
            OwnTable::header,
        );
        Table::new(header, width, app.style)
    };
    let (mut table, mut in_table, mut n) = (new(), 0, 0);
    loop {
        let Some(page) = lister.next_page()? else { break };
        // The page is lent by the lister, which is needed for the neighbours of its ids.
        let n_rows = page.len();
        let page = lister.take_page();
        let ids: Vec<String> = (0..n_rows)
            .map(|row| rows.cell(&page, row, index::ID).as_text().unwrap_or_default().to_owned())
            .collect();
        let short = lister.reader().read(|connection| {
            let short = |id: &String| {
                let (previous, next) = threads::neighbours(connection, id)?;
                Ok(human::unique_length(id, previous.as_deref(), next.as_deref()))
            };
            ids.iter().map(short).collect::<anyhow::Result<Vec<usize>>>()
        })?;
        for row in 0..n_rows {
            let id = Cell::exact(&ids[row][..short[row]]).tone(Tone::Accent);
            if let Some(own) = &own {
                table.row(own.row(rows, &page, row, id, &surroundings));
            } else {
                table.row(shown.iter().map(|position| match *position {
                    index::ID => id.clone(),
                    position => {
                        let kind: Kind = COLUMNS[position].kind;
                        cells::table_cell(kind, rows.cell(&page, row, position), surroundings.now)
                    }
                }));
            }
            (n, in_table) = (n + 1, in_table + 1);
            if in_table == TABLE_ROWS {
                std::mem::replace(&mut table, new()).write(&mut app.out)?;
                in_table = 0;
            }
        }
        lister.give_back(page);
    }
    if !table.is_empty() {
        table.write(&mut app.out)?;
    }
    Ok(n)
}

/// Says on standard error how much of the whole was shown.
fn write_footer(
    app: &mut App,
    lister: &mut Lister<'_>,
    n: u64,
    arguments: &args::List,
) -> anyhow::Result<()> {
    if app.global.quiet {
        return Ok(());
    }
    app.out.flush()?;
    let all = lister.count()?;
    if n < all {
        app.say(&format!("{} of {}, -n 0 for all", human::count(n), human::count(all)));
    } else if n == 0 {
        app.say("no threads");
        if !arguments.hidden && !arguments.all {
            app.hint(
                "codex-state list --all --hidden also lists those that are archived or without a message",
            );
        }
    }
    Ok(())
}
