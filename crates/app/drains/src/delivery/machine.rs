//! The state of one drain's delivery.

use std::time::Duration;

use super::batch::{Batch, bytes};
use super::window::{Window, Written};
use super::{Answer, Refusal, Rules, Step};
use crate::{Event, Lag, LastError, Limits, Metrics, Portion, State, Timestamp};

/// While a target is away, the source is asked this often how much is left.
const MEASURE: Duration = Duration::from_secs(10);

/// What a connection broke over so many times, without an answer between, is sent in halves: a service that finds a body too
/// large may hang up before its answer is read.
const BREAKS_BEFORE_HALVES: u32 = 3;

/// How long a stop waits for the rest of an event that has begun.
const PATIENCE: Duration = Duration::from_secs(1);

/// A batch is not made smaller than this because a larger one was refused for its size.
const LEAST_BATCH: usize = 16 << 10;

/// However long a target asks to be left alone.
const LONGEST_WAIT_ASKED: Duration = Duration::from_mins(5);

/// The state of one drain's delivery.
#[derive(Debug)]
pub(crate) struct Delivery<C> {
    rules: Rules,
    batch: Batch,
    /// Behind the batch.
    cursor: C,
    window: Window<C>,
    /// The target has everything before this.
    confirmed: C,
    link: Link,
    /// Whether the source has to go back to what is confirmed.
    rewind: bool,
    /// The next read, not before this.
    read_at: Duration,
    /// When the source last told what is left.
    measured_at: Duration,
    /// In a row, of the target.
    failures: u32,
    /// How often a connection broke while something was being sent, since the last answer.
    breaks: u32,
    /// In a row, of the source.
    source_failures: u32,
    stop: Stop,
    metrics: Metrics,
    /// When the last error happened.
    erred_at: Duration,
}

/// Whether there is a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// None; the next attempt not before this.
    Down(Duration),
    /// One, and nothing is sent before this.
    Up(Duration),
}

/// How far a drain is in coming to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    /// Not asked for.
    No,
    /// Asked for then: read to the end of the log, then send.
    Reading(Duration),
    /// Everything has been read.
    Drained,
    /// Over.
    Over,
}

impl<C: Clone> Delivery<C> {
    /// Begins at a cursor: everything before it is confirmed.
    pub(crate) fn new(rules: Rules, cursor: C) -> Self {
        Self {
            rules,
            batch: Batch::default(),
            confirmed: cursor.clone(),
            cursor,
            window: Window::default(),
            link: Link::Down(Duration::ZERO),
            rewind: false,
            read_at: Duration::ZERO,
            measured_at: Duration::ZERO,
            failures: 0,
            breaks: 0,
            source_failures: 0,
            stop: Stop::No,
            metrics: Metrics::default(),
            erred_at: Duration::ZERO,
        }
    }

    /// What to do now.
    pub(crate) fn step(&mut self, now: Duration) -> Step<C> {
        if let Some(cursor) = self.window.arrived(self.rules.window, now, self.rules.settle) {
            self.confirmed = cursor;
            self.failures = 0;
        }
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
        if self.batch.piece().is_none() {
            if self.is_due(now) {
                self.batch.seal();
            } else if now >= self.read_at && self.stop != Stop::Drained {
                return Step::Read(self.batch.room(self.rules.batch));
            }
        }
        match (self.batch.piece(), self.link) {
            (Some(_), Link::Down(until)) if now >= until => Step::Connect,
            (Some(piece), Link::Up(until)) if now >= until => Step::Send(piece),
            (Some(_), Link::Down(until) | Link::Up(until)) => self.wait_or_measure(until, now),
            (None, Link::Up(_)) if self.stop == Stop::Drained => Step::Close,
            (None, Link::Down(_)) if self.stop == Stop::Drained => {
                self.stop = Stop::Over;
                Step::End
            }
            (None, _) => Step::Wait(self.next_change(now)),
        }
    }

