//! Watching a run from outside.

use crate::StateResult;

/// Told of a run's steps while it goes on: for progress and for streams of events.
pub trait Observer {
    /// A state begins.
    fn starting(&mut self, _number: usize, _total: usize, _function: &str, _name: &str) {}

    /// A state ended.
    fn finished(&mut self, _result: &StateResult) {}
}

/// Looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}
