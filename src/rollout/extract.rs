//! Folds the lines of a rollout into what they say of the thread, and the damage met on the way: always both.

use super::file_name::RolloutName;
use super::item::{HistoryBase, Item, SessionMeta, Settings, TurnContext, UserMessage};
use super::last_event::LastEvent;
use super::line::{self, Class, Damage, Parsed};
use super::reader::Line;
use crate::thread::merge::is_wrapper;
use crate::thread::{Git, HistoryMode, Millis, ThreadId};

/// In front of this in a message an editor has put context of its own.
const REQUEST_MARKER: &str = "## My request for Codex:";

/// The damage of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DamageReport {
    /// How many lines are damaged.
    pub n_lines: u64,
    /// The first of them.
    pub first: Option<DamagedLine>,
}

/// Where a damaged line is and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedLine {
    /// Line number, from 1.
    pub number: u64,
    /// Where the line begins, in bytes of the uncompressed file.
    pub offset: u64,
    /// What is wrong.
    pub damage: Damage,
}

/// How much is looked at beyond what the row needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Check that every line is JSON.
    pub deep: bool,
}

/// What the lines so far say. Fields that a row must have are filled in by [`Extract::finish`]'s caller.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// Id and beginning as the first session meta gives them, if its time parses.
    pub identity: Option<(ThreadId, Millis)>,
    /// The history mode of the first session meta.
    pub history_mode: HistoryMode,
    /// Where the history begins, by the first session meta.
    pub history_base: Option<HistoryBase>,
    /// See the columns of the same names; `None` where no line spoke.
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
    /// See the column.
    pub model: Option<String>,
    /// See the column.
    pub reasoning_effort: Option<String>,
    /// See the column.
    pub sandbox_policy: Option<String>,
    /// Whether the last turn named a `file_system_sandbox_policy`.
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
}

impl Facts {
    /// Puts what the history in front of this file says where it comes first.
    pub fn prepend(&mut self, base: Facts) {
        self.title = base.title.or(self.title.take());
        self.first_user_message = base.first_user_message.or(self.first_user_message.take());
        self.preview = base.preview.or(self.preview.take());
        self.tokens_used = self.tokens_used.or(base.tokens_used);
        self.has_user_event |= base.has_user_event;
        if let (Some((_, created_at)), Some((_, base_created_at))) = (&mut self.identity, base.identity) {
            *created_at = base_created_at;
        }
    }
}

/// The fold itself: lines go in, [`Facts`] come out.
#[derive(Debug)]
pub struct Extract {
    named: Option<ThreadId>,
    options: Options,
    facts: Facts,
    damage: DamageReport,
    /// Whether a session meta was seen, of whatever thread.
    has_meta: bool,
    /// Whether the file has the shape of 2025.
    bare: bool,
    /// Lines that are items of any type.
    n_items: u64,
    /// Lines that are not blank.
    n_lines: u64,
    last_event: LastEvent,
}

/// Everything a file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Extracted {
    /// What it says of its thread.
    pub facts: Facts,
    /// What is wrong with it.
    pub damage: DamageReport,
    /// Whether any line was an item.
    pub has_items: bool,
    /// Whether there was nothing but white space.
    pub is_blank: bool,
    /// The last line's timestamp, if any line has one.
    pub last_event_at: Option<Millis>,
}

impl Extract {
    /// Begins the fold of a file whose name is `name`, if it has one.
    #[must_use]
    pub fn new(name: Option<&RolloutName>, options: Options) -> Extract {
        Extract {
            named: name.map(|name| name.thread),
            options,
            facts: Facts::default(),
            damage: DamageReport::default(),
            has_meta: false,
            bare: false,
            n_items: 0,
            n_lines: 0,
            last_event: LastEvent::default(),
        }
    }

    /// Whether a line that begins so is worth being held whole: if it matters, or may.
    #[must_use]
    pub fn is_wanted(&self, beginning: &[u8]) -> bool {
        self.options.deep || line::glance(beginning) != Some(Class::Irrelevant)
    }

