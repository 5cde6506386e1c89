//! The state machine against scripted conversations and against worlds that break at random. Time is a number here.

use std::time::Duration;

use logs::Stream;
use proptest::prelude::*;

use super::{Answer, Delivery, Refusal, Rules, Step};
use crate::{Backoff, Event, Limits, Lost, Portion, State, Timestamp};

const SECOND: Duration = Duration::from_secs(1);

fn rules() -> Rules {
    Rules {
        batch: Limits { events: 8, bytes: 4 << 10 },
        linger: Duration::ZERO,
        poll: SECOND / 5,
        window: 1000,
        settle: 30 * SECOND,
        backoff: Backoff { first: SECOND, longest: 60 * SECOND },
    }
}

fn event(number: usize, length: usize) -> Event {
    Event {
        time: Timestamp::from_nanoseconds(number as u64),
        app: "app".into(),
        process: "web.1".into(),
        stream: Stream::Stdout,
        release: None,
        message: vec![b'x'; length],
    }
}

fn events(numbers: std::ops::Range<usize>) -> Vec<Event> {
    numbers.map(|number| event(number, 100)).collect()
}

fn portion(numbers: std::ops::Range<usize>, behind: u64) -> Portion {
    Portion { events: events(numbers), lost: Lost::default(), behind }
}

fn just_before(time: Duration) -> Duration {
    time.saturating_sub(Duration::from_nanos(1))
}

/// A delivery that has read events 0 to `count` and is connected.
fn loaded(rules: Rules, count: usize) -> Delivery<usize> {
    let mut delivery = Delivery::new(rules, 0);
    assert_eq!(delivery.step(Duration::ZERO), Step::Read(rules.batch));
    delivery.read(portion(0..count, 0), count, Duration::ZERO);
    assert_eq!(delivery.step(rules.linger), Step::Connect);
    delivery.connected(rules.linger);
    delivery
}

fn refused(refusal: Refusal) -> Answer {
    Answer::Refused { refusal, reason: "no".into() }
}

fn busy(wait: Option<Duration>) -> Answer {
    Answer::Busy { reason: "not now".into(), wait }
}

#[test]
fn nothing_is_connected_to_before_there_is_something_to_send() {
    let mut delivery = Delivery::new(rules(), 0);
    assert_eq!(delivery.step(Duration::ZERO), Step::Read(rules().batch));
    delivery.read(portion(0..0, 0), 0, Duration::ZERO);
    assert_eq!(delivery.step(Duration::ZERO), Step::Wait(SECOND / 5));
    assert_eq!(delivery.step(SECOND / 5), Step::Read(rules().batch));
    assert_eq!(delivery.metrics(SECOND).0.state, State::Idle);
}

#[test]
fn a_batch_lingers_until_it_is_full_or_old() {
    let rules = Rules { linger: SECOND, ..rules() };
    let mut delivery = Delivery::new(rules, 0);
    delivery.read(portion(0..3, 0), 3, Duration::ZERO);
    assert_eq!(delivery.step(SECOND / 10), Step::Wait(SECOND / 5));
    assert_eq!(delivery.step(SECOND / 5), Step::Read(Limits { events: 5, bytes: (4 << 10) - 3 * 228 }));
    delivery.read(portion(3..4, 0), 4, SECOND / 5);
    assert_eq!(delivery.step(SECOND), Step::Connect);

    let mut delivery = Delivery::new(rules, 0);
    delivery.read(portion(0..8, 99), 8, Duration::ZERO);
    assert_eq!(delivery.step(Duration::ZERO), Step::Connect, "full by count");
    let mut delivery = Delivery::new(rules, 0);
    delivery.read(Portion { events: vec![event(0, 5000)], ..Portion::default() }, 1, Duration::ZERO);
    assert_eq!(delivery.step(Duration::ZERO), Step::Connect, "full by bytes");
}

