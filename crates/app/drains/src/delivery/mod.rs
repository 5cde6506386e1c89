//! What a drain does next. Pure: time and randomness are passed in, nothing is read, sent or waited for here.
//!
//! The shell asks [`Delivery::step`], does what it says, and reports what came of it with one of the methods named at
//! that [`Step`]. A batch is gathered from the source, sent, and kept until the target has it:
//!
//! ```text
//!            read                    linger over, full                     accepted
//!   empty ─────────> gathering ──────────────────────> sending ────────────────────────────> confirmed
//!                                                       │    ▲                                   ▲
//!                                     refused: in halves│    │passing: wait, once more           │ window or time over,
//!                                                       └────┘                written ──> window ┘ or closed in order
//! ```
//!
//! **Accepted** is an answer from whoever has the events now (HTTP 2xx, a file that was synced). **Written** is all that a
//! syslog connection tells. Such events stay in the *window* until so many bytes were written after them that they cannot
//! be in a buffer any more, or until the connection has been healthy for [`Rules::settle`]. When the connection breaks
//! before that, the source goes back to the last confirmed cursor and the window is sent again.
//!
//! Refusals are of three kinds, see [`Refusal`]. What is refused for its content is halved until one event is left, which
//! is dropped and counted; what is refused whatever it holds waits on disk.

mod window;

use std::ops::Range;
use std::time::Duration;

use crate::{Backoff, Event, Lag, Limits, Lost, Metrics, Portion, State, Timestamp};
use window::{Window, Written};

/// How a drain paces itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// A batch is sent when it is this large …
    pub batch: Limits,
    /// … or when its first event has waited this long.
    pub linger: Duration,
    /// After everything has been read, the source is asked again this much later.
    pub poll: Duration,
    /// Bytes after which what was written before them counts as arrived.
    pub window: u64,
    /// After this long without a broken connection, what was written counts as arrived.
    pub settle: Duration,
    /// Waits between attempts.
    pub backoff: Backoff,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step<C> {
    /// Make the source go back to this cursor; then [`Delivery::rewound`] or [`Delivery::source_failed`].
    Rewind(C),
    /// Read; then [`Delivery::read`] or [`Delivery::source_failed`].
    Read(Limits),
    /// Open a connection; then [`Delivery::connected`] or [`Delivery::failed`].
    Connect,
    /// Send these of [`Delivery::events`]; then [`Delivery::answered`] or [`Delivery::failed`].
    Send(Range<usize>),
    /// Wait until then; if the connection breaks before that, [`Delivery::broke`].
    Wait(Duration),
    /// Close the connection in order; then [`Delivery::closed`].
    Close,
    /// Nothing any more.
    End,
}

/// What a target said to what it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has it.
    Accepted,
    /// The connection took it; nobody knows yet whether it arrives.
    Written,
    /// Not now.
    Busy {
        /// In one line.
        reason: String,
        /// The least time to wait, as the target asked for.
        wait: Option<Duration>,
    },
    /// Not like this.
    Refused {
        /// What about it.
        refusal: Refusal,
        /// In one line.
        reason: String,
    },
}

/// Why something was refused for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is too large: halves may pass. A single event that is too large is dropped.
    Size,
    /// Something in it: halves tell what. A single event that is refused is dropped; after each one in a row
    /// the next attempt waits as after a failure, so that a target which refuses everything is not flooded and little
    /// is dropped.
    Content,
    /// Whatever it holds (credentials, path): nothing is dropped, and the next attempt waits the longest time.
    Everything,
}

/// Whether there is a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// None; the next attempt not before this.
    Down(Duration),
    /// One, and what is sent next not before this.
    Up(Duration),
}

/// The state of one drain's delivery.
#[derive(Debug)]
pub(crate) struct Delivery<C> {
    rules: Rules,
    /// The batch: what was read and is not handed over.
    events: Vec<Event>,
    weight: usize,
    /// What was missing before the batch or in it.
    lost: Lost,
    /// When the first event of the batch was read.
    since: Duration,
    /// What of the batch is still to be sent, last first; empty while it is being gathered.
    pieces: Vec<Range<usize>>,
    /// Whether the piece on top has been handed to a connection before.
    tried: bool,
    /// Behind the batch.
    cursor: C,
    /// The target has everything before this.
    confirmed: C,
    window: Window<C>,
    link: Link,
    rewind: bool,
    /// The next read, not before this.
    read_at: Duration,
    /// When the source last told what is left.
    measured_at: Duration,
    /// In a row, of the target.
    failures: u32,
    /// In a row, of the source.
    source_failures: u32,
    stop: Stop,
    metrics: Metrics,
    /// When the last error happened.
    erred_at: Duration,
}

