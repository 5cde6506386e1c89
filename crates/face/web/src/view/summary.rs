//! All there is to say in a sentence or two.

use serde::Serialize;

use super::{AppState, AppView, ProcessState, ProcessView};

/// What there is to say about some apps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    pub(crate) mood: Mood,
    /// How many processes are ready, as a sentence.
    pub(crate) text: String,
    /// Which are in trouble, as a sentence.
    pub(crate) trouble: Option<String>,
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
        let busy = ready < total || apps.iter().any(|app| is_busy(app.state));
        let text = match total {
            0 if apps.is_empty() => "No apps yet.".into(),
            0 if !busy => "Nothing is running.".into(),
            1 if ready == 1 => "The only process is ready.".into(),
            _ if ready < total => format!("{ready} of {} ready.", are(total)),
            _ => format!("All {} ready.", are(total)),
        };
        let mood = match total {
            _ if !bad.is_empty() => Mood::Bad,
            _ if busy => Mood::Busy,
            0 => Mood::Idle,
            _ => Mood::Good,
        };
        let trouble = (!bad.is_empty()).then(|| format!("In trouble: {}.", named(&bad)));
        Self { mood, text, trouble }
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

fn are(processes: usize) -> String {
    if processes == 1 { "1 process is".into() } else { format!("{processes} processes are") }
}

fn named(bad: &[String]) -> String {
    match bad.len().saturating_sub(NAMED) {
        0 => bad.join(", "),
        more => format!("{} and {more} more", bad[..NAMED].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use keeper::core::State;
    use keeper::protocol::AppStatus;

    use super::*;

    #[test]
    fn sentences() {
        use AppState::{Backoff, Failed, Ready, RollingOut, Starting, Stopped};
        for (apps, mood, text, trouble) in [
            (&[][..], Mood::Idle, "No apps yet.", None),
            (&[("a", Stopped, &[State::Stopped][..])], Mood::Idle, "Nothing is running.", None),
            (&[("a", Ready, &[State::Ready])], Mood::Good, "The only process is ready.", None),
            (&[("a", Ready, &[State::Ready, State::Ready])], Mood::Good, "All 2 processes are ready.", None),
            (
                &[("a", RollingOut, &[State::Ready, State::Ready])],
                Mood::Busy,
                "All 2 processes are ready.",
                None,
            ),
            (&[("a", Starting, &[State::Starting])], Mood::Busy, "0 of 1 process is ready.", None),
            (
                &[("a", Failed, &[State::Failed(String::new())]), ("b", Ready, &[State::Ready])],
                Mood::Bad,
                "1 of 2 processes are ready.",
                Some("In trouble: a web.1."),
            ),
            (
                &[("a", Backoff, &[const { State::Backoff(std::time::Duration::ZERO) }; 5])],
                Mood::Bad,
                "0 of 5 processes are ready.",
                Some("In trouble: web.1, web.2, web.3 and 2 more."),
            ),
        ] {
            let views: Vec<_> =
                apps.iter().map(|(name, state, processes)| view(name, *state, processes)).collect();
            let summary = Summary::of(&views.iter().collect::<Vec<_>>(), &[]);
            let expected = Summary { mood, text: text.into(), trouble: trouble.map(Into::into) };
            assert_eq!(summary, expected);
        }
    }

    fn view(name: &str, state: AppState, states: &[State]) -> AppView {
        let processes = states.iter().enumerate().map(|(index, state)| {
            let json = serde_json::json!({
                "slot": format!("web.{}@1", index + 1),
                "process": format!("web.{}", index + 1),
                "release": 1,
                "state": state,
                "since": 0,
                "restarts": 0,
                "leaving": false,
                "process_type": procfile::ProcessType::new("web", procfile::CommandLine::Shell("true".into())),
            });
            serde_json::from_value(json).unwrap()
        });
        let app = AppStatus {
            name: name.into(),
            wanted: keeper::core::Wanted::Running,
            release: Some(1),
            rolling_out: None,
            outcome: None,
            route: None,
            directory: "/".into(),
            revision: None,
            processes: processes.collect(),
            one_offs: Vec::new(),
        };
        AppView { state, ..AppView::new(&app, &[], "localhost") }
    }
}
