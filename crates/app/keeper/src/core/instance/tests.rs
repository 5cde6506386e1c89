#![allow(clippy::unchecked_time_subtraction, reason = "times of a test are in order")]

use std::sync::Arc;
use std::time::Duration;

use procfile::{CommandLine, ProcessType, Readiness, RestartPolicy, StopTarget};
use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

/// A process and a clock.
struct Life {
    instance: Instance,
    now: Duration,
}

impl Life {
    fn of(change: impl FnOnce(&mut ProcessType)) -> Self {
        let mut process_type = ProcessType::new("web", CommandLine::Shell("true".into()));
        process_type.restart.first = 100 * MILLI;
        process_type.restart.longest = SECOND;
        process_type.stop.grace = 5 * SECOND;
        process_type.ready_timeout = 10 * SECOND;
        change(&mut process_type);
        let now = 100 * SECOND;
        Self { instance: Instance::new(Arc::new(process_type), now), now }
    }

    fn take(&mut self, input: Input) -> Vec<Effect> {
        self.instance.take(input, self.now)
    }

    fn started(mut self) -> Self {
        assert_eq!(self.take(Input::Start), [Effect::Spawn]);
        self.take(Input::Spawned(7));
        self
    }

    fn ready(self) -> Self {
        let mut life = self.started();
        life.take(Input::Ready);
        assert_eq!(life.instance.state, State::Ready);
        life
    }

    /// The process ends and nothing of it is left.
    fn end(&mut self, code: i32) -> Vec<Effect> {
        let effects = self.take(Input::Ended(Ending::Code(code)));
        assert!(effects.contains(&Effect::Sweep), "{effects:?}");
        self.take(Input::Gone)
    }

    fn pass(&mut self, time: Duration) -> Vec<Effect> {
        self.now += time;
        self.take(Input::Tick)
    }

    /// How long it waits before the next start.
    fn wait(&self) -> Duration {
        match self.instance.state {
            State::Backoff(until) => until - self.now,
            State::Starting => Duration::ZERO,
            ref other => panic!("neither waits nor starts: {other:?}"),
        }
    }
}

fn signal(target: StopTarget) -> Effect {
    Effect::Signal("TERM".into(), target)
}

#[test]
fn waits_double_up_to_the_longest_while_it_does_not_become_ready() {
    let mut life = Life::of(|_| {}).started();
    let mut waits = Vec::new();
    for _ in 0..6 {
        assert_eq!(life.end(1), []);
        let wait = life.wait();
        waits.push(wait.as_millis());
        assert_eq!(life.pass(wait.saturating_sub(MILLI)), [], "too early");
        assert_eq!(life.pass(MILLI), [Effect::Spawn]);
    }
    assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
    assert_eq!(life.instance.restarts, 6);
}

#[test]
fn waits_begin_anew_after_a_stable_second_and_not_before() {
    let mut life = Life::of(|_| {}).ready();
    let mut waits = Vec::new();
    for uptime in [0, 0, 0, 999, 1000, 0, 5000] {
        life.now += uptime * MILLI;
        life.end(1);
        let wait = life.wait();
        waits.push(wait.as_millis());
        life.pass(wait);
        life.take(Input::Ready);
    }
    assert_eq!(waits, [0, 100, 200, 400, 0, 100, 0]);
}

#[test]
fn so_many_starts_that_never_became_ready_make_it_fail() {
    let mut life = Life::of(|one| one.restart.tries = Some(3)).started();
    for _ in 0..2 {
        life.end(1);
        life.pass(life.wait());
    }
    life.end(9);
    assert_eq!(life.instance.state, State::Failed("exited with 9; tried 3 times".into()));
    // Once ready, the count begins anew.
    let mut life = Life::of(|one| one.restart.tries = Some(2)).ready();
    for _ in 0..5 {
        life.end(1);
        life.pass(life.wait());
        life.take(Input::Ready);
    }
    assert_eq!(life.instance.state, State::Ready);
}

