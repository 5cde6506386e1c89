//! Pillar SLS to pillar.

use std::collections::HashMap;

use report::{Exit, Problem, Problems, Severity};
use sls::{Catalogue, Listing, Request, Templates, TopTarget, absolute};
use value::{Data, Map, Span, Value};

use crate::Settings;
use crate::top::{self, Wanted};

/// How deep includes may nest.
const DEEPEST: usize = 100;

/// The pillar of the minion that `matches` speaks for, empty when nothing matches.
///
/// With an error among the problems the answer is what could be compiled besides; nothing should run with it.
pub fn compile(
    templates: &dyn Templates,
    settings: &Settings,
    matches: &mut dyn FnMut(&TopTarget<'_>) -> Result<bool, Problem>,
    problems: &mut Problems,
) -> Map {
    let catalogue = Catalogue::new(templates);
    let overrides = Value::from(settings.over.clone());
    let mut pillar = overrides.clone();
    let mut compiler =
        Compiler { catalogue: &catalogue, settings, problems, rendered: HashMap::new(), depth: 0 };
    for wanted in top::wanted(&catalogue, settings, matches, compiler.problems) {
        if !catalogue.has_saltenv(&wanted.saltenv) {
            compiler.problems.push(no_saltenv(&wanted, &catalogue));
            continue;
        }
        let listing = catalogue.listing(&wanted.saltenv, compiler.problems);
        for sls in names(&listing, &wanted.sls) {
            let place = Place { saltenv: &wanted.saltenv, sls, span: wanted.span };
            let value = compiler.render(place, &mut Map::new(), wanted.ignore_missing);
            if let Some(value) = value.filter(|value| value.as_map().is_some()) {
                pillar = settings.merge(pillar, value);
            }
        }
    }
    match settings.merge(pillar, overrides).data {
        Data::Map(pillar) => pillar,
        _ => Map::new(),
    }
}

/// Gives a problem of a renderer the exit code of a pillar failure.
pub(crate) fn as_pillar_problem(problem: Problem) -> Problem {
    match problem.severity {
        Severity::Error => problem.exit(Exit::Pillar),
        Severity::Warning | Severity::Note => problem,
    }
}

struct Compiler<'a, 'p> {
    catalogue: &'a Catalogue<'a>,
    settings: &'a Settings,
    problems: &'p mut Problems,
    /// What each SLS says itself, without what it includes. An SLS that is included twice is rendered once.
    rendered: HashMap<(String, String), Value>,
    depth: usize,
}

/// The SLS to render, and who asked for it.
#[derive(Clone, Copy)]
struct Place<'s> {
    saltenv: &'s str,
    sls: &'s str,
    span: Span,
}

/// An entry of `include`.
struct Include {
    sls: String,
    span: Span,
    /// The keys below which its values go.
    key: Vec<String>,
}

impl Compiler<'_, '_> {
    /// What an SLS says, on top of what it includes.
    fn render(&mut self, place: Place<'_>, defaults: &mut Map, ignore_missing: bool) -> Option<Value> {
        let Place { saltenv, sls, span } = place;
        let listing = self.catalogue.listing(saltenv, self.problems);
        let Some(path) = listing.path_of(sls) else {
            if !ignore_missing {
                self.problems.push(not_available(place, &listing));
            }
            return None;
        };
        if self.depth >= DEEPEST {
            self.problems.push(
                Problem::error(
                    "pillar.include-too-deep",
                    format!("pillar includes nest deeper than {DEEPEST}"),
                )
                .at(span)
                .hint("files that include each other in a long chain: include them from one file instead")
                .exit(Exit::Pillar),
            );
            return None;
        }
        let mut own = Problems::new();
        let request = Request { saltenv, path: &path, sls: Some(sls), context: defaults };
        let value = self.catalogue.render(&request, &mut own);
        self.problems.extend(own.into_iter().map(as_pillar_problem));
        let mut value = value?;
        if value.as_map().is_none() && value.is_truthy() {
            self.problems.push(not_a_mapping(sls, &value));
            return None;
        }
        let include = value.as_map_mut().and_then(|map| map.remove("include"));
        self.rendered.insert((saltenv.into(), sls.into()), value.clone());
        let Some(include) = include else { return Some(value) };
        self.depth += 1;
        let value =
            self.with_includes(place, value, &include, path.ends_with("/init.sls"), defaults, &listing);
        self.depth -= 1;
        Some(value)
    }

