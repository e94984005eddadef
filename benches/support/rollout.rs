//! Writes one synthetic rollout of a wanted size, line by line; `homes` decides its place and name.

use super::pool::Pool;
use super::rng::Rng;
use super::thread::{Thread, stamp};
use std::io::{self, Write};

/// The bytes that are kept free for the last lines of a rollout.
const TAIL: u64 = 900;
/// A rollout of fewer bytes holds only what a listing needs, like a rollout with one question and one answer.
const SMALL: u64 = 4 << 10;
const GIANT_BLOCK: usize = 1 << 20;

struct Writer<'a, W> {
    out: W,
    thread: &'a Thread,
    pool: &'a Pool,
    rng: Rng,
    written: u64,
    now_ms: i64,
    ordinal: u64,
    tokens: u64,
    line: Vec<u8>,
}

/// Writes a rollout of about `target` bytes, with one more line of `giant_line` bytes unless that is 0. Returns the
/// time of its last line in milliseconds since the epoch.
pub(crate) fn write_rollout<W: Write>(
    out: W,
    thread: &Thread,
    pool: &Pool,
    target: u64,
    giant_line: u64,
) -> io::Result<i64> {
    let rng = thread.rng();
    let line = Vec::with_capacity(16 << 10);
    let now_ms = thread.began_ms;
    let mut w = Writer { out, thread, pool, rng, written: 0, now_ms, ordinal: 0, tokens: 0, line };
    w.session_meta(target)?;
    w.user_message(target)?;
    w.turn_context(target)?;
    if giant_line > 0 {
        w.giant_line(giant_line)?;
    }
    while target >= SMALL && w.written + TAIL < target {
        w.turn(target)?;
    }
    w.token_count()?;
    if target >= SMALL {
        w.agent_message()?;
    }
    w.out.flush()?;
    Ok(w.now_ms)
}

