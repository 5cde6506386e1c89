//! Requisite arguments read into edges.

use std::sync::Arc;

use value::{Data, Entry, Span, Value};

use super::Edge;
use super::index::Index;
use crate::LowChunk;

/// What a requisite asks of the chunks it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// All have to hold.
    Require,
    /// One has to hold.
    RequireAny,
    /// All have to hold; a change fires the watch.
    Watch,
    /// One has to hold; a change fires the watch.
    WatchAny,
    /// Runs first, if they are about to change.
    Prereq,
    /// One has to have failed.
    Onfail,
    /// One has to have failed.
    OnfailAny,
    /// All have to have failed.
    OnfailAll,
    /// One has to have changed.
    Onchanges,
    /// One has to have changed.
    OnchangesAny,
    /// The other side of `prereq`: runs after it.
    Prerequired,
}

/// What a requisite names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// A state module, `sls`, or `id` for any module.
    pub state: Arc<str>,
    /// An id or name (or a pattern of them), or an SLS.
    pub name: Arc<str>,
    /// Where it is written.
    pub span: Span,
}

impl Kind {
    /// All kinds that are written as arguments, in the order in which Salt looks at them.
    pub const WRITTEN: [Self; 10] = [
        Self::Require,
        Self::RequireAny,
        Self::Watch,
        Self::WatchAny,
        Self::Prereq,
        Self::Onfail,
        Self::OnfailAny,
        Self::OnfailAll,
        Self::Onchanges,
        Self::OnchangesAny,
    ];

    /// The argument's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::RequireAny => "require_any",
            Self::Watch => "watch",
            Self::WatchAny => "watch_any",
            Self::Prereq => "prereq",
            Self::Onfail => "onfail",
            Self::OnfailAny => "onfail_any",
            Self::OnfailAll => "onfail_all",
            Self::Onchanges => "onchanges",
            Self::OnchangesAny => "onchanges_any",
            Self::Prerequired => "prerequired",
        }
    }
}

impl Reference {
    /// Reads an entry of a requisite list: `module: name`, `module.function: name` or a bare name. `None` for
    /// what names nothing (null).
    pub fn read(item: &Value) -> Option<Self> {
        match &item.data {
            Data::Str(name) => Some(Self { state: "id".into(), name: Arc::clone(name), span: item.span }),
            Data::Map(map) => {
                let (key, Entry { value, key_span }) = map.entries().next()?;
                let name = match &value.data {
                    Data::Null => return None,
                    Data::Str(name) => Arc::clone(name),
                    _ => value.to_string().into(),
                };
                let state = key.to_string();
                let module = state.split('.').next().unwrap_or(&state);
                Some(Self { state: module.into(), name, span: item.span.or(*key_span) })
            }
            Data::Null => None,
            _ => Some(Self { state: "id".into(), name: item.to_string().into(), span: item.span }),
        }
    }
}

impl Edge {
    /// Why there is this edge, for people: `require: - pkg: nginx`.
    pub fn why(&self) -> String {
        let Reference { state, name, .. } = &self.reference;
        match self.kind {
            Kind::Prerequired => format!("another state has `prereq: - {state}: {name}`"),
            kind => format!("`{}: - {state}: {name}`", kind.word()),
        }
    }
}

/// The edges of all chunks.
pub(super) fn edges(chunks: &[LowChunk], index: &mut Index<'_>) -> Vec<Vec<Edge>> {
    chunks
        .iter()
        .map(|chunk| {
            let mut edges = Vec::new();
            for kind in Kind::WRITTEN {
                for reference in references(chunk.args.get(kind.word())) {
                    let group = index.group(&reference.state, &reference.name);
                    edges.push(Edge { kind, reference, group });
                }
            }
            edges
        })
        .collect()
}

/// What a requisite argument names. A single `module: name` mapping is read like a list of one.
pub(super) fn references(argument: Option<&Value>) -> Vec<Reference> {
    match argument.map(|value| &value.data) {
        Some(Data::List(items)) => items.iter().filter_map(Reference::read).collect(),
        Some(Data::Map(_) | Data::Str(_)) => argument.and_then(Reference::read).into_iter().collect(),
        _ => Vec::new(),
    }
}
