//! The room for effects. Nothing else in Pinch touches a machine.
//!
//! # What it is for
//! A state function looks at a machine and then acts on it. It does both through a [`Host`]:
//! [`Files`], [`Commands`], [`Facts`] and a [`Clock`]. Which form of host it was given decides what
//! becomes of the act:
//!
//! | form | what it is |
//! |---|---|
//! | `System` | the real machine, or a directory tree that is to become one (`--root`) |
//! | `Journaled(other)` | passes everything on and keeps a journal: each [`Change`] with what stood there before |
//! | `Overlay(other)` | answers reads from what has been written to it so far, falls through to the form below, keeps the writes as [`Change`]s and lets nothing through: a plan |
//! | `Memory` | a small machine made of values, for tests |
//! | `Failing(other)` | fails where a test tells it to |
//!
//! # How it works
//! Files are files. Everything else that a machine has (packages, services, accounts, mounts,
//! databases …) is changed by running a program, and is known to the host as a [`Fact`] about a
//! [`Subject`]: `package nginx = {version: 1.22}`. A module reads the real thing (a database file, a probe)
//! unless the host knows better: [`Facts::fact`] answers what has been declared since the run began.
//! An [`Action`] carries the command *and* the [`Effect`]s that it has when it succeeds. `System` runs
//! the command; `Overlay` and `Memory` take the effects as done. So one mechanism serves every kind of
//! thing, and a later state of a plan sees the user, package or service that an earlier one will make.
//!
//! Commands are of two declared kinds. A [probe](Commands::probe) only looks; it runs under a plan too.
//! An [action](Commands::act) changes something; under a plan it is recorded and not run, its output is
//! [`Outcome::Planned`], and whoever needs that output has met something that cannot be known:
//! [`HostError::Unknown`], which `?` carries up until the state is marked *unknown*.
//!
//! # What it promises
//! * A file is written beside its place, synced and renamed: at any instant its path holds the whole
//!   old or the whole new content.
//! * Paths are absolute and mean paths on that host. Under a root they never leave it, whatever the
//!   symbolic links inside say.
//! * A plan changes nothing: `Overlay` has no way to write to the form below it.
//!
//! # What it never does
//! Decide. There is no policy here, no retry, no default mode or owner.

pub mod accounts;
mod change;
mod clock;
mod command;
mod error;
mod fact;
mod failing;
mod files;
mod journaled;
mod layered;
mod memory;
mod overlay;
mod secrets;
mod system;
mod tree_roots;

pub use change::{Change, FileState, KeptContent};
pub use clock::{Clock, Timestamp};
pub use command::{Action, Command, Commands, Outcome, Output, Program};
pub use error::HostError;
pub use fact::{Effect, Fact, Facts, Subject};
pub use failing::{Failing, Rule};
pub use files::{Attributes, Creator, DirectoryEntry, FileKind, Files, Metadata, Owner};
pub use journaled::Journaled;
pub use layered::Layered;
pub use memory::Memory;
pub use overlay::Overlay;
pub use secrets::holds_secrets;
pub use system::System;
pub use tree_roots::TreeRoots;

/// A machine, or what stands in for one.
pub trait Host: Files + Commands + Facts + Clock + Send + Sync {
    /// How many changes have been recorded so far. Forms that keep no journal answer 0.
    fn mark(&self) -> usize {
        0
    }

    /// The changes recorded since a [`mark`](Self::mark), in order.
    fn changes_since(&self, _mark: usize) -> Vec<Change> {
        Vec::new()
    }

    /// The first recorded change that fits. Forms that keep no journal have none.
    fn first_change(&self, _fits: &dyn Fn(&Change) -> bool) -> Option<Change> {
        None
    }

    /// Whether acts are only recorded (a plan). For wording ("would be"), never for deciding.
    fn is_plan(&self) -> bool {
        false
    }

    /// The directory that stands for `/`, when this host is a directory tree on another machine.
    fn root(&self) -> Option<&std::path::Path> {
        None
    }

    /// Whose a new file is, and with what mode, when nothing is asked for.
    fn creator(&self) -> Creator {
        Creator::default()
    }
}
