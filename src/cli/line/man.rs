//! Generates the man pages from the definition of the arguments. It does not write them to files.

use crate::cli::line::args::{Cli, NAME};
use crate::cli::line::exit::Exit;
use crate::cli::line::help;
use crate::cli::line::schema;
use crate::thread::columns::COLUMNS;
use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use std::io::{self, Write};

/// One man page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManPage {
    /// The file name.
    pub file_name: String,
    /// The roff source.
    pub roff: Vec<u8>,
}

/// Returns all pages: the program's, then one for each command.
///
/// # Errors
/// Never, because it writes to memory.
pub fn pages() -> io::Result<Vec<ManPage>> {
    // The help command has no man page.
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = vec![page(&program, "", NAME.to_owned(), &[])?];
    for command in program.get_subcommands() {
        let short = command.get_name().to_owned();
        let name = format!("{NAME}-{short}");
        // The page's title and the usage line contain the full name of the command.
        let command =
            command.clone().name(name.clone()).display_name(name.clone()).version(env!("CARGO_PKG_VERSION"));
        pages.push(page(&command, &short, name, &["codex-state(1)"])?);
    }
    Ok(pages)
}

fn page(command: &clap::Command, short: &str, name: String, see_also: &[&str]) -> io::Result<ManPage> {
    let man = Man::new(command.clone());
    let mut roff = Vec::new();
    title(&mut roff, &name)?;
    man.render_name_section(&mut roff)?;
    synopsis(&mut roff, command)?;
    description(&mut roff, command)?;
    man.render_options_section(&mut roff)?;
    if see_also.is_empty() {
        man.render_subcommands_section(&mut roff)?;
        let columns = "The columns of the table threads, as --columns, --ignore and JSON name them:";
        let entries = COLUMNS.iter().map(|column| (column.name, column.doc));
        named(&mut roff, ("COLUMNS", columns), (bold, &["24"]), entries)?;
        let variables = "A variable that is set but empty counts as unset.";
        named(&mut roff, ("ENVIRONMENT", variables), (italic, &["24"]), help::environment())?;
        named(&mut roff, ("FILES", ""), (bold, &[]), help::FILES)?;
    }
    json(&mut roff, short, command)?;
    if short == "verify" {
        named(&mut roff, ("FINDINGS", ""), (bold, &[]), help::findings())?;
    }
    let statuses = Exit::ALL.map(|exit| (exit.code(), exit.meaning()));
    named(&mut roff, ("EXIT STATUS", ""), (bold, &[]), statuses)?;
    named(&mut roff, ("EXAMPLES", ""), (bold, &[]), help::examples(short))?;
    if !see_also.is_empty() {
        section("SEE ALSO").text([roman(see_also.join(", "))]).to_writer(&mut roff)?;
    }
    Ok(ManPage { file_name: format!("{name}.1"), roff })
}

/// Writes the title line. `clap_mangen` leaves out an empty date, so that man takes the version for the date.
fn title(out: &mut dyn Write, name: &str) -> io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    writeln!(out, r#".TH {} 1 "" "codex-state {version}" "codex-state manual""#, name.to_uppercase())
}

/// Begins a section.
fn section(heading: &str) -> Roff {
    let mut section = Roff::default();
    section.control("SH", [heading]);
    section
}

/// Writes the usage line; all options are listed below it.
fn synopsis(out: &mut dyn Write, command: &clap::Command) -> io::Result<()> {
    let usage = command.clone().render_usage().to_string();
    section("SYNOPSIS").text([roman(usage.strip_prefix("Usage: ").unwrap_or(&usage).trim())]).to_writer(out)
}

/// Writes the description of the command, without the first line, which is beside its name, and without its JSON.
fn description(out: &mut dyn Write, command: &clap::Command) -> io::Result<()> {
    let mut section = section("DESCRIPTION");
    let paragraphs = paragraphs(command);
    for (number, paragraph) in paragraphs.iter().take_while(|paragraph| !is_shape(paragraph)).enumerate() {
        if number > 0 {
            section.control("PP", []);
        }
        section.text([roman(paragraph)]);
    }
    section.to_writer(out)
}

/// Returns the paragraphs of the long help. Leaves out its first line if more follows.
fn paragraphs(command: &clap::Command) -> Vec<String> {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let long = command.get_long_about().map_or_else(|| about.clone(), ToString::to_string);
    let text = long.strip_prefix(&about).map(str::trim).filter(|text| !text.is_empty()).unwrap_or(&about);
    text.split("\n\n").map(str::to_owned).collect()
}

/// Returns true for the paragraph with the shape of the JSON document in one line. What follows explains it.
fn is_shape(paragraph: &str) -> bool {
    paragraph.starts_with("With --format json:")
}

/// Writes the section about the JSON document: each member with its meaning, then other formats. It has no line with the
/// whole shape, because man would hyphenate the names in it.
fn json(out: &mut dyn Write, short: &str, command: &clap::Command) -> io::Result<()> {
    let shapes = schema::shapes(short);
    if shapes.is_empty() {
        return Ok(());
    }
    let mut section = section("JSON");
    section.text([roman(format!(
        "With --format json the output is one document. Its JSON Schema is docs/schema/{short}.json. Its members are:"
    ))]);
    for shape in shapes {
        if !shape.when.is_empty() {
            section.control("PP", []).text([roman(format!("{}:", shape.when))]);
        }
        for member in shape.members {
            let meaning = format!(": {}.", member.meaning);
            section.control("TP", []).text([bold(member.place)]).text([italic(member.kind), roman(meaning)]);
        }
    }
    for paragraph in paragraphs(command).iter().skip_while(|paragraph| !is_shape(paragraph)).skip(1) {
        section.control("PP", []).text([roman(paragraph)]);
    }
    section.to_writer(out)
}

/// Writes a section: an introduction, if it has one, and names, each with its meaning, beside or below it.
fn named<N: ToString, M: ToString>(
    out: &mut dyn Write,
    (heading, introduction): (&str, &str),
    (name_of, indent): (fn(String) -> Inline, &[&str]),
    entries: impl IntoIterator<Item = (N, M)>,
) -> io::Result<()> {
    let mut section = section(heading);
    if !introduction.is_empty() {
        section.text([roman(introduction)]);
    }
    for (name, meaning) in entries {
        let meaning = roman(meaning.to_string());
        section.control("TP", indent.iter().copied()).text([name_of(name.to_string())]).text([meaning]);
    }
    section.to_writer(out)
}