    /// Takes the next line.
    pub fn push(&mut self, line: &Line<'_>) {
        let mut bytes = line.bytes;
        if line.number == 1 {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        if line.last_byte.is_none() || bytes.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        self.n_lines += 1;
        self.last_event.push(bytes);
        if line.cut {
            return self.push_cut(line, bytes);
        }
        let Parsed { class, item, damage } = line::read(bytes, self.bare);
        match damage {
            // The last line of a file that a crash cut off is torn, whatever the parser stumbled over.
            Some(Damage::Unparsable(_)) if !line.terminated => self.note(line, Damage::Torn),
            Some(damage) => self.note(line, damage),
            None if item.is_some() => {}
            None if !line.terminated && !line::is_json(bytes) => self.note(line, Damage::Torn),
            None if self.options.deep && !line::is_json(bytes) => self.note(line, whole_line_damage(bytes)),
            None => {}
        }
        match class {
            Class::NoItem => {}
            Class::Irrelevant => self.n_items += 1,
            Class::Relevant(_) => self.n_items += u64::from(item.is_some() || self.is_complete(line, bytes)),
        }
        if let Some(item) = item {
            self.apply(item);
        }
    }

    fn is_complete(&self, line: &Line<'_>, bytes: &[u8]) -> bool {
        // A count without info, a blank goal: an item all the same, if it is whole.
        line.terminated && line::is_json(bytes)
    }

    fn push_cut(&mut self, line: &Line<'_>, beginning: &[u8]) {
        if line::glance(beginning) == Some(Class::Irrelevant) {
            self.n_items += 1;
            if self.options.deep && line.last_byte != Some(b'}') {
                self.note(line, Damage::TooLong);
            } else if !line.terminated && line.last_byte != Some(b'}') {
                self.note(line, Damage::Torn);
            }
        } else {
            self.note(line, Damage::TooLong);
        }
    }

    fn note(&mut self, line: &Line<'_>, damage: Damage) {
        self.damage.n_lines += 1;
        self.damage.first.get_or_insert(DamagedLine { number: line.number, offset: line.offset, damage });
    }

    /// Ends the fold.
    #[must_use]
    pub fn finish(self) -> Extracted {
        Extracted {
            facts: self.facts,
            damage: self.damage,
            has_items: self.n_items > 0,
            is_blank: self.n_lines == 0,
            last_event_at: self.last_event.time(),
        }
    }

    fn apply(&mut self, item: Item) {
        match item {
            Item::SessionMeta(meta) => self.session_meta(*meta),
            Item::BareMeta(meta) => self.bare_meta(*meta),
            Item::TurnContext(turn) => self.turn_context(*turn),
            Item::UserMessage(message) => self.user_message(&message),
            Item::BareUserMessage(text) if is_wrapper(&text) => {}
            Item::BareUserMessage(text) => self.user_message(&UserMessage { text, ..UserMessage::default() }),
            Item::TokenCount(total) => self.facts.tokens_used = Some(total),
            Item::Goal(objective) => {
                self.facts.preview.get_or_insert(objective);
            }
            Item::Settings(settings) => self.settings(*settings),
        }
    }

    fn session_meta(&mut self, meta: SessionMeta) {
        if !self.has_meta {
            self.has_meta = true;
            self.facts.identity = meta.id.zip(meta.timestamp);
            self.facts.history_mode = HistoryMode::from_meta(meta.history_mode.as_deref());
            self.facts.history_base = meta.history_base;
        }
        let row_id = self.facts.identity.map(|(id, _)| id).or(self.named);
        if meta.id.is_none() || meta.id != row_id {
            return;
        }
        let facts = &mut self.facts;
        facts.source = meta.source.filter(|source| !source.is_empty());
        facts.thread_source = meta.thread_source;
        facts.agent_nickname = meta.agent_nickname;
        facts.agent_role = meta.agent_role.or(meta.agent_type);
        facts.agent_path = meta.agent_path;
        replace_if_filled(&mut facts.model_provider, meta.model_provider);
        replace_if_filled(&mut facts.cli_version, meta.cli_version);
        replace_if_filled(&mut facts.cwd, meta.cwd);
        if let Some(git) = meta.git {
            facts.git = git;
        }
        facts.memory_mode = meta.memory_mode.or(facts.memory_mode.take());
    }

    /// The bare meta of 2025 can only be the first line; anywhere else such an object is no item.
    fn bare_meta(&mut self, meta: SessionMeta) {
        if self.n_lines == 1 && meta.id.is_some() {
            self.bare = true;
            self.session_meta(meta);
        } else {
            self.n_items -= 1;
        }
    }

    fn turn_context(&mut self, turn: TurnContext) {
        let facts = &mut self.facts;
        if facts.cwd.is_none() {
            replace_if_filled(&mut facts.cwd, turn.cwd);
        }
        replace_if_filled(&mut facts.model, turn.model);
        facts.reasoning_effort = turn.effort;
        if let Some(policy) = turn.permission_profile.or(turn.sandbox_policy) {
            facts.sandbox_policy = Some(policy);
            facts.any_sandbox_profile = turn.file_system_sandbox_policy.is_some();
        }
        replace_if_filled(&mut facts.approval_mode, turn.approval_policy);
    }

    fn settings(&mut self, settings: Settings) {
        let facts = &mut self.facts;
        replace_if_filled(&mut facts.model, settings.model);
        replace_if_filled(&mut facts.model_provider, settings.model_provider_id);
        replace_if_filled(&mut facts.cwd, settings.cwd);
        facts.reasoning_effort = settings.reasoning_effort;
        if settings.permission_profile.is_some() {
            facts.sandbox_policy = settings.permission_profile;
            facts.any_sandbox_profile = false;
        }
        replace_if_filled(&mut facts.approval_mode, settings.approval_policy);
    }

    fn user_message(&mut self, message: &UserMessage) {
        let facts = &mut self.facts;
        facts.has_user_event = true;
        let text = strip_context(&message.text);
        let text = (!text.is_empty()).then_some(text);
        if facts.title.is_none() {
            facts.title = text.map(str::to_owned);
        }
        if facts.first_user_message.is_some() && facts.preview.is_some() {
            return;
        }
        let placeholder = match (message.has_image, message.has_audio) {
            (true, _) => Some("[Image]"),
            (false, true) => Some("[Audio]"),
            (false, false) => None,
        };
        if let Some(shown) = text.or(placeholder) {
            facts.first_user_message.get_or_insert_with(|| shown.to_owned());
            facts.preview.get_or_insert_with(|| shown.to_owned());
        }
    }
}

fn whole_line_damage(line: &[u8]) -> Damage {
    match std::str::from_utf8(line) {
        Err(_) => Damage::NoUtf8,
        Ok(text) => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Err(error) => line::unparsable(&error),
            Ok(_) => Damage::NoUtf8,
        },
    }
}

fn replace_if_filled(field: &mut Option<String>, value: Option<String>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        *field = Some(value);
    }
}

/// A message without what an editor put in front of it.
fn strip_context(text: &str) -> &str {
    match text.find(REQUEST_MARKER) {
        Some(at) => text[at + REQUEST_MARKER.len()..].trim(),
        None => text.trim(),
    }
}