/// How far a drain is in coming to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    /// Not asked for.
    No,
    /// Asked for: read to the end of the log, then send.
    Reading,
    /// Everything has been read.
    Drained,
    /// Over.
    Over,
}

impl<C: Clone> Delivery<C> {
    /// Begins at a cursor that everything before is confirmed of.
    pub(crate) fn new(rules: Rules, cursor: C) -> Self {
        Self {
            rules,
            events: Vec::new(),
            weight: 0,
            lost: Lost::default(),
            since: Duration::ZERO,
            pieces: Vec::new(),
            tried: false,
            confirmed: cursor.clone(),
            cursor,
            window: Window::default(),
            link: Link::Down(Duration::ZERO),
            rewind: false,
            read_at: Duration::ZERO,
            measured_at: Duration::ZERO,
            failures: 0,
            source_failures: 0,
            stop: Stop::No,
            metrics: Metrics::default(),
            erred_at: Duration::ZERO,
        }
    }

    /// What to do now.
    pub(crate) fn step(&mut self, now: Duration) -> Step<C> {
        self.settle(now);
        if self.stop == Stop::Over {
            return Step::End;
        }
        if self.rewind {
            return if now < self.read_at {
                Step::Wait(self.read_at)
            } else {
                Step::Rewind(self.confirmed.clone())
            };
        }
        if self.pieces.is_empty() {
            if self.is_due(now) {
                self.pieces.push(0..self.events.len());
                self.tried = false;
            } else if now >= self.read_at && self.stop != Stop::Drained {
                return Step::Read(self.room());
            }
        }
        match (self.pieces.last(), self.link) {
            (Some(_), Link::Down(until)) if now >= until => Step::Connect,
            (Some(piece), Link::Up(until)) if now >= until => Step::Send(piece.clone()),
            (Some(_), Link::Down(until) | Link::Up(until)) => {
                let measure_at = self.read_at.max(self.measured_at + MEASURE);
                if now >= measure_at && self.stop == Stop::No {
                    return Step::Read(Limits::NOTHING);
                }
                Step::Wait(until.min(measure_at))
            }
            (None, Link::Up(_)) if self.stop == Stop::Drained => Step::Close,
            (None, Link::Down(_)) if self.stop == Stop::Drained => {
                self.stop = Stop::Over;
                Step::End
            }
            (None, _) => Step::Wait(self.next_event(now)),
        }
    }

    /// The events that [`Step::Send`] counts through.
    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    /// Everything before this has arrived; what is saved.
    pub(crate) fn confirmed(&self) -> &C {
        &self.confirmed
    }

    /// How it is doing, and when the last error happened.
    pub(crate) fn metrics(&self, now: Duration) -> (Metrics, Duration) {
        let first = self.pieces.last().map_or(0, |piece| piece.start);
        let unsent = self.events.get(first..).map_or(0, bytes);
        let waiting = match self.link {
            Link::Down(until) | Link::Up(until) => now < until && !self.pieces.is_empty(),
        };
        let state = match self.stop {
            Stop::Over => State::Stopped,
            _ if waiting || self.rewind => State::Waiting,
            _ if self.events.is_empty() && self.metrics.lag.bytes == 0 => State::Idle,
            _ => State::Sending,
        };
        let oldest = self.events.get(first).map(|event| event.time).or(self.metrics.lag.oldest);
        let behind = self.metrics.lag.bytes + unsent;
        let lag = Lag { bytes: behind, oldest: oldest.filter(|_| behind > 0 || !self.events.is_empty()) };
        let metrics = Metrics { state, lag, unconfirmed: self.window.events(), ..self.metrics.clone() };
        (metrics, self.erred_at)
    }

