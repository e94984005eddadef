//! A thread as plain data: its metadata from a rollout, and a row of the `threads` table as cells. No I/O, no clock.

pub mod cell;
pub mod columns;
pub mod diff;
pub mod equivalence;
pub mod facts;
pub mod folder;
#[cfg(test)]
mod law_property;
#[cfg(test)]
mod law_tests;
mod lost;
pub mod merge;
pub mod moved_folder;
#[cfg(test)]
mod sample;
pub mod search;
pub mod times;

use std::fmt;

/// The id of a thread, or of one of its rollouts: a UUID, always written lower-case and hyphenated.
///
/// The default is the nil id, which no thread has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ThreadId(uuid::Uuid);

impl ThreadId {
    /// Parses a hyphenated UUID in either case. Returns `None` for any other spelling (braces, urn, no hyphens).
    #[must_use]
    pub fn parse(text: &str) -> Option<ThreadId> {
        // `try_parse` accepts four spellings; only the hyphenated one has 36 characters.
        (text.len() == 36).then(|| uuid::Uuid::try_parse(text).ok().map(ThreadId)).flatten()
    }

    /// Writes the id into `buffer` and returns it as text. It does not allocate.
    pub fn encode(self, buffer: &mut [u8; 36]) -> &str {
        self.0.as_hyphenated().encode_lower(buffer)
    }

    /// Returns the time in the id, if it is a version 7 UUID.
    #[must_use]
    pub fn time(self) -> Option<Millis> {
        let bits = self.0.as_u128();
        (self.0.get_version_num() == 7).then(|| Millis::try_from(bits >> 80).ok()).flatten()
    }

    /// Returns the id with these bits; for tests and generated data.
    #[must_use]
    pub fn from_u128(bits: u128) -> ThreadId {
        ThreadId(uuid::Uuid::from_u128(bits))
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
        f.pad(self.0.as_hyphenated().encode_lower(&mut buffer))
    }
}

impl fmt::Debug for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;

/// How a thread's history is stored. More columns of a `paginated` thread's row are protected than of a `legacy`
/// one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum HistoryMode {
    /// The mode of every thread that does not name another one.
    #[default]
    Legacy,
    /// Items carry ordinals, and the thread can be reverted.
    Paginated,
}

impl HistoryMode {
    /// All modes that Codex knows.
    pub const ALL: [HistoryMode; 2] = [HistoryMode::Legacy, HistoryMode::Paginated];

    /// Reads a word of a row or a rollout; `None` for one that Codex does not know.
    #[must_use]
    pub fn parse(word: &str) -> Option<HistoryMode> {
        HistoryMode::ALL.into_iter().find(|mode| mode.as_str() == word)
    }

    /// Returns the text in the `history_mode` column.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            HistoryMode::Legacy => "legacy",
            HistoryMode::Paginated => "paginated",
        }
    }
}

/// The git facts of a session meta. A later meta replaces them all together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Git {
    /// `git.commit_hash`.
    pub sha: Option<String>,
    /// `git.branch`.
    pub branch: Option<String>,
    /// `git.repository_url`.
    pub origin_url: Option<String>,
}

