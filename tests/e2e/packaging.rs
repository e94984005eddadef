//! Tests what is released: the archive of a release, unpacked and run, and the workflows that make it.

use std::fs;
use std::path::{Path, PathBuf};

use yaml_rust2::{Yaml, YamlLoader};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads a workflow.
fn workflow(name: &str) -> Yaml {
    let text = fs::read_to_string(root().join(".github/workflows").join(name)).unwrap();
    YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")).remove(0)
}

/// Returns the steps of all jobs.
fn steps(workflow: &Yaml) -> Vec<&Yaml> {
    let jobs = workflow["jobs"].as_hash().unwrap();
    jobs.values().flat_map(|job| job["steps"].as_vec().unwrap()).collect()
}

/// Returns a line in which a word replaces each `${{ expression }}`.
fn without_expressions(line: &str) -> String {
    let mut parts = line.split("${{");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        plain += "expression";
        plain += part.split_once("}}").unwrap().1;
    }
    plain
}

#[test]
fn the_workflows_parse_and_name_what_exists() {
    // The programs that the runners have, and those that earlier steps install.
    const PROGRAMS: [&str; 6] = ["rustup", "cargo", "sudo", "brew", "gh", "apt-get"];
    for name in ["ci.yml", "release.yml"] {
        let workflow = workflow(name);
        for trigger in ["name", "on", "permissions", "jobs"] {
            assert!(!workflow[trigger].is_badvalue(), "{name}: {trigger}");
        }
        for step in steps(&workflow) {
            if let Some(action) = step["uses"].as_str() {
                let (_, version) = action.split_once('@').unwrap_or_else(|| panic!("{name}: {action}"));
                assert!(version.starts_with('v') && version.len() > 1, "{name}: {action} is pinned");
                continue;
            }
            let line =
                step["run"].as_str().unwrap_or_else(|| panic!("{name}: a step does something: {step:?}"));
            for command in line.split(" > ").next().unwrap().split("&&").map(str::trim) {
                let program = command.split(' ').next().unwrap();
                let exists = PROGRAMS.contains(&program) || root().join(program).is_file();
                assert!(exists, "{name}: {program} of `{line}`");
            }
            let line = without_expressions(line);
            let words = line.split(' ').filter(|word| word.contains('/') || word.ends_with(".md"));
            for word in words.filter(|word| !word.contains('*') && *word != "notes.md") {
                assert!(word.starts_with("target/") || root().join(word).exists(), "{name}: {word}");
            }
        }
    }
    let runs: Vec<Yaml> = steps(&workflow("ci.yml")).into_iter().map(|step| step["run"].clone()).collect();
    assert!(runs.iter().any(|run| run.as_str() == Some(".ci/run")), "CI runs the gate");
    let systems = workflow("ci.yml")["jobs"]["gate"]["strategy"]["matrix"]["os"].clone();
    for system in ["ubuntu", "macos", "windows"] {
        let mut found = systems.as_vec().unwrap().iter().filter_map(Yaml::as_str);
        assert!(found.any(|name| name.starts_with(system)), "{system}");
    }
}

#[test]
fn the_oldest_rust_of_ci_is_that_of_the_manifest() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let oldest =
        manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    let ci = fs::read_to_string(root().join(".github/workflows/ci.yml")).unwrap();
    assert!(ci.contains(&format!("cargo +{oldest} check")), "{oldest}");
}

/// The script that packs is one for a Unix shell.
#[cfg(unix)]
mod archive {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use super::root;
    use crate::env::Env;

    /// Packs the program that the tests run.
    fn pack(env: &Env) -> PathBuf {
        let folder = env.outside("archives/x").parent().unwrap().to_owned();
        let mut command = Command::new(root().join("packaging/archive"));
        command.arg(env!("CARGO_BIN_EXE_codex-state")).args(["x86_64-unknown-linux-musl"]).arg(&folder);
        let outcome = env.finish(command);
        outcome.status(0, "it is packed");
        let archive = PathBuf::from(outcome.stdout.trim_end());
        outcome.assert(archive.starts_with(&folder) && archive.is_file(), "and says where");
        archive
    }

