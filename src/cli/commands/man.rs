//! `codex-state man`: prints the man page of the program, or writes all man pages to a folder.

use crate::cli::commands::{App, output_file};
use crate::cli::line::args;
use crate::cli::line::man::{ManPage, pages};
use crate::cli::output::text;
use crate::output_file::make_folder;
use std::io::Write as _;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// If the output or a file cannot be written.
pub fn run(app: &mut App, arguments: &args::ManArgs) -> anyhow::Result<()> {
    let pages = pages()?;
    match &arguments.folder {
        None => app.out.write_all(&pages[0].roff)?,
        Some(folder) => {
            write_all(app, &pages, folder)?;
            app.messages.say(&format!("{} man pages were written to {}", pages.len(), text::path(folder)));
        }
    }
    Ok(())
}

fn write_all(app: &App, pages: &[ManPage], folder: &Path) -> anyhow::Result<()> {
    make_folder(folder)?;
    let checked = pages.iter().map(|page| output_file(app, &folder.join(&page.file_name)));
    let files = checked.collect::<anyhow::Result<Vec<_>>>()?;
    files.iter().zip(pages).try_for_each(|(file, page)| file.write(&page.roff))
}
