//! `test`: all that CI runs, step by step, all of them even when one fails.

use std::time::{Duration, Instant};

use crate::{Failure, packages, process};

type Action = fn() -> Result<(), Failure>;

/// The steps, quickest answers first.
const STEPS: &[(&str, Action)] = &[
    ("system packages", packages::prepare),
    ("edges", crate::edges::run),
    // The fuzz targets are a workspace of their own, which nothing else here reads.
    ("lock of the fuzz targets", || {
        let words = ["update", "--workspace", "--locked", "--quiet", "--manifest-path", "fuzz/Cargo.toml"];
        process::run(&mut process::cargo(&words))
    }),
    ("format", || process::run(&mut process::cargo(&["fmt", "--all", "--check"]))),
    ("lints", || {
        let words =
            ["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"];
        process::run(&mut process::cargo(&words))
    }),
    ("documentation", || {
        let words = ["doc", "--workspace", "--no-deps", "--document-private-items", "--locked", "--quiet"];
        process::run(process::cargo(&words).env("RUSTDOCFLAGS", "--deny warnings"))
    }),
    ("tests", || {
        process::run(&mut process::cargo(&["test", "--workspace", "--no-fail-fast", "--locked", "--quiet"]))
    }),
];

/// Runs every step and sums up.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(unknown) = arguments.first() {
        return Err(format!("test takes no arguments, but there is `{unknown}`").into());
    }
    let start = Instant::now();
    let mut failed = Vec::new();
    for (number, (name, action)) in STEPS.iter().enumerate() {
        println!("\n==> {}/{} {name}", number + 1, STEPS.len());
        let begin = Instant::now();
        let outcome = action();
        match &outcome {
            Ok(()) => println!("--> {name}: passed in {}", seconds(begin.elapsed())),
            Err(failure) => {
                println!("--> {name}: FAILED in {}: {failure}", seconds(begin.elapsed()));
                failed.push(*name);
            }
        }
    }
    println!(
        "\n{} passed, {} failed, in {}",
        STEPS.len() - failed.len(),
        failed.len(),
        seconds(start.elapsed())
    );
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
