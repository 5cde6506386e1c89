//! All there is to say in one sentence.

use serde::Serialize;

use super::{AppState, AppView, ProcessState, ProcessView};

/// One sentence about some apps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    pub(crate) mood: Mood,
    pub(crate) text: String,
}

/// How good or bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mood {
    /// Nothing runs, and nothing is to.
    Idle,
    /// As it should be.
    Good,
    /// On its way there.
    Busy,
    /// Something failed.
    Bad,
}

/// Processes that are named; the others are counted.
const NAMED: usize = 3;

impl Summary {
    /// About people's apps; Pinch's `own` are mentioned when something is wrong with them.
    pub(crate) fn of(apps: &[&AppView], own: &[&AppView]) -> Self {
        let with_app = apps.len() + own.len() > 1;
        let Counts { total, ready, mut bad } = Counts::of(apps, with_app);
        bad.extend(Counts::of(own, with_app).bad);
        if !bad.is_empty() {
            let text = format!("{ready} of {} ready, in trouble: {}.", processes(total), named(&bad));
            return Self { mood: Mood::Bad, text };
        }
        let busy = apps.iter().any(|app| is_busy(app.state));
        let text = match total {
            0 if apps.is_empty() => "No apps yet.".into(),
            0 if !busy => "Nothing is running.".into(),
            _ if busy || ready < total => format!("{ready} of {} ready.", processes(total)),
            1 => "The only process is ready.".into(),
            _ => format!("All {} are ready.", processes(total)),
        };
        let mood = match total {
            _ if busy || ready < total => Mood::Busy,
            0 => Mood::Idle,
            _ => Mood::Good,
        };
        Self { mood, text }
    }
}

/// Processes that are to run.
struct Counts {
    total: usize,
    ready: usize,
    /// `web.1`, or `APP web.1`, of those in trouble.
    bad: Vec<String>,
}

impl Counts {
    fn of(apps: &[&AppView], with_app: bool) -> Self {
        let mut counts = Self { total: 0, ready: 0, bad: Vec::new() };
        for app in apps {
            for process in app.staying().filter(|process| process.state != ProcessState::Stopped) {
                counts.total += 1;
                counts.ready += usize::from(process.state == ProcessState::Ready);
                if is_bad(process) {
                    let app = if with_app { format!("{} ", app.name) } else { String::new() };
                    counts.bad.push(format!("{app}{}", process.name));
                }
            }
        }
        counts
    }
}

fn is_bad(process: &ProcessView) -> bool {
    matches!(process.state, ProcessState::Failed | ProcessState::Backoff)
}

fn is_busy(state: AppState) -> bool {
    matches!(state, AppState::RollingOut | AppState::Starting | AppState::Stopping)
}

fn processes(number: usize) -> String {
    if number == 1 { "1 process".into() } else { format!("{number} processes") }
}

fn named(bad: &[String]) -> String {
    match bad.len().saturating_sub(NAMED) {
        0 => bad.join(", "),
        more => format!("{} and {more} more", bad[..NAMED].join(", ")),
    }
}
