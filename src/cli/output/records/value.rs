//! The values of records and reports, the same in every format.

use super::time;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::path::Path;

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Unknown: empty in TSV and CSV, `null` in JSON.
    Null,
    /// A whole number.
    Int(i64),
    /// Any other number, which occurs only in unknown columns.
    Real(f64),
    /// `true` or `false`, in every format.
    Bool(bool),
    /// Untrusted text.
    Text(Cow<'a, str>),
    /// A time in epoch milliseconds, written as RFC 3339 in UTC, or as the number if that is out of its range.
    Time(i64),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<&'a Path> for Value<'a> {
    fn from(path: &'a Path) -> Self {
        Self::Text(path.to_string_lossy())
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value<'_> {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Real(number) => serializer.serialize_f64(*number),
            Self::Bool(yes) => serializer.serialize_bool(*yes),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Time(millis) if time::is_sayable(*millis) => {
                serializer.serialize_str(&time::rfc3339(*millis))
            }
            Self::Time(millis) => serializer.serialize_i64(*millis),
        }
    }
}
