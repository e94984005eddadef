//! Builds rollouts in a way that reads like the claim of the test: what the user said, in which turn, with how many
//! tokens.

use std::fs;
use std::path::PathBuf;

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::{Map, Value, json};

use crate::env::{Env, set_mtime};

/// A rollout under construction. It starts with a session meta unless [`Rollout::no_meta`] is called.
#[derive(Clone)]
pub(crate) struct Rollout {
    start: NaiveDateTime,
    id: String,
    rollout_id: Option<String>,
    meta: Meta,
    with_meta: bool,
    lines: Vec<String>,
    folder: Option<String>,
    file_name: Option<String>,
    compressed: bool,
    mtime: Option<i64>,
}

/// The payload of a session meta.
#[derive(Clone)]
pub(crate) struct Meta(Map<String, Value>);

impl Meta {
    /// Sets a key.
    pub(crate) fn set(mut self, key: &str, value: impl Into<Value>) -> Meta {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Sets the folder in which the thread works.
    pub(crate) fn cwd(self, cwd: &str) -> Meta {
        self.set("cwd", cwd)
    }

    /// Sets the source of the thread: a string or an object.
    pub(crate) fn source(self, source: impl Into<Value>) -> Meta {
        self.set("source", source)
    }

    /// Sets the version of Codex that wrote the rollout.
    pub(crate) fn cli_version(self, version: &str) -> Meta {
        self.set("cli_version", version)
    }

    /// Makes the thread paginated.
    pub(crate) fn paginated(self) -> Meta {
        self.set("history_mode", "paginated")
    }

    /// Sets the state of the repository.
    pub(crate) fn git(self, sha: &str, branch: &str, url: &str) -> Meta {
        self.set("git", json!({"commit_hash": sha, "branch": branch, "repository_url": url}))
    }
}

impl Rollout {
    /// Starts a thread at this time (`2026-03-14T16:57:12`, UTC). Its id is made of the digits of the time.
    pub(crate) fn new(start: &str) -> Rollout {
        let digits: String = start.chars().filter(char::is_ascii_digit).collect();
        let id = format!("{}-{}-70{}-8000-000000000000", &digits[..8], &digits[8..12], &digits[12..14]);
        let start = NaiveDateTime::parse_from_str(start, "%Y-%m-%dT%H:%M:%S").unwrap();
        let meta = json!({
            "id": id,
            "timestamp": start.format("%Y-%m-%dT%H:%M:%S.123Z").to_string(),
            "cwd": "/nowhere/project",
            "originator": "codex_cli_rs",
            "cli_version": "0.147.0",
            "source": "cli",
            "model_provider": "openai",
            "history_mode": "legacy",
        });
        let Value::Object(meta) = meta else { unreachable!() };
        Rollout {
            start,
            id,
            rollout_id: None,
            meta: Meta(meta),
            with_meta: true,
            lines: Vec::new(),
            folder: None,
            file_name: None,
            compressed: false,
            mtime: None,
        }
    }

    /// Gives the thread another id, in the meta and in the file name.
    pub(crate) fn id(mut self, id: &str) -> Rollout {
        self.id = id.to_owned();
        self.meta = self.meta.set("id", id);
        self
    }

    /// Makes this the file of a reverted thread, with the name `…_<rollout id>`.
    pub(crate) fn rollout_id(mut self, id: &str) -> Rollout {
        self.rollout_id = Some(id.to_owned());
        self
    }

    /// Changes the session meta.
    pub(crate) fn meta(mut self, change: impl FnOnce(Meta) -> Meta) -> Rollout {
        self.meta = change(self.meta);
        self
    }

    /// Omits the session meta.
    pub(crate) fn no_meta(mut self) -> Rollout {
        self.with_meta = false;
        self
    }

    /// Adds a message of the user.
    pub(crate) fn user(self, text: &str) -> Rollout {
        self.event(json!({"type": "user_message", "message": text, "images": [], "local_images": []}))
    }

    /// Adds the start of a turn, in a writable workspace without network.
    pub(crate) fn turn(self, model: &str, effort: &str) -> Rollout {
        self.item(
            "turn_context",
            json!({
                "cwd": "/nowhere/project",
                "approval_policy": "on-request",
                "sandbox_policy": {"type": "workspace-write", "network_access": false},
                "model": model,
                "effort": effort,
            }),
        )
    }

    /// Adds the count of tokens so far.
    pub(crate) fn tokens(self, total: i64) -> Rollout {
        self.event(json!({"type": "token_count", "info": {"total_token_usage": {"total_tokens": total}}}))
    }

