//! Where output and errors come from, and how objects and globals take part.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;
use std::sync::Arc;

use jinja::{Args, Environment, Error, Globals, Job, Limits, Loaded, Loader, Object, Rendered, State, Value};
use report::{Problem, Sources, Style};
use value::SourceId;

/// Templates by name, registered as sources when they are loaded.
struct Tree<'a> {
    sources: Sources,
    files: &'a [(&'a str, &'a str)],
    loads: Cell<u32>,
}

impl<'a> Tree<'a> {
    fn new(files: &'a [(&'a str, &'a str)]) -> Self {
        Self { sources: Sources::new(), files, loads: Cell::new(0) }
    }

    fn render(&self, text: &str) -> Result<Rendered, Error> {
        let environment = Environment::new();
        let source = self.sources.add("main", text);
        let template = environment.compile(&text.into(), source)?;
        let mut globals = Globals::new();
        globals.set("grains", Value::Dict([("os", Value::from("Debian"))].into_iter().collect()));
        globals.set("tpldir", "main dir");
        environment.render(self, Job::new(template, source, globals))
    }

    /// The source text behind the output that `part` is found in.
    fn behind(&self, rendered: &Rendered, part: &str) -> String {
        let at = rendered.text.find(part).unwrap();
        let span = rendered.map.span(at..at + part.len());
        let source = self.sources.get(span.source).unwrap();
        format!("{}: {}", source.name, &source.text[span.start as usize..span.end as usize])
    }
}

impl Loader for Tree<'_> {
    fn resolve(&self, name: &str, importer: Option<&str>, _: &Globals) -> Result<Arc<str>, Error> {
        Ok(match (name.strip_prefix("./"), importer) {
            (Some(name), Some(importer)) => {
                let folder = importer.rsplit_once('/').map_or("", |(folder, _)| folder);
                format!("{folder}/{name}").into()
            }
            _ => name.into(),
        })
    }

    fn load(&self, name: &str) -> Result<Option<Loaded>, Error> {
        self.loads.set(self.loads.get() + 1);
        let found = self.files.iter().find(|(known, _)| *known == name);
        Ok(found.map(|(name, text)| {
            let mut loaded = Loaded::new(*text, self.sources.add(*name, *text));
            loaded.globals.push(("tpldir".into(), Value::from(format!("dir of {name}"))));
            loaded
        }))
    }
}

#[test]
fn output_leads_back_to_its_template() {
    let tree = Tree::new(&[
        ("lib", "{% macro user(name) %}\n{{ name }}:\n  user.present\n{% endmacro %}"),
        ("part", "included {{ grains.os }}\r\nlast line\r\n"),
        ("base", "head\n{% block body %}{% endblock %}\nfoot"),
    ]);
    let rendered = tree
        .render(
            "{% extends 'base' %}{% import 'lib' as lib %}{% block body %}\
             {% from 'lib' import user %}{{ user('bob') }}\n{% include 'part' %}\n{{ 1 + 1 }} own\n\
             {% set x %}set{% endset %}{{ x }}{% filter upper %}low{% endfilter %}{% endblock %}",
        )
        .unwrap();
    assert!(rendered.text.starts_with("head\n\nbob:"), "{}", rendered.text);
    for (part, source) in [
        ("head", "base: head"),
        ("foot", "base: foot"),
        ("bob", "lib: {{ name }}"),
        ("user.present", "lib: user.present"),
        ("included", "part: included"),
        ("Debian", "part: {{ grains.os }}"),
        ("last", "part: last"),
        ("2", "main: {{ 1 + 1 }}"),
        ("own", "main: own"),
        ("set", "main: {{ x }}"),
        ("LOW", "main: {% filter upper %}low{% endfilter %}"),
    ] {
        assert_eq!(tree.behind(&rendered, part), source);
    }
}

