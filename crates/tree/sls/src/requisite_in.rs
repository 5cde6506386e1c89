//! `require_in` and its kin, `use` and `prereq`: what one state says about another, put where it belongs.

use std::sync::Arc;

use foldhash::HashMap;
use report::{Problem, Problems};
use value::{Data, Entry, Map, Span, Value};

use crate::extend::{Addition, Names, first_key};
use crate::high::{Body, Declaration, HighState, Ordered};

/// The arguments that are handled here. `listen_in` is a matter of the run.
const HANDLED: [&str; 8] =
    ["require_in", "watch_in", "onfail_in", "onchanges_in", "use", "use_in", "prereq", "prereq_in"];

/// What `use` never takes over, besides what the user has itself.
const NEVER_USED: [&str; 15] = [
    "require_in",
    "watch_in",
    "onfail_in",
    "onchanges_in",
    "use",
    "use_in",
    "prereq",
    "prereq_in",
    "require",
    "watch",
    "onfail",
    "onfail_stop",
    "onchanges",
    "name",
    "names",
];

impl HighState {
    /// Turns every `_in` requisite into the plain requisite of the state it names.
    pub(crate) fn join_requisites_in(&mut self, problems: &mut Problems) {
        let additions = {
            let mut gathering = Gathering::of(self, problems);
            gathering.gather();
            gathering.additions
        };
        self.join(additions.into_values().collect(), problems);
    }
}

type StateAndName = (Arc<str>, Arc<str>);

struct Gathering<'h, 'p> {
    high: &'h HighState,
    problems: &'p mut Problems,
    additions: Ordered<Addition>,
    names: Option<Names>,
    found: HashMap<StateAndName, Vec<Arc<str>>>,
    by_name_argument: Option<HashMap<Arc<str>, StateAndName>>,
    by_sls: Option<HashMap<Arc<str>, Vec<Reference>>>,
}

/// The state that says something about another.
#[derive(Clone, Copy)]
struct Speaker<'h> {
    id: &'h Arc<str>,
    declaration: &'h Declaration,
    state: &'h Arc<str>,
    body: &'h Body,
}

/// A state that is named: module and id (or name).
#[derive(Clone, Debug)]
struct Reference {
    state: Arc<str>,
    name: Arc<str>,
}

impl<'h, 'p> Gathering<'h, 'p> {
    fn of(high: &'h HighState, problems: &'p mut Problems) -> Self {
        Self {
            high,
            problems,
            additions: Ordered::default(),
            names: None,
            found: HashMap::default(),
            by_name_argument: None,
            by_sls: None,
        }
    }

    fn gather(&mut self) {
        for (id, declaration) in &self.high.declarations {
            for (state, body) in &declaration.states {
                let speaker = Speaker { id, declaration, state, body };
                for (word, entry) in body.args.iter().filter_map(handled) {
                    match &entry.value.data {
                        Data::List(items) => {
                            for item in items {
                                self.item(speaker, word, entry, item);
                            }
                        }
                        Data::Map(map) => self.pairs(speaker, word, entry, map, entry.value.span),
                        _ => {}
                    }
                }
            }
        }
    }

    fn item(&mut self, speaker: Speaker<'h>, word: &'h str, entry: &Entry, item: &Value) {
        match &item.data {
            Data::Map(map) => {
                let Some((state, name)) = map.first() else { return };
                let span = item.span.or(map.entries().next().map_or(Span::NONE, |(_, entry)| entry.key_span));
                let reference = Reference { state: state.to_string().into(), name: name.to_string().into() };
                self.reference(speaker, word, entry, reference, span);
            }
            Data::Null | Data::List(_) => {}
            _ => {
                let name: Arc<str> = item.to_string().into();
                match self.by_bare_name(&name) {
                    Some(reference) => self.reference(speaker, word, entry, reference, item.span),
                    None => self.problems.push(names_nothing(self.high, speaker, word, &name, item.span)),
                }
            }
        }
    }

