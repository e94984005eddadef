//! The findings of a run, in order: counted, bounded in number if asked, and in memory however many there are.

use super::finding::{Count, FieldDifference, Finding, Kind, N_KINDS, Remedy, Severity};
use crate::db::spill::Spill;
use crate::sys;
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use anyhow::Context as _;
use std::collections::{BTreeSet, BinaryHeap, HashSet, VecDeque};

/// The bytes of findings that are kept in memory; more than these go to a temporary file.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// The number of findings that are read from the temporary file at once.
const PAGE: usize = 256;

/// A finding that sorts by its key.
#[derive(Debug)]
struct Ordered(Finding);

impl PartialEq for Ordered {
    fn eq(&self, other: &Ordered) -> bool {
        self.0.key() == other.0.key()
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Ordered) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Ordered) -> std::cmp::Ordering {
        self.0.key().cmp(&other.0.key())
    }
}

/// Collects findings: counts all, keeps those that are printed.
#[derive(Debug)]
pub(super) struct Findings {
    limit: Option<usize>,
    max_bytes: usize,
    kept: BinaryHeap<Ordered>,
    /// The bytes of `kept`.
    n_bytes: usize,
    /// Takes all findings once they are more than `kept` should hold.
    spill: Option<Spill>,
    /// The first failure of the temporary file; told at the end.
    failure: Option<anyhow::Error>,
    pub(super) counts: [Count; N_KINDS],
    /// The rows that have a finding.
    pub(super) flagged: HashSet<ThreadId>,
    /// What mends the findings of fields.
    pub(super) field_remedies: BTreeSet<Remedy>,
}

impl Findings {
    /// Keeps the first `limit`; all if `None`.
    pub(super) fn new(limit: Option<usize>) -> Findings {
        Findings::with_memory(limit, MAX_BYTES)
    }

    fn with_memory(limit: Option<usize>, max_bytes: usize) -> Findings {
        Findings {
            limit,
            max_bytes,
            kept: BinaryHeap::new(),
            n_bytes: 0,
            spill: None,
            failure: None,
            counts: [Count::default(); N_KINDS],
            flagged: HashSet::new(),
            field_remedies: BTreeSet::new(),
        }
    }

    /// Takes a finding.
    pub(super) fn add(&mut self, finding: Finding) {
        let count = &mut self.counts[finding.kind as usize];
        match finding.severity {
            Severity::Error => count.errors += 1,
            Severity::Warning => count.warnings += 1,
        }
        if finding.kind == Kind::FieldMismatch {
            self.field_remedies.append(&mut finding.field_remedies());
        }
        if let Some(spill) = &mut self.spill {
            if let Err(error) = push(spill, &finding) {
                self.failure.get_or_insert(error);
            }
            return;
        }
        self.n_bytes += finding.size();
        self.kept.push(Ordered(finding));
        if self.limit.is_some_and(|limit| self.kept.len() > limit)
            && let Some(Ordered(last)) = self.kept.pop()
        {
            self.n_bytes -= last.size();
        }
        if self.n_bytes > self.max_bytes {
            let kept = std::mem::take(&mut self.kept);
            match spill(kept) {
                Ok(spill) => self.spill = Some(spill),
                Err(error) => self.failure = self.failure.take().or(Some(error)),
            }
            self.n_bytes = 0;
        }
    }

    /// Returns those that were kept, in order.
    ///
    /// # Errors
    /// If the temporary file could not be written.
    pub(super) fn take(&mut self) -> anyhow::Result<Found> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        match self.spill.take() {
            Some(mut spill) => {
                spill.sort(self.limit).context(NO_TEMPORARY_FILE)?;
                let n = spill.count().context(NO_TEMPORARY_FILE)?;
                Ok(Found { few: Vec::new(), many: Some((spill, n)) })
            }
            None => {
                let kept = std::mem::take(&mut self.kept).into_sorted_vec();
                Ok(kept.into_iter().map(|Ordered(finding)| finding).collect::<Vec<_>>().into())
            }
        }
    }
}

const NO_TEMPORARY_FILE: &str = "the findings do not fit into memory, and the temporary file for them cannot be used (its folder is TMPDIR)";

fn spill(kept: BinaryHeap<Ordered>) -> anyhow::Result<Spill> {
    let mut spill = Spill::new(FIXED).context(NO_TEMPORARY_FILE)?;
    kept.into_iter().try_for_each(|Ordered(finding)| push(&mut spill, &finding))?;
    Ok(spill)
}

/// The number of cells that each finding has besides its fields.
const FIXED: usize = 7;

fn push(spill: &mut Spill, finding: &Finding) -> anyhow::Result<()> {
    let number = |n: usize| Cell::Integer(i64::try_from(n).unwrap_or(i64::MAX));
    let mut cells = vec![
        number(finding.kind as usize),
        number(finding.severity as usize),
        Cell::optional_text(finding.thread_id.as_deref()),
        finding.path.as_deref().map_or(Cell::Null, |path| Cell::Blob(sys::path_to_bytes(path))),
        finding.line.map_or(Cell::Null, |line| Cell::Integer(line.cast_signed())),
        Cell::Text(finding.message.clone()),
        Cell::from(finding.without_rollout),
    ];
    for FieldDifference { position, database, file } in &finding.fields {
        cells.extend([number(*position), database.clone(), file.clone()]);
    }
    spill.push(&key(finding), &cells).context(NO_TEMPORARY_FILE)
}

