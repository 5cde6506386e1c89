//! What can be seen of a drain from outside.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::saved::MetricsFile;
use crate::{Lost, Timestamp};

/// How one drain is doing, since its process started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// What it does just now.
    pub state: State,
    /// What was handed over and not taken back: accepted by an HTTP service or a file, written to a syslog connection.
    pub sent: Sent,
    /// Events that were handed over, or may have been, and had to be handed over once more.
    pub retried: u64,
    /// What never arrived.
    pub dropped: Dropped,
    /// Events that were written to a syslog connection and would be sent again if it broke now.
    pub unconfirmed: u64,
    /// How far it is behind.
    pub lag: Lag,
    /// The last thing that went wrong, if anything did.
    pub last_error: Option<LastError>,
}

impl Metrics {
    /// How the drain of that name was doing when its process wrote it down last: once a second at most, and at its end. `None`
    /// when it never has, or what it wrote cannot be read. `cursors` is the directory of [`Settings::cursors`](crate::Settings::cursors).
    pub fn saved(cursors: &Path, drain: &str) -> Option<Self> {
        MetricsFile::new(cursors.to_owned(), drain).load()
    }
}

/// What a drain does just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Everything has been sent.
    #[default]
    Idle,
    /// Events are on their way.
    Sending,
    /// The target is away or refuses; the next attempt is some time off.
    Waiting,
    /// It came to its end, in order or at the end of its grace.
    Stopped,
}

/// What was handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sent {
    /// Events.
    pub events: u64,
    /// Bytes of their messages.
    pub bytes: u64,
}

/// What never arrived, by the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dropped {
    /// Deleted by rotation before it was sent. After a syslog connection broke, this may include events
    /// that had been sent already and could not be read again.
    pub rotated: Lost,
    /// Events that the target refused for good.
    pub refused: u64,
}

/// How far a drain is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lag {
    /// Bytes: on disk and not read, or read and not handed over.
    pub bytes: u64,
    /// When the oldest event was said that is not handed over, as far as is known.
    pub oldest: Option<Timestamp>,
}

impl Lag {
    /// Seconds from then until `now`; zero when everything has been handed over.
    pub fn seconds(&self, now: Timestamp) -> f64 {
        self.oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64())
    }
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// When.
    pub time: Timestamp,
    /// What, in one line, without credentials.
    pub what: String,
}
