//! Whole conversations with the binary: what is typed, what comes on each stream, the exit code.
//!
//! `conversations/*/tree` and so on are files; `conversations/*/talk.txt` holds runs:
//!
//! ```text
//! $ pinch call --local test.ping
//! local:
//!     True
//! ! a line on standard error
//! = 0
//! ```
//!
//! Times, versions and the temporary folder are replaced by `[..]`-words. `UPDATE=1 cargo test -p pinch --test
//! conversations` writes what was said; read the difference before committing it.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test prepares the disk and starts the binary"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::Place;

#[test]
fn conversations_go_as_written() {
    let mut wrong = Vec::new();
    let mut folders: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let script = folder.join("talk.txt");
        let written = fs::read_to_string(&script).unwrap();
        let said = talk(&folder, &written);
        if written == said {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&script, &said).unwrap();
        } else {
            wrong.push(format!("---- {}\n{}", folder.display(), difference(&written, &said)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conversations")
}

/// Runs every `$ pinch` line of a script in one place and answers the script with what was said.
fn talk(folder: &Path, script: &str) -> String {
    let place = Place::new();
    lay_out(&folder.join("files"), "", &place);
    let mut said = String::new();
    // What was said the last time lies between a command and its exit code, and is said anew.
    let mut is_answer = false;
    for line in script.lines() {
        if !is_answer && (line.starts_with('#') || line.is_empty()) {
            said.push_str(line);
            said.push('\n');
        }
        is_answer &= !line.starts_with("= ");
        let Some(typed) = line.strip_prefix("$ pinch") else { continue };
        is_answer = true;
        let words = words(typed);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let ended = place.run(&words);
        said.push_str(line);
        said.push('\n');
        said.push_str(&lines(&ended.stdout, "", &place));
        said.push_str(&lines(&ended.stderr, "! ", &place));
        said.push_str(&format!("= {}\n", ended.code.map_or("killed".into(), |code| code.to_string())));
    }
    said
}

/// Copies the conversation's files; their text may hold `{DIR}`.
fn lay_out(folder: &Path, prefix: &str, place: &Place) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            fs::create_dir_all(place.path(&name)).unwrap();
            lay_out(&path, &format!("{name}/"), place);
        } else {
            place.write(&name, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// Splits at spaces, except inside single quotes.
fn words(typed: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in typed.split('\'').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_string());
        } else {
            words.extend(part.split_whitespace().map(str::to_string));
        }
    }
    words
}

/// Each line behind a mark, with what differs from run to run replaced.
fn lines(text: &str, mark: &str, place: &Place) -> String {
    let text = text.replace(place.path("").to_string_lossy().trim_end_matches('/'), "{DIR}");
    text.lines().map(|line| format!("{mark}{}", masked(line)).trim_end().to_string() + "\n").collect()
}

/// Times and durations.
fn masked(line: &str) -> String {
    let label = |name: &str, line: &str| {
        let (before, _) = line.split_once(name)?;
        let comma = if line.ends_with(',') { "," } else { "" };
        Some(format!("{before}{name}[..]{comma}"))
    };
    for name in [
        "Started: ",
        "Duration: ",
        "Total run time: ",
        "\"start_time\": ",
        "\"duration\": ",
        "start_time: ",
        "duration: ",
        " owned by ",
    ] {
        if let Some(masked) = label(name, line) {
            return masked;
        }
    }
    // `Ran 3 states in 0.01 s: …`
    match line.split_once(" states in ").and_then(|(before, rest)| Some((before, rest.split_once(" s: ")?.1)))
    {
        Some((before, rest)) => format!("{before} states in [..] s: {rest}"),
        None => line.to_string(),
    }
}

fn difference(written: &str, said: &str) -> String {
    let mut out = String::new();
    let (written, said): (Vec<_>, Vec<_>) = (written.lines().collect(), said.lines().collect());
    for number in 0..written.len().max(said.len()) {
        let (old, new) = (written.get(number).unwrap_or(&""), said.get(number).unwrap_or(&""));
        if old != new {
            out.push_str(&format!("{}:\n- {old}\n+ {new}\n", number + 1));
        }
    }
    out
}
