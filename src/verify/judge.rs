//! Turns a thread's row and files into findings, and chooses their kinds. It reads no database.

use super::finding::{Finding, RolloutState};
use super::kinds::{FindingKind, Severity};
use crate::catalog::forms::Forms;
use crate::catalog::walk::RolloutFile;
use crate::home;
use crate::rollout::extract::DamageReport;
use crate::rollout::fold::ReadError;
use crate::rollout::openable::Unopenable;
use crate::sys;
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{Col, ColumnKind, Row};
use crate::thread::diff::{self, FieldDifference};
use crate::thread::equivalence::read_milliseconds;
use crate::thread::merge;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

/// Maximum number of columns whose values a message contains.
const N_VALUES: usize = 4;
/// Maximum number of characters of a value in a message.
const N_CHARS: usize = 60;

/// The message about a rollout that exists, but not in this home.
pub(super) const OUTSIDE: &str = "the rollout lies outside of this home";

/// The findings about one thread.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Judged {
    pub(super) findings: Vec<Finding>,
    /// The home in the row's path, if only that part of the path is wrong.
    pub(super) moved_from: Option<String>,
    /// The rollout of that row.
    pub(super) moved: Option<usize>,
}

/// The information about a row's path that its text does not contain.
pub(super) struct PathFacts<'a> {
    /// The home, as the files' paths begin with it.
    pub(super) home: &'a Path,
    /// Returns true if a file exists at a path.
    pub(super) exists: &'a dyn Fn(&Path) -> bool,
    /// Another thread whose row names the same file.
    pub(super) also_of: Option<ThreadId>,
}

/// Judges the differences between a thread's row and its file.
pub(super) fn differences(
    id: ThreadId,
    file: &RolloutFile,
    differences: Vec<FieldDifference>,
    facts: &PathFacts<'_>,
) -> Judged {
    let mut judged = Judged::default();
    let (mut archive, mut rest): (Vec<FieldDifference>, Vec<FieldDifference>) = (Vec::new(), Vec::new());
    let mut path = None;
    let is_archive = differences.iter().any(|difference| difference.col == Col::Archived);
    for field in differences {
        match field.col {
            Col::RolloutPath => path = Some(field),
            Col::Archived | Col::ArchivedAt if is_archive => archive.push(field),
            _ => rest.push(field),
        }
    }
    let about = |finding: Finding| finding.of(Some(id)).at(file.path());
    if let Some(field) = path {
        let named = field.database.as_text().map(Path::new);
        let old_home = field.database.as_text().and_then(|text| old_home(text, file, facts.home));
        match named {
            None => rest.insert(0, field),
            Some(_) if old_home.is_some() => judged.moved_from = old_home,
            Some(named) => match facts.also_of {
                Some(other) => judged.findings.push(about(duplicate_path(other).with(vec![field]))),
                None if (facts.exists)(named) => rest.insert(0, field),
                None if is_archive => archive.insert(0, field),
                None => judged.findings.push(about(moved(named).with(vec![field]))),
            },
        }
    }
    if is_archive {
        let message = if file.is_archived() {
            "the rollout is archived, and the row says that it is not"
        } else {
            "the rollout is not archived, and the row says that it is"
        };
        judged.findings.push(about(Finding::new(FindingKind::ArchiveMismatch, message).with(archive)));
    }
    if !rest.is_empty() {
        judged.findings.push(about(Finding::new(FindingKind::FieldMismatch, "").with(rest)));
    }
    judged
}

/// Returns the finding for a row that names the file of another thread, which that thread's row names too.
pub(super) fn duplicate_path(other: ThreadId) -> Finding {
    let message = format!("the row names the rollout that is in the row of thread {other}");
    Finding::new(FindingKind::DuplicatePath, message)
}

/// Returns the finding for a row that names a file that is somewhere else in the home.
pub(super) fn moved(named: &Path) -> Finding {
    Finding::new(FindingKind::MovedFile, format!("the row names {}, which is gone", named.display()))
}

/// Judges the cells that break Codex's listing, in a row without a readable file.
pub(super) fn unreadable_cells(row: &Row) -> Option<Finding> {
    let fields: Vec<FieldDifference> = diff::unreadable_cells(row).collect();
    let finding = Finding::new(FindingKind::FieldMismatch, "").with(fields);
    (!finding.fields.is_empty()).then_some(Finding { rollout: RolloutState::Unusable, ..finding })
}

