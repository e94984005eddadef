//! Checks documents against the JSON Schemas of `docs/schema/`, with a validator of the keywords that these use.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::specimen;

/// The members that a document may lack.
const OPTIONAL: [&str; 1] = ["indexed"];

/// Returns the schemas by the name of their file.
fn schemas() -> &'static BTreeMap<String, Value> {
    static SCHEMAS: OnceLock<BTreeMap<String, Value>> = OnceLock::new();
    SCHEMAS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap())
            })
            .collect()
    })
}

/// Returns true if the documents of a command have a schema.
pub(crate) fn describes(command: &str) -> bool {
    schemas().contains_key(&format!("{command}.json"))
}

/// Checks the output of a command with `--format json`.
pub(crate) fn check_document(command: &str, document: &Value) -> Result<(), String> {
    let file = format!("{command}.json");
    check(document, &schemas()[&file], &file, "")
}

/// Checks a line of the output of a command with `--format jsonl`: an item of one of its lists, or the whole
/// document.
pub(crate) fn check_line(command: &str, line: &Value) -> Result<(), String> {
    let file = format!("{command}.json");
    let root = &schemas()[&file];
    let mut errors = Vec::new();
    for shape in root["anyOf"].as_array().map_or(std::slice::from_ref(root), Vec::as_slice) {
        let properties = shape["properties"].as_object().unwrap();
        let items = properties.values().filter_map(|property| property.get("items"));
        for schema in items.chain([shape]) {
            match check(line, schema, &file, "") {
                Ok(()) => return Ok(()),
                Err(error) => errors.push(error),
            }
        }
    }
    Err(errors.join("\n  or "))
}

/// Checks a value. `file` is the file of the schema, and `place` names the value in the message.
fn check(value: &Value, schema: &Value, file: &str, place: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{file}: {place}: {what}: {value}"));
    for (keyword, rule) in schema.as_object().unwrap() {
        match &**keyword {
            "$schema" | "$defs" | "title" | "description" | "required" | "additionalProperties" => {}
            "$ref" => {
                let (file, schema) = resolve(rule.as_str().unwrap(), file);
                check(value, schema, file, place)?;
            }
            "type" if !types(rule).any(|name| is_of_type(value, name)) => {
                return wrong(&format!("is not of type {rule}"));
            }
            "type" => {}
            "const" if value != rule => return wrong(&format!("is not {rule}")),
            "enum" if !rule.as_array().unwrap().contains(value) => {
                return wrong(&format!("is not one of {rule}"));
            }
            "const" | "enum" => {}
            "minimum" if value.as_i64().is_some_and(|n| n < rule.as_i64().unwrap()) => {
                return wrong("is too small");
            }
            "minimum" => {}
            "format" if rule == "date-time" && !value.as_str().is_none_or(is_time) => {
                return wrong("is not a time in UTC with milliseconds");
            }
            "format" => assert_eq!(rule, "date-time", "a format that the validator knows"),
            "properties" => {
                if let Some(members) = value.as_object() {
                    check_members(members, schema, file, place)?;
                }
            }
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(item, rule, file, &format!("{place}[{n}]"))?;
                }
            }
            "anyOf" => {
                let results: Vec<_> =
                    rule.as_array().unwrap().iter().map(|shape| check(value, shape, file, place)).collect();
                if results.iter().all(Result::is_err) {
                    return wrong(&format!("has none of the shapes: {results:?}"));
                }
            }
            _ => panic!("{file}: the validator does not know {keyword}"),
        }
    }
    if !schema["properties"].is_object() && schema["additionalProperties"].is_object() {
        for (name, member) in value.as_object().into_iter().flatten() {
            check(member, &schema["additionalProperties"], file, &format!("{place}.{name}"))?;
        }
    }
    Ok(())
}

