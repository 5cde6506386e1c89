//! From SLS to ordered low state.
//!
//! In the making.

mod compile;
mod complete;
mod exclude;
mod extend;
mod glob;
mod graph;
mod high;
mod include;
mod low;
mod matches;
mod read;
mod requisite;
mod requisite_in;
mod source;
mod top;
mod verify;

pub use compile::Settings;
pub use glob::{Glob, is_pattern};
pub use graph::{Circle, Edge, Graph, Kind, Listen, Reference, Step};
pub use high::{Body, Declaration, Extension, HighState, Home};
pub use include::absolute;
pub use low::{LowChunk, Order};
pub use matches::Matches;
pub use requisite::{REQUISITES, REQUISITES_IN};
pub use source::{Catalogue, Listing, Request, Templates};
pub use top::{TopMerge, TopSettings, TopTarget, kind as top_kind};
