//! The table of lines on which programs disagree, and what is said about them.

use std::collections::HashMap;

use proptest::prelude::*;
use report::{Problems, Severity, Sources, Style};
use serde_json::Value;

use super::*;
use readers::{READERS, Reading};

/// A file read with a process environment: its variables, or the codes of its errors; and all that is said.
fn read(
    text: &[u8],
    format: EnvFormat,
    process: &HashMap<String, String>,
) -> (Result<EnvFile, Vec<&'static str>>, String) {
    let (sources, mut problems) = (Sources::new(), Problems::new());
    let context = EnvContext {
        format,
        precedence: Precedence::EnvFile,
        process: &|name| process.get(name).cloned(),
        earlier: &[],
    };
    let file = EnvFile::parse(".env", text, &context, &sources, &mut problems);
    let said = problems.iter().map(|problem| report::render(problem, &sources, Style::Plain)).collect();
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    (file.ok_or_else(|| errors.map(|problem| problem.code).collect()), said)
}

fn said(text: &str) -> String {
    read(text.as_bytes(), EnvFormat::Compose, &HashMap::new()).1
}

fn cases() -> Vec<Value> {
    let text = include_str!("../../tests/dotenv-cases.json");
    let table: Value = serde_json::from_str(text).expect("JSON");
    table["cases"].as_array().expect("cases").clone()
}

fn process(case: &Value) -> HashMap<String, String> {
    let given = case["process"].as_object().into_iter().flatten();
    given.map(|(name, value)| (name.clone(), value.as_str().expect("text").to_string())).collect()
}

#[test]
fn every_format_gives_exactly_the_value_of_the_table() {
    for case in cases() {
        let (text, name) = (case["text"].as_str().expect("text"), case["var"].as_str().unwrap_or("A"));
        for (key, format) in EnvFormat::NAMES {
            let found = match read(text.as_bytes(), format, &process(&case)).0 {
                Ok(file) => file.value(name).map_or(Value::Null, Value::from),
                Err(codes) => serde_json::json!({ "error": codes.join(" ") }),
            };
            assert_eq!(found, case[key], "{} as {key}", case["name"]);
        }
    }
}

#[test]
fn the_models_read_as_the_programs_of_the_table() {
    for case in cases() {
        let (text, name) = (case["text"].as_str().expect("text"), case["var"].as_str().unwrap_or("A"));
        let process = process(&case);
        for reader in READERS {
            let found = match (reader.read)(text, name, &|name: &str| process.get(name).cloned()) {
                Reading::Absent => Value::Null,
                Reading::Value(value) => Value::from(value),
                Reading::Fails => serde_json::json!({ "fails": true }),
                Reading::Runs(command) => serde_json::json!({ "runs": command }),
                Reading::Otherwise => serde_json::json!({ "otherwise": true }),
            };
            assert_eq!(found, case["readers"][reader.name], "{} by {}", case["name"], reader.name);
        }
    }
}

#[test]
fn a_note_stands_where_readers_disagree_and_only_there() {
    for case in cases() {
        let text = case["text"].as_str().expect("text");
        let readers = case["readers"].as_object().expect("readers");
        let disagree = readers.values().any(|reading| *reading != case["compose"]);
        let said = read(text.as_bytes(), EnvFormat::Compose, &process(&case)).1;
        assert_eq!(said.contains("note: "), disagree, "{}: {said}", case["name"]);
        for (reader, _) in readers.iter().filter(|(_, reading)| **reading != case["compose"]) {
            assert!(said.contains(reader), "{}: {reader} is not named: {said}", case["name"]);
        }
    }
}

