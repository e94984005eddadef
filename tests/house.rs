//! Checks the rules of the source that a compiler does not check: which module may use which, where each crate is
//! used, and that the documents name files that exist.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "house/imports.rs"]
mod imports;
#[path = "house/items.rs"]
mod items;

use imports::imports;
use items::{functions, types};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that only these modules of the library may name.
const CRATE_HOMES: [(&str, &[&str]); 8] = [
    ("walkdir", &["catalog", "sys"]),
    ("zstd", &["rollout"]),
    ("rusqlite", &["db"]),
    ("clap", &["cli"]),
    ("comfy_table", &["cli"]),
    ("indicatif", &["cli"]),
    ("toml", &["home"]),
    ("csv", &["cli"]),
];

/// The path of a module from the root of the crate: `["db", "open"]`.
type Module = Vec<String>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A source file of the library.
struct Source {
    /// Its path below `src/`, with `/`.
    path: String,
    module: Module,
    text: String,
    /// True if the file holds only tests. Such a file may use anything.
    is_test: bool,
}

impl Source {
    /// Lists the modules and crates that its code names, as paths that begin with `crate` or with a crate's name.
    fn imports(&self, modules: &BTreeSet<Module>) -> Vec<Vec<String>> {
        if self.is_test {
            return Vec::new();
        }
        let module: Vec<&str> = self.module.iter().map(String::as_str).collect();
        let found = imports(&self.text, &module).unwrap_or_else(|error| panic!("{}: {error}", self.path));
        found.into_iter().map(|path| resolve(path, &self.module, modules)).collect()
    }
}

/// Writes a path that begins with a child of the module as a path from the root of the crate.
fn resolve(path: Vec<String>, module: &Module, modules: &BTreeSet<Module>) -> Vec<String> {
    let child: Module = module.iter().chain(path.first()).cloned().collect();
    if path.first().is_some_and(|first| first != "crate") && modules.contains(&child) {
        return ["crate".to_owned()].into_iter().chain(module.iter().cloned()).chain(path).collect();
    }
    path
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Reads every source file except `lib.rs` and `main.rs`.
fn sources() -> Vec<Source> {
    let src = root().join("src");
    let files = rust_files(&src).into_iter().map(|file| {
        let path = file.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        let mut module: Module = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        module.pop_if(|last| last == "mod");
        let name = file.file_stem().unwrap().to_str().unwrap();
        let is_test = ["tests", "testing"].iter().any(|part| module.iter().any(|segment| segment == part))
            || name.ends_with("_tests");
        Source { path, module, text: fs::read_to_string(&file).unwrap(), is_test }
    });
    files.filter(|source| source.path != "lib.rs" && source.path != "main.rs").collect()
}

/// Reads the table of ARCHITECTURE.md: for each row the modules that it names, lowest row first. Only this table says
/// which module may use which.
fn table() -> Vec<Vec<Module>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, section) = text.split_once("\n## The modules").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `src/"));
    rows.map(|row| {
        let names = row.split(" | ").next().unwrap().split('`').skip(1).step_by(2);
        names
            .map(|name| {
                let name = name.trim_start_matches("src/").trim_end_matches('/');
                let name = name.trim_end_matches(".rs").trim_end_matches("/mod");
                name.split('/').map(str::to_owned).collect()
            })
            .collect()
    })
    .collect()
}

/// Finds the module of the table, and its row, to which a path from the root of the crate belongs: the longest match.
fn place<'t>(table: &'t [Vec<Module>], path: &[String]) -> Option<(usize, &'t Module)> {
    let rows = table.iter().enumerate();
    let modules = rows.flat_map(|(rank, row)| row.iter().map(move |module| (rank, module)));
    modules.filter(|(_, module)| path.starts_with(module)).max_by_key(|(_, module)| module.len())
}

/// Lists the imports of a module that the table does not allow.
fn against_the_table(table: &[Vec<Module>], module: &Module, imports: &[Vec<String>]) -> Vec<String> {
    let (own_rank, own) = place(table, module)
        .unwrap_or_else(|| panic!("{} is in no row of the table in ARCHITECTURE.md", module.join("::")));
    let in_crate = imports.iter().filter(|path| path[0] == "crate");
    let wrong = in_crate.filter(|path| {
        place(table, &path[1..]).is_some_and(|(rank, theirs)| theirs != own && rank >= own_rank)
    });
    wrong.map(|path| path.join("::")).collect()
}

#[test]
fn arrows_point_up_the_table_never_down() {
    let (table, sources) = (table(), sources());
    let modules = sources.iter().map(|source| source.module.clone()).collect();
    for source in &sources {
        let wrong = against_the_table(&table, &source.module, &source.imports(&modules));
        assert!(wrong.is_empty(), "src/{} uses what is not above it in the table: {wrong:?}", source.path);
    }
}

