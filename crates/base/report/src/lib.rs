//! How Pinch says that something is wrong.
//!
//! A [`Problem`] is one thing that failed or looks mistaken: what, where (a [`Span`](value::Span) or a plain place),
//! why, and what to do next. Rooms return typed errors of their own, written beside the function that
//! fails; at the edge of a room they become problems, and the command line [renders](render()) them once.
//! All problems of a run are gathered in [`Problems`] and shown together.
//!
//! [`Sources`] is the registry of texts that spans point into. [`Exit`] lists the exit codes.

mod exit;
mod problem;
mod render;
mod sources;
mod suggest;

pub use exit::Exit;
pub use problem::{Place, Problem, Problems, Severity};
pub use render::{Style, render};
pub use sources::{Location, Source, Sources};
pub use suggest::suggest;
