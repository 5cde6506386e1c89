//! Joining what `extend` and the `_in` requisites add with what is declared.

use std::sync::Arc;

use foldhash::HashMap;
use report::{Problem, Problems};
use value::{Data, Map, Span, Value};

use crate::high::{Body, Declaration, Extension, HighState, Home, Ordered};
use crate::requisite::REQUISITES;
use crate::verify;

/// An addition to an id, found under one name.
pub(crate) struct Addition {
    pub(crate) id: Arc<str>,
    pub(crate) span: Span,
    pub(crate) home: Arc<Home>,
    pub(crate) states: Ordered<Body>,
    /// Whether a state that the id lacks must be looked for under other ids by its name (what `_in`
    /// requisites do), instead of being added to the id (what `extend` does).
    pub(crate) by_name: bool,
}

impl HighState {
    /// Joins the `extend` entries with what they extend, and checks what came of it.
    pub(crate) fn join_extensions(&mut self, problems: &mut Problems) {
        let extensions = std::mem::take(&mut self.extensions);
        let additions = extensions.into_iter().map(Addition::from).collect();
        let touched = self.join(additions, problems);
        for (id, state) in &touched {
            let Some(declaration) = self.declarations.get(id) else { continue };
            if let Some(body) = declaration.states.get(state) {
                verify::body(id, state, body, &declaration.home, problems);
            }
        }
        if !touched.is_empty() {
            verify::mutual(self, problems);
        }
    }

    /// Lays additions over the declarations and answers which states were touched.
    pub(crate) fn join(
        &mut self,
        additions: Vec<Addition>,
        problems: &mut Problems,
    ) -> Vec<(Arc<str>, Arc<str>)> {
        let excluded = self.excluded_sls();
        let mut names = None;
        let mut touched = Vec::new();
        for addition in additions {
            let Some(target) = self.target(&addition, &mut names) else {
                problems.push(nothing_to_extend(self, &addition));
                continue;
            };
            if excluded.contains(&addition.home.sls) {
                continue;
            }
            let Some(declaration) = self.declarations.get_mut(&target) else { continue };
            for (state, body) in addition.states {
                touched.push((Arc::clone(&target), Arc::clone(&state)));
                match declaration.states.get_mut(&state) {
                    Some(there) => lay_over(&mut there.args, body.args),
                    None => {
                        declaration.states.insert(state, body);
                    }
                }
            }
        }
        touched
    }

    /// The id that an addition means; `None` when there is none, or more than one.
    fn target(&self, addition: &Addition, names: &mut Option<Names>) -> Option<Arc<str>> {
        let (state, _) = addition.states.first()?;
        if let Some((id, declaration)) = self.declarations.get_key_value(&addition.id)
            && (!addition.by_name || declaration.states.contains_key(state))
        {
            return Some(Arc::clone(id));
        }
        let names = names.get_or_insert_with(|| Names::of(self));
        match names.find(self, state, &addition.id).as_slice() {
            [one] => Some(Arc::clone(one)),
            _ => None,
        }
    }

    /// The SLS that are excluded by name, as far as `extend` heeds them.
    fn excluded_sls(&self) -> Vec<Arc<str>> {
        let name = |value: &Value| match &value.data {
            Data::Str(name) => Some(Arc::clone(name)),
            _ => value.get("sls").and_then(Value::as_str).map(Arc::from),
        };
        self.exclusions.iter().filter_map(name).collect()
    }
}

impl From<Extension> for Addition {
    fn from(extension: Extension) -> Self {
        let Extension { id, id_span: span, home, states } = extension;
        Self { id, span, home, states, by_name: false }
    }
}

/// State module and a text said under it.
type Said = (Arc<str>, Arc<str>);

/// Which ids say a text as the value of an argument, by state module: how Salt finds a state by its name.
pub(crate) struct Names {
    by_value: HashMap<Said, Vec<Arc<str>>>,
}

impl Names {
    pub(crate) fn of(high: &HighState) -> Self {
        let mut by_value: HashMap<Said, Vec<Arc<str>>> = HashMap::default();
        for (id, declaration) in &high.declarations {
            for (state, body) in &declaration.states {
                for value in body.args.iter().filter_map(single_text) {
                    by_value.entry((Arc::clone(state), Arc::clone(value))).or_default().push(Arc::clone(id));
                }
            }
        }
        Self { by_value }
    }

    /// The ids that have the state and say the name; only those that still do.
    pub(crate) fn find(&self, high: &HighState, state: &Arc<str>, name: &Arc<str>) -> Vec<Arc<str>> {
        let key = (Arc::clone(state), Arc::clone(name));
        let still_says = |id: &&Arc<str>| {
            high.declarations
                .get(*id)
                .and_then(|declaration| declaration.states.get(state))
                .is_some_and(|body| body.args.iter().filter_map(single_text).any(|value| value == name))
        };
        self.by_value.get(&key).into_iter().flatten().filter(still_says).map(Arc::clone).collect()
    }
}

fn single_text(arg: &Value) -> Option<&Arc<str>> {
    match &arg.as_map().filter(|map| map.len() == 1)?.first()?.1.data {
        Data::Str(text) => Some(text),
        _ => None,
    }
}

/// Lays later arguments over earlier ones: a function replaces the function, requisites of the same kind are
/// joined, any other argument replaces the one of the same name, and what is new is added.
fn lay_over(there: &mut Vec<Value>, later: Vec<Value>) {
    for arg in later {
        let mut found = false;
        for own in there.iter_mut() {
            found |= lay_one_over(own, &arg);
        }
        if !found {
            there.push(arg);
        }
    }
}

fn lay_one_over(own: &mut Value, arg: &Value) -> bool {
    if own.as_str().is_some() && arg.as_str().is_some() {
        *own = arg.clone();
        return true;
    }
    let (Some(key), Some(own_key)) = (first_key(arg), first_key(own)) else { return false };
    if key != own_key {
        if key == "name" && own_key == "names" {
            *own = arg.clone();
        }
        return false;
    }
    let key = key.to_string();
    if REQUISITES.contains(&&*key)
        && let Some(more) = arg.get(&key).and_then(Value::as_list)
        && let Some(list) = own.as_map_mut().and_then(|map| map.get_mut(&key)).and_then(Value::as_list_mut)
    {
        list.extend(more.iter().cloned());
    } else {
        *own = arg.clone();
    }
    true
}

/// The name of an argument.
pub(crate) fn first_key(arg: &Value) -> Option<&str> {
    arg.as_map().and_then(Map::first)?.0.as_str()
}

fn nothing_to_extend(high: &HighState, addition: &Addition) -> Problem {
    let Addition { id, span, home, states, by_name } = addition;
    let state = states.first().map_or("", |(state, _)| state);
    let problem = Problem::error(
        "sls.extends-nothing",
        format!(
            "Cannot extend ID '{id}' in '{}:{}'. It is not part of the high state.",
            home.saltenv, home.sls
        ),
    )
    .at(*span);
    let problem = match high.declarations.get(id) {
        Some(Declaration { id_span, states: own, .. }) => {
            let own: Vec<&str> = own.keys().map(|state| &**state).collect();
            problem
                .why(format!("`{id}` has no `{state}` state, but {}", own.join(", ")))
                .related(*id_span, "the id is declared here")
        }
        None => problem
            .why(if *by_name { "the requisite names nothing that exists" } else { "nothing declares the id" })
            .did_you_mean(id, high.declarations.keys().map(|id| &**id)),
    };
    problem.hint(format!("include the SLS that declares it in SLS '{}', or correct the id", home.sls))
}
