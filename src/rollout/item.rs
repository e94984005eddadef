//! The items of a rollout that matter for its thread, as typed values. Each field is read as leniently as possible,
//! so that an irrelevant part never spoils the line.

use super::fields::{
    self, git, is_filled, lenient, required_thread_id, text, thread_id, time, word_or_object,
};
use super::plain;
use super::resume::ResumeFields;
use crate::thread::{Git, Millis, ThreadId};
use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One item, with the fields that matter.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A `session_meta` line.
    SessionMeta(Box<SessionMeta>),
    /// A `turn_context` line.
    TurnContext(Box<TurnContext>),
    /// A message of the user, from either of the two events that carry one.
    UserMessage(UserMessage),
    /// The total of a `token_count`; a negative one is replaced by 0.
    TokenCount(i64),
    /// A goal's objective, trimmed and not empty.
    Goal(String),
    /// A `thread_settings_applied` event.
    Settings(Box<Settings>),
    /// A task began; only the line's time matters.
    TaskStarted,
    /// A `thread_name_updated` event.
    Name(ThreadName),
    /// The input of a delegation, which is the preview of a thread started by another one.
    Delegation(String),
    /// The first line of a file of 2025: the bare meta object.
    BareMeta(Box<SessionMeta>),
    /// A user's message item in a file of 2025.
    BareUserMessage(String),
}

/// The fields of a session meta.
#[derive(Debug, Clone, PartialEq, Default, serde::Deserialize)]
#[serde(default)]
pub struct SessionMeta {
    /// Id of the thread that the meta belongs to.
    #[serde(deserialize_with = "thread_id")]
    pub id: Option<ThreadId>,
    /// Time when that thread began; `None` if it does not parse.
    #[serde(deserialize_with = "time")]
    pub timestamp: Option<Millis>,
    /// Working directory.
    #[serde(deserialize_with = "text")]
    pub cwd: Option<String>,
    /// Version of Codex.
    #[serde(deserialize_with = "text")]
    pub cli_version: Option<String>,
    /// A word, or compact JSON.
    #[serde(deserialize_with = "word_or_object")]
    pub source: Option<String>,
    /// The kind of requester of the thread.
    #[serde(deserialize_with = "text")]
    pub thread_source: Option<String>,
    /// Provider of the model.
    #[serde(deserialize_with = "text")]
    pub model_provider: Option<String>,
    /// Nickname of a spawned agent.
    #[serde(deserialize_with = "text")]
    pub agent_nickname: Option<String>,
    /// Role of a spawned agent.
    #[serde(deserialize_with = "text")]
    pub agent_role: Option<String>,
    /// The older name of `agent_role`.
    #[serde(deserialize_with = "text")]
    pub agent_type: Option<String>,
    /// Path of a spawned agent.
    #[serde(deserialize_with = "text")]
    pub agent_path: Option<String>,
    /// Git facts, if the line has a `git` object.
    #[serde(deserialize_with = "git")]
    pub git: Option<Git>,
    /// `legacy`, `paginated` or another word.
    #[serde(deserialize_with = "text")]
    pub history_mode: Option<String>,
    /// `enabled`, `disabled`, …
    #[serde(deserialize_with = "text")]
    pub memory_mode: Option<String>,
    /// The program that started the thread.
    #[serde(deserialize_with = "text")]
    pub originator: Option<String>,
    /// The user who started the thread.
    #[serde(deserialize_with = "text")]
    pub creator_user_id: Option<String>,
    /// The account of that user.
    #[serde(deserialize_with = "text")]
    pub creator_account_id: Option<String>,
    /// The start of the thread's history, if it is not in this file.
    #[serde(deserialize_with = "lenient")]
    pub history_base: Option<HistoryBase>,
    /// The fields that decide whether Codex can resume the thread, if the line was plain JSON.
    #[serde(skip)]
    pub resume: Option<Box<ResumeFields>>,
}

/// The beginning of another rollout, which comes before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub struct HistoryBase {
    /// Id of the rollout (not the thread, despite the name of the key).
    #[serde(rename = "thread_id", deserialize_with = "required_thread_id")]
    pub rollout: ThreadId,
    /// Number of its bytes, uncompressed.
    pub end_byte_offset: u64,
}

