//! The data that flows through Pinch: pillar, grains, high state, arguments, results.
//!
//! A [`Value`] is what YAML, JSON or a template can say: null, booleans, integers of any size,
//! floats, text, bytes, lists and maps that keep their order. Every node carries the [`Span`] of
//! the text it came from, from the file on disk to the low chunk, so that a problem found late can
//! still point at its line. Values made by code carry [`Span::NONE`].
//!
//! Equality compares data, never spans. Map keys are [`Key`]s: text nearly always, but YAML also
//! allows numbers, booleans and null, and Salt trees use them.
//!
//! This crate does no input or output and knows no file format beyond [`json`].

pub mod json;
mod key;
mod map;
mod merge;
mod secret;
mod span;
mod tree;

pub use key::Key;
pub use map::{Entry, Map};
pub use merge::{ListMerge, Strategy, merge};
pub use secret::Secret;
pub use span::{SourceId, Span};
pub use tree::{Data, Value, float_text};
