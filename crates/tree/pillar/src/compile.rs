//! Top file, SLS, includes, merge.

use std::collections::HashSet;

use report::{Exit, Problem, Problems};
use sls::{Catalogue, Matches, Request, Templates, TopSettings, TopTarget};
use value::{Data, ListMerge, Map, Span, Strategy, Value, merge};

/// How deep pillar SLS may include each other.
const DEEPEST: usize = 100;

/// What of the configuration a pillar depends on.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The top file.
    pub top: TopSettings,
    /// How SLS are merged (`pillar_source_merging_strategy`).
    pub strategy: Strategy,
    /// Whether lists are joined instead of replaced (`pillar_merge_lists`).
    pub merge_lists: bool,
    /// Whether what an SLS includes lies over it instead of below (`pillar_includes_override_sls`).
    pub includes_override: bool,
    /// Values that lie over everything (`pillar={…}` on the command line).
    pub over: Map,
}

/// The pillar of the minion for which `matches` answers. What goes wrong is among the problems, all of which
/// end a run with [`Exit::Pillar`].
pub fn compile(
    templates: &dyn Templates,
    settings: &Settings,
    matches: &mut dyn FnMut(&TopTarget<'_>) -> Result<bool, Problem>,
    problems: &mut Problems,
) -> Map {
    let mut own = Problems::new();
    let wanted = Matches::from_top(templates, &settings.top, matches, &mut own);
    let mut compiler =
        Compiler { catalogue: Catalogue::new(templates), settings, done: HashSet::new(), problems: &mut own };
    let mut pillar = Value::from(Map::new());
    for (saltenv, names) in wanted.iter() {
        for (name, span) in names {
            for sls in compiler.named(saltenv, name, *span) {
                if let Some(value) = compiler.sls(saltenv, &sls, &Map::new(), 0) {
                    pillar = compiler.lay(pillar, value);
                }
            }
        }
    }
    pillar = merge(pillar, settings.over.clone().into(), Strategy::Recurse, ListMerge::Replace);
    problems.extend(own.into_iter().map(|problem| match problem.severity {
        report::Severity::Error => problem.exit(Exit::Pillar),
        report::Severity::Warning => problem,
    }));
    match pillar.data {
        Data::Map(map) => map,
        _ => Map::new(),
    }
}

struct Compiler<'a, 'p> {
    catalogue: Catalogue<'a>,
    settings: &'a Settings,
    done: HashSet<(String, String)>,
    problems: &'p mut Problems,
}

impl Compiler<'_, '_> {
    /// The SLS that a name or pattern means; a problem when there is none.
    fn named(&mut self, saltenv: &str, name: &str, span: Span) -> Vec<String> {
        let listing = self.catalogue.listing(saltenv, self.problems);
        let found: Vec<String> = listing.matching(name).into_iter().map(str::to_string).collect();
        if found.is_empty() && !sls::is_pattern(name) {
            self.problems.push(
                Problem::error(
                    "pillar.sls-missing",
                    format!("there is no pillar SLS `{name}` in saltenv `{saltenv}`"),
                )
                .at(span)
                .did_you_mean(name, listing.names.iter().map(String::as_str))
                .hint(format!(
                    "it would be `{0}.sls` or `{0}/init.sls` below the pillar roots",
                    name.replace('.', "/")
                )),
            );
        }
        found
    }

    /// An SLS with what it includes; `None` when it was taken already or nothing came of it.
    fn sls(&mut self, saltenv: &str, sls: &str, defaults: &Map, depth: usize) -> Option<Value> {
        if !self.done.insert((saltenv.to_string(), sls.to_string())) {
            return None;
        }
        let path = self.catalogue.listing(saltenv, self.problems).path_of(sls)?;
        let request = Request { saltenv, path: &path, sls: Some(sls), context: defaults };
        let mut value = self.catalogue.render(&request, self.problems)?;
        let Some(map) = value.as_map_mut() else {
            if !value.is_null() {
                let what = format!("the pillar SLS `{sls}` has to be a mapping and is {}", value.kind());
                self.problems.push(Problem::error("pillar.shape", what).on(&path).at(value.span));
            }
            return None;
        };
        let Some(include) = map.remove("include") else { return Some(value) };
        if depth >= DEEPEST {
            let what = format!("pillar SLS include each other more than {DEEPEST} levels deep");
            self.problems.push(Problem::error("pillar.too-deep", what).at(include.span));
            return Some(value);
        }
        let from_init = path.ends_with("/init.sls");
        let mut below = Value::from(Map::new());
        for entry in self.entries(&include, sls) {
            for value in self.included(saltenv, sls, from_init, &entry, depth) {
                below = self.lay(below, value);
            }
        }
        Some(if self.settings.includes_override { self.lay(value, below) } else { self.lay(below, value) })
    }

    /// Names with their settings: `name`, or `name: {defaults: …, key: …}`.
    fn entries(&mut self, include: &Value, sls: &str) -> Vec<Include> {
        let Some(items) = include.as_list() else {
            let what =
                format!("`include` of the pillar SLS `{sls}` has to be a list and is {}", include.kind());
            self.problems.push(Problem::error("pillar.include", what).at(include.span));
            return Vec::new();
        };
        let mut entries = Vec::new();
        for item in items {
            match &item.data {
                Data::Map(map) => {
                    for (name, settings) in map.iter() {
                        let defaults =
                            settings.get("defaults").and_then(Value::as_map).cloned().unwrap_or_default();
                        let key = settings.get("key").filter(|key| !key.is_null()).map(ToString::to_string);
                        entries.push(Include { name: name.to_string(), span: item.span, defaults, key });
                    }
                }
                _ => entries.push(Include {
                    name: item.to_string(),
                    span: item.span,
                    defaults: Map::new(),
                    key: None,
                }),
            }
        }
        entries
    }

    fn included(
        &mut self,
        saltenv: &str,
        from: &str,
        from_init: bool,
        entry: &Include,
        depth: usize,
    ) -> Vec<Value> {
        let name = if entry.name.starts_with('.') {
            match sls::absolute(&entry.name, from, from_init) {
                Some(name) => name,
                None => {
                    let what = format!("`{}` leads out of the pillar tree", entry.name);
                    self.problems.push(Problem::error("pillar.include", what).at(entry.span));
                    return Vec::new();
                }
            }
        } else {
            entry.name.clone()
        };
        let mut values = Vec::new();
        for sls in self.named(saltenv, &name, entry.span) {
            if let Some(value) = self.sls(saltenv, &sls, &entry.defaults, depth + 1) {
                values.push(entry.nested(value));
            }
        }
        values
    }

    fn lay(&self, below: Value, above: Value) -> Value {
        let lists = if self.settings.merge_lists { ListMerge::Extend } else { ListMerge::Replace };
        merge(below, above, self.settings.strategy, lists)
    }
}

/// An entry of `include`.
struct Include {
    name: String,
    span: Span,
    defaults: Map,
    key: Option<String>,
}

impl Include {
    /// Puts what was included under its key (`a:b`).
    fn nested(&self, value: Value) -> Value {
        let Some(key) = &self.key else { return value };
        key.rsplit(':').fold(value, |inner, part| [(part, inner)].into_iter().collect::<Map>().into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Files whose text is JSON.
    struct Tree(Vec<(&'static str, &'static str)>);

    impl Templates for Tree {
        fn saltenvs(&self) -> Vec<String> {
            vec!["base".into()]
        }

        fn files(&self, _: &str) -> Result<Arc<Vec<String>>, Problem> {
            Ok(Arc::new(self.0.iter().map(|(path, _)| (*path).to_string()).collect()))
        }

        fn render(&self, request: &Request<'_>, _: &mut Problems) -> Option<Value> {
            let (_, text) = self.0.iter().find(|(path, _)| *path == request.path)?;
            let text = request.context.iter().fold((*text).to_string(), |text, (name, value)| {
                text.replace(&format!("${name}"), &value.to_string())
            });
            value::json::from_text(&text).ok()
        }
    }

    fn pillar(files: &[(&'static str, &'static str)], settings: Settings) -> (String, Problems) {
        let mut problems = Problems::new();
        let map = compile(&Tree(files.to_vec()), &settings, &mut |_| Ok(true), &mut problems);
        (value::json::to_text(&map.into()), problems)
    }

    #[test]
    fn sls_are_merged_in_the_order_of_the_top_file() {
        let files = [
            ("top.sls", r#"{"base": {"*": ["a", "b"]}}"#),
            ("a.sls", r#"{"x": {"one": 1, "two": 2}, "l": [1]}"#),
            ("b.sls", r#"{"x": {"two": 3}, "l": [2]}"#),
        ];
        assert_eq!(pillar(&files, Settings::default()).0, r#"{"x": {"one": 1, "two": 3}, "l": [2]}"#);
        let settings = Settings { merge_lists: true, ..Settings::default() };
        assert_eq!(pillar(&files, settings).0, r#"{"x": {"one": 1, "two": 3}, "l": [1, 2]}"#);
        let over = value::json::from_text(r#"{"x": {"one": 9}}"#).unwrap().as_map().unwrap().clone();
        let settings = Settings { over, ..Settings::default() };
        assert_eq!(pillar(&files, settings).0, r#"{"x": {"one": 9, "two": 3}, "l": [2]}"#);
    }

    #[test]
    fn includes_lie_below_and_take_key_and_defaults() {
        let files = [
            ("top.sls", r#"{"base": {"*": ["a.b"]}}"#),
            ("a/b.sls", r#"{"include": [".c", {"d": {"key": "k:l", "defaults": {"v": "seven"}}}], "x": 1}"#),
            ("a/c.sls", r#"{"x": 0, "c": true}"#),
            ("d.sls", r#"{"v": "$v"}"#),
        ];
        let (json, problems) = pillar(&files, Settings::default());
        assert_eq!(json, r#"{"x": 1, "c": true, "k": {"l": {"v": "seven"}}}"#);
        assert!(problems.is_empty());
    }

    #[test]
    fn a_missing_sls_ends_the_run_as_a_pillar_failure() {
        let files = [("top.sls", r#"{"base": {"*": ["usres"]}}"#), ("users.sls", "{}")];
        let (_, problems) = pillar(&files, Settings::default());
        assert_eq!(problems.exit(), Exit::Pillar);
        let hints: Vec<_> = problems.iter().flat_map(|problem| problem.hints.clone()).collect();
        assert!(hints.contains(&"did you mean `users`?".to_string()), "{hints:?}");
    }
}
