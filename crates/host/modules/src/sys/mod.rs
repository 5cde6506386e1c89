//! `sys`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "sys",
    documentation: "What functions there are and how they are called.",
    states: &[],
    functions: &[],
};
