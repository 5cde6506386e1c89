//! The life of one process: a pure machine of states.
//!
//! ```text
//! Waiting ──> Starting ──> Ready ──────┐ ended by itself
//!                │  └─ not ready in time┤ asked to stop
//!                ▼                      ▼
//!             Failed <── Backoff <── Stopping ──> Stopped
//!                           └──> Starting
//! ```
//! A process that ended is `Stopping` until nothing of what it started is left: what outlives its leader gets the
//! stop signal, and SIGKILL after the grace. Only then is decided what comes next. Time is a [`Duration`] since some
//! start that both sides agree on.

use std::sync::Arc;
use std::time::Duration;

use procfile::{ProcessType, RestartPolicy, StopTarget};
use serde::{Deserialize, Serialize};

/// A ready time after which earlier failures in a row are forgotten.
const STABLE: Duration = Duration::from_secs(1);
/// Between one SIGKILL and the next to whatever is still there.
const KILL_AGAIN: Duration = Duration::from_secs(1);

/// Where a process is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// For the process types that it starts after.
    Waiting,
    /// Runs, and is not ready yet.
    Starting,
    /// Runs, and does its work.
    Ready,
    /// Ends: by itself, or because it was asked to.
    Stopping,
    /// Will be started again at this time.
    Backoff(Duration),
    /// Will not be started again; why.
    Failed(String),
    /// Has ended and is not to run.
    Stopped,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody was there to be told.
    Unknown,
    /// It could not be started at all.
    NeverStarted,
}

impl Ending {
    /// The code that a shell would give: 128 + the signal's number; 127 when it never started.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
            Self::Unknown => 255,
            Self::NeverStarted => 127,
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with {code}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
            Self::Unknown => f.write_str("ended while no keeper was there to see how"),
            Self::NeverStarted => f.write_str("could not be started"),
        }
    }
}

