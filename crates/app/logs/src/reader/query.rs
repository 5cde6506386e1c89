//! What a reader is asked for.

use std::path::PathBuf;

use memchr::memmem;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::Item;
use crate::Timestamp;

/// Which events of an app's logs to read.
#[derive(Clone, Debug)]
pub struct Query {
    /// Names of processes (`web.1`) or process types (`web`); none means all.
    pub processes: Vec<String>,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Only events with a line that matches.
    pub pattern: Option<Pattern>,
    /// Only the newest so many of those.
    pub tail: Option<usize>,
    /// Logs in other folders that hold something of the app too.
    pub others: Vec<OtherLog>,
    /// Whether to go on with what is written after the reader was opened.
    pub follow: bool,
    /// The most bytes of an event's text; the rest is counted in [`crate::Event::cut`].
    pub event_bytes: usize,
}

impl Query {
    /// The usual limit of an event: 1 MiB.
    pub const EVENT_BYTES: usize = 1 << 20;
}

impl Query {
    pub(super) fn wants_process(&self, process: &str) -> bool {
        self.processes.is_empty() || self.processes.iter().any(|name| is_of(process, name))
    }

    /// What is asked of another log.
    pub(super) fn of_other(&self, other: &OtherLog) -> Self {
        let pattern = match self.pattern.clone() {
            Some(pattern) => other.pattern.clone().and(pattern),
            None => other.pattern.clone(),
        };
        Self { pattern: Some(pattern), ..self.clone() }
    }

    /// Gaps are always wanted: what is not there cannot be searched.
    pub(super) fn wants(&self, item: &Item) -> bool {
        let Item::Event(event) = item else { return true };
        self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time < until)
            && self.pattern.as_ref().is_none_or(|pattern| event.lines().any(|line| pattern.matches(line)))
    }
}

impl Default for Query {
    /// Everything there is, nothing that comes.
    fn default() -> Self {
        Self {
            processes: Vec::new(),
            since: None,
            until: None,
            pattern: None,
            tail: None,
            others: Vec::new(),
            follow: false,
            event_bytes: Self::EVENT_BYTES,
        }
    }
}

/// A log in another folder, of which some events belong to the app: a router's.
#[derive(Clone, Debug)]
pub struct OtherLog {
    /// The folder. It need not be there.
    pub directory: PathBuf,
    /// The process (`router.1`) or process type (`router`) whose logs are read there.
    pub process: String,
    /// What its events are called among the app's; [`Query::processes`] asks for them by it.
    pub name: String,
    /// Which of its events: those with a line that matches.
    pub pattern: Pattern,
}

/// Whether a process has a name, or is of a type of that name.
pub(super) fn is_of(process: &str, name: &str) -> bool {
    let process_type = process.rsplit_once('.').map_or(process, |(process_type, _)| process_type);
    name == process || name == process_type
}

/// What to search for in the bytes of a line.
#[derive(Clone, Debug)]
pub struct Pattern(Matcher);

#[derive(Clone, Debug)]
enum Matcher {
    Literal(Box<memmem::Finder<'static>>),
    Regex(Box<Regex>),
    Both(Box<Matcher>, Box<Matcher>),
}

/// A regular expression that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl Pattern {
    /// Lines that have these bytes in them.
    pub fn literal(bytes: &[u8]) -> Self {
        Self(Matcher::Literal(Box::new(memmem::Finder::new(bytes).into_owned())))
    }

    /// Lines that a regular expression matches anywhere, in the syntax of the crate `regex`, in time linear in the line. Lines need not be UTF-8.
    pub fn regex(expression: &str) -> Result<Self, PatternError> {
        let built = Regex::builder()
            .syntax(syntax::Config::new().utf8(false))
            .configure(Regex::config().utf8_empty(false))
            .build(expression);
        built.map(|regex| Self(Matcher::Regex(Box::new(regex)))).map_err(|error| {
            let syntax = error.syntax_error().map(ToString::to_string);
            PatternError(syntax.unwrap_or_else(|| error.to_string()))
        })
    }

    /// Lines that match both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(Matcher::Both(Box::new(self.0), Box::new(other.0)))
    }

    /// Whether one line matches.
    pub fn matches(&self, line: &[u8]) -> bool {
        self.0.matches(line)
    }
}

impl Matcher {
    fn matches(&self, line: &[u8]) -> bool {
        match self {
            Self::Literal(finder) => finder.find(line).is_some(),
            Self::Regex(regex) => regex.is_match(line),
            Self::Both(one, other) => one.matches(line) && other.matches(line),
        }
    }
}
