//! A file system made of values that lies over another one: the ground of [`Overlay`](crate::Overlay) and
//! [`Memory`](crate::Memory).
//!
//! Reads are answered from the layer first and fall through to the form below where the layer says nothing.
//! Writes stay in the layer. Symbolic links are resolved here, step by step, since a link in one of the two may
//! lead into the other.

mod commands;
mod effects;
mod files;
mod layer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use commands::find_program;
pub(crate) use files::{MOST_LINKS, check, refuse_special};
pub(crate) use layer::{Content, Layer, Node};

use crate::{Command, Effect, Fact, Files, Output, Subject};

/// The layer and what lies below: a host, for a plan; or nothing but a script, for a test.
pub struct Layered {
    below: Option<Arc<dyn crate::Host>>,
    layer: Mutex<Layer>,
    script: Mutex<Vec<(String, Output)>>,
    acts: Mutex<Vec<String>>,
}

impl Layered {
    /// An empty layer over a host.
    pub(crate) fn over(below: Arc<dyn crate::Host>) -> Self {
        Self { below: Some(below), layer: Mutex::default(), script: Mutex::default(), acts: Mutex::default() }
    }

    /// An empty layer over nothing but a root directory.
    pub(crate) fn over_nothing() -> Self {
        Self {
            below: None,
            layer: Mutex::new(Layer::with_root()),
            script: Mutex::default(),
            acts: Mutex::default(),
        }
    }

    pub(crate) fn below(&self) -> Option<&Arc<dyn crate::Host>> {
        self.below.as_ref()
    }

    fn below_files(&self) -> Option<&dyn Files> {
        self.below.as_deref().map(|host| host as &dyn Files)
    }

    pub(crate) fn layer(&self) -> MutexGuard<'_, Layer> {
        self.layer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Patterns of commands with what they answer.
    pub(crate) fn script(&self) -> MutexGuard<'_, Vec<(String, Output)>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn scripted(&self, command: &Command) -> Option<Output> {
        let text = command.text();
        self.script().iter().find(|(pattern, _)| fits(pattern, &text)).map(|(_, output)| output.clone())
    }

    fn note_act(&self, text: &str) {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_string());
    }

    /// The texts of the actions so far.
    pub(crate) fn acted(&self) -> Vec<String> {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes an effect as done. An effect on a `path` makes that path exist, or go, in the layer.
    pub(crate) fn take(&self, effect: &Effect, because: &str) {
        if effect.subject.kind == "path" {
            self.take_path(std::path::Path::new(&effect.subject.name), &effect.after, because);
        }
        self.layer().facts.insert(effect.subject.clone(), effect.after.clone());
    }

    pub(crate) fn fact(&self, subject: &Subject) -> Option<Fact> {
        let own = self.layer().facts.get(subject).cloned();
        own.or_else(|| self.below.as_ref()?.fact(subject))
    }

    pub(crate) fn facts(&self, kind: &str) -> Vec<(String, Fact)> {
        let mut facts: std::collections::BTreeMap<String, Fact> =
            self.below.iter().flat_map(|below| below.facts(kind)).collect();
        let layer = self.layer();
        let own = layer.facts.iter().filter(|(subject, _)| subject.kind == kind);
        facts.extend(own.map(|(subject, fact)| (subject.name.clone(), fact.clone())));
        facts.into_iter().collect()
    }
}

/// Whether a text fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
