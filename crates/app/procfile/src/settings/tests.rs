//! What a `pinch.yaml` sets, and what is said about mistakes.

use proptest::prelude::*;
use report::{Problems, Sources, Style};
use serde_json::{Value as Json, json};

use super::*;
use crate::Mode;

const PROCFILE: &str = "web: a\nworker: b\nclock: c\nrelease: d\n";

fn procfile() -> Procfile {
    let (sources, mut problems) = (Sources::new(), Problems::new());
    Procfile::parse("Procfile", PROCFILE.as_bytes(), Mode::Strict, &sources, &mut problems)
        .expect("a Procfile")
}

/// What was read, and what was said about it.
fn read(bytes: &[u8]) -> (Option<Settings>, Vec<String>) {
    let (sources, mut problems) = (Sources::new(), Problems::new());
    let settings = Settings::parse("pinch.yaml", bytes, &procfile(), &sources, &mut problems);
    assert_eq!(settings.is_none(), problems.has_errors());
    (settings, problems.iter().map(|problem| report::render(problem, &sources, Style::Plain)).collect())
}

fn said(text: &str) -> String {
    read(text.as_bytes()).1.concat()
}

/// The fields of each process type that settings change, as JSON.
fn changes(settings: &Settings) -> Json {
    let mut all = serde_json::Map::new();
    for entry in procfile().entries() {
        let before = entry.process_type();
        let mut after = [before.clone()];
        settings.apply(&mut after);
        let (before, after) = (json!(before), json!(after[0]));
        let fields = after.as_object().expect("an object").iter();
        let changed: serde_json::Map<_, _> = fields
            .filter(|(key, is)| before[*key] != **is)
            .map(|(key, is)| (key.clone(), is.clone()))
            .collect();
        if !changed.is_empty() {
            all.insert(entry.name.clone(), Json::Object(changed));
        }
    }
    Json::Object(all)
}

#[test]
fn every_key_as_data() {
    let cases: Json = serde_json::from_str(include_str!("../../tests/settings-cases.json")).expect("JSON");
    let cases = cases["cases"].as_array().expect("cases");
    for case in cases {
        let text = case["text"].as_str().expect("a text");
        let (settings, said) = read(text.as_bytes());
        if let Some(sets) = case.get("sets") {
            let settings = settings.unwrap_or_else(|| panic!("{text}: {said:?}"));
            assert_eq!(changes(&settings), *sets, "{text}");
            assert!(said.is_empty(), "{text}: {said:?}");
            continue;
        }
        let [said] = said.as_slice() else { panic!("one mistake, one error\n{text}\n{said:#?}") };
        let word = |key: &str| case[key].as_str().unwrap_or_else(|| panic!("{text}: no {key}"));
        let place = format!("--> pinch.yaml:{}\n", word("at"));
        assert!(said.starts_with("error: ") && said.contains(word("says")), "{text}\n{said}");
        assert!(said.contains(&place), "{text}\nnot {place}{said}");
        let advice: Vec<&str> = said.lines().filter(|line| line.contains("= help: ")).collect();
        assert!(!advice.is_empty() && advice.concat().contains(word("hint")), "{text}\n{said}");
    }
    let tested =
        |key: &str| cases.iter().any(|case| case.to_string().contains(key) && case.get("sets").is_some());
    assert!(keys::ALL.iter().all(|key| tested(key)), "every key is set by a case");
}

#[test]
fn one_run_tells_all_mistakes() {
    let (_, said) =
        read(b"processes:\n  web: {redy: 1, port: x}\n  wroker: {}\n  clock: {after: [wbe, clock]}\n");
    assert_eq!(said.len(), 5, "{said:#?}");
}

#[test]
fn the_line_is_shown() {
    assert_eq!(
        said("processes:\n  web:\n    stop: QIUT\n"),
        "error: `QIUT` is no value of `stop`\n --> pinch.yaml:3:11\n  |\n3 |     stop: QIUT\n  |           ^^^^\n  |\n  \
         = help: did you mean `QUIT`?\n"
    );
}

#[test]
fn bytes_that_are_no_text() {
    assert!(said_of(b"processes:\n  w\xffb: {}\n").contains("not UTF-8: byte 0xff\n --> pinch.yaml:2:4"));
    assert!(said_of(b"a: \0").contains("holds a NUL byte"));
    assert!(said_of(&vec![b'#'; Settings::LONGEST + 1]).contains("more than 262144 bytes"));
    assert_eq!(said_of(&vec![b'#'; Settings::LONGEST]), "");
    assert_eq!(said_of(b"\xef\xbb\xbfprocesses: {}\r\n"), "");
}

