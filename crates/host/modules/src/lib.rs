//! The catalogue: what Pinch can look at and bring about on a machine.
//!
//! # What it is for
//! A *state function* (`file.managed`) brings one thing into a declared state; an *execution function*
//! (`file.file_exists`) answers a question or does one thing when asked. Both live in modules, one folder
//! a subject:
//!
//! ```text
//! file/  mod.rs    what it manages and what it never touches
//!        exec.rs   execution functions
//!        state.rs  state functions (one file each where they are long)
//!        parse.rs  pure parsers of tool output
//!        apt.rs …  providers, where a subject has several
//!        cases/    data: machine + arguments -> result, comment, changes
//! ```
//!
//! # How it works
//! A function declares its arguments once, as a struct in `arguments!`. Checking ("did you mean"),
//! `sys.doc`, reference pages and editor schemas come from that declaration. The function itself is
//! ordinary code: it looks at the [`Host`](host::Host) in its [`Context`], compares, acts through the
//! same host, and answers an [`Outcome`]. It does not know whether it runs for real or under a plan, except
//! to choose its words ([`Context::words`]).
//!
//! Registering a module is one line in [`catalogue`].
//!
//! # What it promises
//! * A second run on an unchanged machine changes nothing and says so.
//! * What a plan lists is what the run does; what cannot be known before the run is marked unknown.
//! * Argument problems point at the argument's line.
//!
//! # What it never does
//! Touch a machine other than through the host; guess.

#[macro_use]
mod arguments;
mod calls;
#[cfg(test)]
mod cases;
pub mod catalogue;
mod context;
#[macro_use]
mod function;
mod filter_by;
mod foresight;
pub mod guards;
mod outcome;
mod shapes;
mod traverse;

mod app;
mod archive;
mod cmd;
mod config;
mod cp;
mod cron;
mod defaults;
mod environ;
mod file;
mod git;
mod grains;
mod group;
mod log;
mod r#match;
mod mine;
mod module;
mod network;
mod pillar;
mod pkg;
mod process;
mod saltutil;
mod service;
mod slsutil;
mod ssh_auth;
mod sys;
mod sysctl;
mod test;
mod user;

pub use arguments::{Argument, ArgumentSpecification, Arguments, GLOBAL_ARGUMENTS, Mismatch, bind};
pub use calls::{Calls, NoTemplates};
pub use catalogue::{execution_function, state_function};
pub use context::{Caller, Context, Managed, Minion, Reach, Template, Templates};
pub use function::{ExecutionFunction, Module, StateFunction, StateRun};
pub use log::{Level, Messages};
pub use outcome::{Advice, Failure, Outcome, Verdict};
pub use shapes::{AnyText, Lines, Mode, Names, Rest};
