//! What a machine has besides files: packages, services, accounts, anything a program manages.

use std::borrow::Cow;
use std::fmt;

use value::Value;

/// The thing a fact is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    /// Its kind, in the singular: `package`, `service`, `user`, `group`, …
    pub kind: Cow<'static, str>,
    /// Its name.
    pub name: String,
}

impl Subject {
    /// A subject of that kind and name.
    pub fn new(kind: &'static str, name: impl Into<String>) -> Self {
        Self { kind: Cow::Borrowed(kind), name: name.into() }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// How it is with a subject.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// It is not there.
    Absent,
    /// It is there, with these properties (a map whose keys the owning module documents).
    Present(Value),
    /// It will have been touched, in a way that only the run can tell.
    Unknown,
}

/// One subject before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// What it is about.
    pub subject: Subject,
    /// How it was.
    pub before: Fact,
    /// How it will be.
    pub after: Fact,
}

/// What the host has been told since the run began. Empty on a real machine at the start.
pub trait Facts {
    /// What was declared about a subject; `None` means "look for yourself".
    fn fact(&self, subject: &Subject) -> Option<Fact>;

    /// Everything declared about a kind, by name.
    fn facts(&self, kind: &str) -> Vec<(String, Fact)>;
}
