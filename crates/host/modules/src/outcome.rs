//! What comes of a state function.

use host::HostError;
use report::{Problem, Problems};
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
    /// When it failed: what to do about it.
    pub advice: Advice,
}

/// What a person can do about a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// The argument that is to blame, under the name it is declared with: the place to point at.
    pub argument: Option<&'static str>,
    /// What to do next, one line each.
    pub hints: Vec<String>,
}

impl Outcome {
    /// It was already as declared.
    pub fn unchanged(comment: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Holds,
            changes: Map::new(),
            comment: comment.into(),
            warnings: Vec::new(),
            advice: Advice::default(),
        }
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

    /// As a call reports it that brings about the same.
    pub(crate) fn into_failure(self) -> Failure {
        Failure::Message { what: self.comment, advice: self.advice }
    }

    /// Says what to do about a failure.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.advice.hints.push(hint.into());
        self
    }

    /// Says which argument a failure comes from, unless that is known already.
    pub fn blames(mut self, argument: &'static str) -> Self {
        self.advice.argument.get_or_insert(argument);
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
    #[error("{what}")]
    Message {
        /// What went wrong, in Salt's words where it has some.
        what: String,
        /// What to do about it.
        advice: Advice,
    },
}

impl Failure {
    /// A failure in words.
    pub fn message(text: impl Into<String>) -> Self {
        Self::Message { what: text.into(), advice: Advice::default() }
    }

    /// Says what to do about it. A host's error knows that itself.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        match &mut self {
            Self::Host(_) => {}
            Self::Problems(problems) => {
                let hint = hint.into();
                for problem in problems {
                    problem.hints.push(hint.clone());
                }
            }
            Self::Message { advice, .. } => advice.hints.push(hint.into()),
        }
        self
    }

    /// What to do about it, wherever that is kept.
    pub(crate) fn advice(&self) -> Advice {
        match self {
            Self::Host(error) => {
                Advice { argument: None, hints: error.hint().map(str::to_string).into_iter().collect() }
            }
            Self::Problems(problems) => Advice {
                argument: None,
                hints: problems.iter().flat_map(|problem| problem.hints.clone()).collect(),
            },
            Self::Message { advice, .. } => advice.clone(),
        }
    }

    /// What to show of a call of this function.
    pub fn into_problems(self, function: &str) -> Problems {
        let mut problems = Problems::new();
        match self {
            Self::Problems(found) => problems.extend(found),
            failure => {
                let problem = Problem::error("call.failed", failure.to_string()).on(function);
                problems.push(failure.advice().hints.into_iter().fold(problem, Problem::hint));
            }
        }
        problems
    }

    /// Says in front of its words what it is about.
    pub(crate) fn within(mut self, about: &str) -> Self {
        if let Self::Message { what, .. } = &mut self {
            *what = format!("{about}: {what}");
        }
        self
    }

    /// Says which argument it comes from, unless that is known already. Problems have places of their own.
    pub fn blames(mut self, argument: &'static str) -> Self {
        if let Self::Message { advice, .. } = &mut self {
            advice.argument.get_or_insert(argument);
        }
        self
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
        Self::message(error.to_string()).hint(error.hint())
    }
}
