//! Broken input, as data: each `broken/*/*.case` is a tree with one mistake, and what has to be said about it.
//!
//! A case starts with `name: value` lines, then its files:
//!
//! ```text
//! why: a tab indents a line          what is broken, in words
//! run: call --local state.apply web  words for the binary; this is the default, behind the state `first`
//! exit: 1                            the exit code
//! at: web.sls:2:1                    the place that has to be named, whole; others that have to be shown beside it
//! nowhere: …                         why there is no place to name, instead of `at`
//! says: tab                          what has to be said; may be repeated
//! hint: spaces                       what the advice has to hold; may be repeated, never left out
//! leaves: first                      a path below the target that the run may change
//! seconds: 30                        how long it may take; 20 otherwise
//! --- tree/web.sls                   a file; `{DIR}` is the case's folder. Behind the name may stand
//! ...                                `escaped` (\xNN is a byte), `link TARGET`, `sparse BYTES`
//! ```
//!
//! Every case also proves that one mistake makes one message, at its file, line and column and with advice; that there
//! was no panic, that memory stayed in bounds, and that the target's tree is what it was: by default a harmless state
//! `first` precedes the broken SLS, and must not have run when the tree does not compile.

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
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use support::{Ended, PINCH, Place};

/// Address space that a run may take, in KiB.
const MEMORY: usize = 4 * 1024 * 1024;

#[test]
fn every_broken_tree_is_told_apart() {
    let mut cases = Vec::new();
    find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken"), &mut cases);
    cases.sort();
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    let chosen = std::env::var("CASE").unwrap_or_default();
    let chosen: Vec<_> = cases.iter().filter(|path| path.to_string_lossy().contains(&chosen)).collect();
    let wrong = in_parallel(&chosen);
    println!("{} broken trees", cases.len());
    assert!(wrong.is_empty(), "{} of {} cases:\n\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Every fault found, the cases shared out among as many threads as there are processors.
fn in_parallel(cases: &[&PathBuf]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut faults = Vec::new();
        while let Some(path) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            faults.extend(wrong(path));
        }
        faults
    };
    std::thread::scope(|scope| {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// What is wrong with how the binary takes a case, if anything.
fn wrong(path: &Path) -> Option<String> {
    let case = Case::read(&fs::read_to_string(path).unwrap());
    let place = Place::new();
    place.write(
        "tree/first.sls",
        "first:\n  file.managed:\n    - name: {DIR}/root/first\n    - contents: first\n",
    );
    case.files.iter().for_each(|file| file.write(&place));
    let before = place.snapshot();
    let words: Vec<_> = case.run.split_whitespace().collect();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\""), PINCH]);
    place.prepare(&mut command, &words);
    let ended = support::finish(command, Duration::from_secs(case.seconds));
    let mut faults = case.faults(&ended);
    let mut after = place.snapshot();
    for path in &case.leaves {
        match before.get(Path::new(path)) {
            Some(there) => after.insert(path.into(), there.clone()),
            None => after.remove(Path::new(path)),
        };
    }
    if before != after {
        faults.push(format!("the target changed\n  from {before:?}\n  to   {after:?}"));
    }
    let name = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broken")).unwrap().display();
    (!faults.is_empty()).then(|| {
        format!(
            "---- {name}: {}\n{}\n[stderr]\n{}[stdout]\n{}",
            case.why,
            faults.join("\n"),
            cut(&ended.stderr),
            cut(&ended.stdout)
        )
    })
}

fn cut(text: &str) -> String {
    text.chars().take(2000).collect()
}

/// All case files below a folder.
fn find(folder: &Path, cases: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, cases);
        } else if path.extension().is_some_and(|end| end == "case") {
            cases.push(path);
        }
    }
}

#[derive(Default)]
struct Case {
    why: String,
    run: String,
    exit: i32,
    at: Vec<String>,
    nowhere: Option<String>,
    says: Vec<String>,
    hints: Vec<String>,
    leaves: Vec<String>,
    seconds: u64,
    files: Vec<File>,
}