/// Tests the check itself: a search for `crate::name` would miss each of these.
#[test]
fn an_arrow_that_points_down_is_seen_however_it_is_written() {
    let table = table();
    let module: Module = vec!["db".to_owned(), "open".to_owned()];
    for code in [
        "use crate::{error, cli::output::text};",
        "use crate::{\n    fault,\n    cli::{self, output},\n};",
        "use crate::cli as terminal;",
        "use super::super::cli::output;",
        "pub(crate) use self::super::super::{fault, cli::*};",
        "fn f() { crate::cli::output::text::safe(\"\"); }",
        "fn f(style: &crate::cli::output::style::Style) {}",
        "fn f() { println!(\"{}\", crate::cli::output::human::count(1)); }",
        "mod inner { use super::super::super::verify::Kind; }",
        "/* use crate::fault; */ use crate :: cli :: output;",
    ] {
        let found = imports(code, &["db", "open"]).unwrap();
        let wrong = against_the_table(&table, &module, &found);
        assert!(!wrong.is_empty(), "{code} uses cli or verify: {found:?}");
    }
    for code in [
        "use crate::{error, fault::point};",
        "use super::schema; use self::look::Look;",
        "// use crate::cli::output;\nconst TEXT: &str = \"crate::cli::output\";",
        "#[cfg(test)] mod tests { use crate::cli::output; }",
        "#[cfg(test)] use crate::cli::output;",
        "/// [`crate::cli::output`]\nfn f() {}",
    ] {
        let found = imports(code, &["db", "open"]).unwrap();
        assert_eq!(against_the_table(&table, &module, &found), Vec::<String>::new(), "{code}");
    }
}

#[test]
fn modules_are_declared_in_the_order_of_the_table() {
    let table = table();
    for (file, parent) in [("src/lib.rs", &[][..]), ("src/cli/mod.rs", &["cli".to_owned()][..])] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let groups = text.split("\n\n").map(|group| {
            let lines = group.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
            lines.map(str::to_owned).collect::<BTreeSet<String>>()
        });
        let declared: Vec<BTreeSet<String>> = groups.filter(|group| !group.is_empty()).collect();
        let rows = table.iter().map(|row| {
            let below = row.iter().filter_map(|module| module.strip_prefix(parent)?.first().cloned());
            below.collect::<BTreeSet<String>>()
        });
        let mut rows: Vec<BTreeSet<String>> = rows.filter(|row| !row.is_empty()).collect();
        rows.dedup();
        assert_eq!(declared, rows, "{file} declares its modules as the table of ARCHITECTURE.md orders them");
    }
}

