//! How an app's drains are doing, from what their process writes down.

use std::path::Path;

use drains::{Metrics, State};
use keeper::client::ask_once;
use keeper::protocol::{Answer, AppStatus, Request, Status};
use logs::Timestamp;

use super::drain::{cursors, drains_of_app};
use super::place::Place;
use crate::output::harmless;

/// One drain.
#[derive(Debug, PartialEq)]
pub(super) struct DrainState {
    /// Its target as a URL, secrets masked.
    pub target: String,
    /// `None`: it has said nothing yet.
    pub metrics: Option<Metrics>,
}

/// The drains of an app, as its release names them.
pub(super) fn of_app(app: &AppStatus, status: &Status, place: &Place) -> Vec<DrainState> {
    let request = Request::Definition { app: app.name.clone() };
    match ask_once(&place.home.socket(), &request) {
        Ok(Answer::Definition { definition, .. }) if !keeper::is_own(&app.name) => {
            let runs =
                status.apps.iter().any(|one| one.name == keeper::DRAIN_APP && !one.processes.is_empty());
            read(&app.name, &definition.drains, &cursors(&place.home.state), runs)
        }
        _ => Vec::new(),
    }
}

fn read(app: &str, urls: &[String], cursors: &Path, runs: bool) -> Vec<DrainState> {
    // What is wrong with a URL is the drain's to tell.
    let of = |drain: drains::Drain| {
        let mut metrics = Metrics::saved(cursors, &drain.name);
        if let Some(metrics) = metrics.as_mut().filter(|_| !runs) {
            metrics.state = State::Stopped;
        }
        DrainState { target: drain.target.to_string(), metrics }
    };
    drains_of_app(app, urls, |_| {}).into_iter().map(of).collect()
}

impl DrainState {
    /// Heads of the columns of [`row`](Self::row).
    pub(super) const HEADS: [&str; 6] = ["DRAIN", "STATE", "DELIVERED", "WAITING", "DROPPED", "NOTE"];

    /// What a person is shown.
    pub(super) fn row(&self, now: Timestamp) -> [String; 6] {
        let target = harmless(&self.target).into_owned();
        let Some(metrics) = &self.metrics else {
            return [target, "starting".into(), "0".into(), "-".into(), "0".into(), String::new()];
        };
        let state = match metrics.state {
            State::Idle => "idle",
            State::Sending => "sending",
            State::Waiting => "waiting",
            State::Stopped => "stopped",
        };
        let mut notes = Vec::new();
        if metrics.unconfirmed > 0 {
            notes.push(format!("{} not confirmed", metrics.unconfirmed));
        }
        if metrics.lag.oldest.is_some() {
            notes.push(format!("{:.0}s behind", metrics.lag.seconds(now)));
        }
        if let Some(error) = &metrics.last_error {
            notes.push(format!("{:.0}s ago: {}", now.since(error.time).as_secs_f64(), harmless(&error.what)));
        }
        [
            target,
            state.into(),
            metrics.sent.events.to_string(),
            size(metrics.lag.bytes),
            dropped(metrics).to_string(),
            notes.join("; "),
        ]
    }

    /// The same for programs.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({"target": self.target, "metrics": self.metrics})
    }
}

/// Events that never arrive: refused, or deleted before they were sent.
fn dropped(metrics: &Metrics) -> u64 {
    metrics.dropped.refused.saturating_add(metrics.dropped.rotated.records.max(metrics.dropped.rotated.gaps))
}

/// Bytes in the unit that fits.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drain_in_trouble_says_so() {
        let now = Timestamp::now();
        let mut metrics = Metrics { state: State::Waiting, ..Metrics::default() };
        metrics.sent.events = 12;
        metrics.lag =
            drains::Lag { bytes: 3000, oldest: Some(now.before(std::time::Duration::from_secs(90))) };
        metrics.dropped.refused = 1;
        metrics.dropped.rotated = drains::Lost { gaps: 1, records: 40, bytes: 4000 };
        metrics.last_error = Some(drains::LastError {
            time: now.before(std::time::Duration::from_secs(4)),
            what: "refused\u{7}".into(),
        });
        let state = DrainState { target: "syslog://logs:514".into(), metrics: Some(metrics) };
        let expected =
            ["syslog://logs:514", "waiting", "12", "2 KiB", "41", "90s behind; 4s ago: refused\\u{7}"];
        assert_eq!(state.row(now), expected.map(String::from));
    }
}
