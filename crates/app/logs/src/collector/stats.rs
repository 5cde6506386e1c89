//! What a collector says about itself.

use crate::record::Stream;
use crate::{ProcessKey, SinkKey, Timestamp};

/// What is being collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// One for each stream, by process.
    pub streams: Vec<StreamStats>,
    /// One for each sink.
    pub sinks: Vec<SinkStats>,
}

/// One stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamStats {
    /// Whose.
    pub process: ProcessKey,
    /// Its name.
    pub name: String,
    /// Which output.
    pub stream: Stream,
    /// Where it goes.
    pub sink: SinkKey,
    /// Whole lines since it was added.
    pub lines: u64,
    /// Bytes since it was added.
    pub bytes: u64,
    /// Whether nobody holds the other end open any more.
    pub ended: bool,
    /// Whether reading failed, and how.
    pub failed: Option<String>,
    /// Why it is not read at present.
    pub waiting: Option<Waiting>,
}

/// One sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkStats {
    /// Which.
    pub sink: SinkKey,
    /// Why its streams are not read at present.
    pub waiting: Option<Waiting>,
    /// Times it refused records.
    pub refusals: u64,
}

/// A sink that refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Since when.
    pub since: Timestamp,
    /// What stands in the way, for people.
    pub reason: String,
}
