//! The order of a run, and circles.
//!
//! A depth-first walk over chunks and groups, with its own stack. Groups are walked as things of their own:
//! a thousand chunks that require an SLS of a thousand chunks are two thousand visits, not a million.

use value::Span;

use super::{Circle, Graph, Kind, Step};

/// How many circles are told in full.
const TOLD: usize = 32;

/// A group that is not there: nothing to walk.
const NO_GROUP: usize = usize::MAX;

/// What the walk goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A chunk that is to run.
    Chunk(usize),
    /// A chunk that is looked at ahead of its turn; what it requires runs for that.
    Look(usize),
    /// The chunks of a group, to run.
    Group(usize),
    /// The chunks of a group, to look at.
    LookGroup(usize),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mark {
    #[default]
    New,
    Open,
    Done,
}

struct Frame {
    place: Place,
    next: usize,
    /// The requisite through which the walk came here.
    span: Span,
}

struct Walk<'g> {
    graph: &'g Graph,
    chunks: Vec<Mark>,
    looks: Vec<Mark>,
    groups: Vec<Mark>,
    look_groups: Vec<Mark>,
    open: Vec<Frame>,
    steps: Vec<Step>,
    circles: Vec<Circle>,
    broken: Vec<bool>,
}

/// Fills in the steps and circles of a graph whose edges stand.
pub(super) fn walk(graph: &mut Graph) {
    let (chunks, groups) = (graph.edges.len(), graph.groups.len());
    let mut walk = Walk {
        graph,
        chunks: vec![Mark::New; chunks],
        looks: vec![Mark::New; chunks],
        groups: vec![Mark::New; groups],
        look_groups: vec![Mark::New; groups],
        open: Vec::new(),
        steps: Vec::with_capacity(chunks),
        circles: Vec::new(),
        broken: vec![false; chunks],
    };
    for chunk in 0..chunks {
        walk.from(Place::Chunk(chunk));
    }
    let Walk { steps, circles, broken, .. } = walk;
    graph.steps = steps;
    graph.circles = circles;
    graph.broken = broken;
}

impl Walk<'_> {
    fn from(&mut self, start: Place) {
        self.enter(start, Span::NONE);
        while let Some(frame) = self.open.last_mut() {
            let (place, at) = (frame.place, frame.next);
            frame.next += 1;
            match self.next(place, at) {
                Some((below, span)) => self.enter(below, span),
                None => self.leave(),
            }
        }
    }

    /// The next thing that has to come before `place`.
    fn next(&self, place: Place, at: usize) -> Option<(Place, Span)> {
        match place {
            Place::Group(group) => Some((Place::Chunk(*self.graph.group(group).get(at)?), Span::NONE)),
            Place::LookGroup(group) => Some((Place::Look(*self.graph.group(group).get(at)?), Span::NONE)),
            Place::Chunk(chunk) | Place::Look(chunk) => {
                if self.broken.get(chunk).copied().unwrap_or(true)
                    || self.graph.missing(chunk).next().is_some()
                {
                    return None;
                }
                let edge = self.graph.edges(chunk).get(at)?;
                let below = match edge.kind {
                    Kind::Prereq => Place::LookGroup(edge.group),
                    // Looked at ahead, a chunk does not wait for what it is looked at for.
                    Kind::Prerequired if matches!(place, Place::Look(_)) => Place::Group(NO_GROUP),
                    _ => Place::Group(edge.group),
                };
                Some((below, edge.reference.span))
            }
        }
    }

    fn enter(&mut self, place: Place, span: Span) {
        // A chunk that has run is not looked at any more.
        if let Place::Look(chunk) = place
            && self.chunks.get(chunk) == Some(&Mark::Done)
        {
            return;
        }
        let Some(mark) = self.mark(place) else { return };
        match *mark {
            Mark::Done => {}
            Mark::New => {
                *mark = Mark::Open;
                self.open.push(Frame { place, next: 0, span });
            }
            Mark::Open => self.circle(place, span),
        }
    }

    fn leave(&mut self) {
        let Some(frame) = self.open.pop() else { return };
        if let Some(mark) = self.mark(frame.place) {
            *mark = Mark::Done;
        }
        match frame.place {
            Place::Chunk(chunk) => self.steps.push(Step::Run(chunk)),
            Place::Look(chunk) => self.steps.push(Step::Look(chunk)),
            Place::Group(_) | Place::LookGroup(_) => {}
        }
    }

    fn mark(&mut self, place: Place) -> Option<&mut Mark> {
        match place {
            Place::Chunk(chunk) => self.chunks.get_mut(chunk),
            Place::Look(chunk) => self.looks.get_mut(chunk),
            Place::Group(group) => self.groups.get_mut(group),
            Place::LookGroup(group) => self.look_groups.get_mut(group),
        }
    }

    /// `place` is reached again while it is open: the chunk that asked for it cannot run.
    fn circle(&mut self, place: Place, span: Span) {
        let from = self.open.iter().position(|frame| frame.place == place).unwrap_or(0);
        let asked = self.open.iter().rev().find_map(|frame| chunk_of(frame.place));
        let Some(asked) = asked else { return };
        if let Some(broken) = self.broken.get_mut(asked) {
            if *broken {
                return;
            }
            *broken = true;
        }
        if self.circles.len() >= TOLD {
            return;
        }
        let round = self.open.get(from..).unwrap_or_default();
        let chunks: Vec<usize> = round.iter().filter_map(|frame| chunk_of(frame.place)).collect();
        let mut spans: Vec<Span> = round.iter().skip(1).map(|frame| frame.span).collect();
        spans.push(span);
        spans.retain(|span| !span.is_none());
        self.circles.push(Circle { chunks, spans });
    }
}

fn chunk_of(place: Place) -> Option<usize> {
    match place {
        Place::Chunk(chunk) | Place::Look(chunk) => Some(chunk),
        Place::Group(_) | Place::LookGroup(_) => None,
    }
}
