//! `archive` and `unarchive`: moves the files of threads and changes their rows, both or neither, and returns a
//! report. It prints nothing and reads no environment.
//!
//! The threads are processed one after the other, each in these steps (`apply.rs` has them in this order):
//!
//! 1. Claim it: the maintenance lock, then the writer lock of the thread, as Codex does. Both are held to the end.
//! 2. Read its row and files again, and decide (`plan.rs`). Nothing has changed so far.
//! 3. If a rename is not possible (another volume), copy each file to a temporary name beside its destination.
//! 4. Begin the transaction, which blocks every other writer, and check that row and file are unchanged.
//! 5. Rename the files one by one, never onto an existing one; sync both folders; remove the originals of copies.
//!    (Unarchive: set the selected file's modification time to now, as Codex does. That is the only change ever made
//!    to a rollout. It comes after the removal, so that copy and original are equal as long as both exist.)
//! 6. Write the row.
//! 7. Commit. Release the locks.
//!
//! If anything fails in steps 4 to 7, the row is not written, and steps 5 and 6 are undone in reverse.
//!
//! A crash rolls the transaction back, so the row is then either the old one or (after 7) the new one. The result of
//! a crash:
//!
//! - in 1 to 4: everything is unchanged (perhaps with a temporary copy, which no program reads as a rollout and which
//!   the next run replaces);
//! - in 5: some files are moved, and the row is old. The selected file is moved first (after compressed twins of
//!   plain files, which are never chosen), so `verify` reports the thread as soon as it matters: `archive_mismatch`
//!   or `moved_file`. A copied file may be complete in both places: `duplicate_rollout`;
//! - in 6: all files are moved, and the row is old: `archive_mismatch`;
//! - after 7: done.
//!
//! The same command, run again, finds some files already in place, moves the rest and writes the row. If a copy's
//! original still exists and is equal in every byte, or a file has two names (after `sys::rename_no_replace` used a
//! hard link), the old one is removed. `backfill` repairs the row too, but leaves the files where they are.
//!
//! The files come before the row because the files are the truth. Every command can repair a row that is behind its
//! files; a row that is ahead would name missing files.

mod apply;
mod engine;
mod family;
mod place;
mod plan;
mod refusal;
mod report;

pub use engine::{ArchiveOptions, Direction};
pub use report::{ArchiveOutcome, ArchiveReport, MovedFile};

use crate::catalog::inventory::Inventory;
use crate::catalog::walk::Looks;
use crate::db::{Reader, Schema, Tally, ThreadStatements, Writer};
use crate::error::WithHint as _;
use crate::progress::Progress;
use crate::survey;
use crate::survey::change::ChangeStatus;
use crate::survey::comparison::{Comparison, Folders};
use crate::survey::select::Selected;
use crate::sys::thread_locks;
use crate::thread::times::Times;
use std::cell::RefCell;
use std::time::SystemTime;

use engine::Engine;
use plan::Planned;
use refusal::Refusal;

/// A planned run: its effects are known, and nothing has been changed.
pub struct ArchiveJob<'a> {
    engine: Engine<'a>,
    /// The report of a run in which everything succeeds. The run reads row and file of each thread again, under its lock.
    preview: ArchiveReport,
    /// The counts that Codex's default list would have.
    tally: Tally,
}

/// Plans a run without changing anything.
///
/// # Errors
/// If the database cannot be read, or can never be written; if a folder of rollouts cannot be read, because then some
/// files of a thread may be unknown.
pub fn plan<'a>(
    options: &'a ArchiveOptions<'a>,
    reader: &mut Reader,
    progress: &dyn Progress,
) -> anyhow::Result<ArchiveJob<'a>> {
    let schema = Schema::of(reader)?;
    schema.check_writable()?;
    let mut engine = engine(options, schema, reader, progress)?;
    let mut tally = reader
        .read(|connection| Tally::begin(connection, &engine.schema, options.context.default_provider))?;
    let maintenance = thread_locks::maintenance(options.context.home, options.patience).map(drop);
    let selected = family::expand(&engine, reader, progress)?;
    let mut preview = ArchiveReport::default();
    progress.start("reading rollouts", Some(selected.len() as u64), None);
    for selected in selected.iter() {
        if options.context.is_interrupted() {
            break;
        }
        let one = match selected {
            Selected::Path(path) => {
                Planned::new(None, Some(path.clone()), Err(Refusal::MalformedName(path.clone())))
            }
            &Selected::Id(id) => {
                let row = reader.read(|connection| engine.table.get(connection, id))?;
                engine.load_names(row.is_none(), progress);
                engine.plan_one(id, row)
            }
        };
        let Planned { outcome, task } = one.refuse_if_locked(options, maintenance.as_ref());
        if options.context.is_interrupted() {
            // Its file may have been read only in part.
            break;
        }
        if let Some(task) = task {
            let new = engine.row_to_be(&task, SystemTime::from(options.context.now));
            tally.change(task.row.as_ref(), Some(&new.row))?;
        }
        preview.add(outcome);
        progress.advance(1, 0);
    }
    progress.finish();
    preview.threads.finish()?;
    Ok(ArchiveJob { engine, preview, tally })
}

