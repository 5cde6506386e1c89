//! How true a plan was: its changes held against those of the run that followed.

use std::collections::BTreeMap;

use host::{Change, Fact, FileState, KeptContent};

use crate::{RunReport, StateResult};

/// What came of the comparison. A change is one entry of a state's journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// Changes that were planned and made.
    pub matched: usize,
    /// Changes that were planned and not made, by state and subject.
    pub only_planned: Vec<String>,
    /// Changes that were made and not planned, by state and subject.
    pub only_made: Vec<String>,
    /// Differences that the plan had marked: the state, or one it stands behind, was unknown.
    pub marked_unknown: usize,
}

impl Accuracy {
    /// Matched changes as a share of all that were not marked unknown, from 0 to 1; 1 when there were none.
    pub fn share(&self) -> f64 {
        let all = self.matched + self.only_planned.len() + self.only_made.len();
        if all == 0 { 1.0 } else { self.matched as f64 / all as f64 }
    }

    /// Adds another comparison's figures.
    pub fn add(&mut self, other: Self) {
        self.matched += other.matched;
        self.marked_unknown += other.marked_unknown;
        self.only_planned.extend(other.only_planned);
        self.only_made.extend(other.only_made);
    }
}

/// Compares state by state, subject by subject.
pub fn compare(plan: &RunReport, run: &RunReport) -> Accuracy {
    let mut accuracy = Accuracy::default();
    let made: BTreeMap<String, &StateResult> =
        run.results.iter().map(|result| (result.tag(), result)).collect();
    for planned in &plan.results {
        let tag = planned.tag();
        let Some(made) = made.get(&tag) else { continue };
        let excused = planned.behind_unknown || planned.outcome.verdict == modules::Verdict::Unknown;
        compare_state(&tag, planned, made, excused, &mut accuracy);
    }
    accuracy
}

fn compare_state(
    tag: &str,
    planned: &StateResult,
    made: &StateResult,
    excused: bool,
    accuracy: &mut Accuracy,
) {
    let mut left: Vec<&Change> = made.journal.iter().collect();
    for change in &planned.journal {
        match left.iter().position(|other| same(change, other)) {
            Some(at) => {
                left.swap_remove(at);
                accuracy.matched += 1;
            }
            None if excused => accuracy.marked_unknown += 1,
            None => accuracy.only_planned.push(format!("{tag}: {}", change.subject())),
        }
    }
    for change in left {
        if excused {
            accuracy.marked_unknown += 1;
        } else {
            accuracy.only_made.push(format!("{tag}: {}", change.subject()));
        }
    }
}

/// Whether two changes leave the same thing behind. What a plan could not know matches whatever it became.
fn same(planned: &Change, made: &Change) -> bool {
    match (planned, made) {
        (
            Change::File { path: planned_path, after: planned, .. },
            Change::File { path: made_path, after: made, .. },
        ) => planned_path == made_path && same_file(planned, made),
        (Change::Effect(planned), Change::Effect(made)) => {
            planned.subject == made.subject && (planned.after == made.after || planned.after == Fact::Unknown)
        }
        (Change::Command { command: planned }, Change::Command { command: made }) => planned == made,
        _ => false,
    }
}

fn same_file(planned: &FileState, made: &FileState) -> bool {
    use FileState::{Directory, File, Symlink};
    match (planned, made) {
        (File { content: KeptContent::Nothing, mode, .. }, File { mode: made, .. }) => mode == made,
        (File { content: planned, mode, .. }, File { content: made, mode: made_mode, .. }) => {
            (planned == made || *made == KeptContent::Nothing) && mode == made_mode
        }
        (Directory { mode, .. }, Directory { mode: made, .. }) => mode == made,
        (Symlink { target, .. }, Symlink { target: made, .. }) => target == made,
        _ => std::mem::discriminant(planned) == std::mem::discriminant(made),
    }
}
