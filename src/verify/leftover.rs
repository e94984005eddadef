//! Judges what remains when every rollout has been compared: rows without a file, rows without a valid id, and
//! threads that only the session index knows.

use super::finding::{FieldDifference, Finding, RolloutState};
use super::judge;
use super::kinds::FindingKind;
use super::options::Depth;
use super::run::VerifyRun;
use crate::catalog::forms::{self, Forms};
use crate::catalog::names::{FILE_NAME, Names};
use crate::catalog::paths;
use crate::catalog::walk::{self, RolloutFile};
use crate::db::schema::Schema;
use crate::db::threads::{self, ThreadStatements};
use crate::home;
use crate::rollout::file_name;
use crate::survey::BATCH_THREADS;
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{Col, Row};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Number of whole rows read in one transaction; few, because no file bounds their size.
const BATCH: usize = 32;

impl VerifyRun<'_> {
    /// Judges the rows of threads that no file contains, neither in its name nor in its contents.
    pub(super) fn judge_leftover(&mut self) -> anyhow::Result<()> {
        self.judge_odd()?;
        let left: Vec<ThreadId> = std::mem::take(&mut self.rows.without_file).into_iter().collect();
        self.survey.progress.start("looking at rows without a rollout", Some(left.len() as u64), None);
        for (n, chunk) in left.chunks(BATCH).enumerate() {
            if self.options.context.is_interrupted() {
                // Rows that were not examined do not count as agreeing.
                self.flagged.extend(&left[n * BATCH..]);
                break;
            }
            let mut doubtful = Vec::new();
            for (id, row) in chunk.iter().zip(self.survey.rows(chunk)?) {
                let Some(row) = row else { continue };
                let findings = self.judge_row(*id, &row)?;
                if row.text(Col::RolloutPath).is_some_and(|path| self.reach.absent.count(Path::new(path))) {
                    self.reach.not_compared.insert(*id, true);
                }
                if !findings.is_empty() {
                    doubtful.push((*id, findings));
                }
            }
            self.confirm_rows(doubtful)?;
            self.survey.progress.advance(chunk.len() as u64, 0);
        }
        self.survey.progress.finish();
        Ok(())
    }

    /// Reports the findings about rows that are the same at a second look. If they changed, another program is moving
    /// the file.
    fn confirm_rows(&mut self, doubtful: Vec<(ThreadId, Vec<Finding>)>) -> anyhow::Result<()> {
        // A home may have lost a million files, so a row without one is judged only once. Afterwards its path must be
        // the same, and still lead nowhere.
        let is_gone = |findings: &[Finding]| matches!(findings, [only] if only.rollout == RolloutState::Gone);
        let (gone, others): (Vec<_>, Vec<_>) =
            doubtful.into_iter().partition(|(_, findings)| is_gone(findings));
        let paths = self.survey.database.read(|connection| {
            gone.iter().map(|(id, _)| threads::rollout_path(connection, *id)).collect::<Result<Vec<_>, _>>()
        })?;
        for ((id, findings), path) in gone.into_iter().zip(paths) {
            if path.is_some_and(|path| findings[0].path.as_ref() == Some(&path) && self.leads_nowhere(&path))
            {
                findings.into_iter().for_each(|finding| self.report(finding, Some(id)));
            }
        }
        let ids: Vec<ThreadId> = others.iter().map(|(id, _)| *id).collect();
        for ((id, seen), row) in others.into_iter().zip(self.survey.rows(&ids)?) {
            let Some(row) = row else { continue };
            if self.judge_row(id, &row)? == seen {
                seen.into_iter().for_each(|finding| self.report(finding, Some(id)));
            }
        }
        Ok(())
    }

    /// Returns true if there is certainly no file at a row's path, in either form.
    fn leads_nowhere(&self, path: &Path) -> bool {
        let Some(path) = home::row_path(self.options.context.home, path) else { return true };
        matches!(forms::try_exist(&path), [Ok(false), Ok(false)])
    }

    /// Reports, in a quick look, the cells that break Codex's whole listing. The other depths compare every column.
    pub(super) fn judge_cells(&mut self, schema: &Schema) -> anyhow::Result<()> {
        let table = ThreadStatements::new(schema);
        let mut broken = std::mem::take(&mut self.rows.broken);
        broken.retain(|id| !self.flagged.contains(id));
        for id in broken {
            let Some(row) = self.survey.database.read(|connection| table.get(connection, id))? else {
                continue;
            };
            let Some(finding) = judge::unreadable_cells(&row) else { continue };
            let rollout = match self.survey.inventory.range_of(id).is_empty() {
                true => RolloutState::Unusable,
                false => RolloutState::Usable,
            };
            let path = row.text(Col::RolloutPath).filter(|path| !path.is_empty()).map(PathBuf::from);
            self.report(Finding { rollout, path, ..finding }.of(Some(id)), Some(id));
        }
        Ok(())
    }

    fn judge_row(&mut self, id: ThreadId, row: &Row) -> anyhow::Result<Vec<Finding>> {
        let path = row.text(Col::RolloutPath).filter(|path| !path.is_empty());
        let found = match path {
            None => Some(Finding::new(FindingKind::MissingFile, "the row names no rollout")),
            // Reported once for the folder.
            Some(path) if self.reach.absent.hold(Path::new(path)) => None,
            Some(path) => self.judge_path(id, Path::new(path), row)?,
        };
        let cells = judge::unreadable_cells(row);
        let about = |finding: Finding| {
            let path = finding.path.clone().or(path.map(PathBuf::from));
            Finding { path, ..finding }.of(Some(id))
        };
        Ok(found.into_iter().chain(cells).map(about).collect())
    }

    /// Judges the path in the row of a thread that no file contains.
    fn judge_path(&mut self, id: ThreadId, path: &Path, row: &Row) -> anyhow::Result<Option<Finding>> {
        let Some(named) = home::row_path(self.options.context.home, path) else {
            return Ok(Some(self.judge_gone(id, path, row)));
        };
        let path = &*named;
        let there = match forms::try_exist(path) {
            [Ok(true), _] => path,
            [_, Ok(true)] => &forms::other_form(path),
            [Ok(false), Ok(false)] => return Ok(Some(self.judge_gone(id, path, row))),
            // A folder of the home that cannot be read is a separate finding.
            _ if path.starts_with(self.options.context.home) => {
                self.reach.not_compared.insert(id, true);
                return Ok(None);
            }
            _ => {
                let message = "the rollout lies outside of this home, where it cannot be looked at";
                return Ok(Some(Finding::new(FindingKind::OutsideHome, message)));
            }
        };
        if let Some(file) = paths::locate(self.survey.inventory, there) {
            let Some(owner) = self.owner(file).filter(|owner| *owner != id) else { return Ok(None) };
            return Ok(Some(match self.also_of(id, there)? {
                Some(other) => {
                    let finding = judge::duplicate_path(other).at(self.file(file).path());
                    finding.with(vec![field(row, Col::RolloutPath, Cell::Null)])
                }
                None => {
                    let message = format!("the rollout is gone: what the row names is of thread {owner}");
                    Finding::new(FindingKind::MissingFile, message)
                }
            }));
        }
        if !self.reach.roots.contain(there) {
            return Ok(Some(Finding::new(FindingKind::OutsideHome, judge::OUTSIDE)));
        }
        // A rollout that the walk did not find was created later, and so was its row.
        let is_rollout = paths::name_in_row(there).and_then(file_name::parse).is_some();
        Ok((!is_rollout)
            .then(|| Finding::new(FindingKind::OutsideHome, "the row's path is not a rollout file name")))
    }

    /// Judges a row whose path leads to no file. The file may have been moved after the walk; then it is not lost.
    fn judge_gone(&self, id: ThreadId, path: &Path, row: &Row) -> Finding {
        let name = paths::name_in_row(path).and_then(file_name::parse).and_then(|named| named.name);
        if let Some(name) = name.filter(|name| name.thread == id) {
            let home = self.options.context.home;
            let folders =
                [home.join(walk::ACTIVE), home.join(walk::ARCHIVED), walk::active_folder(home, name)];
            let looked_at = Forms::of(path);
            let names = [false, true].map(|compressed| name.to_file_name(compressed));
            let places = folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name)));
            for place in places.filter(|place| !looked_at.each().contains(&&**place)) {
                let Some(file) = RolloutFile::at(home, &place) else { continue };
                let new_path = field(row, Col::RolloutPath, place.to_string_lossy().as_ref().into());
                if row.integer(Col::Archived) == Some(i64::from(file.is_archived())) {
                    return judge::moved(path).at(place).with(vec![new_path]);
                }
                let flag = field(row, Col::Archived, file.is_archived().into());
                let message = "the archived flag and the folder disagree";
                let finding = Finding::new(FindingKind::ArchiveMismatch, message).at(place);
                return finding.with(vec![new_path, flag]);
            }
        }
        let finding = Finding::new(FindingKind::MissingFile, "the rollout is gone");
        Finding { rollout: RolloutState::Gone, ..finding }
    }

    /// Judges the rows without a valid id, or with an id in another spelling than the one used in look-ups.
    fn judge_odd(&mut self) -> anyhow::Result<()> {
        if self.rows.n_without_id > 0 {
            let field = FieldDifference { col: Col::Id, database: Cell::Null, file: Cell::Null };
            for _ in 0..self.rows.n_without_id {
                self.report(Finding::new(FindingKind::FieldMismatch, "").with(vec![field.clone()]), None);
            }
        }
        for id in std::mem::take(&mut self.rows.odd) {
            let table = &self.survey.table;
            let Some(row) = self.survey.database.read(|connection| table.get_odd(connection, &id))? else {
                continue;
            };
            let text = id.as_text().map(str::to_owned);
            let file = text.as_deref().and_then(ThreadId::parse);
            let file = Cell::optional_text(file.map(|id| id.to_string()).as_deref());
            let mut fields = vec![FieldDifference { col: Col::Id, database: id, file }];
            let others = judge::unreadable_cells(&row).into_iter().flat_map(|finding| finding.fields);
            fields.extend(others.filter(|field| field.col != Col::Id));
            let path = row.text(Col::RolloutPath).map(PathBuf::from);
            let finding = Finding {
                thread_id: text,
                path,
                rollout: RolloutState::Unusable,
                ..Finding::new(FindingKind::FieldMismatch, "")
            };
            self.report(finding.with(fields), None);
        }
        Ok(())
    }

    /// Reports the threads in the session index that have neither a file nor a row.
    pub(super) fn judge_index(&mut self, names: &Names) -> anyhow::Result<()> {
        let path = self.options.context.home.join(FILE_NAME);
        let misnamed: BTreeSet<ThreadId> = match self.options.depth {
            Depth::Quick => BTreeSet::new(),
            Depth::Fields | Depth::Deep => self.survey.misnamed.threads().collect(),
        };
        let inventory = self.survey.inventory;
        let without_file = names.threads(|id| inventory.range_of(id).is_empty() && !misnamed.contains(&id));
        for ids in without_file.chunks(BATCH_THREADS) {
            for id in
                self.survey.database.read(|connection| ThreadStatements::without_row(connection, ids))?
            {
                // Another program may have removed the name meanwhile.
                let Some(name) = names.get(id) else { continue };
                let message = format!("named \"{name}\", without a rollout and a row");
                self.report(Finding::new(FindingKind::IndexOrphan, message).of(Some(id)).at(&path), None);
            }
        }
        Ok(())
    }
}

fn field(row: &Row, col: Col, file: Cell) -> FieldDifference {
    FieldDifference { col, database: row.get(col).cloned().unwrap_or(Cell::Null), file }
}