    /// Adds an answer of the assistant, whose text does not matter.
    pub(crate) fn answer(self, text: &str) -> Rollout {
        let content = json!([{"type": "output_text", "text": text}]);
        self.item("response_item", json!({"type": "message", "role": "assistant", "content": content}))
    }

    /// Adds any event.
    pub(crate) fn event(self, payload: Value) -> Rollout {
        self.item("event_msg", payload)
    }

    /// Adds any line of the usual shape, 1.5 seconds after the line before.
    pub(crate) fn item(self, kind: &str, payload: Value) -> Rollout {
        let time = self.time_of_line(self.lines.len() + 1).format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        self.line(&format!(r#"{{"timestamp":"{time}","type":"{kind}","payload":{payload}}}"#))
    }

    /// Adds any line.
    pub(crate) fn line(mut self, text: &str) -> Rollout {
        self.lines.push(text.to_owned());
        self
    }

    /// Puts the file into `archived_sessions/`.
    pub(crate) fn archived(self) -> Rollout {
        self.folder("archived_sessions")
    }

    /// Puts the file into this folder of the home.
    pub(crate) fn folder(mut self, folder: &str) -> Rollout {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Gives the file this name, whatever the rules for names.
    pub(crate) fn file_name(mut self, name: &str) -> Rollout {
        self.file_name = Some(name.to_owned());
        self
    }

    /// Writes the file as `.jsonl.zst`.
    pub(crate) fn compressed(mut self) -> Rollout {
        self.compressed = true;
        self
    }

    /// Sets the file's time in epoch milliseconds; without this it is a little after the last line's.
    pub(crate) fn mtime(mut self, milliseconds: i64) -> Rollout {
        self.mtime = Some(milliseconds);
        self
    }

    /// Returns the time that the file will have.
    pub(crate) fn mtime_ms(&self) -> i64 {
        self.mtime.unwrap_or_else(|| self.time_of_line(self.lines.len()).and_utc().timestamp_millis() + 250)
    }

    /// Returns the thread's id.
    pub(crate) fn thread(&self) -> &str {
        &self.id
    }

    /// Returns the path of the file, relative to the home.
    pub(crate) fn relative(&self) -> String {
        let folder =
            self.folder.clone().unwrap_or_else(|| self.start.format("sessions/%Y/%m/%d").to_string());
        let name = self.file_name.clone().unwrap_or_else(|| {
            let reverted = self.rollout_id.as_ref().map_or(String::new(), |id| format!("_{id}"));
            format!("rollout-{}-{}{reverted}.jsonl", self.start.format("%Y-%m-%dT%H-%M-%S"), self.id)
        });
        format!("{folder}/{name}{}", if self.compressed { ".zst" } else { "" })
    }

    /// Returns the file's bytes before compression.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if self.with_meta {
            let time = self.start.format("%Y-%m-%dT%H:%M:%S.123Z");
            let meta = Value::Object(self.meta.0.clone());
            text = format!(r#"{{"timestamp":"{time}","type":"session_meta","payload":{meta}}}"#) + "\n";
        }
        for line in &self.lines {
            text += line;
            text.push('\n');
        }
        if self.meta.0["history_mode"] == "paginated" { self.numbered(&text) } else { text }
    }

    /// Adds an ordinal after the timestamp of each record, as paginated threads have.
    fn numbered(&self, text: &str) -> String {
        let first = self.meta.0.get("history_base").and_then(|base| base["end_ordinal_exclusive"].as_u64());
        let number = |(n, line): (u64, &str)| match line.split_once("Z\",") {
            Some((time, rest)) if time.starts_with("{\"timestamp\":\"") => {
                format!("{time}Z\",\"ordinal\":{n},{rest}\n")
            }
            _ => format!("{line}\n"),
        };
        (first.unwrap_or(0)..).zip(text.lines()).map(number).collect()
    }

    /// Writes the file into the home.
    pub(crate) fn write(&self, env: &Env) -> PathBuf {
        let path = PathBuf::from(env.path(&self.relative()));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = self.text();
        let bytes =
            if self.compressed { zstd::encode_all(text.as_bytes(), 3).unwrap() } else { text.into_bytes() };
        fs::write(&path, bytes).unwrap();
        set_mtime(&path, self.mtime_ms());
        path
    }

    fn time_of_line(&self, number: usize) -> NaiveDateTime {
        self.start + TimeDelta::milliseconds(123 + 1500 * i64::try_from(number).unwrap())
    }
}

/// Returns an ordinary conversation.
pub(crate) fn plain(start: &str, first_message: &str) -> Rollout {
    Rollout::new(start).user(first_message).turn("gpt-5", "high").tokens(1200).answer("Done.")
}
