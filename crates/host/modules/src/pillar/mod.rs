//! `pillar`: the data that the master, or the pillar tree, holds for this minion.
//!
//! All functions answer from the pillar as it was compiled for this run; none compiles it again. Secrets in it
//! are secrets of whoever asks: nothing is masked here.

mod exec;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "pillar",
    documentation: "Data that is this minion's own.",
    states: &[],
    functions: &[
        execution!(raw "get", exec::get, exec::Get),
        execution!("item", exec::item, exec::Item),
        execution!("items", exec::items, exec::Items),
        execution!("data", exec::items, exec::Items),
        execution!("raw", exec::raw, exec::Raw),
        execution!("ls", exec::list, exec::Items),
        execution!("keys", exec::keys, exec::Keys),
        execution!("obfuscate", exec::obfuscate, exec::Items),
        execution!(raw "filter_by", exec::filter_by, exec::FilterBy),
        execution!(raw "fetch", exec::get, exec::Get),
    ],
};
