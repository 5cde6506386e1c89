//! Where a reader stands, so that the next one goes on there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::record::Stream;

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The next record of standard output.
    pub stdout: Place,
    /// The next record of standard error.
    pub stderr: Place,
}

impl Position {
    /// The place of one stream.
    pub fn of(&self, stream: Stream) -> Place {
        match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        }
    }

    /// The same place for both streams.
    pub(super) fn at(place: Place) -> Self {
        Self { stdout: place, stderr: place }
    }

    /// Where to begin to read, for both streams.
    pub(super) fn earliest(&self) -> Place {
        if self.stdout.bytes <= self.stderr.bytes { self.stdout } else { self.stderr }
    }
}

/// A place between two records in the log of one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Number of the file in the life of the log, from 1.
    pub file: u64,
    /// Time of the first record of that file: tells another file of the same number apart.
    pub first: Option<Timestamp>,
    /// Bytes of that file before this place (of the plain text, where it is compressed).
    pub offset: u64,
    /// Bytes of the log before this place, in all files that ever were.
    pub bytes: u64,
    /// Records of the log before this place, in all files that ever were; `None` where that is not known.
    pub records: Option<u64>,
    /// Whether what comes here goes on with an event that was given out before its end was known.
    pub continues: bool,
}

impl Place {
    /// Places of one log sort by it.
    pub(super) fn key(&self) -> (u64, u64) {
        (self.file, self.offset)
    }
}
