//! The facts about a thread from the items of its rollout: each kind of item changes them by one rule. It knows no
//! lines, no files and no rows.

use super::environment::EnvironmentBlock;
use super::item::{HistoryBase, SessionMeta, Settings, TurnContext, UserMessage};
use crate::thread::{Git, HistoryMode, Millis, ThreadId};

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
    /// The history mode of the first session meta.
    pub history_mode: HistoryMode,
    /// The start of the history, from the first session meta.
    pub history_base: Option<HistoryBase>,
    /// See the column of the same name; `None` if no line sets it.
    pub source: Option<String>,
    /// See the column.
    pub thread_source: Option<String>,
    /// See the column.
    pub agent_nickname: Option<String>,
    /// See the column.
    pub agent_role: Option<String>,
    /// See the column.
    pub agent_path: Option<String>,
    /// See the column.
    pub model_provider: Option<String>,
    /// See the column.
    pub cli_version: Option<String>,
    /// See the column; not canonical yet.
    pub cwd: Option<String>,
    /// All working directories in the lines, the latest 64 of them.
    pub folders: Vec<String>,
    /// See the column.
    pub model: Option<String>,
    /// See the column.
    pub reasoning_effort: Option<String>,
    /// See the column.
    pub sandbox_policy: Option<String>,
    /// The old policy beside the permission profile of the same line.
    pub other_sandbox_policy: Option<String>,
    /// True if the last turn has a `file_system_sandbox_policy`.
    pub any_sandbox_profile: bool,
    /// See the column.
    pub approval_mode: Option<String>,
    /// The git columns.
    pub git: Git,
    /// See the column.
    pub memory_mode: Option<String>,
    /// See the column.
    pub tokens_used: Option<i64>,
    /// See the column.
    pub title: Option<String>,
    /// See the column.
    pub first_user_message: Option<String>,
    /// See the column.
    pub preview: Option<String>,
    /// See the column.
    pub has_user_event: bool,
    /// Time when the last task began.
    pub task_started_at: Option<Millis>,
    /// See the column.
    pub originator: Option<String>,
    /// See the column.
    pub creator_user_id: Option<String>,
    /// See the column.
    pub creator_account_id: Option<String>,
    /// The thread's last name in the file.
    pub name: Option<String>,
    /// True if a line before the first message is lost.
    pub lacks_first_lines: bool,
    /// True if a line after the last count is lost, which may have been another count.
    pub lacks_last_count: bool,
}

/// Maximum number of remembered working directories of a thread.
const N_FOLDERS: usize = 64;

impl RolloutFacts {
    /// Takes a session meta of the thread itself.
    pub(super) fn own_meta(&mut self, meta: SessionMeta) {
        self.source = meta.source;
        self.thread_source = meta.thread_source;
        self.agent_nickname = meta.agent_nickname;
        self.agent_role = meta.agent_role.or(meta.agent_type);
        self.agent_path = meta.agent_path;
        replace_if_filled(&mut self.cli_version, meta.cli_version);
        // Git and memory edits append a copy of the first meta; settings applied in between must stay.
        let is_first = self.first_meta.is_none();
        let (cwd, provider) = self.first_meta.get_or_insert((meta.cwd.clone(), meta.model_provider.clone()));
        let (is_new_cwd, is_new_provider) =
            (is_first || *cwd != meta.cwd, is_first || *provider != meta.model_provider);
        if is_new_cwd {
            self.set_folder(meta.cwd);
        }
        if is_new_provider {
            replace_if_filled(&mut self.model_provider, meta.model_provider);
        }
        if let Some(git) = meta.git {
            self.git = git;
        }
        replace_if_filled(&mut self.memory_mode, meta.memory_mode);
        for (field, value) in [
            (&mut self.originator, meta.originator),
            (&mut self.creator_user_id, meta.creator_user_id),
            (&mut self.creator_account_id, meta.creator_account_id),
        ] {
            if field.is_none() {
                *field = value.filter(|value| !value.is_empty());
            }
        }
    }

