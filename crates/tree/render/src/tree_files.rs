//! What rendering needs of a state tree.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The files of a state tree, by saltenv and path.
///
/// Paths are relative to the roots of the saltenv, with `/` between parts, without a leading `salt://`.
/// An implementation answers for paths that [`clean`] accepts and must never leave its roots, whatever
/// the path says.
pub trait TreeFiles: Send + Sync {
    /// The content of a file; `None` when no root of the saltenv has it (or the saltenv is unknown).
    fn read(&self, saltenv: &str, path: &str) -> Result<Option<Arc<[u8]>>, TreeFileError>;

    /// All files of a saltenv, relative, sorted.
    fn list(&self, saltenv: &str) -> Result<Arc<Vec<String>>, TreeFileError>;

    /// All folders of a saltenv, relative, sorted, empty ones included.
    fn list_dirs(&self, saltenv: &str) -> Result<Arc<Vec<String>>, TreeFileError>;

    /// What a person calls the file: its path on disk, or `salt://path` when there is none.
    fn describe(&self, saltenv: &str, path: &str) -> String;

    /// Whether a file is there.
    fn exists(&self, saltenv: &str, path: &str) -> Result<bool, TreeFileError> {
        Ok(self.read(saltenv, path)?.is_some())
    }

    /// The names of the saltenvs that have roots, `base` first.
    fn saltenvs(&self) -> Vec<String> {
        vec!["base".into()]
    }
}

/// Why a file of the tree could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeFileError {
    /// The path points out of the tree.
    #[error("the path `{path}` leaves the state tree")]
    Escapes {
        /// The path as asked for.
        path: String,
    },
    /// A symbolic link leads out of the tree, and links are not to be followed.
    #[error("`{path}` leads out of the state tree by a symbolic link")]
    LeadsOut {
        /// What a person calls the file.
        path: String,
    },
    /// The file is there but could not be read.
    #[error("cannot read `{path}`: {reason}")]
    Unreadable {
        /// What a person calls the file.
        path: String,
        /// What the system said.
        reason: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The file is larger than rendering accepts.
    #[error("`{path}` has {size} bytes; the limit is {limit}")]
    TooLarge {
        /// What a person calls the file.
        path: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
}

impl TreeFileError {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Escapes { .. } => "write the path from the tree's root, without `..`",
            Self::LeadsOut { .. } => {
                "put the file itself into the tree, or allow such links: `fileserver_followsymlinks: True`"
            }
            Self::Unreadable { hint, .. } => hint,
            Self::TooLarge { .. } => {
                "is that the file that was meant? Keep data of that size outside the tree and name it by its path"
            }
        }
    }
}

/// The path with `.` parts and doubled slashes gone and `..` parts applied; an error when it would
/// leave the tree or holds a NUL byte.
pub fn clean(path: &str) -> Result<Cow<'_, str>, TreeFileError> {
    let escapes = || TreeFileError::Escapes { path: path.into() };
    if path.contains('\0') {
        return Err(escapes());
    }
    if !path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Ok(Cow::Borrowed(path));
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(escapes)?;
            }
            part => parts.push(part),
        }
    }
    Ok(Cow::Owned(parts.join("/")))
}

/// A tree held in memory: for tests and for text that comes from no file.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree {
    saltenvs: BTreeMap<String, BTreeMap<String, Arc<[u8]>>>,
}

impl MemoryTree {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree with one more file in saltenv `base`.
    pub fn with(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.add("base", path, content);
        self
    }

    /// Puts a file into a saltenv.
    pub fn add(&mut self, saltenv: &str, path: &str, content: impl AsRef<[u8]>) {
        self.saltenvs.entry(saltenv.into()).or_default().insert(path.into(), content.as_ref().into());
    }
}

impl TreeFiles for MemoryTree {
    fn read(&self, saltenv: &str, path: &str) -> Result<Option<Arc<[u8]>>, TreeFileError> {
        let path = clean(path)?;
        Ok(self.saltenvs.get(saltenv).and_then(|files| files.get(&*path)).cloned())
    }

    fn list(&self, saltenv: &str) -> Result<Arc<Vec<String>>, TreeFileError> {
        Ok(Arc::new(self.saltenvs.get(saltenv).into_iter().flat_map(BTreeMap::keys).cloned().collect()))
    }

    fn list_dirs(&self, saltenv: &str) -> Result<Arc<Vec<String>>, TreeFileError> {
        let mut dirs = BTreeSet::new();
        for path in self.saltenvs.get(saltenv).into_iter().flat_map(BTreeMap::keys) {
            dirs.extend(path.match_indices('/').map(|(at, _)| path[..at].to_string()));
        }
        Ok(Arc::new(dirs.into_iter().collect()))
    }

    fn describe(&self, _saltenv: &str, path: &str) -> String {
        format!("salt://{path}")
    }

    fn saltenvs(&self) -> Vec<String> {
        self.saltenvs.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_never_leaves_the_tree() {
        assert_eq!(clean("a/./b//c/../d").as_deref(), Ok("a/b/d"));
        assert_eq!(clean("/etc/x").as_deref(), Ok("etc/x"));
        for path in ["..", "a/../../b", "../x", "a\0b"] {
            assert!(clean(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn memory_tree_answers() {
        let tree = MemoryTree::new().with("top.sls", "x").with("web/files/a.conf", "y");
        assert_eq!(tree.read("base", "web/./files/a.conf").unwrap().as_deref(), Some(&b"y"[..]));
        assert_eq!(tree.read("dev", "top.sls").unwrap(), None);
        assert_eq!(*tree.list("base").unwrap(), ["top.sls", "web/files/a.conf"]);
        assert_eq!(*tree.list_dirs("base").unwrap(), ["web", "web/files"]);
        assert!(tree.exists("base", "top.sls").unwrap());
    }
}
