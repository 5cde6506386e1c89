//! `fuzz`: runs the libFuzzer targets of `fuzz/`, a workspace of its own.
//!
//! Coverage feedback needs only flags that every compiler takes. Where a nightly toolchain is installed the
//! address sanitizer is on too: it finds a stack that runs over, which otherwise kills without a report.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Failure, process};

/// What makes the compiler tell libFuzzer which edges an input reached.
const COVERAGE: &str = "--cfg fuzzing -Cdebug-assertions -Coverflow-checks -Cdebuginfo=1 -Ccodegen-units=1 \
    -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// Fuzzes each target in turn; a finding ends the run and names the input that shows it.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let (mut wanted, mut seconds) = (Vec::new(), "60".to_string());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seconds" => {
                seconds = words.next().ok_or("--seconds needs a number")?.parse::<u32>()?.to_string();
            }
            name => wanted.push(name.to_string()),
        }
    }
    let folder = crate::root().join("fuzz");
    let known = targets(&folder)?;
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        return Err(format!("no target `{unknown}`; there are {}", known.join(", ")).into());
    }
    let chosen = if wanted.is_empty() { known } else { wanted };
    let built = process::target_folder().join("fuzz");
    build(&folder, &built, &chosen)?;
    let mut found = Vec::new();
    for target in &chosen {
        println!("\n==> {target}, {seconds} s");
        if let Err(failure) = fuzz(&folder, &built, target, &seconds) {
            println!("--> {target}: {failure}");
            found.push(target.as_str());
        }
    }
    if found.is_empty() {
        println!("\n{} targets, nothing found", chosen.len());
        Ok(())
    } else {
        Err(format!("findings in {}; inputs are in fuzz/artifacts", found.join(", ")).into())
    }
}

/// The targets there are: one file each.
fn targets(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.join("targets"))? {
        let path = entry?.path();
        if let Some(name) = path.file_stem().filter(|_| path.extension().is_some_and(|end| end == "rs")) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn build(folder: &Path, built: &Path, targets: &[String]) -> Result<(), Failure> {
    let nightly =
        Command::new("cargo").args(["+nightly", "--version"]).output().is_ok_and(|out| out.status.success());
    let flags = if nightly { format!("{COVERAGE} -Zsanitizer=address") } else { COVERAGE.to_string() };
    let mut command = if nightly { Command::new("cargo") } else { process::cargo(&[]) };
    if nightly {
        // The toolchain that runs this tool must not decide for the other one.
        command.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN").arg("+nightly");
    }
    command.args(["build", "--release", "--target", TRIPLE, "--target-dir"]).arg(built);
    command.env("RUSTFLAGS", flags).current_dir(folder);
    for target in targets {
        command.args(["--bin", target]);
    }
    process::run(&mut command)
}

fn fuzz(folder: &Path, built: &Path, target: &str, seconds: &str) -> Result<(), Failure> {
    let corpus = folder.join("corpus").join(target);
    let seeds = folder.join("seeds").join(target);
    let artifacts = folder.join("artifacts").join(target);
    fs::create_dir_all(&corpus)?;
    sow(&corpus, target)?;
    fs::create_dir_all(&artifacts)?;
    let mut command = Command::new(built.join(TRIPLE).join("release").join(target));
    command.arg(corpus);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-max_len=4096", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0"])
        .env("ASAN_OPTIONS", "detect_leaks=0:detect_odr_violation=0");
    // libFuzzer talks a lot; what matters is how it ended.
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        said.lines().filter(|line| line.starts_with("stat::")).for_each(|line| println!("{line}"));
        return Ok(());
    }
    println!("{said}");
    Err(output.status.to_string().into())
}

/// Case files that hold inputs worth starting from: target, file, the member that is the input.
const SEEDS: &[(&str, &str, &str)] = &[
    ("jinja_compile", "crates/tree/jinja/tests/jinja-cases.json", "template"),
    ("jinja_render", "crates/tree/jinja/tests/jinja-cases.json", "template"),
    ("yaml", "crates/tree/render/tests/yaml-cases.json", "text"),
    ("yaml_dump", "crates/tree/render/tests/yaml-cases.json", "text"),
    ("dotenv", "crates/app/procfile/tests/dotenv-cases.json", "text"),
    ("supervisord", "crates/app/procfile/tests/supervisord-cases.json", "text"),
    ("settings", "crates/app/procfile/tests/settings-cases.json", "text"),
];

/// Writes the inputs of conformance cases into a corpus.
fn sow(corpus: &Path, target: &str) -> Result<(), Failure> {
    for (_, file, member) in SEEDS.iter().filter(|(for_target, ..)| *for_target == target) {
        let text = fs::read_to_string(crate::root().join(file))?;
        let cases: serde_json::Value = serde_json::from_str(&text)?;
        let cases = cases["cases"].as_array().ok_or_else(|| format!("{file} holds no cases"))?;
        for (number, input) in cases.iter().filter_map(|case| case[member].as_str()).enumerate() {
            fs::write(corpus.join(format!("case-{number}")), input)?;
        }
    }
    Ok(())
}
