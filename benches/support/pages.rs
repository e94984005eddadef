//! Puts files into a defined state of the page cache: dropped from it and read back, as after a start of the machine.

use anyhow::Result;
use std::fs::File;
use std::io;
use std::path::Path;

/// The description of the homes in a result.
pub(crate) const STATE: &str = if cfg!(target_os = "linux") {
    "homes written to the disk, dropped from the page cache and read back before their first row"
} else {
    "homes as they were written"
};

/// Drops all files below `folder` from the page cache and reads them back.
pub(crate) fn drop_and_read(folder: &Path) -> Result<()> {
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let mut file = File::open(entry.path())?;
            #[cfg(target_os = "linux")]
            {
                // Only pages that are on the disk can be dropped.
                file.sync_data()?;
                rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
            }
            io::copy(&mut file, &mut io::sink())?;
        }
    }
    Ok(())
}
