//! Which pillar SLS a minion gets.

use std::collections::HashSet;

use report::{Exit, Problem, Problems};
use sls::{Catalogue, Request, TopTarget, top_kind};
use value::{Data, Map, Span, Value};

use crate::Settings;

/// An SLS that the top file asks for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) saltenv: String,
    pub(crate) sls: String,
    pub(crate) span: Span,
    /// Whether it may be missing.
    pub(crate) ignore_missing: bool,
}

/// One target of a saltenv.
struct Target {
    saltenv: String,
    expression: String,
    span: Span,
    kind: String,
    sls: Vec<(String, Span)>,
    order: i64,
    ignore_missing: bool,
}

/// The SLS of every target that matches, each once a saltenv.
pub(crate) fn wanted(
    catalogue: &Catalogue<'_>,
    settings: &Settings,
    matches: &mut dyn FnMut(&TopTarget<'_>) -> Result<bool, Problem>,
    problems: &mut Problems,
) -> Vec<Wanted> {
    let targets = targets(catalogue, settings, problems);
    let ignored: HashSet<(String, String)> = targets
        .iter()
        .filter(|target| target.ignore_missing)
        .flat_map(|target| target.sls.iter().map(|(sls, _)| (target.saltenv.clone(), sls.clone())))
        .collect();
    let mut seen = HashSet::new();
    let mut wanted = Vec::new();
    for target in targets {
        if settings.top.saltenv.as_ref().is_some_and(|only| *only != target.saltenv) {
            continue;
        }
        let asked = TopTarget { expression: &target.expression, kind: &target.kind, span: target.span };
        match matches(&asked) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(problem) => {
                problems.push(problem.exit(Exit::Pillar));
                continue;
            }
        }
        for (sls, span) in target.sls {
            let key = (target.saltenv.clone(), sls);
            if seen.insert(key.clone()) {
                let ignore_missing = ignored.contains(&key);
                wanted.push(Wanted { saltenv: key.0, sls: key.1, span, ignore_missing });
            }
        }
    }
    wanted
}

/// The targets of all top files: saltenv by saltenv, within one by `order`. A later top file replaces a target
/// of an earlier one.
fn targets(catalogue: &Catalogue<'_>, settings: &Settings, problems: &mut Problems) -> Vec<Target> {
    let mut by_saltenv: Map = Map::new();
    for (saltenv, targets) in tops(catalogue, settings, problems).into_iter().flatten() {
        let saltenv = saltenv.to_string();
        let kind = targets.value.kind();
        let Data::Map(targets_map) = targets.value.data else {
            problems.push(malformed(&saltenv, kind, targets.key_span));
            continue;
        };
        let there = by_saltenv.get_or_insert_with(saltenv, || Map::new().into());
        for (target, entry) in targets_map {
            if let Some(there) = there.as_map_mut() {
                there.insert_at(target, entry.key_span, entry.value);
            }
        }
    }
    let mut all = Vec::new();
    for (saltenv, targets) in by_saltenv.iter() {
        let mut own: Vec<Target> = targets
            .as_map()
            .into_iter()
            .flat_map(Map::entries)
            .filter_map(|(expression, entry)| {
                target(&saltenv.to_string(), expression.to_string(), entry.key_span, &entry.value, problems)
            })
            .collect();
        own.sort_by_key(|target| target.order);
        all.extend(own);
    }
    all
}

fn target(
    saltenv: &str,
    expression: String,
    span: Span,
    value: &Value,
    problems: &mut Problems,
) -> Option<Target> {
    let Some(items) = value.as_list() else {
        problems.push(malformed(&expression, value.kind(), span));
        return None;
    };
    let option = |name: &str| items.iter().rev().find_map(|item| item.get(name));
    let order = option("order").and_then(|order| order.as_int().or_else(|| order.to_string().parse().ok()));
    let mut seen = HashSet::new();
    Some(Target {
        saltenv: saltenv.into(),
        expression,
        span,
        kind: top_kind(items).into(),
        sls: items
            .iter()
            .filter_map(|item| Some((item.as_str()?.to_string(), item.span)))
            .filter(|(sls, _)| seen.insert(sls.clone()))
            .collect(),
        order: order.unwrap_or(0),
        ignore_missing: items.iter().filter_map(|item| item.get("ignore_missing")).any(Value::is_truthy),
    })
}

fn malformed(what: &str, kind: &str, span: Span) -> Problem {
    Problem::error("pillar.top-form", "Error encountered while rendering pillar top file.")
        .at(span)
        .why(format!("what stands under `{what}` is {kind}"))
        .hint("write `base: {'*': [name of an SLS]}`: a saltenv maps targets to lists of SLS")
        .exit(Exit::Pillar)
}

/// The top files that count, those they include behind them.
fn tops(catalogue: &Catalogue<'_>, settings: &Settings, problems: &mut Problems) -> Vec<Map> {
    let mut tops = Vec::new();
    for saltenv in saltenvs(catalogue, settings) {
        let listing = catalogue.listing(&saltenv, problems);
        if !listing.has_path(&settings.top.path) {
            continue;
        }
        let mut top = rendered(catalogue, &saltenv, &settings.top.path, problems);
        let include = top.remove("include");
        tops.push(top);
        let mut done = HashSet::new();
        for sls in include.as_ref().and_then(Value::as_list).unwrap_or_default() {
            let name = sls.to_string();
            match listing.path_of(&name) {
                Some(path) if done.insert(path.clone()) => {
                    tops.push(rendered(catalogue, &saltenv, &path, problems));
                }
                Some(_) => {}
                None => problems.push(
                    Problem::error("pillar.top-include", format!("Rendering Top file {name} failed"))
                        .at(sls.span)
                        .why("no such SLS")
                        .did_you_mean(&name, listing.names.iter().map(String::as_str))
                        .or_hint(format!(
                            "put {}.sls below the pillar roots, or take the line out",
                            name.replace('.', "/")
                        ))
                        .exit(Exit::Pillar),
                ),
            }
        }
    }
    tops
}

fn saltenvs(catalogue: &Catalogue<'_>, settings: &Settings) -> Vec<String> {
    let mut all = catalogue.saltenvs().to_vec();
    all.sort_by_key(|saltenv| saltenv != "base");
    if let Some(only) = &settings.top.saltenv {
        all.retain(|saltenv| saltenv == only);
    } else if settings.strategy == value::Strategy::None {
        let only = settings.top.top_saltenv.as_deref().unwrap_or("base");
        all.retain(|saltenv| saltenv == only);
    }
    all
}

fn rendered(catalogue: &Catalogue<'_>, saltenv: &str, path: &str, problems: &mut Problems) -> Map {
    let mut own = Problems::new();
    let request = Request { saltenv, path, sls: None, context: &Map::new() };
    let value = catalogue.render(&request, &mut own).unwrap_or_default();
    problems.extend(own.into_iter().map(crate::compile::as_pillar_problem));
    let (kind, span) = (value.kind(), value.span);
    match value.data {
        Data::Map(map) => map,
        Data::Null => Map::new(),
        _ => {
            problems.push(malformed(path, kind, span));
            Map::new()
        }
    }
}