#[test]
fn what_is_accepted_is_confirmed_and_what_is_written_is_not_yet() {
    let mut delivery = loaded(rules(), 3);
    assert_eq!(delivery.step(SECOND), Step::Send(0..3));
    delivery.answered(Answer::Accepted, SECOND, 0.0);
    assert_eq!(*delivery.confirmed(), 3);

    let mut delivery = loaded(rules(), 3);
    delivery.step(SECOND);
    delivery.answered(Answer::Written, SECOND, 0.0);
    assert_eq!(*delivery.confirmed(), 0);
    let (metrics, _) = delivery.metrics(SECOND);
    assert_eq!((metrics.sent.events, metrics.sent.bytes, metrics.unconfirmed), (3, 300, 3));
    delivery.step(just_before(31 * SECOND));
    assert_eq!(*delivery.confirmed(), 0);
    delivery.step(31 * SECOND);
    assert_eq!(*delivery.confirmed(), 3, "thirty seconds on a connection that lived");
}

#[test]
fn what_is_written_is_confirmed_once_a_window_was_written_after_it() {
    let mut delivery = loaded(rules(), 8);
    for round in 1..=3 {
        assert_eq!(delivery.step(SECOND), Step::Send(0..8));
        delivery.answered(Answer::Written, SECOND, 0.0);
        // Each round writes 800 bytes; the window holds 1000.
        delivery.step(SECOND);
        assert_eq!(*delivery.confirmed(), [0, 0, 8][round - 1]);
        delivery.read(portion(round * 8..round * 8 + 8, 0), round * 8 + 8, SECOND);
    }
}

#[test]
fn a_broken_connection_takes_back_what_it_may_have_swallowed() {
    let mut delivery = loaded(rules(), 3);
    delivery.step(SECOND);
    delivery.answered(Answer::Written, SECOND, 0.0);
    delivery.read(portion(3..5, 0), 5, SECOND);
    assert_eq!(delivery.step(SECOND), Step::Send(0..2));
    delivery.failed("reset".into(), true, SECOND, 0.0);
    let (metrics, at) = delivery.metrics(SECOND);
    assert_eq!((metrics.sent.events, metrics.sent.bytes, metrics.unconfirmed), (0, 0, 0));
    assert_eq!(metrics.retried, 5);
    assert_eq!((metrics.last_error.unwrap().what.as_str(), at), ("reset", SECOND));
    assert_eq!(delivery.step(SECOND), Step::Rewind(0));
    delivery.rewound();
    assert_eq!(delivery.step(2 * SECOND), Step::Read(rules().batch));
    delivery.read(portion(0..5, 0), 5, 2 * SECOND);
    assert_eq!(delivery.step(2 * SECOND), Step::Connect, "half a second to a second later");
}

#[test]
fn an_idle_connection_that_closes_is_no_failure_and_one_with_a_window_is() {
    let mut delivery = loaded(rules(), 3);
    delivery.step(SECOND);
    delivery.answered(Answer::Accepted, SECOND, 0.0);
    delivery.broke("closed".into(), SECOND, 0.0);
    assert_eq!(delivery.metrics(SECOND).0.last_error, None);
    delivery.read(portion(3..4, 0), 4, SECOND);
    assert_eq!(delivery.step(SECOND), Step::Connect, "at once");

    delivery.connected(SECOND);
    delivery.step(SECOND);
    delivery.answered(Answer::Written, SECOND, 0.0);
    delivery.broke("closed".into(), SECOND, 0.0);
    assert!(delivery.metrics(SECOND).0.last_error.is_some());
    assert_eq!(delivery.step(SECOND), Step::Rewind(3));
}

