//! The overlay: a plan's host.

use std::sync::Arc;

use crate::layered::Layered;
use crate::{Host, Journaled};

/// Answers reads from what has been written to it, falls through to the host below, and lets no act through.
///
/// Commands that only look run on the host below, unless they would look at something that stands only in the
/// overlay: that is [`Unknown`](crate::HostError::Unknown). Actions are recorded; their declared effects count as done.
pub type Overlay = Journaled<Layered>;

impl Overlay {
    /// An overlay over a host.
    pub fn over(below: Arc<dyn Host>) -> Self {
        Self::new(Layered::over(below))
    }
}
