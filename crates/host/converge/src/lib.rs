//! In the making.

mod decide;

pub use decide::{Decision, Requisite, Seen, decide};
