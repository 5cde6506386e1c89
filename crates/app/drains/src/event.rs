//! What is sent: one event of one process.

use std::sync::Arc;

use logs::{Stream, Timestamp};

/// One event: a line, or several that belong together (an exception), as one process said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub time: Timestamp,
    /// The app's name.
    pub app: Arc<str>,
    /// The process's name (`web.1`).
    pub process: Arc<str>,
    /// Where the process wrote it.
    pub stream: Stream,
    /// The number of the release that the process ran, when that is known.
    pub release: Option<u64>,
    /// What it said: raw bytes without the last newline; lines of a joined event are separated by `\n`.
    pub message: Vec<u8>,
}

impl Event {
    /// What it counts for in limits on bytes: its message and 128 for everything else.
    pub(crate) fn weight(&self) -> usize {
        self.message.len() + 128
    }
}