#[test]
fn errors_say_where_and_how_they_came_there() {
    let tree = Tree::new(&[("lib", "{% macro user(name) %}\n{{ name.first }}\n{% endmacro %}")]);
    let error = tree.render("a\n{% from 'lib' import user %}\n{{ user({'frist': 1}) }}\n").unwrap_err();
    let text = report::render(&Problem::from(&error), &tree.sources, Style::Plain);
    assert_eq!(
        text,
        "error: 'dict object' has no attribute 'first'\n \
         --> lib:2:1\n  |\n2 | {{ name.first }}\n  | ^^^^^^^^^^^^^^^^\n  |\n \
         ::: main:3:1\n  |\n3 | {{ user({'frist': 1}) }}\n  | ------------------------ called here\n  |\n  \
         = note: UndefinedError\n  = help: did you mean `frist`?\n"
    );
    let error = tree.render("{{ grians.os }}").unwrap_err();
    assert_eq!(error.hints(), ["did you mean `grains`?"]);
    let error = tree.render("{{ 'a'|uper }}").unwrap_err();
    assert_eq!(error.hints(), ["did you mean `upper`?"]);
    let error = tree.render("{% esle %}").unwrap_err();
    assert_eq!(error.hints(), ["did you mean `else`?"]);
    let error = tree.render("{% include 'nope' %}").unwrap_err();
    assert_eq!(error.to_string(), "TemplateNotFound: nope");
}

#[test]
fn globals_change_with_what_is_loaded() {
    let tree = Tree::new(&[
        ("a/lib", "{% set dir = tpldir %}{% from './near' import dir as near %}"),
        ("a/near", "{% set dir = tpldir %}"),
        ("other", "{% set dir = tpldir %}"),
    ]);
    let rendered = tree.render(
        "{% import 'a/lib' as lib %}{{ lib.dir }},{% from 'other' import dir %}{{ dir }},\
         {% from 'a/lib' import dir %}{{ dir }},{% from 'other' import dir with context %}{{ dir }},{{ tpldir }}",
    );
    let expected = "dir of a/lib,dir of other,dir of a/lib,main dir,main dir";
    assert_eq!(rendered.unwrap().text, expected);
    assert_eq!(tree.loads.get(), 3);
}

/// Calls, attributes, items and membership of an embedder's object.
struct Functions;

impl Object for Functions {
    fn type_name(&self) -> &'static str {
        "LazyLoader"
    }

    fn item(&self, _: &mut State<'_>, key: &Value) -> Result<Option<Value>, Error> {
        Ok(key.as_str().filter(|name| *name == "test.echo").map(|name| {
            Value::function(name, |state, mut args: Args| {
                let prefix = args.take_keyword("prefix").unwrap_or_else(|| "".into());
                let text = state.text(&args.positional[0])?;
                Ok(Value::from(format!("{}{text}", state.text(&prefix)?)))
            })
        }))
    }

    fn contains(&self, _: &mut State<'_>, key: &Value) -> Result<Option<bool>, Error> {
        Ok(Some(key.as_str() == Some("test.echo")))
    }

    fn call_method(&self, state: &mut State<'_>, name: &str, args: &Args) -> Result<Option<Value>, Error> {
        match name {
            "get" => self.item(state, &args.positional[0]).map(|found| Some(found.unwrap_or(Value::None))),
            _ => Ok(None),
        }
    }
}

