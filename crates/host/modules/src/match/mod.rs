//! `match`: whether this minion is meant by a target.
//!
//! An expression that cannot be understood matches nobody and is reported as a message, as in Salt.

mod exec;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "match",
    documentation: "Whether this minion is meant.",
    states: &[],
    functions: &[
        execution!("compound", exec::compound, exec::Asked),
        execution!("glob", exec::glob, exec::Asked),
        execution!("pcre", exec::pcre, exec::Asked),
        execution!("list", exec::list, exec::Asked),
        execution!("grain", exec::grain, exec::Asked),
        execution!("grain_pcre", exec::grain_pcre, exec::Asked),
        execution!("pillar", exec::pillar, exec::Asked),
        execution!("pillar_pcre", exec::pillar_pcre, exec::Asked),
        execution!("ipcidr", exec::ipcidr, exec::Asked),
        execution!("filter_by", exec::filter_by, exec::FilterBy),
        execution!("search_by", exec::search_by, exec::SearchBy),
        execution!("ifelse", exec::if_else, exec::IfElse),
    ],
};
