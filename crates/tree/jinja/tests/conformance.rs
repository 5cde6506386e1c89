//! What the real Jinja2 in Salt's set-up answers, case by case.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jinja::{
    Args, Dict, Environment, Error, Globals, Job, Loaded, Loader, Object, Set, State, Value,
};
use value::{SourceId, json};

const CASES: &str = include_str!("jinja-cases.json");

/// What Salt adds to the language: the crate that knows Salt runs the cases that use it.
const SALTS: &[&str] = &[
    "yaml", "json", "python", "load_yaml", "load_json", "load_text", "yaml_encode", "yaml_dquote",
    "yaml_squote", "regex_replace", "regex_match", "regex_search", "to_bool", "union", "difference", "quote",
    "md5", "base64_encode", "strftime", "traverse", "json_query", "tojson", "dict_to_sls_yaml_params",
];
const SALTS_CASES: &[&str] = &[
    "import_yaml", "import_json", "import_text", "import_yaml jinja inside w/ ctx",
    "import_yaml jinja inside default", "load_yaml", "load_json", "load_text", "load_yaml mutate",
    "min/max", "salt list test", "salt match test", "odict global", "unique",
    "bool arithmetic",
];

fn needs_salt(name: &str, template: &str) -> bool {
    let filtered = |filter: &str| {
        template.match_indices('|').any(|(at, _)| {
            let rest = template[at + 1..].trim_start();
            rest.strip_prefix(filter)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    };
    SALTS_CASES.contains(&name) || SALTS.iter().any(|filter| filtered(filter))
}

struct Files(HashMap<String, String>);

impl Loader for Files {
    fn load(&self, name: &str) -> Result<Option<Loaded>, Error> {
        Ok(self.0.get(name).map(|text| Loaded::new(text.as_str(), SourceId(2))))
    }
}

/// `salt` as the cases use it.
struct Salt;

impl Salt {
    fn function(name: &str) -> Option<Value> {
        let name: Arc<str> = name.into();
        Some(match &*name {
            "test.echo" => Value::function(name, |_, args| Ok(args.positional[0].clone())),
            "test.kw" => Value::function(name, |_, args| Ok(keywords(args))),
            "test.args" => Value::function(name, |_, args| {
                let positional = Value::list(args.positional.clone());
                Ok(Value::list(vec![positional, keywords(args)]))
            }),
            "test.dict" => Value::function(name, |_, _| {
                let dict = Dict::new();
                dict.insert("a", Value::Int(1));
                Ok(dict.into())
            }),
            "pillar.get" => Value::function(name, |state, mut args| {
                let key = args.positional[0].as_str().unwrap().to_string();
                let default = args.take_keyword("default").or_else(|| args.positional.get(1).cloned());
                let pillar = state.lookup("pillar").unwrap();
                let mut here = pillar;
                for step in key.split(':') {
                    match here.as_dict().and_then(|dict| dict.get(step)) {
                        Some(value) => here = value,
                        None => return Ok(default.unwrap_or_else(|| "".into())),
                    }
                }
                Ok(here)
            }),
            _ => return None,
        })
    }
}

fn keywords(args: Args) -> Value {
    args.keyword.into_iter().collect::<Dict>().into()
}

impl Object for Salt {
    fn type_name(&self) -> &str {
        "LazyLoader"
    }

    fn item(&self, _: &mut State<'_>, key: &Value) -> Result<Option<Value>, Error> {
        Ok(key.as_str().and_then(Self::function))
    }

    fn attribute(&self, _: &mut State<'_>, name: &str) -> Result<Option<Value>, Error> {
        Ok(matches!(name, "test" | "pillar").then(|| Value::object(Module(name.to_string()))))
    }
}

struct Module(String);

impl Object for Module {
    fn type_name(&self) -> &str {
        "LoadedMod"
    }

    fn attribute(&self, _: &mut State<'_>, name: &str) -> Result<Option<Value>, Error> {
        Ok(Salt::function(&format!("{}.{name}", self.0)))
    }
}

fn context(cases: &value::Value) -> Globals {
    let mut globals = Globals::new();
    for (name, value) in cases.get("context").unwrap().as_map().unwrap().iter() {
        let value = Value::from(value);
        if name.as_str() == Some("pillar") {
            let pillar = value.as_dict().unwrap();
            pillar.insert("aset", Value::Set(Set::from_items([Value::from("x")]).unwrap()));
            pillar.insert("bin", Value::Bytes((*b"ab\0").into()));
        }
        globals.set(name.to_string(), value);
    }
    globals.set("salt", Value::object(Salt));
    globals
}

fn run(environment: &Environment, globals: &Globals, case: &value::Value) -> Result<String, Error> {
    let files = case.get("files").and_then(|files| files.as_map());
    let files = files.into_iter().flat_map(|files| files.iter());
    let files = Files(files.map(|(name, text)| (name.to_string(), text.to_string())).collect());
    let text: Arc<str> = case.get("template").unwrap().as_str().unwrap().into();
    let template = environment.compile(&text, SourceId(1))?;
    let rendered = environment.render(&files, Job::new(template, SourceId(1), globals.clone()))?;
    Ok(rendered.text)
}

/// Addresses differ from run to run.
fn without_addresses(text: &str) -> String {
    match text.split_once(" at 0x") {
        Some((before, _)) => before.to_string(),
        None => text.to_string(),
    }
}

#[test]
fn answers_as_jinja_does() {
    let cases = json::from_text(CASES).unwrap();
    let environment = Environment::new();
    let mut score: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut left_out = 0;
    for case in cases.get("cases").unwrap().as_list().unwrap() {
        let field = |name: &str| case.get(name).map(ToString::to_string);
        let (group, name, template) =
            (field("group").unwrap(), field("name").unwrap(), field("template").unwrap());
        if needs_salt(&name, &template) {
            left_out += 1;
            continue;
        }
        let expected = field("output").unwrap_or_else(|| field("error").unwrap());
        let answer = match run(&environment, &context(&cases), case) {
            Ok(text) => text,
            Err(error) => error.to_string(),
        };
        let entry = score.entry(group.clone()).or_default();
        entry.1 += 1;
        if without_addresses(&answer) == without_addresses(&expected) {
            entry.0 += 1;
        } else {
            wrong.push(format!("{group}/{name}: {template}\n   expected {expected:?}\n   answered {answer:?}"));
        }
    }
    for (group, (right, all)) in &score {
        println!("{group}: {right} of {all}");
    }
    println!("left to the crate that knows Salt: {left_out}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
