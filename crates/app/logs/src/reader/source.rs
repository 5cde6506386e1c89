//! The events of one process.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::assembly::Assembly;
use super::open_file::Missing;
use super::tail::{Step, Tail};
use super::{Gap, GapCause, Item, Place, Position, Query};
use crate::Timestamp;
use crate::log_files::LogFiles;
use crate::record::Stream;

/// How long a reader that follows waits for the rest of an event that has begun.
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

pub(super) struct Source {
    process: Arc<str>,
    tail: Tail,
    assembly: Assembly,
    /// Where to stop, as file and offset: what is written there was written after the reader was opened.
    end: Option<(u64, u64)>,
    /// Records before these places were given out by an earlier reader.
    skip: Position,
    /// Found after all that waits in the assembly.
    gap: Option<Gap>,
    /// Since when nothing has come although an event has begun.
    quiet_since: Option<Instant>,
}

impl Source {
    /// Reads from a position on; the default one is the beginning.
    pub(super) fn new(
        process: &str,
        files: LogFiles,
        position: &Position,
        end: Option<(u64, u64)>,
        event_bytes: usize,
    ) -> Self {
        let process: Arc<str> = process.into();
        // The header of a record counts too.
        let longest = event_bytes + 128;
        Self {
            tail: Tail::new(files, position.earliest(), longest),
            assembly: Assembly::new(Arc::clone(&process), event_bytes, position),
            process,
            end,
            skip: *position,
            gap: None,
            quiet_since: None,
        }
    }

    /// Reads on until an item is ready or there is nothing more at present. The time of the item.
    pub(super) fn advance(&mut self, query: &Query) -> io::Result<Option<Timestamp>> {
        loop {
            if let Some(time) = self.front() {
                return Ok(Some(time));
            }
            if self.end.is_some_and(|end| self.tail.has_reached(end)) {
                self.assembly.end();
                return Ok(self.front());
            }
            match self.tail.next(!query.follow)? {
                Step::Line(line) => {
                    self.quiet_since = None;
                    let stream = line.record.map_or(Stream::Stdout, |record| record.stream);
                    if line.place.bytes >= self.skip.of(stream).bytes {
                        self.assembly.push(&line);
                    }
                }
                Step::Gap(cause, Missing { bytes, records }) => {
                    self.assembly.end();
                    if cause == GapCause::Removed {
                        // Another log: nothing of it was given out.
                        self.skip = Position::default();
                    }
                    self.gap = Some(Gap { process: Arc::clone(&self.process), cause, bytes, records });
                }
                Step::Nothing => {
                    self.rest(query.follow);
                    return Ok(self.front());
                }
            }
        }
    }

    /// Nothing more comes at present.
    fn rest(&mut self, follow: bool) {
        if !follow {
            return self.assembly.end();
        }
        self.assembly.pause();
        let waiting = self.assembly.is_waiting();
        if waiting && self.quiet_since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
            self.assembly.end();
        }
    }

    /// The time of the next item, when it is ready.
    pub(super) fn front(&self) -> Option<Timestamp> {
        let gap = self.gap.as_ref().filter(|_| !self.assembly.is_waiting());
        self.assembly.ready().or_else(|| gap.map(|_| self.assembly.time()))
    }

    /// The next item, when it is ready.
    pub(super) fn pop(&mut self) -> Option<Item> {
        self.assembly.pop().map(Item::Event).or_else(|| self.gap.take().map(Item::Gap))
    }

    /// Whether an event has begun whose rest is waited for.
    pub(super) fn is_waiting(&self) -> bool {
        self.assembly.is_waiting()
    }

    /// The files that are read.
    pub(super) fn files(&self) -> &LogFiles {
        self.tail.files()
    }

    /// Where the next reader goes on.
    pub(super) fn position(&self) -> Position {
        let Position { stdout, stderr } = self.assembly.position(self.tail.place());
        // What an earlier reader gave out counts, although this one has not come so far.
        let later = |one: Place, other: Place| if one.bytes < other.bytes { other } else { one };
        Position { stdout: later(stdout, self.skip.stdout), stderr: later(stderr, self.skip.stderr) }
    }
}
