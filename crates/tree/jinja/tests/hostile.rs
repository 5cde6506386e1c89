//! Templates that want to hang, overflow or panic.

#![allow(clippy::unwrap_used, reason = "tests")]

use jinja::{Environment, Error, ErrorKind, Globals, Job, Limits, Loaded, Loader, Value};
use proptest::prelude::*;
use value::SourceId;

fn environment() -> Environment {
    let mut environment = Environment::new();
    environment.set_limits(Limits { steps: 1_500_000, ..Limits::default() });
    environment
}

fn render(text: &str) -> Result<String, Error> {
    environment().render_text(text, Globals::new())
}

fn fails(text: &str) -> Error {
    match render(text) {
        Ok(rendered) => panic!("{text:?} rendered {} bytes", rendered.len()),
        Err(error) => error,
    }
}

#[test]
fn endless_loops_and_huge_values_hit_a_limit() {
    for text in [
        "{% set l = [1] %}{% for x in l %}{% do l.append(x) %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'a' * 10**10 }}",
        "{{ [0] * 10**10 }}",
        "{{ 10**(10**10) }}",
        "{% set ns = namespace(x=2) %}{% for i in range(1000) %}{% set ns.x = ns.x ** 2 %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(1000) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(1000) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set l = [1] %}{% for i in range(1000) %}{% do l.extend(l) %}{% endfor %}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ 'a'.center(10**12) }}",
        "{{ 'a'.zfill(10**12) }}",
        "{{ ('a' * 100000).replace('', 'b' * 100000) }}",
        "{{ (['a' * 1000000] * 1000) | join }}",
        "{{ 'a' | indent(10**9) }}",
        "{{ ('a\n' * 100000) | indent(100000) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{% set x = caller %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% for i in range(100000) %}{% for j in range(50) %}{{ 'xxxxxxxxxxxxxxxxxxxx' * 100000 }}{% endfor %}{% endfor %}",
    ] {
        let error = fails(text);
        assert_eq!(*error.kind(), ErrorKind::Limit, "{text}: {error}");
        assert!(!error.span().is_none(), "{text}");
    }
}

