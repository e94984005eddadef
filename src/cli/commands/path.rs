//! `codex-state path`: prints the path of a thread's rollout.

use crate::catalog::find::{self, Which};
use crate::catalog::inventory::Inventory;
use crate::catalog::misnamed::ByContent;
use crate::catalog::walk::{self, RolloutFile};
use crate::cli::commands::{App, place, threads};
use crate::cli::line::{Exit, args};
use crate::cli::output::{ListReport, text};
use crate::db::Many;
use crate::db::threads::rollout_path;
use crate::survey::select::Selected;
use crate::sys;
use crate::thread::ThreadId;
use std::io;
use std::path::{Path, PathBuf};

/// Runs the command.
///
/// # Errors
/// If an argument is ambiguous, or the database cannot be read.
pub fn run(app: &mut App, arguments: &args::PathArgs) -> anyhow::Result<Exit> {
    let form = app.form(false)?;
    let mut reader = place::open_reader(app)?;
    let home = place::home_or_nowhere(app)?;
    let found = threads::resolve(app, &arguments.threads, &home, Some(&mut reader))?;
    let mut exit = found.exit;
    let which = match (arguments.archived, arguments.active) {
        (true, _) => Which::Archived,
        (_, true) => Which::Active,
        _ => Which::Any,
    };
    // There may be a million of them.
    let (mut paths, mut elsewhere) = (Many::default(), Elsewhere::default());
    for (place, selected) in found.selected.iter().enumerate() {
        let path = match selected {
            Selected::Id(id) => {
                let in_row = reader.read(|connection| rollout_path(connection, *id))?;
                in_row
                    .as_deref()
                    .and_then(|path| find::where_row_says(&home, path, which))
                    .or_else(|| elsewhere.find(app, &home, *id, in_row.as_deref(), which))
            }
            Selected::Path(path) => Some(path.clone()).filter(|path| find::fits(&home, path, which)),
        };
        match path {
            Some(path) => paths.push(plain(path)),
            None => {
                let what = match which {
                    Which::Any => "no rollout in any form or place",
                    Which::Archived => "no archived rollout",
                    Which::Active => "no active rollout",
                };
                app.messages.fail(&format!("{}: {what}", found.typed(place)));
                exit = exit.merge(Exit::Not);
            }
        }
    }
    reader.end();
    paths.finish()?;
    ListReport {
        before: Vec::new(),
        name: "paths",
        items: paths.iter(),
        members: &|path: &PathBuf| vec![("path", (&**path).into())],
        columns: &["path"],
        after: Vec::new(),
        text: &|out| {
            paths
                .iter()
                .try_for_each(|path| writeln!(out, "{}", text::path(&path.map_err(io::Error::other)?)))
        },
    }
    .write(&mut app.out, &form)?;
    Ok(exit)
}

/// Finds the rollouts of threads that are not at their rows' paths; the home is walked only for the first one.
#[derive(Default)]
struct Elsewhere {
    inventory: Option<Inventory>,
    by_content: ByContent,
}

impl Elsewhere {
    fn find(
        &mut self,
        app: &App,
        home: &Path,
        id: ThreadId,
        in_row: Option<&Path>,
        which: Which,
    ) -> Option<PathBuf> {
        let Elsewhere { inventory, by_content } = self;
        let inventory = inventory.get_or_insert_with(|| Inventory::new(walk::walk(home).files));
        let named = find::elsewhere(home, inventory, id, in_row, which);
        let fits = |file: &RolloutFile| find::fits(home, &file.path(), which);
        let mut by_content = || by_content.find(id, inventory, fits, &app.interrupted);
        named.or_else(|| Some(inventory.files()[by_content()?].path()))
    }
}

/// Returns a path for other programs. On Windows few of them know the prefix of canonical paths, and none accepts a
/// long path without it.
fn plain(path: PathBuf) -> PathBuf {
    const LONGEST: usize = 259;
    match path.to_str().map(sys::without_verbatim_prefix) {
        Some(plain) if cfg!(windows) && plain.encode_utf16().count() <= LONGEST => PathBuf::from(&*plain),
        _ => path,
    }
}
