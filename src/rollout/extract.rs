//! Folds the lines of a rollout into facts about the thread, and collects the damage found. It always returns both.

use super::beginning;
use super::facts::{History, RolloutFacts, replace_if_filled, set_if_empty};
use super::file_name::RolloutName;
use super::held::Held;
use super::item::{self, Item, LineKind, SessionMeta, ThreadName, UserMessage};
use super::last_event::LastEvent;
use super::line::{self, Damage, Parsed};
use super::look::{self, Class, LineStart};
use super::lost::{may_be_count, may_be_message, trim_nul};
use super::openable::Unopenable;
use super::reader::Line;
use super::resume::ResumeFields;
use crate::thread::merge::is_wrapper;
use crate::thread::{HistoryMode, Millis, ThreadId};

/// The damage of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DamageReport {
    /// Number of damaged lines.
    pub n_lines: u64,
    /// The first damaged line.
    pub first: Option<DamagedLine>,
}

/// The position of a damaged line, and the damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedLine {
    /// Line number, from 1.
    pub number: u64,
    /// Offset of the line in bytes of the uncompressed file.
    pub offset: u64,
    /// The kind of damage.
    pub damage: Damage,
}

/// The checks beyond what the row needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// True to check that every line is JSON.
    pub deep: bool,
    /// True to parse every relevant line, even if a later line replaces it.
    pub eager: bool,
    /// True to report damage also in lines that add nothing or that a later line replaces.
    pub every_damage: bool,
    /// True to find what prevents Codex from opening the file.
    pub openable: bool,
}

/// The fold itself: lines go in, [`RolloutFacts`] come out.
#[derive(Debug, Clone, Default)]
pub struct Extract {
    /// The thread in the file's name, or the thread of which this file is the history.
    named: Option<ThreadId>,
    /// True if [`Extract::named`] is the thread regardless of the first session meta.
    is_continued: bool,
    options: Options,
    facts: RolloutFacts,
    damage: DamageReport,
    /// True after a session meta, of any thread.
    has_meta: bool,
    /// True if the file has the format of 2025.
    bare: bool,
    /// Number of lines that are items of any type.
    n_items: u64,
    /// Number of lines that are not blank.
    n_lines: u64,
    /// The last turn and the last count, unparsed. Only the last one of each matters, and parsing all would cost more
    /// than everything else.
    held: [Held; 2],
    must_be_eager: bool,
    /// Fields of the line just taken, if it is a session meta.
    resume: Option<Box<ResumeFields>>,
    last_event: LastEvent,
    task_started: LastEvent,
    /// The number of the last line counted as damaged, so that its pieces count once.
    damaged_line: u64,
    /// True if the last line that is not blank ends like an object.
    ends_whole: bool,
}

/// The kind of each held line.
const HELD: [LineKind; 2] = [LineKind::TurnContext, LineKind::TokenCount];

/// The result of reading a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Extracted {
    /// The facts about its thread.
    pub facts: RolloutFacts,
    /// The damage in it.
    pub damage: DamageReport,
    /// The reason why Codex cannot open the file, if it was requested.
    pub unopenable: Option<Unopenable>,
    /// True if any line is an item.
    pub has_items: bool,
    /// True if the file contains only white space.
    pub is_blank: bool,
    /// The timestamp of the last line that has one.
    pub last_event_at: Option<Millis>,
    /// True if a line that replaces others does not parse. The file must then be read again eagerly, to find the
    /// previous one.
    pub must_be_eager: bool,
}

impl Extract {
    /// Starts the fold of a file with the name `name`, if it has one.
    #[must_use]
    pub fn new(name: Option<&RolloutName>, options: Options) -> Extract {
        let named = name.map(|name| name.thread);
        Extract { named, options, ends_whole: true, ..Extract::default() }
    }

    /// Starts the fold of a file that continues a history.
    #[must_use]
    pub fn after((facts, thread): History<'_>, name: Option<&RolloutName>, options: Options) -> Extract {
        let named = thread.or(name.map(|name| name.thread));
        Extract { named, is_continued: true, facts: facts.clone(), ..Extract::new(None, options) }
    }

