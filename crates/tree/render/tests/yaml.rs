//! The real Salt's answers to YAML texts: same value, or same error at the same place.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test that reads its cases")]

use render::yaml::{self, PlainText, YamlError};
use report::{Problem, Sources};
use value::{Data, Key, Value};

/// Cases whose answer differs on purpose, and why.
const DIFFERENT: [(&str, &str); 1] = [("recursive", "a collection that contains itself is an error")];

#[test]
fn yaml_as_salt_reads_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml-cases.json");
    let cases = value::json::from_text(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = cases.get("cases").and_then(Value::as_list).unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let name = case.get("name").and_then(Value::as_str).unwrap();
        let text = case.get("text").and_then(Value::as_str).unwrap();
        let verdict = check(case, text);
        if DIFFERENT.iter().any(|(different, _)| *different == name) {
            assert!(verdict.is_err(), "`{name}` no longer differs");
        } else if let Err(why) = verdict {
            wrong.push(format!("{name}: {why}"));
        }
    }
    println!("YAML as Salt reads it: {} of {}", cases.len() - wrong.len() - DIFFERENT.len(), cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(case: &Value, text: &str) -> Result<(), String> {
    let sources = Sources::new();
    let source = sources.add("case", text);
    match (yaml::load(text, &PlainText(source)), case.get("error").and_then(Value::as_str)) {
        (Ok(value), None) => {
            let expected = expected(case.get("value").unwrap());
            if value == expected { Ok(()) } else { Err(format!("got {value:?}")) }
        }
        (Ok(value), Some(error)) => Err(format!("got {value}, not {error}")),
        (Err(error), None) => Err(format!("failed: {error}")),
        (Err(error), Some(text)) => {
            same_words(&error, text)?;
            let place = sources.locate(error.span).unwrap();
            let expected = (case.get("line").unwrap().as_int(), case.get("column").unwrap().as_int());
            let found = (Some(place.line as i64), Some(place.column as i64));
            if expected.0.is_some() && expected != found {
                return Err(format!("at {found:?}, not {expected:?}: {error}"));
            }
            assert!(!report::render(&Problem::from(error), &sources, report::Style::Plain).is_empty());
            Ok(())
        }
    }
}

/// Whether every line of Salt's text that says something (not where) is in ours. Long ones are cut there.
fn same_words(error: &YamlError, text: &str) -> Result<(), String> {
    let ours = error.to_string();
    let text = text.split_once(": ").map_or(text, |(_, text)| text);
    for line in text.lines().filter(|line| !line.trim_start().starts_with("in \"<")) {
        let start: String = line.chars().take(250).collect();
        // Misspelt in the recorded answer.
        let start = start.replace("allowked", "allowed");
        if !ours.contains(start.trim_end_matches(['\n'])) {
            return Err(format!("`{ours}` does not say `{start}`"));
        }
    }
    Ok(())
}

fn expected(value: &Value) -> Value {
    match &value.data {
        Data::List(items) => items.iter().map(expected).collect(),
        Data::Map(map) => {
            if let Some(float) = value.get("$float").and_then(Value::as_str) {
                return float.parse::<f64>().unwrap().into();
            }
            if let Some(pairs) = value.get("$map").and_then(Value::as_list) {
                return pairs.iter().map(pair).collect::<value::Map>().into();
            }
            map.iter().map(|(key, value)| (key.clone(), expected(value))).collect::<value::Map>().into()
        }
        _ => value.clone(),
    }
}

fn pair(pair: &Value) -> (Key, Value) {
    let [key, value] = pair.as_list().unwrap() else { panic!("not a pair") };
    let key = match &key.data {
        Data::Null => Key::Null,
        Data::Int(number) => Key::Int(*number),
        Data::Str(text) => Key::Str(text.clone()),
        other => panic!("no key: {other:?}"),
    };
    (key, expected(value))
}
