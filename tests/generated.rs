//! Checks that completions/ and man/ are what the program renders from its arguments, that the schema of a thread is
//! made from the columns, and that the picture in docs/ is what the program prints.
//!
//! To renew them after a change: `UPDATE_GENERATED=1 cargo test --test generated`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test that cannot go on fails")]

#[cfg(unix)]
mod picture;

use clap::CommandFactory as _;
use codex_state::cli::line::args::Cli;
use codex_state::cli::line::{completions, man};
use codex_state::thread::columns::{COLUMNS, ColumnKind};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Fails unless the folder holds exactly these files. With `UPDATE_GENERATED` set, writes them instead.
fn check(folder: &str, expected: &BTreeMap<String, Vec<u8>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, content) in expected {
            fs::write(folder.join(name), content).unwrap();
        }
    }
    let found: BTreeMap<String, Vec<u8>> = fs::read_dir(&folder)
        .unwrap()
        .map(Result::unwrap)
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    let renew = "renew with: UPDATE_GENERATED=1 cargo test --test generated";
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{renew}");
    for (name, content) in expected {
        assert!(found[name] == *content, "{}/{name} is not current; {renew}", folder.display());
    }
}

#[test]
fn completions_are_current() {
    let scripts = completions::SHELLS
        .iter()
        .map(|(shell, file_name)| ((*file_name).to_owned(), completions::script(*shell).into_bytes()));
    check("completions", &scripts.collect());
}

#[test]
fn man_pages_are_current() {
    check("man", &man::pages().unwrap().into_iter().map(|page| (page.file_name, page.roff)).collect());
}

/// Returns the JSON Schema of a thread: as `list` prints it, and as a row with unknown columns that `show` prints.
fn schema_of_a_thread() -> String {
    let member = |name: &str, kind: &str, doc: &str| {
        let description = serde_json::Value::from(doc);
        format!("\"{name}\": {{ \"description\": {description}, {kind} }}")
    };
    let columns = COLUMNS.iter().map(|column| {
        let kind = match column.kind {
            ColumnKind::Text | ColumnKind::JsonText | ColumnKind::Path => "\"type\": [\"string\", \"null\"]",
            ColumnKind::Integer => "\"type\": [\"integer\", \"null\"]",
            ColumnKind::Boolean => "\"type\": [\"boolean\", \"null\"]",
            ColumnKind::Seconds | ColumnKind::Milliseconds => {
                "\"type\": [\"string\", \"null\"], \"format\": \"date-time\""
            }
        };
        member(column.name, kind, column.doc)
    });
    let columns: Vec<String> = columns.collect();
    let more = [
        member(
            "hidden_by",
            "\"type\": [\"string\", \"null\"]",
            "what keeps the thread out of Codex's default list",
        ),
        member("size", "\"type\": [\"integer\", \"null\"], \"minimum\": 0", "the bytes of the rollout"),
    ];
    let (of_list, of_row) =
        ([columns.clone(), more.into()].concat().join(",\n    "), columns.join(",\n        "));
    format!(
        r#"{{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "A thread, as codex-state list prints it: all columns, or those that --columns names",
  "type": "object",
  "additionalProperties": false,
  "properties": {{
    {of_list}
  }},
  "$defs": {{
    "row": {{
      "title": "A row, as codex-state show prints it: the columns of the database, those that are not listed here too",
      "type": "object",
      "properties": {{
        {of_row}
      }}
    }}
  }}
}}
"#
    )
}

#[test]
fn the_schema_of_a_thread_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/thread.json");
    let schema = schema_of_a_thread();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &schema).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == schema,
        "docs/schema/thread.json is not current; renew with: UPDATE_GENERATED=1 cargo test --test generated"
    );
}

#[test]
fn the_schema_of_verify_names_every_kind() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/verify.json");
    let schema: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let kinds = schema.pointer("/properties/findings/items/properties/kind/enum").unwrap();
    let expected: Vec<&str> =
        codex_state::verify::FindingKind::ALL.into_iter().map(|kind| kind.name()).collect();
    assert_eq!(*kinds, serde_json::json!(expected));
}

/// Runs on Unix only, because paths look different elsewhere.
#[cfg(unix)]
#[test]
fn the_picture_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/picture.svg");
    let drawn = picture::draw();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &drawn).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(
        found == drawn,
        "docs/picture.svg is not current; renew with: UPDATE_GENERATED=1 cargo test --test generated"
    );
}

#[test]
fn the_arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_argument_and_command_has_help() {
    fn visit(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{} has no help", command.get_name());
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty(), "{} of {} has no help", argument.get_id(), command.get_name());
            assert!(!help.ends_with('.'), "{}: help ends without a full stop", argument.get_id());
        }
        command.get_subcommands().for_each(visit);
    }
    visit(&Cli::command());
}

/// PowerShell cannot be installed everywhere, so this reads its script: each line that offers something is one call with
/// three strings and a type, and each command offers its own options.
#[test]
fn powershell_offers_the_options_of_each_command() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("completions/_codex-state.ps1"))
        .unwrap();
    assert!(text.is_ascii(), "Windows PowerShell may read other characters wrongly");
    let mut offered: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut command = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("'codex-state").and_then(|rest| rest.strip_suffix("' {")) {
            command = name.trim_start_matches(';');
        } else if let Some(call) = line.strip_prefix("[CompletionResult]::new(") {
            let strings = strings(call.strip_suffix(')').unwrap());
            let [word, shown, help] = &strings[..] else { panic!("three strings: {line}: {strings:?}") };
            assert_eq!(word, shown.trim_end(), "{line}");
            assert!(!help.is_empty(), "{line}");
            offered.entry(command).or_default().insert(word.clone());
        }
    }
    let mut program = Cli::command();
    program.build();
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        let options = command.get_arguments().filter_map(|argument| argument.get_long());
        let options: BTreeSet<String> = options.map(|name| format!("--{name}")).collect();
        let found = offered[command.get_name()].iter().filter(|word| word.starts_with("--")).cloned();
        assert_eq!(found.collect::<BTreeSet<_>>(), options, "{}", command.get_name());
        assert!(offered[""].contains(command.get_name()));
    }
}

/// Returns the strings among the arguments of a call in PowerShell, and fails if something else than the type of a result
/// is between them.
fn strings(arguments: &str) -> Vec<String> {
    let mut strings = Vec::new();
    let mut between = String::new();
    let mut rest = arguments.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\'' {
            between.push(c);
            continue;
        }
        let mut text = String::new();
        while let Some(c) = rest.next() {
            // A quote inside a string is doubled.
            if c == '\'' && rest.next_if_eq(&'\'').is_none() {
                break;
            }
            text.push(c);
        }
        strings.push(text);
    }
    let kind = between.replace([',', ' '], "");
    let kind = kind.strip_prefix("[CompletionResultType]::").unwrap_or_else(|| panic!("{arguments}"));
    assert!(["ParameterName", "ParameterValue"].contains(&kind), "{arguments}");
    strings
}
