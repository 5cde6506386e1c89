//! The top file: which SLS a minion gets.
//!
//! Each saltenv may have one. They are merged by a strategy, then every target that matches the minion adds
//! its SLS. The rules are Salt's as observed.

use std::collections::HashSet;

use indexmap::IndexMap;
use report::{Problem, Problems};
use value::{Data, Entry, Map, Span, Value};

use crate::{Catalogue, Matches, Request, Templates};

/// How the top files of several saltenvs become one (`top_file_merging_strategy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TopMerge {
    /// `base` decides; other top files only count for their own saltenv, when `base` does not mention it.
    #[default]
    Merge,
    /// Each saltenv's section comes from its own top file, or from the default saltenv's.
    Same,
    /// All sections of all top files.
    MergeAll,
}

/// What of the configuration the top file depends on.
#[derive(Clone, Debug)]
pub struct TopSettings {
    /// Its path below the roots (`state_top`).
    pub path: String,
    /// Only this saltenv (`saltenv`).
    pub saltenv: Option<String>,
    /// Only this saltenv's top file (`state_top_saltenv`).
    pub top_saltenv: Option<String>,
    /// How top files are merged.
    pub merge: TopMerge,
    /// Whose top file stands in under [`TopMerge::Same`] (`default_top`).
    pub default_top: String,
    /// In which order saltenvs are read (`env_order`); empty for all, `base` first.
    pub env_order: Vec<String>,
}

/// A target of a top file, to be matched against the minion.
#[derive(Clone, Copy, Debug)]
pub struct TopTarget<'a> {
    /// The expression (`web*`).
    pub expression: &'a str,
    /// What kind it is (`glob`, `grain`, …): `compound` unless `- match:` says otherwise.
    pub kind: &'a str,
    /// Where it stands.
    pub span: Span,
}

impl Default for TopSettings {
    fn default() -> Self {
        Self {
            path: "top.sls".into(),
            saltenv: None,
            top_saltenv: None,
            merge: TopMerge::default(),
            default_top: "base".into(),
            env_order: Vec::new(),
        }
    }
}

impl TopMerge {
    /// The strategy of that name in Salt's configuration.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "merge" => Self::Merge,
            "same" => Self::Same,
            "merge_all" => Self::MergeAll,
            _ => return None,
        })
    }
}