    /// Returns the checks to make.
    #[must_use]
    pub fn options(&self) -> Options {
        self.options
    }

    /// Returns true if a line with this beginning must be kept whole, because it is or may be relevant.
    #[must_use]
    pub fn is_wanted(&self, beginning: &[u8]) -> bool {
        self.options.deep
            || match look::glance(beginning) {
                Some(Class::Irrelevant) => false,
                Some(Class::Relevant(LineKind::Delegation)) => self.facts.thread.preview.is_empty(),
                // A hole of NUL bytes may be as long as the disk.
                _ => beginning.iter().any(|byte| *byte != 0),
            }
    }

    /// Takes the next line, or the next of several objects in one line.
    pub fn push(&mut self, line: &Line<'_>) {
        let mut bytes = line.bytes;
        if line.number == 1 {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        let has_nul = line.last_byte == Some(0) || bytes.first() == Some(&0);
        if has_nul {
            self.note(line, Damage::Nul);
            self.lose(None);
            bytes = trim_nul(bytes);
        }
        let look = look::look_at_start(bytes);
        if look.is_none() && bytes.iter().all(u8::is_ascii_whitespace) {
            // A file of only NUL bytes is not blank, because something was written there.
            self.n_lines += u64::from(has_nul);
            self.ends_whole &= !has_nul;
            return;
        }
        self.n_lines += 1;
        self.ends_whole = line.last_byte == Some(b'}');
        self.last_event.push(bytes, look.as_ref());
        let class = look.map(|look| look.class);
        if line.cut {
            return self.push_cut(line, class);
        }
        let is_open = !line.terminated || has_nul;
        // Nineteen of twenty lines end here.
        if class == Some(Class::Irrelevant) && !is_open && !self.options.deep {
            self.n_items += 1;
            return;
        }
        if line.glued {
            let damage = if line::is_json(bytes) { Damage::Glued } else { Damage::TornBeforeNext };
            self.note(line, damage);
        }
        self.push_object(line, bytes, look, is_open);
        if has_nul {
            self.resume = None;
        }
    }

    /// Returns the fields of the line just taken that decide whether Codex can resume the thread, if it is a session
    /// meta and nothing else.
    pub fn take_resume(&mut self) -> Option<Box<ResumeFields>> {
        self.resume.take()
    }

    /// Takes one object. `is_open` if no newline follows it, so that it may be torn.
    fn push_object(&mut self, line: &Line<'_>, bytes: &[u8], look: Option<LineStart<'_>>, is_open: bool) {
        let class = match look.map(|look| look.class) {
            Some(Class::Relevant(LineKind::Delegation))
                if !self.facts.thread.preview.is_empty() || !look::may_delegate(bytes) =>
            {
                Some(Class::Irrelevant)
            }
            class => class,
        };
        if let Some(look) = look
            && let Some(Class::Relevant(kind)) = class
            && !self.options.eager
            && !self.options.deep
            && !is_open
            && line.last_byte == Some(b'}')
            && self.hold_or_skip(kind, bytes, &look)
        {
            self.n_items += 1;
            return;
        }
        self.bare = self.bare || (class.is_none() && !self.has_meta && line::is_bare_message(bytes));
        let Parsed { class, item, damage } = line::read_as(class, bytes, self.bare);
        let is_sound = damage.is_none();
        if matches!(damage, Some(Damage::Unparsable(_))) && self.push_pieces(line, bytes, is_open) {
            return;
        }
        match damage {
            Some(damage) => self.note_object(line, bytes, is_open, class, damage),
            None if item.is_some() => {}
            None if is_open && !line::is_json(bytes) => self.note(line, Damage::Torn),
            None if self.options.deep && !line::is_json(bytes) => {
                self.note(line, line::damage_of_whole(bytes));
            }
            None => {}
        }
        match class {
            Class::NoItem => {}
            Class::Irrelevant => self.n_items += 1,
            Class::Relevant(_) => self.n_items += u64::from(item.is_some() || self.is_complete(line, bytes)),
        }
        if let Some(item) = item {
            // A held line need not be parsed if this line replaces all of it, but must be if this line builds on it.
            match &item {
                Item::TurnContext(turn) if turn.is_complete() => self.held[0].pass_over(),
                Item::TurnContext(_) => self.must_be_eager |= !self.release(),
                Item::TokenCount(_) => {
                    self.facts.thread.lacks_last_count = false;
                    self.held[1].pass_over();
                    if let Some(look) = look.filter(|_| self.options.every_damage && is_sound) {
                        self.held[1].learn(bytes, &look);
                    }
                }
                Item::Settings(_) => self.must_be_eager |= !self.release(),
                Item::TaskStarted => self.task_started.push(bytes, look.as_ref()),
                _ => {}
            }
            self.apply(item);
        }
    }

    /// Takes the objects of a line that contains several whole ones, in any layout. Returns false if it does not.
    fn push_pieces(&mut self, line: &Line<'_>, bytes: &[u8], is_open: bool) -> bool {
        let mut objects =
            serde_json::Deserializer::from_slice(bytes).into_iter::<&serde_json::value::RawValue>();
        let mut end = 0;
        // One at a time, because a line may contain millions. A piece contains only itself, so the recursion ends
        // there.
        while let Some(Ok(object)) = objects.next()
            && object.get().starts_with('{')
        {
            let is_alone = end == 0 && bytes[objects.byte_offset()..].trim_ascii().is_empty();
            if is_alone {
                return false;
            }
            end = objects.byte_offset();
            self.note(line, Damage::Glued);
            let object = object.get().as_bytes();
            self.push_object(line, object, look::look_at_start(object), true);
        }
        let rest = bytes[end..].trim_ascii_start();
        if end > 0 && !rest.is_empty() {
            self.push_object(line, rest, look::look_at_start(rest), is_open);
        }
        self.resume = None;
        end > 0
    }

    /// Holds a line if only the last of its kind matters, or skips a line that can no longer matter. Returns true if
    /// it did. A line that does not end as an object is not held or skipped: it is damaged, and parsing finds the
    /// damage.
    fn hold_or_skip(&mut self, kind: LineKind, bytes: &[u8], look: &LineStart<'_>) -> bool {
        let can_wait = match kind {
            // Its folder is used if there is none yet, and remembered if it is new.
            LineKind::TurnContext => {
                !self.facts.thread.cwd.is_empty()
                    && look
                        .turn_folder()
                        .is_some_and(|named| self.facts.folders.iter().any(|known| known.as_bytes() == named))
            }
            LineKind::TokenCount => look.counts_tokens(),
            LineKind::UserMessage | LineKind::UserItem => {
                let thread = &self.facts.thread;
                ![&thread.title, &thread.first_user_message, &thread.preview]
                    .into_iter()
                    .any(String::is_empty)
            }
            _ => false,
        };
        if !can_wait {
            return false;
        }
        let turn = if kind == LineKind::TurnContext { look.turn() } else { None };
        if turn.is_some_and(|turn| self.held[0].is_turn(turn)) {
            self.held[0].hold_again();
            return true;
        }
        let (is_sound, model) = match kind {
            _ if !self.options.every_damage => (true, None),
            LineKind::TurnContext => (item::is_sound(kind, bytes), turn.map(|turn| bytes.len() - turn.len())),
            // Another one is parsed at once, because checking it costs as much as reading its total.
            LineKind::TokenCount => (self.held[1].is_like_model(look), Some(bytes.len() - look.rest().len())),
            _ => (item::is_sound(kind, bytes), None),
        };
        if is_sound && let Some(i) = HELD.iter().position(|held| *held == kind) {
            self.held[i].hold(bytes, model);
            self.facts.thread.lacks_last_count &= kind != LineKind::TokenCount;
        }
        is_sound
    }

    /// Parses the held lines, before the next line that depends on them. Returns true if all parse and contain
    /// everything that the lines which they replaced may have set.
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
        // A count without info or a blank goal is still an item, if the line is whole.
        line.terminated && line::is_json(bytes)
    }

