//! `archive`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "archive",
    documentation: "Archives: packing and unpacking.",
    states: &[],
    functions: &[],
};