#[test]
fn policies() {
    let policy = |policy: RestartPolicy, ready: bool, code: i32| {
        let life = Life::of(|one| one.restart.policy = policy);
        let mut life = if ready { life.ready() } else { life.started() };
        life.end(code);
        life.instance.state
    };
    let unexpected = || RestartPolicy::Unexpected(vec![0, 2]);
    let failed = |code| State::Failed(format!("exited with {code}"));
    let waits = State::Backoff(100 * SECOND + 100 * MILLI);
    assert_eq!(policy(RestartPolicy::Always, true, 0), State::Starting);
    assert_eq!(policy(RestartPolicy::Never, true, 0), State::Stopped);
    assert_eq!(policy(RestartPolicy::Never, true, 3), failed(3));
    assert_eq!(policy(RestartPolicy::Never, false, 0), State::Stopped);
    assert_eq!(policy(unexpected(), true, 2), State::Stopped);
    assert_eq!(policy(unexpected(), true, 1), State::Starting);
    assert_eq!(policy(unexpected(), false, 2), waits, "it has not done its work");
}

#[test]
fn not_ready_in_time_is_never_success() {
    let mut life = Life::of(|one| one.restart.policy = RestartPolicy::Never).started();
    assert_eq!(life.pass(10 * SECOND), [signal(StopTarget::Group)]);
    life.end(0);
    assert_eq!(life.instance.state, State::Failed("was not ready within 10 s".into()));
}

#[test]
fn time_alone_cannot_be_late() {
    let uptime = Readiness::Uptime(60 * SECOND);
    let life = Life::of(|one| one.ready = uptime).started();
    assert_eq!(life.instance.deadline(), None);
}

#[test]
fn the_reason_is_that_of_the_last_start() {
    let mut life = Life::of(|one| one.restart.tries = Some(2)).started();
    life.pass(10 * SECOND);
    life.end(0);
    assert_eq!(life.instance.trouble.as_deref(), Some("was not ready within 10 s"));
    life.pass(life.wait());
    life.end(4);
    assert_eq!(life.instance.state, State::Failed("exited with 4; tried 2 times".into()));
}

#[test]
fn kill_comes_with_the_end_of_the_grace_and_again_every_second() {
    let mut life = Life::of(|_| {}).ready();
    assert_eq!(life.take(Input::Stop), [signal(StopTarget::Group)]);
    assert_eq!(life.pass(5 * SECOND - MILLI), []);
    assert_eq!(life.pass(MILLI), [Effect::Kill]);
    assert_eq!(life.pass(SECOND - MILLI), []);
    assert_eq!(life.pass(MILLI), [Effect::Kill]);
    life.end(0);
    assert_eq!((life.instance.state.clone(), life.instance.deadline()), (State::Stopped, None));
}

#[test]
fn only_a_second_stop_kills() {
    for first in [Input::Restart, Input::Last, Input::Ended(Ending::Code(1))] {
        let mut life = Life::of(|_| {}).ready();
        life.take(first.clone());
        let effects = life.take(Input::Stop);
        assert!(!effects.contains(&Effect::Kill), "{first:?}: {effects:?}");
        assert_eq!(life.take(Input::Stop), [Effect::Kill], "{first:?}");
    }
}

#[test]
fn what_outlives_its_leader_is_asked_and_then_killed() {
    let mut life = Life::of(|one| one.stop.target = StopTarget::Leader).ready();
    assert_eq!(life.take(Input::Stop), [signal(StopTarget::Leader)]);
    life.take(Input::Gone);
    assert_eq!(life.instance.state, State::Stopping, "its leader has not ended");
    let gone = Input::Ended(Ending::Code(0));
    assert_eq!(life.take(gone.clone()), [signal(StopTarget::Group), Effect::Sweep]);
    assert_eq!(life.pass(5 * SECOND), [Effect::Kill]);
    assert_eq!(life.take(Input::Gone), []);
    assert_eq!(life.instance.state, State::Stopped);
    let mut life = Life::of(|_| {}).ready();
    assert_eq!(life.take(gone), [signal(StopTarget::Group), Effect::Sweep]);
    assert_eq!(life.instance.state, State::Stopping);
    assert_eq!(life.take(Input::Gone), [Effect::Spawn]);
}