/// Finds the groups of files that use each other, directly or through other files.
fn circles(uses: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<BTreeSet<Module>> {
    let reachable = |from: &Module| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(module) = next.pop() {
            for used in uses.get(module).into_iter().flatten() {
                if seen.insert(used) {
                    next.push(used);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        uses.keys().map(|from| (from, reachable(from))).collect();
    let circle = |from: &Module| {
        let back =
            reached[from].iter().filter(|to| reached.get(**to).is_some_and(|back| back.contains(from)));
        back.map(|to| (*to).clone()).collect::<BTreeSet<Module>>()
    };
    uses.keys().map(circle).filter(|circle| !circle.is_empty()).collect()
}

#[test]
fn no_two_files_need_each_other() {
    let sources = sources();
    let modules: BTreeSet<Module> = sources.iter().map(|source| source.module.clone()).collect();
    let mut uses: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for source in &sources {
        for path in source.imports(&modules).iter().filter(|path| path[0] == "crate") {
            let file = (1..=path.len()).rev().find_map(|end| modules.get(&path[1..end]));
            if let Some(file) = file.filter(|file| **file != source.module) {
                uses.entry(source.module.clone()).or_default().insert(file.clone());
            }
        }
    }
    let circles: Vec<String> = circles(&uses)
        .iter()
        .map(|circle| circle.iter().map(|module| module.join("::")).collect::<Vec<_>>().join(", "))
        .collect();
    assert!(circles.is_empty(), "files that need each other:\n{}", circles.join("\n"));
}

#[test]
fn a_circle_is_found_through_any_number_of_files() {
    let module = |name: &str| vec![name.to_owned()];
    let uses = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")];
    let uses = uses.map(|(from, to)| (module(from), BTreeSet::from([module(to)])));
    assert_eq!(circles(&uses.into()), BTreeSet::from([["a", "b", "c"].map(module).into()]));
}

#[test]
fn each_crate_has_one_home() {
    for source in sources() {
        for path in source.imports(&BTreeSet::new()) {
            let home = CRATE_HOMES.iter().find(|(name, _)| *name == path[0]);
            let is_home = home.is_none_or(|(_, homes)| homes.contains(&&*source.module[0]));
            assert!(is_home, "src/{} uses {}", source.path, path[0]);
        }
    }
}

#[test]
fn a_folder_is_opened_by_its_mod_rs() {
    for source in sources() {
        let beside = root().join("src").join(source.path.trim_end_matches(".rs"));
        assert!(!beside.is_dir(), "src/{} belongs into its folder as mod.rs", source.path);
    }
}

#[test]
fn files_of_a_home_are_opened_in_one_way() {
    // These files create files that must not exist yet, sync a folder, or open a device for output.
    let makes_files =
        ["sys/open.rs", "sys/mod.rs", "sys/relocate.rs", "db/backup/staging.rs", "output_file.rs"];
    for Source { path, text, .. } in sources().into_iter().filter(|source| !source.is_test) {
        if makes_files.contains(&&*path) {
            continue;
        }
        let code = before_tests(&text);
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for opens in [
                "File::open(",
                "File::create(",
                "fs::read(",
                "fs::read_to_string(",
                "fs::write(",
                "fs::copy(",
            ] {
                assert!(
                    !line.contains(opens),
                    "{path}: `{}` opens a file without sys::open_regular",
                    line.trim()
                );
            }
        }
        let code: String = code.split_whitespace().collect();
        let n = code.matches("File::options()").count() + code.matches("OpenOptions::new()").count();
        let n_regular = code.matches("open_regular_with(File::options()").count();
        assert_eq!(n, n_regular, "{path}: opens a file without sys::open_regular_with");
    }
}

#[test]
fn every_file_says_first_what_it_is() {
    for Source { path, text, .. } in sources() {
        assert!(text.starts_with("//! "), "{path} does not begin with a //! line");
    }
}

#[test]
fn a_source_file_that_a_comment_names_exists() {
    for Source { path, text, .. } in sources() {
        let folder = root().join("src").join(&path);
        let comments = text.lines().filter(|line| line.trim_start().starts_with("//"));
        for named in comments.flat_map(|line| line.split('`').skip(1).step_by(2)) {
            // The name is below the folder of the file that says it, or below one of the folders above.
            let is_there = || folder.ancestors().skip(1).any(|folder| folder.join(named).is_file());
            assert!(!named.ends_with(".rs") || is_there(), "src/{path} names {named}, which is not there");
        }
    }
}

/// The greatest number of lines of a file before its tests, and of a function.
const MOST_LINES_OF_A_FILE: usize = 500;
const MOST_LINES_OF_A_FUNCTION: usize = 60;

/// The files that are longer, with their greatest length and the reason. Files leave this list; none is added.
const LONG_FILES: &[(&str, usize, &str)] = &[];

/// The functions that are longer, with their greatest length and the reason. Functions leave this list; none is added.
const LONG_FUNCTIONS: &[(&str, usize, &str)] = &[];

/// Returns the code of a source file, without its tests.
fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap()
}

/// Compares the lengths of things with the list of long ones, and returns the complaints: about things that are too
/// long, and about entries of the list that are no longer needed.
fn complaints(lengths: &[(String, usize)], most: usize, listed: &[(&str, usize, &str)]) -> Vec<String> {
    let limit = |name: &str| listed.iter().find(|(long, ..)| *long == name).map_or(most, |(_, n, _)| *n);
    let too_long = lengths.iter().filter(|(name, n)| *n > limit(name));
    let too_long = too_long.map(|(name, n)| format!("{name} has {n} lines, more than {}", limit(name)));
    let is_needed = |name: &str, limit: usize| {
        lengths.iter().any(|(long, n)| long == name && *n > most && n + 5 >= limit)
    };
    let spare = listed.iter().filter(|(name, limit, _)| !is_needed(name, *limit));
    too_long.chain(spare.map(|(name, ..)| format!("{name} is shorter than the list says"))).collect()
}

#[test]
fn files_stay_small_enough_to_read_in_one_go() {
    let code = sources().into_iter().filter(|source| !source.is_test);
    let lengths: Vec<(String, usize)> =
        code.map(|source| (source.path, before_tests(&source.text).lines().count())).collect();
    let complaints = complaints(&lengths, MOST_LINES_OF_A_FILE, LONG_FILES);
    assert!(complaints.is_empty(), "one idea a file:\n{}", complaints.join("\n"));
}

#[test]
fn functions_stay_small_enough_to_see_at_once() {
    let mut lengths = Vec::new();
    for source in sources().into_iter().filter(|source| !source.is_test) {
        let functions = functions(before_tests(&source.text)).into_iter();
        lengths.extend(functions.map(|(name, n)| (format!("{}: {name}", source.path), n)));
    }
    let complaints = complaints(&lengths, MOST_LINES_OF_A_FUNCTION, LONG_FUNCTIONS);
    assert!(complaints.is_empty(), "one step a function:\n{}", complaints.join("\n"));
}

#[test]
fn a_long_function_is_seen_and_so_is_a_spare_entry_of_the_list() {
    let body = "        work();\n".repeat(60);
    let code = format!(
        "trait T {{\n    fn declared();\n}}\nimpl A {{\n    pub(in crate::db) const fn long(\n        a: B,\n    ) {{\n{body}    }}\n\n    fn short() {{}}\n}}\n"
    );
    let found: Vec<(String, usize)> = functions(&code).into_iter().filter(|(_, n)| *n > 2).collect();
    assert_eq!(found, [("long".to_owned(), 64)]);
    assert_eq!(complaints(&found, 60, &[]), ["long has 64 lines, more than 60"]);
    assert!(complaints(&found, 60, &[("long", 64, "")]).is_empty());
    assert_eq!(complaints(&found, 70, &[("long", 80, "")]), ["long is shorter than the list says"]);
}

#[test]
fn no_two_types_have_one_name() {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources().into_iter().filter(|source| !source.is_test) {
        for name in types(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.path)) {
            files.entry(name).or_default().push(source.path.clone());
        }
    }
    files.retain(|_, files| files.len() > 1);
    assert!(files.is_empty(), "names of several types: {files:#?}");
}

/// Words and turns that readers in a hurry stumble over, in lower case.
const RIDDLES: &[&str] =
    &["nobody", "somebody", "whoever", "as it stands", "had to change", "called like", "custody", "be had"];

#[test]
fn the_source_is_written_in_plain_english() {
    let mut found = Vec::new();
    for Source { path, text, .. } in sources() {
        for (i, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            let riddle = RIDDLES.iter().find(|riddle| lower.contains(**riddle));
            let comment = line.trim_start().trim_start_matches(['/', '!']).trim_start();
            // A doc comment begins with a verb (of a function) or a noun (of a type, a field or a file).
            let is_first = line.trim_start().starts_with("//")
                && (i == 0 || !text.lines().nth(i - 1).unwrap().trim_start().starts_with("//"));
            let is_question = is_first && ["What ", "Whether "].iter().any(|word| comment.starts_with(word));
            if riddle.is_some() || is_question {
                found.push(format!("src/{path}:{}: {}", i + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "say who does what:\n{}", found.join("\n"));
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut in_dependencies = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            in_dependencies = section.contains("dependencies");
        } else if let (true, Some((name, _))) = (in_dependencies, line.split_once('=')) {
            let name = name.trim();
            assert!(text.contains(&format!("`{name}`")), "ARCHITECTURE.md gives no reason for {name}");
        }
    }
}

#[test]
fn the_changelog_is_ready_for_the_next_change() {
    let text = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    assert!(text.contains("\n## Unreleased\n"), "CHANGELOG.md has no heading for what comes next");
}

/// Reads the bullets of the section "Promises" of README.md.
fn promises() -> Vec<String> {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = text.split_once("\n## Promises\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let bullets = section.split("\n- ").skip(1).map(|bullet| bullet.split("\n\n").next().unwrap());
    bullets.map(|bullet| bullet.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Reads every test file under tests/ and src/, and returns its name without the ending and its text.
fn test_files() -> Vec<(String, String)> {
    let files = ["tests", "src"].into_iter().flat_map(|folder| rust_files(&root().join(folder)));
    let named = files.map(|path| {
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
    });
    named.collect()
}

#[test]
fn every_promise_names_tests_that_exist() {
    let text = fs::read_to_string(root().join("docs/PROMISES.md")).unwrap();
    // The later sections record trials, not promises.
    let text = text.split("\n## ").next().unwrap();
    let rows: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .filter(|(promise, _)| *promise != "promise" && !promise.starts_with("---"))
        .collect();
    let promises = promises();
    assert_eq!(
        promises.len(),
        rows.len(),
        "a row for each promise, in the order of the README: {promises:#?}"
    );
    let files = test_files();
    for (promise, (row, names)) in promises.iter().zip(&rows) {
        assert!(promise.starts_with(row), "the README says {promise:?}, docs/PROMISES.md {row:?}");
        let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row:?} names no test");
        for name in names {
            let (file, test) = name.split_once("::").unwrap_or((name, ""));
            let is_there = files.iter().any(|(stem, text)| {
                let has_it = if test.is_empty() {
                    text.contains("#[test]")
                } else {
                    text.contains(&format!("fn {test}()"))
                };
                stem == file && has_it
            });
            assert!(is_there, "{row:?} names `{name}`, which is not a test");
        }
    }
}
