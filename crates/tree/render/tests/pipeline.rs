//! Files through the whole pipe: what comes out, and where problems point.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use render::{Facts, Limits, MemoryTree, NoFunctions, RenderRequest, RenderedText, Renderer};
use report::{Problem, Sources, Style};
use value::{Map, Value};

fn renderer(tree: MemoryTree) -> Renderer {
    let grains = value::json::from_text(r#"{"os": "Debian", "roles": ["web"]}"#).unwrap();
    let facts = Facts { grains, pillar: Map::new().into(), opts: Map::new().into() };
    Renderer::new(Arc::new(tree), Arc::new(NoFunctions), Sources::new(), facts, Limits::default())
}

fn sls(renderer: &Renderer, text: &[u8]) -> Result<Value, String> {
    let request = RenderRequest {
        saltenv: "base",
        sls: Some("web.nginx"),
        name: "/srv/salt/web/nginx/init.sls",
        bytes: text,
        default_pipe: "jinja|yaml",
        context: &Map::new(),
    };
    renderer.render_data(&request).map_err(|problems| {
        problems.iter().map(|problem| report::render(problem, renderer.sources(), Style::Plain)).collect()
    })
}

fn text(renderer: &Renderer, text: &str) -> Result<RenderedText, Problem> {
    let request = RenderRequest {
        saltenv: "base",
        sls: None,
        name: "salt://x.conf",
        bytes: text.as_bytes(),
        default_pipe: "jinja",
        context: &[("port", 80i64)].into_iter().collect(),
    };
    renderer.render_text(&request)
}

fn json(value: &Value) -> String {
    value::json::to_text(value)
}

#[test]
fn values_point_back_through_jinja() {
    let renderer = renderer(MemoryTree::new());
    let template = "{% for role in grains.roles %}\n{{ role }}:\n  pkg.installed: []\n{% endfor %}\n";
    let value = sls(&renderer, template.as_bytes()).unwrap();
    assert_eq!(json(&value), r#"{"web": {"pkg.installed": []}}"#);
    let map = value.as_map().unwrap();
    let at = |span| renderer.sources().locate(span).unwrap().to_string();
    assert_eq!(at(map.key_span("web")), "/srv/salt/web/nginx/init.sls:2:1");
    assert_eq!(
        at(map.get("web").unwrap().as_map().unwrap().key_span("pkg.installed")),
        "/srv/salt/web/nginx/init.sls:3:3"
    );
}

#[test]
fn yaml_problems_stand_at_the_template_line() {
    let renderer = renderer(MemoryTree::new());
    let template = "{% for i in [1, 2, 3] %}\n# {{ i }}\n{% endfor %}\na: 1\nb: {{ 'x: y' }}\n";
    let problem = sls(&renderer, template.as_bytes()).unwrap_err();
    assert!(problem.contains("init.sls:5:4"), "{problem}");
    assert!(problem.contains("b: {{ 'x: y' }}"), "{problem}");
    assert!(problem.contains("reads: b: x: y"), "{problem}");

    let problem = sls(&renderer, b"a: 1\n{# c #}\nb:\n  c: 1\n  c: 2\n").unwrap_err();
    assert!(problem.contains("init.sls:5:3") && problem.contains("first set here"), "{problem}");

    let problem = sls(&renderer, b"a: {{ grains.soo }}\n").unwrap_err();
    assert!(problem.contains("init.sls:1:"), "{problem}");
}

#[test]
fn imports_come_from_the_tree() {
    let tree = MemoryTree::new()
        .with(
            "web/map.jinja",
            "{% import_yaml './defaults.yaml' as d %}{% set port = d.port %}{% set dir = tpldir %}",
        )
        .with("web/nginx/defaults.yaml", "port: 1")
        .with("web/defaults.yaml", "port: 8080\n")
        .with("top.jinja", "{% macro m() %}{{ tpldir }} {{ grains.os }}{% endmacro %}");
    let renderer = renderer(tree);
    let template = "{% from 'web/map.jinja' import port, dir %}{% from '../../top.jinja' import m %}\
                    a: {{ port }} {{ dir }} {{ tpldir }} {{ tplfile }} {{ slspath }} {{ slsdotpath }} {{ m() }}\n";
    let value = sls(&renderer, template.as_bytes()).unwrap();
    assert_eq!(
        json(&value),
        r#"{"a": "8080 web web/nginx web/nginx/init.sls web/nginx web.nginx web Debian"}"#
    );
    for name in ["missing.jinja", "../../../etc/passwd"] {
        let problem = sls(&renderer, format!("{{% include '{name}' %}}").as_bytes()).unwrap_err();
        assert!(problem.contains("not found"), "{problem}");
    }
}

#[test]
fn the_first_line_chooses_the_renderers() {
    let renderer = renderer(MemoryTree::new());
    assert_eq!(json(&sls(&renderer, b"#!yaml\na: '{{ x }}'\n").unwrap()), r#"{"a": "{{ x }}"}"#);
    assert_eq!(json(&sls(&renderer, b"#!jinja|json\n{\"a\": {{ 1 + 1 }}}\n").unwrap()), r#"{"a": 2}"#);
    assert_eq!(json(&sls(&renderer, b"# nothing\n").unwrap()), "{}");
    assert_eq!(json(&sls(&renderer, b"").unwrap()), "{}");
    let problem = sls(&renderer, b"#!py\ndef run(): pass\n").unwrap_err();
    assert!(problem.contains("renderer `py` is not available"), "{problem}");
    assert!(sls(&renderer, b"#!jinja|ymal\n").unwrap_err().contains("did you mean `yaml`?"));
}

#[test]
fn broken_bytes_are_one_clear_problem() {
    let renderer = renderer(MemoryTree::new());
    assert!(sls(&renderer, b"a: \xff\n").unwrap_err().contains("offset 3"));
    assert!(sls(&renderer, b"a: \0\n").unwrap_err().contains("control characters"));
    assert!(sls(&renderer, &vec![b' '; 33 << 20]).unwrap_err().contains("may have"));
}

#[test]
fn templates_of_files_keep_their_last_newline() {
    let renderer = renderer(MemoryTree::new());
    assert_eq!(&*text(&renderer, "listen {{ port }};\n").unwrap().text, "listen 80;\n");
    assert_eq!(&*text(&renderer, "listen {{ port }};").unwrap().text, "listen 80;");
    assert_eq!(&*text(&renderer, "plain\n").unwrap().text, "plain\n");
    let sources = renderer.sources().clone();
    for _ in 0..100 {
        text(&renderer, "listen {{ port }};\n").unwrap();
    }
    assert!(sources.get(value::SourceId(10)).is_none(), "a template rendered again is no new source");
}
