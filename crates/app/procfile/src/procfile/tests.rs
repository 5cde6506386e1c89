//! Procfiles as people write them, and what is said about mistakes.

use proptest::prelude::*;
use report::{Problems, Severity, Sources, Style};

use super::*;
use crate::Readiness;

fn read(bytes: &[u8], mode: Mode) -> (Option<Procfile>, String) {
    let (sources, mut problems) = (Sources::new(), Problems::new());
    let procfile = Procfile::parse("Procfile", bytes, mode, &sources, &mut problems);
    assert_eq!(procfile.is_none(), problems.has_errors());
    assert!(problems.iter().all(|problem| problem.severity != Severity::Note || procfile.is_some()));
    (procfile, problems.iter().map(|problem| report::render(problem, &sources, Style::Plain)).collect())
}

fn entries(text: &str, mode: Mode) -> Vec<(String, String)> {
    let (procfile, said) = read(text.as_bytes(), mode);
    let procfile = procfile.unwrap_or_else(|| panic!("{text:?}: {said}"));
    procfile.entries().iter().map(|entry| (entry.name.clone(), entry.command.clone())).collect()
}

fn said(text: &str, mode: Mode) -> String {
    read(text.as_bytes(), mode).1
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, command)| (name.to_string(), command.to_string())).to_vec()
}

#[test]
fn what_is_an_entry() {
    for (text, expected) in [
        ("web: ./run -p $PORT\n", ("web", "./run -p $PORT")),
        ("web:./run", ("web", "./run")),
        ("  web:   ./run", ("web", "./run")),
        ("web:\t./run\r\n", ("web", "./run")),
        ("\u{feff}web: ./run\n", ("web", "./run")),
        ("# comment\n\n  # another\nweb: ./run # stays\n", ("web", "./run # stays")),
        ("web: a: b\n", ("web", "a: b")),
        ("W_2-x: ./run ", ("W_2-x", "./run ")),
        ("web: sh -c 'a && b'", ("web", "sh -c 'a && b'")),
    ] {
        assert_eq!(entries(text, Mode::Strict), pairs([expected]), "{text:?}");
        assert_eq!(said(text, Mode::Strict), "", "{text:?}");
    }
}

#[test]
fn order_places_and_types() {
    let text = "release: ./migrate\nweb: ./serve\nworker: ./work\n";
    let (sources, mut problems) = (Sources::new(), Problems::new());
    let procfile = Procfile::parse("Procfile", text.as_bytes(), Mode::Strict, &sources, &mut problems)
        .expect("a Procfile");
    let web = procfile.get("web").expect("web");
    assert_eq!(sources.locate(web.span()).map(|at| at.to_string()).as_deref(), Some("Procfile:2:1"));
    assert_eq!(sources.locate(web.command_span).map(|at| at.to_string()).as_deref(), Some("Procfile:2:6"));
    assert_eq!(procfile.release().map(|entry| entry.command.as_str()), Some("./migrate"));
    let types = procfile.process_types();
    assert_eq!(types.iter().map(|known| known.name.as_str()).collect::<Vec<_>>(), ["web", "worker"]);
    assert_eq!(types[0].command, CommandLine::Shell("./serve".into()));
    assert_eq!(types[0].ready, Readiness::Port);
    assert_eq!(types[1].count, 1);
}

/// Lines that foreman ignores: errors in a strict reader, warnings in a lenient one.
#[test]
fn what_is_no_entry() {
    for (line, code, hint) in [
        ("<<<<<<< HEAD", "a merge marker", "choose one and remove the marker lines"),
        ("=======", "a merge marker", "choose one"),
        (">>>>>>> topic", "a merge marker", "choose one"),
        ("\tworker: x", "a tab before the name", "indent with spaces"),
        ("worker : x", "a space before the colon", "write `worker: x`"),
        ("worker x", "no colon in this line", "write `worker: x`"),
        ("worker=x", "no colon in this line", "write `worker: x`"),
        ("just", "no colon in this line", "each line is `NAME: COMMAND`"),
        ("my.worker: x", "'.' in the name of a process type", "`my-worker` would do"),
        ("wörker: x", "'ö' in the name of a process type", "letters, digits"),
        ("worker:", "`worker` has no command", "after the colon"),
        ("worker:   ", "`worker` has no command", "after the colon"),
        (": x", "no name before the colon", "write `NAME: COMMAND`"),
        ("worker: a\rb", "a carriage return within a line", "line ends"),
        ("// note: x", "'/' in the name", "a comment begins with `#`"),
    ] {
        let text = format!("web: ./run\n{line}\n");
        let strict = said(&text, Mode::Strict);
        assert!(
            strict.starts_with("error: ") && strict.contains(code) && strict.contains(hint),
            "{line:?}: {strict}"
        );
        assert!(strict.contains("--> Procfile:2:"), "{strict}");
        let lenient = said(&text, Mode::Lenient);
        assert!(
            lenient.starts_with("warning: this line is ignored: ") && lenient.contains(code),
            "{lenient}"
        );
        assert_eq!(entries(&text, Mode::Lenient), pairs([("web", "./run")]));
    }
}

