//! Where records go: the form of a sink, and the simplest one.

mod archiver;
mod file;
mod recovery;

use std::time::Duration;

pub use archiver::Archiver;
pub use file::{FileSink, FileSinkError, Rotation};
pub use recovery::Recovery;

use crate::Timestamp;
use crate::record::{Entry, Record, Stream, entries};

/// Mode of log files.
const FILE_MODE: u32 = 0o640;
/// Mode of folders that are made for them.
const DIRECTORY_MODE: u32 = 0o750;

/// Takes records.
///
/// A sink is driven by the collector's one thread: a method that blocks holds up all streams. One that cannot take
/// more says so and is asked again later.
pub trait Sink: Send {
    /// Takes whole encoded records, one or many, in order. `now` is the time of the newest.
    fn write(&mut self, records: &[u8], now: Timestamp) -> Result<(), Refused>;

    /// Starts a new file, where that means something.
    fn rotate(&mut self, _now: Timestamp) -> Result<(), Refused> {
        Ok(())
    }

    /// Called about once a second, also when nothing is written.
    fn tick(&mut self, _now: Timestamp) -> Result<(), Refused> {
        Ok(())
    }

    /// Called when a process has ended and all it said is written: make it durable, without waiting for that.
    fn settle(&mut self) {}

    /// Whether the last record of this stream that the sink took before it was opened was a partial one.
    fn unfinished(&self, _stream: Stream) -> bool {
        false
    }
}

/// Why a sink took less than it was given. Nothing is lost: the rest is offered again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// How many bytes of the records it did take: whole records.
    pub taken: usize,
    /// What stands in the way, for people.
    pub reason: String,
    /// When to offer the rest again.
    pub retry_after: Duration,
}

impl Refused {
    /// How long to wait where nothing better is known.
    pub const RETRY_AFTER: Duration = Duration::from_secs(1);
}

/// Hands each record to a function, such as one that prints it on a terminal.
///
/// The function answers `false` when it cannot take the record now; it is then called with the same record again, 10 ms later.
pub struct LineSink<F>(F);

impl<F: FnMut(Record<'_>) -> bool + Send> LineSink<F> {
    /// A sink that calls `take`.
    pub fn new(take: F) -> Self {
        Self(take)
    }
}

impl<F: FnMut(Record<'_>) -> bool + Send> Sink for LineSink<F> {
    fn write(&mut self, records: &[u8], _now: Timestamp) -> Result<(), Refused> {
        let mut taken = 0;
        for entry in entries(records) {
            let Entry::Record(record) = entry else { continue };
            if !(self.0)(record) {
                let retry_after = Duration::from_millis(10);
                return Err(Refused { taken, reason: "the receiver of lines is busy".into(), retry_after });
            }
            let end = record.text.as_ptr_range().end.addr() - records.as_ptr().addr();
            taken = end + 1;
        }
        Ok(())
    }
}
