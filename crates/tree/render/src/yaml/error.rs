//! What can be wrong with a YAML text.

use std::fmt;
use std::ops::Range;

use report::Problem;
use value::Span;

/// A YAML text that could not be read, in libyaml's and Salt's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlError {
    /// Which step found it.
    pub stage: Stage,
    /// What was being read when it was found, and where that began.
    pub context: Option<Part>,
    /// What is wrong, and where.
    pub problem: Part,
    /// Where in a source the context began.
    pub context_span: Span,
    /// Where in a source the problem is.
    pub span: Span,
    /// What to do about it, one line each.
    pub hints: Vec<String>,
    /// Other places that matter, each with what it has to do with it.
    pub related: Vec<(Part, Span)>,
    /// Whether the text ended where more was expected: what to correct is where the context began.
    pub at_end: bool,
}

/// One half of an error: a text and the bytes it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The message.
    pub text: String,
    /// Bytes of the text that was read.
    pub at: Range<usize>,
}

/// The step of reading that failed; PyYAML names its error classes after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Characters.
    Reader,
    /// Tokens.
    Scanner,
    /// Grammar.
    Parser,
    /// Anchors, aliases, documents.
    Composer,
    /// Values and keys.
    Constructor,
}

impl YamlError {
    pub(super) fn new(stage: Stage, context: Option<Part>, problem: Part) -> Self {
        Self {
            stage,
            context,
            problem,
            context_span: Span::NONE,
            span: Span::NONE,
            hints: Vec::new(),
            related: Vec::new(),
            at_end: false,
        }
    }

    pub(super) fn constructor(text: impl Into<String>, at: Range<usize>) -> Self {
        Self::new(Stage::Constructor, None, Part { text: text.into(), at })
    }

    pub(super) fn composer(text: impl Into<String>, at: Range<usize>) -> Self {
        Self::new(Stage::Composer, None, Part { text: text.into(), at })
    }

    pub(super) fn control_character(c: char, position: usize, at: Range<usize>) -> Self {
        let text = format!(
            "unacceptable character #x{:04x}: control characters are not allowed, position {position}",
            c as u32
        );
        Self::new(Stage::Reader, None, Part { text, at })
    }

    pub(super) fn in_context(mut self, text: impl Into<String>, at: Range<usize>) -> Self {
        self.context = Some(Part { text: text.into(), at });
        self
    }

    pub(super) fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }

    pub(super) fn related(mut self, text: impl Into<String>, at: Range<usize>) -> Self {
        self.related.push((Part { text: text.into(), at }, Span::NONE));
        self
    }

    /// Puts spans on every part and adds what the text itself suggests.
    pub(super) fn finish(mut self, text: &str, place: &impl super::Places) -> Self {
        self.span = place.span(self.problem.at.clone());
        if let Some(context) = &self.context {
            self.context_span = place.span(context.at.clone());
        }
        for (part, span) in &mut self.related {
            *span = place.span(part.at.clone());
        }
        self.at_end = self.context.is_some() && self.problem.at.start >= text.trim_end().len();
        if self.hints.is_empty() {
            self.hints.extend(super::hints::for_error(&self, text));
        }
        self
    }

    /// A stable name for the kind of error.
    pub fn code(&self) -> &'static str {
        let text = self.problem.text.as_str();
        match self.stage {
            Stage::Constructor if text.starts_with("found conflicting ID") => "yaml.duplicate-key",
            Stage::Constructor if text.starts_with("found unacceptable key") => "yaml.key",
            Stage::Constructor => "yaml.value",
            Stage::Composer => "yaml.structure",
            Stage::Reader => "yaml.character",
            Stage::Scanner | Stage::Parser => "yaml.syntax",
        }
    }
}

/// As Python prints the same error, without the places.
impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(context) = &self.context {
            write!(f, "{}: ", context.text)?;
        }
        f.write_str(&self.problem.text)
    }
}

impl std::error::Error for YamlError {}

impl From<YamlError> for Problem {
    fn from(error: YamlError) -> Self {
        let mut problem = Self::error(error.code(), error.to_string()).at(error.span);
        if error.at_end {
            let hints = error.hints.into_iter();
            return hints
                .fold(problem.at(error.context_span).related(error.span, "the text ends here"), Self::hint);
        }
        for (part, span) in error.related {
            problem = problem.related(span, part.text);
        }
        // Where reading began helps only when it is another line than the problem's.
        if let Some(context) = error.context
            && error.stage != Stage::Constructor
            && context.at.start != error.problem.at.start
        {
            problem = problem.related(error.context_span, context.text);
        }
        for hint in error.hints {
            problem = problem.hint(hint);
        }
        problem
    }
}
