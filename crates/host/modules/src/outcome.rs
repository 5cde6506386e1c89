//! What comes of a state function.

use host::HostError;
use report::Problem;
use value::{Map, Value};

/// How a state ended. Salt's `result`: true, false, none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds now (`True`); under a plan with changes: it would (`None`).
    Holds,
    /// It does not, and was not brought about (`False`).
    Failed,
    /// Only the run can tell (`None`).
    Unknown,
}

/// What a state function answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub verdict: Verdict,
    /// What changed, or would: Salt's `changes`, whose shape each function documents.
    pub changes: Map,
    /// What happened, in Salt's words where it has some.
    pub comment: String,
    /// Remarks that do not change the verdict.
    pub warnings: Vec<String>,
}

impl Outcome {
    /// It was already as declared.
    pub fn unchanged(comment: impl Into<String>) -> Self {
        Self { verdict: Verdict::Holds, changes: Map::new(), comment: comment.into(), warnings: Vec::new() }
    }

    /// It is as declared now; `changes` says what that took.
    pub fn changed(comment: impl Into<String>, changes: Map) -> Self {
        Self { changes, ..Self::unchanged(comment) }
    }

    /// It could not be brought about.
    pub fn failed(comment: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, ..Self::unchanged(comment) }
    }

    /// Only the run can tell.
    pub fn unknown(comment: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, ..Self::unchanged(comment) }
    }

    /// Adds one entry to the changes.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.changes.insert(key, value);
        self
    }

    /// Adds a remark.
    pub fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }
}

/// Why a function did not come to an outcome. `?` turns host errors into it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The machine refused, or cannot be known before the run.
    #[error("{0}")]
    Host(#[from] HostError),
    /// Arguments, a template or a file of the tree are wrong; each problem has its place.
    #[error("{}", .0.iter().map(|problem| problem.what.as_str()).collect::<Vec<_>>().join("; "))]
    Problems(Vec<Problem>),
    /// Said in words.
    #[error("{0}")]
    Message(String),
}

impl Failure {
    /// A failure in words.
    pub fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problems(vec![problem])
    }
}

impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Problems(problems)
    }
}

impl From<render::TreeFileError> for Failure {
    fn from(error: render::TreeFileError) -> Self {
        Self::Message(error.to_string())
    }
}
