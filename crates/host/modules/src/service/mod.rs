//! `service`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module =
    Module { name: "service", documentation: "Services.", states: &[], functions: &[] };