#[test]
fn restart_while_it_stops() {
    // It was asked to stop, and now to start again.
    let mut life = Life::of(|_| {}).ready();
    life.take(Input::Stop);
    assert_eq!(life.take(Input::Restart), []);
    assert_eq!(life.end(0), [Effect::Spawn]);
    // It ended by itself: no wait, whatever was before.
    let mut life = Life::of(|_| {}).started();
    life.end(1);
    life.pass(life.wait());
    life.take(Input::Ended(Ending::Code(1)));
    assert_eq!(life.take(Input::Restart), []);
    assert_eq!(life.take(Input::Gone), [Effect::Spawn]);
}

#[test]
fn restart_of_what_does_not_run_waits_for_its_turn() {
    let stopped = {
        let mut life = Life::of(|_| {}).ready();
        life.take(Input::Stop);
        life.end(0);
        life
    };
    let backoff = {
        let mut life = Life::of(|_| {}).started();
        life.end(1);
        life
    };
    for mut life in [Life::of(|_| {}), stopped, backoff] {
        assert_eq!(life.take(Input::Restart), []);
        assert_eq!(life.instance.state, State::Waiting);
        assert_eq!(life.take(Input::Start), [Effect::Spawn]);
    }
}

#[test]
fn stop_while_it_waits_to_be_started_again() {
    let mut life = Life::of(|_| {}).started();
    life.end(1);
    assert_eq!(life.take(Input::Stop), []);
    assert_eq!((life.instance.state.clone(), life.instance.deadline()), (State::Stopped, None));
    assert_eq!(life.pass(60 * SECOND), []);
}

#[test]
fn the_last_run_is_the_last_unless_it_is_kept() {
    let mut life = Life::of(|_| {}).ready();
    life.take(Input::Last);
    life.end(1);
    assert_eq!(life.instance.state, State::Stopped);
    assert!(!life.instance.is_to_stop(), "nobody asked for it");
    let mut life = Life::of(|_| {}).ready();
    life.take(Input::Last);
    life.take(Input::Keep);
    life.now += SECOND;
    assert_eq!(life.end(1), [Effect::Spawn]);
    let mut life = Life::of(|_| {}).ready();
    life.take(Input::Restart);
    life.take(Input::Last);
    assert_eq!(life.end(1), []);
}

#[test]
fn a_start_that_came_too_late_leaves_nothing_behind() {
    let mut life = Life::of(|_| {});
    life.take(Input::Start);
    life.take(Input::Stop);
    life.take(Input::CannotSpawn("too late".into()));
    assert_eq!((life.instance.state.clone(), life.instance.trouble.clone()), (State::Stopped, None));
}

#[test]
fn what_was_started_and_not_written_down_is_found() {
    let mut life = Life::of(|_| {}).started();
    life.end(1);
    life.take(Input::Found(9));
    assert_eq!((life.instance.state.clone(), life.instance.pid), (State::Starting, Some(9)));
    assert_eq!(life.instance.tries, 2);
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        Just(Input::Start),
        Just(Input::Spawned(1)),
        Just(Input::CannotSpawn("no".into())),
        Just(Input::Ready),
        (0..3).prop_map(|code| Input::Ended(Ending::Code(code))),
        Just(Input::Gone),
        Just(Input::Found(2)),
        Just(Input::Stop),
        Just(Input::Kill),
        Just(Input::Restart),
        Just(Input::Last),
        Just(Input::Keep),
        Just(Input::Tick),
    ]
}

proptest! {
    /// Whatever comes in whatever order: times that cannot be added, inputs that make no sense.
    #[test]
    fn no_input_is_too_odd(
        inputs in proptest::collection::vec((any_input(), 0..4_000_u64), 1..60),
        long in any::<bool>(),
    ) {
        let mut life = Life::of(|one| {
            if long {
                one.stop.grace = Duration::MAX;
                one.ready_timeout = Duration::MAX;
                one.restart.first = Duration::MAX;
                one.restart.longest = Duration::MAX;
            }
        });
        for (input, pause) in inputs {
            life.now += Duration::from_millis(pause);
            life.take(input);
            if life.instance.is_over() {
                prop_assert_eq!(life.instance.deadline(), None);
            }
            // A tick moves on whatever is due.
            let before = life.instance.deadline();
            life.take(Input::Tick);
            let after = life.instance.deadline();
            if before.is_some_and(|deadline| deadline <= life.now) {
                prop_assert!(after.is_none_or(|deadline| deadline > life.now), "{before:?} {after:?}");
            }
        }
    }
}
