//! State and pillar trees in directories of this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use render::tree_files::clean;
use render::{TreeFileError, TreeFiles};

use crate::{FileKind, Files, HostError};

/// Larger files of a tree are refused.
const LARGEST_FILE: u64 = 64 << 20;

/// Deeper folders are not listed: links may lead round in a circle.
const DEEPEST: usize = 32;

/// Directories by saltenv, as `file_roots` and `pillar_roots` name them. The first root that has a file wins.
///
/// A path of the tree never leaves its root by `..`. Symbolic links in a tree are followed wherever they lead, as
/// Salt's `fileserver_followsymlinks` has it by default: whoever can place links in the tree can place states in it. A run sees
/// one version of each file: what was read once is kept.
pub struct TreeRoots<F> {
    files: F,
    roots: BTreeMap<String, Vec<PathBuf>>,
    read: Mutex<ReadFiles>,
    listed: Mutex<HashMap<String, Listing>>,
}

/// What has been read, by saltenv and path; `None` is a file that no root has.
type ReadFiles = HashMap<(String, String), Option<ReadFile>>;

#[derive(Clone)]
struct ReadFile {
    content: Arc<[u8]>,
    /// Its path on disk, for people.
    full: Arc<str>,
}

/// Files and folders of a saltenv.
type Listing = (Arc<Vec<String>>, Arc<Vec<String>>);

impl<F: Files + Send + Sync> TreeRoots<F> {
    /// Roots by saltenv, in the order in which they are searched.
    pub fn new(files: F, roots: impl IntoIterator<Item = (String, Vec<PathBuf>)>) -> Self {
        Self { files, roots: roots.into_iter().collect(), read: Mutex::default(), listed: Mutex::default() }
    }

    fn folders(&self, saltenv: &str) -> &[PathBuf] {
        let own = self.roots.get(saltenv).or_else(|| self.roots.get("__env__"));
        own.map(Vec::as_slice).unwrap_or_default()
    }

    /// The first root's file of that path.
    fn find(&self, saltenv: &str, path: &str) -> Result<Option<PathBuf>, TreeFileError> {
        for root in self.folders(saltenv) {
            let full = root.join(path);
            match self.files.metadata(&full) {
                Ok(Some(found)) if found.kind == FileKind::Directory => {}
                Ok(Some(found)) if found.size > LARGEST_FILE => {
                    let path = full.display().to_string();
                    return Err(TreeFileError::TooLarge { path, size: found.size, limit: LARGEST_FILE });
                }
                Ok(Some(_)) => return Ok(Some(full)),
                Ok(None) => {}
                Err(error) => return Err(unreadable(&full, &error)),
            }
        }
        Ok(None)
    }

    fn listing(&self, saltenv: &str) -> Result<Listing, TreeFileError> {
        if let Some(listing) = self.listed.lock().unwrap_or_else(PoisonError::into_inner).get(saltenv) {
            return Ok(listing.clone());
        }
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for root in self.folders(saltenv) {
            self.walk(root, "", 0, &mut files, &mut folders)?;
        }
        for names in [&mut files, &mut folders] {
            names.sort();
            names.dedup();
        }
        let listing = (Arc::new(files), Arc::new(folders));
        self.listed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(saltenv.to_string(), listing.clone());
        Ok(listing)
    }

    fn walk(
        &self,
        root: &PathBuf,
        inside: &str,
        depth: usize,
        files: &mut Vec<String>,
        folders: &mut Vec<String>,
    ) -> Result<(), TreeFileError> {
        let folder = root.join(inside);
        let entries = match self.files.list(&folder) {
            Ok(entries) => entries,
            Err(HostError::NotFound(_) | HostError::NotADirectory(_)) if depth == 0 => return Ok(()),
            Err(error) => return Err(unreadable(&folder, &error)),
        };
        for entry in entries {
            let name = if inside.is_empty() { entry.name } else { format!("{inside}/{}", entry.name) };
            if name == ".git" || name.contains('\u{fffd}') {
                continue;
            }
            let kind = match entry.kind {
                FileKind::Symlink => {
                    self.files.metadata(&root.join(&name)).ok().flatten().map(|found| found.kind)
                }
                kind => Some(kind),
            };
            match kind {
                Some(FileKind::Directory) if depth < DEEPEST => {
                    folders.push(name.clone());
                    self.walk(root, &name, depth + 1, files, folders)?;
                }
                Some(FileKind::File) => files.push(name),
                _ => {}
            }
        }
        Ok(())
    }
}

impl<F: Files + Send + Sync> TreeFiles for TreeRoots<F> {
    fn read(&self, saltenv: &str, path: &str) -> Result<Option<Arc<[u8]>>, TreeFileError> {
        let path = clean(path)?;
        let key = (saltenv.to_string(), path);
        if let Some(known) = self.read.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.as_ref().map(|file| file.content.clone()));
        }
        let file = match self.find(saltenv, &key.1)? {
            Some(full) => Some(ReadFile {
                content: self.files.read(&full).map_err(|error| unreadable(&full, &error))?,
                full: full.display().to_string().into(),
            }),
            None => None,
        };
        let content = file.as_ref().map(|file| file.content.clone());
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(key, file);
        Ok(content)
    }

    fn list(&self, saltenv: &str) -> Result<Arc<Vec<String>>, TreeFileError> {
        self.listing(saltenv).map(|(files, _)| files)
    }

    fn list_dirs(&self, saltenv: &str) -> Result<Arc<Vec<String>>, TreeFileError> {
        self.listing(saltenv).map(|(_, folders)| folders)
    }

    fn describe(&self, saltenv: &str, path: &str) -> String {
        let full = clean(path).ok().and_then(|path| {
            let key = (saltenv.to_string(), path);
            match self.read.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
                Some(known) => known.as_ref().map(|file| file.full.to_string()),
                None => self.find(saltenv, &key.1).ok().flatten().map(|full| full.display().to_string()),
            }
        });
        full.unwrap_or_else(|| format!("salt://{path}"))
    }

    fn saltenvs(&self) -> Vec<String> {
        let mut names: Vec<String> = self.roots.keys().filter(|name| *name != "__env__").cloned().collect();
        names.sort_by_key(|name| name != "base");
        names
    }
}

fn unreadable(path: &std::path::Path, error: &HostError) -> TreeFileError {
    TreeFileError::Unreadable { path: path.display().to_string(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    fn roots() -> TreeRoots<Memory> {
        let files = Memory::empty()
            .file("/a/top.sls", "one")
            .file("/a/web/init.sls", "web")
            .file("/b/top.sls", "two")
            .file("/b/db.sls", "db")
            .file("/secret", "s")
            .symlink("/b/round", "/b");
        TreeRoots::new(files, [("base".to_string(), vec!["/a".into(), "/b".into()])])
    }

    #[test]
    fn the_first_root_wins_and_none_is_left() {
        let tree = roots();
        assert_eq!(tree.read("base", "top.sls").unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(tree.read("base", "db.sls").unwrap().as_deref(), Some(&b"db"[..]));
        assert_eq!(tree.read("dev", "db.sls").unwrap(), None);
        assert!(tree.read("base", "../secret").is_err());
        assert_eq!(tree.read("base", "/secret").unwrap(), None);
    }

    #[test]
    fn links_in_a_circle_end() {
        let list = roots().list("base").unwrap();
        assert!(list.contains(&"web/init.sls".to_string()) && list.len() < 200);
    }
}
