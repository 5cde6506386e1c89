//! `soak`: the long forms of tests, which take minutes and are no part of `test`.

use crate::{Failure, process};

/// Suites that have a long form: crate and test file.
const SUITES: &[(&str, &str)] = &[("pinch", "upgrades"), ("keeper", "kill"), ("keeper", "processes")];

/// Runs every suite in its long form and prints its figures.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut failed = Vec::new();
    for (package, test) in
        SUITES.iter().filter(|(_, test)| arguments.is_empty() || arguments.iter().any(|one| one == test))
    {
        println!("\n==> {test}");
        // A test file that is asked for by its name does not build the programs that it runs.
        process::run(&mut process::cargo(&[
            "build",
            "--locked",
            "--quiet",
            "-p",
            package,
            "--bins",
            "--examples",
        ]))?;
        let words = [
            "test",
            "--locked",
            "--quiet",
            "-p",
            package,
            "--test",
            test,
            "--",
            "--include-ignored",
            "--nocapture",
        ];
        if let Err(failure) = process::run(process::cargo(&words).env("PINCH_SOAK", "1")) {
            println!("--> {test}: FAILED: {failure}");
            failed.push(*test);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) }
}
