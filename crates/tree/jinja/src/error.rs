//! What can go wrong, in Python's words.

use std::fmt;
use std::sync::Arc;

use report::Problem;
use value::Span;

use crate::advice::advice;

/// What kind of failure it is: Jinja's and Python's exception classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// `TemplateSyntaxError`
    Syntax,
    /// `TemplateAssertionError`: well-formed, but names something that is not there (a filter).
    Assertion,
    /// `TemplateRuntimeError`
    Runtime,
    /// `UndefinedError`
    Undefined,
    /// `FilterArgumentError`
    FilterArgument,
    /// `SecurityError`
    Security,
    /// `TemplateNotFound`
    NotFound,
    /// `TemplatesNotFound`: none of a list.
    NoneFound,
    /// `TypeError`
    Type,
    /// `ValueError`
    Value,
    /// `KeyError`
    Key,
    /// `IndexError`
    Index,
    /// `AttributeError`
    Attribute,
    /// `ZeroDivisionError`
    ZeroDivision,
    /// `OverflowError`
    Overflow,
    /// A bound of [`Limits`](crate::Limits) was passed.
    Limit,
    /// Any other exception class, by name.
    Other(Arc<str>),
}

impl ErrorKind {
    /// The name of the exception class.
    pub fn class_name(&self) -> &str {
        match self {
            Self::Syntax => "TemplateSyntaxError",
            Self::Assertion => "TemplateAssertionError",
            Self::Runtime => "TemplateRuntimeError",
            Self::Undefined => "UndefinedError",
            Self::FilterArgument => "FilterArgumentError",
            Self::Security => "SecurityError",
            Self::NotFound => "TemplateNotFound",
            Self::NoneFound => "TemplatesNotFound",
            Self::Type => "TypeError",
            Self::Value => "ValueError",
            Self::Key => "KeyError",
            Self::Index => "IndexError",
            Self::Attribute => "AttributeError",
            Self::ZeroDivision => "ZeroDivisionError",
            Self::Overflow => "OverflowError",
            Self::Limit => "LimitError",
            Self::Other(name) => name,
        }
    }

    /// The stable code of the problem it becomes.
    fn code(&self) -> &'static str {
        match self {
            Self::Syntax => "jinja.syntax",
            Self::Assertion => "jinja.unknown-name",
            Self::Runtime | Self::Other(_) => "jinja.runtime",
            Self::Undefined => "jinja.undefined",
            Self::FilterArgument => "jinja.argument",
            Self::Security => "jinja.security",
            Self::NotFound | Self::NoneFound => "jinja.not-found",
            Self::Type => "jinja.type",
            Self::Value => "jinja.value",
            Self::Key | Self::Index | Self::Attribute => "jinja.lookup",
            Self::ZeroDivision | Self::Overflow => "jinja.arithmetic",
            Self::Limit => "jinja.limit",
        }
    }
}

/// A failure: its kind, its text as Python prints the exception, where it happened, and the calls
/// and imports that led there.
#[derive(Clone, Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    span: Span,
    trace: Vec<TraceEntry>,
    hints: Vec<String>,
    related: Vec<(Span, String)>,
    /// The variable that is not there, until someone who knows the others has suggested one.
    missing: Option<Arc<str>>,
}

/// A place that was on the way to the failure, innermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEntry {
    /// The include, import or call.
    pub span: Span,
    /// What stands there: `included here`, `imported here`, `called here`.
    pub label: &'static str,
}

impl Error {
    /// A failure without a place; the evaluator adds it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                span: Span::NONE,
                trace: Vec::new(),
                hints: Vec::new(),
                related: Vec::new(),
                missing: None,
            }),
        }
    }

    /// A `TypeError`.
    pub fn type_error(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Type, message)
    }

    /// A `ValueError`.
    pub fn value_error(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Value, message)
    }

    /// A bound that was passed.
    pub fn limit(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Limit, message)
    }

    /// The template leads back to itself too often.
    pub(crate) fn recursion() -> Self {
        Self::limit("maximum recursion depth exceeded").hint(
            "a macro, include or import leads back to itself: take that line out, or let an `if` end it",
        )
    }

    /// An exception class without a kind of its own.
    pub fn other(class: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Other(class.into()), message)
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// The exception's text.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Where in which template; [`Span::NONE`] when it happened outside any.
    pub fn span(&self) -> Span {
        self.inner.span
    }

    /// The calls and imports on the way there, innermost first.
    pub fn trace(&self) -> &[TraceEntry] {
        &self.inner.trace
    }

    /// Advice, one line each.
    pub fn hints(&self) -> &[String] {
        &self.inner.hints
    }

    /// Puts it at a span unless it has one.
    pub fn at(mut self, span: Span) -> Self {
        if self.inner.span.is_none() {
            self.inner.span = span;
        }
        self
    }

    /// Adds advice.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hints.push(hint.into());
        self
    }

    /// Points at another place that matters.
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.inner.related.push((span, text.into()));
        self
    }

    /// Adds advice when there is none yet.
    pub fn or_hint(self, hint: impl Into<String>) -> Self {
        if self.inner.hints.is_empty() { self.hint(hint) } else { self }
    }

    /// Adds "did you mean" when a known word is near.
    pub fn did_you_mean<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match report::suggest(word, known) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// Says that it is about a variable nothing defines.
    pub(crate) fn about(mut self, name: &Arc<str>) -> Self {
        self.inner.missing = Some(name.clone());
        self
    }

    /// The variable it is about, told once.
    pub(crate) fn take_missing(&mut self) -> Option<Arc<str>> {
        self.inner.missing.take()
    }

    /// Adds a place on the way; deep recursions keep the innermost entries only.
    pub fn traced(mut self, span: Span, label: &'static str) -> Self {
        const KEPT: usize = 20;
        if self.inner.trace.len() < KEPT {
            self.inner.trace.push(TraceEntry { span, label });
        }
        self
    }
}

/// `TypeError: can only concatenate str (not "int") to str`
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.inner.kind.class_name(), self.inner.message)
    }
}

impl std::error::Error for Error {}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let inner = &error.inner;
        let mut problem = match inner.kind {
            ErrorKind::NotFound => {
                Self::error(inner.kind.code(), format!("template `{}` not found", inner.message))
            }
            _ => Self::error(inner.kind.code(), inner.message.clone()).why(inner.kind.class_name()),
        };
        problem = problem.at(inner.span);
        for (span, text) in &inner.related {
            problem = problem.related(*span, text.clone());
        }
        for entry in inner.trace.iter().take(SHOWN) {
            problem = problem.related(entry.span, entry.label);
        }
        if inner.trace.len() > SHOWN {
            problem = problem
                .why(format!("and {} more calls and imports on the way here", inner.trace.len() - SHOWN));
        }
        for hint in &inner.hints {
            problem = problem.hint(hint.clone());
        }
        if inner.hints.is_empty() { problem.hint(advice(&inner.kind, &inner.message)) } else { problem }
    }
}

/// Places on the way to a failure that are shown: in a recursion they are all alike.
const SHOWN: usize = 4;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}