    #[test]
    fn an_archive_of_a_release_unpacks_to_a_program_that_runs() {
        let env = Env::new();
        let archive = pack(&env);
        let folder = archive.parent().unwrap();
        let name = archive.file_name().unwrap().to_str().unwrap();
        let unpacked = folder.join(name.strip_suffix(".tar.gz").unwrap());
        assert!(name.contains(env!("CARGO_PKG_VERSION")), "{name}");
        let done = Command::new("tar").arg("-xzf").arg(&archive).current_dir(folder).status().unwrap();
        assert!(done.success());
        let version = Command::new(unpacked.join("codex-state")).arg("-V").output().unwrap();
        assert_eq!(
            String::from_utf8(version.stdout).unwrap(),
            concat!("codex-state ", env!("CARGO_PKG_VERSION"), "\n")
        );
        for folder in ["man", "completions", "docs/schema"] {
            let names = |root: &Path| {
                let entries =
                    fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
                let mut names: Vec<_> = entries.collect();
                names.sort();
                names
            };
            assert_eq!(names(&unpacked), names(root()), "{folder}");
        }
        for file in ["README.md", "GUIDE.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            assert!(unpacked.join(file).is_file(), "{file}");
        }
        let sum = fs::read_to_string(folder.join(format!("{name}.sha256"))).unwrap();
        let (sum, of) = sum.trim_end().split_once("  ").unwrap();
        assert_eq!((sum.len(), of), (64, name));
        if let Ok(checked) =
            Command::new("sha256sum").args(["-c", &format!("{name}.sha256")]).current_dir(folder).output()
        {
            assert!(checked.status.success(), "the checksum is right");
        }
    }

    #[test]
    fn the_notes_of_a_release_are_the_section_of_its_version() {
        let env = Env::new();
        let notes = |tag: &str| {
            let mut command = Command::new(root().join("packaging/notes"));
            command.arg(tag);
            env.finish(command)
        };
        let found = notes(concat!("v", env!("CARGO_PKG_VERSION")));
        found.status(0, "the changelog has the version of the program");
        found.assert(found.stdout.contains("\n- "), "a list of what is new");
        found.assert(!found.stdout.contains("\n## "), "and of no other version");
        let other = notes("v9.9.9");
        other.status(1, "another version").assert(other.stdout.is_empty(), "prints nothing");
    }
}

/// Adds the paths of all files with sources in a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => sources(&entry, found),
            false => found.push(entry),
        }
    }
}

#[test]
fn what_the_sources_include_is_in_the_package() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let excluded = manifest.lines().find_map(|line| line.strip_prefix("exclude = ")).unwrap();
    let excluded: Vec<&str> = excluded.split('"').filter(|word| word.starts_with('/')).collect();
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let mut n_included = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for call in code.split("include_str!(\"").chain(code.split("include_bytes!(\"")).skip(1) {
            let Some((path, _)) = call.split_once("\")") else { continue };
            let included = file.parent().unwrap().join(path);
            let Ok(included) = included.canonicalize() else { continue };
            let below = included.strip_prefix(root().canonicalize().unwrap()).unwrap().to_owned();
            let name = format!("/{}", below.to_str().unwrap().replace('\\', "/"));
            n_included += 1;
            assert!(!excluded.iter().any(|folder| name.starts_with(folder)), "{}: {name}", file.display());
        }
    }
    assert!(n_included > 20, "{n_included} files are included");
}

#[test]
fn what_a_debian_package_takes_exists() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, assets) = manifest.split_once("assets = [").unwrap();
    let (assets, _) = assets.split_once("\n]").unwrap();
    for line in assets.lines().filter(|line| line.contains('[')) {
        let source = line.split('"').nth(1).unwrap();
        let folder = source.split("/*.").next().unwrap();
        assert!(source.starts_with("target/") || root().join(folder).exists(), "{source}");
    }
}

/// CI builds for musl, too, and runs all tests with that program.
#[cfg(target_env = "musl")]
#[test]
fn a_program_for_musl_needs_no_library_of_the_system() {
    let program = fs::read(env!("CARGO_BIN_EXE_codex-state")).unwrap();
    let number = |at: usize, size: usize| {
        program[at..at + size].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    assert!(program.starts_with(b"\x7fELF\x02\x01"), "64 bits, little-endian");
    let (first, size, n_headers) = (number(32, 8), number(54, 2), number(56, 2));
    // PT_INTERP names the loader that looks for libraries.
    let has_loader = (0..n_headers).any(|n| number(first + n * size, 4) == 3);
    assert!(n_headers > 0 && !has_loader);
}

#[test]
fn what_is_released_for_linux_is_tested_as_a_static_program_too() {
    let ci = workflow("ci.yml");
    let runs: Vec<&str> = steps(&ci).into_iter().filter_map(|step| step["run"].as_str()).collect();
    let targets = workflow("release.yml")["jobs"]["archive"]["strategy"]["matrix"]["include"].clone();
    let targets: Vec<&str> =
        targets.as_vec().unwrap().iter().filter_map(|entry| entry["target"].as_str()).collect();
    let target = "x86_64-unknown-linux-musl";
    assert!(targets.contains(&target), "{targets:?}");
    assert!(runs.iter().any(|run| run.contains("cargo test") && run.contains(target)), "{runs:?}");
}
