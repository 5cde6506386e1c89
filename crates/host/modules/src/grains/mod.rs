//! `grains`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module =
    Module { name: "grains", documentation: "Grains: what this machine is.", states: &[], functions: &[] };