    fn with_includes(
        &mut self,
        place: Place<'_>,
        value: Value,
        include: &Value,
        is_init: bool,
        defaults: &mut Map,
        listing: &Listing,
    ) -> Value {
        let Some(entries) = include.as_list() else {
            self.problems.push(include_not_a_list(place.sls, include));
            return value;
        };
        let mut layers = Vec::new();
        for entry in entries {
            let Some(include) = self.read(entry, place, is_init, defaults) else { continue };
            for sls in names(listing, &include.sls) {
                let below = Place { saltenv: place.saltenv, sls, span: include.span };
                let known = (place.saltenv.to_string(), sls.to_string());
                let included = match self.rendered.get(&known) {
                    Some(value) => Some(value.clone()),
                    None => self.render(below, &mut defaults.clone(), false),
                };
                if let Some(included) = included.filter(Value::is_truthy) {
                    layers.push(below_key(&include.key, included));
                }
            }
        }
        if self.settings.includes_override {
            layers.insert(0, value);
        } else {
            layers.push(value);
        }
        let merge = |base, over| self.settings.merge(base, over);
        layers.into_iter().reduce(merge).unwrap_or_default()
    }

    /// An entry of `include`: a name, or a name with `defaults` (variables for the template, which later
    /// entries see as well, as in Salt) and `key`.
    fn read(&mut self, entry: &Value, from: Place<'_>, is_init: bool, defaults: &mut Map) -> Option<Include> {
        let (name, options) = match &entry.data {
            Data::Str(name) => (name.to_string(), None),
            Data::Map(map) if map.values().next().is_some_and(|options| options.as_map().is_some()) => {
                let (name, options) = map.first()?;
                (name.to_string(), options.as_map())
            }
            _ => {
                self.problems.push(
                    Problem::error(
                        "pillar.include-form",
                        format!("an include in SLS '{}' is no name", from.sls),
                    )
                    .at(entry.span)
                    .hint("write `- name`, or `- name:` with `key:` and `defaults:` indented below it")
                    .exit(Exit::Pillar),
                );
                return None;
            }
        };
        if let Some(options) = options {
            *defaults = options.get("defaults").and_then(Value::as_map).cloned().unwrap_or_default();
        }
        let key = options.and_then(|options| options.get("key")).filter(|key| key.is_truthy());
        let Some(sls) = absolute(&name.replace('/', "."), from.sls, is_init) else {
            self.problems.push(
                Problem::error(
                    "pillar.include-beyond-top",
                    format!("`{name}` goes beyond the top of the tree"),
                )
                .at(entry.span)
                .hint("each leading dot stands for one folder up: write the name from the tree's root, without them")
                .exit(Exit::Pillar),
            );
            return None;
        };
        let key = key.map(|key| key.to_string().split(':').map(String::from).collect()).unwrap_or_default();
        Some(Include { sls, span: entry.span, key })
    }
}

/// The SLS that a name or pattern means; the name itself when nothing fits.
fn names<'l>(listing: &'l Listing, name: &'l str) -> Vec<&'l str> {
    let found = listing.matching(name);
    if found.is_empty() { vec![name] } else { found }
}

fn below_key(key: &[String], value: Value) -> Value {
    key.iter().rev().fold(value, |value, part| [(part.as_str(), value)].into_iter().collect::<Map>().into())
}

fn not_available(place: Place<'_>, listing: &Listing) -> Problem {
    let Place { saltenv, sls, span } = place;
    Problem::error(
        "pillar.not-available",
        format!("Specified SLS '{sls}' in environment '{saltenv}' is not available on the salt master"),
    )
    .at(span)
    .did_you_mean(sls, listing.names.iter().map(String::as_str))
    .hint(format!("it would be `{0}.sls` or `{0}/init.sls` below the pillar roots", sls.replace('.', "/")))
    .exit(Exit::Pillar)
}

fn no_saltenv(wanted: &Wanted, catalogue: &Catalogue<'_>) -> Problem {
    Problem::error(
        "pillar.no-saltenv",
        format!("No matching pillar environment for environment '{}' found", wanted.saltenv),
    )
    .at(wanted.span)
    .did_you_mean(&wanted.saltenv, catalogue.saltenvs().iter().map(String::as_str))
    .or_hint(format!(
        "name its folder in the configuration: `pillar_roots: {{{}: [/srv/pillar]}}`",
        wanted.saltenv
    ))
    .exit(Exit::Pillar)
}

fn not_a_mapping(sls: &str, value: &Value) -> Problem {
    Problem::error("pillar.not-a-mapping", format!("SLS '{sls}' does not render to a dictionary"))
        .at(value.span)
        .why(format!("it is {}", value.kind()))
        .hint("write `key: value` lines")
        .exit(Exit::Pillar)
}

fn include_not_a_list(sls: &str, include: &Value) -> Problem {
    Problem::error(
        "pillar.include-not-a-list",
        format!("Include Declaration in SLS '{sls}' is not formed as a list"),
    )
    .at(include.span)
    .why(format!("it is {}", include.kind()))
    .hint("write one `- name` a line below `include:`")
    .exit(Exit::Pillar)
}
