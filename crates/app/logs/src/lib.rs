//! What processes say: records, the collector that writes them, files, and the reader that brings them back.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an edge crate: it owns the log files of processes and the pipes they come from, and reads the clock"
)]

mod collector;
mod joiner;
mod log_files;
mod reader;
mod record;
mod sink;
mod timestamp;

pub use collector::{
    Collector, Finished, History, LineState, ProcessKey, Reply, SinkKey, SinkStats, Source, Stats, Stopped,
    StreamStats, Suspended, Waiting,
};
pub use joiner::Joiner;
pub use reader::{
    Cursor, Event, Gap, GapCause, Item, Pattern, PatternError, Place, Position, Query, ReadError, Reader,
};
pub use record::{Entry, Record, Stream, entries};
pub use sink::{Archiver, FileSink, FileSinkError, LineSink, Recovery, Refused, Rotation, Sink};
pub use timestamp::Timestamp;
