//! One output of a process in the hands of the collector.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};

use super::{LineState, ProcessKey, Progress, SinkKey, Source, StreamStats, Suspended, Waiting};
use crate::record::{Entry, Stream, entries};

/// The largest pipe that an ordinary user may ask for.
const PIPE_BYTES: usize = 1 << 20;

/// How the kernel tells of a stream's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Interest {
    /// Not at all: its sink refuses.
    Off,
    /// For as long as there are any.
    Level,
    /// Only when new ones come. Nobody holds the other end of a FIFO, which the kernel would tell for ever, but somebody may open it again.
    Edge,
}

/// What one read brought.
pub(super) enum Pulled {
    Bytes(usize),
    /// Nothing: what comes is another process's.
    Seam,
    /// Nothing at present.
    Empty,
    /// Nobody holds the other end.
    End,
    Failed(Errno),
}

pub(super) struct StreamEntry {
    pub(super) process: ProcessKey,
    pub(super) name: String,
    pub(super) stream: Stream,
    pub(super) sink: SinkKey,
    pub(super) line: LineState,
    output: OwnedFd,
    interest: Interest,
    /// When the oldest byte of an unfinished line was read.
    pub(super) partial_since: Option<Instant>,
    /// The process has ended: read so many bytes more, then end the stream.
    pub(super) finish_after: Option<u64>,
    pub(super) progress: Progress,
    /// The last record is made.
    pub(super) complete: bool,
    pub(super) failed: Option<String>,
    /// Bytes that the pipe holds.
    capacity: usize,
    /// Whether a larger one was asked for.
    grown: bool,
}

impl StreamEntry {
    pub(super) fn new(source: Source, line: LineState, progress: Progress) -> Self {
        let capacity = fcntl_getpipe_size(&source.output).unwrap_or(0);
        let mut entry = Self {
            process: source.process,
            name: source.name,
            stream: source.stream,
            sink: source.sink,
            line,
            output: source.output,
            interest: Interest::Off,
            partial_since: None,
            finish_after: None,
            progress,
            complete: false,
            failed: None,
            capacity,
            grown: capacity >= PIPE_BYTES,
        };
        if let Err(error) = entry.unblock() {
            entry.failed = Some(error.to_string());
        }
        entry
    }

    fn unblock(&self) -> io::Result<()> {
        let flags = fcntl_getfl(&self.output)?;
        Ok(fcntl_setfl(&self.output, flags | OFlags::NONBLOCK)?)
    }

    /// Whether the other end was seen closed.
    pub(super) fn ended(&self) -> bool {
        self.interest == Interest::Edge
    }

    /// Bytes that the pipe holds.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes that are in the pipe now.
    pub(super) fn waiting_bytes(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.output).unwrap_or(0)
    }

    /// Bytes that are lost when the stream is closed now.
    pub(super) fn lost_bytes(&self) -> u64 {
        let unwritten = entries(&self.line.unwritten).map(|entry| match entry {
            Entry::Record(record) => record.text.len() + usize::from(!record.partial),
            Entry::Foreign(line) | Entry::Torn(line) => line.len(),
        });
        let still_in_pipe = if self.complete { 0 } else { self.waiting_bytes() };
        unwritten.sum::<usize>() as u64 + self.line.unread.len() as u64 + still_in_pipe
    }

    /// Reads once. A stream that fills its pipe gets a larger one.
    pub(super) fn pull(&mut self, room: &mut [u8]) -> Pulled {
        let read = self.progress.read(room, |room| rustix::io::read(&self.output, room));
        let Some(read) = read else { return Pulled::Seam };
        match read {
            Ok(0) => Pulled::End,
            Ok(length) => {
                self.line.bytes += length as u64;
                if !self.grown && length >= self.capacity / 2 {
                    // Where that is not allowed, the pipe stays as it is.
                    self.capacity = fcntl_setpipe_size(&self.output, PIPE_BYTES).unwrap_or(self.capacity);
                    self.grown = true;
                }
                Pulled::Bytes(length)
            }
            Err(Errno::AGAIN | Errno::INTR) => Pulled::Empty,
            Err(errno) => Pulled::Failed(errno),
        }
    }

    /// Asks the kernel to tell of bytes, or not to.
    pub(super) fn watch(&mut self, epoll: &OwnedFd, token: u64, interest: Interest) {
        if self.interest == interest || self.failed.is_some() {
            return;
        }
        let data = EventData::new_u64(token);
        let changed = match (self.interest, interest) {
            (_, Interest::Off) => epoll::delete(epoll, &self.output),
            (Interest::Off, Interest::Level) => epoll::add(epoll, &self.output, data, EventFlags::IN),
            (_, Interest::Level) => epoll::modify(epoll, &self.output, data, EventFlags::IN),
            (Interest::Off, Interest::Edge) => {
                epoll::add(epoll, &self.output, data, EventFlags::IN | EventFlags::ET)
            }
            (_, Interest::Edge) => epoll::modify(epoll, &self.output, data, EventFlags::IN | EventFlags::ET),
        };
        match changed {
            Ok(()) => self.interest = interest,
            Err(errno) => self.failed = Some(format!("it cannot be watched: {errno}")),
        }
    }

    pub(super) fn stats(&self, waiting: Option<Waiting>) -> StreamStats {
        StreamStats {
            process: self.process,
            name: self.name.clone(),
            stream: self.stream,
            sink: self.sink,
            lines: self.line.lines,
            bytes: self.line.bytes,
            ended: self.ended(),
            failed: self.failed.clone(),
            waiting,
        }
    }

    pub(super) fn suspended(self) -> Suspended {
        Suspended {
            process: self.process,
            name: self.name,
            stream: self.stream,
            output: self.output,
            state: self.line,
        }
    }
}
