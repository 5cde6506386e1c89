//! Execution functions.

use host::Command;
use target::Pattern;
use value::{Map, Value};

use super::provider::{Deed, How, Provider, Service, reload_manager};
use super::systemd;
use crate::{Context, Failure};

arguments! {
    /// One service.
    pub(super) struct Name {
        /// Its name.
        name: String,
        /// Do not wait until it is done.
        no_block: bool = false,
        /// For masks: only until the next boot.
        runtime: bool = false
        ;.. others
    }
}

/// Whether it runs. A name with `*` or `?` answers a map of all that fit.
pub(super) fn status(context: &Context<'_>, arguments: Name) -> Result<Value, Failure> {
    if !arguments.name.contains(['*', '?', '[']) {
        return Ok(look(context, &arguments.name)?.is_some_and(|service| service.running).into());
    }
    let provider = Provider::of(context.host())?;
    let mut map = Map::new();
    for name in provider.all(context.host())? {
        if Pattern::fits(&arguments.name, &name) {
            map.insert(name.as_str(), look(context, &name)?.is_some_and(|service| service.running));
        }
    }
    Ok(map.into())
}

/// Whether there is one of that name.
pub(super) fn available(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    Ok(look(context, &arguments.name)?.is_some())
}

/// Whether there is none of that name.
pub(super) fn missing(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    Ok(look(context, &arguments.name)?.is_none())
}

/// Whether it starts at boot.
pub(super) fn enabled(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    Ok(look(context, &arguments.name)?.is_some_and(|service| service.enabled))
}

/// Whether it does not start at boot.
pub(super) fn disabled(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    Ok(!look(context, &arguments.name)?.is_some_and(|service| service.enabled))
}

/// Whether it is masked.
pub(super) fn masked(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    let service = look(context, &arguments.name)?.unwrap_or_default();
    Ok(if arguments.runtime { service.runtime_masked } else { service.masked })
}

/// Starts it.
pub(super) fn start(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    act(context, &arguments, Deed::Start)
}

/// Stops it.
pub(super) fn stop(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    act(context, &arguments, Deed::Stop)
}

/// Stops and starts it.
pub(super) fn restart(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    act(context, &arguments, Deed::Restart)
}

/// Makes it read its configuration again.
pub(super) fn reload(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    act(context, &arguments, Deed::Reload)
}

/// Makes it start at boot.
pub(super) fn enable(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    act(context, &arguments, Deed::Enable)
}

/// Makes it not start at boot.
pub(super) fn disable(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    act(context, &arguments, Deed::Disable)
}

/// Makes it impossible to start.
pub(super) fn mask(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    act(context, &arguments, Deed::Mask { runtime: arguments.runtime })
}

/// Makes it possible to start again.
pub(super) fn unmask(context: &Context<'_>, arguments: Name) -> Result<bool, Failure> {
    act(context, &arguments, Deed::Unmask { runtime: arguments.runtime })
}

/// All properties of a unit, as systemd tells them.
pub(super) fn show(context: &Context<'_>, arguments: Name) -> Result<Map, Failure> {
    let unit = systemd::unit(&arguments.name);
    let output = context.host().probe(&Command::new(["systemctl", "show", "--", &unit]))?;
    Ok(systemd::properties(&output.stdout_text()).into_iter().collect())
}

arguments! {
    /// All services.
    pub(super) struct Nothing {
        ;.. others
    }
}

/// The names of all services.
pub(super) fn get_all(context: &Context<'_>, _: Nothing) -> Result<Value, Failure> {
    Ok(Provider::of(context.host())?.all(context.host())?.into())
}

/// Makes systemd read its units again.
pub(super) fn systemctl_reload(context: &Context<'_>, _: Nothing) -> Result<bool, Failure> {
    Ok(reload_manager(context.host())?)
}

fn look(context: &Context<'_>, name: &str) -> Result<Option<Service>, Failure> {
    Ok(Provider::of(context.host())?.look(context.host(), name)?)
}

fn act(context: &Context<'_>, arguments: &Name, deed: Deed) -> Result<bool, Failure> {
    let provider = Provider::of(context.host())?;
    if matches!(deed, Deed::Mask { .. } | Deed::Unmask { .. }) && !provider.has_masks() {
        return Err(Failure::message("Service masking not available on this minion")
            .hint("only systemd masks services: use `service.disable`"));
    }
    if provider.look(context.host(), &arguments.name)?.is_none() && !matches!(deed, Deed::Mask { .. }) {
        return Err(Failure::message(format!("Service {} is not available", arguments.name))
            .hint("`pinch call service.get_all` lists the services that are there"));
    }
    let how = How { no_block: arguments.no_block, timeout: None };
    match provider.act(context.host(), &arguments.name, deed, &how)? {
        Some(error) => Err(Failure::message(error).hint(provider.advice(&arguments.name))),
        None => Ok(true),
    }
}