/// The contents of a thread's rollout files: every fact of its row that a file can contain.
///
/// The rules from lines to fields are in `rollout/extract.rs`. The fields are named after the columns. The default knows
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThreadMetadata {
    /// Thread id: from the first session meta, otherwise from the file name.
    pub id: ThreadId,
    /// Absolute path of the chosen rollout.
    pub rollout_path: String,
    /// Time when the thread began.
    pub created_at: Millis,
    /// Time when the thread was last written: one of the next two, chosen by [`times::Times`].
    pub updated_at: Millis,
    /// The rollout's modification time.
    pub modified_at: Millis,
    /// The time of the rollout's last line, or the time when the thread began if no line has a time.
    pub last_event_at: Millis,
    /// Time when the last task began, which is when the thread was last used.
    pub task_started_at: Option<Millis>,
    /// Origin of the thread: a word (`cli`, `vscode`, …) or compact JSON.
    pub source: String,
    /// The kind of requester of the thread (`user`, `subagent`, …).
    pub thread_source: Option<String>,
    /// A spawned agent's nickname.
    pub agent_nickname: Option<String>,
    /// A spawned agent's role.
    pub agent_role: Option<String>,
    /// A spawned agent's path among the agents.
    pub agent_path: Option<String>,
    /// The provider of the model.
    pub model_provider: String,
    /// The last turn's model.
    pub model: Option<String>,
    /// The last turn's reasoning effort.
    pub reasoning_effort: Option<String>,
    /// Working directory, canonical where it exists.
    pub cwd: String,
    /// Other working directories that lines of the file name, in the lines' spelling.
    pub other_folders: Vec<String>,
    /// Those of them that lines named first after the line that named `cwd` first.
    pub later_folders: Vec<String>,
    /// Version of the Codex that began (or last resumed) the thread; empty if unknown.
    pub cli_version: String,
    /// First non-empty message text of the user; empty if the user wrote none.
    pub title: String,
    /// The text that a listing shows; an empty one hides the thread.
    pub preview: String,
    /// The first message of the user, or a placeholder for an image or sound; empty without a first message.
    pub first_user_message: String,
    /// Compact JSON of the last turn's permission profile or sandbox policy.
    pub sandbox_policy: String,
    /// The old policy beside the permission profile of the last turn; a row may have either.
    pub other_sandbox_policy: Option<String>,
    /// True if the last turn has a `file_system_sandbox_policy`, from which Codex may derive any profile.
    pub any_sandbox_profile: bool,
    /// The last turn's approval policy: a word or compact JSON.
    pub approval_mode: String,
    /// Tokens of the last count.
    pub tokens_used: i64,
    /// True if the file contains a user message.
    pub has_user_event: bool,
    /// True if the file is below `archived_sessions/`.
    pub archived: bool,
    /// Git facts of the last session meta that contains any.
    pub git: Git,
    /// `enabled`, `disabled`, `polluted` or another word in the file.
    pub memory_mode: String,
    /// The first session meta's history mode.
    pub history_mode: HistoryMode,
    /// The program that started the thread.
    pub originator: Option<String>,
    /// The user who started the thread.
    pub creator_user_id: Option<String>,
    /// The account of that user.
    pub creator_account_id: Option<String>,
    /// The thread's last name in the file; a name in `session_index.jsonl` has precedence.
    pub name: Option<String>,
    /// True if the file continues a rollout that is missing or unusable, so that the values from there are unknown.
    pub lacks_history: bool,
    /// True if the file has no session meta of the thread, so that the values from there are unknown.
    pub lacks_meta: bool,
    /// True if a line before the first message of the file is lost, so that another message may have been the first.
    pub lacks_first_lines: bool,
    /// True if a line after the last count is lost, which may have been another count.
    pub lacks_last_count: bool,
    /// True if the last line of the file is lost, so that a later row knows what it said.
    pub lacks_last_lines: bool,
    /// The thread according to each of its older rollouts. A live Codex that reverts a thread changes only the path
    /// in the row, so a cell that equals the value of an older rollout agrees. Filled only where a row differs.
    pub older: Vec<ThreadMetadata>,
}

impl ThreadMetadata {
    /// Returns roughly how much memory this takes, in bytes: only the texts without a limit are counted.
    #[must_use]
    pub fn size(&self) -> usize {
        let texts = [&self.title, &self.preview, &self.first_user_message, &self.sandbox_policy];
        texts.map(String::len).iter().sum::<usize>() + 1024
    }

    /// Returns when the thread was last used, as a new row stores it.
    #[must_use]
    pub fn recency_at(&self) -> Millis {
        self.task_started_at.unwrap_or(self.updated_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_either_case_and_shown_in_lower_case() {
        let id = ThreadId::parse("019CED47-CEBB-79DD-B0AA-A552437621A9").unwrap();
        assert_eq!(id.to_string(), "019ced47-cebb-79dd-b0aa-a552437621a9");
    }

    #[test]
    fn only_an_id_of_version_7_has_a_time() {
        let time = |id: &str| ThreadId::parse(id).unwrap().time();
        assert_eq!(time("019f36bf-14fa-7cfd-bf6e-2838871814d4"), Some(1_783_329_920_250));
        assert_eq!(time("9b2ddf0c-7d2c-4f61-8c4a-5f6c1d2e3f40"), None);
    }

    #[test]
    fn only_the_hyphenated_spelling_is_an_id() {
        for text in [
            "",
            "019ced47cebb79ddb0aaa552437621a9",
            "{019ced47-cebb-79dd-b0aa-a552437621a9}",
            "urn:uuid:019ced47-cebb-79dd-b0aa-a552437621a9",
            "019ced47-cebb-79dd-b0aa-a552437621ag",
            "019ced47-cebb-79dd-b0aa-a552437621a9 ",
        ] {
            assert_eq!(ThreadId::parse(text), None, "{text:?}");
        }
    }
}
