//! The commands of the project itself: `cargo xtask COMMAND`. One file a command.
//!
//! | command | what it does |
//! |---|---|
//! | `test` | all that CI runs; as root on Debian it installs what the tests need first |
//! | `edges` | holds crates to their storeys, lints and sizes |
//! | `bench` | speed and memory beside the real Salt, in one run |
//! | `soak` | the long forms of tests |
//! | `fuzz` | fuzzes the parsers |
//! | `compare` | low state of formulas beside the real Salt's |
//!
//! Nothing here is part of the product. A command fails with a line on standard error and exit code 1.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of developers: it runs cargo, writes trees to measure and prints what comes of it"
)]

mod bench;
mod compare;
mod edges;
mod fuzz;
mod metadata;
mod packages;
mod process;
mod salt;
mod soak;
mod test;

use std::process::ExitCode;

/// What a command of this tool fails with: a text for the developer.
type Failure = Box<dyn std::error::Error>;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test                            all that CI runs
  edges                           crates use only storeys below, inherit lints, keep files readable
  bench [--json] [--quick] [--salt VENV] [NAME...]
                                  speed and memory beside the real Salt; names: size ping files compile scaling;
                                  and, only when named: router (beside nginx and haproxy)
  fuzz [TARGET...] [--seconds N]  fuzz all targets, or those named, N seconds each (default 60)
  soak [SUITE...]                 the long forms of tests: upgrades under load, keepers killed
  compare FORMULA_DIR... [--salt VENV] [--verbose]
                                  low state of each SLS beside the real Salt's";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let outcome = match command {
        "test" => test::run(rest),
        "edges" => edges::run(),
        "bench" => bench::run(rest),
        "fuzz" => fuzz::run(rest),
        "soak" => soak::run(rest),
        "compare" => compare::run(rest),
        bench::MEASURE => bench::measure_child(rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(format!("no command `{other}`\n\n{USAGE}").into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's root folder.
fn root() -> std::path::PathBuf {
    let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}
