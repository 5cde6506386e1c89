//! The registry of texts that have been read.

use std::sync::{Arc, RwLock};

use value::{SourceId, Span};

/// A text with a name.
#[derive(Debug)]
pub struct Source {
    /// What a person calls it: a path, `salt://web/init.sls`, `<command line>`.
    pub name: String,
    /// Its content.
    pub text: Arc<str>,
}

/// Line and column of a span's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The source's name.
    pub name: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.name, self.line, self.column)
    }
}

/// All texts of a run. Cloning shares the registry.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    list: Arc<RwLock<Vec<Arc<Source>>>>,
}

impl Sources {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a text and answers the id that spans into it carry (never 0, which means none).
    pub fn add(&self, name: impl Into<String>, text: impl Into<Arc<str>>) -> SourceId {
        let mut list = self.list.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        list.push(Arc::new(Source { name: name.into(), text: text.into() }));
        SourceId(u32::try_from(list.len()).unwrap_or(u32::MAX))
    }

    /// The source of that id.
    pub fn get(&self, id: SourceId) -> Option<Arc<Source>> {
        let list = self.list.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        list.get((id.0 as usize).checked_sub(1)?).cloned()
    }

    /// Where a span starts; `None` for [`Span::NONE`] and unknown sources.
    pub fn locate(&self, span: Span) -> Option<Location> {
        let source = self.get(span.source)?;
        let before = source.text.get(..span.start as usize).unwrap_or(&source.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some(Location {
            name: source.name.clone(),
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locates_by_line_and_character() {
        let sources = Sources::new();
        let id = sources.add("a.sls", "x: 1\nä: é y\n");
        let at = sources.locate(Span::new(id, 11, 12)).unwrap();
        assert_eq!(at.to_string(), "a.sls:2:5");
        assert_eq!(sources.locate(Span::NONE), None);
        assert_eq!(sources.locate(Span::new(id, 999, 1000)).unwrap().line, 3);
    }
}
