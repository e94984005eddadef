//! Finds threads that Codex or its app cannot resume or does not list, although row and rollout agree: by provider,
//! project and name.

use super::threads;
use crate::catalog::names::{FILE_NAME, Names};
use crate::db::names::{self, NamedThread};
use crate::db::schema::Schema;
use crate::db::{projects, providers};
use crate::home;
use crate::thread::ThreadId;
use crate::verify::finding::Finding;
use crate::verify::kinds::FindingKind;
use crate::verify::options::Depth;
use crate::verify::run::VerifyRun;
use std::collections::BTreeMap;
use std::time::Duration;

/// An active Codex writes a name to the database first, and to the index a moment later.
const MOMENT: Duration = Duration::from_millis(200);

impl VerifyRun<'_> {
    /// Counts the threads of each provider that Codex does not know.
    pub(super) fn judge_providers(&mut self, _schema: &Schema) -> anyhow::Result<()> {
        let Some(defined) = self.options.providers else { return Ok(()) };
        let counts: BTreeMap<String, u64> = match self.options.depth {
            Depth::Quick => self.survey.database.read(providers::count)?,
            Depth::Fields | Depth::Deep => {
                let noted = std::mem::take(&mut self.noted.providers).into_iter();
                noted.map(|(provider, threads)| (provider, threads.len() as u64)).collect()
            }
        };
        for (provider, n) in counts.into_iter().filter(|(provider, _)| !defined.defines(provider)) {
            let (are, them) = if n == 1 { ("is", "it") } else { ("are", "them") };
            let message = format!(
                "{} {are} of the provider \"{provider}\", which is neither built into Codex nor defined in config.toml, so \
                 that Codex cannot resume {them}: add a table [model_providers.{}]",
                threads(n),
                home::toml_key(&provider)
            );
            let path = self.options.context.home.join(home::CONFIG);
            self.report(Finding::new(FindingKind::UnknownProvider, message).at(path), None);
        }
        Ok(())
    }

    /// Counts, for each project, the threads that it lacks although only this project has their folders.
    pub(super) fn judge_projects(&mut self, schema: &Schema) -> anyhow::Result<()> {
        let found = self.survey.database.read(|connection| projects::unassigned(connection, schema))?;
        for project in found {
            let (belong, folders) = if project.threads == 1 {
                ("belongs", "its folder lies")
            } else {
                ("belong", "their folders lie")
            };
            let name = project.name.as_deref().unwrap_or(&project.project);
            let message = format!(
                "{} {belong} to no project though {folders} in the project \"{name}\" alone: the sidebar of the app does \
                 not show them there",
                threads(project.threads)
            );
            let finding = Finding::new(FindingKind::UnassignedProject, message);
            self.report(finding.at(self.survey.database.path()), None);
        }
        Ok(())
    }

    /// Counts the threads with a name that the session index lacks.
    pub(super) fn judge_names(&mut self, schema: &Schema) -> anyhow::Result<()> {
        let path = self.options.context.home.join(FILE_NAME);
        self.noted.untitled.sort_unstable();
        let Some(names) = self.survey.comparison.names.take() else { return Ok(()) };
        let mut unnamed = self.unnamed(schema, &names)?;
        drop(names);
        if !unnamed.is_empty() {
            std::thread::sleep(MOMENT);
            // The first reading warned if the index cannot be read.
            let Ok(names) = Names::read(self.options.context.home) else { return Ok(()) };
            let again = self.unnamed(schema, &names)?;
            unnamed.retain(|id| again.binary_search(id).is_ok());
        }
        if !unnamed.is_empty() {
            let names = match unnamed.len() {
                1 => "the name that 1 thread has".to_owned(),
                n => format!("the names that {n} threads have"),
            };
            let message = format!(
                "{FILE_NAME} lacks {names} in the database: older versions of Codex find a thread by name in this file alone"
            );
            self.report(Finding::new(FindingKind::IndexMissing, message).at(path), None);
        }
        Ok(())
    }

    /// Returns the threads that have a name in the database but none in the session index, in order.
    fn unnamed(&mut self, schema: &Schema, indexed: &Names) -> anyhow::Result<Vec<ThreadId>> {
        // Without the rollout, a title may also be an older derived one.
        let is_quick = self.options.depth == Depth::Quick;
        let untitled = &self.noted.untitled;
        let some = self.rows.named.as_deref();
        self.survey.database.read(|connection| -> anyhow::Result<_> {
            let mut unnamed = Vec::new();
            let take = |named: NamedThread<'_>| {
                let is_name = !named.is_title || !(is_quick || untitled.binary_search(&named.id).is_ok());
                if is_name && !indexed.contains(named.id) {
                    unnamed.push(named.id);
                }
            };
            names::for_each_of(connection, schema, some, take)?;
            unnamed.sort_unstable();
            Ok(unnamed)
        })
    }
}