    /// Takes a turn context; the last one determines the thread's settings.
    pub(super) fn turn_context(&mut self, turn: TurnContext) {
        match turn.cwd {
            cwd if self.cwd.is_none() => self.set_folder(cwd),
            Some(cwd) => self.note_folder(&cwd),
            None => {}
        }
        replace_if_filled(&mut self.model, turn.model);
        self.reasoning_effort = turn.effort;
        let (policy, other) = match (turn.permission_profile, turn.sandbox_policy) {
            (Some(profile), policy) => (Some(profile), policy),
            (None, policy) => (policy, None),
        };
        if let Some(policy) = policy {
            self.sandbox_policy = Some(policy);
            self.other_sandbox_policy = other;
            self.any_sandbox_profile = turn.file_system_sandbox_policy.is_some();
        }
        replace_if_filled(&mut self.approval_mode, turn.approval_policy);
    }

    /// Takes settings that replace those of earlier turns.
    pub(super) fn settings(&mut self, settings: Settings) {
        replace_if_filled(&mut self.model, settings.model);
        replace_if_filled(&mut self.model_provider, settings.model_provider_id);
        self.set_folder(settings.cwd);
        self.reasoning_effort = settings.reasoning_effort;
        if settings.permission_profile.is_some() {
            self.sandbox_policy = settings.permission_profile;
            self.other_sandbox_policy = None;
            self.any_sandbox_profile = false;
        }
        replace_if_filled(&mut self.approval_mode, settings.approval_policy);
    }

    /// Takes a message of the user; the first one with text becomes the title.
    pub(super) fn user_message(&mut self, message: &UserMessage) {
        self.has_user_event = true;
        let text = strip_context(&message.text);
        let text = (!text.is_empty()).then_some(text);
        if self.title.is_none() {
            self.title = text.map(str::to_owned);
        }
        if self.first_user_message.is_some() && self.preview.is_some() {
            return;
        }
        let placeholder = match (message.has_image, message.has_audio) {
            (true, _) => Some("[Image]"),
            (false, true) => Some("[Audio]"),
            (false, false) => None,
        };
        if let Some(shown) = text.or(placeholder) {
            self.first_user_message.get_or_insert_with(|| shown.to_owned());
            self.preview.get_or_insert_with(|| shown.to_owned());
        }
    }

    /// Takes the values of an environment block of 2025. Its folder is used only if no line has set one yet; its
    /// policies replace earlier ones.
    pub(super) fn environment(&mut self, text: &str) {
        let environment = EnvironmentBlock::parse(text);
        if self.cwd.is_none() {
            self.set_folder(environment.cwd.clone());
        }
        if let Some(folder) = environment.cwd {
            self.note_folder(&folder);
        }
        replace_if_filled(&mut self.approval_mode, environment.approval_policy);
        replace_if_filled(&mut self.sandbox_policy, environment.sandbox_policy);
    }

    fn note_folder(&mut self, folder: &str) {
        if folder.is_empty() || self.folders.iter().any(|known| known == folder) {
            return;
        }
        if self.folders.len() >= N_FOLDERS {
            self.folders.remove(0);
        }
        self.folders.push(folder.to_owned());
    }

    fn set_folder(&mut self, folder: Option<String>) {
        if let Some(folder) = folder.filter(|folder| !folder.is_empty()) {
            self.note_folder(&folder);
            self.cwd = Some(folder);
        }
    }
}

/// The facts from the rollouts that come before a file, which the file continues.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// All facts about the thread.
    pub facts: RolloutFacts,
    /// The thread: metas of other threads in these rollouts do not count.
    pub thread: Option<ThreadId>,
}

pub(super) fn replace_if_filled(field: &mut Option<String>, value: Option<String>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        *field = Some(value);
    }
}

/// Returns a message without the context that an editor wrote before it.
fn strip_context(text: &str) -> &str {
    match text.find(REQUEST_MARKER) {
        Some(at) => text[at + REQUEST_MARKER.len()..].trim(),
        None => text.trim(),
    }
}
