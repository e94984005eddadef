//! completions/ and man/ are what the program renders from its arguments, and the picture in docs/ what it prints.
//!
//! To renew them after a change: `UPDATE_GENERATED=1 cargo test --test generated`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test that cannot go on fails")]

#[cfg(unix)]
mod picture;

use clap::CommandFactory as _;
use codex_state::cli::line::args::Cli;
use codex_state::cli::line::{completions, man};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Compares a folder with what it must hold, or makes it so.
fn check(folder: &str, expected: &BTreeMap<String, Vec<u8>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, content) in expected {
            fs::write(folder.join(name), content).unwrap();
        }
    }
    let found: BTreeMap<String, Vec<u8>> = fs::read_dir(&folder)
        .unwrap()
        .map(Result::unwrap)
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    let renew = "renew with: UPDATE_GENERATED=1 cargo test --test generated";
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{renew}");
    for (name, content) in expected {
        assert!(found[name] == *content, "{}/{name} is not current; {renew}", folder.display());
    }
}

#[test]
fn completions_are_current() {
    let scripts = completions::SHELLS.iter().map(|(shell, file_name)| {
        let mut script = Vec::new();
        completions::write(*shell, &mut script).unwrap();
        ((*file_name).to_owned(), script)
    });
    check("completions", &scripts.collect());
}

#[test]
fn man_pages_are_current() {
    check("man", &man::pages().unwrap().into_iter().map(|page| (page.file_name, page.roff)).collect());
}

/// Elsewhere paths look otherwise.
#[cfg(unix)]
#[test]
fn the_picture_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/picture.svg");
    let drawn = picture::draw();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &drawn).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(
        found == drawn,
        "docs/picture.svg is not current; renew with: UPDATE_GENERATED=1 cargo test --test generated"
    );
}

#[test]
fn the_arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_argument_and_command_has_help() {
    fn visit(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{} has no help", command.get_name());
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty(), "{} of {} has no help", argument.get_id(), command.get_name());
            assert!(!help.ends_with('.'), "{}: help ends without a full stop", argument.get_id());
        }
        command.get_subcommands().for_each(visit);
    }
    visit(&Cli::command());
}
