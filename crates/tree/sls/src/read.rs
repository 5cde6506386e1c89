//! One rendered SLS read into declarations: the short forms made long, what is malformed reported.

use std::sync::Arc;

use foldhash::fast::RandomState;
use report::{Problem, Problems};
use value::{Data, Key, Map, Span, Value};

use crate::high::{Body, Declaration, Extension, Home, Ordered};
use crate::verify;

/// What an SLS says.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) includes: Vec<Value>,
    pub(crate) declarations: Vec<(Arc<str>, Declaration)>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) exclusions: Vec<Value>,
}

/// Reads what an SLS rendered to. An SLS that renders to nothing declares nothing.
pub(crate) fn read(rendered: Value, home: &Arc<Home>, problems: &mut Problems) -> Content {
    let mut content = Content::default();
    let span = rendered.span;
    let truthy = rendered.is_truthy();
    let kind = rendered.kind();
    let Data::Map(map) = rendered.data else {
        if truthy {
            problems.push(
                Problem::error(
                    "sls.not-a-mapping",
                    format!("SLS {} does not render to a dictionary", home.sls),
                )
                .at(span)
                .why(format!("it is {kind}; an SLS maps ids to states"))
                .hint("check the indentation and that every id ends with a colon"),
            );
        }
        return content;
    };
    for (key, entry) in map {
        let (span, value) = (entry.key_span, entry.value);
        match key.as_str() {
            Some("include") => {
                content.includes = list_of(value, span, "sls.include-not-a-list", "include", home, problems);
            }
            Some("exclude") => {
                content.exclusions =
                    list_of(value, span, "sls.exclude-not-a-list", "exclude", home, problems);
            }
            Some("extend") => read_extend(value, span, home, &mut content, problems),
            Some(id) if id.starts_with("__") => {
                problems.push(
                    Problem::warning("sls.ignored-id", format!("the id `{id}` is ignored"))
                        .at(span)
                        .why("ids that begin with two underscores are Salt's own")
                        .hint("rename it"),
                );
            }
            _ => read_declaration(key, span, value, home, &mut content, problems),
        }
    }
    content
}

fn list_of(
    value: Value,
    span: Span,
    code: &'static str,
    word: &str,
    home: &Home,
    problems: &mut Problems,
) -> Vec<Value> {
    let kind = value.kind();
    if let Data::List(items) = value.data {
        return items;
    }
    problems.push(
        Problem::error(code, format!("`{word}` in SLS {} is not a list", home.sls))
            .at(span)
            .why(format!("it is {kind}"))
            .hint(format!("write one `- name` a line below `{word}:`")),
    );
    Vec::new()
}

fn read_declaration(
    key: Key,
    id_span: Span,
    value: Value,
    home: &Arc<Home>,
    content: &mut Content,
    problems: &mut Problems,
) {
    let Key::Str(id) = key else {
        problems.push(
            Problem::error(
                "sls.id-not-text",
                format!("ID `{key}` in SLS {} is not text; it may need to be quoted", home.sls),
            )
            .at(id_span)
            .hint(format!("write '{key}':")),
        );
        return;
    };
    let states = match &value.data {
        Data::Str(short) => read_short(short, value.span, &id, id_span, home, problems),
        Data::Map(_) => {
            let Data::Map(map) = value.data else { return };
            read_states(map, &id, home, problems)
        }
        _ => {
            problems.push(not_a_dictionary(&id, id_span, value.kind(), home));
            return;
        }
    };
    let Some(states) = states else { return };
    if states.is_empty() {
        problems.push(
            Problem::warning("sls.declares-nothing", format!("ID `{id}` declares no state"))
                .at(id_span)
                .hint("name a state function below it, or remove it"),
        );
    }
    content.declarations.push((id, Declaration { id_span, home: Arc::clone(home), states }));
}

/// `id: pkg.installed`
fn read_short(
    short: &str,
    span: Span,
    id: &str,
    id_span: Span,
    home: &Home,
    problems: &mut Problems,
) -> Option<Ordered<Body>> {
    let Some((state, function)) = split_function(short) else {
        problems.push(not_a_dictionary(id, id_span, "text", home));
        return None;
    };
    let body = Body { span, args: vec![Value::from(function).at(span)] };
    Some(Ordered::from_iter([(state.into(), body)]))
}

fn not_a_dictionary(id: &str, id_span: Span, kind: &str, home: &Home) -> Problem {
    Problem::error("sls.id-not-a-mapping", format!("ID {id} in SLS {} is not a dictionary", home.sls))
        .at(id_span)
        .why(format!("what stands under it is {kind}"))
        .hint("write `module.function:` below the id and its arguments as a list below that")
}

