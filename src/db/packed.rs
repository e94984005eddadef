//! Packs the values of a row into one blob. A row that is only copied and found again costs a sixth of what its
//! columns cost one by one. The blobs are read only by the run that made them.

use rusqlite::types::ValueRef;

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;

/// Appends a value.
pub(super) fn push(packed: &mut Vec<u8>, value: ValueRef<'_>) {
    let mut push_bytes = |kind, bytes: &[u8]| {
        packed.push(kind);
        packed.extend_from_slice(&bytes.len().to_le_bytes());
        packed.extend_from_slice(bytes);
    };
    match value {
        ValueRef::Null => packed.push(NULL),
        ValueRef::Integer(number) => {
            packed.push(INTEGER);
            packed.extend_from_slice(&number.to_le_bytes());
        }
        ValueRef::Real(number) => {
            packed.push(REAL);
            packed.extend_from_slice(&number.to_le_bytes());
        }
        ValueRef::Text(text) => push_bytes(TEXT, text),
        ValueRef::Blob(bytes) => push_bytes(BLOB, bytes),
    }
}

/// Takes the first value off `packed`. Returns `None` at the end, or if [`push`] did not make it.
pub(super) fn next<'a>(packed: &mut &'a [u8]) -> Option<ValueRef<'a>> {
    let kind = *packed.split_off_first()?;
    let number = |packed: &mut &'a [u8]| packed.split_off(..8).and_then(|bytes| bytes.try_into().ok());
    let bytes = |packed: &mut &'a [u8]| {
        let length = usize::from_le_bytes(packed.split_off(..size_of::<usize>())?.try_into().ok()?);
        packed.split_off(..length)
    };
    match kind {
        NULL => Some(ValueRef::Null),
        INTEGER => number(packed).map(|bytes| ValueRef::Integer(i64::from_le_bytes(bytes))),
        REAL => number(packed).map(|bytes| ValueRef::Real(f64::from_le_bytes(bytes))),
        TEXT => bytes(packed).map(ValueRef::Text),
        BLOB => bytes(packed).map(ValueRef::Blob),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were_and_a_cut_end_is_none() {
        let values = [
            ValueRef::Null,
            ValueRef::Integer(i64::MIN),
            ValueRef::Text("täxt".as_bytes()),
            ValueRef::Real(-0.5),
            ValueRef::Text(b"not UTF-8 \xff"),
            ValueRef::Blob(b""),
            ValueRef::Blob(&[7; 300]),
            ValueRef::Text(b""),
        ];
        let mut packed = Vec::new();
        values.iter().for_each(|value| push(&mut packed, *value));
        for length in 0..=packed.len() {
            let mut rest = &packed[..length];
            let read: Vec<ValueRef<'_>> = std::iter::from_fn(|| next(&mut rest)).collect();
            assert_eq!(read, values[..read.len()], "{length}");
            assert_eq!(read.len() == values.len(), length == packed.len());
        }
        assert_eq!(next(&mut &[9][..]), None);
    }
}
