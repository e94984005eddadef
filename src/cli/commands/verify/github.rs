//! Prints findings as workflow annotations: one command per line, with values percent-encoded as GitHub requires.

use crate::cli::output::text;
use crate::verify::{Finding, VerifyReport};
use std::io::{self, Write};

/// Writes an annotation for each finding.
pub(super) fn write(out: &mut dyn Write, report: &VerifyReport) -> io::Result<()> {
    report.findings.iter().try_for_each(|finding| write_finding(out, &finding.map_err(io::Error::other)?))
}

fn write_finding(out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
    write!(out, "::{} ", finding.severity.name())?;
    if let Some(path) = &finding.path {
        write!(out, "file={},", property(&text::path(path)))?;
    }
    if let Some(line) = finding.line {
        write!(out, "line={line},")?;
    }
    write!(out, "title={}::", property(finding.kind.name()))?;
    if let Some(thread) = &finding.thread_id {
        write!(out, "thread {}: ", data(&text::safe(thread)))?;
    }
    write!(out, "{}", data(&text::safe(&finding.message)))?;
    if let Some(path) = &finding.path {
        write!(out, " ({})", data(&text::safe(&path.display().to_string())))?;
    }
    writeln!(out)
}

/// Encodes a message as GitHub requires.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Encodes the value of a property, which must not contain the command's own separators.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::ThreadId;
    use crate::verify::FindingKind;

    #[test]
    fn an_annotation_is_one_line_whatever_it_quotes() {
        let finding =
            Finding::new(FindingKind::DamagedLines, "a\n::error::b % \x1b[31m").at("/h/a,b:c.jsonl");
        let finding = Finding { line: Some(7), ..finding.of(Some(ThreadId::from_u128(1))) };
        let mut out = Vec::new();
        let mut report = VerifyReport::default();
        report.findings.push(finding);
        write(&mut out, &report).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::warning file=/h/a%2Cb%3Ac.jsonl,line=7,title=damaged_lines::thread \
             00000000-0000-0000-0000-000000000001: a\\n::error::b %25 \\x1b[31m (/h/a,b:c.jsonl)\n"
        );
    }
}