/// The fields of a turn context.
#[derive(Debug, Clone, PartialEq, Default, serde::Deserialize)]
#[serde(default)]
pub struct TurnContext {
    /// Working directory.
    #[serde(deserialize_with = "text")]
    pub cwd: Option<String>,
    /// Model.
    #[serde(deserialize_with = "text")]
    pub model: Option<String>,
    /// Reasoning effort.
    #[serde(deserialize_with = "text")]
    pub effort: Option<String>,
    /// A word, or compact JSON.
    #[serde(deserialize_with = "word_or_object")]
    pub approval_policy: Option<String>,
    /// Compact JSON.
    #[serde(deserialize_with = "word_or_object")]
    pub sandbox_policy: Option<String>,
    /// Compact JSON.
    #[serde(deserialize_with = "word_or_object")]
    pub permission_profile: Option<String>,
    /// Compact JSON; only its presence matters.
    #[serde(deserialize_with = "word_or_object")]
    pub file_system_sandbox_policy: Option<String>,
}

impl TurnContext {
    /// Returns true if this turn replaces every field of earlier turns, so that they need not be parsed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let is_filled = |field: &Option<String>| field.as_ref().is_some_and(|text| !text.is_empty());
        is_filled(&self.model)
            && is_filled(&self.approval_policy)
            && (self.permission_profile.is_some() || self.sandbox_policy.is_some())
    }
}

/// The settings of a thread, replaced together.
#[derive(Debug, Clone, PartialEq, Default, serde::Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Model.
    #[serde(deserialize_with = "text")]
    pub model: Option<String>,
    /// Provider of the model.
    #[serde(deserialize_with = "text")]
    pub model_provider_id: Option<String>,
    /// Reasoning effort.
    #[serde(deserialize_with = "text")]
    pub reasoning_effort: Option<String>,
    /// Working directory.
    #[serde(deserialize_with = "text")]
    pub cwd: Option<String>,
    /// Compact JSON.
    #[serde(deserialize_with = "word_or_object")]
    pub permission_profile: Option<String>,
    /// A word, or compact JSON.
    #[serde(deserialize_with = "word_or_object")]
    pub approval_policy: Option<String>,
}

/// The contents of a user's message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserMessage {
    /// The text, unchanged.
    pub text: String,
    /// True if it contains an image.
    pub has_image: bool,
    /// True if it contains a sound.
    pub has_audio: bool,
}

/// A name that a person or Codex gave a thread.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(default)]
pub struct ThreadName {
    /// The thread with that name; absent in some versions.
    #[serde(deserialize_with = "thread_id")]
    pub thread_id: Option<ThreadId>,
    /// The name.
    #[serde(deserialize_with = "text")]
    pub thread_name: Option<String>,
}

/// Payload of `event_msg` / `user_message`.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct UserMessagePayload {
    #[serde(deserialize_with = "text")]
    message: Option<String>,
    #[serde(deserialize_with = "is_filled")]
    images: bool,
    #[serde(deserialize_with = "is_filled")]
    local_images: bool,
    #[serde(deserialize_with = "is_filled")]
    audio: bool,
    #[serde(deserialize_with = "is_filled")]
    local_audio: bool,
}

/// Payload of `event_msg` / `item_completed`.
#[derive(serde::Deserialize)]
struct ItemPayload {
    item: UserMessageItem,
}

#[derive(serde::Deserialize)]
struct UserMessageItem {
    #[serde(default, deserialize_with = "parts")]
    content: Vec<MessagePart>,
}

/// One part of a message.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct MessagePart {
    #[serde(rename = "type", deserialize_with = "text")]
    kind: Option<String>,
    #[serde(deserialize_with = "text")]
    text: Option<String>,
}

#[derive(serde::Deserialize)]
struct TokenCountPayload {
    #[serde(default)]
    info: Option<TokenInfo>,
}

#[derive(serde::Deserialize)]
struct TokenInfo {
    total_token_usage: TokenUsage,
}

#[derive(serde::Deserialize)]
struct TokenUsage {
    total_tokens: i64,
}

#[derive(serde::Deserialize)]
struct GoalPayload {
    goal: Goal,
}

