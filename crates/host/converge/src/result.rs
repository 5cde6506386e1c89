//! What came of a run: one result a state, in Salt's shape and in Pinch's own.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use host::{Change, Timestamp};
use modules::{Outcome, Verdict};
use report::{Exit, Problems};
use value::{Key, Map, Value};

/// What came of one state.
#[derive(Clone, Debug)]
pub struct StateResult {
    /// The module (`file`).
    pub state: Arc<str>,
    /// The function (`managed`).
    pub function: Arc<str>,
    /// Its id.
    pub id: Arc<str>,
    /// What it is about.
    pub name: Arc<str>,
    /// The SLS it stands in.
    pub sls: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it ran; a requisite may have kept it from that.
    pub ran: bool,
    /// Whether it stands behind a state whose end only the run can tell, so that a plan may be wrong about it.
    pub behind_unknown: bool,
    /// Its place in the run, from 0.
    pub run_number: usize,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// What it changed on the machine, or would, with what stood there before.
    pub journal: Vec<Change>,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct RunReport {
    /// In the order in which they ran.
    pub results: Vec<StateResult>,
    /// Whether it was a plan.
    pub planned: bool,
    /// Problems met on the way, with their places.
    pub problems: Problems,
    /// How many states were left out because one with `failhard` failed.
    pub left_out: usize,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// States that hold without a change.
    pub unchanged: usize,
    /// States that changed something, or would.
    pub changed: usize,
    /// States that failed.
    pub failed: usize,
    /// States whose end only the run can tell.
    pub unknown: usize,
    /// States that a requisite or guard kept from running.
    pub skipped: usize,
}

impl StateResult {
    /// Salt's key of a result.
    pub fn tag(&self) -> String {
        [&*self.state, &*self.id, &*self.name, &*self.function].join("_|-")
    }

    /// Whether it changed something, or would.
    pub fn changed(&self) -> bool {
        !self.outcome.changes.is_empty()
    }

    /// Salt's `result`: true, false, or null for "would change" and "only the run can tell".
    pub fn result(&self, planned: bool) -> Option<bool> {
        match self.outcome.verdict {
            Verdict::Failed => Some(false),
            Verdict::Unknown => None,
            Verdict::Holds if planned && self.changed() => None,
            Verdict::Holds => Some(true),
        }
    }

    /// In Salt's shape.
    pub fn to_value(&self, planned: bool) -> Value {
        static KEYS: LazyLock<Keys> = LazyLock::new(Keys::new);
        let keys = &*KEYS;
        let mut map = Map::with_capacity(11);
        map.insert(keys.name.clone(), self.name.clone());
        map.insert(keys.changes.clone(), self.outcome.changes.clone());
        map.insert(keys.result.clone(), self.result(planned));
        map.insert(keys.comment.clone(), self.outcome.comment.as_str());
        if !self.outcome.warnings.is_empty() {
            map.insert(keys.warnings.clone(), self.outcome.warnings.clone());
        }
        map.insert(keys.sls.clone(), self.sls.clone());
        map.insert(keys.run_number.clone(), self.run_number);
        map.insert(keys.start_time.clone(), time_of_day(self.started));
        map.insert(keys.duration.clone(), milliseconds(self.duration));
        map.insert(keys.id.clone(), self.id.clone());
        if !self.ran {
            map.insert(keys.state_ran.clone(), false);
        }
        map.into()
    }
}

/// The keys of a result in Salt's shape: all results share them.
struct Keys {
    name: Key,
    changes: Key,
    result: Key,
    comment: Key,
    warnings: Key,
    sls: Key,
    run_number: Key,
    start_time: Key,
    duration: Key,
    id: Key,
    state_ran: Key,
}

impl Keys {
    fn new() -> Self {
        Self {
            name: "name".into(),
            changes: "changes".into(),
            result: "result".into(),
            comment: "comment".into(),
            warnings: "warnings".into(),
            sls: "__sls__".into(),
            run_number: "__run_num__".into(),
            start_time: "start_time".into(),
            duration: "duration".into(),
            id: "__id__".into(),
            state_ran: "__state_ran__".into(),
        }
    }
}

impl RunReport {
    /// All results in Salt's shape, by [`tag`](StateResult::tag).
    pub fn to_value(&self) -> Value {
        let results = self.results.iter();
        results.map(|result| (result.tag(), result.to_value(self.planned))).collect::<Map>().into()
    }

    /// How many of each.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for result in &self.results {
            match result.outcome.verdict {
                Verdict::Failed => counts.failed += 1,
                Verdict::Unknown => counts.unknown += 1,
                Verdict::Holds if result.changed() => counts.changed += 1,
                Verdict::Holds if result.ran => counts.unchanged += 1,
                Verdict::Holds => counts.skipped += 1,
            }
        }
        counts
    }

    /// The whole journal, in order.
    pub fn journal(&self) -> impl Iterator<Item = &Change> {
        self.results.iter().flat_map(|result| &result.journal)
    }

    /// How the process should end.
    pub fn exit(&self) -> Exit {
        if self.counts().failed > 0 { Exit::Failed } else { self.problems.exit() }
    }
}

/// Time of day in UTC, as Python's `isoformat` writes it.
fn time_of_day(at: Timestamp) -> String {
    let seconds = at.seconds.rem_euclid(86_400);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{rest:02}.{:06}", at.nanoseconds / 1000)
}

/// Milliseconds with three digits after the point.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_day_is_isoformat() {
        let at = Timestamp { seconds: 86_400 + 3_661, nanoseconds: 5_006_000 };
        assert_eq!(time_of_day(at), "01:01:01.005006");
    }
}
