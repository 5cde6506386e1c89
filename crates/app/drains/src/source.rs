//! Where events come from: a log that stands on disk and can be read again.

use std::fmt::Debug;
use std::ops::{AddAssign, SubAssign};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Event;

/// A log that is read from a cursor on, by one drain.
///
/// The log itself is what a drain has in reserve: nothing is copied aside for a target that is away. So a source can
/// go back to any cursor that it gave out earlier, as long as rotation has not deleted what lies behind it.
/// Its methods may wait for the disk; they are called where that holds up nobody else.
pub trait Source: Send + 'static {
    /// A place between two events. It is saved as JSON and read back by the next process.
    type Cursor: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Where the next [`read`](Source::read) begins.
    fn cursor(&self) -> Self::Cursor;

    /// Goes back to a cursor that [`cursor`](Source::cursor) gave out earlier.
    fn seek(&mut self, cursor: &Self::Cursor) -> Result<(), SourceError>;

    /// The next events: as many as the limits allow, at least one when there is one, none when everything has been
    /// read or the limits are [`Limits::NOTHING`]. It never waits for events to come.
    fn read(&mut self, limits: Limits) -> Result<Portion, SourceError>;
}

/// How much is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events.
    pub events: usize,
    /// Bytes of messages, plus 128 for each event. One event may be longer.
    pub bytes: usize,
}

impl Limits {
    /// No event: the read only tells what is left and what is lost.
    pub const NOTHING: Self = Self { events: 0, bytes: 0 };
}

/// What one read gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Portion {
    /// The events, in order.
    pub events: Vec<Event>,
    /// What rotation deleted between the event before and these.
    pub lost: Lost,
    /// Bytes on disk that are still to be read; zero when everything has been read. Without events: that of an event whose end
    /// is not known yet.
    pub behind: u64,
}

/// What was deleted before it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lost {
    /// How often something was missing.
    pub gaps: u64,
    /// Records of the log, where they were counted.
    pub records: u64,
    /// Bytes of the log, where they were counted.
    pub bytes: u64,
}

impl AddAssign for Lost {
    fn add_assign(&mut self, other: Self) {
        self.gaps = self.gaps.saturating_add(other.gaps);
        self.records = self.records.saturating_add(other.records);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

impl SubAssign for Lost {
    fn sub_assign(&mut self, other: Self) {
        self.gaps = self.gaps.saturating_sub(other.gaps);
        self.records = self.records.saturating_sub(other.records);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}

/// Why a source gave nothing: what could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct SourceError {
    /// What could not be read: a path, mostly.
    pub what: String,
    /// Why, in the words of whoever said so.
    pub why: String,
}
