//! Which release a process ran at a time, as far as the keeper's reports tell. Logs do not say.
//!
//! Processes of two releases share a name, and a log, while one takes over from the other. Of that time nothing is known.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, UNIX_EPOCH};

use keeper::core::State;
use keeper::protocol::Status;
use logs::Timestamp;

/// Spans that are remembered of a process; of what was said before, the release is not known.
const MOST: usize = 64;
/// Times of a report are whole seconds; a span ends this much before the next release appears.
const MARGIN: Duration = Duration::from_secs(1);

/// Which release each process ran, and when.
#[derive(Debug, Default)]
pub(super) struct RunningReleases {
    spans: BTreeMap<(String, String), VecDeque<Span>>,
    /// The last report.
    heard: Option<Timestamp>,
}

/// A time in which the only processes of a name were those of one release.
#[derive(Debug, PartialEq, Eq)]
struct Span {
    release: u64,
    from: Timestamp,
    /// `None`: it goes on.
    until: Option<Timestamp>,
}

/// A process that may be speaking: its release, and when it was started, in seconds since 1970, where the report tells that.
type Speaker = (u64, Option<u64>);

impl RunningReleases {
    /// Hears a report. `begun` tells when an app's only release was made, in seconds since 1970; `None` when it has
    /// had others.
    pub(super) fn hear(&mut self, status: &Status, now: Timestamp, begun: impl Fn(&str) -> Option<u64>) {
        let mut speaking: BTreeMap<(String, String), BTreeSet<Speaker>> = BTreeMap::new();
        for app in status.apps.iter().filter(|app| !keeper::is_own(&app.name)) {
            for one in &app.processes {
                let silent = matches!(one.state, State::Waiting | State::Stopped | State::Failed(_));
                let speakers = speaking.entry((app.name.clone(), one.process.clone())).or_default();
                let started = (one.state == State::Starting).then_some(one.since);
                speakers.extend((!silent).then_some((one.release, started)));
            }
        }
        let before = self.heard.replace(now).unwrap_or(now);
        for (key, spans) in &mut self.spans {
            let speakers = speaking.get(key).cloned().unwrap_or_default();
            // What has ended says nothing more; what came beside it may have come unseen.
            end(spans, &speakers, if speakers.is_empty() { now } else { before });
        }
        for (key, speakers) in speaking {
            let Some(release) = only(&speakers) else { continue };
            let first = || begun(&key.0).map(time);
            let spans = self.spans.entry(key.clone()).or_default();
            match spans.back() {
                Some(Span { until: None, .. }) => continue,
                None => spans.push_back(Span { release, from: first().unwrap_or(now), until: None }),
                Some(_) => spans.push_back(Span { release, from: now, until: None }),
            }
            if spans.len() > MOST {
                spans.pop_front();
            }
        }
    }

    /// The release that a process ran at a time, if that is known.
    pub(super) fn at(&self, app: &str, process: &str, time: Timestamp) -> Option<u64> {
        let spans = self.spans.get(&(app.to_string(), process.to_string()))?;
        let holds = |span: &&Span| span.from <= time && span.until.is_none_or(|until| time < until);
        spans.iter().rev().find(holds).map(|span| span.release)
    }
}

/// Ends the span that goes on, unless its release is still the only one: before others were started, or at `known`, where that
/// is later or their start is not told.
fn end(spans: &mut VecDeque<Span>, speakers: &BTreeSet<Speaker>, known: Timestamp) {
    let Some(last) = spans.back_mut().filter(|last| last.until.is_none()) else { return };
    if only(speakers) == Some(last.release) {
        return;
    }
    let newcomers = speakers.iter().filter(|(release, _)| *release != last.release);
    let started = newcomers.map(|(_, started)| started.map(|started| time(started).before(MARGIN)));
    // `None` comes first: one whose start is not known.
    last.until = Some(started.min().flatten().unwrap_or(known).max(known));
}

/// The release of all speakers, if they have one in common.
fn only(speakers: &BTreeSet<Speaker>) -> Option<u64> {
    let (release, _) = speakers.first()?;
    speakers.iter().all(|(other, _)| other == release).then_some(*release)
}

fn time(seconds: u64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use keeper::core::{Slot, Wanted};
    use keeper::protocol::{AppStatus, ProcessStatus};
    use procfile::{CommandLine, ProcessType};

    use super::*;

    /// Reports at moments, in seconds: releases that run as `web.1`, and when those that are starting were started.
    fn heard(reports: &[(u64, &[Speaker])], begun: Option<u64>) -> RunningReleases {
        let mut releases = RunningReleases::default();
        for (moment, speakers) in reports {
            releases.hear(&status(speakers), time(*moment), |_| begun);
        }
        releases
    }

    fn status(speakers: &[Speaker]) -> Status {
        let process = |(release, started): &Speaker| ProcessStatus {
            slot: Slot { process_type: "web".into(), number: 1, generation: *release },
            process: "web.1".into(),
            release: *release,
            state: if started.is_some() { State::Starting } else { State::Ready },
            since: started.unwrap_or(1000),
            pid: Some(1),
            port: None,
            restarts: 0,
            last: None,
            trouble: None,
            leaving: false,
            process_type: ProcessType::new("web", CommandLine::Shell("true".into())),
        };
        let app = AppStatus {
            name: "shop".into(),
            wanted: Wanted::Running,
            release: None,
            rolling_out: None,
            outcome: None,
            route: None,
            directory: "/".into(),
            revision: None,
            processes: speakers.iter().map(process).collect(),
            one_offs: Vec::new(),
        };
        Status { apps: vec![app], ..Status::default() }
    }

    fn told(releases: &RunningReleases, moments: &[u64]) -> Vec<Option<u64>> {
        moments.iter().map(|moment| releases.at("shop", "web.1", time(*moment))).collect()
    }

    #[test]
    fn while_two_releases_run_neither_is_named() {
        let releases = heard(
            &[
                (100, &[(3, None)]),
                (150, &[(3, None)]),
                (201, &[(3, None), (4, Some(200))]),
                (230, &[(4, None)]),
            ],
            None,
        );
        assert_eq!(
            told(&releases, &[95, 100, 198, 199, 215, 230, 999]),
            [None, Some(3), Some(3), None, None, Some(4), Some(4)]
        );
        assert_eq!(releases.at("shop", "web.2", time(150)), None);
        assert_eq!(releases.at("other", "web.1", time(150)), None);
    }

    #[test]
    fn an_only_release_is_known_from_its_beginning() {
        let releases = heard(&[(100, &[(1, None)])], Some(97));
        assert_eq!(told(&releases, &[96, 97, 100]), [None, Some(1), Some(1)]);
    }

    #[test]
    fn nothing_is_said_of_a_time_in_which_nothing_ran() {
        let releases = heard(&[(100, &[(1, None)]), (200, &[]), (300, &[(2, Some(299))])], None);
        assert_eq!(told(&releases, &[199, 200, 299, 300]), [Some(1), None, None, Some(2)]);
    }

    #[test]
    fn where_a_start_was_missed_the_last_report_counts() {
        let releases =
            heard(&[(100, &[(3, None)]), (150, &[(3, None)]), (200, &[(3, None), (4, None)])], None);
        assert_eq!(told(&releases, &[149, 150, 199]), [Some(3), None, None]);
    }
}
