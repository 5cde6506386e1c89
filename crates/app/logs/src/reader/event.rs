//! What a reader gives back.

use std::sync::Arc;

use crate::Timestamp;
use crate::record::Stream;

/// One thing that a reader found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Something a process said.
    Event(Event),
    /// Something it said that is no longer there.
    Gap(Gap),
}

/// One line, or the lines of one exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which process: `web.1`.
    pub process: Arc<str>,
    /// Which output.
    pub stream: Stream,
    /// When its first line was read from the process.
    pub time: Timestamp,
    /// Its lines, with a newline between two, none at the end. Bytes as the process wrote them.
    pub text: Vec<u8>,
    /// Whether it goes on with the event of the same stream before it, which had to be given out before its end was known.
    pub continues: bool,
    /// Whether its last line had not ended when it was given out; the rest, if any comes, is an event that `continues`.
    pub unfinished: bool,
    /// Bytes left out of `text` because the event is longer than the reader's limit. The file has them.
    pub cut: u64,
    /// Whether this is a line of the file that is no record: somebody else wrote it. Its time is that of the record before.
    pub foreign: bool,
}

impl Event {
    /// Its lines, without their newlines; at least one.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split(|&byte| byte == b'\n')
    }
}

/// A part of a log that was gone before it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Whose log.
    pub process: Arc<str>,
    /// Why.
    pub cause: GapCause,
    /// Bytes of log files, headers included; `None`: not known.
    pub bytes: Option<u64>,
    /// Records; `None`: not known.
    pub records: Option<u64>,
}

/// Why a part of a log is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GapCause {
    /// Rotation deleted it, as its bounds demand.
    Rotated,
    /// Somebody removed, replaced or truncated the files.
    Removed,
    /// A compressed file cannot be read to its end: why.
    Damaged(String),
}
