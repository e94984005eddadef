//! Tests the cases of `tests/fixtures/cases`: each is a small home for one fault that was found, with the right
//! outcome. Its README describes the format.

use crate::env::{Env, set_mtime};
use crate::outcome::Outcome;
use crate::table::{self, Rows};
use regex::RegexBuilder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A time later than every file of every case.
const NOW: &str = "2026-11-29T12:00:00Z";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases")
}

#[test]
fn every_case_holds() {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("case.json").exists())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 48, "the cases are here: {names:?}");
    let failed: Vec<String> = names
        .iter()
        .filter_map(|name| {
            let problems = Case::read(name).problems();
            (!problems.is_empty()).then(|| format!("{name}:\n  {}", problems.join("\n  ")))
        })
        .collect();
    assert!(failed.is_empty(), "{} of {} cases fail\n{}", failed.len(), names.len(), failed.join("\n"));
}

#[test]
fn a_reverted_thread_beside_its_row_differs_as_little_as_for_verify() {
    let case = Case::read("01-revert-row-as-left");
    case.env.sql(&case.fill(case.setup.as_ref().unwrap()));
    for id in case.rows().keys() {
        let outcome = case.env.run_at(NOW, ["show", "--compare", id, "--format", "tsv"]);
        outcome.status(0, "the row and its file");
        outcome.assert(!outcome.stdout.contains("\ttrue"), "verify finds no difference, so this has none");
    }
}

struct Case {
    what: Value,
    env: Env,
    setup: Option<String>,
}

impl Case {
    /// Copies a case into a new home.
    fn read(name: &str) -> Case {
        let folder = folder().join(name);
        let what: Value = serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
        let env = Env::new();
        let case = Case { what, env, setup: fs::read_to_string(folder.join("setup.sql")).ok() };
        for below in case.what["folders"].as_array().into_iter().flatten() {
            fs::create_dir_all(case.env.path(below.as_str().unwrap())).unwrap();
        }
        let mtimes: BTreeMap<String, i64> =
            serde_json::from_value(case.what["mtimes"].clone()).unwrap_or_default();
        case.copy(&folder.join("home"), "", &mtimes);
        if let Some(level) = case.what["database"].as_str() {
            let database = case.env.database(match level {
                "2026-01" => "empty-2026-01",
                "2026-03" => "empty-2026-03",
                "2026-07" => "empty-2026-07",
                "2026-08" => "empty-2026-08",
                "2026-10" => "reconstructed-2026-10",
                other => panic!("no database of {other}"),
            });
            if let Some(file_name) = case.what["name"].as_str() {
                fs::rename(&database, case.env.path(file_name)).unwrap();
            }
        }
        case
    }

    fn copy(&self, from: &Path, below: &str, mtimes: &BTreeMap<String, i64>) {
        for entry in fs::read_dir(from).into_iter().flatten().map(Result::unwrap) {
            let relative = format!("{below}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                self.copy(&entry.path(), &format!("{relative}/"), mtimes);
                continue;
            }
            let bytes = self.fill_file(&relative, &fs::read(entry.path()).unwrap());
            let path = self.env.write(&relative, &bytes);
            let mtime = mtimes.get(&relative).copied().or_else(|| last_time(&bytes));
            if let Some(mtime) =
                mtime.filter(|_| mtimes.contains_key(&relative) || relative.contains(".jsonl"))
            {
                set_mtime(&path, mtime);
            }
        }
    }

    /// Replaces the home's mark in SQL and in texts that are no longer JSON.
    fn fill(&self, text: &str) -> String {
        String::from_utf8(self.fill_bytes(text.as_bytes(), Path::to_owned)).unwrap()
    }

    /// Replaces the home's mark in a file of the home.
    fn fill_file(&self, relative: &str, bytes: &[u8]) -> Vec<u8> {
        let is_json = relative.contains(".jsonl") || relative.ends_with(".json");
        self.fill_bytes(bytes, |path| match path.to_str() {
            Some(text) if is_json => text.replace('\\', r"\\").into(),
            _ => path.to_owned(),
        })
    }

