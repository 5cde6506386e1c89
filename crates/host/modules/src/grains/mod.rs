//! `grains`: what is known about this machine.

mod exec;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "grains",
    documentation: "What is known about this machine.",
    states: &[],
    functions: &[
        execution!(raw "get", exec::get, exec::Get),
        execution!(raw "fetch", exec::get, exec::Get),
        execution!(raw "filter_by", exec::filter_by, exec::FilterBy),
        execution!("has_value", exec::has_value, exec::Key),
        execution!("equals", exec::equals, exec::Equals),
        execution!("item", exec::item, exec::Item),
        execution!("items", exec::items, exec::Items),
        execution!("ls", exec::list, exec::Nothing),
    ],
};