/// Returns the home in a row's path, if the path differs from the file's only in the home.
pub(super) fn old_home(row: &str, file: &RolloutFile, home: &Path) -> Option<String> {
    let file_path = file.path();
    let relative = file_path.strip_prefix(home).ok()?;
    let parts: Option<Vec<&str>> = relative.components().map(|part| part.as_os_str().to_str()).collect();
    let relative = parts?.join("/");
    // A home that was moved between systems has the other separator.
    let row = sys::without_verbatim_prefix(row).replace('\\', "/");
    let plain = Forms::of(Path::new(&relative)).plain;
    let forms = [Some(relative.as_str()), plain.to_str()];
    let old =
        forms.into_iter().flatten().find_map(|relative| row.strip_suffix(relative)?.strip_suffix('/'))?;
    let new = sys::without_verbatim_prefix(home.to_str()?).replace('\\', "/");
    (!old.is_empty() && old != new).then(|| old.to_owned())
}

/// Returns true if the file at a row's path exists, in the same form or now compressed.
pub(super) fn is_there(home: &Path, path: &Path) -> bool {
    let Some(path) = home::row_path(home, path) else { return false };
    // A path that cannot be checked may exist.
    let exists = |path: &Path| path.try_exists().unwrap_or(true);
    exists(&path) || exists(&Forms::of(&path).compressed)
}

/// Judges a file that could not be read; `None` if the failure is not the file's.
pub(super) fn failure(file: &RolloutFile, error: &ReadError) -> Option<Finding> {
    let kind = match error {
        ReadError::Vanished | ReadError::Interrupted => return None,
        ReadError::Empty => FindingKind::EmptyFile,
        ReadError::Unusable(_) | ReadError::WindowTooLarge { .. } | ReadError::Passing(_) => {
            FindingKind::UnreadableFile
        }
    };
    Some(Finding::new(kind, error.to_string()).at(file.path()))
}

/// Judges a file with damaged lines.
pub(super) fn damage(file: &RolloutFile, report: &DamageReport) -> Option<Finding> {
    let first = report.first.as_ref()?;
    let count = match report.n_lines {
        1 => "1 damaged line:".to_owned(),
        n => format!("{n} damaged lines, first"),
    };
    let message = format!("{count} line {} at byte {}: {}", first.number, first.offset, first.damage);
    Some(Finding {
        line: Some(first.number),
        ..Finding::new(FindingKind::DamagedLines, message).at(file.path())
    })
}

/// Judges a file that Codex cannot open or resume.
pub(super) fn cannot_open(file: &RolloutFile, unopenable: &Unopenable) -> Finding {
    let message = format!("Codex cannot open it: {unopenable}");
    let finding = Finding::new(FindingKind::CodexCannotOpen, message).at(file.path());
    Finding { line: unopenable.line, ..finding }
}

/// Judges a copy that was not chosen; `is_longer` if it contains more than the chosen file.
pub(super) fn duplicate(copy: &RolloutFile, counts: &RolloutFile, is_longer: bool) -> Finding {
    let is_newer = copy.stamp().modified_millis() > counts.stamp().modified_millis();
    let more = match (is_newer, is_longer) {
        (true, true) => "; this copy is newer and longer",
        (true, false) => "; this copy is newer",
        (false, true) => "; this copy is longer",
        (false, false) => "",
    };
    let message = format!("duplicate; {} is used instead{more}", counts.path().display());
    let finding = Finding::new(FindingKind::DuplicateRollout, message).at(copy.path());
    if is_newer || is_longer { Finding { severity: Severity::Error, ..finding } } else { finding }
}

/// Judges a file with a malformed name.
pub(super) fn malformed(file: &RolloutFile) -> Finding {
    let message =
        "the name is not rollout-<time>-<thread id>.jsonl; the thread can be shown but not archived";
    Finding::new(FindingKind::MalformedName, message).at(file.path())
}