impl Matches {
    /// Reads the top files and answers the SLS of every target for which `matches` says yes.
    pub fn from_top(
        templates: &dyn Templates,
        settings: &TopSettings,
        matches: &mut dyn FnMut(&TopTarget<'_>) -> Result<bool, Problem>,
        problems: &mut Problems,
    ) -> Self {
        let catalogue = Catalogue::new(templates);
        let tops = tops(&catalogue, settings, problems);
        let top = merged(tops, settings, problems);
        verify(&top, problems);
        select(&top, settings, &catalogue, matches, problems)
    }
}

/// Saltenv to target to its entry.
type Top = IndexMap<String, Map>;

/// The top files by saltenv, those they include behind them.
fn tops(
    catalogue: &Catalogue<'_>,
    settings: &TopSettings,
    problems: &mut Problems,
) -> IndexMap<String, Vec<Map>> {
    let mut tops = IndexMap::new();
    for saltenv in saltenvs(catalogue, settings) {
        let listing = catalogue.listing(&saltenv, problems);
        let mut of_saltenv = Vec::new();
        if listing.has_path(&settings.path) {
            let mut top = rendered(catalogue, &saltenv, &settings.path, problems);
            let include = top.remove("include");
            of_saltenv.push(top);
            let mut done = HashSet::new();
            for pattern in include.as_ref().and_then(Value::as_list).unwrap_or_default() {
                for sls in listing.matching(&pattern.to_string()) {
                    if let Some(path) = listing.path_of(sls).filter(|path| done.insert(path.clone())) {
                        of_saltenv.push(rendered(catalogue, &saltenv, &path, problems));
                    }
                }
            }
        }
        tops.insert(saltenv, of_saltenv);
    }
    tops
}

fn saltenvs(catalogue: &Catalogue<'_>, settings: &TopSettings) -> Vec<String> {
    if let Some(only) = settings.saltenv.as_ref().or(settings.top_saltenv.as_ref()) {
        return vec![only.clone()];
    }
    if settings.env_order.is_empty() {
        let mut all = catalogue.saltenvs().to_vec();
        all.sort_by_key(|saltenv| saltenv != "base");
        return all;
    }
    let mut seen = HashSet::new();
    let known = |saltenv: &&String| catalogue.has_saltenv(saltenv);
    settings.env_order.iter().filter(known).filter(|saltenv| seen.insert(*saltenv)).cloned().collect()
}

fn rendered(catalogue: &Catalogue<'_>, saltenv: &str, path: &str, problems: &mut Problems) -> Map {
    let request = Request { saltenv, path, sls: None, context: &Map::new() };
    let Some(value) = catalogue.render(&request, problems) else { return Map::new() };
    let (kind, span) = (value.kind(), value.span);
    match value.data {
        Data::Map(map) => map,
        Data::Null => Map::new(),
        _ => {
            problems.push(
                Problem::error("top.not-a-mapping", format!("the top file {path} is not a mapping"))
                    .at(span)
                    .why(format!("it is {kind}; a top file maps saltenvs to targets"))
                    .hint("write `base: {'*': [name of an SLS]}`"),
            );
            Map::new()
        }
    }
}

fn merged(mut tops: IndexMap<String, Vec<Map>>, settings: &TopSettings, problems: &mut Problems) -> Top {
    let mut top = Top::new();
    match settings.merge {
        TopMerge::Merge => {
            for own in tops.shift_remove("base").unwrap_or_default() {
                own.into_iter().for_each(|(key, entry)| lay(&mut top, &key.to_string(), entry, problems));
            }
            for (saltenv, files) in tops {
                if !top.contains_key(&saltenv) {
                    take_own(&mut top, &saltenv, files, problems);
                }
            }
        }
        TopMerge::Same => {
            let default = tops.get(&settings.default_top).cloned().unwrap_or_default();
            for (saltenv, files) in tops {
                let files = if files.iter().all(Map::is_empty) { default.clone() } else { files };
                take_own(&mut top, &saltenv, files, problems);
            }
        }
        TopMerge::MergeAll => {
            for (key, entry) in tops.into_values().flatten().flatten() {
                join(&mut top, &key.to_string(), entry, problems);
            }
        }
    }
    top
}

/// Takes over what top files say about one saltenv.
fn take_own(top: &mut Top, saltenv: &str, files: Vec<Map>, problems: &mut Problems) {
    for (key, entry) in files.into_iter().flatten() {
        if key.as_str() == Some(saltenv) {
            lay(top, saltenv, entry, problems);
        }
    }
}

fn lay(top: &mut Top, saltenv: &str, entry: Entry, problems: &mut Problems) {
    let Some(targets) = targets(saltenv, entry, problems) else { return };
    let there = top.entry(saltenv.into()).or_default();
    for (target, entry) in targets {
        there.insert_at(target, entry.key_span, entry.value);
    }
}

/// As [`lay`], but the SLS of a target that is there already are joined.
fn join(top: &mut Top, saltenv: &str, entry: Entry, problems: &mut Problems) {
    let Some(targets) = targets(saltenv, entry, problems) else { return };
    let there = top.entry(saltenv.into()).or_default();
    for (target, entry) in targets {
        let joined = match there.get_key(&target).and_then(Value::as_list) {
            Some(first) => joined(first, entry.value.as_list().unwrap_or_default()),
            None => entry.value,
        };
        there.insert_at(target, entry.key_span, joined);
    }
}

fn joined(first: &[Value], second: &[Value]) -> Value {
    let options = |items: &[Value]| items.iter().rfind(|item| item.as_map().is_some()).cloned();
    let mut merged: Vec<Value> = options(second).or_else(|| options(first)).into_iter().collect();
    let mut seen: HashSet<&str> = HashSet::new();
    for item in first.iter().chain(second) {
        if item.as_str().is_some_and(|name| seen.insert(name)) {
            merged.push(item.clone());
        }
    }
    merged.into()
}

fn targets(saltenv: &str, entry: Entry, problems: &mut Problems) -> Option<Map> {
    let kind = entry.value.kind();
    if let Data::Map(targets) = entry.value.data {
        return Some(targets);
    }
    problems.push(
        Problem::error(
            "top.targets-not-a-mapping",
            format!("the top file matches for saltenv {saltenv} are not formatted as a dict"),
        )
        .at(entry.key_span)
        .why(format!("what stands under it is {kind}"))
        .hint("write `'target':` lines below it, and the SLS as a list below each"),
    );
    None
}

fn verify(top: &Top, problems: &mut Problems) {
    for (saltenv, targets) in top {
        for (target, entry) in targets.entries() {
            let Some(items) = entry.value.as_list() else {
                if entry.value.as_str().is_none() {
                    problems.push(
                        Problem::error(
                            "top.target-not-a-list",
                            "Malformed topfile (state declarations not formed as a list)",
                        )
                        .at(entry.key_span)
                        .why(format!("what stands under `{target}` is {}", entry.value.kind()))
                        .hint("write one `- name of an SLS` a line below the target"),
                    );
                }
                continue;
            };
            for item in items {
                verify_item(saltenv, item, problems);
            }
        }
    }
}

fn verify_item(saltenv: &str, item: &Value, problems: &mut Problems) {
    match &item.data {
        Data::Str(name) if name.is_empty() => problems.push(
            Problem::error("top.empty-sls", format!("Environment {saltenv} contains an empty sls index"))
                .at(item.span)
                .hint("write the name of an SLS, or take the line out"),
        ),
        Data::Map(options) => {
            for (key, value) in options.iter().filter(|(key, _)| key.as_str() != Some("ignore_missing")) {
                if !value.is_truthy() {
                    problems.push(
                        Problem::error(
                            "top.empty-option",
                            format!("Improperly formatted top file matcher in saltenv {saltenv}: {key}"),
                        )
                        .at(item.span)
                        .hint(format!(
                            "give it a value, such as `- {key}: glob`; an SLS is named without a colon"
                        )),
                    );
                }
            }
        }
        _ => {}
    }
}

fn select(
    top: &Top,
    settings: &TopSettings,
    catalogue: &Catalogue<'_>,
    matches: &mut dyn FnMut(&TopTarget<'_>) -> Result<bool, Problem>,
    problems: &mut Problems,
) -> Matches {
    let mut found = Matches::default();
    for (saltenv, targets) in top {
        if settings.saltenv.as_ref().is_some_and(|only| only != saltenv) {
            continue;
        }
        for (target, entry) in targets.entries() {
            let single = std::slice::from_ref(&entry.value);
            let items = entry.value.as_list().unwrap_or(single);
            let expression = target.to_string();
            let target = TopTarget { expression: &expression, kind: kind(items), span: entry.key_span };
            match matches(&target) {
                Ok(true) => take(saltenv, items, catalogue, &mut found),
                Ok(false) => {}
                Err(problem) => problems.push(problem),
            }
        }
    }
    found
}

/// What kind of target the options name: the last `match` counts.
pub fn kind(items: &[Value]) -> &str {
    items.iter().rev().find_map(|item| item.get("match").and_then(Value::as_str)).unwrap_or("compound")
}

fn take(saltenv: &str, items: &[Value], catalogue: &Catalogue<'_>, found: &mut Matches) {
    found.touch(saltenv);
    for item in items {
        match &item.data {
            Data::Str(sls) => found.add(saltenv, sls, item.span),
            Data::Map(map) => {
                if let Some((other, sls)) = map.iter().next_back()
                    && let (Some(other), Some(sls)) = (other.as_str(), sls.as_str())
                    && catalogue.has_saltenv(other)
                {
                    found.add(other, sls, item.span);
                }
            }
            _ => {}
        }
    }
}