    fn push_cut(&mut self, line: &Line<'_>, class: Option<Class>) {
        if matches!(class, Some(Class::Irrelevant | Class::Relevant(LineKind::Delegation))) {
            self.n_items += 1;
            match line.last_byte == Some(b'}') {
                true if line.glued => self.note(line, Damage::Glued),
                false if line.glued => self.note(line, Damage::TornBeforeNext),
                false if self.options.deep => self.note(line, Damage::TooLong),
                false if !line.terminated => self.note(line, Damage::Torn),
                _ => {}
            }
        } else {
            self.note(line, Damage::TooLong);
            self.lose(class);
            if let Some(item) = beginning::read(line, class) {
                self.apply(item);
            }
        }
    }

    /// Counts a damaged object, or what is left of it.
    fn note_object(&mut self, line: &Line<'_>, bytes: &[u8], is_open: bool, class: Class, damage: Damage) {
        if damage != Damage::NoUtf8 {
            self.lose(Some(class));
            self.ends_whole &= line::is_json(bytes);
        }
        let damage = match damage {
            Damage::Unparsable(_) if memchr::memchr(0, bytes).is_some() => Damage::Nul,
            // The last line of a file cut off by a crash is torn, whatever error the parser reports.
            Damage::Unparsable(_) if is_open => Damage::Torn,
            damage => damage,
        };
        self.note(line, damage);
    }

