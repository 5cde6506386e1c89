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

/// What to write instead of an execution function that is not there.
pub fn advice_on_function(name: &str) -> String {
    advice(name, &execution_names().collect::<Vec<_>>(), "sys.list_functions")
}

/// What to write instead of a state function that is not there.
pub fn advice_on_state(name: &str) -> String {
    advice(name, &state_names().collect::<Vec<_>>(), "sys.list_state_functions")
}

/// The nearest name; without one, what the module has; without a module, where all names are listed.
fn advice(name: &str, names: &[String], list: &str) -> String {
    if let Some(near) = report::suggest(name, names.iter().map(String::as_str)) {
        return format!("did you mean `{near}`?");
    }
    let module = name.split_once('.').map_or(name, |(module, _)| module);
    let prefix = format!("{module}.");
    let functions: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix(&prefix)).collect();
    if functions.is_empty() {
        return format!("there is no module `{module}`: `pinch call {list}` names all that there is");
    }
    format!("`{module}` has {}", functions.join(", "))
}

fn modules(name: &str) -> impl Iterator<Item = &'static Module> {
    MODULES.iter().copied().filter(move |module| module.name == name)
}
