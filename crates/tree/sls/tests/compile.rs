//! Small trees, each with what Salt 3007.8 makes of it (tests/cases/compile.json).

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use report::{Problems, Severity};
use sls::{HighState, LowChunk, Matches, Settings};
use support::DataTree;
use value::{Map, Value};

#[test]
fn as_salt_compiles() {
    let cases = value::json::from_text(include_str!("cases/compile.json")).unwrap();
    let failures: Vec<String> =
        cases.as_list().unwrap().iter().filter_map(|case| check(case).err()).collect();
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

fn check(case: &Value) -> Result<(), String> {
    let name = case.get("name").unwrap();
    let data = case.get("data").and_then(Value::as_map).unwrap();
    let tree = DataTree::base(data.iter().map(|(path, value)| (path.to_string(), value.clone())));
    let wanted = case.get("sls").and_then(Value::as_list).unwrap();
    let matches = Matches::of("base", wanted.iter().filter_map(Value::as_str));
    let mut problems = Problems::new();
    let high = HighState::compile(&tree, &matches, Settings::default(), &mut problems);
    let ok = case.get("ok").and_then(Value::as_bool).unwrap();
    if ok == problems.has_errors() {
        return Err(format!("{name}: ok should be {ok}: {:?}", texts(&problems)));
    }
    if !ok {
        return Ok(());
    }
    same(name, "high", &high.to_value(), case.get("high").unwrap())?;
    same(name, "low", &shown(&high.clone().low()), case.get("low").unwrap())?;
    let low = high.low_full(&mut problems);
    match case.get("low_full").unwrap() {
        expected if expected.is_null() && problems.has_errors() => Ok(()),
        expected if !expected.is_null() && !problems.has_errors() => {
            same(name, "low_full", &without_repeats(&shown(&low)), &without_repeats(expected))
        }
        _ => Err(format!("{name}: low_full: {:?}", texts(&problems))),
    }
}

fn shown(low: &[LowChunk]) -> Value {
    low.iter().map(LowChunk::to_value).collect()
}

fn same(name: &Value, what: &str, ours: &Value, theirs: &Value) -> Result<(), String> {
    let text = value::json::to_text;
    if ours == theirs {
        return Ok(());
    }
    Err(format!("{name}: {what}\n  ours   {}\n  theirs {}", text(ours), text(theirs)))
}

/// Salt adds the requisites of an `_in` list with several entries again and again.
fn without_repeats(low: &Value) -> Value {
    let chunk = |chunk: &Value| {
        let entry = |(key, value): (&value::Key, &Value)| {
            let mut list: Vec<Value> = Vec::new();
            let repeated = sls::REQUISITES.contains(&key.to_string().as_str());
            let Some(items) = value.as_list().filter(|_| repeated) else {
                return (key.clone(), value.clone());
            };
            for item in items {
                if !list.contains(item) {
                    list.push(item.clone());
                }
            }
            (key.clone(), Value::from(list))
        };
        chunk.as_map().unwrap().iter().map(entry).collect::<Map>()
    };
    low.as_list().unwrap().iter().map(chunk).collect()
}

fn texts(problems: &Problems) -> Vec<&str> {
    problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| &*problem.what)
        .collect()
}
