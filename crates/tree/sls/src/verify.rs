//! Whether what stands under an id can be cut into low chunks.
//!
//! The conditions are those under which Salt refuses a high state; what Salt passes over in silence is a
//! warning here.

use std::sync::Arc;

use foldhash::HashMap;
use report::{Problem, Problems};
use value::{Data, Entry, Key, Map, Value};

use crate::high::{Body, HighState, Home};
use crate::requisite;

/// The requisites whose form Salt checks before it runs anything.
const CHECKED: [&str; 4] = ["require", "watch", "prereq", "onchanges"];

/// Checks one state of an id.
pub(crate) fn body(id: &str, state: &str, body: &Body, home: &Home, problems: &mut Problems) {
    let mut functions: Vec<&Value> = Vec::new();
    let mut has_blank = false;
    for arg in &body.args {
        match &arg.data {
            Data::Str(function) => {
                if function.trim().contains(' ') {
                    problems.push(function_with_blank(function, id, arg, home));
                    has_blank = true;
                }
                functions.push(arg);
            }
            Data::Map(map) => argument(id, map, arg, home, problems),
            _ => problems.push(
                Problem::warning("sls.ignored-argument", format!("`{arg}` in state `{id}` is ignored"))
                    .at(arg.span)
                    .why(format!("it is {}; an argument is `- name: value`", arg.kind()))
                    .hint("name what it is the value of, or take it out"),
            ),
        }
    }
    match functions.as_slice() {
        [_] => {}
        [] if matches!(state, "require" | "watch") => problems.push(
            Problem::warning("sls.stray-requisite", format!("`{state}` below ID `{id}` belongs to no state"))
                .at(body.span)
                .hint("indent it below the state function it is for"),
        ),
        [] => problems.push(
            Problem::error(
                "sls.no-function",
                format!("No function declared in state '{id}' in SLS '{}'", home.sls),
            )
            .at(body.span)
            .hint(format!("write `{state}.FUNCTION:`, or `- FUNCTION` below `{state}:`")),
        ),
        // What has a blank was meant as an argument, and is told already.
        _ if has_blank => {}
        [first, rest @ ..] => problems.push(too_many_functions(id, first, rest, body, home)),
    }
}

fn function_with_blank(function: &str, id: &str, arg: &Value, home: &Home) -> Problem {
    Problem::error(
        "sls.function-with-blank",
        format!("The function \"{function}\" in state \"{id}\" in SLS \"{}\" has whitespace", home.sls),
    )
    .at(arg.span)
    .why("a function with whitespace is not supported, perhaps this is an argument that is missing a \":\"")
    .hint(match function.trim().split_once(' ') {
        Some((name, value)) => format!("write `- {name}: {}`", value.trim()),
        None => "write `- name: value`".into(),
    })
}

fn too_many_functions(id: &str, first: &Value, rest: &[&Value], body: &Body, home: &Home) -> Problem {
    let names: Vec<&str> =
        std::iter::once(&first).chain(rest).filter_map(|function| function.as_str()).collect();
    let problem = Problem::error(
        "sls.too-many-functions",
        format!("Too many functions declared in state '{id}' in SLS '{}'", home.sls),
    )
    .at(first.span.or(body.span))
    .hint(format!("choose one of: {}", names.join(", ")));
    rest.iter().fold(problem, |problem, function| problem.related(function.span, "and this one"))
}

fn argument(id: &str, map: &Map, arg: &Value, home: &Home, problems: &mut Problems) {
    let Some((key, entry)) = map.entries().next() else {
        problems.push(
            Problem::error("sls.empty-argument", format!("an empty argument in state `{id}`"))
                .at(arg.span)
                .hint("write `- name: value`, or take the line out"),
        );
        return;
    };
    let Some(word) = key.as_str() else { return };
    if word == "names" {
        names(id, entry, home, problems);
    } else if word == "order" {
        order(id, &entry.value, problems);
    } else if CHECKED.contains(&word) {
        checked_requisite(id, word, entry, map, home, problems);
    } else if requisite::is_reference_list(word) {
        unchecked_requisite(id, word, entry, problems);
    } else if looks_like_references(&entry.value)
        && let Some(meant) = requisite::probably_meant(word)
    {
        problems.push(
            Problem::warning("sls.unknown-requisite", format!("`{word}` is no requisite"))
                .at(entry.key_span)
                .why(format!(
                    "state `{id}` passes it to its function as an argument; nothing is ordered by it"
                ))
                .hint(format!("did you mean `{meant}`?")),
        );
    }
}

