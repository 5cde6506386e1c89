//! Pillar: what a minion is told.
//!
//! The pillar's top file says which pillar SLS a minion gets; each is rendered, its includes laid below it,
//! and all are merged in order. The rules are Salt's as observed; the top file is read by the crate `sls`.
//!
//! Pure: files and renderer come in through [`sls::Templates`]. Whatever goes wrong is a problem with
//! [`report::Exit::Pillar`]; a run with half a pillar would configure machines wrongly, so none is made.

mod compile;

pub use compile::{Settings, compile};
