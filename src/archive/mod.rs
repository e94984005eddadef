//! `archive` and `unarchive`: moves the files of threads and changes their rows, both or neither. To a report; prints
//! nothing, reads no environment.
//!
//! A thread is done in these steps (`apply.rs` has them in this order), one thread after the other:
//!
//! 1. Claim it: the maintenance lock, then the writer lock of the thread, as Codex does. Both are held to the end.
//! 2. Look again at its row and its files, and decide (`plan.rs`). Nothing has changed so far.
//! 3. Where a rename does not reach (another volume), copy each file to a temporary name beside its target.
//! 4. Begin the transaction, which keeps every other writer out, and make sure that row and file are as they were.
//! 5. Rename the files one by one, never onto an existing one; sync both folders; remove the sources of what was copied.
//!    (Unarchive: set the selected file's modification time to now, as Codex does; it is the only thing of a rollout that
//!    is ever changed, and comes after the removal so that copy and source are equal as long as both are there.)
//! 6. Write the row.
//! 7. Commit. Release the locks.
//!
//! If anything fails in 4 to 7, the row was not written, and 5 and 6 are undone in reverse.
//!
//! A crash rolls the transaction back, so after it the row is the old one or (after 7) the new one. What a crash leaves:
//!
//! - in 1 to 4: everything as it was (perhaps a temporary copy, which no program takes for a rollout and which the next
//!   run replaces);
//! - in 5: some files moved, the row old. The selected file goes first (after `.zst` twins of plain files, which never
//!   count), so that as soon as it matters `verify` names the thread: `archive_mismatch`, or `moved_file`. A file that was
//!   copied may be in both places, whole: `duplicate_rollout`;
//! - in 6: all files moved, the row old: `archive_mismatch`;
//! - after 7: done.
//!
//! The same command run again finds some of the files "already in place", moves the rest and writes the row; a copy
//! whose source is still there, equal in every byte, and a file under two names (`sys::rename_no_replace` where hard links
//! stand in) lose the old one. `backfill` mends the row, too, but leaves the files where they are.
//!
//! The order is this one, and not the row first, because the files are the truth: a row that is behind is mended from
//! them by every command, a row that is ahead would name files that are not there.

mod apply;
mod engine;
mod family;
mod place;
mod plan;
mod refusal;
mod report;

pub use engine::{Config, Direction};
pub use report::{Moved, Outcome, Report, Status};

use crate::catalog::inventory::Inventory;
use crate::catalog::walk;
use crate::db::open::{Reader, Writer};
use crate::db::schema::Schema;
use crate::db::tally::Tally;
use crate::db::threads::Threads;
use crate::error::WithHint as _;
use crate::progress::Progress;
use crate::survey::comparison::{Comparison, Folders};
use crate::survey::select::Selected;
use crate::sys::thread_locks;
use crate::thread::times::Times;
use std::cell::RefCell;
use std::time::SystemTime;

use engine::Engine;
use plan::{Planned, Verdict};
use refusal::Refusal;

/// How many bytes of threads that were read for the plan are kept for the work; the others are read again.
const KEPT_BYTES: usize = 4 * 1024 * 1024;

/// A run that was planned: what it would do is known, nothing has been done.
pub struct Job<'a> {
    engine: Engine<'a>,
    planned: Vec<Planned>,
    /// What is reported if it all goes well.
    preview: Report,
    /// What Codex's default list would show.
    tally: Tally,
}

