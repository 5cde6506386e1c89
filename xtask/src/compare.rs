//! `compare`: every SLS of formulas that Salt compiles, compiled by Pinch too, compared chunk for chunk.
//!
//! Both read the same configuration folder, the formula as the only file root, and its `pillar.example` as pillar.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::salt::{Salt, write_configuration};
use crate::{Failure, process};

/// Folders of a formula's checkout that hold no states.
const NO_STATES: &[&str] = &["test", "tests", "docs", "bin", "pillar", "reactor", "node_modules"];

/// How one SLS went.
enum Verdict {
    Equal,
    /// Both compile; what differs, in words.
    Differs(Vec<String>),
    /// Salt compiles it, Pinch does not.
    Fails(String),
    /// Salt does not compile it, or could not be asked.
    NoMeasure(String),
}

/// Compares and prints a table. It measures; it fails only when it could not.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    let salt = Salt::at(options.salt.as_deref())?;
    let pinch = match &options.pinch {
        Some(path) => PathBuf::from(path),
        None => process::released_pinch()?,
    };
    let (mut all_equal, mut all_measured) = (0, 0);
    for formula in &options.formulas {
        let folder = std::env::temp_dir().join(format!("pinch-compare-{}", std::process::id()));
        let verdicts = compare(formula, &folder, &salt, &pinch);
        fs::remove_dir_all(&folder)?;
        let verdicts = verdicts?;
        let equal = verdicts.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Equal)).count();
        let measured =
            verdicts.iter().filter(|(_, verdict)| !matches!(verdict, Verdict::NoMeasure(_))).count();
        println!("{}: {equal} of {measured} SLS equal", formula.display());
        for (sls, verdict) in &verdicts {
            print(sls, verdict, options.verbose);
        }
        all_equal += equal;
        all_measured += measured;
    }
    let share = 100.0 * all_equal as f64 / all_measured.max(1) as f64;
    println!("\n{all_equal} of {all_measured} SLS that Salt compiles have the same low state: {share:.1} %");
    Ok(())
}

