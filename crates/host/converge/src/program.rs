//! Low state made ready to run: chunks in their order, each with its edges to others.

use report::Problems;
use sls::{Graph, Kind, LowChunk};
use value::{Map, Span, Value};

use crate::decide::Requisite;

/// What runs, in order.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// One step a state.
    pub steps: Vec<Step>,
    /// Steps that are named together, by their place.
    pub groups: Vec<Box<[usize]>>,
    /// What runs at the end if something else has changed.
    pub listeners: Vec<Listener>,
}

/// One state.
#[derive(Clone, Debug)]
pub struct Step {
    /// The low chunk.
    pub chunk: LowChunk,
    /// What decides whether it runs.
    pub edges: Vec<Edge>,
    /// Salt's comment when it cannot run at all: a requisite names nothing, or it waits for itself.
    pub blocked: Option<String>,
}

/// A requisite that was resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Its kind.
    pub requisite: Requisite,
    /// The group of steps it names.
    pub group: usize,
}

/// A `listen`, resolved.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The steps whose watch function runs.
    pub steps: Vec<usize>,
    /// The group that is listened to.
    pub group: usize,
    /// What is named and does not exist.
    pub missing: Option<String>,
    /// Where that is named.
    pub place: Span,
}

impl Program {
    /// Orders chunks and resolves their requisites. Requisites that name nothing and circles are problems;
    /// the states in question fail when they run.
    pub fn build(chunks: Vec<LowChunk>) -> (Self, Problems) {
        let graph = Graph::build(&chunks);
        let problems = graph.problems(&chunks);
        let order: Vec<usize> = graph.order().collect();
        let mut place = vec![usize::MAX; chunks.len()];
        for (at, chunk) in order.iter().enumerate() {
            if let Some(slot) = place.get_mut(*chunk) {
                *slot = at;
            }
        }
        let placed = |group: &[usize]| -> Box<[usize]> {
            group
                .iter()
                .filter_map(|chunk| place.get(*chunk).copied())
                .filter(|at| *at != usize::MAX)
                .collect()
        };
        let mut groups: Vec<Option<Box<[usize]>>> = Vec::new();
        let mut group_of = |number: usize| {
            if groups.len() <= number {
                groups.resize(number + 1, None);
            }
            if let Some(slot) = groups.get_mut(number) {
                slot.get_or_insert_with(|| placed(graph.group(number)));
            }
            number
        };
        let edges: Vec<Vec<Edge>> = (0..chunks.len())
            .map(|chunk| {
                let edges = graph.edges(chunk).iter();
                edges
                    .map(|edge| Edge { requisite: requisite(edge.kind), group: group_of(edge.group) })
                    .collect()
            })
            .collect();
        let listeners = graph
            .listens()
            .iter()
            .map(|listen| Listener {
                steps: placed(&listen.listeners).to_vec(),
                group: group_of(listen.heard),
                missing: listen
                    .missing
                    .as_ref()
                    .map(|reference| format!("{}: {}", reference.state, reference.name)),
                place: listen.missing.as_ref().map_or(Span::NONE, |reference| reference.span),
            })
            .collect();
        let blocked: Vec<Option<String>> = (0..chunks.len()).map(|chunk| blocked(&graph, chunk)).collect();
        let mut parts: Vec<_> = chunks.into_iter().zip(edges).zip(blocked).map(Some).collect();
        let steps = order.iter().filter_map(|chunk| parts.get_mut(*chunk)?.take());
        let steps = steps.map(|((chunk, edges), blocked)| Step { chunk, edges, blocked }).collect();
        let groups = groups.into_iter().map(Option::unwrap_or_default).collect();
        (Self { steps, groups, listeners }, problems)
    }

    /// The steps an edge names.
    pub fn targets(&self, edge: &Edge) -> &[usize] {
        self.groups.get(edge.group).map_or(&[], |group| group)
    }
}

fn requisite(kind: Kind) -> Requisite {
    match kind {
        Kind::Require | Kind::Prerequired => Requisite::Require,
        Kind::RequireAny => Requisite::RequireAny,
        Kind::Watch => Requisite::Watch,
        Kind::WatchAny => Requisite::WatchAny,
        Kind::Prereq => Requisite::Prereq,
        Kind::Onfail => Requisite::Onfail,
        Kind::OnfailAny => Requisite::OnfailAny,
        Kind::OnfailAll => Requisite::OnfailAll,
        Kind::Onchanges => Requisite::Onchanges,
        Kind::OnchangesAny => Requisite::OnchangesAny,
    }
}

/// Salt's words for a chunk that cannot run.
fn blocked(graph: &Graph, chunk: usize) -> Option<String> {
    if graph.is_recursive(chunk) {
        return Some("Recursive requisite found".into());
    }
    let mut comment = String::new();
    let mut last = None;
    for edge in graph.missing(chunk) {
        if last != Some(edge.kind) {
            comment.push_str(&format!("{:19}{}:\n", "", edge.kind.word()));
            last = Some(edge.kind);
        }
        comment.push_str(&format!("{:23}{}: {}\n", "", edge.reference.state, edge.reference.name));
    }
    (!comment.is_empty()).then(|| format!("The following requisites were not found:\n{comment}"))
}

impl Step {
    /// `module.function`.
    pub fn function_name(&self) -> String {
        self.chunk.function()
    }

    /// An argument as written.
    pub fn argument(&self, name: &str) -> Option<&Value> {
        self.chunk.args.get(name)
    }

    /// Where the value of an argument stands that the function declares under this name; [`Span::NONE`] when it is
    /// not written.
    pub fn place_of(&self, name: &str) -> Span {
        if name == "name" {
            return self.chunk.name_span;
        }
        let function = modules::state_function(&self.function_name());
        let declared =
            function.and_then(|function| function.arguments.iter().find(|known| known.name == name));
        let aliases = declared.map_or(&[][..], |declared| declared.aliases);
        let written = std::iter::once(name).chain(aliases.iter().copied());
        let entry = written.into_iter().find_map(|name| self.chunk.args.entry(name));
        entry.map_or(Span::NONE, |entry| entry.value.span.or(entry.key_span))
    }

    /// The arguments with `name`, as the function takes them.
    pub fn arguments(&self) -> Map {
        let mut arguments = self.chunk.args.clone();
        arguments.insert_at("name", self.chunk.name_span, self.chunk.name.clone());
        arguments
    }
}