#[test]
fn attempts_wait_longer_each_time_and_start_over_after_success() {
    let mut delivery = Delivery::new(rules(), 0);
    delivery.read(portion(0..1, 0), 1, Duration::ZERO);
    let mut now = Duration::ZERO;
    let mut waits = Vec::new();
    for _ in 0..8 {
        assert_eq!(delivery.step(now), Step::Connect);
        delivery.failed("down".into(), false, now, 1.0);
        let begin = now;
        now = waited_out(&mut delivery, now);
        waits.push(now.saturating_sub(begin).as_secs());
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    let (metrics, _) = delivery.metrics(now);
    assert_eq!((metrics.lag.bytes, metrics.lag.oldest), (7_100, Some(Timestamp::EPOCH)));
    delivery.connected(now);
    assert_eq!(delivery.step(now), Step::Send(0..1));
    delivery.answered(busy(None), now, 1.0);
    assert_eq!(waited_out(&mut delivery, now), now + 60 * SECOND, "a connection alone is no success");
    now += 60 * SECOND;
    assert_eq!(delivery.step(now), Step::Send(0..1));
    delivery.answered(Answer::Accepted, now, 1.0);
    assert_eq!(delivery.metrics(now).0.retried, 1);
    delivery.failed("down".into(), false, now, 1.0);
    delivery.read(portion(1..2, 0), 2, now);
    assert_eq!(delivery.step(now), Step::Wait(now + SECOND), "from the first wait on");
}

/// When the next thing happens that is no wait; on the way, the source is asked now and then how much is left.
fn waited_out(delivery: &mut Delivery<usize>, mut now: Duration) -> Duration {
    loop {
        match delivery.step(now) {
            Step::Wait(until) => {
                assert!(until <= now + 10 * SECOND);
                now = until;
            }
            Step::Read(Limits::NOTHING) => delivery.read(portion(0..0, 7_000), 1, now),
            _ => return now,
        }
    }
}

#[test]
fn a_busy_target_says_how_long_it_is_left_alone_within_reason() {
    for (asked, least) in [(7, 7), (100_000, 300)] {
        let mut delivery = loaded(rules(), 2);
        delivery.step(SECOND);
        delivery.answered(busy(Some(asked * SECOND)), SECOND, 0.0);
        let until = SECOND + least * SECOND;
        delivery.read(portion(0..0, 0), 2, until);
        assert!(matches!(delivery.step(just_before(until)), Step::Wait(_)));
        assert_eq!(delivery.metrics(just_before(until)).0.state, State::Waiting);
        assert_eq!(delivery.step(until), Step::Send(0..2));
    }
}

#[test]
fn what_is_too_large_is_halved_and_later_batches_are_smaller() {
    let rules = Rules { batch: Limits { events: 1000, bytes: 64 << 10 }, ..rules() };
    let mut delivery = loaded(rules, 200);
    assert_eq!(delivery.step(SECOND), Step::Send(0..200));
    delivery.answered(refused(Refusal::Size), SECOND, 0.0);
    assert_eq!(delivery.step(SECOND), Step::Send(0..100));
    delivery.answered(refused(Refusal::Size), SECOND, 0.0);
    for range in [0..50, 50..100, 100..200] {
        assert_eq!(delivery.step(SECOND), Step::Send(range));
        assert_eq!(*delivery.confirmed(), 0);
        delivery.answered(Answer::Accepted, SECOND, 0.0);
    }
    assert_eq!(*delivery.confirmed(), 200);
    assert_eq!(delivery.step(SECOND), Step::Read(Limits { events: 1000, bytes: 16 << 10 }));
    assert_eq!(delivery.metrics(SECOND).0.dropped.refused, 0);
}

#[test]
fn what_a_connection_breaks_over_again_and_again_is_halved() {
    let mut delivery = loaded(rules(), 8);
    let mut now = SECOND;
    let mut sizes = Vec::new();
    while *delivery.confirmed() < 8 {
        match delivery.step(now) {
            Step::Connect => delivery.connected(now),
            Step::Send(range) => {
                sizes.push(range.len());
                if range.len() > 2 {
                    delivery.failed("reset".into(), true, now, 0.0);
                } else {
                    delivery.answered(Answer::Accepted, now, 0.0);
                }
            }
            Step::Read(Limits::NOTHING) => delivery.read(portion(0..0, 0), 8, now),
            Step::Wait(until) => now = until,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sizes, [8, 8, 8, 4, 2, 2, 4, 4, 4, 2, 2]);
    let (metrics, _) = delivery.metrics(now);
    // All eight twice more, four of them and two and two once more; the other four three times, two and two of them once.
    assert_eq!((metrics.sent.events, metrics.retried), (8, 16 + 4 + 2 + 2 + 12 + 2 + 2));
}

#[test]
fn one_event_that_is_refused_is_dropped_and_the_rest_arrives() {
    for refusal in [Refusal::Size, Refusal::Content] {
        let mut delivery = loaded(rules(), 4);
        let mut now = SECOND;
        let mut accepted = Vec::new();
        while *delivery.confirmed() < 4 {
            match delivery.step(now) {
                Step::Send(range) if range.contains(&2) => delivery.answered(refused(refusal), now, 0.0),
                Step::Send(range) => {
                    accepted.extend(range);
                    delivery.answered(Answer::Accepted, now, 0.0);
                }
                Step::Wait(until) => now = until,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(accepted, [0, 1, 3]);
        let (metrics, _) = delivery.metrics(now);
        assert_eq!((metrics.sent.events, metrics.dropped.refused, metrics.retried), (3, 1, 0));
        assert_eq!(metrics.last_error.unwrap().what, "no");
        // Only a target that may refuse everything is given time between two drops.
        assert_eq!(now > SECOND, refusal == Refusal::Content);
    }
}

#[test]
fn a_target_that_refuses_everything_gets_it_later_and_nothing_is_dropped() {
    let mut delivery = loaded(rules(), 4);
    delivery.step(SECOND);
    delivery.answered(refused(Refusal::Everything), SECOND, 0.0);
    let until = SECOND + 60 * SECOND;
    delivery.read(portion(0..0, 0), 4, until);
    assert!(matches!(delivery.step(just_before(until)), Step::Wait(_)));
    assert_eq!(delivery.step(until), Step::Send(0..4));
    delivery.answered(Answer::Accepted, until, 0.0);
    assert_eq!(delivery.metrics(until).0.dropped.refused, 0);
    assert_eq!(*delivery.confirmed(), 4);
}

#[test]
fn a_gap_is_counted_once_however_often_it_is_read() {
    let lost = Lost { gaps: 1, records: 5, bytes: 500 };
    let mut delivery = Delivery::new(rules(), 0);
    for round in 0..3 {
        let portion = Portion { events: events(5..7), lost, behind: 0 };
        delivery.read(portion, 7, Duration::ZERO);
        delivery.connected(Duration::ZERO);
        assert_eq!(delivery.metrics(SECOND).0.dropped.rotated, lost, "round {round}");
        delivery.step(Duration::ZERO);
        delivery.answered(Answer::Written, Duration::ZERO, 0.0);
        delivery.broke("reset".into(), Duration::ZERO, 0.0);
        assert_eq!(delivery.metrics(SECOND).0.dropped.rotated, Lost::default());
        delivery.step(Duration::ZERO);
        delivery.rewound();
    }
}

#[test]
fn a_gap_without_events_behind_it_is_confirmed_as_it_is() {
    let mut delivery = Delivery::new(rules(), 0);
    let lost = Lost { gaps: 1, records: 5, bytes: 500 };
    delivery.read(Portion { events: Vec::new(), lost, behind: 0 }, 5, Duration::ZERO);
    assert_eq!(*delivery.confirmed(), 5);
    assert_eq!(delivery.metrics(SECOND).0.dropped.rotated, lost);
}

#[test]
fn a_stop_sends_what_there_is_and_closes_in_order() {
    let mut delivery = loaded(Rules { linger: SECOND, ..rules() }, 3);
    delivery.step(SECOND);
    delivery.answered(Answer::Written, SECOND, 0.0);
    delivery.stop(SECOND);
    assert_eq!(delivery.step(SECOND), Step::Read(rules().batch), "without waiting");
    delivery.read(portion(3..8, 9), 8, SECOND);
    assert_eq!(delivery.step(SECOND), Step::Read(Limits { events: 3, bytes: (4 << 10) - 5 * 228 }));
    delivery.read(portion(8..9, 0), 9, SECOND);
    assert_eq!(delivery.step(SECOND), Step::Send(0..6), "without lingering");
    delivery.answered(Answer::Written, SECOND, 0.0);
    assert_eq!(delivery.step(SECOND), Step::Close);
    delivery.closed(true);
    assert_eq!(delivery.step(SECOND), Step::End);
    assert_eq!(*delivery.confirmed(), 9);
    assert_eq!(delivery.metrics(SECOND).0.state, State::Stopped);
}

#[test]
fn a_stop_waits_a_little_for_the_end_of_an_event_that_has_begun() {
    let mut delivery: Delivery<usize> = Delivery::new(rules(), 0);
    delivery.stop(SECOND);
    let mut now = SECOND;
    loop {
        match delivery.step(now) {
            Step::Read(_) => delivery.read(portion(0..0, 9), 0, now),
            Step::Wait(until) => {
                assert!(until > now, "it reads in circles");
                now = until;
            }
            Step::End => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(now, 2 * SECOND);
}

#[test]
fn a_stop_tries_once_more_and_no_longer() {
    let mut delivery = Delivery::new(rules(), 0);
    delivery.read(portion(0..3, 0), 3, Duration::ZERO);
    delivery.step(Duration::ZERO);
    delivery.failed("down".into(), false, Duration::ZERO, 1.0);
    delivery.stop(Duration::ZERO);
    assert_eq!(delivery.step(Duration::ZERO), Step::Connect, "the wait is cut short");
    delivery.failed("down".into(), false, Duration::ZERO, 1.0);
    assert_eq!(delivery.step(Duration::ZERO), Step::End);
    assert_eq!(*delivery.confirmed(), 0);

    let mut delivery = loaded(rules(), 3);
    delivery.step(SECOND);
    delivery.answered(Answer::Written, SECOND, 0.0);
    delivery.stop(SECOND);
    delivery.read(portion(0..0, 0), 3, SECOND);
    assert_eq!(delivery.step(SECOND), Step::Close);
    delivery.closed(false);
    assert_eq!(*delivery.confirmed(), 0, "the next process sends the window again");
}

#[test]
fn a_source_that_fails_is_asked_again_later() {
    let mut delivery: Delivery<usize> = Delivery::new(rules(), 0);
    delivery.step(Duration::ZERO);
    delivery.source_failed("/var/log: no".into(), Duration::ZERO, 1.0);
    assert_eq!(delivery.step(Duration::ZERO), Step::Wait(SECOND));
    assert_eq!(delivery.step(SECOND), Step::Read(rules().batch));
    assert_eq!(delivery.metrics(SECOND).0.last_error.unwrap().what, "/var/log: no");
}

/// A log, a target, and a seed that decides what goes wrong.
struct World {
    seed: u64,
    log: Vec<Event>,
    at: usize,
    now: Duration,
    /// Numbers of the events that the target has got, in order.
    received: Vec<usize>,
    /// What is in buffers on the way, with the time it was written.
    under_way: Vec<(usize, Duration)>,
    written: usize,
}

impl World {
    fn new(seed: u64, lengths: &[usize]) -> Self {
        let log = lengths.iter().enumerate().map(|(number, length)| event(number, *length)).collect();
        Self {
            seed,
            log,
            at: 0,
            now: Duration::ZERO,
            received: Vec::new(),
            under_way: Vec::new(),
            written: 0,
        }
    }

    fn random(&mut self) -> f64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, share: f64) -> bool {
        self.random() < share
    }

    fn read(&mut self, limits: Limits) -> Portion {
        let mut portion = Portion::default();
        let mut weight = 0;
        while portion.events.len() < limits.events && weight < limits.bytes && self.at < self.log.len() {
            weight += self.log[self.at].weight();
            portion.events.push(self.log[self.at].clone());
            self.at += 1;
        }
        portion.behind = self.bytes(self.at..self.log.len());
        portion
    }

    fn bytes(&self, numbers: std::ops::Range<usize>) -> u64 {
        self.log[numbers].iter().map(|event| event.message.len() as u64).sum()
    }

    fn numbers(events: &[Event]) -> Vec<usize> {
        events.iter().map(|event| event.time.nanoseconds() as usize).collect()
    }

    /// The receiver reads until no more than `most` bytes are under way, and all that is older than the settling time.
    fn arrive(&mut self, most: u64, settle: Duration) {
        let mut bytes: u64 =
            self.under_way.iter().map(|(number, _)| self.log[*number].message.len() as u64).sum();
        while let Some((number, at)) = self.under_way.first().copied()
            && (bytes > most || self.now >= at + settle)
        {
            bytes -= self.log[number].message.len() as u64;
            self.received.push(number);
            self.under_way.remove(0);
        }
    }

    /// One process of a syslog drain, which begins at `cursor` and ends by a stop. The cursor that it leaves.
    fn syslog(&mut self, rules: Rules, cursor: usize) -> (usize, bool) {
        self.at = cursor;
        self.under_way.clear();
        let mut delivery = Delivery::new(rules, cursor);
        let mut closed = false;
        let mut steps = 0;
        loop {
            steps += 1;
            assert!(steps < 100_000, "it never ends");
            if steps > 50 && self.chance(0.05) {
                delivery.stop(self.now);
            }
            self.arrive(rules.window, rules.settle);
            let random = self.random();
            match delivery.step(self.now) {
                Step::Read(limits) => {
                    let portion = self.read(limits);
                    delivery.read(portion, self.at, self.now);
                }
                Step::Rewind(cursor) => {
                    // What is sent twice is bounded: the window, a portion that reaches into it, and the batch.
                    let twice = self.bytes(cursor..self.written.max(cursor));
                    assert!(twice <= rules.window + 2 * (rules.batch.bytes as u64 + 3000), "{twice}");
                    self.at = cursor;
                    delivery.rewound();
                }
                Step::Connect if self.chance(0.2) => delivery.failed("down".into(), false, self.now, random),
                Step::Connect => delivery.connected(self.now),
                Step::Send(range) => {
                    let mut numbers = Self::numbers(&delivery.events()[range]);
                    let breaks = self.chance(0.2);
                    if breaks {
                        numbers.truncate((numbers.len() as f64 * random) as usize);
                    }
                    self.written = self.written.max(numbers.last().map_or(0, |last| last + 1));
                    self.under_way.extend(numbers.into_iter().map(|number| (number, self.now)));
                    self.arrive((rules.window as f64 * random) as u64, rules.settle);
                    if breaks {
                        self.under_way.clear();
                        delivery.failed("reset".into(), true, self.now, random);
                    } else {
                        delivery.answered(Answer::Written, self.now, random);
                    }
                }
                Step::Wait(_) if self.chance(0.1) => {
                    self.under_way.clear();
                    delivery.broke("reset".into(), self.now, random);
                }
                Step::Wait(until) => {
                    assert!(until > self.now, "a wait for what is past");
                    self.now = until;
                }
                Step::Close => {
                    closed = self.chance(0.5);
                    if closed {
                        self.arrive(0, Duration::ZERO);
                    }
                    delivery.closed(closed);
                }
                Step::End => return (*delivery.confirmed(), closed),
            }
            // Nothing is confirmed that has not arrived.
            let confirmed = *delivery.confirmed();
            assert!((0..confirmed).all(|number| {
                self.received.contains(&number) || self.under_way.iter().any(|(other, _)| *other == number)
            }));
        }
    }

    /// First occurrences, in order.
    fn firsts(&self) -> Vec<usize> {
        let mut seen = std::collections::BTreeSet::new();
        self.received.iter().copied().filter(|number| seen.insert(*number)).collect()
    }
}

proptest! {
    #[test]
    fn syslog_delivers_everything_in_order_however_it_breaks(
        seed in any::<u64>(),
        lengths in proptest::collection::vec(0_usize..3000, 1..60),
    ) {
        let mut world = World::new(seed, &lengths);
        let (mut cursor, mut closed) = (0, false);
        for process in 0.. {
            prop_assert!(process < 2000, "it never gets through");
            (cursor, closed) = world.syslog(rules(), cursor);
            if closed && cursor == lengths.len() {
                break;
            }
        }
        prop_assert!(closed);
        prop_assert_eq!(world.firsts(), (0..lengths.len()).collect::<Vec<_>>());
    }

    #[test]
    fn http_delivers_everything_but_what_is_refused_for_good(
        seed in any::<u64>(),
        lengths in proptest::collection::vec(0_usize..3000, 1..60),
        poison in proptest::collection::btree_set(0_usize..60, 0..6),
        largest in 1000_usize..4000,
    ) {
        let mut world = World::new(seed, &lengths);
        let rules = Rules { linger: SECOND, ..rules() };
        let mut delivery = Delivery::new(rules, 0);
        let good: Vec<_> = (0..lengths.len()).filter(|n| !poison.contains(n) && lengths[*n] <= largest).collect();
        let mut steps = 0;
        while *delivery.confirmed() < lengths.len() {
            steps += 1;
            prop_assert!(steps < 100_000, "it never gets through");
            let random = world.random();
            match delivery.step(world.now) {
                Step::Read(limits) => {
                    let portion = world.read(limits);
                    delivery.read(portion, world.at, world.now);
                }
                Step::Connect if world.chance(0.2) => delivery.failed("down".into(), false, world.now, random),
                Step::Connect => delivery.connected(world.now),
                Step::Send(range) => {
                    let numbers = World::numbers(&delivery.events()[range]);
                    let total: usize = numbers.iter().map(|number| lengths[*number]).sum();
                    let luck = world.random();
                    if luck < 0.1 {
                        delivery.failed("reset before the answer".into(), true, world.now, random);
                    } else if luck < 0.2 {
                        delivery.answered(busy(None), world.now, random);
                    } else if luck < 0.25 {
                        delivery.answered(refused(Refusal::Everything), world.now, random);
                    } else if total > largest {
                        delivery.answered(refused(Refusal::Size), world.now, random);
                    } else if numbers.iter().any(|number| poison.contains(number)) {
                        delivery.answered(refused(Refusal::Content), world.now, random);
                    } else {
                        world.received.extend(numbers);
                        if world.chance(0.1) {
                            delivery.failed("the answer was lost".into(), true, world.now, random);
                        } else {
                            delivery.answered(Answer::Accepted, world.now, random);
                        }
                    }
                }
                Step::Wait(_) if world.chance(0.1) => delivery.broke("closed".into(), world.now, random),
                Step::Wait(until) => {
                    prop_assert!(until > world.now, "a wait for what is past");
                    world.now = until;
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(world.firsts(), good.clone());
        let (metrics, _) = delivery.metrics(world.now);
        prop_assert_eq!(metrics.sent.events, good.len() as u64);
        prop_assert_eq!(metrics.sent.bytes, good.iter().map(|number| lengths[*number] as u64).sum::<u64>());
        prop_assert_eq!(metrics.dropped.refused, (lengths.len() - good.len()) as u64);
        prop_assert_eq!(metrics.lag.bytes, 0);
    }
}