impl<W: Write> Writer<'_, W> {
    /// Begins a line of `kind`, up to and including `"payload":`.
    fn begin(&mut self, kind: &str) {
        self.now_ms += 40 + self.rng.below(4000) as i64;
        self.line.clear();
        self.put("{\"timestamp\":\"");
        self.put(&stamp(self.now_ms));
        if self.thread.paginated {
            self.put(&format!("\",\"ordinal\":{},\"type\":\"{kind}\",\"payload\":", self.ordinal));
            self.ordinal += 1;
        } else {
            self.put(&format!("\",\"type\":\"{kind}\",\"payload\":"));
        }
    }

    fn put(&mut self, text: &str) {
        self.line.extend_from_slice(text.as_bytes());
    }

    fn put_text(&mut self, len: usize) {
        self.pool.text(&mut self.rng, &mut self.line, len);
    }

    fn end(&mut self) -> io::Result<()> {
        self.put("}\n");
        self.written += self.line.len() as u64;
        self.out.write_all(&self.line)
    }

    /// Returns a random length with the given mean, at most `room`.
    fn length(&mut self, mean: f64, sigma: f64, room: u64) -> usize {
        (self.rng.log_normal(mean, sigma) as u64).clamp(40, 1 << 20).min(room) as usize
    }

    /// Returns how many bytes may still be written before the last lines.
    fn room(&self, target: u64) -> u64 {
        target.saturating_sub(self.written + TAIL + 400)
    }

    fn session_meta(&mut self, target: u64) -> io::Result<()> {
        let t = self.thread;
        self.begin("session_meta");
        self.put(&format!(
            r#"{{"session_id":"{0}","id":"{0}","timestamp":"{1}","cwd":"{2}","originator":"codex_cli_rs","cli_version":"{3}","source":{4},"thread_source":"{5}","model_provider":"{6}","base_instructions":{{"text":""#,
            t.id, stamp(t.began_ms), t.cwd, t.cli_version, t.source, t.thread_source, t.provider,
        ));
        self.put("You are a coding agent.");
        self.put_text((target / 16).min(4 << 10) as usize * usize::from(target >= SMALL));
        let mode = if t.paginated { "paginated" } else { "legacy" };
        self.put(&format!("\"}},\"history_mode\":\"{mode}\""));
        if let Some(commit) = &t.commit {
            self.put(&format!(
                r#","git":{{"commit_hash":"{commit}","branch":"main","repository_url":"git@example.com:dev/p.git"}}"#
            ));
        }
        self.put("}");
        self.end()
    }

    fn user_message(&mut self, target: u64) -> io::Result<()> {
        let len = self.length(300.0, 1.0, target / 16);
        self.begin("event_msg");
        self.put(r#"{"type":"user_message","message":"Please "#);
        self.put_text(len);
        self.put(r#"","images":[],"local_images":[],"text_elements":[]}"#);
        self.end()
    }

    fn turn_context(&mut self, target: u64) -> io::Result<()> {
        let t = self.thread;
        let turn = self.rng.next();
        let effort = self.rng.pick(&["low", "medium", "high"]);
        self.begin("turn_context");
        self.put(&format!(
            r#"{{"turn_id":"{turn:016x}","cwd":"{0}","approval_policy":"{1}","sandbox_policy":{{"type":"workspace-write","writable_roots":["{0}"],"network_access":false,"exclude_tmpdir_env_var":false,"exclude_slash_tmp":false}},"model":"{2}","effort":"{effort}","summary":"auto""#,
            t.cwd, t.approval, t.model,
        ));
        if target >= SMALL && self.rng.percent(30) {
            self.put(",\"developer_instructions\":\"");
            let len = self.length(500.0, 0.5, target / 64);
            self.put_text(len);
            self.put("\"");
        }
        self.put("}");
        self.end()
    }

    fn token_count(&mut self) -> io::Result<()> {
        self.tokens += 900 + self.rng.below(9000) as u64;
        let total = self.tokens;
        let usage = |total: u64| {
            let (input, output) = (total - total / 10, total / 10);
            format!(
                r#"{{"input_tokens":{input},"cached_input_tokens":{},"output_tokens":{output},"reasoning_output_tokens":{},"total_tokens":{total}}}"#,
                input / 2,
                output / 2
            )
        };
        self.begin("event_msg");
        self.put(&format!(
            r#"{{"type":"token_count","info":{{"total_token_usage":{},"last_token_usage":{},"model_context_window":258400}},"rate_limits":null}}"#,
            usage(total),
            usage(total / 3 + 10)
        ));
        self.end()
    }

    fn agent_message(&mut self) -> io::Result<()> {
        let len = self.length(200.0, 0.4, 300);
        self.begin("event_msg");
        self.put(r#"{"type":"agent_message","message":""#);
        self.put_text(len);
        self.put("\"}");
        self.end()
    }

    /// Writes a turn: the question, some steps of thought, call and output, and the answer.
    fn turn(&mut self, target: u64) -> io::Result<()> {
        for _ in 0..2 + self.rng.below(14) {
            self.step(target)?;
            if self.written + TAIL >= target {
                return Ok(());
            }
        }
        if self.rng.percent(10) {
            let room = self.room(target);
            let len = self.length(30_000.0, 0.7, room);
            self.begin("compacted");
            self.put(r#"{"message":""#);
            self.put_text(len);
            self.put("\",\"replacement_history\":[]}");
            self.end()?;
        }
        let room = self.room(target);
        let len = self.length(900.0, 0.8, room);
        self.begin("response_item");
        self.put(r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":""#);
        self.put_text(len);
        self.put("\"}]}");
        self.end()?;
        self.agent_message()?;
        if self.room(target) > 3000 {
            self.user_message(target)?;
            self.turn_context(target)?;
        }
        Ok(())
    }

    fn step(&mut self, target: u64) -> io::Result<()> {
        let room = self.room(target);
        if room > 8000 {
            let len = self.length(2200.0, 0.6, room / 2);
            self.begin("response_item");
            self.put(r#"{"type":"reasoning","summary":[],"content":null,"encrypted_content":"gAAAAA"#);
            self.pool.encrypted(&mut self.rng, &mut self.line, len);
            self.put("\"}");
            self.end()?;
            let call = self.rng.next();
            self.begin("response_item");
            self.put(&format!(
                r#"{{"type":"function_call","name":"shell","arguments":"{{\"command\":[\"rg\",\"-n\",\"{call:x}\"],\"workdir\":\"{}\"}}","call_id":"call_{call:016x}"}}"#,
                self.thread.cwd
            ));
            self.end()?;
        }
        let room = self.room(target);
        let len = self.length(12_000.0, 1.3, room);
        let call = self.rng.next();
        self.begin("response_item");
        self.put(&format!(r#"{{"type":"function_call_output","call_id":"call_{call:016x}","output":""#));
        self.put_text(len);
        self.put("\"}");
        self.end()?;
        self.token_count()
    }

    /// Writes a line that is too long for any buffer. It is written in blocks, so that the generator needs little
    /// memory too.
    fn giant_line(&mut self, len: u64) -> io::Result<()> {
        self.begin("response_item");
        self.put(r#"{"type":"function_call_output","call_id":"call_giant","output":""#);
        let frame = self.line.len() as u64 + 4;
        self.out.write_all(&self.line)?;
        let mut left = len.saturating_sub(frame);
        while left > 0 {
            let block = left.min(GIANT_BLOCK as u64);
            self.line.clear();
            self.put_text(block as usize);
            self.out.write_all(&self.line)?;
            left -= block;
        }
        self.out.write_all(b"\"}}\n")
    }
}
