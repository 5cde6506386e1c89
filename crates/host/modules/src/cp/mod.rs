//! `cp`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module =
    Module { name: "cp", documentation: "Files of the state tree.", states: &[], functions: &[] };
