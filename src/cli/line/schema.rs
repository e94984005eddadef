//! Reads the shapes of the JSON documents from `docs/schema/`, for the man pages.

use serde_json::{Map, Value};

/// The JSON Schema of the document of each command that prints one.
pub const SCHEMAS: [(&str, &str); 13] = [
    ("archive", include_str!("../../../docs/schema/archive.json")),
    ("backfill", include_str!("../../../docs/schema/backfill.json")),
    ("backup", include_str!("../../../docs/schema/backup.json")),
    ("list", include_str!("../../../docs/schema/list.json")),
    ("path", include_str!("../../../docs/schema/path.json")),
    ("prune", include_str!("../../../docs/schema/prune.json")),
    ("rebuild", include_str!("../../../docs/schema/rebuild.json")),
    ("relink", include_str!("../../../docs/schema/relink.json")),
    ("restore", include_str!("../../../docs/schema/restore.json")),
    ("show", include_str!("../../../docs/schema/show.json")),
    ("status", include_str!("../../../docs/schema/status.json")),
    ("unarchive", include_str!("../../../docs/schema/unarchive.json")),
    ("verify", include_str!("../../../docs/schema/verify.json")),
];

/// One shape that a document may have.
#[derive(Debug, PartialEq, Eq)]
pub struct DocumentShape {
    /// The condition under which the document has this shape; empty if it has no other.
    pub when: String,
    /// All members, including members of members.
    pub members: Vec<DocumentMember>,
}

/// A member of a document.
#[derive(Debug, PartialEq, Eq)]
pub struct DocumentMember {
    /// Its place, such as `threads[].id`.
    pub place: String,
    /// The type, such as `string or null`.
    pub kind: String,
    /// Its meaning.
    pub meaning: String,
}

/// Returns the shapes of the document of a command. Returns an empty list if the command prints no document.
pub fn shapes(command: &str) -> Vec<DocumentShape> {
    let Some((_, text)) = SCHEMAS.iter().find(|(name, _)| *name == command) else { return Vec::new() };
    // A test reads every schema; one that does not parse has no shapes.
    let Ok(schema) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let shapes = schema["anyOf"].as_array().map_or(std::slice::from_ref(&schema), Vec::as_slice);
    shapes
        .iter()
        .map(|shape| {
            let mut members = Vec::new();
            collect(shape, "", &mut members);
            DocumentShape { when: text_of(&shape["description"]), members }
        })
        .collect()
}

/// Adds the members of an object in the order in which they are printed, each before its own members.
fn collect(schema: &Value, above: &str, members: &mut Vec<DocumentMember>) {
    let Some(properties) = schema["properties"].as_object() else { return };
    for name in in_order(schema, properties) {
        let property = &properties[name];
        let place = format!("{above}{name}");
        members.push(DocumentMember {
            place: place.clone(),
            kind: kind(property),
            meaning: text_of(&property["description"]),
        });
        collect(property, &format!("{place}."), members);
        collect(&property["items"], &format!("{place}[]."), members);
    }
}

/// Returns the names of the members: first those of `required`, which has the order of the document, then the others.
fn in_order<'a>(schema: &'a Value, properties: &'a Map<String, Value>) -> Vec<&'a str> {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let others = properties.keys().map(String::as_str).filter(|name| !required.contains(name));
    required.iter().copied().filter(|name| properties.contains_key(*name)).chain(others).collect()
}

/// Returns the type of a member, in words.
fn kind(property: &Value) -> String {
    if !property["const"].is_null() {
        return property["const"].to_string();
    }
    if let Some(values) = property["enum"].as_array() {
        return alternatives(values.iter().map(Value::to_string));
    }
    let types = match &property["type"] {
        Value::Array(types) => types.iter().map(text_of).collect(),
        Value::String(name) => vec![name.clone()],
        _ => vec!["any value".to_owned()],
    };
    alternatives(types.into_iter().map(|name| match &*name {
        "string" if property["format"] == "date-time" => "time".to_owned(),
        "array" if property["items"]["type"] == "string" => "array of strings".to_owned(),
        "array" if property["items"]["type"] == "integer" => "array of integers".to_owned(),
        "object" if property["additionalProperties"]["type"] == "integer" => "object of integers".to_owned(),
        _ => name,
    }))
}

fn alternatives(values: impl Iterator<Item = String>) -> String {
    let mut values: Vec<String> = values.collect();
    match values.pop() {
        Some(last) if !values.is_empty() => format!("{} or {last}", values.join(", ")),
        last => last.unwrap_or_default(),
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_parses_and_names_its_members_with_their_meaning() {
        for (command, _) in SCHEMAS {
            let shapes = shapes(command);
            assert!(!shapes.is_empty(), "{command}");
            for member in shapes.iter().flat_map(|shape| &shape.members) {
                assert!(!member.kind.is_empty(), "{command}: {member:?}");
                assert!(
                    !member.meaning.is_empty() && !member.meaning.ends_with('.'),
                    "{command}: {member:?}"
                );
            }
        }
        assert_eq!(shapes("man"), []);
    }

    #[test]
    fn members_stand_below_their_object_in_the_order_of_the_document() {
        let places = |command: &str, n: usize| -> Vec<String> {
            shapes(command).remove(n).members.into_iter().map(|member| member.place).collect()
        };
        assert_eq!(places("path", 0), ["schema_version", "paths", "paths[].path"]);
        assert_eq!(shapes("show")[1].when, "With --compare");
        let kinds = |place: &str| {
            let members = shapes("restore").remove(0).members;
            members.into_iter().find(|member| member.place == place).unwrap().kind
        };
        assert_eq!(kinds("schema_version"), "1");
        assert_eq!(kinds("replaced_rows"), "integer or null");
        assert_eq!(kinds("moved_aside"), "array");
        assert_eq!(kinds("moved_aside[].from"), "string");
    }
}
