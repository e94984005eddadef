//! The findings of a run, sorted and counted. Their number is bounded on request, their memory use always.

use super::finding::{FieldDifference, Finding, RolloutState};
use super::kinds::{FindingKind, Severity};
use super::options::VerifyReport;
use crate::db::many::{Stored, path_cell, path_of};
use crate::thread::cell::Cell;
use crate::thread::columns::Col;

impl VerifyReport {
    /// Adds a finding: counts it, and keeps it if it is one of those to be kept.
    pub(super) fn add(&mut self, finding: Finding) {
        let count = &mut self.counts[finding.kind as usize];
        match finding.severity {
            Severity::Error => count.errors += 1,
            Severity::Warning => count.warnings += 1,
        }
        if finding.kind == FindingKind::FieldMismatch {
            self.field_remedies.append(&mut finding.field_remedies());
        }
        self.findings.push(finding);
    }
}

impl Stored for Finding {
    fn to_cells(&self) -> Vec<Cell> {
        let number = |n: usize| Cell::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        let mut cells = vec![
            number(self.kind as usize),
            number(self.severity as usize),
            Cell::optional_text(self.thread_id.as_deref()),
            path_cell(self.path.as_deref()),
            self.line.map_or(Cell::Null, |line| Cell::Integer(line.cast_signed())),
            Cell::Text(self.message.clone()),
            number(self.rollout as usize),
        ];
        for FieldDifference { col, database, file } in &self.fields {
            cells.extend([number(*col as usize), database.clone(), file.clone()]);
        }
        cells
    }

    fn from_cells(cells: Vec<Cell>) -> Option<Finding> {
        let mut cells = cells.into_iter();
        let place = |cell: &Cell| cell.as_integer().and_then(|number| usize::try_from(number).ok());
        let kind = FindingKind::ALL.into_iter().nth(place(&cells.next()?)?)?;
        let severity = [Severity::Error, Severity::Warning].into_iter().nth(place(&cells.next()?)?)?;
        let text = |cell: Cell| match cell {
            Cell::Text(text) => Some(text),
            _ => None,
        };
        let thread_id = text(cells.next()?);
        let path = path_of(cells.next()?);
        let line = cells.next()?.as_integer().map(i64::cast_unsigned);
        let message = text(cells.next()?)?;
        let rollout = RolloutState::ALL.into_iter().nth(place(&cells.next()?)?)?;
        let mut fields = Vec::new();
        while let Some(column) = cells.next() {
            let (database, file) = (cells.next()?, cells.next()?);
            fields.push(FieldDifference { col: Col::all().nth(place(&column)?)?, database, file });
        }
        Some(Finding { kind, severity, thread_id, path, line, message, fields, rollout })
    }

    fn size(&self) -> usize {
        let cell = |cell: &Cell| match cell {
            Cell::Text(text) => text.len(),
            Cell::Blob(bytes) => bytes.len(),
            _ => 0,
        };
        let fields: usize = self.fields.iter().map(|field| cell(&field.database) + cell(&field.file)).sum();
        fields + self.message.len() + 256
    }

    /// Returns bytes that sort by thread, path, kind and message, each by its bytes.
    fn key(&self) -> Vec<u8> {
        let thread = self.thread_id.as_deref().map(str::as_bytes);
        let path = self.path.as_deref().map(|path| path.as_os_str().as_encoded_bytes());
        let mut key = Vec::new();
        for part in [thread, path, Some(self.kind.name().as_bytes()), Some(self.message.as_bytes())] {
            // A missing text sorts before any text; the end of a text before its continuation, even before a zero byte.
            let Some(part) = part else {
                key.push(0);
                continue;
            };
            key.push(1);
            for &byte in part {
                key.push(byte);
                if byte == 0 {
                    key.push(1);
                }
            }
            key.extend([0, 0]);
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::db::Many;
    use crate::verify::N_KINDS;
    use proptest::prelude::*;
    use std::path::PathBuf;

    fn cell() -> impl Strategy<Value = Cell> {
        prop_oneof![
            Just(Cell::Null),
            any::<i64>().prop_map(Cell::Integer),
            (-1e9f64..1e9).prop_map(Cell::Real),
            "[a-c\u{0}]{0,3}".prop_map(Cell::Text),
            prop::collection::vec(any::<u8>(), 0..4).prop_map(Cell::Blob),
        ]
    }

    fn arbitrary() -> impl Strategy<Value = Finding> {
        let field = (prop::sample::select(Col::all().collect::<Vec<Col>>()), cell(), cell())
            .prop_map(|(col, database, file)| FieldDifference { col, database, file });
        let place =
            (prop::option::of("[a-c\u{0}]{0,2}"), prop::option::of("[a-c/\u{1}]{0,3}"), any::<Option<u64>>());
        (place, 0..N_KINDS, "[xy\u{0}]{0,2}", prop::collection::vec(field, 0..3), 0..3_usize).prop_map(
            |((thread_id, path, line), kind, message, fields, rollout)| Finding {
                thread_id,
                path: path.map(PathBuf::from),
                line,
                fields,
                rollout: RolloutState::ALL[rollout],
                ..Finding::new(FindingKind::ALL[kind], message)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn of_many_the_first_are_kept_and_all_are_counted_in_memory_or_out_of_it(
            findings in prop::collection::vec(arbitrary(), 0..40),
            limit in prop::option::of(0usize..10),
            max_bytes in prop_oneof![Just(0), Just(3000), Just(usize::MAX)],
        ) {
            let mut collected =
                VerifyReport { findings: Many::with_memory(limit, max_bytes), ..VerifyReport::default() };
            findings.iter().cloned().for_each(|finding| collected.add(finding));
            collected.findings.finish().unwrap();
            let found = &collected.findings;
            let mut expected = findings.clone();
            let path = |finding: &Finding| finding.path.as_ref().map(|path| path.to_str().unwrap().to_owned());
            expected.sort_by_key(|f| (f.thread_id.clone(), path(f), f.kind.name(), f.message.clone()));
            expected.truncate(limit.unwrap_or(usize::MAX));
            let read = found.to_vec().unwrap();
            prop_assert_eq!(found.len(), expected.len() as u64);
            let keys = |findings: &[Finding]| {
                findings.iter().map(|f| (f.thread_id.clone(), path(f), f.kind, f.message.clone())).collect::<Vec<_>>()
            };
            prop_assert_eq!(keys(&read), keys(&expected));
            for finding in &read {
                prop_assert!(findings.contains(finding), "as it was: {:?}", finding);
            }
            prop_assert_eq!(collected.counts.iter().map(|count| count.all()).sum::<u64>(), findings.len() as u64);
        }
    }

    #[test]
    fn a_path_that_is_not_text_comes_back_to_the_byte() {
        #[cfg(unix)]
        let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"a\xff\x00b".to_vec());
        #[cfg(windows)]
        let name: std::ffi::OsString = std::os::windows::ffi::OsStringExt::from_wide(&[0x61, 0xd800, 0x62]);
        let mut findings = Many::with_memory(None, 0);
        findings.push(Finding::new(FindingKind::EmptyFile, "is empty").at(&name));
        findings.finish().unwrap();
        assert_eq!(findings.to_vec().unwrap()[0].path, Some(PathBuf::from(name)));
    }
}
