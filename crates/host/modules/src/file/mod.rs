//! `file`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module =
    Module { name: "file", documentation: "Files, directories and links.", states: &[], functions: &[] };
