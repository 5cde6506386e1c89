//! What was read and is not handed over.

use std::ops::Range;
use std::time::Duration;

use crate::{Event, Limits, Lost, Portion};

/// Events that are gathered, and then sent: whole, or in pieces when the target refuses the whole.
#[derive(Debug, Default)]
pub(super) struct Batch {
    events: Vec<Event>,
    weight: usize,
    /// What was missing before the events or among them.
    pub lost: Lost,
    /// When the first event was read.
    since: Duration,
    /// What is still to be sent, last first; empty while events are being gathered.
    pieces: Vec<Range<usize>>,
    /// Events before this one went to a connection that failed to say what became of them.
    tried: usize,
}

impl Batch {
    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn add(&mut self, portion: Portion, now: Duration) {
        if self.events.is_empty() {
            self.since = now;
        }
        self.weight += portion.events.iter().map(Event::weight).sum::<usize>();
        self.events.extend(portion.events);
        self.lost += portion.lost;
    }

    /// When it has waited so long; `None` while there is nothing that waits.
    pub(super) fn waits_until(&self, linger: Duration) -> Option<Duration> {
        (!self.events.is_empty()).then(|| self.since + linger)
    }

    pub(super) fn is_full(&self, most: Limits) -> bool {
        self.events.len() >= most.events || self.weight >= most.bytes
    }

    /// What it still takes.
    pub(super) fn room(&self, most: Limits) -> Limits {
        Limits {
            events: most.events.saturating_sub(self.events.len()),
            bytes: most.bytes.saturating_sub(self.weight),
        }
    }

    /// Takes no more; everything is one piece.
    pub(super) fn seal(&mut self) {
        self.pieces.push(0..self.events.len());
    }

    /// What is to be sent next; `None` while events are being gathered.
    pub(super) fn piece(&self) -> Option<Range<usize>> {
        self.pieces.last().cloned()
    }

    /// The first piece went to a connection. How many of its events had been there before.
    pub(super) fn handed_over(&mut self) -> u64 {
        let Some(piece) = self.piece() else { return 0 };
        let before = self.tried.clamp(piece.start, piece.end) - piece.start;
        self.tried = self.tried.max(piece.end);
        before as u64
    }

    /// How many events may have been swallowed by a connection and are still to be sent.
    pub(super) fn tried(&self) -> u64 {
        self.piece().map_or(0, |piece| self.tried.saturating_sub(piece.start) as u64)
    }

    /// The target did not take the first piece: when its events go there again, that is no second time.
    pub(super) fn not_taken(&mut self) {
        self.tried = self.piece().map_or(0, |piece| piece.start);
    }

    /// The first piece is done with. Whether it was the last one.
    pub(super) fn done(&mut self) -> bool {
        self.pieces.pop();
        self.pieces.is_empty()
    }

    /// Sends the first piece as two. What it weighed; `None` when it is a single event.
    pub(super) fn split(&mut self) -> Option<usize> {
        let piece = self.pieces.pop_if(|piece| piece.len() > 1)?;
        let middle = piece.start + piece.len() / 2;
        self.pieces.extend([middle..piece.end, piece.start..middle]);
        Some(self.events[piece].iter().map(Event::weight).sum())
    }

    /// Events that are still to be sent.
    pub(super) fn unsent(&self) -> &[Event] {
        let first = self.pieces.last().map_or(0, |piece| piece.start);
        self.events.get(first..).unwrap_or_default()
    }
}

/// Bytes of the messages of these events.
pub(super) fn bytes(events: &[Event]) -> u64 {
    events.iter().map(|event| event.message.len() as u64).sum()
}