/// Describes the fields of a finding with both values, shortened.
pub(super) fn describe(fields: &[FieldDifference]) -> String {
    let mut text = String::new();
    for field in fields.iter().take(N_VALUES) {
        let separator = if text.is_empty() { "" } else { "; " };
        let [database, file] = [&field.database, &field.file].map(|cell| in_words(field.col, cell));
        let (database, file) = apart(&database, &file, N_CHARS);
        // Writing to a string cannot fail.
        let _ = if merge::is_sound(field.col, &field.database) {
            write!(text, "{separator}{}: {database} in the row, {file} in the file", field.name())
        } else {
            let problem = match field.database {
                Cell::Integer(seconds) if merge::PAGED.contains(&field.col) => {
                    format!("{seconds} in the row: seconds, by which Codex's list never ends")
                }
                _ => format!("{database} in the row, which Codex cannot read"),
            };
            write!(text, "{separator}{}: {problem}", field.name())
        };
    }
    let more: Vec<&str> = fields.iter().skip(N_VALUES).map(FieldDifference::name).collect();
    if !more.is_empty() {
        let _ = write!(text, "; also {}", more.join(", "));
    }
    text
}

/// Cuts two texts to at most `n` characters each, and keeps the part where they differ.
#[must_use]
pub fn apart<'a>(a: &'a str, b: &'a str, n: usize) -> (Cow<'a, str>, Cow<'a, str>) {
    let n_common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let is_long = |text: &str| text.chars().nth(n).is_some();
    // A part of the common text stays as context.
    let n_left_out = if (is_long(a) || is_long(b)) && n_common > n / 2 { n_common - n / 4 } else { 0 };
    let cut = |text: &'a str| {
        if !is_long(text) && n_left_out == 0 {
            return Cow::Borrowed(text);
        }
        let start = if n_left_out > 0 { "…" } else { "" };
        let mut rest = text.chars().skip(n_left_out);
        let kept: String = rest.by_ref().take(n - usize::from(n_left_out > 0)).collect();
        let end = if rest.next().is_some() { "…" } else { "" };
        Cow::Owned(format!("{start}{kept}{end}"))
    };
    (cut(a), cut(b))
}