    /// What [`Step::Read`] gave, and the cursor behind it.
    pub(crate) fn read(&mut self, portion: Portion, cursor: C, now: Duration) {
        self.source_failures = 0;
        self.metrics.dropped.rotated += portion.lost;
        self.lost += portion.lost;
        self.metrics.lag.bytes = portion.behind;
        self.measured_at = now;
        if self.events.is_empty() {
            self.since = now;
        }
        self.read_at = if portion.behind > 0 { now } else { now + self.rules.poll };
        if portion.behind == 0 && self.stop == Stop::Reading {
            self.stop = Stop::Drained;
        }
        self.weight += portion.events.iter().map(Event::weight).sum::<usize>();
        self.events.extend(portion.events);
        self.cursor = cursor;
        if self.events.is_empty() && self.window.is_empty() {
            // What was lost, or holds no event, need not be read again.
            self.confirmed = self.cursor.clone();
            self.lost = Lost::default();
        }
    }

    /// The source went back.
    pub(crate) fn rewound(&mut self) {
        self.rewind = false;
        self.cursor = self.confirmed.clone();
        if self.stop == Stop::Drained {
            self.stop = Stop::Reading;
        }
    }

    /// The source could not be read, or not go back.
    pub(crate) fn source_failed(&mut self, what: String, now: Duration, random: f64) {
        self.source_failures = self.source_failures.saturating_add(1);
        self.read_at = now + self.rules.backoff.wait(self.source_failures, random);
        self.erred(what, now);
        if self.stop > Stop::No {
            self.stop = Stop::Over;
        }
    }

    /// There is a connection.
    pub(crate) fn connected(&mut self, now: Duration) {
        self.link = Link::Up(now);
    }

    /// There is none, or none any more.
    pub(crate) fn failed(&mut self, what: String, sending: bool, now: Duration, random: f64) {
        self.failures = self.failures.saturating_add(1);
        let wait = self.rules.backoff.wait(self.failures, random);
        self.link = Link::Down(now + wait);
        self.erred(what, now);
        if sending {
            self.handed_over();
            self.tried = true;
        }
        self.take_back(now);
        if self.stop > Stop::No {
            self.stop = Stop::Over;
        }
    }

    /// The connection broke during [`Step::Wait`]. That is no failure when nothing was under way: services and receivers
    /// close idle connections.
    pub(crate) fn broke(&mut self, what: String, now: Duration, random: f64) {
        if self.window.is_empty() {
            let (Link::Down(until) | Link::Up(until)) = self.link;
            self.link = Link::Down(until);
        } else {
            self.failed(what, false, now, random);
        }
    }

    /// What the target said to [`Step::Send`].
    pub(crate) fn answered(&mut self, answer: Answer, now: Duration, random: f64) {
        self.handed_over();
        let Some(piece) = self.pieces.pop() else { return };
        match answer {
            Answer::Accepted => {
                self.failures = 0;
                self.count_sent(piece);
                if self.pieces.is_empty() {
                    self.confirmed = self.cursor.clone();
                    self.clear();
                }
            }
            Answer::Written => {
                self.count_sent(piece);
                if self.pieces.is_empty() {
                    self.window.push(Written {
                        cursor: self.cursor.clone(),
                        events: self.events.len() as u64,
                        bytes: bytes(&self.events),
                        lost: self.lost,
                        at: now,
                    });
                    self.clear();
                }
            }
            Answer::Busy { reason, wait } => {
                self.pieces.push(piece);
                self.tried = true;
                self.delay(wait.unwrap_or_default(), now, random);
                self.erred(reason, now);
            }
            Answer::Refused { refusal, reason } => self.refused(piece, refusal, reason, now, random),
        }
    }

    /// The connection is closed. `orderly`: the target closed it too after it had read everything.
    pub(crate) fn closed(&mut self, orderly: bool) {
        if orderly && let Some(last) = self.window.take().last() {
            self.confirmed = last.cursor;
        }
        self.stop = Stop::Over;
    }

    /// Come to an end: read what there is, send it, close. One failure ends it at once.
    pub(crate) fn stop(&mut self, now: Duration) {
        if self.stop == Stop::No {
            self.stop = Stop::Reading;
            self.read_at = now;
            self.link = match self.link {
                Link::Down(_) => Link::Down(now),
                Link::Up(_) => Link::Up(now),
            };
        }
    }

    fn is_due(&self, now: Duration) -> bool {
        let full = self.events.len() >= self.rules.batch.events || self.weight >= self.rules.batch.bytes;
        let waited = now >= self.since + self.rules.linger || self.stop == Stop::Drained;
        full || (waited && !self.events.is_empty())
    }

