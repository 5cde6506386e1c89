//! What processes say: records, the collector that writes them, files, and the reader that brings them back.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "an edge crate: it owns the log files of processes and the pipes they come from, and reads the clock")]
mod record;
mod timestamp;
pub use record::{Entry, Record, Stream, entries};
pub use timestamp::Timestamp;