    /// Replaces each path that begins with the mark by one as this system spells it.
    fn fill_bytes(&self, bytes: &[u8], spell: impl Fn(&Path) -> PathBuf) -> Vec<u8> {
        const MARK: &[u8] = b"@HOME@";
        let mut filled = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK) {
            filled.extend_from_slice(&rest[..at]);
            rest = &rest[at + MARK.len()..];
            let ends = |byte: &u8| byte.is_ascii_whitespace() || b"'\",;:".contains(byte);
            let (below, after) = rest.split_at(rest.iter().position(ends).unwrap_or(rest.len()));
            let below = std::str::from_utf8(below).unwrap();
            let path = below.split('/').filter(|part| !part.is_empty());
            let path = path.fold(self.env.home(), |path, part| path.join(part));
            filled.extend_from_slice(spell(&path).to_str().unwrap().as_bytes());
            rest = after;
        }
        filled.extend_from_slice(rest);
        filled
    }

    fn run(&self, arguments: &Value) -> Outcome {
        let arguments = arguments.as_array().unwrap().iter();
        self.env.run_at(NOW, arguments.map(|argument| self.fill(argument.as_str().unwrap())))
    }

    fn rows(&self) -> Rows {
        if self.what["database"].is_null() { Rows::new() } else { self.env.rows() }
    }

    /// Runs the steps and returns what differs from the case.
    fn problems(&self) -> Vec<String> {
        if self.what["backfill_first"] == true {
            self.env.run_at(NOW, ["backfill", "--no-backup"]);
        }
        if let Some(setup) = &self.setup {
            self.env.sql(&self.fill(setup));
        }
        let before = self.rows();
        let mut problems = Vec::new();
        for step in self.what["steps"].as_array().unwrap() {
            let now = self.rows();
            let outcome = self.run(&step["run"]);
            let mut found = self.judge(step, &outcome);
            if step["unchanged"] == true {
                found.extend(table::difference(&now, &self.rows()));
            }
            problems.extend(found.into_iter().map(|problem| format!("{}: {problem}", step["run"])));
        }
        if self.what["unchanged"] == true {
            problems.extend(table::difference(&before, &self.rows()));
        }
        problems.extend(self.wrong_rows());
        problems
    }

    fn judge(&self, step: &Value, outcome: &Outcome) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(code) = step["exit"].as_i64()
            && outcome.code.map(i64::from) != Some(code)
        {
            problems.push(format!("exit {:?}, expected {code}: {}", outcome.code, outcome.stderr));
        }
        for (key, text) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
            let said = |key: String| step[key].as_array().cloned().unwrap_or_default();
            for want in said(format!("{key}_has")) {
                if !text.contains(&self.fill(want.as_str().unwrap())) {
                    problems.push(format!("{key} lacks {want}"));
                }
            }
            for want in said(format!("{key}_lacks")) {
                if text.contains(&self.fill(want.as_str().unwrap())) {
                    problems.push(format!("{key} has {want}"));
                }
            }
        }
        if step["findings"].is_null() && step["json"].is_null() {
            return problems;
        }
        let document = outcome.json();
        for (key, want) in step["json"].as_object().into_iter().flatten() {
            let found = key.split('.').fold(&document, |value, part| match part.parse::<usize>() {
                Ok(n) => &value[n],
                Err(_) => &value[part],
            });
            if found != want {
                problems.push(format!("{key} is {found}, expected {want}"));
            }
        }
        if let Some(wanted) = step["findings"].as_array() {
            problems.extend(wrong_findings(step, wanted, &document));
        }
        problems
    }

    fn wrong_rows(&self) -> Vec<String> {
        let rows = self.rows();
        let mut problems = Vec::new();
        for (id, want) in self.what["rows"].as_object().into_iter().flatten() {
            let Some(row) = rows.get(id) else {
                if !want.is_null() {
                    problems.push(format!("no row {id}"));
                }
                continue;
            };
            if want.is_null() {
                problems.push(format!("row {id} should not be there"));
            }
            for (column, want) in want.as_object().into_iter().flatten() {
                let want = want.as_str().map_or_else(|| want.clone(), |text| self.fill(text).into());
                // Windows: the paths of folders that exist are stored canonically.
                let is_canonical = |want: &Value| {
                    cfg!(windows)
                        && want.as_str().is_some_and(|want| row[column] == format!(r"\\?\{want}").as_str())
                };
                if is_canonical(&want) {
                    continue;
                }
                if !row.get(column).is_some_and(|cell| is_cell(&want, cell)) {
                    problems.push(format!("row {id}, {column}: {:?}, expected {want}", row.get(column)));
                }
            }
        }
        problems
    }
}