/// Returns bytes that sort as [`Finding::key`] does.
fn key(finding: &Finding) -> Vec<u8> {
    let (thread, path, kind, message) = finding.key();
    let mut key = Vec::new();
    for part in [thread.map(str::as_bytes), path, Some(kind.as_bytes()), Some(message.as_bytes())] {
        // Nothing sorts before any text; the end of a text before its continuation, also before a zero byte.
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

fn finding(cells: Vec<Cell>) -> Option<Finding> {
    let mut cells = cells.into_iter();
    let position = |cell: &Cell| cell.as_integer().and_then(|number| usize::try_from(number).ok());
    let kind = Kind::ALL.into_iter().nth(position(&cells.next()?)?)?;
    let severity = [Severity::Error, Severity::Warning].into_iter().nth(position(&cells.next()?)?)?;
    let text = |cell: Cell| match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    };
    let thread_id = text(cells.next()?);
    let path = match cells.next()? {
        Cell::Blob(bytes) => Some(sys::path_from_bytes(bytes)),
        _ => None,
    };
    let line = cells.next()?.as_integer().map(i64::cast_unsigned);
    let message = text(cells.next()?)?;
    let without_rollout = cells.next()? == Cell::Integer(1);
    let mut fields = Vec::new();
    while let Some(column) = cells.next() {
        let (database, file) = (cells.next()?, cells.next()?);
        fields.push(FieldDifference { position: position(&column)?, database, file });
    }
    Some(Finding { kind, severity, thread_id, path, line, message, fields, without_rollout })
}

/// The findings of a run, sorted by thread, path and kind. Many of them lie in a temporary file.
#[derive(Debug, Default)]
pub struct Found {
    few: Vec<Finding>,
    /// The temporary file, and the number of findings in it.
    many: Option<(Spill, u64)>,
}

impl From<Vec<Finding>> for Found {
    fn from(few: Vec<Finding>) -> Found {
        Found { few, many: None }
    }
}

impl Found {
    /// Returns the number of findings.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.many.as_ref().map_or(self.few.len() as u64, |(_, n)| *n)
    }

    /// Returns true if there is no finding.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the findings one by one; a few hundred of them are in memory at a time.
    ///
    /// # Errors
    /// An item is an error if the temporary file cannot be read.
    pub fn iter(&self) -> Iter<'_> {
        Iter { found: self, n_read: 0, page: VecDeque::new() }
    }

    /// Returns all findings at once.
    ///
    /// # Errors
    /// If the temporary file cannot be read.
    pub fn to_vec(&self) -> anyhow::Result<Vec<Finding>> {
        self.iter().collect()
    }
}

impl<'a> IntoIterator for &'a Found {
    type Item = anyhow::Result<Finding>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The findings of [`Found::iter`].
#[derive(Debug)]
pub struct Iter<'a> {
    found: &'a Found,
    n_read: u64,
    page: VecDeque<Vec<Cell>>,
}

impl Iterator for Iter<'_> {
    type Item = anyhow::Result<Finding>;

    fn next(&mut self) -> Option<anyhow::Result<Finding>> {
        let Some((spill, n)) = &self.found.many else {
            let next = usize::try_from(self.n_read).ok().and_then(|i| self.found.few.get(i));
            self.n_read += 1;
            return next.cloned().map(Ok);
        };
        if self.page.is_empty() && self.n_read < *n {
            match spill.page(self.n_read, PAGE) {
                Ok(page) => self.page = page.into(),
                Err(error) => {
                    self.n_read = *n;
                    return Some(Err(error).context(NO_TEMPORARY_FILE));
                }
            }
        }
        let cells = self.page.pop_front()?;
        self.n_read += 1;
        Some(finding(cells).context(NO_TEMPORARY_FILE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::columns::COLUMNS;
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
        let field = (0..COLUMNS.len(), cell(), cell())
            .prop_map(|(position, database, file)| FieldDifference { position, database, file });
        let place =
            (prop::option::of("[a-c\u{0}]{0,2}"), prop::option::of("[a-c/\u{1}]{0,3}"), any::<Option<u64>>());
        (place, 0..N_KINDS, "[xy\u{0}]{0,2}", prop::collection::vec(field, 0..3), any::<bool>()).prop_map(
            |((thread_id, path, line), kind, message, fields, without_rollout)| Finding {
                thread_id,
                path: path.map(PathBuf::from),
                line,
                fields,
                without_rollout,
                ..Finding::new(Kind::ALL[kind], message)
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
            let mut collected = Findings::with_memory(limit, max_bytes);
            findings.iter().cloned().for_each(|finding| collected.add(finding));
            let found = collected.take().unwrap();
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
        let mut findings = Findings::with_memory(None, 0);
        findings.add(Finding::new(Kind::EmptyFile, "is empty").at(&name));
        assert_eq!(findings.take().unwrap().to_vec().unwrap()[0].path, Some(PathBuf::from(name)));
    }
}