/// Salt takes any other text for no order at all.
fn order(id: &str, value: &Value, problems: &mut Problems) {
    let is_number = matches!(value.data, Data::Int(_) | Data::Float(_) | Data::Bool(_));
    if !is_number && !matches!(value.as_str(), Some("first" | "last")) {
        problems.push(
            Problem::warning(
                "sls.order",
                format!("`order` of state `{id}` is neither a number nor first nor last"),
            )
            .at(value.span)
            .why("the state runs where it stands")
            .hint("write `order: first`, `order: last` or a number"),
        );
    }
}

fn looks_like_references(value: &Value) -> bool {
    value.as_list().is_some_and(|items| {
        !items.is_empty()
            && items.iter().all(|item| {
                item.as_map()
                    .is_some_and(|map| map.len() == 1 && map.values().all(|name| name.as_str().is_some()))
            })
    })
}

fn names(id: &str, entry: &Entry, home: &Home, problems: &mut Problems) {
    let Some(items) = entry.value.as_list() else {
        problems.push(
            Problem::error(
                "sls.names-not-a-list",
                format!(
                    "The 'names' argument in state '{id}' in SLS '{}' needs to be formed as a list",
                    home.sls
                ),
            )
            .at(entry.key_span)
            .why(format!("it is {}", entry.value.kind()))
            .hint("write one `- name` a line below it"),
        );
        return;
    };
    for item in items {
        match &item.data {
            Data::Str(_) => {}
            Data::Map(map) => {
                let arguments = map.values().next();
                if !arguments.is_some_and(|arguments| {
                    arguments.as_list().is_some_and(|list| list.iter().all(|arg| arg.as_map().is_some()))
                }) {
                    problems.push(
                        Problem::error(
                            "sls.names-entry",
                            format!(
                                "an entry of `names` in state `{id}` has a colon but no list of arguments"
                            ),
                        )
                        .at(item.span)
                        .hint("remove the colon, or write `- argument: value` lines below the name"),
                    );
                }
            }
            _ => problems.push(
                Problem::warning(
                    "sls.name-not-text",
                    format!("the name `{item}` in state `{id}` is not text"),
                )
                .at(item.span)
                .hint(format!("write '{item}'")),
            ),
        }
    }
}

fn checked_requisite(id: &str, word: &str, entry: &Entry, arg: &Map, home: &Home, problems: &mut Problems) {
    let Some(items) = entry.value.as_list() else {
        problems.push(
            Problem::error(
                "sls.requisite-not-a-list",
                format!(
                    "The {word} statement in state '{id}' in SLS '{}' needs to be formed as a list",
                    home.sls
                ),
            )
            .at(entry.key_span)
            .why(format!("it is {}", entry.value.kind()))
            .hint("write `- module: id` lines below it"),
        );
        return;
    };
    for item in items {
        reference(id, item, home, problems);
    }
    if arg.len() != 1 {
        problems.push(
            Problem::error(
                "sls.joined-arguments",
                format!("Multiple dictionaries defined in argument of state '{id}' in SLS '{}'", home.sls),
            )
            .at(entry.key_span)
            .hint("begin each argument with a `- ` of its own"),
        );
    }
}