    fn pairs(&mut self, speaker: Speaker<'h>, word: &'h str, entry: &Entry, map: &Map, span: Span) {
        for (state, name) in map.iter() {
            let reference = Reference { state: state.to_string().into(), name: name.to_string().into() };
            self.reference(speaker, word, entry, reference, span);
        }
    }

    /// The state that a name without a module means: the first state of that id, or the first that says it
    /// as its `name`.
    fn by_bare_name(&mut self, name: &Arc<str>) -> Option<Reference> {
        if let Some((id, declaration)) = self.high.declarations.get_key_value(name) {
            let (state, _) = declaration.states.first()?;
            return Some(Reference { state: Arc::clone(state), name: Arc::clone(id) });
        }
        let high = self.high;
        let index = self.by_name_argument.get_or_insert_with(|| name_arguments(high));
        let (state, id) = index.get(name)?;
        Some(Reference { state: Arc::clone(state), name: Arc::clone(id) })
    }

    fn reference(&mut self, speaker: Speaker<'h>, word: &'h str, entry: &Entry, to: Reference, span: Span) {
        if let Some((module, _)) = to.state.split_once('.') {
            self.problems.push(with_dot(speaker, word, &to, module, span));
            return;
        }
        if &*to.state == "sls" {
            let high = self.high;
            let by_sls = self.by_sls.get_or_insert_with(|| states_by_sls(high));
            for to in by_sls.get(&to.name).cloned().unwrap_or_default() {
                self.one(speaker, word, entry, &to, span);
            }
        } else {
            self.one(speaker, word, entry, &to, span);
        }
    }

    fn one(&mut self, speaker: Speaker<'h>, word: &str, entry: &Entry, to: &Reference, span: Span) {
        let own = Reference { state: Arc::clone(speaker.state), name: Arc::clone(speaker.id) };
        match word {
            "use" => {
                for id in self.find(to) {
                    let used = Reference { state: Arc::clone(&to.state), name: id };
                    self.take_over(speaker, &used, &own, span);
                }
            }
            "use_in" => {
                for id in self.find(to) {
                    let user = Reference { state: Arc::clone(&to.state), name: id };
                    self.take_over(speaker, &own, &user, span);
                }
            }
            "prereq" => {
                for id in self.find(to) {
                    let later = Reference { state: Arc::clone(&to.state), name: id };
                    self.put(speaker, &later, "prerequired", entry, &own, span);
                }
            }
            _ => {
                if word == "prereq_in" {
                    self.put(speaker, &own, "prerequired", entry, to, span);
                }
                let plain = word.split('_').next().unwrap_or(word);
                self.put(speaker, to, plain, entry, &own, span);
            }
        }
    }

    /// The ids that a reference means: the id itself when it has the state, else those that say the name.
    fn find(&mut self, reference: &Reference) -> Vec<Arc<str>> {
        let Reference { state, name } = reference;
        if self.high.declarations.get(name).is_some_and(|declaration| declaration.states.contains_key(state))
        {
            return vec![Arc::clone(name)];
        }
        let high = self.high;
        let names = self.names.get_or_insert_with(|| Names::of(high));
        let key = (Arc::clone(state), Arc::clone(name));
        self.found.entry(key).or_insert_with(|| names.find(high, state, name)).clone()
    }

    fn body(&mut self, speaker: Speaker<'h>, on: &Reference, span: Span) -> &mut Body {
        let addition = self.additions.entry(Arc::clone(&on.name)).or_insert_with(|| Addition {
            id: Arc::clone(&on.name),
            span,
            home: Arc::clone(&speaker.declaration.home),
            states: Ordered::default(),
            by_name: true,
        });
        addition.home = Arc::clone(&speaker.declaration.home);
        let empty = || Body { span, args: Vec::new() };
        addition.states.entry(Arc::clone(&on.state)).or_insert_with(empty)
    }

