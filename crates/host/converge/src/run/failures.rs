//! How failures are told: in Salt's words in the result, and as a problem with place and advice.

use host::HostError;
use modules::{Failure, Outcome, StateFunction, Verdict};
use report::{Problem, Severity};
use value::Span;

use super::Run;
use crate::program::Step;

impl Run<'_> {
    /// A failure that no problem from number `known` on tells of becomes one.
    pub(super) fn tell(&mut self, known: usize, step: &Step, outcome: &Outcome) {
        let is_told = self.problems.iter().skip(known).any(|problem| problem.severity == Severity::Error);
        if outcome.verdict == Verdict::Failed && !is_told {
            self.problems.push(failure_of(step, outcome));
        }
        self.problems.place_from(known, step.chunk.place());
    }

    /// In Salt's words, before any guard is asked: arguments that the function needs are missing.
    pub(super) fn lacking(&mut self, step: &Step, name: &str, function: &StateFunction) -> Option<Outcome> {
        let missing = function.missing_arguments(&step.chunk.args);
        if missing.is_empty() {
            return None;
        }
        if let Err(problems) = (function.check)(&step.arguments(), step.chunk.place()) {
            self.problems.extend(problems.into_iter().map(|problem| problem.exit(report::Exit::Failed)));
        }
        let lines = missing.iter().map(|argument| format!("Missing parameter {argument} for state {name}\n"));
        Some(Outcome::failed(lines.collect::<String>()))
    }

    /// A failure in words; problems with places go to the report as well.
    pub(super) fn failed(&mut self, failure: Failure) -> Outcome {
        match failure {
            Failure::Host(HostError::Unknown { what, because }) => {
                Outcome::unknown(format!("{what} cannot be known before the run: {because}"))
            }
            Failure::Host(error) => {
                error.hint().into_iter().fold(Outcome::failed(error.to_string()), Outcome::hint)
            }
            Failure::Problems(problems) => {
                let comment =
                    problems.iter().map(|problem| problem.what.clone()).collect::<Vec<_>>().join("\n");
                self.problems.extend(problems.into_iter().map(|problem| problem.exit(report::Exit::Failed)));
                Outcome::failed(comment)
            }
            Failure::Message { what, advice } => Outcome { advice, ..Outcome::failed(what) },
        }
    }

    /// Salt's words, and a problem that points at the line with the nearest name there is.
    pub(super) fn unknown_function(&mut self, step: &Step, name: &str) -> Outcome {
        self.problems.push(
            Problem::error("sls.unknown-function", format!("there is no state function `{name}`"))
                .at(step.chunk.place())
                .hint(modules::catalogue::advice_on_state(name))
                .exit(report::Exit::Failed),
        );
        Outcome::failed(format!(
            "State '{name}' was not found in SLS '{}'\nReason: '{name}' is not available.\n",
            step.chunk.sls
        ))
    }
}

/// A state that failed, at the argument that is to blame or where it is declared: its comment alone names no line
/// to go to.
fn failure_of(step: &Step, outcome: &Outcome) -> Problem {
    let mut lines = outcome.comment.lines().map(str::trim).filter(|line| !line.is_empty());
    let what =
        format!("`{}` failed: {}", step.function_name(), lines.next().unwrap_or("it does not say why"));
    let place = outcome.advice.argument.map_or(Span::NONE, |name| step.place_of(name));
    let problem =
        Problem::error("state.failed", what).at(step.chunk.place()).at(place).exit(report::Exit::Failed);
    let problem = lines.take(6).fold(problem, Problem::why);
    outcome.advice.hints.iter().fold(problem, Problem::hint)
}
