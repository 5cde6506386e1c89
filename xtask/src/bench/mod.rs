//! `bench`: whole processes, measured beside the real Salt in the same run, in turns, so that both see the same machine.
//!
//! It prints medians and ratios with the budget beside each. No figure fails a build: machines differ, ratios tell.

mod measure;
mod scenarios;
mod trees;

use std::path::PathBuf;

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

/// Builds, measures, prints.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    let pinch = match &options.pinch {
        Some(path) => PathBuf::from(path),
        None => process::released_pinch()?,
    };
    let folder = std::env::temp_dir().join(format!("pinch-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let bench = Bench {
        pinch,
        salt: Salt::at(options.salt.as_deref())?,
        folder: folder.clone(),
        quick: options.quick,
    };
    let outcome = measure_all(&bench, &options);
    std::fs::remove_dir_all(&folder)?;
    outcome
}

fn measure_all(bench: &Bench, options: &Options) -> Result<(), Failure> {
    let mut figures = Vec::new();
    for (name, scenario) in SCENARIOS {
        if options.names.is_empty() || options.names.iter().any(|wanted| wanted == name) {
            eprintln!("measuring {name} ...");
            let found = scenario(bench)?;
            if !options.json {
                found.iter().for_each(print);
            }
            figures.extend(found);
        }
    }
    if options.json {
        let list: Vec<_> = figures.iter().map(Figure::as_json).collect();
        println!("{}", serde_json::to_string_pretty(&json!({ "figures": list }))?);
    }
    Ok(())
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
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--json" => options.json = true,
                "--quick" => options.quick = true,
                "--salt" => options.salt = Some(words.next().ok_or("--salt needs a folder")?.clone()),
                "--pinch" => options.pinch = Some(words.next().ok_or("--pinch needs a binary")?.clone()),
                name if SCENARIOS.iter().any(|(known, _)| *known == name) => {
                    options.names.push(name.to_string());
                }
                other => return Err(format!("bench does not know `{other}`").into()),
            }
        }
        Ok(options)
    }
}