/// Returns the time of the last line that begins with one, in milliseconds.
fn last_time(bytes: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.rsplit_once(r#"{"timestamp":"20"#)?;
    let time = format!("20{}", rest.split('"').next()?);
    Some(chrono::DateTime::parse_from_rfc3339(&time).ok()?.timestamp_millis())
}

fn wrong_findings(step: &Value, wanted: &[Value], document: &Value) -> Vec<String> {
    let mut left: Vec<&Value> = document["findings"].as_array().unwrap().iter().collect();
    left.retain(|finding| step["errors_only"] != true || finding["severity"] == "error");
    if let Some(only) = step["only"].as_array() {
        left.retain(|finding| only.contains(&finding["kind"]));
    }
    let mut problems = Vec::new();
    for finding in &left {
        let severity = &step["severity"][finding["kind"].as_str().unwrap()];
        if !severity.is_null() && *severity != finding["severity"] {
            problems.push(format!("{finding} should be of severity {severity}"));
        }
    }
    for want in wanted {
        match left.iter().position(|finding| is_finding(want, finding)) {
            Some(found) => drop(left.remove(found)),
            None => problems.push(format!("no finding {want}")),
        }
    }
    problems.extend(left.iter().map(|finding| format!("unexpected {finding}")));
    problems
}

fn is_finding(want: &Value, finding: &Value) -> bool {
    let names = |fields: &Value| -> Vec<String> {
        let name = |field: &Value| field.as_str().or(field["name"].as_str()).unwrap().to_owned();
        let mut names: Vec<String> = fields.as_array().into_iter().flatten().map(name).collect();
        names.sort();
        names
    };
    let says = |expression: &Value| {
        let expression = expression.as_str().unwrap();
        let (key, expression) = match expression.strip_prefix("path:") {
            Some(expression) => ("path", expression),
            None => ("message", expression),
        };
        // The regex crate has no look-around. Here `\b` has the same effect, because the numbers are bounded by
        // words.
        let expression = expression.replace(r"(?<!\d)", r"\b").replace(r"(?!\d)", r"\b");
        let expression = RegexBuilder::new(&expression).case_insensitive(true).build().unwrap();
        expression.is_match(finding[key].as_str().unwrap_or_default())
    };
    finding["kind"] == want[0]
        && finding["thread_id"] == want[1]
        && (want[2].is_null() || names(&want[2]) == names(&finding["fields"]))
        && want[3].as_array().into_iter().flatten().all(says)
}

/// Returns true if a cell is as the case says. An object stands for JSON text that contains it, two numbers for a
/// range.
fn is_cell(want: &Value, cell: &Value) -> bool {
    match want {
        Value::Object(_) => {
            let said = cell.as_str().and_then(|text| serde_json::from_str(text).ok());
            said.is_some_and(|said| is_json(want, &said))
        }
        Value::Array(range) => cell
            .as_i64()
            .is_some_and(|cell| range[0].as_i64().unwrap() <= cell && cell <= range[1].as_i64().unwrap()),
        _ => want == cell,
    }
}

/// Returns true if `said` contains all of `want`, and everything else in it is null, false or empty.
fn is_json(want: &Value, said: &Value) -> bool {
    let (Value::Object(wanted), Value::Object(members)) = (want, said) else { return want == said };
    let is_nothing = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    wanted.iter().all(|(key, want)| is_json(want, &said[key.as_str()]))
        && members.iter().all(|(key, value)| wanted.contains_key(key) || is_nothing(value))
}
