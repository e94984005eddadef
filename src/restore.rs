//! `restore`: restores a backup into the database, and reports the newer rows that this removes. It prints nothing.

use crate::db::backup::{self, MovedAside};
use crate::db::threads::{self, Summary};
use crate::db::{ById, OpenOptions, Reader, Schema, Trouble};
use crate::error::WithHint as _;
use crate::fault;
use crate::progress::{Progress, during};
use crate::survey::Context;
use crate::sys::is_same_file;
use crate::thread::columns::Col;
use crate::thread::equivalence::read_milliseconds;
use anyhow::anyhow;
use std::path::{Path, PathBuf};

/// Options of a restore.
pub struct RestoreOptions<'a> {
    /// The home and the circumstances of the run. An interrupt has no effect once the content is being replaced.
    pub context: Context<'a>,
    /// The database whose content is replaced; it may be missing or unusable.
    pub database: &'a Path,
    /// The backup to restore.
    pub source: &'a Path,
    /// Options for opening databases.
    pub open: &'a OpenOptions,
    /// True to keep the replaced content as a backup.
    pub keep_backup: bool,
    /// True to only report what would be done.
    pub dry_run: bool,
}

/// The result of a restore, or of its dry run.
#[derive(Debug, Default)]
pub struct RestoreReport {
    /// Number of rows in the backup.
    pub rows: u64,
    /// Number of rows in the database before; `None` if it was missing or unusable.
    pub replaced_rows: Option<u64>,
    /// Number of those rows that are missing or older in the backup.
    pub newer_rows: u64,
    /// Size of the restored content in bytes. `None` in a dry run if the database has another page size, which the
    /// content will get.
    pub bytes: Option<u64>,
    /// The backup of the replaced content.
    pub backup: Option<PathBuf>,
    /// Files of an unusable database, which were renamed.
    pub moved_aside: Vec<MovedAside>,
}

/// Runs the restore.
///
/// # Errors
/// If the backup is unsuitable or is the database itself, if the database is busy beyond the timeout, if its content
/// cannot be kept, or if the run is interrupted. The database is then unchanged.
pub fn run(options: &RestoreOptions<'_>, progress: &dyn Progress) -> anyhow::Result<RestoreReport> {
    if is_same_file(options.database, options.source).unwrap_or(false) {
        return Err(anyhow!("{}: is the database itself", options.source.display())
            .hint("name a backup: they are in codex-state-backups beside the database"));
    }
    during(progress, "checking the backup", || backup::check_backup(options.source, options.open))?;
    options.context.check_interrupted("restored")?;
    let mut source = Reader::open(options.source, options.open)?;
    let mut report = RestoreReport { rows: source.read(threads::count)?, ..RestoreReport::default() };
    match count_rows_and_newer(options, &mut source) {
        Ok((rows, newer)) => (report.replaced_rows, report.newer_rows) = (Some(rows), newer),
        // Such a database is still restored into.
        Err(error) if Trouble::of(&error).is_none_or(is_nothing) => {}
        Err(error) => return Err(error),
    }
    if options.dry_run {
        let (page, bytes) = backup::page_and_copy_size(&mut source)?;
        let mut target = Reader::open(options.database, options.open);
        let own_page = target.as_mut().ok().and_then(|target| backup::page_and_copy_size(target).ok());
        report.bytes = own_page.is_none_or(|(own, _)| own == page).then_some(bytes);
        return Ok(report);
    }
    drop(source);
    fault::point("restore:checked");
    if options.keep_backup {
        // Made even if there is a backup of the last hour, because that one may lack rows that are removed now.
        let keep = || backup::keep_replaced(options.database, options.open, options.context.now);
        match during(progress, "keeping what is replaced", keep) {
            Ok(backup) => report.backup = Some(backup),
            // Such a database is moved aside, or is missing.
            Err(error) if Trouble::of(&error).is_some_and(is_nothing) => {}
            Err(error) => return Err(error),
        }
    }
    fault::point("restore:kept");
    options.context.check_interrupted("restored")?;
    let RestoreOptions { database, source, open, context, .. } = *options;
    let restore = || backup::restore_into(database, source, open, context.now);
    let restored = during(progress, "restoring", restore)?;
    report.bytes = Some(restored.size);
    report.moved_aside = restored.moved_aside;
    Ok(report)
}

/// Returns true if the database is missing, damaged or a different one, so that there is nothing to keep.
fn is_nothing(trouble: Trouble) -> bool {
    trouble.is_unusable() || trouble == Trouble::Missing
}

