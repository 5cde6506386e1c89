//! What processes say: collected, kept in files, read back.
//!
//! A supervisor gives the read ends of its processes' pipes to a [`Collector`]. That is one thread, which turns what it reads into
//! [`Record`]s, one a line, and hands them to [`Sink`]s: usually a [`FileSink`], which keeps the log of a process as files that
//! rotate, or a [`LineSink`], which prints. A [`Joiner`] marks the lines of an exception as one event while they are written. A
//! [`Reader`] brings the [`Event`]s of an app back from the files, merged by time, once or for as long as it follows; its
//! [`Cursor`] lets another one go on. Who reads needs nobody who writes: the files are all there is between them.
//!
//! ```text
//! stdout ──pipe──┐                                        ┌── web.1.log
//! stderr ──pipe──┴─ Collector ── Joiner ── FileSink ──────┼── web.1.log.17        ── Reader ── Event
//!                                             └─ Archiver ┴── web.1.log.16.gz
//! ```
//!
//! # What it promises
//!
//! * Every byte that was written into a pipe arrives, once, in order, save what the next two points say. A process that writes
//!   faster than the disk is slowed down; a disk that takes nothing stops it. Nothing is dropped to go on, and other processes go
//!   on.
//! * When the collecting process is killed, lost is what it had read and not yet written: at most one read of each stream, and the
//!   start of a line that waited for its rest (200 ms). What is in a FIFO stays there for the next one.
//! * When the machine loses power, lost is what the kernel had not written to the disk yet. Nothing is synced line by line; a file is
//!   when it is rotated and when its process ends.
//! * A file is never corrupt: a record that was cut short is cut off when the log is opened, and [`Recovery`] says so.
//! * Lines have no longest length, events no largest number of lines; only reading has a limit ([`Query::event_bytes`]), and says what it left out.
//!
//! # What it never does
//!
//! It interprets no text beyond what belongs together, changes no byte, and sends nothing anywhere.
//!
//! # Formats
//!
//! Records are lines of the Kubernetes CRI text format; the names of files are described by example:
//! `APP/web.1.log`, `APP/web.1.log.17`, `APP/web.1.log.16.gz`, `APP/web.1.log.deleted`.
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
    Cursor, Event, Gap, GapCause, Item, OtherLog, Pattern, PatternError, Place, Position, Query, ReadError,
    Reader,
};
pub use record::{Entry, Record, Stream, entries};
pub use sink::{Archiver, FileSink, FileSinkError, LineSink, Recovery, Refused, Rotation, Sink};
pub use timestamp::Timestamp;
