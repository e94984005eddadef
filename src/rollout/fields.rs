//! Reads the values of an item's fields as leniently as possible: a value of the wrong type counts as absent and does
//! not affect the other fields.

use super::file_name;
use crate::thread::{Git, Millis, ThreadId};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Reads the JSON of the fields of an object with these keys, in the order of the keys. A key that occurs twice is an
/// error.
pub(super) struct ObjectFields<const N: usize> {
    /// The name of the object, for errors.
    pub(super) of: &'static str,
    pub(super) keys: [&'static str; N],
}

impl<'de, const N: usize> Visitor<'de> for ObjectFields<N> {
    type Value = [Option<&'de str>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "struct {}", self.of)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = [None; N];
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match self.keys.iter().position(|known| *known == key) {
                Some(i) if fields[i].is_some() => return Err(A::Error::duplicate_field(self.keys[i])),
                Some(i) => fields[i] = Some(map.next_value::<&RawValue>()?.get()),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(fields)
    }
}

pub(super) fn read_leniently<'de, T: Deserialize<'de>>(json: &'de str) -> Option<T> {
    serde_json::from_str(json).ok()
}

/// A JSON string, even with lone surrogates, which Rust's strings cannot hold; they become U+FFFD.
struct JsonString(String);

impl<'de> Deserialize<'de> for JsonString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<JsonString, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = JsonString;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<JsonString, E> {
                Ok(JsonString(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(TextVisitor)
    }
}

pub(super) fn read_text(json: &str) -> Option<String> {
    // An array of numbers would be accepted as bytes.
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Some(text.to_owned());
    }
    serde_json::from_str::<JsonString>(json).ok().map(|text| text.0)
}

/// Returns a string unchanged; returns an object as compact JSON, byte for byte except for white space.
pub(super) fn read_word_or_object(json: &str) -> Option<String> {
    match json.as_bytes().first() {
        Some(b'"') => read_text(json).filter(|word| !word.is_empty()),
        Some(b'{') => Some(compact(json)),
        _ => None,
    }
}

/// Removes the white space between the tokens of valid JSON. Parsing and printing would change numbers, escapes and
/// the order of keys.
fn compact(json: &str) -> String {
    let bytes = json.as_bytes();
    if memchr::memchr3(b' ', b'\t', b'\n', bytes).or_else(|| memchr::memchr(b'\r', bytes)).is_none() {
        return json.to_owned();
    }
    let (mut in_string, mut escaped) = (false, false);
    json.chars()
        .filter(|&c| {
            if in_string {
                in_string = escaped || c != '"';
                escaped = !escaped && c == '\\';
                return true;
            }
            in_string = c == '"';
            !matches!(c, ' ' | '\t' | '\n' | '\r')
        })
        .collect()
}

pub(super) fn read_is_filled(json: &str) -> bool {
    match json.as_bytes().first() {
        Some(b'[' | b'{') => {
            json.bytes().skip(1).any(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b']' | b'}'))
        }
        Some(b'"') => json.len() > 2,
        _ => false,
    }
}

pub(super) fn read_thread_id(json: &str) -> Option<ThreadId> {
    read_text(json).as_deref().and_then(ThreadId::parse)
}

pub(super) fn required_thread_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ThreadId, D::Error> {
    read_thread_id(<&RawValue>::deserialize(deserializer)?.get())
        .ok_or_else(|| D::Error::custom("no thread id"))
}

pub(super) fn read_time(json: &str) -> Option<Millis> {
    read_text(json).as_deref().and_then(parse_time)
}

/// Reads a time in the formats of rollouts: RFC 3339, or that of file names.
#[must_use]
pub fn parse_time(text: &str) -> Option<Millis> {
    match chrono::DateTime::parse_from_rfc3339(text) {
        Ok(time) => Some(time.timestamp_millis()),
        Err(_) => file_name::parse_time(text),
    }
}

pub(super) fn read_git(json: &str) -> Option<Git> {
    #[derive(Deserialize)]
    struct GitPayload<'a> {
        #[serde(borrow)]
        commit_hash: Option<&'a RawValue>,
        #[serde(borrow)]
        branch: Option<&'a RawValue>,
        #[serde(borrow)]
        repository_url: Option<&'a RawValue>,
    }
    let git: GitPayload<'_> = read_leniently(json)?;
    let text = |json: Option<&RawValue>| read_text(json?.get());
    let origin_url = text(git.repository_url).map(|url| without_password(&url).into_owned());
    Some(Git { sha: text(git.commit_hash), branch: text(git.branch), origin_url })
}

/// Returns a remote's URL without user name and password. The user name of an ssh URL stays, because it is part of
/// the address.
///
/// Source: docs/codex-home.md 4, row `git_origin_url`.
fn without_password(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else { return Cow::Borrowed(url) };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let Some((userinfo, host)) = authority.rsplit_once('@') else { return Cow::Borrowed(url) };
    let path = &rest[authority.len()..];
    let user = userinfo.split(':').next().unwrap_or_default();
    let is_ssh =
        scheme.to_ascii_lowercase().ends_with("ssh") || scheme.to_ascii_lowercase().starts_with("ssh");
    Cow::Owned(match user {
        user if is_ssh && !user.is_empty() => format!("{scheme}://{user}@{host}{path}"),
        _ => format!("{scheme}://{host}{path}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_or_as_in_file_names() {
        assert_eq!(parse_time("2026-03-14T16:57:12.123Z"), Some(1_773_507_432_123));
        assert_eq!(parse_time("2026-03-14T18:57:12+02:00"), Some(1_773_507_432_000));
        assert_eq!(parse_time("2026-03-14T16-57-12"), Some(1_773_507_432_000));
        assert_eq!(parse_time("yesterday"), None);
    }

    #[test]
    fn no_password_of_a_remote_is_read() {
        for (url, expected) in [
            ("https://dev:secret@git.example.org/a.git", "https://git.example.org/a.git"),
            ("https://token@git.example.org:8443/a.git", "https://git.example.org:8443/a.git"),
            ("https://dev:p@ss@git.example.org", "https://git.example.org"),
            ("HTTP://dev:secret@host/a@b", "HTTP://host/a@b"),
            ("git@git.example.org:a/b.git", "git@git.example.org:a/b.git"),
            ("ssh://git@git.example.org/a.git", "ssh://git@git.example.org/a.git"),
            ("ssh://git:secret@git.example.org/a.git", "ssh://git@git.example.org/a.git"),
            ("https://git.example.org/a@b.git", "https://git.example.org/a@b.git"),
            ("/srv/git/a.git", "/srv/git/a.git"),
            ("", ""),
        ] {
            assert_eq!(without_password(url), expected);
        }
    }
}