fn check_members(
    members: &Map<String, Value>,
    schema: &Value,
    file: &str,
    place: &str,
) -> Result<(), String> {
    let properties = schema["properties"].as_object().unwrap();
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        if !members.contains_key(name) {
            return Err(format!("{file}: {place}.{name} is missing"));
        }
    }
    for (name, member) in members {
        let place = format!("{place}.{name}");
        match properties.get(name) {
            Some(schema) => check(member, schema, file, &place)?,
            None if schema["additionalProperties"] == false => {
                return Err(format!("{file}: {place} is not described"));
            }
            None => {}
        }
    }
    Ok(())
}

/// Returns the schema to which a reference such as `thread.json` or `thread.json#/$defs/row` leads, and its file.
fn resolve<'a>(reference: &'a str, file: &'a str) -> (&'a str, &'static Value) {
    let (name, pointer) = reference.split_once('#').unwrap_or((reference, ""));
    let file = if name.is_empty() { file } else { name };
    (file, schemas()[file].pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere")))
}

fn types(rule: &Value) -> impl Iterator<Item = &str> {
    rule.as_array()
        .map_or(std::slice::from_ref(rule), Vec::as_slice)
        .iter()
        .map(|name| name.as_str().unwrap())
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => panic!("the validator does not know the type {name}"),
    }
}

fn is_time(text: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(text).is_ok() && text.ends_with('Z') && text.len() >= 24
}

#[test]
fn every_schema_is_sound_and_closed() {
    fn visit(schema: &Value, file: &str) {
        if let Some(members) = schema.as_object() {
            let is_shape = members.contains_key("properties") && members.contains_key("type");
            if is_shape && file != "thread.json" {
                assert_eq!(members["additionalProperties"], false, "{file}: closed");
                let names = members["properties"].as_object().unwrap().keys();
                let required = members["required"].as_array().unwrap();
                let optional: Vec<_> =
                    names.filter(|name| !required.contains(&name.as_str().into())).collect();
                assert!(optional.iter().all(|name| OPTIONAL.contains(&&***name)), "{file}: {optional:?}");
                for (name, property) in members["properties"].as_object().unwrap() {
                    assert!(property["description"].is_string(), "{file}: {name} has a description");
                }
            }
            members.values().for_each(|member| visit(member, file));
        }
        schema.as_array().into_iter().flatten().for_each(|item| visit(item, file));
    }
    for (file, schema) in schemas() {
        visit(schema, file);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{file}");
    }
}

#[test]
fn the_validator_sees_what_is_wrong() {
    let good = serde_json::json!({"schema_version": 1, "paths": [{"path": "/x"}]});
    assert_eq!(check_document("path", &good), Ok(()));
    for (place, value) in [
        ("/schema_version", Value::from(2)),
        ("/paths", Value::Null),
        ("/paths/0", serde_json::json!({})),
        ("/paths/0", Value::from("/x")),
        ("/paths/0", serde_json::json!({"path": "/x", "more": 1})),
        ("/paths/0/path", Value::from(7)),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value;
        assert!(check_document("path", &bad).is_err(), "{place}: {bad}");
    }
    assert_eq!(check_line("path", &good["paths"][0]), Ok(()));
    assert!(check_line("path", &serde_json::json!({"path": 1})).is_err());
    assert!(!is_time("2026-03-01T10:00:00Z") && is_time("2026-03-01T10:00:00.000Z"));
}

#[test]
fn a_listing_has_every_column_on_every_schema() {
    let columns: Vec<&str> = schemas()["thread.json"]["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|name| !["hidden_by", "size"].contains(name))
        .collect();
    for database in ["empty-2026-08", "empty-2026-01"] {
        let env = specimen::filled(database);
        let listed = env.run(["list", "--all", "--format", "json"]);
        let document = listed.json();
        let threads = document["threads"].as_array().unwrap();
        listed.assert(!threads.is_empty(), "threads");
        for thread in threads {
            let names: Vec<&str> = thread.as_object().unwrap().keys().map(String::as_str).collect();
            listed.assert_eq(&names, &columns, "unknown is null, never a missing key");
        }
    }
}
