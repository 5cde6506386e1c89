//! The life of one process: a pure machine of states.
//!
//! ```text
//! Waiting ──> Starting ──> Ready ──────┐ ended by itself
//!                ▲  └─ not ready in time┤ asked to stop
//!                │                      ▼
//!             Backoff <───────────── Stopping ──> Stopped
//!                                       └───────> Failed
//! ```
//! A process that ended is `Stopping` until nothing of its group is left: what outlives its leader gets the stop
//! signal, and SIGKILL after the grace. Only then is decided what comes next; so no two processes of one slot ever run
//! at a time. Time is a [`Duration`] since some start that both sides agree on.

use std::sync::Arc;
use std::time::Duration;

use procfile::{ProcessType, Readiness, RestartPolicy, StopTarget};
use serde::{Deserialize, Serialize};

mod state;

pub(super) use state::Effect;
pub use state::{Ending, Input, State};

/// A ready time after which earlier failures in a row are forgotten.
pub(super) const STABLE: Duration = Duration::from_secs(1);
/// Between one SIGKILL and the next to whatever is still there.
pub(super) const KILL_AGAIN: Duration = Duration::from_secs(1);

/// One process of a process type: its state and what it takes to decide the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instance {
    /// What it is.
    pub process_type: Arc<ProcessType>,
    /// Where it is in its life.
    pub state: State,
    /// Since when.
    pub since: Duration,
    /// Its process id while it runs; what it started may outlive it.
    pub pid: Option<u32>,
    /// How often it was started again.
    pub restarts: u32,
    /// How it ended last.
    pub last: Option<Ending>,
    /// Why it could not be started or was not ready in time, last time.
    pub trouble: Option<String>,
    /// Starts in a row of which none became ready.
    pub tries: u32,
    /// Ends in a row without a stable time between them.
    streak: u32,
    /// Whether the process that was started has ended.
    leader_gone: bool,
    /// Whether it was ready before it began to stop.
    was_ready: bool,
    goal: Goal,
    deadline: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Goal {
    Run,
    /// As long as it does by itself.
    Last,
    Stop,
    Restart,
}

impl Instance {
    /// One that waits to be started.
    pub fn new(process_type: Arc<ProcessType>, now: Duration) -> Self {
        Self {
            process_type,
            state: State::Waiting,
            since: now,
            pid: None,
            restarts: 0,
            last: None,
            trouble: None,
            tries: 0,
            streak: 0,
            leader_gone: false,
            was_ready: false,
            goal: Goal::Run,
            deadline: None,
        }
    }