    /// Whether the batch is to be sent.
    fn is_due(&self, now: Duration) -> bool {
        let waited = self.batch.waits_until(self.rules.linger);
        self.batch.is_full(self.rules.batch)
            || waited.is_some_and(|until| now >= until || self.stop == Stop::Drained)
    }

    fn wait_or_measure(&self, until: Duration, now: Duration) -> Step<C> {
        let measure_at = self.read_at.max(self.measured_at + MEASURE);
        if now >= measure_at && self.stop == Stop::No {
            Step::Read(Limits::NOTHING)
        } else {
            Step::Wait(until.min(measure_at.max(now + self.rules.poll)))
        }
    }

    /// When something changes by itself.
    fn next_change(&self, now: Duration) -> Duration {
        let linger = self.batch.waits_until(self.rules.linger);
        let settled = self.window.oldest().map(|written| written + self.rules.settle);
        [linger, settled].into_iter().flatten().fold(self.read_at, Duration::min).max(now)
    }

    /// The events that [`Step::Send`] counts through.
    pub(crate) fn events(&self) -> &[Event] {
        self.batch.events()
    }

    /// Everything before this has arrived; what is saved.
    pub(crate) fn confirmed(&self) -> &C {
        &self.confirmed
    }

    /// What [`Step::Read`] gave, and the cursor behind it.
    pub(crate) fn read(&mut self, portion: Portion, cursor: C, now: Duration) {
        self.source_failures = 0;
        self.measured_at = now;
        // What is behind and yet not given is the beginning of something.
        let more = portion.behind > 0 && !portion.events.is_empty();
        self.read_at = if more { now } else { now + self.rules.poll };
        if let Stop::Reading(since) = self.stop
            && (portion.behind == 0 || (!more && now >= since + PATIENCE))
        {
            self.stop = Stop::Drained;
        }
        self.metrics.lag.bytes = portion.behind;
        self.metrics.dropped.rotated += portion.lost;
        self.batch.add(portion, now);
        self.cursor = cursor;
        if self.batch.is_empty() && self.window.is_empty() {
            // What was lost, or holds no event, need not be read again.
            self.confirm();
        }
    }

    /// The source went back.
    pub(crate) fn rewound(&mut self) {
        self.rewind = false;
        self.cursor = self.confirmed.clone();
    }

    /// The source could not be read, or not go back.
    pub(crate) fn source_failed(&mut self, what: String, now: Duration, random: f64) {
        self.source_failures = self.source_failures.saturating_add(1);
        self.read_at = now + self.rules.backoff.wait(self.source_failures, random);
        self.erred(what, now);
        self.end_a_stop();
    }

    /// There is a connection.
    pub(crate) fn connected(&mut self, now: Duration) {
        self.link = Link::Up(now);
    }

    /// There is none, or none any more. `sending`: it failed in [`Step::Send`].
    pub(crate) fn failed(&mut self, what: String, sending: bool, now: Duration, random: f64) {
        self.failures = self.failures.saturating_add(1);
        self.link = Link::Down(now + self.rules.backoff.wait(self.failures, random));
        self.erred(what, now);
        if sending {
            self.metrics.retried += self.batch.handed_over();
            self.breaks = self.breaks.saturating_add(1);
            if self.breaks >= BREAKS_BEFORE_HALVES {
                self.batch.split();
            }
        }
        if !self.window.is_empty() {
            self.take_back(now);
        }
        self.end_a_stop();
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
        self.metrics.retried += self.batch.handed_over();
        self.breaks = 0;
        match answer {
            Answer::Accepted => {
                self.failures = 0;
                self.count_sent();
                if self.batch.done() {
                    self.confirm();
                }
            }
            Answer::Written => {
                self.count_sent();
                if self.batch.done() {
                    self.window.push(Written {
                        cursor: self.cursor.clone(),
                        events: self.batch.events().len() as u64,
                        bytes: bytes(self.batch.events()),
                        lost: self.batch.lost,
                        at: now,
                    });
                    self.clear();
                }
            }
            Answer::Busy { reason, wait } => {
                self.erred(reason, now);
                self.delay(wait.unwrap_or_default().min(LONGEST_WAIT_ASKED), now, random);
            }
            Answer::Refused { refusal, reason } => {
                self.erred(reason, now);
                self.refused(refusal, now, random);
            }
        }
    }

