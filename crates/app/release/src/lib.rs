//! An app at one number: what runs, with which config vars, reachable where.
//!
//! # What it is for
//! Whoever starts an app says what it should be: a [`Definition`]. Giving it a number makes it a [`Release`], which
//! never changes afterwards; a config var that changes is a new release, as the twelve factors have it. The
//! [`History`] of an app keeps its releases and says which one is current, so that going back is giving an earlier
//! definition a new number. How many processes of a type run (the [`Formation`]) is no part of a release: scaling
//! makes none, and outlives the next.
//!
//! # What it promises
//! * Numbers start at 1, go up by one and are never used twice.
//! * Two equal definitions in a row make one release.
//! * Values of config vars print as `********`; only [`Variables::reveal`] gives them out.
//!
//! # What it never does
//! Touch a machine. Everything here is values; time is passed in.

mod definition;
mod difference;
mod formation;
mod history;
mod variables;

pub use definition::{Definition, Invalid, Route};
pub use difference::{Difference, differences};
pub use formation::Formation;
pub use history::{History, Release, Unknown};
pub use variables::Variables;
