//! What is wrong with a graph, for people.

use report::{Exit, Problem, Problems};

use super::{Circle, Edge, Graph};
use crate::LowChunk;

/// How many missing names get a "did you mean": each asks all names.
const SUGGESTED: usize = 50;

impl Graph {
    /// Requisites that name nothing, and circles. `chunks` are those the graph was built from. Salt fails the
    /// states in question when they run and runs the others.
    pub fn problems(&self, chunks: &[LowChunk]) -> Problems {
        let mut problems = Problems::new();
        let mut suggested = 0;
        for (at, chunk) in chunks.iter().enumerate() {
            for edge in self.missing(at) {
                suggested += 1;
                problems.push(missing(edge, chunk, if suggested <= SUGGESTED { chunks } else { &[] }));
            }
        }
        problems.extend(self.circles().iter().map(|circle| told(circle, chunks)));
        problems
    }
}

fn missing(edge: &Edge, chunk: &LowChunk, chunks: &[LowChunk]) -> Problem {
    let (state, name) = (&edge.reference.state, &edge.reference.name);
    let word = edge.kind.word();
    let problem = Problem::error(
        "sls.requisite-missing",
        format!("`{word}` of `{}` names `{state}: {name}`, which does not exist", chunk.id),
    )
    .at(edge.reference.span.or(chunk.argument_span(word)))
    .exit(Exit::Failed);
    if &**state == "sls" {
        return problem
            .why("an SLS without states cannot be required")
            .did_you_mean(name, chunks.iter().map(|other| &*other.sls))
            .or_hint(format!("include `{name}`, or remove the requisite"));
    }
    let alike: Vec<&LowChunk> =
        chunks.iter().filter(|other| other.id == *name || other.name == *name).collect();
    match alike.first() {
        Some(other) => problem
            .why(format!("`{name}` is a `{}` state", other.state))
            .related(other.id_span, "declared here")
            .hint(format!("did you mean `{}: {name}`?", other.state)),
        None => {
            let same_state = || chunks.iter().filter(|other| other.state == *state);
            problem
                .did_you_mean(name, same_state().flat_map(|other| [&*other.id, &*other.name]))
                .or_hint("declare that state, include the SLS that does, or remove the requisite")
        }
    }
}

fn told(circle: &Circle, chunks: &[LowChunk]) -> Problem {
    let name = |at: &usize| {
        chunks.get(*at).map(|chunk| format!("{}: {}", chunk.state, chunk.id)).unwrap_or_default()
    };
    let mut names: Vec<String> = circle.chunks.iter().map(name).collect();
    names.extend(names.first().cloned());
    let problem = Problem::error("sls.recursive-requisite", "Recursive requisite found")
        .exit(Exit::Failed)
        .why(format!("each waits for the next: {}", names.join(" -> ")))
        .hint("remove one of these requisites");
    let mut spans = circle.spans.iter();
    let problem = match spans.next() {
        Some(first) => problem.at(*first),
        None => problem,
    };
    spans.fold(problem, |problem, span| problem.related(*span, "and this one"))
}