/// What happens to a process.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// What it starts after is ready.
    Start,
    /// It runs, with this process id.
    Spawned(u32),
    /// It could not be started; why.
    CannotSpawn(String),
    /// It answers, or said so.
    Ready,
    /// The process that was started has ended.
    Ended(Ending),
    /// Nothing of what it started is left.
    Gone,
    /// It is to stop; said again while it stops: at once.
    Stop,
    /// It is to stop and start again.
    Restart,
    /// Time has passed.
    Tick,
}

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start it; answer with [`Input::Spawned`] or [`Input::CannotSpawn`].
    Spawn,
    /// Send it a signal, by name.
    Signal(String, StopTarget),
    /// SIGKILL everything that it started.
    Kill,
    /// Watch until nothing of it is left; answer with [`Input::Gone`].
    Sweep,
}

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

    /// Takes in what happened; answers what has to be done.
    pub fn take(&mut self, input: Input, now: Duration) -> Vec<Effect> {
        match input {
            Input::Start if self.is_alive() => Vec::new(),
            Input::Start => self.start(now),
            Input::Spawned(pid) => {
                self.pid = Some(pid);
                Vec::new()
            }
            Input::CannotSpawn(why) => self.cannot_spawn(why, now),
            Input::Ready => {
                if self.state == State::Starting {
                    self.tries = 0;
                    self.trouble = None;
                    self.enter(State::Ready, None, now);
                }
                Vec::new()
            }
            Input::Ended(ending) => self.ended(ending, now),
            Input::Gone => self.gone(now),
            Input::Stop => self.stop(Goal::Stop, now),
            Input::Restart => self.stop(Goal::Restart, now),
            Input::Tick => self.tick(now),
        }
    }

    fn start(&mut self, now: Duration) -> Vec<Effect> {
        self.goal = Goal::Run;
        self.leader_gone = false;
        self.pid = None;
        self.tries += 1;
        self.enter(State::Starting, now.checked_add(self.process_type.ready_timeout), now);
        vec![Effect::Spawn]
    }

    fn cannot_spawn(&mut self, why: String, now: Duration) -> Vec<Effect> {
        self.trouble = Some(why);
        self.last = Some(Ending::NeverStarted);
        self.was_ready = false;
        self.leader_gone = true;
        self.settle(now)
    }

    fn ended(&mut self, ending: Ending, now: Duration) -> Vec<Effect> {
        if !self.is_alive() || self.leader_gone {
            return Vec::new();
        }
        self.last = Some(ending);
        self.leader_gone = true;
        if self.state == State::Stopping {
            // Whoever was spared so far has now outlived its leader.
            let stop = &self.process_type.stop;
            let rest = Effect::Signal(stop.signal.clone(), StopTarget::Group);
            let spared = stop.target == StopTarget::Leader;
            return spared.then_some(rest).into_iter().chain([Effect::Sweep]).collect();
        }
        self.was_ready = self.state == State::Ready;
        if self.was_ready && now.saturating_sub(self.since) >= STABLE {
            self.streak = 0;
        }
        self.leave(now);
        // What outlives its leader is asked to stop, group or not: nobody else is there to be asked.
        vec![Effect::Signal(self.process_type.stop.signal.clone(), StopTarget::Group), Effect::Sweep]
    }

    fn gone(&mut self, now: Duration) -> Vec<Effect> {
        if self.state == State::Stopping && self.leader_gone { self.settle(now) } else { Vec::new() }
    }

    fn stop(&mut self, goal: Goal, now: Duration) -> Vec<Effect> {
        let again = self.state == State::Stopping && self.goal != Goal::Run;
        self.goal = goal;
        match self.state {
            State::Starting | State::Ready => {
                self.was_ready = self.state == State::Ready;
                self.leave(now);
                let stop = &self.process_type.stop;
                vec![Effect::Signal(stop.signal.clone(), stop.target)]
            }
            State::Stopping if again && goal == Goal::Stop => {
                self.deadline = Some(now + KILL_AGAIN);
                vec![Effect::Kill]
            }
            State::Stopping => Vec::new(),
            _ if goal == Goal::Restart => {
                self.tries = 0;
                self.streak = 0;
                self.start(now)
            }
            _ => {
                self.enter(State::Stopped, None, now);
                Vec::new()
            }
        }
    }

    fn tick(&mut self, now: Duration) -> Vec<Effect> {
        if !self.deadline().is_some_and(|deadline| deadline <= now) {
            return Vec::new();
        }
        match self.state {
            State::Backoff(_) => {
                self.restarts += 1;
                self.start(now)
            }
            State::Starting => {
                let limit = self.process_type.ready_timeout;
                self.trouble = Some(format!("was not ready within {} s", limit.as_secs_f64()));
                self.was_ready = false;
                self.leave(now);
                let stop = &self.process_type.stop;
                vec![Effect::Signal(stop.signal.clone(), stop.target)]
            }
            State::Stopping => {
                self.deadline = Some(now + KILL_AGAIN);
                vec![Effect::Kill]
            }
            _ => Vec::new(),
        }
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
        match self.goal {
            Goal::Stop => {
                self.enter(State::Stopped, None, now);
                return Vec::new();
            }
            Goal::Restart => {
                self.restarts += 1;
                self.tries = 0;
                self.streak = 0;
                return self.start(now);
            }
            Goal::Run => {}
        }
        match self.verdict() {
            Verdict::Again => {
                let wait = self.wait();
                self.streak = self.streak.saturating_add(1);
                if wait.is_zero() {
                    self.restarts += 1;
                    return self.start(now);
                }
                self.enter(State::Backoff(now.saturating_add(wait)), None, now);
            }
            Verdict::Done => self.enter(State::Stopped, None, now),
            Verdict::Failed(why) => self.enter(State::Failed(why), None, now),
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
            RestartPolicy::Never if ending == Ending::Code(0) => return Verdict::Done,
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