    /// Records that a line of a class is lost; `None` if its class is unknown.
    fn lose(&mut self, class: Option<Class>) {
        let thread = &mut self.facts.thread;
        let is_first = thread.title.is_empty() || thread.first_user_message.is_empty();
        thread.lacks_first_lines |= is_first && may_be_message(class);
        thread.lacks_last_count |= may_be_count(class);
    }

    fn note(&mut self, line: &Line<'_>, damage: Damage) {
        // A torn line may end with an object that stands inside of it.
        self.ends_whole &= damage != Damage::Torn;
        if std::mem::replace(&mut self.damaged_line, line.number) == line.number {
            return;
        }
        self.damage.n_lines += 1;
        self.damage.first.get_or_insert(DamagedLine { number: line.number, offset: line.offset, damage });
    }

    /// Ends the fold.
    #[must_use]
    pub fn finish(mut self) -> Extracted {
        self.must_be_eager |= !self.release();
        let thread = &mut self.facts.thread;
        thread.task_started_at = self.task_started.time().or(thread.task_started_at);
        thread.lacks_meta = !self.has_meta;
        thread.lacks_last_lines = !self.ends_whole;
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
            Item::SessionMeta(mut meta) => {
                self.resume = meta.resume.take();
                self.session_meta(*meta);
            }
            Item::BareMeta(meta) => self.bare_meta(*meta),
            Item::TurnContext(turn) => self.facts.turn_context(*turn),
            Item::UserMessage(message) => self.facts.user_message(&message),
            Item::TaskStarted => {}
            Item::Name(name) => self.name(name),
            Item::Delegation(text) | Item::Goal(text) => set_if_empty(&mut self.facts.thread.preview, &text),
            Item::BareUserMessage(text) if is_wrapper(&text) => self.facts.environment(&text),
            Item::BareUserMessage(text) => {
                self.facts.user_message(&UserMessage { text, ..UserMessage::default() });
            }
            Item::TokenCount(total) => self.facts.thread.tokens_used = total,
            Item::Settings(settings) => self.facts.settings(*settings),
        }
    }

    fn session_meta(&mut self, meta: SessionMeta) {
        if !self.has_meta && !self.is_parents(&meta) {
            self.has_meta = true;
            self.facts.identity = meta.identity();
            // A word that Codex would refuse in a row counts as `legacy`.
            self.facts.thread.history_mode =
                meta.history_mode.as_deref().and_then(HistoryMode::parse).unwrap_or_default();
            self.facts.history_base = meta.history_base;
        }
        if meta.id.is_none() || meta.id != self.row_id() {
            return;
        }
        self.facts.own_meta(meta);
    }

    /// Returns true if a meta with another id than the file's name is the copy of a parent's in a fork that lost its own
    /// meta, and not the meta of a misnamed file. A misnamed file begins with it.
    fn is_parents(&self, meta: &SessionMeta) -> bool {
        let is_foreign = self.named.is_some() && meta.id.is_some() && meta.id != self.named;
        let first = self.damage.first.as_ref();
        let begins_file = self.n_lines == 1 && first.is_none_or(|first| first.damage == Damage::NoUtf8);
        is_foreign && !begins_file
    }

    /// Returns the thread whose row is meant, as far as it is known.
    fn row_id(&self) -> Option<ThreadId> {
        let identity = self.facts.identity.map(|(id, _)| id);
        if self.is_continued { self.named.or(identity) } else { identity.or(self.named) }
    }

    fn name(&mut self, name: ThreadName) {
        // A fork begins with the lines of its parent, including the parent's name.
        if name.thread_id.is_none() || name.thread_id == self.row_id() {
            replace_if_filled(&mut self.facts.thread.name, name.thread_name);
        }
    }

    /// Takes the bare meta of 2025, which must be the first line; anywhere else such an object is not an item.
    fn bare_meta(&mut self, meta: SessionMeta) {
        if self.n_lines == 1 && meta.id.is_some() {
            self.bare = true;
            self.session_meta(meta);
        } else {
            self.n_items -= 1;
        }
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

    /// Returns a turn with this number, in the layout of today.
    fn turn_of(n: i64, fields: &str) -> String {
        line("turn_context", &format!(r#"{{"turn_id":"turn-{n}","cwd":"/turn",{fields}}}"#))
    }

    fn tokens(info: &str) -> String {
        line("event_msg", &format!(r#"{{"type":"token_count","info":{info},"rate_limits":null}}"#))
    }

    fn total(n: i64) -> String {
        tokens(&format!(r#"{{"total_token_usage":{{"total_tokens":{n}}}}}"#))
    }

    /// Folds lines lazily and eagerly, checks that both give the same, and returns the result.
    fn check(lines: &[String]) -> Extracted {
        let text = lines.concat();
        let eager = extract(text.as_bytes(), Options { eager: true, ..Options::default() });
        let lazy = extract(text.as_bytes(), Options::default());
        let checked = extract(text.as_bytes(), Options { every_damage: true, ..Options::default() });
        if !lazy.must_be_eager {
            assert_eq!(lazy.facts, eager.facts);
        }
        if !checked.must_be_eager {
            assert_eq!((&checked.facts, &checked.damage), (&eager.facts, &eager.damage));
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
        assert_eq!((&*facts.thread.source, facts.thread.agent_role), ("", None), "replaced, even by absence");
        assert_eq!((&*facts.thread.cli_version, &*facts.thread.cwd), ("1", "/a"));
        assert_eq!(facts.thread.git.branch.as_deref(), Some("b"));
        assert_eq!(facts.thread.memory_mode, "disabled");
    }

    #[test]
    fn the_last_turn_wins_and_a_missing_effort_clears_it() {
        let bare_turn = line("turn_context", r#"{"model":"c"}"#);
        let facts = check(&[meta(ID, r#","cwd":"/meta""#), turn("a"), turn("b"), bare_turn]).facts;
        assert_eq!((facts.thread.model.as_deref(), facts.thread.reasoning_effort), (Some("c"), None));
        assert_eq!(facts.thread.cwd, "/meta");
        let facts = check(&[meta(ID, ""), turn("a"), turn("b")]).facts;
        assert_eq!((facts.thread.model.as_deref(), &*facts.thread.cwd), (Some("b"), "/turn"));
    }

    #[test]
    fn fields_missing_from_the_last_turn_keep_the_values_of_earlier_turns() {
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
                let facts = read_again_if_needed(&lines.concat()).facts;
                assert_eq!(
                    (
                        facts.thread.model.as_deref(),
                        &*facts.thread.approval_mode,
                        &*facts.thread.sandbox_policy
                    ),
                    (Some("m"), "never", r#"{"type":"danger-full-access"}"#),
                    "{missing:?}"
                );
            }
        }
        let complete = turn(&[model, approval, policy]);
        let lines = [meta(ID, r#","cwd":"/m""#), turn(&[]), complete.clone(), complete].concat();
        assert!(!extract(lines.as_bytes(), Options::default()).must_be_eager, "one reading does");
    }

    #[test]
    fn empty_values_and_non_objects_set_nothing() {
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
            let facts = read_again_if_needed(&lines).facts;
            assert_eq!((&*facts.thread.memory_mode, &*facts.thread.source), ("disabled", ""), "{nothing}");
            assert_eq!(
                (facts.thread.model.as_deref(), &*facts.thread.approval_mode, &*facts.thread.sandbox_policy),
                (Some("m"), "never", r#"{"type":"danger-full-access"}"#),
                "{nothing}"
            );
        }
    }

    /// Reads as the file reader does.
    fn read_again_if_needed(text: &str) -> Extracted {
        let lazy = extract(text.as_bytes(), Options::default());
        let eager = extract(text.as_bytes(), Options { eager: true, ..Options::default() });
        if lazy.must_be_eager { eager } else { lazy }
    }

    #[test]
    fn settings_replace_the_turn_before_and_are_replaced_by_the_turn_after() {
        let settings = line(
            "event_msg",
            r#"{"type":"thread_settings_applied","thread_settings":{"model":"s","reasoning_effort":null,"cwd":"/s"}}"#,
        );
        let facts = check(&[meta(ID, r#","cwd":"/m""#), turn("a"), settings.clone()]).facts;
        assert_eq!((facts.thread.model.as_deref(), facts.thread.reasoning_effort), (Some("s"), None));
        assert_eq!(facts.thread.cwd, "/s");
        let facts = check(&[meta(ID, r#","cwd":"/m""#), settings, turn("b")]).facts;
        assert_eq!(facts.thread.model.as_deref(), Some("b"));
    }

    #[test]
    fn a_message_that_is_too_long_to_hold_gives_its_text_and_is_damage() {
        let long = user("hello").replace("[]", &format!("[\"{}\"]", "A".repeat(17 << 20)));
        let read = extract((meta(ID, "") + &long + &user("later")).as_bytes(), Options::default());
        assert_eq!((&*read.facts.thread.title, read.damage.n_lines), ("hello", 1));
        assert!(read.facts.thread.lacks_first_lines, "a row may know better");
    }

    #[test]
    fn a_count_without_info_is_ignored_and_a_broken_last_one_keeps_the_one_before() {
        assert_eq!(check(&[meta(ID, ""), total(7), tokens("null")]).facts.thread.tokens_used, 7);
        assert_eq!(check(&[meta(ID, ""), total(7), total(-3)]).facts.thread.tokens_used, 0);
        let broken = check(&[meta(ID, ""), total(7), tokens(r#"{"total_token_usage":5}"#)]);
        assert_eq!((broken.facts.thread.tokens_used, broken.damage.n_lines), (7, 1));
    }

    #[test]
    fn a_blank_message_sets_nothing_and_an_image_only_a_placeholder() {
        let image = line("event_msg", r#"{"type":"user_message","message":" ","images":["x"]}"#);
        let facts = check(&[meta(ID, ""), user("  "), image, user("words")]).facts;
        assert_eq!((&*facts.thread.title, &*facts.thread.first_user_message), ("words", "[Image]"));
        assert_eq!(facts.thread.preview, "[Image]");
        assert!(check(&[meta(ID, ""), user(" ")]).facts.thread.has_user_event);
    }

    #[test]
    fn context_written_by_an_editor_is_cut_off() {
        let facts = check(&[meta(ID, ""), user("# Context\\n## My request for Codex:\\n  do it\\n")]).facts;
        assert_eq!(facts.thread.title, "do it");
    }

    #[test]
    fn damage_is_counted_and_the_first_is_named() {
        let found =
            check(&["not json\n".into(), meta(ID, ""), "[1]\n".into(), r#"{"timestamp":"2026-03"#.into()]);
        assert_eq!(found.damage.n_lines, 3);
        assert_eq!(found.damage.first.map(|first| (first.number, first.offset)), Some((1, 0)));
    }

    #[test]
    fn an_object_behind_another_one_is_damage_however_long_that_is() {
        for n in [10, 70_000, 300_000] {
            let long = line("response_item", &format!(r#"{{"text":"{}"}}"#, "y".repeat(n)));
            for (first, damage) in
                [(long.trim_end(), Damage::Glued), (&long[..long.len() - 5], Damage::TornBeforeNext)]
            {
                let text = [&meta(ID, ""), first, &user("hello")].concat();
                let read = extract(text.as_bytes(), Options { every_damage: true, ..Options::default() });
                let found = read.damage.first.map(|found| (found.number, found.damage));
                assert_eq!((found, read.damage.n_lines), (Some((2, damage)), 1), "{n}");
                assert_eq!(read.facts.thread.title, "hello");
            }
        }
    }

    #[test]
    fn a_line_of_very_many_objects_counts_as_one_damaged_line() {
        let said = user("words");
        let said = said.trim_end();
        for (line, title) in [
            ("{}".repeat(500_000), ""),
            (said.repeat(20_000), "words"),
            ("{ }".repeat(1000) + &said.replacen('{', "{ ", 1), "words"),
        ] {
            for end in ["\n", ""] {
                let found = check(&[meta(ID, ""), line.clone() + end]);
                assert_eq!((&*found.facts.thread.title, found.damage.n_lines), (title, 1));
            }
        }
    }

    #[test]
    fn values_that_look_like_lines_are_checked_once_and_are_not_damage() {
        let inner = user("no message of this thread");
        let inner = vec![inner.trim_end(); 5000].join(",");
        let outer =
            line("event_msg", &format!(r#"{{"type":"user_message","message":"words","more":[{inner}]}}"#));
        let found = check(&[meta(ID, ""), outer.clone(), outer]);
        assert_eq!((&*found.facts.thread.title, found.damage.n_lines), ("words", 0));
    }

    #[test]
    fn a_last_line_without_newline_is_used_if_it_is_whole() {
        let found = check(&[meta(ID, ""), total(5).trim_end().to_owned()]);
        assert_eq!((found.facts.thread.tokens_used, found.damage.n_lines), (5, 0));
    }

    #[test]
    fn a_file_without_items_is_reported() {
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
        assert_eq!(found.facts.thread.title, "hello");
        assert_eq!((found.facts.thread.git.branch.as_deref(), found.damage.n_lines), (Some("old"), 0));
        // Without the first line, or with a torn one, the messages still count.
        let environment = bare_user("<environment_context> <cwd>/srv/old</cwd> </environment_context>");
        for first in ["", "{\"id\":\"019ced\n", "{\"record_type\":\"state\"}\n"] {
            let found = check(&[first.into(), environment.clone(), bare_user("hello"), bare_user("later")]);
            assert_eq!(found.facts.thread.title, "hello", "{first}");
            assert!(found.has_items && found.facts.thread.first_user_message == "hello");
        }
        // In a file with a session meta such a line is not a message.
        assert_eq!(check(&[meta(ID, ""), bare_user("hello")]).facts.thread.title, "");
        assert!(!check(&["{\"record_type\":\"state\"}\n".into()]).has_items);
    }

    #[test]
    fn deep_reading_checks_irrelevant_lines() {
        let text = [meta(ID, ""), line("response_item", "{torn")].concat();
        assert_eq!(extract(text.as_bytes(), Options::default()).damage.n_lines, 0);
        let deep = Options { deep: true, ..Options::default() };
        assert_eq!(extract(text.as_bytes(), deep).damage.n_lines, 1);
    }

    proptest! {
        #[test]
        fn lazy_and_eager_reading_give_the_same(picks in proptest::collection::vec((0usize..12, 0i64..5, any::<bool>()), 0..12)) {
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
                    8 => turn_of(*n, r#""model":"m","approval_policy":"never","sandbox_policy":{"type":"read-only"}"#),
                    9 => turn_of(*n, r#""model":"m""#),
                    10 => turn_of(*n, r#""model":m"#),
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