    fn room(&self) -> Limits {
        Limits {
            events: self.rules.batch.events.saturating_sub(self.events.len()),
            bytes: self.rules.batch.bytes.saturating_sub(self.weight),
        }
    }

    /// When something changes by itself.
    fn next_event(&self, now: Duration) -> Duration {
        let linger = (!self.events.is_empty()).then(|| self.since + self.rules.linger);
        let settled = self.window.oldest().map(|written| written + self.rules.settle);
        [linger, settled].into_iter().flatten().fold(self.read_at, Duration::min).max(now)
    }

    /// Takes out of the window what counts as arrived.
    fn settle(&mut self, now: Duration) {
        if let Some(cursor) = self.window.arrived(self.rules.window, now, self.rules.settle) {
            self.confirmed = cursor;
            self.failures = 0;
        }
    }

    /// After a broken connection: what it may have swallowed is read and sent again.
    fn take_back(&mut self, now: Duration) {
        if self.window.is_empty() {
            return;
        }
        if self.tried {
            self.metrics.retried += self.pieces.last().map_or(0, |piece| piece.len() as u64);
        }
        for written in self.window.take() {
            self.metrics.retried += written.events;
            self.metrics.sent.events -= written.events;
            self.metrics.sent.bytes -= written.bytes;
            self.metrics.dropped.rotated -= written.lost;
        }
        self.metrics.dropped.rotated -= self.lost;
        self.pieces.clear();
        self.clear();
        self.rewind = true;
        self.read_at = now;
    }

    fn refused(&mut self, piece: Range<usize>, refusal: Refusal, reason: String, now: Duration, random: f64) {
        self.erred(reason, now);
        if refusal == Refusal::Everything {
            self.pieces.push(piece);
            self.tried = true;
            self.delay(self.rules.backoff.longest, now, random);
            return;
        }
        if piece.len() > 1 {
            let middle = piece.start + piece.len() / 2;
            if refusal == Refusal::Size {
                let weight: usize = self.events[piece.clone()].iter().map(Event::weight).sum();
                self.rules.batch.bytes = self.rules.batch.bytes.min((weight / 2).max(LEAST_BATCH));
            }
            self.pieces.extend([middle..piece.end, piece.start..middle]);
            return;
        }
        self.metrics.dropped.refused += piece.len() as u64;
        if refusal == Refusal::Content {
            self.delay(Duration::ZERO, now, random);
        }
        if self.pieces.is_empty() {
            self.confirmed = self.cursor.clone();
            self.clear();
        }
    }

    /// Waits before the next piece, at least so long.
    fn delay(&mut self, least: Duration, now: Duration, random: f64) {
        self.failures = self.failures.saturating_add(1);
        let wait = self.rules.backoff.wait(self.failures, random).max(least.min(LONGEST_WAIT_ASKED));
        self.link = match self.link {
            Link::Up(_) => Link::Up(now + wait),
            Link::Down(_) => Link::Down(now + wait),
        };
        if self.stop > Stop::No {
            self.stop = Stop::Over;
        }
    }

    /// The piece on top went to a connection, whatever came of it.
    fn handed_over(&mut self) {
        if std::mem::take(&mut self.tried) {
            self.metrics.retried += self.pieces.last().map_or(0, |piece| piece.len() as u64);
        }
    }

    fn count_sent(&mut self, piece: Range<usize>) {
        self.metrics.sent.events += piece.len() as u64;
        self.metrics.sent.bytes += bytes(&self.events[piece]);
    }

    fn clear(&mut self) {
        self.metrics.lag.oldest = self.events.last().map(|event| event.time).or(self.metrics.lag.oldest);
        self.events.clear();
        self.weight = 0;
        self.lost = Lost::default();
        self.tried = false;
    }

    fn erred(&mut self, what: String, now: Duration) {
        self.erred_at = now;
        self.metrics.last_error = Some(crate::LastError { time: Timestamp::EPOCH, what });
    }
}

fn bytes(events: &[Event]) -> u64 {
    events.iter().map(|event| event.message.len() as u64).sum()
}

/// While a target is away, the source is asked this often how much is left.
const MEASURE: Duration = Duration::from_secs(10);

/// A batch is not made smaller than this because a larger one was refused for its size.
const LEAST_BATCH: usize = 16 << 10;

/// However long a target asks to be left alone.
const LONGEST_WAIT_ASKED: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;