#[derive(serde::Deserialize)]
struct Goal {
    objective: String,
}

/// Payload of `event_msg` / `item_completed` of a `FunctionCallOutput`.
#[derive(serde::Deserialize)]
struct DelegationPayload {
    item: DelegationItem,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct DelegationItem {
    #[serde(deserialize_with = "text")]
    namespace: Option<String>,
    #[serde(deserialize_with = "text")]
    name: Option<String>,
    #[serde(deserialize_with = "text")]
    output: Option<String>,
}

#[derive(serde::Deserialize)]
struct SettingsPayload {
    thread_settings: Settings,
}

#[derive(serde::Deserialize)]
struct Envelope<P> {
    payload: P,
}

#[derive(serde::Deserialize)]
struct BareMessage {
    #[serde(default, deserialize_with = "text")]
    role: Option<String>,
    #[serde(default, deserialize_with = "parts")]
    content: Vec<MessagePart>,
}

/// The kinds of line that are parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// `session_meta`.
    SessionMeta,
    /// `turn_context`.
    TurnContext,
    /// `event_msg` / `user_message`.
    UserMessage,
    /// `event_msg` / `item_completed` of a `UserMessage`.
    UserItem,
    /// `event_msg` / `token_count`.
    TokenCount,
    /// `event_msg` / `thread_goal_updated`.
    Goal,
    /// `event_msg` / `thread_settings_applied`.
    Settings,
    /// `event_msg` / `task_started`.
    TaskStarted,
    /// `event_msg` / `thread_name_updated`.
    Name,
    /// `event_msg` / `item_completed` of a `FunctionCallOutput`.
    Delegation,
    /// A bare meta object of 2025.
    BareMeta,
    /// A bare response item of 2025.
    BareMessage,
}

/// Parses a line of a known kind. Returns `None` if it contains no information (a count without info, an empty goal).
///
/// # Errors
/// If the line is not a JSON object, or a required field is missing or has another type.
pub fn parse(kind: LineKind, line: &[u8]) -> serde_json::Result<Option<Item>> {
    match parse_plain(kind, line) {
        Some(item) => Ok(Some(item)),
        None => parse_json(kind, line),
    }
}

/// Returns true if a line of this kind certainly parses, without parsing it; false leaves it open.
#[must_use]
pub fn is_sound(kind: LineKind, line: &[u8]) -> bool {
    match kind {
        LineKind::TurnContext => plain::payload(line, TurnContext::KEYS).is_some(),
        LineKind::UserMessage => plain::payload(line, UserMessagePayload::KEYS).is_some(),
        _ => false,
    }
}

/// Parses a line of a kind that is frequent or long, if it is JSON of the plain kind.
fn parse_plain(kind: LineKind, line: &[u8]) -> Option<Item> {
    match kind {
        LineKind::SessionMeta => SessionMeta::plain(line).map(|meta| Item::SessionMeta(Box::new(meta))),
        LineKind::TurnContext => TurnContext::plain(line).map(|turn| Item::TurnContext(Box::new(turn))),
        LineKind::UserMessage => UserMessagePayload::plain(line).map(UserMessagePayload::item),
        LineKind::TokenCount => plain::total_tokens(line).map(|total| Item::TokenCount(total.max(0))),
        _ => None,
    }
}