fn said_of(bytes: &[u8]) -> String {
    read(bytes).1.concat()
}

#[test]
fn secrets_are_covered() {
    for text in [
        "processes:\n  web:\n    environment: {API_KEY: hunter2, DEBUG: yes}\n",
        "processes:\n  web:\n    environment: {DEBUG: yes, URL: 'postgres://a:hunter2@db/'}\n",
        "processes: {web: {environment: {API_KEY: [{a: hunter2}]}}}\n",
        "processes: {web: {environment: {TOKEN: \"hunter2\\0\"}}}\n",
        "processes: {web: {port: 'postgres://a:hunter2@db/'}}\n",
        // No YAML, and the secret on the line of the mistake or below it.
        "processes:\n  web:\n    environment: {API_KEY: hunter2\n",
        "processes:\n  web:\n    environment:\n      API_KEY: |\n        first\n\thunter2\n",
        "processes:\n  web:\n    environment:\n      API_KEY: \"a: b\" hunter2: c\n",
        "processes:\n  web:\n    environment:\n      API_KEY: |\n-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
    ] {
        let (settings, said) = read(text.as_bytes());
        let said = said.concat();
        assert!(settings.is_none() && !said.contains("hunter2"), "{text}\n{said}");
    }
    let (settings, _) = read(b"processes: {web: {environment: {LABEL: hunter2}}}");
    assert!(!format!("{settings:?}").contains("hunter2"), "`Debug` shows no values");
}

#[test]
fn a_secret_named_process_type_is_shown() {
    let (sources, mut problems) = (Sources::new(), Problems::new());
    let procfile =
        Procfile::parse("Procfile", b"auth: a\n", Mode::Strict, &sources, &mut problems).expect("one");
    Settings::parse(
        "pinch.yaml",
        b"processes:\n  auth:\n    stop: QIUT\n",
        &procfile,
        &sources,
        &mut problems,
    );
    let said: String = problems.iter().map(|one| report::render(one, &sources, Style::Plain)).collect();
    assert!(said.contains("3 |     stop: QIUT"), "{said}");
}

#[test]
fn circles_of_any_length_are_found_and_told_in_bounds() {
    let count = 3000;
    let names: Vec<String> = (0..count).map(|number| format!("t{number}")).collect();
    let lines = names.iter().fold(String::new(), |text, name| text + name + ": true\n");
    let of = |last: usize| {
        let wait = |number: usize| format!("  t{number}: {{after: [t{}]}}\n", (number + 1) % count);
        let text = (0..last).fold(String::new(), |text, number| text + &wait(number));
        let (sources, mut problems) = (Sources::new(), Problems::new());
        let procfile = Procfile::parse("Procfile", lines.as_bytes(), Mode::Strict, &sources, &mut problems);
        let text = format!("processes:\n{text}");
        Settings::parse("pinch.yaml", text.as_bytes(), &procfile.expect("one"), &sources, &mut problems);
        problems.iter().map(|problem| problem.what.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of(count - 1), Vec::<String>::new());
    let found = of(count);
    assert!(found.len() == 1 && found[0].contains("and so on") && found[0].len() < 400, "{found:?}");
}

/// Lines that are nearly right, so that not all is refused at the first byte.
fn lines() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "processes:",
        "web:",
        "worker:",
        "release:",
        "ready:",
        "stop:",
        "after:",
        "restart:",
        "environment:",
        "umask:",
        "port:",
        "directory:",
        "<<:",
        "[web, worker]",
        "{",
        "}",
        "[",
        "]",
        "- ",
        "*a",
        "&a",
        "|",
        "!!int",
        "QUIT",
        "-1",
        "0027",
        "1.10",
        "5s",
        "yes",
        "~",
        "\"\\0\"",
        "é",
        "\n",
        "\n  ",
        "\n    ",
        ", ",
        ": ",
        "#",
        "'",
        "TOKEN: x",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| format!("processes:\n  {}", words.join(" ")))
}

proptest! {
    #[test]
    fn any_bytes_are_understood_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes);
    }

    #[test]
    fn any_text_is_understood_or_refused(text in lines()) {
        if let (Some(settings), _) = read(text.as_bytes()) {
            let mut types = procfile().process_types();
            settings.apply(&mut types);
            let signals = types.iter().all(|one| crate::Stop::SIGNALS.contains(&one.stop.signal.as_str()));
            prop_assert!(signals);
            prop_assert!(types.iter().all(|one| one.restart.first <= one.restart.longest && one.port != Some(0)));
        }
    }
}