    fn refused(&mut self, refusal: Refusal, now: Duration, random: f64) {
        if refusal == Refusal::Everything {
            return self.delay(self.rules.backoff.longest, now, random);
        }
        self.batch.not_taken();
        if let Some(weight) = self.batch.split() {
            if refusal == Refusal::Size {
                self.rules.batch.bytes = self.rules.batch.bytes.min((weight / 2).max(LEAST_BATCH));
            }
            return;
        }
        self.metrics.dropped.refused += 1;
        if self.batch.done() {
            self.confirm();
        }
        if refusal == Refusal::Content {
            self.delay(Duration::ZERO, now, random);
        }
    }

    /// Waits before the next piece, at least so long.
    fn delay(&mut self, least: Duration, now: Duration, random: f64) {
        self.failures = self.failures.saturating_add(1);
        let until = now + self.rules.backoff.wait(self.failures, random).max(least);
        self.link = match self.link {
            Link::Up(_) => Link::Up(until),
            Link::Down(_) => Link::Down(until),
        };
        self.end_a_stop();
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
            self.stop = Stop::Reading(now);
            self.read_at = now;
            self.link = match self.link {
                Link::Down(_) => Link::Down(now),
                Link::Up(_) => Link::Up(now),
            };
        }
    }

    fn end_a_stop(&mut self) {
        if self.stop > Stop::No {
            self.stop = Stop::Over;
        }
    }

    /// The target has the batch and everything before.
    fn confirm(&mut self) {
        self.confirmed = self.cursor.clone();
        self.clear();
    }

    fn clear(&mut self) {
        let newest = self.batch.events().last().map(|event| event.time);
        self.metrics.lag.oldest = newest.or(self.metrics.lag.oldest);
        self.batch = Batch::default();
    }

    /// After a broken connection: what it may have swallowed is read and sent again.
    fn take_back(&mut self, now: Duration) {
        self.metrics.retried += self.batch.tried();
        self.metrics.dropped.rotated -= self.batch.lost;
        for written in self.window.take() {
            self.metrics.retried += written.events;
            self.metrics.sent.events -= written.events;
            self.metrics.sent.bytes -= written.bytes;
            self.metrics.dropped.rotated -= written.lost;
        }
        self.clear();
        self.rewind = true;
        self.read_at = now;
    }

    fn count_sent(&mut self) {
        let events = self.batch.piece().and_then(|piece| self.batch.events().get(piece)).unwrap_or_default();
        self.metrics.sent.events += events.len() as u64;
        self.metrics.sent.bytes += bytes(events);
    }

    fn erred(&mut self, what: String, now: Duration) {
        self.erred_at = now;
        self.metrics.last_error = Some(LastError { time: Timestamp::EPOCH, what });
    }

    /// How it is doing, and when the last error happened (whose time is not filled in).
    pub(crate) fn metrics(&self, now: Duration) -> (Metrics, Duration) {
        let unsent = self.batch.unsent();
        let waiting = match self.link {
            Link::Down(until) | Link::Up(until) => now < until && self.batch.piece().is_some(),
        };
        let bytes = self.metrics.lag.bytes + bytes(unsent);
        let oldest = unsent.first().map(|event| event.time);
        let state = match self.stop {
            Stop::Over => State::Stopped,
            _ if waiting || self.rewind => State::Waiting,
            _ if unsent.is_empty() && bytes == 0 => State::Idle,
            _ => State::Sending,
        };
        // Of what has not been read, only this is known: it came after what was.
        let oldest = oldest.or(self.metrics.lag.oldest.filter(|_| bytes > 0));
        let lag = Lag { bytes, oldest };
        (Metrics { state, lag, unconfirmed: self.window.events(), ..self.metrics.clone() }, self.erred_at)
    }
}