#[test]
fn deep_nesting_of_the_text_is_an_error() {
    let many = 100_000;
    for text in [
        format!("{{{{ {}1{} }}}}", "(".repeat(many), ")".repeat(many)),
        format!("{{{{ {}{} }}}}", "[".repeat(many), "]".repeat(many)),
        format!("{{{{ {} }}}}", "[".repeat(many)),
        format!("{{{{ {}1 }}}}", "-".repeat(many)),
        format!("{{{{ {}1 }}}}", "not ".repeat(many)),
        format!("{{{{ 1{} }}}}", " + 1".repeat(many)),
        format!("{{{{ x{} }}}}", ".a".repeat(many)),
        format!("{{{{ x{} }}}}", "[0]".repeat(many)),
        format!("{{{{ x{} }}}}", "()".repeat(many)),
        format!("{{{{ 1{} }}}}", "|e".repeat(many)),
        format!("{{{{ 1{} }}}}", " is odd".repeat(many)),
        format!("{{{{ 1{} }}}}", " if 1".repeat(many)),
        format!("{{{{ 1{} }}}}", " if 1 else 1".repeat(many)),
        format!("{{{{ {} }}}}", "{1:".repeat(many)),
        format!("{{{{ {} }}}}", "f(".repeat(many)),
        format!("{{{{ {} }}}}", "1 is odd ".repeat(many)),
        format!("{{% set {} = 1 %}}", "(".repeat(many)),
        format!("{{% for {} in x %}}", "(a,".repeat(many)),
        "{% if 1 %}".repeat(many),
        "{% for x in y %}".repeat(many),
        "{% macro x() %}".repeat(many),
        "{% filter e %}".repeat(many),
        "{% call x() %}".repeat(many),
        "{% set x %}".repeat(many),
        "{% block x %}".repeat(many),
        "{% with %}".repeat(many),
        "{% load_yaml as x %}".repeat(many),
    ] {
        let error = fails(&text);
        assert!(
            matches!(
                error.kind(),
                ErrorKind::Limit | ErrorKind::Syntax | ErrorKind::Undefined | ErrorKind::Assertion
            ),
            "{error}"
        );
    }
    assert!(render(&format!("{{{{ {} }}}}", "9".repeat(1_000_000))).is_err());
    assert!(render(&format!("{{{{ '{}'|int }}}}", "9".repeat(1_000_000))).is_ok());
    // Wide is fine.
    assert_eq!(render(&format!("{{{{ 'x'{} }}}}", " ~ 'x'".repeat(2000))).unwrap().len(), 2001);
    assert_eq!(render(&"{% if 1 %}x{% endif %}".repeat(2000)).unwrap().len(), 2000);
    assert!(render(&format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}x".repeat(3000))).is_ok());
}

#[test]
fn deep_values_compare_print_and_die_without_overflow() {
    let deep = "{% set ns = namespace(x=[], y=[], t=(), d={}) %}{% for i in range(20000) %}\
        {% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% set ns.t = (ns.t,) %}{% set ns.d = {'a': ns.d} %}{% endfor %}";
    for (use_, class) in [
        ("{{ ns.x }}", "RecursionError"),
        ("{{ ns.x == ns.y }}", "RecursionError"),
        ("{{ ns.x < ns.y }}", "RecursionError"),
        ("{{ ns.t }}", "RecursionError"),
        ("{{ {ns.t: 1} }}", "RecursionError"),
        ("{{ ns.d }}", "RecursionError"),
        ("{{ ns.d|tojson }}", "ValueError"),
        ("{{ ns.d|pprint }}", "RecursionError"),
        ("{{ '%s' % ns.d }}", "RecursionError"),
    ] {
        let error = fails(&format!("{deep}{use_}"));
        assert_eq!(error.kind().class_name(), class, "{use_}");
    }
    assert_eq!(render(&format!("{deep}ok")).unwrap(), "ok");
    let chained = "{% set ns = namespace(x=[1]) %}{% for i in range(20000) %}{% set ns.x = ns.x|map('string') %}\
        {% endfor %}{{ ns.x|list }}";
    assert!(render(chained).is_err());
    for nest in [
        "namespace(x=ns.x)",
        "cycler(ns.x)",
        "joiner(ns.x)",
        "ns.x|map('string')",
        "[ns.x].append",
        "{1: ns.x}.values()",
    ] {
        let text = format!(
            "{{% set ns = namespace(x=1) %}}{{% for i in range(20000) %}}{{% set ns.x = {nest} %}}{{% endfor %}}ok"
        );
        assert_eq!(render(&text).unwrap(), "ok", "{nest}");
    }
    let cyclic = "{% set l = [] %}{% do l.append(l) %}{{ l }}{{ l == l }}{% set d = {} %}{% do d.update(x=d) %}{{ d }}";
    assert_eq!(render(cyclic).unwrap(), "[[...]]True{'x': {...}}");
    assert!(
        render("{% set l = [] %}{% do l.append(l) %}{% set m = [] %}{% do m.append(m) %}{{ l == m }}")
            .is_err()
    );
    assert!(render("{% set l = [] %}{% do l.append(l) %}{{ l|tojson }}").is_err());
    assert!(render("{% set l = [] %}{% do l.append(l) %}{{ l|pprint }}").is_ok());
}

#[test]
fn values_that_are_changed_while_they_are_read() {
    for text in [
        "{% set l = [3, 1, 2] %}{% do l.sort(key=l.append) %}",
        "{% set l = [1, 2] %}{% for x in l %}{% do l.clear() %}{% endfor %}",
        "{% set d = {} %}{% macro m(x) %}{% do d.clear() %}{% endmacro %}{{ d.update(a=m(1)) }}",
        "{% set l = [1] %}{{ l.extend(l|map('string')) }}{{ l.index(l) }}",
        "{% set l = [1, 2] %}{{ l.insert(l.pop(), l.pop()) }}",
        "{% set g = [1]|map('list') %}{{ g in g }}",
        "{% set ns = namespace() %}{% set ns.ns = ns %}{{ ns }}",
    ] {
        drop(render(text));
    }
}

struct Itself;

impl Loader for Itself {
    fn load(&self, name: &str) -> Result<Option<Loaded>, Error> {
        let text = match name {
            "include" => "{% include 'include' %}",
            "import" => "{% import 'import' as x %}",
            "context" => "{% import 'context' as x with context %}",
            "extends" => "{% extends 'extends' %}",
            "block" => "{% block a %}{{ self.a() }}{% endblock %}",
            _ => return Ok(None),
        };
        Ok(Some(Loaded::new(text, SourceId(2))))
    }
}

#[test]
fn templates_that_use_themselves() {
    let environment = environment();
    for name in ["include", "import", "context", "extends", "block"] {
        let text = format!("{{% include '{name}' %}}");
        let template = environment.compile(&text.as_str().into(), SourceId(1)).unwrap();
        let error = environment.render(&Itself, Job::new(template, SourceId(1), Globals::new())).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Limit, "{name}: {error}");
        assert!(error.trace().len() <= 20);
    }
}

