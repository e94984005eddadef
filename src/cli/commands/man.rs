//! `codex-state man`: prints the man page of the program, or writes all of them to a folder.

use crate::cli::line::args;
use crate::cli::line::man::{Page, pages};
use crate::cli::output::files;
use crate::error::WithHint as _;
use std::io::Write;
use std::path::Path;

/// Runs the command: prints the program's page, or writes all to a folder.
///
/// # Errors
/// What the writer or the file system says.
pub fn run(out: &mut dyn Write, arguments: &args::Man) -> anyhow::Result<()> {
    let pages = pages()?;
    match &arguments.folder {
        None => out.write_all(&pages[0].roff)?,
        Some(folder) => write_all(&pages, folder)?,
    }
    Ok(())
}

fn write_all(pages: &[Page], folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let advice = files::advice(error.kind());
        anyhow::Error::new(error).context(format!("cannot make the folder {}", folder.display())).hint(advice)
    })?;
    pages.iter().try_for_each(|page| files::write_atomically(&folder.join(&page.file_name), &page.roff))
}
