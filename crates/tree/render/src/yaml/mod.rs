//! YAML as Salt reads it, and as Salt writes it.
//!
//! Salt loads with libyaml and a schema of its own: YAML 1.1 as PyYAML resolves it, except that leading
//! zeros do not make a number octal, timestamps stay text, and a key that a mapping has twice is an error.
//! [`load`] does the same, in four steps: `scan` (events, by libyaml's scanner in Rust), `compose` (nodes, anchors,
//! aliases), `schema` (what a plain scalar means) and `construct` (values, merge keys). `block` spares simple texts all four.
//! Every value and key carries its place, which [`Places`] answers: in a plain file, or through a
//! rendered template back to its source.
//!
//! [`fn@dump`] writes what PyYAML's `safe_dump` writes, style for style.
//!
//! Promises: no text makes [`load`] panic; nesting and the size that aliases can make are bounded. Unlike
//! Salt, a collection that contains itself is an error, and a set becomes a list.

mod block;
mod compose;
mod construct;
mod dump;
mod error;
mod hints;
mod scan;
mod schema;

use std::ops::Range;

pub(crate) use dump::dump_double_quoted;
pub use dump::{DumpStyle, dump};
pub use error::{Part, Stage, YamlError};
use value::{SourceId, Span, Value};

/// Says where a range of bytes of the text that is read stands in a source.
pub trait Places {
    /// The span of those bytes; [`Span::NONE`] when nothing stands behind them.
    fn span(&self, range: Range<usize>) -> Span;
}

/// A text that is itself the source.
#[derive(Clone, Copy, Debug)]
pub struct PlainText(pub SourceId);

impl Places for PlainText {
    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.0, range.start, range.end)
    }
}

/// A text without a source.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

impl Places for Nowhere {
    fn span(&self, _range: Range<usize>) -> Span {
        Span::NONE
    }
}

impl<F: Fn(Range<usize>) -> Span> Places for F {
    fn span(&self, range: Range<usize>) -> Span {
        self(range)
    }
}

/// Reads the one document of a text; a text without one is null.
pub fn load(text: &str, places: &impl Places) -> Result<Value, YamlError> {
    match block::read(text, places) {
        Some(value) => Ok(value),
        None => load_by_scanner(text, places),
    }
}

/// Reads it by way of the scanner, whatever is in it.
fn load_by_scanner(text: &str, places: &impl Places) -> Result<Value, YamlError> {
    let read = || {
        let mut document = compose::compose(text)?;
        match document.root {
            None => Ok(Value::NULL),
            Some(root) => construct::Constructor::new(&mut document, places).construct(root, 0),
        }
    };
    read().map_err(|error: YamlError| error.finish(text, places))
}
