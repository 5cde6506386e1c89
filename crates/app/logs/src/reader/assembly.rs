//! From records to events: parts of a line are put together, and so are the lines of an exception.
//!
//! Events leave in the order in which they began. One whose end is not known yet holds back those that began later, within
//! bounds: [`HELD_BYTES`] and, by the records' own time, [`QUIET`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::tail::Line;
use super::{Event, Place, Position};
use crate::record::{Record, Stream};
use crate::{Joiner, Timestamp};

/// Text of events that wait for an older one to end.
const HELD_BYTES: usize = 1 << 20;
/// After which a line that could be followed by more of its event is no longer expected to be.
const QUIET: Duration = Duration::from_secs(1);
/// The same for a line that begins no exception as far as the joiner knows.
const QUIET_LINE: Duration = Duration::from_millis(200);

pub(super) struct Assembly {
    process: Arc<str>,
    /// The most bytes of an event's text.
    longest: usize,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Events that were given out: the number of the first that waits.
    given: u64,
    streams: [StreamState; 2],
    /// Time of the newest record.
    time: Timestamp,
}

#[derive(Default)]
struct StreamState {
    joiner: Joiner,
    /// Number of the event of this stream that may go on.
    open: Option<u64>,
    /// Whether the line of the newest record goes on.
    partial: bool,
    /// Whether what comes next goes on with an event that was given out.
    continues: bool,
}

struct Waiting {
    event: Event,
    /// Where it began.
    place: Place,
    /// Where its newest line begins in its text.
    line: usize,
    last: Timestamp,
    complete: bool,
}

impl Assembly {
    pub(super) fn new(process: Arc<str>, longest: usize, position: &Position) -> Self {
        let state =
            |stream| StreamState { continues: position.of(stream).continues, ..StreamState::default() };
        Self {
            process,
            longest,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            given: 0,
            streams: [state(Stream::Stdout), state(Stream::Stderr)],
            time: Timestamp::EPOCH,
        }
    }

    /// Takes the next line of a log.
    pub(super) fn push(&mut self, line: &Line<'_>) {
        let Some(record) = line.record else { return self.push_foreign(line) };
        self.time = record.time;
        let state = &mut self.streams[record.stream.index()];
        let goes_on = state.partial || record.joined;
        match state
            .open
            .filter(|_| goes_on)
            .and_then(|number| self.waiting.get_mut((number - self.given) as usize))
        {
            Some(waiting) => {
                let before = waiting.event.text.len();
                waiting.extend(&record, line.cut, !state.partial, self.longest);
                self.waiting_bytes += waiting.event.text.len() - before;
            }
            None => {
                self.close(record.stream);
                self.begin(&record, line);
            }
        }
        self.ended_with(&record);
        self.close_quiet();
    }

    /// The time of the next event, when it is whole.
    pub(super) fn ready(&self) -> Option<Timestamp> {
        self.waiting.front().filter(|waiting| waiting.complete).map(|waiting| waiting.event.time)
    }

    /// The next event, when it is whole.
    pub(super) fn pop(&mut self) -> Option<Event> {
        let waiting = self.waiting.pop_front_if(|waiting| waiting.complete)?;
        self.waiting_bytes -= waiting.event.text.len();
        self.given += 1;
        Some(waiting.event)
    }

    /// No more can come, or is waited for: all events are whole.
    pub(super) fn end(&mut self) {
        for stream in Stream::ALL {
            self.close(stream);
        }
    }

    /// Nothing more comes at present: events that are whole as far as the joiner knows are given out.
    pub(super) fn pause(&mut self) {
        for stream in Stream::ALL {
            let state = &self.streams[stream.index()];
            if !state.partial && !state.joiner.expects_more() {
                self.close(stream);
            }
        }
    }

    /// The time of the newest record.
    pub(super) fn time(&self) -> Timestamp {
        self.time
    }

