//! The items of a rollout that matter for its thread, as typed values. Each field is read as leniently as possible,
//! so that an irrelevant part never spoils the line.

use super::fields::{
    ObjectFields, read_git, read_is_filled, read_leniently, read_text, read_thread_id, read_time,
    read_word_or_object, required_thread_id,
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

/// Defines an object of JSON whose fields are all optional, each with the function that reads its JSON.
macro_rules! payload {
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (
        $(#[$about:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$doc:meta])* $field:ident $($key:literal)?: $type:ty = $read:path,)*
        }
        $($(#[$more_doc:meta])* $more:ident: $more_type:ty = $made:expr)?
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Default)]
        $visibility struct $name {
            $($(#[$doc])* pub $field: $type,)*
            $($(#[$more_doc])* pub $more: $more_type,)?
        }

        impl $name {
            const KEYS: [&'static str; [$(stringify!($field)),*].len()] = [$(payload!(@key $field $($key)?)),*];

            /// Reads the JSON of the fields with [`KEYS`](Self::KEYS).
            fn of([$($field),*]: [Option<&str>; $name::KEYS.len()]) -> $name {
                $name { $($more: $made,)? $($field: $field.map($read).unwrap_or_default()),* }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let fields = ObjectFields { of: stringify!($name), keys: $name::KEYS };
                deserializer.deserialize_map(fields).map($name::of)
            }
        }
    };
}

payload! {
    /// The fields of a session meta.
    pub struct SessionMeta {
        /// Id of the thread that the meta belongs to.
        id: Option<ThreadId> = read_thread_id,
        /// Time when that thread began; `None` if it does not parse.
        timestamp: Option<Millis> = read_time,
        /// Working directory.
        cwd: Option<String> = read_text,
        /// Version of Codex.
        cli_version: Option<String> = read_text,
        /// A word, or compact JSON.
        source: Option<String> = read_word_or_object,
        /// The kind of requester of the thread.
        thread_source: Option<String> = read_text,
        /// Provider of the model.
        model_provider: Option<String> = read_text,
        /// Nickname of a spawned agent.
        agent_nickname: Option<String> = read_text,
        /// Role of a spawned agent.
        agent_role: Option<String> = read_text,
        /// The older name of `agent_role`.
        agent_type: Option<String> = read_text,
        /// Path of a spawned agent.
        agent_path: Option<String> = read_text,
        /// Git facts, if the line has a `git` object.
        git: Option<Git> = read_git,
        /// `legacy`, `paginated` or another word.
        history_mode: Option<String> = read_text,
        /// `enabled`, `disabled`, …
        memory_mode: Option<String> = read_text,
        /// The program that started the thread.
        originator: Option<String> = read_text,
        /// The user who started the thread.
        creator_user_id: Option<String> = read_text,
        /// The account of that user.
        creator_account_id: Option<String> = read_text,
        /// The start of the thread's history, if it is not in this file.
        history_base: Option<HistoryBase> = read_leniently,
    }
    /// The fields that decide whether Codex can resume the thread.
    resume: Option<Box<ResumeFields>> = Some(Box::new(ResumeFields::of(history_mode, history_base)))
}

impl SessionMeta {
    /// Returns the thread and the time when it began, if the meta has both.
    #[must_use]
    pub fn identity(&self) -> Option<(ThreadId, Millis)> {
        self.id.zip(self.timestamp)
    }
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

payload! {
    /// The fields of a turn context.
    pub struct TurnContext {
        /// Working directory.
        cwd: Option<String> = read_text,
        /// Model.
        model: Option<String> = read_text,
        /// Reasoning effort.
        effort: Option<String> = read_text,
        /// A word, or compact JSON.
        approval_policy: Option<String> = read_word_or_object,
        /// Compact JSON.
        sandbox_policy: Option<String> = read_word_or_object,
        /// Compact JSON.
        permission_profile: Option<String> = read_word_or_object,
        /// Compact JSON; only its presence matters.
        file_system_sandbox_policy: Option<String> = read_word_or_object,
    }
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

payload! {
    /// The settings of a thread, replaced together.
    pub struct Settings {
        /// Model.
        model: Option<String> = read_text,
        /// Provider of the model.
        model_provider_id: Option<String> = read_text,
        /// Reasoning effort.
        reasoning_effort: Option<String> = read_text,
        /// Working directory.
        cwd: Option<String> = read_text,
        /// Compact JSON.
        permission_profile: Option<String> = read_word_or_object,
        /// A word, or compact JSON.
        approval_policy: Option<String> = read_word_or_object,
    }
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

payload! {
    /// A name that a person or Codex gave a thread.
    pub struct ThreadName {
        /// The thread with that name; absent in some versions.
        thread_id: Option<ThreadId> = read_thread_id,
        /// The name.
        thread_name: Option<String> = read_text,
    }
}

payload! {
    /// Payload of `event_msg` / `user_message`.
    struct UserMessagePayload {
        message: Option<String> = read_text,
        images: bool = read_is_filled,
        local_images: bool = read_is_filled,
        audio: bool = read_is_filled,
        local_audio: bool = read_is_filled,
    }
}

/// Payload of `event_msg` / `item_completed`.
#[derive(serde::Deserialize)]
struct ItemPayload<I> {
    item: I,
}

payload! {
    struct UserMessageItem {
        content: Vec<MessagePart> = read_parts,
    }
}

payload! {
    /// One part of a message.
    struct MessagePart {
        kind "type": Option<String> = read_text,
        text: Option<String> = read_text,
    }
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

payload! {
    /// A `FunctionCallOutput`.
    struct DelegationItem {
        namespace: Option<String> = read_text,
        name: Option<String> = read_text,
        output: Option<String> = read_text,
    }
}

#[derive(serde::Deserialize)]
struct SettingsPayload {
    thread_settings: Settings,
}

#[derive(serde::Deserialize)]
struct Envelope<P> {
    payload: P,
}

payload! {
    struct BareMessage {
        role: Option<String> = read_text,
        content: Vec<MessagePart> = read_parts,
    }
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
    Some(match kind {
        LineKind::SessionMeta => {
            Item::SessionMeta(Box::new(SessionMeta::of(plain::payload(line, SessionMeta::KEYS)?)))
        }
        LineKind::TurnContext => {
            Item::TurnContext(Box::new(TurnContext::of(plain::payload(line, TurnContext::KEYS)?)))
        }
        LineKind::UserMessage => {
            UserMessagePayload::of(plain::payload(line, UserMessagePayload::KEYS)?).item()
        }
        LineKind::TokenCount => Item::TokenCount(plain::total_tokens(line)?.max(0)),
        _ => return None,
    })
}

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
        LineKind::UserItem => {
            Some(Item::UserMessage(join(&payload::<ItemPayload<UserMessageItem>>(line)?.item.content)))
        }
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
        LineKind::Delegation => delegated_input(payload::<ItemPayload<_>>(line)?.item).map(Item::Delegation),
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
fn read_parts(json: &str) -> Vec<MessagePart> {
    let parts: Vec<&RawValue> = read_leniently(json).unwrap_or_default();
    parts.into_iter().filter_map(|part| read_leniently(part.get())).collect()
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