/// Returns a cell as a message shows it.
fn in_words(col: Col, cell: &Cell) -> String {
    let time = |millis: Option<i64>| {
        let time = chrono::DateTime::from_timestamp_millis(millis?)?;
        Some(time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
    };
    match (col.column().kind, cell) {
        (ColumnKind::Seconds, Cell::Integer(n)) => time(n.checked_mul(1000)).unwrap_or(n.to_string()),
        (ColumnKind::Milliseconds, Cell::Integer(n)) => {
            time(Some(read_milliseconds(*n))).unwrap_or(n.to_string())
        }
        (_, Cell::Null) => "NULL".to_owned(),
        (_, Cell::Integer(n)) => n.to_string(),
        (_, Cell::Real(n)) => n.to_string(),
        (_, Cell::Blob(bytes)) => format!("{} bytes that are not text", bytes.len()),
        (_, Cell::Text(text)) if text.is_empty() => "nothing".to_owned(),
        (_, Cell::Text(text)) => format!("\"{text}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::rollout_file::RolloutFolder;
    use crate::rollout::file_name;
    use crate::rollout::fold::Stamp;
    use std::time::UNIX_EPOCH;

    const NAME: &str = "rollout-2026-03-14T16-57-12-019ced47-cebb-79dd-b0aa-a552437621a9.jsonl";

    fn file(folder: &str, name: &str, seconds: u64) -> RolloutFile {
        let modified = UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let (name, stamp) = (std::ffi::OsStr::new(name), Stamp { modified, size: 1 });
        let named = file_name::parse(name).unwrap();
        let folder = RolloutFolder::new(Path::new(folder), folder.contains("archived"));
        RolloutFile::new(folder, name, named, stamp)
    }

    /// Checks kinds and columns for differences in `columns`, where the row's path is `row`.
    fn check(row: &str, there: bool, also: bool, columns: &[&str], expected: &str) {
        let file = file("/home/archived_sessions", NAME, 0);
        let id = ThreadId::from_u128(1);
        let seen = columns.iter().map(|name| FieldDifference {
            col: Col::named(name).unwrap(),
            database: if *name == "rollout_path" { row.into() } else { Cell::Integer(0) },
            file: Cell::Null,
        });
        let facts = PathFacts {
            home: Path::new("/home"),
            exists: &|_| there,
            also_of: also.then_some(ThreadId::from_u128(2)),
        };
        let judged = differences(id, &file, seen.collect(), &facts);
        let mut text: Vec<String> = Vec::new();
        for finding in &judged.findings {
            let names: Vec<&str> = finding.fields.iter().map(FieldDifference::name).collect();
            text.push(format!("{} {}", finding.kind, names.join(",")));
        }
        text.extend(judged.moved_from.map(|old| format!("from {old}")));
        assert_eq!(text.join("; "), expected, "{row} {columns:?}");
    }

    #[test]
    fn each_column_is_explained_by_one_kind() {
        let gone = "/home/sessions/x.jsonl";
        check(gone, false, false, &["rollout_path"], "moved_file rollout_path");
        check(
            gone,
            false,
            false,
            &["rollout_path", "archived", "archived_at"],
            "archive_mismatch rollout_path,archived,archived_at",
        );
        check(gone, false, false, &["archived_at"], "field_mismatch archived_at");
        check(gone, false, false, &["archived", "cwd"], "archive_mismatch archived; field_mismatch cwd");
        check(gone, true, false, &["rollout_path", "cwd"], "field_mismatch rollout_path,cwd");
        check(gone, true, true, &["rollout_path", "cwd"], "duplicate_path rollout_path; field_mismatch cwd");
    }

    #[test]
    fn a_path_that_differs_in_the_prefix_alone_is_of_a_moved_home() {
        let moved = |row: &str, expected: &str| check(row, true, false, &["rollout_path"], expected);
        moved(&format!("/old/archived_sessions/{NAME}"), "from /old");
        moved(&format!(r"\\?\C:\Users\me\.codex\archived_sessions\{NAME}"), "from C:/Users/me/.codex");
        moved(&format!("/old/sessions/{NAME}"), "field_mismatch rollout_path");
        check(
            &format!("/old/archived_sessions/{NAME}"),
            false,
            false,
            &["rollout_path", "archived"],
            "archive_mismatch archived; from /old",
        );
        let compressed = file("/home/sessions", &format!("{NAME}.zst"), 0);
        let old = old_home(&format!("/old/sessions/{NAME}"), &compressed, Path::new("/home"));
        assert_eq!(old.as_deref(), Some("/old"), "a plain path whose file is compressed since");
    }

    #[test]
    fn values_are_short_and_unreadable_cells_are_named() {
        let field = |name: &str, database: Cell, file: Cell| FieldDifference {
            col: Col::named(name).unwrap(),
            database,
            file,
        };
        let text = describe(&[
            field("cwd", "x".repeat(100).as_str().into(), "".into()),
            field("updated_at", Cell::Integer(1_773_507_450), Cell::Null),
            field("tokens_used", "many".into(), Cell::Integer(5)),
            field("model", Cell::Null, "m".into()),
            field("name", Cell::Null, Cell::Null),
        ]);
        assert_eq!(
            text,
            format!(
                "cwd: \"{}… in the row, nothing in the file; updated_at: 2026-03-14T16:57:30.000Z in the row, NULL in \
                 the file; tokens_used: \"many\" in the row, which Codex cannot read; model: NULL in the row, \"m\" in \
                 the file; also name",
                "x".repeat(59)
            )
        );
    }

    #[test]
    fn long_texts_are_cut_where_they_differ() {
        let long = "word ".repeat(40);
        let check = |a: &str, b: &str, expected: (&str, &str)| {
            let (a, b) = apart(a, b, 12);
            assert_eq!((&*a, &*b), expected);
        };
        check("short", "other", ("short", "other"));
        check(&format!("{long}1"), &format!("{long}2 and more, much"), ("…rd 1", "…rd 2 and mo…"));
        check("abcdefghijklmnop", "xbcdefg", ("abcdefghijkl…", "xbcdefg"));
        check(&long, "", ("word word wo…", ""));
        check(&long, &long, ("…rd ", "…rd "));
        check("ééééééééééééééé1", "ééééééééééééééé2", ("…ééé1", "…ééé2"));
    }

    #[test]
    fn a_copy_that_holds_more_is_an_error() {
        let (a, b) = (file("/home/sessions", NAME, 0), file("/home/archived_sessions", NAME, 0));
        assert_eq!(duplicate(&a, &b, false).severity, Severity::Warning);
        assert_eq!(duplicate(&a, &b, true).severity, Severity::Error);
        let newer = file("/home/sessions", NAME, 1);
        assert_eq!(duplicate(&newer, &b, false).severity, Severity::Error);
    }
}