    /// Whether events wait for their end.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Where the next reader has to begin, given where this one does.
    pub(super) fn position(&self, next: Place) -> Position {
        let of = |stream: Stream| {
            let oldest = self.waiting.iter().find(|waiting| waiting.event.stream == stream);
            match oldest {
                Some(waiting) => Place { continues: waiting.event.continues, ..waiting.place },
                None => Place { continues: self.streams[stream.index()].continues, ..next },
            }
        };
        Position { stdout: of(Stream::Stdout), stderr: of(Stream::Stderr) }
    }

    fn begin(&mut self, record: &Record<'_>, line: &Line<'_>) {
        let state = &mut self.streams[record.stream.index()];
        let continues = std::mem::take(&mut state.continues) || record.joined;
        let event = Event {
            process: Arc::clone(&self.process),
            stream: record.stream,
            time: record.time,
            text: Vec::new(),
            continues,
            unfinished: false,
            cut: 0,
            foreign: false,
        };
        let mut waiting = Waiting { event, place: line.place, line: 0, last: record.time, complete: false };
        waiting.extend(record, line.cut, false, self.longest);
        waiting.event.unfinished = record.partial || line.torn;
        self.waiting_bytes += waiting.event.text.len();
        state.open = Some(self.given + self.waiting.len() as u64);
        self.waiting.push_back(waiting);
    }

    /// Keeps in mind what a record means for the next one.
    fn ended_with(&mut self, record: &Record<'_>) {
        let state = &mut self.streams[record.stream.index()];
        state.partial = record.partial;
        let newest = state.open.and_then(|number| self.waiting.get((number - self.given) as usize));
        if let Some(waiting) = newest
            && !record.partial
        {
            state.joiner.line(waiting.event.text.get(waiting.line..).unwrap_or_default());
        }
    }

    /// A line that is no record is an event of its own.
    fn push_foreign(&mut self, line: &Line<'_>) {
        self.waiting_bytes += line.bytes.len();
        let event = Event {
            process: Arc::clone(&self.process),
            stream: Stream::Stdout,
            time: self.time,
            text: line.bytes.to_vec(),
            continues: false,
            unfinished: line.torn,
            cut: line.cut,
            foreign: true,
        };
        let last = self.time;
        self.waiting.push_back(Waiting { event, place: line.place, line: 0, last, complete: true });
    }

    /// The newest event of a stream is whole, or given out as it is.
    fn close(&mut self, stream: Stream) {
        let state = &mut self.streams[stream.index()];
        let newest =
            state.open.take().and_then(|number| self.waiting.get_mut((number - self.given) as usize));
        if let Some(waiting) = newest {
            waiting.complete = true;
            waiting.event.unfinished |= state.partial;
            state.continues = state.partial;
            state.partial = false;
        }
    }

    /// Gives up on events that have waited too long for their end.
    fn close_quiet(&mut self) {
        let Some(front) = self.waiting.front().filter(|front| !front.complete) else { return };
        let state = &self.streams[front.event.stream.index()];
        let patience = if state.partial || state.joiner.expects_more() { QUIET } else { QUIET_LINE };
        if self.time.since(front.last) > patience || self.waiting_bytes - front.event.text.len() > HELD_BYTES
        {
            self.close(front.event.stream);
        }
    }
}

impl Waiting {
    /// Adds a record: its text belongs to the newest line, or is a line of its own.
    fn extend(&mut self, record: &Record<'_>, cut: u64, new_line: bool, longest: usize) {
        self.last = record.time;
        self.event.cut += cut;
        self.event.unfinished = record.partial;
        if new_line {
            self.line = self.event.text.len() + 1;
            if self.event.text.len() < longest {
                self.event.text.push(b'\n');
            } else {
                self.event.cut += 1;
            }
        }
        let room = longest.saturating_sub(self.event.text.len());
        let fits = record.text.len().min(room);
        self.event.text.extend_from_slice(&record.text[..fits]);
        self.event.cut += (record.text.len() - fits) as u64;
    }
}
