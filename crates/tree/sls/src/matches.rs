//! Which SLS a minion gets.

use std::sync::Arc;

use indexmap::IndexMap;
use value::{Map, Span, Value};

/// SLS names (or patterns of them) by saltenv, in order, each with the place that asked for it.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    by_saltenv: IndexMap<Arc<str>, Vec<(Arc<str>, Span)>>,
}

impl Matches {
    /// These SLS of one saltenv.
    pub fn of<'n>(saltenv: &str, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut matches = Self::default();
        for name in names {
            matches.add(saltenv, name, Span::NONE);
        }
        matches
    }

    /// Adds one more.
    pub fn add(&mut self, saltenv: &str, sls: &str, span: Span) {
        self.by_saltenv.entry(saltenv.into()).or_default().push((sls.into(), span));
    }

    /// Makes room for a saltenv, even if nothing follows.
    pub(crate) fn touch(&mut self, saltenv: &str) {
        self.by_saltenv.entry(saltenv.into()).or_default();
    }

    /// By saltenv, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &[(Arc<str>, Span)])> {
        self.by_saltenv.iter().map(|(saltenv, names)| (saltenv, names.as_slice()))
    }

    /// The saltenvs that are used.
    pub fn saltenvs(&self) -> impl Iterator<Item = &str> {
        self.by_saltenv.keys().map(|saltenv| &**saltenv)
    }

    /// Whether the saltenv is used.
    pub fn uses(&self, saltenv: &str) -> bool {
        self.by_saltenv.contains_key(saltenv)
    }

    /// Whether no SLS is asked for.
    pub fn is_empty(&self) -> bool {
        self.by_saltenv.values().all(Vec::is_empty)
    }

    /// As Salt's `state.show_top` prints it: saltenv to a list of names.
    pub fn to_value(&self) -> Value {
        let by_saltenv = self.by_saltenv.iter().map(|(saltenv, names)| {
            (Arc::clone(saltenv), names.iter().map(|(name, _)| Arc::clone(name)).collect::<Value>())
        });
        by_saltenv.collect::<Map>().into()
    }
}
