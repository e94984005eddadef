//! Folds the lines of a rollout into what they say of the thread, and the damage met on the way: always both.

use super::file_name::RolloutName;
use super::item::{HistoryBase, Item, Kind, SessionMeta, Settings, TurnContext, UserMessage};
use super::last_event::LastEvent;
use super::line::{self, Class, Damage, Parsed};
use super::openable::Unopenable;
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
    /// Parse every line of a kind that matters, also where a later one wins.
    pub eager: bool,
    /// Look for what keeps Codex from opening the file.
    pub openable: bool,
}

/// What the lines so far say. Fields that a row must have are filled in by [`Extract::finish`]'s caller.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// Id and beginning as the first session meta gives them, if its time parses.
    pub identity: Option<(ThreadId, Millis)>,
    /// When the history in front of this file began, which is when the thread did.
    pub history_began_at: Option<Millis>,
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
        let base_began_at = base.history_began_at.or(base.identity.map(|(_, began_at)| began_at));
        self.history_began_at = base_began_at.or(self.history_began_at);
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
    /// The last turn and the last count, unparsed: of these the last one wins, and parsing all would cost more than
    /// all the rest.
    held: [Held; 2],
    must_be_eager: bool,
    last_event: LastEvent,
}

/// A line that counts unless a later one of its kind does.
#[derive(Debug, Default)]
struct Held {
    is_held: bool,
    bytes: Vec<u8>,
    /// Whether a line before it was passed over for its sake.
    replaces: bool,
}

impl Held {
    /// Forgets it, for a line that says all that it may have said; the buffer stays.
    fn pass_over(&mut self) {
        self.is_held = false;
        self.replaces = false;
    }
}

/// Which of the held lines is of which kind.
const HELD: [Kind; 2] = [Kind::TurnContext, Kind::TokenCount];