/// Counts the rows of the database, and those that are newer than in the backup.
fn count_rows_and_newer(options: &RestoreOptions<'_>, source: &mut Reader) -> anyhow::Result<(u64, u64)> {
    let mut target = Reader::open(options.database, options.open)?;
    let rows = target.read(threads::count)?;
    let (old_schema, new_schema) = (Schema::of(source)?, Schema::of(&mut target)?);
    let (mut old, mut new) = (threads::summaries(), threads::summaries());
    let next = |walk: &mut ById<Summary>, reader: &mut Reader, schema: &Schema| {
        walk.next(|after| reader.read(|connection| threads::summaries_after(connection, schema, after)))
    };
    let mut n_newer = 0;
    let mut before = next(&mut old, source, &old_schema)?;
    while let Some(row) = next(&mut new, &mut target, &new_schema)? {
        while before.as_ref().is_some_and(|before| before.id < row.id) {
            before = next(&mut old, source, &old_schema)?;
        }
        let same = before.as_ref().filter(|before| before.id == row.id);
        n_newer += u64::from(same.is_none_or(|before| time(&row) > time(before)));
    }
    Ok((rows, n_newer))
}

/// Returns the time of a row's last change, in whole seconds, because the two databases may have different columns
/// for it.
fn time(row: &Summary) -> Option<i64> {
    row.updated_at.or_else(|| row.updated_at_ms.map(|time| read_milliseconds(time).div_euclid(1000)))
}

/// Chooses the name of a missing database into which this backup is restored: the name of the original database from
/// the backup's name, or else a name that suits its schema.
///
/// # Errors
/// If the backup cannot be read.
pub fn name_for(source: &Path, options: &OpenOptions) -> anyhow::Result<String> {
    if let Some(name) = source.file_name().and_then(|name| name_within(name.to_str()?)) {
        return Ok(name.to_owned());
    }
    let schema = Reader::open(source, options)?.read(Schema::read)?;
    // Only the schema with this file name had no `first_user_message`.
    let is_first = !schema.has(Col::FirstUserMessage);
    Ok(if is_first { crate::home::PHASE_1_DATABASE } else { "state_5.sqlite" }.to_owned())
}

/// Returns the name of a state database within the name of a backup: `auto-state_5.sqlite-20260901T120000Z.sqlite`.
fn name_within(name: &str) -> Option<&str> {
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    name.match_indices("state").find_map(|(start, _)| {
        let name = &name[start..];
        let name = &name[..name.find(".sqlite")? + ".sqlite".len()];
        let number = name.strip_prefix("state")?.strip_suffix(".sqlite")?;
        (number.is_empty() || number.strip_prefix('_').is_some_and(is_number)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn an_interrupt_before_the_replacement_leaves_the_database_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let [database, source] = ["state.sqlite", "backup.sqlite"].map(|name| folder.path().join(name));
        for path in [&database, &source] {
            crate::db::create::create(path, crate::db::create::NewSchema::Phase1).unwrap();
        }
        let before = std::fs::read(&database).unwrap();
        for dry_run in [false, true] {
            let interrupted = AtomicBool::new(true);
            let context =
                Context { interrupted: &interrupted, ..Context::new(folder.path(), DateTime::UNIX_EPOCH) };
            let options = RestoreOptions {
                context,
                database: &database,
                source: &source,
                open: &OpenOptions::default(),
                keep_backup: true,
                dry_run,
            };
            let error = run(&options, &crate::progress::Silent).unwrap_err();
            assert_eq!(error.to_string(), "interrupted before anything was restored");
        }
        assert_eq!(std::fs::read(&database).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "and no backup was kept");
    }

    #[test]
    fn the_name_of_a_backup_contains_the_databases_name() {
        for (name, expected) in [
            ("auto-state_5.sqlite-20260901T120000Z.sqlite", Some("state_5.sqlite")),
            ("backup-state.sqlite-20260901T120000Z.sqlite", Some("state.sqlite")),
            ("state_12.sqlite.damaged-20260901T120000Z", Some("state_12.sqlite")),
            ("state_5.sqlite", Some("state_5.sqlite")),
            ("my-state_of_mind.sqlite", None),
            ("before.sqlite", None),
            ("codex-state-backup.sqlite", None),
        ] {
            assert_eq!(name_within(name), expected, "{name}");
        }
    }
}
