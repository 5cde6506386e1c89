//! Pillar: the data that a master keeps for a minion.
//!
//! A top file says which pillar SLS a minion gets; each is rendered, its includes are laid below it, and all
//! are merged in order, with the values given for this run (`pillar=`) on top. The rules, and which of two
//! values wins, are Salt's as observed; external pillars are another room's business.
//!
//! This crate reads no files: templates come through [`sls::Templates`], matching through a closure. All
//! problems of a compile are gathered; errors end a run with [`report::Exit::Pillar`]. It never guesses a
//! value: what cannot be rendered is missing and told.
//!
//! One difference from Salt: a relative include (`- .name`) means that file only, never also a file of that
//! name at the top of the tree, so that no minion is given what it was not meant to see.

mod compile;
mod settings;
mod top;

pub use compile::compile;
pub use settings::Settings;
