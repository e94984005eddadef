//! The facts about a thread from the items of its rollout: each kind of item changes them by one rule. It knows no
//! lines, no files and no rows.

use super::environment::EnvironmentBlock;
use super::item::{HistoryBase, SessionMeta, Settings, TurnContext, UserMessage};
use crate::thread::{Millis, ThreadId, ThreadMetadata};

/// The marker in a message; an editor wrote its own context before it.
const REQUEST_MARKER: &str = "## My request for Codex:";

/// The facts from the lines so far. The reader of the file adds the other values of a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RolloutFacts {
    /// Id and start of the thread from the first session meta, if its time parses.
    pub identity: Option<(ThreadId, Millis)>,
    /// The start of the history before this file, which is the start of the thread.
    pub history_began_at: Option<Millis>,
    /// The working directory and the provider of the thread's first session meta, which git and memory edits repeat.
    first_meta: Option<(Option<String>, Option<String>)>,
    /// The start of the history, from the first session meta.
    pub history_base: Option<HistoryBase>,
    /// All working directories in the lines, the latest 64 of them.
    pub folders: Vec<String>,
    /// The values of the row. A text that no line sets is empty, also where the row has another default.
    pub thread: ThreadMetadata,
}

/// Maximum number of remembered working directories of a thread.
const N_FOLDERS: usize = 64;

impl RolloutFacts {
    /// Takes a session meta of the thread itself.
    pub(super) fn own_meta(&mut self, meta: SessionMeta) {
        let thread = &mut self.thread;
        thread.source = meta.source.unwrap_or_default();
        thread.thread_source = meta.thread_source;
        thread.agent_nickname = meta.agent_nickname;
        thread.agent_role = meta.agent_role.or(meta.agent_type);
        thread.agent_path = meta.agent_path;
        replace_if_filled(&mut thread.cli_version, meta.cli_version);
        // Git and memory edits append a copy of the first meta; settings applied in between must stay.
        let is_first = self.first_meta.is_none();
        let (cwd, provider) = self.first_meta.get_or_insert((meta.cwd.clone(), meta.model_provider.clone()));
        let (is_new_cwd, is_new_provider) =
            (is_first || *cwd != meta.cwd, is_first || *provider != meta.model_provider);
        if is_new_cwd {
            self.note_folder(meta.cwd, true);
        }
        if is_new_provider {
            replace_if_filled(&mut self.thread.model_provider, meta.model_provider);
        }
        if let Some(git) = meta.git {
            self.thread.git = git;
        }
        replace_if_filled(&mut self.thread.memory_mode, meta.memory_mode);
        for (field, value) in [
            (&mut self.thread.originator, meta.originator),
            (&mut self.thread.creator_user_id, meta.creator_user_id),
            (&mut self.thread.creator_account_id, meta.creator_account_id),
        ] {
            if field.is_none() {
                *field = value.filter(|value| !value.is_empty());
            }
        }
    }

    /// Takes a turn context; the last one determines the thread's settings.
    pub(super) fn turn_context(&mut self, turn: TurnContext) {
        self.note_folder(turn.cwd, self.thread.cwd.is_empty());
        replace_if_filled(&mut self.thread.model, turn.model);
        self.thread.reasoning_effort = turn.effort;
        let (policy, other) = match turn.permission_profile {
            None => (turn.sandbox_policy, None),
            profile => (profile, turn.sandbox_policy),
        };
        if let Some(policy) = policy {
            self.thread.sandbox_policy = policy;
            self.thread.other_sandbox_policy = other;
            self.thread.any_sandbox_profile = turn.file_system_sandbox_policy.is_some();
        }
        replace_if_filled(&mut self.thread.approval_mode, turn.approval_policy);
    }

    /// Takes settings that replace those of earlier turns.
    pub(super) fn settings(&mut self, settings: Settings) {
        replace_if_filled(&mut self.thread.model, settings.model);
        replace_if_filled(&mut self.thread.model_provider, settings.model_provider_id);
        self.note_folder(settings.cwd, true);
        self.thread.reasoning_effort = settings.reasoning_effort;
        if let Some(profile) = settings.permission_profile {
            self.thread.sandbox_policy = profile;
            self.thread.other_sandbox_policy = None;
            self.thread.any_sandbox_profile = false;
        }
        replace_if_filled(&mut self.thread.approval_mode, settings.approval_policy);
    }

    /// Takes a message of the user; the first one with text becomes the title.
    pub(super) fn user_message(&mut self, message: &UserMessage) {
        self.thread.has_user_event = true;
        let text = strip_context(&message.text);
        set_if_empty(&mut self.thread.title, text);
        let shown = match (text, message.has_image, message.has_audio) {
            ("", true, _) => "[Image]",
            ("", false, true) => "[Audio]",
            _ => text,
        };
        set_if_empty(&mut self.thread.first_user_message, shown);
        set_if_empty(&mut self.thread.preview, shown);
    }

    /// Takes the values of an environment block of 2025. Its folder is used only if no line has set one yet; its
    /// policies replace earlier ones.
    pub(super) fn environment(&mut self, text: &str) {
        let environment = EnvironmentBlock::parse(text);
        self.note_folder(environment.cwd, self.thread.cwd.is_empty());
        replace_if_filled(&mut self.thread.approval_mode, environment.approval_policy);
        replace_if_filled(&mut self.thread.sandbox_policy, environment.sandbox_policy);
    }

    /// Records a working directory, which is the thread's if it `counts`.
    fn note_folder(&mut self, folder: Option<String>, counts: bool) {
        let Some(folder) = folder.filter(|folder| !folder.is_empty()) else { return };
        if !self.folders.contains(&folder) {
            if self.folders.len() >= N_FOLDERS {
                self.folders.remove(0);
            }
            self.folders.push(folder.clone());
        }
        if counts {
            self.thread.cwd = folder;
        }
    }
}

/// The facts from the rollouts that come before a file, which the file continues, and the thread: metas of other threads
/// in these rollouts do not count.
pub type History<'a> = (&'a RolloutFacts, Option<ThreadId>);

pub(super) fn replace_if_filled(field: &mut impl From<String>, value: Option<String>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        *field = value.into();
    }
}

pub(super) fn set_if_empty(field: &mut String, text: &str) {
    if field.is_empty() {
        *field = text.to_owned();
    }
}

/// Returns a message without the context that an editor wrote before it.
fn strip_context(text: &str) -> &str {
    match text.find(REQUEST_MARKER) {
        Some(at) => text[at + REQUEST_MARKER.len()..].trim(),
        None => text.trim(),
    }
}
