//! Findings for people: a block for each thread, what is wrong with it below, both values of a field side by side.

use crate::cli::output::style::{Style, Tone};
use crate::cli::output::{cells, human, report, text};
use crate::thread::columns::{COLUMNS, Kind as ColumnKind};
use crate::verify::{self, FieldDifference, Finding, Kind, Report, Severity};
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

/// The least that each side of a field gets.
const LEAST: usize = 16;

/// Writes the findings, then how many there are of each kind.
pub(super) fn write(
    out: &mut dyn Write,
    page: &report::Page,
    home: &Path,
    report: &Report,
) -> io::Result<()> {
    let block = Block { home, width: page.width, style: page.style };
    let mut thread: Option<Option<String>> = None;
    for finding in &report.findings {
        let finding = finding.map_err(io::Error::other)?;
        if thread.as_ref() != Some(&finding.thread_id) {
            if thread.is_some() {
                writeln!(out)?;
            }
            block.heading(out, &finding)?;
        }
        block.finding(out, &finding)?;
        thread = Some(finding.thread_id);
    }
    if report.findings.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| report.count(*kind).all() > 0).collect();
    let counts: Vec<String> = kinds.iter().map(|kind| human::count(report.count(*kind).all())).collect();
    let widest = counts.iter().map(String::len).max().unwrap_or(0);
    for (kind, count) in kinds.iter().zip(&counts) {
        let tone = if report.count(*kind).errors > 0 { Tone::Bad } else { Tone::Doubtful };
        writeln!(out, "{count:>widest$}  {}", page.style.paint(tone, kind.name()))?;
    }
    Ok(())
}

struct Block<'a> {
    home: &'a Path,
    width: usize,
    style: Style,
}

impl Block<'_> {
    fn heading(&self, out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
        match &finding.thread_id {
            Some(thread) => writeln!(out, "{}", self.style.paint(Tone::Accent, text::safe(thread))),
            None => writeln!(out, "{}", self.style.paint(Tone::Bold, "of no single thread")),
        }
    }

    fn finding(&self, out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
        let tone = match finding.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Doubtful,
        };
        let name = finding.kind.name();
        write!(out, "  {}", self.style.paint(tone, name))?;
        // The values of fields follow below, each on a line of its own.
        let message = if finding.kind == Kind::FieldMismatch {
            let n = finding.fields.len() as u64;
            human::counted(n, "column differs", "columns differ")
        } else {
            finding.message.clone()
        };
        let message = text::one_line(&message);
        let room = self.width.saturating_sub(2 + name.len() + 2).max(LEAST);
        if text::width(&message) <= room {
            writeln!(out, "  {message}")?;
        } else {
            // A message is never cut: it may hold the path that somebody needs.
            writeln!(out, "\n    {message}")?;
        }
        if let Some(path) = &finding.path {
            let below = path.strip_prefix(self.home).ok().filter(|below| !below.as_os_str().is_empty());
            writeln!(out, "    {}", self.style.paint(Tone::Dim, text::path(below.unwrap_or(path))))?;
        }
        self.fields(out, &finding.fields)
    }

    fn fields(&self, out: &mut dyn Write, fields: &[FieldDifference]) -> io::Result<()> {
        let name_width = fields.iter().map(|field| field.name().len()).max().unwrap_or(0);
        let shown: Vec<[String; 2]> = fields
            .iter()
            .map(|field| {
                [&field.database, &field.file]
                    .map(|cell| cells::in_words(&cells::value_of(field.position, cell)))
            })
            .collect();
        const BETWEEN: &str = "  file: ";
        let room = self.width.saturating_sub(4 + name_width + 2 + "row: ".len() + BETWEEN.len());
        let side = (room / 2).max(LEAST);
        // A text that goes on alike for longer than there is room begins where it differs.
        let shown: Vec<[Cow<'_, str>; 2]> = shown
            .iter()
            .map(|[row, file]| {
                let (row, file) = verify::apart(row, file, side);
                [row, file]
            })
            .collect();
        let left = shown.iter().map(|[row, _]| text::width(row)).max().unwrap_or(0).min(side);
        let right = room.saturating_sub(left).max(LEAST);
        for (field, [row, file]) in fields.iter().zip(&shown) {
            let is_path = COLUMNS[field.position].kind == ColumnKind::Path;
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
