//! Stopping: asked for once, over after the grace.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// Whether a stop was asked for, and until when it may take.
#[derive(Debug)]
pub(super) struct Grace {
    stopping: watch::Receiver<bool>,
    length: Duration,
    deadline: Option<Instant>,
}

impl Grace {
    pub(super) fn new(stopping: watch::Receiver<bool>, length: Duration) -> Self {
        Self { stopping, length, deadline: None }
    }

    /// Whether a stop was asked for.
    pub(super) fn begun(&self) -> bool {
        self.deadline.is_some()
    }

    /// Waits until a stop is asked for; for ever once that was noticed.
    pub(super) async fn asked(&mut self) {
        if self.begun() {
            return std::future::pending().await;
        }
        // Whoever could ask being gone is asking.
        let _ = self.stopping.wait_for(|stopping| *stopping).await;
        self.deadline = Some(Instant::now() + self.length);
    }

    /// Waits for `work`, but not beyond the end of the grace: `None` then.
    pub(super) async fn within<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let deadline = loop {
            if let Some(deadline) = self.deadline {
                break deadline;
            }
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = self.asked() => {}
            }
        };
        timeout_at(deadline, work).await.ok()
    }
}