/// Pieces that templates are made of.
fn piece() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "-",
        "+",
        " ",
        "\n",
        "if",
        "for",
        "in",
        "x",
        "set",
        "=",
        "endfor",
        "endif",
        "else",
        "elif",
        "macro",
        "endmacro",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'",
        "\"",
        "a",
        "1",
        "2.5",
        ".",
        ",",
        ":",
        "|",
        "is",
        "not",
        "and",
        "or",
        "raw",
        "endraw",
        "block",
        "endblock",
        "call",
        "endcall",
        "filter",
        "endfilter",
        "upper",
        "list",
        "map",
        "sort",
        "include",
        "import",
        "as",
        "from",
        "with",
        "context",
        "do",
        "loop",
        "recursive",
        "break",
        "continue",
        "range",
        "~",
        "*",
        "**",
        "//",
        "%",
        "==",
        "<",
        "\\",
        "é",
        "load_yaml",
        "endload",
        "import_yaml",
        "namespace",
        "append",
        "self",
        "super",
        "caller",
        "varargs",
        "kwargs",
        "extends",
        "scoped",
        "required",
        "autoescape",
        "endautoescape",
        "endset",
        "endwith",
        "print",
        "none",
        "true",
    ];
    prop_oneof![
        8 => prop::sample::select(WORDS).prop_map(str::to_string),
        1 => any::<String>(),
        1 => any::<i64>().prop_map(|number| number.to_string()),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(
        &[
            "1",
            "0",
            "-1",
            "2.5",
            "'ab'",
            "''",
            "[]",
            "[1, 'a']",
            "{}",
            "{'a': 1}",
            "(1,)",
            "none",
            "true",
            "nope",
            "x",
            "x.a",
            "range(3)",
            "9223372036854775807",
            "1e308",
            "x|map('string')",
            "'%s'",
            "'{}'",
            "b",
        ][..],
    )
    .prop_map(str::to_string);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operator = prop::sample::select(
            &["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or"][..],
        );
        let filter = prop::sample::select(
            &[
                "upper", "list", "sort", "length", "first", "last", "join", "int", "float", "round", "abs", "string",
                "tojson", "pprint", "reverse", "unique", "sum", "min", "max", "dictsort", "items", "indent", "title",
                "trim", "wordwrap", "truncate", "urlize", "urlencode", "striptags", "escape", "batch(2)", "slice(2)",
                "groupby('a')", "select", "map('upper')", "default", "center", "xmlattr", "filesizeformat", "random",
                "format(1)", "replace('a', 'b')", "attr('a')", "sum(start=[])", "wordcount", "selectattr('a')",
            ][..],
        );
        let test = prop::sample::select(
            &["odd", "defined", "mapping", "iterable", "sequence", "string", "none", "lower", "sameas x", "in x"][..],
        );
        let method = prop::sample::select(
            &[
                "append(1)", "pop()", "split()", "format(1)", "get('a')", "items()", "update({'b': 2})", "strip()",
                "join(['a'])", "index(1)", "count('a')", "extend([1])", "zfill(5)", "splitlines()", "title()", "encode()",
                "sort()", "insert(0, 1)", "remove(1)", "setdefault('z', [])", "partition('a')", "find('b', -1, 9)",
                "center(9, '*')", "translate({97: 98})", "popitem()", "keys()", "union([1])", "rsplit('b', 1)",
            ][..],
        );
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
            (inner.clone(), filter).prop_map(|(a, filter)| format!("({a}|{filter})")),
            (inner.clone(), test).prop_map(|(a, test)| format!("({a} is {test})")),
            (inner.clone(), method).prop_map(|(a, method)| format!("({a}).{method}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a})[{b}:{c}]")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a})[{b}:{c}:-1]")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("[{a}, {b}]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_text_makes_it_panic(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        drop(render(&text));
        let mut lined = environment();
        lined.set_syntax(jinja::Syntax {
            line_statement_prefix: Some("x".into()),
            line_comment_prefix: Some("-".into()),
            trim_blocks: true,
            lstrip_blocks: true,
            ..jinja::Syntax::default()
        });
        drop(lined.render_text(&text, Globals::new()));
    }

    #[test]
    fn no_expression_makes_it_panic(expression in expression()) {
        let mut globals = Globals::new();
        globals.set("x", Value::list(vec![Value::Int(1), Value::from("é"), Value::None]));
        globals.set("b", Value::Bytes((*b"ab\xff").into()));
        let text = format!("{{{{ {expression} }}}}");
        drop(environment().render_text(&text, globals));
    }
}
