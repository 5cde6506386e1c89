//! What is asked of a delivery, and what it asks for.

use std::ops::Range;
use std::time::Duration;

use crate::{Backoff, Limits};

/// How a drain paces itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// A batch is sent when it is this large …
    pub batch: Limits,
    /// … or when its first event has waited this long.
    pub linger: Duration,
    /// After everything has been read, the source is asked again this much later.
    pub poll: Duration,
    /// Bytes after which what was written before them counts as arrived.
    pub window: u64,
    /// After this long without a broken connection, what was written counts as arrived.
    pub settle: Duration,
    /// Waits between attempts.
    pub backoff: Backoff,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step<C> {
    /// Make the source go back to this cursor; then `rewound` or `source_failed`.
    Rewind(C),
    /// Read; then `read` or `source_failed`.
    Read(Limits),
    /// Open a connection; then `connected` or `failed`.
    Connect,
    /// Send these of `events`; then `answered` or `failed`.
    Send(Range<usize>),
    /// Wait until then; if the connection breaks before that, `broke`.
    Wait(Duration),
    /// Close the connection in order; then `closed`.
    Close,
    /// Nothing any more.
    End,
}

/// What a target said to what it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has it.
    Accepted,
    /// The connection took it; nobody knows yet whether it arrives.
    Written,
    /// Not now.
    Busy {
        /// In one line.
        reason: String,
        /// The least time to wait, as the target asked for.
        wait: Option<Duration>,
    },
    /// Not like this.
    Refused {
        /// What about it.
        refusal: Refusal,
        /// In one line.
        reason: String,
    },
}

/// Why something was refused for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is too large: halves may pass, and later batches are smaller. A single event that is too large is dropped.
    Size,
    /// Something in it: halves tell what. A single event that is refused is dropped; after each one in a row the next attempt
    /// waits as after a failure, so that a target which refuses everything is not flooded, and loses little.
    Content,
    /// Whatever it holds (credentials, path): nothing is dropped, and the next attempt waits the longest time.
    Everything,
}
