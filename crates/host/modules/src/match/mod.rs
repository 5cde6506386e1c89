//! `match`: in the making.

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module =
    Module { name: "match", documentation: "Whether this minion is targeted.", states: &[], functions: &[] };
