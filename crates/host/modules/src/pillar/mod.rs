//! `pillar`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "pillar",
    documentation: "Pillar: what this minion is told.",
    states: &[],
    functions: &[],
};