/// Defines how to read a payload whose fields are all optional, each in the same way as its deserializer.
macro_rules! plain_payload {
    ($name:ident { $($field:ident: $read:path),* $(,)? } $($more:ident: $made:expr)?) => {
        impl $name {
            const KEYS: [&'static [u8]; [$(stringify!($field)),*].len()] = [$(stringify!($field).as_bytes()),*];

            fn plain(line: &[u8]) -> Option<$name> {
                let [$($field),*] = plain::payload(line, $name::KEYS)?;
                Some($name { $($more: $made,)? $($field: $field.map($read).unwrap_or_default()),* })
            }
        }
    };
}

plain_payload!(SessionMeta {
    id: fields::read_thread_id,
    timestamp: fields::read_time,
    cwd: fields::read_text,
    cli_version: fields::read_text,
    source: fields::read_compact_word_or_object,
    thread_source: fields::read_text,
    model_provider: fields::read_text,
    agent_nickname: fields::read_text,
    agent_role: fields::read_text,
    agent_type: fields::read_text,
    agent_path: fields::read_text,
    git: fields::read_git,
    history_mode: fields::read_text,
    memory_mode: fields::read_text,
    originator: fields::read_text,
    creator_user_id: fields::read_text,
    creator_account_id: fields::read_text,
    history_base: fields::read_leniently,
} resume: Some(Box::new(ResumeFields::of(history_mode, history_base))));

plain_payload!(TurnContext {
    cwd: fields::read_text,
    model: fields::read_text,
    effort: fields::read_text,
    approval_policy: fields::read_compact_word_or_object,
    sandbox_policy: fields::read_compact_word_or_object,
    permission_profile: fields::read_compact_word_or_object,
    file_system_sandbox_policy: fields::read_compact_word_or_object,
});

plain_payload!(UserMessagePayload {
    message: fields::read_text,
    images: fields::read_is_filled,
    local_images: fields::read_is_filled,
    audio: fields::read_is_filled,
    local_audio: fields::read_is_filled,
});

impl UserMessagePayload {
    fn item(self) -> Item {
        Item::UserMessage(UserMessage {
            text: self.message.unwrap_or_default(),
            has_image: self.images || self.local_images,
            has_audio: self.audio || self.local_audio,
        })
    }
}

/// Parses like [`parse`], but only with the JSON parser.
pub(super) fn parse_json(kind: LineKind, line: &[u8]) -> serde_json::Result<Option<Item>> {
    fn payload<'a, P: Deserialize<'a>>(line: &'a [u8]) -> serde_json::Result<P> {
        Ok(serde_json::from_slice::<Envelope<P>>(line)?.payload)
    }
    Ok(match kind {
        LineKind::SessionMeta => Some(Item::SessionMeta(Box::new(payload(line)?))),
        LineKind::TurnContext => Some(Item::TurnContext(Box::new(payload(line)?))),
        LineKind::UserMessage => Some(payload::<UserMessagePayload>(line)?.item()),
        LineKind::UserItem => Some(Item::UserMessage(join(&payload::<ItemPayload>(line)?.item.content))),
        LineKind::TokenCount => payload::<TokenCountPayload>(line)?
            .info
            .map(|info| Item::TokenCount(info.total_token_usage.total_tokens.max(0))),
        LineKind::Goal => {
            let objective = payload::<GoalPayload>(line)?.goal.objective;
            let objective = objective.trim();
            (!objective.is_empty()).then(|| Item::Goal(objective.to_owned()))
        }
        LineKind::Settings => {
            Some(Item::Settings(Box::new(payload::<SettingsPayload>(line)?.thread_settings)))
        }
        LineKind::TaskStarted => {
            payload::<serde::de::IgnoredAny>(line)?;
            Some(Item::TaskStarted)
        }
        LineKind::Name => Some(Item::Name(payload(line)?)),
        LineKind::Delegation => {
            delegated_input(payload::<DelegationPayload>(line)?.item).map(Item::Delegation)
        }
        LineKind::BareMeta => Some(Item::BareMeta(Box::new(serde_json::from_slice(line)?))),
        LineKind::BareMessage => {
            let message: BareMessage = serde_json::from_slice(line)?;
            let text = join(&message.content).text;
            (message.role.as_deref() == Some("user")).then_some(Item::BareUserMessage(text))
        }
    })
}

/// Returns the input of a delegation from Codex's own tools, unescaped, trimmed and not empty.
///
/// Source: docs/codex-home.md 4.
fn delegated_input(item: DelegationItem) -> Option<String> {
    let is_own = matches!(item.namespace.as_deref(), Some("codex_app" | "codex_tui"))
        && matches!(item.name.as_deref(), Some("create_thread" | "send_message_to_thread"));
    let output = item.output.filter(|_| is_own)?;
    let (_, delegation) = output.split_once("<codex_delegation>")?;
    let (_, input) = delegation.split_once("<input>")?;
    let (input, _) = input.rsplit_once("</input>")?;
    let input = input.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let input = input.trim();
    (!input.is_empty()).then(|| input.to_owned())
}

fn join(parts: &[MessagePart]) -> UserMessage {
    let mut message = UserMessage::default();
    for part in parts {
        match part.kind.as_deref() {
            Some("text" | "input_text") => message.text.push_str(part.text.as_deref().unwrap_or_default()),
            Some("image" | "local_image") => message.has_image = true,
            Some("audio" | "local_audio") => message.has_audio = true,
            _ => {}
        }
    }
    message
}

/// Reads the parts of a message; an invalid part does not affect the others.
fn parts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<MessagePart>, D::Error> {
    let raw: Option<Vec<&RawValue>> = lenient(deserializer)?;
    Ok(raw.into_iter().flatten().filter_map(|part| serde_json::from_str(part.get()).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(payload: &str) -> SessionMeta {
        match parse(
            LineKind::SessionMeta,
            format!(r#"{{"type":"session_meta","payload":{payload}}}"#).as_bytes(),
        ) {
            Ok(Some(Item::SessionMeta(meta))) => *meta,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_field_of_another_type_is_absent_and_does_not_affect_others() {
        let meta = meta(
            r#"{"cwd":5,"cli_version":["x"],"model_provider":null,"source":7,"git":"main","agent_role":"r"}"#,
        );
        let resume = Some(Box::default());
        assert_eq!(meta, SessionMeta { agent_role: Some("r".into()), resume, ..SessionMeta::default() });
    }

    #[test]
    fn objects_are_kept_byte_for_byte_but_for_white_space() {
        let meta = meta(r#"{"source": { "custom" : "a \" b\\" , "n": 1.0e5, "\u00e9": [ 1 , 2 ] } }"#);
        assert_eq!(meta.source.unwrap(), r#"{"custom":"a \" b\\","n":1.0e5,"\u00e9":[1,2]}"#);
    }

    #[test]
    fn a_lone_surrogate_becomes_a_replacement_character() {
        assert!(meta(r#"{"cwd":"/srv/\ud83d"}"#).cwd.unwrap().starts_with("/srv/\u{fffd}"));
    }

    #[test]
    fn an_invalid_part_does_not_affect_the_rest_of_the_message() {
        let read = |content: &str| {
            let line = format!(r#"{{"payload":{{"item":{{"type":"UserMessage","content":{content}}}}}}}"#);
            parse(LineKind::UserItem, line.as_bytes()).unwrap()
        };
        let said =
            |text: &str| Some(Item::UserMessage(UserMessage { text: text.into(), ..UserMessage::default() }));
        assert_eq!(read(r#"["x",{"type":"text","text":"a"},null,{"type":"text","text":"b"}]"#), said("ab"));
        assert_eq!(read("null"), said(""));
    }

    #[test]
    fn a_delegation_of_codex_itself_gives_its_input() {
        let read = |namespace: &str, name: &str, input: &str| {
            let line = serde_json::json!({"payload": {"item": {
                "namespace": namespace, "name": name,
                "output": format!("<codex_delegation>\n <input>{input}</input>\n</codex_delegation>"),
            }}});
            parse(LineKind::Delegation, line.to_string().as_bytes()).unwrap()
        };
        let input = |text: &str| Some(Item::Delegation(text.to_owned()));
        assert_eq!(read("codex_app", "create_thread", " a &lt;b&gt; &amp; c "), input("a <b> & c"));
        assert_eq!(read("codex_tui", "send_message_to_thread", "&amp;lt;"), input("&lt;"));
        assert_eq!(read("codex_app", "read_thread", "x"), None);
        assert_eq!(read("other_app", "create_thread", "x"), None);
        assert_eq!(read("codex_app", "create_thread", "  "), None);
    }

    #[test]
    fn filled_lists_count_and_empty_ones_do_not() {
        let read =
            |payload: &str| parse(LineKind::UserMessage, format!(r#"{{"payload":{payload}}}"#).as_bytes());
        let image = UserMessage { has_image: true, ..UserMessage::default() };
        assert_eq!(read(r#"{"images":["x"]}"#).unwrap(), Some(Item::UserMessage(image)));
        let nothing = UserMessage::default();
        assert_eq!(read(r#"{"images":[ ],"audio":null}"#).unwrap(), Some(Item::UserMessage(nothing)));
    }
}
