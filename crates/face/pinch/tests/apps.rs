//! Apps that run: the binary, its keeper and router, and real clients. Each test has a home of its own.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a test starts the binary and talks to it"
)]

#[path = "apps/access_log.rs"]
mod access_log;
#[path = "apps/drains.rs"]
mod drains;
#[path = "apps/home.rs"]
mod home;
#[path = "apps/killed_keeper.rs"]
mod killed_keeper;
#[path = "apps/release_command.rs"]
mod release_command;
#[path = "apps/settings.rs"]
mod settings;
#[path = "apps/terminal.rs"]
mod terminal;
#[path = "apps/tls.rs"]
mod tls;
