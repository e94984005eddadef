//! Sets the commit from which the program is built, if it is known: from the file that `cargo package` writes into a
//! package, or, for a release, from git. The build does not fail if neither is there.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "this is how a build script talks with cargo"
)]

use std::path::Path;
use std::process::Command;

const PACKAGED: &str = ".cargo_vcs_info.json";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Some(commit) = packaged().or_else(from_git) {
        println!("cargo:rustc-env=CODEX_STATE_COMMIT={commit}");
    }
}

/// Returns the commit of a package.
fn packaged() -> Option<String> {
    let text = std::fs::read_to_string(PACKAGED).ok()?;
    println!("cargo:rerun-if-changed={PACKAGED}");
    short(text.split_once("\"sha1\"")?.1.split('"').nth(1)?)
}

/// Returns the commit that is checked out. Debug builds do not call this, because every commit would rebuild them.
fn from_git() -> Option<String> {
    if std::env::var("PROFILE").ok()? != "release" || !Path::new(".git").exists() {
        return None;
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).ok())?
    };
    // Git appends to this file at every commit and checkout.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(log.trim()).exists() {
        println!("cargo:rerun-if-changed={}", log.trim());
    }
    short(git(&["rev-parse", "HEAD"])?.trim())
}

fn short(commit: &str) -> Option<String> {
    let is_commit = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| commit[..10].to_owned())
}
