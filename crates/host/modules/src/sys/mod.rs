//! `sys`: what the catalogue can do, for machines and people to read.
//!
//! Everything here comes from the declarations that the functions themselves are called by, so it cannot
//! differ from what they accept.

mod describe;
mod exec;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "sys",
    documentation: "What can be called, and how.",
    states: &[],
    functions: &[
        execution!("doc", exec::documentation, exec::Which),
        execution!("state_doc", exec::state_documentation, exec::Which),
        execution!("list_functions", exec::functions, exec::Which),
        execution!("list_state_functions", exec::state_functions, exec::Which),
        execution!("list_modules", exec::modules, exec::Which),
        execution!("list_state_modules", exec::state_modules, exec::Which),
        execution!("argspec", exec::arguments, exec::ArgumentsOf),
        execution!("state_argspec", exec::state_arguments, exec::ArgumentsOf),
        execution!("state_schema", exec::state_schema, exec::ArgumentsOf),
        execution!("schema", exec::schema, exec::ArgumentsOf),
        execution!("reload_modules", exec::reload, exec::Nothing),
    ],
};