impl Case {
    fn read(text: &str) -> Self {
        let mut case =
            Self { run: "call --local state.apply first,web".into(), seconds: 20, ..Self::default() };
        for line in text.split_inclusive('\n') {
            if let Some(head) = line.strip_prefix("--- ") {
                case.files.push(File::read(head.trim_end()));
            } else if let Some(file) = case.files.last_mut() {
                file.text.push_str(line);
            } else {
                case.head(line.trim_end());
            }
        }
        assert!(case.at.is_empty() == case.nowhere.is_some(), "{}: `at` or `nowhere`", case.why);
        assert!(case.at.iter().all(|at| is_place(at)), "{}: a place is file:line:column", case.why);
        assert!(!case.hints.is_empty(), "{}: no `hint`", case.why);
        case
    }

    fn head(&mut self, line: &str) {
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no `name: value`: {line}"));
        let value = value.to_string();
        match name {
            "why" => self.why = value,
            "run" => self.run = value,
            "exit" => self.exit = value.parse().unwrap(),
            "at" => self.at.push(value),
            "nowhere" => self.nowhere = Some(value),
            "says" => self.says.push(value),
            "hint" => self.hints.push(value),
            "leaves" => self.leaves.push(value),
            "seconds" => self.seconds = value.parse().unwrap(),
            other => panic!("a case has no `{other}`"),
        }
    }

    fn faults(&self, ended: &Ended) -> Vec<String> {
        let mut faults = Vec::new();
        let all = ended.all();
        if ended.code != Some(self.exit) {
            faults.push(format!("exit code {:?}, not {}, after {:?}", ended.code, self.exit, ended.time));
        }
        for text in ["panicked at", "RUST_BACKTRACE", "stack overflow", "memory allocation of"] {
            if all.contains(text) {
                faults.push(format!("`{text}` in the output"));
            }
        }
        faults.extend(
            self.says.iter().filter(|text| !all.contains(*text)).map(|text| format!("nothing says `{text}`")),
        );
        faults.extend(self.faults_of_message(&ended.stderr));
        faults
    }

    /// What is wrong with the message: one error, at its place, with advice.
    fn faults_of_message(&self, talk: &str) -> Vec<String> {
        let mut faults = Vec::new();
        let errors = talk.lines().filter(|line| line.starts_with("error: ")).count();
        if errors != 1 {
            faults.push(format!("{errors} errors for one mistake"));
        }
        let behind = |mark: &str| -> Vec<&str> {
            talk.lines().filter_map(|line| line.trim_start().strip_prefix(mark)).collect()
        };
        let ends_with = |shown: &[&str], at: &String| {
            shown.iter().any(|shown| *shown == at || shown.ends_with(&format!("/{at}")))
        };
        let (main, beside) = (behind("--> "), behind("::: "));
        for (number, at) in self.at.iter().enumerate() {
            let shown = if number == 0 { &main } else { &beside };
            if !ends_with(shown, at) {
                faults.push(format!("it does not stand at {at}, but at {main:?}, with {beside:?} beside"));
            }
        }
        let advice = behind("= help: ").join("\n");
        if advice.is_empty() {
            faults.push("there is no advice".into());
        }
        let lacking = self.hints.iter().filter(|hint| !advice.contains(*hint));
        faults.extend(lacking.map(|hint| format!("the advice does not hold `{hint}`, but is: {advice}")));
        faults
    }
}

/// `web.sls:2:1`
fn is_place(text: &str) -> bool {
    let numbers = text.rsplitn(3, ':').take(2);
    text.split(':').count() == 3 && numbers.into_iter().all(|number| number.parse::<usize>().is_ok())
}

/// A file of a case.
struct File {
    name: String,
    form: String,
    text: String,
}

impl File {
    fn read(head: &str) -> Self {
        let (name, form) = head.split_once(' ').unwrap_or((head, ""));
        Self { name: name.into(), form: form.into(), text: String::new() }
    }

    fn write(&self, place: &Place) {
        match self.form.split_once(' ').unwrap_or((&self.form, "")) {
            ("", "") => place.write(&self.name, &self.text),
            ("escaped", "") => place.write_bytes(&self.name, &unescaped(&self.text)),
            ("link", target) => std::os::unix::fs::symlink(target, place.path(&self.name)).unwrap(),
            ("sparse", size) => {
                place.write_bytes(&self.name, b"");
                let file = fs::OpenOptions::new().write(true).open(place.path(&self.name)).unwrap();
                file.set_len(size.parse().unwrap()).unwrap();
            }
            (form, _) => panic!("a file of a case is not `{form}`"),
        }
    }
}

/// Reads `\xNN` as that byte.
fn unescaped(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    bytes
}
