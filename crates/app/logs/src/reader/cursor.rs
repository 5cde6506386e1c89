//! Where a reader stands, so that the next one goes on there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Where a reader stands in the logs of an app. Save it (as JSON) to go on after a restart: no event is missed and none
/// comes twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// By name of the process.
    pub processes: BTreeMap<String, Position>,
}

/// Where a reader stands in the log of one process.
///
/// The two streams of a process share its log, and events are given out whole: each stream has a place of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The next byte to read, for each stream.
    pub stdout: Place,
    /// The next byte to read, for each stream.
    pub stderr: Place,
}

/// A place in the log of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Number of the file in the life of the log.
    pub file: u64,
    /// Time of the first record of that file: tells another file of the same number apart.
    pub first: Option<Timestamp>,
    /// Bytes of that file before this place (of the plain text, where it is compressed).
    pub offset: u64,
    /// Bytes of the log before this place, all files that ever were.
    pub bytes: u64,
    /// Records of the log before this place, all files that ever were; `None` where a file did not say how many it had.
    pub records: Option<u64>,
}
