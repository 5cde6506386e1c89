//! One problem, and a run's worth of them.

use foldhash::fast::RandomState;
use indexmap::IndexSet;
use value::Span;

use crate::Exit;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is wrong. `--strict` leaves it as it is.
    Note,
    /// Looks mistaken, but the run goes on.
    Warning,
    /// Nothing right can come of it.
    Error,
}

/// Where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Place {
    /// Nowhere in particular.
    #[default]
    Nowhere,
    /// In a text that was read.
    Span(Span),
    /// A thing without text: a path, an id, a command.
    Named(String),
}

/// What failed, where, why, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// A stable name for the kind of problem, `room.kind` (`yaml.duplicate-key`).
    pub code: &'static str,
    /// What failed, in one line, lower case, no full stop.
    pub what: String,
    /// Where.
    pub place: Place,
    /// What to write under the marked text.
    pub label: Option<String>,
    /// Other places that matter, each with what it has to do with it.
    pub related: Vec<(Span, String)>,
    /// Why: causes and context, one line each.
    pub why: Vec<String>,
    /// What to do next, one line each.
    pub hints: Vec<String>,
    /// What the process should exit with when this is an error.
    pub exit: Exit,
}

impl Problem {
    /// An error that ends a run before anything is changed ([`Exit::Usage`]).
    pub fn error(code: &'static str, what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            what: what.into(),
            place: Place::Nowhere,
            label: None,
            related: Vec::new(),
            why: Vec::new(),
            hints: Vec::new(),
            exit: Exit::Usage,
        }
    }

    /// A warning.
    pub fn warning(code: &'static str, what: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, exit: Exit::Done, ..Self::error(code, what) }
    }

    /// A note.
    pub fn note(code: &'static str, what: impl Into<String>) -> Self {
        Self { severity: Severity::Note, exit: Exit::Done, ..Self::error(code, what) }
    }

    /// Puts it at a span; [`Span::NONE`] leaves the place as it was.
    pub fn at(mut self, span: Span) -> Self {
        if !span.is_none() {
            self.place = Place::Span(span);
        }
        self
    }

    /// Puts it at something without text.
    pub fn on(mut self, name: impl Into<String>) -> Self {
        self.place = Place::Named(name.into());
        self
    }

    /// Says something right under the marked text.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = Some(text.into());
        self
    }

    /// Points at another place that matters.
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        if !span.is_none() {
            self.related.push((span, text.into()));
        }
        self
    }

    /// Adds a cause.
    pub fn why(mut self, text: impl Into<String>) -> Self {
        self.why.push(text.into());
        self
    }

    /// Adds advice.
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }

    /// Adds advice when there is none yet.
    pub fn or_hint(self, text: impl Into<String>) -> Self {
        if self.hints.is_empty() { self.hint(text) } else { self }
    }

    /// Adds "did you mean" when a known word is near.
    pub fn did_you_mean<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match crate::suggest(word, known) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// Sets the exit code.
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The span it stands at, if any.
    pub fn span(&self) -> Option<Span> {
        match self.place {
            Place::Span(span) => Some(span),
            _ => None,
        }
    }
}

/// All problems of a run, in the order they were found; the same one is kept once.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    list: IndexSet<Problem, RandomState>,
}

impl Problems {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, unless the very same is there.
    pub fn push(&mut self, problem: Problem) {
        self.list.insert(problem);
    }

    /// Adds many.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.list.extend(problems);
    }

    /// In the order found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The gravest exit code among the errors; [`Exit::Done`] without any.
    pub fn exit(&self) -> Exit {
        self.list
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .map(|problem| problem.exit)
            .max()
            .unwrap_or_default()
    }

    /// Puts those that stand nowhere, from the one with number `first` on, at a span.
    pub fn place_from(&mut self, first: usize, span: Span) {
        if first >= self.list.len() {
            return;
        }
        let later = self.list.split_off(first);
        self.list.extend(
            later.into_iter().map(
                |problem| {
                    if problem.place == Place::Nowhere { problem.at(span) } else { problem }
                },
            ),
        );
    }

    /// Turns every warning into an error (`--strict`).
    pub fn make_strict(&mut self) {
        let strict = |problem: Problem| match problem.severity {
            Severity::Warning => Problem { severity: Severity::Error, exit: Exit::Usage, ..problem },
            Severity::Error | Severity::Note => problem,
        };
        self.list = std::mem::take(&mut self.list).into_iter().map(strict).collect();
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self { list: std::iter::once(problem).collect() }
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = indexmap::set::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use value::SourceId;

    use super::*;

    fn whats(problems: &Problems) -> Vec<&str> {
        problems.iter().map(|problem| problem.what.as_str()).collect()
    }

    #[test]
    fn the_same_problem_is_kept_once_in_the_order_found() {
        let mut problems = Problems::from(Problem::error("t", "b"));
        problems.extend([Problem::error("t", "a"), Problem::error("t", "b"), Problem::warning("t", "a")]);
        assert_eq!(whats(&problems), ["b", "a", "a"]);
        problems.make_strict();
        assert_eq!(whats(&problems), ["b", "a"]);
    }

    #[test]
    fn later_problems_without_a_place_get_one() {
        let span = Span::new(SourceId(1), 2, 3);
        let mut problems = Problems::from(Problem::error("t", "early"));
        problems.extend([
            Problem::error("t", "x"),
            Problem::error("t", "y").on("/etc"),
            Problem::error("t", "z"),
        ]);
        problems.place_from(1, span);
        let places: Vec<_> = problems.iter().map(Problem::span).collect();
        assert_eq!(places, [None, Some(span), None, Some(span)]);
        problems.push(Problem::error("t", "z").at(span));
        assert_eq!(whats(&problems), ["early", "x", "y", "z"]);
    }
}