fn print(sls: &str, verdict: &Verdict, verbose: bool) {
    match verdict {
        Verdict::Equal => println!("  equal      {sls}"),
        Verdict::NoMeasure(why) => println!("  (no peer)  {sls}: {}", first_line(why)),
        Verdict::Fails(why) if verbose => println!("  FAILS      {sls}\n{why}"),
        Verdict::Fails(why) => println!("  FAILS      {sls}: {}", first_line(why)),
        Verdict::Differs(differences) => {
            println!("  DIFFERS    {sls}: {} differences", differences.len());
            let shown = if verbose { differences.len() } else { 3 };
            differences.iter().take(shown).for_each(|line| println!("             {line}"));
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

fn compare(
    formula: &Path,
    folder: &Path,
    salt: &Salt,
    pinch: &Path,
) -> Result<BTreeMap<String, Verdict>, Failure> {
    let formula = std::path::absolute(formula)?;
    let pillar = folder.join("pillar");
    fs::create_dir_all(&pillar)?;
    let example = formula.join("pillar.example");
    if example.is_file() {
        fs::copy(example, pillar.join("example.sls"))?;
        fs::write(pillar.join("top.sls"), "base:\n  '*':\n    - example\n")?;
    }
    write_configuration(folder, std::slice::from_ref(&formula), &pillar)?;
    let names = sls_names(&formula, "")?;
    let answers = ask_salt(salt, folder, &names)?;
    let mut verdicts = BTreeMap::new();
    for name in names {
        let verdict = match answers.get(&name) {
            Some(Ok(low)) => judge(low, &ask_pinch(pinch, folder, &name)?),
            Some(Err(why)) => Verdict::NoMeasure(why.clone()),
            None => Verdict::NoMeasure("Salt gave no answer".into()),
        };
        verdicts.insert(name, verdict);
    }
    Ok(verdicts)
}

/// Names of all SLS below a formula: `openssh.config`.
fn sls_names(folder: &Path, prefix: &str) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let top = prefix.is_empty();
        if entry.file_type()?.is_dir() {
            let skipped = name.contains('.') || top && (name.starts_with('_') || NO_STATES.contains(&&*name));
            if !skipped {
                names.extend(sls_names(&entry.path(), &format!("{prefix}{name}."))?);
            }
        } else if let Some(stem) = name.strip_suffix(".sls").filter(|stem| !stem.contains('.')) {
            match stem {
                "top" if top => {}
                "init" => names.push(prefix.trim_end_matches('.').to_string()),
                _ => names.push(format!("{prefix}{stem}")),
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names.sort();
    Ok(names)
}

type Answer = Result<Value, String>;

fn ask_salt(
    salt: &Salt,
    configuration: &Path,
    names: &[String],
) -> Result<BTreeMap<String, Answer>, Failure> {
    let script = configuration.join("compare.py");
    fs::write(&script, include_str!("compare.py"))?;
    let mut command = Command::new(salt.python());
    let text = process::output(command.arg(&script).arg(configuration).args(names))?;
    let mut answers = BTreeMap::new();
    for line in text.lines() {
        let mut answer: Value = serde_json::from_str(line)?;
        let name = answer["sls"].as_str().unwrap_or_default().to_string();
        let outcome = match (answer.get("low"), answer.get("skipped")) {
            (Some(_), _) => Ok(answer["low"].take()),
            (None, Some(function)) => Err(format!("its template calls {function}")),
            (None, None) => Err(answer["error"].to_string()),
        };
        answers.insert(name, outcome);
    }
    Ok(answers)
}

fn ask_pinch(pinch: &Path, configuration: &Path, name: &str) -> Result<Answer, Failure> {
    let mut command = Command::new(pinch);
    command
        .args(["call", "--local", "--out=json", "-c"])
        .arg(configuration)
        .args(["state.show_low_sls", name]);
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Ok(Err(format!("{}{text}", String::from_utf8_lossy(&output.stderr))));
    }
    let mut answer: Value = serde_json::from_str(&text)?;
    Ok(Ok(answer["local"].take()))
}

fn judge(salt: &Value, pinch: &Answer) -> Verdict {
    match pinch {
        Err(why) => Verdict::Fails(why.clone()),
        Ok(pinch) if pinch == salt => Verdict::Equal,
        Ok(pinch) => Verdict::Differs(differences(salt, pinch)),
    }
}

/// What differs between two low states, chunk by chunk and key by key.
fn differences(salt: &Value, pinch: &Value) -> Vec<String> {
    let (Some(salt), Some(pinch)) = (salt.as_array(), pinch.as_array()) else {
        return vec![format!("Salt: {salt}; Pinch: {pinch}")];
    };
    let mut lines = Vec::new();
    if salt.len() != pinch.len() {
        lines.push(format!("Salt has {} chunks, Pinch has {}", salt.len(), pinch.len()));
    }
    for (theirs, ours) in salt.iter().zip(pinch) {
        let empty = serde_json::Map::new();
        let (theirs, ours) = (theirs.as_object().unwrap_or(&empty), ours.as_object().unwrap_or(&empty));
        let chunk = format!("{} {}", text(theirs.get("__id__")), text(theirs.get("fun")));
        let missing = ours.keys().filter(|key| !theirs.contains_key(*key));
        for key in theirs.keys().chain(missing) {
            if theirs.get(key) != ours.get(key) {
                lines.push(format!(
                    "{chunk}: {key}: Salt {}, Pinch {}",
                    text(theirs.get(key)),
                    text(ours.get(key))
                ));
            }
        }
    }
    lines
}

fn text(value: Option<&Value>) -> String {
    value.map_or_else(|| "(nothing)".to_string(), Value::to_string)
}

#[derive(Default)]
struct Options {
    formulas: Vec<PathBuf>,
    salt: Option<String>,
    pinch: Option<String>,
    verbose: bool,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--verbose" => options.verbose = true,
                "--salt" => options.salt = Some(words.next().ok_or("--salt needs a folder")?.clone()),
                "--pinch" => options.pinch = Some(words.next().ok_or("--pinch needs a binary")?.clone()),
                option if option.starts_with('-') => {
                    return Err(format!("compare does not know `{option}`").into());
                }
                folder => options.formulas.push(PathBuf::from(folder)),
            }
        }
        if options.formulas.is_empty() {
            return Err("compare needs the checkout of a formula".into());
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_name_chunk_and_key() {
        let salt = json!([{"__id__": "a", "fun": "managed", "order": 10000, "mode": "0644"}]);
        let pinch = json!([{"__id__": "a", "fun": "managed", "order": 10001, "extra": 1}]);
        assert_eq!(
            differences(&salt, &pinch),
            [
                "\"a\" \"managed\": order: Salt 10000, Pinch 10001",
                "\"a\" \"managed\": mode: Salt \"0644\", Pinch (nothing)",
                "\"a\" \"managed\": extra: Salt (nothing), Pinch 1",
            ]
        );
    }

    #[test]
    fn key_order_is_no_difference() {
        let salt = json!([{"a": 1, "b": [1, 2]}]);
        let pinch = json!([{"b": [1, 2], "a": 1}]);
        assert!(matches!(judge(&salt, &Ok(pinch)), Verdict::Equal));
    }
}
