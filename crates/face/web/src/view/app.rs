//! One app and its processes.

use keeper::core::{Ending, Outcome, State, Wanted};
use keeper::protocol::{AppStatus, ProcessStatus};
use serde::Serialize;

use super::{Link, OneOffView, links};

/// One app.
#[derive(Debug, Serialize)]
pub(crate) struct AppView {
    pub(crate) name: String,
    /// Whether it holds Pinch's own processes.
    pub(crate) own: bool,
    pub(crate) state: AppState,
    pub(crate) wanted: Wanted,
    /// The release that runs, or ran last.
    pub(crate) release: Option<u64>,
    pub(crate) rollout: Option<Rollout>,
    /// What came of the last change.
    pub(crate) outcome: Option<Outcome>,
    /// Where it is reached.
    pub(crate) links: Vec<Link>,
    pub(crate) directory: String,
    pub(crate) revision: Option<String>,
    pub(crate) processes: Vec<ProcessView>,
    pub(crate) one_offs: Vec<OneOffView>,
}

/// A release that is taking over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Rollout {
    pub(crate) release: u64,
    /// Processes of it that are ready.
    pub(crate) ready: usize,
    /// All processes of it.
    pub(crate) of: usize,
}

/// How an app is, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AppState {
    Ready,
    RollingOut,
    Starting,
    Backoff,
    Failed,
    Stopping,
    Stopped,
}

/// One process.
#[derive(Debug, Serialize)]
pub(crate) struct ProcessView {
    /// `web.1`
    pub(crate) name: String,
    pub(crate) process_type: String,
    pub(crate) release: u64,
    pub(crate) state: ProcessState,
    /// Whether another process takes its place, or has taken it.
    pub(crate) leaving: bool,
    /// Since when it is in its state, in seconds since 1970.
    pub(crate) since: u64,
    pub(crate) pid: Option<u32>,
    pub(crate) port: Option<u16>,
    pub(crate) restarts: u32,
    /// How it ended last.
    pub(crate) last: Option<Ending>,
    /// What went wrong.
    pub(crate) trouble: Option<String>,
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProcessState {
    Waiting,
    Starting,
    Ready,
    Stopping,
    Backoff,
    Failed,
    Stopped,
}

impl AppView {
    pub(crate) fn new(app: &AppStatus, http: &[String], reached: &str) -> Self {
        let mut processes: Vec<_> = app.processes.iter().map(ProcessView::new).collect();
        processes.sort_by_cached_key(|process| {
            let number = process.name.rsplit_once('.').and_then(|(_, number)| number.parse::<u32>().ok());
            (process.process_type.clone(), number, process.release, process.leaving)
        });
        Self {
            name: app.name.clone(),
            own: app.name == keeper::OWN_APP,
            state: AppState::of(app.wanted, app.rolling_out, &processes),
            wanted: app.wanted,
            release: app.release,
            rollout: app.rolling_out.map(|release| Rollout::of(release, &processes)),
            outcome: app.outcome,
            links: app.route.as_ref().map(|route| links::of(route, http, reached)).unwrap_or_default(),
            directory: app.directory.to_string_lossy().into_owned(),
            revision: app.revision.clone(),
            processes,
            one_offs: app.one_offs.iter().map(OneOffView::from).collect(),
        }
    }

    /// Processes whose state says how the app is: not those that others replace.
    pub(crate) fn staying(&self) -> impl Iterator<Item = &ProcessView> {
        self.processes.iter().filter(|process| !process.leaving)
    }
}

impl Rollout {
    fn of(release: u64, processes: &[ProcessView]) -> Self {
        let of_release = || processes.iter().filter(|process| process.release == release && !process.leaving);
        let ready = of_release().filter(|process| process.state == ProcessState::Ready).count();
        Self { release, ready, of: of_release().count() }
    }
}

impl AppState {
    fn of(wanted: Wanted, rolling_out: Option<u64>, processes: &[ProcessView]) -> Self {
        let mut states = processes.iter().filter(|process| !process.leaving).map(|process| process.state);
        let has = |state| processes.iter().any(|process| !process.leaving && process.state == state);
        let over = |state| matches!(state, ProcessState::Stopped | ProcessState::Failed);
        match wanted {
            _ if rolling_out.is_some() => Self::RollingOut,
            _ if has(ProcessState::Failed) => Self::Failed,
            Wanted::Stopped if states.all(over) && processes.iter().all(|process| over(process.state)) => {
                Self::Stopped
            }
            Wanted::Stopped => Self::Stopping,
            Wanted::Running if has(ProcessState::Backoff) => Self::Backoff,
            Wanted::Running if has(ProcessState::Starting) || has(ProcessState::Waiting) => Self::Starting,
            Wanted::Running if has(ProcessState::Ready) => Self::Ready,
            Wanted::Running if has(ProcessState::Stopping) => Self::Stopping,
            Wanted::Running if processes.is_empty() => Self::Starting,
            Wanted::Running => Self::Stopped,
        }
    }

