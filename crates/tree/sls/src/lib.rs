//! From SLS to ordered low state.
//!
//! A run begins with the names of SLS: given, or found in the top file ([`Matches`]). [`HighState::compile`]
//! renders each once, follows its includes and gathers what is declared, by id. [`HighState::low`] cuts that
//! into [`LowChunk`]s, one for each call of a state function, as Salt's `state.show_low_sls` prints them;
//! [`HighState::complete`] before it applies `extend`, `use`, the `_in` requisites and `exclude`, as a run
//! does. [`Graph`] then resolves requisites to chunks and says in which order they run.
//!
//! What comes out is what Salt 3007 makes of the same tree: keys, order numbers, conditions of failure. Where
//! Salt would silently drop or repeat something, there is a warning, or it is dropped only once: an `_in`
//! list adds each requisite once, a state module that an id uses twice is an error. Every node keeps the
//! place in the file it came from. All problems of a compile are gathered; the high state beside them is
//! what could be read.
//!
//! This crate reads no files and knows no renderer: both stand behind [`Templates`]. Time and memory grow
//! with what is written, not with its square, and nothing recurses as deep as its input does.
//!
//! Problems are made where the fault is found, with stable codes (`sls.conflicting-id`), instead of going
//! through an error type: a compile goes on after most of them.

mod compile;
mod complete;
mod exclude;
mod extend;
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
pub use graph::{Circle, Edge, Graph, Kind, Listen, Reference, Step};
pub use high::{Body, Declaration, Extension, HighState, Home, Ordered};
pub use include::absolute;
pub use low::{LowChunk, Order};
pub use matches::Matches;
pub use requisite::{REQUISITES, REQUISITES_IN};
pub use source::{Catalogue, Listing, Request, Templates};
pub use top::{TopMerge, TopSettings, TopTarget, kind as top_kind};