/// Looks at everything and decides, changing nothing.
///
/// # Errors
/// The database cannot be read or never be written; a folder of rollouts cannot be looked at, so that not every file of
/// a thread may be known.
pub fn plan<'a>(
    config: &'a Config<'a>,
    reader: &mut Reader,
    progress: &dyn Progress,
) -> anyhow::Result<Job<'a>> {
    let schema = Schema::of(reader)?;
    schema.check_writable()?;
    progress.start("finding rollouts", None, None);
    let walk = walk::walk(config.context.home, || progress.advance(1, 0));
    progress.finish();
    if let Some(error) = walk.errors.first() {
        let error = anyhow::anyhow!("{}: cannot be looked at: {}", error.path.display(), error.reason);
        return Err(error
            .context("not every file of a thread can be found")
            .hint("make the folder readable, or move it out of the Codex home; nothing was changed"));
    }
    let (comparison, mut tally) = reader.read(|connection| -> anyhow::Result<_> {
        let tally = Tally::begin(connection, &schema, config.context.default_provider)?;
        Ok((Comparison::read(connection, &schema, config.context.default_provider, Times::Auto)?, tally))
    })?;
    let mut engine = Engine {
        config,
        inventory: Inventory::new(walk.files),
        table: Threads::new(&schema),
        comparison,
        schema,
        buffer: RefCell::default(),
        folders: Folders::default(),
        maintenance_patience: config.patience,
    };
    let maintenance = thread_locks::maintenance(config.context.home, config.patience).map(drop);
    let selected = family::expand(&engine, reader, progress)?;
    let (mut planned, mut preview) = (Vec::new(), Report::default());
    let mut kept = 0;
    progress.start("reading rollouts", Some(selected.len() as u64), None);
    for selected in selected {
        if config.context.is_interrupted() {
            break;
        }
        let mut one = match selected {
            Selected::Path(path) => Planned::of_malformed(path),
            Selected::Id(id) => {
                let row = reader.read(|connection| engine.table.get(connection, id))?;
                engine.load_names(row.is_none(), progress);
                engine.plan_one(id, row, None)
            }
        };
        if let (Verdict::Do(_), Some(id)) = (&one.verdict, one.id)
            && let Err(held) = maintenance
                .as_ref()
                .and(thread_locks::probe(config.context.home, id, config.patience).as_ref())
        {
            one.verdict = Verdict::Refused(Refusal::Locked(held.to_string()));
        }
        if config.context.is_interrupted() {
            // Its file may have been read by half.
            break;
        }
        if let Verdict::Do(task) = &one.verdict
            && let Some(new) = engine.row_to_be(task, SystemTime::from(config.context.now))
        {
            tally.change(task.row.as_ref(), Some(&new.row))?;
        }
        preview.add(one.outcome());
        kept += one.size();
        if kept > KEPT_BYTES {
            one.forget();
        }
        planned.push(one);
        progress.advance(1, 0);
    }
    progress.finish();
    Ok(Job { engine, planned, preview, tally })
}

impl Job<'_> {
    /// Whether anything is to be changed.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.planned.iter().any(Planned::has_work)
    }

    /// What [`Job::run`] would report.
    #[must_use]
    pub fn preview(self) -> Report {
        let Job { engine, preview, tally, .. } = self;
        let mut report = preview.end(tally);
        report.interrupted = engine.config.context.is_interrupted();
        report
    }

    /// Does it.
    #[must_use]
    pub fn run(self, writer: &mut Writer, progress: &dyn Progress) -> Report {
        let Job { mut engine, planned, mut tally, .. } = self;
        let mut report = Report::default();
        let what = match engine.config.direction {
            Direction::Archive => "archiving threads",
            Direction::Unarchive => "unarchiving threads",
        };
        progress.start(what, Some(planned.len() as u64), None);
        for planned in planned {
            if engine.config.context.is_interrupted() {
                report.interrupted = true;
                break;
            }
            let (outcome, stopped) = engine.apply(planned, writer);
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

    /// Interrupts the work when it has something to say.
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
    fn a_thread_that_was_being_read_when_the_interrupt_came_is_not_one_that_failed() {
        let home = tempfile::tempdir().unwrap();
        let database = home.path().join("state.sqlite");
        crate::db::create::create(&database, crate::db::create::NewSchema::Phase1).unwrap();
        // A new row would take its name from there: what cannot be read is warned of, just before the rollout is read.
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
        let config = Config {
            context,
            threads: &[Selected::Id(id)],
            direction: Direction::Archive,
            recursive: false,
            patience: Duration::ZERO,
        };
        let mut reader = Reader::open(&database, &OpenOptions::default()).unwrap();
        let report = plan(&config, &mut reader, &InterruptAtWarning(&interrupted)).unwrap().preview();
        assert!(report.interrupted, "the warning came");
        assert!(report.threads.is_empty(), "{:?}", report.threads);
        interrupted.store(false, Ordering::Relaxed);
        let report = plan(&config, &mut reader, &crate::progress::Silent).unwrap().preview();
        assert_eq!(report.count(Status::Done), 1, "{:?}", report.threads);
    }
}
