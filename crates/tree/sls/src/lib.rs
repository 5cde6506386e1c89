//! From SLS to ordered low state.
//!
//! In the making.

mod compile;
mod complete;
mod exclude;
mod extend;
mod glob;
mod high;
mod include;
mod low;
mod matches;
mod read;
mod requisite;
mod requisite_in;
mod source;
mod verify;

pub use compile::Settings;
pub use glob::{Glob, is_pattern};
pub use high::{Body, Declaration, Extension, HighState, Home};
pub use include::absolute;
pub use low::{LowChunk, Order};
pub use matches::Matches;
pub use requisite::{REQUISITES, REQUISITES_IN};
pub use source::{Catalogue, Listing, Request, Templates};