fn reference(id: &str, item: &Value, home: &Home, problems: &mut Problems) {
    let map = match &item.data {
        Data::Str(_) => return,
        Data::Map(map) if !map.is_empty() => map,
        _ => {
            problems.push(
                Problem::error(
                    "sls.requisite-form",
                    format!(
                        "a requisite of `{id}` in SLS {} is not formed as a single key dictionary",
                        home.sls
                    ),
                )
                .at(item.span)
                .why(format!("it is {}", item.kind()))
                .hint("write `- module: id`"),
            );
            return;
        }
    };
    let Some((key, target)) = map.first() else { return };
    if let Some((module, _)) = key.as_str().and_then(|key| key.split_once('.')) {
        problems.push(
            Problem::error(
                "sls.requisite-with-dot",
                format!("Invalid requisite type '{key}' in state '{id}', in SLS '{}'", home.sls),
            )
            .at(item.span)
            .why("requisite types are state modules and must not contain dots")
            .hint(format!("did you mean `{module}`?")),
        );
    }
    if matches!(target.data, Data::List(_) | Data::Map(_)) {
        problems.push(
            Problem::error("sls.requisite-target", format!("Illegal requisite \"{target}\" in state `{id}`"))
                .at(item.span)
                .why(format!("a requisite names an id or a name; this is {}", target.kind()))
                .hint("check the indentation"),
        );
    }
}

fn unchecked_requisite(id: &str, word: &str, entry: &Entry, problems: &mut Problems) {
    let fits = match &entry.value.data {
        Data::List(_) => true,
        Data::Map(_) => {
            word.ends_with("_in") && word != "listen_in" && word != "use_in" && word != "prereq_in"
        }
        _ => false,
    };
    if !fits {
        problems.push(
            Problem::warning("sls.requisite-ignored", format!("`{word}` in state `{id}` is not a list"))
                .at(entry.key_span)
                .why(format!("it is {}", entry.value.kind()))
                .hint("write `- module: id` lines below it"),
        );
    }
}

/// Pairs of ids that name each other. Salt refuses them before it runs anything; longer circles are found
/// when the low chunks are joined (`Graph`).
pub(crate) fn mutual(high: &HighState, problems: &mut Problems) {
    struct Requires<'a> {
        state: &'a str,
        targets: HashMap<&'a str, &'a str>,
    }
    let mut seen: HashMap<&str, Requires<'_>> = HashMap::default();
    for (id, declaration) in &high.declarations {
        for (state, body) in &declaration.states {
            for (word, items) in body.args.iter().filter_map(checked_list) {
                seen.insert(id, Requires { state, targets: HashMap::default() });
                for item in items {
                    let Some((kind, target)) = pair(item) else { continue };
                    if let Some(own) = seen.get_mut(&**id) {
                        own.targets.insert(target, kind);
                    }
                    let circle = seen.get(target).is_some_and(|other| {
                        other.targets.get(&**id) == Some(&&**state) && other.state == kind
                    });
                    if circle {
                        problems.push(circle_of_two(high, id, word, target, item));
                    }
                }
            }
        }
    }
}

fn checked_list(arg: &Value) -> Option<(&str, &[Value])> {
    let (key, value) = arg.as_map()?.first()?;
    let word = key.as_str().filter(|word| CHECKED.contains(word))?;
    Some((word, value.as_list()?))
}

fn pair(item: &Value) -> Option<(&str, &str)> {
    if let Some(id) = item.as_str() {
        return Some(("id", id));
    }
    let (key, value) = item.as_map()?.first()?;
    match (key, &value.data) {
        (Key::Str(key), Data::Str(target)) => Some((key, target)),
        _ => None,
    }
}

fn circle_of_two(high: &HighState, id: &Arc<str>, word: &str, target: &str, item: &Value) -> Problem {
    let sls = high.declarations.get(id).map_or("", |declaration| &declaration.home.sls);
    let problem = Problem::error(
        "sls.recursive-requisite",
        format!("A recursive requisite was found, SLS \"{sls}\" ID \"{id}\" ID \"{target}\""),
    )
    .at(item.span)
    .label(format!("`{id}` has `{word}` on `{target}` here"))
    .why(if &**id == target {
        "it would have to run before itself"
    } else {
        "each would have to run before the other"
    })
    .hint(if &**id == target { "remove this line" } else { "remove one of the two requisites" });
    match high.declarations.get(target) {
        Some(other) => problem.related(other.id_span, format!("and `{target}` names `{id}`")),
        None => problem,
    }
}