#[test]
fn notes_say_who_reads_what_and_how_all_agree() {
    assert_eq!(
        said("A=b c\n"),
        "note: programs disagree about the value of `A`\n --> .env:1:1\n  |\n1 | A=b c\n  | ^^^^^ read as `b c`\n  |\n  \
         = note: honcho reads `bc`\n  = note: bash runs `c`\n  = help: write `A='b c'`: all read the same\n"
    );
    assert!(said("A=").contains("honcho and node-foreman do not see it"));
    let two_lines = said("A=\"x\\ny\"");
    assert!(two_lines.contains("read as `x⏎y`"), "{two_lines}");
    assert!(two_lines.contains("node-foreman and bash read `x\\ny`"), "{two_lines}");
    assert!(two_lines.contains("the form on which most agree"), "{two_lines}");
}

#[test]
fn secrets_are_never_shown() {
    let texts = [
        "PASSWORD=hunt er2",
        "PASSWORD=\"hunter2\" hunter2",
        "PASSWORD=\"hunter2",
        "PASSWORD hunter2",
        "PASSWORD: don't hunter2 ${",
        "export API_KEY = hunter2 hunter2",
        "API_KEY=\"-----BEGIN\nhunter2\n-----\" hunter2",
        "URL=postgres://a:hunter2@h/d x",
        "TOKEN=hunter2 ${X",
        "TOKEN=hunter2\0",
        "A=1\nTOKEN='hunter2'hunter2",
        "A='x' password=hunter2",
    ];
    for text in texts {
        for (_, format) in EnvFormat::NAMES {
            let (_, said) = read(text.as_bytes(), format, &HashMap::new());
            assert!(!said.contains("hunt"), "{text:?}: {said}");
        }
    }
    let (_, said) = read(b"TOKEN=hunter2\xff", EnvFormat::Compose, &HashMap::new());
    assert!(said.contains("0xff") && !said.contains("hunter2"), "{said}");
    let (file, _) = read(b"A=hunter2", EnvFormat::Compose, &HashMap::new());
    assert!(!format!("{file:?}").contains("hunter2"));
}

#[test]
fn mistakes_say_where_and_what_to_do() {
    assert_eq!(
        said("A=1\nB=\"open\nC=2\n"),
        "error: the quote \" that begins the value is never closed\n --> .env:2:3\n  |\n2 | B=\"open\n  |   ^\n  |\n  \
         = help: close it with \"; a quote within the value is written `\\\"`\n"
    );
    for (text, expected) in [
        ("NAME value", "no `=` in this line"),
        ("A B=c", "white space in the name"),
        ("lol$wut", "'$' in the name"),
        ("=x", "no name before the value"),
        ("A=\"b\" c", "something follows the closing quote"),
        ("A=${B", "`${` is never closed"),
        ("A=\"a\\t${B!}\"", "this is no substitution"),
        ("A=${B:?set B first}", "the file says: set B first"),
        ("HOST=h\nA=$HSOT", "did you mean `HOST`?"),
        ("A=1\nA=2", "`A` is set twice"),
        ("A=b\r\n", "lines end with CR LF"),
    ] {
        assert!(said(text).contains(expected), "{text:?}: {}", said(text));
    }
}

#[test]
fn foreman_ignores_what_it_does_not_know_and_says_so() {
    let (file, said) = read(b"# c\n\nexport A=b\nB=\"c\"\n", EnvFormat::Foreman, &HashMap::new());
    let file = file.expect("a file");
    assert_eq!(file.vars().map(|var| var.name.as_str()).collect::<Vec<_>>(), ["B"]);
    assert!(said.starts_with("warning: foreman ignores this line\n --> .env:3:1"), "{said}");
}

#[test]
fn later_files_see_and_replace_earlier_ones() {
    let (sources, mut problems) = (Sources::new(), Problems::new());
    let process = |name: &str| (name == "HOST").then(|| "outside".to_string());
    let mut read = |text: &str, precedence, earlier: &[EnvFile]| {
        let context = EnvContext { format: EnvFormat::Compose, precedence, process: &process, earlier };
        EnvFile::parse(".env", text.as_bytes(), &context, &sources, &mut problems).expect("a file")
    };
    for (precedence, expected) in
        [(Precedence::EnvFile, "http://dev:80"), (Precedence::ProcessEnvironment, "http://outside:80")]
    {
        let base = read("HOST=localhost\nPORT=80\n", precedence, &[]);
        let file = read("HOST=dev\nURL=http://$HOST:$PORT\n", precedence, &[base]);
        assert_eq!(file.value("URL"), Some(expected));
    }
}