    /// The next moment at which [`Input::Tick`] would do something.
    pub fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Backoff(until) => Some(until),
            _ => self.deadline,
        }
    }

    /// Whether nothing of it runs and nothing will by itself.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Stopped | State::Failed(_))
    }

    /// Whether something of it runs, or may.
    pub fn is_alive(&self) -> bool {
        matches!(self.state, State::Starting | State::Ready | State::Stopping)
    }

    /// Whether it was asked to stop for good.
    pub fn is_to_stop(&self) -> bool {
        self.goal == Goal::Stop
    }

    /// Whether the process that was started has ended while others of its group live on.
    pub fn leader_gone(&self) -> bool {
        self.leader_gone
    }

    /// It is stopped, and nothing of it was there since the machine's start.
    pub(super) fn never_ran(&mut self) {
        self.pid = None;
        self.leader_gone = false;
        self.goal = Goal::Stop;
        self.enter(State::Stopped, None, Duration::ZERO);
    }

    /// Takes in what happened; answers what has to be done.
    pub fn take(&mut self, input: Input, now: Duration) -> Vec<Effect> {
        match input {
            Input::Start if self.state == State::Waiting => return self.start(now),
            Input::Spawned(pid) => self.pid = Some(pid),
            Input::CannotSpawn(why) => return self.cannot_spawn(why, now),
            Input::Ready if self.state == State::Starting => {
                self.tries = 0;
                self.trouble = None;
                self.enter(State::Ready, None, now);
            }
            Input::Ended(ending) => return self.ended(ending, now),
            Input::Gone if self.state == State::Stopping && self.leader_gone => return self.settle(now),
            Input::Found(pid) => self.found(pid, now),
            Input::Stop => return self.stop(now),
            Input::Kill => return self.kill(now),
            Input::Restart => return self.restart(now),
            Input::Last if self.goal != Goal::Stop => self.goal = Goal::Last,
            Input::Keep if self.goal == Goal::Last => self.goal = Goal::Run,
            Input::Tick => return self.tick(now),
            Input::Start | Input::Ready | Input::Gone | Input::Last | Input::Keep => {}
        }
        Vec::new()
    }

    fn start(&mut self, now: Duration) -> Vec<Effect> {
        self.goal = Goal::Run;
        self.leader_gone = false;
        self.was_ready = false;
        self.pid = None;
        self.tries = self.tries.saturating_add(1);
        let limit = match self.process_type.ready {
            // Nothing but time decides: that cannot be late.
            Readiness::Uptime(_) => None,
            _ => now.checked_add(self.process_type.ready_timeout),
        };
        self.enter(State::Starting, limit, now);
        vec![Effect::Spawn]
    }

    fn found(&mut self, pid: u32, now: Duration) {
        if matches!(self.state, State::Waiting | State::Backoff(_)) {
            self.start(now);
        }
        if self.is_alive() {
            self.pid = Some(pid);
        }
    }

    fn cannot_spawn(&mut self, why: String, now: Duration) -> Vec<Effect> {
        if !self.is_alive() || self.pid.is_some() {
            return Vec::new();
        }
        if self.state == State::Starting {
            self.trouble = Some(why);
        }
        self.last = Some(Ending::NeverStarted);
        self.settle(now)
    }

    fn ended(&mut self, ending: Ending, now: Duration) -> Vec<Effect> {
        if !self.is_alive() || self.leader_gone {
            return Vec::new();
        }
        self.last = Some(ending);
        self.leader_gone = true;
        let stop = self.process_type.stop.clone();
        let rest = Effect::Signal(stop.signal, StopTarget::Group);
        if self.state == State::Stopping {
            // Whoever was spared so far has now outlived its leader.
            let spared = stop.target == StopTarget::Leader;
            return spared.then_some(rest).into_iter().chain([Effect::Sweep]).collect();
        }
        self.was_ready = self.state == State::Ready;
        self.trouble = None;
        if self.was_ready && now.saturating_sub(self.since) >= STABLE {
            self.streak = 0;
        }
        self.leave(now);
        // What outlives its leader is asked to stop, group or not: nobody else is there to be asked.
        vec![rest, Effect::Sweep]
    }

    fn stop(&mut self, now: Duration) -> Vec<Effect> {
        let again = self.state == State::Stopping && self.goal == Goal::Stop;
        self.goal = Goal::Stop;
        match self.state {
            State::Starting | State::Ready => self.ask_to_stop(now),
            State::Stopping if again => self.kill(now),
            State::Stopping | State::Stopped => Vec::new(),
            State::Waiting | State::Backoff(_) | State::Failed(_) => {
                self.enter(State::Stopped, None, now);
                Vec::new()
            }
        }
    }

    fn kill(&mut self, now: Duration) -> Vec<Effect> {
        if matches!(self.state, State::Starting | State::Ready) {
            self.was_ready = self.state == State::Ready;
            self.leave(now);
        }
        if self.state != State::Stopping {
            return self.stop(now);
        }
        self.goal = Goal::Stop;
        self.deadline = now.checked_add(KILL_AGAIN);
        vec![Effect::Kill]
    }

    /// What does not run waits for its turn.
    fn restart(&mut self, now: Duration) -> Vec<Effect> {
        if !self.is_alive() {
            self.goal = Goal::Run;
            self.tries = 0;
            self.streak = 0;
            self.enter(State::Waiting, None, now);
            return Vec::new();
        }
        self.goal = Goal::Restart;
        if self.state == State::Stopping { Vec::new() } else { self.ask_to_stop(now) }
    }

    fn tick(&mut self, now: Duration) -> Vec<Effect> {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return Vec::new();
        }
        match self.state {
            State::Backoff(_) => {
                self.restarts = self.restarts.saturating_add(1);
                self.start(now)
            }
            State::Starting => {
                let limit = self.process_type.ready_timeout;
                self.trouble = Some(format!("was not ready within {} s", limit.as_secs_f64()));
                self.ask_to_stop(now)
            }
            State::Stopping => {
                self.deadline = now.checked_add(KILL_AGAIN);
                vec![Effect::Kill]
            }
            _ => Vec::new(),
        }
    }

    fn ask_to_stop(&mut self, now: Duration) -> Vec<Effect> {
        self.was_ready = self.state == State::Ready;
        self.leave(now);
        let stop = &self.process_type.stop;
        vec![Effect::Signal(stop.signal.clone(), stop.target)]
    }

    /// From running to stopping.
    fn leave(&mut self, now: Duration) {
        let deadline = now.checked_add(self.process_type.stop.grace);
        self.enter(State::Stopping, deadline, now);
    }

    /// Nothing of it is left: what now?
    fn settle(&mut self, now: Duration) -> Vec<Effect> {
        self.pid = None;
        self.leader_gone = false;
        match (self.goal, self.verdict()) {
            (Goal::Restart, _) => {
                self.restarts = self.restarts.saturating_add(1);
                self.tries = 0;
                self.streak = 0;
                return self.start(now);
            }
            (Goal::Run, Verdict::Again) => {
                let wait = self.wait();
                self.streak = self.streak.saturating_add(1);
                if wait.is_zero() {
                    self.restarts = self.restarts.saturating_add(1);
                    return self.start(now);
                }
                self.enter(State::Backoff(now.saturating_add(wait)), None, now);
            }
            (Goal::Run, Verdict::Failed(why)) => self.enter(State::Failed(why), None, now),
            (Goal::Run, Verdict::Done) | (Goal::Last | Goal::Stop, _) => {
                self.enter(State::Stopped, None, now);
            }
        }
        Vec::new()
    }

    fn verdict(&self) -> Verdict {
        let restart = &self.process_type.restart;
        let ending = self.last.unwrap_or(Ending::Unknown);
        let story = match (&self.trouble, self.was_ready) {
            (Some(trouble), false) => trouble.clone(),
            _ => ending.to_string(),
        };
        match &restart.policy {
            RestartPolicy::Never if ending == Ending::Code(0) && self.trouble.is_none() => {
                return Verdict::Done;
            }
            RestartPolicy::Never => return Verdict::Failed(story),
            // Who ends before it was ready has not done its work, whatever its exit code.
            RestartPolicy::Unexpected(codes) if self.was_ready && codes.contains(&ending.code()) => {
                return Verdict::Done;
            }
            _ => {}
        }
        match restart.tries {
            Some(most) if !self.was_ready && self.tries >= most => {
                Verdict::Failed(format!("{story}; tried {} times", self.tries))
            }
            _ => Verdict::Again,
        }
    }

    /// How long the next start has to wait: not at all after a stable time, then longer and longer.
    fn wait(&self) -> Duration {
        let restart = &self.process_type.restart;
        match self.streak {
            0 if self.was_ready => Duration::ZERO,
            streak => {
                let doublings = streak.saturating_sub(u32::from(self.was_ready)).min(30);
                restart.first.saturating_mul(1 << doublings).min(restart.longest)
            }
        }
    }

    fn enter(&mut self, state: State, deadline: Option<Duration>, now: Duration) {
        self.state = state;
        self.deadline = deadline;
        self.since = now;
    }
}

enum Verdict {
    Again,
    Done,
    Failed(String),
}

#[cfg(test)]
mod tests;
