//! `cmd`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module =
    Module { name: "cmd", documentation: "Commands that a tree runs.", states: &[], functions: &[] };