/// Returns the engine of a run, with the rollouts of the home.
fn engine<'a>(
    options: &'a ArchiveOptions<'a>,
    schema: Schema,
    reader: &mut Reader,
    progress: &dyn Progress,
) -> anyhow::Result<Engine<'a>> {
    let walk = survey::walk(&options.context, Looks::All, progress);
    if let Some(error) = walk.errors.first() {
        let error = anyhow::anyhow!("{}: cannot be looked at: {}", error.path.display(), error.reason);
        return Err(error
            .context("not every file of a thread can be found")
            .hint("make the folder readable, or move it out of the Codex home; nothing was changed"));
    }
    let comparison = reader.read(|connection| {
        Comparison::read(connection, &schema, options.context.default_provider, Times::Auto)
    })?;
    Ok(Engine {
        options,
        inventory: Inventory::new(walk.files),
        table: ThreadStatements::new(&schema),
        comparison,
        schema,
        buffer: RefCell::default(),
        folders: Folders::default(),
        maintenance_patience: options.patience,
    })
}

impl ArchiveJob<'_> {
    /// Returns true if anything would be changed.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.preview.count(ChangeStatus::Done) > 0
    }

    /// Returns the report that [`ArchiveJob::run`] would give.
    #[must_use]
    pub fn preview(self) -> ArchiveReport {
        let ArchiveJob { engine, preview: mut report, tally } = self;
        report.shown = tally.end();
        report.interrupted = engine.options.context.is_interrupted();
        report
    }

    /// Runs the plan.
    #[must_use]
    pub fn run(self, writer: &mut Writer, progress: &dyn Progress) -> ArchiveReport {
        let ArchiveJob { mut engine, preview, mut tally } = self;
        let mut report = ArchiveReport::default();
        let what = match engine.options.direction {
            Direction::Archive => "archiving threads",
            Direction::Unarchive => "unarchiving threads",
        };
        progress.start(what, Some(preview.threads.len()), None);
        for planned in preview.threads.iter() {
            if engine.options.context.is_interrupted() {
                report.interrupted = true;
                break;
            }
            let (outcome, stopped) = match planned {
                Ok(planned) => engine.apply(planned, writer),
                Err(error) => {
                    report.stopped = Some(error);
                    break;
                }
            };
            report.add(outcome);
            if stopped.is_some() {
                report.stopped = stopped;
                break;
            }
            progress.advance(1, 0);
        }
        progress.finish();
        if let (Err(error), None) = (tally.count_again(writer.connection()), &report.stopped) {
            report.stopped = Some(error.into());
        }
        report.end(tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::open::OpenOptions;
    use crate::survey::Context;
    use crate::thread::ThreadId;
    use chrono::DateTime;
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    /// A listener that interrupts the work at the first warning.
    struct InterruptAtWarning<'a>(&'a AtomicBool);

    impl Progress for InterruptAtWarning<'_> {
        fn start(&self, _what: &str, _items: Option<u64>, _bytes: Option<u64>) {}
        fn advance(&self, _items: u64, _bytes: u64) {}
        fn finish(&self) {}
        fn warn(&self, _line: &str) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_thread_being_read_at_the_interrupt_does_not_count_as_failed() {
        let home = tempfile::tempdir().unwrap();
        let database = home.path().join("state.sqlite");
        crate::db::create::create(&database, crate::db::create::NewSchema::Phase1).unwrap();
        // A new row would take its name from this file; the warning that it cannot be read comes just before the
        // rollout is read.
        fs::create_dir(home.path().join("session_index.jsonl")).unwrap();
        let folder = home.path().join("sessions/2026/03/14");
        fs::create_dir_all(&folder).unwrap();
        let id = ThreadId::from_u128(0x019c_0000_0000_7000_8000_0000_0000_0000);
        let line = format!(
            "{{\"timestamp\":\"2026-03-14T10:00:00Z\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{id}\"}}}}\n"
        );
        fs::write(folder.join(format!("rollout-2026-03-14T10-00-00-{id}.jsonl")), line).unwrap();
        let interrupted = AtomicBool::new(false);
        let context = Context {
            home: home.path(),
            jobs: 1,
            default_provider: "openai",
            now: DateTime::UNIX_EPOCH,
            interrupted: &interrupted,
        };
        let options = ArchiveOptions {
            context,
            threads: &[Selected::Id(id)],
            direction: Direction::Archive,
            recursive: false,
            patience: Duration::ZERO,
        };
        let mut reader = Reader::open(&database, &OpenOptions::default()).unwrap();
        let report = plan(&options, &mut reader, &InterruptAtWarning(&interrupted)).unwrap().preview();
        assert!(report.interrupted, "the warning came");
        assert!(report.threads.is_empty(), "{:?}", report.threads);
        interrupted.store(false, Ordering::Relaxed);
        let report = plan(&options, &mut reader, &crate::progress::Silent).unwrap().preview();
        assert_eq!(report.count(ChangeStatus::Done), 1, "{:?}", report.threads);
    }
}
