//! `pkg`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module =
    Module { name: "pkg", documentation: "Packages.", states: &[], functions: &[] };