/// Values that are short here and would be gigabytes for bash (whose quotation ends at `\'`) and python-dotenv.
#[test]
fn readers_are_followed_within_bounds() {
    let big = "x".repeat(100_000);
    for (value, reader) in [("'a\\'$B", "bash"), ("'${B}", "python-dotenv")] {
        let text = format!("B={big}\nA={}'\n", value.to_string() + &"${B}".repeat(20_000));
        let said = said(&text);
        assert!(said.contains(reader) && said.contains("by rules of its own"), "{reader}");
    }
}

#[test]
fn what_cannot_be_passed_on_is_refused() {
    let long = format!("A={}", "x".repeat(LONGEST_VARIABLE));
    assert!(said(&long).contains("too long to be passed to a program"));
    let mut bomb = format!("A={}\n", "x".repeat(1000));
    (0..30).for_each(|_| bomb.push_str("A=$A$A\n"));
    assert!(said(&bomb).contains("too long to be passed to a program"));
    let mut many = format!("A={}\n", "x".repeat(100_000));
    (0..30).for_each(|number| many.push_str(&format!("B{number}=$A\n")));
    assert!(said(&many).contains("too large together"));
    let endless = format!("A=xy\n{}", "A=$A$A\n".repeat(100_000));
    assert!(said(&endless).contains("too large together"), "lines that fail count too");
    let (file, said) = read(&vec![b'x'; EnvFile::LONGEST + 1], EnvFormat::Compose, &HashMap::new());
    assert!(file.is_err() && said.contains("too large"));
}

/// Texts made of the pieces that env files care about.
fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "A",
        "B",
        "=",
        ":",
        " ",
        "\t",
        "\n",
        "\r\n",
        "'",
        "\"",
        "\\",
        "\\n",
        "#",
        " # ",
        "$",
        "${",
        "}",
        "${A:-",
        "$A",
        "export ",
        "é",
        "[",
        "]",
        ".",
        "-",
        "(",
        "`",
        "\u{feff}",
        "\0",
        "\u{a0}",
        "PASSWORD=",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_a_file_or_a_problem(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for (_, format) in EnvFormat::NAMES {
            let (file, said) = read(&bytes, format, &HashMap::new());
            prop_assert!(file.is_ok() || said.contains("error: "));
        }
    }

    #[test]
    fn any_text_is_a_file_or_a_problem(text in text()) {
        for (_, format) in EnvFormat::NAMES {
            let (file, said) = read(text.as_bytes(), format, &HashMap::new());
            prop_assert!(file.is_ok() || said.contains("error: "));
            if let Ok(file) = file {
                for var in file.vars() {
                    prop_assert!(!var.name.is_empty() && !var.value.reveal().contains('\0'));
                    prop_assert!(!var.name.contains(['=', '\0', '\n']));
                }
            }
        }
    }

    #[test]
    fn what_is_printed_reads_the_same(
        vars in prop::collection::btree_map("[A-Z_][A-Z0-9_.-]{0,6}", prop_oneof![text(), "\\PC{0,12}"], 0..6),
    ) {
        let vars: Vec<(String, String)> =
            vars.into_iter().map(|(name, value)| (name, value.replace('\0', ""))).collect();
        let text = print(vars.iter().map(|(name, value)| (name.as_str(), value.as_str()))).expect("printed");
        let file = read(text.as_bytes(), EnvFormat::Compose, &HashMap::new()).0.expect("a file");
        let read: Vec<_> = file.vars().map(|var| (var.name.clone(), var.value.reveal().clone())).collect();
        prop_assert_eq!(read, vars, "{}", text);
    }
}
