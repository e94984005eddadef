//! `restore`: brings a backup back into the database, and tells what that takes away. To a report; prints nothing.

use crate::db::backup::{self, MovedAside};
use crate::db::open::{OpenOptions, Reader, Trouble};
use crate::db::schema::Schema;
use crate::db::threads::{self, Summary};
use crate::error::WithHint as _;
use crate::fault;
use crate::progress::Progress;
use crate::sys::is_same_file;
use crate::thread::columns::index;
use crate::thread::equivalence::read_milliseconds;
use anyhow::anyhow;
use chrono::{DateTime, Utc};
use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// How many rows are looked at in one read.
const PAGE: usize = 1000;

/// What is to be done.
pub struct Config<'a> {
    /// The database whose content is replaced; it may be missing or unusable.
    pub database: &'a Path,
    /// The backup.
    pub source: &'a Path,
    /// How databases are opened.
    pub options: &'a OpenOptions,
    /// Whether what is replaced is kept as a backup.
    pub keep_backup: bool,
    /// Whether only to say what would be done.
    pub dry_run: bool,
    /// The time.
    pub now: DateTime<Utc>,
    /// Set from outside to stop, which it does until the content is being replaced.
    pub interrupted: &'a AtomicBool,
}

impl Config<'_> {
    /// Nothing, unless it is to stop.
    fn go_on(&self) -> anyhow::Result<()> {
        if self.interrupted.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(anyhow!("interrupted before anything was restored")
                .hint("the database is as it was; run the command again"));
        }
        Ok(())
    }
}

/// What was done, or would be.
#[derive(Debug, Default)]
pub struct Report {
    /// Rows in the backup.
    pub rows: u64,
    /// Rows in the database before; `None` where it was missing or unusable.
    pub replaced_rows: Option<u64>,
    /// Of those, how many the backup lacks or knows only as they were earlier.
    pub newer_rows: u64,
    /// Bytes of the restored content; `None` in a dry run where the database has pages of another size, which the
    /// content takes on.
    pub bytes: Option<u64>,
    /// The backup of what was replaced.
    pub backup: Option<PathBuf>,
    /// Files of an unusable database, which have another name now.
    pub moved_aside: Vec<MovedAside>,
    /// Whether the database is a new file.
    pub is_new_file: bool,
}

/// Does it.
///
/// # Errors
/// The backup is no good, or is the database itself; the database is busy beyond the timeout, or what it holds cannot
/// be kept; an interrupt came. Then it is as it was.
pub fn run(config: &Config<'_>, progress: &dyn Progress) -> anyhow::Result<Report> {
    if is_same_file(config.database, config.source).unwrap_or(false) {
        return Err(anyhow!("{}: is the database itself", config.source.display())
            .hint("name a backup: they are in codex-state-backups beside the database"));
    }
    progress.start("checking the backup", None, None);
    let checked = backup::check_backup(config.source, config.options);
    progress.finish();
    checked?;
    config.go_on()?;
    let mut source = Reader::open(config.source, config.options)?;
    let mut report = Report { rows: count(&mut source)?, ..Report::default() };
    match look(config, &mut source) {
        Ok((rows, newer)) => (report.replaced_rows, report.newer_rows) = (Some(rows), newer),
        // One that is missing, broken, or holds something else is restored into all the same.
        Err(error)
            if Trouble::of(&error).is_none_or(|trouble| trouble.is_unusable() || is_missing(trouble)) => {}
        Err(error) => return Err(error),
    }
    if config.dry_run {
        let (page, bytes) = backup::page_and_copy_size(&mut source)?;
        let mut target = Reader::open(config.database, config.options);
        let own_page = target.as_mut().ok().and_then(|target| backup::page_and_copy_size(target).ok());
        report.bytes = own_page.is_none_or(|(own, _)| own == page).then_some(bytes);
        return Ok(report);
    }
    drop(source);
    fault::point("restore:checked");
    if config.keep_backup {
        // Also where there is a backup of the last hour: that one may be from before the rows that go now.
        progress.start("keeping what is replaced", None, None);
        let kept = backup::keep_replaced(config.database, config.options, config.now);
        progress.finish();
        match kept {
            Ok(backup) => report.backup = Some(backup),
            // It is moved aside, or there is none.
            Err(error)
                if Trouble::of(&error)
                    .is_some_and(|trouble| trouble.is_unusable() || is_missing(trouble)) => {}
            Err(error) => return Err(error),
        }
    }
    fault::point("restore:kept");
    config.go_on()?;
    progress.start("restoring", None, None);
    let restored =
        backup::restore_into(config.database, config.source, config.options, config.now, &mut |_| {});
    progress.finish();
    let restored = restored?;
    report.bytes = Some(restored.size);
    report.moved_aside = restored.moved_aside;
    report.is_new_file = restored.replaced_file;
    Ok(report)
}

