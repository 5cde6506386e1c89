//! `config`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "config",
    documentation: "The minion's configuration, with grains and pillar behind it.",
    states: &[],
    functions: &[],
};
