//! `defaults`: what a formula assumes when pillar says nothing, and merging it with what pillar says.

mod exec;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "defaults",
    documentation: "Defaults of formulas.",
    states: &[],
    functions: &[
        execution!("get", exec::get, exec::Get),
        execution!("merge", exec::merge, exec::Merge),
        execution!("update", exec::update, exec::Update),
        execution!("deepcopy", exec::copy, exec::Copy),
    ],
};
