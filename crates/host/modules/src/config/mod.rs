//! `config`: settings, wherever they are: the minion's configuration, grains, pillar, the master's
//! configuration (where pillar carries it), defaults; in this order.

mod defaults;
mod exec;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "config",
    documentation: "Settings from configuration, grains and pillar.",
    states: &[],
    functions: &[
        execution!(raw "get", exec::get, exec::Get),
        execution!("option", exec::option, exec::OptionOf),
        execution!("merge", exec::merge, exec::Merge),
        execution!("items", exec::items, exec::Nothing),
        execution!("dot_vals", exec::dot_values, exec::DotValues),
        execution!("backup_mode", exec::backup_mode, exec::BackupMode),
        execution!("manage_mode", exec::manage_mode, exec::ManageMode),
        execution!("valid_fileproto", exec::valid_file_protocol, exec::Uri),
    ],
};
