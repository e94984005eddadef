//! Advice about a thread that Codex's list hides, by reason: for the counts of `status`, and for one thread in
//! `show`.

use crate::cli::commands::App;
use crate::db::census::OTHERS;
use crate::db::shown::HiddenReason::{self, Archived};
use crate::home::{self, CodexConfig, Providers};
use std::path::Path;

/// The configuration that decides which providers Codex lists, and which it can use.
#[derive(Debug)]
pub(super) struct Ways<'a> {
    /// The home, if there is one.
    pub(super) home: Option<&'a Path>,
    /// The provider whose threads Codex lists.
    pub(super) default_provider: &'a str,
    /// True if an option of this run names that provider.
    pub(super) is_by_option: bool,
    /// The providers that Codex can use, as far as its configuration shows.
    pub(super) providers: Option<&'a Providers>,
}

impl<'a> Ways<'a> {
    /// Returns the configuration of a run. `home` is the home, if there is one.
    pub(super) fn of(
        app: &App,
        home: Option<&'a Path>,
        default_provider: &'a str,
        config: &'a CodexConfig,
    ) -> Ways<'a> {
        let is_by_option = app.global.default_provider.is_some();
        Ways { home, default_provider, is_by_option, providers: config.providers.as_ref() }
    }

    /// Returns why threads are hidden and what to do about it; `name` is their provider or source, if they share one.
    pub(super) fn way(&self, reason: HiddenReason, name: Option<&str>) -> String {
        match (reason, name) {
            (Archived, _) => "codex-state unarchive THREAD brings one back into the list".to_owned(),
            (HiddenReason::NoMessage, _) => "no message was sent in them yet".to_owned(),
            (HiddenReason::Provider, Some(name)) if self.is_undefined(name) => self.undefined(name),
            (HiddenReason::Provider, _) => self.lists_only(),
            (HiddenReason::Source, Some("subagent")) => "Codex lists threads that a person began".to_owned(),
            (HiddenReason::Source, _) => "Codex does not list this source".to_owned(),
        }
    }

    /// Describes which provider Codex lists, and why.
    pub(super) fn lists_only(&self) -> String {
        let because = match self.home.and_then(home::provider_line) {
            _ if self.is_by_option => "with --default-provider".to_owned(),
            Some(line) => format!("by line {line} of config.toml"),
            None => "config.toml sets no model_provider, so".to_owned(),
        };
        format!("{because} Codex lists threads of {} only", self.default_provider)
    }

    /// Returns true if Codex has no such provider.
    pub(super) fn is_undefined(&self, provider: &str) -> bool {
        !provider.is_empty()
            && provider != OTHERS
            && self.providers.is_some_and(|providers| !providers.defines(provider))
    }

    /// Describes which table is missing.
    pub(super) fn undefined(&self, provider: &str) -> String {
        format!(
            "config.toml lacks the table [model_providers.{}], without which Codex cannot open threads of it",
            home::toml_key(provider)
        )
    }
}
