//! `sysctl`: settings of the running kernel that outlast a restart.
//!
//! A setting is written to a file that is read at boot, and set in the running kernel. Other lines of the file
//! stay as they are.

mod state;

use std::path::Path;

use value::Value;

use crate::{Context, Failure, Module};

arguments! {
    /// A setting of the running kernel.
    pub(super) struct Get {
        /// Its name.
        name: String,
    }
}

fn get(context: &Context<'_>, asked: Get) -> Result<Value, Failure> {
    Ok(state::running(context, &asked.name)?.unwrap_or_default().into())
}

arguments! {
    /// The file that settings go to.
    pub(super) struct Nothing {}
}

fn default_config(context: &Context<'_>, _: Nothing) -> Result<String, Failure> {
    Ok(default_file(context).to_string())
}

/// Salt's choice: a file of its own where systemd reads them.
fn default_file(context: &Context<'_>) -> &'static str {
    let systemd = context.grain_text("init") == "systemd";
    let folder = || context.host().metadata(Path::new("/etc/sysctl.d")).is_ok_and(|found| found.is_some());
    if systemd || folder() { "/etc/sysctl.d/99-salt.conf" } else { "/etc/sysctl.conf" }
}

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "sysctl",
    documentation: "Settings of the running kernel.",
    states: &[state!("present", state::present, state::Present)],
    functions: &[execution!("get", get, Get), execution!("default_config", default_config, Nothing)],
};
