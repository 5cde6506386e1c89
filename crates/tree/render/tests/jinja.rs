//! The real Salt's answers to templates, through the whole renderer.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test that reads its cases")]

use std::collections::BTreeMap;
use std::sync::Arc;

use render::{Facts, FunctionError, Functions, Limits, MemoryTree, RenderRequest, Renderer};
use report::Sources;
use value::{Map, Value};

/// `salt` as the cases use it.
struct Salt {
    pillar: Value,
}

impl Functions for Salt {
    fn call(&self, name: &str, args: Vec<Value>, kwargs: Map) -> Result<Value, FunctionError> {
        Ok(match name {
            "test.echo" => args.into_iter().next().unwrap_or_default(),
            "test.kw" => kwargs.into(),
            "test.args" => vec![Value::from(args), kwargs.into()].into(),
            "test.dict" => [("a", 1i64)].into_iter().collect::<Map>().into(),
            "pillar.get" => {
                let default = kwargs.get("default").or(args.get(1)).cloned().unwrap_or_else(|| "".into());
                let path = args.first().and_then(Value::as_str).unwrap_or_default();
                self.pillar.traverse(path, ":").cloned().unwrap_or(default)
            }
            name => return Err(FunctionError::Unknown { name: name.into() }),
        })
    }

    fn has(&self, name: &str) -> bool {
        self.names().iter().any(|known| known == name)
    }

    fn names(&self) -> Vec<String> {
        ["test.echo", "test.kw", "test.args", "test.dict", "pillar.get"].map(String::from).to_vec()
    }
}

/// Cases whose answer differs, and why.
const DIFFERENT: [(&str, &str); 5] = [
    ("set printing", "facts are plain data, which has no sets"),
    ("undef passed to fn", "execution functions take data; an undefined argument is an error"),
    ("map no list print", "the text holds an address"),
    ("strftime", "needs a clock and a time zone"),
    ("json_query", "no JMESPath"),
];

#[test]
fn templates_as_salt_renders_them() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jinja-cases.json");
    let file = value::json::from_text(&std::fs::read_to_string(path).unwrap()).unwrap();
    let context = file.get("context").unwrap();
    let mut score: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in file.get("cases").and_then(Value::as_list).unwrap() {
        let text = |name: &str| case.get(name).and_then(Value::as_str);
        let (group, name) = (text("group").unwrap(), text("name").unwrap());
        let answer = render(context, case, text("template").unwrap());
        let right = match (text("output"), &answer) {
            // The recorded answers lack the last newline, which Salt puts back.
            (Some(expected), Ok(text)) => text == expected || text.strip_suffix('\n') == Some(expected),
            (None, Err(_)) => true,
            _ => false,
        };
        let entry = score.entry(group.into()).or_default();
        entry.1 += 1;
        entry.0 += usize::from(right);
        if !right && !DIFFERENT.iter().any(|(different, _)| *different == name) {
            wrong.push(format!(
                "{group}/{name}: {:?}\n  got {answer:?}\n  not {:?}",
                text("template"),
                text("output").or(text("error"))
            ));
        }
    }
    for (group, (right, all)) in &score {
        println!("{group}: {right} of {all}");
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

fn render(context: &Value, case: &Value, template: &str) -> Result<String, String> {
    let mut tree = MemoryTree::new();
    for (name, text) in case.get("files").and_then(Value::as_map).into_iter().flat_map(Map::iter) {
        tree.add("base", &name.to_string(), text.as_str().unwrap());
    }
    let mut pillar = context.get("pillar").cloned().unwrap();
    pillar.as_map_mut().unwrap().insert("bin", Value::from(value::Data::Bytes((*b"ab\0").into())));
    let facts = Facts {
        grains: context.get("grains").cloned().unwrap(),
        pillar: pillar.clone(),
        opts: Map::new().into(),
    };
    let sources = Sources::new();
    let renderer =
        Renderer::new(Arc::new(tree), Arc::new(Salt { pillar }), sources, facts, Limits::default());
    let request = RenderRequest {
        saltenv: "base",
        sls: None,
        name: "case",
        bytes: template.as_bytes(),
        default_pipe: "jinja",
        context: &Map::new(),
    };
    renderer.render_text(&request).map(|rendered| rendered.text.to_string()).map_err(|problem| problem.what)
}
