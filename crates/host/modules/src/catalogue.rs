//! The one list of all modules.

use crate::{ExecutionFunction, Module, StateFunction};

/// Every module, by name. To register one is to add its line here.
pub static MODULES: &[&Module] = &[
    &crate::app::MODULE,
    &crate::archive::MODULE,
    &crate::cmd::MODULE,
    &crate::config::MODULE,
    &crate::cp::MODULE,
    &crate::cron::MODULE,
    &crate::defaults::MODULE,
    &crate::environ::MODULE,
    &crate::file::MODULE,
    &crate::git::MODULE,
    &crate::grains::MODULE,
    &crate::group::MODULE,
    &crate::log::MODULE,
    &crate::r#match::MODULE,
    &crate::mine::MODULE,
    &crate::module::MODULE,
    &crate::network::MODULE,
    &crate::pillar::MODULE,
    &crate::pkg::MODULE,
    &crate::process::MODULE,
    &crate::saltutil::MODULE,
    &crate::service::MODULE,
    &crate::slsutil::MODULE,
    &crate::ssh_auth::MODULE,
    &crate::sys::MODULE,
    &crate::sysctl::MODULE,
    &crate::test::MODULE,
    &crate::user::MODULE,
];

/// The state function of that full name (`file.managed`).
pub fn state_function(name: &str) -> Option<&'static StateFunction> {
    let (module, function) = name.split_once('.')?;
    modules(module).flat_map(|module| module.states).find(|state| state.name == function)
}

/// The execution function of that full name (`file.file_exists`).
pub fn execution_function(name: &str) -> Option<&'static ExecutionFunction> {
    let (module, function) = name.split_once('.')?;
    modules(module).flat_map(|module| module.functions).find(|execution| execution.name == function)
}

/// The full names of all state functions, in the catalogue's order.
pub fn state_names() -> impl Iterator<Item = String> {
    MODULES
        .iter()
        .flat_map(|module| module.states.iter().map(|state| format!("{}.{}", module.name, state.name)))
}

/// The full names of all execution functions, in the catalogue's order.
pub fn execution_names() -> impl Iterator<Item = String> {
    MODULES.iter().flat_map(|module| {
        module.functions.iter().map(|function| format!("{}.{}", module.name, function.name))
    })
}

fn modules(name: &str) -> impl Iterator<Item = &'static Module> {
    MODULES.iter().copied().filter(move |module| module.name == name)
}
