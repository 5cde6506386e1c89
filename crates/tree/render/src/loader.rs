//! Where imported, included and extended templates come from: the state tree.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::{HashMap, HashSet};
use jinja::{Error, ErrorKind, Globals, Loaded};
use report::Sources;
use value::{SourceId, Span};

use crate::TreeFiles;
use crate::tree_files::clean;

/// Texts that have been registered as sources, so that one file read a thousand times is one source.
#[derive(Default)]
pub(crate) struct KnownTexts {
    by_name: Mutex<HashMap<String, (Arc<str>, SourceId)>>,
}

impl KnownTexts {
    /// The text and its source; a text that changed since is a new source.
    pub(crate) fn source(&self, sources: &Sources, name: &str, text: &str) -> (Arc<str>, SourceId) {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, source)) = by_name.get(name)
            && &**known == text
        {
            return (known.clone(), *source);
        }
        let text: Arc<str> = text.into();
        let source = sources.add(name, text.clone());
        by_name.insert(name.into(), (text.clone(), source));
        (text, source)
    }
}

/// Finds templates of one saltenv for one rendering.
pub(crate) struct TreeLoader<'r> {
    pub(crate) files: &'r dyn TreeFiles,
    pub(crate) sources: &'r Sources,
    pub(crate) texts: &'r KnownTexts,
    pub(crate) saltenv: &'r str,
    pub(crate) limit: usize,
    /// Full names that were asked for as `./x` or `../x`: these leave `tpldir` as it is.
    pub(crate) relative: RefCell<HashSet<Arc<str>>>,
}

impl jinja::Loader for TreeLoader<'_> {
    fn resolve(&self, name: &str, importer: Option<&str>, globals: &Globals) -> Result<Arc<str>, Error> {
        let first = name.split('/').next().unwrap_or_default();
        let is_relative = matches!(first, "." | "..");
        let path = if is_relative {
            // Against the importing template; Salt takes the folder of the last one named in full.
            let tpldir = globals.get("tpldir").and_then(|dir| dir.as_str()).unwrap_or(".");
            let own = importer.and_then(|importer| importer.rsplit_once('/')).map(|(folder, _)| folder);
            let beside = |folder: &str| clean(&format!("{folder}/{name}")).map(Cow::into_owned);
            match beside(own.unwrap_or(if importer.is_some() { "." } else { tpldir })) {
                Ok(path) if self.files.exists(self.saltenv, &path).unwrap_or(true) => Ok(path),
                near => match beside(tpldir) {
                    Ok(path) if self.files.exists(self.saltenv, &path).unwrap_or(false) => Ok(path),
                    _ => near,
                },
            }
        } else {
            clean(name.strip_prefix("salt://").unwrap_or(name)).map(Cow::into_owned)
        };
        let path = path.map_err(|error| {
            Error::new(ErrorKind::NotFound, name)
                .hint(format!("{error}: templates are read from the tree only, by their path below its root"))
        })?;
        let full: Arc<str> = path.into();
        if is_relative {
            self.relative.borrow_mut().insert(full.clone());
        }
        Ok(full)
    }

    fn load(&self, name: &str) -> Result<Option<Loaded>, Error> {
        let bytes = self
            .files
            .read(self.saltenv, name)
            .map_err(|error| Error::other("OSError", error.to_string()).hint(error.hint()))?;
        let Some(bytes) = bytes else { return Ok(None) };
        if bytes.len() > self.limit {
            let text = format!("`{name}` has {} bytes; templates may have {}", bytes.len(), self.limit);
            return Err(
                Error::limit(text).hint("templates are text for people: keep data in files of its own")
            );
        }
        let described = self.files.describe(self.saltenv, name);
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let at = error.valid_up_to();
            // Up to the byte that is none, the readable form has the same offsets.
            let source = self.sources.add(&*described, String::from_utf8_lossy(&bytes));
            Error::other("UnicodeDecodeError", format!("`{name}` is not UTF-8: invalid byte at offset {at}"))
                .at(Span::new(source, at, at + char::REPLACEMENT_CHARACTER.len_utf8()))
        })?;
        let (text, source) = self.texts.source(self.sources, &described, text);
        let mut loaded = Loaded::new(text, source);
        loaded.globals.push(("tplfile".into(), name.into()));
        if !self.relative.borrow().contains(name) {
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let dir = if folder.is_empty() { "." } else { folder };
            loaded.globals.push(("tpldir".into(), dir.into()));
            loaded.globals.push(("tpldot".into(), folder.replace('/', ".").as_str().into()));
        }
        Ok(Some(loaded))
    }
}
