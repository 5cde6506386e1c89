//! `log`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module =
    Module { name: "log", documentation: "Messages from templates.", states: &[], functions: &[] };