/// Everything a file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Extracted {
    /// What it says of its thread.
    pub facts: Facts,
    /// What is wrong with it.
    pub damage: DamageReport,
    /// What keeps Codex from opening the file, where that was asked for.
    pub unopenable: Option<Unopenable>,
    /// Whether any line was an item.
    pub has_items: bool,
    /// Whether there was nothing but white space.
    pub is_blank: bool,
    /// The last line's timestamp, if any line has one.
    pub last_event_at: Option<Millis>,
    /// Whether a line that was to win over others does not parse: then the file must be read again, eagerly, to find
    /// the one before it.
    pub must_be_eager: bool,
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
            held: Default::default(),
            must_be_eager: false,
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
        let class = line::glance(bytes);
        if let Some(Class::Relevant(kind)) = class
            && !self.options.eager
            && !self.options.deep
            && line.terminated
            && line.last_byte == Some(b'}')
            && self.hold_or_skip(kind, bytes)
        {
            self.n_items += 1;
            return;
        }
        let Parsed { class, item, damage } = line::read_as(class, bytes, self.bare);
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
            // What it would replace need not be parsed; what it builds on must be.
            match &item {
                Item::TurnContext(turn) if turn.is_complete() => self.held[0].pass_over(),
                Item::TurnContext(_) => self.must_be_eager |= !self.release(),
                Item::TokenCount(_) => self.held[1].pass_over(),
                Item::Settings(_) => self.must_be_eager |= !self.release(),
                _ => {}
            }
            self.apply(item);
        }
    }

    /// Keeps a line of which the last one wins, or passes over one that cannot matter any more. Lines that do not end
    /// as an object are not treated so: they are damaged, and parsing names how.
    fn hold_or_skip(&mut self, kind: Kind, bytes: &[u8]) -> bool {
        let can_wait = match kind {
            // Its folder counts if there is none yet, so it must be seen in its place.
            Kind::TurnContext => self.facts.cwd.is_some(),
            Kind::TokenCount => line::counts_tokens(bytes),
            Kind::UserMessage | Kind::UserItem => {
                return self.facts.title.is_some()
                    && self.facts.first_user_message.is_some()
                    && self.facts.preview.is_some();
            }
            _ => return false,
        };
        if can_wait && let Some(held) = HELD.iter().position(|held| *held == kind).map(|i| &mut self.held[i])
        {
            held.replaces |= held.is_held;
            held.is_held = true;
            held.bytes.clear();
            held.bytes.extend_from_slice(bytes);
        }
        can_wait
    }

    /// Parses what was held, in its place before whatever comes next. Returns whether all of it parses, and says all
    /// that the lines which it replaced may have said.
    fn release(&mut self) -> bool {
        let mut all_said = true;
        for (i, kind) in HELD.into_iter().enumerate() {
            if !std::mem::take(&mut self.held[i].is_held) {
                continue;
            }
            let bytes = std::mem::take(&mut self.held[i].bytes);
            let parsed = line::read_as(Some(Class::Relevant(kind)), &bytes, self.bare);
            self.held[i].bytes = bytes;
            let replaces = std::mem::take(&mut self.held[i].replaces);
            all_said &= parsed.damage.is_none();
            if let Some(item) = parsed.item {
                if let Item::TurnContext(turn) = &item {
                    all_said &= !replaces || turn.is_complete();
                }
                self.apply(item);
            }
        }
        all_said
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
    pub fn finish(mut self) -> Extracted {
        self.must_be_eager |= !self.release();
        Extracted {
            must_be_eager: self.must_be_eager,
            facts: self.facts,
            damage: self.damage,
            unopenable: None,
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
        facts.source = meta.source;
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
        replace_if_filled(&mut facts.memory_mode, meta.memory_mode);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::reader::{Buffer, LineReader};
    use proptest::prelude::*;

    const ID: &str = "019ced47-cebb-79dd-b0aa-a552437621a9";
    const OTHER: &str = "019ced6b-835b-799d-83c9-31b6374bba33";

    fn extract(text: &[u8], options: Options) -> Extracted {
        let mut buffer = Buffer::default();
        let mut lines = LineReader::new(text, &mut buffer);
        let mut extract = Extract::new(None, options);
        while let Some(line) = lines.next_line(|beginning| extract.is_wanted(beginning)).unwrap() {
            extract.push(&line);
        }
        extract.finish()
    }

    fn line(kind: &str, payload: &str) -> String {
        format!(r#"{{"timestamp":"2026-03-14T16:57:13.623Z","type":"{kind}","payload":{payload}}}"#) + "\n"
    }

    fn meta(id: &str, more: &str) -> String {
        line("session_meta", &format!(r#"{{"id":"{id}","timestamp":"2026-03-14T16:57:12.123Z"{more}}}"#))
    }

    fn user(text: &str) -> String {
        line("event_msg", &format!(r#"{{"type":"user_message","message":"{text}","images":[]}}"#))
    }

    fn turn(model: &str) -> String {
        line("turn_context", &format!(r#"{{"cwd":"/turn","model":"{model}","effort":"high"}}"#))
    }

    fn tokens(info: &str) -> String {
        line("event_msg", &format!(r#"{{"type":"token_count","info":{info},"rate_limits":null}}"#))
    }

    fn total(n: i64) -> String {
        tokens(&format!(r#"{{"total_token_usage":{{"total_tokens":{n}}}}}"#))
    }

    /// Folds lines lazily and eagerly, which must say the same, and gives what they say.
    fn check(lines: &[String]) -> Extracted {
        let text = lines.concat();
        let eager = extract(text.as_bytes(), Options { eager: true, ..Options::default() });
        let lazy = extract(text.as_bytes(), Options::default());
        if !lazy.must_be_eager {
            assert_eq!(lazy.facts, eager.facts);
        }
        eager
    }

    #[test]
    fn the_first_meta_gives_the_identity_and_later_ones_of_its_id_the_rest() {
        let facts = check(&[
            meta(ID, r#","source":"cli","agent_role":"worker","cli_version":"1","cwd":"/a","memory_mode":"disabled""#),
            meta(OTHER, r#","source":"exec","cwd":"/parent","memory_mode":"polluted""#),
            meta(ID, r#","cli_version":"","cwd":"","git":{"branch":"b"}"#),
        ])
        .facts;
        assert_eq!(facts.identity, ThreadId::parse(ID).map(|id| (id, 1_773_507_432_123)));
        assert_eq!((facts.source, facts.agent_role), (None, None), "replaced, even by absence");
        assert_eq!((facts.cli_version.as_deref(), facts.cwd.as_deref()), (Some("1"), Some("/a")));
        assert_eq!(facts.git.branch.as_deref(), Some("b"));
        assert_eq!(facts.memory_mode.as_deref(), Some("disabled"));
    }

    #[test]
    fn the_last_turn_wins_and_a_missing_effort_clears_it() {
        let bare_turn = line("turn_context", r#"{"model":"c"}"#);
        let facts = check(&[meta(ID, r#","cwd":"/meta""#), turn("a"), turn("b"), bare_turn]).facts;
        assert_eq!((facts.model.as_deref(), facts.reasoning_effort), (Some("c"), None));
        assert_eq!(facts.cwd.as_deref(), Some("/meta"));
        let facts = check(&[meta(ID, ""), turn("a"), turn("b")]).facts;
        assert_eq!((facts.model.as_deref(), facts.cwd.as_deref()), (Some("b"), Some("/turn")));
    }

    #[test]
    fn what_the_last_turn_leaves_open_is_as_the_turns_before_it_left_it() {
        let [model, approval, policy] = [
            r#""model":"m""#,
            r#""approval_policy":"never""#,
            r#""sandbox_policy":{"type":"danger-full-access"}"#,
        ];
        let turn = |fields: &[&str]| line("turn_context", &format!("{{{}}}", fields.join(",")));
        let unusual = |fields: &[&str]| turn(fields).replacen('{', "{ ", 1);
        for missing in [vec![approval, policy], vec![model, policy], vec![model, approval], vec![]] {
            for last in [turn(&missing), unusual(&missing)] {
                let lines =
                    [meta(ID, r#","cwd":"/m""#), turn(&[model, approval, policy]), turn(&missing), last];
                let facts = read_twice_if_it_must_be(&lines.concat()).facts;
                assert_eq!(
                    (facts.model.as_deref(), facts.approval_mode.as_deref(), facts.sandbox_policy.as_deref()),
                    (Some("m"), Some("never"), Some(r#"{"type":"danger-full-access"}"#)),
                    "{missing:?}"
                );
            }
        }
        let complete = turn(&[model, approval, policy]);
        let lines = [meta(ID, r#","cwd":"/m""#), turn(&[]), complete.clone(), complete].concat();
        assert!(!extract(lines.as_bytes(), Options::default()).must_be_eager, "one reading does");
    }

    #[test]
    fn what_is_empty_or_no_object_says_nothing() {
        let full = r#""model":"m","approval_policy":"never","sandbox_policy":{"type":"danger-full-access"}"#;
        for nothing in [r#""""#, "[]", r#"["x"]"#, "5", "null"] {
            let meta = [
                meta(ID, r#","cwd":"/m","memory_mode":"disabled""#),
                meta(ID, &format!(r#","memory_mode":{nothing},"source":{nothing}"#)),
            ];
            let turn = |policy: &str| line("turn_context", &format!("{{{policy}}}"));
            let fields = ["model", "approval_policy", "sandbox_policy", "permission_profile"];
            let last = fields.map(|field| format!(r#""{field}":{nothing}"#)).join(",");
            let lines = [meta.concat(), turn(full), turn(&last)].concat();
            let facts = read_twice_if_it_must_be(&lines).facts;
            assert_eq!((facts.memory_mode.as_deref(), facts.source), (Some("disabled"), None), "{nothing}");
            assert_eq!(
                (facts.model.as_deref(), facts.approval_mode.as_deref(), facts.sandbox_policy.as_deref()),
                (Some("m"), Some("never"), Some(r#"{"type":"danger-full-access"}"#)),
                "{nothing}"
            );
        }
    }

    /// As the reader of files does.
    fn read_twice_if_it_must_be(text: &str) -> Extracted {
        let lazy = extract(text.as_bytes(), Options::default());
        let eager = extract(text.as_bytes(), Options { eager: true, ..Options::default() });
        if lazy.must_be_eager { eager } else { lazy }
    }

    #[test]
    fn settings_replace_the_turn_before_and_are_replaced_by_the_turn_behind() {
        let settings = line(
            "event_msg",
            r#"{"type":"thread_settings_applied","thread_settings":{"model":"s","reasoning_effort":null,"cwd":"/s"}}"#,
        );
        let facts = check(&[meta(ID, r#","cwd":"/m""#), turn("a"), settings.clone()]).facts;
        assert_eq!((facts.model.as_deref(), facts.reasoning_effort), (Some("s"), None));
        assert_eq!(facts.cwd.as_deref(), Some("/s"));
        let facts = check(&[meta(ID, r#","cwd":"/m""#), settings, turn("b")]).facts;
        assert_eq!(facts.model.as_deref(), Some("b"));
    }

    #[test]
    fn a_count_without_info_is_none_and_a_broken_last_one_leaves_the_one_before() {
        assert_eq!(check(&[meta(ID, ""), total(7), tokens("null")]).facts.tokens_used, Some(7));
        assert_eq!(check(&[meta(ID, ""), total(7), total(-3)]).facts.tokens_used, Some(0));
        let broken = check(&[meta(ID, ""), total(7), tokens(r#"{"total_token_usage":5}"#)]);
        assert_eq!((broken.facts.tokens_used, broken.damage.n_lines), (Some(7), 1));
    }

    #[test]
    fn a_blank_message_yields_nothing_and_an_image_only_a_placeholder() {
        let image = line("event_msg", r#"{"type":"user_message","message":" ","images":["x"]}"#);
        let facts = check(&[meta(ID, ""), user("  "), image, user("words")]).facts;
        assert_eq!(
            (facts.title.as_deref(), facts.first_user_message.as_deref()),
            (Some("words"), Some("[Image]"))
        );
        assert_eq!(facts.preview.as_deref(), Some("[Image]"));
        assert!(check(&[meta(ID, ""), user(" ")]).facts.has_user_event);
    }

    #[test]
    fn what_an_editor_put_in_front_is_cut_off() {
        let facts = check(&[meta(ID, ""), user("# Context\\n## My request for Codex:\\n  do it\\n")]).facts;
        assert_eq!(facts.title.as_deref(), Some("do it"));
    }

    #[test]
    fn damage_is_counted_and_the_first_is_named() {
        let found =
            check(&["not json\n".into(), meta(ID, ""), "[1]\n".into(), r#"{"timestamp":"2026-03"#.into()]);
        assert_eq!(found.damage.n_lines, 3);
        assert_eq!(found.damage.first.map(|first| (first.number, first.offset)), Some((1, 0)));
    }

    #[test]
    fn a_last_line_without_newline_counts_if_it_is_whole() {
        let found = check(&[meta(ID, ""), total(5).trim_end().to_owned()]);
        assert_eq!((found.facts.tokens_used, found.damage.n_lines), (Some(5), 0));
    }

    #[test]
    fn a_file_without_items_says_so() {
        let found = check(&["garbage\n".into(), "{\"timestamp\":1}\n".into()]);
        assert!(!found.has_items && !found.is_blank);
        assert!(check(&["\n  \r\n".into()]).is_blank);
    }

    #[test]
    fn the_shape_of_2025_is_read_from_its_bare_lines() {
        let bare_user = |text: &str| {
            format!(
                r#"{{"type":"message","role":"user","content":[{{"type":"input_text","text":"{text}"}}]}}"#
            ) + "\n"
        };
        let first =
            format!(r#"{{"id":"{ID}","timestamp":"2026-03-14T16:57:12.123Z","git":{{"branch":"old"}}}}"#)
                + "\n";
        let lines = [
            first,
            "{\"record_type\":\"state\"}\n".into(),
            bare_user("<environment_context>x</environment_context>"),
            bare_user("hello"),
        ];
        let found = check(&lines);
        assert_eq!(found.facts.title.as_deref(), Some("hello"));
        assert_eq!((found.facts.git.branch.as_deref(), found.damage.n_lines), (Some("old"), 0));
    }

    #[test]
    fn deep_reading_checks_lines_that_say_nothing() {
        let text = [meta(ID, ""), line("response_item", "{torn")].concat();
        assert_eq!(extract(text.as_bytes(), Options::default()).damage.n_lines, 0);
        let deep = Options { deep: true, ..Options::default() };
        assert_eq!(extract(text.as_bytes(), deep).damage.n_lines, 1);
    }

    proptest! {
        #[test]
        fn lazy_and_eager_reading_say_the_same(picks in proptest::collection::vec((0usize..9, 0i64..5, any::<bool>()), 0..12)) {
            let lines: Vec<String> = picks.iter().map(|(kind, n, is_cut)| {
                let mut text = match kind {
                    0 => meta(ID, r#","cwd":"/m""#),
                    1 => meta(ID, ""),
                    2 => turn(&format!("m{n}")),
                    3 => total(*n),
                    4 => tokens("null"),
                    5 => user(&format!("u{n}")),
                    6 => line("event_msg", &format!(r#"{{"type":"thread_settings_applied","thread_settings":{{"model":"s{n}"}}}}"#)),
                    7 => line("turn_context", "7"),
                    _ => line("event_msg", r#"{"type":"token_count","info":{"x":1}}"#),
                };
                if *is_cut {
                    text.truncate(text.len() * 3 / 4);
                    text.push('\n');
                }
                text
            }).collect();
            check(&lines);
        }
    }
}
