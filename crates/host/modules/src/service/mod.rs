//! `service`: what runs in the background, and what starts at boot.
//!
//! # How it works
//! Who manages services is looked up each time ([`provider`]): systemd, scripts in `/etc/init.d`, or nobody, in a
//! tree that is to become a machine. There, units are enabled by the links that `systemctl enable` would make, and
//! starting fails with a clear word. One probe tells all about a unit; what a run has declared lies on top. When a
//! unit's file has changed since systemd read it, systemd reads its units again before anything is done to it.
//!
//! A service that cannot be started fails with what `systemctl` said and the last lines of its journal.
//!
//! # What it never does
//! Fail a plan because of a service that is not there yet: a package of the same run may bring it.

mod exec;
mod provider;
mod state;
mod systemd;
mod sysv;
mod unit_files;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "service",
    documentation: "What runs in the background, and what starts at boot.",
    states: &[
        state!("running", state::running, state::Running, on_watch = state::watch_running),
        state!("dead", state::dead, state::Running, on_watch = state::watch_dead),
        state!("enabled", state::enabled, state::Enabled),
        state!("disabled", state::disabled, state::Enabled),
        state!("masked", state::masked, state::Masked),
        state!("unmasked", state::unmasked, state::Masked),
    ],
    functions: &[
        execution!("status", exec::status, exec::Name),
        execution!("available", exec::available, exec::Name),
        execution!("missing", exec::missing, exec::Name),
        execution!("enabled", exec::enabled, exec::Name),
        execution!("disabled", exec::disabled, exec::Name),
        execution!("masked", exec::masked, exec::Name),
        execution!("start", exec::start, exec::Name),
        execution!("stop", exec::stop, exec::Name),
        execution!("restart", exec::restart, exec::Name),
        execution!("reload", exec::reload, exec::Name),
        execution!("enable", exec::enable, exec::Name),
        execution!("disable", exec::disable, exec::Name),
        execution!("mask", exec::mask, exec::Name),
        execution!("unmask", exec::unmask, exec::Name),
        execution!("show", exec::show, exec::Name),
        execution!("get_all", exec::get_all, exec::Nothing),
        execution!("systemctl_reload", exec::systemctl_reload, exec::Nothing),
    ],
};