    /// The word for it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::RollingOut => "rolling out",
            Self::Starting => "starting",
            Self::Backoff => "restarting",
            Self::Failed => "failed",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

impl ProcessView {
    fn new(process: &ProcessStatus) -> Self {
        let failed = match &process.state {
            State::Failed(why) => Some(why),
            _ => None,
        };
        Self {
            name: process.process.clone(),
            process_type: process.process_type.name.clone(),
            release: process.release,
            state: ProcessState::from(&process.state),
            leaving: process.leaving,
            since: process.since,
            pid: process.pid,
            port: process.port,
            restarts: process.restarts,
            last: process.last,
            trouble: failed.or(process.trouble.as_ref()).filter(|why| !why.is_empty()).cloned(),
        }
    }
}

impl ProcessState {
    /// The word for it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
            Self::Backoff => "backoff",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

impl From<&State> for ProcessState {
    fn from(state: &State) -> Self {
        match state {
            State::Waiting => Self::Waiting,
            State::Starting => Self::Starting,
            State::Ready => Self::Ready,
            State::Stopping => Self::Stopping,
            State::Backoff(_) => Self::Backoff,
            State::Failed(_) => Self::Failed,
            State::Stopped => Self::Stopped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ProcessState::{Backoff, Failed, Ready, Starting, Stopped, Stopping, Waiting};
    use super::*;

    fn process(state: ProcessState, release: u64, leaving: bool) -> ProcessView {
        ProcessView {
            name: "web.1".into(),
            process_type: "web".into(),
            release,
            state,
            leaving,
            since: 0,
            pid: None,
            port: None,
            restarts: 0,
            last: None,
            trouble: None,
        }
    }

    #[test]
    fn how_an_app_is() {
        let state = |wanted, states: &[ProcessState]| {
            let processes: Vec<_> = states.iter().map(|state| process(*state, 1, false)).collect();
            AppState::of(wanted, None, &processes)
        };
        for (states, expected) in [
            (&[Ready, Ready][..], AppState::Ready),
            (&[Ready, Stopped], AppState::Ready),
            (&[Ready, Starting], AppState::Starting),
            (&[Ready, Waiting], AppState::Starting),
            (&[Ready, Backoff, Starting], AppState::Backoff),
            (&[Ready, Backoff, Failed], AppState::Failed),
            (&[Stopping], AppState::Stopping),
            (&[Stopped], AppState::Stopped),
            (&[], AppState::Starting),
        ] {
            assert_eq!(state(Wanted::Running, states), expected, "{states:?}");
        }
        for (states, expected) in [
            (&[Stopped, Stopped][..], AppState::Stopped),
            (&[], AppState::Stopped),
            (&[Stopped, Stopping], AppState::Stopping),
            (&[Ready], AppState::Stopping),
            (&[Failed], AppState::Failed),
        ] {
            assert_eq!(state(Wanted::Stopped, states), expected, "{states:?}");
        }
    }

    #[test]
    fn those_on_their_way_out_do_not_count() {
        let processes = [process(Ready, 2, false), process(Stopping, 1, true), process(Failed, 1, true)];
        assert_eq!(AppState::of(Wanted::Running, None, &processes), AppState::Ready);
        let leaving = [process(Ready, 1, true)];
        assert_eq!(AppState::of(Wanted::Stopped, None, &leaving), AppState::Stopping);
    }

    #[test]
    fn a_rollout_counts_its_own_processes() {
        let processes = [
            process(Ready, 1, false),
            process(Ready, 2, false),
            process(Starting, 2, false),
            process(Ready, 2, true),
        ];
        assert_eq!(Rollout::of(2, &processes), Rollout { release: 2, ready: 1, of: 2 });
        assert_eq!(AppState::of(Wanted::Running, Some(2), &processes), AppState::RollingOut);
    }
}