fn is_missing(trouble: Trouble) -> bool {
    trouble == Trouble::Missing
}

fn count(reader: &mut Reader) -> anyhow::Result<u64> {
    reader.read(threads::count)
}

/// How many rows the database has, and how many of them are newer than the backup.
fn look(config: &Config<'_>, source: &mut Reader) -> anyhow::Result<(u64, u64)> {
    let mut target = Reader::open(config.database, config.options)?;
    let rows = count(&mut target)?;
    let mut old = Rows::new(source)?;
    let mut new = Rows::new(&mut target)?;
    let mut n_newer = 0;
    let mut before = old.next()?;
    while let Some(row) = new.next()? {
        while before.as_ref().is_some_and(|before| before.id < row.id) {
            before = old.next()?;
        }
        let is_newer = match before.as_ref().map(|before| before.id.cmp(&row.id)) {
            Some(Ordering::Equal) => before.as_ref().is_some_and(|before| time(&row) > time(before)),
            _ => true,
        };
        n_newer += u64::from(is_newer);
    }
    Ok((rows, n_newer))
}

/// When a row was last changed, in whole seconds: the two may have different columns for it.
fn time(row: &Summary) -> Option<i64> {
    row.updated_at.or_else(|| row.updated_at_ms.map(|time| read_milliseconds(time).div_euclid(1000)))
}

/// The rows of a database, by id.
struct Rows<'a> {
    reader: &'a mut Reader,
    schema: Schema,
    page: std::vec::IntoIter<Summary>,
    after: Option<String>,
}

impl<'a> Rows<'a> {
    fn new(reader: &'a mut Reader) -> anyhow::Result<Rows<'a>> {
        let schema = Schema::of(reader)?;
        Ok(Rows { reader, schema, page: Vec::new().into_iter(), after: Some(String::new()) })
    }

    fn next(&mut self) -> anyhow::Result<Option<Summary>> {
        if let Some(row) = self.page.next() {
            return Ok(Some(row));
        }
        let Some(after) = self.after.take() else { return Ok(None) };
        let schema = &self.schema;
        let page =
            self.reader.read(|connection| threads::summaries_after(connection, schema, &after, PAGE))?;
        // An id that is no text comes last and cannot be gone on from.
        self.after =
            page.last().filter(|row| page.len() == PAGE && !row.id.is_empty()).map(|row| row.id.clone());
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}

/// What a database that is missing is to be called when this backup is restored: as the one that it was made from, which
/// its name tells, or else by what it holds.
///
/// # Errors
/// The backup cannot be read.
pub fn name_for(source: &Path, options: &OpenOptions) -> anyhow::Result<String> {
    if let Some(name) = source.file_name().and_then(|name| name_within(name.to_str()?)) {
        return Ok(name.to_owned());
    }
    let schema = Reader::open(source, options)?.read(Schema::read)?;
    // The one schema that went by that name had no `first_user_message`.
    let is_first = !schema.has(index::FIRST_USER_MESSAGE);
    Ok(if is_first { crate::home::PHASE_1_DATABASE } else { "state_5.sqlite" }.to_owned())
}

/// The name of a state database in the name of a backup: `auto-state_5.sqlite-20260901T120000Z.sqlite`.
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

    #[test]
    fn an_interrupt_before_the_content_is_replaced_leaves_the_database_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let [database, source] = ["state.sqlite", "backup.sqlite"].map(|name| folder.path().join(name));
        for path in [&database, &source] {
            crate::db::create::create(path, crate::db::create::NewSchema::Phase1).unwrap();
        }
        let before = std::fs::read(&database).unwrap();
        for dry_run in [false, true] {
            let config = Config {
                database: &database,
                source: &source,
                options: &OpenOptions::default(),
                keep_backup: true,
                dry_run,
                now: DateTime::UNIX_EPOCH,
                interrupted: &AtomicBool::new(true),
            };
            let error = run(&config, &crate::progress::Silent).unwrap_err();
            assert_eq!(error.to_string(), "interrupted before anything was restored");
        }
        assert_eq!(std::fs::read(&database).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "and no backup was kept");
    }

    #[test]
    fn a_backup_says_in_its_name_what_it_is_of() {
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
