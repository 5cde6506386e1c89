//! High state: what a set of SLS declares, by id, before it is cut into low chunks.

use std::sync::Arc;

use foldhash::fast::RandomState;
use indexmap::IndexMap;
use value::{Map, Span, Value};

/// Things by id or by name of a state module, in the order in which they were met.
pub type Ordered<T> = IndexMap<Arc<str>, T, RandomState>;

/// Everything that the SLS of a run declare.
#[derive(Clone, Debug, Default)]
pub struct HighState {
    /// The ids in the order in which they were met: an SLS before those it includes.
    pub declarations: Ordered<Declaration>,
    /// What `extend` adds to ids declared elsewhere.
    pub extensions: Vec<Extension>,
    /// What `exclude` takes away: SLS names as text, or maps `{sls: name}` and `{id: name}`.
    pub exclusions: Vec<Value>,
}

/// One id with its states.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// Where the id stands.
    pub id_span: Span,
    /// The SLS that declares it.
    pub home: Arc<Home>,
    /// State module name (`file`) to what is said under it.
    pub states: Ordered<Body>,
}

/// An entry of `extend`.
#[derive(Clone, Debug)]
pub struct Extension {
    /// The id that is extended.
    pub id: Arc<str>,
    /// Where the id stands in the `extend`.
    pub id_span: Span,
    /// The SLS that extends.
    pub home: Arc<Home>,
    /// What is added, by state module.
    pub states: Ordered<Body>,
}

/// What stands under a state module of an id.
#[derive(Clone, Debug)]
pub struct Body {
    /// Where the key (`file.managed`) stands.
    pub span: Span,
    /// A function name as text, and single-key maps of arguments, as written.
    pub args: Vec<Value>,
}

/// An SLS that was loaded.
#[derive(Debug, PartialEq, Eq)]
pub struct Home {
    /// Its name.
    pub sls: Arc<str>,
    /// Its saltenv.
    pub saltenv: Arc<str>,
    /// The SLS that included it, the nearest first; empty when it was asked for itself.
    pub included_from: Arc<[Arc<str>]>,
}

impl HighState {
    /// The high state in the shape in which Salt's `state.show_sls` and `state.show_highstate` print it.
    pub fn to_value(&self) -> Value {
        let mut high = Map::new();
        for (id, declaration) in &self.declarations {
            let mut body = states_value(&declaration.states);
            declaration.home.describe(&mut body);
            if !declaration.home.included_from.is_empty() {
                body.insert("__sls_included_from__", declaration.home.included_from_value());
            }
            high.insert_at(Arc::clone(id), declaration.id_span, body);
        }
        if !self.extensions.is_empty() {
            let list: Vec<Value> = self.extensions.iter().map(Extension::to_value).collect();
            high.insert("__extend__", list);
        }
        if !self.exclusions.is_empty() {
            high.insert("__exclude__", self.exclusions.clone());
        }
        high.into()
    }

    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        self.declarations.is_empty()
    }
}

impl Extension {
    fn to_value(&self) -> Value {
        let mut body = states_value(&self.states);
        self.home.describe(&mut body);
        let mut map = Map::new();
        map.insert_at(Arc::clone(&self.id), self.id_span, body);
        map.into()
    }
}

impl Home {
    fn describe(&self, body: &mut Map) {
        body.insert("__sls__", Arc::clone(&self.sls));
        body.insert("__env__", Arc::clone(&self.saltenv));
    }

    /// The chain of includes as a list of names.
    pub fn included_from_value(&self) -> Value {
        self.included_from.iter().map(Arc::clone).collect()
    }
}

fn states_value(states: &Ordered<Body>) -> Map {
    let mut map = Map::new();
    for (state, body) in states {
        map.insert_at(Arc::clone(state), body.span, body.args.clone());
    }
    map
}
