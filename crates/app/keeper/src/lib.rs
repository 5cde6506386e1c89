//! The supervisor: starts, watches, stops and adopts processes.
//!
//! # What it is for
//! Whoever wants an app to run tells the keeper of this machine (or of a folder: its [`Home`]) what it should be. The
//! keeper starts its processes, finds out when they are ready, starts them again when they end, writes down what they
//! say, and brings a new release up beside the old one before that is let go. It runs apart from whoever commands it:
//! commands come over a socket, and the end of a commander ends no process.
//!
//! # How it works
//! [`core`] decides: synchronous functions over values, time passed in. The shell around it is one task that owns
//! the truth and does what the core says. What processes say goes to log files through a thread of its own
//! ([`logs::Collector`]), so that a slow disk delays no decision.
//!
//! The router is a process like others. Its listening sockets belong to the keeper, which hands them to every router
//! that asks; so one can take over from another while connections come in.
//!
//! # What it promises
//! * Nothing that it starts is lost sight of. Everything bears a mark, stops with its group, and what left the group is
//!   found by its mark.
//! * It can be killed. Processes go on, their pipes hold what they say, and the next keeper adopts them and opens
//!   the same pipes.
//! * It can become another program (`upgrade`) without touching a process or losing a line.
//! * What it was told is on the disk before it says so.
//!
//! # What it never does
//! Speak HTTP or TLS, read code or configuration files of apps, or listen to any user but its own and root.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an edge crate: it starts processes, owns sockets and files of its home, and its own words go to its log"
)]

pub mod client;
pub mod core;
mod home;
pub mod protocol;
mod shell;

pub use home::Home;
pub use shell::{
    Console, DRAIN_APP, Ended, Foreground, KeeperError, OWN_APP, Options, Said, foreground, guard, is_own,
    prepare, run,
};
#[cfg(fuzzing)]
pub use shell::{read_apps, read_handover};