/// The states of one id. Keys with a dot come after those without, as in Salt.
fn read_states(map: Map, id: &Arc<str>, home: &Arc<Home>, problems: &mut Problems) -> Option<Ordered<Body>> {
    let mut plain = Ordered::with_capacity_and_hasher(map.len(), RandomState::default());
    let mut dotted: Vec<(Arc<str>, Body)> = Vec::new();
    let before = problems.len();
    for (key, entry) in map {
        let span = entry.key_span;
        let Key::Str(key) = key else {
            problems.push(
                Problem::error("sls.state-not-text", format!("`{key}` below ID `{id}` is no state function"))
                    .at(span)
                    .hint("write `module.function:` below the id, such as `file.managed:`"),
            );
            continue;
        };
        if key.starts_with("__") {
            continue;
        }
        let Some(mut body) = read_body(&key, span, entry.value, id, home, problems) else { continue };
        match split_function(&key) {
            Some((state, function)) => {
                body.args.push(Value::from(function).at(span));
                dotted.push((state.into(), body));
            }
            None => {
                plain.insert(key, body);
            }
        }
    }
    for (state, body) in dotted {
        let span = body.span;
        if let Some(first) = plain.get(&state) {
            problems.push(twice(&state, id, home, first.span, span));
            continue;
        }
        plain.insert(state, body);
    }
    for (state, body) in &plain {
        verify::body(id, state, body, home, problems);
    }
    (problems.len() == before || !plain.is_empty()).then_some(plain)
}

fn twice(state: &str, id: &str, home: &Home, first: Span, second: Span) -> Problem {
    Problem::error(
        "sls.state-twice",
        format!("ID '{id}' in SLS '{}' contains multiple state declarations of the same type", home.sls),
    )
    .at(second)
    .related(first, format!("`{state}` is first used here"))
    .why("an id can use each state module once")
    .hint("give one of them an id of its own and say which file or package it means with `- name:`")
}

fn read_body(
    key: &str,
    span: Span,
    value: Value,
    id: &str,
    home: &Home,
    problems: &mut Problems,
) -> Option<Body> {
    let kind = value.kind();
    let problem = match value.data {
        Data::List(args) => return Some(Body { span, args }),
        Data::Null => Problem::error(
            "sls.trailing-colon",
            format!(
                "ID '{id}' in SLS '{}' contains a short declaration ({key}) with a trailing colon",
                home.sls
            ),
        )
        .at(span)
        .why("when no arguments are passed to a state, the colon must be omitted")
        .hint(format!("write `{key}: []`, or `{id}: {key}` on one line")),
        Data::Map(_) => not_a_list(id, key, span, kind, home).hint("begin each argument with `- `"),
        _ => not_a_list(id, key, span, kind, home)
            .hint(format!("write `- name: value` lines below `{key}:`, or `{key}: []` for none")),
    };
    problems.push(problem);
    None
}

fn not_a_list(id: &str, key: &str, span: Span, kind: &str, home: &Home) -> Problem {
    Problem::error(
        "sls.state-not-a-list",
        format!("State '{id}' in SLS '{}' is not formed as a list", home.sls),
    )
    .at(span)
    .why(format!("what stands under `{key}` is {kind}; arguments are a list"))
}

fn read_extend(value: Value, span: Span, home: &Arc<Home>, content: &mut Content, problems: &mut Problems) {
    let kind = value.kind();
    let Data::Map(map) = value.data else {
        problems.push(
            Problem::error(
                "sls.extend-not-a-mapping",
                format!("Extension value in SLS '{}' is not a dictionary", home.sls),
            )
            .at(span)
            .why(format!("it is {kind}"))
            .hint("write the ids to extend below it, each with a colon and its state function below that"),
        );
        return;
    };
    for (key, entry) in map {
        let id: Arc<str> = key.to_string().into();
        let Data::Map(states) = entry.value.data else {
            problems.push(
                Problem::error(
                    "sls.extend-not-a-mapping",
                    format!("Extension name '{id}' in SLS '{}' is not a dictionary", home.sls),
                )
                .at(entry.key_span)
                .hint("write `module.function:` below the id, and what to add as a list below that"),
            );
            continue;
        };
        let Some(states) = read_extension_states(states, &id, home, problems) else { continue };
        if states.is_empty() {
            problems.push(
                Problem::error("sls.extend-nothing", format!("the extension of `{id}` names no state"))
                    .at(entry.key_span)
                    .hint("write `module.function:` below the id, and what to add as a list below that"),
            );
            continue;
        }
        content.extensions.push(Extension { id, id_span: entry.key_span, home: Arc::clone(home), states });
    }
}

/// As [`read_states`], but a state may come twice (the later one counts), and what is said is only checked
/// when it has been joined with what it extends.
fn read_extension_states(map: Map, id: &str, home: &Home, problems: &mut Problems) -> Option<Ordered<Body>> {
    let mut states = Ordered::default();
    let mut complete = true;
    for (key, entry) in map {
        let key: Arc<str> = key.to_string().into();
        if key.starts_with("__") {
            continue;
        }
        let Some(mut body) = read_body(&key, entry.key_span, entry.value, id, home, problems) else {
            complete = false;
            continue;
        };
        match split_function(&key) {
            Some((state, function)) => {
                body.args.push(Value::from(function).at(entry.key_span));
                states.insert(state.into(), body);
            }
            None => {
                states.insert(key, body);
            }
        }
    }
    (complete || !states.is_empty()).then_some(states)
}

/// `pkg.installed` in its two parts; what follows a second dot is dropped, as in Salt.
fn split_function(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.split('.');
    Some((parts.next()?, parts.next()?))
}