    /// Puts a requisite that names `to` on the state `on`.
    fn put(
        &mut self,
        speaker: Speaker<'h>,
        on: &Reference,
        word: &str,
        entry: &Entry,
        to: &Reference,
        span: Span,
    ) {
        let mut item = Map::new();
        item.insert_at(Arc::clone(&to.state), span, Arc::clone(&to.name));
        let item = Value::from(item).at(span);
        let body = self.body(speaker, on, span);
        if let Some(list) = body
            .args
            .iter_mut()
            .find(|arg| first_key(arg) == Some(word))
            .and_then(Value::as_map_mut)
            .and_then(|map| map.get_mut(word))
            .and_then(Value::as_list_mut)
        {
            list.push(item);
            return;
        }
        let mut arg = Map::new();
        arg.insert_at(word, entry.key_span, Value::from(vec![item]).at(span));
        body.args.push(arg.into());
    }

    /// Gives the state `user` the arguments of the state `used` that it has not itself.
    fn take_over(&mut self, speaker: Speaker<'h>, used: &Reference, user: &Reference, span: Span) {
        let high = self.high;
        let body_of =
            |reference: &Reference| high.declarations.get(&reference.name)?.states.get(&reference.state);
        let (Some(from), Some(into)) = (body_of(used), body_of(user)) else { return };
        let has: Vec<&str> = into.args.iter().filter_map(single_key).collect();
        let taken: Vec<Value> = from
            .args
            .iter()
            .filter(|arg| {
                single_key(arg).is_some_and(|key| !NEVER_USED.contains(&key) && !has.contains(&key))
            })
            .cloned()
            .collect();
        self.body(speaker, user, span).args.extend(taken);
    }
}

fn handled(arg: &Value) -> Option<(&str, &Entry)> {
    let (key, entry) = arg.as_map()?.entries().next()?;
    let word = key.as_str().filter(|word| HANDLED.contains(word))?;
    Some((word, entry))
}

fn single_key(arg: &Value) -> Option<&str> {
    arg.as_map().filter(|map| map.len() == 1)?.first()?.0.as_str()
}

/// `name` arguments to the first state that says them.
fn name_arguments(high: &HighState) -> HashMap<Arc<str>, StateAndName> {
    let mut index = HashMap::default();
    for (id, declaration) in &high.declarations {
        for (state, body) in &declaration.states {
            for name in body.args.iter().filter_map(|arg| arg.get("name")) {
                if let Data::Str(name) = &name.data {
                    index.entry(Arc::clone(name)).or_insert_with(|| (Arc::clone(state), Arc::clone(id)));
                }
            }
        }
    }
    index
}

fn states_by_sls(high: &HighState) -> HashMap<Arc<str>, Vec<Reference>> {
    let mut index: HashMap<_, Vec<Reference>> = HashMap::default();
    for (id, declaration) in &high.declarations {
        let states = index.entry(Arc::clone(&declaration.home.sls)).or_default();
        for state in declaration.states.keys() {
            states.push(Reference { state: Arc::clone(state), name: Arc::clone(id) });
        }
    }
    index
}

fn with_dot(speaker: Speaker<'_>, word: &str, to: &Reference, module: &str, span: Span) -> Problem {
    let plain = word.split('_').next().unwrap_or(word);
    Problem::error(
        "sls.requisite-with-dot",
        format!(
            "Invalid requisite in {plain}: {} for {}, in SLS '{}'",
            to.state, to.name, speaker.declaration.home.sls
        ),
    )
    .at(span)
    .why("requisites must not contain dots")
    .hint(format!("did you mean `{module}`?"))
}

fn names_nothing(high: &HighState, speaker: Speaker<'_>, word: &str, name: &str, span: Span) -> Problem {
    Problem::warning(
        "sls.requisite-names-nothing",
        format!("`{word}` of `{}` names `{name}`, which nothing declares", speaker.id),
    )
    .at(span.or(speaker.body.span))
    .why("it is ignored, as Salt does with a name that has no module")
    .did_you_mean(name, high.declarations.keys().map(|id| &**id))
    .or_hint("write `- module: id` of a state that is declared, or remove the line")
}
