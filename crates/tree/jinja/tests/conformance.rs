//! What the real Jinja2 in Salt's set-up answers, case by case.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use jinja::{
    Args, Dict, Environment, Error, Globals, Job, Loaded, Loader, Object, Set, State, Syntax, Value,
};
use value::{SourceId, json};

const SALTS_FILE: &str = include_str!("jinja-cases.json");

/// What Salt adds to the language: the crate that knows Salt runs the cases that use it.
const SALTS: &[&str] = &[
    "yaml",
    "json",
    "python",
    "load_yaml",
    "load_json",
    "load_text",
    "yaml_encode",
    "yaml_dquote",
    "yaml_squote",
    "regex_replace",
    "regex_match",
    "regex_search",
    "to_bool",
    "union",
    "difference",
    "quote",
    "md5",
    "base64_encode",
    "strftime",
    "traverse",
    "json_query",
    "tojson",
    "dict_to_sls_yaml_params",
];
const SALTS_CASES: &[&str] = &[
    "import_yaml",
    "import_json",
    "import_text",
    "import_yaml jinja inside w/ ctx",
    "import_yaml jinja inside default",
    "load_yaml",
    "load_json",
    "load_text",
    "load_yaml mutate",
    "min/max",
    "salt list test",
    "salt match test",
    "odict global",
    "unique",
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

/// The files of a case, in order; their sources count from 2.
struct Files(Vec<(String, String)>);

impl Loader for Files {
    fn load(&self, name: &str) -> Result<Option<Loaded>, Error> {
        let at = self.0.iter().position(|(known, _)| known == name);
        Ok(at.map(|at| Loaded::new(self.0[at].1.as_str(), SourceId(2 + at as u32))))
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
    fn type_name(&self) -> &'static str {
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
    fn type_name(&self) -> &'static str {
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

/// The syntax a case asks for, by Jinja's option names.
fn syntax(case: &value::Value) -> Syntax {
    let mut syntax = Syntax::default();
    let Some(options) = case.get("syntax").and_then(|options| options.as_map()) else { return syntax };
    for (name, value) in options.iter() {
        let text = value.to_string();
        match name.as_str().unwrap() {
            "trim_blocks" => syntax.trim_blocks = true,
            "lstrip_blocks" => syntax.lstrip_blocks = true,
            "keep_trailing_newline" => syntax.keep_trailing_newline = true,
            "line_statement_prefix" => syntax.line_statement_prefix = Some(text),
            "line_comment_prefix" => syntax.line_comment_prefix = Some(text),
            "block_start_string" => syntax.block_start = text,
            "block_end_string" => syntax.block_end = text,
            "variable_start_string" => syntax.variable_start = text,
            "variable_end_string" => syntax.variable_end = text,
            "comment_start_string" => syntax.comment_start = text,
            "comment_end_string" => syntax.comment_end = text,
            other => panic!("{other}"),
        }
    }
    syntax
}

/// Addresses differ from run to run.
fn without_addresses(text: &str) -> String {
    match text.split_once(" at 0x") {
        Some((before, _)) => before.to_string(),
        None => text.to_string(),
    }
}

/// Runs a file of cases and prints the score by group.
fn check(text: &str, leave_out: fn(&str, &str) -> bool) {
    let cases = json::from_text(text).unwrap();
    let mut score: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut left_out = 0;
    for case in cases.get("cases").unwrap().as_list().unwrap() {
        let field = |name: &str| case.get(name).map(ToString::to_string);
        let (group, name, template) =
            (field("group").unwrap(), field("name").unwrap(), field("template").unwrap());
        if leave_out(&name, &template) {
            left_out += 1;
            continue;
        }
        let mut environment = Environment::new();
        environment.set_syntax(syntax(case));
        let expected = field("output").unwrap_or_else(|| field("error").unwrap());
        let mut line = None;
        let answer = match run(&environment, &context(&cases), case) {
            Ok(text) => text,
            Err(error) => {
                line = line_of(case, &error);
                error.to_string()
            }
        };
        let entry = score.entry(group.clone()).or_default();
        entry.1 += 1;
        let line_expected = case.get("line").and_then(value::Value::as_int);
        let line_wrong = line_expected.is_some() && line_expected != line;
        if without_addresses(&answer) == without_addresses(&expected) && !line_wrong {
            entry.0 += 1;
        } else {
            wrong.push(format!(
                "{name}: {template:?}\n   expected {expected:?} {line_expected:?}\n   answered {answer:?} {line:?}"
            ));
        }
    }
    for (group, (right, all)) in &score {
        println!("{group}: {right} of {all}");
    }
    println!("left out: {left_out}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The line an error is on.
fn line_of(case: &value::Value, error: &Error) -> Option<i64> {
    let span = error.span();
    let text = match span.source {
        SourceId(1) => case.get("template")?.to_string(),
        SourceId(source) => {
            let files = case.get("files")?.as_map()?;
            files.values().nth(source as usize - 2)?.to_string()
        }
    };
    let before = text.get(..span.start as usize)?;
    Some(before.replace("\r\n", "\n").matches(['\n', '\r']).count() as i64 + 1)
}

#[test]
fn salts_cases() {
    check(SALTS_FILE, needs_salt);
}

#[test]
fn cases_of_the_language() {
    check(include_str!("language-cases.json"), |_, _| false);
}

#[test]
fn random_expressions() {
    check(include_str!("random-cases.json"), |_, _| false);
}
