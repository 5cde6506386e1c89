//! How low chunks refer to each other, and the order in which they therefore run.
//!
//! [`Graph::build`] resolves every requisite to the chunks it names (by id or name, patterns included, and
//! whole SLS), works out the run as a list of [`Step`]s, and finds circles. Salt asks anew before each state;
//! here each reference is resolved once, through indexes, and chunks that are named together share one
//! [`group`](Graph::group), so that building takes time and memory in proportion to what is written.

mod index;
mod listen;
mod problems;
mod reference;
mod walk;

use foldhash::HashMap;
use value::Span;

use crate::LowChunk;

pub use listen::Listen;
pub use reference::{Kind, Reference};

use index::Index;

/// The resolved requisites of a list of low chunks. Chunks are named by their place in that list.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    edges: Vec<Vec<Edge>>,
    groups: Vec<Box<[usize]>>,
    steps: Vec<Step>,
    circles: Vec<Circle>,
    broken: Vec<bool>,
    listens: Vec<Listen>,
}

/// A requisite of a chunk, resolved.
#[derive(Clone, Debug)]
pub struct Edge {
    /// What kind.
    pub kind: Kind,
    /// What it names, as written.
    pub reference: Reference,
    /// The number of the [`group`](Graph::group) of chunks it leads to. Edges that name the same share it.
    pub group: usize,
}

/// One step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// See what the chunk would change: another one has `prereq` on it and comes first.
    Look(usize),
    /// Run the chunk, if its requisites say so.
    Run(usize),
}

/// Chunks that wait for each other. Salt says "Recursive requisite found" on the last of them.
#[derive(Clone, Debug)]
pub struct Circle {
    /// The chunks in order: each has a requisite on the next one, the last on the first.
    pub chunks: Vec<usize>,
    /// Where each of these requisites is written.
    pub spans: Vec<Span>,
}

impl Graph {
    /// Resolves and orders chunks. They should stand in the order in which [`HighState::low`] answers them.
    ///
    /// [`HighState::low`]: crate::HighState::low
    pub fn build(chunks: &[LowChunk]) -> Self {
        let mut index = Index::of(chunks);
        let edges = reference::edges(chunks, &mut index);
        let listens = listen::listens(chunks, &mut index);
        let mut graph = Self { edges, groups: index.groups, listens, ..Self::default() };
        graph.add_prerequired();
        walk::walk(&mut graph);
        graph
    }

    /// The requisites of a chunk, in the order in which Salt looks at them.
    pub fn edges(&self, chunk: usize) -> &[Edge] {
        self.edges.get(chunk).map_or(&[], Vec::as_slice)
    }

    /// The chunks that an edge leads to, in order; empty when it names nothing.
    pub fn targets(&self, edge: &Edge) -> &[usize] {
        self.group(edge.group)
    }

    /// The chunks of a group.
    pub fn group(&self, group: usize) -> &[usize] {
        self.groups.get(group).map_or(&[], |group| group)
    }

    /// The requisites of a chunk that name nothing: "The following requisites were not found".
    pub fn missing(&self, chunk: usize) -> impl Iterator<Item = &Edge> {
        self.edges(chunk).iter().filter(|edge| self.targets(edge).is_empty())
    }

    /// The run, as Salt would go through it: by order number, what is named first.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The chunks in the order in which they run.
    pub fn order(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().filter_map(|step| match step {
            Step::Run(chunk) => Some(*chunk),
            Step::Look(_) => None,
        })
    }

    /// The circles that were found; at most a few dozen are told in full.
    pub fn circles(&self) -> &[Circle] {
        &self.circles
    }

    /// Whether the chunk closes a circle, so that it cannot run: "Recursive requisite found".
    pub fn is_recursive(&self, chunk: usize) -> bool {
        self.broken.get(chunk).copied().unwrap_or(false)
    }

    /// What listens to what, in the order in which it is asked at the end of a run.
    pub fn listens(&self) -> &[Listen] {
        &self.listens
    }

    /// A chunk that another one has `prereq` on waits for that one.
    fn add_prerequired(&mut self) {
        let mut waiting: Vec<(usize, usize, Reference)> = Vec::new();
        for (first, edges) in self.edges.iter().enumerate() {
            for edge in edges.iter().filter(|edge| edge.kind == Kind::Prereq) {
                for later in self.targets(edge) {
                    waiting.push((*later, first, edge.reference.clone()));
                }
            }
        }
        let mut own_group: HashMap<usize, usize> = HashMap::default();
        for (later, first, reference) in waiting {
            let groups = &mut self.groups;
            let group = *own_group.entry(first).or_insert_with(|| {
                groups.push(Box::new([first]));
                groups.len() - 1
            });
            if let Some(edges) = self.edges.get_mut(later) {
                edges.push(Edge { kind: Kind::Prerequired, reference, group });
            }
        }
    }
}
