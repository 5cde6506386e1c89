//! Low state made ready to run: chunks in their order, each with its edges to those before it.

use report::Problem;
use sls::LowChunk;
use value::{Map, Span, Value};

use crate::decide::Requisite;

/// What runs, in order.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// One step a state.
    pub steps: Vec<Step>,
}

/// One state.
#[derive(Clone, Debug)]
pub struct Step {
    /// The low chunk.
    pub chunk: LowChunk,
    /// What decides whether it runs.
    pub edges: Vec<Edge>,
    /// Requisites that name nothing: kind, type and name as written.
    pub missing: Vec<Missing>,
    /// Whether it is only what a watch does (a `listen` at the end of the run).
    pub only_watch: bool,
}

/// A requisite that was resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Its kind.
    pub requisite: Requisite,
    /// The step it names, by place in the program.
    pub target: usize,
}

/// A requisite that names nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its kind as written (`require`).
    pub requisite: String,
    /// The type it names (`file`, `id`, `sls`).
    pub kind: String,
    /// The name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

impl Step {
    /// `module.function`.
    pub fn function_name(&self) -> String {
        format!("{}.{}", self.chunk.state, self.chunk.fun)
    }

    /// An argument as written.
    pub fn argument(&self, name: &str) -> Option<&Value> {
        self.chunk.args.get(name)
    }

    /// The arguments with `name`, as the function takes them.
    pub fn arguments(&self) -> Map {
        let mut arguments = self.chunk.args.clone();
        arguments.insert("name", self.chunk.name.clone());
        arguments
    }

    /// Salt's words for requisites that name nothing.
    pub fn missing_comment(&self) -> String {
        let mut comment = "The following requisites were not found:\n".to_string();
        let mut last = "";
        for missing in &self.missing {
            if missing.requisite != last {
                comment.push_str(&format!("{:19}{}:\n", "", missing.requisite));
                last = &missing.requisite;
            }
            comment.push_str(&format!("{:23}{}: {}\n", "", missing.kind, missing.name));
        }
        comment
    }

    /// A problem for each requisite that names nothing, with the nearest names there are.
    pub fn missing_problems<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = Problem> + 'a {
        self.missing.iter().map(move |missing| {
            let what = format!("`{}` names `{}: {}`, which is not there", missing.requisite, missing.kind, missing.name);
            Problem::error("sls.requisite-missing", what)
                .at(missing.span)
                .did_you_mean(&missing.name, names.iter().map(String::as_str))
                .exit(report::Exit::Failed)
        })
    }
}
