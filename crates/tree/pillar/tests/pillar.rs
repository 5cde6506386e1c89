//! Small pillars, each with what Salt 3007.8 makes of it (tests/cases/pillar.json), and laws.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeMap;
use std::sync::Arc;

use pillar::{Settings, compile};
use proptest::prelude::*;
use report::{Exit, Problem, Problems};
use sls::{Request, Templates, TopSettings, TopTarget};
use target::Pattern;
use value::{Map, Strategy as Merge, Value};

/// Saltenv to path to what the file renders to.
struct DataTree(BTreeMap<String, BTreeMap<String, Value>>);

impl Templates for DataTree {
    fn saltenvs(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn files(&self, saltenv: &str) -> Result<Arc<Vec<String>>, Problem> {
        Ok(Arc::new(self.0.get(saltenv).into_iter().flat_map(BTreeMap::keys).cloned().collect()))
    }

    fn render(&self, request: &Request<'_>, _problems: &mut Problems) -> Option<Value> {
        self.0.get(request.saltenv)?.get(request.path).cloned()
    }
}

fn is_oracle(target: &TopTarget<'_>) -> Result<bool, Problem> {
    Ok(Pattern::new(target.expression).matches("oracle"))
}

#[test]
fn as_salt_compiles() {
    let cases = value::json::from_text(include_str!("cases/pillar.json")).unwrap();
    let failures: Vec<String> =
        cases.as_list().unwrap().iter().filter_map(|case| check(case).err()).collect();
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

fn check(case: &Value) -> Result<(), String> {
    let name = case.get("name").unwrap();
    let mut saltenvs = BTreeMap::new();
    for (saltenv, files) in case.get("data").and_then(Value::as_map).unwrap().iter() {
        let files = files.as_map().unwrap().iter().map(|(path, value)| (path.to_string(), value.clone()));
        saltenvs.insert(saltenv.to_string(), files.collect());
    }
    let mut problems = Problems::new();
    let pillar: Value = compile(&DataTree(saltenvs), &settings(case), &mut is_oracle, &mut problems).into();
    let errors = case.get("errors").and_then(Value::as_int).unwrap();
    if (errors > 0) != problems.has_errors() {
        return Err(format!("{name}: {errors} errors: {problems:?}"));
    }
    if errors > 0 {
        return if problems.exit() == Exit::Pillar { Ok(()) } else { Err(format!("{name}: exit code")) };
    }
    let expected = case.get("pillar").unwrap();
    if pillar == *expected { Ok(()) } else { Err(format!("{name}:\n  ours   {pillar}\n  theirs {expected}")) }
}

fn settings(case: &Value) -> Settings {
    let option = |name: &str| case.get("opts").and_then(|opts| opts.get(name));
    let on = |name: &str| option(name).is_some_and(Value::is_truthy);
    let top = TopSettings {
        saltenv: case.get("pillarenv").and_then(Value::as_str).map(String::from),
        ..TopSettings::default()
    };
    Settings {
        top,
        strategy: option("pillar_source_merging_strategy")
            .and_then(Value::as_str)
            .and_then(Merge::from_name)
            .unwrap_or_default(),
        merge_lists: on("pillar_merge_lists"),
        includes_override: on("pillar_includes_override_sls"),
        over: case.get("override").and_then(Value::as_map).cloned().unwrap_or_default(),
    }
}

/// A file of the tree: includes by number, and one value.
fn files() -> impl Strategy<Value = Vec<(Vec<usize>, i64)>> {
    prop::collection::vec((prop::collection::vec(0..8usize, 0..4), any::<i64>()), 1..8)
}

#[test]
fn includes_hand_down_defaults() {
    struct Echo;
    impl Templates for Echo {
        fn saltenvs(&self) -> Vec<String> {
            vec!["base".into()]
        }
        fn files(&self, _: &str) -> Result<Arc<Vec<String>>, Problem> {
            Ok(Arc::new(["top.sls", "a/b.sls", "d.sls"].map(String::from).into()))
        }
        fn render(&self, request: &Request<'_>, _: &mut Problems) -> Option<Value> {
            let json = match request.path {
                "top.sls" => r#"{"base": {"*": ["a.b"]}}"#,
                "a/b.sls" => r#"{"include": [{"d": {"key": "k:l", "defaults": {"v": 7}}}], "x": 1}"#,
                _ => return Some(request.context.clone().into()),
            };
            value::json::from_text(json).ok()
        }
    }
    let pillar = compile(&Echo, &Settings::default(), &mut is_oracle, &mut Problems::new());
    assert_eq!(value::json::to_text(&pillar.into()), r#"{"k": {"l": {"v": 7}}, "x": 1}"#);
}

#[test]
fn a_missing_sls_ends_the_run_as_a_pillar_failure() {
    let file = |json: &str| value::json::from_text(json).unwrap();
    let files = BTreeMap::from([
        ("top.sls".to_string(), file(r#"{"base": {"*": ["usres"]}}"#)),
        ("users.sls".to_string(), file("{}")),
    ]);
    let mut problems = Problems::new();
    let tree = DataTree(BTreeMap::from([("base".to_string(), files)]));
    compile(&tree, &Settings::default(), &mut is_oracle, &mut problems);
    assert_eq!(problems.exit(), Exit::Pillar);
    let hints: Vec<_> = problems.iter().flat_map(|problem| problem.hints.clone()).collect();
    assert!(hints.contains(&"did you mean `users`?".to_string()), "{hints:?}");
}

proptest! {
    #[test]
    fn however_files_include_each_other_the_last_asked_for_wins(files in files()) {
        let mut tree: BTreeMap<String, Value> = BTreeMap::new();
        for (at, (includes, number)) in files.iter().enumerate() {
            let includes: Vec<String> =
                includes.iter().filter(|other| **other < files.len()).map(|other| format!("s{other}")).collect();
            let mut map: Map = [("v", *number)].into_iter().collect();
            map.insert(format!("own{at}"), *number);
            map.insert("include", includes);
            tree.insert(format!("s{at}.sls"), map.into());
        }
        let all: Vec<String> = (0..files.len()).map(|at| format!("s{at}")).collect();
        let targets: Map = [("*", all)].into_iter().collect();
        tree.insert("top.sls".into(), [("base", targets)].into_iter().collect::<Map>().into());
        let mut problems = Problems::new();
        let tree = DataTree(BTreeMap::from([("base".to_string(), tree)]));
        let pillar = compile(&tree, &Settings::default(), &mut is_oracle, &mut problems);
        prop_assert!(problems.is_empty(), "{problems:?}");
        prop_assert_eq!(pillar.get("v").and_then(Value::as_int), files.last().map(|(_, number)| *number));
        for (at, (_, number)) in files.iter().enumerate() {
            prop_assert_eq!(pillar.get(&format!("own{at}")).and_then(Value::as_int), Some(*number));
        }
        prop_assert!(pillar.get("include").is_none());
    }

    #[test]
    fn what_is_given_for_the_run_wins(value in any::<i64>(), over in any::<i64>()) {
        let tree = r#"{"base": {"top.sls": {"base": {"*": ["a"]}}}}"#;
        let mut tree: BTreeMap<String, BTreeMap<String, Value>> = value::json::from_text(tree).unwrap().as_map().unwrap()
            .iter()
            .map(|(saltenv, files)| {
                let files = files.as_map().unwrap().iter().map(|(path, value)| (path.to_string(), value.clone()));
                (saltenv.to_string(), files.collect())
            })
            .collect();
        let of = |number: i64| -> Map { [("v", number)].into_iter().collect() };
        tree.get_mut("base").unwrap().insert("a.sls".into(), of(value).into());
        let settings = Settings { over: of(over), ..Settings::default() };
        let pillar = compile(&DataTree(tree), &settings, &mut is_oracle, &mut Problems::new());
        prop_assert_eq!(pillar, of(over));
    }
}