#[test]
fn no_mode_passes_over_these() {
    for mode in [Mode::Strict, Mode::Lenient] {
        let twice = said("web: a\nworker: b\nweb: c\n", mode);
        assert!(twice.contains("two process types are called `web`"), "{twice}");
        assert!(
            twice.contains("1 | web: a") && twice.contains("3 | web: c"),
            "both lines are shown: {twice}"
        );
        let long = said(&format!("{}: x\n", "a".repeat(64)), mode);
        assert!(long.contains("a name of 64 letters: 63 is the most"), "{long}");
        assert_eq!(entries(&format!("{}: x\n", "a".repeat(63)), mode).len(), 1);
        for empty in ["", "\n\n", "# nothing\n", "release: x\n"] {
            assert!(said(empty, mode).contains("Procfile defines no process types"), "{empty:?}");
        }
        assert!(read(b"web: \xff\n", mode).1.contains("not UTF-8"));
        assert!(read(b"web: a\0b\n", mode).1.contains("NUL byte"));
        assert!(read(&vec![b'a'; 100 << 20], mode).1.contains("too large"));
    }
}

#[test]
fn there_are_no_continuation_lines() {
    let text = "web: ./run \\\n  --port $PORT\n";
    let strict = said(text, Mode::Strict);
    assert!(strict.contains("a backslash at the end of the line"), "{strict}");
    assert!(strict.contains("the line before it ends with `\\`"), "{strict}");
    assert_eq!(entries(text, Mode::Lenient), pairs([("web", "./run \\")]), "as foreman has it");
}

#[test]
fn names_that_mean_something_elsewhere() {
    assert!(said("all: x\n", Mode::Strict).starts_with("warning: `all` means every process type"));
    assert!(said("_x: x\n", Mode::Strict).contains("cannot be part of a host name"));
    assert!(said("a_b: x\nA-B: y\n", Mode::Strict).contains("are the same in a host name: `a-b`"));
}

#[test]
fn passwords_in_commands_are_not_shown() {
    let text = "web: x --db 'mongodb://a:hunter2@h/d'\nweb: PASSWORD=hunter2 x\nweb postgres://a:hunter2@h\n";
    let (procfile, said) = read(text.as_bytes(), Mode::Strict);
    assert!(procfile.is_none() && said.contains("mongodb://a:") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_file_of_nothing_but_mistakes_is_answered_in_bounded_space() {
    let text = "?\n".repeat(Procfile::LONGEST / 2);
    let said = said(&text, Mode::Strict);
    assert!(said.contains("more problems in Procfile are not shown"));
    assert!(said.len() < 100_000, "{}", said.len());
}

/// Texts made of the pieces that Procfiles care about.
fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "web", "worker", "release", "all", ":", ": ", " ", "\t", "\n", "\r\n", "\r", "#", "\\", "<<<<<<<",
        "=======", "-", "_", ".", "=", "a b", "é", "\u{feff}", "\0", "$PORT",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_a_procfile_or_a_problem(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes, Mode::Strict);
        read(&bytes, Mode::Lenient);
    }

    #[test]
    fn what_is_read_prints_and_reads_the_same(text in text()) {
        let (strict, _) = read(text.as_bytes(), Mode::Strict);
        let (lenient, _) = read(text.as_bytes(), Mode::Lenient);
        if let Some(strict) = &strict {
            let pairs = |procfile: &Procfile| {
                procfile.entries().iter().map(|entry| (entry.name.clone(), entry.command.clone())).collect::<Vec<_>>()
            };
            let again = entries(&strict.to_string(), Mode::Strict);
            prop_assert_eq!(&again, &pairs(strict));
            let printed = print(again.iter().map(|(name, command)| (name.as_str(), command.as_str())));
            prop_assert_eq!(printed.ok(), Some(strict.to_string()));
            prop_assert_eq!(lenient.as_ref().map(pairs), Some(pairs(strict)), "lenient reads what strict reads");
        }
    }

    #[test]
    fn what_is_printed_reads_the_same(
        written in prop::collection::btree_map("[A-Za-z0-9_-]{1,63}", "\\PC{0,20}", 1..6),
    ) {
        let written: Vec<_> = written.iter().map(|(name, command)| (name.as_str(), command.as_str())).collect();
        if let Ok(text) = print(written.iter().copied())
            && written.iter().any(|(name, _)| *name != RELEASE)
        {
            let read = entries(&text, Mode::Strict);
            let read: Vec<_> = read.iter().map(|(name, command)| (name.as_str(), command.as_str())).collect();
            prop_assert_eq!(read, written);
        }
    }
}
