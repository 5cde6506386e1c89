//! Where included, imported and extended templates come from.

use std::sync::Arc;

use value::SourceId;

use crate::{Error, Globals, Value};

/// A template's text, found.
#[derive(Clone)]
pub struct Loaded {
    /// The text.
    pub text: Arc<str>,
    /// What spans into it carry.
    pub source: SourceId,
    /// Globals that change for the rest of the rendering when this template is first loaded
    /// (Salt's `tplpath`, `tpldir` and their kin).
    pub globals: Vec<(Arc<str>, Value)>,
}

impl Loaded {
    /// A text that changes no globals.
    pub fn new(text: impl Into<Arc<str>>, source: SourceId) -> Self {
        Self { text: text.into(), source, globals: Vec::new() }
    }
}

/// Finds templates by name.
pub trait Loader {
    /// The full name of what a template asks for: `./x` and `../x` are the loader's to resolve.
    /// A template is loaded once a rendering for each full name. `importer` is the full name of
    /// the asking template, `None` for the main one.
    fn resolve(&self, name: &str, importer: Option<&str>, globals: &Globals) -> Result<Arc<str>, Error> {
        let _ = (importer, globals);
        Ok(name.into())
    }

    /// The template of that full name; `None` when there is none.
    fn load(&self, name: &str) -> Result<Option<Loaded>, Error>;
}

/// Finds nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLoader;

impl Loader for NoLoader {
    fn load(&self, _name: &str) -> Result<Option<Loaded>, Error> {
        Ok(None)
    }
}
