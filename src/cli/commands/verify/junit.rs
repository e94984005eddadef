//! `--junit FILE`: writes one test case for each kind of finding, for programs that show test results.

use crate::cli::output::records::time;
use crate::cli::output::text;
use crate::verify::{Finding, FindingKind, Ignore, Severity, VerifyReport};
use std::io::{self, Write};

/// Writes the whole file. A kind fails if it has errors; with `strict`, also if it has warnings.
pub(super) fn write(
    xml: &mut dyn Write,
    report: &VerifyReport,
    ignore: &Ignore,
    strict: bool,
    now: i64,
) -> io::Result<()> {
    let fails = |kind: FindingKind| report.count(kind).fails(strict);
    let n_failures = FindingKind::ALL.into_iter().filter(|kind| fails(*kind)).count();
    let n_skipped = FindingKind::ALL.into_iter().filter(|kind| ignore.kind(*kind)).count();
    let counts = format!("tests=\"{}\" failures=\"{n_failures}\" errors=\"0\"", FindingKind::ALL.len());
    writeln!(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let timestamp = time::rfc3339(now);
    let timestamp = timestamp.split('.').next().unwrap_or_default();
    writeln!(xml, "<testsuites name=\"codex-state verify\" {counts} time=\"0\">")?;
    writeln!(
        xml,
        "  <testsuite name=\"codex-state verify\" {counts} skipped=\"{n_skipped}\" timestamp=\"{timestamp}\" time=\"0\">"
    )?;
    for kind in FindingKind::ALL {
        let _ = write!(xml, "    <testcase classname=\"codex-state.verify\" name=\"{kind}\" time=\"0\"");
        let n = report.count(kind).all();
        if ignore.kind(kind) {
            writeln!(xml, "><skipped message=\"ignored\"/></testcase>")?;
        } else if n == 0 {
            writeln!(xml, "/>")?;
        } else {
            let noun = if n == 1 { "finding" } else { "findings" };
            let (open, end) = match fails(kind) {
                true => (format!("failure type=\"{kind}\" message=\"{n} {noun}\""), "failure"),
                false => ("system-out".to_owned(), "system-out"),
            };
            write!(xml, "><{open}>")?;
            write_findings(xml, report, kind, n)?;
            writeln!(xml, "</{end}></testcase>")?;
        }
    }
    writeln!(xml, "  </testsuite>\n</testsuites>")
}

fn write_findings(xml: &mut dyn Write, report: &VerifyReport, kind: FindingKind, n: u64) -> io::Result<()> {
    let mut n_printed = 0;
    for finding in report.findings.iter() {
        let finding = finding.map_err(io::Error::other)?;
        if finding.kind == kind {
            write_finding(xml, &finding)?;
            n_printed += 1;
            // The findings are read once for each kind, which takes time if they are many.
            if n_printed == n {
                break;
            }
        }
    }
    if n > n_printed {
        writeln!(xml, "and {} more", n - n_printed)?;
    }
    Ok(())
}

fn write_finding(xml: &mut dyn Write, finding: &Finding) -> io::Result<()> {
    let mut parts = Vec::new();
    parts.extend(finding.thread_id.as_deref().map(|thread| text::safe(thread).into_owned()));
    parts.extend(finding.path.as_deref().map(|path| text::path(path).into_owned()));
    parts.push(text::safe(&finding.message).into_owned());
    if finding.severity == Severity::Warning {
        parts.insert(0, "warning".to_owned());
    }
    writeln!(xml, "{}", escape(&parts.join(": ")))
}

/// Escapes text for XML. Safe text contains no control characters, which XML cannot contain at all.
fn escape(text: &str) -> String {
    let allowed = |c: char| !matches!(c, '\u{fffe}' | '\u{ffff}');
    let text: String = text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Count;
    use expect_test::expect;

    fn render(report: &VerifyReport, ignore: &Ignore, strict: bool, now: i64) -> String {
        let mut xml = Vec::new();
        write(&mut xml, report, ignore, strict, now).unwrap();
        String::from_utf8(xml).unwrap()
    }

    #[test]
    fn each_kind_is_a_test_case() {
        let mut report = VerifyReport::default();
        report.counts[FindingKind::MissingRow as usize] = Count { errors: 2, warnings: 0 };
        report.counts[FindingKind::EmptyFile as usize] = Count { errors: 0, warnings: 1 };
        report.findings.push(Finding::new(FindingKind::MissingRow, "a <b> & \"c\"\x1b").at("/h/x"));
        report.findings.push(Finding::new(FindingKind::EmptyFile, "is empty"));
        let ignore = Ignore::default().and("index_orphan").unwrap();
        let interesting = |xml: &str| -> String {
            let plain = |line: &&str| !(line.starts_with("    <testcase") && line.ends_with("\"0\"/>"));
            xml.lines().filter(plain).map(|line| format!("{line}\n")).collect()
        };
        let xml = render(&report, &ignore, false, 1_773_507_450_373);
        assert_eq!(xml.matches("<testcase").count(), FindingKind::ALL.len());
        expect![[r#"
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="codex-state verify" tests="24" failures="1" errors="0" time="0">
              <testsuite name="codex-state verify" tests="24" failures="1" errors="0" skipped="1" timestamp="2026-03-14T16:57:30" time="0">
                <testcase classname="codex-state.verify" name="missing_row" time="0"><failure type="missing_row" message="2 findings">/h/x: a &lt;b&gt; &amp; &quot;c&quot;\x1b
            and 1 more
            </failure></testcase>
                <testcase classname="codex-state.verify" name="empty_file" time="0"><system-out>warning: is empty
            </system-out></testcase>
                <testcase classname="codex-state.verify" name="index_orphan" time="0"><skipped message="ignored"/></testcase>
              </testsuite>
            </testsuites>
        "#]]
        .assert_eq(&interesting(&xml));
        assert!(
            render(&report, &ignore, true, 0).contains("failures=\"2\""),
            "warnings fail when they count"
        );
    }
}
