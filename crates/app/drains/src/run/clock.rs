//! The clock of a task.

use std::time::Duration;

use tokio::time::Instant;

use crate::Timestamp;

/// Time since the task began, and what time it was then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
    time: Timestamp,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { start: Instant::now(), time: Timestamp::now() }
    }

    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(super) fn at(&self, time: Duration) -> Instant {
        self.start + time
    }

    pub(super) fn time(&self, time: Duration) -> Timestamp {
        self.time.after(time)
    }
}
