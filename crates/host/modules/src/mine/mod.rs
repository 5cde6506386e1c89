//! `mine`: what other minions have published.
//!
//! It is the master that keeps it. Without one there is none to ask and the answer is empty, as it is with
//! Salt's own `file_client: local`.

use value::{Map, Value};

use crate::{Context, Failure, Module};

arguments! {
    /// What the minions of a target have published under a function's name.
    pub(super) struct Get {
        /// The target.
        tgt: Value,
        /// The function, or several.
        fun: Value,
        /// How the target is meant: `glob`, `list`, `grain`, `compound` …
        tgt_type or expr_form: String = "glob",
        /// Leave this minion out.
        exclude_minion: bool = false,
    }
}

fn get(_: &Context<'_>, _: Get) -> Result<Map, Failure> {
    Ok(Map::new())
}

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "mine",
    documentation: "What other minions have published.",
    states: &[],
    functions: &[execution!("get", get, Get)],
};
