//! What is sent: one event of one process.

use std::sync::Arc;

/// One event: a line, or several that belong together (an exception), as one process said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, in nanoseconds since 1970-01-01T00:00:00Z.
    pub time: u64,
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

/// Where a process wrote an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}
