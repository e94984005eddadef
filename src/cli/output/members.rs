//! The members of a report: values as in records, and lists and objects of them.

use crate::cli::output::records::value::Value;
use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use std::fmt;

/// The members of an object, by name, in their order.
pub type Members<'a> = Vec<(&'a str, Member<'a>)>;

/// A member of a report.
#[derive(Debug, Clone)]
pub enum Member<'a> {
    /// A single value.
    Value(Value<'a>),
    /// Values, or objects, in their order.
    List(Vec<Member<'a>>),
    /// An object.
    Object(Members<'a>),
    /// A list that may be longer than memory.
    Long(&'a dyn LongList),
}

/// A list that is read while it is written.
pub trait LongList: fmt::Debug {
    /// Passes each element to `take`.
    ///
    /// # Errors
    /// If the list cannot be read, or `take` fails.
    fn each(&self, take: &mut dyn FnMut(Member<'_>) -> anyhow::Result<()>) -> anyhow::Result<()>;
}

impl<'a, T: Into<Value<'a>>> From<T> for Member<'a> {
    fn from(value: T) -> Self {
        Self::Value(value.into())
    }
}

impl<'a> From<Members<'a>> for Member<'a> {
    fn from(members: Members<'a>) -> Self {
        Self::Object(members)
    }
}

impl<'a> From<Option<Members<'a>>> for Member<'a> {
    fn from(members: Option<Members<'a>>) -> Self {
        members.map_or(Self::Value(Value::Null), Self::Object)
    }
}

impl<'a, T: Into<Member<'a>>> FromIterator<T> for Member<'a> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self::List(elements.into_iter().map(Into::into).collect())
    }
}

impl Serialize for Member<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::List(elements) => serializer.collect_seq(elements),
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, member)| (name, member)))
            }
            Self::Long(list) => {
                let mut seq = serializer.serialize_seq(None)?;
                let mut add = |element: Member<'_>| {
                    seq.serialize_element(&element).map_err(|error| anyhow::anyhow!("{error}"))
                };
                list.each(&mut add).map_err(|error| S::Error::custom(format!("{error:#}")))?;
                seq.end()
            }
        }
    }
}
