//! `bench`: whole processes, measured beside the real Salt in the same run, in turns, so that both see the same machine.
//!
//! It prints medians and ratios with the budget beside each. No figure fails a build: machines differ, ratios tell.

mod keeper;
mod measure;
mod router;
mod scenarios;
mod system;
mod trees;

use std::path::{Path, PathBuf};

use serde_json::json;

pub(crate) use measure::{MEASURE, measure_child};
use scenarios::{Bench, Figure};

use crate::salt::Salt;
use crate::{Failure, process};

/// One scenario: what it is called, and what it measures.
type Scenario = (&'static str, fn(&Bench) -> Result<Vec<Figure>, Failure>);

const SCENARIOS: &[Scenario] = &[
    ("size", scenarios::size),
    ("ping", scenarios::ping),
    ("files", scenarios::files),
    ("compile", scenarios::compile),
    ("scaling", scenarios::scaling),
];

/// One scenario that does without Salt: a folder to work in, and what was asked for.
type OtherScenario = (&'static str, fn(&Path, &Options) -> Result<Vec<Figure>, Failure>);

/// Measured only when they are named: they take other programs and some minutes.
const OTHERS: &[OtherScenario] = &[("keeper", keeper::run), ("router", router::run)];

/// Builds, measures, prints.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    let folder = std::env::temp_dir().join(format!("pinch-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outcome = in_folder(&options, &folder);
    std::fs::remove_dir_all(&folder)?;
    outcome
}

fn in_folder(options: &Options, folder: &Path) -> Result<(), Failure> {
    let mut figures = Vec::new();
    for (name, scenario) in OTHERS.iter().filter(|(name, _)| options.names(name)) {
        eprintln!("measuring {name} ...");
        figures.extend(scenario(folder, options)?);
    }
    if options.names.is_empty() || SCENARIOS.iter().any(|(name, _)| options.names(name)) {
        figures.extend(beside_salt(options, folder)?);
    }
    if options.json {
        let list: Vec<_> = figures.iter().map(Figure::as_json).collect();
        println!("{}", serde_json::to_string_pretty(&json!({ "figures": list }))?);
    } else {
        figures.iter().for_each(print);
    }
    Ok(())
}

fn beside_salt(options: &Options, folder: &Path) -> Result<Vec<Figure>, Failure> {
    let pinch = options.pinch()?;
    let salt = Salt::at(options.salt.as_deref())?;
    let bench = Bench { pinch, salt, folder: folder.to_owned(), quick: options.quick };
    let mut figures = Vec::new();
    for (name, scenario) in SCENARIOS {
        if options.names.is_empty() || options.names(name) {
            eprintln!("measuring {name} ...");
            figures.extend(scenario(&bench)?);
        }
    }
    Ok(figures)
}

fn print(figure: &Figure) {
    let budget = match &figure.budget {
        Some((text, holds)) => format!("budget {text}: {}", if *holds { "ok" } else { "OVER" }),
        None => String::new(),
    };
    println!("{:<52} {:>14}  {budget}", figure.name, figure.shown());
}

#[derive(Default)]
struct Options {
    json: bool,
    quick: bool,
    salt: Option<String>,
    pinch: Option<String>,
    names: Vec<String>,
}

impl Options {
    /// Whether a scenario is asked for by name.
    fn names(&self, name: &str) -> bool {
        self.names.iter().any(|wanted| wanted == name)
    }

    /// The binary to measure: the one that was named, or a new one.
    fn pinch(&self) -> Result<PathBuf, Failure> {
        self.pinch.as_ref().map_or_else(process::released_pinch, |path| Ok(PathBuf::from(path)))
    }

    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--json" => options.json = true,
                "--quick" => options.quick = true,
                "--salt" => options.salt = Some(words.next().ok_or("--salt needs a folder")?.clone()),
                "--pinch" => options.pinch = Some(words.next().ok_or("--pinch needs a binary")?.clone()),
                name if is_known(name) => {
                    options.names.push(name.to_string());
                }
                other => return Err(format!("bench does not know `{other}`").into()),
            }
        }
        Ok(options)
    }
}

fn is_known(name: &str) -> bool {
    SCENARIOS.iter().any(|(known, _)| *known == name) || OTHERS.iter().any(|(known, _)| *known == name)
}