#[test]
fn objects_take_part() {
    let mut environment = Environment::new();
    environment.add_filter("twice", |state, args| {
        let text = state.text(&args.positional[0])?;
        Ok(Value::from(format!("{text}{text}")))
    });
    environment.add_test("long", |_, args| Ok(Value::Bool(args.positional[0].length()? > Some(3))));
    environment.add_function("greet", |state, _| {
        let name = state.lookup("name").unwrap_or(Value::None);
        Ok(Value::from(format!("hi {}", state.text(&name)?)))
    });
    let mut globals = Globals::new();
    globals.set("salt", Value::object(Functions));
    globals.set("name", "bob");
    for (text, output) in [
        ("{{ salt['test.echo'](1, prefix='>') }}{{ salt.get('test.echo')('x') }}", ">1x"),
        ("{{ 'test.echo' in salt }}{{ 'nope' in salt }}{{ salt.nope is defined }}", "TrueFalseFalse"),
        ("{{ salt['test.echo'](*['a'], **{'prefix': 'b'}) }}", "ba"),
        (
            "{{ 'ab'|twice is long }}{{ ['a']|map('twice')|first }}{{ ['abcd']|select('long')|list }}",
            "Trueaa['abcd']",
        ),
        ("{{ greet() }}{{ greet is callable }}", "hi bobTrue"),
        ("{{ salt is callable }}{{ salt is mapping }}", "FalseFalse"),
    ] {
        assert_eq!(environment.render_text(text, globals.clone()).unwrap(), output, "{text}");
    }
}

#[test]
fn templates_are_shared_between_threads_and_compiled_once() {
    let environment = Arc::new(Environment::new());
    let text: Arc<str> = "{% for i in range(3) %}{{ i }}{{ x }}{% endfor %}".into();
    let template = environment.compile(&text, SourceId(1)).unwrap();
    assert!(Arc::ptr_eq(&template, &environment.compile(&text, SourceId(9)).unwrap()));
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let (environment, template) = (environment.clone(), template.clone());
            std::thread::spawn(move || {
                let globals: Globals = [("x", Value::Int(number))].into_iter().collect();
                let job = Job::new(template, SourceId(1), globals);
                environment.render(&jinja::NoLoader, job).unwrap().text
            })
        })
        .collect();
    let texts: Vec<String> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(texts, ["001020", "011121", "021222", "031323"]);
}

#[test]
fn values_come_from_data_and_go_back() {
    let data = value::json::from_text(
        r#"{"a": [1, 2.5, null, true, "é"], "b": {"c": 123456789012345678901234567890}}"#,
    );
    let data = data.unwrap();
    let made = Value::from(&data);
    assert_eq!(made.to_data().unwrap(), data);
    assert_eq!(Value::tuple(vec![Value::Int(1)]).to_data().unwrap(), value::json::from_text("[1]").unwrap());
    assert!(Value::undefined("x").to_data().unwrap_err().to_string().contains("'x' is undefined"));
    assert!(Value::list(vec![Value::undefined("x")]).to_data().is_err());
    let mut deep = Value::None;
    for _ in 0..100_000 {
        deep = Value::list(vec![deep]);
    }
    assert!(deep.to_data().is_err());
}

#[test]
fn lenient_undefined_values_print_as_nothing() {
    let mut environment = Environment::new();
    environment.set_strict(false);
    let render =
        |text: &str| environment.render_text(text, Globals::new()).map_err(|error| error.to_string());
    assert_eq!(
        render("[{{ nope }}{% for x in nope %}{% endfor %}{{ nope == other }}{{ not nope }}]").unwrap(),
        "[TrueTrue]"
    );
    assert_eq!(render("{{ nope.a }}").unwrap_err(), "UndefinedError: 'nope' is undefined");
    assert_eq!(render("{{ nope + 1 }}").unwrap_err(), "UndefinedError: 'nope' is undefined");
}

#[test]
fn limits_are_the_embedders() {
    let mut environment = Environment::new();
    environment.set_limits(Limits { output: 10, ..Limits::default() });
    let error = environment.render_text("{{ 'x' * 11 }}", Globals::new()).unwrap_err();
    assert_eq!(error.to_string(), "LimitError: the template prints too much: more than 10 bytes");
    environment.set_limits(Limits { steps: 100, ..Limits::default() });
    let error = environment.render_text("{% for i in range(99) %}{% endfor %}", Globals::new()).unwrap_err();
    assert_eq!(error.to_string(), "LimitError: the template takes too long: more than 100 steps");
}
