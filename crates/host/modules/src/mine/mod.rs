//! `mine`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "mine",
    documentation: "The mine: what minions tell each other.",
    states: &[],
    functions: &[],
};
