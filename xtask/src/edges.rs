//! `edges`: the rules of ARCHITECTURE.md that neither the compiler nor clippy can hold.
//!
//! * A crate uses crates of its own storey and those below. Within a storey only the edges listed in
//!   [`WITHIN`] exist, so that a new one is a decision.
//! * Every crate inherits the workspace's lints, which forbid `unsafe`.
//! * `base` and `tree` know no asynchronous runtime.
//! * Files stay readable: at most [`LONGEST`] lines before their tests.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::metadata::{Package, packages};

/// The storeys, ground floor first.
const STOREYS: &[&str] = &["base", "tree", "host", "app", "fleet", "face"];

/// Edges inside a storey: who uses whom.
const WITHIN: &[(&str, &str)] = &[
    ("report", "value"),
    ("render", "jinja"),
    ("pillar", "render"),
    ("pillar", "sls"),
    ("pillar", "target"),
    ("sls", "render"),
    ("sls", "target"),
    ("grains", "host"),
    ("modules", "grains"),
    ("modules", "host"),
    ("converge", "grains"),
    ("converge", "host"),
    ("converge", "modules"),
    ("drains", "logs"),
    ("keeper", "logs"),
    ("keeper", "procfile"),
    ("keeper", "release"),
    ("keeper", "sandbox"),
    ("release", "procfile"),
    ("router", "sandbox"),
    ("cli", "web"),
    ("pinch", "cli"),
];

/// Crates with lints of their own: what they need, and why.
const OWN_LINTS: &[(&str, &str)] = &[("sandbox", "it is the one that may hold `unsafe`")];

/// What brings an asynchronous runtime.
const RUNTIMES: &[&str] = &["tokio", "async-std", "smol", "futures"];

/// Lines of a file, its tests not counted.
const LONGEST: usize = 500;

/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[];

/// Prints every rule that is broken.
pub(crate) fn run() -> Result<(), Failure> {
    let broken = broken(&crate::root())?;
    for line in &broken {
        println!("{line}");
    }
    match broken.len() {
        0 => {
            println!("crates keep to their storeys, lints and sizes");
            Ok(())
        }
        number => Err(format!("{number} broken").into()),
    }
}

/// Every broken rule, one line each.
fn broken(root: &Path) -> Result<Vec<String>, Failure> {
    let packages = packages()?;
    let mut lines = edges(&packages);
    lines.extend(runtimes(&packages));
    lines.extend(lints(root, &packages)?);
    lines.extend(sizes(root, &packages)?);
    Ok(lines)
}

fn edges(packages: &[Package]) -> Vec<String> {
    let mut lines = Vec::new();
    for user in packages {
        let Some(storey) = user.storey() else { continue };
        let Some(height) = STOREYS.iter().position(|name| *name == storey) else {
            lines.push(format!("{}: no storey `{storey}`; there are {}", user.name, STOREYS.join(", ")));
            continue;
        };
        for used in user.dependencies.iter().filter_map(|name| packages.iter().find(|p| p.name == *name)) {
            let edge = format!("{} ({storey}) uses {}", user.name, used.name);
            let below = used.storey().and_then(|storey| STOREYS.iter().position(|name| *name == storey));
            match below {
                None => lines.push(format!("{edge}, which is no part of the house")),
                Some(other) if other > height => {
                    lines.push(format!("{edge} ({}), a storey above it", STOREYS[other]));
                }
                Some(other) if other == height && !WITHIN.contains(&(&*user.name, &*used.name)) => {
                    lines.push(format!("{edge}, an edge inside a storey that is not in the allow-list"));
                }
                Some(_) => {}
            }
        }
    }
    lines
}

fn runtimes(packages: &[Package]) -> Vec<String> {
    let core = packages.iter().filter(|package| matches!(package.storey(), Some("base" | "tree")));
    core.flat_map(|package| {
        let found = package.dependencies.iter().filter(|name| RUNTIMES.contains(&&***name));
        found.map(|name| format!("{} uses {name}: the core knows no input or output", package.name))
    })
    .collect()
}

fn lints(root: &Path, packages: &[Package]) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    if !fs::read_to_string(root.join("Cargo.toml"))?.contains("\nunsafe_code = \"forbid\"\n") {
        lines.push("Cargo.toml: the workspace's lints do not forbid `unsafe`".to_string());
    }
    for package in packages {
        let manifest = fs::read_to_string(root.join(&package.folder).join("Cargo.toml"))?;
        let own = OWN_LINTS.iter().any(|(name, _)| *name == package.name);
        if !own && !manifest.contains("\n[lints]\nworkspace = true\n") {
            lines.push(format!("{}: does not inherit the workspace's lints", package.name));
        }
    }
    Ok(lines)
}

fn sizes(root: &Path, packages: &[Package]) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    for package in packages {
        for file in rust_files(&root.join(&package.folder).join("src"))? {
            let name = file.strip_prefix(root)?.display().to_string();
            let length = length_without_tests(&fs::read_to_string(&file)?);
            if length > LONGEST && !LONG_FILES.iter().any(|(allowed, _)| *allowed == name) {
                lines.push(format!("{name}: {length} lines without its tests; more than {LONGEST}"));
            }
        }
    }
    Ok(lines)
}

/// Lines before the tests, which stand last.
fn length_without_tests(text: &str) -> usize {
    text.lines().take_while(|line| *line != "#[cfg(test)]").count()
}

/// All `.rs` files below a folder, except those that hold nothing but tests.
fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
            files.push(path);
        }
    }
    Ok(files)
}

/// Whether a file below `src` holds tests only: `tests.rs`, and what lies in a folder `tests`.
fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, folder: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.into(),
            folder: folder.into(),
            dependencies: dependencies.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn this_workspace_keeps_the_rules() {
        assert_eq!(broken(&crate::root()).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn edges_go_down() {
        let packages = [
            package("value", "crates/base/value", &["serde_json"]),
            package("report", "crates/base/report", &["value", "cli"]),
            package("host", "crates/host/host", &["converge", "value"]),
            package("converge", "crates/host/converge", &["host", "xtask"]),
            package("cli", "crates/face/cli", &["report", "host"]),
            package("odd", "crates/attic/odd", &[]),
            package("xtask", "xtask", &["cli"]),
        ];
        assert_eq!(
            edges(&packages),
            [
                "report (base) uses cli (face), a storey above it",
                "host (host) uses converge, an edge inside a storey that is not in the allow-list",
                "converge (host) uses xtask, which is no part of the house",
                "odd: no storey `attic`; there are base, tree, host, app, fleet, face",
            ]
        );
    }

    #[test]
    fn the_core_has_no_runtime() {
        let packages = [
            package("jinja", "crates/tree/jinja", &["tokio"]),
            package("wire", "crates/fleet/wire", &["tokio"]),
        ];
        assert_eq!(runtimes(&packages), ["jinja uses tokio: the core knows no input or output"]);
    }

    #[test]
    fn tests_do_not_count() {
        assert_eq!(length_without_tests("a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 2);
    }
}
