//! The commands that run apps. Each reads what was typed, asks the keeper, and says what came of it.
//!
//! `up` makes a keeper when none is there; all other commands want one that runs. `start` is a keeper of its own, in
//! the foreground. `logs` reads the log files themselves, so that it works when nothing runs.

mod change;
mod config;
mod daemon;
mod describe;
mod drain;
mod drain_states;
mod dry_run;
mod export;
mod failure;
mod lines;
mod listening;
mod logs;
mod one_off;
mod place;
mod ps;
mod release_command;
mod releases;
mod router;
mod running_releases;
mod settings;
mod start;
mod status_page;
mod terminal_log;
mod up;

pub(crate) use change::{down, restart, rollback, scale, stop, upgrade};
pub(crate) use config::config;
pub(crate) use daemon::keeper;
pub(crate) use drain::drain;
pub(crate) use export::export;
pub(crate) use logs::logs;
pub(crate) use one_off::run;
pub(crate) use ps::ps;
pub(crate) use releases::releases;
pub(crate) use router::router;
pub(crate) use start::{guard, start};
pub(crate) use up::up;
