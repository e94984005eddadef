//! Prints findings for people: grouped by kind, with what the kind means, what to do, and some examples of many.

use crate::cli::commands::verdict;
use crate::cli::output::lines::wrap;
use crate::cli::output::{Style, Tone, cells, human, in_lines, report, text};
use crate::thread::columns::ColumnKind;
use crate::verify::{self, FieldDifference, Finding, FindingKind, RolloutState, VerifyReport};
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

/// Minimum width of each side of a field.
const LEAST: usize = 16;
/// Maximum number of findings of a kind that are printed, unless the user asks for more.
const EXAMPLES: u64 = 5;

/// Returns how many of the findings [`write`] prints.
pub(super) fn n_printed(report: &VerifyReport, has_all: bool) -> u64 {
    match has_all {
        true => report.findings.len(),
        false => FindingKind::ALL.into_iter().map(|kind| report.count(kind).all().min(EXAMPLES)).sum(),
    }
}

/// Writes the findings by kind, errors first. With `has_all` it writes every finding of the report, otherwise some
/// examples of each kind. `with_options` adds the options of this run to commands.
pub(super) fn write(
    out: &mut dyn Write,
    form: &report::OutputForm,
    home: &Path,
    report: &VerifyReport,
    has_all: bool,
    with_options: &dyn Fn(&str) -> String,
) -> io::Result<()> {
    let block = Block { home, width: form.width, style: form.style, with_options };
    let found = FindingKind::ALL.into_iter().filter(|kind| report.count(*kind).all() > 0);
    let (errors, warnings): (Vec<FindingKind>, Vec<FindingKind>) =
        found.partition(|kind| report.count(*kind).errors > 0);
    for (n, kind) in errors.into_iter().chain(warnings).enumerate() {
        if n > 0 {
            writeln!(out)?;
        }
        block.heading(out, report, kind)?;
        let mut n_printed = 0;
        for finding in report.findings.iter() {
            let finding = finding.map_err(io::Error::other)?;
            if !has_all && n_printed == EXAMPLES {
                break;
            }
            if finding.kind == kind {
                block.finding(out, &finding)?;
                n_printed += 1;
            }
        }
        let rest = report.count(kind).all().saturating_sub(n_printed);
        if rest > 0 {
            writeln!(out, "  and {} more", human::count(rest))?;
        }
    }
    Ok(())
}

struct Block<'a> {
    home: &'a Path,
    width: usize,
    style: Style,
    with_options: &'a dyn Fn(&str) -> String,
}

impl Block<'_> {
    /// Writes a kind with the number of its findings, what it means and what to do about it.
    fn heading(&self, out: &mut dyn Write, report: &VerifyReport, kind: FindingKind) -> io::Result<()> {
        let count = report.count(kind);
        let tone = if count.errors > 0 { Tone::Bad } else { Tone::Doubtful };
        let (meaning, to_do) = kind.meaning();
        let heading = format!("{kind} ({}): {meaning}", verdict::count(count));
        let heading = wrap(&heading, self.width.max(LEAST));
        let rest = heading.strip_prefix(kind.name()).unwrap_or_default();
        writeln!(out, "{}{rest}", self.style.paint(tone, kind.name()))?;
        let to_do = in_lines(
            &format!("to do: {}", text::one_line(&(self.with_options)(to_do))),
            self.width.saturating_sub(2).max(LEAST),
        );
        to_do.iter().try_for_each(|line| writeln!(out, "  {line}"))
    }

    fn finding(&self, out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
        let path = finding.path.as_deref().map(|path| {
            let below = path.strip_prefix(self.home).ok().filter(|below| !below.as_os_str().is_empty());
            text::path(below.unwrap_or(path)).into_owned()
        });
        let id = finding.thread_id.as_deref().map(text::safe);
        // The names of nearly all rollouts end with the id.
        let id = id.filter(|id| path.as_ref().is_none_or(|path| !path.contains(&**id)));
        let mut heads = id.iter().map(|id| &**id).chain(path.as_deref());
        if let Some(first) = heads.next() {
            writeln!(out, "  {}", self.style.paint(Tone::Accent, first))?;
        }
        for other in heads {
            writeln!(out, "    {}", self.style.paint(Tone::Dim, other))?;
        }
        if says_more(finding) {
            // A message is never cut, because it may contain a path that the reader needs.
            let indent = if finding.thread_id.is_none() && finding.path.is_none() { "  " } else { "    " };
            let room = self.width.saturating_sub(indent.len()).max(LEAST);
            let lines = in_lines(&text::one_line(&finding.message), room);
            lines.iter().try_for_each(|line| writeln!(out, "{indent}{line}"))?;
        }
        self.fields(out, &finding.fields)
    }

    fn fields(&self, out: &mut dyn Write, fields: &[FieldDifference]) -> io::Result<()> {
        let name_width = fields.iter().map(|field| field.name().len()).max().unwrap_or(0);
        let shown: Vec<[String; 2]> = fields
            .iter()
            .map(|field| {
                [&field.database, &field.file].map(|cell| cells::in_words(&cells::value_of(field.col, cell)))
            })
            .collect();
        const BETWEEN: &str = "  file: ";
        let room = self.width.saturating_sub(4 + name_width + 2 + "row: ".len() + BETWEEN.len());
        let side = (room / 2).max(LEAST);
        // If two texts share a beginning longer than the available width, they are shown from where they differ.
        let shown: Vec<_> = shown.iter().map(|[row, file]| verify::apart(row, file, side)).collect();
        let left = shown.iter().map(|(row, _)| text::width(row)).max().unwrap_or(0).min(side);
        let right = room.saturating_sub(left).max(LEAST);
        for (field, (row, file)) in fields.iter().zip(&shown) {
            let is_path = field.col.column().kind == ColumnKind::Path;
            let cut = |text, width| -> Cow<'_, str> {
                if is_path { text::fit_end(text, width) } else { text::fit(text, width) }
            };
            let row = cut(row, left);
            let fill = left.saturating_sub(text::width(&row));
            let name = format!("{:name_width$}", field.name());
            let file = cut(file, right);
            let (row_word, file_word) =
                (self.style.paint(Tone::Dim, "row:"), self.style.paint(Tone::Dim, "file:"));
            writeln!(out, "    {name}  {row_word} {row}{:fill$}  {file_word} {file}", "")?;
        }
        Ok(())
    }
}

/// Returns true if the message of a finding says more than its kind, its path and its fields.
fn says_more(finding: &Finding) -> bool {
    match finding.kind {
        FindingKind::MissingRow
        | FindingKind::FieldMismatch
        | FindingKind::MalformedName
        | FindingKind::EmptyFile => false,
        FindingKind::MissingFile => finding.rollout != RolloutState::Gone,
        _ => true,
    }
}
